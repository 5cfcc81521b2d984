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
RIGHT = (  # the same, written in other ways
    """import numpy as np


def regression_grad(x, y, w, b):
    dw, db = np.zeros(len(w)), 0.0
    for row, target in zip(x, y):
        error = sum(row * w) + b - target
        dw += error * row / len(y)
        db += error / len(y)
    return dw, db
""",
    """import numpy as np


def regression_grad(x, y, w, b):
    extended = np.column_stack([x, np.ones(len(x))])
    grad = extended.T @ (extended @ np.append(w, b) - y) / len(x)
    return grad[:-1], grad[-1]
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("sign", "x @ w + b - y", "y - x @ w - b", "The error has the wrong sign: prediction less target."),
    ("factor", " / len(y)", "", "dL/dw is that of the sum; the mean divides it."),
    ("factor", "error.mean()", "error.sum()", "dL/db is that of the sum; the mean divides it."),
    (
        "factor",
        "x.T @ error / len(y), error.mean()",
        "x.T @ error, error.sum()",
        "Both are those of the sum; the mean divides them.",
    ),
    (
        "factor",
        "x.T @ error / len(y), error.mean()",
        "2 * x.T @ error / len(y), 2 * error.mean()",
        "The 2 of the square and the half in front of it cancel.",
    ),
    ("shape", "error.mean()", "error", "b is one number, so dL/db is too: what comes back from all examples adds up."),
    ("wrong_gradient", "x @ w + b - y", "x @ w - y", "The bias b is missing in the error."),
    (
        "factor",
        "/ len(y)",
        "/ len(w)",
        "It divides by the number of features, where the number of examples is asked for.",
    ),
    ("raises", "x.T @ error", "x @ error", "dL/dw[j] adds up over the examples: transpose x."),
    (
        "wrong_gradient",
        "x.T @ error / len(y)",
        "x.mean(axis=0) * error.mean()",
        "It multiplies two means, where the mean of the products is asked for.",
    ),
    ("count", "return x.T @ error / len(y), error.mean()", "return x.T @ error / len(y)"),
    ("swapped", "return x.T @ error / len(y), error.mean()", "return error.mean(), x.T @ error / len(y)"),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("raises",
     "    error = x @ w + b - y\n"
     "    return np.mean(error * x), error.mean()\n",
     "error has one number for each row, so it must be a column beside x, error[:, None], or use x.T @ error."),
    ("raises",
     "    error = x @ w + b - y\n"
     "    return np.mean(x * error), error.mean()\n",
     "error has one number for each row, so it must be a column beside x, error[:, None], or use x.T @ error."),
    ("shape",
     "    error = x @ w + b - y\n"
     "    return np.mean(error[:, None] * x), error.mean()\n",
     "dL/dw has one number for each feature: take the mean over the rows alone, axis=0."),
    ("shape",
     "    error = x @ w + b - y\n"
     "    return np.mean(x.T @ error), error.mean()\n",
     "dL/dw has one number for each feature: don't take the mean over those."),
    ("shape",
     "    error = x @ w + b - y\n"
     "    return error.mean() * x, error.mean()\n",
     "dL/dw has one number for each feature: the mean over the rows of error times x."),
    ("wrong_gradient",
     "    error = x @ w + b - y\n"
     "    return error.mean() * w, error.mean()\n",
     "What is w multiplied by in x w? x belongs in dL/dw, not w."),
    ("wrong_gradient",
     "    error = x @ w + b - y\n"
     "    return x.T @ error / len(y), b * error.mean()\n",
     "b is added, so its derivative is 1, and not b."),
    ("wrong_gradient",
     "    error = x @ w + b - y\n"
     "    return x.T @ error / len(y), 1.0\n",
     "dL/db isn't 1: it is the mean of the errors."),
    ("wrong_gradient",
     "    error = x @ w + b - y\n"
     "    return x.T @ error / x.size, error.mean()\n",
     "It divides by the number of all elements of x, where the number of rows is asked for."),
    ("wrong_gradient",
     "    error = x @ w + b - y\n"
     "    return x.T @ error / (2 * len(y)), error.mean() / 2\n",
     "There is a half too much: that in L cancels the 2 of the square."),
    ("shape",
     "    error = x @ w + b - y\n"
     "    return error[:, None] * x, error.mean()\n",
     "The mean over the rows is missing in dL/dw: it has one number for each feature."),
    ("wrong_gradient",
     "    r = (x @ w + b - y) ** 2\n"
     "    return x.T @ r / len(y), r.mean()\n",
     "The error is squared, where its derivative has the error itself."),
)  # fmt: skip


def forward(x, y, w, b):
    return np.mean((x @ w + b - y) ** 2) / 2


def cases(rng):
    shapes = ((6, 3), (4, 4), (2, 3))
    return [
        (rng.standard_normal(s), rng.standard_normal(s[0]), rng.standard_normal(s[1]), np.array(0.4)) for s in shapes
    ]
