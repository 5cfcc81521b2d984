"""Answers to ex_adam_in_place: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "adam"
KIND = "values"
INTO = (0, 1, 2)
SCRATCH = (4,)
LEAN = True
SOLUTION = """import numpy as np


def adam(w, m, v, g, s, t, lr):
    m *= 0.9
    np.multiply(g, 0.1, out=s)
    m += s
    v *= 0.999
    np.square(g, out=s)
    s *= 0.001
    v += s
    np.divide(v, 1 - 0.999**t, out=s)
    np.sqrt(s, out=s)
    s += 1e-8
    np.divide(m, s, out=s)
    s *= lr / (1 - 0.9**t)
    w -= s
"""
HINTS = (
    "v goes like m: v *= 0.999, then s becomes 0.001 g**2, then v += s.",
    "Then s becomes what is below the line: v / (1 - 0.999**t), its root, plus 1e-8. Each is one line that ends in s.",
    "np.divide(m, s, out=s) makes the quotient of it. What is left of the formula are numbers: lr / (1 - 0.9**t).",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def adam(w, m, v, g, s, t, lr):
    a, b = 0.9, 0.999
    np.subtract(g, m, out=s)
    s *= 1 - a
    m += s
    np.multiply(g, g, out=s)
    s -= v
    s *= 1 - b
    v += s
    np.sqrt(v, out=s)
    s /= np.sqrt(1 - b**t)
    s += 1e-8
    np.divide(m, s, s)
    s *= lr / (1 - a**t)
    np.subtract(w, s, out=w)
    return w, m, v
""",
    """def adam(w, m, v, g, s, t, lr):
    for i in range(len(w)):
        m[i] = 0.9 * m[i] + 0.1 * g[i]
        v[i] = 0.999 * v[i] + 0.001 * g[i] ** 2
        w[i] -= lr * (m[i] / (1 - 0.9**t)) / ((v[i] / (1 - 0.999**t)) ** 0.5 + 1e-8)
""",
)
_LEFT = " as it was. `{0} = ...` would only give the name to another array: write with out={0}, or {0}[...] = ...."
_LEAN = "compute in those that are given, with out= or with +=, -=, *= and /=."
_ROOT = "np.divide(v, 1 - 0.999**t, out=s)\n    np.sqrt(s, out=s)\n    s += 1e-8"
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("unwritten", "m *= 0.9\n", "m = 0.9 * m\n", "It leaves its argument m" + _LEFT.format("m")),
    ("unwritten", "v *= 0.999\n", "v = 0.999 * v\n", "It leaves its argument v" + _LEFT.format("v")),
    ("unwritten", "w -= s", "w = w - s", "It leaves its argument w" + _LEFT.format("w")),
    ("unwritten", "    w -= s\n", "", "It leaves its argument w" + _LEFT.format("w")),
    ("unwritten", "m += s\n", "m = m + s\n", "It leaves its argument m" + _LEFT.format("m")),
    ("unwritten", "v += s\n", "v = v + s\n", "It leaves its argument v" + _LEFT.format("v")),
    ("changes_inputs", "np.square(g, out=s)", "np.square(g, out=g)\n    s[...] = g"),
    ("changes_inputs", "np.multiply(g, 0.1, out=s)\n    m += s", "g *= 0.1\n    m += g"),
    ("memory", "np.multiply(g, 0.1, out=s)\n    m += s", "m += 0.1 * g", _LEAN),
    ("memory", "np.square(g, out=s)\n    s *= 0.001\n    v += s", "v += 0.001 * g**2", _LEAN),
    ("memory", "np.divide(m, s, out=s)", "s[...] = m / s", _LEAN),
    ("memory", "np.sqrt(s, out=s)", "s = np.sqrt(s)", _LEAN),
    ("wrong_value", "np.sqrt(s, out=s)", "np.sqrt(s)",
     "What np.sqrt gives is thrown away, so the root is missing: out=s."),
    ("wrong_value", "np.divide(v, 1 - 0.999**t, out=s)", "np.divide(v, 1 - 0.999**t)",
     "The corrected v isn't written anywhere, so s still has what was added to v: out=s."),
    ("wrong_value", "    np.square(g, out=s)\n", "",
     "s still has 0.1 g in it where its square is asked for: np.square(g, out=s)."),
    ("wrong_value", "np.square(g, out=s)", "np.square(s, out=s)",
     "s has 0.1 g in it there, and its square is 0.01 g**2: np.square(g, out=s)."),
    ("wrong_value", "np.divide(v, 1 - 0.999**t, out=s)", "np.sqrt(v, out=v)\n    np.divide(v, 1 - 0.999**t, out=s)",
     "v itself is replaced by its root: compute that in s."),
    ("wrong_value", "np.divide(v, 1 - 0.999**t, out=s)", "v /= 1 - 0.999**t\n    s[...] = v",
     "v itself is corrected for its start; it is kept as it is, and the correction is for the step alone."),
    ("wrong_value", "np.divide(m, s, out=s)\n    s *= lr / (1 - 0.9**t)",
     "m /= 1 - 0.9**t\n    np.divide(m, s, out=s)\n    s *= lr",
     "m itself is corrected for its start; it is kept as it is, and the correction is for the step alone."),
    ("wrong_value", "np.divide(m, s, out=s)", "np.divide(m, s, out=m)\n    s[...] = m",
     "m itself is divided by the root: write the quotient into s."),
    ("wrong_value", "np.divide(m, s, out=s)", "np.divide(s, m, out=s)",
     "The quotient is the wrong way round: m is above the line."),
    ("wrong_value", "np.divide(m, s, out=s)", "s *= m", "It multiplies by the root, where it should divide."),
    ("wrong_value", "np.divide(m, s, out=s)", "np.divide(g, s, out=s)", "The step forgets m': it takes g itself."),
    ("wrong_value", " / (1 - 0.9**t)", "", "The correction of m' for having started at 0 is missing."),
    ("wrong_value", "np.divide(v, 1 - 0.999**t, out=s)", "s[...] = v",
     "The correction of v' for having started at 0 is missing."),
    ("wrong_value", _ROOT, "np.divide(v, 1 - 0.999**t, out=s)\n    s += 1e-8\n    np.sqrt(s, out=s)",
     "eps belongs outside the root: first the root, then + 1e-8."),
    ("wrong_value", _ROOT, "np.sqrt(v, out=s)\n    s += 1e-8\n    s /= (1 - 0.999**t) ** 0.5",
     "eps is added before v is corrected for its start; it belongs to the root of the corrected one."),
    ("wrong_value", _ROOT, "np.sqrt(v, out=s)\n    s /= 1 - 0.999**t\n    s += 1e-8",
     "The correction of v' belongs inside the root."),
    ("not_finite", "    s += 1e-8\n", "", "eps is missing: where no gradient has come yet, the step is 0 / 0."),
    *(("wrong_value", "1e-8", eps, f"eps is {eps}, where the task has 1e-8.")
      for eps in ("1e-6", "1e-7", "1e-9", "1e-10")),
    ("wrong_value", "    s *= 0.001\n", "", "g**2 isn't multiplied by 1 - b in v'."),
    ("wrong_value", "np.multiply(g, 0.1, out=s)", "s[...] = g", "g isn't multiplied by 1 - a in m'."),
    ("wrong_value", "    m *= 0.9\n", "", "m isn't multiplied by a before g comes in."),
    ("wrong_value", "    v *= 0.999\n", "", "v isn't multiplied by b before g**2 comes in."),
    ("wrong_value", "**t", " * t", "a is to be raised to the power t, and not multiplied by it."),
    ("wrong_value", "**t", "**(t + 1)", "The steps are counted from 1 already: the first one is t = 1."),
    ("wrong_value", "w -= s", "w += s", "It goes uphill."),
    ("wrong_value", "s *= lr /", "s *= 1 /", "The learning rate has no effect."),
    ("wrong_value", "w -= s", "w[...] = s", "w becomes the step itself; the step is to be subtracted: w -= s."),
)  # fmt: skip


def cases(rng):
    def some(*shape):
        w, m, v, g, s = (rng.standard_normal(shape) for _ in range(5))
        return w, m, v**2, g, s

    scratch = np.array([3.0, -2.0, 0.5])
    return [
        (*some(4), 1, 0.1),
        (*some(5), 7, 0.02),
        (
            np.zeros(3),
            np.zeros(3),
            np.zeros(3),
            np.array([0, 3e-9, -2e-8]),
            scratch,
            1,
            0.1,
        ),  # beside which eps is seen
        (np.zeros(2), np.array([2e-8, -1e-9]), np.array([1e-16, 4e-17]), np.array([1e-8, 2e-9]), scratch[:2], 3, 0.1),
        (*some(600), 2, 0.1),
    ]
