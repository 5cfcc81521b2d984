"""Answers to ex_output_size: solution, hints and typical mistakes. Spoilers."""

FUNCTION = "output_size"
KIND = "values"
SOLUTION = """import numpy as np


def output_size(n, kernel, stride, padding, dilation):
    reach = dilation * (kernel - 1) + 1
    return (n + 2 * padding - reach) // stride + 1
"""
HINTS = (
    "How many pixels does the kernel reach over, from its first weight to its last?",
    "The last window begins that many pixels before the end, or earlier. // rounds down.",
)
RIGHT = (  # the same, written in other ways
    """def output_size(n, kernel, stride, padding, dilation):
    return len(range(0, n + 2 * padding - dilation * (kernel - 1), stride))
""",
    """import math


def output_size(n, kernel, stride, padding, dilation):
    return math.floor((n + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1)
""",
    """import numpy as np
import tinydl as tl


def output_size(n, kernel, stride, padding, dilation):
    x, w = np.zeros((1, 1, n)), np.zeros((1, 1, kernel))
    return tl.functional.conv1d(x, w, None, stride, padding, dilation).shape[2]
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("wrong_value", " // stride + 1", " // stride", "It counts the steps; there is one window more than steps."),
    ("wrong_value", "2 * padding", "padding", "The padding is at both ends, so it counts twice."),
    ("wrong_value", " + 2 * padding", "", "The padding is missing: it makes the axis longer."),
    ("wrong_value", "+ 2 * padding", "- 2 * padding", "The padding makes the axis longer, not shorter."),
    (
        "wrong_value",
        "dilation * (kernel - 1) + 1",
        "dilation * (kernel - 1) - 1",
        "A sign is wrong: in n + 2 p - dilation (kernel - 1) - 1 the last 1 is taken away, too.",
    ),
    (
        "wrong_value",
        "- reach",
        "+ reach",
        "A sign is wrong: a larger kernel leaves fewer places, so what it reaches over is taken away.",
    ),
    (
        "wrong_value",
        "- reach",
        "+ reach - 2",
        "A sign is wrong: dilation * (kernel - 1) is taken away, since a larger kernel leaves fewer places.",
    ),
    (
        "wrong_value",
        "dilation * (kernel - 1) + 1",
        "kernel - dilation",
        "A sign is wrong, and the dilation is in each of the kernel - 1 gaps: it makes the reach larger.",
    ),
    (
        "wrong_value",
        "dilation * (kernel - 1) + 1",
        "kernel + dilation",
        "The dilation isn't added to the kernel: it is in each of the kernel - 1 gaps.",
    ),
    (
        "wrong_value",
        "dilation * (kernel - 1) + 1",
        "(kernel - 1) * (dilation - 1)",
        "That is what the dilation adds; the kernel's own weights are part of the reach, too.",
    ),
    ("offset", " // stride + 1", " // stride - 1", "A sign is wrong: one window more than steps, so + 1."),
    ("offset", " // stride + 1", " // stride + 2", "It counts one window too many: there is one more than steps."),
    ("wrong_value", " // stride", "", "The stride is missing: the window moves by so many pixels each time."),
    (
        "wrong_value",
        "dilation * (kernel - 1) + 1",
        "kernel",
        "The dilation has no effect: how far does the kernel reach?",
    ),
    (
        "wrong_value",
        "dilation * (kernel - 1) + 1",
        "2 * (kernel - 1) + 1",
        "The 2 in 2 (k - 1) + 1 is the dilation of the page's example: here it is any number, dilation.",
    ),
    (
        "wrong_value",
        "dilation * (kernel - 1) + 1",
        "dilation * kernel",
        "A kernel of k weights has k - 1 gaps, not k: its reach isn't dilation * kernel.",
    ),
    (
        "wrong_value",
        "(kernel - 1) + 1",
        "kernel + 1",
        "A kernel of k weights has k - 1 gaps, not k.",
    ),
    (
        "wrong_value",
        "(kernel - 1) + 1",
        "(kernel - 1)",
        "The reach is one too small: from the first weight to the last are dilation * (kernel - 1) steps, and a pixel "
        "more than steps.",
    ),
    (
        "wrong_value",
        "(n + 2 * padding - reach) // stride + 1",
        "(n + 2 * padding - reach + 1) // stride",
        "The 1 belongs outside of the division: it stands for the first window.",
    ),
    (
        "wrong_value",
        "(n + 2 * padding - reach) // stride",
        "-(-(n + 2 * padding - reach) // stride)",
        "It rounds up, and so counts a window that would reach over the end.",
    ),
    (
        "wrong_value",
        "(n + 2 * padding - reach) // stride",
        "round((n + 2 * padding - reach) / stride)",
        "It rounds to the nearest, and so counts windows that would reach over the end: round down, with //.",
    ),
    (
        "wrong_value",
        "// stride",
        "/ stride",
        "It isn't rounded down: there are no parts of a window. // divides and rounds down.",
    ),
    (
        "wrong_value",
        "(n + 2 * padding - reach) // stride",
        "n + 2 * padding - reach // stride",
        "A division comes before a subtraction: the difference needs brackets.",
    ),
    (
        "wrong_value",
        "dilation * (kernel - 1) + 1",
        "kernel + dilation * (kernel - 1)",
        "The weights lie dilation pixels apart, with dilation - 1 pixels between them: the reach is smaller.",
    ),
    (
        "wrong_value",
        "dilation * (kernel - 1) + 1",
        "kernel + dilation - 1",
        "The dilation is in each of the kernel - 1 gaps, not in one of them.",
    ),
    ("wrong_value", "// stride + 1", "* stride + 1", "A larger stride makes fewer windows: divide by it."),
    ("returns_nothing", "return (n", "size = (n"),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("wrong_value", "(n + 2 * padding) // kernel",
     "It divides by the kernel, as if windows never overlapped; they begin `stride` pixels apart."),
    ("wrong_value", "(n + 2 * padding) // stride",
     "The kernel has no effect: the last window must begin so early that it fits."),
    ("wrong_value", "n - kernel + 1", "That is the number for stride 1, without padding and dilation."),
    ("wrong_value", "(n - kernel) // stride + 1", "Padding and dilation have no effect."),
    ("wrong_value", "n", "It returns n, as if the map were always as large as the picture."),
)  # fmt: skip


def cases(rng):
    return [(28, 3, 1, 0, 1), (28, 3, 2, 1, 1), (10, 4, 3, 2, 2), (9, 2, 4, 1, 3), (32, 5, 2, 0, 3), (7, 7, 1, 0, 1),
            (20, 3, 5, 4, 2), (16, 1, 3, 0, 4)]  # fmt: skip
