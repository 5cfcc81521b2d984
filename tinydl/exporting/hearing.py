"""Lines of the table of ONNX's operators that take more than an expression: what shapes, windows and norms mean.

Where ONNX says something otherwise than NumPy (of two integers the quotient is one, axes are an input or an attribute),
it stands here once. `o` is the run at hand (imported.py), of which a line may ask what its node wants. What a line
makes of arrays alone, such as sizes, are arrays; all else are Tensors. Read recurring.py next, then the table,
importing.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ..derivatives.activations import prelu
from ..derivatives.convolution import conv, conv_input
from ..derivatives.elementwise import absolute, maximum, minimum, remainder
from ..derivatives.indexing import take
from ..derivatives.normalising import centred, inverse_rms, scale_and_shift
from ..derivatives.pooling import max_pool, sum_pool
from ..derivatives.products import linear, matmul
from ..derivatives.quantising import fake_quantised
from ..derivatives.shapes import broadcast_to, concatenate, padding, reshape, squeeze, transpose
from ..derivatives.windows import Steps, places
from ..engine.dispatch import unwrap
from ..engine.recording import computed_plainly
from ..engine.tensor import Tensor
from ..functional.activations import dropout
from ..functional.normalization import by_batch, by_statistics, followed, group_norm, refuse_single_values

Line = Callable[..., Any]
LARGEST = 2**28  # numbers: no array that a size or a shape in the file asks for is larger
_TORCH = 0.9  # what ONNX's momentum is where it isn't said; 1 − 0.9 is PyTorch's

# ---- what lines are made of ----


def same(function: Callable[..., Any]) -> Line:
    """A function of tinydl's or NumPy's that ONNX has by another name."""
    return lambda o, *inputs: function(*inputs)


def folded(function: Callable[..., Any]) -> Line:
    """A function of two, of any number of inputs."""

    def line(o: Any, first: Any, *others: Any) -> Any:
        for x in others:
            first = function(first, x)
        return first

    return line


def ints(x: Any) -> tuple[int, ...]:
    """Whole numbers, as sizes and axes are given. ValueError for others."""
    array = np.asarray(unwrap(x))
    if array.dtype.kind not in "iu":
        raise ValueError(f"sizes and axes are whole numbers, not {array.dtype}")
    return tuple(array.ravel().tolist())


def room(shape: Sequence[int]) -> tuple[int, ...]:
    """A shape that can be made. ValueError where the file asks for more than anybody has room for."""
    if any(n < 0 for n in shape) or math.prod(shape) > LARGEST:
        raise ValueError(f"an array of shape {tuple(shape)} is asked for, which is more than {LARGEST} numbers")
    return tuple(shape)


def reduction(function: Callable[..., Any]) -> Line:
    """Over axes, which are an input or an attribute; of none over all, or each number by itself."""

    def line(o: Any, x: Any, axes: Any = None, keepdims: int = 1, noop_with_empty_axes: int = 0) -> Any:
        axis = None if axes is None else ints(axes)
        y = function(x, axis=axis or (() if noop_with_empty_axes else None), keepdims=bool(keepdims))
        return y.astype(x.dtype) if y.dtype != x.dtype else y

    return line


def extreme(function: Callable[..., Any]) -> Line:
    """The number of the largest or smallest along an axis."""

    def line(o: Any, x: Any, axis: int = 0, keepdims: int = 1, select_last_index: int = 0) -> Any:
        if not select_last_index:
            return function(x, axis=axis, keepdims=bool(keepdims))
        last = x.shape[axis] - 1 - function(np.flip(x, axis), axis=axis, keepdims=bool(keepdims))
        return last

    return line


# ---- elementwise ----


def quotient(a: Any, b: Any) -> Any:
    """a/b; of integers what is left of its decimals, on either side of 0."""
    if a.dtype.kind == "f" or b.dtype.kind == "f":
        return a / b
    return ((abs(a) // abs(b)) * np.sign(a) * np.sign(b)).astype(a.dtype)


def raised(o: Any, a: Any, b: Any) -> Any:
    """aᵇ in the dtype of a."""
    learned = isinstance(b, Tensor) and b.requires_grad
    if not learned and unwrap(b).shape == () and unwrap(b) == 2:
        return a * a
    y = a**b
    return y.astype(a.dtype) if y.dtype != a.dtype else y


def rest(o: Any, a: Any, b: Any, fmod: int = 0) -> Any:
    """What is left of a/b: with the sign of b, or with `fmod` of a."""
    return np.sign(a) * remainder(absolute(a), absolute(b)) if fmod else remainder(a, b)


def infinite(o: Any, x: Any, detect_negative: int = 1, detect_positive: int = 1) -> Any:
    """Whether it is infinite, on the sides that are asked for."""
    return np.isinf(x) & (((x > 0) & bool(detect_positive)) | ((x < 0) & bool(detect_negative)))


def clip(o: Any, x: Any, low: Any = None, high: Any = None) -> Any:
    """Between two bounds."""
    y = x if low is None else maximum(x, low)
    return y if high is None else minimum(y, high)


def cast(o: Any, x: Any, to: int) -> Any:
    """In another dtype; floats stay what they are where the file knows one kind of them."""
    dtype = o.dtypes.get(to)
    if dtype is None:
        raise ValueError(f"there is no dtype here for ONNX's number {to}")
    if dtype.kind == "f" and x.dtype.kind == "f" and o.one_float:
        return x
    return x if x.dtype == dtype else x.astype(dtype)


def sloped(o: Any, x: Any, slope: Any) -> Any:
    """x where it is positive, else slope·x."""
    return prelu(x, slope)


def dropped(o: Any, x: Any, ratio: Any = None, training_mode: Any = None, seed: int = 0) -> Any:
    """x, of which a part is left out while the model is trained."""
    return dropout(x, 0.5 if ratio is None else float(unwrap(ratio)), o.training)


def rounded(x: Any) -> Any:
    """To the nearest whole number, with a slope as if nothing were rounded."""
    return fake_quantised(x, np.ones((), x.dtype), 2.0**24)


def along(x: Any, like: Any, axis: int) -> Any:
    """Numbers for each index of an axis, so that they broadcast along it."""
    if x.ndim != 1 or x.size == 1:
        return x
    sides = [1] * like.ndim
    sides[axis] = -1
    return reshape(x, tuple(sides))


def quantised(o: Any, x: Any, scale: Any, zero: Any = None, axis: int = 1, saturate: int = 1) -> Any:
    """round(x/scale) + zero, cut off at the ends of the zero's integers; kept as floats, so that it has a slope."""
    info = np.iinfo(np.uint8 if zero is None else zero.dtype)
    y = rounded(x / along(scale, x, axis))
    if zero is not None:
        y = y + along(zero, x, axis).astype(x.dtype)
    return minimum(maximum(y, float(info.min)), float(info.max))


