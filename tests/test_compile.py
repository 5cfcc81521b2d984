"""A compiled function does what the function does, to the bit: in every situation of the zoo, and where others end.

The printed programs of twenty models are kept in tests/data/programs: ``python tests/test_compile.py`` writes them
anew, and whoever commits that reads the difference first.
"""

import contextlib
import difflib
import gc
import inspect
import os
import sys
import threading
import warnings
import weakref
from pathlib import Path

import compile_zoo as zoo
import numpy as np
import pytest
from compile_circumstances import BETWEEN, arrays_in
from compile_parts import ALONE, FRONTS, HIDDEN, LOSSES, OPTIONS, defaults
from compile_zoo import Situation, World, differences, live

import tinydl as tl
from tinydl import functional as F
from tinydl import nn, optim
from tinydl.compiling.compile import as_functions
from tinydl.compiling.guards import MISS
from tinydl.engine import random

PROGRAMS = Path(__file__).parent / "data" / "programs"
PAIRS = zoo.pairwise()

# ---- the zoo is whole ----


def layers():
    return {kind for kind in map(nn.__dict__.get, nn.__all__) if isinstance(kind, type)} - ALONE - {nn.Module}


def test_no_layer_is_left_out():
    assert set().union(*(layer.kinds for layer in [*FRONTS.values(), *HIDDEN.values()])) - {nn.Module} == layers()


@pytest.mark.parametrize("kind", sorted(layers(), key=lambda kind: kind.__name__), ids=lambda kind: kind.__name__)
def test_no_setting_of_a_layer_is_left_out(kind):
    tried = {name for layer in [*FRONTS.values(), *HIDDEN.values()] for name in layer.settings_of(kind)}
    assert tried == set(defaults(kind))


def test_no_optimizer_is_left_out():
    kinds = {kind for kind in map(optim.__dict__.get, optim.__all__) if isinstance(kind, type)}
    wanted = {kind for kind in kinds if issubclass(kind, optim.Optimizer)} - {optim.Optimizer}
    assert {option.kind for option in OPTIONS.values()} == wanted


@pytest.mark.parametrize("kind", sorted({o.kind for o in OPTIONS.values()}, key=str), ids=lambda kind: kind.__name__)
def test_no_setting_of_an_optimizer_is_left_out(kind):
    given = [option.settings for option in OPTIONS.values() if option.kind is kind]
    tried = {n for settings in given for n, value in settings.items() if value != defaults(kind).get(n)}
    assert tried == set(defaults(kind))


def losses():
    return {name for name in F.__all__ if name.endswith(("_loss", "entropy", "entropy_with_logits", "kl_div"))}


def test_no_loss_is_left_out():
    assert {loss.name for loss in LOSSES.values()} == losses()
    assert not {name for name, f in vars(F).items() if "reduction" in getattr(f, "__annotations__", {})} - losses()


@pytest.mark.parametrize("name", sorted(losses()))
def test_no_option_of_a_loss_is_left_out(name):
    tried = {option for loss in LOSSES.values() if loss.name == name for option in loss.settings}
    assert tried == set(defaults(getattr(F, name)))


def test_every_layer_meets_every_option_and_circumstance_and_these_each_other():
    assert not zoo.all_pairs().difference(*map(zoo.met, PAIRS))
    assert {situation.loss_name for situation in PAIRS} == set(LOSSES)
    assert all(situation.fits for situation in PAIRS)
    assert len({situation.name for situation in PAIRS}) == len(PAIRS) < 1100


# ---- every pair, and a part of the product ----


HEAVY = ("LSTM", "GRU", "RNN", "Attention", "Transformer")  # layers that take as long as all others together


def marked(situation):
    marks = [pytest.mark.slow] if any(layer in situation.name for layer in HEAVY) else []
    return pytest.param(situation, id=situation.name, marks=marks)


@pytest.mark.parametrize("situation", [marked(situation) for situation in PAIRS])
def test_a_compiled_step_leaves_what_the_function_leaves(situation):
    pair = live(situation)
    assert all(np.isfinite(array).all() for array in arrays_in([p for _, p, _ in pair.parameters]))
    if situation.keeps_signature and len(pair.compiled.functions) == 1:
        alone = situation.between.calls - pair.compiled.ran
        assert alone >= (1 if situation.check else 2), "the program didn't run alone"


SLOW = 40  # groups, so that all processors have some


@pytest.mark.slow
@pytest.mark.parametrize("group", range(SLOW))
def test_fifty_steps_of_situations_drawn_from_the_product_of_everything(group):
    for situation in zoo.sampled(20, seed=group):
        live(situation, 50)


LATE = ["LayerSettings", "OptimizerNumbers", "OptimizerSwitches", "TargetsRefused", "EvalForAWhile", "DataAssigned"]


@pytest.mark.parametrize("name", LATE)
def test_what_happens_late_counts(name, monkeypatch):
    between = BETWEEN[name]
    at = 50 if name == "TargetsRefused" else 100

    class Late(type(between)):
        """The same, but the third and the fourth call are late ones."""

        calls = at + 3

        def before(self, w, call):
            super().before(w, call - at + 3 if call >= at else 1)

        def batch(self, w, x, y, call):
            return super().batch(w, x, y, call - at + 4 if call >= at else 1)

        def raises(self, call):
            return super().raises(call - at + 4 if call >= at else 1)

    monkeypatch.setitem(BETWEEN, name, Late())
    live(Situation("Embedding", "Dropout(p)", "Adam", "plain", "Arrays", name, "cross_entropy"))
    live(
        Situation(
            "Follows", "BatchNorm1d(eps, momentum)", "SGD", "plain", "Arrays", name, "cross_entropy(soft)", check=False
        )
    )


@pytest.mark.parametrize("value", [-0.1, float("nan"), "fast"])
def test_a_rate_written_into_a_group_that_cannot_be_meant_is_refused_and_nothing_moves(value):
    layer = nn.Linear(3, 2)
    optimizer = optim.SGD(layer.parameters(), lr=0.1)

    @tl.compile
    def step(x):
        optimizer.zero_grad()
        loss = (layer(x) ** 2).mean()
        loss.backward()
        optimizer.step()
        return loss.item()

    x = np.arange(12, dtype=np.float32).reshape(4, 3)
    for _ in range(3):
        step(x)
    before = layer.weight.data.copy()
    optimizer.groups[0]["lr"] = value
    with pytest.raises((ValueError, TypeError), match="lr"):
        step(x)
    np.testing.assert_array_equal(layer.weight.data, before)


@pytest.mark.parametrize("given", [np.float64, np.float16])
def test_a_rate_written_into_a_group_counts_as_the_number_that_the_constructor_would_make_of_it(given):
    worlds = []
    for compile in (lambda step: step, tl.compile(check=False)):
        tl.manual_seed(0)
        layer = nn.Linear(30, 20)
        optimizer = optim.SGD(layer.parameters(), lr=0.1)

        def step(x, layer=layer, optimizer=optimizer):
            optimizer.zero_grad()
            (layer(x) ** 2).mean().backward()
            optimizer.step()

        worlds.append((layer, optimizer, compile(step)))
    x = np.random.default_rng(0).standard_normal((8, 30)).astype(np.float32)
    for call in range(1, 6):
        for _, optimizer, step in worlds:
            optimizer.groups[0]["lr"] = given(0.123456789 / call)
            step(x)
        assert worlds[0][0].weight.data.tobytes() == worlds[1][0].weight.data.tobytes()


# ---- arguments, computed with as NumPy computes with arrays ----

