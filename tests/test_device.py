"""Arrays of other libraries that speak NumPy's protocols, such as CuPy's on a GPU: everything computes with them.

It is tried on a stand-in with CuPy's rules, which computes with NumPy, so that all must be equal to the bit; where a
CuPy that works is installed, the same is tried on it, and must be equal but for rounding.
"""

from __future__ import annotations

import copy
import inspect
import pickle
from types import SimpleNamespace
from typing import Any

import device
import numpy as np
import pytest
from test_derivatives import CASES

import tinydl as tl
from tinydl import data, nn, optim
from tinydl import functional as F
from tinydl.checking.samples import Draw, sample
from tinydl.engine.arrays import beside, is_array, on_host
from tinydl.engine.dispatch import primitives
from tinydl.engine.tensor import propagate, wrap
from tinydl.functional import losses
from tinydl.parallel import Alone

PLACES = [SimpleNamespace(name="stand-in", asarray=device.asarray, asnumpy=device.asnumpy, kind=device.OnDevice)]
try:
    import cupy

    cupy.zeros(1).sum().item()
except Exception:  # not installed, or without a GPU: whatever it raises then
    pass
else:
    PLACES.append(SimpleNamespace(name="CuPy", asarray=cupy.asarray, asnumpy=cupy.asnumpy, kind=cupy.ndarray))


@pytest.fixture(params=PLACES, ids=lambda place: place.name)
def place(request):
    return request.param


def moved(x, place):
    """Every array of NumPy in it, on the device."""
    if isinstance(x, (list, tuple)):
        return type(x)(moved(item, place) for item in x)
    return place.asarray(np.array(x)) if isinstance(x, np.ndarray) else x


def assert_same(there, here, place, what="", rounded=False):
    """An array on the device has the numbers that NumPy's has."""
    assert isinstance(there, place.kind), f"{what}: {type(there)}"
    there, here = place.asnumpy(there), np.asarray(here)
    assert there.dtype == here.dtype and there.shape == here.shape, what
    if place.name == "stand-in" and not rounded:
        assert np.array_equal(there, here, equal_nan=here.dtype.kind == "f"), what
    else:
        tolerance = {2: 4e-3, 4: 1e-5}.get(here.dtype.itemsize, 1e-10) * (1 + rounded * np.abs(here).max(initial=0))
        np.testing.assert_allclose(there, here, rtol=tolerance, atol=tolerance, err_msg=what)


# ---- the table ----

# primitives that need a function which CuPy lacks, with the reason; see device.py
WITHOUT: dict[str, str] = {}
# primitives that take another form for arrays of other libraries, which adds up in another order
OTHERWISE = {"conv", "conv_input", "conv_weight", "convolve", "correlate"}


def leaves_of(inputs):
    return [wrap(x, True) if is_array(x) and x.dtype.kind == "f" else x for x in inputs]


def with_derivatives(primitive, inputs, options, cotangents, weights):
    """The value of a primitive, its gradients, and the gradients of their sum times the weights."""
    leaves = leaves_of(inputs)
    y = primitive(*leaves, **options)
    if not isinstance(y, tl.Tensor) or not y.requires_grad:
        return [y.data if isinstance(y, tl.Tensor) else y], [], []
    wanted = [x for x in leaves if isinstance(x, tl.Tensor)]
    found, _ = propagate([y], [wrap(cotangents[0])], wanted=wanted, create_graph=True)
    gradients = [found[x] for x in wanted if x in found]
    twice = [(g, w) for g, w in zip(gradients, weights, strict=False) if g.requires_grad]
    second = {}
    if twice:
        second, _ = propagate([g for g, _ in twice], [wrap(w) for _, w in twice], wanted=wanted)
    return [y.data], [g.data for g in gradients], [second[x] for x in wanted if x in second]


@pytest.mark.parametrize("name", sorted(set(primitives) - set(WITHOUT)))
def test_every_primitive_gives_value_and_derivatives_of_numpy(name, place):
    primitive, compared = primitives[name], 0
    for seed in range(5):
        drawn = sample(name, Draw(seed))
        inputs = [np.array(x) if isinstance(x, np.ndarray) else x for x in drawn.inputs]
        y = np.asarray(primitive.forward(*inputs, **drawn.options))
        rng = np.random.default_rng(seed)
        g = rng.normal(size=y.shape).astype(y.dtype if y.dtype.kind == "f" else np.float64)
        weights = [rng.normal(size=x.shape).astype(x.dtype) for x in inputs if is_array(x) and x.dtype.kind == "f"]
        here = with_derivatives(primitive, inputs, drawn.options, [g], weights)
        there = with_derivatives(
            primitive, moved(inputs, place), drawn.options, moved([g], place), moved(weights, place)
        )
        for what, a, b in zip(("value", "gradient", "second derivative"), there, here, strict=True):
            assert len(a) == len(b)
            for x, y in zip(a, b, strict=True):
                if not is_array(y) and not isinstance(y, np.generic):
                    continue
                assert_same(x, y, place, f"{what}, seed {seed}", name in OTHERWISE)
                compared += 1
    assert compared


# all but those that multiply or join with an array of NumPy of their own
BRINGING = [
    c
    for c in CASES
    if c.name in ("concatenate", "prod", "cumprod", "block", "interp", "gradient")
    and {"MASK", "ones", "array", "arange"} & {*c.call.__code__.co_names}
]


def value_and_gradients(call, inputs, to):
    leaves = [tl.tensor(to(x), requires_grad=True) for x in inputs]
    y = call(*leaves)
    parts = [part for part in (y if isinstance(y, (list, tuple)) else (y,)) if isinstance(part, tl.Tensor)]
    values = [part.data for part in parts]
    parts = [part for part in parts if part.requires_grad]
    rng = np.random.default_rng(0)
    gradients = [to(rng.normal(size=part.shape)) for part in parts]
    if parts:
        sum(np.sum(part * g) for part, g in zip(parts, gradients, strict=True)).backward()
    return [*values, *(x.grad.data for x in leaves if x.grad is not None)]


