"""Answers to ex_complex_step: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "complex_step"
KIND = "values"
SOLUTION = """import numpy as np


def complex_step(f, x, h):
    return f(x + 1j * h).imag / h
"""
HINTS = (
    "Python writes i as 1j.",
    "A complex number z has z.real and z.imag.",
)
WRONG = (  # what is changed in the solution, and the kind of wrong that it is
    ("wrong_value", ".imag", ".real", "In the real part there is f itself, not its slope."),
    ("sign", "x + 1j", "x - 1j"),
    ("type", ".imag", ""),
)


def cases(rng):
    return [(np.sin, 0.7, 1e-30), (np.exp, -1.2, 1e-100), (np.cos, 2.0, 1e-8)]
