"""Lesson one_neuron: One neuron.

Give tanh(w . x + b), a single number. The neuron has n inputs here: w and x have shape (n,), and w . x is their dot
product, w[0] x[0] + w[1] x[1] + ..., which takes the place of the lesson's w x; b is a number. (And tanh, which goes
from -1 to 1, takes the place of the lesson's sigmoid.)
"""

import numpy as np


def neuron(w, x, b):
    return ...