def dequantised(o: Any, x: Any, scale: Any, zero: Any = None, axis: int = 1) -> Any:
    """(x − zero)·scale."""
    y = x.astype(scale.dtype) if x.dtype.kind != "f" else x
    if zero is not None:
        y = y - along(zero, x, axis).astype(y.dtype)
    return y * along(scale, x, axis)


def on_grid(o: Any, x: Any, scale: Any, axis: int, most: int) -> Any:
    """A weight rounded to the grid on which the file has it."""
    return fake_quantised(x, along(scale, x, axis), most)


# ---- shapes ----


def sizes(o: Any, x: Any, start: int = 0, end: int | None = None) -> Any:
    """The shape, or a part of it, as a vector."""
    return np.array(x.shape[start:end], np.int64)


def reshaped(o: Any, x: Any, shape: Any, allowzero: int = 0) -> Any:
    """In another shape; 0 is the size that x has there."""
    given = ints(shape)
    return reshape(x, tuple(x.shape[i] if not n and not allowzero else n for i, n in enumerate(given)))


def flattened(o: Any, x: Any, axis: int = 1) -> Any:
    """As a matrix: the axes before this one, and the others."""
    axis = axis + x.ndim if axis < 0 else axis
    rows, columns = math.prod(x.shape[:axis]), math.prod(x.shape[axis:])
    return reshape(x, (rows, columns))


