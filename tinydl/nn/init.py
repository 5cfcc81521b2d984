"""How parameters start: each function fills a Tensor in place with random or fixed numbers and returns it.

Names, formulas and defaults are PyTorch's. All draw from the default Generator (`tl.manual_seed`) or from `rng`, a
Generator or a seed. Read linear.py next for a layer that uses them.

Why it matters: a layer's outputs have variance fan_in · Var(w) · E[x²], so weights drawn too large or too small make
signals grow or vanish geometrically with depth (Glorot & Bengio 2010; He et al. 2015).
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np

from ..engine.arrays import Array
from ..engine.random import generator
from ..engine.tensor import Tensor

__all__ = [
    "calculate_gain", "constant_", "eye_", "fans", "kaiming_normal_", "kaiming_uniform_", "normal_", "ones_",
    "orthogonal_", "trunc_normal_", "uniform_", "xavier_normal_", "xavier_uniform_", "zeros_",
]  # fmt: skip

Rng: TypeAlias = "int | np.random.Generator | None"  # in quotes: numpy.random takes long to import


def _array(t: Tensor) -> Array:
    """The array of a Tensor that may be filled."""
    if not isinstance(t, Tensor):
        raise TypeError(f"nn.init fills Tensors in place, not {type(t).__name__}")
    if t.primitive is not None or t._data.dtype.kind != "f":
        kind = f"of {t._data.dtype}" if t.primitive is None else f"computed by {t.primitive.name}"
        raise ValueError(f"nn.init fills leaf Tensors of a floating dtype, not one {kind}")
    return t._data


def _fill(t: Tensor, values: Any) -> Tensor:
    array = _array(t)
    t.data = np.broadcast_to(np.asarray(values), array.shape).astype(array.dtype)
    return t


def uniform_(t: Tensor, a: float = 0.0, b: float = 1.0, rng: Rng = None) -> Tensor:
    """Numbers drawn uniformly from a … b. Raises ValueError if a > b."""
    if not a <= b:
        raise ValueError(f"uniform_ draws between a and b, so a ≤ b is needed, not a={a}, b={b}")
    return _fill(t, generator(rng).uniform(a, b, _array(t).shape))


def normal_(t: Tensor, mean: float = 0.0, std: float = 1.0, rng: Rng = None) -> Tensor:
    """Numbers drawn from the normal distribution of this mean and standard deviation (≥ 0)."""
    if not std >= 0:
        raise ValueError(f"normal_ needs a standard deviation std ≥ 0, not {std}")
    return _fill(t, generator(rng).normal(mean, std, _array(t).shape))


def trunc_normal_(
    t: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, rng: Rng = None
) -> Tensor:
    """Numbers of the normal distribution that fell in a … b: those outside are drawn again.

    Raises ValueError if the interval is empty or lies more than two standard deviations from the mean.
    """
    if not (std > 0 and a < b and a - 2 * std <= mean <= b + 2 * std):
        raise ValueError(
            f"trunc_normal_ needs std > 0, a < b and a mean within 2 std of a … b, not {mean=}, {std=}, {a=}, {b=}"
        )
    draw, values = generator(rng), np.empty(_array(t).size)
    todo = np.arange(values.size)
    narrow = b - a < std  # too few normal numbers fall in: draw uniform ones, each kept with its relative density
    nearest = min(max(mean, a), b)
    while todo.size:
        x = draw.uniform(a, b, todo.size) if narrow else draw.normal(mean, std, todo.size)
        if narrow:
            log_density = ((nearest - mean) ** 2 - (x - mean) ** 2) / (2 * std**2)
            kept = draw.uniform(size=todo.size) < np.exp(log_density)
        else:
            kept = (a <= x) & (x <= b)
        values[todo[kept]] = x[kept]
        todo = todo[~kept]
    return _fill(t, values.reshape(t._data.shape))


def constant_(t: Tensor, value: float) -> Tensor:
    """Every element the same number."""
    return _fill(t, value)


def zeros_(t: Tensor) -> Tensor:
    """Every element 0."""
    return _fill(t, 0.0)


def ones_(t: Tensor) -> Tensor:
    """Every element 1."""
    return _fill(t, 1.0)


def eye_(t: Tensor) -> Tensor:
    """Ones on the diagonal of a matrix, zeros elsewhere: a linear layer that passes its input on."""
    _need_axes(t, "eye_", exactly=True)
    return _fill(t, np.eye(*t._data.shape))


def orthogonal_(t: Tensor, gain: float = 1.0, rng: Rng = None) -> Tensor:
    """A random matrix with orthonormal rows or columns (whichever are fewer), times `gain`.

    Axes after the first count as columns. The Q of a normal matrix's QR decomposition, with signs that make it uniform
    (Saxe et al. 2014; Mezzadri 2007).
    """
    _need_axes(t, "orthogonal_")
    rows = t._data.shape[0]
    columns = t._data.size // rows if rows else 0
    tall = generator(rng).normal(size=(max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(tall)
    q = q * np.where(np.diagonal(r) < 0, -1.0, 1.0)
    return _fill(t, gain * (q if rows >= columns else q.T).reshape(t._data.shape))


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor on a layer's standard deviation that makes up for what its activation takes away.

    linear, sigmoid: 1; tanh: 5/3; relu: √2; leaky_relu: √(2 / (1 + slope²)), slope = `param` (0.01); selu: 3/4.
    """
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        return math.sqrt(2 / (1 + slope**2))
    gains = {"linear": 1.0, "sigmoid": 1.0, "tanh": 5 / 3, "relu": math.sqrt(2), "selu": 3 / 4}
    if nonlinearity not in gains:
        raise ValueError(f"no gain is known for {nonlinearity!r}; choose one of {', '.join([*gains, 'leaky_relu'])}")
    return gains[nonlinearity]


