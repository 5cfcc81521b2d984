"""Answers to ex_relu: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "relu_vjp"
KIND = "vjp"
SOLUTION = """import numpy as np


def relu_vjp(g, x):
    return g * (x > 0)
"""
HINTS = (
    "Where x is positive y is x; elsewhere it is constant.",
    "A comparison gives True and False, which multiply like 1 and 0.",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def relu_vjp(g, x):
    dx = np.array(g)
    dx[x <= 0] = 0
    return dx
""",
    """import numpy as np


def relu_vjp(g, x):
    return np.where(x >= 0, g, 0.0)
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("ignores_upstream", "g * (x > 0)", "1.0 * (x > 0)", "g is missing: what comes from above is let through or not."),
    ("sign", "g * (x > 0)", "-g * (x > 0)"),
    ("negative_inputs", "g * (x > 0)", "g", "It lets everything through; where x is negative y doesn't change."),
    ("not_finite", "(x > 0)", "(1 + x / abs(x)) / 2", "At x = 0 it is 0 / 0."),
    ("wrong_gradient", "g * (x > 0)", "np.maximum(g, 0)", "It cuts off g, where x decides what is let through."),
    ("wrong_gradient", "g * (x > 0)", "g * x * (x > 0)", "The slope of max(x, 0) is 1 where x is positive, and not x."),
    (
        "wrong_gradient",
        "g * (x > 0)",
        "np.maximum(x, 0)",
        "That is the relu itself, not its derivative, and g is missing.",
    ),
    ("wrong_gradient", "x > 0", "x < 0", "It is the wrong way round: where x is positive y changes with x."),
    ("wrong_gradient", "(x > 0)", "np.sign(x)", "Where x is negative the slope is 0, and not -1."),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("wrong_gradient", "g * x", "The slope of max(x, 0) is 1 or 0, and not x."),
    ("wrong_gradient", "np.where(x > 0, g, -g)", "Where x is negative the slope is 0, and not -1."),
    ("wrong_gradient", "np.where(x > 0, g, 0.01 * g)",
     "That is a leaky relu; here the slope is 0 where x is negative."),
    ("wrong_gradient", "np.where(x > 0, g, x)", "Where x is negative the slope is 0, and not x."),
    ("wrong_gradient", "np.maximum(g * x, 0)", "The slope is 1 where x is positive, and not x; and g may be negative."),
    ("wrong_gradient", "np.where(x > 0, x, 0)", "That is the relu itself, not its derivative, and g is missing."),
    ("wrong_gradient",
     "g if x.all() else 0 * g",
     "all() asks about the whole of x at once; each element decides for itself: x > 0, with np.where or as a factor."),
)  # fmt: skip


def forward(x):
    return np.maximum(x, 0)


def cases(rng):
    return [
        (rng.standard_normal((3, 4)),),
        (np.array([0.0, 2, -1]),),
        (np.array([1e-6, -1e-6, 500, -500]),),
        (rng.standard_normal((2, 3, 2)),),
    ]
