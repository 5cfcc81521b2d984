"""Picking elements out of arrays, and its reverse, which adds them up where they came from."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from ..engine.arrays import Array, as_array, is_array, is_foreign, wide
from ..engine.dispatch import define, implements, plain, unwrap
from ..engine.tensor import Tensor


def _scattered(g: Any, index: Any, shape: tuple[int, ...]) -> Array:
    """Zeros of this shape with g added at the index: the transpose of indexing."""
    out: Array = np.zeros_like(g, shape=shape, order="C")
    if not _names_once(index):
        return _add_at(out, g, index)
    out[index] = g
    return out


def _add_at(total: Any, g: Any, index: Any) -> Array:
    """``total[index] += g``, in its own memory, also where the index names an element twice."""
    if _names_once(index):
        total[index] += g
    elif total.dtype.char == "e" and isinstance(index, np.ndarray):
        rows, which = np.unique(np.where(index < 0, index + len(total), index), return_inverse=True)
        total[rows] = _add_at(wide(total[rows]), wide(g), which.reshape(index.shape))  # rounded once
    elif total.dtype.char == "e":
        total[...] = _add_at(wide(total), wide(g), index)
    elif total.__class__ is index.__class__ is np.ndarray and total.size and total.flags.c_contiguous:
        row = total.size // total.shape[0]  # rows: np.add.at is ten times as fast with one axis
        places = index.astype(np.intp).reshape(-1, 1) * row + np.arange(row)
        np.add.at(total.reshape(-1), places.ravel(), np.ravel(g))
    else:
        np.add.at(total, index, g)
    made: Array = total
    return made


def _names_once(index: Any) -> bool:
    """Whether an index can't name an element twice, as an array of integers can."""
    if isinstance(index, tuple):
        return all(map(_names_once, index))
    if index is None or index is Ellipsis or isinstance(index, (int, np.integer, slice)):
        return True
    return is_array(index) and (index.dtype == bool or not index.ndim)


scatter = define(_scattered, lambda g, y, x, index, shape: g[index], name="scatter")
added_at = define(
    lambda total, g, index: _add_at(total.copy("K"), g, index),
    lambda h, y, total, g, index: h,
    lambda h, y, total, g, index: h[index],
    name="added_at",
)
getitem = define(
    lambda a, index: a[index],
    lambda g, y, a, index: scatter(g, index=index, shape=a.shape),
    name="getitem",
)
getitem.into = lambda total, g, y, a, index: _into(total, g, index)


def _into(total: Any, g: Any, index: Any) -> Any:
    """The total itself with g added or, of a Tensor, whose value must stay what it was, a new one."""
    return added_at(total, g, index=index) if isinstance(total, Tensor) else _add_at(total, g, index)


def _windows(x: Any, window_shape: Any, axis: Any = None) -> Any:
    return np.lib.stride_tricks.sliding_window_view(x, window_shape, axis)


def _windows_added(g: Any, shape: tuple[int, ...], axes: tuple[int, ...]) -> Array:
    """Each element of the windows g added at its place in zeros of this shape, one place within the windows after the
    other."""
    out: Array = np.zeros_like(wide(g), shape=shape)
    for place in np.ndindex(g.shape[len(shape) :]):
        start = [0] * len(shape)
        for i, offset in zip(axes, place, strict=True):
            start[i] += offset  # an axis may be named twice
        out[tuple([slice(s, s + n) for s, n in zip(start, g.shape, strict=False)])] += g[(..., *place)]
    return out.astype(g.dtype, copy=False)


windows_added = define(
    _windows_added,
    lambda h, v, g, shape, axes: np.lib.stride_tricks.sliding_window_view(h, g.shape[len(shape) :], axes),
    name="windows_added",
)
windows = define(
    _windows,
    lambda g, y, x, window_shape, axis=None: windows_added(
        g, shape=x.shape, axes=tuple(range(x.ndim)) if axis is None else normalize_axis_tuple(axis, x.ndim, None, True)
    ),
    name="sliding_window_view",
)


