"""Constants of every dtype beside a Tensor: booleans, whole numbers that wrap, numbers of lower and higher precision.

A rule that computes with constants alone before the gradient comes in does so in their dtype: there 200 + 200 is 144
(uint8), 0 - 1 is 65535 (uint16), True + True is True, and log 3 has three digits (uint8). So each function of several
operands is given one Tensor and for the others constants of all dtypes, as arrays, Tensors, 0-d arrays and NumPy's
scalars. Value, gradient and second derivatives must be what they are in float64 when all operands are cast to float64
first. (That those are right says test_derivatives.py.)
"""

from __future__ import annotations

import itertools
import zlib

import numpy as np
import pytest

import tinydl as tl
from tinydl import functional as F
from tinydl.checking.samples import Draw, sample
from tinydl.engine.dispatch import differentiable, primitives, table

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

# numbers whose sums, differences and products leave the narrow dtypes, and which float16 and float32 must round
WHOLE = {
    np.bool_: [1, 1, 0, 1], np.uint8: [200, 0, 3, 255], np.int8: [100, -100, 0, -128], np.uint16: [300, 0, 1, 2],
    np.int16: [300, -300, 0, 2], np.uint32: [300, 0, 1, 2], np.int32: [300, -300, 0, 2], np.uint64: [300, 0, 1, 2],
    np.int64: [300, -300, 0, 2],
}  # fmt: skip
DTYPES = [*WHOLE, np.float16, np.float32, np.float64, np.longdouble]
TENSORS = [np.float64, np.float32, np.longdouble]  # dtypes of the Tensor that wants a gradient
AS_ARRAY, AS_TENSOR = (lambda x: x), (lambda x: tl.tensor(x))
WITHOUT_AXES = [lambda x: np.array(x.flat[-1]), lambda x: x.dtype.type(x.flat[-1]), lambda x: tl.tensor(x.flat[-1])]


def constant(shape, dtype, rng, allowed=None):
    """An array of this dtype, most of whose computations with its own kind are wrong in this dtype."""
    numbers = np.array(WHOLE.get(dtype, [0.3, -2.7, 0.0, 1.1])).astype(dtype)
    if allowed is not None:
        numbers = numbers[allowed(numbers)]
    return rng.choice(numbers, shape)


def run(f, inputs, position, g, weights, transforms):
    """The value of f, its gradient by the input at the position, and the derivatives of a weighted sum of that."""
    at = lambda x: f(*inputs[:position], x, *inputs[position + 1 :])
    x = tl.tensor(inputs[position], requires_grad=True)
    y = at(x)
    g = tl.tensor(g.astype(y.dtype), requires_grad=True)
    found = {"value": y.data}
    y.backward(gradient=g)
    found["gradient"], x.grad = x.grad.data, None
    y.backward(gradient=g, create_graph=True)
    recorded, x.grad = x.grad, None
    found["recorded"] = recorded.data
    (recorded * weights.astype(x.dtype)).sum().backward()
    found["second"] = np.zeros_like(x.data) if x.grad is None else x.grad.data
    found["second by g"] = g.grad.data
    if transforms:
        (found["vjp"],) = tl.vjp(at, x.data)[1](g.data)
        found["jvp"] = np.asarray(tl.jvp(at, x.data, weights)[1])
    for name, array in found.items():
        assert array.dtype == (y.dtype if name in ("value", "second by g", "jvp") else x.dtype), name
    return found


