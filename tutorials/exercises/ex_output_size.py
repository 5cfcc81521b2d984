"""Lesson convolution: How many answers.

How many windows are there along an axis of n pixels? The kernel has `kernel` weights, `dilation` pixels apart; there
are `padding` zeros at each end; the window moves by `stride`. The answer is an integer, and all five numbers are.
"""

import numpy as np


def output_size(n, kernel, stride, padding, dilation):
    return ...
