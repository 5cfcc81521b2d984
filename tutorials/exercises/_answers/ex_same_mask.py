"""Answers to ex_same_mask: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "same_mask"
KIND = "values"
SOLUTION = """import numpy as np


def same_mask(h, keep, p):
    return h * keep[:, None] / (1 - p)
"""
HINTS = (
    "Write the shapes of h and of keep one below the other. Which axis is missing, and where?",
    "An axis of length 1 fits any length: NumPy repeats it. keep needs one where h has its steps.",
    "What is kept gets larger, so that the mean stays.",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def same_mask(h, keep, p):
    out = np.zeros(h.shape)
    for t in range(h.shape[1]):
        out[:, t] = np.where(keep, h[:, t] / (1 - p), 0)
    return out
""",
    """import numpy as np


def same_mask(h, keep, p):
    mask = np.repeat(keep[:, np.newaxis, :], h.shape[1], axis=1)
    return np.where(mask, h, 0) / (1 - p)
""",
    """import numpy as np


def same_mask(h, keep, p):
    return np.einsum("nth,nh->nth", h, keep / (1 - p))
""",
    """import numpy as np


def same_mask(h, keep, p):
    h = h.copy()
    for states, kept in zip(h, keep):
        states[:, ~kept] = 0
    return h / (1 - p)
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("wrong_value", " / (1 - p)", "", "What is kept isn't divided by 1 - p, so the mean shrinks."),
    (
        "raises",
        "keep[:, None]",
        "keep",
        "The first axis of keep is taken for the steps of h: it is the sequences'. Write keep[:, None].",
    ),
    (
        "raises",
        "keep[:, None]",
        "keep[:, :, None]",
        "The new axis is in the wrong place: that of h's steps is the second, keep[:, None].",
    ),
    (
        "raises",
        "keep[:, None]",
        "keep[None]",
        "keep[None] puts the new axis first, where h has its sequences: that of h's steps is the second, "
        "keep[:, None].",
    ),
    (
        "raises",
        "keep[:, None]",
        "np.repeat(keep, h.shape[1], axis=0)[None]",
        "The copies of keep stand one below the other, on the axis of the sequences: the steps need an axis of their "
        "own, keep[:, None].",
    ),
    (
        "raises",
        "keep[:, None]",
        "np.repeat(keep, h.shape[1], axis=1)",
        "The copies of keep stand side by side, on the axis of the units: the steps need an axis of their own, "
        "keep[:, None].",
    ),
    (
        "raises",
        "keep[:, None]",
        "keep.reshape(h.shape)",
        "reshape makes no copies, and keep has one number for all steps of a unit: write keep[:, None], of length 1 in "
        "time.",
    ),
    (
        "shape",
        "keep[:, None]",
        "keep[:, None, None]",
        "keep got two new axes, so the result has four: one is enough, keep[:, None].",
    ),
    (
        "wrong_value",
        "keep[:, None]",
        "keep[0]",
        "All sequences get the mask of the first; each has one of its own.",
    ),
    (
        "wrong_value",
        "keep[:, None]",
        "~keep[:, None]",
        "It keeps what should be dropped, and drops what should be kept.",
    ),
    ("wrong_value", "/ (1 - p)", "/ p", "It divides by p, the probability of dropping; 1 - p is that of keeping."),
    (
        "wrong_value",
        "/ (1 - p)",
        "* (1 - p)",
        "What is kept becomes smaller, where it should become larger, so that the mean stays.",
    ),
    (
        "wrong_value",
        "h * keep[:, None] / (1 - p)",
        "h * keep[:, None] / 1 - p",
        "A division comes before a subtraction: 1 - p needs brackets.",
    ),
    (
        "wrong_value",
        "(1 - p)",
        "keep.mean()",
        "It divides by the share that happened to be kept, where 1 - p is asked for.",
    ),
    (
        "wrong_value",
        "(1 - p)",
        "(1 - p) ** 2",
        "It divides twice by 1 - p.",
    ),
    ("wrong_value", "h * keep[:, None] / (1 - p)", "h / (1 - p)", "Nothing is dropped: keep has no effect."),
    (
        "wrong_value",
        "h * keep[:, None] / (1 - p)",
        "np.where(keep[:, None], h / (1 - p), h)",
        "Nothing is dropped: where keep is False there should be 0.",
    ),
    (
        "shape",
        "h * keep[:, None] / (1 - p)",
        "h[:, 0] * keep / (1 - p)",
        "Only the first step is left; all T steps are asked for.",
    ),
    (
        "wrong_value",
        "    return h * keep[:, None] / (1 - p)",
        "    out = h / (1 - p)\n    out[:, 0] *= keep\n    return out",
        "Only the first step is masked; the same units are dropped at all steps.",
    ),
    (
        "wrong_value",
        "    return h * keep[:, None] / (1 - p)",
        "    out = h.copy()\n    out[:, 0] = out[:, 0] * keep / (1 - p)\n    return out",
        "Only the first step is masked; the same units are dropped at all steps.",
    ),
    (
        "wrong_value",
        "    return h * keep[:, None] / (1 - p)",
        "    out = h / (1 - p)\n    out[:, -1] *= keep\n    return out",
        "Only the last step is masked; the same units are dropped at all steps.",
    ),
    (
        "wrong_value",
        "    return h * keep[:, None] / (1 - p)",
        "    mask = np.tile(keep, (h.shape[1], 1)).reshape(h.shape)\n    return h * mask / (1 - p)",
        "The copies of keep got mixed up: sequences get each other's masks. np.repeat(keep[:, None], T, axis=1) copies "
        "each for its own steps.",
    ),
    (
        "wrong_value",
        "    return h * keep[:, None] / (1 - p)",
        "    T = h.shape[1]\n    return h * np.repeat(keep, T).reshape(h.shape) / (1 - p)",
        "np.repeat puts the copies of each number side by side, so they land on units, not on steps: "
        "np.repeat(keep[:, None], T, axis=1) copies along the steps.",
    ),
    (
        "wrong_value",
        "    return h * keep[:, None] / (1 - p)",
        "    steps = np.arange(1, h.shape[1] + 1)[:, None]\n    return h * keep[:, None] / (1 - p) ** steps",
        "It divides once more at each step; h has the states as they are, so each is divided once.",
    ),
    (
        "wrong_value",
        "    return h * keep[:, None] / (1 - p)",
        "    fresh = np.random.default_rng(0).random(h.shape) >= p\n    return h * fresh / (1 - p)",
        "These masks are drawn here, and fresh at each step; take keep, the same at all steps.",
    ),
    (
        "wrong_value",
        "h * keep[:, None] / (1 - p)",
        "h * keep.all(axis=1)[:, None, None] / (1 - p)",
        "Whole sequences are dropped or kept; keep speaks of single units.",
    ),
    (
        "raises",
        "h * keep[:, None]",
        "h[keep]",
        "h[keep] picks out what is kept, and wants keep to have the axes of h; multiply instead: h * keep[:, None].",
    ),
    (
        "changes_inputs",
        "    return h * keep[:, None] / (1 - p)",
        "    h *= keep[:, None]\n    return h / (1 - p)",
    ),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("wrong_value", "h * keep[:, None] * p", "It multiplies by p, where it should divide by 1 - p."),
    ("wrong_value", "h * keep[:, None] / np.sqrt(1 - p)", "There is a root too much: it is divided by 1 - p itself."),
    ("wrong_value", "np.broadcast_to(keep[:, None] / (1 - p), h.shape)", "h is missing: what is kept are its numbers."),
)


def cases(rng):
    sizes = (3, 3, 2, 0.4), (2, 4, 3, 0.3), (4, 1, 5, 0.2), (2, 5, 4, 0.75)
    found = []
    for n, steps, units, p in sizes:
        keep = (np.arange(n)[:, None] + np.arange(units)) % 3 > 0  # two of three, others in each sequence
        found.append((rng.standard_normal((n, steps, units)), keep, p))
    return found
