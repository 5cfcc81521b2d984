"""Arrays put together of others, and taken apart: functions made of joining and indexing, without a rule of their own.

Where NumPy's function only moves elements, it is run on their places instead: what it makes of these says where each
element comes from. Stands on shapes.py and indexing.py; read grids.py next.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..engine.arrays import Array
from ..engine.dispatch import form, implements, plain, unwrap
from ..engine.tensor import Tensor
from .elementwise import where as choice
from .indexing import take, take_along_axis
from .shapes import concatenation, moveaxis, numpys, operand, operands, ravel


def _places(first: int, x: Any) -> Array:
    """Where the elements of x stand once all arrays are joined in one axis, in which x begins at `first`."""
    return np.arange(first, first + np.size(x)).reshape(np.shape(x))


@implements(np.append)
def append(arr: Any, values: Any, axis: int | None = None) -> Any:
    """The elements of both, joined along an axis they have; None joins all their elements."""
    return concatenation(*operands(arr, values), axis=axis)


@implements(np.insert)
def insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    """`values`, in the dtype of `arr`, put in before these indices; they are broadcast as in NumPy."""
    arr, values = operands(arr, values)
    places = np.insert(_places(0, arr), numpys(obj), _places(np.size(arr), values), axis)
    if arr.dtype.kind != "f" and isinstance(values, Tensor) and values.requires_grad:
        raise TypeError(
            f"insert gives an array of {arr.dtype}, as the first one is, which has no gradient; write arr * 1.0"
        )
    return concatenation(ravel(arr), ravel(values.astype(arr.dtype)))[places]


@implements(np.delete)
def delete(arr: Any, obj: Any, axis: int | None = None) -> Any:
    """All elements, or all rows along an axis, but those with these indices."""
    arr, axis = (ravel(arr), 0) if axis is None else (arr, normalize_axis_index(axis, np.ndim(arr)))
    return take(arr, np.delete(np.arange(arr.shape[axis]), numpys(obj)), axis=axis)


@implements(np.block)
def block(arrays: Any) -> Any:
    """An array of blocks, given as nested lists: the innermost are joined along the last axis, and so on outwards."""
    parts: list[Any] = []

    def placed(tree: Any) -> Any:
        if isinstance(tree, list):
            return [placed(branch) for branch in tree]
        if isinstance(tree, tuple):
            return tree  # which NumPy refuses
        parts.append(tree)
        return _places(sum(map(np.size, parts[:-1])), tree)

    places = np.block(placed(arrays))
    return concatenation(*map(ravel, operands(*parts)))[places]


@implements(np.select)
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """Of each place the choice whose condition is the first that is true there; `default` where none is."""
    np.select([form(c) for c in condlist], [0] * len(choicelist))  # raises for conditions that are none
    given = [*choicelist, default]
    made = operands(*given)
    dtype = np.result_type(*(x if type(x) in (int, float) else y.dtype for x, y in zip(given, made, strict=True)))
    *choices, result = [y.astype(dtype) for y in made]
    for condition, x in zip(condlist[::-1], choices[::-1], strict=True):
        result = choice(condition, x, result)
    return result


@implements(np.compress)
def compress(condition: Any, a: Any, axis: int | None = None, out: Any = None) -> Any:
    """The rows along an axis, or of all elements those, where the condition, a vector, is true."""
    if out is not None:
        raise TypeError("compress of Tensors doesn't take out=")
    if np.ndim(condition) != 1:
        raise ValueError(f"compress takes a condition of one axis, not of shape {np.shape(condition)}")
    return take(a, np.flatnonzero(unwrap(condition)), axis=axis)


@implements(np.extract)
def extract(condition: Any, arr: Any) -> Any:
    """The elements where the condition is true."""
    return take(operand(arr), np.flatnonzero(unwrap(condition)))


@implements(np.partition)
def partition(a: Any, kth: Any, axis: int | None = -1, kind: Any = "introselect", order: Any = None) -> Any:
    """With the kth smallest in its place along the axis, smaller ones before it and larger ones after it."""
    if order is not None:
        raise TypeError("partition of Tensors doesn't take order=")
    np.argpartition(np.empty(1), 0, kind=kind)  # raises for what is no kind
    return take_along_axis(a, np.argpartition(unwrap(a), np.asarray(numpys(kth)).tolist(), axis), axis)


@implements(np.rollaxis)
def rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    """With the axis before the one that is `start` now."""
    axis, start = normalize_axis_index(axis, a.ndim), normalize_axis_index(start, a.ndim + (start >= 0))
    return moveaxis(a, axis, start - (axis < start))


@implements(*(getattr(np, name) for name in ["unstack"] if hasattr(np, name)))  # NumPy has it since 2.1
def unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    """The slices along an axis."""
    if not x.ndim:
        raise ValueError("unstack needs an array with at least one axis")
    return tuple(moveaxis(x, axis, 0))


@implements(np.ediff1d)
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    """The differences of neighbours among all elements, between what is to stand before and after them."""
    ary, to_begin, to_end = operands(ary, to_begin, to_end)
    ary = ravel(ary)

    def end(name: str, x: Any) -> list[Any]:
        x = ravel(x)
        if not np.can_cast(x.dtype, ary.dtype, "same_kind"):
            raise TypeError(f"ediff1d: {name} of {x.dtype} can't be joined to differences of {ary.dtype}")
        return [x.astype(ary.dtype)]

    begin = [] if to_begin is None else end("to_begin", to_begin)
    return concatenation(*begin, ary[1:] - ary[:-1], *([] if to_end is None else end("to_end", to_end)))


@implements(np.real, np.real_if_close)
def real(val: Any, tol: float = 100) -> Any:
    """The real part, which of real numbers is they themselves."""
    return val


plain(np.imag, np.angle, np.diag_indices_from, np.tril_indices_from, np.triu_indices_from)
