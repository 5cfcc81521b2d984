"""Answers to ex_leaky: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "leaky_vjp"
KIND = "vjp"
WRT = (0,)
SOLUTION = """import numpy as np


def leaky_vjp(g, x, slope):
    return g * np.where(x > 0, 1, slope)
"""
HINTS = (
    "np.where(condition, a, b) chooses for each element.",
    "The derivative is one of two numbers.",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def leaky_vjp(g, x, slope):
    dx = g.copy()
    dx[x < 0] *= slope
    return dx
""",
    """def leaky_vjp(g, x, slope):
    positive = x > 0
    return g * (positive + slope * (1 - positive))
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    (
        "negative_inputs",
        "np.where(x > 0, 1, slope)",
        "(x > 0)",
        "That is the plain relu; where x is negative this one has a slope too.",
    ),
    (
        "wrong_gradient",
        "np.where(x > 0, 1, slope)",
        "np.where(x > 0, slope, 1)",
        "The two slopes are the wrong way round.",
    ),
    ("ignores_upstream", "g * np", "np", "g is missing: what comes from above is multiplied by the slope."),
    ("negative_inputs", "np.where(x > 0, 1, slope)", "slope", "The slope is 1 where x is positive."),
    (
        "wrong_gradient",
        "g * np.where(x > 0, 1, slope)",
        "np.where(x > 0, g, slope)",
        "Where x is negative g is missing.",
    ),
    (
        "wrong_gradient",
        "g * np.where(x > 0, 1, slope)",
        "np.where(x > 0, 1, slope * g)",
        "Where x is positive g is missing.",
    ),
    (
        "wrong_gradient",
        "np.where(x > 0, 1, slope)",
        "np.where(x > 0, x, slope * x)",
        "That is g times y, where the derivative of y is asked for.",
    ),
    (
        "wrong_gradient",
        "np.where(x > 0, 1, slope)",
        "np.where(x > 0, 1, slope * x)",
        "The derivative of slope * x is slope.",
    ),
    (
        "wrong_gradient",
        "np.where(x > 0, 1, slope)",
        "np.where(g > 0, 1, slope)",
        "It asks whether g is positive, where x decides.",
    ),
    (
        "wrong_gradient",
        "np.where(x > 0, 1, slope)",
        "np.where(x > 0, 1, -slope)",
        "The slope is as given, without a minus.",
    ),
    ("wrong_gradient", "1, slope)", "1, 0.1)", "It always takes 0.1, where `slope` is given."),
    ("wrong_gradient", "1, slope)", "1, 0.01)", "It always takes 0.01, where `slope` is given."),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("wrong_gradient", "np.where(x < 0, g, slope * g)", "The two slopes are the wrong way round."),
    ("wrong_gradient", "np.where(x > 0, g, slope * x)",
     "Where x is negative the derivative is slope * g, and not slope * x."),
    ("wrong_gradient", "np.where(x > 0, g * x, g * slope)", "Where x is positive the slope is 1, and not x."),
    ("wrong_gradient", "np.where(x > 0, g, g / slope)", "It divides by the slope, where it should multiply."),
    ("wrong_gradient", "np.where(x > 0, x, slope * x)", "That is y itself, not its derivative, and g is missing."),
    ("wrong_gradient", "g * (x > 0) + slope",
     "Where x is negative g is missing, and where it is positive the slope comes on top of it."),
    ("wrong_gradient", "np.maximum(g, slope * g)", "It asks whether g is positive, where x decides."),
    ("wrong_gradient", "g * (x > 0) + slope * (x <= 0)", "Where x is negative g is missing."),
    ("wrong_gradient", "np.where(x > slope, g, slope * g)", "It compares x with slope: the bend is at 0."),
    ("wrong_gradient",
     "g if x.all() else slope * g",
     "all() asks about the whole of x at once; each element decides for itself: x > 0, with np.where or as a factor."),
)  # fmt: skip


def forward(x, slope):
    return np.where(x > 0, x, slope * x)


def cases(rng):
    return [(rng.standard_normal((3, 4)), 0.2), (np.array([0.0, 2, -1]), 0.1), (np.array([-30.0, 30, -1e-6]), 0.05),
            (rng.standard_normal((2, 3, 2)), 0.2)]  # fmt: skip
