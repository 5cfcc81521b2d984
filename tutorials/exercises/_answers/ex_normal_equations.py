"""Answers to ex_normal_equations: solution, hints and typical mistakes. Spoilers."""

import numpy as np

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
RIGHT = (  # the same, written in other ways
    """import numpy as np


def least_squares(x, y):
    return np.linalg.lstsq(x, y, rcond=None)[0]
""",
    """from numpy.linalg import inv


def least_squares(x, y):
    return inv(x.T.dot(x)).dot(x.T).dot(y)
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("raises", "x.T @ x", "x @ x.T", "x^T x has shape (d, d): the transposed one comes first."),
    (
        "raises",
        "np.linalg.solve(x.T @ x, x.T @ y)",
        "np.linalg.solve(x, y)",
        "x isn't square, so no w fits all of y exactly: multiply both sides by x^T first.",
    ),
    (
        "raises",
        "np.linalg.solve(x.T @ x, x.T @ y)",
        "np.linalg.inv(x) @ y",
        "x isn't square, so no w fits all of y exactly: multiply both sides by x^T first.",
    ),
    (
        "factor",
        "np.linalg.solve(x.T @ x, x.T @ y)",
        "2 * np.linalg.solve(x.T @ x, x.T @ y)",
        "There is a factor 2 too much: on both sides of the equation the 2 cancels.",
    ),
    (
        "wrong_value",
        "np.linalg.solve(x.T @ x, x.T @ y)",
        "x.T @ y",
        "That is the right-hand side x^T y; the equation is still to be solved for w.",
    ),
    (
        "wrong_value",
        "np.linalg.solve(x.T @ x, x.T @ y)",
        "(x.T @ x) @ (x.T @ y)",
        "It multiplies by x^T x, where the equation is to be solved (divided by it, so to speak).",
    ),
    (
        "wrong_value",
        "np.linalg.solve(x.T @ x, x.T @ y)",
        "x.T @ y / (x**2).sum(axis=0)",
        "It fits each feature alone; where features have something in common, all must be found together.",
    ),
    (
        "wrong_value",
        "x.T @ x,",
        "x.T @ x + 1e-6 * np.eye(x.shape[1]),",
        "Something is added to x^T x, which changes w a little: take x^T x as it is.",
    ),
    (
        "wrong_value",
        "np.linalg.solve(x.T @ x, x.T @ y)",
        "np.linalg.solve(x.T @ x, x.T @ (y - y.mean()))",
        "y's mean is taken from it; take y as it is.",
    ),
    (
        "shape",
        "np.linalg.solve(x.T @ x, x.T @ y)",
        "x @ np.linalg.solve(x.T @ x, x.T @ y)",
        "These are the predictions x w; the weights w are asked for.",
    ),
    ("count", "np.linalg.solve(x.T @ x, x.T @ y)", "np.linalg.lstsq(x, y, rcond=None)"),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("raises", "np.linalg.solve(x @ x.T, x @ y)", "A .T is missing, or in the wrong place: x.T @ x, and x.T @ y."),
    ("shape",
     "    x = np.column_stack([x, np.ones(len(x))])\n"
     "    return np.linalg.solve(x.T @ x, x.T @ y)\n",
     "A column of ones was added, for a bias; there is no bias here: take x as it is."),
    ("shape",
     "    x = np.column_stack([np.ones(len(x)), x])\n"
     "    return np.linalg.solve(x.T @ x, x.T @ y)\n",
     "A column of ones was added, for a bias; there is no bias here: take x as it is."),
    ("wrong_value",
     "    x = np.column_stack([x, np.ones(len(x))])\n"
     "    return np.linalg.solve(x.T @ x, x.T @ y)[:-1]\n",
     "A column of ones was added, for a bias, which changes w: take x as it is."),
    ("raises", "np.linalg.inv(x.T @ x) * x.T @ y",
     "* multiplies element by element; products of matrices are written @."),
    ("raises", "np.linalg.solve(x.T * x, x.T @ y)",
     "* multiplies element by element; products of matrices are written @."),
    ("shape", "x.T @ y / (x.T @ x)",
     "It divides element by element; the equation is solved by np.linalg.solve(x.T @ x, x.T @ y)."),
    ("raises", "np.linalg.solve(x.T @ y, x.T @ x)",
     "The matrix comes first in np.linalg.solve, the right-hand side second."),
    ("shape", "np.linalg.inv(x.T @ x)", "That is the inverse alone: the right-hand side x^T y is missing."),
    ("raises", "np.linalg.inv(x.T @ x) @ x @ y", "A .T is missing, or in the wrong place: x.T @ x, and x.T @ y."),
    ("raises", "np.linalg.solve(x.T @ x, y)", "Multiply both sides by x^T: on the right-hand side stands x^T y."),
    ("wrong_value", "np.linalg.solve(x.T @ x, x.T @ y) / len(y)",
     "It divides by the number of rows; in a mean both sides would have that, and it cancels."),
    ("shape", "np.linalg.solve(x.T @ x, x.T @ y).sum()", "Each feature has a weight of its own: don't add them up."),
    ("wrong_value",
     "np.linalg.solve(x.T @ x + 1e-8 * np.eye(x.shape[1]), x.T @ y)",
     "Something is added to x^T x, which changes w a little: take x^T x as it is."),
    ("wrong_value",
     "np.linalg.pinv(x, rcond=1e-3) @ y",
     "rcond drops directions in which x is small, where all are asked for: leave it out."),
)  # fmt: skip


def cases(rng):
    shapes = ((7, 3, 1), (5, 2, 1), (4, 1, 1), (6, 2, 1e-4), (6, 2, np.array([1, 3e-4])))
    return [(rng.standard_normal((n, d)) * size, rng.standard_normal(n) + 1) for n, d, size in shapes]
