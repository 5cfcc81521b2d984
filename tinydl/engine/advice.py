"""What to write instead: the sentences for NumPy functions that have no derivative rule, and for refused exits.

Of the engine it knows graphs alone; dispatch.py and methods.py ask here when they have no answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .checks import listed
from .graph import ancestors, leaves

_INSTEAD = {
    "heaviside": "np.where(x > 0, 1.0, 0.0)", "piecewise": "np.select", "choose": "np.select", "put": "np.where",
    "copyto": "np.where", "place": "np.where", "putmask": "np.where", "put_along_axis": "np.where",
    "save": "np.save(file, x.numpy())", "savetxt": "np.savetxt(file, x.numpy())",
    "savez": "np.savez(file, x=x.numpy())", "savez_compressed": "np.savez_compressed(file, x=x.numpy())",
    "resize": "np.tile", "trim_zeros": "indexing", "unique": "np.sort", "unique_values": "np.sort",
    "setdiff1d": "indexing, x[~np.isin(x, y)]", "intersect1d": "indexing, x[np.isin(x, y)]", "union1d": "np.append",
    "fmod": "np.remainder", "float_power": "np.power", "copysign": "np.abs(x) * np.sign(y)", "modf": "x - np.trunc(x)",
    "divmod": "np.remainder", "ldexp": "x * 2.0 ** n", "fix": "np.trunc", "vander": "x[:, None] ** np.arange(n)",
    "polyfit": "np.linalg.lstsq", "polyder": "tl.grad of np.polyval", "polyint": "arithmetic on the coefficients",
    "cov": "x @ x.T of centred rows", "corrcoef": "x @ x.T of centred rows, divided by their norms",
    "fill_diagonal": "np.where(np.eye(n), value, x)", "apply_along_axis": "the function itself with axis=",
    "nanmedian": "np.median of x[~np.isnan(x)]", "nanquantile": "np.quantile of x[~np.isnan(x)]",
    "nanpercentile": "np.percentile of x[~np.isnan(x)]", "logspace": "10.0 ** np.linspace(a, b, n)",
    "geomspace": "np.exp(np.linspace(np.log(a), np.log(b), n))", "unwrap": "np.cumsum of the differences, made small",
    "histogram": "no smooth function: its counts jump", "bincount": "one_hot.T @ x",
    "eig": "np.linalg.eigh, of symmetric matrices", "eigvals": "np.linalg.eigh, of symmetric matrices",
    "tensorsolve": "np.linalg.solve", "tensorinv": "np.linalg.inv",
    "cond": "np.linalg.svd: the largest singular value over the smallest",
}  # fmt: skip
_FFT = "np.matmul with cosines and sines"
_UFUNC_METHODS = {
    ("reduce", "add"): "np.sum", ("reduce", "multiply"): "np.prod", ("reduce", "maximum"): "np.max",
    ("reduce", "minimum"): "np.min", ("accumulate", "add"): "np.cumsum", ("accumulate", "multiply"): "np.cumprod",
    ("outer", "multiply"): "np.outer", ("outer", "add"): "x[:, None] + y",
    ("at", "add"): "one_hot.T @ x, which adds up rows by label",
}  # fmt: skip


def without_rule(function: Any, differentiable: Iterable[Any]) -> str:
    """The sentence for a function without a derivative rule, which names the nearest of those that have one."""
    full, name = full_name(function), getattr(function, "__name__", "")
    instead = _FFT if full.startswith("np.fft.") else _INSTEAD.get(name)
    if instead is None:
        import difflib  # only for this sentence

        names = {getattr(f, "__name__", ""): f for f in differentiable}
        close = difflib.get_close_matches(name, list(names), 1, 0.65)
        instead = full_name(names[close[0]]) if close else "none of a similar name; README lists what has"
    return (
        f"{full} has no derivative rule in tinydl. The nearest that has one: {instead}. "
        f"For a value without a gradient give {full} x.numpy() in the place of x; for a rule of your own see "
        "tl.primitive."
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
