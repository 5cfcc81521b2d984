"""What a hand would write shorter: nothing is computed twice, and a mask is applied in place.

Both change only where a result lies or who makes it, never a bit of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection
from typing import Any

import numpy as np

from ..derivatives.elementwise import BITS, masked
from .tape import Op, Storage, Symbol, Value

_PURE = {"ufunc", "reduce", "function", "method", "call"}
_OPPOSITE = {np.not_equal: np.equal, np.equal: np.not_equal}


class _Uses:
    """Where each storage is read, written and given, by the places of the calls in the list."""

    def __init__(self, ops: list[Op]) -> None:
        self.reads: dict[Storage, list[int]] = {}
        self.writes: dict[Storage, list[int]] = {}
        self.gives: dict[Storage, list[int]] = {}
        self.values: dict[Storage, dict[Value, None]] = {}
        for i, op in enumerate(ops):
            for places, values in ((self.reads, op.values()), (self.writes, op.into), (self.gives, op.outputs)):
                for v in values:
                    if v.__class__ is Value:
                        places.setdefault(v.storage, []).append(i)
                        self.values.setdefault(v.storage, {})[v] = None

    def before(self, storages: Collection[Storage], i: int) -> list[int]:
        """The calls before the call number i that have to do with any of these."""
        found = {k for s in storages for places in (self.reads, self.writes, self.gives) for k in places.get(s, ())}
        return sorted(k for k in found if k < i)

    def read_after(self, storage: Storage, i: int) -> bool:
        return (self.reads.get(storage) or [-1])[-1] > i

    def written_after(self, storage: Storage, i: int) -> bool:
        return (self.writes.get(storage) or [-1])[-1] > i


def without_repetitions(ops: list[Op], results: list[Value]) -> list[Op]:
    """The calls without those that compute what an array still holds."""
    uses = _Uses(ops)
    for v in results:
        uses.values.setdefault(v.storage, {})[v] = None
    content = _Content()
    holders: dict[int, list[Storage]] = {}
    dropped: set[Op] = set()
    for i, op in enumerate(ops):
        made = _made(op, content)
        found = [(target, _stand_in(target, key, i, content, holders, uses)) for target, key in made.items()]
        stands = {target: other for target, other in found if other is not None}
        is_repeated = 0 < len(stands) == len(made)
        before = [ops[k] for k in uses.before(stands, i)] if is_repeated else []
        if is_repeated and all(_makes(o, made) for o in before):
            dropped.update([op, *before])
            for target, other in stands.items():
                _merge(target, other, uses)
                content.of.pop(target, None)
            continue
        for target, key in made.items():
            content.of[target] = key
            holders.setdefault(key, []).append(target)
        for v in op.into:
            if v.storage not in made:
                content.of[v.storage] = content.new()
            if v.storage.kind not in ("made", "scratch"):  # others from outside may lie in the same memory
                for other in [s for s in content.of if s.kind not in ("made", "scratch", "constant")]:
                    content.of[other] = content.new()
    return [op for op in ops if op not in dropped]


def _stand_in(
    target: Storage, key: int, i: int, content: _Content, holders: dict[int, list[Storage]], uses: _Uses
) -> Storage | None:
    """A storage that holds what the call number i puts into `target`, and may stand for it."""
    for other in holders.get(key, ()):
        if content.of.get(other) == key and other is not target and _may_stand_for(other, target, i, uses):
            return other
    return None


class _Content:
    """A number for what each storage holds at a time: equal ones hold the same."""

    def __init__(self) -> None:
        self.of: dict[Storage, int] = {}
        self.known: dict[Any, int] = {}
        self.new = itertools.count().__next__

    def __call__(self, storage: Storage) -> int:
        if storage not in self.of:
            self.of[storage] = self.new()
        return self.of[storage]


def _targets(op: Op) -> list[Storage]:
    """The storages that a pure call makes or overwrites, as wholes; none if it does anything else."""
    values: list[Any] = op.outputs
    if op.kind not in _PURE or op.effect or op.errors or not all(v.__class__ is Value for v in values):
        return []
    if not all(v.whole and v.maker is None and v.storage.kind == "made" for v in values) or op.into not in ([], values):
        return []
    return [v.storage for v in values]


def _makes(op: Op, targets: Collection[Storage]) -> bool:
    """Whether it does nothing but make or overwrite some of these."""
    made = _targets(op)
    return bool(made) and all(target in targets for target in made)


def _made(op: Op, content: _Content) -> dict[Storage, int]:
    """What a pure call makes, and the numbers for what that will hold."""
    targets = _targets(op)
    function = op.function if op.kind == "reduce" else id(op.function)  # np.add.reduce is another object each time
    parts: list[Any] = [op.kind, op.name, function, *((s.array.shape, s.array.strides) for s in targets)]
    for x in [*op.args, *(item for pair in sorted(op.options.items()) for item in pair)] if targets else ():
        part = _part(x, content)
        if part is None:
            return {}
        parts.append(part)
    return {s: content.known.setdefault((*parts, k), content.new()) for k, s in enumerate(targets)}


def _part(x: Any, content: _Content) -> Any:
    if x.__class__ is Value:
        s = x.storage
        place = 0 if x.array is s.array else x.array.ctypes.data - s.array.ctypes.data
        return "value", content(s), x.array.dtype, x.array.shape, x.array.strides, place
    if x.__class__ is Symbol:
        return None
    if isinstance(x, (tuple, list)):
        parts = [_part(item, content) for item in x]
        return None if None in parts else (type(x), *parts)
    return type(x), repr(x)


def _may_stand_for(kept: Storage, gone: Storage, i: int, uses: _Uses) -> bool:
    """Whether `kept` holds what `gone` would, whenever that is used after the call number i."""
    a, b = kept.array, gone.array
    if a.shape != b.shape or a.strides != b.strides or a.dtype != b.dtype or (kept.escapes and gone.escapes):
        return False
    if uses.written_after(kept, i):
        return False
    if uses.written_after(gone, i):
        return not uses.read_after(kept, i) and not kept.escapes
    return not (gone.escapes or kept.escapes) or not gone.escapes


def _merge(gone: Storage, kept: Storage, uses: _Uses) -> None:
    """Let everything that named `gone` name `kept`."""
    for v in uses.values.get(gone, {}):
        if v.whole:
            v.array = kept.array
            v.alias = gone.name if gone.name.startswith("d_") else ""
        v.storage = kept
        uses.values.setdefault(kept, {})[v] = None
    kept.changed = kept.changed or gone.changed
    kept.escapes = kept.escapes or gone.escapes
    for places in (uses.reads, uses.writes, uses.gives):
        places[kept] = sorted([*places.get(kept, []), *places.get(gone, [])])
    if kept.role == () and gone.role:
        kept.role = gone.role


def masks_in_place(ops: list[Op]) -> list[Op]:
    """``masked(g, mask)`` where g isn't needed any more: ``np.copyto(g, 0, where=not mask)``, or its bits times the
    mask."""
    uses = _Uses(ops)
    made: list[Op] = []
    for i, op in enumerate(ops):
        if op.function is masked and op.kind == "call" and (found := _in_place(op, i, uses)) is not None:
            made += found
        else:
            made.append(op)
    return made


def _in_place(op: Op, i: int, uses: _Uses) -> list[Op] | None:
    g, mask = op.args
    result = op.outputs[0]
    if g.__class__ is not Value or mask.__class__ is not Value or result.__class__ is not Value:
        return None
    own, made, maker = g.storage, result.storage, mask.storage.maker
    alike = own.array.shape == made.array.shape and own.array.strides == made.array.strides
    if not (g.whole and own.kind == "made" and alike and own.array.dtype == made.array.dtype and result.whole):
        return None
    if own.escapes or made.escapes or uses.read_after(own, i) or uses.written_after(own, i):
        return None
    if any(not v.whole for v in uses.values[own]) or mask.array.shape != own.array.shape:
        return None
    if maker is None or maker.function not in _OPPOSITE or uses.reads[mask.storage] != [i] or not mask.whole:
        return None
    if mask.storage.kind != "made" or mask.storage.escapes or mask.storage.changed:
        return None
    own.changed = True
    _merge(made, own, uses)
    if own.array.size >= FEW and own.array.itemsize in BITS:
        bits = Value(own, own.array.view(BITS[own.array.itemsize]))
        bits.maker = Op("view", ".view", np.ndarray.view, (g, bits.array.dtype), {}, [bits])
        product = Op("ufunc", "np.multiply", np.multiply, (bits, mask), {}, [bits], [bits])
        made_now = [bits.maker, product]
    else:
        maker.function = _OPPOSITE[maker.function]
        maker.name = f"np.{maker.function.__name__}"
        made_now = [Op("function", "np.copyto", np.copyto, (g, 0), {"where": mask}, [], [g])]
    for new in made_now:
        new.note, new.scope, new.line = op.note, op.scope, op.line
    return made_now


FEW = 1024  # elements, from which on a product with the bits is quicker than choosing
