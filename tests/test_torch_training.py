"""The same model in tinydl and in PyTorch: outputs, gradients, optimizers step by step, runs, states both ways."""

import numpy as np
import pytest

import tinydl as tl
from tinydl import functional as F
from tinydl import nn, optim

torch = pytest.importorskip("torch")
torch.set_num_threads(1)


def to_torch(state):
    return {name: torch.from_numpy(np.array(value)) for name, value in state.items()}


OPTIMIZERS = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    ("Adam", {}),
    ("Adam", {"lr": 0.05, "betas": (0.8, 0.95), "eps": 1e-4, "weight_decay": 0.1}),
    ("AdamW", {}),
    ("AdamW", {"lr": 0.05, "betas": (0.8, 0.95), "eps": 1e-4, "weight_decay": 0.3}),
    ("RMSprop", {}),
    ("RMSprop", {"lr": 0.02, "alpha": 0.9, "eps": 1e-4, "momentum": 0.7, "weight_decay": 0.1}),
    ("RMSprop", {"lr": 0.02, "alpha": 0.9, "centered": True, "momentum": 0.5}),
    ("Adagrad", {}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.3, "eps": 1e-5}),
    ("Adadelta", {}),
    ("Adadelta", {"lr": 0.7, "rho": 0.8, "eps": 1e-4, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1, "maximize": True}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True, "maximize": True}),
    ("Adam", {"lr": 0.05, "betas": (0.8, 0.9), "amsgrad": True}),
    ("Adam", {"lr": 0.05, "betas": (0.8, 0.9), "eps": 1e-4, "weight_decay": 0.1, "amsgrad": True, "maximize": True}),
    ("AdamW", {"lr": 0.05, "betas": (0.8, 0.9), "weight_decay": 0.3, "amsgrad": True}),
    ("AdamW", {"lr": 0.05, "weight_decay": 0.3, "maximize": True}),
    ("RMSprop", {"lr": 0.02, "alpha": 0.9, "centered": True, "momentum": 0.5, "weight_decay": 0.1, "maximize": True}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1, "maximize": True}),
    ("Adadelta", {"lr": 0.7, "weight_decay": 0.1, "maximize": True}),
]
IDS = [f"{name}-{'-'.join(options) or 'defaults'}" for name, options in OPTIMIZERS]


@pytest.mark.parametrize(("name", "options"), OPTIMIZERS, ids=IDS)
def test_many_steps_of_an_optimizer_equal_torchs(name, options, rng):
    shapes = [(3, 4), (5,), (), (2, 1, 3)]
    starts = [rng.normal(size=shape) for shape in shapes]
    ours = [tl.tensor(s, requires_grad=True) for s in starts]
    theirs = [torch.tensor(s, requires_grad=True) for s in starts]
    a, b = getattr(optim, name)(ours, **options), getattr(torch.optim, name)(theirs, **options)
    for step in range(80):
        for i, (p, q) in enumerate(zip(ours, theirs, strict=True)):
            skip = (step + i) % 7 == 0  # a parameter without a gradient in this step counts no step
            g = rng.normal(size=shapes[i]) * 10.0 ** rng.integers(-3, 3)
            p.grad = None if skip else tl.tensor(g)
            q.grad = None if skip else torch.tensor(g)
        a.step()
        b.step()
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.data, q.detach().numpy(), rtol=1e-10, atol=1e-12)


GROUPED = {  # settings of a second and a third group
    "SGD": ({"lr": 0.2, "momentum": 0.5, "nesterov": True}, {"dampening": 0.5, "momentum": 0.9, "weight_decay": 0.2}),
    "Adam": ({"betas": (0.5, 0.7), "amsgrad": True}, {"lr": 0.1, "eps": 1e-2, "weight_decay": 0.1, "maximize": True}),
    "AdamW": ({"weight_decay": 0.0, "maximize": True}, {"lr": 0.1, "betas": (0.5, 0.7), "eps": 1e-3, "amsgrad": True}),
    "RMSprop": ({"centered": True, "lr": 0.1}, {"momentum": 0.5, "alpha": 0.7, "weight_decay": 0.1, "eps": 1e-3}),
    "Adagrad": ({"lr": 0.5, "lr_decay": 0.2}, {"eps": 1e-3, "weight_decay": 0.1}),
    "Adadelta": ({"rho": 0.5, "lr": 0.5}, {"eps": 1e-2, "weight_decay": 0.3}),
}


