"""What a compiled function reads by name is watched, wherever it is read: as soon as something else stands there, the
program isn't used any more. And what it doesn't read makes no program anew."""

import functools
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

import tinydl as tl
from tinydl import functional as F
from tinydl import nn, optim

HERE = sys.modules[__name__]
SCALE = 2.0
SMALL = np.float32(0.5)
SHIFT = np.ones(3, np.float32)
CONFIG = SimpleNamespace(scale=2.0, inner=SimpleNamespace(shift=1.0), other=0)
FILE = ModuleType("settings_of_a_user")
FILE.__file__ = __file__.replace("test_compile_watched", "settings_of_a_user")
FILE.scale = 2.0


def scaled(x):
    return x * SCALE


def scaled_further(x):
    return scaled(x) + 1


def doubled(x):
    return x * 2


def tripled(x):
    return x * 3


class Scaler:
    def __init__(self):
        self.scale, self.act, self.unread = 2.0, np.tanh, 0

    @classmethod
    def made(cls, x):
        return x + 1

    @property
    def shift(self):
        return self.scale + SCALE

    def step(self, x):
        return self.act(x * self.scale)

    def by_method(self, x):
        return self.step(x) + sum(self.scale for _ in range(2))

    def by_property(self, x):
        return x * 2 + self.shift

    def __call__(self, x):
        return x * SCALE


class Late(Scaler):
    @functools.cached_property
    def late(self):
        return 1.0


class Config:
    scale = 2.0


class Slots:
    __slots__ = ("scale",)


SLOTS = Slots()
SLOTS.scale = 2.0
CALLED = Scaler()


def named(name, value):
    """How to set a name of this file."""
    return lambda patch: patch.setattr(HERE, name, value)


def attribute(holder, name, value):
    return lambda patch: patch.setattr(holder, name, value)


def in_a_generator(patch):
    return lambda x: sum(SCALE * part for part in (x, x * x)), named("SCALE", 3.0)


def in_a_lambda(patch):
    return lambda x: (lambda y: y * SCALE)(x), named("SCALE", 3.0)


def in_a_function_inside(patch):
    def step(x):
        def inner(y):
            return sum([SCALE * part for part in (y, y)])

        return inner(x)

    return step, named("SCALE", 3.0)


def in_a_function_under_grad(patch):
    return lambda x: tl.grad(lambda y: (SCALE * y).sum())(x) * x, named("SCALE", 3.0)


def in_a_helper_of_a_helper(patch):
    return lambda x: scaled_further(x), named("SCALE", 3.0)


def under_no_grad(patch):
    return tl.no_grad()(lambda x: x * SCALE), named("SCALE", 3.0)


def in_a_helper_under_no_grad(patch):
    helper = tl.no_grad()(scaled)
    return lambda x: helper(x) + 1, named("SCALE", 3.0)


def in_a_partial(patch):
    return functools.partial(lambda shift, x: x * SCALE + shift, 1.0), named("SCALE", 3.0)


def in_a_decorated_function(patch):
    def decorated(function):
        @functools.wraps(function)
        def wrapper(x):
            return function(x) + 1

        return wrapper

    return decorated(scaled), named("SCALE", 3.0)


def in_a_callable_object(patch):
    return lambda x: CALLED(x), named("SCALE", 3.0)


def a_number_of_numpy(patch):
    return lambda x: x * SMALL, named("SMALL", np.float32(0.25))


def an_array(patch):
    return lambda x: x + SHIFT, named("SHIFT", np.full(3, 2, np.float32))


def a_function_of_the_closure(patch):
    crit = doubled

    def step(x):
        return crit(x)

    def change(patch):
        nonlocal crit
        crit = tripled

    return step, change


def a_model_of_the_closure(patch):
    model, others = nn.Linear(3, 2), [nn.Linear(3, 2)]

    @tl.no_grad()
    def step(x):
        return model(x)

    def change(patch):
        nonlocal model
        model = others[0]

    return step, change


def a_file_of_settings(patch):
    return lambda x: x * FILE.scale, attribute(FILE, "scale", 3.0)


def an_object_of_settings(patch):
    return lambda x: x * CONFIG.scale, attribute(CONFIG, "scale", 3.0)


def an_object_inside(patch):
    return lambda x: x * 2 + CONFIG.inner.shift, attribute(CONFIG.inner, "shift", 3.0)


def a_class_of_settings(patch):
    return lambda x: x * Config.scale, attribute(Config, "scale", 3.0)


def an_object_with_slots(patch):
    return lambda x: x * SLOTS.scale, attribute(SLOTS, "scale", 3.0)


def an_attribute_of_self(patch):
    scaler = Scaler()
    return scaler.step, attribute(scaler, "scale", 3.0)


def a_function_of_self(patch):
    scaler = Scaler()
    return scaler.step, attribute(scaler, "act", np.sin)


def an_attribute_that_a_method_reads(patch):
    scaler = Scaler()
    return scaler.by_method, attribute(scaler, "scale", 3.0)


def an_attribute_that_a_property_reads(patch):
    return Scaler().by_property, named("SCALE", 3.0)


