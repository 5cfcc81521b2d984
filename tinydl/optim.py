"""How parameters learn from their gradients: optimizers, learning-rate schedules, gradient clipping.

Each optimizer's `_update` is its paper's update, line by line, in PyTorch's form and with PyTorch's defaults; θ is the
parameter, g its gradient, t the number of the step, and everything happens in place on the arrays, so nothing is
allocated after the first step (for parameters in half precision, state and arithmetic are in single). Stands on
tensor.py alone; training.py, which calls it in a loop, is next.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from .arrays import Array
from .recording import special, state
from .tensor import Tensor, next_stamp

__all__ = [
    "SGD", "Adadelta", "Adagrad", "Adam", "AdamW", "CosineAnnealingLR", "LinearWarmup", "Optimizer", "RMSprop",
    "ReduceLROnPlateau", "Schedule", "StepLR", "clip_grad_norm", "clip_grad_value", "euclidean_norm",
]  # fmt: skip

Parameters = Iterable[Tensor]


class Optimizer:
    """What all optimizers share: the parameters, the learning rate `lr`, and one dict of arrays per parameter.

    A step skips parameters without a gradient and those frozen by ``requires_grad = False``. `lr` can be set any time.
    Raises, when made: ValueError for no parameters, for none that requires a gradient, for a computed Tensor and for
    settings out of their range; TypeError for what isn't a Tensor.
    """

    def __init__(self, params: Parameters, lr: float, **settings: float) -> None:
        self.params = _checked_parameters(params, type(self).__name__)
        self.lr = lr
        for name, value in settings.items():
            _in_range(type(self).__name__, name, value)
        self._state: list[dict[str, Any] | None] = [None] * len(self.params)  # None: not stepped yet
        largest: dict[np.dtype[Any], int] = {}
        for p in self.params:
            largest[_working(p)] = max(largest.get(_working(p), 0), p._data.size)
        scratch = {dtype: np.empty((2, size), dtype) for dtype, size in largest.items()}
        self._scratch = [
            tuple(row[: p._data.size].reshape(p._data.shape) for row in scratch[_working(p)]) for p in self.params
        ]

    @property
    def lr(self) -> float:
        """The learning rate, ≥ 0: how far a step goes."""
        return self._lr

    @lr.setter
    def lr(self, value: float) -> None:
        _in_range(type(self).__name__, "lr", value)
        self._lr = float(value)  # a NumPy float64 would make float32 arithmetic float64

    def _start(self, p: Array) -> dict[str, Any]:
        """The state of a parameter before its first step, of the shape and dtype of `p`."""
        return {}

    def _update(self, p: Array, g: Array, state: dict[str, Any], a: Array, b: Array) -> None:
        """Change θ = `p` in place; `a` and `b` are scratch arrays of its shape."""
        raise NotImplementedError

    def step(self) -> None:
        """Update every parameter that has a gradient, in place. A later backward through an older graph raises."""
        if special.count:
            for observer in state.observers:
                observer.optimizer_stepping(self)
        update = self._update
        for i, (p, memory, (a, b)) in enumerate(zip(self.params, self._state, self._scratch, strict=True)):
            grad = p.grad
            if grad is None or not p._requires_grad:
                continue
            if grad.__class__ is not Tensor or grad._data.shape != a.shape:
                raise ValueError(_bad_gradient(p, grad))
            if memory is None:
                memory = self._state[i] = self._start(a)
            g = grad._data
            update(p._data, g if g.dtype is a.dtype else g.astype(a.dtype), memory, a, b)
            p.stamp = next_stamp()
        if special.count:
            for observer in state.observers:
                observer.optimizer_stepped(self)

    def zero_grad(self) -> None:
        """Forget the gradients: set every parameter's `grad` to None."""
        for p in self.params:
            p.grad = None

    def state_dict(self) -> dict[str, Any]:
        """All that a resumed run needs: {"lr": float, "state": {index of the parameter: {name: array copy}}}.

        The other settings are the constructor's. Parameters that had no step yet are left out.
        """
        kept = {i: memory for i, memory in enumerate(self._state) if memory}
        copies = {i: {name: np.array(value) for name, value in memory.items()} for i, memory in kept.items()}
        return {"lr": self.lr, "state": copies}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on where an optimizer of the same kind and parameters stood; then the next steps are the same to the bit.

        Raises ValueError, and changes nothing, if the state belongs to another kind, or to other parameters.
        """
        given = state_dict.get("state", {}) if isinstance(state_dict, Mapping) and "lr" in state_dict else None
        if not isinstance(given, Mapping) or not all(
            isinstance(i, (int, np.integer)) and isinstance(memory, Mapping) for i, memory in given.items()
        ):
            raise ValueError(
                'an optimizer\'s state is a dict {"lr": ..., "state": {index of the parameter: {name: array}}}, '
                "as state_dict() gives it"
            )
        lr = float(_real("lr", state_dict["lr"], ()))
        made: list[dict[str, Any] | None] = [None] * len(self.params)
        for i, memory in given.items():
            if not 0 <= i < len(self.params):
                raise ValueError(
                    f"the state is of parameter {i}, but {type(self).__name__} has {len(self.params)} here"
                )
            made[i] = fresh = self._start(self._scratch[i][0])
            if set(memory) != set(fresh):
                raise ValueError(
                    f"the state of parameter {i} has {_listed(memory)}, but this {type(self).__name__} keeps "
                    f"{_listed(fresh)}: it was saved by another optimizer or with other settings"
                )
            for name, start in fresh.items():
                array = _real(f"{name} of parameter {i}", memory[name], np.shape(start))
                if not isinstance(start, np.ndarray) and not (array >= 0 and array == np.floor(array)):
                    raise ValueError(f"{name} of parameter {i} must be a whole number ≥ 0, not {array}")
                fresh[name] = array.astype(start.dtype) if isinstance(start, np.ndarray) else int(array)
        self.lr = lr
        self._state = made

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.params)} parameters, lr={self.lr:g})"


class SGD(Optimizer):
    """Stochastic gradient descent: θ ← θ − lr·g (Robbins & Monro 1951).

    With `momentum` μ (Polyak 1964; Sutskever et al. 2013): b ← μ·b + (1 − dampening)·g, θ ← θ − lr·b, where b starts as
    the first gradient. With `nesterov`: θ ← θ − lr·(g + μ·b). `weight_decay` λ adds λ·θ to g first.

    Where PyTorch's form parts from the papers': they put the rate inside, v ← μ·v − lr·g, θ ← θ + v, which is the same
    while lr stays constant; Nesterov's look-ahead is expressed at the current θ.
    """

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        super().__init__(params, lr, momentum=momentum, dampening=dampening, weight_decay=weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("SGD's nesterov needs a momentum above 0 and no dampening")
        self.momentum, self.dampening = float(momentum), float(dampening)
        self.weight_decay, self.nesterov = float(weight_decay), nesterov

    def _start(self, p: Array) -> dict[str, Any]:
        return {"momentum_buffer": np.zeros_like(p), "step": 0} if self.momentum else {}

    def _update(self, p: Array, g: Array, state: dict[str, Any], a: Array, b: Array) -> None:
        if self.weight_decay:
            g = _decayed(g, p, self.weight_decay, b)
        if self.momentum:
            v = state["momentum_buffer"]
            if state["step"]:
                v *= self.momentum
                v += np.multiply(g, 1 - self.dampening, a)
            else:
                v[...] = g
            state["step"] += 1
            g = np.add(g, np.multiply(v, self.momentum, a), a) if self.nesterov else v
        np.multiply(g, self._lr, a)
        np.subtract(p, a, p)


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


class Schedule:
    """A rule for the learning rate: `step()` after each epoch (or update) sets the optimizer's `lr`.

    `base` is the optimizer's lr when the schedule is made, t the number of steps so far.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(self).__name__} takes an optimizer, not {type(optimizer).__name__}")
        self.optimizer = optimizer
        self.base = optimizer.lr
        self.t = 0

    def rate(self) -> float:
        """The learning rate after t steps."""
        raise NotImplementedError

    def step(self, value: float | None = None) -> None:
        """Go on to the next epoch. `value`, the figure to watch, matters to ReduceLROnPlateau only."""
        self.t += 1
        self.optimizer.lr = self.rate()

    def state_dict(self) -> dict[str, float]:
        """The numbers that a resumed schedule needs; the optimizer's own lr is in the optimizer's state."""
        return {name: value for name, value in vars(self).items() if name != "optimizer"}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on where a schedule of the same kind stood. Raises ValueError, for another's."""
        own, kind = self.state_dict(), type(self).__name__
        if not isinstance(state_dict, Mapping) or set(state_dict) != set(own):
            given = _listed(map(str, state_dict)) if isinstance(state_dict, Mapping) else repr(state_dict)
            raise ValueError(f"a {kind}'s state has {_listed(own)}, but this one has {given}")
        try:
            vars(self).update({name: type(own[name])(value) for name, value in state_dict.items()})
            _in_range(kind, "lr", self.rate())
        except (TypeError, ValueError, ArithmeticError) as error:
            vars(self).update(own)
            raise ValueError(f"this isn't the state of a {kind}, as state_dict() gives it: {error}") from error


