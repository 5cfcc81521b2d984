"""fit, evaluate, predict: what is measured, when a run ends, and that it ends well however it ends."""

import doctest
import functools
import io
import math
import os
import signal
import sys
import textwrap
import threading

import numpy as np
import pytest

import tinydl as tl
from tinydl import data, nn, optim
from tinydl import functional as F
from tinydl.engine import random


def points(n=60, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3))
    y = x @ np.array([[1.0], [-2.0], [0.5]]) + 0.1 * rng.normal(size=(n, 1))
    return data.Dataset(x.astype(np.float32), y.astype(np.float32))


def classes(n=90, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, n)
    x = rng.normal(size=(n, 4)) + 2 * np.eye(3, 4)[y]
    return data.Dataset(x.astype(np.float32), y)


def line_model(seed=0):
    tl.manual_seed(seed)
    model = nn.Sequential(nn.Linear(3, 1))
    return model, optim.SGD(model.parameters(), lr=0.05)


def net(seed=0, dropout=0.3):
    tl.manual_seed(seed)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(dropout), nn.Linear(8, 3))
    return model, optim.Adam(model.parameters(), lr=0.01)


def weights(model):
    return {name: array.copy() for name, array in model.state_dict().items()}


def same(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


def quick(model, optimizer, train=None, **options):
    options = {"loss": F.mse_loss, "epochs": 2, "seed": 0, "progress": False} | options
    return tl.fit(model, points() if train is None else train, optimizer=optimizer, **options)


# ---- what is computed ----


def test_the_example_of_fits_docstring_runs_and_the_loop_in_it_is_what_fit_does_to_the_bit():
    space = {"tl": tl, "nn": nn, "F": F, "optim": optim, "data": data}
    examples = doctest.DocTestParser().get_doctest(tl.fit.__doc__, space, "fit", None, None)
    assert doctest.DocTestRunner().run(examples, clear_globs=False) == (0, 3)
    assert len(examples.globs["history"]["loss"]) == 20
    block = tl.fit.__doc__.split("::\n\n", 1)[1].split("\n\n", 1)[0]
    trained = []
    for by_hand in (True, False):
        model, optimizer = line_model(seed=3)
        given = {"train": points(), "loss": F.mse_loss, "optimizer": optimizer, "epochs": 3, "batch_size": 8}
        if by_hand:
            exec(textwrap.dedent(block), {"data": data, "model": model, **given})
        else:
            tl.fit(model, **given)
        trained.append(weights(model))
    assert same(*trained)
    assert not same(trained[0], weights(line_model(seed=3)[0]))


def test_fit_does_the_steps_that_one_would_write_by_hand():
    model, optimizer = line_model()
    x, y = points(50)
    w, b = (p.numpy().astype(float) for p in model.parameters())
    history = quick(model, optimizer, (x, y), batch_size=16, shuffle=False, epochs=3)
    losses = []
    for _ in range(3):
        total = 0.0
        for i in range(0, 50, 16):
            error = x[i : i + 16] @ w.T + b - y[i : i + 16]
            total += (error**2).sum()
            w, b = w - 0.05 * 2 * error.T @ x[i : i + 16] / len(error), b - 0.05 * 2 * error.mean(0)
        losses.append(total / 50)  # the mean over examples, although the last batch is smaller
    np.testing.assert_allclose(model.state_dict()["0.weight"], w, rtol=1e-4)
    np.testing.assert_allclose(model.state_dict()["0.bias"], b, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(history["loss"], losses, rtol=1e-5)
    assert len(history) == 3
    assert history.stopped is None
    assert all(type(v) is float for curve in history.values() for v in curve)


def test_drop_last_leaves_the_smaller_last_batch_out():
    model, optimizer = line_model()
    x, y = points(50)
    w, b = (p.numpy().astype(float) for p in model.parameters())
    seen, loss = [], 0.0
    history = quick(
        model, optimizer, (x, y), batch_size=16, shuffle=False, drop_last=True, epochs=1,
        metrics={"examples": lambda outputs, targets: seen.append(len(targets)) or 0.0},
    )  # fmt: skip
    for i in range(0, 48, 16):
        error = x[i : i + 16] @ w.T + b - y[i : i + 16]
        loss += (error**2).sum() / 48
        w, b = w - 0.05 * 2 * error.T @ x[i : i + 16] / 16, b - 0.05 * 2 * error.mean(0)
    np.testing.assert_allclose(model.state_dict()["0.weight"], w, rtol=1e-4)
    assert history["loss"] == [pytest.approx(loss, rel=1e-5)] and seen == [48]
    with pytest.raises(ValueError, match=r"drop_last leaves no batch: train has 50 examples.*batch_size=64"):
        quick(model, optimizer, (x, y), batch_size=64, drop_last=True)


# ---- what would stop a run at the end of its first epoch ----


def normed():
    tl.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3))
    return model, optim.Adam(model.parameters(), lr=0.01)


def refused_at_once(match, make, *args, **options):
    """ValueError at the first batch, and nothing has changed."""
    model, optimizer = make()
    before, calls = weights(model), []
    step, optimizer.step = optimizer.step, lambda: calls.append(step())
    with pytest.raises(ValueError, match=match):
        quick(model, optimizer, *args, **options)
    assert not calls and same(weights(model), before)


def test_a_last_batch_of_one_that_batch_normalisation_cannot_take_is_found_at_the_first_step():
    examples, options = classes(33), {"loss": F.cross_entropy, "batch_size": 32, "seed": None}
    refused_at_once(r"1 \(BatchNorm1d\).*33 examples are 1 × 32 \+ 1.*drop_last=True", normed, examples, **options)
    for right in ({"drop_last": True}, {"batch_size": 31}, {"batch_size": 33}, {"batch_size": 64}):
        quick(*normed(), examples, **options | right)


def test_batch_normalisation_over_positions_can_take_a_last_batch_of_one():
    def sequences():
        tl.manual_seed(0)
        model = nn.Sequential(nn.BatchNorm1d(4), nn.Flatten(), nn.Linear(12, 3))
        return model, optim.SGD(model.parameters(), lr=0.1)

    x = np.random.default_rng(0).normal(size=(33, 4, 3)).astype(np.float32)
    assert len(quick(*sequences(), (x, np.arange(33) % 3), loss=F.cross_entropy, batch_size=32)) == 2


@pytest.mark.parametrize(
    "loss",
    [
        F.cross_entropy,
        functools.partial(F.cross_entropy, label_smoothing=0.1),
        lambda z, y: F.cross_entropy(z, y, weight=np.array([1.0, 2.0, 0.5])),
        lambda z, y: F.nll_loss(F.log_softmax(z), y) + 0.0 * z.sum(),
    ],
)
@pytest.mark.parametrize("wrong, says", [(3, "is 3"), (-1, "is -1")])
def test_a_class_without_an_output_is_found_before_the_first_update(loss, wrong, says):
    train, valid = classes(90), classes(31, seed=1)
    train.y[57] = valid.y[11] = wrong
    options = {"loss": loss, "batch_size": 16, "shuffle": False, "seed": None}
    refused_at_once(rf"train, looked through.*\[57\] {says}", normed, train, **options)
    refused_at_once(rf"validation, .*\[11\] {says}", normed, classes(90), validation=valid, **options)


def test_targets_outside_of_a_losses_range_are_found_before_the_first_update():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 4)).astype(np.float32), rng.integers(0, 2, (60, 3)).astype(np.float32)
    y[44, 1] = 2.0
    options = {"loss": F.binary_cross_entropy_with_logits, "batch_size": 20, "shuffle": False, "seed": None}
    refused_at_once(r"train, .*\[44, 1\] is 2.*from 0 to 1", normed, (x, y), **options)
    y[44, 1] = 1.0
    quick(*normed(), (x, y), **options)


def test_what_the_loss_does_not_refuse_is_trained_on():
    train = classes(90)
    train.y[32:] = np.where(np.arange(58) % 2, -100, train.y[32:])  # ignored, and not in the first batch
    train.y[1:32] = -100  # in which a single one counts
    options = {"batch_size": 32, "shuffle": False, "seed": None}
    quick(*normed(), train, loss=F.cross_entropy, **options)
    calls = []

    def own(z, y):
        calls.append(y.copy())
        assert not np.any(y == 7), "a user's own loss may refuse what it likes, in its turn"
        return np.mean((z[:, 0] - y) ** 2)

    train.y[80] = 7
    with pytest.raises(AssertionError, match="in its turn"):
        quick(*normed(), train, loss=own, **options)
    assert len(calls) == 3 and all(len(y) == 32 for y in calls[:2])  # called once a batch, with batches alone


