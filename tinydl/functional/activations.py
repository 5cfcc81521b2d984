r"""Activations, the linear map and dropout by PyTorch's names, with its argument order and defaults.

They are primitives of derivatives/, or short compositions of them, so their gradients need no code here; what is added
is what users get wrong: shapes, dtypes and ranges are checked, and each error says what to write.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..derivatives import activations, elementwise, products, special
from ..derivatives.elementwise import floats, sigmoid
from ..engine import random
from ..engine.arrays import Array, as_array, beside, default_dtype_now, memory_order, plain_array
from ..engine.checks import array_of
from ..engine.recording import computed_plainly
from ..engine.tensor import Tensor, wrap

tanh = elementwise.tanh


def gelu(x: Any, approximate: str = "none") -> Any:
    r"""The Gaussian error linear unit, :math:`x\,\Phi(x)`, Φ the cumulative distribution of the standard normal.

    ``approximate="tanh"`` takes ½(1 + tanh(√(2/π)(x + 0.044715 x³))) for Φ(x): off by at most 5e-4, and faster.
    Any shape. Raises ValueError for another `approximate`. Source: Hendrycks and Gimpel, arXiv:1606.08415 (2016).
    """
    if approximate not in ("none", "tanh"):
        raise ValueError(f'gelu: approximate is "none" or "tanh", not {approximate!r}')
    return x * (special.normal_cdf(x) if approximate == "none" else activations.gelu_gate(x))


def silu(x: Any) -> Any:
    r"""The sigmoid linear unit or swish, :math:`x\,\sigma(x)`. Any shape.

    Source: Elfwing, Uchibe and Doya, arXiv:1702.03118 (2017).
    """
    return x * sigmoid(x)


def softplus(x: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
    r"""A smooth relu, :math:`\log(1 + e^{\beta x})/\beta`. Any shape.

    As in PyTorch it is x itself where βx > `threshold`, which is off by less than e⁻²⁰/β. Raises ValueError where
    `beta` isn't positive.
    """
    if not beta > 0:
        raise ValueError(f"softplus: beta must be positive, not {beta}")
    return activations.softplus(x, beta=beta, threshold=threshold)


def selu(x: Any) -> Any:
    r"""The scaled exponential linear unit, λx for x > 0 and λα(eˣ − 1) otherwise, λ = 1.0507…, α = 1.6733…. Any shape.

    With these numbers mean 0 and variance 1 are a fixed point of deep layers. Source: Klambauer et al.,
    arXiv:1706.02515 (2017).
    """
    return activations.elu(x, alpha=1.6732632423543772) * 1.0507009873554805


def celu(x: Any, alpha: float = 1.0) -> Any:
    r"""The continuously differentiable exponential linear unit: x for x > 0, α(e^(x/α) − 1) otherwise. Any shape.

    Raises ValueError where `alpha` isn't positive. Source: Barron, arXiv:1704.07483 (2017).
    """
    if not alpha > 0:
        raise ValueError(f"celu: alpha must be positive, not {alpha}")
    return activations.celu(x, alpha=float(alpha))


def mish(x: Any) -> Any:
    r"""A smooth relu that dips below 0, :math:`x \tanh(\log(1 + e^x))`. Any shape.

    Source: Misra, arXiv:1908.08681 (2019).
    """
    return x * tanh(activations.softplus(x))


def hardtanh(x: Any, min_val: float = -1.0, max_val: float = 1.0) -> Any:
    r"""x limited to min_val … max_val; the gradient is 0 outside and on the bounds. Any shape.

    Raises ValueError unless min_val < max_val. Source: Collobert, PhD thesis (2004).
    """
    if not min_val < max_val:
        raise ValueError(f"hardtanh: min_val must be less than max_val, not {min_val} and {max_val}")
    return activations.hardtanh(x, min_val=float(min_val), max_val=float(max_val))


def prelu(x: Any, weight: Any) -> Any:
    r"""x for x > 0, weight · x otherwise, with a weight that is learned; the gradient at 0 is the weight.

    Shapes: x any; weight one number, or (C,) for x (N, C, …). Raises ValueError for another weight. Source: He et al.,
    arXiv:1502.01852 (2015).
    """
    if isinstance(weight, Tensor):
        x = as_input(x, weight)
    else:
        x = floats(x)
        weight = beside(weight, array_of(x), x.dtype)
    channels = x.shape[1] if x.ndim > 1 else 1
    if weight.size != 1 and weight.shape != (channels,):
        raise ValueError(
            f"prelu: the weight is one number, or one for each channel, which is axis 1 of x; a weight of shape "
            f"{weight.shape} doesn't fit x of shape {x.shape}"
        )
    return activations.prelu(x, weight.reshape((weight.size, *(1,) * (x.ndim - 2)) if x.ndim else ()))


def logsigmoid(x: Any) -> Any:
    r"""The logarithm of the sigmoid, :math:`-\log(1 + e^{-x})`, exact where the sigmoid rounds to 0 or 1. Any shape."""
    return -activations.softplus(-x)


def as_input(x: Any, like: Tensor | Array | None) -> Any:
    """What a layer computes with: a Tensor of floats as it is; anything else as an array of the dtype of `like`, or in
    its own dtype beside a `like` of whole numbers, which would cut off its decimals; and where `like` is."""
    of_floats = x.__class__ is Tensor and x._data.dtype.kind == "f" and not (x.notes and "array" in x.notes)
    if of_floats and (x._requires_grad or like is None):
        return x
    if isinstance(x, tuple) and any(item.__class__ is Tensor for item in x):
        raise TypeError(
            f"one Tensor is needed, not a tuple of {len(x)}. A recurrent layer gives its output and its state: write a "
            "forward with y, state = self.lstm(x), and give y to the next layer"
        )
    given = x._data if x.__class__ is Tensor else x
    if like is None:
        return plain_array(given, default_dtype_now())
    array = like._data if like.__class__ is Tensor else like
    if of_floats:
        return x if given.__class__ is array.__class__ else wrap(beside(given, array))
    return beside(given, array, array.dtype if array.dtype.kind == "f" else None)


def linear(x: Any, weight: Any, bias: Any = None) -> Any:
    r"""An affine map, :math:`y = x W^\top + b`.

    Shapes: x (…, in), weight (out, in), bias (out,) or None → y (…, out). An x that is an array, or no floats, is cast
    to the dtype of a weight of floats. Raises ValueError where the shapes don't fit.
    """
    try:
        return products.linear(as_input(x, weight), weight, bias)
    except ValueError as error:
        shape = np.shape(x)
        if shape[-1:] == weight.shape[1:]:
            raise
        raise ValueError(
            f"{f'x of shape {shape}' if shape else f'x = {x!r}'} doesn't fit the weight of shape {weight.shape}: the "
            f"last axis of x must be in_features = {weight.shape[-1]} long{_flattened(shape, weight.shape[-1])}"
        ) from error


def _flattened(shape: tuple[int, ...], features: int) -> str:
    """What to write where a whole example, or a single one without its axis of examples, has that many numbers."""
    if len(shape) > 2 and math.prod(shape[1:]) == features:
        return ". Write nn.Flatten() as the layer before, or x.reshape(len(x), -1)"
    return ". Of one example write x.reshape(1, -1)" if len(shape) > 1 and math.prod(shape) == features else ""


def dropout(x: Any, p: float = 0.5, training: bool = True, rng: int | np.random.Generator | None = None) -> Any:
    r"""x with each element zero with probability `p`, the others divided by 1 − p, so that the expectation stays x.

    Not training, or with p = 0, it is x itself. `rng` is a Generator or a seed; by default tinydl's own, which
    `tl.manual_seed` seeds. Raises ValueError for a p outside of 0…1. Source: Srivastava et al., JMLR 15 (2014).
    """
    return _dropped("dropout", "an element", x, np.shape(x), p, training, rng)


def dropout2d(x: Any, p: float = 0.5, training: bool = True, rng: int | np.random.Generator | None = None) -> Any:
    r"""x (N, C, H, W) with whole channels of each image zero with probability `p`, the others divided by 1 − p.

    Neighbours in an image say nearly the same, so that dropping some of them drops nothing. Otherwise as `dropout`;
    ValueError for another shape, too. Source: Tompson et al., arXiv:1411.4280 (2015).
    """
    shape = np.shape(x)
    if len(shape) != 4:
        advice = {3: "of one image write x[None]", 2: "for rows of features take dropout"}.get(len(shape))
        raise ValueError(
            f"dropout2d drops channels of x (N, C, H, W), not of shape {shape}{f'; {advice}' if advice else ''}"
        )
    return _dropped("dropout2d", "a channel", x, (*shape[:2], 1, 1), p, training, rng)


def _dropped(
    name: str,
    what: str,
    x: Any,
    shape: tuple[int, ...],
    p: float,
    training: bool,
    rng: int | np.random.Generator | None,
) -> Any:
    if not 0 <= p <= 1:
        raise ValueError(f"{name}: p is the probability to drop {what}, from 0 to 1, not {p}")
    if not training or p == 0:
        return x
    array = x._data if isinstance(x, Tensor) else as_array(x)
    dtype = array.dtype if array.dtype.kind == "f" else default_dtype_now()
    mask = computed_plainly(dropout_mask, shape, dtype, float(p), rng, memory_order(array))
    return x * beside(mask, array)  # drawn by NumPy, so that it is the same wherever x is


def dropout_mask(
    shape: tuple[int, ...], dtype: Any, p: float, rng: int | np.random.Generator | None, order: Sequence[int]
) -> Array:
    """0 with probability p, else 1/(1 − p), drawn anew for each element, the same however x lies in memory; the mask's
    axes lie there in this order."""
    kept = random.generator(rng).random(shape, np.float32) >= p
    mask: Array = kept.transpose(order).astype(dtype, order="C")
    if p < 1:
        mask /= 1 - p
    return mask.transpose(np.argsort(order))
