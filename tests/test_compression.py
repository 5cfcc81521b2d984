"""Fewer weights, fewer units, fewer bits, and a student of a teacher: what tl.compress gives, and distillation_loss."""

import copy
import doctest
import pickle
from itertools import pairwise

import numpy as np
import pytest

import tinydl as tl
from tinydl import functional as F
from tinydl import nn, optim
from tinydl.derivatives.quantising import fake_quantised, grid_scale
from tinydl.engine.recording import observing

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 6)).astype(np.float32)
Y = RNG.integers(0, 3, 40)
IMAGES = RNG.normal(size=(5, 2, 8, 8)).astype(np.float32)
prune, shrink, quantise = tl.compress.prune, tl.compress.shrink, tl.compress.quantise


def network(*widths):
    tl.manual_seed(0)
    widths = widths or (6, 8, 3)
    layers = [layer for pair in pairwise(widths) for layer in (nn.Linear(*pair), nn.ReLU())]
    return nn.Sequential(*layers[:-1])


def weights(model):
    return np.concatenate([p.data.ravel() for p in model.parameters() if p.ndim > 1])


def fitted(model, optimizer, epochs=4, **options):
    return tl.fit(
        model, (X, Y), loss=F.cross_entropy, optimizer=optimizer, epochs=epochs, seed=0, progress=False, **options
    )


# ---- pruning ----


@pytest.mark.parametrize("amount", [0, 0.3, 0.5, 0.9, 1])
def test_exactly_the_smallest_weights_of_the_whole_model_become_0(amount):
    model = network()
    before, biases = weights(model), [model[0].bias.data.copy(), model[2].bias.data.copy()]
    assert prune(model, amount) is model
    after, n = weights(model), round(amount * before.size)
    assert (after == 0).sum() == n
    assert np.array_equal(after[after != 0], before[after != 0])
    if 0 < n < before.size:
        assert np.abs(before[after == 0]).max() <= np.abs(before[after != 0]).min()
    assert np.array_equal(model[0].bias.data, biases[0]) and np.array_equal(model[2].bias.data, biases[1])


def test_of_equally_small_weights_the_first_go():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    for layer in model:
        layer.weight.data = np.full((2, 2), -0.5, np.float32)
    prune(model, 0.75)
    assert np.array_equal(weights(model), [0, 0, 0, 0, 0, 0, -0.5, -0.5])