def test_targets_are_looked_through_also_where_the_loss_reshapes_them():
    def sequences():
        tl.manual_seed(0)
        model = nn.Linear(4, 3)
        return model, optim.SGD(model.parameters(), lr=0.1)

    x = np.random.default_rng(0).normal(size=(40, 5, 4)).astype(np.float32)
    y = np.random.default_rng(1).integers(0, 3, (40, 5))
    y[33, 2] = 3
    flat = lambda z, y: F.cross_entropy(z.reshape(-1, 3), y.reshape(-1), ignore_index=-1)
    options = {"loss": flat, "batch_size": 8, "shuffle": False, "seed": None}
    refused_at_once(r"train, .*\[167\] is 3", sequences, (x, y), **options)
    y[33, 2] = -1
    quick(*sequences(), (x, y), **options)
    shares = np.eye(3)[y % 3]
    shares[20] *= 2
    soft = lambda z, t: F.cross_entropy(z.reshape(-1, 3), t.reshape(-1, 3))
    refused_at_once(r"train, .*sum to 2", sequences, (x, shares), **options | {"loss": soft})


def test_without_strict_nobody_looks_ahead():
    for n, batch_size, says in ((34, 16, "is 3"), (33, 32, "more than one value per feature")):
        train, (model, optimizer) = classes(n), normed()
        train.y[n - 1] = 3
        with pytest.raises(ValueError, match=says):
            quick(model, optimizer, train, loss=F.cross_entropy, batch_size=batch_size, shuffle=False, strict=False)
        assert model[1].num_batches_tracked == 32 // batch_size


def test_metrics_see_the_arrays_of_the_whole_set_and_the_history_holds_them():
    model, optimizer = net()
    train, valid = classes(70), classes(31, seed=1)
    seen = []

    def metric(outputs, targets):
        seen.append((type(outputs), outputs.shape, targets.shape))
        return tl.accuracy(outputs, targets)

    history = quick(
        model, optimizer, train, loss=F.cross_entropy, validation=valid, metrics={"accuracy": metric}, batch_size=16
    )
    assert set(history.keys()) == {"loss", "accuracy", "val_loss", "val_accuracy", "lr"}
    assert seen == [(np.ndarray, (70, 3), (70,)), (np.ndarray, (31, 3), (31,))] * 2
    outputs = tl.predict(model, valid.x)
    assert history["val_accuracy"][-1] == pytest.approx(np.mean(outputs.argmax(1) == valid.y))
    e = np.exp(outputs - outputs.max(1, keepdims=True))
    nll = -np.log((e / e.sum(1, keepdims=True))[np.arange(31), valid.y]).mean()
    assert history["val_loss"][-1] == pytest.approx(nll, rel=1e-5)
    assert tl.evaluate(model, valid, loss=F.cross_entropy, metrics={"accuracy": tl.accuracy}) == {
        "loss": history["val_loss"][-1],
        "accuracy": history["val_accuracy"][-1],
    }


def test_training_metrics_pair_outputs_with_their_own_shuffled_targets():
    model = nn.Identity()
    model.w = tl.tensor([0.0], requires_grad=True)
    rows = np.eye(5)[np.arange(40) % 5]

    def loss(outputs, targets):
        return (outputs * model.w).sum() ** 2

    history = quick(
        model,
        optim.SGD([model.w]),
        (rows, np.arange(40) % 5),
        loss=loss,
        metrics={"a": tl.accuracy},
        batch_size=7,
    )
    assert history["a"] == [1.0, 1.0]


def test_evaluate_gives_the_loss_of_the_whole_set_whatever_the_batch_size():
    model, _ = net()
    test = classes(37)
    weighted = lambda o, t: F.cross_entropy(o, t, weight=np.array([1.0, 5.0, 0.2]))
    values = [tl.evaluate(model, test, loss=weighted, batch_size=n)["loss"] for n in (1, 8, 36, 37, 500)]
    np.testing.assert_allclose(values, values[-1], rtol=1e-6)


def test_predict_gives_an_array_in_eval_mode_and_records_nothing():
    model, _ = net(dropout=0.9)
    x = classes(33).x
    out = tl.predict(model, x, batch_size=10)
    w1, b1, w2, b2 = (p.numpy() for p in model.parameters())
    np.testing.assert_allclose(out, np.maximum(x @ w1.T + b1, 0) @ w2.T + b2, rtol=1e-4, atol=1e-5)
    assert type(out) is np.ndarray
    assert model.training
    assert tl.predict(model, x[:0]).shape == (0, 3)
    model.eval()
    tl.predict(model, x)
    assert not model.training


def test_every_module_comes_back_in_the_mode_it_came_in_also_after_an_error():
    model, optimizer = net()
    model[2].eval()
    quick(model, optimizer, classes(), loss=F.cross_entropy)
    assert [m.training for m in model.modules()] == [True, True, True, False, True]
    with pytest.raises(ZeroDivisionError):
        quick(model, optimizer, classes(), loss=lambda o, t: 1 / 0)
    with pytest.raises(ValueError):
        tl.predict(model, np.zeros((2, 5)))
    assert [m.training for m in model.modules()] == [True, True, True, False, True]
    model.eval()
    modes = []
    quick(model, optimizer, classes(), loss=lambda o, t: modes.append(model.training) or F.cross_entropy(o, t))
    assert all(modes)
    assert not any(m.training for m in model.modules())


# ---- regularisation, clipping, schedules ----


@pytest.mark.parametrize("l1, l2", [(0.3, 0.0), (0.0, 0.2), (0.1, 0.4)])
def test_l1_and_l2_pull_on_weights_but_not_biases_and_are_not_in_the_reported_loss(l1, l2):
    x, y = points(20)
    plain, o1 = line_model()
    w = plain.state_dict()["0.weight"]
    penalised, o2 = line_model()
    h1 = quick(plain, o1, (x, y), epochs=1, batch_size=20)
    h2 = quick(penalised, o2, (x, y), epochs=1, batch_size=20, l1=l1, l2=l2)
    difference = plain.state_dict()["0.weight"] - penalised.state_dict()["0.weight"]
    np.testing.assert_allclose(difference, 0.05 * (l1 * np.sign(w) + 2 * l2 * w), rtol=1e-3)
    np.testing.assert_allclose(plain.state_dict()["0.bias"], penalised.state_dict()["0.bias"], rtol=1e-6)
    assert h1["loss"] == h2["loss"]


def test_clip_norm_bounds_the_step():
    x, y = points(20)
    model, optimizer = line_model()
    before = weights(model)
    quick(model, optimizer, (x, 1000 * y), epochs=1, batch_size=20, clip_norm=0.5)
    moved = math.sqrt(sum(((a - before[n]) ** 2).sum() for n, a in weights(model).items()))
    assert moved == pytest.approx(0.05 * 0.5, rel=1e-3)


def test_the_learning_rate_of_each_epoch_is_in_the_history():
    model, optimizer = line_model()
    history = quick(model, optimizer, epochs=5, schedule=optim.StepLR(optimizer, 2, 0.1))
    np.testing.assert_allclose(history["lr"], [0.05, 0.05, 0.005, 0.005, 0.0005])


def test_a_plateau_schedule_watches_the_validation_loss_and_not_the_training_loss():
    model, optimizer = line_model()
    loss, _ = falling_then_rising(model, [1, 2, 3, 4, 5])
    schedule = optim.ReduceLROnPlateau(optimizer, patience=1, factor=0.5)
    history = quick(model, optimizer, epochs=5, validation=points(10, 1), schedule=schedule, loss=loss)
    assert history["loss"] == sorted(history["loss"], reverse=True)
    np.testing.assert_allclose(history["lr"], [0.05, 0.05, 0.05, 0.025, 0.025])


# ---- how a run ends ----


def falling_then_rising(model, values):
    """A loss whose validation values are as given; it remembers the weights at each."""
    calls = iter(values)
    kept = []

    def loss(outputs, targets):
        if model.training:
            return F.mse_loss(outputs, targets)
        kept.append(weights(model))
        return F.mse_loss(outputs, targets) * 0 + next(calls)

    return loss, kept


def test_patience_stops_and_restores_the_best_weights():
    model, optimizer = line_model()
    loss, kept = falling_then_rising(model, [5, 3, 4, 2, 2, 6, 3, 9, 9, 9])
    history = quick(model, optimizer, epochs=10, validation=points(9, 1), loss=loss, patience=3)
    assert history["val_loss"] == [5, 3, 4, 2, 2, 6, 3]
    assert history.stopped == "early stopping"
    assert same(weights(model), kept[3])
    assert not same(kept[3], kept[-1])


