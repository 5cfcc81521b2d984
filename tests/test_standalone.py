"""A model written as a NumPy module: the same numbers without tinydl, text that one can read, and what is refused."""

import ast
import doctest
import inspect
import json
import math
import shutil
import subprocess
import sys

import numpy as np
import pytest

import tinydl as tl
import tinydl.functional as F
from tinydl import nn
from tinydl.engine.recording import state
from tinydl.exporting import standalone
from tinydl.parallel import Alone

RNG = np.random.default_rng(0)
ROWS = (0, 1, 5, 256, 300)
X = RNG.standard_normal((4, 6))
SERIES = RNG.standard_normal((4, 3, 6))
WORDS = RNG.integers(0, 9, (4, 5))
IMAGES = RNG.standard_normal((4, 3, 2, 3))

# ---- models ----


class Attends(nn.Module):
    def __init__(self):
        self.attention = nn.MultiheadAttention(6, 2, batch_first=True)

    def forward(self, x):
        y, weights = self.attention(x, is_causal=True)
        return np.concatenate([y, weights], axis=-1)


def encoder_layer(**options):
    return nn.TransformerEncoderLayer(6, 2, 5, batch_first=True, **options)


MAPS = np.random.default_rng(7).normal(size=(3, 2, 5, 6))


class Last(nn.Module):
    """What a recurrent layer gives at the last step."""

    def __init__(self, kind, **options):
        self.layer = kind(6, 4, batch_first=True, **options)

    def forward(self, x):
        return self.layer(x)[0][:, -1]


class First(nn.Module):
    """The first of the results of a layer."""

    def __init__(self, layer):
        self.layer = layer

    def forward(self, x):
        return self.layer(x)[0]


