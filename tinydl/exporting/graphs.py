"""An ONNX graph while it is written: its nodes, its constants, and the values that they make.

Operators are called by their names: ``o.Add(x, 1.0)`` adds a node and gives the name of what it makes. What the lines
of the table (operators.py) are given are Values, of which they may ask shape and dtype.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from ..compiling.tape import CompileError
from ..engine.arrays import Array
from .steps import Rows

Dims = tuple[Any, ...]  # of int and Rows
PARAMETER, BUFFER = "parameter", "buffer"  # what a file says that an array is in the model; of constants nothing


@dataclass(frozen=True, eq=False)
class Value:
    """What a node makes, or what is given: its name in the graph, its shape, in which `Rows` grow with the batch, its
    dtype, its array if it is a constant, and the pieces that it was concatenated of."""

    name: str
    shape: Dims
    dtype: np.dtype[Any]
    array: Array | None = None
    pieces: tuple[Value, ...] = ()

    @property
    def ndim(self) -> int:
        """How many axes it has."""
        return len(self.shape)

    def size(self, axis: int) -> int:
        """How long an axis is. CompileError if that depends on the number of rows."""
        return fixed(self.shape[axis], f"axis {axis} of shape {text(self.shape)}")


def fixed(n: Any, what: str) -> int:
    """A number that holds for any number of rows."""
    if isinstance(n, Rows):
        raise CompileError(f"{what} grows with the number of rows, which ONNX's operators can't follow here")
    return int(n)


def text(shape: Dims) -> str:
    """A shape as a person would write it: (n, 3), with n rows."""
    return f"({', '.join(map(side, shape))}{',' * (len(shape) == 1)})"


def side(d: Any) -> str:
    """The length of an axis, as a multiple of n where it grows with the rows."""
    return (f"{d.times}n" if d.times > 1 else "n") if isinstance(d, Rows) else str(d)


class Graph:
    """The nodes and constants so far. `dtype` is that in which the operation at hand computes, `out` its result."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: dict[str, onnx.TensorProto] = {}
        self.dtype: np.dtype[Any] = np.dtype(np.float32)
        self.out = Value("", (), self.dtype)
        self.rows = ""  # the name of what is given whose first axis is the batch
        self._known: dict[Any, str] = {}
        self._taken: set[str] = set()
        self._counts: dict[str, int] = {}

    def __getattr__(self, operator: str) -> Any:
        if not operator[:1].isupper():
            raise AttributeError(operator)

        def node(*inputs: Any, **attributes: Any) -> str:
            name = self.free(operator.lower())
            self.nodes.append(helper.make_node(operator, [self.name(x) for x in inputs], [name], **attributes))
            return name

        return node

    def name(self, x: Any) -> str:
        """The name of an input of a node: of a Value, a name, None for one left out, or a number or array."""
        if isinstance(x, str):
            return x
        if isinstance(x, Value):
            return x.name
        return "" if x is None else self.constant(np.asarray(x, self.dtype if isinstance(x, (int, float)) else None))

    def free(self, wanted: str) -> str:
        """A name that nothing in the graph has."""
        name = wanted
        while name in self._taken:
            self._counts[wanted] = self._counts.get(wanted, 1) + 1
            name = f"{wanted}_{self._counts[wanted]}"
        self._taken.add(name)
        return name

    def constant(self, array: Array, name: str = "constant") -> str:
        """The name of a constant; equal ones are kept once."""
        array = np.asarray(array)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._known:
            self._known[key] = made = self.free(name)
            self.keep(made, array)
        return self._known[key]

    def keep(self, name: str, array: Array, role: str = "") -> None:
        """Put an array into the file."""
        self.initializers[name] = made = numpy_helper.from_array(np.array(array, order="C"), name)
        if role:
            made.doc_string = role

    def ints(self, *values: Any) -> str:
        """Whole numbers, as axes and sizes are given."""
        return self.constant(np.array([fixed(v, "a number") for v in values], np.int64))

    def dims(self, shape: Dims) -> str:
        """A shape as a vector, which is computed from the number of rows where it grows with them."""
        if not any(isinstance(d, Rows) for d in shape):
            return self.ints(*shape)
        parts = [self._size(d) if isinstance(d, Rows) else self.ints(d) for d in shape]
        return str(self.Concat(*parts, axis=0)) if len(parts) > 1 else parts[0]

    def _size(self, rows: Rows) -> str:
        if rows not in self._known:
            n = self._known.get(Rows(1, 0)) or self.Slice(self.Shape(self.rows), self.ints(0), self.ints(1))
            self._known[Rows(1, 0)] = n
            if rows.times != 1:
                n = self.Mul(n, self.ints(rows.times))
            self._known[rows] = self.Add(n, self.ints(rows.plus)) if rows.plus else n
        return self._known[rows]

    def reshaped(self, x: Any, shape: Dims) -> str:
        """x in another shape, of which one axis may grow with the rows; -1 stands for that."""
        if 0 in shape:
            raise CompileError(f"an array without elements, of shape {text(shape)}, can't be reshaped in the file")
        free = [isinstance(d, Rows) for d in shape]
        if sum(free) > 1:
            raise CompileError(
                f"two axes of shape {text(shape)} grow with the number of rows; let the first do so alone"
            )
        return str(self.Reshape(x, self.ints(*(-1 if grows else d for d, grows in zip(shape, free, strict=True)))))

    def cast(self, x: Value, dtype: Any) -> Value:
        """A value in another dtype."""
        dtype = np.dtype(dtype)
        if x.dtype == dtype:
            return x
        if x.array is not None:
            array = x.array.astype(dtype)
            return Value(self.constant(array, x.name), x.shape, dtype, array)
        return Value(self.Cast(x, to=helper.np_dtype_to_tensor_dtype(dtype)), x.shape, dtype)

    def value(self, array: Array, name: str = "constant") -> Value:
        """A constant as a Value."""
        return Value(self.constant(array, name), array.shape, array.dtype, array)

    def spread(self, one: Array, shape: Dims) -> Value:
        """A constant that is the same for all rows: its part for one of them, stretched."""
        return Value(self.Expand(self.constant(one), self.dims(shape)), shape, one.dtype)


def needed(nodes: Sequence[onnx.NodeProto], outputs: Sequence[str]) -> list[onnx.NodeProto]:
    """Those nodes on which the outputs depend."""
    wanted, kept = set(outputs), []
    for node in reversed(nodes):
        if wanted.intersection(node.output):
            kept.append(node)
            wanted.update(inputs_of(node))
    return kept[::-1]


def inputs_of(node: onnx.NodeProto) -> set[str]:
    """What a node takes, also within the graph of a loop."""
    inner = [each for a in node.attribute if a.type == onnx.AttributeProto.GRAPH for each in a.g.node]
    return set(node.input).union(*map(inputs_of, inner))


def count(shape: Dims) -> int:
    """How many elements."""
    return math.prod(fixed(d, "the number of elements") for d in shape)
