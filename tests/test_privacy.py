"""Private gradients: each example's norm is its own, or the model is refused; and what a run gives away."""

import math
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from compile_parts import FRONTS, HIDDEN, LOSSES, VOCABULARY, Model, labels

import tinydl as tl
from tinydl import data, nn, optim
from tinydl import functional as F
from tinydl.privacy import epsilon, private_gradients
from tinydl.training import privacy
from tinydl.training.ghost import of_products


@pytest.fixture(autouse=True)
def _in_float64_and_seeded():
    tl.manual_seed(0)
    with tl.default_dtype(np.float64):
        yield


def apart(model, loss, x, y):
    """Each example's gradient, all parameters in a row, by an ordinary backward pass for each."""
    rows = []
    for i in range(len(x)):
        model.zero_grad()
        loss(model(x[i : i + 1]), y[i : i + 1]).backward()
        rows.append(flat(model))
    return np.stack(rows)


def flat(model):
    return np.concatenate([np.zeros(p.size) if p.grad is None else p.grad.data.ravel() for p in model.parameters()])


def private(model, x, y, loss=F.cross_entropy, clip=1.0, noise=0.0, seed=0, **options):
    """All examples in the lot."""
    rng = np.random.default_rng(seed)
    return private_gradients(model, x, y, loss=loss, clip=clip, noise=noise, lot=len(x), rng=rng, **options)


def assert_right(model, x, y, loss=F.cross_entropy, **options):
    """Norms and clipped sum are the loop's, to 1e-6; about half of the examples are clipped."""
    rows = apart(model, loss, x, y)
    norms = np.linalg.norm(rows, axis=1)
    clip = float(np.median(norms))
    np.testing.assert_allclose(private(model, x, y, loss, clip, **options), norms, rtol=1e-6)
    wanted = (rows * np.minimum(1, clip / norms)[:, None]).sum(axis=0) / len(x)
    np.testing.assert_allclose(flat(model), wanted, rtol=1e-6, atol=1e-6 * np.abs(wanted).max())


def shaken(model, seed=0):
    """In eval mode, and no parameter 0 or 1."""
    rng = np.random.default_rng(seed)
    for p in model.parameters():
        p.data = p.data + 0.3 * rng.normal(size=p.shape)
    return model.eval()


def zoo(front, hidden, n, seed=0):
    rng, layer = np.random.default_rng(seed), FRONTS[front]
    tl.manual_seed(seed)
    x = rng.integers(0, VOCABULARY, (n, *layer.shape)) if layer.integers else rng.normal(size=(n, *layer.shape))
    return shaken(Model(layer, HIDDEN[hidden]), seed), x, labels(rng, n, 0)


# ---- every layer: right, or refused ----

TWICE = {"TransformerEncoder(norm)", "Tied", "SameTensorTwice", "Shared"} | {
    name for name in FRONTS if name.startswith(("RNN", "LSTM", "GRU"))
}
MIXING = {  # softmax over the batch, and a batch that attention takes for a sequence
    name for name in HIDDEN
    if name.startswith(("LogSoftmax", "Softmax", "TransformerEncoderLayer", "MultiheadAttention"))
} | {"BatchNorm2d(track_running_stats)", "BatchNorm1d(affine, track_running_stats)"}  # fmt: skip
# a lot as long as another axis is what a wrong axis would be mistaken for: widths, channels, lengths of the zoo
LOTS = (2, 3, 4, 6, 7, 18)


@pytest.mark.parametrize("front", [name for name in FRONTS if name not in TWICE | MIXING])
def test_norms_of_every_first_layer_are_the_loops(front):
    for n in LOTS:
        assert_right(*zoo(front, "Identity", n))


@pytest.mark.parametrize("hidden", [name for name in HIDDEN if name not in MIXING])
def test_norms_of_every_hidden_layer_are_the_loops(hidden):
    for n in LOTS:
        assert_right(*zoo("Linear", hidden, n))


@pytest.mark.parametrize("front", sorted(TWICE))
def test_a_parameter_that_takes_part_twice_is_refused_by_name_and_done_by_the_loop(front):
    by_place = front.endswith("(every option)")  # the zoo's lengths are decided by an example's place in the batch
    error, says = (ValueError, "on its place") if by_place else (TypeError, r"front\.|loop=True")
    for n in LOTS:
        model, x, y = zoo(front, "Identity", n)
        with pytest.raises(error, match=says):
            private(model, x, y)
        assert_right(model, x, y, loop=True)


@pytest.mark.parametrize("name", sorted(MIXING))
def test_a_layer_that_mixes_rows_is_refused(name):
    for n in LOTS:
        model, x, y = zoo(name, "Identity", n) if name in FRONTS else zoo("Linear", name, n)
        with pytest.raises(ValueError, match=r"depends on the other examples|isn't, row by row|more than one value"):
            private(model, x, y)


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_is_taken_apart_or_refused(name):
    """Of the zoo's, only those that are divided by a sum of weights are no sums over rows."""
    refused = 0
    for n in (2, 3, 5, 8, 8, 9):
        model, x, _ = zoo("Linear", "Tanh", n, seed=n)
        y = LOSSES[name].targets(np.random.default_rng(n), n, 0)
        try:
            assert_right(model, x, y, LOSSES[name].of)
        except ValueError as error:
            assert "neither the sum nor the mean" in str(error)
            refused += 1
    weighted = name.startswith("cross_entropy(") and "weight" in name and "soft" not in name
    assert (refused >= 4) if weighted else not refused


def test_the_form_for_few_positions_and_the_other_agree():
    rng = np.random.default_rng(0)
    for t, o, i in [(2, 50, 60), (3, 90, 80), (40, 5, 6)]:
        g, x = rng.normal(size=(4, 2, t, o)), rng.normal(size=(4, 2, t, i))
        wanted = (np.einsum("ngto,ngti->ngoi", g, x) ** 2).sum(axis=(1, 2, 3))
        np.testing.assert_allclose(of_products(g, x), wanted, rtol=1e-12)


def test_contributions_that_cancel_leave_no_norm():
    """Three positions whose gradients add up to 0, in float32, in which squares of their sizes would leave 3e-4."""
    rng = np.random.default_rng(0)
    g, x = rng.normal(size=(3, 1, 2, 300)).astype(np.float32), rng.normal(size=(3, 1, 1, 200)).astype(np.float32)
    found = of_products(np.concatenate([g, -g.sum(axis=2, keepdims=True)], axis=2), np.repeat(x, 3, axis=2))
    assert (np.sqrt(found) < 1e-5 * np.linalg.norm(g) * np.linalg.norm(x)).all()


