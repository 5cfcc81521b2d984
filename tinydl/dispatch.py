"""How a Tensor speaks NumPy: which primitive answers a NumPy function, and the operators and methods of a Tensor.

`define` puts a rule into the table of derivatives, `implements` says that a function is made of other differentiable
ones, `plain` that it is flat or no matter of values and so answers with plain arrays. What stands in none of the three
raises, with the nearest function that does. Stands on tensor.py; read `derivatives/` next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np

from .arrays import Array
from .recording import special, state
from .tensor import Primitive, Tensor, next_stamp, wrap

table: dict[Any, Callable[..., Any]] = {}  # a NumPy function → what computes it on Tensors
primitives: dict[str, Primitive] = {}  # the table of derivatives, by name; helpers, which no NumPy function calls, too
kinks: dict[str, str] = {}  # what the gradient is where there is none, for the primitives that have such points
_flat: set[Any] = set()  # the functions of `plain`
elementwise: list[str] = []  # names of the one-argument elementwise primitives, each also a method of Tensor
Function = TypeVar("Function", bound=Callable[..., Any])


def define(
    forward: Callable[..., Any],
    *rules: Callable[..., Any] | None,
    answers: Sequence[Any] = (),
    name: str = "",
    each: bool = False,
    at_kinks: str = "",
) -> Primitive:
    """A primitive of the table, which answers the NumPy functions `answers` (by default `forward`, if it is one)."""
    made = Primitive(forward, *rules, name=name, each=each)
    made.lends = False
    if made.name in primitives:
        raise ValueError(f"the table has a primitive {made.name} already")
    primitives[made.name] = made
    if at_kinks:
        kinks[made.name] = at_kinks
    if not answers and not each and getattr(np, getattr(forward, "__name__", ""), None) is forward:
        answers = (forward,)
    for function in answers:
        table[function] = made
    if isinstance(forward, np.ufunc) and forward.nin == 1:
        elementwise.append(made.name)
    return made


def implements(*functions: Any) -> Callable[[Function], Function]:
    """Register a function made of differentiable ones as the answer to these NumPy functions."""

    def register(function: Function) -> Function:
        for f in functions:
            table[f] = function
        return function

    return register


def plain(*functions: Any) -> None:
    """Answer these functions with NumPy's own result on plain arrays: nothing can flow back through them."""
    _flat.update(functions)
    for f in functions:
        table[f] = _on_arrays(f)


def _on_arrays(function: Any) -> Callable[..., Any]:
    name = getattr(function, "__name__", "function")

    def call(*args: Any, **options: Any) -> Any:
        result = function(*(unwrap(a) for a in args), **{k: unwrap(v) for k, v in options.items()})
        tell_flattened(name, args, result)
        return result

    call.__name__ = name
    return call


def tell_flattened(name: str, inputs: Sequence[Any], result: Any) -> None:
    """Tell observers that a function without a slope gave a plain array."""
    if special.count:
        for observer in state.observers:
            observer.flattened(name, inputs, result)


def unwrap(x: Any) -> Any:
    """The array of a Tensor, also inside lists and tuples; anything else as it is."""
    if isinstance(x, Tensor):
        return x._data
    if type(x) in (list, tuple):
        return type(x)(unwrap(item) for item in x)
    return x


# ---- NumPy's two protocols ----

_UFUNC_METHODS = {
    ("reduce", "add"): "np.sum", ("reduce", "multiply"): "np.prod", ("reduce", "maximum"): "np.max",
    ("reduce", "minimum"): "np.min", ("accumulate", "add"): "np.cumsum", ("accumulate", "multiply"): "np.cumprod",
    ("outer", "multiply"): "np.outer", ("outer", "add"): "x[:, None] + y",
    ("at", "add"): "one_hot.T @ x, which adds up rows by label",
}  # fmt: skip


