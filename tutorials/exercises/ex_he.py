"""Lesson initialisation: He's initialisation.

In front of a relu weights should have the standard deviation sqrt(2 / n_in), where n_in is how many inputs each unit
adds up (many call it fan_in). `shape` is (n_out, n_in), as in tl.nn.Linear: its input has n_in numbers, its output
n_out. Give the standard deviation, a number.
"""

import numpy as np


def he_std(shape):
    return ...
