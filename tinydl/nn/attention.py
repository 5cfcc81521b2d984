"""Attention with several heads, and the encoder layers of a transformer, which are made of it.

The formula of attention is in functional/attention.py. Where words stand in a sentence is no matter of these layers: a
model adds it to what it gives them.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import functional as F
from ..derivatives.products import matmul
from ..engine.checks import kind, whole
from ..functional.activations import as_input
from ..functional.attention import added, attention_weights, causal, refuse_two_masks
from . import init
from .dropout import Dropout
from .linear import Linear
from .module import Module, parameter
from .normalization import LayerNorm


class MultiheadAttention(Module):
    r"""Attention in `num_heads` parts side by side; True in a boolean mask means may **not** look, unlike in `F`.

    Queries, keys and values are projected (``in_proj_weight``, ``in_proj_bias``) and cut into heads of
    d = embed_dim / num_heads features; :math:`y = [\mathrm{head}_1, …, \mathrm{head}_h] W_o^\top + b_o` with
    :math:`\mathrm{head}_i` as `F.scaled_dot_product_attention` gives it for :math:`Q_i, K_i, V_i`.

    Shapes: query (L, N, E), key and value (S, N, E) → output (L, N, E), with ``batch_first=True`` (N, L, E) and
    (N, S, E); without a batch (L, E) and (S, E). Without key and value they are the query: self-attention. Weights are
    (N, L, S), the mean over the heads, (N, heads, L, S) with ``average_attn_weights=False``, and None without
    `need_weights`, which is faster; while training they are what dropout has left. in_proj_weight (3E, E) starts by
    Xavier's uniform distribution, out_proj.weight as in `Linear`, biases at 0, as in PyTorch.

    `attn_mask` is (L, S), or (N·heads, L, S) for each example and head; `key_padding_mask` (N, S) hides keys that are
    padding. Both are booleans, True where one may not look, or floats that are added to the scores. ``is_causal=True``
    hides the keys that come after a query, and needs no mask (in PyTorch it does). A query that may look nowhere has
    weights 0.

    `cache` is a dict of yours, {} at the start, in which keys and values are kept: give only the new part of a
    sequence each time, with ``is_causal=True``, and the outputs are those of the whole one. Its Tensors belong to the
    graph, so that gradients are right through it too; generate under `tl.no_grad()`, which keeps no graph.

    Raises ValueError for shapes that don't fit, a mask beside is_causal, a cache of other sequences, TypeError for a
    mask of integers. Source: Vaswani et al., arXiv:1706.03762 (2017).

    >>> attention = nn.MultiheadAttention(8, 2, batch_first=True)
    >>> x, cache = np.random.default_rng(0).normal(size=(1, 5, 8)), {}
    >>> with tl.no_grad():
    ...     steps = [attention(x[:, t : t + 1], is_causal=True, cache=cache)[0] for t in range(5)]
    >>> np.allclose(np.concatenate(steps, axis=1), attention(x, is_causal=True)[0].detach(), atol=1e-6)
    True
    """

    def __init__(
        self, embed_dim: int, num_heads: int, dropout: float = 0.0, bias: bool = True, *, batch_first: bool = False
    ) -> None:
        self.embed_dim, self.num_heads = whole("embed_dim", embed_dim, 1), whole("num_heads", num_heads, 1)
        if embed_dim % num_heads:
            raise ValueError(
                f"embed_dim={embed_dim} can't be cut into num_heads={num_heads} equal parts; write a multiple, such as "
                f"embed_dim={-(-embed_dim // num_heads) * num_heads}"
            )
        self.dropout, self.batch_first = Dropout(dropout).p, bool(batch_first)
        self.in_proj_weight = init.xavier_uniform_(parameter(3 * embed_dim, embed_dim))
        self.in_proj_bias = parameter(3 * embed_dim) if bias else None
        self.out_proj = Linear(embed_dim, embed_dim, bias)
        if self.out_proj.bias is not None:
            init.zeros_(self.out_proj.bias)

    def forward(
        self,
        query: Any,
        key: Any = None,
        value: Any = None,
        key_padding_mask: Any = None,
        need_weights: bool = True,
        attn_mask: Any = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
        cache: dict[str, Any] | None = None,
    ) -> tuple[Any, Any]:
        key = query if key is None else key
        value = key if value is None else value
        if cache is not None and not query is key is value:
            raise ValueError("a cache is for self-attention: leave key and value out")
        query, key, value = (as_input(x, self.in_proj_weight) for x in (query, key, value))
        self._refuse_other_shapes(query=query, key=key, value=value)
        refuse_two_masks("MultiheadAttention", attn_mask, is_causal)
        q, k, v = (self._heads(x, part) for part, x in enumerate((query, key, value)))
        if cache is not None:
            k, v = self._with_past(cache, k, v)
        mask = self._mask(q, k, attn_mask, key_padding_mask, is_causal)
        if cache is not None:
            cache.update(key=k, value=v)
        weights = attention_weights(q, k, mask, self.dropout if self.training else 0.0)
        heads = matmul(weights, v)
        y = self.out_proj(heads.transpose(self._axes(query.ndim, back=True)).reshape(query.shape))
        if not need_weights:
            return y, None
        return y, weights.mean(axis=-3) if average_attn_weights else weights

    def _heads(self, x: Any, part: int) -> Any:
        """Queries (part 0), keys (1) or values (2) of each head: (N, heads, L, d)."""
        rows = slice(part * self.embed_dim, (part + 1) * self.embed_dim)
        y = F.linear(x, self.in_proj_weight[rows], None if self.in_proj_bias is None else self.in_proj_bias[rows])
        return y.reshape(*x.shape[:-1], self.num_heads, self.embed_dim // self.num_heads).transpose(self._axes(x.ndim))

    def _axes(self, ndim: int, back: bool = False) -> tuple[int, ...]:
        """How the axes of x, its last one cut into heads, are ordered in (N, heads, L, d); or those in that one."""
        if ndim == 2:
            return 1, 0, 2
        if self.batch_first:
            return 0, 2, 1, 3
        return (2, 0, 1, 3) if back else (1, 2, 0, 3)

    def _mask(self, q: Any, k: Any, attn_mask: Any, padding: Any, is_causal: bool) -> Any:
        """All masks together, as they are added to the scores of the heads; None if there is none."""
        shape, masks = (*q.shape[:-1], k.shape[-2]), list[Any]()
        if is_causal:
            masks.append(causal(shape, q))
        if attn_mask is not None:
            of_heads = math.prod(shape[:-2]), *shape[-2:]
            mask = _fitting("attn_mask", attn_mask, q, {"(queries, keys)": shape[-2:], "(batch·heads, …)": of_heads})
            masks.append(mask.reshape(shape) if mask.ndim == 3 else mask)
        if padding is not None:
            batch = shape[:-3]
            keys = {"(batch, keys)" if batch else "(keys,)": (*batch, shape[-1])}
            mask = _fitting("key_padding_mask", padding, q, keys)
            masks.append(mask[:, None, None] if batch else mask)
        return sum(masks[1:], masks[0]) if masks else None

    def _with_past(self, cache: dict[str, Any], k: Any, v: Any) -> tuple[Any, Any]:
        """Keys and values of the whole sequence."""
        if not isinstance(cache, dict) or not cache.keys() <= {"key", "value"}:
            raise TypeError(f"a cache is a dict that this layer fills, {{}} at the start, not {cache!r:.60}")
        if not cache:
            return k, v
        past, new = cache["key"].shape, k.shape
        if (*past[:-2], past[-1]) != (*new[:-2], new[-1]):
            batch = f"a batch of {past[0]}" if len(past) > 3 else "one sequence without a batch"
            raise ValueError(
                f"the cache keeps keys of shape {past}, {batch}, but the query gives {new}, (batch, heads, length, "
                "features of a head); begin each batch of sequences, and each layer, with a cache={} of its own"
            )
        return np.concatenate([cache["key"], k], axis=-2), np.concatenate([cache["value"], v], axis=-2)

    def _refuse_other_shapes(self, **given: Any) -> None:
        shapes = [x.shape for x in given.values()]
        read = "; ".join(f"{name} {self._read(x.shape)}" for name, x in given.items())
        if self.batch_first or max(map(len, shapes)) > 2:
            read += f", because batch_first={self.batch_first}"
        if any(len(shape) not in (2, 3) or shape[-1] != self.embed_dim for shape in shapes):
            raise ValueError(f"MultiheadAttention needs embed_dim={self.embed_dim} features, but has {read}")
        batches = {shape[1 - self.batch_first] if len(shape) == 3 else None for shape in shapes}
        lengths = {shape[self.batch_first if len(shape) == 3 else 0] for shape in shapes[1:]}
        if len(batches) > 1 or len(lengths) > 1:
            raise ValueError(f"MultiheadAttention needs one batch, and as many keys as values, but has {read}")

    def _read(self, shape: tuple[int, ...]) -> str:
        """A shape with what its axes are taken for: "(length 32, batch 20, features 64)"."""
        names = ["batch", "length"] if self.batch_first else ["length", "batch"]
        axes = {1: ["features"], 2: ["length", "features"], 3: [*names, "features"]}.get(len(shape))
        if axes is None:
            return f"of shape {shape}"
        return f"({', '.join(f'{name} {n}' for name, n in zip(axes, shape, strict=True))})"


def _fitting(what: str, mask: Any, like: Any, shapes: dict[str, tuple[int, ...]]) -> Any:
    """A mask as it is added to scores. ValueError unless it has one of these shapes."""
    mask = added(f"MultiheadAttention: {what}", mask, like, looks=False)
    if mask.shape not in shapes.values():
        need = " or ".join(f"{axes} = {shape}" for axes, shape in shapes.items())
        raise ValueError(f"MultiheadAttention: {what} must have the shape {need}, not {mask.shape}")
    return mask


def _function(activation: Any) -> Any:
    return {"relu": F.relu, "gelu": F.gelu}.get(activation, activation)


class TransformerEncoderLayer(Module):
    r"""Self-attention, then two linear maps on each place by itself, each with a residual connection and a LayerNorm.

    :math:`x ← \mathrm{norm_1}(x + \mathrm{attend}(x))`, then :math:`y = \mathrm{norm_2}(x + W_2\,a(W_1 x))`; with
    `norm_first` :math:`x ← x + \mathrm{attend}(\mathrm{norm_1}(x))` and so on, as GPT-2 has it, which learns without a
    warm-up of the learning rate (Xiong et al., arXiv:2002.04745, 2020). The activation a is "relu", "gelu", a function
    or a layer, such as ``nn.GELU("tanh")``. Dropout acts on the weights of attention, after a, and before each sum.

    Shapes: src (L, N, d_model), with ``batch_first=True`` (N, L, d_model), or (L, d_model) → the same. Masks, where
    True means may **not** look, `is_causal`, `cache` and errors are those of `MultiheadAttention`. Names, defaults and
    initialisation are PyTorch's. Source: Vaswani et al., arXiv:1706.03762 (2017).
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Callable[[Any], Any] = "relu",
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
    ) -> None:
        if not callable(_function(activation)):
            raise ValueError(f'activation is "relu", "gelu" or a function, such as F.silu, not {activation!r}')
        self.self_attn = MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first)
        self.linear1 = Linear(d_model, whole("dim_feedforward", dim_feedforward, 1), bias)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias)
        self.norm1 = LayerNorm(d_model, layer_norm_eps, bias=bias)
        self.norm2 = LayerNorm(d_model, layer_norm_eps, bias=bias)
        self.dropout1, self.dropout2 = Dropout(dropout), Dropout(dropout)
        self.activation, self.norm_first = activation, bool(norm_first)

    def forward(
        self,
        src: Any,
        src_mask: Any = None,
        src_key_padding_mask: Any = None,
        is_causal: bool = False,
        cache: dict[str, Any] | None = None,
    ) -> Any:
        def attend(x: Any) -> Any:
            y, _ = self.self_attn(
                x, None, None, src_key_padding_mask, False, src_mask, is_causal=is_causal, cache=cache
            )
            return self.dropout1(y)

        x = as_input(src, self.linear1.weight)
        if self.norm_first:
            x = x + attend(self.norm1(x))
            return x + self._feed(self.norm2(x))
        x = self.norm1(x + attend(x))
        return self.norm2(x + self._feed(x))

    def _feed(self, x: Any) -> Any:
        return self.dropout2(self.linear2(self.dropout(_function(self.activation)(self.linear1(x)))))


