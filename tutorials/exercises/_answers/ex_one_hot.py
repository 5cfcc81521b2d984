"""Answers to ex_one_hot: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "one_hot"
KIND = "values"
SOLUTION = """import numpy as np


def one_hot(labels, classes):
    return np.eye(classes)[labels]
"""
HINTS = (
    "The rows of the identity matrix are what is wanted.",
    "Indexing by an array of labels picks rows.",
)
WRONG = (  # what is changed in the solution, and the kind of wrong that it is
    ("transposed", "np.eye(classes)[labels]", "np.eye(classes)[labels].T"),
    ("offset", "np.eye(classes)[labels]", "np.eye(classes)[labels] + 1"),
    ("permuted", "[labels]", "[labels - 1]"),
)


def cases(rng):
    return [(np.array([2, 0, 1, 2, 2]), 4), (np.array([0, 1]), 3)]
