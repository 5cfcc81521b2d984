"""Lesson bug_lab: A bug lab: softmax.

y = softmax(x) along the rows of x, shape (n, k): each row of y adds up to 1. Somebody wrote g * y * (1 - y), but each
output depends on all inputs of its row, not on its own alone. g = dL/dy, with the shape of x, is given: give the right
dL/dx. (Nothing in x is so large that exp overflows.)
"""

import numpy as np


def softmax_vjp(g, x):
    return ...
