"""Lesson speech: Cut a sound into frames.

`sound` has shape (n,), with n at least `size`. Give its frames, as an array of shape (frames, size): the first begins
at 0, and each next one `step` samples after the one before. A frame has `size` samples, all of them from the sound;
what is left at the end and is too short for one is left out.
"""

import numpy as np


def frames(sound, size, step):
    return ...
