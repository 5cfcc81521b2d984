"""The limit: the same computations written by hand in NumPy, forward, backward and update, without any engine.

Written as somebody would who wants it fast: float32 throughout, every array allocated once and written in place, no
gradient computed that isn't used (the first layer's input has none), softmax and cross-entropy differentiated together.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from adapters import Job

Array = Any


def training(problem: Any, keep_gradients: bool = False, relu_in_place: bool = True) -> Job:
    """Linear layers with relu between, cross-entropy, SGD or Adam.

    For the comparison of peak memory: with `keep_gradients` the gradients survive the update, which then needs one more
    buffer; without `relu_in_place` the linear layers' outputs survive, as in an engine that overwrites no value.
    """
    x, y, lr = problem.x, problem.y, problem.lr
    weights = [w.copy() for w in problem.weights]
    biases = [b.copy() for b in problem.biases]
    parameters = [p for pair in zip(weights, biases, strict=True) for p in pair]
    d_weights = [np.empty_like(w) for w in weights]
    d_biases = [np.empty_like(b) for b in biases]
    gradients = [p for pair in zip(d_weights, d_biases, strict=True) for p in pair]
    batch, last = len(x), len(weights) - 1
    rows = np.arange(batch)
    sums = [np.empty((batch, len(w)), np.float32) for w in weights]  # what the linear layers give
    outputs = [z if relu_in_place or i == last else np.empty_like(z) for i, z in enumerate(sums)]
    d_outputs = [np.empty_like(z) for z in sums[:last]]
    positive = [np.empty(z.shape, bool) for z in sums[:last]]
    transposed = [w.T for w in weights]  # views: they follow the updates

    def loss_and_gradients() -> float:
        h = x
        for i in range(last + 1):
            z = sums[i]
            np.matmul(h, transposed[i], out=z)
            z += biases[i]
            h = z if i == last else np.maximum(z, 0, out=outputs[i])
        h -= np.maximum.reduce(h, 1, keepdims=True)
        at_target = h[rows, y]
        np.exp(h, out=h)
        total = np.add.reduce(h, 1)
        loss = (np.add.reduce(np.log(total)) - np.add.reduce(at_target)) / batch
        d = h
        d /= (total * np.float32(batch))[:, None]
        d[rows, y] -= np.float32(1 / batch)
        for i in range(last, 0, -1):
            np.matmul(d.T, outputs[i - 1], out=d_weights[i])
            np.add.reduce(d, 0, out=d_biases[i])
            d = np.matmul(d, weights[i], out=d_outputs[i - 1])
            d *= np.greater(outputs[i - 1], 0, out=positive[i - 1])
        np.matmul(d.T, x, out=d_weights[0])
        np.add.reduce(d, 0, out=d_biases[0])
        return loss

    scratch = np.empty(max(p.size for p in parameters), np.float32)
    scratches = [scratch[: p.size].reshape(p.shape) for p in parameters]

    def sgd() -> None:
        for p, g in zip(parameters, gradients, strict=True):
            g *= lr
            p -= g

    def sgd_keeping_gradients() -> None:
        for p, g, t in zip(parameters, gradients, scratches, strict=True):
            np.multiply(g, lr, out=t)
            p -= t

    adam = _adam(parameters, gradients, scratches, lr) if problem.optimizer == "Adam" else None
    update = adam or (sgd_keeping_gradients if keep_gradients else sgd)

    def step() -> float:
        loss = loss_and_gradients()
        update()
        return loss

    return Job(step, lambda: [loss_and_gradients(), *gradients], lambda: parameters)


def _adam(parameters: list[Array], gradients: list[Array], scratches: list[Array], lr: float, eps: float = 1e-8) -> Any:
    """Kingma and Ba's Adam as PyTorch writes it, in place over buffers allocated once."""
    beta1, beta2 = 0.9, 0.999
    first = [np.zeros_like(p) for p in parameters]
    second = [np.zeros_like(p) for p in parameters]
    steps = 0

    def update() -> None:
        nonlocal steps
        steps += 1
        rate, root = lr / (1 - beta1**steps), math.sqrt(1 - beta2**steps)
        for p, g, m, v, t in zip(parameters, gradients, first, second, scratches, strict=True):
            np.multiply(g, 1 - beta1, out=t)
            m *= beta1
            m += t
            np.multiply(g, g, out=t)
            t *= 1 - beta2
            v *= beta2
            v += t
            np.sqrt(v, out=t)
            t /= root
            t += eps
            np.divide(m, t, out=t)
            t *= rate
            p -= t

    return update


