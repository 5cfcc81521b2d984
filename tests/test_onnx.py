"""ONNX files: each line of the table against onnxruntime and onnx's own evaluator, models against tinydl, refusals."""

import copy
import math
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper
from onnx.reference import ReferenceEvaluator

import tinydl as tl
from tinydl import functional as F
from tinydl import nn
from tinydl.checking.samples import Draw, sample
from tinydl.engine.dispatch import primitives
from tinydl.exporting import translation
from tinydl.exporting.graphs import Graph, Value, needed
from tinydl.exporting.operators import EXCEPTIONS, FLAT_OPERATORS, OPERATORS

onnxruntime.set_default_logger_severity(4)
NOT_IN_FLOAT64 = {"arcsin", "arccos", "arctan", "arctan2", "det"}  # for which onnxruntime has no kernels
OPTIONS = onnxruntime.SessionOptions()
if tuple(map(int, onnxruntime.__version__.split(".")[:2])) < (1, 32):  # the last for Python 3.10 is 1.23
    NOT_IN_FLOAT64 |= {"cos", "tan"}
    # which joins operators to such that it doesn't have in float64
    OPTIONS.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL


def session_of(file):
    return onnxruntime.InferenceSession(file, OPTIONS, providers=["CPUExecutionProvider"])


# ---- the table ----


def test_every_primitive_is_in_the_table_or_is_an_exception_with_a_reason():
    assert set(OPERATORS) | set(EXCEPTIONS) == set(primitives)
    assert not set(OPERATORS) & set(EXCEPTIONS)
    assert all(len(reason) > 15 for reason in EXCEPTIONS.values())
    assert not set(FLAT_OPERATORS) & set(primitives)


def one_node_model(line, arrays, options, made, untouched=()):
    """The file of one operation, of which all arrays are inputs."""
    o = Graph()
    o.dtype, o.out = made.dtype, Value("", made.shape, made.dtype)
    feed = {f"x{i}": np.array(x, order="C") for i, x in enumerate(arrays) if isinstance(x, np.ndarray)}
    values = []
    for i, x in enumerate(arrays):
        value = None if x is None else o.value(np.asarray(x))
        value = Value(f"x{i}", x.shape, x.dtype) if isinstance(x, np.ndarray) else value
        values.append(value if value is None or i in untouched else o.cast(value, o.dtype))
    end = helper.make_node("Identity", [line(o, *values, **options)], ["y"])
    kind = helper.np_dtype_to_tensor_dtype
    graph = helper.make_graph(
        needed([*o.nodes, end], ["y"]),
        "one",
        [helper.make_tensor_value_info(name, kind(x.dtype), x.shape) for name, x in feed.items()],
        [helper.make_tensor_value_info("y", kind(made.dtype), made.shape)],
        list(o.initializers.values()),
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", translation.OPSET)])
    proto.ir_version = translation.IR_VERSION
    onnx.checker.check_model(proto, full_check=True)
    return proto, feed


def by_onnxruntime(proto, feed):
    return session_of(proto.SerializeToString()).run(None, feed)[0]


def by_onnx(proto, feed):
    return ReferenceEvaluator(proto).run(None, feed)[0]


def assert_equal(made, expected, what):
    made = np.asarray(made)
    assert made.shape == expected.shape and made.dtype == expected.dtype, what
    tolerance = {"float32": 2e-5, "float64": 1e-11}.get(expected.dtype.name, 0)
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(made, expected, rtol=tolerance, atol=tolerance, err_msg=what)


SHOWN = {"lstm": 8, "conv": 25, "conv_input": 40, "getitem": 40}  # how many samples; else 12


@pytest.mark.parametrize("name", sorted(OPERATORS))
def test_each_line_says_what_the_primitive_computes(name):
    ran = 0
    for dtype in (np.float32, np.float64):
        for seed in range(SHOWN.get(name, 12)):
            drawn = sample(name, Draw(seed))
            arrays = [x.astype(dtype) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x for x in drawn.inputs]
            with np.errstate(all="ignore"):
                expected = np.asarray(primitives[name].forward(*arrays, **drawn.options))
            if not expected.size or any(np.size(x) == 0 for x in arrays if isinstance(x, np.ndarray)):
                continue
            untouched = {0} if name in ("getitem", "take", "cast", "where") else ()
            proto, feed = one_node_model(OPERATORS[name], arrays, drawn.options, expected, untouched)
            what = f"{name} {drawn.options} of {[np.shape(x) for x in arrays]}"
            assert_equal(by_onnx(proto, feed), expected, what)
            if not (dtype == np.float64 and name in NOT_IN_FLOAT64):
                assert_equal(by_onnxruntime(proto, feed), expected, what)
            ran += 1
    assert ran >= 8


INDICES = {
    "one array": (slice(None), [2, 0, -1]),
    "two, side by side": (slice(None), [0, 1], [-1, 2]),
    "two, stretched": ([[0], [1]], [2, 0, 1]),
    "two, apart": ([0, 1], slice(None), [2, -4]),
    "two, with a new axis between": ([0, 1], None, [2, 0]),
    "an array and a number": (slice(1, None), 1, [0, 3]),
    "a number, apart": (0, slice(None, None, -1), [0, 3]),
    "a mask": (np.array([True, False]),),
    "a mask of two axes": (np.arange(6).reshape(2, 3) % 2 == 0,),
    "from behind": (slice(None, None, -1), slice(-1, 0, -1), slice(3, None, -2)),
    "beyond the end": (slice(0, 9), slice(-9, 2)),
    "new axes and dots": (None, Ellipsis, None, slice(1, 3)),
}


@pytest.mark.parametrize("name", INDICES)
def test_indexing_is_numpys(name):
    index, x = INDICES[name], np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32)
    expected = x[index]
    proto, feed = one_node_model(OPERATORS["getitem"], [x], {"index": index}, expected, untouched={0})
    assert_equal(by_onnx(proto, feed), expected, name)
    assert_equal(by_onnxruntime(proto, feed), expected, name)


