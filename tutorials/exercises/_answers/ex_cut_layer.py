"""Answers to ex_cut_layer: solution, hints and typical mistakes. Spoilers."""

FUNCTION = "cut_layer"
KIND = "values"
SOLUTION = """import numpy as np


def cut_layer(x, a, b, g, rank):
    hidden = [np.maximum(x @ a_r, 0) for a_r in a]
    y = sum(h @ b_r for h, b_r in zip(hidden, b))
    back = [(g @ b_r.T) * (h > 0) for h, b_r in zip(hidden, b)]
    dx = sum(d @ a_r.T for d, a_r in zip(back, a))
    return y, dx, x.T @ back[rank], hidden[rank].T @ g
"""
HINTS = (
    "Write y = relu(x a) b for one rank alone, there and back, and see in which results other ranks have a part.",
    "There, y is a sum over the ranks. Back, x was given to every rank: what they send back for it is added, too.",
    "Of z = p @ q the derivatives are g @ q.T by p, and p.T @ g by q.",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def cut_layer(x, a, b, g, rank):
    w1, w2 = np.concatenate(a, axis=1), np.concatenate(b, axis=0)
    z = x @ w1
    h = np.where(z > 0, z, 0)
    dz = np.where(z > 0, g @ w2.T, 0)
    own = slice(rank * a.shape[2], (rank + 1) * a.shape[2])
    return h @ w2, dz @ w1.T, (x.T @ dz)[:, own], (h.T @ g)[own]
""",
    """import numpy as np


def cut_layer(x, a, b, g, rank):
    y, dx = np.zeros_like(g), np.zeros_like(x)
    for r in range(len(a)):
        z = x @ a[r]
        y += np.maximum(z, 0) @ b[r]
        dz = (g @ b[r].T) * np.heaviside(z, 0)
        dx += dz @ a[r].T
        if r == rank:
            da, db = x.T @ dz, np.maximum(z, 0).T @ g
    return [y, dx, da, db]
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("wrong_value", "y = sum(h @ b_r for h, b_r in zip(hidden, b))", "y = hidden[rank] @ b[rank]",
     "y is this rank's summand only; all ranks' are to be added."),
    ("wrong_value", "dx = sum(d @ a_r.T for d, a_r in zip(back, a))", "dx = back[rank] @ a[rank].T",
     "The derivative by x is this rank's part only: x went to every rank, so what comes back from all is added."),
    ("wrong_value", "x.T @ back[rank], hidden[rank].T @ g", "sum(x.T @ d for d in back), sum(h.T @ g for h in hidden)",
     "The derivatives by a[rank] and b[rank] are added over the ranks; nobody else has these, so they aren't added."),
    ("wrong_value", "x.T @ back[rank], hidden[rank].T @ g", "len(a) * x.T @ back[rank], len(a) * hidden[rank].T @ g",
     "The derivatives by a[rank] and b[rank] are multiplied by the number of ranks; g counts the loss once already."),
    ("wrong_value", "np.maximum(x @ a_r, 0)", "x @ a_r",
     "The ReLU is missing on the way there."),
    ("wrong_value", " * (h > 0)", "",
     "On the way back the ReLU is missing: where a unit was 0, nothing goes through. (h >= 0 is true everywhere.)"),
    ("wrong_value", "(g @ b_r.T) * (h > 0)", "np.maximum(g @ b_r.T, 0)",
     "It cuts the gradient where the gradient is negative; it is cut where the unit was 0."),
    ("wrong_value", "(g @ b_r.T) * (h > 0)", "(g @ b_r.T) * h",
     "The gradient is multiplied by h; the slope of a ReLU is 1 or 0, h > 0."),
    ("wrong_value", "y = sum(h @ b_r for h, b_r in zip(hidden, b))",
     "y = np.maximum(sum(h @ b_r for h, b_r in zip(hidden, b)), 0)",
     "There is a ReLU after the sum; it is only between the two layers."),
    ("wrong_value", "y = sum(h @ b_r for h, b_r in zip(hidden, b))",
     "y = sum(h @ b_r for h, b_r in zip(hidden, b)) / len(a)",
     "y is the mean of the ranks' parts; it is their sum."),
    ("wrong_value", "dx = sum(d @ a_r.T for d, a_r in zip(back, a))",
     "dx = sum(d @ a_r.T for d, a_r in zip(back, a)) / len(a)",
     "The derivative by x is the mean of the ranks' parts; it is their sum."),
    ("wrong_value", "    hidden = [", "    g = g * len(a)\n    hidden = [",
     "All gradients are too large by the number of ranks: g is the derivative of one loss, counted once."),
    ("wrong_value", "    hidden = [", "    g = g / len(a)\n    hidden = [",
     "All gradients are too small by the number of ranks: g counts the loss once already."),
    ("wrong_value", "hidden[rank].T @ g", "(x @ a[rank]).T @ g",
     "The derivative by b takes what came into it, after the ReLU."),
    ("shape", "x.T @ back[rank]", "back[rank].T @ x",
     "The derivative by a[rank] is transposed: it has the shape of a[rank]."),
    ("shape", "hidden[rank].T @ g", "g.T @ hidden[rank]",
     "The derivative by b[rank] is transposed: it has the shape of b[rank]."),
    ("shape", "x.T @ back[rank], hidden[rank].T @ g", "hidden[rank].T @ g, x.T @ back[rank]",
     "The last two are swapped: first the derivative by a[rank], then by b[rank]."),
    ("shape", "y, dx, x.T", "dx, y, x.T",
     "The first two are swapped: first y, then the derivative by x."),
    ("shape", "x.T @ back[rank]", "np.concatenate([x.T @ d for d in back], axis=1)",
     "These are the derivatives by all columns of W1; a rank keeps those by its own."),
    ("shape", "y = sum(h @ b_r for h, b_r in zip(hidden, b))",
     "y = np.concatenate([h @ b_r for h, b_r in zip(hidden, b)], axis=1)",
     "The ranks' parts of y stand side by side; each has all columns of y, and they are added."),
    ("count", "return y, dx, ", "return y, ",
     "The derivative by x is missing, after y: the layer before needs it."),
    ("wrong_value", "x.T @ back[rank]", "x.T @ back[0]",
     "The derivative by a is that of rank 0; this rank's is asked for."),
    ("wrong_value", "x.T @ back[rank]", "x.T @ (back[rank] / len(x))",
     "It is divided by the number of rows; if the loss is a mean, that is in g already."),
)  # fmt: skip
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("wrong_value",
     "    before = [x @ a_r for a_r in a]\n"
     "    y = np.maximum(sum(z @ b_r for z, b_r in zip(before, b)), 0)\n"
     "    back = [((g * (y > 0)) @ b_r.T) for b_r in b]\n"
     "    dx = sum(d @ a_r.T for d, a_r in zip(back, a))\n"
     "    return y, dx, x.T @ back[rank], before[rank].T @ (g * (y > 0))\n",
     "The ReLU comes after both layers here; it is between them, before the sum over the ranks."),
)  # fmt: skip


def cases(rng):
    def case(ranks, rows, columns, hidden, out, rank):
        a, b = rng.standard_normal((ranks, columns, hidden)), rng.standard_normal((ranks, hidden, out))
        return rng.standard_normal((rows, columns)), a, b, rng.standard_normal((rows, out)), rank

    return [case(2, 5, 3, 4, 2, 0), case(3, 4, 5, 2, 3, 1), case(2, 2, 4, 3, 6, 1)]
