"""Lesson linear_regression: The closed form.

The w of least squared error |x w - y|^2 solves (x^T x) w = x^T y. x has shape (n, d), n > d, y (n,): give w, (d,).
"""

import numpy as np


def least_squares(x, y):
    return ...
