"""The one random Generator that initialisation, dropout, shuffling and augmentation draw from by default."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

_generator: np.random.Generator | None = None  # made when first needed: importing numpy.random takes its time


class _Here(threading.local):
    generator: np.random.Generator | None = None  # inside `with seeded(...)`, in this thread


_here = _Here()


def manual_seed(seed: int) -> None:
    """Start the default Generator anew from `seed`, an integer ≥ 0: the same seed gives the same numbers again."""
    global _generator
    fresh = np.random.default_rng(seed)
    if _here.generator is None:
        _generator = fresh
    else:
        _here.generator = fresh


def generator(seed_or_rng: int | np.random.Generator | None = None) -> np.random.Generator:
    """The Generator meant by a `seed=` or `rng=` argument: the default one for None, a fresh one for a seed."""
    global _generator
    if seed_or_rng is None:
        if _here.generator is not None:
            return _here.generator
        _generator = _generator or np.random.default_rng()
        return _generator
    return seed_or_rng if isinstance(seed_or_rng, np.random.Generator) else np.random.default_rng(seed_or_rng)


@contextmanager
def seeded(seed: int | np.random.Generator | None) -> Iterator[None]:
    """Within, this thread's default Generator is the one of `seed` (None: unchanged); then it goes on where it was."""
    before = _here.generator
    if seed is not None:
        _here.generator = generator(seed)
    try:
        yield
    finally:
        _here.generator = before
