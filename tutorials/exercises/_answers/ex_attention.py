"""Answers to ex_attention: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "attention_vjp"
KIND = "vjp"
SOLUTION = """import numpy as np


def attention_vjp(g, s, v):
    e = np.exp(s - s.max(axis=1, keepdims=True))
    w = e / e.sum(axis=1, keepdims=True)
    dw = g @ v.T
    return w * (dw - (dw * w).sum(axis=1, keepdims=True)), w.T @ g
"""
HINTS = (
    "First the product: what do w and v get of g? For C = AB it is g B^T and A^T g.",
    "What w has got goes through the softmax: w times (itself minus one number for each row).",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def attention_vjp(g, s, v):
    ds, dv = np.zeros(s.shape), np.zeros(v.shape)
    for i in range(len(s)):
        w = np.exp(s[i]) / np.exp(s[i]).sum()
        dv += np.outer(w, g[i])
        ds[i] = (np.diag(w) - np.outer(w, w)) @ (v @ g[i])
    return ds, dv
""",
    """import numpy as np


def attention_vjp(g, s, v):
    w = np.exp(s) / np.exp(s).sum(axis=-1)[:, None]
    y = w @ v
    ds = w * (g @ v.T - (g * y).sum(axis=-1)[:, None])
    return ds, np.einsum("ij,id->jd", w, g)
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("swapped", "return w * (dw - (dw * w).sum(axis=1, keepdims=True)), w.T @ g",
     "return w.T @ g, w * (dw - (dw * w).sum(axis=1, keepdims=True))"),
    ("count", "return w * (dw - (dw * w).sum(axis=1, keepdims=True)), w.T @ g",
     "return w * (dw - (dw * w).sum(axis=1, keepdims=True))"),
    ("wrong_gradient", "w * (dw - (dw * w).sum(axis=1, keepdims=True))", "dw",
     "In dL/ds that is what w gets; it has still to go through the softmax."),
    ("wrong_gradient", "w * (dw - (dw * w).sum(axis=1, keepdims=True))", "w * dw",
     "In dL/ds a term is missing: s is in the softmax's sum below the line too."),
    ("wrong_gradient", "w * (dw - (dw * w).sum(axis=1, keepdims=True))", "dw * w * (1 - w)",
     "In dL/ds each weight depends on all scores of its row: what the others bring is forgotten."),
    ("wrong_gradient", "(dw * w).sum(axis=1, keepdims=True)", "(dw * w).sum(axis=0, keepdims=True)",
     "In dL/ds it adds up down the columns, over other places; each row is by itself."),
    ("wrong_gradient", "(dw * w).sum(axis=1, keepdims=True)", "(dw * w).sum()",
     "In dL/ds it adds up over all rows; each row is by itself."),
    ("wrong_gradient", "(dw * w).sum(axis=1, keepdims=True)", "(dw * w).mean(axis=1, keepdims=True)",
     "In dL/ds it takes the row's mean, where its sum is asked for."),
    ("wrong_gradient", "(dw * w).sum(axis=1, keepdims=True)", "dw.sum(axis=1, keepdims=True)",
     "In dL/ds the row's sum is one of dw * w, and not of dw alone."),
    ("wrong_gradient", "(dw - (dw", "(dw + (dw",
     "In dL/ds the row's sum is added, where it should be subtracted."),
    ("wrong_gradient", "return w * (dw", "return (dw", "In dL/ds the factor w in front is missing."),
    ("raises", "(dw * w).sum(axis=1, keepdims=True)", "(dw * w).sum(axis=1)",
     "A row's sum has lost its axis: keepdims=True keeps it, so that it fits beside dw."),
    ("raises", "g @ v.T", "g @ v", "What w gets is g v^T: v is transposed."),
    ("raises", "w.T @ g", "w @ g", "What v gets is w^T g: w is transposed."),
    ("raises", "w.T @ g", "g @ w", "What v gets is w^T g: w comes first, and is transposed."),
    ("transposed", "w.T @ g", "g.T @ w"),
    ("wrong_gradient", "w.T @ g", "s.T @ g", "In dL/dv the scores stand where the weights w should."),
    ("wrong_gradient", "w.T @ g", "e.T @ g", "In dL/dv the exp stands where the weights w should: divide by the sums."),
    ("wrong_gradient", "w.T @ g", "np.ones(s.T.shape) @ g",
     "In dL/dv each place gives the same; place j gets of g_i what it has given, w_ij."),
    ("ignores_upstream", "w.T @ g", "w.T @ np.ones(g.shape)",
     "dL/dv doesn't depend on g: it is the gradient of the sum of all outputs."),
    ("wrong_gradient", "dw = g @ v.T", "dw = v.sum(axis=1) + np.zeros(s.shape)",
     "g is missing in dL/ds: what w gets is g v^T."),
    ("wrong_gradient", "axis=1", "axis=0", "The softmax goes down the columns, where each row should add up to 1."),
    ("sign", "return w * (dw - (dw * w).sum(axis=1, keepdims=True)), w.T @ g",
     "return -w * (dw - (dw * w).sum(axis=1, keepdims=True)), -w.T @ g"),
    ("raises", "w.T @ g", "w @ g.T", "What v gets is w^T g: it is w that is transposed, and not g."),
)  # fmt: skip
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("wrong_gradient", "g @ v.T, s.T @ g", "These are the gradients of s v: the softmax in between is missing."),
)


def forward(s, v):
    e = np.exp(s - s.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True) @ v


def cases(rng):
    sizes = (3, 4, 2), (2, 5, 3), (1, 3, 4)
    return [(rng.standard_normal((n, m)), rng.standard_normal((m, d))) for n, m, d in sizes]
