"""Whether a program and the function that it was made of did the same, and if not, where they part."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.tensor import Tensor


def difference(ours: Any, theirs: Any, after: Any, expected: Any, program: Any) -> str:
    """What differs in results and state, in words; "" if nothing does."""
    if (found := _differ(ours, theirs, "the result")) is not None:
        return found
    for (where, a), (_, b) in zip(after, expected, strict=True):
        kind = where[0]
        if kind == "grad" and (a is None) and where[1] in program.recording.consumed:
            continue
        if kind in ("grad", "held"):
            a, b = (None if a is None else a[1]), (None if b is None else b[1])
        if kind == "random":
            if a != b:
                return "other random numbers were drawn"
            continue
        name = {
            "data": "the parameter",
            "grad": "the gradient of",
            "memory": "the optimizer's",
            "held": "what is kept as",
        }
        what = where[-1] if isinstance(where[-1], str) else program.recording.names.get(id(where[1]), "a Tensor")
        if (found := _differ(a, b, f"{name[kind]} {what}")) is not None:
            return found
    return ""


def _differ(a: Any, b: Any, what: str) -> str | None:
    if isinstance(a, Tensor) or isinstance(b, Tensor):
        if not (isinstance(a, Tensor) and isinstance(b, Tensor)):
            return f"{what} is a {type(a).__name__}, not a {type(b).__name__}"
        return _differ(a._data, b._data, what)
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)) and len(a) == len(b):
        return next((d for x, y in zip(a, b, strict=True) if (d := _differ(x, y, what)) is not None), None)
    if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
        return next((d for k in a if (d := _differ(a[k], b[k], f"{what}[{k!r}]")) is not None), None)
    if isinstance(a, (np.ndarray, np.generic)) and isinstance(b, (np.ndarray, np.generic)):
        if a.dtype != b.dtype or a.shape != b.shape:
            return f"{what} is of shape {a.shape} and {a.dtype}, not {b.shape} and {b.dtype}"
        if a.tobytes() != b.tobytes():
            return f"{what} has other numbers"
        return None
    if type(a) is not type(b) or not (a == b or (a != a and b != b)):
        return f"{what} is {a!r}, not {b!r}"
    return None
