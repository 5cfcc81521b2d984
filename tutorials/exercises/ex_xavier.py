"""Lesson initialisation: Xavier's initialisation.

The lesson's weights have the standard deviation sqrt(2 / (n_in + n_out)). Weights that are drawn evenly from -a to a
have the standard deviation a / sqrt(3), so a = sqrt(6 / (n_in + n_out)) gives the same. Give the number a for a weight
of shape (n_out, n_in), where a unit adds up n_in numbers and is used in n_out sums.
"""

import numpy as np


def xavier_bound(shape):
    return ...
