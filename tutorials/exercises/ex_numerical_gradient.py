"""Lesson trusting_a_gradient: Numerical differentiation of a whole array.

f takes an array and gives a number; x is an array of floats of any shape, h a number, h > 0. Give an array g of x's
shape with

    g[i] = (f(x with h added to element i) - f(x with h taken from element i)) / (2 h)

where i goes through the indices of all elements, as in (0, 2). Leave x as it is.
"""

import numpy as np


def numerical_gradient(f, x, h):
    g = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        g[i] = ...
    return g
