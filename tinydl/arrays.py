"""What the engine needs to know about plain arrays and plain functions: the house's lowest room, without a Tensor.

Which dtype a number gets, whose memory an array is, what a function's parameters are called, and how an error about
shapes is said.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class ChangedValueError(RuntimeError):
    """A value that a derivative rule needs was changed between the forward and the backward pass."""


class _Here(threading.local):
    default_dtype: np.dtype[Any] | None = None  # inside `with default_dtype(...)`, in this thread


_here = _Here()
_default_dtype = np.dtype(np.float32)


def default_dtype_now() -> np.dtype[Any]:
    """The dtype that Python floats become."""
    return _here.default_dtype or _default_dtype


def set_default_dtype(dtype: npt.DTypeLike) -> None:
    """Make Python floats, and new layers' parameters, this floating dtype from now on, in all threads."""
    global _default_dtype
    _default_dtype = _floating(dtype)


@contextmanager
def default_dtype(dtype: npt.DTypeLike) -> Iterator[None]:
    """Within ``with default_dtype(np.float64):`` this thread makes Tensors of Python floats in that dtype."""
    before, _here.default_dtype = _here.default_dtype, _floating(dtype)
    try:
        yield
    finally:
        _here.default_dtype = before


def _floating(dtype: npt.DTypeLike) -> np.dtype[Any]:
    found = np.dtype(dtype)
    if found.kind != "f":
        raise TypeError(f"the default dtype must be a floating one, not {found}")
    return found


def own_array(data: Any, requires_grad: bool, dtype: Any) -> Array:
    """A fresh, native, C-contiguous array of `data`, in the dtype that the contract of `tensor` says."""
    numpy_typed = isinstance(data, (np.ndarray, np.generic)) or hasattr(data, "__array_ufunc__")
    try:
        array = np.array(data, order="C")
    except ValueError as error:
        raise ValueError(f"a Tensor needs rows of equal length: {error}") from error
    if array.dtype.kind not in "fiub":
        raise TypeError(f"a Tensor holds real numbers, not {array.dtype}")
    if dtype is not None:
        array = array.astype(dtype)
        if array.dtype.kind not in "fiub" or (requires_grad and array.dtype.kind != "f"):
            raise TypeError(f"dtype={array.dtype} can't {'require a gradient' if requires_grad else 'be a Tensor'}")
    elif not numpy_typed and (array.dtype.kind == "f" or requires_grad):
        array = array.astype(default_dtype_now())
    elif requires_grad and array.dtype.kind != "f":
        raise TypeError(f"an array of {array.dtype} can't require a gradient; write array.astype(float) first")
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def as_array(value: Any) -> Any:
    """NumPy gives scalars where 0-d arrays went in; other array types (CuPy's) pass."""
    if value is None:
        raise TypeError("a forward function or derivative rule returned None; is a `return` missing?")
    if isinstance(value, (np.ndarray, np.generic)) or not hasattr(value, "__array_ufunc__"):
        return np.asarray(value)
    return value


def is_borrowed(gradient: Any, given: Sequence[Any]) -> bool:
    """Whether a rule's result may be somebody else's memory: a view, or one of the arrays that it was given."""
    for x in given:  # a loop, since any() with a generator takes four times as long
        if gradient is x:
            return True
    return gradient.base is not None


def fitted(g: Any, x: Any, name: str) -> Any:
    """The gradient that a rule gave, in the shape and dtype of its input `x`, which broadcasting may have stretched:
    summed over the axes along which it was. Raises ValueError or TypeError for what is no gradient of x."""
    shape, expected = g.shape, x.shape
    if shape != expected:
        axes: int | tuple[int, ...] = 0
        if shape[1:] != expected:  # otherwise it is the bias of a layer, and quickly done
            extra = len(shape) - len(expected)
            if extra < 0 or any(n != m and n != 1 for n, m in zip(expected, shape[extra:], strict=True)):
                raise ValueError(f"the rule of {name} gave a gradient of shape {shape} for an input of {expected}")
            axes = (*range(extra), *(i for i, n in enumerate(expected, extra) if n == 1 and shape[i] != 1))
        if g.size != x.size:
            half = g.dtype.char == "e"  # float16, in which a sum of thousands stops growing: it is taken in float32
            if g.__class__ is np.ndarray:
                g = as_array(np.add.reduce(g, axes, np.float32 if half else None))
            else:
                g = (g.astype(np.float32) if half else g).sum(axes)
        if g.shape != expected:
            g = g.reshape(expected)
    if g.dtype == x.dtype:
        return g
    if g.dtype.kind not in "fiub":
        raise TypeError(f"the rule of {name} gave a gradient of {g.dtype}; tinydl differentiates real numbers only")
    if x.dtype.kind != "f":
        raise TypeError(
            f"{name} passes a gradient back to a value of {x.dtype}, but only real floating numbers have one; "
            "what made that value must return floats, as .astype(float) gives"
        )
    return g.astype(x.dtype)


