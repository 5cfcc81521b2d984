"""Answers to ex_neuron_vjp: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "neuron_vjp"
KIND = "vjp"
SOLUTION = """import numpy as np


def neuron_vjp(g, w, x, b):
    y = np.tanh(w @ x + b)
    dz = g * (1 - y**2)
    return dz * x, dz * w, dz
"""
HINTS = (
    "First the gradient of z = w . x + b, then those of w, x and b.",
    "tanh'(z) = 1 - tanh(z)^2.",
)
WRONG = (  # what is changed in the solution, and the kind of wrong that it is
    ("swapped", "dz * x, dz * w", "dz * w, dz * x"),
    ("ignores_upstream", "g * (1", "(1"),
    ("count", "dz * x, dz * w, dz", "dz * x, dz * w"),
)


def forward(w, x, b):
    return np.tanh(w @ x + b)


def cases(rng):
    return [(rng.standard_normal(4), rng.standard_normal(4), np.array(0.3))]
