"""Lines of the table of operators that take more than an expression: what networks are made of."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import helper

from ..derivatives.quantising import grid_numbers
from .graphs import Dims, Graph, Value, count
from .saying import axes_of, flat, framed, reduced, transposed, turned_round

# ---- products ----


def linear(o: Graph, x: Value, weight: Value, bias: Value | None = None) -> str:
    """x Wᵀ + b."""
    if x.ndim == 2 and (bias is None or bias.ndim == 1):
        return str(o.Gemm(x, weight, *([] if bias is None else [bias]), transB=1))
    y = o.MatMul(x, transposed(o, weight, (1, 0)))
    return str(y if bias is None else o.Add(y, bias))


def vdot(o: Graph, a: Value, b: Value) -> str:
    """Σ a·b over all elements."""
    return str(o.ReduceSum(o.Mul(flat(o, a), flat(o, b)), keepdims=0))


def einsum(o: Graph, *operands: Value, subscripts: str, optimize: Any = False) -> str:
    """Sums of products by letters."""
    return str(o.Einsum(*operands, equation=subscripts.replace(" ", "")))


# ---- softmax, normalising ----


def masked_softmax(o: Graph, x: Value, mask: Value) -> str:
    """softmax(x + mask) along the last axis, zeros where all is −∞."""
    y = o.Add(x, mask)
    last = o.ints(-1)
    peak = o.ReduceMax(y, last)
    e = o.Exp(o.Sub(y, o.Where(o.Equal(peak, -math.inf), 0.0, peak)))
    total = o.ReduceSum(e, last)
    return str(o.Div(e, o.Where(o.Equal(total, 0.0), 1.0, total)))


def centred(o: Graph, x: Value, axis: Any = -1, careful: bool = True) -> str:
    """x − mean; done twice, little is left of the first mean's rounding error."""
    y = o.Sub(x, reduced(o, "ReduceMean", x, axes_of(x, axis)))
    return str(o.Sub(y, reduced(o, "ReduceMean", y, axes_of(x, axis)))) if careful else str(y)


def inverse_rms(o: Graph, x: Value, axis: Any = -1, eps: float = 1e-5) -> str:
    """1/√(mean of x² + eps)."""
    mean = reduced(o, "ReduceMean", o.Mul(x, x), axes_of(x, axis))
    return str(o.Reciprocal(o.Sqrt(o.Add(mean, float(eps)))))


def scale_and_shift(o: Graph, x: Value, scale: Value, shift: Value | None = None) -> str:
    """x·scale + shift."""
    y = o.Mul(x, scale)
    return str(y if shift is None else o.Add(y, shift))


def sum_of_products(o: Graph, a: Value, b: Value, axis: Any) -> str:
    """Σ a·b along the axes, which stay with length 1."""
    return reduced(o, "ReduceSum", o.Mul(a, b), axes_of(a, axis))


# ---- quantised weights ----


def on_grid(o: Graph, x: Value, scale: Value, most: float) -> str:
    """Multiples of the scale; of a constant the file keeps them as int8, in float32 as others' quantised weights."""
    if x.array is None or scale.array is None or most > 127:
        return str(o.Mul(o.Min(o.Max(o.Round(o.Div(x, scale)), -most), most), scale))
    numbers = o.value(grid_numbers(x.array, scale.array, most).astype(np.int8), f"{x.name}_int8")
    if o.dtype == np.float64:
        return str(o.Mul(o.Cast(numbers, to=helper.np_dtype_to_tensor_dtype(o.dtype)), scale))
    axis = next((i for i, n in enumerate(scale.shape) if n > 1), 0)
    sizes = scale.array.astype(np.float32).reshape(-1 if scale.array.size > 1 else ())
    return str(o.DequantizeLinear(numbers, o.constant(sizes, f"{x.name}_scale"), axis=axis))


# ---- windows ----


def _window(how: Any, kernel: Sequence[int]) -> dict[str, Any]:
    """How a kernel moves, as ONNX says it."""
    stride, padding, dilation, _ = how
    pads = [p[0] for p in padding] + [p[1] for p in padding]
    return {"kernel_shape": list(kernel), "strides": list(stride), "pads": pads, "dilations": list(dilation)}


