"""What a forward keeps on its Module is no state: nobody saves, copies, trains or restores it, nor is told of it."""

import collections
import copy
import dataclasses
import pickle
import subprocess
import sys
import threading
import warnings
from typing import Any, NamedTuple

import numpy as np
import pytest

import tinydl as tl
from tinydl import functional as F
from tinydl import nn, optim
from tinydl.nn.state import has_state, remembered

pytestmark = pytest.mark.filterwarnings("error")
X = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
Y = np.array([0, 1, 2, 0, 1, 2])


class Base(nn.Module):
    def __init__(self):
        self.a = nn.Linear(4, 3)


class Input(Base):
    def forward(self, x):
        self.x = x
        return self.a(x)


class Output(Base):
    def forward(self, x):
        self.last = self.a(x)
        return self.last


class WasNone(Base):
    def __init__(self):
        super().__init__()
        self.h = None

    def forward(self, x):
        y = self.a(x)
        self.h = y if self.h is None else y + 0 * self.h.detach().sum()
        return y


class WasNumber(Base):
    def __init__(self):
        super().__init__()
        self.penalty = 0.0

    def forward(self, x):
        y = self.a(x)
        self.penalty = (y * y).mean()
        return y


class Private(Base):
    def forward(self, x):
        self._last = self.a(x)
        return self._last


class ListOfInit(Base):
    def __init__(self):
        super().__init__()
        self.maps = []

    def forward(self, x):
        self.maps.append(self.a(x))
        return self.maps[-1]


class DictOfInit(Base):
    def __init__(self):
        super().__init__()
        self.cache, self.found = {}, collections.defaultdict(list)

    def forward(self, x):
        y = self.cache["y"] = self.a(x)
        self.found["y"].append([y])
        return y


class Slots(Base):
    def __init__(self):
        super().__init__()
        self.slots, self.named, self.pair = [None, None], {"y": None, "more": []}, (None, None)

    def forward(self, x):
        assert len(self.slots) == len(self.pair) == 2
        y = self.slots[1] = self.named["y"] = self.a(x)
        self.named["more"].append(y)
        self.pair = (y, 2 * y)
        return y


class State(NamedTuple):
    h: Any = None
    c: Any = None


class Named(Base):
    def __init__(self):
        super().__init__()
        self.state = State()

    def forward(self, x):
        y = self.a(x)
        self.state = self.state._replace(h=y)
        return y


class Beside(Base):
    """A dict that holds a buffer, too."""

    def __init__(self):
        super().__init__()
        self.seen = {"mean": np.zeros(3, np.float32), "last": None}

    def forward(self, x):
        y = self.seen["last"] = self.a(x)
        self.seen["mean"] = y.numpy().mean(0)
        self.seen["new"] = 2 * y
        return y


class MadeInForward(Base):
    def forward(self, x):
        y = self.a(x)
        self.parts, self.pair, self.named, self.filled = [y, x], (x, y), {"x": x}, []
        self.filled.append(y)
        return y


class OfAnother(Base):
    """Names of Modules whose own forward doesn't run, set by name."""

    def __init__(self):
        super().__init__()
        self.b = [nn.Identity()]

    def forward(self, x):
        self.b[0].last = y = self.a(x)
        setattr(self.a, "given", x)  # noqa: B010 (by its name, as what hooks into a layer does it)
        return y


class Deleted(Base):
    def forward(self, x):
        self.last = self.a(x)
        y = self.last
        del self.last
        return y


class Cached(Base):
    def forward(self, x):
        if not hasattr(self, "ones"):
            self.ones = np.ones(3, np.float32)
        return self.a(x) * self.ones


class Overriding(Base):
    __slots__ = ("slot",)

    def __setattr__(self, name, value):
        super().__setattr__(name, value)

    @property
    def h(self):
        return self._h

    @h.setter
    def h(self, value):
        self._h = value

    def forward(self, x):
        self.h = self.slot = self.a(x)
        return self.h


class OwnState(Output):
    def __getstate__(self):
        return dict(vars(self))


