"""Lesson overfitting: Cross-validation.

Of n examples in k folds, fold number i is held out: i, i + k, i + 2k, ... Give the indices of the others, which are for
training, in order.
"""

import numpy as np


def training_indices(n, k, i):
    return ...
