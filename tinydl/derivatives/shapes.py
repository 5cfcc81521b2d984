"""Functions that only move elements about: their rules move the gradient back.

Those that are made of others (stack's kin, split's kin, atleast_2d) stand below as plain functions; they take arrays
and Tensors alike. Stands on dispatch.py and indexing.py.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..engine.arrays import Array, as_array, beside, is_array, is_foreign, on_host, wide
from ..engine.dispatch import define, implements, plain, tell_flattened, unwrap
from ..engine.recording import state
from ..engine.tensor import Tensor, joined
from .indexing import scatter, take


def operand(x: Any) -> Any:
    """A Tensor as it is, a list with Tensors in it as their stack, anything else as an array."""
    return x if isinstance(x, Tensor) else joined(x)


def operands(*given: Any) -> list[Any]:
    """Each as `operand` makes it, numbers and lists beside the arrays of another library among them; None stays.

    TypeError for arrays of NumPy beside such ones.
    """
    made = [None if x is None else operand(x) for x in given]
    like = next((x for x in map(unwrap, made) if x.__class__ is not np.ndarray and x is not None), None)
    if like is None:
        return made
    for i, (x, y) in enumerate(zip(given, made, strict=True)):
        if isinstance(y, Tensor) or is_array(x):
            beside(like, unwrap(y))  # raises if that is NumPy's
        elif y is not None:
            made[i] = beside(y, like)
    return made


def numpys(x: Any) -> Any:
    """What only says which or how, such as an index, as NumPy's own functions take it: on the host if an array."""
    x = unwrap(x)
    return on_host(x) if is_foreign(x) else x


# ---- the same elements in other axes ----


def _reshaped(a: Any, shape: Any, order: Any = "C") -> Any:
    return np.reshape(a, shape, order)


shaping = define(_reshaped, lambda g, y, a, shape, order="C": np.reshape(g, a.shape, order), name="reshape")


def known(order: Any, orders: tuple[str, ...] = ("C", "F")) -> Any:
    """The order, if it is one of these."""
    if order not in orders:
        raise TypeError(
            f"order={order!r} isn't taken: where in memory its elements lie is no part of a Tensor's value. "
            'Write order="C" (the last index changes fastest) or "F" (the first)'
        )
    return order


@implements(np.reshape)
def reshape(a: Any, shape: Any = None, order: str = "C", *, newshape: Any = None, copy: Any = None) -> Any:
    """The elements of `a`, read in this order, in an array of this shape."""
    if (shape is None) == (newshape is None):
        raise TypeError("reshape needs one shape")
    if copy is not None and not copy:
        raise TypeError("reshape of Tensors doesn't take copy=False")
    a = operand(a)
    shape = unwrap(newshape if shape is None else shape)
    return shaping(a, shape) if order == "C" else shaping(a, shape, order=known(order))


@implements(np.ravel)
def ravel(a: Any, order: str = "C") -> Any:
    """All elements in one axis."""
    return reshape(a, (-1,) if np.size(a) else (0,), order)


transpose = define(
    lambda a, axes=None: np.transpose(a, axes),
    lambda g, y, a, axes=None: np.transpose(g, None if axes is None else tuple(np.argsort([i % a.ndim for i in axes]))),
    name="transpose",
    answers=(np.transpose,),
)
swapaxes = define(np.swapaxes, lambda g, y, a, axis1, axis2: np.swapaxes(g, axis1, axis2))
moveaxis = define(np.moveaxis, lambda g, y, a, source, destination: np.moveaxis(g, destination, source))
expand_dims = define(np.expand_dims, lambda g, y, a, axis: g.reshape(a.shape))
squeeze = define(np.squeeze, lambda g, y, a, axis=None: g.reshape(a.shape))
broadcast_to = define(
    lambda array, shape, subok=False: np.broadcast_to(array, shape),
    lambda g, y, array, shape: g,  # the engine sums over the stretched axes
    name="broadcast_to",
    answers=(np.broadcast_to,),
)
flip = define(np.flip, lambda g, y, m, axis=None: np.flip(g, axis))
rot90 = define(np.rot90, lambda g, y, m, k=1, axes=(0, 1): np.rot90(g, -k, axes))
roll = define(np.roll, lambda g, y, a, shift, axis=None: np.roll(g, (-as_array(shift).astype(np.intp)).tolist(), axis))


