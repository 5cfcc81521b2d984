"""Lesson arrays: Where the transposes come from.

c = a @ b, with shapes (m, k) @ (k, n) = (m, n). g = dL/dc has shape (m, n): give (dL/da, dL/db).
"""


def matmul_vjp(g, a, b):
    return ...
