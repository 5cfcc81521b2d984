"""Recurrent layers: against sequences computed one by one in plain NumPy, against PyTorch, and what users get wrong."""

from __future__ import annotations

import functools
import itertools
import pickle
import warnings

import numpy as np
import pytest

import tinydl as tl
from tinydl import functional as F
from tinydl import nn, optim
from tinydl.derivatives.recurrence import lstm, lstm_by_steps, lstm_sequence

T, N, D, H = 5, 3, 2, 4
KINDS = {
    "RNN": (nn.RNN, {}),
    "RNN of relu": (nn.RNN, {"nonlinearity": "relu"}),
    "LSTM": (nn.LSTM, {}),
    "GRU": (nn.GRU, {}),
}
LENGTHS = np.array([3, 5, 1])
NAMES = ("num_layers", "bias", "batch_first", "bidirectional")
OPTIONS = [
    dict(zip(NAMES, values, strict=True))
    for values in itertools.product((1, 2), (True, False), (False, True), (False, True))
]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def made(name, dtype=np.float64, **options):
    kind, own = KINDS[name]
    tl.manual_seed(4)
    with tl.default_dtype(dtype):
        return kind(D, H, **own, **options)


def states(layer, rng, rows=N, dtype=np.float64):
    """What `state` is given to it as: an array, or two for an LSTM."""
    runs = layer.num_layers * (1 + layer.bidirectional)
    arrays = [rng.normal(size=(runs, rows, H)).astype(dtype) for _ in layer.parts]
    return tuple(arrays) if len(arrays) > 1 else arrays[0]


def parts(state):
    return state if isinstance(state, tuple) else (state,)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def step(layer, w, suffix, x, state):
    """The next state (h,) or (h, c), one example's, by the formulas."""
    zero = np.zeros(len(w[f"weight_hh{suffix}"]))
    a = w[f"weight_ih{suffix}"] @ x + w.get(f"bias_ih{suffix}", zero)
    b = w[f"weight_hh{suffix}"] @ state[0] + w.get(f"bias_hh{suffix}", zero)
    if isinstance(layer, (nn.RNN, nn.RNNCell)):
        return (np.tanh(a + b) if layer.nonlinearity == "tanh" else np.maximum(a + b, 0),)
    if isinstance(layer, (nn.LSTM, nn.LSTMCell)):
        i, f, g, o = np.split(a + b, 4)
        c = sigmoid(f) * state[1] + sigmoid(i) * np.tanh(g)
        return sigmoid(o) * np.tanh(c), c
    (ar, az, an), (br, bz, bn) = np.split(a, 3), np.split(b, 3)
    r, z = sigmoid(ar + br), sigmoid(az + bz)
    return ((1 - z) * np.tanh(an + r * bn) + z * state[0],)


def one_by_one(layer, x, state, lengths):
    """Output and last states, of x (N, T, D) and a state (runs, N, H): each sequence, layer and direction by itself."""
    w = layer.state_dict()
    output, finals = None, [np.zeros_like(s) for s in parts(state)]
    for layer_number in range(layer.num_layers):
        output = np.zeros((*x.shape[:2], H * (1 + layer.bidirectional)))
        for direction in range(1 + layer.bidirectional):
            run = layer_number * (1 + layer.bidirectional) + direction
            suffix = f"_l{layer_number}" + "_reverse" * direction
            for n, length in enumerate(lengths):
                now = tuple(s[run, n] for s in parts(state))
                for t in reversed(range(length)) if direction else range(length):
                    now = step(layer, w, suffix, x[n, t], now)
                    output[n, t, direction * H : (direction + 1) * H] = now[0]
                for final, last in zip(finals, now, strict=True):
                    final[run, n] = last
        x = output
    return output, finals


def assert_all_close(ours, theirs, **how):
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, **{"rtol": 1e-9, "atol": 1e-11, **how})


@pytest.mark.parametrize("name", KINDS)
def test_a_batch_gives_what_its_sequences_give_one_by_one(name, rng):
    for options, given, lengths in itertools.product(OPTIONS, (False, True), (None, LENGTHS)):
        layer, x = made(name, **options), rng.normal(size=(N, T, D))
        state = states(layer, rng)
        zeros = tuple(np.zeros_like(s) for s in parts(state))
        ends = [T] * N if lengths is None else lengths
        expected, finals = one_by_one(layer, x, state if given else zeros, ends)
        if not layer.batch_first:
            x, expected = x.swapaxes(0, 1), expected.swapaxes(0, 1)
        output, last = layer(x, *([state] if given else []), lengths=lengths)
        assert_all_close([output.data, *(s.data for s in parts(last))], [expected, *finals])
        assert isinstance(last, tuple) == isinstance(layer, nn.LSTM)


