"""For every primitive of the table, how to draw valid inputs and options for it, kinks included, in plain NumPy.

The property tests, the gradient-check report and the mutation run are generated from it: a primitive without a sample
is an error. Everything comes from `Draw.integer`, so that hypothesis can take it over and shrink what fails.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from ..derivatives.collective import Alone
from ..derivatives.windows import Steps, places
from ..engine.arrays import Array

Item = TypeVar("Item")
Shape = tuple[int, ...]


@dataclass(eq=False)
class Sample:
    """Inputs and options that a primitive accepts."""

    inputs: tuple[Any, ...]
    options: dict[str, Any] = field(default_factory=dict)
    smooth: bool = True  # False on a kink or tie, or within 1e-3 of one, where a numerical derivative is none


class Draw:
    """A source of random choices; every one of them comes from `integer`, which a subclass may replace."""

    def __init__(self, seed: int | np.random.Generator = 0) -> None:
        self._rng = np.random.default_rng(seed)

    def integer(self, low: int, high: int) -> int:
        """An integer from low to high, both included."""
        return int(self._rng.integers(low, high, endpoint=True))

    def boolean(self) -> bool:
        """True or False."""
        return bool(self.integer(0, 1))

    def choice(self, items: Sequence[Item]) -> Item:
        """One of the items."""
        return items[self.integer(0, len(items) - 1)]

    def shape(self, min_ndim: int = 0, max_ndim: int = 4, min_side: int = 0, max_side: int = 4) -> Shape:
        """Side lengths of an array."""
        return tuple(self.integer(min_side, max_side) for _ in range(self.integer(min_ndim, max_ndim)))

    def broadcastable(self, shape: Shape) -> Shape:
        """A shape that broadcasts with `shape` to `shape`: some sides are 1, some leading axes absent."""
        kept = shape[self.integer(0, len(shape)) :] if self.integer(0, 2) == 0 else shape
        return tuple(1 if self.integer(0, 3) == 0 else n for n in kept)

    def axis(self, ndim: int) -> int:
        """One of `ndim` ≥ 1 axes, counted from the front or from the back."""
        return self.integer(-ndim, ndim - 1)

    def axes(self, ndim: int) -> int | tuple[int, ...] | None:
        """None, one axis or a tuple of different axes, as reductions take them."""
        kind = self.integer(0, 2) if ndim else 0
        if kind == 0:
            return None
        if kind == 1:
            return self.axis(ndim)
        chosen = [i for i in self.permutation(ndim) if self.boolean()]
        return tuple(i - ndim if self.boolean() else i for i in chosen)

    def permutation(self, n: int) -> list[int]:
        """0 … n-1 in some order."""
        rest = list(range(n))
        return [rest.pop(self.integer(0, len(rest) - 1)) for _ in range(n)]

    def array(
        self,
        shape: Shape,
        low: float = -2,
        high: float = 2,
        avoid: Sequence[float] = (),
        specials: Sequence[float] = (),
        dtype: Any = np.float64,
    ) -> Array:
        """An array of numbers between low and high, at least 0.05 away from those to `avoid`, some of them `specials`.

        Its layout is C's, Fortran's, with a reversed axis, or a strided part of a larger array.
        """
        rng = np.random.default_rng(self.integer(0, 2**32 - 1))
        x = rng.uniform(low, high, shape)
        for value in avoid:
            x = np.where(np.abs(x - value) < 0.05, np.where(value + 0.1 <= high, value + 0.1, value - 0.1), x)
        if len(specials) and self.boolean():
            x = np.where(rng.random(shape) < 0.3, rng.choice(np.asarray(specials, float), shape), x)
        return self.layout(x.astype(dtype))

    def layout(self, x: Array) -> Array:
        """The same numbers in another place in memory."""
        kind = self.integer(0, 3) if x.ndim else 0
        if kind == 1:
            return np.asfortranarray(x)
        if kind == 2:
            return np.ascontiguousarray(x[..., ::-1])[..., ::-1]
        if kind == 3:
            larger = np.zeros((*x.shape[:-1], 2 * x.shape[-1]), x.dtype)
            larger[..., ::2] = x
            return larger[..., ::2]
        return np.array(x, order="C")


Sampler = Callable[[Draw], Sample]
SAMPLES: dict[str, Sampler] = {}


def sampler(*names: str) -> Callable[[Sampler], Sampler]:
    """Register the function as the way to draw for these primitives."""

    def register(function: Sampler) -> Sampler:
        for name in names:
            SAMPLES[name] = function
        return function

    return register


def sample(name: str, draw: Draw) -> Sample:
    """Inputs and options for the primitive of this name; KeyError where nobody has said how to draw them."""
    return SAMPLES[name](draw)


def far(x: Any, *values: float, distance: float = 1e-3) -> bool:
    """Whether no element of x is within `distance` of one of the values."""
    return not any(np.any(np.abs(np.asarray(x) - value) < distance) for value in values)


def apart(x: Array, axis: Any = None, distance: float = 1e-3) -> bool:
    """Whether all elements along the axis (None: all elements) are at least `distance` from each other."""
    if axis is None or isinstance(axis, tuple):
        x, axis = np.ravel(x), 0
    return not np.any(np.diff(np.sort(x, axis=axis), axis=axis) < distance)


# ---- elementwise ----


def operands(draw: Draw, low: float = -2, high: float = 2, **options: Any) -> tuple[Array, Array]:
    """Two arrays that broadcast against each other."""
    shape = draw.shape()
    shapes = [draw.broadcastable(shape), shape]
    if draw.boolean():
        shapes.reverse()
    a, b = (draw.array(s, low, high, **options) for s in shapes)
    return a, b


def _unary(low: float, high: float, avoid: Sequence[float] = (), kinks: Sequence[float] = ()) -> Sampler:
    def draw_one(draw: Draw) -> Sample:
        x = draw.array(draw.shape(), low, high, avoid, specials=kinks)
        return Sample((x,), smooth=far(x, *kinks))

    return draw_one


for _names, _sampler in {
    "negative positive conjugate square sin cos tanh arctan arcsinh deg2rad rad2deg": _unary(-4, 4),
    "exp exp2 expm1 sinh cosh": _unary(-3, 3),
    "sqrt log log2 log10": _unary(0.1, 5),
    "reciprocal cbrt": _unary(-4, 4, avoid=(0,)),
    "log1p": _unary(-0.9, 4),
    "tan": _unary(-1.4, 1.4),
    "arcsin arccos arctanh": _unary(-0.9, 0.9),
    "arccosh": _unary(1.1, 4),
    "absolute fabs": _unary(-2, 2, kinks=(0.0,)),
}.items():
    sampler(*_names.split())(_sampler)


@sampler("add", "subtract", "multiply")
def _arithmetic(draw: Draw) -> Sample:
    return Sample(operands(draw, specials=(0.0, 1.0)))


@sampler("divide")
def _divide(draw: Draw) -> Sample:
    return Sample(operands(draw, avoid=(0,)))


@sampler("power")
def _power(draw: Draw) -> Sample:
    if draw.boolean():
        return Sample(operands(draw, 0.2, 3))
    exponent = draw.choice((0, 1, 2, 3, 1.0, 2.0, -1.0))
    x = draw.array(draw.shape(), avoid=(0,) if exponent < 0 else (), specials=() if exponent < 0 else (0.0,))
    return Sample((x, exponent if draw.boolean() else np.float64(exponent)))


@sampler("remainder")
def _remainder(draw: Draw) -> Sample:
    a, b = operands(draw, -4, 4, avoid=(0,))
    b = np.where(np.abs(b) < 0.5, 0.5, b)
    return Sample((a, b), smooth=far(a / b - np.round(a / b), 0))


@sampler("logaddexp", "logaddexp2", "arctan2")
def _smooth_pair(draw: Draw) -> Sample:
    return Sample(operands(draw, 0.3, 3))


@sampler("hypot", "maximum", "minimum", "fmax", "fmin")
def _pair_with_kinks(draw: Draw) -> Sample:
    a, b = operands(draw, specials=(0.0, 1.0))
    return Sample((a, b), smooth=far(np.hypot(a, b), 0) and far(a - b, 0))


@sampler("clip")
def _clip(draw: Draw) -> Sample:
    shape = draw.shape()
    a = draw.array(shape, specials=(-1.0, 1.0))
    low: Any = draw.choice((None, -1.0, draw.array(draw.broadcastable(shape), -1.5, 0.2)))
    high: Any = draw.choice((1.0, draw.array(draw.broadcastable(shape), -0.5, 1.5)))
    if low is not None and draw.integer(0, 3) == 0:
        high = None
    gaps = [a - b for b in (low, high) if b is not None]
    if low is not None and high is not None:
        gaps.append(np.asarray(high - low))
    return Sample((a, low, high), smooth=all(far(gap, 0) for gap in gaps))


@sampler("where")
def _where(draw: Draw) -> Sample:
    a, b = operands(draw)
    return Sample((draw.array(draw.broadcastable(np.broadcast_shapes(a.shape, b.shape))) > 0, a, b))


@sampler("sinc")
def _sinc(draw: Draw) -> Sample:
    return Sample((draw.array(draw.shape(), -4, 4, specials=(0.0, 1.0, 1e-9)),))


@sampler("sinc_derivative")
def _sinc_derivative(draw: Draw) -> Sample:
    return Sample((draw.array(draw.shape(), -4, 4, specials=(0.0, 1.0, 1e-9)),), {"n": draw.integer(0, 3)})


@sampler("nan_to_num")
def _nan_to_num(draw: Draw) -> Sample:
    x = draw.array(draw.shape(), specials=(np.nan, np.inf, -np.inf))
    options = draw.choice(({}, {"nan": 2.0, "posinf": 3.0, "neginf": -3.0}))
    return Sample((x,), options, smooth=bool(np.isfinite(x).all()))


# ---- reductions ----


def reduction(draw: Draw, min_side: int = 0, **options: Any) -> tuple[Array, dict[str, Any]]:
    """An array, and the axes over which to reduce it; often with an axis of length 1."""
    shape = draw.shape(min_side=min_side)
    chosen: dict[str, Any] = {}
    axis = draw.axes(len(shape))
    if axis is not None or draw.boolean():
        chosen["axis"] = axis
    if draw.boolean():
        chosen["keepdims"] = draw.boolean()
    return draw.array(shape, **options), chosen


@sampler("sum")
def _sum(draw: Draw) -> Sample:
    a, options = reduction(draw, min_side=draw.integer(0, 1))
    return Sample((a,), options)


@sampler("mean")
def _mean(draw: Draw) -> Sample:
    a, options = reduction(draw, min_side=draw.integer(0, 1))
    return Sample((a,), options, smooth=groups(a, options.get("axis")).shape[-1] > 0)  # the mean of nothing is NaN


def groups(a: Array, axis: Any) -> Array:
    """The elements that a reduction takes together, along a last axis."""
    axes = tuple(range(a.ndim)) if axis is None else tuple(i % a.ndim for i in np.atleast_1d(axis).astype(int))
    moved = np.moveaxis(a, axes, range(a.ndim - len(axes), a.ndim))
    kept = moved.shape[: a.ndim - len(axes)]
    return moved.reshape((*kept, int(np.prod(moved.shape[len(kept) :]))))


@sampler("var", "std")
def _var(draw: Draw) -> Sample:
    a, options = reduction(draw, min_side=1)
    together = groups(a, options.get("axis"))
    if together.shape[-1] > 2 and draw.boolean():
        options["ddof"] = draw.choice((0, 1, 1.5))
    return Sample((a,), options, smooth=bool(np.all(np.ptp(together, axis=-1) > 1e-2)))


@sampler("max", "min", "median")
def _extreme(draw: Draw) -> Sample:
    a, options = reduction(draw, min_side=1, specials=(-1.9, 0.0, 1.9))
    return Sample((a,), options, smooth=apart(groups(a, options.get("axis")), -1))


@sampler("quantile")
def _quantile(draw: Draw) -> Sample:
    a, options = reduction(draw, min_side=1, specials=(-1.9, 0.0, 1.9))
    if options.get("axis") == ():
        options["axis"] = None
    options["q"] = draw.choice((0.0, 0.3, 0.5, 1.0, [0.25, 0.6], [[0.1, 1.0], [0.45, 0.8]]))
    methods = (
        "linear", "lower", "higher", "midpoint", "nearest", "inverted_cdf", "averaged_inverted_cdf", "hazen",
        "closest_observation", "interpolated_inverted_cdf", "weibull", "median_unbiased", "normal_unbiased",
    )  # fmt: skip
    options["method"] = draw.choice(methods)
    return Sample((a,), options, smooth=apart(groups(a, options.get("axis")), -1))


@sampler("max_of_chosen", "min_of_chosen")
def _extreme_of_chosen(draw: Draw) -> Sample:
    a, options = reduction(draw, min_side=1, specials=(-1.9, 0.0, 1.9))
    some = draw.array(a.shape) > 0
    alone = groups(some, options.get("axis")).any(-1).all()  # the extreme of nothing is infinite, as if of all
    options["where"] = some if alone else np.ones(a.shape, bool)
    return Sample((a,), options, smooth=apart(groups(a, options.get("axis")), -1))


@sampler("prod")
def _prod(draw: Draw) -> Sample:
    a, options = reduction(draw, specials=(0.0,))
    return Sample((a,), options)


@sampler("cumsum", "cumprod")
def _running(draw: Draw) -> Sample:
    shape = draw.shape()
    axis = draw.axis(len(shape)) if shape and draw.boolean() else None
    return Sample((draw.array(shape, specials=(0.0,)),), {"axis": axis})


@sampler("recurrence")
def _recurrence(draw: Draw) -> Sample:
    shape = draw.shape(min_ndim=1)
    return Sample((draw.array(shape), draw.array(shape, specials=(0.0,))))


# ---- shapes ----


def _moving(options: Callable[[Draw, Shape], dict[str, Any]], min_ndim: int = 0, max_ndim: int = 4) -> Sampler:
    """A sampler of an array and the options that suit its shape."""

    def draw_one(draw: Draw) -> Sample:
        shape = draw.shape(min_ndim, max_ndim)
        return Sample((draw.array(shape),), options(draw, shape))

    return draw_one


def _new_shape(draw: Draw, shape: Shape) -> dict[str, Any]:
    size = int(np.prod(shape, dtype=int))
    shapes: list[Any] = [size, (size,), (1, size), (size, 1, 1), shape[::-1]]
    if size:
        shapes += [-1, (-1, 1), *((d, -1) for d in (2, 3) if size % d == 0)]
    return {"shape": draw.choice(shapes), "order": draw.choice("CF")}


def _permuted(draw: Draw, shape: Shape) -> dict[str, Any]:
    axes = tuple(i - len(shape) if draw.boolean() else i for i in draw.permutation(len(shape)))
    return {"axes": draw.choice((None, axes))}


def _moved(draw: Draw, shape: Shape) -> dict[str, Any]:
    if draw.boolean():
        return {"source": draw.axis(len(shape)), "destination": draw.axis(len(shape))}
    count = draw.integer(1, len(shape))
    return {"source": draw.permutation(len(shape))[:count], "destination": draw.permutation(len(shape))[:count]}


def _two_axes(draw: Draw, shape: Shape) -> tuple[int, int]:
    first, second = draw.permutation(len(shape))[:2]
    return first, second - len(shape) if draw.boolean() else second


def _rolled(draw: Draw, shape: Shape) -> dict[str, Any]:
    if not shape or draw.boolean():
        return {"shift": draw.integer(-5, 5)}
    axis = draw.axes(len(shape))
    if isinstance(axis, tuple) and draw.boolean():
        return {"shift": tuple(draw.integer(-5, 5) for _ in axis), "axis": axis}
    return {"shift": draw.integer(-5, 5), "axis": axis}


def _tiled(draw: Draw, shape: Shape) -> dict[str, Any]:
    return {"reps": draw.choice((2, (2,), (0,), (3, 1), (1, 2, 2), ()))}


def _repeated(draw: Draw, shape: Shape) -> dict[str, Any]:
    axis = draw.axis(len(shape)) if shape and draw.boolean() else None
    count = int(np.prod(shape, dtype=int)) if axis is None else shape[axis]
    each = [draw.integer(0, 3) for _ in range(count)]
    return {"repeats": draw.choice((0, 2, [3], each)) if count != 1 else 2, "axis": axis}


def _padded(draw: Draw, shape: Shape) -> dict[str, Any]:
    width = tuple((draw.integer(0, 2), draw.integer(0, 2)) for _ in shape)
    return {"pad_width": width, "constant_values": draw.choice((0, 1.5, (2.0, 3.0)))}


def _diagonals(draw: Draw, shape: Shape) -> dict[str, Any]:
    axis1, axis2 = _two_axes(draw, shape)
    return {"offset": draw.integer(-2, 2), "axis1": axis1, "axis2": axis2}


for _name, _sampler in {
    "reshape": _moving(_new_shape),
    "transpose": _moving(_permuted),
    "swapaxes": _moving(lambda draw, shape: {"axis1": draw.axis(len(shape)), "axis2": draw.axis(len(shape))}, 1),
    "moveaxis": _moving(_moved, 1),
    "expand_dims": _moving(lambda draw, shape: {"axis": draw.choice((0, -1, len(shape), (0, 2), (-1, 0)))}, 1),
    "flip": _moving(lambda draw, shape: {"axis": draw.axes(len(shape))}),
    "rot90": _moving(lambda draw, shape: {"k": draw.integer(-5, 5), "axes": _two_axes(draw, shape)}, 2),
    "roll": _moving(_rolled),
    "copy": _moving(lambda draw, shape: {}),
    "cast": _moving(lambda draw, shape: {"dtype": np.dtype(np.float64)}),
    "tile": _moving(_tiled, max_ndim=3),
    "repeat": _moving(_repeated),
    "pad": _moving(_padded, 1),
    "diagonal": _moving(_diagonals, 2),
    "tril": _moving(lambda draw, shape: {"k": draw.integer(-2, 3)}, 1),
    "triu": _moving(lambda draw, shape: {"k": draw.integer(-2, 3)}, 1),
}.items():
    sampler(_name)(_sampler)


@sampler("squeeze")
def _squeeze(draw: Draw) -> Sample:
    shape = draw.shape(max_side=2)
    ones = [i for i, n in enumerate(shape) if n == 1]
    axis: Any = draw.choice((None, tuple(ones), *ones, *(i - len(shape) for i in ones)))
    return Sample((draw.array(shape),), {"axis": axis})


@sampler("broadcast_to")
def _broadcast_to(draw: Draw) -> Sample:
    shape = draw.shape()
    return Sample((draw.array(draw.broadcastable(shape)),), {"shape": shape})


@sampler("concatenate")
def _concatenate(draw: Draw) -> Sample:
    shape, count = draw.shape(min_ndim=1), draw.integer(1, 4)
    if draw.integer(0, 3) == 0:
        return Sample(tuple(draw.array(draw.shape(max_ndim=3)) for _ in range(count)), {"axis": None})
    axis = draw.axis(len(shape)) % len(shape)
    parts = [draw.array((*shape[:axis], draw.integer(0, 4), *shape[axis + 1 :])) for _ in range(count)]
    return Sample(tuple(parts), {"axis": axis - len(shape) if draw.boolean() else axis})


@sampler("stack")
def _stack(draw: Draw) -> Sample:
    shape = draw.shape(max_ndim=3)
    return Sample(tuple(draw.array(shape) for _ in range(draw.integer(1, 4))), {"axis": draw.axis(len(shape) + 1)})


@sampler("on_diagonal")
def _on_diagonal(draw: Draw) -> Sample:
    shape = draw.shape(min_ndim=2)
    options = _diagonals(draw, shape)
    v = np.diagonal(np.zeros(shape), **options)
    return Sample((draw.array(v.shape),), {"shape": shape, **options})


# ---- indexing ----


def _index(draw: Draw, shape: Shape) -> Any:
    """Any index that NumPy takes for an array of this shape, whose sides aren't 0."""
    rng = np.random.default_rng(draw.integer(0, 2**32 - 1))
    if draw.integer(0, 4) == 0:
        return rng.random(shape[: draw.integer(1, len(shape))]) < 0.5
    length = draw.integer(0, 3)
    parts: list[Any] = []
    for n in shape[: draw.integer(0, len(shape))]:
        start, stop = (draw.integer(-n - 1, n + 1) for _ in range(2))
        step = draw.choice((None, 1, 2, -1, -2))
        parts.append(
            draw.choice(
                (
                    draw.integer(-n, n - 1),
                    slice(start, stop, step),
                    slice(None, None, step),
                    rng.integers(-n, n, length),
                    rng.integers(-n, n, (2, 1)),
                    [draw.integer(-n, n - 1)],
                )
            )
        )
    if draw.boolean():
        parts.insert(draw.integer(0, len(parts)), None)
    if draw.boolean():
        parts.append(Ellipsis)
    return parts[0] if len(parts) == 1 and draw.boolean() else tuple(parts)