class Inside(nn.Module):
    def __init__(self):
        self.layers = [nn.BatchNorm1d(4), {"out": Output()}]

    def forward(self, x):
        self.last = self.layers[0](x)
        return self.layers[1]["out"](self.last)


@dataclasses.dataclass
class Data(nn.Module):
    width: int = 3
    maps: list = dataclasses.field(default_factory=list)

    def __post_init__(self):
        self.a = nn.Linear(4, self.width)

    def forward(self, x):
        self.maps.append(self.a(x))
        return self.maps[-1]


KEEPING = [
    Input, Output, WasNone, WasNumber, Private, ListOfInit, DictOfInit, Slots, Named, Beside, MadeInForward, OfAnother,
    Deleted, Cached, Overriding, OwnState, Inside, Data,
]  # fmt: skip


def trained(model):
    F.cross_entropy(model(X), Y).backward()


def predicted(model):
    tl.predict(model, X)


def called(model):
    with tl.no_grad():
        model(X)


def fitted(model):
    optimizer = optim.SGD(model.parameters(), lr=3.0)
    stopping = {"validation": (X, Y), "patience": 1, "epochs": 5}
    tl.fit(model, (X, Y), loss=F.cross_entropy, optimizer=optimizer, batch_size=3, progress=False, **stopping)


def watched(model):
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    with tl.strict():
        for _ in range(4):
            optimizer.zero_grad()
            F.cross_entropy(model(X), Y).backward()
            optimizer.step()
    tl.diagnose(model, batch=(X, Y), loss=F.cross_entropy, optimizer=optimizer)
    tl.summary(model, (4,))


RUNS = [trained, predicted, called, fitted, watched]


def names(model):
    return [name for name, _ in model.named_parameters()], set(model.state_dict())


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("kind", KEEPING)
def test_what_forward_keeps_is_in_no_state_no_copy_and_no_file(kind, run, tmp_path):
    model, fresh = kind(), kind()
    run(model)
    assert names(model) == names(fresh)
    before = model.state_dict()
    for made in (copy.deepcopy(model), pickle.loads(pickle.dumps(model)), copy.copy(model)):
        assert vars(made).keys() - vars(fresh).keys() <= {"_before_forward", "training", "filled"}
        assert names(made) == names(fresh)
        run(made)
        assert names(made) == names(fresh)
    made = copy.deepcopy(model)
    model.load_state_dict(before)
    tl.save(model, tmp_path / "m.npz")
    tl.load(fresh, tmp_path / "m.npz")
    tl.load(made, tmp_path / "m.npz")
    np.testing.assert_array_equal(made.eval()(X).data, model.eval()(X).data)
    np.testing.assert_array_equal(fresh.eval()(X).data, model.eval()(X).data)


def test_a_copy_has_what_was_there_before():
    model = Slots()
    model(X)
    twin = copy.deepcopy(model)
    assert twin.slots == [None, None] and twin.pair == (None, None) and twin.named == {"y": None, "more": []}
    assert model.slots[1] is model.named["y"] is model.pair[0]
    for kind, name, before in [(WasNone, "h", None), (WasNumber, "penalty", 0.0), (ListOfInit, "maps", [])]:
        model = kind()
        model(X)
        assert getattr(copy.deepcopy(model), name) == before
    model = DictOfInit()
    model(X)
    twin = copy.deepcopy(model)
    assert twin.cache == {} and isinstance(twin.found, collections.defaultdict) and len(model.found["y"]) == 1
    model = Named()
    model(X)
    assert copy.deepcopy(model).state == State() and type(copy.deepcopy(model).state) is State
    model = MadeInForward()
    model(X)
    twin = copy.deepcopy(model)
    assert twin.filled == [] and not hasattr(twin, "parts") and not hasattr(twin, "named") and len(model.parts) == 2


