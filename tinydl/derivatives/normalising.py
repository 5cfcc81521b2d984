"""Subtracting the mean and dividing by the standard deviation, as one operation: what LayerNorm and BatchNorm are.

Done in place on arrays that were just made, forward and backward; the helper `normalise_vjp` has rules of its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.arrays import Array, wide
from ..engine.dispatch import define
from ..engine.tensor import Primitive
from .elementwise import floats
from .softmax import dot_along, sum_along

# ---- normalising ----


def _mean(x: Array, axis: Any) -> Any:
    total = sum_along(x, axis)
    total /= max(x.size // max(total.size, 1), 1)
    return total


def _scale(centred: Array, axis: Any, eps: float) -> Any:
    """(var + eps)^(−½) of an array of mean 0."""
    scale = dot_along(centred, centred, axis)
    scale /= max(centred.size // max(scale.size, 1), 1)
    scale += eps
    np.sqrt(scale, out=scale)
    return np.divide(1, scale, out=scale)


def _inverse_std(x: Any, axis: Any = -1, eps: float = 1e-5) -> Any:
    x = floats(x)
    return _scale(x - _mean(x, axis), axis, eps).astype(x.dtype, copy=False)


def inverse_std_rule(g: Any, y: Any, x: Any, axis: Any = -1, eps: float = 1e-5) -> Any:
    """For y = (var + eps)^(−½): ȳ·(−y³)·(x − mean)/n, where n numbers share a variance."""
    x, y = wide(x), wide(y)
    return g * (y * y * y * (-max(y.size, 1) / max(x.size, 1))) * (x - np.mean(x, axis=axis, keepdims=True))


inverse_std = define(_inverse_std, inverse_std_rule, name="inverse_std")


def _normalise(x: Any, axis: Any = -1, eps: float = 1e-5) -> Any:
    x = floats(x)
    y = x - _mean(x, axis)
    y *= _scale(y, axis, eps)
    return y.astype(x.dtype, copy=False)


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


normalise = define(_normalise, normalise_rule, name="normalise")