@sampler("getitem")
def _getitem(draw: Draw) -> Sample:
    shape = draw.shape(min_ndim=1, min_side=1)
    return Sample((draw.array(shape),), {"index": _index(draw, shape)})


@sampler("scatter")
def _scatter(draw: Draw) -> Sample:
    shape = draw.shape(min_ndim=1, min_side=1)
    index = _index(draw, shape)
    return Sample((draw.array(np.shape(np.zeros(shape)[index])),), {"index": index, "shape": shape})


@sampler("added_at")
def _added_at(draw: Draw) -> Sample:
    shape = draw.shape(min_ndim=1, min_side=1)
    index = _index(draw, shape)
    return Sample((draw.array(shape), draw.array(np.shape(np.zeros(shape)[index]))), {"index": index})


def _windowed(draw: Draw) -> tuple[Shape, Any, Any]:
    """The shape of an array, and a shape of windows and axes that fit."""
    shape = draw.shape(min_ndim=1, max_ndim=3, min_side=1, max_side=5)
    axes = [i for i in draw.permutation(len(shape)) if draw.boolean()] or [0]
    window = [draw.integer(1, shape[i]) for i in axes]
    if draw.integer(0, 3) == 0:  # one of the axes twice
        axes, window = [*axes, axes[0]], [*window, shape[axes[0]] + 1 - window[0]]
    if draw.integer(0, 3) == 0:
        return shape, tuple(draw.integer(1, n) for n in shape), None
    named = tuple(i - len(shape) if draw.boolean() else i for i in axes)
    return shape, *((window[0], named[0]) if len(axes) == 1 else (tuple(window), named))


