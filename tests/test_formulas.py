"""Losses, layers and schedules against the formulas of their docstrings, written out in loops; PyTorch isn't needed.

What mutations of this code have shown to be worth a test: every reduction, weight, axis and option makes a difference
somewhere here. Gradients are compared with numerical derivatives of the formulas.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from numerical import numerical_directional

import tinydl as tl
from tinydl import functional as F
from tinydl import nn, optim
from tinydl.engine.recording import Observer, observing

REDUCTIONS = ["mean", "sum", "none"]


def numbers(*shape, seed=0, low=-2.0, high=2.0):
    return np.random.default_rng(seed).uniform(low, high, shape)


def distributions(shape, axis, seed=3):
    p = np.random.default_rng(seed).uniform(0.1, 1, shape)
    return p / p.sum(axis, keepdims=True)


def assert_equal_with_gradients(ours, formula, *arrays):
    """ours(Tensors) is formula(arrays), in value and in the gradient by each array, weighted at random."""
    leaves = [tl.tensor(a, requires_grad=True) for a in arrays]
    y, expected = ours(*leaves), np.asarray(formula(*arrays))
    np.testing.assert_allclose(y.data, expected, rtol=1e-10, atol=1e-12)
    assert y.shape == expected.shape
    g = np.random.default_rng(8).normal(size=expected.shape)
    y.backward(gradient=g)
    directions = [np.random.default_rng(9 + i).normal(size=a.shape) for i, a in enumerate(arrays)]
    for i, x in enumerate(leaves):
        along = [d if i == j else None for j, d in enumerate(directions)]  # a random one misses no wrong element
        slope, _ = numerical_directional(lambda *moved: np.sum(g * formula(*moved)), arrays, along)
        np.testing.assert_allclose(np.sum(x.grad.data * directions[i]), slope, rtol=1e-6, atol=1e-8)


def reduced(losses, reduction):
    return {"mean": np.mean, "sum": np.sum, "none": np.asarray}[reduction](losses)


# ---- losses for numbers and probabilities ----

ELEMENTWISE = {
    "mse_loss": lambda x, t: (x - t) ** 2,
    "l1_loss": lambda x, t: abs(x - t),
    "huber_loss": lambda x, t: np.where(abs(x - t) <= 1, (x - t) ** 2 / 2, abs(x - t) - 0.5),
    "binary_cross_entropy": lambda p, t: -(t * np.log(p) + (1 - t) * np.log(1 - p)),
    "binary_cross_entropy_with_logits": lambda x, t: t * np.log1p(np.exp(-x)) + (1 - t) * np.log1p(np.exp(x)),
    "kl_div": lambda x, t: t * (np.log(t) - x),
}


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("name", ELEMENTWISE)
@pytest.mark.parametrize("shape", [(2, 3), (4,), ()])
def test_a_loss_of_elements_is_its_formula_by_both_arguments(name, reduction, shape):
    probable = name in ("binary_cross_entropy", "binary_cross_entropy_with_logits", "kl_div")
    low, high = {"binary_cross_entropy": (0.1, 0.9), "kl_div": (-2, -0.1)}.get(name, (-2, 2))
    x = numbers(*shape, low=low, high=high)
    t = numbers(*shape, seed=1, low=0.1, high=0.9) if probable else numbers(*shape, seed=1)
    loss, formula = getattr(F, name), ELEMENTWISE[name]
    assert_equal_with_gradients(
        lambda x, t: loss(x, t, reduction=reduction), lambda x, t: reduced(formula(x, t), reduction), x, t
    )
    np.testing.assert_allclose(loss(x, t).data, np.mean(formula(x, t)))
    np.testing.assert_allclose(loss(x.tolist(), t.tolist()).data, np.mean(formula(x, t)), rtol=1e-5)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weight_shape", [(3,), (2, 3), (2, 1)])
def test_weights_multiply_the_terms_of_binary_cross_entropies(reduction, weight_shape):
    x, t, w = numbers(2, 3), numbers(2, 3, seed=1, low=0.1, high=0.9), numbers(*weight_shape, seed=2, low=0.5)
    p = 1 / (1 + np.exp(-x))
    for name, given in (("binary_cross_entropy", p), ("binary_cross_entropy_with_logits", x)):
        loss, formula = getattr(F, name), ELEMENTWISE[name]
        assert_equal_with_gradients(
            lambda x, t, w, loss=loss: loss(x, t, weight=w, reduction=reduction),
            lambda x, t, w, formula=formula: reduced(formula(x, t) * w, reduction), given, t, w,
        )  # fmt: skip
        again = loss(tl.tensor(given.astype(np.float32)), t, weight=w, reduction=reduction)
        assert again.dtype == np.float32
    assert_equal_with_gradients(
        lambda x, t, w: F.binary_cross_entropy_with_logits(x, t, pos_weight=w, reduction=reduction),
        lambda x, t, w: reduced(w * t * np.log1p(np.exp(-x)) + (1 - t) * np.log1p(np.exp(x)), reduction), x, t, w,
    )  # fmt: skip


@pytest.mark.parametrize("delta", [0.3, 1.5])
def test_huber_loss_is_linear_beyond_delta(delta):
    assert_equal_with_gradients(
        lambda x, t: F.huber_loss(x, t, reduction="sum", delta=delta),
        lambda x, t: np.sum(np.where(abs(x - t) <= delta, (x - t) ** 2 / 2, delta * (abs(x - t) - delta / 2))),
        numbers(3, 4), numbers(3, 4, seed=1),
    )  # fmt: skip


@pytest.mark.parametrize("reduction", [*REDUCTIONS, "batchmean"])
@pytest.mark.parametrize("shape", [(2, 3), (4, 2, 3), (5,), ()])
def test_kl_div_is_its_formula_for_targets_and_for_their_logarithms(reduction, shape):
    x, t = numbers(*shape, low=-2, high=-0.1), numbers(*shape, seed=1, low=0.1, high=1.0)

    def terms(losses):
        if reduction == "batchmean":
            return np.sum(losses) / (shape[0] if shape else 1)
        return reduced(losses, reduction)

    assert_equal_with_gradients(
        lambda x, t: F.kl_div(x, t, reduction=reduction), lambda x, t: terms(t * (np.log(t) - x)), x, t
    )
    assert_equal_with_gradients(
        lambda x, t: F.kl_div(x, t, reduction=reduction, log_target=True),
        lambda x, t: terms(np.exp(t) * (t - x)),
        x,
        -t,
    )
    assert F.kl_div(tl.tensor(x.astype(np.float32)), t).dtype == np.float32
    assert F.kl_div(tl.tensor(x), tl.tensor(t)).data == F.kl_div(x, t).data
    with pytest.raises(ValueError, match="prediction has shape"):
        F.kl_div(x, np.broadcast_to(t, (7, *shape)))


# ---- where a share of 0 meets an infinite logarithm ----

MASKED = np.array([[0.5, 1.0, -np.inf, 2.0], [-np.inf, -1.0, 0.3, 0.1]])  # logits of classes that can't be
TARGETS = np.array([[0.2, 0.3, 0.0, 0.5], [0.0, 1.0, 0.0, 0.0]])
POSSIBLE = np.exp(MASKED) / np.exp(MASKED).sum(1, keepdims=True)


def plogp(p, q):
    """p·log q, and 0 where p is."""
    return np.where(p == 0, 0, p * np.log(np.where(p == 0, 1, q)))


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.filterwarnings("error")
def test_a_class_that_cannot_be_and_is_not_wanted_adds_nothing_to_loss_or_gradient(reduction, dtype):
    weight = np.array([1.0, 2.0, 0.0, 0.5])
    losses = {
        "kl_div": (lambda z: F.kl_div(F.log_softmax(z), TARGETS, reduction=reduction), 1.0),
        "kl_div(log_target)": (
            lambda z: F.kl_div(F.log_softmax(z), np.where(TARGETS > 0, np.log(np.maximum(TARGETS, 1e-9)), -np.inf),
                               reduction=reduction, log_target=True), 1.0),
        "cross_entropy": (lambda z: F.cross_entropy(z, TARGETS, reduction=reduction), 1.0),
        "weighted": (lambda z: F.cross_entropy(z, TARGETS, weight=weight, reduction=reduction), weight),
    }  # fmt: skip
    for name, (loss, w) in losses.items():
        z = tl.tensor(MASKED, dtype=dtype, requires_grad=True)
        y = loss(z)
        terms = -w * plogp(TARGETS, POSSIBLE)
        if "kl" in name:
            terms = terms + plogp(TARGETS, TARGETS)
        expected = terms if "kl" in name else terms.sum(1)
        g = numbers(*expected.shape, seed=8, low=0.5, high=1.0) if reduction == "none" else np.ones(expected.shape)
        g = g / expected.size if reduction == "mean" else g
        np.testing.assert_allclose(y.data, expected if reduction == "none" else (expected * g).sum(), rtol=1e-5)
        y.backward(gradient=g if reduction == "none" else None)
        shares = w * TARGETS * (g if "kl" in name else g[:, None])
        slope = POSSIBLE * shares.sum(1, keepdims=True) - shares
        np.testing.assert_allclose(z.grad.data, slope, rtol=1e-5, atol=1e-7)


def test_a_teacher_and_a_student_that_exclude_the_same_class_teach_and_learn_the_others():
    for log_target in (False, True):
        teacher, student = (tl.tensor(MASKED + shift, requires_grad=True) for shift in (0.0, [0.1, -0.2, 0.0, 0.4]))
        target = F.log_softmax(teacher) if log_target else F.softmax(teacher)
        F.kl_div(F.log_softmax(student), target, reduction="sum", log_target=log_target).backward()
        q = np.exp(student.data) / np.exp(student.data).sum(1, keepdims=True)
        np.testing.assert_allclose(student.grad.data, q - POSSIBLE, rtol=1e-12, atol=1e-15)
        lead = plogp(POSSIBLE, POSSIBLE) - plogp(POSSIBLE, q)  # p·(log p − log q)
        slope = lead - POSSIBLE * lead.sum(1, keepdims=True)
        np.testing.assert_allclose(teacher.grad.data, slope, rtol=1e-12, atol=1e-15)


def test_a_target_whose_exponential_vanishes_adds_nothing_either():
    x, t = (tl.tensor(v, requires_grad=True) for v in ([-np.inf, -np.inf, -1.0], [-np.inf, -1000.0, -1000.0]))
    y = F.kl_div(x, t, reduction="none", log_target=True)
    y.backward(gradient=np.array([3.0, 4.0, 5.0]))
    for found in (y.data, x.grad.data, t.grad.data):
        np.testing.assert_array_equal(found, [0, 0, 0])


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_labels_of_no_weight_or_ignored_add_nothing_where_their_class_cannot_be(reduction, smoothing):
    logits = np.array([[-np.inf, 1.0, 0.5], [0.2, -0.4, 1.0], [0.3, -np.inf, 0.0]])
    for labels, options, kept in (
        ([1, 2, -100], {}, [0, 1]), ([-100, 2, 0], {}, [1, 2]), ([1, 0, 1], {"weight": [1.0, 0.0, 1.0]}, [1]),
    ):  # fmt: skip
        if smoothing:  # which leaves a share to every class of weight
            options = {"weight": [0.0, 0.0, 1.0], "label_smoothing": smoothing}
            labels, kept = [2, 2, 2], [0, 1, 2]
        z = tl.tensor(logits, requires_grad=True)
        y = F.cross_entropy(z, labels, reduction=reduction, **options)
        y.sum().backward()
        assert np.isfinite(y.data).all() and np.isfinite(z.grad.data).all()
        alone = F.cross_entropy(logits[kept], np.array(labels)[kept], reduction=reduction, **options)
        found = y.data[kept] if reduction == "none" else y.data
        np.testing.assert_allclose(found, alone.data, rtol=1e-12)
        rest = [i for i in range(3) if i not in kept]
        assert not z.grad.data[rest].any() and (reduction != "none" or not y.data[rest].any())
        if not smoothing:
            y = F.nll_loss(F.log_softmax(z), labels, reduction=reduction, **options)
            np.testing.assert_allclose(y.data[kept] if reduction == "none" else y.data, alone.data, rtol=1e-12)


def test_a_row_without_any_class_counts_nothing_where_its_label_is_ignored():
    logits = np.array([[-np.inf] * 3, [0.2, -0.4, 1.0]])
    z = tl.tensor(logits, requires_grad=True)
    with np.errstate(invalid="ignore"):
        y = F.cross_entropy(z, [-100, 2])
        y.backward()
    p = np.exp(logits[1]) / np.exp(logits[1]).sum()
    np.testing.assert_allclose(y.item(), -np.log(p[2]))
    np.testing.assert_allclose(z.grad.data, [[0, 0, 0], p - [0, 0, 1]])


@pytest.mark.filterwarnings("error")
def test_a_logit_without_bound_on_the_right_side_costs_nothing_and_on_the_wrong_one_everything():
    x, t = np.array([np.inf, -np.inf, 1.0]), np.array([1.0, 0.0, 0.5])
    z = tl.tensor(x, requires_grad=True)
    y = F.binary_cross_entropy_with_logits(z, t, reduction="none", pos_weight=np.array([2.0, 0.0, 1.0]))
    np.testing.assert_allclose(y.data, [0, 0, 0.5 * np.log1p(np.exp(-1)) + 0.5 * np.log1p(np.exp(1))])
    y.backward(gradient=[3.0, 4.0, 5.0])
    np.testing.assert_allclose(z.grad.data, [0, 0, 5 * (1 / (1 + np.exp(-1)) - 0.5)])
    wrong = F.binary_cross_entropy_with_logits(x[:2], 1 - t[:2], reduction="none")
    assert (wrong.data == np.inf).all()
    unweighted = F.binary_cross_entropy_with_logits(x[:2], 1 - t[:2], weight=np.zeros(2), reduction="none")
    assert (unweighted.data == 0).all()


@pytest.mark.filterwarnings("ignore:divide by zero")
def test_what_is_wanted_and_cannot_be_still_costs_everything():
    assert F.cross_entropy(MASKED, [2, 1]).item() == np.inf
    assert F.cross_entropy(MASKED, [0, 1], label_smoothing=0.1).item() == np.inf
    assert F.nll_loss(np.log(POSSIBLE), [2, 1]).item() == np.inf
    wanted = np.full((2, 4), 0.25)
    assert F.cross_entropy(MASKED, wanted).item() == np.inf
    assert F.kl_div(np.log(POSSIBLE), wanted, reduction="sum").item() == np.inf
    assert F.kl_div(np.log(POSSIBLE), np.log(wanted), reduction="sum", log_target=True).item() == np.inf


# ---- probabilities where logarithms are due ----


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("classes", [2, 10, 5000])
def test_probabilities_and_logits_are_no_log_probabilities_and_the_fix_is_told(dtype, classes):
    labels, p = np.array([0, 1, 1]), distributions((3, classes), 1).astype(dtype)
    for given in (p, np.full((3, classes), 1 / classes, dtype), np.eye(3, classes, dtype=dtype)):
        with pytest.raises(
            ValueError, match=r"nll_loss: input\[\d, \d+\] is .*never above 0.*np.log\(p\).*cross_entropy"
        ):
            F.nll_loss(given, labels)
        with pytest.raises(ValueError, match=r"kl_div: input\[\d, \d+\] is .*never above 0.*np.log\(p\).*log_softmax"):
            F.kl_div(given, p)
        with pytest.raises(ValueError, match=r"kl_div: target\[\d, \d+\] is .*never above 0.*leave log_target out"):
            F.kl_div(np.log(p), given, log_target=True)
    for size in (
        (2, 0.2) if dtype == np.float16 else (2, 0.2, 0.02)
    ):  # logits, also those of a model that hasn't learned yet
        with pytest.raises(ValueError, match="never above 0"):
            F.nll_loss(numbers(3, classes, low=-size, high=size).astype(dtype), labels)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_log_probabilities_are_taken_however_they_were_rounded(dtype):
    rng, labels = np.random.default_rng(0), np.arange(64) % 3
    for scale in (0.0, 1.0, 30.0, 1e3):
        for shift in (0.0, 50.0, 3e3):
            z = (rng.normal(size=(64, 3)) * scale + shift).astype(dtype)
            p = F.softmax(z)
            for logs in (
                F.log_softmax(z), np.log(p), np.log(p + 1e-7), np.log(p + 1e-3), z - F.logsumexp(z, keepdims=True),
                z - np.log(np.exp((z - z.max(1, keepdims=True)).astype(float)).sum(1, keepdims=True)).astype(dtype)
                - z.max(1, keepdims=True),
            ):  # fmt: skip
                if shift > 50 and dtype == np.float16 and scale <= 30:
                    continue  # whose rounding error is larger than the differences of the logits
                F.nll_loss(logs, labels)
                F.kl_div(logs, p)
                F.kl_div(logs, logs, log_target=True)
    for step in (0.01, 0.4):  # as numerical derivatives make them
        F.nll_loss(np.array([[-40.0, step, -50.0], [-1.1, -1.0, -1.2]], dtype), [1, 0])
    assert np.isnan(F.nll_loss(np.full((64, 3), np.nan, dtype), labels).item())  # for fit to tell where it came from


def test_kl_div_of_a_target_0_is_0_and_of_a_target_between_is_not():
    y = F.kl_div(np.array([-1.0, -2.0, -0.5]), np.array([0.0, 0.5, 1.0]), reduction="none")
    np.testing.assert_allclose(y.data, [0, 0.5 * (math.log(0.5) + 2), 0.5], rtol=1e-12)


# ---- losses for classes ----


def class_axis_last(z):
    return np.moveaxis(z, min(1, z.ndim - 1), -1)


def cross_entropy(z, targets, weight=None, ignore_index=-100, reduction="mean", smoothing=0.0):
    """The formula, one label at a time."""
    rows = class_axis_last(z)
    classes = rows.shape[-1]
    w = np.ones(classes) if weight is None else weight
    labelled = np.asarray(targets).dtype.kind in "iu"
    shares = None if labelled else class_axis_last(targets)
    losses, total = np.zeros(rows.shape[:-1]), 0.0
    for i in np.ndindex(rows.shape[:-1]):
        logarithms = rows[i] - math.log(sum(math.exp(v) for v in rows[i]))
        if labelled:
            label = int(targets[i])
            if label == ignore_index:
                continue
            target = np.array([float(k == label) for k in range(classes)])
            total += w[label]
        else:
            target = shares[i]
            total += 1
        target = (1 - smoothing) * target + smoothing / classes
        losses[i] = -sum(w[k] * target[k] * logarithms[k] for k in range(classes))
    if reduction == "none":
        return losses
    return losses.sum() / (total if reduction == "mean" else 1)


LABELLED = [(3, 4), (4,), (2, 3, 2), (2, 3, 2, 1), (3, 2, 2), (5, 1), (2, 1, 3)]


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", LABELLED)
def test_cross_entropy_of_labels_is_its_formula_for_all_weights_smoothings_and_ignored_labels(shape, reduction):
    z, classes = numbers(*shape), shape[min(1, len(shape) - 1)]
    labels = np.random.default_rng(4).integers(0, classes, class_axis_last(z).shape[:-1])
    if labels.size > 1:
        labels.reshape(-1)[:2] = 0, classes - 1
    for weighted, smoothing, ignored in itertools.product((False, True), (0.0, 0.3), (-100, 0, classes - 1, classes)):
        given = labels
        if ignored in labels and (labels.size == 1 or classes == 1):
            continue  # nothing would be left
        if ignored == classes and labels.size > 1:
            given = labels.copy()
            given.reshape(-1)[-1] = ignored
        weight = numbers(classes, seed=6, low=0.5) if weighted else None
        options = {"weight": weight, "ignore_index": ignored, "reduction": reduction}
        ours = lambda z, given=given, s=smoothing, o=options: F.cross_entropy(z, given, label_smoothing=s, **o)
        formula = lambda z, given=given, s=smoothing, o=options: cross_entropy(z, given, smoothing=s, **o)
        np.testing.assert_allclose(ours(z).data, formula(z), rtol=1e-10, atol=1e-12)
        if ignored == classes - 1:
            assert_equal_with_gradients(ours, formula, z)
        if not smoothing:
            logarithms = np.log(np.exp(z) / np.exp(z).sum(min(1, z.ndim - 1), keepdims=True))
            y = F.nll_loss(tl.tensor(logarithms), tl.tensor(given), **options)
            np.testing.assert_allclose(y.data, cross_entropy(z, given, **options), rtol=1e-10, atol=1e-12)
            assert F.nll_loss(logarithms.astype(np.float32), given, **options).dtype == np.float32


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", LABELLED)
def test_cross_entropy_of_probabilities_is_its_formula_by_both_arguments(shape, reduction):
    z, axis = numbers(*shape), min(1, len(shape) - 1)
    targets = distributions(shape, axis)
    for weighted, smoothing in itertools.product((False, True), (0.0, 0.3)):
        weight = numbers(shape[axis], seed=6, low=0.5) if weighted else None
        assert_equal_with_gradients(
            lambda z, t, w=weight, s=smoothing: F.cross_entropy(z, t, weight=w, reduction=reduction, label_smoothing=s),
            lambda z, t, w=weight, s=smoothing: cross_entropy(z, t, weight=w, reduction=reduction, smoothing=s),
            z, targets,
        )  # fmt: skip
    constant = F.cross_entropy(tl.tensor(z), tl.tensor(targets), reduction=reduction)
    np.testing.assert_allclose(constant.data, cross_entropy(z, targets, reduction=reduction), rtol=1e-10, atol=1e-12)


def test_improbable_targets_are_refused_as_arrays_and_as_constant_tensors():
    bad = np.full((2, 3), 0.5)
    for targets in (bad, tl.tensor(bad)):
        with pytest.raises(ValueError, match="targets of the logits' shape are probabilities"):
            F.cross_entropy(numbers(2, 3), targets)
    F.cross_entropy(numbers(2, 3), tl.tensor(bad, requires_grad=True))  # a numerical derivative leaves the simplex


def test_losses_of_batches_without_classes_or_without_rows_have_sums_of_0():
    assert F.cross_entropy(np.zeros((0, 3)), np.zeros(0, int), reduction="sum").item() == 0
    assert F.cross_entropy(np.zeros((0, 3, 2)), np.zeros((0, 2), int), reduction="none").shape == (0, 2)
    assert F.nll_loss(np.zeros((0, 3, 2)), np.zeros((0, 2), int), reduction="sum").item() == 0
    assert F.one_hot(np.zeros(0, int)).shape == (0, 0)
    assert F.nll_loss(np.zeros((0, 0, 2)), np.zeros((0, 2), int), reduction="sum").item() == 0


# ---- dtypes and tensors among the arguments ----


def test_losses_and_functions_take_constant_tensors_where_they_take_arrays():
    x, labels = numbers(3, 4), np.array([0, 3, 1])
    assert F.cross_entropy(tl.tensor(x), tl.tensor(labels)).data == F.cross_entropy(x, labels).data
    np.testing.assert_array_equal(F.one_hot(tl.tensor(labels)), F.one_hot(labels))
    weight = tl.tensor(numbers(2, 4, seed=1).astype(np.float32))
    whole = np.array([[1, 2, 3, 4]])
    y = F.linear(tl.tensor(whole), weight)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y.data, whole @ weight.data.T, rtol=1e-6)
    for given in (x, [[1.0, 2.0]], np.array([1, 2]), tl.tensor(np.array([1, 2]))):
        shape = given.shape if isinstance(given, tl.Tensor) else np.shape(given)
        assert F.mse_loss(given, np.zeros(shape)).dtype == (np.float64 if given is x else np.float32)
    narrow = F.mse_loss(tl.tensor(x.astype(np.float32)), tl.tensor(x))
    assert narrow.dtype == np.float32


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_dropout_keeps_the_dtype_of_floats_and_makes_floats_of_integers(dtype):
    x = numbers(50).astype(dtype)
    for given in (x, tl.tensor(x), tl.tensor(x, requires_grad=True)):
        y = F.dropout(given, 0.5, rng=0)
        assert y.dtype == dtype
        kept = np.asarray(getattr(y, "data", y)) != 0
        np.testing.assert_allclose(np.asarray(getattr(y, "data", y))[kept], 2 * x[kept], rtol=1e-3)
    assert F.dropout(np.arange(1, 5), 0.5, rng=0).dtype.kind == "f"
    assert F.dropout(tl.tensor(np.arange(1, 5)), 0.5, rng=0).dtype.kind == "f"


# ---- layers ----

ACTIVATIONS = {
    "ReLU": (nn.ReLU(), lambda x: np.maximum(x, 0)),
    "LeakyReLU": (nn.LeakyReLU(0.3), lambda x: np.where(x > 0, x, 0.3 * x)),
    "ELU": (nn.ELU(0.7), lambda x: np.where(x > 0, x, 0.7 * np.expm1(x))),
    "GELU": (nn.GELU(), lambda x: x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))) / 2),
    "GELU tanh": (
        nn.GELU("tanh"), lambda x: x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    ),
    "SiLU": (nn.SiLU(), lambda x: x / (1 + np.exp(-x))),
    "Sigmoid": (nn.Sigmoid(), lambda x: 1 / (1 + np.exp(-x))),
    "Tanh": (nn.Tanh(), np.tanh),
    "Softplus": (nn.Softplus(2.5), lambda x: np.log1p(np.exp(2.5 * x)) / 2.5),
    "Softmax": (nn.Softmax(), lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True)),
    "Softmax of columns": (nn.Softmax(axis=0), lambda x: np.exp(x) / np.exp(x).sum(0, keepdims=True)),
    "Identity": (nn.Identity(), lambda x: x * 1.0),
}  # fmt: skip


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_layer_is_its_formula(name):
    layer, formula = ACTIVATIONS[name]
    assert_equal_with_gradients(lambda x: layer(x) * 1.0, formula, numbers(3, 4))


@pytest.mark.parametrize(
    ("dims", "shape", "expected"),
    [
        ((), (2, 3, 4), (2, 12)), ((), (2, 3), (2, 3)), ((0,), (2, 3, 4), (24,)), ((0, 1), (2, 3, 4), (6, 4)),
        ((0, 0), (2, 3), (2, 3)), ((1, 2), (2, 3, 4, 5), (2, 12, 5)), ((-2, -1), (2, 3, 4), (2, 12)),
        ((-3, 1), (2, 3, 4), (6, 4)), ((0, -2), (2, 3, 4), (6, 4)),
    ],
)  # fmt: skip
def test_flatten_joins_the_axes_from_start_to_end(dims, shape, expected):
    x = numbers(*shape)
    assert_equal_with_gradients(nn.Flatten(*dims), lambda x: np.reshape(x, expected), x)
    assert nn.Flatten(*dims)(x).shape == nn.Flatten(*dims)(x.tolist()).shape == expected


def statistics(x):
    axes = (0,) if x.ndim == 2 else (0, 2)
    return x.mean(axes, keepdims=True), x.var(axes, keepdims=True)


@pytest.mark.parametrize("shape", [(4, 3), (4, 3, 2)])
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("track", [True, False])
@pytest.mark.parametrize("momentum", [0.3, None])
def test_batchnorm_is_its_formula_while_training_and_after(shape, affine, track, momentum):
    with tl.default_dtype(np.float64):
        layer = nn.BatchNorm1d(3, eps=0.1, momentum=momentum, affine=affine, track_running_stats=track)
    column = (1, 3, 1)[: len(shape)]
    w, b = np.ones(column), np.zeros(column)
    if affine:
        layer.weight.data, layer.bias.data = numbers(3, seed=1), numbers(3, seed=2)
        w, b = layer.weight.data.reshape(column), layer.bias.data.reshape(column)

    def by_batch(x):
        mean, var = statistics(x)
        return (x - mean) / np.sqrt(var + 0.1) * w + b

    mean, var = np.zeros(3), np.ones(3)
    for batches in (1, 2, 3):
        x = numbers(*shape, seed=10 + batches)
        np.testing.assert_allclose(layer(tl.tensor(x)).data, by_batch(x), rtol=1e-10)
        rate = 1 / batches if momentum is None else momentum
        m, v = (s.reshape(3) for s in statistics(x))
        n = x.size // 3
        mean, var = (1 - rate) * mean + rate * m, (1 - rate) * var + rate * v * n / (n - 1)
    if track:
        assert type(layer.running_mean) is type(layer.running_var) is np.ndarray
        np.testing.assert_allclose(layer.running_mean, mean, rtol=1e-10)
        np.testing.assert_allclose(layer.running_var, var, rtol=1e-10)
        assert layer.num_batches_tracked == 3
    else:
        assert layer.running_mean is layer.running_var is layer.num_batches_tracked is None
    layer.eval()
    mean, var = mean.reshape(column), var.reshape(column)
    formula = (lambda x: (x - mean) / np.sqrt(var + 0.1) * w + b) if track else by_batch
    assert_equal_with_gradients(lambda x: layer(x), formula, numbers(*shape, seed=20))


@pytest.mark.parametrize("normalized", [3, (2, 3), (4, 2, 3)])
@pytest.mark.parametrize(("affine", "bias"), [(True, True), (True, False), (False, True)])
def test_layernorm_is_its_formula_over_its_last_axes(normalized, affine, bias):
    with tl.default_dtype(np.float64):
        layer = nn.LayerNorm(normalized, eps=0.1, elementwise_affine=affine, bias=bias)
    shape = np.shape(np.zeros(normalized))
    axes = tuple(range(-len(shape), 0))
    w, b = np.ones(shape), np.zeros(shape)
    if affine:
        layer.weight.data = w = numbers(*shape, seed=1)
    if affine and bias:
        layer.bias.data = b = numbers(*shape, seed=2)

    def formula(x):
        mean, var = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
        return (x - mean) / np.sqrt(var + 0.1) * w + b

    assert_equal_with_gradients(lambda x: layer(x), formula, numbers(4, 2, 3))


@pytest.mark.parametrize("given", [[[1, 2, 4], [5, 7, 0]], np.array([[1, 2, 4], [5, 7, 0]]), [[1.0, 2, 4], [5, 7, 0]]])
@pytest.mark.parametrize("layer", [nn.BatchNorm1d(3), nn.LayerNorm(3), nn.BatchNorm1d(3, affine=False),
                                   nn.BatchNorm1d(3, track_running_stats=False), nn.Linear(3, 2)])  # fmt: skip
def test_layers_compute_lists_and_integers_in_the_dtype_of_their_parameters(layer, given):
    expected = layer(np.array(given, np.float32))
    for x in (given, tl.tensor(given)):
        y = layer(x)
        assert np.asarray(getattr(y, "data", y)).dtype == np.float32
        np.testing.assert_allclose(np.asarray(y.data), np.asarray(expected.data), rtol=1e-6)


def test_a_layer_of_another_default_dtype_keeps_its_own():
    with tl.default_dtype(np.float64):
        layers = [nn.BatchNorm1d(3), nn.BatchNorm1d(3, affine=False), nn.BatchNorm1d(3, track_running_stats=False)]
        layers.append(nn.LayerNorm(3))
    for layer in layers:
        x = np.array([[1, 2, 4], [5, 7, 0]])
        y = layer(x)
        axis = 1 if isinstance(layer, nn.LayerNorm) else 0
        away = x - x.mean(axis, keepdims=True)
        expected = away / np.sqrt(np.mean(away**2, axis, keepdims=True) + 1e-5)
        if layer.weight is not None or layer.running_mean is not None:
            assert y.dtype == np.float64
            np.testing.assert_allclose(y.data, expected, rtol=1e-12)


def test_a_frozen_half_of_batchnorms_parameters_does_not_hide_the_other():
    layer = nn.BatchNorm1d(2)
    layer.bias = None
    x = numbers(4, 2).astype(np.float32)
    assert layer(x).shape == (4, 2)


def test_an_embedding_is_its_rows_and_the_padding_row_gets_no_gradient():
    for padding in (None, 1, -1):
        layer = nn.Embedding(4, 3, padding_idx=padding)
        layer.weight.data = numbers(4, 3).astype(np.float32)
        index = np.array([[0, 1], [3, 1]])
        for given in (index, tl.tensor(index), index.tolist()):
            layer.zero_grad()
            y = layer(given)
            np.testing.assert_array_equal(y.data, layer.weight.data[index])
            y.backward(gradient=np.ones(y.shape))
            counts = np.array([1.0, 2.0, 0.0, 1.0])
            if padding is not None:
                counts[padding] = 0
            np.testing.assert_array_equal(layer.weight.grad.data, np.repeat(counts[:, None], 3, 1))


# ---- schedules and clipping ----


def plateau(values, lr, mode, factor, patience, threshold, threshold_mode, cooldown, min_lr, eps):
    """The rule of ReduceLROnPlateau's docstring; gives the rate after each epoch."""
    best, bad, rest, rates = None, 0, 0, []
    for value in values:
        if best is None:
            better = True
        elif threshold_mode == "abs":
            better = value < best - threshold if mode == "min" else value > best + threshold
        else:
            better = value < best * (1 - threshold) if mode == "min" else value > best * (1 + threshold)
        if better:
            best, bad = value, 0
        else:
            bad += 1
        if rest:
            rest, bad = rest - 1, 0
        if bad > patience:
            new = max(lr * factor, min_lr)
            if lr - new > eps:
                lr = new
            rest, bad = cooldown, 0
        rates.append(lr)
    return rates


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("threshold_mode", ["rel", "abs"])
@pytest.mark.parametrize("cooldown", [0, 2])
@pytest.mark.parametrize("threshold", [0.25, 0.0])
def test_reduce_on_plateau_is_its_rule_for_every_mode(mode, threshold_mode, cooldown, threshold):
    rng = np.random.default_rng(3)
    series = [
        *(rng.integers(1, 9, 40) / 4 for _ in range(6)),  # quarters, so that the limits are met exactly
        [4.0, 3.0, 2.25, 1.6875, 1.5, 1.25, 1.0, 1.0, 0.75] * 3, [0.25] * 20, [1.0, 1.25, 1.5, 1.75, 2.0] * 4,
        np.arange(30.0) / 4 + 1, 9 - np.arange(30.0) / 4,
    ]  # fmt: skip
    for values in series:
        settings = {"factor": 0.5, "patience": 1, "threshold": threshold, "threshold_mode": threshold_mode,
                    "cooldown": cooldown, "min_lr": 0.001, "eps": 0.25}  # fmt: skip
        optimizer = optim.SGD([tl.tensor([1.0], requires_grad=True)], lr=8.0)
        schedule = optim.ReduceLROnPlateau(optimizer, mode=mode, **settings)
        rates = []
        for epoch, value in enumerate(values, 1):
            schedule.step(float(value))
            rates.append(optimizer.lr)
            assert schedule.t == epoch
        assert rates == plateau(values, 8.0, mode, **settings)