@pytest.mark.parametrize("name", KINDS)
def test_one_sequence_needs_no_axis_of_its_batch(name, rng):
    for first in (False, True):
        layer, x = made(name, bidirectional=True, batch_first=first), rng.normal(size=(T, D))
        state = states(layer, rng, 1)
        output, last = layer(x, tuple(s[:, 0] for s in state) if isinstance(state, tuple) else state[:, 0])
        expected, finals = one_by_one(layer, x[None], state, [T])
        assert_all_close([output.data, *(s.data for s in parts(last))], [expected[0], *(f[:, 0] for f in finals)])


@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["whole", "lengths"])
@pytest.mark.parametrize("name", KINDS)
def test_gradients_are_those_of_numerical_differentiation(name, lengths, rng):
    layer = made(name, num_layers=2, bidirectional=True)
    arrays = [rng.normal(size=(T, N, D)), *parts(states(layer, rng))]
    names = list(layer.state_dict())
    shares = [rng.normal(size=(T, N, 2 * H)), *(rng.normal(size=s.shape) for s in arrays[1:])]

    def f(x, *given):
        for key, value in zip(names, given[len(shares) - 1 :], strict=True):
            setattr(layer, key, value)
        first = given[: len(shares) - 1]
        output, last = layer(x, first if len(first) > 1 else first[0], lengths=lengths)
        return sum(np.sum(y * share) for y, share in zip((output, *parts(last)), shares, strict=True))

    arrays += layer.state_dict().values()
    gradients = tl.grad(f, argnums=tuple(range(len(arrays))))(*arrays)
    for i, gradient in enumerate(gradients):
        direction = rng.normal(size=gradient.shape)
        up, down = (f(*(a + h * direction if i == j else a for j, a in enumerate(arrays))) for h in (1e-6, -1e-6))
        np.testing.assert_allclose(np.sum(gradient * direction), (up.item() - down.item()) / 2e-6, rtol=1e-6, atol=1e-8)


def test_what_lies_beyond_the_lengths_may_be_anything_and_gets_no_gradient(rng):
    for name, (dtype, garbage) in itertools.product(KINDS, [(np.float64, np.nan), (np.float32, np.inf)]):
        layer, x = made(name, dtype, num_layers=2, bidirectional=True), rng.normal(size=(T, N, D)).astype(dtype)
        outputs = []
        for value in (0, garbage):
            x[np.arange(T)[:, None] >= LENGTHS] = value
            given = tl.tensor(x, requires_grad=True)
            output, last = layer(given, lengths=tl.tensor(LENGTHS))
            layer.zero_grad()
            (np.sum(output * output) + sum(np.sum(s * s) for s in parts(last))).backward()
            outputs.append([output.data, given.grad.data, *(p.grad.data for p in layer.parameters())])
            assert not output.data[np.arange(T)[:, None] >= LENGTHS].any()
            assert not given.grad.data[np.arange(T)[:, None] >= LENGTHS].any()
        assert_all_close(*outputs, rtol=0, atol=0)


def test_a_relu_that_would_grow_beyond_all_numbers_after_the_end_stays_out(rng):
    layer = made("RNN of relu", np.float32)
    layer.weight_hh_l0.data = np.full((H, H), 60.0)
    with np.errstate(all="raise"):
        output, _ = layer(np.ones((40, 2, D), np.float32), lengths=[2, 3])
        output.sum().backward()
    assert all(np.isfinite(p.grad.data).all() for p in layer.parameters())


CELLS = {
    "RNNCell": (nn.RNNCell, {}), "RNNCell of relu": (nn.RNNCell, {"nonlinearity": "relu"}),
    "LSTMCell": (nn.LSTMCell, {}), "GRUCell": (nn.GRUCell, {}),
}  # fmt: skip


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("name", CELLS)
def test_a_cell_is_one_step(name, bias, rng):
    kind, options = CELLS[name]
    with tl.default_dtype(np.float64):
        cell = kind(D, H, bias=bias, **options)
    w = {f"{key}_cell": value for key, value in cell.state_dict().items()}
    x, state = rng.normal(size=(N, D)), [rng.normal(size=(N, H)) for _ in cell.parts]
    zeros = [np.zeros((N, H)) for _ in cell.parts]
    for given in (state, zeros):
        expected = [step(cell, w, "_cell", x[n], [s[n] for s in given]) for n in range(N)]
        expected = [np.stack(part) for part in zip(*expected, strict=True)]
        got = cell(x) if given is zeros else cell(x, tuple(state) if len(state) > 1 else state[0])
        assert_all_close([s.data for s in parts(got)], expected)
        one = cell(x[1], *([] if given is zeros else [tuple(s[1] for s in state) if len(state) > 1 else state[0][1]]))
        assert_all_close([s.data for s in parts(one)], [part[1] for part in expected])


# ---- PyTorch ----


def theirs(layer, dtype):
    torch = pytest.importorskip("torch")
    names = [*NAMES, "dropout", *(["nonlinearity"] if isinstance(layer, nn.RNN) else [])]
    other = getattr(torch.nn, type(layer).__name__)(
        layer.input_size, layer.hidden_size, dtype=getattr(torch, np.dtype(dtype).name),
        **{name: getattr(layer, name) for name in names},
    )  # fmt: skip
    return torch, other


