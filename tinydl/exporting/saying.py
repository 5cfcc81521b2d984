"""Lines of the table of operators that take more than an expression: NumPy's functions.

Where ONNX says something otherwise than NumPy (of no axes it makes all, a slice ends with the smallest number there
is), it stands here once. Read layers.py next, then the table, operators.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple
from onnx import helper

from ..compiling.tape import CompileError
from ..derivatives import special
from .graphs import Dims, Graph, Value, count
from .steps import Rows

Line = Callable[..., str]

# ---- what lines are made of ----


def same(operator: str) -> Line:
    """A primitive that ONNX has by another name."""
    return lambda o, *inputs: str(getattr(o, operator)(*inputs))


def either(of_booleans: str, operator: str) -> Line:
    """A primitive that ONNX has by two names, of which one is for booleans."""
    return lambda o, *inputs: str(getattr(o, of_booleans if o.dtype == bool else operator)(*inputs))


def in_float32(operator: str, line: Line) -> Line:
    """An operator that onnxruntime has in float32 alone, and a line for float64."""
    return lambda o, x: str(line(o, x) if o.dtype == np.float64 else getattr(o, operator)(x))


def axes_of(x: Value, axis: Any) -> tuple[int, ...]:
    """Axes as NumPy takes them (None: all), counted from the front."""
    return tuple(range(x.ndim)) if axis is None else normalize_axis_tuple(axis, x.ndim)


def reduced(o: Graph, operator: str, x: Any, axes: Sequence[int], keepdims: bool = True) -> str:
    """A reduction. Of no axes ONNX would make all of them."""
    return str(getattr(o, operator)(x, o.ints(*axes), keepdims=int(keepdims))) if len(axes) else o.Identity(x)


def reduction(operator: str) -> Line:
    """A primitive that reduces over axes, as NumPy's do; `initial` is what would not change the result."""

    def line(o: Graph, a: Value, axis: Any = None, keepdims: Any = False, initial: Any = None) -> str:
        if initial is not None and not (operator == "ReduceSum" and initial == 0):
            raise CompileError("ONNX's reductions take no initial=; write np.maximum(x.max(…), …) or the like")
        return reduced(o, operator, a, axes_of(a, axis), bool(keepdims))

    return line


def polynomial(o: Graph, x: Any, coefficients: Sequence[float]) -> str:
    """By Horner's rule, the highest power first."""
    y: Any = coefficients[0]
    for c in coefficients[1:]:
        y = o.Add(o.Mul(y, x), c)
    return str(y)


def upper_tail(o: Graph, z: Any) -> str:
    """1 − Φ(z) for z ≥ 0 (derivatives/special.py)."""
    largest, above, below = special._DOUBLE if o.dtype == np.float64 else special._SINGLE
    z = o.Min(z, largest)
    return str(o.Mul(o.Div(polynomial(o, z, above), polynomial(o, z, below)), o.Exp(o.Mul(o.Mul(z, z), -0.5))))


def picked(o: Graph, x: Any, axis: int, which: Any) -> str:
    """The elements with these constant numbers along an axis."""
    return str(o.Gather(x, o.constant(np.asarray(which, np.int64)), axis=axis))


def flat(o: Graph, x: Value) -> Value:
    """x in one row."""
    return Value(o.Reshape(x, o.ints(-1)), (count(x.shape),), x.dtype)


def transposed(o: Graph, x: Any, order: Sequence[int]) -> str:
    """The axes in another order."""
    return str(o.Transpose(x, perm=[int(i) for i in order])) if list(order) != sorted(order) else o.Identity(x)


def choose_nan(o: Graph, operator: str, a: Any, b: Any) -> str:
    """The larger or smaller of two numbers, of which NaN is none."""
    both = getattr(o, operator)(a, b)
    return str(o.Where(o.IsNaN(a), b, o.Where(o.IsNaN(b), a, both)))


# ---- elementwise ----


def arctan2(o: Graph, y: Value, x: Value) -> str:
    """The angle of (x, y). ONNX has that of y/x alone, half a turn off where x < 0."""
    turn = o.Where(o.Less(x, 0.0), o.Where(o.Less(y, 0.0), -math.pi, math.pi), 0.0)
    nothing = o.And(o.Equal(x, 0.0), o.Equal(y, 0.0))
    return str(o.Where(nothing, 0.0, o.Add(o.Atan(o.Div(y, x)), turn)))


