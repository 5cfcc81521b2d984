"""A run written down: which operations were computed, in which Modules, and what each Module gave.

`Scopes` is an observer that knows at any time inside of which Modules the program is; `Trace` writes the run down, for
whoever looks at it afterwards: summary, diagnose, pictures. It holds what it saw, so keep it no longer than needed.
Stands on tensor.py and recording.py; a Module is whatever has `named_modules`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from .recording import Observer
from .tensor import Primitive, Tensor


class Scope(NamedTuple):
    """One call of a Module: the how-manieth it was, the Module's name in the outermost one ("" for that), its type."""

    call: int
    path: str
    kind: str

    @property
    def title(self) -> str:
        """As errors name the layer: "1 (Linear)"."""
        return f"{self.path} ({self.kind})" if self.path else self.kind


def name_in(outer: Any, inner: Any) -> str:
    """The name of a Module in the one that calls it; "" if it is no part of that."""
    return next((name for name, module in outer.named_modules() if module is inner), "")


class Scopes(Observer):
    """Follows the Modules whose forward is running, the outermost first."""

    def __init__(self) -> None:
        self.calls_so_far = 0
        self.running: list[tuple[Any, Scope]] = []

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """Where the program is, the outermost Module first."""
        return tuple(scope for _, scope in self.running)

    def module_entered(self, module: Any) -> None:
        self.calls_so_far += 1
        path = ""
        if self.running:
            outer, scope = self.running[-1]
            path = ".".join(filter(None, [scope.path, name_in(outer, module)]))
        self.running.append((module, Scope(self.calls_so_far, path, type(module).__name__)))

    def module_left(self, module: Any, output: Any) -> None:
        self.running.pop()


@dataclass(eq=False)
class Operation:
    """An operation that was computed, recorded or not, and the Modules it was computed in, the outermost first."""

    primitive: Primitive
    inputs: tuple[Any, ...]
    options: dict[str, Any]
    output: Tensor
    scopes: tuple[Scope, ...]

    @property
    def name(self) -> str:
        """The primitive's."""
        return self.primitive.name

    @property
    def layer(self) -> str:
        """The title of the innermost Module; "" outside of all."""
        return self.scopes[-1].title if self.scopes else ""


@dataclass(eq=False)
class Call:
    """One run of a Module's forward: how deep inside of others it was, and what it gave (None while it runs)."""

    module: Any
    scope: Scope
    depth: int
    output: Any = None


class Trace(Scopes):
    """The operations in the order in which they were computed, the calls in which the Modules were entered."""

    def __init__(self) -> None:
        super().__init__()
        self.operations: list[Operation] = []
        self.calls: list[Call] = []

    def module_entered(self, module: Any) -> None:
        super().module_entered(module)
        self.calls.append(Call(module, self.running[-1][1], len(self.running) - 1))

    def module_left(self, module: Any, output: Any) -> None:
        self.calls[self.running[-1][1].call - 1].output = output
        super().module_left(module, output)

    def computed(self, output: Tensor, primitive: Primitive, inputs: Sequence[Any], options: dict[str, Any]) -> None:
        self.operations.append(Operation(primitive, tuple(inputs), options, output, self.scopes))
