"""What `diagnose` looks at: a copy of the model, run forward and backward on one batch, and a few steps with it.

Nothing is judged here: diagnose.py, which one reads next, compares with what healthy runs show. Stands on nn and on the
engine's trace, which writes the run down.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine import random
from ..engine.arrays import Array, euclidean_norm
from ..engine.recording import no_grad, observing
from ..engine.tensor import Tensor, propagate, wrap
from ..engine.trace import Operation, Trace
from ..nn import Module
from ..nn.module import members

CONVOLUTIONS = ("conv", "conv_input")
RESHAPING = {"reshape", "transpose", "swapaxes", "moveaxis", "squeeze", "expand_dims", "getitem", "cast"}


def copied(model: Module, optimizer: Any, loss: Any) -> tuple[Module, Any, Any]:
    """Copies that belong together; computed Tensors kept in attributes, which can't be copied, become constants."""
    memo: dict[int, Any] = {}
    for module in model.modules():
        for _, _, _, value in members(module):
            if isinstance(value, Tensor) and value.primitive is not None:
                memo[id(value)] = value.detach()
    made: tuple[Module, Any] = copy.deepcopy((model, optimizer), memo)
    return (*made, copy.deepcopy(loss, memo) if isinstance(loss, Module) else loss)


class Run:
    """A copy of the model, run forward and backward on the batch; without a `loss` only forward."""

    def __init__(self, model: Module, loss: Any, optimizer: Any, x: Any, y: Any) -> None:
        self.original, self.x, self.y = (model, loss, optimizer), x, y
        self.model, _, self.loss = copied(model, None, loss)
        self.model.train()
        self.names = {p: name for name, p in self.model.named_parameters()}
        self.trained = {p: name for p, name in self.names.items() if p.requires_grad}
        trace = Trace()
        with observing(trace):
            self.outputs = self.model(x)
            end = len(trace.operations)
            self.value = None if loss is None else _value(self.loss, self.outputs, y)
        self.operations, self.of_loss = trace.operations[:end], trace.operations[end:]
        self.layers = self._layers()
        self.maps = self._maps()
        self.gradients: dict[Tensor, Any] = {}  # of the loss, by all that it was computed from
        if self.value is not None and self.value.requires_grad and math.isfinite(self.value.item()):
            self.gradients, _ = propagate([self.value], [np.ones_like(self.value.data)], keep_all=True)
        self.unmoved: dict[str, str] = {}  # parameters that don't change, with the reason, as they are found

    def _layers(self) -> list[tuple[Tensor, Operation]]:
        """The weight matrices and kernels in the order of their first use, each with the operation that multiplies by
        it."""
        first: dict[Tensor, Operation] = {}
        for operation in self.operations:
            if operation.name in ("linear", "matmul", "einsum", *CONVOLUTIONS):
                for p in operation.inputs:
                    if self.is_weight(p) and p.ndim >= 2:
                        first.setdefault(p, operation)
        return list(first.items())

    def _maps(self) -> set[Tensor]:
        """What convolutions give, and what is made of that place by place or by pooling: its units are on axis 1."""
        maps: set[Tensor] = set()
        for operation in self.operations:
            y = operation.output
            kept = (
                x in maps and x.ndim == y.ndim and x.shape[:2] == y.shape[:2]
                for x in operation.inputs
                if isinstance(x, Tensor)
            )
            if operation.name in CONVOLUTIONS or (operation.name not in RESHAPING and any(kept)):
                maps.add(y)
        return maps

    def rows(self, y: Tensor) -> Array:
        """A column for each unit, a row for each example, or each place of it."""
        return columns(y.data, y in self.maps)

    def is_weight(self, x: Any) -> bool:
        """Whether it is a parameter of the model."""
        return isinstance(x, Tensor) and x in self.names

    def layer(self, p: Tensor) -> str:
        """The layer that a parameter belongs to, as "0 (Linear)"."""
        return self.layer_of(self.names[p])

    def layer_of(self, name: str) -> str:
        """The same by the parameter's name, which is the answer where no layer has it."""
        path = name.rpartition(".")[0]
        module = dict(self.model.named_modules()).get(path)
        return f"{path} ({type(module).__name__})" if path and module is not None else name

    @property
    def normalised(self) -> bool:
        """Whether there are layers that normalise."""
        return any(operation.name in ("centred", "inverse_rms") for operation in self.operations)

    def guessing(self) -> tuple[str, float]:
        """What kind of loss it is, and what it is for outputs that are the same for all examples."""
        if not isinstance(self.outputs, Tensor) or self.value is None:
            return "", math.nan
        shape, dtype, used = self.outputs.shape, self.outputs.dtype, {operation.name for operation in self.of_loss}
        if used & {"weighted_cross_entropy", "log_softmax"}:
            return "classes", self.loss_of(np.zeros(shape, dtype))
        if "softplus" in used and set(np.unique(self.y)) <= {0, 1}:
            return "yes or no", self.loss_of(np.zeros(shape, dtype))
        if "bounded_log" in used:
            return "yes or no", self.loss_of(np.full(shape, 0.5, dtype))
        if self.y.dtype.kind == "f" and self.y.shape == shape and len(self.y) > 1:
            try:
                guess = self.loss_of(np.broadcast_to(self.y.mean(0), shape).astype(dtype))
                best = self.loss_of(self.y.astype(dtype))
            except ValueError:  # of a loss that no outputs like the targets can have, as kl_div of probabilities
                return "", math.nan
            if best < 0.5 * guess:  # or else the outputs aren't to equal the targets
                return "numbers", guess
        return "", math.nan

    def loss_of(self, outputs: Array) -> float:
        """The loss if the model gave these outputs."""
        with no_grad():
            return float(_value(self.loss, wrap(outputs), self.y).item())

    def steps(self, count: int, factor: float = 1.0) -> tuple[list[float], dict[str, float], set[str]]:
        """Losses on the batch before each of `count` steps with a rate of `factor` times the optimizer's and after the
        last; how far the first step moved each parameter (a norm); the parameters that never changed."""
        model, loss, optimizer = self.original
        model, optimizer, loss = copied(model, optimizer, loss)
        model.train()
        for group in optimizer.groups:
            group["lr"] *= factor
        named = {name: p for name, p in model.named_parameters() if p.requires_grad}
        start = {name: p.data.copy() for name, p in named.items()}
        losses, moved = [], {}
        for step in range(count + 1):
            with random.seeded(0):  # the same dropout each time
                value = _value(loss, model(self.x), self.y)
            losses.append(value.item())
            if step == count or not math.isfinite(losses[-1]) or not value.requires_grad:
                break
            optimizer.zero_grad()
            model.zero_grad()
            value.backward()
            optimizer.step()
            if not step:
                moved = {n: euclidean_norm(p.data - start[n]) for n, p in named.items()}
        return losses, moved, {name for name, p in named.items() if np.array_equal(p.data, start[name])}


def columns(array: Array, of_maps: bool) -> Array:
    """A column for each feature, which of maps stand on axis 1, else on the last; rows of all the rest."""
    array = array.swapaxes(1, -1) if of_maps else array
    return array.reshape(-1, array.shape[-1])


def _value(loss: Callable[[Any, Any], Any], outputs: Any, y: Any) -> Tensor:
    value = loss(outputs, y)
    if not isinstance(value, Tensor) or value.size != 1:
        given = f"shape {value.shape}" if isinstance(value, Tensor) else type(value).__name__
        raise ValueError(f"loss(outputs, y) must be a Tensor with a single number, not {given}")
    return value
