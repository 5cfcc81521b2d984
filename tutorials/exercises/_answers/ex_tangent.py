"""Answers to ex_tangent: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "tangent"
KIND = "values"
SOLUTION = """import numpy as np


def tangent(f, df, a, x):
    return f(a) + df(a) * (x - a)
"""
HINTS = (
    "A straight line: a value at a, and a slope.",
    "The slope is the same for all x.",
)
WRONG = (  # what is changed in the solution, and the kind of wrong that it is
    ("wrong_value", "df(a)", "df(x)", "The slope is taken at the wrong point."),
    ("offset", "f(a) + ", ""),
    ("wrong_value", "(x - a)", "(a - x)", "The line goes through the right point, but leans the wrong way."),
)


def cases(rng):
    return [(np.sin, np.cos, 0.4, rng.standard_normal(5))]
