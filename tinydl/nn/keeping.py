"""What a forward keeps on its Module (``self.x = x``), told from the Module's state. Stands on the engine alone.

Whatever a forward assigns is judged by what was there before, which is written down in the Module: a name that held no
state is *kept*, and neither saved nor copied. module.py, which stands on this file, walks a Module's attributes by it.
"""

from __future__ import annotations

import copy
import sys
import threading
from collections.abc import Iterator
from enum import Enum
from types import FrameType
from typing import Any

import numpy as np

from ..engine.tensor import Tensor


class Was(Enum):
    """What was in the place of a value before a forward gave it; a plain value or a container stands for itself."""

    UNKNOWN = "no forward has touched it: it is state, unless it was computed"
    STATE = "state, whatever is there now"
    ABSENT = "nothing"


class _Running(threading.local):
    def __init__(self) -> None:
        self.modules: list[Any] = []  # the Modules whose forward is running in this thread, the outermost first


class _Containers:
    assigned = 1  # how many lists, dicts and tuples Modules have been given outside of forwards, in all threads


running, containers = _Running(), _Containers()


class Keeping:
    """A Module as far as it tells what its forward keeps from what it is made of."""

    _before_forward: dict[str, Any]  # by attribute, if a forward may have changed it: what was there before
    _looked_at = 0  # containers.assigned when this and all inside were last looked at

    def __setattr__(self, name: str, value: Any) -> None:
        before = before_forward(self)
        if running.modules:
            if name not in before and (was := self._judged(name, value)) is not Was.UNKNOWN:
                vars(self)["_before_forward"] = before | {name: was}
        elif isinstance(value, (list, dict, tuple)):
            containers.assigned += 1
            if _had_state(before.get(name)):  # a new list with other state
                del before[name]
        object.__setattr__(self, name, value)

    def _judged(self, name: str, value: Any) -> Any:
        """What is to be written down of a name to which a forward assigns; UNKNOWN if it stays what it is."""
        old = vars(self).get(name, Was.ABSENT)
        if isinstance(old, Tensor) or is_numeric(old):
            lost = (value is None or is_computed(value)) and not is_computed(old)
            return Was.STATE if lost else Was.UNKNOWN  # a mark is needed only where the value no longer shows it
        if isinstance(value, np.ndarray) and is_plain(old):
            return Was.UNKNOWN  # a number that becomes an array: a statistic, rather than an activation
        if not (old is None or old is Was.ABSENT or is_plain(old) or isinstance(old, (list, dict, tuple))):
            return Was.UNKNOWN
        if not _is_keepable(value) or _is_being_made(self):
            return Was.UNKNOWN
        return outline(value if isinstance(value, (list, dict)) and not value else old)

    def _look(self, modules: Iterator[Keeping]) -> None:
        """Write down what the lists, dicts and tuples of these hold: what a forward adds to them is kept."""
        for module in modules:
            before = before_forward(module)
            new = {
                name: outline(value)
                for name, value in vars(module).items()
                if isinstance(value, (list, dict, tuple)) and name not in before and value is not before
            }
            if new:
                vars(module)["_before_forward"] = before | new
        vars(self)["_looked_at"] = containers.assigned

    def __reduce_ex__(self, protocol: Any) -> Any:
        """For copy and pickle: without what forward keeps, so that a copy's first forward finds what this one's did."""
        made: Any = super().__reduce_ex__(protocol)
        if not isinstance(made, tuple) or len(made) < 3:
            return made
        parts = made[2] if isinstance(made[2], tuple) else (made[2],)  # two if the class has __slots__
        parts = tuple(self._copied(part) if isinstance(part, dict) else part for part in parts)
        return (*made[:2], parts if isinstance(made[2], tuple) else parts[0], *made[3:])

    def _copied(self, attributes: dict[str, Any]) -> dict[str, Any]:
        before, found = before_forward(self), dict[str, Any]()
        for name, value in attributes.items():
            left = _without_kept(value, before.get(name, Was.UNKNOWN))
            if left is not Was.ABSENT and name != "_looked_at":
                found[name] = dict(before) if name == "_before_forward" else left
        return found


def before_forward(module: Keeping) -> dict[str, Any]:
    """What was in those attributes of a Module that a forward may have changed."""
    found: dict[str, Any] = vars(module).get("_before_forward", {})
    return found


def is_kept(was: Any) -> bool:
    """Whether an array or Tensor is kept where this was before."""
    return was is not Was.UNKNOWN and was is not Was.STATE


