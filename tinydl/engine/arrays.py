"""What the engine needs to know about plain arrays: the house's lowest room, without a Tensor.

Which dtype a number gets, whose memory an array is, which shape a gradient must have, and how an error about shapes is
said. signature.py, next door, knows plain functions.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

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
        array = (data if data.__class__ is np.ndarray else plain_array(data)).copy()
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
    """NumPy gives scalars where 0-d arrays went in; Tensors and other libraries' arrays pass."""
    if value.__class__ is np.ndarray:
        return value
    if value is None:
        raise TypeError("a forward function or derivative rule returned None; is a `return` missing?")
    if isinstance(value, np.generic):
        return np.asarray(value)
    return plain_array(value) if isinstance(value, np.ndarray) or not hasattr(value, "__array_function__") else value


def plain_array(value: Any, dtype: Any = None) -> Array:
    """What a user gave as an array of NumPy's own class, or of another library if it is one of its arrays.

    TypeError for a masked one: its hidden numbers would count.
    """
    array: Array
    if value.__class__ is np.ndarray or is_foreign(value):
        array = _in_dtype(value, dtype)
        return array
    if _masked(value):
        refuse_masked(value)
    if isinstance(value, (list, tuple)) and any(map(is_foreign, value)):
        raise TypeError(f"a list of arrays of another library is no array; write np.stack of it, {_MOVE}")
    return np.asarray(value, dtype)


def is_array(value: Any) -> bool:
    """Whether rules can compute with it as it is: an array of NumPy, or of another library that speaks its protocols.

    Neither a Tensor nor a masked array is one; nor are tables and labelled arrays (pandas', xarray's).
    """
    if isinstance(value, np.ndarray):
        return value.__class__ is np.ndarray or not is_masked(value)
    return is_foreign(value)


def is_foreign(value: Any) -> bool:
    """Whether it is an array of numbers of a library other than NumPy, such as CuPy, that speaks NumPy's protocols."""
    if isinstance(value, _NUMPYS_OR_PYTHONS):
        return False
    kind = value.__class__
    return (
        hasattr(kind, "__array_function__")
        and hasattr(kind, "__array_ufunc__")
        and not hasattr(kind, "requires_grad")  # a Tensor, which this file, below tensor.py, doesn't know
        and hasattr(value, "shape")
        and getattr(getattr(value, "dtype", None), "kind", None) in _NUMBERS
    )


_NUMPYS_OR_PYTHONS = (np.ndarray, np.generic, int, float, list, tuple, str, dict, type(None))
_NUMBERS = frozenset("biuf")


def _in_dtype(array: Any, dtype: Any) -> Any:
    return array if dtype is None or array.dtype == dtype else array.astype(dtype)


def beside(value: Any, like: Any, dtype: Any = None) -> Any:
    """What a user gave, or an array made by NumPy, as an array that can be computed with beside `like`, an array:
    moved to where that one is, such as a GPU. TypeError for one that is elsewhere while `like` is NumPy's."""
    if like.__class__ is not np.ndarray and is_foreign(like):
        return _in_dtype(value, dtype) if is_foreign(value) else np.asarray(plain_array(value), dtype, like=like)
    array = plain_array(value, dtype)
    if array.__class__ is not np.ndarray:
        raise TypeError(_apart(array))
    return array


def on_host(value: Any) -> Array:
    """What is an array, wherever it is, as an array of NumPy: as files, reports and pictures need it."""
    if value.__class__ is np.ndarray:
        array: Array = value
        return array
    return np.asarray(value.get() if is_foreign(value) and hasattr(value, "get") else value)


_MOVE = "model.to(cupy.asarray) moves a model, which takes its data along; model.to(cupy.asnumpy) brings it back"


def _apart(array: Any) -> str:
    library, kind = array.__class__.__module__.partition(".")[0], array.__class__.__name__
    return f"an array of {library} ({kind}) can't be computed with beside one of NumPy. {_MOVE}"


def _masked(value: Any) -> bool:
    if isinstance(value, (list, tuple)):  # of arrays; numbers needn't be looked at one by one
        return bool(value) and not isinstance(value[0], (int, float)) and any(map(_masked, value))
    return is_masked(value)


def is_masked(value: Any) -> bool:
    """Whether it is one of numpy.ma, which NumPy loads only when it is used."""
    return value.__class__ is not np.ndarray and isinstance(value, np.ndarray) and hasattr(value, "filled")


def refuse_masked(value: Any) -> NoReturn:
    """TypeError that says what to write instead of a masked array."""
    raise TypeError(
        "a masked array would be taken with its hidden numbers. Write x.filled(value) to put a number in their place, "
        "or leave out the rows that have some: x.data[~np.ma.getmaskarray(x).any(1)]"
    )


def sum_dtype(x: Any) -> Any:
    """In which dtype x is summed: float32 for float16, whose sums stop growing and whose counts end at 65504; None, its
    own, for any other."""
    return np.float32 if x.dtype.char == "e" else None


