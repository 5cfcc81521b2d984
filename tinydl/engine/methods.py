"""A Tensor as an array and as a Python object: operators, ndarray's methods, numbers, copies, what it prints.

Operators and methods are lines of the table, attached once it is complete; the others stand here as functions. Stands
on dispatch.py.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Any

import numpy as np

from .advice import after_transform, full_name
from .arrays import Array, beside, is_foreign, on_host, refuse_masked
from .dispatch import (
    Function,
    array_function,
    array_ufunc,
    choosing,
    differentiable,
    elementwise,
    primitives,
    table,
    unwrap,
)
from .names import TENSOR, lacks
from .recording import number, special, state
from .tensor import Primitive, Tensor, next_stamp, tell_read, tell_touched, wrap
from .terminal import spelled

# ---- Operators and methods ----

_OPERATORS = {
    "add": ("+", np.add), "sub": ("-", np.subtract), "mul": ("*", np.multiply), "truediv": ("/", np.divide),
    "pow": ("**", np.power), "matmul": ("@", np.matmul), "mod": ("%", np.remainder),
    "floordiv": ("//", np.floor_divide),
}  # fmt: skip
_COMPARISONS = {"lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal, "eq": np.equal,
                "ne": np.not_equal}  # fmt: skip
_LOGICAL = {"and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor}
_UNARY = {"invert": np.invert, "neg": np.negative, "pos": np.positive, "abs": np.absolute}
_METHODS = {
    "sum": np.sum, "mean": np.mean, "std": np.std, "var": np.var, "max": np.max, "min": np.min, "prod": np.prod,
    "cumsum": np.cumsum, "cumprod": np.cumprod, "ravel": np.ravel, "flatten": np.ravel, "squeeze": np.squeeze,
    "swapaxes": np.swapaxes, "clip": np.clip, "dot": np.dot, "argmax": np.argmax, "argmin": np.argmin,
    "argsort": np.argsort, "take": np.take, "repeat": np.repeat, "diagonal": np.diagonal, "trace": np.trace,
    "round": np.round, "any": np.any, "all": np.all, "conj": np.conjugate,
}  # fmt: skip
_FUNCTIONS = ("relu", "leaky_relu", "elu", "sigmoid", "softplus", "erf", "nan_to_num")  # elementwise, but no ufuncs


def attach() -> None:
    """Give Tensor its operators and methods, each a line of the table; called once the table is complete."""
    for name, (symbol, ufunc) in _OPERATORS.items():
        answer = table[ufunc]
        behave(f"__{name}__", _binary(answer))
        behave(f"__r{name}__", lambda self, other, answer=answer: answer(other, self))
        behave(f"__i{name}__", _augmented(symbol, answer, ufunc))
    for name, comparison in _COMPARISONS.items():
        behave(f"__{name}__", _binary(table[comparison]))
    for name, logical in _LOGICAL.items():
        behave(f"__{name}__", _binary(table[logical]))
        behave(f"__r{name}__", lambda self, other, answer=table[logical]: answer(other, self))
    for name, unary in _UNARY.items():
        behave(f"__{name}__", _unary(table[unary]))
    for name in elementwise:
        behave(name, _unary(primitives[name]))
    for name, f in _METHODS.items():
        behave(name, _method(table[f], name, choosing.get(f)))
    for name in _FUNCTIONS:
        behave(name, _method(primitives[name], name))
    behave("__getitem__", _indexing(primitives["getitem"]))
    others = {f.__name__: f"write {full_name(f)}(x, …)" for f in differentiable() if not hasattr(Tensor, f.__name__)}
    lacks(Tensor, {**others, **TENSOR})


_NUMBERS = {float, int, bool, np.float16, np.float32, np.float64, np.int64}
_AS_THEY_ARE = {np.ndarray, *_NUMBERS}


def _unary(f: Any) -> Callable[..., Any]:
    if not isinstance(f, Primitive):
        return lambda self: f(self)
    forward, output = f.forward, f.output

    def method(self: Tensor) -> Any:  # what f(self) does, without its loop over the inputs
        try:
            value, needed = forward(self._data), self._requires_grad
        except (ValueError, TypeError):
            return f(self)  # which says what is wrong
        if needed and not special.count:
            return wrap(value, True, f, (self,))
        return output(value, (self,), {}, needed)

    return method


def _binary(f: Callable[..., Any]) -> Callable[..., Any]:
    if not isinstance(f, Primitive):
        return lambda self, other: f(self, other)
    forward, output = f.forward, f.output

    def method(self: Tensor, other: Any) -> Any:  # what f(self, other) does, without its loops over the inputs
        try:
            if other.__class__ is Tensor:
                value = forward(self._data, other._data)
                needed = self._requires_grad or other._requires_grad
            elif other.__class__ is np.ndarray or other.__class__ in _AS_THEY_ARE:
                value = forward(self._data, other)
                needed = self._requires_grad
            else:
                return f(self, other)
        except (ValueError, TypeError, OverflowError):
            return f(self, other)  # which says what is wrong
        if needed and not special.count:
            return wrap(value, True, f, (self, other))
        return output(value, (self, other), {}, needed)

    return method


def _method(f: Callable[..., Any], name: str, choosing: Callable[..., Any] | None = None) -> Callable[..., Any]:
    def method(self: Tensor, *args: Any, **options: Any) -> Any:
        if options and choosing is not None and ("where" in options or "initial" in options):
            return choosing(self, *args, **options)
        return f(self, *args, **options)

    method.__name__ = name
    method.__doc__ = f"As the function {getattr(f, '__name__', name)} of this Tensor."
    return method


def _indexing(getitem: Primitive) -> Callable[..., Any]:
    def method(self: Tensor, index: Any) -> Any:  # what getitem(self, index=index) does, without binding its arguments
        index = unwrap(index)
        try:
            value = self._data[index]
        except (ValueError, TypeError, IndexError):
            return getitem(self, index=index)  # which says what is wrong
        return getitem.output(value, (self,), {"index": index}, self._requires_grad)

    return method


def _augmented(symbol: str, f: Callable[..., Any], ufunc: Any) -> Callable[..., Any]:
    def method(self: Tensor, other: Any) -> Any:
        if self.primitive is not None or not self._requires_grad:
            if special.count:
                for observer in state.observers:
                    if (made := observer.written(self, ufunc, other)) is not None:
                        return made
            return f(self, other)  # t += u means t = t + u
        if state.recording:
            raise RuntimeError(_in_place_advice(self, f"t {symbol}= u", f"t = t {symbol} u"))
        tell_touched(self)
        given = other if other.__class__ in _NUMBERS else beside(unwrap(other), self._data)
        ufunc(self._data, given, out=self._data, casting="same_kind")
        self.stamp = next_stamp()
        return self

    return method


def _in_place_advice(t: Tensor, update: str, fresh: str) -> str:
    return (
        f"`{update}` would change {_named(t)}, whose gradient is wanted, behind the back of the graph. To update it as "
        f"an optimizer does, write `with tl.no_grad(): {update}`; to compute with a new value write `{fresh}`."
    )


def _named(t: Tensor) -> str:
    return f"the Tensor {t.name!r} of shape {t._data.shape}" if t.name else f"a Tensor of shape {t._data.shape}"


def behave(name: str, what: Any) -> None:
    """Give Tensor a method or property."""
    setattr(Tensor, name, what)


def behaviour(function: Function) -> Function:
    """Make this function the Tensor method of its name."""
    behave(function.__name__, function)
    return function


for _name in ("shape", "ndim", "size", "dtype", "nbytes", "itemsize"):
    behave(_name, property(attrgetter(f"_data.{_name}"), doc=f"The {_name} of the array, as in NumPy."))
behave("__array_ufunc__", array_ufunc)
behave("__array_function__", array_function)


# In `masked * t` numpy.ma doesn't ask a Tensor to answer: it takes its array, and then asks for its mask.
def _mask(self: Tensor) -> Any:
    asked_by = sys._getframe(1).f_globals.get("__name__", "")  # not by somebody who lists attributes
    return refuse_masked(self) if self._requires_grad and asked_by.startswith("numpy.ma") else np.ma.nomask


behave("_mask", property(_mask))


@behaviour
def reshape(self: Tensor, *shape: Any, order: str = "C", copy: Any = None) -> Any:
    """The same elements in an array of this shape, given as one tuple or as numbers."""
    return table[np.reshape](self, shape[0] if len(shape) == 1 else shape, order, copy=copy)


@behaviour
def transpose(self: Tensor, *axes: Any) -> Any:
    """The axes in this order, given as one tuple or as numbers; in reverse order if none is given."""
    order = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes or None
    if len(axes) == 2 < self.ndim:
        raise ValueError(f"transpose takes all {self.ndim} axes; to exchange two write x.swapaxes{axes}")
    return table[np.transpose](self, order)


@behaviour
def astype(self: Tensor, dtype: Any, *, copy: bool = True) -> Any:
    """As the array's: to a floating dtype it is differentiable, to any other it gives a plain array."""
    return table[np.astype](self, dtype)


