"""Answers to ex_relative_error: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "relative_error"
KIND = "values"
SOLUTION = """import numpy as np


def relative_error(a, b):
    size = np.maximum(abs(a), abs(b))
    return abs(a - b) / np.where(size > 0, size, 1)
"""
HINTS = (
    "np.maximum takes the larger one element by element.",
    "Where the size is 0, divide by something else.",
)
WRONG = (  # what is changed in the solution, and the kind of wrong that it is
    ("not_finite", "np.where(size > 0, size, 1)", "size"),
    ("wrong_value", "np.maximum(abs(a), abs(b))", "abs(a)", "It depends on which of the two numbers comes first."),
    (
        "wrong_value",
        "np.where(size > 0, size, 1)",
        "(size + 1e-8)",
        "Something is added to the size, which changes what is small: divide by something else only where it is 0.",
    ),
    ("wrong_value", "abs(a - b)", "(a - b)", "It can be negative."),
)


def cases(rng):
    return [
        (np.array([1.0, -2, 0, 0]), np.array([1.5, 2, 0, 3])),
        (np.array([[3.0, 1]]), np.array([[2.0, 1]])),
        (np.array([-3.0, 1, 1e-9, -2e-20]), np.array([1.0, -4, 3e-9, 1e-20])),
    ]
