"""Lesson optimizers: AdaGrad.

s' = s + g**2, w' = w - lr g / (sqrt(s') + 1e-10), element by element, where s' and w' are the new s and w. The 1e-10
stands outside the root. w, s and g are arrays of the same shape, lr is a number. Give the tuple (w', s') of new arrays.
"""

import numpy as np


def adagrad(w, s, g, lr):
    return ...
