"""Answers to ex_chain: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "chain_vjp"
KIND = "vjp"
SOLUTION = """import numpy as np


def chain_vjp(g, x):
    return g * np.cos(x**2) * 2 * x
"""
HINTS = (
    "Name the inner function u = x^2 and differentiate both steps.",
    "The outer derivative is taken at u; then multiply by du/dx and by g.",
)
WRONG = (  # what is changed in the solution, and the kind of wrong that it is
    ("factor", " * 2 * x", " * x"),
    ("wrong_gradient", " * 2 * x", ""),
    ("sign", "g * np.cos", "-g * np.cos"),
)


def forward(x):
    return np.sin(x**2)


def cases(rng):
    return [(rng.standard_normal((2, 5)),)]