def results(run, given, parameters, grad, twice):
    """Output and last states; the gradients of a sum of them by what is given and by the parameters; those of a sum of
    these."""
    output, last = run(given[0], tuple(given[1:]) if len(given) > 2 else given[1])
    values, wanted = [output, *parts(last)], [*given, *parameters]
    first = grad(sum((v * v * v).sum() for v in values), wanted)
    second = grad(sum((g * g).sum() for g in first), wanted) if twice else []
    return [[v.detach().numpy() for v in some] for some in (values, first, second)]


def our_gradients(total, wanted):
    for p in wanted:
        p.grad = None
    total.backward(create_graph=True)
    return [p.grad for p in wanted]


def packed(torch, other, lengths):
    """PyTorch's layer on sequences of these lengths."""
    rnn = torch.nn.utils.rnn

    def run(x, state):
        given = rnn.pack_padded_sequence(x, torch.from_numpy(lengths), other.batch_first, enforce_sorted=False)
        output, last = other(given, state)
        return rnn.pad_packed_sequence(output, other.batch_first)[0], last

    return run


@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["whole", "lengths"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", KINDS)
def test_values_and_first_and_second_derivatives_are_those_of_pytorch(name, dtype, lengths, rng):
    close = {} if dtype == np.float64 else {"rtol": 2e-4, "atol": 2e-5}
    for options in OPTIONS:
        layer = made(name, dtype, **options)
        torch, other = theirs(layer, dtype)
        other.load_state_dict({key: torch.from_numpy(a) for key, a in layer.state_dict().items()})
        x = rng.normal(size=(N, T, D) if layer.batch_first else (T, N, D)).astype(dtype)
        arrays = [x, *parts(states(layer, rng, dtype=dtype))]
        twice = dtype == np.float64 and layer.num_layers == 1
        ours = results(
            functools.partial(layer, lengths=lengths), [tl.tensor(a, requires_grad=True) for a in arrays],
            list(layer.parameters()), our_gradients, twice,
        )  # fmt: skip
        run = other if lengths is None else packed(torch, other, lengths)
        expected = results(
            run, [torch.tensor(a, requires_grad=True) for a in arrays],
            [dict(other.named_parameters())[key] for key, _ in layer.named_parameters()],
            functools.partial(torch.autograd.grad, create_graph=True), twice,
        )  # fmt: skip
        for a, b in zip(ours, expected, strict=True):
            assert_all_close(a, b, **close)
        assert ours[0][0].dtype == dtype


@pytest.mark.parametrize("name", KINDS)
def test_a_state_dict_goes_to_pytorch_and_back_and_the_start_is_drawn_as_there(name, rng):
    for options in OPTIONS:
        layer = made(name, np.float32, **options)
        torch, other = theirs(layer, np.float32)
        assert list(layer.state_dict()) == list(other.state_dict())
        assert [a.shape for a in layer.state_dict().values()] == [tuple(a.shape) for a in other.state_dict().values()]
        layer.load_state_dict(other.state_dict())
        x = rng.normal(size=(N, T, D)).astype(np.float32)
        x = x if layer.batch_first else np.ascontiguousarray(x.swapaxes(0, 1))
        assert_all_close([layer(x)[0].data], [other(torch.from_numpy(x))[0].detach()], rtol=1e-4, atol=1e-6)
        for p in layer.parameters():
            assert np.abs(p.data).max() <= 1 / np.sqrt(H)
    many = np.concatenate([p.data.ravel() for p in KINDS[name][0](30, 25).parameters()])
    assert 0.19 < np.abs(many).max() <= 0.2 and abs(many.std() - 0.2 / np.sqrt(3)) < 0.01


@pytest.mark.parametrize("name", CELLS)
def test_cells_are_those_of_pytorch(name, rng):
    torch = pytest.importorskip("torch")
    kind, options = CELLS[name]
    for bias in (True, False):
        cell, other = kind(D, H, bias=bias, **options), getattr(torch.nn, kind.__name__)(D, H, bias=bias, **options)
        assert list(cell.state_dict()) == list(other.state_dict())
        cell.load_state_dict(other.state_dict())
        x, state = rng.normal(size=(N, D)).astype("f"), [rng.normal(size=(N, H)).astype("f") for _ in cell.parts]
        theirs = [torch.from_numpy(s) for s in state]
        got = cell(x, tuple(state) if len(state) > 1 else state[0])
        expected = other(torch.from_numpy(x), tuple(theirs) if len(state) > 1 else theirs[0])
        assert_all_close([s.data for s in parts(got)], [s.detach() for s in parts(expected)], rtol=1e-5, atol=1e-6)


# ---- an LSTM's whole sequence as one operation ----


def test_the_whole_sequence_is_the_steps(rng):
    given = [rng.normal(size=shape) for shape in ((T, N, 4 * H), (N, H), (N, H), (4 * H, H))]
    expected = lstm_by_steps(*given)
    assert expected.shape == (2, T + 1, N, H)
    np.testing.assert_allclose(lstm_sequence(*given), expected, rtol=1e-12)
    share = rng.normal(size=expected.shape)
    gradients = [
        tl.grad(lambda *given, f=f: np.sum(f(*given) * share), argnums=(0, 1, 2, 3))(*given)
        for f in (lstm_sequence, lstm_by_steps)
    ]
    assert_all_close(*gradients)


def test_gradients_that_can_be_differentiated_are_those_that_cannot(rng):
    for dtype, close in ((np.float64, 1e-12), (np.float32, 1e-5), (np.float16, 2e-3)):
        array = rng.normal(size=4 * T * N * H + 2 * N * H + 4 * H * H).astype(dtype)
        p, share = tl.tensor(array, requires_grad=True), rng.normal(size=(2, T + 1, N, H))
        np.sum(lstm(p, shape=(T, N, H)) * share).backward()
        plain = p.grad
        p.grad = None
        np.sum(lstm(p, shape=(T, N, H)) * share).backward(create_graph=True)
        assert plain.dtype == p.grad.dtype == dtype
        np.testing.assert_allclose(p.grad.data, plain.data, rtol=close, atol=close)


def test_an_lstm_whose_gates_are_shut_or_open_is_exact(rng):
    layer = made("LSTM")
    for p in layer.parameters():
        p.data[...] = 0
    layer.bias_ih_l0.data = np.repeat([-1000.0, 1000.0, 0.0, 1000.0], H)  # nothing comes in, nothing is forgotten
    c = rng.normal(size=(1, N, H))
    output, (_, last) = layer(rng.normal(size=(T, N, D)), (np.zeros_like(c), c))
    np.testing.assert_array_equal(last.data, c)
    np.testing.assert_array_equal(output.data, np.broadcast_to(np.tanh(c), (T, N, H)))


# ---- dtypes and sizes ----


@pytest.mark.parametrize("name", KINDS)
def test_float16_is_computed_in_float32_and_rounded_at_the_end(name, rng):
    half = made(name, np.float16, num_layers=2, bidirectional=True)
    single = made(name, np.float32, num_layers=2, bidirectional=True)
    single.load_state_dict(half.state_dict())
    x, state = rng.normal(size=(T, N, D)).astype(np.float16), states(half, rng, dtype=np.float16)
    results = []
    for layer, dtype in ((half, np.float16), (single, np.float32)):
        output, last = layer(x, tuple(s.astype(dtype) for s in state) if isinstance(state, tuple) else state)
        assert {output.dtype, *(s.dtype for s in parts(last))} == {np.dtype(dtype)}
        output.sum().backward()
        results.append([output.data, *(s.data for s in parts(last)), *(p.grad.data for p in layer.parameters())])
    for a, b in zip(*results, strict=True):
        assert a.dtype == np.float16
        np.testing.assert_array_equal(a, b.astype(np.float16))


@pytest.mark.parametrize("name", KINDS)
def test_an_empty_batch_gives_an_empty_output_and_gradients_of_zero(name):
    layer = made(name, np.float32, bidirectional=True)
    for lengths in (None, np.zeros(0, int)):
        output, last = layer(np.zeros((T, 0, D), np.float32), lengths=lengths)
        assert output.shape == (T, 0, 2 * H) and all(s.shape == (2, 0, H) for s in parts(last))
        layer.zero_grad()
        output.sum().backward()
        assert not any(p.grad.data.any() for p in layer.parameters())


def test_numbers_that_are_no_floats_are_taken_in_the_layers_dtype():
    layer = made("GRU", np.float32)
    output, h = layer([[[1, 2], [3, 4]]], [[[0] * H] * 2])
    assert output.dtype == h.dtype == np.float32 and output.shape == (1, 2, H)


def test_the_dtype_is_that_of_the_layer_beside_arrays_and_the_larger_one_beside_tensors(rng):
    x, h = rng.normal(size=(N, D)), rng.normal(size=(N, H))
    for cell, state in ((nn.GRUCell(D, H), h), (nn.LSTMCell(D, H), (h, h.tolist()))):
        assert all(s.dtype == np.float32 for s in parts(cell(x, state)))
    layer = nn.GRU(D, H)
    assert layer(x[None], h[None])[0].dtype == np.float32
    for dtype, larger in ((np.float16, np.float32), (np.float64, np.float64)):
        output, last = layer(tl.tensor(x[None].astype(dtype)))
        assert output.dtype == last.dtype == larger


# ---- dropout ----


@pytest.mark.parametrize("name", KINDS)
def test_recurrent_dropout_is_one_mask_for_all_steps_of_a_sequence(name, monkeypatch, rng):
    masks = []

    def drawn(shape, dtype, p, rng, order):
        masks.append(((np.arange(np.prod(shape)).reshape(shape) * 7 % 3 > 0) / (1 - p)).astype(dtype))
        return masks[-1]

    monkeypatch.setattr("tinydl.nn.recurrent.dropout_mask", drawn)
    layer, x = made(name, num_layers=2, bidirectional=True, recurrent_dropout=0.25), rng.normal(size=(T, N, D))
    output, _ = layer(x)
    assert len(masks) == 4 and all(mask.shape == (N, H) for mask in masks)
    w = layer.state_dict()
    inputs, run = x, 0
    for number in range(2):
        outputs = np.zeros((T, N, 2 * H))
        for direction in range(2):
            suffix = f"_l{number}" + "_reverse" * direction
            for n in range(N):
                state = [np.zeros(H) for _ in layer.parts]
                for t in reversed(range(T)) if direction else range(T):
                    before = state[0]
                    seen = [before * masks[run][n], *state[1:]]
                    state = list(step(layer, w, suffix, inputs[t, n], seen))
                    if name == "GRU":  # whose own h passes as it is; the mask is on the way to the gates
                        z = sigmoid(
                            np.split(w[f"weight_ih{suffix}"] @ inputs[t, n] + w[f"bias_ih{suffix}"], 3)[1]
                            + np.split(w[f"weight_hh{suffix}"] @ seen[0] + w[f"bias_hh{suffix}"], 3)[1]
                        )
                        state[0] = state[0] + z * (before - seen[0])
                    outputs[t, n, direction * H : (direction + 1) * H] = state[0]
            run += 1
        inputs = outputs
    np.testing.assert_allclose(output.data, outputs, rtol=1e-9)


@pytest.mark.parametrize("name", KINDS)
def test_dropout_is_drawn_by_the_seed_while_training_alone(name, rng):
    x = rng.normal(size=(T, N, D))
    for options in ({"recurrent_dropout": 0.5, "bias": False}, {"num_layers": 2, "dropout": 0.5}):
        layer = made(name, **options)
        plain = made(name, **{key: value for key, value in options.items() if "dropout" not in key})
        outputs = []
        for seed in (0, 0, 1):
            tl.manual_seed(seed)
            outputs.append(layer(x)[0].data)
        np.testing.assert_array_equal(outputs[0], outputs[1])
        assert not np.array_equal(outputs[0], outputs[2])
        np.testing.assert_array_equal(layer.eval()(x)[0].data, plain(x)[0].data)


@pytest.mark.parametrize("name", KINDS)
def test_one_sequence_alone_is_dropped_as_in_a_batch_of_one(name, rng):
    layer, x = made(name, bidirectional=True, recurrent_dropout=0.5), rng.normal(size=(T, D))
    state, results = states(layer, rng, 1), []
    for single in (True, False):
        tl.manual_seed(0)
        given = tuple(s[:, 0] if single else s for s in parts(state))
        output, last = layer(x if single else x[:, None], given if len(given) > 1 else given[0])
        results.append([y.data if single else y.data[:, 0] for y in (output, *parts(last))])
    assert_all_close(*results)


def test_what_recurrent_dropout_sends_on_has_the_expectation_of_h():
    layer = nn.RNN(1, 1, nonlinearity="relu", bias=False, recurrent_dropout=0.3)
    layer.weight_ih_l0.data, layer.weight_hh_l0.data = np.ones((1, 1)), np.ones((1, 1))
    tl.manual_seed(0)
    x = np.zeros((2, 20_000, 1), np.float32)
    x[0] = 1
    second = layer(x)[0].data[1]  # the first h, 1, times its mask
    assert set(np.unique(second)) == {np.float32(0), np.float32(1 / 0.7)} and abs(second.mean() - 1) < 0.02


def test_dropout_is_between_layers_and_not_after_the_last():
    layer = made("GRU", num_layers=2, dropout=1.0, bias=False)
    output, h = layer(np.ones((T, N, D)))
    assert not output.data.any() and not h.data[1].any() and h.data[0].all()
    with pytest.warns(UserWarning, match="between layers, so with num_layers=1 it does nothing; write nn.Dropout"):
        once = nn.GRU(D, H, dropout=0.5)
    assert once(np.ones((T, N, D), np.float32))[0].data.all()


def test_fit_with_a_seed_draws_the_same_masks_again(rng):
    x, y = rng.normal(size=(20, T, D)).astype(np.float32), rng.normal(size=(20, H)).astype(np.float32)
    losses = []
    for _ in range(2):
        model = Last(made("LSTM", np.float32, batch_first=True, recurrent_dropout=0.4))
        history = tl.fit(
            model, (x, y), loss=F.mse_loss, optimizer=optim.SGD(model.parameters(), lr=0.1), epochs=2, seed=3,
            progress=False,
        )  # fmt: skip
        losses.append(history["loss"])
    assert losses[0] == losses[1]


# ---- in use ----


class Last(nn.Module):
    """The last step's output."""

    def __init__(self, layer):
        self.layer = layer

    def forward(self, x):
        output, _ = self.layer(x)
        return output[:, -1]


class Classifier(nn.Module):
    """Words to classes."""

    def __init__(self, kind=nn.GRU):
        self.table, self.rnn, self.head = nn.Embedding(7, 3), kind(3, 4, batch_first=True), nn.Linear(4, 2)

    def forward(self, words):
        output, _ = self.rnn(self.table(words))
        return self.head(output[:, -1])


def test_a_whole_network_has_the_gradients_of_numerical_differentiation(rng):
    with tl.default_dtype(np.float64):
        model = Classifier()
    words, labels = rng.integers(0, 7, (5, 4)), np.array([0, 1, 1, 0, 1])
    owners = [
        (owner, name)
        for owner in model.modules()
        for name in vars(owner)
        if isinstance(getattr(owner, name), tl.Tensor)
    ]

    def loss(*given):
        for (owner, name), value in zip(owners, given, strict=True):
            setattr(owner, name, value)
        return F.cross_entropy(model(words), labels)

    report = tl.gradcheck(loss, *(getattr(owner, name).data.copy() for owner, name in owners))
    assert report.verdict == "right" and len(owners) == 7, report


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
def test_a_classifier_of_sequences_learns_and_is_diagnosed_summed_up_and_explained(kind, rng):
    tl.manual_seed(0)
    words = rng.integers(0, 7, (120, 5))
    labels = (words[:, 3] > 3).astype(int)
    model = Classifier(kind)
    optimizer = optim.Adam(model.parameters(), lr=0.03)
    with tl.strict():
        history = tl.fit(
            model, (words, labels), loss=F.cross_entropy, optimizer=optimizer, epochs=25, progress=False, seed=1
        )
    found = tl.evaluate(model, (words, labels), loss=F.cross_entropy, metrics={"accuracy": tl.accuracy})
    assert found["accuracy"] > 0.95
    assert not tl.diagnose(model, batch=(words, labels), loss=F.cross_entropy, optimizer=optimizer, history=history)
    row = tl.summary(model, (5,)).rows[1]
    assert row.layer == f"rnn ({kind.__name__})" and row.parameters == sum(p.size for p in model.rnn.parameters())
    assert "(N, 5, 4)" in str(tl.summary(model, (5,)))
    loss = F.cross_entropy(model(words[:3]), labels[:3])
    terms = tl.explain(loss, model.rnn.weight_hh_l0, index=(1, 2)).terms
    loss.backward()
    np.testing.assert_allclose(sum(t.value for t in terms), model.rnn.weight_hh_l0.grad.data[1, 2], rtol=1e-3)
    assert ("= lstm(" in str(tl.explain(loss))) == (kind is nn.LSTM)


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
def test_a_state_is_carried_from_one_part_of_a_long_sequence_to_the_next(kind, rng):
    tl.manual_seed(0)
    layer, x = kind(D, H, num_layers=2), rng.normal(size=(3 * T, N, D)).astype(np.float32)
    whole, last = layer(x)
    outputs, state = [], None
    for k in range(3):
        output, state = layer(x[k * T : (k + 1) * T], state)
        outputs.append(output)
    assert_all_close([np.concatenate(outputs).data], [whole.data], rtol=1e-5, atol=1e-6)
    assert_all_close([s.data for s in parts(state)], [s.data for s in parts(last)], rtol=1e-5, atol=1e-6)

    optimizer, state = optim.SGD(layer.parameters(), lr=0.1), None
    for k in range(3):  # truncated backpropagation through time
        output, state = layer(x[k * T : (k + 1) * T], state)
        optimizer.zero_grad()
        (output * output).mean().backward()
        optimizer.step()
        state = tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()
    output, state = layer(x[:T], state)
    (output * output).mean().backward()
    optimizer.step()
    output, state = layer(x[T : 2 * T], state)
    with pytest.raises(tl.ChangedValueError, match=r"recurrent state carried over, .* pass h.detach\(\)"):
        (output * output).mean().backward()


def test_strict_mode_says_that_a_carried_state_makes_the_graph_grow(rng):
    layer, other, x = nn.GRU(D, H), nn.Linear(H, 1), rng.normal(size=(T, N, D)).astype(np.float32)
    for p in layer.parameters():
        p.requires_grad = False
    start = tl.tensor(np.zeros((1, N, H)), dtype=np.float32, requires_grad=True)
    optimizer, h = optim.SGD(other.parameters(), lr=0.1), start
    with pytest.raises(tl.StrictError, match=r"write state = state.detach\(\)"), tl.strict():
        for _ in range(5):
            optimizer.zero_grad()
            output, h = layer(x, h + other.bias)
            other(output.detach()).mean().backward()
            optimizer.step()


@pytest.mark.parametrize("name", KINDS)
def test_a_compiled_step_is_the_step_to_the_bit(name, rng):
    words, labels, lengths = rng.integers(0, 7, (4, 6, 5)), rng.integers(0, 2, (4, 6)), rng.integers(1, 6, (4, 6))

    class Model(nn.Module):
        def __init__(self):
            self.table, self.head = nn.Embedding(7, D), nn.Linear(2 * H, 2)
            self.rnn = made(name, np.float32, num_layers=2, bidirectional=True, batch_first=True)

        def forward(self, words, lengths):
            output, _ = self.rnn(self.table(words), lengths=lengths)
            return self.head(output.sum(axis=1))

    results = []
    for compiled in (False, True):
        tl.manual_seed(0)
        model = Model()
        optimizer = optim.Adam(model.parameters(), lr=0.01)

        def step(words, lengths, labels, model=model, optimizer=optimizer):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(words, lengths), labels)
            loss.backward()
            optimizer.step()
            return loss.item()

        run = tl.compile(step) if compiled else step
        results.append([[run(*batch) for batch in zip(words, lengths, labels, strict=True)], model.state_dict()])
    assert results[0][0] == results[1][0]
    for key, value in results[0][1].items():
        np.testing.assert_array_equal(value, results[1][1][key])


