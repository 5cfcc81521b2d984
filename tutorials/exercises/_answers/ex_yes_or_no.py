"""Answers to ex_yes_or_no: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "binary_grad"
KIND = "grad"
WRT = (0,)
SOLUTION = """import numpy as np


def binary_grad(z, y):
    return 1 / (1 + np.exp(-z)) - y
"""
HINTS = (
    "dL/dp times dp/dz: most of it cancels.",
    "Compare with the exercise before.",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def binary_grad(z, y):
    p = np.exp(z) / (np.exp(z) + 1)
    return -y * (1 - p) + (1 - y) * p
""",
    """import math


def binary_grad(z, y):
    return [1 / (1 + math.exp(-a)) - b for a, b in zip(z, y)]
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    (
        "sign",
        "1 / (1 + np.exp(-z)) - y",
        "y - 1 / (1 + np.exp(-z))",
        "The sign is wrong: where y is 1 a larger z makes the loss smaller.",
    ),
    ("wrong_gradient", " - y", "", "The answers y have no effect."),
    (
        "factor",
        "1 / (1 + np.exp(-z)) - y",
        "(1 / (1 + np.exp(-z)) - y) / len(z)",
        "That is the gradient of a mean; here L is a sum.",
    ),
    (
        "wrong_gradient",
        "1 / (1 + np.exp(-z)) - y",
        "(1 / (1 + np.exp(-z)) - y) * np.exp(-z) / (1 + np.exp(-z)) ** 2",
        "There is a factor p (1 - p) too much: that of the loss cancels it.",
    ),
    (
        "wrong_gradient",
        "1 / (1 + np.exp(-z)) - y",
        "(1 / (1 + np.exp(-z)) - y) / (np.exp(-z) / (1 + np.exp(-z)) ** 2)",
        "That is dL/dp; dp/dz is still to be multiplied.",
    ),
    ("wrong_gradient", "1 / (1 + np.exp(-z)) - y", "z - y", "z is a logit: make it a probability first."),
    ("wrong_gradient", "np.exp(-z)", "np.exp(z)", "The sigmoid has exp(-z) in it, and not exp(z)."),
    (
        "shape",
        "1 / (1 + np.exp(-z)) - y",
        "(1 / (1 + np.exp(-z)) - y).sum()",
        "Each z has a derivative of its own: don't add them up.",
    ),
    (
        "factor",
        "1 / (1 + np.exp(-z)) - y",
        "2 * (1 / (1 + np.exp(-z)) - y)",
        "There is a factor 2 too much: this is no squared error.",
    ),
    (
        "wrong_gradient",
        "1 / (1 + np.exp(-z)) - y",
        "-y * (1 - 1 / (1 + np.exp(-z)))",
        "What comes from (1 - y) log(1 - p) is missing: it counts where y is 0.",
    ),
    (
        "wrong_gradient",
        "    return 1 / (1 + np.exp(-z)) - y",
        "    p = 1 / (1 + np.exp(-z))\n    return -y * np.log(p) - (1 - y) * np.log(1 - p)",
        "Those are the terms of L itself; they are to be differentiated.",
    ),
    (
        "wrong_gradient",
        "1 / (1 + np.exp(-z)) - y",
        "np.abs(1 / (1 + np.exp(-z)) - y)",
        "The sign is lost: whether p is too large or too small matters.",
    ),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("wrong_gradient",
     "    p = 1 / (1 + np.exp(-z))\n"
     "    return -y / p\n",
     "That is a part of dL/dp; the other part, and dp/dz = p (1 - p), are missing."),
    ("wrong_gradient",
     "    p = 1 / (1 + np.exp(-z))\n"
     "    return p * (1 - p)\n",
     "That is dp/dz; dL/dp is still to be multiplied."),
    ("wrong_gradient",
     "    p = 1 / (1 + np.exp(-z))\n"
     "    return -y / p - (1 - y) / (1 - p)\n",
     "That is dL/dp, and with a wrong sign: -log(1 - p) has the derivative 1 / (1 - p)."),
    ("shape",
     "    p = 1 / (1 + np.exp(-z))\n"
     "    return (p - y).mean()\n",
     "Each z has a derivative of its own: don't add them up."),
    ("wrong_gradient", "    p = 1 / (1 + np.exp(-z))\n    return p + y\n", "The answer y is subtracted, not added."),
    ("wrong_gradient",
     "    p = 1 / (1 + np.exp(-z))\n"
     "    return (1 - y) * p\n",
     "What comes from y log p is missing: it counts where y is 1."),
    ("wrong_gradient",
     "    p = 1 / (1 + np.exp(-z))\n"
     "    return (p - y) ** 2\n",
     "The error is squared; the gradient is the error itself."),
    ("wrong_gradient", "1 / (1 + np.exp(-z)) - 1", "y is missing: it has 1 for all, where y has 0 and 1."),
    ("wrong_gradient", "np.tanh(z) - y", "That is tanh, where p is the sigmoid."),
    ("wrong_gradient",
     "np.exp(z) / np.exp(z).sum() - y",
     "That is softmax over all examples: each has a sigmoid of its own."),
)  # fmt: skip


def forward(z, y):
    return np.sum(np.log1p(np.exp(-z)) + (1 - y) * z)


def cases(rng):
    return [(rng.standard_normal(5), np.array([1.0, 0, 0, 1, 1])), (np.array([0.0, -3, 4]), np.array([0.0, 0, 1]))]
