"""Answers to ex_l2: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "l2_grad"
KIND = "grad"
WRT = (0,)
SOLUTION = """import numpy as np


def l2_grad(w, lam):
    return lam * w
"""
HINTS = (
    "Differentiate one square.",
    "The half is there for a reason.",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def l2_grad(w, lam):
    grad = np.empty(w.shape)
    for i in np.ndindex(w.shape):
        grad[i] = lam / 2 * 2 * w[i]
    return grad
""",
    """def l2_grad(weights, strength):
    return (strength * weights).tolist()
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("factor", "lam * w", "2 * lam * w", "The 2 of the square and the half in L cancel."),
    ("factor", "lam * w", "lam / 2 * w", "The half is still there: what does the square's derivative bring?"),
    ("sign", "lam * w", "-lam * w", "That is the way downhill; the gradient itself has the other sign."),
    ("wrong_gradient", "lam * w", "lam * w**2", "The square isn't differentiated."),
    ("wrong_gradient", "lam * w", "lam / 2 * w**2", "Those are the terms of L; they are to be differentiated."),
    (
        "shape",
        "lam * w",
        "lam / 2 * np.sum(w**2)",
        "That is L itself; its derivative by each element of w is asked for.",
    ),
    ("wrong_gradient", "lam * w", "lam * np.ones(w.shape)", "The derivative of w**2 has w in it."),
    ("factor", "lam * w", "lam * w / w.size", "That is the gradient of a mean; here L has a sum."),
    ("wrong_gradient", "lam * w", "w", "lam is missing."),
    ("wrong_gradient", "lam * w", "lam * abs(w)", "The sign of w is lost: the gradient of w**2 / 2 is w."),
    ("shape", "lam * w", "lam * w.sum()", "Each element of w has a derivative of its own: don't add them up."),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("wrong_gradient", "lam * np.sign(w)",
     "That is the pull of an L1 penalty; w**2 pulls the harder, the larger w is."),
    ("wrong_gradient", "2 * w", "lam is missing, and the half in L cancels the 2."),
    ("shape", "lam", "The derivative of w**2 / 2 is w: lam alone is too little, and has no shape."),
    ("wrong_gradient", "lam * w / len(w)", "That is the gradient of a mean over the rows; here L has a sum."),
    ("shape", "lam * w.mean()", "Each element of w has a derivative of its own: don't take a mean."),
    ("wrong_gradient", "w - lam * w", "That is a step; the gradient alone is asked for."),
    ("wrong_gradient",
     "lam * w.mean() * np.ones(w.shape)",
     "It takes the mean of w: each element has its own derivative."),
)  # fmt: skip


def forward(w, lam):
    return lam / 2 * np.sum(w**2)


def cases(rng):
    return [
        (rng.standard_normal((3, 2)), 0.3),
        (np.array([0.0, -2, 0.5, 3]), 1.5),
        (rng.standard_normal((2, 3, 2)), 0.3),
    ]
