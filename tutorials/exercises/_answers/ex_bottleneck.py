"""Answers to ex_bottleneck: solution, hints and typical mistakes. Spoilers."""

FUNCTION = "bottleneck"
KIND = "values"
SOLUTION = """import numpy as np


def bottleneck(c_in, c, stride):
    total = c_in * c + 9 * c * c + c * 4 * c
    total += 2 * (c + c + 4 * c)
    if c_in != 4 * c or stride > 1:
        total += c_in * 4 * c + 2 * 4 * c
    return total
"""
HINTS = (
    "A convolution has (channels in) x (channels out) x (places of the kernel) weights; the stride changes none.",
    "A batch normalisation has two parameters for each channel that comes out of its convolution.",
)
RIGHT = (  # the same, written in other ways
    """def bottleneck(c_in, c, stride):
    def both(a, b, size):
        return a * b * size**2 + 2 * b
    f = both(c_in, c, 1) + both(c, c, 3) + both(c, 4 * c, 1)
    return f if c_in == 4 * c and stride == 1 else f + both(c_in, 4 * c, 1)
""",
    """import tinydl as tl
from tinydl import nn


def bottleneck(c_in, c, stride):
    layers = [nn.Conv2d(c_in, c, 1, bias=False), nn.BatchNorm2d(c)]
    layers += [nn.Conv2d(c, c, 3, stride, padding=1, bias=False), nn.BatchNorm2d(c)]
    layers += [nn.Conv2d(c, 4 * c, 1, bias=False), nn.BatchNorm2d(4 * c)]
    if (c_in, 1) != (4 * c, stride):
        layers += [nn.Conv2d(c_in, 4 * c, 1, stride, bias=False), nn.BatchNorm2d(4 * c)]
    return sum(p.size for layer in layers for p in layer.parameters())
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("wrong_value", "9 * c * c", "3 * c * c", "A 3 x 3 kernel has 9 places."),
    (
        "wrong_value",
        "9 * c * c",
        "9 * c",
        "The 3 x 3 convolution has a kernel for each pair of a channel in and one out.",
    ),
    (
        "wrong_value",
        "9 * c * c",
        "9 * c_in * c",
        "The 3 x 3 convolution gets the c channels that the first one made, not c_in.",
    ),
    (
        "wrong_value",
        "9 * c * c + c * 4 * c",
        "9 * c * c // stride**2 + c * 4 * c",
        "The stride decides where the kernel is laid; the kernel has as many weights as before.",
    ),
    ("wrong_value", " + c * 4 * c", "", "The third convolution, from c to 4 c channels, is missing."),
    ("wrong_value", "c_in * c + 9", "9", "The first convolution, from c_in to c channels, is missing."),
    (
        "wrong_value",
        "+ c * 4 * c\n",
        "+ c * c\n",
        "The third convolution gives 4 c channels, so it has c times 4 c weights.",
    ),
    ("wrong_value", "    total += 2 * (c + c + 4 * c)\n", "", "The batch normalisations of f are missing."),
    (
        "wrong_value",
        "total += 2 * (c + c + 4 * c)",
        "total += c + c + 4 * c",
        "A batch normalisation has two parameters for each channel, weight and bias.",
    ),
    (
        "wrong_value",
        "2 * (c + c + 4 * c)",
        "4 * (c + c + 4 * c)",
        "Running mean and running variance are no parameters: nothing trains them.",
    ),
    (
        "wrong_value",
        "2 * (c + c + 4 * c)",
        "2 * (c_in + c + c)",
        "A batch normalisation stands after its convolution: it has the channels that come out, c, c and 4 c.",
    ),
    (
        "wrong_value",
        "2 * (c + c + 4 * c)",
        "3 * (c + c + 4 * c)",
        "A bias for each convolution is counted, too; here they have none, since a batch normalisation follows.",
    ),
    (
        "wrong_value",
        "2 * (c + c + 4 * c)",
        "2 * 3",
        "A batch normalisation has two parameters for each channel, not two in all.",
    ),
    (
        "wrong_value",
        "c_in != 4 * c or stride > 1",
        "c_in != 4 * c",
        "With a stride of 2 the maps get smaller: then too the shortcut must be a convolution.",
    ),
    (
        "wrong_value",
        "c_in != 4 * c or stride > 1",
        "stride > 1",
        "Where the number of channels changes, the shortcut must be a convolution, whatever the stride.",
    ),
    (
        "wrong_value",
        "c_in != 4 * c or stride > 1",
        "c_in != 4 * c and stride > 1",
        "One of the two is enough for the shortcut to be a convolution: other channels, or a stride.",
    ),
    (
        "wrong_value",
        "c_in != 4 * c or stride > 1",
        "c_in != c or stride > 1",
        "What comes out of f has 4 c channels: compare c_in with those.",
    ),
    (
        "wrong_value",
        "c_in != 4 * c or stride > 1",
        "True",
        "Where the shapes agree the shortcut is x itself, which has no parameters.",
    ),
    (
        "wrong_value",
        "c_in != 4 * c or stride > 1",
        "False",
        "The shortcut's convolution and batch normalisation are missing where the shapes differ.",
    ),
    (
        "wrong_value",
        "c_in * 4 * c + 2 * 4 * c",
        "c_in * 4 * c",
        "The shortcut's batch normalisation is missing.",
    ),
    (
        "wrong_value",
        "c_in * 4 * c + 2 * 4 * c",
        "9 * c_in * 4 * c + 2 * 4 * c",
        "The shortcut's kernel is 1 x 1, with one place and not 9.",
    ),
    (
        "wrong_value",
        "c_in * 4 * c + 2 * 4 * c",
        "c_in * c + 2 * c",
        "The shortcut must give as many channels as f, which is 4 c.",
    ),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("wrong_value", "c_in * c + 9 * c * c + c * 4 * c",
     "Only the three convolutions of f are counted: batch normalisations and the shortcut belong to it too."),
    ("wrong_value", "9 * c_in * c + 9 * c * c",
     "Those are two 3 x 3 convolutions; a bottleneck has three, and only the middle one is 3 x 3."),
    ("wrong_value",
     "c_in * c + 13 * c * c + (0 if c_in == 4 * c and stride == 1 else c_in * 4 * c)",
     "The batch normalisations are missing: each convolution is followed by one, with two parameters a channel."),
    ("wrong_value",
     "c_in * c + 13 * c * c + 6 * c + (0 if c_in == 4 * c and stride == 1 else c_in * 4 * c + 4 * c)",
     "That is one parameter for each channel, as a bias would be; a batch normalisation has two, weight and bias."),
    ("wrong_value",
     "c_in * c + 13 * c * c + 18 * c + (0 if c_in == 4 * c and stride == 1 else c_in * 4 * c + 12 * c)",
     "A bias for each convolution is counted, too; here they have none, since a batch normalisation follows."),
)  # fmt: skip


def cases(rng):
    return [(8, 8, 1), (32, 8, 1), (24, 12, 2), (24, 6, 2), (12, 3, 1), (5, 5, 1)]  # small: all digits are shown
