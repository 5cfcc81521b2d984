"""Functions that act on each element by itself, and those that combine two arrays element by element.

Each line is a NumPy function and one rule per input: `g` is the gradient of the output, `y` the output, the rest the
inputs. The engine sums over broadcast axes and casts. Stands on dispatch.py; read reductions.py next.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.arrays import Array, as_array, beside, is_foreign, plain_array, wide
from ..engine.dispatch import define, elementwise, implements, plain, tell_flattened, unwrap
from ..engine.recording import called_as_one, special
from ..engine.tensor import Primitive

BITS = {2: np.int16, 4: np.int32, 8: np.int64}


def masked(g: Any, mask: Any) -> Any:
    """g where the mask is true, 0 elsewhere, even where g is infinite or NaN.

    On large arrays a product is up to ten times as fast as np.where, but 0·∞ is NaN: so g's bits are multiplied.
    """
    if special.count and (recorded := called_as_one(masked, g, mask)) is not None:
        return recorded[0]
    if mask.size >= 1024 and g.__class__ is np.ndarray and g.itemsize in BITS:
        return (g.view(BITS[g.itemsize]) * mask).view(g.dtype)
    return np.where(mask, g, 0)


def floats(x: Any) -> Any:
    """x as an array of floats: it stays as it is if it is one."""
    array = as_array(x)
    return array if array.dtype.kind == "f" else array.astype(np.float64)


def cast_like(x: Any, y: Any) -> Any:
    """x in the dtype of y: for a rule that computes with a constant alone before g comes in. In the constant's own
    dtype 0 − 1 is 65535 (uint16), and log 3 has three digits (uint8)."""
    array = as_array(x)
    if array.__class__ is np.ndarray:
        return beside(array, unwrap(y), y.dtype)
    return array if array.dtype == y.dtype else array.astype(y.dtype)


def in_float32(f: Callable[..., Any]) -> Callable[..., Any]:
    """f, which computes with a first argument of float16 in float32 and rounds its result. NumPy rounds at each step:
    its sums of float16 ones stop at 2048, and squares of numbers from 256 on are infinite."""

    @functools.wraps(f)
    def computed(x: Any, *args: Any, **options: Any) -> Any:
        if getattr(x, "dtype", None) != np.float16:
            return f(x, *args, **options)
        return f(wide(x), *args, **options).astype(np.float16)

    return computed


def unrounded(y: Any, f: Any, x: Any, **options: Any) -> Any:
    """y = f(x), for a rule that has made x wide: computed anew in float32 where y was rounded to float16."""
    return y if y.dtype == x.dtype else f(x, **options)


# ---- arithmetic ----

add = define(np.add, lambda g, y, a, b: g, lambda g, y, a, b: g)
subtract = define(np.subtract, lambda g, y, a, b: g, lambda g, y, a, b: -g)
multiply = define(np.multiply, lambda g, y, a, b: g * b, lambda g, y, a, b: g * a)
divide = define(np.divide, lambda g, y, a, b: g / b, lambda g, y, a, b: -g * y / b)
negative = define(np.negative, lambda g, y, x: -g)
positive = define(np.positive, lambda g, y, x: g)
conjugate = define(np.conjugate, lambda g, y, x: g, answers=(np.conjugate,))  # of real numbers
reciprocal = define(np.reciprocal, lambda g, y, x: -g * y * y)
square = define(np.square, lambda g, y, x: g * 2 * x)


def power_base(g: Any, y: Any, a: Any, b: Any) -> Any:
    """∂aᵇ/∂a = b·aᵇ⁻¹, where 0·∞ (b is 0, and a is 0 or so small that 1/a overflows) and 0·NaN count as 0."""
    if isinstance(b, (int, float)):
        return g * 2 * a if b == 2 else g * b * a ** (b - 1) if b != 0 else np.zeros_like(g)
    b = cast_like(b, y)
    flat = (b == 0) & ~(abs(unwrap(a)) >= np.finfo(y.dtype).tiny)
    return g * b * (np.where(flat, 1, a) if flat.any() else a) ** (b - 1)


def power_exponent(g: Any, y: Any, a: Any, b: Any) -> Any:
    """∂aᵇ/∂b = aᵇ·log a, and 0 where a is 0 and b ≥ 0: aᵇ is 0 there for all b > 0."""
    zero = (a == 0) & (b >= 0)
    return np.where(zero, 0, g * y * np.log(np.where(zero, 1, cast_like(a, y))))


power = define(
    operator.pow,  # which, unlike np.power, has short cuts for exponents such as 2
    power_base,
    power_exponent,
    name="power",
    answers=(np.power,),
    at_kinks="0**0: 0 in both arguments; NaN**0: 0 for the NaN",
)
remainder = define(
    np.remainder,
    lambda g, y, a, b: g,
    lambda g, y, a, b: -g * np.floor_divide(a, b),
    at_kinks="where a is a multiple of b: the slopes of the side that NumPy's floor_divide is on",
)

# ---- roots, exponentials and logarithms ----

sqrt = define(np.sqrt, lambda g, y, x: g / (2 * y))
cbrt = define(np.cbrt, lambda g, y, x: g / (3 * y * y))
exp = define(np.exp, lambda g, y, x: g * y)
exp2 = define(np.exp2, lambda g, y, x: g * y * math.log(2))
expm1 = define(np.expm1, lambda g, y, x: g * np.exp(x))  # y + 1 would lose all digits where eˣ is small
log = define(np.log, lambda g, y, x: g / x)
log2 = define(np.log2, lambda g, y, x: g / (x * math.log(2)))
log10 = define(np.log10, lambda g, y, x: g / (x * math.log(10)))
log1p = define(np.log1p, lambda g, y, x: g / (1 + x))


def _sigmoid(x: Any) -> Any:
    """1/(1 + e⁻ˣ) for x ≥ 0 and eˣ/(1 + eˣ) below, so that no power overflows."""
    x = floats(x)
    e = np.empty_like(x)
    np.exp(np.negative(np.abs(x, out=e), out=e), out=e)
    y = np.where(x >= 0, x.dtype.type(1), e)
    y /= np.add(e, 1, out=e)
    return y


# 1 − σ(x) would be 0 where σ(x) rounds to 1 (from x = 16.7 in float32): σ(−x) is right there too
sigmoid: Primitive = define(_sigmoid, lambda g, y, x: g * y * sigmoid(-x), name="sigmoid")


def lead(a: Any, b: Any, y: Any) -> Any:
    """a − b, and 0 between two equal infinities."""
    same = np.isinf(y) & (a == b)
    return np.where(same, 0, a) - np.where(same, 0, b) if same.any() else a - b


# eᵃ/(eᵃ + eᵇ) is σ(a − b), while eᵃ⁻ʸ would have the rounding error of a large y
logaddexp = define(
    np.logaddexp,
    lambda g, y, a, b: g * sigmoid(lead(a, b, y)),
    lambda g, y, a, b: g * sigmoid(lead(b, a, y)),
    at_kinks="both -inf or both inf: half each",
)
logaddexp2 = define(
    np.logaddexp2,
    lambda g, y, a, b: g * sigmoid(lead(a, b, y) * math.log(2)),
    lambda g, y, a, b: g * sigmoid(lead(b, a, y) * math.log(2)),
    at_kinks="both -inf or both inf: half each",
)

# ---- trigonometric and hyperbolic ----

sin = define(np.sin, lambda g, y, x: g * np.cos(x))
cos = define(np.cos, lambda g, y, x: -g * np.sin(x))
tan = define(np.tan, lambda g, y, x: g * (1 + y * y))
arcsin = define(np.arcsin, lambda g, y, x: g / np.sqrt((1 - x) * (1 + x)))
arccos = define(np.arccos, lambda g, y, x: -g / np.sqrt((1 - x) * (1 + x)))
arctan = define(np.arctan, lambda g, y, x: g / (1 + x * x))
sinh = define(np.sinh, lambda g, y, x: g * np.cosh(x))
cosh = define(np.cosh, lambda g, y, x: g * np.sinh(x))
tanh = define(np.tanh, lambda g, y, x: g * (1 - y * y))
arcsinh = define(np.arcsinh, lambda g, y, x: g / np.hypot(x, 1))  # √(x² + 1), without overflow
arccosh = define(np.arccosh, lambda g, y, x: g / (np.sqrt(x - 1) * np.sqrt(x + 1)))
arctanh = define(np.arctanh, lambda g, y, x: g / ((1 - x) * (1 + x)))
deg2rad = define(np.deg2rad, lambda g, y, x: g * (math.pi / 180), answers=(np.deg2rad, np.radians))
rad2deg = define(np.rad2deg, lambda g, y, x: g * (180 / math.pi), answers=(np.rad2deg, np.degrees))


def over_length(a: Any, r: Any) -> Any:
    """a / r for r = √(a² + b²), and 0 at the origin."""
    zero = r == 0
    return np.where(zero, 0, a / np.where(zero, 1, r)) if zero.any() else a / r


def over_length_squared(a: Any, b: Any) -> Any:
    """a / (a² + b²), and 0 at the origin; in two steps, since the squares may overflow or vanish."""
    r = np.hypot(a, b)
    return over_length(a, r) / (np.where(r == 0, 1, r) if (r == 0).any() else r)


arctan2 = define(
    np.arctan2,
    lambda g, y, a, b: g * over_length_squared(b, a),
    lambda g, y, a, b: -g * over_length_squared(a, b),
    at_kinks="at (0, 0): 0",
)
hypot = define(
    np.hypot,
    lambda g, y, a, b: g * over_length(a, y),
    lambda g, y, a, b: g * over_length(b, y),
    at_kinks="at (0, 0): 0",
)


def _sinc_derivative(x: Array, n: int) -> Array:
    r"""The n-th derivative of sinc x = s(πx), with s(u) = sin u / u.

    From u·s = sin u follows u·s⁽ⁿ⁾ = sin⁽ⁿ⁾u - n·s⁽ⁿ⁻¹⁾, which loses digits near 0. There the Taylor series serves:
    s⁽ⁿ⁾(u) = Σₖ (-1)ᵏ uʲ / ((2k+1)·j!), with j = 2k-n ≥ 0.
    """
    x = as_array(x)
    u = np.pi * x.astype(np.float64, copy=False)
    near = np.abs(u) < n + 1
    v = np.where(near, 1, u)
    s = np.sin(v) / v
    for m in range(1, n + 1):
        s = (np.sin(v + m * (np.pi / 2)) - m * s) / v
    w = np.where(near, u, 0)
    series = np.zeros_like(w)
    for k in range((n + 1) // 2, (n + 1) // 2 + 10 + 2 * n):
        series += (-1) ** k * w ** (2 * k - n) / ((2 * k + 1) * math.factorial(2 * k - n))
    made: Array = np.pi**n * np.where(near, series, s)
    return made.astype(x.dtype)


sinc_derivative: Primitive = define(
    _sinc_derivative, lambda g, y, x, n: g * sinc_derivative(x, n=n + 1), name="sinc_derivative"
)
sinc = define(np.sinc, lambda g, y, x: g * sinc_derivative(x, n=1), name="sinc")
elementwise.append("sinc")

# ---- with kinks ----

absolute = define(np.absolute, lambda g, y, x: g * np.sign(x), at_kinks="at 0: 0")
fabs = define(np.fabs, lambda g, y, x: g * np.sign(x), at_kinks="at 0: 0")


def winner(g: Any, wins: Any, ties: Any) -> Any:
    """All of g where an input wins, half of it where both tie."""
    won = masked(g, wins)
    return won + masked(g / 2, ties) if ties.any() else won


def nan_wins(g: Any, y: Any, wins: Any, a: Any, b: Any) -> Any:
    """As `winner`, but NaN wins over a number, as it does in NumPy's result, and two NaNs tie."""
    if np.isnan(unwrap(y)).any():
        return winner(g, wins | (np.isnan(a) & ~np.isnan(b)), (a == b) | (np.isnan(a) & np.isnan(b)))
    return winner(g, wins, a == b)