def assert_same_everywhere(call, inputs, place, name=""):
    here, there = value_and_gradients(call, inputs, lambda x: x), value_and_gradients(call, inputs, place.asarray)
    assert here
    for a, b in zip(there, here, strict=True):
        assert_same(a, b, place, rounded=name in OTHERWISE)


@pytest.mark.parametrize("case", [c for c in CASES if c not in BRINGING], ids=lambda case: f"{case.name}{case.shapes}")
def test_every_function_that_numpy_calls_gives_value_and_gradients_of_numpy(case, place):
    assert_same_everywhere(case.call, case.inputs(), place, case.name)


# what a user gives with a Tensor: numbers and lists go where it is, masks and indices may be anywhere
GIVEN = {
    "append": lambda x, v: np.append(np.append(x, [[1, 2, 3]], 0), 4),
    "insert": lambda x, v: np.insert(x, [0, 2], [[3], [4.5]], axis=0) * np.insert(v, 1, 2)[1:],
    "insert at an index beside it": lambda x, v: np.insert(x, beside(np.array([1, 0]), v.data), v[:2], axis=1),
    "delete": lambda x, v: np.delete(x, beside(np.array([1, 2]), v.data), axis=1),
    "block": lambda x, v: np.block([[x], [v], [1, 2.5, 3]]),
    "select": lambda x, v: np.select([x > 0, np.array([True, False, True])], [v, 2.5], -1),
    "select of lists": lambda x, v: np.select([x > 0, x > -1], [[1, 2, 3], x]),
    "ediff1d": lambda x, v: np.ediff1d(x, [1, 2], 3.5),
    "linspace": lambda x, v: np.linspace([1, 2, 3], v, 4) * np.linspace(v, 2, 1, retstep=True)[0],
    "linspace's step of one number": lambda x, v: tl.tensor(np.linspace(v, 2, 1, retstep=True)[1]),
    "linspace to whole numbers": lambda x, v: tl.tensor(np.linspace(v, 9, 3, dtype=int)),
    "trapezoid": lambda x, v: np.trapezoid([[1, 2, 3], [4, 5, 7]], v) * np.trapezoid(x, [0, 2, 3]) * np.trapezoid(v),
    "interp": lambda x, v: np.interp(x, [-1, 0, 2], v, -3.5) * np.interp([0.5, 1, 2], np.cumsum(v * v), [3, 1, 2]),
    "polyval": lambda x, v: np.polyval([1, 2.5, 3], x) * np.polyval(v, [1, 2, 3]),
    "convolve": lambda x, v: np.convolve(x[0], [1, 2.5]) * np.convolve([1, 2], v),
    "correlate": lambda x, v: np.correlate([1, 2, 3, 4.5], v, "full") * np.correlate(x[1], [1, 3, 2, 1], "full")[:6],
    "gradient": lambda x, v: np.gradient(x, [0, 2], np.cumsum(v * v)),
    "gradient of a list": lambda x, v: np.gradient([1, 4, 9.5], v[0], edge_order=2),
    "meshgrid": lambda x, v: [tl.tensor(part) for part in np.meshgrid(v.detach(), [1, 2])],
    "average": lambda x, v: np.average(x, axis=1, weights=[1, 2, 3.5]),
    "lstsq": lambda x, v: np.linalg.lstsq(x.T, [1, 2, 3.5]),
    "lstsq of fewer equations": lambda x, v: np.linalg.lstsq(x, [1, 2.5]),
    "svd": lambda x, v: np.linalg.svd(x, full_matrices=False),
    "svd of all, values alone": lambda x, v: np.linalg.svd(x)[1],
    "qr": lambda x, v: np.linalg.qr(x),
    "qr of a tall matrix": lambda x, v: np.linalg.qr(x.T, "complete")[0][:, :2],
    "mask beside it": lambda x, v: np.max(x, 1, where=x.data > 0, initial=-1) + np.mean(x, where=v.data > v.data.min()),
    "mask as a list": lambda x, v: x.mean(1, where=[True, False, True]) * np.nanmin(x, where=[1 > 0], initial=v[0]),
    "NaNs": lambda x, v: np.nanmax(np.where([True, False, True], x, np.nan), 1) * np.nanstd(x, ddof=1),
    "quantiles": lambda x, v: np.quantile(x, [[0.2, 0.5], [0, 1]], (0, 1), method="hazen", keepdims=True),
    "quantiles for a float64 array": lambda x, v: np.quantile(x.astype("f4"), np.array([0.3, 0.8]), -1),
    "quantiles of float16": lambda x, v: np.percentile(x.astype("f2"), 45, 0, keepdims=True),
    "quantiles beside it": lambda x, v: np.percentile(x, beside(np.array([20.0, 35]), v.data), method="nearest"),
    "quantiles with NaN": lambda x, v: np.quantile(np.where([True, False, True], x, np.nan), 0.4, 0),
    "partition": lambda x, v: np.partition(x, beside(np.array([1]), v.data)),
    "compress": lambda x, v: np.compress([True, False, True], x, 1) * np.extract(x.data > -9, x)[0],
}  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", GIVEN)
def test_what_is_given_with_a_tensor_goes_where_it_is(name, dtype, place):
    rng = np.random.default_rng(3)
    assert_same_everywhere(
        GIVEN[name], [rng.normal(size=(2, 3)).astype(dtype), rng.normal(size=3).astype(dtype)], place, name
    )


def test_whole_numbers_are_reduced_as_numpy_does(place):
    x = np.random.default_rng(0).integers(-9, 9, (3, 4)).astype(np.int8)
    mask = x % 3 > 0
    for f, options in (
        (np.sum, {}), (np.prod, {"initial": 3}), (np.mean, {}), (np.max, {"initial": -2}), (np.nanmin, {"initial": 2}),
        (np.nansum, {"keepdims": True}), (np.nanmax, {"initial": -2}),
    ):  # fmt: skip
        for m in (mask, place.asarray(mask)):
            assert_same(
                f(tl.tensor(place.asarray(x)), 1, where=m, **options).data, f(x, 1, where=mask, **options), place
            )
    whole = np.quantile(tl.tensor(place.asarray(x)), [0.2, 0.7], 0, method="lower")
    assert_same(whole.data, np.quantile(x, [0.2, 0.7], 0, method="lower"), place)


