"""Lesson optimizers: Momentum.

v' = mu v + g, w' = w - lr v'. Give (w', v') as new arrays.
"""


def momentum(w, v, g, lr, mu):
    return ...
