"""Lesson deep_networks: The slope of a chain of residual blocks.

A number x goes through blocks, one for each number w_k in the array w, in their order: block k makes x + tanh(w_k x) of
the x that it is given. Give the derivative of what comes out of the last block with respect to the first x. The slope
of tanh(u) is 1 - tanh(u)**2. Without blocks, that is with an empty w, the derivative is 1.
"""

import numpy as np


def skips_slope(x, w):
    return ...