@pytest.mark.parametrize(
    "mixed",
    [
        lambda x: np.append(x, np.ones(2)), lambda x: np.insert(x, 0, np.ones(1)), lambda x: np.block([x, np.ones(2)]),
        lambda x: np.select([x > 0], [x], np.ones(3)), lambda x: np.ediff1d(x, np.ones(1)),
        lambda x: np.linspace(x, np.ones(3), 4), lambda x: np.trapezoid(x, np.arange(3)),
        lambda x: np.interp(x, np.arange(3), [1, 2, 3]), lambda x: np.polyval(np.ones(2), x),
        lambda x: np.convolve(x, np.ones(2)), lambda x: np.correlate(np.arange(3), x),
        lambda x: np.gradient(x, np.array([0.0, 1, 3])), lambda x: np.average(x, weights=np.ones(3)),
    ],
)  # fmt: skip
def test_an_array_of_numpy_beside_a_tensor_on_the_device_is_refused(mixed):
    x = tl.tensor(device.asarray(np.arange(3.0)), requires_grad=True)
    with pytest.raises(TypeError, match=r"array of device \(OnDevice\).*NumPy.*model\.to\(cupy\.asarray\)"):
        mixed(x)


def test_a_rule_that_makes_an_array_of_numpy_fails_with_a_sentence_that_says_what_to_write():
    rule = lambda g, y, x: g * (2 * np.ones(x.shape))
    doubled = tl.primitive(lambda x: x * 2, rule, name="doubled")
    x = tl.tensor(device.asarray(np.arange(6.0).reshape(2, 3)), requires_grad=True)
    with pytest.raises(TypeError, match=r"np\.zeros_like\(x\).*beside\(value, x\)"):
        np.sum(doubled(x)).backward()


def test_an_operation_on_an_array_of_numpy_and_one_on_the_device_says_which_is_where():
    x = tl.tensor(device.asarray(np.ones((2, 3))), requires_grad=True)
    for mixed in (lambda: x * np.ones(3), lambda: np.ones((2, 3)) + x, lambda: np.concatenate([x, np.ones((1, 3))])):
        with pytest.raises(TypeError, match=r"array of device \(OnDevice\).*NumPy.*model\.to\(cupy\.asarray\)"):
            mixed()


# ---- layers, losses, optimizers ----


class Causal(nn.Module):
    """An encoder that looks back alone."""

    def __init__(self):
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 4, 5), 2)

    def forward(self, x):
        return self.encoder(x, is_causal=True)


class Attends(nn.Module):
    """The output of attention beside its weights."""

    def __init__(self):
        self.attention = nn.MultiheadAttention(8, 2, 0.2)

    def forward(self, x):
        return np.concatenate(self.attention(x, attn_mask=np.eye(len(x), dtype=bool), key_padding_mask=LABELS > 5), -1)


X = np.random.default_rng(0).normal(size=(6, 8)).astype(np.float32)
IMAGES = X.reshape(2, 2, 3, 4)
LABELS = np.random.default_rng(1).integers(0, 8, 6)
SOUNDS = np.random.default_rng(2).normal(size=(3, 8, 9)).astype(np.float32)
IMAGES = np.random.default_rng(3).normal(size=(3, 2, 6, 7)).astype(np.float32)
LAYERS = {
    "Linear": (lambda: nn.Linear(8, 3), X), "ReLU": (nn.ReLU, X), "LeakyReLU": (nn.LeakyReLU, X), "ELU": (nn.ELU, X),
    "GELU": (nn.GELU, X), "SiLU": (nn.SiLU, X), "Sigmoid": (nn.Sigmoid, X), "Tanh": (nn.Tanh, X),
    "Softplus": (nn.Softplus, X), "Softmax": (lambda: nn.Softmax(-1), X), "Dropout": (lambda: nn.Dropout(0.4), X),
    "SyncBatchNorm": (lambda: nn.SyncBatchNorm(8, comm=Alone()), X),
    "BatchNorm1d": (lambda: nn.BatchNorm1d(8), X), "LayerNorm": (lambda: nn.LayerNorm(8), X),
    "BatchNorm2d": (lambda: nn.BatchNorm2d(2), IMAGES), "GroupNorm": (lambda: nn.GroupNorm(2, 8), X),
    "RMSNorm": (lambda: nn.RMSNorm(8), X), "Dropout2d": (lambda: nn.Dropout2d(0.4), IMAGES), "SELU": (nn.SELU, X),
    "CELU": (lambda: nn.CELU(0.7), X), "PReLU": (lambda: nn.PReLU(8), X), "Mish": (nn.Mish, X),
    "Hardtanh": (nn.Hardtanh, X), "Softsign": (nn.Softsign, X), "LogSoftmax": (lambda: nn.LogSoftmax(-1), X),
    "LogSigmoid": (nn.LogSigmoid, X),
    "Embedding": (lambda: nn.Embedding(8, 3, padding_idx=2), LABELS.reshape(3, 2)), "Flatten": (nn.Flatten, X),
    "MultiheadAttention": (Attends, X), "TransformerEncoderLayer": (lambda: nn.TransformerEncoderLayer(8, 2, 5), X),
    "TransformerEncoder": (Causal, X),
    "Identity": (nn.Identity, X), "Sequential": (lambda: nn.Sequential(nn.Linear(8, 4), nn.Tanh()), X),
    "RNN": (lambda: Recurrent(nn.RNN, nonlinearity="relu", bias=False), X),
    "LSTM": (lambda: Recurrent(nn.LSTM), X),
    "GRU": (lambda: Recurrent(nn.GRU, bidirectional=True, recurrent_dropout=0.4), X),
    "RNNCell": (lambda: nn.RNNCell(8, 3), X), "LSTMCell": (lambda: Recurrent(nn.LSTMCell), X),
    "GRUCell": (lambda: nn.GRUCell(8, 3), X),
    "Conv1d": (lambda: nn.Conv1d(8, 4, 3, stride=2, padding=1, groups=2), SOUNDS),
    "Conv2d": (lambda: nn.Conv2d(2, 3, (3, 2), padding="same"), IMAGES),
    "ConvTranspose1d": (lambda: nn.ConvTranspose1d(8, 4, 3, stride=2, output_padding=1), SOUNDS),
    "ConvTranspose2d": (lambda: nn.ConvTranspose2d(2, 3, 3, stride=2, padding=1, dilation=2), IMAGES),
    "MaxPool1d": (lambda: nn.MaxPool1d(3, 2, 1), SOUNDS), "MaxPool2d": (lambda: nn.MaxPool2d(2), IMAGES),
    "AvgPool1d": (lambda: nn.AvgPool1d(2), SOUNDS),
    "AvgPool2d": (lambda: nn.AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False), IMAGES),
    "AdaptiveAvgPool1d": (lambda: nn.AdaptiveAvgPool1d(2), SOUNDS),
    "AdaptiveAvgPool2d": (lambda: nn.AdaptiveAvgPool2d((2, 3)), IMAGES),
}  # fmt: skip
IN_ANOTHER_ORDER = {"Conv1d", "Conv2d", "ConvTranspose1d", "ConvTranspose2d"}  # as OTHERWISE above