def wide(x: Any) -> Any:
    """x in the dtype in which it is summed."""
    return x.astype(np.float32) if x.dtype.char == "e" else x


def dot_products(a: Any, b: Any) -> Any:
    """Σ a·b along the last axis, without an array of the products."""
    if a.__class__ is np.ndarray:
        return np.vecdot(a, b)
    return (a[..., None, :] @ b[..., None])[..., 0, 0]  # other libraries may lack np.vecdot


def memory_order(array: Any) -> list[int]:
    """The axes, the one along which elements lie farthest apart first: in this order they lie as in a C array."""
    return sorted(range(array.ndim), key=lambda axis: -abs(array.strides[axis]))


def sum_along(x: Any, axes: Any, keepdims: bool = True) -> Any:
    """Σ x along the axes (None: all), which stay with length 1; of float16 in float32.

    Images may lie in memory with the batch last. Then what is added along the other axes are whole rows, which takes a
    third of the time of NumPy's own order; the last step adds within rows.
    """
    add: Any = np.add.reduce
    if axes.__class__ is tuple and (inner := innermost(x, axes)) is not None:
        x = add(x, tuple([i for i in axes if i not in (inner, inner - x.ndim)]), sum_dtype(x), keepdims=True)
    return add(x, axes, sum_dtype(x), keepdims=keepdims)


def innermost(x: Array, axes: tuple[int, ...]) -> int | None:
    """Which of two or more axes it is along which the elements lie side by side, if that isn't the last axis of x."""
    if len(axes) > 1 and x.ndim > 1 and x.strides[-1] != x.itemsize:
        for i, n in enumerate(x.shape):
            if x.strides[i] == x.itemsize and n > 1:
                return i if i in axes or i - x.ndim in axes else None
    return None


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
            g = as_array(sum_along(g, axes, keepdims=False)) if is_array(g) else wide(g).sum(axes)
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
    if (of_two_libraries := mixed(name, arrays)) is not None:
        return of_two_libraries
    shapes = [np.shape(a) for a in arrays if not isinstance(a, str)]
    if name == "matmul" and len(shapes) == 2 and all(len(s) >= 1 for s in shapes):
        (a, b), inner = shapes, shapes[1][-2] if len(shapes[1]) > 1 else shapes[1][0]
        if a[-1] != inner:
            hint = " Did you mean x @ w.T?" if len(b) > 1 and b[-1] == a[-1] else ""
            which = "first" if len(b) < 3 else "second to last"
            return ValueError(
                f"matmul: the last axis of x {a} must match the {which} of w {b}: {a[-1]} ≠ {inner}.{hint}"
            )
    kinds = (np.exceptions.AxisError, np.linalg.LinAlgError, ValueError, TypeError, IndexError)
    kind = next((k for k in kinds if isinstance(error, k)), ValueError)
    said = [f"shape {s}" for s in shapes]
    said = said if len(said) < 9 else [*said[:4], f"{len(said) - 4} others"]
    return kind(f"{name} of {' and '.join(said)}: {error}")


def mixed(name: str, arrays: Sequence[Any]) -> TypeError | None:
    """What to say of an operation that was given arrays of NumPy and of another library; None if it wasn't."""
    foreign = next((a for a in arrays if is_foreign(a)), None)
    meet = foreign is not None and any(isinstance(a, np.ndarray) for a in arrays)
    return TypeError(f"{name}: {_apart(foreign)}") if meet else None


# where sums of squares are at least this times their number, those that vanished are less than a rounding error
_SMALL_SQUARE = {np.dtype(np.float32): 1e-30, np.dtype(np.float64): 1e-290}


def euclidean_norms(arrays: Sequence[Array]) -> list[float]:
    """That of each array, whose numbers are fetched together from where they are."""
    if not any(a.__class__ is not np.ndarray and a.dtype in _SMALL_SQUARE for a in arrays):
        return [euclidean_norm(a) for a in arrays]
    squares = on_host(np.stack([np.dot(a.ravel(), a.ravel()).astype(np.float64) for a in arrays])).tolist()
    return [_norm(a, s) for a, s in zip(arrays, squares, strict=True)]


def euclidean_norm(x: Array) -> float:
    """√Σx² over all elements, where the squares would leave the range of x's dtype, too."""
    return _norm(x, None)


def _norm(x: Array, squares: float | None) -> float:
    """The same; `squares` is Σx² if somebody has fetched it."""
    flat = x.ravel()
    if flat.dtype in _SMALL_SQUARE:
        if squares is None:
            with np.errstate(over="ignore", under="ignore"):
                squares = float(np.dot(flat, flat))
        if flat.size * _SMALL_SQUARE[flat.dtype] < squares < math.inf:
            return math.sqrt(squares)
    largest = float(np.max(np.abs(flat))) if flat.size else 0.0
    if not 0 < largest < math.inf:
        return largest
    return largest * float(np.linalg.norm(flat.astype(np.float64) / largest))
