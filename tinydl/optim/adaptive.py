"""Optimizers with a step size for each element: Adam and its kin.

Each `_update` is its paper's update, line by line, in PyTorch's form and with PyTorch's defaults; θ is the parameter, g
its gradient, t the number of the step. Everything happens in place on the arrays, so nothing is allocated after the
first step (for parameters in half precision, state and arithmetic are in single).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine.arrays import Array
from .optimizer import Optimizer, Parameters, _decayed


class Adam(Optimizer):
    """Adaptive moment estimation (Kingma & Ba 2015): steps of about lr, whatever the scale of the gradient.

    m ← β₁·m + (1 − β₁)·g;  v ← β₂·v + (1 − β₂)·g²;  m̂ = m / (1 − β₁ᵗ);  v̂ = v / (1 − β₂ᵗ);  θ ← θ − lr·m̂ / (√v̂ + ε).

    `weight_decay` λ adds λ·θ to g first (so it is scaled like the gradient; AdamW's isn't). PyTorch's form is the
    paper's algorithm 1; the order of operations is that at the end of the paper's section 2, with ε̂ = ε·√(1 − β₂ᵗ).
    """

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        if not isinstance(betas, (tuple, list)) or len(betas) != 2:
            raise ValueError(f"{type(self).__name__}'s betas are two numbers, such as (0.9, 0.999), not {betas!r}")
        beta1, beta2 = betas
        super().__init__(params, lr, beta1=beta1, beta2=beta2, eps=eps, weight_decay=weight_decay)
        self.betas, self.eps, self.weight_decay = (float(beta1), float(beta2)), float(eps), float(weight_decay)

    def _start(self, p: Array) -> dict[str, Any]:
        return {"step": 0, "exp_avg": np.zeros_like(p), "exp_avg_sq": np.zeros_like(p)}

    def _update(self, p: Array, g: Array, state: dict[str, Any], a: Array, b: Array) -> None:
        if self.weight_decay:
            g = _decayed(g, p, self.weight_decay, b)
        (beta1, beta2), m, v = self.betas, state["exp_avg"], state["exp_avg_sq"]
        state["step"] = t = state["step"] + 1
        m *= beta1
        m += np.multiply(g, 1 - beta1, a)
        np.square(g, a)
        a *= 1 - beta2
        v *= beta2
        v += a
        unbias1, unbias2 = 1 - beta1**t, math.sqrt(1 - beta2**t)
        np.sqrt(v, a)
        a += self.eps * unbias2
        np.divide(m, a, a)
        a *= self._lr * unbias2 / unbias1
        p -= a


class AdamW(Adam):
    """Adam with decoupled weight decay: θ ← θ − lr·λ·θ, then Adam's step with λ = 0 (Loshchilov & Hutter 2019).

    The paper has η·λ·θ, with a schedule factor η apart from lr; PyTorch's form, taken here, multiplies λ by lr itself.
    """

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay)
        self.decay, self.weight_decay = self.weight_decay, 0.0

    def _update(self, p: Array, g: Array, state: dict[str, Any], a: Array, b: Array) -> None:
        p *= 1 - self._lr * self.decay
        super()._update(p, g, state, a, b)


class RMSprop(Optimizer):
    """Gradients divided by a running root mean square: v ← α·v + (1 − α)·g²; θ ← θ − lr·g / (√v + ε) (Hinton 2012).

    `centered` (Graves 2013) takes the variance, v − ḡ² with ḡ ← α·ḡ + (1 − α)·g, in place of v. `momentum` μ:
    b ← μ·b + g / (√v + ε), θ ← θ − lr·b. `weight_decay` λ adds λ·θ to g first.

    Hinton's lecture 6e has α = 0.9 and no ε; Graves puts ε inside the root and lr into the momentum; PyTorch, followed
    here, has α = 0.99, ε outside and lr last.
    """

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
    ) -> None:
        super().__init__(params, lr, alpha=alpha, eps=eps, weight_decay=weight_decay, momentum=momentum)
        self.alpha, self.eps, self.weight_decay = float(alpha), float(eps), float(weight_decay)
        self.momentum, self.centered = float(momentum), centered

    def _start(self, p: Array) -> dict[str, Any]:
        names = ["square_avg"] + ["grad_avg"] * self.centered + ["momentum_buffer"] * bool(self.momentum)
        return {name: np.zeros_like(p) for name in names}

    def _update(self, p: Array, g: Array, state: dict[str, Any], a: Array, b: Array) -> None:
        if self.weight_decay:
            g = _decayed(g, p, self.weight_decay, b)
        v = state["square_avg"]
        np.square(g, a)
        a *= 1 - self.alpha
        v *= self.alpha
        v += a
        if self.centered:
            mean = state["grad_avg"]
            mean *= self.alpha
            mean += np.multiply(g, 1 - self.alpha, a)
            np.subtract(v, np.square(mean, a), a)
            np.maximum(a, 0, out=a)  # a variance that rounds below 0 would become NaN in the root
            np.sqrt(a, a)
        else:
            np.sqrt(v, a)
        a += self.eps
        np.divide(g, a, a)
        if self.momentum:
            buffer = state["momentum_buffer"]
            buffer *= self.momentum
            buffer += a
            np.multiply(buffer, self._lr, a)
        else:
            a *= self._lr
        p -= a


class Adagrad(Optimizer):
    """Gradients divided by the root of the sum of all their squares: s ← s + g²; θ ← θ − η·g / (√s + ε).

    Duchi et al. 2011. Rare features, with few gradients, keep large steps. η = lr / (1 + (t − 1)·lr_decay),
    which the paper doesn't have; s starts at `initial_accumulator_value`. `weight_decay` λ adds λ·θ to g first.
    """

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
    ) -> None:
        super().__init__(
            params,
            lr,
            lr_decay=lr_decay,
            weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value,
            eps=eps,
        )
        self.lr_decay, self.weight_decay, self.eps = float(lr_decay), float(weight_decay), float(eps)
        self.initial_accumulator_value = float(initial_accumulator_value)

    def _start(self, p: Array) -> dict[str, Any]:
        return {"step": 0, "sum": np.full_like(p, self.initial_accumulator_value)}

    def _update(self, p: Array, g: Array, state: dict[str, Any], a: Array, b: Array) -> None:
        if self.weight_decay:
            g = _decayed(g, p, self.weight_decay, b)
        s = state["sum"]
        eta = self._lr / (1 + state["step"] * self.lr_decay)
        state["step"] += 1
        s += np.square(g, a)
        np.sqrt(s, a)
        a += self.eps
        np.divide(g, a, a)
        a *= eta
        p -= a


class Adadelta(Optimizer):
    """Steps in the units of θ, without a rate to choose (Zeiler 2012).

    v ← ρ·v + (1 − ρ)·g²;  Δ = √(u + ε) / √(v + ε) · g;  u ← ρ·u + (1 − ρ)·Δ²;  θ ← θ − lr·Δ, v and u starting at 0.

    The paper has ρ = 0.95 in its experiments and no lr, that is lr = 1; PyTorch has ρ = 0.9. `weight_decay` λ adds λ·θ
    to g first.
    """

    def __init__(
        self, params: Parameters, lr: float = 1.0, rho: float = 0.9, eps: float = 1e-6, weight_decay: float = 0.0
    ) -> None:
        super().__init__(params, lr, rho=rho, eps=eps, weight_decay=weight_decay)
        self.rho, self.eps, self.weight_decay = float(rho), float(eps), float(weight_decay)

    def _start(self, p: Array) -> dict[str, Any]:
        return {"square_avg": np.zeros_like(p), "acc_delta": np.zeros_like(p)}

    def _update(self, p: Array, g: Array, state: dict[str, Any], a: Array, b: Array) -> None:
        if self.weight_decay:
            g = _decayed(g, p, self.weight_decay, b)
        v, u, rho = state["square_avg"], state["acc_delta"], self.rho
        np.square(g, a)
        a *= 1 - rho
        v *= rho
        v += a
        np.add(v, self.eps, a)
        np.divide(g, np.sqrt(a, a), a)
        np.multiply(a, np.sqrt(np.add(u, self.eps, b), b), a)
        np.square(a, b)
        b *= 1 - rho
        u *= rho
        u += b
        a *= self._lr
        p -= a
