"""Answers to ex_length: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "length_vjp"
KIND = "vjp"
SOLUTION = """import numpy as np


def length_vjp(g, x):
    y = np.sqrt((x**2).sum(axis=1))
    return (g / y)[:, None] * x
"""
HINTS = (
    "Differentiate the root, then the sum of squares.",
    "A 2 cancels; what remains points along x.",
)
WRONG = (  # what is changed in the solution, and the kind of wrong that it is
    ("factor", "* x", "* 2 * x"),
    ("wrong_gradient", "g / y", "g"),
    ("ignores_upstream", "g / y", "1 / y"),
    ("sign", "(g / y)", "-(g / y)"),
)


def forward(x):
    return np.sqrt((x**2).sum(axis=1))


def cases(rng):
    return [(rng.standard_normal((3, 4)),), (1e-6 * rng.standard_normal((2, 3)),)]
