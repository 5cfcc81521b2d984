"""Answers to ex_he: solution, hints and typical mistakes. Spoilers."""

FUNCTION = "he_std"
KIND = "values"
SOLUTION = """import numpy as np


def he_std(shape):
    return np.sqrt(2 / shape[1])
"""
HINTS = (
    "n_in counts how many inputs a unit adds up.",
    "That is the second number of the shape.",
)
RIGHT = (  # the same, written in other ways
    """import math


def he_std(shape):
    out, fan_in = shape
    return math.sqrt(2.0 / fan_in)
""",
    """def he_std(shape):
    return (shape[-1] / 2) ** -0.5
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("wrong_value", "shape[1]", "shape[0]", "It counts the wrong side of the layer."),
    ("factor", "2 / ", "1 / ", "The 2 is missing, which makes up for what a relu cuts off."),
    (
        "wrong_value",
        "np.sqrt(2 / shape[1])",
        "2 / shape[1]",
        "That is the variance, where the standard deviation is asked for.",
    ),
    (
        "wrong_value",
        "np.sqrt(2 / shape[1])",
        "np.sqrt(2 / (shape[0] + shape[1]))",
        "That is Xavier's rule, which counts both sides; He's counts the inputs.",
    ),
    (
        "wrong_value",
        "np.sqrt(2 / shape[1])",
        "np.sqrt(2) / shape[1]",
        "The root is of the whole fraction, not of the 2 alone.",
    ),
    (
        "wrong_value",
        "np.sqrt(2 / shape[1])",
        "2 / np.sqrt(shape[1])",
        "The root is of the whole fraction, not of n_in alone.",
    ),
    ("factor", "2 / ", "6 / ", "That is the bound of evenly drawn weights; their standard deviation is asked for."),
    (
        "wrong_value",
        "2 / shape[1]",
        "2 / (shape[0] * shape[1])",
        "It counts all weights, where the inputs of one unit are asked for.",
    ),
    ("wrong_value", "2 / shape[1]", "shape[1] / 2", "The fraction is upside down: more inputs need smaller weights."),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("wrong_value", "np.sqrt(6 / (shape[0] + shape[1]))",
     "That is Xavier's bound; He's standard deviation is asked for, sqrt(2 / n_in)."),
    ("raises", "np.sqrt(2 / shape)", "shape is a tuple of two numbers: which of them is n_in?"),
    ("wrong_value", "np.sqrt(2 / len(shape))", "len(shape) is always 2; n_in is one of the two numbers in it."),
    ("wrong_value", "np.sqrt(2) * shape[1]", "n_in belongs below the line, and inside the root."),
    ("wrong_value", "np.sqrt(2 * shape[1])", "n_in belongs below the line: more inputs need smaller weights."),
    ("factor", "np.sqrt(3 / shape[1])", "It has a 3 where the formula has a 2."),
    ("factor", "np.sqrt(2 / shape[1]) / 2", "There is a half too much."),
    ("wrong_value", "np.sqrt(2 / max(shape))", "It takes the larger size: n_in is shape[1], the second one."),
    ("wrong_value", "np.sqrt(2 / min(shape))", "It takes the smaller size: n_in is shape[1], the second one."),
)  # fmt: skip


def cases(rng):
    return [((3, 50),), ((10, 64),), ((64, 10),), ((7, 1),)]
