"""Numbers rounded to a grid, with a slope as if they weren't: what training with few bits stands on.

The grid is symmetric about 0. exporting/compression.py puts the weights of a model on it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.arrays import wide
from ..engine.dispatch import define
from .elementwise import masked


def levels(bits: int) -> int:
    """The largest whole number of the grid: with 8 bits it goes from −127 to 127, with 2 from −1 to 1."""
    return int(2 ** (bits - 1) - 1)


def grid_scale(x: Any, bits: int, axis: int) -> Any:
    """The distance between two neighbours on the grid, max|x| / levels, for each index along the axis, which is kept.

    1 where there are only zeros. Numbers that lie on the grid have this very grid again: (s · levels) / levels is s, as
    was tried with all 2²³ mantissas of float32 and 2 … 8 bits, though s · levels needn't be max|x|.
    """
    others = tuple(i for i in range(x.ndim) if i != axis)
    scale = np.max(np.abs(wide(x)), axis=others, keepdims=True) / levels(bits)
    return np.where(scale == 0, 1, scale)


def grid_numbers(x: Any, scale: Any, most: float) -> Any:
    """Which multiple of the scale is nearest, the even one of two, and −most … most at the ends."""
    return np.clip(np.rint(x / scale), -most, most)


def _to_grid(x: Any, scale: Any, most: float) -> Any:
    return (grid_numbers(x, scale, most) * scale).astype(x.dtype)


fake_quantised = define(
    _to_grid,
    # straight through, as if nothing were rounded (Bengio et al. 2013); 0 for what is cut off (Jacob et al. 2018)
    lambda g, y, x, scale, most: masked(g, ~(np.abs(x) > scale * (most + 0.5))),
    None,
    name="fake_quantised",
    at_kinks="everywhere inside the range: 1, as without rounding, whose own slope is 0 or none; beyond it: 0",
)
