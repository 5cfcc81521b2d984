"""Normalising: over the batch, features and groups, against the formulas written out, wherever in memory images lie.

The written-out programs are made of means, products and roots alone; PyTorch is asked where it is installed.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from test_functional import assert_as_torch, assert_same_program, numbers
from test_small_layers import batch_last, order

import tinydl as tl
from tinydl import functional as F
from tinydl import nn
from tinydl.derivatives import elementwise, fused, reductions
from tinydl.derivatives.normalising import root_mean_square
from tinydl.derivatives.products import dot_along
from tinydl.engine.arrays import innermost, sum_along
from tinydl.engine.tensor import propagate, wrap

# ---- written out ----


def standardised(x, axis, eps):
    c = x - reductions.mean(x, axis=axis, keepdims=True)
    return c / elementwise.sqrt(reductions.mean(c * c, axis=axis, keepdims=True) + eps)


def scaled(y, weight, bias, column):
    y = y if weight is None else y * weight.reshape(column)
    return y if bias is None else y + bias.reshape(column)


def written_batch_norm(x, weight=None, bias=None, eps=1e-5):
    y = standardised(x, (0, *range(2, x.ndim)), eps)
    return scaled(y, weight, bias, (-1, *(1,) * (x.ndim - 2)))


def written_layer_norm(x, n, weight=None, bias=None, eps=1e-5):
    return scaled(standardised(x, tuple(range(-n, 0)), eps), weight, bias, x.shape[-n:])


def written_rms_norm(x, n, weight=None, eps=1e-5):
    size = elementwise.sqrt(reductions.mean(x * x, axis=tuple(range(-n, 0)), keepdims=True) + eps)
    return scaled(x / size, weight, None, x.shape[-n:])


def written_group_norm(x, groups, weight=None, bias=None, eps=1e-5):
    y = standardised(x.reshape((len(x), groups, -1)), -1, eps).reshape(x.shape)
    return scaled(y, weight, bias, (-1, *(1,) * (x.ndim - 2)))


def parameters(shape, which):
    """A weight and a bias, those of them that are wanted."""
    both = {"weight": numbers(*shape, seed=4, low=0.5), "bias": numbers(*shape, seed=5)}
    return {name: both[name] for name in which}


WHICH = [(), ("weight",), ("bias",), ("weight", "bias")]


@pytest.mark.parametrize("lies", [np.ascontiguousarray, batch_last])
@pytest.mark.parametrize("which", WHICH)
def test_batch_norm_is_as_written_out(which, lies):
    for shape in ((5, 3), (4, 3, 5), (4, 3, 2, 5), (1, 3, 2, 2), (2, 1, 3, 2)):
        x, given = numbers(*shape), parameters(shape[1:2], which)
        x = lies(x) if len(shape) == 4 else x
        for eps in (1e-5, 0.3):
            assert_same_program(
                lambda x, *p: F.batch_norm(x, None, None, training=True, eps=eps, **dict(zip(which, p, strict=True))),  # noqa: B023
                lambda x, *p: written_batch_norm(x, eps=eps, **dict(zip(which, p, strict=True))),  # noqa: B023
                x, *given.values(),
            )  # fmt: skip
    y = F.batch_norm(x, None, None, training=True, **given)
    expected = written_batch_norm(tl.tensor(x), **{k: tl.tensor(v) for k, v in given.items()}).data
    np.testing.assert_allclose(y, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("which", WHICH)
def test_layer_norm_is_as_written_out(which):
    for shape, n in (((5, 3), 1), ((4, 3, 5), 1), ((4, 3, 5), 2), ((3, 2, 2, 3), 3), ((7,), 1)):
        given = parameters(shape[-n:], which)
        for normalized in (shape[-n:], [*shape[-n:]], *([shape[-1]] if n == 1 else [])):
            assert_same_program(
                lambda x, *p: F.layer_norm(x, normalized, eps=0.02, **dict(zip(which, p, strict=True))),  # noqa: B023
                lambda x, *p: written_layer_norm(x, n, eps=0.02, **dict(zip(which, p, strict=True))),  # noqa: B023
                numbers(*shape), *given.values(),
            )  # fmt: skip


@pytest.mark.parametrize("which", WHICH[:2])
def test_rms_norm_is_as_written_out(which):
    for shape, n in (((5, 3), 1), ((4, 3, 5), 2), ((7,), 1)):
        for eps, used in ((0.02, 0.02), (None, np.finfo(float).eps)):
            assert_same_program(
                lambda x, *p: F.rms_norm(x, shape[-n:], eps=eps, **dict(zip(which, p, strict=True))),  # noqa: B023
                lambda x, *p: written_rms_norm(x, n, eps=used, **dict(zip(which, p, strict=True))),  # noqa: B023
                numbers(*shape), *parameters(shape[-n:], which).values(),
            )  # fmt: skip
    tiny = np.full((2, 3), 1e-4, np.float32)
    np.testing.assert_allclose(F.rms_norm(tiny, 3), 1e-4 / np.sqrt(1e-8 + np.finfo("f").eps), rtol=1e-5)


@pytest.mark.parametrize("lies", [np.ascontiguousarray, batch_last])
@pytest.mark.parametrize("which", WHICH)
def test_group_norm_is_as_written_out(which, lies):
    for shape in ((5, 4), (3, 4, 5), (3, 4, 2, 3), (2, 6, 1, 2)):
        x = lies(numbers(*shape)) if len(shape) == 4 else numbers(*shape)
        for groups in [n for n in (1, 2, shape[1]) if shape[1] // n * np.prod(shape[2:]) > 1]:
            assert_same_program(
                lambda x, *p: F.group_norm(x, groups, eps=0.02, **dict(zip(which, p, strict=True))),  # noqa: B023
                lambda x, *p: written_group_norm(x, groups, eps=0.02, **dict(zip(which, p, strict=True))),  # noqa: B023
                x, *parameters(shape[1:2], which).values(),
            )  # fmt: skip


# ---- against PyTorch ----


def test_functions_agree_with_torch_in_value_gradient_and_second_derivative():
    theirs = pytest.importorskip("torch.nn.functional")
    for shape in ((5, 3), (4, 3, 5), (4, 3, 2, 5)):
        given = (numbers(*shape), *parameters(shape[1:2], WHICH[3]).values())
        assert_as_torch(
            lambda x, w, b: F.batch_norm(x, None, None, w, b, True, 0.1, 0.01),
            lambda x, w, b: theirs.batch_norm(x, None, None, w, b, True, 0.1, 0.01),
            *given,
        )
        mean, var = numbers(3, seed=6), numbers(3, seed=7, low=0.3)
        torch = pytest.importorskip("torch")
        assert_as_torch(
            lambda x, w, b: F.batch_norm(x, mean, var, w, b),  # noqa: B023
            lambda x, w, b: theirs.batch_norm(x, torch.tensor(mean), torch.tensor(var), w, b),  # noqa: B023
            *given,
        )
    given = (numbers(4, 3, 5), *parameters((3, 5), WHICH[3]).values())
    assert_as_torch(
        lambda *xs: F.layer_norm(xs[0], (3, 5), *xs[1:]), lambda *xs: theirs.layer_norm(xs[0], (3, 5), *xs[1:]), *given
    )
    given = (numbers(4, 6, 2, 3), *parameters((6,), WHICH[3]).values())
    assert_as_torch(
        lambda *xs: F.group_norm(xs[0], 3, *xs[1:]), lambda *xs: theirs.group_norm(xs[0], 3, *xs[1:]), *given
    )
    given = (numbers(4, 3, 5), *parameters((5,), WHICH[1]).values())
    for eps in (None, 0.1):
        assert_as_torch(lambda x, w: F.rms_norm(x, 5, w, eps), lambda x, w: theirs.rms_norm(x, (5,), w, eps), *given)  # noqa: B023


LAYERS = {  # how ours is made, and PyTorch's, the shape of x
    "BatchNorm2d": (lambda n: n.BatchNorm2d(3), (4, 3, 2, 5)),
    "BatchNorm2d(eps, momentum)": (lambda n: n.BatchNorm2d(3, 0.1, 0.3), (4, 3, 2, 5)),
    "BatchNorm2d(momentum=None)": (lambda n: n.BatchNorm2d(3, momentum=None), (4, 3, 2, 5)),
    "BatchNorm2d(affine=False)": (lambda n: n.BatchNorm2d(3, affine=False), (1, 3, 2, 5)),
    "BatchNorm2d(track)": (lambda n: n.BatchNorm2d(3, track_running_stats=False), (4, 3, 2, 5)),
    "BatchNorm1d": (lambda n: n.BatchNorm1d(3), (4, 3, 5)),
    "GroupNorm": (lambda n: n.GroupNorm(2, 6), (4, 6, 2, 3)),
    "GroupNorm(1)": (lambda n: n.GroupNorm(1, 6, 0.1), (4, 6)),
    "GroupNorm(affine=False)": (lambda n: n.GroupNorm(6, 6, affine=False), (4, 6, 5)),
    "RMSNorm": (lambda n: n.RMSNorm(5), (4, 3, 5)),
    "RMSNorm(eps)": (lambda n: n.RMSNorm([3, 5], 0.1), (4, 3, 5)),
    "RMSNorm(affine=False)": (lambda n: n.RMSNorm((5,), elementwise_affine=False), (4, 3, 5)),
    "LayerNorm": (lambda n: n.LayerNorm((3, 5)), (4, 3, 5)),
}


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_layer_and_torchs_do_the_same_and_take_each_others_state(name, dtype):
    torch = pytest.importorskip("torch")
    make, shape = LAYERS[name]
    with tl.default_dtype(dtype):
        ours, again = make(nn), make(nn)
    theirs = make(torch.nn).to(torch.tensor(np.zeros(1, dtype)).dtype)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for (key, p), q in zip(ours.state_dict().items(), theirs.state_dict().values(), strict=True):
        np.testing.assert_array_equal(p, q.numpy(), err_msg=key)
    for i, p in enumerate(ours.parameters()):
        p.data = numbers(*p.shape, seed=i).astype(dtype)
    theirs.load_state_dict({k: torch.tensor(v) for k, v in ours.state_dict().items()})
    tolerance = {"rtol": 1e-4, "atol": 1e-5} if dtype == np.float32 else {"rtol": 1e-10, "atol": 1e-11}
    for step, mode in enumerate((True, True, False)):
        again.load_state_dict(theirs.state_dict())
        x, g = (numbers(*shape, seed=9 * step + i).astype(dtype) for i in (0, 1))
        x = batch_last(x) if len(shape) == 4 and step else x
        u = torch.tensor(np.ascontiguousarray(x), requires_grad=True)
        theirs.train(mode).zero_grad()
        z = theirs(u)
        z.backward(torch.tensor(g))
        for layer in (ours.train(mode), again.train(mode)):
            layer.zero_grad()
            t = tl.tensor(x, requires_grad=True)
            y = layer(t)
            y.backward(g)
            assert y.dtype == dtype
            np.testing.assert_allclose(y.data, z.detach().numpy(), **tolerance)
            np.testing.assert_allclose(t.grad.data, u.grad.numpy(), **tolerance)
            for p, q in zip(layer.parameters(), theirs.parameters(), strict=True):
                np.testing.assert_allclose(p.grad.data, q.grad.numpy(), **tolerance)
            for (key, p), q in zip(layer.state_dict().items(), theirs.state_dict().values(), strict=True):
                np.testing.assert_allclose(p, q.numpy(), err_msg=key, **tolerance)


# ---- where the numbers lie ----


@pytest.mark.parametrize("permutation", [*itertools.permutations(range(4))])
def test_sums_along_axes_are_the_same_however_an_array_lies(permutation):
    a, b = (numbers(3, 4, 5, 2, seed=i).transpose(permutation) for i in (0, 1))
    c = np.ascontiguousarray(b)
    for n in range(5):
        for axes in itertools.combinations(range(4), n):
            for named in (axes, tuple(i - 4 for i in axes)):
                np.testing.assert_allclose(sum_along(a, named, keepdims=False), a.sum(axes), rtol=1e-10)
                np.testing.assert_allclose(sum_along(a, named), a.sum(axes, keepdims=True), rtol=1e-10)
                for other in (b, c):
                    expected = (a * b).sum(axes, keepdims=True)
                    np.testing.assert_allclose(dot_along(a, other, named), expected, rtol=1e-10)
    assert sum_along(a, None) == a.sum() and dot_along(a[:0], b[:0], (0, 1)).shape == (1, 1, *a.shape[2:])


def test_sums_of_products_of_float16_are_taken_in_float32():
    for shape, axis in (((3, 9000), -1), ((3, 9000), (1,)), ((9000, 3), (0,)), ((9000, 2, 3), (0, 1))):
        a = np.ones(shape, np.float16)
        for b in (a, a.astype(np.float32)):
            for made in (dot_along(a, b, axis), dot_along(b, a, axis)):
                assert made.dtype == np.float32
                np.testing.assert_array_equal(made, 9000 * (2 if len(shape) == 3 else 1))


def test_a_scale_and_a_shift_may_be_larger_than_what_they_scale():
    x, scale, shift = numbers(3), numbers(2, 1, seed=1), numbers(4, 1, 3, seed=2)
    assert_same_program(fused.scale_and_shift, lambda x, s, t: x * s + t, x, scale, shift)
    for shift in (numbers(2, 3, seed=2), numbers(1, seed=3), numbers(2, 1, seed=4)):
        assert_same_program(fused.scale_and_shift, lambda x, s, t: x * s + t, numbers(2, 3), scale, shift)
        assert_same_program(fused.scale_and_shift, lambda x, s, t: x * s + t, numbers(2, 3), x, shift)
    assert fused.scale_and_shift(np.ones(3, "f"), np.array(100, np.int8), np.array([300])).dtype == np.float64


def test_a_mean_is_taken_again_where_its_rounding_would_be_seen_unless_nobody_asks():
    x = np.full((3, 70_000), 0.1, np.float32)
    assert (fused.centred(x) == 0).all() and (fused.centred(x, careful=False) != 0).any()
    g = np.random.default_rng(0).normal(size=(4, 5)) + 1e9
    np.testing.assert_array_equal(fused.centred(g, axis=(0,), careful=False), g - g.mean(0))


def test_of_images_with_the_batch_last_rows_are_added_first():
    x = batch_last(np.zeros((4, 3, 2, 5), np.float32))
    assert [innermost(x, axes) for axes in ((0, 2, 3), (-4, -2, -1), (2, 3), (0,), (1, 2))] == [0, 0, None, None, None]
    assert innermost(np.ascontiguousarray(x), (0, 2, 3)) is None
    assert innermost(np.zeros(()), ()) is None and innermost(batch_last(np.zeros((1, 1, 2, 2))), (0, 1)) is None
    ones = batch_last(np.ones((3, 700, 3, 2), np.float16))
    np.testing.assert_array_equal(sum_along(ones, (0, 1, 2, 3)), 12600)


LAID = {
    "BatchNorm2d": lambda: nn.BatchNorm2d(3), "BatchNorm2d in eval mode": lambda: nn.BatchNorm2d(3).eval(),
    "BatchNorm2d(affine=False)": lambda: nn.BatchNorm2d(3, affine=False), "GroupNorm": lambda: nn.GroupNorm(3, 3),
    "LayerNorm": lambda: nn.LayerNorm((2, 5)), "RMSNorm": lambda: nn.RMSNorm(5), "Dropout": lambda: nn.Dropout(0.3),
    "Dropout2d": lambda: nn.Dropout2d(0.3), "ReLU": nn.ReLU, "PReLU": lambda: nn.PReLU(3), "SELU": nn.SELU,
    "CELU": nn.CELU, "Mish": nn.Mish, "Hardtanh": nn.Hardtanh, "Softsign": nn.Softsign, "LogSigmoid": nn.LogSigmoid,
    "LogSoftmax": lambda: nn.LogSoftmax(1), "residual": lambda: (lambda x: x + np.tanh(x) * 2),
}  # fmt: skip


@pytest.mark.parametrize("name", LAID)
@pytest.mark.parametrize("lies", [np.ascontiguousarray, batch_last])
def test_output_and_gradient_lie_in_memory_as_the_images_do(name, lies):
    tl.manual_seed(0)
    x, g = (lies(numbers(4, 3, 2, 5, seed=i).astype(np.float32)) for i in (0, 1))
    t = wrap(x, True)
    y = LAID[name]()(t)
    found, _ = propagate([y], [wrap(g)])
    assert order(y.data) == order(found[t]) == order(x)


@pytest.mark.parametrize("make", [LAID["BatchNorm2d"], LAID["GroupNorm"]])
def test_the_numbers_do_not_depend_on_where_they_lie(make, rng):
    x, g = (rng.normal(size=(5, 3, 4, 2)).astype(np.float32) for _ in range(2))
    made = []
    for lies in (np.ascontiguousarray, batch_last):
        layer, t = make(), tl.engine.tensor.wrap(lies(x), True)
        y = layer(t)
        found, _ = propagate([y], [wrap(lies(g))])
        made.append([y.data, found[t], found[layer.weight], found[layer.bias], *layer.state_dict().values()])
    for a, b in zip(*made, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-6)


def test_an_added_bias_of_images_has_its_gradient_summed_wherever_they_lie():
    for lies in (np.ascontiguousarray, batch_last):
        b = tl.tensor(np.zeros((3, 1, 1)), requires_grad=True)
        g = lies(numbers(4, 3, 2, 5))
        (lies(numbers(4, 3, 2, 5, seed=1)) + b).backward(wrap(g))
        np.testing.assert_allclose(b.grad.data, g.sum((0, 2, 3)).reshape(3, 1, 1), rtol=1e-12)


# ---- statistics ----


@pytest.mark.parametrize("shape", [(6, 3), (4, 3, 5), (1, 3, 2, 5), (4, 3, 1, 1)])
def test_f_batch_norm_moves_the_statistics_it_is_given_in_place(shape):
    x, mean, var = numbers(*shape), np.array([1.0, 2, 3]), np.array([0.5, 1, 2])
    was_mean, was_var = mean.copy(), var.copy()
    axes, n = (0, *range(2, x.ndim)), x.size // 3
    y = F.batch_norm(tl.tensor(x), mean, var, training=True, momentum=0.3)
    np.testing.assert_allclose(y.data, F.batch_norm(x, None, None, training=True), rtol=1e-13)
    np.testing.assert_allclose(mean, 0.7 * was_mean + 0.3 * x.mean(axes), rtol=1e-12)
    np.testing.assert_allclose(var, 0.7 * was_var + 0.3 * x.var(axes) * n / (n - 1), rtol=1e-12)
    F.batch_norm(numbers(2, *shape[1:]), mean, var, training=True, momentum=0.0)
    kept = mean.copy()
    column = (3, *(1,) * (x.ndim - 2))
    y = F.batch_norm(x, mean, var, np.array([1.0, 2, 3]), np.array([3.0, 2, 1]), eps=0.1)
    expected = (x - mean.reshape(column)) / np.sqrt(var.reshape(column) + 0.1)
    expected = expected * np.array([1.0, 2, 3]).reshape(column) + np.array([3.0, 2, 1]).reshape(column)
    np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(mean, kept)


def test_statistics_written_after_a_forward_pass_in_eval_mode_leave_its_gradients_as_they_were():
    mean, var = np.array([1.0, 2]), np.array([0.5, 1])
    grads = []
    for between in (False, True):
        x, w = tl.tensor(numbers(5, 2), requires_grad=True), tl.tensor([2.0, 3.0], requires_grad=True, dtype=float)
        y = F.batch_norm(x, mean.copy() if not between else mean, var.copy() if not between else var, w)
        if between:
            F.batch_norm(numbers(5, 2, seed=2), mean, var, training=True, momentum=0.9)
        y.backward(numbers(5, 2, seed=1), create_graph=True)
        first = x.grad
        (first * first).sum().backward()
        grads.append([first.data, w.grad.data])
    for a, b in zip(*grads, strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_layer_makes_new_arrays_of_its_statistics():
    layer = nn.BatchNorm2d(3)
    kept = layer.running_mean, layer.running_var
    before = [k.copy() for k in kept]
    layer(numbers(4, 3, 2, 5))
    assert layer.running_mean is not kept[0] and layer.num_batches_tracked == 1
    np.testing.assert_array_equal(kept, before)


@pytest.mark.parametrize("lies", [np.ascontiguousarray, batch_last])
def test_compiled_steps_move_statistics_as_the_function_does(lies):
    class Own(nn.Module):
        def __init__(self):
            self.mean, self.var = np.zeros(3, "f"), np.ones(3, "f")
            self.weight, self.layer = tl.tensor([1.0, 2.0, 3.0], requires_grad=True), nn.BatchNorm2d(3)

        def forward(self, x):
            return F.batch_norm(self.layer(x), self.mean, self.var, self.weight, training=self.training)

    def stepping(model):
        def step(x):
            model.zero_grad()
            y = model(x)
            np.sum(np.sin(y)).backward()
            return y

        return step

    models = Own(), Own()
    means = [m.mean for m in models]
    eager, compiled = stepping(models[0]), tl.compile(stepping(models[1]))
    for call in range(9):
        x = lies(numbers(4, 3, 2, 5, seed=call).astype("f"))
        for model in models:
            model.train(call % 3 > 0)
        a, b = eager(x), compiled(x)
        assert order(a.data) == order(b.data)
        np.testing.assert_array_equal(a.data, b.data)
        for p, q in zip(models[0].parameters(), models[1].parameters(), strict=True):
            np.testing.assert_array_equal(p.grad.data, q.grad.data)
        for p, q in zip(models[0].state_dict().values(), models[1].state_dict().values(), strict=True):
            np.testing.assert_array_equal(p, q)
    assert all(m.mean is mean for m, mean in zip(models, means, strict=True))
    assert compiled.programs and max(p.calls for p in compiled.programs) > 2


# ---- dtypes, sizes ----

MEANS, VARIANCES = np.array([[60, 0.37, 1, 60], [1, 2, 1e-7, 3]], np.float16)


@pytest.mark.parametrize(
    "f",
    [
        lambda x, w, b: F.batch_norm(x, None, None, w, b, True),
        lambda x, w, b: F.group_norm(x, 2, w, b),
        lambda x, w, b: F.layer_norm(x.swapaxes(1, 2), 4, w, b),
        lambda x, w, b: F.rms_norm(x.swapaxes(1, 2), 4, w),
        lambda x, w, b: F.batch_norm(x, MEANS.astype(x.dtype), VARIANCES.astype(x.dtype), w, b),
    ],
)
def test_float16_is_computed_in_float32_and_rounded_once(f, rng):
    x = (rng.normal(size=(300, 4, 9)) * 3 + np.array([[60], [0], [1], [60]])).astype(np.float16)
    w, b = rng.uniform(0.5, 1.5, (2, 4)).astype(np.float16)
    g = None
    made = []
    for dtype in (np.float16, np.float64):
        leaves = [tl.tensor(a.astype(dtype), requires_grad=True) for a in (x, w, b)]
        y = f(*leaves)
        g = rng.normal(size=y.shape).astype(np.float16) if g is None else g
        y.backward(g.astype(dtype))
        assert y.dtype == dtype
        made.append([y.data, *(p.grad.data for p in leaves if p.grad is not None)])
    assert np.mean(made[0][0] == made[1][0].astype(np.float16)) > 0.97
    for a, e in zip(*made, strict=True):
        assert a.dtype == np.float16
        np.testing.assert_allclose(a, e, rtol=2e-3, atol=2e-3 * np.abs(e).max())


@pytest.mark.parametrize("mean", [0.0, 30.0, 1e4])
@pytest.mark.parametrize("lies", [np.ascontiguousarray, batch_last])
def test_images_around_a_large_mean_are_normalised_as_float64_does_it(mean, lies, rng):
    x = (rng.normal(size=(32, 3, 7, 5)) + mean).astype(np.float32)
    x[:, 2] = 0.1 * mean  # equal numbers
    g = rng.normal(size=x.shape).astype(np.float32)
    made = []
    for dtype in (np.float32, np.float64):
        layer, t = nn.BatchNorm2d(3, affine=False, momentum=1.0), wrap(lies(x.astype(dtype)), True)
        y = layer(t)
        found, _ = propagate([y], [wrap(lies(g.astype(dtype)))])
        made.append([y.data, found[t], layer.running_mean, layer.running_var])
    scales = (1.0, np.abs(made[1][1]).max((0, 2, 3), keepdims=True), 1.0 + mean, 1.0)
    for a, b, scale in zip(*made, scales, strict=True):
        np.testing.assert_allclose(a / scale, b / scale, rtol=1e-4, atol=3e-6)
    assert (made[0][0][:, 2] == 0).all()


def test_numbers_whose_squares_overflow_or_vanish_are_normalised_and_have_gradients():
    g = np.random.default_rng(1).normal(size=(40, 3, 2, 5))
    for size in (1e-15, 1e16, 1e25):
        x = np.random.default_rng(0).normal(size=g.shape)
        grads = []
        for dtype, scale in ((np.float64, 1.0), (np.float32, size)):
            t = wrap(batch_last((x * scale).astype(dtype)), True)
            with np.errstate(over="ignore"):
                y = F.batch_norm(t, None, None, training=True, eps=0.0 if size > 1 else 1e-5 * (scale / size) ** 2)
                if size > 1 or scale == 1:
                    grads.append([y.data, propagate([y], [wrap(batch_last(g.astype(dtype)))])[0][t] * scale])
        for a, b in zip(grads[0], grads[-1], strict=True):
            np.testing.assert_allclose(b, a, rtol=1e-3, atol=1e-4)
    rms = root_mean_square(np.array([[3e25, 4e25], [1, 1]], np.float32), (1,), 0.0)
    np.testing.assert_allclose(rms, [[np.sqrt(12.5) * 1e25], [1]], rtol=1e-5)


def test_arrays_give_arrays_in_their_dtype_and_what_is_no_floats_becomes_floats():
    x = numbers(4, 3)
    for f in (lambda x: F.batch_norm(x, None, None, training=True), lambda x: F.layer_norm(x, 3),
              lambda x: F.rms_norm(x, 3), lambda x: F.group_norm(x, 1)):  # fmt: skip
        for dtype in (np.float16, np.float32, np.float64):
            y = f(x.astype(dtype))
            assert type(y) is np.ndarray and y.dtype == dtype
        assert f(np.arange(12).reshape(4, 3)).dtype == np.float64
        assert f(tl.tensor(x)).dtype == np.float64
    assert F.layer_norm(x, 3, np.ones(3, "f")).dtype == np.float32
    w, small = tl.tensor(np.ones(3), requires_grad=True), tl.tensor(x.astype("f"), requires_grad=True)
    for y in (F.layer_norm(small, 3, w), F.batch_norm(small, None, None, w, training=True), F.group_norm(small, 1, w)):
        assert y.dtype == np.float64  # as NumPy promotes
    ones = [1.0, 1.0, 1.0]
    for y in (F.layer_norm(x, 3, ones, ones), F.rms_norm(x, 3, ones), F.group_norm(x, 1, ones, ones)):
        assert type(y) is np.ndarray and y.dtype == np.float64
    mean = tl.tensor(np.zeros(3), requires_grad=True)
    assert type(F.batch_norm(x, mean, tl.tensor(np.ones(3), requires_grad=True), ones, ones)) is np.ndarray
    for layer in (nn.BatchNorm2d(3, affine=False), nn.GroupNorm(3, 3, affine=False), nn.RMSNorm(2, None, False)):
        assert layer(numbers(2, 3, 2, 2)).dtype == np.float32


def test_batches_may_be_empty_where_no_statistics_are_taken_over_them():
    assert nn.BatchNorm2d(3).eval()(np.zeros((0, 3, 2, 2))).shape == (0, 3, 2, 2)
    assert nn.GroupNorm(1, 3)(np.zeros((0, 3, 2, 2))).shape == (0, 3, 2, 2)
    assert nn.RMSNorm(3)(np.zeros((0, 3))).shape == nn.LayerNorm(3)(np.zeros((0, 3))).shape == (0, 3)


# ---- seen by the rest of the house ----


def test_layers_that_normalise_are_summarised_diagnosed_explained_and_checked(rng):
    class Images(nn.Module):
        def __init__(self):
            self.norm, self.groups, self.last = nn.BatchNorm2d(2), nn.GroupNorm(1, 2), nn.RMSNorm(12)
            self.drop, self.out = nn.Dropout2d(0.1), nn.Linear(12, 3)

        def forward(self, x):
            return self.out(self.last(self.drop(self.groups(self.norm(x))).reshape((len(x), 12))))

    model, x, y = Images(), rng.normal(size=(16, 2, 2, 3)).astype("f"), rng.integers(0, 3, 16)
    assert "BatchNorm2d" in str(tl.summary(model, (2, 2, 3)))
    optimizer = tl.optim.Adam(model.parameters())
    tl.fit(model, (x, y), loss=F.cross_entropy, optimizer=optimizer, epochs=1, progress=False)
    assert isinstance(str(tl.diagnose(model, batch=(x, y), loss=F.cross_entropy, optimizer=optimizer)), str)
    text = str(tl.explain(F.cross_entropy(model(x), y)))
    assert "centred" in text and "scale_and_shift" in text
    with tl.strict(), tl.detect_anomaly():
        F.cross_entropy(model(x), y).backward()
    assert tl.gradcheck(nn.BatchNorm2d(2), x.astype(float), order=2)
    assert tl.gradcheck(nn.GroupNorm(2, 2), x.astype(float))
    assert tl.gradcheck(nn.RMSNorm(3), x.astype(float))


# ---- mistakes ----

MEAN, VAR = np.zeros(3), np.ones(3)


@pytest.mark.parametrize(
    ("make", "error", "sentence"),
    [
        (lambda: nn.BatchNorm2d(3)(np.ones((2, 3))), ValueError, r"BatchNorm2d needs x of shape \(N, 3, H, W\), not "
         r"\(2, 3\); of one image of one channel write x\[None, None\], for rows of features take nn\.BatchNorm1d"),
        (lambda: nn.BatchNorm2d(3)(np.ones((3, 4, 5))), ValueError, r"not \(3, 4, 5\); of one image write x\[None\]"),
        (lambda: nn.BatchNorm2d(3)(np.ones((2, 4, 5))), ValueError, r"of images of one channel write x\[:, None\]"),
        (lambda: nn.BatchNorm2d(3)(np.ones((2, 4, 5, 3))), ValueError, r"\(2, 4, 5, 3\); if the channels come last, "
         r"write np\.moveaxis\(x, -1, 1\)"),
        (lambda: nn.BatchNorm2d(3)(np.ones((2, 4, 5, 5))), ValueError, r"not \(2, 4, 5, 5\)$"),
        (lambda: nn.BatchNorm2d(3)(np.ones(3)), ValueError, r"\(N, 3, H, W\), not \(3,\)$"),
        (lambda: nn.BatchNorm2d(3)(np.ones((1, 3, 1, 1))), ValueError, "BatchNorm2d normalises over more than"),
        (lambda: nn.BatchNorm2d(3)(np.ones((0, 3, 2, 2))), ValueError, "BatchNorm2d normalises over more than"),
        (lambda: nn.BatchNorm1d(3)(np.ones((2, 3, 4, 5))), ValueError, r"\(N, 3\) or \(N, 3, L\), not \(2, 3, 4, 5\); "
         r"for images take nn\.BatchNorm2d"),
        (lambda: nn.BatchNorm1d(3)(np.ones((2, 5, 3))), ValueError, r"not \(2, 5, 3\); if the channels come last"),
        (lambda: nn.BatchNorm1d(3)(np.ones((2, 5, 4))), ValueError, r"not \(2, 5, 4\)$"),
        (lambda: nn.BatchNorm2d(3, momentum=2), ValueError, "BatchNorm2d's momentum is the weight"),
        (lambda: nn.BatchNorm2d(3, eps="a"), TypeError, "BatchNorm2d's eps must be a number"),
        (lambda: nn.BatchNorm2d(0), ValueError, "num_features must be at least 1"),
        (lambda: nn.GroupNorm(2, 3), ValueError, "2 groups don't divide 3 channels evenly"),
        (lambda: nn.GroupNorm(0, 3), ValueError, "num_groups must be at least 1"),
        (lambda: nn.GroupNorm(1, 2.0), TypeError, "num_channels must be an integer"),
        (lambda: nn.GroupNorm(1, 2, None), TypeError, "GroupNorm's eps must be a number"),
        (lambda: nn.GroupNorm(1, 3)(np.ones((2, 4, 3))), ValueError, r"\(N, 3, …\), not \(2, 4, 3\); if the channels"),
        (lambda: nn.GroupNorm(1, 3)(np.ones((2, 4))), ValueError, r"\(N, 3, …\), not \(2, 4\)$"),
        (lambda: nn.GroupNorm(1, 3)(np.ones(3)), ValueError, r"\(N, 3, …\), not \(3,\)$"),
        (lambda: F.group_norm(np.ones((2, 4)), 3), ValueError, r"3 groups don't divide the channels, axis 1 of x of"),
        (lambda: F.group_norm(np.ones(4), 1), ValueError, r"axis 1 of x of shape \(4,\)"),
        (lambda: F.group_norm(np.ones((2, 4)), 2, np.ones(2)), ValueError, r"a weight and a bias of \(4,\)"),
        (lambda: F.group_norm(np.ones((2, 4)), 2, None, np.ones(2)), ValueError, r"a weight and a bias of \(4,\)"),
        (lambda: F.group_norm(np.ones((2, 4)), 0), ValueError, "num_groups must be at least 1"),
        (lambda: nn.RMSNorm(3, "a"), TypeError, "RMSNorm's eps must be a number"),
        (lambda: nn.RMSNorm(()), ValueError, "RMSNorm's normalized_shape needs at least one axis"),
        (lambda: nn.RMSNorm(3)(np.ones((2, 4))), ValueError, r"rms_norm over the last axes \(3,\) can't take x"),
        (lambda: F.layer_norm(np.ones((2, 4)), 0), ValueError, "normalized_shape must be at least 1"),
        (lambda: F.layer_norm(np.ones(4), (2, 4)), ValueError, r"last axes \(2, 4\) can't take x of shape \(4,\)"),
        (lambda: F.layer_norm(np.ones((2, 4)), 4, np.ones(2)), ValueError, r"parameters of that shape, not \(2,\)"),
        (lambda: F.layer_norm(np.ones((2, 4)), 4, None, np.ones((2, 4))), ValueError, r"that shape, not \(2, 4\)"),
        (lambda: F.batch_norm(np.ones(3), MEAN, VAR), ValueError, r"channels are axis 1, but x has shape \(3,\)"),
        (lambda: F.batch_norm(np.ones((2, 4)), MEAN, VAR), ValueError, r"running_mean has shape \(3,\), but x of"),
        (lambda: F.batch_norm(np.ones((2, 3)), MEAN, VAR[:2]), ValueError, r"running_var has shape \(2,\)"),
        (lambda: F.batch_norm(np.ones((2, 3)), MEAN, VAR, VAR[:2]), ValueError, r"weight has shape \(2,\)"),
        (lambda: F.batch_norm(np.ones((2, 3)), MEAN, VAR, VAR, VAR[:2]), ValueError, r"bias has shape \(2,\)"),
        (lambda: F.batch_norm(np.ones((2, 3)), None, VAR), ValueError, "needs running_mean and running_var where"),
        (lambda: F.batch_norm(np.ones((2, 3)), MEAN, None), ValueError, "needs running_mean and running_var where"),
        (lambda: F.batch_norm(np.ones((2, 3)), MEAN, None, training=True), TypeError, "both None or arrays"),
        (lambda: F.batch_norm(np.ones((2, 3)), tl.tensor(MEAN), VAR, training=True), TypeError, "written in place"),
        (lambda: F.batch_norm(np.ones((2, 3)), [0.0] * 3, VAR, training=True), TypeError, "written in place"),
        (lambda: F.batch_norm(np.ones((1, 3)), None, None, training=True), ValueError, "more than one value"),
    ],
)  # fmt: skip
def test_a_mistake_gets_a_sentence(make, error, sentence):
    with pytest.raises(error, match=sentence):
        make()