@sampler("sliding_window_view")
def _sliding_window_view(draw: Draw) -> Sample:
    shape, window, axis = _windowed(draw)
    return Sample((draw.array(shape),), {"window_shape": window, "axis": axis})


@sampler("windows_added")
def _windows_added(draw: Draw) -> Sample:
    shape, window, axis = _windowed(draw)
    g = draw.array(np.lib.stride_tricks.sliding_window_view(np.zeros(shape), window, axis).shape)
    axes = tuple(range(len(shape))) if axis is None else tuple(int(i) % len(shape) for i in np.atleast_1d(axis))
    return Sample((g,), {"shape": shape, "axes": axes})


@sampler("take")
def _take(draw: Draw) -> Sample:
    shape = draw.shape(min_side=1)
    axis = draw.axis(len(shape)) if shape and draw.boolean() else None
    n = int(np.prod(shape)) if axis is None else shape[axis]
    mode = draw.choice(("raise", "wrap", "clip"))
    beyond = 0 if mode == "raise" else 2 * n
    picked = np.random.default_rng(draw.integer(0, 2**32 - 1)).integers(-n - beyond, n + beyond, draw.shape(max_ndim=2))
    return Sample((draw.array(shape),), {"indices": picked, "axis": axis, "mode": mode})


@sampler("sort")
def _sort(draw: Draw) -> Sample:
    shape = draw.shape()
    axis = draw.axis(len(shape)) if shape and draw.boolean() else None
    a = draw.array(shape, specials=(0.0, 1.0))
    return Sample((a,), {"axis": axis}, smooth=apart(a, axis))


