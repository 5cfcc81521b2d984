"""Answers to ex_08c_standardise: solution, hints and typical mistakes. Spoilers."""

FUNCTION = "standardise"
KIND = "values"
SOLUTION = """import numpy as np


def standardise(train, test):
    std = train.std(axis=0)
    return (test - train.mean(axis=0)) / np.where(std > 0, std, 1)
"""
HINTS = (
    "The test data's own mean must not be used.",
    "np.where replaces a standard deviation of 0.",
)
WRONG = (  # what is changed in the solution, and the kind of wrong that it is
    ("not_finite", "np.where(std > 0, std, 1)", "std"),
    (
        "wrong_value",
        "test - train.mean(axis=0)",
        "test - test.mean(axis=0)",
        "The test set is centred by its own mean, not as the training set was.",
    ),
    ("wrong_value", " / np.where(std > 0, std, 1)", "", "It is centred, but not scaled."),
)


def cases(rng):
    return [
        (rng.standard_normal((6, 3)) * [1, 5, 0], rng.standard_normal((4, 3))),
        (rng.standard_normal((5, 2)) + 3, rng.standard_normal((3, 2))),
    ]
