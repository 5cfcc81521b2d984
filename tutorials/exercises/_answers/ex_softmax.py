"""Answers to ex_softmax: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "softmax"
KIND = "values"
CLOSE = 1e-10
SOLUTION = """import numpy as np


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)
"""
HINTS = (
    "Take each row's largest number from it first.",
    "keepdims=True keeps shapes that broadcast.",
)
RIGHT = (  # the same, written in other ways
    """import math


def softmax(z):
    rows = []
    for row in z:
        top = max(row)
        e = [math.exp(v - top) for v in row]
        rows.append([v / sum(e) for v in e])
    return rows
""",
    """import numpy as np


def softmax(z):
    shifted = (z.T - z.max(1)).T
    return np.exp(shifted - np.log(np.exp(shifted).sum(axis=-1))[:, np.newaxis])
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    (
        "not_finite",
        " - z.max(axis=1, keepdims=True)",
        "",
        "exp overflows for logits as large as 1000, and rows of very small ones become 0 / 0: shift each row first.",
    ),
    (
        "not_finite",
        "z.max(axis=1, keepdims=True)",
        "z.max()",
        "One number is taken from all rows; what lies far below it becomes 0 / 0. Each row needs its own.",
    ),
    (
        "not_finite",
        "z.max(axis=1, keepdims=True)",
        "z.mean(axis=1, keepdims=True)",
        "It takes a row's mean from it: what lies far above the mean still overflows.",
    ),
    (
        "not_finite",
        "z.max(axis=1, keepdims=True)",
        "z.min(axis=1, keepdims=True)",
        "It takes a row's smallest number from it: what is left may still be as large as 1000.",
    ),
    (
        "wrong_value",
        "z.max(axis=1, keepdims=True)",
        "z.max(axis=0, keepdims=True)",
        "Within a row other numbers are taken from each column, and that changes the result.",
    ),
    (
        "wrong_value",
        "e.sum(axis=1, keepdims=True)",
        "e.sum(axis=0, keepdims=True)",
        "Each column adds up to 1, where each row should.",
    ),
    (
        "wrong_value",
        "axis=1",
        "axis=0",
        "It goes down the columns throughout: each column adds up to 1, where each row should.",
    ),
    ("wrong_value", "e.sum(axis=1, keepdims=True)", "e.sum()", "All of p adds up to 1, where each row should."),
    ("wrong_value", "e / e.sum(axis=1, keepdims=True)", "e", "The rows don't add up to 1: divide by their sum."),
    (
        "wrong_value",
        "e / e.sum(axis=1, keepdims=True)",
        "np.log(e / e.sum(axis=1, keepdims=True))",
        "That is the logarithm of the softmax.",
    ),
    (
        "not_finite",
        "z - z.max(axis=1, keepdims=True)",
        "np.clip(z, -700, 700)",
        "Cutting off large logits makes 1000 and 999 the same; take something from each row instead.",
    ),
    (
        "wrong_value",
        "z - z.max(axis=1, keepdims=True)",
        "z / abs(z).max(axis=1, keepdims=True)",
        "Dividing the logits changes the softmax; taking a number from a whole row doesn't.",
    ),
    (
        "raises",
        "e.sum(axis=1, keepdims=True)",
        "e.sum(axis=1)",
        "A row's sum or largest number has lost its axis: keepdims=True keeps it, so that it fits beside z.",
    ),
    (
        "raises",
        "z.max(axis=1, keepdims=True)",
        "z.max(axis=1)",
        "A row's sum or largest number has lost its axis: keepdims=True keeps it, so that it fits beside z.",
    ),
    (
        "changes_inputs",
        "    e = np.exp(z - z.max(axis=1, keepdims=True))",
        "    z -= z.max(axis=1, keepdims=True)\n    e = np.exp(z)",
    ),
    (
        "wrong_value",
        "    e = np.exp(z - z.max(axis=1, keepdims=True))\n    return e / e.sum(axis=1, keepdims=True)",
        "    e = np.exp(z)\n    return np.nan_to_num(e / e.sum(axis=1, keepdims=True))",
        "It hides the overflow of exp: where NaN was there is 0 now. Shift each row first.",
    ),
    ("wrong_value", "np.exp(z - z", "np.exp2(z - z", "It takes powers of 2, where exp is asked for."),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("not_finite", "np.exp(z) / np.exp(z).sum()",
     "All of p adds up to 1, where each row should; and exp overflows: shift each row first."),
    ("not_finite", "np.exp(z) / np.exp(z).sum(axis=0)",
     "It goes down the columns, where each row should add up to 1; and exp overflows: shift each row first."),
    ("wrong_value",
     "    e = np.exp(z - z.max())\n"
     "    return e / e.sum()\n",
     "All of p adds up to 1, where each row should: both max and sum are those of a row."),
    ("not_finite",
     "    e = np.exp(z - z.max())\n"
     "    return e / e.sum(axis=0)\n",
     "It goes down the columns, where each row should add up to 1; and each row needs its own largest number."),
    ("not_finite",
     "    e = np.exp(z) - np.exp(z).max(axis=1, keepdims=True)\n"
     "    return e / e.sum(axis=1, keepdims=True)\n",
     "The largest number is taken from exp(z), after the overflow: take it from z first."),
    ("wrong_value",
     "    e = z - z.max(axis=1, keepdims=True)\n"
     "    return e / e.sum(axis=1, keepdims=True)\n",
     "exp is missing: it divides the logits themselves."),
    ("not_finite", "np.exp(z - z.max(axis=1, keepdims=True)) / np.exp(z).sum(axis=1, keepdims=True)",
     "Below the line z isn't shifted: the same number must be taken from z there too."),
    ("not_finite", "z / z.sum(axis=1, keepdims=True)", "exp is missing: it divides the logits themselves."),
    ("not_finite",
     "    e = np.exp(z - 1000)\n"
     "    return e / e.sum(axis=1, keepdims=True)\n",
     "The same 1000 is taken from all rows; rows far below it become 0 / 0. Each row needs its own largest number."),
    ("wrong_value",
     "    e = np.exp(z - z.max(axis=1, keepdims=True))\n"
     "    return e / e.mean(axis=1, keepdims=True)\n",
     "It divides by a row's mean, where its sum is asked for."),
    ("wrong_value",
     "    e = np.exp(z - z.max(axis=1, keepdims=True))\n"
     "    return e / (e.sum(axis=1, keepdims=True) + 1e-8)\n",
     "Something is added below the line, so the rows don't add up to 1: the largest term is exp(0) = 1, nothing "
     "can be 0."),
    ("wrong_value",
     "    e = np.exp(z - z.max(axis=1, keepdims=True))\n"
     "    return e / (e.sum(axis=1, keepdims=True) + 1e-7)\n",
     "Something is added below the line, so the rows don't add up to 1: the largest term is exp(0) = 1, nothing "
     "can be 0."),
    ("wrong_value",
     "    e = np.exp(z - z.max(axis=1, keepdims=True))\n"
     "    return e / (e.sum(axis=1, keepdims=True) + 1e-9)\n",
     "Something is added below the line, so the rows don't add up to 1: the largest term is exp(0) = 1, nothing "
     "can be 0."),
    ("wrong_value",
     "    e = np.exp(z - z.max(axis=1, keepdims=True)) + 1e-9\n"
     "    return e / e.sum(axis=1, keepdims=True)\n",
     "Something is added to each exp, which makes small probabilities too large: nothing is added in the task."),
    ("wrong_value",
     "    e = np.exp(z - z.max(axis=1, keepdims=True)) + 1e-8\n"
     "    return e / e.sum(axis=1, keepdims=True)\n",
     "Something is added to each exp, which makes small probabilities too large: nothing is added in the task."),
)  # fmt: skip


def cases(rng):
    return [
        (rng.standard_normal((3, 4)),),
        (3 * rng.standard_normal((3, 3)),),
        (np.array([[1000.0, 999, 997], [-1, 0, 1]]),),
        (np.array([[-1000.0, -1001, -999, 0, 1000], [-1000, -1001, -999, -1000, -1002]]),),
        (np.array([[1000.0, 0, 0]]),),
        (rng.standard_normal((5, 2)),),
        (rng.standard_normal((2, 1)),),
    ]
