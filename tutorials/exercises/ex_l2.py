"""Lesson overfitting: Weight decay's gradient.

L = lam / 2 * (sum of w^2), for w of any shape. Give dL/dw.
"""


def l2_grad(w, lam):
    return ...
