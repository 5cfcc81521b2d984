"""An array that writes down what is done to it, while the engine computes with it as with any other.

It says that its class is np.ndarray, so that no line of the engine takes another path because of it; NumPy's protocols
and the methods below bring each call to the tape. What would take a value out, such as bool(), asks here what is to
happen: a user's decision is an error, tinydl's own a check that the program makes, too.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

import numpy as np

from ..engine.arrays import Array
from ..engine.recording import AsOne
from ..engine.tensor import Primitive, Tensor
from .asking import BETWEEN, OURS, is_stand_in, taken_out
from .tape import CompileError, Op, Tape, Value

_WHOLE = {Primitive.__call__.__code__, Primitive.pull.__code__}


class _Watching(np.ndarray):
    """A view of an array, as long as the tape is open; afterwards it computes as the array does."""

    watched: tuple[Tape, Value] | None = None
    borrowed: Any = None  # what `base` says: the array that this is a view of in the recorded step

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **options: Any) -> Any:
        if _has_tensors(inputs):
            return NotImplemented
        tape = _tape_of(inputs, out, options)
        if tape is None:
            inputs, options = _bare(inputs), _bare(options)
            return getattr(ufunc, method)(*inputs, **options, **({} if out is None else {"out": _bare(out)}))
        options = {name: x for name, x in options.items() if name != "subok" and not _is_default(name, x)}
        if method == "at":
            return _changing(tape, "at", f"np.{ufunc.__name__}.at", ufunc.at, inputs)
        name = f"np.{ufunc.__name__}" + ("" if method == "__call__" else f".{method}")
        kind = "ufunc" if method == "__call__" else "reduce"
        return tape.apply(kind, name, ufunc if method == "__call__" else getattr(ufunc, method), inputs, options, out)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Mapping[str, Any]) -> Any:
        if any(issubclass(kind, Tensor) for kind in types):
            return NotImplemented
        tape = _tape_of(args, options)
        if tape is None:
            return function(*_bare(args), **_bare(options))
        options = dict(options)
        out = options.pop("out", None)
        if function is np.copyto:
            target, *others = args
            return _changing(tape, "function", "np.copyto", np.copyto, (target, *others), options)
        module = function.__module__.replace("numpy", "np") if "." in function.__module__ else "np"
        name = f"{module}.{function.__name__}"
        return tape.apply("function", name, function, args, options, None if out is None else (out,))

    def __getitem__(self, index: Any) -> Any:
        return self._do("[]", _pick, (self, index))

    def __setitem__(self, index: Any, item: Any) -> None:
        if item.__class__ is Tensor and not item._requires_grad:
            item = item._data
        tape = _tape_of((self, index, item))
        if tape is None:
            np.ndarray.view(self, np.ndarray)[_bare(index)] = _bare(item)
        else:
            tape.set_item(self, index, item)

    def _do(self, name: str, function: Any, args: Any, options: dict[str, Any] | None = None) -> Any:
        tape = _tape_of(args, options)
        if tape is None:
            return function(*_bare(args), **_bare(options or {}))
        return tape.apply("method", name, function, args, options or {})

    def fill(self, number: Any) -> None:
        """Fill it with a number."""
        self[...] = number

    # ---- what takes a value out ----

    def __bool__(self) -> bool:
        tape, value = self._asked("bool()")
        if tape is None:
            return bool(np.ndarray.view(self, np.ndarray))
        decided: bool = tape.decided(Op("decide", "bool", bool, (value,), {}), bool(value.array))
        return decided

    def _asked(self, what: str) -> tuple[Any, Any]:
        """Whose value is asked for: (None, None) if nobody records, else this one's; raises where it can't be told."""
        if self.watched is None or not self.watched[0].records():
            return None, None
        tape, value = self.watched
        frame, inside = _engine_frame(sys._getframe(2), tape)
        if frame is None or not frame.f_code.co_filename.startswith(OURS):
            while frame is not None and not frame.f_code.co_filename.startswith(OURS):
                frame, inside = frame.f_back, frame
            if frame is not None:
                _call_as_one(frame, inside, tape)  # a user's own primitive
            raise CompileError(taken_out(what))
        while frame is not None and frame.f_code.co_filename.startswith(OURS):
            _call_as_one(frame, inside, tape)
            frame, inside = frame.f_back, frame
        return tape, value

    def _number(self, what: str, function: Callable[[Any], Any]) -> Any:
        tape, _ = self._asked(what)
        if tape is not None:
            raise CompileError(
                f"{what} of an array takes a number out of the step inside of tinydl, where no program can follow: the "
                "rest depends on it. Do this part outside of the compiled function; for an accuracy write "
                "(z.argmax(1) == y).mean(), for one_hot give the number of classes"
            )
        return function(np.ndarray.view(self, np.ndarray))

    def __float__(self) -> float:
        return float(self._number("float()", float))

    def __int__(self) -> int:
        return int(self._number("int()", int))

    def __index__(self) -> int:
        return int(self._number("an index", int))

    def item(self, *place: Any) -> Any:
        """A Python number."""
        return self._number(".item()", lambda array: array.item(*place))

    def tolist(self) -> Any:
        """Nested lists."""
        return self._number(".tolist()", lambda array: array.tolist())

    def tobytes(self, *args: Any, **options: Any) -> bytes:
        """The memory as bytes."""
        made: bytes = self._number(".tobytes()", lambda array: array.tobytes(*args, **options))
        return made

    def __contains__(self, item: Any) -> bool:
        return bool((self == item).any())


def _engine_frame(frame: FrameType | None, tape: Tape) -> tuple[FrameType | None, FrameType | None]:
    """The innermost frame that isn't of what lies between a Tensor and who uses it; and the one that it called."""
    inside: FrameType | None = None
    while frame is not None and frame.f_code.co_filename.startswith(BETWEEN):
        _call_as_one(frame, inside, tape)
        frame, inside = frame.f_back, frame
    return frame, inside


