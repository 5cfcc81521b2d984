"""The numbers that a step reads by name: settings of optimizers and Modules, a function's own constants.

Those that the program reads anew at each call are symbols (a learning rate); on the others it depends, so that it is
good for as long as they stay what they were. `OptimizerStep` puts symbols in the place of numbers while an optimizer
steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import FunctionType, MethodType
from typing import Any

import numpy as np

from ..engine.tensor import Tensor
from ..nn.keeping import is_kept_number
from ..nn.module import Module
from ..optim.optimizer import Optimizer
from ..watching.lines import NOT_THE_USERS
from .tape import CompileError, Op, Symbol, Tape, Value


@dataclass(eq=False)
class Setting:
    """Numbers and strings on which a program depends: by name in the holder, a dict or what has attributes."""

    kind: str
    holder: Any
    expected: dict[str, Any]


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


def numbers_of(module: Any) -> dict[str, Any]:
    """The settings of a Module: numbers, strings and the like in its attributes and in those of its class."""
    found = {}
    for kind in reversed(type(module).__mro__[:-1]):
        if kind.__module__.startswith("tinydl."):
            continue  # whose classes stay as they are
        found.update({key: x for key, x in vars(kind).items() if key[:2] != "__" and is_kept_number(x)})
    found["training"] = module.training
    found.update({key: x for key, x in vars(module).items() if is_kept_number(x)})
    return found


class Lists:
    """The lists that a Module holds, and how long they were: what a forward adds to one, no program would."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.lengths = [(name, held, len(held)) for name, held in _lists("", vars(module))]

    def check(self) -> None:
        """CompileError if one has become longer or shorter."""
        for name, held, length in self.lengths:
            if len(held) != length:
                raise CompileError(
                    f"a forward of {type(self.module).__name__} adds to or takes from the list {name}, which the "
                    "program would not do; keep an array in its place, or return what you want to collect"
                )


def _lists(name: str, held: Any) -> Iterator[tuple[str, list[Any]]]:
    """Also in dicts, tuples and lists, by dotted names."""
    if isinstance(held, list):
        yield name, held
    if isinstance(held, (dict, list, tuple)):
        for key, x in held.items() if isinstance(held, dict) else enumerate(held):
            yield from _lists(f"{name}.{key}" if name else str(key), x)


class Kept:
    """The constants of a function, and the settings of the optimizers and Modules that it reads by name, as they were
    before it ran."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.constants = constants_of_all([function])
        named = [*_named(function).items(), *_own(function).items(), ("self", getattr(function, "__self__", None))]
        self.optimizers = [(name, x, _settings_of(x)) for name, x in named if isinstance(x, Optimizer)]
        self.modules = [(name, m, numbers_of(m)) for name, x in named if isinstance(x, Module) for m in x.modules()]

    def changed(self) -> str:
        """What the function changed, "optimizer.lr"; "" if nothing."""
        for function, constants in self.constants:
            for name, value in constants_of(function).items():
                if not is_same(value, constants.get(name, self)):
                    return name
        for name, optimizer, settings in self.optimizers:
            for now, then in zip(_settings_of(optimizer), settings, strict=True):
                for key in now:
                    if not is_same(now[key], then.get(key)):
                        return f"{name}.{key}"
        for name, module, numbers in self.modules:
            now = numbers_of(module)
            for key, x in now.items():
                if not is_same(x, numbers.get(key, self)):
                    return f"{name}: {type(module).__name__}.{key}"
        return ""


def leaves_of(x: Any, depth: int = 3) -> Iterator[Tensor]:
    """The Tensors that a function reads by name, or an object holds: parameters of Modules and optimizers, too."""
    if isinstance(x, Tensor):
        if x._requires_grad and x.primitive is None:
            yield x
    elif isinstance(x, Module):
        yield from x.parameters()
    elif isinstance(x, Optimizer):
        yield from x.params
    elif isinstance(x, (list, tuple, dict)) and depth:
        for item in x.values() if isinstance(x, dict) else x:
            yield from leaves_of(item, depth - 1)
    elif callable(x) and hasattr(x, "__code__") and depth == 3:
        yield from leaves_of(_named(x), 2)
        yield from leaves_of(_own(x), 2)


def _settings_of(optimizer: Optimizer) -> list[dict[str, Any]]:
    return [{key: x for key, x in group.items() if key != "params"} for group in optimizer.groups]


def constants_of(function: Callable[..., Any]) -> dict[str, Any]:
    """The numbers, strings, and tuples of them that a function reads by name: closure, defaults, globals."""
    return {name: value for name, value in _named(function).items() if is_kept_number(value)}


def constants_of_all(functions: Iterable[Callable[..., Any]]) -> list[tuple[Callable[..., Any], dict[str, Any]]]:
    """The constants of functions, and of those of the user's that they read by name or, as methods, of their object,
    and so on: of each that has some, once."""
    waiting, found = list(functions), dict[int, tuple[Callable[..., Any], dict[str, Any]]]()
    for f in waiting:
        if (key := id(getattr(f, "__func__", f))) not in found:
            found[key] = f, constants_of(f)
            waiting += [x for x in [*_named(f).values(), *_own(f).values()] if is_users(x)]
    return [pair for pair in found.values() if pair[1]]


def _own(function: Callable[..., Any]) -> dict[str, Any]:
    """The attributes of a method's object."""
    found: dict[str, Any] = getattr(getattr(function, "__self__", None), "__dict__", {})
    return found


