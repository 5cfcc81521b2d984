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
RIGHT = (  # the same, written in other ways
    """import numpy as np
import tinydl as tl


class Linear(tl.nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        rng = np.random.default_rng(0)
        self.bias = tl.tensor(rng.normal(size=outputs), requires_grad=True)
        self.weight = tl.tensor(rng.normal(size=(outputs, inputs)), requires_grad=True)
    def forward(self, x):
        product = x @ self.weight.T
        return self.bias + product
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("wrong_value", " + self.bias", " - self.bias", "The bias is subtracted, where it should be added."),
    ("wrong_value", " + self.bias", "", "forward doesn't use the bias."),
    (
        "wrong_value",
        "x @ self.weight.T + self.bias",
        "(x + self.bias.sum()) @ self.weight.T",
        "The bias belongs to the outputs: add it after the product.",
    ),
    ("parameters", "(outputs, inputs)", "(inputs, outputs)"),
    ("parameters", "np.zeros(outputs)", "np.zeros(inputs)"),
    ("parameters", "tl.tensor(np.zeros(outputs), requires_grad=True)", "np.zeros(outputs)"),
    ("parameters", "tl.tensor(np.zeros(outputs), requires_grad=True)", "tl.tensor(np.zeros(outputs))"),
    (
        "raises",
        "self.weight.T",
        "self.weight",
        "weight has shape (outputs, inputs): transpose it, so that it fits behind x.",
    ),
    ("wrong_gradient", "self.weight.T", "self.weight.detach().T"),
    ("wrong_gradient", "self.bias\n", "self.bias.data\n"),
    (
        "other_function",
        "x @ self.weight.T + self.bias",
        "tl.functional.relu(x @ self.weight.T + self.bias)",
        "The layer has no relu: it gives x W^T + b as it is.",
    ),
)


def cases(rng):
    return [
        ((3, 5), rng.standard_normal((4, 3)).astype(np.float32)),
        ((2, 2), rng.standard_normal((1, 2)).astype(np.float32)),
    ]
