"""Answers to ex_adagrad: solution, hints and typical mistakes. Spoilers."""

import numpy as np

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
    (
        "wrong_value",
        "(np.sqrt(s) + 1e-10)",
        "np.sqrt(s + 1e-10)",
        "eps belongs outside the root: sqrt(s') + 1e-10, not sqrt(s' + 1e-10).",
    ),
    ("not_finite", " + 1e-10", "", "eps is missing: where no gradient has come yet, the step is 0 / 0."),
    ("changes_inputs", "s = s + g**2", "s += g**2"),
)


def cases(rng):
    return [
        (rng.standard_normal(4), rng.standard_normal(4) ** 2, rng.standard_normal(4), 0.1),
        (rng.standard_normal((2, 3)), rng.standard_normal((2, 3)) ** 2, rng.standard_normal((2, 3)), 0.02),
        (np.zeros(3), np.array([0, 0, 4e-20]), np.array([0, 3e-11, -1e-10]), 0.1),  # beside which eps is seen
    ]
