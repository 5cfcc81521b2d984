"""Lesson optimizers: Adam.

With a = 0.9 and b = 0.999: m' = a m + (1 - a) g, v' = b v + (1 - b) g^2, and, in step t = 1, 2, ...,
w' = w - lr (m' / (1 - a^t)) / (sqrt(v' / (1 - b^t)) + 1e-8). Give (w', m', v').
"""

import numpy as np


def adam(w, m, v, g, t, lr):
    return ...