@pytest.mark.parametrize("name", sorted(FLAT_OPERATORS))
def test_each_line_of_functions_without_a_slope_says_what_numpy_computes(name):
    rng = np.random.default_rng(0)
    a, b = rng.choice([-1.5, -0.5, 0.0, 0.5, 1.5, 2.5], (2, 3, 4)).astype(np.float32)
    a[0, 0], a[1, 1] = (np.nan, np.inf) if name.startswith("is") else (a[0, 0], a[1, 1])
    a, b = (a > 0, b > 0) if name.startswith(("logical", "bitwise", "invert")) else (a, b)
    count = getattr(np, name).nin
    expected = getattr(np, name)(*(a, b)[:count])
    proto, feed = one_node_model(FLAT_OPERATORS[name], (a, b)[:count], {}, expected, untouched={0, 1})
    assert_equal(by_onnx(proto, feed), expected, name)
    assert_equal(by_onnxruntime(proto, feed), expected, name)


def test_a_line_in_which_numpys_no_axes_became_all_of_them_is_noticed():  # as the first try of all had it
    x = np.random.default_rng(0).normal(size=(2, 3)).astype(np.float32)
    with pytest.raises((AssertionError, onnx.shape_inference.InferenceError)):
        proto, feed = one_node_model(lambda o, a: o.ReduceSum(a, o.ints(), keepdims=1), [x], {}, x)
        assert_equal(by_onnxruntime(proto, feed), x, "sum over axis=()")


# ---- models ----


class Letters(nn.Module):
    """A decoder with tied weights and places of its own."""

    def __init__(self, width=16):
        self.letter, self.place = nn.Embedding(30, width), nn.Embedding(12, width)
        layer = nn.TransformerEncoderLayer(width, 2, 4 * width, 0.1, "gelu", batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, nn.LayerNorm(width))
        self.out = nn.Linear(width, 30, bias=False)
        self.out.weight = self.letter.weight

    def forward(self, x):
        h = self.letter(x) + self.place(np.arange(x.shape[1]))
        return self.out(self.encoder(h, is_causal=True))


class Masked(nn.Module):
    """Attention that leaves out padding, which it finds in x."""

    def __init__(self):
        self.embed, self.attend = nn.Embedding(11, 8, padding_idx=0), nn.MultiheadAttention(8, 2, batch_first=True)
        self.out = nn.Linear(8, 2)

    def forward(self, x):
        h = self.embed(x)
        y, weights = self.attend(h, key_padding_mask=(x == 0))
        return self.out(y.mean(axis=1)), weights


class Recurrent(nn.Module):
    def __init__(self, kind, reads=5, **options):
        self.embed = nn.Embedding(9, 5) if reads is None else None
        self.layer = kind(5, 7, batch_first=True, **options)
        self.out = nn.Linear(7 * (1 + self.layer.bidirectional), 3)

    def forward(self, x):
        y, _ = self.layer(x if self.embed is None else self.embed(x))
        return self.out(y.mean(axis=1))


class Residual(nn.Module):
    def __init__(self):
        self.first, self.norm = nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.second, self.out = nn.Conv2d(4, 4, 3, padding="same", groups=2), nn.Linear(4, 3)

    def forward(self, x):
        h = F.relu(self.norm(self.first(x)))
        h = h + F.silu(self.second(h))
        return self.out(h.mean(axis=(2, 3)))


