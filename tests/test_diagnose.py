"""Diagnose: planted faults are named, healthy runs pass in silence, and nothing is changed by looking.

The two sets are the measure: every fault with its code, no verdict on a healthy run, before training and after it.
"""

from __future__ import annotations

import ast
import copy
import inspect
import itertools
import re
import string
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import tinydl as tl
from tinydl import data, nn, optim
from tinydl import functional as F
from tinydl.engine import random
from tinydl.watching.verdicts import CODES, FINDINGS


@dataclass
class Case:
    model: Any
    train: Any
    loss: Any
    optimizer: Any
    epochs: int = 8
    batch_size: int = 32
    validation: Any = None
    fit: bool = False  # a fault that shows in the history only
    schedule: Any = None


def digits(n=400, scale=1.0):
    whole = data.digits()
    return (whole.x[:n] * np.float32(scale), whole.y[:n])


def mlp(*sizes, act=nn.ReLU, end=(), norm=None):
    layers = []
    for i, (a, b) in enumerate(itertools.pairwise(sizes)):
        layers.append(nn.Linear(a, b))
        if i < len(sizes) - 2:
            layers += [norm(b)] if norm else []
            layers.append(act())
    return nn.Sequential(*layers, *end)


def sgd(model, lr=0.1, **options):
    return optim.SGD(model.parameters(), lr=lr, **options)


def adam(model, lr=1e-3, **options):
    return optim.Adam(model.parameters(), lr=lr, **options)


XOR = (np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32), np.array([[0], [1], [1], [0]], np.float32))


def regression(n=200, features=5, seed=0, scale=1.0, mean=0.0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, features)).astype(np.float32)
    y = np.sin(x[:, :1]) + 0.5 * x[:, 1:2] + 0.1 * rng.normal(size=(n, 1))
    return x, (y * scale + mean).astype(np.float32)


def pair(dataset):
    return dataset.x, dataset.y


def scaled(model, factor):
    with tl.no_grad():
        for p in model.parameters():
            p.data[...] *= factor
    return model


def he(model):
    for layer in model.modules():
        if isinstance(layer, nn.Linear):
            nn.init.kaiming_normal_(layer.weight)
    return model


def simple(model, train, loss, make=adam, lr=1e-3, **rest):
    return Case(model, train, loss, make(model, lr), **rest)


# ---- healthy runs ----


class Words(nn.Module):
    def __init__(self):
        self.embedding, self.hidden, self.out = nn.Embedding(30, 8), nn.Linear(8, 16), nn.Linear(16, 3)

    def forward(self, x):
        return self.out(np.tanh(self.hidden(self.embedding(x).mean(axis=1))))


class Residual(nn.Module):
    def __init__(self, depth=8):
        self.enter, self.leave = nn.Linear(5, 24), nn.Linear(24, 1)
        self.blocks = [mlp(24, 24, 24) for _ in range(depth)]
        self.norms = [nn.LayerNorm(24) for _ in range(depth)]

    def forward(self, x):
        h = self.enter(x)
        for norm, block in zip(self.norms, self.blocks, strict=True):
            h = h + block(norm(h))
        return self.leave(h)


class Recurrent(nn.Module):
    """Says the sign of the sum of a sequence."""

    def __init__(self):
        self.cell, self.out = nn.Linear(17, 16), nn.Linear(16, 2)

    def forward(self, x):
        h = np.zeros((len(x), 16), np.float32)
        for t in range(x.shape[1]):
            h = np.tanh(self.cell(np.concatenate([h, x[:, t : t + 1]], axis=1)))
        return self.out(h)


class Gated(nn.Module):
    def __init__(self):
        self.a, self.b, self.out = nn.Linear(2, 16), nn.Linear(2, 16), nn.Linear(16, 2)

    def forward(self, x):
        return self.out(F.sigmoid(self.a(x)) * self.b(x))


def words(n=200):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, n)
    return rng.integers(0, 10, (n, 6)) + 10 * y[:, None], y


def sequences(n=200):
    x = np.random.default_rng(0).normal(size=(n, 8)).astype(np.float32)
    return x, (x.sum(1) > 0).astype(int)


def zero_head():
    model = mlp(64, 32, 10)
    model[2].weight.data[...] = 0
    model[2].bias.data[...] = 0
    return model


def frozen():
    model = mlp(64, 64, 32, 10)
    for p in model[0].parameters():
        p.requires_grad = False
    return model


def small_head():
    model = mlp(64, 64, 10)
    model[2].weight.data[...] *= 0.01
    model[2].bias.data[...] = 0
    return model


class LogSoftmax(nn.Module):
    def forward(self, z):
        return F.log_softmax(z)


class HeadInTheLoss(nn.Module):
    def __init__(self):
        self.head = nn.Linear(64, 10)
        for p in self.head.parameters():
            p.requires_grad = False

    def forward(self, h, y):
        return F.cross_entropy(self.head(h), y)


