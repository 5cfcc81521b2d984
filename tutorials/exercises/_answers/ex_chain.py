"""Answers to ex_chain: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "chain_vjp"
KIND = "vjp"
SOLUTION = """import numpy as np


def chain_vjp(g, x):
    return g * np.cos(x**2) * 2 * x
"""
HINTS = (
    "Name the inner function u = x**2 and differentiate both steps.",
    "The outer derivative is taken at u; then multiply by du/dx and by g.",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def chain_vjp(g, x):
    u = x * x
    du = g * np.cos(u)
    return du * x + du * x
""",
    """from numpy import cos


def chain_vjp(upstream, values):
    def derivative(v):
        return cos(v**2) * (2 * v)
    return derivative(values) * upstream
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("factor", " * 2 * x", " * x", "The derivative of x**2 has a factor 2."),
    ("wrong_gradient", " * 2 * x", "", "The inner derivative is missing: x**2 changes with x too."),
    (
        "sign",
        "g * np.cos",
        "-g * np.cos",
        "The sign is wrong: the derivative of sin is cos; only that of cos has a minus.",
    ),
    (
        "wrong_gradient",
        "np.cos(x**2) * 2 * x",
        "np.cos(2 * x)",
        "The inner derivative belongs beside the cos, as a factor, and not inside it.",
    ),
    (
        "wrong_gradient",
        "np.cos(x**2)",
        "np.cos(x)",
        "The outer derivative is taken at x, where it should be taken at u = x**2.",
    ),
    ("wrong_gradient", "np.cos(x**2)", "np.cos(x)**2", "cos(x**2) is asked for: the square is inside."),
    ("wrong_gradient", "np.cos(x**2)", "np.sin(x**2)", "The outer function sin isn't differentiated."),
    (
        "ignores_upstream",
        "g * np.cos",
        "np.cos",
        "g is missing: what comes from above is multiplied by the derivative.",
    ),
    ("wrong_gradient", "* 2 * x", "+ 2 * x", "The two derivatives are added, where the chain rule multiplies."),
    (
        "wrong_gradient",
        "np.cos(x**2) * 2 * x",
        "2 * np.sin(x) * np.cos(x)",
        "That is the derivative of sin(x)**2; here the square is inside the sine.",
    ),
    ("wrong_gradient", "* 2 * x", "* 2", "The derivative of x**2 is 2 x, and not 2."),
    (
        "wrong_gradient",
        "np.cos(x**2) * 2 * x",
        "2 * x",
        "The outer function sin isn't differentiated: its cos is missing.",
    ),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("wrong_gradient", "g * 2 * np.sin(x)", "The derivative of sin is cos; and the inner derivative is 2 x."),
    ("wrong_gradient", "g * x**2 * np.cos(x**2)",
     "x**2 itself is multiplied, where its derivative, 2 x, is asked for."),
    ("wrong_gradient", "g * np.cos(x)",
     "The outer derivative is to be taken at x**2, and the inner derivative 2 x is missing."),
    ("wrong_gradient", "g * np.cos(x) * 2", "The outer derivative is to be taken at x**2, and the inner one is 2 x."),
    ("wrong_gradient", "g * np.sin(x**2)", "That is g times y itself, not its derivative."),
    ("wrong_gradient", "g * np.sin(2 * x)", "That is the derivative of sin(x)**2; here the square is inside the sine."),
)  # fmt: skip


def forward(x):
    return np.sin(x**2)


def cases(rng):
    return [(rng.standard_normal((2, 5)),), (np.array([0.0, 2.5, -1]),), (rng.standard_normal((2, 3, 2)),)]