# ---- linear algebra ----


def _batches(draw: Draw) -> tuple[Shape, Shape]:
    """Leading axes of two stacks of matrices that broadcast with each other."""
    shape = draw.shape(max_ndim=2, min_side=1, max_side=3)
    return draw.broadcastable(shape), draw.broadcastable(shape)


def _regular(draw: Draw, shape: Shape) -> Array:
    """Matrices far from singular, with singular values that differ."""
    m, n = shape[-2:]
    return draw.layout(draw.array(shape, -0.4, 0.4) + 2 * np.eye(m, n) * np.arange(1, n + 1))


@sampler("matmul")
def _matmul(draw: Draw) -> Sample:
    left, right = _batches(draw)
    m, k, n = (draw.integer(0 if draw.integer(0, 5) == 0 else 1, 4) for _ in range(3))
    a = (k,) if draw.integer(0, 3) == 0 else (*left, m, k)
    b = (k,) if draw.integer(0, 3) == 0 else (*right, k, n)
    return Sample((draw.array(a), draw.array(b)))


@sampler("vecdot")
def _vecdot(draw: Draw) -> Sample:
    (left, right), n = _batches(draw), draw.integer(0 if draw.integer(0, 5) == 0 else 1, 4)
    return Sample((draw.array((*left, n)), draw.array((*right, n))))