bce = F.binary_cross_entropy_with_logits
HEALTHY = {
    "a line by gradient descent": lambda: simple(
        nn.Linear(1, 1), pair(data.line(100)), F.mse_loss, sgd, 0.1, epochs=30
    ),
    "a line without much noise": lambda: simple(
        nn.Linear(1, 1), pair(data.line(100, 0.1)), F.mse_loss, sgd, 0.1, epochs=30
    ),
    "a line with Adam": lambda: simple(nn.Linear(1, 1), pair(data.line(100)), F.mse_loss, adam, 0.05, epochs=30),
    "XOR with tanh and the squared error": lambda: simple(
        mlp(2, 8, 1, act=nn.Tanh), XOR, F.mse_loss, sgd, 0.3, epochs=300, batch_size=4
    ),
    "XOR with Adam": lambda: simple(mlp(2, 8, 1), XOR, bce, adam, 0.03, epochs=150, batch_size=4),
    "moons with relus": lambda: simple(
        mlp(2, 16, 16, 2), pair(data.moons(200)), F.cross_entropy, adam, 0.01, epochs=20
    ),
    "moons with tanh and momentum": lambda: simple(
        mlp(2, 16, 2, act=nn.Tanh),
        pair(data.moons(200)),
        F.cross_entropy,
        lambda m, lr: sgd(m, lr, momentum=0.9),
        0.05,
        epochs=20,
    ),
    "moons with one sigmoid at the end": lambda: Case(
        *(
            lambda m: (
                m,
                (data.moons(200).x, data.moons(200).y[:, None].astype(np.float32)),
                F.binary_cross_entropy,
                adam(m, 0.02),
            )
        )(mlp(2, 16, 1, act=nn.Tanh, end=[nn.Sigmoid()])),
        epochs=30,
    ),
    "spirals": lambda: simple(mlp(2, 64, 3), pair(data.spirals(300)), F.cross_entropy, adam, 0.01, epochs=40),
    "blobs with a linear model": lambda: simple(nn.Linear(2, 3), pair(data.blobs(300)), F.cross_entropy, adam, 0.01),
    "digits": lambda: simple(mlp(64, 64, 10), digits(), F.cross_entropy, epochs=10),
    "digits by plain gradient descent": lambda: simple(mlp(64, 64, 10), digits(), F.cross_entropy, sgd, 0.1, epochs=20),
    "digits with dropout and validation": lambda: Case(
        *(lambda m: (m, digits(600), F.cross_entropy, adam(m, 5e-3)))(
            nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Dropout(0.25), nn.Linear(128, 10))
        ),
        epochs=20,
        validation=(data.digits().x[600:900], data.digits().y[600:900]),
    ),
    "digits with BatchNorm": lambda: simple(
        mlp(64, 64, 64, 10, norm=nn.BatchNorm1d), digits(), F.cross_entropy, adam, 1e-2
    ),
    "digits with one-hot targets and AdamW": lambda: simple(
        mlp(64, 32, 10),
        (digits()[0], F.one_hot(digits()[1])),
        F.cross_entropy,
        lambda m, lr: optim.AdamW(m.parameters(), lr),
    ),
    "digits with a last layer of zeros": lambda: simple(zero_head(), digits(), F.cross_entropy),
    "digits with a frozen layer": lambda: simple(frozen(), digits(), F.cross_entropy),
    "digits with summed losses": lambda: simple(
        mlp(64, 32, 10), digits(), lambda z, y: F.cross_entropy(z, y, reduction="sum"), adam, 1e-3
    ),
    "digits with label smoothing and gelu": lambda: simple(
        mlp(64, 48, 10, act=nn.GELU), digits(), lambda z, y: F.cross_entropy(z, y, label_smoothing=0.1)
    ),
    "digits with RMSprop and silu": lambda: simple(
        mlp(64, 48, 10, act=nn.SiLU), digits(), F.cross_entropy, lambda m, lr: optim.RMSprop(m.parameters(), lr)
    ),
    "pixels of 0 to 255 that the model itself scales": lambda: simple(
        Scaling(mlp(64, 32, 10)), digits(scale=255), F.cross_entropy
    ),
    "six layers of tanh": lambda: simple(mlp(64, *[48] * 5, 10, act=nn.Tanh), digits(), F.cross_entropy, adam, 2e-3),
    "ten layers of relu, He's weights": lambda: simple(he(mlp(64, *[48] * 9, 10)), digits(), F.cross_entropy),
    "six layers of sigmoid with LayerNorm": lambda: simple(
        mlp(64, *[48] * 5, 10, act=nn.Sigmoid, norm=nn.LayerNorm), digits(), F.cross_entropy, adam, 3e-3
    ),
    "eight residual blocks": lambda: simple(Residual(), regression(), F.mse_loss, adam, 2e-3),
    "a recurrent network": lambda: simple(Recurrent(), sequences(), F.cross_entropy, adam, 5e-3),
    "a gated network": lambda: simple(Gated(), pair(data.moons(200)), F.cross_entropy, adam, 0.02),
    "words": lambda: simple(Words(), words(), F.cross_entropy, adam, 0.01),
    "regression": lambda: simple(mlp(5, 32, 1), regression(), F.mse_loss, adam, 5e-3, epochs=20),
    "regression with Huber's loss and Adagrad": lambda: simple(
        mlp(5, 32, 1, act=nn.Tanh), regression(), F.huber_loss, lambda m, lr: optim.Adagrad(m.parameters(), lr), 0.03
    ),
    "regression with Adadelta": lambda: simple(
        mlp(5, 32, 1), regression(), F.l1_loss, lambda m, lr: optim.Adadelta(m.parameters(), lr), 1.0
    ),
    "two classes, 70 to 30": lambda: simple(mlp(2, 8, 2), unequal(0.7), F.cross_entropy, adam, 0.01, epochs=20),
    "digits by slow gradient descent": lambda: simple(
        mlp(64, 64, 10), digits(), F.cross_entropy, sgd, 0.01, epochs=25, batch_size=8
    ),
    "digits with a last layer that begins near zero": lambda: simple(
        small_head(), digits(), F.cross_entropy, adam, 3e-3
    ),
    "digits against soft targets by the divergence": lambda: simple(
        mlp(64, 48, 10, end=[LogSoftmax()]),
        (digits()[0], (0.9 * F.one_hot(digits()[1], 10) + 0.01).astype(np.float32)),
        F.kl_div,
        adam,
        3e-3,
    ),
    "features for a loss with a layer of its own": lambda: simple(
        mlp(64, 64, 64, end=[nn.ReLU()]), digits(), HeadInTheLoss(), adam, 3e-3
    ),
    "tanh at the end for targets within its range": lambda: simple(
        mlp(5, 32, 1, end=[nn.Tanh()]), (regression()[0], np.tanh(regression()[1])), F.mse_loss, adam, 5e-3, epochs=20
    ),
    "relu at the end for targets above 0": lambda: simple(
        mlp(5, 64, 1, end=[nn.ReLU()]), (regression()[0], np.exp(regression()[1])), F.mse_loss, adam, 5e-3, epochs=20
    ),
    "counts by Poisson's likelihood": lambda: simple(
        mlp(5, 32, 1),
        (regression()[0], np.random.default_rng(0).poisson(np.exp(regression()[1])).astype(np.float32)),
        lambda z, y: (np.exp(z) - y * z).mean() + 2,
        adam,
        5e-3,
        epochs=20,
    ),
    "an autoencoder": lambda: simple(mlp(64, 16, 64), (digits()[0], digits()[0]), F.mse_loss, adam, 2e-3),
}