def assert_as_in_float64(f, inputs, position, seed, sums, promoted, what):
    """f of a Tensor at this position and of constants is what it is in float64; where NumPy refuses, so does f."""
    plain = [x.data if isinstance(x, tl.Tensor) else x for x in inputs]
    try:
        expected = np.asarray(f(*plain))
    except TypeError:
        with pytest.raises(TypeError):
            f(*(tl.tensor(x, requires_grad=True) if i == position else x for i, x in enumerate(inputs)))
        return
    rng, transforms = np.random.default_rng(seed), seed % 3 == 0
    g, weights = (rng.normal(size=np.shape(x)).astype(np.float16) for x in (expected, plain[position]))
    ours = run(f, inputs, position, g, weights, transforms)
    dtype, shape = ours["value"].dtype, ours["value"].shape
    assert (dtype == expected.dtype or not promoted) and shape == expected.shape, what
    wide = [np.asarray(x, np.float64) if isinstance(x, (np.ndarray, np.generic)) else x for x in plain]
    precision = {np.dtype(np.float32): 1e-5, np.dtype(np.float16): 4e-3}
    for name, right in run(f, wide, position, g, weights, transforms).items():
        used = {dtype} if name == "value" else {dtype, inputs[position].dtype}
        rtol = max(precision.get(d, 1e-11) for d in used)
        cancels = sums or name in ("second", "second by g", "jvp")
        largest = np.max(np.abs(right), initial=1, where=np.isfinite(right)) if cancels else 0
        np.testing.assert_allclose(
            ours[name], right, rtol=rtol, atol=rtol * largest + 1e-30, err_msg=f"{name} of {what}"
        )


