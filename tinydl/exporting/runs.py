"""What a model does with a batch, as operations of the table, and what of that depends on how many rows there are.

A model is run on batches of two sizes and other values. What both runs have alike is a constant of the model; where
shapes grow with the rows, that is the batch axis; and what was computed from the values outside of all operations
differs in a way that no file could say, and is refused. Stands on engine/trace.py; read graphs.py next.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..compiling.tape import CompileError
from ..engine.arrays import Array
from ..engine.recording import no_grad, observing
from ..engine.tensor import Primitive, Tensor, wrap
from ..engine.trace import Scopes
from ..functional.attention import of_booleans
from ..nn.module import Module
from ..training import care

# functions without a slope, whose answers are plain arrays, that have a line in the table of operators
FLAT = {
    "equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "logical_and", "logical_or", "logical_not",
    "logical_xor", "bitwise_and", "bitwise_or", "bitwise_xor", "invert", "isnan", "isinf", "sign", "floor", "ceil",
    "rint", "trunc",
}  # fmt: skip


@dataclass(eq=False)
class Operation:
    """An operation of a run: a primitive, or a function without a slope, by its name."""

    name: str
    inputs: tuple[Any, ...]
    options: dict[str, Any]
    output: Tensor
    layer: str


class Run(Scopes):
    """An observer that writes down all operations whose results depend on what the model is given."""

    def __init__(self, given: Sequence[Tensor]) -> None:
        super().__init__()
        self.operations: list[Operation] = []
        self.outside: dict[int, tuple[str, Any]] = {}  # what functions that have no line gave, by its id
        self._arrays: dict[int, Tensor] = {}
        self._places: dict[Any, Tensor] = {}
        for t in given:
            self._remember(t)

    def _remember(self, t: Tensor) -> None:
        """By its array, which layers may use without the Tensor, and by where that lies, for views of it."""
        self._arrays[id(t._data)] = t
        if (place := _place(t._data)) is not None:
            self._places.setdefault(place, t)

    def tensor(self, x: Any) -> Tensor | None:
        """The Tensor that depends on what is given and whose elements, perhaps in another shape, these are."""
        array = x._data if x.__class__ is Tensor else x
        if not isinstance(array, np.ndarray):
            return None
        found = self._arrays.get(id(array))
        return self._places.get(_place(array)) if found is None else found

    @property
    def layer(self) -> str:
        """Where the program is, as errors name it."""
        return self.running[-1][1].title if self.running else ""

    def _depends(self, x: Any) -> bool:
        if isinstance(x, (tuple, list)):
            return any(map(self._depends, x))
        return self.tensor(x) is not None

    def _add(self, name: str, inputs: Sequence[Any], options: dict[str, Any], output: Tensor) -> None:
        if self._depends([*inputs, *options.values()]):
            if id(output._data) in self._arrays:  # an operation that gave its input's own array
                output._data = output._data.view()
            self.operations.append(Operation(name, tuple(inputs), options, output, self.layer))
            self._remember(output)

    def computed(self, output: Any, primitive: Primitive, inputs: Sequence[Any], options: dict[str, Any]) -> None:
        self._add(primitive.name, inputs, options, output)

    def flattened(self, name: str, inputs: Sequence[Any], result: Any) -> Any:
        if not self._depends(inputs):
            return None
        if name not in FLAT:
            self.outside[id(result)] = (name, result)
            return None
        output = wrap(np.asarray(result))
        self._add(name, inputs, {}, output)
        return output

    def plainly(self, function: Callable[..., Any], inputs: Sequence[Any], changed: Sequence[Any]) -> Any:
        if function is not of_booleans or not self._depends(inputs[:1]):
            return None
        made = function(*inputs)
        self._add("of_booleans", inputs[:1], {"looks": inputs[1]}, wrap(made))
        return (made,)

    def detached(self, tensor: Tensor, made: Tensor) -> None:
        self._add("positive", (tensor,), {}, made)

    def read(self, tensor: Tensor) -> None:
        if self.tensor(tensor) is not None:
            where = f"{self.layer}: " if self.layer else ""
            raise CompileError(
                f"{where}the model reads the values of a Tensor of shape {tensor.shape}, by .data, .item(), float(), "
                "if or the like, and what it then does could not stand in the file; compute with Tensors, and decide "
                "by np.where"
            )


def _place(array: Array) -> Any:
    """Where the elements of an array lie, and in which order; None if there are gaps between them."""
    if not array.size or not array.flags.c_contiguous:
        return None
    return array.__array_interface__["data"][0], array.dtype, array.size


def run(model: Module, inputs: Sequence[Array]) -> tuple[list[Tensor], Any, Run]:
    """What the model is given, as Tensors, what it gives in eval mode, and how it came to that."""
    given = [wrap(x.copy()) for x in inputs]
    seen = Run(given)
    with care.mode(model, False), no_grad(), observing(seen):
        output = model(*given)
    return given, output, seen
