"""Lesson recurrent_dropout: One mask for all steps.

h, shape (N, T, H), has the outputs of a recurrent layer for N sequences at T steps, H units each. Drop some of them, as
they go on to the next layer: keep, shape (N, H), says for each sequence which units are kept (True), the same ones at
all its steps. The others become 0, and what is kept is divided by 1 - p, where p is the probability of dropping. The
result has the shape of h.
"""

import numpy as np


def same_mask(h, keep, p):
    return ...
