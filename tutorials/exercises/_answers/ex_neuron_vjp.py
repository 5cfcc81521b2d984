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
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("wrong_gradient",
     "    y = 1 / (1 + np.exp(-(w @ x + b)))\n"
     "    dz = g * y * (1 - y)\n"
     "    return dz * x, dz * w, dz\n",
     "That is a neuron with the lesson's sigmoid, p (1 - p); here it has a tanh, 1 - y**2."),
    ("wrong_gradient",
     "    y = np.tanh(w @ x + b)\n"
     "    return g * y * x, g * y * w, g * y\n",
     "y itself stands where the derivative of tanh is asked for, 1 - y**2."),
    ("shape",
     "    y = np.tanh(w @ x + b)\n"
     "    dz = g * (1 - y**2)\n"
     "    return dz, dz, dz\n",
     "w is multiplied by x, and x by w: these factors are missing."),
    ("wrong_gradient",
     "    y = np.tanh(w @ x + b)\n"
     "    dz = g * (1 - y**2)\n"
     "    return dz * w * x, dz * w * x, dz\n",
     "In w . x the derivative by w is x alone, and that by x is w alone."),
    ("ignores_upstream", "x, w, 1.0", "g is missing, and the derivative of the tanh: dL/dw is g (1 - y**2) x."),
    ("wrong_gradient",
     "    y = np.tanh(w @ x + b)\n"
     "    dz = g * (1 - y**2)\n"
     "    return dz * x, dz * w, 1 - y**2\n",
     "g is missing in dL/db."),
    ("wrong_gradient",
     "    y = np.tanh(w @ x + b)\n"
     "    dz = g * (1 - y**2)\n"
     "    return dz * x, dz * w, 1.0\n",
     "dL/db isn't 1: what comes from above passes through the tanh to b too."),
    ("wrong_gradient",
     "    y = np.tanh(w @ x + b)\n"
     "    dz = g * (1 + y**2)\n"
     "    return dz * x, dz * w, dz\n",
     "The derivative of tanh is 1 - y**2, with a minus."),
    ("wrong_gradient",
     "    y = np.tanh(w @ x + b)\n"
     "    d = g * (1 - y) ** 2\n"
     "    return d * x, d * w, d\n",
     "It has (1 - y)**2, where tanh's derivative is 1 - y**2."),
    ("wrong_gradient",
     "    y = np.tanh(w @ x + b)\n"
     "    d = g * y**2\n"
     "    return d * x, d * w, d\n",
     "It has y**2, where tanh's derivative is 1 - y**2."),
)  # fmt: skip


def forward(w, x, b):
    return np.tanh(w @ x + b)


def cases(rng):
    return [
        (rng.standard_normal(4), rng.standard_normal(4), np.array(0.3)),
        (np.array([0.5, -1.0]), np.array([0.3, 0.2]), np.array(-0.7)),
    ]
