"""Answers to ex_dropout: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "dropout"
KIND = "values"
SOLUTION = """import numpy as np


def dropout(x, keep, p):
    return x * keep / (1 - p)
"""
HINTS = (
    "True and False multiply like 1 and 0.",
    "What is kept gets larger.",
)
WRONG = (  # what is changed in the solution, and the kind of wrong that it is
    ("wrong_value", " / (1 - p)", "", "What is kept isn't scaled up, so the expected value shrinks."),
    ("wrong_value", "keep /", "~keep /", "It keeps what should be dropped, and drops what should be kept."),
    ("wrong_value", "/ (1 - p)", "/ p", "It scales by the wrong one of the two probabilities."),
)


def cases(rng):
    return [
        (rng.standard_normal((3, 4)), rng.standard_normal((3, 4)) > 0, 0.2),
        (rng.standard_normal(5), np.array([True, False, True, True, False]), 0.5),
    ]
