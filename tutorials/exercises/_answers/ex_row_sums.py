"""Answers to ex_row_sums: solution, hints and typical mistakes. Spoilers."""

FUNCTION = "row_sums_vjp"
KIND = "vjp"
SOLUTION = """import numpy as np


def row_sums_vjp(g, x):
    return np.repeat(g[:, None], x.shape[1], axis=1)
"""
HINTS = (
    "Every element of a row has the same influence on the row's sum.",
    "g[:, None] is a column; repeat or broadcast it.",
)
WRONG = (  # what is changed in the solution, and the kind of wrong that it is
    ("shape", "np.repeat(g[:, None], x.shape[1], axis=1)", "g"),
    ("factor", "np.repeat(g[:, None], x.shape[1], axis=1)", "np.repeat(g[:, None], x.shape[1], axis=1) / x.shape[1]"),
    ("ignores_upstream", "np.repeat(g[:, None], x.shape[1], axis=1)", "np.ones(x.shape)"),
)


def forward(x):
    return x.sum(axis=1)


def cases(rng):
    return [(rng.standard_normal((4, 3)),)]