def test_a_layer_can_be_pickled_and_says_what_it_is():
    layer = nn.LSTM(28, 64, num_layers=2, bidirectional=True)
    assert repr(layer) == (
        "LSTM(28, 64, num_layers=2, bias=True, batch_first=False, dropout=0.0, bidirectional=True, "
        "recurrent_dropout=0.0)"
    )
    assert "batch_first=True" in repr(nn.GRU(2, 3, batch_first=True))
    assert repr(nn.RNNCell(2, 3)) == "RNNCell(2, 3, bias=True, nonlinearity='tanh')"
    x = np.ones((T, N, 28), np.float32)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(layer))(x)[0].data, layer(x)[0].data)


# ---- what users get wrong ----


def x_of(*shape):
    return np.zeros(shape, np.float32)


with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    WRONG = [
        (nn.GRU(28, 4), (x_of(32, 20, 30),), {}, ValueError,
         "GRU with input_size=28 reads x (time 32, batch 20, features 30), because batch_first=False: the last"),
        (nn.GRU(28, 4, batch_first=True), (x_of(32, 20, 30),), {}, ValueError,
         "reads x (batch 32, time 20, features 30), because batch_first=True: the last axis must be 28 long"),
        (nn.LSTM(28, 4), (x_of(32, 28, 20),), {}, ValueError, "features 20), because batch_first=False: write "
         "x.swapaxes(1, 2)"),
        (nn.LSTM(28, 4), (x_of(32, 20),), {}, ValueError,
         "x (time 32, features 20), one sequence without a batch: the last axis must be 28 long; of a batch of words' "
         "numbers make vectors first, by nn.Embedding"),
        (nn.LSTM(28, 4), (x_of(28),), {}, ValueError,
         "LSTM takes x of shape (time, batch, 28) or, one sequence, (time, 28), not (28,)"),
        (nn.LSTM(28, 4, batch_first=True), (x_of(1, 2, 3, 28),), {}, ValueError,
         "LSTM takes x of shape (batch, time, 28) or, one sequence, (time, 28), not (1, 2, 3, 28)"),
        (nn.RNN(28, 4), (x_of(0, 20, 28),), {}, ValueError,
         "RNN reads x (time 0, batch 20, features 28), because batch_first=False: a sequence needs at least one step"),
        (nn.RNN(28, 4, batch_first=True), (x_of(20, 0, 28),), {}, ValueError, "a sequence needs at least one step"),
        (nn.LSTM(2, 4), (x_of(5, 3, 2), x_of(1, 3, 4)), {}, TypeError,
         "LSTM's state is (h, c), the hidden state and the cell, not a ndarray; write (h, c)"),
        (nn.LSTM(2, 4), (x_of(5, 3, 2), [x_of(1, 3, 4)]), {}, TypeError, "not a list of 1; write (h, c)"),
        (nn.GRU(2, 4), (x_of(5, 3, 2), (x_of(1, 3, 4), x_of(1, 3, 4))), {}, TypeError,
         "GRU's state is h alone, not a tuple of 2: only an LSTM's is (h, c)"),
        (nn.GRU(2, 4), (x_of(5, 3, 2), x_of(1, 5, 4)), {}, ValueError,
         "GRU's h must have shape (1, 3, 4), (1 layer, batch 3, hidden 4), not (1, 5, 4); batch 3 is read from x "
         "because batch_first=False"),
        (nn.LSTM(2, 4, 2, bidirectional=True), (x_of(5, 3, 2), (x_of(4, 3, 4), x_of(2, 3, 4))), {}, ValueError,
         "LSTM's c must have shape (4, 3, 4), (2 layers · 2 directions, batch 3, hidden 4), not (2, 3, 4)"),
        (nn.GRU(2, 4, 2, batch_first=True), (x_of(3, 5, 2), x_of(3, 2, 4)), {}, ValueError,
         "not (3, 2, 4): it is never batch first; write h.swapaxes(0, 1)"),
        (nn.GRU(2, 4), (x_of(5, 3, 2), x_of(3, 4)), {}, ValueError, "not (3, 4); write h[None]"),
        (nn.GRU(2, 4), (x_of(5, 2), x_of(1, 3, 4)), {}, ValueError,
         "GRU's h must have shape (1, 4), (1 layer, hidden 4), not (1, 3, 4)"),
        (nn.GRU(2, 4), (x_of(5, 2), x_of(4)), {}, ValueError, "(1, 4), (1 layer, hidden 4), not (4,); write h[None]"),
        (nn.GRU(2, 4), (x_of(5, 3, 2),), {"lengths": [5, 6, 1]}, ValueError,
         "GRU's lengths must be within 1 … 5, not 1 … 6"),
        (nn.GRU(2, 4), (x_of(5, 3, 2),), {"lengths": [0, 5, 1]}, ValueError, "within 1 … 5, not 0 … 5"),
        (nn.GRU(2, 4), (x_of(5, 3, 2),), {"lengths": [1, 5]}, ValueError,
         "GRU's lengths must have shape (3,), one for each sequence, not (2,)"),
        (nn.GRU(2, 4), (x_of(5, 3, 2),), {"lengths": [1.0, 5.0, 2.0]}, TypeError,
         "GRU's lengths are integers, the number of steps of each sequence, not float64"),
        (nn.GRU(2, 4), (x_of(5, 2),), {"lengths": [3]}, ValueError, "it has one length; write x[:length]"),
        (nn.LSTMCell(2, 4), (x_of(5, 3, 2),), {}, ValueError,
         "LSTMCell takes one step, x of shape (batch, 2) or (2,), not (5, 3, 2). Of a sequence write x[t], or nn.LSTM"),
        (nn.GRUCell(2, 4), (x_of(3, 5),), {}, ValueError, "x of shape (batch, 2) or (2,), not (3, 5)"),
        (nn.RNNCell(2, 4), (x_of(3, 2), x_of(1, 4)), {}, ValueError,
         "RNNCell's h must have shape (3, 4) beside x (3, 2), not (1, 4)"),
        (nn.LSTMCell(2, 4), (x_of(3, 2), x_of(3, 4)), {}, TypeError, "LSTMCell's state is (h, c)"),
        (nn.GRUCell(2, 4), (x_of(3, 2), (x_of(3, 4),)), {}, TypeError, "GRUCell's state is h alone, not a tuple of 1"),
        (nn.Sequential(nn.GRU(2, 4), nn.Linear(4, 1)), (x_of(5, 3, 2),), {}, TypeError,
         "layer 1 (Linear): one Tensor is needed, not a tuple of 2. A recurrent layer gives its output and its state"),
    ]  # fmt: skip


