"""Answers to ex_two_layers: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "TwoLayers"
KIND = "layer"
SOLUTION = """import numpy as np

import tinydl as tl


class TwoLayers(tl.nn.Module):
    def __init__(self, inputs, width, outputs):
        self.first = tl.nn.Linear(inputs, width)
        self.second = tl.nn.Linear(width, outputs)

    def forward(self, x):
        return self.second(np.maximum(self.first(x), 0))
"""
HINTS = (
    "The second layer takes as many numbers as the first one gives.",
    "A layer is called like a function: h = self.first(x). What happens to h before the second layer gets it?",
    "relu is np.maximum(h, 0), between the two layers and not after them.",
)
WRONG = (  # what is changed in the solution, and the kind of wrong that it is
    ("wrong_value", "np.maximum(self.first(x), 0)", "self.first(x)"),  # without a bent function in between
    ("wrong_value", "self.second(np.maximum(self.first(x), 0))", "np.maximum(self.second(self.first(x)), 0)"),
    ("wrong_value", "np.maximum(self.first(x), 0)", "np.tanh(self.first(x))"),
    ("parameters", "Linear(width, outputs)", "Linear(outputs, width)"),
    ("parameters", "Linear(width, outputs)", "Linear(inputs, outputs)"),
    ("parameters", "Linear(width, outputs)", "Linear(width, outputs, bias=False)"),
    ("wrong_gradient", "np.maximum(self.first(x), 0)", "np.maximum(self.first(x).data, 0)"),
    ("raises", "self.second(np.maximum(self.first(x), 0))", "self.second(np.maximum(self.first, 0))"),
)  # fmt: skip


def cases(rng):
    return [((3, 7, 2), rng.standard_normal((6, 3)).astype(np.float32))]
