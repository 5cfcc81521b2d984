"""Answers to ex_product: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "product_vjp"
KIND = "vjp"
SOLUTION = """import numpy as np


def product_vjp(g, a, b):
    return g * (b + 1), g * (b + 1) + g * (a + b)
"""
HINTS = (
    "Give the two factors names, and find their gradients first.",
    "b is in both factors: what comes back from both adds up.",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def product_vjp(g, a, b):
    return np.array([g * (b + 1), g * (a + 2 * b + 1)])
""",
    """def product_vjp(g, a, b):
    u, v = a + b, b + 1
    du, dv = g * v, g * u
    da = du
    db = du + dv
    return [da, db]
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    (
        "swapped",
        "g * (b + 1), g * (b + 1) + g * (a + b)",
        "g * (b + 1) + g * (a + b), g * (b + 1)",
        "The two gradients are swapped: dL/da comes first.",
    ),
    (
        "wrong_gradient",
        "g * (b + 1) + g * (a",
        "g * (a",
        "b is in both factors; what comes back from the first one, a + b, is forgotten.",
    ),
    (
        "wrong_gradient",
        "g * (b + 1) + g * (a + b)",
        "g * (b + 1)",
        "b is in both factors; what comes back from the second one, b + 1, is forgotten.",
    ),
    (
        "wrong_gradient",
        "g * (b + 1) + g * (a + b)",
        "g * (b + 1) * g * (a + b)",
        "What comes back from both uses of b is multiplied, where it should be added.",
    ),
    ("ignores_upstream", "g * (b + 1), g * (b + 1) + g * (a + b)", "b + 1, b + 1 + a + b"),
    (
        "wrong_gradient",
        "return g * (b + 1), ",
        "return g * (a + b), ",
        "What is a + b multiplied by? The other factor is its derivative.",
    ),
    (
        "wrong_gradient",
        "return g * (b + 1), ",
        "return g, ",
        "a + b is multiplied by b + 1, which must stand in dL/da.",
    ),
    ("count", "g * (b + 1), g * (b + 1) + g * (a + b)", "g * (b + 1)"),
    (
        "wrong_gradient",
        "g * (b + 1) + g * (a + b)",
        "g * (b + 1) - g * (a + b)",
        "What comes back from both uses of b is subtracted, where it adds up.",
    ),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("wrong_gradient", "g * (a + b), g * (b + 1)",
     "In dL/da stands the other factor, b + 1. And b is in both factors: two things add up."),
    ("wrong_gradient", "g, g", "The factors are forgotten: a + b is multiplied by b + 1, and the other way round."),
    ("wrong_gradient", "g * (b + 1), g * (b + 1) * (a + b)",
     "What comes back from both uses of b is multiplied, where it should be added."),
    ("wrong_gradient", "g * (b + 1), g * (a + 2 * b)", "A 1 is missing in dL/db: it is (b + 1) + (a + b)."),
    ("wrong_gradient", "g * (b + 1), g * (a + b + 1)", "A b is missing in dL/db: it is (b + 1) + (a + b)."),
    ("wrong_gradient", "g * b, g * (a + 2 * b + 1)", "In dL/da stands the other factor, b + 1, and not b."),
    ("wrong_gradient", "g * (b + 1), g * 2 * b", "dL/db has both factors in it: (b + 1) + (a + b)."),
    ("count", "g * (b + 1) + g * (a + b)", "Two gradients are asked for, in a tuple: dL/da, and dL/db."),
)  # fmt: skip


def forward(a, b):
    return (a + b) * (b + 1)


def cases(rng):
    return [(rng.standard_normal((2, 3)), rng.standard_normal((2, 3))), (np.array([1.0, -2]), np.array([-1.0, 0.5])),
            (rng.standard_normal((2, 3, 2)), rng.standard_normal((2, 3, 2)))]  # fmt: skip
