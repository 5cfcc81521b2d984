r"""The norm of each example's own gradient, without that gradient: what `private_gradients` clips by.

A backward pass has, at the operation that uses a parameter, a row of the gradient for each example. Of the linear map
of one row it is all that is needed: W̄ᵢ = ȳᵢ xᵢᵀ, so that ‖W̄ᵢ‖ = ‖ȳᵢ‖·‖xᵢ‖ (Goodfellow, arXiv:1510.01799, 2015). Where
an example has several positions, their contributions are added up *before* the norm is taken, in blocks of examples.
`FORMS` says it for each operation; `find_uses` says where the parameters stand, and refuses what may be wrong.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..derivatives.convolution import columns
from ..engine.arrays import Array, dot_products, wide
from ..engine.checks import array_of, listed
from ..engine.dispatch import primitives
from ..engine.tensor import Tensor

LOOP = (
    "Or pass loop=True, which takes the examples one by one: right for every model that keeps them apart, and for a "
    "lot of 256 some 30 to 200 times as long as an ordinary pass, where two passes are 2 to 4"
)
BLOCK = 1 << 20  # numbers of per-example gradients that are in memory at once
VIEWS = {"reshape", "transpose", "swapaxes", "moveaxis", "expand_dims", "squeeze", "flip", "getitem"}


@dataclass(eq=False)
class Use:
    """A parameter that stands in an operation, itself or a view of it: the input `position` of `node`."""

    name: str
    parameter: Tensor
    node: Tensor
    position: int
    views: tuple[Tensor, ...]  # from the parameter to what stands there
    axis: int = 0  # along which the examples lie in what the node gives

    @property
    def title(self) -> str:
        """As messages name it: '0.weight' in linear."""
        return f"{self.name!r} in {self.node.primitive and self.node.primitive.name}"

    @property
    def inputs(self) -> list[Any]:
        """What the operation was given, Tensors as arrays."""
        return [x._data if isinstance(x, Tensor) else x for x in self.node.inputs]

    def first(self, x: Array) -> Array:
        """With the examples along the first axis."""
        return np.moveaxis(x, self.axis, 0) if self.axis else x

    def axes(self, n: int) -> list[int]:
        """Along which axes n examples may lie: the first, or the second, as in sequences with the time first."""
        assert self.node.primitive is not None
        form, shape = FORMS[self.node.primitive.name, self.position], self.node._data.shape
        if form is of_linear_weight or form is of_linear_bias:
            shape = shape[:-1]
        elif form is of_table:
            shape = indices(self.node)[0].shape
        elif form in (of_conv_weight, of_conv_input_weight, of_conv_bias):
            shape = shape[:1]
        return [k for k, side in enumerate(shape[:2]) if side == n]

    def elements(self) -> Array:
        """Which elements of the parameter stand there."""
        chosen = np.arange(self.parameter.size).reshape(self.parameter.shape)
        for node in self.views:
            if not _is_scaled(node):
                chosen = _viewed(node, chosen)
        return chosen.ravel()

    def factor(self) -> Any:
        """What they are multiplied by on the way there: 1, or an array."""
        factor: Any = 1
        for node in self.views:
            if _is_scaled(node):
                for x in node.inputs:
                    factor = factor * (1 if isinstance(x, Tensor) and x._requires_grad else array_of(x))
            elif isinstance(factor, np.ndarray):
                factor = _viewed(node, factor)
        return factor


# ---- where the parameters are used ----


def find_uses(nodes: Sequence[Tensor], parameters: Mapping[str, Tensor]) -> list[Use]:
    """Where the parameters stand in a graph, of which `nodes` are the operations, the last one first.

    Raises TypeError for a parameter, an element of it or a layer of which two passes don't give the norm.
    """
    names = {p: name for name, p in parameters.items()}
    views: dict[Tensor, tuple[Tensor, tuple[Tensor, ...]]] = {p: (p, ()) for p in names}
    uses: dict[str, list[Use]] = {}
    for node in reversed(nodes):
        for i, x in enumerate(node.inputs):
            if x.__class__ is not Tensor or x not in views:
                continue
            p, path = views[x]
            if _is_view(node) or _is_scaled(node):
                views[node] = p, (*path, node)
            else:
                uses.setdefault(names[p], []).append(Use(names[p], p, node, i, path))
    for name, found in uses.items():
        _refuse_twice(name, found)
    found = [use for several in uses.values() for use in several]
    for use in found:
        _refuse_without_form(use)
    return found


def _name(node: Tensor) -> str:
    """What the operation is called in the table of derivatives; "" of what isn't in it, whatever it calls itself."""
    primitive = node.primitive
    return primitive.name if primitive is not None and primitives.get(primitive.name) is primitive else ""


