"""Lesson build_it_yourself: Normalisation, backwards.

y = (x - mean) / std, with mean and std of each row of x, shape (n, d); std is NumPy's, which divides by d, and nothing
is added to it. g = dL/dy, with the shape of x, is given: give dL/dx, where mean and std depend on x too.
"""

import numpy as np


def normalise_vjp(g, x):
    return ...