class Scaling(nn.Module):
    def __init__(self, inner):
        self.inner = inner

    def forward(self, x):
        return self.inner(x / 255)


def unequal(share, n=200):
    rng = np.random.default_rng(0)
    y = rng.permutation(np.arange(n) >= share * n).astype(int)
    return (rng.normal(size=(n, 2)) + 2 * y[:, None]).astype(np.float32), y


# ---- planted faults ----


def constant(model, value=0.0):
    for p in model.parameters():
        p.data[...] = value
    return model


def biased(model, bias):
    model[0].bias.data[...] = bias
    return model


class Unused(nn.Module):
    def __init__(self):
        self.a, self.b, self.c = nn.Linear(64, 32), nn.Linear(32, 32), nn.Linear(32, 10)

    def forward(self, x):
        return self.c(np.tanh(self.a(x)))


class ThroughData(Unused):
    def forward(self, x):
        h = np.tanh(self.a(x))
        return self.c(np.tanh(h @ self.b.weight.data.T + self.b.bias))


def only_last(m, lr):
    return optim.Adam(m[-1].parameters(), lr)


def noisy_labels(n=60):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 20)).astype(np.float32)
    return x, (x[:, 0] + rng.normal(size=n) * 1.5 > 0).astype(int)


class SoftmaxByHand(nn.Module):
    def forward(self, z):
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)


