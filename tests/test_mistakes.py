"""Mistakes users make, each with the sentence they get: what was given, what was expected, what to write instead."""

import math

import numpy as np
import pytest

import tinydl as tl
from tinydl import data, nn, optim
from tinydl import functional as F


def x(*shape, seed=0):
    return tl.tensor(np.random.default_rng(seed).normal(size=shape), requires_grad=True)


def w():
    return tl.tensor(np.arange(6.0).reshape(2, 3), requires_grad=True, name="w")


def add_to_array():
    array = np.zeros(3)
    array += x(3)


def update_the_array_of_a_parameter():
    weights = w()
    np.sum(weights**3).backward(create_graph=True)
    weights.data -= 0.1 * weights.grad


def update_outside_no_grad():
    weights = w()
    weights -= 0.1


def assign_outside_no_grad():
    w()[0, 0] = 1.0


def backward_after_step():
    weights = w()
    optimizer = optim.SGD([weights], lr=0.1)
    loss = np.sum(weights**2)
    loss.backward()
    optimizer.step()
    loss.backward()


def backward_after_load():
    layer = nn.Linear(3, 2)
    loss = np.sum(layer(np.ones((1, 3))) ** 2)
    layer.load_state_dict(layer.state_dict())
    loss.backward()


def net():
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))


def fit(**changes):
    options = {
        "loss": F.cross_entropy,
        "optimizer": None,
        "epochs": 1,
        "progress": False,
        "train": (np.ones((6, 4)), np.zeros(6, dtype=int)),
    }
    model = net()
    options["optimizer"] = optim.SGD(model.parameters(), lr=0.1)
    options.update(changes)
    tl.fit(model, options.pop("train"), **options)


LABELS = np.array([0, 2, 1])

