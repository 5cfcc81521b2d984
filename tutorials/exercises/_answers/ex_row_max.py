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
RIGHT = (  # the same, written in other ways
    """import numpy as np


def row_max_vjp(g, x):
    dx = np.zeros_like(x)
    dx[np.arange(len(x)), x.argmax(axis=1)] = g
    return dx
""",
    """def row_max_vjp(g, x):
    return [[gi if v == max(row) else 0 for v in row] for gi, row in zip(g, x)]
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    (
        "ignores_upstream",
        "g[:, None] * (x == x.max(axis=1, keepdims=True))",
        "1.0 * (x == x.max(axis=1, keepdims=True))",
        "g is missing: each row's largest element gets the row's g.",
    ),
    (
        "left_out",
        "x.max(axis=1, keepdims=True)",
        "x.max()",
        "It finds the largest element of all, where each row has one.",
    ),
    ("sign", "g[:, None]", "-g[:, None]"),
    ("raises", "g[:, None]", "g", "g belongs to rows: make it a column."),
    (
        "raises",
        "x.max(axis=1, keepdims=True)",
        "x.max(axis=1)",
        "A row's largest number has lost its axis: keepdims=True keeps it, so that it fits beside x.",
    ),
    ("wrong_gradient", "axis=1", "axis=0", "It finds the largest of each column, where each row has one."),
    (
        "wrong_gradient",
        "g[:, None] * (x == x.max(axis=1, keepdims=True))",
        "g[:, None] * x * (x == x.max(axis=1, keepdims=True))",
        "The largest element itself isn't its derivative: y grows by as much as it grows.",
    ),
    (
        "wrong_gradient",
        "g[:, None] * (x == x.max(axis=1, keepdims=True))",
        "g[:, None] * np.ones(x.shape)",
        "Only the largest element of a row has an influence; g goes to all here.",
    ),
    ("wrong_gradient", "==", "!=", "g goes to all elements but the largest: it is the other way round."),
    ("wrong_gradient", "x.max(axis=1", "x.min(axis=1", "g goes to the smallest element of each row."),
    (
        "wrong_gradient",
        "(x == x.max(axis=1, keepdims=True))",
        "(x == x.max(axis=1, keepdims=True)) / x.shape[1]",
        "It divides by how many there are in a row, as for a mean.",
    ),
    (
        "shape",
        "g[:, None] * (x == x.max(axis=1, keepdims=True))",
        "g",
        "There should be one number for each element of x, 0 for most of them.",
    ),
    (
        "wrong_gradient",
        "g[:, None] * (x == x.max(axis=1, keepdims=True))",
        "g[:, None] * (x > 0)",
        "It lets through all positive elements, as a relu does; only the largest of each row has an influence.",
    ),
)


def forward(x):
    return x.max(axis=1)


def cases(rng):
    return [(rng.standard_normal((3, 4)),), (rng.standard_normal((3, 3)) - 5,), (rng.standard_normal((1, 2)),)]
