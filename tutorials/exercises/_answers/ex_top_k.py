"""Answers to ex_top_k: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "top_k"
KIND = "values"
SOLUTION = """import numpy as np


def top_k(logits, k):
    kept = logits >= np.sort(logits)[-k]
    e = np.where(kept, np.exp(logits - logits.max()), 0)
    return e / e.sum()
"""
HINTS = (
    "np.sort puts the largest last: the k-th largest is number -k.",
    "Those that are out get the logit -np.inf, or exp(logit) 0; then divide by the sum of what is left.",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def top_k(logits, k):
    p = np.zeros(len(logits))
    best = np.argsort(logits)[::-1][:k]
    p[best] = np.exp(logits[best])
    return p / sum(p)
""",
    """import numpy as np
from tinydl import functional as F


def top_k(logits, k):
    threshold = np.partition(logits, len(logits) - k)[len(logits) - k]
    return F.softmax(np.where(logits < threshold, -np.inf, logits))
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("wrong_value", "logits >= np.sort(logits)[-k]", "logits <= np.sort(logits)[k - 1]",
     "It keeps the k smallest logits, where the largest are asked for."),
    ("wrong_value", "logits >= np.sort(logits)[-k]", "logits >= np.sort(logits)[max(-k - 1, -len(logits))]",
     "It keeps one letter too many."),
    ("wrong_value", "logits >= np.sort(logits)[-k]", "logits >= np.sort(logits)[min(-k + 1, -1)]",
     "It keeps one letter too few."),
    ("not_finite", "logits >= np.sort(logits)[-k]", "logits > np.sort(logits)[-k]",
     "It keeps one letter too few: the k-th largest may come, too, so >= is meant. With k = 1 nothing is left, and "
     "0 / 0 is NaN."),
    ("wrong_value", "logits >= np.sort(logits)[-k]", "logits >= np.sort(logits)[k - 1]",
     "It counts from the smallest: that leaves out k - 1 letters, where k are to be kept."),
    ("wrong_value", "logits >= np.sort(logits)[-k]", "abs(logits) >= np.sort(abs(logits))[-k]",
     "It keeps the logits that are largest without their sign; a very negative one is very unlikely."),
    ("wrong_value", "logits >= np.sort(logits)[-k]", "np.arange(len(logits)) < k",
     "It keeps the first k letters, where those with the k largest logits are asked for."),
    ("wrong_value", "logits >= np.sort(logits)[-k]", "np.ones(len(logits), dtype=bool)",
     "k has no effect: all letters can still come."),
    ("wrong_value", "logits >= np.sort(logits)[-k]", "logits == logits.max()",
     "Only the likeliest letter is left, whatever k is."),
    ("wrong_value", "return e / e.sum()", "return e / np.exp(logits - logits.max()).sum()",
     "The probabilities of those that are kept don't add up to 1: divide by the sum of what is left."),
    ("wrong_value", "return e / e.sum()", "return e", "It isn't divided by the sum: probabilities add up to 1."),
    ("wrong_value", "logits - logits.max()), 0)", "logits - logits.max()), np.exp(-logits.max()))",
     "A logit of 0 isn't out: exp(0) is 1. Letters that mustn't come need the probability 0."),
    ("wrong_value", "np.exp(logits - logits.max())", "logits", "The exp is missing: a softmax divides exp of the "
     "logits by their sum."),
    ("wrong_value", "np.exp(logits - logits.max())", "1.0",
     "All k letters are equally likely there; their logits should say how likely each is."),
    ("wrong_value", "np.exp(logits - logits.max())", "np.exp((logits - logits.max()) / k)",
     "k isn't a temperature: it says how many letters are kept."),
    ("shape", "return e / e.sum()", "return e[kept] / e.sum()",
     "Only the k probabilities are left; the result has one for each letter, with 0 for the others."),
    ("wrong_value", "return e / e.sum()", "return np.sort(e / e.sum())[::-1]",
     "The probabilities are sorted, so they belong to the wrong letters: each stays in its place."),
    ("wrong_value", "return e / e.sum()", "return np.sort(e / e.sum())",
     "The probabilities are sorted, so they belong to the wrong letters: each stays in its place."),
    ("raises", "[-k]", "[k]", "np.sort puts the smallest first, so [k] counts from below: the k-th largest is [-k]."),
)  # fmt: skip
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("shape", "np.argsort(logits)[-k:]", "These are the numbers of the letters; a probability for each letter is asked "
     "for."),
    ("wrong_value", "np.where(logits >= np.sort(logits)[-k], logits, 0)",
     "These are the logits that are kept: the softmax is missing."),
    ("wrong_value",
     "    p = np.exp(logits) / np.exp(logits).sum()\n"
     "    return np.where(p >= 1 / k, p, 0) / max(p[p >= 1 / k].sum(), 1e-9)\n",
     "It keeps the letters with a probability of at least 1 / k; the k likeliest are asked for, whatever they have."),
)  # fmt: skip


def cases(rng):
    return [
        (np.array([2.0, -1.5, 0.5, 1.0, -3.0, 0.1]), 3),
        (rng.standard_normal(7), 2),
        (rng.standard_normal(8) - 4, 5),
        (rng.standard_normal(5) + 3, 1),
        (rng.standard_normal(4), 4),
    ]