LAYERS = {  # each layer of tinydl.nn: how it is made, and an example
    "SyncBatchNorm": [(lambda: nn.SyncBatchNorm(6, comm=Alone()), X)],
    "BatchNorm1d": [
        (lambda: nn.BatchNorm1d(6), X),
        (lambda: nn.BatchNorm1d(3), SERIES),
        (lambda: nn.BatchNorm1d(3, affine=False), SERIES),
        (lambda: nn.BatchNorm1d(6, track_running_stats=False), X),
        (lambda: nn.BatchNorm1d(3, track_running_stats=False), SERIES),
    ],
    "BatchNorm2d": [
        (lambda: nn.BatchNorm2d(3), IMAGES),
        (lambda: nn.BatchNorm2d(3, affine=False, track_running_stats=False), IMAGES),
    ],
    "CELU": [(lambda: nn.CELU(0.7), X)],
    "Dropout": [(lambda: nn.Sequential(nn.Linear(6, 6), nn.Dropout(0.5), nn.Linear(6, 2)), X)],
    "Dropout2d": [(lambda: nn.Sequential(nn.Dropout2d(0.5), nn.Flatten(), nn.Linear(18, 2)), IMAGES)],
    "ELU": [(lambda: nn.ELU(0.7), X)],
    "Embedding": [
        (lambda: nn.Sequential(nn.Embedding(9, 4), nn.Linear(4, 2)), WORDS),
        (lambda: nn.Embedding(9, 4, padding_idx=1), WORDS),
    ],
    "Flatten": [(lambda: nn.Sequential(nn.Flatten(), nn.Linear(18, 2)), SERIES)],
    "GELU": [(nn.GELU, X), (lambda: nn.GELU("tanh"), SERIES)],
    "GroupNorm": [(lambda: nn.GroupNorm(3, 6), X), (lambda: nn.GroupNorm(1, 3, affine=False), IMAGES)],
    "Hardtanh": [(nn.Hardtanh, X), (lambda: nn.Hardtanh(-0.5, 2), X)],
    "Identity": [(nn.Identity, X)],
    "LayerNorm": [
        (lambda: nn.LayerNorm(6), X),
        (lambda: nn.LayerNorm((3, 6)), SERIES),
        (lambda: nn.LayerNorm(6, elementwise_affine=False), SERIES),
    ],
    "LeakyReLU": [(lambda: nn.LeakyReLU(0.2), X)],
    "Linear": [
        (lambda: nn.Linear(6, 3), X),
        (lambda: nn.Linear(6, 3, bias=False), SERIES),
        (lambda: nn.Linear(6, 3), SERIES),
    ],
    "MultiheadAttention": [(Attends, SERIES)],
    "RNN": [(lambda: Last(nn.RNN), SERIES)],
    "LSTM": [(lambda: Last(nn.LSTM), SERIES)],
    "GRU": [(lambda: Last(nn.GRU, num_layers=2, bidirectional=True), SERIES)],
    "RNNCell": [(lambda: nn.RNNCell(6, 3), X)],
    "LSTMCell": [(lambda: First(nn.LSTMCell(6, 3)), X)],
    "GRUCell": [(lambda: nn.GRUCell(6, 3), X)],
    "Conv1d": [(lambda: nn.Conv1d(3, 4, 3, padding="same", dilation=2), SERIES)],
    "Conv2d": [(lambda: nn.Sequential(nn.Conv2d(2, 4, (3, 2), 2, 1, groups=2), nn.ReLU(), nn.Flatten()), MAPS)],
    "ConvTranspose1d": [(lambda: nn.ConvTranspose1d(3, 4, 3, stride=2), SERIES)],
    "ConvTranspose2d": [(lambda: nn.ConvTranspose2d(2, 3, 2, stride=2, output_padding=1), MAPS)],
    "MaxPool1d": [(lambda: nn.MaxPool1d(2), SERIES)],
    "MaxPool2d": [(lambda: nn.MaxPool2d(3, 2, 1, ceil_mode=True), MAPS)],
    "AvgPool1d": [(lambda: nn.AvgPool1d(3, 1, 1, count_include_pad=False), SERIES)],
    "AvgPool2d": [(lambda: nn.AvgPool2d(2), MAPS)],
    "AdaptiveAvgPool1d": [(lambda: nn.AdaptiveAvgPool1d(4), SERIES)],
    "AdaptiveAvgPool2d": [(lambda: nn.AdaptiveAvgPool2d(1), MAPS)],
    "LogSigmoid": [(nn.LogSigmoid, X)],
    "LogSoftmax": [(nn.LogSoftmax, X), (lambda: nn.LogSoftmax(axis=1), SERIES)],
    "Mish": [(nn.Mish, X)],
    "PReLU": [(nn.PReLU, X), (lambda: nn.PReLU(3), SERIES)],
    "RMSNorm": [(lambda: nn.RMSNorm(6), X), (lambda: nn.RMSNorm((3, 6), 0.1, False), SERIES)],
    "ReLU": [(nn.ReLU, X)],
    "SELU": [(nn.SELU, X)],
    "Sequential": [(lambda: nn.Sequential(nn.Sequential(nn.Linear(6, 6), nn.ReLU()), nn.Linear(6, 1)), X)],
    "SiLU": [(nn.SiLU, X)],
    "Sigmoid": [(nn.Sigmoid, X)],
    "Softmax": [(nn.Softmax, X), (lambda: nn.Softmax(axis=1), SERIES)],
    "Softplus": [(nn.Softplus, X), (lambda: nn.Softplus(beta=3.0), X)],
    "Softsign": [(nn.Softsign, X)],
    "Tanh": [(nn.Tanh, X)],
    "TransformerEncoder": [(lambda: nn.TransformerEncoder(encoder_layer(norm_first=True), 2, nn.LayerNorm(6)), SERIES)],
    "TransformerEncoderLayer": [(encoder_layer, SERIES), (lambda: encoder_layer(activation="gelu"), SERIES)],
}


class Of(nn.Module):
    """A function of what a Linear gives."""

    def __init__(self, function):
        self.l, self.function = nn.Linear(6, 6), function

    def forward(self, x):
        return self.function(self.l(x))


class Residual(nn.Module):
    def __init__(self):
        self.blocks = [nn.Sequential(nn.Linear(6, 6), nn.ReLU()) for _ in range(2)]
        self.gates = {"first": nn.Linear(6, 6)}
        self.out = self.tied = nn.Linear(6, 2)
        self.position = np.arange(6, dtype=np.float32)
        self.last = None

    def forward(self, x):
        for block in self.blocks:
            x = x + block(x)
        self.last = F.sigmoid(self.gates["first"](x))
        return self.out(x * self.last + self.position) - self.tied(x)


class Recurrent(nn.Module):
    def __init__(self):
        self.input, self.hidden = nn.Linear(6, 4), nn.Linear(4, 4)

    def forward(self, x):
        h = np.zeros((len(x), 4), np.float32)
        for t in range(x.shape[1]):
            h = np.tanh(self.input(x[:, t]) + self.hidden(h))
        return h


