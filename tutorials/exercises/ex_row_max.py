"""Lesson bug_lab: A bug lab: max.

y = x.max(axis=1), from (n, d) to (n,), no ties. Somebody wrote (x == x.max()) * g, which fails twice.
g = dL/dy: give the right dL/dx.
"""


def row_max_vjp(g, x):
    return ...
