"""Finding the operation that is to blame: where a NaN came from, whose saved array was changed, which line it was.

Both tools are observers of the engine (tensor.py) and cost nothing while they are not in use.
"""

from __future__ import annotations

import linecache
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from .arrays import Array, ChangedValueError
from .recording import Observer, observing
from .tensor import Primitive, Tensor

_OURS = os.path.dirname(os.path.abspath(__file__)) + os.sep
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


class _Anomaly(Observer):
    def __init__(self) -> None:
        self.root: Tensor | None = None

    def computed(self, output: Tensor, primitive: Primitive, inputs: Sequence[Any], options: dict[str, Any]) -> None:
        note(output, "line", user_line())
        arrays = [_array(x) for x in inputs]
        if not _finite(output.data) and all(_finite(a) for a in arrays):
            index = _first(~np.isfinite(output.data))
            raise FloatingPointError(
                f"{primitive.name} gave {output.data[index]} at index {_show(index)} though its inputs are finite "
                f"({_near(arrays, index, output.shape)}), at {output.notes['line'] if output.notes else '?'}"
            )
        if output.primitive is not None:
            saved = [a for a in (*arrays, output.data, *_inside(options.values())) if isinstance(a, np.ndarray)]
            note(output, "saved", [(a, a.copy()) for a in saved])

    def backward_started(self, nodes: Sequence[Tensor]) -> None:
        self.root = nodes[0] if nodes else None
        for node in reversed(nodes):
            for array, before in (node.notes or {}).get("saved", ()):
                if array.shape != before.shape or not np.array_equal(array, before, equal_nan=array.dtype.kind == "f"):
                    raise ChangedValueError(_what_changed(node, array, before))

    def gradient_computed(self, node: Tensor, position: int, g: Any, gradient: Any) -> None:
        arrived, gradient = _array(g), _array(gradient)
        operation = node.primitive.name if node.primitive else "?"
        line = (node.notes or {}).get("line", "a line outside this detect_anomaly()")
        if not _finite(arrived):
            if node is not self.root:
                raise FloatingPointError(
                    f"the gradients arriving at {operation} ({line}) are finite, but their sum is not"
                )
            return
        if not _finite(gradient) and all(_finite(_array(x)) for x in (*node.inputs, node)):
            index = _first(~np.isfinite(gradient))
            arrays = [_array(x) for x in node.inputs]
            raise FloatingPointError(
                f"in the backward pass the rule of {operation} gave {gradient[index]} for input {position} at index "
                f"{_show(index)} though all that went in is finite ({_near(arrays, index, gradient.shape)}), at {line}"
            )


@contextmanager
def detect_anomaly() -> Iterator[None]:
    """Within ``with detect_anomaly():`` the first operation that goes wrong says so.

    Raises FloatingPointError at the first operation whose result is not finite though its inputs are, forward or
    backward; ChangedValueError in a backward pass that finds an array, saved by an operation in this context, changed
    since (through a NumPy alias, a view or `.data`), with the operation, its line, the first index, old and new value.
    Every saved array is copied and compared: for finding faults, not for training.
    """
    with observing(_Anomaly()):
        yield


def _inside(values: Iterable[Any]) -> Iterator[Any]:
    """What options hold, such as the arrays of an index."""
    for value in values:
        if isinstance(value, (tuple, list)):
            yield from _inside(value)
        else:
            yield value


def _array(x: Any) -> Any:
    return x.data if isinstance(x, Tensor) else x


def _finite(x: Any) -> bool:
    if x is None or np.asarray(x).dtype.kind not in "fc":
        return True
    return bool(np.isfinite(x).all())


def _first(wrong: Array) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(wrong)), wrong.shape))


def _show(index: tuple[int, ...]) -> str:
    return "()" if not index else str(index[0]) if len(index) == 1 else str(index)


def _near(arrays: Sequence[Any], index: tuple[int, ...], shape: tuple[int, ...]) -> str:
    """The inputs' values at the index, where they line up with the output, and otherwise their range."""
    texts = []
    for i, array in enumerate(arrays):
        if array is None or isinstance(array, str):
            continue
        array = np.asarray(array)
        try:
            texts.append(f"input {i} there: {np.broadcast_to(array, shape)[index]}")
        except ValueError:
            low, high = (array.min(), array.max()) if array.size else ("nothing", "nothing")
            texts.append(f"input {i} of shape {array.shape} from {low} to {high}")
    return ", ".join(texts)


def _what_changed(node: Tensor, array: Array, before: Array) -> str:
    operation, line = node.primitive.name if node.primitive else "?", (node.notes or {}).get("line")
    if array.shape != before.shape:
        return f"an array that {operation} saved at {line} had shape {before.shape} and has {array.shape} now"
    index = _first((array != before) & ~((array != array) & (before != before)))
    return (
        f"an array of shape {array.shape} that {operation} saved for its backward pass at {line} was changed since: "
        f"index {_show(index)} was {before[index]} and is {array[index]}. Change a copy instead (x.numpy() gives one)."
    )