def moons(problem: Any) -> Job:
    """2-16-16-1, hinge loss plus decay × squares of the parameters, gradient descent."""
    x, y, decay, lr = problem.x, problem.y, problem.decay, problem.lr
    w1, w2, w3 = (w.copy() for w in problem.weights)
    b1, b2, b3 = (b.copy() for b in problem.biases)
    parameters = [w1, b1, w2, b2, w3, b3]
    minus_y = (-y / len(x))[:, None]

    def loss_and_gradients() -> tuple[float, list[Array]]:
        h1 = x @ w1.T
        h1 += b1
        np.maximum(h1, 0, out=h1)
        h2 = h1 @ w2.T
        h2 += b2
        np.maximum(h2, 0, out=h2)
        score = (h2 @ w3.T)[:, 0]
        score += b3
        margin = 1 - y * score
        np.maximum(margin, 0, out=margin)
        squares = sum(np.vdot(p, p) for p in parameters)
        loss = np.add.reduce(margin) / len(x) + decay * squares
        d = minus_y * (margin > 0)[:, None]
        dw3, db3 = d.T @ h2, np.add.reduce(d, 0)
        d = d * w3
        d *= h2 > 0
        dw2, db2 = d.T @ h1, np.add.reduce(d, 0)
        d = d @ w2
        d *= h1 > 0
        gradients = [d.T @ x, np.add.reduce(d, 0), dw2, db2, dw3, db3]
        for p, g in zip(parameters, gradients, strict=True):
            g += 2 * decay * p
        return loss, gradients

    def step() -> float:
        loss, gradients = loss_and_gradients()
        for p, g in zip(parameters, gradients, strict=True):
            g *= lr
            p -= g
        return loss

    def check() -> list[Any]:
        loss, gradients = loss_and_gradients()
        return [loss, *gradients]

    return Job(step, check, lambda: parameters)


def inference(problem: Any) -> Job:
    """Linear, relu, linear, as one writes it."""
    x, (w1, w2), (b1, b2) = problem.x, problem.weights, problem.biases

    def answer() -> Array:
        return np.maximum(x @ w1.T + b1, 0) @ w2.T + b2

    return Job(answer, lambda: [answer()])


def attention(problem: Any) -> Job:
    """Layer norm, self-attention, gelu of a linear map, forward and backward; see `workloads.Attention`."""
    x, scale, shift, upstream = problem.x, problem.scale, problem.shift, problem.upstream
    wq, wk, wv, wo = problem.wq, problem.wk, problem.wv, problem.wo
    width = x.shape[-1]
    root = np.float32(1 / math.sqrt(width))
    slope, cube = np.float32(math.sqrt(2 / math.pi)), np.float32(0.044715)

    def forward_and_backward() -> list[Array]:
        # layer norm: n = (x - mean) / sqrt(var + eps), h = n·scale + shift
        n = x - x.mean(-1, keepdims=True)
        inverse = 1 / np.sqrt(np.einsum("blw,blw->bl", n, n)[..., None] / np.float32(width) + np.float32(1e-5))
        n *= inverse
        h = n * scale
        h += shift
        flat = h.reshape(-1, width)
        q, k, v = ((flat @ w.T).reshape(x.shape) for w in (wq, wk, wv))
        # attention: p = softmax(q kᵀ · root), a = p v
        q *= root
        p = q @ k.mT
        p -= np.maximum.reduce(p, -1, keepdims=True)
        np.exp(p, out=p)
        p /= np.add.reduce(p, -1, keepdims=True)
        a = p @ v
        # gelu: output = z/2 · (1 + tanh u), u = slope · (z + cube·z³)
        z = (a.reshape(-1, width) @ wo.T).reshape(x.shape)
        zz = z * z
        u = zz * (slope * cube)
        u += slope
        u *= z
        t = np.tanh(u, out=u)
        output = t + 1
        output *= z
        output *= np.float32(0.5)
        loss = np.vdot(output, upstream)
        # gelu backward: ½(1 + t) + ½ z (1 - t²) slope (1 + 3 cube z²)
        zz *= 3 * slope * cube
        zz += slope
        zz *= z
        d = t * t
        np.subtract(1, d, out=d)
        d *= zz
        d += t
        d += 1
        d *= upstream
        d *= np.float32(0.5)
        d_flat = d.reshape(-1, width)
        d_wo = d_flat.T @ a.reshape(-1, width)
        da = (d_flat @ wo).reshape(x.shape)
        # attention backward
        dv = p.mT @ da
        dp = da @ v.mT
        dp -= np.einsum("bij,bij->bi", dp, p)[..., None]
        dp *= p
        dk = dp.mT @ q
        dq = dp @ k
        dq *= root
        dq, dk, dv = (g.reshape(-1, width) for g in (dq, dk, dv))
        dwq, dwk, dwv = dq.T @ flat, dk.T @ flat, dv.T @ flat
        dh = dq @ wq
        dh += dk @ wk
        dh += dv @ wv
        dh = dh.reshape(x.shape)
        # layer norm backward
        d_shift = np.add.reduce(dh, (0, 1))
        d_scale = np.einsum("blw,blw->w", dh, n)
        dh *= scale
        along = np.einsum("blw,blw->bl", dh, n)[..., None] / np.float32(width)
        dh -= dh.mean(-1, keepdims=True)
        n *= along
        dh -= n
        dh *= inverse
        return [loss, dh, d_scale, d_shift, dwq, dwk, dwv, d_wo]

    return Job(forward_and_backward, forward_and_backward)


