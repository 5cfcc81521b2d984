"""Augmentation: new training images from old ones, by changes that leave the label true (for images, small ones).

Whoever augments promises that the label survives: a 6 rotated by half a turn is a 9, a flipped 3 is no digit. Augment
training batches only, anew in every epoch. All five functions take a batch of images (n, height, width) or (n,
channels, height, width), change each image by random numbers of its own (all channels alike), and give a new array of
the same dtype and layout. What comes into view from outside an image is 0. `rng` is a Generator or a seed; by default,
the Generator that `tl.manual_seed` seeds. They can be chained: ``shift(rotate(x, 10), 1)``.

Images (n, height, width, channels) are taken with ``channels_last=True``. Without a word on it, images of four axes
whose last has length 1, 3 or 4, while the second hasn't, are refused with ValueError: they look as if their channels
came last, and would be changed along the wrong axes. ``channels_last=False`` says that they don't.

Stands on NumPy alone. Read `images.py` for images to try it on.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine.arrays import Array, plain_array
from ..engine.checks import real, whole
from ..engine.random import generator
from ..engine.tensor import Tensor
from .dataset import Seed


def rotate(
    images: Any, degrees: float | tuple[float, float], rng: Seed = None, *, channels_last: bool | None = None
) -> Array:
    """Turn each image about its centre, counter-clockwise, by an angle uniform in −degrees…degrees (or in a pair
    (low, high)), bilinearly interpolated.

    Small angles keep most labels; half a turn makes a 6 a 9. Shapes: (n, height, width), (n, channels, height, width)
    or, with `channels_last`, (n, height, width, channels) → the same. Raises ValueError for images of another shape,
    such that seem to have their channels last without a word on it, or a range that is none.
    """
    x, last = _checked(images, channels_last)
    if isinstance(degrees, (int, float, np.integer, np.floating)):
        size = real("degrees", degrees)
        if size < 0:
            raise ValueError(f"degrees should be a number ≥ 0 or a pair (low, high), not {degrees!r}")
        degrees = (-size, size)
    low, high = _range("degrees", degrees)
    angle = np.deg2rad(generator(rng).uniform(low, high, len(x)))
    return _laid_out(_resampled(x, np.cos(angle), np.sin(angle)), last)


def scale(images: Any, factors: tuple[float, float], rng: Seed = None, *, channels_last: bool | None = None) -> Array:
    """Magnify each image about its centre by a factor uniform in (low, high), bilinearly interpolated.

    1 leaves it, 2 shows the middle quarter of it, ½ surrounds it by zeros. Shapes: (n, height, width), (n, channels,
    height, width) or, with `channels_last`, (n, height, width, channels) → the same. Raises ValueError for images of
    another shape, such that seem to have their channels last without a word on it, or factors that aren't positive.
    """
    x, last = _checked(images, channels_last)
    low, high = _range("factors", factors)
    if low <= 0:
        raise ValueError(f"a factor of magnification is above 0, not {low:g}; (0.9, 1.1) is a mild choice")
    factor = generator(rng).uniform(low, high, len(x))
    return _laid_out(_resampled(x, 1 / factor, np.zeros(len(x))), last)


def shift(images: Any, pixels: int, rng: Seed = None, *, channels_last: bool | None = None) -> Array:
    """Move each image by whole numbers of pixels, down or up and right or left, each uniform in −pixels…pixels.

    Shapes: (n, height, width), (n, channels, height, width) or, with `channels_last`, (n, height, width, channels) →
    the same. Raises ValueError for images of another shape, such that seem to have their channels last without a word
    on it, or negative pixels.
    """
    x, last = _checked(images, channels_last)
    pixels = whole("pixels", pixels, 0)
    return _laid_out(_windows(x, pixels, x.shape[-2:], generator(rng)), last)


def crop(
    images: Any,
    size: int | tuple[int, int] | None = None,
    padding: int = 0,
    rng: Seed = None,
    *,
    channels_last: bool | None = None,
) -> Array:
    """Surround each image by `padding` zeros on every side, and cut out a window of `size` at a random place.

    `size` is (height, width), or one number for both; by default the images' own, so that their shape stays (then
    padding p is all that leaves a choice). Shapes: (n, height, width) → (n, *size), (n, channels, height, width) →
    (n, channels, *size) and, with `channels_last`, (n, height, width, channels) → (n, *size, channels). Raises
    ValueError for images of another shape, such that seem to have their channels last without a word on it, or a
    window larger than the padded image.
    """
    x, last = _checked(images, channels_last)
    padding = whole("padding", padding, 0)
    if size is None:
        size = (x.shape[-2], x.shape[-1])
    elif not isinstance(size, tuple):
        size = (size, size)
    if len(size) != 2:
        raise ValueError(f"size is (height, width) or one number for both, not {size}")
    height, width = whole("the height in size", size[0], 1), whole("the width in size", size[1], 1)
    if height > x.shape[-2] + 2 * padding or width > x.shape[-1] + 2 * padding:
        raise ValueError(
            f"a window of {height}×{width} doesn't fit into images of {x.shape[-2]}×{x.shape[-1]} "
            f"with {padding} zeros on every side; give a larger padding or a smaller size"
        )
    return _laid_out(_windows(x, padding, (height, width), generator(rng)), last)


def flip(images: Any, probability: float = 0.5, rng: Seed = None, *, channels_last: bool | None = None) -> Array:
    """Mirror each image left to right with this probability. Cats survive it; digits and letters don't.

    Shapes: (n, height, width), (n, channels, height, width) or, with `channels_last`, (n, height, width, channels) →
    the same. Raises ValueError for images of another shape, such that seem to have their channels last without a word
    on it, or a probability outside 0…1.
    """
    x, last = _checked(images, channels_last)
    if not 0 <= real("probability", probability) <= 1:
        raise ValueError(f"a probability lies in 0…1, not at {probability}")
    flipped = generator(rng).random(len(x)) < probability
    return _laid_out(np.where(flipped.reshape(-1, *[1] * (x.ndim - 1)), x[..., ::-1], x), last)


_CHANNELS = (1, 3, 4)  # of grey images, colours, and colours with transparency


def _checked(images: Any, channels_last: bool | None) -> tuple[Array, bool]:
    """The images as (n, height, width) or (n, channels, height, width), and whether their channels came last."""
    if isinstance(images, Tensor):
        raise TypeError("augmentation is for arrays, before they become Tensors; pass images.data")
    x = plain_array(images)
    if x.dtype.kind not in "fiub":
        raise TypeError(f"images are arrays of real numbers, not of dtype {x.dtype}")
    if x.ndim not in (3, 4):
        raise ValueError(
            f"images have shape (n, height, width) or (n, channels, height, width), not {x.shape}; for flat ones write "
            "x.reshape(-1, height, width), for a single one image[None]"
        )
    if channels_last is None:
        if x.ndim == 4 and x.shape[-1] in _CHANNELS and x.shape[1] not in _CHANNELS:
            raise ValueError(
                f"images of shape {x.shape} look like (n, height, width, channels): write channels_last=True if they "
                f"are, and channels_last=False if they are {x.shape[-1]} pixels wide and have {x.shape[1]} channels"
            )
        return x, False
    if not isinstance(channels_last, (bool, np.bool_)):
        raise TypeError(f"channels_last is True, False or None, not {channels_last!r}")
    if channels_last and x.ndim != 4:
        raise ValueError(f"images with channels last have shape (n, height, width, channels), not {x.shape}")
    return (np.moveaxis(x, -1, 1) if channels_last else x), bool(channels_last)


def _laid_out(x: Array, channels_last: bool) -> Array:
    """The new images in the layout that the given ones had."""
    return np.ascontiguousarray(np.moveaxis(x, 1, -1)) if channels_last else x


def _range(name: str, given: Any) -> tuple[float, float]:
    try:
        low, high = (real(name, bound) for bound in given)
    except (TypeError, ValueError):
        raise TypeError(f"{name} should be a pair (low, high) of numbers, not {given!r}") from None
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise ValueError(f"{name} should be a pair (low, high) with low ≤ high, both finite, not {given!r}")
    return low, high


def _windows(x: Array, padding: int, size: tuple[int, ...], rng: np.random.Generator) -> Array:
    """From each image, surrounded by zeros, a window at a random place."""
    padded = np.pad(x, [(0, 0)] * (x.ndim - 2) + [(padding, padding)] * 2)
    places = [rng.integers(0, padded.shape[axis] - size[axis] + 1, len(x)) for axis in (-2, -1)]
    rows, columns = (p[:, None] + np.arange(k) for p, k in zip(places, size, strict=True))
    n = np.arange(len(x))[:, None, None]
    if x.ndim == 3:
        return np.asarray(padded[n, rows[:, :, None], columns[:, None, :]])
    # two index arrays around a slice put the channels last
    return np.moveaxis(padded[n, :, rows[:, :, None], columns[:, None, :]], -1, 1).copy()


def _resampled(x: Array, a: Array, b: Array) -> Array:
    """Each image looked up, for the output pixel at (right, up) from the centre, at (a·right + b·up, a·up − b·right).

    Between four pixels their bilinear mean is taken: each counts by the area of the square across from it.
    """
    n, height, width = len(x), x.shape[-2], x.shape[-1]
    up = ((height - 1) / 2 - np.arange(height))[:, None]
    right = np.arange(width) - (width - 1) / 2
    a, b = a[:, None, None], b[:, None, None]
    row, column = (height - 1) / 2 - (a * up - b * right), (width - 1) / 2 + (a * right + b * up)
    top, left = np.floor(row), np.floor(column)
    working = x.dtype if x.dtype in (np.float32, np.float64) else np.dtype(np.float64)
    pixels = x.reshape(n, math.prod(x.shape[1:-2]), height * width)
    total = np.zeros(pixels.shape, working)
    for r, row_weight in ((top, top + 1 - row), (top + 1, row - top)):
        for c, column_weight in ((left, left + 1 - column), (left + 1, column - left)):
            inside = (r >= 0) & (r < height) & (c >= 0) & (c < width)
            weight = np.where(inside, row_weight * column_weight, 0).astype(working).reshape(n, 1, height * width)
            place = np.where(inside, r * width + c, 0).astype(np.intp).reshape(n, 1, height * width)
            total += weight * np.take_along_axis(pixels, place, axis=2)
    result = total.reshape(x.shape)
    return result.astype(x.dtype) if x.dtype.kind == "f" else np.rint(result).astype(x.dtype)
