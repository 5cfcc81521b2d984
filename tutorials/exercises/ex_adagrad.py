"""Lesson optimizers: AdaGrad.

s' = s + g^2, w' = w - lr g / (sqrt(s') + 1e-10), element by element. Give (w', s').
"""

import numpy as np


def adagrad(w, s, g, lr):
    return ...