def number_wins(g: Any, wins: Any, a: Any, b: Any) -> Any:
    """As `winner`, but a number wins over NaN, and two NaNs tie."""
    return winner(g, wins | (np.isnan(b) & ~np.isnan(a)), (a == b) | (np.isnan(a) & np.isnan(b)))


maximum = define(
    np.maximum,
    lambda g, y, a, b: nan_wins(g, y, a > b, a, b),
    lambda g, y, a, b: nan_wins(g, y, b > a, b, a),
    at_kinks="ties: half each; beside a number NaN has it all",
)
minimum = define(
    np.minimum,
    lambda g, y, a, b: nan_wins(g, y, a < b, a, b),
    lambda g, y, a, b: nan_wins(g, y, b < a, b, a),
    at_kinks="ties: half each; beside a number NaN has it all",
)


fmax = define(
    np.fmax,
    lambda g, y, a, b: number_wins(g, a > b, a, b),
    lambda g, y, a, b: number_wins(g, b > a, b, a),
    at_kinks="ties: half each; beside a NaN the number has it all",
)
fmin = define(
    np.fmin,
    lambda g, y, a, b: number_wins(g, a < b, a, b),
    lambda g, y, a, b: number_wins(g, b < a, b, a),
    at_kinks="ties: half each; beside a NaN the number has it all",
)


