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
RIGHT = (  # the same, written in other ways
    """import numpy as np


def row_sums_vjp(g, x):
    return np.broadcast_to(g.reshape(-1, 1), x.shape)
""",
    """def row_sums_vjp(g, x):
    return [[g[i] for element in row] for i, row in enumerate(x)]
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    (
        "shape",
        "np.repeat(g[:, None], x.shape[1], axis=1)",
        "g",
        "There should be one number for each element of x, of shape (n, d), not one for each row.",
    ),
    (
        "shape",
        "np.repeat(g[:, None], x.shape[1], axis=1)",
        "g[:, None]",
        "The column is right; repeat it so that it gets the shape of x.",
    ),
    (
        "factor",
        "np.repeat(g[:, None], x.shape[1], axis=1)",
        "np.repeat(g[:, None], x.shape[1], axis=1) / x.shape[1]",
        "That would be the gradient of a mean; of a sum nothing is divided.",
    ),
    (
        "ignores_upstream",
        "np.repeat(g[:, None], x.shape[1], axis=1)",
        "np.ones(x.shape)",
        "It doesn't depend on g: every element passes on what comes from above.",
    ),
    (
        "wrong_gradient",
        "np.repeat(g[:, None], x.shape[1], axis=1)",
        "g[:, None] * x",
        "A sum's derivative is 1, and not x: how much does y change if one element grows by 1?",
    ),
    (
        "raises",
        "np.repeat(g[:, None], x.shape[1], axis=1)",
        "g * np.ones(x.shape)",
        "g belongs to rows: make it a column first, g[:, None].",
    ),
    (
        "shape",
        "np.repeat(g[:, None], x.shape[1], axis=1)",
        "np.tile(g, (x.shape[1], 1))",
        "That is the transpose: each row of the result should hold one number of g, again and again.",
    ),
    (
        "wrong_gradient",
        "np.repeat(g[:, None], x.shape[1], axis=1)",
        "np.full(x.shape, g.sum())",
        "g isn't to be added up: each row gets its own number of g.",
    ),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("shape", "np.repeat(g, x.shape[1])", "The numbers are right, but in one long row: reshape it to the shape of x."),
    ("shape", "np.tile(g[:, None], x.shape[0])",
     "It repeats each g as often as there are rows; a row has x.shape[1] elements."),
    ("shape", "np.repeat(g[None, :], x.shape[0], axis=0)",
     "g goes along the rows; it belongs to the rows, as a column: g[:, None]."),
    ("shape", "g.sum()", "g isn't to be added up: each element of a row gets the row's g."),
    ("raises",
     "np.ones_like(x) * g",
     "g has one number for each row: make it a column, g[:, None], so that it fits beside x."),
    ("raises",
     "np.broadcast_to(g, x.shape)",
     "g has one number for each row: make it a column, g[:, None], so that it fits beside x."),
)  # fmt: skip


def forward(x):
    return x.sum(axis=1)


def cases(rng):
    return [(rng.standard_normal(shape),) for shape in ((4, 3), (3, 3), (1, 5), (2, 1))]
