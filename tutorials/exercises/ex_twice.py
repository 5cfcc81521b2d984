"""Lesson the_graph: One input, used twice.

y = x * sin(x) + x for each element of x. Gradients from all uses of x add up. g = dL/dy is given: give dL/dx.
"""

import numpy as np


def twice_vjp(g, x):
    return ...
