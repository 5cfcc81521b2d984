"""What a forward keeps on its Module (``self.x = x``), told from the Module's state. Stands on the engine alone.

A value is judged by what was in its place before a forward gave it: if that was no state, it is *kept*, neither saved
nor copied. A Module writes this down by dotted names; module.py, which walks them, asks here.
"""

from __future__ import annotations

import copy
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from types import FrameType, MappingProxyType
from typing import Any

import numpy as np

from ..engine.arrays import beside, is_array, is_foreign
from ..engine.tensor import Tensor


class Was(Enum):
    """What was in a value's place before a forward gave it; None, a number, a string or a tuple of them is itself."""

    UNKNOWN = "whatever is there now, for no forward gave it: state, unless it was computed"
    STATE = "state, and so is what is there now"
    CONTAINER = "a list, tuple or dict, whose items are judged one by one"
    ABSENT = "nothing"


class _Running(threading.local):
    def __init__(self) -> None:
        self.modules: list[Any] = []  # the Modules whose forward is running in this thread, the outermost first
        self.filled: list[tuple[Keeping, str, dict[str, Any]]] = []  # what it may add to, and what was there before


class _Attributes:
    assigned = 0  # how often one of any Module was set, in all threads; compiling looks at their numbers if it moved


class _Containers:
    assigned = 1  # how often a Module was given one, in all threads


class _Held:
    """The lists, tuples and dicts of a Module and all inside to which a forward may add; itself none, to be walked."""

    def __init__(self, places: tuple[tuple[Keeping, str], ...] = (), at: int = 0) -> None:
        self.places, self.at = places, at  # containers.assigned when they were found


running, containers, attributes = _Running(), _Containers(), _Attributes()