def test_with_patience_the_best_weights_are_restored_also_when_all_epochs_ran():
    model, optimizer = line_model()
    loss, kept = falling_then_rising(model, [5, 1, 4, 2])
    history = quick(model, optimizer, epochs=4, validation=points(9, 1), loss=loss, patience=9)
    assert history.stopped is None
    assert same(weights(model), kept[1])


def test_without_patience_the_last_weights_stay():
    model, optimizer = line_model()
    loss, kept = falling_then_rising(model, [5, 1, 4, 2])
    quick(model, optimizer, epochs=4, validation=points(9, 1), loss=loss)
    assert same(weights(model), kept[3])


def test_the_checkpoint_holds_the_best_epoch(tmp_path):
    model, optimizer = line_model()
    loss, kept = falling_then_rising(model, [5, 1, 4, 2])
    quick(model, optimizer, epochs=4, validation=points(9, 1), loss=loss, checkpoint=tmp_path / "best.npz")
    other, _ = line_model(seed=5)
    tl.load(other, tmp_path / "best.npz")
    assert same(weights(other), kept[1])
    assert same(weights(model), kept[3])


def test_without_validation_the_checkpoint_follows_the_training_loss(tmp_path):
    model, optimizer = line_model()
    kept = []

    def callback(epoch, history):
        kept.append(weights(model))
        optimizer.lr = 0.05 if epoch < 3 else 2.0  # then it diverges

    history = quick(model, optimizer, epochs=8, callbacks=[callback], checkpoint=str(tmp_path / "best.npz"))
    best = int(np.argmin(history["loss"]))
    other, _ = line_model(seed=5)
    tl.load(other, tmp_path / "best.npz")
    assert 0 < best < 7
    assert same(weights(other), kept[best])


def test_callbacks_see_the_epoch_in_the_history_and_stop_the_run_by_returning_true():
    model, optimizer = line_model()
    seen = []

    def callback(epoch, history):
        seen.append((epoch, history["loss"][epoch], len(history)))
        return epoch == 2

    history = quick(model, optimizer, epochs=9, callbacks=[callback, lambda epoch, history: "a figure, say"])
    assert [n for _, _, n in seen] == [1, 2, 3]
    assert [loss for _, loss, _ in seen] == history["loss"]
    assert history.stopped == "callback"


def test_callbacks_from_a_generator_are_called_too():
    model, optimizer = line_model()
    seen = []
    quick(model, optimizer, callbacks=(lambda e, h, i=i: seen.append((e, i)) for i in range(2)))
    assert seen == [(0, 0), (0, 1), (1, 0), (1, 1)]


@pytest.mark.parametrize("where", ["callback", "metric", "validation metric", "loss"])
def test_an_exception_in_a_users_function_leaves_no_gradients_and_the_mode_as_it_was(where):
    model, optimizer = line_model()
    model.eval()
    steps = []

    def failing(*arguments):
        steps.append(0)
        if where == "loss" and len(steps) < 4:
            return F.mse_loss(*arguments)
        if where == "validation metric" and len(steps) < 2:
            return 0.0
        raise LookupError("mine")

    metrics = {"m": failing} if "metric" in where else None
    callbacks = [failing] if where == "callback" else []
    loss = failing if where == "loss" else F.mse_loss
    with pytest.raises(LookupError, match="mine"):
        quick(model, optimizer, metrics=metrics, callbacks=callbacks, loss=loss, validation=points(9, 1))
    assert all(p.grad is None for p in model.parameters())
    assert not any(module.training for module in model.modules())


def test_a_numpy_true_stops_too():
    model, optimizer = line_model()
    assert len(quick(model, optimizer, epochs=9, callbacks=[lambda e, h: np.float64(1) > 0])) == 1


