"""Lesson convolution: Max pooling, backwards.

Max pooling keeps the largest number of each window of 2 × 2: from x, shape (2 h, 2 w), to y, shape (h, w), windows side
by side. g = dL/dy, with shape (h, w), is given: give dL/dx, with the shape of x. Where a window has several largest
numbers, the first of them gets all of it (first in the upper row, from the left; then in the lower one).
"""

import numpy as np


def max_pool_vjp(g, x):
    return ...
