"""Lesson speech: From frames back to the sound.

One takes noise out of each frame's spectrum, for instance, goes back to frames, and then wants to hear the sound.
`frames` has shape (count, size). It was cut from a sound like this: frame k begins at sample k * step, and each frame
was multiplied by `window`, of shape (size,), whose numbers are all positive. `step` is at most `size`. Put the frames
together again: give the sound from its first sample to the end of the last frame. What several frames cover, all of
them should have a part in: there, divide the sum of what they hold by the sum of what their windows let through.
"""

import numpy as np


def put_together(frames, window, step):
    return ...