@pytest.fixture
def ctrl_c():
    """Ctrl-C as it is in a terminal; a shell's background process, say, has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield lambda: os.kill(os.getpid(), signal.SIGINT)
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_ends_the_run_after_the_batch_and_gives_the_history(ctrl_c):
    model, optimizer = line_model()
    steps = []
    before = signal.getsignal(signal.SIGINT)

    def loss(outputs, targets):
        if len(steps) == 7:
            ctrl_c()
        steps.append(weights(model))
        return F.mse_loss(outputs, targets)

    history = quick(model, optimizer, loss=loss, epochs=9, batch_size=20)  # 3 batches an epoch: the 8th is in the third
    assert history.stopped == "interrupted"
    assert len(history) == 2
    assert len(steps) == 8
    assert not same(weights(model), steps[-1])  # the batch that was running has been finished
    assert model.training
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_ctrl_c_raises(ctrl_c):
    model, optimizer = line_model()
    before = signal.getsignal(signal.SIGINT)

    def loss(outputs, targets):
        ctrl_c()
        ctrl_c()
        return F.mse_loss(outputs, targets)

    with pytest.raises(KeyboardInterrupt):
        quick(model, optimizer, loss=loss, epochs=9)
    assert signal.getsignal(signal.SIGINT) is before


def test_an_interrupt_that_comes_as_an_exception_ends_the_run_too():
    model, optimizer = line_model()

    def callback(epoch, history):
        if epoch == 1:
            raise KeyboardInterrupt

    history = quick(model, optimizer, epochs=9, callbacks=[callback])
    assert history.stopped == "interrupted"
    assert len(history) == 2


def test_fit_leaves_a_handler_of_somebody_else_alone(ctrl_c):
    seen = []
    signal.signal(signal.SIGINT, lambda number, frame: seen.append(number))
    model, optimizer = line_model()
    history = quick(model, optimizer, callbacks=[lambda e, h: ctrl_c()])
    assert history.stopped is None
    assert len(seen) == 2


def test_fit_works_outside_the_main_thread():
    model, optimizer = line_model()
    found = []
    thread = threading.Thread(target=lambda: found.append(quick(model, optimizer)))
    thread.start()
    thread.join()
    assert len(found[0]) == 2


# ---- what isn't finite ----


def test_a_loss_that_is_not_finite_names_the_first_operation_and_leaves_model_and_optimizer_alone():
    model, optimizer = net()
    quick(model, optimizer, classes(), loss=F.cross_entropy, epochs=1)
    before, state = weights(model), optimizer.state_dict()
    with (
        pytest.raises(FloatingPointError, match=r"epoch 1, batch 1.*nan.*log gave nan at"),
        np.errstate(all="ignore"),
    ):
        quick(model, optimizer, classes(), loss=lambda o, t: F.nll_loss(np.log(o), t))
    assert same(weights(model), before)
    assert optimizer.state_dict()["state"].keys() == state["state"].keys()
    assert all(p.grad is None for p in model.parameters())
    for i, memory in state["state"].items():
        assert all(np.array_equal(memory[k], optimizer.state_dict()["state"][i][k]) for k in memory)


def test_a_gradient_that_is_not_finite_is_caught_though_the_loss_is():
    model, optimizer = line_model()
    before = weights(model)
    loss = lambda o, t: np.sqrt(np.where(t > 1e9, o, 0.0 * o)).sum()  # √0 has an infinite slope, times 0
    with pytest.raises(FloatingPointError, match=r"a gradient isn't finite.*sqrt"), np.errstate(all="ignore"):
        quick(model, optimizer, loss=loss)
    assert same(weights(model), before)


def test_the_same_random_numbers_are_used_when_the_bad_batch_is_run_again():
    # dropout with p = 1/2: the loss is inf only where one certain unit survives, in some batch of the run
    model, optimizer = net(dropout=0.5)
    calls = []

    def loss(outputs, targets):
        calls.append(outputs.numpy())
        factor = 1e38 if len(calls) in (6, 7) else 1.0  # the sixth batch, and again when it is repeated
        return (outputs * factor * 1e10).sum() if factor > 1 else F.cross_entropy(outputs, targets)

    with pytest.raises(FloatingPointError, match="epoch 2, batch 3"), np.errstate(all="ignore"):
        quick(model, optimizer, classes(), loss=loss, epochs=3, batch_size=30)
    assert len(calls) == 7
    np.testing.assert_array_equal(calls[5], calls[6])


def test_buffers_of_a_batch_that_was_not_finite_are_put_back():
    tl.manual_seed(0)
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 1))
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    x, y = points(20)
    x = x.copy()
    x[17, 2] = np.inf
    before = weights(model)
    with pytest.raises(FloatingPointError, match=r"the inputs had inf at index \(\d+, 2\)"), np.errstate(all="ignore"):
        quick(model, optimizer, (x, y), batch_size=20)
    assert same(weights(model), before)


class Remembering(nn.Module):
    """Keeps what came in last, which makes the array a buffer."""

    def __init__(self, *names):
        self.linear = nn.Linear(2, 1)
        for name in names:
            setattr(self, name, np.zeros((4, 2), np.float32))

    def forward(self, x):
        self.last = np.asarray(x)
        return self.linear(x)


@pytest.mark.parametrize("names", [["last"], [], ["last", "gone"]])
def test_a_batch_that_is_not_finite_is_named_where_a_module_keeps_its_inputs(names, rng):
    model = Remembering(*names)
    if "gone" in names:
        forward = model.forward
        model.forward = lambda x: (vars(model).pop("gone") if np.isnan(x).any() else None, forward(x))[1]
    x = rng.normal(size=(8, 2)).astype(np.float32)
    x[5, 1] = np.nan
    y = np.zeros((8, 1), np.float32)
    before = x.copy()
    with pytest.raises(FloatingPointError, match=r"epoch 1, batch 2.*the inputs had nan at index \(1, 1\)"):
        quick(model, optim.SGD(model.parameters()), (x, y), batch_size=4, shuffle=False)
    np.testing.assert_array_equal(x, before)
    if "last" in names:
        np.testing.assert_array_equal(model.last, before[:4])
    if "gone" in names:
        np.testing.assert_array_equal(model.gone, np.zeros((4, 2)))


def test_nothing_is_written_into_an_array_that_a_module_merely_holds(rng):
    table = rng.normal(size=(8, 2))
    model, before = Remembering(), table.copy()
    model.rows = table[:4]
    forward = model.forward
    model.forward = lambda x: (setattr(model, "rows", table[4:]), forward(x))[1]
    x = np.full((4, 2), np.nan, np.float32)
    with pytest.raises(FloatingPointError, match="epoch 1, batch 1"):
        quick(model, optim.SGD(model.parameters()), (x, np.zeros((4, 1))))
    np.testing.assert_array_equal(table, before)
    np.testing.assert_array_equal(model.rows, table[:4])
    assert np.shares_memory(model.rows, table)


def test_a_model_or_a_metric_that_writes_into_what_it_is_given_leaves_the_users_arrays_alone():
    class Scaling(nn.Module):
        def __init__(self):
            self.linear = nn.Linear(3, 1)

        def forward(self, x):
            x /= 255
            return self.linear(x)

    def metric(outputs, targets):
        targets -= outputs
        return float(np.abs(targets).mean())

    model, (x, y), (u, v) = Scaling(), points(20), points(9, 1)
    before = [array.copy() for array in (x, y, u, v)]
    optimizer, metrics = optim.SGD(model.parameters()), {"error": metric}
    quick(model, optimizer, (x, y), validation=(u, v), metrics=metrics, shuffle=False)
    tl.evaluate(model, (u, v), loss=F.mse_loss, metrics=metrics)
    np.testing.assert_array_equal(tl.predict(model, u), tl.predict(model, u))
    for array, was in zip((x, y, u, v), before, strict=True):
        np.testing.assert_array_equal(array, was)


class Recurrent(nn.Module):
    """Its state goes from batch to batch, in every form in which a Module can hold one."""

    def __init__(self):
        self.linear = nn.Linear(2, 1)
        self.replaced, self.added_to = np.ones(2, np.float32), np.zeros(2)
        self.pair, self.items = (np.zeros(2), (np.ones(1),)), [np.zeros(2)]
        self.tensor = tl.tensor([1.0, 2.0])
        self.computed = np.ones((1, 2), np.float32)
        self.same = self.added_to

    def forward(self, x):
        new = np.asarray(x).mean(0)
        self.replaced = self.replaced + new
        self.added_to += new
        self.pair = (self.pair[0] + new, (self.pair[1][0] + new[:1],))
        self.items = [self.items[0] + new]
        self.tensor = self.tensor + new
        self.computed = self.linear(x).detach() * self.computed[:1]
        return self.linear(x + self.replaced) + 0 * self.tensor.sum()


def test_state_of_every_form_is_put_back_before_the_bad_batch_is_run_again_and_after(rng):
    model = Recurrent()
    x = rng.normal(size=(12, 2)).astype(np.float32)
    states, calls = [], []

    def loss(outputs, targets):
        calls.append(outputs.numpy())
        return np.sqrt(F.mse_loss(outputs, targets) * (-1.0 if len(calls) > 2 else 1.0))

    forward = model.forward
    model.forward = lambda x: (states.append(weights(model)), forward(x))[1]
    with pytest.raises(FloatingPointError, match=r"epoch 1, batch 3.*sqrt gave nan"), np.errstate(all="ignore"):
        quick(model, optim.SGD(model.parameters()), (x, np.zeros((12, 1))), loss=loss, batch_size=4, shuffle=False)
    assert len(states) == 4
    assert {"replaced", "added_to", "pair.0", "pair.1.0", "items.0", "tensor"} <= set(states[2])
    assert same(states[2], states[3])
    assert same(weights(model), states[2])
    assert model.same is model.added_to
    np.testing.assert_array_equal(calls[2], calls[3])


def test_patience_restores_a_model_whose_buffers_came_or_changed_their_shape_meanwhile():
    class Growing(nn.Module):
        def __init__(self):
            self.linear, self.seen, self.kept = nn.Linear(3, 1), [], np.zeros(1)

        def forward(self, x):
            self.seen.append(np.asarray(x).mean(0))
            self.kept = np.ones(len(self.seen))
            return self.linear(x)

    model = Growing()
    loss, kept = falling_then_rising(model, [5, 1, 4, 2, 3])
    optimizer = optim.SGD(model.parameters(), lr=0.05)
    history = quick(model, optimizer, epochs=5, validation=points(9, 1), loss=loss, patience=2)
    assert history.stopped == "early stopping"
    for name in ("linear.weight", "linear.bias", "kept"):
        np.testing.assert_array_equal(weights(model)[name], kept[1][name])


def test_a_mistake_that_strict_mode_finds_leaves_a_model_with_new_buffers_as_it_was():
    model = nn.Sequential(Remembering(), nn.Identity())
    before = weights(model)
    optimizer = optim.SGD(model.parameters())
    with pytest.raises(tl.StrictError):
        quick(model, optimizer, (np.ones((6, 2)), np.zeros(6)), loss=lambda o, t: ((o - t) ** 2).mean())
    np.testing.assert_array_equal(weights(model)["0.linear.weight"], before["0.linear.weight"])


def test_norms_of_half_precision_parameters_neither_overflow_nor_vanish():
    model, optimizer = line_model()
    for p in model.parameters():
        p._data = p.data.astype(np.float16)
    model[0].weight.data = np.array([[3e-4, 4e-4, 0.0]])
    optimizer = optim.SGD(model.parameters(), lr=0.0)
    history = quick(model, optimizer)
    assert history.norms["0.weight"]["weight"] == pytest.approx([5e-4] * 2, rel=1e-3)


def test_a_weight_that_was_not_finite_from_the_start_is_named():
    model, optimizer = line_model()
    with tl.no_grad():
        model[0].weight[0, 1] = np.nan
    with pytest.raises(FloatingPointError, match=r"parameter 0.weight had nan at index \(0, 1\)"):
        quick(model, optimizer)


def test_a_validation_loss_that_is_not_finite_raises_too():
    model, optimizer = line_model()
    x, y = points(10)
    with pytest.raises(FloatingPointError, match=r"epoch 1, validation.*targets had nan"):
        quick(model, optimizer, validation=(x, y * np.nan))


def test_a_parameter_that_an_update_made_infinite_is_named_by_the_validation():
    model, optimizer = line_model()
    optimizer.lr = 1e38
    wanted = r"epoch 1, validation: .*the parameter 0.weight had -?inf at index \(0, \d\)"
    with pytest.raises(FloatingPointError, match=wanted), np.errstate(all="ignore"):
        quick(model, optimizer, batch_size=60, validation=points(10, 1), loss=lambda o, t: 1e3 * F.mse_loss(o, t))


# ---- seeds ----


def test_a_seed_makes_the_run_repeatable_to_the_bit_and_leaves_the_default_generator_alone():
    results = []
    for _ in range(2):
        model, optimizer = net()
        tl.manual_seed(77)
        random.generator().random(3 + len(results))  # wherever the default Generator stands
        expected = np.random.default_rng(77).random(4 + len(results))[-1]
        history = quick(model, optimizer, classes(), loss=F.cross_entropy, epochs=3, seed=5, validation=classes(9, 1))
        assert random.generator().random() == expected
        results.append((weights(model), dict(history.items())))
    assert same(results[0][0], results[1][0])
    assert results[0][1] == results[1][1]


def test_another_seed_gives_another_run_and_manual_seed_counts_without_one():
    def run(manual, seed):
        model, optimizer = net()
        tl.manual_seed(manual)
        return quick(model, optimizer, classes(), loss=F.cross_entropy, seed=seed)["loss"]

    assert run(1, None) == run(1, None)
    assert run(1, None) != run(2, None)
    assert run(1, 3) == run(2, 3)
    assert run(1, 3) != run(1, 4)


def test_validation_and_metrics_do_not_change_what_is_learned():
    results = []
    for options in ({}, {"validation": classes(9, 1), "metrics": {"accuracy": tl.accuracy}}):
        model, optimizer = net()
        quick(model, optimizer, classes(), loss=F.cross_entropy, epochs=3, **options)
        results.append(weights(model))
    assert same(*results)


def test_gradients_left_over_from_before_are_not_added_in():
    results = []
    for leftover in (False, True):
        model, optimizer = line_model()
        if leftover:
            (model(points().x).sum() * 1000).backward()
        quick(model, optimizer)
        results.append(weights(model))
        assert all(p.grad is None for p in model.parameters())
    assert same(*results)


def test_several_schedules_each_step_when_they_say():
    model, optimizer = line_model()
    optimizer.lr = 0.8
    warm_up, decay, used = optim.LinearWarmup(optimizer, 5, per="step"), optim.StepLR(optimizer, 1, 0.5), []
    step = optimizer.step
    optimizer.step = lambda: (used.append(optimizer.lr), step())[1]
    quick(model, optimizer, epochs=2, batch_size=20, schedule=[warm_up, decay])  # two epochs of three batches
    assert used == pytest.approx([0.16, 0.32, 0.48, 0.32, 0.4, 0.4]) and optimizer.lr == pytest.approx(0.2)
    with pytest.raises(ValueError, match="twice"):
        quick(model, optimizer, schedule=(decay, decay))
    quick(model, optimizer, schedule=[])


def test_a_schedule_per_step_is_stepped_after_each_batch():
    model, optimizer = line_model()
    schedule, used = optim.CosineAnnealingLR(optimizer, 6, per="step"), []
    step = optimizer.step
    optimizer.step = lambda: (used.append(optimizer.lr), step())[1]
    history = quick(model, optimizer, epochs=2, batch_size=20, schedule=schedule)  # two epochs of three batches
    expected = [0.05 * (1 + math.cos(math.pi * t / 6)) / 2 for t in range(7)]
    assert used == pytest.approx(expected[:6]) and optimizer.lr == pytest.approx(0, abs=1e-15) and schedule.t == 6
    assert history["lr"] == pytest.approx([expected[0], expected[3]])  # at the start of each epoch


def test_a_plateau_per_step_watches_the_loss_of_each_batch():
    model, optimizer = line_model()
    losses = []

    def loss(outputs, targets):
        losses.append(float(F.mse_loss(outputs, targets).item()))
        return F.mse_loss(outputs, targets)

    schedule = optim.ReduceLROnPlateau(optimizer, patience=0, factor=0.5, threshold=0, per="step")
    quick(model, optimizer, epochs=2, batch_size=10, schedule=schedule, loss=loss)
    lowest = np.minimum.accumulate(losses)
    assert schedule.best == lowest[-1] and schedule.t == 12
    assert optimizer.lr == 0.05 * 0.5 ** sum(b >= a for a, b in zip(lowest, losses[1:], strict=False))


# ---- weights of examples ----

WEIGHTS = np.random.default_rng(3).uniform(0.1, 5, 60) * (np.arange(60) % 7 > 0)  # some are 0


def weighted_by_hand(weights, epochs, size):
    """Weights and losses of a linear model trained by its formula, on the examples of a weight above 0."""
    model, _ = line_model()
    x, y = (a[weights > 0].astype(float) for a in points())
    s = weights[weights > 0]
    w, b = (p.numpy().astype(float) for p in model.parameters())
    losses = []
    for _ in range(epochs):
        total = 0.0
        for i in range(0, len(x), size):
            xs, ys, part = x[i : i + size], y[i : i + size], s[i : i + size, None]
            error = xs @ w.T + b - ys
            total += (part * error**2).sum()
            step = 2 * part * error / part.sum()
            w, b = w - 0.05 * step.T @ xs, b - 0.05 * step.sum(0)
        losses.append(total / s.sum())
    return w, b, losses


def squares_of_each(outputs, targets):
    return ((outputs - targets) ** 2).sum(axis=1)


class Squares(nn.Module):
    def forward(self, outputs, targets):
        return squares_of_each(outputs, targets)


def passes_it_on(outputs, targets, **options):
    return F.mse_loss(outputs, targets, **options)


@pytest.mark.parametrize("loss", [F.mse_loss, functools.partial(F.mse_loss), squares_of_each, Squares(), passes_it_on])
@pytest.mark.parametrize("form", [np.array, list, tl.tensor, lambda w: 1e-300 * w, lambda w: 1e307 * w])
def test_sample_weight_makes_the_loss_of_a_batch_and_an_epoch_the_weighted_mean(loss, form):
    w, b, losses = weighted_by_hand(WEIGHTS, 3, 16)
    model, optimizer = line_model()
    options = {"batch_size": 16, "shuffle": False, "epochs": 3}
    history = quick(model, optimizer, loss=loss, sample_weight=form(WEIGHTS), **options)
    np.testing.assert_allclose(model.state_dict()["0.weight"], w, rtol=1e-4)
    np.testing.assert_allclose(model.state_dict()["0.bias"], b, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(history["loss"], losses, rtol=1e-5)


@pytest.mark.parametrize("kind", ["classes", "probabilities", "one logit", "several numbers"])
def test_equal_weights_change_nothing_whatever_the_loss(kind):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 4)).astype(np.float32)
    y, loss = {
        "classes": (rng.integers(0, 3, 50), F.cross_entropy),
        "probabilities": (rng.dirichlet(np.ones(3), 50).astype(np.float32), F.cross_entropy),
        "one logit": (rng.integers(0, 2, (50, 3)), F.binary_cross_entropy_with_logits),
        "several numbers": (rng.normal(size=(50, 3)).astype(np.float32), F.huber_loss),
    }[kind]
    results = []
    for more in ({}, {"sample_weight": np.full(50, 2)}):
        model, optimizer = net()
        history = quick(model, optimizer, (x, y), loss=loss, batch_size=16, **more)
        results.append((history["loss"], weights(model)))
    np.testing.assert_allclose(results[0][0], results[1][0], rtol=1e-5)
    for name, array in results[0][1].items():
        np.testing.assert_allclose(array, results[1][1][name], rtol=1e-4, atol=1e-6)


def test_weights_go_with_their_examples_when_these_are_shuffled():
    x, y = points()
    wrong = np.arange(60) % 3 == 0
    y[wrong] += 100  # as heavy as nothing, if each weight is its own example's
    model, optimizer = line_model()
    quick(model, optimizer, (x, y), epochs=60, batch_size=8, sample_weight=np.where(wrong, 1e-9, 1.0))
    np.testing.assert_allclose(model.state_dict()["0.weight"], [[1, -2, 0.5]], atol=0.1)


def test_weights_by_class_make_a_rare_class_count_as_much_as_a_frequent_one():
    y = (np.arange(400) % 20 == 0).astype(int)
    x = np.ones((400, 1), np.float32)  # which says nothing: only the shares of the classes can be learnt
    for weight, shares in ((None, [0.95, 0.05]), ((len(y) / np.bincount(y))[y], [0.5, 0.5])):
        model = nn.Sequential(nn.Linear(1, 2))
        optimizer = optim.SGD(model.parameters(), lr=1)
        quick(model, optimizer, (x, y), loss=F.cross_entropy, epochs=100, batch_size=400, sample_weight=weight)
        np.testing.assert_allclose(F.softmax(model(x[:1])).data, [shares], atol=1e-3)


def test_a_nan_under_weights_is_traced_to_where_it_began():
    model, optimizer = line_model()
    x, y = points()
    x[7, 1] = np.nan
    with pytest.raises(
        FloatingPointError, match=r"epoch 1, batch 1: the loss is nan\. Before any operation, the inputs"
    ):
        quick(model, optimizer, (x, y), shuffle=False, sample_weight=np.ones(60))


@pytest.mark.parametrize(
    ("given", "error", "sentence"),
    [
        (np.ones(59), ValueError, r"one weight for each of 60 examples, not shape \(59,\)"),
        (np.ones((60, 1)), ValueError, r"not shape \(60, 1\); write sample_weight\.reshape\(-1\)"),
        (2.0, ValueError, "sample_weight is a single number"),
        (np.where(np.arange(60) == 7, -1, 1), ValueError, r"sample_weight\[7\] is -1, but weights must be ≥ 0"),
        (np.where(np.arange(60) == 9, np.nan, 1), ValueError, r"sample_weight\[9\] is nan, but weights must be finite"),
        (np.where(np.arange(60) == 9, np.inf, 1), ValueError, r"sample_weight\[9\] is inf, but weights must be finite"),
        (np.zeros(60), ValueError, "all of sample_weight is 0"),
        (["a"] * 60, TypeError, "sample_weight has dtype"),
        ({0: 1.0}, TypeError, "not a dict"),
        ("balanced", TypeError, "one weight for each of 60 examples, not a str"),
    ],
)
def test_weights_that_can_not_be_meant_get_a_sentence(given, error, sentence):
    model, optimizer = line_model()
    before = weights(model)
    with pytest.raises(error, match=sentence):
        quick(model, optimizer, sample_weight=given)
    assert same(weights(model), before)


def test_weights_of_classes_in_the_place_of_weights_of_examples_are_told():
    model, optimizer = net()
    for given in ([1.0, 2.0, 3.0], {0: 1.0, 1: 2.0, 2: 3.0}, "balanced"):
        with pytest.raises((TypeError, ValueError), match=r"write np\.array\(\[…\]\)\[y\]"):
            quick(model, optimizer, classes(), loss=F.cross_entropy, sample_weight=given)


@pytest.mark.parametrize(
    ("loss", "sentence"),
    [
        (
            lambda o, t: F.mse_loss(o, t),
            "loss of each of the 32 examples of a batch, but this loss gave a Tensor of shape",
        ),
        (lambda o, t: F.mse_loss(o, t).item(), "this loss gave a float.*pass it on"),
        (functools.partial(F.mse_loss, reduction="sum"), "this one has reduction='sum'; leave that out"),
    ],
)
def test_a_loss_that_gives_no_number_per_example_gets_a_sentence(loss, sentence):
    model, optimizer = line_model()
    with pytest.raises(ValueError, match=sentence):
        quick(model, optimizer, loss=loss, sample_weight=np.ones(60))


# ---- batches of one's own ----


class Loader:
    """As much of somebody's loader as there need be: a length, and another epoch each time."""

    def __init__(self, parts, length=None):
        self.parts, self.length, self.epochs = parts, length or len(parts), 0

    def __len__(self):
        return self.length

    def __iter__(self):
        self.epochs += 1
        return iter(self.parts)


