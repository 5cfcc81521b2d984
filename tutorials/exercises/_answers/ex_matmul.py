"""Answers to ex_matmul: solution, hints and typical mistakes. Spoilers."""

FUNCTION = "matmul_vjp"
KIND = "vjp"
SOLUTION = """import numpy as np


def matmul_vjp(g, a, b):
    return g @ b.T, a.T @ g
"""
HINTS = (
    "Each gradient has the shape of its input: which product of g and the other one has it?",
    "c[i, j] = sum over k of a[i, k] b[k, j]: collect what a[i, k] is multiplied by.",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def matmul_vjp(g, a, b):
    return np.einsum("mn,kn->mk", g, b), np.einsum("mk,mn->kn", a, g)
""",
    """import numpy as np


def matmul_vjp(g, a, b):
    da, db = np.zeros(a.shape), np.zeros(b.shape)
    for i in range(a.shape[0]):
        for j in range(b.shape[1]):
            for k in range(a.shape[1]):
                da[i, k] += g[i, j] * b[k, j]
                db[k, j] += g[i, j] * a[i, k]
    return da, db
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    (
        "raises",
        "g @ b.T, a.T @ g",
        "g @ b, a @ g",
        "The shapes don't fit: a .T is missing; which one gives the gradient the shape of its input?",
    ),
    (
        "raises",
        "g @ b.T, a.T @ g",
        "b.T @ g, g @ a.T",
        "The shapes don't fit: a .T is missing, or the two stand in the wrong order. What stands on the right of a in "
        "c = a @ b?",
    ),
    (
        "raises",
        "g @ b.T, a.T @ g",
        "g * b, g * a",
        "* multiplies element by element; the gradients are matrix products.",
    ),
    ("swapped", "g @ b.T, a.T @ g", "a.T @ g, g @ b.T"),
    ("sign", "g @ b.T", "-g @ b.T"),
    (
        "transposed",
        "a.T @ g",
        "g.T @ a",
        "dL/db comes out transposed: (g.T @ a) is the transpose of what is asked for.",
    ),
    (
        "transposed",
        "g @ b.T",
        "b @ g.T",
        "dL/da comes out transposed: (b @ g.T) is the transpose of what is asked for.",
    ),
    (
        "ignores_upstream",
        "g @ b.T",
        "np.ones(g.shape) @ b.T",
        "dL/da doesn't depend on g: it is that of the sum of all outputs.",
    ),
    (
        "shape",
        "g @ b.T, a.T @ g",
        "b.T, a.T",
        "g is missing, and with it the sum over the outputs: multiply by g on the right side.",
    ),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("raises", "g @ b, a.T @ g",
     "The shapes don't fit: a .T is missing; which one gives the gradient the shape of its input?"),
    ("raises", "g @ b.T, a @ g",
     "The shapes don't fit: a .T is missing, or the two stand in the wrong order. What stands on the right of a in "
     "c = a @ b?"),
    ("raises", "g.T @ b, a.T @ g", "g is transposed, where b should be: dL/da = g @ b.T has the shape of a."),
    ("shape", "b @ g.T, g.T @ a",
     "Both gradients come out transposed: the order and the .T are those of the transposes."),
    ("shape", "g @ b.T, a.T", "g is missing in dL/db: a.T @ g."),
    ("shape", "b.T, a.T @ g", "g is missing in dL/da: g @ b.T."),
    ("ignores_upstream", "np.ones(g.shape) @ b.T, a.T @ np.ones(g.shape)",
     "Neither depends on g: they are the gradients of the sum of all outputs."),
    ("count", "g @ b.T", "Two gradients are asked for, in a tuple: dL/da, and dL/db."),
)  # fmt: skip


def forward(a, b):
    return a @ b


def cases(rng):
    shapes = [((2, 3), (3, 5)), ((3, 3), (3, 3)), ((1, 4), (4, 1))]
    return [(rng.standard_normal(a), rng.standard_normal(b)) for a, b in shapes]
