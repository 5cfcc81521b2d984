"""Answers to ex_twice: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "twice_vjp"
KIND = "vjp"
SOLUTION = """import numpy as np


def twice_vjp(g, x):
    return g * np.sin(x) + g * x * np.cos(x) + g
"""
HINTS = (
    "x is used three times: what comes back from each use?",
    "The product rule gives two of the three terms.",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def twice_vjp(g, x):
    dx = np.zeros_like(x)
    dx += g * np.sin(x)
    dx += g * x * np.cos(x)
    dx += g
    return dx
""",
    """from numpy import cos, sin


def twice_vjp(g, x):
    return (1 + sin(x) + x * cos(x)) * g
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("wrong_gradient", " + g * x * np.cos(x)", "", "The use of x inside the sine is forgotten."),
    ("wrong_gradient", "g * np.sin(x) + ", "", "The use of x as the first factor is forgotten."),
    ("wrong_gradient", "np.cos(x) + g", "np.cos(x)", "The last x of y = x sin(x) + x is a use of x too."),
    (
        "wrong_gradient",
        "np.cos(x) + g",
        "np.cos(x) + 1",
        "g is missing in the last term: what comes from above goes to every use of x.",
    ),
    (
        "wrong_gradient",
        "g * np.sin(x) + g * x * np.cos(x) + g",
        "g * np.cos(x) + g",
        "A product's derivative isn't the product of the derivatives: each factor changes while the other stays.",
    ),
    ("wrong_gradient", "+ g * x * np.cos(x)", "- g * x * np.cos(x)", "The derivative of sin is cos, without a minus."),
    ("sign", "return g * np.sin(x) + g * x * np.cos(x) + g", "return -(g * np.sin(x) + g * x * np.cos(x) + g)"),
    ("ignores_upstream", "g * np.sin(x) + g * x * np.cos(x) + g", "np.sin(x) + x * np.cos(x) + 1"),
    (
        "wrong_gradient",
        "g * np.sin(x) + g * x * np.cos(x) + g",
        "g * (x * np.sin(x) + x)",
        "That is g times y itself, not its derivative.",
    ),
    (
        "wrong_gradient",
        "g * x * np.cos(x)",
        "g * np.cos(x)",
        "In the product rule the factor that isn't differentiated stays: x times cos(x).",
    ),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("wrong_gradient", "g * x * np.cos(x)",
     "Two of the three uses of x are missing: the first factor x, and the last x."),
    ("wrong_gradient", "g * np.sin(x)",
     "Two of the three uses of x are missing: the x inside the sine, and the last x."),
    ("wrong_gradient", "g", "Two of the three uses of x are missing: those in x sin(x)."),
    ("wrong_gradient", "3 * g", "The three uses of x have derivatives of their own: what is each x multiplied by?"),
    ("wrong_gradient", "g * np.cos(x)", "That is the derivative of sin(x) alone: x is used three times."),
    ("wrong_gradient", "g * (np.sin(x) * x * np.cos(x) + 1)",
     "What comes back from the uses of x adds up; here two of them are multiplied."),
    ("wrong_gradient", "g * (np.sin(x) + x * np.cos(x) + x)", "The derivative of the last x is 1, and not x."),
)  # fmt: skip


def forward(x):
    return x * np.sin(x) + x


def cases(rng):
    return [(rng.standard_normal((2, 3)),), (np.array([0.0, 4, -2.5, 1]),), (rng.standard_normal((2, 3, 2)),)]