def parts(form=tuple, sizes=(20, 25, 15)):
    ends = np.cumsum(sizes)
    return [form((points()[e - n : e].x, points()[e - n : e].y)) for n, e in zip(sizes, ends, strict=True)]


def test_train_may_be_an_iterable_of_batches_with_a_length():
    results = []
    x, y = (a.astype(float) for a in points())
    model, _ = line_model()
    w, b = (p.numpy().astype(float) for p in model.parameters())
    for _ in range(3):
        total = 0.0
        for i, n in ((0, 20), (20, 25), (45, 15)):
            error = x[i : i + n] @ w.T + b - y[i : i + n]
            total += (error**2).sum()
            w, b = w - 0.05 * 2 * error.T @ x[i : i + n] / n, b - 0.05 * 2 * error.mean(0)
        results.append(total / 60)
    for given in (
        Loader(parts()),
        Loader(parts(list)),
        parts(),
        tuple(parts(list)),
        Loader([data.Dataset(*p) for p in parts()]),
    ):
        model, optimizer = line_model()
        metrics = {"n": lambda o, t: len(o)}
        history = quick(model, optimizer, given, epochs=3, metrics=metrics, validation=points(9, 1))
        np.testing.assert_allclose(history["loss"], results, rtol=1e-5)
        np.testing.assert_allclose(model.state_dict()["0.weight"], w, rtol=1e-4)
        assert history["n"] == [60] * 3 and len(history.norms["0.weight"]["update"]) == 3


