"""Attention, the encoder of a transformer, and what a GPT stands on: against plain loops, formulas and PyTorch."""

from __future__ import annotations

import copy
import doctest
import importlib.util
import itertools
import math
import sys
import warnings
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from numerical import assert_rounded_once, numerical_vjp
from test_functional import assert_agree, assert_as_torch, derivatives

import tinydl as tl
from tinydl import functional as F
from tinydl import nn, optim
from tinydl.derivatives.attention import masked_softmax
from tinydl.derivatives.special import _DOUBLE, _SINGLE, normal_cdf, normal_pdf

INF = math.inf


@pytest.fixture(autouse=True)
def _the_same_weights():
    tl.manual_seed(0)


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def in_float64(make):
    with tl.default_dtype(np.float64):
        return make()


# ---- the function ----


def by_loops(query, key, value, mask, scale):
    """Attention of one sequence, one query after another; the mask is added, and a row of −∞ gives zeros."""
    found = np.zeros((len(query), value.shape[-1]))
    for i, q in enumerate(query):
        scores = np.array([q @ k * scale + m for k, m in zip(key, mask[i], strict=True)])
        if (scores > -INF).any():
            shares = np.array([math.exp(s - scores.max()) for s in scores])
            found[i] = sum(s / shares.sum() * v for s, v in zip(shares, value, strict=True))
    return found


def qkv(batch=(2, 3), queries=4, keys=5, features=3, values=2, seed=0):
    rng = np.random.default_rng(seed)
    sizes = (queries, features), (keys, features), (keys, values)
    return [rng.standard_normal((*batch, *size)) for size in sizes]


BOOLEANS = np.array([[1, 0, 1, 1, 0], [1, 1, 1, 1, 1], [0, 0, 0, 0, 1], [0, 1, 0, 1, 1]], bool)
NOWHERE = np.where(np.arange(4)[:, None] == 2, False, BOOLEANS)
MASKS = {
    "none": None, "booleans": BOOLEANS, "for each example": np.arange(30).reshape(2, 3, 1, 5) % 4 != 1,
    "for each head": np.arange(60).reshape(3, 4, 5) % 3 != 0, "floats": numbers(4, 5, seed=9),
    "minus infinity": np.where(BOOLEANS, numbers(4, 5, seed=9), -INF), "one for all": np.array(0.5),
}  # fmt: skip


@pytest.mark.parametrize("scale", [None, 0.3])
@pytest.mark.parametrize("name", [*MASKS, "causal"])
def test_attention_is_what_loops_over_queries_give(name, scale):
    q, k, v = qkv()
    mask, causal = MASKS.get(name), name == "causal"
    y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal, scale=scale)
    assert type(y) is np.ndarray
    mask = np.tri(4, 5, 1, dtype=bool) if causal else np.array(True) if mask is None else mask
    added = np.broadcast_to(np.where(mask, 0, -INF) if mask.dtype == bool else mask, (2, 3, 4, 5))
    for place in np.ndindex(2, 3):
        expected = by_loops(q[place], k[place], v[place], added[place], scale or 1 / math.sqrt(3))
        np.testing.assert_allclose(y[place], expected, rtol=1e-12)


@pytest.mark.parametrize("scale", [None, 0.3])
@pytest.mark.parametrize("name", MASKS)
def test_attention_agrees_with_torch_in_value_gradient_and_second_derivative(name, scale):
    torch = pytest.importorskip("torch")
    given = MASKS[name]
    theirs = None if given is None else torch.tensor(given)
    sdp = torch.nn.functional.scaled_dot_product_attention
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        assert_as_torch(
            lambda q, k, v: F.scaled_dot_product_attention(q, k, v, given, scale=scale),
            lambda q, k, v: sdp(q, k, v, theirs, scale=scale),
            *qkv(),
        )


def test_a_float_mask_that_is_learned_gets_torchs_derivatives():
    torch = pytest.importorskip("torch")
    sdp = torch.nn.functional.scaled_dot_product_attention
    for shape in ((4, 5), (3, 1, 5), (2, 1, 4, 5)):
        with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
            assert_as_torch(
                lambda *given: F.scaled_dot_product_attention(*given), lambda *given: sdp(*given),
                *qkv(), numbers(*shape, seed=3),
            )  # fmt: skip


