"""Answers to ex_numerical_gradient: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "numerical_gradient"
KIND = "values"
SOLUTION = """import numpy as np


def numerical_gradient(f, x, h):
    g = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        step = np.zeros(x.shape)
        step[i] = h
        g[i] = (f(x + step) - f(x - step)) / (2 * h)
    return g
"""
HINTS = (
    "np.ndindex(x.shape) goes through all indices.",
    "Make an array of zeros with a single h in it, add it and subtract it.",
)
WRONG = (  # what is changed in the solution, and the kind of wrong that it is
    ("factor", "(2 * h)", "h"),
    ("sign", "f(x + step) - f(x - step)", "f(x - step) - f(x + step)"),
    (
        "changes_inputs",
        "        step = np.zeros(x.shape)\n        step[i] = h\n",
        "        step = 0 * x\n        step[i] = h\n        x[i] += h\n",
    ),
    ("wrong_value", "- f(x - step)", "- f(x)", "That is half the slope between the two points."),
    (
        "one_sided",
        "(f(x + step) - f(x - step)) / (2 * h)",
        "(f(x + step) - f(x)) / h",
        "Its error shrinks like h, where that of a central difference shrinks like h²: it steps to one side only.",
    ),
)


def cases(rng):
    return [
        (lambda x: float(np.sum(np.sin(x) * np.arange(1.0, 7).reshape(2, 3))), rng.standard_normal((2, 3)), 1e-3),
        (lambda x: float(np.prod(x)), rng.standard_normal(4), 1e-2),
    ]
