"""In which form a step gives its results: for the program, with values in it, and for the caller of the recorded run.

("tensor", value), ("array", value), ("number", value), ("items", type, forms), … are what text.py prints.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.tensor import Tensor, wrap
from ..nn.module import Module
from .asking import Number
from .tape import CompileError, Symbol, Value
from .watched import Watched

_GIVEN = (bool, int, float, complex, str, bytes, np.generic, np.dtype, slice, range, type, Module)


class Forms:
    """What a run gives, as long as its arrays are watched."""

    def __init__(self, parameters: dict[Tensor, Value], visited: set[Tensor], see: Callable[[Tensor], None]) -> None:
        self.parameters, self.visited, self.see = parameters, visited, see
        self.floats: dict[int, tuple[float, Value]] = {}  # what float() gave, by id

    def form(self, x: Any) -> tuple[Any, Any]:
        """The form of what the function gives, for the program, and what it gave, with plain arrays."""
        if x.__class__ is Tensor:
            return self.of_tensor(x)
        if x.__class__ is float and id(x) in self.floats:
            return ("float", self.floats[id(x)][1]), x
        if x.__class__ is Number:
            return ("number", x.of), x.value
        if x.__class__ is Symbol:
            return ("number", x), x.value
        if isinstance(x, Watched):
            value = self._escaping(x)
            array = value.array.copy()
            return (("ndarray", value), array) if x.ndim or value.boxed else (("array", value), array[()])
        kind = type(x)
        if kind in (list, tuple) or (isinstance(x, tuple) and hasattr(x, "_make")):
            pairs = [self.form(item) for item in x]
            items = [given for _, given in pairs]
            made = x._make(items) if hasattr(x, "_make") else kind(items)
            return ("items", kind, [form for form, _ in pairs]), made
        if kind is dict:
            both = {key: self.form(item) for key, item in x.items()}
            return ("dict", {k: form for k, (form, _) in both.items()}), {k: given for k, (_, given) in both.items()}
        if type(x) is np.ndarray:
            return ("copy", x.copy()), x
        if x is None or isinstance(x, _GIVEN):
            return ("object", x), x
        raise CompileError(
            f"the function gives a {type(x).__name__}; a program gives Tensors, arrays, numbers, strings, and lists, "
            "tuples and dicts of them. Make it of these outside"
        )

    def of_tensor(self, x: Tensor, kept: bool = False) -> tuple[Any, Any]:
        """That of a Tensor; one that a forward keeps may still require a gradient, but comes without its graph."""
        if x in self.parameters:
            return ("object", x), x
        if not isinstance(x._data, Watched):
            self.see(x)
        if x._requires_grad and x not in self.visited and not kept:
            raise CompileError(
                f"the function gives a Tensor of shape {x.shape} that requires a gradient, but no backward pass inside "
                "of it went through that: the program keeps no graph. Compile the whole step, with backward(), or call "
                "it under tl.no_grad(), or return .detach()"
            )
        value = self._escaping(x._data)
        if x.notes is not None and "array" in x.notes:
            if value.storage.kind == "argument" and value.maker is None:
                return ("argument", value), value.array
            array = value.array.copy("K")
            if not array.ndim and x.notes["array"] and not value.boxed:
                return ("array", value), array[()]
            return ("ndarray", value), array
        return ("tensor", value), wrap(value.array.copy("K"))

    def _escaping(self, array: Any) -> Value:
        value: Value = array.watched[1]
        value.storage.escapes = True
        return value
