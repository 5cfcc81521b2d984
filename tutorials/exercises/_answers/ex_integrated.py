"""Answers to ex_integrated: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "integrated"
KIND = "values"
SOLUTION = """import numpy as np


def integrated(gradient, x, x0, n):
    total = np.zeros(x.shape)
    for k in range(n):
        t = (k + 0.5) / n
        total += gradient(x0 + t * (x - x0))
    return (x - x0) * total / n
"""
HINTS = (
    "The middle of step k, of 0 to n - 1, lies at t = (k + 0.5) / n; the input there is x0 + t * (x - x0).",
    "The mean of the n slopes, times x - x0.",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def integrated(gradient, x, x0, n):
    places = (np.arange(n) + 0.5) / n
    return np.mean([gradient(x0 + t * (x - x0)) for t in places], axis=0) * (x - x0)
""",
    """import numpy as np


def integrated(gradient, x, x0, n):
    step = (x - x0) / n
    at, shares = x0 + step / 2, 0
    for _ in range(n):
        shares = shares + gradient(at) * step
        at = at + step
    return shares
""",
    """import numpy as np


def integrated(gradient, x, x0, n):
    return sum(gradient(x0 * (1 - t) + x * t) for t in np.linspace(0.5 / n, 1 - 0.5 / n, n)) / n * (x - x0)
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("wrong_value", "(k + 0.5) / n", "(k + 1) / n",
     "It takes the slopes at the end of each step; the middle of step k is (k + 0.5) / n."),
    ("wrong_value", "(k + 0.5) / n", "k / n",
     "It takes the slopes at the beginning of each step; the middle of step k is (k + 0.5) / n."),
    ("wrong_value", "(k + 0.5) / n", "k / max(n - 1, 1)",
     "Its places reach from one end of the way to the other; the middle of step k is (k + 0.5) / n."),
    ("wrong_value", "(k + 0.5) / n", "(k + 1) / (n + 1)",
     "Its places aren't the middles of n steps: the first of these is 0.5 / n, the last 1 - 0.5 / n."),
    ("wrong_value", "(k + 0.5) / n", "k + 0.5 / n",
     "The division needs brackets: (k + 0.5) / n. As it is, t grows beyond 1, and the way beyond x."),
    ("wrong_value", "(k + 0.5) / n", "0.5",
     "It takes the slopes in the middle of the whole way, n times; each step has a middle of its own."),
    ("wrong_value", "(x - x0) * total / n", "total / n",
     "That is the mean slope. A share is the mean slope times x - x0, how far its input has come."),
    ("wrong_value", "(x - x0) * total / n", "x * total / n",
     "It multiplies by x; the input has come from x0, so the factor is x - x0."),
    ("wrong_value", "(x - x0) * total / n", "(x - x0) * total",
     "The slopes are added and not averaged: divide by n."),
    ("wrong_value", "(x - x0) * total / n", "(x - x0) * total / (n + 1)",
     "There are n slopes, so their mean has n below the line, not n + 1."),
    ("wrong_value", "(x - x0) * total / n", "(x0 - x) * total / n",
     "The way is turned round: from x0 to x each input changes by x - x0."),
    ("wrong_value", "x0 + t * (x - x0)", "t * x",
     "t * x is the way from 0; the way from the baseline is x0 + t * (x - x0)."),
    ("wrong_value", "x0 + t * (x - x0)", "t * (x - x0)",
     "The way begins at 0 there; it should begin at the baseline: x0 + t * (x - x0)."),
    ("wrong_value", "x0 + t * (x - x0)", "x + t * (x - x0)",
     "The way begins at x and leads away from x0; it should begin at x0."),
    ("wrong_value", "x0 + t * (x - x0)", "x0 + t * x",
     "That way ends at x0 + x; from x0 to x one goes by x - x0."),
    ("wrong_value", "total += gradient", "total = gradient",
     "Only the last slopes are left; those of all steps are added: +=."),
    ("wrong_value", "total += gradient(x0 + t * (x - x0))", "total += np.abs(gradient(x0 + t * (x - x0)))",
     "It takes the sizes of the slopes. A slope keeps its sign: some inputs speak against."),
    ("wrong_value", "return (x - x0) * total / n", "return np.abs((x - x0) * total / n)",
     "It takes the sizes of the shares. A share keeps its sign: some inputs speak against."),
    ("shape", "return (x - x0) * total / n", "return np.sum((x - x0) * total / n)",
     "The shares are added; each input should keep its own."),
    ("wrong_value", "return (x - x0) * total / n", "return np.sum(x - x0) * total / n",
     "Each slope belongs to the way of its own input: x - x0, not the sum of that."),
)  # fmt: skip
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("wrong_value", "(x - x0) * gradient(x)",
     "That is gradient × input: it takes the slopes at x for those of the whole way."),
    ("wrong_value", "(x - x0) * gradient(x0)", "It takes the slopes at the baseline for those of the whole way."),
    ("wrong_value", "(x - x0) * (gradient(x0) + gradient(x)) / 2",
     "It takes the slopes at both ends alone; n of them are asked for, in the middle of each step."),
)  # fmt: skip


def cubic(x):
    return 3 * x**2 + np.roll(x, 1)


def waves(x):
    return np.cos(x) * np.sum(x) + np.sin(x)


def wells(x):
    return 2 * x - np.mean(x**3, axis=0)


def cases(rng):
    return [
        (cubic, rng.standard_normal(3) + 1, rng.standard_normal(3), 4),
        (waves, rng.standard_normal((2, 3)), rng.standard_normal((2, 3)) + 1, 3),
        (cubic, rng.standard_normal(2), np.zeros(2), 2),
        (wells, rng.standard_normal((3, 2)), np.ones((3, 2)), 5),
    ]
