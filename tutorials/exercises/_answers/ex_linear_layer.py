"""Answers to ex_linear_layer: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "Linear"
KIND = "layer"
SOLUTION = """import numpy as np

import tinydl as tl


class Linear(tl.nn.Module):
    def __init__(self, inputs, outputs):
        self.weight = tl.tensor(np.zeros((outputs, inputs)), dtype=np.float32, requires_grad=True)
        self.bias = tl.tensor(np.zeros(outputs), dtype=np.float32, requires_grad=True)

    def forward(self, x):
        return x @ self.weight.T + self.bias
"""
HINTS = (
    "self.bias is made like self.weight, with its own shape.",
    "Operators on Tensors are as on arrays: @, .T and +.",
)
WRONG = (  # what is changed in the solution, and the kind of wrong that it is
    ("wrong_value", " + self.bias", " - self.bias"),
    ("parameters", "(outputs, inputs)", "(inputs, outputs)"),
    ("wrong_gradient", "self.weight.T", "self.weight.detach().T"),
)


def cases(rng):
    return [((3, 5), rng.standard_normal((4, 3)).astype(np.float32))]
