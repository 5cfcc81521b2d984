"""Lesson likelihood: Softmax that doesn't overflow.

p[i, j] = exp(z[i, j]) / (sum of exp(z[i, k]) over all k), for logits z of shape (n, k), which may be as large as 1000
or as small as -1000. Give p, of the same shape. Taking the same number from a whole row changes nothing.
"""

import numpy as np


def softmax(z):
    return ...