class Recurrent(nn.Module):
    """A recurrent layer, whose output and state are joined; a sequence layer gets two sequences of two lengths."""

    def __init__(self, kind, **options):
        self.layer = kind(8, 3, **options)

    def forward(self, x):
        if isinstance(self.layer, nn.LSTMCell):
            return np.concatenate(self.layer(x, self.layer(x)))
        y, state = self.layer(x.reshape(3, 2, 8), lengths=[3, 1])
        return np.concatenate([y.ravel(), *(part.ravel() for part in (state if isinstance(state, tuple) else [state]))])


def test_every_layer_is_tried():
    layers = {name for name in nn.__all__ if inspect.isclass(kind := getattr(nn, name)) and issubclass(kind, nn.Module)}
    assert layers == set(LAYERS) | {"Module"}


def outcome(layer, x):
    """Output, gradients and buffers of a layer in train mode, and the output in eval mode."""
    tl.manual_seed(3)
    y = layer(x)
    if y.requires_grad:
        np.sum(np.sin(y) * y).backward()
    gradients = [p.grad.data for p in layer.parameters()]
    after = [b for _, b in layer.named_buffers()]
    return [y.data, *gradients, *after, layer.eval()(x).data]


@pytest.mark.parametrize("data_on", ["host", "host, as a Tensor", "device", "device, as a Tensor"])
@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_gives_the_numbers_of_numpy_wherever_its_data_are(name, data_on, place):
    make, x = LAYERS[name]
    tl.manual_seed(0)
    here = make()
    there = copy.deepcopy(here).to(place.asarray)
    given = x
    if data_on.startswith("device") or not [*here.parameters()]:
        given = place.asarray(x)
    if data_on.endswith("Tensor"):
        given = tl.tensor(given)
    for a, b in zip(outcome(there, given), outcome(here, x), strict=True):
        assert_same(a, b, place, name, name in IN_ANOTHER_ORDER)


PROBABILITIES = np.exp(X) / np.exp(X).sum(1, keepdims=True)
LOSSES = {
    "mse_loss": [((X, X[::-1].copy()), {})],
    "l1_loss": [((X, X[::-1].copy()), {"reduction": "sum"})],
    "huber_loss": [((X, X[::-1].copy()), {"delta": 0.5})],
    "smooth_l1_loss": [((X, X[::-1].copy()), {"beta": 0.5}), ((X, X[::-1].copy()), {"beta": 0})],
    "binary_cross_entropy": [((PROBABILITIES, (X > 0).astype(np.float32)), {"weight": X[:1] ** 2})],
    "binary_cross_entropy_with_logits": [((X, (X > 0).astype(np.float32)), {"pos_weight": X[0] ** 2})],
    "kl_div": [((np.log(PROBABILITIES), PROBABILITIES[::-1].copy()), {"reduction": "batchmean"}),
               ((np.log(PROBABILITIES), np.log(PROBABILITIES[::-1])), {"log_target": True})],
    "cross_entropy": [((X, LABELS), options) for options in (
        {}, {"reduction": "none"}, {"weight": X[1] ** 2}, {"ignore_index": int(LABELS[0])},
        {"label_smoothing": 0.1, "weight": X[1] ** 2}, {"label_smoothing": 0.1, "ignore_index": int(LABELS[0])})]
    + [((X, PROBABILITIES), {"weight": X[1] ** 2, "label_smoothing": 0.1})]
    + [((X.reshape(2, 4, 6), np.arange(12).reshape(2, 6) % 4), {"weight": X[0, :4] ** 2})],
    "distillation_loss": [((X, LABELS), {"teacher_logits": X[::-1].copy(), "temperature": 2.0, "alpha": 0.7})],
    "nll_loss": [((np.log(PROBABILITIES), LABELS), options) for options in (
        {}, {"weight": X[1] ** 2, "reduction": "none"}, {"ignore_index": int(LABELS[0])})],
}  # fmt: skip


def named(loss, target):
    """The targets by their parameter's name, which isn't the same in all losses."""
    return {
        "targets" if loss == "distillation_loss" else list(inspect.signature(getattr(F, loss)).parameters)[1]: target
    }


def test_every_loss_is_tried():
    made_here = {name for name in F.__all__ if getattr(F, name).__module__ == losses.__name__}
    assert made_here == set(LOSSES) | {"one_hot"}


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_gives_the_numbers_of_numpy_wherever_its_targets_are(name, place):
    for (prediction, target), options in LOSSES[name]:
        x = tl.tensor(prediction, requires_grad=True)
        expected = getattr(F, name)(x, **named(name, target), **options)
        np.sum(expected * expected).backward()
        host = (target, options)
        onto = tl.tensor(place.asarray(target))
        for t, o in ((onto, host[1]), host, (place.asarray(target), {k: moved(v, place) for k, v in host[1].items()}),
                                (tl.tensor(target), host[1])):  # fmt: skip
            there = tl.tensor(place.asarray(prediction), requires_grad=True)
            loss = getattr(F, name)(there, **named(name, t), **o)
            np.sum(loss * loss).backward()
            assert_same(loss.data, expected.data, place)
            assert_same(there.grad.data, x.grad.data, place)


