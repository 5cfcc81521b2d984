"""Lesson the_graph: Backwards through a small graph.

c = (a + b) * (b + 1), element by element; a and b are arrays of floats of any shape, the same for both. g = dL/dc, with
that shape too, is given: give the tuple (dL/da, dL/db).
"""

import numpy as np


def product_vjp(g, a, b):
    return ...
