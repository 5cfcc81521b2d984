"""Modules: how parameters are found and named, modes, states, errors with the layer's path, each layer's formula."""

import copy
import doctest
import math
import pickle
import re
import threading
from typing import NamedTuple

import numpy as np
import pytest

import tinydl as tl
from tinydl import functional as F
from tinydl import nn, optim
from tinydl.engine.recording import Observer, observing
from tinydl.nn.module import current_path
from tinydl.watching.summary import summary


class Tower(nn.Module):
    """Layers in a list, a dict and a tuple, one shared, parameters frozen and private; no super().__init__()."""

    def __init__(self):
        self.layers = [nn.Linear(4, 4), [nn.Linear(4, 4, bias=False)]]
        self.heads = {"a": nn.Linear(4, 2), "b": (nn.Linear(4, 2), nn.ReLU())}
        self.again = self.layers[0]
        self.scale = tl.tensor([1.0, 2.0], requires_grad=True)
        self.fixed = tl.tensor([3.0])
        self._hidden = tl.tensor([4.0], requires_grad=True)
        self._constant = tl.tensor([5.0])
        self.mean = np.zeros(3)
        self._cache = np.ones(7)
        self.labels = np.array(["cat", "dog"])
        self.settings = {"width": 4, "name": "tower"}

    def forward(self, x):
        x = self.layers[1][0](self.layers[0](x).relu() if hasattr(x, "relu") else F.relu(self.layers[0](x)))
        return self.heads["a"](x) * self.scale + self.heads["b"][0](x)


NAMES = [
    "scale", "fixed", "_hidden", "layers.0.weight", "layers.0.bias", "layers.1.0.weight", "heads.a.weight",
    "heads.a.bias", "heads.b.0.weight", "heads.b.0.bias",
]  # fmt: skip


def test_the_example_of_modules_docstring_runs_and_its_words_on_dtype_and_on_what_forward_keeps_hold():
    example = doctest.DocTestParser().get_doctest(
        nn.Module.__doc__, {"tl": tl, "nn": nn, "np": np}, "Module", None, None
    )
    assert doctest.DocTestRunner().run(example, clear_globs=False) == (0, 2)
    model, x = example.globs["Scaled"](), np.ones((5, 3), np.float32)
    assert model(x).dtype == np.float32
    model.scale = tl.tensor([1.0, 1.0], requires_grad=True)  # of a list
    assert model(x).dtype == np.float32
    model.scale = tl.tensor(np.ones(2), requires_grad=True)  # of an array
    assert model(x).dtype == np.float64

    class Recurrent(nn.Module):
        def __init__(self):
            self.cell, self.h, self.steps = nn.Linear(4, 4), None, np.array(0)

        def forward(self, x):
            self.h, self.steps = np.tanh(self.cell(x)).detach(), self.steps + 1
            return self.h

    recurrent = Recurrent()
    recurrent(np.ones((2, 4)))
    assert recurrent.h is not None and set(recurrent.state_dict()) == {"cell.weight", "cell.bias", "steps"}
    assert recurrent.state_dict()["steps"] == 1


def test_parameters_are_found_in_lists_tuples_and_dicts_under_dotted_names_and_shared_ones_once():
    model = Tower()
    names = dict(model.named_parameters())
    assert sorted(names) == sorted(NAMES)
    assert [id(p) for p in model.parameters()] == [id(p) for p in names.values()]
    assert names["layers.0.weight"] is model.again.weight
    assert dict(model.named_modules())["heads.b.1"] is model.heads["b"][1]
    assert next(name for name, _ in model.named_modules()) == ""
    assert [name for name, _ in model.named_buffers()] == ["mean"]


def test_the_state_dict_has_shared_layers_by_each_name_and_nothing_private():
    model = Tower()
    state = model.state_dict()
    expected = {*NAMES, "again.weight", "again.bias", "mean"} - {"_hidden"}
    assert set(state) == expected
    assert all(type(value) is np.ndarray for value in state.values())
    state["scale"][:] = 99
    assert model.scale.data[0] == 1


def test_layers_in_private_attributes_are_trained_and_saved():
    class Private(nn.Module):
        def __init__(self):
            self._layers = [nn.Linear(2, 2)]

    assert (
        set(dict(Private().named_parameters())) == {"_layers.0.weight", "_layers.0.bias"} == set(Private().state_dict())
    )


def test_a_computed_tensor_is_no_parameter_and_a_warning_says_so():
    class Mistaken(nn.Module):
        def __init__(self):
            self.w = tl.tensor([1.0, 2.0], requires_grad=True) * 0.1
            self.v = tl.tensor([1.0], requires_grad=True)
            self._result = self.v * 2

    with pytest.warns(UserWarning, match="w was computed \\(by multiply\\), so it is no parameter"):
        assert [name for name, _ in Mistaken().named_parameters()] == ["v"]
    assert set(Mistaken().state_dict()) == {"v"}


def test_modules_that_refer_to_each_other_are_walked_once():
    a, b = nn.Identity(), nn.Identity()
    a.inner, b.outer, b.w = b, a, tl.tensor([1.0], requires_grad=True)
    assert [name for name, _ in a.named_parameters()] == ["inner.w"] == list(a.state_dict())
    assert "..." in repr(a)


def test_train_and_eval_reach_all_layers_and_give_the_model_back():
    model = Tower()
    assert model.training and model.eval() is model
    assert not any(module.training for module in model.modules())
    assert model.train() is model and all(module.training for module in model.modules())
    assert not model.train(False).training


def test_zero_grad_forgets_all_gradients(rng):
    model = Tower()
    model(rng.normal(size=(3, 4))).sum().backward()
    assert model.scale.grad is not None
    model.zero_grad()
    assert all(p.grad is None for p in model.parameters())


