"""fit(compile=True) leaves to the bit what fit without it leaves; a step that can't be compiled changes nothing."""

import dataclasses
import functools
import itertools
import os
import signal
import threading

import device
import numpy as np
import pytest

import tinydl as tl
from tinydl import data, nn, optim
from tinydl import functional as F
from tinydl.compiling.program import Program
from tinydl.engine import random


def classes(n=90, seed=0, dtype=np.float32):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, n)
    return data.Dataset((rng.normal(size=(n, 4)) + 2 * np.eye(3, 4)[y]).astype(dtype), y)


def rows(n=90):
    rng = np.random.default_rng(1)
    return data.Dataset(rng.normal(size=(n, 4)), rng.normal(size=(n, 3)))


def net():
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 3))


class Statistics(nn.Module):
    """Keeps what comes in, in all forms: state, and what is none."""

    def __init__(self):
        self.linear, self.mean, self.count, self.seen = nn.Linear(4, 3), np.zeros(4, np.float32), np.array(0), {}

    def forward(self, x):
        self.mean, self.count = 0.9 * self.mean + 0.1 * x.mean(0), self.count + 1
        self.x, self.largest, self.seen["first"] = x, x.max(), x[0]
        return self.linear(x - self.mean)


@dataclasses.dataclass
class Equal(nn.Module):
    """It has no hash, as a dataclass that can be compared."""

    width: int = 3

    def __post_init__(self):
        self.linear = nn.Linear(4, self.width)

    def forward(self, x):
        return self.linear(x)


class Shared(nn.Module):
    def __init__(self):
        self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 3)

    def forward(self, x):
        return self.b(np.tanh(self.a(np.tanh(self.a(x)))))


class TakingTurns(nn.Module):
    def __init__(self):
        self.a, self.b, self.second = nn.Linear(4, 3), nn.Linear(4, 3), False

    def forward(self, x):
        return self.b(x) if self.second else self.a(x)


def frozen():
    model = net()
    model[0].weight.requires_grad = False
    return model


def in_dtype(dtype, make=net):
    with tl.default_dtype(dtype):
        return make()


class Made(list):
    """The programs that were made, true once one of them has run."""

    @property
    def runs(self):
        return sum(program.calls - 1 for program in self)  # the recording is a call, too

    def __bool__(self):
        return self.runs > 0


@pytest.fixture
def programs(monkeypatch):
    """The programs that `fit` makes."""
    made, init = Made(), Program.__init__
    monkeypatch.setattr(Program, "__init__", lambda self, *given: (made.append(self), init(self, *given))[1])
    return made


def plain(value):
    """State in a form that == compares to the bit."""
    if isinstance(value, dict):
        return {key: plain(x) for key, x in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(x) for x in value]
    if isinstance(value, tl.Tensor):
        return ("Tensor", *plain(value.data))
    if isinstance(value, (np.ndarray, np.generic)):
        return type(value).__name__, value.dtype.str, value.shape, value.tobytes()
    return value


def left_by(compiled, make, optimizer, train, **options):
    """All that a run leaves, and what it raised."""
    tl.manual_seed(0)
    model = make()
    optimizer = optimizer(model)
    options = {"loss": F.cross_entropy, "epochs": 3, "batch_size": 16, "progress": False} | options
    if "schedule" in options:
        options["schedule"] = options["schedule"](optimizer)
    if "callback" in options:
        options["callbacks"] = [functools.partial(options.pop("callback"), model, optimizer)]
    history, raised = None, None
    try:
        history = tl.fit(model, train, optimizer=optimizer, compile=compiled, **options)
    except (ArithmeticError, ValueError, LookupError) as error:
        raised = type(error), str(error)
    schedules = options.get("schedule") or []
    schedules = schedules if isinstance(schedules, list) else [schedules]
    return {
        "raised": raised,
        "history": history and dict(history.items()),
        "norms": history and history.norms,
        "stopped": history and history.stopped,
        "model": plain(model.state_dict()),
        "kept": [plain({k: x for k, x in vars(m).items() if isinstance(x, (np.ndarray, np.generic, dict))
                        and k != "_before_forward"}) for m in model.modules()],
        "optimizer": plain(dict(optimizer.state_dict())),
        "schedules": [plain(schedule.state_dict()) for schedule in schedules],
        "grads": [p.grad for p in model.parameters()],
        "modes": [m.training for m in model.modules()],
        "random": random.generator().bit_generator.state,
    }  # fmt: skip


