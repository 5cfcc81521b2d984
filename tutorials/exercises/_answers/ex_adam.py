"""Answers to ex_adam: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "adam"
KIND = "values"
SOLUTION = """import numpy as np


def adam(w, m, v, g, t, lr):
    m = 0.9 * m + 0.1 * g
    v = 0.999 * v + 0.001 * g**2
    return w - lr * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8), m, v
"""
HINTS = (
    "One line for each of the three formulas.",
    "m' and v' are returned as they are; corrected for their start only in the step.",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def adam(w, m, v, g, t, lr):
    a, b = 0.9, 0.999
    m = m + (1 - a) * (g - m)
    v = v + (1 - b) * (g * g - v)
    root = np.sqrt(v) / np.sqrt(1 - b**t)
    return [w - lr / (1 - a**t) * m / (root + 1e-8), m, v]
""",
    """def adam(w, m, v, g, t, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    def average(old, new, beta):
        return beta * old + (1.0 - beta) * new
    first, second = average(m, g, beta1), average(v, g**2, beta2)
    m_hat, v_hat = first / (1 - pow(beta1, t)), second / (1 - pow(beta2, t))
    return w - lr * m_hat / (v_hat**0.5 + eps), first, second
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("wrong_value", " / (1 - 0.9**t)", "", "The correction of m' for having started at 0 is missing."),
    ("wrong_value", "v / (1 - 0.999**t)", "v", "The correction of v' for having started at 0 is missing."),
    (
        "wrong_value",
        "(m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)",
        "m / (np.sqrt(v) + 1e-8)",
        "The corrections for having started at 0 are missing: m' / (1 - a**t) and v' / (1 - b**t).",
    ),
    (
        "wrong_value",
        "0.001 * g**2",
        "0.001 * g",
        "The second average is one of the gradients, where that of their squares is asked for.",
    ),
    (
        "wrong_value",
        "(np.sqrt(v / (1 - 0.999**t)) + 1e-8)",
        "np.sqrt(v / (1 - 0.999**t) + 1e-8)",
        "eps belongs outside the root: sqrt(...) + 1e-8, not sqrt(... + 1e-8).",
    ),
    (
        "wrong_value",
        "(np.sqrt(v / (1 - 0.999**t)) + 1e-8)",
        "((np.sqrt(v) + 1e-8) / np.sqrt(1 - 0.999**t))",
        "eps is added before v is corrected for its start; it belongs to the root of the corrected one.",
    ),
    ("not_finite", " + 1e-8", "", "eps is missing: where no gradient has come yet, the step is 0 / 0."),
    *(
        ("wrong_value", "1e-8", eps, f"eps is {eps}, where the task has 1e-8.")
        for eps in ("1e-6", "1e-7", "1e-5", "1e-9", "1e-10", "1e-12", "1e-16")
    ),
    *(
        (
            "wrong_value",
            "(np.sqrt(v / (1 - 0.999**t)) + 1e-8)",
            f"np.sqrt(v / (1 - 0.999**t) + {eps})",
            "eps belongs outside the root, and is 1e-8.",
        )
        for eps in ("1e-6", "1e-7", "1e-10", "1e-16")
    ),
    (
        "wrong_value",
        "(np.sqrt(v / (1 - 0.999**t)) + 1e-8)",
        "np.sqrt(v / (1 - 0.999**t)) + 1e-8",
        "eps is added to the step: the root and eps need brackets.",
    ),
    ("changes_inputs", "m = 0.9 * m + 0.1 * g", "m *= 0.9\n    m += 0.1 * g"),
    (
        "wrong_value",
        "1e-8), m, v",
        "1e-8), m / (1 - 0.9**t), v / (1 - 0.999**t)",
        "m' and v' are returned as they are; the corrections are for the step alone.",
    ),
    ("wrong_value", "np.sqrt(v / (1 - 0.999**t))", "v / (1 - 0.999**t)", "The root is missing."),
    ("wrong_value", "**t", "**(t + 1)", "The steps are counted from 1 already: the first one is t = 1."),
    (
        "not_finite",
        "**t",
        "**(t - 1)",
        "The steps are counted from 1: in the first one nothing is left of 1 - a**(t - 1).",
    ),
    ("wrong_value", "**t", " * t", "a is to be raised to the power t, and not multiplied by it."),
    ("wrong_value", "0.9 * m + 0.1 * g", "0.1 * m + 0.9 * g", "a and 1 - a are swapped in m'."),
    ("wrong_value", "0.999 * v + 0.001 * g**2", "0.001 * v + 0.999 * g**2", "b and 1 - b are swapped in v'."),
    ("wrong_value", "0.1 * g", "g", "g isn't multiplied by 1 - a in m'."),
    ("wrong_value", "0.001 * g**2", "g**2", "g**2 isn't multiplied by 1 - b in v'."),
    ("wrong_value", "0.999", "0.99", "b is 0.99, where the task has 0.999."),
    ("wrong_value", "(m / (1 - 0.9**t))", "(g / (1 - 0.9**t))", "The step forgets m': it takes g itself."),
    ("wrong_value", "(m / (1 - 0.9**t))", "g", "The step forgets m': it takes g itself."),
    ("wrong_value", "w - lr", "w + lr", "It goes uphill."),
    ("wrong_value", "lr * (m", "(m", "The learning rate has no effect."),
    (
        "wrong_value",
        "return w - lr * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8), m, v",
        "return m, v, w - lr * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)",
        "The order is (w', m', v'): the weights come first.",
    ),
    ("count", "1e-8), m, v", "1e-8)"),
    (
        "wrong_value",
        "(np.sqrt(v / (1 - 0.999**t)) + 1e-8)",
        "np.maximum(np.sqrt(v / (1 - 0.999**t)), 1e-8)",
        "eps replaces small roots, where it is to be added to all.",
    ),
    (
        "wrong_value",
        "np.sqrt(v / (1 - 0.999**t))",
        "np.sqrt(v) / (1 - 0.999**t)",
        "The correction of v' belongs inside the root.",
    ),
    ("wrong_value", "**t", "**1", "The corrections are those of the first step, whatever t is."),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("wrong_value", "w - lr * m / (np.sqrt(v) + 1e-8), m, v",
     "m and v aren't changed: g comes in by the first two formulas."),
    ("wrong_value", "w, m, v", "Nothing is changed: three formulas give the new w, m and v."),
    ("wrong_value",
     "    new_m, new_v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2\n"
     "    return w - lr * (new_m / (1 - 0.9**t)) / (np.sqrt(new_v / (1 - 0.999**t)) + 1e-8), m, v\n",
     "The old m and v are returned, where the new ones are asked for."),
    ("wrong_value",
     "    new_m, new_v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2\n"
     "    return w - lr * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8), new_m, new_v\n",
     "The step uses the old m and v, where the new ones are asked for."),
    ("wrong_value",
     "    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2\n"
     "    return w - lr * (m / (1 - 0.9**t)) * (np.sqrt(v / (1 - 0.999**t)) + 1e-8), m, v\n",
     "It multiplies by the root, where it should divide."),
    ("wrong_value",
     "    m2 = 0.9 * m + 0.1 * g\n"
     "    v2 = 0.999 * v + 0.001 * g**2\n"
     "    return w - lr * (m2 / (1 - 0.9 * t)) / (np.sqrt(v2 / (1 - 0.999**t)) + 1e-8), m2, v2\n",
     "It has a t where a**t is asked for: a to the power t."),
    ("wrong_value",
     "    m2 = 0.9 * m + 0.1 * g\n"
     "    v2 = 0.999 * v + 0.001 * g**2\n"
     "    return w - lr * (m2 / (1 - 0.9**t)) / (np.sqrt(v2 / (1 - 0.999**t)) + 1e-8), v2, m2\n",
     "m' and v' are in the wrong order: the tuple is (w', m', v')."),
    ("wrong_value",
     "    m2 = 0.9 * m + 0.1 * g\n"
     "    v2 = 0.99 * v + 0.01 * g**2\n"
     "    return w - lr * (m2 / (1 - 0.9**t)) / (np.sqrt(v2 / (1 - 0.99**t)) + 1e-8), m2, v2\n",
     "b is 0.99, where the task has 0.999."),
    ("wrong_value",
     "    m2 = 0.9 * m + g\n"
     "    v2 = 0.999 * v + g**2\n"
     "    return w - lr * (m2 / (1 - 0.9**t)) / (np.sqrt(v2 / (1 - 0.999**t)) + 1e-8), m2, v2\n",
     "The factors (1 - a) and (1 - b) are missing in m' and v'."),
    ("wrong_value",
     "    m2 = 0.999 * m + 0.001 * g\n"
     "    v2 = 0.9 * v + 0.1 * g**2\n"
     "    return w - lr * (m2 / (1 - 0.999**t)) / (np.sqrt(v2 / (1 - 0.9**t)) + 1e-8), m2, v2\n",
     "a and b are swapped: a = 0.9 belongs to m, b = 0.999 to v."),
    ("wrong_value",
     "    m2 = 0.1 * m + 0.9 * g\n"
     "    v2 = 0.001 * v + 0.999 * g**2\n"
     "    return w - lr * (m2 / (1 - 0.9**t)) / (np.sqrt(v2 / (1 - 0.999**t)) + 1e-8), m2, v2\n",
     "a and 1 - a are swapped, and b and 1 - b: the old m and v are multiplied by a and b."),
    ("wrong_value",
     "    m2 = 0.9 * m + 0.1 * g\n"
     "    v2 = 0.999 * v + 0.001 * m2**2\n"
     "    return w - lr * (m2 / (1 - 0.9**t)) / (np.sqrt(v2 / (1 - 0.999**t)) + 1e-8), m2, v2\n",
     "v' takes the square of g itself, and not that of m'."),
)  # fmt: skip


def cases(rng):
    def some(*shape):
        return [rng.standard_normal(shape), rng.standard_normal(shape), rng.standard_normal(shape) ** 2,
                rng.standard_normal(shape)]  # fmt: skip

    return [
        (*some(2), 1, 0.1),
        (*some(2, 3), 7, 0.02),
        (*some(2, 3, 2), 2, 0.1),
        (np.zeros(3), np.zeros(3), np.zeros(3), np.array([0, 3e-9, -2e-8]), 1, 0.1),  # beside which eps is seen
        (np.zeros(2), np.array([2e-8, -1e-9]), np.array([1e-16, 4e-17]), np.array([1e-8, 2e-9]), 3, 0.1),
    ]
