"""What an epoch of `fit` is fed with: batches of a Dataset, with weights if there are some, or an iterable's own.

Stands on data and arguments.py; fit.py takes a batch after the other from here. What an iterable gives is known only
when it gives it, so that much is checked here which for a Dataset is checked before anything runs.
"""

from __future__ import annotations

import functools
import inspect
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..data import Batches, Dataset, as_dataset, batches
from ..data.dataset import check_array
from ..derivatives.collective import Communicator
from ..engine.arrays import Array, beside, on_host
from ..engine.checks import array_of, first, kind
from ..engine.tensor import Tensor
from ..nn import Module
from .arguments import check_data, check_feed
from .parallel import share


class Batch(NamedTuple):
    """Inputs, targets, and the weight of each example or None. Of many processes it is this one's share of a batch."""

    x: Array
    y: Array
    weights: Array | None
    whole: float  # how many examples the whole batch has, or what their weights add up to
    part: Array | None = None  # how much of that is here, where there are many processes
    mark: int = 0  # a number by which the whole batch is known there


@dataclass(eq=False)
class Feed:
    """Iterated over, an epoch of batches; `len()` says how many. `examples` and `batch_size` are None where an iterable
    knows them alone."""

    source: Any
    weights: Array | None
    comm: Communicator

    def __post_init__(self) -> None:
        own = isinstance(self.source, Batches)
        self.examples: Dataset | None = self.source.examples if own else None
        self.batch_size: int | None = self.source.batch_size if own else None
        self.drop_last = own and self.source.drop_last

    def __len__(self) -> int:
        return len(self.source)

    def __iter__(self) -> Iterator[Batch]:
        if self.examples is None:
            for x, y in self._checked():
                own, targets = share((x, y), self.comm)
                mark = self._mark(map(_labels, [y]))
                yield Batch(own, targets, None, len(y), self._part(len(targets), len(y)), mark)
            return
        x, y = self.examples
        for batch in self.source.indices():
            own = share(batch, self.comm)  # so that a process reads no rows but its own
            weights, count, here, known_by = None, float(len(batch)), float(len(own)), [batch]
            if self.weights is not None:
                weights, all_weights = self.weights[own], self.weights[batch]
                count, here, known_by = float(all_weights.sum()), float(weights.sum()), [batch, all_weights]
            yield Batch(x[own], y[own], weights, count, self._part(here, count), self._mark(known_by))

    def _part(self, here: float, count: float) -> Array | None:
        return None if self.comm.size == 1 else np.array(here / count)

    def _mark(self, of: Iterable[Array]) -> int:
        """A number made of these arrays, of so few bits that float32 can add it up over the ranks; alone, 0."""
        if self.comm.size == 1:
            return 0
        mark = functools.reduce(lambda crc, x: zlib.crc32(on_host(x).tobytes(), crc), of, 0)
        return mark % (2**24 // self.comm.size)

    def _checked(self) -> Iterator[tuple[Array, Array]]:
        """What an iterable gives, looked at as a Dataset would be."""
        count = 0
        own = hasattr(self.source, "__iter__")
        for count, given in enumerate(self.source if own else map(self.source.__getitem__, range(len(self))), 1):
            try:
                x, y = as_dataset(given)
            except (TypeError, ValueError) as error:
                raise type(error)(f"batch {count} of train: {error}") from None
            if not len(x):
                raise ValueError(f"batch {count} of train holds no examples")
            yield x, y
        if count != len(self):
            raise ValueError(
                f"train has a length of {len(self)} batches, but gave {count} in this epoch; it must give that many "
                "each time it is iterated over, as a list of batches or data.batches does"
            )


def _labels(y: Array) -> Array:
    """Some of a batch's labels; of other targets, which ranks may compute with other rounding, as many zeros."""
    if y.dtype.kind not in "iu":
        return np.zeros(len(y), np.int64)
    return on_host(y).ravel()[:: y.size // 1000 + 1].astype(np.int64)


def feed_of(
    train: Any, batch_size: int, shuffle: bool, drop_last: bool, sample_weight: Any, comm: Communicator
) -> Feed:
    """What `fit` was given to train on. ValueError or TypeError for what can't be meant or doesn't go together."""
    if not _gives_batches(train):
        data = check_data(train, "train")
        weights = None if sample_weight is None else _checked_weights(sample_weight, data)
        if weights is not None and not weights.all():
            data, weights = data[weights > 0], weights[weights > 0]
        return Feed(check_feed(batches(data, batch_size, shuffle=shuffle, drop_last=drop_last)), weights, comm)
    try:
        length = len(train)
    except TypeError:
        raise TypeError(
            f"train is {kind(train)}, which has no length and may be used up after one epoch; write list(…) of it, "
            "data.batches(examples, batch_size), or a class with __len__ and __iter__ or __getitem__"
        ) from None
    if not length:
        raise ValueError("train has no batches")
    said = {"batch_size": batch_size != 32, "shuffle": not shuffle, "drop_last": drop_last}
    if settled := [name for name, given in said.items() if given]:
        raise ValueError(
            f"train gives batches of its own, so {' and '.join(settled)} can't be settled here: leave it out, or write "
            "data.batches(examples, batch_size, shuffle=…, drop_last=…)"
        )
    if sample_weight is not None:
        raise ValueError(
            "sample_weight has a number for each example, but train gives batches, in an order that isn't known here; "
            "give train as a Dataset or a pair (x, y)"
        )
    return Feed(train, None, comm)


def _gives_batches(train: Any) -> bool:
    """Whether it gives batches and isn't examples itself: a list of pairs of arrays does, a pair of arrays doesn't."""
    if isinstance(train, Batches):
        return True
    if isinstance(train, (tuple, list)):
        pairs = bool(train) and all(isinstance(item, (tuple, list)) and len(item) == 2 for item in train)
        arrays = pairs and all(hasattr(part, "shape") for item in train for part in item)
        return arrays and (len(train) != 2 or (isinstance(train, list) and isinstance(train[0], tuple)))
    array_like = hasattr(train, "shape") or hasattr(train, "__array__")
    gives = hasattr(train, "__iter__") or (hasattr(train, "__len__") and hasattr(train, "__getitem__"))
    return gives and not array_like and not isinstance(train, (Dataset, str, bytes, Mapping))


# ---- weights of examples ----


def _checked_weights(given: Any, data: Dataset) -> Array:
    """One finite number ≥ 0 for each example, not all 0, in float64."""
    n, classes = len(data), data.y.dtype.kind in "iu" and data.y.ndim == 1
    by_class = "; for a weight of each class write np.array([…])[y]" if classes else ""
    if isinstance(given, (Mapping, str)):
        said = "sample_weight is an array with one weight for each"
        balanced = "; (len(y) / np.bincount(y))[y] makes each class count alike" if classes else ""
        raise TypeError(f"{said} of {n} examples, not {kind(given)}{by_class}{balanced}")
    weights = on_host(check_array("sample_weight", given))
    if weights.shape != (n,):
        cure = "; write sample_weight.reshape(-1)" if weights.size == n else by_class
        raise ValueError(f"sample_weight needs one weight for each of {n} examples, not shape {weights.shape}{cure}")
    for wrong, what in ((~np.isfinite(weights), "finite"), (weights < 0, "≥ 0")):
        if wrong.any():
            (i,) = first(wrong)
            raise ValueError(f"sample_weight[{i}] is {weights[i]}, but weights must be {what}")
    if not weights.any():
        raise ValueError("all of sample_weight is 0, so there is nothing to train on")
    shares: Array = np.divide(weights, weights.max(), dtype=np.float64)  # of the largest, so that sums stay finite
    return shares


def weighted_loss(loss: Callable[..., Any], outputs: Any, targets: Array, weights: Array) -> Any:
    r"""The weighted mean of the losses of a batch, :math:`\sum w_i l_i / \sum w_i`.

    Each :math:`l_i` is what the loss gives with reduction="none", or, if it has no reduction=, by itself; of an example
    with several numbers it is their mean. Raises ValueError if there isn't one for each example.
    """
    reduction = _reduction(loss)
    if reduction not in ("mean", "none", None):
        raise ValueError(
            f"sample_weight makes the loss a weighted mean, but this one has reduction={reduction!r}; leave that out"
        )
    each = loss(outputs, targets) if reduction is None else loss(outputs, targets, reduction="none")
    n = len(weights)
    if not isinstance(each, Tensor) or each.shape[:1] != (n,):
        given = f"a Tensor of shape {each.shape}" if isinstance(each, Tensor) else kind(each)
        raise ValueError(
            f"sample_weight needs the loss of each of the {n} examples of a batch, but this loss gave {given}. Use one "
            "that takes reduction=, as tinydl.functional's do, or pass it on: lambda outputs, targets, "
            "reduction: F.mse_loss(outputs, targets, reduction=reduction)"
        )
    weights = array_of(weights)  # of a step that is compiled it is a Tensor
    share = beside(weights / weights.sum(), each._data, each.dtype)
    return (each.reshape(n, -1).mean(axis=1) * share).sum()


def _reduction(loss: Callable[..., Any]) -> str | None:
    """The reduction that a loss has by itself, "mean" where it doesn't say; None if it can't be told another."""
    try:
        parameters = inspect.signature(loss.forward if isinstance(loss, Module) else loss).parameters
    except (TypeError, ValueError):
        return None
    if "reduction" in parameters:
        default = parameters["reduction"].default
        return default if isinstance(default, str) else "mean"
    return "mean" if any(p.kind is p.VAR_KEYWORD for p in parameters.values()) else None
