r"""Convolution and pooling by PyTorch's names, with its argument order and defaults.

They are the primitives of derivatives/convolution.py and pooling.py; what is added is what users get wrong: axes,
channels, padding. Shapes: sequences are (N, C, length), images (N, C, height, width).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from ..derivatives import convolution, pooling
from ..derivatives.products import matmul
from ..derivatives.windows import Shape, Steps, places
from ..engine.arrays import as_array, beside, default_dtype_now, plain_array
from ..engine.checks import whole
from ..engine.tensor import Tensor
from .activations import as_input

Padding = Any  # an integer, one for each axis, a pair (before, after) for each, "same" or "valid"


# ---- convolution ----


def conv1d(
    x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Padding = 0, dilation: Any = 1, groups: int = 1
) -> Tensor:
    r"""The same question asked along a sequence: :math:`y_{nol} = b_o + \sum_{ck} w_{ock}\, x_{nc,\,sl + dk - p}`.

    Shapes: x (N, C, length), weight (O, C/groups, kernel), bias (O,) → y (N, O, ⌊(length + 2p − d(kernel − 1) − 1)/s⌋
    + 1). `padding` zeros are put before and after x: a number, a pair ((before, after),), "valid" (none) or "same" (as
    many as keep the length; with stride 1 only). `dilation` is how far the taps lie apart; in each of the `groups` the
    channels are for themselves. Raises ValueError where shapes or settings don't fit.
    """
    return _conv("conv1d", x, weight, bias, stride, padding, dilation, groups)


def conv2d(
    x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Padding = 0, dilation: Any = 1, groups: int = 1
) -> Tensor:
    r"""The same question asked everywhere: :math:`y_{noij} = b_o + \sum_{ckl} w_{ockl}\, x_{n,c,si+dk-p,sj+dl-p}`.

    It is a cross-correlation, as in all of the field: the kernel isn't turned round. Shapes: x (N, C, height, width),
    weight (O, C/groups, kernel height, kernel width), bias (O,) → y (N, O, ⌊(height + 2p − d(kernel − 1) − 1)/s⌋ + 1,
    likewise the width). stride, padding and dilation are numbers or one for each axis; `padding`, of zeros, may be
    ((above, below), (left, right)), "valid" (none) or "same" (as many as keep the size; with stride 1 only). In each of
    the `groups` the channels are for themselves. Raises ValueError where shapes or settings don't fit.
    Source: LeCun et al., Proceedings of the IEEE 86 (1998); Dumoulin and Visin, arXiv:1603.07285 (2016).
    """
    return _conv("conv2d", x, weight, bias, stride, padding, dilation, groups)


def conv_transpose1d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Padding = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """What conv1d does, backwards: each element of x, times the kernel, is added where the kernel would have met it.

    It is the gradient of `conv1d` with respect to its input. Shapes: x (N, C, length), weight (C, O/groups, kernel),
    bias (O,) → y (N, O, s(length − 1) − 2p + d(kernel − 1) + output_padding + 1). Raises ValueError where shapes or
    settings don't fit.
    """
    return _conv_transpose("conv_transpose1d", x, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose2d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Padding = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """What conv2d does, backwards: each element of x, times the kernel, is added where the kernel would have met it.

    It is the gradient of `conv2d` with respect to its input, used to make small maps large. Shapes: x (N, C, height,
    width), weight (C, O/groups, kernel height, kernel width), bias (O,) → y (N, O, s(height − 1) − 2p + d(kernel − 1)
    + output_padding + 1, likewise the width). `output_padding`, below the stride or the dilation, says which of the
    sizes is meant that the stride makes one of. Raises ValueError where shapes or settings don't fit.
    Source: Zeiler et al. (2010); Dumoulin and Visin, arXiv:1603.07285 (2016).
    """
    return _conv_transpose("conv_transpose2d", x, weight, bias, stride, padding, output_padding, groups, dilation)


def _conv(name: str, x: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> Tensor:
    axes, x = int(name[-2]), as_input(x, weight)
    _check(name, x, weight, bias, axes, weight.shape[1] * groups, weight.shape[0], groups)
    kernel = weight.shape[2:]
    how = _steps(name, kernel, stride, padding, dilation, groups)
    _refuse_too_small(name, x.shape[2:], kernel, how)
    y: Tensor = convolution.conv(x, weight, how=how) if bias is None else convolution.conv(x, weight, bias, how=how)
    return y


def _conv_transpose(
    name: str,
    x: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: int,
    dilation: Any,
) -> Tensor:
    axes, x = int(name[-2]), as_input(x, weight)
    channels = weight.shape[1] * groups
    _check(name, x, weight, bias, axes, weight.shape[0], channels, groups)
    if isinstance(padding, str):
        raise ValueError(f"{name}: padding={padding!r} says nothing of a transposed convolution; write numbers")
    kernel = weight.shape[2:]
    how = _steps(name, kernel, stride, padding, dilation, groups)
    more = per_axis(name, "output_padding", output_padding, axes, 0)
    for extra, s, d in zip(more, how.stride, how.dilation, strict=True):
        if extra >= max(s, d):
            raise ValueError(
                f"{name}: output_padding={output_padding} must be smaller than the stride {how.stride} or the dilation "
                f"{how.dilation}: it picks one of the sizes that a convolution brings to this one"
            )
    sizes = tuple(
        s * (n - 1) - sum(p) + d * (k - 1) + extra + 1
        for n, k, s, p, d, extra in zip(x.shape[2:], kernel, *how[:3], more, strict=True)
    )
    if min(sizes) < 1:
        raise ValueError(f"{name}: with padding={padding} nothing would be left of x of shape {x.shape}: {sizes}")
    y: Tensor = convolution.conv_input(x, weight, shape=(len(x), channels, *sizes), how=how)
    return y if bias is None else y + bias.reshape(-1, *(1,) * axes)


def _check(name: str, x: Any, weight: Any, bias: Any, axes: int, channels: int, out: int, groups: int) -> None:
    if weight.ndim != axes + 2:
        kernel = ("kernel", "kernel height, kernel width")[axes - 1]
        raise ValueError(f"{name} needs a weight (out, in, {kernel}), not one of shape {weight.shape}")
    if not 1 <= groups <= len(weight) or len(weight) % groups:
        raise ValueError(f"{name}: groups={groups} must divide the {len(weight)} channels of the weight")
    _refuse_other_axes(name, x, axes, channels)
    if bias is not None and bias.shape != (out,):
        raise ValueError(f"{name}: bias must have shape ({out},), one number per output channel, not {bias.shape}")


def _refuse_other_axes(name: str, x: Any, axes: int, channels: int | None = None) -> None:
    """ValueError for an x that isn't (N, channels, *sizes), with the axes as they were read and what to write."""
    read = ("N, C, length", "N, C, height, width")[axes - 1]
    wanted = read if channels is None else read.replace("C", str(channels))
    shape, given = x.shape, f"x of shape {x.shape}"
    if len(shape) == axes + 1:
        single = channels is None or shape[0] == channels
        what = "a single example is x[None]" if single else "maps without an axis of channels are x[:, None]"
        if channels == 1 and shape[0] == 1:
            what = "a single example is x[None], maps without an axis of channels are x[:, None]"
        raise ValueError(f"{name} needs x of {axes + 2} axes ({wanted}), not {given}: {what}")
    if len(shape) != axes + 2:
        single = ": one map alone is x[None, None]" if len(shape) == axes else ""
        raise ValueError(f"{name} needs x of {axes + 2} axes ({wanted}), not {given}{single}")
    if channels is None or shape[1] == channels:
        return
    said = f"{name} needs {channels} channel{'s' * (channels != 1)}, but {given}, read as ({read}), has {shape[1]}"
    if shape[-1] == channels:
        said += ": its channels are last. Write np.moveaxis(x, -1, 1)"
    raise ValueError(said)