def test_a_deep_copy_is_independent_keeps_sharing_and_gives_the_same_outputs(rng):
    model = Tower()
    twin = copy.deepcopy(model)
    x = rng.normal(size=(3, 4))
    np.testing.assert_array_equal(model(x).data, twin(x).data)
    assert twin.again is twin.layers[0] and not set(twin.parameters()) & set(model.parameters())
    before = model.state_dict()
    twin(x).sum().backward()
    optim.SGD(twin.parameters(), lr=0.1).step()
    assert all(p.grad is None for p in model.parameters())
    assert all(np.array_equal(value, before[name]) for name, value in model.state_dict().items())
    assert not np.array_equal(twin.scale.data, model.scale.data)


def test_a_model_can_be_pickled(rng):
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.2)).eval()
    twin = pickle.loads(pickle.dumps(model))
    x = rng.normal(size=(5, 3))
    np.testing.assert_array_equal(model(x).data, twin(x).data)
    assert not twin.training


# ---- states ----


def test_loading_keeps_the_tensors_copies_the_values_and_casts_to_the_parameters_dtype(rng):
    model, other = nn.Linear(3, 2), nn.Linear(3, 2)
    weight, state = model.weight, {name: value.astype(np.float64) for name, value in other.state_dict().items()}
    state["bias"] = tl.tensor(state["bias"])
    model.load_state_dict(state)
    assert model.weight is weight and weight.dtype == np.float32 and weight.requires_grad
    state["weight"][:] = 7
    np.testing.assert_array_equal(model.weight.data, other.weight.data)
    same = {name: value.astype(np.float32) for name, value in other.state_dict().items()}
    model.load_state_dict(same)
    same["weight"][:] = 7
    np.testing.assert_array_equal(model.weight.data, other.weight.data)


def test_a_graph_from_before_loading_notices_and_one_through_buffers_keeps_its_values(rng):
    layer = nn.Linear(2, 1)
    old = layer(np.ones((3, 2))).sum()
    layer.load_state_dict(layer.state_dict())
    with pytest.raises(tl.ChangedValueError):
        old.backward()

    class Scale(nn.Module):
        def __init__(self):
            self.factor = np.array([2.0, 3.0])

        def forward(self, x):
            return x * self.factor

    scale, x = Scale(), tl.tensor(rng.normal(size=(3, 2)), requires_grad=True)
    y = scale(x).sum()
    scale.load_state_dict({"factor": np.array([5.0, 7.0])})
    y.backward()
    np.testing.assert_array_equal(x.grad.data, [[2.0, 3.0]] * 3)
    np.testing.assert_array_equal(scale(x).data, x.data * [5.0, 7.0])


def test_a_state_that_does_not_fit_changes_nothing_and_one_error_tells_all():
    model = nn.Sequential(nn.Linear(3, 2), nn.ReLU(), nn.Linear(2, 1))
    before = model.state_dict()
    wrong = {
        "0.weight": np.zeros((2, 3)), "0.bias": np.zeros(3), "2.weight": np.array([["a", "b"]]), "3.bias": np.zeros(1),
    }  # fmt: skip
    with pytest.raises(ValueError) as caught:
        model.load_state_dict(wrong)
    sentence = str(caught.value)
    assert "Sequential, which is unchanged" in sentence
    assert "missing: 2.bias" in sentence and "unexpected: 3.bias" in sentence
    assert "0.bias: shape (3,) given, (2,) expected" in sentence
    assert "2.weight: dtype <U1 given, float32 expected" in sentence
    assert all(np.array_equal(value, before[name]) for name, value in model.state_dict().items())
    with pytest.raises(ValueError, match=r"weight: shape \(3, 2\) given, \(2, 3\) expected"):
        nn.Linear(3, 2).load_state_dict({"weight": np.zeros((3, 2)), "bias": np.zeros(2)})
    with pytest.raises(TypeError, match="takes a dict of names and arrays, not list"):
        model.load_state_dict([1, 2])


class Backbone(nn.Module):
    def __init__(self):
        self.backbone = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
        self.head = nn.Linear(2, 1)

    def forward(self, x):
        return self.head(self.backbone(x))


def test_a_part_of_a_state_is_loaded_where_that_is_asked_for_and_what_is_not_is_told():
    model, other = Backbone(), Backbone()
    other.backbone(np.random.default_rng(0).normal(size=(5, 3)))  # so that its statistics are others
    before, state = model.state_dict(), other.state_dict()
    part = {name: a for name, a in state.items() if name.startswith("backbone.")} | {"epoch": np.array(3)}
    with pytest.raises(
        ValueError, match=r"\(strict=False loads .*missing: head\.weight, head\.bias; unexpected: epoch"
    ):
        model.load_state_dict(part)
    assert all(np.array_equal(a, before[name]) for name, a in model.state_dict().items())
    missing, unexpected = found = model.load_state_dict(part, strict=False)
    assert (
        (missing, unexpected)
        == (found.missing_keys, found.unexpected_keys)
        == (["head.weight", "head.bias"], ["epoch"])
    )
    for name, a in model.state_dict().items():
        np.testing.assert_array_equal(a, (before if name.startswith("head") else state)[name])
    assert model.load_state_dict(state) == ([], [])
    assert model.load_state_dict({}, strict=False) == (list(state), [])


def test_of_a_part_wrong_values_are_refused_and_so_is_a_state_without_a_name_in_common():
    model = Backbone()
    before = model.state_dict()
    wrong = (
        {"head.weight": np.ones((1, 2)), "head.bias": np.ones(2)},
        {"module.head.bias": np.ones(1)},
        {"x": np.ones(1)},
    )
    for state, sentence in zip(
        wrong, (r"head.bias: shape \(2,\)", "the prefix 'module.'", "unexpected: x"), strict=True
    ):
        with pytest.raises(ValueError, match=sentence):
            model.load_state_dict(state, strict=False)
        assert all(np.array_equal(a, before[name]) for name, a in model.state_dict().items())


