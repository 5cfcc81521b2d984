"""Maps of importance: their formulas, what they promise, their controls, and what they refuse."""

from __future__ import annotations

import itertools
import pickle

import numpy as np
import pytest

import tinydl as tl
from tinydl import data, nn, optim
from tinydl import functional as F
from tinydl.watching import controls
from tinydl.watching.attribution import Attribution, _stretched
from tinydl.watching.controls import OWN, PRODUCT, RANDOM, deletion, rank_correlation, ranks, untrained

RNG = np.random.default_rng(7)


@pytest.fixture(autouse=True)
def fresh():
    tl.manual_seed(0)


class Of(nn.Module):
    """A Module whose forward is a function."""

    def __init__(self, function):
        self.function = function

    def forward(self, x):
        return self.function(x)


class Words(nn.Module):
    """The mean of embeddings, bent, and scores of it."""

    def __init__(self, words=9, width=4, classes=3):
        self.word, self.out = nn.Embedding(words, width), nn.Linear(width, classes)

    def forward(self, x):
        return self.out(np.tanh(self.word(x)).mean(1))


class Reader(nn.Module):
    def __init__(self):
        self.letter, self.gru, self.out = nn.Embedding(9, 4), nn.GRU(4, 5, batch_first=True), nn.Linear(5, 2)

    def forward(self, x):
        return self.out(self.gru(self.letter(x))[0][:, -1])


class Attentive(nn.Module):
    def __init__(self):
        self.letter = nn.Embedding(9, 4)
        self.encoder = nn.TransformerEncoderLayer(4, 2, 6, 0.1, "gelu", batch_first=True)
        self.out = nn.Linear(4, 2)

    def forward(self, x):
        return self.out(self.encoder(self.letter(x)).mean(1))


def mlp(activation=nn.Tanh, inputs=6, classes=4):
    return nn.Sequential(nn.Linear(inputs, 11), activation(), nn.Linear(11, 7), activation(), nn.Linear(7, classes))


def cnn(activation=nn.Tanh, pooling=nn.AvgPool2d, channels=2):
    return nn.Sequential(
        nn.Conv2d(channels, 5, 3, padding=1), nn.BatchNorm2d(5), activation(), pooling(2),
        nn.Conv2d(5, 3, 3, padding=1), activation(), nn.Dropout(0.5), nn.Flatten(), nn.Linear(3 * 3 * 2, 4),
    )  # fmt: skip


def numbers(*shape, dtype=np.float64):
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(dtype)


TEXT = np.random.default_rng(3).integers(0, 9, (5, 6))


# ---- the formulas ----


def test_the_saliency_of_an_affine_map_is_the_size_of_the_row_of_each_rows_class():
    model, x, classes = nn.Linear(6, 4), numbers(5, 6), np.array([3, 0, 1, 1, 2])
    np.testing.assert_allclose(tl.saliency(model, x, classes), np.abs(model.weight.data[classes]), rtol=1e-12)
    np.testing.assert_allclose(tl.saliency(model, x, 2), np.abs(model.weight.data[[2] * 5]), rtol=1e-12)
    own = (x @ model.weight.data.T.astype(float) + model.bias.data).argmax(1)
    assert len(set(own)) > 1
    np.testing.assert_allclose(tl.saliency(model, x), np.abs(model.weight.data[own]), rtol=1e-12)


@pytest.mark.parametrize("of", [mlp, lambda: nn.Sequential(nn.Flatten(), mlp())], ids=["rows", "images"])
def test_saliency_is_the_numerical_slope_of_the_score(of):
    model, x = of(), numbers(3, 6) if of is mlp else numbers(3, 1, 2, 3)
    classes, found = np.array([1, 3, 0]), tl.saliency(model, x, [1, 3, 0])
    assert found.shape == x.shape
    for index in np.ndindex(*x.shape):
        step = np.zeros(x.shape)
        step[index] = 1e-5
        up, down = (model(tl.tensor(x + s)).data[index[0], classes[index[0]]] for s in (step, -step))
        assert found[index] == pytest.approx(abs(up - down) / 2e-5, rel=1e-5, abs=1e-8)


def test_integrated_gradients_of_powers_and_products_are_what_one_gets_on_paper():
    """Of Σ aᵢ xᵢ³ each gets aᵢ(xᵢ³ − bᵢ³); of x₀x₁ from 0 each a half."""
    a, x, b = np.array([1.0, -2.0, 0.5]), numbers(4, 3), numbers(1, 3)
    cubes = Of(lambda t: (t**3 * a).sum(1))
    np.testing.assert_allclose(tl.integrated_gradients(cubes, x, b, nodes=2), a * (x**3 - b**3), rtol=1e-12)
    with pytest.warns(UserWarning, match="nodes=4"):
        assert tl.integrated_gradients(cubes, x, b, nodes=1).completeness > 0.1
    found = tl.integrated_gradients(Of(lambda t: t[:, 0] * t[:, 1]), x)
    half = x[:, 0] * x[:, 1] / 2
    np.testing.assert_allclose(found, np.stack([half, half, 0 * half], 1), rtol=1e-12)


def test_a_baseline_is_broadcast_and_each_row_may_have_its_own():
    model, x, b = mlp(), numbers(5, 6), numbers(5, 6)[::-1]
    both = tl.integrated_gradients(model, x, b)
    one = tl.integrated_gradients(model, x[2:3], b[2])
    np.testing.assert_allclose(both[2], one[0], rtol=1e-9)
    np.testing.assert_allclose(both[2].sum() - one.sum(), 0, atol=1e-12)


@pytest.mark.parametrize(("shape", "size", "window"), [((7,), 3, (3,)), ((2, 5, 4), 2, (2, 2)), ((5, 4), 2, (2, 2)),
                                                       ((3, 7), (4,), (4,)), ((5, 4), (5, 1), (5, 1))])  # fmt: skip
def test_occlusion_is_the_mean_fall_over_all_windows_that_cover_an_input(shape, size, window):
    flat = nn.Sequential(nn.Flatten(), mlp(inputs=int(np.prod(shape))))
    x, classes = numbers(3, *shape), np.array([0, 2, 1])
    found = tl.occlusion(flat, x, size, classes)

    def score(x, row):
        return flat(tl.tensor(x)).data[row, classes[row]]

    before = len(shape) - len(window)
    for row, place in itertools.product(range(3), np.ndindex(*shape)):
        falls = []
        for start in np.ndindex(*(n - w + 1 for n, w in zip(shape[before:], window, strict=True))):
            covered = [s <= p < s + w for s, p, w in zip(start, place[before:], window, strict=True)]
            if all(covered):
                hidden = x.copy()
                hidden[
                    (
                        slice(None),
                        *[slice(None)] * before,
                        *(slice(s, s + w) for s, w in zip(start, window, strict=True)),
                    )
                ] = 0
                falls.append(score(x, row) - score(hidden, row))
        assert found[(row, *place)] == pytest.approx(np.mean(falls), abs=1e-10)


