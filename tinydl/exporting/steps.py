"""What a model does with a batch, as a list of steps that hold for any number of rows.

A recording is a list of calls on memory that may be written over. Here each call becomes a step that makes an array of
its own, which is how one would write it down; where parts of an array are written to, the array stays one, and is
changed in place. `merged` makes of the steps for two batches those for any batch. Read text.py next.
"""

from __future__ import annotations

import builtins
import keyword
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from ..compiling.recording import Recording
from ..compiling.tape import CompileError, Op, Storage, Symbol, Value
from ..engine.arrays import Array

# names that an array of the model can't have in a module of its own
RESERVED = {"x", "n", "np", "arrays", "Path", "predict", "forward", *keyword.kwlist, *dir(builtins),
            *sys.stdlib_module_names}  # fmt: skip


class Ref(NamedTuple):
    """An array in a step: one that is given, by its name, or what an earlier step made, by its number."""

    step: int | str
    output: int = 0


class Rows(NamedTuple):
    """A whole number that grows with the number n of rows: times·n + plus."""

    times: int
    plus: int


class Filled(NamedTuple):
    """An array that is made of one number, or of nothing where that is None; or of 0, 1, 2, … ("range")."""

    shape: Any
    number: Any
    dtype: Any


class Part(NamedTuple):
    """A slice."""

    start: Any
    stop: Any
    step: Any


@dataclass
class Step:
    """One line of the program: ``name(*args, **options)``, with references in the place of arrays.

    kind as of an `Op`; "make" is an array that is filled here. `changes` are the arrays that it writes to, `fixed`
    says that it must stay a line of its own, in its place.
    """

    kind: str
    name: str
    function: Any
    args: Any
    options: Any
    outputs: int = 1
    changes: tuple[Ref, ...] = ()
    into: tuple[Ref, ...] = ()
    truth: bool = True
    effect: bool = False
    fixed: bool = False
    errors: Any = ()
    scope: str = ""
    operators: bool = True  # whether all it is made of are arrays and numbers

    def same_as(self, other: Step) -> bool:
        """Whether another step does the same with the same."""
        ours, theirs = replace(self, function=None), replace(other, function=None)
        code = getattr(self.function, "__code__", None)  # a function may be made anew in each call of a model
        return repr(ours) == repr(theirs) and code == getattr(other.function, "__code__", None)


@dataclass
class Steps:
    """The steps of a batch, the array that they give in the end, and the arrays that they take, by their names."""

    steps: list[Step]
    result: Ref
    arrays: dict[str, Array]
    keys: dict[str, str]  # what they are called in the model
    calls: list[str]  # the names of all calls that the steps are made of
    cast: str = ""  # the dtype that x is brought to first, if it is


class DiffersError(Exception):
    """The steps for two batches aren't the same but for numbers that grow with the rows."""


def steps_of(recording: Recording, keys: dict[int, str]) -> Steps:
    """The steps of a recorded model; `keys` says what its arrays are called, by id. CompileError for what a program
    on its own can't do."""
    return _without_cast(_Reader(recording, keys).read())


