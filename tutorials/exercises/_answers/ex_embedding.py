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
WRONG = (  # what is changed in the solution, and the kind of wrong that it is
    ("duplicates", "np.add.at(d, index, g)", "d[index] = g"),
    ("duplicates", "np.add.at(d, index, g)", "d[index] += g"),
    ("sign", "return d", "return -d"),
    ("zero", "np.add.at(d, index, g)", "pass"),
)


def forward(table, index):
    return table[index]


def cases(rng):
    return [(rng.standard_normal((4, 3)), np.array([2, 0, 2, 3, 2]))]
