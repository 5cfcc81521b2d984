"""The small kind: activations, their layers, dropped channels, smooth_l1_loss and sliding windows.

Values and slopes are checked against formulas, at kinks, far out and in every dtype, and against PyTorch.
"""

from __future__ import annotations

import math

import device
import numpy as np
import pytest
from numerical import assert_rounded_once
from test_functional import assert_agree, assert_as_torch, derivatives, numbers

import tinydl as tl
from tinydl import functional as F
from tinydl import nn
from tinydl.engine.dispatch import kinks

sliding_window_view = np.lib.stride_tricks.sliding_window_view


def batch_last(x):
    """The same numbers, (N, C, H, W) with N last in memory."""
    return np.ascontiguousarray(x.transpose(2, 3, 1, 0)).transpose(3, 2, 0, 1)


def order(x):
    """The axes from the longest step in memory to the shortest."""
    return sorted(range(x.ndim), key=lambda i: -x.strides[i])


def value_and_slope(f, x, g=None, dtype=np.float64):
    t = tl.tensor(np.asarray(x, dtype), requires_grad=True)
    y = f(t)
    y.backward(np.ones_like(y.data) if g is None else g)
    return y.data, t.grad.data


# ---- activations ----

LAMBDA, ALPHA = 1.0507009873554805, 1.6732632423543772
WEIGHT = np.array([0.3, -0.5, 1.5])
# each function, PyTorch's name for it, options, and its value and slope by formulas in float64
ACTIVATIONS = {
    "selu": (
        F.selu, "selu", {},
        lambda x: LAMBDA * np.where(x > 0, x, ALPHA * np.expm1(np.minimum(x, 0))),
        lambda x: LAMBDA * np.where(x > 0, 1, ALPHA * np.exp(np.minimum(x, 0))),
    ),
    "celu": (
        F.celu, "celu", {},
        lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
        lambda x: np.exp(np.minimum(x, 0)),
    ),
    "celu(alpha)": (
        F.celu, "celu", {"alpha": 0.7},
        lambda x: np.where(x > 0, x, 0.7 * np.expm1(np.minimum(x, 0) / 0.7)),
        lambda x: np.exp(np.minimum(x, 0) / 0.7),
    ),
    "mish": (
        F.mish, "mish", {},
        lambda x: x * np.tanh(np.logaddexp(0, x)),
        lambda x: np.tanh(np.logaddexp(0, x)) + x / np.cosh(np.logaddexp(0, x)) ** 2 / (1 + np.exp(-x)),
    ),
    "hardtanh": (
        F.hardtanh, "hardtanh", {},
        lambda x: np.clip(x, -1, 1),
        lambda x: (np.abs(x) < 1) * 1.0,
    ),
    "hardtanh(bounds)": (
        F.hardtanh, "hardtanh", {"min_val": -0.5, "max_val": 2.0},
        lambda x: np.clip(x, -0.5, 2),
        lambda x: ((x > -0.5) & (x < 2)) * 1.0,
    ),
    "softsign": (
        F.softsign, "softsign", {},
        lambda x: x / (1 + np.abs(x)),
        lambda x: (1 + np.abs(x)) ** -2.0,
    ),
    "logsigmoid": (
        F.logsigmoid, "logsigmoid", {},
        lambda x: -np.logaddexp(0, -x),
        lambda x: np.exp(-np.logaddexp(0, x)),
    ),
}  # fmt: skip
# kinks and bounds among them
POINTS = np.array([-80.0, -12.5, -2.0, -1.0, -0.5, -1e-7, 0.0, 1e-7, 0.5, 1.0, 2.0, 12.5, 80.0])


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_has_the_value_and_the_slope_of_its_formula_at_kinks_and_far_out(name):
    f, _, options, value, slope = ACTIVATIONS[name]
    for x in (POINTS, numbers(3, 5, low=-5, high=5), numbers(2, 0, 3), np.asarray(-0.7)):
        g = np.random.default_rng(2).normal(size=x.shape)
        y, found = value_and_slope(lambda t: f(t, **options), x, g)
        np.testing.assert_allclose(y, value(x), rtol=1e-12, atol=1e-300)
        np.testing.assert_allclose(found, g * slope(x), rtol=1e-12, atol=1e-300)
        np.testing.assert_array_equal(f(x, **options), y)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_second_derivatives_of_an_activation_are_those_of_its_slope(name):
    f, _, options, _, slope = ACTIVATIONS[name]
    x = numbers(4, 3, low=-4, high=4)
    x[np.abs(x) < 0.01] = 0.3
    t = tl.tensor(x, requires_grad=True)
    f(t, **options).sum().backward(create_graph=True)
    h = np.random.default_rng(3).normal(size=x.shape)
    first, t.grad = t.grad, None
    (first * h).sum().backward() if first.requires_grad else None
    found = np.zeros_like(x) if t.grad is None else t.grad.data
    np.testing.assert_allclose(found, h * (slope(x + 1e-6) - slope(x - 1e-6)) / 2e-6, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_agree_with_torch_in_value_gradient_and_second_derivative(name):
    theirs = getattr(pytest.importorskip("torch.nn.functional"), ACTIVATIONS[name][1])
    f, _, options, _, _ = ACTIVATIONS[name]
    for x in (POINTS, numbers(3, 5), numbers(2, 0, 3), np.asarray(0.7)):
        tolerance = 1e-7 if "alpha" in options else 1e-9  # PyTorch rounds 1/alpha to float32
        assert_as_torch(lambda t: f(t, **options), lambda t: theirs(t, **options), x, tolerance=tolerance)


@pytest.mark.parametrize("name", [*ACTIVATIONS, "prelu"])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_activations_keep_the_dtype_the_order_in_memory_and_nan_and_give_arrays_for_arrays(name, dtype):
    f, options = (lambda x: F.prelu(x, dtype(0.25)), {}) if name == "prelu" else ACTIVATIONS[name][0:3:2]
    x = batch_last(numbers(5, 2, 3, 4).astype(dtype))
    t = tl.tensor(x, requires_grad=True) * dtype(1)  # computed, so that its gradient keeps its order
    t = t if order(t.data) == order(x) else tl.engine.tensor.wrap(x, True)
    y = f(t, **options)
    (found, *_), _ = tl.engine.tensor.propagate([y], [tl.engine.tensor.wrap(x)], wanted=[t])[0].values(), None
    for array in (y.data, found, f(x, **options)):
        assert type(array) is np.ndarray and array.dtype == dtype and order(array) == order(x)
    y, g = value_and_slope(lambda t: f(t, **options), np.array([np.nan, 0.5], dtype), dtype=dtype)
    assert np.isnan(y[0]) and not np.isnan(y[1]) and not np.isnan(g[1])


@pytest.mark.parametrize("name", [name for name in ACTIVATIONS if name not in ("mish", "selu")])
def test_float16_and_float32_are_right_to_a_few_roundings(name):
    f, _, options, value, slope = ACTIVATIONS[name]
    for dtype in (np.float16, np.float32):
        x = numbers(200, low=-9, high=9).astype(dtype)
        y, g = value_and_slope(lambda t: f(t, **options), x, dtype=dtype)
        wide, eps = x.astype(np.float64), np.finfo(dtype).eps
        np.testing.assert_allclose(y, value(wide), rtol=4 * eps, atol=2 * np.finfo(dtype).tiny)
        np.testing.assert_allclose(g, slope(wide), rtol=8 * eps, atol=4 * float(np.finfo(dtype).tiny))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_far_out_nothing_overflows(name):
    f, _, options, _, _ = ACTIVATIONS[name]
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        y, g = value_and_slope(lambda t: f(t, **options), 1000 * POINTS)
    assert np.isfinite(y).all() and np.isfinite(g).all()


def test_the_slope_of_nan_is_torchs():
    torch = pytest.importorskip("torch")
    for name in ("hardtanh", "softsign"):
        x = torch.tensor([math.nan, 0.5], requires_grad=True)
        getattr(torch.nn.functional, name)(x).sum().backward()
        _, g = value_and_slope(getattr(F, name), [math.nan, 0.5])
        np.testing.assert_array_equal(np.isnan(g), np.isnan(x.grad.numpy()), err_msg=name)


def test_what_the_slope_is_at_a_kink_is_said_in_the_table_and_so():
    assert (kinks["hardtanh"], kinks["prelu"]) == ("on its bounds: 0", "at 0: the weight")
    np.testing.assert_array_equal(value_and_slope(F.hardtanh, [-1.0, -0.5, 1.0])[1], [0, 1, 0])
    np.testing.assert_array_equal(value_and_slope(lambda x: F.prelu(x, 0.25), [-1.0, 0.0, 1.0])[1], [0.25, 0.25, 1])
    assert value_and_slope(F.hardtanh, math.nan)[1] == 1  # PyTorch's; np.clip's is 0
    x = tl.tensor(np.array([0.0, 1.0]), requires_grad=True)
    (slope,) = tl.grad(lambda x: F.celu(x, 0.5).sum())(x).data[:1]
    assert slope == 1
    np.testing.assert_array_equal(tl.grad(lambda x: tl.grad(lambda x: F.celu(x, 0.5).sum())(x).sum())(x).data, [0, 0])


def test_the_log_of_the_sigmoid_and_its_slope_are_exact_where_the_sigmoid_rounds_to_0_or_1():
    x = np.array([-1e30, -200.0, 40.0, 200.0, 1e30])
    y, g = value_and_slope(F.logsigmoid, x)
    np.testing.assert_allclose(y, [-1e30, -200, -math.exp(-40), -math.exp(-200), 0], rtol=1e-14)
    np.testing.assert_allclose(g, [1, 1, math.exp(-40), math.exp(-200), 0], rtol=1e-14)
    _, g = value_and_slope(F.softsign, [1e9, -1e200])
    np.testing.assert_allclose(g, [1e-18, 0], rtol=1e-8)


@pytest.mark.parametrize(
    ("shape", "weight"),
    [((4, 3), WEIGHT), ((4, 3, 2), WEIGHT), ((2, 3, 2, 5), WEIGHT), ((5,), WEIGHT[:1]), ((2, 3, 4), WEIGHT[:1]),
     ((), WEIGHT[:1]), ((0, 3), WEIGHT)],
)  # fmt: skip
def test_prelu_has_a_weight_for_all_or_for_each_channel(shape, weight):
    x = numbers(*shape)
    x.flat[:1] = 0
    column = weight.reshape(-1, *(1,) * max(x.ndim - 2, 0)) if len(weight) > 1 else weight[0]

    def formula(x, w):
        w = w.reshape(-1, *(1,) * max(x.ndim - 2, 0)) if len(weight) > 1 else w[0]
        return np.maximum(x - 1e-300, 0) + w * np.minimum(x, 1e-300)

    assert F.prelu(tl.tensor(x), weight).shape == F.prelu(x, tl.tensor(weight)).shape == x.shape
    assert_agree(F.prelu, lambda *rest: derivatives(formula, *rest), x, weight)
    np.testing.assert_allclose(F.prelu(x, weight), np.where(x > 0, x, column * x), rtol=1e-15)
    if shape:
        np.testing.assert_array_equal(
            nn.PReLU(len(weight), 0.1)(x).data, F.prelu(x.astype("f"), np.full(len(weight), 0.1, "f"))
        )


def test_prelu_takes_numbers_lists_and_arrays_of_whole_numbers():
    for x in ([-4, 2], np.array([-4, 2]), np.array([-4.0, 2.0])):
        for weight in (0.25, np.float64(0.25), [0.25], np.array([0.25])):
            y = F.prelu(x, weight)
            assert type(y) is np.ndarray and y.dtype == np.float64
            np.testing.assert_array_equal(y, [-1, 2])
    assert F.prelu(np.array([-4.0], np.float32), 0.25).dtype == np.float32
    assert type(F.prelu(tl.tensor(device.asarray(np.array([-4.0]))), 0.25).data) is device.OnDevice


def test_prelu_agrees_with_torch():
    theirs = pytest.importorskip("torch.nn.functional").prelu
    for shape, weight in (((4, 3), WEIGHT), ((2, 3, 2, 5), WEIGHT), ((5,), WEIGHT[:1]), ((2, 3), WEIGHT[:1])):
        assert_as_torch(F.prelu, theirs, numbers(*shape), weight)
    torch = pytest.importorskip("torch")
    x, w = torch.zeros(2, dtype=torch.float64, requires_grad=True), torch.tensor([0.3], dtype=torch.float64)
    theirs(x, w).backward(torch.tensor([1.0, 2.0], dtype=torch.float64))
    np.testing.assert_array_equal(value_and_slope(lambda t: F.prelu(t, 0.3), [0.0, 0.0], [1.0, 2.0])[1], x.grad.numpy())


def test_an_infinite_x_of_prelu_leaves_the_gradient_of_the_weight_a_number():
    w = tl.tensor([0.25], requires_grad=True)
    F.prelu(tl.tensor([np.inf, -2.0]), w).sum().backward()
    assert w.grad.data == [-2]


# ---- layers ----

LAYERS = {  # how ours is made, PyTorch's, the shape of x
    "SELU": (nn.SELU, lambda n: n.SELU(), (4, 3)),
    "CELU": (lambda: nn.CELU(0.4), lambda n: n.CELU(0.4), (4, 3)),
    "PReLU": (nn.PReLU, lambda n: n.PReLU(), (4, 3)),
    "PReLU(3)": (lambda: nn.PReLU(3, init=-0.1), lambda n: n.PReLU(3, init=-0.1), (4, 3, 2)),
    "Mish": (nn.Mish, lambda n: n.Mish(), (4, 3)),
    "Hardtanh": (nn.Hardtanh, lambda n: n.Hardtanh(), (4, 3)),
    "Hardtanh(-2, 0.5)": (lambda: nn.Hardtanh(-2, 0.5), lambda n: n.Hardtanh(-2, 0.5), (4, 3)),
    "Softsign": (nn.Softsign, lambda n: n.Softsign(), (4, 3)),
    "LogSoftmax": (nn.LogSoftmax, lambda n: n.LogSoftmax(-1), (4, 3)),
    "LogSoftmax(1)": (lambda: nn.LogSoftmax(axis=1), lambda n: n.LogSoftmax(1), (4, 3, 2)),
    "LogSigmoid": (nn.LogSigmoid, lambda n: n.LogSigmoid(), (4, 3)),
}


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_layer_and_torchs_give_the_same_and_take_each_others_state(name, dtype):
    torch = pytest.importorskip("torch")
    make, make_theirs, shape = LAYERS[name]
    with tl.default_dtype(dtype):
        ours, again, theirs = make(), make(), make_theirs(torch.nn).to(torch.tensor(np.zeros(1, dtype)).dtype)
    assert {k: v.shape for k, v in ours.state_dict().items()} == {
        k: tuple(v.shape) for k, v in theirs.state_dict().items()
    }
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(p.data, q.detach().numpy(), rtol=1e-7)  # as they start
        p.data = np.linspace(-0.3, 0.6, p.size, dtype=dtype)
    theirs.load_state_dict({k: torch.tensor(v) for k, v in ours.state_dict().items()})
    again.load_state_dict(theirs.state_dict())
    x, g = numbers(*shape).astype(dtype), numbers(*shape, seed=1).astype(dtype)
    tolerance = 1e-5 if dtype == np.float32 else 1e-7 if name == "CELU" else 1e-12  # PyTorch's 1/alpha is of float32
    for mode in (True, False):
        for layer in (ours.train(mode), again.train(mode)):
            layer.zero_grad()
            t, u = tl.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
            theirs.train(mode).zero_grad()
            y, z = layer(t), theirs(u)
            y.backward(g)
            z.backward(torch.tensor(g))
            assert y.dtype == dtype
            np.testing.assert_allclose(y.data, z.detach().numpy(), rtol=tolerance, atol=tolerance)
            np.testing.assert_allclose(t.grad.data, u.grad.numpy(), rtol=tolerance, atol=tolerance)
            for p, q in zip(layer.parameters(), theirs.parameters(), strict=True):
                np.testing.assert_allclose(p.grad.data, q.grad.numpy(), rtol=tolerance, atol=tolerance)


FUNCTIONS = {
    "SELU": (nn.SELU, F.selu), "CELU": (lambda: nn.CELU(0.4), lambda x: F.celu(x, 0.4)), "Mish": (nn.Mish, F.mish),
    "Hardtanh": (lambda: nn.Hardtanh(-2, 0.5), lambda x: F.hardtanh(x, -2, 0.5)), "Softsign": (nn.Softsign, F.softsign),
    "LogSoftmax": (lambda: nn.LogSoftmax(0), lambda x: F.log_softmax(x, 0)),
    "LogSigmoid": (nn.LogSigmoid, F.logsigmoid),
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_layer_is_its_function(name):
    make, f = FUNCTIONS[name]
    x = numbers(3, 4)
    np.testing.assert_array_equal(make()(tl.tensor(x)).data, f(x))
    assert nn.LogSoftmax().axis == -1 and repr(nn.PReLU(3)) == "PReLU(num_parameters=3, init=0.25)"


def test_layers_with_prelu_are_trained_counted_and_checked():
    model = nn.Sequential(nn.Linear(3, 4), nn.PReLU(4), nn.Mish(), nn.Linear(4, 2))
    assert "PReLU" in str(tl.summary(model, (3,)))
    assert model.state_dict()["1.weight"].shape == (4,)
    assert tl.gradcheck(lambda x: model(x), numbers(5, 3))
    assert tl.gradcheck(F.prelu, numbers(5, 3) + 0.1, WEIGHT, order=2)
    F.mse_loss(model(np.ones((2, 3))), np.zeros((2, 2))).backward()
    assert "prelu" in str(tl.explain(F.mse_loss(model(np.ones((2, 3))), np.zeros((2, 2)))))
    assert nn.init.calculate_gain("selu") == 0.75


# ---- dropped channels ----


def test_dropout2d_drops_whole_channels_and_scales_the_others():
    tl.manual_seed(0)
    layer, x = nn.Dropout2d(0.25), batch_last(np.full((60, 40, 2, 3), 3.0, np.float32))
    y = layer(x).data
    assert order(y) == order(x) and y.dtype == np.float32
    each = y.reshape(2400, 6)
    assert (each == each[:, :1]).all() and set(np.unique(y)) == {0.0, 4.0}
    assert abs((each[:, 0] == 0).mean() - 0.25) < 0.03
    assert (y[:, :, 0, 0] == 0).any(1).mean() > 0.9 and len(np.unique(y[:, :, 0, 0] == 0, axis=0)) == 60
    assert layer.eval()(x) is x or (layer(x).data == x).all()
    np.testing.assert_array_equal(F.dropout2d(x, 0.25, rng=5), F.dropout2d(x, 0.25, rng=5))
    assert (F.dropout2d(x, 1.0) == 0).all() and F.dropout2d(x, 0.0) is x and F.dropout2d(x, training=False) is x
    assert set(np.unique(F.dropout2d(x))) == {0.0, 6.0}
    t = tl.tensor(x, requires_grad=True)
    F.dropout2d(t, 0.25, rng=5).backward(2 * x)
    np.testing.assert_array_equal(t.grad.data, 2 * F.dropout2d(x, 0.25, rng=5))


def test_dropout_of_an_array_of_another_library_lies_as_it_likes():
    x = device.asarray(np.full((40, 30), 2.0).T)
    made = F.dropout(x, 0.5, rng=1)
    np.testing.assert_array_equal(made.get(), F.dropout(np.full((40, 30), 2.0).T, 0.5, rng=1))


def test_dropout_has_a_mask_of_its_own_for_each_element():
    x = np.full((3, 400), 2.0)
    y = F.dropout(x, 0.5, rng=1)
    assert set(np.unique(y)) == {0.0, 4.0} and len(np.unique(y, axis=0)) == 3


# ---- smooth_l1_loss ----


@pytest.mark.parametrize("beta", [1.0, 0.4, 0.0, 3])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_smooth_l1_loss_is_squared_within_beta_and_linear_beyond(reduction, beta):
    x, t = numbers(3, 4), numbers(3, 4, seed=1)
    x[0, :3] = t[0, :3] + (0, beta, -beta)
    d = np.abs(x - t)
    losses = np.where(d < beta, 0.5 * d * d / (beta or 1), d - 0.5 * beta)
    expected = {"mean": losses.mean(), "sum": losses.sum(), "none": losses}[reduction]
    loss = F.smooth_l1_loss(tl.tensor(x), t, reduction=reduction, beta=beta)
    np.testing.assert_allclose(loss.data, expected, rtol=1e-14)
    if beta == 1:
        np.testing.assert_array_equal(F.smooth_l1_loss(x, t, reduction).data, loss.data)
    x[0, :3] += 0.01
    f = lambda p, q: F.smooth_l1_loss(p, q, reduction, beta)
    assert tl.gradcheck(f, x, t)
    theirs = pytest.importorskip("torch.nn.functional").smooth_l1_loss
    assert_as_torch(f, lambda p, q: theirs(p, q, reduction=reduction, beta=beta), x, t)


def test_smooth_l1_loss_of_float16_is_rounded_once():
    x = np.random.default_rng(0).normal(size=(3000, 3)) * 4
    for beta in (0.5, 0):
        assert_rounded_once(lambda p, t: F.smooth_l1_loss(p, t, beta=beta), x, x[::-1])  # noqa: B023


# ---- sliding windows ----

WINDOWS = [
    ((7,), 3, None), ((7,), (3,), 0), ((4, 5), (2, 3), None), ((4, 5), 2, 1), ((4, 5, 3), (2, 3), (1, -1)),
    ((4, 5), (2, 3), (0, 0)), ((3, 4), (1, 4), (-2, 1)), ((5,), 5, None),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "window", "axis"), WINDOWS)
def test_sliding_windows_of_a_tensor_are_numpys_and_their_gradients_are_added_back(shape, window, axis):
    x = numbers(*shape)
    expected = sliding_window_view(x, window, axis)
    t = tl.tensor(x, requires_grad=True)
    y = sliding_window_view(t, window, axis)
    np.testing.assert_array_equal(y.data, expected)
    g = np.random.default_rng(1).normal(size=y.shape)
    y.backward(g)
    places = sliding_window_view(np.arange(x.size).reshape(shape), window, axis)
    np.testing.assert_allclose(t.grad.data.ravel(), np.bincount(places.ravel(), g.ravel(), x.size), rtol=1e-12)
    assert tl.gradcheck(lambda x: sliding_window_view(x, window, axis=axis) ** 2, x, order=2)
    assert np.shares_memory(y.data, t.data) and not y.data.flags.writeable


def test_windows_take_lists_keywords_and_subok_and_refuse_to_be_writeable():
    x = tl.tensor(numbers(4, 5), requires_grad=True)
    for y in (sliding_window_view(x, window_shape=[2], axis=[1]), sliding_window_view(x, 2, 1, subok=True)):
        np.testing.assert_array_equal(y.data, sliding_window_view(x.data, 2, 1))
    assert isinstance(sliding_window_view(x, 2, 1, writeable=False), tl.Tensor)
    with pytest.raises(TypeError, match=r"can't be writeable.*y = windows \* mask"):
        sliding_window_view(x, 2, 1, writeable=True)
    with pytest.raises(ValueError, match="window"):
        sliding_window_view(x, 9, 1)


def test_a_convolution_written_with_windows_has_its_gradients_and_keeps_its_dtype():
    x, w = (
        tl.tensor(numbers(2, 9).astype("f"), requires_grad=True),
        tl.tensor(numbers(3).astype("f"), requires_grad=True),
    )
    y = sliding_window_view(x, 3, 1) @ w[::-1]
    np.testing.assert_allclose(y.data, [np.convolve(row, w.data, "valid") for row in x.data], rtol=1e-5, atol=1e-6)
    g = numbers(2, 7, seed=3).astype("f")
    y.backward(g)
    assert x.grad.dtype == w.grad.dtype == np.float32
    expected = [np.convolve(row, w.data[::-1]) for row in g]
    np.testing.assert_allclose(x.grad.data, expected, rtol=1e-5, atol=1e-5)


def test_windows_of_float16_are_added_up_in_float32():
    x = tl.tensor(np.ones(6000, np.float16), requires_grad=True)
    y = sliding_window_view(x, 3001)
    y.backward(np.ones(y.shape, np.float16))
    assert x.grad.data[2999] == 3000 and x.grad.dtype == np.float16


# ---- mistakes ----


@pytest.mark.parametrize(
    ("make", "error", "sentence"),
    [
        (lambda: F.celu(np.ones(2), 0), ValueError, "celu: alpha must be positive, not 0"),
        (lambda: nn.CELU(-1), ValueError, "CELU needs alpha > 0, not -1"),
        (lambda: nn.CELU("1"), TypeError, "CELU's alpha must be a number"),
        (lambda: F.hardtanh(np.ones(2), 1, 1), ValueError, "min_val must be less than max_val, not 1 and 1"),
        (lambda: nn.Hardtanh(2, 1), ValueError, "Hardtanh needs min_val < max_val, not 2 and 1"),
        (lambda: nn.Hardtanh(None), TypeError, "Hardtanh's min_val must be a number"),
        (lambda: nn.Hardtanh(max_val="a"), TypeError, "Hardtanh's max_val must be a number"),
        (lambda: nn.PReLU(0), ValueError, "num_parameters must be at least 1"),
        (lambda: nn.PReLU(2, init="a"), TypeError, "PReLU's init must be a number"),
        (lambda: F.prelu(np.ones((4, 3)), np.ones(4)), ValueError, r"axis 1 of x; a weight of shape \(4,\) doesn't"),
        (lambda: F.prelu(np.ones(3), np.ones(3)), ValueError, r"shape \(3,\) doesn't fit x of shape \(3,\)"),
        (lambda: F.prelu(np.ones(2), np.ones(2)), ValueError, r"shape \(2,\) doesn't fit x of shape \(2,\)"),
        (lambda: F.prelu(np.ones((4, 2)), np.ones((1, 2))), ValueError, r"one for each channel"),
        (lambda: nn.PReLU(3)(np.ones((2, 4))), ValueError, "in layer PReLU: prelu: the weight is one number"),
        (lambda: F.smooth_l1_loss(np.ones(2), np.ones(2), beta=-1), ValueError, "beta must be at least 0, not -1"),
        (lambda: F.smooth_l1_loss(np.ones((2, 1)), np.ones(2)), ValueError, "smooth_l1_loss: the prediction has shape"),
        (lambda: F.smooth_l1_loss(np.ones(2), np.ones(2), "max"), ValueError, "smooth_l1_loss: reduction is"),
        (lambda: F.smooth_l1_loss(np.ones(0), np.ones(0)), ValueError, "smooth_l1_loss: an empty batch"),
        (
            lambda: F.dropout2d(np.ones((2, 3, 4))),
            ValueError,
            r"not of shape \(2, 3, 4\); of one image write x\[None\]",
        ),
        (
            lambda: nn.Dropout2d()(np.ones((2, 3))),
            ValueError,
            r"not of shape \(2, 3\); for rows of features take dropout",
        ),
        (
            lambda: F.dropout2d(np.ones((2, 3, 4, 1, 1))),
            ValueError,
            r"x \(N, C, H, W\), not of shape \(2, 3, 4, 1, 1\)$",
        ),
        (
            lambda: F.dropout2d(np.ones((1, 1, 1, 1)), 2),
            ValueError,
            "dropout2d: p is the probability to drop a channel",
        ),
        (lambda: F.dropout(np.ones(1), -1), ValueError, "dropout: p is the probability to drop an element"),
        (lambda: nn.Dropout2d(2), ValueError, "Dropout2d's p is a probability"),
    ],
)
def test_a_mistake_gets_a_sentence(make, error, sentence):
    with pytest.raises(error, match=sentence):
        make()
