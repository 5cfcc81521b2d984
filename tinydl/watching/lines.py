"""Which line of the user's code made an operation, and in which Modules: an observer of the engine.

It costs nothing while it isn't in use. anomaly.py, strict.py and explaining/ tell with it where something happened.
"""

from __future__ import annotations

import linecache
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from ..engine.recording import Observer, observing
from ..engine.tensor import Primitive, Tensor

_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep  # the package's folder
_NUMPY = os.path.dirname(os.path.abspath(np.__file__)) + os.sep


def user_line() -> str:
    """The line outside tinydl and NumPy that is running: ``"train.py:12: y = np.log(x)"``."""
    frame = sys._getframe(1)
    while frame.f_back and frame.f_code.co_filename.startswith((_OURS, _NUMPY, "<__array_function__")):
        frame = frame.f_back
    name, number = frame.f_code.co_filename, frame.f_lineno
    code = linecache.getline(name, number).strip()
    return f"{os.path.basename(name)}:{number}" + (f": {code}" if code else "")


def note(t: Tensor, key: str, value: Any) -> None:
    """Leave something with the operation that made `t`, for as long as its graph lives."""
    if t.notes is None:
        t.notes = {}
    t.notes[key] = value


class Scope(NamedTuple):
    """One call of a Module: the how-manieth it was, the Module's name in the outermost one ("" for that), its type."""

    call: int
    path: str
    kind: str

    @property
    def title(self) -> str:
        """As errors name the layer: "1 (Linear)"."""
        return f"{self.path} ({self.kind})" if self.path else self.kind


class _SourceLines(Observer):
    def __init__(self) -> None:
        self.calls = 0
        self.running: list[tuple[Any, Scope]] = []
        self.names: dict[Tensor, str] = {}  # of the outermost running Module's parameters

    def computed(self, output: Tensor, primitive: Primitive, inputs: Sequence[Any], options: dict[str, Any]) -> None:
        note(output, "line", user_line())
        if self.running:
            note(output, "modules", tuple(scope for _, scope in self.running))
            note(output, "names", self.names)

    def module_entered(self, module: Any) -> None:
        self.calls += 1
        if not self.running:
            self.names = {p: name for name, p in module.named_parameters()}
            path = ""
        else:
            outer, scope = self.running[-1]
            name = next((name for name, inner in outer.named_modules() if inner is module), "")
            path = ".".join(filter(None, [scope.path, name]))
        self.running.append((module, Scope(self.calls, path, type(module).__name__)))

    def module_left(self, module: Any) -> None:
        if self.running:
            self.running.pop()


@contextmanager
def source_lines() -> Iterator[None]:
    """Within ``with source_lines():`` every operation remembers the line of the user's code that made it.

    And the Modules that it was computed in. `tl.explain` shows them; ``t.notes["line"]`` has the line of a Tensor.
    """
    with observing(_SourceLines()):
        yield
