"""Answers to ex_sigmoid_vjp: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "sigmoid_vjp"
KIND = "vjp"
SOLUTION = """import numpy as np


def sigmoid_vjp(g, x):
    y = 1 / (1 + np.exp(-x))
    return g * y * (1 - y)
"""
HINTS = (
    "The derivative of the sigmoid can be written with y alone.",
    "Multiply by g: the chain rule.",
)
WRONG = (  # what is changed in the solution, and the kind of wrong that it is
    ("ignores_upstream", "g * y", "y"),
    ("sign", "(1 - y)", "(y - 1)"),
    ("wrong_gradient", "(1 - y)", "y"),
)


def forward(x):
    return 1 / (1 + np.exp(-x))


def cases(rng):
    return [(rng.standard_normal((3, 4)),)]
