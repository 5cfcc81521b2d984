"""In which forms a function can be compiled and its arguments given: methods, copies, pickles, containers, numbers."""

import copy
import gc
import linecache
import pickle
import warnings
import weakref
from collections import Counter, OrderedDict, defaultdict, namedtuple
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pytest

import tinydl as tl
from tinydl import functional as F
from tinydl import nn, optim
from tinydl.compiling.compile import NOTICED

RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 3)).astype(np.float32)
Y = RNG.integers(0, 2, 6)


class Net(nn.Module):
    """A model with a compiled step of its own."""

    def __init__(self, seed=0):
        tl.manual_seed(seed)
        self.layer = nn.Linear(3, 2)
        self.optimizer = optim.Adam([self.layer.weight, self.layer.bias], lr=0.1)

    def forward(self, x):
        return self.layer(x)

    @tl.compile
    def loss_of(self, x, y):
        return F.cross_entropy(self(x), y)

    @tl.compile
    def learn(self, x, y):
        self.optimizer.zero_grad()
        loss = self.loss_of(x, y)
        loss.backward()
        self.optimizer.step()
        return loss


class Twice(Net):
    """Whose method calls the one that it takes the place of."""

    @tl.compile
    def loss_of(self, x, y):
        return 2 * super().loss_of(x, y)

    @tl.compile
    def learn(self, x, y):
        return super().learn(x, y).detach() + 1


@tl.compile
def doubled(x):
    return x * 2


def tripled(x):
    return x * 3


def by_hand(seed, factor, calls):
    """The losses of `learn`, without any compiling."""
    net = Net(seed)
    losses = []
    for _ in range(calls):
        net.optimizer.zero_grad()
        loss = factor * F.cross_entropy(net(X), Y)
        loss.backward()
        net.optimizer.step()
        losses.append(loss.item())
    return losses


# ---- methods ----


def test_a_method_may_call_the_method_that_it_takes_the_place_of():
    net, sub = Net(1), Twice(1)
    assert [net.learn(X, Y).item() for _ in range(5)] == by_hand(1, 1, 5)
    losses = [sub.learn(X, Y).item() for _ in range(5)]
    assert losses == [np.float32(loss) + np.float32(1) for loss in by_hand(1, 2, 5)]
    assert len(sub.learn.programs) == len(net.learn.programs) == 1
    assert sub.learn is sub.learn
    assert sub.learn is not super(Twice, sub).learn


def test_a_compiled_function_in_another_that_backs_through_it_is_a_function_there_at_each_call():
    def inner(x, y):
        return F.cross_entropy(net(x), y)

    inside = tl.compile(inner)

    def outer(x, y):
        net.zero_grad()
        loss = inside(x, y)
        loss.backward()
        return loss.item(), net.layer.weight.grad

    net = Net()
    wanted, run = outer_of(inner, net), tl.compile(outer)
    for _ in range(5):  # the second and the fourth call are compared
        loss, gradient = run(X, Y)
        assert (loss, gradient.numpy().tobytes()) == wanted
    with tl.strict():
        assert run(X, Y)[0] == wanted[0]
    assert (len(run.programs), len(inside.programs)) == (1, 0)


def outer_of(inner, net):
    net.zero_grad()
    loss = inner(X, Y)
    loss.backward()
    return loss.item(), net.layer.weight.grad.numpy().tobytes()


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_a_copy_of_a_model_has_programs_of_its_own(copied):
    net = Net(2)
    before = pickle.dumps(copied(net))
    for _ in range(3):
        net.learn(X, Y)
    other = copied(net)
    assert other.learn is not net.learn
    assert other.learn.function.__self__ is other
    assert other.learn.programs == []
    assert b"ompiled" not in before
    assert b"tinydl.compiling" not in pickle.dumps(other)
    if copied is not copy.copy:  # which has the same parameters
        weight = net.layer.weight.numpy().copy()
        losses = [other.learn(X, Y).item() for _ in range(3)]
        assert (weight == net.layer.weight.numpy()).all()
        assert losses == [net.learn(X, Y).item() for _ in range(3)]


def test_an_instance_goes_with_its_programs():
    net = Net()
    for _ in range(3):
        net.learn(X, Y)
    alive = weakref.ref(net), weakref.ref(net.learn)
    del net
    gc.collect()
    assert [it() for it in alive] == [None, None]


