"""Answers to ex_bias: solution, hints and typical mistakes. Spoilers."""

FUNCTION = "bias_vjp"
KIND = "vjp"
SOLUTION = """import numpy as np


def bias_vjp(g, x, b):
    return g, g.sum(axis=0)
"""
HINTS = (
    "b[j] is used n times: gradients of all uses add up.",
    "Which axis has to go?",
)
WRONG = (  # what is changed in the solution, and the kind of wrong that it is
    ("not_summed", "g.sum(axis=0)", "g"),
    ("factor", "g.sum(axis=0)", "g.mean(axis=0)"),
    ("wrong_axis", "axis=0", "axis=1"),
    ("shape", "g, g.sum(axis=0)", "g, g.sum()"),
)


def forward(x, b):
    return x + b


def cases(rng):
    return [(rng.standard_normal((5, 3)), rng.standard_normal(3))]