@implements(np.lib.stride_tricks.sliding_window_view)
def sliding_window_view(
    x: Any, window_shape: Any, axis: Any = None, *, subok: bool = False, writeable: bool = False
) -> Any:
    """All windows of this shape along the axes, (…, *window_shape), without a copy of x."""
    if writeable:
        raise TypeError(
            "sliding_window_view of a Tensor can't be writeable: each element stands in many windows. Compute with the "
            "windows, y = windows * mask, or write into x.numpy()"
        )
    return windows(x, window_shape, axis=axis)


def take_rule(g: Any, y: Any, a: Any, indices: Any, axis: int | None = None, mode: str = "raise") -> Any:
    """Each element of g is added to the one it was taken from."""
    index, shape = _taken(a, indices, axis, mode)
    return scatter(g, index=index, shape=shape).reshape(a.shape)


def _take_into(total: Any, g: Any, y: Any, a: Any, indices: Any, axis: int | None = None, mode: str = "raise") -> Any:
    index, shape = _taken(a, indices, axis, mode)
    if shape == total.shape:
        return _into(total, g, index)
    if isinstance(total, Tensor):
        return _into(total.reshape(shape), g, index).reshape(total.shape)
    total = total if total.flags.c_contiguous else total.copy()
    _add_at(total.reshape(shape), g, index)
    return total


def _taken(a: Any, indices: Any, axis: int | None, mode: str) -> tuple[Any, tuple[int, ...]]:
    """The index and the shape of `a` with which indexing gives what np.take gives."""
    axis = axis if a.ndim else None
    shape = (a.size,) if axis is None else a.shape
    along = 0 if axis is None else normalize_axis_index(axis, a.ndim)
    source = as_array(indices).astype(np.intp)  # as NumPy takes them: an empty list, and booleans, too
    if mode == "wrap":
        source = source % shape[along]
    elif mode == "clip":
        source = np.clip(source, 0, shape[along] - 1)
    return (slice(None),) * along + (source,), shape


def _take(a: Any, indices: Any, axis: Any = None, out: Any = None, mode: Any = "raise") -> Any:
    if a.__class__ is not np.ndarray and is_foreign(a):  # others' take may lack the modes
        index, shape = _taken(a, indices, axis, mode)
        return a.reshape(shape)[index]
    return np.take(a, indices, axis, mode=mode)


take = define(_take, take_rule, name="take", answers=(np.take,))
take.into = _take_into


@implements(np.take_along_axis)
def take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    """For each place along the other axes, the elements of `arr` with these indices along `axis` (as argsort gives)."""
    indices = as_array(unwrap(indices))
    if axis is None:
        arr, axis = arr.reshape(-1), 0
    axis = normalize_axis_index(axis, arr.ndim)
    if indices.dtype.kind not in "iu":
        raise IndexError(f"take_along_axis takes integer indices, not {indices.dtype}")
    if indices.ndim != arr.ndim:
        raise ValueError(f"take_along_axis: indices of shape {indices.shape} need all axes of the array's {arr.shape}")
    places = np.ogrid[tuple(slice(n) for n in arr.shape)]
    return arr[tuple(indices if i == axis else place for i, place in enumerate(places))]


def sort_rule(g: Any, y: Any, a: Any, axis: int | None = -1) -> Any:
    """Sorting is a permutation; its reverse brings each element of g back."""
    order = np.argsort(unwrap(a), axis=axis, kind="stable")
    along = 0 if axis is None else axis
    return np.take_along_axis(g, np.argsort(order, axis=along), along).reshape(a.shape)


def _sort(a: Any, axis: int | None = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Any:
    return np.sort(a, axis)


sort = define(_sort, sort_rule, name="sort", at_kinks="ties keep their order")


@implements(np.sort)
def _np_sort(a: Any, axis: int | None = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Any:
    """In ascending order, NaNs last; kind= and stable= make no difference to values."""
    np.sort(np.empty(0), kind=kind, stable=stable)  # raises for what is no kind
    return sort(a, axis=axis, order=order)


plain(np.nonzero, np.flatnonzero, np.argwhere, np.isin, np.unravel_index, np.ravel_multi_index)
