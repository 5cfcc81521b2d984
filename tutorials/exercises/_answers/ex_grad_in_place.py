"""Answers to ex_grad_in_place: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "cross_entropy_grad"
KIND = "values"
INTO = (0,)
LEAN = True
SOLUTION = """import numpy as np


def cross_entropy_grad(z, y):
    z -= z.max(axis=1, keepdims=True)
    np.exp(z, out=z)
    z /= z.sum(axis=1, keepdims=True) * len(y)
    z[np.arange(len(y)), y] -= 1 / len(y)
"""
HINTS = (
    "After the line that is there: exp in place, then divide each row by its sum. That is the softmax.",
    "The one-hot array needn't be made: z[np.arange(len(y)), y] are the numbers at the labels, one in each row.",
    "Divide by n, which is len(y): both the softmax and the 1 that is subtracted.",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def cross_entropy_grad(z, y):
    n = z.shape[0]
    np.subtract(z, np.max(z, axis=1)[:, None], out=z)
    np.exp(z, z)
    np.divide(z, np.sum(z, axis=1, keepdims=True), out=z)
    np.subtract.at(z, (range(n), y), 1)
    z *= 1 / n
    return z
""",
    """import numpy as np


def cross_entropy_grad(z, y):
    for row, label in zip(z, y):
        row[:] = np.exp(row - row.max())
        row /= row.sum()
        row[label] -= 1
        row /= len(z)
""",
)
_LABELS = "z[np.arange(len(y)), y] -= 1 / len(y)"
_SUM = "z /= z.sum(axis=1, keepdims=True) * len(y)"
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("unwritten", "z -= z.max(axis=1, keepdims=True)", "z = z - z.max(axis=1, keepdims=True)",
     "It leaves its argument z as it was. `z = ...` would only give the name to another array: write with out=z, or "
     "z[...] = ...."),
    ("wrong_value", "np.exp(z, out=z)", "z = np.exp(z)",
     "From exp on it goes on with a new array, which only has the name z: np.exp(z, out=z) writes into the given one."),
    ("wrong_value", _SUM, "z = z / (z.sum(axis=1, keepdims=True) * len(y))",
     "From the division on it goes on with a new array, which only has the name z: z /= ... stays in the given one."),
    ("wrong_value", "np.exp(z, out=z)", "np.exp(z)", "z never gets its exp: np.exp(z, out=z) writes it there."),
    ("memory", "np.exp(z, out=z)", "z[...] = np.exp(z)",
     "compute in those that are given, with out= or with +=, -=, *= and /=."),
    ("memory", _LABELS, "z -= np.eye(z.shape[1])[y] / len(y)",
     "compute in those that are given, with out= or with +=, -=, *= and /=."),
    ("memory", _SUM, "z[...] = z / (z.sum(axis=1, keepdims=True) * len(y))",
     "compute in those that are given, with out= or with +=, -=, *= and /=."),
    ("wrong_value", f"    {_LABELS}\n", "", "The 1 at each label isn't subtracted: that is the softmax divided by n."),
    ("wrong_value", _LABELS, "z[np.arange(len(y)), y] -= 1",
     "The 1 at the labels is to be divided by n, as the softmax is."),
    ("wrong_value", " * len(y)", "", "The softmax is to be divided by n, as the 1 at the labels is."),
    ("wrong_value", f"{_SUM}\n    {_LABELS}",
     "z /= z.sum(axis=1, keepdims=True)\n    z[np.arange(len(y)), y] -= 1",
     "The loss is a mean over n examples, so all of its gradient is to be divided by n."),
    ("wrong_value", _LABELS, "z[np.arange(len(y)), y] += 1 / len(y)", "The 1 at each label is to be subtracted."),
    ("wrong_value", _LABELS, "z[:, y] -= 1 / len(y)",
     "z[:, y] are whole columns; one number in each row is asked for: z[np.arange(len(y)), y]."),
    ("wrong_value", _LABELS, "z -= 1 / len(y)", "The 1 is subtracted everywhere; it belongs to the labels alone."),
    ("raises", _LABELS, "z[y] -= 1 / len(y)",
     "y says columns, and rows come first: z[np.arange(len(y)), y] is one number in each row."),
    ("raises", _LABELS, "z[y, np.arange(len(y))] -= 1 / len(y)",
     "y says columns, and rows come first: z[np.arange(len(y)), y] is one number in each row."),
    ("raises", _LABELS, "z[np.arange(len(y)), y + 1] -= 1 / len(y)",
     "Labels count from 0, as columns do: take y itself."),
    ("wrong_value", _LABELS, "z[np.arange(len(y)), y - 1] -= 1 / len(y)",
     "Labels count from 0, as columns do: take y itself."),
    ("wrong_value", _LABELS, "z[np.arange(len(y)), y] -= 1 / z.shape[1]",
     "The 1 at the labels is divided by the number of classes, where n is the number of examples."),
    ("wrong_value", f"* len(y)\n    {_LABELS}", "* z.shape[1]\n    z[np.arange(len(y)), y] -= 1 / z.shape[1]",
     "It divides by the number of classes, where n is the number of examples."),
    ("wrong_value", f"* len(y)\n    {_LABELS}", "* z.size\n    z[np.arange(len(y)), y] -= 1 / z.size",
     "It divides by how many numbers z has, where n is the number of examples."),
    ("not_finite", "    z -= z.max(axis=1, keepdims=True)\n", "",
     "The largest score isn't subtracted first: exp(1000) is more than a float can hold."),
    ("not_finite", "z -= z.max(axis=1, keepdims=True)", "z -= z.max()",
     "It subtracts the largest of all scores: in another row all exps are 0 then. Each row has its own, with axis=1."),
    ("not_finite", "z -= z.max(axis=1, keepdims=True)", "z -= z.max(axis=0)",
     "It subtracts the largest of each column; each row has its own, with axis=1 and keepdims=True."),
    ("not_finite", "z -= z.max(axis=1, keepdims=True)", "z -= z.mean(axis=1, keepdims=True)",
     "It subtracts each row's mean: what lies far above that is still more than exp can hold."),
    ("not_finite", "z -= z.max(axis=1, keepdims=True)", "z -= z.min(axis=1, keepdims=True)",
     "It subtracts each row's smallest score: what lies far above that is still more than exp can hold."),
    ("wrong_value", "z.sum(axis=1, keepdims=True)", "z.sum(axis=0)",
     "It divides by the sums of the columns; the classes lie along the rows, so axis=1."),
    ("wrong_value", "z.sum(axis=1, keepdims=True)", "z.sum()",
     "It divides by the sum of all of z; each row has a sum of its own, with axis=1 and keepdims=True."),
    ("wrong_value", "z.sum(axis=1, keepdims=True)", "z.max(axis=1, keepdims=True)",
     "A softmax divides each row of exp(z) by its sum. (Its largest number is 1; dividing by that does nothing.)"),
    ("raises", "z.sum(axis=1, keepdims=True)", "z.sum(axis=1)",
     "The sums have shape (n,): keepdims=True makes columns of them, so that each meets its row."),
    ("wrong_value", "    np.exp(z, out=z)\n", "", "z never gets its exp: np.exp(z, out=z) writes it there."),
    ("wrong_value", f"    {_SUM}\n", "    z /= len(y)\n",
     "A softmax divides each row of exp(z) by its sum. (Its largest number is 1; dividing by that does nothing.)"),
    ("wrong_value", f"{_SUM}\n    {_LABELS}",
     "z[np.arange(len(y)), y] -= 1\n    z /= z.sum(axis=1, keepdims=True) * len(y)",
     "The 1 is subtracted from exp(z), before the division by the sum: it belongs to the softmax."),
    ("wrong_value", f"{_SUM}\n    {_LABELS}", "z /= z.sum(axis=1, keepdims=True)\n    np.log(z, out=z)",
     "That is the logarithm of the softmax, not the gradient."),
    ("changes_inputs", f"    {_LABELS}", f"    y -= y.min()\n    {_LABELS}"),
)  # fmt: skip


def cases(rng):
    return [
        (np.array([[1000.0, 999.0, 997.0], [-1.0, 0.0, 1.0]]), np.array([1, 2])),
        (np.array([[2000.0, -1000.0, 0.0], [-2.0, 0.0, 1.0]]), np.array([2, 0])),
        (rng.standard_normal((4, 3)), np.array([1, 2, 1, 1])),
        (3 * rng.standard_normal((3, 5)), np.array([4, 2, 1])),
        (rng.standard_normal((200, 300)), rng.integers(1, 299, 200)),  # NumPy itself may take 64 KB for a while
    ]