@pytest.mark.parametrize("name", GROUPED)
def test_groups_with_settings_of_their_own_make_torchs_steps(name, rng):
    starts = [rng.normal(size=shape) for shape in [(3, 4), (5,), (), (2, 1, 3)]]
    ours = [tl.tensor(s, requires_grad=True) for s in starts]
    theirs = [torch.tensor(s, requires_grad=True) for s in starts]

    def groups(p):
        second, third = GROUPED[name]
        return [{"params": p[:1]}, {"params": p[1:3], **second}, {"params": iter(p[3:]), **third}]

    a, b = (getattr(m, name)(groups(p), lr=0.03) for m, p in ((optim, ours), (torch.optim, theirs)))
    for step in range(60):
        for i, (p, q) in enumerate(zip(ours, theirs, strict=True)):
            skip = (step + i) % 7 == 0
            g = rng.normal(size=starts[i].shape) * 10.0 ** rng.integers(-2, 2)
            p.grad = None if skip else tl.tensor(g)
            q.grad = None if skip else torch.tensor(g)
        if step == 20:  # by hand, in the middle of training
            a.groups[1]["lr"] = b.param_groups[1]["lr"] = 0.07
            a.groups[2]["weight_decay"] = b.param_groups[2]["weight_decay"] = 0.4
        if step == 40:
            kept = a.state_dict(), b.state_dict()
            a, b = (getattr(m, name)(groups(p), lr=0.5) for m, p in ((optim, ours), (torch.optim, theirs)))
            a.load_state_dict(kept[0])
            b.load_state_dict(kept[1])
            a.groups[2]["weight_decay"] = 0.4  # a state brings back the rates, not the other settings
            assert [g["lr"] for g in a.groups] == [g["lr"] for g in b.param_groups]
        a.step()
        b.step()
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.data, q.detach().numpy(), rtol=1e-10, atol=1e-12)


STATES = {
    "SGD": {"lr": 0.1, "momentum": 0.9, "dampening": 0.5},
    "SGD without momentum": {"lr": 0.1},
    "Adam": {"lr": 0.05, "amsgrad": True, "weight_decay": 0.1},
    "AdamW": {"lr": 0.05, "amsgrad": True, "maximize": True},
    "RMSprop": {"lr": 0.02, "centered": True, "momentum": 0.5},
    "Adagrad": {"lr": 0.1, "lr_decay": 0.1, "initial_accumulator_value": 0.3},
    "Adadelta": {"lr": 0.7},
}


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("case", STATES)
def test_a_run_goes_on_from_the_state_of_torchs_optimizer_and_torchs_from_ours(case, named, rng):
    shapes = {"a": (3, 4), "b": (5,), "c": ()}
    starts = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    name, options = case.split()[0], STATES[case]
    theirs = {key: torch.tensor(start, requires_grad=True) for key, start in starts.items()}
    b = getattr(torch.optim, name)(theirs.items() if named else theirs.values(), **options)

    def steps(n, *sides):
        for _ in range(n):
            gradients = {key: rng.normal(size=shape) * 10.0 ** rng.integers(-2, 2) for key, shape in shapes.items()}
            for params, optimizer in sides:
                for key, p in params.items():
                    p.grad = tl.tensor(gradients[key]) if isinstance(p, tl.Tensor) else torch.tensor(gradients[key])
                optimizer.step()

    steps(5, (theirs, b))
    b.param_groups[0]["lr"] = 0.03
    ours = {key: tl.tensor(p.detach().numpy(), requires_grad=True) for key, p in theirs.items()}
    order = [*ours.items()][::-1] if named else ours.values()  # with names, in whatever order
    a = getattr(optim, name)(order, **options)
    a.load_state_dict(b.state_dict())
    assert a.lr == 0.03
    steps(20, (ours, a), (theirs, b))
    for key in shapes:
        np.testing.assert_allclose(ours[key].data, theirs[key].detach().numpy(), rtol=1e-10, atol=1e-12)

    back = {key: torch.tensor(p.data, requires_grad=True) for key, p in ours.items()}  # and to torch again
    c = getattr(torch.optim, name)(back.values(), **options)
    keys = [*ours] if not named else a.names
    state = {
        [*ours].index(keys[i]): {
            k: torch.tensor(v, dtype=None if v.shape else torch.float64) for k, v in memory.items()
        }
        for i, memory in a.state_dict()["state"].items()
    }
    for memory in state.values():  # PyTorch asks for a step where we need none, and the other way round
        memory.setdefault("step", torch.tensor(25.0))
    c.load_state_dict({"state": state, "param_groups": c.state_dict()["param_groups"]})
    c.param_groups[0]["lr"] = a.lr
    steps(20, (ours, a), (back, c))
    for key in shapes:
        np.testing.assert_allclose(ours[key].data, back[key].detach().numpy(), rtol=1e-10, atol=1e-12)


