"""Subtracting the mean and dividing by the standard deviation, as one operation: what LayerNorm and BatchNorm are.

Done in place on arrays that were just made, forward and backward; the helper `normalise_vjp` has rules of its own.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine.arrays import Array, wide
from ..engine.dispatch import define
from ..engine.recording import called_as_one, special
from ..engine.tensor import Primitive
from .elementwise import floats
from .softmax import dot_along, sum_along

# ---- normalising ----


def _mean(x: Array, axis: Any) -> Any:
    total = sum_along(x, axis)
    total /= max(x.size // max(total.size, 1), 1)
    return total


def _standard_deviation(centred: Array, axis: Any, eps: Any) -> Any:
    """√(var + eps) of an array of mean 0."""
    std = dot_along(centred, centred, axis)
    std /= max(centred.size // max(std.size, 1), 1)
    std += eps
    return np.sqrt(std, out=std)


def centre(x: Array, axis: Any, eps: float = 0.0) -> tuple[Array, Any, Any]:
    """x − mean, the mean, and √(var + eps) along the axis.

    The rounding error of a mean of n numbers, about |mean|·√n·ε, is all that is left of numbers that are equal, and eps
    may make it as large as any. Where it would be seen, the mean is taken again of what is left, from the least to the
    largest number: then equal numbers are centred to 0.
    """
    mean = _mean(x, axis)
    centred = x - mean
    std = _standard_deviation(centred, axis, eps)
    n = max(x.size // max(mean.size, 1), 1)
    small = np.abs(mean) * (math.sqrt(n) / 128) <= std
    if not (small & (std < math.inf)).all():  # or NaN, or infinite, after an overflow
        mean = np.clip(mean, x.min(axis, keepdims=True), x.max(axis, keepdims=True))
        centred = x - mean
        left = _mean(centred, axis)
        centred -= left
        mean += left
        size = np.abs(centred).max(axis, keepdims=True)
        size = np.where(size > math.sqrt(np.finfo(centred.dtype).max / n), size, 1)  # where squares would overflow
        std = size * _standard_deviation(centred / size, axis, eps / size / size)
    return centred, mean, std


def standardised(x: Array, axis: Any, eps: float) -> tuple[Array, Any]:
    """(x − mean) / √(var + eps) along the axis, and 1 / √(var + eps)."""
    y, _, std = centre(x, axis, eps)
    inverse = np.divide(1, std, out=std)
    y *= inverse
    return y.astype(x.dtype, copy=False), inverse.astype(x.dtype, copy=False)


def _inverse_std(x: Any, axis: Any = -1, eps: float = 1e-5) -> Any:
    x = floats(x)
    if special.count and (recorded := called_as_one(standardised, x, axis, eps)) is not None:
        return recorded[0][1]  # what `normalise` has computed in the forward pass
    _, _, std = centre(x, axis, eps)
    return np.divide(1, std, out=std).astype(x.dtype, copy=False)


def inverse_std_rule(g: Any, y: Any, x: Any, axis: Any = -1, eps: float = 1e-5) -> Any:
    """For y = (var + eps)^(−½): ȳ·(−y³)·(x − mean)/n, where n numbers share a variance; y·(x − mean) is `normalise`."""
    y = wide(y)
    return g * (y * y * (-max(y.size, 1) / max(x.size, 1))) * normalise(x, axis=axis, eps=eps)


inverse_std = define(_inverse_std, inverse_std_rule, name="inverse_std")


def _normalise(x: Any, axis: Any = -1, eps: float = 1e-5) -> Any:
    x = floats(x)
    if special.count and (recorded := called_as_one(standardised, x, axis, eps)) is not None:
        return recorded[0][0]
    return standardised(x, axis, eps)[0]


def _normalise_vjp(g: Any, y: Any, scale: Any, axis: Any = -1) -> Any:
    along = dot_along(g, y, axis)
    along /= max(g.size // max(along.size, 1), 1)
    out = y * along
    out += _mean(g, axis)
    np.subtract(g, out, out=out)
    out *= scale
    return out


normalise_vjp: Primitive = define(
    _normalise_vjp,
    lambda h, v, g, y, scale, axis=-1: normalise_vjp(h, y, scale, axis=axis),
    lambda h, v, g, y, scale, axis=-1: (
        -scale * (h * np.mean(g * y, axis=axis, keepdims=True) + g * np.mean(h * y, axis=axis, keepdims=True))
    ),
    lambda h, v, g, y, scale, axis=-1: h * v / scale,
    name="normalise_vjp",
)


def normalise_rule(g: Any, y: Any, x: Any, axis: Any = -1, eps: float = 1e-5) -> Any:
    """For y = (x − mean)·s with s = (var + eps)^(−½): x̄ = s·(g − mean(g) − y·mean(g·y))."""
    return normalise_vjp(g, y, inverse_std(x, axis=axis, eps=eps), axis=axis)


normalise: Primitive = define(_normalise, normalise_rule, name="normalise")