def conv(o: Graph, x: Value, weight: Value, bias: Value | None = None, how: Any = None) -> str:
    """A convolution; in float64, for which onnxruntime has none, as a product with all that the kernel meets."""
    kernel = tuple(weight.size(i) for i in range(2, weight.ndim))
    if o.dtype != np.float64:
        given = [x, weight, *([] if bias is None else [bias])]
        return str(o.Conv(*given, group=how[3], **_window(how, kernel)))
    y = _conv_by_columns(o, x.name, x.shape, weight.name, weight.shape, how, o.out.shape)
    return str(y if bias is None else o.Add(y, o.Reshape(bias, o.ints(-1, *(1,) * len(kernel)))))


def _conv_by_columns(o: Graph, x: str, shape: Dims, weight: str, weights: Dims, how: Any, out: Dims) -> str:
    """`columns` of derivatives/convolution.py, times the kernel in rows."""
    stride, padding, dilation, groups = how
    rows, each, *kernel = weights
    x = framed(o, x, [0, 0, *(p[0] for p in padding)], [0, 0, *(p[1] for p in padding)])
    places = math.prod(out[2:])
    taps = [o.Unsqueeze(tap, o.ints(2)) for tap in _taps(o, x, kernel, out[2:], stride, dilation)]
    met = o.Concat(*taps, axis=2) if len(taps) > 1 else taps[0]
    met = o.reshaped(met, (shape[0], groups, each * len(taps), places))
    y = o.MatMul(o.reshaped(weight, (groups, rows // groups, each * len(taps))), met)
    return o.reshaped(y, out)


def _taps(o: Graph, x: str, kernel: Sequence[int], counts: Any, stride: Any, dilation: Any) -> list[str]:
    """What each tap of a kernel meets at all places of an input with its padding."""
    axes = o.ints(*range(2, 2 + len(kernel)))
    found = []
    for tap in np.ndindex(*kernel):
        starts = [t * d for t, d in zip(tap, dilation, strict=True)]
        stops = [t + (n - 1) * s + 1 for t, n, s in zip(starts, counts, stride, strict=True)]
        found.append(str(o.Slice(x, o.ints(*starts), o.ints(*stops), axes, o.ints(*stride))))
    return found


def conv_input(o: Graph, g: Value, weight: Value, shape: Any, how: Any) -> str:
    """A transposed convolution; in float64 the convolution of g, zeros between its numbers, with the kernel turned."""
    stride, padding, dilation, groups = how
    kernel = [weight.size(i) for i in range(2, weight.ndim)]
    counts = [g.size(i) for i in range(2, g.ndim)]
    reach = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
    plain = [(n - 1) * s + r + 1 - sum(p) for n, s, r, p in zip(counts, stride, reach, padding, strict=True)]
    sizes = [o.out.size(i) for i in range(2, g.ndim)]
    more = [size - n for size, n in zip(sizes, plain, strict=True)]
    known = groups == 1 and all(0 <= n < s for n, s in zip(more, stride, strict=True))
    known = known and all(a == b for a, b in padding)
    if o.dtype != np.float64 and known:  # others take less than onnx says
        return str(o.ConvTranspose(g, weight, group=groups, output_padding=more, **_window(how, kernel)))
    x, between = g.name, []
    for i, (n, s) in enumerate(zip(counts, stride, strict=True), 2):  # zeros between, one axis after another
        x = o.Unsqueeze(x, o.ints(i + 1))
        x = framed(o, x, [0] * (g.ndim + 1), [*(0,) * (i + 1), s - 1, *(0,) * (g.ndim - i - 1)])
        between.append(n * s)
        x = o.reshaped(x, (*g.shape[:2], *between, *g.shape[i + 1 :]))
    before = [r - p[0] for r, p in zip(reach, padding, strict=True)]
    after = [size + r - n - b for size, r, n, b in zip(sizes, reach, between, before, strict=True)]
    x = framed(o, x, [0, 0, *before], [0, 0, *after])
    out, each = weight.size(0), weight.size(1)
    turned = turned_round(o, weight, range(2, weight.ndim))
    turned = o.reshaped(turned, (groups, out // groups, each, *kernel))
    turned = o.reshaped(
        transposed(o, turned, (0, 2, 1, *range(3, g.ndim + 1))), (groups * each, out // groups, *kernel)
    )
    steps = ((1,) * len(kernel), ((0, 0),) * len(kernel), dilation, groups)
    within = (g.shape[0], g.shape[1], *(n + r for n, r in zip(sizes, reach, strict=True)))
    weights = (groups * each, out // groups, *kernel)
    if o.dtype == np.float64:
        return _conv_by_columns(o, x, within, turned, weights, steps, o.out.shape)
    return str(o.Conv(x, turned, group=groups, **_window(steps, kernel)))


def max_pool(o: Graph, x: Value, kernel: Any, how: Any) -> str:
    """The largest number of each window, padding being −∞."""
    stride, padding, dilation, groups = how
    y: Any = x
    if len({n for p in padding for n in p}) > 1 or padding[0][0] >= min(kernel):  # others take less than onnx says
        y = framed(o, x, [0, 0, *(p[0] for p in padding)], [0, 0, *(p[1] for p in padding)], -math.inf)
        how = (stride, ((0, 0),) * len(kernel), dilation, groups)
    return str(o.MaxPool(y, **_window(how, kernel)))


def sum_pool(o: Graph, x: Value, kernel: Any, how: Any) -> str:
    """The sum of each window: the mean times their number; or tap by tap."""
    stride, padding, dilation, _ = how
    outside = any(n >= k for p, k in zip(padding, kernel, strict=True) for n in p)
    if o.dtype != np.float64 and set(dilation) == {1} and not outside:
        moves = _window(how, kernel)
        del moves["dilations"]
        return str(o.Mul(o.AveragePool(x, count_include_pad=1, **moves), float(math.prod(kernel))))
    y = framed(o, x, [0, 0, *(p[0] for p in padding)], [0, 0, *(p[1] for p in padding)])
    return str(o.Sum(*_taps(o, y, kernel, o.out.shape[2:], stride, dilation)))


# ---- recurrence ----


def lstm(o: Graph, p: Value, shape: Any) -> str:
    """All h and all c of a sequence, by a loop (Scan) over its steps; ONNX's own LSTM isn't there in float64."""
    steps, rows, n = shape
    whole = [(steps, rows, 4 * n), (rows, n), (rows, n), (4 * n, n)]
    if p.pieces:
        a, h, c, weight = (o.reshaped(piece, dims) for piece, dims in zip(p.pieces, whole, strict=True))
    else:
        ends = np.cumsum([0, *map(count, whole)])
        parts = [o.Slice(p, o.ints(i), o.ints(j)) for i, j in itertools.pairwise(ends)]
        a, h, c, weight = (o.reshaped(part, dims) for part, dims in zip(parts, whole, strict=True))
    turned = o.Transpose(weight, perm=[1, 0])
    names = [o.free(name) for name in ("h", "c", "sums", "h_next", "c_next", "h_kept", "c_kept")]
    before_h, before_c, sums, next_h, next_c, kept_h, kept_c = names
    outer, o.nodes = o.nodes, []
    z = o.Add(o.MatMul(before_h, turned), sums)
    i, f, m, out = (o.Slice(z, o.ints(k * n), o.ints((k + 1) * n), o.ints(1)) for k in range(4))
    after_c = o.Add(o.Mul(o.Sigmoid(f), before_c), o.Mul(o.Sigmoid(i), o.Tanh(m)))
    after_h = o.Mul(o.Sigmoid(out), o.Tanh(after_c))
    for made, named in ((after_h, next_h), (after_c, next_c), (after_h, kept_h), (after_c, kept_c)):
        o.nodes.append(helper.make_node("Identity", [made], [named]))
    kind = helper.np_dtype_to_tensor_dtype(o.dtype)
    widths = (n, n, 4 * n, n, n, n, n)
    each = [helper.make_tensor_value_info(name, kind, [None, w]) for name, w in zip(names, widths, strict=True)]
    body = helper.make_graph(o.nodes, "step", each[:3], each[3:])
    o.nodes = outer
    finals = [o.free("last_h"), o.free("last_c")]
    states = [o.free("all_h"), o.free("all_c")]
    o.nodes.append(helper.make_node("Scan", [h, c, a], [*finals, *states], body=body, num_scan_inputs=1))
    whole_states = [
        o.Unsqueeze(o.Concat(o.Unsqueeze(first, o.ints(0)), later, axis=0), o.ints(0))
        for first, later in zip((h, c), states, strict=True)
    ]
    return str(o.Concat(*whole_states, axis=0))