class Word(nn.Module):
    """A parameter of the user's own at each operation that is known."""

    def __init__(self):
        rng = np.random.default_rng(0)
        make = lambda *shape: tl.tensor(rng.normal(size=shape), requires_grad=True)
        self.table, self.places, self.start = nn.Embedding(7, 4), make(3, 4), make(1, 1, 4)
        self.scale, self.divisor, self.shift, self.matrix = make(4), make(4), make(4), make(4, 5)

    def forward(self, x):
        z = np.concatenate([np.broadcast_to(self.start, (len(x), 1, 4)), self.table(x) + self.places], axis=1)
        z = np.tanh(self.scale * z / self.divisor - self.shift)
        return (z @ self.matrix).mean(axis=1)


def test_parameters_of_ones_own_that_are_added_multiplied_stretched_or_looked_up():
    rng = np.random.default_rng(1)
    for n in (2, 3, 4, 5, 8):  # 3 positions, 4 with the start
        assert_right(Word(), rng.integers(0, 7, (n, 3)), rng.integers(0, 5, n))


class FromTheEnd(nn.Module):
    """Rows of a table, some counted from its end."""

    def __init__(self):
        self.table, self.out = (
            tl.tensor(np.random.default_rng(0).normal(size=(5, 4)), requires_grad=True),
            nn.Linear(4, 3),
        )

    def forward(self, x):
        return self.out(np.tanh(self.table[x])).sum(axis=1)


def test_numbers_that_count_from_the_end_of_a_table_mean_the_same_rows():
    x = np.array([[4, -1, 0], [-5, 0, 2], [1, -4, 1], [3, 2, 0]])
    assert_right(FromTheEnd(), x, np.arange(4) % 3)


class TimeFirst(nn.Module):
    """Sequences with the time first, as attention takes them by default."""

    def __init__(self):
        self.first, self.norm, self.attention = nn.Linear(5, 4), nn.LayerNorm(4), nn.MultiheadAttention(4, 2)
        self.scale = tl.tensor(np.array([1.0, -2.0, 0.5, 1.5]), requires_grad=True)

    def forward(self, x):
        y = self.norm(self.first(x.swapaxes(0, 1))) * self.scale
        return self.attention(y)[0].mean(axis=0)


@pytest.mark.parametrize("n", [2, 3, 6, 7])
def test_examples_along_the_second_axis_are_found_also_where_the_first_is_as_long(n):
    tl.manual_seed(0)
    x = np.random.default_rng(0).normal(size=(n, 6, 5))
    assert_right(TimeFirst(), x, np.arange(n) % 4)


class Places(nn.Module):
    """Places from a table, the same for all examples: the rule has summed over them before it comes to the table."""

    def __init__(self):
        self.table, self.out = nn.Embedding(9, 5), nn.Linear(5, 4)

    def forward(self, x):
        return self.out(np.tanh(x + self.table(np.arange(x.shape[1])))).sum(axis=1)


@pytest.mark.parametrize("n", [2, 6, 7])
def test_a_parameter_that_is_used_for_all_examples_at_once_is_refused(n):
    model, x = Places(), np.random.default_rng(0).normal(size=(n, 6, 5))
    for clip in (0.1, 1e9):  # also where none is clipped, and all count the same
        with pytest.raises((TypeError, ValueError), match="loop=True"):
            private(model, x, np.arange(n) % 4, clip=clip)
    assert_right(model, x, np.arange(n) % 4, loop=True)


def test_dropout_draws_once_for_both_passes():
    """The norms are those of the losses of one graph, with its masks."""
    tl.manual_seed(3)
    model = nn.Sequential(nn.Linear(6, 30), nn.ReLU(), nn.Dropout(0.5), nn.Linear(30, 4))
    x, y = np.random.default_rng(0).normal(size=(9, 6)), np.arange(9) % 4
    tl.manual_seed(4)
    losses = F.cross_entropy(model(x), y, reduction="none")
    rows = []
    for i in range(9):
        model.zero_grad()
        losses[i].backward()
        rows.append(flat(model))
    rows = np.stack(rows)
    norms = np.linalg.norm(rows, axis=1)
    tl.manual_seed(4)
    np.testing.assert_allclose(private(model, x, y, clip=0.8), norms, rtol=1e-6)
    wanted = (rows * np.minimum(1, 0.8 / norms)[:, None]).mean(axis=0)
    np.testing.assert_allclose(flat(model), wanted, rtol=1e-6, atol=1e-9)
    drawn = F.dropout(np.ones(50)).data
    tl.manual_seed(4)
    model(x)
    np.testing.assert_array_equal(F.dropout(np.ones(50)).data, drawn)  # the generator is where one pass leaves it


def test_frozen_parameters_have_no_part_in_the_norm_and_keep_their_gradient():
    model, x, y = zoo("Linear", "LayerNorm(eps)", 8)
    model.front.weight.requires_grad = False
    rows = apart(model, F.cross_entropy, x, y)
    model.zero_grad()
    np.testing.assert_allclose(private(model, x, y), np.linalg.norm(rows, axis=1), rtol=1e-6)
    assert model.front.weight.grad is None and model.front.bias.grad is not None


class Pair(nn.Module):
    """Two outputs, which the loss takes together."""

    def __init__(self):
        self.first, self.second = nn.Linear(5, 3), nn.Linear(5, 2)

    def forward(self, x):
        return self.first(x), self.second(np.tanh(x))


def test_several_outputs_take_a_loss_for_each_row():
    x, y = np.random.default_rng(0).normal(size=(9, 5)), np.arange(9) % 3
    each = lambda z, y: F.cross_entropy(z[0], y, reduction="none") + (z[1] ** 2).sum(axis=1)
    assert_right(Pair(), x, y, lambda z, y: each(z, y) if len(y) > 1 else each(z, y).sum())
    with pytest.raises(ValueError, match=r"a loss that is one number needs outputs.*not a tuple"):
        private(Pair(), x, y, lambda z, y: each(z, y).mean())
    for mixed in (lambda z, y: each(z, y) / z[0].data.std(), lambda z, y: each(z, y) - z[1].mean()):
        with pytest.raises(ValueError, match=r"mixes rows|rows are mixed"):
            private(Pair(), x, y, mixed)