@sampler("vdot")
def _vdot(draw: Draw) -> Sample:
    shape = draw.shape()
    other = draw.choice((shape, shape[::-1], (int(np.prod(shape)),)))
    return Sample((draw.array(shape), draw.array(other)))


@sampler("einsum")
def _einsum(draw: Draw) -> Sample:
    subscripts = draw.choice(
        ("ij,jk->ik", "ij->ji", "ij->", "ii->i", "ii->", "iij,j->ij", "i,j->ij", "i,i->", "bij,bjk->bik", "ij,kj->k",
         "bhqd,bhkd->bhqk", "ij,jk,kl->il", "i->", "ij,ij->ij", "abc,c->ab", "iii->i", "a,b,ab->", ",ij->i"),
    )  # fmt: skip
    sides = {c: draw.integer(1, 3) for c in sorted(set(subscripts) - set(",->"))}
    terms = subscripts.split("->")[0].split(",")
    inputs = tuple(draw.array(tuple(sides[c] for c in term)) for term in terms)
    return Sample(inputs, {"subscripts": subscripts})


@sampler("inv", "det", "slogdet")
def _square(draw: Draw) -> Sample:
    n = draw.integer(1, 4)
    return Sample((_regular(draw, (*draw.shape(max_ndim=2, max_side=3), n, n)),))


