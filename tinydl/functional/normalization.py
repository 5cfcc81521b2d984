r"""Normalising by PyTorch's names, with its argument order and defaults: over the batch, over features, over groups.

Each is the mean taken off, the size of what is left, and a scale and a shift (derivatives/normalising.py). Numbers of
float16 are computed in float32 and rounded once. Read nn/normalization.py next, whose layers hold the parameters.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..derivatives.collective import here
from ..derivatives.elementwise import floats
from ..derivatives.normalising import centred, inverse_rms, scale_and_shift
from ..derivatives.products import dot_along
from ..engine.arrays import Array, is_array, plain_array, wide
from ..engine.checks import array_of, whole
from ..engine.recording import computed_plainly
from ..engine.tensor import Tensor
from .activations import as_input


def batch_norm(
    x: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    r"""Each channel normalised over the batch: :math:`y = \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} \cdot w + b`.

    While training, μ and σ² (with 1/n) are the batch's, and the statistics that are given follow them **in place**:
    running ← (1 − momentum)·running + momentum·new, with the unbiased variance (1/(n − 1)); they may be None. Else μ
    and σ² are those given; what is written into them later doesn't change gradients of what was computed before.

    Shapes: x (N, C, …) → the same; weight, bias and statistics (C,). Raises ValueError where the shapes don't fit, for
    a single value per channel while training, and without statistics else; TypeError for statistics to be written that
    are no arrays. Ioffe & Szegedy, arXiv:1502.03167 (2015).
    """
    statistics = [s for s in (running_mean, running_var) if s is not None]
    if training and (len(statistics) == 1 or not all(is_array(s) for s in statistics)):
        raise TypeError("batch_norm: running_mean and running_var are both None or arrays, which are written in place")
    x, weight, bias, running_mean, running_var = _taken(x, weight, bias, running_mean, running_var)
    if x.ndim < 2:
        raise ValueError(f"batch_norm: the channels are axis 1, but x has shape {x.shape}; write x[:, None] or x[None]")
    given = {"running_mean": running_mean, "running_var": running_var, "weight": weight, "bias": bias}
    for name, value in given.items():
        if value is not None and value.shape != x.shape[1:2]:
            raise ValueError(
                f"batch_norm: {name} has shape {value.shape}, but x of shape {x.shape} has {x.shape[1]} channels, "
                "on axis 1"
            )
    if not training:
        if running_mean is None or running_var is None:
            raise ValueError("batch_norm needs running_mean and running_var where it isn't training")
        return by_statistics(x, array_of(running_mean), array_of(running_var), weight, bias, eps)
    if here.parted:
        raise ValueError("batch_norm(training=True) of a part of a batch, in fit(comm=…): use nn.SyncBatchNorm")
    refuse_single_values("batch_norm", x.shape)
    c, y = by_batch(x, weight, bias, eps)
    if statistics:
        computed_plainly(follow, *statistics, array_of(x), array_of(c), momentum, changed=statistics)
    return y


def _taken(x: Any, *parameters: Any) -> list[Any]:
    """x as the first parameter that is given takes it, without any as floats; and the parameters as arrays."""
    arrays = [p if p is None or isinstance(p, Tensor) else plain_array(p) for p in parameters]
    like = next((p for p in arrays if p is not None), None)
    return [floats(x) if like is None else as_input(x, like), *arrays]


def refuse_single_values(name: str, shape: tuple[int, ...]) -> None:
    """ValueError where a batch has no more than one value for each channel, whose variance says nothing."""
    if math.prod(shape) <= shape[1]:
        raise ValueError(
            f"{name} normalises over more than one value per feature, which x of shape {shape} hasn't: train with "
            "batches of another size, or call model.eval() first"
        )


def by_batch(x: Any, weight: Any, bias: Any, eps: float) -> tuple[Any, Any]:
    """x (N, C, …) without its channels' means, and that scaled and shifted."""
    axis, given = (0, *range(2, x.ndim)), x
    c = centred(wide(x), axis=axis)
    scale = inverse_rms(c, axis=axis, eps=eps)
    y = scale_and_shift(c, scale if weight is None else scale * column(weight, x), column(bias, x))
    return c, _rounded(y, given)


def by_statistics(x: Any, mean: Array, var: Array, weight: Any, bias: Any, eps: float) -> Any:
    """x (N, C, …) less these means, divided by these standard deviations, scaled and shifted."""
    scale = 1 / np.sqrt(wide(var) + eps)
    c = wide(x) - column(mean, x)
    return _rounded(scale_and_shift(c, column(scale if weight is None else scale * weight, x), column(bias, x)), x)


def column(values: Any, x: Any) -> Any:
    """A value per channel, as an array that broadcasts along axis 1 of x."""
    return values if values is None or x.ndim == 2 else values.reshape((x.shape[1], *(1,) * (x.ndim - 2)))


def _rounded(y: Any, x: Any) -> Any:
    return y.astype(x.dtype) if x.dtype == np.float16 else y


