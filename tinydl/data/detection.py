"""Scenes for detection: pictures of digits somewhere on a canvas, and the boxes in which they are.

Stands on images.py, which has the digits.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from ..engine.arrays import Array
from ..engine.checks import real, whole
from ..engine.random import generator
from .dataset import Dataset, Seed
from .images import digits as all_digits

Box: TypeAlias = "tuple[int, int, int, int, int]"  # class, x, y, width, height

SIDE = 32
_MOST = 4


def scenes(
    n: int = 300, noise: float = 0.1, seed: Seed = 0, digits: Dataset | None = None
) -> tuple[Array, list[list[Box]]]:
    """Canvases of 32×32 pixels with one to four digits that don't overlap, in noise: (images, boxes).

    One to four times a digit is drawn and a place for it; where it would overlap an earlier one it is left out, so that
    there are 1.9 on average, and seldom four. Then each pixel gets noise · ε with ε standard normal, which makes some
    negative. `digits` are the images to draw from, by default all of ``data.digits(images=True)``: give the two parts
    of a split for training and test scenes that share no digit,

    >>> train, test = data.split(data.digits(images=True), 0.8, seed=0)
    >>> images, boxes = data.scenes(3000, digits=train)
    >>> test_images, test_boxes = data.scenes(500, seed=1, digits=test)

    Shapes: images (n, 32, 32) float32, of which a network of convolutions wants images[:, None]; boxes has for each
    image a list of (class, x, y, width, height), integers: the digit lies in image[y : y + height, x : x + width], x
    counted from the left and y from the top. A box is as large as the image drawn in it, 8×8 pixels, not as its ink.
    Raises ValueError for n < 1, a negative noise, or digits that aren't images of at most 32×32 with whole numbers as
    classes.
    """
    n = whole("n", n, 1)
    if not 0 <= real("noise", noise) < np.inf:
        raise ValueError(f"noise is a standard deviation, a number ≥ 0, not {noise}")
    digits = all_digits(images=True) if digits is None else digits
    _check(digits)
    rng = generator(seed)
    images = np.zeros((n, SIDE, SIDE))
    boxes = [_drawn(image, digits, rng) for image in images]
    return (images + noise * rng.standard_normal(images.shape)).astype(np.float32), boxes


def _check(digits: Dataset) -> None:
    if not isinstance(digits, Dataset):
        raise TypeError("digits is a Dataset of images, as data.digits(images=True) is")
    x, y = digits
    if x.ndim != 3 or max(x.shape[1:]) > SIDE:
        flat = "; write data.digits(images=True) for digits that aren't flat" if x.ndim == 2 else ""
        raise ValueError(f"digits are images (n, height, width) of at most {SIDE}×{SIDE}, not of shape {x.shape}{flat}")
    if y.ndim != 1 or y.dtype.kind not in "iu":
        raise ValueError(f"digits have an integer each as class, but y has shape {y.shape} and dtype {y.dtype}")
    if not len(digits):
        raise ValueError("there is no digit to draw from: digits is an empty Dataset")


def _drawn(image: Array, digits: Dataset, rng: np.random.Generator) -> list[Box]:
    """Draw one to four digits on an empty image, and say where."""
    height, width = digits.x.shape[1:]
    found: list[Box] = []
    for _ in range(rng.integers(1, _MOST + 1)):
        which = rng.integers(len(digits))
        x, y = int(rng.integers(SIDE - width + 1)), int(rng.integers(SIDE - height + 1))
        if all(abs(x - other[1]) >= width or abs(y - other[2]) >= height for other in found):
            image[y : y + height, x : x + width] = digits.x[which]
            found.append((int(digits.y[which]), x, y, width, height))
    return found