def test_a_copy_can_be_made_also_where_forward_replaced_a_container_by_something_else():
    class Replaces(Base):
        def __init__(self):
            super().__init__()
            self.parts, self.pair, self.both = [], (None, None), []

        def forward(self, x):
            y = self.parts = self.a(x)
            self.pair, self.both = (y, y, y), State(y, [y])
            return y

    model = Replaces()
    model(X)
    twin = copy.deepcopy(model)
    assert not hasattr(twin, "parts") and twin.pair == (None, None)
    assert type(twin.both) is State and twin.both == (None, None)
    assert names(twin) == names(Replaces())
    assert twin(X).shape == (6, 3)


def test_a_copy_keeps_what_is_no_array_and_shares_what_was_shared():
    class Plain(Base):
        def __init__(self):
            super().__init__()
            self.settings = self.same = {"width": 4, "names": ["a"]}

        def forward(self, x):
            self.shape, self.calls, self.word, self.sizes = x.shape, 3, "q", [1, 2]
            return self.a(x)

    model = Plain()
    model(X)
    model.settings["width"] = 5
    twin = copy.deepcopy(model)
    assert (twin.shape, twin.calls, twin.word, twin.sizes) == ((6, 4), 3, "q", [1, 2])
    assert twin.settings == {"width": 5, "names": ["a"]} and twin.same is twin.settings is not model.settings


def test_what_was_kept_stays_kept_whoever_assigns_and_state_stays_state():
    class Both(Base):
        def __init__(self):
            super().__init__()
            self.h, self.mean = None, np.zeros(3, np.float32)
            self.maps, self.tables = [], [np.ones(2)]

        def forward(self, x):
            y = self.a(x)
            self.h, self.mean = y, 0.9 * self.mean + 0.1 * y.numpy().mean(0)
            self.maps.append(y)
            return y

    model = Both()
    model(X)
    model.h, model.maps = np.zeros(3), []
    expected = {"a.weight", "a.bias", "mean", "tables.0"}
    assert set(model.state_dict()) == expected
    model(X)
    assert set(model.state_dict()) == expected
    np.testing.assert_allclose(model.mean, 0.19 * model.a(X).numpy().mean(0), rtol=1e-5)
    model.maps, model.tables, model.more = [], [np.ones(2), np.zeros(3)], {"b": np.ones(1)}
    expected |= {"tables.1", "more.b"}
    assert set(model.state_dict()) == expected
    for _ in range(2):
        tl.predict(model, X)
        model.fresh = []  # all lists are looked into anew
    assert set(model.state_dict()) == expected
    assert [name for name, _ in model.named_parameters()] == ["a.weight", "a.bias"]


def test_a_list_that_is_assigned_outside_of_forwards_is_judged_anew():
    model = Slots()
    tl.predict(model, X)
    model.slots = [np.zeros(2), None]
    assert set(model.state_dict()) == {"a.weight", "a.bias", "slots.0"}
    tl.predict(model, X)
    assert set(model.state_dict()) == {"a.weight", "a.bias", "slots.0"}


def test_a_name_that_was_state_may_be_anything_for_a_while():
    class Resets(Base):
        def __init__(self):
            super().__init__()
            self.total, self.fixed = np.zeros(3), tl.tensor([1.0])

        def forward(self, x):
            self.total, self.fixed = 0, "none"
            self.total, self.fixed = self.total + self.a(x).sum(0), self.a(x).sum()
            return self.a(x)

    model = Resets()
    for _ in range(2):
        model(X)
        assert set(model.state_dict()) == {"a.weight", "a.bias", "total", "fixed"}
    np.testing.assert_allclose(model.state_dict()["total"], model.a(X).data.sum(0), rtol=1e-5)


def test_what_was_computed_in_init_is_no_state_later_either():
    class Mistaken(Base):
        def __init__(self):
            super().__init__()
            self.h, self.weights = self.a.weight * 2, [self.a.bias * 3]

        def forward(self, x):
            self.h = self.a(x)
            return self.h

    model = Mistaken()
    model(X)
    assert set(model.state_dict()) == {"a.weight", "a.bias"}
    both = pytest.warns(UserWarning, match=r"weights\.0 was computed \(by multiply\), so it is no parameter")
    with both, pytest.warns(UserWarning, match=r"h was computed \(by linear\), so it is no parameter"):
        assert len(list(model.parameters())) == 2


