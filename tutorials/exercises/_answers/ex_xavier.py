"""Answers to ex_xavier: solution, hints and typical mistakes. Spoilers."""

FUNCTION = "xavier_bound"
KIND = "values"
SOLUTION = """import numpy as np


def xavier_bound(shape):
    return np.sqrt(6 / (shape[0] + shape[1]))
"""
HINTS = (
    "Both numbers of the shape are needed.",
    "np.sqrt",
)
WRONG = (  # what is changed in the solution, and the kind of wrong that it is
    ("factor", "6 /", "2 /"),
    (
        "wrong_value",
        "shape[0] + shape[1]",
        "shape[0] * shape[1]",
        "The numbers of inputs and outputs aren't to be multiplied.",
    ),
    (
        "wrong_value",
        "np.sqrt(6 / (shape[0] + shape[1]))",
        "6 / (shape[0] + shape[1])",
        "That is the square of what is asked for.",
    ),
)


def cases(rng):
    return [((3, 50),), ((10, 64),), ((64, 11),)]