class _Reader:
    def __init__(self, recording: Recording, keys: dict[int, str]) -> None:
        self.recording, self.known = recording, keys
        self.ops = _needed(recording)
        self.parameters = {value.storage: t for t, value in recording.parameters.items()}
        self.made = Steps([], Ref("x"), {}, {}, [op.name for op in self.ops])
        self.wholes: dict[Storage, Ref] = {}
        self.views: dict[Value, Ref] = {}
        self.changing = self._changing()
        for value in recording.arguments:
            self.wholes[value.storage] = Ref("x")

    def read(self) -> Steps:
        """All steps."""
        for op in self.ops:
            self._add(op)
        kind, *form = self.recording.result if isinstance(self.recording.result, tuple) else ("", None)
        result = self.ref(form[0]) if kind in ("tensor", "array", "ndarray", "argument") else None
        if result.__class__ is not Ref:
            raise CompileError("what the model gives doesn't depend on x, so there is nothing to write down")
        self.made.result = result
        return self.made

    # ---- which arrays stay one, and are changed in place ----

    def _changing(self) -> set[Storage]:
        """The arrays whose parts are written to, or that are seen through views while they change."""
        found: set[Storage] = set()
        touching: dict[Storage, list[tuple[int, Op]]] = {}
        for i, op in enumerate(self.ops):
            for storage in {v.storage for v in [*op.values(), *op.into]}:
                touching.setdefault(storage, []).append((i, op))
        for i, op in enumerate(self.ops):
            for v in op.into:
                own = v.storage
                if own.kind != "made":
                    raise CompileError(
                        f"the model changes {own.name or 'an array'} in place when it is asked, so that its answers "
                        "depend on what came before; a program on its own can't do that. Make a new array instead"
                    )
                alone = op.kind in ("ufunc", "reduce", "function") and op.into == op.outputs and len(op.into) == 1
                if not (
                    alone
                    and self._is_last_seen(v, [o for k, o in touching[own] if k > i])
                    and _is_made_alike(op, v.array)
                ):
                    found.add(own)
        return found

    def _is_last_seen(self, value: Value, later: list[Op]) -> bool:
        """Whether later calls see its array only through this value, which is all of it."""
        seen, own = {value}, value.storage
        if value.array.size != own.array.size:
            return False
        for op in later:
            if not {v for v in [*op.values(), *op.into] if v.storage is own} <= seen:
                return False
            seen.update(v for v in op.outputs if v.__class__ is Value)
        return all(v in seen for v in _results(self.recording) if v.storage is own)

    # ---- steps ----

    def _add(self, op: Op) -> None:
        if op.kind == "like":
            self._like(op)
            return
        if self._is_nothing(op):
            self.place(op.outputs[0], self.ref(op.args[0]))
            return
        if op.draws:
            raise CompileError(
                "the model draws random numbers also in eval mode, so that no program gives the same; draw only "
                "while self.training, as nn.Dropout does"
            )
        step = Step(op.kind, op.name, op.function, self.form(op.args), self.form(op.options), scope=op.scope)
        step.operators = all(x.__class__ is Value or isinstance(x, (int, float, np.generic)) for x in op.args)
        step.effect, step.outputs = op.effect or op.kind == "decide", len(op.outputs)
        if op.outputs == [None]:
            step.outputs = 0
        step.errors = tuple(p for p in op.errors if p not in self.recording.tape.errors and p[0] != "call")
        step.changes = tuple(self.wholes[v.storage] for v in op.into if v.storage in self.changing)
        touched = {v.storage for v in [*op.values(), *op.into]} & self.changing
        made = [v for v in op.outputs if v.__class__ is Value and v.storage in self.changing]
        step.fixed = bool(touched or made or step.effect or step.errors or step.outputs != 1)
        if op.kind == "decide":
            step.truth = op.outputs[0]
        elif step.changes and op.kind in ("ufunc", "reduce", "function") and op.outputs:
            step.into = tuple(map(self.ref, op.into))
        number = len(self.made.steps)
        self.made.steps.append(step)
        for k, v in enumerate(op.outputs):
            if v.__class__ is Value and not step.into:
                self.place(v, Ref(number, k))
            elif v.__class__ is Symbol:
                raise CompileError("the model computes with a number taken out of an array; compute with the array")

    def place(self, value: Value, ref: Ref) -> None:
        """Say where a value is from here on."""
        if value.maker is None:
            self.wholes[value.storage] = ref
        else:
            self.views[value] = ref

    def _like(self, op: Op) -> None:
        value, fill = op.outputs[0], op.args[0]
        if fill is None and value.storage not in self.changing:
            return  # it is made by the first call that writes to it
        if not value.array.flags.c_contiguous:
            raise CompileError(f"{op.name} of an array that doesn't lie in rows can't be written down; copy it first")
        filled = Filled(value.array.shape, fill, value.array.dtype)
        made = Step("make", "", None, (filled,), {}, fixed=value.storage in self.changing, scope=op.scope)
        self.made.steps.append(made)
        self.place(value, Ref(len(self.made.steps) - 1))

    def _is_nothing(self, op: Op) -> bool:
        """Whether a call gives what it takes: a copy that nobody writes to, a reshape to the same shape."""
        if op.kind not in ("view", "method") or op.name not in ("np.reshape", ".reshape", ".copy", ".ravel"):
            return False
        given, made = op.args[0], op.outputs[0]
        if given.__class__ is not Value or {given.storage, made.storage} & self.changing:
            return False
        a, b = given.array, made.array
        return (a.shape, a.strides, a.dtype) == (b.shape, b.strides, b.dtype)

    # ---- forms ----

    def form(self, x: Any) -> Any:
        """What stands in a call, with references in the place of arrays."""
        kind = x.__class__
        if kind is Value:
            return self.ref(x)
        if kind in (tuple, list):
            return kind(map(self.form, x))
        if kind is dict:
            return {key: self.form(item) for key, item in x.items()}
        if kind is slice:
            return Part(*map(self.form, (x.start, x.stop, x.step)))
        if kind is Symbol:
            raise CompileError("the model computes with a number taken out of an array; compute with the array")
        return x

    def ref(self, value: Value) -> Any:
        """Where an array is found."""
        if value.maker is not None:
            return self.views[value]
        storage = value.storage
        if storage not in self.wholes:
            filled = _filled(storage.array) if storage.kind == "constant" else None
            if filled is not None:
                return filled
            self.wholes[storage] = self._given(storage)
        return self.wholes[storage]

    def _given(self, storage: Storage) -> Ref:
        array = storage.array
        refuse_gaps(array, storage.name)
        t = self.parameters.get(storage)
        base = storage.name or "constant"
        base = f"{base}_" if base in RESERVED else base
        name, n = base, 2
        while name in self.made.arrays:
            name, n = f"{base}_{n}", n + 1
        self.made.arrays[name] = array
        self.made.keys[name] = self.known.get(id(array if t is None else t), name)
        return Ref(name)


