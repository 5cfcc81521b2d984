"""Answers to ex_share: solution, hints and typical mistakes. Spoilers."""

FUNCTION = "share"
KIND = "values"
SOLUTION = """def share(batch, rank, size):
    each, left = divmod(len(batch), size)
    start = rank * each + min(rank, left)
    stop = start + each + (rank < left)
    return batch[start:stop]
"""
HINTS = (
    "divmod(n, size) gives how many rows each rank gets, and how many are left: the first ranks get one of these each.",
    "Where does rank r begin? r ranks came before it; how many of these have a row more?",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def share(batch, rank, size):
    counts = [len(batch) // size + (r < len(batch) % size) for r in range(size)]
    ends = np.cumsum([0] + counts)
    return batch[ends[rank] : ends[rank + 1]]
""",
    """def share(batch, rank, size):
    start = 0
    for r in range(rank + 1):
        rows = -(-(len(batch) - start) // (size - r))
        start += rows
    return batch[start - rows : start]
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("shape", " + (rank < left)", "",
     "Each rank has n // size rows; the first n % size ranks get one more."),
    ("wrong_value", " + min(rank, left)", "",
     "The rows begin too early: the ranks before this one have some of the rows that were left, so parts overlap."),
    ("wrong_value", "min(rank, left)", "left",
     "It moves every rank's start by all the rows that are left; before rank r at most r of them were given."),
    ("wrong_value", "min(rank, left)", "rank",
     "It begins as if every rank before had a row more; only n % size of them have."),
    ("shape", "(rank < left)", "(rank <= left)",
     "One rank too many gets a row more: the ranks are numbered from 0, so it is rank < left."),
    ("shape", "(rank < left)", "left",
     "Every rank's part is longer by all the rows that are left; it is one row, and for the first ranks only."),
    ("shape", "(rank < left)", "1",
     "Every rank gets one row more; only the first n % size of them should."),
    ("shape", "divmod(len(batch), size)", "divmod(size, len(batch))",
     "divmod has its arguments swapped: the rows are divided among the ranks."),
    ("shape", "batch[start:stop]", "batch[start:]",
     "It takes all rows to the end; the next rank's are among them."),
    ("shape", "batch[start:stop]", "batch[:stop]",
     "It takes all rows from the first on; those of the ranks before are among them."),
    ("shape", "batch[start:stop]", "batch[start : stop - 1]",
     "The last row of each part is missing: a slice ends before its stop."),
    ("shape", "batch[start:stop]", "batch[:, start:stop]",
     "It cuts columns; rows are shared, and they are the first axis."),
    ("shape", "batch[start:stop]", "(start, stop)",
     "It gives where the rows begin and end; the rows themselves are asked for."),
    ("shape", "batch[start:stop]", "stop - start",
     "It gives how many rows there are; the rows themselves are asked for."),
    ("wrong_value", "return batch[start:stop]", "return batch[start:stop] * ((stop - start) / len(batch))",
     "The rows are multiplied by their share; the share belongs to the loss, and rows stay as they are."),
)  # fmt: skip
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("shape", "    return batch[rank::size]\n",
     "These are every size-th row; neighbouring rows are asked for."),
    ("shape",
     "    each = -(-len(batch) // size)\n"
     "    return batch[rank * each : (rank + 1) * each]\n",
     "It rounds up for all ranks, so the last ones get too few rows or none; only the first n % size get one more."),
    ("shape",
     "    each = len(batch) // size\n"
     "    return batch[rank * each :] if rank == size - 1 else batch[rank * each : (rank + 1) * each]\n",
     "The last rank takes all the rows that are left; the first ranks should get one of them each."),
    ("shape",
     "    each, left = divmod(len(batch), size)\n"
     "    late = max(rank - (size - left), 0)\n"
     "    start = rank * each + late\n"
     "    return batch[start : start + each + (rank >= size - left)]\n",
     "Here the last ranks get a row more; it should be the first ones."),
    ("wrong_value",
     "    each, left = divmod(len(batch), size)\n"
     "    rows = each + (rank < left)\n"
     "    return batch[rank * rows : (rank + 1) * rows]\n",
     "It begins as if all ranks before had as many rows as this one; the first ones may have one more."),
    ("shape",
     "    each, left = divmod(len(batch), size)\n"
     "    start = rank * each + min(rank, left)\n"
     "    start = min(start, len(batch) - 1)\n"
     "    return batch[start : start + max(1, each + (rank < left))]\n",
     "A rank may have no rows: with fewer rows than ranks the last ones get an array of no rows."),
    ("shape",
     "    rank = rank - 1\n"
     "    each, left = divmod(len(batch), size)\n"
     "    start = rank * each + min(rank, left)\n"
     "    return batch[start : start + each + (rank < left)]\n",
     "It counts the ranks from 1; the first one is rank 0."),
    ("shape",
     "    n = len(batch)\n"
     "    return batch[rank * n // size : (rank + 1) * n // size]\n",
     "Its parts are as equal, but the rows that are left go to other ranks than the first."),
    ("raises",
     "    return batch.reshape(size, -1, batch.shape[1])[rank]\n",
     "reshape needs parts of equal size; rows that are left go to the first ranks, one each."),
)  # fmt: skip


def cases(rng):
    found = []
    for n, size in ((7, 3), (11, 4), (6, 3), (2, 4), (5, 1)):
        batch = rng.standard_normal((n, 3))
        found += [(batch, rank, size) for rank in range(size)]
    return found
