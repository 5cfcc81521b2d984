"""Answers to ex_best_step: solution, hints and typical mistakes. Spoilers."""

FUNCTION = "best_step"
KIND = "values"
SOLUTION = """import numpy as np


def best_step(eps, x):
    return eps ** (1 / 3) * max(1, abs(x))
"""
HINTS = (
    "The step grows with x where x is large, and not below 1.",
    "A cube root is a power: which?",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def best_step(eps, x):
    return np.cbrt(eps) * np.maximum(np.abs(x), 1.0)
""",
    """import math


def best_step(eps, x):
    size = x if x > 0 else -x
    if size < 1:
        size = 1
    return math.exp(math.log(eps) / 3) * size
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("wrong_value", "1 / 3", "1 / 2", "The exponent is that of a one-sided difference."),
    (
        "wrong_value",
        "(1 / 3)",
        "1 / 3",
        "A power comes before a division: eps ** 1 / 3 is a third of eps. The exponent needs brackets.",
    ),
    ("wrong_value", "max(1, abs(x))", "abs(x)", "At x = 0 no step is left."),
    ("wrong_value", " * max(1, abs(x))", "", "The step must grow with x where |x| is larger than 1."),
    ("wrong_value", "abs(x)", "x", "A negative x is as large as a positive one: only its size counts."),
    (
        "wrong_value",
        "max(1, abs(x))",
        "min(1, abs(x))",
        "It takes the smaller of 1 and |x|, where the larger one is asked for.",
    ),
    ("wrong_value", "max(1, abs(x))", "(1 + abs(x))", "It adds 1 and |x|, where the larger of the two is asked for."),
    (
        "wrong_value",
        "eps ** (1 / 3) * max(1, abs(x))",
        "(eps * max(1, abs(x))) ** (1 / 3)",
        "The cube root is of eps alone; the size of x comes after it.",
    ),
    ("wrong_value", "1 / 3", "3", "It takes the third power, where the third root is asked for."),
    ("sign", "eps **", "-eps **", "A step is positive."),
    ("wrong_value", "eps ** (1 / 3)", "eps ** 0.33", "1/3 isn't 0.33: let Python divide."),
    ("wrong_value", "eps **", "2.2e-16 **", "It has an eps of its own: use the one that is given."),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("wrong_value", "(3 * eps) ** (1 / 3) * max(1, abs(x))",
     "The 3 belongs to the best h for one special function; here the rule of thumb without it is asked for: "
     "the cube root of eps."),
    ("wrong_value", "(3 * eps) ** (1 / 3)",
     "Here the cube root is of eps alone, without the 3, and the step grows with x."),
    ("wrong_value", "eps ** (1 / 3) * x", "The step follows x itself: take the larger of 1 and |x|."),
    ("wrong_value", "eps ** (-1 / 3) * max(1, abs(x))",
     "The exponent has a minus too much: a small eps makes a small step."),
    ("wrong_value", "eps * max(1, abs(x))",
     "The cube root is missing; written as a power its exponent needs brackets, (1 / 3)."),
    ("wrong_value", "eps ** (1 / 3) / max(1, abs(x))", "The step shrinks where |x| is large; it should grow."),
    ("wrong_value", "eps ** (1 / 3) + max(1, abs(x))", "The size of x is added, where it should be a factor."),
    ("wrong_value", "6e-6 * max(1, abs(x))", "eps has no effect: take the cube root of the eps that is given."),
    ("wrong_value",
     "np.finfo(float).eps ** (1 / 3) * max(1, abs(x))",
     "eps has no effect: take the cube root of the eps that is given."),
)  # fmt: skip


def cases(rng):
    return [(2.2e-16, 0.1), (2.2e-16, -40.0), (1.2e-7, 0.0), (1e-3, 7.0), (2.2e-16, -0.3), (8e-6, -1.5)]