@implements(np.broadcast_arrays)
def broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Any, ...]:
    """Each array stretched to the shape that all broadcast to."""
    shape = np.broadcast_shapes(*(np.shape(a) for a in args))
    return tuple(broadcast_to(a, shape) for a in args)


@implements(np.flipud)
def flipud(m: Any) -> Any:
    """The rows in reverse order."""
    return flip(m, axis=0)


@implements(np.fliplr)
def fliplr(m: Any) -> Any:
    """The columns in reverse order."""
    return flip(m, axis=1)


@implements(np.atleast_1d)
def atleast_1d(*arys: Any) -> Any:
    """With at least one axis; a tuple for several arrays."""
    return _each(lambda a: a if a.ndim else reshape(a, (1,)), arys)


@implements(np.atleast_2d)
def atleast_2d(*arys: Any) -> Any:
    """With at least two axes; a vector becomes a row."""
    return _each(lambda a: a if a.ndim > 1 else reshape(a, (1, a.size)), arys)


@implements(np.atleast_3d)
def atleast_3d(*arys: Any) -> Any:
    """With at least three axes: (n,) becomes (1, n, 1), (m, n) becomes (m, n, 1)."""
    return _each(lambda a: a if a.ndim > 2 else reshape(a, {2: (*a.shape, 1)}.get(a.ndim, (1, a.size, 1))), arys)


def _each(f: Any, arrays: Sequence[Any]) -> Any:
    made = tuple(f(operand(a)) for a in arrays)
    return made[0] if len(made) == 1 else made


# ---- copies ----

copying = define(lambda a, order="K": as_array(a).copy(order), lambda g, y, a, order="K": g, name="copy")
cast = define(lambda a, dtype: a.astype(dtype), lambda g, y, a, dtype: g, name="cast")


@implements(np.copy)
def copy(a: Any, order: str = "K", subok: bool = False) -> Any:
    """The same values in memory of their own, laid out in this order."""
    return copying(a, order=known(order, ("C", "F", "K")))


