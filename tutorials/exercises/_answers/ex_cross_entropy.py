"""Answers to ex_cross_entropy: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "cross_entropy"
KIND = "values"
SOLUTION = """import numpy as np


def cross_entropy(p, y):
    return -np.log(p[np.arange(len(y)), y]).mean()
"""
HINTS = (
    "p[rows, columns] with two lists of indices picks one element per pair.",
    "The rows are np.arange(n).",
)
RIGHT = (  # the same, written in other ways
    """import math


def cross_entropy(p, y):
    total = 0.0
    for row, label in zip(p, y):
        total -= math.log(row[label])
    return total / len(y)
""",
    """import numpy as np


def cross_entropy(p, y):
    chosen = np.take_along_axis(p, y[:, None], axis=1)
    return np.log(1 / chosen).mean()
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("sign", "-np.log", "np.log", "The minus is missing: logarithms of probabilities are negative, a loss isn't."),
    ("wrong_value", ".mean()", ".sum()", "It grows with the number of examples, as a mean doesn't."),
    ("shape", ".mean()", "", "There is one number for each example; their mean is asked for."),
    (
        "wrong_value",
        "p[np.arange(len(y)), y]",
        "p[:, y]",
        "p[:, y] takes the columns of all labels in every row; only one number per row is wanted.",
    ),
    (
        "wrong_value",
        "-np.log(p[np.arange(len(y)), y]).mean()",
        "-(np.eye(p.shape[1])[y] * np.log(p)).mean()",
        "It divides by n k, counting the zeros too; there are n examples.",
    ),
    (
        "wrong_value",
        "-np.log(p[np.arange(len(y)), y]).mean()",
        "-np.log(p[np.arange(len(y)), y].mean())",
        "It takes the logarithm of a mean, where the mean of logarithms is asked for.",
    ),
    (
        "wrong_value",
        "p[np.arange(len(y)), y]",
        "p.max(axis=1)",
        "It takes each row's largest probability, where that of the label is asked for.",
    ),
    (
        "wrong_value",
        "p[np.arange(len(y)), y]",
        "p",
        "It takes all probabilities, where only that of each row's label is asked for.",
    ),
    ("wrong_value", "np.log(p", "np.log2(p", "The logarithm has base 2; the natural one is asked for."),
    ("wrong_value", "np.log(p", "np.log10(p", "The logarithm has base 10; the natural one is asked for."),
    ("wrong_value", "-np.log(p[np.arange(len(y)), y])", "(1 - p[np.arange(len(y)), y])", "The logarithm is missing."),
    *(
        (
            "wrong_value",
            "y])",
            f"y] + {eps})",
            "Inside the logarithm something is added or cut off, which changes what is improbable.",
        )
        for eps in ("1e-8", "1e-7", "1e-6", "1e-9", "1e-10", "1e-12", "1e-15", "1e-16")
    ),
    *(
        (
            "wrong_value",
            "np.log(p[np.arange(len(y)), y])",
            f"np.log(np.maximum(p[np.arange(len(y)), y], {eps}))",
            "Inside the logarithm something is added or cut off, which changes what is improbable.",
        )
        for eps in ("1e-7", "1e-8", "1e-9", "1e-10", "1e-12", "1e-15")
    ),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("raises", "-np.log(p[y]).mean()", "p[y] takes whole rows; pick one number of each row, p[np.arange(len(y)), y]."),
    ("shape", "-np.log(p[:, y])",
     "p[:, y] takes the columns of all labels in every row; one number per row, and then their mean, is wanted."),
    ("wrong_value", "-np.log(p[:, y]).sum() / len(y)",
     "p[:, y] takes the columns of all labels in every row; only one number per row is wanted."),
    ("raises", "-np.mean(y * np.log(p))",
     "y are labels, not rows of 0 and 1: they say which number of each row counts."),
    ("wrong_value", "-p[np.arange(len(y)), y].mean()", "The logarithm is missing."),
    ("raises", "-np.log(p[y, np.arange(len(y))]).mean()",
     "Rows and columns are swapped: the row number comes first, p[np.arange(len(y)), y]."),
    ("wrong_value", "-np.log(p[np.arange(len(y)), y]).sum() / p.shape[1]",
     "It divides by the number of classes; there are n examples."),
    ("wrong_value", "-np.log(1 - p[np.arange(len(y)), y]).mean()",
     "It takes 1 - p, the probability that it is not the label."),
    ("not_finite",
     "-np.log(np.prod(p[np.arange(len(y)), y])) / len(y)",
     "The product of many probabilities rounds to 0: take the logarithm of each, and add these up."),
)  # fmt: skip


def cases(rng):
    def rows(*shape):
        p = np.abs(rng.standard_normal(shape)) + 0.1
        return p / p.sum(axis=1, keepdims=True)

    return [
        (rows(4, 3), np.array([2, 0, 1, 2])),
        (rows(2, 5), np.array([4, 1])),
        (rows(1, 3), np.array([0])),
        (rows(3, 3), np.array([1, 1, 2])),
        (np.array([[1.0, 1e-30], [0.3, 0.7]]), np.array([1, 0])),
        (np.full((20, 2), 1e-30), np.zeros(20, int)),
    ]
