"""Answers to ex_auc: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "auc"
KIND = "values"
SOLUTION = """import numpy as np


def auc(members, others):
    a, b = members[:, None], others[None, :]
    return np.mean((a < b) + 0.5 * (a == b))
"""
HINTS = (
    "All pairs: members as a column and others as a row give a table of comparisons, with n rows and m columns.",
    "True and False count as 1 and 0. So the mean of such a table is a share.",
    "A second table says where both are equal. It counts half.",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def auc(members, others):
    found = 0.0
    for a in members:
        for b in others:
            if a < b:
                found += 1
            elif a == b:
                found += 0.5
    return found / (len(members) * len(others))
""",
    """import numpy as np


def auc(members, others):
    return np.mean((1 + np.sign(np.subtract.outer(others, members))) / 2)
""",
    """import numpy as np


def auc(members, others):
    ordered = np.sort(others)
    below = np.searchsorted(ordered, members, side="left")
    up_to = np.searchsorted(ordered, members, side="right")
    return 1 - np.mean(below + up_to) / 2 / len(others)
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("wrong_value", "a < b", "a > b",
     "It counts where the member's loss is larger; smaller is asked for."),
    ("wrong_value", " + 0.5 * (a == b)", "",
     "Pairs with equal losses count nothing here; they count half."),
    ("wrong_value", "(a < b) + 0.5 * (a == b)", "a <= b",
     "Pairs with equal losses count whole here; they count half."),
    ("wrong_value", "(a < b) + 0.5 * (a == b)", "(a > b) + (a == b)",
     "It counts where the member's loss is larger, and equal ones whole; smaller is asked for, and equal ones half."),
    ("wrong_value", "np.mean", "np.sum",
     "That is the number of pairs; divide by how many there are, n · m."),
    ("wrong_value", "np.mean((a < b) + 0.5 * (a == b))", "np.sum((a < b) + 0.5 * (a == b)) / len(members)",
     "It divides by n; there are n · m pairs."),
    ("wrong_value", "np.mean((a < b) + 0.5 * (a == b))", "np.sum((a < b) + 0.5 * (a == b)) / len(others)",
     "It divides by m; there are n · m pairs."),
    ("wrong_value", "np.mean((a < b) + 0.5 * (a == b))",
     "np.sum((a < b) + 0.5 * (a == b)) / (len(members) + len(others))",
     "It divides by n + m, the number of examples; there are n · m pairs."),
    ("wrong_value", "np.mean((a < b) + 0.5 * (a == b))", "np.sum((a < b) + 0.5 * (a == b)) / np.sum(a != b)",
     "It divides by the pairs without equal losses; these belong to all pairs, too."),
    ("wrong_value", "np.mean((a < b) + 0.5 * (a == b))", "np.mean((a < b)[a != b])",
     "It leaves out the pairs with equal losses; they count half, and belong to all pairs."),
    ("raises", "a, b = members[:, None], others[None, :]", "a, b = members, others",
     "It compares the first with the first, and so on; every member meets every other one: members[:, None]."),
    ("raises", "a, b = members[:, None], others[None, :]", "a, b = members[None, :], others[None, :]",
     "Both are rows, so they are compared one by one; make members a column, members[:, None]."),
    ("wrong_value", "a, b = members[:, None], others[None, :]", "a, b = np.mean(members), others",
     "It compares the mean loss of the members with each other one; each member has pairs of its own."),
    ("wrong_value", "a, b = members[:, None], others[None, :]", "a, b = members, np.mean(others)",
     "It compares each member with the mean loss of the others; each of them has pairs of its own."),
    ("wrong_value", "a, b = members[:, None], others[None, :]", "a, b = members, np.median(others)",
     "It compares each member with the median of the others; each of them has pairs of its own."),
    ("wrong_value", "a, b = members[:, None], others[None, :]",
     "k = min(len(members), len(others))\n    a, b = members[:k], others[:k]",
     "It makes only as many pairs as the shorter array has numbers; every member meets every other one."),
    ("wrong_value", "a, b = members[:, None], others[None, :]",
     "k = min(len(members), len(others))\n    a, b = np.sort(members)[:k], np.sort(others)[:k]",
     "Both are sorted and compared one by one; every member meets every other one, n · m pairs."),
    ("shape", "np.mean((a < b) + 0.5 * (a == b))", "np.mean((a < b) + 0.5 * (a == b), axis=1)",
     "That is one number for each member; take the mean over all pairs."),
    ("shape", "np.mean((a < b) + 0.5 * (a == b))", "np.mean((a < b) + 0.5 * (a == b), axis=0)",
     "That is one number for each of the others; take the mean over all pairs."),
    ("shape", "np.mean((a < b) + 0.5 * (a == b))", "(a < b) + 0.5 * (a == b)",
     "That is the table of all pairs; its mean is asked for."),
    ("wrong_value", "0.5 * (a == b)", "2 * (a == b)",
     "Pairs with equal losses count twice here; they count half."),
    ("wrong_value", "0.5 * (a == b)", "0.5 * np.isclose(a, b, atol=0.05)",
     "Losses that are only near count as equal; take ==."),
)  # fmt: skip
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("wrong_value", "np.mean(members < np.min(others))",
     "A member counts only if its loss is smaller than all others; each pair counts by itself."),
    ("wrong_value", "float(np.mean(members) < np.mean(others))",
     "It compares two means; the share of all pairs is asked for."),
    ("wrong_value", "np.mean(others) - np.mean(members)",
     "That is how far the mean losses are apart; the share of pairs is asked for."),
    ("wrong_value",
     "    both = np.concatenate([members, others])\n"
     "    said = both <= np.median(both)\n"
     "    return np.mean(said == (np.arange(len(both)) < len(members)))\n",
     "That is how often one threshold is right; the AUC needs none, it compares pairs."),
)  # fmt: skip


def cases(rng):
    return [
        (np.array([0.1, 0.5, 0.5, 2.0]), np.array([0.5, 3.0, 0.1])),
        (np.array([1.0, 0.25]), np.array([0.25, 0.27, 0.2, 4.0, 0.5])),
        (rng.random(7) ** 2, 1.5 * rng.random(5)),
        (np.round(rng.random(6), 1), np.round(rng.random(9), 1)),
    ]
