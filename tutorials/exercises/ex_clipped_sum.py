"""Lesson keeping_secrets: The sum of clipped gradients.

A layer has a weight and a bias. of_weight, shape (n, o, i), has the gradient of the weight for each of n examples by
itself, of_bias, shape (n, o), that of the bias. The norm of an example is that of all its numbers together, of weight
and bias. If it is larger than clip, the example's gradients are shortened so that it is clip; else they stay as they
are (an example whose gradients are all 0, too). Give the sums over the examples in a tuple, shapes (o, i) and (o,).
"""

import numpy as np


def clipped_sum(of_weight, of_bias, clip):
    return ...