@sampler("cofactors")
def _cofactors(draw: Draw) -> Sample:
    n = draw.integer(1, 4)
    a = _regular(draw, (*draw.shape(max_ndim=1, max_side=2), n, n))
    if n > 1 and draw.boolean():
        a[..., 0, :] = a[..., 1, :]  # singular
    return Sample((a,))


@sampler("solve")
def _solve(draw: Draw) -> Sample:
    left, right = _batches(draw)
    n = draw.integer(1, 4)
    b = (n,) if draw.integer(0, 2) == 0 else (*right, n, draw.integer(1, 3))
    return Sample((_regular(draw, (*left, n, n)), draw.array(b)))


@sampler("pinv", "svd", "qr")
def _matrix(draw: Draw) -> Sample:
    shape = (*draw.shape(max_ndim=1, min_side=1, max_side=2), draw.integer(1, 4), draw.integer(1, 4))
    return Sample((_regular(draw, shape),))


def _even(draw: Draw) -> Array:
    n = draw.integer(1, 4)
    a = _regular(draw, (*draw.shape(max_ndim=1, max_side=2), n, n))
    return (a + a.mT) / 2


@sampler("eigh")
def _eigh(draw: Draw) -> Sample:
    return Sample((_even(draw),), {"UPLO": draw.choice("LU")} if draw.boolean() else {})


@sampler("cholesky")
def _cholesky(draw: Draw) -> Sample:
    return Sample((_even(draw),), {"upper": True} if draw.boolean() else {})


@sampler("norm")
def _norm(draw: Draw) -> Sample:
    shape = draw.shape(min_side=1)
    x = draw.array(shape, avoid=(0.0,))
    if draw.integer(0, 4) == 0:
        x = np.zeros(shape)
    return Sample((x,), {"axis": draw.axes(len(shape)), "keepdims": draw.boolean()}, smooth=far(x, 0.0))


@sampler("power_norm")
def _power_norm(draw: Draw) -> Sample:
    shape = draw.shape(min_side=1)
    x = draw.array(shape, avoid=(0.0,), specials=(0.0,))
    p = draw.choice((0.5, 1.5, 3, 4.5, -1, -2))
    if p < 0:
        x = np.where(x == 0, 1.0, x)
    return Sample((x,), {"p": p, "axis": draw.axes(len(shape)), "keepdims": draw.boolean()}, smooth=far(x, 0.0))


# ---- fused ----


@sampler("linear")
def _linear(draw: Draw) -> Sample:
    inner, outer = draw.integer(1, 4), draw.integer(1, 4)
    x = draw.array((*draw.shape(max_ndim=3), inner))
    bias = draw.array((outer,)) if draw.boolean() else None
    return Sample((x, draw.array((outer, inner)), bias))


@sampler("relu", "leaky_relu", "elu", "celu", "softsign")
def _with_kink_at_0(draw: Draw) -> Sample:
    x = draw.array(draw.shape(), avoid=(0.0,), specials=(0.0,))
    return Sample((x,), smooth=far(x, 0.0))


@sampler("hardtanh")
def _hardtanh(draw: Draw) -> Sample:
    low, high = draw.choice(((-1.0, 1.0), (-0.5, 1.5)))
    x = draw.array(draw.shape(), avoid=(low, high), specials=(low, high))
    return Sample((x,), {"min_val": low, "max_val": high}, smooth=far(x, low, high))


@sampler("fake_quantised")
def _fake_quantised(draw: Draw) -> Sample:
    # on a grid finer than any step, what a numerical derivative sees is the rule: a slope of 1 inside, 0 beyond
    fine = draw.boolean()
    most = 2.0**40 if fine else 3.0
    x = draw.array(draw.shape(), avoid=(-1.0, 1.0), specials=() if fine else (0.0, 1 / 6, -0.5))
    return Sample((x, np.full((1,) * x.ndim, 1 / most)), {"most": most}, smooth=fine and far(x, -1.0, 1.0))


