"""Answers to ex_distillation: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "distillation"
KIND = "values"
SOLUTION = """import numpy as np


def log_softmax(z):
    z = z - z.max(axis=1, keepdims=True)
    return z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))


def distillation(z, t, y, T, alpha):
    log_p, log_q = log_softmax(t / T), log_softmax(z / T)
    kl = np.sum(np.exp(log_p) * (log_p - log_q), axis=1).mean()
    ce = -log_softmax(z)[np.arange(len(y)), y].mean()
    return alpha * T**2 * kl + (1 - alpha) * ce
"""
HINTS = (
    "log(p / q) is log p - log q, and p is np.exp(log p).",
    "Sum over the classes, axis=1, then take the mean over the examples.",
    "The logarithm of each label's probability: log_softmax(z)[np.arange(n), y].",
)
RIGHT = (  # the same, written in other ways
    """import tinydl as tl
import numpy as np


def distillation(z, t, y, T, alpha):
    return tl.functional.distillation_loss(z, t, y, temperature=T, alpha=alpha)
""",
    """import math


def softmax(row, T):
    e = [math.exp((v - max(row)) / T) for v in row]
    return [v / sum(e) for v in e]


def distillation(z, t, y, T, alpha):
    total = 0
    for student, teacher, label in zip(z, t, y):
        p, q = softmax(teacher, T), softmax(student, T)
        total += alpha * T * T * sum(a * math.log(a / b) for a, b in zip(p, q))
        total -= (1 - alpha) * math.log(softmax(student, 1)[label])
    return total / len(y)
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("wrong_value", "alpha * T**2 * kl", "alpha * kl",
     "T**2 is missing, which gives the gradient of KL the size that it has at T = 1."),
    ("wrong_value", "alpha * T**2 * kl", "alpha * T * kl", "It multiplies by T, where T**2 is asked for."),
    ("wrong_value", "alpha * T**2 * kl + (1 - alpha) * ce", "T**2 * (alpha * kl + (1 - alpha) * ce)",
     "T**2 multiplies KL only: CE is taken without T."),
    ("wrong_value", "alpha * T**2 * kl + (1 - alpha) * ce", "(1 - alpha) * T**2 * kl + alpha * ce",
     "alpha and 1 - alpha are swapped: alpha goes with the teacher."),
    ("wrong_value", "alpha * T**2 * kl + (1 - alpha) * ce", "alpha * T**2 * kl + ce",
     "CE has the factor 1 - alpha."),
    ("wrong_value", "alpha * T**2 * kl + (1 - alpha) * ce", "alpha * T**2 * kl",
     "The labels have no effect: CE is missing."),
    ("wrong_value", "alpha * T**2 * kl + (1 - alpha) * ce", "T**2 * kl + ce",
     "alpha has no effect: it shares out between KL and CE."),
    ("wrong_value", "np.exp(log_p) * (log_p - log_q)", "np.exp(log_q) * (log_q - log_p)",
     "Teacher and student are swapped in KL: p, the teacher's, weighs the logarithms."),
    ("wrong_value", "np.exp(log_p) * (log_p - log_q)", "np.exp(log_p) * (log_q - log_p)",
     "The sign of KL is wrong: p log(p / q) is p (log p - log q)."),
    ("wrong_value", "np.exp(log_p) * (log_p - log_q)", "-np.exp(log_p) * log_q",
     "That is the cross-entropy of p and q; KL has p log p, too."),
    ("wrong_value", "np.exp(log_p) * (log_p - log_q)", "log_p - log_q",
     "The logarithms should be weighed: each class counts with p, its probability for the teacher."),
    ("wrong_value", "np.exp(log_p) * (log_p - log_q)", "(np.exp(log_p) - np.exp(log_q)) ** 2",
     "That is a squared difference; KL is p log(p / q)."),
    ("wrong_value", "log_softmax(t / T), log_softmax(z / T)", "log_softmax(t), log_softmax(z / T)",
     "The teacher's logits should be divided by T, too."),
    ("wrong_value", "log_softmax(t / T), log_softmax(z / T)", "log_softmax(t / T), log_softmax(z)",
     "In KL the student's logits should be divided by T, too."),
    ("wrong_value", "log_softmax(t / T), log_softmax(z / T)", "log_softmax(t), log_softmax(z)",
     "T softens nothing: divide both logits by it, before the softmax."),
    ("wrong_value", "log_softmax(t / T), log_softmax(z / T)", "log_softmax(t * T), log_softmax(z * T)",
     "To multiply by T makes the answers harder; divide by it."),
    ("wrong_value", "log_softmax(t / T), log_softmax(z / T)", "log_softmax(t) / T, log_softmax(z) / T",
     "T comes too late: divide the logits by it, before the softmax."),
    ("wrong_value", "log_softmax(t / T), log_softmax(z / T)",
     "log_softmax(np.exp(log_softmax(t)) / T), log_softmax(np.exp(log_softmax(z)) / T)",
     "There is a softmax too much: t and z are logits, and are divided by T as they are."),
    ("wrong_value", "-log_softmax(z)[", "-log_softmax(z / T)[", "CE is taken without T: of z, not of z / T."),
    ("wrong_value", "-log_softmax(z)[", "log_softmax(z)[", "The sign of CE is wrong: it is -log of a probability."),
    ("wrong_value", "-log_softmax(z)[", "-log_softmax(t)[",
     "CE should be the student's: the teacher doesn't learn any more."),
    ("wrong_value", "-log_softmax(z)[", "-z[", "z are logits: CE takes the logarithm of their softmax."),
    ("wrong_value", "axis=1).mean()\n    ce", "axis=1).sum()\n    ce",
     "KL is added up over the examples; it should be their mean."),
    ("wrong_value", "np.sum(np.exp(log_p) * (log_p - log_q), axis=1).mean()",
     "np.mean(np.exp(log_p) * (log_p - log_q))",
     "KL is divided by the number of classes, too: it is a sum over them, and a mean over the examples."),
    ("wrong_value", "y].mean()", "y].sum()", "CE is added up over the examples; it should be their mean."),
    ("shape", "axis=1).mean()\n    ce", "axis=1)\n    ce",
     "KL isn't averaged: there is still one for each example."),
)  # fmt: skip


def cases(rng):
    return [
        (2 * rng.standard_normal((3, 4)), 3 * rng.standard_normal((3, 4)), np.array([1, 3, 0]), 4.0, 0.9),
        (rng.standard_normal((5, 3)), rng.standard_normal((5, 3)), np.array([2, 0, 1, 1, 2]), 2.0, 0.3),
        (rng.standard_normal((2, 6)), 5 * rng.standard_normal((2, 6)), np.array([5, 2]), 0.5, 0.6),
    ]