def test_torchs_state_that_doesnt_fit_is_refused_and_half_precision_is_taken():
    p = torch.ones(3, dtype=torch.bfloat16, requires_grad=True)
    theirs = torch.optim.Adam([p], amsgrad=True)
    p.grad = torch.tensor([1.0, -2.0, 0.5], dtype=torch.bfloat16)
    theirs.step()
    w = tl.tensor(np.ones(3, np.float32), requires_grad=True)
    ours = optim.Adam([w], amsgrad=True)
    ours.load_state_dict(theirs.state_dict())
    expected = theirs.state_dict()["state"][0]["max_exp_avg_sq"].float().numpy()
    np.testing.assert_array_equal(ours.state_dict()["state"][0]["max_exp_avg_sq"], expected)
    with pytest.raises(ValueError, match=r"has .*max_exp_avg_sq.* but this Adam keeps exp_avg, exp_avg_sq and step"):
        optim.Adam([w]).load_state_dict(theirs.state_dict())
    with pytest.raises(ValueError, match="another optimizer"):
        optim.RMSprop([w]).load_state_dict(theirs.state_dict())
    with pytest.raises(ValueError, match="PyTorch's"):
        ours.load_state_dict({"state": {}, "param_groups": []})


@pytest.mark.parametrize("then", ["StepLR", "CosineAnnealingLR"])
@pytest.mark.parametrize("stepped", [0, 2, 6])
def test_a_schedule_made_in_a_warm_up_starts_from_the_rate_that_it_leads_to_as_torchs(then, stepped):
    options = {"StepLR": {"step_size": 2, "gamma": 0.3}, "CosineAnnealingLR": {"T_max": 7, "eta_min": 0.01}}[then]

    def groups(w):
        return [{"params": [w()]}, {"params": [w()], "lr": 0.05}]

    ours = optim.SGD(groups(lambda: tl.tensor([1.0], requires_grad=True)), lr=0.4)
    theirs = torch.optim.SGD(groups(lambda: torch.ones(1, requires_grad=True)), lr=0.4)
    a = optim.LinearWarmup(ours, 6)
    b = torch.optim.lr_scheduler.LinearLR(theirs, start_factor=1 / 6, total_iters=5)
    for _ in range(stepped):
        a.step()
        theirs.step()
        b.step()
    made = getattr(optim, then)(ours, **options)
    twin = getattr(torch.optim.lr_scheduler, then)(theirs, **options)
    assert [made.base, *made.other_bases] == pytest.approx(twin.base_lrs, rel=1e-12)
    for _ in range(6 - stepped):
        a.step()
        theirs.step()
        b.step()
    for _ in range(9):
        made.step()
        theirs.step()
        twin.step()
        rates = [group["lr"] for group in theirs.param_groups]
        assert [group["lr"] for group in ours.groups] == pytest.approx(rates, rel=1e-9)


