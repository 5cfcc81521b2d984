"""Answers to ex_standardise: solution, hints and typical mistakes. Spoilers."""

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
    (
        "wrong_value",
        "std = train.std(axis=0)\n    return (test - train.mean(axis=0))",
        "std = test.std(axis=0)\n    return (test - test.mean(axis=0))",
        "It uses the test data's own mean and standard deviation, where those of the training data are asked for.",
    ),
    ("wrong_value", " / np.where(std > 0, std, 1)", "", "It is centred, but not scaled."),
    (
        "wrong_value",
        "np.where(std > 0, std, 1)",
        "(np.where(std > 0, std, 1) + 1e-8)",
        "Something is added to the standard deviation, which changes features that vary little.",
    ),
)


def cases(rng):
    return [
        (rng.standard_normal((6, 4)) * [1, 5, 0, 1e-6], rng.standard_normal((4, 4))),
        (rng.standard_normal((5, 2)) + 3, rng.standard_normal((3, 2))),
    ]