def overfitted_from_the_start():
    """Whose validation loss hardly falls before it rises."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 20)).astype(np.float32)
    y = (0.5 * x[:, :1] + rng.normal(size=(400, 1))).astype(np.float32)
    model = mlp(20, 128, 1)
    case = Case(model, (x[:30], y[:30]), F.mse_loss, adam(model, 3e-3), epochs=60, batch_size=8, fit=True)
    case.validation = (x[30:], y[30:])
    return case


def overfitted():
    train, held_out = noisy_labels(), noisy_labels(100)
    model = mlp(20, 64, 2)
    held_out = (np.random.default_rng(1).normal(size=(100, 20)).astype(np.float32), np.arange(100) % 2)
    return Case(model, train, F.cross_entropy, adam(model, 0.01), epochs=40, validation=held_out, fit=True)


def with_nan():
    x, y = digits()
    x = x.copy()
    x[3, 5] = np.nan
    return simple(mlp(64, 32, 10), (x, y), F.cross_entropy)


def other_optimizer():
    model = mlp(64, 32, 10)
    return Case(model, digits(), F.cross_entropy, adam(copy.deepcopy(model)))


def jumping():
    """A rate that grows from epoch to epoch until it is too high."""
    model = mlp(64, 32, 10)
    optimizer = adam(model, 1e-3)
    return Case(model, digits(), F.cross_entropy, optimizer, fit=True, schedule=Growing(optimizer))


class Growing(optim.Schedule):
    def rate(self):
        return self.base * 5**self.t


FAULTS = {
    "zeros": ("identical_units", lambda: simple(constant(mlp(64, 32, 10)), digits(), F.cross_entropy)),
    "a constant": (
        "identical_units",
        lambda: simple(constant(mlp(2, 8, 2), 0.5), pair(data.moons(200)), F.cross_entropy),
    ),
    "the same weight everywhere in a deeper net": (
        "identical_units",
        lambda: simple(constant(mlp(64, 32, 32, 10), 0.1), digits(), F.cross_entropy),
    ),
    "weights times 30": ("initial_loss", lambda: simple(scaled(mlp(64, 32, 10), 30), digits(), F.cross_entropy)),
    "outputs times 100 in regression": (
        "initial_loss",
        lambda: simple(scaled(mlp(5, 32, 1), 20), regression(), F.mse_loss),
    ),
    "pixels of 0 to 255": ("inputs_not_scaled", lambda: simple(mlp(64, 32, 10), digits(scale=255), F.cross_entropy)),
    "pixels of 0 to 16": ("inputs_not_scaled", lambda: simple(mlp(64, 32, 10), digits(scale=16), F.cross_entropy)),
    "one feature in other units": (
        "inputs_not_scaled",
        lambda: simple(mlp(5, 16, 1), (regression()[0] * np.float32([1, 1, 5000, 1, 1]), regression()[1]), F.mse_loss),
    ),
    "tiny inputs": ("inputs_not_scaled", lambda: simple(mlp(64, 32, 10), digits(scale=1e-3), F.cross_entropy)),
    "targets in thousands": (
        "targets_not_scaled",
        lambda: simple(mlp(5, 32, 1), regression(scale=50, mean=3000), F.mse_loss),
    ),
    "large targets about 0": ("targets_not_scaled", lambda: simple(mlp(5, 32, 1), regression(scale=1000), F.mse_loss)),
    "19 of 20 of one class": ("unbalanced_labels", lambda: simple(mlp(2, 8, 2), unequal(0.95), F.cross_entropy)),
    "a batch of sorted data": (
        "unbalanced_labels",
        lambda: simple(
            mlp(64, 32, 10), tuple(a[np.argsort(digits()[1], kind="stable")][:40] for a in digits()), F.cross_entropy
        ),
    ),
    "few positives": (
        "unbalanced_labels",
        lambda: simple(mlp(2, 8, 1), (unequal(0.9)[0], unequal(0.9)[1][:, None].astype(np.float32)), bce),
    ),
    "dead relus": ("dead_relus", lambda: simple(biased(mlp(64, 32, 10), -50), digits(), F.cross_entropy)),
    "saturated tanh": (
        "saturated",
        lambda: simple(scaled(mlp(64, 32, 32, 10, act=nn.Tanh), 50), digits(), F.cross_entropy),
    ),
    "saturated sigmoids by inputs": (
        "saturated",
        lambda: simple(mlp(64, 32, 10, act=nn.Sigmoid), digits(scale=255), F.cross_entropy),
    ),
    "ten layers of sigmoid": (
        "vanishing_gradients",
        lambda: simple(mlp(64, *[32] * 9, 10, act=nn.Sigmoid), digits(), F.cross_entropy),
    ),
    "small weights in a deep net": (
        "vanishing_gradients",
        lambda: simple(scaled(mlp(64, *[32] * 6, 10, act=nn.Tanh), 0.1), digits(), F.cross_entropy),
    ),
    "XOR from weights of 0.01": (
        "vanishing_activations",
        lambda: simple(scaled(mlp(2, 8, 1), 0.01), XOR, F.mse_loss, sgd, 0.1),
    ),
    "large weights in a deep net": (
        "exploding_gradients",
        lambda: simple(scaled(mlp(64, *[32] * 9, 10), 12), digits(), F.cross_entropy),
    ),
    "an unused layer": ("unchanged", lambda: simple(Unused(), digits(), F.cross_entropy)),
    "a weight through .data": ("unchanged", lambda: simple(ThroughData(), digits(), F.cross_entropy)),
    "an optimizer with the last layer only": (
        "unchanged",
        lambda: simple(mlp(64, 32, 10), digits(), F.cross_entropy, only_last),
    ),
    "an optimizer of a copy": ("unchanged", other_optimizer),
    "a rate of 50": ("learning_rate_too_high", lambda: simple(mlp(64, 32, 10), digits(), F.cross_entropy, sgd, 50.0)),
    "a rate of 1 with Adam": (
        "learning_rate_too_high",
        lambda: simple(mlp(5, 32, 1), regression(), F.mse_loss, adam, 1.0),
    ),
    "a line with too high a rate": (
        "learning_rate_too_high",
        lambda: simple(nn.Linear(1, 1), pair(data.line(100)), F.mse_loss, sgd, 1.2),
    ),
    "a rate of 1e-6": ("learning_rate_too_low", lambda: simple(mlp(64, 32, 10), digits(), F.cross_entropy, sgd, 1e-6)),
    "a rate of 1e-8 with Adam": (
        "learning_rate_too_low",
        lambda: simple(mlp(2, 16, 2), pair(data.moons(200)), F.cross_entropy, adam, 1e-8),
    ),
    "a line with too low a rate": (
        "learning_rate_too_low",
        lambda: simple(nn.Linear(1, 1), pair(data.line(100)), F.mse_loss, sgd, 1e-6),
    ),
    "overfitting": ("overfitting", overfitted),
    "overfitting from the start": ("overfitting", overfitted_from_the_start),
    "softmax before cross-entropy": (
        "outputs_limited",
        lambda: simple(mlp(64, 32, 10, end=[nn.Softmax()]), digits(), F.cross_entropy),
    ),
    "softmax by hand before cross-entropy": (
        "outputs_limited",
        lambda: simple(mlp(64, 32, 10, end=[SoftmaxByHand()]), digits(), F.cross_entropy),
    ),
    "sigmoid before the loss that contains it": (
        "outputs_limited",
        lambda: simple(
            mlp(2, 16, 1, end=[nn.Sigmoid()]),
            (data.moons(200).x, data.moons(200).y[:, None].astype(np.float32)),
            bce,
        ),
    ),
    "relu on the scores": (
        "outputs_limited",
        lambda: simple(mlp(64, 32, 10, end=[nn.ReLU()]), digits(), F.cross_entropy),
    ),
    "relu at the end for targets of both signs": (
        "outputs_limited",
        lambda: simple(mlp(5, 32, 1, end=[nn.ReLU()]), regression(), F.mse_loss),
    ),
    "tanh at the end for targets beyond its range": (
        "outputs_limited",
        lambda: simple(mlp(5, 32, 1, end=[nn.Tanh()]), regression(scale=3), F.mse_loss),
    ),
    "the same example again and again": (
        "equal_inputs",
        lambda: simple(mlp(64, 32, 10), (digits()[0][:1].repeat(100, 0), digits()[1][:100]), F.cross_entropy),
    ),
    "two of ten classes": (
        "unbalanced_labels",
        lambda: simple(
            mlp(64, 32, 10), tuple(a[np.argsort(digits()[1], kind="stable")][:80] for a in digits()), F.cross_entropy
        ),
    ),
    "a rate of 0.1 with Adam": (
        "large_updates",
        lambda: simple(mlp(64, 64, 10), digits(), F.cross_entropy, adam, 0.1),
    ),
    "a rate with which the loss leaps and falls again": (
        "learning_rate_too_high",
        lambda: simple(mlp(5, 32, 32, 1), regression(), F.mse_loss, adam, 0.3),
    ),
    "a hundredth of the rate": (
        "learning_rate_too_low",
        lambda: simple(mlp(64, 64, 10), digits(), F.cross_entropy, sgd, 1e-3),
    ),
    "a hundredth of the rate with Adam": (
        "learning_rate_too_low",
        lambda: simple(mlp(5, 32, 32, 1), regression(), F.mse_loss, adam, 1e-5),
    ),
    "a NaN in the data": ("not_finite", with_nan),
    "a run whose loss rises": ("learning_rate_too_high", jumping),
}


def cnn(act=nn.ReLU, norm=False, depth=2, pool=nn.MaxPool2d, filters=12, flat=True):
    """Convolutions of the digits as images, the first two with pooling behind them."""
    layers, channels = [Images()], 1
    for i in range(depth):
        layers += [nn.Conv2d(channels, filters, 3, padding=1), *([nn.BatchNorm2d(filters)] if norm else []), act()]
        layers += [pool(2)] if i < 2 else []
        channels = filters
    layers += (
        [nn.Flatten(), nn.Linear(filters * 4, 10)]
        if flat
        else [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(filters, 10)]
    )
    return nn.Sequential(*layers)


class Turned(nn.Module):
    def forward(self, x):
        return np.moveaxis(x, 1, -1)


class Images(nn.Module):
    def forward(self, x):
        return x.reshape(-1, 1, 8, 8)


def of_images(model, scale=1.0, lr=1e-2):
    return simple(model, digits(scale=scale), F.cross_entropy, adam, lr)


def with_dead_channels():
    model = cnn()
    model[1].bias.data[:11] = -50
    return of_images(model)


def with_equal_filters():
    model = cnn()
    for p in (model[1].weight, model[1].bias):
        p.data[...] = p.data[:1]
    model[4].weight.data[...] = model[4].weight.data[:, :1]  # so that their gradients are equal, too
    return of_images(model)


def with_large_kernels():
    model = cnn(depth=6)
    for module in model:
        if isinstance(module, nn.Conv2d):
            module.weight.data[...] *= 20
    return of_images(model)


def with_channels_last(channels, size=8):
    """Images as files have them, and a first convolution made to take them."""
    grey = digits()[0].reshape(-1, 8, 8, 1)
    images = np.pad(np.repeat(grey, channels, axis=3), ((0, 0), (0, size - 8), (0, size - 8), (0, 0)))
    model = nn.Sequential(
        nn.Conv2d(size, 12, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(12 * size * channels, 10)
    )
    return simple(model, (images, digits()[1]), F.cross_entropy)


def of_many_channels(shape):
    """What isn't an image: signals of as many places as channels, and maps that a layer has made."""
    x = np.random.default_rng(0).normal(size=(200, *shape)).astype(np.float32)
    y = (x.mean(axis=(1, 2, 3)) > 0).astype(int)
    model = nn.Sequential(nn.Conv2d(shape[0], 8, 1), nn.ReLU(), nn.Flatten(), nn.Linear(8 * shape[1] * shape[2], 2))
    return simple(model, (x, y), F.cross_entropy, adam, 3e-3)