def within(a: Any, low: Any, high: Any) -> Any:
    """Where low ≤ a ≤ high; a bound that is None bounds nothing."""
    return (np.True_ if low is None else a >= low) & (np.True_ if high is None else a <= high)


clipped = define(
    lambda a, a_min=None, a_max=None: np.clip(a, a_min, a_max),
    lambda g, y, a, low, high: masked(g, within(a, low, high)),
    lambda g, y, a, low, high: masked(g, (a < low) & (np.True_ if high is None else low < high)),
    lambda g, y, a, low, high: masked(g, (a > high) | (np.False_ if low is None else low > high)),
    name="clip",
    at_kinks="on a bound: 1 for a, 0 for the bound; a below two equal bounds: 0 for all; a is NaN: 0 for all",
)


@implements(np.clip)
def clip(a: Any, a_min: Any = None, a_max: Any = None, out: Any = None, **bounds: Any) -> Any:
    """`a` limited to a_min … a_max (or min=, max=); None on either side bounds nothing."""
    low, high = bounds.pop("min", None), bounds.pop("max", None)
    if (a_min is not None and low is not None) or (a_max is not None and high is not None):
        raise ValueError("clip takes a_min or min=, a_max or max=, not both")
    if out is not None or bounds:
        raise TypeError(f"clip of Tensors doesn't take {next(iter(bounds), 'out')}=")
    return clipped(a, low if a_min is None else a_min, high if a_max is None else a_max)


