"""Convolution: the same small question asked at every place of an image or a sequence.

Three bilinear maps, each the gradient of the others: `conv` of an input and a kernel, `conv_input` of a gradient and a
kernel (which is also what conv_transpose computes), `conv_weight` of an input and a gradient. The first half of this
file is how a textbook computes them: lay out what the kernel meets as the columns of a matrix, then multiply once. It
serves arrays of any library. The second half is the same, quicker, for arrays of NumPy: batch last (windows.py), a
block of places at a time, with one small product for each place, which BLAS is best at.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.arrays import Array
from ..engine.dispatch import define, implements
from ..engine.recording import called_whole
from ..engine.tensor import Primitive
from .shapes import operands, reshape
from .windows import Shape, Steps, batch_first, batch_last, blocks, inside, padded, patches, places, room, taps

# ---- as in a textbook ----


def columns(x: Any, kernel: Shape, counts: Shape, how: Any) -> Any:
    """(N, groups, C/groups·taps, places): what the taps of the kernel meet, a column for each place."""
    x = batch_first(padded(x, how[1]))
    windows = np.stack([x[(..., *tap)] for tap in taps(kernel, counts, how)], axis=2)  # (N, C, taps, *places)
    return windows.reshape(len(x), how[3], x.shape[1] // how[3] * math.prod(kernel), math.prod(counts))


def textbook_conv(x: Any, weight: Any, how: Any) -> Any:
    """y[n, o, place] = Σ weight[o, c, tap]·x[n, c, stride·place + dilation·tap], over all c and taps."""
    counts = places(x.shape[2:], weight.shape[2:], how)
    y = _grouped(weight, how[3]) @ columns(x, weight.shape[2:], counts, how)
    return y.reshape(len(x), len(weight), *counts)


def textbook_conv_input(g: Any, weight: Any, shape: Shape, how: Any) -> Any:
    """The transpose: each gradient, times the kernel, is added to all that the kernel met."""
    rows = _grouped(weight, how[3])
    spread = rows.mT @ g.reshape(len(g), how[3], rows.shape[1], math.prod(g.shape[2:]))
    spread = spread.reshape(*shape[:2], math.prod(weight.shape[2:]), *g.shape[2:])
    out = batch_first(room(g, shape, how[1]))
    for i, tap in enumerate(taps(weight.shape[2:], g.shape[2:], how)):
        out[(..., *tap)] += spread[:, :, i]
    return out[(..., *inside(how[1]))]


def textbook_conv_weight(x: Any, g: Any, shape: Shape, how: Any) -> Any:
    """Each weight gets the gradients at all places, times what it met there."""
    met = columns(x, shape[2:], g.shape[2:], how)
    return (g.reshape(len(g), how[3], shape[0] // how[3], met.shape[-1]) @ met.mT).sum(axis=0).reshape(shape)


def _grouped(weight: Any, groups: int) -> Any:
    """(O, C/groups, *kernel) as (groups, O/groups, C/groups·taps)."""
    return weight.reshape(groups, len(weight) // groups, math.prod(weight.shape[1:]))


# ---- the same, quicker ----


def quick_conv(x: Array, weight: Array, how: Any) -> Array:
    """`textbook_conv` of arrays of NumPy."""
    groups, n, axes = how[3], len(x), x.ndim - 2
    view, rows = patches(padded(x, how[1]), weight.shape[2:], how), _taps_first(weight, groups)
    y = np.empty((*view.shape[:axes], *rows.shape[:2], n), x.dtype)
    for block in blocks(view):
        met = view[block]
        if n == groups == 1:  # a single example: one product for all places, not one for each
            y[block] = (met.reshape(-1, rows.shape[2]) @ rows[0].T).reshape(y[block].shape)
        else:
            np.matmul(rows, met.reshape(*met.shape[: axes + 1], rows.shape[2], n), out=y[block])
    made: Array = batch_first(y.reshape(*y.shape[:axes], len(weight), n))
    return made


def quick_conv_input(g: Array, weight: Array, shape: Shape, how: Any) -> Array:
    """`textbook_conv_input` of arrays of NumPy. With stride 1 it is a convolution with the kernel turned round."""
    stride, padding, dilation, groups = how
    kernel = weight.shape[2:]
    if max(stride) == 1:
        reach = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
        before = [r - p[0] for r, p in zip(reach, padding, strict=True)]
        after = [size + r - n - b for size, r, n, b in zip(shape[2:], reach, g.shape[2:], before, strict=True)]
        if min(*before, *after) >= 0:
            turned = np.flip(weight, tuple(range(2, weight.ndim)))
            turned = turned.reshape(groups, len(weight) // groups, *turned.shape[1:]).swapaxes(1, 2)
            turned = turned.reshape(shape[1], len(weight) // groups, *kernel)
            return quick_conv(g, turned, (stride, tuple(zip(before, after, strict=True)), dilation, groups))
    axes = g.ndim - 2
    out = room(g, shape, padding)
    view, rows = _first(patches(out, kernel, how), g.shape[2:]), _taps_first(weight, groups).mT
    gradients = batch_last(g)
    gradients = gradients.reshape(*gradients.shape[:axes], groups, len(weight) // groups, len(g))
    for block in blocks(view):
        part = view[block]
        spread = (rows @ gradients[block]).reshape(part.shape)
        for tap in np.ndindex(*kernel):
            at = (..., *tap, slice(None), slice(None))
            part[at] += spread[at]
    made: Array = batch_first(out[inside(padding)])
    return made


FEW = 1 << 12  # weights of a group whose gradients are quicker taken place by place


def quick_conv_weight(x: Array, g: Array, shape: Shape, how: Any) -> Array:
    """`textbook_conv_weight` of arrays of NumPy. A product for each place needs no copies, one for all places of a
    block no sums: which is quicker depends on how much there would be to add up."""
    groups, n, axes = how[3], len(x), x.ndim - 2
    view, gradients = _first(patches(padded(x, how[1]), shape[2:], how), g.shape[2:]), batch_last(g)
    gradients = gradients.reshape(*gradients.shape[:axes], groups, shape[0] // groups, n)
    total: Any = np.zeros((groups, math.prod(shape[1:]), shape[0] // groups), x.dtype)
    for block in blocks(view):
        if n > 1 and total.size <= FEW * groups:
            met = view[block].reshape(*view[block].shape[: axes + 1], total.shape[1], n)
            total += (met @ gradients[block].mT).sum(axis=tuple(range(axes)))
            continue
        met = np.moveaxis(view[block], range(axes), range(-axes - 1, -1))  # (groups, *kernel, C, *places, N)
        part = np.moveaxis(gradients[block], range(axes), range(-axes - 1, -1))
        # in this order: the other way round BLAS takes half as long again
        total += met.reshape(groups, total.shape[1], -1) @ part.reshape(groups, total.shape[2], -1).mT
    made = np.empty(shape, total.dtype)
    made[...] = np.moveaxis(total.mT.reshape(shape[0], *shape[2:], shape[1]), -1, 1)
    return made


def _taps_first(weight: Array, groups: int) -> Array:
    """(O, C/groups, *kernel) as (groups, O/groups, taps·C/groups), the order in which patches lie in memory."""
    rows = np.ascontiguousarray(np.moveaxis(weight, 1, -1))  # of negative strides BLAS would take none
    return rows.reshape(groups, len(weight) // groups, math.prod(weight.shape[1:]))


def _first(view: Array, counts: Shape) -> Array:
    """The first places along each axis: a transposed convolution with output_padding knows of some that it hasn't."""
    return view if view.shape[: len(counts)] == counts else view[tuple(map(slice, counts))]


