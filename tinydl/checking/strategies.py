"""Hypothesis strategies for arrays and calls of primitives: what a derivative rule must bear.

They draw shapes without axes, of length 0 and 1, strides, kinks, ties, tiny numbers. The only file of the package that
needs hypothesis (``python -m pip install ".[test]"`` in the clone), which is why ``import tinydl`` doesn't load it.
Stands on samples.py; mutations.py, next door, tests the tests.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ..engine.arrays import Array
from ..engine.tensor import Primitive
from .samples import SAMPLES, Draw, Sample, sample

Shape = tuple[int, ...]


def shapes(min_ndim: int = 0, max_ndim: int = 4, min_side: int = 0, max_side: int = 4) -> st.SearchStrategy[Shape]:
    """Shapes of 0 to 4 axes, those of length 0 and 1 included."""
    return hnp.array_shapes(min_dims=min_ndim, max_dims=max_ndim, min_side=min_side, max_side=max_side)


def broadcastable_shapes(count: int = 2, **limits: int) -> st.SearchStrategy[tuple[Shape, ...]]:
    """`count` shapes that broadcast with each other; `limits` are those of `shapes`."""

    def stretch(shape: Shape) -> st.SearchStrategy[tuple[Shape, ...]]:
        return st.builds(lambda d: tuple(d.broadcastable(shape) for _ in range(count)), draws())

    return shapes(**limits).flatmap(stretch)


@st.composite
def arrays(
    draw: st.DrawFn,
    shape: Shape | st.SearchStrategy[Shape] | None = None,
    low: float = -2.0,
    high: float = 2.0,
    avoid: Sequence[float] = (),
    specials: Sequence[float] = (0.0, 1.0),
    dtype: Any = np.float64,
) -> Array:
    """Floats from low to high in any layout in memory: C's, Fortran's, reversed or strided.

    None is nearer than 0.05 to a number to `avoid`; some are `specials`; where 0 isn't to be avoided, some arrays are
    as small as 1e-8.
    """
    size = draw(shapes()) if shape is None else draw(shape) if isinstance(shape, st.SearchStrategy) else shape
    return _HypothesisDraw(draw).array(size, low, high, avoid, specials, dtype)


def axes(ndim: int) -> st.SearchStrategy[int | tuple[int, ...] | None]:
    """What a reduction of `ndim` axes takes as `axis`: None, an axis from either end, or several different ones."""
    return st.builds(lambda d: d.axes(ndim), draws())


def samples(primitive: Primitive | str, smooth: bool | None = None) -> st.SearchStrategy[Sample]:
    """Valid inputs and options for a primitive of the table, or for one of yours that `sampler` knows by its name.

    ``sample.smooth`` says whether all of it is far from kinks and ties; with `smooth` only such, or only others, are
    drawn. Raises KeyError, when a test runs, for a primitive that nobody has said how to sample.
    """
    name = primitive if isinstance(primitive, str) else primitive.name
    if name not in SAMPLES:
        raise KeyError(f"nobody has said how to sample {name!r}: decorate a function of a Draw with @sampler({name!r})")
    found = st.builds(lambda d: sample(name, d), draws())
    return found if smooth is None else found.filter(lambda s: s.smooth == smooth)


class _HypothesisDraw(Draw):
    """The source of random choices that hypothesis controls, so that what fails is made as simple as it can be."""

    def __init__(self, draw: Callable[[st.SearchStrategy[int]], int]) -> None:
        super().__init__(0)
        self._draw = draw

    def integer(self, low: int, high: int) -> int:
        if low <= 0 <= high:
            return self._draw(st.integers(low, high))
        return low + self._draw(st.integers(0, high - low))  # so that it shrinks towards `low`

    def array(
        self,
        shape: Shape,
        low: float = -2,
        high: float = 2,
        avoid: Sequence[float] = (),
        specials: Sequence[float] = (),
        dtype: Any = np.float64,
    ) -> Array:
        x = super().array(shape, low, high, avoid, specials, dtype)
        if low <= 0 <= high and 0 not in avoid and 0.0 not in avoid and self.integer(0, 5) == 5:
            small = x * 10.0 ** -self.integer(1, 8)
            x = self.layout(small if all(v == 0 for v in avoid) else x)
        return x


@st.composite
def draws(draw: st.DrawFn) -> Draw:
    """Sources of random choices (integer, boolean, choice, shape, array, …) for samplers and tests of your own."""
    return _HypothesisDraw(draw)
