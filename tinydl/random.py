"""The one random Generator that initialisation, dropout, shuffling and augmentation draw from by default."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

_generator: np.random.Generator | None = None  # made when first needed: importing numpy.random takes its time


def manual_seed(seed: int) -> None:
    """Start the default Generator anew from `seed`, an integer ≥ 0: the same seed gives the same numbers again."""
    global _generator
    _generator = np.random.default_rng(seed)


def generator(seed_or_rng: int | np.random.Generator | None = None) -> np.random.Generator:
    """The Generator meant by a `seed=` or `rng=` argument: the default one for None, a fresh one for a seed."""
    global _generator
    if seed_or_rng is None:
        _generator = _generator or np.random.default_rng()
        return _generator
    return seed_or_rng if isinstance(seed_or_rng, np.random.Generator) else np.random.default_rng(seed_or_rng)


@contextmanager
def seeded(seed: int | np.random.Generator | None) -> Iterator[None]:
    """Within, the default Generator is the one of `seed` (None: unchanged); afterwards it goes on where it stood."""
    global _generator
    before = _generator
    _generator = generator(seed)
    try:
        yield
    finally:
        _generator = before
