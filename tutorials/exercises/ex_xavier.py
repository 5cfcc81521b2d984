"""Lesson initialisation: Xavier's initialisation.

Weights are drawn evenly from -a to a; such numbers have the standard deviation a / sqrt(3). Their variance is to be
2 / (n_in + n_out). Give the number a for a weight of shape (n_out, n_in), as in tl.nn.Linear.
"""

import numpy as np


def xavier_bound(shape):
    return ...
