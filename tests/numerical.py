"""A second judge of gradients for the tests: central differences with Richardson's extrapolation, in plain NumPy.

It shares no code with tinydl.gradcheck, so that a mistake there can't hide one in a rule.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


def slope_at_zero(f: Callable[[float], Any], step: float = 2e-3, levels: int = 4) -> tuple[Any, Any]:
    """f′(0) and an estimate of its error, from central differences at step, step/2, step/4, … extrapolated to 0."""
    table: list[list[Any]] = []
    for i in range(levels):
        h = step / 2**i
        row = [(np.asarray(f(h), np.float64) - np.asarray(f(-h), np.float64)) / (2 * h)]
        for j in range(1, i + 1):
            row.append(row[-1] + (row[-1] - table[-1][j - 1]) / (4**j - 1))
        table.append(row)
    return table[-1][-1], np.max(np.abs(table[-1][-1] - table[-2][-1]), initial=0)


def numerical_vjp(
    f: Callable[..., Any], inputs: Sequence[Any], g: Any, wanted: Sequence[int] | None = None
) -> list[np.ndarray | None]:
    """For each input (or those at the positions wanted) the derivative of Σ g·f, one coordinate at a time."""
    gradients: list[np.ndarray | None] = []
    for position, x in enumerate(inputs):
        if wanted is not None and position not in wanted:
            gradients.append(None)
            continue
        x = np.asarray(x, np.float64)
        gradient = np.zeros(x.shape)
        for index in np.ndindex(x.shape):

            def shifted(h: float, position: int = position, x: np.ndarray = x, index: Any = index) -> float:
                moved = np.array(x)
                moved[index] += h
                arguments = [moved if i == position else other for i, other in enumerate(inputs)]
                return float(np.sum(g * f(*arguments)))

            gradient[index] = slope_at_zero(shifted)[0]
        gradients.append(gradient)
    return gradients


def numerical_directional(f: Callable[..., Any], inputs: Sequence[Any], directions: Sequence[Any]) -> tuple[Any, Any]:
    """The derivative of f along the directions (None: an input that stays), and an estimate of its error."""

    def along(h: float) -> Any:
        pairs = zip(inputs, directions, strict=True)
        return f(*(x if d is None else np.asarray(x, np.float64) + h * d for x, d in pairs))

    return slope_at_zero(along)
