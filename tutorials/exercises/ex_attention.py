"""Lesson attention: Attention, backwards.

y = w v, a matrix product, where w is the softmax of each row of the scores s. s has shape (n, m), a row for each place
that looks, v has shape (m, d), y has shape (n, d). g = dL/dy, with the shape of y, is given: give the tuple (dL/ds,
dL/dv). (If w = softmax(s) along a row, then dw_j/ds_l = w_j ((1 if j = l else 0) - w_l).)
"""

import numpy as np


def attention_vjp(g, s, v):
    return ...
