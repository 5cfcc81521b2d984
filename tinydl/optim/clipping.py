"""Gradients that are too large, made smaller before a step."""

from __future__ import annotations

import math

import numpy as np

from ..engine.arrays import Array, euclidean_norms
from ..engine.checks import kind
from ..engine.recording import computed_plainly, number, special, state
from ..engine.tensor import Tensor, next_stamp
from .optimizer import Parameters, working_dtype


def clip_grad_norm(params: Tensor | Parameters, max_norm: float) -> float:
    """Scale all gradients, in place, so that their joint Euclidean norm is at most `max_norm`; returns the norm before.

    g ← g · min(1, max_norm / (‖g‖ + 1e-6)), ‖g‖ over all gradients together (Pascanu et al. 2013; the 1e-6 is
    PyTorch's). Raises FloatingPointError, having changed nothing, if the norm isn't finite.
    """
    if not max_norm >= 0:
        raise ValueError(f"clip_grad_norm needs max_norm ≥ 0, not {max_norm}")
    gradients = _gradients(params)
    arrays = [g._data for g in gradients]
    total = computed_plainly(clip_together, float(max_norm), *arrays, changed=arrays)
    for g in gradients:
        g.stamp = next_stamp()
    norm: float = number(total)
    return norm


def clip_together(max_norm: float, *arrays: Array) -> float:
    """Scale these arrays, in place, to a joint norm of at most `max_norm`; returns what it was."""
    total = math.hypot(*euclidean_norms(arrays))
    if not math.isfinite(total):
        raise FloatingPointError(
            f"the norm of the gradients is {total}, so they can't be scaled; see tl.detect_anomaly()"
        )
    scale = max_norm / (total + 1e-6)
    if scale < 1:
        for g in arrays:
            np.multiply(g, scale, out=g, dtype=working_dtype(g))
    return total


def clip_grad_value(params: Tensor | Parameters, clip_value: float) -> None:
    """Bring every element of every gradient into −clip_value … clip_value, in place."""
    if not clip_value >= 0:
        raise ValueError(f"clip_grad_value needs clip_value ≥ 0, not {clip_value}")
    for g in _gradients(params):
        np.clip(g._data, -float(clip_value), float(clip_value), out=g._data)
        g.stamp = next_stamp()


def _gradients(params: Tensor | Parameters) -> list[Tensor]:
    """The gradients there are, each parameter's once, as leaves that may be changed in place."""
    given = [params] if isinstance(params, Tensor) else list(params)
    if special.count:
        for observer in state.observers:
            observer.gradients_used(given)
    for p in given:
        if not isinstance(p, Tensor):
            raise TypeError(f"clipping takes parameters, Tensors with a grad, not {kind(p)}")
        if p.grad is not None and p.grad.primitive is not None:  # made with create_graph: that graph keeps its value
            p.grad = p.grad.detach()
    return [p.grad for p in dict.fromkeys(given) if p.grad is not None]