class TwoInputs(nn.Module):
    def __init__(self):
        self.a, self.b = nn.Linear(4, 3), nn.Embedding(5, 3)

    def forward(self, numbers, kind):
        return self.a(numbers) * self.b(kind)


class Decides(nn.Module):
    """Comparisons, choices, rows picked by numbers of their own, and a stretched constant."""

    def __init__(self):
        self.linear = nn.Linear(6, 4)

    def forward(self, x):
        h = self.linear(x)
        h = np.where((h > 0) & ~(h > 0.5), h, -h * np.linspace(1, 2, 4).astype(h.dtype))
        first = h[np.arange(len(x)), np.zeros(len(x), dtype=np.int64)]
        return np.concatenate([h, first[:, None], np.zeros((len(x), 1), dtype=h.dtype)], axis=1)


def normed(layer):
    return nn.Sequential(nn.Linear(6, 8), layer, nn.Linear(8, 3))


def trained(model, shape):
    """After some batches in train mode, so that running statistics aren't 0 and 1."""
    rng = np.random.default_rng(1)
    for _ in range(3):
        model(tl.tensor(rng.normal(1, 2, shape)))
    return model


MODELS = {
    "digits": (lambda: nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Dropout(0.25), nn.Linear(128, 10)), (64,)),
    "batchnorm": (lambda: trained(normed(nn.BatchNorm1d(8)), (5, 6)), (6,)),
    "layernorm": (lambda: normed(nn.LayerNorm(8)), (5, 6)),
    "rmsnorm": (lambda: normed(nn.RMSNorm(8)), (6,)),
    "cnn": (lambda: nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 6, 3, stride=2, padding=1),
        nn.GroupNorm(2, 6), nn.GELU(), nn.AvgPool2d(2, padding=1), nn.Flatten(), nn.Linear(24, 10)), (1, 12, 12)),
    "sequence": (lambda: nn.Sequential(
        nn.Conv1d(3, 8, 5, stride=2, padding=2, dilation=2), nn.Mish(), nn.AdaptiveAvgPool1d(2), nn.Flatten(),
        nn.Linear(16, 4)), (3, 20)),
    "there and back": (lambda: nn.Sequential(
        nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.Tanh(),
        nn.ConvTranspose2d(4, 2, 3, stride=2, padding=1, output_padding=1)), (1, 8, 8)),
    "adaptive": (lambda: nn.Sequential(nn.Conv2d(1, 4, 3), nn.AdaptiveAvgPool2d((3, 2)), nn.Flatten()), (1, 10, 9)),
    "residual": (lambda: trained(Residual(), (4, 2, 8, 8)), (2, 8, 8)),
    "lstm": (lambda: Recurrent(nn.LSTM), (6, 5)),
    "two lstms both ways": (lambda: Recurrent(nn.LSTM, num_layers=2, bidirectional=True), (6, 5)),
    "gru": (lambda: Recurrent(nn.GRU, bidirectional=True), (6, 5)),
    "rnn": (lambda: Recurrent(nn.RNN, nonlinearity="relu", num_layers=2), (6, 5)),
    "words": (lambda: Recurrent(nn.LSTM, reads=None), 9),
    "letters": (Letters, 30),
    "masked": (Masked, 11),
    "encoder": (lambda: nn.Sequential(nn.Linear(6, 8), nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)), (5, 6)),
    "decides": (Decides, (6,)),
    **{f"{layer}": (lambda layer=layer: normed(layer), (6,)) for layer in (
        nn.Sigmoid(), nn.GELU("tanh"), nn.SiLU(), nn.LeakyReLU(0.2), nn.ELU(), nn.CELU(0.7), nn.SELU(), nn.Softplus(),
        nn.Hardtanh(), nn.Softsign(), nn.PReLU(), nn.LogSoftmax() if hasattr(nn, "LogSoftmax") else nn.Softmax())},
}  # fmt: skip


def batch(shape, n, rng, dtype):
    """n rows: of floats, or of that many words."""
    if isinstance(shape, int):
        return rng.integers(0, shape, (n, 7))
    return (2 * rng.normal(size=(n, *shape))).astype(dtype)


