"""Optimizers against literal implementations of their formulas, schedules against closed forms, clipping."""

import copy
import gc
import math
import pickle

import numpy as np
import pytest

import tinydl as tl
from tinydl import nn, optim
from tinydl.engine import recording

SHAPES = [(3, 4), (5,), (), (2, 1, 3)]


def parameters(rng, dtype=np.float64):
    return [tl.tensor(rng.normal(size=shape).astype(dtype), requires_grad=True) for shape in SHAPES]


def set_gradients(params, gradients):
    for p, g in zip(params, gradients, strict=True):
        p.grad = tl.tensor(g, dtype=p.dtype)


# ---- the formulas once more, written without any thought of speed ----


def literal_sgd(theta, gs, lr, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False, maximize=False):
    b = None
    for g in gs:
        g = (-g if maximize else g) + weight_decay * theta
        if momentum:
            b = g if b is None else momentum * b + (1 - dampening) * g
            g = g + momentum * b if nesterov else b
        theta = theta - lr * g
    return theta


def literal_adam(
    theta, gs, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=False, amsgrad=False, maximize=False
):
    m = v = largest = np.zeros_like(theta)
    for t, g in enumerate(gs, 1):
        g = -g if maximize else g
        if decoupled:
            theta = theta - lr * weight_decay * theta
        else:
            g = g + weight_decay * theta
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g**2
        largest = np.maximum(largest, v)
        m_hat, v_hat = m / (1 - betas[0] ** t), (largest if amsgrad else v) / (1 - betas[1] ** t)
        theta = theta - lr * m_hat / (np.sqrt(v_hat) + eps)
    return theta


def literal_adamw(theta, gs, lr, weight_decay=0.01, **options):
    return literal_adam(theta, gs, lr, weight_decay=weight_decay, decoupled=True, **options)


def literal_rmsprop(
    theta, gs, lr, alpha=0.99, eps=1e-8, weight_decay=0.0, momentum=0.0, centered=False, maximize=False
):
    v = mean = b = np.zeros_like(theta)
    for g in gs:
        g = (-g if maximize else g) + weight_decay * theta
        v = alpha * v + (1 - alpha) * g**2
        mean = alpha * mean + (1 - alpha) * g
        step = g / (np.sqrt(v - mean**2 if centered else v) + eps)
        b = momentum * b + step
        theta = theta - lr * (b if momentum else step)
    return theta


def literal_adagrad(
    theta, gs, lr, lr_decay=0.0, weight_decay=0.0, initial_accumulator_value=0.0, eps=1e-10, maximize=False
):
    s = np.full_like(theta, initial_accumulator_value)
    for t, g in enumerate(gs, 1):
        g = (-g if maximize else g) + weight_decay * theta
        s = s + g**2
        theta = theta - lr / (1 + (t - 1) * lr_decay) * g / (np.sqrt(s) + eps)
    return theta


def literal_adadelta(theta, gs, lr, rho=0.9, eps=1e-6, weight_decay=0.0, maximize=False):
    v = u = np.zeros_like(theta)
    for g in gs:
        g = (-g if maximize else g) + weight_decay * theta
        v = rho * v + (1 - rho) * g**2
        delta = np.sqrt(u + eps) / np.sqrt(v + eps) * g
        u = rho * u + (1 - rho) * delta**2
        theta = theta - lr * delta
    return theta


CASES = [
    (optim.SGD, literal_sgd, {"lr": 0.1}),
    (optim.SGD, literal_sgd, {"lr": 0.1, "weight_decay": 0.3}),
    (optim.SGD, literal_sgd, {"lr": 0.05, "momentum": 0.9}),
    (optim.SGD, literal_sgd, {"lr": 0.05, "momentum": 0.9, "dampening": 0.4, "weight_decay": 0.1}),
    (optim.SGD, literal_sgd, {"lr": 0.05, "momentum": 0.8, "nesterov": True, "weight_decay": 0.1}),
    (optim.Adam, literal_adam, {"lr": 0.01}),
    (optim.Adam, literal_adam, {"lr": 0.1, "betas": (0.7, 0.9), "eps": 1e-2, "weight_decay": 0.2}),
    (optim.Adam, literal_adam, {"lr": 0.1, "betas": (0.0, 0.0)}),
    (optim.AdamW, literal_adamw, {"lr": 0.02}),
    (optim.AdamW, literal_adamw, {"lr": 0.1, "betas": (0.5, 0.8), "eps": 1e-3, "weight_decay": 0.3}),
    (optim.RMSprop, literal_rmsprop, {"lr": 0.01}),
    (optim.RMSprop, literal_rmsprop, {"lr": 0.01, "alpha": 0.8, "eps": 1e-2, "weight_decay": 0.1, "momentum": 0.6}),
    (optim.RMSprop, literal_rmsprop, {"lr": 0.01, "centered": True}),
    (optim.RMSprop, literal_rmsprop, {"lr": 0.01, "centered": True, "momentum": 0.9, "weight_decay": 0.2, "eps": 0.1}),
    (optim.Adagrad, literal_adagrad, {"lr": 0.1}),
    (
        optim.Adagrad,
        literal_adagrad,
        {"lr": 0.1, "lr_decay": 0.2, "weight_decay": 0.1, "initial_accumulator_value": 0.5, "eps": 1e-2},
    ),
    (optim.Adadelta, literal_adadelta, {"lr": 1.0}),
    (optim.Adadelta, literal_adadelta, {"lr": 0.5, "rho": 0.7, "eps": 1e-3, "weight_decay": 0.2}),
    (optim.SGD, literal_sgd, {"lr": 0.1, "maximize": True}),
    (optim.SGD, literal_sgd, {"lr": 0.05, "momentum": 0.8, "nesterov": True, "weight_decay": 0.1, "maximize": True}),
    (optim.Adam, literal_adam, {"lr": 0.1, "betas": (0.7, 0.8), "amsgrad": True}),
    (optim.Adam, literal_adam, {"lr": 0.1, "amsgrad": True, "maximize": True, "eps": 1e-3, "weight_decay": 0.2}),
    (optim.AdamW, literal_adamw, {"lr": 0.1, "amsgrad": True, "betas": (0.5, 0.8), "weight_decay": 0.3}),
    (optim.AdamW, literal_adamw, {"lr": 0.1, "maximize": True, "weight_decay": 0.3}),
    (
        optim.RMSprop,
        literal_rmsprop,
        {"lr": 0.01, "centered": True, "momentum": 0.9, "weight_decay": 0.2, "maximize": True},
    ),
    (optim.Adagrad, literal_adagrad, {"lr": 0.1, "lr_decay": 0.2, "weight_decay": 0.1, "maximize": True}),
    (optim.Adadelta, literal_adadelta, {"lr": 0.5, "weight_decay": 0.2, "maximize": True}),
]
NAMES = [f"{case[0].__name__}-{'-'.join(case[2])}" for case in CASES]


