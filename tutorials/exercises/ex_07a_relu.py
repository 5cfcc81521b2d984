"""Lesson 7. The relu's derivative.

y = max(x, 0) for each element. g = dL/dy is given: give dL/dx.
"""

import numpy as np  # noqa: F401


def relu_vjp(g, x):
    return ...
