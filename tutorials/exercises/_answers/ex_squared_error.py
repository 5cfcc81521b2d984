"""Answers to ex_squared_error: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "squared_error_grad"
KIND = "grad"
SOLUTION = """import numpy as np


def squared_error_grad(p, y):
    dp = 2 * (p - y) / len(p)
    return dp, -dp
"""
HINTS = (
    "Differentiate one square, then remember the mean.",
    "The two gradients differ in sign only.",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def squared_error_grad(p, y):
    n = p.size
    return [2 / n * (a - b) for a, b in zip(p, y)], [2 / n * (b - a) for a, b in zip(p, y)]
""",
    """import numpy


def squared_error_grad(predictions, targets):
    error = predictions - targets
    return numpy.stack([error, -error]) * 2 / error.shape[0]
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("factor", "2 * (p", "(p", "The derivative of a square has a factor 2."),
    ("sign", "dp, -dp", "dp, dp", "y stands behind a minus, so dL/dy has the other sign."),
    ("factor", " / len(p)", "", "That is the gradient of the sum; a mean divides it."),
    ("swapped", "dp, -dp", "-dp, dp", "The signs are the wrong way round: a larger p makes p - y larger."),
    ("count", "return dp, -dp", "return dp"),
    (
        "shape",
        "2 * (p - y) / len(p)",
        "2 * (p - y).mean()",
        "Each prediction has a derivative of its own: don't add them up.",
    ),
    ("wrong_gradient", "2 * (p - y) / len(p)", "(p - y) ** 2 / len(p)", "The square isn't differentiated."),
    (
        "wrong_gradient",
        "2 * (p - y) / len(p)",
        "2 * abs(p - y) / len(p)",
        "The sign of p - y is lost: whether p is too large or too small matters.",
    ),
    ("wrong_gradient", "(p - y) / len(p)", "p / len(p)", "The difference p - y belongs in it, not p alone."),
    (
        "wrong_gradient",
        "2 * (p - y) / len(p)",
        "2 * (p - y) ** 2 / len(p)",
        "A square's derivative has the difference in it once, not squared.",
    ),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("wrong_gradient", "2 * p / len(p), -2 * y / len(p)", "The difference p - y belongs in both, not p or y alone."),
    ("wrong_gradient", "2 * (p - y) / len(p), 2 * y / len(p)",
     "The difference p - y belongs in dL/dy too, with a minus."),
    ("shape", "2 * (p - y) / len(p), 0", "y isn't constant here: dL/dy is asked for too."),
    ("wrong_gradient", "2 * (p - y) / len(p), np.zeros(len(p))", "y isn't constant here: dL/dy is asked for too."),
    ("wrong_gradient", "2 * (p + y) / len(p), -2 * (p + y) / len(p)", "The error is p - y, and not p + y."),
    ("wrong_gradient",
     "2 * (p - y) / len(p), 2 * y - p / len(p)",
     "A division comes before a subtraction: y - p needs brackets."),
    ("wrong_gradient",
     "2 * (p - y).mean() * np.ones(len(p)), -2 * (p - y).mean() * np.ones(len(p))",
     "It takes the mean of the errors: each element has its own derivative, divided by n."),
)  # fmt: skip


def forward(p, y):
    return np.mean((p - y) ** 2)


def cases(rng):
    return [(rng.standard_normal(n), rng.standard_normal(n)) for n in (5, 3, 1)]
