"""Answers to ex_max_pool: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "max_pool_vjp"
KIND = "values"  # and no "vjp": where several are largest, other gradients would be right, too
SOLUTION = """import numpy as np


def max_pool_vjp(g, x):
    dx = np.zeros(x.shape)
    for i in range(g.shape[0]):
        for j in range(g.shape[1]):
            window = x[2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
            row, column = divmod(window.argmax(), 2)
            dx[2 * i + row, 2 * j + column] = g[i, j]
    return dx
"""
HINTS = (
    "Go through the elements of g: which number of its window was the largest? The others get 0.",
    "window.argmax() counts through the rows, 0 to 3, and gives the first of several; divmod(k, 2) makes row and "
    "column of it.",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def max_pool_vjp(g, x):
    h, w = g.shape
    windows = x.reshape(h, 2, w, 2).swapaxes(1, 2).reshape(h, w, 4)
    first = np.arange(4) == windows.argmax(axis=2)[:, :, None]
    return (first * g[:, :, None]).reshape(h, w, 2, 2).swapaxes(1, 2).reshape(x.shape)
""",
    """import numpy as np


def max_pool_vjp(g, x):
    dx = np.zeros_like(x)
    for (i, j), arrived in np.ndenumerate(g):
        places = [(2 * i, 2 * j), (2 * i, 2 * j + 1), (2 * i + 1, 2 * j), (2 * i + 1, 2 * j + 1)]
        dx[max(places, key=lambda place: x[place])] += arrived
    return dx
""",
    """import numpy as np
import tinydl as tl


def max_pool_vjp(g, x):
    t = tl.tensor(x[None, None], requires_grad=True)
    np.sum(tl.functional.max_pool2d(t, 2)[0, 0] * g).backward()
    return t.grad.data[0, 0]
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    (
        "wrong_value",
        "            row, column = divmod(window.argmax(), 2)\n            dx[2 * i + row, 2 * j + column] = g[i, j]",
        "            dx[2 * i : 2 * i + 2, 2 * j : 2 * j + 2] = g[i, j] * (window == window.max())",
        "Where several numbers of a window are largest, each of them gets g; only the first should.",
    ),
    (
        "wrong_value",
        "            row, column = divmod(window.argmax(), 2)\n            dx[2 * i + row, 2 * j + column] = g[i, j]",
        "            most = window == window.max()\n"
        "            dx[2 * i : 2 * i + 2, 2 * j : 2 * j + 2] = g[i, j] * most / most.sum()",
        "Where several numbers of a window are largest, they share g; here the first gets all of it.",
    ),
    (
        "wrong_value",
        "divmod(window.argmax(), 2)",
        "divmod(3 - window.ravel()[::-1].argmax(), 2)",
        "Where several numbers of a window are largest, the last of them gets g; it should be the first.",
    ),
    (
        "wrong_value",
        "divmod(window.argmax(), 2)",
        "divmod(window.T.argmax(), 2)[::-1]",
        "Of several largest numbers it takes the first by columns; the upper row comes first.",
    ),
    (
        "wrong_value",
        "dx[2 * i + row, 2 * j + column] = g[i, j]",
        "dx[2 * i : 2 * i + 2, 2 * j : 2 * j + 2] = g[i, j]",
        "All four numbers of a window get g; only the largest has an influence on y.",
    ),
    (
        "wrong_value",
        "dx[2 * i + row, 2 * j + column] = g[i, j]",
        "dx[2 * i : 2 * i + 2, 2 * j : 2 * j + 2] = g[i, j] / 4",
        "It shares g among the four, as for a mean; of a maximum, only the largest has an influence.",
    ),
    ("ignores_upstream", "= g[i, j]", "= 1", "g is missing: the largest number of window (i, j) gets g[i, j]."),
    (
        "wrong_value",
        "= g[i, j]",
        "= g[i, j] * window.max()",
        "The largest number itself isn't its derivative: y grows by as much as it grows.",
    ),
    (
        "ignores_upstream",
        "= g[i, j]",
        "= window.max()",
        "It gives the largest numbers themselves, where g is asked for.",
    ),
    (
        "wrong_value",
        "            row, column = divmod(window.argmax(), 2)\n            dx[2 * i + row, 2 * j + column] = g[i, j]",
        "            top = window.max()\n"
        "            dx[2 * i : 2 * i + 2, 2 * j : 2 * j + 2] = g[i, j] * top * (window == top)",
        "g is multiplied by the maximum; y grows by as much as the largest number grows, so that number gets g alone.",
    ),
    (
        "wrong_value",
        "            row, column = divmod(window.argmax(), 2)\n            dx[2 * i + row, 2 * j + column] = g[i, j]",
        "            dx[2 * i : 2 * i + 2, 2 * j : 2 * j + 2] = g[i, j] * window",
        "g is multiplied by x; the largest number of each window gets g alone, the others 0.",
    ),
    (
        "wrong_value",
        "dx = np.zeros(x.shape)",
        "dx = x.copy()",
        "Where nothing is written, x is left: begin with zeros, since the others have no influence.",
    ),
    ("wrong_value", "argmax", "argmin", "g goes to the smallest number of each window."),
    ("sign", "= g[i, j]", "= -g[i, j]"),
    (
        "wrong_value",
        "window.argmax()",
        "abs(window).argmax()",
        "It looks for the largest without its sign: -5 is smaller than 1.",
    ),
    (
        "wrong_value",
        "2 * i + row, 2 * j + column",
        "2 * i + column, 2 * j + row",
        "Row and column in the window are swapped.",
    ),
    (
        "wrong_value",
        "2 * i + row, 2 * j + column",
        "row, column",
        "It writes into the first window each time: window (i, j) begins at row 2 i and column 2 j.",
    ),
    (
        "wrong_value",
        "2 * i + row, 2 * j + column",
        "i + row, j + column",
        "Window (i, j) begins at row 2 i and column 2 j, not at i and j.",
    ),
    (
        "wrong_value",
        "2 * i + row, 2 * j + column",
        "2 * i, 2 * j",
        "The upper left number of each window gets g, whether it is the largest or not.",
    ),
    (
        "wrong_value",
        "x[2 * i : 2 * i + 2, 2 * j : 2 * j + 2]",
        "x[i : i + 2, j : j + 2]",
        "The window that it looks at begins at (i, j): windows lie side by side, so it begins at (2 i, 2 j).",
    ),
    (
        "wrong_value",
        "            window = x[2 * i : 2 * i + 2, 2 * j : 2 * j + 2]\n"
        "            row, column = divmod(window.argmax(), 2)\n"
        "            dx[2 * i + row, 2 * j + column] = g[i, j]",
        "            window = x[i : i + 2, j : j + 2]\n"
        "            row, column = divmod(window.argmax(), 2)\n"
        "            dx[i + row, j + column] += g[i, j]",
        "These windows overlap; here they lie side by side, so window (i, j) begins at row 2 i and column 2 j.",
    ),
    (
        "raises",
        "divmod(window.argmax(), 2)",
        "window.argmax(axis=0)",
        "With an axis, argmax looks in each column or row by itself; without one it counts through all four, 0 to 3.",
    ),
    (
        "raises",
        "divmod(window.argmax(), 2)",
        "window.argmax()",
        "argmax gives one number, 0 to 3, counted through the rows: divmod(k, 2) makes row and column of it.",
    ),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("wrong_value", "np.kron(g, np.ones((2, 2))) * (x == x.max())",
     "It finds the largest number of all, where each window has one."),
    ("wrong_value", "np.kron(g, np.ones((2, 2))) * (x > 0)",
     "It lets through all positive numbers, as a relu does; only the largest of each window has an influence."),
    ("shape", "g", "There should be one number for each element of x, 0 for most of them."),
    ("shape", "g * x.reshape(len(g), 2, -1, 2).max(axis=(1, 3))",
     "That is g times y; which numbers of x have an influence on y, and how much?"),
    ("raises", "g * (x == x.max())", "g is smaller than x: each of its elements belongs to a window of 2 × 2."),
)  # fmt: skip


def cases(rng):
    tied = np.array([[0, 0, 2.0, 1, 0, 3], [0, 0, 1, 2, 3, 3], [-1, 4, 5, -6, 7, 7], [4, 4, 5, 5, 1, 7]])
    some = [rng.standard_normal(shape) for shape in ((4, 6), (2, 4), (6, 4))]
    return [(rng.standard_normal((len(x) // 2, x.shape[1] // 2)), x) for x in (*some, tied)]
