"""Learning-rate schedules: each gives the rate after t epochs and sets it on its optimizer."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..engine.checks import is_whole
from ..engine.recording import special, state
from .groups import in_range, named
from .optimizer import Optimizer


class Schedule:
    """A rule for the learning rate: `step()` after each epoch (or update) sets the optimizer's `lr`.

    `per` says when `fit` makes that step: after each "epoch", or after each "step" of the optimizer; then what the
    formulas call epochs are batches. `base` is the optimizer's lr when the schedule is made, or the one to which a
    LinearWarmup is on its way; t the number of steps so far. Of an optimizer with several groups, each goes its own way
    from the lr that it had then: `rate` is asked for each, with its `base`.
    """

    def __init__(self, optimizer: Optimizer, per: str = "epoch") -> None:
        kind = type(self).__name__
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{kind} takes an optimizer, not {type(optimizer).__name__}")
        if per not in ("epoch", "step"):
            raise ValueError(f"{kind} goes on per='epoch' or per='step' (after each batch), not {per!r}")
        self.optimizer, self.per = optimizer, per
        now = [float(group["lr"]) for group in optimizer.groups]
        warming = [lr for lr, _ in optimizer.warming] == now
        self.base, *self.other_bases = [aim for _, aim in optimizer.warming] if warming else now
        self.t = 0

    def rate(self) -> float:
        """The learning rate after t steps."""
        raise NotImplementedError

    def _check_settings(self) -> None:
        """ValueError for settings that can't be meant, whether they were given or loaded."""

    def _tell(self) -> None:
        if special.count:
            for observer in state.observers:
                observer.schedule_stepping(self)

    def _set_rates(self) -> None:
        rates = [self.rate()]
        for base in self.other_bases:
            other = copy.copy(self)
            other.base = base
            rates.append(other.rate())
        for group, rate in zip(self.optimizer.groups, rates, strict=True):
            group["lr"] = in_range(type(self.optimizer).__name__, "lr", rate)

    def step(self, value: float | None = None) -> None:
        """Go on to the next epoch. `value`, the figure to watch, matters to ReduceLROnPlateau only."""
        self._tell()
        self.t += 1
        self._set_rates()

    def state_dict(self) -> dict[str, Any]:
        """What a resumed schedule needs; the optimizer's own lr is in the optimizer's state, so load that, too."""
        return {name: copy.copy(value) for name, value in vars(self).items() if name != "optimizer"}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on where a schedule of the same kind stood, with its settings.

        Raises ValueError, and changes nothing, for the state of another kind, of other groups or of another `per`, and
        for settings that couldn't be given when a schedule is made.
        """
        own, kind = self.state_dict(), type(self).__name__
        before = {"other_bases": [], "per": "epoch"}  # what states have in which it isn't
        given = {**before, **state_dict} if isinstance(state_dict, Mapping) else {}
        if set(given) != set(own):
            shown = named(state_dict) if isinstance(state_dict, Mapping) else repr(state_dict)
            raise ValueError(f"a {kind}'s state has {named(own)}, but this one has {shown}")
        if given["per"] != self.per:
            raise ValueError(f"the state counts each {given['per']}; write {kind}(…, per={given['per']!r})")
        try:
            vars(self).update({name: _like(own[name], name, value) for name, value in given.items()})
            if not is_whole(self.t, 0):
                raise ValueError(f"t is a number of steps, not {self.t}")
            self.base = in_range(kind, "base", self.base)
            self.other_bases = [in_range(kind, "base", float(base)) for base in self.other_bases]
            if len(self.other_bases) != len(own["other_bases"]):
                raise ValueError(f"it is of {len(self.other_bases) + 1} groups, not of {len(own['other_bases']) + 1}")
            self._check_settings()
            in_range(kind, "lr", self.rate())
        except (TypeError, ValueError, ArithmeticError) as error:
            vars(self).update(own)
            raise ValueError(f"this isn't the state of a {kind}, as state_dict() gives it: {error}") from error


def _like(own: Any, name: str, value: Any) -> Any:
    """A state's value in the type of the one that it replaces. ValueError where it would become another value."""
    found = type(own)(value)
    if not isinstance(own, (int, float, str)):
        return found
    is_switch = isinstance(value, (bool, np.bool_))
    if is_switch != isinstance(own, bool) or not (found == value or found != found):
        raise ValueError(f"{name} is {value!r}, where {own!r} stood")
    return found


