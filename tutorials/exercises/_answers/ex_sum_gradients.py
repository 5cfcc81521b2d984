"""Answers to ex_sum_gradients: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "sum_gradients"
KIND = "values"
SOLUTION = """import numpy as np


def sum_gradients(w, x, y, rows):
    sent, start, n = [], 0, len(y)
    for count in rows:
        x_r, y_r = x[start : start + count], y[start : start + count]
        sent.append(2 * x_r.T @ (x_r @ w - y_r) / n)
        start += count
    return np.array(sent), np.sum(sent, axis=0)
"""
HINTS = (
    "The mean over a rank's rows, times its rows, divided by all rows: write that down, and one factor goes away.",
    "The derivative of the sum of (x @ w - y)**2 by w is 2 * x.T @ (x @ w - y).",
    "What Allreduce gives is the sum of what the ranks have sent, and nothing else.",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def sum_gradients(w, x, y, rows):
    sent = np.zeros((len(rows), len(w)))
    for r, stop in enumerate(np.cumsum(rows)):
        if rows[r] > 0:
            own = slice(stop - rows[r], stop)
            mean = 2 * np.mean((x[own] @ w - y[own])[:, None] * x[own], axis=0)
            sent[r] = mean * rows[r] / sum(rows)
    return sent, sent.sum(axis=0)
""",
    """import numpy as np


def sum_gradients(w, x, y, rows):
    of_rows = 2 * (x @ w - y)[:, None] * x / len(y)
    rank_of_row = np.repeat(np.arange(len(rows)), rows)
    return [of_rows[rank_of_row == r].sum(axis=0) for r in range(len(rows))], of_rows.sum(axis=0)
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("wrong_value", "(x_r @ w - y_r) / n)", "(x_r @ w - y_r) / max(count, 1))",
     "Each rank sends the gradient of its own mean; it should be multiplied by the rank's share of the rows."),
    ("wrong_value", "np.sum(sent, axis=0)", "np.mean(sent, axis=0)",
     "The sum is divided by the number of ranks; the shares are in it already, so it is to be added only."),
    ("wrong_value", "    return np.array(sent), np.sum(sent, axis=0)",
     "    return np.array(sent) / len(rows), np.sum(sent, axis=0) / len(rows)",
     "All is divided by the number of ranks; with their shares the gradients are only added."),
    ("wrong_value", "2 * x_r.T", "x_r.T",
     "The 2 is missing, which the derivative of a square has."),
    ("wrong_value", "(x_r @ w - y_r)", "(y_r - x_r @ w)",
     "The sign is wrong: the derivative of (x @ w - y)**2 by x @ w is 2 * (x @ w - y)."),
    ("wrong_value", "(x_r @ w - y_r) / n)", "(x_r @ w - y_r))",
     "These are gradients of sums over rows; the loss is a mean, so divide by the number of rows of all ranks."),
    ("wrong_value", "(x_r @ w - y_r) / n)", "(x_r @ w - y_r) / len(rows))",
     "It divides by the number of ranks; a mean over rows divides by the number of rows."),
    ("wrong_value", "(x_r @ w - y_r) / n)", "(x_r @ w - y_r) * count / n)",
     "It multiplies by the rows of the rank without having divided by them: a mean times its share is a sum / n."),
    ("wrong_value", "(x_r @ w - y_r) / n)", "(x_r @ w - y_r) * count / n**2)",
     "The share is in it twice."),
    ("not_finite", "(x_r @ w - y_r) / n)", "(x_r @ w - y_r) / count * (count / n))",
     "A rank without rows divides 0 by 0 here; it should send zeros."),
    ("wrong_value", "len(y)", "len(rows) * rows[0]",
     "n is counted as if all ranks had as many rows as the first; add up their rows."),
    ("wrong_value", "len(y)", "x.size",
     "n counts all numbers in x; it is the number of rows."),
    ("shape", "np.sum(sent, axis=0)", "np.sum(sent)",
     "All numbers are added into one; add over the ranks only, axis=0."),
    ("shape", "np.sum(sent, axis=0)", "np.sum(sent, axis=1)",
     "It adds over the columns; the ranks are the first axis, axis=0."),
    ("count", "np.array(sent), np.sum(sent, axis=0)", "np.sum(sent, axis=0)",
     "What the ranks send is missing: first that, then its sum, in a tuple."),
    ("shape", "np.array(sent), np.sum(sent, axis=0)", "np.sum(sent, axis=0), np.array(sent)",
     "The order is wrong: first what the ranks send, then its sum."),
    ("wrong_value", "np.array(sent), ", "np.cumsum(sent, axis=0), ",
     "Each rank adds what those before it have sent; it sends its own gradient, and Allreduce adds."),
    ("wrong_value", "np.array(sent), ", "np.array([np.sum(sent, axis=0)] * len(sent)), ",
     "That is what each rank has after Allreduce; before it each sends its own part."),
    ("shape", "for count in rows:", "for count in rows[rows > 0]:",
     "A rank without rows is left out; all ranks call Allreduce, and it sends zeros."),
    ("wrong_value", "np.sum(sent, axis=0)", "sent[0]",
     "That is what rank 0 has sent; after Allreduce each rank has the sum of all."),
    ("wrong_value", "        start += count\n", "",
     "Every rank takes rows from the first on: the next one begins where this one ends."),
)  # fmt: skip
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("wrong_value",
     "    sent, start = [], 0\n"
     "    for count in rows:\n"
     "        x_r, y_r = x[start : start + count], y[start : start + count]\n"
     "        sent.append(2 * x_r.T @ (x_r @ w - y_r) / max(count, 1))\n"
     "        start += count\n"
     "    return np.array(sent), sum(count * g for count, g in zip(rows, sent)) / len(y)\n",
     "The shares come after the sum was sent for; Allreduce only adds, so each share is in what its rank sends."),
    ("wrong_value",
     "    means, start = [], 0\n"
     "    for count in rows:\n"
     "        x_r, y_r = x[start : start + count], y[start : start + count]\n"
     "        means.append(2 * x_r.T @ (x_r @ w - y_r) / max(count, 1))\n"
     "        start += count\n"
     "    return np.array(means), np.mean(means, axis=0)\n",
     "A mean of means isn't the mean of all rows: multiply each by its rank's share of the rows, then add."),
    ("wrong_value",
     "    sent, start = [], 0\n"
     "    for count in rows:\n"
     "        x_r, y_r = x[start : start + count], y[start : start + count]\n"
     "        sent.append(2 * x_r.T @ (x_r @ w - y_r) / max(count, 1) / len(rows))\n"
     "        start += count\n"
     "    return np.array(sent), np.sum(sent, axis=0)\n",
     "Each rank counts as much as any other here; its factor is its rows divided by all rows."),
    ("wrong_value",
     "    whole = 2 * x.T @ (x @ w - y) / len(y)\n"
     "    return np.array([whole / len(rows)] * len(rows)), whole\n",
     "Each rank sends an equal part of the gradient of all rows; it has only its own rows, and sends what these give."),
)  # fmt: skip


def cases(rng):
    def case(rows, columns):
        n = sum(rows)
        return rng.standard_normal(columns), rng.standard_normal((n, columns)), rng.standard_normal(n), np.array(rows)

    return [case((3, 2, 2), 4), case((4, 1), 3), case((1, 1, 0), 2)]