def test_an_input_that_requires_a_gradient_is_kept_too():
    class Keeps(Base):
        def __init__(self):
            super().__init__()
            self.pairs = (None, None), State()

        def forward(self, x, *, z):
            self.x, self.both, self.a.z, self.pairs = x, (x, [z]), z, ((z, x), (x, x))
            return self.a(x) * z

    model, x, z = Keeps(), tl.tensor(X, requires_grad=True), tl.tensor([2.0], requires_grad=True)
    model(x, z=z).sum().backward()
    assert set(model.state_dict()) == {"a.weight", "a.bias"} == {name for name, _ in model.named_parameters()}
    np.testing.assert_allclose(x.grad.data, np.tile(2 * model.a.weight.data.sum(0), (6, 1)), rtol=1e-6)
    twin = copy.deepcopy(model)
    assert not hasattr(twin, "x") and twin.pairs == ((None, None), State()) and type(twin.pairs[1]) is State


def test_parameters_and_layers_made_on_first_use_are_state():
    class Lazy(nn.Module):
        def __init__(self):
            self.w, self.layers, self.weights = None, [], []

        def forward(self, x):
            if self.w is None:
                self.w = tl.tensor(np.eye(4, 3), requires_grad=True)
                self.norm, self.late, self.own = nn.BatchNorm1d(3), [nn.Linear(3, 3)], Own()
                self.layers.append(nn.Linear(3, 3))
                self.weights.append(tl.tensor([2.0], requires_grad=True))
                self.scales = {"s": tl.tensor([3.0], requires_grad=True)}
                self.mixed = {"layer": nn.Linear(3, 3, bias=False), "x": x}
            y = (
                self.own(self.layers[0](self.late[0](self.mixed["layer"](self.norm(x @ self.w)))))
                * self.weights[0]
                * self.scales["s"]
            )
            self.last = y
            return y

    class Own(nn.Module):
        def __init__(self):
            self.constant, self.fixed = np.ones(3), tl.tensor([1.0])
            self.reset()

        def reset(self):
            self.tables = [np.ones(2)]

        def forward(self, x):
            self.last = x
            return x * self.constant

    model = Lazy()
    expected = {
        "w", "norm.weight", "norm.bias", "norm.running_mean", "norm.running_var", "norm.num_batches_tracked",
        "late.0.weight", "late.0.bias", "layers.0.weight", "layers.0.bias", "weights.0", "scales.s", "own.constant",
        "own.fixed", "own.tables.0", "mixed.layer.weight",
    }  # fmt: skip
    for _ in range(2):
        model(X)
        assert set(model.state_dict()) == expected
    twin = copy.deepcopy(model)
    np.testing.assert_array_equal(twin.eval()(X).data, model.eval()(X).data)
    assert set(twin.state_dict()) == expected


def test_a_number_that_becomes_an_array_is_a_statistic():
    class Mean(Base):
        def __init__(self):
            super().__init__()
            self.mean = 0.0

        def forward(self, x):
            self.mean = 0.5 * self.mean + self.a(x).numpy().mean(0)
            return self.a(x)

    model = Mean()
    model(X)
    assert set(model.state_dict()) == {"a.weight", "a.bias", "mean"}


# ---- what was state ----


def test_a_counter_without_axes_stays_a_buffer_when_numpy_makes_a_number_of_it():
    class Counts(nn.Module):
        def __init__(self):
            self.n, self.seen, self.rate = np.array(0), np.array(False), np.array(0.5, np.float32)
            self.word = np.array("a")

        def forward(self, x):
            self.n = self.n + 1
            self.n += 1
            self.seen, self.rate, self.word, self.last = True, 0.25, 5, x[0]
            self.last = 3
            return x

    model = Counts()
    model(X)
    state = model.state_dict()
    assert state["n"] == 2 and state["n"].dtype == np.int64 and state["seen"].dtype == bool and state["seen"]
    assert state["rate"] == 0.25 and state["rate"].dtype == np.float32
    assert type(model.word) is type(model.last) is int and set(state) == {"n", "seen", "rate"}
    Counts().load_state_dict(state)


