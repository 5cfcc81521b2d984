"""Lesson overfitting: Dropout.

Keep the elements of x where `keep` is True, make the others 0, and divide by 1 - p, p the probability of dropping, so
that the mean stays. x and keep have the same shape.
"""


def dropout(x, keep, p):
    return ...
