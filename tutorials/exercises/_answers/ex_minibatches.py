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
RIGHT = (  # the same, written in other ways
    """import numpy as np


def minibatches(order, size):
    return np.split(order, range(size, len(order), size))
""",
    """def minibatches(order, size):
    rows, batches = list(order), []
    while rows:
        batches.append(rows[:size])
        rows = rows[size:]
    return tuple(batches)
""",
    """def minibatches(order, size):
    for k in range(-(-len(order) // size)):
        yield order[k * size : (k + 1) * size]
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("count", "len(order), size", "len(order) - size + 1, size",
     "The last batch is left out: every row belongs to a batch, and the last one may be smaller."),
    ("count", "return tuple(batches)", "return tuple(b for b in batches if len(b) == size)",
     "The last batch is left out: every row belongs to a batch, and the last one may be smaller."),
    ("count", "len(order), size", "len(order)",
     "A batch begins at each row: the next one begins where the one before ends, `size` rows on."),
    ("count", "return tuple(batches)", "return tuple(np.array_split(order, size))",
     "That makes `size` parts; `size` is how many rows are in each."),
    ("count", "return tuple(batches)", "return tuple(np.array_split(order, max(1, len(order) // size)))",
     "np.array_split makes parts of nearly the same length; here each but the last has exactly `size` rows."),
    ("count", "return tuple(batches)", "    return tuple(batches)",
     "That is the first batch alone; all of them are asked for (so `return` belongs behind the loop)."),
    ("count", "return tuple(batches)", "return tuple(batches[:-1])",
     "The last batch is left out: every row belongs to a batch, and the last one may be smaller."),
    ("count", "range(0, ", "range(size, ", "The first batch is missing: the first one begins at 0."),
    ("shape", "return tuple(batches)", "return tuple(np.array_split(order, -(-len(order) // size)))",
     "np.array_split makes parts of nearly the same length; here each but the last has exactly `size` rows."),
    ("shape", "start : start + size", "start : size",
     "A slice ends at its second number, counted from the beginning: write start + size."),
    ("shape", "start : start + size", "start : start + size - 1",
     "Each batch has a row too few: a slice ends before its second number, so no - 1 is needed."),
    ("shape", "start : start + size", "start : start + size + 1",
     "Each batch has a row too many, which is the first one of the next batch too."),
    ("shape", "start : start + size", "start // size :: -(-len(order) // size)",
     "The rows are dealt out like cards, one to each batch in turn; a batch takes those that stand side by side."),
    ("shape", "order[start : start + size]", "order[start]",
     "That is one row number; a batch is a slice of `size` of them."),
    ("shape", "start : start + size", "start:",
     "A batch has an end too: `size` rows after its start."),
    ("wrong_value", "order[start : start + size]", "np.arange(start, min(start + size, len(order)))",
     "These are the places in order, not the row numbers that stand there, so nothing is shuffled."),
    ("wrong_value", "batches.append(order[start : start + size])",
     "batches.append(np.sort(order)[start : start + size])",
     "The rows are sorted, so nothing is shuffled: take them as they stand in order."),
    ("wrong_value", "order[start : start + size]", "np.sort(order[start : start + size])",
     "Each batch is sorted: take the rows as they stand in order."),
    ("wrong_value", "order[start : start + size]", "order[:size]",
     "It is the first batch again and again: the slice must begin at start."),
    ("wrong_value", "order[start : start + size]", "order[::-1][start : start + size]",
     "It begins at the end of order; the first batch has its first rows."),
    ("raises", "return tuple(batches)", "return tuple(order.reshape(-1, size))",
     "reshape needs batches of the same size, and the last one may be smaller."),
    ("raises", "return tuple(batches)", "return tuple(np.split(order, -(-len(order) // size)))",
     "np.split with a number needs parts of the same length, and the last batch may be smaller."),
)  # fmt: skip
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("count", "order", "That is order as it is; it is to be cut into batches."),
    ("count", "order[:size]", "That is the first batch alone; all of them are asked for."),
    ("count", "order[:size],",
     "That is the first batch alone; all of them are asked for (so `return` belongs behind the loop)."),
    ("count", "order[-size:],", "Those are the last rows; all batches are asked for."),
    ("count", "[order[start : start + size] for start in range(0, len(order) // size)]",
     "The batches begin one row apart, where they should begin `size` rows apart."),
    ("count", "[order[i::size] for i in range(size)]",
     "The rows are dealt out like cards, into `size` batches; `size` is how many rows are in each."),
    ("count", "[order[i : i + size] for i in order]",
     "A batch begins at each of the row numbers; the places are meant, 0, size, 2 size, ..."),
    ("count", "len(order) // size", "That is a number of batches; the batches themselves are asked for."),
    ("shape", "tuple([np.arange(start, start + size) for start in range(0, len(order), size)])",
     "These are the places in order, and the last batch goes on behind its end: take the row numbers that "
     "stand there."),
    ("count",
     "tuple(order[k : k + size] for k in range(0, len(order) + 1, size))",
     "An empty batch comes last where size divides the number of rows: end before len(order)."),
)  # fmt: skip


def cases(rng):
    return [(rng.permutation(10) + 100, 4), (rng.permutation(8), 4), (rng.permutation(5), 8), (rng.permutation(3), 1)]