def is_users(x: Any) -> bool:
    """Whether it is a function that was written outside of tinydl and NumPy."""
    code = getattr(x, "__code__", None) if isinstance(x, (FunctionType, MethodType)) else None
    return code is not None and not code.co_filename.startswith(NOT_THE_USERS)


def _named(function: Callable[..., Any]) -> dict[str, Any]:
    inner = getattr(function, "__func__", function)
    code = getattr(inner, "__code__", None)
    if code is None:
        return {}
    found = {}
    for name, cell in zip(code.co_freevars, inner.__closure__ or (), strict=True):
        try:
            found[name] = cell.cell_contents
        except ValueError:  # the cell is still empty
            continue
    for name in code.co_names:
        if name in inner.__globals__:
            found[name] = inner.__globals__[name]
    for i, value in enumerate(inner.__defaults__ or ()):
        found[f"default {i}"] = value
    for name, value in (inner.__kwdefaults__ or {}).items():
        found[f"default {name}"] = value
    return found


class _Group(dict[str, Any]):
    """A group of an optimizer, whose numbers are symbols."""

    def __init__(self, step: OptimizerStep, index: int, group: dict[str, Any]) -> None:
        super().__init__(group)
        self.step, self.index = step, index

    def __getitem__(self, name: str) -> Any:
        value = super().__getitem__(name)
        if isinstance(value, tuple):
            return tuple(self._symbol(name, v, i) for i, v in enumerate(value))
        return self._symbol(name, value, None)

    def _symbol(self, name: str, value: Any, place: int | None) -> Any:
        if not isinstance(value, (bool, int, float)):
            return value
        step = self.step
        source = f"{step.name}.groups[{self.index}][{name!r}]" + ("" if place is None else f"[{place}]")
        short = name if place is None else f"{name.rstrip('s')}{place + 1}"

        def decided(symbol: Symbol, truth: bool) -> None:
            step.decided.setdefault(self.index, {})[name] = super(_Group, self).__getitem__(name)

        return Symbol(step.tape, value, step.tape.number(short, source), decided)


class _Memory(dict[str, Any]):
    """The state of a parameter: arrays that are watched, and counts that are symbols."""

    def __init__(self, step: OptimizerStep, real: dict[str, Any], arrays: dict[str, Any]) -> None:
        super().__init__({**real, **arrays})
        self.step, self.real = step, real

    def __getitem__(self, name: str) -> Any:
        value = super().__getitem__(name)
        return self.step.count(self.real, name, value) if isinstance(value, (int, float)) else value

    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(name, value)
        self.step.counted(self.real, name, value)


@dataclass(eq=False)
class Row:
    """A parameter in a step: its values, in the order of the optimizer."""

    group: int
    index: int
    parameter: Tensor
    p: Value
    g: Value
    state: dict[str, Value]
    scratch: tuple[Value, Value]
    memory: dict[str, Any]
    first: int = 0  # the number of its first call on the tape


