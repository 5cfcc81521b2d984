"""Answers to ex_accuracy: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "accuracy"
KIND = "values"
SOLUTION = """import numpy as np


def accuracy(scores, labels):
    return (scores.argmax(axis=1) == labels).mean()
"""
HINTS = (
    "argmax along the right axis gives the class with the largest score.",
    "The mean of True and False is the part that is True.",
)
RIGHT = (  # the same, written in other ways
    """def accuracy(scores, labels):
    right = 0
    for row, label in zip(scores, labels):
        if list(row).index(max(row)) == label:
            right += 1
    return right / len(labels)
""",
    """import numpy as np


def accuracy(scores, labels):
    chosen = scores[np.arange(len(labels)), labels]
    return float(np.count_nonzero(chosen >= scores.max(axis=-1))) / scores.shape[0]
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("factor", ".mean()", ".mean() * 100", "That is in percent; a number from 0 to 1 is asked for."),
    ("wrong_value", ".mean()", ".sum()", "That is how many are right, where their share is asked for."),
    ("wrong_value", "==", "!=", "That is the share of wrong answers."),
    ("wrong_value", "argmax", "argmin", "It takes the smallest score of each row."),
    (
        "wrong_value",
        "scores.argmax(axis=1)",
        "scores.argmax()",
        "It looks for one largest score in the whole array, where each row has one.",
    ),
    (
        "wrong_value",
        "(scores.argmax(axis=1) == labels).mean()",
        "scores[np.arange(len(labels)), labels].mean()",
        "That is the mean score of the labels; whether it is the largest of its row isn't asked.",
    ),
    (
        "wrong_value",
        "(scores.argmax(axis=1) == labels).mean()",
        "(scores[np.arange(len(labels)), labels] > 0.5).mean()",
        "It asks whether the label's score is above 0.5; the largest of the row counts.",
    ),
    (
        "wrong_value",
        "scores.argmax(axis=1)",
        "scores.max(axis=1)",
        "It compares the largest score itself with the label; where does it stand?",
    ),
    (
        "wrong_value",
        "(scores.argmax(axis=1) == labels).mean()",
        "(scores.argmax(axis=1) == labels).sum() / scores.size",
        "It divides by the number of all scores; there are n examples.",
    ),
    ("wrong_value", ".mean()", ".all()", "It asks whether all are right, where their share is asked for."),
    ("shape", ".mean()", "", "There is one True or False for each example; the share of True is asked for."),
    (
        "wrong_value",
        "scores.argmax",
        "abs(scores).argmax",
        "It takes the largest size; a large negative score is a small one.",
    ),
    (
        "wrong_value",
        "(scores.argmax(axis=1) == labels).mean()",
        "(scores.argmax(axis=1) == labels).sum() / scores.shape[1]",
        "It divides by the number of classes; there are n examples.",
    ),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("raises", "np.mean(scores.argmax(axis=0) == labels)",
     "axis=0 goes down the columns; each row has its largest score, axis=1."),
    ("raises", "np.mean(scores == labels)",
     "It compares scores with labels; where does each row's largest score stand?"),
    ("wrong_value", "np.mean(scores.argmax(axis=1) - labels)",
     "It subtracts class numbers; what counts is whether they are equal."),
    ("wrong_value", "np.mean(abs(scores.argmax(axis=1) - labels))",
     "It measures how far class numbers are apart; what counts is whether they are equal."),
    ("shape", "scores.argmax(axis=1) == labels.mean()",
     "The mean is taken of the labels alone: brackets belong around the comparison."),
    ("wrong_value", "np.mean(scores.argmax(axis=1) + 1 == labels)",
     "Labels are counted from 0, as argmax does: no + 1."),
)  # fmt: skip


def cases(rng):
    return [
        (rng.standard_normal((40, 3)), rng.integers(0, 3, 40)),
        (rng.standard_normal((20, 5)), rng.integers(0, 5, 20)),
        (np.array([[3.0, 1, 2], [0, 5, -1], [-3, -2, -1], [2, 4, 6]]), np.array([0, 1, 2, 1])),
        (np.array([[-3.0, -2, -1], [-1, -2, -3], [-2, -1, -3]]), np.array([2, 0, 1])),
        (np.array([[1.0, 2], [4, 3]]), np.array([0, 1])),
        (rng.standard_normal((7, 3)), np.array([0, 1, 2, 0, 1, 2, 0])),
    ]
