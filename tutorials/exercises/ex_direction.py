"""Lesson trusting_a_gradient: One direction instead of all elements.

For a function f of an array, give (the derivative of f at x along d by a central difference with step h) minus (what a
gradient g says it is: the sum of g * d). x, d and g have the same shape. For the right g this is close to 0.
"""

import numpy as np


def along(f, g, x, d, h):
    return ...
