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
RIGHT = (  # the same, written in other ways
    """import numpy as np


def complex_step(f, x, h):
    return np.imag(f(complex(x, h))) / h
""",
    """def complex_step(f, x, h):
    return ((f(x + h * 1j) - f(x)) / h).imag
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("wrong_value", ".imag", ".real", "In the real part there is f itself, not its slope."),
    ("sign", "x + 1j", "x - 1j", "It steps downwards in the complex plane: the sign comes out wrong."),
    ("wrong_value", " / h", "", "The imaginary part is the rise alone; a slope is rise over run."),
    ("factor", "/ h", "/ (2 * h)", "It divides by 2 h, but there is one step here, not one to each side."),
    ("zero", "1j * h", "h", "It steps along the real numbers, where nothing imaginary comes about."),
    (
        "wrong_value",
        "f(x + 1j * h).imag / h",
        "(f(x + h) - f(x - h)) / (2 * h)",
        "That is the central difference: with so small an h all digits cancel.",
    ),
    ("wrong_value", "f(x + 1j * h).imag / h", "f(x + 1j).imag / h", "The step is i, where i h is asked for."),
    (
        "wrong_value",
        "f(x + 1j * h).imag / h",
        "abs(f(x + 1j * h)) / h",
        "That is the complex number's size; its imaginary part is asked for.",
    ),
    ("type", ".imag", ""),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("wrong_value", "f(1j * h).imag / h", "The step begins at 0; it should begin at x."),
    ("wrong_value", "((f(x + 1j * h) - f(x)) / h).real",
     "In the real part there is no slope: take the imaginary part."),
    ("wrong_value", "f(x * 1j * h).imag / h", "The step multiplies x; it is to be added, x + 1j * h."),
    ("wrong_value", "f(x + 1j * h).imag * h", "It multiplies by h; a slope is the rise divided by the run."),
    ("wrong_value",
     "(f(x + h) - f(x)) / h",
     "That is a difference, which cancels for a small h: the step is along the imaginary axis, x + 1j * h."),
    ("wrong_value", "np.imag(f(x + 1j * 1e-20)) / 1e-20", "It has an h of its own: use the h that is given."),
)  # fmt: skip


def cube(x):
    return np.multiply(x, x) * x


def cases(rng):
    return [(np.sin, 0.7, 1e-30), (np.exp, -1.2, 1e-100), (np.cos, 2.0, 1e-8), (np.exp, 0.5, 0.1), (cube, -1.5, 1e-20)]
