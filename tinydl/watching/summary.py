"""A model as a table: its layers in the order they run, the shapes that come out, and how many numbers each learns.

Stands on nn and on the engine's trace, which writes down what each layer gave.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.arrays import default_dtype_now, is_array
from ..engine.checks import array_of, kind
from ..engine.random import seeded
from ..engine.recording import no_grad, observing
from ..engine.tensor import Tensor, wrap
from ..engine.terminal import columns, shown
from ..engine.trace import Call, Trace
from ..nn.embedding import Embedding
from ..nn.module import Module
from .modes import mode


@dataclass(eq=False)
class Row:
    """One run of one layer: its path, the shape it gave (the first of several; batch axis included), how many numbers
    it learns itself."""

    layer: str
    output_shape: Any
    parameters: int


@dataclass(eq=False, repr=False)
class Summary:
    """What `summary` found; ``str()`` of it is the table. Counts are of numbers, shared ones counted once."""

    rows: list[Row]
    parameters: int
    trainable: int
    buffers: int

    def __str__(self) -> str:
        cells = [("layer", "output shape", "parameters")]
        cells += [(row.layer, _shown(row.output_shape), f"{row.parameters:,}") for row in self.rows]
        first, second, third = (max(len(line[i]) for line in cells) for i in range(3))
        first = min(first, max(24, columns(sys.maxsize) - second - third - 4))
        cells = [(_shortened(a, first), b, c) for a, b, c in cells]
        lines = [f"{a:<{first}}  {b:<{second}}  {c:>{third}}" for a, b, c in cells]
        rule = "-" * min(len(lines[0]), columns(sys.maxsize))
        total = (
            f"{self.parameters:,} parameters, {self.trainable:,} of them trained; {self.buffers:,} numbers in buffers"
        )
        return shown("\n".join([lines[0], rule, *lines[1:], rule, total]))

    __repr__ = __str__


def _shortened(path: str, most: int) -> str:
    """Without its middle, if it is longer: a terminal that is too narrow keeps where a layer is, and what it is."""
    kept = most - 3
    return path if len(path) <= most else f"{path[: kept // 2]}...{path[-(kept - kept // 2) :]}"


def _shown(shape: Any) -> str:
    if not isinstance(shape, tuple):
        return str(shape)
    batch = ["N" if i == 0 and n == 1 else str(n) for i, n in enumerate(shape)]
    return f"({', '.join(batch)}{',' * (len(batch) == 1)})"


def _rows(calls: Sequence[Call]) -> list[Row]:
    rows, counted = [], set[Tensor]()
    for call in calls:
        inside = _inside(call.module)
        others = counted.union(*(inner.parameters() for inner in inside))
        own = [p for p in call.module.parameters() if p not in others]
        counted.update(own)
        if call.depth or own or not inside:
            output = call.output[0] if isinstance(call.output, tuple) and call.output else call.output
            shape = output.shape if hasattr(output, "shape") else type(output).__name__
            rows.append(Row(call.scope.title, shape, sum(p._data.size for p in own)))
    return rows


def _inside(module: Module) -> list[Module]:
    return [inner for inner in module.modules() if inner is not module]


def _example(given: Any, dtype: Any, like: Any) -> Tensor:
    """The first of the inputs that were given, or zeros of the shape that was."""
    if (isinstance(given, Tensor) or is_array(given)) and given.ndim:
        return wrap(array_of(given)[:1].copy())
    try:
        shape = (given,) if isinstance(given, int) else tuple(map(operator.index, given))
    except TypeError:
        raise TypeError(
            f"summary takes the shape of one example, such as x.shape[1:], or inputs x, an array; not {kind(given)}"
        ) from None
    return wrap(np.zeros_like(like, dtype, shape=(1, *shape)))


def summary(model: Module, input_shape: Any) -> Summary:
    """Run `model` once, in eval mode, on zeros of shape (1, *input_shape), and tell what each layer gave.

    Inputs may be given instead of a shape, an array or Tensor (N, …): it runs on the first of them. Nothing is changed:
    no gradient, buffer, training flag or random number. A model that starts with an Embedding is given integers.
    Raises ValueError, with the layer's path, if the shape doesn't fit; TypeError for what is none.
    """
    modules = list(model.modules())
    leaves = [module for module in modules if not _inside(module)]
    like = next((p._data for p in model.parameters() if p._data.dtype.kind == "f"), np.zeros(0, default_dtype_now()))
    dtype = np.int64 if leaves and isinstance(leaves[0], Embedding) else like.dtype
    example = _example(input_shape, dtype, like)
    trace = Trace()
    with mode(model, False), no_grad(), seeded(0), observing(trace):
        model(example)
    parameters = list(model.parameters())
    return Summary(
        _rows(trace.calls),
        sum(p._data.size for p in parameters),
        sum(p._data.size for p in parameters if p.requires_grad),
        sum(b.size for _, b in model.named_buffers()),
    )