@dataclass
class Equal:
    """Instances that are equal, and have no hash."""

    scale: Any

    @tl.compile
    def run(self, x):
        return x * self.scale


def test_instances_that_are_equal_have_their_own_programs():
    a, b = Equal(tl.tensor([2.0])), Equal(tl.tensor([3.0]))
    for _ in range(3):
        assert (a.run(X).numpy() == X * 2).all()
        assert (b.run(X).numpy() == X * 3).all()


class Slots:
    """Without a dict."""

    __slots__ = ("scale",)

    @tl.compile
    def run(self, x):
        return x


class Dict(Slots):
    """With one again."""

    __slots__ = ("__dict__",)


def test_instances_with_slots_alone_are_told_what_they_lack():
    with pytest.raises(TypeError, match=r'add "__dict__" to those of Slots'):
        Slots().run(X)
    assert (Dict().run(X) == X).all()


class Kinds:
    """Methods of classes and of nothing."""

    scale = 2.0

    @classmethod
    @tl.compile
    def of_class(cls, x):
        return x * cls.scale

    @staticmethod
    @tl.compile
    def of_nothing(x):
        return x + 1

    done = tl.compile(partial(tripled))
    model = tl.compile(nn.Linear(3, 2))
    bound = tl.compile(Net().forward)


class Kin(Kinds):
    """With another scale."""

    scale = 5.0


def test_methods_of_classes_and_of_nothing():
    for _ in range(4):
        assert (Kinds.of_class(X) == X * 2).all()
        assert (Kinds().of_class(X) == X * 2).all()
        assert (Kin().of_class(x=X) == X * 5).all()
        assert (Kinds.of_nothing(X) == Kinds().of_nothing(X)).all()
        assert (Kinds.of_nothing(X) == X + 1).all()
    assert len(Kinds.of_class.programs) == 2


def test_in_a_class_only_functions_become_methods():
    kinds = Kinds()
    assert kinds.done is Kinds.done
    assert kinds.model is Kinds.model
    assert kinds.bound is Kinds.bound
    assert (kinds.done(X) == X * 3).all()
    assert kinds.model(X).shape == (6, 2)
    with tl.no_grad():
        assert kinds.bound(X).shape == (6, 2)


@pytest.mark.parametrize("above", [classmethod, staticmethod])
def test_the_wrong_order_of_decorators_is_told(above):
    with pytest.raises(TypeError, match=f"write @{above.__name__} above @tl.compile"):
        tl.compile(above(tripled))


# ---- what isn't a step ----


class Yields(nn.Module):
    """A forward that yields."""

    def forward(self, x):
        yield x


class Called:
    """Called, it yields."""

    def __call__(self, x):
        yield x


def yields(x):
    yield x


async def waits(x):
    return x


async def both(x):
    yield x


LATER = [yields, waits, both, Yields(), Called(), partial(yields)]


@pytest.mark.parametrize("function", LATER, ids=["yields", "waits", "both", "Module", "object", "partial"])
def test_what_runs_after_the_call_is_refused(function):
    with pytest.raises(TypeError, match=r"whose body runs after the call\. Write a function that does one step"):
        tl.compile(function)


# ---- copies of what is compiled ----


def test_copies_of_a_compiled_function_have_no_programs():
    doubled(X)
    for other in (copy.copy(doubled), copy.deepcopy(doubled)):
        assert other is not doubled
        assert other.programs == []
        assert (other(X) == X * 2).all()
    assert pickle.loads(pickle.dumps(doubled)) is doubled


def test_the_settings_of_compiling_are_copied():
    run = tl.compile(tripled, programs=3, check=False, keep_grads=True)
    run(X)
    for other in (copy.copy(run), copy.deepcopy(run), pickle.loads(pickle.dumps(run))):
        assert (other.function, other.limit, other.check, other.keep_grads) == (tripled, 3, False, True)
        assert other.programs == []


def test_a_function_that_pickle_has_no_name_for_stays_so():
    run = tl.compile(lambda x: x)
    run(X)
    with pytest.raises((pickle.PicklingError, AttributeError), match=r"lambda|local object"):
        pickle.dumps(run)


