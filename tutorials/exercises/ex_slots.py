"""Lesson your_step_as_a_program: Which arrays may share a place in memory?

A program is a list of calls, each a pair: the name of the array that it makes, and a tuple of the names that it reads,
such as ("c", ("a", "b")). Each array is made once. What no call makes (the arguments and the parameters) has a place
already. All others are equally large, and each gets the place with the smallest number, 0, 1, 2, ..., that is free.

A place is busy from the call that makes its array until the last call that reads it, that one included: a product
mustn't overwrite what it is still reading. An array that no call reads is a result, and its place is never free again.

Give the list of the places, one for each call.
"""

import numpy as np


def slots(calls):
    last = {}  # in which call an array is read last
    for number, call in enumerate(calls):
        for name in call[1]:
            last[name] = number
    return ...