class Attention(nn.Module):
    def __init__(self):
        self.embed, self.norm = nn.Embedding(9, 4), nn.LayerNorm(4)
        self.q, self.k, self.v = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4)
        self.mask = np.triu(np.full((8, 8), -np.inf, np.float32), 1)

    def forward(self, x):
        h, n = self.embed(x), x.shape[1]
        weights = F.softmax(self.q(h) @ self.k(h).mT / 2 + self.mask[:n, :n])
        return self.norm(h + weights @ self.v(h))


LIMIT = 0.5  # what `decide` compares with
TABLE = np.array([1.0, -2.0, 3.0, 0.5, 0.25, -1.0], np.float32)


def scaled(x: np.ndarray, by: float = math.pi) -> np.ndarray:
    made: np.ndarray = x * by  # once
    return made


def decide(x, power: int = 2):
    """One thing or the other."""
    if x.size and float(np.max(x)) > LIMIT:
        return scaled(x) + TABLE
    return np.power(x, power)


def write_parts(x):
    y = np.zeros_like(x)
    y[:, 1:] = x[:, :-1]
    y[:, 0] += 1
    np.add.at(y, (slice(None), [0, 1]), 0.5)
    np.copyto(y, 0, where=y > 2)
    first = y[:, :2]
    y[:, 2:4] *= 2
    return y + first.sum(axis=1, keepdims=True)


def see_before(x):
    y = x * 1
    first = y[:, :1]
    y *= 2
    return y + first


def copy_and_write(x):
    y = x.copy()
    y[:, 0] = 0
    return y + x


def write_in_rows(x):
    """Sums of columns, which are added up in another order where the numbers lie in columns."""
    turned = x.T.copy().T
    y = np.empty_like(x)
    np.multiply(turned, 2, out=y)
    return x + y.sum(axis=0)


def a(x):
    return x * 2 if x.size > 1e9 or bool((x > 1e9).any()) else x * 3


class Named(nn.Module):
    """Arrays and functions by names that mean something else in the module."""

    def __init__(self):
        self.x, self.n, self.len, self.math = (tl.tensor([k, 2.0], requires_grad=True) for k in (1.0, 2.0, 3.0, 4.0))
        self.h, self.predict = np.ones(2, np.float32), nn.Linear(6, 2)
        self.times = tl.primitive(a, lambda g, y, x: g)

    def forward(self, x):
        y = self.times(self.predict(x))
        return F.gelu(y * self.x - self.n * y.reshape(len(x), 2)) + self.len * self.math - self.h


def closing_over(shift, array):
    return tl.primitive(lambda x: x + shift if bool((x == 0).all()) else x * array, lambda g, y, x: g)


decided = tl.primitive(decide, lambda g, y, x, power=2: g)
parts = tl.primitive(write_parts, lambda g, y, x: g)
FUNCTIONS = {
    "decides": decided,
    "decides_3": lambda y: decided(y, power=3),
    "parts": parts,
    **{f.__name__: tl.primitive(f, lambda g, y, x: g) for f in (see_before, copy_and_write, write_in_rows)},
    "closure": closing_over(2.0, np.arange(6, dtype=np.float32)),
    "logsumexp": lambda y: F.logsumexp(y, axis=1),
    "log_softmax": F.log_softmax,
    "of_batch": lambda y: y - y.mean(axis=0) + y.sum(),
    "turned": lambda y: y.reshape(-1, 2, 3).transpose(0, 2, 1).reshape(len(y), -1),
    "signs": lambda y: 1 - (2 - (3 - (-y))) / (y * y + 1) @ np.ones((6, 2), np.float32),
    "comparisons": lambda y: (y > 0) & ~(y < 1) | (y == 2),
    "slices": lambda y: np.concatenate([y[:, ::2], y[:, 4:], np.zeros((len(y), 1), np.float32), y[:, [0, 2]]], axis=1),
    "spread": lambda y: np.stack([np.median(y, 1), np.std(y, 1), np.max(y, 1), np.quantile(y, 0.3, axis=1)], 1),
    "long": lambda y: sum((np.sin(y * k) / (1 + y * y) for k in range(12)), 0 * y),
    "classes": lambda y: y.argmax(axis=1),
    "solved": lambda y: np.linalg.solve(y[:, :4].reshape(-1, 2, 2), y[:, 4:, None]),
}


