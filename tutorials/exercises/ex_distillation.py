"""Lesson smaller_elsewhere: What a student learns from.

Give alpha T**2 KL + (1 - alpha) CE, one number. z are the student's logits and t the teacher's, both of shape (n, k); y
are the n labels, whole numbers from 0 to k - 1. With p the softmax of t / T and q the softmax of z / T, KL is the sum
over the classes of p log(p / q); CE is -log of the probability that the student, without T, gives the label. Both are
means over the n examples. log_softmax is there for you.
"""

import numpy as np


def log_softmax(z):
    z = z - z.max(axis=1, keepdims=True)
    return z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))


def distillation(z, t, y, T, alpha):
    return ...