_ALONE = Alone()


@sampler("all_sum")
def _all_sum(draw: Draw) -> Sample:
    return Sample((draw.array(draw.shape()),), {"comm": _ALONE})


@sampler("prelu")
def _prelu(draw: Draw) -> Sample:
    shape = draw.shape()
    x = draw.array(shape, avoid=(0.0,), specials=(0.0,))
    return Sample((x, draw.array(draw.broadcastable(shape))), smooth=far(x, 0.0))


@sampler("sigmoid", "erf", "normal_cdf", "normal_pdf", "gelu_gate")
def _smooth(draw: Draw) -> Sample:
    return Sample((draw.array(draw.shape(), -4, 4, specials=(0.0, -12.0, 12.0)),))


@sampler("gelu_gate_vjp")
def _gelu_gate_vjp(draw: Draw) -> Sample:
    shape = draw.shape()
    return Sample((draw.array(shape), draw.array(shape, 0, 1), draw.array(shape)))


@sampler("softplus")
def _softplus(draw: Draw) -> Sample:
    x = draw.array(draw.shape(), -4, 4, specials=(0.0, -30.0, 30.0))
    options = {"beta": draw.choice((0.5, 2.0)), "threshold": 9.0} if draw.boolean() else {}
    return Sample((x,), options, smooth=far(x * options.get("beta", 1.0), 9.0))


def _with_axis(draw: Draw) -> tuple[Shape, dict[str, Any]]:
    shape = draw.shape(min_ndim=1, min_side=1)
    return shape, {"axis": draw.axis(len(shape))} if draw.boolean() else {}


@sampler("softmax", "log_softmax")
def _softmax(draw: Draw) -> Sample:
    shape, options = _with_axis(draw)
    return Sample((draw.array(shape),), options)


@sampler("masked_softmax")
def _masked_softmax(draw: Draw) -> Sample:
    shape = draw.shape(min_ndim=1, min_side=1)
    mask = draw.array(draw.broadcastable(shape), specials=(-np.inf,))
    if mask.ndim > 1 and draw.boolean():
        mask[..., :1, :] = -np.inf  # a row that may look nowhere
    return Sample((draw.array(shape), mask))


@sampler("softmax_vjp", "log_softmax_vjp")
def _softmax_vjp(draw: Draw) -> Sample:
    shape, options = _with_axis(draw)
    return Sample((draw.array(shape), draw.array(shape)), options)


@sampler("logsumexp")
def _logsumexp(draw: Draw) -> Sample:
    shape = draw.shape(min_ndim=1, min_side=1)
    return Sample((draw.array(shape),), {"axis": draw.axes(len(shape)), "keepdims": draw.boolean()})


@sampler("weighted_cross_entropy")
def _weighted_cross_entropy(draw: Draw) -> Sample:
    rows, classes = draw.integer(0, 4), draw.integer(1, 4)
    labels = np.array([draw.integer(0, classes - 1) for _ in range(rows)], dtype=np.intp)
    weights = draw.array((rows,), 0, 1) if draw.boolean() else np.asarray(0.25)
    return Sample((draw.array((rows, classes)), labels, weights))


@sampler("softmax_minus_target")
def _softmax_minus_target(draw: Draw) -> Sample:
    logits, labels, weights = _weighted_cross_entropy(draw).inputs
    return Sample((draw.array(weights.shape), logits, labels))


def _normalised_shape(draw: Draw) -> tuple[Shape, Any]:
    shape = draw.shape(min_ndim=1, min_side=2)
    last = tuple(range(-draw.integer(1, len(shape)), 0))
    return shape, draw.choice((-1, 0, last))


@sampler("centred")
def _centred(draw: Draw) -> Sample:
    shape, axis = _normalised_shape(draw)
    return Sample((draw.array(shape),), {"axis": axis, "careful": draw.boolean()})


@sampler("inverse_rms")
def _inverse_rms(draw: Draw) -> Sample:
    shape, axis = _normalised_shape(draw)
    return Sample((draw.array(shape),), {"axis": axis, "eps": draw.choice((1e-2, 0.1))})


@sampler("sum_of_products")
def _sum_of_products(draw: Draw) -> Sample:
    shape = draw.shape(min_ndim=1, min_side=draw.integer(0, 1))
    axis = tuple(i - len(shape) if draw.boolean() else i for i in draw.permutation(len(shape)) if draw.boolean())
    order = draw.permutation(len(shape))
    a, b = (draw.array(tuple(shape[i] for i in order)).transpose(np.argsort(order)) for _ in range(2))
    return Sample((a, b), {"axis": draw.choice((axis, -1))})


@sampler("scale_and_shift")
def _scale_and_shift(draw: Draw) -> Sample:
    shape = draw.shape(min_side=draw.integer(0, 1))
    shift = draw.array(draw.broadcastable(shape)) if draw.boolean() else None
    return Sample((draw.array(shape), draw.array(draw.broadcastable(shape)), shift))


@sampler("bounded_log")
def _bounded_log(draw: Draw) -> Sample:
    x = draw.array(draw.shape(), 0.1, 1, specials=(0.0,))
    return Sample((x,), smooth=far(x, 0.0))


