"""Answers to ex_minibatches: solution, hints and typical mistakes. Spoilers."""

FUNCTION = "minibatches"
KIND = "values"
SOLUTION = """import numpy as np


def minibatches(order, size):
    batches = []
    for start in range(0, len(order), size):
        batches.append(order[start : start + size])
    return tuple(batches)
"""
HINTS = (
    "The batches begin at 0, size, 2 * size and so on: range takes a step as its third argument.",
    "A slice order[a:b] ends before b, and it is simply shorter where the array ends before that.",
    "Append the slice of order from start to start + size for each start.",
)
WRONG = (  # what is changed in the solution, and the kind of wrong that it is
    ("count", "len(order), size", "len(order) - size + 1, size"),  # the smaller last batch is left out
    ("count", "len(order), size", "len(order)"),  # a batch begins at each row
    ("shape", "start : start + size", "start : size",
     "A slice ends at its second number, counted from the beginning: write start + size."),
    ("shape", "start : start + size", "start : start + size - 1",
     "Each batch has a row too few: a slice ends before its second number, so no - 1 is needed."),
    ("shape", "start : start + size", "start : start + size + 1",
     "Each batch has a row too many, which is the first one of the next batch too."),
    ("shape", "start : start + size", "start // size :: -(-len(order) // size)",
     "The rows are dealt out like cards, one to each batch in turn; a batch takes those that stand side by side."),
    ("wrong_value", "order[start : start + size]", "np.arange(start, min(start + size, len(order)))",
     "These are the places in order, not the row numbers that stand there, so nothing is shuffled."),
    ("wrong_value", "batches.append(order[start : start + size])",
     "batches.append(np.sort(order)[start : start + size])",
     "The rows are sorted, so nothing is shuffled: take them as they stand in order."),
)  # fmt: skip


def cases(rng):
    return [(rng.permutation(10) + 100, 3), (rng.permutation(8), 4), (rng.permutation(5), 8), (rng.permutation(3), 1)]
