"""Lesson trusting_a_gradient: Numerical differentiation of a whole array.

Give an array g of x's shape with g[i] = (f(x with h added to element i) - f(x with h taken from it)) / (2h).
f takes an array and gives a number. Leave x as it is.
"""

import numpy as np


def numerical_gradient(f, x, h):
    g = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        g[i] = ...
    return g
