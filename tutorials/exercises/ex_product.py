"""Lesson the_graph: Backwards through a small graph.

c = (a + b) * (b + 1), element by element; a and b have the same shape. g = dL/dc is given: give (dL/da, dL/db).
"""


def product_vjp(g, a, b):
    return ...
