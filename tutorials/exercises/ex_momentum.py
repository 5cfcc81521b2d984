"""Lesson optimizers: Momentum.

Element by element, where v' and w' are the new v and w (the prime is no derivative here):

    v' = mu v + g
    w' = w - lr v'

w, v and g are arrays of floats of any shape, the same for all, lr and mu are numbers. Give the tuple (w', v') of new
arrays. (In the lesson w is called theta, and lr alpha.)
"""

import numpy as np


def momentum(w, v, g, lr, mu):
    return ...
