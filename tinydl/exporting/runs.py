"""What a model does with a batch: the operations that depend on what it is given, in their order.

Read translation.py next, which makes one graph of two such runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..compiling.tape import CompileError
from ..derivatives.quantising import fake_quantised
from ..engine.arrays import Array
from ..engine.checks import array_of
from ..engine.recording import no_grad, observing
from ..engine.tensor import Primitive, Tensor, wrap
from ..engine.trace import Scopes
from ..nn.module import Module
from ..watching.modes import mode
from .followed import OF_SHAPES, Followed, follow, following, is_followed, plain, reads

_PICKING = {"nonzero", "flatnonzero", "argwhere", "where"}  # the last with a condition alone


@dataclass(eq=False)
class Operation:
    """An operation of a run: a primitive, or a function of NumPy's, by its name, and what it gave."""

    name: str
    inputs: tuple[Any, ...]
    options: dict[str, Any]
    output: Array
    layer: str


class Run(Scopes):
    """An observer that writes down the operations whose results depend on what the model is given."""

    def __init__(self, given: Sequence[Tensor], learned: set[int]) -> None:
        super().__init__()
        self.operations: list[Operation] = []
        self.learned = learned
        self.of_parameters: dict[int, Operation] = {}  # those that take parameters alone, by the ids of their results
        self.outside: dict[int, tuple[str, Any]] = {}  # which function gave an array that has no origin, by its id
        self._arrays: dict[int, Array] = {}
        self._places: dict[Any, Array] = {}
        for t in given:
            self._remember(t)

    def _remember(self, t: Tensor) -> None:
        """By its array, which layers may use without the Tensor, and by where that lies, for views of it."""
        t._data = plain(t._data).view(Followed)
        self._arrays[id(t._data)] = t._data
        if (place := _place(t._data)) is not None:
            self._places.setdefault(place, t._data)

    def known(self, x: Any) -> Array | None:
        """The array, of what the model was given or an operation gave, whose elements, perhaps in another shape, these
        are."""
        array = x._data if x.__class__ is Tensor else x
        if not isinstance(array, np.ndarray):
            return None
        found = self._arrays.get(id(array))
        if found is None and getattr(array, "origin", None) is None and id(array) not in self.outside:
            found = self._places.get(_place(array))
        return found

    @property
    def layer(self) -> str:
        """Where the program is, as errors name it."""
        return self.running[-1][1].title if self.running else ""

    def _depends(self, x: Any) -> bool:
        if isinstance(x, (tuple, list)):
            return any(map(self._depends, x))
        return is_followed(x._data if x.__class__ is Tensor else x)

    def computed(self, output: Any, primitive: Primitive, inputs: Sequence[Any], options: dict[str, Any]) -> None:
        # weights on a grid are no constants to be computed once: the file keeps their whole numbers
        if primitive is fake_quantised or self._depends([*inputs, *options.values()]):
            self._remember(output)
            self.operations.append(Operation(primitive.name, tuple(inputs), options, output._data, self.layer))
            return
        if any(id(array_of(x)) in self.learned or id(array_of(x)) in self.of_parameters for x in inputs):
            made = Operation(primitive.name, tuple(inputs), options, output._data, self.layer)
            self.of_parameters[id(output._data)] = made

    def flattened(self, name: str, inputs: Sequence[Any], result: Any) -> Any:
        """A function without a slope: its answer is followed, and stands in for the array that it would have been."""
        if name in OF_SHAPES or not self._depends(inputs):
            return None
        if name in _PICKING:
            raise CompileError(self._where(f"how much np.{name} gives depends on values; write np.where(…, …, …)"))
        return self._stand_in(name, result)

    def _stand_in(self, name: str, result: Any) -> Any:
        if isinstance(result, tuple):
            return tuple(self._stand_in(name, item) for item in result)
        if not isinstance(result, (np.ndarray, np.generic)):
            raise CompileError(self._where(reads(f"np.{name}", np.shape(result))))
        made = wrap(follow(result))
        made.notes = {"array": True}
        if getattr(made._data, "origin", None) is None:
            self.outside[id(made._data)] = (name, made._data)
        return made

    def plainly(self, function: Callable[..., Any], inputs: Sequence[Any], changed: Sequence[Any]) -> Any:
        """What tinydl computes with plain arrays is followed as well."""
        if not self._depends(inputs):
            return None
        made = follow(function(*inputs))
        for x in made if isinstance(made, tuple) else (made,):
            if is_followed(x) and x.origin is None:
                self.outside[id(x)] = (function.__name__, x)
        return (made,)

    def as_one(self, function: Callable[..., Any], inputs: Sequence[Any]) -> Any:
        """So is what it computes within a primitive, also of arrays alone."""
        return (follow(function(*inputs)),) if self._depends(inputs) else None

    def detached(self, tensor: Tensor, made: Tensor) -> None:
        if self._depends(tensor):
            self._remember(made)
            self.operations.append(Operation("positive", (tensor,), {}, made._data, self.layer))

    def read(self, tensor: Tensor) -> None:
        if self._depends(tensor):
            raise CompileError(self._where(reads(".data, .item(), float(), if or the like", tensor.shape)))

    def _where(self, said: str) -> str:
        return f"{self.layer}: {said}" if self.layer else said


def _place(array: Array) -> Any:
    """Where the elements of an array lie, and in which order; None if there are gaps between them."""
    if not array.size or not array.flags.c_contiguous:
        return None
    return array.__array_interface__["data"][0], array.dtype, array.size


def run(model: Module, inputs: Sequence[Array], learned: set[int]) -> tuple[list[Array], Any, Run]:
    """What the model is given, what it gives in eval mode, and how; `learned` are its parameters, by id."""
    given = [wrap(x.copy()) for x in inputs]
    seen = Run(given, learned)
    following.on = True
    try:
        with mode(model, False), no_grad(), np.errstate(all="ignore"), observing(seen):
            output = model(*given)
    finally:
        following.on = False
    return [t._data for t in given], output, seen
