"""Many processes, as threads of this one: fit(comm=…) and tl.parallel; test_mpi.py does what only MPI can."""

import copy
import functools
import importlib.util
import itertools
import subprocess
import sys
import threading

import device
import numpy as np
import over_mpi
import pytest
import ranks
from over_mpi import CASES, LOOSE, TOLERANCES, N, bits, classes, distance, dropping, net, normed, train, whole

import tinydl as tl
from tinydl import data, nn, optim
from tinydl import functional as F
from tinydl.engine import random
from tinydl.optim.optimizer import Optimizer
from tinydl.parallel import Alone, all_sum, broadcast, share, sum_gradients
from tinydl.training import care, feeding
from tinydl.training.feeding import feed_of


def on(size, function, *args, **options):
    return ranks.run(size, lambda comm: function(comm, *args, **options))


# ---- the parts ----


@pytest.mark.parametrize(("n", "size"), [*itertools.product((0, 1, 5, 12), (1, 2, 3, 7))])
def test_share_gives_every_row_once_in_order_and_parts_that_differ_by_one_row_at_most(n, size):
    x, y = np.arange(2 * n).reshape(n, 2), np.arange(n)
    parts = on(size, lambda comm: share((x, y), comm))
    np.testing.assert_array_equal(np.concatenate([a for a, _ in parts]), x)
    np.testing.assert_array_equal(np.concatenate([b for _, b in parts]), y)
    lengths = [len(b) for _, b in parts]
    assert max(lengths) - min(lengths) <= 1 and lengths == sorted(lengths, reverse=True)


def test_share_takes_datasets_tensors_and_lists_and_refuses_what_has_no_rows():
    first, second = on(2, lambda comm: share(classes(5), comm))
    assert isinstance(first, data.Dataset) and (len(first), len(second)) == (3, 2)
    assert on(2, lambda comm: share(["a", "b", "c"], comm)) == [["a", "b"], ["c"]]
    x = tl.tensor(np.arange(3.0), requires_grad=True)
    assert share(x, Alone()).requires_grad
    for wrong in (3, np.array(3.0), None, "text"):
        with pytest.raises(TypeError, match="share takes an array with an axis of rows"):
            share(wrong, Alone())


def test_all_sum_is_the_sum_and_its_slope_is_that_of_the_sum_of_what_all_ranks_minimise():
    """f = Σᵣ cᵣ · (Σₛ xₛ)³, by numerical derivatives of the whole."""
    xs = np.random.default_rng(0).normal(size=(3, 4))
    factors = np.array([1.0, -2.0, 0.5])

    def objective(all_xs):
        return float((factors[:, None] * all_xs.sum(0) ** 3).sum())

    def rank(comm):
        x = tl.tensor(xs[comm.rank], requires_grad=True)
        total = all_sum(x, comm)
        np.testing.assert_allclose(total.data, xs.sum(0), rtol=1e-15)
        (total**3 * factors[comm.rank]).sum().backward()
        return x.grad.data

    found = on(3, rank)
    for r, i in itertools.product(range(3), range(4)):
        step = np.zeros_like(xs)
        step[r, i] = 1e-5
        slope = (objective(xs + step) - objective(xs - step)) / 2e-5
        assert found[r][i] == pytest.approx(slope, rel=1e-6)


def test_all_sum_has_second_derivatives_and_keeps_dtypes_and_shapes():
    def rank(comm):
        x = comm.rank + 1.0
        second = tl.grad(lambda x: tl.grad(lambda x: all_sum(x, comm=comm) ** 3)(x))(x)
        for dtype in (np.float16, np.float32, np.float64):
            y = all_sum(np.ones((2, 0, 3), dtype), comm)
            assert y.dtype == dtype and y.shape == (2, 0, 3)
        half = all_sum(np.full(3, 1 / 3, np.float16), comm)
        assert half.dtype == np.float16 and half[0] == np.float16(3 * np.float32(np.float16(1 / 3)))
        return second

    # d/dx of Σᵣ 3(Σx)², each of whose three terms every rank's own gradient goes through twice
    assert on(3, rank) == [3 * 3 * 6 * 6.0] * 3


def test_alone_is_a_communicator_of_one():
    comm = Alone()
    assert (comm.rank, comm.size, comm.bcast("said", root=0)) == (0, 1, "said")
    x, y = np.arange(3.0), np.empty(3)
    comm.Allreduce(x, y)
    np.testing.assert_array_equal(x, y)
    total = all_sum(x, comm)
    assert total is not x and not np.shares_memory(total, x)
    np.testing.assert_array_equal(total, x)


def test_sum_gradients_adds_up_in_one_message_and_a_parameter_that_no_rank_used_stays_without():
    def rank(comm):
        a, b, c = (tl.tensor(np.ones(n), requires_grad=True, dtype=np.float32) for n in (2, 3, 4))
        half = tl.tensor(np.ones(2), requires_grad=True, dtype=np.float16)
        frozen = tl.tensor(np.ones(2))
        loss = (a * (comm.rank + 1)).sum() + (half * 2).sum()
        if comm.rank:
            loss = loss + (b * 5).sum()
        loss.backward()
        sums = sum_gradients([a, b, c, half, frozen], comm, loss, 1)
        assert comm.calls == ["Allreduce"] and comm.numbers == 2 + 3 + 4 + 2 + 4 + 2
        assert sums.dtype == np.float32 and a.grad.dtype == np.float32 and half.grad.dtype == np.float16
        assert c.grad is None and frozen.grad is None
        assert a.grad.data.flags.writeable and not np.shares_memory(a.grad.data, b.grad.data)
        return a.grad.data.tolist(), b.grad.data.tolist(), half.grad.data.tolist(), sums.tolist()

    loss = (2 + 4) + (4 + 4 + 15)
    assert on(2, rank) == [([3.0, 3.0], [5.0, 5.0, 5.0], [4.0, 4.0], [loss, 2.0])] * 2


