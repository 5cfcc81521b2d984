"""Lesson overfitting: Weight decay's gradient.

L = lam / 2 * (sum of w**2), for w, an array of floats of any shape; lam, the lesson's lambda, is a number, lam >= 0.
Give dL/dw, with the shape of w.
"""

import numpy as np


def l2_grad(w, lam):
    return ...