def test_a_target_of_numpy_that_is_learned_is_refused_rather_than_cut_off(place):
    target = tl.tensor(X, requires_grad=True)
    with pytest.raises(TypeError, match="beside one of NumPy"):
        F.mse_loss(tl.tensor(place.asarray(X)), target)


def test_one_hot_rows_stay_on_the_host(place):
    expected = F.one_hot(LABELS, 8)
    for labels in (LABELS, place.asarray(LABELS), tl.tensor(LABELS), tl.tensor(place.asarray(LABELS))):
        made = F.one_hot(labels, 8)
        assert type(made) is np.ndarray and np.array_equal(made, expected)


@pytest.mark.parametrize("q", [0.5, 0.502, [0.25, 0.5], np.array(0.5, np.float32)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_quantiles_are_those_of_numpy_to_the_bit(q, dtype, place):
    x = np.random.default_rng(0).normal(size=(2, 400)).astype(dtype)
    found, expected = np.quantile(tl.tensor(place.asarray(x)), q, 0).data, np.quantile(x, q, 0)
    if np.lib.NumpyVersion(np.__version__) >= "2.3.0":
        assert_same(found, expected, place)
    else:  # which rounds once more, for some q
        np.testing.assert_allclose(place.asnumpy(found), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_losses_refuse_on_the_device_what_they_refuse_of_numpy(name, place):
    (prediction, target), options = LOSSES[name][0]
    options = options if name == "distillation_loss" else {}
    wrong = {
        "cross_entropy": np.full_like(LABELS, 9), "distillation_loss": np.full_like(LABELS, 9),
        "nll_loss": np.full_like(LABELS, -1),
        "binary_cross_entropy": X + 5, "binary_cross_entropy_with_logits": X + 5, "kl_div": -PROBABILITIES,
    }.get(name, target[:-1])  # fmt: skip
    with pytest.raises(ValueError) as here:
        getattr(F, name)(tl.tensor(prediction), **named(name, wrong), **options)
    with pytest.raises(ValueError) as there:
        getattr(F, name)(tl.tensor(place.asarray(prediction)), **named(name, place.asarray(wrong)), **options)
    assert str(there.value) == str(here.value)


OPTIMIZERS = {
    "SGD": [{"lr": 0.1}, {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}],
    "Adam": [{}, {"weight_decay": 0.1}], "AdamW": [{}], "RMSprop": [{}, {"momentum": 0.9, "centered": True}],
    "Adagrad": [{"lr_decay": 0.1, "initial_accumulator_value": 0.1}], "Adadelta": [{}],
}  # fmt: skip


def test_every_optimizer_is_tried():
    kinds = {
        name for name in optim.__all__ if inspect.isclass(k := getattr(optim, name)) and issubclass(k, optim.Optimizer)
    }
    assert kinds == set(OPTIMIZERS) | {"Optimizer"}


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_takes_the_steps_of_numpy_and_its_state_goes_both_ways(name, dtype, place):
    rng = np.random.default_rng(0)
    start = [rng.normal(size=shape).astype(dtype) for shape in ((3, 4), (5,), ())]
    gradients = [[rng.normal(size=x.shape).astype(dtype) for x in start] for _ in range(6)]
    for options in OPTIMIZERS[name]:

        def run(to, first=None, options=options):
            params = [tl.tensor(to(x), requires_grad=True) for x in start]
            made = getattr(optim, name)(params, **options)
            for i, step in enumerate(gradients):
                if i == 3:  # a state is written and read in the middle
                    state = made.state_dict()
                    assert all(isinstance(a, np.ndarray) for memory in state["state"].values() for a in memory.values())
                    made = getattr(optim, name)(params, **options)
                    made.load_state_dict(state)
                for p, g in zip(params, step, strict=True):
                    p.grad = tl.tensor(to(g))
                optim.clip_grad_norm(params, 1.5)
                optim.clip_grad_value(params, 0.7)
                made.step()
            return [p.data for p in params]

        for a, b in zip(run(place.asarray), run(lambda x: x), strict=True):
            assert_same(a, b, place)


# ---- moving a model ----


def network(seed=0):
    tl.manual_seed(seed)
    return nn.Sequential(nn.Linear(8, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Dropout(0.2), nn.Linear(5, 4))


def test_a_model_moves_with_parameters_gradients_and_buffers_and_comes_back(place):
    model = network()
    model.tied = model[0].weight
    model.others = [np.arange(3), {"t": tl.tensor(np.ones(2))}]
    model._hidden = np.ones(2)
    F.cross_entropy(model(X), LABELS % 4).backward()
    before, parameters = model.state_dict(), [*model.parameters()]
    graded = [p for p in parameters if p.grad is not None]
    gradients = [p.grad.data.copy() for p in graded]
    assert model.to(place.asarray) is model
    assert all(a is b for a, b in zip(model.parameters(), parameters, strict=True))
    assert all(isinstance(p.data, place.kind) for p in parameters)
    assert len(graded) > 4 and all(isinstance(p.grad.data, place.kind) for p in graded)
    buffers = dict(model.named_buffers())
    assert set(buffers) == {"1.running_mean", "1.running_var", "1.num_batches_tracked", "others.0"}
    assert all(isinstance(b, place.kind) for b in (*buffers.values(), model._hidden))
    assert model.tied is model[0].weight
    state = model.state_dict()
    assert state.keys() == before.keys()
    for name, array in state.items():
        assert type(array) is np.ndarray and array.flags.owndata
        np.testing.assert_array_equal(array, before[name])
    model.to(place.asnumpy)
    assert all(type(a) is np.ndarray for a in (*(p.data for p in parameters), *dict(model.named_buffers()).values()))
    for p, g in zip(graded, gradients, strict=True):
        np.testing.assert_array_equal(p.grad.data, g)


def test_a_state_loads_into_a_model_on_the_device_and_stays_there(place):
    source, model = network(1), network(2).to(place.asarray)
    source(X)
    model.load_state_dict(source.state_dict())
    assert all(isinstance(p.data, place.kind) for p in model.parameters())
    assert all(isinstance(b, place.kind) for _, b in model.named_buffers())
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, source.state_dict()[name])


@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
def test_files_are_written_from_the_host_and_read_wherever_the_model_is(suffix, tmp_path, place):
    if suffix == "safetensors":
        pytest.importorskip("safetensors")
    model = network(1).to(place.asarray)
    optimizer = optim.Adam(model.parameters())
    F.cross_entropy(model(X), LABELS % 4).backward()
    optimizer.step()
    tl.save(model, tmp_path / f"m.{suffix}", optimizer=optimizer)
    for to in (lambda x: x, place.asarray):
        other = network(2).to(to)
        its = optim.Adam(other.parameters())
        tl.load(other, tmp_path / f"m.{suffix}", optimizer=its)
        for name, array in other.state_dict().items():
            np.testing.assert_array_equal(array, model.state_dict()[name])
        for memory, same in zip(
            its.state_dict()["state"].values(), optimizer.state_dict()["state"].values(), strict=True
        ):
            for key, array in memory.items():
                np.testing.assert_array_equal(array, same[key])


def test_an_optimizer_made_before_a_move_says_so_and_hands_over_its_state(place):
    model = network()
    optimizer = optim.Adam(model.parameters())
    F.cross_entropy(model(X), LABELS % 4).backward()
    optimizer.step()
    model.to(place.asarray)
    weights = model.state_dict()
    with pytest.raises(ValueError, match=r"moved after this optimizer was made.*after model\.to.*load_state_dict"):
        optimizer.step()
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, weights[name])
    new = optim.Adam(model.parameters())
    new.load_state_dict(optimizer.state_dict())
    new.step()
    model.to(place.asnumpy)
    with pytest.raises(ValueError, match="moved after"):
        new.step()


@pytest.mark.parametrize(
    "function, kind, sentence",
    [
        ("cuda", TypeError, r"'cuda'.*model\.to\(cupy\.asarray\)"),
        (np.dtype(np.float16), TypeError, r"float16.*model\.to\(cupy\.asarray\)"),
        (np.float64, ValueError, "moves arrays as they are"),
        (lambda a: a[:1] if a.ndim else a, ValueError, "moves arrays as they are"),
        (lambda a: a.tolist(), TypeError, "gave list|gave float"),
        (tl.tensor, TypeError, "gave Tensor"),
        (lambda a: np.ma.masked_array(a), TypeError, "gave MaskedArray"),
    ],
)
def test_what_moves_nothing_is_refused_and_nothing_has_moved(function, kind, sentence):
    model = network()
    before = [p.data for p in model.parameters()]
    with pytest.raises(kind, match=sentence):
        model.to(function)
    assert all(p.data is a for p, a in zip(model.parameters(), before, strict=True))


class Carrying(nn.Module):
    def __init__(self):
        self.cell, self.hidden, self.seen = nn.Linear(3, 3), None, []

    def forward(self, x):
        y = np.tanh(self.cell(x if self.hidden is None else x + self.hidden))
        self.hidden = y.detach()
        self.seen.append(y.data)
        return y


def test_what_forward_keeps_moves_too(place):
    here, x = Carrying(), np.random.default_rng(0).normal(size=(2, 3)).astype(np.float32)
    there = copy.deepcopy(here)
    here(x), there(x)
    there.to(place.asarray)
    assert isinstance(there.hidden.data, place.kind) and isinstance(there.seen[0], place.kind)
    assert_same(there(place.asarray(x)).data, here(x).data, place)


def test_a_gradient_on_the_other_side_is_told_from_a_model_that_moved(place):
    model = nn.Linear(3, 2).to(place.asarray)
    model.weight.grad = tl.tensor(np.ones((2, 3), np.float32))
    with pytest.raises(
        ValueError, match=r"the grad of a parameter of shape \(2, 3\) is an array of numpy.*p\.grad = None"
    ):
        optim.SGD(model.parameters()).step()
    model.to(place.asarray)
    assert isinstance(model.weight.grad.data, place.kind)
    optim.SGD(model.parameters()).step()


def test_no_two_parameters_get_one_array_and_none_that_cant_be_written():
    one = np.zeros(4, np.float32)
    with pytest.raises(ValueError, match="each array one of its own"):
        nn.LayerNorm(4).to(lambda a: one)

    def frozen(a):
        made = a.copy()
        made.flags.writeable = False
        return made

    assert all(p.data.flags.writeable for p in nn.LayerNorm(4).to(frozen).parameters())


def test_a_graph_made_before_a_move_raises_instead_of_mixing(place):
    model = network()
    loss = F.cross_entropy(model(X), LABELS % 4)
    model.to(place.asarray)
    with pytest.raises(RuntimeError, match="changed after"):
        loss.backward()


def test_a_model_on_the_device_is_copied_and_pickled_there(place):
    model = network().to(place.asarray)
    for made in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert all(isinstance(p.data, place.kind) for p in made.parameters())
        for name, array in made.state_dict().items():
            np.testing.assert_array_equal(array, model.state_dict()[name])


# ---- training ----


def trained(to, data_to, tmp_path, **options):
    model = network().to(to)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 8)).astype(np.float32)
    y = rng.integers(0, 4, 50)
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    history = tl.fit(
        model, (data_to(x), data_to(y)), loss=F.cross_entropy, optimizer=optimizer, epochs=3, batch_size=16, seed=0,
        progress=False, validation=(data_to(x[:20]), data_to(y[:20])), metrics={"accuracy": tl.accuracy},
        schedule=optim.StepLR(optimizer, 1, 0.5), clip_norm=0.5, l2=1e-3, patience=2,
        checkpoint=tmp_path / f"{to.__module__}.npz", **options,
    )  # fmt: skip
    return model, history, x, y