def test_gradients_are_let_go_of_before_memory_is_asked_for():
    def rank(comm):
        a = tl.tensor(np.ones(3), requires_grad=True)
        (a * 2).sum().backward()
        told = []
        allreduce = comm.Allreduce
        comm.Allreduce = lambda send, recv: (told.append(a.grad), allreduce(send, recv))
        sum_gradients([a], comm)
        return told, a.grad.data.tolist()

    assert on(2, rank) == [([None], [4.0] * 3)] * 2


def test_a_nan_of_one_rank_is_in_the_sums_of_all():
    def rank(comm):
        p = tl.tensor(np.ones(2), requires_grad=True)
        (p * (np.nan if comm.rank == 1 else 1.0)).sum().backward()
        sum_gradients([p], comm)
        return np.isnan(p.grad.data).all()

    assert on(3, rank) == [True] * 3


def test_broadcast_gives_every_rank_the_state_of_rank_0():
    def rank(comm):
        with random.seeded(comm.rank):
            model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
            model[1].running_mean = model[1].running_mean + comm.rank + 1
            optimizer = optim.Adam(model.parameters(), lr=0.1 + comm.rank)
            for _ in range(1 + comm.rank):
                optimizer.zero_grad()
                model(np.random.default_rng(comm.rank).normal(size=(5, 3))).sum().backward()
                optimizer.step()
        broadcast(model, comm, optimizer)
        return bits([model.state_dict(), dict(optimizer.state_dict())])

    first, *others = on(3, rank)
    assert others == [first, first]


def test_a_loop_of_ones_own_is_one_process_to_rounding():
    x, y = classes()

    def rank(comm):
        with tl.default_dtype(np.float64), random.seeded(comm.rank):
            model = net(comm)
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        broadcast(model, comm, optimizer)
        for rows in np.split(np.arange(N), [13, 26, 40]):
            mine = share(rows, comm)
            optimizer.zero_grad()
            (F.cross_entropy(model(x[mine]), y[mine]) * (len(mine) / len(rows))).backward()
            sum_gradients(model.parameters(), comm)
            optimizer.step()
        return model.state_dict()

    (one,), (first, second) = on(1, rank), on(2, rank)
    assert bits(first) == bits(second) and distance(first, one) < 1e-14


# ---- fit ----


def test_every_optimizer_is_among_those_that_are_tried():
    every = {kind for kind in vars(optim).values() if isinstance(kind, type) and issubclass(kind, Optimizer)}
    made = {type(make(nn.Linear(1, 1).parameters())) for make in over_mpi.OPTIMIZERS.values()}
    assert made == every - {Optimizer}


@pytest.mark.parametrize("name", CASES)
def test_ranks_end_equal_to_the_bit_and_equal_to_one_process_to_rounding(name):
    for dtype, size in ((np.float64, 2), (np.float64, 3), (np.float32, 2)):
        first, *others = on(size, train, dtype=dtype, **CASES[name])
        assert all(bits(other) == bits(first) for other in others)
        assert distance(first, whole({"dtype": dtype, **CASES[name]})) <= TOLERANCES[dtype] * LOOSE.get(name, 1.0)
        assert distance(first["model"], train(Alone(), dtype=dtype, epochs=0)["model"]) > 1e-3 or "make" in CASES[name]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_two_ranks_are_to_the_bit_one_process_that_adds_the_same_two_micro_batches(dtype):
    first, second = on(2, train, dtype=dtype)
    assert bits(first) == bits(second)
    assert bits(first["model"]) == bits(over_mpi.micro(2, dtype))
    assert bits(first["model"]) != bits(over_mpi.micro(1, dtype))


def test_a_communicator_of_one_is_fit_without_one_to_the_bit():
    for make in (net, dropping):
        assert bits(train(Alone(), make=make)) == bits(train_without(make))


def train_without(make):
    with tl.default_dtype(np.float64), random.seeded(0):
        model = make(Alone())
        optimizer = over_mpi.OPTIMIZERS["Adam"](model.parameters())
        history = tl.fit(
            model, classes(), loss=F.cross_entropy, optimizer=optimizer, epochs=3, batch_size=16, seed=5, progress=False
        )
    return {
        "model": model.state_dict(), "optimizer": dict(optimizer.state_dict()), "curves": history.curves,
        "norms": history.norms, "stopped": history.stopped,
    }  # fmt: skip


def test_with_dropout_ranks_end_equal_each_draws_a_mask_of_its_own_and_a_seed_repeats_it():
    masks = {}

    class Seen(nn.Module):
        def __init__(self, comm):
            self.rank, self.dropout = comm.rank, nn.Dropout(0.5)

        def forward(self, x):
            y = self.dropout(np.ones_like(x))
            masks.setdefault(self.rank, []).append(np.asarray(y))
            return x * y

    make = lambda comm: nn.Sequential(nn.Linear(4, 8), Seen(comm), nn.Linear(8, 3))
    first, second = on(2, train, make=make, batch_size=10)
    assert bits(first) == bits(second)
    assert len(masks[0]) == len(masks[1]) == 15
    assert not any(np.array_equal(a, b) for a, b in zip(masks[0], masks[1], strict=True))
    again = on(2, train, make=make, batch_size=10)
    assert bits(again[0]) == bits(first)


