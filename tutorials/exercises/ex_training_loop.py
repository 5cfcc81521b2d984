"""Lesson layers_and_the_loop: The training loop.

Write the loop: `epochs` times over all batches, and for each batch the four steps, in their order. The loss is
F.mse_loss. Give a list with one number per epoch: the mean over all points of the losses as you met them on the way.
The last batch may be smaller and then counts for fewer points. Begin with these two lines (the batches aren't shuffled,
so that everybody's numbers are the same):

    optimizer = tl.optim.SGD(model.parameters(), lr=lr)
    batches = tl.data.batches((x, y), size, shuffle=False)
"""

import tinydl as tl
from tinydl import functional as F


def train(model, x, y, size, lr, epochs):
    return ...
