"""A second judge of gradients for the tests: central differences with Richardson's extrapolation, in plain NumPy.

It shares no code with tinydl.gradcheck, so that a mistake there can't hide one in a rule. Below it is how float16 is
judged, by float64; then what checks are tried on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import tinydl as tl


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


def assert_rounded_once(f, *arrays):
    """Value and gradients of f at these float16 arrays are those in float64, rounded once; so is what follows of them.

    Beside that rounding there is float32's, of the largest number. Also checks the derivatives of a weighted sum of the
    gradients, which were rounded before.
    """
    found = []
    for dtype in (np.float64, np.float16):
        rng = np.random.default_rng(3)
        leaves = [tl.tensor(x.astype(np.float16).astype(dtype), requires_grad=True) for x in arrays]
        y = f(*leaves)
        g = rng.uniform(0.5, 1.5, y.shape).astype(np.float16)
        y.backward(gradient=g)
        first = [x.grad.data for x in leaves]
        for x in leaves:
            x.grad = None
        y.backward(gradient=g, create_graph=True)
        total = sum((x.grad * rng.uniform(0.5, 1.5, x.shape).astype(np.float16)).sum() for x in leaves)
        for x in leaves:
            x.grad = None
        if total.requires_grad:
            total.backward()
        found.append([y.data, *first, *(np.zeros(x.shape, dtype) if x.grad is None else x.grad.data for x in leaves)])
    for i, (wide, narrow) in enumerate(zip(*found, strict=True)):
        assert narrow.dtype == np.float16
        fits, roundings, of_largest = np.abs(wide) < 65_520, 1.05, 2**-20
        if i > len(arrays):
            roundings, of_largest = 8, 2**-9
        largest = np.max(np.abs(wide), initial=0, where=fits)
        bound = roundings * (2**-11 * np.abs(wide) + 2**-25) + of_largest * largest
        off = np.abs(narrow.astype(np.float64) - wide) > bound
        assert not (off & fits).any() and np.isinf(narrow[~fits]).all(), (i, narrow[off], wide[off])


def draw(*shape: int, seed: int = 0) -> Any:
    """Normal numbers, the same at each call."""
    return np.random.default_rng(seed).standard_normal(shape)


def softmax(x: Any, axis: int = -1) -> Any:
    """By its formula."""
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)
