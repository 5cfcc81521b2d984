"""Lesson bug_lab: A bug lab: the same row twice.

y = table[index]: rows of a table, shape (k, d), picked by whole numbers, shape (n,), where one may come again.
Somebody wrote d[index] = g, which forgets all but the last. g = dL/dy, shape (n, d): give dL/dtable.
"""

import numpy as np


def rows_vjp(g, table, index):
    return ...