@pytest.mark.parametrize(("kind", "literal", "options"), CASES, ids=NAMES)
def test_many_steps_equal_the_formula_of_the_paper(kind, literal, options, rng):
    params = parameters(rng)
    starts = [p.numpy() for p in params]
    gradients = [[rng.normal(size=shape) * 10.0 ** rng.integers(-2, 2) for shape in SHAPES] for _ in range(60)]
    optimizer = kind(params, **options)
    for row in gradients:
        set_gradients(params, row)
        optimizer.step()
    for i, (p, start) in enumerate(zip(params, starts, strict=True)):
        expected = literal(start, [row[i] for row in gradients], **options)
        np.testing.assert_allclose(p.data, expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(("kind", "literal", "options"), CASES, ids=NAMES)
def test_a_run_resumed_from_its_state_goes_on_to_the_same_bits(kind, literal, options, rng):
    params = parameters(rng, np.float32)
    rows = [[rng.normal(size=shape) for shape in SHAPES] for _ in range(12)]
    optimizer = kind(params, **options)
    for row in rows[:5]:
        set_gradients(params, row)
        optimizer.step()
    optimizer.lr = optimizer.lr / 3
    weights, kept = [p.numpy() for p in params], optimizer.state_dict()
    resumed = [tl.tensor(w, requires_grad=True) for w in weights]
    other = kind(resumed, **options)
    other.load_state_dict(kept)
    for row in rows[5:]:
        for ps, o in ((params, optimizer), (resumed, other)):
            set_gradients(ps, row)
            o.step()
    assert all(np.array_equal(p.data, q.data) for p, q in zip(params, resumed, strict=True))
    assert other.lr == optimizer.lr


@pytest.mark.parametrize(("kind", "literal", "options"), CASES, ids=NAMES)
def test_a_step_happens_in_place_in_the_parameters_dtype_and_leaves_gradients_alone(kind, literal, options, rng):
    params = parameters(rng, np.float32)
    optimizer = kind(params, **options)
    optimizer.lr = np.float64(0.01)  # a NumPy scalar would make float32 arithmetic float64
    assert type(optimizer.lr) is float
    rows = [rng.normal(size=shape) for shape in SHAPES]
    for _ in range(2):
        set_gradients(params, rows)
        before = [(p.data, p.stamp, p.numpy()) for p in params]
        optimizer.step()
        for p, g, (array, stamp, old) in zip(params, rows, before, strict=True):
            assert p.data is array and p.dtype == np.float32 and p.stamp > stamp
            assert not np.array_equal(p.data, old)
            np.testing.assert_array_equal(p.grad.data, np.float32(g))
    for memory in optimizer.state_dict()["state"].values():
        assert all(value.dtype == np.float32 for name, value in memory.items() if name != "step")


@pytest.mark.parametrize(("kind", "literal", "options"), CASES, ids=NAMES)
def test_half_precision_parameters_make_the_steps_of_the_formula_up_to_their_own_rounding(kind, literal, options, rng):
    # in half precision the squares of such gradients are 0, as are Adam's ε and Adagrad's
    start = rng.uniform(-1, 1, (3, 4)).astype(np.float16)
    p = tl.tensor(start, requires_grad=True)
    optimizer = kind([p], **options)
    rows = [(rng.normal(size=p.shape) * [0, 1e-6, 1e-4, 1e-2]).astype(np.float16) for _ in range(4)]
    for g in rows:
        set_gradients([p], [g])
        optimizer.step()
    expected = literal(start.astype(float), [g.astype(float) for g in rows], **{"lr": optimizer.lr, **options})
    assert p.dtype == np.float16
    np.testing.assert_allclose(p.data, expected, atol=4e-3, rtol=2e-3)
    other = kind([tl.tensor(p.data, requires_grad=True)], **options)
    other.load_state_dict(optimizer.state_dict())
    for o in (optimizer, other):
        set_gradients(o.params, [rows[0]])
        o.step()
    np.testing.assert_array_equal(p.data, other.params[0].data)


def test_parameters_without_a_gradient_and_frozen_ones_are_left_alone_and_count_no_step(rng):
    a, b, c = (tl.tensor(rng.normal(size=3), requires_grad=True) for _ in range(3))
    optimizer = optim.Adam([a, b, c], lr=0.1, weight_decay=0.1)
    start = b.numpy()
    a.grad, c.grad = tl.tensor(np.ones(3)), tl.tensor(np.ones(3))
    c.requires_grad = False
    kept_c, stamps = c.numpy(), (b.stamp, c.stamp)
    optimizer.step()
    np.testing.assert_array_equal(b.data, start)
    np.testing.assert_array_equal(c.data, kept_c)
    assert (b.stamp, c.stamp) == stamps and list(optimizer.state_dict()["state"]) == [0]
    b.grad = tl.tensor(np.array([1.0, -2.0, 3.0]))
    optimizer.step()
    np.testing.assert_allclose(
        b.data, literal_adam(start, [np.array([1.0, -2.0, 3.0])], 0.1, weight_decay=0.1), rtol=1e-12
    )


def test_a_step_between_forward_and_backward_is_noticed():
    w = tl.tensor([1.0, 2.0], requires_grad=True)
    loss = (w * w).sum()
    w.grad = tl.tensor([1.0, 1.0])
    optim.SGD([w], lr=0.1).step()
    with pytest.raises(tl.ChangedValueError, match="changed after"):
        loss.backward()


def test_rmsprop_centered_survives_a_variance_that_rounds_below_zero():
    w = tl.tensor(np.float32([1.0, 2.0]), requires_grad=True)
    optimizer = optim.RMSprop([w], lr=1e-4, alpha=0.5, centered=True)
    for _ in range(200):
        w.grad = tl.tensor(np.float32([0.1, 0.3]))
        optimizer.step()
    assert np.isfinite(w.data).all()


def test_a_parameter_given_twice_is_updated_once_and_generators_are_taken():
    w = tl.tensor([1.0], requires_grad=True)
    optimizer = optim.SGD((p for p in [w, w]), lr=0.5)
    w.grad = tl.tensor([1.0])
    optimizer.step()
    assert w.data[0] == 0.5 and len(optimizer.params) == 1
    optimizer.zero_grad()
    assert w.grad is None


SETTINGS = {
    optim.SGD: ("momentum", "dampening", "weight_decay"),
    optim.Adam: ("eps", "weight_decay"),
    optim.AdamW: ("eps",),
    optim.RMSprop: ("alpha", "eps", "weight_decay", "momentum"),
    optim.Adagrad: ("lr_decay", "weight_decay", "initial_accumulator_value", "eps"),
    optim.Adadelta: ("rho", "eps", "weight_decay"),
}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in SETTINGS.items() for name in names])
def test_a_setting_is_kept_under_its_name_as_pythons_float(kind, name):
    kept = getattr(kind([w], **{name: np.float64(0.25)}), name)  # as it is, it would make float32 arithmetic float64
    assert type(kept) is float and kept == 0.25


def test_adams_betas_are_kept_as_two_of_pythons_floats():
    betas = optim.Adam([w], betas=[np.float64(0.5), 0]).betas
    assert betas == (0.5, 0.0) and type(betas) is tuple and [type(beta) for beta in betas] == [float, float]


@pytest.mark.parametrize("kind", [kind for kind, names in SETTINGS.items() if "weight_decay" in names])
def test_a_weight_decay_set_between_steps_counts_from_the_next_step_on(kind, rng):
    gradients = rng.normal(size=(2, 2, 3))
    p = tl.tensor(rng.normal(size=(2, 3)), requires_grad=True)
    optimizer = kind([p], lr=0.1)
    set_gradients([p], [gradients[0]])
    optimizer.step()
    q = tl.tensor(p.data, requires_grad=True)
    other = kind([q], lr=0.1, weight_decay=0.5)
    other.load_state_dict(optimizer.state_dict())
    optimizer.weight_decay = 0.5
    for o in (optimizer, other):
        set_gradients(o.params, [gradients[1]])
        o.step()
    np.testing.assert_array_equal(p.data, q.data)


def test_a_model_and_its_optimizer_copied_together_train_apart_from_the_originals(rng):
    w = tl.tensor(rng.normal(size=(2, 3)), requires_grad=True)
    optimizer = optim.Adam([w], lr=0.1)
    copied_w, copied = copy.deepcopy((w, optimizer))
    copied_w.grad = tl.tensor(rng.normal(size=(2, 3)))
    before = w.numpy()
    copied.step()
    assert copied.params[0] is copied_w
    np.testing.assert_array_equal(w.data, before)
    assert not np.array_equal(copied_w.data, before)


w = tl.tensor([1.0, 2.0], requires_grad=True)
v = tl.tensor([3.0], requires_grad=True)
frozen = tl.tensor([1.0])


def test_groups_of_layers_that_call_their_parameters_alike_go_by_name_too():
    def made(order):
        tl.manual_seed(0)
        layers = nn.Linear(3, 3), nn.Linear(3, 3)
        groups = [
            {"params": layers[0].named_parameters(), "lr": 0.1},
            {"params": [*layers[1].named_parameters()][::order]},
        ]
        return layers, optim.Adam(groups, lr=0.01)

    layers, optimizer = made(1)
    assert optimizer.names == ["weight of group 0", "bias of group 0", "weight of group 1", "bias of group 1"]
    x = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    (np.tanh(layers[1](layers[0](x))) ** 2).sum().backward()
    optimizer.step()
    state = copy.deepcopy(optimizer.state_dict())
    _, other = made(-1)
    other.load_state_dict(state)
    back = other.state_dict()
    for i, name in enumerate(other.names):
        for key, array in state["state"][optimizer.names.index(name)].items():
            assert np.array_equal(back["state"][i][key], array), (name, key)


