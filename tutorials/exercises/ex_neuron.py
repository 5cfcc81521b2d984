"""Lesson one_neuron: One neuron.

Give tanh(w . x + b), a single number: w . x is the dot product of w and x, which have shape (n,), and b is a number.
(Here tanh, which goes from -1 to 1, takes the place of the lesson's sigmoid.)
"""

import numpy as np


def neuron(w, x, b):
    return ...