def cases():
    """(name, how the model is made, example, default dtype)."""
    for layer, kinds in LAYERS.items():
        for i, (make, x) in enumerate(kinds):
            if x.dtype.kind == "f":
                for dtype in (np.float16, np.float32, np.float64)[slice(None) if not i else slice(1, 2)]:
                    yield f"{layer}_{i}_{np.dtype(dtype).name}", make, x.astype(dtype), dtype
            else:
                yield f"{layer}_{i}_int64", make, x, np.float32
                yield f"{layer}_{i}_uint8", make, x.astype(np.uint8), np.float64
    for name, function in FUNCTIONS.items():
        yield name, lambda function=function: Of(function), X.astype(np.float32), np.float32
    yield "residual", Residual, X.astype(np.float32), np.float32
    yield "named", Named, X.astype(np.float32), np.float32
    yield "recurrent", Recurrent, SERIES.astype(np.float32), np.float32
    yield "attention", Attention, WORDS, np.float32
    yield "pixels", lambda: nn.Linear(6, 3), np.abs(X * 50).astype(np.uint8), np.float32
    yield "example_of_float64", lambda: nn.Linear(6, 3), X, np.float32


def made(make, dtype):
    """The model, with statistics and weights that aren't those of the start."""
    tl.manual_seed(1)
    with tl.default_dtype(dtype):
        model = make()
    for _, buffer in model.named_buffers():
        if isinstance(buffer, np.ndarray) and buffer.dtype.kind == "f" and buffer.ndim == 1:
            buffer += np.linspace(0.1, 0.9, buffer.size).astype(buffer.dtype)
    for name, p in model.named_parameters():
        p.data += np.linspace(-0.3, 0.3, p.size).reshape(p.shape).astype(p.dtype) if name.endswith("s") else 0
    return model


def rows(x, n):
    """n other rows; an integer is one that stands in its column."""
    rng = np.random.default_rng(n)
    picked = rng.permuted(x[np.arange(n) % len(x)], axis=0) if n else x[:0]
    return (picked * rng.uniform(0.5, 2, picked.shape)).astype(x.dtype) if x.dtype.kind == "f" else picked


def answer(predict, x):
    """What it gives, or the words of what it raises."""
    try:
        return predict(x)
    except ValueError as error:
        return np.array(str(error))


ALONE = """
import importlib, json, sys
import numpy as np
sys.modules["tinydl"] = None
sys.path.insert(0, ".")
wrong = []
for name in json.load(open("names.json")):
    asked = np.load(name + "_asked.npz")
    predict = importlib.import_module(name).predict
    for n in asked["rows"]:
        try:
            made = predict(asked[f"x{n}"])
        except ValueError as error:
            made = np.array(str(error))
        expected = asked[f"y{n}"]
        if (made.dtype, made.shape, made.tobytes()) != (expected.dtype, expected.shape, expected.tobytes()):
            wrong.append([name, int(n), str(made)[:300], str(expected)[:300]])
print(json.dumps([wrong, sorted(m for m in sys.modules if m.startswith("tinydl"))]))
"""


@pytest.mark.slow
def test_modules_give_to_the_bit_what_predict_gives_where_tinydl_is_not(tmp_path):
    names = []
    with np.errstate(all="ignore"):
        for name, make, x, dtype in cases():
            model = made(make, dtype)
            tl.to_numpy(model, tmp_path / f"{name}.py", x)
            given = {f"x{n}": rows(x, n) for n in ROWS}
            expected = {f"y{n}": answer(lambda v, m=model: tl.predict(m, v), given[f"x{n}"]) for n in ROWS}
            np.savez(tmp_path / f"{name}_asked.npz", rows=ROWS, **given, **expected)
            names.append(name)
    (tmp_path / "names.json").write_text(json.dumps(names))
    command = [sys.executable, "-I", "-W", "ignore", "-c", ALONE]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == [[], ["tinydl"]]
    ruff = shutil.which("ruff")
    if ruff is not None:
        style = ["--line-length", "120", "--isolated", "--no-cache", "."]
        for check in (["check", "--select", "E,F,W,I,UP,SIM,C4,PIE", "--ignore", "E731,E741"], ["format", "--check"]):
            ran = subprocess.run([ruff, *check, *style], cwd=tmp_path, capture_output=True, text=True)
            assert ran.returncode == 0 or not by_us(ran.stdout), ran.stdout


