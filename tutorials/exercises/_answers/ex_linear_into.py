"""Answers to ex_linear_into: solution, hints and typical mistakes. Spoilers."""

FUNCTION = "linear_backward"
KIND = "values"
INTO = (3, 4, 5)
SOLUTION = """import numpy as np


def linear_backward(g, x, w, dx, dw, db):
    np.matmul(g, w, out=dx)
    np.matmul(g.T, x, out=dw)
    np.sum(g, axis=0, out=db)
"""
HINTS = (
    "One line for each of the three. The shapes say which of the factors is transposed.",
    "b is copied to all rows on the way forward, so on the way back the rows of g add up: np.sum has axis and out.",
)
RIGHT = (  # the same, written in other ways
    """def linear_backward(g, x, w, dx, dw, db):
    dx[...] = g @ w
    dw[:] = (x.T @ g).T
    db[:] = g.sum(0)
""",
    """import numpy as np


def linear_backward(g, x, w, dx, dw, db):
    np.einsum("no,oi->ni", g, w, out=dx)
    dw.fill(0)
    for row, out in zip(x, g):
        dw += np.outer(out, row)
    np.add.reduce(g, axis=0, out=db)
    return dx, dw, db
""",
)
_LEFT = " as it was. `{0} = ...` would only give the name to another array: write with out={0}, or {0}[...] = ...."
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("unwritten", "np.matmul(g, w, out=dx)", "dx = np.matmul(g, w)", "It leaves its argument dx" + _LEFT.format("dx")),
    ("unwritten", "np.matmul(g.T, x, out=dw)", "dw = g.T @ x", "It leaves its argument dw" + _LEFT.format("dw")),
    ("unwritten", "np.sum(g, axis=0, out=db)", "db = g.sum(axis=0)",
     "It leaves its argument db" + _LEFT.format("db")),
    ("unwritten", "    np.sum(g, axis=0, out=db)\n", "", "It leaves its argument db" + _LEFT.format("db")),
    ("unwritten", "np.matmul(g, w, out=dx)", "return g @ w, g.T @ x, g.sum(axis=0)",
     "It leaves its argument dx" + _LEFT.format("dx")),
    ("changes_inputs", "np.matmul(g, w, out=dx)", "np.matmul(g, w, out=x)"),
    ("changes_inputs", "np.matmul(g.T, x, out=dw)", "np.matmul(g.T, x, out=w)"),
    ("raises", "np.matmul(g, w, out=dx)", "np.matmul(g, w.T, out=dx)",
     "w has shape (outputs, inputs): after g, which has a column for each output, it fits without a transpose."),
    ("raises", "np.matmul(g.T, x, out=dw)", "np.matmul(g, x, out=dw)",
     "g has a row for each example, as x has: with g transposed, the sum goes over the examples."),
    ("raises", "np.matmul(g.T, x, out=dw)", "np.matmul(x.T, g, out=dw)",
     "That is the gradient by w^T, of shape (inputs, outputs): g.T comes first."),
    ("raises", "np.matmul(g.T, x, out=dw)", "dw[...] = x.T @ g",
     "x.T @ g is the gradient by w^T, of shape (inputs, outputs): g.T comes first."),
    ("raises", "np.matmul(g, w, out=dx)", "np.matmul(w, g, out=dx)",
     "g has an example in each row, so it comes first: g @ w."),
    ("raises", "np.matmul(g, w, out=dx)", "np.matmul(g, w, out=dw)",
     "g @ w has the shape of x, and is the gradient by it: it belongs into dx."),
    ("raises", "np.matmul(g.T, x, out=dw)", "np.matmul(g.T, x, out=dx)",
     "g.T @ x has the shape of w, and is the gradient by it: it belongs into dw."),
    ("raises", "np.sum(g, axis=0, out=db)", "np.sum(g, axis=1, out=db)",
     "axis=1 adds up each row; b is copied to all rows, so the rows are added up, with axis=0."),
    ("raises", "np.sum(g, axis=0, out=db)", "np.sum(g, out=db)",
     "Without axis=0 all of g becomes a single number; db has one for each output."),
    ("raises", "np.sum(g, axis=0, out=db)", "np.sum(g, axis=0, keepdims=True, out=db)",
     "With keepdims the sum has shape (1, outputs), and db has (outputs,): leave keepdims out."),
    ("raises", "np.matmul(g, w, out=dx)", "np.multiply(g, w, out=dx)",
     "np.multiply goes element by element; the products of matrices are np.matmul."),
    ("raises", "np.sum(g, axis=0, out=db)", "db[...] = g",
     "g has a row for each example, db just one: add up the rows."),
    ("wrong_value", "np.sum(g, axis=0, out=db)", "np.mean(g, axis=0, out=db)",
     "np.mean divides by the number of rows; b takes part in each row, so these are added up."),
    ("wrong_value", "np.sum(g, axis=0, out=db)", "db[...] = g[0]",
     "db gets the first row of g alone; add up all rows."),
    ("wrong_value", "np.sum(g, axis=0, out=db)", "db[...] = g.sum()",
     "db gets the sum of all of g in each place; each output has a sum of its own, with axis=0."),
    ("wrong_value", "np.sum(g, axis=0, out=db)", "np.max(g, axis=0, out=db)",
     "db gets the largest number of each column, where their sum is asked for."),
    ("wrong_value", "np.sum(g, axis=0, out=db)", "db += g.sum(axis=0)",
     "db still has the numbers of the step before in it: write = or out=, and not +=."),
    ("wrong_value", "np.matmul(g.T, x, out=dw)", "dw += g.T @ x",
     "dw still has the numbers of the step before in it: write = or out=, and not +=."),
    ("wrong_value", "np.matmul(g, w, out=dx)", "dx += g @ w",
     "dx still has the numbers of the step before in it: write = or out=, and not +=."),
    ("wrong_value", "    np.matmul(g, w, out=dx)\n    np.matmul(g.T, x, out=dw)\n    np.sum(g, axis=0, out=db)",
     "    dx += g @ w\n    dw += g.T @ x\n    db += g.sum(axis=0)",
     "The arrays still have the numbers of the step before in them: write = or out=, and not +=."),
    ("wrong_value", "np.matmul(g.T, x, out=dw)", "np.matmul(g.T, x, out=dw)\n    dw /= len(x)",
     "dw is divided by the number of rows; if the loss is a mean, g has that factor already."),
    ("wrong_value", "np.sum(g, axis=0, out=db)", "np.sum(g, axis=0, out=db)\n    dw /= len(x)\n    db /= len(x)",
     "dw and db are divided by the number of rows; if the loss is a mean, g has that factor already."),
    ("wrong_value", "np.matmul(g, w, out=dx)", "np.matmul(-g, w, out=dx)", "dx has the wrong sign."),
    ("wrong_value", "np.matmul(g.T, x, out=dw)", "np.matmul(-g.T, x, out=dw)", "dw has the wrong sign."),
    ("wrong_value", "np.matmul(g.T, x, out=dw)", "np.matmul(g.T, dx, out=dw)",
     "dw is made with dx, which is a gradient already; it takes x."),
    ("raises", "out=dx", "dx=dx", "The name is out: np.matmul(a, b, out=c)."),
    ("raises", "np.matmul(g, w, out=dx)", "np.dot(g, x, out=dx)",
     "The gradient by x takes the other factor of the product, w."),
)  # fmt: skip


def cases(rng):
    def some(n, inputs, outputs):
        shapes = [(n, outputs), (n, inputs), (outputs, inputs)]
        return tuple(rng.standard_normal(shape) for shape in [*shapes, *shapes[1:], (outputs,)])

    return [some(4, 3, 2), some(3, 2, 5)]