def adam(model):
    return optim.Adam(model.parameters(), lr=0.01)


def assert_the_same(programs, make=net, optimizer=adam, train=None, **options):
    train = classes() if train is None else train
    expected = left_by(False, make, optimizer, train, **options)
    assert not programs
    found = left_by(True, make, optimizer, train, **options)
    for what, value in expected.items():
        assert found[what] == value, what
    assert programs, "no program ran, so that nothing was compared"
    return expected


# ---- equal to the bit ----

CIRCUMSTANCES = {
    "clipping": {"clip_norm": 0.5},
    "clipping that never does": {"clip_norm": 1e6},
    "penalties": {"l1": 0.01, "l2": 0.02},
    "weights": {"sample_weight": np.linspace(0, 2, 90)},
    "metrics and validation": {"metrics": {"accuracy": tl.accuracy}, "validation": classes(30, 1)},
    "a schedule": {"schedule": lambda o: optim.StepLR(o, 1, 0.5)},
    "a schedule per step": {"schedule": lambda o: optim.CosineAnnealingLR(o, 18, per="step")},
    "a warm-up": {"schedule": lambda o: optim.LinearWarmup(o, 10, per="step")},
    "a warm-up and a decay": {"schedule": lambda o: [optim.LinearWarmup(o, 10, per="step"), optim.StepLR(o, 1, 0.5)]},
    "a plateau": {"schedule": lambda o: optim.ReduceLROnPlateau(o, patience=0), "validation": classes(30, 1)},
    "a plateau per step": {"schedule": lambda o: optim.ReduceLROnPlateau(o, patience=0, per="step")},
    "patience": {"patience": 1, "validation": classes(30, 1), "epochs": 9},
    "a seed": {"seed": 5},
    "no shuffling": {"shuffle": False},
    "without the last batch": {"drop_last": True},
    "one batch": {"batch_size": 90, "epochs": 9},
    "batches of many lengths": {"train": [tuple(classes(n, n)) for n in range(4, 16)], "batch_size": 32},
    "a callback that stops": {"callback": lambda model, optimizer, epoch, history: epoch == 1},
    "float64": {"make": lambda: in_dtype(np.float64)},
    "float16": {"make": lambda: in_dtype(np.float16)},
    "data in float64": {"train": classes(dtype=np.float64)},
    "data in uint8": {"train": data.Dataset(np.abs(classes().x * 20).astype(np.uint8), classes().y.astype(np.uint8))},
    "rows of targets": {"train": rows(), "loss": F.mse_loss},
    "rows of targets and weights": {"train": rows(), "loss": F.mse_loss, "sample_weight": np.arange(90) % 4},
    "smoothed labels": {"loss": functools.partial(F.cross_entropy, label_smoothing=0.1)},
    "a loss of one's own": {"loss": lambda z, y: -np.log(np.exp(z[np.arange(len(y)), y]) / np.exp(z).sum(1)).mean()},
    "statistics": {"make": Statistics},
    "shared layers": {"make": Shared},
    "a dataclass": {"make": Equal},
    "a frozen layer": {"make": frozen},
    "large layers": {"make": lambda: nn.Sequential(nn.Linear(4, 300), nn.Linear(300, 120), nn.Linear(120, 3))},
}  # fmt: skip


@pytest.mark.parametrize("strict", [pytest.param(True, marks=pytest.mark.slow), False])
@pytest.mark.parametrize("name", CIRCUMSTANCES)
def test_a_compiled_run_leaves_what_a_run_leaves(programs, name, strict):
    assert_the_same(programs, **CIRCUMSTANCES[name], strict=strict)


