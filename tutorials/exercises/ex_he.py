"""Lesson initialisation: He's initialisation.

In front of a relu weights should have the standard deviation sqrt(2 / fan_in). `shape` is (out, in), as in
tl.nn.Linear, whose output has `out` numbers: give the standard deviation.
"""

import numpy as np


def he_std(shape):
    return ...