def test_train_may_be_what_data_batches_gives():
    runs = []
    for given, more in (
        (data.batches(points(), 7, seed=5, drop_last=True), {}),
        (data.batches(points(), 7, drop_last=True), {"seed": 4}),
        (points(), {"batch_size": 7, "drop_last": True, "seed": 4}),
    ):
        model, optimizer = line_model()
        quick(model, optimizer, given, **{"seed": 0, **more})
        runs.append(weights(model))
    assert same(runs[1], runs[2]) and not same(runs[0], runs[1])
    by_hand, optimizer = line_model()
    feed = data.batches(points(), 7, seed=5, drop_last=True)
    for _ in range(2):
        for x, y in feed:
            optimizer.zero_grad()
            F.mse_loss(by_hand(x), y).backward()
            optimizer.step()
    assert same(runs[0], weights(by_hand))


def test_two_batches_in_a_list_are_batches_and_a_pair_is_a_pair():
    batch = np.ones((4, 3), np.float32), np.ones((4, 1), np.float32)
    for given, n in (([batch, batch], 8), (batch, 4), (list(batch), 4), ([np.ones((2, 3)), [[1.0], [2.0]]], 2)):
        model, optimizer = line_model()
        history = quick(model, optimizer, given, metrics={"n": lambda o, t: len(o)})
        assert history["n"] == [n, n]
    same_shapes = [(np.ones((4, 3)), np.ones((4, 3)))] * 2  # an autoencoder's
    model = nn.Linear(3, 3)
    history = quick(model, optim.SGD(model.parameters()), same_shapes, metrics={"n": lambda o, t: len(o)})
    assert history["n"] == [8, 8]


def test_what_a_class_later_on_would_stop_is_still_found_at_once_in_batches_of_a_dataset():
    model, optimizer = net()
    x, y = classes()
    y[-1] = 3
    with pytest.raises(ValueError, match="train, looked through before the first update: cross_entropy: targets"):
        quick(model, optimizer, data.batches((x, y), 10, shuffle=False), loss=F.cross_entropy)


@pytest.mark.parametrize(
    ("given", "error", "sentence"),
    [
        (lambda: (part for part in parts()), TypeError, r"train is a generator, which has no length .* list\(…\)"),
        (lambda: iter(parts()), TypeError, "train is a list_iterator, which has no length"),
        (lambda: Loader([]), ValueError, "train has no batches"),
        (list, TypeError, r"a Dataset or a pair \(x, y\) of arrays"),
        (lambda: Loader(parts(), 4), ValueError, "has a length of 4 batches, but gave 3 in this epoch"),
        (lambda: Loader(parts(), 2), ValueError, "has a length of 2 batches, but gave 3 in this epoch"),
        (lambda: Loader([np.ones((4, 3))]), TypeError, r"batch 1 of train: .*not one ndarray of shape \(4, 3\)"),
        (lambda: Loader([*parts(), (np.ones((4, 3)), np.ones(3))]), ValueError, "batch 4 of train: every example"),
        (lambda: Loader([(np.ones(3), 1.0)]), ValueError, "batch 1 of train: y is a single number"),
        (lambda: Loader([(np.ones((0, 3)), np.ones((0, 1)))]), ValueError, "batch 1 of train holds no examples"),
        (lambda: Loader([(np.ones((1, 3)), ["a"])]), TypeError, "batch 1 of train: y has dtype"),
        (lambda: (*points(), np.ones(60)), TypeError, "a tuple of 3; weights of examples are given as sample_weight="),
        (lambda: {"x": 1}, TypeError, "a Dataset or a pair"),
        (lambda: "train.csv", TypeError, "a Dataset or a pair"),
    ],
)  # fmt: skip
def test_what_is_no_training_data_gets_a_sentence(given, error, sentence):
    model, optimizer = line_model()
    with pytest.raises(error, match=sentence):
        quick(model, optimizer, given(), strict=False)


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ({"batch_size": 16}, r"batch_size can't be settled here.*data\.batches\(examples, batch_size"),
        ({"shuffle": False}, "shuffle can't be settled here"),
        ({"shuffle": False, "drop_last": True}, "shuffle and drop_last can't be settled here"),
        ({"sample_weight": np.ones(60)}, "sample_weight has a number for each example, but train gives batches"),
    ],
)
def test_options_that_batches_of_ones_own_have_settled_get_a_sentence(option, sentence):
    for given in (Loader(parts()), data.batches(points(), 8)):
        model, optimizer = line_model()
        with pytest.raises(ValueError, match=sentence):
            quick(model, optimizer, given, **option)


