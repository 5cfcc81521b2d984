"""Lesson linear_regression: The squared error.

L = mean((p - y)**2), for predictions p and targets y of shape (n,). Give the tuple (dL/dp, dL/dy), each of shape (n,).
"""

import numpy as np


def squared_error_grad(p, y):
    return ...