class StepLR(Schedule):
    """lr = base · gamma^⌊t / step_size⌋: a factor `gamma` every `step_size` epochs."""

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1) -> None:
        super().__init__(optimizer)
        if not _is_count(step_size) or not 0 < gamma < math.inf:
            raise ValueError(f"StepLR needs a whole step_size ≥ 1 and gamma > 0, not {step_size=}, {gamma=}")
        self.step_size, self.gamma = int(step_size), float(gamma)

    def rate(self) -> float:
        return self.base * self.gamma ** (self.t // self.step_size)


class CosineAnnealingLR(Schedule):
    """lr = eta_min + (base − eta_min)·(1 + cos(π·t / T_max)) / 2.

    Half a wave from base down to `eta_min` in `T_max` epochs; then it rises again, as the formula and PyTorch do.
    Loshchilov & Hutter 2017, without their restarts.
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0) -> None:
        super().__init__(optimizer)
        if not _is_count(T_max) or not 0 <= eta_min < math.inf:
            raise ValueError(f"CosineAnnealingLR needs a whole T_max ≥ 1 and eta_min ≥ 0, not {T_max=}, {eta_min=}")
        self.T_max, self.eta_min = int(T_max), float(eta_min)

    def rate(self) -> float:
        return self.eta_min + (self.base - self.eta_min) * (1 + math.cos(math.pi * self.t / self.T_max)) / 2


class LinearWarmup(Schedule):
    """lr = base · min(1, (t + 1) / warmup_steps): from base / warmup_steps, at once, up to base (Goyal et al. 2017)."""

    def __init__(self, optimizer: Optimizer, warmup_steps: int) -> None:
        super().__init__(optimizer)
        if not _is_count(warmup_steps):
            raise ValueError(f"LinearWarmup needs a whole number of warmup_steps ≥ 1, not {warmup_steps}")
        self.warmup_steps = int(warmup_steps)
        optimizer.lr = self.rate()

    def rate(self) -> float:
        return self.base * min(1.0, (self.t + 1) / self.warmup_steps)

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        super().load_state_dict(state_dict)
        self.optimizer.lr = self.rate()  # which was that of a beginning when this schedule was made


class ReduceLROnPlateau(Schedule):
    """lr ← max(lr · factor, min_lr) when the watched value hasn't improved for more than `patience` epochs.

    Better means below best · (1 − threshold) for mode "min", above best · (1 + threshold) for "max"; with
    threshold_mode "abs", best ∓ threshold. After a cut, `cooldown` epochs aren't counted. A cut of less than
    `eps` isn't made.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float = 0.0,
        eps: float = 1e-8,
    ) -> None:
        super().__init__(optimizer)
        if mode not in ("min", "max") or threshold_mode not in ("rel", "abs"):
            raise ValueError(f"mode is 'min' or 'max', threshold_mode 'rel' or 'abs', not {mode!r}, {threshold_mode!r}")
        if not 0 < factor < 1 or not all(0 <= number < math.inf for number in (threshold, min_lr, eps)):
            raise ValueError("ReduceLROnPlateau needs 0 < factor < 1 and a finite threshold, min_lr and eps ≥ 0")
        if not _is_count(patience, 0) or not _is_count(cooldown, 0):
            raise ValueError(f"patience and cooldown are whole numbers ≥ 0, not {patience=}, {cooldown=}")
        self.mode, self.threshold_mode = mode, threshold_mode
        self.factor, self.threshold, self.min_lr, self.eps = float(factor), float(threshold), float(min_lr), float(eps)
        self.patience, self.cooldown = int(patience), int(cooldown)
        self.best = math.inf if mode == "min" else -math.inf
        self.bad_epochs = self.resting = 0

    def rate(self) -> float:
        return self.optimizer.lr

    def step(self, value: float | None = None) -> None:
        """Go on to the next epoch, in which the watched figure (a validation loss, say) was `value`."""
        if value is None:
            raise TypeError("ReduceLROnPlateau watches a value: write schedule.step(validation_loss)")
        self.t += 1
        if self._improved(float(value)):
            self.best, self.bad_epochs = float(value), 0
        else:
            self.bad_epochs += 1
        if self.resting:
            self.resting, self.bad_epochs = self.resting - 1, 0
        if self.bad_epochs > self.patience:
            lr = max(self.optimizer.lr * self.factor, self.min_lr)
            if self.optimizer.lr - lr > self.eps:
                self.optimizer.lr = lr
            self.resting, self.bad_epochs = self.cooldown, 0

    def _improved(self, value: float) -> bool:
        sign = 1 if self.mode == "min" else -1
        if self.threshold_mode == "abs":
            return sign * value < sign * self.best - self.threshold
        return sign * value < sign * self.best * (1 - sign * self.threshold)


