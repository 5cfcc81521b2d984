"""Lesson linear_regression: The gradient of linear regression.

L = mean((x w + b - y)**2) / 2; x has shape (n, d), w (d,), y (n,), and b is a number; x w is the product of a matrix
and a vector. Give the tuple (dL/dw, dL/db), of shapes (d,) and ().
"""

import numpy as np


def regression_grad(x, y, w, b):
    return ...
