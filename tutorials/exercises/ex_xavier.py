"""Lesson initialisation: Xavier's initialisation.

Weights drawn evenly from -a to a keep the variance forwards and backwards if a = sqrt(6 / (fan_in + fan_out)), where a
unit adds up fan_in numbers and is used in fan_out sums. Give the number a for a weight of shape (out, in).
"""

import numpy as np


def xavier_bound(shape):
    return ...
