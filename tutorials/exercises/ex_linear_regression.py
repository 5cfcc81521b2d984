"""Lesson linear_regression: The gradient of linear regression.

L = mean((x w + b - y)^2) / 2; x has shape (n, d), w (d,), y (n,), and b is a number. Give (dL/dw, dL/db).
"""


def regression_grad(x, y, w, b):
    return ...
