"""Answers to ex_length: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "length_vjp"
KIND = "vjp"
SOLUTION = """import numpy as np


def length_vjp(g, x):
    y = np.sqrt((x**2).sum(axis=1))
    return (g / y)[:, None] * x
"""
HINTS = (
    "Differentiate the root, then the sum of squares.",
    "A 2 cancels; what remains points along x.",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def length_vjp(g, x):
    return g[:, np.newaxis] * x / np.linalg.norm(x, axis=1, keepdims=True)
""",
    """import math


def length_vjp(g, x):
    out = []
    for gi, row in zip(g, x):
        length = math.sqrt(sum(v * v for v in row))
        out.append([gi * v / length for v in row])
    return out
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("factor", "* x", "* 2 * x", "The 2 of the square and the half of the root cancel."),
    (
        "factor",
        "(g / y)",
        "(g / (2 * y))",
        "The half of the root is still there: what does the square's derivative bring?",
    ),
    ("wrong_gradient", "g / y", "g", "It isn't divided by the length: the root's derivative is missing."),
    ("wrong_gradient", "(g / y)[:, None] * x", "2 * x * g[:, None]", "The root isn't differentiated."),
    ("ignores_upstream", "g / y", "1 / y", "g is missing: each row's derivative is multiplied by its g."),
    ("sign", "(g / y)", "-(g / y)"),
    (
        "raises",
        "(g / y)[:, None] * x",
        "2 * x * g",
        "g, and each row's length, belong to rows: make them columns, so that they fit beside x.",
    ),
    (
        "raises",
        "(g / y)[:, None]",
        "(g / y)",
        "There is one number for each row: make it a column, so that it fits beside x.",
    ),
    (
        "wrong_gradient",
        "(g / y)[:, None] * x",
        "g[:, None] * y[:, None]",
        "That is g times the length itself; its derivative is asked for.",
    ),
    (
        "wrong_gradient",
        "(g / y)[:, None] * x",
        "(g / y)[:, None] * np.ones(x.shape)",
        "The squares aren't differentiated: x is missing above the line.",
    ),
    ("wrong_gradient", "g / y", "g / y**2", "It divides by the square of the length, where the length is asked for."),
    ("wrong_gradient", "(x**2).sum(axis=1)", "(x**2).sum()", "The length is that of all of x; each row has its own."),
    *(
        ("wrong_gradient", "g / y", f"g / (y + {eps})", "Something is added to the length, which changes short rows.")
        for eps in ("1e-8", "1e-7", "1e-6", "1e-10", "1e-12")
    ),
    *(
        (
            "wrong_gradient",
            "(x**2).sum(axis=1)",
            f"(x**2).sum(axis=1) + {eps}",
            "Something is added under the root, which changes short rows.",
        )
        for eps in ("1e-8", "1e-7", "1e-6", "1e-10", "1e-12", "1e-16")
    ),
    (
        "wrong_gradient",
        "(x**2).sum(axis=1)",
        "abs(x).sum(axis=1)",
        "It adds up sizes under the root, where squares are asked for.",
    ),
    ("wrong_gradient", "(g / y)", "(g * y)", "It multiplies by the length, where the root's derivative divides by it."),
    (
        "wrong_gradient",
        "(g / y)[:, None] * x",
        "g[:, None] * np.sign(x)",
        "That is the derivative of the sum of |x|; the length is a root of squares.",
    ),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("shape", "g[:, None] / np.sqrt((x**2).sum(axis=1, keepdims=True))",
     "The squares aren't differentiated: x is missing above the line."),
    ("shape", "g / (2 * np.sqrt((x**2).sum(axis=1)))",
     "That is the root's derivative alone; the squares' derivative, 2 x, is missing."),
    ("wrong_gradient", "g[:, None] * x / np.sqrt((x**2).sum(axis=0))",
     "It takes the length of each column, where each row has one."),
    ("wrong_gradient", "g[:, None] * x", "It isn't divided by the length: the root's derivative is missing."),
)  # fmt: skip


def forward(x):
    return np.sqrt((x**2).sum(axis=1))


def cases(rng):
    return [(rng.standard_normal((3, 4)),), (1e-6 * rng.standard_normal((2, 3)),), (rng.standard_normal((3, 3)),),
            (rng.standard_normal((1, 4)),), (rng.standard_normal((4, 1)),)]  # fmt: skip
