"""Answers to ex_squared_error: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "squared_error_grad"
KIND = "grad"
SOLUTION = """import numpy as np


def squared_error_grad(p, y):
    dp = 2 * (p - y) / len(p)
    return dp, -dp
"""
HINTS = (
    "Differentiate one square, then remember the mean.",
    "The two gradients differ in sign only.",
)
WRONG = (  # what is changed in the solution, and the kind of wrong that it is
    ("factor", "2 * (p", "(p"),
    ("sign", "dp, -dp", "dp, dp"),
    ("factor", " / len(p)", ""),
    ("swapped", "dp, -dp", "-dp, dp"),
)


def forward(p, y):
    return np.mean((p - y) ** 2)


def cases(rng):
    return [(rng.standard_normal(5), rng.standard_normal(5))]
