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
RIGHT = (  # the same, written in other ways
    """import numpy as np
import tinydl as tl


class Residual(tl.nn.Module):
    def __init__(self, size):
        super().__init__()
        self.weight = tl.tensor(np.random.default_rng(1).normal(size=(size, size)), requires_grad=True)
    def forward(self, x):
        z = x @ self.weight.T
        return np.maximum(z, 0) + x
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("wrong_value", "x + ", "", "The shortcut is missing: x itself belongs to the sum."),
    ("wrong_value", ".T", "", "W should be transposed: x W^T."),
    ("wrong_gradient", "self.weight.T", "self.weight.detach().T"),
    ("wrong_gradient", "x + tl", "x.detach() + tl"),
    (
        "wrong_value",
        "x + tl.functional.relu(x @ self.weight.T)",
        "tl.functional.relu(x + x @ self.weight.T)",
        "The relu cuts off the shortcut too; it belongs to x W^T alone.",
    ),
    ("wrong_value", "tl.functional.relu(x @ self.weight.T)", "x @ self.weight.T", "The relu is missing."),
    (
        "wrong_value",
        "tl.functional.relu(x @ self.weight.T)",
        "tl.functional.relu(x) @ self.weight.T",
        "The relu comes too early: it belongs around the product.",
    ),
    ("wrong_value", "x + tl", "x * tl", "The shortcut is a sum, not a product."),
    (
        "wrong_value",
        "x + tl.functional.relu(x @ self.weight.T)",
        "x - tl.functional.relu(x @ self.weight.T)",
        "The block's part is subtracted, where it should be added.",
    ),
    ("parameters", "tl.tensor(np.zeros((size, size)), requires_grad=True)", "tl.tensor(np.zeros((size, size)))"),
    ("parameters", "np.zeros((size, size))", "np.zeros(size)"),
    (
        "wrong_gradient",
        "x + tl.functional.relu(x @ self.weight.T)",
        "(x + tl.functional.relu(x @ self.weight.T)).numpy()",
    ),
)


def cases(rng):
    return [((n,), rng.standard_normal((rows, n)).astype(np.float32)) for n, rows in ((3, 4), (2, 1))]
