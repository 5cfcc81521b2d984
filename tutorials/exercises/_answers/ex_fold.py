"""Answers to ex_fold: solution, hints and typical mistakes. Spoilers."""

FUNCTION = "training_indices"
KIND = "values"
SOLUTION = """import numpy as np


def training_indices(n, k, i):
    index = np.arange(n)
    return index[index % k != i]
"""
HINTS = (
    "An index belongs to fold (index % k).",
    "Pick with a comparison: index[condition].",
)
WRONG = (  # what is changed in the solution, and the kind of wrong that it is
    ("shape", "index % k", "index // k"),
    ("shape", "!= i", "== i"),
    ("shape", "index[index % k != i]", "index % k != i"),
)


def cases(rng):
    return [(11, 4, 1), (12, 3, 0), (7, 5, 4)]