@sampler("huber")
def _huber(draw: Draw) -> Sample:
    delta = draw.choice((0.5, 1.0))
    x = draw.array(draw.shape(), avoid=(-delta, delta), specials=(0.0, delta))
    return Sample((x,), {"delta": delta}, smooth=far(x, -delta, delta))


# ---- windows ----


def _window(draw: Draw, least: int = 0) -> tuple[Shape, Shape, Steps]:
    """The sizes of an input of one or two axes, a kernel that fits in at least `least` times, and how it moves."""
    axes = draw.integer(1, 2)
    kernel = tuple(draw.integer(1, 3) for _ in range(axes))
    how = Steps(
        tuple(draw.integer(1, 3) for _ in kernel),
        tuple((draw.integer(0, 2), draw.integer(0, 2)) for _ in kernel),
        tuple(draw.integer(1, 2) for _ in kernel),
    )
    reach = [d * (k - 1) + 1 - sum(p) for k, d, p in zip(kernel, how.dilation, how.padding, strict=True)]
    sizes = tuple(max(r + draw.integer(0, 4), least) for r in reach)
    return sizes, kernel, how


def _convolution(draw: Draw) -> tuple[Shape, Shape, Shape, Steps]:
    """The shapes of an input, a weight and a result that belong together."""
    sizes, kernel, how = _window(draw, 1)
    how = how._replace(groups=draw.choice((1, 1, 2)))
    n, each, out = draw.integer(1, 3), draw.integer(1, 2), how.groups * draw.integer(1, 2)
    return (
        (n, each * how.groups, *sizes), (out, each, *kernel), (n, out, *places(sizes, kernel, how)), how,
    )  # fmt: skip


@sampler("conv")
def _conv(draw: Draw) -> Sample:
    x, weight, y, how = _convolution(draw)
    bias = draw.array(y[1:2]) if draw.boolean() else None
    return Sample((draw.array(x), draw.array(weight), bias), {"how": how})


@sampler("conv_input")
def _conv_input(draw: Draw) -> Sample:
    x, weight, y, how = _convolution(draw)
    return Sample((draw.array(y), draw.array(weight)), {"shape": _with_more(draw, x, how), "how": how})


def _with_more(draw: Draw, shape: Shape, how: Steps) -> Shape:
    """Sizes that have room for more places than the result has, as a transposed convolution's with output_padding."""
    most = [max(s, d) - 1 for s, d in zip(how.stride, how.dilation, strict=True)]
    return (*shape[:2], *(n + draw.integer(0, more) for n, more in zip(shape[2:], most, strict=True)))


@sampler("conv_weight")
def _conv_weight(draw: Draw) -> Sample:
    x, weight, y, how = _convolution(draw)
    return Sample((draw.array(_with_more(draw, x, how)), draw.array(y)), {"shape": weight, "how": how})


def _pooled(draw: Draw) -> tuple[Shape, Shape, dict[str, Any]]:
    """What a window meets is never padding alone, whose maximum is −∞."""
    sizes, kernel, how = _window(draw, 1)
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, how.dilation, strict=True)]
    how = how._replace(
        padding=tuple((min(a, r // 2), min(b, r // 2)) for (a, b), r in zip(how.padding, reach, strict=True))
    )
    sizes = tuple(map(max, sizes, reach))
    lead = draw.integer(1, 2), draw.integer(1, 2)
    return (*lead, *sizes), (*lead, *places(sizes, kernel, how)), {"kernel": kernel, "how": how}


@sampler("max_pool")
def _max_pool(draw: Draw) -> Sample:
    shape, _, options = _pooled(draw)
    x = draw.array(shape, specials=(-1.9, 0.0, 1.9))
    return Sample((x,), options, smooth=apart(x))


@sampler("sum_pool")
def _sum_pool(draw: Draw) -> Sample:
    shape, _, options = _pooled(draw)
    return Sample((draw.array(shape),), options)


@sampler("spread_pool")
def _spread_pool(draw: Draw) -> Sample:
    shape, result, options = _pooled(draw)
    return Sample((draw.array(result),), {"shape": shape, **options})


def _numbers(draw: Draw, result: Shape, kernel: Shape) -> Array:
    rng = np.random.default_rng(draw.integer(0, 2**32 - 1))
    return draw.layout(rng.integers(0, int(np.prod(kernel)), result, dtype=np.uint8))


@sampler("to_tap")
def _to_tap(draw: Draw) -> Sample:
    shape, result, options = _pooled(draw)
    return Sample((draw.array(result), _numbers(draw, result, options["kernel"])), {"shape": shape, **options})


@sampler("at_tap")
def _at_tap(draw: Draw) -> Sample:
    shape, result, options = _pooled(draw)
    return Sample((draw.array(shape), _numbers(draw, result, options["kernel"])), options)


@sampler("lstm")
def _lstm(draw: Draw) -> Sample:
    steps, rows, n = draw.integer(1, 3), draw.integer(0, 3), draw.integer(1, 3)
    p = draw.array((4 * steps * rows * n + 2 * rows * n + 4 * n * n,))
    return Sample((p,), {"shape": (steps, rows, n)})