def nowhere(x):
    return x


@pytest.mark.parametrize("data_on", ["host", "device"])
def test_fit_gives_the_numbers_of_numpy(data_on, tmp_path, place):
    here, history, x, y = trained(nowhere, nowhere, tmp_path)
    there, other, _, _ = trained(place.asarray, place.asarray if data_on == "device" else nowhere, tmp_path)
    assert all(isinstance(p.data, place.kind) for p in there.parameters())
    exact = place.name == "stand-in"
    for name, column in history.items():
        assert column == other[name] if exact else np.allclose(column, other[name], rtol=1e-4), name
    for name, array in here.state_dict().items():
        np.testing.assert_allclose(
            there.state_dict()[name], array, rtol=0 if exact else 1e-3, atol=0 if exact else 1e-4
        )
    for inputs in (x, place.asarray(x)):
        outputs = tl.predict(there, inputs)
        assert type(outputs) is np.ndarray
        np.testing.assert_allclose(outputs, tl.predict(here, x), rtol=0 if exact else 1e-3, atol=0 if exact else 1e-4)
    measured = tl.evaluate(there, (x, y), loss=F.cross_entropy, metrics={"accuracy": tl.accuracy})
    expected = tl.evaluate(here, (x, y), loss=F.cross_entropy, metrics={"accuracy": tl.accuracy})
    assert measured == (expected if exact else pytest.approx(expected, rel=1e-3))


