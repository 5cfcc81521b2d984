"""A Module's state kept in memory, for whoever puts it back after a step that failed: training and strict mode.

Stands on module.py; saving.py keeps a state in a file.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import numpy as np

from ..engine.arrays import Array
from ..engine.tensor import Tensor
from .keeping import is_computed, is_parameter
from .module import Module


def has_state(module: Module) -> bool:
    """Whether there is anything in the state beside parameters that are trained."""
    return not all(is_parameter(value) for _, _, _, value in module._entries())


def remembered(module: Module, weights: bool = True) -> Callable[[], None]:
    """A function that puts everything in the state back as it is now (without `weights`: the buffers).

    Tensors keep their identity. A buffer is put back as an attribute, and nothing is written into the array that is
    there by then, for it may be a view of somebody's data. What is new in the state by then stays.
    """
    before, copies = list(module._entries()), dict[int, Array]()
    arrays = [value._data if isinstance(value, Tensor) else value for _, _, _, value in before]
    for (_, _, _, value), array in zip(before, arrays, strict=True):
        if (weights or array is value) and id(array) not in copies:
            copies[id(array)] = array.copy()

    def put_back() -> None:
        now = {name: entry for name, *entry in module._entries()}  # a list, say, may be another one by now
        fresh: dict[int, Array] = {}  # copies of the copies, which may be updated in place before the next call
        for (name, holder, key, value), array in zip(before, arrays, strict=True):
            kept, was = array, copies.get(id(array))
            if was is not None and not np.array_equal(was, array, equal_nan=array.dtype.kind == "f"):
                kept = fresh.setdefault(id(array), was.copy())
            if isinstance(value, Tensor) and value._data is not kept and not is_computed(value):
                value.data = kept
            right = value if isinstance(value, Tensor) else kept
            holder, key, there = now.get(name, (holder, key, None))
            if there is not right:
                with suppress(LookupError, TypeError):  # its list is shorter now, its tuple gone
                    holder[key] = right

    return put_back
