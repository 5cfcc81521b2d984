"""Answers to ex_row_max: solution, hints and typical mistakes. Spoilers."""

FUNCTION = "row_max_vjp"
KIND = "vjp"
SOLUTION = """import numpy as np


def row_max_vjp(g, x):
    return g[:, None] * (x == x.max(axis=1, keepdims=True))
"""
HINTS = (
    "The gradient goes to where the row's largest element is.",
    "g belongs to rows: make it a column.",
)
WRONG = (  # what is changed in the solution, and the kind of wrong that it is
    (
        "ignores_upstream",
        "g[:, None] * (x == x.max(axis=1, keepdims=True))",
        "1.0 * (x == x.max(axis=1, keepdims=True))",
    ),
    ("left_out", "x.max(axis=1, keepdims=True)", "x.max()"),
    ("sign", "g[:, None]", "-g[:, None]"),
    ("raises", "g[:, None]", "g"),
)


def forward(x):
    return x.max(axis=1)


def cases(rng):
    return [(rng.standard_normal((3, 4)),)]