@pytest.mark.parametrize(("layer", "given", "options", "error", "said"), WRONG, ids=[w[-1][:50] for w in WRONG])
def test_an_error_says_how_the_axes_are_read_and_what_to_write(layer, given, options, error, said):
    with pytest.raises(error) as raised:
        layer(*given, **options)
    assert said in str(raised.value)


def test_settings_that_cannot_be_meant_are_refused():
    for make, error, said in [
        (lambda: nn.RNN(2, 3, nonlinearity="sigmoid"), ValueError, 'RNN\'s nonlinearity is "tanh" or "relu", not'),
        (lambda: nn.RNNCell(2, 3, nonlinearity="Tanh"), ValueError, 'RNNCell\'s nonlinearity is "tanh" or'),
        (lambda: nn.GRU(2, 3, 2, dropout=1.5), ValueError, "GRU's dropout is a probability, 0 ≤ p ≤ 1, not 1.5"),
        (lambda: nn.GRU(2, 3, recurrent_dropout=-0.1), ValueError, "GRU's recurrent_dropout is a probability"),
        (lambda: nn.GRU(2, 3, 2, dropout=True), TypeError, "GRU's dropout must be a number, not True"),
        (lambda: nn.LSTM(2, 3, recurrent_dropout="0.1"), TypeError, "LSTM's recurrent_dropout must be a number"),
        (lambda: nn.LSTM(0, 3), ValueError, "input_size must be at least 1, not 0"),
        (lambda: nn.LSTM(2, 0), ValueError, "hidden_size must be at least 1, not 0"),
        (lambda: nn.LSTM(2, 3, 0), ValueError, "num_layers must be at least 1, not 0"),
        (lambda: nn.GRUCell(0, 3), ValueError, "input_size must be at least 1, not 0"),
        (lambda: nn.GRUCell(2, 0), ValueError, "hidden_size must be at least 1, not 0"),
    ]:
        with pytest.raises(error) as raised:
            make()
        assert said in str(raised.value)
