"""Answers to ex_quantise: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "quantise"
KIND = "values"
SOLUTION = """import numpy as np


def quantise(w):
    scale = np.abs(w).max(axis=1, keepdims=True) / 127
    scale[scale == 0] = 1
    return np.rint(w / scale).astype(np.int8), scale
"""
HINTS = (
    "max with axis=1 goes along each row; keepdims=True leaves the shape (rows, 1), which divides w row by row.",
    "A row of zeros would be divided by 0: give it the scale 1 first.",
    "np.rint rounds. astype(np.int8) alone would cut off.",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def quantise(w):
    largest = np.maximum(w.max(axis=1), -w.min(axis=1))[:, None]
    s = np.where(largest > 0, largest / 127, 1)
    return np.round(w / s), s
""",
    """import numpy as np


def quantise(w):
    numbers, scales = [], []
    for row in w:
        s = max(abs(v) for v in row) / 127 or 1
        numbers.append([round(v / s) for v in row])
        scales.append([s])
    return np.array(numbers), np.array(scales)
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("shape", "np.abs(w).max(axis=1, keepdims=True)", "np.abs(w).max(keepdims=True)",
     "There is one scale for the whole matrix; each row has its own."),
    ("shape", "np.abs(w).max(axis=1, keepdims=True)", "np.abs(w).max(axis=0, keepdims=True)",
     "There is a scale for each column; each row should have one: axis=1."),
    ("wrong_value", "/ 127", "/ 128",
     "The largest becomes 128 times its scale, which a signed byte hasn't; it is 127."),
    ("wrong_value", "/ 127", "/ 255",
     "255 levels lie on both sides of 0; the largest |w| is 127 of them away from it."),
    ("wrong_value", "np.abs(w).max", "w.max",
     "The largest w isn't the largest |w|: a row may have a larger negative weight."),
    ("wrong_value", "np.abs(w).max", "np.abs(w).mean",
     "The scale comes from the mean |w|; it should be the largest, or the others don't fit into a byte."),
    ("wrong_value", "np.abs(w).max", "w.std",
     "The scale comes from the standard deviation; it should be from the largest |w|."),
    ("wrong_value", "np.rint(w / scale).astype(np.int8)", "(w / scale).astype(np.int8)",
     "astype cuts off towards 0, so that 2.9 becomes 2: round first, np.rint."),
    ("wrong_value", "np.rint(w / scale)", "np.floor(w / scale)",
     "It rounds down always; the nearest whole number is asked for, np.rint."),
    ("wrong_value", "np.rint(w / scale)", "np.floor(w / scale + 0.5)",
     "Halves go up here; they should go to the even number, as np.rint does."),
    ("wrong_value", "np.rint(w / scale).astype(np.int8)", "np.rint(w / scale) * scale",
     "These are the rounded weights; the whole numbers are asked for, without the scale."),
    ("wrong_value", "np.rint(w / scale).astype(np.int8)", "np.rint(w).astype(np.int8)",
     "The weights are rounded as they are; divide by the scale first."),
    ("wrong_value", "np.rint(w / scale).astype(np.int8)", "w / scale",
     "Nothing is rounded: whole numbers are asked for."),
    ("wrong_value", "np.rint(w / scale).astype(np.int8)", "np.rint(w / scale).astype(np.int8).astype(np.uint8)",
     "A uint8 has no negative numbers, -1 becomes 255: take np.int8."),
    ("wrong_value", "    scale[scale == 0] = 1\n", "",
     "A row of zeros has the scale 0 here, and 0 / 0 is no number; give it the scale 1."),
    ("wrong_value", "scale[scale == 0] = 1", "scale[scale == 0] = 1e-3",
     "A row of zeros has the scale 1."),
    ("wrong_value", "scale[scale == 0] = 1", "scale += 1e-3",
     "A number is added to every scale; only that of a row of zeros is another, 1."),
    ("shape", "np.int8), scale", "np.int8), scale[:, 0]",
     "The scales have the shape (rows,), but (rows, 1) is asked for, which multiplies row by row."),
    ("count", "np.rint(w / scale).astype(np.int8), scale", "np.rint(w / scale).astype(np.int8)",
     "The scales are missing: without them nobody knows what the whole numbers mean."),
    ("shape", "np.rint(w / scale).astype(np.int8), scale", "scale, np.rint(w / scale).astype(np.int8)",
     "The order is wrong: first the whole numbers, then the scales."),
    ("wrong_value", ".astype(np.int8), scale", ".astype(np.int8), 1 / scale",
     "That is one over the scale; numbers times scales should be nearly w."),
    ("changes_inputs", "    return np.rint(w / scale)", "    w /= scale\n    return np.rint(w)"),
)  # fmt: skip
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("raises",
     "    scale = np.abs(w).max(axis=1) / 127\n"
     "    return np.rint(w / scale), scale\n",
     "The scales have lost an axis: keepdims=True leaves (rows, 1), which divides row by row."),
    ("wrong_value",
     "    scale = (w.max(axis=1, keepdims=True) - w.min(axis=1, keepdims=True)) / 255\n"
     "    scale[scale == 0] = 1\n"
     "    return np.rint(w / scale), scale\n",
     "It divides the way from the smallest to the largest weight; the grid here is symmetric: max|w| / 127."),
)  # fmt: skip


def cases(rng):
    return [
        (rng.standard_normal((3, 4)) * np.array([[0.1], [1], [30]]),),
        (np.array([[127, 0.5, 1.5, -2.5, 3.4], [-254, 1, 3, 6.6, -5], [0, 0, 0, 0, 0]]),),
        (rng.standard_normal((2, 3)) - 1,),
    ]
