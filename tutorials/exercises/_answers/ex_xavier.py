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
RIGHT = (  # the same, written in other ways
    """import math


def xavier_bound(shape):
    return math.sqrt(6) / math.sqrt(sum(shape))
""",
    """def xavier_bound(shape):
    fan_out, fan_in = shape
    std = (2 / (fan_in + fan_out)) ** 0.5
    return std * 3**0.5
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("factor", "6 /", "2 /", "That is the standard deviation; the bound a of evenly drawn weights is asked for."),
    ("factor", "6 /", "3 /", "It has a 3 where the formula has a 6."),
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
    (
        "wrong_value",
        "(shape[0] + shape[1])",
        "shape[0] + shape[1]",
        "Only one of the two numbers is under the 6: their sum needs brackets.",
    ),
    ("wrong_value", "(shape[0] + shape[1])", "shape[1]", "Only the inputs are counted; n_out belongs to it too."),
    ("wrong_value", "(shape[0] + shape[1])", "shape[0]", "Only the outputs are counted; n_in belongs to it too."),
    (
        "wrong_value",
        "np.sqrt(6 / (shape[0] + shape[1]))",
        "np.sqrt(6) / (shape[0] + shape[1])",
        "The root is of the whole fraction, not of the 6 alone.",
    ),
    (
        "factor",
        "(shape[0] + shape[1])",
        "((shape[0] + shape[1]) / 2)",
        "It divides by the mean of the two, where their sum is asked for.",
    ),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("wrong_value", "np.sqrt(2 / shape[1])",
     "That is He's rule; Xavier's bound is asked for, sqrt(6 / (n_in + n_out))."),
    ("wrong_value", "np.sqrt(1 / shape[1])",
     "That counts the inputs alone, and is a standard deviation; the bound a is asked for."),
    ("wrong_value", "np.sqrt(3 / shape[1])",
     "Only the inputs are counted; n_out belongs to it too: 6 / (n_in + n_out)."),
    ("wrong_value", "np.sqrt(6) / shape[0] + shape[1]",
     "The root is of the whole fraction, and the sum needs brackets."),
    ("not_finite", "np.sqrt(6 / (shape[0] - shape[1]))", "n_in and n_out are added, not subtracted."),
    ("shape", "-np.sqrt(6 / (shape[0] + shape[1])), np.sqrt(6 / (shape[0] + shape[1]))",
     "Those are both ends; the number a alone is asked for."),
    ("factor", "2 * np.sqrt(6 / (shape[0] + shape[1]))",
     "That is how far both ends are apart; the bound a is half of it."),
)  # fmt: skip


def cases(rng):
    return [((3, 50),), ((10, 64),), ((64, 11),), ((1, 2),)]