def follow(mean: Array, var: Array, x: Array, c: Array, rate: float) -> None:
    """`followed`, written into the arrays that are given."""
    mean[...], var[...] = followed(mean, var, x, c, rate)


def followed(mean: Array, var: Array, x: Array, c: Array, rate: float) -> tuple[Array, Array]:
    """(1 − rate)·running + rate·new, of the mean and the unbiased variance of x (N, C, …), which less its means is c.

    The means are what was taken off the first value of each channel.
    """
    first: Any = (0, slice(None), *(0,) * (x.ndim - 2))
    n = x.size // x.shape[1]
    new = (x[first] - c[first]).astype(mean.dtype)
    unbiased = (dot_along(c, c, (0, *range(2, x.ndim))).ravel() / (n - 1)).astype(mean.dtype)
    return (1 - rate) * mean + rate * new, (1 - rate) * var + rate * unbiased


def layer_norm(
    x: Any, normalized_shape: int | Sequence[int], weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Any:
    r"""Each example normalised over its last axes: :math:`y = \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} \cdot w + b`.

    Shapes: x (…, *normalized_shape) → the same, μ and σ² (with 1/n) over the last axes; weight and bias
    normalized_shape. Raises ValueError where x ends in another shape. Ba et al., arXiv:1607.06450 (2016).
    """
    axis, x, weight, bias = _last_axes("layer_norm", x, normalized_shape, weight, bias)
    c = centred(wide(x), axis=axis)
    return _rounded(_scaled_and_shifted(scale_and_shift(c, inverse_rms(c, axis=axis, eps=eps)), weight, bias), x)


def rms_norm(x: Any, normalized_shape: int | Sequence[int], weight: Any = None, eps: float | None = None) -> Any:
    r"""Each example divided by its size over the last axes: :math:`y = \frac{x}{\sqrt{\text{mean}(x^2) + \epsilon}}
    \cdot w`.

    Without `eps` it is the distance from 1 to the next number of x's dtype. Shapes and errors are those of
    `layer_norm`. Zhang and Sennrich, arXiv:1910.07467 (2019).
    """
    axis, x, weight = _last_axes("rms_norm", x, normalized_shape, weight)
    eps = float(np.finfo(x.dtype).eps) if eps is None else eps
    x, given = wide(x), x
    return _rounded(_scaled_and_shifted(scale_and_shift(x, inverse_rms(x, axis=axis, eps=eps)), weight), given)


def _scaled_and_shifted(y: Any, weight: Any, bias: Any = None) -> Any:
    return scale_and_shift(y, weight, bias) if weight is not None else y if bias is None else y + bias


def _last_axes(name: str, x: Any, normalized_shape: Any, *parameters: Any) -> list[Any]:
    """Which axes the last ones of this shape are; x and the parameters as arrays or Tensors."""
    x, *arrays = _taken(x, *parameters)
    shape = last_axes_shape(name, normalized_shape)
    if tuple(x.shape[-len(shape) :]) != shape:
        raise ValueError(f"{name} over the last axes {shape} can't take x of shape {x.shape}")
    for p in arrays:
        if p is not None and p.shape != shape:
            raise ValueError(f"{name} over the last axes {shape} needs parameters of that shape, not {p.shape}")
    return [tuple(range(-len(shape), 0)), x, *arrays]


def last_axes_shape(name: str, normalized_shape: Any) -> tuple[int, ...]:
    """The shape of the last axes as a tuple; an integer means one axis."""
    shape = normalized_shape if isinstance(normalized_shape, (tuple, list)) else (normalized_shape,)
    if not shape:
        raise ValueError(f"{name}'s normalized_shape needs at least one axis")
    return tuple([whole("normalized_shape", n, 1) for n in shape])


def group_norm(x: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    r"""Each example normalised over groups of channels: :math:`y = \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} \cdot w
    + b`, μ and σ² (with 1/n) over all values of the C/num_groups channels of a group.

    Shapes: x (N, C, …) → the same; weight and bias (C,). Raises ValueError where the groups don't divide the channels.
    Wu and He, arXiv:1803.08494 (2018).
    """
    (x, weight, bias), groups = _taken(x, weight, bias), whole("num_groups", num_groups, 1)
    if x.ndim < 2 or x.shape[1] % groups:
        raise ValueError(f"group_norm: {groups} groups don't divide the channels, axis 1 of x of shape {x.shape}")
    for p in (weight, bias):
        if p is not None and p.shape != x.shape[1:2]:
            raise ValueError(f"group_norm: x of shape {x.shape} needs a weight and a bias of ({x.shape[1]},)")
    split = (groups, x.shape[1] // groups, *x.shape[2:])
    axis, each = tuple(range(2, len(split) + 1)), (*split[:2], *(1,) * (x.ndim - 2))
    c = centred(wide(x).reshape((x.shape[0], *split)), axis=axis)
    scale = inverse_rms(c, axis=axis, eps=eps)
    scale = scale if weight is None else scale * weight.reshape(each)
    return _rounded(scale_and_shift(c, scale, None if bias is None else bias.reshape(each)).reshape(x.shape), x)
