"""Answers to ex_prune: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "masks"
KIND = "values"
SOLUTION = """import numpy as np


def masks(w1, w2, amount):
    sizes = np.abs(np.concatenate([w1.ravel(), w2.ravel()]))
    gone = np.argsort(sizes, kind="stable")[: round(amount * len(sizes))]
    stays = np.ones(len(sizes), dtype=bool)
    stays[gone] = False
    return stays[: w1.size].reshape(w1.shape), stays[w1.size :].reshape(w2.shape)
"""
HINTS = (
    "Put both into one flat array, and sort once. At the end cut it again at w1.size.",
    'np.argsort(sizes, kind="stable") gives places, the smallest first, of equal sizes the first one first.',
    "Begin with np.ones(n, dtype=bool), and write False at the places that go.",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def masks(w1, w2, amount):
    both = np.append(w1, w2)
    place = np.empty(both.size)
    place[np.argsort(both**2, kind="stable")] = np.arange(both.size)
    stays = place >= round(amount * both.size)
    first, second = np.split(stays, [w1.size])
    return first.reshape(w1.shape), second.reshape(w2.shape)
""",
    """import numpy as np


def masks(w1, w2, amount):
    flat = [*w1.flat, *w2.flat]
    order = sorted(range(len(flat)), key=lambda i: abs(flat[i]))
    gone = set(order[: round(amount * len(flat))])
    stays = [float(i not in gone) for i in range(len(flat))]
    return [np.reshape(stays[: w1.size], w1.shape), np.reshape(stays[w1.size :], w2.shape)]
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("wrong_value", "np.abs(np.concatenate([w1.ravel(), w2.ravel()]))", "np.concatenate([w1.ravel(), w2.ravel()])",
     "It sorts by w, so that the most negative go; small is what has a small |w|."),
    ("wrong_value", "np.argsort(sizes, ", "np.argsort(-sizes, ",
     "It takes away the largest weights, where the smallest should go."),
    ("wrong_value", "np.ones(len(sizes), dtype=bool)\n    stays[gone] = False",
     "np.zeros(len(sizes), dtype=bool)\n    stays[gone] = True",
     "The masks are the wrong way round: True is for what stays."),
    ("wrong_value", "round(amount * len(sizes))", "int(amount * len(sizes))",
     "int cuts off, so that 2.7 becomes 2; it is round(amount * n)."),
    ("wrong_value", "round(amount * len(sizes))", "int(np.ceil(amount * len(sizes)))",
     "It rounds up, so that 6.2 becomes 7; it is round(amount * n)."),
    ("wrong_value", "round(amount * len(sizes))", "round((1 - amount) * len(sizes))",
     "amount is the part that goes; here it is the part that stays."),
    ("wrong_value", "round(amount * len(sizes))", "round(amount * w1.size)",
     "It counts the weights of w1 alone; n is that of both matrices together."),
    ("wrong_value", "stays[: w1.size].reshape(w1.shape), stays[w1.size :].reshape(w2.shape)",
     "stays[: w1.size].reshape(w1.shape), stays[: w2.size].reshape(w2.shape)",
     "The mask of w2 is cut from the beginning, where w1's is; it begins at w1.size."),
    ("shape", "stays[: w1.size].reshape(w1.shape), stays[w1.size :].reshape(w2.shape)",
     "stays[: w1.size], stays[w1.size :]",
     "The masks are flat; give each the shape of its matrix."),
    ("shape", "stays[: w1.size].reshape(w1.shape), stays[w1.size :].reshape(w2.shape)",
     "stays[w1.size :].reshape(w2.shape), stays[: w1.size].reshape(w1.shape)",
     "The two masks are in the wrong order: first that of w1."),
    ("wrong_value", "stays[: w1.size].reshape(w1.shape), stays[w1.size :].reshape(w2.shape)",
     "w1 * stays[: w1.size].reshape(w1.shape), w2 * stays[w1.size :].reshape(w2.shape)",
     "It gives the pruned weights; the masks are asked for, True where a weight stays."),
    ("count", "stays[: w1.size].reshape(w1.shape), stays[w1.size :].reshape(w2.shape)", "stays",
     "It should return 2 values in a tuple, not an array alone."),
    ("wrong_value", 'np.argsort(sizes, kind="stable")',
     'len(sizes) - 1 - np.argsort(sizes[::-1], kind="stable")',
     "Of equal sizes the last go first here; it should be the first."),
    ("wrong_value", 'np.argsort(sizes, kind="stable")', "np.argsort(sizes)",
     'Of equal sizes any may go first here; np.argsort keeps their order with kind="stable" only.'),
    ("changes_inputs", "    return stays",
     "    w1[~stays[: w1.size].reshape(w1.shape)] = 0\n    return stays"),
)  # fmt: skip
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("wrong_value",
     "    def mask(w):\n"
     "        gone = np.argsort(np.abs(w).ravel(), kind='stable')[: round(amount * w.size)]\n"
     "        return ~np.isin(np.arange(w.size), gone).reshape(w.shape)\n"
     "    return mask(w1), mask(w2)\n",
     "Each matrix loses the same part; sort both together, so that the one with more to spare loses more."),
    ("wrong_value",
     "    return tuple(np.abs(w) > np.quantile(np.abs(w), amount) for w in (w1, w2))\n",
     "Each matrix has a threshold of its own here; there should be one for both together."),
    ("wrong_value",
     "    threshold = np.quantile(np.abs(np.append(w1, w2)), amount)\n"
     "    return np.abs(w1) > threshold, np.abs(w2) > threshold\n",
     "What is as large as the quantile goes too, even with amount 0, and equal sizes go together: count instead."),
    ("wrong_value",
     "    threshold = np.quantile(np.abs(np.append(w1, w2)), amount)\n"
     "    return np.abs(w1) >= threshold, np.abs(w2) >= threshold\n",
     "What is as large as the quantile stays, even with amount 1, and equal sizes stay together: count instead."),
    ("wrong_value",
     "    sizes = np.sort(np.abs(np.append(w1, w2)))\n"
     "    threshold = sizes[round(amount * len(sizes)) - 1]\n"
     "    return np.abs(w1) > threshold, np.abs(w2) > threshold\n",
     "With amount 0 the index is -1, the largest size, and all go; and equal sizes go together: count instead."),
    ("raises",
     "    sizes = np.sort(np.abs(np.append(w1, w2)))\n"
     "    threshold = sizes[round(amount * len(sizes))]\n"
     "    return np.abs(w1) >= threshold, np.abs(w2) >= threshold\n",
     "With amount 1 there is no weight after the last that goes: take the places of those that go, sizes' argsort."),
    ("wrong_value",
     "    threshold = amount * max(np.abs(w1).max(), np.abs(w2).max())\n"
     "    return np.abs(w1) > threshold, np.abs(w2) > threshold\n",
     "amount is a part of the number of weights, not of the largest size."),
    ("wrong_value",
     "    rng = np.random.default_rng(0)\n"
     "    return rng.random(w1.shape) >= amount, rng.random(w2.shape) >= amount\n",
     "It takes weights at random, where the smallest should go."),
)  # fmt: skip


def cases(rng):
    return [
        (rng.standard_normal((3, 4)), 2 * rng.standard_normal((2, 3)), 0.5),
        (rng.standard_normal((2, 3)), rng.standard_normal((4, 1)), 0.27),
        (rng.standard_normal((2, 3)), 3 * rng.standard_normal((4, 1)), 0.62),
        (np.array([[1.0, -1, 2]]), np.array([[1.0, -2], [3, 1]]), 0.43),
        (np.resize([1.0, -2, 1, 2, -1], (4, 6)), np.resize([-1.0, 2, 1], (3, 5)), 0.3),
        (rng.standard_normal((2, 2)), rng.standard_normal((1, 3)), 0.0),
        (rng.standard_normal((2, 2)), rng.standard_normal((1, 3)), 1.0),
    ]
