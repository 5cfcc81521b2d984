"""The arguments of a compiled function: which arrays are in them, and what a program must have been recorded for.

Lists, tuples, named tuples, dicts and dataclasses are entered, also in one another: arrays in them become arguments of
the program, and Python's own values are part of the signature. Any other object is equal to itself alone. compile.py
calls this; asking.py, where values are asked for, is another matter.
"""

from __future__ import annotations

import copy
import inspect
import weakref
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, is_dataclass
from types import MethodType
from typing import Any

import numpy as np

from ..engine.arrays import default_dtype_now, is_foreign
from ..engine.recording import state
from ..engine.tensor import Tensor, wrap
from ..nn.module import Module
from .tape import CompileError

PLAIN = (int, bool, str, bytes, type(None), MethodType)  # what is equal if its values are
FIRST = 2  # the part of a key at which those of the arguments begin


def signature(args: Any, options: Any) -> tuple[list[Any] | None, Any]:
    """The arrays among the arguments, in order, and what a program must have been recorded for; None, for arrays of
    another library."""
    flat: list[Any] = []
    key: list[Any] = [state.recording, default_dtype_now()]
    for x in args:
        _add(x, flat, key)
    for name in options:
        key.append(name)
        _add(options[name], flat, key)
    for x in flat:
        if x is None:
            return None, None
    if len(flat) > 1:
        arrays = [x._data if x.__class__ is Tensor else x for x in flat]
        for i, x in enumerate(arrays):
            for j in range(i):
                if np.may_share_memory(x, arrays[j]):
                    key.append((i, j, x is arrays[j]))
    return flat, tuple(key)


def _add(x: Any, flat: list[Any], key: list[Any]) -> None:
    kind = x.__class__
    if kind is np.ndarray and x.dtype.kind in "biuf":
        flat.append(x)
        key.append((x.shape, x.strides, x.dtype))
    elif kind is Tensor:
        if x._data.__class__ is not np.ndarray:
            flat.append(None)
        elif x._requires_grad:
            if x.primitive is not None:
                raise CompileError(
                    f"an argument of shape {x.shape} was computed and requires a gradient, which would flow out of the "
                    "compiled function; compile the whole step, or pass t.detach()"
                )
            key.append(("tensor", id(x)))
        else:
            flat.append(x)
            key.append((x._data.shape, x._data.strides, x._data.dtype, "tensor"))
    elif kind is float:
        key.append(("python", kind, repr(x)))
    elif kind in PLAIN:
        key.append(("python", kind, x))
    elif isinstance(x, np.ndarray) or is_foreign(x):
        flat.append(None)
    elif isinstance(x, (complex, np.generic)):
        key.append(("python", kind, repr(x)))
    elif (inside := _inside(x)) is not None:
        names, items = inside
        key.append((kind, names))
        for item in items:
            _add(item, flat, key)
    else:
        key.append(("python", kind, _It(x)))


def _is_given(x: Any) -> bool:
    """Whether it is an array that the program takes as an argument."""
    kind = x.__class__
    return bool((kind is np.ndarray and x.dtype.kind in "biuf") or (kind is Tensor and not x._requires_grad))


def _inside(x: Any) -> tuple[tuple[Any, ...], Iterable[Any]] | None:
    """The names and the items of what is entered; None for any other object.

    Also of dicts' and tuples' kin, but for dicts with attributes, whose arrays may be in these as well, and but for
    dataclasses that hold themselves.
    """
    kind = x.__class__
    if kind in (list, tuple):
        return tuple(range(len(x))), x
    if isinstance(x, tuple) and hasattr(kind, "_make"):
        return kind._fields, x
    if isinstance(x, dict) and not getattr(x, "__dict__", None):
        return tuple(x), x.values()
    if is_dataclass(kind) and not isinstance(x, (Module, type, dict, tuple, list)) and not _holds_itself(x, ()):
        held = _attributes(x)
        return tuple(held), held.values()
    return None


def _attributes(x: Any) -> dict[str, Any]:
    """What a dataclass's instance holds: its fields, and what it was given besides."""
    held = {field.name: getattr(x, field.name) for field in fields(x) if hasattr(x, field.name)}
    return held | getattr(x, "__dict__", {})


def _holds_itself(x: Any, around: tuple[Any, ...]) -> bool:
    if is_dataclass(x) and not isinstance(x, (Module, type)):
        items: Iterable[Any] = _attributes(x).values()
    elif isinstance(x, (list, tuple, dict)):
        items = x.values() if isinstance(x, dict) else x
    else:
        return False
    return any(x is outer for outer in around) or any(_holds_itself(item, (*around, x)) for item in items)


class _It:
    """An object, equal to itself alone, and not kept alive if that can be."""

    def __init__(self, x: Any) -> None:
        self.number = id(x)
        self.get: Callable[[], Any]
        try:
            self.get = weakref.ref(x)
        except TypeError:  # then kept, so that no other one gets its place in memory
            self.get = lambda: x

    def __eq__(self, other: object) -> bool:
        x = self.get()
        return isinstance(other, _It) and x is not None and x is other.get()

    def __hash__(self) -> int:
        return self.number


def is_gone(key: Any) -> bool:
    """Whether an object of this signature is no more, so that no call can have it again."""
    return any(part[0] == "python" and part[2].__class__ is _It and part[2].get() is None for part in _leaves(key))


def _leaves(key: Any) -> Iterator[Any]:
    return (part for part in key if part.__class__ is tuple and len(part) == 3)


# ---- stand-ins in the places of arrays ----