def test_grad_cam_after_a_mean_over_places_is_the_class_activation_map():
    """Of Σₖ vₖ · mean(Aₖ) the mean slope is vₖ over the number of places: relu(Σₖ vₖ Aₖ)/places (Zhou et al. 2016)."""
    model = nn.Sequential(nn.Conv2d(2, 5, 3), nn.Tanh(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 3))
    x, classes = numbers(4, 2, 6, 5), np.array([2, 0, 1, 2])
    maps = model[1](model[0](tl.tensor(x))).data
    expected = np.maximum(np.einsum("nk,nkhw->nhw", model[4].weight.data[classes], maps), 0) / 12
    for layer in ("1", model[1]):
        found = tl.grad_cam(model, layer, x, classes)
        assert found.shape == (4, 4, 3)
        np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert np.any(expected == 0) and np.any(expected > 0)


def test_grad_cam_of_sequences_has_one_number_for_each_place():
    model = nn.Sequential(nn.Conv1d(2, 5, 3), nn.Tanh(), nn.Flatten(), nn.Linear(20, 3))
    found = tl.grad_cam(model, "0", numbers(4, 2, 6))
    assert found.shape == (4, 4)
    print(found.controls())


@pytest.mark.parametrize(
    "method", [tl.saliency, tl.integrated_gradients, lambda *a, **o: tl.occlusion(a[0], a[1], 1, **o)]
)
def test_from_an_embedding_on_it_is_the_same_as_of_what_follows_it(method):
    model = Words()
    vectors = model.word(TEXT).data.astype(float)
    rest = Of(lambda e: model.out(np.tanh(e).mean(1)))
    if method in (tl.saliency, tl.integrated_gradients):
        expected = method(rest, vectors)
    else:
        expected = tl.occlusion(rest, vectors, (1, 4))
    for layer in ("word", model.word):
        found = method(model, TEXT, layer=layer)
        assert found.shape == (5, 6, 4)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-8)
    assert "forward" not in vars(model.word)


def test_with_a_layer_the_baseline_is_an_input_of_the_model():
    model = Words()
    found = tl.integrated_gradients(model, TEXT, 3, layer="word")
    vectors, other = (model.word(t).data.astype(float) for t in (TEXT, np.full_like(TEXT, 3)))
    rest = Of(lambda e: model.out(np.tanh(e).mean(1)))
    np.testing.assert_allclose(found, tl.integrated_gradients(rest, vectors, other), rtol=1e-5, atol=1e-8)
    assert np.all(found[TEXT == 3] == 0)


# ---- completeness ----

SMOOTH = {
    "rows": (mlp, lambda: numbers(9, 6), {}),
    "float32": (mlp, lambda: numbers(9, 6, dtype=np.float32), {}),
    "images": (cnn, lambda: numbers(3, 2, 6, 4), {}),
    "recurrent": (Reader, lambda: TEXT, {"layer": "letter"}),
    "attention": (Attentive, lambda: TEXT, {"layer": "letter", "nodes": 640, "baseline": TEXT[::-1]}),
    "words": (Words, lambda: TEXT, {"layer": "word"}),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_a_smooth_networks_map_is_complete_to_1e_12_with_20_nodes(name):
    make, x, options = SMOOTH[name]
    model = make()
    found = tl.integrated_gradients(model, x(), **options)
    assert found.completeness <= 1e-12
    if not options:
        model.eval()
        out, zero = (model(tl.tensor(a.astype(float))).data for a in (x(), 0 * x()))
        own = np.arange(len(out)), out.argmax(1)
        np.testing.assert_allclose(found.reshape(len(out), -1).sum(1), (out - zero)[own], atol=1e-11)


def test_a_way_that_is_too_steep_for_its_nodes_is_said():
    """Where tokens' vectors are nearly 0 a LayerNorm divides by nearly nothing."""
    with pytest.warns(
        UserWarning, match=r"misses f\(x\) − f\(x₀\), .* by up to 0\.\d+\. .*nodes=80, or another baseline"
    ):
        found = tl.integrated_gradients(Attentive(), TEXT, layer="letter")
    assert found.completeness > 0.1


@pytest.mark.filterwarnings("ignore:integrated_gradients misses")
@pytest.mark.parametrize("make", [lambda: mlp(nn.ReLU), lambda: nn.Sequential(nn.Flatten(), mlp(nn.ReLU))])
def test_relus_on_the_way_leave_a_part_that_more_nodes_make_smaller(make):
    model, x = make(), numbers(40, 6)
    few, many = (tl.integrated_gradients(model, x, nodes=n).completeness for n in (20, 320))
    assert 1e-8 < many < few / 4
    assert few < 0.05


# ---- it disturbs nothing ----


def test_model_gradients_modes_random_numbers_and_inputs_are_left_as_they_were():
    model, x = cnn(), numbers(4, 2, 6, 4, dtype=np.float32)
    model[0].eval()
    state, modes, given = model.state_dict(), [m.training for m in model.modules()], x.copy()
    other, dice = cnn(), tl.engine.random.generator().bit_generator.state
    model[0].weight.grad = tl.tensor(np.ones((5, 2, 3, 3), np.float32))
    for maps in (
        tl.saliency(model, x), tl.integrated_gradients(model, x, nodes=2), tl.occlusion(model, x, 2),
        tl.grad_cam(model, model[4], x), tl.saliency(model, x, layer="2"),
    ):  # fmt: skip
        maps.controls(other)
        assert maps.dtype == np.float64
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, state[name])
    assert modes == [m.training for m in model.modules()] and not any("forward" in vars(m) for m in model.modules())
    assert tl.engine.random.generator().bit_generator.state == dice
    np.testing.assert_array_equal(x, given)
    assert (model[0].weight.grad.data == 1).all() and model[0].bias.grad is None


def test_it_works_inside_no_grad_strict_and_anomaly_mode_and_of_tensors_and_lists():
    model, x = mlp(), numbers(5, 6)
    expected = tl.integrated_gradients(model, x)
    for around in (tl.no_grad, tl.strict, tl.detect_anomaly):
        with around():
            np.testing.assert_array_equal(tl.integrated_gradients(model, x), expected)
            tl.saliency(model, x).controls()
    needed = tl.tensor(x, requires_grad=True)
    np.testing.assert_array_equal(tl.integrated_gradients(model, needed), expected)
    np.testing.assert_array_equal(tl.integrated_gradients(model, x.tolist()), expected)
    assert needed.grad is None and isinstance(expected, np.ndarray)


def test_more_rows_than_are_computed_at_a_time_are_what_they_are_alone():
    model, x = mlp(), numbers(600, 6)
    whole = tl.integrated_gradients(model, x)
    for i in (0, 255, 256, 599):
        np.testing.assert_allclose(whole[i], tl.integrated_gradients(model, x[i : i + 1])[0], rtol=1e-9, atol=1e-14)