class Statistics(Base):
    """Buffers to which forward assigns Tensors with their graph, and None for a while."""

    def __init__(self):
        super().__init__()
        self.mean, self.seen, self.gone = np.zeros(3, np.float32), {"max": np.zeros(3, np.float32)}, np.ones(2)

    def forward(self, x):
        y = self.a(x)
        self.mean = 0.5 * self.mean + y.mean(0)
        self.seen["max"] = np.maximum(self.seen["max"], y.max(0))
        self.gone = None
        self.gone = np.full(2, 3.0)
        return y


def test_a_buffer_stays_state_also_when_forward_assigns_it_a_graph():
    model, fresh = Statistics(), Statistics()
    model(X)
    model(X)
    y, state = X @ model.a.weight.data.T + model.a.bias.data, model.state_dict()
    assert set(state) == set(fresh.state_dict())
    np.testing.assert_allclose(state["mean"], 1.5 * y.mean(0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(state["seen.max"], np.maximum(y.max(0), 0), rtol=1e-5)
    assert state["gone"].tolist() == [3, 3]
    sentence = r"{} was computed \(by {}\), .* To keep statistics in it, .* write \.detach\(\)"
    seen = pytest.warns(UserWarning, match=sentence.format("seen.max", "maximum"))
    with seen, pytest.warns(UserWarning, match=sentence.format("mean", "add")):
        assert [name for name, _ in model.named_parameters()] == ["a.weight", "a.bias"]
    for made in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert all(np.array_equal(value, state[name]) for name, value in made.state_dict().items())
        assert made.mean.primitive is None and set(made.state_dict()) == set(state)
        made(X)
    fresh.load_state_dict(state)
    np.testing.assert_array_equal(fresh.mean, state["mean"])
    model.load_state_dict(Statistics().state_dict())
    assert (model.state_dict()["mean"] == 0).all() and (model.state_dict()["seen.max"] == 0).all()
    assert type(model.mean) is tl.Tensor and not model.mean.requires_grad  # as forward left it, but for the graph
    model(X)
    np.testing.assert_allclose(model.state_dict()["mean"], (model.a(X).data).mean(0), rtol=1e-5)


@pytest.mark.parametrize("weights", [True, False])
def test_a_buffer_with_a_graph_is_put_back(weights):
    model = Statistics()
    model(X)
    before, put_back = model.state_dict(), remembered(model, weights)
    model(X + 1)
    assert not np.array_equal(model.state_dict()["mean"], before["mean"])
    put_back()
    assert all(np.array_equal(value, before[name]) for name, value in model.state_dict().items())
    model.gone, model.seen = None, {}
    assert has_state(model)


# ---- buffers that begin in a forward ----


def test_a_registered_buffer_is_state_from_then_on():
    class Begins(Base):
        def __init__(self):
            super().__init__()
            self.register_buffer("known", np.zeros(2))
            self.register_buffer("late", None)
            self.h = None

        def forward(self, x):
            y = self.a(x).numpy()
            if not hasattr(self, "mean"):
                self.register_buffer("mean", y.mean(0))
            self.mean, self.late, self.h, self.known = 0.5 * self.mean, y[0], y, self.known + 1
            return self.a(x)

    model = Begins()
    assert set(model.state_dict()) == {"a.weight", "a.bias", "known"}
    model(X)
    model(X)
    expected = {"a.weight", "a.bias", "known", "mean", "late"}
    assert set(model.state_dict()) == expected and {name for name, _ in model.named_buffers()} == expected - {
        "a.weight", "a.bias",
    }  # fmt: skip
    np.testing.assert_allclose(model.mean, model.a(X).data.mean(0) / 4, rtol=1e-6)
    twin = copy.deepcopy(model)
    assert set(twin.state_dict()) == expected and twin.h is None
    model.register_buffer("h", np.ones(2))  # what was kept is state from now on
    model(X)
    assert set(model.state_dict()) == expected | {"h"}


def test_a_registered_buffer_is_a_copy_as_an_array_of_the_dtype_that_a_tensor_would_have():
    layer, given = nn.Identity(), np.zeros(2)
    layer.register_buffer("b", given)
    given[0] = 1
    assert type(layer.b) is np.ndarray and layer.b.tolist() == [0, 0]
    for value, dtype in [(0.5, np.float32), ([1, 2], np.int64), (np.float64(2), np.float64), (tl.tensor([1.0]), "f4")]:
        layer.register_buffer("b", value)
        assert type(layer.b) is np.ndarray and layer.b.dtype == dtype
    assert nn.Linear(2, 2).training  # a class attribute is no obstacle, a method is


@pytest.mark.parametrize(
    ("name", "array", "error", "sentence"),
    [
        ("a.b", 1, ValueError, "can't be a buffer's name: a string, without dots"),
        ("", 1, ValueError, "can't be a buffer's name"),
        ("_b", 1, ValueError, "doesn't begin with _"),
        (3, 1, ValueError, "can't be a buffer's name"),
        ("weight", 1, ValueError, "this Linear has another attribute so called"),
        ("inner", 1, ValueError, "this Linear has another attribute so called"),
        ("forward", 1, ValueError, "this Linear has another attribute so called"),
        ("b", "x", TypeError, "real numbers"),
        ("b", tl.tensor([1.0], requires_grad=True), TypeError, r"\.detach\(\)"),
    ],
)
def test_what_can_be_no_buffer_gets_a_sentence(name, array, error, sentence):
    layer = nn.Linear(2, 2)
    layer.inner = nn.Identity()
    before = dict(vars(layer))
    with pytest.raises(error, match=sentence):
        layer.register_buffer(name, array)
    assert vars(layer) == before


# ---- files ----


class Old(nn.Module):
    def __init__(self):
        self.inner = [Output()]

    def forward(self, x):
        self.top = self.inner[0](x)
        self.maps = [self.top]
        return self.top


KEPT = {"inner.0.last": np.zeros(3), "top": np.zeros((2, 3)), "maps.0": np.zeros(2), "maps.1": np.zeros(2)}


def test_a_file_with_a_name_that_forward_keeps_loads_and_says_what_was_left_out(tmp_path):
    model = Old()
    model(X)
    state = {name: value + 1 for name, value in model.state_dict().items()} | KEPT
    np.savez(tmp_path / "m.npz", **state)
    for load in (model.load_state_dict, lambda state: tl.load(model, tmp_path / "m.npz")):
        model.inner[0].a.bias.data = np.zeros(3)
        with pytest.warns(UserWarning, match="left out, since forward keeps it.*: inner.0.last, top, maps.0, maps.1$"):
            load(state)
        np.testing.assert_array_equal(model.inner[0].a.bias.data, state["inner.0.a.bias"])
    twin = copy.deepcopy(model)
    with pytest.warns(UserWarning, match="left out"):
        twin.load_state_dict(state)


def test_a_model_that_has_not_run_is_told_to_run_first():
    model = Old()
    with pytest.raises(ValueError, match=r"unexpected: inner.0.last, top.*call the model once before loading"):
        model.load_state_dict(model.state_dict() | KEPT)
    with pytest.raises(ValueError, match=r"unexpected: top$"):  # the layers of nn keep nothing
        nn.Linear(2, 2).load_state_dict(nn.Linear(2, 2).state_dict() | {"top": np.zeros(1)})


def test_layers_that_are_not_there_are_not_taken_for_what_forward_keeps():
    class Deep(nn.Module):
        def __init__(self, depth):
            self.layers = [nn.Linear(4, 4) for _ in range(depth)]
            self.seen = {"mean": np.zeros(3), "last": None}

        def forward(self, x):
            for layer in self.layers:
                x = self.seen["last"] = layer(x)
            return x

    model = Deep(2)
    model(X)
    with pytest.raises(ValueError, match=r"unexpected: layers\.2\.weight, layers\.2\.bias"):
        model.load_state_dict(Deep(3).state_dict())
    with pytest.raises(ValueError, match=r"unexpected: seen\.var"):
        model.load_state_dict(model.state_dict() | {"seen.var": np.zeros(3)})


def test_names_are_looked_for_in_modules_that_refer_to_each_other():
    a, b = nn.Identity(), nn.Identity()
    a.inner, b.outer = b, a
    a(X)
    twin = copy.deepcopy(a)
    assert twin.inner.outer is twin is not a
    with pytest.raises(ValueError, match=r"unexpected: inner\.outer\.inner\.z"):
        a.load_state_dict({"inner.outer.inner.z": np.zeros(1)})


# ---- where and when ----


def test_only_a_forward_of_this_thread_keeps():
    class Asks(Base):
        def forward(self, x):
            def elsewhere():
                self.from_elsewhere = np.zeros(3)

            thread = threading.Thread(target=elsewhere)
            thread.start()
            thread.join()
            self.last = self.a(x)
            return self.last

    model = Asks()
    model(X)
    assert set(model.state_dict()) == {"a.weight", "a.bias", "from_elsewhere"}
    model.outside = np.zeros(1)
    assert "outside" in model.state_dict()
    model.wrong = model.a(X)
    with pytest.warns(UserWarning, match="wrong was computed"):
        list(model.parameters())
    with pytest.raises(TypeError, match=r"\.detach\(\)"):
        copy.deepcopy(model)


def test_after_a_forward_that_raised_assignments_are_state_again():
    model = Output()
    with pytest.raises(ValueError):
        model(np.ones((2, 9)))
    model.table = np.ones(2)
    assert "table" in model.state_dict()


def test_a_layer_that_runs_while_a_model_is_made_leaves_its_buffers_state():
    class Sized(nn.Module):
        def __init__(self):
            self.a = nn.Linear(4, 2)
            self.size, self.tables = self.a(X).shape[1], []
            self.tables.append(np.ones(2))
            self.mean = np.zeros(1)

        def forward(self, x):
            return self.a(x)

    model = Sized()
    model(X)
    assert set(model.state_dict()) == {"a.weight", "a.bias", "tables.0", "mean"}


def test_a_list_filled_after_the_model_was_made_and_before_it_runs_is_state():
    model = ListOfInit()
    model.maps.append(np.ones(2))
    model(X)
    assert set(model.state_dict()) == {"a.weight", "a.bias", "maps.0"}
    assert len(model.maps) == 2 and len(copy.deepcopy(model).maps) == 1


def test_another_process_unpickles_a_model_that_has_not_run_and_keeps_likewise():
    program = (
        "import pickle, sys, numpy as np\n"
        "from tinydl import nn\n"
        "import tinydl as tl\n"
        "model = pickle.load(sys.stdin.buffer)\n"
        "layer = vars(model)['0']\n"
        "forward = layer.forward = lambda x: layer.maps.append(x) or x\n"
        "tl.predict(model, np.ones((2, 3), np.float32))\n"
        "print(sorted(model.state_dict()), len(layer.maps))"
    )
    model = nn.Sequential(nn.Identity())
    model[0].maps, model[0].tables = [], [np.ones(1)]
    done = subprocess.run([sys.executable, "-c", program], input=pickle.dumps(model), capture_output=True, check=True)
    assert done.stdout.split() == [b"['0.tables.0']", b"1"]


def test_a_model_is_looked_into_when_it_is_first_called_and_after_a_list_was_assigned():
    class Looked(ListOfInit):
        looks = 0

        def modules(self):
            Looked.looks += 1
            return super().modules()

    model = Looked()
    for _ in range(3):
        model(X)
    assert Looked.looks == 1
    model.other = []
    for _ in range(3):
        model(X)
    assert Looked.looks == 2
    model.size = (1, 2)  # in which nothing can be kept
    model(X)
    model.more = []
    nn.Sequential(model)(X)  # the outermost looks into all that are inside
    assert Looked.looks == 2


def test_many_threads_may_run_one_model():
    model = MadeInForward()
    threads = [threading.Thread(target=lambda: [model(X) for _ in range(50)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(model.state_dict()) == {"a.weight", "a.bias"}


# ---- training and checking ----


def test_early_stopping_restores_the_weights_and_leaves_what_is_kept():
    model = Output()
    seen = []
    fits = {"loss": F.cross_entropy, "optimizer": optim.SGD(model.parameters(), lr=30.0), "validation": (X, Y)}
    history = tl.fit(
        model, (X, -Y + 2), epochs=6, patience=2, progress=False, **fits,
        callbacks=[lambda epoch, history: seen.append(model.a.weight.numpy())],
    )  # fmt: skip
    assert history.stopped == "early stopping"
    np.testing.assert_array_equal(model.a.weight.data, seen[int(np.argmin(history["val_loss"]))])
    assert model.last.shape == (6, 3)


@pytest.mark.parametrize("kind", KEEPING)
def test_gradcheck_leaves_a_module_as_it_was(kind):
    def content(value):
        if isinstance(value, dict):
            return {key: content(item) for key, item in value.items()}
        return [content(item) for item in value] if isinstance(value, (list, tuple)) else id(value)

    def everything():
        return [{key: content(v) for key, v in vars(m).items() if key[:7] != "_looked"} for m in model.modules()]

    model = kind()
    for _ in range(2):  # a fresh one, and one that keeps something
        before, state = everything(), model.state_dict()
        assert tl.gradcheck(model, X, loss=lambda y: F.cross_entropy(y, Y))
        assert tl.gradcheck(lambda: F.cross_entropy(model(X), Y), module=model)
        assert everything() == before
        assert all(np.array_equal(value, state[name]) for name, value in model.state_dict().items())
        model(X)


def test_gradcheck_computes_with_buffers_in_lists_and_dicts_in_float64():
    class Scales(nn.Module):
        def __init__(self):
            self.w, self.scales = tl.tensor([1.0, 2.0], requires_grad=True), {"s": [np.array([0.1, 0.3], np.float32)]}
            self.dtypes = set()

        def forward(self):
            self.dtypes.add(self.scales["s"][0].dtype)
            return (self.w * self.scales["s"][0]).sum()

    model = Scales()
    scale = model.scales["s"][0]
    assert tl.gradcheck(lambda: model(), module=model)
    assert model.dtypes == {np.dtype(np.float64)} and model.scales["s"][0] is scale


class Prototypes(nn.Module):
    """Keeps its features in a list and a dict from `__init__`, into which others put what belongs to it."""

    def __init__(self):
        self.f = nn.Linear(4, 3)
        self.bank, self.protos, self.pair = [], {}, [None, None]

    def forward(self, x):
        h = self.f(x)
        self.bank.append(h)
        self.protos["last"] = h
        self.protos.setdefault("all", []).append(h)
        self.pair[0] = h
        return h


@pytest.mark.parametrize("calls", [0, 1, 3])
def test_what_is_put_into_a_list_or_dict_between_forwards_is_state_and_what_a_forward_puts_there_is_kept(calls):
    model, x = Prototypes(), np.ones((2, 4), np.float32)
    for _ in range(calls):
        model(x)
    model.protos["0"] = np.arange(3.0)
    model.bank.append(tl.tensor([1.0, 2.0]))
    model.pair[1] = np.ones(2)
    own = {f"bank.{calls}", "protos.0", "pair.1", "f.weight", "f.bias"}
    assert set(model.state_dict()) == own
    with warnings.catch_warnings(), tl.no_grad():
        warnings.simplefilter("error")
        model(x)
        tl.predict(model, x)
        assert set(model.state_dict()) == own
        assert len(list(model.parameters())) == 3
    copied = copy.deepcopy(model)
    assert set(copied.protos) == {"0"} | ({"all"} if calls else set()) - {"all"}
    assert len(copied.bank) == 1 and copied.pair[0] is None and np.array_equal(copied.pair[1], np.ones(2))