def squeezed(o: Any, x: Any, axes: Any = None) -> Any:
    """Without axes of length 1."""
    return squeeze(x, axis=None if axes is None else ints(axes))


def unsqueezed(o: Any, x: Any, axes: Any) -> Any:
    """With new axes of length 1."""
    new = ints(axes)
    where = sorted(i % (x.ndim + len(new)) for i in new)
    shape = list(x.shape)
    for i in where:
        shape.insert(i, 1)
    return reshape(x, tuple(shape))


def expanded(o: Any, x: Any, shape: Any) -> Any:
    """Stretched, both ways: where x is longer, the shape is."""
    full = np.broadcast_shapes(x.shape, ints(shape))
    return broadcast_to(x, room(full))


def tiled(o: Any, x: Any, repeats: Any) -> Any:
    """Copies side by side."""
    times = ints(repeats)
    room([n * m for n, m in zip(x.shape, times, strict=True)])
    return np.tile(x, times)


def cut(o: Any, x: Any, starts: Any, ends: Any, axes: Any = None, steps: Any = None) -> Any:
    """Slices, of which ends beyond the array are its ends."""
    first, last = ints(starts), ints(ends)
    where = range(len(first)) if axes is None else ints(axes)
    by = (1,) * len(first) if steps is None else ints(steps)
    index = [slice(None)] * x.ndim
    for i, j, axis, step in zip(first, last, where, by, strict=True):
        n = x.shape[axis]
        low = i + n if i < 0 else i
        high = j + n if j < 0 else j
        if step > 0:
            index[axis] = slice(min(max(low, 0), n), None if high >= n else max(high, 0), None if step == 1 else step)
        else:
            index[axis] = slice(min(max(low, -1), n - 1) if low >= 0 else -n - 1, None if high < 0 else high, step)
    return x[tuple(index)]


