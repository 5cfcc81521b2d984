"""Answers to ex_direction: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "along"
KIND = "values"
SOLUTION = """import numpy as np


def along(f, g, x, d, h):
    return (f(x + h * d) - f(x - h * d)) / (2 * h) - np.sum(g * d)
"""
HINTS = (
    "Move x by h times d, forwards and backwards.",
    "The sum is over all elements: one number comes out.",
)
WRONG = (  # what is changed in the solution, and the kind of wrong that it is
    ("wrong_value", "(2 * h)", "h", "It is twice what it should be: how far apart are the two points?"),
    (
        "sign",
        "(f(x + h * d) - f(x - h * d)) / (2 * h) - np.sum(g * d)",
        "np.sum(g * d) - (f(x + h * d) - f(x - h * d)) / (2 * h)",
    ),
    ("shape", "np.sum(g * d)", "g * d"),
)


def cases(rng):
    return [
        (
            lambda x: float(np.sum(x**2)),
            rng.standard_normal((2, 3)),
            rng.standard_normal((2, 3)),
            rng.standard_normal((2, 3)),
            0.1,
        ),
        (lambda x: float(np.prod(x)), rng.standard_normal(4), rng.standard_normal(4), rng.standard_normal(4), 1e-2),
    ]