def array_ufunc(self: Tensor, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
    """NumPy's protocol for ufuncs: ``np.exp(x)``, ``array + x``."""
    if method != "__call__":
        advice = _UFUNC_METHODS.get((method, ufunc.__name__), "the function itself, in a loop or on x[:, None]")
        raise TypeError(f"np.{ufunc.__name__}.{method} doesn't work on Tensors; write {advice}")
    if options:
        _refuse_out(ufunc.__name__, options, "np.where(condition, np.{0}(…), otherwise)")
    function = table.get(ufunc)
    if function is None:
        raise TypeError(without_rule(ufunc))
    return function(*inputs, **options)


def array_function(self: Tensor, function: Any, types: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """NumPy's protocol for everything that is no ufunc: ``np.sum(x)``, ``np.concatenate([x, y])``."""
    if options:
        _refuse_out(getattr(function, "__name__", "function"), options, "np.{0}(x[condition])")
    answer = table.get(function)
    if answer is None:
        raise TypeError(without_rule(function))
    return answer(*args, **options)


def _refuse_out(name: str, options: dict[str, Any], instead_of_where: str) -> None:
    out = options.pop("out", None)
    if out is not None and not (isinstance(out, tuple) and all(o is None for o in out)):
        raise TypeError(
            f"np.{name} can't write a Tensor's result into an array (out=, or `array += tensor`): the array could not "
            "remember where its values came from. Write a new one: array = array + tensor"
        )
    where = options.get("where", True)
    if where is not True:
        raise TypeError(f"np.{name} of Tensors takes no where=; write {instead_of_where.format(name)}")
    options.pop("where", None)


_INSTEAD = {
    "nansum": "np.sum(np.where(np.isnan(x), 0, x))", "nanmean": "np.sum(np.where(mask, x, 0)) / mask.sum()",
    "heaviside": "np.where(x > 0, 1.0, 0.0)", "select": "np.where", "piecewise": "np.where", "choose": "np.where",
    "interp": "np.where and arithmetic", "percentile": "np.sort and indexing", "quantile": "np.sort and indexing",
    "put": "np.where", "copyto": "np.where", "place": "np.where", "putmask": "np.where", "append": "np.concatenate",
    "save": "np.save(file, x.numpy())", "savetxt": "np.savetxt(file, x.numpy())", "block": "np.concatenate",
    "insert": "np.concatenate", "delete": "indexing", "resize": "np.tile", "unstack": "iteration, `a, b = x`",
    "compress": "indexing, x[mask]", "extract": "indexing, x[mask]", "partition": "np.sort", "unique": "np.sort",
    "ediff1d": "np.diff", "gradient": "np.diff (tl.grad differentiates a function)", "fmod": "np.remainder",
    "cumulative_sum": "np.cumsum", "cumulative_prod": "np.cumprod", "float_power": "np.power", "real": "x itself",
    "copysign": "np.abs(x) * np.sign(y)", "trapezoid": "np.sum((y[1:] + y[:-1]) / 2 * np.diff(x))",
    "polyval": "arithmetic", "vander": "x[:, None] ** np.arange(n)", "cov": "x @ x.T of centred rows",
    "convolve": "sums of shifted products", "correlate": "sums of shifted products", "meshgrid": "np.broadcast_to",
    "rollaxis": "np.moveaxis", "fix": "np.trunc", "fill_diagonal": "np.where(np.eye(n), value, x)",
    "nanmax": "np.max(np.where(np.isnan(x), -np.inf, x))", "nanmin": "np.min(np.where(np.isnan(x), np.inf, x))",
    "nanvar": "np.var of x[~np.isnan(x)]", "nanstd": "np.std of x[~np.isnan(x)]", "nanmedian": "np.median",
    "nanprod": "np.prod(np.where(np.isnan(x), 1, x))", "nancumsum": "np.cumsum(np.where(np.isnan(x), 0, x))",
    "corrcoef": "x @ x.T of centred rows, divided by their norms", "linspace": "a + (b - a) * np.linspace(0, 1, n)",
    "logspace": "np.exp", "geomspace": "np.exp", "modf": "x - np.trunc(x)", "divmod": "np.remainder",
    "put_along_axis": "np.where", "apply_along_axis": "the function itself with axis=", "ldexp": "x * 2.0 ** n",
    "histogram": "no smooth function: its counts jump", "bincount": "one_hot.T @ x", "conj": "x itself",
    "conjugate": "x itself", "polyfit": "np.linalg.solve", "lstsq": "np.linalg.pinv(a) @ b",
    "qr": "np.linalg.cholesky or np.linalg.svd", "eig": "np.linalg.eigh, of symmetric matrices",
    "eigvals": "np.linalg.eigh, of symmetric matrices", "tensorsolve": "np.linalg.solve", "tensorinv": "np.linalg.inv",
    "cond": "np.linalg.svd: the largest singular value over the smallest", "fft": "np.matmul with cosines and sines",
}  # fmt: skip


def without_rule(function: Any) -> str:
    """The sentence for a function that has no derivative rule."""
    full, name = _full_name(function), getattr(function, "__name__", "")
    instead = _INSTEAD.get(name)
    if instead is None:
        import difflib  # only for this sentence

        names = {getattr(f, "__name__", ""): f for f in table if f not in _flat}
        close = difflib.get_close_matches(name, list(names), 1, 0.65)
        instead = _full_name(names[close[0]]) if close else "none of a similar name; README lists what has"
    return (
        f"{full} has no derivative rule in tinydl. The nearest that has one: {instead}. "
        f"For a value without a gradient write {full}(x.numpy()); for a rule of your own see tl.primitive."
    )


def _full_name(function: Any) -> str:
    name, module = getattr(function, "__name__", str(function)), str(getattr(function, "__module__", "") or "numpy")
    public = module.startswith("numpy.") and "core" not in module
    return f"{module.replace('numpy', 'np', 1)}.{name}" if public else f"np.{name}"


# ---- Operators and methods ----

_BINARY = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.divide, "pow": np.power,
    "matmul": np.matmul, "mod": np.remainder, "floordiv": np.floor_divide,
}  # fmt: skip
_COMPARISONS = {"lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal, "eq": np.equal,
                "ne": np.not_equal}  # fmt: skip
_UNARY = {"neg": np.negative, "pos": np.positive, "abs": np.absolute}
_METHODS = {
    "sum": np.sum, "mean": np.mean, "std": np.std, "var": np.var, "max": np.max, "min": np.min, "prod": np.prod,
    "cumsum": np.cumsum, "cumprod": np.cumprod, "ravel": np.ravel, "flatten": np.ravel, "squeeze": np.squeeze,
    "swapaxes": np.swapaxes, "clip": np.clip, "dot": np.dot, "argmax": np.argmax, "argmin": np.argmin,
    "argsort": np.argsort, "take": np.take, "repeat": np.repeat, "diagonal": np.diagonal, "trace": np.trace,
    "round": np.round, "any": np.any, "all": np.all,
}  # fmt: skip
_FUNCTIONS = ("relu", "leaky_relu", "elu", "sigmoid", "softplus", "erf", "nan_to_num")  # elementwise, but no ufuncs


def attach() -> None:
    """Give Tensor its operators and methods, each a line of the table; called once the table is complete."""
    for name, ufunc in _BINARY.items():
        setattr(Tensor, f"__{name}__", _binary(table[ufunc]))
        setattr(Tensor, f"__r{name}__", _reflected(table[ufunc]))
        setattr(Tensor, f"__i{name}__", _augmented(name, table[ufunc], ufunc))
    for name, comparison in _COMPARISONS.items():
        setattr(Tensor, f"__{name}__", _binary(table[comparison]))
    for name, unary in _UNARY.items():
        setattr(Tensor, f"__{name}__", _unary(table[unary]))
    for name in elementwise:
        setattr(Tensor, name, _unary(primitives[name]))
    for name, f in _METHODS.items():
        setattr(Tensor, name, _method(table[f], name))
    for name in _FUNCTIONS:
        setattr(Tensor, name, _method(primitives[name], name))


_AS_THEY_ARE = {np.ndarray, float, int, bool, np.float16, np.float32, np.float64, np.int64}


def _unary(f: Callable[..., Any]) -> Callable[..., Any]:
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
        except (ValueError, TypeError):
            return f(self, other)  # which says what is wrong
        if needed and not special.count:
            return wrap(value, True, f, (self, other))
        return output(value, (self, other), {}, needed)

    return method


def _reflected(f: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: Tensor, other: Any) -> Any:
        return f(other, self)

    return method


def _method(f: Callable[..., Any], name: str) -> Callable[..., Any]:
    def method(self: Tensor, *args: Any, **options: Any) -> Any:
        return f(self, *args, **options)

    method.__name__ = name
    method.__doc__ = f"As the function {getattr(f, '__name__', name)} of this Tensor."
    return method


def _augmented(name: str, f: Callable[..., Any], ufunc: Any) -> Callable[..., Any]:
    def method(self: Tensor, other: Any) -> Any:
        if self.primitive is not None or not self._requires_grad:
            return f(self, other)  # t += u means t = t + u
        if state.recording:
            raise RuntimeError(_in_place_advice(self, f"t {_SYMBOLS[name]}= u", f"t = t {_SYMBOLS[name]} u"))
        ufunc(self._data, unwrap(other), out=self._data, casting="same_kind")
        self.stamp = next_stamp()
        return self

    return method


_SYMBOLS = {
    "add": "+",
    "sub": "-",
    "mul": "*",
    "truediv": "/",
    "pow": "**",
    "matmul": "@",
    "mod": "%",
    "floordiv": "//",
}


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


def _fact(name: str) -> property:
    return property(lambda self: getattr(self._data, name), doc=f"The {name} of the array, as in NumPy.")


for _name in ("shape", "ndim", "size", "dtype", "nbytes", "itemsize"):
    behave(_name, _fact(_name))
behave("__array_ufunc__", array_ufunc)
behave("__array_function__", array_function)


@behaviour
def numpy(self: Tensor) -> Array:
    """A copy of the value as an array."""
    return self._data.copy()


@behaviour
def item(self: Tensor) -> Any:
    """The value of a Tensor of one element as a Python number; ValueError for more."""
    if self._data.size != 1:
        raise ValueError(f"item() needs a single element, but this Tensor has shape {self._data.shape}")
    return self._data.item()


@behaviour
def tolist(self: Tensor) -> Any:
    """The value as nested lists of Python numbers."""
    return self._data.tolist()


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
    return bool(self._data)


@behaviour
def __contains__(self: Tensor, value: Any) -> bool:
    return bool((self._data == unwrap(value)).any())


def _exit(self: Tensor, what: str) -> Array:
    if self._requires_grad:
        raise TypeError(
            f"{what} would leave the graph of {_named(self)} and lose its gradient. Write .item() for a Python number "
            "or .detach().numpy() for an array if you want that, and use NumPy's functions (not math.exp) if not."
        )
    return self._data


@behaviour
def __array__(self: Tensor, dtype: Any = None, copy: bool | None = None) -> Array:
    array = _exit(self, "making a plain array of it")
    if copy is False and (dtype is None or array.dtype == dtype):
        return array
    return array.astype(array.dtype if dtype is None else dtype)


@behaviour
def __float__(self: Tensor) -> float:
    return float(_one(_exit(self, "float()")))


@behaviour
def __int__(self: Tensor) -> int:
    return int(_one(_exit(self, "int()")))


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
    if not spec:
        return str(self)
    if self._data.size != 1:
        raise TypeError(f"the format {spec!r} is for one number, but this Tensor has shape {self._data.shape}")
    return format(self._data.item(), spec)


@behaviour
def __repr__(self: Tensor) -> str:
    parts = [np.array2string(self._data, precision=4, threshold=100, separator=", ", prefix="tensor(")]
    if self._data.dtype.kind == "f" and self._data.dtype != np.float32:
        parts.append(f"dtype={self._data.dtype}")
    if self.name:
        parts.append(f"name={self.name!r}")
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
    self._data[unwrap(index)] = unwrap(value)
    self.stamp = next_stamp()


def _leaf_parts(self: Tensor) -> tuple[Any, ...]:
    if self.primitive is not None:
        raise TypeError(
            f"{_named(self)} was computed by {self.primitive.name}: copying or pickling it would lose its graph. "
            "Write .detach() for its value alone."
        )
    return self._data, self._requires_grad, self.name, self.grad


def _rebuild(data: Array, requires_grad: bool, name: str | None, grad: Tensor | None) -> Tensor:
    t = wrap(data, requires_grad)
    t.name, t.grad = name, grad
    return t


@behaviour
def __reduce__(self: Tensor) -> Any:
    data, requires_grad, name, grad = _leaf_parts(self)
    return _rebuild, (data, requires_grad, name, None if grad is None else grad.detach())


@behaviour
def __copy__(self: Tensor) -> Tensor:
    data, requires_grad, name, _ = _leaf_parts(self)
    return _rebuild(data.copy(), requires_grad, name, None)


@behaviour
def __deepcopy__(self: Tensor, memo: dict[int, Any]) -> Tensor:
    data, requires_grad, name, grad = _leaf_parts(self)
    memo[id(self)] = made = _rebuild(data.copy(), requires_grad, name, None if grad is None else grad.detach())
    return made
