"""Lesson sequences: A step of an LSTM.

The rows of z, shape (4, m), are the sums W x + U h + b of i, f, n and o, in this order, before any sigmoid or tanh. The
gates i, f and o are sigmoids; n, the new that could be written, is a tanh. c, shape (m,), is the old cell. The new cell
is f c + i n, the new state is o tanh(new cell). Give the tuple (new state, new cell), both of shape (m,).
"""

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def lstm_step(z, c):
    return ...