EXPRESSIONS = {
    "x + 1": lambda x, y, i: x + 1,
    "1 / (x * x + 1)": lambda x, y, i: 1 / (x * x + 1),
    "-abs(x) ** 2": lambda x, y, i: -(abs(x) ** 2),
    "x // 0.5": lambda x, y, i: x // 0.5,
    "x % 0.5": lambda x, y, i: x % 0.5,
    "round(x, 1)": lambda x, y, i: round(x, 1) if isinstance(x, tl.Tensor) else np.round(x, 1),
    "x @ y.T": lambda x, y, i: x @ y.T,
    "np.float32(2) * x": lambda x, y, i: np.float32(2) * x,
    "x.astype(np.float64)": lambda x, y, i: x.astype(np.float64),
    "x.astype(int)": lambda x, y, i: x.astype(int),
    "x.copy()": lambda x, y, i: x.copy(),
    "x itself": lambda x, y, i: x,
    "x.T": lambda x, y, i: x.T,
    "x.reshape": lambda x, y, i: x.reshape(-1, 2),
    "len(x), x.shape, x.dtype": lambda x, y, i: (len(x), x.shape, x.ndim, x.size, x.dtype.kind),
    "x.sum()": lambda x, y, i: (x.sum(), x.mean(axis=0), x.max(axis=1, keepdims=True), x.std(), x.var(axis=0)),
    "x.sum().item()": lambda x, y, i: x.sum().item(),
    "float(x.sum())": lambda x, y, i: float(x.sum()),
    "x.min(), x.prod()": lambda x, y, i: (x.min(), x.prod(axis=0)),
    "x.argmax(1)": lambda x, y, i: (x.argmax(1), x.argmin(), np.argsort(x, axis=0)),
    "np.sort(x)": lambda x, y, i: np.sort(x, axis=1),
    "x[1:3]": lambda x, y, i: (x[1:3], x[::-1], x[..., None], x[-1], x[0, 1]),
    "x[i]": lambda x, y, i: (x[i], x[i, 0], x[:, i[:3] % 4], np.take(x, i, axis=0)),
    "x[x > 0]": lambda x, y, i: x[x > 0].sum(),
    "np.where": lambda x, y, i: np.where(x > 0, x, y),
    "x > y": lambda x, y, i: (x > y, x == x, (x > 0) & (y > 0), ~(x > 0), (x > 0).mean(), (x > 0).any()),
    "np.isfinite": lambda x, y, i: (np.isfinite(x).all(), np.isnan(x), np.sign(x), np.floor(x)),
    "np.count_nonzero": lambda x, y, i: np.count_nonzero(x > 0),
    "np.concatenate": lambda x, y, i: (np.concatenate([x, y]), np.stack([x, y]), np.vstack((x, y))),
    "np.concatenate of what dies there": lambda x, y, i: (lambda a, b: np.concatenate([b, a]) * 3)(x * 2, y + 1),
    "np.stack of what dies there": lambda x, y, i: (lambda a, b, c: np.stack([c, b, a], 1) * 3)(x * 2, y + 1, x - y),
    "np.split": lambda x, y, i: np.split(x, 2),
    "np.linalg": lambda x, y, i: (np.linalg.norm(x), np.linalg.inv(x.T @ x + np.eye(4, dtype=np.float32))),
    "np.einsum": lambda x, y, i: np.einsum("ij,ij->i", x, y),
    "np.clip": lambda x, y, i: (np.clip(x, -0.5, 0.5), np.maximum(x, y), np.minimum(x, 0)),
    "np.cumsum": lambda x, y, i: (np.cumsum(x, axis=0), np.diff(x, axis=1), np.median(x, axis=0)),
    "np.roll": lambda x, y, i: (np.roll(x, 1, axis=0), np.flip(x, 0), np.tile(x, 2), np.repeat(x, 2, axis=0)),
    "np.pad": lambda x, y, i: np.pad(x, ((1, 0), (0, 2))),
    "np.zeros_like": lambda x, y, i: (np.zeros_like(x), np.ones_like(x) + x, np.full(x.shape, 3.0) * x),
    "np.arange": lambda x, y, i: np.arange(len(x)) * x[:, 0],
    "i + 1": lambda x, y, i: (i + 1, i * 2, i % 3, i.max(), i.sum(), (i == 2).sum()),
    "one_hot(i, 6)": lambda x, y, i: F.one_hot(i, 6),
    "one_hot(i)": lambda x, y, i: F.one_hot(i),
    "for row in x": lambda x, y, i: sum(row.sum() for row in x),
    "a, b = x[:2]": lambda x, y, i: (lambda a, b: a * b)(*x[:2]),
    "tl.tensor(x)": lambda x, y, i: tl.tensor(x) * 2,
    "softmax(x)": lambda x, y, i: (F.softmax(x), F.logsumexp(x, axis=0), F.relu(x), F.gelu(x), F.erf(x)),
    "tl.grad": lambda x, y, i: tl.grad(lambda v: (np.tanh(v) * y).sum())(x),
    "tl.hessian": lambda x, y, i: tl.hessian(lambda v: (v**3).sum())(x[0]),
    "tl.jacobian": lambda x, y, i: tl.jacobian(np.sin)(x[0]),
    "np.unique(i)": lambda x, y, i: np.unique(i),
    "x[:n] by an argument": lambda x, y, i: x[: i[0]],
    "for n in range(i[0])": lambda x, y, i: sum(x[0] for _ in range(i[0])),
    "if x.sum() > 0": lambda x, y, i: x if x.sum() > 0 else y,
    "x.tolist()": lambda x, y, i: x.tolist(),
    "np.bincount(i)": lambda x, y, i: np.bincount(i, minlength=6),
    "x[0] = 0": lambda x, y, i: set_first(x.copy()),
    "x += 1": lambda x, y, i: add_one(x.copy()),
    "x += 1 under two names": lambda x, y, i: (under_two_names(x.copy()), under_two_names(np.zeros_like(x)), x),
    "x += 1 of a row": lambda x, y, i: (lambda z: (under_two_names(z[0]), z))(x * 2),
    "n += 1 under two names": lambda x, y, i: (under_two_names(x.sum()), under_two_names(x.astype(int))),
    "n += x": lambda x, y, i: added(np.log1p(i[0] - i[0]), x),
    "x ** array of one number": lambda x, y, i: [
        *((x.reshape(24, 1) * THOUSANDS) ** c for c in ALIKE_EVERYWHERE), ALIKE_EVERYWHERE[0][:6, :4] ** x
    ],
    "x[a mask without axes]": lambda x, y, i: (x[x[0, 0] > 0].mean() + x, x[0, 0][x[0, 0] > 0].sum()),
    "i without axes as another dtype": lambda x, y, i: (i[0].astype(np.int8), i.sum().astype(np.float32)),
    "the other way round in memory": lambda x, y, i: (x.astype(">f4").copy().dtype.str, x.astype(">f4").copy() * 2),
    "float16 and numbers beyond it": lambda x, y, i: (np.minimum(x.astype(np.float16), 1e5), np.float16(2) * 1e5),
    "relu of a constant": lambda x, y, i: tl.grad(lambda t: (F.relu(t * 2) * x * x).sum())(tl.tensor(SIGNS)),
    "np.where(x > 0)": lambda x, y, i: x[np.where(x > x[0, 0])],
    "np.asarray": lambda x, y, i: np.asarray(x.astype(int)) * 2 + x,
}  # fmt: skip
ALIKE_EVERYWHERE = [np.full((24, 400), c, np.float32) for c in (1.5, 2, -1, 0.5, 1)]
THOUSANDS = np.linspace(0.1, 3, 400, dtype=np.float32)  # an array as exponent changes the last bit of some
SIGNS = np.array([-1, 1, 0, 2], np.float32)
MAY_BE_REFUSED = {
    "x[x > 0]", "one_hot(i)", "np.unique(i)", "x[:n] by an argument", "for n in range(i[0])", "if x.sum() > 0",
    "x.tolist()", "np.bincount(i)", "x[0] = 0", "float(x.sum())", "np.where(x > 0)", "np.asarray",
}  # fmt: skip


