"""Learning-rate schedules: each gives the rate after t epochs and sets it on its optimizer."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from ..engine.checks import is_whole
from ..engine.recording import special, state
from .groups import in_range, named
from .optimizer import Optimizer


class Schedule:
    """A rule for the learning rate: `step()` after each epoch (or update) sets the optimizer's `lr`.

    `per` says when `fit` makes that step: after each "epoch", or after each "step" of the optimizer; then what the
    formulas call epochs are batches. `base` is the optimizer's lr when the schedule is made, t the number of steps so
    far. Of an optimizer with several groups, each goes its own way from the lr that it had then: `rate` is asked for
    each, with its `base`. What a LinearWarmup of the same optimizer does comes on top, whichever is made or steps
    first: lr = rate · its factor; and `base` is then the lr to which it leads.
    """

    _of_old_states: ClassVar[dict[str, Any]] = {"other_bases": [], "per": "epoch"}  # what they lack, as it was then

    def __init__(self, optimizer: Optimizer, per: str = "epoch") -> None:
        kind = type(self).__name__
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{kind} takes an optimizer, not {type(optimizer).__name__}")
        if per not in ("epoch", "step"):
            raise ValueError(f"{kind} goes on per='epoch' or per='step' (after each batch), not {per!r}")
        self.optimizer, self.per = optimizer, per
        self.base, *self.other_bases = self._aims()
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
        self._aim_at(rates)

    def _aims(self) -> list[float]:
        """Each group's rate without a warm-up; one that was set by hand since the last step counts as it is."""
        now, o = [float(group["lr"]) for group in self.optimizer.groups], self.optimizer
        if now != [aim * o.warmth for aim in o.aims]:
            o.aims, o.warmth = now, 1.0
        return o.aims

    def _aim_at(self, aims: list[float]) -> None:
        """Set each group's rate, of which a warm-up takes its part."""
        kind, o = type(self.optimizer).__name__, self.optimizer
        for group, aim in zip(o.groups, aims, strict=True):
            group["lr"] = in_range(kind, "lr", aim * o.warmth)
        o.aims = aims

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
        given = {**self._of_old_states, **state_dict} if isinstance(state_dict, Mapping) else {}
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
    if isinstance(own, np.ndarray):
        return np.array(value, own.dtype)
    if own is None or value is None or (type(own) is int and type(value) is float):
        return value
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
    """lr ← lr · min(1, (t + 1) / warmup_steps): from lr / warmup_steps, at once, up to lr (Goyal et al. 2017).

    The lr on the right is base or, where another schedule of the optimizer steps too, what that one says: a warm-up
    `per="step"` and a CosineAnnealingLR, say, whose factors multiply.
    """

    _of_old_states: ClassVar[dict[str, Any]] = {**Schedule._of_old_states, "aims": []}

    def __init__(self, optimizer: Optimizer, warmup_steps: int, *, per: str = "epoch") -> None:
        super().__init__(optimizer, per)
        self.warmup_steps = warmup_steps
        self.aims: list[float] = []
        self._check_settings()
        self._set_rates()

    def _check_settings(self) -> None:
        if not is_whole(self.warmup_steps, 1):
            raise ValueError(f"LinearWarmup needs a whole number of warmup_steps ≥ 1, not {self.warmup_steps}")
        self.warmup_steps = int(self.warmup_steps)
        self.aims = [in_range("LinearWarmup", "lr", float(aim)) for aim in self.aims]
        if len(self.aims) not in (0, len(self.optimizer.groups)):
            raise ValueError(f"aims are {len(self.aims)} rates, for {len(self.optimizer.groups)} groups")

    def _factor(self) -> float:
        """By what learning rates are multiplied after t steps."""
        return min(1.0, (self.t + 1) / self.warmup_steps)

    def rate(self) -> float:
        return self.base * self._factor()

    def _set_rates(self) -> None:
        self.optimizer.warmth = self._factor()
        self._aim_at(self.optimizer.aims)

    def state_dict(self) -> dict[str, Any]:
        self.aims = [*self.optimizer.aims]
        return super().state_dict()

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        super().load_state_dict(state_dict)
        self.optimizer.aims = self.aims or [self.base, *self.other_bases]
        self._set_rates()


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
            rates = self._aims()
            lower = [max(rate * self.factor, self.min_lr) for rate in rates]
            self._aim_at([new if old - new > self.eps else old for old, new in zip(rates, lower, strict=True)])
            self.resting, self.bad_epochs = self.cooldown, 0

    def _improved(self, value: float) -> bool:
        sign = 1 if self.mode == "min" else -1
        if self.threshold_mode == "abs":
            return sign * value < sign * self.best - self.threshold
        return sign * value < sign * self.best * (1 - sign * self.threshold)