def test_a_parameter_that_takes_no_part_gets_noise_alone():
    model, x, y = zoo("Linear", "Identity", 8)
    model.unused = tl.tensor(np.ones(400), requires_grad=True)
    private(model, x, y, clip=0.5, noise=2.0)
    assert model.unused.grad.data.std() == pytest.approx(0.5 * 2.0 / 8, rel=0.2)


# ---- the lot and the noise ----


def test_the_lot_is_drawn_each_example_by_itself():
    """400 lots of 100 examples at rate 0.2: sizes have mean 20 and standard deviation 4."""
    model, x, y = zoo("Linear", "Identity", 100)
    rng, sizes = np.random.default_rng(0), []
    for _ in range(400):
        norms = private_gradients(model, x, y, loss=F.cross_entropy, clip=1.0, noise=1.0, lot=20, rng=rng)
        sizes.append(len(norms))
    assert np.mean(sizes) == pytest.approx(20, abs=4 * 4 / 20)
    assert np.std(sizes) == pytest.approx(4, rel=0.15)


def test_the_sum_is_divided_by_the_expected_lot_also_where_another_was_drawn():
    model, x, y = zoo("Linear", "Identity", 40)
    rows = apart(model, F.cross_entropy, x, y)
    clipped = rows * np.minimum(1, 0.3 / np.linalg.norm(rows, axis=1))[:, None]
    drawn = np.random.default_rng(5).random(40) < 7 / 40
    norms = private_gradients(
        model, x, y, loss=F.cross_entropy, clip=0.3, noise=0.0, lot=7, rng=np.random.default_rng(5)
    )
    assert drawn.sum() not in (0, 7)
    np.testing.assert_allclose(norms, np.linalg.norm(rows[drawn], axis=1), rtol=1e-6)
    np.testing.assert_allclose(flat(model), clipped[drawn].sum(axis=0) / 7, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("loop", [False, True])
def test_noise_has_the_standard_deviation_of_noise_times_clip_over_the_lot(loop):
    model, x, y = zoo("Linear", "Identity", 6)
    private(model, x, y, clip=0.4)
    exact = flat(model)
    rest = []
    for seed in range(60):
        private(model, x, y, clip=0.4, noise=1.5, loop=loop, seed=seed)
        rest.append(flat(model) - exact)
    rest = np.stack(rest)
    assert rest.std() == pytest.approx(1.5 * 0.4 / 6, rel=0.05)
    assert np.abs(rest.mean(axis=0)).max() < 5 * rest.std() / math.sqrt(60)
    assert abs(np.corrcoef(rest[:, 0], rest[:, 1])[0, 1]) < 0.5  # each parameter's is its own


def test_no_example_moves_the_sum_by_more_than_the_clip():
    """What ε is computed from: the lot with and without one, however wild it is."""
    tl.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(2, 3, 3), nn.GroupNorm(1, 3), nn.ReLU(), nn.Flatten(), nn.Linear(15, 4))
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(12, 2, 7)), rng.integers(0, 4, 12)
    x[3] *= 1e3
    sums = []
    for rows in (slice(None), np.delete(np.arange(12), 3)):
        private(model, x[rows], y[rows], clip=0.25)
        sums.append(flat(model) * len(x[rows]))
    assert np.linalg.norm(sums[0] - sums[1]) == pytest.approx(0.25, rel=1e-9)


@pytest.mark.parametrize("loop", [False, True])
def test_an_empty_lot_gives_noise_and_a_gradient_from_before_is_replaced(loop):
    model, x, y = zoo("Linear", "Identity", 5)
    rng = np.random.default_rng(0)
    for p in model.parameters():
        p.grad = tl.tensor(np.full(p.shape, 1e6))
    norms = private_gradients(model, x, y, loss=F.cross_entropy, clip=1.0, noise=1.0, lot=1e-9, rng=rng, loop=loop)
    assert norms.shape == (0,)
    private(model, x, y, noise=1.0)
    assert np.abs(flat(model)).max() < 1e3


def test_a_lot_of_one_and_of_two():
    for n in (1, 2):
        assert_right(*zoo("Linear", "GroupNorm(eps)", n))


def test_float32_and_no_grad_around():
    train = data.digits()
    with tl.default_dtype(np.float32):
        tl.manual_seed(0)
        model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    rows = apart(model, F.cross_entropy, train.x[:50], train.y[:50])
    with tl.no_grad():
        norms = private(model, train.x[:50], train.y[:50])
    np.testing.assert_allclose(norms, np.linalg.norm(rows, axis=1), rtol=1e-5)
    assert all(p.grad.dtype == np.float32 for p in model.parameters())