@pytest.mark.parametrize("other", ["StepLR", "CosineAnnealingLR"])
@pytest.mark.parametrize("warm_up_first", [True, False])
def test_a_warm_up_with_another_schedule_gives_torchs_chained_rates(other, warm_up_first):
    options = {"StepLR": {"step_size": 3, "gamma": 0.3}, "CosineAnnealingLR": {"T_max": 12}}[other]
    ours = optim.SGD([tl.tensor([1.0], requires_grad=True)], lr=0.4)
    theirs = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=0.4)

    def made(optimizer, named, warm_up):
        makes = [lambda: warm_up(optimizer), lambda: getattr(named, other)(optimizer, **options)]
        return [make() for make in (makes if warm_up_first else makes[::-1])]

    a = made(ours, optim, lambda o: optim.LinearWarmup(o, 6))
    torchs = torch.optim.lr_scheduler
    b = made(theirs, torchs, lambda o: torchs.LinearLR(o, start_factor=1 / 6, total_iters=5))
    for _ in range(11):
        theirs.step()
        for schedule in (*a, *b):
            schedule.step()
        assert ours.lr == pytest.approx(theirs.param_groups[0]["lr"], rel=1e-9)


SCHEDULES = [
    ("StepLR", {"step_size": 4, "gamma": 0.3}),
    ("CosineAnnealingLR", {"T_max": 7, "eta_min": 0.01}),
    ("ReduceLROnPlateau", {"patience": 1, "factor": 0.5, "cooldown": 2, "min_lr": 0.01, "threshold": 0.05}),
    ("ReduceLROnPlateau", {"patience": 0, "factor": 0.7, "mode": "max", "threshold_mode": "abs", "threshold": 0.2}),
]


@pytest.mark.parametrize(("name", "options"), SCHEDULES)
def test_a_schedule_gives_torchs_rates(name, options, rng):
    ours = optim.SGD([tl.tensor([1.0], requires_grad=True)], lr=0.4)
    theirs = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=0.4)
    a, b = getattr(optim, name)(ours, **options), getattr(torch.optim.lr_scheduler, name)(theirs, **options)
    for value in np.abs(rng.normal(size=25)) + np.linspace(2, 1, 25):
        theirs.step()
        arguments = (float(value),) if name == "ReduceLROnPlateau" else ()
        a.step(*arguments)
        b.step(*arguments)
        assert ours.lr == pytest.approx(theirs.param_groups[0]["lr"], rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("name", "options"), [*SCHEDULES, ("LinearWarmup", {"warmup_steps": 6})])
def test_a_schedule_gives_each_group_torchs_rates_also_when_resumed(name, options, rng):
    def made(m, w):
        groups = [{"params": [w()]}, {"params": [w()], "lr": 0.05}, {"params": [w()], "lr": 0.0}]
        optimizer = m.SGD(groups, lr=0.4)
        if name != "LinearWarmup":
            return optimizer, getattr(getattr(m, "lr_scheduler", m), name)(optimizer, **options)
        if m is optim:
            return optimizer, optim.LinearWarmup(optimizer, **options)
        return optimizer, m.lr_scheduler.LinearLR(optimizer, start_factor=1 / 6, total_iters=5)

    def both():
        return made(optim, lambda: tl.tensor([1.0], requires_grad=True)), made(
            torch.optim, lambda: torch.ones(1, requires_grad=True)
        )

    (ours, a), (theirs, b) = both()
    for t, value in enumerate(np.abs(rng.normal(size=25)) + np.linspace(2, 1, 25)):
        if t in (3, 14):
            kept = [x.state_dict() for x in (ours, a, theirs, b)]
            (ours, a), (theirs, b) = both()
            for x, state in zip((ours, a, theirs, b), kept, strict=True):
                x.load_state_dict(state)
        theirs.step()
        arguments = (float(value),) if name == "ReduceLROnPlateau" else ()
        a.step(*arguments)
        b.step(*arguments)
        expected = [group["lr"] for group in theirs.param_groups]
        assert [group["lr"] for group in ours.groups] == pytest.approx(expected, rel=1e-9, abs=1e-12)
        assert ours.lr == ours.groups[0]["lr"]