def truth(condition: Any, g: Any = None) -> Any:
    """The condition as an array of booleans, where g is."""
    array = plain_array(unwrap(condition)).astype(bool, copy=False)
    return array if g is None or array.__class__ is unwrap(g).__class__ else beside(array, unwrap(g))


def _chosen(condition: Any, x: Any, y: Any) -> Any:
    for branch in (x, y):
        if branch.__class__ is not np.ndarray and is_foreign(branch):
            condition = beside(condition, branch)
    return np.where(condition, x, y)


where = define(
    _chosen,
    None,
    lambda g, y, condition, a, b: masked(g, truth(condition, g)),
    lambda g, y, condition, a, b: masked(g, ~truth(condition, g)),
    name="where",
)


@implements(np.where)
def _where(condition: Any, *branches: Any) -> Any:
    """With one argument, where it is true; with three, a choice, differentiable in the branches."""
    if branches:
        return where(truth(condition), *branches)
    return tell_flattened("where", (condition,), np.nonzero(unwrap(condition)))


def _nan_to_num(x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    return np.nan_to_num(x, copy=True, nan=nan, posinf=posinf, neginf=neginf)


nan_to_num = define(
    _nan_to_num,
    lambda g, y, x, nan=0.0, posinf=None, neginf=None: masked(g, np.isfinite(x)),
    name="nan_to_num",
    answers=(np.nan_to_num,),
    at_kinks="at NaN and ±inf: 0",
)

plain(np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal, np.sign, np.signbit,
      np.isnan, np.isfinite, np.isinf, np.isneginf, np.isposinf, np.isreal, np.iscomplex,
      np.logical_and, np.logical_or, np.logical_not, np.logical_xor, np.bitwise_and, np.bitwise_or, np.bitwise_xor,
      np.invert, np.left_shift, np.right_shift, np.gcd, np.lcm,
      np.floor, np.ceil, np.rint, np.trunc, np.round, np.around, np.floor_divide)  # fmt: skip
