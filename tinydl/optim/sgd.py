"""Gradient descent, with momentum."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.arrays import Array
from .groups import Trainable
from .optimizer import Optimizer, Setting


class SGD(Optimizer):
    """Stochastic gradient descent: θ ← θ − lr·g (Robbins & Monro 1951).

    With `momentum` μ (Polyak 1964; Sutskever et al. 2013): b ← μ·b + (1 − dampening)·g, θ ← θ − lr·b, where b starts as
    the first gradient. With `nesterov`: θ ← θ − lr·(g + μ·b). `weight_decay` λ adds λ·θ to g first.

    Where PyTorch's form parts from the papers': they put the rate inside, v ← μ·v − lr·g, θ ← θ + v, which is the same
    while lr stays constant; Nesterov's look-ahead is expressed at the current θ.
    """

    momentum = Setting()
    dampening = Setting()
    nesterov = Setting()

    def __init__(
        self,
        params: Trainable,
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        own = {"momentum": momentum, "dampening": dampening, "nesterov": nesterov}
        super().__init__(params, lr, **own, weight_decay=weight_decay, maximize=maximize)

    def _checked(self, settings: dict[str, Any]) -> dict[str, Any]:
        found = super()._checked(settings)
        if found["nesterov"] and (not found["momentum"] or found["dampening"]):
            raise ValueError("SGD's nesterov needs a momentum above 0 and no dampening")
        return found

    def _start(self, p: Array, group: dict[str, Any]) -> dict[str, Any]:
        return {"momentum_buffer": np.zeros_like(p), "step": 0} if group["momentum"] else {}

    def _update(self, p: Array, g: Array, state: dict[str, Any], group: dict[str, Any], a: Array, b: Array) -> None:
        if group["momentum"]:
            v = state["momentum_buffer"]
            if state["step"]:
                v *= group["momentum"]
                v += np.multiply(g, 1 - group["dampening"], a)
            else:
                v[...] = g
            state["step"] += 1
            g = np.add(g, np.multiply(v, group["momentum"], a), a) if group["nesterov"] else v
        p -= np.multiply(g, group["lr"], a)