@pytest.mark.parametrize(
    ("make", "error", "sentence"),
    [
        (lambda: optim.SGD([], lr=0.1), ValueError, "SGD was given no parameters"),
        (lambda: optim.Adam([np.ones(2)]), TypeError, "Adam updates Tensors, but parameter 0 is of type ndarray"),
        (lambda: optim.Adam(w), TypeError, "write \\[w\\]"),
        (lambda: optim.Adam({"w": w}), TypeError, "write model.parameters\\(\\)"),
        (lambda: optim.Adam([w * 2]), ValueError, "parameter 0 was computed by multiply"),
        (lambda: optim.Adam([frozen]), ValueError, "none of the parameters given to Adam requires a gradient"),
        (lambda: optim.SGD([w], lr=-1), ValueError, "SGD's lr must be a finite number ≥ 0, not -1"),
        (lambda: optim.SGD([w], lr=math.nan), ValueError, "SGD's lr must be"),
        (lambda: optim.SGD([w], lr=math.inf), ValueError, "SGD's lr must be"),
        (lambda: optim.SGD([w], lr=0.1, momentum=-0.1), ValueError, "SGD's momentum"),
        (lambda: optim.SGD([w], dampening=math.nan), ValueError, "SGD's dampening must be a finite number ≥ 0"),
        (lambda: optim.SGD([w], lr=0.1, nesterov=True), ValueError, "nesterov needs a momentum"),
        (lambda: optim.SGD([w], lr=0.1, nesterov=True, momentum=0.9, dampening=0.1), ValueError, "no dampening"),
        (
            lambda: optim.Adam([w], betas=(1.0, 0.9)),
            ValueError,
            "Adam's beta1 must be a number in 0 ≤ beta1 < 1, not 1.0",
        ),
        (lambda: optim.Adam([w], betas=(0.9, -0.1)), ValueError, "Adam's beta2"),
        (lambda: optim.Adam([w], betas=0.9), ValueError, "Adam's betas are two numbers"),
        (lambda: optim.Adam([w], eps=-1), ValueError, "Adam's eps"),
        (lambda: optim.AdamW([w], weight_decay=-1), ValueError, "AdamW's weight_decay"),
        (lambda: optim.RMSprop([w], alpha=1.5), ValueError, "RMSprop's alpha"),
        (lambda: optim.Adagrad([w], lr_decay=-1), ValueError, "Adagrad's lr_decay"),
        (lambda: optim.Adagrad([w], initial_accumulator_value=-1), ValueError, "initial_accumulator_value"),
        (lambda: optim.Adadelta([w], rho=-0.5), ValueError, "Adadelta's rho"),
        (lambda: optim.SGD([w], lr="fast"), TypeError, "SGD's lr must be a number, not 'fast'"),
        (lambda: optim.SGD([w], lr=np.complex64(0.1)), TypeError, "SGD's lr must be a number, not np.complex64"),
        (lambda: optim.SGD({"params": [w]}), TypeError, r"not a dict; write \[{\"params\": …}, …\]"),
        (lambda: optim.SGD([{"params": w}]), TypeError, r"not a Tensor; write \[w\]"),
        (lambda: optim.SGD([{"params": {"w": w}}]), TypeError, "not a dict; write model.parameters"),
        (lambda: optim.SGD([{"params": 3}]), TypeError, "not an int; write model.parameters"),
        (lambda: optim.SGD([{"params": [w]}, v]), TypeError, "SGD takes groups, .*, or none; item 1 is no group"),
        (lambda: optim.SGD([v, {"params": [w]}]), TypeError, "item 0 is no group"),
        (lambda: optim.SGD([{"parameters": [w]}]), TypeError, "item 0 is no group"),
        (lambda: optim.SGD([{"params": []}, {"params": ()}]), ValueError, "SGD was given no parameters"),
        (lambda: optim.SGD([{"params": [frozen]}]), ValueError, "none of the parameters given to SGD requires"),
        (lambda: optim.SGD([{"params": [w]}, {"params": [v, w]}]), ValueError, "parameter 2 is in two groups of SGD"),
        (lambda: optim.SGD([{"params": [("a", w)]}, {"params": [("b", w)]}]), ValueError, "'b' is in two groups"),
        (lambda: optim.SGD([{"params": (i := iter([w]))}, {"params": i}]), ValueError, "share an iterator"),
        (lambda: optim.SGD([{"params": [v]}, {"params": [w * 2]}]), ValueError, "parameter 1 was computed by multiply"),
        (lambda: optim.SGD([("a", w), ("b", w * 2)]), ValueError, "parameter 'b' was computed by multiply"),
        (lambda: optim.SGD([("a", w), ("b", np.ones(2))]), TypeError, "parameter 'b' is of type ndarray"),
        (lambda: optim.SGD([("a", w), v]), TypeError, "some parameters of SGD came without a name"),
        (lambda: optim.SGD([{"params": [("a", w)]}, {"params": [v]}]), TypeError, "came without a name"),
        (lambda: optim.SGD([("a", w), ("a", v)]), ValueError, "two parameters of SGD are called 'a'"),
        (
            lambda: optim.SGD([{"params": [w], "learning_rate": 1}]),
            ValueError,
            "SGD has no setting learning_rate; a group of its parameters may have dampening, lr, maximize, momentum, "
            "nesterov and weight_decay",
        ),
        (lambda: optim.Adam([{"params": [w], "momentum": 1}]), ValueError, "Adam has no setting momentum"),
        (lambda: optim.Adam([{"params": [w], "lr": -1}]), ValueError, "Adam's lr must be a finite number ≥ 0"),
        (lambda: optim.Adam([{"params": [w], "betas": (0.9, 1)}]), ValueError, "Adam's beta2 must be"),
        (lambda: optim.Adam([{"params": [w], "betas": 0.9}]), ValueError, "Adam's betas are two numbers"),
        (lambda: optim.Adam([{"params": [w], "eps": "small"}]), TypeError, "Adam's eps must be a number"),
        (lambda: optim.Adam([{"params": [w], "lr": 1}], lr=-1), ValueError, "Adam's lr must be a finite number ≥ 0"),
        (lambda: optim.SGD([{"params": [w], "nesterov": True}]), ValueError, "nesterov needs a momentum"),
        (lambda: optim.SGD([w], maximize="yes"), TypeError, "SGD's maximize is True or False, not 'yes'"),
        (lambda: optim.Adam([w], amsgrad=1e-3), TypeError, "Adam's amsgrad is True or False, not 0.001"),
        (
            lambda: optim.StepLR(optim.SGD([w]), 2, per="batch"),
            ValueError,
            "per='step' .after each batch., not 'batch'",
        ),
        (lambda: optim.StepLR(optim.SGD([w], lr=1), True), ValueError, "whole step_size ≥ 1"),
        (lambda: optim.StepLR(optim.SGD([w], lr=1), 0), ValueError, "whole step_size ≥ 1"),
        (lambda: optim.StepLR([w], 3), TypeError, "StepLR takes an optimizer, not list"),
        (lambda: optim.CosineAnnealingLR(optim.SGD([w], lr=1), 0), ValueError, "T_max ≥ 1"),
        (lambda: optim.CosineAnnealingLR(optim.SGD([w], lr=1), 2.5), ValueError, "whole T_max ≥ 1"),
        (lambda: optim.CosineAnnealingLR(optim.SGD([w], lr=1), math.nan), ValueError, "whole T_max ≥ 1"),
        (lambda: optim.CosineAnnealingLR(optim.SGD([w], lr=1), 3, eta_min=math.inf), ValueError, "eta_min"),
        (lambda: optim.StepLR(optim.SGD([w], lr=1), math.inf), ValueError, "whole step_size ≥ 1"),
        (lambda: optim.StepLR(optim.SGD([w], lr=1), 2, gamma=math.inf), ValueError, "gamma"),
        (lambda: optim.LinearWarmup(optim.SGD([w], lr=1), math.inf), ValueError, "warmup_steps ≥ 1"),
        (lambda: optim.ReduceLROnPlateau(optim.SGD([w], lr=1), threshold=math.nan), ValueError, "threshold"),
        (lambda: optim.ReduceLROnPlateau(optim.SGD([w], lr=1), patience=2.5), ValueError, "whole"),
        (lambda: optim.ReduceLROnPlateau(optim.SGD([w], lr=1), cooldown=-1), ValueError, "cooldown"),
        (lambda: optim.LinearWarmup(optim.SGD([w], lr=1), 0), ValueError, "warmup_steps ≥ 1"),
        (lambda: optim.ReduceLROnPlateau(optim.SGD([w], lr=1), factor=1.0), ValueError, "0 < factor < 1"),
        (lambda: optim.ReduceLROnPlateau(optim.SGD([w], lr=1), mode="up"), ValueError, "mode is 'min' or 'max'"),
        (lambda: optim.ReduceLROnPlateau(optim.SGD([w], lr=1)).step(), TypeError, "watches a value"),
        (lambda: optim.clip_grad_norm([w], -1), ValueError, "max_norm ≥ 0"),
        (lambda: optim.clip_grad_norm([np.ones(2)], 1), TypeError, "not a ndarray"),
        (lambda: optim.clip_grad_value([w], -1), ValueError, "clip_value ≥ 0"),
    ],
)
def test_a_mistake_gets_a_sentence(make, error, sentence):
    with pytest.raises(error, match=sentence):
        make()


def test_a_gradient_of_another_shape_is_refused_not_broadcast():
    p = tl.tensor(np.zeros((3, 2)), requires_grad=True)
    p.grad = tl.tensor(np.ones((1, 2)))
    with pytest.raises(ValueError, match=r"grad of a parameter of shape \(3, 2\).*\(1, 2\)"):
        optim.SGD([p], lr=0.1).step()
    p.grad = np.ones((3, 2))
    with pytest.raises(ValueError, match="but it is a ndarray"):
        optim.SGD([p], lr=0.1).step()


def test_the_state_of_another_optimizer_or_of_other_parameters_is_refused_and_nothing_changes(rng):
    def stepped(kind, shape, **options):
        p = tl.tensor(rng.normal(size=shape), requires_grad=True)
        p.grad = tl.tensor(rng.normal(size=shape))
        optimizer = kind([p], **options)
        optimizer.step()
        return optimizer

    adam = stepped(optim.Adam, (3, 2), lr=0.1)
    before = adam.state_dict()
    for other in (stepped(optim.RMSprop, (3, 2)), stepped(optim.SGD, (3, 2), lr=0.1, momentum=0.9)):
        with pytest.raises(ValueError, match="saved by another optimizer or with other settings"):
            adam.load_state_dict(other.state_dict())
    with pytest.raises(ValueError, match="has nothing, but this Adam keeps exp_avg, exp_avg_sq and step: it was"):
        adam.load_state_dict({"lr": 0.1, "state": {0: {}}})
    with pytest.raises(ValueError, match=r"exp_avg of parameter 0 has shape \(2, 3\), not \(3, 2\)"):
        adam.load_state_dict(stepped(optim.Adam, (2, 3)).state_dict())
    with pytest.raises(ValueError, match="the state is of parameter 1, but Adam has 1 here"):
        adam.load_state_dict({"lr": 0.1, "state": {1: before["state"][0]}})
    with pytest.raises(ValueError, match="as state_dict\\(\\) gives it"):
        adam.load_state_dict({"state": {}})
    with pytest.raises(ValueError, match="lr must be"):
        adam.load_state_dict({**before, "lr": -1.0})
    after = adam.state_dict()
    assert after["lr"] == before["lr"]
    for name, value in before["state"][0].items():
        np.testing.assert_array_equal(after["state"][0][name], value)


