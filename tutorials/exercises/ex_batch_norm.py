"""Lesson deep_networks: Batch normalisation, one batch of training.

x has shape (n, d): n examples of d features. Normalise each feature over the batch, with eps = 1e-5 under the root, and
let its running mean and running variance, both of shape (d,), follow: 0.9 of the old, 0.1 of the new. The variance for
y divides by n, that for the running one by n - 1. Give the tuple (y, running_mean, running_var). There is no weight and
no bias here.
"""

import numpy as np


def batch_norm(x, running_mean, running_var):
    return ...
