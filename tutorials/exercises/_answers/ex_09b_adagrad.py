"""Answers to ex_09b_adagrad: solution, hints and typical mistakes. Spoilers."""

FUNCTION = "adagrad"
KIND = "values"
SOLUTION = """import numpy as np


def adagrad(w, s, g, lr):
    s = s + g**2
    return w - lr * g / (np.sqrt(s) + 1e-10), s
"""
HINTS = (
    "s remembers all squared gradients that there ever were.",
    "The step is divided by the root of the new s.",
)
WRONG = (  # what is changed in the solution, and the kind of wrong that it is
    ("wrong_value", "np.sqrt(s)", "s", "It divides by the sum of squares itself."),
    ("wrong_value", "g**2", "abs(g)", "It adds up sizes, where squares are asked for."),
    ("changes_inputs", "s = s + g**2", "s += g**2"),
)


def cases(rng):
    return [
        (rng.standard_normal(4), rng.standard_normal(4) ** 2, rng.standard_normal(4), 0.1),
        (rng.standard_normal((2, 3)), rng.standard_normal((2, 3)) ** 2, rng.standard_normal((2, 3)), 0.02),
    ]