class OptimizerStep:
    """One step of an optimizer, while it is recorded and as the program will know it."""

    def __init__(self, optimizer: Any, tape: Tape, name: str, objects: dict[str, Any]) -> None:
        self.optimizer, self.tape, self.name, self.objects = optimizer, tape, name, objects
        self.decided: dict[int, dict[str, Any]] = {}
        self.rows: list[Row] = []
        self.skipped: list[Tensor] = []  # parameters without a gradient, and frozen ones
        self.counts: dict[tuple[str, Any], tuple[Symbol, list[dict[str, Any]]]] = {}
        self.writes: dict[tuple[str, str], tuple[Any, list[dict[str, Any]]]] = {}
        self.zeros: list[tuple[dict[str, Any], str]] = []  # counts on whose being 0 the program depends
        self._saved: tuple[Any, Any, Any] | None = None

    def begin(self) -> None:
        """Put symbols and watched arrays in the optimizer."""
        o, tape = self.optimizer, self.tape
        self._saved = o.groups, o._state, o._rows
        rows_seen: list[list[Any]] = []
        states = list(o._state)
        for k, (group, rows) in enumerate(zip(o.groups, o._rows, strict=True)):
            seen: list[Any] = []
            for i, p, a, b in rows:
                if p.grad is None or not p._requires_grad:
                    seen.append((i, p, a, b))
                    self.skipped.append(p)
                    continue
                if o._state[i] is None:
                    o._state[i] = states[i] = o._start(a, group)
                memory = o._state[i]
                own = p._data.watched[1].storage.name
                scratch = [
                    tape.give(x, "scratch", name=f"{said}_{own}", role=("scratch", n))
                    for n, said, x in (("a", "step", a), ("b", "other", b))
                ]
                arrays = {
                    name: tape.give(x, "state", name=f"{name}_{p._data.watched[1].storage.name}", role=("state", name))
                    for name, x in memory.items()
                    if isinstance(x, np.ndarray)
                }
                states[i] = _Memory(self, memory, arrays)
                seen.append((i, p, *scratch))
                state = {name: x.watched[1] for name, x in arrays.items()}
                values = tuple(x.watched[1] for x in scratch)
                self.rows.append(Row(k, i, p, p._data.watched[1], p.grad._data.watched[1], state, values, memory))
            rows_seen.append(seen)
        o.groups = [_Group(self, k, group) for k, group in enumerate(o.groups)]
        o._state, o._rows = states, rows_seen

    def end(self) -> None:
        """Put back what was there, with the counts that the step wrote."""
        self.put_back()
        for (name, _), (symbol, memories) in self.writes.items():
            self.tape.add(Op("write", name, None, (symbol, tuple(memories)), {}, effect=True))

    def put_back(self) -> None:
        """Once: also after an exception."""
        if self._saved is not None:
            self.optimizer.groups, self.optimizer._state, self.optimizer._rows = self._saved
            self._saved = None
            for (name, _), (symbol, memories) in self.writes.items():
                for memory in memories:
                    memory[name] = symbol.value if symbol.__class__ is Symbol else symbol

    def count(self, memory: dict[str, Any], name: str, value: Any) -> Any:
        """A count of a parameter as a symbol, one for all parameters that are as far."""
        if value.__class__ is Symbol:
            return value
        known = self.counts.get((name, value))
        if known is None:
            base = place = f"{self.name}_state"
            while place in self.objects:
                place = f"{base}_{len(self.objects)}"
            self.objects[place] = memory
            text = self.tape.number("t" if name == "step" else name, f"{place}[{name!r}]", again=True)

            def decided(symbol: Symbol, truth: bool) -> None:
                if not (truth and symbol.value > 0):  # that it isn't 0 will stay so
                    self.zeros.append((memory, name))

            known = self.counts[name, value] = Symbol(self.tape, value, text, decided), []
        if not any(memory is m for m in known[1]):
            known[1].append(memory)
        return known[0]

    def counted(self, memory: dict[str, Any], name: str, value: Any) -> None:
        """A count is written."""
        text = value.text if value.__class__ is Symbol else repr(value)
        self.writes.setdefault((name, text), (value, []))[1].append(memory)

    def settings(self) -> list[Setting]:
        """On what the program depends."""
        made = [Setting("group", self.optimizer.groups[k], expected) for k, expected in self.decided.items()]
        return [*made, *(Setting("memory", memory, {name: 0}) for memory, name in self.zeros)]