# ---- which of the two, and the rules ----


def _computed(quick: Callable[..., Any], textbook: Callable[..., Any], a: Any, b: Any, *more: Any) -> Any:
    """Of arrays of NumPy the quick form, called as a whole by programs; of float16 in float32, rounded at the end."""
    form, dtype = quick if a.__class__ is b.__class__ is np.ndarray else textbook, np.result_type(a.dtype, b.dtype)
    work = np.dtype(np.float32) if dtype.char == "e" else dtype
    return called_whole(form, a.astype(work, copy=False), b.astype(work, copy=False), *more).astype(dtype, copy=False)


def _conv(x: Any, weight: Any, bias: Any = None, how: Any = None) -> Any:
    if bias is not None:
        x = x.astype(np.result_type(x.dtype, weight.dtype, bias.dtype), copy=False)  # a wider bias, a wider sum
    y = _computed(quick_conv, textbook_conv, x, weight, tuple(how))
    if bias is not None:
        y += bias.reshape(-1, *(1,) * (x.ndim - 2))
    return y


def conv_bias(g: Any, y: Any, x: Any, weight: Any, bias: Any = None, how: Any = None) -> Any:
    """The sum over all places and examples: in this order three times as fast as at once."""
    return g.sum(axis=tuple(range(2, g.ndim))).sum(axis=0)


