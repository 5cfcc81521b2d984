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
    "tanh'(z) = 1 - tanh(z)**2.",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def neuron_vjp(g, w, x, b):
    z = np.dot(w, x) + b
    dz = g / np.cosh(z) ** 2
    return [[dz * v for v in x], [dz * v for v in w], dz]
""",
    """import math


def neuron_vjp(g, w, x, b):
    y = math.tanh(sum(w * x) + b)
    slope = (1 - y) * (1 + y)
    return x * g * slope, w * g * slope, g * slope
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("swapped", "dz * x, dz * w", "dz * w, dz * x", "The first two are swapped: what is w multiplied by?"),
    ("ignores_upstream", "g * (1", "(1", "g is missing: what comes from above is multiplied by the derivative."),
    ("count", "dz * x, dz * w, dz", "dz * x, dz * w"),
    (
        "wrong_gradient",
        "g * (1 - y**2)",
        "g",
        "The tanh isn't differentiated: between y and z = w . x + b stands its slope.",
    ),
    ("wrong_gradient", "(1 - y**2)", "y * (1 - y)", "That is the derivative of a sigmoid; the neuron has a tanh."),
    ("wrong_gradient", "(1 - y**2)", "(1 - y)", "The derivative of tanh has the square of y in it."),
    ("wrong_gradient", "np.tanh(w @ x + b)", "w @ x + b", "The derivative of tanh(z) is 1 - tanh(z)**2, not 1 - z**2."),
    ("wrong_gradient", "np.tanh(w @ x + b)", "np.tanh(w @ x)", "The bias b is missing in w . x + b."),
    (
        "wrong_gradient",
        "dz * w, dz",
        "dz * w, g",
        "b stands inside the tanh too: its gradient passes through the tanh as well.",
    ),
    ("wrong_gradient", "dz * w, dz", "dz * w, dz * b", "What is b multiplied by in w . x + b?"),
)


def forward(w, x, b):
    return np.tanh(w @ x + b)


def cases(rng):
    return [
        (rng.standard_normal(4), rng.standard_normal(4), np.array(0.3)),
        (np.array([0.5, -1.0]), np.array([0.3, 0.2]), np.array(-0.7)),
    ]
