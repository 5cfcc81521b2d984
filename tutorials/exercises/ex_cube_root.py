"""Lesson build_it_yourself: A rule of your own.

y = x**(1/3), the cube root, for each element of x, an array of floats of any shape with positive elements. g = dL/dy,
with the shape of x, is given: give dL/dx. (In tinydl, tl.primitive would take this rule.)
"""

import numpy as np


def cube_root_vjp(g, x):
    return ...