def test_what_is_shared_stays_shared_when_one_of_its_names_is_loaded():
    model = nn.Identity()
    model.a = model.b = np.zeros(2)
    assert model.load_state_dict({"b": np.array([3.0, 4.0])}, strict=False) == (["a"], [])
    assert model.a is model.b and model.a.tolist() == [3, 4]


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod.", "student.net."])
def test_a_common_prefix_is_named_with_the_line_that_mends_it(prefix):
    model, other = Backbone(), Backbone()
    state = {prefix + name: a for name, a in other.state_dict().items()} | {"epoch": np.array(3)}
    with pytest.raises(ValueError, match=re.escape(f"the names given have the prefix {prefix!r}, write ")) as caught:
        model.load_state_dict(state)
    line = re.search(r"write (model\.load_state_dict\(.*?\}, strict=False\))", str(caught.value))[1]
    exec(line, {"model": model, "state": state})
    del state["epoch"]
    with pytest.raises(ValueError, match="the names given have the prefix") as caught:
        model.load_state_dict(state)
    assert "strict=False)" not in str(caught.value).partition("; missing")[0].partition("write ")[2]
    np.testing.assert_array_equal(model.head.weight.data, other.head.weight.data)


def test_a_prefix_that_is_lacking_is_named_too():
    model, part = Backbone(), nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)).state_dict()
    with pytest.raises(ValueError, match=r"lack the prefix 'backbone\.', write .*\{'backbone\.' \+ name: a for"):
        model.load_state_dict(part)
    many = nn.Sequential(*(nn.Linear(2, 2) for _ in range(3)))
    with pytest.raises(ValueError) as caught:  # 10.weight isn't 1 before 0.weight
        many.load_state_dict({f"1{name}": a for name, a in nn.Sequential(nn.Linear(2, 2)).state_dict().items()})
    assert "prefix" not in str(caught.value)


def test_a_shared_layer_cannot_be_given_two_values():
    layer = nn.Linear(2, 2)
    model = nn.Sequential(layer, nn.ReLU(), layer)
    state = model.state_dict()
    model.load_state_dict(state)
    state["2.weight"] = state["2.weight"] + 1
    with pytest.raises(ValueError, match=r"2\.weight: the same value as 0.weight here, but different ones are given"):
        model.load_state_dict(state)


def test_the_running_statistics_of_very_many_float16_rows_are_theirs():
    with tl.default_dtype(np.float16):
        norm = nn.BatchNorm1d(2, momentum=1.0)
    x = np.random.default_rng(0).normal((1, -2), (3, 0.5), (70_000, 2)).astype(np.float16)
    norm(x)
    assert np.allclose(norm.running_mean, x.mean(0, np.float64), atol=2e-3)
    assert np.allclose(norm.running_var, x.var(0, np.float64), rtol=2e-3)


def test_floats_are_not_loaded_into_integers():
    norm = nn.BatchNorm1d(2)
    with pytest.raises(ValueError, match="num_batches_tracked: dtype float64 given, int64 expected"):
        norm.load_state_dict({**norm.state_dict(), "num_batches_tracked": np.array(1.5)})


def test_buffers_shared_or_held_in_lists_and_tuples_are_loaded():
    class Held(nn.Module):
        def __init__(self):
            self.a = np.zeros(2)
            self.b = self.a
            self.c = [np.zeros(1)]
            self.d = (np.zeros(1),)

    model = Held()
    model.load_state_dict({"a": [1, 2], "b": [1, 2], "c.0": np.array([3]), "d.0": [4]})
    assert model.a is model.b and model.a.tolist() == [1, 2] and model.c[0][0] == 3 and model.d[0][0] == 4


@pytest.mark.parametrize(("dtype", "given"), [
    (np.int8, np.array([300])), (np.uint8, np.array([-1])), (bool, np.array([7])),
    (np.int64, np.array([2**63], np.uint64)), (np.float16, np.array([1e6])), (np.float32, [1e39]),
])  # fmt: skip
def test_a_number_that_the_dtype_here_has_no_room_for_is_not_loaded(dtype, given):
    model = nn.Identity()
    model.held = np.ones(1, dtype)
    with pytest.raises(ValueError, match=f"held: .* {np.dtype(dtype)}"):
        model.load_state_dict({"held": given})
    assert model.held == 1
    model.load_state_dict({"held": np.array([0], np.int64)})
    assert model.held == 0


def test_a_graph_through_a_buffer_in_a_tuple_keeps_its_values_when_another_is_loaded(rng):
    class Scale(nn.Module):
        def __init__(self):
            self.factors = (np.array([2.0, 3.0]), [np.array([4.0]), (np.array([5.0]),)])
            self.again = self.factors[0]

        def forward(self, x):
            first, (second, (third,)) = self.factors
            return x * first * second * third

    scale, x = Scale(), tl.tensor(rng.normal(size=(3, 2)), requires_grad=True)
    y = scale(x).sum()
    new = {"factors.0": np.array([7.0, 8.0]), "factors.1.0": np.array([9.0]), "factors.1.1.0": np.array([10.0])}
    scale.load_state_dict(new | {"again": np.array([7.0, 8.0])})
    y.backward()
    np.testing.assert_array_equal(x.grad.data, [[40.0, 60.0]] * 3)
    assert all(np.array_equal(value, scale.state_dict()[name]) for name, value in new.items())
    np.testing.assert_allclose(scale(x).data, x.data * [630.0, 720.0])
    assert scale.again is scale.factors[0] and type(scale.factors) is type(scale.factors[1][1]) is tuple


def test_a_named_tuple_of_buffers_stays_one():
    class Stats(NamedTuple):
        mean: np.ndarray
        var: np.ndarray

    model = nn.Identity()
    model.stats = Stats(np.zeros(2), np.ones(2))
    model.load_state_dict({"stats.0": [1, 2], "stats.1": [3, 4]})
    assert isinstance(model.stats, Stats)
    assert model.stats.mean.tolist() == [1, 2] and model.stats.var.tolist() == [3, 4]


