"""Lesson derivatives: The complex step.

For a smooth f that takes complex numbers, f'(x) is close to Im f(x + i h) / h, with no cancellation, however small h.
Im is the imaginary part, i the imaginary unit. f is a function, x and h are real numbers, h > 0; give a real number.
"""

import numpy as np


def complex_step(f, x, h):
    return ...
