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
RIGHT = (  # the same, written in other ways
    """def tangent(f, df, a, x):
    start, slope = f(a), df(a)
    return [start + slope * (point - a) for point in x]
""",
    """import numpy as np


def tangent(f, df, a, x):
    return np.multiply(df(a), x) + (f(a) - a * df(a))
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("wrong_value", "df(a)", "df(x)", "The slope is taken at the wrong point: a line has one slope, that at a."),
    ("offset", "f(a) + ", "", "The line starts at 0, where it should go through the point (a, f(a))."),
    ("wrong_value", "(x - a)", "(a - x)", "The line goes through the right point, but leans the wrong way."),
    (
        "wrong_value",
        "f(a) +",
        "f(x) +",
        "It starts from f(x), which is what the tangent should come close to: start from f(a).",
    ),
    ("wrong_value", "(x - a)", "x", "How far is it from a to x? The line is to be right at a."),
    ("wrong_value", "(x - a)", "x - a", "Only x is multiplied by the slope: x - a needs brackets."),
    ("wrong_value", "f(a) + df(a) * (x - a)", "f(x)", "That is f itself, not its tangent."),
    ("wrong_value", "df(a)", "f(a)", "The slope is df(a), not f(a)."),
    ("shape", " * (x - a)", "", "x has no effect: how far it is from a to x, times the slope, is to be added."),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("wrong_value", "f(x) + df(x) * (x - a)", "Value and slope are taken at x; a tangent has those at a."),
    ("wrong_value", "f(a) + df(x - a)", "df(x - a) is the slope at another point; it should be df(a) times (x - a)."),
    ("wrong_value", "f(a) * df(a) * (x - a)", "f(a) multiplies, where it should be added."),
    ("wrong_value", "f(a) + df(a) * (x + a)", "The way from a to x is x - a, not x + a."),
    ("wrong_value", "df(a) * x", "That is a line through 0; it should go through (a, f(a))."),
    ("wrong_value", "(f(a) + df(a)) * (x - a)", "Only the slope is multiplied by x - a: f(a) stands alone."),
    ("wrong_value", "f(x) + df(x) * (a - x)", "f and df are taken at x: the tangent touches at a."),
)  # fmt: skip


def cases(rng):
    return [
        (np.sin, np.cos, 0.4, rng.standard_normal(5)),
        (np.exp, np.exp, -1.0, rng.standard_normal((2, 3))),
        (np.cos, lambda x: -np.sin(x), 2.0, np.array([2.0, -3.0])),
        (np.sin, np.cos, -0.7, rng.standard_normal((2, 3, 2))),
    ]
