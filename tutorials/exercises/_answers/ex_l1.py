"""Answers to ex_l1: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "l1_grad"
KIND = "grad"
WRT = (0,)
SOLUTION = """import numpy as np


def l1_grad(w, lam):
    return lam * np.sign(w)
"""
HINTS = (
    "The slope of |w| is -1 or 1.",
    "NumPy has a function that says on which side of 0 a number lies.",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def l1_grad(w, lam):
    return np.where(w > 0, lam, -lam)
""",
    """def l1_grad(w, lam):
    return lam * (1.0 * (w > 0) - 1.0 * (w < 0))
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("sign", "lam *", "-lam *", "That is the way downhill; the gradient itself has the other sign."),
    (
        "wrong_gradient",
        "np.sign(w)",
        "w",
        "That would be the pull of w**2 / 2; |w| pulls equally strongly wherever it is.",
    ),
    (
        "negative_inputs",
        "np.sign(w)",
        "np.ones(w.shape)",
        "Where w is negative |w| falls: the slope has another sign there.",
    ),
    ("not_finite", "np.sign(w)", "w / abs(w)", "Where w is 0 it is 0 / 0."),
    ("wrong_gradient", "np.sign(w)", "abs(w)", "Those are the terms of L; they are to be differentiated."),
    ("wrong_gradient", "lam * np.sign(w)", "np.sign(w)", "lam is missing."),
    (
        "shape",
        "lam * np.sign(w)",
        "lam * np.abs(w).sum()",
        "That is L itself; its derivative by each element of w is asked for.",
    ),
    ("factor", "np.sign(w)", "np.sign(w) / w.size", "That is the gradient of a mean; here L has a sum."),
    ("negative_inputs", "np.sign(w)", "(w > 0)", "Where w is negative |w| falls, so the slope isn't 0 there."),
    ("shape", "np.sign(w)", "np.sign(w).sum()", "Each element of w has a derivative of its own: don't add them up."),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("shape", "lam", "The slope is -lam where w is negative, and the result has the shape of w."),
    ("wrong_gradient", "2 * lam * np.sign(w)", "There is a factor 2 too much: nothing is squared here."),
    ("wrong_gradient", "lam * np.sign(w) / 2", "There is a half too much: L has none."),
    ("wrong_gradient", "lam * w / (abs(w) + 1e-12)",
     "Something is added below the line, which changes small w: np.sign needs no division."),
    ("wrong_gradient", "lam * w / (abs(w) + 1e-10)",
     "Something is added below the line, which changes small w: np.sign needs no division."),
    ("wrong_gradient", "lam * w / (abs(w) + 1e-8)",
     "Something is added below the line, which changes small w: np.sign needs no division."),
    ("wrong_gradient", "lam * w / (abs(w) + 1e-6)",
     "Something is added below the line, which changes small w: np.sign needs no division."),
    ("wrong_gradient", "w - lam * np.sign(w)", "That is a step; the gradient alone is asked for."),
)  # fmt: skip


def forward(w, lam):
    return lam * np.sum(np.abs(w))


def cases(rng):
    return [(rng.standard_normal((3, 4)), 0.3), (np.array([0.0, 2, -1]), 0.2), (np.array([1e-7, -1e-7, -500]), 1.5),
            (rng.standard_normal((2, 3, 2)), 0.3)]  # fmt: skip
