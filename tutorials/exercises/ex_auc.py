"""Lesson keeping_secrets: How good is an attack?

An attack says that whoever has the smaller loss was in the training data. members has the losses of examples that were,
others of examples that weren't; both are arrays of floats, (n,) and (m,), not of the same length. Give the AUC, one
number: the share of all n · m pairs, a member with one of the others, in which the member's loss is smaller. A pair
with equal losses counts half.
"""

import numpy as np


def auc(members, others):
    return ...
