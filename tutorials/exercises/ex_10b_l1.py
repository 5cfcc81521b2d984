"""Lesson 10. The pull of an L1 penalty.

L = lam * (sum of |w|), for w of any shape. Give dL/dw, and 0 where w is 0.
"""

import numpy as np


def l1_grad(w, lam):
    return ...