OPTIMIZERS = {
    "momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=1e-2),
    "Adam": lambda p: optim.Adam(p, lr=1e-2),
    "AdamW": lambda p: optim.AdamW(p, lr=1e-2, weight_decay=0.1),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_zeros_stay_zeros_whatever_trains_the_rest(name):
    model = prune(network(), 0.6)
    zero, before = weights(model) == 0, weights(model)
    history = fitted(model, OPTIMIZERS[name](model.parameters()))
    assert history["loss"][-1] < history["loss"][0]
    assert np.array_equal(weights(model) == 0, zero)
    assert (weights(model) != before)[~zero].mean() > 0.5  # all that an active unit reads


def test_a_loop_of_ones_own_keeps_the_mask_and_what_is_masked_has_no_gradient():
    model = prune(network(), 0.6)
    masks = [model[0].weight_mask, model[2].weight_mask]
    for _ in range(3):
        F.cross_entropy(model(X), Y).backward()
        for layer, mask in zip((model[0], model[2]), masks, strict=True):
            assert not layer.weight.grad.data[~mask].any() and layer.weight.grad.data[mask].any()
        with tl.no_grad():
            for p in model.parameters():
                p -= 0.1 * p.grad
        model.zero_grad()
    assert all(not layer.weight.data[~mask].any() for layer, mask in zip((model[0], model[2]), masks, strict=True))


def test_what_an_older_optimizer_still_moves_is_not_seen():
    model = network()
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    fitted(model, optimizer, 1)
    prune(model, 0.6)
    fitted(model, optimizer, 1)
    moved = weights(model) != 0
    assert moved.mean() > 0.4  # the momentum moves what is masked
    seen = copy.deepcopy(model)
    prune(seen, 0)
    assert (weights(seen) == 0).mean() >= 0.58
    assert np.array_equal(tl.predict(seen, X), tl.predict(model, X))


def test_pruning_again_prunes_further_and_never_gives_back():
    model = prune(network(), 0.5)
    zero = weights(model) == 0
    model[0].weight.data = np.where(model[0].weight.data == 0, 9, model[0].weight.data).astype(np.float32)
    prune(model, 0.75)
    assert (weights(model) == 0).sum() == round(0.75 * zero.size) and (weights(model) == 0)[zero].all()
    prune(model, 0.1)
    assert (weights(model) == 0).sum() == round(0.75 * zero.size)


def test_the_names_of_parameters_stay_and_an_older_state_can_be_loaded():
    model = network()
    state, names = model.state_dict(), [name for name, _ in model.named_parameters()]
    parameters = list(model.parameters())
    prune(model, 0.5)
    assert [name for name, _ in model.named_parameters()] == names
    assert all(a is b for a, b in zip(parameters, model.parameters(), strict=True))
    assert set(model.state_dict()) - set(state) == {"0.weight_mask", "2.weight_mask"}
    answers = tl.predict(model, X)
    loaded = model.load_state_dict(state, strict=False)
    assert loaded.missing_keys == ["0.weight_mask", "2.weight_mask"]
    np.testing.assert_array_equal(tl.predict(model, X), answers)  # the masks hold


def test_a_shared_weight_has_one_mask_also_where_it_is_embedded():
    class Tied(nn.Module):
        def __init__(self):
            self.words, self.out = nn.Embedding(9, 4), nn.Linear(4, 9, bias=False)
            self.out.weight = self.words.weight

        def forward(self, x):
            return self.out(self.words(x))

    model = prune(Tied(), 0.5)
    assert model.out.weight is model.words.weight and model.out.weight_mask is model.words.weight_mask
    assert sum(p.size for p in model.parameters()) == 36 and (model.out.weight.data == 0).sum() == 18
    mask = model.out.weight_mask
    model.words.weight.data = np.where(mask, model.words.weight.data, 100).astype(np.float32)  # unseen
    right = model.words.weight.data * mask
    np.testing.assert_allclose(model(np.arange(9)).data, right @ right.T, rtol=1e-5)
    for same in (copy.deepcopy(model), pickle.loads(pickle.dumps(model.out))):
        assert same is not model
    same = copy.deepcopy(model)
    assert same.out.weight_mask is same.words.weight_mask and same.out.weight is same.words.weight


LAYERS = {
    "Conv1d": (lambda: nn.Conv1d(6, 2, 3, padding=1), X.reshape(5, 6, 8)),
    "Conv2d": (lambda: nn.Conv2d(2, 3, 3), IMAGES),
    "ConvTranspose2d": (lambda: nn.ConvTranspose2d(2, 3, 2), IMAGES),
    "LSTM": (lambda: nn.LSTM(6, 4, 2, bidirectional=True), X.reshape(5, 8, 6)),
    "GRUCell": (lambda: nn.GRUCell(6, 4), X),
    "MultiheadAttention": (lambda: nn.MultiheadAttention(6, 2), X.reshape(5, 8, 6)),
    "TransformerEncoderLayer": (lambda: nn.TransformerEncoderLayer(6, 2, 8, dropout=0.0), X.reshape(5, 8, 6)),
}


def answer(model, x):
    y = model(x)
    y = y[0] if isinstance(y, tuple) else y
    return y


@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_with_weights_sees_them_through_its_masks_and_bits(name):
    make, x = LAYERS[name]
    tl.manual_seed(1)
    model = make()
    plain = copy.deepcopy(model)
    quantise(prune(model, 0.5), 3)
    assert f"{type(plain).__name__}(" in repr(model) and "bits=3" in repr(model) and "weights left=" in repr(model)
    for layer, same in zip(model.modules(), plain.modules(), strict=True):
        for key, p in [(k, v) for k, v in vars(same).items() if isinstance(v, tl.Tensor) and v.ndim > 1]:
            w = np.where(vars(layer)[f"{key}_mask"], p.data, 0)
            scale = grid_scale(w, 3, 1 if name == "ConvTranspose2d" else 0)
            p.data = (np.rint(w / scale) * scale).astype(np.float32)
    np.testing.assert_array_equal(answer(model, x).data, answer(plain, x).data)
    answer(model, x).sum().backward()
    answer(plain, x).sum().backward()
    for (key, p), (_, other) in zip(model.named_parameters(), plain.named_parameters(), strict=True):
        right = other.grad.data * model.state_dict().get(f"{key}_mask", 1)
        np.testing.assert_allclose(p.grad.data, right, rtol=1e-4, atol=1e-5)


def test_a_weight_that_forward_reads_several_times_is_masked_once():
    model = quantise(nn.MultiheadAttention(6, 2), 4)
    count = []

    class Counting:
        def __getattr__(self, name):
            return lambda *args, **options: None

        def computed(self, y, primitive, inputs, options):
            count.append(primitive.name)

    with observing(Counting()):
        model(X.reshape(5, 8, 6))
    assert count.count("fake_quantised") == 2  # in_proj_weight and out_proj.weight


class Twice(nn.Module):
    """Looks at its matrix before and after it doubles it, first without a graph; and at that of a layer inside."""

    def __init__(self):
        self.matrix = tl.tensor(np.linspace(-1, 1, 6).reshape(3, 2), dtype=np.float32, requires_grad=True)
        self.inner = nn.Linear(2, 3, bias=False)

    def forward(self, x):
        with tl.no_grad():
            constant = x @ self.matrix
        first = x @ self.matrix
        with tl.no_grad():
            p = dict(self.named_parameters())["matrix"]
            p *= 2
        return constant.detach(), first, x @ self.matrix, F.linear(x @ self.matrix, self.inner.weight)


def test_what_is_seen_is_of_the_weights_masks_and_bits_as_they_are_now():
    model, x = quantise(Twice(), 8), np.eye(3, dtype=np.float32)
    for change in (lambda: None, lambda: quantise(model, 3), lambda: prune(model, 0.5), lambda: quantise(model, 2)):
        change()
        before = copy.deepcopy(model)
        constant, first, second, third = model(x)
        np.testing.assert_array_equal(constant.data, before.seen("matrix").data)
        np.testing.assert_array_equal(first.data, constant.data)
        np.testing.assert_array_equal(second.data, model.seen("matrix").data)
        np.testing.assert_array_equal(second.data, 2 * first.data)
        np.testing.assert_array_equal(third.data, F.linear(second, model.inner.seen("weight")).data)
        assert first.requires_grad and second.requires_grad and not constant.requires_grad
    model.matrix = new = tl.tensor(np.ones((3, 2)), dtype=np.float32, requires_grad=True)
    assert model.matrix is new is dict(model.named_parameters())["matrix"]
    del model.matrix
    assert not hasattr(model, "matrix")


def test_biases_norms_and_embeddings_are_no_weights():
    class Model(nn.Module):
        def __init__(self):
            self.words, self.norm, self.out = nn.Embedding(5, 4), nn.LayerNorm((3, 4)), nn.Linear(4, 2)

        def forward(self, x):
            return self.out(self.norm(self.words(x)))

    model = prune(Model(), 1.0)
    assert not model.out.weight.data.any()
    assert model.words.weight.data.all() and model.norm.weight.data.all() and model.out.bias.data.all()
    assert list(model.state_dict()) == [
        "words.weight", "norm.weight", "norm.bias", "out.weight", "out.bias", "out.weight_mask",
    ]  # fmt: skip


class Matrix(nn.Module):
    """A layer of a user's, in a module's namespace so that it can be pickled."""

    def __init__(self):
        self.matrix = tl.tensor(RNG.normal(size=(6, 3)), dtype=np.float32, requires_grad=True)

    def forward(self, x):
        return x @ self.matrix


@pytest.mark.parametrize("make", [network, Matrix, lambda: nn.LSTM(6, 3)], ids=["Sequential", "Matrix", "LSTM"])
def test_copies_and_pickles_compute_the_same_and_are_of_the_same_type(make):
    model = quantise(prune(make(), 0.5), 4)
    right = answer(model, X).data
    for same in (copy.deepcopy(model), pickle.loads(pickle.dumps(model)), copy.copy(model)):
        assert type(same) is type(model) and isinstance(same, type(make()))
        np.testing.assert_array_equal(answer(same, X).data, right)
        assert repr(same) == repr(model)
    other = copy.deepcopy(model)
    for p in other.parameters():
        p.data = np.zeros_like(p.data)
    np.testing.assert_array_equal(answer(model, X).data, right)


@pytest.mark.parametrize("compress", [lambda m: prune(m, 0.6), lambda m: quantise(m, 4)], ids=["prune", "quantise"])
def test_a_compiled_fit_is_the_plain_one_to_the_bit(compress):
    found = []
    for compiled in (False, True):
        model = compress(network())
        history = fitted(model, optim.Adam(model.parameters(), lr=1e-2), 2, compile=compiled)
        found.append((history["loss"], tl.predict(model, X)))
    assert found[0][0] == found[1][0]
    np.testing.assert_array_equal(found[0][1], found[1][1])


def test_a_compiled_step_notices_that_its_model_was_pruned_or_quantised():
    model = network()
    forward = tl.compile(lambda x: model(x))
    for change in (lambda: None, lambda: prune(model, 0.5), lambda: quantise(model, 3), lambda: prune(model, 0.8)):
        change()
        with tl.no_grad():
            np.testing.assert_array_equal(forward(X).data, model(X).data)


def test_a_program_for_numpy_summary_diagnose_and_strict_know_it(tmp_path, monkeypatch):
    model = quantise(prune(network(), 0.5), 4)
    tl.to_numpy(model, tmp_path / "small_network.py", X)
    monkeypatch.syspath_prepend(tmp_path)
    import small_network

    np.testing.assert_array_equal(small_network.predict(X), tl.predict(model, X))
    assert "0 (Linear)" in str(tl.summary(model, (6,)))
    optimizer = optim.Adam(model.parameters())
    assert tl.diagnose(model, batch=(X, Y), loss=F.cross_entropy, optimizer=optimizer) is not None
    with tl.strict():
        fitted(model, optimizer, 1)


def test_a_model_of_own_parameters_in_a_list_is_refused():
    class Listed(nn.Module):
        def __init__(self):
            self.matrices = [tl.tensor(np.ones((2, 2)), requires_grad=True)]

    with pytest.raises(ValueError, match=r"matrices\.0 of Listed is a weight inside a list"):
        prune(Listed(), 0.5)


@pytest.mark.parametrize("amount", [-0.1, 1.1, float("nan")])
def test_an_amount_outside_of_0_to_1_is_refused(amount):
    model = network()
    with pytest.raises(ValueError, match="from 0 to 1, not"):
        prune(model, amount)
    assert type(model[0]) is nn.Linear


def test_what_is_no_model_or_has_no_weights_is_refused():
    with pytest.raises(TypeError, match=r"prune takes a model, an nn\.Module, not a float; the order is"):
        prune(0.5, network())
    with pytest.raises(TypeError, match="amount must be a number"):
        prune(network(), "half")
    for call in (lambda m: prune(m, 0.5), lambda m: quantise(m, 8)):
        with pytest.raises(ValueError, match="found no weights in this Sequential"):
            call(nn.Sequential(nn.ReLU(), nn.LayerNorm((2, 2)), nn.Embedding(3, 2)))


@pytest.mark.parametrize("name", tl.compress.__all__)
def test_the_examples_of_the_docstrings_run(name):
    examples = doctest.DocTestParser().get_doctest(
        getattr(tl.compress, name).__doc__, {"tl": tl, "nn": nn, "np": np}, name, None, None
    )
    assert examples.examples and doctest.DocTestRunner().run(examples).failed == 0


def test_the_names_of_others_are_answered():
    with pytest.raises(AttributeError, match=r"write tl\.compress\.quantise"):
        _ = tl.compress.quantize


# ---- quantising ----


@pytest.mark.parametrize("bits", range(2, 9))
def test_weights_lie_on_a_symmetric_grid_of_each_row_and_none_is_moved_further_than_half_a_step(bits):
    model = network(6, 200, 3)
    w = model[0].weight.data.copy()
    quantise(model, bits)
    np.testing.assert_array_equal(model[0].weight.data, w)  # the parameters stay
    seen = model[0].seen("weight").data
    largest = np.abs(w).max(axis=1, keepdims=True)
    assert (np.abs(seen - w) <= largest / (2**bits - 2) * (1 + 1e-6)).all()
    steps = seen / (largest / (2 ** (bits - 1) - 1))
    np.testing.assert_allclose(steps, np.rint(steps), atol=1e-5)
    assert np.abs(np.rint(steps)).max() == 2 ** (bits - 1) - 1
    np.testing.assert_allclose(np.abs(seen).max(axis=1), largest[:, 0], rtol=1e-6)
    assert all(len(np.unique(row)) <= 2**bits - 1 for row in seen)


def test_halves_go_to_the_even_level_and_a_row_of_zeros_stays_one():
    w = np.array([[3, 0.5, 1.5, -2.5, -0.5], [0, 0, 0, 0, 0]])
    scale = grid_scale(w, 3, 0)
    np.testing.assert_array_equal(scale, [[1], [1]])
    np.testing.assert_array_equal(fake_quantised(w, scale, most=3), [[3, 0, 2, -2, 0], [0, 0, 0, 0, 0]])


def test_the_slope_is_1_inside_the_range_and_0_beyond():
    x = tl.tensor([-5.0, -3.2, -0.4, 0.0, 0.6, 3.0, 3.6], requires_grad=True)
    fake_quantised(x, np.array([1.0]), most=3).sum().backward()
    np.testing.assert_array_equal(x.grad.data, [0, 1, 1, 1, 1, 1, 0])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_what_lies_on_the_grid_has_the_same_grid_to_the_bit(dtype):
    for bits in range(2, 9):
        w = np.random.default_rng(bits).normal(size=(20_000, 2)).astype(dtype)
        w *= np.exp(np.random.default_rng(1).normal(size=(20_000, 1)) * (1 if dtype == np.float16 else 5)).astype(dtype)
        once = fake_quantised(w, grid_scale(w, bits, 0), most=2 ** (bits - 1) - 1)
        assert once.dtype == dtype and not np.array_equal(once, w)
        np.testing.assert_array_equal(grid_scale(once, bits, 0), grid_scale(w, bits, 0))
        np.testing.assert_array_equal(fake_quantised(once, grid_scale(once, bits, 0), most=2 ** (bits - 1) - 1), once)


def test_training_goes_through_the_rounding_and_gains_with_few_bits():
    model = network(6, 16, 3)
    fitted(model, optim.Adam(model.parameters(), lr=1e-2), 30)
    rounded = tl.evaluate(quantise(copy.deepcopy(model), 2), (X, Y), loss=F.cross_entropy)["loss"]
    trained = quantise(copy.deepcopy(model), 2)
    fitted(trained, optim.Adam(trained.parameters(), lr=1e-2), 40)
    assert tl.evaluate(trained, (X, Y), loss=F.cross_entropy)["loss"] < 0.9 * rounded
    assert all(len(np.unique(row)) <= 3 for row in trained[0].seen("weight").data)


def test_quantising_again_is_the_same_as_with_the_last_bits_alone_and_pruned_zeros_stay():
    model, other = quantise(quantise(network(), 2), 5), quantise(network(), 5)
    np.testing.assert_array_equal(tl.predict(model, X), tl.predict(other, X))
    zero = prune(model, 0.5)[0].weight_mask
    assert not model[0].seen("weight").data[~zero].any()


@pytest.mark.parametrize("bits", [1, 9, 0])
def test_bits_outside_of_2_to_8_are_refused(bits):
    with pytest.raises(ValueError, match=r"quantise's bits"):
        quantise(network(), bits)
    with pytest.raises(TypeError, match="bits must be an integer"):
        quantise(network(), 4.0)


# ---- files ----


@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
@pytest.mark.parametrize("bits", [2, 8])
def test_a_quantised_model_is_saved_as_int8_and_comes_back_to_the_bit(bits, suffix, tmp_path):
    if suffix == "safetensors":
        pytest.importorskip("safetensors")
    plain, path = network(6, 256, 256, 3), tmp_path / f"small.{suffix}"
    tl.save(plain, tmp_path / f"plain.{suffix}")
    model = quantise(plain, bits)
    fitted(model, optim.Adam(model.parameters()), 1)
    tl.save(model, path)
    assert path.stat().st_size < 0.29 * (tmp_path / f"plain.{suffix}").stat().st_size
    right = tl.predict(model, X)
    for fresh in (quantise(network(6, 256, 256, 3), bits), network(6, 256, 256, 3)):
        tl.load(fresh, path)
        np.testing.assert_array_equal(tl.predict(fresh, X), right)
        assert fresh[0].weight.dtype == np.float32
    if suffix == "npz":
        with np.load(path) as file:
            assert file["0.weight"].dtype == np.int8 and np.abs(file["0.weight"]).max() == 2 ** (bits - 1) - 1
            assert file["0.weight_scale"].dtype == np.float32 and file["0.weight_scale"].shape == (256, 1)
            assert file["0.bias"].dtype == np.float32


def test_a_shared_layer_and_a_shared_weight_are_saved_by_all_their_names(tmp_path):
    layer, other = nn.Linear(6, 6), nn.Linear(6, 6)
    other.weight = layer.weight
    model = quantise(nn.Sequential(layer, nn.ReLU(), layer, other), 4)
    tl.save(model, tmp_path / "shared.npz")
    right = tl.predict(model, X)
    tl.load(model, tmp_path / "shared.npz")
    np.testing.assert_array_equal(tl.predict(model, X), right)


def test_with_the_optimizer_weights_are_kept_as_they_are_and_training_goes_on_to_the_bit(tmp_path):
    model = quantise(prune(network(), 0.3), 3)
    optimizer = optim.Adam(model.parameters())
    fitted(model, optimizer, 2)
    tl.save(model, tmp_path / "later.npz", optimizer)
    other = quantise(prune(network(), 0.9), 3)
    again = optim.Adam(other.parameters())
    tl.load(other, tmp_path / "later.npz", again)
    assert fitted(model, optimizer, 2)["loss"] == fitted(other, again, 2)["loss"]
    np.testing.assert_array_equal(model[0].weight.data, other[0].weight.data)


@pytest.mark.filterwarnings("error")
def test_a_half_precision_model_has_scales_of_float32_and_comes_back_to_the_bit_too(tmp_path):
    with tl.default_dtype(np.float16):
        model, fresh = quantise(nn.Linear(6, 400), 8), quantise(nn.Linear(6, 400), 8)
    model.weight.data = (model.weight.data / 100).astype(np.float16)
    w = model.weight.data.astype(float)
    assert (np.abs(model.seen("weight").data - w) <= np.abs(w).max(1, keepdims=True) / 254 + 2e-6).all()
    tl.save(model, tmp_path / "half.npz")
    tl.load(fresh, tmp_path / "half.npz")
    x = X.astype(np.float16)
    np.testing.assert_array_equal(fresh(x).data, model(x).data)


def test_what_lies_under_a_mask_is_not_saved(tmp_path):
    model = quantise(prune(network(), 0.5), 4)
    model[0].weight.data = np.where(model[0].weight_mask, model[0].weight.data, 100).astype(np.float32)
    tl.save(model, tmp_path / "both.npz")
    fresh = quantise(prune(network(), 0.0), 4)
    tl.load(fresh, tmp_path / "both.npz")
    np.testing.assert_array_equal(tl.predict(fresh, X), tl.predict(model, X))
    assert not fresh[0].weight.data[~model[0].weight_mask].any()


class Scaled(nn.Linear):
    def __init__(self):
        super().__init__(6, 3)
        self.weight_scale = np.array(2.0, np.float32)


def test_a_layer_with_a_scale_of_its_own_keeps_it_in_a_file(tmp_path):
    model, fresh = quantise(Scaled(), 4), quantise(Scaled(), 4)
    tl.save(model, tmp_path / "scaled.npz")
    tl.load(fresh, tmp_path / "scaled.npz")
    np.testing.assert_array_equal(fresh.weight_scale, 2)
    np.testing.assert_array_equal(fresh(X).data, model(X).data)


def test_an_int8_array_of_a_models_own_is_none_of_a_quantised_weight(tmp_path):
    class Counts(nn.Module):
        def __init__(self):
            self.n, self.n_scale = np.ones(3, np.int8), np.full(3, 2.0)

    tl.save(Counts(), tmp_path / "counts.npz")
    model = Counts()
    tl.load(model, tmp_path / "counts.npz")
    np.testing.assert_array_equal(model.n, [1, 1, 1])


def test_a_pruned_model_is_loaded_into_a_pruned_one_and_the_error_for_another_says_so(tmp_path):
    model, path = prune(network(), 0.7), tmp_path / "pruned.npz"
    tl.save(model, path)
    other = tl.compress.prune(network(6, 8, 3), 0)
    tl.load(other, path)
    np.testing.assert_array_equal(tl.predict(other, X), tl.predict(model, X))
    np.testing.assert_array_equal(other[0].weight_mask, model[0].weight_mask)
    with pytest.raises(ValueError, match=r"is of a pruned model, write tl\.compress\.prune\(model, 0\) before loading"):
        tl.load(network(), path)
    with pytest.raises(ValueError, match=r"missing: 0\.weight_mask"):
        other.load_state_dict(network().state_dict())


# ---- shrinking ----


def dead(model, names, share=2):
    """Every other unit of these layers gets no weights at all; those that read them read nothing of it."""
    for name, reader, each in names:
        first, last = model[name], model[reader]
        off = slice(None, None, share)
        first.weight.data[off], first.bias.data[off] = 0, 0
        n = first.weight.shape[0]
        if each == "channels":
            last.weight.data[:, off] = 0
        else:
            last.weight.data.reshape(len(last.weight.data), n, -1)[:, off] = 0
    return model


def images(*between):
    tl.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(2, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 4, 2, padding=1), nn.PReLU(4),
        nn.Dropout2d(0.1), nn.Flatten(), nn.BatchNorm1d(64), nn.Linear(64, 8), nn.Tanh(), nn.Dropout(0.1),
        nn.Linear(8, 3), nn.LayerNorm(3),
    )  # fmt: skip


