"""Answers to ex_l1: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "l1_grad"
KIND = "grad"
WRT = (0,)
SOLUTION = """import numpy as np


def l1_grad(w, lam):
    return lam * np.sign(w)
"""
HINTS = (
    "The slope of |w| is -1 or 1.",
    "NumPy has a function that says on which side of 0 a number lies.",
)
WRONG = (  # what is changed in the solution, and the kind of wrong that it is
    ("sign", "lam *", "-lam *"),
    ("wrong_gradient", "np.sign(w)", "w"),
    ("negative_inputs", "np.sign(w)", "np.ones(w.shape)"),
    ("not_finite", "np.sign(w)", "w / abs(w)"),
)


def forward(w, lam):
    return lam * np.sum(np.abs(w))


def cases(rng):
    return [(rng.standard_normal((3, 4)), 0.3), (np.array([0.0, 2, -1]), 0.2)]
