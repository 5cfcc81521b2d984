"""Lesson keeping_secrets: Norms of examples that use a layer at several positions.

A Linear layer without bias was applied at each of T positions of N examples. x, shape (N, T, I), is what it was given,
y_bar, shape (N, T, O), is the gradient that arrives at what it gave. At one position of one example the weight gets the
gradient with y_bar[n, t, o] * x[n, t, i] in row o and column i; an example's gradient is the sum of these over its
positions. Give the norm of each example's gradient, shape (N,).
"""

import numpy as np


def ghost_norms(x, y_bar):
    return ...
