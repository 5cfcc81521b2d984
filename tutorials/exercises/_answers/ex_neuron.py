"""Answers to ex_neuron: solution, hints and typical mistakes. Spoilers."""

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
    ("wrong_value", " + b", "", "It is the neuron without its bias b."),
    (
        "wrong_value",
        "np.tanh(w @ x + b)",
        "np.tanh(w @ x) + b",
        "The bias b comes too late: it belongs inside the tanh.",
    ),
    (
        "other_function",
        "np.tanh(w @ x + b)",
        "1 / (1 + np.exp(-(w @ x + b)))",
        "It squashes with the sigmoid, as the lesson does; here tanh is asked for.",
    ),
)


def cases(rng):
    return [
        (rng.standard_normal(3), rng.standard_normal(3), 0.3),
        (rng.standard_normal(5), rng.standard_normal(5), -1.1),
    ]
