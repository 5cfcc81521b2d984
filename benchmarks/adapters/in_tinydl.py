"""tinydl, through its public interface only: what a user would write.

What in_tinydl_compiled.py compiles is the same code: `made` is then `tl.compile`.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

import tinydl as tl
from adapters import Job, networks
from tinydl import functional as F
from tinydl import nn, optim


def as_it_is(function: Any) -> Any:
    return function


def programs(step: Any) -> int:
    """How many programs a compiled step has recorded; 0 of a function as it is."""
    return len(getattr(step, "programs", ()))


def chain(problem: Any) -> Job:
    x = tl.tensor(problem.x, requires_grad=True)
    a, b, c, upstream = (tl.tensor(v) for v in (problem.a, problem.b, problem.c, problem.upstream))

    def step() -> tl.Tensor:
        x.grad = None
        y = x
        for _ in range(problem.length // 4):
            y = -(y * a + b) / c
        loss = np.sum(y * upstream)
        loss.backward()
        return loss

    return Job(step, lambda: [step().item(), x.grad.numpy()])


def recurrence(problem: Any) -> Job:
    x, w = (tl.tensor(v, requires_grad=True) for v in (problem.x, problem.w))

    def step() -> tl.Tensor:
        x.grad = w.grad = None
        h, states = np.zeros(x.shape[1:], np.float32), []
        for t in range(len(x)):
            h = np.tanh(x[t] + h @ w)
            states.append(h)
        loss = np.sum(np.stack(states) * problem.upstream)
        loss.backward()
        return loss

    return Job(step, lambda: [step().item(), x.grad.numpy(), w.grad.numpy()])


def _network(problem: Any) -> nn.Sequential:
    layers: list[nn.Module] = []
    for w, b in zip(problem.weights, problem.biases, strict=True):
        layer = nn.Linear(w.shape[1], w.shape[0])
        layer.load_state_dict({"weight": w, "bias": b})
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def _job(parameters: list[tl.Tensor], loss: Any, x: Any, y: Any, optimizer: Any, made: Any) -> Job:
    @made
    def step(x: Any, y: Any) -> tl.Tensor:
        optimizer.zero_grad()
        value = loss(x, y)
        value.backward()
        optimizer.step()
        return value

    @made
    def backward(x: Any, y: Any) -> tl.Tensor:
        optimizer.zero_grad()
        value = loss(x, y)
        value.backward()
        return value

    def gradients() -> list[Any]:
        value = backward(x, y)
        return [value.item(), *(p.grad.numpy() for p in parameters)]

    values = lambda: [p.numpy() for p in parameters]
    return Job(partial(step, x, y), gradients, values, programs=partial(programs, step))


def training(problem: Any, made: Any = as_it_is) -> Job:
    model = _network(problem)
    parameters = list(model.parameters())
    optimizer = getattr(optim, problem.optimizer)(parameters, lr=problem.lr)
    return _job(parameters, lambda x, y: F.cross_entropy(model(x), y), problem.x, problem.y, optimizer, made)


def moons(problem: Any, made: Any = as_it_is) -> Job:
    model = _network(problem)
    parameters = list(model.parameters())

    def loss(x: Any, y: Any) -> tl.Tensor:
        hinge = F.relu(1 - y * model(x)).mean()
        return hinge + problem.decay * sum(np.vdot(p, p) for p in parameters)

    return _job(parameters, loss, problem.x, problem.y[:, None], optim.SGD(parameters, lr=problem.lr), made)


def inference(problem: Any, made: Any = as_it_is) -> Job:
    linear, relu, last = _network(problem)
    answer = made(nn.Sequential(linear, relu, nn.Dropout(0.25), last).eval())
    result = lambda: [answer(problem.x).numpy()]
    return Job(partial(answer, problem.x), result, around=tl.no_grad, programs=partial(programs, answer))


def attention(problem: Any, made: Any = as_it_is) -> Job:
    names = ("x", "scale", "shift", "wq", "wk", "wv", "wo")
    leaves = x, scale, shift, wq, wk, wv, wo = [tl.tensor(getattr(problem, n), requires_grad=True) for n in names]
    width = problem.x.shape[-1]
    norm = nn.LayerNorm(width)
    norm.weight, norm.bias = scale, shift
    root = width**-0.5

    @made
    def step(upstream: Any) -> tl.Tensor:
        for leaf in leaves:
            leaf.grad = None
        h = norm(x)
        q, k, v = F.linear(h, wq), F.linear(h, wk), F.linear(h, wv)
        a = F.softmax(q @ k.mT * root, axis=-1) @ v
        output = F.gelu(F.linear(a, wo), approximate="tanh")
        loss = (output * upstream).sum()
        loss.backward()
        return loss

    def gradients() -> list[Any]:
        return [step(problem.upstream).item(), *(leaf.grad.numpy() for leaf in leaves)]

    return Job(partial(step, problem.upstream), gradients, programs=partial(programs, step))


def network(problem: Any, made: Any = as_it_is) -> Job:
    model = networks.built(problem, nn, F, lambda n: tl.tensor(np.ones(n, np.float32), requires_grad=True))
    named = dict(model.named_parameters())
    model.load_state_dict(model.state_dict() | problem.weights({k: p.shape for k, p in named.items()}))
    parameters = [named[name] for name in sorted(named)]
    optimizer = optim.Adam(parameters, eps=1e-5)  # by 1e-8 the keys' bias moves by rounding
    if problem.y is not None:
        return _job(parameters, lambda x, y: F.cross_entropy(model(x), y), problem.x, problem.y, optimizer, made)
    upstream = problem.upstream(model(problem.x).shape)

    @made
    def step(x: Any, upstream: Any) -> tl.Tensor:
        optimizer.zero_grad()
        loss = (model(x) * upstream).sum()
        loss.backward()
        return loss

    gradients = lambda: [step(problem.x, upstream).item(), *(p.grad.numpy() for p in parameters)]
    return Job(partial(step, problem.x, upstream), gradients, programs=partial(programs, step))
