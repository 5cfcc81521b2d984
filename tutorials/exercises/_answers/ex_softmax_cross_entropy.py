"""Answers to ex_softmax_cross_entropy: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "logits_grad"
KIND = "grad"
WRT = (0,)
SOLUTION = """import numpy as np


def logits_grad(z, y):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    return (p - np.eye(z.shape[1])[y]) / len(y)
"""
HINTS = (
    "You need the softmax p, and the labels as rows with a single 1.",
    "np.eye(k)[y] makes such rows. The rest is a difference, and the mean.",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def logits_grad(z, y):
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    p[np.arange(len(y)), y] -= 1
    return p / len(y)
""",
    """import math


def logits_grad(z, y):
    grad = []
    for row, label in zip(z, y):
        total = sum(math.exp(v) for v in row)
        grad.append([(math.exp(v) / total - (j == label)) / len(z) for j, v in enumerate(row)])
    return grad
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("factor", " / len(y)", "", "That is the gradient of the sum; the mean over the examples divides it."),
    (
        "sign",
        "p - np.eye(z.shape[1])[y]",
        "np.eye(z.shape[1])[y] - p",
        "The sign is wrong: a larger logit of the right class makes the loss smaller.",
    ),
    (
        "wrong_gradient",
        "(p - np.eye(z.shape[1])[y])",
        "p",
        "The labels have no effect: what is different for the right class?",
    ),
    (
        "wrong_gradient",
        "(p - np.eye(z.shape[1])[y])",
        "(p - 1)",
        "1 is taken from all classes, where it should be taken from each row's label alone.",
    ),
    (
        "wrong_gradient",
        "(p - np.eye(z.shape[1])[y])",
        "(z - np.eye(z.shape[1])[y])",
        "z are logits: make them probabilities first.",
    ),
    (
        "wrong_gradient",
        "(p - np.eye(z.shape[1])[y])",
        "p * (1 - p)",
        "That is a part of the softmax's own derivative; the loss and its labels are missing.",
    ),
    ("factor", "/ len(y)", "/ z.size", "It divides by n k; the mean is over n examples."),
    ("factor", "/ len(y)", "/ z.shape[1]", "It divides by the number of classes; the mean is over the examples."),
    ("wrong_gradient", "axis=1", "axis=0", "The softmax goes down the columns, where each row should add up to 1."),
    (
        "wrong_gradient",
        "e / e.sum(axis=1, keepdims=True)",
        "e / e.sum(axis=0, keepdims=True)",
        "The softmax goes down the columns, where each row should add up to 1.",
    ),
    (
        "wrong_gradient",
        "(p - np.eye(z.shape[1])[y])",
        "(-np.eye(z.shape[1])[y] / p)",
        "That is the gradient of p, the probabilities; it must still pass through the softmax.",
    ),
    (
        "wrong_gradient",
        "(p - np.eye(z.shape[1])[y])",
        "(p - np.isin(np.arange(z.shape[1]), y))",
        "p[:, y] -= 1 takes 1 from the labels' columns in every row; each row has one label.",
    ),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("raises",
     "    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)\n"
     "    return (p - y) / len(y)\n",
     "y are labels; turn them into rows with a single 1 first, np.eye(k)[y]."),
    ("wrong_gradient",
     "    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)\n"
     "    return (p - y[:, None]) / len(y)\n",
     "The labels are taken for numbers; turn them into rows with a single 1 first, np.eye(k)[y]."),
    ("wrong_gradient",
     "    p = np.exp(z) / np.exp(z).sum()\n"
     "    return (p - np.eye(z.shape[1])[y]) / len(y)\n",
     "All of p adds up to 1, where each row should."),
    ("wrong_gradient",
     "    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)\n"
     "    return (p - np.eye(z.shape[1])[y]) * p * (1 - p) / len(y)\n",
     "There is a factor p (1 - p) too much: the loss and the softmax together leave p minus the labels' rows."),
    ("shape",
     "    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)\n"
     "    return (p[np.arange(len(y)), y] - 1) / len(y)\n",
     "All classes' logits have a derivative, not the label's alone."),
    ("shape",
     "    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)\n"
     "    return p[np.arange(len(y)), y] - 1\n",
     "All classes' logits have a derivative, not the label's alone."),
    ("wrong_gradient",
     "    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)\n"
     "    return 2 * (p - np.eye(z.shape[1])[y]) / len(y)\n",
     "There is a factor 2 too much: this is no squared error."),
    ("shape",
     "    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)\n"
     "    return (p - np.eye(z.shape[1])[y]).mean()\n",
     "Each logit has a derivative of its own: divide by n, but don't add up."),
    ("shape",
     "    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)\n"
     "    return (p - np.eye(z.shape[1])[y]).mean(axis=0)\n",
     "Each logit has a derivative of its own: divide by n, but don't add up."),
    ("wrong_gradient",
     "    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)\n"
     "    p[np.arange(len(y)), y - 1] -= 1\n"
     "    return p / len(y)\n",
     "Labels are counted from 0: no y - 1."),
)  # fmt: skip


def forward(z, y):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return -np.log((e / e.sum(axis=1, keepdims=True))[np.arange(len(y)), y]).mean()


def cases(rng):
    return [
        (rng.standard_normal((4, 3)), np.array([2, 0, 1, 2])),
        (rng.standard_normal((1, 5)), np.array([4])),
        (3 * rng.standard_normal((3, 3)), np.array([1, 0, 1])),
    ]