def _call_as_one(frame: FrameType, inside: FrameType | None, tape: Tape) -> None:
    """Where a forward function or a rule on arrays asks, it is called as a whole instead."""
    observers = inside is not None and inside.f_code is Primitive.output.__code__  # who are told of what it gave
    if frame.f_code in _WHOLE and not observers and not _on_tensors(frame):
        raise AsOne(tape.call)


def _on_tensors(frame: FrameType) -> bool:
    """Whether a derivative rule runs on Tensors there, so that what it does is itself recorded as a graph."""
    given = frame.f_locals.get("given")
    return given is not None and given[1].__class__ is Tensor


def watch(array: Array, tape: Tape, value: Value) -> Any:
    """This array, watched."""
    made = array.view(Watched)
    made.watched = (tape, value)
    made.borrowed = None if value.maker is None and value.whole else value.storage.array
    return made


def value_of(x: Any) -> Value:
    """Which value of the program a watched array is."""
    value: Value = x.watched[1]
    return value


def refuse_varying(primitive: Primitive, options: dict[str, Any]) -> None:
    """CompileError for an option that isn't the same at each call; masks and places to index may be others."""
    for key, x in options.items():
        is_mask = isinstance(x, Watched) and x.dtype == bool and x.ndim
        if isinstance(x, Watched) and not (
            is_mask or primitive.name in _INDEXED or value_of(x).storage.kind == "constant"
        ):
            raise CompileError(
                f"{primitive.name}: {key}= is computed from an argument, and decides how the rest goes on; pass a "
                "Python number to the compiled function, which then makes a program for each"
            )


_INDEXED = {"getitem", "scatter", "added_at", "take"}


def unwatched(x: Any) -> Any:
    """The plain array of a watched one; anything else as it is."""
    if isinstance(x, Watched):
        return x.watched[1].array if x.watched is not None else np.ndarray.view(x, np.ndarray)
    return x


