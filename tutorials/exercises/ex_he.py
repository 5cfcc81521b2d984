"""Lesson initialisation: He's initialisation.

In front of a relu weights should have the standard deviation sqrt(2 / fan_in), where fan_in is how many inputs each
unit adds up. `shape` is (out, in), as in tl.nn.Linear, whose input has `in` and whose output has `out` numbers: give
the standard deviation, a number.
"""

import numpy as np


def he_std(shape):
    return ...
