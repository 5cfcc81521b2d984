"""Answers to ex_cube_root: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "cube_root_vjp"
KIND = "vjp"
SOLUTION = """import numpy as np


def cube_root_vjp(g, x):
    return g / (3 * np.cbrt(x) ** 2)
"""
HINTS = (
    "The power rule: lower the exponent by one.",
    "1/3 - 1 is negative: it goes below the line.",
)
RIGHT = (  # the same, written in other ways
    """def cube_root_vjp(g, x):
    return g * (1 / 3) * x ** (-2 / 3)
""",
    """import numpy as np


def cube_root_vjp(g, x):
    y = x ** (1 / 3)
    return g * y / (3 * x)
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("factor", "(3 * np.cbrt(x) ** 2)", "(np.cbrt(x) ** 2)", "The factor 1/3, the old exponent, is missing."),
    ("factor", "g / (3 *", "g * 3 / (", "The old exponent 1/3 comes down as a factor; it is 3 here."),
    ("ignores_upstream", "g /", "1 /", "g is missing: what comes from above is multiplied by the derivative."),
    ("wrong_gradient", " ** 2", "", "The exponent isn't lowered by one: 1/3 - 1."),
    ("wrong_gradient", "g / (3 * np.cbrt(x) ** 2)", "g * np.cbrt(x) ** 2 / 3", "The exponent 1/3 - 1 is negative."),
    (
        "wrong_gradient",
        "g / (3 * np.cbrt(x) ** 2)",
        "g * np.cbrt(x)",
        "That is g times y itself; its derivative is asked for.",
    ),
    (
        "wrong_gradient",
        "g / (3 * np.cbrt(x) ** 2)",
        "g * np.cbrt(x) / 3",
        "The exponent isn't lowered by one: 1/3 - 1.",
    ),
    (
        "wrong_gradient",
        "g / (3 * np.cbrt(x) ** 2)",
        "3 * g * x**2",
        "That is the derivative of x**3; the cube root is asked for.",
    ),
    (
        "wrong_gradient",
        "g / (3 * np.cbrt(x) ** 2)",
        "g / 3 * x**-2 / 3",
        "A power comes before a division: x**-2/3 is x**-2 divided by 3. The exponent needs brackets.",
    ),
    (
        "wrong_gradient",
        "g / (3 * np.cbrt(x) ** 2)",
        "g / (2 * np.sqrt(x))",
        "That is the derivative of the square root; the cube root is asked for.",
    ),
    ("sign", "g / (", "-g / (", "The exponent 1/3 - 1 is negative, but the factor is 1/3: a cube root rises."),
    *(
        (
            "wrong_gradient",
            "np.cbrt(x) ** 2)",
            f"np.cbrt(x) ** 2 + {eps})",
            "Something is added below the line, which changes small x.",
        )
        for eps in ("1e-8", "1e-7", "1e-6", "1e-10", "1e-12")
    ),
    ("wrong_gradient", "np.cbrt(x) ** 2", "x**2", "x has the exponent 1/3 - 1, and not -2."),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("wrong_gradient", "-2 / 3 * g * x ** (-5 / 3)",
     "It was differentiated twice: the exponent goes from 1/3 to -2/3 once."),
    ("wrong_gradient", "g * (-2 / 3) * x ** (1 / 3)",
     "The old exponent comes down as a factor, 1/3, and the new one is -2/3."),
    ("wrong_gradient", "g * x ** (2 / 3) / 3", "The exponent 1/3 - 1 is negative."),
)  # fmt: skip


def forward(x):
    return np.cbrt(x)


def cases(rng):
    return [
        (np.abs(rng.standard_normal((3, 4))) + 0.5,),
        (np.array([1e-9, 1e-6, 2e3]),),
        (rng.standard_normal((2, 3, 2)) ** 2 + 0.1,),
    ]