@pytest.mark.parametrize("make", [net, normed])
def test_on_arrays_of_another_library_it_is_the_same_to_the_bit(make, tmp_path):
    def moved(comm):
        model = make(comm)
        model.to(device.asarray)
        return model

    options = {"drop_last": True, "metrics": {"accuracy": tl.accuracy}, "validation": classes(20, 1), "patience": 2}
    first, second = on(2, train, make=moved, optimizer="momentum", resume=tmp_path / "run.npz", **options)
    assert bits(first) == bits(second) == bits(on(2, train, make=make, optimizer="momentum", **options)[0])


def test_a_parameter_of_the_loss_is_trained_as_on_one_process_and_resumed(tmp_path):
    def run(comm, **options):
        with tl.default_dtype(np.float64), random.seeded(comm.rank):
            model, scale = net(comm), tl.tensor(1.0 + comm.rank, requires_grad=True)
        optimizer = optim.Adam([*model.parameters(), scale], lr=0.05)
        loss = lambda outputs, targets: F.cross_entropy(outputs * scale, targets)
        settings = {"epochs": 3, "batch_size": 16, "seed": 5, "progress": False} | options
        tl.fit(model, classes(), loss=loss, optimizer=optimizer, comm=comm, **settings)
        return [model.state_dict(), scale.data]

    first, second = on(2, run)
    one = run(Alone())
    assert bits(first) == bits(second) and distance(first, one) < 1e-14 and abs(one[1] - 1) > 0.01
    for size, expected in ((1, one), (2, first)):
        path, stop = tmp_path / f"run{size}.npz", [lambda epoch, history: epoch == 0]
        on(size, run, resume=path, callbacks=stop)
        assert bits(on(size, run, resume=path)[0]) == bits(expected)
        with pytest.raises(ValueError, match=r"the state is of groups of the parameters \[\[0, 1, 2, 3, 4\]\]"):
            train(Alone(), resume=path)


def test_on_one_process_layers_that_add_up_compile_to_the_bit():
    make = lambda comm: nn.Sequential(nn.Linear(4, 8), nn.SyncBatchNorm(8, comm=comm), nn.Linear(8, 3))
    assert bits(train(Alone(), make=make, compile=True)) == bits(train(Alone(), make=make))


def test_half_precision_is_added_up_in_float32():
    first, second = on(2, train, dtype=np.float16)
    assert bits(first) == bits(second)
    assert distance(first["model"], whole({"dtype": np.float16})["model"]) < 2e-3


def test_another_learning_rate_becomes_that_of_rank_0(monkeypatch):
    monkeypatch.setitem(over_mpi.OPTIMIZERS, "faster", lambda p: optim.SGD(p, lr=0.5))
    found = ranks.run(2, lambda comm: train(comm, optimizer=["SGD", "faster"][comm.rank]))
    assert bits(found[0]) == bits(found[1]) == bits(on(2, train, optimizer="SGD")[0])


def test_each_step_is_one_message_of_the_gradients_and_three_numbers():
    def rank(comm):
        train(comm, epochs=2, batch_size=25)
        return [call for call in comm.calls if call == "Allreduce"], comm.numbers

    parameters = 4 * 8 + 8 + 8 * 3 + 3
    assert on(2, rank) == [(["Allreduce"] * 4, 4 * (parameters + 4 + 3))] * 2


def test_only_rank_0_judges_prints_and_writes(tmp_path, capsys):
    judged, told = [], []
    here = threading.local()

    def metric(outputs, targets):
        judged.append(here.rank)
        return float(len(targets))

    def rank(comm):
        here.rank = comm.rank
        return train(
            comm, metrics={"examples": metric}, validation=classes(9, 1), progress="lines",
            checkpoint=tmp_path / f"best{comm.rank}.npz", resume=tmp_path / f"run{comm.rank}.npz",
            callbacks=[lambda epoch, history: told.append((comm.rank, epoch, history["examples"][-1]))],
        )  # fmt: skip

    on(3, rank)
    assert judged == [0] * 6
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best0.npz", "run0.npz"]
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()] == [f"epoch {i}/3" for i in (1, 2, 3)]
    assert sorted(told) == [(rank, epoch, 50.0) for rank in range(3) for epoch in range(3)]


def test_a_callback_that_stops_rank_0_stops_all_and_others_decide_nothing():
    for decides, epochs in ((0, 2), (1, 3)):
        stop = lambda comm, decides=decides: lambda epoch, history: comm.rank == decides and epoch == 1
        found = ranks.run(2, lambda comm, stop=stop: train(comm, callbacks=[stop(comm)]))
        assert [len(one["curves"]["loss"]) for one in found] == [epochs, epochs]
        assert {one["stopped"] for one in found} == ({"callback"} if epochs == 2 else {None})


def test_what_a_metric_of_rank_0_draws_leaves_the_order_of_the_data_the_same_on_all():
    noisy = {"noise": lambda outputs, targets: float(random.generator().normal())}
    first, second = on(2, train, metrics=noisy)
    assert bits(first) == bits(second)
    assert distance(first, whole({"metrics": noisy})) < 1e-14


def test_what_a_callback_of_rank_0_draws_leaves_the_order_of_the_data_the_same_on_all():
    draw = lambda comm: lambda epoch, history: comm.rank or float(random.generator().random())
    found = ranks.run(2, lambda comm: train(comm, callbacks=[draw(comm)]))
    assert bits(found[0]) == bits(found[1])
    assert distance(found[0], whole({"callbacks": [lambda epoch, history: float(random.generator().random())]})) < 1e-14


def test_a_keyboard_interrupt_that_no_other_rank_hears_of_ends_all():
    comms = {}

    def rank(comm):
        comms[comm.rank] = comm

        def callback(epoch, history):
            if comm.rank == 1:
                raise KeyboardInterrupt

        train(comm, callbacks=[callback])

    with pytest.raises(KeyboardInterrupt):
        on(2, rank)
    assert comms[1].aborted == 1


