"""Answers to ex_masked_loss: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "masked_loss"
KIND = "values"
SOLUTION = """import numpy as np


def masked_loss(p, letters, hidden):
    at_the_blanks = p[hidden]
    right = letters[hidden]
    return -np.log(at_the_blanks[np.arange(len(right)), right]).mean()
"""
HINTS = (
    "p[hidden] has a row of k probabilities for each blank, and letters[hidden] the right letter of each.",
    "From there on it is the cross-entropy that you know: one number of each row, its logarithm, the mean.",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def masked_loss(p, letters, hidden):
    chosen = np.take_along_axis(p, letters[..., None], axis=-1)[..., 0]
    return np.sum(-np.log(chosen) * hidden) / np.sum(hidden)
""",
    """import math


def masked_loss(p, letters, hidden):
    total, blanks = 0.0, 0
    for i in range(len(p)):
        for t in range(len(p[i])):
            if hidden[i, t]:
                total -= math.log(p[i, t, letters[i, t]])
                blanks += 1
    return total / blanks
""",
    """import numpy as np


def masked_loss(p, letters, hidden):
    i, t = np.nonzero(hidden)
    return np.mean(-np.log(p[i, t, letters[i, t]]))
""",
)
BODY = """    at_the_blanks = p[hidden]
    right = letters[hidden]
    return -np.log(at_the_blanks[np.arange(len(right)), right]).mean()"""
