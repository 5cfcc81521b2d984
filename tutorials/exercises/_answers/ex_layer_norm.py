"""Answers to ex_layer_norm: solution, hints and typical mistakes. Spoilers."""

FUNCTION = "normalise_vjp"
KIND = "vjp"
SOLUTION = """import numpy as np


def normalise_vjp(g, x):
    std = x.std(axis=1, keepdims=True)
    y = (x - x.mean(axis=1, keepdims=True)) / std
    return (g - g.mean(axis=1, keepdims=True) - y * (g * y).mean(axis=1, keepdims=True)) / std
"""
HINTS = (
    "If mean and std were constants it would be g / std. Two terms are to be taken from g.",
    "One is the row's mean of g, the other y times a mean.",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def normalise_vjp(g, x):
    out = np.zeros(x.shape)
    n, d = x.shape
    for i in range(n):
        std, centred = x[i].std(), x[i] - x[i].mean()
        centring = np.eye(d) - 1 / d
        jacobian = centring / std - np.outer(centred, centred) / (d * std**3)
        out[i] = g[i] @ jacobian
    return out
""",
    """import numpy as np


def normalise_vjp(g, x):
    d = x.shape[1]
    centred = x - x.mean(1)[:, None]
    var = (centred**2).mean(1)[:, None]
    dvar = -0.5 * (g * centred).sum(1)[:, None] * var**-1.5
    dcentred = g / np.sqrt(var) + 2 * centred * dvar / d
    return dcentred - dcentred.mean(1)[:, None]
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    (
        "held_constant",
        " - y * (g * y).mean(axis=1, keepdims=True)",
        "",
        "It forgets that std depends on x: a second term is to be taken from g.",
    ),
    (
        "held_constant",
        "(g - g.mean(axis=1, keepdims=True) - y * (g * y).mean(axis=1, keepdims=True)) / std",
        "g / std",
        "It forgets that mean and std depend on x: two terms are to be taken from g.",
    ),
    ("held_constant", " - g.mean(axis=1, keepdims=True)", "", "It forgets that the mean depends on x."),
    ("sign", "return (g", "return -(g"),
    ("wrong_axis", "axis=1", "axis=0", "It goes down the columns, where each row has its own mean and std."),
    (
        "wrong_gradient",
        "g.mean(axis=1, keepdims=True)",
        "g.mean()",
        "It takes the mean of all of g; each row has its own.",
    ),
    (
        "wrong_gradient",
        "(g * y).mean(axis=1",
        "(g * y).sum(axis=1",
        "Of g * y it takes the row's sum, where the mean is asked for.",
    ),
    ("wrong_gradient", "g.mean(axis=1", "g.sum(axis=1", "Of g it takes the row's sum, where the mean is asked for."),
    (
        "wrong_gradient",
        "x.std(axis=1, keepdims=True)",
        "x.std(axis=1, keepdims=True, ddof=1)",
        "std divides by d - 1; here it divides by d.",
    ),
    (
        "wrong_gradient",
        "x.std(axis=1, keepdims=True)",
        "x.var(axis=1, keepdims=True)",
        "It divides by the variance, where the standard deviation is asked for.",
    ),
    ("wrong_gradient", "- y * (g * y)", "- (g * y)", "The second term lacks a factor y."),
    ("wrong_gradient", "- y * (g * y)", "+ y * (g * y)", "The second term is added, where it should be subtracted."),
    (
        "wrong_gradient",
        "y * (g * y).mean(axis=1, keepdims=True)) / std",
        "y * (g * y).mean(axis=1, keepdims=True))",
        "The division by std is missing.",
    ),
    *(
        (
            "wrong_gradient",
            "    std = x.std(axis=1, keepdims=True)",
            f"    std = x.std(axis=1, keepdims=True) + {eps}",
            "Something is added to std, which changes rows that vary little.",
        )
        for eps in ("1e-8", "1e-7", "1e-6", "1e-5", "1e-10", "1e-12")
    ),
    *(
        (
            "wrong_gradient",
            "    std = x.std(axis=1, keepdims=True)",
            f"    std = np.sqrt(x.var(axis=1, keepdims=True) + {eps})",
            "Something is added under the root, which changes rows that vary little.",
        )
        for eps in ("1e-8", "1e-7", "1e-6", "1e-5", "1e-10", "1e-12")
    ),
    (
        "ignores_upstream",
        "(g - g.mean(axis=1, keepdims=True) - y * (g * y).mean(axis=1, keepdims=True)) / std",
        "np.ones(x.shape) / std",
        "g is missing, and that mean and std depend on x.",
    ),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("raises", "g / x.std(axis=1)",
     "A row's std has lost its axis: keepdims=True keeps it. And mean and std depend on x."),
    ("wrong_gradient",
     "    std = x.std(axis=1, keepdims=True)\n"
     "    y = (x - x.mean(axis=1, keepdims=True)) / std\n"
     "    return g * y\n",
     "That is g times y itself; its derivative is asked for."),
    ("wrong_gradient", "(g - g.mean()) / x.std()",
     "Mean and std are those of all numbers; each row has its own. And std depends on x too."),
    ("wrong_gradient", "(g - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)",
     "The mean to be taken from g is that of g, and not of x; and std depends on x too."),
    ("wrong_gradient", "g * (1 - 1 / x.shape[1]) / x.std(axis=1, keepdims=True)",
     "An element changes the others of its row too, by the mean; and std depends on x."),
    ("wrong_gradient",
     "    s = x.std(axis=1, keepdims=True)\n"
     "    y = (x - x.mean(axis=1, keepdims=True)) / s\n"
     "    return g - g.mean(axis=1, keepdims=True) - y * (g * y).mean(axis=1, keepdims=True)\n",
     "The division by std is missing."),
    ("wrong_gradient",
     "    s = x.std(axis=1, keepdims=True)\n"
     "    y = (x - x.mean(axis=1, keepdims=True)) / s\n"
     "    return (g - g.sum(axis=1, keepdims=True) - y * (g * y).sum(axis=1, keepdims=True)) / s\n",
     "It has sums where the means of the rows belong."),
    ("wrong_gradient",
     "    s = x.std(axis=1, keepdims=True)\n"
     "    y = x - x.mean(axis=1, keepdims=True)\n"
     "    return (g - g.mean(axis=1, keepdims=True) - y * (g * y).mean(axis=1, keepdims=True)) / s\n",
     "y isn't divided by std: y = (x - mean) / std."),
    ("wrong_gradient",
     "    y = (x - x.mean()) / x.std()\n"
     "    return (g - g.mean() - y * (g * y).mean()) / x.std()\n",
     "It has one mean and one std for the whole table, where each row has its own."),
)  # fmt: skip


def forward(x):
    return (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)


def cases(rng):
    return [
        (rng.standard_normal((3, 5)),),
        (1e-5 * rng.standard_normal((2, 4)),),
        (rng.standard_normal((3, 3)),),
        (rng.standard_normal((1, 4)) + 2,),
    ]
