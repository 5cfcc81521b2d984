"""What one run of a function leaves, of which a program is made: its calls, and what becomes of all that it touched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..engine.arrays import Array
from ..engine.tensor import Tensor
from ..nn.module import Module
from .reading import Place
from .settings import OptimizerStep, Setting
from .tape import Op, Tape, Value


@dataclass(eq=False)
class Recording:
    """What one run did and gave: all that a program is made of."""

    tape: Tape
    arguments: list[Value]
    result: Any  # the form of what the function gives, with values in it
    assigned: list[tuple[Any, Any, Any]]  # (holder, key, form) of what forwards left in Modules
    gradients: list[tuple[Tensor, Value | None]]  # what .grad of a parameter is when the step is over
    parameters: dict[Tensor, Value]
    names: dict[int, str]  # what objects are called, by id
    objects: dict[str, Any]  # and which they are
    optimizers: list[OptimizerStep]
    modules: list[Module]
    settings: list[Setting]
    places: list[Place]  # where the function, and forwards of the user's, read by name
    returned: Any  # what the function gave in this run
    consumed: set[Tensor]  # parameters whose gradients an optimizer used up
    cleared: set[Tensor]  # and those whose gradients were forgotten before they were read
    without: set[Tensor]  # those that had none then, which counted
    entry_gradients: dict[Tensor, Array]  # those from before the step that were used
    had: dict[Tensor, bool]  # which had one, if the function looks at .grad itself
    held: list[Value]  # what Modules hold and the program reads
    attributes: list[tuple[Any, Any, Tensor, str]]  # where Modules hold their Tensors

    def release(self, others: list[Op]) -> None:
        """Let go of the arrays of the run, which these and other calls hold in circles."""
        for op in [*self.tape.ops, *others]:
            for v in [*op.values(), *op.into, *op.outputs]:
                if v.__class__ is Value:
                    v.storage.maker = v.maker = None
            op.args, op.options, op.outputs, op.into = (), {}, [], []
        for table in (self.tape.ops, self.tape.given, self.tape.constants, self.tape.kept, self.arguments):
            table.clear()
        for step in self.optimizers:
            step.rows.clear()
            step.counts.clear()
        self.result = self.returned = None
        self.assigned, self.gradients, self.held = [], [], []
