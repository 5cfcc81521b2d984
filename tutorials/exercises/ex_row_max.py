"""Lesson bug_lab: A bug lab: max.

y = x.max(axis=1), from shape (n, d) to (n,), no ties. Somebody wrote (x == x.max()) * g, which fails twice. g = dL/dy,
with shape (n,), is given: give the right dL/dx, with shape (n, d).
"""

import numpy as np


def row_max_vjp(g, x):
    return ...