# ---- errors and observers ----


class Encoder(nn.Module):
    def __init__(self):
        self.encoder = [nn.Linear(4, 8), nn.Sequential(nn.ReLU(), nn.Linear(9, 2))]

    def forward(self, x):
        for layer in self.encoder:
            x = layer(x)
        return x


def test_an_error_inside_a_layer_says_the_layers_path_once_and_both_shapes(rng):
    with pytest.raises(ValueError) as caught:
        Encoder()(rng.normal(size=(5, 4)))
    assert str(caught.value).startswith("in layer encoder.1.1 (Linear): ")
    assert str(caught.value).count("in layer") == 1
    assert "(5, 8)" in str(caught.value) and "(2, 9)" in str(caught.value)
    with pytest.raises(
        ValueError, match=r"^in layer Linear: x of shape \(3,\) doesn't fit the weight of shape \(2, 4\)"
    ):
        nn.Linear(4, 2)(np.ones(3))
    assert current_path() == ""


def test_an_error_keeps_its_type_and_other_errors_pass_untouched():
    class Failing(nn.Module):
        def __init__(self, error):
            self.error = error

        def forward(self, x):
            raise self.error

    for error in (TypeError("t"), IndexError("i"), np.linalg.LinAlgError("l")):
        with pytest.raises(type(error), match=f"^in layer 0 \\(Failing\\): {error}"):
            nn.Sequential(Failing(error))(1)
    with pytest.raises(KeyError, match=r"^'k'$"):
        nn.Sequential(Failing(KeyError("k")))(1)
    two = ValueError("a", "b")
    with pytest.raises(ValueError) as caught:
        Failing(two)(1)
    assert caught.value.args == ("a", "b")


def test_a_module_without_forward_says_so():
    with pytest.raises(NotImplementedError, match="Module doesn't say what it computes"):
        nn.Module()(1)


def test_observers_are_told_where_the_program_is_also_when_it_fails(rng):
    class Watch(Observer):
        def __init__(self):
            self.events = []

        def module_entered(self, module):
            self.events.append("+" + current_path())

        def module_left(self, module, output):
            self.events.append("-" + current_path())

    with observing(watch := Watch()), pytest.raises(ValueError):
        Encoder()(rng.normal(size=(5, 4)))
    assert watch.events == [
        "+Encoder", "+encoder.0 (Linear)", "-encoder.0 (Linear)", "+encoder.1 (Sequential)", "+encoder.1.0 (ReLU)",
        "-encoder.1.0 (ReLU)", "+encoder.1.1 (Linear)", "-encoder.1.1 (Linear)", "-encoder.1 (Sequential)", "-Encoder",
    ]  # fmt: skip


def test_threads_have_paths_of_their_own():
    found = []

    class Ask(nn.Module):
        def forward(self, x):
            thread = threading.Thread(target=lambda: found.append(current_path()))
            thread.start()
            thread.join()
            found.append(current_path())
            return x

    nn.Sequential(Ask())(np.ones(1))
    assert found == ["", "0 (Ask)"]


# ---- how models look ----


def test_print_shows_the_tree_as_torch_does():
    model = nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.ReLU(), nn.Dropout(0.1)), nn.Linear(3, 1, bias=False))
    assert repr(model) == (
        "Sequential(\n  (0): Linear(in_features=2, out_features=3, bias=True)\n  (1): Sequential(\n    (0): ReLU()\n"
        "    (1): Dropout(p=0.1)\n  )\n  (2): Linear(in_features=3, out_features=1, bias=False)\n)"
    )
    shown = [
        nn.BatchNorm1d(3), nn.LayerNorm((2, 3)), nn.Embedding(5, 2, padding_idx=0), nn.Flatten(), nn.Softmax(axis=1),
        nn.LeakyReLU(), nn.ELU(), nn.GELU(), nn.Softplus(), nn.Identity(),
    ]  # fmt: skip
    assert [repr(layer) for layer in shown] == [
        "BatchNorm1d(3, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)",
        "LayerNorm((2, 3), eps=1e-05, elementwise_affine=True)", "Embedding(5, 2, padding_idx=0)",
        "Flatten(start_dim=1, end_dim=-1)", "Softmax(axis=1)", "LeakyReLU(negative_slope=0.01)", "ELU(alpha=1.0)",
        "GELU(approximate='none')", "Softplus(beta=1.0)", "Identity()",
    ]  # fmt: skip


class Window(nn.Module):
    """A layer that says nothing about how it is printed."""

    def __init__(self, size, steps, kind="mean", stride=(1, 2), limit=None, scale=1.0, bias=True, inner=None):
        self.size, self.kind, self.stride, self.limit, self.scale = size, kind, stride, limit, scale
        self.bias = tl.tensor([0.0], requires_grad=True) if bias else None
        self.inner = inner


def test_a_layer_is_printed_with_the_settings_that_it_keeps_and_needs_no_code_for_that():
    assert repr(Window(3, steps=7)) == "Window(3, kind='mean', stride=(1, 2), scale=1.0)"
    assert repr(Window(3, 7, "max", 4, 9, None, False)) == "Window(3, kind='max', stride=4, limit=9, scale=None)"
    assert repr(Window(np.int64(3), 7, scale=np.float64(0.5))) == "Window(3, kind='mean', stride=(1, 2), scale=0.5)"
    assert repr(Window(3, 7, inner=(nn.ReLU(),))) == (
        "Window(\n  3, kind='mean', stride=(1, 2), scale=1.0\n  (inner.0): ReLU()\n)"
    )


