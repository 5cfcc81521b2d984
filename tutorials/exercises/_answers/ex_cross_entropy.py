"""Answers to ex_cross_entropy: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "cross_entropy"
KIND = "values"
SOLUTION = """import numpy as np


def cross_entropy(p, y):
    return -np.log(p[np.arange(len(y)), y]).mean()
"""
HINTS = (
    "p[rows, columns] with two lists of indices picks one element per pair.",
    "The rows are np.arange(n).",
)
WRONG = (  # what is changed in the solution, and the kind of wrong that it is
    ("sign", "-np.log", "np.log"),
    ("wrong_value", ".mean()", ".sum()", "It grows with the number of examples, as a mean doesn't."),
    ("shape", ".mean()", ""),
    (
        "wrong_value",
        "np.log(p[np.arange(len(y)), y])",
        "np.log(p[np.arange(len(y)), y] + 1e-8)",
        "Something is added inside the logarithm, which changes what is improbable.",
    ),
)


def cases(rng):
    return [
        (np.abs(rng.standard_normal((4, 3))) + 0.1, np.array([2, 0, 1, 2])),
        (np.abs(rng.standard_normal((2, 5))) + 0.1, np.array([4, 1])),
        (np.array([[1 - 1e-9, 1e-9], [0.3, 0.7]]), np.array([1, 0])),
    ]