def set_first(x):
    x[0] = 0
    return x


def add_one(x):
    x += 1
    return x


def added(n, x):
    n += x
    return n


def under_two_names(x):
    other = x
    x += 1
    return x, other


@pytest.mark.parametrize("name", EXPRESSIONS)
@pytest.mark.parametrize("check", [True, False], ids=["checked", "unchecked"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_arguments_are_computed_with_as_arrays_are(name, check):
    function, rng = EXPRESSIONS[name], np.random.default_rng(0)
    run = tl.compile(function, check=check)
    for call in range(1, 7):
        x, y = (rng.normal(size=(6, 4)).astype(np.float32) for _ in range(2))
        i = rng.integers(0, 5, 6)
        kept = [a.tobytes() for a in (x, y, i)]
        wanted = function(x, y, i)
        try:
            given = run(x, y, i)
        except tl.CompileError:
            assert name in MAY_BE_REFUSED
            return
        assert not list(differences(wanted, given, f"call {call}"))
        assert [a.tobytes() for a in (x, y, i)] == kept
        for array in arrays_in(given):
            if name != "x itself" and array.flags.writeable:
                array[...] = 0  # which is nobody else's
        assert name == "x itself" or [a.tobytes() for a in (x, y, i)] == kept or shares(wanted, x, y, i)


def shares(value, *arrays):
    """Whether what eager code gives is a view of an argument."""
    return any(np.shares_memory(a, b) for a in arrays_in(value) for b in arrays)


def test_whole_numbers_wrap_without_a_warning():
    run = tl.compile(lambda x: x.max() * x.max(), check=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert [int(run(np.array([200, 5], np.uint8))) for _ in range(3)] == [64] * 3


def test_a_gradient_that_is_returned_is_not_the_memory_of_the_parameters():
    w = tl.tensor(np.ones(3, np.float32), requires_grad=True)

    @tl.compile
    def step(x):
        w.grad = None
        (w * w * x).sum().backward()
        return w.grad

    for _ in range(4):
        given = step(np.ones(3, np.float32))
        given.data[...] = 99
        assert (w.grad.data == 2).all()


def test_constants_that_lie_otherwise_are_two():
    straight = np.random.default_rng(1).normal(size=(4, 30)).astype(np.float32)
    turned = np.asfortranarray(straight)
    run = tl.compile(lambda x: (x * straight, x * turned), check=False)
    for call in range(3):
        x = np.array([call], np.float32)
        assert [given.strides for given in run(x)] == [(x * straight).strides, (x * turned).strides]


class Constant(nn.Module):
    """A buffer that becomes the same at each call."""

    def __init__(self):
        super().__init__()
        self.buffer = np.zeros(2, np.float32)

    def forward(self, x):
        self.buffer = np.ones_like(self.buffer) * 2
        return x * 3


def test_what_the_recorded_call_left_is_the_callers_own():
    w, model = tl.tensor(np.ones((5, 4), np.float32), requires_grad=True), Constant()

    @tl.compile(check=False)
    def step(x):
        w.grad = None
        (model(x).sum() + w.sum()).backward()

    for _ in range(4):
        step(np.ones(2, np.float32))
        assert (w.grad.data == 1).all() and (model.buffer == 2).all()
        w.grad.data[...] = model.buffer[...] = 7


def scaled(w, x):
    if w.grad is not None:
        w.grad = w.grad * 0.5
    (w * x + OTHER).sum().backward()


def emptied(w, x):
    w.grad = None


def computed(w, x):
    w.grad = w.detach() * x


def set_to_ones(w, x):
    w.grad = tl.tensor(np.ones(3, np.float32))


def set_to_that_of_another(w, x):
    (w * x).sum().backward()
    OTHER.grad = w.grad


OTHER = tl.tensor(np.ones(3, np.float32), requires_grad=True)


@pytest.mark.parametrize("change", [scaled, emptied, computed, set_to_ones, set_to_that_of_another])
@pytest.mark.parametrize("frozen", [False, True])
def test_gradients_that_are_set_by_hand_are_left_as_they_are_or_refused(change, frozen):
    ours, theirs = (tl.tensor(np.ones(3, np.float32), requires_grad=True) for _ in range(2))
    run = tl.compile(lambda x: change(theirs, x), check=False)
    for call in range(8):
        x = np.full(3, call, np.float32)
        if call in (3, 5):
            for w in (ours, theirs):
                w.grad = None if call == 3 else tl.tensor(np.full(3, 9, np.float32))
        for w in (ours, theirs):
            w.requires_grad = not (frozen and change is scaled and call in (6, 7))
        change(ours, x)
        try:
            run(x)
        except tl.CompileError as error:
            assert change.__name__.startswith("set_to") and "is set to what this step didn't compute" in str(error)
            return
        assert (ours.grad is None) == (theirs.grad is None)
        assert ours.grad is None or ours.grad.data.tobytes() == theirs.grad.data.tobytes()
    assert not change.__name__.startswith("set_to")


def test_an_error_after_the_first_change_leaves_what_the_function_leaves():
    worlds = []
    for compile in (lambda step: step, tl.compile(check=False)):
        tl.manual_seed(0)
        model = nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Linear(5, 3))
        optimizer = optim.Adam(model.parameters())

        def step(x, y, model=model, optimizer=optimizer):
            with tl.no_grad():
                model[0].weight *= 0.9
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return F.one_hot(y, 3)

        worlds.append((model, compile(step)))
    for call in range(6):
        rng = np.random.default_rng(call)
        x, y = rng.normal(size=(8, 4)).astype(np.float32), rng.integers(0, 3, 8)
        y[call] = 3 if call in (1, 4) else 0
        said = []
        for _, step in worlds:
            try:
                said.append(step(x, y).tobytes())
            except ValueError as error:
                said.append(str(error))
        assert said[0] == said[1]
        ours, theirs = (model.state_dict() for model, _ in worlds)
        assert all(ours[name].tobytes() == theirs[name].tobytes() for name in ours)


def test_a_label_that_is_no_class_is_named_while_a_program_is_recorded():
    with pytest.raises(ValueError, match=r"one_hot: labels\[1\] is 5, but with 3 classes labels go from 0 to 2"):
        tl.compile(lambda y: F.one_hot(y, 3))(np.array([0, 5]))


# ---- sizes ----


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("steps", [False, True])
def test_what_is_added_up_of_constants_keeps_its_axes(rows, steps):
    worlds = []
    for compile in (lambda step: step, tl.compile(check=False)):
        tl.manual_seed(0)
        critic = nn.Linear(4, rows)
        optimizer = optim.SGD(critic.parameters(), lr=0.1)

        def step(x, y, critic=critic, optimizer=optimizer):
            optimizer.zero_grad()
            (critic(x).mean() - critic(y).mean()).backward()
            critic(x).sum().backward()
            optim.clip_grad_norm(critic.parameters(), 1.0)
            if steps:
                optimizer.step()

        worlds.append((critic, compile(step)))
    for call in range(5):
        x, y = np.random.default_rng(call).normal(size=(2, 6, 4)).astype(np.float32)
        for _, step in worlds:
            step(x, y)
        for ours, theirs in zip(*(critic.parameters() for critic, _ in worlds), strict=True):
            assert ours.data.tobytes() == theirs.data.tobytes()
            assert steps or ours.grad.data.tobytes() == theirs.grad.data.tobytes()


def test_a_large_parameter_whose_gradients_add_up_gets_a_momentum_later():
    worlds = []
    for compile in (lambda step: step, tl.compile(check=False)):
        w = tl.tensor(np.ones((200, 200), np.float32), requires_grad=True)
        optimizer = optim.SGD([w], lr=0.1)

        def step(x, w=w, optimizer=optimizer):
            (w * x).sum().backward()
            optimizer.step()

        worlds.append((w, optimizer, compile(step)))
    for call in range(6):
        for _, optimizer, step in worlds:
            optimizer.groups[0]["momentum"] = 0.9 * (call > 2)
            step(np.full(200, call, np.float32))
        assert worlds[0][0].data.tobytes() == worlds[1][0].data.tobytes()


@pytest.mark.parametrize("how", ["clip_grad_norm", "clip_grad_value", "two backward passes"])
def test_a_parameter_without_axes_is_updated_beside_others(how):
    worlds = []
    for compile in (lambda step: step, tl.compile):
        params = [tl.tensor(np.full(shape, 0.5, np.float32), requires_grad=True) for shape in ((3,), (), (1, 2))]
        optimizer = optim.Adam(params)

        def step(x, params=params, optimizer=optimizer):
            optimizer.zero_grad()
            ((params[0] * x * params[1]) ** 2).sum().backward()
            if how.startswith("two"):
                sum((p * params[1]).sum() for p in params).backward()
            else:
                getattr(optim, how)(params, 0.1)
            optimizer.step()

        worlds.append((params, compile(step)))
    for call in range(5):
        for _, step in worlds:
            step(np.full(3, call, np.float32))
        for ours, theirs in zip(*(params for params, _ in worlds), strict=True):
            assert ours.data.tobytes() == theirs.data.tobytes()


@pytest.mark.parametrize("name", OPTIONS)
def test_parameters_of_any_size_are_updated_as_eager_code_updates_them(name):
    # one by one, several at once, and in blocks
    sizes = [(300, 300), (3,), (5, 2), (100, 163), (2**15 + 1,), (), (100, 164), (2**15,)]
    worlds = []
    for compile in (lambda step: step, tl.compile):
        rng = np.random.default_rng(0)
        params = [tl.tensor(rng.normal(size=size).astype(np.float32), requires_grad=True) for size in sizes]
        optimizer = OPTIONS[name].make([(f"p{i}", p) for i, p in enumerate(params)])
        worlds.append((params, optimizer, compile(sum_of_squares(params, optimizer))))
    for call in range(1, 7):
        (params, optimizer, step), (others, other, run) = worlds
        factor = np.array(call, np.float32)
        assert step(factor) == run(factor)
        for p, q in zip(params, others, strict=True):
            assert not list(differences(p.data, q.data, f"call {call}, a parameter of shape {p.shape}"))
        assert not list(differences(optimizer.state_dict(), other.state_dict(), f"call {call}, state"))
    assert len(run.programs) <= 2


@pytest.mark.parametrize("name", OPTIONS)
def test_two_programs_by_turns_settle(name):
    pair = zoo.Pair(Situation(option_name=name, between_name="UnevenBatches"))
    for call in range(1, 13):
        pair.call(call)
    before = pair.compiled.ran
    for call in range(
        13, 17
    ):  # the seventh and eighth of each program, or the sixth and seventh, one of which is compared
        pair.call(call)
    assert pair.compiled.ran <= before + 2


@pytest.mark.parametrize("name", OPTIONS)
def test_a_part_of_the_parameters_may_be_ahead_of_the_others(name):
    # one optimizer, and two functions of which one trains the last layer alone
    worlds = []
    for compile in (lambda step: step, tl.compile):
        tl.manual_seed(0)
        model = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 2))
        optimizer = OPTIONS[name].make([*model.named_parameters()])
        steps = [compile(trained_by(model, optimizer, first)) for first in (0, 2)]
        worlds.append((model, optimizer, steps))
    (model, optimizer, steps), (other, twin, runs) = worlds
    rng = np.random.default_rng(0)
    for call, which in enumerate([0, 0, 0, 1, 0, 0, 1, 1, 0, 0, 1, 0, 0]):
        x = rng.normal(size=(6, 4)).astype(np.float32)
        assert not list(differences(steps[which](x), runs[which](x), f"call {call}"))
        assert not list(differences(model.state_dict(), other.state_dict(), f"call {call}, parameters"))
        assert not list(differences(optimizer.state_dict(), twin.state_dict(), f"call {call}, state"))


