"""Sums, means, extremes, products: functions that take the elements along axes together.

`axis` is an integer, a tuple or None (all axes), as in NumPy. `spread` prepares what has been reduced for broadcasting
against what went in. Stands on elementwise.py and shapes.py; read statistics.py next.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from ..engine.arrays import Array, wide
from ..engine.dispatch import define, implements, plain, unwrap
from ..engine.tensor import Primitive
from .elementwise import cast_like, in_float32, masked, unrounded
from .shapes import operands


def spread(g: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """Give what a reduction of x over `axis` has reduced its axes back, at length 1: it then broadcasts against x."""
    if keepdims or axis is None or not x.ndim:
        return g
    if axis.__class__ is int:
        axis %= x.ndim
        return g.reshape((*x.shape[:axis], 1, *x.shape[axis + 1 :]))
    axes = normalize_axis_tuple(axis, x.ndim)
    return g.reshape(tuple([1 if i in axes else n for i, n in enumerate(x.shape)]))


def group_size(x: Any, y: Any) -> int:
    """How many elements of x each element of its reduction y takes together."""
    return int(x.size // y.size) if y.size else 0


# ---- sums and means ----


def _sum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, initial: Any = 0) -> Any:
    if a.dtype.char == "e":  # as in_float32 does, without its cost for other dtypes
        return np.add.reduce(a, axis, np.float32, keepdims=keepdims).astype(np.float16)
    return np.add.reduce(a, axis, keepdims=keepdims)  # what np.sum does, at half its cost for small arrays


def sum_rule(g: Any, y: Any, a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Every element of a sum has the gradient of the sum."""
    return np.broadcast_to(spread(g, a, axis, keepdims), a.shape)


sum = define(_sum, sum_rule, name="sum", answers=(np.sum,))