def remainder(o: Graph, a: Value, b: Value) -> str:
    """a − b·⌊a/b⌋, which has the sign of b; fmod has that of a."""
    if o.dtype.kind != "f":
        return str(o.Mod(a, b))
    rest = o.Mod(a, b, fmod=1)
    zero = o.constant(np.zeros((), o.dtype))
    other_side = o.And(o.Not(o.Equal(rest, zero)), o.Xor(o.Less(rest, zero), o.Less(b, zero)))
    return str(o.Where(other_side, o.Add(rest, b), rest))


def expm1(o: Graph, x: Any) -> str:
    """eˣ − 1 = (eˣ + 1)·tanh ½x, which cancels nothing near 0."""
    return str(o.Mul(o.Add(o.Exp(x), 1.0), o.Tanh(o.Mul(x, 0.5))))


def log1p(o: Graph, x: Any) -> str:
    """log(1 + x): of u = 1 + x as it is rounded, log(u)·x/(u − 1) (Kahan)."""
    u = o.Add(x, 1.0)
    d = o.Sub(u, 1.0)
    here = o.Or(o.Equal(d, 0.0), o.Equal(o.Abs(u), math.inf))
    return str(o.Where(here, o.Where(o.Equal(d, 0.0), x, o.Log(u)), o.Div(o.Mul(o.Log(u), x), o.Where(here, 1.0, d))))


def sinh(o: Graph, x: Value) -> str:
    """½(eˣ − e⁻ˣ); near 0 ½(d + d/(d + 1)) with d = eˣ − 1, which cancels nothing."""
    d = expm1(o, o.Max(o.Min(x, 1.0), -1.0))
    near = o.Add(d, o.Div(d, o.Add(d, 1.0)))
    far = o.Sub(o.Exp(x), o.Exp(o.Neg(x)))
    return str(o.Mul(o.Where(o.Less(o.Abs(x), 1.0), near, far), 0.5))


def arcsinh(o: Graph, x: Value) -> str:
    """sign(x)·log(|x| + √(x² + 1)), of small numbers by log1p."""
    a = o.Abs(x)
    square = o.Mul(a, a)
    return str(o.Mul(o.Sign(x), log1p(o, o.Add(a, o.Div(square, o.Add(o.Sqrt(o.Add(square, 1.0)), 1.0))))))


def softplus(o: Graph, x: Value, beta: float = 1.0, threshold: float = math.inf) -> str:
    """log(1 + e^βx)/β; x itself beyond the threshold."""
    z = o.Mul(x, beta) if beta != 1 else x
    y = o.Softplus(z)
    y = o.Div(y, beta) if beta != 1 else y
    return str(y if threshold == math.inf else o.Where(o.Greater(z, threshold), x, y))


def elu(o: Graph, x: Value, alpha: float = 1.0) -> str:
    """x where it is positive, else α(eˣ − 1)."""
    return str(o.Where(o.Greater(x, 0.0), x, o.Mul(expm1(o, o.Min(x, 0.0)), alpha)))


def celu(o: Graph, x: Value, alpha: float = 1.0) -> str:
    """x where it is positive, else α(e^(x/α) − 1)."""
    return str(o.Where(o.Greater(x, 0.0), x, o.Mul(expm1(o, o.Div(o.Min(x, 0.0), alpha)), alpha)))


def gelu_gate(o: Graph, x: Value) -> str:
    """½(1 + tanh(√(2/π)(x + 0.044715 x³)))."""
    cube = o.Mul(o.Mul(o.Mul(x, x), x), 0.044715)
    return str(o.Mul(o.Add(o.Tanh(o.Mul(o.Add(x, cube), math.sqrt(2 / math.pi))), 1.0), 0.5))


def erf(o: Graph, x: Value) -> str:
    """erf; in float64 1 − 2(1 − Φ(√2|x|)), with the sign of x."""
    if o.dtype != np.float64:
        return str(o.Erf(x))
    far = o.Sub(1.0, o.Mul(upper_tail(o, o.Mul(o.Abs(x), math.sqrt(2))), 2.0))
    return str(o.Mul(o.Sign(x), far))


def normal_cdf(o: Graph, x: Value) -> str:
    """Φ, accurate in relative terms on both sides, which ½(1 + erf(x/√2)) isn't."""
    tail = upper_tail(o, o.Abs(x))
    return str(o.Where(o.Greater(x, 0.0), o.Sub(1.0, tail), tail))