def clip_grad_norm(params: Tensor | Parameters, max_norm: float) -> float:
    """Scale all gradients, in place, so that their joint Euclidean norm is at most `max_norm`; returns the norm before.

    g ← g · min(1, max_norm / (‖g‖ + 1e-6)), ‖g‖ over all gradients together (Pascanu et al. 2013; the 1e-6 is
    PyTorch's). Raises FloatingPointError, having changed nothing, if the norm isn't finite.
    """
    if not max_norm >= 0:
        raise ValueError(f"clip_grad_norm needs max_norm ≥ 0, not {max_norm}")
    gradients = _gradients(params)
    total = math.hypot(*(euclidean_norm(g._data) for g in gradients))
    if not math.isfinite(total):
        raise FloatingPointError(
            f"the norm of the gradients is {total}, so they can't be scaled; see tl.detect_anomaly()"
        )
    scale = float(max_norm) / (total + 1e-6)
    if scale < 1:
        for g in gradients:
            # in at least single precision, for a small scale would be 0 in half precision
            np.multiply(g._data, scale, out=g._data, dtype=np.result_type(g._data, np.float32))
            g.stamp = next_stamp()
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
    for p in given:
        if not isinstance(p, Tensor):
            raise TypeError(f"clipping takes parameters, Tensors with a grad, not a {type(p).__name__}")
        if p.grad is not None and p.grad.primitive is not None:  # made with create_graph: that graph keeps its value
            p.grad = p.grad.detach()
    return [p.grad for p in dict.fromkeys(given) if p.grad is not None]


