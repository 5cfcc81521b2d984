"""Answers to ex_slope: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "slope"
KIND = "values"
SOLUTION = """import numpy as np


def slope(f, x, h):
    return (f(x + h) - f(x - h)) / (2 * h)
"""
HINTS = (
    "Call f twice: a little to the right of x, and a little to the left.",
    "Rise over run: how far apart are the two points?",
)
WRONG = (  # what is changed in the solution, and the kind of wrong that it is
    ("factor", "(2 * h)", "h"),
    ("sign", "f(x + h) - f(x - h)", "f(x - h) - f(x + h)"),
    ("wrong_value", "(2 * h)", "2 * h", "It divides by 2 and then multiplies by h: write / (2 * h)."),
    ("wrong_value", "f(x - h)", "f(x)", "That is half the slope between x and x + h."),
    (
        "one_sided",
        "(f(x + h) - f(x - h)) / (2 * h)",
        "(f(x + h) - f(x)) / h",
        "Its error shrinks like h, where that of a central difference shrinks like h²: it looks at one side of x only.",
    ),
    (
        "one_sided",
        "(f(x + h) - f(x - h)) / (2 * h)",
        "(f(x) - f(x - h)) / h",
        "Its error shrinks like h, where that of a central difference shrinks like h²: it looks at one side of x only.",
    ),
)


def cases(rng):
    return [(np.sin, 0.7, 1e-3), (np.exp, -1.2, 0.1), (abs, 0.05, 0.2), (np.cos, 2.0, 0.5)]
