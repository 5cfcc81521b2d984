"""Layers that bring their inputs to mean 0 and variance 1: over the batch, or over features of each example.

Each holds a learned scale and shift; what is computed stands in functional/normalization.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import functional as F
from ..engine.arrays import Array, as_array, default_dtype_now
from ..engine.checks import array_of, real, whole
from ..engine.recording import computed_plainly
from ..functional.activations import as_input
from ..functional.normalization import by_batch, by_statistics, followed, last_axes_shape, refuse_single_values
from . import init
from .module import Module, parameter


class BatchNorm(Module):
    """What the layers for each number of axes have in common."""

    axes: tuple[str, ...]  # how shapes of x are written, after (N, C

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
    ) -> None:
        name = type(self).__name__
        self.num_features, self.eps = whole("num_features", num_features, 1), real(f"{name}'s eps", eps)
        if momentum is not None and not 0 <= momentum <= 1:
            raise ValueError(f"{name}'s momentum is the weight of the new batch, 0 … 1 or None, not {momentum}")
        self.momentum = momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        dtype = default_dtype_now()
        self.weight = init.ones_(parameter(num_features)) if affine else None
        self.bias = parameter(num_features) if affine else None
        self.running_mean = np.zeros(num_features, dtype) if track_running_stats else None
        self.running_var = np.ones(num_features, dtype) if track_running_stats else None
        self.num_batches_tracked = np.array(0) if track_running_stats else None

    def forward(self, x: Any) -> Any:
        x = as_input(x, self.weight if self.weight is not None else self.running_mean)
        self._refuse(x.shape)
        mean, var, weight, bias = self.running_mean, self.running_var, self.weight, self.bias
        if mean is not None and var is not None and not self.training:
            return by_statistics(x, mean, var, weight, bias, self.eps)
        refuse_single_values(type(self).__name__, x.shape)
        c, y = by_batch(x, weight, bias, self.eps)
        if mean is not None and var is not None and self.num_batches_tracked is not None:
            self.num_batches_tracked = as_array(self.num_batches_tracked + 1)
            # New arrays, not updates in place: whoever has kept the old ones, such as a best state, has them still.
            self.running_mean, self.running_var = computed_plainly(
                averaged, mean, var, array_of(x), array_of(c), self.momentum, self.num_batches_tracked
            )
        return y

    def _refuse(self, shape: tuple[int, ...]) -> None:
        """ValueError, with what to write, for an x of another shape than the layer takes."""
        n, of_images = self.num_features, isinstance(self, BatchNorm2d)
        fits = len(shape) in [2 + text.count(",") for text in self.axes]
        if fits and shape[1] == n:
            return
        advice = ""
        if fits and len(shape) > 2 and shape[-1] == n:
            advice = "; if the channels come last, write np.moveaxis(x, -1, 1)"
        elif of_images and len(shape) == 3:
            advice = "; of one image write x[None]" if shape[0] == n else "; of images of one channel write x[:, None]"
        elif of_images and len(shape) == 2:
            advice = "; of one image of one channel write x[None, None], for rows of features take nn.BatchNorm1d"
        elif not of_images and len(shape) == 4:
            advice = "; for images take nn.BatchNorm2d"
        taken = " or ".join(f"(N, {n}{text})" for text in self.axes)
        raise ValueError(f"{type(self).__name__} needs x of shape {taken}, not {shape}{advice}")


class BatchNorm1d(BatchNorm):
    r"""Each feature normalised over the batch: :math:`y = \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} \cdot w + b`.

    While training, μ and σ² (with 1/n) are the batch's, and the running statistics follow them:
    running ← (1 − momentum)·running + momentum·new, with the unbiased variance (1/(n − 1)), as in PyTorch;
    ``momentum=None`` averages over all batches so far. In eval mode μ and σ² are the running ones, so an example's
    output doesn't depend on its neighbours. Without `track_running_stats` it is always the batch's.

    Shapes: x (N, C) or (N, C, L) → the same, statistics over N, or N and L; weight, bias and the running ones (C,).
    Raises ValueError for another shape and, while training, for a single value per feature, whose variance says
    nothing. Ioffe & Szegedy 2015.
    """

    axes = ("", ", L")


class BatchNorm2d(BatchNorm):
    r"""Each channel of images normalised over the batch and all places, as `BatchNorm1d` does it with features.

    Shapes: x (N, C, H, W) → the same, in the same order in memory; weight, bias and the running statistics (C,).
    Raises ValueError for another shape and, while training, for a single value per channel. Ioffe & Szegedy 2015.
    """

    axes = (", H, W",)


def averaged(mean: Array, var: Array, x: Array, c: Array, momentum: float | None, count: Array) -> tuple[Array, Array]:
    """The running statistics after another batch; without momentum the new one counts 1/count."""
    return followed(mean, var, x, c, 1 / int(count) if momentum is None else momentum)


class LayerNorm(Module):
    r"""Each example normalised over its last axes: :math:`y = \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} \cdot w + b`.

    Shapes: x (..., *normalized_shape) → the same, μ and σ² (with 1/n) over the last axes; weight and bias
    normalized_shape, an integer meaning one axis. Raises ValueError where x ends in another shape. Ba et al. 2016.
    """

    def __init__(
        self,
        normalized_shape: int | tuple[int, ...] | list[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
    ) -> None:
        self.normalized_shape = last_axes_shape("LayerNorm", normalized_shape)
        self.eps, self.elementwise_affine = real("LayerNorm's eps", eps), elementwise_affine
        self.weight = init.ones_(parameter(*self.normalized_shape)) if elementwise_affine else None
        self.bias = parameter(*self.normalized_shape) if elementwise_affine and bias else None

    def forward(self, x: Any) -> Any:
        return F.layer_norm(as_input(x, self.weight), self.normalized_shape, self.weight, self.bias, self.eps)


class RMSNorm(Module):
    r"""Each example divided by its size over the last axes: :math:`y = \frac{x}{\sqrt{\text{mean}(x^2) + \epsilon}}
    \cdot w`.

    Without `eps` it is the distance from 1 to the next number of x's dtype. Shapes: x (..., *normalized_shape) → the
    same; weight normalized_shape. Raises ValueError where x ends in another shape. Zhang & Sennrich 2019.
    """

    def __init__(
        self,
        normalized_shape: int | tuple[int, ...] | list[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
    ) -> None:
        self.normalized_shape = last_axes_shape("RMSNorm", normalized_shape)
        self.eps = None if eps is None else real("RMSNorm's eps", eps)
        self.elementwise_affine = elementwise_affine
        self.weight = init.ones_(parameter(*self.normalized_shape)) if elementwise_affine else None

    def forward(self, x: Any) -> Any:
        return F.rms_norm(as_input(x, self.weight), self.normalized_shape, self.weight, self.eps)


class GroupNorm(Module):
    r"""Each example normalised over groups of channels: :math:`y = \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} \cdot w
    + b`, with μ and σ² (with 1/n) of all values of a group.

    ``GroupNorm(1, C)`` takes all channels together, ``GroupNorm(C, C)`` each alone. Shapes: x (N, C, ...) → the same;
    weight and bias (C,). Raises ValueError where the groups don't divide the channels or x has others. Wu & He 2018.
    """

    def __init__(self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True) -> None:
        self.num_groups, self.num_channels = whole("num_groups", num_groups, 1), whole("num_channels", num_channels, 1)
        if num_channels % num_groups:
            raise ValueError(f"GroupNorm: {num_groups} groups don't divide {num_channels} channels evenly")
        self.eps, self.affine = real("GroupNorm's eps", eps), affine
        self.weight = init.ones_(parameter(num_channels)) if affine else None
        self.bias = parameter(num_channels) if affine else None

    def forward(self, x: Any) -> Any:
        x = as_input(x, self.weight)
        if x.ndim < 2 or x.shape[1] != self.num_channels:
            n = self.num_channels
            last = "; if the channels come last, write np.moveaxis(x, -1, 1)" if x.ndim > 2 and x.shape[-1] == n else ""
            raise ValueError(f"GroupNorm needs x of shape (N, {n}, …), not {x.shape}{last}")
        return F.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)