# where sums of squares are at least this times their number, those that vanished are less than a rounding error
_SMALL_SQUARE = {np.dtype(np.float32): 1e-30, np.dtype(np.float64): 1e-290}


def euclidean_norm(x: Array) -> float:
    """√Σx² over all elements, where the squares would leave the range of x's dtype, too."""
    flat = x.ravel()
    if flat.dtype in _SMALL_SQUARE:
        with np.errstate(over="ignore", under="ignore"):
            squares = float(np.dot(flat, flat))
        if flat.size * _SMALL_SQUARE[flat.dtype] < squares < math.inf:
            return math.sqrt(squares)
    largest = float(np.max(np.abs(flat), initial=0))
    if not 0 < largest < math.inf:
        return largest
    return largest * float(np.linalg.norm(flat.astype(np.float64) / largest))


def _checked_parameters(params: Any, name: str) -> list[Tensor]:
    if isinstance(params, (Tensor, Mapping)) or not isinstance(params, Iterable):
        advice = "write [w]" if isinstance(params, Tensor) else "write model.parameters()"
        raise TypeError(
            f"{name} takes parameters, as model.parameters() gives them, not a {type(params).__name__}; {advice}"
        )
    found = list(params)
    if not found:
        raise ValueError(
            f"{name} was given no parameters. An iterator can be used only once; write model.parameters() anew"
        )
    for i, p in enumerate(found):
        if not isinstance(p, Tensor):
            raise TypeError(
                f"{name} updates Tensors, but parameter {i} is of type {type(p).__name__}; see model.parameters()"
            )
        if p.primitive is not None:
            raise ValueError(
                f"parameter {i} was computed by {p.primitive.name}; {name} updates leaves, which "
                "tl.tensor(..., requires_grad=True) makes"
            )
    if not any(p.requires_grad for p in found):
        raise ValueError(f"none of the parameters given to {name} requires a gradient, so it would change nothing")
    return list(dict.fromkeys(found))


