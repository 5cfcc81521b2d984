"""Lines of the table of ONNX's operators that go along a sequence: LSTM, GRU, RNN, and Scan, which is any loop.

ONNX's x is (T, N, features), or batch first where layout is 1, and its states are (directions, N, H). Its gates stand
in another order than PyTorch's and tinydl's. Stands on hearing.py; read the table, importing.py, next.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..derivatives.elementwise import sigmoid, tanh
from ..derivatives.products import linear
from ..derivatives.recurrence import gru_step, lstm_sequence, rnn_step
from ..derivatives.shapes import concatenate, stack, swapaxes, transpose
from ..engine.dispatch import unwrap

Way = Callable[[Any, Any, Any, tuple[Any, ...]], tuple[Any, ...]]

# ---- in both directions ----


def _both_ways(x: Any, w: Any, r: Any, b: Any, lengths: Any, firsts: Any, direction: str, layout: int, way: Way) -> Any:
    """All h (T, directions, N, H), and the last state of each direction."""
    x = swapaxes(x, 0, 1) if layout else x
    if lengths is not None and (np.asarray(unwrap(lengths)) != len(x)).any():
        raise ValueError(f"sequences of other lengths than all of the {len(x)} steps aren't taken")
    count, hidden = w.shape[0], r.shape[-1]
    wanted = {"forward": 1, "reverse": 1, "bidirectional": 2}.get(direction)
    if wanted != count or not len(x):
        raise ValueError(f"direction={direction!r} doesn't fit weights for {count}, or there are no steps")
    started = [_first(first, count, (x.shape[1], hidden), layout, x) for first in firsts]
    outputs, finals = [], []
    for d in range(count):
        reverse = direction == "reverse" or d == 1
        states = way(x[::-1] if reverse else x, w[d], r[d], (None if b is None else b[d], *(s[d] for s in started)))
        outputs.append(states[0][::-1] if reverse else states[0])
        finals.append([part[-1] for part in states])
    y = stack(outputs, axis=1)
    lasts = [stack(part) for part in zip(*finals, strict=True)]
    if layout:
        y, lasts = transpose(y, (2, 0, 1, 3)), [swapaxes(last, 0, 1) for last in lasts]
    return (y, *lasts)


def _first(given: Any, count: int, shape: tuple[int, ...], layout: int, x: Any) -> Any:
    if given is None:
        return np.zeros_like(x, shape=(count, *shape))
    return swapaxes(given, 0, 1) if layout else given


def _in_order(x: Any, gates: Sequence[int]) -> Any:
    """The parts of the first axis, one for each gate, in another order."""
    n = len(x) // len(gates)
    return concatenate([x[k * n : (k + 1) * n] for k in gates])


def _halves(b: Any, gates: Sequence[int]) -> tuple[Any, Any]:
    """The bias for the input and that for h, each in tinydl's order; None for both if there is none."""
    if b is None:
        return None, None
    n = len(b) // 2
    return _in_order(b[:n], gates), _in_order(b[n:], gates)


def lstm(
    o: Any,
    x: Any,
    w: Any,
    r: Any,
    b: Any = None,
    lengths: Any = None,
    h: Any = None,
    c: Any = None,
    peepholes: Any = None,
    direction: str = "forward",
    hidden_size: int = 0,
    layout: int = 0,
    activations: Any = None,
    input_forget: int = 0,
) -> Any:
    """Long short-term memory; its gates come as i, o, f, m."""
    gates = (0, 2, 3, 1)
    if peepholes is not None and np.any(unwrap(peepholes)):
        raise ValueError("peepholes other than 0 aren't taken")

    def way(x: Any, w: Any, r: Any, more: tuple[Any, ...]) -> tuple[Any, ...]:
        b, h, c = more
        to_input, to_h = _halves(b, gates)
        a = linear(x, _in_order(w, gates), None if b is None else to_input + to_h)
        states = lstm_sequence(a, h, c, _in_order(r, gates))
        return states[0][1:], states[1][1:]

    return _both_ways(x, w, r, b, lengths, (h, c), direction, layout, way)


