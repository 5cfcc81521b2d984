"""Softmax and its kin, and what losses are made of.

What a forward function does in place it does on arrays that it has just made. Where a backward pass is worth doing in
place too, it is a helper primitive (`softmax_vjp`, …) with rules of its own. Read functional/losses.py next.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine.arrays import Array, as_array, sum_along, wide
from ..engine.dispatch import define, unwrap
from ..engine.tensor import Primitive
from .elementwise import floats, unrounded
from .products import dot_along
from .reductions import spread

# ---- softmax and kin ----


def peak_along(x: Array, axis: Any) -> Any:
    """The largest x along the axis, which stays with length 1."""
    if x.__class__ is np.ndarray:
        return np.maximum.reduce(x, axis, keepdims=True, initial=-math.inf)
    return x.max(axis, keepdims=True) if x.size else x.sum(axis, keepdims=True)


def _row_peak(x: Array) -> Any:
    return np.maximum.reduce(x, -1, keepdims=True) if x.__class__ is np.ndarray else x.max(-1, keepdims=True)


def _softmax(x: Any, axis: Any = -1) -> Any:
    x = floats(x)
    y = as_array(wide(x) - peak_along(x, axis))
    np.exp(y, out=y)
    y /= sum_along(y, axis)
    return y.astype(x.dtype, copy=False)


def _softmax_vjp(g: Any, y: Any, axis: Any = -1) -> Any:
    out = as_array(g - dot_along(g, y, axis))
    out *= y
    return out


softmax_vjp: Primitive = define(
    _softmax_vjp,
    lambda h, v, g, y, axis=-1: softmax_vjp(h, y, axis=axis),
    lambda h, v, g, y, axis=-1: (
        h * (g - np.sum(g * y, axis=axis, keepdims=True)) - g * np.sum(h * y, axis=axis, keepdims=True)
    ),
    name="softmax_vjp",
)


def softmax_rule(g: Any, y: Any, x: Any, axis: Any = -1) -> Any:
    """∂yᵢ/∂xⱼ = yᵢ(δᵢⱼ − yⱼ), so x̄ = y·(g − Σ g·y)."""
    return softmax_vjp(g, unrounded(y, softmax, wide(x), axis=axis), axis=axis)


softmax: Primitive = define(_softmax, softmax_rule, name="softmax")


def _log_softmax(x: Any, axis: Any = -1) -> Any:
    x = floats(x)
    y = as_array(wide(x) - peak_along(x, axis))
    y -= np.log(sum_along(np.exp(y), axis))
    return y.astype(x.dtype, copy=False)


def _log_softmax_vjp(g: Any, y: Any, axis: Any = -1) -> Any:
    out = as_array(np.exp(y))
    out *= sum_along(g, axis)
    return np.subtract(g, out, out=out)


log_softmax_vjp = define(
    _log_softmax_vjp,
    lambda h, v, g, y, axis=-1: h - np.sum(h * np.exp(y), axis=axis, keepdims=True),
    lambda h, v, g, y, axis=-1: -h * np.exp(y) * np.sum(wide(g), axis=axis, keepdims=True),
    name="log_softmax_vjp",
)


def log_softmax_rule(g: Any, y: Any, x: Any, axis: Any = -1) -> Any:
    """∂yᵢ/∂xⱼ = δᵢⱼ − softmax(x)ⱼ, so x̄ = g − eʸ·Σ g."""
    return log_softmax_vjp(g, unrounded(y, log_softmax, wide(x), axis=axis), axis=axis)


log_softmax: Primitive = define(_log_softmax, log_softmax_rule, name="log_softmax")


def _cross_entropy(logits: Any, labels: Any, weights: Any) -> Any:
    z = logits - _row_peak(logits)
    picked = z[np.arange(len(z)), labels]
    losses = np.log(sum_along(np.exp(z, out=z), -1))[:, 0]
    losses -= picked
    if getattr(weights, "ndim", 0):
        return np.where(weights == 0, 0, losses) @ weights  # what counts nothing may be infinite
    return np.add.reduce(losses) * weights


def _softmax_minus_target(g: Any, logits: Any, labels: Any) -> Any:
    out = logits - _row_peak(logits)
    np.exp(out, out=out)
    total = sum_along(out, -1)
    out *= np.divide(g[:, None] if g.ndim else g, total, out=total)
    out[np.arange(len(out)), labels] -= g
    if g.ndim:
        out[g == 0] = 0  # what counts nothing may hold a NaN
    return out


# the Jacobian of the losses, (softmax(z) − target)·g, a row for each loss; g is one number or one for each row
softmax_minus_target = define(
    _softmax_minus_target,
    lambda h, v, g, logits, labels: np.sum(h * softmax(logits), axis=-1) - h[np.arange(len(labels)), labels],
    lambda h, v, g, logits, labels: softmax_vjp(h * (g[:, None] if g.ndim else g), softmax(logits)),
    None,
    name="softmax_minus_target",
)
# Σ −w·log softmax(z)ₗ over the rows z, their labels l and their weights w, which may be one number for all
weighted_cross_entropy = define(
    _cross_entropy,
    lambda g, y, logits, labels, weights: softmax_minus_target(g * weights, logits, labels),
    None,
    lambda g, y, logits, labels, weights: -g * log_softmax(logits)[np.arange(len(labels)), labels],
    name="weighted_cross_entropy",
)


def _logsumexp(x: Any, axis: Any = -1, keepdims: bool = False) -> Any:
    x = floats(x)
    peak = peak_along(x, axis)
    peak = np.where(np.isfinite(peak), peak, 0)
    y = sum_along(np.exp(wide(x) - peak), axis)
    with np.errstate(divide="ignore"):  # log 0 = −∞ is the answer where all x are −∞
        y = as_array(np.log(y) + peak).astype(x.dtype, copy=False)
    return y if keepdims else np.squeeze(y, tuple(range(x.ndim)) if axis is None else axis)


def logsumexp_rule(g: Any, y: Any, x: Any, axis: Any = -1, keepdims: bool = False) -> Any:
    """∂/∂xᵢ log Σ eˣ is the softmax (eˣⁱ⁻ʸ, had y all its digits); 0 where all x are −∞."""
    nothing = spread(unwrap(y), unwrap(x), axis, keepdims) == -math.inf
    p = softmax(np.where(nothing, 0, wide(x)), axis=axis)
    return spread(g, x, axis, keepdims) * np.where(nothing, 0, p)


logsumexp: Primitive = define(_logsumexp, logsumexp_rule, name="logsumexp", at_kinks="all −inf: 0")

# ---- what the losses are made of ----


def _bounded_log(x: Any) -> Any:
    return np.maximum(np.log(np.maximum(x, 1e-44)), -100)


bounded_log = define(
    _bounded_log,
    lambda g, y, x: g / np.maximum(x, 1e-12),
    name="bounded_log",
    at_kinks="below 1e-12: 1e12",
)


def _huber(x: Any, delta: float = 1.0) -> Any:
    size = np.abs(x)
    inner = np.minimum(size, delta)
    return inner * (size - 0.5 * inner)


huber = define(_huber, lambda g, y, x, delta=1.0: g * np.clip(x, -delta, delta), name="huber")
