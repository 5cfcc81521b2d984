"""Answers to ex_convolution: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "convolve_vjp"
KIND = "vjp"
SOLUTION = """import numpy as np


def convolve_vjp(g, x, w):
    dx, dw = np.zeros(x.shape), np.zeros(w.shape)
    for i in range(len(g)):
        dx[i : i + len(w)] += g[i] * w
        dw += g[i] * x[i : i + len(w)]
    return dx, dw
"""
HINTS = (
    "Go through the outputs; each used a piece of x, and all of w.",
    "Gradients of all uses add up: +=",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def convolve_vjp(g, x, w):
    return np.convolve(g, w), np.correlate(x, g, "valid")
""",
    """def convolve_vjp(g, x, w):
    dx, dw = [0.0] * len(x), [0.0] * len(w)
    for i in range(len(g)):
        for k in range(len(w)):
            dx[i + k] += g[i] * w[k]
            dw[k] += g[i] * x[i + k]
    return dx, dw
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    (
        "duplicates",
        "] += g[i] * w",
        "] = g[i] * w",
        "In dL/dx each output overwrites what the one before brought; gradients of all uses add up.",
    ),
    ("swapped", "return dx, dw", "return dw, dx"),
    ("sign", "return dx, dw", "return -dx, dw"),
    (
        "not_summed",
        "dw += g[i]",
        "dw = g[i]",
        "In dL/dw only the last output's part is left; gradients of all uses add up.",
    ),
    ("wrong_gradient", "g[i] * w", "g[i] * w[::-1]", "In dL/dx w is turned round: what is x[i + k] multiplied by?"),
    (
        "wrong_gradient",
        "g[i] * x[i : i + len(w)]",
        "g[i] * x[i : i + len(w)][::-1]",
        "In dL/dw the piece of x is turned round: what is w[k] multiplied by?",
    ),
    ("wrong_gradient", "g[i] * w", "w", "g is missing in dL/dx."),
    ("wrong_gradient", "dw += g[i] * x", "dw += x", "g is missing in dL/dw."),
    (
        "wrong_gradient",
        "dw += g[i] * x[i : i + len(w)]",
        "dw += g[i] * x[: len(w)]",
        "In dL/dw it takes the first piece of x for every output; output i used the one from i on.",
    ),
    (
        "wrong_gradient",
        "dx[i : i + len(w)] += g[i] * w\n",
        "dx[i] += g[i] * w.sum()\n",
        "In dL/dx all goes to x[i]; output i used the elements from i to i + m - 1.",
    ),
    ("count", "return dx, dw", "return dx"),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("raises", "g * w, g * x", "The shapes don't fit: go through the outputs, and add up what each brings."),
    ("shape", "np.convolve(g, w), np.convolve(x, g)",
     "In dL/dw only those places count where g lies wholly on x, and nothing is turned round."),
    ("shape", "np.convolve(g, w), np.correlate(x, g, mode=2)",
     "In dL/dw only those places count where g lies wholly on x."),
    ("flipped", "np.convolve(g, w), np.convolve(x, g, mode=0)",
     "In dL/dw g is turned round: np.convolve does that, np.correlate doesn't."),
    ("zero", "np.zeros(x.shape), np.zeros(w.shape)",
     "Nothing was added: go through the outputs, and add up what each brings."),
    ("ignores_upstream", "np.convolve(np.ones(len(g)), w), np.correlate(x, np.ones(len(g)), mode=0)",
     "Neither depends on g: they are the gradients of the sum of all outputs."),
)  # fmt: skip


def forward(x, w):
    return np.array([w @ x[i : i + len(w)] for i in range(len(x) - len(w) + 1)])


def cases(rng):
    sizes = (7, 3), (6, 2), (4, 4), (5, 1)
    return [(rng.standard_normal(n), rng.standard_normal(m)) for n, m in sizes]
