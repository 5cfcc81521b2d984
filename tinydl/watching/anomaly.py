"""Finding the operation that is to blame: where a NaN came from, whose saved array was changed.

An observer of the engine that costs nothing while it isn't in use. Stands on lines.py, which says which line it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..engine.arrays import Array, ChangedValueError, as_array, is_array, on_host
from ..engine.checks import first
from ..engine.dispatch import unwrap
from ..engine.recording import Observer, observing
from ..engine.tensor import Primitive, Tensor
from .lines import note, user_line


class _Anomaly(Observer):
    def __init__(self) -> None:
        self.root: Tensor | None = None

    def computed(self, output: Tensor, primitive: Primitive, inputs: Sequence[Any], options: dict[str, Any]) -> None:
        note(output, "line", user_line())
        arrays = [unwrap(x) for x in inputs]
        if not _finite(output.data) and all(_finite(a) for a in arrays):
            index = first(~np.isfinite(output.data))
            raise FloatingPointError(
                f"{primitive.name} gave {output.data[index]} at index {_show(index)} though its inputs are finite "
                f"({_near(arrays, index, output.shape)}), at {output.notes['line'] if output.notes else '?'}"
            )
        if output.primitive is not None:
            saved = [a for a in (*arrays, output.data, *_inside(options.values())) if is_array(a)]
            note(output, "saved", [(a, a.copy()) for a in saved])

    def backward_started(self, nodes: Sequence[Tensor]) -> None:
        self.root = nodes[0] if nodes else None
        for node in reversed(nodes):
            for array, before in (node.notes or {}).get("saved", ()):
                if array.shape != before.shape or not np.array_equal(array, before, equal_nan=array.dtype.kind == "f"):
                    raise ChangedValueError(_what_changed(node, array, before))

    def gradient_computed(self, node: Tensor, position: int, g: Any, gradient: Any) -> None:
        arrived, gradient = unwrap(g), unwrap(gradient)
        operation = node.primitive.name if node.primitive else "?"
        line = (node.notes or {}).get("line", "a line outside this detect_anomaly()")
        if not _finite(arrived):
            if node is not self.root:
                raise FloatingPointError(
                    f"the gradients arriving at {operation} ({line}) are finite, but their sum is not"
                )
            return
        if not _finite(gradient) and all(_finite(unwrap(x)) for x in (*node.inputs, node)):
            index = first(~np.isfinite(gradient))
            arrays = [unwrap(x) for x in node.inputs]
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


def _finite(x: Any) -> bool:
    array = as_array(0 if x is None else x)
    return array.dtype.kind not in "fc" or bool(np.isfinite(array).all())


def _show(index: tuple[int, ...]) -> str:
    return str(index[0] if len(index) == 1 else index)


def _near(arrays: Sequence[Any], index: tuple[int, ...], shape: tuple[int, ...]) -> str:
    """The inputs' values at the index, where they line up with the output, and otherwise their range."""
    texts = []
    for i, array in enumerate(arrays):
        if array is None or isinstance(array, str):
            continue
        array = on_host(array)
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
    index = first((array != before) & ~((array != array) & (before != before)))
    return (
        f"an array of shape {array.shape} that {operation} saved for its backward pass at {line} was changed since: "
        f"index {_show(index)} was {before[index]} and is {array[index]}. Change a copy instead (x.numpy() gives one)."
    )
