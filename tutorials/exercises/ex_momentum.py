"""Lesson optimizers: Momentum.

v' = mu v + g, w' = w - lr v', where v' and w' are the new v and w (the prime is no derivative here). w, v and g are
arrays of the same shape, lr and mu are numbers. Give the tuple (w', v') of new arrays.
"""


def momentum(w, v, g, lr, mu):
    return ...
