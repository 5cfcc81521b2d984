"""Lesson linear_regression: The squared error.

L = mean((p - y)^2), for predictions p and targets y of shape (n,). Give (dL/dp, dL/dy).
"""


def squared_error_grad(p, y):
    return ...
