"""Answers to ex_training_loop: solution, hints and typical mistakes. Spoilers."""

FUNCTION = "train"
KIND = "values"
SOLUTION = """import numpy as np


def train(x, y, w, b, lr, size, epochs):
    for _ in range(epochs):
        for start in range(0, len(x), size):
            xs, ys = x[start : start + size], y[start : start + size]
            error = w * xs + b - ys
            dw = np.mean(2 * error * xs)
            db = np.mean(2 * error)
            w = w - lr * dw
            b = b - lr * db
    return w, b
"""
HINTS = (
    "Two loops, one in the other: `for _ in range(epochs)`, and in it `for start in range(0, len(x), size)`.",
    "In the inner one, first cut the batch out of x and of y: from start to start + size.",
    "Compute the error p - y of the batch once, and both gradients from it, before you change w or b.",
    "Both steps go against the gradient: w = w - lr * dw, and b likewise.",
)
WRONG = (  # what is changed in the solution, and the kind of wrong that it is
    ("wrong_value", "w = w - lr * dw\n            b = b - lr * db", "w = w + lr * dw\n            b = b + lr * db",
     "It goes uphill: the step is against the gradient."),
    ("wrong_value", "db = np.mean(2 * error)\n            w = w - lr * dw",
     "w = w - lr * dw\n            db = np.mean(2 * (w * xs + b - ys))",
     "The gradient of b is computed with the new w: compute both gradients before you change either."),
    ("wrong_value", "np.mean(", "np.sum(", "The gradients are sums over the batch, where means are asked for."),
    ("wrong_value", "np.mean(2 * ", "np.mean(", "The gradients are half of what they should be: the square gives a 2."),
    ("wrong_value", "2 * error * xs", "2 * error", "The gradient of w lacks the factor x."),
    ("wrong_value", "range(epochs)", "range(1)", "It goes over the data once, not epochs times."),
    ("wrong_value", "xs, ys = x[start : start + size], y[start : start + size]", "xs, ys = x, y",
     "Each step uses all the points: cut out the batch first."),
    ("wrong_value", "np.mean(2 * error * xs)\n            db = np.mean(2 * error)",
     "np.sum(2 * error * xs) / size\n            db = np.sum(2 * error) / size",
     "The last batch is divided by size, but it is smaller: divide by the number of points in it."),
    ("wrong_value", "dw = np.mean(2 * error * xs)\n            db = np.mean(2 * error)",
     "more = start > 0 or _ > 0\n            dw = np.mean(2 * error * xs) + (dw if more else 0)\n"
     "            db = np.mean(2 * error) + (db if more else 0)",
     "The gradients of the batches before are still in it: compute them anew for each batch, as zero_grad has it."),
    ("wrong_value", "    return w, b", "            return w, b",
     "It stops after the first batch: is `return` indented too far?"),
)  # fmt: skip


def cases(rng):
    x, z = rng.standard_normal(7), rng.standard_normal(6)
    return [
        (x, 2 * x + 1 + 0.1 * rng.standard_normal(7), 0.5, -0.3, 0.05, 3, 4),
        (z, 1 - z + 0.1 * rng.standard_normal(6), 0.0, 0.0, 0.1, 2, 2),
    ]