MISTAKES = [
    # making Tensors
    (lambda: tl.tensor([[1.0, 2.0], [3.0]]), ValueError, "rows of equal length"),
    (lambda: tl.tensor("3.0"), TypeError, "real numbers"),
    (lambda: tl.tensor(1 + 2j), TypeError, "real numbers, not complex"),
    (lambda: tl.tensor(None), TypeError, "real numbers"),
    (lambda: tl.tensor(np.array([1, 2]), requires_grad=True), TypeError, r"\.astype\(float\)"),
    (lambda: tl.tensor([1, 2], requires_grad=True, dtype=int), TypeError, "require a gradient"),
    (lambda: tl.tensor(x(2)), TypeError, r"\.detach\(\)"),
    (lambda: tl.set_default_dtype(int), TypeError, "floating"),
    # leaving the graph
    (lambda: float(x(1)[0]), TypeError, r"\.item\(\)"),
    (lambda: math.exp(x(1)[0]), TypeError, "NumPy's functions"),
    (lambda: np.asarray(x(2)), TypeError, r"\.detach\(\)"),
    (lambda: bool(x(2)), ValueError, r"\.any\(\) or \.all\(\)"),
    (lambda: x(2).item(), ValueError, r"single element.*\(2,\)"),
    (lambda: f"{x(2):.3f}", TypeError, r"\(2,\)"),
    # joining Tensors
    (lambda: np.array([x(2), x(2)]), TypeError, r"np\.stack.*np\.concatenate"),
    (lambda: np.mean([x(2)[0], x(2)[1]]), TypeError, r"np\.stack"),
    (lambda: np.r_[x(2), x(2)], TypeError, r"np\.concatenate"),
    (lambda: np.c_[x(2), x(2)], TypeError, r"np\.stack"),
    (lambda: np.zeros((2, 3)).__setitem__(0, x(3)), TypeError, r"np\.stack.*array\[i\] = t"),
    (lambda: tl.tensor([x(2), x(2)]), TypeError, r"np\.stack"),
    (update_the_array_of_a_parameter, TypeError, r"with tl\.no_grad\(\): p -= lr \* p\.grad.*p\.grad\.data"),
    # NumPy
    (lambda: np.fft.fft(x(4)), TypeError, r"np\.fft\.fft has no derivative rule"),
    (lambda: np.fft.irfft(x(4)), TypeError, r"np\.fft\.irfft has no derivative rule.*cosines and sines"),
    (lambda: np.nanmedian(x(4)), TypeError, r"nanmedian.*np\.median of x\[~np\.isnan\(x\)\]"),
    (lambda: np.piecewise(x(4), [x(4) > 0], [1]), TypeError, r"np\.select"),
    (lambda: np.logspace(x(1), 2), TypeError, r"10\.0 \*\* np\.linspace"),
    (lambda: np.max(x(2, 3), where=np.ones(3, bool)), ValueError, r"max.*with where= it needs initial="),
    (lambda: np.nanmin(x(2, 3), where=np.ones(3, bool)), ValueError, r"nanmin.*it needs initial="),
    (lambda: np.sum(x(2, 3), where=np.ones((2, 1, 3), bool)), ValueError, r"where= of shape \(2, 1, 3\).*\(2, 3\)"),
    (lambda: np.sum(x(3), where=np.array([1, 0, 1])), TypeError, "where= takes booleans, not an array of int64"),
    (lambda: np.prod(x(3), initial=[1, 2]), ValueError, "initial= is one number"),
    (lambda: np.sum(x(3), initial=[1, 2]), ValueError, r"initial= is one number, not an array of shape \(2,\)"),
    (lambda: np.select([x(3)], [x(3)]), TypeError, "should be boolean ndarray"),
    (lambda: np.select([x(3) > 0], [x(3), 1]), ValueError, "same length"),
    (lambda: np.block([[x(2, 2)], x(2, 2)]), ValueError, "List depths are mismatched"),
    (lambda: np.block([(x(2), x(2))]), TypeError, "tuple"),
    (lambda: np.block([[x(2, 2), x(3, 2)]]), ValueError, "must match exactly"),
    (lambda: np.insert(x(3), 5, 1), IndexError, "out of bounds"),
    (lambda: np.insert(x(2, 3), 0, x(4), 1), ValueError, "broadcast"),
    (lambda: np.insert([1, 2], 1, x(1)), TypeError, r"array of int64.*arr \* 1\.0"),
    (lambda: np.ediff1d(tl.tensor([True, False])), TypeError, "subtract"),
    (lambda: np.delete(x(3), 5), IndexError, "out of bounds"),
    (lambda: np.compress([[True]], x(3)), ValueError, r"condition of one axis, not of shape \(1, 1\)"),
    (lambda: np.partition(x(3), 3), ValueError, "kth"),
    (lambda: np.rollaxis(x(2, 3), 0, 3), np.exceptions.AxisError, "out of bounds"),
    (lambda: np.ediff1d(x(3).astype(np.float32).data.astype(int) * tl.tensor(1), 0.5), TypeError, "to_end of float64"),
    (lambda: np.quantile(x(3), 1.5), ValueError, r"range \[0, 1\]"),
    (lambda: np.percentile(x(3), -1), ValueError, r"range \[0, 100\]"),
    (lambda: np.quantile(x(3), 0.5, method="middle"), ValueError, "middle"),
    (lambda: np.meshgrid(x(3), x(2), indexing="yx"), ValueError, "indexing='xy' or 'ij', not 'yx'"),
    (lambda: np.linspace(x(1), 1, -1), ValueError, "num ≥ 0 numbers, not -1"),
    (lambda: np.interp(x(3), [0, 1], [1]), ValueError, "same length"),
    (lambda: np.gradient(x(3), 1, 2), TypeError, "along 1 axes takes as many distances, or one, not 2"),
    (
        lambda: np.gradient(x(3), [1, 2]),
        ValueError,
        r"the 3 points along axis 0 can't have coordinates of shape \(2,\)",
    ),
    (lambda: np.gradient(x(2), edge_order=2), ValueError, "at least 3 points along axis 0, which has 2"),
    (lambda: np.gradient(x(4), edge_order=3), ValueError, "edge_order=1 or 2, not 3"),
    (lambda: np.sum(x(4), dtype=np.float32), TypeError, "dtype="),
    (lambda: np.add.reduce(x(4)), TypeError, r"np\.sum"),
    (lambda: np.exp(x(2), out=np.zeros(2)), TypeError, "out="),
    (lambda: np.exp(x(2), where=np.array([True, False])), TypeError, r"np\.where"),
    (add_to_array, TypeError, r"array = array \+ tensor"),
    # shapes
    (lambda: x(32, 10) @ x(64, 10), ValueError, r"\(32, 10\).*\(64, 10\): 10 ≠ 64\. Did you mean x @ w\.T\?"),
    (lambda: x(2, 3) + x(4), ValueError, r"\(2, 3\).*\(4,\)"),
    (lambda: x(2, 3).reshape(4, 2), ValueError, r"reshape.*\(2, 3\)"),
    (lambda: np.concatenate([x(2, 3), x(2, 4)]), ValueError, r"\(2, 3\).*\(2, 4\)"),
    (lambda: net()(np.ones((5, 7))), ValueError, r"(?s)0 \(Linear\).*\(5, 7\).*4"),
    # updating
    (update_outside_no_grad, RuntimeError, r"with tl\.no_grad\(\): t -= u"),
    (assign_outside_no_grad, RuntimeError, r"with tl\.no_grad\(\): t\[index\] = value"),
    (backward_after_step, tl.ChangedValueError, "'w'.*optimizer step"),
    (backward_after_load, tl.ChangedValueError, "load_state_dict"),
    # backward
    (lambda: w().backward(), ValueError, r"\(2, 3\).*\.sum\(\)\.backward\(\)"),
    (lambda: tl.tensor(2.0).backward(), ValueError, "requires_grad=True"),
    (lambda: np.sum(w()).backward(np.ones(2)), ValueError, r"\(2,\)"),
    # losses
    (lambda: F.mse_loss(x(5, 1), np.ones(5)), ValueError, r"\(5, 1\).*\(5,\)"),
    (lambda: F.cross_entropy(x(3, 3), np.array([0, 3, 1])), ValueError, "3"),
    (lambda: F.cross_entropy(x(3, 3), np.array([0, -1, 1])), ValueError, "-1"),
    (lambda: F.cross_entropy(x(3, 3), np.array([0.0, 2.0, 1.0])), (TypeError, ValueError), "astype|integer"),
    (lambda: F.cross_entropy(x(3, 3), LABELS[:2]), ValueError, "3.*2"),
    (lambda: F.cross_entropy(x(3, 3), LABELS, reduction="average"), ValueError, "mean.*sum.*none"),
    (lambda: F.binary_cross_entropy(np.array([1.5]), np.array([1.0])), ValueError, "0.*1"),
    (lambda: F.dropout(x(3), p=1.5), ValueError, "0.*1"),
    # classes on another axis
    (
        lambda: F.cross_entropy(x(2, 7, 5), np.zeros((2, 7), int)),
        ValueError,
        r"on axis 1.*logits\.reshape\(-1, 5\) and targets\.reshape\(-1\), or logits\.swapaxes\(1, 2\)",
    ),
    (lambda: F.cross_entropy(x(2, 7, 5), np.zeros(14, int)), ValueError, r"logits\.reshape\(-1, 5\)"),
    (
        lambda: F.nll_loss(-np.exp(x(2, 4, 6, 5)), np.zeros((2, 4, 6), int)),
        ValueError,
        r"np\.moveaxis\(logits, -1, 1\)",
    ),
    (
        lambda: F.cross_entropy(x(2, 7, 5), np.zeros((2, 7), int), weight=np.ones(5)),
        ValueError,
        r"axis 1.*reshape\(-1, 5",
    ),
    (
        lambda: F.cross_entropy(x(2, 7, 5), np.full((2, 7, 5), 0.2)),
        ValueError,
        r"axis 1.*targets\.reshape\(-1, 5\), or logits\.swapaxes\(1, 2\), and the targets alike",
    ),
    (
        lambda: F.cross_entropy(x(2, 7, 3), np.eye(3, dtype=int)[np.zeros((2, 7), int)]),
        ValueError,
        r"axis 1.*targets\.reshape\(-1, 3\).*targets\.astype\(float\)",
    ),
    (lambda: F.cross_entropy(x(5, 32), np.zeros(32, int)), ValueError, r"write logits\.T"),
    (lambda: tl.accuracy(np.ones((2, 3, 3)), np.zeros((2, 3))), ValueError, r"both axis 1 .*outputs\.reshape\(-1, 3\)"),
    (lambda: tl.accuracy(np.ones((2, 3, 4)), np.zeros((2, 5))), ValueError, "neither axis 1"),
    # shapes of examples
    (lambda: net()(np.ones((6, 2, 2))), ValueError, r"0 \(Linear\).*nn\.Flatten\(\).*x\.reshape\(len\(x\), -1\)"),
    (lambda: net()(np.ones((2, 2))), ValueError, r"x\.reshape\(1, -1\)"),
    (lambda: tl.predict(net(), np.ones(4)), ValueError, r"write x\[None\]"),
    (lambda: tl.summary(net(), "4"), TypeError, r"x\.shape\[1:\]"),
    (lambda: tl.summary(net(), None), TypeError, r"x\.shape\[1:\].*not a NoneType"),
    (lambda: nn.Sequential([nn.Linear(4, 2), nn.ReLU()]), TypeError, r"unpack it: nn\.Sequential\(\*layers\)"),
    (lambda: nn.Sequential(nn.ReLU() for _ in range(3)), TypeError, r"unpack it: nn\.Sequential\(\*layers\)"),
    # models and optimizers
    (lambda: nn.Linear(3, 2).load_state_dict({"weight": np.ones((2, 3))}), ValueError, "bias"),
    (lambda: nn.Linear(3, 2).load_state_dict({"weight": np.ones((3, 2)), "bias": np.ones(2)}), ValueError, r"\(3, 2\)"),
    (lambda: optim.SGD([], lr=0.1), ValueError, "parameter"),
    (lambda: optim.Adam(net().parameters(), lr=-1), ValueError, "lr"),
    (lambda: optim.SGD([np.ones(3)], lr=0.1), TypeError, "Tensor"),
    # data and training
    (lambda: data.Dataset(np.ones((3, 2)), np.ones(4)), ValueError, "3.*4"),
    (lambda: data.split(data.line(), 1.5), ValueError, "1.5"),
    (lambda: fit(epochs=-1), ValueError, "epochs"),
    (lambda: fit(patience=3), ValueError, "validation"),
    (lambda: fit(loss=lambda out, y: out), ValueError, "single number|scalar"),
    (lambda: tl.load(net(), "no-such-file.npz"), FileNotFoundError, "no-such-file"),
    (lambda: tl.save(net(), "model.pkl"), ValueError, r"\.npz"),
]


