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
WRONG = (  # what is changed in the solution, and the kind of wrong that it is
    ("wrong_value", "1 / 3", "1 / 2", "The exponent is that of a one-sided difference."),
    ("wrong_value", "max(1, abs(x))", "abs(x)", "At x = 0 no step is left."),
    ("sign", "eps **", "-eps **"),
)


def cases(rng):
    return [(2.2e-16, 0.1), (2.2e-16, -40.0), (1.2e-7, 0.0), (1e-3, 7.0)]
