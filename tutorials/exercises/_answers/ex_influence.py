"""Answers to ex_influence: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "influence"
KIND = "values"
SOLUTION = """import numpy as np


def influence(model, x):
    before = model(x)
    heard = np.zeros((len(x), len(x)))
    for j in range(len(x)):
        changed = x.copy()
        changed[j] += 1
        heard[:, j] = np.any(model(changed) != before, axis=1)
    return heard
"""
HINTS = (
    "Call the model once with x, then once for each place j, with a copy of x in which x[j] alone is changed.",
    "One changed place fills one column, heard[:, j]. np.any(a != b, axis=1) says which rows of a and b differ.",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def influence(model, x):
    return np.stack([(model(x + step) != model(x)).any(axis=1) for step in np.eye(len(x))], axis=1)
""",
    """import numpy as np


def influence(model, x):
    n = len(x)
    before = model(x)
    heard = np.zeros((n, n), dtype=int)
    for j in range(n):
        after = model(np.where(np.arange(n) == j, x + 1, x))
        for i in range(n):
            if not np.array_equal(after[i], before[i]):
                heard[i, j] = 1
    return heard
""",
    """import numpy as np


def influence(model, x):
    before, columns = model(x), []
    for j in range(len(x)):
        old = x[j]
        x[j] = old + 1
        columns.append(np.abs(model(x) - before).max(axis=1) > 0)
        x[j] = old
    return np.array(columns).T
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("transposed", "heard[:, j]", "heard[j]", "Rows and columns are swapped: the place that is changed is the column."),
    ("changes_inputs", "x.copy()", "x"),
    (
        "wrong_value",
        "    for j in range(len(x)):\n        changed = x.copy()\n",
        "    changed = x.copy()\n    for j in range(len(x)):\n",
        "The changes of the places before are still there: take a new copy of x for each j.",
    ),
    ("wrong_value", "changed[j] +=", "changed[j:] +=", "All places from j on are changed; only x[j] should be."),
    ("wrong_value", "changed[j] +=", "changed +=", "All places are changed at once; only x[j] should be."),
    ("wrong_value", "changed[j] +=", "changed[-1] +=", "It always changes the last place; it should be x[j]."),
    ("wrong_value", "changed[j] += 1", "changed[j] = 0", "Where x[j] is 0, that changes nothing: add 1."),
    ("wrong_value", "changed[j] += 1", "changed[j] *= 2", "Where x[j] is 0, that changes nothing: add 1."),
    ("wrong_value", "changed[j] += 1", "changed[j] = 1", "Where x[j] is 1 already, nothing is changed: add 1."),
    ("wrong_value", "!= before", "== before", "It has 1 for what stays the same; 1 is for what changes."),
    (
        "wrong_value",
        "np.any(",
        "np.all(",
        "It asks whether all numbers of a row change; one of them is enough: np.any.",
    ),
    (
        "wrong_value",
        "np.any(model(changed) != before, axis=1)",
        "np.any(model(changed) > before, axis=1)",
        "A number that gets smaller has changed, too: compare with !=.",
    ),
    (
        "wrong_value",
        "np.any(model(changed) != before, axis=1)",
        "np.sum(model(changed) - before, axis=1) != 0",
        "The differences in a row are added, and cancel where one rises and another falls.",
    ),
    (
        "wrong_value",
        "np.any(model(changed) != before, axis=1)",
        "model(changed)[:, 0] != before[:, 0]",
        "It looks at the first number of each row alone; the others may change, too.",
    ),
    (
        "wrong_value",
        "np.any(model(changed) != before, axis=1)",
        "model(changed)[:, -1] != before[:, -1]",
        "It looks at the last number of each row alone; the others may change, too.",
    ),
    (
        "wrong_value",
        "np.any(model(changed) != before, axis=1)",
        "~np.isclose(model(changed), before).all(axis=1)",
        "Nearly the same isn't the same: isclose passes over small influences. Compare with !=.",
    ),
    (
        "wrong_value",
        "np.any(model(changed) != before, axis=1)",
        "np.abs(model(changed) - before).max(axis=1)",
        "That is how much a row changes; whether it does is asked for, 1 or 0.",
    ),
    (
        "wrong_value",
        "np.any(model(changed) != before, axis=1)",
        "np.sum(model(changed) != before, axis=1)",
        "That counts the numbers of a row that change; 1 is asked for if any does.",
    ),
    (
        "wrong_value",
        "np.any(model(changed) != before, axis=1)",
        "np.any(model(changed) != before)",
        "It asks whether anything changes at all; each row has an answer of its own: axis=1.",
    ),
    ("raises", "axis=1", "axis=0", "axis=0 goes down the rows and leaves a number for each column; rows are axis 1."),
    ("wrong_value", "range(len(x))", "range(len(x) - 1)", "The last place is never changed: range(len(x))."),
    ("wrong_value", "range(len(x))", "range(1, len(x))", "Place 0 is never changed: range(len(x))."),
    (
        "wrong_value",
        "np.any(model(changed) != before, axis=1)",
        "np.any(model(changed) != model(changed), axis=1)",
        "It compares two equal things: what the model gave before the change, with what it gives after.",
    ),
    (
        "wrong_value",
        "        changed = x.copy()\n        changed[j] += 1\n",
        "        changed = np.zeros(len(x))\n        changed[j] = 1\n",
        "The other places have lost their numbers: begin with a copy of x.",
    ),
    (
        "wrong_value",
        "return heard",
        "return np.tril(heard)",
        "It leaves out the places that see the future, and those are what one looks for.",
    ),
    (
        "wrong_value",
        "return heard",
        "return np.triu(heard, 1)",
        "It has only the places that see the future; all are asked for.",
    ),
    (
        "wrong_value",
        "return heard",
        "return np.maximum(heard, np.eye(len(x)))",
        "It takes for granted that each place hears of itself: ask the model.",
    ),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("wrong_value", "np.tri(len(x))", "That is for a model that doesn't see the future: ask the one that is given."),
    ("wrong_value", "np.ones((len(x), len(x)))", "It says that each place hears of each: ask the model."),
    (
        "shape",
        "    changed = x.copy()\n"
        "    changed[-1] += 1\n"
        "    return np.any(model(changed) != model(x), axis=1)\n",
        "Only the last place was changed: each is to be changed alone, and fills one column.",
    ),
    (
        "shape",
        "np.any(model(x + 1) != model(x), axis=1)",
        "All places are changed at once; each is to be changed alone, and fills one column.",
    ),
    (
        "shape",
        "    changed = x.copy()\n"
        "    changed[-1] += 1\n"
        "    return not np.array_equal(model(changed)[:-1], model(x)[:-1])\n",
        "That is one answer for the whole model; here each pair of places has one.",
    ),
)  # fmt: skip


def sums_so_far(x):
    return np.stack([-2 * np.cumsum(x), np.ones(len(x))], axis=1)


def what_follows(x):
    later = np.array([x[i + 1 :].sum() for i in range(len(x))])
    return np.stack([later, -later, np.zeros(len(x))], axis=1)


def the_next_one(x):
    return np.stack([np.ones(len(x)), np.append(x[1:], 0)], axis=1)


def the_one_before_whispers(x):
    return (x + 1e-10 * np.append(0, x[:-1]))[:, None]


def cases(rng):
    return [
        (sums_so_far, np.array([0.0, 1, -2, 0.5])),
        (what_follows, np.array([1.0, 0, 2, -1, 0.5])),
        (the_next_one, np.array([0.5, -1, 0])),
        (the_one_before_whispers, rng.standard_normal(6)),
    ]