def recurrence(problem: Any) -> Job:
    """A recurrent net's steps, all of them forward, then all of them backward; see `workloads.Recurrence`."""
    x, w, upstream = problem.x, problem.w, problem.upstream

    def forward_and_backward() -> list[Array]:
        states = np.zeros((len(x) + 1, *x.shape[1:]), x.dtype)
        for t in range(len(x)):
            h = np.matmul(states[t], w, out=states[t + 1])
            h += x[t]
            np.tanh(h, out=h)
        loss = np.vdot(states[1:], upstream)
        # backward: before the tanh of step t, d[t] = (upstream[t] + d[t + 1] Wᵀ)·(1 - h²)
        d = states[1:] * states[1:]
        np.subtract(1, d, out=d)
        later = np.zeros(x.shape[1:], x.dtype)
        for t in reversed(range(len(x))):
            later += upstream[t]
            d[t] *= later
            np.matmul(d[t], w.T, out=later)
        d_w = states[:-1].reshape(-1, len(w)).T @ d.reshape(-1, len(w))
        return [loss, d, d_w]

    return Job(forward_and_backward, forward_and_backward)


# ---- convolution, as a textbook writes it: a matrix of all windows, im2col, and one product ----


def _columns(x: Array, kernel: int, padding: int) -> Array:
    """(N, C, H, W) → (N·places, C·kernel²)."""
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(x, (kernel, kernel), (2, 3))
    return windows.transpose(0, 2, 3, 1, 4, 5).reshape(-1, x.shape[1] * kernel**2)


def _images(columns: Array, shape: tuple[int, ...], kernel: int, padding: int) -> Array:
    """What lies in the columns, added where it comes from in an array of this shape (N, C, H, W)."""
    n, c, h, w = shape
    out = np.zeros((n, c, h + 2 * padding, w + 2 * padding), np.float32)
    rows, across = h + 2 * padding - kernel + 1, w + 2 * padding - kernel + 1
    windows = columns.reshape(n, rows, across, c, kernel, kernel).transpose(4, 5, 0, 3, 1, 2)
    for i, j in np.ndindex(kernel, kernel):
        out[:, :, i : i + rows, j : j + across] += windows[i, j]
    return out[:, :, padding : padding + h, padding : padding + w]


def _convolved(columns: Array, weight: Array, bias: Array, n: int, sizes: tuple[int, int]) -> Array:
    y = columns @ weight.reshape(len(weight), -1).T
    y += bias
    return np.ascontiguousarray(y.reshape(n, *sizes, -1).transpose(0, 3, 1, 2))


def _convolved_backward(d: Array, columns: Array, weight: Array) -> tuple[Array, Array, Array]:
    """The gradients of the weight, the bias and the columns, by that of the result."""
    rows = d.transpose(0, 2, 3, 1).reshape(-1, d.shape[1])
    return (rows.T @ columns).reshape(weight.shape), np.add.reduce(rows, 0), rows @ weight.reshape(len(weight), -1)