def trained_by(model, optimizer, first):
    """A step that trains the layers from this one on."""

    def step(x):
        optimizer.zero_grad()
        with tl.no_grad():
            for layer in model[:first]:
                x = layer(x)
        for layer in model[first:]:
            x = layer(x)
        loss = (x * x).mean() - x.sum()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def sum_of_squares(params, optimizer):
    """A step in which each parameter has a gradient of its own."""

    def step(factor):
        optimizer.zero_grad()
        loss = sum((np.sin(p) * p).sum() for p in params) * factor
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


TERMS = {
    "afterwards": lambda u, v, p, q, r: [r * u, p * v, q * v, p * u, q * u],
    "before": lambda u, v, p, q, r: [p * v, q * v, r * u[[0, 3, 3, 1, 0]], p * u, q * u],
}


@pytest.mark.parametrize("name", TERMS)
def test_sums_that_are_equal_for_a_while_are_told_apart(name):
    # the last terms come first: to u's gradient, q + p, which v's is too, a third term is added in place, before v's is
    # added up or afterwards
    def step(u, v, p, q, r):
        du, dv = tl.grad(lambda u, v: sum(TERMS[name](u, v, p, q, r)).sum(), argnums=(0, 1))(u, v)
        return du * 2, dv * 3

    run = tl.compile(step, check=False)
    for call in range(4):
        arrays = np.random.default_rng(call).normal(size=(5, 5)).astype(np.float32)
        assert not list(differences(step(*arrays), run(*arrays), f"call {call}"))


def test_what_a_loss_decides_by_its_values_is_decided_anew():
    # of an infinite log-probability that has no share, the loss takes 0
    def step(x, t):
        return tl.value_and_grad(lambda x: F.kl_div(x, t))(x)

    run = tl.compile(step, check=False)
    for call in range(8):
        rng = np.random.default_rng(call)
        x, t = np.log(rng.random((4, 3)).astype(np.float32)), rng.random((4, 3)).astype(np.float32)
        if call in (3, 4, 6):
            x[0, 0], t[0, 0] = -np.inf, 0
        assert not list(differences(step(x, t), run(x, t), f"call {call}"))


# ---- threads ----