def test_a_deep_copy_of_a_compiled_method_is_one_of_the_copied_instance():
    net = Net(3)
    net.step = tl.compile(net.forward)
    with tl.no_grad():
        net.step(X)
    net.learn(X, Y)
    other = copy.deepcopy(net)
    assert other.step.function.__self__ is other
    step = copy.deepcopy(net.step)
    assert step.function.__self__.step is step
    learn = copy.deepcopy(net.learn)
    assert learn.function.__self__.learn is learn
    learn = pickle.loads(pickle.dumps(net.learn))
    assert learn.function.__self__.learn is learn
    assert learn(X, Y).item() == net.learn(X, Y).item()


def test_a_compiled_model_is_copied_with_its_model():
    model = nn.Linear(3, 2)
    run = tl.compile(model)
    wanted = run(X).numpy()
    for other in (copy.deepcopy(run), pickle.loads(pickle.dumps(run))):
        assert other.__wrapped__ is not model
        assert (other(X).numpy() == wanted).all()
        other.__wrapped__.bias._data[...] = 100
    assert (run(X).numpy() == wanted).all()


# ---- containers of arguments ----

Pair = namedtuple("Pair", "x y")


@dataclass
class Batch:
    """Two arrays and a number."""

    x: Any
    y: Any
    times: float = 2.0
    more: list = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Frozen:
    """The same, and nothing else."""

    x: Any
    y: Any


class Items(dict):
    """A dict whose items are attributes."""

    __getattr__ = dict.__getitem__


def by_attribute(batch):
    return np.tanh(batch.x) @ np.ones((3, 2), np.float32) + batch.y[:, None]


def by_key(batch):
    return np.tanh(batch["x"]) @ np.ones((3, 2), np.float32) + batch["y"][:, None]


FORMS = {
    "namedtuple": (Pair, by_attribute),
    "OrderedDict": (lambda x, y: OrderedDict(x=x, y=y), by_key),
    "defaultdict": (lambda x, y: defaultdict(list, x=x, y=y), by_key),
    "Counter": (lambda x, y: Counter(x=x, y=y), by_key),
    "dict with attributes": (lambda x, y: Items(x=x, y=y), by_attribute),
    "dataclass": (Batch, by_attribute),
    "frozen dataclass": (Frozen, by_attribute),
    "dataclass in a dict": (lambda x, y: {"batch": Batch(x, y)}, lambda batch: by_attribute(batch["batch"])),
    "namedtuple in a dataclass": (lambda x, y: Batch(Pair(x, y), 1), lambda batch: by_attribute(batch.x)),
    "tensors": (lambda x, y: Batch(tl.tensor(x), tl.tensor(y)), by_attribute),
}


@pytest.mark.parametrize("form", FORMS)
def test_arrays_in_containers_are_arguments(form):
    make, function = FORMS[form]
    run = tl.compile(function)
    for call in range(6):
        x, y = X + call, Y + call
        got, wanted = run(make(x, y)), function(make(x, y))
        assert np.asarray(got).tobytes() == np.asarray(wanted).tobytes()
    assert len(run.programs) == 1
    assert run.programs[0].calls == 6


@pytest.mark.parametrize("form", FORMS)
def test_no_container_stays_alive(form):
    make, function = FORMS[form]
    run = tl.compile(function)
    x = X.copy()
    for _ in range(3):
        run(make(x, Y))
    alive = weakref.ref(x)
    del x
    gc.collect()
    assert alive() is None


def test_what_a_dataclass_was_given_besides_its_fields_is_an_argument():
    def function(batch):
        return batch.x * batch.mask

    run = tl.compile(function)
    for call in range(4):
        batch = Batch(X, Y)
        batch.mask = call / 2 < X
        assert (run(batch) == X * batch.mask).all()
    assert len(run.programs) == 1


def test_numbers_in_a_dataclass_are_part_of_the_signature():
    run = tl.compile(lambda batch: batch.x * batch.times)
    batch = Batch(X, Y)
    for times in (2.0, 2.0, 3.0, 3.0, 2.0):
        batch.times = times
        assert (run(batch) == X * times).all()
    assert len(run.programs) == 2


def test_a_dataclass_whose_field_is_set_in_the_step_is_refused():
    def function(batch):
        batch.times = 3.0
        return batch.x * 2

    with pytest.raises(tl.CompileError, match="sets the field times of a Batch that it is given"):
        tl.compile(function)(Batch(X, Y))


def test_what_holds_no_array_is_given_as_it_is():
    seen = []
    run = tl.compile(lambda x, *others: seen.append(others) or x * 2)
    others = Batch(1, 2), [1], {"a": 1}
    run(X, *others)
    assert all(a is b for a, b in zip(seen[0], others, strict=True))


