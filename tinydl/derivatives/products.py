"""Products: of matrices and vectors, the linear map of a layer, einsum.

`g` is the gradient of the output, `y` the output, the rest the inputs; ``a.mT`` is a with its last two axes exchanged,
so that one formula serves a matrix and a stack of them. What solves and takes apart is in decompositions.py.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine.arrays import Array, dot_products, innermost, wide
from ..engine.dispatch import define, implements, unwrap
from .elementwise import multiply
from .shapes import operand, reshape, transpose

# ---- products ----


def matmul_left(g: Any, y: Any, a: Any, b: Any) -> Any:
    """Ā = C̄ Bᵀ for C = AB; a vector on either side counts as a matrix with one row or column."""
    if b.ndim == 1:
        return g[..., None] * b
    if a.ndim == 1:
        return (b @ g[..., None])[..., 0]
    return g @ b.mT


def matmul_right(g: Any, y: Any, a: Any, b: Any) -> Any:
    """B̄ = Aᵀ C̄ for C = AB; where one B serves a stack of matrices A, all their rows are taken together."""
    if a.ndim == 1:
        return a[:, None] * g[..., None, :] if b.ndim > 1 else g * a
    if b.ndim == 1:
        return (a.mT @ g[..., None])[..., 0]
    if a.ndim > 2 and b.ndim == 2 and a.size and b.size:
        return a.reshape(-1, a.shape[-1]).mT @ g.reshape(-1, g.shape[-1])
    return a.mT @ g


matmul = define(np.matmul, matmul_left, matmul_right, answers=(np.matmul, np.linalg.matmul))


@implements(np.tensordot, np.linalg.tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """Sum products over pairs of axes: over the last `axes` of a and the first of b, or over the axes in two lists."""
    a, b = operand(a), operand(b)
    if isinstance(axes, (int, np.integer)):
        axes = range(a.ndim - axes, a.ndim), range(axes)
    left, right = ([int(i) for i in np.atleast_1d(np.asarray(some, int))] for some in axes)
    if any(not -x.ndim <= i < x.ndim for x, some in ((a, left), (b, right)) for i in some):
        raise ValueError(f"tensordot: axes={axes} names an axis that shape {a.shape} or shape {b.shape} doesn't have")
    left, right = [i % a.ndim for i in left], [i % b.ndim for i in right]
    if [a.shape[i] for i in left] != [b.shape[i] for i in right]:
        raise ValueError(f"tensordot: shapes {a.shape} and {b.shape} don't match along axes={axes}")
    rows, columns = ([i for i in range(x.ndim) if i not in some] for x, some in ((a, left), (b, right)))
    outer = [a.shape[i] for i in rows], [b.shape[i] for i in columns]
    inner = math.prod(a.shape[i] for i in left)
    product = matmul(
        reshape(transpose(a, (*rows, *left)), (math.prod(outer[0]), inner)),
        reshape(transpose(b, (*right, *columns)), (inner, math.prod(outer[1]))),
    )
    return reshape(product, (*outer[0], *outer[1]))


@implements(np.dot)
def dot(a: Any, b: Any) -> Any:
    """The product of vectors or matrices; of more axes, the sum over the last of a and the second to last of b."""
    a, b = operand(a), operand(b)
    if not a.ndim or not b.ndim:
        return multiply(a, b)
    if b.ndim <= 2:
        return matmul(a, b)
    return tensordot(a, b, (-1, -2))


# Σ a·b over all elements, whatever the shapes
vdot = define(
    np.vdot,
    lambda g, y, a, b: g * operand(b).reshape(operand(a).shape),
    lambda g, y, a, b: g * operand(a).reshape(operand(b).shape),
)


@implements(np.inner)
def inner(a: Any, b: Any) -> Any:
    """Sum products over the last axes."""
    a, b = operand(a), operand(b)
    return tensordot(a, b, (-1, -1)) if a.ndim and b.ndim else multiply(a, b)


@implements(np.outer)
def outer(a: Any, b: Any) -> Any:
    """All products of an element of a and one of b: (M·N) from any shapes of M and N elements."""
    return multiply(reshape(operand(a), (-1, 1)), reshape(operand(b), (1, -1)))


@implements(np.linalg.outer)
def _vectors_outer(x1: Any, x2: Any) -> Any:
    if np.ndim(x1) != 1 or np.ndim(x2) != 1:
        raise ValueError(f"linalg.outer takes two vectors, not shapes {np.shape(x1)} and {np.shape(x2)}; see np.outer")
    return outer(x1, x2)


@implements(np.kron)
def kron(a: Any, b: Any) -> Any:
    """The Kronecker product: b once for each element of a, multiplied by it."""
    a, b = operand(a), operand(b)
    n = max(a.ndim, b.ndim)
    shapes = [(1,) * (n - x.ndim) + tuple(x.shape) for x in (a, b)]
    spaced_a = reshape(a, tuple(s for side in shapes[0] for s in (side, 1)))
    spaced_b = reshape(b, tuple(s for side in shapes[1] for s in (1, side)))
    return reshape(multiply(spaced_a, spaced_b), tuple(i * j for i, j in zip(*shapes, strict=True)))


@implements(np.cross)
def cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    """The vector product of vectors of 3 elements."""
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = np.moveaxis(operand(a), axisa, -1), np.moveaxis(operand(b), axisb, -1)
    if a.shape[-1] != 3 or b.shape[-1] != 3:
        raise ValueError(f"cross: vectors must have 3 elements, not {a.shape[-1]} and {b.shape[-1]}")
    turns = (((1, 2), (2, 1)), ((2, 0), (0, 2)), ((0, 1), (1, 0)))
    parts = [a[..., i] * b[..., j] - a[..., k] * b[..., l] for (i, j), (k, l) in turns]
    return np.moveaxis(np.stack(parts, axis=-1), -1, axisc)


@implements(np.linalg.cross)
def _cross_along(x1: Any, x2: Any, *, axis: int = -1) -> Any:
    return cross(x1, x2, axis=axis)


def dot_along(a: Array, b: Array, axis: Any) -> Any:
    """Σ a·b along the axis, which stays with length 1; of float16 in float32.

    Where what is summed lies in rows, at the end or, of images with the batch last, in another place, no array of the
    products is made.
    """
    a = wide(a)
    if a.ndim and axis in (-1, (-1,), (a.ndim - 1,)):
        return dot_products(a, b)[..., None]
    if axis.__class__ is tuple and len(axis) > 1 and a.shape == b.shape:
        kept = max((i for i in range(a.ndim) if i not in axis and i - a.ndim not in axis), default=-1) + 1
        if kept < a.ndim and a.flags.c_contiguous and b.flags.c_contiguous and a.size:
            rows = (*a.shape[:kept], -1)
            dots = dot_products(a.reshape(rows), b.reshape(rows)).reshape(*a.shape[:kept], *(1,) * (a.ndim - kept))
            return np.add.reduce(dots, axis, keepdims=True)
        if (inner := innermost(a, axis)) is not None and innermost(b, axis) == inner:
            dots = dot_products(np.swapaxes(a, inner, -1), np.swapaxes(b, inner, -1))[..., None]
            return np.add.reduce(np.swapaxes(dots, inner, -1), axis, keepdims=True)
    return np.add.reduce(a * b, axis, keepdims=True)


sum_of_products = define(
    dot_along,
    lambda h, v, a, b, axis: h * b,
    lambda h, v, a, b, axis: h * a,
    name="sum_of_products",
)
dots = define(dot_products, lambda g, y, a, b: g[..., None] * b, lambda g, y, a, b: g[..., None] * a, name="vecdot")


@implements(np.vecdot, np.linalg.vecdot)
def vecdot(x1: Any, x2: Any, *, axis: int = -1) -> Any:
    """Σ x1·x2 along an axis."""
    if axis == -1:
        return dots(x1, x2)
    return dots(np.moveaxis(operand(x1), axis, -1), np.moveaxis(operand(x2), axis, -1))


def matvec(x1: Any, x2: Any) -> Any:
    """Matrices times vectors, both possibly stacked."""
    if np.ndim(x1) < 2 or np.ndim(x2) < 1:
        raise ValueError(f"matvec takes matrices and vectors, not shapes {np.shape(x1)} and {np.shape(x2)}")
    return matmul(operand(x1), operand(x2)[..., None])[..., 0]


def vecmat(x1: Any, x2: Any) -> Any:
    """Vectors times matrices, both possibly stacked."""
    if np.ndim(x1) < 1 or np.ndim(x2) < 2:
        raise ValueError(f"vecmat takes vectors and matrices, not shapes {np.shape(x1)} and {np.shape(x2)}")
    return matmul(operand(x1)[..., None, :], operand(x2))[..., 0, :]


if hasattr(np, "matvec"):  # since NumPy 2.2
    implements(np.matvec)(matvec)
    implements(np.vecmat)(vecmat)


@implements(np.linalg.multi_dot)
def multi_dot(arrays: Sequence[Any]) -> Any:
    """The product of several matrices, multiplied in the order that NumPy's multi_dot finds cheapest."""
    arrays = [operand(a) for a in arrays]
    if len(arrays) < 2:
        raise ValueError("multi_dot: at least two matrices are needed")
    dtype = np.result_type(*(a.dtype for a in arrays))
    arrays = [a if a.dtype == dtype else a.astype(dtype) for a in arrays]  # so that no product of two wraps
    if len(arrays) == 2:
        return dot(*arrays)
    if any(a.ndim != 2 for a in arrays[1:-1]) or not {arrays[0].ndim, arrays[-1].ndim} <= {1, 2}:
        shapes = ", ".join(str(a.shape) for a in arrays)
        raise np.linalg.LinAlgError(f"multi_dot takes matrices, first and last also a vector, not shapes {shapes}")
    sides = [1 if arrays[0].ndim == 1 else arrays[0].shape[0], *(a.shape[-1] for a in arrays[:-1])]
    sides.append(arrays[-1].shape[-1] if arrays[-1].ndim > 1 else 1)
    sides[1:-1] = [a.shape[0] for a in arrays[1:]]
    best: dict[tuple[int, int], tuple[int, Any]] = {(i, i + 1): (0, a) for i, a in enumerate(arrays)}
    for width in range(2, len(arrays) + 1):
        for i in range(len(arrays) - width + 1):
            k = i + width
            cost, j = min((best[i, j][0] + best[j, k][0] + sides[i] * sides[j] * sides[k], j) for j in range(i + 1, k))
            best[i, k] = cost, (best[i, j][1], best[j, k][1])

    def product(plan: Any) -> Any:
        return matmul(product(plan[0]), product(plan[1])) if isinstance(plan, tuple) else plan

    return product(best[0, len(arrays)][1])