@behaviour
def copy(self: Tensor, order: str = "C") -> Any:
    """The same values in memory of their own."""
    return table[np.copy](self, order)


behave("T", property(lambda self: table[np.transpose](self), doc="With the axes in reverse order."))
behave("mT", property(lambda self: table[np.swapaxes](self, -1, -2), doc="With the last two axes exchanged."))


@behaviour
def numpy(self: Tensor) -> Array:
    """A copy of the value as an array of NumPy."""
    if special.count:
        tell_read(self)
    return self._data.copy() if self._data.__class__ is np.ndarray else on_host(self._data)


@behaviour
def item(self: Tensor) -> Any:
    """The value of a Tensor of one element as a Python number; ValueError for more."""
    if self._data.size != 1:
        raise ValueError(f"item() needs a single element, but this Tensor has shape {self._data.shape}")
    if special.count:
        if (instead := number(self)) is not self:
            return instead
        tell_read(self)
    return self._data.item()


@behaviour
def tolist(self: Tensor) -> Any:
    """The value as nested lists of Python numbers."""
    lists = self._data.tolist()
    if special.count:
        tell_read(self)
    return lists


@behaviour
def __len__(self: Tensor) -> int:
    if not self._data.ndim:
        raise TypeError("len() of a Tensor without axes")
    return len(self._data)


