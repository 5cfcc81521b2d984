"""Functions that act on each element by itself, and those that combine two arrays element by element.

`g` is the gradient of the output, `y` the output, the rest the inputs. The engine sums over broadcast axes and casts.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dispatch import define, plain

# ---- arithmetic ----

add = define(np.add, lambda g, y, a, b: g, lambda g, y, a, b: g)
subtract = define(np.subtract, lambda g, y, a, b: g, lambda g, y, a, b: -g)
multiply = define(np.multiply, lambda g, y, a, b: g * b, lambda g, y, a, b: g * a)
divide = define(np.divide, lambda g, y, a, b: g / b, lambda g, y, a, b: -g * y / b)
negative = define(np.negative, lambda g, y, x: -g)
positive = define(np.positive, lambda g, y, x: g)
square = define(np.square, lambda g, y, x: g * 2 * x)


def power_base(g: Any, y: Any, a: Any, b: Any) -> Any:
    """∂aᵇ/∂a = b·aᵇ⁻¹, and 0 where b is 0, also at a = 0 (where the formula says 0·∞)."""
    return g * np.where(b == 0, 0, b * np.power(a, np.where(b == 0, 1, b - 1)))


def power_exponent(g: Any, y: Any, a: Any, b: Any) -> Any:
    """∂aᵇ/∂b = aᵇ·log a, and 0 where a is 0 and b ≥ 0: aᵇ is 0 there for all b > 0."""
    zero = (a == 0) & (b >= 0)
    return g * np.where(zero, 0, y * np.log(np.where(zero, 1, a)))


power = define(np.power, power_base, power_exponent, at_kinks="0**0: 0 in both arguments")

remainder = define(
    np.remainder,
    lambda g, y, a, b: g,
    lambda g, y, a, b: -g * np.floor_divide(a, b),
    at_kinks="where a is a multiple of b: the slope from above in a",
)

# ---- exponential and logarithm ----

exp = define(np.exp, lambda g, y, x: g * y)
log = define(np.log, lambda g, y, x: g / x)
sqrt = define(np.sqrt, lambda g, y, x: g / (2 * y))

# ---- trigonometric and hyperbolic ----

sin = define(np.sin, lambda g, y, x: g * np.cos(x))
cos = define(np.cos, lambda g, y, x: -g * np.sin(x))
tanh = define(np.tanh, lambda g, y, x: g * (1 - y * y))

# ---- with kinks ----

absolute = define(np.absolute, lambda g, y, x: g * np.sign(x), at_kinks="at 0: 0")


def _share(g: Any, a: Any, b: Any) -> Any:
    """All of g where a wins over b (compared as a > b), half of it at a tie."""
    return np.where(a > b, g, np.where(a == b, g / 2, 0))


maximum = define(
    np.maximum, lambda g, y, a, b: _share(g, a, b), lambda g, y, a, b: _share(g, b, a), at_kinks="ties: half each"
)
where = define(
    lambda condition, x, y: np.where(condition, x, y),
    None,
    lambda g, y, condition, a, b: np.where(condition, g, 0),
    lambda g, y, condition, a, b: np.where(condition, 0, g),
    name="where",
    answers=(np.where,),
)

plain(np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal, np.sign, np.floor_divide,
      np.isnan, np.isfinite, np.isinf, np.logical_and, np.logical_or, np.logical_not, np.logical_xor,
      np.floor, np.ceil, np.rint, np.trunc, np.round, np.around)  # fmt: skip
