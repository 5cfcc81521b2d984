"""A Dataset: inputs x and targets y of equal length, and its division into batches.

Stands on NumPy and the default Generator alone. Read `splitting.py` next, where a Dataset becomes a training and a
test set.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

import numpy as np

from ..engine.arrays import Array, default_dtype_now, plain_array
from ..engine.checks import array_of, whole
from ..engine.random import generator
from ..engine.tensor import Tensor
from .advice import cure

Seed: TypeAlias = "int | np.random.Generator | None"  # in quotes: numpy.random takes long to import
_INDEXED = "a Dataset is indexed by an integer, a slice, a list or array of integers, or a boolean mask"


class Dataset:
    """n examples: inputs ``x`` (n, …) and targets ``y`` (n, …), two arrays whose first axis counts the examples.

    Iterating gives exactly x, then y, so ``x, y = ds`` unpacks it; ``len(ds)`` is n. ``ds[3]`` is one pair
    (x[3], y[3]); ``ds[2:9]``, ``ds[indices]`` and ``ds[mask]`` are Datasets (a slice shares its arrays' memory).
    Arrays are kept as they are, not copied; of ``np.load(path, mmap_mode="r")``, which may be larger than the memory,
    batches and slices read the rows that they are of. Lists with a float in them get the default dtype (float32). A
    DataFrame or Series gives the array that its ``to_numpy()`` does. `columns` and `classes`, which `data.csv` knows,
    are the names of the columns of x and of the classes in y, or None; what is made of a Dataset keeps them.
    Raises ValueError if the lengths differ, TypeError for what isn't an array of numbers or booleans.
    """

    x: Array
    y: Array
    columns: list[str] | None = None
    classes: list[str] | None = None

    def __init__(
        self, x: Any, y: Any, *, columns: Iterable[str] | None = None, classes: Iterable[str] | None = None
    ) -> None:
        self.x, self.y = check_array("x", x), check_array("y", y)
        self.columns = None if columns is None else list(columns)
        self.classes = None if classes is None else list(classes)
        if self.columns is not None and self.x.shape[1:] != (len(self.columns),):
            raise ValueError(f"there are {len(self.columns)} names in columns for x of shape {self.x.shape}")
        if len(self.x) != len(self.y):
            raise ValueError(
                f"every example needs one target, but x has {len(self.x)} (its shape is {self.x.shape}) "
                f"and y has {len(self.y)} (its shape is {self.y.shape})"
            )

    def __len__(self) -> int:
        return len(self.x)

    def __iter__(self) -> Iterator[Array]:
        return iter((self.x, self.y))

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self._of(self.x[index], self.y[index])
        if isinstance(index, (bool, np.bool_, tuple)) or index is None or index is Ellipsis:
            raise TypeError(f"{_INDEXED}, not by {index!r}; for anything else index ds.x and ds.y themselves")
        try:
            i = operator.index(index)
        except TypeError:
            chosen = self._chosen(index)
            return self._of(self.x[chosen], self.y[chosen])
        if not -len(self) <= i < len(self):
            raise IndexError(f"there is no example {i} in a Dataset of {len(self)}")
        return self.x[i], self.y[i]

    def _of(self, x: Array, y: Array) -> Dataset:
        return Dataset(x, y, columns=self.columns, classes=self.classes)

    def _chosen(self, index: Any) -> Array:
        chosen = array_of(index)
        if chosen.size == 0 and chosen.ndim == 1 and chosen.dtype.kind == "f":  # what NumPy makes of []
            chosen = chosen.astype(np.intp)
        if chosen.ndim != 1 or chosen.dtype.kind not in "iub":
            raise TypeError(f"{_INDEXED}, not by an array of dtype {chosen.dtype} and shape {chosen.shape}")
        if chosen.dtype.kind == "b" and len(chosen) != len(self):
            raise IndexError(f"the mask has {len(chosen)} entries, but the Dataset {len(self)} examples")
        if chosen.dtype.kind != "b" and chosen.size and not (-len(self) <= chosen.min() <= chosen.max() < len(self)):
            worst = chosen.max() if chosen.max() >= len(self) else chosen.min()
            raise IndexError(f"there is no example {worst} in a Dataset of {len(self)}")
        return chosen

    def __repr__(self) -> str:
        return f"Dataset({len(self)} examples: x {self.x.shape} {self.x.dtype}, y {self.y.shape} {self.y.dtype})"


def check_array(name: str, values: Any) -> Array:
    """`values` as an array of real numbers with a first axis that counts examples; a sentence if it can't be one."""
    if isinstance(values, Tensor):
        if values.requires_grad:
            raise TypeError(
                f"{name} is a Tensor that requires a gradient; a Dataset holds constants: pass {name}.detach()"
            )
        values = values.data
    try:
        array = plain_array(values.to_numpy() if hasattr(values, "to_numpy") else values)
    except ValueError as error:
        raise ValueError(f"{name} isn't an array: its rows have different lengths ({error})") from error
    if array.dtype.kind not in "fiub":
        raise TypeError(
            f"{name} has dtype {array.dtype}; a Dataset holds real numbers or booleans: {cure(name, values, array)}"
        )
    if array.ndim == 0:
        raise ValueError(f"{name} is a single number; its first axis should count the examples")
    return array.astype(default_dtype_now()) if isinstance(values, (list, tuple)) and array.dtype.kind == "f" else array


def as_dataset(examples: Any) -> Dataset:
    """The Dataset of an ``(x, y)`` pair; a Dataset comes back as it is. TypeError for anything else."""
    if isinstance(examples, Dataset):
        return examples
    if isinstance(examples, (tuple, list)) and len(examples) == 2:
        return Dataset(*examples)
    frame = hasattr(examples, "columns") and hasattr(examples, "drop")
    advice = "; write (frame.drop(columns='target'), frame['target'])" if frame else ""
    raise TypeError(f"expected a Dataset or a pair (x, y) of arrays, not {_named(examples)}{advice}")


def _named(value: Any) -> str:
    if isinstance(value, (tuple, list)):
        return f"a {type(value).__name__} of {len(value)}"
    shape = getattr(value, "shape", None)
    return f"one {type(value).__name__}" + ("" if shape is None else f" of shape {shape}")


class Batches:
    """What `batches` gives: each time it is iterated over, one epoch of pairs (x, y); `len()` is their number."""

    def __init__(self, examples: Dataset, batch_size: int, seed: Seed, shuffle: bool, drop_last: bool) -> None:
        self.examples, self.batch_size, self.shuffle, self.drop_last = examples, batch_size, shuffle, drop_last
        self.rng = None if seed is None else generator(seed)

    def __len__(self) -> int:
        whole_batches, left = divmod(len(self.examples), self.batch_size)
        return whole_batches + (left > 0 and not self.drop_last)

    def indices(self) -> Iterator[Array]:
        """One epoch of batches, as the indices of their examples."""
        n = len(self.examples)
        order = generator(self.rng).permutation(n) if self.shuffle else np.arange(n)
        yield from (order[i * self.batch_size : (i + 1) * self.batch_size] for i in range(len(self)))

    def __iter__(self) -> Iterator[tuple[Array, Array]]:
        x, y = self.examples
        for batch in self.indices():
            yield x[batch], y[batch]  # copies, also in order: who writes into a batch doesn't write into the Dataset


def batches(
    examples: Any, batch_size: int, seed: Seed = None, shuffle: bool = True, drop_last: bool = False
) -> Batches:
    """Divide a Dataset, or a pair (x, y), into pairs of at most `batch_size` examples, in random order.

    An epoch is one pass: every example occurs exactly once, the last batch is smaller where `batch_size` doesn't
    divide n (with `drop_last` it is left out). The result can be iterated over again, and every epoch is shuffled
    anew; the same seed gives the same sequence of epochs. Without a seed the order comes from the Generator that
    `tl.manual_seed` seeds; with ``shuffle=False`` the order is the Dataset's own.

    Shapes: x (n, …) → (batch_size, …), y likewise. Raises ValueError for an empty Dataset or a `batch_size` below 1.

    >>> for x, y in batches(train, 32, seed=0): ...
    """
    examples = as_dataset(examples)
    if len(examples) == 0:
        raise ValueError("there are no batches in an empty Dataset")
    return Batches(examples, whole("batch_size", batch_size, 1), seed, shuffle, drop_last)
