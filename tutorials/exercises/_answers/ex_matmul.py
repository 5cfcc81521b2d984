"""Answers to ex_matmul: solution, hints and typical mistakes. Spoilers."""

FUNCTION = "matmul_vjp"
KIND = "vjp"
SOLUTION = """import numpy as np


def matmul_vjp(g, a, b):
    return g @ b.T, a.T @ g
"""
HINTS = (
    "Each gradient has the shape of its input: which product of g and the other one has it?",
    "c[i, j] = sum over k of a[i, k] b[k, j]: collect what a[i, k] is multiplied by.",
)
WRONG = (  # what is changed in the solution, and the kind of wrong that it is
    ("swapped", "g @ b.T, a.T @ g", "a.T @ g, g @ b.T"),
    ("sign", "g @ b.T", "-g @ b.T"),
    ("transposed", "a.T @ g", "g.T @ a"),
    ("ignores_upstream", "g @ b.T", "np.ones(g.shape) @ b.T"),
)


def forward(a, b):
    return a @ b


def cases(rng):
    return [(rng.standard_normal((2, 3)), rng.standard_normal((3, 5)))]
