"""Lesson many_hands: The rows of one rank.

batch has n rows, and `size` ranks share them, numbered from 0. Give the rows of rank `rank`: neighbouring rows, in
their order. All ranks get equally many; where n can't be divided, the first ranks get one row more each. With 7 rows
and 3 ranks, rank 0 has the rows 0 to 2, rank 1 has 3 and 4, rank 2 has 5 and 6. With fewer rows than ranks some get an
array of no rows. Do it without np.array_split.
"""

import numpy as np


def share(batch, rank, size):
    return ...
