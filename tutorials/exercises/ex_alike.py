"""Lesson what_does_it_look_at: Are two maps alike, where there is ink?

a and b are two maps of the picture x, all of shape (n,). Leave out what is blank, where x is 0. Of the numbers that are
left, in each map, take the ranks: 0 for the smallest, then 1, 2 and so on; equal numbers share the mean of their
places, so that 5, 7, 7 has the ranks 0, 1.5, 1.5. Give the correlation of a's ranks with b's, a number from -1 to 1.
Signs count: a share of -3 is smaller than one of 1.
"""

import numpy as np


def alike(a, b, x):
    return ...
