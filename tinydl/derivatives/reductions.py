"""Sums, means, extremes: functions that take elements along axes together."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dispatch import define, plain


def spread(g: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """Give what a reduction over `axis` has reduced its axes back, at length 1, so that it broadcasts against x."""
    if keepdims or axis is None and g.ndim == 0 == x.ndim:
        return g
    axes = range(x.ndim) if axis is None else [axis % x.ndim] if isinstance(axis, int) else [a % x.ndim for a in axis]
    return g.reshape(tuple(1 if i in axes else n for i, n in enumerate(x.shape)))


def sum_rule(g: Any, y: Any, a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Every element of a sum has the gradient of the sum."""
    return np.broadcast_to(spread(g, a, axis, keepdims), a.shape)


sum = define(np.sum, sum_rule)  # noqa: A001


def mean_rule(g: Any, y: Any, a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """As of the sum, divided by the number of elements in each mean."""
    return np.broadcast_to(spread(g / max(a.size // max(y.size, 1), 1), a, axis, keepdims), a.shape)


mean = define(np.mean, mean_rule)


def extreme_rule(g: Any, y: Any, a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The gradient goes to the extreme element; several that tie share it equally."""
    chosen = a == spread(y, a, axis, keepdims)
    count = np.sum(chosen, axis=axis, keepdims=True)
    return chosen * (spread(g, a, axis, keepdims) / count.astype(g.dtype))


max = define(np.max, extreme_rule, answers=(np.max, np.amax), name="max", at_kinks="ties share equally")  # noqa: A001
min = define(np.min, extreme_rule, answers=(np.min, np.amin), name="min", at_kinks="ties share equally")  # noqa: A001

plain(np.argmax, np.argmin, np.argsort, np.any, np.all, np.count_nonzero)