@pytest.mark.parametrize("state", [
    {"lr": 0.1, "state": [1]},
    {"lr": 0.1, "state": None},
    {"lr": 0.1, "state": {0: 5}},
    {"lr": 0.1, "state": {"a": {}}},
    {"lr": 0.1, "state": {0.5: {}}},
    {"lr": None, "state": {}},
    {"lr": np.ones(2), "state": {}},
    {"lr": "fast", "state": {}},
    {"lr": 0.1, "state": {0: {"step": "x", "exp_avg": np.zeros(2), "exp_avg_sq": np.zeros(2)}}},
    {"lr": 0.1, "state": {0: {"step": 1, 2: np.zeros(2)}}},
    {"lr": 0.1, "state": {0: {"step": -1, "exp_avg": np.zeros(2), "exp_avg_sq": np.zeros(2)}}},
    {"lr": 0.1, "state": {0: {"step": 1.5, "exp_avg": np.zeros(2), "exp_avg_sq": np.zeros(2)}}},
    {"lr": 0.1, "state": {0: {"step": np.nan, "exp_avg": np.zeros(2), "exp_avg_sq": np.zeros(2)}}},
    {"lr": 0.1, "state": {0: {"step": 1, "exp_avg": ["a", "b"], "exp_avg_sq": np.zeros(2)}}},
    {"lr": 0.1, "state": {0: {"step": 1, "exp_avg": [1j, 2], "exp_avg_sq": np.zeros(2)}}},
    {"lr": 0.1, "state": {0: {"step": 1, "exp_avg": [[1], [2, 3]], "exp_avg_sq": np.zeros(2)}}},
    [("lr", 0.1)],
    None,
], ids=repr)  # fmt: skip
def test_what_is_no_state_is_a_value_error_in_a_sentence_and_changes_nothing(state):
    p = tl.tensor([1.0, 2.0], requires_grad=True)
    p.grad = tl.tensor([1.0, 2.0])
    optimizer = optim.Adam([p], lr=0.5)
    optimizer.step()
    before = optimizer.state_dict()
    with pytest.raises(ValueError, match=r"state_dict\(\) gives|parameter 0"):
        optimizer.load_state_dict(state)
    after = optimizer.state_dict()
    assert after["lr"] == 0.5
    assert all(np.array_equal(after["state"][0][name], value) for name, value in before["state"][0].items())


def test_a_state_dict_is_a_copy(rng):
    p = tl.tensor(rng.normal(size=3), requires_grad=True)
    optimizer = optim.Adam([p])
    p.grad = tl.tensor(rng.normal(size=3))
    optimizer.step()
    kept = optimizer.state_dict()
    old = kept["state"][0]["exp_avg"].copy()
    optimizer.step()
    np.testing.assert_array_equal(kept["state"][0]["exp_avg"], old)
    kept["state"][0]["exp_avg"][:] = 99
    assert not (optimizer.state_dict()["state"][0]["exp_avg"] == 99).any()


# ---- groups ----


def pair(start=(1.0, -2.0)):
    """Two parameters of equal shape with different gradients."""
    params = [tl.tensor(np.array(start), requires_grad=True) for _ in range(2)]
    set_gradients(params, [[0.5, 0.3], [-0.2, 0.7]])
    return params


def stepped(optimizer, count=3):
    for i in range(count):
        set_gradients(optimizer.params, [(np.arange(p.size) + i - 1.5).reshape(p.shape) for p in optimizer.params])
        optimizer.step()
    return optimizer


def unchanged_by(optimizer, state, says):
    """Loading this state raises ValueError and changes nothing."""
    before = pickle.dumps((optimizer.state_dict(), optimizer.groups))
    with pytest.raises(ValueError, match=says):
        optimizer.load_state_dict(state)
    assert pickle.dumps((optimizer.state_dict(), optimizer.groups)) == before


def test_parameters_named_ones_and_groups_of_either_are_taken():
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    a, b, c, d = model.parameters()
    names = ["0.weight", "0.bias", "1.weight", "1.bias"]
    for given in (model.parameters(), [{"params": model.parameters()}], iter([{"params": (a, b, c, d)}])):
        optimizer = optim.Adam(given, lr=0.1)
        assert optimizer.params == [a, b, c, d] and optimizer.names is None
        (group,) = optimizer.groups
        assert group.pop("params") == [a, b, c, d]
        settings = {"lr": 0.1, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0}
        assert group == settings | {"amsgrad": False, "maximize": False}
    for given in (
        model.named_parameters(),
        [{"params": model.named_parameters()}],
        zip(names, [a, b, c, d], strict=True),
    ):
        optimizer = optim.Adam(given)
        assert optimizer.params == [a, b, c, d] and optimizer.names == names
    grouped = optim.SGD([{"params": [d], "lr": 1}, {"params": []}, {"params": [c, a], "momentum": 0.5}], lr=0.1)
    assert [group["params"] for group in grouped.groups] == [[d], [], [c, a]] and grouped.params == [d, c, a]
    assert [group["lr"] for group in grouped.groups] == [1, 0.1, 0.1] and type(grouped.groups[0]["lr"]) is float
    assert [group["momentum"] for group in grouped.groups] == [0, 0, 0.5] and repr(grouped) == (
        "SGD(3 parameters in 3 groups, lr=1)"
    )


def test_a_parameter_twice_in_one_group_counts_once_and_under_its_first_name():
    a, b = pair()
    optimizer = optim.SGD([{"params": [("a", a), ("b", b), ("again", a)]}])
    assert optimizer.params == [a, b] and optimizer.names == ["a", "b"]


@pytest.mark.parametrize(("kind", "literal", "options"), CASES, ids=NAMES)
def test_each_group_makes_the_steps_of_the_formula_with_its_own_settings(kind, literal, options, rng):
    params = parameters(rng)
    starts = [p.numpy() for p in params]
    rows = [[rng.normal(size=shape) for shape in SHAPES] for _ in range(30)]
    optimizer = kind([{"params": params[:1]}, {"params": params[1:3], **options}, {"params": params[3:]}], lr=0.02)
    for row in rows:
        set_gradients(params, row)
        optimizer.step()
    for i, (p, start) in enumerate(zip(params, starts, strict=True)):
        expected = literal(start, [row[i] for row in rows], **(options if i in (1, 2) else {"lr": 0.02}))
        np.testing.assert_allclose(p.data, expected, rtol=1e-9, atol=1e-11)


def test_what_is_written_into_a_group_counts_from_the_next_step_on_and_is_checked_there():
    a, b = pair()
    optimizer = optim.SGD([{"params": [a]}, {"params": [b]}], lr=0.1)
    group = optimizer.groups[1]
    group["lr"] = np.float64(0.5)
    optimizer.step()
    np.testing.assert_allclose(a.data, [0.95, -2.03])
    np.testing.assert_allclose(b.data, [1.1, -2.35])
    assert type(group["lr"]) is float
    for name, value, says in [
        ("lr", -1, "SGD's lr must be"), ("lr", "fast", "SGD's lr must be a number"), ("lr", math.nan, "a finite"),
        ("learning_rate", 0.1, "SGD has no setting learning_rate"), ("nesterov", True, "nesterov needs"),
        ("params", [b, a], "parameters of this SGD were changed"), ("params", [], "were changed"),
    ]:  # fmt: skip
        before, values = dict(group), (a.numpy(), b.numpy())
        group[name] = value
        with pytest.raises((ValueError, TypeError), match=says):
            optimizer.step()
        group.clear()
        group.update(before)
        np.testing.assert_array_equal((a.data, b.data), values)
    group["lr"] = -1
    with pytest.raises(ValueError, match="SGD's lr must be"):
        optimizer.state_dict()
    group["lr"] = 0.5
    group["params"].append(a)
    with pytest.raises(ValueError, match="were changed"):
        optimizer.step()
    group["params"].pop()
    optimizer.groups.append({"params": []})
    with pytest.raises(ValueError, match="groups or parameters of this SGD were changed"):
        optimizer.step()
    del optimizer.groups[2], group["params"]
    with pytest.raises(ValueError, match="were changed"):
        optimizer.step()


def test_momentum_can_be_switched_on_and_off_between_steps():
    a, b = pair()
    optimizer = optim.SGD([{"params": [a]}, {"params": [b]}], lr=0.1)
    optimizer.step()
    optimizer.groups[1]["momentum"] = 0.5
    optimizer.step()
    optimizer.step()
    np.testing.assert_allclose(a.data, np.array([1, -2]) - 0.1 * 3 * np.array([0.5, 0.3]))
    np.testing.assert_allclose(b.data, np.array([1, -2]) - 0.1 * (1 + 1 + 1.5) * np.array([-0.2, 0.7]))
    assert list(optimizer.state_dict()["state"]) == [1]
    optimizer.momentum = 0
    optimizer.step()
    np.testing.assert_allclose(b.data, np.array([1, -2]) - 0.1 * (1 + 1 + 1.5 + 1) * np.array([-0.2, 0.7]))
    assert optimizer.state_dict()["state"] == {}
    optimizer.load_state_dict(optimizer.state_dict())