def _refuse_too_small(name: str, sizes: Shape, kernel: Shape, how: Steps) -> None:
    if min(places(sizes, kernel, how)) >= 1:
        return
    reach = tuple(d * (k - 1) + 1 for k, d in zip(kernel, how.dilation, strict=True))
    raise ValueError(
        f"{name}: a kernel that reaches over {_times(reach)} finds no place in {_times(sizes)} with the padding "
        f"{how.padding}; give more padding, a smaller kernel, or pool less before"
    )


def _times(sizes: Sequence[int]) -> str:
    return "×".join(map(str, sizes))


# ---- settings ----

_SEVERAL = (list, tuple, np.ndarray)  # what holds a setting for each axis


def _for_each(name: str, what: str, value: Any, axes: int) -> Any:
    """A setting for each axis, which may be given once for all."""
    given = value if isinstance(value, _SEVERAL) else (value,) * axes
    if len(given) != axes:
        raise ValueError(f"{name}'s {what} is one number or one for each of {axes} axes, not {value}")
    return given


def per_axis(name: str, what: str, value: Any, axes: int, least: int) -> Shape:
    """A setting as one whole number for each axis."""
    return tuple(whole(f"{name}'s {what}", n, least) for n in _for_each(name, what, value, axes))


def _steps(name: str, kernel: Shape, stride: Any, padding: Any, dilation: Any, groups: int) -> Steps:
    axes = len(kernel)
    stride, dilation = per_axis(name, "stride", stride, axes, 1), per_axis(name, "dilation", dilation, axes, 1)
    if isinstance(padding, str):
        around = _padding_by_name(name, padding, kernel, stride, dilation)
    elif isinstance(padding, _SEVERAL) and any(isinstance(p, _SEVERAL) for p in padding):
        if len(padding) != axes or any(not isinstance(p, _SEVERAL) or len(p) != 2 for p in padding):
            raise ValueError(f"{name}: padding in pairs is ((before, after), …), a pair for each of {axes} axes")
        around = tuple((whole("padding", a, 0), whole("padding", b, 0)) for a, b in padding)
    else:
        around = tuple((n, n) for n in per_axis(name, "padding", padding, axes, 0))
    return Steps(stride, around, dilation, groups)


