"""Lesson initialisation: He's initialisation.

In front of a relu the variance of the weights is to be 2 / n_in, where n_in is how many inputs each unit adds up.
`shape` is (n_out, n_in), as in tl.nn.Linear. Give the weights' standard deviation, a number.
"""

import numpy as np


def he_std(shape):
    return ...