def with_shapes(error: Exception, name: str, arrays: Sequence[Any]) -> Exception:
    """The same error, saying which operation it was and the shapes that went in."""
    shapes = [np.shape(a) for a in arrays if not isinstance(a, str)]
    if name == "matmul" and len(shapes) == 2 and all(len(s) >= 1 for s in shapes):
        (a, b), inner = shapes, shapes[1][-2] if len(shapes[1]) > 1 else shapes[1][0]
        if a[-1] != inner:
            hint = " Did you mean x @ w.T?" if len(b) > 1 and b[-1] == a[-1] else ""
            which = "first" if len(b) < 3 else "second to last"
            return ValueError(
                f"matmul: the last axis of x {a} must match the {which} of w {b}: {a[-1]} ≠ {inner}.{hint}"
            )
    kinds = (np.linalg.LinAlgError, ValueError, TypeError, IndexError)
    kind = next((k for k in kinds if isinstance(error, k)), ValueError)
    return kind(f"{name} of {' and '.join(f'shape {s}' for s in shapes)}: {error}")


def _same(a: Any, b: Any) -> bool:
    return a is b or (a.__class__ is b.__class__ and bool(np.all(a == b)))


class Signature:
    """The parameters of a primitive: its inputs, one per rule, and the options that all its rules take."""

    def __init__(
        self, name: str, forward: Callable[..., Any], rules: Sequence[Callable[..., Any] | None], each: bool
    ) -> None:
        self.name, self.each, self.count = name, each, len(rules)
        known = [self._of_rule(rule) for rule in rules if rule is not None]
        self.inputs = known[0][0]
        self.options = tuple(n for n in known[0][1] if all(n in options for _, options in known))
        self.parameters: tuple[str, ...] = (*self.inputs, *self.options)
        self.defaults: dict[str, Any] = {}
        if isinstance(forward, np.ufunc):
            if forward.nin != len(rules):
                raise TypeError(f"{name} takes {forward.nin} inputs and needs a rule for each, not {len(rules)}")
            return
        try:
            declared = inspect.signature(forward).parameters.values()
        except (ValueError, TypeError):  # written in C and without a signature: the rule's names serve
            return
        given = {p.name: p.default for p in declared if p.default is not p.empty}
        self.defaults = {name: value for name, value in given.items() if repr(value) != "<no value>"}  # NumPy's "unset"
        for rule in rules:
            self._refuse_other_defaults(rule)
        if not each:
            variadic = any(p.kind is p.VAR_POSITIONAL for p in declared)
            named = tuple(p.name for p in declared if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD))
            if variadic:
                return
            if len(named) < len(rules):
                raise TypeError(f"{name} has {len(rules)} rules, but its forward function takes {len(named)} inputs")
            self.parameters, self.inputs = named, named[: len(rules)]

    def _refuse_other_defaults(self, rule: Callable[..., Any] | None) -> None:
        for p in inspect.signature(rule).parameters.values() if rule is not None else ():
            own = self.defaults.get(p.name, p.default)
            if p.name in self.options and not _same(own, p.default):
                said = "no default" if p.default is p.empty else f"the default {p.default!r}"
                raise TypeError(
                    f"{self.name}: {p.name} has the default {own!r} in the forward function, but {said} in a rule"
                )

    def _of_rule(self, rule: Callable[..., Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        parameters = list(inspect.signature(rule).parameters.values())
        names = tuple(p.name for p in parameters)
        if self.each:
            return (), tuple(p.name for p in parameters if p.kind is p.KEYWORD_ONLY)
        if any(p.kind is p.VAR_POSITIONAL for p in parameters):
            return tuple(f"x{i}" for i in range(self.count)), ()
        if len(names) < 2 + self.count:
            raise TypeError(f"a rule of {self.name} must take (g, y, and {self.count} inputs), not {names}")
        return names[2 : 2 + self.count], names[2 + self.count :]

    def bind(self, args: tuple[Any, ...], options: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Sort a call's arguments into inputs and options, whether they came by position or by name."""
        if self.each or len(args) == self.count:
            return args, self._checked(options)
        if len(args) > len(self.parameters):
            raise TypeError(f"{self.name} takes at most {len(self.parameters)} arguments, not {len(args)}")
        given = dict(zip(self.parameters, args, strict=False))
        for key, value in options.items():
            if key in given:
                raise TypeError(f"{self.name} got two values for {key}=")
            given[key] = value
        missing = [n for n in self.inputs if n not in given and n not in self.defaults]
        if missing:
            raise TypeError(f"{self.name} needs a value for {' and '.join(missing)}")
        inputs = tuple(given.pop(n) if n in given else self.defaults[n] for n in self.inputs)
        return inputs, self._checked(given)

    def _checked(self, given: dict[str, Any]) -> dict[str, Any]:
        """Leave out what is said by default; an option that the rules don't take would change only the value."""
        options = {}
        for key, value in given.items():
            by_default = key in self.defaults and value is self.defaults[key]
            if key not in self.options:
                if key in self.inputs:
                    raise TypeError(f"{self.name} got two values for {key}=")
                if not by_default:
                    takes = ", ".join(f"{k}=" for k in self.options) or "no options"
                    raise TypeError(f"{self.name} of Tensors doesn't take {key}= (it takes {takes})")
            elif not by_default:
                options[key] = value
        return options
