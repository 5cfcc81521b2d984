"""Lesson digits: Standardise with what training knows.

Give the test data less the training data's mean, divided by the training data's standard deviation, feature by feature
(shapes (n, d) and (m, d)). A feature that never changes in training is divided by 1.
"""

import numpy as np


def standardise(train, test):
    return ...
