"""BatchNorm over the batches of all processes of a run, which `fit(comm=…)` needs in place of nn/normalization.py's."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..derivatives.collective import Communicator, all_sum
from ..engine.arrays import as_array, wide
from ..engine.checks import array_of
from ..functional.activations import as_input
from ..functional.normalization import by_statistics, column
from .normalization import BatchNorm


class SyncBatchNorm(BatchNorm):
    r"""Each feature or channel normalised over the batches of all ranks: :math:`y = \frac{x - \mu}{\sqrt{\sigma^2 +
    \epsilon}} \cdot w + b`.

    It is what `BatchNorm1d` and `BatchNorm2d` are on one process that has the whole batch: while training, μ and σ² are
    made of two sums over the ranks of `comm`, through which gradients flow, too. So all ranks call it equally often, a
    rank without examples with x of shape (0, C, …). In eval mode, and on one process, it is BatchNorm to the bit.

    Shapes: x (N, C), (N, C, L) or (N, C, H, W) → the same; weight, bias and the running statistics (C,). Raises
    ValueError for another shape and, while training, for a single value per feature on all ranks together. Ioffe &
    Szegedy 2015; PyTorch's takes a process_group where this takes `comm`.
    """

    axes = ("", ", L", ", H, W")

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        *,
        comm: Communicator,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats)
        self.comm = comm

    def forward(self, x: Any) -> Any:
        running, var, count = self.running_mean, self.running_var, self.num_batches_tracked
        if self.comm.size == 1 or not self.training:
            return super().forward(x)
        x = as_input(x, self.weight if self.weight is not None else running)
        self._refuse(x.shape)
        axis, own, given, x = (0, *range(2, x.ndim)), x.size // self.num_features, x, wide(x)
        sums = np.sum(x, axis=axis)
        total = all_sum(np.concatenate([sums, np.full_like(sums[:1], own)]), comm=self.comm)
        n = float(array_of(total)[-1])
        if n <= 1:
            raise ValueError(
                "SyncBatchNorm normalises over more than one value per feature, which the batches of all ranks "
                "together haven't: train with larger ones, or call model.eval() first"
            )
        mean = total[:-1] / n
        c = x - column(mean, x)
        variance = all_sum(np.sum(c * c, axis=axis), comm=self.comm) / n
        if running is not None and var is not None and count is not None:
            self.num_batches_tracked = count = as_array(count + 1)
            rate = 1 / int(count) if self.momentum is None else self.momentum
            new, unbiased = array_of(mean).astype(running.dtype), (array_of(variance) * (n / (n - 1))).astype(var.dtype)
            self.running_mean, self.running_var = (1 - rate) * running + rate * new, (1 - rate) * var + rate * unbiased
        return by_statistics(given, mean, variance, self.weight, self.bias, self.eps)
