"""fit(resume=path): a run that was cut off goes on as if it hadn't been, to the bit; and it says where it can't."""

import collections
import functools
import os
import signal
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import numpy as np
import pytest

import tinydl as tl
from tinydl import data, nn, optim
from tinydl import functional as F
from tinydl.engine import random
from tinydl.optim.optimizer import Optimizer
from tinydl.training.resuming import Progress

ROOT = Path(__file__).resolve().parent.parent


class Cut(Exception):
    """What ends a run between two epochs."""


def classes(n=50, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, n)
    return data.Dataset((rng.normal(size=(n, 4)) + 2 * np.eye(3, 4)[y]).astype(np.float32), y)


def net():
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 3))


def plain(value):
    """State in a form that == compares to the bit."""
    if isinstance(value, dict):
        return {key: plain(x) for key, x in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(x) for x in value]
    if isinstance(value, (np.ndarray, np.generic)):
        return type(value).__name__, value.dtype.str, value.shape, value.tobytes()
    return value.hex() if isinstance(value, float) else value


def cut_after(*epochs):
    """A callback that raises once after each of these epochs, as if the machine went down before the next began."""
    left = set(epochs)

    def callback(epoch, history):
        if epoch in left:
            left.remove(epoch)
            raise Cut

    return callback


def run(make, path=None, callbacks=(), train=classes, **options):
    """A fresh model, optimizer and schedules, as a program has them each time it starts; and all that fit leaves."""
    tl.manual_seed(7)
    model = net()
    optimizer, schedules = make(model)
    settings = {"loss": F.cross_entropy, "epochs": 5, "batch_size": 16, "progress": False} | options
    history = tl.fit(
        model, train(), optimizer=optimizer, schedule=schedules, callbacks=callbacks, resume=path, **settings
    )
    return plain({
        "model": model.state_dict(),
        "optimizer": dict(optimizer.state_dict()),
        "schedules": [schedule.state_dict() for schedule in schedules],
        "curves": history.curves,
        "norms": history.norms,
        "stopped": history.stopped,
        "next": random.generator().integers(2**60),
    })  # fmt: skip


def compare(make, path, cuts=(1, 3), **options):
    """A run that is cut off after some epochs, each time begun anew in a program of its own, against a whole one."""
    expected, callback = run(make, **options), cut_after(*cuts)
    for _ in cuts:
        with pytest.raises(Cut):
            run(make, path, [callback], **options)
    found = run(make, path, [callback], **options)
    assert found == expected
    return found


def alone(kind, **settings):
    return lambda model: (kind(model.parameters(), **settings), [])


OPTIMIZERS = {
    "SGD": alone(optim.SGD, lr=0.05),
    "momentum": alone(optim.SGD, lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.01),
    "Adam": alone(optim.Adam, lr=0.01),
    "AMSGrad": alone(optim.Adam, lr=0.01, amsgrad=True),
    "AdamW": alone(optim.AdamW, lr=0.01),
    "RMSprop": alone(optim.RMSprop, lr=0.01, momentum=0.5, centered=True),
    "Adagrad": alone(optim.Adagrad, lr=0.05),
    "Adadelta": alone(optim.Adadelta, lr=1.0),
}


def test_every_optimizer_is_among_those_that_are_tried():
    every = {kind for kind in vars(optim).values() if isinstance(kind, type) and issubclass(kind, Optimizer)} - {
        Optimizer
    }
    assert {type(make(net())[0]) for make in OPTIMIZERS.values()} == every


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_run_that_was_cut_off_twice_is_the_whole_one_to_the_bit_with_every_optimizer(name, suffix, tmp_path):
    assert len(compare(OPTIMIZERS[name], tmp_path / f"run{suffix}")["curves"]["loss"]) == 5


def grouped(model):
    groups = [
        {"params": model[0].parameters()},
        {"params": [*model[1].parameters(), *model[4].parameters()], "lr": 0.3},
    ]
    optimizer = optim.SGD(groups, lr=0.1, momentum=0.9)
    warmup = optim.LinearWarmup(optimizer, 6, per="step")
    return optimizer, [warmup, optim.CosineAnnealingLR(optimizer, 5), optim.ReduceLROnPlateau(optimizer, patience=0)]


class Milestones(optim.StepLR):
    """At each of these epochs a tenth; by halves after each epoch where there are none."""

    def __init__(self, optimizer, at):
        self.at = None if at is None else np.array(at)
        super().__init__(optimizer, 1, 0.5)

    def rate(self):
        return super().rate() if self.at is None else self.base * 0.1 ** int((self.t >= self.at).sum())


