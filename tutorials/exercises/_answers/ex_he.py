"""Answers to ex_he: solution, hints and typical mistakes. Spoilers."""

FUNCTION = "he_std"
KIND = "values"
SOLUTION = """import numpy as np


def he_std(shape):
    return np.sqrt(2 / shape[1])
"""
HINTS = (
    "fan_in counts how many inputs a unit adds up.",
    "That is the second number of the shape.",
)
WRONG = (  # what is changed in the solution, and the kind of wrong that it is
    ("wrong_value", "shape[1]", "shape[0]", "It counts the wrong side of the layer."),
    ("factor", "2 / ", "1 / "),
    (
        "wrong_value",
        "np.sqrt(2 / shape[1])",
        "2 / shape[1]",
        "That is the variance, where the standard deviation is asked for.",
    ),
)


def cases(rng):
    return [((3, 50),), ((10, 64),), ((64, 10),)]
