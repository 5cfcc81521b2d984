"""Whether a program and the function that it was made of did the same, and if not, where they part."""

from __future__ import annotations

import linecache
import os
import zlib
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..engine.tensor import Tensor
from .tape import Op, Storage, Symbol, Value

Trail = list[tuple[Any, tuple[str, str, Any]]]


def difference(ours: Any, theirs: Any, after: Any, expected: Any, program: Any) -> str:
    """What differs in results and state, in words; "" if nothing does."""
    if (found := _differ(ours, theirs, "the result")) is not None:
        return found
    if len(after) != len(expected):
        return "Modules or optimizers hold other arrays afterwards"
    for (where, a), (_, b) in zip(after, expected, strict=True):
        kind, own, *rest = where
        if kind == "random" and a != b:
            return "other random numbers were drawn"
        if kind == "random" or (kind == "gradient" and a is None and own in program.consumed):
            continue
        if kind in ("gradient", "held"):
            a, b = (x if x is None else x[1] for x in (a, b))
        name = rest[-1] if rest else program.names.get(id(own), "a Tensor")
        if (found := _differ(a, b, f"{_WHAT[kind]} {name}")) is not None:
            return found
    return ""


_WHAT = {"parameter": "the parameter", "gradient": "the gradient of", "memory": "the optimizer's", "held": "the kept"}


def _differ(a: Any, b: Any, what: str) -> str | None:
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        a, b = a._data, b._data
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)) and len(a) == len(b):
        return next((d for x, y in zip(a, b, strict=True) if (d := _differ(x, y, what)) is not None), None)
    if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
        return next((d for k in a if (d := _differ(a[k], b[k], f"{what}[{k!r}]")) is not None), None)
    if type(a) is not type(b):
        return f"{what} is of type {type(a).__name__}, not {type(b).__name__}"
    if isinstance(a, (np.ndarray, np.generic)):
        if a.dtype != b.dtype or a.shape != b.shape:
            return f"{what} is of shape {a.shape} and {a.dtype}, not {b.shape} and {b.dtype}"
        return None if are_the_same(a, b) else f"{what} has other numbers"
    return None if a is b or repr(a) == repr(b) else f"{what} is {a!r}, not {b!r}"


def are_the_same(a: Any, b: Any) -> bool:
    """Whether two arrays of one shape and dtype have the same bits, or NaN both: the sign of the sum of two NaNs is
    that of either, as their memory is aligned, also where the same function runs twice."""
    if a.tobytes() == b.tobytes():
        return True
    if a.dtype.kind != "f":
        return False
    lost = np.isnan(a)
    there = np.where(lost, 0, a).tobytes() == np.where(lost, 0, b).tobytes()
    return there and np.array_equal(lost, np.isnan(b))


# ---- the way that a run took ----


def trail(ops: Iterable[Op]) -> Trail:
    """Of each call what it was and what went in, but for the numbers of what isn't constant; and where it was made."""
    numbers: dict[Storage, int] = {}
    calls = [op for op in ops if op.kind != "note"]
    return [((op.kind, op.name, *_keys(op, numbers)), (op.note, op.scope, op.line)) for op in calls]


def _place(note: str, scope: str, line: Any) -> str:
    """Where a call was made: the operation, the layer, the user's line."""
    said = [note and f"in {note}", scope and f"of layer {scope}"]
    if line:
        name, number = line
        said.append(f"({os.path.basename(name)}:{number}: {linecache.getline(name, number).strip()})")
    return " ".join(filter(None, said))


def _keys(op: Op, numbers: dict[Storage, int]) -> list[Any]:
    keys = [_key(x, numbers) for x in op.args]
    return [*keys, _key(op.options, numbers)] if op.options else keys


def _key(x: Any, numbers: dict[Storage, int]) -> Any:
    if x.__class__ is Value:
        if x.storage.kind != "constant":
            return numbers.setdefault(x.storage, len(numbers)), x.array.shape
        array = x.array if x.array.nbytes <= 2**20 else x.array.reshape(-1)[:1024]
        return "constant", x.array.shape, x.array.dtype.str, zlib.crc32(np.ascontiguousarray(array).tobytes())
    if x.__class__ is Symbol:
        return "number", x.text
    if isinstance(x, (tuple, list)):
        return tuple([_key(item, numbers) for item in x])
    if isinstance(x, dict):
        return tuple([(name, _key(item, numbers)) for name, item in x.items()])
    if isinstance(x, slice):
        return "slice", *(_key(item, numbers) for item in (x.start, x.stop, x.step))
    return repr(x) if isinstance(x, (bool, int, float, str, np.generic, type(None))) else id(x)


def parting(then: Trail, now: Trail) -> str:
    """Where two runs of a function part, in words."""
    for (a, there), (b, here) in zip(then, now, strict=False):
        if a != b:
            name = b[1].lstrip(".[]") or {"set": "an item assignment"}.get(b[0], "an index")
            where = _place(*here) or _place(*there)
            return f"{name} {where} was recorded with other numbers or in another way than it runs now"
    if len(then) != len(now):
        return "another number of calls was recorded than are made now"
    return "no call of theirs differs: the program itself is wrong, which is a fault of tinydl; please report it"
