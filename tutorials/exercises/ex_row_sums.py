"""Lesson arrays: A sum's gradient is broadcasting.

y = x.sum(axis=1), from shape (n, d) to (n,). g = dL/dy, with shape (n,), is given: give dL/dx, with shape (n, d).
"""

import numpy as np


def row_sums_vjp(g, x):
    return ...