def named(kind, **settings):
    return pytest.param(kind, settings, id=", ".join([kind.__name__, *settings]))


OPTIMIZERS = [
    *(named(kind) for kind in map(optim.__dict__.get, optim.__all__)
      if isinstance(kind, type) and issubclass(kind, optim.Optimizer) and kind is not optim.Optimizer),
    named(optim.SGD, momentum=0.9, nesterov=True, weight_decay=0.01),
    named(optim.Adam, amsgrad=True, weight_decay=0.01),
    named(optim.SGD, maximize=True, weight_decay=0.01),
]  # fmt: skip


@pytest.mark.parametrize("kind, settings", OPTIMIZERS)
def test_with_every_optimizer(programs, kind, settings):
    def groups(model):
        first, *others = model.parameters()
        return kind([{"params": [first], "lr": 0.05}, {"params": others}], lr=0.01, **settings)

    assert_the_same(programs, optimizer=groups, clip_norm=1.0)
    programs.clear()
    assert_the_same(programs, optimizer=lambda model: kind(model.named_parameters(), lr=0.01, **settings))


def rates(model, optimizer, epoch, history):
    optimizer.groups[0]["lr"] = np.float64(0.01) / (epoch + 1)


def settings_of_all(model, optimizer, epoch, history):
    optimizer.betas, optimizer.eps = (0.8 + epoch / 100, 0.9), 1e-6
    optimizer.weight_decay, optimizer.amsgrad = 0.1 * epoch, epoch > 2
    optimizer.state_dict()


def freezing(model, optimizer, epoch, history):
    model[0].weight.requires_grad = epoch != 1


