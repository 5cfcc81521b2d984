"""Lesson overfitting: The pull of an L1 penalty.

L = lam * (sum of |w|), for w of any shape. Give dL/dw.
"""

import numpy as np


def l1_grad(w, lam):
    return ...