def the_training_flag(patch):
    layer = nn.Dropout(0.5)
    return lambda x: x * 2 if layer.training else x * 3, lambda patch: layer.eval()


class Net(nn.Module):
    scale = 2.0
    table = (1.0, 2.0)

    def __init__(self, held):
        self.held = held

    def forward(self, x):
        return x * self.scale + self.table[0]


def a_number_of_a_class(patch):
    return Net(None), attribute(Net, "scale", 3.0)


def a_tuple_of_a_class(patch):
    return Net(None), attribute(Net, "table", (2.0, 1.0))


class Acting(Net):
    def forward(self, x):
        return self.held(x)


def a_function_of_a_module(patch):
    net = Acting(doubled)
    return net, attribute(net, "held", tripled)


class Indexing(Net):
    def forward(self, x):
        return x * self.held["a"][0]


def a_number_in_a_dict_of_a_module(patch):
    net = Indexing({"a": [2.0], "b": [1.0]})
    return net, attribute(net, "held", {"a": [3.0], "b": [1.0]})


class Slicing(Net):
    def forward(self, x):
        return x[:, self.held]


def a_slice_of_a_module(patch):
    net = Slicing(slice(0, 2))
    return net, attribute(net, "held", slice(1, 3))


class Times(Net):
    def forward(self, x):
        return x * self.held


def a_number_of_numpy_of_a_module(patch):
    net = Times(np.float32(2))
    return net, attribute(net, "held", np.float32(3))


class Casting(Net):
    def forward(self, x):
        return x.astype(self.held)


def a_dtype_of_a_module(patch):
    net = Casting(np.float32)
    return net, attribute(net, "held", np.float64)


class Chain(Net):
    def forward(self, x):
        for layer in self.held:
            x = layer(x)
        return x


def a_list_of_modules_turned_round(patch):
    net = Chain([nn.Tanh(), nn.Sigmoid()])
    return net, lambda patch: net.held.reverse()


def a_module_taken_from_a_list(patch):
    net = Chain([nn.Tanh(), nn.Sigmoid()])
    return net, lambda patch: net.held.pop()


class Holding(Net):
    def forward(self, x):
        return self.held.held["first"](x)


def a_module_in_a_dict_of_one_that_is_not_entered(patch):
    net = Holding(Net({"first": nn.Tanh()}))
    return net, lambda patch: net.held.held.update(first=nn.Sigmoid())


def a_layer_of_one_that_is_not_entered(patch):
    class Outer(Net):
        def forward(self, x):
            return self.held.held(x)

    net = Outer(Net(nn.Tanh()))
    return net, attribute(net.held, "held", nn.Sigmoid())


CHANGES = [
    in_a_generator, in_a_lambda, in_a_function_inside, in_a_function_under_grad, in_a_helper_of_a_helper,
    under_no_grad, in_a_helper_under_no_grad, in_a_partial, in_a_decorated_function, in_a_callable_object,
    a_number_of_numpy, an_array, a_function_of_the_closure, a_model_of_the_closure, a_file_of_settings,
    an_object_of_settings, an_object_inside, a_class_of_settings, an_object_with_slots, an_attribute_of_self,
    a_function_of_self, an_attribute_that_a_method_reads, an_attribute_that_a_property_reads, the_training_flag,
    a_number_of_a_class, a_tuple_of_a_class, a_function_of_a_module, a_number_in_a_dict_of_a_module,
    a_slice_of_a_module, a_number_of_numpy_of_a_module, a_dtype_of_a_module, a_list_of_modules_turned_round,
    a_module_taken_from_a_list, a_module_in_a_dict_of_one_that_is_not_entered, a_layer_of_one_that_is_not_entered,
]  # fmt: skip


def same(run, function, x):
    ours, theirs = run(x), function(x)
    ours, theirs = (y.numpy() if isinstance(y, tl.Tensor) else y for y in (ours, theirs))
    return (ours.dtype, ours.shape, ours.tobytes()) == (theirs.dtype, theirs.shape, theirs.tobytes())


@pytest.mark.parametrize("make", CHANGES, ids=lambda make: make.__name__)
def test_what_is_read_by_name_is_watched(make, monkeypatch):
    function, change = make(monkeypatch)
    run = tl.compile(function, check=False)
    x = np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3)
    before = run(x)
    for _ in range(3):
        assert same(run, function, x)
    assert len(run.programs) == 1
    change(monkeypatch)
    assert same(run, function, x)
    assert repr(run(x)) != repr(before)
    for _ in range(3):
        assert same(run, function, x)
    assert len(run.programs) == 2


# ---- optimizers ----


def by_attribute(model, optimizer):
    with tl.no_grad():
        for p in model.parameters():
            p *= 1 - optimizer.lr * 0.01


def by_groups(model, optimizer):
    with tl.no_grad():
        for group in optimizer.groups:
            for p in group["params"]:
                p -= group["lr"] * p.grad


def by_another_setting(model, optimizer):
    with tl.no_grad():
        for p in model.parameters():
            p *= 1 - optimizer.weight_decay


def by_nobody(model, optimizer):
    pass