def test_what_is_made_of_a_map_is_a_plain_array_and_only_the_map_has_controls():
    maps = tl.integrated_gradients(mlp(), numbers(5, 6))
    assert isinstance(maps, Attribution)
    for made in (maps[1:], maps[0], np.abs(maps), maps + maps, np.add(maps, 1, out=np.zeros((5, 6)))):
        assert type(made) is np.ndarray
    assert isinstance(maps.sum(), float) and np.array_equal(pickle.loads(pickle.dumps(maps)), maps)
    for made in (maps.copy(), maps.reshape(-1), pickle.loads(pickle.dumps(maps))):
        with pytest.raises(TypeError, match="a copy, a part"):
            made.controls()
        assert not hasattr(made, "completeness")
    with pytest.raises(AttributeError, match="saliency promises no sum"):
        tl.saliency(mlp(), numbers(5, 6)).completeness  # noqa: B018


# ---- the controls ----


def test_ranks_share_the_mean_where_numbers_are_equal():
    np.testing.assert_array_equal(
        ranks(np.array([[3.0, 1, 3, 3, 7], [5, 4, 3, 2, 1]])), [[2, 0, 2, 2, 4], [4, 3, 2, 1, 0]]
    )


def test_the_rank_correlation_is_spearmans():
    a, b = numbers(5, 9), numbers(6, 9)[:5]
    d = ranks(a) - ranks(b)
    assert rank_correlation(a, b) == pytest.approx(np.mean(1 - 6 * (d * d).sum(1) / (9 * 80)))
    assert rank_correlation(a, np.exp(a)) == pytest.approx(1) and rank_correlation(a, -a) == pytest.approx(-1)
    tied, other = np.array([[1.0, 1, 2, 5], [1, 1, 1, 1]]), np.array([[1.0, 2, 3, 0], [1, 2, 3, 4]])
    assert rank_correlation(tied, other) == pytest.approx(np.corrcoef([0.5, 0.5, 2, 3], [1, 2, 3, 0])[0, 1])
    assert np.isnan(rank_correlation(tied[1:], other[1:]))
    where = np.arange(9) % 3 > np.arange(5)[:, None] % 2
    of_each = [rank_correlation(a[i : i + 1, where[i]], b[i : i + 1, where[i]]) for i in range(5)]
    assert rank_correlation(a, b, where) == pytest.approx(np.mean(of_each))
    assert np.isnan(rank_correlation(a, b, np.arange(9) < np.zeros((5, 1))))


def test_deletion_of_a_sum_is_what_was_taken_away_so_far():
    w, x, b = numbers(1, 32)[0], numbers(3, 32), numbers(1, 32)
    order = numbers(3, 32) + 1
    falls = deletion(lambda a: a @ w, x, np.broadcast_to(b, x.shape), order, np.random.default_rng(0))
    for row in range(3):
        worth = (w * (x[row] - b[0]))[np.argsort(-order[row])]
        np.testing.assert_allclose(falls[row], [worth[: 2 * k].sum() for k in range(17)], atol=1e-12)


def test_the_controls_of_an_affine_map_are_those_on_paper():
    """f = w·x: the map is w(x − b), as is gradient × input, so that it can't be better; saliency is |w|."""
    model, x, b = nn.Linear(32, 1), numbers(50, 32), numbers(1, 32)
    found = tl.integrated_gradients(model, x, b).controls()
    worth = model.weight.data.astype(float) * (x - b)
    expected = np.sort(worth, 1)[:, ::-1].cumsum(1)[:, 1:-1:2].mean()
    assert found.fall() == found.fall(PRODUCT) == pytest.approx(expected)
    assert found.inputs == pytest.approx(rank_correlation(np.abs(worth), np.abs(x - b)))
    assert not found.better_than(PRODUCT) and found.better_than(RANDOM)
    assert "It is no better than gradient × input here (+0 ± 0)." in str(found)
    assert "no better than random" not in str(found)
    # in random order as much is gone as there are inputs gone
    np.testing.assert_allclose(found.falls[RANDOM].mean(0), worth.sum(1).mean() * np.arange(17) / 16, atol=0.4)
    assert tl.saliency(model, x).controls().inputs == pytest.approx(
        rank_correlation(np.abs(worth * 0 + model.weight.data), np.abs(x))
    )


def test_signed_correlations_leave_out_inputs_that_are_what_takes_their_place():
    """With an affine map of one output the maps are those on paper; blank inputs are put where both maps are alike."""
    model, x = nn.Linear(12, 1), numbers(20, 12)
    x[:, ::2] *= np.random.default_rng(0).random((20, 6)) < 0.5
    other, blank = nn.Linear(12, 1), x == 0
    found = tl.integrated_gradients(model, x).controls(other)
    own, *others = (m.weight.data.astype(float) * x for m in (model, untrained(model, 0), other))
    for correlation, map_ in zip((found.untrained_signed, found.shuffled_signed), others, strict=True):
        rows = [rank_correlation(own[i : i + 1, ~blank[i]], map_[i : i + 1, ~blank[i]]) for i in range(20)]
        assert correlation == pytest.approx(np.mean(rows))
    numbers_said = f"{found.untrained_signed:.2f} with the untrained copy, {found.shuffled_signed:.2f} with the network"
    assert f"blank: {numbers_said}" in str(found)
    found = tl.saliency(model, x).controls(other)
    assert found.untrained_signed is found.shuffled_signed is None and "signs" not in str(found)


def test_a_map_that_is_the_same_everywhere_has_no_order():
    """Of equal numbers those of the lower index would go first, which here are those that matter."""
    model, x = nn.Linear(6, 1), np.abs(numbers(60, 6)) + 0.5
    model.weight.data = np.array([[5, 4, 3, 0, 0, 0]], np.float32)
    for weights in (model.weight.data, model.weight.data[:, ::-1].copy()):
        model.weight.data = weights
        found = tl.occlusion(model, x, 6).controls()
        assert not found.better_than(RANDOM) and abs(found.lead(RANDOM)[0]) < 1


def test_a_lead_that_is_certain_and_small_is_said_to_be_small():
    base = np.ones((90, 17)) + numbers(90, 17) * 1e-3
    found = controls.Controls(
        "m", 90, 0.1, None, 0.1, {OWN: base + 0.01 + numbers(90, 1) / 1e3, PRODUCT: base, RANDOM: base - 1}
    )
    assert "no better than gradient × input here (+0.01 ± 0.0002, less than a twentieth)." in str(found)


def test_an_order_that_knows_nothing_is_said_to_be_no_better_than_random(monkeypatch):
    maps = tl.saliency(nn.Linear(32, 1), numbers(50, 32))
    np.asarray(maps)[...] = numbers(49, 32)[:1].repeat(50, 0)
    assert "It is no better than random order here" in str(maps.controls())


