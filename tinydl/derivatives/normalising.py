"""What normalising layers are made of: taking the mean off, measuring what is left, scaling and shifting it.

Each is a primitive of its own, so that a backward pass finds what the forward pass has computed, and derivatives of all
orders come by themselves. `normalise` puts them together; read functional/normalization.py next.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine.arrays import Array, as_array, sum_along, wide
from ..engine.dispatch import define
from ..engine.recording import called_whole
from ..engine.tensor import Primitive
from .elementwise import floats, in_float32
from .products import dot_along, sum_of_products
from .reductions import group_size

# ---- the mean ----


def _mean(x: Array, axis: Any) -> Any:
    total = sum_along(x, axis)
    total /= group_size(x, total) or 1
    return total


def root_mean_square(x: Array, axis: Any, eps: float = 0.0) -> Any:
    """√(mean of x² + eps) along the axis, also where the squares would overflow."""
    rms = _root_mean_square(x, axis, eps)
    if not (rms < math.inf).all():
        size = np.abs(x).max(axis, keepdims=True)
        size = np.where(size > math.sqrt(np.finfo(x.dtype).max / group_size(x, rms)), size, 1)
        rms = size * _root_mean_square(x / size, axis, eps / size / size)
    return rms


def _root_mean_square(x: Array, axis: Any, eps: Any) -> Any:
    total = dot_along(x, x, axis)
    total /= group_size(x, total) or 1
    total += eps
    return np.sqrt(total, out=total)


def without_mean(x: Array, axis: Any) -> Array:
    """x − mean along the axis.

    The rounding error of a mean of n numbers, about |mean|·√n·ε, is all that is left of numbers that are equal, and a
    small eps may make it as large as any. Where it would be seen, the mean is taken again of what is left, from the
    least to the largest number: then equal numbers are centred to 0.
    """
    mean = _mean(x, axis)
    centred: Array = as_array(x - mean)
    std = _root_mean_square(centred, axis, 0)
    small = np.abs(mean) * (math.sqrt(group_size(x, mean)) / 128) <= std
    if not (small & (std < math.inf)).all():  # or NaN, or infinite, after an overflow
        centred = x - np.clip(mean, x.min(axis, keepdims=True), x.max(axis, keepdims=True))
        centred -= _mean(centred, axis)
    return centred


def _centred(x: Any, axis: Any = -1, careful: bool = True) -> Any:
    x = floats(x)
    if not careful:
        return x - _mean(x, axis)
    return called_whole(without_mean, x, axis)


# taking a mean off is its own transpose: xᵢ is in each of the n means of its group
centred: Primitive = define(
    in_float32(_centred),
    lambda g, y, x, axis=-1, careful=True: centred(g, axis=axis, careful=False),
    name="centred",
)

# ---- the size ----


def _inverse_rms(x: Any, axis: Any = -1, eps: float = 1e-5) -> Any:
    return np.divide(1, called_whole(root_mean_square, floats(x), axis, eps))


def inverse_rms_rule(g: Any, y: Any, x: Any, axis: Any = -1, eps: float = 1e-5) -> Any:
    """For y = (mean x² + eps)^(−½): ȳ·(−y³)·x/n, where n numbers share a mean. First y·x, which is about 1: y³ alone
    may vanish."""
    y = wide(y)
    return x * y * (g * y * y * (-1 / (group_size(x, y) or 1)))


inverse_rms = define(in_float32(_inverse_rms), inverse_rms_rule, name="inverse_rms")

# ---- scale and shift ----


def _scaled(x: Any, scale: Any, shift: Any = None) -> Any:
    if shift is not None and shift.dtype != scale.dtype:
        scale = scale.astype(np.result_type(scale.dtype, shift.dtype))  # x * scale mustn't be rounded, or wrap, before
    y = as_array(x * scale)
    if shift is None:
        return y
    return np.add(y, shift, out=y) if shift.size <= y.size else y + shift


def scale_rule(g: Any, y: Any, x: Any, scale: Any, shift: Any = None) -> Any:
    """Σ g·x over the axes along which the scale is stretched."""
    if x.shape != g.shape:
        return g * x
    sides = (1,) * (x.ndim - scale.ndim) + scale.shape
    return sum_of_products(g, x, axis=tuple([i for i, n in enumerate(sides) if n != x.shape[i]]))


scale_and_shift = define(
    _scaled,
    lambda g, y, x, scale, shift=None: g * scale,
    scale_rule,
    lambda g, y, x, scale, shift=None: g,
    name="scale_and_shift",
)


def normalise(x: Any, axis: Any = -1, eps: float = 1e-5) -> Any:
    """(x − mean) / √(var + eps) along the axis, with the variance of n numbers divided by n; of float16 in float32."""
    c = centred(wide(x), axis=axis)
    y = scale_and_shift(c, inverse_rms(c, axis=axis, eps=eps))
    return y.astype(np.float16) if x.dtype == np.float16 else y