_BELOW = {
    "lr": math.inf, "momentum": math.inf, "dampening": math.inf, "weight_decay": math.inf, "eps": math.inf,
    "lr_decay": math.inf, "initial_accumulator_value": math.inf, "beta1": 1, "beta2": 1, "alpha": 1, "rho": 1,
}  # fmt: skip


def _in_range(optimizer: str, name: str, value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
        raise TypeError(f"{optimizer}'s {name} must be a number, not {value!r}")
    if not 0 <= value < _BELOW[name]:
        expected = "a finite number ≥ 0" if _BELOW[name] == math.inf else f"a number in 0 ≤ {name} < 1"
        raise ValueError(f"{optimizer}'s {name} must be {expected}, not {value}")


def _is_count(number: float, least: int = 1) -> bool:
    return least <= number < math.inf and int(number) == number


def _real(what: str, value: Any, shape: tuple[int, ...]) -> Array:
    """A number or array of a saved state, copied; ValueError for what can't be one."""
    try:
        array = np.array(value)
    except ValueError:  # rows of different lengths
        array = np.array(None)
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{what} isn't real numbers, as state_dict() gives them")
    if array.shape != shape:
        raise ValueError(f"{what} has shape {array.shape}, not {shape}; state_dict() gives the right ones")
    return array


def _bad_gradient(p: Tensor, grad: Any) -> str:
    given = f"of shape {grad._data.shape}" if isinstance(grad, Tensor) else f"a {type(grad).__name__}"
    return f"the grad of a parameter of shape {p._data.shape} must be a Tensor of that shape, but it is {given}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"


def _working(p: Tensor) -> np.dtype[Any]:
    """The dtype that steps are computed in: half precision has no room for squares of gradients, nor for ε."""
    return np.dtype(np.float32) if p._data.dtype == np.float16 else p._data.dtype


def _decayed(g: Array, p: Array, weight_decay: float, out: Array) -> Array:
    """g + λ·θ, the gradient of the loss plus λ/2 · ‖θ‖²."""
    np.multiply(p, weight_decay, out, dtype=out.dtype)
    out += g
    return out
