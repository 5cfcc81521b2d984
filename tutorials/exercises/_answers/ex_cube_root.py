"""Answers to ex_cube_root: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "cube_root_vjp"
KIND = "vjp"
SOLUTION = """import numpy as np


def cube_root_vjp(g, x):
    return g / (3 * np.cbrt(x) ** 2)
"""
HINTS = (
    "The power rule: lower the exponent by one.",
    "1/3 - 1 is negative: it goes below the line.",
)
WRONG = (  # what is changed in the solution, and the kind of wrong that it is
    ("factor", "(3 * np", "(np"),
    ("ignores_upstream", "g /", "1 /"),
    ("wrong_gradient", " ** 2", ""),
)


def forward(x):
    return np.cbrt(x)


def cases(rng):
    return [(np.abs(rng.standard_normal((3, 4))) + 0.5,), (np.array([1e-9, 1e-6, 2e3]),)]
