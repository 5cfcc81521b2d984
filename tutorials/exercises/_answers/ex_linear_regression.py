"""Answers to ex_linear_regression: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "regression_grad"
KIND = "grad"
WRT = (2, 3)
SOLUTION = """import numpy as np


def regression_grad(x, y, w, b):
    error = x @ w + b - y
    return x.T @ error / len(y), error.mean()
"""
HINTS = (
    "The error of each example comes first.",
    "dL/dw[j] is the mean of error times x[:, j].",
)
WRONG = (  # what is changed in the solution, and the kind of wrong that it is
    ("sign", "x @ w + b - y", "y - x @ w - b"),
    ("factor", " / len(y)", ""),
    ("factor", "error.mean()", "error.sum()"),
    ("shape", "error.mean()", "error"),
)


def forward(x, y, w, b):
    return np.mean((x @ w + b - y) ** 2) / 2


def cases(rng):
    return [(rng.standard_normal((6, 3)), rng.standard_normal(6), rng.standard_normal(3), np.array(0.4))]
