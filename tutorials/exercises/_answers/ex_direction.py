"""Answers to ex_direction: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "along"
KIND = "values"
SOLUTION = """import numpy as np


def along(f, g, x, d, h):
    return (f(x + h * d) - f(x - h * d)) / (2 * h) - np.sum(g * d)
"""
HINTS = (
    "Move x by h times d, forwards and backwards.",
    "The sum is over all elements: one number comes out.",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def along(f, g, x, d, h):
    step = h * d
    measured = 0.5 * (f(x + step) - f(x - step)) / h
    return measured - np.dot(g.ravel(), d.ravel())
""",
    """def along(f, g, x, d, h):
    claimed = 0
    for slope, part in zip(g.flatten(), d.flatten()):
        claimed += slope * part
    return float((f(x + d * h) - f(x - d * h)) / (h + h) - claimed)
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("wrong_value", "(2 * h)", "h", "The slope is twice what it should be: how far apart are the two points?"),
    ("wrong_value", "(2 * h)", "2 * h", "It divides by 2 and then multiplies by h: write / (2 * h)."),
    (
        "sign",
        "(f(x + h * d) - f(x - h * d)) / (2 * h) - np.sum(g * d)",
        "np.sum(g * d) - (f(x + h * d) - f(x - h * d)) / (2 * h)",
        "The two are subtracted in the wrong order: the central difference comes first.",
    ),
    ("shape", "np.sum(g * d)", "g * d", "One number is asked for: the products g * d are still to be added up."),
    (
        "wrong_value",
        "np.sum(g * d)",
        "np.sum(g)",
        "The gradient says how f changes along d only together with d: g * d.",
    ),
    ("wrong_value", "np.sum(g * d)", "np.mean(g * d)", "It takes the mean of g * d, where their sum is asked for."),
    (
        "wrong_value",
        " - np.sum(g * d)",
        "",
        "That is the slope along d; what the gradient says is still to be subtracted.",
    ),
    (
        "wrong_value",
        "(f(x + h * d) - f(x - h * d)) / (2 * h) - np.sum(g * d)",
        "(f(x + h) - f(x - h)) / (2 * h) - np.sum(g * d)",
        "All elements are moved by h, where x should move along d.",
    ),
    (
        "wrong_value",
        "(f(x + h * d) - f(x - h * d)) / (2 * h)",
        "(f(x + h * d) - f(x)) / h",
        "It goes to one side only, where a central difference is asked for.",
    ),
    (
        "wrong_value",
        "(f(x + h * d) - f(x - h * d)) / (2 * h) - np.sum(g * d)",
        "abs((f(x + h * d) - f(x - h * d)) / (2 * h) - np.sum(g * d))",
        "The sign is lost: the difference itself is asked for, not its size.",
    ),
    (
        "wrong_value",
        "    return ",
        "    d = d / np.sqrt(np.sum(d**2))\n    return ",
        "d is made one long; take it as it is.",
    ),
    (
        "wrong_value",
        "f(x + h * d) - f(x - h * d)",
        "f(x + d) - f(x - d)",
        "It goes by all of d to each side, where h d is asked for.",
    ),
    (
        "wrong_value",
        "- np.sum(g * d)",
        "+ np.sum(g * d)",
        "The gradient's part is added, where it should be subtracted.",
    ),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("shape", "(f(x + h * d) - f(x - h * d)) / (2 * h * d) - np.sum(g * d)",
     "It divides by d too; the run along d is 2 h."),
    ("wrong_value", "(f(x + h * d) - f(x - h * d)) / (2 * h * np.sqrt(np.sum(d**2))) - np.sum(g * d)",
     "It divides by the length of d; the run along d is 2 h."),
    ("wrong_value", "(f(x + h * g) - f(x - h * g)) / (2 * h) - np.sum(g * d)",
     "x moves along g, where it should move along d."),
    ("wrong_value", "(f(x + h + d) - f(x - h - d)) / (2 * h) - np.sum(g * d)",
     "h and d are added, where h times d is asked for."),
    ("wrong_value", "np.sum(g * d)", "That is what the gradient says; the central difference is missing."),
    ("raises", "(f(x + h * d) - f(x - h * d)) / (2 * h) - g @ d",
     "g @ d adds up for vectors only; x may have any shape: np.sum(g * d)."),
)  # fmt: skip


def sum_of_cubes(x):
    return float(np.sum(x**3))


def product(x):
    return float(np.prod(x))


def sum_of_squares(x):
    return float(np.sum(x**2))


def cases(rng):
    def three(*shape):
        return [rng.standard_normal(shape) for _ in range(3)]

    return [(sum_of_cubes, *three(2, 3), 0.1), (product, *three(4), 1e-2), (sum_of_squares, *three(3), 0.5),
            (sum_of_squares, *three(2, 3, 2), 0.1)]  # fmt: skip
