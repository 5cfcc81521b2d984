"""Answers to ex_fold: solution, hints and typical mistakes. Spoilers."""

FUNCTION = "training_indices"
KIND = "values"
INTEGERS = True
SOLUTION = """import numpy as np


def training_indices(n, k, i):
    index = np.arange(n)
    return index[index % k != i]
"""
HINTS = (
    "An index belongs to fold (index % k).",
    "Pick with a comparison: index[condition].",
)
RIGHT = (  # the same, written in other ways
    """def training_indices(n, k, i):
    return [j for j in range(n) if j % k != i]
""",
    """import numpy as np


def training_indices(n, k, i):
    return np.setdiff1d(np.arange(n), np.arange(i, n, k))
""",
    """import numpy as np


def training_indices(n, k, i):
    keep = np.ones(n, bool)
    keep[i::k] = False
    return tuple(np.flatnonzero(keep))
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    (
        "wrong_indices",
        "index % k",
        "index // k",
        "% gives the fold, the rest of a division; // gives how often k goes into it.",
    ),
    ("wrong_indices", "!= i", "== i", "These are the examples that are held out; the others are asked for."),
    (
        "shape",
        "index[index % k != i]",
        "index % k != i",
        "These are True and False; the indices themselves are asked for.",
    ),
    (
        "wrong_indices",
        "index % k != i",
        "index // -(-n // k) != i",
        "It holds out a block of neighbours, where every k-th example is held out.",
    ),
    (
        "wrong_indices",
        "index[index % k != i]",
        "np.delete(index, np.arange(i * (n // k), (i + 1) * (n // k)))",
        "It holds out a block of neighbours, where every k-th example is held out.",
    ),
    (
        "wrong_indices",
        "index % k != i",
        "index % k != i - 1",
        "Folds are counted from 0: fold i begins with example i.",
    ),
    ("wrong_indices", "np.arange(n)", "np.arange(1, n + 1)", "Examples are counted from 0."),
    (
        "wrong_indices",
        "index % k != i",
        "index != i",
        "Only example i is held out; its fold has i + k, i + 2k, ... too.",
    ),
    (
        "wrong_indices",
        "index % k",
        "index % i if i else index",
        "The rest is to be that of a division by k, the number of folds.",
    ),
    (
        "permuted",
        "index[index % k != i]",
        "index[index % k != i][::-1]",
        "The indices are right, but go from large to small.",
    ),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("shape", "np.array_split(np.arange(n), k)[i]",
     "That is a block of neighbours, and the part that is held out: every k-th example is held out, and the "
     "others are asked for."),
    ("wrong_indices", "np.concatenate([part for j, part in enumerate(np.array_split(np.arange(n), k)) if j != i])",
     "It holds out a block of neighbours, where every k-th example is held out."),
    ("count", "np.setdiff1d(np.arange(n), np.arange(i, n, k)), np.arange(i, n, k)",
     "It gives both parts; only the examples for training are asked for."),
    ("shape", "len(np.arange(n)[np.arange(n) % k != i])",
     "That is how many there are; the indices themselves are asked for."),
    ("shape", "np.arange(n)[np.arange(n) % k > i]",
     "The folds before fold i are missing: all but fold i are for training."),
    ("type", "set(range(n)) - set(range(i, n, k))", "It returns a set, not numbers."),
    ("shape",
     "[j for j in range(n) if j < i * n // k or j >= (i + 1) * n // k]",
     "It holds out a block of neighbours, where every k-th example is held out."),
)  # fmt: skip


def cases(rng):
    return [(11, 4, 1), (12, 3, 0), (7, 5, 4), (6, 2, 1), (5, 5, 2)]