def item_of(was: Any, key: Any) -> Any:
    """What was under a key or index of a container, if this was in the container's place."""
    if not is_kept(was):
        return was
    if isinstance(was, dict):
        return was.get(key, Was.ABSENT)
    return was[key] if isinstance(was, (list, tuple)) and isinstance(key, int) and key < len(was) else Was.ABSENT


def outline(value: Any) -> Any:
    """What is written down of a value: a container with what is in it, STATE for an array or Tensor."""
    if isinstance(value, dict):
        return {key: outline(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return _like(value, [outline(item) for item in value])
    if isinstance(value, Keeping) or is_computed(value):
        return Was.UNKNOWN
    if isinstance(value, Tensor) or is_numeric(value):
        return Was.STATE
    return value if is_plain(value) or value is Was.ABSENT else None


def is_numeric(value: Any) -> bool:
    """Whether it is a NumPy array of numbers, which can be state."""
    return isinstance(value, np.ndarray) and value.dtype.kind in "biuf"


def is_parameter(value: Any) -> bool:
    """Whether it is a Tensor that can be learned: one that requires a gradient and wasn't computed."""
    return isinstance(value, Tensor) and value.requires_grad and value.primitive is None


def is_computed(value: Any) -> bool:
    """Whether it is a Tensor that remembers the operation that made it."""
    return isinstance(value, Tensor) and value.primitive is not None


def is_plain(value: Any) -> bool:
    """Whether it is a number, a string or a tuple of them."""
    if isinstance(value, tuple):
        return all(map(is_plain, value))
    return isinstance(value, (int, float, str, np.generic))


def _had_state(was: Any) -> bool:
    """Whether this is a container in which there was something other than what a forward keeps."""
    return any(isinstance(leaf, Was) and leaf is not was for leaf in _leaves(was))


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, (list, tuple, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _leaves(item)
    else:
        yield value


def _is_keepable(value: Any) -> bool:
    """Whether it is what a forward computes or was given: arrays and Tensors, no Module, no parameter made just now."""
    if isinstance(value, (list, dict)) and not value:
        return True
    leaves = list(_leaves(value))
    if any(isinstance(leaf, Keeping) or (is_parameter(leaf) and not _is_given(leaf)) for leaf in leaves):
        return False
    return any(isinstance(leaf, Tensor) or is_numeric(leaf) for leaf in leaves)


def _frames() -> Iterator[tuple[FrameType, bool]]:
    """The functions that are running, from the innermost out, and whether it is a Module's `__call__`."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        yield frame, frame.f_locals.get("modules") is running.modules
        frame = frame.f_back


def _is_given(x: Any) -> bool:
    """Whether it is an input of a forward that is running: of a gradient check, say, it is a leaf, but no parameter."""
    inputs = (frame.f_locals[name] for frame, is_call in _frames() if is_call for name in ("inputs", "options"))
    return any(leaf is x for given in inputs for leaf in _leaves(given))


def _is_being_made(module: Any) -> bool:
    """Whether this Module's own `__init__` is running, inside of another's forward."""
    for frame, is_call in _frames():
        if is_call:
            return False
        code = frame.f_code
        if code.co_name == "__init__" and any(frame.f_locals.get(name) is module for name in code.co_varnames[:1]):
            return True
    return False


def _without_kept(value: Any, was: Any, within: bool = False) -> Any:
    """What a copy has in a value's place: Was.ABSENT, or what was there before, if a forward keeps it."""
    if was is Was.STATE and isinstance(value, Tensor) and is_computed(value):
        return value.detach()
    if not is_kept(was) or isinstance(value, Keeping) or (within and is_parameter(value)):
        return value
    if isinstance(value, Tensor) or is_numeric(value):
        return Was.ABSENT if _had_state(was) else copy.deepcopy(was)
    if not isinstance(value, (list, tuple, dict)):
        return value
    if not isinstance(was, (list, tuple, dict)) and not any(
        isinstance(leaf, Keeping) or is_parameter(leaf) for leaf in _leaves(value)
    ):
        return was
    keys = value if isinstance(value, dict) else range(len(value))
    found = {key: _without_kept(value[key], item_of(was, key), True) for key in keys}
    if all(found[key] is value[key] for key in keys):
        return value
    left = {key: item for key, item in found.items() if item is not Was.ABSENT}
    if not isinstance(value, dict):
        return _like(value, list(left.values()))
    made = copy.copy(value)  # which may be a defaultdict
    made.clear()
    made.update(left)
    return made


def _like(value: Any, items: list[Any]) -> Any:
    """A list, tuple or named tuple as this one, with other items."""
    if isinstance(value, list):
        return items
    return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
