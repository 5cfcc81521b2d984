"""Answers to ex_bias: solution, hints and typical mistakes. Spoilers."""

FUNCTION = "bias_vjp"
KIND = "vjp"
SOLUTION = """import numpy as np


def bias_vjp(g, x, b):
    return g, g.sum(axis=0)
"""
HINTS = (
    "b[j] is used n times: gradients of all uses add up.",
    "Which axis has to go?",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def bias_vjp(g, x, b):
    db = np.zeros_like(b)
    for row in g:
        db += row
    return g.copy(), db
""",
    """import numpy


def bias_vjp(g, x, b):
    return [g, numpy.ones(len(g)) @ g]
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("not_summed", "g.sum(axis=0)", "g"),
    (
        "factor",
        "g.sum(axis=0)",
        "g.mean(axis=0)",
        "dL/db is a mean over the rows; what comes back from all rows adds up.",
    ),
    ("wrong_axis", "axis=0", "axis=1", "It adds up along each row; b[j] was used in every row of column j."),
    ("shape", "g, g.sum(axis=0)", "g, g.sum()", "All of g is added up to one number, but b has one for each column."),
    ("shape", "axis=0", "axis=0, keepdims=True", "The numbers are right, but b has shape (d,), and this (1, d)."),
    ("not_summed", "g.sum(axis=0)", "g[0]", "Only the first row's part is there: b is used in every row."),
    (
        "ignores_upstream",
        "g, g.sum(axis=0)",
        "np.ones(g.shape), g.sum(axis=0)",
        "dL/dx doesn't depend on g: what comes from above passes a sum unchanged.",
    ),
    ("wrong_gradient", "g.sum(axis=0)", "(g * b).sum(axis=0)", "b is added, so its derivative is 1, and not b."),
    ("swapped", "g, g.sum(axis=0)", "g.sum(axis=0), g"),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("wrong_gradient", "g * x, g.sum(axis=0)", "x is added, so its derivative is 1, and not x."),
    ("wrong_gradient", "g + b, g.sum(axis=0)",
     "b plays no part in dL/dx: what comes from above passes a sum unchanged."),
    ("ignores_upstream", "x, b", "These are the inputs themselves; of a sum each derivative is 1, times g."),
    ("ignores_upstream", "g, np.ones(b.shape)", "dL/db doesn't depend on g: what comes back from all rows adds up."),
    ("ignores_upstream", "g, len(g) * b", "dL/db doesn't depend on g, and b's derivative is 1, not b."),
    ("shape", "1, 1", "The derivatives of the sum are 1, but g is missing, and the shapes are those of x and b."),
    ("ignores_upstream", "np.ones(x.shape), np.full(b.shape, len(x))",
     "Neither depends on g: they are the gradients of the sum of all outputs."),
)  # fmt: skip


def forward(x, b):
    return x + b


def cases(rng):
    return [(rng.standard_normal(shape), rng.standard_normal(shape[1])) for shape in ((5, 3), (3, 3), (1, 4), (4, 1))]