@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_a_network_that_is_sure_of_all_answers_is_no_false_alarm(reduction):
    """In float32 its gradients are about the rounding of 1 − softmax, which differs from row to batch."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(300, 8)).astype(np.float32), rng.integers(0, 10, 300)
    x = np.concatenate([x, np.eye(10, dtype=np.float32)[y]], axis=1)
    with tl.default_dtype(np.float32):
        tl.manual_seed(0)
        model = nn.Sequential(nn.Linear(18, 20), nn.Tanh(), nn.Linear(20, 10))
    for p in model.parameters():
        p.data = 0.1 * p.data
    model[0].weight.data[:10, 8:] = 2 * np.eye(10)
    for scale in (1, 3, 10, 16, 17, 18, 20, 30, 80):
        model[2].weight.data[:, :10] = scale * np.eye(10)
        for seed in range(5):
            norms = private(model, x, y, lambda z, y: F.cross_entropy(z, y, reduction=reduction), seed=seed)
            assert np.isfinite(norms).all()


def test_digits_are_learned_with_noise():
    digits = data.digits()
    with tl.default_dtype(np.float32):
        tl.manual_seed(0)
        model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    optimizer, rng = optim.Adam(model.parameters(), lr=5e-3), np.random.default_rng(0)
    for _ in range(150):
        private_gradients(model, *digits, loss=F.cross_entropy, clip=1.0, noise=0.7, lot=128, rng=rng)
        optimizer.step()
    assert tl.accuracy(tl.predict(model, digits.x), digits.y) > 0.75


# ---- planted faults that the checks must find ----


class Neighbours(nn.Module):
    """Rows that see each other in some way, after a Linear."""

    def __init__(self, mix):
        self.linear, self.out, self.mix = nn.Linear(5, 6), nn.Linear(6, 3), mix

    def forward(self, x):
        return self.out(self.mix(self.linear(x)))


MIXES = {
    "the batch's mean": lambda h: h - h.mean(axis=0),
    "the batch's mean, as a constant": lambda h: h - h.detach().data.mean(axis=0),
    "the largest of the batch": lambda h: h / np.abs(h).max(),
    "the row before": lambda h: h + 0.1 * np.roll(h, 1, axis=0),
    "the rows before": lambda h: np.cumsum(h, axis=0),
    "a row that all look at": lambda h: h + h[:1],
    "how large the batch is, as a constant": lambda h: h * (1 + 0.1 * np.abs(h.data).mean()),
    "rows in another order": lambda h: h[::-1],
}


@pytest.mark.parametrize("name", MIXES)
@pytest.mark.parametrize("n", [5, 6, 16])
def test_rows_that_see_each_other_are_noticed(name, n):
    tl.manual_seed(0)
    model, x = Neighbours(MIXES[name]), np.random.default_rng(0).normal(size=(n, 5))
    for seed in range(5):
        for loss in (F.cross_entropy, lambda z, y: F.cross_entropy(z, y, reduction="none")):
            with pytest.raises(ValueError, match=r"mixes rows|row by row|rows are mixed"):
                private(model, x, np.arange(n) % 3, loss, seed=seed)


class By(nn.Module):
    """A Linear, with a function of it and of x around."""

    def __init__(self, function, **attributes):
        self.linear, self.function = nn.Linear(5, 3), function
        for name, value in attributes.items():
            setattr(self, name, value)

    def forward(self, x):
        return self.function(self, x)


def bent(m, z):
    return m.linear(z - z.mean(axis=0))


def trimmed(m, x):
    longest = int(np.sum(np.abs(x) > 0.4, axis=1).max())
    return m.linear(np.where(np.arange(5) < longest, x, 0) / longest)


UNSEEN_BEFORE = {
    "a number for each place": lambda m, x: m.linear(x) + np.linspace(1, 2, len(x))[:, None],
    "a parameter for each place": lambda m, x: m.linear(x) + m.places[: len(x)],
    "the same noise each time": lambda m, x: m.linear(x + np.random.default_rng(0).normal(size=x.shape)),
    "the size of the lot": lambda m, x: m.linear(x / len(x)),
    "masked logits": lambda m, x: np.where(np.arange(3) == 1, -1e9, bent(m, x)),
    "large outputs": lambda m, x: 1e6 + bent(m, x),
    "little": lambda m, x: m.linear(x + 3e-6 * np.roll(x, 1, axis=0)),
    "the first row, as a constant": lambda m, x: m.linear(x) - m.linear(x).detach()[:1],
    "the largest input": lambda m, x: m.linear(x / np.abs(x).max()),
    "as long as the longest": trimmed,
}


@pytest.mark.parametrize(
    ("name", "n"), [(name, n) for name in UNSEEN_BEFORE for n in (5, 64) if n > 5 or "long" not in name]
)
def test_examples_that_have_a_place_a_number_or_neighbours_are_refused_each_time(name, n):
    x = np.random.default_rng(0).normal(size=(n, 5))
    places = tl.tensor(np.random.default_rng(1).normal(size=(64, 3)), requires_grad=True)
    for seed in range(8):
        with pytest.raises(ValueError, match="on its place among them or on their number"):
            private(By(UNSEEN_BEFORE[name], places=places), x, np.arange(n) % 3, seed=seed)


def longest_of_all(m, x):
    return m.linear(x[:, : int((x != 0).sum(axis=1).max())].mean(axis=1)[:, None] * np.ones(5))


def scaled_backwards(m, x):
    h = m.linear(x)
    g = h * float(np.abs(h.data).max())
    return h.detach() - g.detach() + g


RARE = {
    "as long as the one that is longest": longest_of_all,
    "one that is large": lambda m, x: m.linear(10 * x / max(1.0, np.abs(x).max())),
    "from sixteen on": lambda m, x: m.linear(x) + np.maximum(0, np.arange(len(x)) - 16)[:, None] * np.arange(3),
    "the way back": scaled_backwards,
}


@pytest.mark.parametrize("name", RARE)
def test_what_one_example_of_a_lot_does_to_all_others_is_noticed_in_the_lot(name):
    """One of 400 is long and large, and is hardly ever among the few that are asked by themselves."""
    x = np.random.default_rng(0).uniform(0.1, 0.5, size=(400, 20))
    x[:, 5:] = 0
    x[77] = 9
    if "longest" not in name:
        x = x[:, :5]
    tl.manual_seed(0)
    for seed in range(8):
        with pytest.raises(ValueError, match=r"row by row|on its place"):
            private(By(RARE[name]), x, np.arange(400) % 3, seed=seed)


@pytest.mark.parametrize("least", [-1e30, np.finfo(np.float32).min])
def test_logits_that_are_masked_by_the_least_number_hide_nothing(least):
    model = By(lambda m, x: np.where(np.arange(3) == 1, least, m.linear(x - x.mean(axis=0) * 3)))
    x = np.random.default_rng(0).normal(size=(32, 5))
    for seed in range(8):
        with pytest.raises(ValueError, match="on its place"):
            private(model, x, 2 * (np.arange(32) % 2), seed=seed)


def in_a_dict(m, x):
    if "mean" not in m.cache:
        m.cache["mean"] = x.mean(axis=0)
    return m.linear(x - m.cache["mean"])


def in_a_list(m, x):
    if not m.list:
        m.list.append(x.mean(axis=0))
    return m.linear(x - m.list[0])


def in_a_number(m, x):
    if m.mean is None:
        m.mean = float(x.mean())
    return m.linear(x - m.mean)


@pytest.mark.parametrize("loop", [False, True])
@pytest.mark.parametrize("function", [in_a_dict, in_a_list, in_a_number])
def test_what_the_first_pass_keeps_somewhere_is_refused_and_taken_back(function, loop):
    model, x = By(function, cache={}, list=[], mean=None), np.random.default_rng(0).normal(size=(8, 5))
    cache, kept = model.cache, model.list
    for seed in range(3):
        with pytest.raises(
            ValueError, match=r"the first forward pass makes (cache\.mean|list\.0|mean) of the examples"
        ):
            private(model, x, np.arange(8) % 3, loop=loop, seed=seed)
        assert model.cache is cache == {} and model.list is kept == [] and model.mean is None


def test_a_product_in_float32_inside_is_no_false_alarm():
    """Which is rounded otherwise for one row than for many."""
    table = np.random.default_rng(0).normal(size=(64, 5)).astype(np.float32)
    model = By(lambda m, x: m.linear(np.maximum((x.astype(np.float32) / 255) @ table, 0)))
    x = np.random.default_rng(1).integers(0, 256, (300, 64)).astype(np.uint8)
    for seed in range(10):
        private(model, x, np.arange(300) % 3, seed=seed)


def test_a_pass_that_is_interrupted_while_noise_is_drawn_writes_no_gradient(monkeypatch):
    class Dice(np.random.Generator):
        drawn = 0

        def standard_normal(self, *args, **kwargs):
            self.drawn += 1
            if self.drawn == 2:
                raise KeyboardInterrupt
            return super().standard_normal(*args, **kwargs)

    model, x = nn.Linear(5, 3), np.random.default_rng(0).normal(size=(8, 5))
    with pytest.raises(KeyboardInterrupt):
        private_gradients(
            model, x, np.arange(8) % 3, loss=F.cross_entropy, clip=1.0, noise=1.0, lot=8, rng=Dice(np.random.PCG64(0))
        )
    assert all(p.grad is None for p in model.parameters())


def first_mean(m, x):
    if m.mean is None:
        m.mean = x.mean(axis=0)
    return m.linear(x - m.mean)


def first_shift(m, x):
    if not m.done:
        m.linear.bias.data, m.done = -x.mean(axis=0)[:3], True
    return m.linear(x)


@pytest.mark.parametrize("loop", [False, True])
@pytest.mark.parametrize(
    ("function", "says"), [(first_mean, "makes mean of the examples"), (first_shift, "linear.bias")]
)
def test_what_the_first_pass_makes_of_examples_is_refused_and_taken_back(function, says, loop):
    model, x = By(function, mean=None, done=False), np.random.default_rng(0).normal(size=(8, 5))
    bias = model.linear.bias.data.copy()
    for seed in range(3):
        with pytest.raises(ValueError, match=says):
            private(model, x, np.arange(8) % 3, loop=loop, seed=seed)
        assert model.mean is None and not model.done
        np.testing.assert_array_equal(model.linear.bias.data, bias)


def test_what_a_forward_pass_writes_down_to_be_looked_at_and_what_isnt_of_the_examples_may_be_kept():
    def looked_at(m, x):
        m.hidden = m.linear(x)
        if m.mask is None:
            m.mask = np.array([1.0, 0.5, 2.0])
        return m.hidden * m.mask

    assert_right(By(looked_at, mask=None), np.random.default_rng(0).normal(size=(8, 5)), np.arange(8) % 3)


def test_a_model_is_asked_again_and_again_but_not_at_each_step():
    def changes(m, x):
        m.asked.append(len(x))
        return m.linear(x) - (m.linear(x).mean(axis=0) if m.mixes else 0)

    model, x = By(changes, asked=[], mixes=False), np.random.default_rng(0).normal(size=(32, 5))
    for _ in range(24):
        private(model, x, np.arange(32) % 3)
    assert model.asked == [32] * 24  # what is asked besides leaves no trace
    model.mixes = True
    with pytest.raises(ValueError, match=r"on its place|row by row"):
        for _ in range(4):
            private(model, x, np.arange(32) % 3)
    for _ in range(4):  # what was refused is asked until it is right
        with pytest.raises(ValueError, match=r"on its place|row by row"):
            private(model, x, np.arange(32) % 3)


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_a_forward_pass_that_is_stopped_leaves_parameters_as_they_were(error):
    def stopped(m, x):
        raise error("now")

    with tl.default_dtype(np.float32):
        model = By(stopped)
    array = model.linear.weight.data
    with pytest.raises(error, match="now"):
        private(model, np.ones((8, 5)), np.arange(8) % 3)
    assert model.linear.weight.data is array and array.dtype == np.float32


def test_an_input_that_is_written_into_is_said():
    def scaled(m, x):
        x /= 2
        return m.linear(x)

    with pytest.raises(ValueError, match="writes into x"):
        private(By(scaled), np.ones((8, 5)), np.arange(8) % 3)


def test_models_that_draw_are_right_in_training_and_refused_where_rows_see_each_other():
    """A Dropout draws for a lot as a whole, so what is asked of its rows is asked in eval mode."""
    x, y = np.random.default_rng(0).normal(size=(32, 5)), np.arange(32) % 3
    for mix in (lambda h: h - h.mean(axis=0), lambda h: h + np.linspace(0, 1, len(h))[:, None]):
        model = nn.Sequential(nn.Dropout(0.3), Neighbours(mix))
        for seed in range(5):
            with pytest.raises(ValueError, match="on its place among them"):
                private(model, x, y, seed=seed)
    for seed in range(5):
        private(nn.Sequential(nn.Dropout(0.3), Neighbours(np.tanh)), x, y, seed=seed)


def test_a_mask_over_a_table_is_no_table():
    class Pruned(nn.Module):
        def __init__(self):
            self.table = tl.tensor(np.random.default_rng(0).normal(size=(7, 3)), requires_grad=True)

        def forward(self, x):
            return (self.table * (10.0 * (np.arange(21).reshape(7, 3) % 2)))[x].mean(axis=1)

    x, y = np.random.default_rng(0).integers(0, 7, (8, 4)), np.arange(8) % 3
    with pytest.raises(TypeError, match="gradient of 'table' in getitem"):
        private(Pruned(), x, y)
    assert_right(Pruned(), x, y, loop=True)


@pytest.mark.parametrize("called", ["linear", "reshape", "multiply"])
def test_an_operation_of_ones_own_is_known_by_what_it_is_and_not_by_its_name(called):
    forward = lambda w: np.tanh(w)
    own = tl.primitive(forward, lambda g, y, w: g * (1 - y * y), name=called)
    model, x, y = By(lambda m, x: F.linear(x, own(m.linear.weight))), np.ones((4, 5)), np.arange(4) % 3
    with pytest.raises(TypeError, match=r"gradient of 'linear\.weight' in"):
        private(model, x + np.arange(4)[:, None], y)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
def test_tokens_in_few_bits(dtype):
    model = nn.Sequential(nn.Embedding(256 if dtype is np.uint8 else 128, 6), nn.Flatten(), nn.Linear(24, 3))
    x = np.random.default_rng(0).integers(0, 127, (200, 4)).astype(dtype)
    assert_right(model, x, np.arange(200) % 3)


def test_time_first_where_the_lot_is_as_long_as_the_sequences():
    """Of all places one alone has a gradient, and which one says nothing of the examples."""

    class Reader(nn.Module):
        def __init__(self):
            self.first, self.out = nn.Linear(3, 4), nn.Linear(4, 3)

        def forward(self, x):
            return self.out(np.tanh(self.first(x.swapaxes(0, 1)))[0])

    tl.manual_seed(0)
    for seed in range(20):
        x = np.random.default_rng(seed).normal(size=(8, 8, 3))
        assert_right(Reader(), x, np.arange(8) % 3, seed=seed)


def test_outputs_with_the_time_first_and_a_loss_for_each_row():
    model = By(lambda m, x: m.linear(np.moveaxis(x, 0, 1)))
    loss = lambda z, y: ((z - np.moveaxis(y, 0, 1)) ** 2).mean(axis=(0, 2))
    for seed in range(20):
        rng = np.random.default_rng(seed)
        assert_right(model, rng.normal(size=(6, 6, 5)), rng.normal(size=(6, 6, 3)), loss, seed=seed)


@pytest.mark.parametrize("gap", [20, 33, 36, 60, 100])
@pytest.mark.parametrize("n", [4, 64])
def test_a_network_that_is_sure_to_the_last_digit_is_no_false_alarm(gap, n):
    with tl.default_dtype(np.float32):
        model = nn.Linear(7, 7)
    model.weight.data = gap * np.eye(7, dtype=np.float32)
    for seed in range(10):
        y = np.random.default_rng(seed).integers(0, 7, n)
        x = (np.eye(7)[y] + 0.01 * np.random.default_rng(seed).normal(size=(n, 7))).astype(np.float32)
        for reduction in ("mean", "sum", "none"):
            private(model, x, y, lambda z, y, r=reduction: F.cross_entropy(z, y, reduction=r), seed=seed)


@pytest.mark.parametrize("scale", [1, 16, 255])
def test_a_gradient_that_cancels_to_rounding_is_no_false_alarm(scale):
    """What a LayerNorm of two numbers sends back is nothing but rounding."""
    x, y = (scale * data.digits().x).astype(np.float32), data.digits().y
    with tl.default_dtype(np.float32):
        for seed in range(10):
            tl.manual_seed(seed)
            model = nn.Sequential(nn.Linear(64, 2), nn.LayerNorm(2), nn.Linear(2, 10))
            at = np.random.default_rng(seed).integers(0, len(x), 64)
            private(model, x[at], y[at], seed=seed)


@pytest.mark.parametrize("weights", [[1, 1.00005, 1.0001], None])
def test_a_loss_that_is_nearly_a_mean_is_refused(weights):
    """Divided by a sum of weights that hardly differ, or by how many letters aren't ignored: all but one."""
    rng = np.random.default_rng(0)
    if weights:
        x, y, loss = (
            rng.normal(size=(64, 5)),
            rng.integers(0, 3, 64),
            lambda z, y: F.cross_entropy(z, y, weight=np.array(weights)),
        )
    else:
        x, y = rng.normal(size=(64, 40, 5)), rng.integers(0, 3, (64, 40))
        y[3, 7] = -100
        loss = lambda z, y: F.cross_entropy(z.reshape(-1, 3), y.reshape(-1), ignore_index=-100)
    for seed in range(8):
        with pytest.raises(ValueError, match="neither the sum nor the mean"):
            private(By(lambda m, x: m.linear(x)), x, y, loss, seed=seed)


