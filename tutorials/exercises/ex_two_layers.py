"""Lesson layers_and_the_loop: A model of two layers.

y = relu(x W1^T + b1) W2^T + b2, where relu(h) = max(h, 0) for each number. Build it of two tl.nn.Linear: `first`, from
`inputs` numbers to `width`, and `second`, from `width` to `outputs`. x has shape (n, inputs). np.maximum works on
Tensors too.
"""

import numpy as np

import tinydl as tl


class TwoLayers(tl.nn.Module):
    def __init__(self, inputs, width, outputs):
        self.first = tl.nn.Linear(inputs, width)
        self.second = ...

    def forward(self, x):
        return ...
