"""Answers to ex_residual: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "Residual"
KIND = "layer"
SOLUTION = """import numpy as np

import tinydl as tl


class Residual(tl.nn.Module):
    def __init__(self, size):
        self.weight = tl.tensor(np.zeros((size, size)), requires_grad=True)

    def forward(self, x):
        return x + tl.functional.relu(x @ self.weight.T)
"""
HINTS = (
    "A relu is tl.functional's; np.maximum(x, 0) works on Tensors too.",
    "The shortcut is a plus.",
)
WRONG = (  # what is changed in the solution, and the kind of wrong that it is
    ("wrong_value", "x + ", ""),
    ("wrong_value", ".T", ""),
    ("wrong_gradient", "self.weight.T", "self.weight.detach().T"),
)


def cases(rng):
    return [((3,), rng.standard_normal((4, 3)).astype(np.float32))]
