"""Lesson one_neuron: The sigmoid's derivative.

y = 1 / (1 + exp(-x)), for each element of x, an array of floats of any shape. A loss L depends on y, and g = dL/dy,
with the shape of x, is given: give dL/dx, with the shape of x. (Nothing in x is so large that exp overflows.)
"""

import numpy as np


def sigmoid_vjp(g, x):
    return ...
