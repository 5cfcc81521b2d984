"""Answers to ex_mean: solution, hints and typical mistakes. Spoilers."""

FUNCTION = "mean_vjp"
KIND = "vjp"
SOLUTION = """import numpy as np


def mean_vjp(g, x):
    return g * np.ones(x.shape) / x.size
"""
HINTS = (
    "A mean is a sum, divided by how many there are.",
    "All elements get the same.",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def mean_vjp(g, x):
    return np.full_like(x, g / np.prod(x.shape))
""",
    """def mean_vjp(upstream, values):
    share = upstream / values.size
    return 0 * values + share
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("factor", " / x.size", "", "That is the gradient of a sum; a mean divides it."),
    (
        "ignores_upstream",
        "g * ",
        "",
        "It doesn't depend on g: what comes from above is multiplied by the mean's derivative.",
    ),
    ("shape", "np.ones(x.shape)", "1.0", "The number is right, but there should be one for each element of x."),
    (
        "factor",
        "/ x.size",
        "/ len(x)",
        "It divides by the number of rows, where the number of all elements is asked for.",
    ),
    (
        "factor",
        "/ x.size",
        "/ x.shape[-1]",
        "It divides by the length of a row, where the number of all elements is asked for.",
    ),
    (
        "wrong_gradient",
        "np.ones(x.shape)",
        "x",
        "How much does y change if one element grows by 1? That doesn't depend on x.",
    ),
    (
        "wrong_gradient",
        "g * np.ones(x.shape) / x.size",
        "np.full(x.shape, g * x.mean())",
        "That is g times the mean itself, not the mean's derivative.",
    ),
    ("factor", "/ x.size", "* x.size", "It multiplies by how many there are; a mean divides."),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("shape", "g * x.mean()", "That is g times the mean itself; one derivative for each element of x is asked for."),
    ("shape", "g / x.shape", "x.shape is a tuple; how many elements there are is x.size."),
    ("wrong_gradient", "g * x",
     "How much does y change if one element grows by 1? That doesn't depend on x, but on how many there are."),
    ("shape", "np.mean(g * x)", "That is g times the mean itself; one derivative for each element of x is asked for."),
    ("wrong_gradient", "g * (x - x.mean()) / x.size",
     "x doesn't belong in it: each element's share of the mean is 1 / x.size."),
    ("wrong_gradient", "g * np.ones(x.shape) / x.sum()",
     "It divides by the sum of x, where the number of elements is asked for, x.size."),
)  # fmt: skip


def forward(x):
    return x.mean()


def cases(rng):
    return [(rng.standard_normal(shape),) for shape in ((4, 3), (5,), (2, 3, 4))]