class Spending(optim.StepLR):
    """Less by what was spent, until that isn't counted any more."""

    def __init__(self, optimizer):
        self.spent = 0
        super().__init__(optimizer, 1, 0.5)

    def step(self, value=None):
        self.spent = self.spent + 0.25 if self.spent is not None and self.t < 3 else None
        super().step(value)

    def rate(self):
        return self.base * (1 - (self.spent or 0))


def scheduled(kind, *args, **options):
    def make(model):
        optimizer = optim.Adam(model.named_parameters(), lr=0.01)
        return optimizer, [kind(optimizer, *args, **options)]

    return make


SCHEDULES = {
    "StepLR": scheduled(optim.StepLR, 2, 0.5),
    "StepLR per step": scheduled(optim.StepLR, 3, 0.9, per="step"),
    "cosine": scheduled(optim.CosineAnnealingLR, 5, 1e-4),
    "warm-up": scheduled(optim.LinearWarmup, 4),
    "plateau": scheduled(optim.ReduceLROnPlateau, factor=0.5, patience=0, threshold=0.5, cooldown=1),
    "three at once, of two groups": grouped,
    "one of a user's, with an array": lambda model: scheduled(Milestones, [1, 3])(model),
    "one of a user's, with an integer that becomes a fraction, and then None": lambda model: scheduled(Spending)(model),
    "one of a user's, with None": lambda model: scheduled(Milestones, None)(model),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_go_on_where_they_were(name, tmp_path):
    rates = compare(SCHEDULES[name], tmp_path / "run.npz", validation=classes(20, 1))["curves"]["lr"]
    assert len(set(rates)) > 1  # they did something


VARIANTS = {
    "a seed of fit": {"seed": 3},
    "a Generator of fit's": {"seed": 3, "bits": np.random.MT19937},
    "without shuffling": {"shuffle": False},
    "drop_last": {"drop_last": True},
    "compiled": {"compile": True},
    "metrics and validation": {"metrics": {"accuracy": tl.accuracy}, "validation": classes(20, 1)},
    "penalties and clipping": {"l1": 0.001, "l2": 0.001, "clip_norm": 0.1},
    "weights of examples": {"sample_weight": 1 + np.arange(50) % 3},
    "batches with a seed": {"train": lambda: data.batches(classes(), 16, seed=5), "batch_size": 32},
    "a list of batches": {"train": lambda: list(data.batches(classes(), 16, seed=5)), "batch_size": 32},
}


@pytest.mark.parametrize("name", VARIANTS)
def test_whatever_else_fit_is_given_goes_on_to_the_bit(name, tmp_path):
    options = dict(VARIANTS[name])
    if bits := options.pop("bits", None):
        seed = options.pop("seed")
        make = lambda model: (random.manual_seed(0), OPTIMIZERS["Adam"](model))[1]
        expected = run(make, seed=np.random.Generator(bits(seed)))
        with pytest.raises(Cut):
            run(make, tmp_path / "run.npz", [cut_after(2)], seed=np.random.Generator(bits(seed)))
        assert run(make, tmp_path / "run.npz", seed=np.random.Generator(bits(99))) == expected
    else:
        compare(OPTIMIZERS["Adam"], tmp_path / "run.npz", **options)


@pytest.mark.parametrize("cut", [0, 1, 3])
def test_patience_counts_on_and_the_best_weights_are_those_of_an_epoch_before_the_cut(cut, tmp_path):
    """The rate is so large that the validation loss is lowest early."""
    options = {"validation": classes(20, 1), "patience": 4, "epochs": 12}
    fast = lambda model: (optim.SGD(model.parameters(), lr=1.5, momentum=0.9), [])
    found = compare(fast, tmp_path / "run.npz", (cut,), **options)
    assert found["stopped"] == "early stopping"
    values = [float.fromhex(value) for value in found["curves"]["val_loss"]]
    best = int(np.argmin(values))
    assert len(values) == best + 5 < 12


def test_a_run_that_its_patience_ended_isnt_trained_further(tmp_path):
    options = {"validation": classes(20, 1), "patience": 2, "epochs": 12}
    fast = lambda model: (optim.SGD(model.parameters(), lr=1.5, momentum=0.9), [])
    found = run(fast, tmp_path / "run.npz", **options)
    told = []
    again = run(fast, tmp_path / "run.npz", [lambda epoch, history: told.append(epoch)], **options)
    assert not told and again["stopped"] == "early stopping" and again == found


def test_a_run_that_came_to_its_end_gives_its_history_and_trains_no_further(tmp_path):
    found = run(OPTIMIZERS["Adam"], tmp_path / "run.npz")
    assert run(OPTIMIZERS["Adam"], tmp_path / "run.npz") == found
    assert len(found["curves"]["loss"]) == 5


def test_what_a_callback_changes_is_in_the_file_and_one_that_stops_a_run_lets_the_next_go_on(tmp_path):
    def make(model):
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        made.append((model, optimizer))
        return optimizer, [optim.LinearWarmup(optimizer, 3)]

    def slower(epoch, history):
        model, optimizer = made[-1]
        if epoch == 1:
            optimizer.lr = 0.02
            model[0].weight.data = model[0].weight.data * 2

    made = []
    expected = run(make, callbacks=[slower])
    stopped = run(make, tmp_path / "run.npz", [slower, lambda epoch, history: epoch == 1])
    assert stopped["stopped"] == "callback" and len(stopped["curves"]["loss"]) == 2
    assert run(make, tmp_path / "run.npz", [slower]) == expected


@pytest.fixture
def interrupts():
    """As a terminal has it; a shell's background job, such as CI's, ignores Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interrupts")
def test_ctrl_c_ends_a_run_and_the_next_goes_on_after_its_last_whole_epoch(tmp_path):
    expected, steps = run(OPTIMIZERS["Adam"]), []

    def loss(outputs, targets):
        steps.append(0)
        if len(steps) == 10:  # in the third epoch of 4 batches each
            signal.raise_signal(signal.SIGINT)
        return F.cross_entropy(outputs, targets)

    stopped = run(OPTIMIZERS["Adam"], tmp_path / "run.npz", loss=loss)
    assert stopped["stopped"] == "interrupted" and len(stopped["curves"]["loss"]) == 2
    assert run(OPTIMIZERS["Adam"], tmp_path / "run.npz") == expected


def test_the_checkpoint_is_still_that_of_the_best_epoch(tmp_path):
    options = {"validation": classes(20, 1), "epochs": 8}
    fast = lambda model: (optim.SGD(model.parameters(), lr=1.5, momentum=0.9), [])
    run(fast, checkpoint=tmp_path / "a.npz", **options)
    with pytest.raises(Cut):
        run(fast, tmp_path / "run.npz", [cut_after(5)], checkpoint=tmp_path / "b.npz", **options)
    run(fast, tmp_path / "run.npz", checkpoint=tmp_path / "b.npz", **options)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


PROGRAM = """
import os, signal, sys
import numpy as np
import tinydl as tl
from tinydl import data, functional as F, nn, optim

def die(epoch, history):
    if sys.argv[2:] and epoch == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)

