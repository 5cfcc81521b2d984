"""Optimizers with a step size for each element: Adam and its kin.

Each `_update` is its paper's update, line by line, in PyTorch's form and with PyTorch's defaults; θ is the parameter, g
its gradient, t the number of the step. Everything happens in place on the arrays, so nothing is allocated after the
first step (for parameters in half precision, state and arithmetic are in single).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from ..engine.arrays import Array
from .groups import Trainable
from .optimizer import Optimizer, Setting


def _follow(m: Array, x: Array, beta: float, a: Array) -> None:
    """The running mean m ← β·m + (1 − β)·x, in place; the scratch array `a` may hold x."""
    kept, new = _shares(float(beta), m.dtype) if m.__class__ is np.ndarray else (beta, 1 - beta)
    m *= kept
    m += np.multiply(x, new, a)


@lru_cache
def _shares(beta: float, dtype: np.dtype[Any]) -> tuple[Array, Array]:
    """β and 1 − β as arrays of no axes: Python floats would cost NumPy more than the product of a small array does."""
    return np.array(beta, dtype), np.array(1 - beta, dtype)


class Adam(Optimizer):
    """Adaptive moment estimation (Kingma & Ba 2015): steps of about lr, whatever the scale of the gradient.

    m ← β₁·m + (1 − β₁)·g;  v ← β₂·v + (1 − β₂)·g²;  m̂ = m / (1 − β₁ᵗ);  v̂ = v / (1 − β₂ᵗ);  θ ← θ − lr·m̂ / (√v̂ + ε).

    `weight_decay` λ adds λ·θ to g first (so it is scaled like the gradient; AdamW's isn't). PyTorch's form is the
    paper's algorithm 1; the order of operations is that at the end of the paper's section 2, with ε̂ = ε·√(1 − β₂ᵗ).
    `amsgrad` (Reddi et al. 2018) takes the largest v so far in its place, so that no step grows because gradients were
    small for a while. The paper has no 1 − β₂ᵗ; PyTorch, followed here, divides that largest v by the present one.
    """

    betas = Setting()
    eps = Setting()
    amsgrad = Setting()

    def __init__(
        self,
        params: Trainable,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        given = {"betas": betas, "eps": eps, "weight_decay": weight_decay, "amsgrad": amsgrad, "maximize": maximize}
        super().__init__(params, lr, **given)

    def _start(self, p: Array, group: dict[str, Any]) -> dict[str, Any]:
        names = ["exp_avg", "exp_avg_sq"] + ["max_exp_avg_sq"] * group["amsgrad"]
        return {"step": 0, **{name: np.zeros_like(p) for name in names}}

    def _update(self, p: Array, g: Array, state: dict[str, Any], group: dict[str, Any], a: Array, b: Array) -> None:
        (beta1, beta2), m, v = group["betas"], state["exp_avg"], state["exp_avg_sq"]
        state["step"] = t = state["step"] + 1
        _follow(m, g, beta1, a)  # m ← β₁·m + (1 − β₁)·g
        _follow(v, np.square(g, a), beta2, a)  # v ← β₂·v + (1 − β₂)·g²
        if group["amsgrad"]:
            v = np.maximum(state["max_exp_avg_sq"], v, out=state["max_exp_avg_sq"])
        unbias1, unbias2 = 1 - beta1**t, (1 - beta2**t) ** 0.5
        np.sqrt(v, a)
        a += group["eps"] * unbias2
        np.divide(m, a, a)
        p -= np.multiply(a, group["lr"] * unbias2 / unbias1, a)


class AdamW(Adam):
    """Adam with decoupled weight decay: θ ← θ − lr·λ·θ, then Adam's step with λ = 0 (Loshchilov & Hutter 2019).

    The paper has η·λ·θ, with a schedule factor η apart from lr; PyTorch's form, taken here, multiplies λ by lr itself.
    """

    _decay_is_of_the_loss = False

    def __init__(
        self,
        params: Trainable,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize)

    def _update(self, p: Array, g: Array, state: dict[str, Any], group: dict[str, Any], a: Array, b: Array) -> None:
        p *= 1 - group["lr"] * group["weight_decay"]
        super()._update(p, g, state, group, a, b)


class RMSprop(Optimizer):
    """Gradients divided by a running root mean square: v ← α·v + (1 − α)·g²; θ ← θ − lr·g / (√v + ε) (Hinton 2012).

    `centered` (Graves 2013) takes the variance, v − ḡ² with ḡ ← α·ḡ + (1 − α)·g, in place of v. `momentum` μ:
    b ← μ·b + g / (√v + ε), θ ← θ − lr·b. `weight_decay` λ adds λ·θ to g first.

    Hinton's lecture 6e has α = 0.9 and no ε; Graves puts ε inside the root and lr into the momentum; PyTorch, followed
    here, has α = 0.99, ε outside and lr last.
    """

    alpha = Setting()
    eps = Setting()
    momentum = Setting()
    centered = Setting()

    def __init__(
        self,
        params: Trainable,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        running = {"alpha": alpha, "eps": eps, "momentum": momentum, "centered": centered}
        super().__init__(params, lr, **running, weight_decay=weight_decay, maximize=maximize)

    def _start(self, p: Array, group: dict[str, Any]) -> dict[str, Any]:
        names = ["square_avg"] + ["grad_avg"] * group["centered"] + ["momentum_buffer"] * bool(group["momentum"])
        return {name: np.zeros_like(p) for name in names}

    def _update(self, p: Array, g: Array, state: dict[str, Any], group: dict[str, Any], a: Array, b: Array) -> None:
        v = state["square_avg"]
        _follow(v, np.square(g, a), group["alpha"], a)  # v ← α·v + (1 − α)·g²
        if group["centered"]:
            mean = state["grad_avg"]
            _follow(mean, g, group["alpha"], a)  # ḡ ← α·ḡ + (1 − α)·g
            np.subtract(v, np.square(mean, a), a)
            v = np.maximum(a, 0, out=a)  # a variance that rounds below 0 would become NaN in the root
        np.sqrt(v, a)
        a += group["eps"]
        step = np.divide(g, a, a)
        if group["momentum"]:
            step = state["momentum_buffer"]
            step *= group["momentum"]
            step += a
        p -= np.multiply(step, group["lr"], a)


class Adagrad(Optimizer):
    """Gradients divided by the root of the sum of all their squares: s ← s + g²; θ ← θ − η·g / (√s + ε).

    Duchi et al. 2011. Rare features, with few gradients, keep large steps. η = lr / (1 + (t − 1)·lr_decay),
    which the paper doesn't have; s starts at `initial_accumulator_value`. `weight_decay` λ adds λ·θ to g first.
    """

    lr_decay = Setting()
    initial_accumulator_value = Setting()
    eps = Setting()

    def __init__(
        self,
        params: Trainable,
        lr: float = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
    ) -> None:
        own = {"lr_decay": lr_decay, "initial_accumulator_value": initial_accumulator_value, "eps": eps}
        super().__init__(params, lr, **own, weight_decay=weight_decay, maximize=maximize)

    def _start(self, p: Array, group: dict[str, Any]) -> dict[str, Any]:
        return {"step": 0, "sum": np.full_like(p, group["initial_accumulator_value"])}

    def _update(self, p: Array, g: Array, state: dict[str, Any], group: dict[str, Any], a: Array, b: Array) -> None:
        s = state["sum"]
        eta = group["lr"] / (1 + state["step"] * group["lr_decay"])
        state["step"] += 1
        s += np.square(g, a)
        np.sqrt(s, a)
        a += group["eps"]
        np.divide(g, a, a)
        p -= np.multiply(a, eta, a)


class Adadelta(Optimizer):
    """Steps in the units of θ, without a rate to choose (Zeiler 2012).

    v ← ρ·v + (1 − ρ)·g²;  Δ = √(u + ε) / √(v + ε) · g;  u ← ρ·u + (1 − ρ)·Δ²;  θ ← θ − lr·Δ, v and u starting at 0.

    The paper has ρ = 0.95 in its experiments and no lr, that is lr = 1; PyTorch has ρ = 0.9. `weight_decay` λ adds λ·θ
    to g first.
    """

    rho = Setting()
    eps = Setting()

    def __init__(
        self,
        params: Trainable,
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, rho=rho, eps=eps, weight_decay=weight_decay, maximize=maximize)

    def _start(self, p: Array, group: dict[str, Any]) -> dict[str, Any]:
        return {"square_avg": np.zeros_like(p), "acc_delta": np.zeros_like(p)}

    def _update(self, p: Array, g: Array, state: dict[str, Any], group: dict[str, Any], a: Array, b: Array) -> None:
        v, u, rho = state["square_avg"], state["acc_delta"], group["rho"]
        _follow(v, np.square(g, a), rho, a)  # v ← ρ·v + (1 − ρ)·g²
        np.add(v, group["eps"], a)
        np.divide(g, np.sqrt(a, a), a)
        np.multiply(a, np.sqrt(np.add(u, group["eps"], b), b), a)
        _follow(u, np.square(a, b), rho, b)  # u ← ρ·u + (1 − ρ)·Δ²
        p -= np.multiply(a, group["lr"], a)
