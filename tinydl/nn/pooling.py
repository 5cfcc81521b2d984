"""Pooling as layers: each applies the function of the same name in functional/convolution.py, where its formula is."""

from __future__ import annotations

from typing import Any

from .. import functional as F
from .module import Module


class _MaxPool(Module):
    """The settings of both, in PyTorch's order."""

    def __init__(
        self, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, *, ceil_mode: bool = False
    ) -> None:
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding
        self.dilation, self.ceil_mode = dilation, ceil_mode


class MaxPool1d(_MaxPool):
    """The largest number in each window along a sequence: x (N, C, length), see `tl.functional.max_pool2d`."""

    def forward(self, x: Any) -> Any:
        return F.max_pool1d(x, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode)


class MaxPool2d(_MaxPool):
    """The largest number in each window of an image: x (N, C, height, width), see `tl.functional.max_pool2d`.

    The window moves by its own size unless a stride is given; of equal numbers the first gets the gradient.
    """

    def forward(self, x: Any) -> Any:
        return F.max_pool2d(x, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode)


class _AvgPool(Module):
    """The settings of both, in PyTorch's order."""

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad


class AvgPool1d(_AvgPool):
    """The mean of each window along a sequence: x (N, C, length), see `tl.functional.avg_pool2d`."""

    def forward(self, x: Any) -> Any:
        return F.avg_pool1d(x, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)


class AvgPool2d(_AvgPool):
    """The mean of each window of an image: x (N, C, height, width), see `tl.functional.avg_pool2d`."""

    def forward(self, x: Any) -> Any:
        return F.avg_pool2d(x, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)


class _AdaptiveAvgPool(Module):
    """The setting of both."""

    def __init__(self, output_size: Any) -> None:
        self.output_size = output_size


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """The means of `output_size` windows that cover a sequence: x (N, C, length) → (N, C, output_size)."""

    def forward(self, x: Any) -> Any:
        return F.adaptive_avg_pool1d(x, self.output_size)


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """The means of as many windows as are wanted: x (N, C, height, width) → (N, C, *output_size).

    ``AdaptiveAvgPool2d(1)`` is the mean of each map, whatever its size (Lin et al. 2014, global average pooling).
    """

    def forward(self, x: Any) -> Any:
        return F.adaptive_avg_pool2d(x, self.output_size)