def conv_at(x: Any, weight: Any, like: Any, how: Any) -> Any:
    """The convolution at the places that `like` has, which may be fewer than there are."""
    y = conv(x, weight, how=how)
    return y if y.shape == like.shape else y[(..., *map(slice, like.shape[2:]))]


conv_input: Primitive = define(
    lambda g, weight, shape, how: _computed(quick_conv_input, textbook_conv_input, g, weight, shape, tuple(how)),
    lambda h, v, g, weight, shape, how: conv_at(h, weight, g, how),
    lambda h, v, g, weight, shape, how: conv_weight(h, g, shape=weight.shape, how=how),
    name="conv_input",
)
conv_weight: Primitive = define(
    lambda x, g, shape, how: _computed(quick_conv_weight, textbook_conv_weight, x, g, shape, tuple(how)),
    lambda h, v, x, g, shape, how: conv_input(g, h, shape=x.shape, how=how),
    lambda h, v, x, g, shape, how: conv_at(x, h, g, how),
    name="conv_weight",
)
conv: Primitive = define(
    _conv,
    lambda g, y, x, weight, bias=None, how=None: conv_input(g, weight, shape=x.shape, how=how),
    lambda g, y, x, weight, bias=None, how=None: conv_weight(x, g, shape=weight.shape, how=how),
    conv_bias,
    name="conv",
)


# ---- of two sequences, by NumPy's names ----

_MODES = {"valid": 0, "same": 1, "full": 2}


@implements(np.convolve)
def convolve(a: Any, v: Any, mode: Any = "full") -> Any:
    """y[k] = Σ a[n]·v[k - n], all places ("full"), the middle ones, as many as the longer has ("same"), or only those
    where the shorter lies within the longer ("valid")."""
    a, v = (x if x.ndim else reshape(x, (1,)) for x in operands(a, v))
    _refuse_no_sequences("convolve", a, v)
    return _slid(v, a[::-1], mode) if len(v) > len(a) else _slid(a, v[::-1], mode)


@implements(np.correlate)
def correlate(a: Any, v: Any, mode: Any = "valid") -> Any:
    """y[k] = Σ a[k + n]·v[n], at the places that `convolve` says of each mode."""
    a, v = operands(a, v)
    _refuse_no_sequences("correlate", a, v)
    return _slid(v, a, mode)[::-1] if len(v) > len(a) else _slid(a, v, mode)


def _slid(longer: Any, shorter: Any, mode: Any) -> Any:
    """The shorter at each place of the longer, which is the convolution of a layer with one example and channel."""
    mode, reach = _MODES.get(mode, mode), len(shorter) - 1
    if mode not in (0, 1, 2):
        raise ValueError(f"mode must be 'full', 'same' or 'valid', not {mode!r}")
    before, after = ((0, 0), ((reach + 1) // 2, reach // 2), (reach, reach))[mode]
    x, weight = (reshape(each, (1, 1, len(each))) for each in (longer, shorter))
    return reshape(conv(x, weight, how=Steps((1,), ((before, after),), (1,))), (-1,))


def _refuse_no_sequences(name: str, a: Any, v: Any) -> None:
    for which, x in (("a", a), ("v", v)):
        if x.ndim != 1:
            raise ValueError(f"{name} takes two sequences, of one axis each, but {which} has shape {x.shape}")
        if not len(x):
            raise ValueError(f"{name}: {which} is empty; it takes sequences of at least one element")