def answers(model, *inputs):
    was, _ = model.training, model.eval()
    with tl.no_grad():
        made = model(*inputs)
    model.train(was)
    return [y.data for y in made] if isinstance(made, tuple) else [made.data]


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("name", MODELS)
def test_onnxruntime_gives_what_the_model_gives_for_any_number_of_rows(name, dtype, tmp_path):
    make, shape = MODELS[name]
    tl.manual_seed(0)
    with tl.default_dtype(dtype):
        model = make()
        for p in model.parameters():  # layers that were made before, of float32
            p._data = p._data.astype(dtype)
    rng = np.random.default_rng(3)
    tl.to_onnx(model, tmp_path / "model.onnx", batch(shape, 2, rng, dtype))
    session = session_of(tmp_path / "model.onnx")
    for n in (1, 17, 256):
        x = batch(shape, n, rng, dtype)
        theirs = session.run(None, {"x": x})
        for ours, other in zip(answers(model, x), theirs, strict=True):
            assert ours.shape == other.shape and ours.dtype == other.dtype == dtype
            assert np.abs(ours - other).max() <= (2e-6 if dtype == np.float32 else 1e-12) * np.abs(ours).max()


def test_a_model_of_several_inputs_has_them_by_forwards_names(tmp_path):
    model, rng = TwoInputs(), np.random.default_rng(0)
    numbers, kinds = rng.normal(size=(9, 4)), rng.integers(0, 5, 9)
    tl.to_onnx(model, tmp_path / "two.onnx", (numbers[:3], kinds[:3]))
    session = onnxruntime.InferenceSession(tmp_path / "two.onnx")
    (y,) = session.run(None, {"numbers": numbers.astype(np.float32), "kind": kinds})
    np.testing.assert_allclose(y, answers(model, numbers.astype(np.float32), kinds)[0], rtol=1e-6)


def test_parameters_keep_their_names_and_the_file_is_hardly_larger_than_they_are(tmp_path):
    model = MODELS["digits"][0]()
    tl.to_onnx(model, tmp_path / "digits.onnx", np.zeros((2, 64)))
    proto = onnx.load(tmp_path / "digits.onnx")
    kept = {i.name: onnx.numpy_helper.to_array(i) for i in proto.graph.initializer}
    assert {name: array.tolist() for name, array in kept.items()} == {
        k: v.tolist() for k, v in model.state_dict().items()
    }
    assert proto.opset_import[0].version == 18
    assert (tmp_path / "digits.onnx").stat().st_size <= 1.02 * sum(v.nbytes for v in kept.values()) + 500
    assert [d.dim_param or d.dim_value for d in proto.graph.input[0].type.tensor_type.shape.dim] == ["batch", 64]


def test_parameters_may_be_called_as_inputs_outputs_and_operators_are(tmp_path):
    class Called(nn.Module):
        def __init__(self):
            self.x, self.y, self.add, self.constant, self.mul_2 = (
                tl.tensor(np.full(3, i), requires_grad=True, dtype=np.float32) for i in (2, 3, 5, 7, 11)
            )

        def forward(self, x):
            return ((x * self.x + self.y) * self.add + self.constant * 1.5) * self.mul_2 + np.array([1, 2, 3], x.dtype)

    model, x = Called(), np.random.default_rng(0).random((4, 3)).astype(np.float32)
    tl.to_onnx(model, tmp_path / "m.onnx", x[:2])
    (y,) = session_of(tmp_path / "m.onnx").run(None, {"x": x})
    np.testing.assert_allclose(y, answers(model, x)[0], rtol=1e-6)
    kept = {i.name for i in onnx.load(tmp_path / "m.onnx").graph.initializer}
    assert {"x_2", "y_2", "add", "mul_2"} <= kept


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("bits", [8, 3, 2])
def test_quantised_weights_are_int8_in_the_file_and_give_the_same(bits, dtype, tmp_path):
    tl.manual_seed(1)
    with tl.default_dtype(dtype):
        model = nn.Sequential(
            nn.Conv2d(1, 3, 3, padding=1), nn.ReLU(), nn.ConvTranspose2d(3, 2, 2, stride=2), nn.Flatten(),
            nn.Linear(2 * 16 * 16, 64), nn.Tanh(), nn.Linear(64, 10),
        )  # fmt: skip
    plain = tmp_path / "floats.onnx"
    x = np.random.default_rng(0).normal(size=(9, 1, 8, 8)).astype(dtype)
    tl.to_onnx(model, plain, x[:2])
    tl.compress.quantise(tl.compress.prune(model, 0.3), bits)
    tl.to_onnx(model, tmp_path / "m.onnx", x[:2])
    (y,), ours = session_of(tmp_path / "m.onnx").run(None, {"x": x}), tl.predict(model, x)
    assert np.abs(y - ours).max() <= (2e-6 if dtype == np.float32 else 1e-12) * np.abs(ours).max()
    kept = {i.name: onnx.numpy_helper.to_array(i) for i in onnx.load(tmp_path / "m.onnx").graph.initializer}
    assert {a.shape for a in kept.values() if a.dtype == np.int8} == {p.shape for p in model.parameters() if p.ndim > 1}
    assert max(abs(int(a.min())) for a in kept.values() if a.dtype == np.int8) == 2 ** (bits - 1) - 1
    assert (tmp_path / "m.onnx").stat().st_size < (0.3 if dtype == np.float32 else 0.2) * plain.stat().st_size