def refuse_gaps(array: Array, name: str) -> None:
    """CompileError for an array that a file wouldn't keep as it lies in memory."""
    if not (array.flags.c_contiguous or array.flags.f_contiguous):
        raise CompileError(
            f"{name or 'an array'} of shape {array.shape} that the model computes with lies in memory with gaps, which "
            "a file doesn't keep; make it with .copy()"
        )


def _results(recording: Recording) -> list[Value]:
    result = recording.result
    return [x for x in result if x.__class__ is Value] if isinstance(result, tuple) else []


def _is_made_alike(op: Op, like: Array) -> bool:
    """Whether a call makes the same array anew as it writes into: of its dtype, laid out as it is."""
    args = [x.array if x.__class__ is Value else x for x in op.args]
    if any(isinstance(x, (list, tuple)) for x in op.args):
        return False
    options = {key: x.array if x.__class__ is Value else x for key, x in op.options.items()}
    with np.errstate(all="ignore"):
        made = np.asarray(op.function(*args, **options))
    axes = [i for i, size in enumerate(like.shape) if size > 1]
    if made.shape != like.shape or made.dtype != like.dtype:
        return False
    return all(made.strides[i] == like.strides[i] for i in axes)


def _filled(array: Array) -> Any:
    """The same array by a formula that holds for other sizes, too; None if it has none."""
    if not array.ndim:
        return array[()]
    if not array.size or not array.flags.c_contiguous:
        return None
    if array.ndim == 1 and array.dtype == np.intp and array.size > 1 and (array == np.arange(array.size)).all():
        return Filled(array.shape, "range", array.dtype)
    number = array.flat[0]
    if array.tobytes() == number.tobytes() * array.size and np.isfinite(number):
        return Filled(array.shape, number.item(), array.dtype)
    return None


def references(x: Any) -> list[Ref]:
    """All references in a form."""
    if x.__class__ is Ref:
        return [x]
    if isinstance(x, (tuple, list)):
        return [r for item in x for r in references(item)]
    if x.__class__ is dict:
        return [r for item in x.values() for r in references(item)]
    return []


def replaced(x: Any, change: Callable[[Any], Any]) -> Any:
    """A form with another in the place of each number and reference for which `change` gives one."""
    if x.__class__ is Ref or not isinstance(x, (tuple, list, dict)):
        return change(x)
    if isinstance(x, dict):
        return {key: replaced(item, change) for key, item in x.items()}
    items = [replaced(item, change) for item in x]
    return type(x)(*items) if hasattr(x, "_fields") else type(x)(items)


def _needed(recording: Recording) -> list[Op]:
    """The calls on which the result or an error depends, and those that change what it depends on the next time."""
    results = _results(recording)
    values, storages = set(results), {v.storage for v in results}
    found, left_out = list[Op](), list[Op]()
    for op in reversed(recording.tape.ops):
        if op.kind in ("note", "forget", "write"):
            continue
        outputs = [v for v in op.outputs if v.__class__ is Value]
        used = any(v in values if v.maker is op else v.storage in storages for v in [*outputs, *op.into])
        if used or op.effect or op.kind == "decide":
            found.append(op)
            given = [*op.values(), *op.into]
            values.update(given)
            storages.update(v.storage for v in given)
        elif op.into:
            left_out.append(op)
    for_next = [op for op in left_out if any(v.storage in storages and v.storage.kind != "made" for v in op.into)]
    return [*for_next, *found[::-1]]


