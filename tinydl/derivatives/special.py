"""Special functions that NumPy lacks: the error function and the normal distribution."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine.arrays import Array, as_array
from ..engine.dispatch import define
from .elementwise import floats

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
    x = as_array(x * math.sqrt(0.5))
    return _by_range(x, lambda y: 0.5 * y + 0.5, lambda t, c: np.where(t < 0, 0.5 * c, 1 - 0.5 * c))


normal_cdf = define(
    _normal_cdf, lambda g, y, x: g * np.exp(x * x * -0.5) * (1 / math.sqrt(2 * math.pi)), name="normal_cdf"
)
