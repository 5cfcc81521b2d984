"""Answers to ex_frames: solution, hints and typical mistakes. Spoilers."""

FUNCTION = "put_together"
KIND = "values"
SOLUTION = """import numpy as np


def put_together(frames, window, step):
    count, size = frames.shape
    sound = np.zeros((count - 1) * step + size)
    weight = np.zeros(len(sound))
    for k in range(count):
        place = slice(k * step, k * step + size)
        sound[place] += frames[k]
        weight[place] += window
    return sound / weight
"""
HINTS = (
    "How long is the sound? The last frame begins at (count - 1) * step, and has `size` samples.",
    "Two arrays of zeros: to one add each frame at its place, to the other the window at the same place.",
    "Sample t of the sum is the sound there, times the sum of the windows there: so divide by the second array.",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def put_together(frames, window, step):
    count, size = frames.shape
    at = step * np.arange(count)[:, None] + np.arange(size)
    sound, weight = np.zeros((2, at[-1, -1] + 1))
    np.add.at(sound, at, frames)
    np.add.at(weight, at, window + 0 * frames)
    return sound / weight
""",
    """import numpy as np


def put_together(frames, window, step):
    count, size = frames.shape
    at = (step * np.arange(count)[:, None] + np.arange(size)).ravel()
    return np.bincount(at, frames.ravel()) / np.bincount(at, np.tile(window, count))
""",
    """def put_together(frames, window, step):
    count, size = frames.shape
    sound = []
    for t in range((count - 1) * step + size):
        covering = [k for k in range(count) if k * step <= t < k * step + size]
        total = sum(frames[k, t - k * step] for k in covering)
        sound.append(total / sum(window[t - k * step] for k in covering))
    return sound
""",
)
LONGER = "It is too long: frames overlap, so the sound ends at (count - 1) * step + size, not at count * size."
LAST = "Frame k goes from k * step to k * step + size, and the sound ends with the last: (count - 1) * step + size."
UNDIVIDED = "The sum still has the windows in it, more than one where frames overlap: divide by the sum of the windows."
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("wrong_value", "return sound / weight", "return sound", UNDIVIDED),
    ("wrong_value", "sound[place] += frames[k]", "sound[place] = frames[k]",
     "A later frame overwrites what an earlier one has put there: add it, with +=."),
    ("wrong_value", "weight[place] += window", "weight[place] = window",
     "The windows are to be added where they overlap, as the frames are: += for both."),
    ("wrong_value", "weight[place] += window", "weight[place] += 1",
     "It divides by how many frames there are; but each of them was made fainter by its window: add up the windows."),
    ("wrong_value", "weight[place] += window", "weight[place] += window**2",
     "The frames hold the window once, so what they let through is the window, not its square."),
    ("wrong_value", "sound[place] += frames[k]\n        weight[place] += window",
     "sound[place] += frames[k] / window\n        weight[place] += 1",
     "It takes the mean of frame / window: a frame counts as much where it was faint. Here add first, then divide."),
    ("wrong_value", "sound[place] += frames[k]\n        weight[place] += window",
     "sound[place] += frames[k] * window\n        weight[place] += window**2",
     "It weights each frame by its window once more. That is done, too, but here each counts as it stands: no square."),
    ("wrong_value", "sound[place] += frames[k]", "sound[place] += frames[k] * window",
     "The frames have been multiplied by the window already; once more is too much."),
    ("wrong_value", "return sound / weight", "return sound / window.sum()",
     "The windows are to be added up at each sample by itself; their sum over time is one number for all."),
    ("wrong_value", "return sound / weight", "return sound / weight.max()",
     "Few frames cover the ends, so there less comes through: divide each sample by its own sum of windows."),
    ("wrong_value", "return sound / weight", "return sound / weight / 2",
     "The sum of the windows counts how many frames overlap already: no half is needed."),
    ("wrong_value", "return sound / weight", "return sound * weight",
     "The window made the frames fainter: to undo it, divide by the sum of the windows."),
    ("wrong_value", "return sound / weight", "return sound - weight",
     "The window was multiplied into the frames, so it is undone by dividing, not by taking away."),
    ("wrong_value", "sound[place] += frames[k]", "sound[place] += frames[k][::-1]",
     "The frames are put in backwards; time runs on in them."),
    ("wrong_value", "sound[place] += frames[k]", "sound[place] += frames[count - 1 - k]",
     "The last frame comes first: frame k begins at k * step."),
    ("shape", "(count - 1) * step + size)", "count * size)", LONGER),
    ("raises", "(count - 1) * step + size)", "count * step)", LAST),
    ("shape", "(count - 1) * step + size)", "count * step + size)", LAST),
    ("raises", "(count - 1) * step + size)", "(count - 1) * step)", LAST),
    ("raises", "(count - 1) * step + size)", "(count - 1) * step + size - 1)",
     LAST),
    ("raises", "slice(k * step, k * step + size)", "slice(k * size, k * size + size)",
     LAST),
    ("wrong_value", "slice(k * step, k * step + size)", "slice(k, k + size)",
     "Frame k begins at sample k * step, not at sample k."),
    ("raises", "slice(k * step, k * step + size)", "slice(k * step, (k + 1) * step)",
     "Only `step` samples of a frame find room there; it has `size`, and reaches over the next."),
    ("raises", "count, size = frames.shape", "size, count = frames.shape",
     "count and size have changed places: a row is a frame."),
)  # fmt: skip
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("shape", "frames.ravel()", LONGER),
    ("shape", "(frames / window).ravel()",
     "The windows are undone, but what overlaps is there twice: frame k is to begin at k * step."),
    ("shape", "frames[::2].ravel()",
     "Every second frame after the other fits only if the frames overlap by half: frame k is to begin at k * step."),
    ("shape", "frames.sum(axis=0)", "All frames lie on each other there; frame k should begin at k * step."),
    ("shape", "frames / window", "The windows are undone; now put the frames after each other, k * step apart."),
    ("wrong_value", "np.concatenate([*frames[:-1, :step], frames[-1]])",
     "It takes the beginning of each frame alone, and the windows are still in it: add up all, divide by the windows."),
    ("wrong_value", "np.concatenate([*(frames / window)[:-1, :step], (frames / window)[-1]])",
     "It takes one frame at each sample. All that cover it should have a part: the sum, over the sum of the windows."),
)  # fmt: skip


def cases(rng):
    """The frames needn't agree where they overlap: then it matters that all have a part."""
    sizes = (3, 5, 2), (4, 6, 3), (2, 4, 1), (5, 3, 3), (1, 4, 2), (3, 7, 5), (4, 5, 4)
    return [(rng.standard_normal((count, size)), rng.uniform(0.2, 1, size), step) for count, size, step in sizes]
