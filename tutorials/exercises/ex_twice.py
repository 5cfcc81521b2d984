"""Lesson the_graph: One input, used several times.

y = x * sin(x) + x for each element of x, an array of floats of any shape. Gradients from all uses of x add up. g =
dL/dy, with the shape of x, is given: give dL/dx.
"""

import numpy as np


def twice_vjp(g, x):
    return ...
