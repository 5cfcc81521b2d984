"""Answers to ex_relu: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "relu_vjp"
KIND = "vjp"
SOLUTION = """import numpy as np


def relu_vjp(g, x):
    return g * (x > 0)
"""
HINTS = (
    "Where x is positive y is x; elsewhere it is constant.",
    "A comparison gives True and False, which multiply like 1 and 0.",
)
WRONG = (  # what is changed in the solution, and the kind of wrong that it is
    ("ignores_upstream", "g * (x > 0)", "1.0 * (x > 0)"),
    ("sign", "g * (x > 0)", "-g * (x > 0)"),
    ("negative_inputs", "g * (x > 0)", "g"),
    ("not_finite", "(x > 0)", "(1 + x / abs(x)) / 2"),
)


def forward(x):
    return np.maximum(x, 0)


def cases(rng):
    return [(rng.standard_normal((3, 4)),), (np.array([0.0, 2, -1]),)]
