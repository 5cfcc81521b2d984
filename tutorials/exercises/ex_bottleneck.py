"""Lesson deep_networks: The parameters of a bottleneck block.

How many parameters has a residual block whose f is three convolutions: 1 x 1 from c_in channels to c, 3 x 3 from c to c
with a stride, 1 x 1 from c to 4 c? No convolution has a bias, and each is followed by a batch normalisation with its
weight and bias. If what comes out of f has another shape than what goes in (other channels, or a stride above 1), the
shortcut is a 1 x 1 convolution from c_in to 4 c, with a batch normalisation too. All three are whole numbers.
"""

import numpy as np


def bottleneck(c_in, c, stride):
    return ...
