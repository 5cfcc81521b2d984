"""Small sets made of formulas and random numbers: they need no download, and one knows what the answer is.

Stands on dataset.py. All have `n` examples, in random order where there are classes, some `noise` (a standard
deviation), and the same numbers for the same `seed`; ``seed=None`` draws from the Generator of `tl.manual_seed`.
"""

from __future__ import annotations

import numpy as np

from ..engine.arrays import Array
from ..engine.checks import real, whole
from ..engine.random import generator
from .dataset import Dataset, Seed


def line(n: int = 100, noise: float = 1.0, seed: Seed = 0) -> Dataset:
    """Points about a line, y = 2x + 1 + noise · ε, with x uniform in [0, 1) and ε standard normal.

    Shapes: x (n, 1), y (n, 1), both float32. The expected mean squared error of the true line is noise²; that of the
    best line on n points is noise² (n − 2) / n: no model of the form w x + b can honestly come far below.
    Raises ValueError for n < 1 or a negative noise.
    """
    rng = _checked(n, noise, seed)
    x = rng.random((n, 1))
    y = 2 * x + 1 + noise * rng.standard_normal((n, 1))
    return Dataset(x.astype(np.float32), y.astype(np.float32))


def moons(n: int = 200, noise: float = 0.1, seed: Seed = 0) -> Dataset:
    """Two interleaved half circles, which no straight line separates.

    Class 0 lies on (cos t, sin t), class 1 on (1 − cos t, ½ − sin t), t evenly spaced in 0…π, each coordinate plus
    noise · ε with ε standard normal. Shapes: x (n, 2) float32; y (n,) int64, 0 or 1, ⌈n/2⌉ and ⌊n/2⌋ of them.
    Raises ValueError for n < 2 or a negative noise. Source: scikit-learn's `make_moons`.
    """
    rng = _checked(n, noise, seed, least=2)
    y = _labels(n, 2)
    t = np.pi * _progress(y, 2)
    outer, inner = np.stack([np.cos(t), np.sin(t)], axis=1), np.stack([1 - np.cos(t), 0.5 - np.sin(t)], axis=1)
    return _shuffled(np.where(y[:, None] == 0, outer, inner) + noise * rng.standard_normal((n, 2)), y, rng)


def spirals(n: int = 300, noise: float = 0.2, seed: Seed = 0, classes: int = 3) -> Dataset:
    """Arms of a spiral, one for each class, wound about each other.

    A point of class k lies at radius r, evenly spaced in 0…1, in the direction 2πk/classes + 4r + noise · ε (radians)
    with ε standard normal. Shapes: x (n, 2) float32; y (n,) int64 in 0…classes − 1, equally many up to one.
    Raises ValueError for n < classes, classes < 1 or a negative noise.
    Source: A. Karpathy, CS231n, "Putting it together: minimal neural network case study".
    """
    rng = _checked(n, noise, seed, least=whole("classes", classes, 1))
    y = _labels(n, classes)
    r = _progress(y, classes)
    angle = 2 * np.pi * y / classes + 4 * r + noise * rng.standard_normal(n)
    return _shuffled(r[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1), y, rng)


def blobs(n: int = 300, noise: float = 1.0, seed: Seed = 0, classes: int = 3) -> Dataset:
    """Round clouds of points, one for each class, with their centres evenly spaced on a circle of radius 4.

    A point of class k is (4 cos(2πk/classes), 4 sin(2πk/classes)) + noise · ε with ε standard normal in the plane.
    Shapes: x (n, 2) float32; y (n,) int64 in 0…classes − 1, equally many up to one.
    Raises ValueError for n < classes, classes < 1 or a negative noise.
    """
    rng = _checked(n, noise, seed, least=whole("classes", classes, 1))
    y = _labels(n, classes)
    angle = 2 * np.pi * y / classes
    centres = 4 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return _shuffled(centres + noise * rng.standard_normal((n, 2)), y, rng)


def _checked(n: int, noise: float, seed: Seed, least: int = 1) -> np.random.Generator:
    whole("n", n, least)
    if not 0 <= real("noise", noise) < np.inf:
        raise ValueError(f"noise is a standard deviation, a number ≥ 0, not {noise}")
    return generator(seed)


def _labels(n: int, classes: int) -> Array:
    return np.arange(n, dtype=np.int64) % classes


def _progress(y: Array, classes: int) -> Array:
    """For each example, how far along its class it stands, evenly spaced in 0…1."""
    last = np.maximum(np.bincount(y, minlength=classes) - 1, 1)
    return np.asarray(np.arange(len(y)) // classes / last[y])


def _shuffled(x: Array, y: Array, rng: np.random.Generator) -> Dataset:
    order = rng.permutation(len(y))
    return Dataset(x[order].astype(np.float32), y[order])
