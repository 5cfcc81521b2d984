"""Answers to ex_deletion: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "falls"
KIND = "values"
SOLUTION = """import numpy as np


def falls(score, x, m, x0):
    left = x.copy()
    fallen = [0]
    for i in np.argsort(-m):
        left[i] = x0[i]
        fallen.append(score(x) - score(left))
    return np.array(fallen)
"""
HINTS = (
    "np.argsort(-m) has the numbers of the inputs, that with the largest in m first.",
    "Work on one copy of x, in which one more input becomes x0[i] each time; score(x) - score(copy) is the fall.",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def falls(score, x, m, x0):
    order = np.argsort(m)[::-1]
    result = np.zeros(len(x) + 1)
    for n in range(len(x) + 1):
        gone = order[:n]
        left = np.array(x)
        left[gone] = x0[gone]
        result[n] = score(x) - score(left)
    return result
""",
    """import numpy as np


def falls(score, x, m, x0):
    place = np.argsort(np.argsort(-m))
    return [score(x) - score(np.where(place < n, x0, x)) for n in range(len(x) + 1)]
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("changes_inputs", "x.copy()", "x"),
    ("wrong_value", "np.argsort(-m)", "np.argsort(m)",
     "It begins with the smallest number in m; the largest goes first."),
    ("wrong_value", "np.argsort(-m)", "np.argsort(-np.abs(m))",
     "It takes the sizes of m; what speaks against the answer has a number below 0, and goes last."),
    ("wrong_value", "np.argsort(-m)", "np.argsort(-x)",
     "It takes inputs away in the order of x; the order is that of the map m."),
    ("wrong_value", "np.argsort(-m)", "range(len(x))",
     "It takes inputs away from left to right; the order is that of m, the largest first."),
    ("wrong_value", "np.argsort(-m)", "np.argsort(np.argsort(-m))",
     "That is the place of each input in the order; the order itself is np.argsort(-m)."),
    ("wrong_value", "np.argsort(-m)", "np.argsort(-m * (x - x0))",
     "It multiplies m by the inputs; the order is that of m alone."),
    ("wrong_value", "left[i] = x0[i]", "left[i] = 0",
     "An input that is taken away gets its value in the baseline, x0[i], which needn't be 0."),
    ("wrong_value", "left[i] = x0[i]", "left[i] -= x0[i]",
     "The baseline takes the place of an input; it isn't subtracted."),
    ("wrong_value", "left[i] = x0[i]", "left = np.where(np.arange(len(x)) == i, x0, x)",
     "Only one input is gone each time, the others have come back; what has gone stays away."),
    ("wrong_value", "left[i] = x0[i]", "left[: i + 1] = x0[: i + 1]",
     "All inputs up to number i are gone; only those should be that come before it in the map's order."),
    ("wrong_value", "score(x) - score(left))", "score(left))",
     "These are the scores; how far they lie below score(x) is asked for: score(x) - score(left)."),
    ("sign", "score(x) - score(left))", "score(left) - score(x))"),
    ("wrong_value", "score(x) - score(left))", "abs(score(x) - score(left)))",
     "A score that rises has fallen by less than 0: leave the sign."),
    ("wrong_value", "score(x) - score(left))", "max(score(x) - score(left), 0))",
     "A score that rises has fallen by less than 0: leave that as it is."),
    ("wrong_value", "score(x) - score(left))", "(score(x) - score(left)) / score(x))",
     "It divides by the score; how far it has fallen is asked for, not which part of it."),
    ("wrong_value", "score(x) - score(left))", "fallen[-1] + score(x) - score(left))",
     "The falls are added up, though each is already measured from score(x)."),
    ("shape", "fallen = [0]", "fallen = []",
     "The beginning is missing: n + 1 numbers are asked for, the first with nothing taken away."),
    ("shape", "return np.array(fallen)", "return np.array(fallen[:-1])",
     "The end is missing: the last of the n + 1 numbers has all inputs taken away."),
    ("shape", "return np.array(fallen)", "return np.mean(fallen)",
     "That is the mean of the curve; the curve itself is asked for, n + 1 numbers."),
    ("raises", "x0[i]", "x0[i + 1]",
     "i is the input's number already, from 0 to n - 1: its baseline is x0[i]."),
)  # fmt: skip
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("wrong_value",
     "    left, fallen = x.copy(), [0.0]\n"
     "    for i in np.argsort(-m):\n"
     "        before = score(left)\n"
     "        left[i] = x0[i]\n"
     "        fallen.append(before - score(left))\n"
     "    return np.array(fallen)\n",
     "Each is the fall since the step before; it is to be measured from score(x)."),
    ("wrong_value",
     "    left, fallen = x0.copy(), [score(x) - score(x0)]\n"
     "    for i in np.argsort(-m):\n"
     "        left[i] = x[i]\n"
     "        fallen.append(score(x) - score(left))\n"
     "    return np.array(fallen)\n",
     "It begins with the baseline and puts inputs back; begin with x, and take them away."),
)  # fmt: skip


def product(x):
    return float(x[0] * x[1] + np.sum(np.sin(x)) - x[-1] ** 2)


def saturated(x):
    return float(np.tanh(x @ np.arange(1, len(x) + 1)) * 3 + np.sum(x * x))


def cases(rng):
    def one(score, n):
        return score, rng.standard_normal(n), rng.standard_normal(n), rng.standard_normal(n)

    return [one(product, 4), one(saturated, 5), one(product, 7), one(saturated, 2)]