def test_units_without_weights_go_and_no_answer_changes():
    model = dead(network(6, 8, 10, 3), [(0, 2, "units"), (2, 4, "units")])
    small = shrink(model, 0.5)
    assert [tuple(p.shape) for p in small.parameters()] == [(4, 6), (4,), (5, 4), (5,), (3, 5), (3,)]
    np.testing.assert_allclose(tl.predict(small, X), tl.predict(model, X), rtol=1e-5, atol=1e-6)
    assert model[0].weight.shape == (8, 6) and type(small) is type(model)
    assert (small[0].in_features, small[0].out_features, small[4].out_features) == (6, 4, 3)


def test_channels_without_weights_go_with_all_that_other_layers_know_of_them():
    model = images()
    for _ in range(3):
        model(IMAGES)  # statistics of their own
    model = dead(model, [(0, 4, "channels"), (4, 9, "units"), (9, 12, "units")])
    model[1].bias.data[::2] = 0
    small = shrink(model, 0.5)
    np.testing.assert_allclose(tl.predict(small, IMAGES), tl.predict(model, IMAGES), rtol=1e-5, atol=1e-5)
    assert [type(a).__name__ for a in small] == [type(a).__name__ for a in model]
    assert (small[0].out_channels, small[1].num_features, small[4].in_channels, small[5].num_parameters) == (3, 3, 3, 2)
    assert (small[8].num_features, small[9].in_features, small[9].out_features, small[12].in_features) == (32, 32, 4, 4)
    history = tl.fit(small, (IMAGES, Y[:5]), loss=F.cross_entropy, optimizer=optim.Adam(small.parameters()), epochs=2,
                     progress=False)  # fmt: skip
    assert np.isfinite(history["loss"]).all()
    assert small[0](IMAGES).shape == (5, 3, 6, 6)


