"""Answers to ex_clipped_sum: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "clipped_sum"
KIND = "values"
SOLUTION = """import numpy as np


def clipped_sum(of_weight, of_bias, clip):
    norms = np.sqrt(np.sum(of_weight**2, axis=(1, 2)) + np.sum(of_bias**2, axis=1))
    scale = clip / np.maximum(norms, clip)
    return np.sum(scale[:, None, None] * of_weight, axis=0), np.sum(scale[:, None] * of_bias, axis=0)
"""
HINTS = (
    "Squares add up: the squared norm of an example is the sum of all its squares, of weight and bias.",
    "Each example has one factor, for its weight and its bias: clip / norm if the norm is larger than clip, else 1.",
    "clip / np.maximum(norms, clip) is both at once, and never divides by 0. Give it axes of length 1 before it "
    "multiplies.",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def clipped_sum(of_weight, of_bias, clip):
    rows = np.concatenate([of_weight.reshape(len(of_bias), -1), of_bias], axis=1)
    for row in rows:
        norm = np.linalg.norm(row)
        if norm > clip:
            row *= clip / norm
    total = rows.sum(axis=0)
    k = of_weight[0].size
    return total[:k].reshape(of_weight.shape[1:]), total[k:]
""",
    """import numpy as np


def clipped_sum(of_weight, of_bias, clip):
    weight, bias = np.zeros(of_weight.shape[1:]), np.zeros(of_bias.shape[1:])
    for w, b in zip(of_weight, of_bias):
        norm = np.sqrt((w**2).sum() + (b**2).sum())
        factor = clip / norm if norm > clip else 1
        weight += factor * w
        bias += factor * b
    return weight, bias
""",
    """import numpy as np


def clipped_sum(of_weight, of_bias, clip):
    norms = np.hypot(np.linalg.norm(of_weight, axis=(1, 2)), np.linalg.norm(of_bias, axis=1))
    scale = np.minimum(1, clip / np.where(norms == 0, 1, norms))
    scale[norms == 0] = 1
    return np.einsum("n,noi->oi", scale, of_weight), scale @ of_bias
""",
)
SUM = "    return np.sum(scale[:, None, None] * of_weight, axis=0), np.sum(scale[:, None] * of_bias, axis=0)"
NORMS = "    norms = np.sqrt(np.sum(of_weight**2, axis=(1, 2)) + np.sum(of_bias**2, axis=1))"
SCALE = "    scale = clip / np.maximum(norms, clip)"
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("wrong_value", " + np.sum(of_bias**2, axis=1)", "",
     "The norm is that of the weight alone; the bias belongs to the same example, add its squares."),
    ("wrong_value", "np.sum(of_weight**2, axis=(1, 2)) + ", "",
     "The norm is that of the bias alone; the weight belongs to the same example, add its squares."),
    ("wrong_value", NORMS, "    norms = np.linalg.norm(of_weight, axis=(1, 2)) + np.linalg.norm(of_bias, axis=1)",
     "It adds two norms; add the squares, and take the root of that."),
    ("wrong_value", NORMS, "    norms = np.maximum(np.linalg.norm(of_weight, axis=(1, 2)), "
     "np.linalg.norm(of_bias, axis=1))",
     "It takes the larger of two norms; add their squares, and take the root of that."),
    ("wrong_value", "np.sqrt(np.sum(of_weight**2, axis=(1, 2)) + np.sum(of_bias**2, axis=1))",
     "np.sum(of_weight**2, axis=(1, 2)) + np.sum(of_bias**2, axis=1)",
     "The root is missing: that is the norm squared."),
    ("wrong_value", NORMS, "    norms = np.abs(of_weight).sum(axis=(1, 2)) + np.abs(of_bias).sum(axis=1)",
     "It adds absolute values; the norm is the root of the sum of squares."),
    ("wrong_value", NORMS, "    norms = np.maximum(np.abs(of_weight).max(axis=(1, 2)), np.abs(of_bias).max(axis=1))",
     "It takes the largest number of an example; the norm is the root of the sum of squares."),
    ("wrong_value", NORMS, "    norms = np.full(len(of_bias), np.sqrt(np.sum(of_weight**2) + np.sum(of_bias**2)))",
     "It takes one norm for all examples; each has its own, so leave the first axis."),
    ("wrong_value", NORMS, "    norms = np.sqrt(np.mean(of_weight**2, axis=(1, 2)) + np.mean(of_bias**2, axis=1))",
     "It takes means of squares; a norm is the root of their sum."),
    ("not_finite", SCALE, "    scale = clip / norms",
     "All are brought to the norm clip, and one that is 0 divides by 0; what is shorter than clip stays as it is."),
    ("wrong_value", SCALE, "    scale = clip / np.maximum(norms, 1e-12)",
     "Short gradients are made longer; what is shorter than clip stays as it is."),
    ("wrong_value", SCALE, "    scale = clip / np.minimum(np.maximum(norms, 1e-12), clip)",
     "Short gradients are made longer and long ones stay; it is the other way round, np.maximum(norms, clip)."),
    ("wrong_value", SCALE, "    scale = clip / np.maximum(norms, 1)",
     "A norm is compared with 1; it should be compared with clip."),
    ("wrong_value", SCALE, "    scale = 1 / np.maximum(norms, clip)",
     "Long ones get the norm 1 and all are divided by something; the factor is clip / norm, or 1."),
    ("wrong_value", SCALE, "    scale = np.maximum(norms, clip) / clip",
     "The factor is upside down, so long gradients get longer."),
    ("wrong_value", SCALE, "    scale = 1.0 * (norms <= clip)",
     "Examples whose gradients are too long are left out; they should be shortened to clip."),
    ("wrong_value", SCALE, "    scale = np.ones(len(norms))",
     "Nothing is clipped: multiply each example by its factor."),
    ("wrong_value", SUM, "    return np.mean(scale[:, None, None] * of_weight, axis=0), "
     "np.mean(scale[:, None] * of_bias, axis=0)",
     "These are means; sums over the examples are asked for."),
    ("wrong_value", "np.sum(scale[:, None] * of_bias, axis=0)", "np.sum(of_bias, axis=0)",
     "The bias isn't clipped: it gets the same factor as the weight."),
    ("wrong_value", "np.sum(scale[:, None, None] * of_weight, axis=0)", "np.sum(of_weight, axis=0)",
     "The weight isn't clipped: it gets the same factor as the bias."),
    ("raises", "scale[:, None, None]", "scale",
     "The factors are laid along the last axis; they belong to the first one: scale[:, None, None]."),
    ("shape", SUM, "    return scale[:, None, None] * of_weight, scale[:, None] * of_bias",
     "The examples aren't added up: sum over the first axis."),
    ("count", SUM, "    return np.sum(scale[:, None, None] * of_weight, axis=0)",
     "The bias is missing: give both sums, in a tuple."),
    ("shape", SUM, "    return np.sum(scale[:, None] * of_bias, axis=0), "
     "np.sum(scale[:, None, None] * of_weight, axis=0)",
     "The order is wrong: first the weight, then the bias."),
    ("changes_inputs", SUM,
     "    of_weight *= scale[:, None, None]\n    return of_weight.sum(axis=0), scale @ of_bias"),
)  # fmt: skip
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("wrong_value",
     "    weight, bias = of_weight.sum(axis=0), of_bias.sum(axis=0)\n"
     "    scale = clip / max(np.sqrt(np.sum(weight**2) + np.sum(bias**2)), clip)\n"
     "    return scale * weight, scale * bias\n",
     "The sum is clipped; clip each example first, then add."),
    ("wrong_value",
     "    weight, bias = of_weight.mean(axis=0), of_bias.mean(axis=0)\n"
     "    scale = clip / max(np.sqrt(np.sum(weight**2) + np.sum(bias**2)), clip)\n"
     "    return scale * weight, scale * bias\n",
     "The mean is clipped, which protects nobody; clip each example first, then add."),
    ("wrong_value",
     "    def own(g):\n"
     "        norms = np.sqrt(np.sum(g.reshape(len(g), -1) ** 2, axis=1))\n"
     "        return np.tensordot(clip / np.maximum(norms, clip), g, 1)\n\n"
     "    return own(of_weight), own(of_bias)\n",
     "Weight and bias are clipped each by its own norm; an example has one norm, of both together."),
    ("wrong_value", "np.clip(of_weight, -clip, clip).sum(axis=0), np.clip(of_bias, -clip, clip).sum(axis=0)",
     "It cuts each number at clip; the whole gradient of an example is to be shortened, and keeps its direction."),
)  # fmt: skip


def cases(rng):
    def case(n, o, i, clip):
        size = np.linspace(0.2, 3, n)  # short ones and long ones
        return size[:, None, None] * rng.standard_normal((n, o, i)), size[:, None] * rng.standard_normal((n, o)), clip

    weight, bias, clip = case(5, 2, 3, 2.0)
    weight[2] = bias[2] = 0
    return [(weight, bias, clip), case(6, 3, 2, 3.0), case(4, 4, 1, 1.5)]
