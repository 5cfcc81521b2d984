"""What to write instead: the sentences for NumPy functions that have no derivative rule, and for refused exits.

Of the engine it knows graphs alone; dispatch.py and methods.py ask here when they have no answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .checks import listed
from .graph import ancestors, leaves

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
_UFUNC_METHODS = {
    ("reduce", "add"): "np.sum", ("reduce", "multiply"): "np.prod", ("reduce", "maximum"): "np.max",
    ("reduce", "minimum"): "np.min", ("accumulate", "add"): "np.cumsum", ("accumulate", "multiply"): "np.cumprod",
    ("outer", "multiply"): "np.outer", ("outer", "add"): "x[:, None] + y",
    ("at", "add"): "one_hot.T @ x, which adds up rows by label",
}  # fmt: skip


def without_rule(function: Any, differentiable: Iterable[Any]) -> str:
    """The sentence for a function without a derivative rule, which names the nearest of those that have one."""
    full, name = full_name(function), getattr(function, "__name__", "")
    instead = _INSTEAD.get(name)
    if instead is None:
        import difflib  # only for this sentence

        names = {getattr(f, "__name__", ""): f for f in differentiable}
        close = difflib.get_close_matches(name, list(names), 1, 0.65)
        instead = full_name(names[close[0]]) if close else "none of a similar name; README lists what has"
    return (
        f"{full} has no derivative rule in tinydl. The nearest that has one: {instead}. "
        f"For a value without a gradient write {full}(x.numpy()); for a rule of your own see tl.primitive."
    )


def without_method(ufunc: Any, method: str) -> str:
    """The sentence for a method of a ufunc: np.add.reduce and the like."""
    advice = _UFUNC_METHODS.get((method, ufunc.__name__), "the function itself, in a loop or on x[:, None]")
    return f"np.{ufunc.__name__}.{method} doesn't work on Tensors; write {advice}"


def after_transform(t: Any) -> str:
    """Where t was computed from the result of a transform that was recorded: of which, why, and how not to; else ""."""
    for node in ancestors([t]):
        if name := (node.notes or {}).get("transform"):
            found = sorted((x for x in leaves([node]) if x.requires_grad), key=lambda x: x.stamp)
            names = [repr(x.name) if x.name else f"one of shape {x.shape}" for x in found]
            return (
                f"tl.{name} ran through parameters that require a gradient ({listed(names)}), so its result is a "
                "Tensor that can be differentiated on. If you don't differentiate it, call it under tl.no_grad(): "
                f"`with tl.no_grad(): g = tl.{name}(...)`. "
            )
    return ""


def full_name(function: Any) -> str:
    """A NumPy function as one writes it: np.linalg.inv."""
    name, module = getattr(function, "__name__", str(function)), str(getattr(function, "__module__", "") or "numpy")
    public = module.startswith("numpy.") and "core" not in module
    return f"{module.replace('numpy', 'np', 1)}.{name}" if public else f"np.{name}"
