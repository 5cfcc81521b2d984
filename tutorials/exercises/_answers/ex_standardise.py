"""Answers to ex_standardise: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "standardise"
KIND = "values"
SOLUTION = """import numpy as np


def standardise(train, test):
    std = train.std(axis=0)
    return (test - train.mean(axis=0)) / np.where(std > 0, std, 1)
"""
HINTS = (
    "The test data's own mean must not be used.",
    "np.where replaces a standard deviation of 0.",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def standardise(train, test):
    mean, std = np.mean(train, 0), np.std(train, 0)
    std[std == 0] = 1.0
    return (test - mean) / std
""",
    """import statistics


def standardise(train, test):
    columns = []
    for known, new in zip(train.T, test.T):
        mean = sum(known) / len(known)
        std = statistics.pstdev(known) or 1
        columns.append([(v - mean) / std for v in new])
    return [list(row) for row in zip(*columns)]
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("not_finite", "np.where(std > 0, std, 1)", "std", "It divides by 0 where a feature never changes in training."),
    (
        "wrong_value",
        "test - train.mean(axis=0)",
        "test - test.mean(axis=0)",
        "The test set is centred by its own mean, not as the training set was.",
    ),
    (
        "wrong_value",
        "std = train.std(axis=0)\n    return (test - train.mean(axis=0))",
        "std = test.std(axis=0)\n    return (test - test.mean(axis=0))",
        "It uses the test data's own mean and standard deviation, not the training data's.",
    ),
    (
        "wrong_value",
        "std = train.std(axis=0)",
        "std = test.std(axis=0)",
        "It divides by the test data's own standard deviation, not as the training set was.",
    ),
    (
        "not_finite",
        "    std = train.std(axis=0)\n    return (test - train.mean(axis=0)) / np.where(std > 0, std, 1)",
        "    return (test - test.mean(axis=0)) / test.std(axis=0)",
        "It uses the test data's own mean and standard deviation, not the training data's.",
    ),
    ("wrong_value", " / np.where(std > 0, std, 1)", "", "It is centred, but not scaled."),
    ("wrong_value", "test - train.mean(axis=0)", "test", "It is scaled, but not centred."),
    *(
        (
            "wrong_value",
            "np.where(std > 0, std, 1)",
            f"(np.where(std > 0, std, 1) + {eps})",
            "Something is added to the standard deviation, which changes features that vary little.",
        )
        for eps in ("1e-8", "1e-7", "1e-6", "1e-9", "1e-10", "1e-12")
    ),
    *(
        (
            "wrong_value",
            "np.where(std > 0, std, 1)",
            f"(std + {eps})",
            "Something is added to the standard deviation: only one that is 0 is replaced, by 1.",
        )
        for eps in ("1e-8", "1e-7", "1e-6", "1e-9", "1e-10", "1e-12")
    ),
    (
        "wrong_value",
        "train.std(axis=0)",
        "train.std(axis=0, ddof=1)",
        "The standard deviation divides by n - 1; NumPy's own, which divides by n, is asked for.",
    ),
    (
        "wrong_value",
        "train.std(axis=0)",
        "train.var(axis=0)",
        "It divides by the variance, where the standard deviation is asked for.",
    ),
    (
        "wrong_value",
        "std = train.std(axis=0)\n    return (test - train.mean(axis=0))",
        "std = train.std()\n    return (test - train.mean())",
        "It takes one mean and one standard deviation of all numbers; each feature has its own.",
    ),
    ("wrong_value", "(test -", "(train -", "It standardises the training data, where the test data is asked for."),
    (
        "wrong_value",
        "(test - train.mean(axis=0)) / np.where(std > 0, std, 1)",
        "np.where(std > 0, (test - train.mean(axis=0)) / std, 0)",
        "A feature that never changes in training is to be centred too, and divided by 1, not set to 0.",
    ),
    (
        "wrong_value",
        "(test - train.mean(axis=0)) / np.where(std > 0, std, 1)",
        "np.where(std > 0, (test - train.mean(axis=0)) / std, test)",
        "A feature that never changes in training is to be centred too: only the division is by 1.",
    ),
    ("raises", "axis=0", "axis=1", "axis=1 goes along an example; a feature is a column."),
    (
        "wrong_value",
        "(test - train.mean(axis=0)) / np.where(std > 0, std, 1)",
        "np.nan_to_num((test - train.mean(axis=0)) / std)",
        "It hides the division by 0: a feature that never changes in training is divided by 1.",
    ),
    (
        "wrong_value",
        "    std",
        "    train = np.concatenate([train, test])\n    std",
        "Mean and standard deviation are those of training and test data together.",
    ),
    (
        "wrong_value",
        "/ np.where(std > 0, std, 1)",
        "/ np.maximum(std, 1)",
        "Every standard deviation below 1 is replaced; only one that is 0 should be.",
    ),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("wrong_value", "(test - train.mean(axis=0)) / (train.std() or 1)",
     "axis=0 is forgotten in the standard deviation: each feature has its own."),
    ("wrong_value",
     "    std = np.where(train.std(axis=0) > 0, train.std(axis=0), 1)\n"
     "    return (test - train.mean()) / std\n",
     "axis=0 is forgotten in the mean: each feature has its own."),
    ("wrong_value",
     "    std = np.where(train.std(axis=0) > 0, train.std(axis=0), 1)\n"
     "    return (test - train.mean(axis=0)) * std\n",
     "It multiplies by the standard deviation, where it should divide."),
    ("wrong_value",
     "    std = np.where(train.std(axis=0) > 0, train.std(axis=0), 1)\n"
     "    return test / std - train.mean(axis=0)\n",
     "Only the test data is divided: the mean is to be subtracted first, so the difference needs brackets."),
    ("wrong_value",
     "    std = np.where(train.std(axis=0) > 0, train.std(axis=0), 1)\n"
     "    return test - train.mean(axis=0) / std\n",
     "Only the mean is divided: the difference needs brackets."),
    ("wrong_value",
     "    std = np.where(train.std(axis=0) > 0, train.std(axis=0), 1)\n"
     "    return (test - np.median(train, axis=0)) / std\n",
     "It takes the median, where the mean is asked for."),
    ("wrong_value", "(test - train.mean(axis=0)) / np.where(train.std(axis=0) > 0, train.std(axis=0), 1e-8)",
     "A standard deviation of 0 is replaced by 1e-8, where it should be by 1."),
    ("wrong_value",
     "    std = train.std(axis=0)\n"
     "    std[std < 0.1] = 1\n"
     "    return (test - train.mean(axis=0)) / std\n",
     "A feature that changes little is divided by 1 too: only one that never changes should be, whose std is 0."),
    ("wrong_value",
     "    std = train.std(axis=0)\n"
     "    std[std < 1e-6] = 1\n"
     "    return (test - train.mean(axis=0)) / std\n",
     "A feature that changes little is divided by 1 too: only one that never changes should be, whose std is 0."),
    ("wrong_value",
     "    std = train.std(axis=0)\n"
     "    return (test - train.mean(axis=0)) / (std if std.all() else 1)\n",
     "One feature that never changes lets all be divided by 1: each has its own, np.where(std > 0, std, 1)."),
)  # fmt: skip


def cases(rng):
    constant = np.array([[1.0, 3.0], [2.0, 3.0], [6.0, 3.0]])
    return [
        (rng.standard_normal((6, 4)) * [1, 5, 0, 1e-6], rng.standard_normal((4, 4))),
        (rng.standard_normal((5, 2)) + 3, rng.standard_normal((3, 2))),
        (constant, np.array([[4.0, 5.0]])),
        (rng.standard_normal((3, 3)) + np.array([0, 10, -10]), rng.standard_normal((3, 3))),
    ]
