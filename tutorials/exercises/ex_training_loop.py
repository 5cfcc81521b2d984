"""Lesson layers_and_the_loop: The training loop.

Write the lesson's loop: `epochs` times over all batches, and for each batch the four steps, in their order. The loss is
F.mse_loss. Train the model that is given, and give a list with one number per epoch: the mean over all points of the
losses as you met them on the way. (As in the lesson: `loss` is the mean of a batch, and the last batch may have fewer
points.) x and y are arrays with a row for each point. Begin with these two lines (the batches aren't shuffled, so that
everybody's numbers are the same):

    optimizer = tl.optim.SGD(model.parameters(), lr=lr)
    batches = tl.data.batches((x, y), size, shuffle=False)
"""

import numpy as np

import tinydl as tl
from tinydl import functional as F


def train(model, x, y, size, lr, epochs):
    return ...
