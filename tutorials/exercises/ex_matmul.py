"""Lesson arrays: Where the transposes come from.

c = a @ b, with shapes (m, k) @ (k, n) = (m, n). g = dL/dc, which has shape (m, n), is given: give the tuple (dL/da,
dL/db), of shapes (m, k) and (k, n).
"""

import numpy as np


def matmul_vjp(g, a, b):
    return ...