def by_us(complaints):
    """Whether ruff complains about a module, but for those that hold functions of this file."""
    return [line for line in complaints.splitlines() if ".py" in line and "decides" not in line]


def test_each_layer_is_among_those_that_are_tried():
    kinds = [kind for kind in vars(nn).values() if inspect.isclass(kind) and issubclass(kind, nn.Module)]
    assert {kind.__name__ for kind in kinds} - {"Module"} == LAYERS.keys()


# ---- the text ----

NET = '''\
def forward(x):
    """The model itself, for at most 256 rows."""
    n = len(x)
    # 0 (Embedding)
    refuse_other_rows(x, 9)
    h = weight_0[x]
    # 1 (Flatten)
    h = h.reshape(n, 20)
    # 2 (Linear)
    h = h @ weight_2.T + bias_2
    # 3 (BatchNorm1d)
    h = (h - running_mean_3) * (1 / np.sqrt(running_var_3 + 1e-05) * weight_3) + bias_3
    # 4 (SiLU)
    a = np.exp(-np.abs(h))
    h = h * (np.where(h >= 0, np.float32(1.0), a) / (a + 1))
    # 6 (Softmax)
    a = np.exp(h - h.max(axis=-1, keepdims=True, initial=-np.inf))
    h = a / a.sum(axis=-1, keepdims=True)
    return h
'''


def net():
    def make():
        first = nn.Embedding(9, 4), nn.Flatten(), nn.Linear(20, 3)
        return nn.Sequential(*first, nn.BatchNorm1d(3), nn.SiLU(), nn.Dropout(), nn.Softmax())

    return made(make, np.float32)


def loaded(path):
    space = {"__name__": path.stem, "__file__": str(path)}
    exec(compile(path.read_text(encoding="utf-8"), path.name, "exec"), space)
    return space


def functions_of(path):
    text = path.read_text(encoding="utf-8")
    return {
        f.name: ast.get_source_segment(text, f) + "\n" for f in ast.parse(text).body if isinstance(f, ast.FunctionDef)
    }


def test_the_program_reads_as_a_hand_would_write_it(tmp_path):
    tl.to_numpy(net(), tmp_path / "net.py", WORDS)
    assert functions_of(tmp_path / "net.py")["forward"] == NET
    said = ast.get_docstring(ast.parse((tmp_path / "net.py").read_text(encoding="utf-8")))
    assert said.startswith("net: what a Sequential predicts, as a program that needs NumPy alone.")
    assert "    (0): Embedding(9, 4)" in said and f"NumPy {np.__version__}" in said.replace("\n", " ")
    with np.load(tmp_path / "net.npz") as arrays:
        assert arrays["3.running_var"].tolist() == net().state_dict()["3.running_var"].tolist()


def test_the_same_model_gives_the_same_files(tmp_path):
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        tl.to_numpy(net(), tmp_path / name / "net.py", WORDS)
    for file in ("net.py", "net.npz"):
        assert (tmp_path / "first" / file).read_bytes() == (tmp_path / "second" / file).read_bytes()


def test_functions_go_along_with_what_they_need_and_without_annotations(tmp_path):
    tl.to_numpy(Of(decided), tmp_path / "net.py", X.astype(np.float32))
    found = functions_of(tmp_path / "net.py")
    assert found["scaled"] == "def scaled(x, by=math.pi):\n    made = x * by  # once\n    return made\n"
    assert found["decide"].startswith('def decide(x, power=2):\n    """One thing or the other."""\n')
    text = (tmp_path / "net.py").read_text(encoding="utf-8")
    assert "\nLIMIT = 0.5  # what `decide` compares with\n" in text and "\nimport math\n" in text
    assert loaded(tmp_path / "net.py")["TABLE"].tolist() == TABLE.tolist()


def test_comments_on_numbers_go_along(tmp_path):
    tl.to_numpy(nn.GELU(), tmp_path / "net.py", X)
    text = (tmp_path / "net.py").read_text(encoding="utf-8")
    assert "\n# 1 − Φ(z) = " in text and text.index("# 1 − Φ(z)") < text.index("\n_SINGLE = (")


def test_the_examples_of_the_docstring_run(tmp_path):
    space = {"tl": tl, "nn": nn, "np": np, "folder": tmp_path}
    examples = doctest.DocTestParser().get_doctest(tl.to_numpy.__doc__, space, "to_numpy", None, None)
    assert doctest.DocTestRunner().run(examples, clear_globs=False) == (0, 3)


