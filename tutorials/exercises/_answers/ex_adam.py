"""Answers to ex_adam: solution, hints and typical mistakes. Spoilers."""

import numpy as np

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
    (
        "wrong_value",
        "(np.sqrt(v / (1 - 0.999**t)) + 1e-8)",
        "np.sqrt(v / (1 - 0.999**t) + 1e-8)",
        "eps belongs outside the root: sqrt(...) + 1e-8, not sqrt(... + 1e-8).",
    ),
    (
        "wrong_value",
        "(np.sqrt(v / (1 - 0.999**t)) + 1e-8)",
        "((np.sqrt(v) + 1e-8) / np.sqrt(1 - 0.999**t))",
        "eps is added before v is corrected for its start; it belongs to the root of the corrected one.",
    ),
    (
        "not_finite",
        " + 1e-8",
        "",
        "eps is missing: where no gradient has come yet, the step is 0 / 0.",
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
        (np.zeros(3), np.zeros(3), np.zeros(3), np.array([0, 3e-9, -2e-8]), 1, 0.1),  # beside which eps is seen
        (np.zeros(2), np.array([2e-8, -1e-9]), np.array([1e-16, 4e-17]), np.array([1e-8, 2e-9]), 3, 0.1),
    ]
