"""Answers to ex_step: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "step"
KIND = "values"
SOLUTION = """import numpy as np


def step(w, g, lr):
    return w - lr * g
"""
HINTS = (
    "Downhill is against the gradient.",
    "`w -= ...` changes the caller's array.",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def step(w, g, lr):
    new = w.copy()
    new -= lr * g
    return new
""",
    """import numpy as np


def step(w, g, lr):
    return np.add(w, np.negative(np.multiply(g, lr)))
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("wrong_value", "w - lr", "w + lr", "It goes uphill: the gradient points to where the loss grows."),
    ("changes_inputs", "return w - lr * g", "w -= lr * g\n    return w"),
    ("wrong_value", "lr * g", "g", "The learning rate has no effect."),
    ("wrong_value", "w - lr * g", "-lr * g", "That is the step alone; the new w is asked for."),
    ("wrong_value", "w - lr * g", "lr * g", "That is the step alone, and uphill; the new w is asked for."),
    ("wrong_value", "lr * g", "g / lr", "It divides by the learning rate: a smaller one should make smaller steps."),
    ("wrong_value", "w - lr * g", "lr * (w - g)", "lr multiplies the gradient alone, and not w."),
    ("wrong_value", "lr * g", "lr * g * w", "The step depends on the gradient alone, and not on w."),
    ("wrong_value", "lr * g", "lr * np.sign(g)", "It takes the gradient's sign alone; its size counts too."),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("wrong_value", "w * lr - g", "lr multiplies w, where it should multiply the gradient."),
    ("wrong_value", "w - lr", "The gradient has no effect: lr multiplies it."),
    ("wrong_value", "g - lr * w", "w and g are swapped: the step goes from w, along the gradient."),
    ("wrong_value", "w - lr * g**2", "The gradient is squared, which loses its sign."),
    ("wrong_value", "w - lr * g.sum()", "Each element of w has its own part of the gradient: don't add them up."),
    ("wrong_value", "w - lr * g / len(g)", "It divides by the length of g; take the gradient as it is."),
    ("wrong_value", "w - lr * g / np.sqrt((g**2).sum())", "The gradient is made one long; take it as it is."),
    ("wrong_value", "(1 - lr) * w", "That shrinks w, and the gradient has no effect."),
    ("wrong_value", "w - 0.1 * g", "It has a learning rate of its own: use lr."),
    ("wrong_value", "w - lr * g.mean()", "It takes the mean of g: each element of w moves by its own g."),
)  # fmt: skip


def cases(rng):
    return [
        (rng.standard_normal((2, 3)), rng.standard_normal((2, 3)), 0.1),
        (rng.standard_normal(4), rng.standard_normal(4), 0.03),
        (np.array([1.0, 0.0]), np.array([0.0, -4.0]), 2.0),
        (rng.standard_normal((2, 3, 2)), rng.standard_normal((2, 3, 2)), 0.1),
    ]
