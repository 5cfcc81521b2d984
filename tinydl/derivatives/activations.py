"""Activations: functions of each element, with a kink or a gate, that networks put between their layers.

What a forward function does in place it does on arrays that it has just made. The smooth ones that NumPy has are in
elementwise.py, those made of others in functional/.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine.arrays import as_array, wide
from ..engine.dispatch import define
from .elementwise import floats, masked, sigmoid

# ---- activations ----

relu = define(
    lambda x: np.maximum(x, 0),
    lambda g, y, x: masked(g, y != 0),  # y is never below 0, and NaN, which y > 0 would lose, isn't 0
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


celu = define(
    lambda x, alpha=1.0: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0) / alpha)),
    lambda g, y, x, alpha=1.0: g * np.exp(np.where(x >= 0, 0, x) / alpha),
    name="celu",
)
prelu = define(
    lambda x, weight: np.where(x > 0, x, weight * x),
    lambda g, y, x, weight: np.where(x > 0, g, g * weight),
    lambda g, y, x, weight: np.where(x > 0, 0, g * x),
    name="prelu",
    at_kinks="at 0: the weight",
)
hardtanh = define(
    lambda x, min_val=-1.0, max_val=1.0: np.clip(x, min_val, max_val),
    lambda g, y, x, min_val=-1.0, max_val=1.0: masked(g, ~((x <= min_val) | (x >= max_val))),  # NaN has a gradient
    name="hardtanh",
    at_kinks="on its bounds: 0",
)
softsign = define(
    lambda x: x / (np.abs(x) + 1),
    lambda g, y, x: g / (np.abs(x) + 1) / (np.abs(x) + 1),  # (1 − |y|)² would be 0 where y rounds to ±1
    name="softsign",
)


def _softplus(x: Any, beta: float = 1.0, threshold: float = math.inf) -> Any:
    """log(1 + eˣ) = max(x, 0) + log(1 + e⁻|ˣ|), for βx, divided by β; x itself where βx > threshold."""
    x = floats(x)
    z = as_array(x * beta) if beta != 1 else x
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

_GELU = math.sqrt(2 / math.pi)


def _gelu_gate(x: Any) -> Any:
    """½(1 + tanh(√(2/π)·(x + 0.044715 x³))), the approximation of Φ(x) by Hendrycks and Gimpel (2016)."""
    x = floats(x)
    y = as_array(np.square(wide(x)))
    y *= 0.044715 * _GELU
    y += _GELU
    y *= x
    np.tanh(y, out=y)
    y += 1
    y *= 0.5
    return y.astype(x.dtype, copy=False)


def _gelu_gate_vjp(g: Any, y: Any, x: Any) -> Any:
    out = as_array(np.square(wide(x)))
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
