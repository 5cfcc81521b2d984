"""Answers to ex_channels_first: solution, hints and typical mistakes. Spoilers."""

FUNCTION = "channels_first"
KIND = "values"
SOLUTION = """import numpy as np


def channels_first(images):
    return np.moveaxis(images, -1, 1)
"""
HINTS = (
    "The last axis goes to place 1; height and width stay in their order, one place further back.",
    "np.moveaxis(x, a, b) takes axis a out and puts it back in as axis b; transpose takes the whole new order.",
)
RIGHT = (  # the same, written in other ways
    """def channels_first(images):
    return images.transpose(0, 3, 1, 2)
""",
    """import numpy as np


def channels_first(images):
    return np.stack([images[..., c] for c in range(images.shape[-1])], axis=1)
""",
    """import numpy as np


def channels_first(images):
    return images.swapaxes(2, 3).swapaxes(1, 2)
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    (
        "wrong_value",
        "np.moveaxis(images, -1, 1)",
        "images.reshape(images.shape[0], images.shape[3], images.shape[1], images.shape[2])",
        "reshape leaves the numbers in their order in memory, so colours and places get mixed: move the axis.",
    ),
    (
        "wrong_value",
        "np.moveaxis(images, -1, 1)",
        "images.transpose(0, 3, 2, 1)",
        "Height and width have changed places: the images lie on their side.",
    ),
    (
        "wrong_value",
        "np.moveaxis(images, -1, 1)",
        "np.swapaxes(images, 1, 3)",
        "Height and width have changed places: the images lie on their side.",
    ),
    (
        "wrong_value",
        "-1, 1",
        "1, -1",
        "That moves axis 1, the height, to the end; the last axis, the channels, should go to place 1.",
    ),
    ("wrong_value", "-1, 1", "-1, 0", "The channels stand before the examples; they should be axis 1."),
    ("wrong_value", "-1, 1", "-1, 2", "The channels stand between height and width; they should be axis 1."),
    ("wrong_value", "-1, 1", "2, 1", "Height and width have changed places, and the channels are still last."),
    (
        "wrong_value",
        "np.moveaxis(images, -1, 1)",
        "images.T",
        "T turns round all axes, and the examples come last; only the channels should move.",
    ),
    (
        "wrong_value",
        "np.moveaxis(images, -1, 1)",
        "images.mT",
        "The channels stand between height and width; they should be axis 1.",
    ),
    (
        "wrong_value",
        "np.moveaxis(images, -1, 1)",
        "np.rollaxis(images, 1, 4)",
        "That moves axis 1, the height, to the end; the last axis, the channels, should go to place 1.",
    ),
    (
        "wrong_value",
        "np.moveaxis(images, -1, 1)",
        "np.moveaxis(images, -1, 1)[:, ::-1]",
        "The order of the channels is turned round; it should stay as it was.",
    ),
    (
        "wrong_value",
        "np.moveaxis(images, -1, 1)",
        "np.moveaxis(images, -1, 1)[:, :, ::-1]",
        "The images stand on their heads: the rows should stay in their order.",
    ),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("wrong_value", "images", "The channels are still last: nothing has moved."),
    ("shape", "images[:, None]", "A new axis of length 1 was put in; the channels are there already, and only move."),
    ("shape", "images[..., 0]", "Only the first channel is left; all should be kept, on axis 1."),
    ("shape", "images[..., 0][:, None]", "Only the first channel is left; all should be kept, on axis 1."),
    (
        "shape",
        "images.mean(axis=-1)[:, None]",
        "The channels were averaged to one; all should be kept, on axis 1.",
    ),
    (
        "shape",
        "images.reshape(len(images), images.shape[-1], -1)",
        "Height and width have become one axis; the result has four, (n, channels, height, width).",
    ),
    (
        "raises",
        "images.transpose(3, 1, 2)",
        "transpose takes the new order of all axes, also of the examples, axis 0, which stay first.",
    ),
)  # fmt: skip


def cases(rng):
    shapes = (2, 3, 3, 3), (4, 4, 4, 4), (2, 3, 4, 5), (1, 5, 2, 3)
    return [(rng.standard_normal(shape),) for shape in shapes]
