"""Picking elements out of arrays, and its reverse."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dispatch import behaviour, define, unwrap
from ..tensor import Tensor


def _scattered(g: Any, index: Any, shape: tuple[int, ...]) -> Any:
    out = np.zeros_like(g, shape=shape)
    parts = index if isinstance(index, tuple) else (index,)
    if all(isinstance(p, (int, np.integer, slice)) or p is None or p is Ellipsis for p in parts):
        out[index] = g
    else:
        np.add.at(out, index, g)  # an index may name an element twice
    return out


scatter = define(_scattered, lambda g, y, x, index, shape: g[index], name="scatter")
getitem = define(lambda a, index: a[index], lambda g, y, a, index: scatter(g, index, a.shape), name="getitem")


@behaviour
def __getitem__(self: Tensor, index: Any) -> Tensor:
    return getitem(self, unwrap(index))