@implements(np.matrix_transpose, np.linalg.matrix_transpose)
def matrix_transpose(x: Any) -> Any:
    """The last two axes exchanged."""
    if x.ndim < 2:
        raise ValueError(f"matrix_transpose needs at least two axes, not shape {x.shape}")
    return x.mT


@implements(np.trace)
def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The sum of a diagonal."""
    return np.sum(np.diagonal(a, offset, axis1, axis2), axis=-1)


@implements(np.linalg.trace)
def _trace_of_last(x: Any, *, offset: int = 0) -> Any:
    return trace(x, offset, -2, -1)


@implements(np.linalg.diagonal)
def _diagonal_of_last(x: Any, *, offset: int = 0) -> Any:
    return np.diagonal(x, offset, -2, -1)


# ---- einsum ----


def einsum_rule(g: Any, y: Any, i: int, *operands: Any, subscripts: str) -> Any:
    """The gradient of an operand is the einsum of g with the other operands, to the letters of that operand.

    A letter that only this operand has is one that it was summed over: g is the same along it. A letter that it has
    twice took its diagonal: off it the gradient is 0, so one more factor is the identity matrix.
    """
    inputs, output = subscripts.split("->")
    letters = inputs.split(",")
    own, others = letters[i], letters[:i] + letters[i + 1 :]
    factors = [g, *operands[:i], *operands[i + 1 :]]
    terms = [output, *others]
    free = (c for c in _LETTERS if c not in subscripts)
    wanted = ""
    for position, c in enumerate(own):
        if c in own[:position]:
            new = next(free)
            factors.append(np.eye(operands[i].shape[position], dtype=g.dtype, like=unwrap(g)))
            terms.append(c + new)
            c = new
        wanted += c
    found = "".join(c for c in wanted if any(c in term for term in terms))
    result = einsum(f"{','.join(terms)}->{found}", *factors, optimize=True)
    sides = iter(result.shape)
    shape = tuple(next(sides) if c in found else 1 for c in wanted)
    full = tuple(n if side == 1 else side for side, n in zip(shape, operands[i].shape, strict=True))
    return np.broadcast_to(reshape(result, shape), full)


def _einsum(*operands: Any, subscripts: str, optimize: Any = False) -> Any:
    """NumPy's, in the dtype of all operands together: with `optimize` it combines some before others in theirs, where
    True + True is True and 200 + 200 is 144. Of float16 in float32, rounded at the end."""
    dtype = np.result_type(*(x.dtype for x in operands))
    if optimize or dtype.char == "e":
        operands = tuple(wide(x.astype(dtype, copy=False)) for x in operands)
    return np.einsum(subscripts, *operands, optimize=optimize).astype(dtype, copy=False)


_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
summation = define(
    _einsum,
    lambda g, y, i, *operands, subscripts, optimize=False: einsum_rule(g, y, i, *operands, subscripts=subscripts),
    name="einsum",
    each=True,
)


@implements(np.einsum)
def einsum(*operands: Any, optimize: Any = False) -> Any:
    """Einstein's summation: products of elements, summed over the letters that the output doesn't have."""
    if not operands:
        raise TypeError('einsum needs subscripts and operands, as in einsum("ij,jk->ik", a, b)')
    if isinstance(operands[0], str):
        subscripts, arrays = operands[0], [operand(x) for x in operands[1:]]
    else:
        subscripts, arrays = _from_lists(operands)
    return summation(*arrays, subscripts=_explicit(subscripts, [x.ndim for x in arrays]), optimize=optimize)


def _from_lists(operands: Sequence[Any]) -> tuple[str, list[Any]]:
    """The form einsum(a, [0, 1], b, [1, 2], [0, 2]) as subscripts and operands."""

    def text(labels: Any) -> str:
        return "".join("..." if label is Ellipsis else _LETTERS[label] for label in labels)

    pairs = len(operands) // 2
    subscripts = ",".join(text(operands[2 * i + 1]) for i in range(pairs))
    if len(operands) % 2:
        subscripts += "->" + text(operands[-1])
    return subscripts, [operand(operands[2 * i]) for i in range(pairs)]


def _explicit(subscripts: str, ndims: Sequence[int]) -> str:
    """The same subscripts with the output named and each "..." spelled in letters."""
    inputs, arrow, output = subscripts.replace(" ", "").partition("->")
    terms = inputs.split(",")
    if len(terms) != len(ndims):
        raise ValueError(f"einsum: {subscripts!r} is for {len(terms)} operands, but {len(ndims)} are given")
    hidden = [n - len(term.replace("...", "")) for term, n in zip(terms, ndims, strict=True)]
    for term, n, more in zip(terms, ndims, hidden, strict=True):
        if more < 0 or (more and "..." not in term):
            raise ValueError(f"einsum: {term!r} in {subscripts!r} doesn't fit an operand of {n} axes")
    free = [c for c in _LETTERS if c not in subscripts][: max(hidden, default=0)]
    if not arrow:
        letters = sorted(set("".join(terms)) - {"."})
        output = ("..." if "..." in inputs else "") + "".join(c for c in letters if inputs.count(c) == 1)
    elif free and "..." not in output:
        raise ValueError(f"einsum: the output of {subscripts!r} needs a '...' for the axes that the inputs' stands for")
    terms = [term.replace("...", "".join(free[len(free) - more :])) for term, more in zip(terms, hidden, strict=True)]
    return ",".join(terms) + "->" + output.replace("...", "".join(free))


# ---- the linear map ----


def _linear(x: Any, weight: Any, bias: Any = None) -> Any:
    if bias is not None and bias.dtype is not weight.dtype:
        # x @ weight may be in this dtype, and mustn't wrap
        weight = weight.astype(np.result_type(weight.dtype, bias.dtype), copy=False)
    rows = x if x.ndim <= 2 else x.reshape(-1, x.shape[-1])  # one product of matrices, not one per leading index
    y = rows @ weight.T
    if x.ndim > 2:
        y = y.reshape(*x.shape[:-1], weight.shape[0])
    if bias is None:
        return y
    if bias.shape != weight.shape[:1]:
        raise ValueError(f"bias must have shape {weight.shape[:1]}, one number per row of the weight")
    y += bias
    return y


def linear_weight(g: Any, y: Any, x: Any, weight: Any, bias: Any = None) -> Any:
    """W̄ = Ȳᵀ X for Y = X Wᵀ, with all leading axes in one."""
    if x.ndim != 2:
        g, x = g.reshape(-1, g.shape[-1]), x.reshape(-1, x.shape[-1])
    return g.T @ x


def linear_input(g: Any, y: Any, x: Any, weight: Any, bias: Any = None) -> Any:
    """X̄ = Ȳ W, with all leading axes in one."""
    return g @ weight if x.ndim <= 2 else (g.reshape(-1, g.shape[-1]) @ weight).reshape(x.shape)


linear = define(
    _linear,
    linear_input,
    linear_weight,
    lambda g, y, x, weight, bias=None: g,  # the engine sums over the leading axes
    name="linear",
)
