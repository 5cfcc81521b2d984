"""Special functions that NumPy lacks: the error function and the normal distribution."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..engine.arrays import Array, as_array, memory_order, wide
from ..engine.dispatch import define
from ..engine.recording import called_whole
from ..engine.tensor import Primitive
from .elementwise import floats

# ---- the error function, and what gelu is made of ----

# 1 − Φ(z) = e^(−z²/2)·P(z)/Q(z) for z from 0 to the largest, from where on it is 0 in this dtype. The coefficients of P
# and of Q, here with the highest power first, are derived in benchmarks/normal_tail.py.
_SINGLE = (
    15.0,
    (0.0041225282, 0.0407000615, 0.183471861, 0.438674257, 0.500000002),
    (0.0103335341, 0.102026065, 0.470084305, 1.20358243, 1.67523342, 1.0),
)
_DOUBLE = (
    39.0,
    (1.3993048118643568e-06, 3.75791653587099e-05, 0.0004941506706428816, 0.004115983017212425,
     0.023751350888201746, 0.09813089596583452, 0.29031329314335413, 0.5954446719693803, 0.7758577209030002,
     0.5),
    (3.5075370062550256e-06, 9.419699842335466e-05, 0.0012421595801411335, 0.010411436397331717,
     0.06076744505109421, 0.2561065130662715, 0.7848013162542371, 1.718839864814702, 2.5655989100829704,
     2.349600002608859, 1.0),
)  # fmt: skip
# erf x = x·Σ (−1)ⁿ 2/√π x²ⁿ/(n!·(2n + 1)), of which these terms suffice where |x| is at most ½, in float32 the last 8
_SERIES = tuple((-1) ** n * 2 / math.sqrt(math.pi) / (math.factorial(n) * (2 * n + 1)) for n in range(13, -1, -1))
_BLOCK = 16_384  # elements at a time: what is computed of them stays in the processor's cache


def _polynomial(x: Array, coefficients: Sequence[float]) -> Array:
    y = x * coefficients[0]
    y += coefficients[1]
    for c in coefficients[2:]:
        y *= x
        y += c
    return y


def _upper_tail(z: Array) -> Array:
    """1 − Φ(z) for z ≥ 0 (or NaN), accurate in relative terms."""
    largest, above, below = _SINGLE if z.dtype == np.float32 else _DOUBLE
    z = np.clip(z, 0, largest)
    y = _polynomial(z, above)
    y /= _polynomial(z, below)
    z *= z
    z *= -0.5
    y *= np.exp(z, out=z)
    return y


def _in_blocks(f: Callable[[Array], Array], x: Any) -> Array:
    """f of each element, computed in the order in which x lies in memory, and laid out alike."""
    x = floats(x)
    y: Array = np.empty_like(x)
    order = memory_order(y)
    given, made = x.transpose(order).reshape(-1), y.transpose(order).reshape(-1)
    for start in range(0, given.size, _BLOCK):
        part = slice(start, start + _BLOCK)
        made[part] = f(wide(given[part]))
    return y


def error_function(x: Array) -> Array:
    """erf x, as near as its dtype allows."""
    return _in_blocks(_erf, x)


def distribution_function(x: Array) -> Array:
    """Φ(x) = ½(1 + erf(x/√2)) of the normal distribution, accurate in relative terms on both sides."""
    return _in_blocks(_lower_tail, x)


def _erf(x: Array) -> Array:
    size = np.abs(x)
    near = np.minimum(size, 0.5)
    near *= _polynomial(near * near, _SERIES[-8:] if x.dtype == np.float32 else _SERIES)
    far = 1 - 2 * _upper_tail(size * math.sqrt(2))
    return np.copysign(np.where(size <= 0.5, near, far), x)


def _lower_tail(x: Array) -> Array:
    y = np.subtract(x > 0, _upper_tail(np.abs(x)))  # 1 − y or −y: np.where would take as long as five products
    return np.abs(y, out=y)


def _normal_pdf(x: Any) -> Any:
    """φ(x) = e^(−x²/2)/√(2π)."""
    x = floats(x)
    y = as_array(np.square(wide(x)))
    y *= -0.5
    np.exp(y, out=y)
    y *= 1 / math.sqrt(2 * math.pi)
    return y.astype(x.dtype, copy=False)


erf = define(
    lambda x: called_whole(error_function, x),
    lambda g, y, x: g * np.exp(-(x * x)) * (2 / math.sqrt(math.pi)),
    name="erf",
)
normal_pdf: Primitive = define(_normal_pdf, lambda g, y, x: -g * y * x, name="normal_pdf")
normal_cdf = define(
    lambda x: called_whole(distribution_function, x), lambda g, y, x: g * normal_pdf(x), name="normal_cdf"
)
