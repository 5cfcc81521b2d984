"""Lesson one_neuron: Backpropagation through one neuron.

y = tanh(w . x + b) is a number; w and x have shape (n,), w . x is their dot product, w[0] x[0] + w[1] x[1] + ..., and b
is a number. The number g = dL/dy is given: give the tuple (dL/dw, dL/dx, dL/db).
"""

import numpy as np


def neuron_vjp(g, w, x, b):
    return ...
