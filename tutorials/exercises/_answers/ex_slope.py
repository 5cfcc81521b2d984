"""Answers to ex_slope: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "slope"
KIND = "values"
SOLUTION = """import numpy as np


def slope(f, x, h):
    return (f(x + h) - f(x - h)) / (2 * h)
"""
HINTS = (
    "Call f twice: a little to the right of x, and a little to the left.",
    "Rise over run: how far apart are the two points?",
)
RIGHT = (  # the same, written in other ways
    """def slope(f, x, h):
    left, right = x - h, x + h
    return float(f(right) - f(left)) / (right - left)
""",
    """slope = lambda f, point, step: 0.5 / step * (f(point + step) - f(point - step))
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("factor", "(2 * h)", "h", "It is twice as large as it should be: how far apart are x + h and x - h?"),
    ("factor", " / (2 * h)", "", "That is the rise alone; a slope is rise over run."),
    (
        "sign",
        "f(x + h) - f(x - h)",
        "f(x - h) - f(x + h)",
        "The two values are taken in the wrong order: right minus left.",
    ),
    ("wrong_value", "(2 * h)", "2 * h", "It divides by 2 and then multiplies by h: write / (2 * h)."),
    (
        "wrong_value",
        "(f(x + h) - f(x - h))",
        "f(x + h) - f(x - h)",
        "Only f(x - h) is divided: the difference needs brackets.",
    ),
    ("wrong_value", "f(x - h)", "f(x)", "That is half the slope between x and x + h."),
    (
        "one_sided",
        "(f(x + h) - f(x - h)) / (2 * h)",
        "(f(x + h) - f(x)) / h",
        "Its error shrinks like h, where that of a central difference shrinks like h²: it looks at one side of x only.",
    ),
    (
        "one_sided",
        "(f(x + h) - f(x - h)) / (2 * h)",
        "(f(x) - f(x - h)) / h",
        "Its error shrinks like h, where that of a central difference shrinks like h²: it looks at one side of x only.",
    ),
    (
        "wrong_value",
        "(f(x + h) - f(x - h)) / (2 * h)",
        "(f(x + h / 2) - f(x - h / 2)) / h",
        "It goes h / 2 to each side, where a whole h is asked for.",
    ),
    (
        "wrong_value",
        "(f(x + h) - f(x - h)) / (2 * h)",
        "f(x + h) - f(x - h) / 2 * h",
        "Only f(x - h) is divided, and then multiplied by h: brackets belong around the difference and around 2 * h.",
    ),
    *(
        ("wrong_value", "    return", f"    h = {h}\n    return", "It has a step of its own: use the h that is given.")
        for h in ("1e-3", "1e-4", "1e-5", "1e-6", "1e-8")
    ),
    ("wrong_value", "f(x + h) - f(x - h)", "f(x + h) + f(x - h)", "The two values are added; a rise is a difference."),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("wrong_value", "(f(x + h) - f(x - h)) / 2", "It divides by 2 alone: the two points are 2 * h apart."),
    ("wrong_value", "(f(x) - f(x + h)) / h", "It looks at one side of x only, and takes left minus right."),
    ("wrong_value", "f(x + h) / (2 * h)", "f(x - h) is missing: a rise is the difference of two values."),
    ("wrong_value", "(f(x + 2 * h) - f(x - 2 * h)) / (2 * h)", "It goes 2 h to each side, where h is asked for."),
    ("wrong_value", "(f(x + h) - f(x - h)) / h**2", "It divides by h squared, where the two points are 2 * h apart."),
    ("wrong_value", "(f(x + h) - f(x - h)) * (2 * h)", "It multiplies by 2 h; a slope is the rise divided by the run."),
    ("wrong_value",
     "(f(x + 2 * h) - f(x - 2 * h)) / (4 * h)",
     "The points are 2 h away from x on each side, where they should be h away."),
    ("wrong_value", "(np.sin(x + h) - np.sin(x - h)) / (2 * h)", "f has no effect: call the f that is given."),
    ("wrong_value", "(f(h) - f(-h)) / (2 * h)", "That is the slope at 0: x is missing."),
)  # fmt: skip


def cases(rng):
    return [(np.sin, 0.7, 2.0**-10), (np.exp, -1.2, 0.125), (abs, 0.0625, 0.25), (np.cos, 2.0, 0.5), (np.exp, 0.0, 1.0)]