def test_a_learned_mask_has_the_numerical_gradient():
    given, g = [*qkv((2,)), numbers(4, 5, seed=3)], numbers(2, 4, 2, seed=4)
    leaves = [tl.tensor(x, requires_grad=True) for x in given]
    F.scaled_dot_product_attention(*leaves).backward(gradient=g)
    for leaf, expected in zip(leaves, numerical_vjp(F.scaled_dot_product_attention, given, g), strict=True):
        np.testing.assert_allclose(leaf.grad.data, expected, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize(("queries", "keys"), [(1, 5), (3, 5), (5, 5)])
def test_fewer_queries_than_keys_are_the_last_ones_where_causal(queries, keys):
    q, k, v = qkv((2,), 5, keys)
    full = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    some = F.scaled_dot_product_attention(q[:, 5 - queries :], k, v, is_causal=True)
    np.testing.assert_allclose(some, full[:, 5 - queries :], rtol=1e-14)
    if queries == keys:
        torch = pytest.importorskip("torch")
        theirs = torch.nn.functional.scaled_dot_product_attention(*map(torch.tensor, (q, k, v)), is_causal=True)
        np.testing.assert_allclose(full, theirs.numpy(), rtol=1e-12)


NOWHERES = {
    "booleans": {"attn_mask": NOWHERE}, "floats": {"attn_mask": np.where(NOWHERE, 0.5, -INF)},
    "more queries than keys": {"is_causal": True},
}  # fmt: skip


@pytest.mark.parametrize("name", NOWHERES)
def test_a_query_that_may_look_nowhere_gives_zeros_in_value_gradient_and_second_derivative(name):
    row = [0, 1] if name == "more queries than keys" else [2]
    q, k, v = qkv((2,), keys=2 if len(row) == 2 else 5)
    rest = [i for i in range(4) if i not in row]

    def whole(q, k, v):
        return F.scaled_dot_product_attention(q, k, v, **NOWHERES[name])

    def without(q, k, v):
        options = {key: m if m is True else m[rest] for key, m in NOWHERES[name].items()}
        y = F.scaled_dot_product_attention(q[:, rest], k, v, **options)
        return np.stack([y[:, rest.index(i)] if i in rest else np.zeros((2, 2)) for i in range(4)], axis=1)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_agree(whole, lambda *given: derivatives(without, *given), q, k, v)
    leaves = [tl.tensor(x, requires_grad=True) for x in (q, k, v)]
    y = whole(*leaves)
    y.backward(gradient=numbers(*y.shape, seed=2))
    assert (y.data[:, row] == 0).all() and (leaves[0].grad.data[:, row] == 0).all()
    assert (y.data[:, rest] != 0).all() and (leaves[0].grad.data[:, rest] != 0).any()


def test_a_mask_of_which_nothing_is_allowed_at_all_leaves_no_gradient_anywhere():
    leaves = [tl.tensor(x, requires_grad=True) for x in (*qkv(), np.full((4, 5), -INF))]
    y = F.scaled_dot_product_attention(*leaves)
    y.backward(gradient=numbers(*y.shape))
    assert (y.data == 0).all() and all((x.grad.data == 0).all() for x in leaves)


def test_what_is_masked_may_be_any_number():
    """Garbage where padding is changes nothing, as long as it is finite."""
    q, k, v = qkv((2,))
    hidden = np.array([True, True, True, False, True])
    y = F.scaled_dot_product_attention(q, k, v, attn_mask=hidden)
    k[:, 3], v[:, 3] = 1e30, -1e30
    np.testing.assert_array_equal(F.scaled_dot_product_attention(q, k, v, attn_mask=hidden), y)


def test_dtypes_stay_what_they_are_and_empty_batches_pass():
    for dtype, tolerance in ((np.float16, 4e-3), (np.float32, 1e-5)):
        given = [x.astype(dtype) for x in qkv()]
        leaves = [tl.tensor(x, requires_grad=True) for x in given]
        exact = F.scaled_dot_product_attention(*(x.astype(float) for x in given), attn_mask=BOOLEANS)
        for mask in (BOOLEANS, np.where(BOOLEANS, 0.0, -INF)):  # a mask of float64 doesn't make more of float32
            y = F.scaled_dot_product_attention(*leaves, attn_mask=mask)
            y.backward(gradient=np.ones(y.shape))
            assert {y.dtype, *(x.grad.dtype for x in leaves)} == {np.dtype(dtype)}
            np.testing.assert_allclose(y.data, exact, rtol=tolerance, atol=tolerance)
    assert F.scaled_dot_product_attention(*(x[:0] for x in qkv()), is_causal=True).shape == (0, 3, 4, 2)
    y = F.scaled_dot_product_attention(numbers(2, 0, 3), numbers(2, 5, 3), numbers(2, 5, 4), is_causal=True)
    assert y.shape == (2, 0, 4)
    nothing = F.scaled_dot_product_attention(numbers(2, 3), numbers(0, 3), numbers(0, 4))
    np.testing.assert_array_equal(nothing, np.zeros((2, 4)))


def test_half_precision_is_rounded_once():
    mask = np.where(numbers(3, 5, seed=1) > 0.8, -INF, numbers(3, 5, seed=2)).astype(np.float16)
    assert_rounded_once(lambda x: masked_softmax(x, mask.astype(x.dtype)), 3 * numbers(2, 3, 5))
    assert_rounded_once(masked_softmax, 300 * numbers(2, 3, 5), numbers(3, 5, seed=2))
    x = np.linspace(-3.6, 3.6, 37).astype(np.float16)
    assert np.array_equal(normal_pdf(x), normal_pdf(x.astype(float)).astype(np.float16))


def test_a_mask_of_more_digits_decides_the_dtype_and_whole_numbers_become_floats():
    x = numbers(2, 5).astype(np.float32)
    assert masked_softmax(x, numbers(5)).dtype == np.float64
    whole = np.array([[1, 2, 3]])
    np.testing.assert_allclose(masked_softmax(whole, np.zeros(3)), F.softmax(whole))
    np.testing.assert_allclose(normal_pdf(whole), np.exp(-whole * whole / 2) / math.sqrt(2 * math.pi))


@pytest.mark.parametrize("features", [0, 1])
def test_queries_of_few_features(features):
    q, k, v = qkv((2,), features=features)
    expected = [by_loops(q[n], k[n], v[n], np.zeros((4, 5)), 1.0) for n in range(2)]
    np.testing.assert_allclose(F.scaled_dot_product_attention(q, k, v), expected)


@pytest.mark.parametrize("batched", ["query", "key"])
def test_the_axes_before_length_and_features_broadcast(batched):
    q, k, v = qkv((2,))
    q, k = (q, k[0]) if batched == "query" else (q[0], k)
    y = F.scaled_dot_product_attention(q, k, v, attn_mask=np.broadcast_to(BOOLEANS, (2, 4, 5)))
    full = [np.broadcast_to(x, (2, *x.shape[-2:])) for x in (q, k)]
    np.testing.assert_allclose(y, F.scaled_dot_product_attention(*full, v, attn_mask=BOOLEANS))


def test_dropout_of_weights_is_drawn_whenever_it_is_asked_for():
    q, k, _ = qkv()
    ones = np.broadcast_to(np.eye(5), (2, 3, 5, 5))
    weights = F.scaled_dot_product_attention(q, k, ones)
    tl.manual_seed(3)
    dropped = F.scaled_dot_product_attention(q, k, ones, dropout_p=0.4)
    assert 0.2 < (dropped == 0).mean() < 0.6
    np.testing.assert_allclose(dropped[dropped != 0], weights[dropped != 0] / 0.6)


REFUSED = {
    r"attn_mask is of int64; write mask\.astype\(bool\), in which True means: may look, or": lambda q, k, v: (
        F.scaled_dot_product_attention(q, k, v, attn_mask=BOOLEANS.astype(int))
    ),
    "give a mask or is_causal=True, which makes one, not both": lambda q, k, v: F.scaled_dot_product_attention(
        q, k, v, attn_mask=BOOLEANS, is_causal=True
    ),
    r"attn_mask of shape \(5, 4\) doesn't broadcast to the scores .* of shape \(2, 3, 4, 5\)$": lambda q, k, v: (
        F.scaled_dot_product_attention(q, k, v, attn_mask=BOOLEANS.T)
    ),
    r"attn_mask of shape \(7, 2, 3, 4, 5\) doesn't": lambda q, k, v: F.scaled_dot_product_attention(
        q, k, v, attn_mask=np.ones((7, 2, 3, 4, 5), bool)
    ),
    r"\(2, 5\) doesn't .* for one row of keys for each example write mask\[:, None, None, :\]": lambda q, k, v: (
        F.scaled_dot_product_attention(q, k, v, attn_mask=np.ones((2, 5), bool))
    ),
    r"query \(2, 3, 4, 3\) and key \(2, 3, 5, 2\) must end in the same": lambda q, k, v: F.scaled_dot_product_attention(
        q, k[..., 1:], v
    ),
    r"key \(2, 3, 5, 3\) and value \(2, 3, 4, 2\) must have the same length": lambda q, k, v: (
        F.scaled_dot_product_attention(q, k, v[:, :, 1:])
    ),
    r"the axes before .* of query \(2, 3, 4, 3\), key \(2, 2, 5, 3\) and value \(2, 3, 5, 2\)": lambda q, k, v: (
        F.scaled_dot_product_attention(q, k[:, 1:], v)
    ),
    r"query needs the axes \(…, length, features\), not shape \(3,\); write x\[None\]": lambda q, k, v: (
        F.scaled_dot_product_attention(q[0, 0, 0], k, v)
    ),
    "dropout: p is the probability": lambda q, k, v: F.scaled_dot_product_attention(q, k, v, dropout_p=2.0),
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_attention_says_what_is_wrong_and_what_to_write(sentence):
    with pytest.raises(TypeError if "int64" in sentence else ValueError, match=sentence):
        REFUSED[sentence](*qkv())


# ---- several heads ----

LENGTH, SOURCE, BATCH, WIDTH, HEADS = 4, 5, 3, 6, 2


def theirs(ours, torch, kind, *args, **options):
    """Torch's layer with the parameters of ours, in float64."""
    made = kind(*args, **options, dtype=torch.float64)
    made.load_state_dict({name: torch.from_numpy(a) for name, a in ours.state_dict().items()})
    return made


def sequences(batch_first, *lengths, dtype=np.float64):
    """One sequence for each length, of the axes that batch_first says; None: without a batch."""
    found = []
    for i, length in enumerate(lengths):
        shape = (length, WIDTH) if batch_first is None else (length, BATCH, WIDTH)
        x = numbers(*shape, seed=i).astype(dtype)
        found.append(np.ascontiguousarray(x.swapaxes(0, 1)) if batch_first else x)
    return found


def random_mask(kind, *shape):
    """True in about a third of the places, never in a whole row; or floats."""
    rng = np.random.default_rng(8)
    if kind == "floats":
        return rng.standard_normal(shape)
    mask = rng.random(shape) < 0.35
    mask[..., 0] = False
    return mask


def gradients_and_second(y, parameters, torch=None):
    """The gradients of Σ y·c for a fixed c, then those of the sum of their squares."""
    c = numbers(*y.shape, seed=11)
    if torch is None:
        for p in parameters:
            p.grad = None
        y.backward(gradient=c, create_graph=True)
        first = [p.grad for p in parameters]
        total = sum((g * g).sum() for g in first)
        for p in parameters:
            p.grad = None
        total.backward()
        return [g.data for g in first], [np.zeros(p.shape) if p.grad is None else p.grad.data for p in parameters]
    first = torch.autograd.grad(y, parameters, torch.tensor(c), create_graph=True)
    second = torch.autograd.grad(sum((g * g).sum() for g in first), parameters, allow_unused=True)
    second = [np.zeros(p.shape) if g is None else g.numpy() for p, g in zip(parameters, second, strict=True)]
    return [g.detach().numpy() for g in first], second


def assert_all_close(ours, expected, tolerance=1e-9):
    for a, b in zip(ours, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


ATTN_MASKS = [None, "booleans", "floats", "booleans for each head", "floats for each head", "causal"]
PADDINGS = [None, "booleans", "floats"]


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("mask", ATTN_MASKS)
@pytest.mark.parametrize("batch_first", [False, True, None])
@pytest.mark.parametrize("itself", [False, True], ids=["of another", "of itself"])
def test_several_heads_agree_with_torch_with_every_mask(itself, batch_first, mask, padding):
    torch = pytest.importorskip("torch")
    bias, source = mask != "floats", LENGTH if itself else SOURCE
    ours = in_float64(lambda: nn.MultiheadAttention(WIDTH, HEADS, bias=bias, batch_first=bool(batch_first)))
    for i, p in enumerate(ours.parameters()):
        p.data += 0.3 * numbers(*p.shape, seed=20 + i)
    other = theirs(ours, torch, torch.nn.MultiheadAttention, WIDTH, HEADS, bias=bias, batch_first=bool(batch_first))
    given = sequences(batch_first, LENGTH, *([] if itself else [source, source]))
    leaves = [tl.tensor(x, requires_grad=True) for x in given]
    tensors = [torch.tensor(x, requires_grad=True) for x in given]
    kind = (mask or "").split()[0] if mask else None
    batches = 1 if batch_first is None else BATCH
    shape = (HEADS * batches, LENGTH, source) if mask and "head" in mask else (LENGTH, source)
    given_mask = np.triu(np.ones(shape, bool), 1 + source - LENGTH) if mask == "causal" else None
    given_mask = random_mask(kind, *shape) if given_mask is None and mask else given_mask
    hidden = random_mask(padding, *(() if batch_first is None else (BATCH,)), source) if padding else None
    as_torch = {
        "attn_mask": None if given_mask is None else torch.tensor(given_mask),
        "key_padding_mask": None if hidden is None else torch.tensor(hidden),
    }
    if kind not in (None, padding) and padding and kind != "causal":  # torch warns where they are of two dtypes
        as_torch = {k: m if m.dtype != torch.bool else torch.zeros(m.shape).double().masked_fill(m, -INF)
                    for k, m in as_torch.items()}  # fmt: skip
    options = {"is_causal": True} if mask == "causal" else {"attn_mask": given_mask}
    for average in (True, False):
        y, weights = ours(*leaves, key_padding_mask=hidden, average_attn_weights=average, **options)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            triple = tensors * 3 if itself else tensors
            expected, their_weights = other(*triple, average_attn_weights=average, **as_torch)
        np.testing.assert_allclose(y.data, expected.detach().numpy(), rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(weights.data, their_weights.detach().numpy(), rtol=1e-10, atol=1e-12)
    fast, nothing = ours(*leaves, key_padding_mask=hidden, need_weights=False, **options)
    assert nothing is None and np.array_equal(fast.data, y.data)
    order = dict(other.named_parameters())
    their_parameters = [order[name] for name, _ in ours.named_parameters()]
    mine = gradients_and_second(y, [*leaves, *ours.parameters()])
    his = gradients_and_second(expected, [*tensors, *their_parameters], torch)
    assert_all_close(mine[0], his[0])
    assert_all_close(mine[1], his[1], 1e-7)


def heads_by_hand(m, query, key, value, added):
    """The formula, for (N, L, E) in plain NumPy; added (N, heads, L, S)."""
    w, b = m.in_proj_weight.data, m.in_proj_bias.data
    q, k, v = (x @ w[i * 6 : i * 6 + 6].T + b[i * 6 : i * 6 + 6] for i, x in enumerate((query, key, value)))
    out, d = np.zeros(query.shape), 6 // m.num_heads
    for n, h in np.ndindex(len(query), m.num_heads):
        cut = slice(h * d, h * d + d)
        out[n, :, cut] = by_loops(q[n][:, cut], k[n][:, cut], v[n][:, cut], added[n, h], 1 / math.sqrt(d))
    return out @ m.out_proj.weight.data.T + m.out_proj.bias.data


@pytest.mark.parametrize("heads", [1, 2, 3])
@pytest.mark.parametrize("batch_first", [False, True])
def test_several_heads_are_what_the_formula_says(batch_first, heads):
    m = in_float64(lambda: nn.MultiheadAttention(WIDTH, heads, batch_first=batch_first))
    m.in_proj_bias.data, m.out_proj.bias.data = numbers(18, seed=5), numbers(6, seed=6)
    q, k, v = sequences(True, LENGTH, SOURCE, SOURCE)
    turn = (lambda x: x) if batch_first else (lambda x: np.swapaxes(x, 0, 1))
    hidden, mask = random_mask("booleans", BATCH, SOURCE), random_mask("booleans", BATCH * heads, LENGTH, SOURCE)
    added = np.where(mask.reshape(BATCH, heads, LENGTH, SOURCE) | hidden[:, None, None], -INF, 0)
    y, weights = m(turn(q), turn(k), turn(v), hidden, attn_mask=mask)
    np.testing.assert_allclose(turn(y.data), heads_by_hand(m, q, k, v, added), rtol=1e-12, atol=1e-13)
    assert weights.shape == (BATCH, LENGTH, SOURCE)
    np.testing.assert_allclose(weights.data.sum(-1), 1)
    assert (weights.data[np.broadcast_to(hidden[:, None], weights.shape)] == 0).all()
    y, none = m(turn(q), turn(k), need_weights=False)  # the values are the keys
    assert none is None
    np.testing.assert_allclose(turn(y.data), heads_by_hand(m, q, k, k, np.zeros_like(added)), rtol=1e-12, atol=1e-13)
    y = m(turn(q), is_causal=True)[0]  # so are the queries
    causal = np.broadcast_to(np.where(np.tri(LENGTH, dtype=bool), 0, -INF), (BATCH, heads, LENGTH, LENGTH))
    np.testing.assert_allclose(turn(y.data), heads_by_hand(m, q, q, q, causal), rtol=1e-12, atol=1e-13)
    y = m(turn(q), turn(k), turn(v), hidden, is_causal=True)[0]
    causal = np.where(np.tri(LENGTH, SOURCE, 1, dtype=bool) & ~hidden[:, None, None], 0, -INF)
    causal = np.broadcast_to(causal, (BATCH, heads, LENGTH, SOURCE))
    np.testing.assert_allclose(turn(y.data), heads_by_hand(m, q, k, v, causal), rtol=1e-12, atol=1e-13)


def test_float_masks_are_added_and_a_layer_may_do_without_biases():
    m = in_float64(lambda: nn.MultiheadAttention(WIDTH, HEADS, bias=False, batch_first=True))
    q, k, v = sequences(True, LENGTH, SOURCE, SOURCE)
    mask, padding = random_mask("floats", LENGTH, SOURCE), random_mask("floats", BATCH, SOURCE)
    y = m(q, k, v, padding, attn_mask=mask)[0]
    m.in_proj_bias, m.out_proj.bias = tl.tensor(np.zeros(18)), tl.tensor(np.zeros(6))
    added = np.broadcast_to((mask + padding[:, None])[:, None], (BATCH, HEADS, LENGTH, SOURCE))
    np.testing.assert_allclose(y.data, heads_by_hand(m, q, k, v, added), rtol=1e-12, atol=1e-13)


def test_arrays_are_cast_to_the_dtype_of_the_parameters():
    x = numbers(LENGTH, BATCH, WIDTH)
    y, weights = nn.MultiheadAttention(WIDTH, HEADS)(x, key_padding_mask=random_mask("floats", BATCH, LENGTH))
    assert y.dtype == weights.dtype == nn.TransformerEncoderLayer(WIDTH, HEADS, 5)(x).dtype == np.float32
    assert nn.MultiheadAttention(WIDTH, HEADS)(x.tolist())[0].shape == x.shape


def test_one_sequence_needs_no_batch():
    m = in_float64(lambda: nn.MultiheadAttention(WIDTH, HEADS))
    x, mask = numbers(LENGTH, WIDTH), random_mask("booleans", HEADS, LENGTH, LENGTH)
    y, weights = m(x, key_padding_mask=mask[0, 1], attn_mask=mask, average_attn_weights=False)
    inside, theirs = m(x[:, None], key_padding_mask=mask[:1, 1], attn_mask=mask, average_attn_weights=False)
    assert np.array_equal(y.data, inside.data[:, 0]) and np.array_equal(weights.data, theirs.data[0])


def test_a_learned_mask_of_a_layer_gets_a_gradient():
    m, x = in_float64(lambda: nn.MultiheadAttention(WIDTH, HEADS)), numbers(LENGTH, BATCH, WIDTH)
    slope = tl.tensor(numbers(LENGTH, LENGTH), requires_grad=True)

    def loss(mask):
        return np.sum(np.sin(m(x, attn_mask=mask, key_padding_mask=random_mask("booleans", BATCH, LENGTH))[0]))

    loss(slope).backward()
    expected = numerical_vjp(lambda a: loss(a).data, [slope.data], 1.0)[0]
    np.testing.assert_allclose(slope.grad.data, expected, rtol=1e-7, atol=1e-10)


def test_float32_agrees_with_torch_and_a_state_goes_both_ways():
    torch = pytest.importorskip("torch")
    other = torch.nn.MultiheadAttention(WIDTH, HEADS)
    ours = nn.MultiheadAttention(WIDTH, HEADS)
    ours.load_state_dict(other.state_dict())
    x = sequences(False, LENGTH, dtype=np.float32)[0]
    y, weights = ours(x)
    expected, their_weights = other(*[torch.tensor(x)] * 3)
    assert y.dtype == weights.dtype == np.float32
    np.testing.assert_allclose(y.data, expected.detach().numpy(), atol=1e-6)
    np.testing.assert_allclose(weights.data, their_weights.detach().numpy(), atol=1e-6)
    fresh = torch.nn.MultiheadAttention(WIDTH, HEADS)
    fresh.load_state_dict({name: torch.from_numpy(a) for name, a in ours.state_dict().items()})
    np.testing.assert_allclose(fresh(*[torch.tensor(x)] * 3)[0].detach().numpy(), expected.detach().numpy(), atol=1e-7)
    assert list(ours.state_dict()) == list(other.state_dict())


def test_parameters_begin_as_torchs_do():
    tl.manual_seed(1)
    m = nn.MultiheadAttention(64, 4)
    bound, w = math.sqrt(6 / (4 * 64)), m.in_proj_weight.data
    assert w.shape == (192, 64) and 0.99 * bound < w.max() <= bound and -bound <= w.min() < -0.99 * bound
    assert abs(w.std() / (bound / math.sqrt(3)) - 1) < 0.02
    out = m.out_proj.weight.data
    assert 0.99 / 8 < out.max() <= 1 / 8
    assert not m.in_proj_bias.data.any() and not m.out_proj.bias.data.any()
    assert [name for name, _ in nn.MultiheadAttention(6, 3, bias=False).named_parameters()] == [
        "in_proj_weight", "out_proj.weight",
    ]  # fmt: skip
    assert repr(m).startswith("MultiheadAttention(\n  64, 4, dropout=0.0, batch_first=False\n")


def test_while_training_weights_are_dropped_and_at_evaluation_none():
    m = in_float64(lambda: nn.MultiheadAttention(WIDTH, HEADS, dropout=0.4))
    m.out_proj.weight.data = np.eye(WIDTH)
    x = numbers(40, WIDTH)
    calm = m.eval()(x, average_attn_weights=False)[1].data
    tl.manual_seed(5)
    y, weights = m.train()(x, average_attn_weights=False)
    dropped = weights.data == 0
    assert 0.35 < dropped.mean() < 0.45
    np.testing.assert_allclose(weights.data[~dropped], calm[~dropped] / 0.6, rtol=1e-12)
    left, right = np.split(x @ m.in_proj_weight.data[12:].T, 2, axis=1)
    np.testing.assert_allclose(y.data, np.concatenate([weights.data[0] @ left, weights.data[1] @ right], 1))
    assert np.array_equal(m.eval()(x)[0].data, m(x)[0].data)


def test_a_key_that_all_queries_may_not_see_and_a_row_of_padding_give_zeros_and_no_nan():
    m = in_float64(lambda: nn.MultiheadAttention(WIDTH, HEADS, batch_first=True))
    x = tl.tensor(numbers(BATCH, LENGTH, WIDTH), requires_grad=True)
    padding = np.zeros((BATCH, LENGTH), bool)
    padding[1] = True  # nothing but padding
    y, weights = m(x, key_padding_mask=padding)
    y.backward(gradient=numbers(*y.shape))
    assert (weights.data[1] == 0).all() and (y.data[1] == m.out_proj.bias.data).all()
    assert (x.grad.data[1] == 0).all() and np.isfinite(x.grad.data).all() and (x.grad.data[0] != 0).all()


LAYER_REFUSED = {
    r"embed_dim=6 can't be cut into num_heads=4 equal parts; write a multiple, such as embed_dim=8": lambda m, x: (
        nn.MultiheadAttention(6, 4)
    ),
    "num_heads must be at least 1": lambda m, x: nn.MultiheadAttention(6, 0),
    "p is a probability": lambda m, x: nn.MultiheadAttention(6, 2, dropout=1.5),
    r"needs embed_dim=6 features, but has query \(length 5, batch 4, features 3\); key .*, because batch_first=False": (
        lambda m, x: m(np.ones((5, 4, 3)))
    ),
    r"has query \(length 4, batch 3, features 6\); key \(length 3, batch 5, features 6\); value .*batch_first=False": (
        lambda m, x: m(x, np.ones((3, 5, 6)))
    ),
    r"as many keys as values, but has .*key \(length 4, batch 3, .*; value \(length 2, batch 3": (
        lambda m, x: m(x, x, x[:2])
    ),
    r"needs one batch, .*query \(length 4, batch 3, features 6\); key \(length 4, features 6\)": (
        lambda m, x: m(x, x[:, 0])
    ),
    r"has query \(features 6\); key \(features 6\)": lambda m, x: m(np.ones(6)),
    r"has query of shape \(2, 4, 3, 6\)": lambda m, x: m(np.ones((2, 4, 3, 6))),
    r"attn_mask must .* \(queries, keys\) = \(4, 4\) or \(batch·heads, …\) = \(6, 4, 4\), not \(3, 4, 4\)": (
        lambda m, x: m(x, attn_mask=np.zeros((3, 4, 4), bool))
    ),
    r"key_padding_mask must have the shape \(batch, keys\) = \(3, 4\), not \(4, 3\)": (
        lambda m, x: m(x, key_padding_mask=np.zeros((4, 3), bool))
    ),
    r"key_padding_mask must have the shape \(keys,\) = \(4,\), not \(1, 4\)": (
        lambda m, x: m(x[:, 0], key_padding_mask=np.zeros((1, 4), bool))
    ),
    r"attn_mask is of uint8; write mask\.astype\(bool\), in which True means: may not look": (
        lambda m, x: m(x, attn_mask=np.zeros((4, 4), np.uint8))
    ),
    r"key_padding_mask is of int64; write mask\.astype\(bool\)": (
        lambda m, x: m(x, key_padding_mask=np.zeros((3, 4), int))
    ),
    "give a mask or is_causal=True": lambda m, x: m(x, attn_mask=np.zeros((4, 4), bool), is_causal=True),
    "a cache is for self-attention: leave key and value out": lambda m, x: m(x, x[:2], cache={}),
    "a cache is a dict that this layer fills, {} at the start, not ": lambda m, x: m(x, cache=[]),
    r"fills, {} at the start, not {0: {}}": lambda m, x: m(x, cache={0: {}}),
    r"the cache keeps keys of shape \(3, 2, 4, 3\), a batch of 3, but the query gives \(2, 2, 4, 3\)": (
        lambda m, x: m(x[:, 1:], cache=filled(m, x))
    ),
    r"the cache keeps keys of shape \(2, 4, 3\), one sequence without a batch, but": (
        lambda m, x: m(x, cache=filled(m, x[:, 0]))
    ),
    r"the cache keeps keys of shape \(3, 2, 4, 3\).*each layer, with a cache={} of its own": (
        lambda m, x: nn.MultiheadAttention(6, 3)(x, cache=filled(m, x))
    ),
    'activation is "relu", "gelu" or a function, such as F.silu, not \'tanh\'': (
        lambda m, x: nn.TransformerEncoderLayer(6, 2, activation="tanh")
    ),
    "dim_feedforward must be an integer": lambda m, x: nn.TransformerEncoderLayer(6, 2, 8.0),
    "num_layers must be at least 1": lambda m, x: nn.TransformerEncoder(nn.TransformerEncoderLayer(6, 2, 8), 0),
    r"encoder_layer is a layer, such as nn\.TransformerEncoderLayer\(64, 4\), not a type": (
        lambda m, x: nn.TransformerEncoder(nn.TransformerEncoderLayer, 2)
    ),
}  # fmt: skip


def filled(m, x):
    cache = {}
    m(x, cache=cache)
    return cache


@pytest.mark.parametrize("sentence", LAYER_REFUSED)
def test_layers_say_what_is_wrong_how_axes_are_read_and_what_to_write(sentence):
    m, x = in_float64(lambda: nn.MultiheadAttention(WIDTH, HEADS)), numbers(LENGTH, BATCH, WIDTH)
    with pytest.raises((ValueError, TypeError), match=sentence):
        LAYER_REFUSED[sentence](m, x)


def test_what_is_refused_leaves_the_cache_as_it_was():
    m, x = in_float64(lambda: nn.MultiheadAttention(WIDTH, HEADS)), numbers(LENGTH, BATCH, WIDTH)
    cache = filled(m, x)
    with pytest.raises(ValueError, match=r"\(queries, keys\) = \(4, 8\)"):  # of all that is kept
        m(x, attn_mask=np.zeros((4, 4), bool), cache=cache)
    assert cache["key"].shape == cache["value"].shape == (BATCH, HEADS, LENGTH, WIDTH // HEADS)


# ---- the cache ----


def in_steps(length):
    """Ways to cut a sequence into parts."""
    return [[1] * length, [2, 3, length - 5], [length - 1, 1], [length]]


@pytest.mark.parametrize("batch_first", [False, True, None])
def test_steps_with_a_cache_give_the_full_causal_pass(batch_first):
    m = in_float64(lambda: nn.MultiheadAttention(WIDTH, HEADS, batch_first=bool(batch_first)))
    x, axis = sequences(batch_first, 7)[0], int(bool(batch_first))
    full, weights = m(x, is_causal=True)
    for sizes in in_steps(7):
        cache, parts = {}, []
        for part in np.split(x, np.cumsum(sizes)[:-1], axis):
            y, w = m(part, part, part, is_causal=True, cache=cache)
            parts.append(y)
        np.testing.assert_allclose(np.concatenate(parts, axis).data, full.data, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(w.data, weights.data[..., 7 - sizes[-1] :, :], rtol=1e-12, atol=1e-14)
        assert cache.keys() == {"key", "value"} and cache["key"].shape[-2] == cache["value"].shape[-2] == 7


def test_padding_is_hidden_from_steps_with_a_cache():
    m = in_float64(lambda: nn.MultiheadAttention(WIDTH, HEADS, batch_first=True))
    x, padding = numbers(BATCH, 7, WIDTH), np.arange(7) < np.array([[0], [2], [5]])
    full = m(x, key_padding_mask=padding, is_causal=True)[0]
    cache = {}
    parts = [m(x[:, t : t + 1], None, None, padding[:, : t + 1], is_causal=True, cache=cache)[0] for t in range(7)]
    np.testing.assert_allclose(np.concatenate(parts, 1).data, full.data, rtol=1e-12, atol=1e-14)


def test_gradients_through_a_cache_are_those_of_the_full_pass():
    layer = in_float64(lambda: nn.TransformerEncoderLayer(WIDTH, HEADS, 5, 0.0, batch_first=True))
    m, x = nn.TransformerEncoder(layer, 2), tl.tensor(numbers(BATCH, 5, WIDTH), requires_grad=True)

    def gradients(y):
        m.zero_grad()
        x.grad = None
        np.sum(np.sin(y) * numbers(BATCH, 5, WIDTH, seed=4)).backward()
        return [p.grad.data for p in (x, *m.parameters())]

    expected, cache = gradients(m(x, is_causal=True)), {}
    parts = [m(x[:, t : t + 1], is_causal=True, cache=cache) for t in range(5)]
    assert_all_close(gradients(np.concatenate(parts, 1)), expected, 1e-11)


def test_a_cache_that_is_filled_under_no_grad_keeps_no_graph():
    m, cache = nn.MultiheadAttention(WIDTH, HEADS), {}
    with tl.no_grad():
        m(sequences(False, 2)[0], is_causal=True, cache=cache)
    assert not cache["key"].requires_grad and cache["key"].primitive is None


@pytest.mark.parametrize("norm_first", [False, True])
def test_an_encoder_generates_with_a_cache_what_the_full_pass_gives(norm_first):
    layer = in_float64(lambda: nn.TransformerEncoderLayer(WIDTH, 3, 9, 0.1, "gelu", norm_first=norm_first))
    m = nn.TransformerEncoder(layer, 3, in_float64(lambda: nn.LayerNorm(WIDTH))).eval()
    x = numbers(8, BATCH, WIDTH)
    full = m(x, is_causal=True).data
    for sizes in in_steps(8):
        cache = {}
        parts = [m(part, is_causal=True, cache=cache).data for part in np.split(x, np.cumsum(sizes)[:-1])]
        np.testing.assert_allclose(np.concatenate(parts), full, rtol=1e-12, atol=1e-13)
        assert list(cache) == [0, 1, 2] and cache[0]["key"].shape[-2] == 8


# ---- the encoder ----

ENCODERS = [
    dict(zip(("activation", "batch_first", "norm_first", "bias", "layer_norm_eps"), chosen, strict=True))
    for chosen in itertools.product(["relu", "gelu"], [False, True], [False, True], [True, False], [1e-5, 0.1])
]


def perturbed(m):
    for i, p in enumerate(m.parameters()):
        p.data += 0.2 * numbers(*p.shape, seed=30 + i)
    return m


@pytest.mark.parametrize("options", ENCODERS, ids=lambda o: ", ".join(map(str, o.values())))
def test_an_encoder_layer_agrees_with_torch_in_value_gradient_and_second_derivative(options):
    torch = pytest.importorskip("torch")
    smooth = options["activation"] == "gelu"
    ours = perturbed(in_float64(lambda: nn.TransformerEncoderLayer(WIDTH, HEADS, 5, 0.0, **options)))
    other = theirs(ours, torch, torch.nn.TransformerEncoderLayer, WIDTH, HEADS, 5, 0.0, **options)
    x = sequences(options["batch_first"], LENGTH)[0]
    mask, padding = random_mask("booleans", LENGTH, LENGTH), random_mask("booleans", BATCH, LENGTH)
    causal = torch.nn.Transformer.generate_square_subsequent_mask(LENGTH, dtype=torch.float64)
    order = dict(other.named_parameters())
    for mine, his in (
        ({}, {}),
        ({"src_mask": mask}, {"src_mask": torch.tensor(mask)}),
        ({"src_key_padding_mask": padding}, {"src_key_padding_mask": torch.tensor(padding)}),
        ({"is_causal": True}, {"src_mask": causal}),
    ):
        a, b = tl.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
        y = ours(a, **mine)
        with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):  # the others have one derivative
            expected = other(b, **his)
        np.testing.assert_allclose(y.data, expected.detach().numpy(), rtol=1e-9, atol=1e-11)
        found = gradients_and_second(y, [a, *ours.parameters()])
        wanted = gradients_and_second(expected, [b, *(order[n] for n, _ in ours.named_parameters())], torch)
        assert_all_close(found[0], wanted[0], 1e-8)
        if smooth or "src_mask" in mine:
            scale = max(float(np.abs(g).max()) for g in wanted[1])
            assert_all_close([g / scale for g in found[1]], [g / scale for g in wanted[1]], 1e-8)
        with torch.no_grad():
            assert_all_close([ours.eval()(x, **mine).data], [other.eval()(torch.tensor(x), **his).numpy()], 1e-8)
        ours.train(), other.train()


@pytest.mark.parametrize("norm_first", [False, True])
def test_an_encoder_layer_is_what_its_formula_says(norm_first):
    m = in_float64(lambda: nn.TransformerEncoderLayer(WIDTH, HEADS, 5, 0.0, "gelu", norm_first=norm_first))
    x, mask = numbers(LENGTH, BATCH, WIDTH), random_mask("booleans", LENGTH, LENGTH)
    padding = random_mask("booleans", BATCH, LENGTH)

    def attend(x):
        return m.self_attn(x, key_padding_mask=padding, attn_mask=mask)[0]

    def feed(x):
        return m.linear2(F.gelu(m.linear1(x)))

    if norm_first:
        h = x + attend(m.norm1(x))
        expected = h + feed(m.norm2(h))
    else:
        h = m.norm1(x + attend(x))
        expected = m.norm2(h + feed(h))
    assert np.array_equal(m(x, mask, padding).data, expected.data)
    assert m.norm1.eps == 1e-5 and nn.TransformerEncoderLayer(WIDTH, HEADS, 5, layer_norm_eps=0.1).norm2.eps == 0.1


@pytest.mark.parametrize("with_norm", [False, True])
def test_an_encoder_agrees_with_torch_and_a_state_goes_both_ways(with_norm):
    torch = pytest.importorskip("torch")
    layer = nn.TransformerEncoderLayer(WIDTH, HEADS, 5, 0.0)
    ours = perturbed(nn.TransformerEncoder(layer, 2, nn.LayerNorm(WIDTH) if with_norm else None))
    of_torch = torch.nn.TransformerEncoderLayer(WIDTH, HEADS, 5, 0.0)
    norm = torch.nn.LayerNorm(WIDTH) if with_norm else None
    other = torch.nn.TransformerEncoder(of_torch, 2, norm, enable_nested_tensor=False)
    assert sorted(ours.state_dict()) == sorted(other.state_dict())
    other.load_state_dict({name: torch.from_numpy(a) for name, a in ours.state_dict().items()})
    x = sequences(False, LENGTH, dtype=np.float32)[0]
    mask = np.triu(np.ones((LENGTH, LENGTH), bool), 1)
    expected = other(torch.tensor(x), mask=torch.tensor(mask)).detach().numpy()
    np.testing.assert_allclose(ours(x, is_causal=True).data, expected, atol=1e-5)
    np.testing.assert_allclose(ours(x, mask).data, expected, atol=1e-5)
    fresh = nn.TransformerEncoder(layer, 2, nn.LayerNorm(WIDTH) if with_norm else None)
    fresh.load_state_dict(other.state_dict())
    assert np.array_equal(fresh(x, mask).data, ours(x, mask).data)


def test_layers_of_an_encoder_are_copies_that_begin_equal_and_part():
    layer = nn.TransformerEncoderLayer(WIDTH, HEADS, 5)
    m = nn.TransformerEncoder(layer, 2)
    first, second = ([p for _, p in part.named_parameters()] for part in m.layers)
    own = [p for _, p in layer.named_parameters()]
    assert all(np.array_equal(a.data, b.data) for a, b in zip(first, second, strict=True))
    assert len({id(p) for p in (*first, *second, *own)}) == 3 * len(own)
    optimizer = optim.SGD(m.parameters(), 0.1)
    m(numbers(LENGTH, BATCH, WIDTH).astype("f")).sum().backward()
    optimizer.step()
    assert not np.array_equal(first[0].data, second[0].data) and np.array_equal(own[0].data, layer.state_dict()[
        "self_attn.in_proj_weight"])  # fmt: skip


def test_an_encoder_layer_drops_at_four_places_while_training():
    def zeros(y):
        return (np.asarray(y.data) == 0).mean()

    layer = nn.TransformerEncoderLayer(64, 4, 128, 0.25, norm_first=True, batch_first=True)
    found, x = {}, numbers(8, 16, 64).astype("f")
    for name in ("dropout", "dropout1", "dropout2"):
        drop = vars(layer)[name]
        drop.forward = lambda z, name=name, forward=drop.forward: found.setdefault(name, forward(z))
    tl.manual_seed(2)
    trained = layer(x)
    assert all(abs(zeros(found[name]) - 0.25) < 0.02 for name in ("dropout1", "dropout2"))
    assert 0.55 < zeros(found["dropout"]) < 0.7  # relu makes half of them 0
    assert layer.self_attn.dropout == 0.25
    found.clear()
    assert not np.allclose(layer.eval()(x).data, trained.data)
    assert zeros(found["dropout1"]) == zeros(found["dropout2"]) == 0
    assert layer.training is False and layer.dropout2.training is False


def test_the_activation_may_be_a_function_or_a_layer_with_parameters():
    class Slope(nn.Module):
        def __init__(self):
            self.slope = tl.tensor([0.3], requires_grad=True)

        def forward(self, x):
            return np.maximum(x, 0) + self.slope * np.minimum(x, 0)

    x = numbers(LENGTH, BATCH, WIDTH).astype("f")
    for activation in (F.silu, nn.GELU("tanh"), Slope()):
        tl.manual_seed(0)
        layer = nn.TransformerEncoderLayer(WIDTH, HEADS, 5, 0.0, activation)
        y = layer(x)
        h = layer.norm1(x + layer.self_attn(x)[0])
        assert np.array_equal(y.data, layer.norm2(h + layer.linear2(activation(layer.linear1(h)))).data)
    assert "activation.slope" in layer.state_dict()
    assert np.array_equal(copy.deepcopy(layer)(x).data, y.data)


def test_names_that_are_written_elsewhere_are_answered():
    with pytest.raises(AttributeError, match=r"nn\.TransformerEncoder\(nn\.TransformerEncoderLayer"):
        _ = nn.Transformer
    with pytest.raises(AttributeError, match=r"nn\.MultiheadAttention\(embed_dim, num_heads\)"):
        _ = nn.MultiHeadAttention


@pytest.mark.parametrize("thing", [F.scaled_dot_product_attention, nn.MultiheadAttention, nn.TransformerEncoder])
def test_the_examples_of_the_docstrings_run(thing):
    space = {"np": np, "tl": tl, "nn": nn, "F": F}
    examples = doctest.DocTestParser().get_doctest(thing.__doc__, space, thing.__name__, None, None)
    assert len(examples.examples) > 1
    assert doctest.DocTestRunner().run(examples, clear_globs=False).failed == 0


def test_the_first_lines_say_that_masks_mean_the_opposite():
    assert "True means *may look* here" in F.scaled_dot_product_attention.__doc__.splitlines()[0]
    assert "True in a boolean mask means may **not** look" in nn.MultiheadAttention.__doc__.splitlines()[0]
    q = numbers(LENGTH, WIDTH)
    m = in_float64(lambda: nn.MultiheadAttention(WIDTH, 1))
    m.in_proj_weight.data, m.out_proj.weight.data = np.tile(np.eye(WIDTH), (3, 1)), np.eye(WIDTH)
    seen = np.tri(LENGTH, dtype=bool)
    np.testing.assert_allclose(m(q, attn_mask=~seen)[0].data, F.scaled_dot_product_attention(q, q, q, seen), rtol=1e-12)


# ---- a whole model ----


class GPT(nn.Module):
    """Letters and places in, logits of the next letter out, by the table of letters itself."""

    def __init__(self, activation="gelu", dropout=0.0, letters=11, length=9, width=16):
        self.letter, self.place = nn.Embedding(letters, width), nn.Embedding(length, width)
        layer = nn.TransformerEncoderLayer(width, 2, 20, dropout, activation, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, nn.LayerNorm(width))
        self.out = nn.Linear(width, letters, bias=False)
        self.out.weight = self.letter.weight

    def forward(self, x, cache=None):
        past = cache[0]["key"].shape[-2] if cache else 0
        h = self.letter(x) + self.place(np.arange(past, past + x.shape[1]))
        return self.out(self.encoder(h, is_causal=True, cache=cache))


def letters(seed=0):
    return np.random.default_rng(seed).integers(0, 11, (4, 9))


def sequence_loss(logits, y):
    return F.cross_entropy(logits.reshape(-1, logits.shape[-1]), y.reshape(-1))


def trained(activation="gelu", dropout=0.0, steps=5, of=lambda step: step):
    tl.manual_seed(0)
    model = GPT(activation, dropout)
    optimizer = optim.AdamW(model.parameters(), lr=1e-2)

    def step(x, y):
        optimizer.zero_grad()
        loss = sequence_loss(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    update = of(step)
    losses = [update(x[:, :-1], x[:, 1:]).item() for x in map(letters, range(steps))]
    return losses, model.state_dict(), update


@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("activation", ["gelu", nn.GELU("tanh"), "relu"], ids=str)
def test_a_compiled_step_of_a_gpt_is_equal_to_the_bit(activation, dropout):
    losses, state, _ = trained(activation, dropout)
    compiled, theirs, step = trained(activation, dropout, of=tl.compile)
    assert losses == compiled and len(step.programs) == 1
    assert all(a.tobytes() == b.tobytes() for a, b in zip(state.values(), theirs.values(), strict=True))


def test_masks_may_be_arguments_of_a_compiled_function():
    m = nn.TransformerEncoderLayer(WIDTH, HEADS, 5, 0.0)
    step = tl.compile(lambda x, hidden, mask: m(x, mask, hidden).detach())
    for i in range(5):
        x = numbers(LENGTH, BATCH, WIDTH, seed=i).astype("f")
        hidden, mask = numbers(BATCH, LENGTH, seed=i) > 0.5, numbers(LENGTH, LENGTH, seed=i).astype("f")
        assert np.array_equal(step(x, hidden, mask).data, m(x, mask, hidden).data)
    assert len(step.programs) == 1


def test_a_compiled_function_does_not_fill_a_cache_but_may_return_one():
    tl.manual_seed(0)
    model, x = GPT().eval(), letters()[:, :6]
    cache = {}
    for _ in range(2):
        with tl.no_grad(), pytest.raises(tl.CompileError, match=r"changes a dict .* return what is new"):
            tl.compile(model)(x[:, :1], cache)
        assert cache == {}

    @tl.compile
    def step(x, cache):
        cache = {layer: dict(kept) for layer, kept in cache.items()}
        return model(x, cache), cache

    with tl.no_grad():
        full = model(x).data
        for _ in range(2):
            parts, cache = [], {}
            for t in range(6):
                y, cache = step(x[:, t : t + 1], cache)
                parts.append(y.data)
            np.testing.assert_allclose(np.concatenate(parts, 1), full, atol=1e-5)
    assert (
        len(step.programs) < 8
    )  # of each length, and of the first keys, which lie otherwise when a program gives them


def test_a_list_that_a_compiled_function_extends_is_refused_and_left_as_it_was():
    given, x = [np.ones(3)], np.arange(3.0)
    for change in (lambda a: a.append(x), lambda a: a.__setitem__(0, x), lambda a: a.clear()):
        run = tl.compile(lambda x, kept, change=change: (change(kept), x * 2)[1])
        with pytest.raises(tl.CompileError, match="changes a list that it is given"):
            run(x, given)
        assert len(given) == 1 and np.array_equal(given[0], np.ones(3))


def test_one_tensor_by_two_names_is_one_parameter(tmp_path):
    _, state, _ = trained(steps=3)
    tl.manual_seed(0)
    model = GPT()
    assert np.array_equal(state["out.weight"], state["letter.weight"])
    assert sum(p is model.letter.weight for p in model.parameters()) == 1
    assert len(optim.AdamW(model.parameters()).params) == len(state) - 1
    model.load_state_dict(state)
    assert model.out.weight is model.letter.weight
    tl.save(model, tmp_path / "gpt.npz")
    other = GPT()
    tl.load(other, tmp_path / "gpt.npz")
    assert other.out.weight is other.letter.weight
    assert np.array_equal(other(letters()).data, model(letters()).data)
    clone = copy.deepcopy(model)
    assert clone.out.weight is clone.letter.weight and clone.out.weight is not model.out.weight
    with pytest.raises(ValueError, match=r"out\.weight: the same value as letter\.weight here, but different"):
        model.load_state_dict({**state, "out.weight": state["out.weight"] + 1})
    model.zero_grad()
    loss = sequence_loss(model(letters()[:, :-1]), letters()[:, 1:])
    loss.backward()
    both = model.letter.weight.grad.data
    model.out.weight = tl.tensor(model.letter.weight.data, requires_grad=True)  # apart, each has its share
    model.zero_grad()
    sequence_loss(model(letters()[:, :-1]), letters()[:, 1:]).backward()
    np.testing.assert_allclose(both, model.letter.weight.grad.data + model.out.weight.grad.data, atol=1e-6)


def test_no_letter_sees_a_later_one():
    model, x = in_float64(GPT).eval(), letters()
    before = model(x).data
    x[:, 5:] = 0
    after = model(x).data
    assert np.allclose(before[:, :5], after[:, :5], rtol=1e-12) and not np.allclose(before[:, 5], after[:, 5])


def test_what_looks_inside_a_model_copes_with_attention():
    tl.manual_seed(0)
    model = GPT(dropout=0.1)
    optimizer = optim.AdamW(model.parameters(), lr=1e-2)
    x, y = letters()[:, :-1], letters()[:, 1:]
    assert "encoder.layers.0.self_attn (MultiheadAttention)  (N, 8, 16) " in str(tl.summary(model, x))
    assert not tl.diagnose(model, batch=(x, y), loss=sequence_loss, optimizer=optimizer)
    with tl.strict(), tl.detect_anomaly():
        for _ in range(3):
            optimizer.zero_grad()
            sequence_loss(model(x), y).backward()
            optimizer.step()
    history = tl.fit(model, (x, y), loss=sequence_loss, optimizer=optimizer, epochs=3, batch_size=2, progress=False)
    assert history["loss"][-1] < history["loss"][0]
    assert "masked_softmax" in str(tl.explain(sequence_loss(model(x), y)))
    layer = in_float64(lambda: nn.TransformerEncoderLayer(WIDTH, HEADS, 5, 0.0, "gelu", norm_first=True))
    padding = random_mask("booleans", BATCH, LENGTH)
    assert tl.gradcheck(lambda x: layer(x, None, padding, is_causal=True), numbers(LENGTH, BATCH, WIDTH)).ok


def test_a_loss_of_sequences_says_which_axis_the_classes_go_on():
    with pytest.raises(
        ValueError, match=r"write logits\.reshape\(-1, 11\) and targets\.reshape\(-1\), or logits\.swapaxes"
    ):
        F.cross_entropy(GPT()(letters()), letters())
    a = F.cross_entropy(GPT()(letters()).swapaxes(1, 2), letters())
    assert a.shape == ()


# ---- the normal distribution, as gelu needs it ----


def normal_tail():
    spec = importlib.util.spec_from_file_location(
        "normal_tail", Path(__file__).parent.parent / "benchmarks" / "normal_tail.py"
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules["normal_tail"] = module
    spec.loader.exec_module(module)
    return module


def test_the_coefficients_of_the_normal_distribution_are_those_that_are_derived():
    tail = normal_tail()
    for (largest, above, below), form, digits in ((_SINGLE, "f", 9), (_DOUBLE, "d", 17)):
        assert largest == tail.FORMS[form][2]
        for ours, derived in zip((above, below), tail.quotient(*tail.FORMS[form]), strict=True):
            assert min(ours) > 0
            assert [f"{c:.{digits}g}" for c in ours] == [f"{c:.{digits}g}" for c in derived]


# from, to, and how many units of the last place Φ may be off: not more than Cody's form of 1969 was, measured alike
ACCURACY = [(-13.0, -8.0, 50), (-8.0, -4.0, 18), (-4.0, -1.0, 6), (-1.0, 0.0, 3), (0.0, 1.0, 2), (1.0, 8.0, 1)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_phi_is_accurate_in_relative_terms_on_both_sides(dtype):
    tail, rng = normal_tail(), np.random.default_rng(2)
    for low, high, most in ACCURACY:
        x = np.append(rng.uniform(low, high, 600), [low, high]).astype(dtype)
        y = normal_cdf(x)
        assert y.dtype == dtype
        for a, b in zip(x.tolist(), y.tolist(), strict=True):
            z = abs(Decimal(a))
            upper = tail.mills(z) * (-z * z / 2).exp()
            truth = upper if a < 0 else 1 - upper
            assert abs(Decimal(b) - truth) <= most * Decimal(float(np.finfo(dtype).eps)) * truth, (a, b)
    ends = np.array([-INF, -50.0, 0.0, 50.0, INF], dtype)
    assert normal_cdf(ends).tolist() == [0.0, 0.0, 0.5, 1.0, 1.0] and np.isnan(normal_cdf(np.array([np.nan], dtype)))


def test_phi_falls_to_the_smallest_numbers_without_a_step():
    for dtype, low in ((np.float32, -15.5), (np.float64, -39.5)):
        y = normal_cdf(np.linspace(low, 3, 20_001).astype(dtype)).astype(float)
        assert (np.diff(y) >= -2e-7 * y[1:]).all() and y[0] == 0


LAID = {
    "C": lambda x: x, "batch last": lambda x: np.ascontiguousarray(x.transpose(1, 2, 0)).transpose(2, 0, 1),
    "Fortran": np.asfortranarray, "channels last": lambda x: np.ascontiguousarray(x.swapaxes(1, 2)).swapaxes(1, 2),
    "every other": lambda x: np.repeat(x, 2, axis=1)[:, ::2], "one axis of 1": lambda x: np.asfortranarray(x[:, :1]),
    "backwards": lambda x: np.ascontiguousarray(x[:, ::-1])[:, ::-1],
}  # fmt: skip
KEEPING = {
    "dropout": lambda x: F.dropout(x, 0.3, rng=7), "gelu": F.gelu, "gelu by tanh": lambda x: F.gelu(x, "tanh"),
    "erf": F.erf, "normal_cdf": normal_cdf,
}  # fmt: skip


def order_of(x):
    """The axes longer than 1, the one with the longest steps first."""
    return sorted((i for i in range(x.ndim) if x.shape[i] > 1), key=lambda i: -abs(x.strides[i]))


@pytest.mark.parametrize("laid", LAID)
@pytest.mark.parametrize("name", KEEPING)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_what_acts_on_each_element_lays_its_result_out_as_its_input(name, laid, dtype):
    x = LAID[laid](numbers(3, 40, 170).astype(dtype))  # longer than one block
    y = KEEPING[name](x)
    assert order_of(y) == order_of(x) and y.dtype == dtype
    if name != "dropout":
        assert np.array_equal(y, KEEPING[name](np.ascontiguousarray(x)))
    else:
        assert 0.25 < (y == 0).mean() < 0.35
        np.testing.assert_allclose(y[y != 0], x[y != 0] / dtype(0.7), rtol=2e-3)
    leaf = tl.tensor(np.zeros(x.shape, dtype), requires_grad=True)
    leaf.data = x
    made = KEEPING[name](leaf)
    assert order_of(made.data) == order_of(x)


def test_dropout_draws_for_arrays_in_order_what_it_always_did():
    x, drawn = np.ones((4, 5, 6), np.float32), np.random.default_rng(7).random((4, 5, 6), np.float32)
    expected = (drawn >= 0.3).astype(np.float32)
    expected /= 1 - 0.3
    assert np.array_equal(F.dropout(x, 0.3, rng=7), expected)
    drawn = np.random.default_rng(7).random((4, 5, 3), np.float32)
    assert np.array_equal(F.dropout(x[:, :, ::2], 0.3, rng=7) != 0, drawn >= 0.3)
    turned = x.transpose(2, 0, 1)
    assert np.array_equal(F.dropout(turned, 0.3, rng=7), F.dropout(turned.copy(), 0.3, rng=7))


def test_dropout_of_what_lies_otherwise_is_compiled_to_the_bit():
    tl.manual_seed(0)
    step = tl.compile(lambda x: F.gelu(F.dropout(x, 0.3)) * 2)
    for i in range(5):
        for laid in ("C", "batch last"):
            x = LAID[laid](numbers(3, 4, 5, seed=i).astype("f"))
            tl.manual_seed(i)
            y = step(x)
            tl.manual_seed(i)
            assert y.tobytes() == (F.gelu(F.dropout(x, 0.3)) * 2).tobytes()
            assert order_of(y) == order_of(x)
    assert len(step.programs) == 2


def test_programs_call_the_error_function_and_phi_by_their_names():
    step = tl.compile(lambda x: F.gelu(x) + F.erf(x))
    for i in range(4):
        x = numbers(3, 20_000, seed=i)  # several blocks
        assert step(x).tobytes() == (F.gelu(x) + F.erf(x)).tobytes()
    assert step.source.count(" = distribution_function(x)") == step.source.count(" = error_function(x)") == 1


def test_the_slopes_of_phi_and_erf_are_right_far_out_and_in_between():
    x = np.array([-30.0, -6.0, -0.5, 0.0, 0.3, 0.5, 0.7, 4.0, 30.0])
    for f, slope in (
        (normal_cdf, lambda v: math.exp(-v * v / 2) / math.sqrt(2 * math.pi)),
        (F.erf, lambda v: 2 / math.sqrt(math.pi) * math.exp(-v * v)),
    ):
        t = tl.tensor(x, requires_grad=True)
        f(t).backward(gradient=np.full(9, 3.0), create_graph=True)
        np.testing.assert_allclose(t.grad.data, [3 * slope(v) for v in x.tolist()], rtol=1e-13)
        first, t.grad = t.grad, None
        first.sum().backward()
        factor = 1 if f is normal_cdf else 2
        np.testing.assert_allclose(t.grad.data, [-3 * factor * v * slope(v) for v in x.tolist()], rtol=1e-13, atol=0)
