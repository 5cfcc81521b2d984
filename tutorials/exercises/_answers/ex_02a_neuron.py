"""Answers to ex_02a_neuron: solution, hints and typical mistakes. Spoilers."""

FUNCTION = "neuron"
KIND = "values"
SOLUTION = """import numpy as np


def neuron(w, x, b):
    return np.tanh(w @ x + b)
"""
HINTS = (
    "The dot product of two vectors is w @ x.",
    "Add b before the tanh.",
)
WRONG = (  # what is changed in the solution, and the kind of wrong that it is
    ("shape", "w @ x", "w * x"),
    ("wrong_value", " + b", ""),
    ("wrong_value", "np.tanh(w @ x + b)", "np.tanh(w @ x) + b"),
)


def cases(rng):
    return [
        (rng.standard_normal(3), rng.standard_normal(3), 0.3),
        (rng.standard_normal(5), rng.standard_normal(5), -1.1),
    ]