def test_a_number_put_into_an_array_has_the_sentence_as_the_cause_of_numpys():
    with pytest.raises(ValueError, match="sequence") as caught:
        np.zeros(3)[0] = x(3)[0]
    assert "np.stack" in str(caught.value.__cause__)


@pytest.mark.parametrize(("mistake", "error", "sentence"), MISTAKES, ids=[str(i) for i in range(len(MISTAKES))])
def test_a_mistake_gets_its_sentence(mistake, error, sentence):
    with pytest.raises(error, match=sentence) as caught:
        mistake()
    text = str(caught.value)
    assert 15 <= len(text) < 700


def test_the_table_has_at_least_forty_mistakes():
    assert len(MISTAKES) >= 40


# ---- masked arrays ----

HIDDEN = np.ma.array([[1.0, 2.0], [-999.0, 4.0], [3.0, 6.0]], mask=[[0, 0], [1, 0], [0, 0]])
NONE_HIDDEN = np.ma.array(np.ones((3, 2)))
HIDDEN_LABELS = np.ma.array([0, 1, 1], mask=[0, 1, 0])
GIVEN = np.array([0, 1, 1])


def updated(update):
    w = x(3, 2)
    with tl.no_grad():
        update(w)


def assign(w):
    w[...] = HIDDEN


