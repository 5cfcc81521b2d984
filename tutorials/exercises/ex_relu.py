"""Lesson initialisation: The relu's derivative.

y = max(x, 0) for each element of x, an array of floats of any shape. g = dL/dy, with the shape of x, is given: give
dL/dx. (At 0 itself anything between 0 and g is right.)
"""

import numpy as np


def relu_vjp(g, x):
    return ...
