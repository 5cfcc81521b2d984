"""Lesson your_step_as_a_program: Adam's step, in place.

All parameters of a model lie one after the other in the array w, their gradients in g, Adam's two averages in m and v,
and s is an array of the same shape for what is needed only for a moment: its numbers mean nothing. With a = 0.9 and
b = 0.999, in step t = 1, 2, ..., where m', v' and w' are the new m, v and w:

    m' = a m + (1 - a) g
    v' = b v + (1 - b) g**2
    w' = w - lr (m' / (1 - a**t)) / (sqrt(v' / (1 - b**t)) + 1e-8)

Write the new numbers into w, m and v themselves; g stays as it is. Return nothing, and make no new array: use s, with
out=s, and +=, -=, *= and /=. np.sqrt and np.square take out=, too.
"""

import numpy as np


def adam(w, m, v, g, s, t, lr):
    m *= 0.9
    np.multiply(g, 0.1, out=s)
    m += ...
