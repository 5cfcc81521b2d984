"""Answers to ex_softmax_cross_entropy: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "logits_grad"
KIND = "grad"
WRT = (0,)
SOLUTION = """import numpy as np


def logits_grad(z, y):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    return (p - np.eye(z.shape[1])[y]) / len(y)
"""
HINTS = (
    "You need the softmax p, and the labels as rows with a single 1.",
    "np.eye(k)[y] makes such rows. The rest is a difference, and the mean.",
)
WRONG = (  # what is changed in the solution, and the kind of wrong that it is
    ("factor", " / len(y)", ""),
    ("sign", "p - np.eye(z.shape[1])[y]", "np.eye(z.shape[1])[y] - p"),
    ("wrong_gradient", "(p - np.eye(z.shape[1])[y])", "p"),
)


def forward(z, y):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return -np.log((e / e.sum(axis=1, keepdims=True))[np.arange(len(y)), y]).mean()


def cases(rng):
    return [(rng.standard_normal((4, 3)), np.array([2, 0, 1, 2]))]
