"""Lesson second_ward: Which place hears of which.

A model takes an array x with a number for each of n places, shape (n,), and gives an array with a row for each place,
shape (n, m). Find out which places a row depends on. Give an array of shape (n, n) with 1 in row i and column j if row
i of what the model gives changes, in any of its numbers and however little, when 1 is added to x[j] alone; and 0 if
the row stays exactly the same. Leave x as it is.
"""

import numpy as np


def influence(model, x):
    return ...
