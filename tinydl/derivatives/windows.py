"""How a kernel moves over its input: at which places it stops, and what each of its taps meets there.

Shapes are PyTorch's, (N, C, *sizes). In memory what convolution and pooling make lies the other way round, (*sizes, C,
N): batch last. Then what a tap meets is a few long runs of numbers, which is twice as fast; NumPy's elementwise
functions keep that order by themselves, and nobody who computes with the arrays need know it. Stands below
convolution.py, which one reads next, and pooling.py.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..engine.arrays import Array

Shape = tuple[int, ...]


class Steps(NamedTuple):
    """How a kernel moves, per axis: by how much from place to place, over how many zeros before and after the input,
    how far its taps lie apart; and into how many groups the channels fall that don't see each other.

    Functions on arrays take it apart as the plain tuple that it becomes in programs.
    """

    stride: Shape
    padding: tuple[tuple[int, int], ...]
    dilation: Shape
    groups: int = 1

    def __repr__(self) -> str:
        """What isn't as in the plainest convolution, as users wrote it: one number for all axes where they agree."""
        same = {name: set(np.ravel(value).tolist()) for name, value in self._asdict().items()}
        short = {name: numbers.pop() if len(numbers) == 1 else getattr(self, name) for name, numbers in same.items()}
        plain = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}
        return f"Steps({', '.join(f'{name}={value}' for name, value in short.items() if value != plain[name])})"


def places(sizes: Sequence[int], kernel: Shape, how: Any) -> Shape:
    """How many places a kernel has along each axis: ⌊(size + padding − dilation·(kernel − 1) − 1)/stride⌋ + 1."""
    stride, padding, dilation, _ = how
    return tuple(
        (n + sum(p) - d * (k - 1) - 1) // s + 1
        for n, k, s, p, d in zip(sizes, kernel, stride, padding, dilation, strict=True)
    )


def taps(kernel: Shape, counts: Shape, how: Any) -> Iterator[tuple[slice, ...]]:
    """For each tap of a kernel, in C order, the slices of the padded axes that it meets at these many places."""
    stride, _, dilation, _ = how
    along = [
        [slice(i * d, i * d + (n - 1) * s + 1, s) for i in range(k)]
        for k, n, s, d in zip(kernel, counts, stride, dilation, strict=True)
    ]
    return itertools.product(*along)


def apart(kernel: Shape, how: Any) -> bool:
    """Whether no two places share an element, so that what belongs there needs no adding up."""
    stride, _, dilation, _ = how
    return all(s > d * (k - 1) for k, s, d in zip(kernel, stride, dilation, strict=True))


def room(like: Any, shape: Shape, padding: Any, fill: float = 0) -> Any:
    """An array (*sizes, C, N), filled, for one of shape (N, C, *sizes) and its padding."""
    sizes = [n + sum(p) for n, p in zip(shape[2:], padding, strict=True)]
    return np.full_like(like, fill, shape=(*sizes, shape[1], shape[0]), order="C")


def inside(padding: Any) -> tuple[slice, ...]:
    """Where in its room an array lies."""
    return tuple(slice(before, -after or None) for before, after in padding)


def padded(x: Any, padding: Any, fill: float = 0) -> Any:
    """x (N, C, *sizes) as (*sizes, C, N) with its padding; a view of x where there is none."""
    if not any(map(any, padding)):
        return batch_last(x)
    out = room(x, x.shape, padding, fill)
    out[inside(padding)] = batch_last(x)
    return out


def batch_last(x: Any) -> Any:
    """A view of (N, C, *sizes) as (*sizes, C, N)."""
    return x.transpose(*range(2, x.ndim), 1, 0)


def batch_first(x: Any) -> Any:
    """A view of (*sizes, C, N) as (N, C, *sizes)."""
    return x.transpose(-1, -2, *range(x.ndim - 2))


def patches(x: Array, kernel: Shape, how: Any) -> Array:
    """A view (*places, groups, *kernel, C / groups, N) of a padded x (*sizes, C, N): what each tap meets at each place,
    in the same memory."""
    stride, _, dilation, groups = how
    *sizes, channels, n = x.shape
    *strides, of_channel, of_example = x.strides
    counts = places(sizes, kernel, (stride, ((0, 0),) * len(kernel), dilation, groups))
    moves, between = ([i * j for i, j in zip(by, strides, strict=True)] for by in (stride, dilation))
    each = channels // groups
    return np.lib.stride_tricks.as_strided(
        x, (*counts, groups, *kernel, each, n), (*moves, each * of_channel, *between, of_channel, of_example)
    )


BLOCK = 1 << 17  # elements of patches that are gathered at a time: they stay in the processor's cache


def blocks(view: Array) -> Iterator[slice]:
    """Slices of the first axis that take about BLOCK elements of a view each."""
    rows = max(1, BLOCK * len(view) // max(view.size, 1))
    return (slice(first, first + rows) for first in range(0, len(view), rows))