def of_all_dtypes(
    f, shapes, seed, domain=(0.3, 2), allowed=None, forms=(AS_ARRAY, AS_TENSOR), sums=False, promoted=True
):
    """f with a Tensor in each place, and constants of each dtype in the others: of two, no two of one dtype.

    Places and dtypes of constants are combined in full; the Tensor's dtype and the constants' form take turns.
    """
    allowed, n = allowed or {}, seed
    for position, i in itertools.product(range(len(shapes)), range(len(DTYPES))):
        if shapes[position] is None:
            continue
        n, rng, inputs = n + 1, np.random.default_rng(n), []
        form, of_tensor = forms[n % len(forms)], TENSORS[n // len(forms) % len(TENSORS)]
        for k, shape in enumerate(shapes):
            if k == position:
                low, high = domain[k] if isinstance(domain, dict) else domain
                inputs.append(rng.uniform(low, high, shape).astype(of_tensor))
            else:
                dtype = DTYPES[(i + 5 * (abs(k - position) - 1)) % len(DTYPES)]
                inputs.append(None if shape is None else form(constant(shape, dtype, rng, allowed.get(k))))
        what = (position, [getattr(x, "dtype", None) for x in inputs], [np.shape(x) for x in inputs])
        assert_as_in_float64(f, inputs, position, n, sums, promoted, what)


# ---- the table ----

NOT_ZERO, NOT_NEGATIVE, POSITIVE = (lambda x: x != 0), (lambda x: x >= 0), (lambda x: x > 0)
ALLOWED = {"divide": {1: NOT_ZERO}, "remainder": {1: NOT_ZERO}, "power": {0: NOT_NEGATIVE}}
DOMAINS = {"power": {0: (0.9, 1.1), 1: (0.3, 2)}}
SUMS = {"matmul", "vecdot", "vdot", "einsum", "linear", "conv", "conv_input", "conv_weight"}
# what rules call with arrays of one dtype, and no user calls
HELPERS = {
    "added_at", "at_tap", "fake_quantised", "gelu_gate_vjp", "log_softmax_vjp", "recurrence", "softmax_minus_target",
    "sum_of_products", "softmax_vjp", "to_tap", "weighted_cross_entropy",
}  # fmt: skip
SEVERAL = {name for name, p in primitives.items() if p.each or len(p.rules) > 1}


def several(name):
    """Six samples of a primitive with at least two arrays, none of them empty; and a seed."""
    seed, found = zlib.crc32(name.encode()), []
    while len(found) < 6:
        drawn, seed = sample(name, Draw(seed)), seed + 1
        arrays = [x for x in drawn.inputs if isinstance(x, np.ndarray)]
        if len(arrays) > 1 and all(x.size for x in arrays):
            found.append(drawn)
    return seed, found


@pytest.mark.parametrize("name", sorted(SEVERAL - HELPERS - {"solve"}))
def test_a_primitive_beside_constants_of_every_dtype_gives_value_and_gradients_of_float64(name):
    seed, found = several(name)
    for n, drawn in enumerate(found):
        f = lambda *xs, options=drawn.options: primitives[name](*xs, **options)
        shapes = [x.shape if isinstance(x, np.ndarray) else None for x in drawn.inputs]
        if name == "where":
            shapes = shapes[1:]
            f = lambda *xs, condition=drawn.inputs[0]: np.where(condition, *xs)
        by_element = name not in SUMS | {"clip", "concatenate", "stack"}
        forms = [AS_ARRAY, AS_TENSOR, *(WITHOUT_AXES if by_element and n < 3 else [])]
        domain, allowed = DOMAINS.get(name, (0.3, 2)), ALLOWED.get(name)
        of_all_dtypes(f, shapes, seed + 1000 * n, domain, allowed, forms, name in SUMS)


# ---- functions made of others, and losses ----

S, M = (3,), (2, 3)
CHOSEN = np.array([[True, False, True], [False, False, True]])
CASES = {
    np.dot: [(np.dot, M, (3, 4)), (np.dot, (), M), (np.dot, M, (2, 3, 4))],
    np.inner: [(np.inner, M, (4, 3)), (np.inner, M, ())],
    np.outer: [(np.outer, S, M)],
    np.linalg.outer: [(np.linalg.outer, S, (4,))],
    np.tensordot: [(np.tensordot, (2, 3, 4), (3, 4, 2))],
    np.linalg.tensordot: [(lambda a, b: np.linalg.tensordot(a, b, axes=([0], [1])), M, (4, 2))],
    np.kron: [(np.kron, M, (2, 1, 2))],
    np.convolve: [(np.convolve, (5,), S), (lambda a, v: np.convolve(a, v, "same"), S, (4,)), (np.convolve, (), S)],
    np.correlate: [(np.correlate, (5,), S), (lambda a, v: np.correlate(a, v, "full"), S, (4,))],
    np.cross: [(np.cross, M, M)],
    np.linalg.cross: [(np.linalg.cross, M, M)],
    np.vecdot: [(lambda a, b: np.vecdot(a, b, axis=0), M, M)],
    np.linalg.vecdot: [(np.linalg.vecdot, M, M)],
    np.linalg.multi_dot: [(lambda *xs: np.linalg.multi_dot(xs), M, (3, 4), (4, 2), (2, 3))],
    np.einsum: [(lambda *xs, s=s, o=o: np.einsum(s, *xs, optimize=o), *shapes) for o in (False, True)
               for s, *shapes in [
        ("bd,bk->bd", M, (2, 4)), ("i,jk->i", S, (2, 2)), ("ij,jk,kl->il", M, (3, 4), (4, 2)), ("i,i,i->i", S, S, S),
        ("i,ii,jj->", S, (3, 3), (2, 2))]],
    np.average: [(lambda a, w: np.average(a, weights=w), M, M), (lambda a, w: np.average(a, 1, w), M, S)],
    np.diff: [(lambda a, b, c: np.diff(a, prepend=b, append=c), M, (2, 1), (2, 2))],
    np.vstack: [(lambda *xs: np.vstack(xs), S, M)],
    np.hstack: [(lambda *xs: np.hstack(xs), M, (2, 1))],
    np.dstack: [(lambda *xs: np.dstack(xs), M, M)],
    np.column_stack: [(lambda *xs: np.column_stack(xs), S, (3, 2))],
    np.broadcast_arrays: [(lambda a, b: np.multiply(*np.broadcast_arrays(a, b)), S, M)],
    np.append: [(np.append, M, S), (lambda a, b: np.append(a, b, -1), M, (2, 2))],
    np.insert: [(lambda a, b: np.insert(a * 1.0, [1, 3], b, 1), M, (2, 1)),
                (lambda a, b: np.insert(a * 1.0, 2, b), M, ())],
    np.block: [(lambda a, b: np.block([[a, b], [b, a]]), (2, 2), (2, 2))],
    np.select: [(lambda a, b: np.select([CHOSEN, CHOSEN[0]], [a, b], 3), M, S)],
    np.ediff1d: [(np.ediff1d, S, (2,), S)],
    np.meshgrid: [(lambda a, b: np.multiply(*np.meshgrid(a, b)), S, (2,))],
    np.linspace: [(lambda a, b: np.linspace(a, b, 4), M, S),
                  (lambda a, b: np.linspace(a, b, 4, False, axis=-1), (), S)],
    np.trapezoid: [(np.trapezoid, M, S), (lambda y, x: np.trapezoid(y, x, axis=0), M, M),
                   (lambda y, d: np.trapezoid(y * 1.0, dx=d), M, ())],
    np.interp: [(lambda x, y: np.interp(x, [0, 1, 2], y), M, S)],
    np.polyval: [(np.polyval, S, M)],
    np.gradient: [(lambda y, h: np.gradient(y, h, axis=1, edge_order=2), M, ()),
                  (lambda y, x: np.gradient(y, x * np.array([1, 2.5, 0.5]), axis=1, edge_order=2), M, ())],
    np.linalg.lstsq: [(lambda a, b: np.linalg.lstsq(np.triu(a) + np.eye(4, 3), b)[0], (4, 3), (4, 2))],
    np.linalg.solve: [(lambda a, b: np.linalg.solve(np.triu(a) + np.eye(3), b), (3, 3), (3, 2))],
}  # fmt: skip
if hasattr(np, "matvec"):
    CASES |= {np.matvec: [(np.matvec, M, S)], np.vecmat: [(np.vecmat, S, (3, 4))]}


@pytest.mark.parametrize("function", CASES, ids=lambda f: f.__name__)
def test_a_function_made_of_others_beside_constants_of_every_dtype_gives_value_and_gradients_of_float64(function):
    for n, (f, *shapes) in enumerate(CASES[function]):
        allowed = {1: POSITIVE} if function in (np.average, np.gradient) else {}
        of_all_dtypes(f, shapes, 100 * n, allowed=allowed, sums=True)


# functions made of others that take one array, or several that have nothing to do with each other
ALONE = {
    "array_split", "astype", "atleast_1d", "atleast_2d", "atleast_3d", "compress", "copy", "cumulative_prod",
    "cumulative_sum", "delete", "diag", "diagflat", "diagonal", "dsplit", "eigh", "eigvalsh", "extract", "fliplr",
    "flipud", "full_like", "hsplit", "matrix_norm", "matrix_power", "matrix_transpose", "nancumprod", "nancumsum",
    "nanmax", "nanmean", "nanmin", "nanprod", "nanstd", "nansum", "nanvar", "norm", "pad", "partition", "percentile",
    "pinv", "ptp", "qr", "ravel", "real", "real_if_close", "reshape", "rollaxis", "sliding_window_view", "slogdet",
    "sort", "split", "std", "svd", "svdvals", "take_along_axis", "trace", "unstack", "var", "vector_norm", "vsplit",
}  # fmt: skip


def test_every_function_of_several_arrays_is_given_constants_of_every_dtype():
    assert HELPERS < SEVERAL
    of_primitives = {primitives[name] for name in SEVERAL - HELPERS}
    for function in differentiable():
        answer = table[function]
        if isinstance(answer, tl.Primitive):
            assert answer in of_primitives or len(answer.rules) == 1
        else:
            tested = function in CASES or function.__name__ in ALONE | {"clip", "where", "concatenate", "stack"}
            assert tested, f"{function.__name__} needs a line in CASES, or a place in ALONE if it takes one array"


# losses cast targets and weights to the prediction's dtype, or the prediction, if it is a constant, to the target's
LOSSES = [
    (F.mse_loss, M, M), (F.l1_loss, M, M), (F.huber_loss, M, M), (lambda x, w: F.linear(x, w), M, (4, 3)),
]  # fmt: skip


@pytest.mark.parametrize(("f", "shapes"), [(f, shapes) for f, *shapes in LOSSES])
def test_a_loss_or_linear_map_beside_constants_of_every_dtype_gives_value_and_gradients_of_float64(f, shapes):
    of_all_dtypes(f, shapes, 0, sums=True, promoted=False)


@pytest.mark.parametrize("dtype", DTYPES)
def test_weights_and_targets_of_losses_may_be_of_any_dtype(dtype):
    weight, z = (
        constant((3,), dtype, np.random.default_rng(0), POSITIVE),
        np.array([[0.5, -1.0, 2.0], [1.5, 0.3, -0.2]]),
    )
    target = np.array([[1, 0, 1], [0, 1, 1]]).astype(dtype)
    for f in (
        lambda x, t, w: F.binary_cross_entropy_with_logits(x, t, weight=w),
        lambda x, t, w: F.binary_cross_entropy_with_logits(x, t, pos_weight=w),
        lambda x, t, w: F.binary_cross_entropy(F.sigmoid(x), t, weight=w),
        lambda x, t, w: F.cross_entropy(x, [2, 0], weight=w, label_smoothing=0.1),
        lambda x, t, w: F.nll_loss(F.log_softmax(x), [2, 0], weight=w),
        lambda x, t, w: F.kl_div(F.log_softmax(x), t),
    ):
        found = []
        for given in ((target, weight), (tl.tensor(target), weight), (target.astype(float), weight.astype(float))):
            x = tl.tensor(z, requires_grad=True)
            loss = f(x, *given)
            loss.backward()
            found.append((loss.data, x.grad.data))
        for a, b, right in zip(*found, strict=True):
            np.testing.assert_allclose([a, b], [right, right], rtol=1e-12, atol=1e-15)


# ---- options in narrow dtypes ----

X = np.random.default_rng(0).normal(size=(3, 3))
AXES = [
    np.sum, np.mean, np.var, np.std, np.max, np.min, np.ptp, np.prod, np.median, np.cumsum, np.cumprod, np.average,
    np.sort, np.flip, F.softmax, F.log_softmax, F.logsumexp,
    lambda x, axis: np.diff(x, axis=axis), lambda x, axis: np.linalg.norm(x, axis=axis),
    lambda x, axis: np.concatenate([x, X], axis), lambda x, axis: np.stack([X, x], axis),
    lambda x, axis: np.take(x, [2, 0, 2], axis), lambda x, axis: np.repeat(x, [2, 0, 1], axis),
    lambda x, axis: np.expand_dims(x, axis), lambda x, axis: np.squeeze(x[None], axis * np.int8(0)),
    lambda x, axis: np.swapaxes(x, axis, 0), lambda x, axis: np.moveaxis(x, axis, 0),
    lambda x, axis: np.roll(x, 1, axis),
    lambda x, axis: np.split(x, 3, axis)[1], lambda x, axis: np.array_split(x, 2, axis)[0],
    lambda x, axis: np.take_along_axis(x, np.argsort(X, axis), axis), lambda x, axis: np.vecdot(x, X, axis=axis),
    lambda x, axis: np.cross(x, X, axis=axis), lambda x, axis: np.tensordot(x, X, ([axis], [0])),
    np.nansum, np.nanmean, np.nanstd, np.nanmax, np.nancumsum, np.partition, np.rollaxis,
    lambda x, axis: np.sum(x, axis=axis, where=X > 0), lambda x, axis: np.max(x, axis=axis, where=X > 0, initial=0),
    lambda x, axis: np.quantile(x, 0.3, axis), lambda x, axis: np.percentile(x, 30, axis, keepdims=True),
    lambda x, axis: np.append(x, X, axis), lambda x, axis: np.insert(x, 1, X[0], axis),
    lambda x, axis: np.delete(x, 1, axis), lambda x, axis: np.compress([True, False, True], x, axis),
    lambda x, axis: np.linspace(x, X, 3, axis=axis), lambda x, axis: np.trapezoid(x, axis=axis),
    lambda x, axis: np.gradient(x, axis=axis),
    lambda x, axis: np.transpose(x, (axis, 1 - axis)), lambda x, axis: np.trace(x, axis1=axis, axis2=1 - axis),
]  # fmt: skip
NUMBERS = [
    np.roll, np.diag, np.diagflat, np.diagonal, np.trace, np.tril, np.triu, np.rot90, np.repeat, np.tile, np.take,
    np.diff, np.linalg.matrix_power, np.pad, F.elu, F.leaky_relu, F.softplus,
    lambda x, n: np.diag(np.tile(x[0], 100), n), lambda x, n: np.roll(x, (n, n), (0, 1)), lambda x, n: x[n],
    lambda x, n: np.roll(x, np.array([n, n]), (0, 1)), lambda x, n: np.repeat(x, np.array([n, n, n]), 0),
    lambda x, n: np.tile(x, np.array([n, n])), lambda x, n: np.take(x, [n, n]), lambda x, n: x[:, np.array([n, n])],
    lambda x, n: np.take_along_axis(x, np.array([[n, n]]), 0), lambda x, n: x[n:],
    lambda x, n: np.pad(x, ((n, 0), (n, n))),
    lambda x, n: np.var(np.tile(x, (100, 1)), ddof=n), lambda x, n: np.std(x, 0, ddof=n),
    lambda x, n: np.linalg.norm(x, n, 0), lambda x, n: np.linalg.norm(x, n, (0, 1)),
    lambda x, n: np.linalg.vector_norm(x, ord=n + n + n), lambda x, n: np.split(x, [n])[0],
    lambda x, n: F.huber_loss(x, X + np.array([0.5, 1.5, 2.5]), delta=n), lambda x, n: x**n,
    lambda x, n: np.insert(x, n, 5), lambda x, n: np.delete(x, n), lambda x, n: np.partition(x, n)[:, n],
    lambda x, n: np.linspace(x, X + 1, n), lambda x, n: np.sum(x, initial=n), lambda x, n: np.max(x, initial=n),
    lambda x, n: np.prod(x, initial=n, where=X > 0), lambda x, n: np.gradient(x, n, axis=0),
    lambda x, n: np.gradient(x, edge_order=n)[1], lambda x, n: np.trapezoid(x, dx=n),
    lambda x, n: np.nanvar(x, ddof=n), lambda x, n: np.std(x, ddof=n, where=X > -1),
    lambda x, n: np.quantile(x, n / 4), lambda x, n: np.percentile(x, n), lambda x, n: np.select([X > 0], [x], n),
    lambda x, n: np.interp(x, [0, n], [n, 2]), lambda x, n: np.ediff1d(x, n), lambda x, n: np.rollaxis(x, n - 1),
    lambda x, n: F.cross_entropy(x, [0, 2, 1], label_smoothing=n / 4), lambda x, n: F.dropout(x, n / 4096, rng=0),
]  # fmt: skip


def assert_an_option_of_any_dtype_counts_as_the_number_it_is(f, number, dtypes):
    """Value and gradient are those for Python's number; what refuses a dtype does so because NumPy does."""
    for n in [dtype(number) for dtype in dtypes]:
        found = []
        try:
            for option in (n, n.item()):
                x = tl.tensor(X, requires_grad=True)
                y = f(x, option)
                y.backward(gradient=np.random.default_rng(1).normal(size=y.shape))
                found.append((y.data, x.grad.data))
        except (TypeError, ValueError, IndexError, OverflowError):
            with pytest.raises((TypeError, ValueError, IndexError, OverflowError)):
                f(X, n)
        for a, b in zip(*found, strict=True) if found else ():
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14, err_msg=n.dtype.name)


