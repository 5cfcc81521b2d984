"""The steps of a run of `fit` as NumPy programs: what ``compile=True`` does.

Forward with backward is one program, the update another; between them `fit` looks whether all is finite, in Python.
Stands on compiling/, which is loaded only here and only on use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ..engine import random
from ..nn import Module
from ..optim.optimizer import Optimizer
from ..optim.schedules import Schedule
from ..watching import strict


class Steps:
    """The two functions of a step, each as it is or, where that is `wanted`, compiled."""

    def __init__(self, gradients: Callable[..., Any], update: Callable[..., Any], wanted: bool) -> None:
        self.gradients, self.compiled = gradients, wanted
        self._update: Any = update
        self._put_back: Callable[[], None] | None = None  # until both have become programs
        if wanted:
            from ..compiling.compile import compile

            self.gradients, self._update = compile(gradients), compile(update)

    def update(self) -> None:
        """What comes after the gradients."""
        self._update()
        if self._put_back is not None and self._update.programs:
            self._put_back = None

    @contextmanager
    def or_as_before(self, model: Module, optimizer: Optimizer, schedules: Sequence[Schedule]) -> Iterator[None]:
        """Within, a run trains; if not even one step can be compiled, all is as it was when the CompileError comes."""
        if not self.compiled:
            yield
            return
        from ..compiling.tape import CompileError

        self._put_back = snapshot(model, optimizer, schedules)
        try:
            yield
        except CompileError:
            if self._put_back is not None:
                self._put_back()
            raise


def snapshot(model: Module, optimizer: Optimizer, schedules: Sequence[Schedule]) -> Callable[[], None]:
    """A function that puts all of these, and the default Generator, back as they are now."""
    dice = random.generator().bit_generator.state
    put_back, rates = strict.snapshot(model, optimizer), [schedule.state_dict() for schedule in schedules]

    def restore() -> None:
        random.generator().bit_generator.state = dice
        try:
            for schedule, state in zip(schedules, rates, strict=True):
                schedule.load_state_dict(state)
        finally:  # after a schedule has set the rate that it would have, which somebody may have changed since
            put_back()

    return restore
