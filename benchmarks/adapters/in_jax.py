"""JAX, the whole step compiled by `jit`; compilation happens before the timing, its cost isn't in the figures."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from adapters import Job


def _training_loss(parameters: Any, x: Any, y: Any) -> Any:
    h = x
    for w, b in parameters[:-1]:
        h = jax.nn.relu(h @ w.T + b)
    w, b = parameters[-1]
    z = jax.nn.log_softmax(h @ w.T + b)
    return -jnp.mean(z[jnp.arange(len(y)), y])


def training(problem: Any) -> Job:
    lr = problem.lr
    x, y = jnp.asarray(problem.x), jnp.asarray(problem.y)
    parameters = [(jnp.asarray(w), jnp.asarray(b)) for w, b in zip(problem.weights, problem.biases, strict=True)]
    loss_and_gradients = jax.jit(jax.value_and_grad(_training_loss))

    def sgd(parameters: Any, memory: Any, count: Any) -> Any:
        loss, gradients = jax.value_and_grad(_training_loss)(parameters, x, y)
        return loss, jax.tree.map(lambda p, g: p - lr * g, parameters, gradients), memory, count

    def adam(parameters: Any, memory: Any, count: Any) -> Any:
        loss, gradients = jax.value_and_grad(_training_loss)(parameters, x, y)
        first, second = memory
        count = count + 1
        first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, gradients)
        second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, gradients)
        rate, root = lr / (1 - 0.9**count), jnp.sqrt(1 - 0.999**count)
        parameters = jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) / root + 1e-8), parameters, first, second)
        return loss, parameters, (first, second), count

    zeros = jax.tree.map(jnp.zeros_like, parameters)
    compiled = jax.jit(sgd if problem.optimizer == "SGD" else adam, donate_argnums=(0, 1))
    state = [parameters, (zeros, jax.tree.map(jnp.zeros_like, parameters)), jnp.float32(0)]

    def step() -> Any:
        loss, *state[:] = compiled(*state)
        return jax.block_until_ready((loss, state))[0]

    def gradients() -> list[Any]:
        loss, gradients = loss_and_gradients(state[0], x, y)
        return [float(loss), *map(np.array, jax.tree.leaves(gradients))]

    return Job(step, gradients, lambda: [np.array(p) for p in jax.tree.leaves(state[0])])


def moons(problem: Any) -> Job:
    lr, decay = problem.lr, problem.decay
    x, y = jnp.asarray(problem.x), jnp.asarray(problem.y)
    state = [[(jnp.asarray(w), jnp.asarray(b)) for w, b in zip(problem.weights, problem.biases, strict=True)]]

    def loss(parameters: Any) -> Any:
        *hidden, (w3, b3) = parameters
        h = x
        for w, b in hidden:
            h = jax.nn.relu(h @ w.T + b)
        score = (h @ w3.T + b3)[:, 0]
        squares = sum(jnp.vdot(p, p) for p in jax.tree.leaves(parameters))
        return jax.nn.relu(1 - y * score).mean() + decay * squares

    loss_and_gradients = jax.jit(jax.value_and_grad(loss))

    def descend(parameters: Any) -> Any:
        value, gradients = jax.value_and_grad(loss)(parameters)
        return value, jax.tree.map(lambda p, g: p - lr * g, parameters, gradients)

    compiled = jax.jit(descend, donate_argnums=0)

    def step() -> Any:
        value, *state[:] = compiled(*state)
        return jax.block_until_ready((value, state))[0]

    def gradients() -> list[Any]:
        value, gradients = loss_and_gradients(*state)
        return [float(value), *map(np.array, jax.tree.leaves(gradients))]

    return Job(step, gradients, lambda: [np.array(p) for p in jax.tree.leaves(state)])


def inference(problem: Any) -> Job:
    x, weights, biases = jnp.asarray(problem.x), *([*map(jnp.asarray, a)] for a in (problem.weights, problem.biases))

    @jax.jit
    def answer(x: Any, weights: Any, biases: Any) -> Any:
        return jax.nn.relu(x @ weights[0].T + biases[0]) @ weights[1].T + biases[1]

    def step() -> Any:
        return jax.block_until_ready(answer(x, weights, biases))

    return Job(step, lambda: [np.array(step())])


def attention(problem: Any) -> Job:
    names = ("x", "scale", "shift", "wq", "wk", "wv", "wo")
    leaves = [jnp.asarray(getattr(problem, n)) for n in names]
    upstream, root = jnp.asarray(problem.upstream), problem.x.shape[-1] ** -0.5

    def loss(x: Any, scale: Any, shift: Any, wq: Any, wk: Any, wv: Any, wo: Any) -> Any:
        n = (x - x.mean(-1, keepdims=True)) / jnp.sqrt(x.var(-1, keepdims=True) + 1e-5)
        h = n * scale + shift
        q, k, v = h @ wq.T, h @ wk.T, h @ wv.T
        a = jax.nn.softmax(q @ k.mT * root) @ v
        return (jax.nn.gelu(a @ wo.T, approximate=True) * upstream).sum()

    compiled = jax.jit(jax.value_and_grad(loss, argnums=tuple(range(len(leaves)))))

    def step() -> Any:
        return jax.block_until_ready(compiled(*leaves))

    def gradients() -> list[Any]:
        value, gradients = step()
        return [float(value), *map(np.array, gradients)]

    return Job(step, gradients)
