"""Lesson overfitting: Dropout.

Keep the elements of x where `keep` is True, make the others 0, and divide by 1 - p, where p is the probability of
dropping, so that the mean stays. x is an array of floats of any shape, keep has the same shape, and so has the result.
"""

import numpy as np


def dropout(x, keep, p):
    return ...