@implements(np.astype)
def astype(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Any:
    """In another dtype: differentiable to a floating one; any other gives a plain array."""
    dtype = np.dtype(dtype)
    return cast(x, dtype) if dtype.kind == "f" else _whole(x, dtype)


def _whole(x: Any, dtype: np.dtype[Any]) -> Any:
    return tell_flattened("astype to integers", (x,), unwrap(x).astype(dtype))


# ---- joining and splitting ----


def concatenate_rule(g: Any, y: Any, i: int, *arrays: Any, axis: int | None = 0) -> Any:
    """Each array gets back the stretch of g that it filled."""
    if axis is None:
        start = sum(a.size for a in arrays[:i])
        return g[start : start + arrays[i].size].reshape(arrays[i].shape)
    start = sum(a.shape[axis] for a in arrays[:i])
    stretch = slice(start, start + arrays[i].shape[axis])
    return g[(slice(None),) * (axis % g.ndim) + (stretch,)]


concatenation = define(
    lambda *arrays, axis=0, dtype=None, casting="same_kind": np.concatenate(arrays, axis),
    concatenate_rule,
    name="concatenate",
    each=True,
)
stacking = define(
    lambda *arrays, axis=0, dtype=None, casting="same_kind": np.stack(arrays, axis),
    lambda g, y, i, *arrays, axis=0: g[(slice(None),) * (axis % g.ndim) + (i,)],
    name="stack",
    each=True,
)


@implements(np.concatenate)
def concatenate(arrays: Any, axis: int | None = 0, **options: Any) -> Any:
    """Join arrays along an axis they have; None joins their elements."""
    return concatenation(*_in_bundles(arrays, concatenate, axis, options), axis=axis, **options)


@implements(np.stack)
def stack(arrays: Any, axis: int = 0, **options: Any) -> Any:
    """Join arrays of one shape along a new axis."""
    parts = _in_bundles(arrays, stack, axis, options)
    return stacking(*parts, axis=axis, **options) if parts is arrays else concatenation(*parts, axis=axis, **options)


_MANY = 256  # below that, a second copy of all costs more than it saves


def _in_bundles(arrays: Any, join: Callable[..., Any], axis: int | None, options: dict[str, Any]) -> Any:
    """The arrays themselves or, of very many that are recorded, a few that are made of them: a rule that is given all
    inputs for each of them makes joining the steps of a long loop quadratic."""
    if (
        len(arrays) <= _MANY
        or not state.recording
        or not any(a.__class__ is Tensor and a.requires_grad for a in arrays)
    ):
        return arrays
    parts = [operand(a) for a in arrays]
    dtypes = {a.dtype for a in parts}
    if len(dtypes) > 1:  # the one of all may be another than the one of theirs
        parts = [a.astype(np.result_type(*dtypes)) for a in parts]
    size = math.isqrt(len(parts))
    return [join(parts[i : i + size], axis, **options) for i in range(0, len(parts), size)]


@implements(np.vstack)
def vstack(tup: Any, **options: Any) -> Any:
    """Join rows, or matrices of as many columns, below each other."""
    return concatenate([atleast_2d(a) for a in tup], axis=0, **options)


@implements(np.hstack)
def hstack(tup: Any, **options: Any) -> Any:
    """Join vectors end to end, or matrices of as many rows side by side."""
    parts = [atleast_1d(a) for a in tup]
    return concatenate(parts, axis=0 if parts and parts[0].ndim == 1 else 1, **options)


@implements(np.dstack)
def dstack(tup: Any) -> Any:
    """Join along the third axis."""
    return concatenate([atleast_3d(a) for a in tup], axis=2)


@implements(np.column_stack)
def column_stack(tup: Any) -> Any:
    """Join vectors, as columns, and matrices side by side."""
    parts = [operand(a) for a in tup]
    return concatenate([a if a.ndim > 1 else reshape(a, (a.size, 1)) for a in parts], axis=1)


@implements(np.array_split)
def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """Parts along an axis: as equal as can be for a number of them, else cut before each of the indices."""
    ary, n = operand(ary), np.shape(ary)[axis]
    axis = normalize_axis_index(axis, ary.ndim)
    if np.ndim(indices_or_sections):
        cuts = [0, *(int(i) for i in indices_or_sections), n]
    else:
        sections = operator.index(indices_or_sections)
        if sections <= 0:
            raise ValueError(f"array_split needs at least one part, not {sections}")
        each, more = divmod(n, sections)
        cuts = [i * each + min(i, more) for i in range(sections + 1)]
    return [ary[(slice(None),) * axis + (slice(a, b),)] for a, b in pairwise(cuts)]


@implements(np.split)
def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """As array_split, but a number of parts must divide the length."""
    n = np.shape(ary)[axis]
    if not np.ndim(indices_or_sections) and n % operator.index(indices_or_sections):
        raise ValueError(f"{n} elements along axis {axis} can't be split into {indices_or_sections} equal parts")
    return array_split(ary, indices_or_sections, axis)


@implements(np.vsplit)
def vsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """Split along the first axis."""
    return split(_with_axes(ary, 2, "vsplit"), indices_or_sections, 0)


@implements(np.hsplit)
def hsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """Split along the second axis, a vector along its only one."""
    return split(_with_axes(ary, 1, "hsplit"), indices_or_sections, 1 if np.ndim(ary) > 1 else 0)


@implements(np.dsplit)
def dsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """Split along the third axis."""
    return split(_with_axes(ary, 3, "dsplit"), indices_or_sections, 2)


def _with_axes(a: Any, least: int, name: str) -> Any:
    if np.ndim(a) < least:
        raise ValueError(f"{name} needs at least {least} axes, but the array has {np.ndim(a)}")
    return a


# ---- repeating and padding ----


def tile_rule(g: Any, y: Any, A: Any, reps: Any) -> Any:
    """The sum over all copies: each axis of g is split into (copies, length), and the copies are summed."""
    counts = tuple(np.atleast_1d(reps))
    counts = (1,) * (g.ndim - len(counts)) + counts
    lengths = (1,) * (g.ndim - A.ndim) + A.shape
    split_up = wide(g).reshape(tuple([int(n) for pair in zip(counts, lengths, strict=True) for n in pair]))
    return np.sum(split_up, axis=tuple(range(0, 2 * g.ndim, 2))).reshape(A.shape)


tile = define(np.tile, tile_rule)


def repeat_rule(g: Any, y: Any, a: Any, repeats: Any, axis: int | None = None) -> Any:
    """The sum over all repetitions of an element."""
    g, axis = wide(g), axis if a.ndim else None
    along = 0 if axis is None else normalize_axis_index(axis, a.ndim)
    shape = (a.size,) if axis is None else a.shape
    if np.size(repeats) == 1:
        times = int(np.reshape(repeats, ()))
        return np.sum(g.reshape((*shape[: along + 1], times, *shape[along + 1 :])), axis=along + 1).reshape(a.shape)
    source = np.repeat(np.arange(shape[along]), repeats)
    return scatter(g, index=(slice(None),) * along + (source,), shape=shape).reshape(a.shape)


repeat = define(np.repeat, repeat_rule)


def pad_rule(g: Any, y: Any, array: Any, pad_width: Any, constant_values: Any = 0) -> Any:
    """The part of g inside the padding."""
    return g[tuple([slice(b, b + n) for (b, _), n in zip(pad_width, array.shape, strict=True)])]


padding = define(
    # a number has no axes, and so no widths, but () is none of the forms of pad_width that NumPy takes
    lambda array, pad_width, constant_values=0: np.pad(array, pad_width or 0, constant_values=constant_values),
    pad_rule,
    name="pad",
)


@implements(np.pad)
def pad(array: Any, pad_width: Any, mode: Any = "constant", **options: Any) -> Any:
    """A frame around an array: of constants, or (edge, reflect, symmetric, wrap) of copies of its own elements.

    `pad_width` is a number, (before, after), or such a pair for each axis. Other modes, and `reflect_type="odd"`, have
    no derivative rule and raise TypeError.
    """
    array = operand(array)
    pairs = _pairs(pad_width, array.ndim)
    if mode == "constant":
        values = options.pop("constant_values", 0)
        if options:
            raise TypeError(f"pad of Tensors with mode='constant' doesn't take {next(iter(options))}=")
        return padding(array, pad_width=pairs, constant_values=values)
    if mode not in ("edge", "reflect", "symmetric", "wrap"):
        raise TypeError(f"pad of Tensors takes the modes constant, edge, reflect, symmetric, wrap, not mode={mode!r}")
    if options.pop("reflect_type", "even") != "even" or options:
        raise TypeError(f"pad of Tensors with mode={mode!r} doesn't take {next(iter(options), 'reflect_type=odd')}")
    for axis, pair in enumerate(pairs):
        if any(pair):
            array = take(array, np.pad(np.arange(array.shape[axis]), pair, mode=mode), axis=axis)
    return array


def _pairs(pad_width: Any, ndim: int) -> tuple[tuple[int, int], ...]:
    """NumPy's short forms of pad_width, written out: (before, after) for each axis."""
    if isinstance(pad_width, dict):
        found = [(0, 0)] * ndim
        for axis, width in pad_width.items():
            ((found[axis]),) = _pairs(width, 1)
        return tuple(found)
    widths = as_array(unwrap(pad_width))
    if widths.dtype.kind not in "iu":
        raise TypeError(f"pad_width must be whole numbers, not {pad_width!r}")
    if (widths < 0).any():
        raise ValueError(f"pad_width must not be negative, but it is {pad_width!r}")
    return tuple((int(b), int(a)) for b, a in np.broadcast_to(widths, (ndim, 2)))


# ---- diagonals and triangles ----


def _on_diagonal(v: Any, shape: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """Zeros of this shape with v on a diagonal: the transpose of taking the diagonal."""
    out: Array = np.zeros_like(v, shape=shape)
    row, offset = np.arange(v.shape[-1]), int(offset)  # −1 is 255 as an unsigned scalar
    np.moveaxis(out, (axis1, axis2), (-2, -1))[..., row + max(-offset, 0), row + max(offset, 0)] = v
    return out


on_diagonal = define(
    _on_diagonal,
    lambda g, y, v, shape, offset=0, axis1=0, axis2=1: np.diagonal(g, offset, axis1, axis2),
    name="on_diagonal",
)
diagonal = define(
    np.diagonal,
    lambda g, y, a, offset=0, axis1=0, axis2=1: on_diagonal(g, shape=a.shape, offset=offset, axis1=axis1, axis2=axis2),
)
tril = define(np.tril, lambda g, y, m, k=0: np.tril(g, k))
triu = define(np.triu, lambda g, y, m, k=0: np.triu(g, k))


@implements(np.diag)
def diag(v: Any, k: int = 0) -> Any:
    """The k-th diagonal of a matrix; the matrix with this k-th diagonal for a vector."""
    v = operand(v)
    if v.ndim == 1:
        return on_diagonal(v, shape=(v.size + abs(k),) * 2, offset=k)
    if v.ndim != 2:
        raise ValueError(f"diag takes a vector or a matrix, not an array of shape {v.shape}")
    return diagonal(v, k)


@implements(np.diagflat)
def diagflat(v: Any, k: int = 0) -> Any:
    """The matrix with all elements of v on its k-th diagonal."""
    return diag(ravel(v), k)


# ---- differences ----


@implements(np.diff)
def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """aᵢ₊₁ - aᵢ along an axis, n times over; `prepend` and `append` (numbers or arrays) join `a` first."""
    if n < 0:
        raise ValueError(f"diff takes differences n ≥ 0 times, not {n}")
    a = operand(a)
    if n == 0:
        return a
    if not a.ndim:
        raise ValueError("diff needs an array with at least one axis")
    axis = normalize_axis_index(axis, a.ndim)
    end_shape = (*a.shape[:axis], 1, *a.shape[axis + 1 :])
    ends = [_end(e, a, end_shape) for e in (prepend, append)]
    parts = [part for part in (ends[0], a, ends[1]) if part is not None]
    if len(parts) > 1:
        a = concatenation(*parts, axis=axis)
    whole = (slice(None),) * axis
    for _ in range(n):
        later, earlier = a[(*whole, slice(1, None))], a[(*whole, slice(None, -1))]
        a = later != earlier if a.dtype == bool else later - earlier
    return a


def _end(e: Any, a: Any, shape: tuple[int, ...]) -> Any:
    """What is to be joined to `a`: a number as an array of this shape."""
    if e is None or np.ndim(e):
        return e
    return broadcast_to(e if isinstance(e, Tensor) else beside(e, unwrap(a)), shape)


# ---- no matter of values ----


@implements(np.full_like)
def full_like(a: Any, fill_value: Any, *args: Any, **options: Any) -> Array:
    """A plain array of a's shape; the fill value is a constant too."""
    if isinstance(fill_value, Tensor) and fill_value.requires_grad:
        raise TypeError("no gradient flows through np.full_like; write np.broadcast_to(fill_value, a.shape)")
    return np.full_like(unwrap(a), unwrap(fill_value), *args, **options)


plain(np.ndim, np.result_type, np.can_cast, np.min_scalar_type, np.common_type, of_forms=True)
plain(np.shape, np.size, np.zeros_like, np.ones_like, np.empty_like, np.iscomplexobj, np.isrealobj,
      np.array_equal, np.array_equiv, np.allclose, np.isclose, np.may_share_memory, np.shares_memory, np.array_repr,
      np.array_str, np.array2string)  # fmt: skip