def gru(
    o: Any,
    x: Any,
    w: Any,
    r: Any,
    b: Any = None,
    lengths: Any = None,
    h: Any = None,
    direction: str = "forward",
    hidden_size: int = 0,
    layout: int = 0,
    linear_before_reset: int = 0,
    activations: Any = None,
) -> Any:
    """A gated recurrent unit; its gates come as z, r, m."""
    gates = (1, 0, 2)

    def way(x: Any, w: Any, r: Any, more: tuple[Any, ...]) -> tuple[Any, ...]:
        b, h = more
        (to_input, to_h), weight = _halves(b, gates), _in_order(r, gates)
        states = []
        for a in linear(x, _in_order(w, gates), to_input):
            h = gru_step(a, linear(h, weight, to_h), h) if linear_before_reset else _reset_first(a, weight, to_h, h)
            states.append(h)
        return (stack(states),)

    return _both_ways(x, w, r, b, lengths, (h,), direction, layout, way)


def _reset_first(a: Any, weight: Any, bias: Any, h: Any) -> Any:
    """The older form, in which r multiplies h before the product: m = tanh(aₘ + Wₘ(r·h) + bₘ)."""
    n = h.shape[-1]
    two, one = (None, None) if bias is None else (bias[: 2 * n], bias[2 * n :])
    gates = sigmoid(a[:, : 2 * n] + linear(h, weight[: 2 * n], two))
    m = tanh(a[:, 2 * n :] + linear(gates[:, :n] * h, weight[2 * n :], one))
    return m + gates[:, n:] * (h - m)


def rnn(
    o: Any,
    x: Any,
    w: Any,
    r: Any,
    b: Any = None,
    lengths: Any = None,
    h: Any = None,
    direction: str = "forward",
    hidden_size: int = 0,
    layout: int = 0,
    activations: Any = ("Tanh",),
) -> Any:
    """Elman's network, of tanh or relu."""
    kind = activations[0].lower()

    def way(x: Any, w: Any, r: Any, more: tuple[Any, ...]) -> tuple[Any, ...]:
        b, h = more
        to_input, to_h = _halves(b, (0,))
        states = []
        for a in linear(x, w, to_input):
            h = rnn_step(a, linear(h, r, to_h), kind)
            states.append(h)
        return (stack(states),)

    return _both_ways(x, w, r, b, lengths, (h,), direction, layout, way)


# ---- a loop ----


def scan(
    o: Any,
    *given: Any,
    body: Any,
    num_scan_inputs: int,
    scan_input_axes: Any = None,
    scan_input_directions: Any = None,
    scan_output_axes: Any = None,
    scan_output_directions: Any = None,
) -> Any:
    """A graph for each step of some sequences: it takes and gives states, and gives something of each step."""
    count = len(given) - num_scan_inputs
    states, sequences = list(given[:count]), list(given[count:])
    axes, turned = scan_input_axes or (0,) * len(sequences), scan_input_directions or (0,) * len(sequences)
    sequences = [
        np.moveaxis(x, axis, 0)[:: -1 if back else 1] for x, axis, back in zip(sequences, axes, turned, strict=True)
    ]
    if len({len(x) for x in sequences}) != 1:
        raise ValueError(f"the sequences have {[len(x) for x in sequences]} steps")
    kept: list[list[Any]] = []
    for parts in zip(*sequences, strict=True):
        made = o.run(body, [*states, *parts])
        states = made[:count]
        kept.append(made[count:])
    collected = [stack(part) for part in zip(*kept, strict=True)]
    axes, turned = scan_output_axes or (0,) * len(collected), scan_output_directions or (0,) * len(collected)
    collected = [
        np.moveaxis(x[::-1] if back else x, 0, axis) for x, axis, back in zip(collected, axes, turned, strict=True)
    ]
    return (*states, *collected)


def lstm_steps(o: Any, h: Any, c: Any, a: Any, turned: Any) -> Any:
    """The loop that `to_onnx` writes for an LSTM, as one operation: the last h and c, and all of them."""
    states = lstm_sequence(a, h, c, transpose(turned))
    return states[0][-1], states[1][-1], states[0][1:], states[1][1:]


def chosen(o: Any, condition: Any, then_branch: Any, else_branch: Any) -> Any:
    """One of two graphs, by a truth that is known without x, or read from it."""
    return tuple(o.run(then_branch if bool(np.asarray(unwrap(condition)).all()) else else_branch, []))
