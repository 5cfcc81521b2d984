"""Answers to ex_09c_adam: solution, hints and typical mistakes. Spoilers."""

FUNCTION = "adam"
KIND = "values"
SOLUTION = """import numpy as np


def adam(w, m, v, g, t, lr):
    m = 0.9 * m + 0.1 * g
    v = 0.999 * v + 0.001 * g**2
    return w - lr * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8), m, v
"""
HINTS = (
    "One line for each of the three formulas.",
    "m' and v' are returned as they are; corrected for their start only in the step.",
)
WRONG = (  # what is changed in the solution, and the kind of wrong that it is
    ("wrong_value", " / (1 - 0.9**t)", "", "The correction for having started at 0 is missing."),
    (
        "wrong_value",
        "0.001 * g**2",
        "0.001 * g",
        "The second average is one of the gradients, where that of their squares is asked for.",
    ),
    ("changes_inputs", "m = 0.9 * m + 0.1 * g", "m *= 0.9\n    m += 0.1 * g"),
)


def cases(rng):
    return [
        (rng.standard_normal(4), rng.standard_normal(4), rng.standard_normal(4) ** 2, rng.standard_normal(4), 1, 0.1),
        (
            rng.standard_normal((2, 3)),
            rng.standard_normal((2, 3)),
            rng.standard_normal((2, 3)) ** 2,
            rng.standard_normal((2, 3)),
            7,
            0.02,
        ),
    ]
