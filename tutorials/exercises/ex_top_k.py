"""Lesson attention: The k likeliest letters.

logits has shape (n,), one for each letter, no two of them equal. Give the probabilities, shape (n,), with which the
next letter is drawn if only the k letters with the largest logits may come: a softmax of these k, and 0 for all others.
"""

import numpy as np


def top_k(logits, k):
    return ...
