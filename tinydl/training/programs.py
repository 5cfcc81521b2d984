"""The steps of a run of `fit` as NumPy programs: what ``compile=True`` does.

Forward with backward is one program, the update another; between them `fit` looks whether all is finite, in Python.
Stands on compiling/, which is loaded only here and only on use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..engine import random
from ..nn import Module
from ..optim.optimizer import Optimizer
from ..optim.schedules import Schedule
from ..watching.strict import snapshot


class Steps:
    """The two functions of a step, each as it is or, where that is `wanted`, compiled."""

    def __init__(self, gradients: Callable[..., Any], update: Callable[..., Any], wanted: bool) -> None:
        self.gradients, self.compiled = gradients, wanted
        self.update: Any = update
        if wanted:
            from ..compiling.compile import compile

            self.gradients, self.update = compile(gradients), compile(update)

    @contextmanager
    def or_as_before(self, model: Module, optimizer: Optimizer, schedule: Schedule | None) -> Iterator[None]:
        """Within, a run trains; if not even one step can be compiled, all is as it was when the CompileError comes."""
        if not self.compiled:
            yield
            return
        from ..compiling.tape import CompileError

        dice, warming = random.generator().bit_generator.state, optimizer.warming
        put_back, rates = snapshot(model, optimizer), None if schedule is None else schedule.state_dict()
        try:
            yield
        except CompileError:
            if not self.update.programs:
                put_back()
                random.generator().bit_generator.state, optimizer.warming = dice, warming
                if schedule is not None and rates is not None:
                    schedule.load_state_dict(rates)
            raise
