"""Whether a program may run: all that it takes for granted, as one expression that takes half a microsecond.

Identities of arrays, settings, what Modules hold, which gradients are there. The numbers of Modules are looked at only
after an attribute of some Module was set.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np

from ..engine.arrays import default_dtype_now
from ..engine.tensor import Tensor
from ..nn.keeping import attributes
from .plan import strided
from .recorder import Recording
from .settings import constants_of, is_same, numbers_of


class _Tests:
    """Expressions and what their names stand for."""

    def __init__(self) -> None:
        self.scope: dict[str, Any] = {"strided": strided, "attributes": attributes, "Tensor": Tensor}
        self.scope |= {"is_same": is_same, "constants_of": constants_of, "settled": _settled}
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


def guard(recording: Recording, title: str) -> tuple[Callable[[], bool], _Tests]:
    """A function that says whether all is as it was when the program was recorded, but for what it reads anew; and the
    tests that it makes."""
    tests = _tests(recording)
    source = f"def is_good():\n    return (\n        {tests}\n    )\n"
    exec(compile(source, f"<{title}, guard>", "exec"), tests.scope)
    made: Callable[[], bool] = tests.scope["is_good"]
    return made, tests


MISS: Any = object()  # what an entrance gives where the program doesn't fit the call


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
    scope = {**tests.scope, "program": program, "here": program.here, "MISS": MISS, "ndarray": np.ndarray}
    scope |= {"may_share_memory": np.may_share_memory, "default_dtype_now": default_dtype_now}
    given, count = "".join(f"{name}, " for name in names), len(names)
    source = (
        f"def enter(*args):\n    if len(args) != {count}:\n        return MISS\n"
        + (f"    {given}= args\n" if names else "")
        + f"    if not ({' and '.join(likes)} and is_good()):\n        return MISS\n"
        "    n = program.calls + 1\n    if n >= program.compared_at:\n        return MISS\n    program.calls = n\n"
        f"    try:\n        return (here.step or program.made_here())({', '.join(arrays)})\n"
        "    except Exception as error:\n        if not program.is_before_changes(error):\n            raise\n"
        "    return MISS\n"
    )

    def make() -> Callable[..., Any]:
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
    for p, _ in recording.gradients:
        if p in recording.read_before:
            form = "{0}.grad.__class__ is Tensor and {0}.grad.primitive is None and strided({0}.grad._data) == {1}"
            tests.add(form, p, strided(recording.entry_gradients[p]))
        elif p not in recording.cleared:
            tests.add("{0}.grad is None", p)
    _of_optimizers(tests, recording)
    for value in recording.held:
        own, rest = parted(value.storage.source, recording.objects)
        tests.add(f"strided({{0}}{rest}) == {{1}}", own, strided(value.array))
    for setting in recording.settings:
        if setting.kind == "closure" and setting.expected:
            tests.add("is_same(constants_of({0}), {1})", setting.holder, setting.expected)
    modules = _Modules(recording)
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
            if p._requires_grad and p not in recording.cleared:
                tests.add("{0}.grad is None", p)
        for setting in step.settings():
            for key, x in setting.expected.items():
                tests.add(f"{{0}}[{key!r}] == {{1}}", setting.holder, x)


class _Modules:
    """The Modules that a step entered, their numbers and strings and the Modules in them, as they were."""

    def __init__(self, recording: Recording) -> None:
        self.numbers = [(s.holder, s.expected) for s in recording.settings if s.kind == "module"]
        self.inner = [(module, _inner(module)) for module, _ in self.numbers]
        self.held = [(vars(m), len(vars(m)), _but_arrays(m)) for m, _ in self.numbers]
        self.seen = attributes.assigned

    def are_alike(self) -> bool:
        """Whether nothing of it has changed."""
        now = attributes.assigned
        if not all(len(held) == n and all(held.get(key) is x for key, x in own) for held, n, own in self.held):
            if not all(is_same(numbers_of(module), expected) for module, expected in self.numbers):
                return False
            if any(_inner(module) != inner for module, inner in self.inner):
                return False
        self.seen = now
        return True


def _but_arrays(module: Any) -> list[tuple[str, Any]]:
    return [(key, x) for key, x in vars(module).items() if not isinstance(x, (Tensor, np.ndarray))]


def _inner(module: Any) -> list[int]:
    return [id(inner) for inner in module.modules()]


def _settled(optimizer: Any) -> bool:
    """What was written into the groups is checked and counts, as before a step; where it can't be meant, the function
    will say so in its place."""
    try:
        optimizer.settle()
    except (ValueError, TypeError):
        return False
    return True


def parted(source: str, objects: dict[str, Any]) -> tuple[Any, str]:
    """An object and what is to be taken of it: ``norm.running_mean`` → the Module and ".running_mean"."""
    end = next(i for i, c in enumerate(source) if not (c.isalnum() or c == "_"))
    return objects[source[:end]], source[end:]