FAULTS |= {
    "grey images with their channel last": ("channels_last", lambda: with_channels_last(1)),
    "coloured images with their channels last": ("channels_last", lambda: with_channels_last(3, size=12)),
    "channels of a convolution that are dead": ("dead_relus", with_dead_channels),
    "equal filters": ("identical_units", with_equal_filters),
    "kernels twenty times too large": ("exploding_gradients", with_large_kernels),
    "ten convolutions with sigmoid": ("vanishing_gradients", lambda: of_images(cnn(nn.Sigmoid, depth=10))),
    "images up to 255": ("inputs_not_scaled", lambda: of_images(cnn(), 255.0)),
    "a CNN with too high a rate": ("learning_rate_too_high", lambda: of_images(cnn(), lr=1.0)),
}
HEALTHY |= {
    "a CNN": lambda: of_images(cnn()),
    "a CNN whose maps look like images with their channels last": lambda: of_images(
        nn.Sequential(
            Images(),
            nn.Conv2d(1, 4, 3, padding=1),
            nn.ReLU(),
            Turned(),
            nn.Conv2d(8, 8, 1),
            nn.Flatten(),
            nn.Linear(256, 10),
        )
    ),
    "signals of 8 channels, 8 sensors and 5 times": lambda: of_many_channels((8, 8, 5)),
    "images of 3 by 3 with 3 channels": lambda: of_many_channels((3, 3, 3)),
    "a CNN with BatchNorm": lambda: of_images(cnn(norm=True)),
    "a CNN with tanh and mean pooling": lambda: of_images(cnn(nn.Tanh, pool=nn.AvgPool2d)),
    "a CNN that ends in a mean over all places": lambda: of_images(cnn(flat=False, filters=16)),
    "a CNN of six layers": lambda: of_images(cnn(depth=6), lr=3e-3),
    "a CNN of twelve layers with BatchNorm": lambda: of_images(cnn(norm=True, depth=12), lr=3e-3),
}