@behaviour
def __iter__(self: Tensor) -> Iterator[Tensor]:
    if not self._data.ndim:
        raise TypeError("iteration over a Tensor without axes")
    return (self[i] for i in range(len(self._data)))


@behaviour
def __bool__(self: Tensor) -> bool:
    if self._data.size != 1:
        raise ValueError(f"the truth of a Tensor of shape {self._data.shape} is ambiguous; use .any() or .all()")
    truth = bool(self._data)
    if special.count:
        tell_read(self)
    return truth


@behaviour
def __contains__(self: Tensor, value: Any) -> bool:
    found = bool((self._data == unwrap(value)).any())
    if special.count:
        tell_read(self)
    return found


def _exit(self: Tensor, what: str, instead: str) -> Array:
    if self._requires_grad:
        raise TypeError(
            f"{what} would leave the graph of {_named(self)} and lose its gradient. {after_transform(self)}{instead} "
            "For the value alone write .item(), a Python number, or .detach().numpy(), an array."
        )
    if special.count:
        tell_read(self)
    return self._data


_JOIN = (
    "To join Tensors write np.stack([t, u]), which makes a new axis, or np.concatenate([t, u]): NumPy lets Tensors "
    "answer these, but not np.array([t, u]), np.r_[t, u], np.mean([t, u]) or array[i] = t. Of nested lists "
    "np.block makes one."
)


@behaviour
def __array__(self: Tensor, dtype: Any = None, copy: bool | None = None) -> Array:
    array = _exit(self, "making a plain array of it", _JOIN)
    if is_foreign(array):
        raise TypeError(f"np.asarray doesn't fetch {_named(self)} from where it is; write .numpy(), which does")
    if copy is False and (dtype is None or array.dtype == dtype):
        return array
    return array.astype(array.dtype if dtype is None else dtype)


