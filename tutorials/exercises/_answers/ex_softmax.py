"""Answers to ex_softmax: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "softmax"
KIND = "values"
SOLUTION = """import numpy as np


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)
"""
HINTS = (
    "Take each row's largest number from it first.",
    "keepdims=True keeps shapes that broadcast.",
)
WRONG = (  # what is changed in the solution, and the kind of wrong that it is
    ("not_finite", " - z.max(axis=1, keepdims=True)", ""),
    (
        "wrong_value",
        "e.sum(axis=1, keepdims=True)",
        "e.sum(axis=0, keepdims=True)",
        "Each column adds up to 1, where each row should.",
    ),
    ("wrong_value", "e / e.sum(axis=1, keepdims=True)", "e", "The rows don't add up to 1."),
)


def cases(rng):
    return [(rng.standard_normal((3, 4)),), (np.array([[1000.0, 999, 997], [-1, 0, 1]]),)]
