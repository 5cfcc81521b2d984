"""Lesson what_does_it_look_at: Integrated gradients, with midpoints.

gradient(x) gives the slopes of some f at x, an array of x's shape. Give the share of each input in f(x) - f(x0), an
array of x's shape: divide the straight way from the baseline x0 to x into n equal steps, and take the slopes in the
middle of each step. They are no more than slopes: each share also needs how far its input has come.
"""

import numpy as np


def integrated(gradient, x, x0, n):
    return ...