def pieces(o: Any, x: Any, split: Any = None, axis: int = 0, num_outputs: int | None = None) -> Any:
    """Cut along an axis: into pieces of these lengths, or equal ones, of which the last may be shorter."""
    n, count = x.shape[axis], num_outputs or len(o.step.outputs)
    each = -(-n // count)
    lengths = ints(split) if split is not None else tuple(max(min(each, n - i * each), 0) for i in range(count))
    if sum(lengths) != n or min(lengths) < 0:
        raise ValueError(f"pieces of {lengths} can't be cut from an axis of {n}")
    before: tuple[Any, ...] = (slice(None),) * (axis % x.ndim)
    ends = np.cumsum([0, *lengths]).tolist()
    return tuple(x[(*before, slice(i, j))] for i, j in pairwise(ends))


def padded(o: Any, x: Any, pads: Any, value: Any = None, axes: Any = None, mode: Any = "constant") -> Any:
    """A frame; negative widths cut off."""
    widths, where = ints(pads), range(x.ndim) if axes is None else ints(axes)
    if len(widths) != 2 * len(where):
        raise ValueError(f"{len(widths)} widths of a frame are given for {len(where)} axes")
    frame = [(0, 0)] * x.ndim
    for i, axis in enumerate(where):
        frame[axis] = widths[i], widths[i + len(where)]
    wide = tuple((max(a, 0), max(b, 0)) for a, b in frame)
    room([n + a + b for n, (a, b) in zip(x.shape, wide, strict=True)])
    if any(map(any, wide)):
        fill = 0 if value is None else np.asarray(unwrap(value)).item()
        x = padding(x, pad_width=wide, constant_values=fill) if mode == "constant" else np.pad(x, wide, mode)
    inner = tuple(slice(max(-a, 0), min(b, 0) or None) for a, b in frame)
    return x if all(i == slice(0, None) for i in inner) else x[inner]


def filled(o: Any, shape: Any, value: Any = None) -> Any:
    """An array of one number."""
    value = np.zeros(1, np.float32) if value is None else value
    return np.full(room(ints(shape)), value.ravel()[0], value.dtype)


def counted(o: Any, start: Any, limit: Any, delta: Any) -> Any:
    """Numbers at equal distances."""
    first, last, by = (np.asarray(unwrap(x)).item() for x in (start, limit, delta))
    count = max(math.ceil((last - first) / by), 0)
    room((count,))
    made = np.arange(count) * by + first if by != 1 or first else np.arange(count)
    return made.astype(start.dtype)


def triangle(o: Any, x: Any, k: Any = None, upper: int = 1) -> Any:
    """The elements above or below a diagonal."""
    return (np.triu if upper else np.tril)(x, 0 if k is None else ints(k)[0])


def summed_up(o: Any, x: Any, axis: Any, exclusive: int = 0, reverse: int = 0) -> Any:
    """Running sums."""
    where = ints(axis)[0]
    y = np.flip(x, where) if reverse else x
    total = np.cumsum(y, where).astype(x.dtype)
    total = total - y if exclusive else total
    return np.flip(total, where) if reverse else total


def marked(o: Any, indices: Any, depth: Any, values: Any, axis: int = -1) -> Any:
    """One of two values: the second where the index is the place along a new axis."""
    (n,), which = np.asarray(unwrap(depth)).astype(int).ravel().tolist(), np.asarray(unwrap(indices))
    axis = axis % (which.ndim + 1)
    room((*which.shape, n))
    here = np.expand_dims(which.astype(int) % n, axis) == np.arange(n).reshape(-1, *(1,) * (which.ndim - axis))
    inside = np.expand_dims((which >= -n) & (which < n), axis)
    return np.where(here & inside, unwrap(values)[1], unwrap(values)[0])


def largest(o: Any, x: Any, k: Any, axis: int = -1, largest: int = 1, sorted: int = 1) -> Any:
    """The k largest or smallest along an axis, and where they are."""
    (count,) = ints(k)
    if not 0 <= count <= x.shape[axis]:
        raise ValueError(f"the {count} largest are asked for of {x.shape[axis]}")
    if not largest and count == x.shape[axis] and not o.wants(1):
        return np.sort(x, axis), None
    values = unwrap(x)
    order = np.argsort(-values if largest else values, axis=axis, kind="stable")
    order = order[(slice(None),) * (axis % x.ndim) + (slice(count),)]
    return np.take_along_axis(x, order, axis), order


# ---- indexing ----


def gathered(o: Any, x: Any, indices: Any, axis: int = 0) -> Any:
    """The elements with these numbers along an axis."""
    return take(x, indices, axis=axis)


def gathered_elements(o: Any, x: Any, indices: Any, axis: int = 0) -> Any:
    """For each place, the element with its number along an axis."""
    where = np.asarray(unwrap(indices))
    n = x.shape[axis]
    inner = tuple(slice(m) if i != axis % x.ndim else slice(None) for i, m in enumerate(where.shape))
    return np.take_along_axis(x[inner], np.where(where < 0, where + n, where), axis)


def gathered_nd(o: Any, x: Any, indices: Any, batch_dims: int = 0) -> Any:
    """The parts with these places."""
    if batch_dims:
        raise ValueError("batch_dims other than 0 isn't taken")
    return x[tuple(indices[..., i] for i in range(indices.shape[-1]))]


# ---- products ----


def gemm(
    o: Any,
    a: Any,
    b: Any,
    c: Any = None,
    alpha: float = 1.0,
    beta: float = 1.0,
    transA: int = 0,
    transB: int = 0,
) -> Any:
    """α·AB + β·C, of which A and B may be transposed."""
    if a.ndim != 2 or b.ndim != 2:
        raise ValueError(f"Gemm multiplies two matrices, not arrays of shapes {a.shape} and {b.shape}")
    if transB and not transA and alpha == beta == 1 and (c is None or c.shape == b.shape[:1]):
        return linear(a, b, c)
    y = matmul(transpose(a) if transA else a, transpose(b) if transB else b)
    y = y if alpha == 1 else y * alpha
    return y if c is None else y + (c if beta == 1 else c * beta)


def einsum(o: Any, *operands: Any, equation: str) -> Any:
    """Sums of products by letters."""
    return np.einsum(equation, *operands)


# ---- norms ----


def batch_norm(
    o: Any,
    x: Any,
    scale: Any,
    shift: Any,
    mean: Any,
    var: Any,
    epsilon: float = 1e-5,
    momentum: float = _TORCH,
    training_mode: int = 0,
) -> Any:
    """By the statistics in the file; while training by those of the batch, which they follow, as nn.BatchNorm does."""
    statistics = o.buffers(3, 4)
    if not o.training or not statistics:
        return by_statistics(x, unwrap(mean), unwrap(var), scale, shift, epsilon)
    refuse_single_values("BatchNormalization", x.shape)
    c, y = by_batch(x, scale, shift, epsilon)
    new = computed_plainly(followed, mean, var, unwrap(x), unwrap(c), 1 - momentum)
    for name, array in zip(statistics, new, strict=True):
        setattr(o.model, name, array)
    return y


def layer_norm(o: Any, x: Any, scale: Any, shift: Any = None, axis: int = -1, epsilon: float = 1e-5) -> Any:
    """Normalised over the last axes, from `axis` on."""
    axes = tuple(range(axis % x.ndim, x.ndim))
    c = centred(x, axis=axes)
    return scale_and_shift(scale_and_shift(c, inverse_rms(c, axis=axes, eps=epsilon)), scale, shift)


def instance_norm(o: Any, x: Any, scale: Any, shift: Any, epsilon: float = 1e-5) -> Any:
    """Each channel of each example by itself."""
    return group_norm(x, x.shape[1], scale, shift, epsilon)


def groups_norm(o: Any, x: Any, scale: Any, shift: Any, num_groups: int, epsilon: float = 1e-5) -> Any:
    """Over groups of channels; until opset 20 with a scale and a shift for each group."""
    each = x.shape[1] // num_groups
    scale, shift = (np.repeat(p, each) if p.shape == (num_groups,) else p for p in (scale, shift))
    return group_norm(x, num_groups, scale, shift, epsilon)


# ---- windows ----


def _steps(
    shape: Sequence[int],
    kernel: Sequence[int],
    strides: Any,
    pads: Any,
    dilations: Any,
    group: int,
    auto_pad: str,
    ceil_mode: int = 0,
) -> Steps:
    """How a kernel moves over an input of these sizes."""
    axes = len(kernel)
    if axes != len(shape) or min(kernel, default=0) < 1:
        raise ValueError(f"a kernel of {tuple(kernel)} doesn't fit maps of {tuple(shape)}")
    stride, dilation = tuple(strides or (1,) * axes), tuple(dilations or (1,) * axes)
    around = tuple(pads or (0,) * 2 * axes)
    if len(stride) != axes or len(dilation) != axes or len(around) != 2 * axes or min(*stride, *dilation) < 1:
        raise ValueError(f"strides {stride}, dilations {dilation} and pads {around} don't fit {axes} axes")
    if min(around) < 0:
        raise ValueError(f"pads {around} that cut off aren't taken")
    frame = [(around[i], around[i + axes]) for i in range(axes)]
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    if auto_pad in ("SAME_UPPER", "SAME_LOWER"):
        more = [max((-(-n // s) - 1) * s + r - n, 0) for n, s, r in zip(shape, stride, reach, strict=True)]
        frame = [(m // 2, m - m // 2) if auto_pad == "SAME_UPPER" else (m - m // 2, m // 2) for m in more]
    elif auto_pad == "VALID":
        frame = [(0, 0)] * axes
    elif auto_pad not in ("NOTSET", ""):
        raise ValueError(f"auto_pad={auto_pad!r} isn't known")
    if ceil_mode and auto_pad in ("NOTSET", ""):
        frame = [_rounded_up(n, s, r, p) for n, s, r, p in zip(shape, stride, reach, frame, strict=True)]
    room([n + sum(p) for n, p in zip(shape, frame, strict=True)])
    how = Steps(stride, tuple(frame), dilation, group)
    if min(places(shape, tuple(kernel), how)) < 1:
        raise ValueError(f"a kernel that reaches over {reach} finds no place in {tuple(shape)} with pads {frame}")
    return how


def _rounded_up(n: int, stride: int, reach: int, pads: tuple[int, int]) -> tuple[int, int]:
    """With as much after it as the last place needs, if that begins inside."""
    before, after = pads
    count = -(-(n + before + after - reach) // stride) + 1
    count -= (count - 1) * stride >= n + before
    return before, max(after, (count - 1) * stride + reach - n - before)


def convolution(
    o: Any,
    x: Any,
    weight: Any,
    bias: Any = None,
    auto_pad: str = "NOTSET",
    dilations: Any = None,
    group: int = 1,
    kernel_shape: Any = None,
    pads: Any = None,
    strides: Any = None,
) -> Any:
    """A convolution over any number of axes."""
    kernel = weight.shape[2:]
    if group < 1 or len(weight) % group or x.shape[1] != weight.shape[1] * group:
        raise ValueError(f"x of shape {x.shape} doesn't fit a weight of {weight.shape} in {group} groups")
    how = _steps(x.shape[2:], kernel, strides, pads, dilations, group, auto_pad)
    return conv(x, weight, how=how) if bias is None else conv(x, weight, bias, how=how)


def convolution_back(
    o: Any,
    x: Any,
    weight: Any,
    bias: Any = None,
    auto_pad: str = "NOTSET",
    dilations: Any = None,
    group: int = 1,
    kernel_shape: Any = None,
    output_padding: Any = None,
    output_shape: Any = None,
    pads: Any = None,
    strides: Any = None,
) -> Any:
    """A transposed convolution."""
    kernel, axes = weight.shape[2:], weight.ndim - 2
    if group < 1 or len(weight) % group or x.shape[1] != len(weight):
        raise ValueError(f"x of shape {x.shape} doesn't fit a weight of {weight.shape} in {group} groups")
    stride, dilation = tuple(strides or (1,) * axes), tuple(dilations or (1,) * axes)
    extra, around = tuple(output_padding or (0,) * axes), tuple(pads or (0,) * 2 * axes)
    if {len(stride), len(dilation), len(extra), axes} != {x.ndim - 2} or len(around) != 2 * axes:
        raise ValueError(f"the settings don't fit the {x.ndim - 2} axes of x")
    plain = [
        s * (n - 1) + e + d * (k - 1) + 1
        for n, k, s, d, e in zip(x.shape[2:], kernel, stride, dilation, extra, strict=True)
    ]
    frame = [(around[i], around[i + axes]) for i in range(axes)]
    wanted = output_shape[-axes:] if output_shape else None
    if auto_pad in ("SAME_UPPER", "SAME_LOWER") and not wanted:
        wanted = [n * s for n, s in zip(x.shape[2:], stride, strict=True)]
    if wanted:
        total = [max(n - m, 0) for n, m in zip(plain, wanted, strict=True)]
        frame = [(t // 2, t - t // 2) if auto_pad == "SAME_UPPER" else (t - t // 2, t // 2) for t in total]
    made = [n - sum(p) for n, p in zip(plain, frame, strict=True)] if not wanted else list(wanted)
    if min(made) < 1 or min(min(p) for p in frame) < 0:
        raise ValueError(f"maps of {tuple(made)} would be made, with pads {frame}")
    shape = room((len(x), weight.shape[1] * group, *made))
    y = conv_input(x, weight, shape=shape, how=Steps(stride, tuple(frame), dilation, group))
    return y if bias is None else y + reshape(bias, (-1, *(1,) * axes))


def largest_pool(
    o: Any,
    x: Any,
    kernel_shape: Any,
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    dilations: Any = None,
    pads: Any = None,
    storage_order: int = 0,
    strides: Any = None,
) -> Any:
    """The largest number of each window."""
    how = _steps(x.shape[2:], kernel_shape, strides, pads, dilations, 1, auto_pad, ceil_mode)
    return max_pool(x, kernel=tuple(kernel_shape), how=how)


def mean_pool(
    o: Any,
    x: Any,
    kernel_shape: Any,
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    count_include_pad: int = 0,
    dilations: Any = None,
    pads: Any = None,
    strides: Any = None,
) -> Any:
    """The mean of each window; what is counted are its elements within x, or within its frame."""
    kernel = tuple(kernel_shape)
    how = _steps(x.shape[2:], kernel, strides, pads, dilations, 1, auto_pad, ceil_mode)
    inner = _steps(x.shape[2:], kernel, strides, pads, dilations, 1, auto_pad).padding
    here = np.ones(x.shape[2:], x.dtype)
    here = np.pad(here, inner, constant_values=float(count_include_pad))
    more = tuple((a - c, b - d) for (a, b), (c, d) in zip(how.padding, inner, strict=True))
    counts = sum_pool(np.pad(here, more)[None, None], kernel=kernel, how=how._replace(padding=((0, 0),) * len(kernel)))
    total = sum_pool(x, kernel=kernel, how=how)
    return total / float(counts.flat[0]) if (counts == counts.flat[0]).all() else total / counts


def over_maps(function: Callable[..., Any]) -> Line:
    """One number of each map."""
    return lambda o, x: function(x, axis=tuple(range(2, x.ndim)), keepdims=True)


def _blocks(x: Any, blocksize: int) -> tuple[int, ...]:
    if x.ndim != 4 or blocksize < 1:
        raise ValueError(f"blocks of {blocksize} are taken of images (N, C, height, width), not of shape {x.shape}")
    return tuple(x.shape)


def depth_to_space(o: Any, x: Any, blocksize: int, mode: str = "DCR") -> Any:
    """Channels as blocks of a larger image."""
    n, c, h, w = _blocks(x, blocksize)
    b, c = blocksize, c // blocksize**2
    if mode == "DCR":
        y = transpose(reshape(x, (n, b, b, c, h, w)), (0, 3, 4, 1, 5, 2))
    else:
        y = transpose(reshape(x, (n, c, b, b, h, w)), (0, 1, 4, 2, 5, 3))
    return reshape(y, (n, c, h * b, w * b))


def space_to_depth(o: Any, x: Any, blocksize: int) -> Any:
    """Blocks of an image as channels."""
    n, c, h, w = _blocks(x, blocksize)
    b = blocksize
    y = transpose(reshape(x, (n, c, h // b, b, w // b, b)), (0, 3, 5, 1, 2, 4))
    return reshape(y, (n, c * b * b, h // b, w // b))


def joined(o: Any, *arrays: Any, axis: int) -> Any:
    """One behind another."""
    room((sum(math.prod(x.shape) for x in arrays),))
    return concatenate(arrays, axis)