def _is_view(node: Tensor) -> bool:
    """Whether the operation only puts elements of its one input elsewhere, each at most once."""
    if node.primitive is None or _name(node) not in VIEWS:
        return False
    return node.primitive.name != "getitem" or not indices(node)


def _viewed(node: Tensor, x: Array) -> Array:
    assert node.primitive is not None
    viewed: Array = node.primitive.forward(x, **node.options)
    return viewed


def _is_scaled(node: Tensor) -> bool:
    """Whether the operation multiplies its one input that needs a gradient by as many constants, as BatchNorm does with
    running statistics."""
    if _name(node) != "multiply":
        return False
    learned = [x for x in node.inputs if isinstance(x, Tensor) and x._requires_grad]
    return len(learned) == 1 and all(array_of(x).shape == node.shape for x in node.inputs)


def indices(node: Tensor) -> list[Array]:
    """The arrays in the index of getitem, which may take an element more than once."""
    index = node.options["index"]
    parts = index if isinstance(index, tuple) else (index,)
    return [array_of(part) for part in parts if isinstance(part, (Tensor, np.ndarray, list))]


def _refuse_twice(name: str, uses: Sequence[Use]) -> None:
    if len(uses) == 1:
        return
    elements = np.concatenate([use.elements() for use in uses])
    if len(np.unique(elements)) < len(elements):
        where = listed([use.node.primitive.name for use in uses if use.node.primitive])
        raise TypeError(
            f"the parameter {name!r} takes part {len(uses)} times in one forward pass (in {where}), tied, shared or "
            "recurrent: an example's gradient is then a sum, whose norm two backward passes don't give. Give each use "
            f"a parameter of its own. {LOOP}"
        )


def _has_form(use: Use) -> bool:
    name = _name(use.node)
    if any(map(_is_scaled, use.views)) and (name, use.position) not in STRETCHING:
        return False
    if name == "getitem":
        index = use.node.options["index"]
        return not isinstance(index, tuple) and indices(use.node)[0].dtype.kind in "iu"
    if name == "matmul" and (use.inputs[1].ndim != 2 or use.inputs[0].ndim < 2):
        return False
    return (name, use.position) in FORMS


def _refuse_without_form(use: Use) -> None:
    if not _has_form(use):
        raise TypeError(
            f"private_gradients doesn't know each example's gradient of {use.title}: it knows Linear, Conv, Embedding, "
            "LayerNorm, GroupNorm, RMSNorm, attention and what multiplies or adds a parameter. Freeze it by "
            f"requires_grad = False, or write the layer with these. {LOOP}"
        )


# ---- the norms ----


def squared_norms(use: Use, g: Array) -> Array:
    """‖each example's gradient of what stands there‖², (examples,), from the gradient of what the operation gave."""
    assert use.node.primitive is not None
    return FORMS[use.node.primitive.name, use.position](use, g)


def row_norms(use: Use, g: Array) -> Array:
    """The size of each example's part of the gradient of what the operation gave."""
    return np.sqrt(_squares(use.first(g)))


def _squares(rows: Array) -> Array:
    """Σ of squares over all but the first axis; in float64 where they are near what float32 can't hold."""
    rows = wide(rows.reshape(len(rows), -1))
    with np.errstate(over="ignore"):
        squares: Array = dot_products(rows, rows)
    if rows.dtype != np.float64 and not ((squares > 1e-30) & (squares < 1e30)).all():
        squares = np.asarray(dot_products(rows.astype(np.float64), rows.astype(np.float64)))
    return squares.astype(np.float64, copy=False)