def _without_cast(given: Steps) -> Steps:
    """Where x is only used in another dtype, the steps that follow after the cast."""
    uses = [step for step in given.steps if Ref("x") in references((step.args, step.options))]
    casts = [s for s in uses if s.name == ".astype" and s.args[0] == Ref("x")]
    if not casts or len(casts) < len(uses) or given.result == Ref("x") or any(s.fixed for s in casts):
        return given
    if len({np.dtype(s.args[1]) for s in casts}) > 1:
        return given
    cast = {given.steps.index(s) for s in casts}
    left = [i for i in range(len(given.steps)) if i not in cast]

    def moved(x: Any) -> Any:
        if x.__class__ is not Ref or isinstance(x.step, str):
            return x
        return Ref("x") if x.step in cast else Ref(left.index(x.step), x.output)

    steps = [replace(given.steps[i]) for i in left]
    for step in steps:
        step.args, step.options = replaced(step.args, moved), replaced(step.options, moved)
        step.changes, step.into = replaced(step.changes, moved), replaced(step.into, moved)
    return replace(given, steps=steps, result=moved(given.result), cast=np.dtype(casts[0].args[1]).name)


# ---- any number of rows ----


def merged(a: Steps, b: Steps, rows: tuple[int, int]) -> Steps:
    """The steps for any number of rows, of those for two numbers. Raises DiffersError."""
    if len(a.steps) != len(b.steps) or a.result != b.result:
        raise DiffersError
    _same_arrays(a, b)
    steps = []
    for s, t in zip(a.steps, b.steps, strict=True):
        args, options = _merged((s.args, s.options), (t.args, t.options), rows)
        steps.append(replace(s, args=args, options=options))
        if not replace(s, args=(), options={}).same_as(replace(t, args=(), options={})):
            raise DiffersError
    return replace(a, steps=steps)


def is_for(general: Steps, some: Steps, n: int) -> bool:
    """Whether the steps for n rows are the general ones. Of a single row, which lies in rows and in columns, that is
    asked of the calls alone."""
    if n == 1:
        return general.calls == some.calls
    try:
        _same_arrays(general, some)
    except DiffersError:
        return False
    steps = [replace(s, args=_at(s.args, n), options=_at(s.options, n)) for s in general.steps]
    alike = len(steps) == len(some.steps) and general.result == some.result
    return alike and all(s.same_as(t) for s, t in zip(steps, some.steps, strict=True))


def _same_arrays(a: Steps, b: Steps) -> None:
    if a.arrays.keys() != b.arrays.keys():
        raise DiffersError
    for name, array in a.arrays.items():
        other = b.arrays[name]
        if array is not other and (array.shape != other.shape or array.tobytes() != other.tobytes()):
            raise DiffersError


def _merged(a: Any, b: Any, rows: tuple[int, int]) -> Any:
    if type(a) is not type(b):
        raise DiffersError
    if isinstance(a, dict):
        if a.keys() != b.keys():
            raise DiffersError
        return {key: _merged(a[key], b[key], rows) for key in a}
    if a.__class__ is not Ref and isinstance(a, (tuple, list)):
        if len(a) != len(b):
            raise DiffersError
        items = [_merged(x, y, rows) for x, y in zip(a, b, strict=True)]
        return type(a)(*items) if hasattr(a, "_fields") else type(a)(items)
    if a is b or (type(a) is type(b) and repr(a) == repr(b)):
        return a
    if type(a) is int:
        times, rest = divmod(b - a, rows[1] - rows[0])
        if not rest:
            return Rows(times, a - times * rows[0])
    raise DiffersError


def _at(x: Any, n: int) -> Any:
    if x.__class__ is Rows:
        return x.times * n + x.plus
    if x.__class__ is not Ref and isinstance(x, (tuple, list)):
        items = [_at(item, n) for item in x]
        return type(x)(*items) if hasattr(x, "_fields") else type(x)(items)
    return {key: _at(item, n) for key, item in x.items()} if x.__class__ is dict else x