def test_a_pruned_model_is_a_file_without_masks_whose_zeros_are_its_parameters(tmp_path):
    tl.manual_seed(1)
    model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
    x = np.random.default_rng(0).normal(size=(9, 64)).astype(np.float32)
    tl.to_onnx(model, tmp_path / "dense.onnx", x[:2])
    tl.compress.prune(model, 0.9)
    tl.to_onnx(model, tmp_path / "m.onnx", x[:2])
    dense, graph = onnx.load(tmp_path / "dense.onnx").graph, onnx.load(tmp_path / "m.onnx").graph
    assert [n.op_type for n in graph.node] == [n.op_type for n in dense.node]
    kept = {i.name: onnx.numpy_helper.to_array(i) for i in graph.initializer}
    assert kept.keys() == dict(model.named_parameters()).keys()
    assert sum(np.count_nonzero(a) for a in kept.values() if a.ndim > 1) == 947  # of 9,472

    with tl.no_grad():
        model[0].weight += 1.0  # as the moments of an older optimizer may move what is hidden
    tl.to_onnx(model, tmp_path / "m.onnx", x[:2])
    (y,), ours = session_of(tmp_path / "m.onnx").run(None, {"x": x}), tl.predict(model, x)
    assert np.abs(y - ours).max() <= 2e-6 * np.abs(ours).max()


def test_equal_parameters_stay_two_and_a_tied_one_stays_one(tmp_path):
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    for layer in model:
        nn.init.zeros_(layer.bias)
    tl.to_onnx(model, tmp_path / "m.onnx", np.ones((2, 3)))
    assert len(onnx.load(tmp_path / "m.onnx").graph.initializer) == 4
    tl.to_onnx(Letters(), tmp_path / "m.onnx", np.ones((2, 5), dtype=np.int64))
    sizes = [tuple(i.dims) for i in onnx.load(tmp_path / "m.onnx").graph.initializer]
    assert sizes.count((30, 16)) == 1


def test_what_a_model_keeps_of_the_run_is_an_array_like_others_afterwards(tmp_path):
    class Keeps(nn.Module):
        def __init__(self):
            self.linear = nn.Linear(3, 2)

        def forward(self, x):
            self.last = self.linear(x)
            return self.last @ self.last.T

    model = Keeps()
    with pytest.raises(tl.CompileError, match="two axes grow"):
        tl.to_onnx(model, tmp_path / "m.onnx", np.ones((2, 3)))
    assert bool((model.last.data > -1e9).all()) and float(model.last.data[0, 0]) == model.last.data[0, 0].item()
    assert copy.deepcopy(model)(np.ones((2, 3))).shape == (2, 2)


def test_a_file_has_nothing_that_nobody_uses(tmp_path):
    tl.to_onnx(Recurrent(nn.LSTM), tmp_path / "m.onnx", np.ones((2, 6, 5)))
    graph = onnx.load(tmp_path / "m.onnx").graph
    inner = [node for each in graph.node for a in each.attribute for node in a.g.node]
    used = {name for node in [*graph.node, *inner] for name in node.input} | {"y"}
    assert all(used.intersection(node.output) for node in graph.node)
    assert used.issuperset(i.name for i in graph.initializer)


def test_a_model_is_left_as_it_was(tmp_path):
    model = trained(nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Dropout(0.5)), (5, 4))
    model[0].eval()
    before = {k: v.copy() for k, v in model.state_dict().items()}
    tl.to_onnx(model, tmp_path / "m.onnx", np.ones((2, 4)))
    assert [m.training for m in model] == [False, True, True]
    assert all((v == before[k]).all() for k, v in model.state_dict().items())


# ---- what the example doesn't show ----


class Follows(nn.Module):
    """Words and lengths of an example that has no padding: nothing of it may be frozen."""

    def __init__(self, function):
        self.embed, self.linear, self._function = nn.Embedding(10, 8), nn.Linear(6, 8), function
        self.encoder = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)

    def forward(self, words):
        return self._function(self, self.embed(words), words)


