"""For every primitive of the table, how to draw valid inputs and options for it, kinks included, in plain NumPy.

The property tests, the gradient-check report and the mutation run are generated from it: a primitive without a sample
is an error. Everything comes from `Draw.integer`, so that hypothesis can take it over and shrink what fails.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from ..arrays import Array

Item = TypeVar("Item")
Shape = tuple[int, ...]


@dataclass
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
        return np.ascontiguousarray(x)


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


# ---- reductions ----


# ---- shapes ----


# ---- indexing ----


# ---- linear algebra ----


# ---- fused ----