@pytest.mark.parametrize("f", AXES)
def test_an_axis_may_be_a_scalar_of_any_integer_dtype(f):
    for axis in (0, 1):
        assert_an_option_of_any_dtype_counts_as_the_number_it_is(f, axis, [np.uint8, np.int8, np.uint64, np.int64])


@pytest.mark.parametrize("f", NUMBERS)
def test_a_number_that_a_function_takes_as_an_option_may_be_a_scalar_of_any_dtype(f):
    dtypes = [np.uint8, np.int8, np.uint64, np.int64, np.float16, np.float32, np.longdouble]
    assert_an_option_of_any_dtype_counts_as_the_number_it_is(f, 1, dtypes)
    assert_an_option_of_any_dtype_counts_as_the_number_it_is(f, 2, dtypes)


def test_a_linear_map_with_a_weight_of_whole_numbers_keeps_the_decimals_of_its_input():
    x, weight = np.array([[0.5, 1.5]]), np.array([[100, 100], [1, 0]], np.int8)
    np.testing.assert_array_equal(F.linear(x, weight), [[200, 0.5]])
    bias = tl.tensor(np.array([0.25, 1.0]), requires_grad=True)
    y = F.linear(np.array([[100, 2]], np.int8), weight, bias)  # 100·100 + 2·100 isn't taken in int8
    np.testing.assert_array_equal(y.data, [[10200.25, 101]])
