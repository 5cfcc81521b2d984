"""Pooling: the largest number that a window meets at each place, or the sum of all.

Each function goes over the taps of the window, and at each tap over all places at once. `to_tap` and `at_tap` are each
other's gradients, and so are `spread_pool` and `sum_pool`. Results lie in memory as convolution's do (windows.py).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine.arrays import wide
from ..engine.dispatch import define, unwrap
from ..engine.recording import called_whole
from ..engine.tensor import Primitive
from .elementwise import floats, masked
from .windows import Shape, apart, batch_first, batch_last, inside, padded, places, room, taps

# ---- the largest ----


def largest(x: Any, kernel: Shape, how: Any) -> Any:
    """At each place the largest number that the window meets; NaN where it meets one."""
    counts, x = places(x.shape[2:], kernel, how), padded(x, how[1], -math.inf)
    first, *others = taps(kernel, counts, how)
    y = x[first].copy()
    for tap in others:
        np.maximum(y, x[tap], out=y)
    return batch_first(y)


def first_tap(x: Any, y: Any, kernel: Shape, how: Any) -> Any:
    """For each place the number of the first tap that meets the maximum y."""
    best, counts = batch_last(y), y.shape[2:]
    no_padding = None if bool((best > -math.inf).all()) else padded(np.ones_like(x, dtype=bool), how[1])
    x = padded(x, how[1], -math.inf)
    number = np.zeros_like(best, dtype=np.min_scalar_type(math.prod(kernel)))
    before = np.ones_like(best, dtype=bool)
    for tap in taps(kernel, counts, how):
        met = x[tap]
        if no_padding is None:
            before &= met != best
        else:  # all that a window meets is −∞, as the padding is, or something is NaN
            before &= ~(((met == best) | (met != met)) & no_padding[tap])
        number += before  # counting is three times as fast as writing numbers where they belong
    return batch_first(number)


def to_taps(g: Any, number: Any, shape: Shape, kernel: Shape, how: Any) -> Any:
    """Zeros of this shape, with each gradient added where the tap with its number lies."""
    out, g, number = room(g, shape, how[1]), batch_last(g), batch_last(number)
    share_nothing = apart(kernel, how)
    for i, tap in enumerate(taps(kernel, g.shape[: len(kernel)], how)):
        here = masked(g, number == i)
        out[tap] = here if share_nothing else out[tap] + here
    return batch_first(out[inside(how[1])])


def at_taps(x: Any, number: Any, kernel: Shape, how: Any) -> Any:
    """At each place what the tap with its number meets."""
    x, number = padded(x, how[1]), batch_last(number)
    y = np.zeros_like(x, shape=number.shape, order="C")
    for i, tap in enumerate(taps(kernel, number.shape[: len(kernel)], how)):
        y += masked(x[tap], number == i)
    return batch_first(y)


to_tap: Primitive = define(
    lambda g, number, shape, kernel, how: called_whole(to_taps, g, number, shape, kernel, tuple(how)),
    lambda h, v, g, number, shape, kernel, how: at_tap(h, number, kernel=kernel, how=how),
    None,
    name="to_tap",
)
at_tap: Primitive = define(
    lambda x, number, kernel, how: called_whole(at_taps, x, number, kernel, tuple(how)),
    lambda g, y, x, number, kernel, how: to_tap(g, number, shape=x.shape, kernel=kernel, how=how),
    None,
    name="at_tap",
)


def max_pool_rule(g: Any, y: Any, x: Any, kernel: Shape, how: Any) -> Any:
    """The gradient goes to the first tap that met the maximum, as PyTorch's; of NaN to the first that is."""
    number = called_whole(first_tap, unwrap(x), unwrap(y), kernel, tuple(how))
    return to_tap(g, number, shape=x.shape, kernel=kernel, how=how)


max_pool = define(
    lambda x, kernel, how: called_whole(largest, floats(x), kernel, tuple(how)),
    max_pool_rule,
    name="max_pool",
    at_kinks="ties: to the first tap",
)

# ---- the sum ----


def summed(x: Any, kernel: Shape, how: Any) -> Any:
    """At each place the sum of all that the window meets; of float16 in float32, rounded at the end."""
    counts, dtype, x = places(x.shape[2:], kernel, how), x.dtype, padded(wide(x), how[1])
    first, *others = taps(kernel, counts, how)
    y = x[first].copy()
    for tap in others:
        y += x[tap]
    return batch_first(y).astype(dtype, copy=False)


def spread_out(g: Any, shape: Shape, kernel: Shape, how: Any) -> Any:
    """Zeros of this shape, with each gradient added to all that the window met; of float16 in float32."""
    out, spread = room(wide(g), shape, how[1]), batch_last(g)
    share_nothing = apart(kernel, how)
    for tap in taps(kernel, g.shape[2:], how):
        out[tap] = spread if share_nothing else out[tap] + spread
    return batch_first(out[inside(how[1])]).astype(g.dtype, copy=False)


spread_pool: Primitive = define(
    lambda g, shape, kernel, how: called_whole(spread_out, g, shape, kernel, tuple(how)),
    lambda h, v, g, shape, kernel, how: sum_pool(h, kernel=kernel, how=how),
    name="spread_pool",
)
sum_pool: Primitive = define(
    lambda x, kernel, how: called_whole(summed, floats(x), kernel, tuple(how)),
    lambda g, y, x, kernel, how: spread_pool(g, shape=x.shape, kernel=kernel, how=how),
    name="sum_pool",
)
