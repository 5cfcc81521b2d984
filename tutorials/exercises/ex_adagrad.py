"""Lesson optimizers: AdaGrad.

Element by element, where s' and w' are the new s and w (the prime is no derivative here):

    s' = s + g**2
    w' = w - lr g / (sqrt(s') + 1e-10)

The 1e-10 stands outside the root. w, s and g are arrays of floats of any shape, the same for all, lr is a number. Give
the tuple (w', s') of new arrays. (In the lesson w is called theta, lr alpha, and 1e-10 epsilon.)
"""

import numpy as np


def adagrad(w, s, g, lr):
    return ...
