"""What a run did, as a list: each NumPy call on arrays that were watched, in its order, with what went in and came out.

A *storage* is memory that somebody allocated, a *value* an array in it: the whole, or a view. `Tape.apply` makes a
call and writes it down; watched.py has the arrays that bring their calls here. Read it next, then recorder.py.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..engine.arrays import Array


class CompileError(RuntimeError):
    """A function can't be turned into a program; the message says what to write."""


class Foreign(Exception):
    """An array of another library, on which only the function itself can run."""


@dataclass(eq=False)
class Storage:
    """Memory that was allocated once: who made it, who writes to it, who has it when the step is over."""

    array: Array  # the whole of it, as it was while recording
    kind: str  # "made" by a call, or given: "argument", "parameter", "held" by an object, "constant"
    name: str = ""  # what it is called in the program
    source: str = ""  # how the program gets at it, if it is given
    maker: Op | None = None
    changed: bool = False  # whether a later call writes to it
    escapes: bool = False  # whether somebody outside may hold it after the step
    role: tuple[Any, ...] = ()  # in an optimizer's update: ("p",), ("g",), ("state", "exp_avg"), ("scratch", 0)


@dataclass(eq=False)
class Value:
    """An array of the program: a storage, whole, or a view of it that a call made."""

    storage: Storage
    array: Array  # as it was while recording, with its shape, dtype and strides
    maker: Op | None = None  # the call that made the view; None for the whole
    boxed: bool = False  # whether it is an array without axes where NumPy gives numbers elsewhere
    alias: str = ""  # what it is called here, where its storage has another name

    @property
    def whole(self) -> bool:
        """Whether it is all of its storage, as that lies in memory."""
        own = self.storage.array
        return self.array is own or (
            self.array.shape == own.shape and self.array.strides == own.strides and self.array.dtype == own.dtype
        )


@dataclass(eq=False)
class Op:
    """One call: ``outputs = name(*args, **options)``, where values stand in args and options (also inside of lists).

    kind: "ufunc", "function", "method", "view", "set" (item assignment), "call" (of a function by its name), "like"
    (an array filled with a number, or with nothing), "decide" (a check that something still is so), "scalar" and
    "write" (numbers computed and kept), "note" (a comment alone).
    """

    kind: str
    name: str
    function: Any
    args: tuple[Any, ...]
    options: dict[str, Any]
    outputs: list[Any] = field(default_factory=list)
    into: list[Value] = field(default_factory=list)  # what it writes to: out=, the target of an assignment
    draws: bool = False  # whether it takes random numbers
    many: bool = False  # whether it gives a tuple
    plain: bool = False  # whether it gives an integer of Python's, as count_nonzero does before NumPy 2.4
    sized: bool = False  # whether its values decide the shape of what it gives, which the program then checks
    effect: bool = False  # whether it must run though nobody needs what it gives
    errors: tuple[Any, ...] = ()  # NumPy's error state, if it isn't what it was when recording began
    note: str = ""
    scope: str = ""
    line: Any = None  # the user's file and line
    number: int = 0
    _values: list[Value] | None = None

    def values(self) -> list[Value]:
        """The values that go in."""
        if self._values is None:
            self._values = list(_values_in(self.args))
            if self.options:
                self._values += _values_in(self.options)
        return self._values


def _values_in(x: Any) -> Any:
    if x.__class__ is Value:
        yield x
    elif x.__class__ in (list, tuple):
        for item in x:
            yield from _values_in(item)
    elif x.__class__ is dict:
        for item in x.values():
            yield from _values_in(item)
    elif x.__class__ is slice:
        yield from _values_in((x.start, x.stop, x.step))


