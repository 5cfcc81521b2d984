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
RIGHT = (  # the same, written in other ways
    """import tinydl as tl
from tinydl import functional as F


class TwoLayers(tl.nn.Module):
    def __init__(self, inputs, width, outputs):
        super().__init__()
        self.first = tl.nn.Linear(inputs, width)
        self.second = tl.nn.Linear(width, outputs)
    def forward(self, x):
        h = self.first(x)
        h = F.relu(h)
        return self.second(h)
""",
    """import tinydl as tl


class TwoLayers(tl.nn.Module):
    def __init__(self, inputs, width, outputs):
        self.second = tl.nn.Linear(width, outputs)
        self.first = tl.nn.Linear(inputs, width)
    def forward(self, x):
        h = x @ self.first.weight.T + self.first.bias
        h = h * (h.data > 0)
        return h @ self.second.weight.T + self.second.bias
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("wrong_value", "np.maximum(self.first(x), 0)", "self.first(x)",
     "The relu is missing; two linear layers in a row are no more than one."),
    ("wrong_value", "self.second(np.maximum(self.first(x), 0))", "np.maximum(self.second(self.first(x)), 0)",
     "The relu comes too late: it belongs between the two layers."),
    ("wrong_value", "self.second(np.maximum(self.first(x), 0))",
     "np.maximum(self.second(np.maximum(self.first(x), 0)), 0)",
     "There is a relu too many: the second layer's outputs are given as they are."),
    ("wrong_value", "self.first(x), 0)", "self.first(np.maximum(x, 0)), 0)",
     "There is a relu too many: the first layer gets x as it is."),
    ("wrong_value", "np.maximum(self.first(x), 0)", "self.first(np.maximum(x, 0))",
     "The relu comes too early: it belongs between the two layers."),
    ("other_function", "np.maximum(self.first(x), 0)", "np.tanh(self.first(x))",
     "It has the lesson's tanh in between; here relu is asked for."),
    ("other_function", "np.maximum(self.first(x), 0)", "abs(self.first(x))",
     "That is |h| in between, where relu makes negative numbers 0."),
    ("wrong_value", "np.maximum", "np.minimum", "It keeps the negative numbers; relu(h) is the larger of h and 0."),
    ("other_function", "np.maximum(self.first(x), 0)", "np.maximum(self.first(x), 1)",
     "relu(h) is the larger of h and 0, not of h and 1."),
    ("other_function", "np.maximum(self.first(x), 0)", "1 / (1 + np.exp(-self.first(x)))",
     "It has a sigmoid in between; here relu is asked for."),
    ("wrong_value", "self.second(np.maximum(self.first(x), 0))", "np.maximum(self.first(x), 0) @ self.second.weight.T",
     "b2 is missing: call the layer, self.second(...), which adds it."),
    ("wrong_value", "self.first(x)", "x @ self.first.weight.T",
     "b1 is missing: call the layer, self.first(x), which adds it."),
    ("shape", "self.second(np.maximum(self.first(x), 0))", "np.maximum(self.first(x), 0)",
     "The second layer isn't used: what the relu gives goes through it."),
    ("parameters", "Linear(width, outputs)", "Linear(outputs, width)",
     "here they should be first.weight (7, 3), first.bias (7,), second.weight (2, 7), second.bias (2,)."),
    ("parameters", "Linear(width, outputs)", "Linear(inputs, outputs)",
     "here they should be first.weight (7, 3), first.bias (7,), second.weight (2, 7), second.bias (2,)."),
    ("parameters", "Linear(width, outputs)", "Linear(width, outputs, bias=False)",
     "here they should be first.weight (7, 3), first.bias (7,), second.weight (2, 7), second.bias (2,)."),
    ("wrong_gradient", "np.maximum(self.first(x), 0)", "np.maximum(self.first(x).data, 0)",
     "did you leave the Tensors with .data or .detach()?"),
    ("raises", "self.second(np.maximum(self.first(x), 0))", "self.second(np.maximum(self.first, 0))",
     "self.first is the layer itself; what it gives is self.first(x)."),
    ("raises", "self.first(x), 0)", "self.first(x))", "np.maximum takes two things: h and 0."),
    ("raises", "np.maximum(self.first(x), 0)", "max(self.first(x), 0)",
     "max compares whole arrays; np.maximum(h, 0) compares number by number."),
    ("raises", "np.maximum(self.first(x), 0)", "relu(self.first(x))",
     "Nothing is called relu here: write np.maximum(h, 0) (or tl.functional.relu(h))."),
    ("raises", "self.second(np.maximum(self.first(x), 0))", "self.first(np.maximum(self.second(x), 0))",
     "The layers are the wrong way round: x goes through self.first."),
    ("other_function", "self.second(np.maximum(self.first(x), 0))", "np.tanh(self.second(np.tanh(self.first(x))))",
     "There is a tanh around each layer; here relu is asked for, once, between the two."),
    ("other_function", "np.maximum(self.first(x), 0)", "tl.functional.softmax(self.first(x))",
     "It has a softmax in between; here relu is asked for."),
    ("raises", "self.first(x), 0)", "first(x), 0)", "The layers are kept in self: write self.first and self.second."),
    ("raises", "self.second(np", "second(np", "The layers are kept in self: write self.first and self.second."),
    ("raises", "self.second(np.maximum(self.first(x), 0))", "np.maximum(self.first(x), 0) @ self.second",
     "A layer is called like a function: self.second(...)."),
    ("raises", "self.second(np.maximum(self.first(x), 0))", "self.second * np.maximum(self.first(x), 0)",
     "A layer is called like a function: self.second(...)."),
    ("shape", "np.maximum(self.first(x), 0)", "np.max(self.first(x), 0)",
     "np.max(h, 0) looks for the largest number down each column; np.maximum(h, 0) compares each number with 0."),
)  # fmt: skip


def cases(rng):
    return [((3, 7, 2), rng.standard_normal((6, 3)).astype(np.float32))]
