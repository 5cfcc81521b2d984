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
    ("wrong_value", "x @ self.weight.T + self.bias", "(x + self.bias.sum()) @ self.weight.T",
     "The bias belongs to the outputs: add it after the product."),
    ("wrong_value", " + self.bias", " + self.bias.sum()",
     "The bias is added up first; each output has a number of its own in it."),
    ("wrong_value", " + self.bias", " * self.bias", "The bias multiplies, where it should be added."),
    ("wrong_value", "x @ self.weight.T + self.bias", "self.bias",
     "x has no effect: its product with the weights is missing."),
    ("shape", "x @ self.weight.T + self.bias", "(x @ self.weight.T).sum(axis=1) + self.bias.sum()",
     "Each example is to keep its outputs: don't add them up."),
    ("parameters", "(outputs, inputs)", "(inputs, outputs)",
     "Its parameters are weight (3, 5), bias (5,); here they should be weight (5, 3), bias (5,)."),
    ("parameters", "np.zeros(outputs)", "np.zeros(inputs)",
     "Its parameters are weight (5, 3), bias (3,); here they should be weight (5, 3), bias (5,)."),
    ("parameters", "tl.tensor(np.zeros(outputs), dtype=np.float32, requires_grad=True)", "np.zeros(outputs)",
     "bias is a plain array, which is never trained: make it a Tensor, tl.tensor(..., requires_grad=True)."),
    ("parameters", "tl.tensor(np.zeros(outputs), dtype=np.float32, requires_grad=True)",
     "tl.tensor(np.zeros(outputs), dtype=np.float32)",
     "Its parameter bias gets no gradient: write requires_grad=True."),
    ("parameters", "self.bias = tl.tensor(np.zeros(outputs), dtype=np.float32, requires_grad=True)",
     "self.bias = 0.0",
     "bias is a plain number, which is never trained: make it a Tensor, tl.tensor(..., requires_grad=True)."),
    ("raises", "self.weight.T", "self.weight",
     "weight has shape (outputs, inputs): transpose it, so that it fits behind x."),
    ("raises", "x @ self.weight.T", "self.weight @ x",
     "x has an example in each row, so it comes first: x W^T."),
    ("raises", "x @ self.weight.T", "x * self.weight.T",
     "* multiplies element by element; the weighted sums are a matrix product, @."),
    ("wrong_gradient", "self.weight.T", "self.weight.detach().T", "did you leave the Tensors with .data or .detach()?"),
    ("wrong_gradient", "self.weight.T", "self.weight.data.T", "did you leave the Tensors with .data or .detach()?"),
    ("wrong_gradient", "self.bias\n", "self.bias.data\n", "did you leave the Tensors with .data or .detach()?"),
    ("wrong_gradient", "return x @ self.weight.T + self.bias", "return (x @ self.weight.T + self.bias).data",
     "did you leave the Tensors with .data or .detach()?"),
    ("other_function", "x @ self.weight.T + self.bias", "tl.functional.relu(x @ self.weight.T + self.bias)",
     "The layer has no relu: it gives x W^T + b as it is."),
    ("other_function", "x @ self.weight.T + self.bias", "np.tanh(x @ self.weight.T + self.bias)",
     "The layer has no tanh: it gives x W^T + b as it is."),
    ("raises", "x @ self.weight.T", "self.weight @ x.T",
     "x has an example in each row, so it comes first, and W is what is transposed: x W^T."),
    ("raises", "x @ self.weight.T", "self.weight.T @ x",
     "x has an example in each row, so it comes first: x W^T."),
    ("raises", "x @ self.weight.T", "x * self.weight",
     "* multiplies element by element; the weighted sums are a matrix product, @."),
    ("raises", "self.weight.T", "weight.T", "The parameters are kept in self: write self.weight and self.bias."),
    ("raises", "self.bias\n", "bias\n", "The parameters are kept in self: write self.weight and self.bias."),
    ("raises", "x @ self.weight.T + self.bias", "x @ W.T + b",
     "The task's W and b are self.weight and self.bias in the code."),
    ("wrong_value", "x @ self", "2 * x @ self", "There is a factor 2 too much."),
)  # fmt: skip


def cases(rng):
    return [
        ((3, 5), rng.standard_normal((4, 3)).astype(np.float32)),
        ((2, 2), rng.standard_normal((1, 2)).astype(np.float32)),
    ]
