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
        "What belongs to rows must be a column beside x: g[:, None], and x.max(axis=1, keepdims=True).",
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
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("raises", "(x == x.max()) * g",
     "What belongs to rows must be a column beside x: g[:, None], and x.max(axis=1, keepdims=True)."),
    ("shape", "g[:, None] * x.max(axis=1, keepdims=True)",
     "That is g times y itself; which element of the row has an influence on y?"),
    ("shape", "g * x.max(axis=1)", "That is g times y itself; which element of the row has an influence on y?"),
    ("raises", "g[x.argmax(axis=1)]",
     "argmax says where the largest stands; there g is to be written, into zeros of the shape of x."),
    ("ignores_upstream", "x * (x == x.max(axis=1, keepdims=True))",
     "It gives the largest elements themselves, where each row's g is asked for."),
    ("raises", "np.where(x == x.max(axis=1, keepdims=True), g, 0)", "g belongs to rows: make it a column."),
)  # fmt: skip


def forward(x):
    return x.max(axis=1)


def cases(rng):
    return [(rng.standard_normal((3, 4)),), (rng.standard_normal((3, 3)) - 5,), (rng.standard_normal((1, 2)),),
            (rng.standard_normal((4, 1)),)]  # fmt: skip
