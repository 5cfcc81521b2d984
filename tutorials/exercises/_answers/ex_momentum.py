"""Answers to ex_momentum: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "momentum"
KIND = "values"
SOLUTION = """import numpy as np


def momentum(w, v, g, lr, mu):
    v = mu * v + g
    return w - lr * v, v
"""
HINTS = (
    "First the new velocity, then the step.",
    "`v = ...` makes a new array, `v *= ...` changes the old one.",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def momentum(w, v, g, lr, mu):
    new = v.copy()
    new *= mu
    new += g
    return [np.subtract(w, lr * new), new]
""",
    """class State:
    def __init__(self, v):
        self.v = v
    def step(self, w, g, lr, mu):
        self.v = g + self.v * mu
        return w + (-lr) * self.v


def momentum(w, v, g, lr, mu):
    state = State(v)
    new = state.step(w, g, lr, mu)
    return new, state.v
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("changes_inputs", "v = mu * v + g", "v *= mu\n    v += g"),
    ("wrong_value", "w - lr * v", "w - lr * g", "The step forgets the velocity."),
    (
        "wrong_value",
        "mu * v + g",
        "mu * v + (1 - mu) * g",
        "The velocity is an average of gradients, where this formula adds them in full.",
    ),
    ("wrong_value", "w - lr * v, v", "v, w - lr * v", "The order is (w', v'): the weights come first."),
    (
        "wrong_value",
        "    v = mu * v + g\n    return w - lr * v, v",
        "    return w - lr * v, mu * v + g",
        "The step uses the old velocity, where the new one is asked for.",
    ),
    (
        "wrong_value",
        "    v = mu * v + g\n    return w - lr * v, v",
        "    v = mu * v + lr * g\n    return w - v, v",
        "The learning rate is inside the velocity; here it multiplies the step alone.",
    ),
    (
        "wrong_value",
        "    v = mu * v + g\n    return w - lr * v, v",
        "    v = mu * v - lr * g\n    return w + v, v",
        "The learning rate and the minus are inside the velocity; here they belong to the step.",
    ),
    ("wrong_value", "w - lr * v", "w + lr * v", "It goes uphill."),
    ("wrong_value", "w - lr * v", "w - v", "The learning rate has no effect."),
    (
        "wrong_value",
        "w - lr * v",
        "w - lr * (g + mu * v)",
        "That is Nesterov's variant: the step looks ahead once more.",
    ),
    ("wrong_value", "mu * v + g", "mu * (v + g)", "mu shrinks the old velocity alone, and not g."),
    ("count", "return w - lr * v, v", "return w - lr * v"),
    (
        "wrong_value",
        "    v = mu * v + g\n    return w - lr * v, v",
        "    return w - lr * (mu * v + g), v",
        "The old v is returned, where the new one is asked for.",
    ),
    (
        "wrong_value",
        "    v = mu * v + g\n    return w - lr * v, v",
        "    v = mu * v - g\n    return w + lr * v, v",
        "The minus is inside the velocity; here it belongs to the step.",
    ),
    (
        "wrong_value",
        "mu * v + g",
        "(1 - mu) * v + mu * g",
        "mu and 1 - mu: the velocity keeps mu of the old one, and g is added in full.",
    ),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("wrong_value", "w - lr * mu * v + g, mu * v + g", "Only mu v is multiplied by lr: v' needs brackets."),
    ("count", "w - lr * (mu * v + g)", "Two arrays are asked for, in a tuple: w', and v'."),
    ("wrong_value", "w - lr * (v + mu * g), v + mu * g", "mu multiplies g, where it should multiply the old velocity."),
    ("wrong_value", "w - lr * (mu * v - g), mu * v - g", "g is subtracted in v', where it should be added."),
    ("wrong_value", "w - lr * (v + g), v + g", "mu is missing: the old velocity is multiplied by it."),
    ("wrong_value", "w - lr * mu * (mu * v + g), mu * v + g", "There is a mu too much in the step: it is lr times v'."),
    ("wrong_value", "-lr * (mu * v + g), mu * v + g", "That is the step alone; the new w is asked for."),
    ("wrong_value", "    v = 0.9 * v + g\n    return w - lr * v, v\n", "It has 0.9, where mu is given."),
)  # fmt: skip


def cases(rng):
    return [
        (rng.standard_normal(4), rng.standard_normal(4), rng.standard_normal(4), 0.1, 0.9),
        (rng.standard_normal((2, 3)), rng.standard_normal((2, 3)), rng.standard_normal((2, 3)), 0.02, 0.5),
        (np.array([1.0, 2.0]), np.array([3.0, 0.0]), np.array([0.0, -1.0]), 0.5, 0.8),
        (rng.standard_normal((2, 3, 2)), rng.standard_normal((2, 3, 2)), rng.standard_normal((2, 3, 2)), 0.1, 0.9),
    ]