def states(model, optimizer, epoch, history, kept=[]):  # noqa: B006 (it is what it keeps)
    kept[:] = kept if epoch else []
    kept.append((model.state_dict(), optimizer.state_dict()))
    model.load_state_dict(kept[epoch // 2][0])
    optimizer.load_state_dict(kept[epoch // 2][1])


def other_arrays(model, optimizer, epoch, history):
    model[0].weight.data = model[0].weight.data * 2


def modes(model, optimizer, epoch, history):
    model[1].training, model[3].p = epoch != 1, 0.1 * (epoch + 1)


def layers(model, optimizer, epoch, history):
    model[2] = nn.Tanh() if epoch == 1 else nn.ReLU()


def seeds(model, optimizer, epoch, history):
    tl.manual_seed(epoch)


CHANGES = [rates, settings_of_all, freezing, states, other_arrays, modes, layers, seeds]


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_what_a_callback_changes_counts_from_the_next_step_on(programs, change):
    unchanged = left_by(False, net, adam, classes(), epochs=6)
    assert assert_the_same(programs, callback=change, epochs=6)["history"] != unchanged["history"]


def test_a_setting_of_the_model_that_a_callback_changes_counts(programs):
    def next_turn(model, optimizer, epoch, history):
        model.second = not model.second

    assert_the_same(programs, make=TakingTurns, callback=next_turn, epochs=6, strict=False)


FACTOR = 1.0


class Scaled(nn.Module):
    def __init__(self):
        self.linear = nn.Linear(4, 3)

    def forward(self, x):
        return self.linear(x) * FACTOR


@pytest.mark.parametrize("where", ["closure", "global", "called", "forward"])
def test_a_number_that_loss_or_forward_reads_by_name_counts_when_a_callback_changes_it(programs, monkeypatch, where):
    smoothing = 0.0

    def in_closure(outputs, targets):
        return F.cross_entropy(outputs, targets, label_smoothing=smoothing)

    def in_global(outputs, targets):
        return FACTOR * F.cross_entropy(outputs, targets)

    def calling(outputs, targets):
        return 2 * in_closure(outputs, targets)

    def change(model, optimizer, epoch, history):
        nonlocal smoothing
        smoothing = (epoch + 1) % 3 * 0.1
        monkeypatch.setitem(globals(), "FACTOR", 1.0 + smoothing)

    loss = {"closure": in_closure, "global": in_global, "called": calling}.get(where, F.cross_entropy)
    assert_the_same(programs, make=Scaled if where == "forward" else net, loss=loss, callback=change, epochs=6)


def test_each_shape_of_batch_is_recorded_once(programs):
    left_by(True, net, lambda model: optim.SGD(model.parameters(), lr=0.1), classes(), epochs=8)  # 90 = 5 × 16 + 10
    assert len(programs) == 3  # gradients of 16 and of 10 examples, and the update
    assert programs.runs == 2 * 6 * 8 - 2 * 2 - 3  # but for two steps that are watched, and for what is recorded


def test_the_users_arrays_are_left_alone_and_outputs_are_the_metrics_own(programs):
    seen, train = [], classes()
    x, y = train.x.copy(), train.y.copy()
    left_by(True, net, adam, train, metrics={"m": lambda outputs, targets: seen.append(outputs) or 0.0})
    np.testing.assert_array_equal(train.x, x)
    np.testing.assert_array_equal(train.y, y)
    assert len(seen) == 3 and not any(np.shares_memory(a, b) for a, b in itertools.combinations(seen, 2))


def test_models_in_several_threads_train_side_by_side(programs):
    expected, found = left_by(False, net, adam, classes(), seed=1), {}

    def train(i):
        found[i] = (
            left_by(True, Shared, adam, classes(), seed=1) if i % 2 else left_by(True, net, adam, classes(), seed=1)
        )

    threads = [threading.Thread(target=train, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found[1]["optimizer"] == found[3]["optimizer"]
    # initialisation draws from the one Generator of all threads, so that only the shapes of what came out are known
    assert found[0]["history"].keys() == found[2]["history"].keys() == expected["history"].keys()


@pytest.mark.parametrize("data_on", ["host", "device"])
def test_a_model_on_a_device_is_trained_without_programs(programs, data_on):
    def moved():
        return net().to(device.asarray)

    x, y = classes()
    train = (device.asarray(x), device.asarray(y)) if data_on == "device" else (x, y)
    expected = left_by(False, net, adam, classes(), clip_norm=0.5)
    found = left_by(True, moved, adam, train, clip_norm=0.5)
    assert found["history"] == expected["history"] and not programs


# ---- when a run ends ----


class Root(nn.Module):
    def __init__(self):
        self.linear, self.scale = nn.Linear(4, 3), tl.tensor([1.0, 1.0], requires_grad=True)

    def forward(self, x):
        return self.linear(x) * np.sqrt(self.scale[0] * x[:, :1])


def spoiled(value):
    """Examples whose fifth batch of 16 holds a value that spoils the step; all others are above 0."""
    x, y = classes()
    x = np.abs(x) + 0.1
    x[70, 0] = value
    return x, y


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("make, value, says", [
    (net, np.inf, "the loss is nan. Before any operation, the inputs had inf at index (6, 0)"),
    (Root, -1.0, "the loss is nan. sqrt gave nan"),
    (Root, 0.0, "a gradient isn't finite. in the backward pass the rule of sqrt gave -inf"),
])  # fmt: skip
def test_what_is_not_finite_is_named_before_the_update_with_all_as_it_was(programs, quiet, make, value, says, strict):
    left = assert_the_same(programs, make, train=spoiled(value), shuffle=False, strict=strict, clip_norm=0.1)
    kind, said = left["raised"]
    assert kind is FloatingPointError and said.startswith(f"epoch 1, batch 5: {says}")


def test_a_label_that_only_a_later_batch_has_is_refused_by_the_program(programs):
    x, y = classes()
    y[70] = 3
    left = assert_the_same(programs, train=(x, y), shuffle=False, strict=False)
    assert left["raised"][0] is ValueError and "is 3" in left["raised"][1]


class Interrupting:
    """Batches, before the eighth of which Ctrl-C is pressed."""

    def __init__(self):
        self.batches, self.given = [tuple(classes(16, i)) for i in range(5)], 0

    def __len__(self):
        return len(self.batches)

    def __iter__(self):
        for batch in self.batches:
            self.given += 1
            if self.given == 8:
                os.kill(os.getpid(), signal.SIGINT)
            yield batch


@pytest.fixture
def ctrl_c():
    """Ctrl-C as it is in a terminal; a shell's background process, say, has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_ends_the_run_after_the_batch(programs, ctrl_c):
    runs = [left_by(compiled, net, adam, Interrupting(), batch_size=32) for compiled in (False, True)]
    assert runs[0] == runs[1] and programs
    assert runs[1]["stopped"] == "interrupted" and len(runs[1]["history"]["loss"]) == 1


def test_the_checkpoint_is_that_of_the_same_epoch(programs, tmp_path):
    files = [tmp_path / "eager.npz", tmp_path / "compiled.npz"]
    for compiled, file in enumerate(files):
        left_by(bool(compiled), net, adam, classes(), checkpoint=file, validation=classes(30, 1))
    assert files[0].read_bytes() == files[1].read_bytes() and programs


# ---- what can't be compiled ----


def deciding(outputs, targets):
    loss = F.cross_entropy(outputs, targets)
    return loss if loss > 0 else -loss


def by_number(outputs, targets):
    return F.cross_entropy(outputs, targets) * (1 / float(outputs.sum().item()))


def by_array(outputs, targets):
    return F.cross_entropy(outputs, np.asarray(targets).copy())


class Counting(nn.Module):
    def __init__(self):
        self.linear, self.calls = nn.Linear(4, 3), 0

    def forward(self, x):
        self.calls += 1
        return self.linear(x)


class Looking(optim.SGD):
    """Its update depends on a value."""

    def _update(self, p, g, state, group, a, b):
        super()._update(p, g, state, group, a, b)
        p *= 0.5 if float(g.sum()) > 0 else 1.0


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("made, says", [
    ({"loss": deciding}, "bool"),
    ({"loss": by_number}, "item"),
    ({"loss": by_array}, "array"),
    ({"make": Counting}, "Counting.calls"),
    ({"optimizer": lambda model: Looking(model.parameters(), lr=0.1, momentum=0.9)}, "float"),
])  # fmt: skip
def test_a_step_that_is_no_program_is_told_and_all_is_as_it_came(programs, made, says, strict):
    make, optimizer = made.get("make", net), made.get("optimizer", adam)
    tl.manual_seed(0)
    model = make()
    optimizer = optimizer(model)
    schedule = optim.LinearWarmup(optimizer, 20, per="step")

    def now():
        everything = (
            model.state_dict(),
            dict(optimizer.state_dict()),
            schedule.state_dict(),
            optimizer.aims,
            optimizer.warmth,
        )
        return plain(everything), random.generator().bit_generator.state, [m.training for m in model.modules()]

    before = now()
    options = {"loss": made.get("loss", F.cross_entropy), "epochs": 2, "batch_size": 16, "schedule": schedule}
    with pytest.raises(tl.CompileError, match=says):
        tl.fit(model, classes(), optimizer=optimizer, compile=True, progress=False, strict=strict, **options)
    after = now()
    if make is not Counting:
        assert after == before
    assert all(p.grad is None for p in model.parameters()) and not programs
    options["schedule"] = None
    assert tl.fit(model, classes(), optimizer=optimizer, progress=False, **options).stopped is None


def test_what_strict_finds_comes_before_what_can_not_be_compiled():
    model = nn.Sequential(nn.Linear(4, 3), nn.Softmax())
    with pytest.raises(tl.StrictError, match="Softmax"):
        tl.fit(model, classes(), loss=F.cross_entropy, optimizer=adam(model), epochs=2, compile=True, progress=False)
