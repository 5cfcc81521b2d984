"""Lesson layers_and_the_loop: A layer.

y = x W^T + b, where W^T is W transposed, as a tl.nn.Module with the parameters `weight`, W, of shape (outputs, inputs),
and `bias`, b, of shape (outputs,). What they begin with is up to you here; tl.nn.Linear draws them at random. x has
shape (n, inputs).
"""

import numpy as np

import tinydl as tl


class Linear(tl.nn.Module):
    def __init__(self, inputs, outputs):
        self.weight = tl.tensor(np.zeros((outputs, inputs)), dtype=np.float32, requires_grad=True)
        self.bias = ...

    def forward(self, x):
        return ...
