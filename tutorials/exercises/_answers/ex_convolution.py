"""Answers to ex_convolution: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "convolve_vjp"
KIND = "vjp"
SOLUTION = """import numpy as np


def convolve_vjp(g, x, w):
    dx, dw = np.zeros(x.shape), np.zeros(w.shape)
    for i in range(len(g)):
        dx[i : i + len(w)] += g[i] * w
        dw += g[i] * x[i : i + len(w)]
    return dx, dw
"""
HINTS = (
    "Go through the outputs; each used a piece of x, and all of w.",
    "Gradients of all uses add up: +=",
)
WRONG = (  # what is changed in the solution, and the kind of wrong that it is
    ("duplicates", "] += g[i] * w", "] = g[i] * w"),
    ("swapped", "return dx, dw", "return dw, dx"),
    ("sign", "return dx, dw", "return -dx, dw"),
    ("not_summed", "dw += g[i]", "dw = g[i]"),
)


def forward(x, w):
    return np.array([w @ x[i : i + len(w)] for i in range(len(x) - len(w) + 1)])


def cases(rng):
    return [(rng.standard_normal(7), rng.standard_normal(3))]