def test_those_of_the_largest_product_of_incoming_and_outgoing_weights_stay_in_their_order():
    model = network(2, 4, 1)
    model[0].weight.data = np.array([[1, 0], [0, 3], [2, 0], [0, 4]], np.float32)
    model[0].bias.data = np.array([0, 0, 9, 0], np.float32)
    model[2].weight.data = np.array([[9, 2, 3, 0.1]], np.float32)
    small = shrink(model, 2)  # 9, 6, 27.7, 0.4
    np.testing.assert_array_equal(small[0].weight.data, [[1, 0], [2, 0]])
    np.testing.assert_array_equal(small[0].bias.data, [0, 9])
    np.testing.assert_array_equal(small[2].weight.data, [[9, 3]])


def test_where_a_batch_norm_follows_its_weight_counts_and_not_what_comes_in():
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.ReLU(), nn.Linear(2, 1))
    model[0].weight.data = np.array([[9, 9], [1, 1]], np.float32)
    model[1].weight.data = np.array([0.1, 1], np.float32)
    model[3].weight.data = np.ones((1, 2), np.float32)
    np.testing.assert_array_equal(shrink(model, 1)[0].weight.data, [[1, 1]])


def test_transposed_convolutions_sequences_and_sequentials_inside_are_taken():
    tl.manual_seed(0)
    inner = nn.Sequential(nn.ConvTranspose2d(2, 6, 2), nn.ReLU())
    model = nn.Sequential(inner, nn.ConvTranspose2d(6, 4, 2), nn.GELU(), nn.AvgPool2d(2), nn.Conv2d(4, 1, 1))
    inner[0].weight.data[:, ::2], inner[0].bias.data[::2] = 0, 0
    model[1].weight.data[::2] = 0
    small = shrink(model, [3, 1.0])
    np.testing.assert_allclose(small(IMAGES).data, model(IMAGES).data, rtol=1e-5, atol=1e-6)
    assert small[0][0].out_channels == 3 and small[1].in_channels == 3 and small[1].out_channels == 4
    words = nn.Sequential(
        nn.Embedding(9, 4), nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 4), nn.Flatten(), nn.Linear(20, 2)
    )
    words[1].weight.data[4:], words[1].bias.data[4:], words[3].weight.data[:, 4:] = 0, 0, 0
    words[3].weight.data[::2], words[3].bias.data[::2] = 0, 0
    words[5].weight.data.reshape(2, 5, 4)[:, :, ::2] = 0
    x = RNG.integers(0, 9, (7, 5))
    small = shrink(words, 0.5)
    assert small[5].in_features == 10
    np.testing.assert_allclose(small(x).data, words(x).data, rtol=1e-5, atol=1e-6)