@pytest.mark.parametrize("steps", [True, False], ids=["stepped", "never stepped"])
@pytest.mark.parametrize("reads", [by_attribute, by_groups, by_another_setting, by_nobody])
def test_settings_of_optimizers_that_the_function_reads_are_watched(reads, steps):
    found = []
    for compiled in (False, True):
        tl.manual_seed(0)
        model = nn.Linear(3, 2)
        optimizer = optim.SGD(model.parameters(), lr=0.1, weight_decay=0.01)

        def step(x, model=model, optimizer=optimizer):
            optimizer.zero_grad()
            loss = (model(x) ** 2).mean()
            loss.backward()
            reads(model, optimizer)
            if steps:
                optimizer.step()
            return loss.item()

        run = tl.compile(step, check=False) if compiled else step
        x = np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3)
        given = []
        for call in range(8):
            if call == 4:
                optimizer.lr = 0.02
            given.append(run(x))
        found.append((given, [p.numpy().tobytes() for p in model.parameters()]))
    assert found[0] == found[1]
    assert len(run.programs) == (2 if reads in (by_attribute, by_groups) else 1)


def stepping(schedule, *value):
    def step(x):
        optimizer = schedule.optimizer
        optimizer.zero_grad()
        loss = sum(((x @ p.T if p.ndim == 2 else p) ** 2).mean() for p in optimizer.params)
        loss.backward()
        optimizer.step()
        [schedule][0].step(*value)
        return loss.item()

    return step


@pytest.mark.parametrize("kind", ["StepLR", "CosineAnnealingLR", "LinearWarmup", "ReduceLROnPlateau"])
def test_a_schedule_goes_on_outside(kind):
    optimizer = optim.SGD(nn.Linear(3, 2).parameters(), lr=0.1)
    schedule = getattr(optim, kind)(optimizer, "min" if kind == "ReduceLROnPlateau" else 3)
    before = schedule.state_dict()
    run = tl.compile(stepping(schedule, *([1.0] if kind == "ReduceLROnPlateau" else [])))
    for _ in range(2):
        with pytest.raises(
            tl.CompileError, match=rf"a {kind} goes on inside .* write schedule\.step\(\) after the call"
        ):
            run(np.ones((4, 3), np.float32))
    assert schedule.state_dict() == before


def test_a_schedule_outside_makes_no_program_anew():
    model = nn.Linear(3, 2)
    optimizer = optim.Adam(model.parameters(), lr=0.1)
    schedule = optim.StepLR(optimizer, 2)

    @tl.compile
    def step(x):
        optimizer.zero_grad()
        loss = F.mse_loss(model(x), x[:, :2])
        loss.backward()
        optimizer.step()
        return loss.item()

    for _ in range(9):
        step(np.ones((4, 3), np.float32))
        schedule.step()
    assert len(step.programs) == 1
    assert optimizer.lr < 1e-4


# ---- what changes and is not read ----

shape, LOG = 0, []


def test_what_is_not_read_by_name_makes_no_program_anew(monkeypatch):
    class Kept(nn.Module):
        def __init__(self):
            self.linear, self.last, self.seen = nn.Linear(3, 2), None, {}

        def forward(self, x):
            self.last = x
            return self.linear(x)

    net, scaler, other = Kept(), Late(), nn.BatchNorm1d(3)

    def step(x):
        net.zero_grad()
        loss = (net(x) * scaler.scale + Scaler.made(x).sum() + scaler.made(x).sum() + scaler.late).sum()
        loss.backward()
        with tl.no_grad():
            for p in net.parameters():
                p -= p.grad / x.shape[0]
        return loss.item()

    run, x = tl.compile(step, check=False), np.ones((4, 3), np.float32)
    for call in range(6):
        run(x * call)
        monkeypatch.setattr(HERE, "shape", call)  # the name of an attribute, too
        monkeypatch.setattr(HERE, "LOG", [call])
        scaler.unread, CONFIG.other = call, call
        other(x)  # sets attributes of another Module
        net.train()
        net.last = None
    assert len(run.programs) == 1


@pytest.mark.parametrize("where", ["closure", "self"])
def test_an_array_that_the_function_replaces_itself_is_refused(where):
    hidden = np.zeros((4, 3), np.float32)

    def closure(x):
        nonlocal hidden
        hidden = np.tanh(x + hidden)
        return hidden.sum()

    class Holder:
        def __init__(self):
            self.hidden = np.zeros((4, 3), np.float32)

        def step(self, x):
            self.hidden = np.tanh(x + self.hidden)
            return self.hidden.sum()

    run = tl.compile(closure if where == "closure" else Holder().step)
    with pytest.raises(tl.CompileError, match=r"the function changes (self\.)?hidden itself"):
        run(np.ones((4, 3), np.float32))


def test_a_name_that_is_gone_is_noticed(monkeypatch):
    run = tl.compile(lambda x: x * SCALE, check=False)
    x = np.ones(3, np.float32)
    for _ in range(3):
        assert run(x).tobytes() == (x * 2).tobytes()
    monkeypatch.delattr(HERE, "SCALE")
    with pytest.raises(NameError):
        run(x)
