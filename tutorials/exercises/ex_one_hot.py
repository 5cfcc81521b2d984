"""Lesson digits: One-hot rows.

Give an array of shape (n, classes) with a 1 in row i at labels[i], and 0 elsewhere. labels, of shape (n,), are whole
numbers from 0 to classes - 1, in any order, and one may come again or not at all: with the labels 2, 0, 2 and classes =
3 the rows are 0 0 1, 1 0 0 and 0 0 1.
"""

import numpy as np


def one_hot(labels, classes):
    return ...