def test_a_rate_changed_before_each_step_makes_nothing_anew(monkeypatch):
    optimizer = stepped(optim.Adam(pair()), 1)
    monkeypatch.setattr(optim.Adam, "_start", None)
    for lr in (0.1, 0.2):
        optimizer.lr = lr
        stepped(optimizer, 1)


def test_a_setting_read_from_the_optimizer_is_the_first_groups_and_assigned_every_groups():
    a, b = pair()
    optimizer = optim.RMSprop([{"params": [a], "alpha": 0.5}, {"params": [b]}], eps=0.1)
    assert (optimizer.alpha, optimizer.eps, optimizer.centered) == (0.5, 0.1, False)
    optimizer.alpha, optimizer.eps = 0.75, np.float32(0.5)
    assert [(group["alpha"], group["eps"]) for group in optimizer.groups] == [(0.75, 0.5)] * 2
    assert type(optimizer.groups[1]["eps"]) is float
    with pytest.raises(ValueError, match="RMSprop's alpha must be a number in 0 ≤ alpha < 1"):
        optimizer.alpha = 1
    assert optimizer.groups[1]["alpha"] == 0.75
    assert optim.SGD([a], momentum=0.5, nesterov=np.bool_(True)).nesterov is True
    assert isinstance(vars(optim.SGD)["nesterov"], type(optim.SGD.nesterov))  # which a class can be asked for, too


def test_lr_is_the_first_groups_and_scales_the_others_in_proportion():
    a, b = pair()
    optimizer = optim.SGD([{"params": [a]}, {"params": [b], "lr": 0.3}], lr=0.1)
    assert optimizer.lr == 0.1
    optimizer.lr = 0.2
    assert [group["lr"] for group in optimizer.groups] == [0.2, pytest.approx(0.6, rel=1e-15)]
    optimizer.groups[1]["lr"] = 0.3
    optimizer.lr = optimizer.lr
    assert [group["lr"] for group in optimizer.groups] == [0.2, 0.3]  # to the bit
    with pytest.raises(ValueError, match="SGD's lr must be"):
        optimizer.lr = -1
    optimizer.lr = 0
    assert [group["lr"] for group in optimizer.groups] == [0, 0]
    optimizer.groups[1]["lr"] = 0.3
    optimizer.lr = 0
    with pytest.raises(ValueError, match=r'first group\'s lr of this SGD is 0.*optimizer.groups\[0\]\["lr"\] = 0.5'):
        optimizer.lr = 0.5
    assert [group["lr"] for group in optimizer.groups] == [0, 0.3]
    alone = optim.SGD([a], lr=0)
    alone.lr = 0.5
    assert alone.lr == 0.5 and repr(alone) == "SGD(1 parameters, lr=0.5)"
    apart = optim.SGD([{"params": [a], "lr": 1e-300}, {"params": [b], "lr": 1e300}])
    with pytest.raises(ValueError, match="SGD's lr must be a finite number"):
        apart.lr = 1.0
    assert [group["lr"] for group in apart.groups] == [1e-300, 1e300] and "2 parameters in 2 groups" in repr(apart)


def test_a_model_and_its_grouped_optimizer_copied_together_train_apart():
    a, b = pair()
    optimizer = stepped(optim.Adam([{"params": [a]}, {"params": [b], "lr": 1.0}], lr=0.1))
    (c, d), copied = copy.deepcopy(([a, b], optimizer))
    assert copied.params == [c, d] and [group["params"] for group in copied.groups] == [[c], [d]]
    before = a.numpy(), b.numpy()
    stepped(copied)
    np.testing.assert_array_equal((a.data, b.data), before)
    stepped(optimizer)
    np.testing.assert_array_equal((a.data, b.data), (c.data, d.data))


# ---- whose state it is ----


def test_a_state_holds_rates_groups_and_names():
    a, b = pair()
    optimizer = optim.SGD([{"params": [("b", b)], "momentum": 0.5}, {"params": [("a", a)], "lr": 0.3}], lr=0.1)
    optimizer.step()
    state = optimizer.state_dict()
    settings = {"dampening": 0, "weight_decay": 0, "nesterov": False, "maximize": False}
    assert state["lr"] == 0.1 and state["names"] == ["b", "a"] and list(state) == ["lr", "state", "groups", "names"]
    assert state["groups"] == [
        {"params": [0], "lr": 0.1, "momentum": 0.5, **settings},
        {"params": [1], "lr": 0.3, "momentum": 0, **settings},
    ]
    assert list(state["state"]) == [0] and optim.SGD([a]).state_dict()["names"] is None
    state["groups"][0]["lr"], state["names"][0] = 5, "c"
    assert optimizer.lr == 0.1 and optimizer.names == ["b", "a"]


def test_a_state_goes_to_the_parameters_of_its_names_in_whatever_order():
    a, b = pair()
    first = stepped(optim.Adam([("a", a), ("b", b)], lr=0.1))
    state = pickle.loads(pickle.dumps(first.state_dict()))  # so that only names can tell
    c, d = (tl.tensor(p.data, requires_grad=True) for p in (a, b))
    second = optim.Adam([("b", d), ("a", c)], lr=0.5)
    second.load_state_dict(state)
    assert second.lr == 0.1 and second.names == ["b", "a"]
    for params, optimizer in (((a, b), first), ((c, d), second)):
        set_gradients(params, [[1.0, 2.0], [3.0, -4.0]])
        optimizer.step()
    np.testing.assert_array_equal((a.data, b.data), (c.data, d.data))
    for i, j in ((0, 1), (1, 0)):
        for name, value in second.state_dict()["state"][i].items():
            np.testing.assert_array_equal(value, first.state_dict()["state"][j][name])


def test_groups_are_told_by_their_names_whatever_their_order_and_bring_their_rates():
    a, b = pair()
    c = tl.tensor(np.ones(2), requires_grad=True)
    first = optim.SGD([{"params": [("a", a), ("b", b)]}, {"params": [("c", c)], "lr": 0.3}, {"params": []}], lr=0.1)
    first = stepped(first)
    first.groups[0]["lr"] = 0.2
    state = copy.deepcopy(first.state_dict())
    groups = [{"params": [("c", c)]}, {"params": [("b", b), ("a", a)], "weight_decay": 0.5}]
    second = optim.SGD(groups, lr=0.7)
    second.load_state_dict(state)
    assert [group["lr"] for group in second.groups] == [0.3, 0.2]
    assert [group["weight_decay"] for group in second.groups] == [0, 0.5]  # settings stay those that are here
    with_empty = optim.SGD([*groups, {"params": [], "lr": 0.9}], lr=0.7)  # an empty group is no other group
    with_empty.load_state_dict({**state, "groups": state["groups"][:2]})
    assert [group["lr"] for group in with_empty.groups] == [0.3, 0.2, 0.9]
    state["groups"][0]["lr"] = 0.5  # by hand, as one does in PyTorch
    unchanged_by(second, state, r'"lr" is 0.2, but that of its first group is 0.5; change both')
    state["lr"] = 0.5
    second.load_state_dict(state)
    assert [group["lr"] for group in second.groups] == [0.3, 0.5]
    third = optim.SGD([{"params": [("a", a), ("c", c)]}, {"params": [("b", b)]}], lr=0.7)
    unchanged_by(third, state, r"groups of the parameters \[\[0, 2\], \[1\], \[\]\].*here they are \[\[0, 1\], \[2\]\]")
    unchanged_by(optim.SGD([a, b, c]), state, r"groups of the parameters .*.*here they are \[\[0, 1, 2\]\]")


def test_a_state_of_other_names_is_refused_and_says_which():
    a, b = pair()
    state = copy.deepcopy(stepped(optim.Adam([("a", a), ("b", b)])).state_dict())
    for others, says in [
        ([("a", a), ("c", b)], "it has b, unknown here, and lacks c"),
        ([("a", a)], "it has b, unknown here$"),
        ([("a", a), ("b", b), ("c", tl.tensor([1.0], requires_grad=True))], "parameters: it lacks c$"),
    ]:
        unchanged_by(stepped(optim.Adam(others, lr=0.5)), state, says)
    renamed = optim.Adam([("a", a), ("c", b)], lr=0.5)
    renamed.load_state_dict({**state, "names": None})
    assert renamed.state_dict()["state"][1]["exp_avg"].any() and renamed.names == ["a", "c"]
    unchanged_by(renamed, {**state, "names": ["a", "a", "c"]}, "it has 3 names for 2 parameters")


@pytest.mark.parametrize("named", [(True, False), (False, True), (False, False)])
def test_without_names_on_both_sides_the_order_counts(named):
    a, b = pair()
    c, d = pair()
    first = stepped(optim.Adam([("a", a), ("b", b)] if named[0] else [a, b]))
    second = optim.Adam([("d", d), ("c", c)] if named[1] else [d, c])
    second.load_state_dict(first.state_dict())
    for i in range(2):
        for name, value in first.state_dict()["state"][i].items():
            np.testing.assert_array_equal(second.state_dict()["state"][i][name], value)