def test_ctrl_c_on_one_rank_ends_all_after_the_same_batch(monkeypatch):
    steps = {}

    def pressed_by(comm):
        class Press:
            def __enter__(self):
                return lambda: int(comm.rank == 1 and len(steps.get(1, ())) >= 9)

            def __exit__(self, *exception):
                return None

        return Press()

    here = threading.local()
    monkeypatch.setattr(care, "one_interrupt", lambda: pressed_by(here.comm))

    def rank(comm):
        here.comm = comm

        def loss(outputs, targets):
            steps.setdefault(comm.rank, []).append(len(targets))
            return F.cross_entropy(outputs, targets)

        return train(comm, loss=loss)

    found = on(2, rank)
    assert {one["stopped"] for one in found} == {"interrupted"}
    assert bits(found[0]) == bits(found[1]) and len(found[0]["curves"]["loss"]) == 1
    assert len(steps[0]) == len(steps[1])


def test_buffers_that_each_rank_follows_by_itself_end_as_those_of_rank_0():
    class Follows(nn.Module):
        def __init__(self):
            self.mean, self.linear = np.zeros(4), nn.Linear(4, 3)

        def forward(self, x):
            self.mean = 0.9 * self.mean + 0.1 * np.asarray(x).mean(0)
            return self.linear(x)

    first, second = on(2, train, make=lambda comm: Follows())
    assert first["model"]["mean"].any() and bits(first) == bits(second)


# ---- data in files ----


class Echo:
    """Rank 0 of 2, whose other rank has the same sums."""

    rank, size = 0, 2

    def Allreduce(self, send, recv):
        recv[...] = 2 * send

    def bcast(self, obj, root=0):
        return obj


class Counting(np.ndarray):
    """Notes which rows are asked for."""

    def __getitem__(self, index):
        COUNTED.append(np.arange(len(self))[index])
        return np.asarray(super().__getitem__(index))


COUNTED = []