class Rebuilt:
    """The arguments with stand-ins in the places of arrays."""

    def __init__(self, args: Any, options: Any, stand_ins: Iterable[Any]) -> None:
        self._stand_ins = iter(stand_ins)
        self._copies: list[tuple[Any, dict[str, Any]]] = []  # of dataclasses, and what was put into them
        self._held: list[tuple[Any, Any]] = []  # lists and dicts, and what was in each
        self.args = tuple(self._put(x) for x in args)
        self.options = {name: self._put(x) for name, x in options.items()}

    def _put(self, x: Any) -> Any:
        if _is_given(x):
            return next(self._stand_ins)
        inside = _inside(x)
        if inside is None:
            return x
        names, items = inside
        given = [*items]
        put = [self._put(item) for item in given]
        same = all(a is b for a, b in zip(put, given, strict=True))  # without an array
        made = x if same else self._like(x, names, put)
        if isinstance(made, (list, dict)):
            self._held.append((made, dict(made) if isinstance(made, dict) else [*made]))
        return made

    def _like(self, x: Any, names: tuple[Any, ...], items: list[Any]) -> Any:
        """An object like this one of other items."""
        kind = x.__class__
        if kind in (list, tuple):
            return kind(items)
        if isinstance(x, tuple):
            return kind._make(items)
        held = dict(zip(names, items, strict=True))
        if kind is dict:
            return held
        if isinstance(x, dict):
            return _dict_like(x, held)
        like = copy.copy(x)
        for name, item in held.items():
            object.__setattr__(like, name, item)  # which a frozen one allows, too
        self._copies.append((like, {field.name: held.get(field.name, field) for field in fields(x)}))
        return like

    def check(self) -> None:
        """CompileError if the function has changed a list or dict or set a field of a dataclass, which no program would
        do."""
        for made, before in self._held:
            items, were = _items(made), _items(before)
            if len(items) != len(were) or any(a is not b for a, b in zip(items, were, strict=True)):
                made.clear()
                (made.update if isinstance(made, dict) else made.extend)(before)  # it may be the caller's own
                raise CompileError(
                    f"the function changes a {type(made).__name__} that it is given, which the program would not do; "
                    "return what is new, and change it outside: so generate with a cache= of attention, too"
                )
        for like, held in self._copies:
            for name, x in held.items():
                if getattr(like, name, x) is not x:
                    raise CompileError(
                        f"the function sets the field {name} of a {type(like).__name__} that it is given, which the "
                        f"program would not do; return the new {name}"
                    )


def _items(x: list[Any] | dict[Any, Any]) -> list[Any]:
    return [*x, *x.values()] if isinstance(x, dict) else x


# ---- what they are called ----


def _dict_like(x: dict[str, Any], held: dict[str, Any]) -> dict[str, Any]:
    """A dict of the same kind with these items. Without __copy__ it is made anew: before Python 3.11 copy.copy asks a
    dict whose items are attributes for one named __getstate__."""
    kind = x.__class__
    like: dict[str, Any] = copy.copy(x) if hasattr(kind, "__copy__") else kind.__new__(kind)
    dict.update(like, held)  # a Counter's own adds
    return like


def names_of(function: Any, args: Any, options: Any) -> list[str]:
    """What the arrays among the arguments are called in the program."""
    try:
        bound = inspect.signature(function).bind(*args, **options)
        given: Any = bound.arguments.items()
    except (TypeError, ValueError):
        given = {**{f"x{i}": x for i, x in enumerate(args)}, **options}.items()
    found: list[str] = []

    def name(x: Any, wanted: str) -> None:
        if _is_given(x):
            while wanted in found:
                wanted += "_"
            found.append(wanted)
        elif (inside := _inside(x)) is not None:
            for key, item in zip(*inside, strict=True):
                name(item, f"{wanted}_{key}" if f"_{key}".isidentifier() else f"{wanted}_")

    for key, x in given:
        name(x, key)
    return found


def varied(key: Any, before: Any) -> set[int]:
    """At which parts of a signature another one had another value of Python's."""
    if before is None or len(key) != len(before):
        return set()
    pairs = [*enumerate(zip(key, before, strict=True))][FIRST:]
    return {i for i, (a, b) in pairs if a.__class__ is b.__class__ is tuple and a[0] == b[0] == "python" and a != b}


def told(function: Any, args: Any, options: Any, part: int) -> str:
    """Which argument this part of the signature is of, and what to pass in its place."""
    key: list[Any] = [None] * FIRST
    for i, x in [*enumerate(args), *options.items()]:
        key += [i] if isinstance(i, str) else []
        begin = len(key)
        _add(x, [], key)
        if part < len(key):
            break
    name = i if isinstance(i, str) else _positional(function, i)
    kind = key[part][1]
    inner = "" if part == begin and _inside(x) is None else "something in "
    if issubclass(kind, (int, float, complex, np.generic)):
        passed = f"np.array({'number' if inner else name}, np.float32)"
        return f"{inner}the argument {name} is another number each time. Pass {passed}, which one program takes"
    return (
        f"{inner}the argument {name} is another {kind.__name__} each time. Pass its arrays by themselves, or in a "
        "list, tuple, dict or dataclass, and what never changes as one and the same object"
    )


def _positional(function: Any, i: int) -> str:
    try:
        known = [*inspect.signature(function).parameters.values()]
    except (TypeError, ValueError):
        known = []
    plain = [p.name for p in known if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return plain[i] if i < len(plain) else f"number {i + 1}"


# ---- results ----


def constants(x: Any) -> Any:
    """The same without any graph."""
    if x.__class__ is Tensor:
        return wrap(x._data) if x.primitive is not None and x._requires_grad else x
    if isinstance(x, tuple) and hasattr(x, "_make"):
        return x._make(map(constants, x))
    if x.__class__ in (list, tuple):
        return x.__class__(map(constants, x))
    return {key: constants(item) for key, item in x.items()} if x.__class__ is dict else x
