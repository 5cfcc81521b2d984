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
RIGHT = (  # the same, written in other ways
    """import numpy as np


def numerical_gradient(f, x, h):
    g = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[i] += h
        down[i] -= h
        g[i] = (f(up) - f(down)) / (2 * h)
    return g
""",
    """import numpy as np


def numerical_gradient(f, x, h):
    g = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        old = x[i]
        x[i] = old + h
        above = f(x)
        x[i] = old - h
        below = f(x)
        x[i] = old
        g[i] = (above - below) / h / 2
    return g
""",
    """import numpy as np


def numerical_gradient(f, x, h):
    steps = h * np.eye(x.size).reshape(x.size, *x.shape)
    return np.reshape([0.5 / h * (f(x + s) - f(x - s)) for s in steps], x.shape)
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("factor", "(2 * h)", "h", "It is twice as large as it should be: how far apart are the two points?"),
    ("factor", " / (2 * h)", "", "That is the rise alone; a slope is rise over run."),
    (
        "sign",
        "f(x + step) - f(x - step)",
        "f(x - step) - f(x + step)",
        "The two values are taken in the wrong order: right minus left.",
    ),
    (
        "changes_inputs",
        "        step = np.zeros(x.shape)\n        step[i] = h\n",
        "        step = 0 * x\n        step[i] = h\n        x[i] += h\n",
    ),
    ("wrong_value", "(2 * h)", "2 * h", "It divides by 2 and then multiplies by h: write / (2 * h)."),
    ("wrong_value", "- f(x - step)", "- f(x)", "That is half the slope between the two points."),
    (
        "one_sided",
        "(f(x + step) - f(x - step)) / (2 * h)",
        "(f(x + step) - f(x)) / h",
        "Its error shrinks like h, where that of a central difference shrinks like h²: it steps to one side only.",
    ),
    (
        "one_sided",
        "(f(x + step) - f(x - step)) / (2 * h)",
        "(f(x) - f(x - step)) / h",
        "Its error shrinks like h, where that of a central difference shrinks like h²: it steps to one side only.",
    ),
    (
        "wrong_value",
        "        step = np.zeros(x.shape)\n        step[i] = h\n",
        "        step = h\n",
        "All elements are moved at once; element i alone should be.",
    ),
    (
        "wrong_value",
        "        step = np.zeros(x.shape)\n        step[i] = h\n",
        "        step = np.zeros(x.shape)\n        step[i[0]] = h\n",
        "A whole row is moved: i is an index of all axes, as in step[i].",
    ),
    (
        "wrong_value",
        "(f(x + step) - f(x - step))",
        "f(x + step) - f(x - step)",
        "Only f(x - step) is divided: the difference needs brackets.",
    ),
    ("wrong_value", "step[i] = h\n", "step[i] = h * x[i]\n", "The step is h times the element, where it is h."),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("shape", "(f(x + h) - f(x - h)) / (2 * h)",
     "All elements are moved at once; each is to be moved alone, which gives a slope for each."),
    ("wrong_value",
     "    g = np.zeros(x.shape)\n"
     "    for i in np.ndindex(x.shape):\n"
     "        g[i] = (f(x[i] + h) - f(x[i] - h)) / (2 * h)\n"
     "    return g\n",
     "f gets one element alone; it takes the whole array, with that element moved."),
    ("zero", "np.zeros(x.shape)",
     "Nothing was written into g, or both values are taken of one array: up = x is x itself, x.copy() "
     "is another."),
    ("wrong_value",
     "    g = np.zeros(x.shape)\n"
     "    for i in np.ndindex(x.shape):\n"
     "        g[i] = f(x + h)\n"
     "    return g\n",
     "That is f's value with all elements moved; for each element a difference is asked for, divided by 2 h."),
    ("wrong_value",
     "    g = np.zeros(x.shape)\n"
     "    for i in np.ndindex(x.shape):\n"
     "        g[i] = f(x + h) - f(x - h)\n"
     "    return g\n",
     "All elements are moved at once; element i alone should be. And the rise is to be divided by 2 h."),
    ("wrong_value",
     "    g, step = np.zeros(x.shape), np.zeros(x.shape)\n"
     "    for i in np.ndindex(x.shape):\n"
     "        step[i] = h\n"
     "        g[i] = (f(x + step) - f(x - step)) / (2 * h)\n"
     "    return g\n",
     "The step keeps the h of the elements before: make a new array of zeros for each i."),
    ("wrong_value",
     "    g = np.zeros(x.shape)\n"
     "    for i in np.ndindex(x.shape):\n"
     "        up, down = x.copy(), x.copy()\n"
     "        up[i], down[i] = h, -h\n"
     "        g[i] = (f(up) - f(down)) / (2 * h)\n"
     "    return g\n",
     "Element i becomes h and -h, where h is added to it and taken from it: up[i] += h."),
    ("wrong_value",
     "    g = np.zeros(x.shape)\n"
     "    h = 1e-5\n"
     "    for i in np.ndindex(x.shape):\n"
     "        step = np.zeros(x.shape)\n"
     "        step[i] = h\n"
     "        g[i] = (f(x + step) - f(x - step)) / (2 * h)\n"
     "    return g\n",
     "It has an h of its own: use the h that is given."),
)  # fmt: skip


def weighted_sines(x):
    return float(np.sum(np.sin(x) * np.arange(1.0, x.size + 1).reshape(x.shape)))


def product(x):
    return float(np.prod(x))


def sum_of_cubes(x):
    return float(np.sum(x**3))


def cases(rng):
    return [
        (weighted_sines, rng.standard_normal((2, 3)), 1e-3),
        (product, rng.standard_normal(4), 1e-2),
        (sum_of_cubes, np.array([[2.0, -1], [0, 3], [1, 1]]), 0.5),
        (weighted_sines, rng.standard_normal((2, 3, 2)), 1e-2),
    ]