HIDDEN = {
    "padding and what comes later": lambda m, h, t: m.encoder(h, src_key_padding_mask=t == 0, is_causal=True),
    "padding and a mask of places": lambda m, h, t: m.encoder(h, np.triu(np.full((6, 6), -1.5), 1), t == 0),
    "padding as numbers": lambda m, h, t: m.encoder(h, src_key_padding_mask=np.where(t == 0, -math.inf, 0.0)),
    "padding alone": lambda m, h, t: m.encoder(h, src_key_padding_mask=~(t > 0)),
    "a mean without padding": lambda m, h, t: (
        (h * (t != 0)[..., None]).sum(axis=1) / (t != 0).astype(np.float32).sum(axis=1)[:, None].clip(1)
    ),
    "constants by a condition": lambda m, h, t: h * np.where(t == 0, np.float32(2), np.float32(1))[..., None],
    "another word": lambda m, h, t: m.embed(np.where(t == 0, 9, 5)) + h,
    "a mask as numbers": lambda m, h, t: h.mean(axis=1) + m.linear((t == 0).astype(np.float32)),
    "a mask into a layer": lambda m, h, t: h.mean(axis=1) + m.linear(t == 0),
    "words into a layer": lambda m, h, t: h.mean(axis=1) + m.linear(t),
    "both": lambda m, h, t: h * ((t == 0) & (t < 5) | (t == 3))[..., None],
    "products of masks": lambda m, h, t: h * ((t == 0) * (t < 5))[..., None],
    "bits": lambda m, h, t: h * ((t & 3) == 0)[..., None],
    "to integers": lambda m, h, t: m.embed((t / 2 + 0.25).astype(int)),
}  # fmt: skip


@pytest.mark.parametrize("name", HIDDEN)
def test_what_the_example_doesnt_show_is_followed_all_the_same(name, tmp_path):
    tl.manual_seed(0)
    model, rng = Follows(HIDDEN[name]), np.random.default_rng(0)
    tl.to_onnx(model, tmp_path / "m.onnx", rng.integers(4, 10, (4, 6)))
    for n in (1, 9):
        words = rng.integers(0, 10, (n, 6))
        words[:, 3:] *= rng.integers(0, 2, (n, 3))
        (y,) = session_of(tmp_path / "m.onnx").run(None, {"words": words})
        ours = answers(model, words)[0]
        assert y.shape == ours.shape and np.abs(y - ours).max() <= 2e-6 * np.abs(ours).max()


def test_lengths_that_are_given_are_not_frozen(tmp_path):
    class WithLengths(nn.Module):
        def __init__(self):
            self.rnn = nn.GRU(3, 4, batch_first=True)

        def forward(self, x, n):
            return self.rnn(x, lengths=n)[0]

    with pytest.raises(tl.CompileError, match="what ends_of gave"):
        tl.to_onnx(WithLengths(), tmp_path / "m.onnx", (np.ones((4, 5, 3)), np.full(4, 5)))


@pytest.mark.parametrize("kind", [nn.RNNCell, nn.GRUCell, nn.LSTMCell], ids=lambda kind: kind.__name__)
def test_cells_begin_at_0_for_any_number_of_rows(kind, tmp_path):
    model, x = kind(3, 4), np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)
    tl.to_onnx(model, tmp_path / "m.onnx", x[:2])
    made = session_of(tmp_path / "m.onnx").run(None, {"x": x})
    for ours, theirs in zip(answers(model, x), made, strict=True):
        np.testing.assert_allclose(theirs, ours, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int32, np.uint64])
def test_words_and_pixels_may_be_of_any_integers(dtype, tmp_path):
    x = np.random.default_rng(0).integers(0, 9, (5, 4)).astype(dtype)
    for model in (nn.Sequential(nn.Embedding(9, 3)), nn.Sequential(nn.Linear(4, 3))):
        tl.to_onnx(model, tmp_path / "m.onnx", x[:3])
        (y,) = session_of(tmp_path / "m.onnx").run(None, {"x": x})
        np.testing.assert_allclose(y, tl.predict(model, x), rtol=1e-5, atol=1e-6)


ACCURATE = {
    "confident": (lambda h: F.log_softmax(h * 40, axis=1), 1.0),
    "small, elu": (lambda h: F.elu(h), 1e-4),
    "small, sinh": (lambda h: np.sinh(h) + np.arcsinh(h) + np.arctanh(h) + np.log1p(h), 1e-4),
    "far from 0": (lambda h: F.layer_norm(h + 1000, (4,)), 1.0),
    "one next to another": (lambda h: F.max_pool2d(h.reshape(-1, 1, 2, 2), 2, stride=1, padding=(0, 1)), 1.0),
    "by a number of float64": (lambda h: np.where(h > np.array([0.1] * 4), h, -h), 1.0),
}