@pytest.mark.parametrize("beside", [False, True], ids=["compiled alone", "beside eager code"])
@pytest.mark.parametrize("rows", [[8] * 8, [1, 2, 3, 4, 1, 2, 3, 4]], ids=["one signature", "several"])
def test_eight_threads_share_one_compiled_model(rows, beside):
    tl.manual_seed(0)
    layers = [nn.Linear(6, 16), nn.GELU(), nn.BatchNorm1d(16), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 3)]
    model = nn.Sequential(*layers)
    model(np.random.default_rng(0).normal(size=(20, 6)))
    model.eval()
    run, wrong, barrier = tl.compile(model), [], threading.Barrier(8)
    batches = [np.random.default_rng(i).normal(size=(60, n, 6)).astype(np.float32) for i, n in enumerate(rows)]
    wanted = [[tl.no_grad()(model)(x) for x in xs] for xs in batches]

    def use(number):
        barrier.wait()
        for call, x in enumerate(batches[number]):
            function = model if beside and (number + call) % 2 else run
            with tl.no_grad():
                try:
                    given = function(x)
                except Exception as error:
                    wrong.append(f"call {call} of thread {number}: {error!r}")
                else:
                    wrong.extend(differences(wanted[number][call], given, f"call {call} of thread {number}"))

    threads = [threading.Thread(target=use, args=(number,)) for number in range(8)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # seconds: they take turns within a call
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert not wrong


# ---- exceptions ----


class Broken(BaseException):
    """What is raised in the middle of a program, like Ctrl-C."""


def is_a_program(frame):
    name = frame.f_code.co_filename
    return not name.startswith("<frozen") and not os.path.exists(name) and name != "<string>"


def each_line(run):
    """The lines of programs that a call runs, and what it gives."""
    lines = {}

    def trace(frame, event, argument):
        if event == "call" and not is_a_program(frame):
            return None
        if event == "line":
            lines[frame.f_code.co_filename, frame.f_lineno] = None
        return trace

    traced(trace, run)
    return list(lines)


def broken_at(line, run, error=Broken):
    """Make the call, with an exception before this line runs."""

    def trace(frame, event, argument):
        if event == "call" and not is_a_program(frame):
            return None
        if event == "line" and (frame.f_code.co_filename, frame.f_lineno) == line:
            raise error
        return trace

    traced(trace, run)


def traced(trace, run):
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        run()
    finally:
        sys.settrace(before)


BREAKABLE = [
    Situation(
        "Follows",
        "BatchNorm1d(eps, momentum)",
        "Adam(lr, betas, eps, weight_decay)",
        "plain",
        "Arrays",
        "Nothing",
        "cross_entropy",
        False,
    ),
    Situation("Keeps", "Dropout(p)", "SGD(nesterov, maximize)", "clips_the_norm", "Arrays", "Nothing", "kl_div", False),
    Situation(
        "Embedding",
        "GELU",
        "RMSprop(centered, maximize)",
        "accumulates_inside",
        "Arrays",
        "Nothing",
        "l1_loss",
        False,
    ),
]


@pytest.mark.parametrize(
    ("situation", "error"),
    [(BREAKABLE[0], Broken), (BREAKABLE[1], Broken), (BREAKABLE[2], Broken), (BREAKABLE[1], MemoryError)],
    ids=str,
)
def test_after_an_exception_at_any_line_the_next_call_is_right(situation, error):
    pair = zoo.Pair(situation)
    for call in range(1, 7):
        pair.call(call)
    x, y = pair.batch(7)
    world = pair.compiled
    lines = each_line(lambda: world.call(x, y, 7))
    broken = 0
    for number, line in enumerate(lines):
        try:
            broken_at(line, lambda call=9 + 2 * number: reraised(world.call(x, y, call)), error)
        except (error, tl.CompileError):
            broken += 1
        take_over(pair.eager, world)
        pair.held.clear()
        pair.arrays = pair.parameter_arrays()
        pair.call(7)
    assert broken > 20


def reraised(outcome):
    result, error = outcome
    if error is not None:
        raise error
    return result


def take_over(eager, compiled):
    """Bring the eager world into the state of the compiled one."""
    eager.drawn = compiled.drawn
    for module, other in zip(eager.model.modules(), compiled.model.modules(), strict=True):
        for name, value in vars(other).items():
            if isinstance(value, np.ndarray):
                vars(module)[name] = value.copy()
            elif isinstance(value, tl.Tensor) and not value.requires_grad:
                vars(module)[name] = tl.tensor(value.data)
    for p, q in zip(eager.model.parameters(), compiled.model.parameters(), strict=True):
        p.data, p.grad = q.data.copy(), None if q.grad is None else tl.tensor(q.grad.data)
    for optimizer, other in zip(eager.optimizers, compiled.optimizers, strict=True):
        optimizer.load_state_dict(dict(other.state_dict()))


def test_a_call_that_the_program_gives_up_finds_the_gradients_that_there_were():
    # labels of which some are ignored are another program's; by then this one has forgotten the gradients
    worlds = []
    for compile in (lambda step: step, tl.compile):
        tl.manual_seed(0)
        model = nn.Linear(4, 3)

        def step(x, y, model=model):
            last = None if model.weight.grad is None else (model.weight.grad**2).sum().item()
            model.zero_grad()
            loss = F.cross_entropy(model(x), y, ignore_index=-1)
            loss.backward()
            return last, loss.item()

        worlds.append(compile(step))
    for call in range(12):
        rng = np.random.default_rng(call)
        x, y = rng.normal(size=(5, 4)).astype(np.float32), rng.integers(0, 3, 5)
        y[0] = -1 if call % 3 == 0 else 1
        assert worlds[0](x, y) == worlds[1](x, y)


def embedding_step(compile):
    tl.manual_seed(0)
    model = nn.Sequential(nn.Embedding(7, 3), nn.Flatten(), nn.Linear(6, 3))
    optimizer = optim.Adam(model.parameters())

    def step(x, y):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return model, compile(step)


def test_an_index_out_of_range_is_refused_at_any_call_as_eager_code_refuses_it():
    (model, step), (twin, run) = embedding_step(lambda step: step), embedding_step(tl.compile)
    rng = np.random.default_rng(0)
    for call in range(60):
        x, y = rng.integers(0, 7, (5, 2)), rng.integers(0, 3, 5)
        if call in (0, 1, 4, 49):
            x[3, 1] = 7
            said = []
            for function in (step, run):
                with pytest.raises(ValueError, match="rows 0 … 6") as caught:
                    function(x, y)
                said.append(str(caught.value))
            assert said[0] == said[1]
            x[3, 1] = -1
            for function in (step, run):
                with pytest.raises(ValueError, match="numbers -1 …"):
                    function(x, y)
            continue
        assert step(x, y) == run(x, y)
    assert not list(differences(model.state_dict(), twin.state_dict(), "state"))


def test_a_function_that_raises_by_itself_is_compiled_at_the_next_call():
    fail = True

    def tanh(x):
        if fail:
            raise KeyError("of the user")
        return np.tanh(x * 2)

    run = tl.compile(tanh)
    x = np.linspace(-1, 1, 5, dtype=np.float32)
    with pytest.raises(KeyError, match="of the user"):
        run(x)
    fail = False
    for _ in range(3):
        given = run(x)
        assert type(given) is np.ndarray and given.tobytes() == tanh(x).tobytes()


# ---- what can't be compiled ----


def step_with(look):
    """A training step that does something with logits, loss and arguments before it goes on."""

    def write(w):
        model, optimizer, loss_of = w.model, w.optimizer, w.loss_of

        def step(x, y):
            optimizer.zero_grad()
            z = model(x)
            loss = loss_of(z, y)
            found = look(w, x, y, z, loss)
            loss.backward()
            optimizer.step()
            return loss.item(), found

        return step

    return write


def decides_by_an_item(w, x, y, z, loss):
    return "large" if loss.item() > 1 else "small"


def decides_by_a_float(w, x, y, z, loss):
    return 1 if float(loss.detach()) < 1 else 0


def decides_by_a_tensor(w, x, y, z, loss):
    return 1 if loss > 1 else 0


def decides_by_an_argument(w, x, y, z, loss):
    return 1 if (x > 0).all() else 0


def computes_with_a_number(w, x, y, z, loss):
    return loss.item() * 2


def formats_a_number(w, x, y, z, loss):
    return f"{loss.item():.3f}"


def formats_a_tensor(w, x, y, z, loss):
    return f"{loss:.3f}"


def prints_a_number(w, x, y, z, loss):
    return str(loss.item())


def as_a_plain_array(w, x, y, z, loss):
    return np.asarray(x).sum()


def by_numpy(w, x, y, z, loss):
    return z.numpy().sum()


def by_data(w, x, y, z, loss):
    return z.data.sum()


def by_data_of_a_parameter(w, x, y, z, loss):
    return w.model.head.weight.data.sum()


def by_tolist(w, x, y, z, loss):
    return x.tolist()


def as_an_index(w, x, y, z, loss):
    return [10, 20, 30][z.argmax(axis=1)[0]]


def in_a_range(w, x, y, z, loss):
    return len(range(z.argmax()))


REFUSED = {  # what the sentence says of it
    decides_by_an_item: r"^a number made by \.item\(\) takes a value out of the step",
    decides_by_a_float: r"for a number return loss\.item\(\)",
    decides_by_a_tensor: r"^bool\(\) takes .* decide with it outside; what varies .* must be an argument",
    decides_by_an_argument: r"^bool\(\) takes",
    computes_with_a_number: r"Compute with the Tensors themselves",
    formats_a_number: r"^a number made by \.item\(\) takes",
    formats_a_tensor: r"for a number return loss\.item\(\)",
    prints_a_number: r"^a number made by \.item\(\) takes",
    as_a_plain_array: r"^a plain array, number or text made of a Tensor takes",
    by_numpy: r"^a plain array, number or text made of a Tensor takes",
    by_data: r"^a plain array, number or text made of a Tensor takes",
    by_data_of_a_parameter: r"^a plain array, number or text made of a Tensor takes",
    by_tolist: r"^\.tolist\(\) takes",
    as_an_index: r"^int\(\) takes",
    in_a_range: r"^int\(\) takes",
}


@pytest.mark.parametrize("look", REFUSED, ids=lambda look: look.__name__)
def test_what_takes_a_value_out_of_the_program_is_refused_and_leaves_nothing_broken(look):
    worlds = [World(zoo.PLAINEST, False), World(zoo.PLAINEST, False)]
    steps = [step_with(look)(world) for world in worlds]
    run = tl.compile(steps[1])
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(8, 6)).astype(np.float32), rng.normal(size=(8, 3)).astype(np.float32)
    random.generator().bit_generator.state = worlds[0].drawn
    for _ in range(2):
        with pytest.raises(tl.CompileError, match=REFUSED[look]) as caught:
            run(x, y)
        line = inspect.getsource(look).splitlines()[-1].strip()
        assert str(caught.value).endswith(f": {line})")
    results = [step(x, y) for step in steps]
    assert not list(differences(*results, "result"))
    assert not list(differences(*(world.state() for world in worlds), "state"))
    for p, q in zip(*(world.model.parameters() for world in worlds), strict=True):
        assert not list(differences(p, q, "parameter")) and not list(differences(p.grad, q.grad, "grad"))


