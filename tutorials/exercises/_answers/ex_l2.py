"""Answers to ex_l2: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "l2_grad"
KIND = "grad"
WRT = (0,)
SOLUTION = """import numpy as np


def l2_grad(w, lam):
    return lam * w
"""
HINTS = (
    "Differentiate one square.",
    "The half is there for a reason.",
)
WRONG = (  # what is changed in the solution, and the kind of wrong that it is
    ("factor", "lam * w", "2 * lam * w"),
    ("sign", "lam * w", "-lam * w"),
    ("wrong_gradient", "lam * w", "lam * w**2"),
)


def forward(w, lam):
    return lam / 2 * np.sum(w**2)


def cases(rng):
    return [(rng.standard_normal((3, 2)), 0.3)]
