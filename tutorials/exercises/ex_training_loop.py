"""Lesson layers_and_the_loop: The training loop, by hand.

Train the model p = w x + b with the loss L = mean((p - y)**2), in plain NumPy: `epochs` times over the data, in batches
of `size` points in the order in which they stand (not shuffled here; the last batch may be smaller). For each batch
compute dL/dw = mean(2 (p - y) x) and dL/db = mean(2 (p - y)) of that batch, and step with the rate lr. x and y have
shape (n,), w and b are numbers. Give the trained (w, b).
"""

import numpy as np


def train(x, y, w, b, lr, size, epochs):
    return ...
