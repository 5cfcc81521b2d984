"""Lesson fill_in_the_blank: The loss at the blanks.

Give the mean of -log p[i, t, letters[i, t]] over those places t of the words i where `hidden` is True, all of them
alike, one number. p has shape (n, length, k): at each place probabilities of the k letters, all positive. letters has
shape (n, length), the right letters from 0 to k - 1; hidden has that shape, too, and at least one True.
"""

import numpy as np


def masked_loss(p, letters, hidden):
    return ...
