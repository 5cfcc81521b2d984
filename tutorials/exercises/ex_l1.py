"""Lesson overfitting: The pull of an L1 penalty.

L = lam * (sum of |w|), for w, an array of floats of any shape; lam is a number, lam >= 0. Give dL/dw, with the shape of
w. (Where w is 0 anything from -lam to lam is right, but it must be a number.)
"""

import numpy as np


def l1_grad(w, lam):
    return ...
