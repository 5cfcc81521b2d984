"""Lesson optimizers: Adam.

With a = 0.9 and b = 0.999, in step t = 1, 2, ..., element by element, where m', v' and w' are the new m, v and w (the
prime is no derivative here):

    m' = a m + (1 - a) g
    v' = b v + (1 - b) g**2
    w' = w - lr (m' / (1 - a**t)) / (sqrt(v' / (1 - b**t)) + 1e-8)

The 1e-8 stands outside the root. w, m, v and g are arrays of floats of any shape, the same for all, t and lr are
numbers. Give the tuple (w', m', v') of new arrays. (In the lesson v is s, a and b are beta1 and beta2, w is theta, lr
alpha, and 1e-8 epsilon.)
"""

import numpy as np


def adam(w, m, v, g, t, lr):
    return ...
