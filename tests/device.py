"""A stand-in for an array on a GPU: an array of another library that speaks NumPy's protocols, with CuPy's rules.

`OnDevice` holds a NumPy array where nobody can get at it but by the protocols. It is strict where CuPy 13 and 14 are
(read in their source), so that a rule that makes an array of NumPy beside one
that it was given fails here as it would on a GPU:

- `np.asarray(x)` raises: an array comes back by `x.get()`, or as one number by `float`, `int`, `bool` and `item`, which
  on a GPU wait until all work is done; `syncs` counts them;
- a ufunc, function or method that is given an array of NumPy beside it raises; numbers, NumPy's scalars included, pass,
  and so does an array of NumPy as an index;
- functions that CuPy lacks raise; `ufunc.reduce` exists for add and multiply only, without `initial` and `where`;
- results of no axes stay arrays, decompositions give plain tuples, `flags` don't say whether an array is writeable.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

_LACKING = (
    "block can_cast common_type insert matvec ndim result_type vecdot vecmat unstack linalg.cross linalg.diagonal "
    "linalg.matrix_norm linalg.multi_dot linalg.outer linalg.svdvals linalg.tensordot linalg.trace linalg.vecdot "
    "linalg.vector_norm"
)
LACKS = {operator.attrgetter(name)(np) for name in _LACKING.split() if hasattr(np, name) or "." in name}
# the functions of CuPy 14.2 that take less than NumPy's of the same name
_TAKES = {
    "max": "a axis out keepdims", "min": "a axis out keepdims", "amax": "a axis out keepdims",
    "amin": "a axis out keepdims", "sum": "a axis dtype out keepdims", "prod": "a axis dtype out keepdims",
    "mean": "a axis dtype out keepdims", "var": "a axis dtype out ddof keepdims",
    "std": "a axis dtype out ddof keepdims", "any": "a axis out keepdims", "all": "a axis out keepdims",
    "count_nonzero": "a axis", "take": "a indices axis out", "sort": "a axis kind", "argsort": "a axis kind",
    "clip": "a a_min a_max out", "copy": "a order", "broadcast_to": "array shape", "squeeze": "a axis",
    "median": "a axis out overwrite_input keepdims", "cumsum": "a axis dtype out", "cumprod": "a axis dtype out",
    "linalg.cholesky": "a", "linalg.pinv": "a rcond", "linalg.svd": "a full_matrices compute_uv",
    "linalg.eigh": "a UPLO", "linalg.qr": "a mode", "linalg.matrix_rank": "M tol", "argpartition": "a kth axis",
    "partition": "a kth axis", "nansum": "a axis dtype out keepdims", "nanprod": "a axis dtype out keepdims",
    "nanmean": "a axis dtype out keepdims", "nanvar": "a axis dtype out ddof keepdims", "nanmax": "a axis out keepdims",
    "nanstd": "a axis dtype out ddof keepdims", "nanmin": "a axis out keepdims",
    "quantile": "a q axis out overwrite_input keepdims",  # and five of the methods, which know no NaN
}  # fmt: skip
TAKES = {operator.attrgetter(name)(np): options.split() for name, options in _TAKES.items()}
syncs: Counter[str] = Counter()


class NotOnDevice(TypeError):
    """An array of NumPy came where one on the device must be."""


def _bare(x: Any) -> Any:
    if isinstance(x, OnDevice):
        return x._held
    if isinstance(x, np.ndarray):
        raise NotOnDevice(
            f"an array of NumPy, {x.dtype} of shape {x.shape}, beside one of another library. In a rule or forward "
            "function make arrays of one that is there (np.zeros_like(x), np.eye(n, like=x)); move what a user gave "
            "with beside(value, x) of engine/arrays.py; numbers may stay numbers"
        )
    if type(x) in (list, tuple):
        return type(x)(map(_bare, x))
    return x


def _held(x: Any) -> Any:
    if isinstance(x, (np.ndarray, np.generic)):
        return OnDevice(x)
    if isinstance(x, (list, tuple)):
        made = [_held(item) for item in x]
        return made if isinstance(x, list) else tuple(made)
    return x


def _index(i: Any) -> Any:
    if isinstance(i, tuple):
        return tuple(map(_index, i))
    return i._held if isinstance(i, OnDevice) else i


class _Flags:
    def __init__(self, flags: Any) -> None:
        self.c_contiguous, self.f_contiguous, self.owndata = flags.c_contiguous, flags.f_contiguous, flags.owndata


class OnDevice:
    """An array of NumPy behind NumPy's protocols."""

    def __init__(self, array: Any) -> None:
        self._held = np.asarray(array)

    shape = property(lambda self: self._held.shape)
    dtype = property(lambda self: self._held.dtype)
    ndim = property(lambda self: self._held.ndim)
    size = property(lambda self: self._held.size)
    nbytes = property(lambda self: self._held.nbytes)
    itemsize = property(lambda self: self._held.itemsize)
    strides = property(lambda self: self._held.strides)
    base = property(lambda self: self._held.base)
    flags = property(lambda self: _Flags(self._held.flags))
    T = property(lambda self: OnDevice(self._held.T))
    mT = property(lambda self: OnDevice(self._held.swapaxes(-1, -2)))

    def get(self) -> Any:
        syncs["get"] += 1
        return self._held.copy()

    def __array__(self, *args: Any, **options: Any) -> Any:
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use `.get()`")

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        if ufunc in LACKS:
            return NotImplemented
        if method == "reduce":
            if ufunc not in (np.add, np.multiply) or set(options) - {"axis", "dtype", "out", "keepdims"}:
                raise TypeError(f"np.{ufunc.__name__}.reduce of an array on the device takes no {sorted(options)}")
        elif method == "at":
            if ufunc not in (np.add, np.maximum, np.minimum):
                raise TypeError(f"np.{ufunc.__name__}.at of an array on the device")
            ufunc.at(inputs[0]._held, _index(inputs[1]), *map(_bare, inputs[2:]))
            return None
        elif method != "__call__":
            raise TypeError(f"np.{ufunc.__name__}.{method} of an array on the device")
        if any(not isinstance(x, (OnDevice, np.ndarray, np.generic, int, float, complex)) for x in inputs):
            return NotImplemented
        out = options.pop("out", None)
        kept = {} if out is None else {"out": tuple(map(_bare, out))}
        result = getattr(ufunc, method)(*map(_bare, inputs), **{k: _bare(v) for k, v in options.items()}, **kept)
        return _held(result) if out is None else out[0]

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        if function in LACKS or any(t not in (OnDevice, np.ndarray) for t in types):
            return NotImplemented
        if function in (np.asarray, np.array, np.asanyarray):  # with like=: this is how an array gets here
            return OnDevice(function(*(a._held if isinstance(a, OnDevice) else a for a in args), **options))
        known = TAKES.get(function)
        if known is not None and (len(args) > len(known) or not options.keys() <= set(known)):
            raise TypeError(f"{function.__name__} of arrays on the device takes {known}, not {len(args)}, {[*options]}")
        if function is np.take:  # whose indices may be an array of NumPy
            args = (*args[:1], *(asarray(a) if isinstance(a, np.ndarray) else a for a in args[1:]))
            options = {k: asarray(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}
        return _held(function(*_bare(args), **{k: _bare(v) for k, v in options.items()}))

    def __getitem__(self, index: Any) -> OnDevice:
        return OnDevice(self._held[_index(index)])

    def __setitem__(self, index: Any, value: Any) -> None:
        self._held[_index(index)] = _bare(value)

    def __len__(self) -> int:
        return len(self._held)

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return f"OnDevice({self._held!r})"

    def __format__(self, how: str) -> str:
        return format(self._held.item() if self._held.size == 1 else self._held, how)

    def __reduce__(self) -> Any:
        return OnDevice, (self._held.copy(),)

    __hash__ = None

    def tolist(self) -> Any:
        syncs["tolist"] += 1
        return self._held.tolist()

    def item(self, *args: Any) -> Any:
        syncs["item"] += 1
        return self._held.item(*args)


def _give(name: str, what: Callable[..., Any]) -> None:
    setattr(OnDevice, name, what)


for _kind in (bool, int, float, complex):
    _give(f"__{_kind.__name__}__", lambda self, kind=_kind: (syncs.update([kind.__name__]), kind(self._held.item()))[1])
_give("__index__", lambda self: (syncs.update(["index"]), operator.index(self._held.item()))[1])

_METHODS = (
    "all any argmax argmin argsort astype clip conj copy cumprod cumsum diagonal dot flatten max mean min nonzero prod "
    "ravel repeat reshape round sort squeeze std sum swapaxes take trace transpose var view"
)
for _name in _METHODS.split():

    def _method(self: Any, *args: Any, _name: str = _name, **options: Any) -> Any:
        return _held(getattr(self._held, _name)(*_bare(args), **{k: _bare(v) for k, v in options.items()}))

    _give(_name, _method)

_BINARY = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.divide, "pow": np.power, "mod": np.remainder,
    "floordiv": np.floor_divide, "matmul": np.matmul, "and": np.bitwise_and, "or": np.bitwise_or,
    "xor": np.bitwise_xor, "lshift": np.left_shift, "rshift": np.right_shift,
}  # fmt: skip
_COMPARISONS = {"lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal, "eq": np.equal,
                "ne": np.not_equal}  # fmt: skip