def with_buffer():
    layer = nn.Linear(2, 2)
    layer.statistics = HIDDEN
    return layer


TAKING = {
    "index": lambda: x(3)[HIDDEN_LABELS],
    "index of a constant": lambda: tl.tensor([1.0, 2.0])[np.ma.array([0, 1], mask=[0, 1])],
    "one of two indices": lambda: x(3, 2)[HIDDEN_LABELS, 0],
    "take": lambda: np.take(x(3), HIDDEN_LABELS),
    "full_like": lambda: np.full_like(x(3, 2), HIDDEN),
    "pad": lambda: np.pad(x(3), 1, constant_values=np.ma.masked),
    "comparison": lambda: x(3, 2) > HIDDEN,
    "comparison from the left": lambda: np.greater(HIDDEN, x(3, 2)),
    "buffer": lambda: with_buffer().state_dict(),
    "register_buffer": lambda: nn.Linear(2, 2).register_buffer("statistics", HIDDEN),
    "tensor": lambda: tl.tensor(HIDDEN),
    "tensor of one that hides nothing": lambda: tl.tensor(NONE_HIDDEN),
    "tensor of a list": lambda: tl.tensor([HIDDEN, HIDDEN]),
    "tensor of rows": lambda: tl.tensor([[1.0, 2.0], HIDDEN[1]]),
    "right operand": lambda: x(3, 2) * HIDDEN,
    "left operand": lambda: HIDDEN * x(3, 2),
    "subtracted from": lambda: HIDDEN - x(3, 2),
    "divided by": lambda: HIDDEN / x(3, 2),
    "a power": lambda: HIDDEN ** x(3, 2),
    "matmul": lambda: x(2, 3) @ HIDDEN,
    "matmul from the left": lambda: HIDDEN @ x(2, 3),
    "a ufunc": lambda: np.maximum(HIDDEN, x(3, 2)),
    "concatenate": lambda: np.concatenate([x(3, 2), HIDDEN]),
    "einsum": lambda: np.einsum("ij,ij", x(3, 2), HIDDEN),
    "where": lambda: np.where(HIDDEN > 2, x(3, 2), 0.0),
    "weights": lambda: np.average(x(3, 2), weights=HIDDEN),
    "in place": lambda: updated(lambda w: w.__isub__(HIDDEN)),
    "assignment": lambda: updated(assign),
    ".data": lambda: setattr(x(3, 2), "data", HIDDEN),
    "gradient": lambda: (x(3, 2) * 2).backward(HIDDEN),
    "an operation of one's own": lambda: tl.primitive(np.ma.array, lambda g, y, x: g)(x(3)),
    "inputs": lambda: data.Dataset(HIDDEN, np.zeros(3)),
    "targets": lambda: data.Dataset(np.zeros((3, 2)), HIDDEN_LABELS),
    "batches": lambda: data.batches((HIDDEN, GIVEN), 2),
    "standardize": lambda: data.standardize(HIDDEN),
    "images": lambda: data.flip(np.ma.ones((2, 3, 3))),
    "fit": lambda: fit(train=(np.ma.ones((8, 4)), np.zeros(8, int))),
    "evaluate": lambda: tl.evaluate(nn.Linear(2, 2), (HIDDEN, GIVEN), loss=F.cross_entropy),
    "predict": lambda: tl.predict(nn.Linear(2, 2), HIDDEN),
    "accuracy": lambda: tl.accuracy(HIDDEN, GIVEN),
    "accuracy's targets": lambda: tl.accuracy(HIDDEN.data, HIDDEN_LABELS),
    "a layer": lambda: nn.Linear(2, 2)(HIDDEN),
    "an embedding": lambda: nn.Embedding(3, 2)(HIDDEN_LABELS),
    "batchnorm": lambda: nn.BatchNorm1d(2)(HIDDEN),
    "mse_loss": lambda: F.mse_loss(x(3, 2), HIDDEN),
    "mse_loss of it": lambda: F.mse_loss(HIDDEN, x(3, 2)),
    "labels": lambda: F.cross_entropy(x(3, 2), HIDDEN_LABELS),
    "class weights": lambda: F.cross_entropy(x(3, 2), GIVEN, weight=np.ma.array([1.0, 2.0], mask=[0, 1])),
    "softmax": lambda: F.softmax(HIDDEN),
    "load_state_dict": lambda: nn.Linear(2, 3, bias=False).load_state_dict({"weight": HIDDEN}),
    "gradcheck": lambda: tl.gradcheck(np.sin, HIDDEN),
    "grad": lambda: tl.grad(lambda t: t.sum())(HIDDEN),
    "jvp": lambda: tl.jvp(np.sin, (HIDDEN.data,), (HIDDEN,)),
    "diagnose": lambda: tl.diagnose(nn.Linear(2, 2), batch=(HIDDEN, GIVEN), loss=F.cross_entropy),
    "saliency": lambda: tl.saliency(nn.Linear(2, 2), HIDDEN),
    "a baseline": lambda: tl.integrated_gradients(nn.Linear(2, 2), HIDDEN.data, HIDDEN),
}


