"""Answers to ex_lstm_step: solution, hints and typical mistakes. Spoilers."""

FUNCTION = "lstm_step"
KIND = "values"
SOLUTION = """import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def lstm_step(z, c):
    i, f, o = sigmoid(z[0]), sigmoid(z[1]), sigmoid(z[3])
    n = np.tanh(z[2])
    new = f * c + i * n
    return o * np.tanh(new), new
"""
HINTS = (
    "Make i, f, n and o first, each from its row of z.",
    "The new state looks at the new cell.",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def lstm_step(z, c):
    i, f, o = 0.5 + 0.5 * np.tanh(z[[0, 1, 3]] / 2)
    cell = np.tanh(z[2]) * i + c * f
    return np.tanh(cell) * o, cell
""",
    """import numpy as np


def lstm_step(z, c):
    gates = 1 / (1 + np.exp(-z))
    kept = c * gates[1]
    kept = kept + gates[0] * np.tanh(z[2])
    return np.array([gates[3] * np.tanh(kept), kept])
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("wrong_value", "np.tanh(new), new", "new, new", "In the new state the tanh is missing: o tanh(c)."),
    ("wrong_value", "o * np.tanh(new)", "np.tanh(new)", "The output gate o is missing in the new state."),
    ("wrong_value", "o * np.tanh(new)", "o * np.tanh(c)", "The new state looks at the old cell; it takes the new one."),
    ("wrong_value", "o * np.tanh(new)", "np.tanh(o * new)", "o belongs outside the tanh: o tanh(c)."),
    ("wrong_value", "o * np.tanh(new)", "o * sigmoid(new)", "The new state has tanh of the cell, not sigmoid."),
    ("swapped", "o * np.tanh(new), new", "new, o * np.tanh(new)", "State and cell are swapped: (new state, new cell)."),
    ("wrong_value", "n = np.tanh(z[2])", "n = sigmoid(z[2])", "n is no gate: it is a tanh, between -1 and 1."),
    ("wrong_value", "n = np.tanh(z[2])", "n = z[2]", "n is the tanh of its row."),
    ("wrong_value", "sigmoid(z[0]), sigmoid(z[1])", "sigmoid(z[1]), sigmoid(z[0])",
     "i and f are swapped: the rows are i, f, n, o, and f keeps the old cell, f c + i n."),
    ("wrong_value", "sigmoid(z[3])\n    n = np.tanh(z[2])", "sigmoid(z[2])\n    n = np.tanh(z[3])",
     "n and o are swapped: the order of the rows is i, f, n, o."),
    ("wrong_value", "f * c + i * n", "i * c + f * n",
     "i and f are swapped: the rows are i, f, n, o, and f keeps the old cell, f c + i n."),
    ("wrong_value", "f * c + i * n", "f * c + n", "The input gate i is missing before n."),
    ("wrong_value", "f * c + i * n", "c + i * n", "The forget gate f is missing before the old cell."),
    ("wrong_value", "f * c + i * n", "f * c + (1 - f) * n", "That mixes as a GRU does; an LSTM has a gate i, too."),
    ("wrong_value", "f * c + i * n", "(1 - f) * c + i * n", "f = 1 keeps everything: the old cell is multiplied by f."),
    ("wrong_value", "f * c + i * n", "f * (c + i * n)", "f belongs to the old cell alone."),
    ("wrong_value", "f * c + i * n", "i * n", "The old cell is missing: f c is what is remembered."),
    ("wrong_value", "f * c + i * n", "np.tanh(f * c + i * n)",
     "The cell is the sum itself; the tanh comes only where the state looks at it."),
    ("wrong_value", "f * c + i * n", "f * np.tanh(c) + i * n", "The old cell has no tanh on its way: f c."),
    ("wrong_value", "f * c + i * n", "f * c * i * n", "The two parts are added: f c + i n."),
    ("wrong_value", "i, f, o = sigmoid(z[0]), sigmoid(z[1]), sigmoid(z[3])", "i, f, o = z[0], z[1], z[3]",
     "The gates lack their sigmoid."),
    ("wrong_value", "i, f, o = sigmoid(z[0]), sigmoid(z[1]), sigmoid(z[3])",
     "i, f, o = np.tanh(z[0]), np.tanh(z[1]), np.tanh(z[3])", "The gates are sigmoids, between 0 and 1, not tanh."),
    ("count", "return o * np.tanh(new), new", "return o * np.tanh(new)",
     "The new cell is missing: give both, (new state, new cell)."),
    ("count", "return o * np.tanh(new), new", "return o * np.tanh(new), new, o",
     "It gives three things: only (new state, new cell) are asked for."),
)  # fmt: skip
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("raises", """    i, f, n, o = z.T
    new = sigmoid(f) * c + sigmoid(i) * np.tanh(n)
    return sigmoid(o) * np.tanh(new), new
""", "i, f, n and o are the rows of z, not its columns: write i, f, n, o = z."),
)  # fmt: skip


def cases(rng):
    return [(1.5 * rng.standard_normal((4, m)), 1.5 * rng.standard_normal(m)) for m in (3, 5, 2)]