def test_maps_that_are_0_everywhere_are_counted_and_what_is_worse_is_said():
    model = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False), nn.Flatten(), nn.Linear(16, 1, bias=False))
    for p in model.parameters():
        p.data = np.ones_like(p.data)
    x = np.abs(numbers(10, 1, 4, 4))
    x[:3] *= -1  # relu leaves nothing of them
    maps = tl.grad_cam(model, "0", x)
    assert "3 of 10 maps are 0 everywhere, and say nothing." in str(maps.controls())
    own, other = numbers(9, 17), numbers(9, 17) + 2
    found = controls.Controls("m", 9, 0.1, None, 0.1, {OWN: own, RANDOM: other, PRODUCT: own - 2})
    assert "It is worse than random order here (-2 ± " in str(found) and "0 everywhere" not in str(found)
    assert "It is better than gradient × input here (+2 ± " in str(found)


def test_one_row_can_tell_of_no_order():
    assert "It is no better than random order here (one row can't tell)." in str(
        tl.saliency(mlp(), numbers(1, 6)).controls()
    )


def test_a_lead_is_the_mean_difference_of_the_rows_with_its_standard_error():
    own, other = numbers(7, 17), numbers(8, 17)[:7]
    leads = (own - other)[:, 1:16].mean(1)
    found = controls.Controls("m", 7, 0.1, None, 0.1, {OWN: own, RANDOM: other}).lead(RANDOM)
    assert found == pytest.approx((leads.mean(), np.sqrt(((leads - leads.mean()) ** 2).sum() / 6 / 7)))


def test_a_lead_that_is_certain_but_tiny_is_none():
    small, large = np.tile(np.linspace(0, 1.02, 17), (90, 1)), np.tile(np.linspace(0, 1.5, 17), (90, 1))
    base = np.tile(np.linspace(0, 1, 17), (90, 1)) + numbers(90, 17) * 1e-3
    assert not controls.Controls("m", 90, 0.1, None, 0.1, {OWN: small, PRODUCT: base}).better_than(PRODUCT)
    assert controls.Controls("m", 90, 0.1, None, 0.1, {OWN: large, PRODUCT: base}).better_than(PRODUCT)
    with pytest.raises(ValueError, match="there is no order 'other'; there are 'its order'"):
        controls.Controls("m", 90, 0.1, None, 0.1, {OWN: small}).fall("other")


def test_a_map_of_tokens_is_controlled_by_whole_tokens():
    maps = tl.integrated_gradients(model := Words(), TEXT, layer="word")
    found = maps.controls()
    vectors, own = model.word(TEXT).data.astype(float), model(TEXT).data.argmax(1)
    order = np.argsort(-np.asarray(maps).sum(-1), axis=1, kind="stable")
    for row, k in itertools.product(range(5), range(17)):
        gone = vectors[row].copy()
        gone[order[row, : round(6 * k / 16)]] = 0
        fall = [(np.tanh(v).mean(0) @ model.out.weight.data[own[row]].astype(float)) for v in (vectors[row], gone)]
        assert found.falls[OWN][row, k] == pytest.approx(fall[0] - fall[1], abs=1e-8)


def test_grad_cam_takes_away_the_pixels_below_a_place_in_all_channels():
    model, x = cnn(), numbers(3, 2, 6, 4)
    maps = tl.grad_cam(model, "4", x, 1)  # (3, 3, 2) of images of 6 × 4
    assert maps.shape == (3, 3, 2)
    gone = x.copy()
    for row in range(3):
        first = np.sort(np.asarray(maps)[row].ravel())[-3]  # of six places three, which are 12 of 24 pixels
        assert np.sum(maps[row] >= first) == 3
        gone[row][:, (maps[row] >= first).repeat(2, 0).repeat(2, 1)] = 0
    model.eval()
    expected = (model(tl.tensor(x)).data - model(tl.tensor(gone)).data)[:, 1]
    np.testing.assert_allclose(maps.controls().falls[OWN][:, 8], expected, atol=1e-10)


@pytest.mark.parametrize("length", [12, 3])
def test_grad_cam_of_a_model_that_turns_its_axes_takes_away_places_of_its_maps(length):
    """Given (N, T, F), of which forward makes (N, F, T), also where both are as long."""
    convolution, x = nn.Conv1d(3, 2, 1), numbers(8, length, 3)
    model = nn.Sequential(Of(lambda x: np.swapaxes(x, 1, 2)), convolution, Of(lambda a: np.tanh(a).mean(2)))
    turned = nn.Sequential(Of(lambda x: x), convolution, Of(lambda a: np.tanh(a).mean(2)))
    maps, same = tl.grad_cam(model, "1", x, 0), tl.grad_cam(turned, "1", np.swapaxes(x, 1, 2), 0)
    np.testing.assert_allclose(maps, same)
    place = np.argmax(maps[0])
    found = maps.controls().falls[OWN][0]
    a = convolution(tl.tensor(np.swapaxes(x, 1, 2))).data[0]
    gone = a.copy()
    gone[:, place] = 0
    step = next(k for k in range(17) if round(length * k / 16) == 1)
    assert found[step] == pytest.approx(np.tanh(a).mean(1)[0] - np.tanh(gone).mean(1)[0])


def test_a_map_is_stretched_by_the_place_in_which_the_middle_of_each_pixel_lies():
    found = _stretched(np.array([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]), (5, 4))
    np.testing.assert_array_equal(found[0], np.array([[1, 2, 2, 3]] * 2 + [[4, 5, 5, 6]] * 3))


def test_an_untrained_copy_isnt_the_model_as_it_began():
    """Which manual_seed(0) draws here: of a network that has hardly moved it would be no control."""
    tl.manual_seed(0)
    model = mlp()
    assert np.abs(untrained(model, 0)[0].weight.data - model[0].weight.data).mean() > 0.1


ONE_OF_EACH = {
    "linear": lambda: nn.Linear(6, 4),
    "no bias": lambda: nn.Linear(6, 4, bias=False),
    "embedding": lambda: nn.Embedding(5, 3, 2),
    "conv": lambda: nn.Conv2d(2, 4, (3, 1), stride=2, padding=1, groups=2),
    "transposed": lambda: nn.ConvTranspose2d(4, 2, 3),
    "batchnorm": lambda: nn.BatchNorm2d(4),
    "layernorm": lambda: nn.LayerNorm((3, 2)),
    "group": lambda: nn.GroupNorm(2, 4),
    "rms": lambda: nn.RMSNorm(4),
    "gru": lambda: nn.GRU(3, 4, 2, bidirectional=True),
    "lstm": lambda: nn.LSTM(3, 4, bias=False),
    "cell": lambda: nn.LSTMCell(3, 4),
    "attention": lambda: nn.MultiheadAttention(6, 2),
    "encoder": lambda: nn.TransformerEncoderLayer(6, 2, 8),
    "prelu": lambda: nn.PReLU(3),
}


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_an_untrained_copy_has_each_of_our_layers_as_it_is_when_it_is_made(name):
    """Trained away to 100 and more, a copy is within the range of new ones, and drawn anew rather than copied."""
    model = nn.Sequential(ONE_OF_EACH[name]())
    fresh = model.state_dict()
    for p in model.parameters():
        p.data = p.data + 100
    for _, buffer in model.named_buffers():
        buffer[...] = 7
    made, again = untrained(model, 1).state_dict(), untrained(model, 1).state_dict()
    for key, array in fresh.items():
        assert made[key].shape == array.shape and made[key].dtype == array.dtype
        assert np.abs(made[key]).max() <= max(3 * np.abs(array).max(), 1e-6)
        np.testing.assert_array_equal(made[key], again[key])
        if np.ptp(array) > 0:
            assert not np.array_equal(made[key], array)
        else:
            np.testing.assert_array_equal(made[key], array)
    assert all((p.data > 90).any() for p in model.parameters())


