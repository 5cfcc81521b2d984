"""Answers to ex_one_hot: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "one_hot"
KIND = "values"
SOLUTION = """import numpy as np


def one_hot(labels, classes):
    return np.eye(classes)[labels]
"""
HINTS = (
    "The rows of the identity matrix are what is wanted.",
    "Indexing by an array of labels picks rows.",
)
RIGHT = (  # the same, written in other ways
    """def one_hot(labels, classes):
    return [[1 if label == j else 0 for j in range(classes)] for label in labels]
""",
    """import numpy as np


def one_hot(labels, classes):
    return labels[:, None] == np.arange(classes)
""",
    """import numpy as np


def one_hot(labels, classes):
    out = np.zeros((len(labels), classes))
    out[np.arange(len(labels)), labels] = 1
    return out
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    (
        "transposed",
        "np.eye(classes)[labels]",
        "np.eye(classes)[labels].T",
        "The examples are columns here; they should be rows.",
    ),
    (
        "offset",
        "np.eye(classes)[labels]",
        "np.eye(classes)[labels] + 1",
        "There are 2 and 1 where 1 and 0 are asked for.",
    ),
    ("permuted", "[labels]", "[labels - 1]", "The 1 stands one place too far to the left: labels begin at 0."),
    (
        "permuted",
        "[labels]",
        "[(labels + 1) % classes]",
        "The 1 stands one place too far to the right: labels begin at 0.",
    ),
    ("wrong_value", "np.eye(classes)[labels]", "1 - np.eye(classes)[labels]", "0 and 1 are the wrong way round."),
    (
        "wrong_value",
        "np.eye(classes)[labels]",
        "np.tile(np.isin(np.arange(classes), labels), (len(labels), 1))",
        "a[:, labels] = 1 writes into the columns of all labels in every row, and so does [row] * n, "
        "which is the same list n times.",
    ),
    (
        "wrong_value",
        "np.eye(classes)[labels]",
        "np.tile(np.isin(np.arange(len(labels)), labels)[:, None], (1, classes))",
        "a[labels] = 1 fills whole rows; the 1 belongs in row i, at column labels[i].",
    ),
    (
        "wrong_value",
        "np.eye(classes)[labels]",
        "np.eye(classes)[labels] * labels[:, None]",
        "It writes the label itself, where a 1 is asked for.",
    ),
    (
        "shape",
        "np.eye(classes)",
        "np.eye(labels.max() + 1)",
        "It has as many columns as there are labels in use, where `classes` says how many.",
    ),
    (
        "wrong_value",
        "np.eye(classes)[labels]",
        "np.eye(len(labels), classes)",
        "Row i has its 1 in column i, whatever its label is.",
    ),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("shape", "np.eye(len(labels))[labels]",
     "The identity matrix has the wrong size: one column for each class, np.eye(classes)."),
    ("shape", "np.eye(classes)", "labels has no effect: it says where each row has its 1."),
    ("raises", "labels == np.arange(classes)",
     "The labels must be a column beside the class numbers: labels[:, None]."),
    ("zero", "np.zeros((len(labels), classes))", "There is no 1 anywhere: row i has one, at labels[i]."),
    ("wrong_value", "np.ones((len(labels), classes))",
     "There is a 1 everywhere; row i has a single one, at labels[i]."),
    ("factor", "2 * np.eye(classes)[labels]", "There is a 2 where a 1 is asked for."),
    ("wrong_value", "labels[:, None] <= np.arange(classes)",
     "There is a 1 everywhere from the label on; a single one is asked for, at the label."),
    ("shape", "np.eye(classes + 1)[labels]", "It has a column too many: labels go from 0 to classes - 1."),
    ("wrong_value", "np.eye(classes)[np.sort(labels)]", "The labels are sorted: row i belongs to labels[i]."),
)  # fmt: skip


def cases(rng):
    return [
        (np.array([2, 0, 1, 2, 2]), 4),
        (np.array([0, 1]), 3),
        (np.array([1, 2, 1, 0]), 3),
        (np.array([3, 3, 3, 1]), 5),
        (np.array([0]), 2),
    ]