def test_a_state_without_names_still_finds_the_very_tensors_that_it_is_of(rng):
    a, b = pair()
    first = stepped(optim.Adam([a, b], lr=0.1))
    state, exp_avg = first.state_dict(), first.state_dict()["state"]
    del first
    gc.collect()
    a.data, b.data = rng.normal(size=2), rng.normal(size=2)
    second = optim.Adam([b, a])
    second.load_state_dict(state)
    for i in range(2):
        np.testing.assert_array_equal(second.state_dict()["state"][i]["exp_avg"], exp_avg[1 - i]["exp_avg"])
    for strangers in ([a], [a, tl.tensor(np.ones(2), requires_grad=True)], [*pair(), a]):
        unchanged_by(optim.Adam(strangers), state, "the state is of 2 Tensors, of which 1 are among the . here")
    for kept in (copy.deepcopy(state), pickle.loads(pickle.dumps(state)), {**state}):  # which don't know whose they are
        assert type(kept) is dict
        third = optim.Adam([b, a])
        third.load_state_dict(kept)
        np.testing.assert_array_equal(third.state_dict()["state"][0]["exp_avg"], exp_avg[0]["exp_avg"])


def test_a_state_keeps_no_parameter_alive_and_no_copy_of_one_is_taken_for_it():
    a, b = pair()
    state = stepped(optim.Adam([a, b])).state_dict()
    twins = copy.deepcopy([b, a])
    optimizer = optim.Adam(twins)
    optimizer.load_state_dict(state)  # by place, as into a new model
    np.testing.assert_array_equal(optimizer.state_dict()["state"][0]["exp_avg"], state["state"][0]["exp_avg"])
    del twins, optimizer
    assert not any(thing is a for thing in gc.get_referents(state, state.marks))


@pytest.mark.parametrize(("kind", "literal", "options"), CASES, ids=NAMES)
def test_a_state_from_before_there_were_groups_loads_in_order(kind, literal, options, rng):
    params = parameters(rng)
    first = stepped(kind(params, **options))
    old = {name: first.state_dict()[name] for name in ("lr", "state")}
    for form in (
        lambda p: p,
        lambda p: [(str(i), x) for i, x in enumerate(p)],
        lambda p: [{"params": x} for x in (p[:2], p[2:])],
    ):
        copied = [tl.tensor(p.data, requires_grad=True) for p in params]
        second = kind(form(copied), **{**options, "lr": 9.0})
        second.load_state_dict(old)
        assert [group["lr"] for group in second.groups] == [first.lr] * len(second.groups)
        third = copy.deepcopy(first)
        stepped(third), stepped(second)
        assert all(np.array_equal(p.data, q.data) for p, q in zip(third.params, copied, strict=True))


def test_a_state_whose_two_rates_differ_is_refused():
    a, b = pair()
    optimizer = optim.SGD([{"params": [a]}, {"params": [b], "lr": 0.3}], lr=0.1)
    unchanged_by(optimizer, {**optimizer.state_dict(), "lr": 0.2}, '"lr" is 0.2, but that of its first group is 0.1')
    optimizer.load_state_dict({**optimizer.state_dict(), "lr": 0.2, "groups": None})  # as it was before there were any
    assert [group["lr"] for group in optimizer.groups] == [0.2, pytest.approx(0.6)]


@pytest.mark.parametrize("change", [
    {"groups": 5}, {"groups": [5]}, {"groups": [{"lr": 0.1}]}, {"groups": [{"params": 0}]}, {"names": 5},
    {"groups": [{"params": ["a"]}]}, {"groups": [{"params": [0.5]}]}, {"groups": {0: {"params": [0, 1]}}},
], ids=repr)  # fmt: skip
def test_groups_and_names_of_another_form_are_no_state(change):
    optimizer = stepped(optim.Adam([("a", pair()[0]), ("b", pair()[1])]))
    unchanged_by(optimizer, {**optimizer.state_dict(), **change}, r"as state_dict\(\) gives it")


@pytest.mark.parametrize(("change", "says"), [
    ({"groups": [{"params": [0]}, {"params": [1]}]}, r"of the parameters \[\[0\], \[1\]\].*here they are \[\[0, 1\]\]"),
    ({"groups": [{"params": [0, 2]}]}, "groups of the parameters"),
    ({"groups": [{"params": [0, 1, 2]}]}, "groups of the parameters"),
    ({"groups": [{"params": [0, 1], "lr": "fast"}]}, "lr of group 0 isn't real numbers"),
    ({"groups": [{"params": [0, 1], "lr": -1.0}]}, "Adam's lr must be a finite number"),
    ({"groups": [{"params": [0, 1], "lr": [0.1, 0.2]}]}, r"lr of group 0 has shape \(2,\)"),
    ({"groups": [{"params": [0, 1], "alpha": 0.1}]}, "the setting alpha, which Adam lacks: it was saved by"),
    ({"names": ["a", "c"]}, "it has c, unknown here, and lacks b"),
    ({"names": ["a", "b", "c"]}, "it has c, unknown here$"),
    ({"names": "ab", "state": {5: {}}}, "the state is of parameter 5, but Adam has 2 here"),
])  # fmt: skip
def test_groups_and_names_that_do_not_fit_are_refused(change, says):
    optimizer = stepped(optim.Adam([("a", pair()[0]), ("b", pair()[1])]))
    unchanged_by(optimizer, {**optimizer.state_dict(), **change}, says)


def test_an_optimizer_of_another_kind_is_told_even_before_its_first_step():
    a, _ = pair()
    unchanged_by(optim.RMSprop([a]), optim.Adam([a]).state_dict(), "the setting amsgrad and betas, which RMSprop lacks")


# ---- schedules ----


def rates(schedule, n, values=None):
    found = [schedule.optimizer.lr]
    for i in range(n):
        schedule.step() if values is None else schedule.step(values[i])
        found.append(schedule.optimizer.lr)
    return found


def test_steplr_multiplies_by_gamma_every_step_size_epochs():
    schedule = optim.StepLR(optim.SGD([w], lr=0.8), step_size=3, gamma=0.5)
    np.testing.assert_allclose(rates(schedule, 7), [0.8, 0.8, 0.8, 0.4, 0.4, 0.4, 0.2, 0.2])


def test_cosine_annealing_follows_half_a_wave():
    schedule = optim.CosineAnnealingLR(optim.SGD([w], lr=0.9), T_max=6, eta_min=0.1)
    expected = [0.1 + 0.8 * (1 + math.cos(math.pi * t / 6)) / 2 for t in range(9)]
    np.testing.assert_allclose(rates(schedule, 8), expected)
    assert expected[6] == pytest.approx(0.1)


def test_linear_warmup_rises_in_equal_steps_and_stays():
    schedule = optim.LinearWarmup(optim.SGD([w], lr=0.8), warmup_steps=4)
    np.testing.assert_allclose(rates(schedule, 6), [0.2, 0.4, 0.6, 0.8, 0.8, 0.8, 0.8])


def test_reduce_on_plateau_cuts_after_more_than_patience_bad_epochs():
    schedule = optim.ReduceLROnPlateau(optim.SGD([w], lr=1.0), factor=0.5, patience=1, cooldown=1, min_lr=0.2)
    values = [3.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 1.0, math.nan, math.nan]
    np.testing.assert_allclose(rates(schedule, 10, values), [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.2])


def test_a_schedule_made_after_its_optimizer_was_resumed_finds_the_rate_again_when_loaded():
    first = optim.SGD([w], lr=0.8)
    schedule = optim.LinearWarmup(first, warmup_steps=4)
    for _ in range(6):
        schedule.step()
    second = optim.SGD([w], lr=0.8)
    second.load_state_dict(first.state_dict())
    resumed = optim.LinearWarmup(second, warmup_steps=4)  # which by itself begins anew, at a quarter
    resumed.load_state_dict(schedule.state_dict())
    assert second.lr == first.lr == 0.8


@pytest.mark.parametrize("state", [
    None, [], {"t": 3}, {"base": 0.1, "t": "x", "step_size": 2, "gamma": 0.5},
    {"base": 0.1, "t": 3, "step_size": None, "gamma": 0.5}, {"base": -0.1, "t": 3, "step_size": 2, "gamma": 0.5},
    {"base": 0.1, "t": 3, "step_size": 0, "gamma": 0.5},
])  # fmt: skip
def test_what_is_no_schedules_state_is_a_value_error_and_changes_nothing(state):
    schedule = optim.StepLR(optim.SGD([w], lr=0.8), 2, 0.5)
    before = schedule.state_dict()
    with pytest.raises(ValueError, match="StepLR"):
        schedule.load_state_dict(state)
    assert schedule.state_dict() == before and schedule.optimizer.lr == 0.8