# ---- progress ----


def test_lines_are_printed_where_they_are_asked_for(capsys, monkeypatch):
    model, optimizer = line_model()
    metrics = {"n": lambda o, t: len(o)}
    stops = [lambda epoch, history: epoch == 1]
    history = quick(
        model, optimizer, epochs=10, progress="lines", validation=points(7), metrics=metrics, callbacks=stops
    )
    printed = capsys.readouterr()
    (a, b), (c, d) = history["loss"], history["val_loss"]
    assert printed.err == "" and printed.out == (
        f"epoch  1/10: loss {a:.4g}, n 60, val_loss {c:.4g}, val_n 7, lr 0.05\n"
        f"epoch  2/10: loss {b:.4g}, n 60, val_loss {d:.4g}, val_n 7, lr 0.05\n"
    )
    monkeypatch.setattr("sys.stderr", Terminal(True))  # there, too, and then there is no bar
    quick(model, optimizer, progress="lines")
    assert len(capsys.readouterr().out.splitlines()) == 2 and "epoch" not in sys.stderr.text


def test_lines_are_printed_also_where_the_name_of_a_metric_can_not_be_written(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", stream)
    model, optimizer = line_model()
    quick(model, optimizer, progress="lines", epochs=1, metrics={"Δ": lambda o, t: 0})
    assert stream.buffer.getvalue().startswith(b"epoch 1/1: loss ") and b", ? 0, lr 0.05" in stream.buffer.getvalue()


class Terminal:
    def __init__(self, tty):
        self.text, self.tty = "", tty

    def write(self, text):
        self.text += text

    def flush(self):
        pass

    def isatty(self):
        return self.tty


@pytest.mark.parametrize("tty, progress, shown", [(True, True, True), (False, True, False), (True, False, False)])
def test_the_bar_is_shown_only_on_a_terminal_and_if_wanted(monkeypatch, tty, progress, shown):
    stream = Terminal(tty)
    monkeypatch.setattr("sys.stderr", stream)
    model, optimizer = line_model()
    quick(model, optimizer, progress=progress)
    assert ("epoch" in stream.text) is shown


# ---- History ----


def test_a_history_is_read_like_a_dict_and_says_what_it_has():
    model, optimizer = line_model()
    history = quick(model, optimizer)
    assert list(history) == list(history.keys())
    assert "loss" in history
    assert dict(history)["loss"] == history["loss"]
    assert "History of 2 epochs" in repr(history)
    with pytest.raises(KeyError, match="validation="):
        history["val_loss"]
    with pytest.raises(KeyError, match="metrics="):
        history["accuracy"]


def test_history_plot_draws_training_and_validation_curves():
    model, optimizer = line_model()
    history = quick(model, optimizer, epochs=3, validation=points(9, 1), metrics={"bias": lambda o, t: (o - t).mean()})
    figure = history.plot()
    panels = {axes.get_title(): axes for axes in figure.axes}
    assert set(panels) == {"loss", "bias"}
    np.testing.assert_allclose(panels["loss"].lines[0].get_ydata(), history["loss"])
    np.testing.assert_allclose(panels["loss"].lines[1].get_ydata(), history["val_loss"])
    assert panels["loss"].get_xlabel() == "epoch"
    import matplotlib.pyplot as plt

    plt.close(figure)


def test_no_epochs_give_an_empty_history():
    model, optimizer = line_model()
    before = weights(model)
    history = quick(model, optimizer, epochs=0)
    assert len(history) == 0
    assert same(weights(model), before)
    with pytest.raises(ValueError, match="no completed epoch"):
        history.plot()


# ---- accuracy ----


def test_accuracy_counts_the_rows_whose_largest_output_is_right():
    outputs = np.array([[0.1, 0.9, 0.0], [5.0, -1.0, 2.0], [0.0, 0.2, 0.1], [1.0, 2.0, 3.0]])
    assert tl.accuracy(outputs, np.array([1, 2, 1, 2])) == 0.75
    assert tl.accuracy(outputs, np.eye(3)[[1, 2, 1, 2]]) == 0.75


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_accuracy_of_outputs_with_a_nan_is_nan(dtype):
    outputs = np.array([[0.1, 0.9, 0.0], [5.0, -1.0, 2.0], [0.0, 0.2, 0.1]], dtype)
    for place in ((0, 0), (1, 2), (2, 1)):  # of no, of the first and of the last class that argmax would name
        wrong = outputs.copy()
        wrong[place] = np.nan
        for targets in (np.array([1, 2, 1]), np.eye(3)[[1, 2, 1]]):
            assert tl.accuracy(outputs, targets) == 2 / 3
            assert math.isnan(tl.accuracy(wrong, targets)) and isinstance(tl.accuracy(wrong, targets), float)
            assert math.isnan(tl.accuracy(outputs, np.where(np.arange(3) == 0, np.nan, np.eye(3)[[1, 2, 1]])))
    assert tl.accuracy(np.array([[np.inf, 0.0], [-np.inf, 0.0]]), np.array([0, 1])) == 1
    model = nn.Linear(4, 3)
    model.bias.data[1] = np.nan
    numbers = tl.evaluate(model, classes(9), loss=F.cross_entropy, metrics={"accuracy": tl.accuracy})
    assert math.isnan(numbers["accuracy"])


@pytest.mark.parametrize("outputs, targets, match", [
    (np.zeros((4, 1)), np.zeros((4, 1)), "single score"),
    (np.zeros(4), np.zeros(4), "single score"),
    (np.zeros((4, 3)), np.zeros((4, 1)), "neither class indices"),
    (np.zeros((4, 3)), np.zeros(5), "neither class indices"),
    (np.zeros((0, 3)), np.zeros(0), "no examples"),
])  # fmt: skip
def test_accuracy_refuses_what_it_can_not_judge(outputs, targets, match):
    with pytest.raises(ValueError, match=match):
        tl.accuracy(outputs, targets)


# ---- mistakes ----

OTHER = nn.Linear(3, 1)


@pytest.mark.parametrize("options, error, match", [
    ({"epochs": -1}, ValueError, "epochs.*at least 0"),
    ({"epochs": 2.5}, TypeError, "epochs.*whole number"),
    ({"epochs": True}, TypeError, "epochs"),
    ({"batch_size": 0}, ValueError, "batch_size.*at least 1"),
    ({"patience": 3}, ValueError, "validation="),
    ({"patience": 0, "validation": points(5)}, ValueError, "patience.*at least 1"),
    ({"train": (np.zeros((5, 3)), np.zeros((4, 1)))}, ValueError, r"train.*5.*4"),
    ({"train": np.zeros((5, 3))}, TypeError, "train.*pair"),
    ({"train": (np.zeros((0, 3)), np.zeros((0, 1)))}, ValueError, "train holds no examples"),
    ({"validation": (np.zeros((0, 3)), np.zeros((0, 1)))}, ValueError, "validation holds no examples"),
    ({"validation": 0.2}, TypeError, "validation.*split"),
    ({"loss": F.cross_entropy(np.zeros((2, 3)), np.array([0, 1]))}, TypeError, "loss must be a function"),
    ({"loss": lambda o, t: float(F.mse_loss(o, t).item())}, TypeError, "gave a float"),
    ({"loss": lambda o, t: F.mse_loss(o, t, reduction="none")}, ValueError, r"shape \(32, 1\).*mean"),
    ({"loss": lambda o, t: F.mse_loss(o.detach(), t)}, ValueError, "doesn't depend on any parameter"),
    ({"optimizer": "adam"}, TypeError, "optim.Adam"),
    ({"optimizer": optim.SGD}, TypeError, "optim.Adam"),
    ({"optimizer": optim.SGD(OTHER.parameters())}, ValueError, "none of the model's parameters"),
    ({"schedule": 0.1}, TypeError, "schedule"),
    ({"progress": "bar"}, ValueError, r"True \(a bar\), False \(nothing\) or 'lines' .*, not 'bar'"),
    ({"progress": None}, ValueError, "progress is True"),
    ({"schedule": optim.StepLR(optim.SGD(OTHER.parameters()), 1)}, ValueError, "another optimizer"),
    ({"schedule": [optim.StepLR(optim.SGD(OTHER.parameters()), 1)]}, ValueError, "another optimizer"),
    ({"schedule": [0.1]}, TypeError, "schedule"),
    ({"checkpoint": "model.pkl"}, ValueError, "npz"),
    ({"checkpoint": "no/such/folder/model.npz"}, FileNotFoundError, "no folder"),
    ({"l1": -1.0}, ValueError, "l1"),
    ({"l2": math.nan}, ValueError, "l2"),
    ({"clip_norm": 0.0}, ValueError, "clip_norm"),
    ({"callbacks": lambda e, h: None}, TypeError, "list of functions"),
    ({"callbacks": None}, TypeError, "list of functions"),
    ({"callbacks": [3]}, TypeError, "list of functions"),
    ({"l1": "much"}, TypeError, "l1 must be a number, not 'much'"),
    ({"l2": None}, TypeError, "l2 must be a number, not None"),
    ({"clip_norm": "1"}, TypeError, "clip_norm must be a number, not '1'"),
    ({"metrics": [tl.accuracy]}, TypeError, "dict"),
    ({"metrics": {"loss": tl.accuracy}}, ValueError, "can't be called 'loss'"),
    ({"metrics": {"error": lambda o, t: o - t}}, ValueError, "one number"),
])  # fmt: skip
def test_a_mistake_gets_a_sentence(options, error, match):
    model, optimizer = line_model()
    before = weights(model)
    options = {"optimizer": optimizer} | options
    with pytest.raises(error, match=match):
        quick(model, **options)
    assert same(weights(model), before) or "metrics" in options


def test_a_checkpoint_where_a_folder_stands_is_refused_before_the_first_epoch(tmp_path):
    model, optimizer = line_model()
    before = weights(model)
    (tmp_path / "best.npz").mkdir()
    with pytest.raises(IsADirectoryError, match=r"best\.npz.*is a folder"):
        quick(model, optimizer, checkpoint=tmp_path / "best.npz")
    assert same(weights(model), before)


def test_tensors_of_integers_and_booleans_in_a_model_do_no_harm():
    model = Remembering()
    model.mask, model.shifts = tl.tensor([True, False]), tl.tensor([1, -2])
    history = quick(model, optim.Adam(model.parameters()), (np.ones((6, 2)), np.zeros((6, 1))), l2=0.1, clip_norm=1.0)
    assert set(history.norms) == {"linear.weight", "linear.bias"}
    assert model.mask.data.tolist() == [True, False] and model.shifts.data.tolist() == [1, -2]


def test_models_that_are_none_get_a_sentence():
    _, optimizer = line_model()
    with pytest.raises(TypeError, match=r"nn\.Linear"):
        quick(nn.Linear, optimizer)
    with pytest.raises(TypeError, match="Module"):
        tl.predict(lambda x: x, np.zeros((2, 2)))
    with pytest.raises(TypeError, match=r"test\.x"):
        tl.predict(nn.Linear(3, 1), points())

    class Summed(nn.Module):
        def forward(self, x):
            return x.sum(0)

    with pytest.raises(ValueError, match="one row per example"):
        tl.predict(Summed(), np.ones((4, 2)))


def test_frozen_parameters_stay_as_they_are():
    model, optimizer = net()
    model[0].weight.requires_grad = False
    before = weights(model)
    quick(model, optimizer, classes(), loss=F.cross_entropy, l2=0.1)
    after = weights(model)
    assert np.array_equal(before["0.weight"], after["0.weight"])
    assert not np.array_equal(before["3.weight"], after["3.weight"])


def test_accuracy_of_classes_on_axis_1_or_on_the_last_is_that_of_all_labels():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 5, (4, 7))
    outputs = rng.normal(size=(4, 7, 5))
    right = np.mean([outputs[i, t].argmax() == labels[i, t] for i in range(4) for t in range(7)])
    assert 0 < right < 1
    for given in (outputs, outputs.swapaxes(1, 2)):
        assert tl.accuracy(given, labels) == right
    deep, where = rng.normal(size=(2, 3, 4, 6)), rng.integers(0, 3, (2, 4, 6))
    right = np.mean([deep[(i, slice(None), j, k)].argmax() == where[i, j, k] for i, j, k in np.ndindex(2, 4, 6)])
    assert tl.accuracy(deep, where) == right