def fitted(case):
    return tl.fit(
        case.model, case.train, loss=case.loss, optimizer=case.optimizer, epochs=case.epochs,
        batch_size=case.batch_size, validation=case.validation, schedule=case.schedule, seed=0, progress=False,
    )  # fmt: skip


def batch_of(case, n=100):
    x, y = case.train
    return x[:n], y[:n]


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_named(name):
    code, make = FAULTS[name]
    with random.seeded(0):
        case = make()
    history = fitted(case) if case.fit else None
    found = tl.diagnose(case.model, batch_of(case), case.loss, case.optimizer, history)
    assert code in [v.code for v in found], str(found)
    for v in found:
        assert v.sentence.endswith(".") and v.advice and isinstance(v.value, float)


@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_run_passes_in_silence_before_and_after_training(name):
    with random.seeded(0):
        case = HEALTHY[name]()
    assert not tl.diagnose(case.model, batch_of(case), case.loss, case.optimizer), "before"
    history = fitted(case)
    found = tl.diagnose(case.model, batch_of(case), case.loss, case.optimizer, history)
    assert not found, str(found)
    assert history["loss"][-1] < 0.9 * history["loss"][0] or "noise" in name or "line" in name
    assert not tl.diagnose(case.model, batch_of(case)), "with nothing but a batch"


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 6))
def test_the_same_holds_for_other_seeds(seed):
    missed, alarms = [], []
    for name, (code, make) in FAULTS.items():
        with random.seeded(seed):
            case = make()
        history = fitted(case) if case.fit else None
        found = tl.diagnose(case.model, batch_of(case), case.loss, case.optimizer, history)
        if code not in [v.code for v in found]:
            missed.append((name, str(found)))
    for name, make in HEALTHY.items():
        with random.seeded(seed):
            case = make()
        before = tl.diagnose(case.model, batch_of(case), case.loss, case.optimizer)
        after = tl.diagnose(case.model, batch_of(case), case.loss, case.optimizer, fitted(case))
        if before or after:
            alarms.append((name, str(before), str(after)))
    assert not missed and not alarms, f"missed {missed}, false alarms {alarms}"


# ---- the table of findings ----


def test_every_finding_is_given_what_its_texts_leave_open_and_nothing_else():
    program = ast.parse(inspect.getsource(inspect.getmodule(tl.diagnose)))
    calls = [n for n in ast.walk(program) if isinstance(n, ast.Call) and getattr(n.func, "id", "") == "verdict"]
    assert {call.args[0].value for call in calls} == set(FINDINGS)
    for call in calls:
        _, *texts = FINDINGS[call.args[0].value]
        left_open = {field for text in texts for _, field, _, _ in string.Formatter().parse(text) if field}
        given = {keyword.arg for keyword in call.keywords}
        assert left_open - {"layer", "value"} == given, call.args[0].value


def test_the_docstring_lists_the_codes_in_the_order_of_the_verdicts():
    listed = re.findall(r"^(\w+): .*\.$", tl.diagnose.__doc__.partition("in this order")[2], re.MULTILINE)
    assert listed == list(CODES) == list(dict.fromkeys(name.partition(",")[0] for name in FINDINGS))
    assert all(finding.meaning in tl.diagnose.__doc__ for finding in FINDINGS.values())
    model = scaled(mlp(64, 32, 32, 10), 40)
    model[0].bias.data[...] = -1e6
    found = [v.code for v in tl.diagnose(model, digits(scale=255), F.cross_entropy, adam(mlp(64, 10)))]
    assert len(found) > 2 and found == [code for code in listed if code in found]


# ---- what it gives, and what it leaves alone ----


def test_model_optimizer_and_random_numbers_come_back_unchanged():
    model = nn.Sequential(nn.Linear(64, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 10))
    optimizer = adam(model, 0.1)
    F.cross_entropy(model(digits()[0]), digits()[1]).backward()
    optimizer.step()
    model[3].training = False
    before, settings = model.state_dict(), copy.deepcopy(optimizer.state_dict())
    grads = [p.grad.numpy() for p in model.parameters()]
    modes, stamps = [m.training for m in model.modules()], [p.stamp for p in model.parameters()]
    drawn, numpys = tl.engine.random.generator().bit_generator.state, np.random.get_state()[1].copy()
    tl.diagnose(model, digits(), F.cross_entropy, optimizer)
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])
    for old, p in zip(grads, model.parameters(), strict=True):
        np.testing.assert_array_equal(p.grad.data, old)
    assert [p.stamp for p in model.parameters()] == stamps and [m.training for m in model.modules()] == modes
    now = optimizer.state_dict()
    assert now["lr"] == settings["lr"]
    np.testing.assert_equal(now["state"], settings["state"])
    assert tl.engine.random.generator().bit_generator.state == drawn
    np.testing.assert_array_equal(np.random.get_state()[1], numpys)


def test_the_same_question_has_the_same_answer():
    model = nn.Sequential(nn.Linear(64, 16), nn.Dropout(0.5), nn.ReLU(), nn.Linear(16, 10))
    scaled(model, 40)
    first, second = (tl.diagnose(model, digits(), F.cross_entropy, adam(model)) for _ in range(2))
    assert first == second and first


def test_a_verdict_has_a_code_a_layer_a_number_a_sentence_and_advice():
    model = mlp(64, 32, 10)
    model[0].bias.data[...] = -50
    (verdict,) = tl.diagnose(model, digits(), F.cross_entropy)
    assert (verdict.code, verdict.layer, verdict.value) == ("dead_relus", "1 (ReLU)", 1.0)
    assert "100% of the 32 units" in verdict.sentence
    assert str(tl.diagnose(model, digits())) == f"{verdict.sentence}\n  Try: {verdict.advice}"


