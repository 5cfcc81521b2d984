"""Answers to ex_normal_equations: solution, hints and typical mistakes. Spoilers."""

FUNCTION = "least_squares"
KIND = "values"
SOLUTION = """import numpy as np


def least_squares(x, y):
    return np.linalg.solve(x.T @ x, x.T @ y)
"""
HINTS = (
    "np.linalg.solve(a, c) gives the w of a w = c.",
    "x.T @ x has shape (d, d).",
)
WRONG = (  # what is changed in the solution, and the kind of wrong that it is
    ("wrong_value", "x.T @ y", "2 * x.T @ y + 1"),
    ("raises", "x.T @ x", "x @ x.T"),
    ("factor", "np.linalg.solve(x.T @ x, x.T @ y)", "2 * np.linalg.solve(x.T @ x, x.T @ y)"),
)


def cases(rng):
    return [
        (rng.standard_normal((7, 3)), rng.standard_normal(7)),
        (rng.standard_normal((5, 2)), rng.standard_normal(5)),
    ]