@pytest.mark.parametrize(
    "make",
    [
        lambda o: optim.StepLR(o, 2, 0.5),
        lambda o: optim.CosineAnnealingLR(o, 5),
        lambda o: optim.LinearWarmup(o, 5),
        lambda o: optim.ReduceLROnPlateau(o, patience=1, mode="max"),
        lambda o: optim.ReduceLROnPlateau(o, patience=0, cooldown=1, factor=0.5, threshold=0.2, per="step"),
        lambda o: optim.StepLR(o, 2, 0.5, per="step"),
    ],
)
def test_a_schedule_resumed_from_its_state_goes_on_the_same(make):
    values = [1.0, 0.9, 0.8, 0.95, 0.7, 0.6, 0.5, 0.4, 0.3]
    first = make(optim.SGD([w], lr=0.3))
    rates(first, 4, values)
    second = make(optim.SGD([w], lr=0.7))
    second.load_state_dict(first.state_dict())
    second.optimizer.load_state_dict(first.optimizer.state_dict())
    assert rates(first, 5, values[4:]) == rates(second, 5, values[4:])
    with pytest.raises(ValueError, match="'s state has"):
        second.load_state_dict({"t": 1})


@pytest.mark.parametrize(
    ("kind", "options", "memory"),
    [
        (optim.SGD, {"momentum": 0.5}, {"momentum_buffer": np.array([1.0, -2.0])}),
        (optim.SGD, {}, {"momentum_buffer": None}),
        (optim.RMSprop, {}, {"step": np.array(3.0), "square_avg": np.array([1.0, 2.0])}),
        (optim.Adagrad, {}, {"step": np.array(3.0), "sum": np.array([1.0, 2.0])}),
        (optim.Adadelta, {}, {"step": 3, "square_avg": np.array([1.0, 2.0]), "acc_delta": np.array([0.1, 0.2])}),
    ],
)
def test_a_state_in_the_form_of_pytorch_is_taken(kind, options, memory):
    p = tl.tensor(np.array([1.0, 2.0]), requires_grad=True)
    optimizer = kind([("w", p)], lr=0.3, **options)
    group = {"params": [0], "param_names": ["w"], "lr": 0.7, "fused": None, "foreach": True, "maximize": True}
    optimizer.load_state_dict({"state": {0: memory}, "param_groups": [group]})
    kept = optimizer.state_dict()["state"].get(0, {})
    assert optimizer.lr == 0.7 and not optimizer.maximize  # a state brings the rates and leaves the settings
    for name in {*memory, *kept} - {"step"}:
        assert memory[name] is None or np.array_equal(kept[name], memory[name])
    assert kept.get("step") == {optim.SGD: 1 if kept else None, optim.Adagrad: 3}.get(kind)
    with pytest.raises(ValueError, match="it has v, unknown here"):
        optimizer.load_state_dict({"state": {}, "param_groups": [{**group, "param_names": ["v"]}]})


def test_a_schedules_state_says_what_it_counts_and_is_refused_where_something_else_is_counted():
    steps, epochs = (optim.StepLR(optim.SGD([w], lr=0.3), 2, 0.5, per=per) for per in ("step", "epoch"))
    steps.step()
    state, before = steps.state_dict(), epochs.state_dict()
    with pytest.raises(ValueError, match=r"counts each step; write StepLR.*per='step'"):
        epochs.load_state_dict(state)
    assert epochs.state_dict() == before
    del state["per"]  # as in states of before there was a choice
    epochs.load_state_dict(state)
    assert epochs.t == 1
    with pytest.raises(ValueError, match="counts each epoch"):
        steps.load_state_dict(state)


def test_a_rate_set_by_hand_in_a_warm_up_is_the_base_of_the_next_schedule():
    optimizer = optim.SGD([w], lr=0.8)
    optim.LinearWarmup(optimizer, 4)
    assert optim.StepLR(optimizer, 2).base == 0.8
    optimizer.lr = 0.5
    assert optim.StepLR(optimizer, 2).base == 0.5


def grouped(*rates):
    return optim.SGD([{"params": [tl.tensor([1.0], requires_grad=True)], "lr": rate} for rate in rates])


