"""Answers to ex_through_time: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "through_time_vjp"
KIND = "vjp"
WRT = (1,)
SOLUTION = """import numpy as np


def states(x, U):
    h = [np.zeros(len(U))]
    for x_t in x:
        h.append(np.tanh(x_t + U @ h[-1]))
    return np.array(h)


def through_time_vjp(g, x, U):
    h, dU = states(x, U), np.zeros(U.shape)
    for t in range(len(x), 0, -1):
        a = (1 - h[t] ** 2) * g
        dU += np.outer(a, h[t - 1])
        g = U.T @ a
    return dU
"""
HINTS = (
    "Go from t = T down to 1. Through the tanh the gradient is multiplied by 1 - h_t^2.",
    "U @ h has the gradient np.outer(a, h) for U, where a is the gradient of U @ h; for h it is U.T @ a.",
    "Each step used U once more: add up.",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def through_time_vjp(g, x, U):
    h = [0 * x[0]]
    for x_t in x:
        h.append(np.tanh(x_t + U @ h[-1]))
    parts = []
    for now, before in zip(h[:0:-1], h[-2::-1]):
        a = g * (1 - now * now)
        parts.append(a[:, None] * before)
        g = a @ U
    return sum(parts)
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("not_summed", "dU +=", "dU =",
     "Only the part of the first step is left, where U met h_0 = 0; the gradients of all uses of U add up."),
    ("wrong_gradient", "(1 - h[t] ** 2) * g", "g", "The slope of tanh is missing: 1 - h_t^2."),
    ("wrong_gradient", "1 - h[t] ** 2", "1 - h[t]", "The slope of tanh is 1 - h_t^2: the square is missing."),
    ("wrong_gradient", "1 - h[t] ** 2", "1 - h[t - 1] ** 2",
     "The slope of tanh is taken at the state before: it is 1 - h_t^2, with what came out."),
    ("wrong_gradient", "1 - h[t] ** 2", "1 - np.tanh(h[t]) ** 2",
     "h_t is a tanh already: its slope is 1 - h_t^2, without another tanh."),
    ("wrong_gradient", "1 - h[t] ** 2", "h[t] * (1 - h[t])", "That is the slope of sigmoid; of tanh it is 1 - h_t^2."),
    ("wrong_gradient", "g = U.T @ a", "g = U @ a", "On the way back U is transposed: U.T @ a."),
    ("wrong_gradient", "g = U.T @ a", "g = U.T @ g", "The slope of tanh belongs to the way back, too: U.T @ a."),
    ("wrong_gradient", "g = U.T @ a", "g = a", "On the way back the factor U.T is missing."),
    ("wrong_gradient", "        g = U.T @ a\n", "",
     "g stays that of the last state: each step back multiplies it by the slope and by U.T."),
    ("wrong_gradient", "g = U.T @ a", "g = g + U.T @ a",
     "The gradient of the state before is U.T @ a alone: L depends on the last state only."),
    ("wrong_gradient", "np.outer(a, h[t - 1])", "np.outer(a, h[t])", "U met the state before: h[t - 1], not h[t]."),
    ("transposed", "np.outer(a, h[t - 1])", "np.outer(h[t - 1], a)",
     "The outer product is turned round: dL/dU has a_i h_j in row i and column j, np.outer(a, h[t - 1])."),
    ("wrong_gradient", "np.outer(a, h[t - 1])", "np.outer(g, h[t - 1])",
     "In dL/dU the slope of tanh is missing: a, not g, goes into the product."),
    ("wrong_gradient", "np.outer(a, h[t - 1])", "np.outer(a, x[t - 1])",
     "That would be the gradient of a weight before x: U met the state h_(t-1)."),
    ("wrong_gradient", "range(len(x), 0, -1)", "range(1, len(x) + 1)",
     "It goes forwards: the gradient begins at the last state, so go from T down to 1."),
    ("wrong_gradient", "range(len(x), 0, -1)", "range(len(x), 1, -1)[:1]",
     "That is the last step's part alone: U was used in all steps before, too."),
    ("sign", "return dU", "return -dU"),
    ("wrong_gradient", "return dU", "return dU / len(x)", "It is the mean over the steps; the gradients add up."),
)  # fmt: skip
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("wrong_gradient", "np.outer((1 - states(x, U)[-1] ** 2) * g, states(x, U)[-2])",
     "That is the last step's part alone: U was used in all steps before, too."),
    ("wrong_gradient", "sum(np.outer((1 - h_t**2) * g, before) for h_t, before in zip(states(x, U)[1:], states(x, U)))",
     "g stays that of the last state: each step back multiplies it by the slope and by U.T."),
    ("raises", """    h, dU = states(x, U), np.zeros(U.shape)
    for t in range(len(x), 0, -1):
        a = (1 - h[t + 1] ** 2) * g
        dU += np.outer(a, h[t])
        g = U.T @ a
    return dU
""", "There are T + 1 states, from h[0] to h[T]: in step t the new one is h[t], the one before h[t - 1]."),
    ("wrong_gradient", """    h, dU = states(x, U), np.zeros(U.shape)
    for t in range(len(x) - 1, -1, -1):
        a = (1 - h[t] ** 2) * g
        dU += np.outer(a, h[t - 1])
        g = U.T @ a
    return dU
""", "The steps are t = T ... 1, range(len(x), 0, -1): states begins with h[0] = h_0 = 0, so h[T] is the last."),
    ("shape", """    h, dU = states(x, U), 0
    for t in range(len(x), 0, -1):
        a = (1 - h[t] ** 2) * g
        dU += a * h[t - 1]
        g = U.T @ a
    return dU
""", "Each element of U has a gradient, a_i times h_j: np.outer(a, h), of shape (m, m)."),
    ("shape", """    h, dU = states(x, U), 0
    for t in range(len(x), 0, -1):
        a = (1 - h[t] ** 2) * g
        dU += a @ h[t - 1]
        g = U.T @ a
    return dU
""", "a @ h is one number; each element of U has a gradient, a_i times h_j: np.outer(a, h)."),
)  # fmt: skip


def forward(x, U):
    h = np.zeros(len(U))
    for x_t in x:
        h = np.tanh(x_t + U @ h)
    return h


def cases(rng):
    sizes = (3, 2), (5, 3), (4, 4), (2, 3)  # (T, m)
    return [(0.8 * rng.standard_normal((steps, m)), 0.7 * rng.standard_normal((m, m))) for steps, m in sizes]
