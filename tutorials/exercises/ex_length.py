"""Lesson bug_lab: A bug lab: the length of each row.

y[i] = sqrt(sum of x[i, :]**2), from shape (n, d) to (n,); no row is 0. Somebody wrote 2 * x * g. g = dL/dy, with shape
(n,), is given: give the right dL/dx, with shape (n, d).
"""

import numpy as np


def length_vjp(g, x):
    return ...
