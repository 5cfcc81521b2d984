"""Answers to ex_frames: solution, hints and typical mistakes. Spoilers."""

FUNCTION = "frames"
KIND = "values"
SOLUTION = """import numpy as np


def frames(sound, size, step):
    starts = range(0, len(sound) - size + 1, step)
    return np.array([sound[start : start + size] for start in starts])
"""
HINTS = (
    "Where do they begin? At 0, step, 2 * step, and so on; the last at n - size or before.",
    "np.lib.stride_tricks.sliding_window_view(sound, size) has a frame for each beginning; you want some of them.",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def frames(sound, size, step):
    return np.lib.stride_tricks.sliding_window_view(sound, size)[::step]
""",
    """import numpy as np


def frames(sound, size, step):
    count = (len(sound) - size) // step + 1
    return sound[step * np.arange(count)[:, None] + np.arange(size)]
""",
    """def frames(sound, size, step):
    cut, start = [], 0
    while start + size <= len(sound):
        cut.append(sound[start : start + size])
        start += step
    return cut
""",
)
SHORT = "A frame too few: the last one may begin at n - size, and range ends before its second number."
LEFT_OUT = "The frame that doesn't fit any more should be left out; a frame has only samples of the sound."
EACH = "A frame begins at each sample; the next one should begin `step` samples after the one before."
APART = "The frames don't overlap as they should: the next one begins after `step` samples, not after `size`."
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("shape", "len(sound) - size + 1", "len(sound) - size", SHORT),
    ("shape", "len(sound) - size + 1, step", "len(sound) - size + 1", EACH),
    ("shape", "+ 1, step", "+ 1, size", APART),
    ("shape", "+ 1, step", "+ 1, size - step",
     "`step` is how far apart the frames begin, not by how much they overlap."),
    ("shape", "range(0, ", "range(step, ", "The first frame is missing: it begins at 0."),
    ("shape", "return np.array([sound[start : start + size] for start in starts])",
     "return np.array([sound[start : start + size] for start in starts]).T",
     "The axes have changed places: a frame should be a row, (frames, size)."),
    ("shape", "start : start + size", "start : start + step",
     "The frames have `step` samples; they should have `size`, and only begin `step` apart."),
    ("shape", "start : start + size", "start : start + size - 1",
     "Each frame has a sample too few: a slice ends before its second number, so no - 1 is needed."),
    ("raises", "start : start + size", "start : size",
     "A slice ends at its second number, counted from the beginning: write start + size."),
    ("raises", "len(sound) - size + 1", "len(sound)",
     "The last pieces are shorter than `size`: the last frame must begin at n - size or before."),
    ("shape", "len(sound) - size + 1", "len(sound) // step * step - size + 1",
     "It cuts the sound to a multiple of `step` first: the last frame may end at any sample."),
    ("wrong_value", "start : start + size] for start in starts",
     "i : i + size] for i in range(len(starts))",
     "Frame i begins at sample i; it should begin at i * step."),
    ("wrong_value", "for start in starts]", "for start in starts][::-1]",
     "The frames are in the reverse order: the first one begins at 0."),
    ("other_function", "start + size] for", "start + size] * np.hanning(size) for",
     "The frames are multiplied by a window; here they are asked for as they are."),
)  # fmt: skip
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("shape", "np.lib.stride_tricks.sliding_window_view(sound, size)", EACH),
    ("shape", "sound[: len(sound) // size * size].reshape(-1, size)", APART),
    ("shape", "np.lib.stride_tricks.sliding_window_view(sound, size)[:, ::step]",
     "It takes every so-many-th sample of each frame; take every so-many-th frame, with all its samples."),
    ("shape", "np.lib.stride_tricks.sliding_window_view(sound, step)[::size]",
     "size and step have changed places: a frame has `size` samples, the next one begins `step` later."),
    ("raises", "np.lib.stride_tricks.sliding_window_view(sound[::step], size)",
     "It leaves out samples of the sound first; only the beginnings of the frames are `step` apart."),
    ("shape", "np.array([np.append(sound, [0] * size)[i : i + size] for i in range(0, len(sound), step)])", LEFT_OUT),
    ("shape", "np.array([np.resize(sound[i : i + size], size) for i in range(0, len(sound), step)])", LEFT_OUT),
    ("shape", "np.array([sound[i * step : i * step + size] for i in range((len(sound) - size) // step)])",
     "A frame too few: (n - size) // step counts the steps, and there is one frame more than steps."),
    ("shape", "sound[:size]", "That is the first frame alone; all are asked for."),
    ("shape", "sound[::step]", "It takes single samples; at each of these places a frame of `size` samples begins."),
    ("shape", "sound[: len(sound) // size * size].reshape(size, -1)",
     "reshape can't overlap: each sample would be in one frame only. Cut out each frame by a slice."),
    ("wrong_value", "step * np.arange((len(sound) - size) // step + 1)[:, None] + np.arange(size)",
     "These are the positions of the samples; the samples themselves are sound[...] of them."),
    ("raises", "sound.reshape(-1, size)",
     "reshape can't overlap, nor leave anything out: cut out each frame by a slice."),
    ("raises", "np.array(np.split(sound, len(sound) // size))",
     "A split can't overlap, nor leave anything out: cut out each frame by a slice."),
)  # fmt: skip


def cases(rng):
    sizes = (12, 5, 2), (11, 5, 2), (13, 4, 3), (9, 3, 4), (5, 5, 2), (12, 4, 2), (20, 6, 5)
    return [(rng.standard_normal(n), size, step) for n, size, step in sizes]