def test_clipping_equals_torchs(rng):
    shapes = [(3, 4), (5,), ()]
    gradients = [rng.normal(size=shape) for shape in shapes]
    for limit in (0.5, 100.0):
        ours = [tl.tensor(np.zeros(shape), requires_grad=True) for shape in shapes]
        theirs = [torch.zeros(shape, dtype=torch.float64, requires_grad=True) for shape in shapes]
        for p, q, g in zip(ours, theirs, gradients, strict=True):
            p.grad, q.grad = tl.tensor(g), torch.tensor(g)
        total = torch.nn.utils.clip_grad_norm_(theirs, limit)
        assert optim.clip_grad_norm(ours, limit) == pytest.approx(float(total), rel=1e-12)
        for p, q in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(p.grad.data, q.grad.numpy(), rtol=1e-12)


# ---- whole models ----


def models(seed):
    """An MLP with every kind of parameter and buffer, made by tinydl, its state loaded strictly into torch's twin."""
    tl.manual_seed(seed)
    ours = nn.Sequential(
        nn.Linear(6, 12, bias=False), nn.BatchNorm1d(12), nn.GELU(), nn.Linear(12, 8, bias=False), nn.LayerNorm(8),
        nn.Tanh(), nn.Linear(8, 3),
    )  # fmt: skip
    t = torch.nn
    theirs = t.Sequential(
        t.Linear(6, 12, bias=False), t.BatchNorm1d(12), t.GELU(), t.Linear(12, 8, bias=False), t.LayerNorm(8),
        t.Tanh(), t.Linear(8, 3),
    )  # fmt: skip
    theirs.load_state_dict(to_torch(ours.state_dict()), strict=True)
    return ours, theirs


RATES = {"SGD": {"lr": 0.02, "momentum": 0.8}, "Adam": {}, "AdamW": {}, "RMSprop": {"lr": 1e-3}, "Adagrad": {},
         "Adadelta": {"lr": 0.5}}  # fmt: skip


@pytest.mark.parametrize("name", RATES)
def test_200_steps_from_one_state_dict_give_torchs_losses_to_1e_5(name, rng):
    ours, theirs = models(seed=3)
    x = rng.normal(size=(200, 16, 6)).astype(np.float32)
    teacher = rng.normal(size=(6, 3))
    y = (x @ teacher).argmax(-1)
    a, b = (
        getattr(optim, name)(ours.parameters(), **RATES[name]),
        getattr(torch.optim, name)(theirs.parameters(), **RATES[name]),
    )
    loss_of = torch.nn.CrossEntropyLoss()
    differences, losses = [], []
    for xb, yb in zip(x, y, strict=True):
        a.zero_grad()
        loss = F.cross_entropy(ours(xb), yb)
        loss.backward()
        a.step()
        b.zero_grad()
        other = loss_of(theirs(torch.from_numpy(xb)), torch.from_numpy(yb))
        other.backward()
        b.step()
        differences.append(abs(loss.item() - other.item()))
        losses.append(loss.item())
    assert max(differences) < 1e-5
    assert np.mean(losses[-20:]) < 0.8 * np.mean(losses[:20])
    ours.eval()
    theirs.eval()
    np.testing.assert_allclose(ours(x[0]).data, theirs(torch.from_numpy(x[0])).detach().numpy(), atol=2e-4)


