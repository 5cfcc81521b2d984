"""Answers to ex_relative_error: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "relative_error"
KIND = "values"
SOLUTION = """import numpy as np


def relative_error(a, b):
    size = np.maximum(abs(a), abs(b))
    return abs(a - b) / np.where(size > 0, size, 1)
"""
HINTS = (
    "np.maximum takes the larger one element by element.",
    "Where the size is 0, divide by something else.",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def relative_error(a, b):
    out = np.zeros(a.shape)
    for i in np.ndindex(a.shape):
        if a[i] != 0 or b[i] != 0:
            out[i] = abs(a[i] - b[i]) / max(abs(a[i]), abs(b[i]))
    return out
""",
    """import numpy as np


def relative_error(a, b):
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.nan_to_num(np.abs(a - b) / np.fmax(np.abs(a), np.abs(b)))
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("not_finite", "np.where(size > 0, size, 1)", "size", "Where both are 0 it is 0 / 0."),
    (
        "wrong_value",
        "np.maximum(abs(a), abs(b))",
        "abs(a)",
        "It depends on which of the two numbers comes first: the larger of both sizes is asked for.",
    ),
    (
        "wrong_value",
        "np.maximum(abs(a), abs(b))",
        "abs(b)",
        "It depends on which of the two numbers comes first: the larger of both sizes is asked for.",
    ),
    *(
        (
            "wrong_value",
            "np.where(size > 0, size, 1)",
            f"(size + {eps})",
            "Something is added to the size, which changes what is small: divide by something else only where it is 0.",
        )
        for eps in ("1e-8", "1e-7", "1e-6", "1e-9", "1e-10", "1e-12", "1e-15", "1e-16")
    ),
    *(
        (
            "wrong_value",
            "np.where(size > 0, size, 1)",
            f"np.maximum(size, {eps})",
            "Small sizes are replaced, which changes what is small: divide by something else only where the size is 0.",
        )
        for eps in ("1e-8", "1e-7", "1e-6", "1e-9", "1e-10", "1e-12", "1e-15", "1e-16")
    ),
    ("wrong_value", "abs(a - b)", "(a - b)", "It can be negative."),
    ("wrong_value", "abs(a), abs(b)", "a, b", "The sizes of negative numbers count too: |a| and |b|."),
    (
        "wrong_value",
        "np.maximum(abs(a), abs(b))",
        "(abs(a) + abs(b))",
        "It divides by the sum of both sizes, where the larger one is asked for.",
    ),
    (
        "wrong_value",
        "np.maximum(abs(a), abs(b))",
        "((abs(a) + abs(b)) / 2)",
        "It divides by the mean of both sizes, where the larger one is asked for.",
    ),
    (
        "wrong_value",
        "np.maximum(",
        "np.minimum(",
        "It divides by the smaller of both sizes, where the larger one is asked for.",
    ),
    (
        "wrong_value",
        "np.maximum(abs(a), abs(b))",
        "np.full(a.shape, max(abs(a).max(), abs(b).max()))",
        "It divides all by the largest number of all; each element has its own.",
    ),
    ("wrong_value", " / np.where(size > 0, size, 1)", "", "That is the absolute error: the division is missing."),
    (
        "shape",
        "return abs(a - b) / np.where(size > 0, size, 1)",
        "return np.max(abs(a - b) / np.where(size > 0, size, 1))",
        "It gives the largest error; one for each element is asked for.",
    ),
    (
        "wrong_value",
        "abs(a - b) / np.where(size > 0, size, 1)",
        "np.where(size > 0, abs(a - b) / size, 1)",
        "Where both are 0 it should be 0, not 1: they agree.",
    ),
    ("wrong_value", "abs(a - b)", "abs(abs(a) - abs(b))", "It compares the sizes alone: -2 and 2 differ."),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("not_finite", "abs(a - b) / abs(a)",
     "It divides by |a| alone: the larger of both sizes is asked for, and something else where both are 0."),
    ("not_finite", "abs(a - b) / abs(b)",
     "It divides by |b| alone: the larger of both sizes is asked for, and something else where both are 0."),
    ("not_finite", "abs(a - b) / np.maximum(a, b)",
     "The sizes of negative numbers count too: |a| and |b|; and where both are 0 it is 0 / 0."),
    ("not_finite", "abs(a - b) / abs(np.maximum(a, b))",
     "The larger one is chosen before the sizes are taken: |a| and |b| come first; and where both are 0 it is 0 / 0."),
    ("not_finite", "abs(a - b) / (abs(a) + abs(b))",
     "It divides by the sum of both sizes, where the larger one is asked for; and where both are 0 it is 0 / 0."),
    ("not_finite", "np.where(a == b, 0, abs(a - b) / abs(b))",
     "It divides by |b| alone: the larger of both sizes is asked for."),
    ("shape", "np.max(abs(a - b)) / np.max(np.maximum(abs(a), abs(b)))",
     "It gives one number for all; one for each element is asked for."),
    ("shape", "np.linalg.norm(a - b) / max(np.linalg.norm(a), np.linalg.norm(b))",
     "It gives one number for all; one for each element is asked for."),
    ("wrong_value",
     "    size = np.abs(np.maximum(a, b))\n"
     "    return np.where(size == 0, 0, abs(a - b) / np.where(size == 0, 1, size))\n",
     "The larger one is chosen before the sizes are taken: |a| and |b| come first."),
    ("wrong_value",
     "    size = np.minimum(abs(a), abs(b))\n"
     "    return np.where(size == 0, 0, abs(a - b) / np.where(size == 0, 1, size))\n",
     "It divides by the smaller of both sizes, where the larger one is asked for."),
    ("wrong_value",
     "abs(a - b) / np.maximum(np.maximum(abs(a), abs(b)), 1)",
     "It divides by 1 where both sizes are below 1: divide by 1 only where both are 0."),
)  # fmt: skip


def cases(rng):
    return [
        (np.array([1.0, -2, 0, 0]), np.array([1.5, 2, 0, 3])),
        (np.array([[3.0, 1, -2]]), np.array([[2.0, 1, 0]])),
        (np.array([-3.0, 1, 1e-9, -2e-20]), np.array([1.0, -4, 3e-9, 1e-20])),
        (np.array([-3.0, -1]), np.array([-2.0, -4])),
        (np.array([0.0, 0]), np.array([0.0, 0])),
        (np.array([-2e-20]), np.array([1e-20])),
        (rng.standard_normal((2, 3, 2)), rng.standard_normal((2, 3, 2))),
        (np.array([2e-310, 0]), np.array([1e-310, -1e-310])),
    ]
