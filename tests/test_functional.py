"""Activations and losses: values and derivatives against PyTorch and numerical differentiation, and their errors."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from numerical import assert_rounded_once

import tinydl as tl
from tinydl import functional as F
from tinydl.derivatives import elementwise, fused, reductions
from tinydl.engine.recording import Observer, observing
from tinydl.functional.losses import _times

pytestmark = pytest.mark.filterwarnings("ignore:reduction. 'mean' divides:UserWarning")  # PyTorch's, of its own kl_div


def derivatives(f, arrays, cotangent, directions):
    """The value of f, its gradients weighted by the cotangent, and the gradients of Σ gradient·direction."""
    inputs = [tl.tensor(a, requires_grad=True) for a in arrays]
    y = f(*inputs)
    y.backward(gradient=cotangent(y.shape), create_graph=True)
    first = [x.grad for x in inputs]
    total = 0
    for g, h in zip(first, directions, strict=True):
        total = total + (g * h).sum()
    for x in inputs:
        x.grad = None
    if total.requires_grad:
        total.backward()
    second = [np.zeros(x.shape) if x.grad is None else x.grad.numpy() for x in inputs]
    return y.numpy(), [g.numpy() for g in first], second


def torch_derivatives(f, arrays, cotangent, directions):
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    inputs = [torch.tensor(a, requires_grad=True) for a in arrays]
    y = f(*inputs)
    first = torch.autograd.grad(y, inputs, torch.tensor(cotangent(tuple(y.shape))), create_graph=True)
    total = sum((g * torch.tensor(h)).sum() for g, h in zip(first, directions, strict=True))
    second = [None] * len(inputs)
    if total.requires_grad:
        second = torch.autograd.grad(total, inputs, allow_unused=True)
    second = [np.zeros(x.shape) if g is None else g.numpy(force=True) for x, g in zip(inputs, second, strict=True)]
    return y.detach().numpy(), [g.detach().numpy() for g in first], second


def assert_agree(ours, theirs, *arrays, tolerance=1e-9):
    """Two programs give the same value, gradients and second derivatives at these float64 arrays."""
    rng = np.random.default_rng(len(arrays) + sum(a.size for a in arrays))

    def cotangent(shape):
        return np.random.default_rng(5).standard_normal(shape)

    directions = [rng.standard_normal(a.shape) for a in arrays]
    mine = derivatives(ours, arrays, cotangent, directions)
    other = theirs(arrays, cotangent, directions)
    np.testing.assert_allclose(mine[0], other[0], rtol=tolerance, atol=tolerance, err_msg="value")
    for kind, a, b in (("gradient", mine[1], other[1]), ("second derivative", mine[2], other[2])):
        for i, (u, v) in enumerate(zip(a, b, strict=True)):
            np.testing.assert_allclose(u, v, rtol=tolerance, atol=tolerance, err_msg=f"{kind} of input {i}")


def assert_as_torch(ours, theirs, *arrays, tolerance=1e-9):
    assert_agree(ours, lambda *rest: torch_derivatives(theirs, *rest), *arrays, tolerance=tolerance)


def assert_same_program(ours, unfused, *arrays, tolerance=1e-10):
    assert_agree(ours, lambda *rest: derivatives(unfused, *rest), *arrays, tolerance=tolerance)


def numbers(*shape, seed=0, low=-3.0, high=3.0):
    return np.random.default_rng(seed).uniform(low, high, shape)


def probabilities(*shape, seed=1, axis=-1):
    p = np.random.default_rng(seed).uniform(0.1, 1, shape)
    return p / p.sum(axis, keepdims=True)


def torch_functional():
    return pytest.importorskip("torch.nn.functional")


# ---- activations ----

ACTIVATIONS = [
    ("relu", {}), ("leaky_relu", {}), ("leaky_relu", {"negative_slope": 0.3}), ("elu", {}), ("elu", {"alpha": 0.7}),
    ("gelu", {}), ("gelu", {"approximate": "tanh"}), ("silu", {}), ("sigmoid", {}), ("tanh", {}), ("softplus", {}),
    ("softplus", {"beta": 2.5}), ("softplus", {"beta": 2.0, "threshold": 3.0}), ("erf", {}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "options"), ACTIVATIONS)
def test_activations_agree_with_torch_in_value_gradient_and_second_derivative(name, options):
    torch = pytest.importorskip("torch")
    theirs = {"erf": torch.erf, "sigmoid": torch.sigmoid, "tanh": torch.tanh}.get(name)
    theirs = theirs or getattr(torch.nn.functional, name)
    ours = getattr(F, name)
    for x in (numbers(3, 5), np.array([-40.0, -12.5, -1e-7, 1e-7, 0.5, 12.5, 40.0]), numbers(2, 0, 3), np.asarray(0.7)):
        assert_as_torch(lambda t: ours(t, **options), lambda t: theirs(t, **options), x)


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "elu", "gelu", "silu", "sigmoid", "tanh", "softplus", "erf"])
def test_activations_keep_float32_and_nan_and_give_arrays_for_arrays(name):
    x = np.array([-2.0, np.nan, 0.5], np.float32)
    y = getattr(F, name)(x)
    assert type(y) is np.ndarray
    assert y.dtype == np.float32
    assert np.isnan(y).tolist() == [False, True, False]
    assert getattr(F, name)(tl.tensor([1.0, 2.0])).dtype == np.float32
    assert np.isfinite(getattr(F, name)(tl.tensor([1, 2])).numpy()).all()
    if name not in ("relu", "tanh"):  # which are NumPy's functions
        for dtype in (bool, np.int8, np.int64):
            assert getattr(F, name)(np.array([1, 0], dtype)).dtype == np.float64


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "elu", "gelu", "silu", "sigmoid", "tanh", "softplus", "erf"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_activations_are_finite_and_silent_at_large_inputs(name, dtype):
    x = tl.tensor(np.array([-1e4, -100, -20, 0, 20, 100, 1e4], dtype), requires_grad=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        y = getattr(F, name)(x)
        y.backward(gradient=np.array([3, -2, 5, 7, -1, 2, 4]))
    assert np.isfinite(y.numpy()).all()
    assert np.isfinite(x.grad.numpy()).all()


def test_relu_is_flat_at_zero_and_leaky_relu_and_elu_have_the_slope_of_their_left_side_there():
    for f, slope in ((F.relu, 0.0), (F.leaky_relu, 0.01), (lambda x: F.elu(x, alpha=0.5), 0.5)):
        x = tl.tensor([0.0], requires_grad=True)
        f(x).backward(gradient=[2.0])
        assert x.grad.item() == pytest.approx(2 * slope)


def test_the_slope_of_sigmoid_is_right_on_both_sides_where_one_minus_y_rounds_to_zero():
    x = np.array([-80.0, -20.0, 20.0, 80.0], np.float32)
    t = tl.tensor(x, requires_grad=True)
    F.sigmoid(t).backward(gradient=np.ones(4))
    truth = [math.exp(-abs(v)) / (1 + math.exp(-abs(v))) ** 2 for v in x.tolist()]
    np.testing.assert_allclose(t.grad.numpy(), truth, rtol=1e-5)


def test_erf_is_within_1e_12_of_the_standard_librarys_is_odd_and_right_at_infinity():
    x = np.concatenate([np.linspace(-7, 7, 4001), [0.46875, 4.0, 1e-300, 30.0, 1e30]])
    np.testing.assert_allclose(F.erf(x), [math.erf(v) for v in x.tolist()], rtol=1e-14, atol=0)
    assert (F.erf(-x) == -F.erf(x)).all()
    assert F.erf(np.array([np.inf, -np.inf, -0.0])).tolist() == [1.0, -1.0, -0.0]
    single = x[:4001].astype(np.float32)
    np.testing.assert_allclose(F.erf(single), [math.erf(v) for v in single.tolist()], rtol=3e-7, atol=0)
    many = numbers(3, 5000)
    np.testing.assert_allclose(F.erf(many).ravel(), [math.erf(v) for v in many.ravel().tolist()], rtol=1e-14)


def test_exact_gelu_keeps_its_relative_accuracy_far_to_the_left():
    x = np.array([-30.0, -10.0, -6.0, -1.0])
    truth = [v * 0.5 * math.erfc(-v / math.sqrt(2)) for v in x.tolist()]
    np.testing.assert_allclose(F.gelu(x), truth, rtol=1e-12)


def test_gelu_refuses_an_unknown_approximation_and_softplus_a_beta_that_is_not_positive():
    with pytest.raises(ValueError, match='approximate is "none" or "tanh", not \'erf\''):
        F.gelu(tl.tensor([1.0]), approximate="erf")
    with pytest.raises(ValueError, match="beta must be positive, not 0"):
        F.softplus(tl.tensor([1.0]), beta=0)


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp"])
@pytest.mark.parametrize("axis", [-1, 0, 1])
def test_softmax_and_kin_agree_with_torch_along_every_axis(name, axis):
    torch = pytest.importorskip("torch")
    ours, theirs = getattr(F, name), getattr(torch, name)
    for x in (numbers(3, 5), numbers(2, 3, 4), numbers(4, 2) * 40):
        assert_as_torch(lambda t: ours(t, axis=axis), lambda t: theirs(t, dim=axis), x)


def test_logsumexp_takes_several_axes_and_keepdims_as_numpys_reductions_do():
    torch = pytest.importorskip("torch")
    x = numbers(2, 3, 4)
    for axis in ((0, 2), (-1, 1), 1):
        for keep in (False, True):
            assert_as_torch(
                lambda t, axis=axis, keep=keep: F.logsumexp(t, axis=axis, keepdims=keep),
                lambda t, axis=axis, keep=keep: torch.logsumexp(t, dim=axis, keepdim=keep),
                x,
            )
    assert F.logsumexp(tl.tensor(x), axis=None).item() == pytest.approx(np.log(np.exp(x).sum()))


def test_softmax_and_kin_are_finite_and_silent_for_logits_of_ten_thousand():
    z = np.array([[1e4, -1e4, 0.0], [-1e4, -1e4, -1e4], [1e4, 1e4, 1e4]], np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert F.softmax(z)[0].tolist() == [1.0, 0.0, 0.0]
        np.testing.assert_allclose(F.log_softmax(z)[1], [-math.log(3)] * 3, rtol=1e-6)
        np.testing.assert_allclose(F.logsumexp(z), [1e4, -1e4, 1e4], rtol=1e-3)
        masked = F.logsumexp(np.array([[-np.inf, 0.0], [-np.inf, -np.inf]]))
        assert masked.tolist() == [0.0, -np.inf]
        assert F.softmax(np.array([-np.inf, 0.0])).tolist() == [0.0, 1.0]


# ---- linear, dropout, one_hot ----


@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4), (2, 1, 5, 4), (0, 4)])
@pytest.mark.parametrize("with_bias", [True, False])
def test_linear_agrees_with_torch_for_any_leading_axes(shape, with_bias):
    torch_f = torch_functional()
    arrays = [numbers(*shape), numbers(3, 4, seed=1)] + [numbers(3, seed=2)] * with_bias
    assert_as_torch(F.linear, torch_f.linear, *arrays)


def test_linear_casts_an_input_that_is_an_array_or_integers_to_the_dtype_of_the_weight():
    weight, bias = tl.tensor(numbers(3, 4), dtype=np.float32, requires_grad=True), tl.tensor(np.zeros(3, np.float32))
    for x in (numbers(2, 4), np.arange(8).reshape(2, 4), tl.tensor(np.arange(8).reshape(2, 4)), [[1, 2, 3, 4.5]]):
        y = F.linear(x, weight, bias)
        assert y.dtype == np.float32
        y.backward(gradient=np.ones(y.shape))
        assert weight.grad.dtype == np.float32


def test_linear_says_which_shapes_do_not_fit():
    x, weight = tl.tensor(numbers(2, 5)), tl.tensor(numbers(3, 4), requires_grad=True)
    with pytest.raises(ValueError, match=r"\(2, 5\).*\(3, 4\)"):
        F.linear(x, weight)
    with pytest.raises(ValueError, match=r"bias must have shape \(3,\)"):
        F.linear(tl.tensor(numbers(2, 4)), weight, tl.tensor(np.zeros(1)))


def test_dropout_zeroes_the_given_share_and_keeps_the_expectation_and_its_gradient_is_its_mask():
    x = tl.tensor(np.full((200, 100), 3.0), requires_grad=True)
    y = F.dropout(x, 0.25, rng=3)
    dropped = y.numpy() == 0
    assert 0.23 < dropped.mean() < 0.27
    np.testing.assert_allclose(y.numpy()[~dropped], 4.0, rtol=1e-6)
    g = numbers(200, 100)
    y.backward(gradient=g)
    np.testing.assert_allclose(x.grad.numpy(), np.where(dropped, 0, g / 0.75), rtol=1e-6)


def test_dropout_is_the_identity_out_of_training_and_all_zeros_for_p_1():
    x = tl.tensor(numbers(3, 4))
    assert F.dropout(x, 0.9, training=False) is x
    assert F.dropout(x, 0.0) is x
    assert (F.dropout(x, 1.0).numpy() == 0).all()
    for p in (-0.1, 1.5, math.nan):
        with pytest.raises(ValueError, match="from 0 to 1"):
            F.dropout(x, p)


def test_dropout_draws_from_the_generator_that_manual_seed_starts():
    x = np.ones((20, 20), np.float32)
    tl.engine.random.manual_seed(7)
    first = F.dropout(x, 0.5)
    assert (first != F.dropout(x, 0.5)).any()
    tl.engine.random.manual_seed(7)
    assert (first == F.dropout(x, 0.5)).all()
    assert first.dtype == np.float32


def test_one_hot_puts_a_one_at_each_label_and_refuses_labels_that_do_not_fit():
    assert F.one_hot([2, 0], 3).tolist() == [[0, 0, 1], [1, 0, 0]]
    assert F.one_hot(np.array([[1], [2]])).shape == (2, 1, 3)
    assert F.one_hot(tl.tensor([1]), 2).dtype == np.float32
    with pytest.raises(ValueError, match=r"labels\[1\] is 3, but with 3 classes labels go from 0 to 2"):
        F.one_hot([0, 3], 3)
    with pytest.raises(TypeError, match="labels are integers, not float64"):
        F.one_hot([0.0, 1.0], 3)


# ---- losses for numbers and probabilities ----

REDUCTIONS = ["mean", "sum", "none"]
ELEMENTWISE_LOSSES = [
    ("mse_loss", {}), ("l1_loss", {}), ("huber_loss", {}), ("huber_loss", {"delta": 0.4}),
    ("binary_cross_entropy", {}), ("binary_cross_entropy_with_logits", {}), ("kl_div", {}),
]  # fmt: skip


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(("name", "options"), ELEMENTWISE_LOSSES)
@pytest.mark.parametrize("shape", [(3, 4), (5,), (2, 3, 1), ()])
def test_losses_for_numbers_agree_with_torch_in_both_arguments(name, options, reduction, shape):
    theirs = getattr(torch_functional(), name)
    prediction, target = numbers(*shape), numbers(*shape, seed=1)
    if name in ("binary_cross_entropy", "kl_div"):  # probabilities, or their logarithms
        prediction = numbers(*shape, low=0.05, high=0.95)
        prediction = np.log(prediction) if name == "kl_div" else prediction
    if "binary" in name or name == "kl_div":
        target = numbers(*shape, seed=1, low=0.05, high=0.95)
    ours = getattr(F, name)
    if name == "binary_cross_entropy":  # PyTorch has no second derivative for the target
        assert_as_torch(
            lambda p: ours(p, target, reduction=reduction),
            lambda p: theirs(p, pytest.importorskip("torch").tensor(target), reduction=reduction),
            prediction,
        )
    else:
        assert_as_torch(
            lambda p, t: ours(p, t, reduction=reduction, **options),
            lambda p, t: theirs(p, t, reduction=reduction, **options),
            prediction,
            target,
        )


@pytest.mark.parametrize("reduction", [*REDUCTIONS, "batchmean"])
@pytest.mark.parametrize("log_target", [False, True])
def test_kl_div_agrees_with_torch_for_every_reduction_and_kind_of_target(reduction, log_target):
    theirs = torch_functional().kl_div
    target = probabilities(3, 4)
    assert_as_torch(
        lambda p, t: F.kl_div(p, t, reduction, log_target),
        lambda p, t: theirs(p, t, reduction=reduction, log_target=log_target),
        np.log(probabilities(3, 4, seed=4)),
        np.log(target) if log_target else target,
    )


def test_terms_of_kl_div_with_target_zero_are_zero_and_a_negative_target_is_refused():
    logs, target = tl.tensor(np.log(probabilities(2, 3)), requires_grad=True), np.array([[0.0, 0.5, 0.5], [1, 0, 0]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        losses = F.kl_div(logs, target, reduction="none")
        losses.backward(gradient=np.ones((2, 3)))
    assert (losses.numpy()[target == 0] == 0).all()
    np.testing.assert_allclose(logs.grad.numpy(), -target)
    with pytest.raises(ValueError, match="log_target=True"):
        F.kl_div(logs, -target)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weight_shape", [(4,), (3, 4), (3, 1)])
def test_weights_of_binary_cross_entropies_agree_with_torch(reduction, weight_shape):
    torch = pytest.importorskip("torch")
    torch_f = torch.nn.functional
    w, positive = numbers(*weight_shape, low=0.5, high=2), numbers(4, seed=9, low=0.5, high=3)
    target = numbers(3, 4, low=0, high=1)
    t = torch.tensor(target)
    assert_as_torch(
        lambda x: F.binary_cross_entropy_with_logits(x, target, w, reduction, pos_weight=positive),
        lambda x: torch_f.binary_cross_entropy_with_logits(
            x, t, torch.tensor(w), reduction=reduction, pos_weight=torch.tensor(positive)
        ),
        numbers(3, 4),
    )
    assert_as_torch(
        lambda p: F.binary_cross_entropy(p, target, w, reduction),
        lambda p: torch_f.binary_cross_entropy(p, t, torch.tensor(w), reduction=reduction),
        numbers(3, 4, low=0.1, high=0.9),
    )


def test_binary_cross_entropy_is_finite_at_probabilities_0_and_1():
    p = tl.tensor([0.0, 1.0, 0.0, 1.0], requires_grad=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        losses = F.binary_cross_entropy(p, [0.0, 1.0, 1.0, 0.0], reduction="none")
        losses.backward(gradient=np.ones(4))
    assert losses.numpy().tolist() == [0, 0, 100, 100]  # PyTorch's bound
    np.testing.assert_allclose(p.grad.numpy(), [1, -1, -1e12, 1e12], rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_binary_cross_entropy_with_logits_is_exact_and_silent_for_logits_of_ten_thousand(dtype):
    x = tl.tensor(np.array([1e4, -1e4, 1e4, -1e4, 30, -30], dtype), requires_grad=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        losses = F.binary_cross_entropy_with_logits(x, [1, 0, 0, 1, 1, 0], reduction="none")
        losses.backward(gradient=np.ones(6))
    tail = math.log1p(math.exp(-30))
    np.testing.assert_allclose(losses.numpy(), [0, 0, 1e4, 1e4, tail, tail], rtol=1e-6)
    np.testing.assert_allclose(x.grad.numpy(), [0, 0, 1, -1, -math.exp(-30), math.exp(-30)], rtol=1e-6)


def test_targets_of_0_and_1_can_be_differentiated_numerically():
    x, t = numbers(3), np.array([0.0, 1.0, 1.0])
    target = tl.tensor(t, requires_grad=True)
    F.binary_cross_entropy_with_logits(x, target, reduction="sum").backward()
    truth = numerical_gradient(
        lambda moved: F.binary_cross_entropy_with_logits(x, moved, reduction="sum").numpy(), t, 1.0
    )
    np.testing.assert_allclose(target.grad.numpy(), truth, rtol=1e-6)
    assert np.isfinite(F.kl_div(-np.abs(x), t - 1e-6).item())


def test_losses_of_predictions_equal_to_their_targets_have_gradient_zero():
    for loss in (F.mse_loss, F.l1_loss, F.huber_loss):
        x = tl.tensor([1.5, -2.0], requires_grad=True)
        loss(x, [1.5, -2.0], reduction="sum").backward()
        assert x.grad.tolist() == [0, 0]


def test_huber_loss_has_curvature_one_also_where_the_error_is_exactly_zero():
    x = tl.tensor([0.0], requires_grad=True)
    F.huber_loss(x, [0.0], reduction="sum").backward(create_graph=True)
    g, x.grad = x.grad, None
    g.sum().backward()
    assert x.grad.tolist() == [1.0]


# ---- losses for classes ----

LABELS = {
    (4, 3): np.array([2, 0, 1, 2]),
    (2, 3, 4): np.array([[0, 1, 2, 0], [2, 2, 1, 0]]),
    (2, 4, 1, 2): np.array([[[3, 1]], [[0, 2]]]),
    (5,): np.array(3),
}


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("ignore", [None, 2, -100])
@pytest.mark.parametrize("shape", LABELS)
def test_cross_entropy_and_nll_loss_of_labels_agree_with_torch(shape, ignore, weighted, smoothing, reduction):
    torch = pytest.importorskip("torch")
    torch_f = torch.nn.functional
    classes = shape[min(1, len(shape) - 1)]
    labels = LABELS[shape].copy()
    if ignore == -100 and labels.ndim:
        labels.flat[1] = -100
    w = numbers(classes, low=0.5, high=2) if weighted else None
    torch_w = None if w is None else torch.tensor(w)
    more = {} if ignore is None else {"ignore_index": ignore}
    assert_as_torch(
        lambda z: F.cross_entropy(z, labels, w, reduction=reduction, label_smoothing=smoothing, **more),
        lambda z: torch_f.cross_entropy(
            z, torch.tensor(labels), torch_w, reduction=reduction, label_smoothing=smoothing, **more
        ),
        numbers(*shape),
    )
    if not smoothing:
        assert_as_torch(
            lambda z: F.nll_loss(z, labels, w, reduction=reduction, **more),
            lambda z: torch_f.nll_loss(z, torch.tensor(labels), torch_w, reduction=reduction, **more),
            numbers(*shape, low=-3.0, high=-0.1),
        )


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", [(4, 3), (2, 3, 4), (5,)])
def test_cross_entropy_of_probabilities_agrees_with_torch_in_logits_and_targets(shape, weighted, smoothing, reduction):
    torch = pytest.importorskip("torch")
    axis = min(1, len(shape) - 1)
    w = numbers(shape[axis], low=0.5, high=2) if weighted else None
    torch_w = None if w is None else torch.tensor(w)
    assert_as_torch(
        lambda z, t: F.cross_entropy(z, t, w, reduction=reduction, label_smoothing=smoothing),
        lambda z, t: torch.nn.functional.cross_entropy(z, t, torch_w, reduction=reduction, label_smoothing=smoothing),
        numbers(*shape),
        probabilities(*shape, axis=axis),
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_cross_entropy_is_finite_and_silent_for_logits_of_ten_thousand(dtype):
    z = tl.tensor(np.array([[1e4, -1e4, 0], [1e4, -1e4, 0], [-1e4, -1e4, -1e4]], dtype), requires_grad=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        losses = F.cross_entropy(z, [0, 1, 2], reduction="none")
        F.cross_entropy(z, [0, 1, 2], label_smoothing=0.1)
        F.cross_entropy(z, [0, 1, 2], reduction="sum").backward()
    np.testing.assert_allclose(losses.numpy(), [0, 2e4, math.log(3)], rtol=1e-6)
    third = 1 / 3
    np.testing.assert_allclose(z.grad.numpy(), [[0, 0, 0], [1, -1, 0], [third, third, third - 1]], atol=1e-6)


def test_a_float64_target_leaves_a_float32_loss_and_its_gradient_float32():
    for loss, target in (
        (F.mse_loss, numbers(4, 3)),
        (F.mse_loss, tl.tensor(numbers(4, 3))),
        (F.binary_cross_entropy_with_logits, numbers(4, 3, low=0, high=1)),
        (F.cross_entropy, probabilities(4, 3)),
        (F.cross_entropy, np.array([0, 1, 2, 0])),
        (lambda z, t: F.cross_entropy(z, t, weight=[1.0, 2.0, 3.0], label_smoothing=0.1), np.array([0, 1, 2, 0])),
        (lambda z, t: F.nll_loss(z - 3, t, weight=[1.0, 2.0, 3.0]), np.array([0, 1, 2, 0])),
    ):
        z = tl.tensor(numbers(4, 3), dtype=np.float32, requires_grad=True)
        y = loss(z, target)
        assert y.dtype == np.float32
        y.backward()
        assert z.grad.dtype == np.float32


def test_predictions_that_are_arrays_give_a_tensor_of_their_dtype():
    assert F.mse_loss(np.zeros(3, np.float32), [1.0, 2.0, 3.0]).dtype == np.float32
    assert F.mse_loss([1, 2], [1, 4]).item() == 2.0
    target = tl.tensor([1.0, 2.0], requires_grad=True)
    loss = F.mse_loss(np.zeros(2), target)
    assert loss.dtype == np.float32
    loss.backward()
    assert target.grad.tolist() == [1.0, 2.0]


# ---- fused and unfused ----


def unfused_softmax(x, axis=-1):
    e = elementwise.exp(x)
    return e / reductions.sum(e, axis=axis, keepdims=True)


def unfused_normalise(x, axis, eps):
    centred = x - reductions.mean(x, axis=axis, keepdims=True)
    return centred / elementwise.sqrt(reductions.mean(centred * centred, axis=axis, keepdims=True) + eps)


LABELS_OF_ROWS = np.array([1, 0, 3, 3, 2])
FUSED = {
    "linear": (F.linear, lambda x, w, b: x @ w.T + b, [(2, 3, 4), (5, 4), (5,)]),
    "relu": (F.relu, lambda x: elementwise.maximum(x, 0.0), [(3, 4)]),
    "sigmoid": (F.sigmoid, lambda x: 1 / (1 + elementwise.exp(-x)), [(3, 4)]),
    "silu": (F.silu, lambda x: x / (1 + elementwise.exp(-x)), [(3, 4)]),
    "softplus": (fused.softplus, lambda x: elementwise.log(1 + elementwise.exp(x)), [(3, 4)]),
    "elu": (F.elu, lambda x: elementwise.where(x > 0, x, elementwise.exp(x) - 1), [(3, 4)]),
    "leaky_relu": (F.leaky_relu, lambda x: elementwise.where(x > 0, x, 0.01 * x), [(3, 4)]),
    "gelu": (F.gelu, lambda x: 0.5 * x * (1 + F.erf(x / math.sqrt(2))), [(3, 4)]),
    "gelu_tanh": (
        lambda x: F.gelu(x, "tanh"),
        lambda x: 0.5 * x * (1 + elementwise.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
        [(3, 4)],
    ),
    "softmax": (F.softmax, unfused_softmax, [(3, 4)]),
    "softmax_axis_0": (lambda x: F.softmax(x, axis=0), lambda x: unfused_softmax(x, 0), [(3, 4)]),
    "log_softmax": (F.log_softmax, lambda x: elementwise.log(unfused_softmax(x)), [(3, 4)]),
    "logsumexp": (F.logsumexp, lambda x: elementwise.log(reductions.sum(elementwise.exp(x), axis=-1)), [(3, 4)]),
    "normalise": (
        lambda x: fused.normalise(x, axis=-1, eps=0.01),
        lambda x: unfused_normalise(x, -1, 0.01),
        [(3, 5)],
    ),
    "normalise_two_axes": (
        lambda x: fused.normalise(x, axis=(0, 2), eps=0.01),
        lambda x: unfused_normalise(x, (0, 2), 0.01),
        [(3, 2, 4)],
    ),
    "cross_entropy": (
        lambda z: F.cross_entropy(z, LABELS_OF_ROWS),
        lambda z: -reductions.mean(elementwise.log(unfused_softmax(z))[np.arange(5), LABELS_OF_ROWS]),
        [(5, 4)],
    ),
    "huber": (
        lambda x: fused.huber(x, delta=0.7),
        lambda x: elementwise.where(np.abs(x.numpy()) <= 0.7, 0.5 * x * x, 0.7 * (elementwise.absolute(x) - 0.35)),
        [(3, 4)],
    ),
}


@pytest.mark.parametrize("name", FUSED)
def test_each_fused_rule_equals_its_unfused_composition_in_value_gradient_and_second_derivative(name):
    ours, unfused, shapes = FUSED[name]
    assert_same_program(ours, unfused, *(numbers(*shape, seed=i) for i, shape in enumerate(shapes)))


def numerical_gradient(f, x, g, h=1e-6):
    """Central differences of Σ g·f(x), one element of x at a time."""
    gradient = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[i], down[i] = x[i] + h, x[i] - h
        gradient[i] = np.sum(g * (f(up) - f(down))) / (2 * h)
    return gradient


@pytest.mark.parametrize(
    "name", ["softmax", "log_softmax", "logsumexp", "gelu", "silu", "sigmoid", "softplus", "erf", "elu"]
)
def test_gradients_agree_with_numerical_differentiation(name):
    f, x = getattr(F, name), numbers(3, 5, seed=8)
    t = tl.tensor(x, requires_grad=True)
    y = f(t)
    g = numbers(*y.shape, seed=9)
    y.backward(gradient=g)
    np.testing.assert_allclose(t.grad.numpy(), numerical_gradient(f, x, g), rtol=1e-6, atol=1e-8)


# ---- errors ----

Z = tl.tensor(numbers(4, 3), requires_grad=True)
COLUMN = tl.tensor(numbers(4, 1), requires_grad=True)
MISTAKES = [
    (lambda: F.mse_loss(COLUMN, np.zeros(4)), ValueError, r"mse_loss: .*\(4, 1\).*\(4,\).*target.reshape\(\(4, 1\)\)"),
    (lambda: F.l1_loss(COLUMN, np.zeros((1, 4))), ValueError, r"l1_loss: .*target.reshape\(\(4, 1\)\)"),
    (lambda: F.huber_loss(Z, np.zeros(3)), ValueError, r"\(4, 3\), but the target \(3,\): each number"),
    (lambda: F.huber_loss(Z, Z, delta=0), ValueError, "delta must be positive, not 0"),
    (lambda: F.mse_loss(Z, np.zeros((4, 3)), reduction="avg"), ValueError, "reduction is 'mean' or 'sum' or 'none'"),
    (lambda: F.kl_div(Z, np.zeros((4, 3)), reduction="avg"), ValueError, "'batchmean'"),
    (lambda: F.mse_loss(np.zeros((0, 3)), np.zeros((0, 3))), ValueError, "an empty batch"),
    (lambda: F.cross_entropy(np.zeros((0, 3)), np.zeros(0, int)), ValueError, "an empty batch"),
    (lambda: F.l1_loss(np.zeros((0, 3)), np.zeros((0, 3))), ValueError, r"^l1_loss: .* \(losses of shape \(0, 3\)\)"),
    (lambda: F.kl_div(Z[:0], Z[:0], "batchmean"), ValueError, r"^kl_div: .* \(losses of shape \(0, 3\)\)"),
    (lambda: F.nll_loss(Z[:0], np.zeros(0, int)), ValueError, r"^nll_loss: .* \(targets of shape \(0,\)\)"),
    (lambda: F.binary_cross_entropy(Z, np.zeros((4, 3))), ValueError, r"input\[\d, \d\] is .*with_logits"),
    (lambda: F.binary_cross_entropy([0.5], [2.0]), ValueError, r"target\[0\] is 2, but it must be from 0 to 1"),
    (lambda: F.binary_cross_entropy_with_logits([0.5], [-1]), ValueError, r"target\[0\] is -1"),
    (lambda: F.binary_cross_entropy_with_logits(COLUMN, np.zeros(4)), ValueError, r"reshape\(\(4, 1\)\)"),
    (
        lambda: F.binary_cross_entropy_with_logits(Z, np.zeros((4, 3)), weight=np.ones(4)),
        ValueError,
        r"weight of shape \(4,\) doesn't broadcast to the losses' \(4, 3\)",
    ),
    (lambda: F.cross_entropy(Z, [0, 1, 3, 2]), ValueError, r"targets\[2\] is 3, but with 3 classes .* 0 to 2"),
    (lambda: F.cross_entropy(Z, [0, -1, 1, 2]), ValueError, r"targets\[1\] is -1"),
    (lambda: F.cross_entropy(COLUMN, [0, 1, 1, 0]), ValueError, "with 1 classes .*binary_cross_entropy_with_logits"),
    (lambda: F.nll_loss(Z, [0, -1, 1, 2]), ValueError, r"nll_loss: targets\[1\] is -1"),
    (
        lambda: F.cross_entropy(Z, [0.0, 1.0, 2.0, 0.0]),
        TypeError,
        r"integers, not float64; write targets.astype\(int\)",
    ),
    (lambda: F.cross_entropy(Z, [True, False, True, True]), TypeError, "integers, not bool"),
    (lambda: F.cross_entropy(Z, np.zeros((4, 1), int)), ValueError, r"need targets of shape \(4,\).*reshape\(\(4,\)\)"),
    (lambda: F.cross_entropy(Z, np.zeros(5, int)), ValueError, r"not \(5,\) of int"),
    (lambda: F.cross_entropy(Z, np.eye(4, 3, dtype=int)), ValueError, r"one-hot rows write targets.astype\(float\)"),
    (lambda: F.cross_entropy(Z, np.ones((4, 3))), ValueError, r"at \(0,\) sum to 3.*binary_cross_entropy_with_logits"),
    (lambda: F.cross_entropy(Z, np.array([[2.0, -1, 0]] * 4)), ValueError, "≥ 0 and with the sum 1"),
    (lambda: F.cross_entropy(Z, np.ones((4, 2)) / 2), ValueError, r"\(4, 2\) of float64"),
    (
        lambda: F.cross_entropy(Z, probabilities(4, 3), ignore_index=1),
        ValueError,
        "ignore_index=1 is for class indices",
    ),
    (
        lambda: F.cross_entropy(Z, [0, 1, 2, 0], weight=[1.0, 2.0]),
        ValueError,
        r"\(2,\), but 3 classes need one of \(3,\)",
    ),
    (lambda: F.cross_entropy(Z, [0, 1, 2, 0], weight=Z[0]), TypeError, "no gradient flows to weight="),
    (lambda: F.cross_entropy(Z, [0, 1, 2, 0], label_smoothing=1.5), ValueError, "label_smoothing must be from 0 to 1"),
    (lambda: F.cross_entropy(Z, [-100] * 4), ValueError, "all labels are ignored"),
    (lambda: F.nll_loss(Z, [0] * 4, weight=[0.0, 1.0, 1.0]), ValueError, "classes of weight 0"),
    (lambda: F.cross_entropy(tl.tensor(1.0), 0), ValueError, "a single number has no classes"),
]


@pytest.mark.parametrize(("mistake", "error", "sentence"), MISTAKES)
def test_mistakes_with_losses_are_told_with_the_fix(mistake, error, sentence):
    with pytest.raises(error, match=sentence):
        mistake()


def test_ignored_labels_alone_sum_to_zero_without_a_gradient():
    z = tl.tensor(numbers(2, 3), requires_grad=True)
    loss = F.cross_entropy(z, [-100, -100], reduction="sum")
    loss.backward()
    assert loss.item() == 0
    assert (z.grad.numpy() == 0).all()


# ---- what mutations of the rules have shown to be worth a test ----


def slope(f, x, g=None):
    x = tl.tensor(x, requires_grad=True)
    y = f(x)
    y.backward(gradient=np.ones(y.shape) if g is None else g)
    return y.data, x.grad.data


def test_softplus_beyond_its_threshold_is_x_with_slope_1_and_at_it_still_the_formula():
    y, g = slope(lambda x: F.softplus(x, beta=2.0, threshold=3.0), np.array([1.0, 1.5, 2.0, 7.0]))
    np.testing.assert_allclose(y, [math.log1p(math.e**2) / 2, math.log1p(math.e**3) / 2, 2, 7], rtol=1e-12)
    np.testing.assert_allclose(g, [1 / (1 + math.e**-2), 1 / (1 + math.e**-3), 1, 1], rtol=1e-12)


def test_logsumexp_of_rows_that_are_all_minus_infinity_is_minus_infinity_with_slope_0():
    y, g = slope(lambda x: F.logsumexp(x, axis=1), np.array([[-np.inf, -np.inf], [0.0, 0.0], [-np.inf, 1.0]]))
    np.testing.assert_allclose(y, [-np.inf, math.log(2), 1], rtol=1e-12)
    np.testing.assert_allclose(g, [[0, 0], [0.5, 0.5], [0, 1]], rtol=1e-12)


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, -3])
@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp", "normalise", "centred", "inverse_rms",
                                  "softmax_vjp", "log_softmax_vjp"])  # fmt: skip
def test_softmax_and_kin_are_right_along_every_axis_of_three(name, axis):
    f, arrays = getattr(fused, name), [numbers(2, 3, 4)]
    if name.endswith("_vjp"):
        arrays.append(numbers(2, 3, 4, seed=1))
    assert tl.gradcheck(lambda *xs: f(*xs, axis=axis), *arrays, directions=2, coordinates=12)
    if not name.endswith("_vjp") or name == "softmax_vjp":
        moved = [np.moveaxis(a, axis, -1) for a in arrays]  # the same along the last axis
        expected = f(*moved, axis=-1)
        y = f(*arrays, axis=axis)
        same = y if name == "logsumexp" else np.moveaxis(y, axis, -1)
        np.testing.assert_allclose(same, expected, rtol=1e-12)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_softmax_over_no_classes_is_empty():
    for f in (F.softmax, F.log_softmax):
        y, g = slope(f, np.zeros((2, 0)))
        assert y.shape == g.shape == (2, 0)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_normalising_no_rows_gives_none_and_a_group_of_one_number_is_0():
    for f in (fused.normalise, fused.centred, fused.inverse_rms):
        for shape in ((0, 3), (3, 0), (0,)):
            y, g = slope(f, np.zeros(shape))
            assert g.shape == shape
    y, g = slope(fused.normalise, np.array([[2.0], [-3.0]]))
    np.testing.assert_array_equal([y, g], np.zeros((2, 2, 1)))


def test_a_bias_of_another_dtype_is_added_in_the_dtype_that_numpy_promotes_to():
    x, weight, bias = numbers(2, 3).astype(np.float32), numbers(4, 3, seed=1).astype(np.float32), numbers(4, seed=2)
    for a, w, b in ((x, weight, bias), (x.astype(np.float64), weight.astype(np.float64), bias.astype(np.float32))):
        y = fused.linear(tl.tensor(a), tl.tensor(w), tl.tensor(b))
        assert y.dtype == np.float64
        np.testing.assert_allclose(y.data, a @ w.T + b, rtol=1e-6)


@pytest.mark.parametrize("x", [-1.5, 0.7])
def test_the_slopes_of_elu_and_leaky_relu_to_the_left_are_their_options(x):
    y, g = slope(lambda t: F.elu(t, alpha=0.7), np.array([x]))
    np.testing.assert_allclose([y[0], g[0]], [x, 1] if x > 0 else [0.7 * math.expm1(x), 0.7 * math.exp(x)])
    y, g = slope(lambda t: F.leaky_relu(t, negative_slope=0.3), np.array([x]))
    np.testing.assert_allclose([y[0], g[0]], [x, 1] if x > 0 else [0.3 * x, 0.3])


# ---- float16, which holds no number above 65504 and no sum of ones above 2048 ----


def assert_float16_is_float64_rounded(f, *arrays, atol=1e-3, create_graph=False):
    """Value and gradients of f at these float16 arrays are those in float64, but for rounding; nothing is warned of.

    With `create_graph` also the gradients, by the arrays and the cotangent, of a weighted sum of the gradients.
    """
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for dtype in (np.float64, np.float16):
            leaves = [tl.tensor(x.astype(np.float16).astype(dtype), requires_grad=True) for x in arrays]
            y = f(*leaves)
            g = np.random.default_rng(3).uniform(0.5, 1.5, y.shape).astype(np.float16)
            g = tl.tensor(g, requires_grad=create_graph)
            y.backward(gradient=g, create_graph=create_graph)
            found.append([y.data, *(x.grad.data for x in leaves)])
            if create_graph:
                rng = np.random.default_rng(4)
                second = sum((x.grad * rng.uniform(0.5, 1.5, x.shape).astype(dtype)).sum() for x in leaves)
                for x in [*leaves, g]:
                    x.grad = None
                second.backward()
                found[-1] += [np.zeros(1, dtype) if x.grad is None else x.grad.data for x in leaves]
                found[-1].append(g.grad.data)
    for wide, narrow in zip(*found, strict=True):
        assert narrow.dtype == np.float16, narrow
        bound = 2e-3 * np.abs(wide) + atol * np.max(np.abs(wide), initial=0) + 6e-8
        assert (np.abs(narrow - wide) <= bound).all(), (narrow, wide)


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize(
    ("f", "shapes"),
    [
        (lambda x: F.mse_loss(x * 100, np.zeros((700, 100)) - 50), [(700, 100)]),
        (lambda x: F.l1_loss(x, np.zeros((700, 100)) - 1, reduction="mean") * 1024, [(700, 100)]),
        (F.linear, [(4096, 3), (2, 3), (2,)]),
        (F.softmax, [(2, 70_000)]),
        (lambda x: F.softmax(x, axis=0), [(70_000, 2)]),
        (F.log_softmax, [(2, 70_000)]),
        (lambda x: F.log_softmax(x, axis=0), [(70_000, 2)]),
        (F.logsumexp, [(2, 70_000)]),
        (lambda x: F.logsumexp(x, axis=0, keepdims=True), [(70_000, 2)]),
        (lambda x: F.cross_entropy(x, np.arange(70_000) % 3) * 1024, [(70_000, 3)]),
        (lambda x: F.cross_entropy(x, np.array([3, 9]), weight=np.linspace(1, 2, 70_000)), [(2, 70_000)]),
        (lambda x: fused.normalise(x), [(8, 4096)]),
        (lambda x: fused.normalise(x, axis=(0,)), [(4096, 3)]),
        (lambda x: fused.normalise(x, axis=(0,)), [(70_000, 2)]),
        (lambda x: fused.normalise(x, axis=(0, 2)), [(4096, 3, 2)]),
        (lambda x: fused.centred(x, axis=(0,)), [(70_000, 2)]),
        (lambda x: fused.inverse_rms(x, axis=(0,)) * 1024, [(70_000, 2)]),
    ],
)
def test_float16_is_summed_in_float32_and_rounded_once(f, shapes, create_graph):
    rng = np.random.default_rng(7)
    arrays = [rng.uniform(0.5, 1.5, shape) for shape in shapes]
    assert_float16_is_float64_rounded(f, *arrays, atol=1e-2, create_graph=create_graph)


SCORES = np.random.default_rng(0).normal(size=(3000, 3)) * 4
CLASSES, UNIT = np.arange(3000) % 3, np.random.default_rng(1).uniform(0.02, 0.98, (3000, 3))


@pytest.mark.parametrize(
    ("f", "arrays"),
    [
        (F.softmax, [SCORES]),
        (lambda x: F.softmax(x, axis=0), [SCORES]),
        (F.log_softmax, [SCORES]),
        (lambda x: F.log_softmax(x, axis=0), [SCORES]),
        (F.logsumexp, [SCORES]),
        (lambda x: F.logsumexp(x, axis=1, keepdims=True), [SCORES]),
        (F.mse_loss, [SCORES * 40, SCORES[::-1] * 40]),  # whose squares are more than float16 holds
        (lambda x, t: F.mse_loss(target=t, reduction="none", input=x), [SCORES, SCORES[::-1]]),
        (lambda x, t: F.l1_loss(x, t, reduction="sum"), [SCORES, SCORES[::-1]]),
        (F.huber_loss, [SCORES, SCORES[::-1]]),
        (F.binary_cross_entropy, [UNIT, UNIT[::-1]]),
        (F.binary_cross_entropy_with_logits, [SCORES, UNIT]),
        (lambda x, t: F.kl_div(x, t, reduction="batchmean"), [-np.abs(SCORES), UNIT]),
        (lambda x: F.cross_entropy(x, CLASSES), [SCORES]),
        (lambda x: F.cross_entropy(x, CLASSES, weight=[1, 2, 0.5], label_smoothing=0.1), [SCORES]),
        (lambda x: F.cross_entropy(x, CLASSES, reduction="none"), [SCORES]),
        (lambda x: F.nll_loss(x, CLASSES, reduction="sum"), [-np.abs(SCORES)]),
    ],
)
def test_softmax_and_losses_of_float16_are_computed_in_float32_and_rounded_once(f, arrays):
    assert_rounded_once(f, *arrays)


def test_a_loss_takes_its_arguments_by_position_or_by_name_and_refuses_too_many_or_few():
    x, t = np.array([1.0, 2.0]), np.array([0.5, 3.0])
    for dtype in (np.float16, np.float64):
        a = x.astype(dtype)
        by_position, by_name = (F.mse_loss(a, t), F.mse_loss(a, target=t)), F.mse_loss(target=t, input=a)
        for loss in (*by_position, by_name, F.mse_loss(input=a, target=t)):
            assert loss.dtype == dtype and loss.item() == 0.625
        for call in (lambda a=a: F.mse_loss(), lambda a=a: F.mse_loss(a), lambda a=a: F.mse_loss(target=t),
                     lambda a=a: F.mse_loss(a, t, input=a)):  # fmt: skip
            with pytest.raises(TypeError, match=r"'input'|'target'"):
                call()


def test_the_mean_over_very_many_float16_losses_has_the_gradient_it_has_in_float64():
    x, labels = np.random.default_rng(1).uniform(-1, 1, (450_000, 2)), np.arange(450_000) % 2
    assert_float16_is_float64_rounded(lambda x: F.cross_entropy(x, labels) * 1024, x, atol=1e-3)


def inverse_std(x):
    return fused.inverse_rms(fused.centred(x.astype(np.float32), axis=(0,)), axis=(0,)).astype(x.dtype)


def test_the_inverse_standard_deviation_of_float16_numbers_far_from_0_or_close_together_has_its_slope():
    rng = np.random.default_rng(1)
    for x in (rng.uniform(60.01, 61.01, (4096, 2)), rng.uniform(-1e-3, 1e-3, (4096, 2))):
        assert_float16_is_float64_rounded(inverse_std, x, atol=4e-3)


def test_softmax_and_what_is_normalised_take_integers_and_booleans_for_floats():
    for f in (F.softmax, F.log_softmax, F.logsumexp, F.gelu, fused.gelu_gate, fused.normalise, fused.centred,
              fused.inverse_rms, fused.bounded_log):  # fmt: skip
        for dtype in (bool, np.int8, np.int64):
            x = np.array([[1, 0, 1], [0, 0, 1]], dtype)
            for made in (f(x), f(tl.tensor(x)).data, f(x * dtype(1))):
                assert made.dtype == np.float64
                np.testing.assert_array_equal(made, f(x.astype(np.float64)))


def test_normalising_large_float16_numbers_gives_numbers():
    x = np.random.default_rng(0).normal(20, 1, (8, 4096))
    for axis, scale in ((-1, 1), (0, 1), (-1, 300)):
        assert_float16_is_float64_rounded(lambda t, axis=axis: fused.normalise(t, axis=axis), x * scale, atol=2e-2)


def test_the_logarithm_of_a_float16_probability_of_0_is_bounded():
    p = tl.tensor(np.array([0.0, 0.25, 1.0]), requires_grad=True, dtype=np.float16)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loss = F.binary_cross_entropy(p, np.array([0.0, 1.0, 1.0]), reduction="sum")
        loss.backward()
    assert loss.dtype == np.float16 and loss.item() == pytest.approx(math.log(4), rel=1e-3)
    np.testing.assert_allclose(p.grad.data, [1, -4, -1], rtol=1e-3)


def test_the_slope_of_the_tanh_form_of_gelu_is_finite_for_all_float16():
    x = np.array([-6e4, -300.0, -2.0, 0.5, 300.0, 6e4])
    assert_float16_is_float64_rounded(lambda t: F.gelu(t, approximate="tanh"), x[2:4])
    t = tl.tensor(x, requires_grad=True, dtype=np.float16)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        F.gelu(t, approximate="tanh").backward(gradient=np.ones(6))
    np.testing.assert_array_equal(t.grad.data[[0, 1, 4, 5]], [0, 0, 1, 1])


def test_seventy_thousand_weighted_labels_in_float16_are_averaged():
    rng = np.random.default_rng(0)
    z, labels, weight = rng.normal(size=(70_000, 3)), rng.integers(0, 3, 70_000), [1.0, 0.5, 2.0]
    for options in ({"label_smoothing": 0.1}, {}):
        half = F.cross_entropy(z.astype(np.float16), labels, weight=weight, **options)
        assert half.dtype == np.float16
        assert half.item() == pytest.approx(F.cross_entropy(z, labels, weight=weight, **options).item(), rel=1e-2)


class Checks(Observer):
    """Remembers what losses tell of how they check their targets."""

    def __init__(self):
        self.told = []

    def targets_checked(self, targets, again):
        self.told.append((targets, again))


@pytest.mark.parametrize(
    ("loss", "targets", "right", "wrong", "says"),
    [
        (
            lambda z, t: F.cross_entropy(z, t),
            np.array([0, 2, 1]),
            [[2], [-100]],
            [[0, 3]],
            r"cross_entropy: .*\[1\] is 3",
        ),
        (lambda z, t: F.cross_entropy(z, t, ignore_index=7), np.array([0, 2, 1]), [[7, 0]], [[-100]], "is -100"),
        (lambda z, t: F.nll_loss(-abs(z), t), np.array([0, 2, 1]), [[2]], [[0, 1, 4]], r"nll_loss: .*\[2\] is 4"),
        (
            F.binary_cross_entropy_with_logits,
            np.full((3, 3), 0.5),
            [[[0.0, 1.0]]],
            [[[0.0, 2.0]]],
            r"target.*\[0, 1\] is 2",
        ),
        (lambda z, t: F.binary_cross_entropy(F.sigmoid(z), t), np.full((3, 3), 0.5), [[1.0]], [[-1.0]], "is -1"),
        (F.cross_entropy, np.full((3, 3), 1 / 3), [[[0.2, 0.8]]], [[[0.2, 0.8], [0.9, 0.9]]], r"at \(1,\) sum to 1.8"),
    ],
)
@pytest.mark.parametrize("form", [np.asarray, tl.tensor])
def test_a_loss_tells_observers_how_it_checks_its_targets(loss, targets, right, wrong, says, form):
    z, checks = tl.tensor(np.random.default_rng(0).normal(size=(3, 3)), requires_grad=True), Checks()
    with observing(checks):
        loss(z, form(targets))
    ((seen, again),) = checks.told
    assert type(seen) is np.ndarray and np.array_equal(seen, targets)
    for others in right:
        again(np.array(others))
    for others in wrong:
        with pytest.raises(ValueError, match=says):
            again(np.array(others))
    loss(z, form(targets))
    assert len(checks.told) == 1  # nobody is told any longer


@pytest.mark.parametrize(("n", "mean", "std"), [(1000, 1000, 0.01), (65_536, 1, 1)])
def test_the_mean_that_is_subtracted_is_right_to_a_unit_in_the_last_place(n, mean, std, rng):
    x = (rng.normal(size=(n, 3)) * std + mean).astype(np.float32)
    right = x.mean(0, dtype=np.float64)
    centred = fused.centred(x, axis=(0,))
    np.testing.assert_allclose(centred, x - right, atol=np.spacing(np.float32(mean)))
    inverse = fused.inverse_rms(centred, axis=(0,), eps=1e-5)
    np.testing.assert_allclose(1 / inverse[0], np.sqrt(x.var(0, dtype=np.float64) + 1e-5), rtol=1e-5)
    found, unit = np.zeros(3, np.float32), np.spacing(np.abs(x).max(0))
    F.batch_norm(x, found, np.ones(3, np.float32), training=True, momentum=1.0)
    assert (np.abs(found - right) <= unit).all()


def test_a_share_of_0_takes_the_gradient_of_what_is_finite():
    """Σ t·(log t − x): the slope by t where t is 0 is −∞ beside x = −∞ and beside any x, but in a product it is x."""
    x = tl.tensor(np.array([[-np.inf, -1.0, -2.0]]))
    t = tl.tensor(np.array([[0.0, 0.0, 1.0]]), requires_grad=True)
    np.sum(_times(t, x)).backward()
    assert np.array_equal(t.grad.data, [[0.0, -1.0, -2.0]])


def test_a_class_weight_of_0_silences_an_infinite_term_of_probabilities():
    z = tl.tensor(np.array([[0.5, 1.0, -np.inf], [0.1, 0.2, 0.3]]), requires_grad=True)
    shares, weight = np.array([[0.25, 0.5, 0.25], [0.2, 0.3, 0.5]]), np.array([2.0, 1.0, 0.0])
    loss = F.cross_entropy(z, shares, weight=weight, reduction="sum")
    loss.backward()
    p = np.exp(z.data) / np.exp(z.data).sum(1, keepdims=True)
    counted = shares * weight
    assert loss.item() == pytest.approx(-(counted[:, :2] * np.log(p[:, :2])).sum())
    np.testing.assert_allclose(z.grad.data, counted.sum(1, keepdims=True) * p - counted, rtol=1e-12)


def test_a_condition_may_be_a_list():
    t = tl.tensor([1.0, 2.0, 3.0], requires_grad=True)
    (np.where([True, False, True], t, 0.0) * np.array([1.0, 10.0, 100.0])).sum().backward()
    assert np.array_equal(t.grad.data, [1.0, 0.0, 100.0])


@pytest.mark.parametrize("dtype, at", [(np.float32, [1e4, 1e8, 1e12]), (np.float64, [1e8, 1e16])])
def test_the_slope_of_logsumexp_is_the_softmax_however_large_the_numbers(dtype, at):
    for size in at:
        x = tl.tensor(np.array([[size, size, -np.inf], [-np.inf] * 3, [0.5, -0.5, 0.0]], dtype), requires_grad=True)
        g = np.array([2.0, 3.0, -1.0], dtype)
        (F.logsumexp(x, axis=1) * g).sum().backward(create_graph=True)
        e = np.exp([0.5, -0.5, 0.0])
        slope, p = x.grad, e / e.sum()
        np.testing.assert_allclose(slope.data, [[1, 1, 0], [0, 0, 0], -p], rtol=1e-6)
        x.grad = None
        (slope * np.array([[1.0, 3.0, 0.0], [1.0, 2.0, 3.0], [1.0, 0.0, 0.0]], dtype)).sum().backward()
        np.testing.assert_allclose(x.grad.data[0], [-1.0, 1.0, 0.0], rtol=1e-6)  # 2·p·(v − p·v) with p = ½
        np.testing.assert_allclose(x.grad.data[2], -p * (np.array([1.0, 0, 0]) - p[0]), rtol=1e-5)
        assert not x.grad.data[1].any()


@pytest.mark.parametrize("axis", [None, 0, (0, 1), -1])
def test_the_slope_of_logsumexp_over_any_axes(axis, rng):
    x, g = rng.normal(size=(3, 4)), rng.normal(size=np.sum(np.ones((3, 4)), axis).shape)
    t = tl.tensor(x, requires_grad=True)
    F.logsumexp(t, axis=axis).backward(g)
    e = np.exp(x)
    expected = np.broadcast_to(g if axis != -1 else g[:, None], x.shape) * e / e.sum(axis, keepdims=True)
    np.testing.assert_allclose(t.grad.data, expected, rtol=1e-12)


@pytest.mark.parametrize("loss", [F.mse_loss, F.l1_loss, F.huber_loss])
def test_a_raw_prediction_beside_a_target_tensor_of_float16(loss):
    values = np.array([300.0, 0.0]), np.array([0.0, 200.0])
    right = loss(*values, reduction="mean").item()
    for x in (np.float16(values[0]), values[0].astype(int), values[0]):
        found = loss(x, tl.tensor(np.float16(values[1])))
        assert found.dtype == np.float16 and found.item() == pytest.approx(right, rel=1e-3)
        found = loss(target=tl.tensor(np.float16(values[1])), input=x)
        assert found.dtype == np.float16 and found.item() == pytest.approx(right, rel=1e-3)
    wider = loss(np.zeros(2, np.float16), tl.tensor(np.array([400.0, 100.0])))  # which the target's dtype decides
    assert wider.dtype == np.float64 and wider.item() == loss(np.zeros(2), np.array([400.0, 100.0])).item()


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("hidden", [-np.inf, np.nan])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_what_an_ignored_row_holds_counts_nothing(smoothing, hidden, reduction):
    z = tl.tensor(np.array([[1.0, 2.0, 0.5], [hidden] * 3, [0.3, -1.0, hidden]]), requires_grad=True)
    kept = tl.tensor(z.data[:1].copy(), requires_grad=True)
    with np.errstate(invalid="ignore"):
        found = F.cross_entropy(z, np.array([0, -100, -100]), label_smoothing=smoothing, reduction=reduction)
        found.sum().backward()
    right = F.cross_entropy(kept, np.array([0]), label_smoothing=smoothing, reduction=reduction)
    right.sum().backward()
    np.testing.assert_allclose(found.data.ravel()[0], right.data.ravel()[0], rtol=1e-12)
    np.testing.assert_allclose(z.grad.data, [kept.grad.data[0], [0, 0, 0], [0, 0, 0]], rtol=1e-12)


@pytest.mark.parametrize(
    "dtype, size", [(np.float32, 1e20), (np.float32, 1e37), (np.float64, 1e200), (np.float64, 1e307)]
)
def test_rows_whose_squares_overflow_are_normalised(dtype, size, rng):
    small = np.array([[1.0, 2.0, -1.0, 0.5], [1.0, 1.0, 1.0, 1.0]])
    g = rng.normal(size=small.shape)
    x = tl.tensor((small * size).astype(dtype), requires_grad=True)
    y = fused.normalise(x)
    y.backward(g.astype(dtype))
    centred = small - small.mean(1, keepdims=True)
    s = 1 / np.sqrt(np.mean(centred[:1] ** 2))
    np.testing.assert_allclose(y.data, np.vstack([centred[:1] * s, np.zeros((1, 4))]), rtol=1e-5, atol=1e-5)
    unit = centred[0] * s
    slope = s * (g[0] - g[0].mean() - unit * np.mean(g[0] * unit)) / size
    np.testing.assert_allclose(x.grad.data[0], slope, rtol=1e-4, atol=1e-4 * np.abs(slope).max())


@pytest.mark.parametrize(("row", "size"), [([1, 1, -1, -1], 1.5e19), ([-3, 1, 1, 1], 7e18), ([3, -1, -1, -1], 7e18)])
def test_squares_may_overflow_in_their_sum_or_at_one_number_alone(row, size):
    with np.errstate(over="ignore"):
        y = fused.normalise(np.array([row], np.float32) * np.float32(size))
    np.testing.assert_allclose(y, [np.array(row) / np.sqrt(np.mean(np.square(row)))], rtol=1e-6)


@pytest.mark.parametrize(
    "labels, sentence",
    [
        (np.array([0.0, 1.0, 2.0]), r"write targets\.astype\(int\)"),
        (np.array([0.2, 1.0, 2.0]), r"targets\[0\] is 0\.2, which is no class"),
        (np.array([0.0, np.nan, 2.0]), r"targets\[1\] is nan, which is no class"),
        (np.array(["a", "b", "a"]), r"names, targets = np\.unique\(targets, return_inverse=True\)"),
        (np.array([0, 1, 2], object), r"write targets\.astype\(int\)"),
        (np.array([True, False, True]), r"write targets\.astype\(int\)"),
    ],
)
def test_labels_that_are_no_integers_are_told_what_they_are(labels, sentence):
    with pytest.raises(TypeError, match=sentence):
        F.cross_entropy(tl.tensor(np.zeros((3, 4))), labels)


@pytest.mark.parametrize("loss", [F.cross_entropy, F.nll_loss])
def test_a_single_number_has_no_classes(loss):
    with pytest.raises(ValueError, match="a single number has no classes"):
        loss(tl.tensor(-1.0), np.array(0))
