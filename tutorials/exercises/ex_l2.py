"""Lesson overfitting: Weight decay's gradient.

L = lam / 2 * (sum of w**2), for w of any shape; lam, the lesson's lambda, is a number. Give dL/dw, with the shape of w.
"""

import numpy as np


def l2_grad(w, lam):
    return ...