def sinc(o: Graph, x: Value) -> str:
    """sin(πx)/(πx), and 1 at 0."""
    z, zero = o.Mul(x, math.pi), o.Equal(x, 0.0)
    return str(o.Where(zero, 1.0, o.Div(o.Sin(z), o.Where(zero, 1.0, z))))


def nan_to_num(o: Graph, x: Value, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> str:
    """Other numbers in the place of NaN and infinities."""
    largest = float(np.finfo(o.dtype).max)
    high, low = largest if posinf is None else posinf, -largest if neginf is None else neginf
    y = o.Where(o.IsInf(x, detect_negative=0), high, x)
    y = o.Where(o.IsInf(x, detect_positive=0), low, y)
    return str(o.Where(o.IsNaN(x), nan, y))


def clip(o: Graph, a: Value, low: Any = None, high: Any = None) -> str:
    """Between two bounds, which may be arrays."""
    y: Any = a if low is None else o.Max(a, low)
    return str(o.Identity(y) if high is None else o.Min(y, high))


# ---- reductions ----


def deviation(o: Graph, a: Value, axis: Any = None, ddof: Any = 0, keepdims: Any = False) -> str:
    """The variance: the sum of squares around the mean, over n − ddof."""
    axes = axes_of(a, axis)
    d = o.Sub(a, reduced(o, "ReduceMean", a, axes))
    mean = reduced(o, "ReduceMean", o.Mul(d, d), axes, bool(keepdims))
    if not ddof:
        return mean
    n = count(tuple(a.shape[i] for i in axes))
    return str(o.Mul(mean, n / (n - ddof)))


def norm(o: Graph, x: Value, axis: Any = None, keepdims: bool = False) -> str:
    """√Σx²; the largest |x| is taken out, so that nothing overflows."""
    return reduced(o, "ReduceL2", x, axes_of(x, axis), bool(keepdims)) if axes_of(x, axis) else o.Abs(x)


def power_norm(o: Graph, x: Value, p: float, axis: Any = None, keepdims: bool = False) -> str:
    """(Σ|x|ᵖ)^(1/p)."""
    powers = o.Pow(o.Abs(x), float(p))
    return str(o.Pow(reduced(o, "ReduceSum", powers, axes_of(x, axis), bool(keepdims)), 1 / p))


def logsumexp(o: Graph, x: Value, axis: Any = -1, keepdims: bool = False) -> str:
    """log Σ eˣ."""
    axes = axes_of(x, axis)
    peak = reduced(o, "ReduceMax", x, axes)
    total = reduced(o, "ReduceSum", o.Exp(o.Sub(x, peak)), axes)
    y = o.Add(o.Log(total), peak)
    return str(y if keepdims or not axes else o.Squeeze(y, o.ints(*axes)))


def cumsum(o: Graph, a: Value, axis: Any = None) -> str:
    """Running sums; along None of all elements in a row."""
    if axis is None:
        a, axis = flat(o, a), 0
    return str(o.CumSum(a, o.constant(np.asarray(axis, np.int64))))


def sorted_along(o: Graph, a: Value, axis: Any = -1) -> str:
    """From the least to the largest."""
    if axis is None:
        a, axis = flat(o, a), 0
    if not a.ndim:
        return str(o.Identity(a))
    axis = normalize_axis_index(axis, a.ndim)
    name, numbers = o.free("sorted"), o.free("order")
    o.nodes.append(
        helper.make_node("TopK", [o.name(a), o.ints(a.size(axis))], [name, numbers], axis=axis, largest=0, sorted=1)
    )
    return name


# ---- shapes ----


def reshape(o: Graph, a: Value, shape: Any, order: str = "C") -> str:
    """Another shape of the same elements, in C's or Fortran's order."""
    if order in ("C", "A", "K"):
        return o.reshaped(a, o.out.shape)
    turned = o.reshaped(transposed(o, a, range(a.ndim)[::-1]), o.out.shape[::-1])
    return transposed(o, turned, range(o.out.ndim)[::-1])


def swapaxes(o: Graph, a: Value, axis1: int, axis2: int) -> str:
    """Two axes exchanged."""
    order = list(range(a.ndim))
    order[axis1], order[axis2] = order[axis2], order[axis1]
    return transposed(o, a, order)


def transpose(o: Graph, a: Value, axes: Any = None) -> str:
    """The axes in another order, by default from the last to the first."""
    return transposed(o, a, range(a.ndim)[::-1] if axes is None else normalize_axis_tuple(axes, a.ndim))


def moved(a: Value, source: Any, destination: Any) -> list[int]:
    """The old numbers of the axes, in their new order."""
    froms, tos = normalize_axis_tuple(source, a.ndim), normalize_axis_tuple(destination, a.ndim)
    order = [i for i in range(a.ndim) if i not in froms]
    for to, source_axis in sorted(zip(tos, froms, strict=True)):
        order.insert(to, source_axis)
    return order


def squeeze(o: Graph, a: Value, axis: Any = None) -> str:
    """Without axes of length 1."""
    axes = [i for i, d in enumerate(a.shape) if d == 1] if axis is None else axes_of(a, axis)
    return str(o.Squeeze(a, o.ints(*axes))) if len(axes) else str(o.Identity(a))


def expand_dims(o: Graph, a: Value, axis: Any) -> str:
    """With new axes of length 1."""
    return str(o.Unsqueeze(a, o.ints(*normalize_axis_tuple(axis, o.out.ndim))))


def concatenate(o: Graph, *arrays: Value, axis: Any = 0) -> str:
    """One behind another."""
    if axis is None:
        arrays, axis = tuple(flat(o, a) for a in arrays), 0
    return str(o.Concat(*arrays, axis=int(axis)))


def stack(o: Graph, *arrays: Value, axis: int = 0) -> str:
    """One beside another, along a new axis."""
    axis = normalize_axis_index(axis, o.out.ndim)
    return str(o.Concat(*[o.Unsqueeze(a, o.ints(axis)) for a in arrays], axis=axis))


def tile(o: Graph, a: Value, reps: Any) -> str:
    """Copies side by side."""
    reps = tuple(np.atleast_1d(reps)) if np.size(reps) else ()
    y: Any = a
    if len(reps) > a.ndim:
        y = o.Unsqueeze(a, o.ints(*range(len(reps) - a.ndim)))
    return str(o.Tile(y, o.ints(*(1,) * (a.ndim - len(reps)), *reps)))


def repeat(o: Graph, a: Value, repeats: Any, axis: Any = None) -> str:
    """Each element some times."""
    if axis is None or not a.ndim:
        a, axis = flat(o, a), 0
    axis = normalize_axis_index(axis, a.ndim)
    return picked(o, a, axis, np.repeat(np.arange(a.size(axis)), repeats))


def roll(o: Graph, a: Value, shift: Any, axis: Any = None) -> str:
    """The last elements in front."""
    if axis is None:
        n = count(a.shape)
        return o.reshaped(picked(o, flat(o, a), 0, np.roll(np.arange(n), shift)), a.shape)
    y: Any = a
    shifts, axes = np.broadcast_arrays(shift, axis)
    for by, i in zip(shifts.ravel(), axes.ravel(), strict=True):
        y = picked(o, y, int(i) % a.ndim, np.roll(np.arange(a.size(int(i))), by))
    return str(y if len(axes.ravel()) else o.Identity(a))


def flip(o: Graph, m: Value, axis: Any = None) -> str:
    """From the last to the first."""
    return turned_round(o, m, axes_of(m, axis))


def turned_round(o: Graph, x: Any, axes: Sequence[int]) -> str:
    """Along some axes from the last to the first."""
    if not len(axes):
        return str(o.Identity(x))
    last, first, back = (o.ints(*(n,) * len(axes)) for n in (-1, np.iinfo(np.int64).min, -1))
    return str(o.Slice(x, last, first, o.ints(*axes), back))


def rot90(o: Graph, m: Value, k: int = 1, axes: Any = (0, 1)) -> str:
    """A quarter of a turn, k times."""
    first, second = normalize_axis_tuple(axes, m.ndim)
    order = list(range(m.ndim))
    order[first], order[second] = second, first
    k %= 4
    if k == 0:
        return str(o.Identity(m))
    if k == 2:
        return turned_round(o, m, (first, second))
    if k == 1:
        return transposed(o, turned_round(o, m, (second,)), order)
    return turned_round(o, transposed(o, m, order), (second,))


def diagonal(o: Graph, a: Value, offset: int = 0, axis1: int = 0, axis2: int = 1) -> str:
    """The elements (i, i + offset) of two axes, along a new last one."""
    two = normalize_axis_tuple((axis1, axis2), a.ndim)
    rows, columns = (a.size(i) for i in two)
    others = [i for i in range(a.ndim) if i not in two]
    last = transposed(o, a, [*others, *two])
    flattened = o.reshaped(last, (*(a.shape[i] for i in others), rows * columns))
    return picked(o, flattened, len(others), np.diagonal(np.arange(rows * columns).reshape(rows, columns), offset))


def pad(o: Graph, array: Value, pad_width: Any, constant_values: Any = 0) -> str:
    """A frame of constants, one for all sides, or one before and one after."""
    before, after = ([p[i] for p in pad_width] for i in (0, 1))
    if not array.ndim:
        return str(o.Identity(array))
    first, last = np.broadcast_to(np.asarray(constant_values, o.dtype), (array.ndim, 2))[0]
    if np.asarray(constant_values).ndim > 1:
        raise CompileError("pad with other constants for each axis has no operator; pad one axis after another")
    zeros = [0] * array.ndim
    if first == last:
        return framed(o, array, before, after, first)
    # NumPy fills axis by axis: in a corner stands what the last axis says
    y: Any = array
    for i in range(array.ndim):
        for widths, value in (((before[i], 0), first), ((0, after[i]), last)):
            first_sides, last_sides = list(zeros), list(zeros)
            first_sides[i], last_sides[i] = widths
            y = framed(o, y, first_sides, last_sides, value)
    return str(y)


def framed(o: Graph, x: Any, before: Sequence[int], after: Sequence[int], value: Any = 0) -> str:
    """A frame around an array; negative widths cut off."""
    cut = [i for i, (b, a) in enumerate(zip(before, after, strict=True)) if min(b, a) < 0]
    if any(n > 0 for n in (*before, *after)):
        wide = [max(n, 0) for n in (*before, *after)]
        x = o.Pad(x, o.ints(*wide), o.constant(np.asarray(value, o.dtype)))
    if cut:
        first = [max(-before[i], 0) for i in cut]
        last = [min(after[i], 0) or np.iinfo(np.int64).max for i in cut]
        x = o.Slice(x, o.ints(*first), o.ints(*last), o.ints(*cut))
    return str(o.Identity(x))


def triangle(upper: int) -> Line:
    """The elements above or below a diagonal, zeros elsewhere; a vector is taken for each row, as NumPy does."""

    def line(o: Graph, m: Value, k: int = 0) -> str:
        y = m if m.ndim > 1 else o.Expand(m, o.ints(m.size(0), m.size(0)))
        return str(o.Trilu(y, o.constant(np.asarray(k, np.int64)), upper=upper))

    return line


# ---- indexing ----


def getitem(o: Graph, a: Value, index: Any) -> str:
    """a[index]: new axes first, then slices, then what picks elements."""
    parts = _one_each(a, index if isinstance(index, tuple) else (index,))
    new = [i for i, part in enumerate(parts) if part is None]
    y: Any = o.Unsqueeze(a, o.ints(*new)) if new else a
    shape: list[Any] = list(a.shape)
    for i in new:
        shape.insert(i, 1)
    parts = [slice(None) if part is None else part for part in parts]
    y = _sliced(o, y, shape, parts)
    picking = [i for i, part in enumerate(parts) if not isinstance(part, slice)]
    if all(np.ndim(parts[i]) == 0 and not isinstance(parts[i], Value) for i in picking):
        for i in reversed(picking):
            y = o.Gather(y, o.constant(np.asarray(parts[i], np.int64)), axis=i)
        return str(y if new or y is not a else o.Identity(a))
    if len(picking) == 1:
        return str(o.Gather(y, _numbers(o, parts[picking[0]]), axis=picking[0]))
    others = [i for i in range(len(parts)) if i not in picking]
    y = transposed(o, y, [*picking, *others])
    which = _together(o, [parts[i] for i in picking])
    y = o.GatherND(y, which.name)
    together = picking[-1] - picking[0] == len(picking) - 1 and not _apart(index)
    if not together:
        return str(y)
    axes, rank = which.ndim - 1, which.ndim - 1 + len(others)
    before = sum(i < picking[0] for i in others)
    order = [*range(axes, axes + before), *range(axes), *range(axes + before, rank)]
    return transposed(o, y, order)


def _apart(index: Any) -> bool:
    """Whether something stands between the parts that pick elements, so that NumPy puts their axes in front."""
    picking = [i for i, p in enumerate(index) if not (p is None or p is Ellipsis or isinstance(p, slice))]
    return picking[-1] - picking[0] >= len(picking)


def _one_each(a: Value, index: tuple[Any, ...]) -> list[Any]:
    """The parts of an index, one for each axis and each new one."""
    parts: list[Any] = []
    for part in index:
        if isinstance(part, list):
            part = np.asarray(part, dtype=None if part else np.int64)
        if isinstance(part, Value) and part.dtype == bool:
            raise CompileError("which elements a mask picks depends on values, and so would the shape; write np.where")
        is_mask = isinstance(part, (bool, np.bool_)) or (isinstance(part, np.ndarray) and part.dtype == bool)
        if is_mask and not np.ndim(part):
            raise CompileError("True and False as an index have no operator; write x[None]")
        parts += list(np.nonzero(part)) if is_mask else [part]
    used = sum(part is not None and part is not Ellipsis for part in parts)
    here = next((i for i, part in enumerate(parts) if part is Ellipsis), len(parts))
    return [*parts[:here], *[slice(None)] * (a.ndim - used), *parts[here + 1 :]]


def _sliced(o: Graph, x: Any, shape: Sequence[Any], parts: Sequence[Any]) -> Any:
    """The slices of an index."""
    found, least, most = [], np.iinfo(np.int64).min, np.iinfo(np.int64).max
    for i, (part, n) in enumerate(zip(parts, shape, strict=True)):
        if not isinstance(part, slice) or part in (slice(None), slice(None, None, 1)):
            continue
        if isinstance(n, Rows):
            step = part.step or 1
            start = part.start if part.start is not None else 0 if step > 0 else most
            stop = part.stop if part.stop is not None else most if step > 0 else least
        else:
            start, stop, step = part.indices(n)
            stop = stop if stop >= 0 else least
        found.append((start, stop, i, step))
    if not found:
        return x
    starts, stops, axes, steps = zip(*found, strict=True)
    return o.Slice(x, o.ints(*starts), o.ints(*stops), o.ints(*axes), o.ints(*steps))


def _numbers(o: Graph, part: Any) -> Any:
    return o.cast(part, np.int64) if isinstance(part, Value) else o.constant(np.asarray(part, np.int64))


def _together(o: Graph, parts: Sequence[Any]) -> Value:
    """The numbers of several axes, stretched to one shape, side by side along a last axis."""
    if not any(isinstance(part, Value) for part in parts):
        array = np.stack(np.broadcast_arrays(*[np.asarray(part, np.int64) for part in parts]), axis=-1)
        return o.value(array)
    shapes = [part.shape if isinstance(part, Value) else np.shape(part) for part in parts]
    shape = _stretched(shapes)
    wide = [o.cast(part, np.int64) if isinstance(part, Value) else _numbers(o, part) for part in parts]
    wide = [o.Unsqueeze(o.Expand(part, o.dims(shape)), o.ints(len(shape))) for part in wide]
    return Value(o.Concat(*wide, axis=len(shape)), (*shape, len(parts)), np.dtype(np.int64))


def _stretched(shapes: Sequence[Dims]) -> Dims:
    """The shape to which several are stretched."""
    rank = max(map(len, shapes))
    full = [(*(1,) * (rank - len(shape)), *shape) for shape in shapes]
    return tuple(next((n for n in sizes if n != 1), 1) for sizes in zip(*full, strict=True))


def take(o: Graph, a: Value, indices: Any, axis: Any = None, mode: str = "raise") -> str:
    """The elements with these numbers along an axis; along None of all in a row."""
    if axis is None or not a.ndim:
        a, axis = flat(o, a), 0
    axis = normalize_axis_index(axis, a.ndim)
    if mode != "raise":
        if isinstance(indices, Value):
            raise CompileError(f"take with mode={mode!r} has no operator; write np.clip(…) or % n on the indices")
        n = a.size(axis)
        indices = np.asarray(indices) % n if mode == "wrap" else np.clip(indices, 0, n - 1)
    return str(o.Gather(a, _numbers(o, indices), axis=axis))


def sliding_window_view(o: Graph, x: Value, window_shape: Any, axis: Any = None) -> str:
    """All windows along some axes; within a window run new axes at the end."""
    windows = [int(n) for n in np.atleast_1d(window_shape)]
    axes = range(x.ndim) if axis is None else [int(i) % x.ndim for i in np.atleast_1d(axis)]
    y: Any = x
    sizes = {i: x.size(i) for i in axes}
    for rank, (i, n) in enumerate(zip(axes, windows, strict=True), x.ndim):
        sizes[i] -= n - 1
        y = picked(o, y, i, np.arange(sizes[i])[:, None] + np.arange(n))
        y = transposed(o, y, [*range(i + 1), *range(i + 2, rank + 1), i + 1])
    return str(y)
