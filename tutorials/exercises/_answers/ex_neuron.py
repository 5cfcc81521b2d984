"""Answers to ex_neuron: solution, hints and typical mistakes. Spoilers."""

import numpy as np

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
RIGHT = (  # the same, written in other ways
    """import math


def neuron(w, x, b):
    total = b
    for weight, value in zip(w, x):
        total += weight * value
    return math.tanh(total)
""",
    """import numpy


def neuron(weights, inputs, bias):
    z = numpy.dot(weights, inputs) + bias
    return (numpy.exp(2 * z) - 1) / (numpy.exp(2 * z) + 1)
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("shape", "w @ x", "w * x", "w * x multiplies element by element; a dot product adds these products up too."),
    ("wrong_value", " + b", "", "It is the neuron without its bias b."),
    ("sign", "+ b", "- b", "The bias b is subtracted, where it should be added."),
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
    ("other_function", "np.tanh(w @ x + b)", "w @ x + b", "The tanh is missing."),
    ("other_function", "np.tanh(w @ x + b)", "max(w @ x + b, 0)", "That is a relu; here tanh is asked for."),
    (
        "wrong_value",
        "np.tanh(w @ x + b)",
        "np.tanh(w * x + b).sum()",
        "Add up before the tanh: there is one tanh, and b is added once.",
    ),
    ("wrong_value", "w @ x + b", "(w * x + b).sum()", "b is added once for each input, where it should be added once."),
    (
        "wrong_value",
        "w @ x",
        "w.sum() * x.sum()",
        "Multiply first and then add up: the product of two sums is another number.",
    ),
    ("wrong_value", "w @ x", "(w * x).mean()", "That is the products' mean; their sum is asked for."),
    (
        "other_function",
        "np.tanh(w @ x + b)",
        "2 / (1 + np.exp(-(w @ x + b))) - 1",
        "That is tanh of half of w . x + b.",
    ),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("raises", "np.tanh(w.x + b)", "w . x is the dot product; in Python it is written w @ x."),
    ("wrong_value", "np.tanh(np.sum(w) + b)", "x has no effect: each weight is to be multiplied by its input."),
    ("wrong_value", "np.tanh(np.sum(x) + b)", "w has no effect: each input is to be multiplied by its weight."),
    ("shape", "np.tanh(x + b)", "w is missing: the dot product w @ x comes first."),
    ("wrong_value", "np.tan(w @ x + b)", "That is the tangent of the angle, tan; tanh is asked for."),
    ("wrong_value", "np.tanh(b)", "w and x have no effect: w @ x belongs inside the tanh."),
    ("wrong_value", "np.sin(w @ x + b)", "That is the sine; tanh is asked for."),
)  # fmt: skip


def cases(rng):
    return [
        (rng.standard_normal(3), rng.standard_normal(3), 0.3),
        (rng.standard_normal(5), rng.standard_normal(5), -1.1),
        (np.array([0.5]), np.array([-1.5]), 0.25),
    ]
