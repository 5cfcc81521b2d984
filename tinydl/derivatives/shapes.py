"""Functions that only move elements about."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dispatch import behave, define, implements, plain
from ..tensor import Tensor

reshape = define(
    lambda a, shape, order="C": np.reshape(a, shape, order=order),
    lambda g, y, a, shape: g.reshape(a.shape),
    name="reshape",
    answers=(np.reshape,),
)
transpose = define(
    lambda a, axes=None: np.transpose(a, axes),
    lambda g, y, a, axes=None: np.transpose(g, None if axes is None else tuple(np.argsort([i % a.ndim for i in axes]))),
    name="transpose",
    answers=(np.transpose,),
)
broadcast_to = define(
    lambda array, shape: np.broadcast_to(array, shape),
    lambda g, y, array, shape: g,  # the engine sums over the stretched axes
    name="broadcast_to",
    answers=(np.broadcast_to,),
)
copy = define(lambda a: np.array(a, order="C"), lambda g, y, a: g, name="copy", answers=(np.copy,))
cast = define(lambda a, dtype: a.astype(dtype), lambda g, y, a, dtype: g, name="cast")


def concatenate_rule(g: Any, y: Any, i: int, *arrays: Any, axis: int | None = 0) -> Any:
    """Each array gets back the stretch of g that it filled."""
    if axis is None:
        start = int(np.sum([a.size for a in arrays[:i]]))
        return g[start : start + arrays[i].size].reshape(arrays[i].shape)
    start = int(np.sum([a.shape[axis] for a in arrays[:i]]))
    index: list[Any] = [slice(None)] * g.ndim
    index[axis] = slice(start, start + arrays[i].shape[axis])
    return g[tuple(index)]


concatenation = define(
    lambda *arrays, axis=0: np.concatenate(arrays, axis), concatenate_rule, name="concatenate", each=True
)
stacking = define(
    lambda *arrays, axis=0: np.stack(arrays, axis),
    lambda g, y, i, *arrays, axis=0: g[(slice(None),) * (axis % g.ndim) + (i,)],
    name="stack",
    each=True,
)


@implements(np.concatenate)
def concatenate(arrays: Any, axis: int | None = 0) -> Tensor:
    """Join arrays along an axis they have."""
    return concatenation(*arrays, axis=axis)


@implements(np.stack)
def stack(arrays: Any, axis: int = 0) -> Tensor:
    """Join arrays of one shape along a new axis."""
    return stacking(*arrays, axis=axis)


@implements(np.swapaxes)
def swapaxes(a: Any, axis1: int, axis2: int) -> Tensor:
    """Exchange two axes."""
    axes = list(range(a.ndim))
    axes[axis1], axes[axis2] = axes[axis2], axes[axis1]
    return transpose(a, axes)


@implements(np.ravel)
def ravel(a: Any) -> Tensor:
    """All elements in one axis."""
    return reshape(a, (-1,))


@implements(np.squeeze)
def squeeze(a: Any, axis: Any = None) -> Tensor:
    """Without the axes (or these axes) of length 1."""
    return reshape(a, np.squeeze(a.data, axis).shape)


def _reshape(self: Tensor, *shape: Any) -> Tensor:
    return reshape(self, shape[0] if len(shape) == 1 else shape)


def _transpose(self: Tensor, *axes: Any) -> Tensor:
    return transpose(self, None if not axes else axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes)


def _astype(self: Tensor, dtype: Any) -> Any:
    """As the array's: to a floating dtype it is differentiable, to any other it gives a plain array."""
    dtype = np.dtype(dtype)
    return cast(self, dtype) if dtype.kind == "f" else self.data.astype(dtype)


behave("reshape", _reshape)
behave("transpose", _transpose)
behave("astype", _astype)
behave("copy", lambda self: copy(self))
behave("T", property(lambda self: transpose(self), doc="With the axes in reverse order."))
behave("mT", property(lambda self: swapaxes(self, -1, -2), doc="With the last two axes exchanged: each matrix transposed."))

plain(np.shape, np.ndim, np.size, np.zeros_like, np.ones_like, np.full_like, np.empty_like, np.result_type,
      np.iscomplexobj, np.array_equal, np.allclose, np.isclose, np.may_share_memory)  # fmt: skip
