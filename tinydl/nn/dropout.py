"""Dropout, which is a matter of training only. The mask is drawn in functional/activations.py."""

from __future__ import annotations

from typing import Any

from .. import functional as F
from .module import Module


class Dropout(Module):
    """While training, each element becomes 0 with probability p and the others grow by 1 / (1 − p); else y = x.

    So the expectation of y is x, and nothing changes at evaluation (Srivastava et al. 2014, in its inverted form).
    Raises ValueError unless 0 ≤ p ≤ 1.
    """

    def __init__(self, p: float = 0.5) -> None:
        if not 0 <= p <= 1:
            raise ValueError(f"{type(self).__name__}'s p is a probability, 0 ≤ p ≤ 1, not {p}")
        self.p = float(p)

    def forward(self, x: Any) -> Any:
        return F.dropout(x, self.p, self.training)


class Dropout2d(Dropout):
    """While training, each channel of each image becomes 0 with probability p and the others grow by 1 / (1 − p).

    Shapes: x (N, C, H, W) → the same. Raises ValueError for another shape, and unless 0 ≤ p ≤ 1. Tompson et al. 2015.
    """

    def forward(self, x: Any) -> Any:
        return F.dropout2d(x, self.p, self.training)
