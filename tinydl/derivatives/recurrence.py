"""Recurrent networks: what one step computes, and an LSTM's whole sequence as one operation.

The steps are the text to read; nn/cells.py and nn/recurrent.py call them. An LSTM's step is some twenty small
operations, and writing them down takes longer than computing them: `lstm` is all steps at once, in place on arrays that
it has just made. Where its gradient must itself be differentiated, it is the gradient of the steps.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.dispatch import define
from ..engine.recording import called_whole
from ..engine.tensor import Primitive, Tensor, propagate
from .activations import relu
from .elementwise import sigmoid, tanh
from .products import linear
from .shapes import concatenate, reshape, stack

# ---- one step ----


def rnn_step(a: Any, b: Any, nonlinearity: str) -> Any:
    """The next h (N, H) of what input and h gave, a and b (N, H): tanh(a + b), or relu."""
    return tanh(a + b) if nonlinearity == "tanh" else relu(a + b)


def _quarters(z: Any) -> list[Any]:
    n = z.shape[-1] // 4
    return [z[..., k * n : (k + 1) * n] for k in range(4)]


def lstm_step(z: Any, c: Any) -> tuple[Any, Any]:
    """The next h and c (N, H), of the c before and the sums z (N, 4H) of what input and h gave.

    z is cut in four, i, f, m and o. Then c′ = σ(f)·c + σ(i)·tanh m and h′ = σ(o)·tanh c′.
    """
    i, f, m, o = _quarters(z)
    c = sigmoid(f) * c + sigmoid(i) * tanh(m)
    return sigmoid(o) * tanh(c), c


def gru_step(a: Any, b: Any, h: Any) -> Any:
    """The next h (N, H), of what input and h gave, a and b (N, 3H).

    Both are cut in three: r, z = σ(aᵣ + bᵣ), σ(a_z + b_z) and m = tanh(a_m + r·b_m). Then h′ = (1 − z)·m + z·h.
    """
    n = h.shape[-1]
    gates = sigmoid(a[..., : 2 * n] + b[..., : 2 * n])
    m = tanh(a[..., 2 * n :] + gates[..., :n] * b[..., 2 * n :])
    return m + gates[..., n:] * (h - m)


# ---- an LSTM's whole sequence ----


def lstm_by_steps(a: Any, h: Any, c: Any, weight: Any, mask: Any = None) -> Any:
    """All h and all c, (2, T + 1, N, H), the first ones included, of what the inputs gave, a (T, N, 4H).

    A mask (N, H) multiplies each h on its way to the next step's gates.
    """
    states = [(h, c)]
    for z in a:
        h, c = lstm_step(z + linear(h if mask is None else h * mask, weight), c)
        states.append((h, c))
    return stack([stack(part) for part in zip(*states, strict=True)])


def lstm_sequence(a: Any, h: Any, c: Any, weight: Any) -> Any:
    """The same without a mask, as one operation.

    All its inputs are put into one vector, so that one rule, and one pass back through time, has all their gradients;
    cutting that one up again is the rule of `concatenate`.
    """
    p = concatenate([reshape(x, (-1,)) for x in (a, h, c, weight)])
    return lstm(p, shape=(*a.shape[:-1], h.shape[-1]))


def _parts(p: Any, steps: int, rows: int, n: int) -> tuple[Any, Any, Any]:
    """The vector cut up: a (T, N, 4H), the first h and c (2, N, H), the weight (4H, H)."""
    i, j = 4 * steps * rows * n, (4 * steps + 2) * rows * n
    return p[:i].reshape(steps, rows, 4 * n), p[i:j].reshape(2, rows, n), p[j:].reshape(4 * n, n)


def _scale(z: Any, n: int) -> Any:
    """What the four gates' sums are multiplied by, (4H,): ½ for the σ, 1 for the tanh."""
    scale = np.full_like(z, 0.5, shape=(4 * n,))
    scale[2 * n : 3 * n] = 1
    return scale


def _to_gates(z: Any, scale: Any, shift: Any) -> Any:
    """i, f, m, o in the place of their sums: σ(x) = ½ + ½·tanh ½x, so that one tanh does for all four."""
    z *= scale
    np.tanh(z, out=z)
    z *= scale
    z += shift
    return z


def lstm_forward(p: Any, shape: tuple[int, int, int]) -> Any:
    """`lstm_by_steps` in place."""
    n = shape[-1]
    a, first, weight = _parts(p, *shape)
    y = np.empty_like(p, shape=(2, len(a) + 1, *first.shape[1:]))
    y[:, 0] = first
    scale = _scale(p, n)
    shift = 1 - scale
    z = np.empty_like(a, shape=a.shape[1:])
    i, f, m, o = _quarters(z)
    for t, sums in enumerate(a):
        np.matmul(y[0, t], weight.T, out=z)
        z += sums
        _to_gates(z, scale, shift)
        h, c = y[0, t + 1], y[1, t + 1]
        np.multiply(f, y[1, t], out=c)
        m *= i
        c += m
        np.tanh(c, out=h)
        h *= o
    return y


def lstm_backward(g: Any, y: Any, p: Any, shape: tuple[int, int, int]) -> Any:
    """The gradient of the vector p, back through time.

    Since y has all states, the gates of all steps, and all slopes, are computed before the loop and at once.
    """
    n = shape[-1]
    a, _, weight = _parts(p, *shape)
    out = np.empty_like(p)
    da, dfirst, dweight = _parts(out, *shape)
    before = y[0, :-1].reshape(-1, n)
    scale = _scale(p, n)
    i, f, m, o = _quarters(_to_gates((before @ weight.T).reshape(a.shape) + a, scale, 1 - scale))
    u = np.tanh(y[1, 1:])
    slopes = da.reshape(*a.shape[:2], 4, n)  # of c by the sums of i, f and m, and of h by that of o
    np.multiply(m, i * (1 - i), out=slopes[:, :, 0])
    np.multiply(y[1, :-1], f * (1 - f), out=slopes[:, :, 1])
    np.multiply(i, 1 - m * m, out=slopes[:, :, 2])
    np.multiply(u, o * (1 - o), out=slopes[:, :, 3])
    through = o * (1 - u * u)  # of h by c
    dh, dc = dfirst
    dh[...], dc[...] = g[:, -1]
    for t in reversed(range(len(a))):
        dc += dh * through[t]
        slopes[t, :, :3] *= dc[:, None]
        slopes[t, :, 3] *= dh
        np.add(da[t] @ weight, g[0, t], out=dh)
        dc *= f[t]
        dc += g[1, t]
    dweight[...] = da.reshape(-1, 4 * n).T @ before
    return out


def lstm_rule(g: Any, y: Any, p: Any, shape: tuple[int, int, int]) -> Any:
    """Back through time: in place on arrays; on Tensors, so that it can be differentiated, by the steps' rules."""
    if isinstance(g, Tensor):
        a, (h, c), weight = _parts(p, *shape)
        return propagate([lstm_by_steps(a, h, c, weight)], [g], wanted=[p], create_graph=True)[0][p]
    return called_whole(lstm_backward, g, y, p, shape)


lstm: Primitive = define(lambda p, shape: called_whole(lstm_forward, p, shape), lstm_rule, name="lstm")
