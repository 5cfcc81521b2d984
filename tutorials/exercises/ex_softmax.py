"""Lesson likelihood: Softmax that doesn't overflow.

p[i, j] = exp(z[i, j]) / sum over k of exp(z[i, k]), for logits z of shape (n, k), which may be as large as 1000.
Taking the same number from a whole row changes nothing.
"""

import numpy as np


def softmax(z):
    return ...