def test_when_all_is_well_it_is_an_empty_list_that_says_so():
    found = tl.diagnose(mlp(64, 32, 10), data.digits()[:100], F.cross_entropy)
    assert found == [] and not found and str(found) == "Nothing stands out."


def test_the_numbers_behind_the_verdicts_are_right():
    model = scaled(mlp(64, 32, 10), 30)
    by_code = {v.code: v for v in tl.diagnose(model, digits(), F.cross_entropy)}
    assert by_code["initial_loss"].value == pytest.approx(F.cross_entropy(model(digits()[0]), digits()[1]).item())
    assert "2.3" in by_code["initial_loss"].sentence  # ln 10
    x, y = digits(scale=255)
    (verdict,) = (v for v in tl.diagnose(mlp(64, 32, 10), (x, y)) if v.code == "inputs_not_scaled")
    assert verdict.value == pytest.approx(np.sqrt((x.astype(float) ** 2).mean(0)).max(), rel=1e-5)
    x, y = regression(scale=50, mean=3000)
    (verdict,) = (v for v in tl.diagnose(mlp(5, 8, 1), (x, y), F.mse_loss) if v.code == "targets_not_scaled")
    assert f"{y.var():.3g}" in verdict.sentence


def test_vanishing_is_measured_from_the_last_layer_to_the_first():
    model = mlp(64, *[32] * 9, 10, act=nn.Sigmoid)
    (verdict,) = tl.diagnose(model, digits(), F.cross_entropy)
    h, outputs = digits()[0], []
    for layer in model:
        h = layer(h)
        outputs.append(h)
    loss = F.cross_entropy(h, digits()[1])
    loss.backward(retain_grads=True)
    rms = [float(np.sqrt((t.grad.data.astype(float) ** 2).mean())) for t in outputs[::2]]
    assert verdict.code == "vanishing_gradients" and verdict.layer == "0 (Linear)"
    assert verdict.value == pytest.approx(rms[0] / max(rms), rel=1e-4)


@pytest.mark.parametrize("act", [nn.ReLU, nn.Tanh])
def test_ten_layers_of_zeros_give_one_verdict_per_cause_that_names_the_layers(act):
    model = constant(mlp(64, *[32] * 9, 10, act=act))
    found = tl.diagnose(model, digits(), F.cross_entropy, adam(model))
    assert [v.code for v in found] == ["identical_units", "dead_relus"][: 2 if act is nn.ReLU else 1]
    assert (found[0].layer, found[0].value) == ("0 (Linear)", 32.0)
    assert "All 32 units of 0 (Linear)" in found[0].sentence
    assert found[0].sentence.endswith("So it is in 2 (Linear), 4 (Linear), 6 (Linear), 8 (Linear) and 5 more.")


def test_of_several_layers_the_worst_comes_first():
    model = mlp(64, 32, 32, 32, 10)
    model[0].bias.data[:28] = -50
    model[2].bias.data[...] = -50
    model[4].bias.data[:30] = -50
    (verdict,) = (v for v in tl.diagnose(model, digits(), F.cross_entropy) if v.code == "dead_relus")
    assert (verdict.layer, verdict.value) == ("3 (ReLU)", 1.0)
    assert "In 3 (ReLU) 100%" in verdict.sentence and verdict.sentence.endswith("So it is in 5 (ReLU) and 1 (ReLU).")


@pytest.mark.parametrize("value", [0.01, 0.1, 0.3])
@pytest.mark.parametrize("sizes", [(64, 32, 10), (64, 31, 10), (64, 33, 17, 10)])
@pytest.mark.parametrize("act", [nn.ReLU, nn.Sigmoid])
def test_equal_units_are_seen_where_their_gradients_are_nothing_but_rounding(value, sizes, act):
    # behind equal weights the gradients of all classes add up to 0, up to the last bits of a matrix product
    model = constant(mlp(*sizes, act=act), value)
    assert "identical_units" in [v.code for v in tl.diagnose(model, digits(), F.cross_entropy)]


def test_units_that_start_equal_but_learn_apart_are_no_fault():
    model = zero_head()
    assert not tl.diagnose(model, digits(), F.cross_entropy)
    model = constant(mlp(64, 32, 10), 0.1)
    model[2].weight.data[...] = np.random.default_rng(0).normal(size=(10, 32)) / 6  # each unit is read differently
    assert "identical_units" not in [v.code for v in tl.diagnose(model, digits(), F.cross_entropy)]


def test_unchanged_parameters_are_named_with_the_reasons():
    model = Unused()
    (verdict,) = tl.diagnose(model, digits(), F.cross_entropy, adam(model))
    assert (verdict.code, verdict.layer, verdict.value) == ("unchanged", "b (Linear)", 2.0)
    assert "2 of the 6 parameters don't change: b.weight and b.bias (no gradient arrives" in verdict.sentence
    (verdict,) = tl.diagnose(model, digits(), F.cross_entropy, optim.Adam(model.c.parameters()))
    assert "b.weight and b.bias (no gradient arrives" in verdict.sentence
    assert "a.weight and a.bias (not in the optimizer)" in verdict.sentence
    for p in model.b.parameters():
        p.requires_grad = False
    assert not tl.diagnose(model, digits(), F.cross_entropy, adam(model))