class Doubly(dict):
    """A dict whose attributes are its items."""

    def __init__(self, **items):
        super().__init__(items)
        self.__dict__ = self


def test_a_dict_with_attributes_of_its_own_is_an_object():
    run = tl.compile(by_attribute)
    for call in range(3):
        batch = Doubly(x=X + call, y=Y)
        for _ in range(3):
            assert np.asarray(run(batch)).tobytes() == by_attribute(batch).tobytes()


def test_a_dataclass_that_holds_itself_is_an_object():
    batch = Batch(X, Y)
    batch.more.append(batch)
    run = tl.compile(lambda batch: batch.x * 2)
    for _ in range(3):
        assert (run(batch) == X * 2).all()
    assert len(run.programs) == 1


class Holder:
    """An object that isn't entered."""

    def __init__(self, x):
        self.x = x


def test_an_object_and_what_it_holds_go_with_the_next_recording():
    run = tl.compile(lambda holder, x: x * holder.x)
    alive = []
    for call in range(4):
        holder = Holder(X + call)
        alive.append(weakref.ref(holder.x))
        assert (run(holder, X) == X * (X + call)).all()
        del holder
    gc.collect()
    assert sum(it() is not None for it in alive) <= 1
    assert len(run.programs) == len(run._by_key) == 1


def test_signatures_go_with_their_programs():
    run = tl.compile(tripled, programs=2)
    for n in range(1, 6):
        run(np.ones(n, np.float32))
    assert len(run.programs) == len(run._by_key) == 2


def test_the_text_of_a_program_goes_with_it():
    def texts():
        return {name for name in linecache.cache if name.startswith("<function_of_this_test")}

    def function_of_this_test(x):
        return x + 1

    run = tl.compile(function_of_this_test, programs=2)
    for n in range(1, 6):
        run(np.ones(n, np.float32))
    assert texts() == {program.filename for program in run.programs}
    del run
    gc.collect()
    assert texts() == set()


# ---- numbers that vary ----


def scaled(x, beta, *rest, **options):
    return x * beta


@pytest.mark.parametrize("kind", [int, float, np.float32])
def test_a_number_that_varies_is_named_once(kind):
    run = tl.compile(scaled)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for i in range(NOTICED - 1):
            run(X, kind(i))
    with pytest.warns(UserWarning, match=r"the argument beta is another number each time. Pass np.array\(beta") as seen:
        for i in range(NOTICED, 4 * NOTICED):
            assert (run(X, kind(i)) == X * kind(i)).all()
    assert len(seen) == 1
    assert seen[0].filename == __file__


def test_as_an_array_it_is_recorded_once():
    run = tl.compile(scaled)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for i in range(2 * NOTICED):
            assert (run(X, np.array(i / 7, np.float32)) == X * np.float32(i / 7)).all()
    assert len(run.programs) == 1


VARYING = {
    "a number by name": (lambda i: ((X, 1.0), {"kept": 1, "step": i}), "since the argument step is another number"),
    "further on": (lambda i: ((X, 1.0, "a", i), {}), "since the argument number 4 is another number"),
    "within": (lambda i: ((X, 1.0, {"a": [1, i]}), {}), r"since something in the argument number 3 .*np.array\(number"),
    "a text": (lambda i: ((X, 1.0, f"call {i}"), {}), "since the argument number 3 is another str each time"),
    "an object": (lambda i: ((X, 1.0), {"holder": Holder(i)}), "since the argument holder is another Holder each time"),
    "beside another shape": (lambda i: ((X[: i % 5 + 1], i), {}), "since the argument beta is another number"),
}


@pytest.mark.parametrize("name", VARYING)
def test_whatever_varies_is_named(name):
    given, sentence = VARYING[name]
    run = tl.compile(scaled)
    with pytest.warns(UserWarning, match=sentence):
        for i in range(NOTICED):
            args, options = given(i)
            run(*args, **options)


QUIET = {
    "shapes": lambda i: (np.ones(i + 1, np.float32), 1.0),
    "every other call": lambda i: (X, i // 2),
    "at times": lambda i: (X, 1.0 if i % 7 == 0 else i),
}


@pytest.mark.parametrize("name", QUIET)
def test_what_is_right_isnt_warned_about(name):
    run = tl.compile(scaled)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for i in range(3 * NOTICED):
            run(*QUIET[name](i))
