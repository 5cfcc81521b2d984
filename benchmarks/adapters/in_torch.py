"""PyTorch in its eager mode, with the layers, losses and optimizers that it brings.

What in_torch_compiled.py compiles is the same code: `made` is then `torch.compile`.
"""

from __future__ import annotations

import os
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from adapters import Job, networks

torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))


def as_it_is(function: Any) -> Any:
    return function


def chain(problem: Any) -> Job:
    x = torch.tensor(problem.x, requires_grad=True)
    a, b, c, upstream = (torch.tensor(v) for v in (problem.a, problem.b, problem.c, problem.upstream))

    def step() -> torch.Tensor:
        x.grad = None
        y = x
        for _ in range(problem.length // 4):
            y = -(y * a + b) / c
        loss = torch.sum(y * upstream)
        loss.backward()
        return loss

    return Job(step, lambda: [step().item(), x.grad.numpy()])


def recurrence(problem: Any) -> Job:
    x, w = (torch.tensor(v, requires_grad=True) for v in (problem.x, problem.w))
    upstream = torch.tensor(problem.upstream)

    def step() -> torch.Tensor:
        x.grad = w.grad = None
        h, states = torch.zeros(x.shape[1:]), []
        for row in x:
            h = torch.tanh(row + h @ w)
            states.append(h)
        loss = torch.sum(torch.stack(states) * upstream)
        loss.backward()
        return loss

    return Job(step, lambda: [step().item(), x.grad.numpy().copy(), w.grad.numpy().copy()])


def _network(problem: Any) -> nn.Sequential:
    layers: list[nn.Module] = []
    for w, b in zip(problem.weights, problem.biases, strict=True):
        layer = nn.Linear(w.shape[1], w.shape[0])
        layer.load_state_dict({"weight": torch.tensor(w), "bias": torch.tensor(b)})
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def _job(parameters: list[torch.Tensor], loss: Any, optimizer: torch.optim.Optimizer, made: Any) -> Job:
    compute, update = made(loss), made(optimizer.step)

    def step() -> torch.Tensor:
        optimizer.zero_grad()
        loss = compute()
        loss.backward()
        update()
        return loss

    def gradients() -> list[Any]:
        optimizer.zero_grad()
        loss = compute()
        loss.backward()
        return [loss.item(), *(p.grad.numpy().copy() for p in parameters)]

    return Job(step, gradients, lambda: [p.detach().numpy().copy() for p in parameters])


def training(problem: Any, made: Any = as_it_is) -> Job:
    model = _network(problem)
    parameters = list(model.parameters())
    optimizer = getattr(torch.optim, problem.optimizer)(parameters, lr=problem.lr)
    x, y = torch.tensor(problem.x), torch.tensor(problem.y)
    return _job(parameters, lambda: F.cross_entropy(model(x), y), optimizer, made)


def moons(problem: Any, made: Any = as_it_is) -> Job:
    model = _network(problem)
    parameters = list(model.parameters())
    x, y = torch.tensor(problem.x), torch.tensor(problem.y)[:, None]

    def loss() -> torch.Tensor:
        hinge = F.relu(1 - y * model(x)).mean()
        return hinge + problem.decay * sum((p * p).sum() for p in parameters)

    return _job(parameters, loss, torch.optim.SGD(parameters, lr=problem.lr), made)


def inference(problem: Any, made: Any = as_it_is) -> Job:
    linear, relu, last = _network(problem)
    answer = made(nn.Sequential(linear, relu, nn.Dropout(0.25), last).eval())
    x = torch.tensor(problem.x)
    return Job(lambda: answer(x), lambda: [answer(x).numpy()], around=torch.inference_mode)


def attention(problem: Any, made: Any = as_it_is) -> Job:
    names = ("x", "scale", "shift", "wq", "wk", "wv", "wo")
    leaves = x, scale, shift, wq, wk, wv, wo = [torch.tensor(getattr(problem, n), requires_grad=True) for n in names]
    width = problem.x.shape[-1]
    upstream = torch.tensor(problem.upstream)
    root = width**-0.5

    def compute() -> torch.Tensor:
        h = F.layer_norm(x, (width,), scale, shift)
        q, k, v = F.linear(h, wq), F.linear(h, wk), F.linear(h, wv)
        a = F.softmax(q @ k.mT * root, dim=-1) @ v
        output = F.gelu(F.linear(a, wo), approximate="tanh")
        return (output * upstream).sum()

    compute = made(compute)

    def step() -> torch.Tensor:
        for leaf in leaves:
            leaf.grad = None
        loss = compute()
        loss.backward()
        return loss

    return Job(step, lambda: [step().item(), *(leaf.grad.numpy().copy() for leaf in leaves)])


def network(problem: Any, made: Any = as_it_is) -> Job:
    model = networks.built(problem, nn, F, lambda n: nn.Parameter(torch.ones(n)))
    named = dict(model.named_parameters())
    weights = problem.weights({k: tuple(p.shape) for k, p in named.items()})
    model.load_state_dict({k: torch.tensor(w) for k, w in weights.items()}, strict=False)
    parameters = [named[name] for name in sorted(named)]
    optimizer = torch.optim.Adam(parameters, eps=1e-5)  # as in_tinydl's
    x = torch.tensor(problem.x).contiguous()
    if problem.y is not None:
        y = torch.tensor(problem.y)
        mask = [~torch.ones(x.shape[1], x.shape[1]).tril().bool()] if problem.model == "gpt" else []
        return _job(parameters, lambda: F.cross_entropy(model(x, *mask), y), optimizer, made)
    upstream = torch.tensor(problem.upstream(tuple(model(x).shape))).contiguous()

    def step() -> torch.Tensor:
        optimizer.zero_grad()
        loss = (model(x) * upstream).sum()
        loss.backward()
        return loss

    return Job(step, lambda: [step().item(), *(p.grad.numpy().copy() for p in parameters)])
