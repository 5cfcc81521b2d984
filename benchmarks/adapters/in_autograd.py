"""HIPS autograd: NumPy's functions traced by `value_and_grad`, and updates written by hand, as in its examples."""

from __future__ import annotations

from typing import Any

import autograd.numpy as np
from autograd import value_and_grad

from adapters import Job


def chain(problem: Any) -> Job:
    x, a, b, c, upstream = problem.x, problem.a, problem.b, problem.c, problem.upstream

    def loss(x: Any) -> Any:
        y = x
        for _ in range(problem.length // 4):
            y = -(y * a + b) / c
        return np.sum(y * upstream)

    compute = value_and_grad(loss)
    return Job(lambda: compute(x), lambda: list(compute(x)))


def training(problem: Any) -> Job:
    x, lr = problem.x, problem.lr
    classes = len(problem.biases[-1])
    one_hot = np.eye(classes, dtype=np.float32)[problem.y]
    pairs = zip(problem.weights, problem.biases, strict=True)
    parameters = [p.copy() for pair in pairs for p in pair]

    def loss(parameters: Any) -> Any:
        h = x
        for i in range(0, len(parameters) - 2, 2):
            h = np.maximum(h @ parameters[i].T + parameters[i + 1], 0)
        z = h @ parameters[-2].T + parameters[-1]
        z = z - np.max(z, axis=1, keepdims=True)
        log_p = z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))
        return -np.sum(log_p * one_hot) / len(x)

    compute = value_and_grad(loss)
    first, second = ([np.zeros_like(p) for p in parameters] for _ in range(2))
    steps = 0

    def sgd_step() -> Any:
        value, gradients = compute(parameters)
        for p, g in zip(parameters, gradients, strict=True):
            p -= lr * g
        return value

    def adam_step() -> Any:
        nonlocal steps
        steps += 1
        value, gradients = compute(parameters)
        rate, root = lr / (1 - 0.9**steps), (1 - 0.999**steps) ** 0.5
        for p, g, m, v in zip(parameters, gradients, first, second, strict=True):
            m[...] = 0.9 * m + 0.1 * g
            v[...] = 0.999 * v + 0.001 * g * g
            p -= rate * m / (np.sqrt(v) / root + 1e-8)
        return value

    def check() -> list[Any]:
        value, gradients = compute(parameters)
        return [value, *gradients]

    return Job(sgd_step if problem.optimizer == "SGD" else adam_step, check, lambda: parameters)
