"""Lesson overfitting: Cross-validation.

Of n examples in k folds, fold number i is held out: the examples i, i + k, i + 2k, ... Examples and folds are counted
from 0. Give the indices of the other examples, which are for training, from small to large: whole numbers, in an array
or a list. k is 2 or more. With n = 6 and k = 3, fold 1 is 1 and 4, and the others are 0, 2, 3, 5.
"""

import numpy as np


def training_indices(n, k, i):
    return ...
