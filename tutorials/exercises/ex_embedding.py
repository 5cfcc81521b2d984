"""Lesson bug_lab: A bug lab: the same row twice.

y = table[index]: rows of a table, shape (k, d), picked by whole numbers, shape (n,), where one may come again. Somebody
wrote d[index] = g, which forgets all but the last. g = dL/dy, with shape (n, d), is given: give dL/dtable, with the
shape of table.
"""

import numpy as np


def rows_vjp(g, table, index):
    return ...