def _as_number(self: Tensor, kind: type[Any]) -> Any:
    if special.count and kind is float and not self._requires_grad:
        for observer in state.observers:
            if (made := observer.as_float(self)) is not None:
                return made
    return kind(
        _one(_exit(self, f"{kind.__name__}()", f"Use NumPy's functions, such as np.exp, not math.exp. {_JOIN}"))
    )


for _number in (float, int):
    behave(f"__{_number.__name__}__", lambda self, kind=_number: _as_number(self, kind))


def _one(array: Array) -> Any:
    if array.size != 1:
        raise TypeError(f"only a Tensor of one element becomes a Python number, not one of shape {array.shape}")
    return array.item()


@behaviour
def __index__(self: Tensor) -> int:
    if self._data.dtype.kind not in "iu" or self._data.ndim:
        raise TypeError(
            f"only a single integer is an index, not a Tensor of {self._data.dtype}, shape {self._data.shape}"
        )
    return int(self._data)


@behaviour
def __round__(self: Tensor, digits: int | None = None) -> Any:
    rounded = np.round(self._data, digits or 0)
    return int(_one(rounded)) if digits is None and rounded.size == 1 else rounded


@behaviour
def __divmod__(self: Tensor, other: Any) -> Any:
    return self // other, self % other


@behaviour
def __format__(self: Tensor, spec: str) -> str:
    if special.count:
        number(self)
        tell_read(self)
    if not spec:
        return str(self)
    if self._data.size != 1:
        raise TypeError(f"the format {spec!r} is for one number, but this Tensor has shape {self._data.shape}")
    return format(self._data.item(), spec)


@behaviour
def __repr__(self: Tensor) -> str:
    if special.count:
        tell_read(self)
    parts = [np.array2string(on_host(self._data), precision=4, threshold=100, separator=", ", prefix="tensor(")]
    if self._data.dtype.kind == "f" and self._data.dtype != np.float32:
        parts.append(f"dtype={self._data.dtype}")
    if self.name:
        parts.append(f"name={spelled(repr(self.name))}")
    if self.primitive is not None:
        parts.append(f"made by {self.primitive.name}")
    elif self._requires_grad:
        parts.append("requires_grad=True")
    return f"tensor({', '.join(parts)})"


@behaviour
def __setitem__(self: Tensor, index: Any, value: Any) -> None:
    if self.primitive is not None or not self._requires_grad:
        raise RuntimeError(
            f"{_named(self)} can't be assigned to: a Tensor keeps its value, as others may be computed from it. "
            "Write t = np.where(mask, value, t) for a new one, or build the array first and make a Tensor of it."
        )
    if state.recording:
        raise RuntimeError(_in_place_advice(self, "t[index] = value", "t = np.where(mask, value, t)"))
    tell_touched(self)
    self._data[unwrap(index)] = beside(unwrap(value), self._data)
    self.stamp = next_stamp()


def _leaf_parts(self: Tensor) -> tuple[Any, ...]:
    if self.primitive is not None:
        raise TypeError(
            f"{_named(self)} was computed by {self.primitive.name}: copying or pickling it would lose its graph. "
            f"{after_transform(self)}Write .detach() for its value alone."
        )
    return self._data, self._requires_grad, self.name, None if self.grad is None else self.grad.detach()


def _rebuild(data: Array, requires_grad: bool, name: str | None, grad: Tensor | None) -> Tensor:
    t = wrap(data, requires_grad)
    t.name, t.grad = name, grad
    return t


@behaviour
def __reduce__(self: Tensor) -> Any:
    return _rebuild, _leaf_parts(self)


@behaviour
def __copy__(self: Tensor) -> Tensor:
    data, requires_grad, name, _ = _leaf_parts(self)
    return _rebuild(data.copy(), requires_grad, name, None)


@behaviour
def __deepcopy__(self: Tensor, memo: dict[int, Any]) -> Tensor:
    data, *others = _leaf_parts(self)
    memo[id(self)] = made = _rebuild(data.copy(), *others)
    return made
