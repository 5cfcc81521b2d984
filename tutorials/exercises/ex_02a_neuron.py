"""Lesson 2. One neuron.

Give tanh(w . x + b), where w and x have shape (n,) and b is a number: a single number.
"""

import numpy as np


def neuron(w, x, b):
    return ...
