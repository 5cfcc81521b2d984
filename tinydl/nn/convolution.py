"""Convolutions as layers: kernels that are learned. The functions are functional/convolution.py's."""

from __future__ import annotations

import math
from typing import Any

from .. import functional as F
from ..engine.checks import whole
from ..engine.tensor import Tensor
from ..functional.convolution import per_axis
from . import init
from .module import Module, parameter


class _Convolution(Module):
    """What all four have in common: settings, weight (rows, columns / groups, *kernel) and bias (out_channels,)."""

    axes = 2
    transposed = False

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        name = type(self).__name__
        self.in_channels = whole(f"{name}'s in_channels", in_channels, 1)
        self.out_channels = whole(f"{name}'s out_channels", out_channels, 1)
        self.groups = whole(f"{name}'s groups", groups, 1)
        if in_channels % groups or out_channels % groups:
            raise ValueError(
                f"{name}: groups={groups} must divide in_channels={in_channels} and out_channels={out_channels}"
            )
        self.kernel_size = per_axis(name, "kernel_size", kernel_size, self.axes, 1)
        self.stride, self.padding, self.dilation = stride, padding, dilation
        rows, columns = (in_channels, out_channels) if self.transposed else (out_channels, in_channels)
        bound = 1 / math.sqrt(columns // groups * math.prod(self.kernel_size))
        self.weight = init.uniform_(parameter(rows, columns // groups, *self.kernel_size), -bound, bound)
        self.bias = init.uniform_(parameter(out_channels), -bound, bound) if bias else None

    def extra_repr(self) -> str:
        said = [f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}"]
        defaults = {"stride": 1, "padding": 0, "output_padding": 0, "dilation": 1, "groups": 1}
        said += [f"{k}={v!r}" for k, v in vars(self).items() if k in defaults and v != defaults[k]]
        return ", ".join(said + ["bias=False"] * (self.bias is None))


class _Transposed(_Convolution):
    """A convolution backwards, whose settings PyTorch has in another order."""

    transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias)
        self.output_padding = output_padding


class Conv1d(_Convolution):
    r"""The same question asked along a sequence: :math:`y_{nol} = b_o + \sum_{ck} w_{ock}\, x_{nc,\,sl + dk - p}`.

    Shapes: x (N, in_channels, length) → (N, out_channels, ⌊(length + 2p − d(kernel − 1) − 1)/s⌋ + 1); weight
    (out_channels, in_channels/groups, kernel_size), bias (out_channels,), both uniform on ±1/√(in_channels/groups ·
    kernel_size) at the start, as in PyTorch. `padding` is a number, ((before, after),), "same" or "valid". Raises
    ValueError where shapes or settings don't fit. For a border not of zeros write np.pad(x, …, "reflect") before.
    """

    axes = 1

    def forward(self, x: Any) -> Tensor:
        return F.conv1d(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


class Conv2d(_Convolution):
    r"""The same question asked everywhere: :math:`y_{noij} = b_o + \sum_{ckl} w_{ockl}\, x_{n,c,si+dk-p,sj+dl-p}`.

    Shapes: x (N, in_channels, height, width) → (N, out_channels, ⌊(height + 2p − d(kernel − 1) − 1)/s⌋ + 1, likewise
    the width); weight (out_channels, in_channels/groups, *kernel_size), bias (out_channels,), both uniform on
    ±1/√(in_channels/groups · numbers of a kernel) at the start, as in PyTorch. Settings are one number or one for each
    axis; `padding` may also be ((above, below), (left, right)), "same" or "valid". Raises ValueError where shapes or
    settings don't fit. For a border that isn't of zeros write np.pad(x, …, "reflect") before. LeCun et al. 1998.
    """

    def forward(self, x: Any) -> Tensor:
        return F.conv2d(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


class ConvTranspose1d(_Transposed):
    """What Conv1d does, backwards, with a kernel of its own: short sequences become long ones.

    Shapes: x (N, in_channels, length) → (N, out_channels, s(length − 1) − 2p + d(kernel − 1) + output_padding + 1);
    weight (in_channels, out_channels/groups, kernel_size), bias (out_channels,), both uniform on ±1/√(out_channels/
    groups · kernel_size) at the start, as in PyTorch. Raises ValueError where shapes or settings don't fit.
    """

    axes = 1

    def forward(self, x: Any) -> Tensor:
        return F.conv_transpose1d(
            x, self.weight, self.bias, self.stride, self.padding, self.output_padding, self.groups, self.dilation
        )


class ConvTranspose2d(_Transposed):
    """What Conv2d does, backwards, with a kernel of its own: small maps become large ones (Zeiler et al. 2010).

    Shapes: x (N, in_channels, height, width) → (N, out_channels, s(height − 1) − 2p + d(kernel − 1) + output_padding +
    1, likewise the width); weight (in_channels, out_channels/groups, *kernel_size), bias (out_channels,), both uniform
    on ±1/√(out_channels/groups · numbers of a kernel) at the start, as in PyTorch. Raises ValueError where shapes or
    settings don't fit.
    """

    def forward(self, x: Any) -> Tensor:
        return F.conv_transpose2d(
            x, self.weight, self.bias, self.stride, self.padding, self.output_padding, self.groups, self.dilation
        )
