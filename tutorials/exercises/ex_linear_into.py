"""Lesson your_step_as_a_program: A layer's backward pass, into arrays that are kept.

The layer is y = x w^T + b, where x has shape (n, inputs), w (outputs, inputs) and b (outputs,). g is the gradient by y,
shape (n, outputs). The arrays dx, dw and db are there already, of the shapes of x, w and b, with the numbers of the
step before. Write the three gradients into them, and return nothing. np.matmul(a, b, out=c) writes a @ b into c; so
does c[...] = a @ b, though that makes a new array first.
"""

import numpy as np


def linear_backward(g, x, w, dx, dw, db):
    np.matmul(g, w, out=...)