def test_a_column_that_nobody_reads_may_be_nan():
    model = By(lambda m, x: np.concatenate([m.linear(x), np.full((len(x), 1), np.nan)], axis=1))
    x, y = np.random.default_rng(0).normal(size=(8, 5)), np.arange(8) % 3
    assert_right(model, x, y, lambda z, y: F.cross_entropy(z[:, :3], y))


def test_parameters_of_few_digits_are_refused_and_done_by_the_loop():
    with tl.default_dtype(np.float16):
        model = nn.Linear(5, 3)
    x, y = np.random.default_rng(0).normal(size=(8, 5)).astype(np.float16), np.arange(8) % 3
    with pytest.raises(TypeError, match="'weight', of float16, has too few digits"):
        private(model, x, y)
    private(model, x, y, loop=True)


class Remembers(nn.Module):
    """What it saw goes on to the next call."""

    def __init__(self):
        self.linear, self.last = nn.Linear(5, 3), None

    def forward(self, x):
        y = self.linear(x)
        before, self.last = self.last, y.data.mean(axis=0)
        return y if before is None else y + before


@pytest.mark.parametrize("loop", [False, True])
def test_a_layer_that_keeps_what_it_saw_is_noticed(loop):
    x = np.random.default_rng(0).normal(size=(8, 5))
    with pytest.raises(ValueError, match="keeps something from one call to the next"):
        private(Remembers(), x, np.arange(8) % 3, loop=loop)