def test_a_parameter_of_ones_own_keeps_its_numbers_in_another_order_and_a_constant_stays():
    class Own(nn.Module):
        def __init__(self):
            self.w = tl.tensor(np.arange(12.0).reshape(3, 4), requires_grad=True)
            self.places = np.arange(5.0)

    made = untrained(Own(), 0)
    assert not np.array_equal(made.w.data, Own().w.data)
    np.testing.assert_array_equal(np.sort(made.w.data.ravel()), np.arange(12))
    np.testing.assert_array_equal(made.places, np.arange(5))


class Statistics(nn.BatchNorm1d):
    """A layer of one's own, made of one of ours, with another parameter."""

    def __init__(self, n):
        super().__init__(n)
        self.shift = tl.tensor(np.arange(6.0), requires_grad=True)


def test_an_untrained_copy_forgets_statistics_of_layers_made_of_ours_and_masks_of_pruned_ones():
    model = nn.Sequential(nn.Linear(6, 40), Statistics(40))
    model(tl.tensor(100 + 50 * numbers(30, 6, dtype=np.float32)))
    tl.compress.prune(model, 0.9)
    made = untrained(model, 0)
    np.testing.assert_array_equal(made[1].running_mean, np.zeros(40))
    assert not np.array_equal(made[1].shift.data, np.arange(6)) and set(made[1].shift.data) == set(range(6))
    masks = [m[0].weight_mask for m in (made, model)]
    assert masks[0].sum() == masks[1].sum() and not np.array_equal(*masks)
    assert np.abs(model[1].running_mean).max() > 1


def test_what_is_never_trained_stays_in_an_untrained_copy():
    class Masked(nn.Module):
        def __init__(self):
            self.mask, self.out = tl.tensor(np.triu(np.full((5, 5), -np.inf), 1)), nn.Linear(5, 2)

    np.testing.assert_array_equal(untrained(Masked(), 0).mask.data, Masked().mask.data)


def test_a_baseline_that_is_changed_later_is_the_one_that_it_was():
    baseline = np.zeros(6)
    maps = tl.integrated_gradients(mlp(), numbers(5, 6), baseline)
    before = maps.controls().untrained
    baseline += 50
    assert maps.controls().untrained == before


def test_a_network_that_isnt_of_the_same_layers_is_said_to_be_the_shuffled_one():
    maps = tl.saliency(cnn(), x := numbers(3, 2, 6, 4), layer="0")
    for other, kind in ((nn.Sequential(nn.Conv2d(2, 4, 3)), ValueError), (mlp(), ValueError), (x, TypeError)):
        with pytest.raises(kind, match=r"^`shuffled` must be a network of the same layers: "):
            maps.controls(other)
    maps = tl.saliency(cnn(), x)
    fewer = nn.Sequential(nn.Flatten(), nn.Linear(48, 1))
    with pytest.raises(ValueError, match="`shuffled` must be"):
        tl.saliency(cnn(), x, 3).controls(fewer)
    narrow = cnn()
    narrow[0], narrow[1], narrow[4] = nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Conv2d(4, 3, 3, padding=1)
    with pytest.raises(ValueError, match=r"its map has the shape \(3, 4, 6, 4\), where this one has \(3, 5, 6, 4\)"):
        tl.saliency(cnn(), x, layer="0").controls(narrow)
    assert maps.controls(cnn()).shuffled is not None


@pytest.mark.parametrize("size", [1, 1e-12])
def test_a_changed_model_has_no_controls(size):
    model = mlp()
    model[-1].weight.data, model[-1].bias.data = size * model[-1].weight.data, size * model[-1].bias.data
    maps = tl.saliency(model, numbers(5, 6))
    model[0].weight.data *= 2
    with pytest.raises(ValueError, match="the model has changed since this map was made"):
        maps.controls()


def test_trained_on_shuffled_labels_a_network_of_digits_has_nearly_the_same_map():
    """Pictures mostly show the input, and of one hidden layer the way adds nothing to gradient × input."""
    train, test = data.split(data.digits(), 0.8, seed=0, stratify=True)
    networks = []
    for labels in (train.y, np.random.default_rng(0).permutation(train.y)):
        networks.append(nn.Sequential(nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 10)))
        optimizer = optim.Adam(networks[-1].parameters(), lr=3e-3)
        tl.fit(networks[-1], (train.x, labels), loss=F.cross_entropy, optimizer=optimizer, epochs=5, progress=False)
    maps = tl.integrated_gradients(networks[0], test.x[:60], train.x.mean(0))
    assert maps.completeness <= 1e-12
    found = maps.controls(networks[1])
    assert 0.6 < found.untrained < 0.99 and found.shuffled > 0.6 and found.inputs > 0.7
    assert abs(found.untrained_signed) < 0.15 and abs(found.shuffled_signed) < 0.3  # for or against is what is learned
    assert found.fall() > 1.5 * found.fall(RANDOM) and not found.better_than(PRODUCT)
    for sentence in ("without any learning", "where nothing can be learned", "is the input", "no better than gradient"):
        assert sentence in str(found)
    assert maps.controls().shuffled is None and "shuffled" not in str(maps.controls())


# ---- what it refuses ----


class Twice(nn.Module):
    def __init__(self):
        self.linear, self.unused, self.gru = nn.Linear(6, 6), nn.Linear(6, 6), nn.GRU(6, 6, batch_first=True)

    def forward(self, x):
        return self.linear(np.tanh(self.linear(x))) + self.gru(x[:, None])[0][:, 0]


class Mixing(nn.Module):
    def __init__(self):
        self.linear = nn.Linear(6, 3)

    def forward(self, x):
        return self.linear(x - x.mean(0))


class Chance(nn.Module):
    def __init__(self):
        self.linear = nn.Linear(6, 3)

    def forward(self, x):
        return self.linear(x) * tl.engine.random.generator().normal(size=(x.shape[0], 1))