def test_masks_and_bits_are_shrunk_too():
    model = quantise(prune(dead(network(6, 8, 3), [(0, 2, "units")]), 0.6), 8)
    small = shrink(model, 4)
    assert small[0].weight_mask.shape == (4, 6) and small[2].weight_mask.shape == (3, 4)
    np.testing.assert_allclose(tl.predict(small, X), tl.predict(model, X), rtol=1e-5, atol=1e-6)
    assert type(small[0]) is type(model[0])


def test_keep_is_a_fraction_a_number_or_one_for_each():
    widths = lambda keep: [
        layer.out_features for layer in shrink(network(6, 8, 20, 3), keep) if hasattr(layer, "weight")
    ]
    assert widths(0.25) == [2, 5, 3] and widths(10) == [8, 10, 3] and widths([0.5, 7]) == [4, 7, 3]
    assert widths(1.0) == [8, 20, 3] and widths(np.int64(1)) == [1, 1, 3]


def frozen(model):
    model[0].weight.requires_grad = False
    return model


def test_what_is_frozen_stays_frozen_and_nothing_is_shared_with_the_old_model():
    model = frozen(network())
    small = shrink(model, 4)
    assert not small[0].weight.requires_grad and small[2].weight.requires_grad
    before = tl.predict(model, X)
    for p in small.parameters():
        p.data += 1
    np.testing.assert_array_equal(tl.predict(model, X), before)