def test_a_layer_made_of_another_is_printed_with_the_settings_of_both():
    class Ten(nn.BatchNorm1d):
        def __init__(self, rate, name="ten"):
            super().__init__(10, momentum=rate / 2)
            self.rate, self.name = rate, name

    class Fixed(nn.Dropout):
        def __init__(self):
            super().__init__(0.25)

    assert repr(Fixed()) == "Fixed(p=0.25)"
    assert repr(Ten(0.5)) == (
        "Ten(10, eps=1e-05, momentum=0.25, affine=True, track_running_stats=True, rate=0.5, name='ten')"
    )


def test_a_summary_counts_shapes_and_parameters_and_changes_nothing(rng):
    model = nn.Sequential(
        nn.Flatten(), nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.5), nn.Linear(32, 10)
    )
    model[1].weight.requires_grad = False
    model[4].eval()
    before = model.state_dict()
    tl.manual_seed(1)
    made = summary(model, (8, 8))
    drawn = tl.engine.random.generator().normal()
    tl.manual_seed(1)
    assert drawn == tl.engine.random.generator().normal()
    assert [(row.layer, row.output_shape, row.parameters) for row in made.rows] == [
        ("0 (Flatten)", (1, 64), 0), ("1 (Linear)", (1, 32), 2080), ("2 (BatchNorm1d)", (1, 32), 64),
        ("3 (ReLU)", (1, 32), 0), ("4 (Dropout)", (1, 32), 0), ("5 (Linear)", (1, 10), 330),
    ]  # fmt: skip
    assert (made.parameters, made.trainable, made.buffers) == (2474, 426, 65)
    assert "1 (Linear)" in str(made) and "(N, 32)" in str(made) and "2,474 parameters, 426" in str(made)
    assert model.training and not model[4].training and model[5].training
    assert all(np.array_equal(value, before[name]) for name, value in model.state_dict().items())
    assert summary(nn.Linear(3, 2), 3).rows[0].output_shape == (1, 2)
    assert summary(nn.Sequential(nn.Embedding(5, 4), nn.Flatten()), (3,)).rows[1].output_shape == (1, 12)
    with pytest.raises(ValueError, match="in layer 1 \\(Linear\\)"):
        summary(model, (9, 9))
    assert model.training


def test_a_summary_counts_a_layer_used_twice_once():
    layer = nn.Linear(3, 3)
    made = summary(nn.Sequential(layer, nn.ReLU(), layer), (3,))
    assert [row.parameters for row in made.rows] == [12, 0, 0] and made.parameters == 12


# ---- containers ----


def test_sequential_is_indexed_sliced_iterated_extended_and_named():
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 4))
    assert len(model) == 3 and model[-1] is model[2] and list(model)[1] is model[1]
    part = model[1:]
    assert isinstance(part, nn.Sequential) and part[0] is model[1] and len(part) == 2
    part.append(nn.Tanh())
    assert len(part) == 3 and len(model) == 3
    assert model.append(nn.Sigmoid()) is model and isinstance(model[3], nn.Sigmoid)
    model[1] = nn.ELU()
    assert [type(layer).__name__ for layer in model] == ["Linear", "ELU", "Linear", "Sigmoid"]
    named = nn.Sequential({"hidden": nn.Linear(2, 3), "out": nn.Linear(3, 1)})
    assert named["out"] is named[1] and next(iter(named.state_dict())) == "hidden.weight"
    assert len(nn.Sequential()) == 0


