"""Lesson what_does_it_look_at: Take away what is said to matter.

score(x) gives a number for an input x of shape (n,); m, of that shape, is a map of it; x0 is the baseline. Take the
inputs away one after the other, in the map's order: first that with the largest number in m, then the next, and what
has gone stays away. An input that is taken away gets its value in x0. Give how far the score has fallen below score(x)
when 0, 1, 2, ..., n inputs have gone: n + 1 numbers, of which the first is 0. Leave x as it is.
"""

import numpy as np


def falls(score, x, m, x0):
    return ...
