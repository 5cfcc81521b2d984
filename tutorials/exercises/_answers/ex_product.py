"""Answers to ex_product: solution, hints and typical mistakes. Spoilers."""

FUNCTION = "product_vjp"
KIND = "vjp"
SOLUTION = """import numpy as np


def product_vjp(g, a, b):
    return g * (b + 1), g * (b + 1) + g * (a + b)
"""
HINTS = (
    "Give the two factors names, and find their gradients first.",
    "b is in both factors: what comes back from both adds up.",
)
WRONG = (  # what is changed in the solution, and the kind of wrong that it is
    ("swapped", "g * (b + 1), g * (b + 1) + g * (a + b)", "g * (b + 1) + g * (a + b), g * (b + 1)"),
    ("wrong_gradient", "g * (b + 1) + g * (a", "g * (a"),
    ("ignores_upstream", "g * (b + 1), g * (b + 1) + g * (a + b)", "b + 1, b + 1 + a + b"),
)


def forward(a, b):
    return (a + b) * (b + 1)


def cases(rng):
    return [(rng.standard_normal((2, 3)), rng.standard_normal((2, 3)))]