class Keeping:
    """A Module as far as it tells what its forward keeps from what it is made of."""

    _before_forward: Mapping[str, Any] = MappingProxyType({})  # by dotted names, what was there; never changed in place
    _held = _Held()

    def __setattr__(self, name: str, value: Any) -> None:
        attributes.assigned += 1
        if is_parameter(self.__dict__.get(name)) and is_array(value):
            raise TypeError(
                f"{name} is a parameter, and an array in its place would be none; write {name}.data = array, or "
                f"{name} = tl.tensor(array, requires_grad=True) for another parameter"
            )
        if running.modules:
            old = self.__dict__.get(name, Was.ABSENT)
            if old.__class__ is not np.ndarray or value.__class__ is not np.ndarray:  # as BatchNorm does at each step
                value = value if self._is_kept(name, value) else _as_array(old, value)
                if name not in self._before_forward:
                    self._write_down(_judged(self, name, old, value))
                    if self._before_forward.get(name) is Was.CONTAINER:
                        running.filled.append((self, name, {}))
                        containers.assigned += 1
        elif _is_container(value):
            containers.assigned += 1
            if self._before_forward.get(name) is Was.CONTAINER:
                left = {n: was for n, was in self._before_forward.items() if n.split(".")[0] != name}
                self.__dict__["_before_forward"] = left
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        attributes.assigned += 1
        object.__delattr__(self, name)

    def _write_down(self, was: Mapping[str, Any]) -> None:
        if was:
            self.__dict__["_before_forward"] = {**self._before_forward, **was}

    def _begin(self, modules: Callable[[], Iterator[Keeping]]) -> None:
        """Before the outermost forward: look at what the lists, tuples and dicts of these Modules hold."""
        if self._held.at != containers.assigned:
            found = ((m, name, value) for m in modules() for name, value in vars(m).items() if name[0] != "_")
            places = tuple((m, name) for m, name, value in found if _may_be_filled(value))
            self.__dict__["_held"] = _Held(places, containers.assigned)  # whatever a class makes of an assignment
        running.filled = [(module, name, module._items_of(name)) for module, name in self._held.places]
        for module, _, items in running.filled:
            module._write_down({n: was for n, was in items.items() if was is Was.CONTAINER})

    @staticmethod
    def _end() -> None:
        """After it: write down what was in the place of what it has put there."""
        for module, name, before in running.filled:
            now = module._items_of(name)
            was = {n: before.get(n, Was.ABSENT) for n in now}
            module._write_down({n: what for n, what in was.items() if what not in (now[n], Was.UNKNOWN)})
        running.filled = []

    def _items_of(self, name: str) -> dict[str, Any]:
        """What an attribute and the items in it are, if it is a list, tuple or dict, but what is written down."""
        value = self.__dict__.get(name)
        if not _is_container(value) or self._before_forward.get(name, Was.CONTAINER) is not Was.CONTAINER:
            return {}
        return {n: was for n, was in _outline(name, value) if n not in self._before_forward}

    def _was(self, name: str) -> Any:
        """What was under this dotted name before a forward gave what is there now."""
        around = name
        while around not in self._before_forward:
            around, dot, _ = around.rpartition(".")
            if not dot:
                return Was.UNKNOWN
        was = self._before_forward[around]
        if around == name:
            return was
        there = not running.modules or any(module is self and name in items for module, _, items in running.filled)
        return Was.UNKNOWN if was is Was.CONTAINER and there else Was.ABSENT

    def _is_kept(self, name: str, value: Any) -> bool:
        """Whether a forward keeps this array or Tensor; parameters may be added to lists and dicts on first use."""
        added = is_parameter(value) and self._was(name.partition(".")[0]) is Was.CONTAINER
        return not added and self._was(name) not in (Was.UNKNOWN, Was.STATE)

    def __reduce_ex__(self, protocol: Any) -> Any:
        """For copy and pickle: without what forward keeps, so that a copy's first forward finds what this one's did."""
        made: Any = super().__reduce_ex__(protocol)
        if not isinstance(made, tuple) or len(made) < 3:
            return made
        left = tuple(map(self._copied, made[2])) if isinstance(made[2], tuple) else self._copied(made[2])
        return (*made[:2], left, *made[3:])  # made[2] is a pair if the class has __slots__

    def _copied(self, attributes: Any) -> Any:
        if not isinstance(attributes, dict):
            return attributes
        own = {name: value for name, value in attributes.items() if name != "_held"}
        left = {name: _without_kept(self, name, value) for name, value in own.items()}
        return {name: value for name, value in left.items() if value is not Was.ABSENT}


def can_be_state(value: Any) -> bool:
    """Whether it is a Tensor, or an array of numbers (of a masked one, saving it says what is wrong)."""
    kind = value.__class__
    array = kind is np.ndarray or isinstance(value, np.ndarray) or is_foreign(value)
    return kind is Tensor or (array and value.dtype.kind in "biuf")


def is_parameter(value: Any) -> bool:
    """Whether it is a Tensor that can be learned: one that requires a gradient and wasn't computed."""
    return isinstance(value, Tensor) and value.requires_grad and value.primitive is None


def is_computed(value: Any) -> bool:
    """Whether it is a Tensor that remembers the operation that made it."""
    return isinstance(value, Tensor) and value.primitive is not None


def is_plain(value: Any) -> bool:
    """Whether it is a number, a string or a tuple of them."""
    return all(map(is_plain, value)) if isinstance(value, tuple) else isinstance(value, (int, float, str, np.generic))


def is_kept_number(value: Any) -> bool:
    """Whether it is a setting that a name stands for: a number, a string, a truth value, None, a tuple of them."""
    if isinstance(value, tuple):
        return all(map(is_kept_number, value))
    return value is None or isinstance(value, (bool, int, float, complex, str, bytes))


def _as_array(old: Any, value: Any) -> Any:
    """A number in the place of an array as an array: of ``np.array(0) + 1`` NumPy makes a number."""
    number = isinstance(value, (int, float, np.number, np.bool_)) and is_array(old)
    return beside(value, old, np.result_type(old.dtype, value)) if number and can_be_state(old) else value