X6 = numbers(5, 6)
REFUSED = {
    "a function for a Module": (
        lambda: tl.saliency(np.tanh, X6),
        TypeError,
        "saliency takes a Module, not an? ufunc; put",
    ),
    "a Dataset": (
        lambda: tl.saliency(mlp(), data.digits()[:3]),
        TypeError,
        r"not a Dataset; of a Dataset give test\.x",
    ),
    "a pair": (lambda: tl.occlusion(mlp(), (X6, [1] * 5), 1), TypeError, r"not a tuple; of a Dataset give test\.x"),
    "text": (lambda: tl.saliency(mlp(), "text"), TypeError, "an array of real numbers .N, …., not a str"),
    "nothing": (lambda: tl.saliency(mlp(), None), TypeError, "not a NoneType"),
    "ragged rows": (lambda: tl.saliency(mlp(), [[1.0], [1.0, 2.0]]), TypeError, "an array of real numbers"),
    "no rows": (lambda: tl.saliency(mlp(), X6[:0]), ValueError, r"one row per example, .*\(0, 6\)"),
    "a number": (lambda: tl.saliency(mlp(), 1.0), ValueError, "one row per example"),
    "one example": (
        lambda: tl.saliency(mlp(), X6[0]),
        ValueError,
        r"each of 6 rows .* not a Tensor of shape \(4,\)\. If .*x\[None\]",
    ),
    "wrong width": (lambda: tl.saliency(mlp(), X6[:, :4]), ValueError, r"6"),
    "integers": (
        lambda: tl.integrated_gradients(mlp(), np.ones((5, 6), int)),
        TypeError,
        r"int64; write x\.astype\(np\.float32\)",
    ),
    "truth values": (lambda: tl.saliency(mlp(), X6 > 0), TypeError, r"floats, not of bool; write x\.astype"),
    "words": (
        lambda: tl.integrated_gradients(Words(), TEXT),
        TypeError,
        "what the embedding makes of them: layer='word'",
    ),
    "hidden words": (lambda: tl.occlusion(Reader(), TEXT, 1), TypeError, "layer='letter'"),
    "complex numbers": (lambda: tl.saliency(mlp(), X6 + 1j), TypeError, "not one of complex128"),
    "objects": (lambda: tl.saliency(mlp(), X6.astype(object)), TypeError, "not one of object"),
    "no classes": (lambda: tl.saliency(Of(lambda x: x[:, :0]), X6), ValueError, r"not a Tensor of shape \(5, 0\)"),
    "a class": (lambda: tl.saliency(nn.Linear, X6), TypeError, "takes a Module, not a type"),
    "no layers": (lambda: tl.saliency(nn.Linear(6, 4), X6, layer="0"), ValueError, "of which there are none; not '0'"),
    "a detached input": (lambda: tl.saliency(Of(lambda x: mlp()(x.detach())), X6), ValueError, "from x by recorded"),
    "a constant": (
        lambda: tl.integrated_gradients(Of(lambda x: tl.tensor(np.repeat(X6[:1], len(x), 0))), X6),
        ValueError,
        "leave out .detach",
    ),
    "a compiled model": (
        lambda: tl.saliency(tl.compile(mlp()), X6),
        TypeError,
        "of what tl.compile gave take the model",
    ),
    "no slope": (lambda: tl.saliency(Of(lambda x: (x * 0) ** 0.5), X6), FloatingPointError, r"nan|inf.*at \[0, 0\]"),
    "nan": (
        lambda: tl.saliency(mlp(), np.where(X6[2, 3] == X6, np.nan, X6)),
        FloatingPointError,
        "score of row 2 is nan",
    ),
    "a sequence of answers": (
        lambda: tl.saliency(nn.Linear(4, 3), numbers(2, 5, 4)),
        ValueError,
        r"\(2, 5, 3\).*picks one",
    ),
    "two answers": (lambda: tl.saliency(nn.GRU(4, 3), numbers(2, 5, 4)), ValueError, "not a tuple.*picks one"),
    "target of floats": (lambda: tl.saliency(mlp(), X6, [0.0] * 5), TypeError, "integers, not float64"),
    "too few targets": (
        lambda: tl.saliency(mlp(), X6, [0, 1]),
        ValueError,
        r"one for each of 5 rows, \(5,\), not of shape \(2,\)",
    ),
    "target beyond": (lambda: tl.saliency(mlp(), X6, 4), ValueError, r"within 0 … 3, the model's classes, not 4 … 4"),
    "target -1": (lambda: tl.saliency(mlp(), X6, -1), ValueError, "within 0 … 3"),
    "layer that isn't": (lambda: tl.saliency(mlp(), X6, layer="9"), ValueError, r"'0', '1', '2', '3' and '4'; not '9'"),
    "layer by number": (lambda: tl.grad_cam(mlp(), 0, X6), ValueError, r"'0', '1', '2', '3' and '4'; not 0"),
    "another's layer": (
        lambda: tl.saliency(mlp(), X6, layer=nn.Linear(6, 4)),
        ValueError,
        "a Linear that isn't part of it",
    ),
    "no layer": (lambda: tl.grad_cam(cnn(), None, X6), ValueError, r'grad_cam\(model, "2", x\)'),
    "a layer that runs twice": (
        lambda: tl.saliency(Twice(), X6, layer="linear"),
        ValueError,
        "runs 2 times in a forward",
    ),
    "a layer that never runs": (
        lambda: tl.saliency(Twice(), X6, layer="unused"),
        ValueError,
        "runs never in a forward",
    ),
    "a layer of two": (lambda: tl.saliency(Twice(), X6, layer="gru"), ValueError, "a Tensor with 5 rows, not a tuple"),
    "no maps": (lambda: tl.grad_cam(mlp(), "0", X6), ValueError, r"gives \(5, 11\), no maps"),
    "baseline of another shape": (
        lambda: tl.integrated_gradients(mlp(), X6, X6[:2]),
        ValueError,
        r"x's shape \(5, 6\).*\(2, 6\)",
    ),
    "a baseline with NaN": (
        lambda: tl.integrated_gradients(mlp(), X6, np.nan),
        ValueError,
        "the baseline has nan in it",
    ),
    "a baseline of text": (
        lambda: tl.integrated_gradients(mlp(), X6, "zero"),
        TypeError,
        "the baseline is an input as x is, of float64, not a str",
    ),
    "a baseline of vectors": (
        lambda: tl.integrated_gradients(Words(), TEXT, 0.5, layer="word"),
        TypeError,
        "as x is, of int64, not a float",
    ),
    "no nodes": (lambda: tl.integrated_gradients(mlp(), X6, nodes=0), ValueError, "nodes must be at least 1"),
    "half a node": (lambda: tl.integrated_gradients(mlp(), X6, nodes=2.5), TypeError, "nodes must be an integer"),
    "a window of nothing": (lambda: tl.occlusion(mlp(), X6, 0), ValueError, "size must be at least 1"),
    "too large a window": (
        lambda: tl.occlusion(mlp(), X6, 7),
        ValueError,
        r"\(7,\) doesn't fit on the last axes of \(5, 6\)",
    ),
    "a window over rows": (lambda: tl.occlusion(mlp(), X6, (1, 1)), ValueError, "the first is that of rows"),
    "an empty window": (lambda: tl.occlusion(mlp(), X6, ()), ValueError, "doesn't fit"),
    "rows that are all": (
        lambda: tl.occlusion(Of(lambda x: x), numbers(4), 1),
        ValueError,
        r"x \(N, …\), not of shape \(4,\)",
    ),
    "rows that hang together": (
        lambda: tl.saliency(Mixing(), X6),
        ValueError,
        r"hangs on the other rows, or on chance.*x\[i : i \+ 1\]",
    ),
    "chance": (lambda: tl.saliency(Chance(), X6), ValueError, "or on chance"),
    "shuffled that is no Module": (lambda: tl.saliency(mlp(), X6).controls("net"), TypeError, "a Module, not a str"),
    "shuffled of other classes": (
        lambda: tl.saliency(mlp(), X6, 3).controls(mlp(classes=2)),
        ValueError,
        "within 0 … 1",
    ),
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", REFUSED)
def test_a_mistake_gets_a_sentence(name):
    call, kind, sentence = REFUSED[name]
    with pytest.raises(kind, match=sentence):
        call()


@pytest.mark.parametrize("n", [2, 3, 255, 256, 257, 512, 513])
@pytest.mark.parametrize("forward", [
    lambda x: mlp_once(x - x.mean(0)),
    lambda x: mlp_once(x) + mlp_once(x)[np.minimum(np.arange(len(x)) + 1, len(x) - 1)],  # the last is apart
    lambda x: mlp_once(x) + mlp_once(x)[np.maximum(np.arange(len(x)) - 1, 0)],  # the first is
], ids=["mean", "next", "before"])  # fmt: skip
def test_rows_that_hang_together_are_noticed_however_many_there_are(forward, n):
    with pytest.raises(ValueError, match="hangs on the other rows, or on chance"):
        tl.saliency(Of(forward), numbers(n, 6))


def mlp_once(x):
    return x @ numbers(6, 4)


def test_a_score_that_is_0_to_rounding_is_no_sign_of_rows_that_hang_together():
    for seed in range(60):
        tl.manual_seed(seed)
        model, x = nn.Linear(64, 1, bias=False), numbers(30, 64)
        w = model.weight.data[0].astype(float)
        x[-1] -= w * (x[-1] @ w) / (w @ w)
        assert tl.saliency(model, x).shape == (30, 64)


def test_a_model_whose_rows_hang_together_or_that_draws_can_be_asked_row_by_row():
    assert tl.saliency(Mixing(), X6[:1]).shape == (1, 6)
    model, dice = Chance(), tl.engine.random.generator().bit_generator.state
    maps = tl.integrated_gradients(model, X6[:1])
    assert tl.engine.random.generator().bit_generator.state == dice and maps.completeness < 1e-12
    np.testing.assert_array_equal(tl.integrated_gradients(model, X6[:1]), maps)


# ---- beside Captum ----


def torch_and_ours():
    """The same convolutional network, and the same reader of words, here and in torch, in float64."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("captum")

    class Theirs(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.word, self.out = torch.nn.Embedding(9, 4), torch.nn.Linear(4, 3)

        def forward(self, x):
            return self.out(torch.tanh(self.word(x)).mean(1))

    images = torch.nn.Sequential(
        torch.nn.Conv2d(2, 5, 3, padding=1), torch.nn.BatchNorm2d(5), torch.nn.ReLU(), torch.nn.MaxPool2d(2),
        torch.nn.Conv2d(5, 3, 3, padding=1), torch.nn.ReLU(), torch.nn.Dropout(0.5), torch.nn.Flatten(),
        torch.nn.Linear(18, 4),
    ).double().eval()  # fmt: skip
    words = Theirs().double().eval()
    with tl.default_dtype(np.float64):
        ours, reader = cnn(nn.ReLU, nn.MaxPool2d), Words()
    for theirs, here in ((images, ours), (words, reader)):
        theirs.load_state_dict({n: torch.from_numpy(np.array(a)) for n, a in here.state_dict().items()})
    return torch, images, ours, words, reader


@pytest.mark.filterwarnings("ignore:Input Tensor 0", "ignore:integrated_gradients misses")
def test_saliency_integrated_gradients_occlusion_and_grad_cam_are_captums():
    torch, theirs, ours, words, reader = torch_and_ours()
    from captum import attr

    x, b, classes = numbers(5, 2, 6, 4), numbers(2, 6, 4), np.array([0, 3, 1, 2, 2])
    tx, tb, tc = torch.from_numpy(x), torch.from_numpy(b)[None], torch.from_numpy(classes)

    def same(found, expected, rtol=1e-9):
        size = np.abs(expected := expected.detach().numpy()).max()
        assert size > 1e-4
        np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol * size)

    same(tl.saliency(ours, x, classes), attr.Saliency(theirs).attribute(tx, target=tc))
    for nodes in (3, 20):  # theirs are weighted in float32
        options = {"target": tc, "n_steps": nodes, "method": "gausslegendre"}
        found = attr.IntegratedGradients(theirs).attribute(tx, tb.expand(5, -1, -1, -1), **options)
        same(tl.integrated_gradients(ours, x, b, classes, nodes), found, 1e-5)
    found = attr.Occlusion(theirs).attribute(tx, sliding_window_shapes=(2, 2, 3), target=tc)
    same(tl.occlusion(ours, x, (2, 3), classes), found, 1e-6)  # as are theirs here
    for layer in (4, 5):
        found = attr.LayerGradCam(theirs, theirs[layer]).attribute(tx, target=tc, relu_attributions=True)
        same(tl.grad_cam(ours, str(layer), x, classes), found[:, 0])
    text, classes = torch.from_numpy(TEXT), np.array([0, 2, 1, 1, 0])
    found = attr.LayerIntegratedGradients(words, words.word).attribute(
        text, torch.full_like(text, 3), target=torch.from_numpy(classes), n_steps=20, method="gausslegendre"
    )
    same(tl.integrated_gradients(reader, TEXT, 3, classes, layer="word"), found, 1e-6)


# ---- the picture ----


def drawn(*args, **options):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    ax = tl.plots.attribution(*args, **options)
    ax.figure.figure.draw_without_rendering()
    matplotlib.pyplot.close("all")
    return ax


@pytest.mark.parametrize(("shape", "as_seen"), [((9,), (3, 3)), ((5, 4), (5, 4)), ((2, 5, 4), (5, 4))])
def test_the_picture_has_each_image_above_its_map_summed_over_channels(shape, as_seen):
    model = nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(shape)), 3))
    maps = tl.integrated_gradients(model, x := numbers(12, *shape))
    ax = drawn(maps, rows=4, classes=["one"])
    height, width = as_seen
    ink, colour = (np.ma.filled(image.get_array(), np.nan) for image in ax.images)
    for i in range(4):
        across = slice(i * (width + 1), i * (width + 1) + width)
        picture = x[i].mean(0) if len(shape) == 3 else x[i].reshape(as_seen)
        summed = np.asarray(maps)[i].sum(0) if len(shape) == 3 else np.asarray(maps)[i].reshape(as_seen)
        np.testing.assert_allclose(ink[:height, across], picture)
        np.testing.assert_allclose(colour[-height:, across], summed)
        assert np.isnan(colour[:height, across]).all() and np.isnan(ink[-height:, across]).all()
    assert ink.shape[1] == 4 * (width + 1) - 1
    low, high = ax.images[1].get_clim()
    assert low == -high and high == pytest.approx(np.nanmax(np.abs(colour)))
    own = model(x).data.argmax(1)[:4]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["one" if c == 0 else f"class {c}" for c in own]


def test_the_picture_prints_what_the_controls_say_and_takes_those_that_are_there():
    maps = tl.saliency(mlp(), numbers(20, 6))
    found = maps.controls()
    said = " ".join(drawn(maps).get_title().split())
    assert said.startswith("saliency, 20 rows Rank correlation")
    for sentence in found.sentences:
        assert " ".join(sentence.split()) in said
    found.untrained = 0.123
    assert "of an untrained copy: 0.12." in " ".join(drawn(maps, controls=found).get_title().split())


def test_what_is_made_inside_a_network_is_no_picture_of_the_inputs():
    ax = drawn(
        maps := tl.saliency(nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 3)), numbers(6, 4), layer="0")
    )
    np.testing.assert_array_equal(ax.images[0].get_array(), maps)
    assert [t.get_text() for t in ax.get_xticklabels()][3] == "place 3" and not ax.texts


@pytest.mark.parametrize("method", ["saliency", "grad_cam"])
def test_sequences_of_single_numbers_are_lines_of_cells(method):
    model = nn.Sequential(nn.Conv1d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 98, 3))
    given = ("1",) if method == "grad_cam" else ()
    maps = getattr(tl, method)(model, *given, numbers(5, 1, 100))
    ax = drawn(maps)
    np.testing.assert_array_equal(ax.images[0].get_array(), np.asarray(maps).reshape(5, -1))
    assert len(ax.get_xticklabels()) < 60


@pytest.mark.parametrize("maps", ["a row of a table", "one picture", "eight pictures", "colours", "a strip"])
def test_the_sentences_stand_within_the_figure(maps):
    pytest.importorskip("matplotlib")
    shape = {"a row of a table": (1, 5), "one picture": (1, 8, 8), "eight pictures": (8, 8, 8), "colours": (5, 3, 8, 8),
             "a strip": (5, 2, 20)}[maps]  # fmt: skip
    model = nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(shape[1:])), 9), nn.Tanh(), nn.Linear(9, 3))
    ax = tl.plots.attribution(tl.integrated_gradients(model, numbers(*shape)))
    ax.figure.canvas.draw()
    title, figure = ax.title.get_window_extent(), ax.figure.bbox
    assert title.y1 <= figure.height and title.x0 >= 0 and title.x1 <= figure.width
    assert ax.xaxis.label.get_window_extent().y0 >= 0
    import matplotlib.pyplot as plt

    plt.close(ax.figure)


def test_a_token_of_which_nothing_would_be_seen_is_written_as_in_python():
    words = [["a", "", "\n", " ", "b", "c"]] * 5
    texts = [t.get_text() for t in drawn(tl.saliency(Reader(), TEXT, layer="letter"), tokens=words).texts[:6]]
    assert texts == ["a", "''", r"'\n'", "' '", "b", "c"]


def test_maps_of_grad_cam_are_drawn_as_large_as_the_image_in_reds():
    maps = tl.grad_cam(cnn(), "4", numbers(3, 2, 6, 4), 1)
    ax = drawn(maps)
    np.testing.assert_array_equal(ax.images[1].get_array()[7:, :4], np.asarray(maps)[0].repeat(2, 0).repeat(2, 1))
    assert ax.images[1].get_cmap().name == "Reds" and ax.images[1].get_clim()[0] == 0


def test_rows_of_a_table_have_their_names_and_numbers():
    x = numbers(4, 6)
    ax = drawn(tl.integrated_gradients(mlp(), x), names=[f"column {i}" for i in range(6)])
    assert [t.get_text() for t in ax.get_xticklabels()] == [f"column {i}" for i in range(6)]
    assert [t.get_text() for t in ax.texts] == [f"{number:.3g}" for number in x.ravel()]
    assert [t.get_text() for t in drawn(tl.saliency(mlp(), x)).get_xticklabels()][5] == "input 5"
    one = drawn(tl.saliency(nn.Linear(2, 1), numbers(3, 2)), names="ab")
    assert [t.get_text() for t in one.get_yticklabels()] == ["score"] * 3


def test_tokens_stand_in_cells_of_what_their_embedding_adds():
    maps = tl.integrated_gradients(Reader(), TEXT, layer="letter")
    words = ["".join("abcdefghi"[i] for i in row) for row in TEXT]
    ax = drawn(maps, tokens=words, rows=2)
    np.testing.assert_allclose(ax.images[0].get_array(), np.asarray(maps)[:2].sum(-1))
    assert [t.get_text() for t in ax.texts] == [*words[0], *words[1]]


@pytest.mark.parametrize(("call", "kind", "sentence"), [
    (lambda m: tl.plots.attribution(np.ones((3, 4))), TypeError, "only a map as tl.saliency.*: a ndarray|an ndarray"),
    (lambda m: tl.plots.attribution(m[:3]), TypeError, "a copy, a part"),
    (lambda m: tl.plots.attribution(m, names=["a"]), ValueError, "there are 1 names for 6 inputs"),
    (lambda m: tl.plots.attribution(m, rows=0), ValueError, "rows must be at least 1"),
    (lambda m: tl.plots.attribution(m, controls=tl.occlusion(mlp(), X6, 1).controls()), ValueError, "of another map"),
    (lambda m: tl.plots.attribution(m, tokens=["abc"] * 20), ValueError, "tokens has 8, of 3 tokens; give one"),
    (lambda m: tl.plots.attribution(m, tokens=["abcdef"] * 3), ValueError, "of 8 texts .* tokens has 3"),
    (lambda m: tl.plots.attribution(tl.saliency(Reader(), TEXT, layer="letter")), ValueError, "for words give tokens="),
    (lambda m: tl.plots.attribution(tl.saliency(cnn(), numbers(3, 2, 6, 4)), names=["a"]), ValueError, "columns"),
])  # fmt: skip
def test_a_picture_that_cant_be_drawn_is_refused_in_a_sentence(call, kind, sentence):
    pytest.importorskip("matplotlib")
    with pytest.raises(kind, match=sentence):
        call(tl.saliency(mlp(), numbers(20, 6)))
