"""Answers to ex_momentum: solution, hints and typical mistakes. Spoilers."""

FUNCTION = "momentum"
KIND = "values"
SOLUTION = """import numpy as np


def momentum(w, v, g, lr, mu):
    v = mu * v + g
    return w - lr * v, v
"""
HINTS = (
    "First the new velocity, then the step.",
    "`v = ...` makes a new array, `v *= ...` changes the old one.",
)
WRONG = (  # what is changed in the solution, and the kind of wrong that it is
    ("changes_inputs", "v = mu * v + g", "v *= mu\n    v += g"),
    ("wrong_value", "w - lr * v", "w - lr * g", "The step forgets the velocity."),
    (
        "wrong_value",
        "mu * v + g",
        "mu * v + (1 - mu) * g",
        "The velocity is an average of gradients, where this formula adds them in full.",
    ),
)


def cases(rng):
    return [
        (rng.standard_normal(4), rng.standard_normal(4), rng.standard_normal(4), 0.1, 0.9),
        (rng.standard_normal((2, 3)), rng.standard_normal((2, 3)), rng.standard_normal((2, 3)), 0.02, 0.5),
    ]