@pytest.fixture
def on_disk(tmp_path):
    """A Dataset over files of 128 rows of 256 KiB."""
    x = np.random.default_rng(0).normal(size=(128, 2**16)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", x[:, :1])
    return data.Dataset(*(np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in "xy"))


def quick(train, comm, **options):
    model = nn.Linear(2**16, 1)
    optimizer = optim.SGD(model.parameters(), lr=1e-6)
    tl.fit(
        model, train, loss=F.mse_loss, optimizer=optimizer, epochs=1, batch_size=8, seed=0, comm=comm, progress=False,
        **options,
    )  # fmt: skip


@pytest.mark.parametrize("shuffle", [False, True])
def test_a_rank_reads_only_the_rows_of_its_share_and_a_few_that_are_compared(shuffle, on_disk):
    on_disk.x = on_disk.x.view(Counting)
    COUNTED.clear()
    quick(on_disk, Echo(), shuffle=shuffle)
    compared, *batches = COUNTED
    assert len(compared) == 16 and [len(rows) for rows in batches] == [4] * 16
    order = np.random.default_rng(0).permutation(128) if shuffle else np.arange(128)
    np.testing.assert_array_equal(np.concatenate(batches), order.reshape(-1, 2, 4)[:, 0].ravel())


def in_memory(path):
    """How much of a file this process has in memory through mmap, in KiB."""
    found, inside = 0, False
    with open("/proc/self/smaps") as lines:
        for line in lines:
            if "-" in line.split()[0]:
                inside = line.rstrip().endswith(str(path))
            elif inside and line.startswith("Rss:"):
                found += int(line.split()[1])
    return found


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc says what is in memory")
def test_a_dataset_over_a_mapped_file_reads_what_is_asked_for_and_no_more(on_disk, tmp_path):
    file, size = tmp_path / "x.npy", 128 * 256
    assert in_memory(file) < size / 10, "a Dataset reads what it is given"
    first, rest = on_disk[:64], data.batches(on_disk, 8, seed=0)
    assert len(first) == 64 and len(rest) == 16 and in_memory(file) < size / 10
    x, _ = next(iter(data.batches(on_disk, 8, shuffle=False)))
    assert x.shape == (8, 2**16) and 8 * 256 <= in_memory(file) < size / 4  # Linux maps up to 2 MiB around
    quick(on_disk, None, shuffle=False)
    assert in_memory(file) > 0.95 * size


# ---- resume ----


@pytest.mark.parametrize("make", [net, dropping, normed])
def test_a_run_of_two_ranks_goes_on_to_the_bit_and_on_another_number_to_rounding(make, tmp_path):
    options = {"make": make, "epochs": 4, "validation": classes(20, 1), "patience": 3, "drop_last": True}
    expected = on(2, train, **options)
    stop = [lambda epoch, history: epoch == 1]
    path = tmp_path / "run.npz"
    on(2, train, callbacks=stop, resume=path, **options)
    content = path.read_bytes()
    found = on(2, train, resume=path, **options)
    assert bits(found) == bits(expected)
    for size in (1, 3):
        path.write_bytes(content)
        other, *rest = on(size, train, resume=path, **options)
        assert all(bits(one) == bits(other) for one in rest)
        if make is not dropping:
            assert distance(other, expected[0]) < 1e-12
        assert len(other["curves"]["loss"]) == 4


# ---- SyncBatchNorm ----


@pytest.mark.parametrize("shape", [(12, 3), (12, 3, 5), (12, 3, 2, 4)])
def test_sync_batch_norm_is_batch_norm_of_the_whole_batch_with_its_gradients(shape):
    rng = np.random.default_rng(0)
    x, g = rng.normal(size=shape), rng.normal(size=shape)
    weight, bias = rng.normal(size=3), rng.normal(size=3)

    def layer(comm, kind, momentum):
        with tl.default_dtype(np.float64):
            made = kind(3, momentum=momentum, **({"comm": comm} if kind is nn.SyncBatchNorm else {}))
        made.weight.data, made.bias.data = weight, bias
        return made

    def rank(comm, kind=nn.SyncBatchNorm, momentum=0.1):
        bn = layer(comm, kind, momentum)
        found = []
        for _ in range(2):
            part = tl.tensor(share(x, comm), requires_grad=True)
            y = bn(part)
            (y * share(g, comm)).sum().backward()
            found.append((y.data, part.grad.data))
        sum_gradients(bn.parameters(), comm)
        return found, bn.weight.grad.data, bn.bias.grad.data, bn.state_dict(), bn.eval()(x).data

    for momentum in (0.1, None):
        kind = nn.BatchNorm2d if len(shape) == 4 else nn.BatchNorm1d
        expected = rank(Alone(), kind, momentum)
        for size in (2, 5):
            all_found = on(size, rank, momentum=momentum)
            for i, j in itertools.product(range(2), range(2)):
                joined = np.concatenate([found[0][i][j] for found in all_found])
                np.testing.assert_allclose(joined, expected[0][i][j], rtol=0, atol=2e-14)
            for found in all_found:
                assert distance(found[1:], expected[1:]) < 1e-14
            assert bits(all_found[0][3]) == bits(all_found[1][3])


def test_without_running_statistics_validation_on_rank_0_is_that_of_one_process():
    def make(comm):
        norm = functools.partial(nn.SyncBatchNorm, comm=comm) if comm.size > 1 else nn.BatchNorm1d
        return nn.Sequential(nn.Linear(4, 8, bias=False), norm(8, track_running_stats=False), nn.Linear(8, 3))

    options = {"make": make, "validation": classes(20, 1), "drop_last": True, "optimizer": "momentum"}
    first, second = on(2, train, **options)
    assert bits(first) == bits(second) and distance(first, whole(options)) < 1e-13


def test_a_sum_over_ranks_in_what_rank_0_computes_alone_is_refused():
    class Always(nn.Module):
        def __init__(self, comm):
            self.comm, self.linear = comm, nn.Linear(4, 3)

        def forward(self, x):
            return self.linear(x) + all_sum(np.sum(self.linear.bias), self.comm)

    def with_a_copy(comm):
        again = copy.copy(comm)
        type(comm).Compare = staticmethod(lambda a, b: 0 if a is b else 1 if a.size == b.size else 3)  # as MPI has it
        try:
            train(comm, make=lambda comm: Always(again), validation=classes(20, 1))
        finally:
            del type(comm).Compare

    with pytest.raises(RuntimeError, match="in what rank 0 computes alone"):
        on(1 + 1, with_a_copy)

    with pytest.raises(RuntimeError, match=r"in what rank 0 computes alone.*Add up only `if self\.training`"):
        on(2, train, make=Always, validation=classes(20, 1))
    on(2, train, make=Always)


def test_on_one_process_it_is_batch_norm_to_the_bit_and_it_takes_its_state():
    x = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
    plain, synchronised = nn.BatchNorm1d(3), nn.SyncBatchNorm(3, comm=Alone())
    assert bits(plain(x).data) == bits(synchronised(x).data)
    assert bits(plain.state_dict()) == bits(synchronised.state_dict())
    synchronised.load_state_dict(plain.state_dict())
    assert bits(plain.eval()(x).data) == bits(synchronised.eval()(x).data)
    assert repr(synchronised) == repr(plain).replace("BatchNorm1d", "SyncBatchNorm")


def test_a_rank_without_rows_takes_part_and_half_precision_stays_half():
    x = np.random.default_rng(0).normal(size=(2, 3)).astype(np.float16)

    def rank(comm):
        with tl.default_dtype(np.float16):
            bn = nn.SyncBatchNorm(3, comm=comm)
        y = bn(share(x, comm))
        y.sum().backward()
        return y.shape, y.dtype, bn.running_mean.dtype, bits(bn.state_dict())

    found = on(3, rank)
    assert [one[:3] for one in found] == [((n, 3), np.float16, np.float16) for n in (1, 1, 0)]
    assert found[0][3] == found[1][3] == found[2][3]


def test_a_single_value_per_feature_on_all_ranks_together_is_refused_on_all():
    def rank(comm):
        with pytest.raises(ValueError, match="which the batches of all ranks together haven't"):
            nn.SyncBatchNorm(3, comm=comm)(share(np.ones((1, 3), np.float32), comm))
        return True

    assert on(2, rank) == [True, True]


def test_other_shapes_are_refused_before_anything_is_sent():
    def rank(comm):
        with pytest.raises(ValueError, match=r"SyncBatchNorm needs x of shape \(N, 3\) or .*, not \(4, 2\)"):
            nn.SyncBatchNorm(3, comm=comm)(np.ones((4, 2), np.float32))
        return comm.calls

    assert on(2, rank) == [[], []]


# ---- what is refused ----


def refused(match, kind=ValueError, size=2, **options):
    with pytest.raises(kind, match=match):
        on(size, train, **options)


def test_batch_norm_is_refused_and_the_sentence_names_what_takes_its_place():
    plain = lambda comm: nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 3))
    refused(r"layer 1 \(BatchNorm1d\).*Write nn\.SyncBatchNorm\(8, comm=comm\)", make=plain)
    other = lambda comm: nn.Sequential(nn.Linear(4, 8), nn.SyncBatchNorm(8, comm=Alone()), nn.Linear(8, 3))
    refused(r"layer 1 \(SyncBatchNorm\) was made with another communicator", make=other)
    train(Alone(), make=plain, drop_last=True)
    with pytest.raises(ValueError, match=r"layer 1 \(SyncBatchNorm\) adds up over many.*Give fit\(comm=…\)"):
        on(2, lambda comm: train(Alone(), make=lambda alone: normed(comm)))


