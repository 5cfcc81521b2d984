"""A program that runs: when it may, what it undoes where it can't go on, and that it does what the function does.

`Program` is made of a Recording. It is good for as long as `is_good` says; each thread has kept arrays of its own.
"""

from __future__ import annotations

import itertools
import linecache
import threading
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from ..engine import random
from ..engine.tensor import Tensor
from ..nn.keeping import attributes
from ..nn.module import places
from .plan import Plan, strided
from .recorder import Recording
from .settings import constants_of
from .text import Text

_numbers = itertools.count(1)


class Diverged(Exception):
    """Something that the program takes for granted isn't so in this call."""


def _diverge() -> NoReturn:
    raise Diverged


class _Here(threading.local):
    step: Callable[..., Any] | None = None


class Program:
    """The NumPy program of one signature. `source` is its text, `calls` how often it was called (the recording too)."""

    def __init__(self, recording: Recording, names: list[str], title: str, keep_grads: bool) -> None:
        self.recording = recording
        for value, name in zip(recording.arguments, names, strict=True):
            value.storage.name = name
        self.plan = Plan(recording, keep_grads)
        text = Text(self.plan, names)
        self.source, self.lines, self.first_change = text.source, text.ops, text.first_change
        self.filename = f"<{title}, program {next(_numbers)}>"
        linecache.cache[self.filename] = (len(self.source), None, self.source.splitlines(True), self.filename)
        self._code = compile(self.source, self.filename, "exec")
        self._scope = {**text.scope, "diverge": _diverge}
        self._here = _Here()
        self.calls = 1
        self.seen = attributes.assigned  # when the Modules' numbers were compared last
        self.generators = _generators(recording)
        self.draws = any(op.effect and op.kind == "call" for op in recording.tape.ops)
        self.is_good = self._guard()
        _forget_run(recording)

    def __str__(self) -> str:
        return self.source

    # ---- when it may run ----

    def _guard(self) -> Callable[[], bool]:
        """A function that says whether all is as it was when the program was recorded, but for what it reads anew."""
        recording = self.recording
        scope: dict[str, Any] = {"strided": strided, "attributes": attributes, "program": self, "Tensor": Tensor}
        tests: list[str] = []

        def thing(x: Any) -> str:
            name = f"o{len(scope)}"
            scope[name] = x
            return name

        for p, value in recording.parameters.items():
            own = thing(p)
            tests.append(f"{own}._data is {thing(value.storage.array)} and {own}._requires_grad is {p._requires_grad}")
        read = {p for p in recording.read_before}
        for p, _ in recording.gradients:
            if p in read:
                grad = recording.entry_gradients[p]
                tests.append(
                    f"{thing(p)}.grad.__class__ is Tensor and strided({thing(p)}.grad._data) == {thing(strided(grad))}"
                )
            elif p not in recording.cleared:
                tests.append(f"{thing(p)}.grad is None")
        for step in recording.optimizers:
            o = thing(step.optimizer)
            tests.append(
                f"{o}.groups is {thing(step.optimizer.groups)} and {o}._state is {thing(step.optimizer._state)}"
            )
            for row in step.rows:
                memory = thing(row.memory)
                tests += [f"{memory}[{name!r}] is {thing(value.array)}" for name, value in row.state.items()]
            for (name, _), (_, memories) in step.counts.items():
                first, *others = map(thing, memories)
                tests += [f"{first}[{name!r}] == {other}[{name!r}]" for other in others]
            for p in step.skipped:
                tests.append(f"{thing(p)}._requires_grad is {p._requires_grad}")
                if p._requires_grad and p not in recording.cleared:
                    tests.append(f"{thing(p)}.grad is None")
        for value in recording.held:
            source = value.storage.source
            name, _, rest = source.partition(".") if "." in source.split("[")[0] else source.partition("[")
            sep = "." if "." in source.split("[")[0] else "["
            tests.append(f"strided({thing(recording.objects[name])}{sep}{rest}) == {thing(strided(value.array))}")
        for setting in recording.settings:
            if setting.kind in ("group", "memory"):
                held = thing(setting.holder)
                tests += [_same(f"{held}[{k!r}]", x, thing) for k, x in setting.expected.items()]
            elif setting.kind == "closure" and setting.expected:
                scope["constants_of"] = constants_of
                tests.append(f"alike(constants_of({thing(setting.holder)}), {thing(setting.expected)})")
        scope["alike"] = _alike
        self._numbers_of = [(s.holder, s.expected) for s in recording.settings if s.kind == "module"]
        tests.append("(program.seen == attributes.assigned or program.modules_are_alike())")
        source = "def is_good():\n    return (\n        " + "\n        and ".join(tests) + "\n    )\n"
        self.guard = source
        exec(compile(source, f"{self.filename} guard", "exec"), scope)
        made: Callable[[], bool] = scope["is_good"]
        return made

    def modules_are_alike(self) -> bool:
        """Whether the numbers of all Modules are what they were; asked where an attribute of one was set."""
        now = attributes.assigned
        for module, expected in self._numbers_of:
            held = vars(module)
            for key, x in expected.items():
                if key not in held or not _is_same(held[key], x):
                    return False
            if getattr(module, "training", None) is not self.recording.training[module]:
                return False
        self.seen = now
        return True

    # ---- running ----

    def step(self) -> Callable[..., Any]:
        """The function, with this thread's kept arrays."""
        made = self._here.step
        if made is None:
            scope = dict(self._scope)
            exec(self._code, scope)
            made = self._here.step = scope["step"]
        return made

    def run(self, flat: list[Any]) -> Any:
        """Do the step. Raises Diverged, with nothing changed, where the program can't do this one."""
        step = self._here.step or self.step()
        arrays = [x._data if x.__class__ is Tensor else x for x in flat]
        before = [p.grad for p, _ in self.recording.gradients]
        states = [g.bit_generator.state for g in self._generators_now()] if self.draws else []
        try:
            return step(*arrays)
        except Exception as error:
            if not self._is_before_changes(error):
                raise
            for (p, _), grad in zip(self.recording.gradients, before, strict=True):
                p.grad = grad
            for g, state in zip(self._generators_now(), states, strict=False):
                g.bit_generator.state = state
            raise Diverged from (None if isinstance(error, Diverged) else error)

    def _generators_now(self) -> list[np.random.Generator]:
        return [random.generator(), *self.generators]

    def _is_before_changes(self, error: BaseException) -> bool:
        trace = error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == self.filename:
                return trace.tb_lineno <= self.first_change
            trace = trace.tb_next
        return True

    # ---- state ----

    def state(self) -> list[tuple[Any, Any]]:
        """All that the step may change: (how to set it, what it is now), arrays copied."""
        found: list[tuple[Any, Any]] = []
        recording = self.recording
        for p in {**recording.parameters, **dict(recording.gradients)}:
            found.append((("data", p), p._data.copy()))
            grad = p.grad
            found.append((("grad", p), None if grad is None else (grad, grad._data.copy("K"))))
        for step in recording.optimizers:
            for row in step.rows:
                for name, x in row.memory.items():
                    found.append((("memory", row.memory, name), x.copy() if isinstance(x, np.ndarray) else x))
        for module in recording.modules:
            for name, holder, key, value in places(module):
                if value.__class__ is not Tensor or value not in recording.parameters:
                    array = value._data if value.__class__ is Tensor else value
                    found.append((("held", holder, key), (value, array.copy("K"))))
        for g in self._generators_now():
            found.append((("random", g), g.bit_generator.state))
        return found

    @staticmethod
    def restore(state: list[tuple[Any, Any]]) -> None:
        """Set all back, in the very arrays."""
        for (kind, *where), value in state:
            if kind == "data":
                where[0]._data[...] = value
            elif kind == "grad":
                where[0].grad = None if value is None else value[0]
                if value is not None:
                    value[0]._data[...] = value[1]
            elif kind == "memory":
                memory, name = where
                if isinstance(value, np.ndarray):
                    memory[name][...] = value
                else:
                    memory[name] = value
            elif kind == "held":
                holder, key = where
                holder[key] = value[0]
                array = value[0]._data if value[0].__class__ is Tensor else value[0]
                array[...] = value[1]
            else:
                where[0].bit_generator.state = value


def _generators(recording: Recording) -> list[np.random.Generator]:
    found: dict[int, np.random.Generator] = {}
    for op in recording.tape.ops:
        if op.kind == "call":
            found |= {id(x): x for x in op.args if isinstance(x, np.random.Generator)}
    return list(found.values())


def _forget_run(recording: Recording) -> None:
    """The arrays of the run itself aren't needed any more."""
    recording.returned = None


def _same(place: str, x: Any, thing: Callable[[Any], str]) -> str:
    return f"{place} == {thing(x)}"


def _alike(now: dict[str, Any], expected: dict[str, Any]) -> bool:
    return now.keys() == expected.keys() and all(_is_same(now[k], x) for k, x in expected.items())


def _is_same(a: Any, b: Any) -> bool:
    return a is b or (type(a) is type(b) and bool(a == b))
