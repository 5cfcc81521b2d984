"""Answers to ex_softmax_vjp: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "softmax_vjp"
KIND = "vjp"
SOLUTION = """import numpy as np


def softmax_vjp(g, x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    y = e / e.sum(axis=1, keepdims=True)
    return y * (g - (g * y).sum(axis=1, keepdims=True))
"""
HINTS = (
    "dy[j]/dx[k] = y[j] (1 if j = k, else 0) - y[j] y[k]. Multiply by g[j] and add up over j.",
    "Of the sum remains one number per row.",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def softmax_vjp(g, x):
    out = np.zeros(x.shape)
    for i in range(len(x)):
        y = np.exp(x[i]) / np.exp(x[i]).sum()
        jacobian = np.diag(y) - np.outer(y, y)
        out[i] = jacobian @ g[i]
    return out
""",
    """import numpy as np


def softmax_vjp(g, x):
    y = np.exp(x) / np.sum(np.exp(x), axis=-1)[:, None]
    return g * y - y * np.einsum("ij,ij->i", g, y)[:, None]
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    (
        "not_summed",
        "y * (g - (g * y).sum(axis=1, keepdims=True))",
        "g * y * (1 - y)",
        "Each output depends on all inputs of its row: what the others bring is forgotten.",
    ),
    (
        "wrong_gradient",
        "(g * y).sum(axis=1, keepdims=True)",
        "(g * y).sum(axis=0, keepdims=True)",
        "It adds up along axis 0, over other examples; each row is by itself.",
    ),
    (
        "wrong_gradient",
        "(g * y).sum(axis=1, keepdims=True)",
        "(g * y).sum()",
        "It adds up over all rows; each row is by itself.",
    ),
    (
        "raises",
        "(g * y).sum(axis=1, keepdims=True)",
        "(g * y).sum(axis=1)",
        "A row's sum has lost its axis: keepdims=True keeps it, so that it fits beside g.",
    ),
    ("sign", "return y * (g", "return -y * (g"),
    (
        "wrong_gradient",
        "e / e.sum(axis=1, keepdims=True)",
        "e / e.sum(axis=0, keepdims=True)",
        "The softmax goes down the columns, where each row should add up to 1.",
    ),
    ("wrong_gradient", "axis=1", "axis=0", "Everything goes down the columns, where each row is by itself."),
    (
        "wrong_gradient",
        "(g * y).sum(axis=1, keepdims=True)",
        "g.sum(axis=1, keepdims=True)",
        "The sum over the row is one of g * y, and not of g alone.",
    ),
    (
        "wrong_gradient",
        "(g * y).sum(axis=1, keepdims=True)",
        "(g * y).mean(axis=1, keepdims=True)",
        "It takes the row's mean of g * y, where the sum is asked for.",
    ),
    ("wrong_gradient", "return y * (g", "return (g", "The factor y in front is missing."),
    (
        "ignores_upstream",
        "y * (g - (g * y).sum(axis=1, keepdims=True))",
        "y * (1 - y)",
        "g is missing, and what the other outputs of the row bring.",
    ),
    (
        "wrong_gradient",
        "y * (g - (g * y).sum(axis=1, keepdims=True))",
        "g * y",
        "Only the numerator was differentiated; x is in the sum below the line too.",
    ),
    (
        "wrong_gradient",
        "y * (g - (g * y).sum(axis=1, keepdims=True))",
        "y * (g + (g * y).sum(axis=1, keepdims=True))",
        "The row's sum is added, where it should be subtracted.",
    ),
    (
        "wrong_gradient",
        "    e = np.exp(x - x.max(axis=1, keepdims=True))\n    y = e / e.sum(axis=1, keepdims=True)",
        "    y = np.exp(x) / np.exp(x).sum(axis=0)",
        "The softmax goes down the columns, where each row should add up to 1.",
    ),
    (
        "wrong_gradient",
        "(g * y).sum(axis=1, keepdims=True)",
        "g.mean(axis=1, keepdims=True)",
        "The sum over the row is one of g * y, and not a mean of g.",
    ),
    (
        "wrong_gradient",
        "y * (g - (g * y).sum(axis=1, keepdims=True))",
        "y * g - (y * g).sum(axis=1, keepdims=True)",
        "y belongs to both terms: y times the row's sum is to be subtracted.",
    ),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("wrong_gradient", "    y = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)\n"
     "    return g * y * (1 - y) - (g * y).sum(axis=1, keepdims=True)\n",
     "The row's sum has g * y itself in it, so the factor is y alone: y times (g minus the row's sum)."),
    ("wrong_gradient",
     "    y = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)\n"
     "    return y * (g - y)\n",
     "The row's sum of g * y is to be subtracted from g, and not y."),
    ("wrong_gradient",
     "    y = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)\n"
     "    return g * (y - (y**2).sum(axis=1, keepdims=True))\n",
     "g belongs into the row's sum: what comes from above is another number for each output."),
    ("wrong_gradient",
     "    y = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)\n"
     "    return y - (g * y).sum(axis=1, keepdims=True)\n",
     "g is missing in the first term: y times (g minus the row's sum of g * y)."),
    ("wrong_gradient", "x * (g - (g * x).sum(axis=1, keepdims=True))", "x stands where its softmax y should."),
    ("wrong_gradient",
     "    y = np.exp(x) / np.exp(x).sum()\n"
     "    return y * (g - (g * y).sum(axis=1, keepdims=True))\n",
     "All of y adds up to 1, where each row should."),
    ("wrong_gradient",
     "    y = np.exp(x)\n"
     "    return y * (g - (g * y).sum(axis=1, keepdims=True))\n",
     "y isn't divided by the row's sum: it must be the softmax."),
)  # fmt: skip


def forward(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def cases(rng):
    return [(rng.standard_normal(shape),) for shape in ((3, 4), (3, 3), (1, 5))]