@pytest.mark.parametrize("loop", [False, True])
@pytest.mark.parametrize("kind", [nn.BatchNorm1d, nn.BatchNorm2d])
def test_batch_norm_while_training_is_refused_and_its_statistics_stay(kind, loop):
    shape = (8, 3) if kind is nn.BatchNorm1d else (8, 3, 2, 2)
    model = nn.Sequential(kind(3), nn.Flatten(), nn.Linear(int(np.prod(shape[1:])), 3))
    x, y = np.random.default_rng(0).normal(size=shape), np.arange(8) % 3
    with pytest.raises(ValueError, match=r"0 \(BatchNorm.d\) normalises each example by its neighbours.*GroupNorm"):
        private(model, x, y, loop=loop)
    assert not model[0].running_mean.any()
    assert_right(shaken(model), x, y)


@pytest.mark.parametrize("loop", [False, True])
def test_a_buffer_that_follows_the_data_is_refused_and_put_back(loop):
    model, x, y = zoo("Follows", "Identity", 8)
    before = model.state_dict()
    model.train()
    with pytest.raises(ValueError, match=r"front\.(seen|mean)"):
        private(model, x, y, loop=loop)
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[name], err_msg=name)


def test_a_penalty_in_the_loss_is_refused():
    model, x, y = zoo("Linear", "Identity", 8)
    penalty = lambda: sum((p * p).sum() for p in model.parameters())
    with pytest.raises(ValueError, match=r"leave penalties out.*weight_decay"):
        private(model, x, y, lambda z, y: F.cross_entropy(z, y) + penalty())
    with pytest.raises(ValueError, match=r"leave penalties out.*weight_decay"):
        private(model, x, y, lambda z, y: F.cross_entropy(z, y, reduction="none") + penalty())


