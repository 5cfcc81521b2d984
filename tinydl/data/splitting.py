"""Training, validation and test sets: which examples a model may learn from, and which only judge it.

Stands on dataset.py. A model is never to see, in any form, what it will be judged on; hence `standardize`, which learns
its means from the training set alone, lives here too. Read `augmentation.py` next.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..engine.arrays import Array, default_dtype_now, on_host
from ..engine.checks import first, is_real, whole
from ..engine.random import generator
from .dataset import Dataset, Seed, as_dataset, check_array


def split(examples: Any, fraction: float, seed: Seed = 0, stratify: bool = False) -> tuple[Dataset, Dataset]:
    r"""Divide a Dataset, or a pair (x, y), at random into two: the first with this fraction of the examples.

    The first has :math:`\mathrm{round}(\text{fraction} \cdot n)` examples, but neither is ever empty; every example is
    in exactly one of them. With `stratify`, each class of y (its distinct values, or rows) has the same share in both:
    the numbers per class are rounded by the largest remainder, so that their sum is still the one above. The same seed
    gives the same division; ``seed=None`` draws from the Generator that `tl.manual_seed` seeds.
    Raises ValueError unless 0 < fraction < 1 and n ≥ 2.
    """
    examples = as_dataset(examples)
    n = len(examples)
    if not is_real(fraction):
        raise TypeError(f"fraction should be a number between 0 and 1, not {fraction!r}")
    if not 0 < fraction < 1:
        raise ValueError(
            f"fraction should lie between 0 and 1, not be {fraction}; 0.8 puts 80 % of the examples in the first part"
        )
    if n < 2:
        raise ValueError(f"a Dataset of {n} can't be divided into two that aren't empty")
    rng = generator(seed)
    order = rng.permutation(n)
    size = min(max(int(n * float(fraction) + 0.5), 1), n - 1)
    chosen = order[:size]
    if stratify:
        classes, counts = _classes(examples.y)
        sizes = _largest_remainders(counts, size, rng)
        # order, sorted by class and otherwise as random as before; each class gives its first few
        grouped = order[np.argsort(classes[order], kind="stable")]
        starts = np.cumsum(counts) - counts
        chosen = rng.permutation(np.concatenate([grouped[a : a + k] for a, k in zip(starts, sizes, strict=True)]))
    rest = np.ones(n, dtype=bool)
    rest[chosen] = False
    return examples[chosen], examples[order[rest[order]]]


def _classes(y: Array) -> tuple[Array, Array]:
    """The class number of every example, and how many examples each class has."""
    _, classes, counts = np.unique(on_host(y).reshape(len(y), -1), axis=0, return_inverse=True, return_counts=True)
    return classes.reshape(-1), counts


def _largest_remainders(counts: Array, size: int, rng: np.random.Generator) -> Array:
    """Divide `size` seats in proportion to `counts`: everyone's share rounded down, and what is left over to the
    largest remainders (Hamilton's method of apportionment). Equal remainders draw lots, lest small labels be favoured.
    """
    shares, remainders = np.divmod(counts * size, counts.sum())
    left_over = size - int(shares.sum())
    shares[np.lexsort([rng.permutation(len(counts)), -remainders])[:left_over]] += 1
    return np.asarray(shares)


def k_fold(examples: Any, k: int, seed: Seed = 0) -> Iterator[tuple[Dataset, Dataset]]:
    """Divide the examples at random into k parts of (nearly) equal size and yield k pairs (train, valid).

    In the i-th pair, `valid` is the i-th part and `train` all the others, so every example validates exactly once.
    Cross-validation measures how well a model generalises; it improves nothing unless a choice is made by it.
    ``seed=None`` draws from the Generator that `tl.manual_seed` seeds. Raises ValueError unless 2 ≤ k ≤ n.
    """
    examples = as_dataset(examples)
    k = whole("k", k, 2)
    if k > len(examples):
        raise ValueError(
            f"{len(examples)} examples can't be divided into {k} parts that aren't empty; choose a smaller k"
        )
    parts = np.array_split(generator(seed).permutation(len(examples)), k)
    return ((examples[np.concatenate([*parts[:i], *parts[i + 1 :]])], examples[valid]) for i, valid in enumerate(parts))


class Standardizer:
    r"""Centre and scale each feature by what a training set says: :math:`(x - \mu) / \sigma`.

    ``mean`` and ``std`` (the features' own shape, float64) are those of the training inputs, with the divisor n; the
    `std` of a feature that is the same in every training example counts as 1. Calling it on inputs of shape (…,
    *features) gives an array of that shape and, if it is a floating one, that dtype (else the default dtype). Keep
    it with the model: what is later predicted from must be standardized by the same numbers.
    Raises ValueError for an empty training set or features of another shape, FloatingPointError for a NaN or infinity.
    """

    mean: Array
    std: Array

    def __init__(self, train: Any) -> None:
        x = _inputs(train)
        if len(x) == 0:
            raise ValueError("an empty training set has no mean")
        if x.dtype.kind == "f" and not np.isfinite(x).all():
            raise FloatingPointError(f"the training inputs hold a NaN or infinity, first at {first(~np.isfinite(x))}")
        low, high = x.min(axis=0).astype(np.float64), x.max(axis=0).astype(np.float64)
        # compared exactly: the mean of equal numbers may be rounded, and then their std isn't 0
        constant = low == high
        # a power of two near the largest number, by which all is divided lest squares and sums leave float64's range
        power = np.frexp(np.maximum(abs(low), abs(high)))[1] - 1
        self._unit = np.where(constant, 1.0, np.ldexp(1.0, power))
        scaled = x / self._unit
        self.mean = np.where(constant, low, scaled.mean(axis=0) * self._unit)
        self.std = np.where(constant, 1.0, scaled.std(axis=0) * self._unit)

    def __call__(self, x: Any) -> Array:
        x = check_array("x", x)
        features = x.shape[x.ndim - self.mean.ndim :]
        if x.ndim < self.mean.ndim or features != self.mean.shape:
            raise ValueError(
                f"the training set has features of shape {self.mean.shape}, but these inputs have shape {x.shape}"
            )
        dtype = x.dtype if x.dtype.kind == "f" else default_dtype_now()
        unit = self._unit
        return np.asarray((x / unit - self.mean / unit) / (self.std / unit)).astype(dtype)


def standardize(train: Any, *others: Any) -> Any:
    r"""Give each feature of x mean 0 and standard deviation 1 *on the training set*: :math:`(x - \mu) / \sigma`.

    The same numbers μ and σ, which know nothing of the others, then standardize validation and test sets: a test set
    standardized by its own mean would say more about it than one can know when a single new example comes in.
    ``train, test = standardize(train, test)``: as many as are given come back, a single one without a tuple; Datasets
    for Datasets and pairs (targets unchanged), arrays for arrays and DataFrames of inputs. For new data see
    `Standardizer`, which also says what is raised.
    """
    scale = Standardizer(train)

    def standardized(examples: Any) -> Any:
        if _are_inputs(examples):
            return scale(examples)
        examples = as_dataset(examples)
        return Dataset(scale(examples.x), examples.y, columns=examples.columns, classes=examples.classes)

    return tuple(map(standardized, (train, *others))) if others else standardized(train)


def _inputs(examples: Any) -> Array:
    return check_array("x", examples) if _are_inputs(examples) else as_dataset(examples).x


def _are_inputs(examples: Any) -> bool:
    """Whether they are inputs alone: an array or a table, as pandas has, and no pair."""
    return isinstance(examples, np.ndarray) or hasattr(examples, "to_numpy")
