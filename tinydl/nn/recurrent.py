"""Recurrent layers over whole sequences: the steps of cells.py in a loop, in several layers and both directions.

What the inputs give to all steps is one product before the loop. Of sequences of several lengths all steps are run,
and those beyond a sequence's end are left out of what comes out: no step looks ahead, so they reach none before them.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import functional as F
from ..derivatives.elementwise import where
from ..derivatives.products import linear
from ..derivatives.recurrence import gru_step, lstm_by_steps, lstm_sequence, rnn_step
from ..derivatives.shapes import concatenate, stack, swapaxes
from ..engine.arrays import Array, beside, wide
from ..engine.checks import array_of, real, whole
from ..engine.recording import computed_plainly
from ..engine.tensor import Tensor
from ..functional.activations import as_input, dropout_mask
from .cells import one_of, states_of, uniform
from .module import Module


class Ends(NamedTuple):
    """Where sequences of several lengths end, as arrays."""

    inside: Array  # (T, N, 1), whether a step is one of the sequence's own
    last: Array  # (N,), the number of its last step
    turned: Array  # (T, N), the sequence's own steps from the last to the first, then the others as they are


def ends_of(name: str, lengths: Any, steps: int, rows: int) -> Ends:
    """What the lengths say. TypeError unless they are integers, ValueError unless N of them are within 1 … T."""
    lengths = np.asarray(lengths)
    if lengths.dtype.kind not in "iu":
        raise TypeError(f"{name}'s lengths are integers, the number of steps of each sequence, not {lengths.dtype}")
    if lengths.shape != (rows,):
        raise ValueError(f"{name}'s lengths must have shape ({rows},), one for each sequence, not {lengths.shape}")
    if rows and not 1 <= lengths.min() <= lengths.max() <= steps:
        raise ValueError(f"{name}'s lengths must be within 1 … {steps}, not {lengths.min()} … {lengths.max()}")
    last, step = lengths.astype(np.intp) - 1, np.arange(steps)[:, None]
    inside = step <= last
    return Ends(inside[..., None], last, np.where(inside, last - step, step))


class _Recurrent(Module):
    """What the three have in common. A layer's direction is `_run`, from x (T, N, …) to all states that follow it."""

    gates, parts = 1, "h"
    weight_ih_l0: Tensor

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        recurrent_dropout: float = 0.0,
    ) -> None:
        name = type(self).__name__
        self.input_size, self.hidden_size = whole("input_size", input_size, 1), whole("hidden_size", hidden_size, 1)
        self.num_layers, self.bias, self.batch_first = whole("num_layers", num_layers, 1), bool(bias), bool(batch_first)
        self.dropout, self.bidirectional = real(f"{name}'s dropout", dropout), bool(bidirectional)
        self.recurrent_dropout = real(f"{name}'s recurrent_dropout", recurrent_dropout)
        for setting, p in (("dropout", self.dropout), ("recurrent_dropout", self.recurrent_dropout)):
            if not 0 <= p <= 1:
                raise ValueError(f"{name}'s {setting} is a probability, 0 ≤ p ≤ 1, not {p}")
        if self.dropout and self.num_layers == 1:
            warnings.warn(
                f"{name}'s dropout={dropout} is between layers, so with num_layers=1 it does nothing; write "
                "nn.Dropout after it, or recurrent_dropout=",
                stacklevel=2,
            )
        rows = self.gates * hidden_size
        width = input_size
        for suffixes in self._suffixes():
            for suffix in suffixes:
                setattr(self, f"weight_ih{suffix}", uniform(hidden_size, rows, width))
                setattr(self, f"weight_hh{suffix}", uniform(hidden_size, rows, hidden_size))
                for which in ("ih", "hh"):
                    setattr(self, f"bias_{which}{suffix}", uniform(hidden_size, rows) if bias else None)
            width = hidden_size * len(suffixes)

    def _suffixes(self) -> list[list[str]]:
        """What the names of the parameters end with: of each layer, and there of each direction."""
        directions = ("", "_reverse")[: 1 + self.bidirectional]
        return [[f"_l{layer}{reverse}" for reverse in directions] for layer in range(self.num_layers)]

    def forward(self, x: Any, state: Any = None, *, lengths: Any = None) -> tuple[Any, Any]:
        x = as_input(x, self.weight_ih_l0)
        self._refuse_other_axes(x, lengths)
        dtype, single = np.result_type(x.dtype, self.weight_ih_l0.dtype), x.ndim == 2
        x = x[:, None] if single else swapaxes(x, 0, 1) if self.batch_first else x
        states, ends = self._started(x, state, single), None
        if lengths is not None:
            ends = Ends(*computed_plainly(ends_of, type(self).__name__, array_of(lengths), *x.shape[:2]))
            x = where(ends.inside, x, 0)
        firsts, finals = zip(*states, strict=True), []
        for layer, suffixes in enumerate(self._suffixes()):
            if layer:
                x = F.dropout(x, self.dropout, self.training)
            ran = [self._one_way(x, next(firsts), suffix, ends) for suffix in suffixes]
            finals += [final for _, final in ran]
            x = concatenate([output for output, _ in ran], -1)
        x = x[:, 0] if single else swapaxes(x, 0, 1) if self.batch_first else x
        made = [stack(part)[:, 0] if single else stack(part) for part in zip(*finals, strict=True)]
        x, *made = [y if y.dtype == dtype else y.astype(dtype) for y in (x, *made)]
        return x, made[0] if len(made) == 1 else tuple(made)

    def _one_way(self, x: Any, state: Sequence[Any], suffix: str, ends: Ends | None) -> tuple[Any, list[Any]]:
        """One layer in one direction: its output (T, N, H), and its last states."""
        weights = [getattr(self, f"{name}{suffix}") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
        weights = [None if w is None else wide(w) for w in weights]
        mask, columns = None, np.arange(x.shape[1])
        if self.training and self.recurrent_dropout:
            like = array_of(weights[1])
            mask = computed_plainly(dropout_mask, state[0].shape, like.dtype, self.recurrent_dropout, None, (0, 1))
            mask = beside(mask, like)
        reverse = suffix.endswith("_reverse")
        if reverse:
            x = x[::-1] if ends is None else x[ends.turned, columns]
        states = self._run(x, state, weights, mask, ends)
        output = states[0]
        if reverse:
            output = output[::-1] if ends is None else output[ends.turned, columns]
        if ends is None:
            return output, [part[-1] for part in states]
        return where(ends.inside, output, 0), [part[ends.last, columns] for part in states]

    def _run(self, x: Any, state: Any, weights: Any, mask: Any, ends: Ends | None) -> Sequence[Any]:
        """Each part of the state after each step, (T, N, H): what makes an RNN, an LSTM and a GRU differ."""
        raise NotImplementedError

    def _started(self, x: Any, state: Any, single: bool) -> list[Any]:
        """Each part of the state, (layers · directions, N, H); zeros if there is none."""
        shape = (sum(map(len, self._suffixes())), x.shape[1], self.hidden_size)
        if state is None:
            return [np.zeros_like(self.weight_ih_l0, shape=shape) for _ in self.parts]
        given = [as_input(s, self.weight_ih_l0) for s in states_of(type(self).__name__, self.parts, state)]
        for part, array in zip(self.parts, given, strict=True):
            if array.shape != (shape[::2] if single else shape):
                raise ValueError(self._other_state(part, array.shape, shape, single))
        return [array[:, None] if single else array for array in given]

    # ---- what is wrong ----

    def _axes(self, shape: tuple[int, ...]) -> str:
        """How the axes of x are read."""
        names = ["time", "batch", "features"]
        if self.batch_first and len(shape) == 3:
            names[:2] = "batch", "time"
        if len(shape) == 2:
            return f"x (time {shape[0]}, features {shape[1]}), one sequence without a batch"
        read = ", ".join(f"{name} {n}" for name, n in zip(names, shape, strict=True))
        return f"x ({read}), because batch_first={self.batch_first}"

    def _refuse_other_axes(self, x: Any, lengths: Any) -> None:
        name, shape, n = type(self).__name__, x.shape, self.input_size
        if x.ndim not in (2, 3):
            order = "(batch, time" if self.batch_first else "(time, batch"
            raise ValueError(f"{name} takes x of shape {order}, {n}) or, one sequence, (time, {n}), not {shape}")
        if shape[-1] != n:
            advice = "write x.swapaxes(1, 2)" if x.ndim == 3 and shape[1] == n else f"the last axis must be {n} long"
            if x.ndim == 2:
                advice += "; of a batch of words' numbers make vectors first, by nn.Embedding"
            raise ValueError(f"{name} with input_size={n} reads {self._axes(shape)}: {advice}")
        if shape[x.ndim == 3 and self.batch_first] == 0:
            raise ValueError(f"{name} reads {self._axes(shape)}: a sequence needs at least one step; leave it out")
        if x.ndim == 2 and lengths is not None:
            raise ValueError(f"{name} reads {self._axes(shape)}: it has one length; write x[:length]")

    def _other_state(self, part: str, given: tuple[int, ...], shape: tuple[int, ...], single: bool) -> str:
        """What is wrong with the shape of a part of the state."""
        directions = " · 2 directions" if self.bidirectional else ""
        batch = "" if single else f", batch {shape[1]}"
        expected = shape[::2] if single else shape
        said = (
            f"{type(self).__name__}'s {part} must have shape {expected}, ({self.num_layers} "
            f"layer{'s' * (self.num_layers > 1)}{directions}{batch}, hidden {shape[2]}), not {given}"
        )
        if len(given) == len(expected) - 1 and shape[0] == 1 and given == expected[1:]:
            return f"{said}; write {part}[None]"
        if not single and given == (shape[1], shape[0], shape[2]):
            return f"{said}: it is never batch first; write {part}.swapaxes(0, 1)"
        return said if single else f"{said}; batch {shape[1]} is read from x because batch_first={self.batch_first}"


def _loop(step: Any, a: Any, h: Any, weight: Any, bias: Any, mask: Any) -> Any:
    """h after each step, (T, N, H): ``h = step(a[t], h @ weight.T + bias, h)``; a mask (N, H) multiplies h before @."""
    states = []
    for a_t in a:
        h = step(a_t, linear(h if mask is None else h * mask, weight, bias), h)
        states.append(h)
    return stack(states)


class RNN(_Recurrent):
    r"""Elman's network over sequences, :math:`h_t = \tanh(W_{ih} x_t + b_{ih} + W_{hh} h_{t-1} + b_{hh})`, or relu.

    ``output, h_n = rnn(x)``, or ``rnn(x, h)`` to go on from a state; else it starts at 0. To go on from one batch to
    the next write ``h = h.detach()`` between them.

    Shapes, by PyTorch's names and order: x (T, N, input_size), or (N, T, input_size) with ``batch_first=True``, or (T,
    input_size) for one sequence → output, the last layer's h at each step, (…, directions · hidden_size) in the same
    order; h and h_n (num_layers · directions, N, hidden_size), never batch first, without N for one sequence. The
    second layer reads the first one's output. `bidirectional` has a second set of weights that reads from the end: at
    the last step its output has read one input, and what has read all of them is h_n.

    `lengths` are the N sequences' own numbers of steps, integers from 1 to T, in any order: what is in x beyond them
    doesn't count, the output there is 0, h_n is that of each last step, and the other direction begins there. So it is
    with PyTorch's packed sequences.

    While training, `dropout` is on each layer's output but the last one's, drawn anew for each step;
    `recurrent_dropout` is on h where it meets weight_hh, by a mask drawn once for a sequence (Gal & Ghahramani 2016),
    for each layer and direction.

    Parameters, for layer k: weight_ih_lk (hidden_size, input_size or directions · hidden_size), weight_hh_lk
    (hidden_size, hidden_size), bias_ih_lk and bias_hh_lk (hidden_size,), and the same with _reverse; uniform on
    ±1/√hidden_size at the start. Raises ValueError for other shapes and for lengths out of range, TypeError for lengths
    that aren't integers and for a state that is a pair. Elman 1990.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        recurrent_dropout: float = 0.0,
    ) -> None:
        self.nonlinearity = one_of("RNN", nonlinearity)
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional,
            recurrent_dropout=recurrent_dropout,
        )  # fmt: skip

    def _run(self, x: Any, state: Any, weights: Any, mask: Any, ends: Ends | None) -> Sequence[Any]:
        weight_ih, weight_hh, bias_ih, bias_hh = weights
        a = F.linear(x, weight_ih, bias_ih)
        if ends is not None and self.nonlinearity == "relu":  # which might grow beyond all numbers after the end
            a = where(ends.inside, a, -1e30)
        return [_loop(lambda a, b, h: rnn_step(a, b, self.nonlinearity), a, state[0], weight_hh, bias_hh, mask)]


class LSTM(_Recurrent):
    r"""The long short-term memory over sequences: `LSTMCell`, whose docstring has the formula, at each step.

    ``output, (h_n, c_n) = lstm(x)``, or ``lstm(x, (h, c))`` to go on from a state; else it starts at 0. To go on from
    one batch to the next write ``h, c = h.detach(), c.detach()`` between them.

    Shapes, options and names are those of `RNN`, with 4 · hidden_size rows in each weight and bias (i, f, g, o), and c
    and c_n of the shape of h. There is no proj_size. Raises as `RNN`, and TypeError for a state that is no pair.
    Hochreiter & Schmidhuber 1997, Gers et al. 2000.
    """

    gates, parts = 4, "hc"

    def _run(self, x: Any, state: Any, weights: Any, mask: Any, ends: Ends | None) -> Sequence[Any]:
        weight_ih, weight_hh, bias_ih, bias_hh = weights
        a = F.linear(x, weight_ih, bias_ih if bias_hh is None else bias_ih + bias_hh)
        h, c = state
        states = lstm_sequence(a, h, c, weight_hh) if mask is None else lstm_by_steps(a, h, c, weight_hh, mask)
        return states[0, 1:], states[1, 1:]


class GRU(_Recurrent):
    r"""The gated recurrent unit over sequences: `GRUCell`, whose docstring has the formula, at each step.

    ``output, h_n = gru(x)``, or ``gru(x, h)`` to go on from a state; else it starts at 0. To go on from one batch to
    the next write ``h = h.detach()`` between them.

    Shapes, options and names are those of `RNN`, with 3 · hidden_size rows in each weight and bias (r, z, n). Raises as
    `RNN`. Cho et al. 2014, with r where cuDNN and PyTorch have it.
    """

    gates = 3

    def _run(self, x: Any, state: Any, weights: Any, mask: Any, ends: Ends | None) -> Sequence[Any]:
        weight_ih, weight_hh, bias_ih, bias_hh = weights
        return [_loop(gru_step, F.linear(x, weight_ih, bias_ih), state[0], weight_hh, bias_hh, mask)]