def plain_value(value: Any) -> Any:
    """What a Module is to keep: a Tensor with its plain array, and the array alone of what stands for one."""
    if isinstance(value, Watched):
        return unwatched(value)
    if isinstance(value, Tensor) and isinstance(value._data, Watched):
        value._data = unwatched(value._data)
    return value._data if is_stand_in(value) else value


def _bare(x: Any) -> Any:
    kind = type(x)
    if kind is list or kind is tuple:
        return kind(map(_bare, x))
    if kind is dict:
        return {key: _bare(item) for key, item in x.items()}
    return unwatched(x)


def _tape_of(*given: Any) -> Tape | None:
    """The open tape that one of these belongs to."""
    for x in given:
        kind = type(x)
        if kind is Watched and x.watched is not None and x.watched[0].records():
            tape: Tape = x.watched[0]
            return tape
        if kind in (list, tuple) and x:
            if (found := _tape_of(*x)) is not None:
                return found
        elif kind is dict and x and (found := _tape_of(*x.values())) is not None:
            return found
    return None


def _has_tensors(inputs: Any) -> bool:
    """Whether a Tensor is among them, which then is to answer."""
    return any(x.__class__ is Tensor for x in inputs)


def _changing(tape: Tape, kind: str, name: str, function: Any, inputs: Any, options: Any = None) -> None:
    """A call that changes its first argument in place."""
    target = tape.written(inputs[0])
    ran, args = tape.strip(tuple(inputs))
    pairs = {key: tape.strip(x) for key, x in (options or {}).items()}
    function(*ran, **{key: p for key, (p, _) in pairs.items()})
    tape.add(Op(kind, name, function, args, {key: w for key, (_, w) in pairs.items()}, into=[target]))


def _is_default(name: str, x: Any) -> bool:
    if name in ("dtype", "axes", "signature", "order"):
        return x is None
    return (name == "where" and x is True) or (name == "keepdims" and x is False) or x is np._NoValue


def _pick(array: Any, index: Any) -> Any:
    return array[index]


_METHODS = ("reshape", "transpose", "swapaxes", "ravel", "flatten", "squeeze", "astype", "copy", "view", "diagonal",
            "take", "repeat", "round", "dot", "trace", "cumsum", "cumprod", "argmax", "argmin", "argsort", "nonzero",
            "searchsorted", "clip", "conj", "sum", "mean", "std", "var", "max", "min", "prod", "any",
            "all", "compress", "choose", "ptp")  # fmt: skip
_REDUCING = {"sum", "mean", "std", "var", "max", "min", "prod", "any", "all", "clip", "ptp"}  # made of ufuncs by NumPy
_REFUSED = ("sort", "partition", "resize", "put", "itemset", "byteswap", "setflags", "setfield")


def _method(name: str) -> Any:
    plain: Any = getattr(np.ndarray, name)

    def call(self: _Watching, *args: Any, **options: Any) -> Any:
        return self._do(f".{name}", plain, (self, *args), options)

    return call


def _refused(name: str) -> Any:
    def call(self: _Watching, *args: Any, **options: Any) -> Any:
        raise CompileError(f"array.{name}() changes an array in a way that isn't recorded; write np.{name}(…)")

    return call


def _view(name: str, function: Callable[[Any], Any]) -> property:
    return property(lambda self: self._do(f".{name}", function, (self,)))


for _name in _METHODS:
    if _name not in _REDUCING and hasattr(np.ndarray, _name):
        setattr(_Watching, _name, _method(_name))
for _name in _REFUSED:
    setattr(_Watching, _name, _refused(_name))
_LIES: dict[str, Any] = {
    "__class__": property(lambda self: np.ndarray),
    "base": property(lambda self: self.borrowed),
    "T": _view("T", lambda a: a.T),
    "mT": _view("mT", lambda a: a.mT),
}
Watched: Any = type("Watched", (_Watching,), _LIES)