def steps_of(model, n, loss=F.cross_entropy):
    """How often a run of n steps waits for the device."""
    x, y = np.random.default_rng(0).normal(size=(8 * n, 8)).astype(np.float32), np.arange(8 * n) % 4
    device.syncs.clear()
    tl.fit(model, (x, y), loss=loss, optimizer=optim.SGD(model.parameters(), lr=0.01), epochs=1, batch_size=8,
           progress=False, strict=False)  # fmt: skip
    return sum(device.syncs.values())


@pytest.mark.parametrize("layers", [1, 6])
def test_a_step_of_fit_waits_for_the_device_once_however_many_parameters_there_are(layers):
    model = nn.Sequential(nn.Linear(8, 4), *(nn.Linear(4, 4) for _ in range(layers))).to(device.asarray)
    assert steps_of(model, 30) - steps_of(model, 10) == 20


def test_clipping_waits_for_the_device_once(place):
    model = network().to(device.asarray)
    F.cross_entropy(model(X), LABELS % 4).backward()
    device.syncs.clear()
    optim.clip_grad_norm(model.parameters(), 0.1)
    assert sum(device.syncs.values()) == 1


@pytest.mark.parametrize("size", [1e-30, 1.0, 1e25])
def test_the_norm_of_gradients_is_that_of_numpy_whatever_their_size(size, place):
    def norm(to):
        params = [tl.tensor(to(np.zeros(n, np.float32)), requires_grad=True) for n in (3, 0, 5)]
        for p in params:
            p.grad = tl.tensor(to((np.arange(p.size) * size).astype(np.float32)))
        return optim.clip_grad_norm(params, 1.0)

    assert norm(place.asarray) == pytest.approx(norm(nowhere), rel=0 if place.name == "stand-in" else 1e-5)


def test_fit_stops_on_the_device_at_what_is_not_finite(place):
    model = network().to(place.asarray)
    x = X.copy()
    x[3, 2] = np.nan
    before = model.state_dict()
    with pytest.raises(FloatingPointError, match="the inputs had nan"):
        tl.fit(model, (x, LABELS % 4), loss=F.cross_entropy, optimizer=optim.SGD(model.parameters()), epochs=1,
               progress=False)  # fmt: skip
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])
    huge = nn.Sequential(nn.Linear(8, 4)).to(place.asarray)
    big = lambda out, y: np.sum(np.sqrt(np.sum((out - out.detach()) ** 2, -1)))  # ∂√0: the loss is 0, the gradient NaN
    with pytest.raises(FloatingPointError, match="a gradient isn't finite"), np.errstate(all="ignore"):
        tl.fit(huge, (X, LABELS), loss=big, optimizer=optim.SGD(huge.parameters()), epochs=1, progress=False)


# ---- looking ----


def test_arrays_of_the_device_and_of_numpy_that_meet_are_told(place):
    t, here = tl.tensor(place.asarray(np.ones(3)), requires_grad=True), np.ones(3)
    for meet in (lambda: t == here, lambda: np.isclose(t, here), lambda: np.array_equal(t, here), lambda: t < here):
        with pytest.raises(TypeError, match=r"beside one of NumPy.*model\.to\(cupy\.asarray\)"):
            meet()
    with pytest.raises(TypeError, match=r"np\.stack"):
        tl.tensor([place.asarray(here), place.asarray(here)])


@pytest.mark.parametrize("f", [F.softmax, F.log_softmax, F.logsumexp])
@pytest.mark.parametrize("shape", [(2, 0), (0, 3)])
def test_rows_of_nothing_are_what_they_are_on_the_host(f, shape, place):
    x = np.zeros(shape, np.float32)
    with np.errstate(all="ignore"):
        assert_same(f(tl.tensor(place.asarray(x))).data, f(tl.tensor(x)).data, place)


def test_data_on_the_device_are_split_by_class(place):
    x, y = np.arange(40.0).reshape(20, 2), np.arange(20) % 4
    there, _ = data.split(data.Dataset(place.asarray(x), place.asarray(y)), 0.5, stratify=True)
    here, _ = data.split(data.Dataset(x, y), 0.5, stratify=True)
    assert_same(there.x, here.x, place)
    assert_same(there.y, here.y, place)


def test_a_tensor_on_the_device_prints_counts_and_gives_its_numbers(place):
    x = np.arange(6.0).reshape(2, 3)
    t, here = tl.tensor(place.asarray(x), requires_grad=True), tl.tensor(x, requires_grad=True)
    assert repr(t) == repr(here) and t.tolist() == here.tolist() and len(t) == 2
    assert type(t.numpy()) is np.ndarray and np.array_equal(t.numpy(), x)
    assert isinstance(t.data, place.kind) and isinstance(t.detach().data, place.kind)
    assert f"{t[1, 2]:.2f}" == "5.00" and t[1, 2].item() == 5.0 and float(t.detach()[1, 2]) == 5.0
    with pytest.raises(TypeError, match=r"\.numpy\(\)"):
        np.asarray(t.detach())
    for row, same in zip(t, here, strict=True):
        assert_same(row.data, same.data, place)
    with tl.no_grad():
        t -= 0.5 * np.ones((2, 3))
        t[0] = np.zeros(3)
        t[1, 0] = 7.0
    assert_same(t.data, [[0, 0, 0], [7.0, 3.5, 4.5]], place)
    t.data = np.ones((2, 3))
    assert isinstance(t.data, place.kind)
    with pytest.raises(TypeError, match=r"model\.to"):
        here.data = place.asarray(x)
    t.backward(gradient=np.full((2, 3), 2.0))
    assert_same(t.grad.data, np.full((2, 3), 2.0), place)