def test_a_norm_below_the_limit_leaves_gradients_alone_and_one_above_is_brought_to_it():
    for limit in (0.0, 0.3, 4.9, 5.1, 9.0, 100.0):
        p, q = (tl.tensor([1.0, 1.0], requires_grad=True) for _ in range(2))
        p.grad, q.grad = tl.tensor([3.0, 0.0]), tl.tensor([0.0, -4.0])
        assert optim.clip_grad_norm([p, q], limit) == pytest.approx(5)
        scale = min(1, limit / 5.000001)
        np.testing.assert_allclose([p.grad.data, q.grad.data], [[3 * scale, 0], [0, -4 * scale]], rtol=1e-6)


def test_optimizers_keep_no_more_than_they_need():
    kept = [
        (lambda p: optim.SGD(p), []), (lambda p: optim.SGD(p, momentum=0.5), ["momentum_buffer", "step"]),
        (lambda p: optim.RMSprop(p), ["square_avg"]),
        (lambda p: optim.RMSprop(p, centered=True), ["grad_avg", "square_avg"]),
        (lambda p: optim.RMSprop(p, momentum=0.5), ["momentum_buffer", "square_avg"]),
    ]  # fmt: skip
    for make, names in kept:
        p = tl.tensor([1.0], requires_grad=True)
        p.grad = tl.tensor([1.0])
        optimizer = make([p])
        optimizer.step()
        assert sorted(optimizer.state_dict()["state"].get(0, {})) == names


def test_observers_are_told_before_and_after_a_step():
    class Watch(Observer):
        def __init__(self):
            self.told = []

        def optimizer_stepping(self, optimizer):
            self.told.append(("before", p.data[0]))

        def optimizer_stepped(self, optimizer):
            self.told.append(("after", p.data[0]))

    p = tl.tensor([1.0], requires_grad=True)
    p.grad = tl.tensor([2.0])
    with observing(watch := Watch()):
        optim.SGD([p], lr=0.25).step()
    assert watch.told == [("before", 1.0), ("after", 0.5)]
