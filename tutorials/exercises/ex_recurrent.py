"""Lesson sequences: Reading a sequence.

h_t = tanh(W x_t + U h_(t-1) + b) for t = 1, 2, ..., T, beginning with h_0 = 0. x has shape (T, n), x_t in its rows;
W has shape (m, n), U (m, m), b (m,). Give all states h_1 ... h_T, a row each, in an array of shape (T, m).
"""

import numpy as np


def states_of(x, W, U, b):
    return ...