def _defers(other: Any) -> bool:
    """Whether the other operand answers instead: it has a higher __array_priority__, or refuses (a Tensor does)."""
    return hasattr(other, "__array_ufunc__") and not isinstance(other, (OnDevice, np.ndarray, np.generic))


for _name, _ufunc in {**_BINARY, **_COMPARISONS}.items():
    _give(f"__{_name}__", lambda self, other, f=_ufunc: NotImplemented if _defers(other) else f(self, other))
for _name, _ufunc in _BINARY.items():
    _give(f"__r{_name}__", lambda self, other, f=_ufunc: f(other, self))
    _give(f"__i{_name}__", lambda self, other, f=_ufunc: f(self, other, out=self))
# NumPy's ** has short cuts that np.power lacks before 2.3
_give("__pow__", lambda self, other: NotImplemented if _defers(other) else _held(self._held ** _bare(other)))
for _name, _ufunc in {"neg": np.negative, "pos": np.positive, "abs": np.absolute, "invert": np.invert}.items():
    _give(f"__{_name}__", lambda self, f=_ufunc: f(self))


def asarray(x: Any) -> OnDevice:
    """As `cupy.asarray`: a copy of an array of NumPy on the device; one that is there as it is."""
    return x if isinstance(x, OnDevice) else OnDevice(np.array(x))


def asnumpy(x: Any) -> Any:
    """As `cupy.asnumpy`: a copy on the host of an array on the device."""
    return x.get() if isinstance(x, OnDevice) else np.asarray(x)