EACH = """    chosen = np.take_along_axis(p, letters[..., None], axis=-1)[..., 0]
    """
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("sign", "-np.log", "np.log", "The minus is missing: logarithms of probabilities are negative, a loss isn't."),
    ("wrong_value", ".mean()", ".sum()", "It is a sum, so it grows with the number of blanks, as a mean doesn't."),
    ("shape", ".mean()", "", "There is one number for each blank; their mean is asked for."),
    ("wrong_value", "np.log(at", "np.log2(at", "The logarithm has base 2; the natural one is asked for."),
    ("wrong_value", "np.log(at", "np.log10(at", "The logarithm has base 10; the natural one is asked for."),
    (
        "wrong_value",
        "-np.log(at_the_blanks[np.arange(len(right)), right]).mean()",
        "-np.log(at_the_blanks[np.arange(len(right)), right].mean())",
        "It takes the logarithm of a mean, where the mean of logarithms is asked for.",
    ),
    (
        "wrong_value",
        "-np.log(at_the_blanks[np.arange(len(right)), right]).mean()",
        "(1 - at_the_blanks[np.arange(len(right)), right]).mean()",
        "The logarithm is missing: 1 - p is no cross-entropy.",
    ),
    (
        "wrong_value",
        "-np.log(at_the_blanks[np.arange(len(right)), right]).mean()",
        "-at_the_blanks[np.arange(len(right)), right].mean()",
        "The logarithm is missing.",
    ),
    (
        "wrong_value",
        "at_the_blanks[np.arange(len(right)), right]",
        "at_the_blanks[:, right]",
        "[:, right] takes the letters of all blanks in every row; one number per row is wanted, rows np.arange(...).",
    ),
    (
        "wrong_value",
        "at_the_blanks[np.arange(len(right)), right]",
        "at_the_blanks",
        "It takes all k probabilities of a blank, where only that of the right letter is asked for.",
    ),
    (
        "wrong_value",
        "at_the_blanks[np.arange(len(right)), right]",
        "at_the_blanks.max(axis=1)",
        "It takes the likeliest letter of each blank, where the right one is asked for.",
    ),
    (
        "wrong_value",
        "-np.log(at_the_blanks[np.arange(len(right)), right]).mean()",
        "(at_the_blanks.argmax(axis=1) != right).mean()",
        "That is the share of wrong guesses; a loss asks how likely the right letter was held.",
    ),
    (
        "wrong_value",
        BODY,
        EACH + "return -np.log(chosen).mean()",
        "hidden has no effect: letters that can be copied count, too, and make the loss look good.",
    ),
    (
        "wrong_value",
        BODY,
        EACH + "return -np.log(chosen[~hidden]).mean()",
        "It is the other way round: it takes the letters that are seen, where the hidden ones are asked for.",
    ),
    (
        "wrong_value",
        BODY,
        EACH + "return -(np.log(chosen) * hidden).mean()",
        "It divides by the number of all places; divide by the number of blanks, hidden.sum().",
    ),
    (
        "wrong_value",
        BODY,
        EACH + "return -(np.log(chosen) * hidden).sum() / len(p)",
        "It divides by the number of words; divide by the number of blanks, hidden.sum().",
    ),
    (
        "wrong_value",
        BODY,
        EACH + "return -(np.log(chosen) * hidden).sum() / p.shape[1]",
        "It divides by the length of a word; divide by the number of blanks, hidden.sum().",
    ),
    (
        "wrong_value",
        BODY,
        EACH + "return -(np.log(chosen) * hidden).sum() / p.shape[2]",
        "It divides by the number of letters k; divide by the number of blanks, hidden.sum().",
    ),
    (
        "wrong_value",
        BODY,
        EACH + "return -(np.log(chosen) * hidden).sum() / np.sum(~hidden)",
        "It divides by the number of places that are seen; divide by that of the hidden ones.",
    ),
    (
        "wrong_value",
        BODY,
        EACH + "return np.mean(-(np.log(chosen) * hidden).sum(axis=1) / np.maximum(hidden.sum(axis=1), 1))",
        "It is a mean of the words' means, so a blank counts less in a word with many; all blanks count alike.",
    ),
    (
        "wrong_value",
        BODY,
        EACH + "of_words = (np.log(chosen) * hidden).sum(axis=1) / np.maximum(hidden.sum(axis=1), 1)\n"
        "    return -of_words[hidden.any(axis=1)].mean()",
        "It is a mean of the means of words with blanks; all blanks count alike, wherever they are.",
    ),
    (
        "wrong_value",
        BODY,
        EACH + "first = hidden.argmax(axis=1)[:, None]\n"
        "    return -np.log(np.take_along_axis(chosen, first, axis=1)[hidden.any(axis=1)]).mean()",
        "It takes only the first blank of each word; a word may have several.",
    ),
    (
        "wrong_value",
        BODY,
        EACH + "return -np.log(chosen[np.arange(len(p)), hidden.argmax(axis=1)]).mean()",
        "hidden.argmax(axis=1) is one place a word; a word may have several blanks, or none (then it is place 0).",
    ),
    (
        "not_finite",
        BODY,
        EACH + "return (-(np.log(chosen) * hidden).sum(axis=1) / hidden.sum(axis=1)).mean()",
        "hidden.sum(axis=1) is 0 where a word has no blank; and all blanks count alike: divide once, by hidden.sum().",
    ),
    (
        "wrong_value",
        BODY,
        "    return -np.log(p[:, :, letters][hidden]).mean()",
        "[:, :, letters] takes the letters of all words at each place; each place has one: p[i, t, letters[i, t]].",
    ),
    (
        "wrong_value",
        "    at_the_blanks = p[hidden]\n",
        "    at_the_blanks = np.exp(p[hidden]) / np.exp(p[hidden]).sum(axis=1, keepdims=True)\n",
        "It takes a softmax of p, or a cross-entropy that does; p are probabilities already.",
    ),
    (
        "wrong_value",
        BODY,
        EACH + "return -np.log(np.prod(chosen[hidden]))",
        "It is a sum, so it grows with the number of blanks, as a mean doesn't.",
    ),
    (
        "wrong_value",
        BODY,
        EACH + "return -np.log(chosen.mean(where=hidden))",
        "It takes the logarithm of a mean, where the mean of logarithms is asked for.",
    ),
    (
        "wrong_value",
        BODY,
        "    hidden_p = p * hidden[..., None]\n    return -np.log(hidden_p.max(axis=-1)[hidden]).mean()",
        "It takes the likeliest letter of each blank, where the right one is asked for.",
    ),
    *(
        (
            "wrong_value",
            "right])",
            f"right] + {eps})",
            "Inside the logarithm something is added or cut off, which changes what is improbable.",
        )
        for eps in ("1e-7", "1e-8", "1e-9", "1e-10", "1e-12")
    ),
    (
        "wrong_value",
        "np.log(at_the_blanks[np.arange(len(right)), right])",
        "np.log(np.maximum(at_the_blanks[np.arange(len(right)), right], 1e-9))",
        "Inside the logarithm something is added or cut off, which changes what is improbable.",
    ),
    (
        "wrong_value",
        "-np.log(at_the_blanks[np.arange(len(right)), right]).mean()",
        "-np.log(1 - at_the_blanks[np.arange(len(right)), right]).mean()",
        "It takes 1 - p, the probability that it is not the right letter.",
    ),
    (
        "raises",
        "at_the_blanks[np.arange(len(right)), right]",
        "at_the_blanks[right]",
        "[right] takes whole rows, those numbered like letters; pick one number of each row, [np.arange(n), right].",
    ),
    (
        "raises",
        "letters[hidden]",
        "letters",
        "letters are those of all places, at_the_blanks has a row for each blank only: take letters[hidden], too.",
    ),
)


def cases(rng):
    def probabilities(*shape):
        p = rng.random(shape) + 0.05
        return p / p.sum(axis=-1, keepdims=True)

    several = np.array([[True, False, True, True, False], [False, False, False, False, False],
                        [False, True, False, False, False], [False, False, True, False, True]])  # fmt: skip
    improbable = np.array([[[1.0, 1e-20], [0.4, 0.6], [0.3, 0.7]]])
    return [
        (probabilities(4, 5, 3), rng.integers(3, size=(4, 5)), several),
        (
            probabilities(2, 3, 7),
            np.array([[6, 5, 2], [4, 6, 1]]),
            np.array([[False, True, True], [True, False, True]]),
        ),
        (probabilities(3, 2, 4), rng.integers(4, size=(3, 2)), rng.permutation(6).reshape(3, 2) < 4),
        (improbable, np.array([[1, 0, 1]]), np.array([[True, True, False]])),
    ]
