"""Lesson layers_and_the_loop: Mini-batches.

`order` is an array with the numbers of the rows, already shuffled, such as [3, 0, 4, 1, 2]. Give the batches as a tuple
of arrays: the first `size` row numbers as they stand in `order`, the next `size`, and so on. Where `size` doesn't
divide the number of rows, the last batch is smaller: here, with size 2, ([3, 0], [4, 1], [2]).
"""

import numpy as np


def minibatches(order, size):
    return ...
