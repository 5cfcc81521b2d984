"""Answers to ex_accuracy: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "accuracy"
KIND = "values"
SOLUTION = """import numpy as np


def accuracy(scores, labels):
    return (scores.argmax(axis=1) == labels).mean()
"""
HINTS = (
    "argmax along the right axis gives the class with the largest score.",
    "The mean of True and False is the part that is True.",
)
WRONG = (  # what is changed in the solution, and the kind of wrong that it is
    ("factor", ".mean()", ".mean() * 100"),
    ("wrong_value", ".mean()", ".sum()", "That is how many are right, where their share is asked for."),
    ("wrong_value", "==", "!=", "That is the share of wrong answers."),
)


def cases(rng):
    return [
        (rng.standard_normal((40, 3)), rng.integers(0, 3, 40)),
        (rng.standard_normal((20, 5)), rng.integers(0, 5, 20)),
        (np.eye(3)[[0, 1, 2, 2]], np.array([0, 1, 2, 1])),
    ]