def test_the_rate_of_an_optimizers_groups_is_judged_by_those_that_learn():
    tl.manual_seed(0)
    model = mlp(64, 32, 10)

    def grouped(first, second):
        groups = [{"params": model[0].parameters(), "lr": first}, {"params": model[2].parameters(), "lr": second}]
        return tl.diagnose(model, digits(), F.cross_entropy, optim.SGD(groups))

    assert not grouped(0, 0.1)  # a layer left as it is on purpose
    assert not grouped(0, 0)
    (verdict,) = grouped(0, 1e-6)
    assert (verdict.code, verdict.value) == ("learning_rate_too_low", 1e-6) and "1e-05" in verdict.advice
    (verdict,) = grouped(0, 1e4)
    assert (verdict.code, verdict.value) == ("learning_rate_too_high", 1e4)


def test_a_gradient_of_0_is_no_finding_in_a_group_whose_rate_is_0():
    class Switched(Unused):
        def forward(self, x):
            h = np.tanh(self.a(x))
            return self.c(h + 0 * self.b(h))

    model = Switched()
    others = [*model.a.parameters(), *model.c.parameters()]
    for lr, codes in ((0.1, ["unchanged"]), (0, [])):
        optimizer = optim.SGD([{"params": others}, {"params": model.b.parameters(), "lr": lr}], lr=0.1)
        assert [v.code for v in tl.diagnose(model, digits(), F.cross_entropy, optimizer)] == codes


def test_the_history_alone_shows_a_layer_that_never_changed_and_steps_that_are_too_small():
    history = tl.History()
    for epoch in range(3):
        history.add({"loss": 2.0 - 1e-5 * epoch})
        history.add_norms(
            {"0.weight": {"weight": 1.0, "gradient": 1.0, "update": 0.0},
             "2.weight": {"weight": 1.0, "gradient": 1.0, "update": 1e-8}}
        )  # fmt: skip
    found = tl.diagnose(mlp(64, 32, 10), digits(), history=history)
    assert [(v.code, v.layer) for v in found] == [("unchanged", "0 (Linear)"), ("small_updates", "2 (Linear)")]


def test_a_run_that_goes_on_from_a_trained_model_may_go_up_and_down_a_little():
    model, history = mlp(64, 32, 10), tl.History()
    for loss in (0.05, 0.04, 0.04, 0.06, 0.08, 0.05):
        history.add({"loss": loss})
    assert not tl.diagnose(model, digits(), F.cross_entropy, history=history)
    for loss in (0.3, 0.4, 0.5, 0.5, 0.6):
        history.add({"loss": loss})
    (verdict,) = tl.diagnose(model, digits(), F.cross_entropy, history=history)
    assert verdict.code == "learning_rate_too_high" and "0.05 in the first epoch, 0.6" in verdict.sentence
    assert [v.code for v in tl.diagnose(model, digits(), history=history)] == ["learning_rate_too_high"]


def test_overfitting_that_early_stopping_has_ended_is_none():
    case = overfitted()
    history = fitted(case)
    assert [v.code for v in tl.diagnose(case.model, batch_of(case), history=history)] == ["overfitting"]
    history.stopped = "early stopping"
    assert not tl.diagnose(case.model, batch_of(case), history=history)


def test_fit_records_the_norms_of_weight_gradient_and_update_of_each_epoch():
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    x, y = np.random.default_rng(0).normal(size=(10, 3)).astype(np.float32), np.arange(10) % 2
    seen = []

    def look(epoch, history):
        seen.append({name: np.linalg.norm(p.data) for name, p in model.named_parameters()})

    history = tl.fit(
        model,
        (x, y),
        loss=F.cross_entropy,
        optimizer=sgd(model, 0.5),
        epochs=3,
        batch_size=4,
        callbacks=[look],
        progress=False,
    )
    assert set(history.norms) == {name for name, _ in model.named_parameters()}
    for name, norms in history.norms.items():
        np.testing.assert_allclose(norms["weight"], [s[name] for s in seen], rtol=1e-6)
        np.testing.assert_allclose(norms["update"], np.multiply(0.5, norms["gradient"]), rtol=1e-4, atol=1e-8)
    assert "norms" not in history


def test_a_model_that_keeps_computed_tensors_and_odd_batches_are_looked_at_too():
    class Keeping(nn.Module):
        def __init__(self):
            self.layer = nn.Linear(2, 3)

        def forward(self, x):
            self._last = self.layer(x)
            return self._last

    model = Keeping()
    model(np.ones((4, 2)))
    assert not tl.diagnose(model, (np.ones((1, 2)), [1]), F.cross_entropy, adam(model))
    assert not tl.diagnose(model, (np.random.default_rng(0).normal(size=(2, 2)), [0, 2]))
    assert not tl.diagnose(nn.Linear(1, 1), (np.ones((1, 1)), np.ones((1, 1))), F.mse_loss)
    sequence = np.random.default_rng(0).normal(size=(6, 5, 2))
    assert not tl.diagnose(
        nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.LayerNorm(8), nn.Linear(8, 1)),
        (sequence, np.zeros((6, 5, 1))),
        F.mse_loss,
    )


def test_what_cannot_be_diagnosed_is_said():
    with pytest.raises(TypeError, match="Module"):
        tl.diagnose(lambda x: x, digits())
    with pytest.raises(TypeError, match="batch"):
        tl.diagnose(mlp(64, 10), 3)
    with pytest.raises(TypeError, match="optimizer"):
        tl.diagnose(mlp(64, 10), digits(), F.cross_entropy, "adam")
    with pytest.raises(ValueError, match="no examples"):
        tl.diagnose(mlp(64, 10), (np.zeros((0, 64)), []))
    with pytest.raises(ValueError, match="single number"):
        tl.diagnose(mlp(64, 10), digits(), lambda z, y: F.cross_entropy(z, y, reduction="none"))