@pytest.mark.parametrize(
    ("made", "layer", "loss", "columns"),
    [
        (lambda: nn.Sequential(nn.Linear(4, 3), nn.Softmax()), r"layer 1 \(Softmax\)", F.cross_entropy, None),
        (lambda: nn.Sequential(nn.Linear(4, 1), nn.Sequential(nn.Sigmoid())), r"layer 1\.0 \(Sigmoid\)",
         F.binary_cross_entropy_with_logits, 1),
    ],
)  # fmt: skip
def test_a_mistake_that_strict_finds_through_fit_names_the_layer_not_the_line_of_fit(made, layer, loss, columns):
    model, x, y = made(), np.random.default_rng(0).normal(size=(6, 4)), np.array([0, 1, 1, 0, 1, 0])
    if columns:
        y = y[:, None].astype(float)
    with pytest.raises(tl.StrictError, match=f"twice: .* made by .* at {layer}\\. Give"):
        tl.fit(model, (x, y), loss=loss, optimizer=optim.SGD(model.parameters(), lr=0.1), epochs=1, progress=False)


def test_in_a_loop_of_ones_own_strict_names_the_layer_and_the_line():
    model, x = nn.Sequential(nn.Linear(4, 3), nn.Softmax()), np.ones((2, 4))
    place = r"at layer 1 \(Softmax\), test_training\.py:\d+: outputs = model\(x\)\."
    with pytest.raises(tl.StrictError, match=place), tl.strict():
        outputs = model(x)
        F.cross_entropy(outputs, np.array([0, 2]))


def test_in_a_forward_of_ones_own_strict_names_its_line():
    class Net(nn.Module):
        def __init__(self):
            self.scores = nn.Linear(4, 3)

        def forward(self, x):
            return F.softmax(self.scores(x))

    model = Net()
    with pytest.raises(tl.StrictError, match=r"at test_training\.py:\d+: return F\.softmax"):
        tl.fit(model, (np.ones((2, 4)), np.array([0, 2])), loss=F.cross_entropy,
               optimizer=optim.SGD(model.parameters(), lr=0.1), epochs=1, progress=False)  # fmt: skip


@pytest.mark.parametrize("outputs, targets, right", [
    ([[1.0], [-1.0], [1.0]], [1, 0, 1], 1.0), ([[1.0], [-1.0], [1.0]], [[1], [1], [1]], 2 / 3),
    ([1.0, -1.0], [1, 1], 0.5),
])  # fmt: skip
def test_what_accuracy_advises_for_a_single_score_counts_each_example_once(outputs, targets, right):
    outputs, targets = np.array(outputs), np.array(targets)
    with pytest.raises(ValueError, match="write lambda") as raised:
        tl.accuracy(outputs, targets)
    advised = str(raised.value).partition("write ")[2].partition(", or > 0.5")[0]
    assert eval(advised)(outputs, targets) == pytest.approx(right)


def test_classes_for_scores_and_exchanged_arguments_are_told_from_a_single_score():
    scores, y = np.eye(3)[[0, 1, 2, 2]], np.array([0, 1, 2, 1])
    with pytest.raises(ValueError, match=r"np\.mean\(outputs == targets\)"):
        tl.accuracy(scores.argmax(1), y)
    with pytest.raises(ValueError, match="exchanged"):
        tl.accuracy(y, scores)


def test_a_stream_that_cant_say_whether_it_is_a_terminal_is_none(monkeypatch):
    class Stream:
        def write(self, text):
            pass

        def flush(self):
            pass

    class Closed(Stream):
        def isatty(self):
            raise ValueError("I/O operation on closed file")

    x, y = np.ones((4, 2), np.float32), np.zeros((4, 1), np.float32)
    for stream in (Stream(), Closed(), None):
        monkeypatch.setattr("sys.stderr", stream)
        model = nn.Linear(2, 1)
        tl.fit(model, (x, y), loss=F.mse_loss, optimizer=optim.SGD(model.parameters()), epochs=1, progress=np.True_)


class OldProtocol:
    def __init__(self, given):
        self.given = given

    def __len__(self):
        return len(self.given)

    def __getitem__(self, i):
        return self.given[i]


def test_batches_may_come_by_index_and_two_pairs_in_a_row_are_asked_about():
    model, optimizer = line_model()
    assert quick(model, optimizer, OldProtocol(parts()), metrics={"n": lambda o, t: len(o)})["n"] == [60, 60]
    x = np.ones((4, 3), np.float32)
    for given in ([[x, x], [x, x]], ((x, x), (x, x))):
        with pytest.raises(ValueError, match=r"train is two pairs of arrays.*\[\(x, y\), \(x, y\)\].*np\.stack"):
            quick(model, optimizer, given)
