"""Answers to ex_leaky: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "leaky_vjp"
KIND = "vjp"
WRT = (0,)
SOLUTION = """import numpy as np


def leaky_vjp(g, x, slope):
    return g * np.where(x > 0, 1, slope)
"""
HINTS = (
    "np.where(condition, a, b) chooses for each element.",
    "The derivative is one of two numbers.",
)
WRONG = (  # what is changed in the solution, and the kind of wrong that it is
    ("negative_inputs", "np.where(x > 0, 1, slope)", "(x > 0)"),
    ("wrong_gradient", "np.where(x > 0, 1, slope)", "np.where(x > 0, slope, 1)"),
    ("ignores_upstream", "g * np", "np"),
)


def forward(x, slope):
    return np.where(x > 0, x, slope * x)


def cases(rng):
    return [(rng.standard_normal((3, 4)), 0.2), (np.array([0.0, 2, -1]), 0.1)]