def _padding_by_name(name: str, padding: str, kernel: Shape, stride: Shape, dilation: Shape) -> Any:
    if padding not in ("same", "valid"):
        lower = f"; write {padding.lower()!r}, in lower case" if padding.lower() in ("same", "valid") else ""
        raise ValueError(f'{name}: padding is a number, pairs, "same" or "valid", not {padding!r}{lower}')
    if padding == "valid":
        return ((0, 0),) * len(kernel)
    reach = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    around = tuple((r // 2, r - r // 2) for r in reach)
    if max(stride) > 1:
        raise ValueError(
            f'{name}: padding="same" keeps the size, which a stride of {stride} divides; for ⌈size/stride⌉ places '
            f"write padding={around}"
        )
    return around


# ---- pooling ----


def max_pool1d(
    x: Any, kernel_size: Any, stride: Any = None, padding: Padding = 0, dilation: Any = 1, ceil_mode: bool = False
) -> Any:
    """The largest number in each window along a sequence; see `max_pool2d`. Shapes: x (N, C, length)."""
    return _max_pool("max_pool1d", x, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool2d(
    x: Any, kernel_size: Any, stride: Any = None, padding: Padding = 0, dilation: Any = 1, ceil_mode: bool = False
) -> Any:
    """The largest number in each window, which moves by its own size unless a `stride` is given.

    Shapes: x (N, C, height, width) → (N, C, ⌊(height + 2p − d(kernel − 1) − 1)/s⌋ + 1, likewise the width); rounded up
    with `ceil_mode`, if the last window begins inside. The padding, at most half of the kernel, counts as −∞. Of equal
    numbers the first gets the gradient, as in PyTorch; a window that meets NaN gives NaN. Raises ValueError where
    shapes or settings don't fit. Source: Riesenhuber and Poggio, Nature Neuroscience 2 (1999).
    """
    return _max_pool("max_pool2d", x, kernel_size, stride, padding, dilation, ceil_mode)


def avg_pool1d(
    x: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Padding = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Any:
    """The mean of each window along a sequence; see `avg_pool2d`. Shapes: x (N, C, length)."""
    return _avg_pool("avg_pool1d", x, kernel_size, stride, padding, ceil_mode, count_include_pad)


def avg_pool2d(
    x: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Padding = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Any:
    """The mean of each window, which moves by its own size unless a `stride` is given.

    Shapes: x (N, C, height, width) → as `max_pool2d`. The zeros of the padding count, unless `count_include_pad` is
    False; what `ceil_mode` adds beyond them never does. Raises ValueError where shapes or settings don't fit.
    """
    return _avg_pool("avg_pool2d", x, kernel_size, stride, padding, ceil_mode, count_include_pad)


def adaptive_avg_pool1d(x: Any, output_size: Any) -> Any:
    """The means of `output_size` windows that cover a sequence; see `adaptive_avg_pool2d`. Shapes: x (N, C, length)."""
    return _adaptive_avg_pool("adaptive_avg_pool1d", x, output_size)


def adaptive_avg_pool2d(x: Any, output_size: Any) -> Any:
    """The means of as many windows as are wanted, which cover the image evenly: window i from ⌊i·n/m⌋ to ⌈(i + 1)·n/m⌉.

    Shapes: x (N, C, height, width) → (N, C, *output_size), one number meaning both and None the size of x;
    ``adaptive_avg_pool2d(x, 1)`` is the mean of each map. Raises ValueError where shapes don't fit.
    """
    return _adaptive_avg_pool("adaptive_avg_pool2d", x, output_size)


def adaptive_max_pool2d(x: Any, output_size: Any) -> Any:
    """The largest numbers of as many windows as are wanted, which cover the image as in `adaptive_avg_pool2d`.

    Shapes: x (N, C, height, width) → (N, C, *output_size). Of equal numbers the first gets the gradient.
    """
    name, x = "adaptive_max_pool2d", _maps("adaptive_max_pool2d", x)
    kernel = []
    for axis, m in enumerate(_output_size(name, output_size, x.shape[2:]), 2):
        starts, ends = _windows(x.shape[axis], m)
        kernel.append(max(b - a for a, b in zip(starts, ends, strict=True)))
        if x.shape[axis] != m * kernel[-1]:  # windows of one length, side by side: some last elements stand there twice
            rows = [min(a + i, b - 1) for a, b in zip(starts, ends, strict=True) for i in range(kernel[-1])]
            x = x[(slice(None),) * axis + (rows,)]
    return _max_pool(name, x, tuple(kernel), None, 0, 1, False)


def _maps(name: str, x: Any) -> Any:
    """A Tensor as it is, anything else as an array."""
    x = x if isinstance(x, Tensor) else plain_array(x)
    _refuse_other_axes(name, x, int(name[-2]))
    return x


def _max_pool(name: str, x: Any, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool) -> Any:
    x = _maps(name, x)
    kernel, how = _pool_steps(name, x.shape[2:], kernel_size, stride, padding, dilation, ceil_mode)
    return pooling.max_pool(x, kernel=kernel, how=how)


def _avg_pool(
    name: str, x: Any, kernel_size: Any, stride: Any, padding: Any, ceil_mode: bool, count_include_pad: bool
) -> Any:
    x = _maps(name, x)
    settings = (name, x.shape[2:], kernel_size, stride, padding, 1)
    kernel, how = _pool_steps(*settings, ceil_mode)
    counted = _pool_steps(*settings, False)[1].padding if count_include_pad else ((0, 0),) * len(kernel)
    counts = _counts(x.shape[2:], kernel, how, counted)
    total = pooling.sum_pool(x, kernel=kernel, how=how)
    if (counts == counts.flat[0]).all():
        return total / int(counts.flat[0])
    array = total._data if isinstance(total, Tensor) else as_array(total)
    return total / beside(counts.astype(array.dtype), array)


@lru_cache(maxsize=1024)
def _counts(sizes: Shape, kernel: Shape, how: Steps, counted: Any) -> Any:
    """How many elements of the input, and of the padding that counts, each window meets."""
    count: Any = np.ones(())
    for n, m, k, s, (before, _), (left, right) in zip(
        sizes, places(sizes, kernel, how), kernel, how.stride, how.padding, counted, strict=True
    ):
        first = np.arange(m) * s - before
        count = count[..., None] * (np.minimum(first + k, n + right) - np.maximum(first, -left))
    return count


def _pool_steps(
    name: str, sizes: Shape, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
) -> tuple[Shape, Steps]:
    axes = len(sizes)
    kernel = per_axis(name, "kernel_size", kernel_size, axes, 1)
    if isinstance(padding, str):
        raise ValueError(f"{name}: padding is a number, or one for each axis, not {padding!r}")
    how = _steps(name, kernel, kernel if stride is None else stride, padding, dilation, 1)
    if any(max(p) > k // 2 for p, k in zip(how.padding, kernel, strict=True)):
        raise ValueError(
            f"{name}: padding={padding} must be at most half of the kernel {kernel}, or a window would meet it alone"
        )
    if ceil_mode:
        around = []
        for n, k, s, (before, after), d in zip(sizes, kernel, *how[:3], strict=True):
            reach = d * (k - 1) + 1
            count = math.ceil((n + before + after - reach) / s) + 1
            count -= (count - 1) * s >= n + before  # the last window would begin beyond the input
            around.append((before, max(after, (count - 1) * s + reach - n - before)))
        how = how._replace(padding=tuple(around))
    _refuse_too_small(name, sizes, kernel, how)
    return kernel, how


def _output_size(name: str, output_size: Any, sizes: Shape) -> Shape:
    given = _for_each(name, "output_size", output_size, len(sizes))
    return tuple(n if m is None else whole(f"{name}'s output_size", m, 1) for m, n in zip(given, sizes, strict=True))


def _windows(n: int, m: int) -> tuple[list[int], list[int]]:
    """Where each of m windows that cover n elements begins and ends."""
    return [i * n // m for i in range(m)], [-(-(i + 1) * n // m) for i in range(m)]


def _adaptive_avg_pool(name: str, x: Any, output_size: Any) -> Any:
    x = _maps(name, x)
    sizes = _output_size(name, output_size, x.shape[2:])
    if all(n % m == 0 for n, m in zip(x.shape[2:], sizes, strict=True)):
        return _avg_pool(name, x, tuple(n // m for n, m in zip(x.shape[2:], sizes, strict=True)), None, 0, False, True)
    for axis, m in enumerate(sizes, 2):  # the windows aren't of one length: a matrix takes the means
        starts, ends = _windows(x.shape[axis], m)
        means = np.zeros((m, x.shape[axis]))
        for row, a, b in zip(means, starts, ends, strict=True):
            row[a:b] = 1 / (b - a)
        array = x._data if isinstance(x, Tensor) else x
        dtype = array.dtype if array.dtype.kind == "f" else default_dtype_now()
        means = beside(means.T.astype(dtype), array)
        x = np.moveaxis(matmul(np.moveaxis(x, axis, -1), means), -1, axis)
    return x