class Symbol:
    """A number that the program reads or computes anew: a setting of an optimizer, a count of steps, a norm.

    Arithmetic gives another one. Where its value decides something, that decision is written down.
    """

    def __init__(self, tape: Tape, value: Any, text: str, decided: Callable[[Any, bool], None] | None = None) -> None:
        self.tape, self.value, self.text, self._decided = tape, value, text, decided

    def _with(self, other: Any, form: str, value: Any) -> Any:
        if isinstance(other, (np.ndarray, list, tuple)):
            return NotImplemented
        return Symbol(self.tape, value(self.value, plain(other)), form.format(self.text, text_of(other)))

    def __add__(self, other: Any) -> Any:
        return self._with(other, "({} + {})", lambda a, b: a + b)

    def __radd__(self, other: Any) -> Any:
        return self._with(other, "({1} + {0})", lambda a, b: b + a)

    def __sub__(self, other: Any) -> Any:
        return self._with(other, "({} - {})", lambda a, b: a - b)

    def __rsub__(self, other: Any) -> Any:
        return self._with(other, "({1} - {0})", lambda a, b: b - a)

    def __mul__(self, other: Any) -> Any:
        return self._with(other, "{} * {}", lambda a, b: a * b)

    def __rmul__(self, other: Any) -> Any:
        return self._with(other, "{1} * {0}", lambda a, b: b * a)

    def __truediv__(self, other: Any) -> Any:
        return self._with(other, "{} / {}", lambda a, b: a / b)

    def __rtruediv__(self, other: Any) -> Any:
        return self._with(other, "{1} / {0}", lambda a, b: b / a)

    def __pow__(self, other: Any) -> Any:
        return self._with(other, "{}**{}", lambda a, b: a**b)

    def __rpow__(self, other: Any) -> Any:
        return self._with(other, "{1}**{0}", lambda a, b: b**a)

    def __neg__(self) -> Any:
        return Symbol(self.tape, -self.value, f"-{self.text}")

    def known(self, truth: bool = False) -> Any:
        """Its value, on which the program depends from here on; or only on the truth of it."""
        if self._decided is None:
            raise CompileError(
                f"a decision by the number {self.text} can't be compiled: the program would decide so at every call"
            )
        self._decided(self, truth)
        return self.value

    def __bool__(self) -> bool:
        return bool(self.known(True))

    def __float__(self) -> float:
        return float(self.known())

    def __index__(self) -> int:
        return int(self.known())

    def __eq__(self, other: object) -> bool:
        return bool(self.known() == plain(other))

    def __lt__(self, other: Any) -> bool:
        return bool(self.known() < plain(other))

    def __gt__(self, other: Any) -> bool:
        return bool(self.known() > plain(other))

    __hash__ = object.__hash__


def has_symbols(x: Any) -> bool:
    """Whether a number that is read or computed anew is among them."""
    if x.__class__ in (tuple, list):
        return any(map(has_symbols, x))
    if x.__class__ is dict:
        return any(map(has_symbols, x.values()))
    return x.__class__ is Symbol


def plain(x: Any) -> Any:
    """The value of a symbol; anything else as it is."""
    return x.value if x.__class__ is Symbol else x


def text_of(x: Any) -> str:
    """How a number stands in the program."""
    return x.text if x.__class__ is Symbol else repr(x)


_OF_FORMS = {np.shape, np.ndim, np.size, np.result_type, np.iscomplexobj, np.may_share_memory, np.shares_memory,
             np.broadcast_shapes, np.can_cast, np.isrealobj}  # fmt: skip
_LIKE = {np.zeros_like: 0, np.ones_like: 1, np.empty_like: None}


_SIZED = {np.nonzero, np.flatnonzero, np.argwhere, np.where, np.unique, np.compress, np.extract, np.repeat, np.delete,
          np.bincount, np.setdiff1d, np.intersect1d, np.union1d, np.trim_zeros}  # fmt: skip


def _gives_more_or_less(name: str, function: Any, args: Any) -> bool:
    """Whether values decide the shape of what a call gives, as they do for an index with a mask in it."""
    if function in _SIZED:
        return not (function is np.where and len(args) > 1)
    has_mask = name == "[]" and any(v.array.dtype == bool for v in _values_in(args[1:]))
    return has_mask or name in (".nonzero", ".repeat", ".compress")


