"""Lesson bug_lab: A bug lab: softmax.

y = softmax(x) along the rows of x, shape (n, k). Somebody wrote g * y * (1 - y): each output depends on all inputs of
its row, not on its own alone. g = dL/dy: give the right dL/dx.
"""

import numpy as np


def softmax_vjp(g, x):
    return ...
