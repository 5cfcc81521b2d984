"""What a check has found out of a wrong gradient, for those who ask why: causes.py and patterns.py."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..engine.arrays import Array
from .numerical import Slope
from .problems import Problem

Cause = tuple[str, str]
CLOSE = 1e-4  # of the largest derivative of the input: agreement that is no accident, and that noise permits


@dataclass(eq=False)
class Evidence:
    """What a check has found out: the claimed gradients and, where measured, the slopes.

    `numerical(i, indices, v)` measures more derivatives of v·f, with any v; `contributions(i, index)` those of each
    vₖ fₖ. `bent` says of each gradient whether it fails to be linear in v.
    """

    problem: Problem
    numerical: Callable[[int, Sequence[tuple[int, ...]], Array], list[float]]
    contributions: Callable[[int, tuple[int, ...]], Array]
    values: list[Array]
    names: Sequence[str]
    y: Array
    v: Array
    claimed: list[Array]
    bent: Sequence[bool]
    slopes: dict[int, dict[tuple[int, ...], Slope]]

    @property
    def upstream(self) -> bool:
        """Whether the rule is given v at all."""
        return self.problem.upstream

    def claimed_for(self, i: int, values: Sequence[Array], v: Array) -> Array | None:
        """What the rule gives for input i with other arguments; None if it raises."""
        try:
            return np.real(np.asarray(self.problem.gradients(values, v)[i])).astype(np.float64)
        except Exception:  # a rule may raise anything where it isn't meant to be used
            return None


@dataclass(eq=False)
class Suspect:
    """An input whose gradient is wrong: where numbers are known, what they are, and what was claimed."""

    i: int
    name: str  # " of x", or "" if there is no other input
    called: str
    x: Array
    g: Array
    places: list[tuple[int, ...]]
    truth: Array  # at the places
    bars: Array
    complete: bool  # whether every element was measured

    @property
    def who(self) -> str:
        """How a sentence about it begins."""
        return f"Your gradient{self.name}"

    def fits(self, candidate: Array) -> bool:
        """Whether this gradient agrees with the numbers everywhere."""
        if np.shape(candidate) != self.x.shape:
            return False
        largest = size_of(self.truth)
        allowed = np.maximum(
            np.minimum(self.bars, 1e-2 * largest), CLOSE * np.maximum(np.abs(self.truth), 1e-3 * largest)
        )
        return bool(self.places and np.all(np.abs(self.at(candidate) - self.truth) <= allowed))

    def agrees(self, numbers: Array) -> bool:
        """Whether what was claimed at the places are these numbers."""
        return agree(self.at(self.g), numbers)

    def at(self, array: Array) -> Array:
        return np.array([array[p] for p in self.places], dtype=np.float64)

    @property
    def telling(self) -> bool:
        """Whether there is anything in the numbers that a transformation could fit."""
        return len(self.places) > 0 and bool(np.any(np.abs(self.truth) > self.bars))


def size_of(numbers: Array) -> float:
    return float(np.max(np.abs(numbers), initial=0.0))


def agree(a: Array, b: Array) -> bool:
    return bool(np.all(np.abs(a - b) <= CLOSE * max(size_of(b), 1e-300))) and bool(np.any(b))