class StepLR(Schedule):
    """lr = base · gamma^⌊t / step_size⌋: a factor `gamma` every `step_size` epochs."""

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, *, per: str = "epoch") -> None:
        super().__init__(optimizer, per)
        self.step_size, self.gamma = step_size, gamma
        self._check_settings()

    def _check_settings(self) -> None:
        step_size, gamma = self.step_size, self.gamma
        if not is_whole(step_size, 1) or not 0 < gamma < math.inf:
            raise ValueError(f"StepLR needs a whole step_size ≥ 1 and gamma > 0, not {step_size=}, {gamma=}")
        self.step_size, self.gamma = int(step_size), float(gamma)

    def rate(self) -> float:
        return self.base * self.gamma ** (self.t // self.step_size)


class CosineAnnealingLR(Schedule):
    """lr = eta_min + (base − eta_min)·(1 + cos(π·t / T_max)) / 2.

    Half a wave from base down to `eta_min` in `T_max` epochs; then it rises again, as the formula and PyTorch do.
    Loshchilov & Hutter 2017, without their restarts.
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, *, per: str = "epoch") -> None:
        super().__init__(optimizer, per)
        self.T_max, self.eta_min = T_max, eta_min
        self._check_settings()

    def _check_settings(self) -> None:
        T_max, eta_min = self.T_max, self.eta_min
        if not is_whole(T_max, 1) or not 0 <= eta_min < math.inf:
            raise ValueError(f"CosineAnnealingLR needs a whole T_max ≥ 1 and eta_min ≥ 0, not {T_max=}, {eta_min=}")
        self.T_max, self.eta_min = int(T_max), float(eta_min)

    def rate(self) -> float:
        return self.eta_min + (self.base - self.eta_min) * (1 + math.cos(math.pi * self.t / self.T_max)) / 2


class LinearWarmup(Schedule):
    """lr = base · min(1, (t + 1) / warmup_steps): from base / warmup_steps, at once, up to base (Goyal et al. 2017)."""

    def __init__(self, optimizer: Optimizer, warmup_steps: int, *, per: str = "epoch") -> None:
        super().__init__(optimizer, per)
        self.warmup_steps = warmup_steps
        self._check_settings()
        self._set_rates()

    def _check_settings(self) -> None:
        if not is_whole(self.warmup_steps, 1):
            raise ValueError(f"LinearWarmup needs a whole number of warmup_steps ≥ 1, not {self.warmup_steps}")
        self.warmup_steps = int(self.warmup_steps)

    def rate(self) -> float:
        return self.base * min(1.0, (self.t + 1) / self.warmup_steps)

    def _set_rates(self) -> None:
        super()._set_rates()
        rates = (float(group["lr"]) for group in self.optimizer.groups)
        self.optimizer.warming = list(zip(rates, (self.base, *self.other_bases), strict=True))

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        super().load_state_dict(state_dict)
        self._set_rates()  # which were those of a beginning when this schedule was made


class ReduceLROnPlateau(Schedule):
    """lr ← max(lr · factor, min_lr) when the watched value hasn't improved for more than `patience` epochs.

    Better means below best · (1 − threshold) for mode "min", above best · (1 + threshold) for "max"; with
    threshold_mode "abs", best ∓ threshold. After a cut, `cooldown` epochs aren't counted. A cut of less than
    `eps` isn't made. Each group's lr is cut. The value is `fit`'s val_loss (or loss); with per="step" the batch's loss.
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
        *,
        per: str = "epoch",
    ) -> None:
        super().__init__(optimizer, per)
        self.mode, self.threshold_mode = mode, threshold_mode
        self.factor, self.threshold, self.min_lr, self.eps = factor, threshold, min_lr, eps
        self.patience, self.cooldown = patience, cooldown
        self.best = math.inf if mode == "min" else -math.inf
        self.bad_epochs = self.resting = 0
        self._check_settings()

    def _check_settings(self) -> None:
        mode, threshold_mode, patience, cooldown = self.mode, self.threshold_mode, self.patience, self.cooldown
        if mode not in ("min", "max") or threshold_mode not in ("rel", "abs"):
            raise ValueError(f"mode is 'min' or 'max', threshold_mode 'rel' or 'abs', not {mode!r}, {threshold_mode!r}")
        numbers = self.factor, self.threshold, self.min_lr, self.eps
        if not 0 < self.factor < 1 or not all(0 <= number < math.inf for number in numbers[1:]):
            raise ValueError("ReduceLROnPlateau needs 0 < factor < 1 and a finite threshold, min_lr and eps ≥ 0")
        if not is_whole(patience, 0) or not is_whole(cooldown, 0):
            raise ValueError(f"patience and cooldown are whole numbers ≥ 0, not {patience=}, {cooldown=}")
        if math.isnan(self.best) or not is_whole(self.bad_epochs, 0) or not is_whole(self.resting, 0):
            raise ValueError(
                f"best is a number, bad_epochs and resting are whole numbers ≥ 0, not {self.best}, {self.bad_epochs}, "
                f"{self.resting}"
            )
        self.factor, self.threshold, self.min_lr, self.eps = map(float, numbers)
        self.patience, self.cooldown = int(patience), int(cooldown)

    def rate(self) -> float:
        return self.optimizer.lr

    def step(self, value: float | None = None) -> None:
        """Go on to the next epoch, in which the watched figure (a validation loss, say) was `value`."""
        if value is None:
            raise TypeError("ReduceLROnPlateau watches a value: write schedule.step(validation_loss)")
        self._tell()
        self.t += 1
        if self._improved(float(value)):
            self.best, self.bad_epochs = float(value), 0
        else:
            self.bad_epochs += 1
        if self.resting:
            self.resting, self.bad_epochs = self.resting - 1, 0
        if self.bad_epochs > self.patience:
            for group in self.optimizer.groups:
                lr = max(group["lr"] * self.factor, self.min_lr)
                if group["lr"] - lr > self.eps:
                    group["lr"] = lr
            self.resting, self.bad_epochs = self.cooldown, 0

    def _improved(self, value: float) -> bool:
        sign = 1 if self.mode == "min" else -1
        if self.threshold_mode == "abs":
            return sign * value < sign * self.best - self.threshold
        return sign * value < sign * self.best * (1 - sign * self.threshold)
