"""A table of vectors, one per word (or any other thing that has a number): indexing as a layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..derivatives.elementwise import where
from ..engine.arrays import Array
from ..engine.checks import array_of, whole
from ..engine.recording import computed_plainly
from ..engine.tensor import Tensor
from . import init
from .module import Module, parameter


def refuse_other_rows(index: Array, rows: int) -> None:
    """ValueError for numbers that aren't those of rows."""
    if index.size and not 0 <= index.min() <= index.max() < rows:
        raise ValueError(f"Embedding has the rows 0 … {rows - 1}, but x has numbers {index.min()} … {index.max()}")


class Embedding(Module):
    """y = weight[x]: each integer of x becomes the row of its number.

    Shapes: x (...), integers in 0 … num_embeddings − 1 → y (..., embedding_dim); weight (num_embeddings,
    embedding_dim), standard normal at the start. The row `padding_idx` starts at 0 and gets no gradient. Raises
    TypeError for an x that isn't of integers and ValueError for one out of range (-1 doesn't mean the last row).
    """

    def __init__(self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None) -> None:
        self.num_embeddings = whole("num_embeddings", num_embeddings, 1)
        self.embedding_dim = whole("embedding_dim", embedding_dim, 1)
        if padding_idx is not None and not -num_embeddings <= padding_idx < num_embeddings:
            raise ValueError(f"padding_idx {padding_idx} is no row of the {num_embeddings} there are")
        self.padding_idx = None if padding_idx is None else padding_idx % num_embeddings
        self.weight = init.normal_(parameter(num_embeddings, embedding_dim))
        if self.padding_idx is not None:
            self.weight.data[self.padding_idx] = 0

    def forward(self, x: Any) -> Tensor:
        index = array_of(x)
        if index.dtype.kind not in "iu":
            raise TypeError(f"Embedding picks rows by integers, but x is of {index.dtype}; write x.astype(np.int64)")
        computed_plainly(refuse_other_rows, index, self.num_embeddings)
        y: Tensor = self.weight[index]
        if self.padding_idx is None or not y.requires_grad:
            return y
        padding = (index == self.padding_idx)[..., np.newaxis]
        constant: Tensor = where(padding, self.weight._data[self.padding_idx].copy(), y)
        return constant
