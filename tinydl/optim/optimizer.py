"""What all optimizers share: parameters, the learning rate, the state of each parameter, and the step.

Stands on the engine alone. Read sgd.py next, then adaptive.py; training/fit.py calls them in a loop.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..engine.arrays import Array
from ..engine.checks import kind, listed, real
from ..engine.recording import special, state
from ..engine.tensor import Tensor, next_stamp

Parameters = Iterable[Tensor]


class Optimizer:
    """What all optimizers share: the parameters, the learning rate `lr`, and one dict of arrays per parameter.

    A step skips parameters without a gradient and those frozen by ``requires_grad = False``. `lr` can be set any time.
    The `settings` are kept as attributes of their names; `weight_decay` λ adds λ·θ to each gradient, which then is that
    of the loss plus λ/2 · ‖θ‖². Raises, when made: ValueError for no parameters, for none that requires a gradient, for
    a computed Tensor and for settings out of their range; TypeError for what isn't a Tensor.
    """

    weight_decay: float
    _decay_is_of_the_loss = True  # whether weight decay is added to the gradient; AdamW's isn't

    def __init__(self, params: Parameters, lr: float, **settings: float) -> None:
        self.params = _checked_parameters(params, type(self).__name__)
        self.lr, self.weight_decay = lr, 0.0
        for name, value in settings.items():
            setattr(self, name, in_range(type(self).__name__, name, value))
        self._state: list[dict[str, Any] | None] = [None] * len(self.params)  # None: not stepped yet
        largest: dict[np.dtype[Any], int] = {}
        for p in self.params:
            largest[working_dtype(p._data)] = max(largest.get(working_dtype(p._data), 0), p._data.size)
        scratch = {dtype: np.empty((2, size), dtype) for dtype, size in largest.items()}
        self._scratch = [
            tuple(row[: p._data.size].reshape(p._data.shape) for row in scratch[working_dtype(p._data)])
            for p in self.params
        ]

    @property
    def lr(self) -> float:
        """The learning rate, ≥ 0: how far a step goes."""
        return self._lr

    @lr.setter
    def lr(self, value: float) -> None:
        self._lr = in_range(type(self).__name__, "lr", value)

    def _start(self, p: Array) -> dict[str, Any]:
        """The state of a parameter before its first step, of the shape and dtype of `p`."""
        return {}

    def _update(self, p: Array, g: Array, state: dict[str, Any], a: Array, b: Array) -> None:
        """Change θ = `p` in place; `a` and `b` are scratch arrays of its shape, `b` after the last use of `g` only."""
        raise NotImplementedError

    def step(self) -> None:
        """Update every parameter that has a gradient, in place. A later backward through an older graph raises."""
        if special.count:
            for observer in state.observers:
                observer.optimizer_stepping(self)
        update, decay = self._update, self.weight_decay if self._decay_is_of_the_loss else 0.0
        for i, (p, memory, (a, b)) in enumerate(zip(self.params, self._state, self._scratch, strict=True)):
            grad = p.grad
            if grad is None or not p._requires_grad:
                continue
            if grad.__class__ is not Tensor or grad._data.shape != a.shape:
                raise ValueError(_bad_gradient(p, grad))
            if memory is None:
                memory = self._state[i] = self._start(a)
            g = grad._data
            g = g if g.dtype is a.dtype else g.astype(a.dtype)
            if decay:
                g = np.add(np.multiply(p._data, decay, b, dtype=b.dtype), g, b)
            update(p._data, g, memory, a, b)
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
        lr = float(_saved("lr", state_dict["lr"], ()))
        made: list[dict[str, Any] | None] = [None] * len(self.params)
        for i, memory in given.items():
            if not 0 <= i < len(self.params):
                raise ValueError(
                    f"the state is of parameter {i}, but {type(self).__name__} has {len(self.params)} here"
                )
            made[i] = fresh = self._start(self._scratch[i][0])
            if set(memory) != set(fresh):
                raise ValueError(
                    f"the state of parameter {i} has {named(memory)}, but this {type(self).__name__} keeps "
                    f"{named(fresh)}: it was saved by another optimizer or with other settings"
                )
            for name, start in fresh.items():
                array = _saved(f"{name} of parameter {i}", memory[name], np.shape(start))
                if not isinstance(start, np.ndarray) and not (array >= 0 and array == np.floor(array)):
                    raise ValueError(f"{name} of parameter {i} must be a whole number ≥ 0, not {array}")
                fresh[name] = array.astype(start.dtype) if isinstance(start, np.ndarray) else int(array)
        self.lr = lr
        self._state = made

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.params)} parameters, lr={self.lr:g})"


def _checked_parameters(params: Any, name: str) -> list[Tensor]:
    if isinstance(params, (Tensor, Mapping)) or not isinstance(params, Iterable):
        advice = "write [w]" if isinstance(params, Tensor) else "write model.parameters()"
        raise TypeError(f"{name} takes parameters, as model.parameters() gives them, not {kind(params)}; {advice}")
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


_FRACTIONS = ("beta1", "beta2", "alpha", "rho")  # shares of what was, in running means


def in_range(optimizer: str, name: str, value: float) -> float:
    """A setting as Python's float: a NumPy float64 would make float32 arithmetic float64."""
    number = real(f"{optimizer}'s {name}", value)
    if not 0 <= number < (1 if name in _FRACTIONS else math.inf):
        expected = f"a number in 0 ≤ {name} < 1" if name in _FRACTIONS else "a finite number ≥ 0"
        raise ValueError(f"{optimizer}'s {name} must be {expected}, not {value}")
    return number


def _saved(what: str, value: Any, shape: tuple[int, ...]) -> Array:
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
    given = f"of shape {grad._data.shape}" if isinstance(grad, Tensor) else kind(grad)
    return f"the grad of a parameter of shape {p._data.shape} must be a Tensor of that shape, but it is {given}"


def named(saved: Iterable[Any]) -> str:
    return listed(sorted(map(str, saved)), most=20) or "nothing"


def working_dtype(x: Array) -> np.dtype[Any]:
    """The dtype to compute in: half precision has no room for squares of gradients, for ε nor for a small factor."""
    return np.result_type(x, np.float32)
