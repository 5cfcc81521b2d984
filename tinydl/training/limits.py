"""What would stop a run only at the end of its first epoch, found at its first step.

A last batch that is too small for batch normalisation, and targets that a loss of tinydl refuses but that the first
batch doesn't have. Both show only where model and loss run, so arguments.py, which looks before, can't see them.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from ..data import Dataset
from ..engine.arrays import Array, on_host
from ..engine.recording import Observer, observing
from ..engine.tensor import Tensor
from ..nn.normalization import BatchNorm
from .feeding import Feed


class FirstBatch(Observer):
    """Looks, while model and loss run on the first batch, for what later ones would stumble over."""

    def __init__(self, feed: Feed, validation: Dataset | None, wanted: bool) -> None:
        self.feed, self.wanted, self.y = feed, wanted, np.empty(0)
        known = {"train": feed.examples, "validation": validation}
        self.sets = [(name, data) for name, data in known.items() if data is not None]

    def watch(self, y: Array) -> AbstractContextManager[None]:
        """Within, model and loss run on a batch with the targets y; ValueError if a later one couldn't be."""
        if not self.wanted:
            return nullcontext()
        self.wanted, self.y = False, y
        return observing(self)

    def module_left(self, module: Any, output: Any) -> None:
        if self.feed.examples is None or self.feed.batch_size is None:
            return  # an iterable's next batches can't be known
        n, size = len(self.feed.examples), self.feed.batch_size
        last = 0 if self.feed.drop_last or n <= size else n % size
        normed = isinstance(module, BatchNorm) and module.training and isinstance(output, Tensor)
        if last and normed and output.size // module.num_features * last <= len(self.y):  # self.y may be a part
            raise ValueError(
                f"{type(module).__name__} normalises over more than one value per feature, which the last batch of "
                f"each epoch won't have: {n} examples are {n // size} × {size} + {last}. Write fit(drop_last=True), "
                "which leaves it out "
                "(another one in each epoch), or another batch_size"
            )

    def targets_checked(self, targets: Array, again: Callable[[Array], object]) -> None:
        now = on_host(self.y)
        if targets.size != now.size or not np.array_equal(on_host(targets).ravel(), now.ravel()):
            return  # others, or made of them in a way that isn't known here
        for name, data in self.sets:
            if data.y.shape[1:] == self.y.shape[1:] and targets.ndim:
                try:
                    again(data.y.reshape(-1, *targets.shape[1:]))
                except ValueError as error:
                    raise ValueError(f"{name}, looked through before the first update: {error}") from None