def _mean(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    if a.dtype.char not in "fd" or not a.ndim:  # NumPy sums these wider, and refuses an axis of a number
        return np.mean(a, axis, keepdims=keepdims)
    total = np.add.reduce(a, axis, keepdims=keepdims)
    return total / group_size(a, total)


def mean_rule(g: Any, y: Any, a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """As of the sum, divided by the number of elements in each mean."""
    return np.broadcast_to(spread(wide(g), a, axis, keepdims) / (group_size(a, y) or 1), a.shape)


mean = define(_mean, mean_rule, name="mean", answers=(np.mean,))


def _var(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: bool = False) -> Any:
    return np.var(a, axis, ddof=ddof, keepdims=keepdims)


def _std(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: bool = False) -> Any:
    return np.std(a, axis, ddof=ddof, keepdims=keepdims)


def degrees_of_freedom(a: Any, y: Any, ddof: Any) -> float:
    """n - ddof of each group; NaN, as NumPy's variance, where nothing is left."""
    left = group_size(a, y) - float(ddof)
    return left if left > 0 else math.nan


def var_rule(g: Any, y: Any, a: Any, axis: Any = None, ddof: Any = 0, keepdims: bool = False) -> Any:
    """∂/∂aᵢ of Σ(aⱼ - m)²/(n - ddof) is 2(aᵢ - m)/(n - ddof): the terms through the mean m add up to 0."""
    g, a = wide(g), wide(a)
    away = a - np.mean(a, axis, keepdims=True) if a.size else a
    return spread(g, a, axis, keepdims) * (2 / degrees_of_freedom(a, y, ddof)) * away


def std_rule(g: Any, y: Any, a: Any, axis: Any = None, ddof: Any = 0, keepdims: bool = False) -> Any:
    """∂s/∂aᵢ = (aᵢ - m)/((n - ddof)·s) for s = √var, and 0 where all elements are equal.

    Those are found by comparing: rounding makes the s of three times 0.1 a 1e-17.
    """
    if not a.size:
        return a
    a = wide(a)
    y = unrounded(y, deviation, a, axis=axis, ddof=ddof, keepdims=keepdims)
    away, s = a - np.mean(a, axis, keepdims=True), spread(y, a, axis, keepdims)
    values, n = unwrap(a), degrees_of_freedom(a, y, ddof)
    equal = np.max(values, axis, keepdims=True) == np.min(values, axis, keepdims=True)
    slope = spread(g, a, axis, keepdims) / (n * (np.where(equal, 1, s) if equal.any() else s))
    return np.where(equal & ~np.isnan(s), 0, slope * away) if equal.any() else slope * away


variance = define(in_float32(_var), var_rule, name="var")
deviation = define(in_float32(_std), std_rule, name="std", at_kinks="all values equal: 0")


@implements(np.var)
def var(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: bool = False, **options: Any
) -> Any:
    """The variance: the sum of squared deviations from the mean, divided by n - ddof (or n - correction)."""
    options = corrected("var", ddof, options)
    return variance(a, axis=axis, dtype=dtype, out=out, keepdims=keepdims, **options)


@implements(np.std)
def std(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: bool = False, **options: Any
) -> Any:
    """The standard deviation, the root of the variance."""
    options = corrected("std", ddof, options)
    return deviation(a, axis=axis, dtype=dtype, out=out, keepdims=keepdims, **options)


def corrected(name: str, ddof: Any, options: dict[str, Any]) -> dict[str, Any]:
    correction = options.pop("correction", None)
    if correction is not None and ddof != 0:
        raise ValueError(f"{name} takes ddof= or correction=, which mean the same, not both")
    return {"ddof": ddof if correction is None else correction, **options}


@implements(np.average)
def average(a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False) -> Any:
    """Σ wᵢaᵢ / Σ wᵢ, differentiable in both; `weights` has a's shape or that of the axes averaged over."""
    a, weights = operands(a, weights)
    axis = None if axis is None else normalize_axis_tuple(axis, a.ndim)
    if weights is None:
        result = mean(a, axis=axis, keepdims=keepdims)
        total: Any = np.full_like(result, group_size(a, result))
    else:
        w = _weights_like(a, axis, weights)
        whole = a.dtype.kind in "iub"
        dtype = np.result_type(a.dtype, w.dtype, "f8") if whole else np.result_type(a.dtype, w.dtype)
        a, w = a.astype(dtype), wide(w.astype(dtype))
        total = np.sum(w, axis, keepdims=keepdims)
        if (unwrap(total) == 0).any():
            raise ZeroDivisionError("the weights of an average add up to zero")
        result = cast_like(np.sum(a * w, axis, keepdims=keepdims) / total, a)
        total = np.broadcast_to(cast_like(total, a), result.shape)
    return (result, np.copy(total)) if returned else result


def _weights_like(a: Any, axis: Any, w: Any) -> Any:
    """The weights with a's number of axes, each in its place."""
    if w.shape == a.shape:
        return w
    if axis is None:
        raise TypeError(f"average of shape {a.shape} with weights of shape {w.shape} needs axis=")
    axes = normalize_axis_tuple(axis, a.ndim)
    if w.shape != tuple(a.shape[i] for i in axes):
        raise ValueError(f"weights of shape {w.shape} don't match axis {axis} of an array of shape {a.shape}")
    w = np.transpose(w, tuple(np.argsort(axes)))
    return w.reshape(tuple([n if i in axes else 1 for i, n in enumerate(a.shape)]))


# ---- extremes ----


def shared(g: Any, chosen: Any, axis: Any) -> Any:
    """g, in equal parts, to the elements chosen in each group."""
    g, count = wide(g), chosen.sum(axis, keepdims=True)
    return masked(g / count.astype(g.dtype), chosen)


def _max(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, initial: Any = None) -> Any:
    if a.__class__ is np.ndarray:
        return np.maximum.reduce(a, axis, keepdims=keepdims)
    return a.max(axis, keepdims=keepdims)


def _min(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, initial: Any = None) -> Any:
    if a.__class__ is np.ndarray:
        return np.minimum.reduce(a, axis, keepdims=keepdims)
    return a.min(axis, keepdims=keepdims)


def equals(values: Any, value: Any) -> Any:
    """Where the elements are the value of their group; here NaN equals NaN."""
    same = values == value
    return same | (np.isnan(values) & np.isnan(value)) if np.isnan(value).any() else same


def extreme_rule(g: Any, y: Any, a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The gradient goes to the extreme element; several that tie share it equally. A NaN is NumPy's extreme."""
    chosen = equals(unwrap(a), spread(unwrap(y), a, axis, keepdims))
    return shared(spread(g, a, axis, keepdims), chosen, axis)


max = define(_max, extreme_rule, answers=(np.max, np.amax), name="max", at_kinks="ties share equally")
min = define(_min, extreme_rule, answers=(np.min, np.amin), name="min", at_kinks="ties share equally")


@implements(np.ptp)
def ptp(a: Any, axis: Any = None, out: Any = None, keepdims: bool = False) -> Any:
    """Peak to peak: the maximum less the minimum."""
    return max(a, axis=axis, out=out, keepdims=keepdims) - min(a, axis=axis, keepdims=keepdims)


# ---- products and running sums ----


def joined(a: Any, axis: Any) -> Any:
    """`a` with the axes of a reduction moved to the end and made one."""
    axes = normalize_axis_tuple(range(a.ndim) if axis is None or not a.ndim else axis, a.ndim)
    kept = [i for i in range(a.ndim) if i not in axes]
    shape = [a.shape[i] for i in kept]
    return np.transpose(a, (*kept, *axes)).reshape((*shape, math.prod([a.shape[i] for i in axes])))


def parted(r: Any, shape: tuple[int, ...], axis: Any) -> Any:
    """The reverse of `joined` for an array of this shape."""
    axes = normalize_axis_tuple(range(len(shape)) if axis is None or not shape else axis, len(shape))
    order = [*(i for i in range(len(shape)) if i not in axes), *axes]
    return np.transpose(r.reshape(tuple([shape[i] for i in order])), tuple(np.argsort(order)))


def before(x: Any, first: float) -> Any:
    """x moved on by one place along its last axis, with `first` in the first place."""
    return np.concatenate([np.full_like(x[..., :1], first), x[..., :-1]], axis=-1)


def _recurrence(x: Any, c: Any) -> Array:
    """yᵢ = xᵢ + cᵢyᵢ₋₁ along the last axis, with y₋₁ = 0."""
    y: Array = x.copy()
    for i in range(1, y.shape[-1]):
        y[..., i] = x[..., i] + c[..., i] * y[..., i - 1]
    return y


def recurrence_rule(g: Any, y: Any, x: Any, c: Any) -> Any:
    """For yᵢ = xᵢ + cᵢyᵢ₋₁ the gradient runs backwards: x̄ᵢ = gᵢ + cᵢ₊₁x̄ᵢ₊₁."""
    return np.flip(recurrence(np.flip(g, -1), np.roll(np.flip(c, -1), 1, -1)), -1)


recurrence = define(
    _recurrence,
    recurrence_rule,
    lambda g, y, x, c: recurrence_rule(g, y, x, c) * before(y, 0),
    name="recurrence",
)


def prod_rule(g: Any, y: Any, a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """∂y/∂aᵢ is the product of the others: y/aᵢ, and where y is 0 the product before aᵢ times the product after it."""
    a = wide(a)
    y, g = unrounded(y, prod, a, axis=axis, keepdims=keepdims), spread(g, a, axis, keepdims)
    if (unwrap(y) != 0).all():
        return g * spread(y, a, axis, keepdims) / a
    x = joined(a, axis)
    left, right = before(np.cumprod(x, -1), 1), np.flip(before(np.cumprod(np.flip(x, -1), -1), 1), -1)
    return g * parted(left * right, a.shape, axis)


prod: Primitive = define(in_float32(np.prod), prod_rule, answers=(np.prod,))


def cumsum_rule(g: Any, y: Any, a: Any, axis: Any = None) -> Any:
    """aᵢ is in all sums from the i-th on."""
    along = 0 if axis is None else axis
    return np.flip(np.cumsum(np.flip(wide(g), along), along), along).reshape(a.shape)


cumsum = define(in_float32(np.cumsum), cumsum_rule, answers=(np.cumsum,))


def cumprod_rule(g: Any, y: Any, a: Any, axis: Any = None) -> Any:
    """āᵢ = Σₖ gₖyₖ/aᵢ over k ≥ i. Where some yₖ is 0: aᵢ₋₁'s product times sᵢ, with sᵢ = gᵢ + aᵢ₊₁sᵢ₊₁."""
    along = 0 if axis is None else normalize_axis_index(axis, y.ndim)
    a = wide(a)
    y, x = unrounded(y, cumprod, a, axis=axis), a.reshape(y.shape)
    if (unwrap(y) != 0).all():
        return (np.flip(np.cumsum(np.flip(g * y, along), along), along) / x).reshape(a.shape)
    g, y, x = (np.moveaxis(t, along, -1) for t in (g, y, x))
    return np.moveaxis(before(y, 1) * recurrence_rule(g, None, None, x), -1, along).reshape(a.shape)


cumprod: Primitive = define(in_float32(np.cumprod), cumprod_rule, answers=(np.cumprod,))

plain(np.argmax, np.argmin, np.nanargmax, np.nanargmin, np.argsort, np.argpartition, np.lexsort, np.searchsorted,
      np.digitize, np.any, np.all, np.count_nonzero)  # fmt: skip
