"""Answers to ex_feature_map: solution, hints and typical mistakes. Spoilers."""

FUNCTION = "feature_map"
KIND = "values"
SOLUTION = """import numpy as np


def feature_map(x, w):
    windows = np.lib.stride_tricks.sliding_window_view(x, w.shape)[0]
    return np.sum(windows * w, axis=(2, 3, 4))
"""
HINTS = (
    "At each place (i, j) the window x[:, i : i + k, j : j + m] has the shape of w.",
    "Multiply the window and w number by number, and add up all of it, the channels too: one number for each place.",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def feature_map(x, w):
    k, m = w.shape[1:]
    y = np.zeros((x.shape[1] - k + 1, x.shape[2] - m + 1))
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            y[i, j] = np.sum(x[:, i : i + k, j : j + m] * w)
    return y
""",
    """import numpy as np


def feature_map(x, w):
    height, width = x.shape[1] - w.shape[1] + 1, x.shape[2] - w.shape[2] + 1
    y = 0
    for u in range(w.shape[1]):
        for v in range(w.shape[2]):
            y = y + np.einsum("c,cij->ij", w[:, u, v], x[:, u : u + height, v : v + width])
    return y
""",
    """import tinydl as tl


def feature_map(x, w):
    return tl.functional.conv2d(x[None], w[None])[0, 0]
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    (
        "flipped",
        "windows * w",
        "windows * w[:, ::-1, ::-1]",
        "The kernel is turned round: w[c, u, v] belongs to x[c, i + u, j + v].",
    ),
    (
        "wrong_value",
        "windows * w",
        "windows * w[::-1]",
        "The channels are in reverse order: slice c of the kernel belongs to channel c.",
    ),
    (
        "shape",
        "axis=(2, 3, 4)",
        "axis=(3, 4)",
        "The channels are kept apart: their answers are added up, so that one map is left.",
    ),
    (
        "shape",
        "    return np.sum(windows * w, axis=(2, 3, 4))",
        "    return np.einsum('ijcuv,cuv->cij', windows, w)",
        "Each channel still has a map of its own: add the maps of all channels up, so that one is left.",
    ),
    (
        "shape",
        "    return np.sum(windows * w, axis=(2, 3, 4))",
        "    return np.array([np.sum(windows * w, axis=(2, 3, 4))] * len(w))",
        "The map is there once for each channel: all channels together make one map.",
    ),
    ("wrong_value", "np.sum", "np.mean", "It takes the mean, where the sum is asked for."),
    (
        "wrong_value",
        "axis=(2, 3, 4))",
        "axis=(2, 3, 4)) / len(w)",
        "It divides by the number of channels: their answers are added, not averaged.",
    ),
    (
        "wrong_value",
        "axis=(2, 3, 4))",
        "axis=(2, 3, 4)) / w[0].size",
        "It divides by the number of weights in a slice: the products are added, not averaged.",
    ),
    (
        "wrong_value",
        "windows * w",
        "windows * w[0]",
        "The first slice of the kernel is used for all channels; each channel has its own.",
    ),
    (
        "wrong_value",
        "windows * w,",
        "windows[:, :, :1] * w[:1],",
        "Only the first channel is looked at: each has its own slice of w, and what all of them give is added up.",
    ),
    (
        "wrong_value",
        "windows * w,",
        "windows[:, :, :1] * w,",
        "All slices of the kernel meet the first channel; slice c belongs to channel c.",
    ),
    (
        "wrong_value",
        "windows * w,",
        "windows[:, :, -1:] * w[-1:],",
        "Only what the last channel gives is left: add up what all channels give, instead of keeping the last.",
    ),
    (
        "wrong_value",
        "windows * w,",
        "windows.sum(axis=2, keepdims=True) * w.sum(axis=0),",
        "It adds up the channels before it multiplies: each is multiplied by its own slice first.",
    ),
    ("wrong_value", "windows * w", "windows", "The kernel has no effect: multiply each window by w."),
    ("wrong_value", "windows * w", "windows + w", "It adds the kernel to the window, where it should multiply."),
    ("wrong_value", "np.sum", "np.max", "It takes the largest product, where the sum of all is asked for."),
    (
        "wrong_value",
        "return np.sum(windows * w, axis=(2, 3, 4))",
        "return np.maximum(np.sum(windows * w, axis=(2, 3, 4)), 0)",
        "Negative answers are cut off: no relu is asked for.",
    ),
    (
        "shape",
        "view(x, w.shape)[0]",
        "view(x, w.shape)[0][:-1, :-1]",
        "The last row and the last column of the map are missing: windows begin at height - k and at width - m, too.",
    ),
    (
        "shape",
        "view(x, w.shape)[0]",
        "view(x, w.shape)[0][:: w.shape[1], :: w.shape[2]]",
        "The windows lie side by side; with stride 1 they overlap, and each begins one pixel after the last.",
    ),
    (
        "shape",
        "view(x, w.shape)[0]",
        "view(x, w.shape)",
        "Without [0] the windows keep a first axis of length 1, and axes 2, 3 and 4 aren't those of w: add [0].",
    ),
    (
        "shape",
        "view(x, w.shape)[0]\n    return np.sum(windows * w, axis=(2, 3, 4))",
        "view(x, w.shape)\n    return np.sum(windows * w, axis=(3, 4, 5))",
        "Nothing of the channels should be left, not even an axis of length 1: the map has two axes.",
    ),
    (
        "raises",
        "view(x, w.shape)[0]\n    return np.sum(windows * w, axis=(2, 3, 4))",
        "view(x, w.shape[1:], axis=(1, 2))\n    return np.sum(windows * w, axis=(0, 3, 4))",
        "The channels come first in these windows, (c, i, j, u, v), but w is (c, u, v): multiply by w[:, None, None].",
    ),
    (
        "shape",
        "view(x, w.shape)[0]",
        "view(np.pad(x, ((0, 0), (w.shape[1] // 2,) * 2, (w.shape[2] // 2,) * 2)), w.shape)[0]",
        "There is padding in it; without it the map is smaller than x.",
    ),
    ("transposed", "axis=(2, 3, 4))", "axis=(2, 3, 4)).T", "The map lies on its side: i counts rows, j columns."),
    (
        "raises",
        "view(x, w.shape)",
        "view(w, x.shape)",
        "The windows are cut out of w here; they belong to x, and have the shape of w.",
    ),
    (
        "raises",
        "windows * w,",
        "windows @ w,",
        "@ is a matrix product; number by number one multiplies with *, and then adds up.",
    ),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("raises", "np.convolve(x, w)",
     "np.convolve takes rows of numbers only, and turns the kernel round: go through the windows."),
    ("raises", "np.sum(x * w)", "x and w have different sizes: multiply w by each window of x, which has its shape."),
    ("shape", "np.sum(x[:, : w.shape[1], : w.shape[2]] * w)",
     "That is the answer at one place, the first; the map has one for each place."),
)  # fmt: skip


def cases(rng):
    sizes = ((2, 5, 7), (2, 3)), ((3, 6, 4), (2, 2)), ((1, 4, 6), (3, 2)), ((3, 4, 5), (3, 3))
    return [(rng.standard_normal(x), rng.standard_normal((x[0], *w))) for x, w in sizes]
