"""A program that runs: its text, what it undoes where it can't go on, and all the state that it may change.

Made of a Recording, of which it keeps no array but those that the step itself reads. Each thread has kept arrays of its
own.
"""

from __future__ import annotations

import itertools
import keyword
import linecache
import threading
import weakref
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from ..engine import random
from ..engine.tensor import Tensor
from ..nn.module import places
from .comparing import trail
from .guards import entrance, guard, no_entrance
from .phrases import RESERVED
from .plan import Plan
from .recording import Recording
from .text import Text

_numbers = itertools.count(1)


class Diverged(Exception):
    """Something that the program takes for granted isn't so in this call."""


def _run_the_function() -> NoReturn:
    raise Diverged


class _Here(threading.local):
    step: Callable[..., Any] | None = None


class Program:
    """The NumPy program of one signature. `source` is its text, `calls` how often it was called (the recording too)."""

    def __init__(
        self, recording: Recording, names: list[str], title: str, keep_grads: bool, check: bool, args: Any
    ) -> None:
        self.trail = trail(recording.tape.ops)
        names = [f"{name}_" if name in RESERVED else name for name in names]
        title = f"{title}_" if title in RESERVED else title
        for value, name in zip(recording.arguments, names, strict=True):
            value.storage.name = name
        self.name = title if title.isidentifier() and not keyword.iskeyword(title) and title not in names else "step"
        plan = Plan(recording, keep_grads)
        text = Text(plan, names, self.name)
        self.source, self.first_change, self.checks_late = text.source, text.first_change, text.checks_late
        self.filename = f"<{title}, program {next(_numbers)}>"
        linecache.cache[self.filename] = (len(self.source), None, self.source.splitlines(True), self.filename)
        self.forget = weakref.finalize(self, linecache.cache.pop, self.filename, None)  # the text, for tracebacks
        self.forget.atexit = False
        self._code: Any = None  # compiled when it is first run, as the guard is: many a program never is
        self._scope = {**text.scope, "run_the_function": _run_the_function}
        self.here = _Here()
        self.calls = 1
        self.draws = any(op.draws for op in recording.tape.ops)
        self.generators = _generators(recording)
        self.parameters = dict.fromkeys(recording.parameters)
        self.leaves = [p for p, _ in recording.gradients]
        self.consumed = recording.consumed & recording.cleared
        self.memories = [row.memory for step in recording.optimizers for row in step.rows]
        self.modules = recording.modules
        self.names = recording.names
        kept = [p for op in recording.tape.ops if op.kind == "forget" for p in op.args if p not in recording.cleared]
        self.can_enter = not (self.draws or kept or self.checks_late)
        self.compared_at = 2 if check else 2**62  # the number of the next call in which it is compared
        self._make_guard, tests = guard(recording, title)
        self._guard: Callable[[], bool] | None = None
        self.enter: Callable[..., Any] = no_entrance
        self.open_entrance = entrance(self, tests, args, title)
        recording.release(plan.ops)

    def __str__(self) -> str:
        return self.source

    # ---- running ----

    def is_good(self) -> bool:
        """Whether all that it takes for granted is so."""
        if self._guard is None:
            self._guard = self._make_guard()
        return self._guard()

    def made_here(self) -> Callable[..., Any]:
        """The function, with this thread's kept arrays."""
        scope = dict(self._scope)
        self._code = self._code or compile(self.source, self.filename, "exec")
        exec(self._code, scope)
        made: Callable[..., Any] = scope[self.name]
        self.here.step = made
        return made

    def run(self, flat: list[Any]) -> Any:
        """Do the step. Raises Diverged, with nothing changed, where the program can't do this one."""
        step = self.here.step or self.made_here()
        arrays = [x._data if x.__class__ is Tensor else x for x in flat]
        before = [p.grad for p in self.leaves]
        states = [g.bit_generator.state for g in self._generators_now()] if self.draws else []
        all_of_it = self.state() if self.checks_late else []
        try:
            return step(*arrays)
        except Exception as error:
            if self.checks_late:
                self.restore(all_of_it)
            elif self.is_before_changes(error):
                for p, grad in zip(self.leaves, before, strict=True):
                    p.grad = grad
                for g, state in zip(self._generators_now(), states, strict=False):
                    g.bit_generator.state = state
            else:
                raise
            raise Diverged from (None if isinstance(error, Diverged) else error)

    def _generators_now(self) -> list[np.random.Generator]:
        return [random.generator(), *self.generators]

    def is_before_changes(self, error: BaseException) -> bool:
        trace = error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == self.filename:
                return trace.tb_lineno <= self.first_change
            trace = trace.tb_next
        return True

    # ---- state ----

    def state(self) -> list[tuple[Any, Any]]:
        """All that the step may change: (what it is, what it is now), arrays copied."""
        found: list[tuple[Any, Any]] = []
        for p in dict.fromkeys([*self.parameters, *self.leaves]):
            found.append((("parameter", p), p._data.copy()))
            grad = p.grad
            found.append((("gradient", p), None if grad is None else (grad, grad._data.copy("K"))))
        for memory in self.memories:
            for name, x in memory.items():
                found.append((("memory", memory, name), x.copy() if isinstance(x, np.ndarray) else x))
        for module in self.modules:
            for name, holder, key, value in places(module):
                if value.__class__ is not Tensor or value not in self.parameters:
                    array = value._data if value.__class__ is Tensor else value
                    found.append((("held", holder, key, name), (value, array.copy("K"))))
        for g in self._generators_now():
            found.append((("random", g), g.bit_generator.state))
        return found

    @staticmethod
    def restore(state: list[tuple[Any, Any]]) -> None:
        """Set all back, in the very arrays."""
        for (kind, own, *where), value in state:
            if kind == "parameter":
                own._data[...] = value
            elif kind == "gradient":
                own.grad = None if value is None else value[0]
                if value is not None:
                    value[0]._data[...] = value[1]
            elif kind == "memory":
                if isinstance(value, np.ndarray):
                    own[where[0]][...] = value
                else:
                    own[where[0]] = value
            elif kind == "held":
                own[where[0]] = value[0]
                array = value[0]._data if value[0].__class__ is Tensor else value[0]
                array[...] = value[1]
            else:
                own.bit_generator.state = value


def _generators(recording: Recording) -> list[np.random.Generator]:
    found: dict[int, np.random.Generator] = {}
    for op in recording.tape.ops:
        if op.kind == "call":
            found |= {id(x): x for x in op.args if isinstance(x, np.random.Generator)}
    return list(found.values())
