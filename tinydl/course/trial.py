"""What an answer was tried with, and what came out, short enough to be read."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..engine.arrays import Array

FEW = 6  # numbers of an array that are shown whole, and at most 4 of one that came out
# where the shapes of arrays tell enough
SHAPES = frozenset(["raises", "shape", "count", "type", "transposed", "returns_nothing", "prints", "changes_inputs",
                    "unwritten", "memory"])  # fmt: skip


class Trial:
    """The call that is being judged: the arguments by their names, and what came out where it differs."""

    def __init__(self) -> None:
        self.arguments: dict[str, Any] = {}
        self.outcome = self.remark = ""  # the remark is on an exception

    def begin(self, names: Sequence[str], arguments: Sequence[Any]) -> None:
        """The next call."""
        self.arguments, self.outcome = dict(zip(names, arguments, strict=False)), ""

    def differs(self, got: Array, expected: Array, which: str) -> None:
        """What came out, and what is right."""
        if got.shape != expected.shape:
            self.outcome = f"it gave{which} the shape {got.shape}, where {expected.shape} is right"
            return
        place = ""
        if got.size > FEW - 2:
            off = np.nan_to_num(np.abs(got - expected), nan=np.inf, posinf=np.inf)
            index = tuple(map(int, np.unravel_index(int(np.argmax(off)), off.shape)))
            got, expected, place = got[index], expected[index], f"at index [{', '.join(map(str, index))}] "
        digits = next((n for n in (4, 8, 12) if shown(got, n) != shown(expected, n)), 17)
        self.outcome = f"{place}it gave{which} {shown(got, digits)}, where {shown(expected, digits)} is right"

    def text(self, code: str) -> str:
        """The input in a sentence, by its shapes alone where its numbers say little; "" before any call."""
        if not self.arguments:
            return ""
        given = ", ".join(f"{name} {value.shape}{'' if code in SHAPES else _beginning(value)}"
                          if _is_large(value, code) else f"{name} = {shown(value)}"
                          for name, value in self.arguments.items())  # fmt: skip
        return f"Tried with {given}" + (f": {self.outcome}." if self.outcome else ".")


def _is_large(value: Any, code: str) -> bool:
    return isinstance(value, np.ndarray) and value.ndim > 0 and (value.size > FEW or code in SHAPES)


def _beginning(value: Array) -> str:
    return f", which begins with {', '.join(_number(v, 4) for v in value.ravel()[:3])}"


def shown(value: Any, digits: int = 4) -> str:
    """A value in few characters."""
    if isinstance(value, np.ndarray | np.generic):
        return _nested(value.tolist(), digits)
    if callable(value):
        return str(getattr(value, "__name__", type(value).__name__))
    if isinstance(value, float):
        return _number(value, digits)
    text = repr(value)
    return text if len(text) <= 100 else text[:100] + " ..."


def _nested(value: Any, digits: int) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_nested(v, digits) for v in value)}]"
    return _number(value, digits)


def _number(value: Any, digits: int) -> str:
    return str(value) if isinstance(value, bool | int | np.bool_ | np.integer) else f"{value:.{digits}g}"


def names_of(answer: Callable[..., Any], solution: Callable[..., Any], count: int) -> list[str]:
    """What the answer calls its arguments, else what the solution does."""
    for function in (answer, solution):
        names = parameters(function)
        if len(names) >= count:
            return names[:count]
    return [f"argument {number + 1}" for number in range(count)]


def parameters(function: Callable[..., Any]) -> list[str]:
    """The names of the arguments that can be given by position."""
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    return [p.name for p in found if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