tl.manual_seed(0)
rng = np.random.default_rng(0)
train = data.Dataset(rng.normal(size=(60, 4)), rng.integers(0, 3, 60))
model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.2), nn.Linear(8, 3))
history = tl.fit(
    model, train, loss=F.cross_entropy, optimizer=optim.Adam(model.parameters(), lr=0.01), epochs=5, callbacks=[die],
    resume=sys.argv[1], progress=False,
)
print([value.hex() for value in history["loss"]], [p.data.tobytes().hex() for p in model.parameters()])
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no kill -9 on this system")
def test_a_process_that_was_killed_goes_on_in_another_one(tmp_path):
    def start(*arguments):
        command = [sys.executable, "-c", textwrap.dedent(PROGRAM), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, env={**os.environ})

    whole = start(str(tmp_path / "whole.npz"))
    assert whole.returncode == 0, whole.stderr
    for epoch in ("1", "3"):
        killed = start(str(tmp_path / "run.npz"), epoch)
        assert killed.returncode == -signal.SIGKILL and not killed.stdout
    assert start(str(tmp_path / "run.npz")).stdout == whole.stdout
    assert [path.name for path in tmp_path.glob("*run*")] == ["run.npz"]  # nothing half written lies about


def test_a_write_that_fails_leaves_the_file_of_the_epoch_before(tmp_path, monkeypatch):
    path = tmp_path / "run.npz"
    with pytest.raises(Cut):
        run(OPTIMIZERS["Adam"], path, [cut_after(2)])
    before = path.read_bytes()

    def full(*given):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="can't be written"):
        patch.setattr(os, "fsync", full)
        run(OPTIMIZERS["Adam"], path)
    assert path.read_bytes() == before
    assert run(OPTIMIZERS["Adam"], path) == run(OPTIMIZERS["Adam"])


# ---- what is refused ----


def left(path, make=OPTIMIZERS["Adam"], **options):
    """A file that a run has left after two epochs."""
    with pytest.raises(Cut):
        run(make, path, [cut_after(2)], **options)
    return path


