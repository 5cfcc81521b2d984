"""Lesson trusting_a_gradient: Relative error.

|a - b| / max(|a|, |b|) for each element of two arrays of floats of any shape, the same for both, and 0 where both are
0. Nothing is added below the line.
"""

import numpy as np


def relative_error(a, b):
    return ...
