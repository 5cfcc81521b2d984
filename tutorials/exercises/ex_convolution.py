"""Lesson build_it_yourself: A convolution, backwards.

y[i] = sum over k of w[k] x[i + k], from x, shape (n,), and w, shape (m,), to shape (n - m + 1,). g = dL/dy: give
(dL/dx, dL/dw).
"""

import numpy as np


def convolve_vjp(g, x, w):
    return ...