GROUPED = [
    (lambda o: optim.StepLR(o, 2, 0.5), lambda base, t: base * 0.5 ** (t // 2)),
    (
        lambda o: optim.CosineAnnealingLR(o, 5, 0.05),
        lambda base, t: 0.05 + (base - 0.05) * (1 + math.cos(math.pi * t / 5)) / 2,
    ),
    (lambda o: optim.LinearWarmup(o, 4), lambda base, t: base * min(1, (t + 1) / 4)),
]


@pytest.mark.parametrize(("make", "formula"), GROUPED)
def test_each_group_goes_its_way_from_its_own_base_also_when_resumed(make, formula):
    bases = (0.4, 0.02, 0.0)
    schedule = make(grouped(*bases))
    for t in range(9):
        rates = [group["lr"] for group in schedule.optimizer.groups]
        assert rates == pytest.approx([formula(base, t) for base in bases], rel=1e-12, abs=1e-15)
        if t == 4:
            kept = schedule.optimizer.state_dict(), schedule.state_dict()
            schedule = make(grouped(7.0, 8.0, 9.0))
            schedule.optimizer.load_state_dict(kept[0])
            schedule.load_state_dict(kept[1])
        if t == 6:  # a rate set by hand lasts until the next step
            schedule.optimizer.groups[1]["lr"] = 5.0
        schedule.step()


OTHERS = [
    (lambda o: optim.StepLR(o, 3, 0.5), lambda base, t: base * 0.5 ** (t // 3)),
    (
        lambda o: optim.CosineAnnealingLR(o, 9, 0.002),
        lambda base, t: 0.002 + (base - 0.002) * (1 + math.cos(math.pi * t / 9)) / 2,
    ),
    (  # of a loss that never improves: cut after epochs 2, 3, …
        lambda o: optim.ReduceLROnPlateau(o, factor=0.5, patience=0),
        lambda base, t: base * 0.5 ** max(0, t - 1),
    ),
]


def on_its_value(schedule):
    schedule.step(*[1.0] * isinstance(schedule, optim.ReduceLROnPlateau))


@pytest.mark.parametrize(
    "resumed", ["", "optimizer, warm-up, other", "other, warm-up, optimizer", "other, optimizer, warm-up"]
)
@pytest.mark.parametrize("steps_first", [True, False])
@pytest.mark.parametrize("made_first", [True, False])
@pytest.mark.parametrize(("make", "formula"), OTHERS)
def test_a_warm_up_takes_its_part_of_what_another_schedule_says(make, formula, made_first, steps_first, resumed):
    bases = (0.4, 0.05)

    def both():
        made = grouped(*bases)
        warm_up = optim.LinearWarmup(made, 4) if made_first else None
        other = make(made)
        return {"optimizer": made, "other": other, "warm-up": warm_up or optim.LinearWarmup(made, 4)}

    parts = both()
    for t in range(9):
        expected = [formula(base, t) * min(1, (t + 1) / 4) for base in bases]
        assert [group["lr"] for group in parts["optimizer"].groups] == pytest.approx(expected, rel=1e-12)
        if resumed and t in (2, 6):
            kept, parts = {name: part.state_dict() for name, part in parts.items()}, both()
            for name in resumed.split(", "):
                parts[name].load_state_dict(kept[name])
        first, second = ("warm-up", "other") if steps_first else ("other", "warm-up")
        on_its_value(parts[first])
        on_its_value(parts[second])


def test_a_warm_up_of_steps_and_a_decay_of_epochs():
    optimizer = optim.SGD([w], lr=0.8)
    warm_up, decay = optim.LinearWarmup(optimizer, 5, per="step"), optim.StepLR(optimizer, 1, 0.5)
    found = []
    for _ in range(3):
        for _ in range(2):
            found.append(optimizer.lr)
            warm_up.step()
        decay.step()
    np.testing.assert_allclose(found, np.array([0.8, 0.8, 0.4, 0.4, 0.2, 0.2]) * [0.2, 0.4, 0.6, 0.8, 1, 1])


def test_a_rate_set_by_hand_ends_a_warm_up_that_makes_no_more_steps():
    optimizer = optim.SGD([w], lr=0.8)
    optim.LinearWarmup(optimizer, 4)
    optimizer.lr = 0.6
    schedule = optim.StepLR(optimizer, 1, 0.5)
    assert rates(schedule, 2) == pytest.approx([0.6, 0.3, 0.15])


def test_a_warm_ups_state_from_before_it_knew_of_others_loads_and_one_of_other_groups_does_not():
    schedule = optim.LinearWarmup(grouped(0.4, 0.1), 4)
    state = schedule.state_dict()
    del state["aims"]
    fresh = optim.LinearWarmup(grouped(1.0, 1.0), 4)
    fresh.load_state_dict({**state, "t": 1})
    assert [group["lr"] for group in fresh.optimizer.groups] == pytest.approx([0.2, 0.05])
    before = fresh.state_dict()
    for aims in ([0.1], [0.1, 0.2, 0.3], [-0.1, 0.2], [math.nan, 0.2], ["x", "y"]):
        with pytest.raises(ValueError, match="LinearWarmup"):
            fresh.load_state_dict({**state, "aims": aims})
    assert fresh.state_dict() == before


def test_a_plateau_cuts_each_groups_rate_as_far_as_the_least():
    schedule = optim.ReduceLROnPlateau(grouped(0.4, 0.1, 0.0), factor=0.5, patience=0, min_lr=0.08)
    found = []
    for _ in range(5):
        schedule.step(1.0)
        found.append([group["lr"] for group in schedule.optimizer.groups])
    assert found == [
        pytest.approx(row) for row in ([0.4, 0.1, 0], [0.2, 0.08, 0], [0.1, 0.08, 0], *[[0.08, 0.08, 0]] * 2)
    ]


def test_a_schedules_state_from_before_there_were_groups_loads_and_one_of_other_groups_does_not():
    old = {"base": 0.8, "t": 3, "step_size": 2, "gamma": 0.5}
    schedule = optim.StepLR(grouped(0.1), 5)
    schedule.load_state_dict(old)
    schedule.step()
    assert schedule.optimizer.lr == pytest.approx(0.2) and schedule.base == 0.8
    several = optim.StepLR(grouped(0.4, 0.1), 2, 0.5)
    for state in (old, {**several.state_dict(), "other_bases": [0.1, 0.2]}):
        before = several.state_dict()
        with pytest.raises(ValueError, match=r"this isn't the state of a StepLR.*it is of . groups, not of 2"):
            several.load_state_dict(state)
        assert several.state_dict() == before
    for bad in ([-0.1], ["x"], [math.nan], [None], 5, None):
        says = "this isn't the state of a StepLR" + (".*StepLR's base must be" if bad == [-0.1] else "")
        with pytest.raises(ValueError, match=says):
            several.load_state_dict({**before, "other_bases": bad})
        assert several.state_dict() == before
    several.state_dict()["other_bases"][0] = 9.0
    assert several.other_bases == [0.1]


def test_a_schedule_of_ones_own_is_asked_for_each_group_with_its_base():
    class Halving(optim.Schedule):
        def rate(self):
            return self.base / 2**self.t

    schedule = Halving(grouped(0.4, 0.1))
    schedule.step()
    schedule.step()
    assert [group["lr"] for group in schedule.optimizer.groups] == [0.1, 0.025] and schedule.base == 0.4
    schedule.base = -1.0
    with pytest.raises(ValueError, match="SGD's lr must be"):
        schedule.step()


# ---- clipping ----


def test_clip_grad_norm_scales_all_gradients_together_and_tells_the_norm_before(rng):
    params = parameters(rng)
    set_gradients(params, rows := [rng.normal(size=shape) for shape in SHAPES])
    arrays = [p.grad.data for p in params]
    norm = math.sqrt(sum(float(np.sum(g**2)) for g in rows))
    assert optim.clip_grad_norm(params + params, norm / 4) == pytest.approx(norm, rel=1e-12)
    for p, g, array in zip(params, rows, arrays, strict=True):
        np.testing.assert_allclose(p.grad.data, g * (norm / 4) / (norm + 1e-6), rtol=1e-12)
        assert p.grad.data is array
    assert optim.clip_grad_norm((p for p in params), 1e9) == pytest.approx(norm / 4, rel=1e-5)


def test_clip_grad_norm_refuses_what_is_not_finite_and_measures_huge_float32_gradients():
    p = tl.tensor(np.zeros(2, np.float32), requires_grad=True)
    p.grad = tl.tensor(np.float32([3e30, 4e30]))
    assert optim.clip_grad_norm([p], 1.0) == pytest.approx(5e30, rel=1e-6)
    np.testing.assert_allclose(p.grad.data, [0.6, 0.8], rtol=1e-5)
    p.grad = tl.tensor(np.float32([np.nan, 4]))
    with pytest.raises(FloatingPointError, match="norm of the gradients is nan"):
        optim.clip_grad_norm([p], 1.0)
    assert p.grad.data[1] == 4


@pytest.mark.parametrize(("dtype", "size"), [
    (np.float16, 1e-4), (np.float16, 6e-8), (np.float16, 3e4), (np.float32, 1e-25), (np.float32, 1e-40),
    (np.float32, 1e30), (np.float64, 1e-200), (np.float64, 1e200), (np.float64, 1.0),
])  # fmt: skip
def test_the_norm_of_gradients_neither_overflows_nor_vanishes_in_any_dtype(dtype, size, rng):
    params, total = [], 0.0
    for shape in SHAPES:
        p = tl.tensor(np.zeros(shape, dtype), requires_grad=True)
        p.grad = tl.tensor((rng.uniform(1, 2, shape) * size).astype(dtype))
        params.append(p)
        total = math.hypot(total, *(float(v) for v in p.grad.data.ravel()))
    before = [p.grad.numpy().astype(np.longdouble) for p in params]
    bound = total / 4
    assert optim.clip_grad_norm(params, bound) == pytest.approx(total, rel=1e-5, abs=0)
    for p, g in zip(params, before, strict=True):
        assert p.grad.dtype == dtype
        expected = g * (np.longdouble(bound) / np.longdouble(total + 1e-6))
        tiny = float(np.finfo(dtype).smallest_subnormal)
        np.testing.assert_allclose(p.grad.data.astype(np.longdouble), expected, rtol=2e-3, atol=tiny)


def test_large_half_precision_gradients_are_clipped_to_a_tiny_norm():
    p = tl.tensor(np.zeros(2, np.float16), requires_grad=True)
    p.grad = tl.tensor(np.array([30000.0, 40000.0], np.float16))
    assert optim.clip_grad_norm([p], 1e-3) == pytest.approx(50000, rel=1e-3)
    np.testing.assert_allclose(p.grad.data, [6e-4, 8e-4], rtol=1e-2)


def test_clip_grad_value_limits_every_element(rng):
    p = tl.tensor(np.zeros((2, 2)), requires_grad=True)
    p.grad = tl.tensor(np.array([[-3.0, 0.2], [0.5, 7.0]]))
    optim.clip_grad_value(p, 0.5)
    np.testing.assert_array_equal(p.grad.data, [[-0.5, 0.2], [0.5, 0.5]])


def test_clipping_leaves_the_graph_of_a_differentiable_gradient_alone():
    p = tl.tensor([3.0], requires_grad=True)
    (p**3).sum().backward(create_graph=True)
    made = p.grad
    optim.clip_grad_norm([p], 1.0)
    assert made.data[0] == 27 and p.grad.data[0] == pytest.approx(1.0, abs=1e-5)


def test_observers_are_told_of_a_step():
    from tinydl.engine.recording import Observer, observing

    class Watch(Observer):
        told = ()

        def optimizer_stepped(self, optimizer):
            self.told += (optimizer,)

    p = tl.tensor([1.0], requires_grad=True)
    p.grad = tl.tensor([1.0])
    optimizer = optim.SGD([p], lr=0.1)
    with observing(watch := Watch()):
        optimizer.step()
    assert watch.told == (optimizer,)


@pytest.mark.parametrize("kind", [optim.Adam, optim.AdamW, optim.SGD, optim.RMSprop, optim.Adagrad, optim.Adadelta])
def test_every_optimizer_keeps_its_weight_decay_where_it_can_be_read_and_set(kind):
    def trained(start, later):
        w = tl.tensor([1.0, -2.0], requires_grad=True)
        optimizer = kind([w], lr=0.1, weight_decay=start)
        assert optimizer.weight_decay == start
        optimizer.weight_decay = later
        w.grad = tl.tensor([0.3, 0.5])
        optimizer.step()
        return w.data

    np.testing.assert_array_equal(trained(0.5, 0.25), trained(0.25, 0.25))
    assert not np.array_equal(trained(0.0, 0.25), trained(0.0, 0.0))


@pytest.mark.parametrize(
    ("make", "change"),
    [
        *((lambda o: optim.StepLR(o, 2), c) for c in ({"step_size": -2}, {"t": -1}, {"t": 2.7}, {"gamma": np.nan})),
        (lambda o: optim.CosineAnnealingLR(o, 5), {"T_max": -3}),
        *(
            (optim.ReduceLROnPlateau, c)
            for c in ({"mode": "zzz"}, {"factor": 5}, {"patience": -1}, {"best": np.nan}, {"base": -1.0})
        ),
    ],
)
def test_a_schedule_loads_no_settings_that_it_could_not_be_made_with(make, change):
    schedule = make(optim.SGD([w], lr=0.8))
    before = schedule.state_dict()
    with pytest.raises(ValueError, match="this isn't the state of"):
        schedule.load_state_dict({**before, **change})
    assert schedule.state_dict() == before and schedule.optimizer.lr == 0.8


def test_observers_hear_of_schedules_steps_and_of_the_norm_that_clipping_gives():
    class Told(recording.Observer):
        def __init__(self):
            self.schedules, self.numbers = [], []

        def schedule_stepping(self, schedule):
            self.schedules.append(schedule)

        def number(self, value):
            self.numbers.append(value)
            return "the norm"

    p = tl.tensor([3.0, 4.0], requires_grad=True)
    optimizer = optim.SGD([p], lr=0.1)
    schedules = [optim.StepLR(optimizer, 2), optim.ReduceLROnPlateau(optimizer)]
    p.grad = tl.tensor([0.6, 0.8])
    told = Told()
    with recording.observing(told):
        schedules[0].step()
        schedules[1].step(1.0)
        assert optim.clip_grad_norm([p], 0.5) == "the norm"
    assert told.schedules == schedules and told.numbers == pytest.approx([1.0])