def test_weights_that_lie_in_columns_stay_so(tmp_path):
    model = nn.Linear(6, 3)
    model.weight.data = np.asfortranarray(model.weight.data)
    tl.to_numpy(model, tmp_path / "net.py", X)
    assert loaded(tmp_path / "net.py")["weight"].flags.f_contiguous


# ---- what the module says ----


def test_an_integer_without_a_row_is_refused_in_the_words_of_the_layer(tmp_path):
    tl.to_numpy(net(), tmp_path / "net.py", WORDS)
    with pytest.raises(ValueError, match="Embedding has the rows 0 … 8, but x has numbers 0 … 9") as said:
        loaded(tmp_path / "net.py")["predict"](np.array([[0, 1, 2, 3, 9]]))
    with pytest.raises(ValueError) as expected:
        tl.predict(net(), np.array([[0, 1, 2, 3, 9]]))
    assert str(expected.value).endswith(str(said.value))


@pytest.mark.parametrize(
    ("x", "kind", "said"),
    [
        (X[0], ValueError, r"predict takes x of shape \(N, 6\), not \(6,\); of one row write x\[None\]"),
        (X[:, :5], ValueError, r"not \(4, 5\)"),
        (np.array(3.0), ValueError, r"not \(\)"),
        (X.tolist(), TypeError, r"a NumPy array, not list; write np.asarray\(x, np.float32\)"),
        (np.ma.masked_array(X), TypeError, "not MaskedArray"),
        (X.astype(complex), TypeError, r"not complex128; write x.astype\(np.float32\)"),
        (X.astype(str), TypeError, "not <U32"),
    ],
)
def test_another_x_is_refused_with_a_sentence(tmp_path, x, kind, said):
    tl.to_numpy(nn.Linear(6, 2), tmp_path / "net.py", X.astype(np.float32))
    with pytest.raises(kind, match=said):
        loaded(tmp_path / "net.py")["predict"](x)


def test_other_dtypes_are_cast_where_the_model_casts_them_and_refused_where_it_would_compute_in_them(tmp_path):
    model = nn.Sequential(nn.Linear(6, 4), nn.Tanh())
    tl.to_numpy(model, tmp_path / "net.py", X.astype(np.float32))
    predict = loaded(tmp_path / "net.py")["predict"]
    for dtype in (bool, np.uint8, np.int32, np.float16, np.float64, ">f4"):
        x = (X * 9).astype(dtype)
        assert predict(x).tobytes() == tl.predict(model, x).tobytes(), dtype
    tl.to_numpy(nn.Sigmoid(), tmp_path / "other.py", X.astype(np.float32))
    with pytest.raises(TypeError, match=r"an array of float32, not float64; write x.astype\(np.float32\)"):
        loaded(tmp_path / "other.py")["predict"](X)
    tl.to_numpy(nn.ELU(), tmp_path / "third.py", X)
    predict = loaded(tmp_path / "third.py")["predict"]
    assert predict(WORDS[:, [0] * 6]).tobytes() == tl.predict(nn.ELU(), WORDS[:, [0] * 6]).tobytes()
    with pytest.raises(TypeError, match="not float32"):
        predict(X.astype(np.float32))


# ---- what is refused ----


class Stateful(nn.Module):
    def __init__(self, change):
        self.l, self.state, self.change = nn.Linear(6, 6), np.zeros(6, np.float32), change

    def forward(self, x):
        return self.change(self, self.l(x))


def keeps(self, y):
    y = y + self.state
    self.state = self.state * 1
    return y


