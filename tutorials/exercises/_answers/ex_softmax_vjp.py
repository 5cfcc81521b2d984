"""Answers to ex_softmax_vjp: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "softmax_vjp"
KIND = "vjp"
SOLUTION = """import numpy as np


def softmax_vjp(g, x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    y = e / e.sum(axis=1, keepdims=True)
    return y * (g - (g * y).sum(axis=1, keepdims=True))
"""
HINTS = (
    "dy[j]/dx[k] = y[j] (1 if j = k, else 0) - y[j] y[k]. Multiply by g[j] and add up over j.",
    "Of the sum remains one number per row.",
)
WRONG = (  # what is changed in the solution, and the kind of wrong that it is
    ("not_summed", "y * (g - (g * y).sum(axis=1, keepdims=True))", "g * y * (1 - y)"),
    ("wrong_gradient", "(g * y).sum(axis=1, keepdims=True)", "(g * y).sum(axis=0, keepdims=True)"),
    ("sign", "return y * (g", "return -y * (g"),
)


def forward(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def cases(rng):
    return [(rng.standard_normal((3, 4)),)]
