"""Lesson bug_lab: A bug lab: the length of each row.

y[i] = sqrt(sum of x[i, :]^2), from (n, d) to (n,). Somebody wrote 2 * x * g. g = dL/dy: give the right dL/dx.
"""

import numpy as np


def length_vjp(g, x):
    return ...
