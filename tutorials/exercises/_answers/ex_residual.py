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
    (
        "other_function",
        "tl.functional.relu(x @ self.weight.T)",
        "np.tanh(x @ self.weight.T)",
        "It has a tanh; here relu is asked for.",
    ),
    (
        "other_function",
        "tl.functional.relu(x @ self.weight.T)",
        "abs(x @ self.weight.T)",
        "That is |z|, where relu makes negative numbers 0.",
    ),
    (
        "wrong_value",
        "tl.functional.relu(x @ self.weight.T)",
        "np.minimum(x @ self.weight.T, 0)",
        "It keeps the negative numbers; relu(z) is the larger of z and 0.",
    ),
    (
        "wrong_value",
        "x + tl",
        "2 * x + tl",
        "x is added twice.",
    ),
    (
        "wrong_value",
        "x + tl",
        "tl.functional.relu(x) + tl",
        "The shortcut has a relu; x goes through it as it is.",
    ),
    (
        "wrong_value",
        "x + tl.functional.relu(x @ self.weight.T)",
        "x @ self.weight.T",
        "The shortcut is missing, and the relu: y = x + relu(x W^T).",
    ),
    (
        "wrong_value",
        "tl.functional.relu(x @ self.weight.T)",
        "x * (x @ self.weight.T)",
        "x multiplies the product, where a relu is asked for.",
    ),
    (
        "raises",
        "x @ self.weight.T",
        "self.weight @ x",
        "x has an example in each row, so it comes first: x W^T.",
    ),
    (
        "raises",
        "x @ self.weight.T",
        "x * self.weight.T",
        "* multiplies element by element; x W^T is a matrix product, @.",
    ),
    (
        "raises",
        "self.weight.T",
        "weight.T",
        "The parameter is kept in self: write self.weight.",
    ),
    (
        "raises",
        "tl.functional.relu(x",
        "relu(x",
        "Nothing is called relu here: write tl.functional.relu(z) (or np.maximum(z, 0)).",
    ),
    (
        "raises",
        "tl.functional.relu(x @ self.weight.T)",
        "max(x @ self.weight.T, 0)",
        "max compares whole arrays; np.maximum(z, 0) compares number by number.",
    ),
    (
        "parameters",
        "tl.tensor(np.zeros((size, size)), requires_grad=True)",
        "np.zeros((size, size))",
        "weight is a plain array, which is never trained: make it a Tensor, tl.tensor(..., requires_grad=True).",
    ),
    (
        "parameters",
        "tl.tensor(np.zeros((size, size)), requires_grad=True)",
        "tl.nn.Linear(size, size)",
        "Its parameters are weight.weight (3, 3), weight.bias (3,); here they should be weight (3, 3).",
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
