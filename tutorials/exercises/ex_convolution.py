"""Lesson build_it_yourself: A convolution, backwards.

y[i] = sum over k of w[k] * x[i + k], from x, shape (n,), and w, shape (m,), to shape (n - m + 1,). g = dL/dy, with that
shape, is given: give the tuple (dL/dx, dL/dw), of shapes (n,) and (m,).
"""

import numpy as np


def convolve_vjp(g, x, w):
    return ...