@pytest.mark.parametrize(
    ("make", "error", "sentence"),
    [
        (lambda: nn.Sequential(nn.ReLU), TypeError, "write ReLU\\(...\\)"),
        (lambda: nn.Sequential([nn.ReLU()]), TypeError, "Sequential takes layers \\(Modules\\), not \\[ReLU"),
        (lambda: nn.Sequential(np.tanh), TypeError, "write a class with a forward"),
        (lambda: nn.Sequential({"a.b": nn.ReLU()}), ValueError, "'a.b' can't be a layer's name"),
        (lambda: nn.Sequential({"forward": nn.ReLU()}), ValueError, "'forward' can't be a layer's name"),
        (lambda: nn.Sequential(nn.ReLU()).__setitem__(0, nn.Tanh), TypeError, r"as layer 0; write Tanh\(\.\.\.\)"),
        (lambda: nn.Sequential(nn.ReLU())[1], IndexError, "layer 1 of a Sequential with 1 layers"),
        (lambda: nn.Sequential(nn.ReLU())["x"], KeyError, "no layer 'x'; there are 0"),
        (lambda: nn.Linear(0, 2), ValueError, "in_features must be at least 1, not 0"),
        (lambda: nn.Linear(2.0, 2), TypeError, "in_features must be an integer, not 2.0"),
        (lambda: nn.Linear(2, 3)("x"), ValueError, "in layer Linear: x = 'x' doesn't fit the weight"),
        (lambda: nn.Linear(2, 3)(None), ValueError, "in layer Linear: x = None doesn't fit the weight"),
        (lambda: nn.Dropout(1.5), ValueError, "Dropout's p is a probability"),
        (lambda: nn.BatchNorm1d(3, momentum=2), ValueError, "BatchNorm1d's momentum"),
        (lambda: nn.BatchNorm1d(3, eps=10**400), ValueError, "BatchNorm1d's eps is an integer beyond what a float"),
        (lambda: nn.LayerNorm(3, eps=None), TypeError, "LayerNorm's eps must be a number, not None"),
        (lambda: nn.LeakyReLU(10**400), ValueError, "LeakyReLU's negative_slope is an integer beyond"),
        (lambda: nn.ELU("1"), TypeError, "ELU's alpha must be a number, not '1'"),
        (lambda: nn.Softplus(10**400), ValueError, "Softplus's beta is an integer beyond"),
        (lambda: nn.BatchNorm1d(3)(np.ones((2, 4))), ValueError, r"\(N, 3\) or \(N, 3, L\), not \(2, 4\)"),
        (lambda: nn.BatchNorm1d(3)(np.ones((1, 3))), ValueError, "one value per feature"),
        (lambda: nn.BatchNorm1d(3)(np.ones(3)), ValueError, "BatchNorm1d needs x of shape"),
        (lambda: nn.LayerNorm(3)(np.ones((2, 4))), ValueError, r"last axes \(3,\) can't take x of shape \(2, 4\)"),
        (lambda: nn.LayerNorm(()), ValueError, "at least one axis"),
        (lambda: nn.Embedding(3, 2)(np.array([0, 3])), ValueError, "rows 0 … 2, but x has numbers 0 … 3"),
        (lambda: nn.Embedding(3, 2)([-1, 0]), ValueError, "numbers -1 … 0"),
        (lambda: nn.Embedding(3, 2)([0.0]), TypeError, "picks rows by integers, but x is of float"),
        (lambda: nn.Embedding(3, 2, padding_idx=3), ValueError, "padding_idx 3 is no row"),
        (lambda: nn.Flatten(2)(np.ones((2, 3))), ValueError, "can't join axes of x of shape \\(2, 3\\)"),
        (lambda: nn.GELU("fast"), ValueError, "'none' or 'tanh'"),
        (lambda: nn.Softplus(0), ValueError, "beta > 0"),
        (lambda: nn.init.uniform_(tl.tensor([1.0]), 2, 1), ValueError, "a ≤ b is needed"),
        (lambda: nn.init.normal_(tl.tensor([1.0]), std=-1), ValueError, "std ≥ 0"),
        (lambda: nn.init.zeros_(np.ones(2)), TypeError, "fills Tensors in place, not ndarray"),
        (lambda: nn.init.uniform_(np.ones(2)), TypeError, "fills Tensors in place, not ndarray"),
        (lambda: nn.init.xavier_normal_(np.ones((2, 2))), TypeError, "fills Tensors in place, not ndarray"),
        (lambda: nn.init.zeros_(tl.tensor([1])), ValueError, "floating dtype, not one of int64"),
        (lambda: nn.init.ones_(tl.tensor([1.0], requires_grad=True) * 2), ValueError, "computed by multiply"),
        (lambda: nn.init.xavier_uniform_(tl.tensor([1.0])), ValueError, "at least two axes is needed, not \\(1,\\)"),
        (lambda: nn.init.eye_(tl.tensor(np.ones((1, 2, 3)))), ValueError, "eye_: a weight of two axes"),
        (lambda: nn.init.kaiming_normal_(tl.tensor(np.ones((1, 2))), mode="in"), ValueError, "'fan_in' or 'fan_out'"),
        (lambda: nn.init.calculate_gain("swish"), ValueError, "no gain is known for 'swish'"),
        (lambda: nn.init.trunc_normal_(tl.tensor([1.0]), a=5, b=6), ValueError, "mean within 2 std"),
    ],
)
def test_a_mistake_gets_a_sentence(make, error, sentence):
    with pytest.raises(error, match=sentence):
        make()


# ---- layers ----


def test_raw_arrays_of_any_kind_are_computed_in_the_parameters_dtype_and_come_out_as_tensors(rng):
    model = nn.Sequential(nn.Flatten(), nn.ReLU(), nn.Linear(4, 3), nn.BatchNorm1d(3), nn.LayerNorm(3), nn.Softmax())
    for x in (
        rng.normal(size=(5, 2, 2)),
        np.ones((5, 2, 2), int) * np.arange(5)[:, None, None],
        [[[1, 2], [3, 4]]] * 5,
    ):
        y = model(x)
        assert isinstance(y, tl.Tensor) and y.dtype == np.float32 and y.shape == (5, 3)
    assert isinstance(nn.ReLU()(np.array([-1.0, 2.0])), tl.Tensor)
    assert nn.Linear(2, 1)(tl.tensor([[1, 2]])).dtype == np.float32
    with tl.default_dtype(np.float64):
        layer = nn.Linear(2, 1)
    assert layer.weight.dtype == np.float64 and layer(np.ones((1, 2), np.float32)).dtype == np.float64


def test_layers_without_parameters_that_normalise_raw_arrays_do_so_in_the_default_dtype(rng):
    plain = nn.LayerNorm(3, elementwise_affine=False), nn.BatchNorm1d(3, affine=False, track_running_stats=False)
    for layer in plain:
        for x in (rng.normal(size=(4, 3)), np.arange(12).reshape(4, 3), tl.tensor([[1, 2, 4], [3, 5, 9]])):
            assert layer(x).dtype == np.float32
            with tl.default_dtype(np.float64):
                assert layer(x).dtype == np.float64


def test_linear_is_x_times_the_transposed_weight_plus_bias(rng):
    layer = nn.Linear(3, 2)
    x = rng.normal(size=(4, 5, 3)).astype(np.float32)
    np.testing.assert_allclose(layer(x).data, x @ layer.weight.data.T + layer.bias.data, rtol=1e-5, atol=1e-6)
    assert nn.Linear(3, 2, bias=False).bias is None
    bound = 1 / math.sqrt(3)
    assert all((np.abs(p.data) <= bound).all() for p in layer.parameters())


@pytest.mark.parametrize("bias", [None, np.zeros(2, np.float32)])
@pytest.mark.parametrize("shape", [(4, 3), (4, 2, 3), (3,)])
def test_an_x_that_does_not_fit_the_weight_is_told_without_numpys_own_text(shape, bias):
    weight = tl.tensor(np.zeros((2, 5), np.float32), requires_grad=True)
    with pytest.raises(ValueError) as caught:
        F.linear(np.zeros(shape), weight, bias)
    assert str(caught.value) == (
        f"x of shape {shape} doesn't fit the weight of shape (2, 5): the last axis of x must be in_features = 5 long"
    )
    with pytest.raises(ValueError, match=r"bias must have shape \(2,\)"):
        F.linear(np.zeros((4, 5)), weight, np.zeros(5))


