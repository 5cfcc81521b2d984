"""Why is this gradient wrong? The usual mistakes, each tried against the numbers; the one that fits names the cause."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .arrays import Array
from .numerical import Slope


@dataclass
class Evidence:
    """What a check has found out: the claimed gradients and, where measured, the numerical ones."""

    gradients: Callable[[Sequence[Array], Array], list[Any]]
    values: list[Array]
    labels: Sequence[int | str]
    v: Array
    claimed: list[Any]
    upstream: bool
    shape: tuple[int, ...]
    measure_all: bool = False
    slopes: dict[tuple[int, tuple[int, ...]], Slope] = field(default_factory=dict)

    def add(self, i: int, index: tuple[int, ...], slope: Slope) -> None:
        self.slopes[i, index] = slope


def find_causes(evidence: Evidence) -> list[tuple[str, str]]:
    """The mistakes that explain the numbers, as (code, sentence), the best first."""
    return []