def _blocks(n: int, size: int) -> Iterator[slice]:
    step = max(1, BLOCK // max(1, size))
    return (slice(i, i + step) for i in range(0, n, step))


def of_products(g: Array, x: Array) -> Array:
    """‖Σₜ gᵢₜ xᵢₜᵀ‖² of each example i, for g (N, groups, T, O) and x (N, groups, T, I), added up over the groups.

    One position: ‖g‖²·‖x‖². Several: the products are added up or, where there are few, their angles are taken,
    Σₜₛ (gₜ·gₛ)(xₜ·xₛ), in float64, since contributions may cancel.
    """
    (n, groups, t, o), i = g.shape, x.shape[-1]
    if t == 1:
        found: Array = (_squares_of_last(g) * _squares_of_last(x)).sum(axis=1)
        return found
    found = np.empty(n)
    few = 8 * t * (o + i) < o * i
    for block in _blocks(n, groups * (t * (o + i) if few else o * i)):
        if few:
            a, b = g[block].astype(np.float64), x[block].astype(np.float64)
            products = (a @ a.mT) * (b @ b.mT)
            found[block] = np.maximum(products.reshape(len(a), -1).sum(axis=1), 0)
        else:
            found[block] = _squares(g[block].mT @ x[block])
    return found


def _squares_of_last(x: Array) -> Array:
    return _squares(x.reshape(-1, x.shape[-1])).reshape(len(x), -1)


def of_linear_weight(use: Use, g: Array) -> Array:
    """Y = X Wᵀ, and Y = X W: the same products, one turned. What lies between examples and features are positions."""
    g, x = (use.first(a) for a in (g, use.inputs[0]))
    return of_products(*(a.reshape(len(a), 1, -1, a.shape[-1]) for a in (g, x)))


def of_linear_bias(use: Use, g: Array) -> Array:
    """The sum over all positions."""
    g = use.first(g)
    return _squares(g.reshape(len(g), -1, g.shape[-1]).sum(axis=1))


def of_conv_weight(use: Use, g: Array) -> Array:
    """Each weight gets the gradients at all places, times what it met there."""
    x, weight = use.inputs[:2]
    return _of_met(g, x, weight.shape, use.node.options["how"])


def of_conv_input_weight(use: Use, g: Array) -> Array:
    """A transposed convolution is that, with input and gradient exchanged."""
    x, weight = use.inputs[:2]
    return _of_met(x, g, weight.shape, use.node.options["how"])


def _of_met(g: Array, x: Array, shape: tuple[int, ...], how: Any) -> Array:
    groups, counts = how[3], g.shape[2:]
    found, rows = np.empty(len(g)), g.reshape(len(g), groups, shape[0] // groups, math.prod(counts))
    for block in _blocks(len(g), groups * math.prod(shape[1:]) * math.prod(counts)):
        met = columns(x[block], shape[2:], counts, how)
        found[block] = of_products(rows[block].mT, met.mT)
    return found


def of_conv_bias(use: Use, g: Array) -> Array:
    """The sum over all places."""
    return _squares(g.reshape(*g.shape[:2], -1).sum(axis=2))


def of_table(use: Use, g: Array) -> Array:
    """An embedding: the gradients of all positions of an example that have the same number are added up."""
    table, (index,) = use.inputs[0], indices(use.node)
    g, index = use.first(g), use.first(index)
    n = len(g)
    index = (index.astype(np.int64) % len(table)).reshape(n, -1) + len(table) * np.arange(n)[:, None]
    order = np.argsort(index, axis=None, kind="stable")
    found, starts = np.unique(index.ravel()[order], return_index=True)
    sums = np.add.reduceat(g.reshape(len(order), -1)[order], starts, axis=0)
    return np.bincount(found // len(table), _squares(sums), minlength=n)


def of_scale(use: Use, g: Array) -> Array:
    """Of y = x·scale + shift; x may be smaller than y."""
    return _stretched(use, g * use.inputs[0])


def by_elements(use: Use, g: Array) -> Array:
    """An operation element by element: what its rule gives before the engine sums it to the parameter's shape."""
    primitive = use.node.primitive
    assert primitive is not None
    return _stretched(use, primitive.pull(use.position, [g, use.node._data, *use.inputs], use.node.options))


def of_shift(use: Use, g: Array) -> Array:
    """What is added gets the gradient as it is."""
    return _stretched(use, g)


def _stretched(use: Use, raw: Array) -> Array:
    """The squares of the sum over the axes along which the parameter was stretched, but for the examples'."""
    raw = np.broadcast_to(raw, use.node._data.shape)
    own = use.inputs[use.position].shape
    own = (1,) * (raw.ndim - len(own)) + own
    summed = tuple(k for k, side in enumerate(own) if side == 1 and k != use.axis)
    return _squares(use.first(raw.sum(axis=summed, keepdims=True) * use.factor()))


Form = Callable[[Use, Array], Array]
# (primitive, position of the parameter) → the squared norms of its examples
STRETCHING: dict[tuple[str, int], Form] = {
    ("scale_and_shift", 1): of_scale,
    ("scale_and_shift", 2): of_shift,
    ("broadcast_to", 0): of_shift,
    ("prelu", 1): by_elements,
    **{(name, i): by_elements for name in ("add", "subtract", "multiply", "divide") for i in (0, 1)},
}
FORMS: dict[tuple[str, int], Form] = {
    ("linear", 1): of_linear_weight,
    ("linear", 2): of_linear_bias,
    ("matmul", 1): of_linear_weight,
    ("conv", 1): of_conv_weight,
    ("conv", 2): of_conv_bias,
    ("conv_input", 1): of_conv_input_weight,
    ("getitem", 0): of_table,
    **STRETCHING,
}
