"""micrograd: the training step of its demo notebook, one Python object per number."""

from __future__ import annotations

from typing import Any

import numpy as np
from micrograd.engine import Value
from micrograd.nn import MLP

from adapters import Job


def moons(problem: Any) -> Job:
    model = MLP(2, [16, 16, 1])
    for layer, w, b in zip(model.layers, problem.weights, problem.biases, strict=True):
        for neuron, row, shift in zip(layer.neurons, w, b, strict=True):
            neuron.b.data = float(shift)
            for value, number in zip(neuron.w, row, strict=True):
                value.data = float(number)
    parameters = model.parameters()  # a neuron's weights, then its bias, neuron after neuron
    points, signs = problem.x.tolist(), problem.y.tolist()

    def loss() -> Value:
        inputs = [list(map(Value, row)) for row in points]
        scores = list(map(model, inputs))
        losses = [(1 + -sign * score).relu() for sign, score in zip(signs, scores, strict=True)]
        data_loss = sum(losses) * (1.0 / len(losses))
        return data_loss + problem.decay * sum(p * p for p in parameters)

    def step() -> Value:
        value = loss()
        model.zero_grad()
        value.backward()
        for p in parameters:
            p.data -= problem.lr * p.grad
        return value

    def as_arrays(attribute: str) -> list[Any]:
        arrays: list[Any] = []
        for layer in model.layers:
            arrays.append(np.array([[getattr(v, attribute) for v in neuron.w] for neuron in layer.neurons]))
            arrays.append(np.array([getattr(neuron.b, attribute) for neuron in layer.neurons]))
        return arrays

    def check() -> list[Any]:
        value = loss()
        model.zero_grad()
        value.backward()
        return [value.data, *as_arrays("grad")]

    return Job(step, check, lambda: as_arrays("data"))
