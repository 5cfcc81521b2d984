"""Lesson your_step_as_a_program: Softmax and cross-entropy, the gradient in place.

z, of shape (n, classes), are the scores of n examples, y their labels, n whole numbers. The loss is the mean of the
cross-entropies of softmax(z), and its gradient is (softmax(z) - one_hot(y)) / n. Write it into z itself, where nobody
needs the scores any more, and return nothing. Subtract each row's largest score first, as always.

Make no new array of the size of z: np.exp(z, out=z) for example writes into z, and so does z -= c. An array with one
number for each row is fine.
"""

import numpy as np


def cross_entropy_grad(z, y):
    z -= z.max(axis=1, keepdims=True)
    np.exp(z, out=...)