# ---- bad input ----


class Own(nn.Module):
    """A weight (4, 6, 3) in an operation of the user's own."""

    def __init__(self, function):
        self.weight, self.function = (
            tl.tensor(np.random.default_rng(0).normal(size=(4, 6, 3)), requires_grad=True),
            function,
        )

    def forward(self, x):
        return self.function(x, self.weight)


UNKNOWN = {  # operation: what is done
    "sinh": lambda x, w: x @ np.sinh(w)[1],
    "matmul": lambda x, w: (x[:, None, None] @ w)[:, :, 0].sum(axis=1),  # a stack of matrices
    "linear": lambda x, w: F.linear(x, (w * np.arange(72.0).reshape(4, 6, 3))[0].T),  # a mask
    "getitem": lambda x, w: x @ w[np.array([0, 1, 1]), :, np.arange(3)].T,
    "einsum": lambda x, w: np.einsum("ni,tio->no", x, w),
    "stack": lambda x, w: x @ np.stack([w[0], w[1]]).sum(axis=0),
}


GIVEN = {
    "clip": [
        (0, "must be above 0"),
        (-1.0, "above 0"),
        (math.inf, "above 0"),
        (math.nan, "above 0"),
        ("1", "a number"),
    ],
    "noise": [(-1, "finite number ≥ 0"), (math.inf, "finite"), (math.nan, "finite"), (None, "a number")],
    "lot": [(0, "in the mean"), (9, r"above 0 and at most 8, not 9"), (math.nan, "in the mean"), ([4], "a number")],
    "rng": [(0, "the same noise"), (None, "Generator"), (np.random, "Generator")],
    "model": [(lambda x: x, "a Module"), (nn.ReLU(), "no parameter")],
    "x": [
        (np.ones((7, 6)), "all examples"),
        (3.0, "all examples"),
        (np.ones((0, 6)), "all examples"),
        (data.digits(), r"write private_gradients\(model, \*train"),
    ],
    "loss": [
        (lambda z, y: F.mse_loss(z, z.data + 1, reduction="none"), r"one of shape \(8, 3\); write .reshape"),
        (lambda z, y: 1.0, "loss must give a Tensor"),
        ("cross_entropy", "loss is a function of the outputs and y, such as F.cross_entropy, not 'cross_entropy'"),
        (lambda z, y: tl.tensor(1.0), "by nothing that has a gradient"),
        (lambda z, y: F.cross_entropy(z, y, weight=np.array([1, 2, 5.0])), "neither the sum nor the mean.*reduction="),
        (lambda z, y: ((z[:, None] - z[None]) ** 2).sum(), "neither the sum nor the mean"),
        (lambda z, y: F.cross_entropy(z, y) ** 2, "neither the sum nor the mean"),
        (lambda z, y: F.cross_entropy(z, y) + z.std(), "neither the sum nor the mean"),
        (lambda z, y: F.cross_entropy(z, y, reduction="none") / z.data.std(), "neither the sum nor the mean"),
    ],
}


@pytest.mark.parametrize(("name", "value", "says"), [(k, *case) for k, cases in GIVEN.items() for case in cases])
def test_a_mistake_gets_a_sentence_and_changes_no_gradient(name, value, says):
    model, x, y = zoo("Linear", "Identity", 8)
    given = {"model": model, "x": x, "y": y, "loss": F.cross_entropy, "clip": 1.0, "noise": 1.0, "lot": 8,
             "rng": np.random.default_rng(0), name: value}  # fmt: skip
    with pytest.raises((TypeError, ValueError), match=says):
        private_gradients(given.pop("model"), given.pop("x"), given.pop("y"), **given)
    assert all(p.grad is None for p in model.parameters())


@pytest.mark.parametrize("name", UNKNOWN)
@pytest.mark.parametrize("n", [3, 4, 8])
def test_an_operation_that_isnt_known_is_refused_by_name_and_done_by_the_loop(name, n):
    x, y = np.random.default_rng(0).normal(size=(n, 6)), np.arange(n) % 3
    with pytest.raises(TypeError, match=f"gradient of 'weight' in {name}.*loop=True"):
        private(Own(UNKNOWN[name]), x, y)
    assert_right(Own(UNKNOWN[name]), x, y, loop=True)


class CutOff(nn.Module):
    def __init__(self):
        self.linear = nn.Linear(6, 3)

    def forward(self, x):
        return self.linear(x).detach()


@pytest.mark.parametrize("loop", [False, True])
def test_a_model_that_is_cut_off_from_its_parameters_is_refused(loop):
    with pytest.raises(ValueError, match=r"nothing to differentiate.*\.detach\(\)"):
        private(CutOff(), np.ones((8, 6)), np.arange(8) % 3, loop=loop)


@pytest.mark.parametrize("loop", [False, True])
@pytest.mark.parametrize("size", [1e-30, 1e25])
def test_squares_that_float32_cant_hold(size, loop):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with tl.default_dtype(np.float32):
            tl.manual_seed(0)
            model = nn.Linear(6, 3, bias=False)
        x = np.random.default_rng(0).normal(size=(4, 6))
        loss = lambda z, y: (z * np.arange(1.0, 4) * (1 if size > 1 else 1 / size)).sum() / len(y)
        norms = private(model, (size * x).astype(np.float32), np.arange(4), loss, loop=loop)
        slope = np.sqrt(14) * max(size, 1)
        np.testing.assert_allclose(norms, slope * np.linalg.norm(x, axis=1), rtol=1e-5)


class Text(nn.Module):
    """A transformer that says of each letter which is the next."""

    def __init__(self):
        self.letters, self.out = nn.Embedding(7, 8), nn.Linear(8, 7)
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, 0.0, batch_first=True)

    def forward(self, x):
        return self.out(self.layer(self.letters(x), is_causal=True))


