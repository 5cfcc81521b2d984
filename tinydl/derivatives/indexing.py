"""Picking elements out of arrays, and its reverse, which adds them up where they came from."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..engine.arrays import Array, wide
from ..engine.dispatch import define, implements, plain, unwrap


def _scattered(g: Any, index: Any, shape: tuple[int, ...]) -> Array:
    """Zeros of this shape with g added at the index: the transpose of indexing."""
    parts = index if isinstance(index, tuple) else (index,)
    once = all(_names_once(p) for p in parts)
    out: Array = np.zeros_like(g if once else wide(g), shape=shape, order="C")
    if once:
        out[index] = g
    elif isinstance(index, np.ndarray) and out.size:  # rows: np.add.at is ten times as fast with one axis
        row = out.size // shape[0]
        places = index.astype(np.intp).reshape(-1, 1) * row + np.arange(row)
        np.add.at(out.reshape(-1), places.ravel(), np.ravel(g))
    else:
        np.add.at(out, index, g)
    return out


def _names_once(part: Any) -> bool:
    """Whether this part of an index can't name an element twice, as an array of integers can."""
    if part is None or part is Ellipsis or isinstance(part, (int, np.integer, slice)):
        return True
    return isinstance(part, np.ndarray) and part.dtype == bool


scatter = define(_scattered, lambda g, y, x, index, shape: g[index], name="scatter")
getitem = define(
    lambda a, index: a[index],
    lambda g, y, a, index: scatter(g, index=index, shape=a.shape),
    name="getitem",
)


def take_rule(g: Any, y: Any, a: Any, indices: Any, axis: int | None = None, mode: str = "raise") -> Any:
    """Each element of g is added to the one it was taken from."""
    axis = axis if a.ndim else None
    shape = (a.size,) if axis is None else a.shape
    along = 0 if axis is None else normalize_axis_index(axis, a.ndim)
    source = np.asarray(indices).astype(np.intp)  # as NumPy takes them: an empty list, and booleans, too
    if mode == "wrap":
        source = source % shape[along]
    elif mode == "clip":
        source = np.clip(source, 0, shape[along] - 1)
    return scatter(g, index=(slice(None),) * along + (source,), shape=shape).reshape(a.shape)


take = define(np.take, take_rule)


@implements(np.take_along_axis)
def take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    """For each place along the other axes, the elements of `arr` with these indices along `axis` (as argsort gives)."""
    indices = np.asarray(unwrap(indices))
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
