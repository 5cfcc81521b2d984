"""Lesson smaller_elsewhere: Masks for two matrices together.

w1 and w2 are the matrices of a network, with n weights together. The smallest of these, by |w|, are to become 0: of all
n together, not of each matrix. It should be round(amount * n) of them, with amount from 0 to 1; of equal sizes those go
first that come first (w1 row by row, then w2). Give the two masks in a tuple, arrays of the shapes of w1 and w2: True
where a weight stays.
"""

import numpy as np


def masks(w1, w2, amount):
    return ...