class Custom(nn.Sequential):
    def forward(self, x):
        return super().forward(x) + 1


def shared():
    layer = nn.Linear(6, 6)
    return nn.Sequential(layer, nn.ReLU(), layer, nn.ReLU(), nn.Linear(6, 2))


REFUSED = {
    "another model": (Matrix, 2, TypeError, "takes an nn.Sequential of .* not a Matrix"),
    "another forward": (lambda: Custom(nn.Linear(6, 6), nn.Linear(6, 2)), 2, TypeError, "not a Custom"),
    "no hidden layer": (lambda: nn.Sequential(nn.Linear(6, 3), nn.ReLU()), 2, ValueError, "no hidden layer"),
    "nothing left": (network, 0, ValueError, "leaves nothing of a hidden layer of 8 units"),
    "nothing left of a fraction": (network, 0.01, ValueError, "leaves nothing"),
    "a fraction above 1": (network, 1.5, ValueError, "a fraction from 0 to 1 or a whole number"),
    "a negative number": (network, -3, ValueError, "keep must be at least 0"),
    "a string": (network, "half", TypeError, "keep must be an integer"),
    "too many entries": (network, [2, 2], ValueError, "2 entries, but there are 1 hidden layers"),
    "LayerNorm": (
        lambda: nn.Sequential(nn.Linear(6, 8), nn.LayerNorm(8), nn.Linear(8, 2)), 4, ValueError,
        r"layer 1 \(LayerNorm\)",
    ),
    "GroupNorm inside": (
        lambda: nn.Sequential(nn.Sequential(nn.Conv2d(2, 4, 1), nn.GroupNorm(2, 4)), nn.Conv2d(4, 2, 1)), 2, ValueError,
        r"layer 0\.1 \(GroupNorm\)",
    ),
    "Softmax": (lambda: nn.Sequential(nn.Linear(6, 8), nn.Softmax(), nn.Linear(8, 2)), 4, ValueError, "Softmax"),
    "pooling of units": (
        lambda: nn.Sequential(nn.Linear(6, 8), nn.MaxPool1d(2), nn.Linear(4, 2)), 4, ValueError, "MaxPool1d",
    ),
    "groups": (
        lambda: nn.Sequential(nn.Conv2d(2, 4, 1), nn.Conv2d(4, 4, 1, groups=2)), 2, ValueError, "has groups",
    ),
    "a layer used twice": (shared, 2, ValueError, "used twice"),
    "no Flatten": (
        lambda: nn.Sequential(nn.Conv1d(6, 8, 1), nn.Linear(8, 2)), 2, ValueError,
        r"write nn\.Flatten\(\) before a Linear",
    ),
    "another Flatten": (
        lambda: nn.Sequential(nn.Conv2d(2, 8, 1), nn.Flatten(2), nn.Linear(64, 2)), 2, ValueError,
        "all axes but the first",
    ),
    "statistics of places": (
        lambda: nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(5), nn.Linear(8, 2)), 2, ValueError,
        "reads 5 numbers, which aren't those of the 8 units",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cant_be_shrunk_is_refused_in_a_sentence(name):
    make, keep, error, said = REFUSED[name]
    with pytest.raises(error, match=said):
        shrink(make(), keep)


def test_one_activation_may_be_used_at_many_places():
    relu = nn.ReLU()
    assert shrink(nn.Sequential(nn.Linear(6, 8), relu, nn.Linear(8, 8), relu, nn.Linear(8, 2)), 2)[2].in_features == 2


# ---- distillation ----

LOGITS, TEACHER = RNG.normal(size=(2, 40, 3))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_the_loss_and_its_gradient_are_those_of_the_formula(temperature, alpha):
    z = tl.tensor(LOGITS, requires_grad=True)
    loss = F.distillation_loss(z, TEACHER, Y, temperature, alpha)
    p, q = F.softmax(TEACHER / temperature), F.softmax(LOGITS / temperature)
    kl = np.mean(np.sum(p * (np.log(p) - np.log(q)), axis=1))
    right = alpha * temperature**2 * kl + (1 - alpha) * F.cross_entropy(LOGITS, Y).item()
    assert loss.shape == () and loss.item() == pytest.approx(right, rel=1e-12)
    loss.backward()
    hard = (F.softmax(LOGITS) - np.eye(3)[Y]) / 40
    np.testing.assert_allclose(
        z.grad.data, alpha * temperature * (q - p) / 40 + (1 - alpha) * hard, rtol=1e-9, atol=1e-12
    )


def test_a_gradient_check_of_distillation_finds_nothing():
    assert tl.gradcheck(lambda z: F.distillation_loss(z, TEACHER[:3], Y[:3], 4, 0.9), LOGITS[:3])


def test_distillation_is_that_of_torch():
    torch = pytest.importorskip("torch")
    z, t = (torch.tensor(a, requires_grad=True) for a in (LOGITS, TEACHER))
    soft = torch.nn.functional.kl_div(
        torch.log_softmax(z / 3, 1), torch.softmax(t.detach() / 3, 1), reduction="batchmean"
    )
    right = 0.8 * 9 * soft + 0.2 * torch.nn.functional.cross_entropy(z, torch.tensor(Y))
    right.backward()
    ours = tl.tensor(LOGITS, requires_grad=True)
    loss = F.distillation_loss(ours, TEACHER, Y, 3, 0.8)
    loss.backward()
    assert loss.item() == pytest.approx(right.item(), rel=1e-12)
    np.testing.assert_allclose(ours.grad.data, z.grad.numpy(), rtol=1e-9, atol=1e-12)


def test_no_gradient_flows_to_the_teacher_and_float32_stays():
    z, t = (tl.tensor(a, dtype=np.float32, requires_grad=True) for a in (LOGITS, TEACHER))
    loss = F.distillation_loss(z, t, Y, 4, 0.9)
    loss.backward()
    assert t.grad is None and z.grad is not None and loss.dtype == np.float32
    assert F.distillation_loss(LOGITS.astype(np.float16), TEACHER.astype(np.float16), Y, 4, 0.9).dtype == np.float16
    many = F.distillation_loss(np.moveaxis(LOGITS.reshape(8, 5, 3), 2, 1), np.moveaxis(TEACHER.reshape(8, 5, 3), 2, 1),
                               Y.reshape(8, 5), 4, 0.9)  # fmt: skip
    assert many.item() == pytest.approx(F.distillation_loss(LOGITS, TEACHER, Y, 4, 0.9).item())


def test_a_student_that_knows_what_the_teacher_knows_loses_nothing_to_it():
    assert F.distillation_loss(TEACHER, TEACHER, Y, 4, 1.0).item() == pytest.approx(0, abs=1e-12)


def test_distillation_is_compiled_with_the_teacher_inside():
    teacher, found = network(6, 16, 3), []
    for compiled in (False, True):
        student = network()
        loss = lambda z, target: F.distillation_loss(z, target[:, :3], np.argmax(target[:, 3:], 1), 4, 0.9)
        targets = np.concatenate([tl.predict(teacher, X), F.one_hot(Y, 3)], axis=1)
        optimizer = optim.SGD(student.parameters(), lr=0.1)
        found.append(
            tl.fit(student, (X, targets), loss=loss, optimizer=optimizer, epochs=2, seed=0, progress=False,
                   compile=compiled)["loss"]
        )  # fmt: skip
    assert found[0] == found[1]


@pytest.mark.parametrize(
    "change, said",
    [
        ({"temperature": 0}, "temperature is a number above 0, not 0"),
        ({"temperature": -1}, "above 0, not -1"),
        ({"temperature": float("inf")}, "above 0, not inf"),
        ({"alpha": 1.1}, "alpha is the share of the teacher, from 0 to 1, not 1.1"),
        ({"alpha": -0.1}, "from 0 to 1, not -0.1"),
        ({"teacher_logits": TEACHER[:, :2]}, r"distillation_loss: the prediction has shape \(40, 3\)"),
        ({"targets": Y + 5}, "cross_entropy: "),
        ({"logits": LOGITS[:0], "teacher_logits": TEACHER[:0], "targets": Y[:0]}, "empty batch"),
    ],
)
def test_what_is_wrong_with_a_distillation_is_said(change, said):
    given = {"logits": LOGITS, "teacher_logits": TEACHER, "targets": Y, "temperature": 4.0, "alpha": 0.9} | change
    with pytest.raises(ValueError, match=said):
        F.distillation_loss(**given)
