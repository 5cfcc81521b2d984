"""Answers to ex_adagrad: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "adagrad"
KIND = "values"
SOLUTION = """import numpy as np


def adagrad(w, s, g, lr):
    s = s + g**2
    return w - lr * g / (np.sqrt(s) + 1e-10), s
"""
HINTS = (
    "s remembers all squared gradients that there ever were.",
    "The step is divided by the root of the new s.",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def adagrad(w, s, g, lr):
    new_s, new_w = s.copy(), w.copy()
    for i in np.ndindex(w.shape):
        new_s[i] += g[i] * g[i]
        new_w[i] -= lr / (new_s[i] ** 0.5 + 1e-10) * g[i]
    return new_w, new_s
""",
    """from numpy import power, sqrt, square


def adagrad(weights, sums, gradient, rate, eps=1e-10):
    sums = sums + square(gradient)
    scale = rate / (eps + power(sums, 0.5))
    return weights - scale * gradient, sums
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("wrong_value", "np.sqrt(s)", "s", "It divides by the sum of squares itself: the root is missing."),
    ("wrong_value", "g**2", "abs(g)", "It adds up sizes, where squares are asked for."),
    (
        "wrong_value",
        "(np.sqrt(s) + 1e-10)",
        "np.sqrt(s + 1e-10)",
        "eps belongs outside the root: sqrt(s') + 1e-10, not sqrt(s' + 1e-10).",
    ),
    ("not_finite", " + 1e-10", "", "eps is missing: where no gradient has come yet, the step is 0 / 0."),
    *(
        ("wrong_value", "1e-10", eps, f"eps is {eps}, where the task has 1e-10.")
        for eps in ("1e-8", "1e-7", "1e-6", "1e-5", "1e-9", "1e-12", "1e-16")
    ),
    *(
        ("wrong_value", "(np.sqrt(s) + 1e-10)", f"np.sqrt(s + {eps})", "eps belongs outside the root, and is 1e-10.")
        for eps in ("1e-8", "1e-7", "1e-6", "1e-5", "1e-20")
    ),
    ("changes_inputs", "s = s + g**2", "s += g**2"),
    (
        "wrong_value",
        "s = s + g**2",
        "s = g**2",
        "The old s is forgotten: AdaGrad adds up all squares that there ever were.",
    ),
    (
        "wrong_value",
        "s = s + g**2",
        "s = 0.9 * s + 0.1 * g**2",
        "That is RMSprop, which forgets; AdaGrad adds up all squares in full.",
    ),
    (
        "wrong_value",
        "    s = s + g**2\n    return w - lr * g / (np.sqrt(s) + 1e-10), s",
        "    return w - lr * g / (np.sqrt(s) + 1e-10), s + g**2",
        "The step is divided by the old s, where the new one is asked for.",
    ),
    ("wrong_value", "+ 1e-10), s", "+ 1e-10), np.sqrt(s)", "It gives the root of s', where s' itself is asked for."),
    (
        "wrong_value",
        "w - lr * g / (np.sqrt(s) + 1e-10), s",
        "s, w - lr * g / (np.sqrt(s) + 1e-10)",
        "The order is (w', s'): the weights come first.",
    ),
    ("wrong_value", "w - lr", "w + lr", "It goes uphill."),
    ("wrong_value", "lr * g /", "g /", "The learning rate has no effect."),
    ("count", "return w - lr * g / (np.sqrt(s) + 1e-10), s", "return w - lr * g / (np.sqrt(s) + 1e-10)"),
    (
        "wrong_value",
        "(np.sqrt(s) + 1e-10)",
        "np.maximum(np.sqrt(s), 1e-10)",
        "eps replaces small roots, where it is to be added to all.",
    ),
    (
        "wrong_value",
        "(np.sqrt(s) + 1e-10)",
        "np.where(s > 0, np.sqrt(s), 1)",
        "eps is missing: it avoids 0 / 0 in another way, which gives other numbers beside small roots.",
    ),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("wrong_value", "w - lr * g / (np.sqrt(s + g**2) + 1e-10), s",
     "The old s is returned, where the new one is asked for."),
    ("wrong_value", "w - lr * g / (np.sqrt(s) + 1e-10), s", "s isn't changed: add g**2 to it first."),
    ("wrong_value", "w - lr / (np.sqrt(s + g**2) + 1e-10), s + g**2", "g is missing in the step."),
    ("not_finite", "w - lr * g / (np.sqrt(s + g) + 1e-10), s + g",
     "It adds up gradients, where their squares are asked for."),
    ("wrong_value", "w - lr * g**2 / (np.sqrt(s + g**2) + 1e-10), s + g**2",
     "g is squared in the step, which loses its sign."),
    ("wrong_value", "w - lr * g * (np.sqrt(s + g**2) + 1e-10), s + g**2",
     "It multiplies by the root, where it should divide."),
    ("wrong_value", "w - lr * g / (np.sqrt((s + g**2).sum()) + 1e-10), s + g**2",
     "All squares are added up to one number; each element has its own s'."),
    ("wrong_value", "w - lr * g / (np.sqrt(s + g**2) + 1e-10), g**2",
     "g**2 alone is returned, where the new s is asked for."),
    ("wrong_value",
     "    s = s + np.sum(g**2)\n"
     "    return w - lr * g / (np.sqrt(s) + 1e-10), s\n",
     "The squares are added up: each element has its own s."),
)  # fmt: skip


def cases(rng):
    return [
        (rng.standard_normal(4), rng.standard_normal(4) ** 2, rng.standard_normal(4), 0.1),
        (rng.standard_normal((2, 3)), rng.standard_normal((2, 3)) ** 2, rng.standard_normal((2, 3)), 0.02),
        (rng.standard_normal((2, 3, 2)), rng.standard_normal((2, 3, 2)) ** 2, rng.standard_normal((2, 3, 2)), 0.1),
        (np.zeros(3), np.array([0, 0, 4e-20]), np.array([0, 3e-11, -1e-10]), 0.1),  # beside which eps is seen
    ]
