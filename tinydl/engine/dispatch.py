"""How a Tensor speaks NumPy: the table of primitives, and which of them answers a NumPy function.

`define` puts a rule into the table of derivatives, `implements` says that a function is made of other differentiable
ones, `plain` that it is flat or no matter of values and so answers with plain arrays. What stands in none of the three
raises, with the nearest function that does. Stands on tensor.py; read `derivatives/` next, or methods.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from .recording import special, state
from .tensor import Primitive, Tensor

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