def a_result_with_a_graph(model, optimizer):
    def step(x):
        return model(x).sum()

    return step


def a_part_without_a_backward_pass(model, optimizer):
    def step(x):
        optimizer.zero_grad()
        z = model(x)
        z.mean().backward()
        optimizer.step()
        return z, model(x)

    return step


def a_setting_of_the_optimizer(model, optimizer):
    def step(x):
        optimizer.zero_grad()
        model(x).mean().backward()
        optimizer.step()
        optimizer.lr = optimizer.lr * 0.5

    return step


def a_count_that_is_a_number(model, optimizer):
    class Counts(nn.Module):
        def __init__(self):
            self.inner, self.calls = model, 0

        def forward(self, x):
            self.calls += 1
            return self.inner(x)

    counts = Counts()

    def step(x):
        with tl.no_grad():
            return counts(x)

    return step


def a_mode(model, optimizer):
    def step(x):
        with tl.no_grad():
            y = model(x)
            model.eval()
            return y

    return step


def a_number_of_the_closure(model, optimizer):
    calls = 0

    def step(x):
        nonlocal calls
        calls += 1
        return x * 2

    return step


CHANGED_INSIDE = {
    a_result_with_a_graph: r"of shape \(\) that requires a gradient.* or return \.detach\(\)",
    a_part_without_a_backward_pass: r"of shape \(3, 1\) that requires a gradient.* Compile the whole step",
    a_setting_of_the_optimizer: r"changes optimizer\.lr itself.* change settings outside",
    a_count_that_is_a_number: r"changes Counts\.calls itself.* self\.calls = np\.array\(0\)",
    a_mode: r"changes Sequential\.training itself",
    a_number_of_the_closure: r"changes calls itself",
}


@pytest.mark.parametrize("write", CHANGED_INSIDE, ids=lambda write: write.__name__)
def test_what_a_program_could_not_repeat_is_refused(write):
    tl.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 4), nn.Dropout(0.2), nn.Linear(4, 1))
    run = tl.compile(write(model, optim.SGD(model.parameters(), momentum=0.9)))
    x = np.ones((3, 6), np.float32)
    for _ in range(2):
        model.train()
        with pytest.raises(tl.CompileError, match=CHANGED_INSIDE[write]):
            run(x)
        assert all(type(p.data) is np.ndarray for p in model.parameters())


# ---- what is watched ----

FACTOR = 2
KINDS = [
    (2, 3), (0.5, 0.25), (True, False), ("none", "tanh"), (None, 0), ((1, 2), (2, 1)), (1, 1.0), (1, True), (0.0, -0.0),
    ((1, 2), (1.0, 2)), (float("nan"), 1.0),
]  # fmt: skip


def used(value):
    """A number made of a setting of any kind."""
    if isinstance(value, tuple):
        return value[0] * 3
    return {"none": 3, "tanh": 4, None: 5}.get(value, value)


@pytest.mark.parametrize("values", KINDS, ids=repr)
@pytest.mark.parametrize("where", ["closure", "default", "keyword default", "global", "attribute", "class attribute"])
def test_settings_that_are_read_by_name_are_watched(where, values, monkeypatch):
    value = first = values[0]

    def closure(x):
        return x * used(value)

    def default(x, factor=first):
        return x * used(factor)

    def keyword(x, *, factor=first):
        return x * used(factor)

    def of_global(x):
        return x * used(FACTOR)

    class Scales(nn.Module):
        factor = first

        def forward(self, x):
            return x * used(self.factor)

    scales = Scales()
    if where == "attribute":
        scales.factor = first

    def attribute(x):
        return scales(x)

    function = {"closure": closure, "default": default, "keyword default": keyword, "global": of_global}.get(
        where, attribute
    )
    monkeypatch.setattr(sys.modules[__name__], "FACTOR", first)
    run = tl.compile(function, check=False)
    for call in range(6):
        x = np.arange(call, call + 4.0, dtype=np.float32 if call % 2 else np.int64)
        if call == 4:
            value = values[1]
            monkeypatch.setattr(sys.modules[__name__], "FACTOR", value)
            default.__defaults__, keyword.__kwdefaults__ = (value,), {"factor": value}
            scales.factor = value
        assert not list(differences(function(x), run(x), "result")), call


@pytest.mark.parametrize("values", KINDS, ids=repr)
def test_arguments_that_are_no_arrays_are_told_apart(values):
    run = tl.compile(lambda x, value: x * used(value))
    for call in range(8):
        x = np.arange(call, call + 4.0, dtype=np.float32 if call % 4 < 2 else np.int64)
        wanted = x * used(values[call % 2])
        assert not list(differences(wanted, run(x, values[call % 2]), f"call {call}"))


class Batch:
    """An argument of a user's own."""

    def __init__(self, x, y):
        self.x, self.y = x, y


def memory_mapped(x, y, path):
    mapped = np.memmap(path / "x", np.float32, "w+", shape=x.shape)
    mapped[...] = x
    return mapped, y


OBJECTS = {
    "an object of the user's": lambda x, y, path: (Batch(x, y), None),
    "np.memmap": memory_mapped,
    "np.matrix": lambda x, y, path: (x.view(np.matrix), y),
    "a masked array": lambda x, y, path: (np.ma.masked_array(x, x > 1), y),
    "a list of numbers": lambda x, y, path: (x.tolist(), y),
    "an array of objects": lambda x, y, path: (x.astype(object), y),
    "strings": lambda x, y, path: (np.array([str(v) for v in x.ravel()]).reshape(x.shape), y),
    "a set": lambda x, y, path: (x, {int(y[0])}),
    "a generator": lambda x, y, path: (x, (int(v) for v in y)),
    "a range": lambda x, y, path: (x, range(int(y[0]))),
    "a function": lambda x, y, path: (x, lambda: y),
    "NumPy's numbers": lambda x, y, path: (x[0, 0], y[1]),
    "an array without axes": lambda x, y, path: (np.array(x[0, 0]), y),
    "an empty array": lambda x, y, path: (x[:0], y[:0]),
    "a slice": lambda x, y, path: (x, slice(0, int(y[0]))),
}