def changes(self, y):
    y = y + self.state
    self.state *= 1
    return y


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (Of(lambda y: y if (y > 0).any() else -y), "takes a value out"),
        (Of(lambda y: y * y.numpy().max()), "takes a value out"),
        (Of(lambda y: F.dropout(y, 0.5)), "other numbers each time"),
        (Of(lambda y: y * len(y) ** 2), "with another number of rows"),
        (Of(lambda y: y if len(y) < 200 else np.tanh(y)), "with another number of rows"),
        (Of(lambda y: y * (np.arange(6.0) + len(y))), "with another number of rows"),
        (Of(lambda y: y * np.arange(12.0)[::2]), "lies in memory with gaps"),
        (Of(closing_over(1.0, np.arange(12.0)[::2])), r"array of shape \(6,\) .* lies in memory with gaps"),
        (Of(lambda y: np.ones((len(y), 2))), "doesn't depend on x"),
        (Of(tl.primitive(eval("lambda x: -x if x.any() else x"), lambda g, y, x: g)), "source of .* isn't at hand"),
        (Stateful(keeps), "keeps state from one batch for the next"),
        (Stateful(changes), "changes state in place"),
    ],
)
def test_a_model_that_no_program_can_follow_is_refused_and_nothing_is_written(tmp_path, model, said):
    with pytest.raises(tl.CompileError, match=said):
        tl.to_numpy(model, tmp_path / "net.py", X.astype(np.float32))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "kind", "said"),
    [
        ("net.txt", ValueError, r"whose name ends in .py, not 'net.txt'"),
        ("my-net.py", ValueError, "'my-net' can't be imported, .* as in model_my_net.py"),
        ("class.py", ValueError, "'class' can't be imported"),
        ("numpy.py", ValueError, "would hide the one of Python or NumPy; write model_numpy.py"),
        ("random.py", ValueError, "write model_random.py"),
        ("nowhere/net.py", FileNotFoundError, "there is no folder .*nowhere to write net.py into; make it first"),
    ],
)
def test_a_path_that_is_no_module_s_is_refused(tmp_path, name, kind, said):
    with pytest.raises(kind, match=said):
        tl.to_numpy(nn.Linear(6, 2), tmp_path / name, X)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("model", "x", "kind", "said"),
    [
        (nn.Linear(6, 2), X[0], ValueError, "seems to be one example; write x"),
        (nn.Linear(6, 2), X[:, :4], ValueError, r"x of shape \(4, 4\) doesn't fit the weight"),
        (nn.Linear(6, 2), X[:0], ValueError, "the example has no rows; give a batch of at least one"),
        (nn.Linear(6, 2), 3.0, ValueError, "not a single number"),
        (nn.Linear, X, TypeError, "the model must be a Module"),
        (Of(lambda y: (y, y)), X, TypeError, "must give one Tensor of outputs"),
    ],
)
def test_a_wrong_model_or_example_is_refused(tmp_path, model, x, kind, said):
    with pytest.raises(kind, match=said):
        tl.to_numpy(model, tmp_path / "net.py", x)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("file", ["net.py", "net.npz"])
def test_what_is_there_and_was_not_written_by_it_stays(tmp_path, file):
    (tmp_path / file).write_text('"""My script, which calls tl.to_numpy."""\n')
    with pytest.raises(FileExistsError, match=rf"{file} is there already and wasn't written by tl.to_numpy"):
        tl.to_numpy(nn.Linear(6, 2), tmp_path / "net.py", X)
    assert (tmp_path / file).read_text().startswith('"""My script') and len(list(tmp_path.iterdir())) == 1


def test_an_older_export_is_replaced(tmp_path):
    model = nn.Linear(6, 2)
    tl.to_numpy(model, tmp_path / "net.py", X)
    model.weight.data *= 2
    tl.to_numpy(model, tmp_path / "net.py", X)
    assert loaded(tmp_path / "net.py")["predict"](X).tobytes() == tl.predict(model, X).tobytes()


def test_a_program_that_gives_other_numbers_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(standalone, "_AT_ONCE", 255)
    with pytest.raises(tl.CompileError, match=r"doesn't give what tl\.predict gives for 260 rows"):
        tl.to_numpy(Of(lambda y: y - y.mean(axis=0)), tmp_path / "net.py", X.astype(np.float32))
    assert list(tmp_path.iterdir()) == []


def test_inside_of_another_observer_it_says_so(tmp_path):
    with tl.source_lines(), pytest.raises(RuntimeError, match="call it outside of the with block"):
        tl.to_numpy(nn.Linear(6, 2), tmp_path / "net.py", X)


def test_the_model_stays_as_it_was(tmp_path):
    model = nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4), nn.Dropout())
    before, arrays = model.state_dict(), [p._data for p in model.parameters()]
    tl.to_numpy(model, tmp_path / "net.py", X)
    assert all(module.training for _, module in model.named_modules()) and not state.observers
    assert all(p._data is a and type(a) is np.ndarray for p, a in zip(model.parameters(), arrays, strict=True))
    assert all(np.array_equal(a, before[name]) for name, a in model.state_dict().items())
    model(X).sum().backward()
    assert model[0].weight.grad is not None
