"""Answers to ex_ghost_norms: solution, hints and typical mistakes. Spoilers."""

FUNCTION = "ghost_norms"
KIND = "values"
SOLUTION = """import numpy as np


def ghost_norms(x, y_bar):
    of_examples = np.einsum("nto,nti->noi", y_bar, x)
    return np.sqrt(np.sum(of_examples**2, axis=(1, 2)))
"""
HINTS = (
    "With one position the norm is that of y_bar times that of x. With several the gradients may help each other or "
    "cancel: add them first.",
    "For one example, y_bar[n].T @ x[n] multiplies and adds over the positions, shape (O, I).",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def ghost_norms(x, y_bar):
    return np.array([np.linalg.norm(g.T @ a) for a, g in zip(x, y_bar)])
""",
    """import numpy as np


def ghost_norms(x, y_bar):
    products = (y_bar @ y_bar.swapaxes(1, 2)) * (x @ x.swapaxes(1, 2))
    return np.sqrt(products.sum(axis=(1, 2)))
""",
    """import numpy as np


def ghost_norms(x, y_bar):
    n, steps, _ = x.shape
    total = np.zeros((n, y_bar.shape[2], x.shape[2]))
    for t in range(steps):
        total += y_bar[:, t, :, None] * x[:, t, None, :]
    return np.linalg.norm(total.reshape(n, -1), axis=1)
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("wrong_value", "np.sqrt(np.sum(of_examples**2, axis=(1, 2)))", "np.sum(of_examples**2, axis=(1, 2))",
     "The root is missing: that is the norm squared."),
    ("wrong_value", "np.sqrt(np.sum(of_examples**2, axis=(1, 2)))", "np.abs(of_examples).sum(axis=(1, 2))",
     "It adds absolute values; the norm is the root of the sum of squares."),
    ("wrong_value", "np.sqrt(np.sum(of_examples**2, axis=(1, 2)))", "np.abs(of_examples).max(axis=(1, 2))",
     "It takes the largest number; the norm is the root of the sum of squares."),
    ("wrong_value", "np.sum(of_examples**2", "np.mean(of_examples**2",
     "It takes the mean of the squares; a norm is the root of their sum."),
    ("wrong_value", "np.sqrt(np.sum(of_examples**2, axis=(1, 2)))", "np.linalg.norm(of_examples, 2, axis=(1, 2))",
     "np.linalg.norm(…, 2) of a matrix is its largest stretch, not the root of the sum of squares: leave the 2 out."),
    ("wrong_value", "np.sqrt(np.sum(of_examples**2, axis=(1, 2)))", "np.sum(of_examples, axis=(1, 2))",
     "It adds the numbers themselves; the norm is the root of the sum of their squares."),
    ("shape", "axis=(1, 2)", "axis=1",
     "It adds squares over the rows only; an example's norm is over rows and columns, axis=(1, 2)."),
    ("shape", "axis=(1, 2)", "axis=2",
     "It adds squares over the columns only; an example's norm is over rows and columns, axis=(1, 2)."),
    ("shape", "axis=(1, 2)", "axis=0",
     "It adds squares over the examples; each has a norm of its own, so keep the first axis: axis=(1, 2)."),
    ("shape", ", axis=(1, 2)", "",
     "That is one norm for all examples together; keep the first axis: axis=(1, 2)."),
    ("wrong_value", "y_bar, x)", "y_bar, x) / x.shape[1]",
     "It takes the mean over the positions; the gradient is their sum."),
    ("shape", '"nto,nti->noi", y_bar, x)', '"nto,nti->toi", y_bar, x)',
     "It adds over the examples and keeps the positions; add over the positions, t, and keep n."),
)  # fmt: skip
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("wrong_value", "np.sqrt(np.sum(y_bar**2, axis=(1, 2)) * np.sum(x**2, axis=(1, 2)))",
     "That is the norm of all of y_bar times that of all of x; the product rule holds for one position only."),
    ("wrong_value", "np.sqrt(np.sum(np.sum(y_bar**2, axis=2) * np.sum(x**2, axis=2), axis=1))",
     "It adds the squared norms of the positions, as if their gradients stood side by side; they are added first."),
    ("wrong_value", "np.sum(np.sqrt(np.sum(y_bar**2, axis=2) * np.sum(x**2, axis=2)), axis=1)",
     "It adds the norms of the positions, as if all gradients pointed to the same side; add the gradients first."),
    ("wrong_value", "np.linalg.norm(y_bar.sum(axis=1), axis=1) * np.linalg.norm(x.sum(axis=1), axis=1)",
     "It adds x and y_bar over the positions, then multiplies; multiply at each position, then add."),
    ("wrong_value", "np.mean(np.sqrt(np.sum(y_bar**2, axis=2) * np.sum(x**2, axis=2)), axis=1)",
     "It takes the mean of the positions' norms; add the gradients first, then take the norm."),
    ("wrong_value", "np.max(np.sqrt(np.sum(y_bar**2, axis=2) * np.sum(x**2, axis=2)), axis=1)",
     "It takes the largest norm of a position; add the gradients over the positions, then take the norm."),
    ("wrong_value", "np.linalg.norm(y_bar[:, 0], axis=1) * np.linalg.norm(x[:, 0], axis=1)",
     "It looks at the first position only; all of them belong to the example's gradient."),
    ("wrong_value", "np.linalg.norm(y_bar[:, -1], axis=1) * np.linalg.norm(x[:, -1], axis=1)",
     "It looks at the last position only; all of them belong to the example's gradient."),
    ("shape", "np.sqrt(np.sum(y_bar**2, axis=2) * np.sum(x**2, axis=2))",
     "That is a norm for each position; add the gradients over the positions first, one norm for each example."),
    ("wrong_value", "np.linalg.norm(y_bar, axis=(1, 2))",
     "x is missing: the weight's gradient is a product of y_bar and x."),
    ("wrong_value", "np.linalg.norm(x, axis=(1, 2))",
     "y_bar is missing: the weight's gradient is a product of y_bar and x."),
    ("wrong_value", "np.sqrt(np.sum((y_bar @ y_bar.swapaxes(1, 2)) ** 2, axis=(1, 2)))",
     "x is missing: that is made of y_bar alone."),
    ("wrong_value",
     "    g = y_bar.reshape(-1, y_bar.shape[2]).T @ x.reshape(-1, x.shape[2])\n"
     "    return np.full(len(x), np.linalg.norm(g))\n",
     "All examples are added up as well; each has a gradient of its own."),
    ("shape", "np.einsum('nto,nti->noi', y_bar, x)",
     "That is each example's gradient; its norm is asked for."),
    ("raises", "np.linalg.norm(y_bar @ x, axis=(1, 2))",
     "The shapes don't fit: turn y_bar first, y_bar.swapaxes(1, 2) @ x, so that the positions are added up."),
)  # fmt: skip


def cases(rng):
    def case(n, t, i, o):
        return rng.standard_normal((n, t, i)), rng.standard_normal((n, t, o))

    return [case(3, 4, 2, 5), case(2, 3, 4, 2), case(4, 2, 3, 3)]
