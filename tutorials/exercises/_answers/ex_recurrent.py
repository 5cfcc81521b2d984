"""Answers to ex_recurrent: solution, hints and typical mistakes. Spoilers."""

FUNCTION = "states_of"
KIND = "values"
SOLUTION = """import numpy as np


def states_of(x, W, U, b):
    h, states = np.zeros(len(b)), []
    for x_t in x:
        h = np.tanh(W @ x_t + U @ h + b)
        states.append(h)
    return np.array(states)
"""
HINTS = (
    "Go through the rows of x, and keep the state of the row before in a variable h.",
    "A list takes the states as they come; np.array makes an array of it.",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def states_of(x, W, U, b):
    states = np.zeros((len(x) + 1, len(b)))
    for t in range(len(x)):
        states[t + 1] = np.tanh(W @ x[t] + U @ states[t] + b)
    return states[1:]
""",
    """import numpy as np


def states_of(x, W, U, b):
    drive, out = x @ W.T + b, np.empty((len(x), len(b)))
    h = 0 * b
    for t, a in enumerate(drive):
        out[t] = h = np.tanh(a + h @ U.T)
    return out
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("wrong_value", " + U @ h", "",
     "The old state has no effect: keep each new state in h, and add U h, with h as it was."),
    ("wrong_value", " + b", "", "The bias b is missing."),
    ("wrong_value", "np.tanh(W @ x_t + U @ h + b)", "W @ x_t + U @ h + b",
     "The tanh is missing: it belongs around the whole sum."),
    ("wrong_value", "np.tanh(W @ x_t + U @ h + b)", "np.tanh(W @ x_t) + U @ h + b",
     "The tanh belongs around the whole sum, W x_t + U h_(t-1) + b."),
    ("wrong_value", "np.tanh(W @ x_t + U @ h + b)", "np.tanh(W @ x_t + U @ h) + b",
     "The bias belongs inside the tanh."),
    ("wrong_value", "U @ h", "U.T @ h", "U is transposed: h_t takes U h_(t-1)."),
    ("wrong_value", "U @ h", "U * h", "U * h multiplies element by element: U h is a matrix product, @."),
    ("wrong_value", "np.zeros(len(b))", "np.ones(len(b))", "It begins with ones: h_0 is 0."),
    ("wrong_value", "np.zeros(len(b))", "b", "It begins with the bias: h_0 is 0."),
    ("wrong_value", "in x:", "in x[::-1]:", "It reads from the end: x_1 is the first row."),
    ("shape", "return np.array(states)", "return h", "It gives the last state alone; all T states are asked for."),
    ("shape", "return np.array(states)", "return np.array(states).T",
     "Rows and columns are swapped: a state in each row, (T, m)."),
    ("shape", "h, states = np.zeros(len(b)), []", "h = np.zeros(len(b))\n    states = [h]",
     "h_0 is among the states: they begin with h_1, after the first row has been read."),
    ("shape", "in x:", "in x[1:]:", "It leaves out the first row of x."),
    ("shape", "in x:", "in x[:-1]:", "It leaves out the last row of x."),
    ("raises", "W @ x_t", "x_t @ W", "The weight comes first: W x_t, with W of shape (m, n) and x_t (n,)."),
    ("raises", "W @ x_t", "W * x_t", "W * x_t multiplies element by element: W x_t is a matrix product, @."),
    ("raises", "np.zeros(len(b))", "np.zeros(len(x))", "A state has m numbers, as b has; the number of rows is T."),
    ("other_function", "np.tanh(W @ x_t + U @ h + b)", "1 / (1 + np.exp(-(W @ x_t + U @ h + b)))",
     "It has a sigmoid; here tanh is asked for."),
    ("other_function", "np.tanh(W @ x_t + U @ h + b)", "np.maximum(W @ x_t + U @ h + b, 0)",
     "It has a relu; here tanh is asked for."),
)  # fmt: skip
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("wrong_value", "np.tanh(x @ W.T + b)",
     "The old state has no effect: keep each new state in h, and add U h, with h as it was."),
    ("wrong_value", """    h, states = np.zeros(len(b)), []
    for x_t in x:
        states.append(np.tanh(W @ x_t + U @ h + b))
    return np.array(states)
""", "The old state has no effect: keep each new state in h, and add U h, with h as it was."),
    ("wrong_value", """    h, states = np.zeros(len(b)), []
    for x_t in x:
        h = h + np.tanh(W @ x_t + U @ h + b)
        states.append(h)
    return np.array(states)
""", "The new state is added to the old one; it takes its place."),
    ("wrong_value", """    h, states = np.zeros(len(b)), []
    for x_t in x:
        h = W @ x_t + U @ h + b
        states.append(np.tanh(h))
    return np.array(states)
""", "The next step gets the sum without its tanh: h itself is the tanh."),
    ("wrong_value", """    h, states = np.zeros(len(b)), []
    for x_t in x:
        h = np.tanh(W @ x_t + U @ h + b)
    return np.array([h for x_t in x])
""", "Every row is the last state: each step's own has to be kept."),
)  # fmt: skip


def cases(rng):
    sizes = (4, 3, 2), (3, 2, 4), (5, 4, 3), (2, 5, 3)  # (T, n, m)
    return [(rng.standard_normal((steps, n)), rng.standard_normal((m, n)), rng.standard_normal((m, m)),
             rng.standard_normal(m)) for steps, n, m in sizes]  # fmt: skip