def test_batch_norm_as_a_function_is_refused_while_training():
    class Normed(nn.Module):
        def __init__(self, comm):
            self.linear = nn.Linear(4, 3)

        def forward(self, x):
            return F.batch_norm(self.linear(x), None, None, training=True)

    refused(r"batch_norm.*use nn\.SyncBatchNorm", make=Normed)
    whole({"make": Normed, "drop_last": True})


def test_a_model_that_cant_take_0_rows_where_it_must_is_told_so():
    class Flat(nn.Module):
        def forward(self, x):
            return x.reshape(len(x), -1)

    make = lambda comm: nn.Sequential(*normed(comm), Flat())
    with pytest.raises(ValueError, match=r"no row of the batch.*reshape.*Make the model take 0 rows"):
        on(3, train, make=make)  # the last batch has 2


WEIGHTS = np.array([1.0, 2.0, 3.0])
LOSSES = {
    "a sum": (lambda o, t: F.cross_entropy(o, t, reduction="sum"), "isn't the mean of its rows'"),
    "a root": (lambda o, t: F.cross_entropy(o, t) ** 0.5, "isn't the mean of its rows'"),
    "rows compared": (lambda o, t: F.cross_entropy(o, t) + o.std(), "isn't the mean of its rows'"),
    "class weights": (lambda o, t: F.cross_entropy(o, t, weight=WEIGHTS), r"sample_weight=weight\[y\]"),
    "nll_loss with weights": (lambda o, t: F.nll_loss(F.log_softmax(o), t, weight=WEIGHTS), r"sample_weight=weight"),
    "smoothed, with weights": (lambda o, t: F.cross_entropy(o, t, WEIGHTS, label_smoothing=0.1), "sample_weight"),
    "an ignored class": (lambda o, t: F.cross_entropy(o, t, ignore_index=1), "sample_weight"),
}


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_of_which_parts_dont_make_the_whole_is_refused(name, compiled):
    loss, sentence = LOSSES[name]
    refused(sentence, loss=loss, compile=compiled)
    whole({"loss": loss, "drop_last": True})


@pytest.mark.parametrize("compiled", [False, True])
def test_a_label_that_is_ignored_in_a_later_batch_is_refused_there_on_one_rank(compiled):
    examples = classes()
    examples.y[35] = -100  # in the third batch, on rank 0
    refused("class weights or ignored labels", train=lambda dtype: examples, shuffle=False, compile=compiled)


def test_losses_that_are_means_over_rows_pass_and_one_that_draws_isnt_judged():
    for loss in (
        lambda o, t: F.cross_entropy(o, t, label_smoothing=0.1),
        lambda o, t: F.mse_loss(o, F.one_hot(t, 3)),
        lambda o, t: F.kl_div(F.log_softmax(o), F.one_hot(t, 3) * 0.7 + 0.1, reduction="batchmean"),
        lambda o, t: F.cross_entropy(o, F.one_hot(t, 3).astype(float), weight=WEIGHTS),
    ):
        first, second = on(2, train, loss=loss)
        assert bits(first) == bits(second) and distance(first, whole({"loss": loss})) < 1e-13
    on(2, train, loss=lambda o, t: F.cross_entropy(o + random.generator().normal(size=o.shape), t))
    signs = lambda t: np.where(t == 0, 1.0, -0.5 * np.ones(t.shape))
    balanced = data.Dataset(np.ones((12, 4), np.float32), np.tile([0, 1, 2], 4))  # whose loss is 0 but for rounding
    critic = lambda o, t: ((o.mean(axis=1) * signs(t).astype(np.float32)) * np.float32(0.1)).mean()
    on(2, train, loss=critic, train=lambda dtype: balanced, batch_size=12, dtype=np.float32)
    own = np.random.default_rng(0)
    on(2, train, loss=lambda o, t: F.cross_entropy(o, t) * own.random())
    calls = itertools.count(1)
    on(2, train, loss=lambda o, t: F.cross_entropy(o, t) * next(calls))


def test_a_loss_that_compares_rows_is_refused_with_weights_of_examples_too():
    loss = lambda o, t, reduction: F.cross_entropy(o - o.mean(axis=0), t, reduction=reduction)
    refused("isn't the mean of its rows'", loss=loss, sample_weight=np.arange(N) % 3 + 1.0)
    on(2, train, loss=F.cross_entropy, sample_weight=np.arange(N) % 3 + 1.0)


def test_the_weights_of_examples_do_what_class_weights_do():
    y = classes().y
    weighted = on(2, train, sample_weight=WEIGHTS[y])[0]
    loss = lambda outputs, targets: F.cross_entropy(outputs, targets, weight=WEIGHTS)
    assert distance(weighted["model"], whole({"loss": loss})["model"]) < 1e-14


class NoReduce:
    rank, size = 0, 2


@pytest.mark.parametrize("comm", [NoReduce(), object(), 2, type("MPI", (), {"COMM_WORLD": 1})])
def test_what_is_no_communicator_is_refused(comm):
    model = net(Alone())
    with pytest.raises(TypeError, match=r"comm has rank, size, Allreduce.*Write from mpi4py import MPI"):
        tl.fit(
            model, classes(), loss=F.cross_entropy, optimizer=optim.SGD(model.parameters(), lr=0.1), epochs=1, comm=comm
        )