@pytest.mark.parametrize("weighted", [False, True])
def test_fit_makes_the_steps_of_a_loop_in_torch_over_torchs_loader_and_with_weights_of_examples(weighted, rng):
    x, y = rng.normal(size=(50, 4)).astype(np.float32), rng.integers(0, 3, 50)
    weights = rng.uniform(0.1, 3, 50) if weighted else np.ones(50)
    tensors = torch.utils.data.TensorDataset(torch.tensor(x), torch.tensor(y), torch.tensor(weights))
    ours, theirs = nn.Linear(4, 3), torch.nn.Linear(4, 3)
    theirs.load_state_dict(to_torch(ours.state_dict()))
    options = {"loss": F.cross_entropy, "optimizer": optim.SGD(ours.parameters(), lr=0.1), "epochs": 3}
    if weighted:
        tl.fit(ours, (x, y), batch_size=16, shuffle=False, sample_weight=weights, progress=False, **options)
    else:
        loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*tensors.tensors[:2]), batch_size=16)
        tl.fit(ours, loader, progress=False, **options)
    optimizer = torch.optim.SGD(theirs.parameters(), lr=0.1)
    for _ in range(3):
        for xs, ys, w in torch.utils.data.DataLoader(tensors, batch_size=16):
            optimizer.zero_grad()
            losses = torch.nn.functional.cross_entropy(theirs(xs), ys, reduction="none")
            ((losses * w).sum() / w.sum()).backward()
            optimizer.step()
    for name, value in theirs.state_dict().items():
        np.testing.assert_allclose(ours.state_dict()[name], value.numpy(), rtol=1e-5, atol=1e-6)


def test_a_state_dict_goes_to_torch_and_back_with_batchnorms_buffers(rng):
    ours, theirs = models(seed=4)
    x = rng.normal(size=(32, 6)).astype(np.float32)
    for _ in range(3):
        theirs(torch.from_numpy(x))
        ours(x)
    assert set(ours.state_dict()) == set(theirs.state_dict())
    for name, value in theirs.state_dict().items():
        np.testing.assert_allclose(ours.state_dict()[name], value.numpy(), rtol=1e-5, atol=1e-6)
    with torch.no_grad():
        for p in theirs.parameters():
            p += 0.3 * torch.randn_like(p)
    ours.load_state_dict(theirs.state_dict())
    for name, value in ours.state_dict().items():
        np.testing.assert_array_equal(value, theirs.state_dict()[name].numpy())
        assert value.dtype == theirs.state_dict()[name].numpy().dtype
    ours.eval()
    theirs.eval()
    np.testing.assert_allclose(ours(x).data, theirs(torch.from_numpy(x)).detach().numpy(), rtol=1e-5, atol=1e-6)
    theirs.load_state_dict(to_torch(ours.state_dict()), strict=True)


def test_half_precision_states_of_torch_are_taken():
    layer = nn.Linear(3, 2)
    theirs = torch.nn.Linear(3, 2).to(torch.bfloat16)
    layer.load_state_dict(theirs.state_dict())
    np.testing.assert_array_equal(layer.weight.data, theirs.weight.detach().float().numpy())


