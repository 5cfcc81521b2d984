"""Products of matrices, and linear algebra."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dispatch import define


def matmul_left(g: Any, y: Any, a: Any, b: Any) -> Any:
    """Ā = C̄ Bᵀ for C = AB; a vector on either side counts as a matrix with one row or column."""
    if b.ndim == 1:
        return g[..., None] * b
    if a.ndim == 1:
        return (b @ g[..., None])[..., 0]
    return g @ b.mT


def matmul_right(g: Any, y: Any, a: Any, b: Any) -> Any:
    """B̄ = Aᵀ C̄ for C = AB."""
    if a.ndim == 1:
        return a[:, None] * g[..., None, :] if b.ndim > 1 else g * a
    if b.ndim == 1:
        return (a.mT @ g[..., None])[..., 0]
    return a.mT @ g


matmul = define(np.matmul, matmul_left, matmul_right)