def test_initialisation_and_dropout_draw_from_the_seeded_generator():
    def made():
        tl.manual_seed(5)
        model = nn.Sequential(nn.Linear(3, 50), nn.Dropout(0.4), nn.Embedding(2, 2))
        return model[0].weight.numpy(), model[1](np.ones((4, 50))).numpy(), model[2].weight.numpy()

    for a, b in zip(made(), made(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_dropout_drops_a_share_p_scales_the_rest_and_is_the_identity_in_eval():
    tl.manual_seed(0)
    layer, x = nn.Dropout(0.25), np.full((200, 100), 3.0, np.float32)
    y = layer(x).data
    assert set(np.unique(y)) == {0.0, 4.0} and abs((y == 0).mean() - 0.25) < 0.01
    np.testing.assert_array_equal(layer.eval()(x).data, x)
    assert (nn.Dropout(1.0)(x).data == 0).all() and (nn.Dropout(0.0)(x).data == x).all()


def test_batchnorm_uses_the_batch_while_training_and_the_running_statistics_after(rng):
    layer = nn.BatchNorm1d(3, momentum=0.3)
    x = rng.normal(size=(10, 3)) * 4 + 2
    y = layer(x).data
    np.testing.assert_allclose(y.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(y.std(0), 1, atol=1e-3)
    np.testing.assert_allclose(layer.running_mean, 0.3 * x.mean(0), rtol=1e-5)
    np.testing.assert_allclose(layer.running_var, 0.7 + 0.3 * x.var(0, ddof=1), rtol=1e-5)
    assert layer.num_batches_tracked == 1 and layer.running_mean.dtype == np.float32
    layer.eval()
    expected = (x - layer.running_mean) / np.sqrt(layer.running_var + 1e-5)
    np.testing.assert_allclose(layer(x).data, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(layer(x[:1]).data, expected[:1], rtol=1e-4, atol=1e-5)
    assert layer.num_batches_tracked == 1


def normalised(rows):
    """(x − mean)/√(var + 1e-5) of each row in float64, and the gradient that comes back through it for a cotangent."""
    x = rows.astype(np.float64)
    x = x - x.mean(1, keepdims=True)
    scale = 1 / np.sqrt((x * x).mean(1, keepdims=True) + 1e-5)
    y = x * scale

    def pull(g):
        g = g.astype(np.float64)
        return scale * (g - g.mean(1, keepdims=True) - y * (g * y).mean(1, keepdims=True))

    return y, pull


@pytest.mark.parametrize("scale", [1e-2, 1.0, 1e4, 1e12, 1e30])
@pytest.mark.parametrize("n", [2, 7, 10, 100, 1000, 70_000])
@pytest.mark.filterwarnings("ignore:overflow")  # of the square of a rounding error, at 1e30
def test_rows_of_one_number_are_normalised_to_0_at_every_length_and_scale(n, scale, rng):
    for dtype, tolerance in ((np.float16, 1e-2), (np.float32, 1e-5), (np.float64, 1e-14)):
        if scale > np.finfo(dtype).max:
            continue
        rows = np.tile((rng.uniform(-1, 1, (3, 1)) * scale).astype(dtype), (1, n))
        g = rng.normal(size=rows.shape).astype(dtype)
        expected = (g - g.mean(1, keepdims=True, dtype=np.float64)) / np.sqrt(1e-5)
        for columns in (False, True):
            layer = nn.BatchNorm1d(3, affine=False, momentum=1.0) if columns else nn.LayerNorm(n, 1e-5, False)
            x = tl.tensor(rows.T if columns else rows, requires_grad=True)
            y = layer(x)
            y.backward(gradient=g.T if columns else g)
            assert y.dtype == dtype and np.abs(y.data).max() < 1e-3
            slope = x.grad.data.T if columns else x.grad.data
            np.testing.assert_allclose(slope, expected, rtol=tolerance, atol=tolerance * 1000)
            if columns:
                np.testing.assert_allclose(layer.running_mean, rows[:, 0], rtol=1e-3 if dtype == np.float16 else 1e-6)
                np.testing.assert_allclose(layer.running_var / max(scale, 1.0), 0, atol=1e-9)


@pytest.mark.parametrize("mean", [0.0, 30.0, 2000.0, 1e5])
@pytest.mark.parametrize("n", [4, 9, 500, 20_000])
def test_rows_around_a_large_mean_are_normalised_as_float64_does_it(n, mean, rng):
    rows = (rng.normal(size=(3, n)) + mean).astype(np.float32)
    rows[1] += 7 * mean  # each row by itself
    g = rng.normal(size=rows.shape).astype(np.float32)
    y, pull = normalised(rows)
    for columns in (False, True):
        layer = nn.BatchNorm1d(3, affine=False, momentum=1.0) if columns else nn.LayerNorm(n, 1e-5, False)
        x = tl.tensor(rows.T if columns else rows, requires_grad=True)
        found = layer(x)
        found.backward(gradient=g.T if columns else g)
        np.testing.assert_allclose(found.data.T if columns else found.data, y, rtol=3e-5, atol=3e-5)
        np.testing.assert_allclose(x.grad.data.T if columns else x.grad.data, pull(g), rtol=2e-4, atol=2e-5)
        if columns:
            variance = rows.var(1, ddof=1, dtype=np.float64)
            np.testing.assert_allclose(layer.running_var, variance, rtol=1e-4)


def test_the_second_derivative_at_rows_of_one_number_knows_that_they_are_equal(rng):
    x = tl.tensor(np.full((1, 7), 98765.4, np.float32), requires_grad=True)
    weights, direction = rng.normal(size=(2, 7)).astype(np.float32)
    (nn.LayerNorm(7, 1e-5, False)(x) * weights).sum().backward(create_graph=True)
    slope, x.grad = x.grad, None
    (slope * direction).sum().backward()
    # x̄ = s·(g − mean g − y·mean(g·y)), whose terms of first order about y = 0 vanish: s depends on (x − mean)² alone
    scale = 1e-5**-1.5
    np.testing.assert_allclose(x.grad.data / scale, 0, atol=1e-7)


def test_batchnorm_refuses_an_empty_batch_while_training_and_keeps_its_statistics():
    norm = nn.BatchNorm1d(3)
    with pytest.raises(ValueError, match=r"more than one value per feature.*\(0, 3\)"):
        norm(np.ones((0, 3)))
    assert norm.running_mean.tolist() == [0, 0, 0] and norm.num_batches_tracked == 0
    assert norm.eval()(np.ones((0, 3))).shape == (0, 3)


def test_second_derivatives_pass_through_the_normalising_layers(rng):
    with tl.default_dtype(np.float64):
        for layer in (nn.BatchNorm1d(4), nn.LayerNorm(4)):
            x, v = rng.normal(size=(5, 4)), rng.normal(size=(5, 4))
            weights = rng.normal(size=(5, 4))

            def f(x, layer=layer, weights=weights):
                return (np.tanh(layer(x)) * weights).sum()

            def slope(x, f=f):
                with tl.no_grad():
                    return tl.grad(f)(x)

            h = 1e-5
            numerical = (slope(x + h * v) - slope(x - h * v)) / (2 * h)
            t = tl.tensor(x, requires_grad=True)
            f(t).backward(create_graph=True)
            g = t.grad
            t.grad = None
            (g * v).sum().backward()
            np.testing.assert_allclose(t.grad.data, numerical, rtol=1e-5, atol=1e-7)


def test_frozen_parameters_get_no_gradient_and_stay_in_the_state(rng):
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    model[0].weight.requires_grad = False
    model(rng.normal(size=(4, 3))).sum().backward()
    assert model[0].weight.grad is None and model[0].bias.grad is not None and "0.weight" in model.state_dict()
    before = model[0].weight.numpy()
    optim.Adam(model.parameters(), lr=0.1, weight_decay=0.5).step()
    np.testing.assert_array_equal(model[0].weight.data, before)


# ---- init ----


def test_fixed_initialisations_fill_in_place_and_mark_the_change():
    t = tl.tensor(np.ones((2, 3)), requires_grad=True)
    stamp = t.stamp
    assert nn.init.constant_(t, 4.0) is t and (t.data == 4).all() and t.stamp > stamp
    assert (nn.init.zeros_(t).data == 0).all() and (nn.init.ones_(t).data == 1).all()
    np.testing.assert_array_equal(nn.init.eye_(t).data, np.eye(2, 3))


@pytest.mark.parametrize("shape", [(3, 7), (7, 3), (4, 4), (2, 3, 2)])
def test_orthogonal_rows_or_columns_are_orthonormal_times_the_gain(shape):
    m = nn.init.orthogonal_(tl.tensor(np.zeros(shape), requires_grad=True), gain=2.0, rng=1).data.reshape(shape[0], -1)
    small = m @ m.T if m.shape[0] <= m.shape[1] else m.T @ m
    np.testing.assert_allclose(small, 4 * np.eye(len(small)), atol=1e-12)


def test_a_seed_or_generator_makes_an_initialisation_repeatable():
    def drawn(rng):
        return nn.init.kaiming_normal_(tl.tensor(np.zeros((3, 2)), requires_grad=True), rng=rng).numpy()

    np.testing.assert_array_equal(drawn(7), drawn(np.random.default_rng(7)))
    assert not np.array_equal(drawn(7), drawn(8))


def test_fans_count_inputs_and_outputs():
    assert nn.init.fans(tl.tensor(np.zeros((5, 3, 2, 2)))) == (12, 20)


def test_a_summary_takes_inputs_for_their_shape():
    class Tokens(nn.Module):
        def __init__(self):
            self.embedding, self.out = nn.Embedding(5, 2), nn.Linear(2, 3)

        def forward(self, x):
            return self.out(self.embedding(x * 1))

    model = nn.Sequential(nn.Linear(4, 2))
    x = np.random.default_rng(0).normal(size=(7, 3, 4))
    for given in (x, tl.tensor(x)):
        assert str(tl.summary(model, given)) == str(tl.summary(model, (3, 4)))
    assert tl.summary(Tokens(), np.array([[4, 1], [0, 3]])).rows[-1].output_shape == (1, 2, 3)


def test_an_array_in_the_place_of_a_parameter_is_refused_and_the_parameter_stays():
    model = nn.Sequential(nn.Linear(2, 3))
    with pytest.raises(TypeError, match=r"weight is a parameter.*weight\.data = array"):
        model[0].weight = np.ones((3, 2))
    assert [name for name, _ in model.named_parameters()] == ["0.weight", "0.bias"]
    model[0].weight = tl.tensor(np.ones((3, 2)), requires_grad=True)
    model[0].bias = None
    assert [name for name, _ in model.named_parameters()] == ["0.weight"]


def test_a_state_inside_a_dict_is_named():
    model = nn.Linear(2, 3)
    with pytest.raises(ValueError, match=r"write model\.load_state_dict\(state\['state_dict'\]\)"):
        model.load_state_dict({"state_dict": model.state_dict(), "epoch": 3})


def test_a_prefix_and_a_part_at_once_are_loaded_by_the_line_that_is_advised():
    whole, part = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 2)), nn.Linear(2, 3)
    model, state = part, whole.state_dict()
    with pytest.raises(ValueError, match=r"prefix '0\.'") as raised:
        model.load_state_dict(state)
    line = str(raised.value).partition("write ")[2].partition("; missing")[0].partition("; unexpected")[0]
    eval(line, {"model": model, "state": state})
    np.testing.assert_array_equal(part.weight.data, whole[0].weight.data)