def network(problem: Any) -> Job:
    """The convolutions and CNNs of adapters/networks.py, without normalising."""
    return (_convolution if problem.model == "conv" else _cnn)(problem)


def _convolution(problem: Any) -> Job:
    x, options = np.ascontiguousarray(problem.x), problem.options
    channels, kernel, padding = (options[name] for name in ("out_channels", "kernel_size", "padding"))
    shapes = {"layer.weight": (channels, x.shape[1], kernel, kernel), "layer.bias": (channels,), "shift": (1,)}
    bias, weight, shift = (value for _, value in sorted(problem.weights(shapes).items()))
    upstream = np.ascontiguousarray(problem.upstream((len(x), channels, *x.shape[2:])))

    def loss_and_gradients() -> list[Any]:
        columns = _columns(x + shift, kernel, padding)
        y = _convolved(columns, weight, bias, len(x), x.shape[2:])
        loss = np.add.reduce(y * upstream, None)
        d_weight, d_bias, d_columns = _convolved_backward(upstream, columns, weight)
        return [loss, d_bias, d_weight, np.add.reduce(_images(d_columns, x.shape, kernel, padding), None)[None]]

    return Job(loss_and_gradients, loss_and_gradients)


def _cnn(problem: Any) -> Job:
    x, y, rows = np.ascontiguousarray(problem.x), problem.y, np.arange(len(problem.x))
    (n, _, size, _), batch = x.shape, np.float32(len(x))
    shapes = {
        "0.bias": (16,), "0.weight": (16, 1, 3, 3), "3.bias": (32,), "3.weight": (32, 16, 3, 3),
        "7.bias": (10,), "7.weight": (10, 32 * (size // 4) ** 2),
    }  # fmt: skip
    parameters = [value.copy() for _, value in sorted(problem.weights(shapes).items())]
    b1, w1, b2, w2, b3, w3 = parameters
    gradients = [np.empty_like(p) for p in parameters]
    adam = _adam(parameters, gradients, [np.empty_like(p) for p in parameters], 1e-3, 1e-5)

    def pooled(z: Array) -> tuple[Array, Array]:
        """relu and the largest of 2×2, and where it lay."""
        blocks = z.reshape(n, z.shape[1], z.shape[2] // 2, 2, -1, 2).transpose(0, 1, 2, 4, 3, 5)
        blocks = blocks.reshape(*blocks.shape[:4], 4)
        at = blocks.argmax(-1)[..., None]
        return np.maximum(np.take_along_axis(blocks, at, -1)[..., 0], 0), at

    def pooled_backward(d: Array, h: Array, at: Array) -> Array:
        blocks = np.zeros((*h.shape, 4), np.float32)
        np.put_along_axis(blocks, at, (d * (h > 0))[..., None], -1)
        blocks = blocks.reshape(*h.shape, 2, 2).transpose(0, 1, 2, 4, 3, 5)
        return blocks.reshape(*h.shape[:2], 2 * h.shape[2], 2 * h.shape[3])

    def loss_and_gradients() -> float:
        columns1 = _columns(x, 3, 1)
        h1, at1 = pooled(_convolved(columns1, w1, b1, n, (size, size)))
        columns2 = _columns(h1, 3, 1)
        h2, at2 = pooled(_convolved(columns2, w2, b2, n, h1.shape[2:]))
        flat = h2.reshape(n, -1)
        d = flat @ w3.T
        d += b3
        d -= np.maximum.reduce(d, 1, keepdims=True)
        at_target = d[rows, y]
        np.exp(d, out=d)
        total = np.add.reduce(d, 1)
        loss = (np.add.reduce(np.log(total)) - np.add.reduce(at_target)) / n
        d /= (total * batch)[:, None]
        d[rows, y] -= 1 / batch
        gradients[4][...], gradients[5][...] = np.add.reduce(d, 0), d.T @ flat
        d = pooled_backward((d @ w3).reshape(h2.shape), h2, at2)
        gradients[3][...], gradients[2][...], d = _convolved_backward(d, columns2, w2)
        d = pooled_backward(_images(d, h1.shape, 3, 1), h1, at1)
        gradients[1][...], gradients[0][...], _ = _convolved_backward(d, columns1, w1)
        return loss

    def step() -> float:
        loss = loss_and_gradients()
        adam()
        return loss

    return Job(step, lambda: [loss_and_gradients(), *gradients], lambda: parameters)
