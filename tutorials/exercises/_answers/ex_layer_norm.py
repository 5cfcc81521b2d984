"""Answers to ex_layer_norm: solution, hints and typical mistakes. Spoilers."""

FUNCTION = "normalise_vjp"
KIND = "vjp"
SOLUTION = """import numpy as np


def normalise_vjp(g, x):
    std = x.std(axis=1, keepdims=True)
    y = (x - x.mean(axis=1, keepdims=True)) / std
    return (g - g.mean(axis=1, keepdims=True) - y * (g * y).mean(axis=1, keepdims=True)) / std
"""
HINTS = (
    "If mean and std were constants it would be g / std. Two terms are to be taken from g.",
    "One is the row's mean of g, the other y times a mean.",
)
WRONG = (  # what is changed in the solution, and the kind of wrong that it is
    ("held_constant", " - y * (g * y).mean(axis=1, keepdims=True)", ""),
    ("sign", "return (g", "return -(g"),
    (
        "held_constant",
        "(g - g.mean(axis=1, keepdims=True) - y * (g * y).mean(axis=1, keepdims=True)) / std",
        "g / std",
    ),
)


def forward(x):
    return (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)


def cases(rng):
    return [(rng.standard_normal((3, 5)),), (1e-5 * rng.standard_normal((2, 4)),)]
