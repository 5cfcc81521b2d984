"""Whether a program may run: all that it takes for granted, as one expression that takes half a microsecond.

Identities of arrays, settings, what Modules hold, which gradients are there. The numbers of Modules are looked at only
after an attribute of some Module was set.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from itertools import combinations
from types import FunctionType
from typing import Any

import numpy as np

from ..engine.arrays import default_dtype_now
from ..engine.recording import special, state
from ..engine.tensor import Tensor
from ..nn.keeping import attributes, is_kept_number
from ..nn.module import Module
from .plan import strided
from .reading import is_like, is_same
from .recording import Recording
from .settings import numbers_of, settled


class _Tests:
    """Expressions and what their names stand for."""

    def __init__(self) -> None:
        self.scope: dict[str, Any] = {"strided": strided, "attributes": attributes, "Tensor": Tensor}
        self.scope |= {"is_like": is_like, "settled": settled}
        self.lines: list[str] = []

    def thing(self, x: Any) -> str:
        """A name for an object."""
        name = f"o{len(self.scope)}"
        self.scope[name] = x
        return name

    def __str__(self) -> str:
        return "\n        and ".join(self.lines)

    def add(self, form: str, *things: Any) -> None:
        """One more test, with the names of these things in it."""
        self.lines.append(form.format(*map(self.thing, things)))


def guard(recording: Recording, title: str) -> tuple[Callable[[], Callable[[], bool]], _Tests]:
    """What makes a function that says whether all is as it was when the program was recorded, but for what it reads
    anew; and the tests that that makes."""
    tests = _tests(recording)

    def make() -> Callable[[], bool]:
        source = f"def is_good():\n    try:\n        return (\n        {tests}\n        )\n    except {_GONE}:\n"
        source += "        return False\n"
        exec(compile(source, f"<{title}, guard>", "exec"), tests.scope)
        made: Callable[[], bool] = tests.scope["is_good"]
        return made

    return make, tests


MISS: Any = object()  # what an entrance gives where the program doesn't fit the call


class _Here(threading.local):
    running = False  # whether a compiled function runs in this thread, by way of its function or the longer way


here = _Here()


def entrance(program: Any, tests: _Tests, args: tuple[Any, ...], title: str) -> Callable[[], Callable[..., Any]]:
    """What makes the quick way into a program, for calls like the recorded one: signature and guard in one expression,
    then the step. That gives MISS for any other call, for one that is to be compared, and where the program can't go
    on."""
    names = [f"x{i}" for i in range(len(args))]
    likes: list[str] = []
    arrays: list[str] = []
    for name, x in zip(names, args, strict=True):
        kind = x.__class__
        if kind is np.ndarray or (kind is Tensor and not x._requires_grad):
            own = name if kind is np.ndarray else f"{name}._data"
            array = x if kind is np.ndarray else x._data
            if kind is Tensor:
                likes.append(f"{name}.__class__ is Tensor and not {name}._requires_grad")
            form = "{0}.__class__ is ndarray and {0}.shape == {1} and {0}.strides == {2} and {0}.dtype is {3}"
            likes.append(form.format(own, array.shape, array.strides, tests.thing(array.dtype)))
            likes += [f"({own}.base is None is {o}.base or not may_share_memory({own}, {o}))" for o in arrays]
            likes += [f"{own} is not {o}" for o in arrays]
            arrays.append(own)
        elif kind in (int, bool, str, type(None)):
            likes.append(f"{name}.__class__ is {tests.thing(kind)} and {name} == {tests.thing(x)}")
        else:
            return lambda: no_entrance
    if not program.can_enter or any(np.may_share_memory(*pair) for pair in combinations(_plain(args), 2)):
        return lambda: no_entrance
    likes.append(f"default_dtype_now() is {tests.thing(default_dtype_now())}")
    alone = f"{'' if state.recording else 'not '}state.recording and not state.observers and not here.running"
    likes.insert(0, f"(not special.count or {alone})" if state.recording else f"special.count and {alone}")
    given, count = "".join(f"{name}, " for name in names), len(names)
    source = (
        f"def enter(*args):\n    if len(args) != {count}:\n        return MISS\n"
        + (f"    {given}= args\n" if names else "")
        + f"    if not ({' and '.join(likes)} and is_good()):\n        return MISS\n"
        "    n = program.calls + 1\n    if n >= program.compared_at:\n        return MISS\n    program.calls = n\n"
        f"    try:\n        return (own.step or program.made_here())({', '.join(arrays)})\n"
        "    except Exception as error:\n        if not program.is_before_changes(error):\n            raise\n"
        "    return MISS\n"
    )

    def make() -> Callable[..., Any]:
        scope = {**tests.scope, "program": program, "own": program.here, "MISS": MISS, "ndarray": np.ndarray}
        scope |= {"may_share_memory": np.may_share_memory, "default_dtype_now": default_dtype_now}
        scope |= {"special": special, "state": state, "here": here}
        exec(compile(source, f"<{title}, entrance>", "exec"), scope)
        made: Callable[..., Any] = scope["enter"]
        return made

    return make


def _plain(args: tuple[Any, ...]) -> list[Any]:
    return [x._data if x.__class__ is Tensor else x for x in args if isinstance(x, (np.ndarray, Tensor))]


def no_entrance(*args: Any) -> Any:
    """For calls that take the longer way."""
    return MISS


def _tests(recording: Recording) -> _Tests:
    tests = _Tests()
    for p, value in recording.parameters.items():
        tests.add(f"{{0}}._data is {{1}} and {{0}}._requires_grad is {p._requires_grad}", p, value.storage.array)
    for holder, key, t, _ in recording.attributes:
        tests.add(f"{{0}}[{key!r}] is {{1}}", holder, t)
    for p, had in recording.had.items():
        tests.add(f"({{0}}.grad is None) is {not had}", p)
    for p, grad in recording.entry_gradients.items():
        form = "{0}.grad.__class__ is Tensor and {0}.grad.primitive is None and strided({0}.grad._data) == {1}"
        tests.add(form, p, strided(grad))
    for p in recording.without:
        tests.add("{0}.grad is None", p)
    _of_optimizers(tests, recording)
    for value in recording.held:
        own, rest = parted(value.storage.source, recording.objects)
        tests.add(f"strided({{0}}{rest}) == {{1}}", own, strided(value.array))
    for place in recording.places:
        can_be_equal = is_kept_number(place.value) or isinstance(place.value, np.generic)
        is_it = f"{place.form} is {{1}}"
        form = f"({is_it} or is_like({place.form}, {{1}}))" if can_be_equal else is_it
        tests.add(form, place.holder, place.value)
    for setting in recording.settings:
        if setting.kind == "rates":
            for key, x in setting.expected.items():
                tests.add(f"{{0}}[{key!r}] == {{1}}", setting.holder, x)
    modules = _Modules(recording)
    for kind, key in modules.of_classes:
        tests.add(f"({{0}}.{key} is {{1}} or is_like({{0}}.{key}, {{1}}))", kind, getattr(kind, key))
    for held in modules.lists:
        tests.add("{0} == {1}", held, _copied(held))
    tests.add("({0}.seen == attributes.assigned or {0}.are_alike())", modules)
    return tests


def _of_optimizers(tests: _Tests, recording: Recording) -> None:
    for step in recording.optimizers:
        o = step.optimizer
        tests.add("({0}.groups == {0}._seen or settled({0}))", o)
        tests.add("{0}.groups is {1} and {0}._state is {2}", o, o.groups, o._state)
        for row in step.rows:
            tests.add(f"{{0}}[{row.index}] is {{1}}", o._state, row.memory)
            for name, value in row.state.items():
                tests.add(f"{{0}}[{name!r}] is {{1}}", row.memory, value.array)
        for (name, _), (_, memories) in step.counts.items():
            for other in memories[1:]:
                tests.add(f"{{0}}[{name!r}] == {{1}}[{name!r}]", memories[0], other)
        for p in step.skipped:
            tests.add(f"{{0}}._requires_grad is {p._requires_grad}", p)
        for setting in step.settings():
            for key, x in setting.expected.items():
                tests.add(f"{{0}}[{key!r}] == {{1}}", setting.holder, x)


class _Modules:
    """The Modules that a step entered and those inside, their attributes, as they were."""

    def __init__(self, recording: Recording) -> None:
        self.numbers = [(s.holder, s.expected) for s in recording.settings if s.kind == "module"]
        entered = {id(m) for m, _ in self.numbers}  # the user may have made them equal, and no key of a dict
        inside = {id(inner): inner for m, _ in self.numbers for inner in m.modules()}
        self.numbers += [(m, numbers_of(m)) for key, m in inside.items() if key not in entered]
        modules = [m for m, _ in self.numbers]
        self.held = [(vars(m), len(vars(m)), *_parted(m)) for m in modules]
        self.lists = [x for held, *_ in self.held for x in held.values() if _is_of_modules(x)]
        self.of_classes = dict.fromkeys(pair for m in modules for pair in _of_class(m))
        self.seen = attributes.assigned

    def are_alike(self) -> bool:
        """Whether nothing of it has changed."""
        now = attributes.assigned
        for held, n, own, lists in self.held:
            if not all(key in held and _do_as_well(held[key], x) for key, x in lists):
                return False
            if len(held) == n and all(held.get(key) is x for key, x in own):
                continue
            if not (_has_no_more(held, own, lists) and all(is_same(numbers_of(m), x) for m, x in self.numbers)):
                return False
        self.seen = now
        return True


def _parted(module: Any) -> tuple[list[tuple[str, Any]], list[tuple[str, Any]]]:
    """The attributes but for arrays and what nn/keeping.py writes down; lists, tuples and dicts of them apart."""
    found = [(key, x) for key, x in vars(module).items() if key not in _NOTES and not isinstance(x, _ARRAYS)]
    return [(k, x) for k, x in found if not _is_list(x)], [(k, _copied(x)) for k, x in found if _is_list(x)]


def _has_no_more(held: dict[str, Any], own: list[tuple[str, Any]], lists: list[tuple[str, Any]]) -> bool:
    """Whether attributes that are no numbers are those that were there, arrays or kept notes apart."""
    known = {key for key, _ in lists} | _NOTES
    left = {key: x for key, x in held.items() if not (key in known or isinstance(x, _ARRAYS) or is_kept_number(x))}
    were = {key: x for key, x in own if not is_kept_number(x)}
    return left.keys() == were.keys() and all(is_like(left[key], x) for key, x in were.items())


def _is_list(x: Any) -> bool:
    """Whether what is in it is compared only now; that of Modules is at each call."""
    return x.__class__ in (list, tuple, dict) and not is_kept_number(x) and not _is_of_modules(x)


def _copied(x: Any) -> Any:
    """Lists, tuples and dicts copied, all else as it is."""
    if x.__class__ in (list, tuple):
        return x.__class__(map(_copied, x))
    return {key: _copied(item) for key, item in x.items()} if x.__class__ is dict else x


def _do_as_well(now: Any, then: Any) -> bool:
    """Whether attributes do as well as what was there: any array or Tensor, which are looked at elsewhere, for another;
    numbers by value; all else is itself."""
    if isinstance(then, _ARRAYS):
        return isinstance(now, _ARRAYS)
    if then.__class__ in (list, tuple) and now.__class__ is then.__class__:
        return len(now) == len(then) and all(map(_do_as_well, now, then))
    if then.__class__ is dict and now.__class__ is dict:
        more = (x for key, x in now.items() if key not in then)
        return all(isinstance(x, _ARRAYS) for x in more) and all(
            key in now and _do_as_well(now[key], x) for key, x in then.items()
        )
    return is_like(now, then)


def _is_of_modules(x: Any) -> bool:
    """Whether it is a list or dict, or a tuple of such, with nothing but Modules and functions in it."""
    if x.__class__ not in (list, tuple, dict) or not x:
        return False
    items = x.values() if x.__class__ is dict else x
    return all(isinstance(item, (Module, FunctionType)) or _is_of_modules(item) for item in items)


def _of_class(module: Any) -> Iterator[tuple[type, str]]:
    """(class, name) of plain attributes of the user's classes that a Module has."""
    for kind in type(module).__mro__[:-1]:
        if not kind.__module__.startswith("tinydl."):
            for key, x in vars(kind).items():
                plain = not (callable(x) or hasattr(type(x), "__get__") or isinstance(x, _ARRAYS))
                if plain and key[:2] != "__" and key.isidentifier() and key not in vars(module):
                    yield kind, key


_ARRAYS = (Tensor, np.ndarray)
_NOTES = {"_before_forward", "_held"}  # of nn/keeping.py
_GONE = "(LookupError, ValueError, AttributeError)"  # an item, a cell's contents or an attribute


def parted(source: str, objects: dict[str, Any]) -> tuple[Any, str]:
    """An object and what is to be taken of it: ``norm.running_mean`` → the Module and ".running_mean"."""
    end = next(i for i, c in enumerate(source) if not (c.isalnum() or c == "_"))
    return objects[source[:end]], source[end:]