def of_anything(first, second):
    """A number of whatever was given, computed in a way that suits it."""
    if isinstance(first, Batch):
        first, second = first.x, first.y
    if getattr(getattr(first, "dtype", None), "kind", "f") in "OU":
        first = first.astype(np.float32)
    if isinstance(first, list):
        first = np.array(first, np.float32)
    if callable(second):
        second = second()
    if isinstance(second, slice):
        second = len(range(10)[second])
    if not isinstance(second, (np.ndarray, np.generic, tl.Tensor, int)):
        second = sum(second)
    return (first * 2).sum() + (second if isinstance(second, int) else second.sum())


@pytest.mark.parametrize("name", OBJECTS)
@pytest.mark.parametrize("check", [True, False], ids=["checked", "unchecked"])
def test_arguments_of_any_kind_are_never_taken_for_former_ones(name, check, tmp_path):
    # new objects of which some may lie where former ones lay
    run, rng = tl.compile(of_anything, check=check, programs=3), np.random.default_rng(0)
    for call in range(12):
        x, y = rng.normal(size=(3, 2)).astype(np.float32), rng.integers(0, 9, 4)
        wanted = of_anything(*OBJECTS[name](x, y, tmp_path))
        try:
            given = run(*OBJECTS[name](x, y, tmp_path))
        except tl.CompileError:
            return
        assert np.asarray(wanted).tobytes() == np.asarray(given).tobytes(), call


FORMS = {
    "rows": lambda x: x[:5],
    "dtype": lambda x: x.astype(np.float64),
    "integers": lambda x: (x * 10).astype(np.int64),
    "Fortran order": np.asfortranarray,
    "every other column": lambda x: np.repeat(x, 2, axis=1)[:, ::2],
    "backwards": lambda x: x[::-1],
    "one row for all": lambda x: np.broadcast_to(x[0], x.shape),
    "a Tensor": tl.tensor,
    "a list": lambda x: [x],
    "another axis": lambda x: x[None],
}


@pytest.mark.parametrize("name", FORMS)
def test_the_form_of_an_argument_is_watched(name):
    def step(x):
        x = x[0] if isinstance(x, list) else x
        y = np.sin(x) * 3
        return y.sum(), y.sum(axis=0), (y * x).mean(axis=-1), (y.T @ y if y.ndim == 2 else y), y

    run = tl.compile(step, check=False)
    for call in range(9):
        x = np.random.default_rng(call).normal(size=(67, 67)).astype(np.float32)
        x = FORMS[name](x) if call in (3, 4, 6) else x
        assert not list(differences(step(x), run(x), f"call {call}"))


def test_the_form_of_a_buffer_is_watched():
    class Shift(nn.Module):
        def __init__(self):
            self.by = np.ones(3, np.float32)

        def forward(self, x):
            return x + self.by

    shift = Shift()
    run = tl.compile(lambda x: shift(x) * 2, check=False)
    for call, by in enumerate([1.0, 2.0, np.float64(3), 4.0, np.ones((2, 1)), 5.0]):
        shift.by = np.full(3, by, np.float32) if isinstance(by, float) else by * np.ones(3)
        x = np.full((2, 3), call, np.float32)
        assert not list(differences(shift(x) * 2, run(x), f"call {call}"))


def test_models_and_optimizers_may_be_arguments():
    def step(model, optimizer, x, y):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    def twins():
        tl.manual_seed(0)
        models = [nn.Linear(4, 3), nn.Linear(4, 3)]
        return [(model, optim.Adam(model.parameters())) for model in models]

    ours, theirs, run, rng = twins(), twins(), tl.compile(step), np.random.default_rng(0)
    for call in range(12):
        x, y = rng.normal(size=(5, 4)).astype(np.float32), rng.integers(0, 3, 5)
        turn = (0, 1, 1)[call % 3]
        assert step(*ours[turn], x, y) == run(*theirs[turn], x, y)
        for (model, _), (twin, _) in zip(ours, theirs, strict=True):
            assert not list(differences(model.state_dict(), twin.state_dict(), f"call {call}"))


def test_an_argument_may_be_the_very_array_of_a_parameter():
    worlds = []
    for compile in (lambda step: step, tl.compile):
        w = tl.tensor(np.arange(1, 4, dtype=np.float32), requires_grad=True)
        optimizer = optim.SGD([w], lr=0.1)

        def step(x, w=w, optimizer=optimizer):
            optimizer.zero_grad()
            loss = (w * w * x).sum()
            loss.backward()
            optimizer.step()
            return loss.item(), x * 1

        worlds.append((w, compile(step)))
    for call in range(8):
        first, second = (run(w.data if call != 5 else w.data.copy()) for w, run in worlds)
        assert not list(differences(first, second, f"call {call}"))
        assert worlds[0][0].data.tobytes() == worlds[1][0].data.tobytes()


def test_whether_gradients_are_recorded_is_watched():
    model = nn.Linear(3, 2)

    def look(x):
        z = model(x)
        return z.requires_grad, z.detach(), len(x)

    run = tl.compile(look, check=False)
    x = np.ones((4, 3), np.float32)
    for call in range(8):
        with tl.no_grad() if call in (3, 4, 6) else tl.enable_grad():
            assert not list(differences(look(x), run(x), f"call {call}"))


@pytest.mark.parametrize("given", [lambda i: i, lambda i: [i]], ids=["an array", "a list"])
def test_the_default_dtype_is_watched(given):
    def ones(i):
        return F.one_hot(i[0] if isinstance(i, list) else i, 4)

    run = tl.compile(ones, check=False)
    i = np.arange(4)
    for call in range(8):
        with tl.default_dtype(np.float64 if call in (3, 4, 6) else np.float32):
            assert not list(differences(ones(given(i)), run(given(i)), f"call {call}"))


def test_a_compiled_model_follows_its_mode_and_its_parameters():
    tl.manual_seed(1)
    model = nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Dropout(0.5), nn.Linear(5, 2)).eval()
    run = tl.compile(model)
    x = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    with tl.no_grad():
        for call in range(12):
            if call == 4:
                model[0].weight.data[0, 0] = 3
            if call == 6:
                model[1].running_mean = np.full(5, 0.5, np.float32)
            if call == 8:
                model[1].running_var[...] = 2
            if call == 10:
                model[3] = nn.Linear(5, 2)
            assert not list(differences(model(x), run(x), f"call {call}"))


def computed_twice(x):
    e = np.exp(x - 1)
    f = x - 1
    g = f * 2
    np.exp(f, out=f)
    return e + f + g


def gradient_of(loss):
    p = tl.tensor(np.linspace(0, 1, 9).reshape(3, 3), requires_grad=True)

    def gradient(x):
        p.grad = None
        loss(p, x).backward()
        return p.grad

    return gradient


ALIKE = {
    "along other axes": lambda x: (np.max(x, axis=0) * 2, np.max(x, axis=1) * 2),
    "other reductions": lambda x: (np.max(x, axis=0) * 2, np.min(x, axis=0) * 2),
    "read before it is changed": tl.primitive(computed_twice, lambda g, y, x: g),
    "one number, in rows": lambda x: x * np.full((3, 3), 2.0),
    "one number, as a gradient": gradient_of(lambda p, x: np.mean(p * x)),
    "numbers that differ": gradient_of(lambda p, x: np.sum(p * x * np.arange(9.0).reshape(3, 3))),
}