class TransformerEncoder(Module):
    """`num_layers` copies of an encoder layer, one after another, then `norm`, a layer, if there is one.

    As in PyTorch they are copies of the very layer given and so begin equal, whereas layers that are drawn by
    themselves begin apart; for those write ``encoder.layers = [nn.TransformerEncoderLayer(…) for _ in range(6)]``.

    Shapes, masks (True: may **not** look), errors and `is_causal` are those of `TransformerEncoderLayer`. `cache`, {}
    at the start, gets a dict for each layer; it holds ``cache[0]["key"].shape[-2]`` places so far. Raises ValueError
    where the number of layers isn't positive.

    A model of letters, with the weights of its table of letters for the output too (weight tying; Press & Wolf,
    arXiv:1608.05859, 2017): a Tensor by two names is one parameter.

    >>> class GPT(nn.Module):
    ...     def __init__(self, letters, length, width=16):
    ...         self.letter, self.place = nn.Embedding(letters, width), nn.Embedding(length, width)
    ...         layer = nn.TransformerEncoderLayer(width, 2, 4 * width, 0.1, "gelu", batch_first=True, norm_first=True)
    ...         self.encoder = nn.TransformerEncoder(layer, 2, nn.LayerNorm(width))
    ...         self.out = nn.Linear(width, letters, bias=False)
    ...         self.out.weight = self.letter.weight
    ...     def forward(self, x, cache=None):
    ...         past = cache[0]["key"].shape[-2] if cache else 0
    ...         h = self.letter(x) + self.place(np.arange(past, past + x.shape[1]))
    ...         return self.out(self.encoder(h, is_causal=True, cache=cache))
    >>> model, text = GPT(30, 12).eval(), np.array([[7, 4, 11, 11, 14]])
    >>> logits = model(text)  # logits[:, i] says what comes after letter i
    >>> F.cross_entropy(logits[:, :-1].reshape(-1, 30), text[:, 1:].reshape(-1)).shape
    ()
    >>> cache = {}
    >>> with tl.no_grad():  # the same letter by letter, each time with what is new alone
    ...     steps = [model(text[:, t : t + 1], cache) for t in range(5)]
    >>> np.allclose(np.concatenate(steps, axis=1), logits.detach(), atol=1e-5)
    True
    """

    def __init__(self, encoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        if not isinstance(encoder_layer, Module):
            raise TypeError(
                f"encoder_layer is a layer, such as nn.TransformerEncoderLayer(64, 4), not {kind(encoder_layer)}"
            )
        self.layers = [copy.deepcopy(encoder_layer) for _ in range(whole("num_layers", num_layers, 1))]
        self.norm = norm

    def forward(
        self,
        src: Any,
        mask: Any = None,
        src_key_padding_mask: Any = None,
        is_causal: bool = False,
        cache: dict[int, dict[str, Any]] | None = None,
    ) -> Any:
        for i, layer in enumerate(self.layers):
            of_layer = None if cache is None else cache.setdefault(i, {})
            src = layer(src, mask, src_key_padding_mask, is_causal, of_layer)
        return src if self.norm is None else self.norm(src)
