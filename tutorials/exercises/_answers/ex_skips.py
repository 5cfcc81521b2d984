"""Answers to ex_skips: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "skips_slope"
KIND = "values"
SOLUTION = """import numpy as np


def skips_slope(x, w):
    slope = 1.0
    for w_k in w:
        f = np.tanh(w_k * x)
        slope *= 1 + w_k * (1 - f**2)
        x = x + f
    return slope
"""
HINTS = (
    "The slope of one block is 1 + f'(x), where f(x) = tanh(w_k x): the chain rule brings a factor w_k.",
    "Go through the blocks and carry two numbers along: the x so far, and the product of the slopes so far.",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def skips_slope(x, w):
    xs = [x]
    for a in w:
        xs.append(xs[-1] + np.tanh(a * xs[-1]))
    g = 1.0
    for a, u in zip(w[::-1], xs[-2::-1]):
        g = g + g * a / np.cosh(a * u) ** 2
    return g
""",
    """import numpy as np


def skips_slope(x, w):
    if len(w) == 0:
        return 1.0
    y = np.tanh(w[0] * x)
    return (1 + w[0] * (1 - y * y)) * skips_slope(x + y, w[1:])
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    (
        "wrong_value",
        "1 + w_k * (1 - f**2)",
        "w_k * (1 - f**2)",
        "The 1 is missing in the slope of a block: x itself is passed on too.",
    ),
    (
        "wrong_value",
        "1 + w_k * (1 - f**2)",
        "1 + (1 - f**2)",
        "The inner derivative is missing: w_k x changes by w_k when x changes by 1.",
    ),
    (
        "wrong_value",
        "(1 - f**2)",
        "f",
        "tanh isn't differentiated: its slope is 1 - tanh(u)**2.",
    ),
    (
        "wrong_value",
        "w_k * (1 - f**2)",
        "w_k * (1 - f)",
        "The square is missing: the slope of tanh is 1 - tanh(u)**2.",
    ),
    (
        "wrong_value",
        "w_k * (1 - f**2)",
        "w_k * (1 + f**2)",
        "There is a plus where the slope of tanh has a minus: 1 - tanh(u)**2.",
    ),
    (
        "wrong_value",
        "w_k * (1 - f**2)",
        "w_k * (1 - np.tanh(x)**2)",
        "The slope of tanh is to be taken at w_k x, and not at x.",
    ),
    (
        "wrong_value",
        "w_k * (1 - f**2)",
        "w_k * (1 - x**2)",
        "1 - tanh(u)**2 has the tanh under the square, not the number x that goes in.",
    ),
    (
        "wrong_value",
        "w_k * (1 - f**2)",
        "w_k",
        "The slope of tanh is missing, 1 - tanh(u)**2.",
    ),
    (
        "wrong_value",
        "x = x + f",
        "x = f",
        "The blocks pass on tanh(w_k x) alone; the next block gets x + tanh(w_k x).",
    ),
    (
        "wrong_value",
        "        x = x + f\n",
        "",
        "Each block's slope is taken at the first x; the second block is given what the first one made.",
    ),
    (
        "wrong_value",
        "        slope *= 1 + w_k * (1 - f**2)\n        x = x + f\n",
        "        x = x + f\n        slope *= 1 + w_k * (1 - np.tanh(w_k * x) ** 2)\n",
        "A block's slope is taken at the x that comes out of it; it belongs to the x that goes in.",
    ),
    (
        "wrong_value",
        "slope *= 1 +",
        "slope += 1 +",
        "The blocks' slopes are added; one block after the other multiplies them.",
    ),
    (
        "wrong_value",
        "slope *= 1 + w_k",
        "slope += w_k",
        "The blocks' slopes are added; one block after the other multiplies them.",
    ),
    (
        "wrong_value",
        "slope *= 1 +",
        "slope = 1 +",
        "Only the last block's slope is left: the slopes of all blocks are multiplied.",
    ),
    (
        "wrong_value",
        "slope = 1.0",
        "slope = 0.0",
        "The product begins at 0, and stays there; begin at 1.",
    ),
    (
        "wrong_value",
        "    return slope",
        "    return x",
        "That is what comes out of the last block; its derivative is asked for.",
    ),
    (
        "wrong_value",
        "for w_k in w:",
        "for w_k in w[::-1]:",
        "The blocks come in reverse order: x goes through w[0] first.",
    ),
    (
        "wrong_value",
        "for w_k in w:",
        "for w_k in w[1:]:",
        "The first block is left out.",
    ),
    (
        "wrong_value",
        "for w_k in w:",
        "for w_k in w[:-1]:",
        "The last block is left out.",
    ),
    (
        "wrong_value",
        "        slope *= 1 + w_k * (1 - f**2)\n        x = x + f\n",
        "        slope *= w_k * (1 - f**2)\n        x = f\n",
        "That is a chain without shortcuts: each block makes x + tanh(w_k x) of its x.",
    ),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("wrong_value", "1 + np.prod(w * (1 - np.tanh(w * x) ** 2))",
     "The 1 belongs to each block: the product is of factors 1 + f', each at the x that its block is given."),
    ("wrong_value", "np.prod(1 + w * (1 - np.tanh(w * x) ** 2))",
     "Each block's slope is taken at the first x; the second block is given what the first one made."),
    ("shape", "1 + w * (1 - np.tanh(w * x) ** 2)",
     "Those are the blocks' slopes, one by one, all at the first x: one number is asked for, their product."),
)  # fmt: skip


def cases(rng):
    return [
        (0.7, np.array([0.5, -0.8, 1.2])),
        (-0.4, np.array([1.5])),
        (1.1, np.array([0.9, 0.3])),
        (0.3, np.array([])),
        (0.2, rng.normal(size=6)),
    ]
