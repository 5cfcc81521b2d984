"""What an answer was tried with, and what came out, short enough to be read."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..engine.arrays import Array
from ..engine.tensor import Tensor

FEW = 8  # numbers of an array that are shown whole
SHAPES = ("raises", "shape", "count", "type", "transposed", "returns_nothing", "prints")  # where numbers say little


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
            self.outcome = f"gave{which} the shape {got.shape}, {expected.shape} is right"
        elif got.size <= FEW:
            self.outcome = f"gave{which} {shown(got)}, {shown(expected)} is right"
        else:
            off = np.nan_to_num(np.abs(got - expected), nan=np.inf, posinf=np.inf)
            index = tuple(map(int, np.unravel_index(int(np.argmax(off)), off.shape)))
            place = ", ".join(map(str, index))
            self.outcome = f"gave{which} {got[index]:.4g} at index [{place}], {expected[index]:.4g} is right"

    def text(self, code: str) -> str:
        """The input in a sentence, by its shapes alone where its numbers say little; "" before any call."""
        if not self.arguments:
            return ""
        given = ", ".join(f"{name} {shown(value, code in SHAPES)}" if _is_large(value, code) else
                          f"{name} = {shown(value)}" for name, value in self.arguments.items())  # fmt: skip
        return f"Tried with {given}" + (f": it {self.outcome}." if self.outcome else ".")


def _is_large(value: Any, code: str) -> bool:
    return isinstance(value, np.ndarray) and value.ndim > 0 and (value.size > FEW or code in SHAPES)


def shown(value: Any, shape_alone: bool = False) -> str:
    """A value in few characters: the numbers of a small array; of a large one its shape, and how it begins."""
    if isinstance(value, Tensor):
        value = value.detach().numpy()
    if isinstance(value, np.ndarray | np.generic):
        if shape_alone and value.ndim:
            return str(value.shape)
        if value.size > FEW:
            return f"{value.shape}, which begins with {', '.join(map(_number, value.ravel()[:3]))}"
        return _nested(value.tolist())
    if callable(value):
        return str(getattr(value, "__name__", type(value).__name__))
    if isinstance(value, float):
        return _number(value)
    text = str(value)
    return text if len(text) <= 100 else text[:100] + " ..."


def _nested(value: Any) -> str:
    return f"[{', '.join(map(_nested, value))}]" if isinstance(value, list) else _number(value)


def _number(value: Any) -> str:
    return str(value) if isinstance(value, bool | int | np.bool_ | np.integer) else f"{value:.4g}"


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
