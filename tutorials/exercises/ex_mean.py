"""Lesson arrays: The mean's gradient.

y = x.mean(), one number, the mean of all elements of x, an array of floats of any shape. g = dL/dy is a number: give
dL/dx, with the shape of x.
"""

import numpy as np


def mean_vjp(g, x):
    return ...
