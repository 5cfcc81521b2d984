"""What a function reads by name: in its closure, defaults and globals, and as attributes of what it finds there.

From the bytecode: names that are loaded, also in lambdas, comprehensions and functions inside, and dotted ones
(``config.alpha``, ``self.model``) as far as they are plain attributes. Functions of the user's that are found are
followed. A program depends on each of these places: on the value of a number, on which object else stands there.
"""

from __future__ import annotations

import dis
import functools
import inspect
import sysconfig
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import CellType, CodeType, FunctionType, MemberDescriptorType, MethodType, ModuleType
from typing import Any

import numpy as np

from ..engine.tensor import Tensor
from ..nn.keeping import is_kept_number
from ..nn.module import Module
from ..optim.optimizer import Optimizer
from ..watching.lines import NOT_THE_USERS

_NOTHING = object()
_FOLLOWED = 3  # so many functions deep
_LIBRARIES = tuple({sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")})


def is_same(a: Any, b: Any) -> bool:
    """Whether two settings are the same: 1, 1.0 and True aren't, nor are 0.0 and -0.0; NaN is itself."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(is_same(x, b[key]) for key, x in a.items())
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(is_same, a, b))
    return repr(a) == repr(b) if isinstance(a, (float, complex)) else bool(a == b)


def is_like(now: Any, then: Any) -> bool:
    """Whether what stands somewhere does as well as what stood there: a number by its value, all else as itself."""
    if now is then:
        return True
    if isinstance(then, np.generic):
        return now.__class__ is then.__class__ and now.dtype == then.dtype and now.tobytes() == then.tobytes()
    return is_kept_number(then) and is_same(now, then)


@dataclass(eq=False)
class Place:
    """Where something is read: a cell, an item of a dict, an attribute, a default."""

    name: str  # as the user writes it
    holder: Any
    form: str  # the expression that reads it, with {0} for the holder
    read: Callable[[], Any]
    value: Any

    def now(self) -> Any:
        """What stands there; an object that is nothing else where there is nothing any more."""
        try:
            return self.read()
        except (ValueError, LookupError, AttributeError):  # an empty cell, a name that was deleted
            return _NOTHING


class Reads:
    """All places that some functions read, once each, and the attributes that are read of objects without a name."""

    def __init__(self, functions: Iterable[Callable[..., Any]]) -> None:
        self.places: dict[tuple[int, str], Place] = {}
        self.attributes: set[str] = set()
        self._seen: set[Any] = set()
        waiting: list[tuple[Any, int]] = [(f, 0) for f in functions]
        for f, depth in waiting:
            if depth <= _FOLLOWED:
                waiting += [(inner, depth + 1) for inner in self._read(f, depth == 0)]

    def _read(self, f: Any, asked: bool) -> list[Any]:
        """Note what a function reads, and give the functions in it."""
        if isinstance(f, functools.partial):
            return [f.func, *f.args, *f.keywords.values()]
        inner = f.__func__ if isinstance(f, MethodType) else f
        if not isinstance(inner, FunctionType):
            called = inspect.getattr_static(type(f), "__call__", None)
            return [MethodType(called, f)] if isinstance(called, FunctionType) and is_users(called) else []
        own = getattr(f, "__self__", None)
        if (inner, id(own)) in self._seen:
            return []
        self._seen.add((inner, id(own)))
        found = [inner.__wrapped__] if hasattr(inner, "__wrapped__") else []
        cells = dict(zip(inner.__code__.co_freevars, inner.__closure__ or (), strict=True))
        if is_users(inner) and (asked or not inner.__code__.co_filename.startswith(_LIBRARIES)):
            before = len(self.places)
            self._defaults(inner)
            found += self._names(inner, own, cells)
            return [*found, *(place.value for place in list(self.places.values())[before:])]
        if asked:  # of a decorator, or as `fit` does
            found += getattr(own, "__dict__", {}).values()
            for name, cell in cells.items():
                self._cell(name, cell)
        return [*found, *map(_contents, cells.values())]

    def _add(self, name: str, holder: Any, form: str, read: Callable[[], Any]) -> None:
        place = Place(name, holder, form, read, None)
        place.value = place.now()
        if place.value is _NOTHING or isinstance(place.value, ModuleType) or not is_like(place.now(), place.value):
            return  # or it gives another object whenever it is read
        self.places.setdefault((id(holder), form), place)

    def _cell(self, name: str, cell: CellType) -> None:
        self._add(name, cell, "{0}.cell_contents", lambda: cell.cell_contents)

    def _item(self, name: str, holder: dict[str, Any]) -> None:
        self._add(name, holder, f"{{0}}[{name!r}]", lambda: holder[name])

    def _defaults(self, f: FunctionType) -> None:
        count = len(f.__defaults__ or ())
        names = f.__code__.co_varnames[: f.__code__.co_argcount]
        for i, name in enumerate(names[len(names) - count :]):
            self._add(name, f, f"{{0}}.__defaults__[{i}]", _default(f, i))
        for name in f.__kwdefaults__ or {}:
            self._add(name, f, f"{{0}}.__kwdefaults__[{name!r}]", _default(f, name))

    def _names(self, f: FunctionType, own: Any, cells: dict[str, CellType]) -> list[Any]:
        """The names that are loaded, from where they lead; the methods among what is found."""
        code, methods = f.__code__, list[Any]()
        first = code.co_varnames[0] if own is not None and code.co_argcount else None
        for kind, name, path in (found for c in _codes(code) for found in _loads(c)):
            value = own if name == first else _NOTHING
            if kind == "free" and name in cells:
                self._cell(name, cells[name])
                value = _contents(cells[name])
            elif kind == "global":
                self._item(name, f.__globals__)
                value = f.__globals__.get(name, _NOTHING)
            for i, attribute in enumerate(path):
                if isinstance(value, Optimizer) or value is _NOTHING:
                    self.attributes.update(path[i:])
                    break
                value = self._attribute(".".join((name, *path[:i])), value, attribute)
                if isinstance(value, MethodType):
                    methods.append(value)
        return methods

    def _attribute(self, name: str, holder: Any, attribute: str) -> Any:
        """A plain attribute of what the user made, or of a Module, or a method of it."""
        if not _has_settings(holder):
            return _NOTHING
        static = inspect.getattr_static(holder, attribute, _NOTHING)
        if attribute not in getattr(holder, "__dict__", {}):  # but in its class
            if isinstance(static, property):
                static = static.fget
            if isinstance(static, FunctionType) and not isinstance(holder, type):
                return MethodType(static, holder)
            if hasattr(type(static), "__get__") and not isinstance(static, (MemberDescriptorType, FunctionType)):
                return _NOTHING
        if static is _NOTHING:
            return _NOTHING
        value = getattr(holder, attribute, _NOTHING)
        if not (isinstance(holder, Module) and _may_be_kept(value)):
            self._add(f"{name}.{attribute}", holder, f"{{0}}.{attribute}", lambda: getattr(holder, attribute))
        return value


def _may_be_kept(x: Any) -> bool:
    """Whether a forward may have put it there: an array or Tensor, but no parameter."""
    return isinstance(x, np.ndarray) or (isinstance(x, Tensor) and not (x._requires_grad and x.primitive is None))


def _default(f: FunctionType, key: int | str) -> Callable[[], Any]:
    return lambda: (f.__defaults__ or ())[key] if isinstance(key, int) else (f.__kwdefaults__ or {})[key]


def is_users(x: Any) -> bool:
    """Whether it is a function that was written outside of tinydl and NumPy."""
    code = getattr(x, "__code__", None) if isinstance(x, (FunctionType, MethodType)) else None
    return code is not None and not code.co_filename.startswith(NOT_THE_USERS)


def _has_settings(x: Any) -> bool:
    """Whether attributes of this object are looked at: it is a Module, or of a class, or a file, of the user's."""
    if isinstance(x, (Tensor, np.ndarray, np.generic, Optimizer)) or is_kept_number(x):
        return False
    if isinstance(x, ModuleType):
        file = getattr(x, "__file__", None)
        return file is not None and not file.startswith((*NOT_THE_USERS, *_LIBRARIES))
    kind = x if isinstance(x, type) else type(x)
    return isinstance(x, Module) or kind.__module__.partition(".")[0] not in ("builtins", "tinydl", "numpy")


def _contents(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # the cell is still empty
        return _NOTHING


def _codes(code: CodeType) -> Iterator[CodeType]:
    """A function's code and that of all functions, lambdas and comprehensions in it."""
    yield code
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _codes(inner)


@functools.lru_cache(256)
def _loads(code: CodeType) -> list[tuple[str, str, list[str]]]:
    """(where it is, name, attributes of it) of the names that are loaded."""
    found: list[tuple[str, str, list[str]]] = []
    last: tuple[str, str, list[str]] | None = None
    for step in dis.get_instructions(code):
        if step.opname in ("LOAD_ATTR", "LOAD_METHOD"):
            if last is None:
                last = "local", "", []
                found.append(last)
            last[2].append(step.argval)
        elif step.opname != "EXTENDED_ARG":
            last = _loaded(step)
            if last is not None:
                found.append(last)
    return found


def _loaded(step: dis.Instruction) -> tuple[str, str, list[str]] | None:
    name = step.argval[-1] if isinstance(step.argval, tuple) and step.argval else step.argval
    if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
        return "global", name, []
    if step.opname in ("LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_DEREF"):
        return "free", name, []
    return ("local", name, []) if step.opname.startswith("LOAD_FAST") else None
