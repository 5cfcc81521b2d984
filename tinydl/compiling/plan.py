"""What of a recorded run the program needs, and where its arrays lie.

Calls whose results nobody needs are left out, what depends on constants alone is computed once, and each result that
nobody outside can hold gets a place in one block of memory, where no later call needs what was there before. Read
text.py next, which writes the program down.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .recording import Recording
from .shortening import masks_in_place, without_repetitions
from .tape import Op, Storage, Value, has_symbols
from .updates import updates_of

GIVEN = {"argument", "parameter", "held", "gradient", "state"}  # memory that exists outside of the program
_INTO = {"ufunc", "reduce"}  # kinds of calls that take out=
_FUNCTIONS_INTO = {np.concatenate, np.stack, np.clip, np.cumsum, np.cumprod}
ALIGNED = 64  # bytes: a line of the cache


@dataclass(eq=False)
class Place:
    """Where an array is kept: at this byte of the block."""

    storage: Storage
    start: int
    size: int
    first: int  # the number of the call that makes it
    last: int  # and of the last one that uses it


class Plan:
    """The calls of the program, in order, and what is made once."""

    def __init__(self, recording: Recording, keep_grads: bool = False) -> None:
        self.recording = recording
        self.results = list(_values(recording.result))
        for _, _, form in recording.assigned:
            self.results += _values(form)
        self.returned = {value.storage for value in self.results}
        self.gradients = [(p, g if keep_grads or not self._used_up(p) else None) for p, g in recording.gradients]
        self.results += [g for _, g in self.gradients if g is not None]
        for value in self.results:
            value.storage.escapes = True
        self.ops = self._needed(recording.tape.ops)
        self.ops = [op for op in self.ops if not self._is_constant(op)]
        for value in self.results:
            if value.storage.kind == "constant":  # the caller has that of the recorded run, and may write into it
                value.storage.array = value.storage.array.copy("K")
        self.ops = masks_in_place(without_repetitions(self.ops, self.results))
        self.lives = self._lives()
        self.updates = updates_of(self.ops, recording.optimizers, self.is_kept)
        self._wait_for_updates()
        self.places: dict[Storage, Place] = {}
        self.heirs: dict[Storage, Storage] = {}  # which storage is written over another one, that isn't needed any more
        self.bytes = 0
        self._arrange()

    def _used_up(self, p: Any) -> bool:
        """Whether nobody can ask for this gradient: a step used it, and the next call forgets it before it is read."""
        return p in self.recording.consumed and p in self.recording.cleared

    # ---- what is needed ----

    def _needed(self, ops: list[Op]) -> list[Op]:
        live = {value.storage for value in self.results}
        values = set(self.results)
        found = []
        for op in reversed(ops):
            if op.kind in ("note", "write", "forget"):
                found.append(op)
                continue
            outputs = [v for v in op.outputs if v.__class__ is Value]
            made = [v for v in outputs if v.storage.maker is op]
            needed = (
                op.effect or any(v.storage in live for v in made) or any(v in values for v in outputs if v not in made)
            )
            for v in op.into:
                needed = needed or v.storage in live or v.storage.kind in GIVEN
            if not needed:
                continue
            found.append(op)
            for v in [*op.values(), *op.into]:
                live.add(v.storage)
                values.add(v)
        found.reverse()
        return found

    def _is_constant(self, op: Op) -> bool:
        """Whether a call gives the same at each call of the program; then what it gave is a constant from here on."""
        if (
            op.kind in ("note", "write", "forget", "set", "decide", "at")
            or op.effect
            or op.into
            or has_symbols(op.args)
        ):
            return False
        if op.kind == "like" and op.args[0] is None:
            return False
        if any(v.storage.kind != "constant" or v.storage.changed for v in op.values()) or has_symbols(op.options):
            return False
        made = [v for v in op.outputs if v.__class__ is Value]
        if not made or any(v.storage.changed for v in made):
            return False
        for v in made:
            if v.maker is not None or not v.whole:
                v.storage = Storage(v.array, "constant", v.storage.name)
            v.storage.kind, v.maker = "constant", None
        return True

    # ---- who lives how long ----

    def _lives(self) -> dict[Storage, list[int]]:
        """Of each storage that the program makes: the places, in `ops`, of its first and its last use."""
        found: dict[Storage, list[int]] = {}
        for i, op in enumerate(self.ops):
            outputs = [v for v in op.outputs if v.__class__ is Value]
            for v in [*op.values(), *op.into, *outputs]:
                if v.storage.kind in ("made", "scratch"):
                    found.setdefault(v.storage, [i, i])[1] = i
        return found

    def _wait_for_updates(self) -> None:
        """What is taken together is done when the step of its optimizer ends; until then its arrays are needed."""
        end = len(self.ops)
        for i in reversed(range(len(self.ops))):
            op = self.ops[i]
            if op.kind == "note" and op.name == "stepped":
                end = i
            elif op in self.updates.handled:
                for v in [*op.values(), *op.into]:
                    if v.storage in self.lives:
                        self.lives[v.storage][1] = max(self.lives[v.storage][1], end)

    def is_kept(self, storage: Storage) -> bool:
        """Whether its memory is made once: nobody outside can hold it, and the call that makes it takes out=."""
        if storage.kind == "scratch":
            return True
        op = storage.maker
        kind = storage.array.dtype
        if storage.kind != "made" or storage.escapes or op is None or kind.kind not in "biuf" or not kind.isnative:
            return False
        if op.kind == "like" or (op.kind == "method" and op.name in (".copy", ".astype")):
            return True
        if op.kind not in _INTO and op.function not in _FUNCTIONS_INTO:
            return False
        if op.kind == "reduce" and any(min(v.array.strides, default=0) < 0 for v in op.values()):
            return False  # with out= NumPy 2.0 takes other numbers of an array that runs backwards, and wrong ones
        return len(op.outputs) == 1 and (storage.array.ndim > 0 or storage.changed) and not self._is_scalar_op(op)

    @staticmethod
    def _is_scalar_op(op: Op) -> bool:
        return op.kind == "reduce" and not op.outputs[0].array.ndim and not op.outputs[0].storage.changed

    def is_made_once(self, value: Value) -> bool:
        """Whether the program finds this array where it always is, so that views of it can be made once."""
        kind = value.storage.kind
        return kind in ("parameter", "state", "constant") or value.storage in self.places

    # ---- where it lies ----

    def _arrange(self) -> None:
        """Give each kept storage its bytes, the ones that live at the same time different ones."""
        taken: list[Place] = []
        starting: dict[int, list[Storage]] = {}
        for storage, (first, _) in self.lives.items():
            if self.is_kept(storage) and storage not in self.updates.flat and storage not in self.updates.blockwise:
                starting.setdefault(first, []).append(storage)
        for i, op in enumerate(self.ops):
            for storage in starting.get(i, ()):
                last = self.lives[storage][1]
                heir = self._inherited(op, i, storage)
                if heir is not None:
                    place = Place(storage, heir.start, heir.size, i, last)
                    taken.remove(heir)
                    self.heirs[storage] = heir.storage
                else:
                    taken = [p for p in taken if p.last >= i]
                    size = rounded(storage.array.nbytes)
                    place = Place(storage, _gap(taken, size), size, i, last)
                taken.append(place)
                self.places[storage] = place
                self.bytes = max(self.bytes, place.start + place.size)

    def _inherited(self, op: Op, i: int, storage: Storage) -> Place | None:
        """The place of an input that is used here for the last time and laid out alike: elementwise calls may write
        over what they read."""
        if op.kind != "ufunc" or op.function.signature is not None or storage.maker is not op:
            return None
        like = storage.array
        for v in op.args:
            if v.__class__ is not Value or v.storage not in self.places or self.lives[v.storage][1] != i:
                continue
            own = v.storage.array
            same = own.shape == like.shape and own.strides == like.strides and own.dtype == like.dtype
            others = [w for w in op.values() if w.storage is v.storage and w is not v and not w.whole]
            if v.whole and same and not others:
                return self.places[v.storage]
        return None


def rounded(size: int) -> int:
    """So many bytes, as whole lines of the cache."""
    return -(-max(size, 1) // ALIGNED) * ALIGNED


def _gap(taken: list[Place], size: int) -> int:
    """The first byte where that many are free."""
    start = 0
    for place in sorted(taken, key=lambda p: p.start):
        if place.start - start >= size:
            return start
        start = max(start, place.start + place.size)
    return start


def _values(form: Any) -> Iterator[Value]:
    if form.__class__ is Value:
        yield form
    elif isinstance(form, (tuple, list)):
        for item in form:
            yield from _values(item)
    elif isinstance(form, dict):
        for item in form.values():
            yield from _values(item)


def strided(array: Any) -> Any:
    """What makes two arrays lie alike; None of what is no array."""
    return (array.shape, array.strides, array.dtype.str) if array.__class__ is np.ndarray else None