def xavier_uniform_(t: Tensor, gain: float = 1.0, rng: Rng = None) -> Tensor:
    """Uniform on ±gain·√(6 / (fan_in + fan_out)), made for tanh (Glorot & Bengio 2010)."""
    bound = gain * math.sqrt(6 / sum(fans(t)))
    return uniform_(t, -bound, bound, rng)


def xavier_normal_(t: Tensor, gain: float = 1.0, rng: Rng = None) -> Tensor:
    """Normal with standard deviation gain·√(2 / (fan_in + fan_out)) (Glorot & Bengio 2010)."""
    return normal_(t, 0.0, gain * math.sqrt(2 / sum(fans(t))), rng)


def kaiming_uniform_(
    t: Tensor, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", rng: Rng = None
) -> Tensor:
    """Uniform on ±gain·√(3 / fan), made for relu (He et al. 2015); `a` is leaky_relu's slope."""
    bound = calculate_gain(nonlinearity, a) * math.sqrt(3 / _fan(t, mode))
    return uniform_(t, -bound, bound, rng)


def kaiming_normal_(
    t: Tensor, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", rng: Rng = None
) -> Tensor:
    """Normal with standard deviation gain / √fan, made for relu (He et al. 2015); `a` is leaky_relu's slope."""
    return normal_(t, 0.0, calculate_gain(nonlinearity, a) / math.sqrt(_fan(t, mode)), rng)


def fans(t: Tensor) -> tuple[int, int]:
    """(fan_in, fan_out) of a weight (out, in, ...): the inputs that an output sums over, the outputs it serves."""
    _need_axes(t, "fan_in and fan_out")
    rows, columns, *window = t._data.shape
    return columns * math.prod(window), rows * math.prod(window)


def _fan(t: Tensor, mode: str) -> int:
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"mode must be 'fan_in' or 'fan_out', not {mode!r}")
    return max(1, fans(t)[mode == "fan_out"])


def _need_axes(t: Tensor, what: str, exactly: bool = False) -> None:
    if _array(t).ndim < 2 or (exactly and t._data.ndim > 2):
        raise ValueError(f"{what}: a weight of {'' if exactly else 'at least '}two axes is needed, not {t._data.shape}")
