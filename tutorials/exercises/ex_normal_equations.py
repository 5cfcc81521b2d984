"""Lesson linear_regression: The closed form.

The w of least squared error |x w - y|**2 solves (x^T x) w = x^T y, where x^T is x transposed. x has shape (n, d), with
more rows than columns, and y has shape (n,): give w, of shape (d,). There is no bias: take x as it is.
"""

import numpy as np


def least_squares(x, y):
    return ...
