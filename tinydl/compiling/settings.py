"""The numbers on which a step depends: settings of optimizers and Modules, and what a function reads by name.

Those that the program reads anew at each call are symbols (a learning rate); on the others it depends, so that it is
good for as long as they stay what they were. `OptimizerStep` puts symbols in the place of numbers while an optimizer
steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.tensor import Tensor
from ..nn.keeping import is_kept_number
from ..nn.module import Module
from ..optim.optimizer import Optimizer
from .reading import Reads, is_like, is_same
from .tape import CompileError, Op, Symbol, Tape, Value


@dataclass(eq=False)
class Setting:
    """Numbers and strings on which a program depends: by name in the holder, a dict or what has attributes."""

    kind: str
    holder: Any
    expected: dict[str, Any]


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
    """What a function reads by name, and the settings of the optimizers and Modules there, as they were before it
    ran."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.reads = Reads([function])
        named = _named(self.reads, function)
        for _, x in named:
            if isinstance(x, Optimizer):
                settled(x)
        self.optimizers = [(name, x, _settings_of(x)) for name, x in named if isinstance(x, Optimizer)]
        self.modules = [(name, m, numbers_of(m)) for name, x in named if isinstance(x, Module) for m in x.modules()]

    def changed(self) -> str:
        """What the function changed, "optimizer.lr"; "" if nothing."""
        for place in self.reads.places.values():
            now = place.now()
            is_array = isinstance(now, _ARRAYS) and isinstance(place.value, _ARRAYS)
            if (is_array or is_kept_number(now)) and not is_like(now, place.value):
                return place.name
        for name, optimizer, settings in self.optimizers:
            for group, then in zip(_settings_of(optimizer), settings, strict=True):
                for key in group:
                    if not is_same(group[key], then.get(key)):
                        return f"{name}.{key}"
        for name, module, numbers in self.modules:
            for key, x in numbers_of(module).items():
                if not is_same(x, numbers.get(key, self)):
                    return f"{name}: {type(module).__name__}.{key}"
        return ""

    def rates(self, others: Iterable[Any], attributes: set[str]) -> list[Setting]:
        """The settings of optimizers that are read outside of their steps, as the names of attributes tell."""
        found = []
        for optimizer in {id(x): x for x in [*(x for _, x, _ in self.optimizers), *others]}.values():
            for group, settings in zip(optimizer.groups, _settings_of(optimizer), strict=True):
                names = settings.keys() if "groups" in attributes else settings.keys() & attributes
                found.append(Setting("rates", group, {name: settings[name] for name in settings if name in names}))
        return found


_ARRAYS = (Tensor, np.ndarray)


def settled(optimizer: Any) -> bool:
    """What was written into the groups is checked and counts, as before a step; where it can't be meant, the function
    will say so in its place."""
    try:
        optimizer.settle()
    except (ValueError, TypeError):
        return False
    return True


def _named(reads: Reads, function: Callable[..., Any]) -> list[tuple[str, Any]]:
    """What was found by name, what a method's object holds, and what is in lists, tuples and dicts of these."""
    found = [(place.name, place.value) for place in reads.places.values()]
    own = getattr(function, "__self__", None)
    found += [*getattr(own, "__dict__", {}).items(), ("self", own)]
    for name, x in tuple(found):
        if isinstance(x, (list, tuple, dict)):
            found += [(name, item) for item in (x.values() if isinstance(x, dict) else x)]
    return list({id(x): (name, x) for name, x in reversed(found)}.values())[::-1]


def leaves_of(x: Any, depth: int = 3) -> Iterator[Tensor]:
    """The Tensors with gradients, or that want one, which a function reads by name or an object holds: parameters of
    Modules and optimizers, too."""
    if isinstance(x, Tensor):
        if x.primitive is None and (x._requires_grad or x.grad is not None):
            yield x
    elif isinstance(x, Module):
        yield from x.parameters()
    elif isinstance(x, Optimizer):
        yield from x.params
    elif isinstance(x, (list, tuple, dict)) and depth:
        for item in x.values() if isinstance(x, dict) else x:
            yield from leaves_of(item, depth - 1)
    elif callable(x) and depth == 3:
        yield from leaves_of([value for _, value in _named(Reads([x]), x)], 2)


def _settings_of(optimizer: Optimizer) -> list[dict[str, Any]]:
    return [{key: x for key, x in group.items() if key != "params"} for group in optimizer.groups]


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


def changed_setting(name: str) -> str:
    """What to say where the function changes a setting."""
    return (
        f"the function changes {name} itself, which the program would not do; change settings outside of the compiled "
        "function, or keep a count in an array of a Module: self.calls = np.array(0)"
    )


def there(holder: Any, key: Any) -> Any:
    """What a dict or list holds there; None if it holds nothing."""
    try:
        return holder[key]
    except (KeyError, IndexError):
        return None
