"""One step of a recurrent network as a layer: what goes round in the loop of one's own forward.

The formulas are the functions of derivatives/recurrence.py. Read recurrent.py next, which runs them along a sequence.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import functional as F
from ..derivatives.recurrence import gru_step, lstm_step, rnn_step
from ..engine.checks import kind, whole
from ..functional.activations import as_input
from . import init
from .module import Module, parameter

NONLINEARITIES = ("tanh", "relu")


def uniform(hidden_size: int, *shape: int) -> Any:
    """A parameter of a recurrent layer, uniform on ±1/√hidden_size."""
    bound = 1 / math.sqrt(hidden_size)
    return init.uniform_(parameter(*shape), -bound, bound)


def one_of(name: str, nonlinearity: str) -> str:
    """The nonlinearity, which is one of the two there are."""
    if nonlinearity not in NONLINEARITIES:
        raise ValueError(f'{name}\'s nonlinearity is "tanh" or "relu", not {nonlinearity!r}')
    return nonlinearity


def states_of(name: str, parts: str, state: Any) -> tuple[Any, ...]:
    """The state that was given, part by part: h alone or, with the parts "hc", (h, c)."""
    if len(parts) == 1:
        if isinstance(state, tuple):
            raise TypeError(f"{name}'s state is h alone, not a tuple of {len(state)}: only an LSTM's is (h, c)")
        return (state,)
    several = isinstance(state, (tuple, list))
    if not several or len(state) != len(parts):
        given = f"a {type(state).__name__} of {len(state)}" if several else kind(state)
        raise TypeError(f"{name}'s state is (h, c), the hidden state and the cell, not {given}; write (h, c)")
    return tuple(state)


class _Cell(Module):
    """What the cells have in common: weights and biases of `gates` gates."""

    gates, parts = 1, "h"

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True) -> None:
        self.input_size, self.hidden_size = whole("input_size", input_size, 1), whole("hidden_size", hidden_size, 1)
        self.bias, rows = bool(bias), self.gates * hidden_size
        self.weight_ih = uniform(hidden_size, rows, input_size)
        self.weight_hh = uniform(hidden_size, rows, hidden_size)
        self.bias_ih = uniform(hidden_size, rows) if bias else None
        self.bias_hh = uniform(hidden_size, rows) if bias else None

    def _started(self, x: Any, state: Any) -> tuple[Any, ...]:
        """x and each part of the state, zeros if there is none, as what is computed with."""
        name, x = type(self).__name__, as_input(x, self.weight_ih)
        if x.ndim not in (1, 2) or x.shape[-1] != self.input_size:
            sequence = f". Of a sequence write x[t], or nn.{name.removesuffix('Cell')}" if x.ndim == 3 else ""
            raise ValueError(
                f"{name} takes one step, x of shape (batch, {self.input_size}) or ({self.input_size},), not "
                f"{x.shape}{sequence}"
            )
        shape = (*x.shape[:-1], self.hidden_size)
        if state is None:
            return x, *(np.zeros_like(x, shape=shape) for _ in self.parts)
        given = [as_input(part, self.weight_ih) for part in states_of(name, self.parts, state)]
        for part, array in zip(self.parts, given, strict=True):
            if array.shape != shape:
                raise ValueError(f"{name}'s {part} must have shape {shape} beside x {x.shape}, not {array.shape}")
        return x, *given


class RNNCell(_Cell):
    r"""A step of Elman's network, :math:`h' = \tanh(x W_{ih}^\top + b_{ih} + h W_{hh}^\top + b_{hh})`, or with relu.

    ``h = cell(x, h)``; without h it starts at 0. Shapes: x (N, input_size), h (N, hidden_size), both also without N;
    weight_ih (hidden_size, input_size), weight_hh (hidden_size, hidden_size), bias_ih and bias_hh (hidden_size,). All
    start uniform on ±1/√hidden_size, as in PyTorch. Raises ValueError for other shapes, and for a nonlinearity that is
    neither "tanh" nor "relu". Elman 1990.
    """

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: str = "tanh") -> None:
        super().__init__(input_size, hidden_size, bias)
        self.nonlinearity = one_of("RNNCell", nonlinearity)

    def forward(self, x: Any, state: Any = None) -> Any:
        x, h = self._started(x, state)
        a, b = F.linear(x, self.weight_ih, self.bias_ih), F.linear(h, self.weight_hh, self.bias_hh)
        return rnn_step(a, b, self.nonlinearity)


class LSTMCell(_Cell):
    r"""A step of the long short-term memory, :math:`c' = f c + i \tanh z_g, \; h' = o \tanh c'`.

    The gates are σ of their quarters of :math:`z = x W_{ih}^\top + b_{ih} + h W_{hh}^\top + b_{hh}`, whose order is i,
    f, g, o. ``h, c = cell(x, (h, c))``; without a state it starts at 0. Shapes: x (N, input_size), h and c (N,
    hidden_size), all also without N; weight_ih (4·hidden_size, input_size), weight_hh (4·hidden_size, hidden_size),
    bias_ih and bias_hh (4·hidden_size,), uniform on ±1/√hidden_size at the start, as in PyTorch. Raises ValueError for
    other shapes and TypeError for a state that is no pair. Hochreiter & Schmidhuber 1997, Gers et al. 2000.
    """

    gates, parts = 4, "hc"

    def forward(self, x: Any, state: Any = None) -> tuple[Any, Any]:
        x, h, c = self._started(x, state)
        return lstm_step(F.linear(x, self.weight_ih, self.bias_ih) + F.linear(h, self.weight_hh, self.bias_hh), c)


class GRUCell(_Cell):
    r"""A step of the gated recurrent unit, :math:`h' = (1 - z) \tanh(a_n + r b_n) + z h`.

    Here :math:`a = x W_{ih}^\top + b_{ih}` and :math:`b = h W_{hh}^\top + b_{hh}`, cut in thirds r, z, n, and
    :math:`r = \sigma(a_r + b_r), z = \sigma(a_z + b_z)`. ``h = cell(x, h)``; without h it starts at 0. Shapes: x (N,
    input_size), h (N, hidden_size), both also without N; weight_ih (3·hidden_size, input_size), weight_hh
    (3·hidden_size, hidden_size), bias_ih and bias_hh (3·hidden_size,), uniform on ±1/√hidden_size at the start, as in
    PyTorch. Raises ValueError for other shapes. Cho et al. 2014, with r where cuDNN and PyTorch have it.
    """

    gates = 3

    def forward(self, x: Any, state: Any = None) -> Any:
        x, h = self._started(x, state)
        return gru_step(F.linear(x, self.weight_ih, self.bias_ih), F.linear(h, self.weight_hh, self.bias_hh), h)