@pytest.mark.parametrize("taking", TAKING.values(), ids=TAKING)
def test_a_masked_array_is_taken_nowhere_and_the_sentence_says_what_to_write(taking):
    with pytest.raises(TypeError, match=r"masked array.*\.filled\(value\).*getmaskarray"):
        taking()


def test_what_the_sentence_on_masked_arrays_says_to_write_is_taken():
    np.testing.assert_array_equal(tl.tensor(HIDDEN.filled(0.0)).data, [[1, 2], [0, 4], [3, 6]])
    np.testing.assert_array_equal(tl.tensor(HIDDEN.data[~np.ma.getmaskarray(HIDDEN).any(1)]).data, [[1, 2], [3, 6]])
    other = np.rec.array(np.array([1.0, 2.0]))  # another class of arrays, which hides nothing
    np.testing.assert_array_equal((tl.tensor([[3.0], [4.0]]) * other).data, [[3, 6], [4, 8]])
    np.testing.assert_array_equal(tl.tensor([np.ones(2), [2, 3]]).data, [[1, 1], [2, 3]])


def test_a_constant_beside_a_masked_array_leaves_its_mask_and_can_be_drawn():
    made = HIDDEN - tl.tensor(np.ones((3, 2)))
    assert np.ma.is_masked(made) and not np.ma.is_masked(tl.tensor(1.0))
    np.testing.assert_array_equal(np.ma.getmaskarray(made), np.ma.getmaskarray(HIDDEN))
    np.testing.assert_array_equal(made.compressed(), HIDDEN.compressed() - 1)
    np.testing.assert_array_equal(np.ma.array(tl.tensor([1.0, 2.0])), [1, 2])  # as matplotlib's scatter does it
