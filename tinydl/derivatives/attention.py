"""The softmax of scores to which a mask is added, as attention takes it. Read functional/attention.py next."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine.arrays import as_array, sum_along, wide
from ..engine.dispatch import define
from ..engine.tensor import Primitive
from .elementwise import floats
from .softmax import peak_along, softmax_vjp


def _masked_softmax(x: Any, mask: Any) -> Any:
    """softmax(x + mask) along the last axis; zeros where the mask leaves a row nothing but −∞."""
    x = floats(x)
    y = as_array(wide(x) + mask)
    peak = peak_along(y, -1)
    y -= np.where(peak == -math.inf, 0, peak)
    np.exp(y, out=y)
    total = sum_along(y, -1)
    y /= np.where(total == 0, 1, total)
    return y.astype(np.result_type(x.dtype, mask.dtype), copy=False)


def masked_softmax_rule(g: Any, y: Any, x: Any, mask: Any) -> Any:
    """That of softmax, for the scores and for the mask; where y is 0 there is no slope."""
    return softmax_vjp(g, y if y.dtype.char != "e" else masked_softmax(wide(x), mask))


masked_softmax: Primitive = define(_masked_softmax, masked_softmax_rule, masked_softmax_rule, name="masked_softmax")
