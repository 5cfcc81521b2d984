"""Lesson the_graph: Counting paths.

A gradient is a sum over all paths. graph is a dict that gives for each node the list of nodes that it was computed
from, with repetitions: {"c": ["a", "a"], "a": []}. Give the number of paths from `end` back to `start`; from a node to
itself there is 1. In the example there are 2 from "c" to "a", and 0 from "a" to "c". graph has no circles: no path
comes back to where it began. Leave it as it is.
"""

import numpy as np


def paths(graph, end, start):
    return ...
