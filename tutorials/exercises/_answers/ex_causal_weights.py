"""Answers to ex_causal_weights: solution, hints and typical mistakes. Spoilers."""

FUNCTION = "causal_weights"
KIND = "values"
SOLUTION = """import numpy as np


def causal_weights(q, k):
    scores = q @ k.T / np.sqrt(q.shape[1])
    scores = np.where(np.tri(len(q), dtype=bool), scores, -np.inf)
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)
"""
HINTS = (
    "All scores at once are one matrix product; row i of it belongs to q_i.",
    "np.tri(n) has ones where j <= i. A score of -np.inf gets the weight 0.",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def causal_weights(q, k):
    n, d = q.shape
    weights = np.zeros((n, n))
    for i in range(n):
        e = np.exp(k[: i + 1] @ q[i] / d**0.5)
        weights[i, : i + 1] = e / e.sum()
    return weights
""",
    """import numpy as np


def causal_weights(q, k):
    e = np.tril(np.exp(np.einsum("id,jd->ij", q, k) / np.sqrt(k.shape[-1])))
    return e / e.sum(axis=-1)[:, None]
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("wrong_value", " / np.sqrt(q.shape[1])", "", "The scores aren't divided by the root of d."),
    ("wrong_value", "np.sqrt(q.shape[1])", "q.shape[1]", "It divides by d, where the root of d is asked for."),
    (
        "wrong_value",
        "np.sqrt(q.shape[1])",
        "np.sqrt(len(q))",
        "It divides by the root of n, how many places there are; d is how many numbers a row of q has.",
    ),
    (
        "wrong_value",
        "k.T / np.sqrt",
        "k.T * np.sqrt",
        "It multiplies by the root of d, where it should divide.",
    ),
    (
        "not_finite",
        "scores, -np.inf)",
        "-np.inf, scores)",
        "The mask is turned round: it hides what a place may see. The last one sees nothing then, and 0 / 0 is NaN.",
    ),
    (
        "wrong_value",
        "np.tri(len(q), dtype=bool)",
        "np.tri(len(q), dtype=bool).T",
        "The mask is upside down: each place looks at what comes after it.",
    ),
    (
        "wrong_value",
        "    scores = np.where(np.tri(len(q), dtype=bool), scores, -np.inf)\n",
        "",
        "The mask is missing: each place looks also at what comes after it.",
    ),
    (
        "wrong_value",
        "scores, -np.inf)",
        "scores, 0)",
        "A score of 0 isn't out of sight: exp(0) is 1. It takes -np.inf.",
    ),
    (
        "wrong_value",
        "np.tri(len(q), dtype=bool)",
        "np.tri(len(q), k=1, dtype=bool)",
        "Each place looks also at the next one: the mask is one too wide.",
    ),
    (
        "wrong_value",
        "axis=1",
        "axis=0",
        "The softmax goes down the columns; each row should add up to 1.",
    ),
    (
        "wrong_value",
        "q @ k.T",
        "k @ q.T",
        "q and k have changed places: row i belongs to the query of place i.",
    ),
    (
        "raises",
        "q @ k.T",
        "q @ k",
        "Rows meet rows in q @ k.T; without .T the shapes don't fit.",
    ),
    (
        "wrong_value",
        "return e / e.sum(axis=1, keepdims=True)",
        "return e",
        "The rows don't add up to 1: the division by their sums is missing.",
    ),
    (
        "wrong_value",
        "e.sum(axis=1, keepdims=True)",
        "e.sum()",
        "All weights together add up to 1, where each row should.",
    ),
    (
        "wrong_value",
        "e.sum(axis=1, keepdims=True)",
        "e.sum(axis=1)",
        "The rows' sums have lost their axis and divide the columns: keepdims=True keeps it.",
    ),
    (
        "shape",
        "return e / e.sum(axis=1, keepdims=True)",
        "return e / e.sum(axis=1, keepdims=True) @ k",
        "That takes the vectors already; the weights themselves are asked for.",
    ),
    (
        "wrong_value",
        "np.exp(scores - scores.max(axis=1, keepdims=True))",
        "(scores == scores.max(axis=1, keepdims=True))",
        "It gives all to the largest score; a softmax gives the others their share.",
    ),
    (
        "wrong_value",
        "q @ k.T",
        "q @ q.T",
        "The queries are compared with themselves; the keys are missing.",
    ),
    (
        "wrong_value",
        "q @ k.T",
        "k @ k.T",
        "The keys are compared with themselves; the queries are missing.",
    ),
    (
        "wrong_value",
        "q @ k.T / np.sqrt(q.shape[1])",
        "-((q[:, None] - k) ** 2).sum(axis=2) / np.sqrt(q.shape[1])",
        "It compares by distances, where the score is a product q_i · k_j.",
    ),
    (
        "not_finite",
        "np.tri(len(q), dtype=bool)",
        "np.tri(len(q), k=-1, dtype=bool)",
        "A place looks also at itself; place 0 may look nowhere here, which gives 0 / 0.",
    ),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("wrong_value", "np.tri(len(q)) / np.arange(1, len(q) + 1)[:, None]",
     "That is the mean of the past: q and k have no effect."),
    ("wrong_value",
     "    e = np.exp(q @ k.T / np.sqrt(q.shape[1]))\n"
     "    return np.tril(e / e.sum(axis=1, keepdims=True))\n",
     "The mask comes too late: the sums have the places after i in them, and the rows don't add up to 1."),
    ("wrong_value", "np.tril(q @ k.T / np.sqrt(q.shape[1]))",
     "These are the scores: the softmax is missing."),
    ("wrong_value",
     "    s = np.tril(q @ k.T / np.sqrt(q.shape[1]))\n"
     "    return s / s.sum(axis=1, keepdims=True)\n",
     "The exp is missing: a softmax divides exp of the scores by their sum."),
)  # fmt: skip


def cases(rng):
    sizes = (4, 3), (5, 2), (3, 6), (1, 2)
    return [(rng.standard_normal(size), rng.standard_normal(size)) for size in sizes]