class Tape:
    """The calls of one run, while `open`; and what the arrays are that they were made on."""

    def __init__(self, watch: Callable[[Array, Tape, Value], Any]) -> None:
        self.ops: list[Op] = []
        self.open = True
        self.thread = threading.get_ident()  # whose calls it writes down
        self._watch = watch
        self.constants: dict[int, Value] = {}  # arrays that stood in a call though nobody watches them, by id
        self.given: dict[int, Value] = {}  # arrays from outside, by id
        self.kept: list[Any] = []  # so that no id is used twice
        self.errors = _error_state()
        self.scope = ""
        self.numbers: dict[str, str] = {}  # how the program gets at the numbers that symbols begin with, by name
        self.results = itertools.count(1)

    def records(self) -> bool:
        """Whether what is done now, in this thread, is written down."""
        return self.open and self.thread == threading.get_ident()

    # ---- arrays ----

    def give(self, array: Array, kind: str, **what: Any) -> Any:
        """A watched view of an array that the step is given; each has one storage, but what is scratch."""
        known = self.given.get(id(array))
        if known is not None and known.storage.kind == "argument":
            known = None
        if known is None or kind == "scratch":
            known = Value(Storage(array, kind, **what), array)
            self.given[id(array)] = known
            self.kept.append(array)
        return self._watch(array, self, known)

    def strip(self, x: Any) -> tuple[Any, Any]:
        """What a call is made with, plain arrays, and what is written down of it, values."""
        value = getattr(x, "watched", None) if isinstance(x, np.ndarray) else None
        if value is not None:
            if value[0] is not self:
                return np.ndarray.view(x, np.ndarray), self._constant(np.ndarray.view(x, np.ndarray))
            return value[1].array, value[1]
        kind = type(x)
        if kind is Symbol:
            return x.value, x
        if kind is list or kind is tuple:
            if not x:
                return x, x
            pairs = [self.strip(item) for item in x]
            return kind(p for p, _ in pairs), kind(w for _, w in pairs)
        if kind is slice:
            pairs = [self.strip(item) for item in (x.start, x.stop, x.step)]
            return slice(*(p for p, _ in pairs)), slice(*(w for _, w in pairs))
        if isinstance(x, np.ndarray):
            if kind is not np.ndarray:
                raise CompileError("an array was made in a way that isn't recorded; write it with NumPy's functions")
            return x, self._constant(x)
        return x, x

    def _constant(self, array: Array) -> Value:
        found = self.constants.get(id(array))
        if found is None:
            found = self.constants[id(array)] = Value(Storage(array, "constant"), array)
            self.kept.append(array)
        return found

    def wrapped(self, result: Any, op: Op, given: Sequence[Value]) -> Any:
        """What a call gave, watched: a view of what went in, or memory of its own."""
        op.plain = type(result) is int and op.kind == "function"
        number = op.plain or isinstance(result, np.generic)
        if number:
            result = np.asarray(result)
        if type(result) is np.ndarray:
            for value in given:
                if result is value.array:
                    op.outputs.append(value)
                    return self._watch(result, self, value)
            owner = _owner(result)
            base = next((v for v in given if _owner(v.array) is owner), None) if result.base is not None else None
            if base is None:
                value = Value(Storage(result, "made", maker=op), result)
            else:
                value = Value(base.storage, result, maker=op)
                op.kind = "view" if op.kind != "call" else "call"
            if not (number or result.ndim):
                value.boxed = op.function is np.where or (base is not None and (base.boxed or _has_axes(given)))
                value.boxed = value.boxed or (op.name in (".astype", ".copy") and _is_array(given[0]))
            op.outputs.append(value)
            return self._watch(result, self, value)
        if isinstance(result, tuple):
            op.many = True
            items = [self.wrapped(item, op, given) for item in result]
            return result._make(items) if hasattr(result, "_make") else type(result)(items)
        if isinstance(result, list):
            return [self.wrapped(item, op, given) for item in result]
        if isinstance(result, float) and op.kind == "call":
            result = Symbol(self, result, f"{op.name}_{next(self.results)}")
        op.outputs.append(result)
        return result

    def number(self, name: str, source: str, again: bool = False) -> str:
        """A name for a number that the program reads there; a new one if it is to be read again."""
        base, n = name, 2
        while name in self.numbers and (again or self.numbers[name] != source):
            name, n = f"{base}_{n}", n + 1
        self.numbers[name] = source
        return name

    # ---- calls ----

    def apply(self, kind: str, name: str, function: Any, args: Any, options: dict[str, Any], out: Any = None) -> Any:
        """Make a call and write it down; gives what it gave, watched."""
        ran, args = self.strip(tuple(args))
        pairs = {key: self.strip(x) for key, x in options.items()}
        options = {key: w for key, (_, w) in pairs.items()}
        ran_options = {key: p for key, (p, _) in pairs.items()}
        if function in _LIKE and not isinstance(ran[0], (list, tuple)):
            return self._like(function, ran, args, ran_options)
        op = Op(kind, name, function, args, options)
        if out is not None:
            into = [self.written(x) for x in out]
            function(*ran, out=tuple(v.array for v in into), **ran_options)
            op.into = op.outputs = into
            self.add(op)
            return out[0] if len(out) == 1 else tuple(out)
        result = function(*ran, **ran_options)
        if function in _OF_FORMS:
            return result
        given = op.values()
        op.sized = _gives_more_or_less(name, function, args)
        made = self.wrapped(result, op, given)
        if isinstance(made, (bool, np.bool_)):
            return self.decided(op, bool(made))
        if not any(x in given for x in op.outputs if x.__class__ is Value):  # as of x.astype(its dtype, copy=False)
            self.add(op)
        return made

    def _like(self, function: Any, ran: Any, args: Any, options: dict[str, Any]) -> Any:
        result = function(*ran, **options)
        op = Op("like", function.__name__, function, (_LIKE[function],), {})
        self.add(op)
        return self.wrapped(result, op, ())

    def written(self, target: Any) -> Value:
        """What a call writes to. CompileError for an argument and for an array that nobody watches."""
        found = getattr(target, "watched", None)
        if found is None or found[0] is not self:
            raise CompileError("an array was written to that isn't part of the recorded step")
        value: Value = found[1]
        self.refuse_to_write(value)
        value.storage.changed = True
        return value

    @staticmethod
    def refuse_to_write(value: Value) -> None:
        """CompileError where a step must not write."""
        if value.storage.kind == "constant":
            raise CompileError(
                "a Tensor that the function makes itself is changed in place; make it outside of the compiled function"
            )
        if value.storage.kind == "argument":
            raise CompileError(
                "an argument of a compiled function is never written to, but this one changes its argument in place; "
                "write y = x + … for a new array, or x.copy() first"
            )

    def call(self, name: str, function: Any, args: Any, options: dict[str, Any], changed: Any = ()) -> Any:
        """Call a function as a whole: the program will call it by its name."""
        ran, args = self.strip(tuple(args))
        pairs = {key: self.strip(x) for key, x in options.items()}
        op = Op("call", name, function, args, {key: w for key, (_, w) in pairs.items()})
        op.into = [self.written(x) for x in changed]
        result = function(*ran, **{key: p for key, (p, _) in pairs.items()})
        made = self.wrapped(result, op, op.values())
        self.add(op)
        return made

    def set_item(self, target: Any, index: Any, item: Any) -> None:
        """``target[index] = item``."""
        value = self.written(target)
        (ran_index, ran_item), (index, item) = self.strip((index, item))
        value.array[ran_index] = ran_item
        self.add(Op("set", "", None, (value, index, item), {}, into=[value]))

    def decided(self, op: Op, result: bool) -> bool:
        """The step goes on as if this call will give that result at every call: the program checks it."""
        op.kind, op.effect, op.outputs = "decide", True, [result]
        self.add(op)
        return result

    def add(self, op: Op) -> None:
        """Write it down."""
        op.number, op.scope = len(self.ops), self.scope
        errors = _error_state()
        if errors != self.errors:
            op.errors = errors
        self.ops.append(op)


def _error_state() -> tuple[Any, ...]:
    return tuple(np.geterr().items())


def _has_axes(given: Sequence[Value]) -> bool:
    return any(value.array.ndim for value in given)


def _is_array(value: Value) -> bool:
    """Whether it is an array in eager code, too, though without axes: some are numbers there."""
    return value.boxed or value.storage.kind not in ("made", "constant")


def _owner(array: Array) -> Any:
    base = array.base
    while base is not None:
        if isinstance(base, np.ndarray):
            array = base
        base = getattr(base, "base", None)  # of NumPy's windows it is a helper, whose base is the array
    return array