LAYERS = {
    "linear": (nn.Linear(4, 3), torch.nn.Linear(4, 3), (5, 4)),
    "linear on three axes": (nn.Linear(4, 3), torch.nn.Linear(4, 3), (2, 5, 4)),
    "linear on one axis": (nn.Linear(4, 3), torch.nn.Linear(4, 3), (4,)),
    "linear without bias": (nn.Linear(4, 3, bias=False), torch.nn.Linear(4, 3, bias=False), (5, 4)),
    "relu": (nn.ReLU(), torch.nn.ReLU(), (3, 4)),
    "leaky relu": (nn.LeakyReLU(0.2), torch.nn.LeakyReLU(0.2), (3, 4)),
    "elu": (nn.ELU(0.7), torch.nn.ELU(0.7), (3, 4)),
    "gelu": (nn.GELU(), torch.nn.GELU(), (3, 4)),
    "gelu by tanh": (nn.GELU("tanh"), torch.nn.GELU("tanh"), (3, 4)),
    "silu": (nn.SiLU(), torch.nn.SiLU(), (3, 4)),
    "sigmoid": (nn.Sigmoid(), torch.nn.Sigmoid(), (3, 4)),
    "tanh": (nn.Tanh(), torch.nn.Tanh(), (3, 4)),
    "softplus": (nn.Softplus(), torch.nn.Softplus(), (3, 4)),
    "softplus with beta": (nn.Softplus(2.5), torch.nn.Softplus(2.5), (3, 4)),
    "softmax": (nn.Softmax(), torch.nn.Softmax(-1), (3, 4)),
    "softmax over axis 1": (nn.Softmax(axis=1), torch.nn.Softmax(1), (3, 4, 2)),
    "flatten": (nn.Flatten(), torch.nn.Flatten(), (3, 4, 2)),
    "flatten of some": (nn.Flatten(0, 1), torch.nn.Flatten(0, 1), (3, 4, 2)),
    "identity": (nn.Identity(), torch.nn.Identity(), (3, 4)),
    "layer norm": (nn.LayerNorm(4), torch.nn.LayerNorm(4), (3, 4)),
    "layer norm over two axes": (nn.LayerNorm((4, 2), eps=0.1), torch.nn.LayerNorm((4, 2), eps=0.1), (3, 4, 2)),
    "layer norm without bias": (nn.LayerNorm(4, bias=False), torch.nn.LayerNorm(4, bias=False), (3, 4)),
    "plain layer norm": (
        nn.LayerNorm(4, elementwise_affine=False),
        torch.nn.LayerNorm(4, elementwise_affine=False),
        (2, 3, 4),
    ),
    "batch norm": (nn.BatchNorm1d(4), torch.nn.BatchNorm1d(4), (6, 4)),
    "batch norm on three axes": (nn.BatchNorm1d(4, eps=0.1), torch.nn.BatchNorm1d(4, eps=0.1), (3, 4, 5)),
    "batch norm on one example of many": (nn.BatchNorm1d(4), torch.nn.BatchNorm1d(4), (1, 4, 5)),
    "batch norm, average of all": (nn.BatchNorm1d(4, momentum=None), torch.nn.BatchNorm1d(4, momentum=None), (6, 4)),
    "plain batch norm": (nn.BatchNorm1d(4, affine=False), torch.nn.BatchNorm1d(4, affine=False), (6, 4)),
    "batch norm without memory": (
        nn.BatchNorm1d(4, track_running_stats=False),
        torch.nn.BatchNorm1d(4, track_running_stats=False),
        (6, 4),
    ),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_gives_torchs_output_and_gradients_in_both_modes(name, rng):
    ours, theirs, shape = LAYERS[name]
    state = {key: rng.normal(size=value.shape) for key, value in ours.state_dict().items() if value.dtype.kind == "f"}
    if "running_var" in state:
        state["running_var"] = np.abs(state["running_var"]) + 0.3
    full = {**ours.state_dict(), **{key: value.astype(np.float32) for key, value in state.items()}}
    ours.load_state_dict(full)
    theirs.load_state_dict(to_torch(full), strict=True)
    for mode in (True, True, False, True):
        ours.train(mode)
        theirs.train(mode)
        x = (rng.normal(size=shape) * 2 + 0.5).astype(np.float32)
        a, b = tl.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
        ya, yb = ours(a), theirs(b)
        assert ya.shape == tuple(yb.shape) and ya.dtype == np.float32
        np.testing.assert_allclose(ya.data, yb.detach().numpy(), rtol=2e-5, atol=2e-6)
        g = rng.normal(size=ya.shape).astype(np.float32)
        ours.zero_grad()
        theirs.zero_grad()
        ya.backward(g)
        yb.backward(torch.from_numpy(g))
        np.testing.assert_allclose(a.grad.data, b.grad.numpy(), rtol=1e-4, atol=1e-5)
        gradients = {key: p.grad for key, p in theirs.named_parameters()}
        for key, p in ours.named_parameters():
            np.testing.assert_allclose(p.grad.data, gradients[key].numpy(), rtol=1e-4, atol=1e-5)
    for key, value in theirs.state_dict().items():
        np.testing.assert_allclose(ours.state_dict()[key], value.numpy(), rtol=1e-5, atol=1e-6)


def test_an_embedding_equals_torchs_with_repeated_and_padding_indices(rng):
    ours, theirs = nn.Embedding(7, 3, padding_idx=2), torch.nn.Embedding(7, 3, padding_idx=2)
    assert (ours.weight.data[2] == 0).all()
    weight = rng.normal(size=(7, 3)).astype(np.float32)
    ours.load_state_dict({"weight": weight})
    theirs.load_state_dict({"weight": torch.from_numpy(weight)})
    x = np.array([[1, 2, 1], [6, 0, 2]])
    g = rng.normal(size=(2, 3, 3)).astype(np.float32)
    y, z = ours(x), theirs(torch.from_numpy(x))
    y.backward(g)
    z.backward(torch.from_numpy(g))
    np.testing.assert_array_equal(y.data, z.detach().numpy())
    np.testing.assert_allclose(ours.weight.grad.data, theirs.weight.grad.numpy(), rtol=1e-6)
    assert (ours.weight.grad.data[2] == 0).all()


@pytest.mark.parametrize("sizes", [(300, 200), (20, 3000)])
def test_default_initialisation_has_torchs_distribution(sizes):
    tl.manual_seed(11)
    torch.manual_seed(11)
    pairs = [
        (nn.Linear(*sizes), torch.nn.Linear(*sizes)),
        (nn.Embedding(*sizes), torch.nn.Embedding(*sizes)),
        (nn.BatchNorm1d(sizes[0]), torch.nn.BatchNorm1d(sizes[0])),
        (nn.LayerNorm(sizes[0]), torch.nn.LayerNorm(sizes[0])),
    ]
    for ours, theirs in pairs:
        for (name, p), (other, q) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
            a, b = p.numpy(), q.detach().numpy()
            assert name == other and a.shape == b.shape and a.dtype == b.dtype
            np.testing.assert_allclose(a.mean(), b.mean(), atol=6 * b.std() / np.sqrt(b.size))
            np.testing.assert_allclose(a.std(), b.std(), rtol=6 / np.sqrt(b.size), atol=1e-12)
            for level in (1, 25, 50, 75, 99):
                np.testing.assert_allclose(
                    np.percentile(a, level), np.percentile(b, level), atol=12 * b.std() / np.sqrt(b.size) + 1e-12
                )


INITS = [
    ("uniform_", (-0.3, 0.9)), ("normal_", (0.5, 2.0)), ("xavier_uniform_", ()), ("xavier_uniform_", (1.7,)),
    ("xavier_normal_", ()), ("xavier_normal_", (0.6,)), ("kaiming_uniform_", ()),
    ("kaiming_uniform_", (0.5, "fan_out")),
    ("kaiming_uniform_", (0, "fan_in", "relu")), ("kaiming_normal_", ()), ("kaiming_normal_", (0.3, "fan_out", "tanh")),
    ("trunc_normal_", ()), ("trunc_normal_", (0.0, 1.0, -0.2, 0.5)), ("trunc_normal_", (1.0, 0.3, 0.9, 4.0)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "arguments"), INITS)
def test_an_initialisation_has_torchs_distribution(name, arguments):
    torch.manual_seed(5)
    p = tl.tensor(np.zeros((150, 40, 5)), requires_grad=True)
    a = getattr(nn.init, name)(p, *arguments, rng=3).data
    b = getattr(torch.nn.init, name)(torch.zeros(150, 40, 5, dtype=torch.float64), *arguments).numpy()
    np.testing.assert_allclose(a.mean(), b.mean(), atol=6 * b.std() / np.sqrt(b.size))
    np.testing.assert_allclose(a.std(), b.std(), rtol=0.03)
    np.testing.assert_allclose(
        np.percentile(a, [2, 25, 75, 98]), np.percentile(b, [2, 25, 75, 98]), atol=0.06 * b.std()
    )


@pytest.mark.parametrize("what", [("linear",), ("sigmoid",), ("tanh",), ("relu",), ("leaky_relu", 0.3), ("selu",)])
def test_gains_are_torchs(what):
    assert nn.init.calculate_gain(*what) == pytest.approx(torch.nn.init.calculate_gain(*what))
