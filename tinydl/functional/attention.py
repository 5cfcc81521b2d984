r"""Attention as a function: how much each query looks at each key, and the mixture of values that it sees.

It is made of products and of the softmax with a mask (derivatives/attention.py). nn/attention.py puts it into layers.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..derivatives.attention import masked_softmax
from ..derivatives.products import matmul
from ..derivatives.softmax import softmax
from ..engine.arrays import Array, as_array, beside
from ..engine.checks import array_of
from ..engine.recording import computed_plainly
from .activations import as_input, dropout


def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
) -> Any:
    r"""softmax(q kᵀ/√E) v; in a boolean mask True means *may look* here, and may **not** in `nn.MultiheadAttention`.

    :math:`y_i = \sum_j w_{ij} v_j` with :math:`w_i = \mathrm{softmax}_j(q_i \cdot k_j / \sqrt E + m_{ij})`.

    Shapes: query (…, L, E), key (…, S, E), value (…, S, V) → (…, L, V). `attn_mask` broadcasts to (…, L, S): booleans,
    or floats that are added to the scores (−∞: may not look). `is_causal` lets query i of L look at the keys up to
    S − L + i: where there are fewer queries than keys, as in generation, they are the last ones (PyTorch lets query i
    look at the keys up to i). A query that may look nowhere gets zeros, and gives none a gradient (PyTorch: NaN in
    some versions). `scale` takes the place of 1/√E. As in PyTorch a `dropout_p` above 0 drops weights whenever it is
    given, so pass 0.0 at evaluation. Raises ValueError for shapes that don't fit and for a mask beside is_causal,
    TypeError for a mask of integers. Source: Vaswani et al., arXiv:1706.03762 (2017).

    >>> x = np.eye(3, 2)
    >>> F.scaled_dot_product_attention(x, x, x, is_causal=True)[0]  # the first looks at itself alone
    array([1., 0.])
    """
    name = "scaled_dot_product_attention"
    query, key, value = as_array(query), as_array(key), as_array(value)
    _refuse_other_shapes(name, query.shape, key.shape, value.shape)
    shape = (*np.broadcast_shapes(query.shape[:-2], key.shape[:-2]), query.shape[-2], key.shape[-2])
    refuse_two_masks(name, attn_mask, is_causal)
    mask = None
    if attn_mask is not None:
        mask = added(f"{name}: attn_mask", attn_mask, query, looks=True)
        _refuse_other_mask(name, mask.shape, shape)
    elif is_causal:
        mask = causal(shape, query)
    return matmul(attention_weights(query, key, mask, dropout_p, scale), value)


def attention_weights(
    query: Any, key: Any, mask: Any = None, dropout_p: float = 0.0, scale: float | None = None
) -> Any:
    """How much each query looks at each key, (…, L, S): rows that sum to 1, or are 0 where a query may look nowhere.

    The mask, if there is one, is added to the scores.
    """
    scale = 1 / math.sqrt(max(query.shape[-1], 1)) if scale is None else float(scale)
    scores = matmul(query * scale, key.mT)
    weights = softmax(scores) if mask is None else masked_softmax(scores, mask)
    return dropout(weights, dropout_p)


# ---- masks, as they are given and as they are added ----


def added(name: str, mask: Any, like: Any, looks: bool) -> Any:
    """A mask as it is added to scores, beside `like`: floats as they are, booleans as 0 and −∞. `looks` says whether
    True means that a query may look. TypeError for other dtypes."""
    given = array_of(mask)
    if given.dtype.kind == "f":
        return as_input(mask, like)
    if given.dtype != bool:
        meaning = "may look" if looks else "may not look"
        raise TypeError(
            f"{name} is of {given.dtype}; write mask.astype(bool), in which True means: {meaning}, or give floats, "
            "which are added to the scores"
        )
    array = array_of(like)
    return beside(computed_plainly(of_booleans, given, looks, array.dtype), array)


def of_booleans(mask: Array, looks: bool, dtype: Any) -> Array:
    """0 where a query may look, −∞ elsewhere; it may where the mask is `looks`."""
    return np.where(mask == looks, 0.0, -math.inf).astype(dtype)


def causal(shape: tuple[int, ...], like: Any) -> Any:
    """The mask that lets each of L queries, the last of S keys, look at the keys up to its own."""
    array = array_of(like)
    return beside(computed_plainly(of_past, shape[-2], shape[-1], array.dtype), array)


def of_past(queries: int, keys: int, dtype: Any) -> Array:
    """0 up to the diagonal that ends in the last corner, −∞ beyond."""
    return of_booleans(np.tri(queries, keys, keys - queries, dtype=bool), True, dtype)


def refuse_two_masks(name: str, attn_mask: Any, is_causal: bool) -> None:
    """ValueError where both are given."""
    if is_causal and attn_mask is not None:
        raise ValueError(f"{name}: give a mask or is_causal=True, which makes one, not both; leave one out")


def _refuse_other_shapes(name: str, query: tuple[int, ...], key: tuple[int, ...], value: tuple[int, ...]) -> None:
    for what, shape in (("query", query), ("key", key), ("value", value)):
        if len(shape) < 2:
            raise ValueError(f"{name}: {what} needs the axes (…, length, features), not shape {shape}; write x[None]")
    if query[-1] != key[-1]:
        raise ValueError(f"{name}: query {query} and key {key} must end in the same number of features")
    if key[-2] != value[-2]:
        raise ValueError(f"{name}: key {key} and value {value} must have the same length, their axis before the last")
    try:
        np.broadcast_shapes(query[:-2], key[:-2], value[:-2])
    except ValueError:
        raise ValueError(
            f"{name}: the axes before (length, features) of query {query}, key {key} and value {value} must be the same"
        ) from None


def _refuse_other_mask(name: str, given: tuple[int, ...], shape: tuple[int, ...]) -> None:
    try:
        fits = np.broadcast_shapes(given, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        hint = f"; for one row of keys for each example write mask[:, {'None, ' * (len(shape) - 2)}:]"
        raise ValueError(
            f"{name}: attn_mask of shape {given} doesn't broadcast to the scores (…, queries, keys) of shape {shape}"
            f"{hint if len(shape) > 2 and given == (shape[0], shape[-1]) else ''}"
        )
