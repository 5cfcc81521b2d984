"""Layers that bring their inputs to mean 0 and variance 1: over the batch, or over the features of each example.

Both are `normalise`, a primitive of derivatives/normalising.py, then a learned scale and shift.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..derivatives.normalising import centre, normalise
from ..engine.arrays import Array, as_array, default_dtype_now
from ..engine.checks import array_of, real, whole
from ..engine.recording import computed_plainly
from ..functional.activations import as_input
from . import init
from .module import Module, parameter


class BatchNorm1d(Module):
    r"""Each feature normalised over the batch: :math:`y = \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} \cdot w + b`.

    While training, μ and σ² (with 1/n) are the batch's, and the running statistics follow them:
    running ← (1 − momentum)·running + momentum·new, with the unbiased variance (1/(n − 1)), as in PyTorch;
    ``momentum=None`` averages over all batches so far. In eval mode μ and σ² are the running ones, so an example's
    output doesn't depend on its neighbours. Without `track_running_stats` it is always the batch's.

    Shapes: x (N, C) or (N, C, L) → the same, statistics over N, or N and L; weight, bias and the running ones (C,).
    Raises ValueError for another shape and, while training, for a single value per feature, whose variance says
    nothing. Ioffe & Szegedy 2015.
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
    ) -> None:
        self.num_features, self.eps = whole("num_features", num_features, 1), real("BatchNorm1d's eps", eps)
        if momentum is not None and not 0 <= momentum <= 1:
            raise ValueError(f"BatchNorm1d's momentum is the weight of the new batch, 0 … 1 or None, not {momentum}")
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
        if x.ndim not in (2, 3) or x.shape[1] != self.num_features:
            raise ValueError(
                f"BatchNorm1d needs x of shape (N, {self.num_features}) or (N, {self.num_features}, L), not {x.shape}"
            )
        axes, column = ((0,), self.num_features) if x.ndim == 2 else ((0, 2), (self.num_features, 1))
        mean, var = self.running_mean, self.running_var
        if self.training or mean is None or var is None:
            if x.size <= self.num_features:
                raise ValueError(
                    f"BatchNorm1d normalises over more than one value per feature, which x of shape {x.shape} hasn't: "
                    "train with batches of another size, or call model.eval() first"
                )
            y = normalise(x, axis=axes, eps=self.eps)
            self._follow(array_of(x), axes)
        else:
            y = (x - mean.reshape(column)) * (1 / np.sqrt(var + self.eps)).reshape(column)
        if self.weight is None or self.bias is None:
            return y
        return y * self.weight.reshape(column) + self.bias.reshape(column)

    def _follow(self, x: Array, axes: tuple[int, ...]) -> None:
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked = as_array(self.num_batches_tracked + 1)
        # New arrays, not updates in place: a graph recorded in eval mode keeps the statistics it was computed with.
        self.running_mean, self.running_var = computed_plainly(
            followed, self.running_mean, self.running_var, x, axes, self.momentum, self.num_batches_tracked
        )


def followed(
    mean: Array, var: Array, x: Array, axes: tuple[int, ...], momentum: float | None, count: Array
) -> tuple[Array, Array]:
    """(1 − momentum)·running + momentum·new of the mean and the unbiased variance; without momentum, 1/count in its
    place."""
    rate = 1 / int(count) if momentum is None else momentum
    _, new, std = centre(x, axes)
    n = x.size // new.size
    new, unbiased = new.ravel().astype(mean.dtype), (std * std * (n / (n - 1))).ravel().astype(mean.dtype)
    return (1 - rate) * mean + rate * new, (1 - rate) * var + rate * unbiased


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
        shape = normalized_shape if isinstance(normalized_shape, (tuple, list)) else (normalized_shape,)
        self.normalized_shape = tuple(whole("normalized_shape", n, 1) for n in shape)
        if not self.normalized_shape:
            raise ValueError("LayerNorm's normalized_shape needs at least one axis")
        self.eps, self.elementwise_affine = real("LayerNorm's eps", eps), elementwise_affine
        self.weight = init.ones_(parameter(*self.normalized_shape)) if elementwise_affine else None
        self.bias = parameter(*self.normalized_shape) if elementwise_affine and bias else None

    def forward(self, x: Any) -> Any:
        x = as_input(x, self.weight)
        n = len(self.normalized_shape)
        if x.shape[-n:] != self.normalized_shape:
            raise ValueError(f"LayerNorm over the last axes {self.normalized_shape} can't take x of shape {x.shape}")
        y = normalise(x, axis=tuple(range(-n, 0)), eps=self.eps)
        if self.weight is not None:
            y = y * self.weight
        return y if self.bias is None else y + self.bias