@pytest.mark.parametrize("name", ["grad", "value_and_grad", "jacobian", "hessian"])
def test_transforms_give_back_arrays_on_the_device(name, place):
    f = (lambda x: np.sum(np.sin(x) * x)) if name != "jacobian" else (lambda x: np.sin(x) * x[::-1])
    x = np.array([0.5, -1.0, 2.0])
    there, here = getattr(tl, name)(f)(place.asarray(x)), getattr(tl, name)(f)(x)
    if name == "value_and_grad":
        assert_same(there[0], here[0], place)
        there, here = there[1], here[1]
    assert_same(there, here, place)


def test_products_with_jacobian_and_hessian_are_computed_on_the_device(place):
    f = lambda x: np.sin(x) * x[::-1]
    x, v = np.array([0.5, -1.0, 2.0]), np.array([1.0, 2.0, -0.5])
    for run in (
        lambda x, v: tl.vjp(f, x)[1](v)[0],
        lambda x, v: tl.jvp(f, x, v)[1],
        lambda x, v: tl.hvp(lambda x: np.sum(f(x)))(x, v),
    ):
        assert_same(run(place.asarray(x), place.asarray(v)), run(x, v), place)


def test_observers_work_on_the_device(place):
    model, y = network().to(place.asarray), LABELS % 4
    with tl.detect_anomaly(), tl.strict(), tl.source_lines():
        F.cross_entropy(model(X), y).backward()
    with tl.detect_anomaly(), pytest.raises(FloatingPointError, match="log"), np.errstate(all="ignore"):
        np.log(model(X) * 0).sum().backward()
    here = network()
    assert str(tl.summary(model, (8,))) == str(tl.summary(here, (8,)))


def test_what_reads_every_number_asks_for_arrays_of_numpy(place):
    model, y = network().to(place.asarray), LABELS % 4
    x = place.asarray(np.arange(3.0))
    for read in (
        lambda: tl.diagnose(model, batch=(X, y), loss=F.cross_entropy),
        lambda: tl.diagnose(network(), batch=(place.asarray(X), y), loss=F.cross_entropy),
        lambda: tl.explain(F.cross_entropy(model(X), y)),
        lambda: tl.gradcheck(np.sin, x),
        lambda: tl.gradcheck(model, X),
        lambda: tl.saliency(model, X),
        lambda: tl.occlusion(network(), place.asarray(X), 1),
    ):
        with pytest.raises(TypeError, match=r"reads arrays of NumPy.*model\.to\(cupy\.asnumpy\)"):
            read()


# ---- the helpers ----


class Speaks:
    """What has NumPy's protocols, a shape and a dtype."""

    def __init__(self, dtype: Any = np.float64, shape: Any = (2,)) -> None:
        self.dtype, self.shape = np.dtype(dtype), shape

    def __array_ufunc__(self, *args: Any, **options: Any) -> Any: ...
    def __array_function__(self, *args: Any, **options: Any) -> Any: ...


class Series:
    """As pandas' and xarray's objects: ufuncs, but not functions."""

    dtype, shape = np.dtype(float), (2,)

    def __array_ufunc__(self, *args: Any, **options: Any) -> Any: ...


@pytest.mark.parametrize(
    "value, answer",
    [
        (np.ones(2), True), (np.array(1), True), (device.asarray(np.ones(2)), True), (Speaks(), True),
        (Speaks(np.float16), True), (Speaks(bool), True), (Speaks("U3"), False), (Speaks(complex), False),
        (Speaks(object), False), (Series(), False), (tl.tensor([1.0]), False), (np.ma.ones(2), False),
        (np.float64(1), False), (1.0, False), ([1.0], False), (None, False), ("abc", False), (Speaks, False),
        (np.matrix([1.0]), True),
    ],
)  # fmt: skip
def test_what_counts_as_an_array(value, answer):
    assert is_array(value) is answer


def test_what_is_put_beside_an_array_is_where_that_is_and_in_the_dtype_asked_for(place):
    x, there = np.arange(3), place.asarray(np.ones(2, np.float32))
    assert_same(beside(x, there), x, place)
    assert_same(beside(x, there, np.float32), x.astype(np.float32), place)
    assert_same(beside([1, 2], there, np.float16), np.array([1, 2], np.float16), place)
    assert_same(beside(place.asarray(x), there, np.float32), x.astype(np.float32), place)
    assert beside(there, there) is there
    assert beside(x, np.ones(2)) is x and beside(x, np.ones(2), np.float32).dtype == np.float32
    with pytest.raises(TypeError, match=r"beside one of NumPy.*model\.to"):
        beside(there, x)
    with pytest.raises(TypeError, match="masked"):
        beside(np.ma.ones(2), there)


def test_what_is_on_the_host_is_numpys(place):
    x = np.arange(3)
    assert on_host(x) is x
    assert type(on_host(place.asarray(x))) is np.ndarray and np.array_equal(on_host(place.asarray(x)), x)
    assert type(on_host([1, 2])) is np.ndarray


def test_a_buffer_of_another_library_is_state_and_a_series_is_not():
    layer = nn.Linear(2, 2)
    layer.table, layer.series = device.asarray(np.ones(2)), Series()
    assert set(layer.state_dict()) == {"weight", "bias", "table"}


def test_data_stay_where_they_are(place):
    x, y = np.ones((4, 2), np.float32), np.arange(4)
    for to in (nowhere, place.asarray):
        examples = data.Dataset(to(x), to(y))
        (first, labels), *_ = data.batches(examples, 2, seed=0)
        assert type(examples.x) is type(first) is type(to(x)) and type(labels) is type(to(y))