@pytest.mark.parametrize("name", ALIKE)
@pytest.mark.parametrize("order", "CF")
def test_what_is_alike_in_all_but_one_thing_is_computed_apart(name, order):
    run = tl.compile(ALIKE[name], check=False)
    for seed in range(3):
        x = np.asarray(np.random.default_rng(seed).normal(size=(3, 3)), order=order)
        expected = ALIKE[name](x)
        assert not list(differences(expected, run(x), name))


@pytest.mark.parametrize("around", [tl.no_grad, tl.enable_grad, contextlib.nullcontext])
def test_the_quick_way_in_is_open_in_calls_like_the_recorded_one_alone(around):
    run = tl.compile(nn.Linear(4, 2), check=False)  # whose calls 8, 16, … go the longer way
    x = np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4)
    records = around is not tl.no_grad
    with around():
        for _ in range(5):
            expected = run(x)
        enter = run.programs[0].enter
        assert enter(x).numpy().tobytes() == expected.numpy().tobytes()
        assert enter(x[:2]) is MISS and enter(x, x) is MISS and enter(np.asfortranarray(x)) is MISS
        with tl.enable_grad():
            assert (enter(x) is MISS) is not records
        with tl.no_grad():
            assert (enter(x) is MISS) is records
            with tl.strict():
                assert enter(x) is MISS
        with tl.strict():
            assert enter(x) is MISS
        with as_functions():
            assert enter(x) is MISS
    if around is tl.no_grad:
        assert enter(x) is MISS


@pytest.mark.parametrize("observe", [tl.strict, tl.detect_anomaly, tl.source_lines])
def test_with_an_observer_open_the_function_runs(observe):
    pair = zoo.Pair(Situation("Linear", "Dropout(p)", "Adam", "plain", "Arrays", "Nothing", "cross_entropy", False))
    for call in (1, 2, 3):
        pair.call(call)
    before = pair.compiled.ran
    with observe():
        pair.call(4)
    assert pair.compiled.ran == before + 1
    pair.call(5)


def test_there_is_a_program_for_each_signature_and_no_more_than_asked_for():
    run = tl.compile(lambda x: np.tanh(x) * 2, programs=3)
    for rows in (1, 2, 3, 2, 4, 5, 1):
        x = np.linspace(-1, 1, rows, dtype=np.float32)
        assert run(x).tobytes() == (np.tanh(x) * 2).tobytes()
        assert 1 <= len(run.programs) <= 3


def test_contents_of_other_objects_are_noticed_by_the_check():
    box = [2.0]

    def step(x):
        return np.tanh(x) * box[0]

    x = np.linspace(0, 1, 4, dtype=np.float32)
    run, unchecked = tl.compile(step), tl.compile(step, check=False)
    first = step(x)
    assert run(x).tobytes() == unchecked(x).tobytes() == first.tobytes()
    box[0] = 3.0
    with pytest.raises(tl.CompileError, match="multiply"):
        run(x)
    assert unchecked(x).tobytes() == first.tobytes()


def test_a_compiled_function_keeps_no_batch_alive():
    run = tl.compile(lambda x: np.tanh(x).sum())
    x = np.ones(5, np.float32)
    for _ in range(3):
        run(x)
    alive = weakref.ref(x)
    del x
    gc.collect()
    assert alive() is None


# ---- the printed programs ----

SHOWN = {
    "two_layers": Situation("Sequential", loss_name="cross_entropy"),
    "linear_regression": Situation("Linear(bias)"),
    "adam": Situation(option_name="Adam", loss_name="cross_entropy"),
    "adamw_amsgrad": Situation(option_name="AdamW(amsgrad, maximize)"),
    "rmsprop_centered": Situation(option_name="RMSprop(centered, maximize)"),
    "adagrad": Situation(option_name="Adagrad(lr, lr_decay, weight_decay, initial_accumulator_value, eps)"),
    "adadelta": Situation(option_name="Adadelta(lr, rho, eps, weight_decay)"),
    "nesterov": Situation(option_name="SGD(nesterov, maximize)"),
    "groups": Situation(option_name="Adam in groups"),
    "dropout": Situation(hidden_name="Dropout(p)", loss_name="cross_entropy(ignore_index)"),
    "batch_norm": Situation(hidden_name="BatchNorm1d(eps, momentum)", loss_name="cross_entropy(label_smoothing)"),
    "layer_norm_gelu": Situation("LayerNorm of two axes", "GELU", loss_name="kl_div"),
    "embedding": Situation("Embedding(padding_idx)", "SiLU", loss_name="nll_loss"),
    "tied_weights": Situation("Tied", "Softplus(beta)", loss_name="huber_loss"),
    "shared_layers": Situation("Shared", "ELU(alpha)", loss_name="binary_cross_entropy_with_logits(pos_weight)"),
    "buffers_of_its_own": Situation("Follows", "LeakyReLU(negative_slope)"),
    "clipping": Situation("Residual", inside_name="clips_the_norm"),
    "gradient_penalty": Situation(hidden_name="Tanh", inside_name="penalises_the_gradient"),
    "accumulation": Situation(hidden_name="Sigmoid", inside_name="accumulates_inside", between_name="Float64"),
    "inference": Situation(
        "Sequential", "BatchNorm1d(eps, momentum)", inside_name="only_computes", between_name="EvalForAWhile"
    ),
}


def program(name):
    """The program of one of them, as it is printed."""
    situation = SHOWN[name]
    pair = zoo.Pair(situation)
    for call in range(1, 4):
        pair.call(call)
    return pair.compiled.compiled[0].source.rstrip() + "\n"


@pytest.mark.parametrize("name", SHOWN)
def test_the_printed_program_is_as_it_was_kept(name):
    kept = (PROGRAMS / f"{name}.txt").read_text(encoding="utf-8")
    now = program(name)
    assert now == kept, "".join(difflib.unified_diff(kept.splitlines(True), now.splitlines(True), "kept", "now"))


@pytest.mark.parametrize("name", ["two_layers", "dropout"])
def test_the_exponentials_of_softmax_serve_forward_and_backward(name):
    """The engine computes them twice, so that no graph keeps them; a program has them still."""
    source = program(name)
    assert [source.count(call) for call in ("np.exp(", "np.maximum.reduce(")] == [1, 1], source


def test_what_runs_backwards_is_summed_into_fresh_memory():
    # with out= NumPy 2.0 gives other bits for such sums, and wrong ones for maximum
    def taken(x):
        return tuple(np.exp(f(x, axis=0)) for f in (np.sum, np.max))

    forwards, backwards = tl.compile(taken), tl.compile(lambda x: taken(x[::-1]))
    for _ in range(3):
        x = np.random.default_rng(0).normal(size=(40, 9)).astype(np.float32)
        assert [a.tobytes() for a in backwards(x)] == [a.tobytes() for a in taken(x[::-1])]
        forwards(x)
    assert forwards.source.count(".reduce(x, axis=0, out=") == 2
    assert ".reduce(" in backwards.source
    assert not [line for line in backwards.source.splitlines() if ".reduce(" in line and "out=" in line]


def test_twenty_programs_are_kept_and_no_others():
    assert len(SHOWN) == 20
    kept = {path.stem for path in PROGRAMS.glob("*.txt")} if PROGRAMS.exists() else set()
    assert kept <= set(SHOWN)


def write_the_programs():
    PROGRAMS.mkdir(exist_ok=True)
    for path in PROGRAMS.glob("*.txt"):
        path.unlink()
    for name in SHOWN:
        (PROGRAMS / f"{name}.txt").write_text(program(name), encoding="utf-8")


if __name__ == "__main__":
    write_the_programs()