def test_a_language_model_whose_loss_is_a_mean_over_letters():
    tl.manual_seed(0)
    model, rng = Text(), np.random.default_rng(0)
    loss = lambda z, y: F.cross_entropy(z.reshape(-1, 7), y.reshape(-1))
    for n in (4, 5):
        assert_right(model, rng.integers(0, 7, (n, 5)), rng.integers(0, 7, (n, 5)), loss)


@pytest.mark.parametrize("loop", [False, True])
def test_a_gradient_that_isnt_finite_raises_before_any_is_written(loop):
    model, x, y = zoo("Linear", "Identity", 8)
    x[2, 1] = np.inf
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError, match="isn't finite"):
        private(model, x, y, loop=loop)
    assert all(p.grad is None for p in model.parameters())


# ---- ε ----


def by_hand(noise, rate, steps, delta):
    """Rényi's divergence of the sampled Gaussian at whole orders (Mironov et al., arXiv:1908.10530, 2019)."""
    found = math.inf
    for a in range(2, 128):
        terms = [
            math.log(math.comb(a, k)) + k * math.log(rate) + (a - k) * math.log1p(-rate) + k * (k - 1) / (2 * noise**2)
            for k in range(a + 1)
        ]
        rdp = steps * np.logaddexp.reduce(terms) / (a - 1)
        found = min(found, rdp + math.log((a - 1) / a) - (math.log(delta) + math.log(a)) / (a - 1))
    return found


@pytest.mark.parametrize(
    "run", [(0.1, 1.0, 1, 1e-5), (0.05, 0.01, 10, 1e-5), (0.01, 1.0, 1, 1e-5), (1.0, 0.01, 10**6, 1e-5)]
)
def test_epsilon_with_little_noise_or_many_steps_is_below_rényis_and_of_its_size(run):
    noise, rate, steps, delta = run
    bound = by_hand(noise, min(rate, 1 - 1e-12), steps, delta)
    assert 0.15 * bound < epsilon(*run) < 1.001 * bound


def test_epsilon_says_what_cant_be_followed():
    with pytest.raises(ValueError, match="can't follow 1e\\+30 steps with noise 1"):
        epsilon(1.0, 0.01, 10**30, 1e-5)


def test_epsilon_without_noise_and_without_steps():
    assert epsilon(0.0, 0.1, 10, 1e-5) == math.inf
    assert epsilon(1.0, 0.1, 0, 1e-5) == 0 == epsilon(1.0, 0.0, 10, 1e-5) == epsilon(0.0, 0.1, 0, 1e-5)


RUNS = [(1.0, 64 / 1438, 450, 1e-4), (2.0, 0.2, 150, 1e-3), (0.7, 0.01, 100, 1e-5), (4.0, 0.5, 30, 1e-6)]


@pytest.mark.parametrize("run", RUNS)
def test_epsilon_is_below_rényis_and_that_below_the_one_by_hand(run):
    dp_accounting = pytest.importorskip("dp_accounting")
    from dp_accounting import pld, rdp

    noise, rate, steps, delta = run
    step = dp_accounting.PoissonSampledDpEvent(rate, dp_accounting.GaussianDpEvent(noise))
    figures = []
    for accountant in (rdp.RdpAccountant(orders=range(2, 128)), pld.PLDAccountant()):
        accountant.compose(dp_accounting.SelfComposedDpEvent(step, steps))
        figures.append(accountant.get_epsilon(delta))
    ours = epsilon(*run)
    assert by_hand(*run) >= figures[0] * (1 - 1e-9) and figures[0] >= ours
    assert ours == figures[1]


def test_epsilon_of_one_gaussian_is_the_closed_form():
    """δ(ε) = Φ(1/2σ − εσ) − e^ε·Φ(−1/2σ − εσ) (Balle and Wang, arXiv:1805.06530, 2018); k steps are one of σ/√k."""
    pytest.importorskip("dp_accounting")
    phi = lambda t: math.erfc(-t / math.sqrt(2)) / 2
    for noise, steps in ((1.0, 1), (3.0, 4), (5.0, 9)):
        found = epsilon(noise, 1.0, steps, 1e-5)
        s = noise / math.sqrt(steps)
        delta = phi(0.5 / s - found * s) - math.exp(found) * phi(-0.5 / s - found * s)
        assert delta == pytest.approx(1e-5, rel=0.05)


def test_epsilon_of_the_digits_is_what_the_experiment_found():
    pytest.importorskip("dp_accounting")
    assert epsilon(*RUNS[0]) == pytest.approx(5.355, abs=0.005)
    assert by_hand(*RUNS[0]) == pytest.approx(6.210, abs=0.005)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ((-1, 0.1, 10, 1e-5), "noise must be"),
        ((math.nan, 0.1, 10, 1e-5), "noise must be"),
        ((1, 64, 10, 1e-5), r"lot / len\(x\), in 0 … 1, not 64"),
        ((1, -0.1, 10, 1e-5), "rate"),
        ((1, 0.1, 2.5, 1e-5), "steps must be an integer"),
        ((1, 0.1, -1, 1e-5), "steps must be at least 0"),
        ((1, 0.1, 10, 0), "delta must be between"),
        ((1, 0.1, 10, 1), "delta must be between"),
        ((1, "0.1", 10, 1e-5), "rate must be a number"),
    ],
)
def test_epsilon_of_what_cant_be_meant(given, says):
    with pytest.raises((TypeError, ValueError), match=says):
        epsilon(*given)


def test_without_dp_accounting_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "dp_accounting", None)
    with pytest.raises(ImportError, match=r'pip install "\.\[privacy\]"'):
        epsilon(1.0, 0.1, 10, 1e-5)


def test_neither_tinydl_nor_private_gradients_import_it():
    code = "import sys, tinydl as tl; tl.privacy.private_gradients; assert 'dp_accounting' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_thresholds_stand_between_rounding_and_mixing():
    assert 1e-5 < privacy.APART < 1e-2


@pytest.mark.slow
def test_the_benchmark_runs_to_the_end():
    pytest.importorskip("dp_accounting")
    script = Path(__file__).resolve().parent.parent / "benchmarks" / "privacy.py"
    done = subprocess.run([sys.executable, str(script), "--quick"], capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr, done.stdout + done.stderr
    assert done.stdout.count("private x") == 4 and done.stdout.count("ε") == 7 and "control" in done.stdout
