"""Lesson smaller_elsewhere: Eight bits for each weight.

w has shape (rows, columns). Give, in a tuple, the whole numbers from -127 to 127 that would stand in the file, an array
of w's shape, and the scales, shape (rows, 1): numbers times scales is nearly w. A row's scale is the largest |w| of the
row, divided by 127; of a row of zeros it is 1. Halves go to the even number, as np.rint does.
"""

import numpy as np


def quantise(w):
    return ...
