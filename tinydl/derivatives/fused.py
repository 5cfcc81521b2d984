"""Functions that NumPy lacks, or that pay to be one operation: the linear map, activations, softmax, normalising.

What a forward function does in place it does on arrays that it has just made. Where a backward pass is worth doing in
place too, it is a helper primitive (`softmax_vjp`, …) with rules of its own. Read functional.py next.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..arrays import Array
from ..dispatch import define
from ..tensor import Primitive
from .elementwise import floats, masked, sigmoid, wide
from .reductions import spread

# ---- the linear map ----


def _linear(x: Any, weight: Any, bias: Any = None) -> Any:
    rows = x if x.ndim <= 2 else x.reshape(-1, x.shape[-1])  # one product of matrices, not one per leading index
    y = rows @ weight.T
    if x.ndim > 2:
        y = y.reshape(*x.shape[:-1], weight.shape[0])
    if bias is None:
        return y
    if bias.shape != weight.shape[:1]:
        raise ValueError(f"bias must have shape {weight.shape[:1]}, one number per row of the weight")
    if bias.dtype == y.dtype:
        y += bias
        return y
    return y + bias


def linear_weight(g: Any, y: Any, x: Any, weight: Any, bias: Any = None) -> Any:
    """W̄ = Ȳᵀ X for Y = X Wᵀ, with all leading axes in one."""
    if x.ndim != 2:
        g, x = g.reshape(-1, g.shape[-1]), x.reshape(-1, x.shape[-1])
    return g.T @ x


def linear_input(g: Any, y: Any, x: Any, weight: Any, bias: Any = None) -> Any:
    """X̄ = Ȳ W, with all leading axes in one."""
    return g @ weight if x.ndim <= 2 else (g.reshape(-1, g.shape[-1]) @ weight).reshape(x.shape)


linear = define(
    _linear,
    linear_input,
    linear_weight,
    lambda g, y, x, weight, bias=None: g,  # the engine sums over the leading axes
    name="linear",
)

# ---- activations ----

relu = define(
    lambda x: np.maximum(x, 0),
    lambda g, y, x: masked(g, y > 0),
    name="relu",
    at_kinks="at 0: 0",
)


def _leaky_relu(x: Any, negative_slope: float = 0.01) -> Any:
    return np.where(x > 0, x, x * negative_slope)


leaky_relu = define(
    _leaky_relu,
    lambda g, y, x, negative_slope=0.01: np.where(x > 0, g, g * negative_slope),
    name="leaky_relu",
    at_kinks="at 0: negative_slope",
)


def _elu(x: Any, alpha: float = 1.0) -> Any:
    x = floats(x)
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


elu = define(
    _elu,
    lambda g, y, x, alpha=1.0: np.where(x > 0, g, g * alpha * np.exp(np.where(x >= 0, 0, x))),
    name="elu",
    at_kinks="at 0: alpha",
)


def _softplus(x: Any, beta: float = 1.0, threshold: float = math.inf) -> Any:
    """log(1 + eˣ) = max(x, 0) + log(1 + e⁻|ˣ|), for βx, divided by β; x itself where βx > threshold."""
    x = floats(x)
    z = np.asarray(x * beta) if beta != 1 else x
    y = np.empty_like(z)
    np.log1p(np.exp(np.negative(np.abs(z, out=y), out=y), out=y), out=y)
    y += np.maximum(z, 0)
    if beta != 1:
        y /= beta
    return y if threshold == math.inf else np.where(z > threshold, x, y)


def softplus_rule(g: Any, y: Any, x: Any, beta: float = 1.0, threshold: float = math.inf) -> Any:
    """The slope is σ(βx), and 1 beyond the threshold."""
    slope = g * sigmoid(x * beta)
    return slope if threshold == math.inf else np.where(x * beta > threshold, g, slope)


softplus = define(_softplus, softplus_rule, name="softplus", at_kinks="at the threshold: sigmoid(threshold)")

# ---- softmax and kin ----


def _total(x: Array, axis: Any) -> Any:
    """Σ x along the axis, which stays with length 1; of float16 in float32."""
    return np.add.reduce(x, axis, np.float32 if x.dtype.char == "e" else None, keepdims=True)


def _peak(x: Array, axis: Any) -> Any:
    return np.maximum.reduce(x, axis, keepdims=True, initial=-math.inf)


def _softmax(x: Any, axis: Any = -1) -> Any:
    x = floats(x)
    y = np.asarray(x - _peak(x, axis))
    np.exp(y, out=y)
    y /= _total(y, axis)
    return y


def _dot(a: Array, b: Array, axis: Any) -> Any:
    """Σ a·b along the axis, which stays with length 1; of float16 in float32."""
    a = wide(a)
    if axis == -1 and a.ndim:
        return np.vecdot(a, b)[..., None]  # makes no array of products
    return np.add.reduce(a * b, axis, keepdims=True)


def _softmax_vjp(g: Any, y: Any, axis: Any = -1) -> Any:
    out = np.asarray(g - _dot(g, y, axis))
    out *= y
    return out


softmax_vjp: Primitive = define(
    _softmax_vjp,
    lambda h, v, g, y, axis=-1: softmax_vjp(h, y, axis=axis),
    lambda h, v, g, y, axis=-1: (
        h * (g - np.sum(wide(g) * y, axis=axis, keepdims=True)) - g * np.sum(h * y, axis=axis, keepdims=True)
    ),
    name="softmax_vjp",
)


def softmax_rule(g: Any, y: Any, x: Any, axis: Any = -1) -> Any:
    """∂yᵢ/∂xⱼ = yᵢ(δᵢⱼ − yⱼ), so x̄ = y·(g − Σ g·y)."""
    return softmax_vjp(g, y, axis=axis)


softmax = define(_softmax, softmax_rule, name="softmax")


def _log_softmax(x: Any, axis: Any = -1) -> Any:
    x = floats(x)
    y = np.asarray(x - _peak(x, axis))
    y -= np.log(_total(np.exp(y), axis))
    return y


def _log_softmax_vjp(g: Any, y: Any, axis: Any = -1) -> Any:
    out = np.asarray(np.exp(y))
    out *= _total(g, axis)
    return np.subtract(g, out, out=out)


log_softmax_vjp = define(
    _log_softmax_vjp,
    lambda h, v, g, y, axis=-1: h - np.sum(wide(h) * np.exp(y), axis=axis, keepdims=True),
    lambda h, v, g, y, axis=-1: -h * np.exp(y) * np.sum(wide(g), axis=axis, keepdims=True),
    name="log_softmax_vjp",
)


def log_softmax_rule(g: Any, y: Any, x: Any, axis: Any = -1) -> Any:
    """∂yᵢ/∂xⱼ = δᵢⱼ − softmax(x)ⱼ, so x̄ = g − eʸ·Σ g."""
    return log_softmax_vjp(g, y, axis=axis)


log_softmax = define(_log_softmax, log_softmax_rule, name="log_softmax")


def _cross_entropy(logits: Any, labels: Any, weights: Any) -> Any:
    z = logits - np.maximum.reduce(logits, -1, keepdims=True)
    picked = z[np.arange(len(z)), labels]
    half = logits.dtype.char == "e"  # float16, whose sums are taken in float32
    losses = np.log(np.add.reduce(np.exp(z, out=z), -1, np.float32 if half else None))
    losses -= picked
    loss = losses @ weights if getattr(weights, "ndim", 0) else np.add.reduce(losses) * weights
    return loss.astype(logits.dtype) if half else loss


def _softmax_minus_target(g: Any, logits: Any, labels: Any) -> Any:
    out = logits - np.maximum.reduce(logits, -1, keepdims=True)
    np.exp(out, out=out)
    total = _total(out, -1)
    out *= np.divide(g[:, None] if g.ndim else g, total, out=total)
    out[np.arange(len(out)), labels] -= g
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
    lambda g, y, logits, labels, weights: softmax_minus_target(wide(g) * weights, logits, labels),
    None,
    lambda g, y, logits, labels, weights: -g * log_softmax(logits)[np.arange(len(labels)), labels],
    name="weighted_cross_entropy",
)


def _logsumexp(x: Any, axis: Any = -1, keepdims: bool = False) -> Any:
    x = floats(x)
    peak = _peak(x, axis)
    peak = np.where(np.isfinite(peak), peak, 0)
    y = _total(np.exp(x - peak), axis)
    with np.errstate(divide="ignore"):  # log 0 = −∞ is the answer where all x are −∞
        y = np.asarray(np.log(y) + peak, x.dtype)
    return y if keepdims else np.squeeze(y, tuple(range(x.ndim)) if axis is None else axis)


def logsumexp_rule(g: Any, y: Any, x: Any, axis: Any = -1, keepdims: bool = False) -> Any:
    """∂/∂xᵢ log Σ eˣ = eˣⁱ⁻ʸ, the softmax; 0 where all x are −∞."""
    y = np.where(y == -math.inf, 0, y)
    return spread(g, x, axis, keepdims) * np.exp(x - spread(y, x, axis, keepdims))


logsumexp = define(_logsumexp, logsumexp_rule, name="logsumexp", at_kinks="all −inf: 0")

# ---- the error function, and what gelu is made of ----

# W. J. Cody, Rational Chebyshev approximations for the error function, Mathematics of Computation 23 (1969), 631–637:
# erf x = x·R(x²) up to 0.46875, erfc x = e^(−x²)·R(x) up to 4 and e^(−x²)/x·(1/√π − R(1/x²)/x²) beyond, each R a
# quotient of polynomials, here with the highest power first.
_NEAR = (
    (1.85777706184603153e-1, 3.16112374387056560, 1.13864154151050156e2, 3.77485237685302021e2, 3.20937758913846947e3),
    (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3),
)
_MIDDLE = (
    (2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594, 6.61191906371416295e1, 2.98635138197400131e2,
     8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3, 1.23033935479799725e3),
    (1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3,
     3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3),
)  # fmt: skip
_FAR = (
    (1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1,
     1.60837851487422766e-2, 6.58749161529837803e-4),
    (1.0, 2.56852019228982242, 1.87295284992346725, 5.27905102951428412e-1, 6.05183413124413191e-2,
     2.33520497626869185e-3),
)  # fmt: skip


def _rational(x: Array, numerator: tuple[float, ...], denominator: tuple[float, ...]) -> Array:
    top, bottom = (np.full_like(x, coefficients[0]) for coefficients in (numerator, denominator))
    for value, coefficients in (top, numerator), (bottom, denominator):
        for c in coefficients[1:]:
            value *= x
            value += c
    top /= bottom
    return top


def _erfc_beyond(x: Array) -> Array:
    """1 − erf x for x ≥ 0.46875 (or NaN), accurate in relative terms; exactly 0 from about 27."""
    x = np.minimum(x, 30)
    y = _rational(np.minimum(x, 4), *_MIDDLE)
    is_far = x > 4
    if is_far.any():
        far = x[is_far]
        s = 1 / (far * far)
        y[is_far] = (1 / math.sqrt(math.pi) - s * _rational(s, *_FAR)) / far
    x *= x
    y *= np.exp(np.negative(x, out=x), out=x)
    return y


_BLOCK = 8192  # elements at a time: what is computed of them stays in the processor's cache


def _by_range(x: Any, near: Any, beyond: Any) -> Any:
    """near(erf t) for the elements t of x up to 0.46875 in absolute value, beyond(t, erfc |t|) for the others."""
    x = floats(x)
    flat = x.ravel() if x.dtype != np.float16 else x.ravel().astype(np.float32)
    y = np.empty_like(flat)
    for start in range(0, flat.size, _BLOCK):
        t = flat[start : start + _BLOCK]
        size, inner = np.abs(t), np.clip(t, -0.46875, 0.46875)
        of_inner = near(inner * _rational(inner * inner, *_NEAR))
        of_outer = beyond(t, _erfc_beyond(np.maximum(size, 0.46875)))
        y[start : start + _BLOCK] = np.where(size <= 0.46875, of_inner, of_outer)
    return y.astype(x.dtype, copy=False).reshape(x.shape)


erf = define(
    lambda x: _by_range(x, lambda y: y, lambda t, c: np.copysign(1 - c, t)),
    lambda g, y, x: g * np.exp(-(x * x)) * (2 / math.sqrt(math.pi)),
    name="erf",
)


def _normal_cdf(x: Any) -> Any:
    """Φ(x) = ½(1 + erf(x/√2)), accurate in relative terms on both sides."""
    x = np.asarray(x * math.sqrt(0.5))
    return _by_range(x, lambda y: 0.5 * y + 0.5, lambda t, c: np.where(t < 0, 0.5 * c, 1 - 0.5 * c))


normal_cdf = define(
    _normal_cdf, lambda g, y, x: g * np.exp(x * x * -0.5) * (1 / math.sqrt(2 * math.pi)), name="normal_cdf"
)

_GELU = math.sqrt(2 / math.pi)


def _gelu_gate(x: Any) -> Any:
    """½(1 + tanh(√(2/π)·(x + 0.044715 x³))), the approximation of Φ(x) by Hendrycks and Gimpel (2016)."""
    x = floats(x)
    y = np.asarray(np.square(wide(x)))
    y *= 0.044715 * _GELU
    y += _GELU
    y *= x
    np.tanh(y, out=y)
    y += 1
    y *= 0.5
    return y.astype(x.dtype, copy=False)


def _gelu_gate_vjp(g: Any, y: Any, x: Any) -> Any:
    out = np.asarray(np.square(wide(x)))
    out *= 6 * 0.044715 * _GELU
    out += 2 * _GELU
    out *= y
    out *= 1 - y
    out *= g
    return out


def _gelu_slope(x: Any) -> Any:
    return x * x * (6 * 0.044715 * _GELU) + 2 * _GELU


gelu_gate_vjp = define(
    _gelu_gate_vjp,
    lambda h, v, g, y, x: h * y * (1 - y) * _gelu_slope(x),
    lambda h, v, g, y, x: h * g * (1 - 2 * y) * _gelu_slope(x),
    lambda h, v, g, y, x: h * g * y * (1 - y) * (x * (12 * 0.044715 * _GELU)),
    name="gelu_gate_vjp",
)
# ½(1 + tanh u) has the slope 2y(1 − y)·u′
gelu_gate = define(_gelu_gate, lambda g, y, x: gelu_gate_vjp(g, y, x), name="gelu_gate")

# ---- normalising ----


def _mean(x: Array, axis: Any) -> Any:
    total = _total(x, axis)
    total /= max(x.size // max(total.size, 1), 1)
    return total


def _scale(centred: Array, axis: Any, eps: float) -> Any:
    """(var + eps)^(−½) of an array of mean 0."""
    scale = _dot(centred, centred, axis)
    scale /= max(centred.size // max(scale.size, 1), 1)
    scale += eps
    np.sqrt(scale, out=scale)
    return np.divide(1, scale, out=scale)


def _inverse_std(x: Any, axis: Any = -1, eps: float = 1e-5) -> Any:
    x = floats(x)
    return _scale(x - _mean(x, axis), axis, eps).astype(x.dtype, copy=False)


def inverse_std_rule(g: Any, y: Any, x: Any, axis: Any = -1, eps: float = 1e-5) -> Any:
    """For y = (var + eps)^(−½): ȳ·(−y³)·(x − mean)/n, where n numbers share a variance."""
    x, y = wide(x), wide(y)
    return g * (y * y * y * (-max(y.size, 1) / max(x.size, 1))) * (x - np.mean(x, axis=axis, keepdims=True))


inverse_std = define(_inverse_std, inverse_std_rule, name="inverse_std")


def _normalise(x: Any, axis: Any = -1, eps: float = 1e-5) -> Any:
    x = floats(x)
    y = x - _mean(x, axis)
    y *= _scale(y, axis, eps)
    return y.astype(x.dtype, copy=False)


def _normalise_vjp(g: Any, y: Any, scale: Any, axis: Any = -1) -> Any:
    along = _dot(g, y, axis)
    along /= max(g.size // max(along.size, 1), 1)
    out = y * along
    out += _mean(g, axis)
    np.subtract(g, out, out=out)
    out *= scale
    return out


normalise_vjp: Primitive = define(
    _normalise_vjp,
    lambda h, v, g, y, scale, axis=-1: normalise_vjp(h, y, scale, axis=axis),
    lambda h, v, g, y, scale, axis=-1: (
        -scale * (h * np.mean(g * y, axis=axis, keepdims=True) + g * np.mean(h * y, axis=axis, keepdims=True))
    ),
    lambda h, v, g, y, scale, axis=-1: h * v / scale,
    name="normalise_vjp",
)


def normalise_rule(g: Any, y: Any, x: Any, axis: Any = -1, eps: float = 1e-5) -> Any:
    """For y = (x − mean)·s with s = (var + eps)^(−½): x̄ = s·(g − mean(g) − y·mean(g·y))."""
    return normalise_vjp(g, y, inverse_std(x, axis=axis, eps=eps), axis=axis)


normalise = define(_normalise, normalise_rule, name="normalise")

# ---- what the losses are made of ----


def _bounded_log(x: Any) -> Any:
    x = floats(x)
    return np.maximum(np.log(np.maximum(wide(x), 1e-44)), -100).astype(x.dtype, copy=False)


bounded_log = define(
    _bounded_log,
    lambda g, y, x: g / np.maximum(wide(x), 1e-12),
    name="bounded_log",
    at_kinks="below 1e-12: 1e12",
)


def _huber(x: Any, delta: float = 1.0) -> Any:
    size = np.abs(x)
    inner = np.minimum(size, delta)
    return inner * (size - 0.5 * inner)


huber = define(_huber, lambda g, y, x, delta=1.0: g * np.clip(x, -delta, delta), name="huber")