GIVEN = {
    "epochs": (lambda rank: {"epochs": 3 + rank}, "rank 1 has other epochs than rank 0: 4, not 3"),
    "the data": (lambda rank: {"train": lambda dtype: classes(seed=rank)}, "other examples that were looked at"),
    "their number": (lambda rank: {"train": lambda dtype: classes(N + rank)}, "rank 1 has other examples"),
    "the model": (lambda rank: {"make": [net, lambda comm: nn.Linear(4, 3)][rank]}, "rank 1 has other parameters"),
    "the optimizer": (lambda rank: {"optimizer": ["SGD", "Adam"][rank]}, "rank 1 has other optimizer"),
    "a setting": (lambda rank: {"optimizer": ["SGD", "momentum"][rank]}, "rank 1 has other settings"),
    "a schedule": (
        lambda rank: {"schedule": lambda o: optim.StepLR(o, 1 + rank)},
        "rank 1 has other schedules",
    ),
    "a schedule's array": (
        lambda rank: {"schedule": lambda o: Milestones(o, [1, 3 - rank])},
        "rank 1 has other schedules",
    ),
    "penalties": (lambda rank: {"l2": 0.1 * rank}, "rank 1 has other l2 than rank 0: 0.1, not 0.0"),
    "clipping": (lambda rank: {"clip_norm": [0.3, None][rank]}, "rank 1 has other clip_norm"),
    "metrics": (lambda rank: {"metrics": [{"accuracy": tl.accuracy}, None][rank]}, "rank 1 has other metrics"),
    "the file": (lambda rank: {"resume": [None, "run.npz"][rank]}, "rank 1 has other resume than rank 0"),
}  # fmt: skip


class Milestones(optim.StepLR):
    """A schedule of a user's, whose state is an array, a function, and no number."""

    def __init__(self, optimizer, at):
        self.at, self.then, self.unknown = np.array(at), lambda rate: rate / 10, np.nan
        super().__init__(optimizer, 2)

    def rate(self):
        return self.base * 0.1 ** int((self.t >= self.at).sum())


def test_schedules_of_ones_own_are_the_same_where_they_are_written_alike():
    options = {"schedule": lambda o: Milestones(o, [1, 2])}
    found = on(2, train, **options)[1]
    assert found["curves"]["lr"] == pytest.approx([0.01, 0.001, 0.0001])
    assert distance(found["model"], whole(options)["model"]) < 1e-14


@pytest.mark.parametrize("name", GIVEN)
def test_a_rank_that_was_given_something_else_is_told_before_the_first_step(name):
    options, sentence = GIVEN[name]
    with pytest.raises(ValueError, match=sentence) as raised:
        ranks.run(2, lambda comm: train(comm, **options(comm.rank)))
    assert len(str(raised.value)) < 650


FED = {
    "seeds": lambda rank: {"train": lambda dtype: data.batches(classes(dtype=dtype), 16, seed=rank)},
    "a list of its own part": lambda rank: {
        "train": lambda dtype: [*data.batches(classes(dtype=dtype)[rank::2], 5, shuffle=False)]
    },
    "an order": lambda rank: {"shuffle": bool(rank)},
    "weights": lambda rank: {"sample_weight": np.roll(np.arange(N) % 3 + 1.0, rank)},
}  # fmt: skip


@pytest.mark.parametrize("name", FED)
def test_ranks_that_are_fed_with_other_batches_are_told_at_the_first_step(name):
    with pytest.raises(RuntimeError, match="the ranks were given different batches"):
        ranks.run(2, lambda comm: train(comm, **{"batch_size": 32, **FED[name](comm.rank)}))


def test_targets_that_are_no_labels_may_differ_in_a_last_bit():
    def rank(comm):
        x, y = classes()
        targets = F.one_hot(y, 3) * (1 + comm.rank * 1e-16) + 0.1 * comm.rank
        return train(comm, train=lambda dtype: [(x, targets)] * 3, batch_size=32, loss=F.mse_loss)

    first, second = on(2, rank)
    assert bits(first) == bits(second)


def test_one_process_looks_at_no_labels(monkeypatch):
    looked = []
    monkeypatch.setattr(feeding, "_labels", lambda y: looked.append(y) or np.zeros(1, int))
    given = list(data.batches(classes(), 16))
    comm = Alone()
    assert all(batch.mark == 0 for batch in feed_of(given, 32, True, False, None, comm)) and not looked
    comm.size = 2
    assert len(list(feed_of(given, 32, True, False, None, comm))) == len(looked) == 4


@pytest.mark.parametrize("size", [2, 3, 301, 999])
def test_marks_of_batches_add_up_without_rounding(size):
    comm = Alone()
    comm.size = size
    for seed in range(20):
        (batch,) = feed_of(classes(seed=seed), 64, True, False, None, comm)
        assert batch.mark >= 0 and int(np.float32(size * batch.mark)) == size * batch.mark


def test_a_callback_that_changes_one_rank_alone_is_noticed_after_the_next_epoch():
    class Holder(nn.Module):
        def __init__(self):
            self.linear = nn.Linear(4, 3)

        def forward(self, x):
            return self.linear(x)

    def run(change, match):
        made = {}

        def rank(comm):
            def make(comm):
                made[comm.rank] = Holder()
                return made[comm.rank]

            def callback(epoch, history):
                if comm.rank == 1:
                    change(made[1])

            return train(comm, make=make, callbacks=[callback])

        with pytest.raises(RuntimeError, match=match):
            on(2, rank)

    def move(model):
        model.linear.bias.data = model.linear.bias.data + 1e-9

    run(move, "rank 1 has other parameters or another lr than rank 0")


