"""Answers to ex_batch_norm: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "batch_norm"
KIND = "values"
SOLUTION = """import numpy as np


def batch_norm(x, running_mean, running_var):
    mean, var = x.mean(axis=0), x.var(axis=0)
    y = (x - mean) / np.sqrt(var + 1e-5)
    new_mean = 0.9 * running_mean + 0.1 * mean
    new_var = 0.9 * running_var + 0.1 * x.var(axis=0, ddof=1)
    return y, new_mean, new_var
"""
HINTS = (
    "A feature is a column: its mean goes over the examples, axis 0.",
    "x.var(axis=0) divides by n, x.var(axis=0, ddof=1) by n - 1. Both are needed, in different places.",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def batch_norm(x, running_mean, running_var):
    n, d = x.shape
    y = np.zeros((n, d))
    for j in range(d):
        centred = x[:, j] - sum(x[:, j]) / n
        y[:, j] = centred / (sum(centred**2) / n + 0.00001) ** 0.5
    var = ((x - x.mean(0)) ** 2).sum(0) / (n - 1)
    return y, running_mean + (x.mean(0) - running_mean) / 10, running_var + (var - running_var) / 10
""",
    """import numpy as np
import tinydl as tl


def batch_norm(x, running_mean, running_var):
    with tl.default_dtype(np.float64):
        layer = tl.nn.BatchNorm1d(x.shape[1])
    layer.running_mean, layer.running_var = running_mean, running_var
    return layer(x).data, layer.running_mean, layer.running_var
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("wrong_value", "x.var(axis=0, ddof=1)", "var", "The running variance takes the one that divides by n - 1."),
    (
        "wrong_value",
        "x.var(axis=0)\n",
        "x.var(axis=0, ddof=1)\n",
        "For y the variance divides by n, as NumPy's does by itself.",
    ),
    (
        "wrong_value",
        "(var + 1e-5)",
        "(var)",
        "eps is missing: 1e-5 belongs under the root, and shows where a feature varies little.",
    ),
    (
        "wrong_value",
        "np.sqrt(var + 1e-5)",
        "(np.sqrt(var) + 1e-5)",
        "eps belongs under the root, beside the variance, not beside the standard deviation.",
    ),
    (
        "wrong_value",
        "np.sqrt(var + 1e-5)",
        "(var + 1e-5)",
        "y is divided by the variance; its root, the standard deviation, is asked for.",
    ),
    ("wrong_value", "1e-5", "1e-8", "eps is 1e-8, where the task has 1e-5."),
    ("wrong_value", "(x - mean) /", "x /", "The mean isn't subtracted: y should have mean 0."),
    (
        "wrong_value",
        "x - mean",
        "x - running_mean",
        "While training y takes the batch's own mean; the running one is for eval mode.",
    ),
    (
        "wrong_value",
        "np.sqrt(var +",
        "np.sqrt(running_var +",
        "While training y takes the batch's own variance; the running one is for eval mode.",
    ),
    (
        "wrong_value",
        "y = (x - mean) / np.sqrt(var + 1e-5)",
        "y = (x - running_mean) / np.sqrt(running_var + 1e-5)",
        "That is eval mode: while training y takes mean and variance of the batch.",
    ),
    (
        "wrong_value",
        "0.9 * running_mean + 0.1 * mean",
        "0.1 * running_mean + 0.9 * mean",
        "0.9 belongs to the old running mean, 0.1 to the new mean.",
    ),
    (
        "wrong_value",
        "0.9 * running_var + 0.1 *",
        "0.1 * running_var + 0.9 *",
        "0.9 belongs to the old running variance, 0.1 to the new variance.",
    ),
    (
        "wrong_value",
        "0.9 * running_mean + 0.1 * mean",
        "mean",
        "The running mean is replaced by the batch's, where it should only follow: 0.9 old, 0.1 new.",
    ),
    (
        "wrong_value",
        "0.9 * running_mean + 0.1 * mean",
        "running_mean",
        "The running mean doesn't follow: 0.9 of the old and 0.1 of the new.",
    ),
    (
        "wrong_value",
        "0.9 * running_mean + 0.1 * mean",
        "running_mean + 0.1 * mean",
        "The old running mean is kept whole; 0.9 of it is asked for, so that both shares make 1.",
    ),
    (
        "wrong_value",
        "x.mean(axis=0), x.var(axis=0)\n",
        "x.mean(), x.var()\n",
        "It takes one mean and one variance of all numbers; each feature has its own: axis=0.",
    ),
    (
        "wrong_value",
        "x.mean(axis=0)",
        "x.mean()",
        "x.mean() without an axis is one mean of all numbers; each feature has its own: axis=0.",
    ),
    (
        "wrong_value",
        "x.var(axis=0)\n",
        "x.var()\n",
        "The variance for y is one of all numbers, x.var() without an axis; each feature has its own: axis=0.",
    ),
    (
        "wrong_value",
        "x.var(axis=0, ddof=1)",
        "x.var(ddof=1)",
        "The running variance follows one variance of all numbers; each feature has its own: axis=0.",
    ),
    (
        "wrong_value",
        "return y, new_mean, new_var",
        "return y, new_var, new_mean",
        "Mean and variance have changed places in the tuple.",
    ),
    (
        "raises",
        "x.mean(axis=0), x.var(axis=0)\n",
        "x.mean(axis=1), x.var(axis=1)\n",
        "It goes along the rows, over the features of one example; a feature is normalised over the batch: axis=0.",
    ),
    ("raises", "x.mean(axis=0)", "x.mean(axis=2)", "x has two axes only, 0 for examples and 1 for features."),
    ("count", "return y, new_mean, new_var", "return y"),
    (
        "changes_inputs",
        "new_mean = 0.9 * running_mean + 0.1 * mean",
        "running_mean *= 0.9; running_mean += 0.1 * mean; new_mean = running_mean",
    ),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("wrong_value",
     "    y = (x - x.mean()) / np.sqrt(x.var() + 1e-5)\n"
     "    return y, 0.9 * running_mean + 0.1 * x.mean(), 0.9 * running_var + 0.1 * x.var(ddof=1)\n",
     "x.mean() and x.var() without an axis take all numbers together; each feature has its own: axis=0."),
    ("wrong_value",
     "    y = (x - x.mean()) / np.sqrt(x.var() + 1e-5)\n"
     "    return y, 0.9 * running_mean + 0.1 * x.mean(), 0.9 * running_var + 0.1 * x.var()\n",
     "Without an axis mean and variance take all numbers together; each feature has its own: axis=0. And the running "
     "variance divides by n - 1."),
    ("wrong_value",
     "    y = (x - x.mean()) / np.sqrt(x.var(axis=0) + 1e-5)\n"
     "    return y, 0.9 * running_mean + 0.1 * x.mean(axis=0), 0.9 * running_var + 0.1 * x.var(axis=0, ddof=1)\n",
     "y subtracts x.mean() without an axis, one mean of all numbers; each feature has its own: axis=0."),
    ("wrong_value",
     "    y = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-5)\n"
     "    return y, 0.9 * running_mean + 0.1 * x.mean(), 0.9 * running_var + 0.1 * x.var(axis=0, ddof=1)\n",
     "The running mean follows x.mean() without an axis, one mean of all numbers; each feature has its own: axis=0."),
    ("wrong_value",
     "    y = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-5)\n"
     "    return y, 0.1 * running_mean + 0.9 * x.mean(axis=0), 0.1 * running_var + 0.9 * x.var(axis=0, ddof=1)\n",
     "The shares have changed places in both: 0.9 belongs to the old running mean and variance, 0.1 to the new ones."),
    ("wrong_value",
     "    y = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-5)\n"
     "    return y, 0.1 * running_mean + 0.9 * x.mean(axis=0), 0.1 * running_var + 0.9 * x.var(axis=0)\n",
     "The shares have changed places, 0.9 belongs to the old ones; and the running variance takes the one by n - 1."),
    ("wrong_value",
     "    y = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-5)\n"
     "    return y, 0.9 * running_mean + 0.1 * x.mean(axis=0), 0.9 * running_var + 0.1 * x.std(axis=0, ddof=1)\n",
     "The running variance follows the standard deviation; it should follow the variance, its square."),
    ("wrong_value",
     "    c = x - x.mean(axis=0)\n"
     "    return c, 0.9 * running_mean + 0.1 * x.mean(axis=0), 0.9 * running_var + 0.1 * x.var(axis=0, ddof=1)\n",
     "y is centred but not divided by the standard deviation."),
    ("shape",
     "    m, v = x.mean(axis=0, keepdims=True), x.var(axis=0, ddof=1, keepdims=True)\n"
     "    y = (x - m) / np.sqrt(x.var(axis=0) + 1e-5)\n"
     "    return y, 0.9 * running_mean + 0.1 * m, 0.9 * running_var + 0.1 * v\n",
     "With keepdims=True the running ones have two axes, (1, d); they should be (d,)."),
    ("wrong_value",
     "    y = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-5)\n"
     "    return y, 0.9 * running_mean + 0.1 * y.mean(axis=0), 0.9 * running_var + 0.1 * y.var(axis=0, ddof=1)\n",
     "The running ones follow mean and variance of y, which are 0 and 1; those of x are asked for."),
    ("wrong_value",
     "    new_mean = 0.9 * running_mean + 0.1 * x.mean(axis=0)\n"
     "    new_var = 0.9 * running_var + 0.1 * x.var(axis=0, ddof=1)\n"
     "    return (x - new_mean) / np.sqrt(new_var + 1e-5), new_mean, new_var\n",
     "y is normalised with the running averages; while training it takes mean and variance of the batch."),
    ("raises",
     "    m, v = x.mean(axis=1, keepdims=True), x.var(axis=1, keepdims=True)\n"
     "    y = (x - m) / np.sqrt(v + 1e-5)\n"
     "    return y, 0.9 * running_mean + 0.1 * x.mean(axis=1), 0.9 * running_var + 0.1 * x.var(axis=1, ddof=1)\n",
     "axis=1 goes over the features of one example; a feature is normalised over the batch: axis=0."),
    ("wrong_value",
     "    y = (x - x.mean(axis=1, keepdims=True)) / np.sqrt(x.var(axis=1, keepdims=True) + 1e-5)\n"
     "    return y, 0.9 * running_mean + 0.1 * x.mean(axis=0), 0.9 * running_var + 0.1 * x.var(axis=0, ddof=1)\n",
     "y is normalised over the features of each example; a feature is normalised over the batch: axis=0."),
)  # fmt: skip


def cases(rng):
    return [
        (rng.normal(3, 2, size=(5, 3)), rng.normal(size=3), rng.uniform(0.5, 2, size=3)),
        (rng.normal(-1, 1e-3, size=(4, 2)), np.zeros(2), np.ones(2)),
        (rng.normal(0, 0.5, size=(2, 5)), rng.normal(size=5), rng.uniform(0.5, 2, size=5)),
    ]
