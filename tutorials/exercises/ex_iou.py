"""Lesson where_is_it: Intersection over union, of all pairs.

a holds n boxes, shape (n, 4), and b holds m, shape (m, 4). Each row is x, y, width, height: x and y of the upper left
corner, x to the right, y down; width and height are positive. Give an array of shape (n, m) that has in row i and
column j the IoU of the boxes a[i] and b[j], 0 for boxes that have no area in common.
"""

import numpy as np


def iou(a, b):
    return ...