OTHERS = {
    "epochs": ({"epochs": 9}, r"has epochs 5, but this one 9\. To go on give what it had"),
    "the batch size": ({"batch_size": 8}, "has batch_size 16, but this one 8"),
    "the data": ({"train": lambda: classes(51)}, "has examples 50, but this one 51"),
    "drop_last": ({"drop_last": True}, "has batches in an epoch 4, but this one 3"),
    "patience": ({"patience": 2, "validation": classes(20, 1)}, "has patience None, but this one 2"),
    "their own batches": ({"train": lambda: list(data.batches(classes(), 16)), "batch_size": 32}, "has batch_size 16"),
    "a seed of the batches": (
        {"train": lambda: data.batches(classes(), 16, seed=1), "batch_size": 32},
        "batches with a seed of their own, or this one is",
    ),
    "the optimizer": ({"make": OPTIMIZERS["AdamW"]}, "has optimizer Adam, but this one AdamW"),
    "another bit generator": ({"seed": np.random.Generator(np.random.MT19937(0))}, "MT19937"),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_the_file_of_a_run_with_another_plan_is_refused_and_everything_is_as_it_was(name, tmp_path):
    options, sentence = OTHERS[name]
    path = left(tmp_path / "run.npz")
    before = path.read_bytes()
    with pytest.raises(ValueError, match=rf"run\.npz.*{sentence}"):
        run(**{"make": OPTIMIZERS["Adam"], "path": path, **options})
    assert path.read_bytes() == before


def test_a_file_that_is_refused_leaves_a_rate_that_was_set_by_hand(tmp_path):
    model, path = nn.Linear(4, 3), tmp_path / "run.npz"
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    warmup = optim.LinearWarmup(optimizer, 10)
    options = {"loss": F.cross_entropy, "optimizer": optimizer, "schedule": warmup, "progress": False, "resume": path}
    tl.fit(model, classes(), epochs=2, **options)
    optimizer.lr = 0.5
    with pytest.raises(ValueError, match="has epochs 2, but this one 3"):
        tl.fit(model, classes(), epochs=3, **options)
    assert optimizer.lr == 0.5


def test_a_schedule_that_takes_no_state_leaves_the_model_as_it_was(tmp_path):
    class Stubborn(optim.StepLR):
        def load_state_dict(self, state_dict):
            raise RuntimeError("not with me")

    def once(callbacks):
        tl.manual_seed(callbacks == [])
        model = nn.Linear(4, 3)
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        before = model.state_dict()
        try:
            tl.fit(
                model, classes(), loss=F.cross_entropy, optimizer=optimizer, epochs=3, progress=False,
                schedule=Stubborn(optimizer, 1), resume=tmp_path / "run.npz", callbacks=callbacks,
            )  # fmt: skip
        except (Cut, RuntimeError) as error:
            return plain(before) == plain(model.state_dict()), str(error)

    once([cut_after(1)])
    assert once([]) == (True, "not with me")


def test_integers_beside_what_is_called_their_scale_stay_integers(tmp_path):
    class Buffered(nn.Module):
        def __init__(self):
            self.linear = nn.Linear(4, 3)
            self.q, self.q_scale = np.arange(3, dtype=np.int8), np.full(1, 0.5, np.float32)

        def forward(self, x):
            return self.linear(x) + self.q * self.q_scale

    def once(callbacks=()):
        tl.manual_seed(0)
        model = Buffered()
        return model, tl.fit(
            model, classes(), loss=F.cross_entropy, optimizer=optim.Adam(model.parameters()), epochs=4, patience=3,
            validation=classes(20, 1), resume=tmp_path / "run.npz", progress=False, callbacks=callbacks,
        )  # fmt: skip

    with pytest.raises(Cut):
        once([cut_after(1)])
    with pytest.raises(Cut):
        once([cut_after(2)])
    model, history = once()
    assert model.q.dtype == np.int8 and len(history["loss"]) == 4


@pytest.mark.parametrize(
    "what", ["model", "optimizer", "schedules", "schedule", "no run", "notes", "damaged", "foreign"]
)
def test_another_models_file_or_a_damaged_one_changes_nothing(what, tmp_path):
    path, wanted = tmp_path / "run.npz", "doesn't fit"
    make = SCHEDULES["StepLR"]
    left(path, make)
    tl.manual_seed(1)
    model = nn.Sequential(nn.Linear(4, 3)) if what == "model" else net()
    optimizer, schedules = make(model)
    if what == "optimizer":
        optimizer, wanted = optim.SGD(model.parameters(), lr=0.1), "another optimizer"
        schedules = [optim.StepLR(optimizer, 2)]
    elif what == "schedules":
        schedules, wanted = [], "has 1 schedules, but this one 0"
    elif what == "schedule":
        schedules, wanted = [optim.CosineAnnealingLR(optimizer, 3)], "a CosineAnnealingLR's state has"
    elif what == "no run":
        tl.save(model, path, optimizer=optimizer)
        wanted = r"run\.npz is no file that fit\(resume=…\) has written"
    elif what == "notes":
        arrays = dict(np.load(path)) | {"fit/notes": np.frombuffer(b'{"plan": {}}', np.uint8)}
        np.savez(path, **arrays)
        wanted = "its notes of the run are damaged"
    elif what == "damaged":
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 0x10
        path.write_bytes(content)
        wanted = "is damaged"
    elif what == "foreign":
        path.write_bytes(b"not a file of arrays")
        wanted = "is damaged, or not a .npz file"
    content = path.read_bytes()
    rng = random.generator().bit_generator
    before = plain([model.state_dict(), dict(optimizer.state_dict()), [s.state_dict() for s in schedules], rng.state])
    with pytest.raises(ValueError, match=wanted):
        tl.fit(
            model, classes(), loss=F.cross_entropy, optimizer=optimizer, schedule=schedules, epochs=5, batch_size=16,
            progress=False, resume=path,
        )  # fmt: skip
    after = plain([model.state_dict(), dict(optimizer.state_dict()), [s.state_dict() for s in schedules], rng.state])
    assert after == before and path.read_bytes() == content


class Remembers(optim.StepLR):
    def state_dict(self):
        return super().state_dict() | {"step_size": object()}


ARGUMENTS = [
    ({"resume": "run.pkl"}, ValueError, "npz"),
    ({"resume": "no/such/folder/run.npz"}, FileNotFoundError, "resume=.*no folder"),
    ({"resume": "."}, ValueError, "npz"),
    ({"resume": "a.npz", "checkpoint": "./a.npz"}, ValueError, "checkpoint and resume are one file"),
]


@pytest.mark.parametrize(("options", "kind", "sentence"), ARGUMENTS)
def test_a_path_that_cant_be_meant_is_refused_before_the_first_epoch(options, kind, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = options.pop("resume")
    with pytest.raises(kind, match=sentence):
        run(OPTIMIZERS["Adam"], path, **options)
    assert not list(tmp_path.iterdir())


def test_a_schedule_whose_state_a_file_cant_hold_is_refused_before_the_first_epoch(tmp_path):
    told = []
    with pytest.raises(ValueError, match=r"resume= can't write this run.*object is in it"):
        run(scheduled(Remembers, 2), tmp_path / "run.npz", [lambda epoch, history: told.append(epoch)])
    assert not told


Pair = collections.namedtuple("Pair", "a b")
NOT_KEPT = [
    {1: 0.5, 3: 0.1}, [lambda: 0], {"a": {2: 1}}, Pair(1.0, 0.5), [np.ones(2)], [(1, 2)], collections.defaultdict(int),
]  # fmt: skip


@pytest.mark.parametrize("value", NOT_KEPT)
def test_what_json_would_give_back_as_another_value_is_refused(value, tmp_path):
    class Own(optim.StepLR):
        def __init__(self, optimizer):
            self.value = value
            super().__init__(optimizer, 1)

    with pytest.raises(ValueError, match=r"resume= can't write this run.*(a key isn't text|is in it)"):
        run(scheduled(Own), tmp_path / "run.npz")
    assert not list(tmp_path.iterdir())


def test_the_file_holds_nothing_that_could_run_and_its_model_loads_by_itself(tmp_path):
    path = left(tmp_path / "run.npz")
    with np.load(path, allow_pickle=False) as archive:
        assert all(archive[name].dtype.kind in "fiub" for name in archive.files)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
    tl.manual_seed(3)
    model = net()
    tl.load(model, path, strict=False)
    with np.load(path) as archive:
        np.testing.assert_array_equal(model[0].weight.data, archive["0.weight"])


def test_without_resume_nothing_is_written_and_nothing_kept_for_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    seen = []
    init = Progress.__init__
    monkeypatch.setattr(
        Progress, "__init__", functools.partialmethod(lambda self, *a: (seen.append(self), init(self, *a))[1])
    )
    run(OPTIMIZERS["Adam"], validation=classes(20, 1), patience=2)
    assert not list(tmp_path.iterdir()) and seen[0].best.weights == {}