@pytest.mark.parametrize("evaluator", [by_onnxruntime, by_onnx])
@pytest.mark.parametrize("name", ACCURATE)
def test_numbers_of_another_size_than_the_examples_are_as_right(name, evaluator, tmp_path):
    class Of(nn.Module):
        def forward(self, x):
            return function(x)

    function, size = ACCURATE[name]
    x = np.random.default_rng(0).normal(size=(9, 4)).astype(np.float32)
    x[0] = np.float32(0.1)
    tl.to_onnx(Of(), tmp_path / "m.onnx", x[:3])
    x *= np.float32(size)
    y, ours = evaluator(onnx.load(tmp_path / "m.onnx"), {"x": x}), answers(Of(), x)[0]
    assert np.abs(y - ours).max() <= (2e-6 if name != "far from 0" else 1e-5) * np.abs(ours).max()


# ---- what is refused ----


class Says(nn.Module):
    """A linear layer, and then a function of what it gave and of x."""

    def __init__(self, function):
        self.linear, self._function = nn.Linear(4, 4), function

    def forward(self, x):
        return self._function(self.linear(x), x)


REFUSED = {
    "values by .data": (lambda h, x: h * (x.data > 0), "reads the values"),
    "values by .item()": (lambda h, x: h * x.sum().item(), "reads the values"),
    "values by if": (lambda h, x: h if h.sum() > 0 else -h, "reads the values"),
    "values by float": (lambda h, x: h * float(x.max()), "reads the values"),
    "values, then text": (lambda h, x: h * len(f"{x.sum():.1f}"), "reads the values"),
    "an array of values": (lambda h, x: h * h._data[:1].copy(), "an array of shape"),
    "the largest, by its number": (lambda h, x: h[np.arange(len(x)), h.argmax(axis=1)], "what argmax gave"),
    "a mean over the rows by hand": (lambda h, x: h / len(x), r"write x\.mean\(axis=0\)"),
    "the rows' own numbers": (lambda h, x: h * np.arange(len(x), dtype=np.float32)[:, None], "frozen into the file"),
    "two free axes": (lambda h, x: h @ h.T, "two axes grow"),
    "rows that depend on how many there are": (lambda h, x: h[: max(len(h) // 2, 1)], "number of rows"),
    "a loop over rows": (lambda h, x: np.stack([row * 2 for row in h]), "for another number of rows"),
    "mixed dtypes": (lambda h, x: h / np.sqrt(64.0), "math.sqrt"),
    "a primitive without an operator": (lambda h, x: np.linalg.inv(h.T @ h), "ONNX has no such decomposition"),
    "a decision by any": (lambda h, x: h * 2 if (x > 50).any() else h, "reads the values"),
    "a decision by all": (lambda h, x: h if np.isfinite(x).all() else h * 0, "reads the values"),
    "a decision by allclose": (lambda h, x: h if np.allclose(x, 7) else h * 2, "reads the values"),
    "a decision by in": (lambda h, x: h if 50.0 in x else h * 2, "reads the values"),
    "a rounded number": (lambda h, x: h + (x > 50).argmax(axis=1)[:, None], "what argmax gave"),
    "one step after": (lambda h, x: h + (np.count_nonzero(x > 50, axis=1) + 0)[:, None], "has no operator"),
    "a mask into a convolution": (
        lambda h, x: h * F.conv1d((x > 50)[:, None], np.ones((1, 1, 1), np.float32))[:, 0], "has no operator"
    ),
    "nothing": (lambda h, x: None, "gives nothing"),
    "how many there are": (lambda h, x: h * len(np.flatnonzero(x > 50)), "depends on values"),
    "lists": (lambda h, x: h * x.tolist()[0][0], "reads the values"),
    "the last row": (lambda h, x: h + h[len(h) - 1], r"as in x\[-1\]"),
    "a running product": (lambda h, x: np.cumprod(h, axis=1), "ONNX has no running product"),
    "a mask as an index": (lambda h, x: h[h > 0], "np.where"),
    "a constant": (lambda h, x: tl.tensor(np.ones((len(x), 2))), "isn't what its operations"),
    "classes": (lambda h, x: h.argmax(axis=-1), "what argmax gave"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_file_cant_say_is_refused_by_a_sentence_and_nothing_is_written(name, tmp_path):
    function, said = REFUSED[name]
    with pytest.raises(tl.CompileError, match=said):
        tl.to_onnx(Says(function), tmp_path / "m.onnx", np.random.default_rng(0).random((3, 4)) + 0.5)
    assert not list(tmp_path.iterdir())


def test_a_primitive_of_ones_own_is_named(tmp_path):
    mine = tl.primitive(lambda x: x**3, lambda g, y, x: 3 * g * x * x, name="cubed")
    with pytest.raises(tl.CompileError, match=r"cubed can't be exported: it is an operation of your own"):
        tl.to_onnx(Says(lambda h, x: mine(h)), tmp_path / "m.onnx", np.ones((2, 4)))


def test_a_decision_by_the_number_of_rows_is_found_by_running_the_file(tmp_path):
    with pytest.raises(tl.CompileError, match="would not give what the model gives"):
        tl.to_onnx(Says(lambda h, x: h if len(x) < 7 else -h), tmp_path / "m.onnx", np.ones((3, 4)))
    assert not list(tmp_path.iterdir())


def test_a_recurrent_layer_whose_first_axis_is_time_is_told_of_batch_first(tmp_path):
    class Plain(nn.Module):
        def __init__(self):
            self.layer = nn.GRU(4, 3)

        def forward(self, x):
            return self.layer(x)[0]

    with pytest.raises(tl.CompileError, match="batch_first=True"):
        tl.to_onnx(Plain(), tmp_path / "m.onnx", np.ones((5, 2, 4)))


@pytest.mark.parametrize(
    ("path", "example", "error", "said"),
    [
        ("m.txt", np.ones((2, 4)), ValueError, r"ends in \.onnx"),
        ("no/m.onnx", np.ones((2, 4)), FileNotFoundError, "no folder"),
        ("m.onnx", np.ones((0, 4)), ValueError, "at least one row"),
        ("m.onnx", (np.ones((2, 4)), np.ones((3, 4))), ValueError, "same number"),
        ("m.onnx", np.ones((2, 5)), ValueError, "in_features"),
    ],
)  # fmt: skip
def test_other_paths_and_examples_are_refused(path, example, error, said, tmp_path):
    with pytest.raises(error, match=said):
        tl.to_onnx(nn.Sequential(nn.Linear(4, 2)), tmp_path / path, example)
    assert not list(tmp_path.iterdir())


def test_more_than_a_file_can_hold_is_refused_before_anything_is_run(tmp_path, monkeypatch):
    monkeypatch.setattr(translation, "_LARGEST", 100)
    with pytest.raises(tl.CompileError, match="2 GB"):
        tl.to_onnx(nn.Sequential(nn.Linear(5, 5)), tmp_path / "m.onnx", np.ones((2, 5)))


def test_parameters_of_two_dtypes_are_refused(tmp_path):
    model = nn.Sequential(nn.Linear(4, 2), nn.Linear(2, 2))
    with tl.default_dtype(np.float64):
        model[1] = nn.Linear(2, 2)
    with pytest.raises(tl.CompileError, match="float32 and float64"):
        tl.to_onnx(model, tmp_path / "m.onnx", np.ones((2, 4)))


def test_an_older_file_stays_where_an_export_fails_and_is_replaced_where_it_doesnt(tmp_path):
    path, model = tmp_path / "m.onnx", nn.Sequential(nn.Linear(4, 4))
    path.write_bytes(b"before")
    with pytest.raises(tl.CompileError):
        tl.to_onnx(Says(lambda h, x: h @ h.T), path, np.ones((2, 4)))
    assert path.read_bytes() == b"before"
    tl.to_onnx(model, path, np.ones((2, 4)))
    assert onnx.load(path).producer_name == "tinydl"
    assert [p.name for p in tmp_path.iterdir()] == ["m.onnx"]


def test_inside_of_an_observer_it_is_refused(tmp_path):
    with tl.strict(), pytest.raises(RuntimeError, match="outside of the with block"):
        tl.to_onnx(nn.Sequential(nn.Linear(4, 4)), tmp_path / "m.onnx", np.ones((2, 4)))


def test_without_onnx_a_sentence_says_what_to_install(tmp_path):
    code = (
        "import sys; sys.modules['onnx'] = None\nimport numpy as np, tinydl as tl\n"
        f"tl.to_onnx(tl.nn.Sequential(tl.nn.Linear(2, 2)), {str(tmp_path / 'm.onnx')!r}, np.ones((2, 2)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode and 'pip install ".[onnx]"' in done.stderr.splitlines()[-1]


def test_softmax_over_what_may_look_nowhere_gives_zeros(tmp_path):
    class Nowhere(nn.Module):
        def forward(self, x):
            mask = np.where(np.tri(3, dtype=bool)[::-1].copy() & (np.arange(3) > 0)[:, None], 0.0, -math.inf)
            return F.scaled_dot_product_attention(x, x, x, attn_mask=mask.astype(np.float32))

    x = np.random.default_rng(0).normal(size=(4, 3, 2)).astype(np.float32)
    tl.to_onnx(Nowhere(), tmp_path / "m.onnx", x)
    (y,) = onnxruntime.InferenceSession(tmp_path / "m.onnx").run(None, {"x": x})
    np.testing.assert_allclose(y, answers(Nowhere(), x)[0], atol=1e-6)
    assert (y[:, 0] == 0).all()
