"""What would stop a run only at the end of its first epoch, found at its first step.

A last batch that is too small for batch normalisation, and a target that the loss refuses but that the first batch
doesn't have. Both need the model's outputs, so arguments.py, which looks before anything runs, can't see them.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any

import numpy as np

from .. import functional
from ..data import Batches, Dataset
from ..engine import random
from ..engine.arrays import Array
from ..engine.checks import array_of
from ..engine.recording import Observer, no_grad, observing
from ..engine.tensor import Tensor, wrap
from ..nn.normalization import BatchNorm1d

_LOSSES = os.path.dirname(os.path.abspath(functional.__file__)) + os.sep
_THEIRS = (LookupError, TypeError, ArithmeticError, AssertionError)  # a user's loss says so itself in its turn
_MOST = 16  # targets that are tried, half of them the smallest and half the largest


class FirstBatch:
    """Looks at the first batch of a run for what later ones would stumble over; nothing more of it after that."""

    def __init__(self, feed: Batches, validation: Dataset | None) -> None:
        self.feed, self.over = feed, False
        self.sets = [("train", feed.examples), *([("validation", validation)] if validation is not None else [])]

    def forward(self, x: Array) -> AbstractContextManager[None]:
        """Within, the model runs on the first batch; ValueError if a layer couldn't take the last one."""
        n, size = len(self.feed.examples), self.feed.batch_size
        if self.over or self.feed.drop_last or n <= size or n % size == 0:
            return nullcontext()
        return observing(_LastBatch(n, size))

    def targets(self, loss: Callable[[Any, Any], Any], outputs: Any, y: Array) -> None:
        """ValueError if one of tinydl's losses, by itself or in the user's, refuses a target that isn't in y."""
        if self.over:
            return
        self.over = True
        given, dice = array_of(outputs), random.generator().bit_generator.state
        for name, data in self.sets:
            for i in _unseen(data, y, _is_ours(loss)):
                refused = [_refusal(loss, given, y, data.y[i], at) for at in {0, len(y) - 1}]
                if all(refused):  # in either row: it isn't that the others count for nothing
                    raise ValueError(f"{name}: the loss refuses the target of example {i}. {refused[0]}")
        random.generator().bit_generator.state = dice


class _LastBatch(Observer):
    def __init__(self, n: int, size: int) -> None:
        self.n, self.size = n, size

    def module_left(self, module: Any, output: Any) -> None:
        if isinstance(module, BatchNorm1d) and module.training and isinstance(output, Tensor):
            last = self.n % self.size
            if output.size // module.num_features * last <= self.size:
                raise ValueError(
                    f"BatchNorm1d normalises over more than one value per feature, which the last batch of each epoch "
                    f"won't have: {self.n} examples are {self.n // self.size} × {self.size} + {last}. Write "
                    "fit(drop_last=True), which leaves it out (another one in each epoch), or another batch_size"
                )


def _is_ours(loss: Any) -> bool:
    return str(getattr(functools.partial(loss).func, "__module__", "")).startswith(functional.__name__)


def _unseen(data: Dataset, y: Array, ours: bool) -> Iterator[int]:
    """Examples with the smallest and largest targets that y hasn't; of numbers that aren't classes, the two ends."""
    if data.y.shape[1:] != y.shape[1:] or not y.size:
        return
    length = data.y[0].size
    if data.y.dtype.kind in "iub":
        values, places = np.unique(data.y, return_index=True)
        places = places[~np.isin(values, y)]
        places = np.concatenate([places[: _MOST // 2], places[_MOST // 2 :][-_MOST // 2 :]])
    elif ours:  # who writes a loss of his own for any numbers isn't called more often than need be
        places = np.array([data.y.argmin(), data.y.argmax()])
    else:
        return
    yield from dict.fromkeys(int(place) // length for place in places)


def _refusal(loss: Callable[[Any, Any], Any], outputs: Array, y: Array, target: Array, at: int) -> str:
    """What a loss of tinydl says against a batch with this target in one of its rows; "" if it has nothing to say."""
    tried = y.astype(np.result_type(y, target))
    tried[at] = target
    try:
        with no_grad(), suppress(*_THEIRS):
            loss(wrap(outputs.copy()), tried)
    except ValueError as error:
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        if trace is not None and trace.tb_frame.f_code.co_filename.startswith(_LOSSES):
            return str(error)
    return ""
