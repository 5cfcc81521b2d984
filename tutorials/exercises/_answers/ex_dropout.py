"""Answers to ex_dropout: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "dropout"
KIND = "values"
SOLUTION = """import numpy as np


def dropout(x, keep, p):
    return x * keep / (1 - p)
"""
HINTS = (
    "True and False multiply like 1 and 0.",
    "What is kept gets larger.",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def dropout(x, keep, p):
    return np.where(keep, x / (1 - p), 0)
""",
    """def dropout(x, keep, p):
    out = x.copy()
    out[keep == False] = 0
    out /= 1 - p
    return out
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("wrong_value", " / (1 - p)", "", "What is kept isn't scaled up, so the expected value shrinks."),
    ("wrong_value", "keep /", "~keep /", "It keeps what should be dropped, and drops what should be kept."),
    ("wrong_value", "/ (1 - p)", "/ p", "It scales by the wrong one of the two probabilities."),
    (
        "wrong_value",
        "/ (1 - p)",
        "* (1 - p)",
        "What is kept becomes smaller, where it should become larger, so that the mean stays.",
    ),
    (
        "shape",
        "x * keep",
        "x[keep]",
        "What is dropped is left out; the result should have the shape of x, with 0 in its place.",
    ),
    (
        "wrong_value",
        "(1 - p)",
        "keep.mean()",
        "It divides by the share that happened to be kept, where 1 - p is asked for.",
    ),
    (
        "wrong_value",
        "x * keep / (1 - p)",
        "np.where(keep, x, 0) / 1 - p",
        "A division comes before a subtraction: 1 - p needs brackets.",
    ),
    (
        "wrong_value",
        "x * keep / (1 - p)",
        "np.where(keep, x, x / (1 - p))",
        "Nothing is dropped: where keep is False there should be 0.",
    ),
    (
        "wrong_value",
        "x * keep / (1 - p)",
        "np.where(keep, x / (1 - p), x)",
        "Nothing is dropped: where keep is False there should be 0.",
    ),
    ("wrong_value", "x * keep / (1 - p)", "x / (1 - p)", "Nothing is dropped: where keep is False there should be 0."),
    ("wrong_value", "keep / (1 - p)", "p", "keep has no effect: some elements are dropped, the others not."),
    ("changes_inputs", "    return x * keep / (1 - p)", "    x[~keep] = 0\n    return x / (1 - p)"),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("wrong_value", "x * p / (1 - p)", "keep has no effect, and p is no factor: what is kept is divided by 1 - p."),
    ("wrong_value", "x * keep * p", "It multiplies by p, where it should divide by 1 - p."),
    ("wrong_value", "x * keep / (1 - p) ** 2", "It divides twice by 1 - p."),
    ("wrong_value", "x * keep - (1 - p)", "1 - p is subtracted, where it should divide."),
    ("wrong_value", "x * keep / (1 + p)", "It divides by 1 + p, where 1 - p is asked for."),
    ("wrong_value", "x * keep / np.sqrt(1 - p)", "There is a root too much: it is divided by 1 - p itself."),
    ("wrong_value", "keep / (1 - p)", "x is missing: what is kept are the elements of x."),
)  # fmt: skip


def cases(rng):
    return [
        (rng.standard_normal((3, 4)), rng.standard_normal((3, 4)) > 0, 0.2),
        (rng.standard_normal(5), np.array([True, False, True, True, False]), 0.5),
        (np.array([-2.0, 3, 1, 0]), np.array([True, True, False, True]), 0.9),
        (rng.standard_normal((2, 3, 2)), rng.standard_normal((2, 3, 2)) > 0, 0.3),
    ]
