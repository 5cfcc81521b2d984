"""Answers to ex_mean: solution, hints and typical mistakes. Spoilers."""

FUNCTION = "mean_vjp"
KIND = "vjp"
SOLUTION = """import numpy as np


def mean_vjp(g, x):
    return g * np.ones(x.shape) / x.size
"""
HINTS = (
    "A mean is a sum, divided by how many there are.",
    "All elements get the same.",
)
WRONG = (  # what is changed in the solution, and the kind of wrong that it is
    ("factor", " / x.size", ""),
    ("ignores_upstream", "g * ", ""),
    ("shape", "np.ones(x.shape)", "1.0"),
)


def forward(x):
    return x.mean()


def cases(rng):
    return [(rng.standard_normal((4, 3)),)]
