"""Answers to ex_sigmoid_vjp: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "sigmoid_vjp"
KIND = "vjp"
SOLUTION = """import numpy as np


def sigmoid_vjp(g, x):
    y = 1 / (1 + np.exp(-x))
    return g * y * (1 - y)
"""
HINTS = (
    "The derivative of the sigmoid can be written with y alone.",
    "Multiply by g: the chain rule.",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def sigmoid_vjp(g, x):
    e = np.exp(-x)
    return g * e / (1 + e) ** 2
""",
    """import numpy as np


def sigmoid(x):
    return 0.5 * (1 + np.tanh(x / 2))


def sigmoid_vjp(g, x):
    return np.multiply(sigmoid(x) * sigmoid(-x), g)
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    (
        "ignores_upstream",
        "g * y",
        "y",
        "g is missing: by the chain rule what comes from above is multiplied by the sigmoid's derivative.",
    ),
    ("sign", "(1 - y)", "(y - 1)", "The sign is wrong: a sigmoid rises everywhere."),
    (
        "wrong_gradient",
        "(1 - y)",
        "y",
        "The sigmoid's derivative isn't y * y: where y is close to 1 the curve is flat.",
    ),
    (
        "wrong_gradient",
        "g * y * (1 - y)",
        "g * x * (1 - x)",
        "The derivative is y (1 - y), with y, the sigmoid of x, and not with x itself.",
    ),
    (
        "wrong_gradient",
        "g * y * (1 - y)",
        "g * y",
        "The factor 1 - y is missing: where y is close to 1 the curve is flat.",
    ),
    ("wrong_gradient", "g * y * (1 - y)", "g * (1 - y**2)", "That is the derivative of tanh; a sigmoid is asked for."),
    (
        "wrong_gradient",
        "g * y * (1 - y)",
        "g * (1 - y)",
        "A factor y is missing: where y is close to 0 the curve is flat.",
    ),
    (
        "wrong_gradient",
        "    y = 1 / (1 + np.exp(-x))\n",
        "    y = 1 / (1 + np.exp(-g))\n",
        "The sigmoid is taken of g, where it should be taken of x.",
    ),
    ("wrong_gradient", "g * y * (1 - y)", "y * (1 - y) + g", "g is added, where the chain rule multiplies."),
    (
        "wrong_gradient",
        "1 / (1 + np.exp(-x))",
        "1 / 1 + np.exp(-x)",
        "A division comes before a sum: 1 + exp(-x) needs brackets.",
    ),
    ("wrong_gradient", "(1 - y)", "(1 + y)", "The derivative is y (1 - y), with a minus."),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("wrong_gradient", "g * np.exp(x) / (1 + np.exp(-x)) ** 2", "In the numerator there is exp(-x), not exp(x)."),
    ("wrong_gradient", "g * (1 - g)", "y (1 - y) is asked for, with y, the sigmoid of x, and times g."),
    ("wrong_gradient", "x * (1 - x)", "The derivative is y (1 - y), with y, the sigmoid of x; and g is missing."),
)  # fmt: skip


def forward(x):
    return 1 / (1 + np.exp(-x))


def cases(rng):
    return [
        (rng.standard_normal((3, 4)),),
        (np.array([0.0, 3, -5]),),
        (rng.standard_normal((2, 3, 2)),),
        (rng.standard_normal(5),),
    ]
