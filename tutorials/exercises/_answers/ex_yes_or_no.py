"""Answers to ex_yes_or_no: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "binary_grad"
KIND = "grad"
WRT = (0,)
SOLUTION = """import numpy as np


def binary_grad(z, y):
    return 1 / (1 + np.exp(-z)) - y
"""
HINTS = (
    "dL/dp times dp/dz: most of it cancels.",
    "Compare with the exercise before.",
)
WRONG = (  # what is changed in the solution, and the kind of wrong that it is
    ("sign", "1 / (1 + np.exp(-z)) - y", "y - 1 / (1 + np.exp(-z))"),
    ("wrong_gradient", " - y", ""),
    ("factor", "1 / (1 + np.exp(-z)) - y", "(1 / (1 + np.exp(-z)) - y) / len(z)"),
)


def forward(z, y):
    return np.sum(np.log1p(np.exp(-z)) + (1 - y) * z)


def cases(rng):
    return [(rng.standard_normal(5), np.array([1.0, 0, 0, 1, 1]))]
