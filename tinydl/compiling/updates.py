"""The updates of an optimizer, taken together: small parameters at once, large ones in blocks that fit the cache.

Each parameter's update is the same list of calls. Where no call needs the parameter itself, one call on all gradients
and states, which then lie one after the other, does what many would; the parameters keep their own arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..engine.arrays import Array
from .settings import OptimizerStep, Row
from .tape import Op, Storage, Symbol, Value

BLOCK = 2**15  # elements: three arrays of so many float32 stay in the cache of one core


@dataclass(eq=False)
class Together:
    """Parameters that are updated at once: the calls of each of them, and the flat array of each role."""

    rows: list[Row]
    ops: list[list[Op]]
    flats: dict[tuple[Any, ...], Array] = field(default_factory=dict)
    spent: bool = False  # whether the first scratch array may be the gradients', which nobody needs by then

    @property
    def offsets(self) -> list[int]:
        """Where each begins in a flat array."""
        found = [0]
        for row in self.rows:
            found.append(found[-1] + row.p.array.size)
        return found


@dataclass(eq=False)
class Update:
    """What the calls of one step of an optimizer become."""

    step: OptimizerStep
    together: list[Together]
    blocks: list[tuple[Row, list[Op]]]
    alone: list[Op]


class Updates:
    """All of a program, and where the arrays lie that were put together."""

    def __init__(self) -> None:
        self.of: dict[OptimizerStep, Update] = {}
        self.handled: set[Op] = set()
        self.flat: dict[Storage, tuple[Together, tuple[Any, ...], int]] = {}  # whose group, which role, where it begins
        self.blockwise: set[Storage] = set()  # scratch of which a block is enough
        self.spent: set[Storage] = set()  # and which may be the gradient's own block


def updates_of(ops: list[Op], steps: list[OptimizerStep], is_kept: Callable[[Storage], bool]) -> Updates:
    """Look which of these calls can be taken together; a gradient must be kept, not somebody else's."""
    made = Updates()
    last = {v.storage: op for op in ops for v in [*op.values(), *op.into]}
    for step in steps:
        lists = _by_row(step, [op for op in ops if op.kind == "ufunc"])
        forms: dict[Any, list[tuple[Row, list[Op]]]] = {}
        update = Update(step, [], [], [])
        shared = {i for i, row in enumerate(step.rows) if _shares_memory(row, step.rows)}
        for i, (row, own) in enumerate(lists):
            form = None if i in shared else _form(row, own)
            if form is not None and _is_plain(row, is_kept):
                forms.setdefault((row.group, row.p.array.dtype, row.scratch[0].array.dtype, form), []).append(
                    (row, own)
                )
        for alike in forms.values():
            alike = [(row, ops) for row, ops in alike if row.g.storage not in made.flat]
            small = [(row, ops) for row, ops in alike if row.p.array.size <= BLOCK // 2]
            if len(small) > 1 and (group := _together(small)) is not None:
                group.spent = all(_is_spent(row, own, last) for row, own in small)
                update.together.append(group)
                made.handled.update(op for ops in group.ops for op in ops)
                for i, row in enumerate(group.rows):
                    if row.g.storage.kind != "gradient":
                        made.flat[row.g.storage] = group, ("g",), group.offsets[i]
                    for role, value in roles_of(row).items():
                        if role[0] in ("state", "scratch") and role in group.flats:
                            made.flat[value.storage] = group, role, group.offsets[i]
            for row, ops in alike:
                if row.p.array.size > BLOCK:
                    update.blocks.append((row, ops))
                    made.handled.update(ops)
                    made.blockwise.update(v.storage for v in row.scratch)
                    if _is_spent(row, ops, last):
                        made.spent.add(row.scratch[0].storage)
        made.of[step] = update
    return made


def _shares_memory(row: Row, rows: list[Row]) -> bool:
    """Whether another parameter lies in the same memory: then one update must follow the other."""
    return any(other is not row and np.may_share_memory(row.p.array, other.p.array) for other in rows)


def _is_spent(row: Row, ops: list[Op], last: dict[Storage, Op]) -> bool:
    """Whether the gradient is used for the last time no later than the first scratch array is written."""
    scratch = row.scratch[0].storage
    writes = [i for i, op in enumerate(ops) if any(v.storage is scratch for v in op.into)]
    return bool(writes) and last.get(row.g.storage) in ops[: writes[0] + 1] and row.g.array.dtype == scratch.array.dtype


def roles_of(row: Row) -> dict[tuple[Any, ...], Value]:
    """What each array of an update is in it: the parameter, its gradient, state, scratch."""
    named = {("state", name): value for name, value in row.state.items()}
    return {("p",): row.p, ("g",): row.g, **named, ("scratch", "a"): row.scratch[0], ("scratch", "b"): row.scratch[1]}


def _by_row(step: OptimizerStep, ops: list[Op]) -> list[tuple[Row, list[Op]]]:
    """The calls that update each parameter."""
    scratch = {v.storage: i for i, row in enumerate(step.rows) for v in row.scratch}
    found: list[list[Op]] = [[] for _ in step.rows]
    lists = list(zip(step.rows, found, strict=True))
    state = {v.storage: i for i, row in enumerate(step.rows) for v in row.state.values()}
    for op in ops:
        used = [v.storage for v in [*op.values(), *op.into]]
        places = {scratch[s] for s in used if s in scratch} | {state[s] for s in used if s in state}
        if len(places) == 1:
            found[places.pop()].append(op)
    return lists


def _form(row: Row, ops: list[Op]) -> Any:
    """What the calls are but for the arrays, in words; None if one isn't elementwise on this parameter's own arrays."""
    roles = {value.storage: role for role, value in roles_of(row).items()}
    shape, made = row.p.array.shape, []
    for op in ops:
        if op.kind != "ufunc" or op.function.signature is not None or op.errors or len(op.into) != 1:
            return None
        words: list[Any] = [op.name]
        for x in [*op.args, *op.into]:
            if x.__class__ is Value:
                role = roles.get(x.storage)
                if role is None:
                    if x.array.ndim or x.storage.kind != "constant":
                        return None
                    words.append((x.array.dtype.str, x.array.tobytes()))
                elif x.array.shape != shape or not x.whole:
                    return None
                else:
                    words.append(role)
            elif x.__class__ is Symbol:
                words.append(x.text)
            else:
                words.append(repr(x))
        words.append(repr(sorted(op.options.items())))
        made.append(tuple(words))
    return tuple(made) or None


def _is_plain(row: Row, is_kept: Callable[[Storage], bool]) -> bool:
    """Whether the gradient is memory of the program's own, or one from before the step, in rows as parameter and state
    are."""
    arrays = [row.p.array, row.g.array, *(v.array for v in row.state.values())]
    known = is_kept(row.g.storage) or row.g.storage.kind == "gradient"
    return row.g.whole and known and all(x.flags.c_contiguous for x in arrays)


def _together(alike: list[tuple[Row, list[Op]]]) -> Together | None:
    rows, ops = [row for row, _ in alike], [ops for _, ops in alike]
    if len({id(row.g.storage) for row in rows}) < len(rows) or len({row.g.array.dtype for row in rows}) > 1:
        return None
    group = Together(rows, ops)
    total = group.offsets[-1]
    for role, value in roles_of(rows[0]).items():
        if role[0] == "state":
            flat = _flattened([row.state[role[1]] for row in rows], total)
            if flat is None:
                return None
            group.flats[role] = flat
            for row, start in zip(rows, group.offsets, strict=False):
                old = row.state[role[1]]
                if old.array.base is flat:
                    continue  # since another program was made: that knows it by this very array
                view = flat[start : start + old.array.size].reshape(old.array.shape)
                old.array = old.storage.array = row.memory[role[1]] = view
        elif role[0] == "scratch" or role == ("g",):
            group.flats[role] = np.empty(total, value.array.dtype)
    return group


def _flattened(values: list[Value], total: int) -> Array | None:
    """One array in which these states lie one after the other; None if they already lie in another one."""
    base = values[0].array.base
    if base is None:
        if any(v.array.base is not None for v in values):
            return None
        return np.concatenate([v.array.reshape(-1) for v in values])
    if not isinstance(base, np.ndarray) or base.shape != (total,):
        return None
    start = base.ctypes.data
    for v in values:
        if v.array.base is not base or v.array.ctypes.data != start:
            return None
        start += v.array.nbytes
    return base
