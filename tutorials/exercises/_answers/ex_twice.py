"""Answers to ex_twice: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "twice_vjp"
KIND = "vjp"
SOLUTION = """import numpy as np


def twice_vjp(g, x):
    return g * np.sin(x) + g * x * np.cos(x) + g
"""
HINTS = (
    "x is used three times: what comes back from each use?",
    "The product rule gives two of the three terms.",
)
WRONG = (  # what is changed in the solution, and the kind of wrong that it is
    ("wrong_gradient", " + g * x * np.cos(x)", ""),
    ("sign", "return g * np.sin(x) + g * x * np.cos(x) + g", "return -(g * np.sin(x) + g * x * np.cos(x) + g)"),
    ("ignores_upstream", "g * np.sin(x) + g * x * np.cos(x) + g", "np.sin(x) + x * np.cos(x) + 1"),
)


def forward(x):
    return x * np.sin(x) + x


def cases(rng):
    return [(rng.standard_normal((2, 3)),)]
