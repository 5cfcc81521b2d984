"""Functions on a grid: its coordinates, and slopes, areas and values between of what is known on it.

All are made of others, and are differentiable in the coordinates too. Stands on assembling.py and elementwise.py.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from ..engine.arrays import wide
from ..engine.dispatch import form, implements, unwrap
from ..engine.recording import called_whole
from ..engine.tensor import Tensor
from .elementwise import cast_like
from .elementwise import where as choice
from .reductions import sum
from .shapes import broadcast_arrays, broadcast_to, concatenation, copying, diff, moveaxis, operands, reshape


@implements(np.meshgrid)
def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> tuple[Any, ...]:
    """The coordinates of a grid's points, one array for each axis; with "xy" the first two axes change places."""
    if indexing not in ("xy", "ij"):
        raise ValueError(f"meshgrid takes indexing='xy' or 'ij', not {indexing!r}")
    points, n = operands(*xi), len(xi)
    axes = [1, 0, *range(2, n)] if indexing == "xy" and n > 1 else range(n)
    made = [
        reshape(x, (1,) * axis + (np.size(x),) + (1,) * (n - axis - 1)) for axis, x in zip(axes, points, strict=True)
    ]
    made = made if sparse else list(broadcast_arrays(*made))
    return tuple(copying(x) for x in made) if copy else tuple(made)


@implements(np.linspace)
def linspace(
    start: Any, stop: Any, num: Any = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = None,
    axis: int = 0, *, device: Any = None,
) -> Any:  # fmt: skip
    """`num` numbers at equal distances from start to stop, which is the last of them unless `endpoint` is False."""
    num, given = operator.index(num), np.linspace(form(start), form(stop), 0)  # raises for what are no numbers
    if num < 0:
        raise ValueError(f"linspace gives num ≥ 0 numbers, not {num}")
    start, stop = (wide(x.astype(given.dtype)) for x in operands(start, stop))
    parts, delta = num - 1 if endpoint else num, stop - start
    counted = np.arange(num, like=unwrap(delta)).astype(delta.dtype).reshape((num,) + (1,) * delta.ndim)
    step = delta / max(parts, 1)
    y = counted * step + start
    if endpoint and num > 1:
        y = concatenation(y[:-1], reshape(broadcast_to(stop, y.shape[1:]), (1, *y.shape[1:])))
    y = moveaxis(y, 0, axis)
    dtype = given.dtype if dtype is None else np.dtype(dtype)
    y = np.floor(unwrap(y)).astype(dtype) if dtype.kind in "iu" else y.astype(dtype)
    return (y, cast_like(step if parts > 0 else math.nan, delta).astype(given.dtype)) if retstep else y


@implements(np.trapezoid)
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """The area below the line through points at distances dx, or at the coordinates x: Σ (xᵢ₊₁ - xᵢ)(yᵢ + yᵢ₊₁)/2."""
    y, d = operands(y, dx if x is None else x)
    dtype = np.result_type(y.dtype, dx if x is None and type(dx) in (int, float) else d.dtype)
    dtype = dtype if dtype.kind == "f" else np.dtype(np.float64)  # whole numbers would wrap
    y, d, along = wide(y.astype(dtype)), wide(d.astype(dtype)), normalize_axis_index(axis, y.ndim)
    if x is not None:
        d = diff(d, axis=axis) if d.ndim != 1 else reshape(diff(d), (d.size - 1,) + (1,) * (y.ndim - along - 1))
    later, earlier = (y[(slice(None),) * along + (part,)] for part in (slice(1, None), slice(None, -1)))
    return sum(d * (later + earlier) / 2.0, axis=axis).astype(dtype)


def _picked(a: Any, index: Any) -> Any:
    """a[index], also where the index is recorded and the array, a constant, isn't: indexing alone tells nobody."""
    return called_whole(operator.getitem, a, index)


