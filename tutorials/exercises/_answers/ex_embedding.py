"""Answers to ex_embedding: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "rows_vjp"
KIND = "vjp"
WRT = (0,)
SOLUTION = """import numpy as np


def rows_vjp(g, table, index):
    d = np.zeros(table.shape)
    np.add.at(d, index, g)
    return d
"""
HINTS = (
    "Gradients of all uses add up.",
    "np.add.at(d, index, g) adds, also where an index comes again; d[index] += g doesn't.",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def rows_vjp(g, table, index):
    d = np.zeros(table.shape)
    for i, row in zip(index, g):
        d[i] += row
    return d
""",
    """import numpy as np


def rows_vjp(g, table, index):
    return np.eye(len(table))[index].T @ g
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    (
        "duplicates",
        "np.add.at(d, index, g)",
        "d[index] = g",
        "Where an index comes again only its last g stays: d[index] = g and d[index] += g write each row once.",
    ),
    (
        "duplicates",
        "np.add.at(d, index, g)",
        "d[index] += g",
        "Where an index comes again only its last g stays: d[index] = g and d[index] += g write each row once.",
    ),
    ("sign", "return d", "return -d"),
    ("zero", "np.add.at(d, index, g)", "pass"),
    (
        "shape",
        "np.zeros(table.shape)",
        "np.zeros((len(index), table.shape[1]))",
        "It has one row for each use; the table's rows are asked for.",
    ),
    (
        "shape",
        "    d = np.zeros(table.shape)\n    np.add.at(d, index, g)\n    return d",
        "    return g",
        "That is one row for each use; the table's rows are asked for.",
    ),
    (
        "wrong_gradient",
        "return d",
        "return d / np.maximum(np.bincount(index, minlength=len(table)), 1)[:, None]",
        "It takes the mean over an index's uses; what comes back from all uses adds up.",
    ),
    (
        "ignores_upstream",
        "np.add.at(d, index, g)",
        "np.add.at(d, index, np.ones(g.shape))",
        "g has no effect: it only counts how often each row was used.",
    ),
    (
        "wrong_gradient",
        "return d",
        "return d * table",
        "A row is picked as it is, so the derivative is 1, and not the row.",
    ),
    (
        "duplicates",
        "np.add.at(d, index, g)",
        "d[index[::-1]] = g[::-1]",
        "Where an index comes again only the first g stays; what comes back from all uses adds up.",
    ),
    (
        "wrong_gradient",
        "    d = np.zeros(table.shape)",
        "    d = table.copy()",
        "The sum begins with the table itself, where it should begin with 0.",
    ),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("shape", "g[index]", "The rows of g are picked, where they should be added to the table's rows."),
    ("shape", "table[index] * g", "That is g times y; one row for each row of the table is asked for."),
    ("ignores_upstream", "np.bincount(index, minlength=len(table))[:, None] * table",
     "g has no effect, and a row's derivative is 1, not the row."),
    ("wrong_gradient", "g.sum(axis=0) * np.ones(table.shape)",
     "Each row of the table gets the g of its own uses alone, not of all."),
    ("wrong_gradient",
     "    d = np.zeros(table.shape)\n"
     "    d[: min(len(g), len(d))] = g[: min(len(g), len(d))]\n"
     "    return d\n",
     "g is written in its own order; row i of g belongs to row index[i] of the table."),
    ("wrong_gradient",
     "    d = np.zeros(table.shape)\n"
     "    for i in index:\n"
     "        d[i] += g[i % len(g)]\n"
     "    return d\n",
     "It takes g[i] for row i of the table: the use number j has g[j], and goes to row index[j]."),
)  # fmt: skip


def forward(table, index):
    return table[index]


def cases(rng):
    indices = (4, [2, 0, 2, 3, 2]), (3, [1, 1]), (5, [0, 4, 3, 2, 1, 0])
    return [(rng.standard_normal((k, 3)), np.array(index)) for k, index in indices]