def test_sums_inside_of_a_program_are_refused_and_the_rest_compiles():
    with pytest.raises(tl.CompileError, match=r"a sum over several processes can't be in a program.*Leave compile out"):
        on(2, train, make=normed, compile=True, drop_last=True, strict=False)


# ---- the benchmark's model ----


def test_a_ring_is_computed_as_it_is_written_and_its_two_numbers_are_found_again():
    path = ranks.ROOT / "benchmarks" / "parallel.py"
    spec = importlib.util.spec_from_file_location("parallel_benchmark", path)
    bench = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bench)
    assert bench.ring(2, 1e6, 1e-5, 1e9) == pytest.approx(2 * (1e-5 + 0.5e-3))
    assert bench.ring(8, 8e6, 1e-6, 1e9) == pytest.approx(14 * (1e-6 + 1e-3))
    sizes = [256, 4096, 65536, 1048576]
    found = bench.fitted(sizes, [bench.ring(2, n, 3e-6, 5e9) for n in sizes])
    assert found == pytest.approx((3e-6, 5e9))
    measured = {"alone": 10e-3, "half": 6e-3, "message": 3e-3, "sent": 2e-3, "bytes": 8_000_000}
    # 2 ms that every rank takes, 8 ms for all the rows, 1 ms of packing, and the ring
    expected = 2e-3 + 8e-3 / 8 + 1e-3 + bench.ring(8, 8e6, 1e-6, 1e9)
    assert bench.computed(measured, 8, 1e-6, 1e9) == pytest.approx(expected)


# ---- what goes wrong ----


def test_a_nan_of_one_rank_raises_on_all_before_the_step_and_says_where_it_began():
    poisoned = classes()
    poisoned.x[45, 1] = np.nan  # in the third batch, on the second rank
    left = {}

    def rank(comm):
        def make(comm):
            left[comm.rank] = net(comm)
            return left[comm.rank]

        with pytest.raises(FloatingPointError) as raised:
            train(comm, make=make, train=lambda dtype: poisoned, shuffle=False)
        after = on_finite(left[comm.rank])
        return str(raised.value), after

    def on_finite(model):
        assert all(np.isfinite(p.data).all() and p.grad is None for p in model.parameters())
        return bits(model.state_dict())

    first, second = on(2, rank)
    assert first == second
    assert first[0] == (
        "epoch 1, batch 3: the loss is nan. On rank 1: Before any operation, the inputs had nan at index (5, 1)."
    )


def test_a_nan_within_a_model_that_waits_for_other_ranks_raises_on_all_too():
    class Overflows(nn.Module):
        def __init__(self, comm):
            self.rank, self.calls = comm.rank, 0

        def forward(self, x):
            self.calls += 1
            return np.log(x * 0) * 0 if self.rank == 1 and self.calls >= 4 else x

    make = lambda comm: nn.Sequential(*normed(comm)[:2], Overflows(comm), *normed(comm)[2:])

    def rank(comm):
        with np.errstate(all="ignore"), pytest.raises(FloatingPointError) as raised:
            train(comm, make=make, drop_last=True)
        return str(raised.value)

    first, second = on(2, rank)
    assert first == second and first.startswith("epoch 2, batch 1: the loss is nan. On rank 1: ") and "log" in first


def test_a_validation_that_isnt_finite_raises_on_all():
    held = classes(20, 1)
    held.x[3] = np.inf

    def rank(comm):
        with np.errstate(all="ignore"), pytest.raises(FloatingPointError) as raised:
            train(comm, validation=held)
        return str(raised.value)

    first, second = on(2, rank)
    assert first == second and "validation: the loss is nan" in first


def test_any_other_exception_on_one_rank_aborts_all_with_its_traceback(capsys):
    def callback(epoch, history, comm):
        if comm.rank == 1:
            raise KeyError("only here")

    comms = {}

    def rank(comm):
        comms[comm.rank] = comm
        train(comm, callbacks=[lambda epoch, history: callback(epoch, history, comm)])

    with pytest.raises(KeyError, match="only here"):
        on(2, rank)
    assert comms[1].aborted == 1
    said = capsys.readouterr().err
    assert "rank 1 of 2 ends all:" in said and "KeyError: 'only here'" in said and "in callback" in said


def test_all_end_whatever_stands_in_the_place_of_standard_output(monkeypatch):
    class Tee:
        def write(self, text):
            return len(text)

    comms = {}

    def rank(comm):
        comms[comm.rank] = comm
        train(comm, epochs=3 if comm.rank else -1)

    monkeypatch.setattr(sys, "stdout", Tee())
    with pytest.raises((ValueError, AttributeError)):
        on(2, rank)
    assert comms[0].aborted == 1


def test_what_is_raised_on_all_and_what_one_process_raises_aborts_nothing(capsys):
    class Watched(Alone):
        def Abort(self, code):
            raise AssertionError("aborted")

    with pytest.raises(ValueError, match="epochs"):
        train(Watched(), epochs=-1)
    poisoned = classes()
    poisoned.x[0] = np.nan
    with pytest.raises(FloatingPointError):
        on(2, train, train=lambda dtype: poisoned)
    assert "ends all" not in capsys.readouterr().err


def test_importing_tinydl_and_training_without_a_communicator_load_no_mpi4py():
    code = """
import sys, numpy as np, tinydl as tl
from tinydl import nn, optim, functional as F
assert "tinydl.parallel" not in sys.modules
model = nn.Linear(2, 1)
tl.fit(model, (np.ones((4, 2)), np.ones((4, 1))), loss=F.mse_loss, optimizer=optim.SGD(model.parameters(), lr=0.1),
       epochs=1, progress=False, comm=tl.parallel.Alone())
assert not any(name.startswith("mpi4py") for name in sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