@implements(np.interp)
def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Any:
    """At x on the line through the points (xp, fp); before and after them left and right, else the first and last fp.

    At a point xp the slope is that to the right of it, at the last one that to the left.
    """
    if period is not None:
        raise TypeError("interp of Tensors doesn't take period=; write x % period, with a point before and one after")
    np.interp(form(x), form(xp), form(fp))  # raises for points that are none
    *points, left, right = operands(x, xp, fp, left, right)
    x, xp, fp = (v.astype(np.float64) for v in points)
    low, high = xp[0], xp[-1]
    left, right = fp[0] if left is None else left, fp[-1] if right is None else right
    if xp.size == 1:
        y = fp[0]
    else:
        at = np.searchsorted(unwrap(xp), unwrap(x), "right") - 1  # the last point up to x
        i = np.minimum(at, xp.size - 2)
        at_x, rise, run = _picked(xp, at), _picked(fp, i + 1) - _picked(fp, i), _picked(xp, i + 1) - _picked(xp, i)
        # at a point it is what is known there, whatever its neighbour is
        alone = (unwrap(run) == 0) | (unwrap(x == at_x) & ~np.isfinite(unwrap(rise)))
        y = choice(alone, 0, rise / choice(alone, 1, run)) * (x - at_x) + _picked(fp, at)
    return choice(unwrap(x < low), left, choice(unwrap(x > high), right, y))


@implements(np.polyval)
def polyval(p: Any, x: Any) -> Any:
    """Σ pₖ xⁿ⁻ᵏ, by Horner's scheme, differentiable in both: the coefficients begin with that of the highest power."""
    p, x = operands(p, x)
    y: Any = np.zeros_like(unwrap(x))
    for i in range(np.shape(p)[0]):
        y = y * x + p[i]
    return y


@implements(np.gradient)
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """The slopes along each axis of what is known on a grid: central differences, and one-sided ones at the edges.

    `varargs` are the distances between the points, one for all axes or one for each, or an axis' coordinates. Gives a
    tuple for several axes, as NumPy does.
    """
    f, *spacings = operands(f, *(varargs or [1.0]))
    f = f.astype(np.float64) if f.dtype.kind in "iu" else f
    axes = tuple(range(f.ndim)) if axis is None else normalize_axis_tuple(axis, f.ndim)
    if len(spacings) == 1 and spacings[0].ndim == 0:
        spacings *= len(axes)
    if len(spacings) != len(axes):
        raise TypeError(f"gradient along {len(axes)} axes takes as many distances, or one, not {len(spacings)}")
    if edge_order not in (1, 2):
        raise ValueError(f"gradient takes edge_order=1 or 2, not {edge_order}")
    dtype = f.dtype if f.dtype.kind == "f" else np.dtype(np.float64)
    made = tuple(_slopes(wide(f), i, h, edge_order).astype(dtype) for i, h in zip(axes, spacings, strict=True))
    return made[0] if len(made) == 1 else made


def _slopes(f: Any, axis: int, spacing: Any, edge_order: int) -> Any:
    n, h = f.shape[axis], spacing
    if n < edge_order + 1:
        raise ValueError(f"gradient needs at least {edge_order + 1} points along axis {axis}, which has {n}")
    if h.ndim > 1 or (h.ndim and h.size != n):
        raise ValueError(f"gradient: the {n} points along axis {axis} can't have coordinates of shape {h.shape}")
    h = h.astype(np.result_type(h.dtype, np.float64))
    if h.ndim:
        h = diff(h)
        equal = (unwrap(h) == unwrap(h[:1])).all()
        h = h[0] if equal and h.__class__ is not Tensor else reshape(h, (n - 1,) + (1,) * (f.ndim - axis - 1))

    def at(first: int, last: int, of: Any = f) -> Any:  # from the first to the last, both included, -1 the last of all
        return of[(slice(None),) * (axis if of is f else 0) + (slice(first, last + 1 or None),)]

    def step(i: int) -> Any:
        return at(i, i, h) if h.ndim else h

    if h.ndim:
        d, e = at(0, -2, h), at(1, -1, h)
        inner = -e / (d * (d + e)) * at(0, -3) + (e - d) / (d * e) * at(1, -2) + d / (e * (d + e)) * at(2, -1)
    else:
        inner = (at(2, -1) - at(0, -3)) / (2.0 * h)
    if edge_order == 1:
        ends = (at(1, 1) - at(0, 0)) / step(0), (at(-1, -1) - at(-2, -2)) / step(-1)
    else:
        ends = (
            _edge(at(0, 0), at(1, 1), at(2, 2), step(0), step(1)),
            -_edge(at(-1, -1), at(-2, -2), at(-3, -3), step(-1), step(-2)),
        )
    return concatenation(ends[0], inner, ends[1], axis=axis)


def _edge(a: Any, b: Any, c: Any, d: Any, e: Any) -> Any:
    """The slope at a of the parabola through a, b and c at distances d and e."""
    return -(2.0 * d + e) / (d * (d + e)) * a + (d + e) / (d * e) * b - d / (e * (d + e)) * c