def _judged(module: Keeping, name: str, old: Any, value: Any) -> dict[str, Any]:
    """What is to be written down when a forward assigns to a name that isn't yet."""
    if can_be_state(old):
        shown = can_be_state(value) and not is_computed(value)  # that it is state, which else is written down
        return {} if shown or is_computed(old) else {name: Was.STATE}
    if is_array(value) and is_plain(old):
        return {}  # a number that becomes an array: a statistic, rather than an activation
    leaves, empty = list(_leaves(value)), isinstance(value, (list, dict)) and not value
    if not (empty or any(map(can_be_state, leaves))):
        return {}
    if any(is_parameter(leaf) and not _is_given(leaf) for leaf in leaves):
        return {}  # made on first use
    if any(frame.f_code.co_name == "__init__" and frame.f_locals.get("self") is module for frame in _frames()):
        return {}  # a Module made by another's forward
    return dict(_outline(name, value if empty else old))


def _frames() -> Iterator[FrameType]:
    """The functions that the innermost forward runs, from the innermost out; the last is its Module's `__call__`."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        yield frame
        frame = None if frame.f_locals.get("modules") is running.modules else frame.f_back


def _is_given(x: Tensor) -> bool:
    """Whether it is an input of the forward: of a gradient check, say, it requires a gradient but is no parameter."""
    *_, call = _frames()
    return any(leaf is x for leaf in _leaves([call.f_locals.get("inputs"), call.f_locals.get("options")]))


def _is_container(value: Any) -> bool:
    return isinstance(value, (list, dict)) or (isinstance(value, tuple) and not _is_constant(value))


def _may_be_filled(value: Any) -> bool:
    if not _is_container(value):
        return False
    leaves = list(_leaves(value))
    return not leaves or not all(isinstance(leaf, Keeping) or is_parameter(leaf) for leaf in leaves)


def _is_constant(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(map(_is_constant, value))
    return value is None or value is Was.ABSENT or is_plain(value)


def _items(container: Any) -> Any:
    """The keys or indices, and items."""
    return container.items() if isinstance(container, dict) else enumerate(container)


def _leaves(value: Any) -> Iterator[Any]:
    if _is_container(value):
        for _, item in _items(value):
            yield from _leaves(item)
    else:
        yield value


def _outline(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """What is written down of a value: its own name and, if it is a container, those inside."""
    if _is_container(value):
        yield name, Was.CONTAINER
        for key, item in _items(value):
            yield from _outline(f"{name}.{key}", item)
    elif is_computed(value):
        yield name, Was.UNKNOWN
    else:
        yield name, Was.STATE if can_be_state(value) else value if _is_constant(value) else None


def _without_kept(module: Keeping, name: str, value: Any) -> Any:
    """What a copy has in a value's place: if a forward keeps it, what was there before."""
    old = module._was(name)
    if can_be_state(value):
        if not module._is_kept(name, value):
            return value.detach() if old is Was.STATE and is_computed(value) else value
        return Was.ABSENT if old is Was.CONTAINER else old
    if old is Was.UNKNOWN or not _is_container(value):
        return value
    if old is not Was.CONTAINER and not any(isinstance(leaf, Keeping) for leaf in _leaves(value)):
        return old
    left = {key: _without_kept(module, f"{name}.{key}", item) for key, item in _items(value)}
    if all(left[key] is item for key, item in _items(value)):
        return value
    if isinstance(value, tuple):
        items = (None if item is Was.ABSENT else item for item in left.values())
        return getattr(value, "_make", tuple)(items)  # a named tuple stays one
    left = {key: item for key, item in left.items() if item is not Was.ABSENT}
    made = copy.copy(value)  # and a defaultdict
    made.clear()
    made.update(left) if isinstance(made, dict) else made.extend(left.values())
    return made
