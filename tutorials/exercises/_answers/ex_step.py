"""Answers to ex_step: solution, hints and typical mistakes. Spoilers."""

FUNCTION = "step"
KIND = "values"
SOLUTION = """import numpy as np


def step(w, g, lr):
    return w - lr * g
"""
HINTS = (
    "Downhill is against the gradient.",
    "`w -= ...` changes the caller's array.",
)
WRONG = (  # what is changed in the solution, and the kind of wrong that it is
    ("wrong_value", "w - lr", "w + lr", "It goes uphill."),
    ("changes_inputs", "return w - lr * g", "w -= lr * g\n    return w"),
    ("wrong_value", "lr * g", "g", "The learning rate has no effect."),
)


def cases(rng):
    return [
        (rng.standard_normal((2, 3)), rng.standard_normal((2, 3)), 0.1),
        (rng.standard_normal(4), rng.standard_normal(4), 0.03),
    ]
