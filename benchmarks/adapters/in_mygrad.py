"""MyGrad, with its memory guarding off, as its documentation advises for speed."""

from __future__ import annotations

from typing import Any

import mygrad as mg
import numpy as np
from mygrad.nnet.activations import relu
from mygrad.nnet.losses import softmax_crossentropy

from adapters import Job

mg.turn_memory_guarding_off()


def chain(problem: Any) -> Job:
    x = mg.tensor(problem.x)
    a, b, c, upstream = problem.a, problem.b, problem.c, problem.upstream

    def step() -> Any:
        y = x
        for _ in range(problem.length // 4):
            y = -(y * a + b) / c
        loss = mg.sum(y * upstream)
        loss.backward()
        return loss

    return Job(step, lambda: [step().item(), x.grad])


def training(problem: Any) -> Job:
    x, y, lr = problem.x, problem.y, problem.lr
    pairs = zip(problem.weights, problem.biases, strict=True)
    parameters = [mg.tensor(p.copy()) for pair in pairs for p in pair]

    def loss() -> Any:
        h = x
        for i in range(0, len(parameters) - 2, 2):
            h = relu(mg.matmul(h, parameters[i].T) + parameters[i + 1])
        return softmax_crossentropy(mg.matmul(h, parameters[-2].T) + parameters[-1], y)

    first, second = ([np.zeros_like(p.data) for p in parameters] for _ in range(2))
    steps = 0

    def sgd_step() -> Any:
        value = loss()
        value.backward()
        for p in parameters:
            p.data[...] -= lr * p.grad
        return value

    def adam_step() -> Any:
        nonlocal steps
        steps += 1
        value = loss()
        value.backward()
        rate, root = lr / (1 - 0.9**steps), (1 - 0.999**steps) ** 0.5
        for p, m, v in zip(parameters, first, second, strict=True):
            m[...] = 0.9 * m + 0.1 * p.grad
            v[...] = 0.999 * v + 0.001 * p.grad * p.grad
            p.data[...] -= rate * m / (np.sqrt(v) / root + 1e-8)
        return value

    def check() -> list[Any]:
        value = loss()
        value.backward()
        return [value.item(), *(p.grad.copy() for p in parameters)]

    return Job(sgd_step if problem.optimizer == "SGD" else adam_step, check, lambda: [p.data for p in parameters])
