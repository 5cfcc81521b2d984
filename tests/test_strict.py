"""Strict mode: each silent mistake raises a sentence, and the nearest correct program runs through in silence."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import tinydl as tl
from tinydl import functional as F
from tinydl import nn, optim
from tinydl.engine.recording import state


@pytest.fixture(autouse=True)
def seed():
    tl.manual_seed(0)


X = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)
LABELS = np.arange(12) % 4
Y = X[:, :1] * 2 - X[:, 1:2] + 0.5


def train(model, loss, steps=4, optimizer=None, x=X, zero=True):
    """An ordinary training loop in strict mode."""
    optimizer = optimizer or optim.SGD(model.parameters(), lr=0.01)
    with tl.strict():
        for _ in range(steps):
            if zero:
                optimizer.zero_grad()
            loss(model(x)).backward()
            optimizer.step()


def classifier(*end):
    return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 4), *end)


def cross_entropy(z):
    return F.cross_entropy(z, LABELS)


# ---- softmax twice ----


class SoftmaxByHand(nn.Module):
    def forward(self, z):
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("end", [nn.Softmax(), SoftmaxByHand()])
@pytest.mark.parametrize("options", [{}, {"reduction": "sum"}, {"label_smoothing": 0.1}])
def test_softmax_before_cross_entropy_is_one_softmax_too_many(end, options):
    loss = lambda z: F.cross_entropy(z, LABELS, **options)
    with pytest.raises(tl.StrictError, match=r"softmax is applied twice.*test_strict.py"):
        train(classifier(end), loss)
    train(classifier(), loss)


def test_softmax_is_found_behind_changes_of_shape_and_in_evaluation():
    with pytest.raises(tl.StrictError, match="twice"):
        train(classifier(nn.Softmax()), lambda p: F.cross_entropy(p.reshape(3, 4, 4).reshape(12, 4), LABELS))
    with pytest.raises(tl.StrictError, match="twice"), tl.strict(), tl.no_grad():
        F.cross_entropy(classifier(nn.Softmax())(X), LABELS)
    with pytest.raises(tl.StrictError, match="twice"):
        train(classifier(nn.Softmax(), nn.Softmax()), lambda p: F.nll_loss(np.log(p), LABELS))


@pytest.mark.parametrize(
    "probabilities",
    [
        lambda z: np.clip(F.softmax(z), 1e-7, 1),
        lambda z: np.concatenate([F.softmax(z[:5]), F.softmax(z[5:])]),
        lambda z: np.stack([F.softmax(row) for row in z]),
        lambda z: np.exp(F.log_softmax(z)),
    ],
)
def test_softmax_is_found_behind_what_keeps_probabilities(probabilities):
    with pytest.raises(tl.StrictError, match="softmax is applied twice"):
        train(classifier(), lambda z: F.cross_entropy(probabilities(z), LABELS))
    train(classifier(), lambda z: F.nll_loss(np.log(probabilities(z)), LABELS))


def test_probabilities_beside_other_features_are_no_scores():
    a, b = nn.Linear(3, 2), nn.Linear(3, 2)
    optimizer = optim.SGD([*a.parameters(), *b.parameters()], lr=0.1)
    with tl.strict():
        for _ in range(3):
            optimizer.zero_grad()
            cross_entropy(np.concatenate([F.softmax(a(X)), b(X)], axis=1)).backward()
            optimizer.step()


def test_one_softmax_with_its_logarithm_is_right():
    train(classifier(nn.Softmax()), lambda p: F.nll_loss(np.log(p), LABELS))
    train(classifier(), lambda z: F.nll_loss(F.log_softmax(z), LABELS))
    train(classifier(), lambda z: F.cross_entropy(F.log_softmax(z), LABELS))  # the same number
    train(classifier(nn.Softmax()), lambda p: F.mse_loss(p, F.one_hot(LABELS)))
    train(classifier(), lambda z: F.kl_div(F.log_softmax(z), F.softmax(z).detach()))


class Attention(nn.Module):
    def __init__(self):
        self.q, self.k, self.v, self.out = nn.Linear(3, 4), nn.Linear(3, 4), nn.Linear(3, 4), nn.Linear(4, 4)

    def forward(self, x):
        a = F.softmax(self.q(x) @ self.k(x).T)
        b = F.softmax(a @ self.v(x) @ self.v(x).T)
        return self.out(b @ self.v(x))


def test_softmaxes_of_attention_in_the_middle_are_right():
    train(Attention(), cross_entropy)


def test_softmaxes_along_two_axes_one_after_the_other_are_right():
    train(classifier(), lambda z: F.softmax(F.softmax(z, axis=0), axis=1)[:, 0].mean())


def test_sigmoid_before_the_loss_that_contains_it_is_one_too_many():
    t = (X[:, :1] > 0).astype(np.float32)
    with pytest.raises(tl.StrictError, match="sigmoid is applied twice"):
        train(nn.Sequential(nn.Linear(3, 1), nn.Sigmoid()), lambda p: F.binary_cross_entropy_with_logits(p, t))
    with pytest.raises(tl.StrictError, match="sigmoid is applied twice"):
        train(nn.Linear(3, 1), lambda z: F.binary_cross_entropy_with_logits(1 / (1 + np.exp(-z)), t))
    train(nn.Linear(3, 1), lambda z: F.binary_cross_entropy(1 / (1 + np.exp(-z)), t))
    train(nn.Linear(3, 1), lambda z: F.binary_cross_entropy_with_logits(z, t))
    train(nn.Sequential(nn.Linear(3, 1), nn.Sigmoid()), lambda p: F.binary_cross_entropy(p, t))
    train(nn.Sequential(nn.Linear(3, 2), nn.Sigmoid(), nn.Linear(2, 1)), lambda z: F.softplus(-z).mean())


# ---- the rhythm of zero_grad, backward, step ----


def test_backward_without_zero_grad_since_the_last_step():
    model = nn.Linear(3, 1)
    after = []

    def loss(z):
        after.append(model.weight.numpy())
        return F.mse_loss(z, Y)

    with pytest.raises(tl.StrictError, match=r"without zero_grad: .*weight of shape \(1, 3\)"):
        train(model, loss, zero=False)
    assert len(after) == 2
    np.testing.assert_array_equal(model.weight.data, after[1])  # it was said before the second step


@pytest.mark.parametrize("how", ["none", "in place", "model", "after", "scaled"])
def test_each_way_of_forgetting_old_gradients_is_right(how):
    model = nn.Linear(3, 1)
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    with tl.strict():
        for _ in range(3):
            for p in model.parameters():
                if how == "none":
                    p.grad = None
                elif how == "in place" and p.grad is not None:
                    p.grad.data[...] = 0
                elif how == "scaled" and p.grad is not None:  # momentum by hand
                    p.grad.data[...] *= 0.9
            if how == "model":
                model.zero_grad()
            F.mse_loss(model(X), Y).backward()
            optimizer.step()
            if how == "after":
                optimizer.zero_grad()


def test_gradients_added_up_over_several_batches_are_right():
    model = nn.Linear(3, 1)
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    with tl.strict():
        for _ in range(3):
            optimizer.zero_grad()
            for half in (slice(6), slice(6, 12)):
                (F.mse_loss(model(X[half]), Y[half]) / 2).backward()
            optimizer.step()


def test_a_step_without_backward():
    model = nn.Linear(3, 1)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    before = model.weight.numpy()
    with pytest.raises(tl.StrictError, match="step without backward: none of SGD's 2"), tl.strict():
        F.mse_loss(model(X), Y)
        optimizer.step()
    with (
        pytest.raises(tl.StrictError, match="step without backward: SGD's gradients are those of its last"),
        tl.strict(),
    ):
        F.mse_loss(model(X), Y).backward()
        optimizer.step()
        before = model.weight.numpy()
        F.mse_loss(model(X), Y)
        optimizer.step()
    np.testing.assert_array_equal(model.weight.data, before)


def test_gradients_from_transforms_and_set_by_hand_are_right():
    w = tl.tensor([[1.0], [2.0], [3.0]], requires_grad=True)
    optimizer = optim.SGD([w], lr=0.01)
    with tl.strict():
        for _ in range(3):
            w.grad = tl.tensor(tl.grad(lambda w: ((X @ w - Y) ** 2).mean())(w).data)
            optimizer.step()


def test_an_optimizer_made_of_a_copy_makes_steps_without_gradients():
    import copy

    model = nn.Linear(3, 1)
    with pytest.raises(tl.StrictError, match="step without backward"):
        train(model, lambda z: F.mse_loss(z, Y), optimizer=optim.SGD(copy.deepcopy(model).parameters(), lr=0.1))


# ---- who is trained ----


def test_a_trained_tensor_that_the_optimizer_lacks():
    model = classifier()
    with pytest.raises(tl.StrictError, match=r"0\.(weight|bias) .*no optimizer has it"):
        train(model, cross_entropy, optimizer=optim.SGD(model[2].parameters(), lr=0.1))
    with pytest.raises(tl.StrictError, match="no optimizer has it"):
        train(model, cross_entropy, steps=1, optimizer=optim.SGD(model[2].parameters(), lr=0.1))
    for p in model[0].parameters():
        p.requires_grad = False
    train(model, cross_entropy, optimizer=optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1))
    train(model, cross_entropy, optimizer=optim.SGD(model.parameters(), lr=0.1))  # which skips the frozen ones


def test_a_bare_tensor_that_the_optimizer_lacks():
    w, b = (tl.tensor(np.ones(shape), requires_grad=True, name=name) for shape, name in (((3, 1), "w"), ((1,), "b")))
    for params, steps in (([w], 1), ([w], 5)):
        with pytest.raises(tl.StrictError, match=r"parameter b of shape \(1,\).*no optimizer"):
            train(lambda x: x @ w + b, lambda z: F.mse_loss(z, Y), steps, optim.SGD(params, lr=0.1))
    train(lambda x: x @ w + b, lambda z: F.mse_loss(z, Y), optimizer=optim.SGD([w, b], lr=0.1))


def test_a_tensor_updated_by_hand_beside_an_optimizer_is_right():
    w, b = tl.tensor(np.ones((3, 1)), requires_grad=True), tl.tensor([0.0], requires_grad=True)
    optimizer = optim.SGD([w], lr=0.1)
    with tl.strict():
        for _ in range(3):
            w.grad = b.grad = None
            F.mse_loss(X @ w + b, Y).backward()
            with tl.no_grad():
                b -= 0.1 * b.grad
            optimizer.step()


def test_the_gradient_of_the_inputs_may_be_looked_at_in_each_step():
    model = classifier()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    with tl.strict():
        for _ in range(3):
            x = tl.tensor(X, requires_grad=True)
            optimizer.zero_grad()
            cross_entropy(model(x)).backward()
            attack = tl.tensor(X + 0.1 * np.sign(x.grad.data))
            optimizer.zero_grad()
            cross_entropy(model(attack)).backward()
            optimizer.step()


@pytest.mark.parametrize("detach", [True, False])
@pytest.mark.parametrize("first", ["critic", "generator"])
def test_two_networks_with_an_optimizer_each_are_right(detach, first):
    generator, critic = nn.Linear(2, 3), nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
    optimizers = {"generator": optim.Adam(generator.parameters()), "critic": optim.Adam(critic.parameters())}
    noise, ones, zeros = X[:, :2], np.ones((12, 1)), np.zeros((12, 1))
    loss = F.binary_cross_entropy_with_logits
    with tl.strict():
        for _ in range(4):
            for who in (first, *({"critic", "generator"} - {first})):
                optimizers[who].zero_grad()
                made = generator(noise)
                if who == "critic":
                    made = made.detach() if detach else made
                    (loss(critic(X), ones) + loss(critic(made), zeros)).backward()
                else:
                    loss(critic(made), ones).backward()
                optimizers[who].step()


def test_gradients_that_a_stranger_left_and_that_are_zeroed_in_place_before_use_are_right():
    model = nn.Linear(3, 1)
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    with tl.strict():
        for _ in range(4):
            F.mse_loss(model(X), Y).backward()  # only looked at: for another's sake
            for p in model.parameters():
                p.grad.data[...] = 0
            F.mse_loss(model(X), Y).backward()
            optimizer.step()


@tl.no_grad()
def without(layer, h):
    return layer(h)


class Forgetful(nn.Module):
    def __init__(self, use):
        self.a, self.b, self.use = nn.Linear(3, 4), nn.Linear(4, 4), use

    def forward(self, x):
        return {
            "not": lambda h: h,
            "detached": lambda h: h + 0 * self.b(h).detach(),
            "data": lambda h: h @ self.b.weight.data + self.b.bias,
            "all data": lambda h: h + (h.data @ self.b.weight.data + self.b.bias.data),
            "numpy": lambda h: h @ self.b.weight.numpy() + self.b.bias,
            "plain": lambda h: h + tl.tensor(np.tanh(self.b.weight.data.sum(1) + self.b.bias.numpy())),
            "item": lambda h: h * self.b.weight[0, 0].item() + h * self.b.weight.sum().item() + self.b.bias,
            "under no_grad": lambda h: h + without(self.b, h),
            "right": lambda h: self.b(h),
        }[self.use](self.a(x))


@pytest.mark.parametrize("steps", [1, 3, 30])
@pytest.mark.parametrize(
    "use, says",
    [("not", "no recorded operation"), ("detached", "is cut"), ("under no_grad", "is cut"),
     ("data", r"only through \.data, .*test_strict.py"), ("all data", r"only through \.data"),
     ("numpy", r"only through \.data, \.numpy"), ("plain", r"only through \.data"), ("item", "is cut")],
)  # fmt: skip
def test_a_parameter_that_never_receives_a_gradient(use, says, steps):
    with pytest.raises(tl.StrictError, match=rf"b\.(weight|bias) of shape .*gradient.*{says}"):
        train(Forgetful(use), cross_entropy, steps)
    train(Forgetful("right"), cross_entropy, steps)


def test_a_parameter_without_a_name_is_named_by_its_number():
    w, unused, b = (tl.tensor(np.zeros(shape), requires_grad=True) for shape in ((3, 1), (4, 2), (1,)))
    with pytest.raises(tl.StrictError, match=r"parameter 1 of SGD, of shape \(4, 2\), never received a gradient"):
        train(lambda x: x @ w + b, lambda z: F.mse_loss(z, Y), optimizer=optim.SGD([w, unused, b], lr=0.1))


def test_a_parameter_that_is_used_as_data_too_is_right():
    model = nn.Linear(3, 4)
    train(model, lambda z: cross_entropy(z + (model.bias * 0) + z @ (0 * model.weight.data @ np.ones((3, 4)))))


@pytest.mark.parametrize("looked_at", [False, True])
def test_heads_that_take_turns_are_right_also_when_they_are_looked_at_meanwhile(looked_at):
    body, heads = nn.Linear(3, 4), [nn.Linear(4, 4) for _ in range(3)]
    optimizer = optim.SGD([p for m in (body, *heads) for p in m.parameters()], lr=0.1)
    with tl.strict():
        for step in range(9):
            optimizer.zero_grad()
            cross_entropy(heads[step % 3](body(X))).backward()
            for p in (p for head in heads for p in head.parameters() if looked_at):
                assert np.abs(p.data).max() < 9 and np.abs(p.numpy()).max() < 9
            optimizer.step()


def test_rows_of_an_embedding_that_no_example_uses_are_right():
    model = nn.Sequential(nn.Embedding(50, 3), nn.Linear(3, 4))
    train(model, cross_entropy, x=LABELS)


def test_layers_used_twice_are_right():
    layer = nn.Linear(3, 3)
    train(nn.Sequential(layer, nn.Tanh(), layer, nn.Linear(3, 4)), cross_entropy)


# ---- rounding ----


class Rounded(nn.Module):
    def __init__(self, function):
        self.a, self.b, self.function = nn.Linear(3, 5), nn.Linear(5, 4), function

    def forward(self, x):
        return self.b(self.function(self.a(x)))


ROUNDING = [np.round, np.floor, np.ceil, np.trunc, np.rint, lambda h: h // 0.1, lambda h: h.astype(int),
            lambda h: 0.5 * np.round(h) + 1, lambda h: h.round()]  # fmt: skip


@pytest.mark.parametrize("function", ROUNDING)
def test_rounding_between_a_parameter_and_the_loss(function):
    with pytest.raises(tl.StrictError, match=r"(round|floor|ceil|trunc|rint|astype|divide).*test_strict.py.*flat"):
        train(Rounded(function), cross_entropy)


def test_rounding_is_found_where_another_way_to_the_parameter_is_open():
    model = Rounded(np.round)
    with pytest.raises(tl.StrictError, match="round"):
        train(model, lambda z: cross_entropy(z) + 0.1 * (model.a.weight**2).sum() + 0.1 * (model.a.bias**2).sum())


RIGHT = [
    lambda h: h,
    lambda h: h / 0.1,
    lambda h: h - np.floor(h),
    lambda h: h + (np.round(h) - h).detach(),
    lambda h: h + (np.round(h.data) - h.data),
    lambda h: np.remainder(h, 1.0),
    lambda h: h * (np.round(h) > 0),
    lambda h: np.where(np.floor(h) % 2 == 0, h, -h),
    lambda h: np.abs(h - np.floor(h + 0.5)),
]


@pytest.mark.parametrize("function", RIGHT)
def test_rounding_that_hides_no_slope_is_right(function):
    train(Rounded(function), cross_entropy)


def test_rounding_for_a_report_is_right():
    def loss(z):
        assert 0 <= (np.round(F.softmax(z))[np.arange(12), LABELS]).mean() <= 1
        assert round(cross_entropy(z), 2).size == 1
        return cross_entropy(z)

    train(classifier(), loss)


# ---- attention that looks ahead ----

PAST = np.tri(5, dtype=bool)  # each place sees itself and what came before
SEQUENCES = np.random.default_rng(1).normal(size=(3, 5, 8)).astype(np.float32)
PADDED = np.array([[False] * 5, [True, True, False, False, False], [False, False, False, True, True]])


def by_layer(**masks):
    return lambda layer, x: layer(x, x, x, **masks)[0]


def by_function(mask):
    return lambda layer, x: F.scaled_dot_product_attention(x, x, x, mask)


def by_hand(mask, hidden):
    def forward(layer, x):
        scores = np.where(mask, x @ x.mT, hidden) if hidden == -np.inf else x @ x.mT + np.where(mask, 0, hidden)
        return F.softmax(scores) @ x

    return forward


class Through(Exception):
    """Nothing was wrong."""


def attend(forward):
    layer, first = nn.MultiheadAttention(8, 2, batch_first=True), nn.Linear(8, 8)
    with tl.strict():
        forward(layer, first(SEQUENCES))
        raise Through  # without a step there would be more to say at the end


@pytest.mark.parametrize(
    "forward",
    [
        by_layer(attn_mask=PAST),
        by_layer(attn_mask=PAST, key_padding_mask=PADDED),
        by_layer(attn_mask=np.tri(5, k=-1, dtype=bool)),
        by_layer(attn_mask=np.where(PAST, -np.inf, 0)),
        by_function(~PAST),
        by_function(PAST.T),
        by_function(np.where(PAST, -1e9, 0)),
        by_hand(PAST.T, -np.inf),
        by_hand(PAST.T, -1e4),
    ],
)
def test_a_mask_that_is_the_wrong_way_round(forward):
    with pytest.raises(tl.StrictError, match=r"test_strict.py:\d+.* looks ahead: .* write ~mask"):
        attend(forward)


@pytest.mark.parametrize(
    "forward",
    [
        by_layer(attn_mask=~PAST),
        by_layer(attn_mask=~PAST, key_padding_mask=PADDED),
        by_layer(is_causal=True),
        by_layer(key_padding_mask=PADDED),
        by_layer(
            attn_mask=np.zeros((5, 5)), key_padding_mask=np.array([[True] * 4 + [False]] * 3)
        ),  # at the last alone
        by_layer(key_padding_mask=np.array([[True] * 3 + [False] * 2] * 3)),
        by_layer(attn_mask=np.ones((5, 5), bool)),  # nobody looks anywhere
        by_function(PAST),
        by_function(np.eye(5, dtype=bool)),
        by_function(PAST | PAST.T),
        by_function(~PAST | (PAST & ~np.tri(5, k=-2, dtype=bool))),  # itself, one before, and all behind
        by_function(np.float32(0.5) * np.arange(-4, 1) * np.ones((5, 1), np.float32)),
        by_hand(PAST, -np.inf),
        lambda layer, x: F.softmax(1e3 * x[0] @ x[0].mT) @ x[0],
    ],
)
def test_other_masks_are_right(forward):
    with pytest.raises(Through):
        attend(forward)


def test_fit_finds_a_mask_that_is_the_wrong_way_round_before_any_update():
    class Reader(nn.Module):
        def __init__(self):
            self.attention, self.out = nn.MultiheadAttention(8, 2, batch_first=True), nn.Linear(8, 3)

        def forward(self, x):
            return self.out(self.attention(x, x, x, attn_mask=PAST)[0]).mean(axis=1)

    model = Reader()
    before = model.state_dict()
    with pytest.raises(tl.StrictError, match="looks ahead"):
        tl.fit(
            model,
            (SEQUENCES, np.arange(3)),
            loss=F.cross_entropy,
            optimizer=optim.SGD(model.parameters(), lr=0.1),
            epochs=1,
        )
    assert all(np.array_equal(array, before[name]) for name, array in model.state_dict().items())


# ---- growing graphs ----


def test_adding_up_losses_makes_a_graph_that_grows():
    model, total = classifier(), 0.0
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(tl.StrictError, match=r"grows from step to step.*total.*item\(\)"), tl.strict():
        for _ in range(5):
            optimizer.zero_grad()
            loss = cross_entropy(model(X))
            loss.backward()
            optimizer.step()
            total = total + loss
    total = 0.0
    with tl.strict():
        for _ in range(5):
            optimizer.zero_grad()
            loss = cross_entropy(model(X))
            loss.backward()
            total += loss.item()
            optimizer.step()


def test_a_state_carried_from_step_to_step_grows_and_detached_it_does_not():
    cell, read = nn.Linear(6, 3), nn.Linear(3, 4)

    def run(carry):
        optimizer = optim.SGD([*read.parameters()], lr=0.1)
        h = tl.tensor(np.zeros((12, 3)))
        for _ in range(5):
            optimizer.zero_grad()
            for _ in range(4):  # within a step a recurrent network's graph may be as long as it likes
                h = np.tanh(cell(np.concatenate([X, h], axis=1)))
            cross_entropy(read(h)).backward()
            optimizer.step()
            h = carry(h)

    for p in cell.parameters():
        p.requires_grad = False
    h0 = tl.tensor(np.ones((12, 3)), requires_grad=True)
    with tl.strict():
        run(lambda h: h)  # a frozen cell records nothing
    for p in cell.parameters():
        p.requires_grad = True
    with pytest.raises(tl.StrictError, match=r"detach\(\)|no optimizer"), tl.strict():
        run(lambda h: h)
    assert h0.grad is None
    optimizer = optim.SGD([*cell.parameters(), *read.parameters()], lr=0.1)
    with tl.strict():
        h = tl.tensor(np.zeros((12, 3)))
        for _ in range(5):
            optimizer.zero_grad()
            for _ in range(4):
                h = np.tanh(cell(np.concatenate([X, h], axis=1)))
            cross_entropy(read(h)).backward()
            optimizer.step()
            h = h.detach()


def ascend(net, x, rounds, transform):
    """Follow the slope of a network from x, as an attack or a sampler does."""
    for _ in range(rounds):
        x = x + 0.1 * transform(lambda t: np.sum(np.tanh(net(t))), x)
    return x


TRANSFORMS = {
    "grad": lambda f, x: tl.grad(f)(x),
    "value_and_grad": lambda f, x: tl.value_and_grad(f)(x)[1],
    "vjp": lambda f, x: tl.vjp(f, x)[1](1.0)[0],
    "jacobian": lambda f, x: tl.jacobian(f)(x),
    "hvp": lambda f, x: tl.hvp(f)(x, x),
}


@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.parametrize("start", [X[0], tl.tensor(X[0])], ids=["array", "tensor"])
def test_a_loop_whose_graph_grows_through_a_transform(name, start):
    net = nn.Linear(3, 2)
    with pytest.raises(tl.StrictError, match=rf"grows through tl.{name}: .*tl.no_grad\(\)"), tl.strict():
        ascend(net, start, 60, TRANSFORMS[name])
    with tl.strict(), tl.no_grad():
        ascend(net, start, 60, TRANSFORMS[name])
    with tl.strict():  # a few rounds may be meant to be differentiated, and a frozen network keeps nothing
        ascend(net, start, 20, TRANSFORMS[name]).sum().backward()
        net.weight.requires_grad = net.bias.requires_grad = False
        ascend(net, start, 60, TRANSFORMS[name])


def test_a_loop_through_a_transform_that_an_enclosing_one_differentiates_is_right():
    net = nn.Linear(3, 2)

    def after(rate):
        x = np.ones(3)
        for _ in range(60):
            x = x + rate * tl.grad(lambda t: np.sum(np.tanh(net(t))))(x)
        return np.sum(x)

    with tl.no_grad():
        numerical = (after(0.1 + 1e-5) - after(0.1 - 1e-5)) / 2e-5
    with tl.strict(), tl.no_grad():
        assert float(tl.grad(after)(0.1)) == pytest.approx(float(numerical), rel=1e-3)
    with tl.strict():
        assert tl.grad(after)(0.1).item() == pytest.approx(float(numerical), rel=1e-3)


def test_a_loop_through_a_transform_that_is_cut_in_each_round_is_right():
    net, x = nn.Linear(3, 2), tl.tensor(X[0])
    with tl.strict():
        for _ in range(60):
            x = (x + 0.1 * tl.grad(lambda t: np.sum(np.tanh(net(t))))(x)).detach()


def test_a_gradient_penalty_in_each_step_is_right():
    net = classifier()
    train(net, lambda z: cross_entropy(z) + np.mean(tl.grad(lambda x: np.sum(net(x)[:, 0]))(X) ** 2), steps=45)


def test_comparing_a_loss_with_the_one_before_is_right():
    model, before = classifier(), None
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    with tl.strict():
        for _ in range(6):
            optimizer.zero_grad()
            loss = cross_entropy(model(X))
            loss.backward()
            optimizer.step()
            if before is not None and abs(loss - before) < 1e-9:
                break
            before = loss


def test_evaluating_between_steps_is_right():
    model = classifier()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    with tl.strict():
        for _ in range(4):
            optimizer.zero_grad()
            cross_entropy(model(X)).backward()
            tl.evaluate(model, (X, LABELS), loss=F.cross_entropy, metrics={"accuracy": tl.accuracy})
            tl.grad(lambda x: cross_entropy(model(x)))(X)
            optimizer.step()
            assert model(X).argmax(1).shape == (12,)


# ---- sides that broadcast ----


@pytest.mark.parametrize(
    "loss",
    [
        lambda p, t: ((p - t) ** 2).mean(),
        lambda p, t: np.mean(np.square(t - p)),
        lambda p, t: np.abs(p - t).sum(),
        lambda p, t: ((p - t) ** 2).sum(axis=1).mean(),
        lambda p, t: -(t * p - np.exp(p)).mean(),
        lambda p, t: np.mean(np.where(np.abs(p - t) > 1, p - t, (p - t) ** 2)),
        lambda p, t: np.mean((p - tl.tensor(t)) ** 2),
        lambda p, t: ((p - t) * ((p.data > t) - 0.9)).mean(),
        lambda p, t: np.minimum(abs(p - t), (p - t) ** 2).mean(),
        lambda p, t: np.log(np.cosh(p - t)).mean(),
        lambda p, t: ((p - t * np.exp(tl.tensor(0.1, requires_grad=True))) ** 2).mean(),
        lambda p, t: ((p - (t + tl.tensor(np.zeros(1), requires_grad=True))) ** 2).mean(),
    ],
)
def test_a_column_of_predictions_against_a_row_of_targets(loss):
    column, row = Y, Y[:, 0]
    with pytest.raises(tl.StrictError, match=r"two sides .*\(12, 1\).*\(12, 12\)|two sides .*\(12,\).*\(12, 12\)"):
        train(nn.Linear(3, 1), lambda p: loss(p, row))
    with pytest.raises(tl.StrictError, match="two sides"):
        train(nn.Linear(3, 1), lambda p: loss(p.reshape(-1), column))
    for right in (lambda p: loss(p, column), lambda p: loss(p.reshape(-1)[None], row[None])):
        train(nn.Linear(3, 1), right)


def test_one_example_has_nothing_to_broadcast_with():
    train(nn.Linear(3, 1), lambda p: ((p - Y[0]) ** 2).mean(), x=X[:1])


@pytest.mark.parametrize(
    "loss",
    [
        lambda p: np.exp(-((p - p.T) ** 2)).mean(),
        lambda p: np.exp(-((p.ravel()[:, None] - p.ravel()) ** 2)).mean(),
        lambda p: np.abs(np.expand_dims(p.ravel(), 1) - Y.ravel()).mean(),
        lambda p: np.exp(-((p - p.ravel()) ** 2)).mean(),  # each prediction against every other
        lambda p: np.log1p(np.exp(p.ravel() - 2 * p)).mean(),
        lambda p: np.abs(p - p.detach().ravel()).sum(),
        lambda p: ((p - Y.T) ** 2).mean(),  # two axes on both sides: meant
        lambda p: ((p - 1.0) ** 2).mean(),
        lambda p: ((p - np.array([0.5])) ** 2).mean(),
        lambda p: (p * np.ones((12, 4))).mean(),
        lambda p: ((p - Y) * np.arange(12.0).reshape(12, 1) / 12).mean(),
    ],
)
def test_broadcasting_that_is_meant_is_right(loss):
    train(nn.Linear(3, 1), loss)


def squares(h, keepdims):
    return (h * h).sum(axis=1, keepdims=keepdims)


@pytest.mark.parametrize(
    "loss",
    [
        lambda h: np.exp(-(squares(h, True) + squares(h, False) - 2 * h @ h.T)).mean(),
        lambda h: (np.abs(squares(h, True) + squares(h, False) - 2 * (h @ h.T)) - 1).sum(),
        lambda h: ((squares(h, True) + squares(h, False) - np.arange(144.0).reshape(12, 12) / 144) ** 2).mean(),
    ],
)
def test_a_number_for_each_pair_of_examples_that_meets_its_like_is_right(loss):
    train(nn.Linear(3, 2), loss)


def test_one_parameter_per_row_and_one_per_column_are_right():
    row, column = tl.tensor(np.zeros(12), requires_grad=True), tl.tensor(np.zeros((12, 1)), requires_grad=True)
    train(lambda x: row + column, lambda p: (p**2).mean(), optimizer=optim.SGD([row, column], lr=0.1))
    with pytest.raises(tl.StrictError, match="two sides"):
        train(lambda x: row, lambda p: ((p - Y) ** 2).mean(), optimizer=optim.SGD([row], lr=0.1))


class RadialBasis(nn.Module):
    """As many centres as examples: the same shapes as the mistake."""

    def __init__(self):
        self.centres, self.out = tl.tensor(np.linspace(-1, 1, 12), requires_grad=True), nn.Linear(12, 1)

    def forward(self, x):
        return self.out(np.exp(-((x[:, :1] - self.centres) ** 2)))


def test_as_many_centres_as_examples_are_right():
    train(RadialBasis(), lambda p: ((p - Y) ** 2).mean())


# ---- whole programs that are right ----


def a_critic_five_times_as_often():
    maker, critic = nn.Linear(2, 3), nn.Linear(3, 1)
    makers, critics = optim.Adam(maker.parameters()), optim.Adam(critic.parameters())
    for _ in range(3):
        for _ in range(5):
            critics.zero_grad()
            (critic(maker(X[:, :2]).detach()).mean() - critic(X).mean()).backward()
            critics.step()
            for p in critic.parameters():
                p.data = np.clip(p.data, -0.1, 0.1)
        makers.zero_grad()
        (-critic(maker(X[:, :2])).mean()).backward()
        makers.step()


def layers_frozen_in_turn():
    a, b = nn.Linear(3, 5), nn.Linear(5, 4)
    optimizer = optim.SGD([*a.parameters(), *b.parameters()], lr=0.1)
    for step in range(6):
        for i, layer in enumerate((a, b)):
            for p in layer.parameters():
                p.requires_grad = step % 2 == i
        optimizer.zero_grad()
        cross_entropy(b(np.tanh(a(X)))).backward()
        optimizer.step()


def optimizers_in_turn():
    a, b = nn.Linear(3, 5), nn.Linear(5, 4)
    both = [optim.SGD(a.parameters(), lr=0.1), optim.Adam(b.parameters())]
    for step in range(6):
        for optimizer in both:
            optimizer.zero_grad()
        cross_entropy(b(np.tanh(a(X)))).backward()
        both[step % 2].step()


def targets_from_the_network_itself():
    q = nn.Linear(3, 4)
    optimizer = optim.SGD(q.parameters(), lr=0.01)
    for _ in range(4):
        target = (Y[:, 0] + 0.9 * q(X[::-1].copy()).max(axis=1)).detach()
        optimizer.zero_grad()
        F.mse_loss(q(X)[np.arange(12), LABELS], target).backward()
        optimizer.step()


def a_weight_used_at_both_ends():
    embedding, middle = nn.Embedding(4, 6), nn.Linear(6, 6)
    optimizer = optim.SGD([*embedding.parameters(), *middle.parameters()], lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        F.cross_entropy(np.tanh(middle(embedding(LABELS))) @ embedding.weight.T, (LABELS + 1) % 4).backward()
        optimizer.step()


def a_differential_equation():
    u = nn.Sequential(nn.Linear(1, 6), nn.Tanh(), nn.Linear(6, 1))
    optimizer, t = optim.Adam(u.parameters()), np.linspace(0, 1, 9, dtype=np.float32)[:, None]
    for _ in range(3):
        optimizer.zero_grad()
        at = tl.tensor(t, requires_grad=True)
        ((tl.grad(lambda t: u(t).sum())(at) + u(at)) ** 2).mean().backward()
        optimizer.step()


def steps_within_a_step():
    w = tl.tensor(np.zeros((3, 1)), requires_grad=True)
    optimizer = optim.SGD([w], lr=0.1)
    for _ in range(4):
        fast = w
        for _ in range(3):
            fast = fast - 0.1 * tl.grad(lambda v: F.mse_loss(X @ v, Y))(fast)
        optimizer.zero_grad()
        F.mse_loss(X @ fast, Y).backward()
        optimizer.step()


def an_input_that_is_attacked_in_place():
    model = classifier()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        delta = tl.tensor(np.zeros_like(X), requires_grad=True)
        for _ in range(3):
            delta.grad = None
            cross_entropy(model(X + delta)).backward()
            with tl.no_grad():
                delta += 0.01 * np.sign(delta.grad.data)
        optimizer.zero_grad()
        cross_entropy(model(X + delta)).backward()
        optimizer.step()


def an_input_that_is_trained_alone():
    model = classifier()
    for p in model.parameters():
        p.requires_grad = False
    x = tl.tensor(X, requires_grad=True)
    optimizer = optim.Adam([x])
    for _ in range(4):
        optimizer.zero_grad()
        cross_entropy(model(x)).backward()
        optimizer.step()


def an_average_of_weights():
    import copy

    model = classifier()
    slow, optimizer, losses = copy.deepcopy(model), optim.SGD(model.parameters(), lr=0.1), []
    for _ in range(5):
        optimizer.zero_grad()
        losses.append(cross_entropy(model(X)))
        losses[-1].backward()
        optimizer.step()
        for p, q in zip(model.parameters(), slow.parameters(), strict=True):
            q.data = 0.9 * q.data + 0.1 * p.data
    assert np.mean([loss.item() for loss in losses]) > 0


def exceptions_and_batches_left_out():
    model = classifier()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    for step in range(6):
        loss = cross_entropy(model(X))
        if step == 2:
            continue
        optimizer.zero_grad()
        loss.backward()
        try:
            if step == 3:
                raise KeyError(step)
        except KeyError:
            continue
        if step == 5:
            break
        optimizer.step()


def gradients_added_up_and_some_left_over():
    model = classifier()
    optimizer = optim.Adam(model.parameters())
    for i in range(8):
        (cross_entropy(model(X)) / 3).backward()
        if (i + 1) % 3 == 0:
            optim.clip_grad_norm(model.parameters(), 0.01)
            optimizer.step()
            optimizer.zero_grad()


def fitted_then_trained_by_hand():
    model = classifier()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    for _ in range(2):
        tl.fit(
            model, (X, LABELS), loss=F.cross_entropy, optimizer=optimizer, epochs=3, batch_size=5, l2=1e-3,
            clip_norm=1.0, schedule=optim.CosineAnnealingLR(optimizer, 3), validation=(X, LABELS),
            metrics={"accuracy": tl.accuracy}, progress=False,
        )  # fmt: skip
    for _ in range(3):
        optimizer.zero_grad()
        cross_entropy(model(X)).backward()
        optimizer.step()
    assert 0 <= (model(X).argmax(1) == LABELS).mean() <= 1


@pytest.mark.parametrize(
    "program",
    [a_critic_five_times_as_often, layers_frozen_in_turn, optimizers_in_turn, targets_from_the_network_itself,
     a_weight_used_at_both_ends, a_differential_equation, steps_within_a_step, an_input_that_is_attacked_in_place,
     an_input_that_is_trained_alone, an_average_of_weights, exceptions_and_batches_left_out,
     gradients_added_up_and_some_left_over, fitted_then_trained_by_hand],
)  # fmt: skip
def test_unusual_programs_that_are_right_run_through_in_silence(program):
    with tl.strict():
        program()


# ---- in fit, and off ----


@pytest.mark.parametrize("epochs, batch", [(1, 12), (2, 12), (3, 4)])
def test_fit_is_strict_in_its_first_two_steps_and_leaves_the_model_as_it_was(epochs, batch):
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 4), nn.Softmax())
    optimizer = optim.Adam(model.parameters(), lr=0.1)
    before = model.state_dict()
    with pytest.raises(tl.StrictError, match="softmax"):
        tl.fit(model, (X, LABELS), loss=F.cross_entropy, optimizer=optimizer, epochs=epochs, batch_size=batch)
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])
    assert not state.observers


class Scaled(nn.Module):
    """Two layers, of which `how` the second is used, and a Tensor whose name makes it no part of the state."""

    def __init__(self, how):
        self.a, self.norm, self.b, self.how = nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 4), how
        self._private = tl.tensor(np.ones(4), requires_grad=True)

    def forward(self, x):
        return self.how(self.norm(self.a(x)) * self._private, self.b)


def fitted(model, epochs=3, batch=4, loss=F.cross_entropy, y=LABELS, optimizer=None, **options):
    optimizer = optimizer or optim.Adam(model.parameters(), lr=0.1)
    return tl.fit(
        model, (X, y), loss=loss, optimizer=optimizer, epochs=epochs, batch_size=batch, progress=False, **options
    )


OTHERS = tl.tensor([0.5, -1.0, 0.0, 2.0], requires_grad=True)
MISTAKES = {  # whatever comes later; what is said of each, and the model or loss that makes it
    "data": (r"b\.weight .*receives no gradient.*only through \.data", lambda h, b: h @ b.weight.data.T + b.bias, None),
    "numpy": (r"b\.weight .*only through .*\.numpy", lambda h, b: h + np.tanh(b.weight.numpy()[0]), None),
    "rounding": (r"round .*flat", lambda h, b: b(np.round(h)), None),
    "rounding of one": (r"b\.weight .*floor .*flat", lambda h, b: h + np.floor(b(h)), None),
    "integers": (r"floor_divide .*flat", lambda h, b: b(h // 0.5), None),
    "softmax": ("softmax is applied twice", lambda h, b: F.softmax(b(h)), None),
    "sides": ("two sides", lambda h, b: b(h)[:, :1], lambda z, y: np.mean((z - y) ** 2)),
    "stranger": ("no optimizer has", lambda h, b: b(h), lambda z, y: F.cross_entropy(z + OTHERS, y)),
}


@pytest.mark.parametrize("epochs, batch", [(1, 12), (3, 4)])
@pytest.mark.parametrize("name", MISTAKES)
def test_what_no_later_step_can_heal_fit_refuses_before_any_update(name, epochs, batch):
    says, how, loss = MISTAKES[name]
    model = Scaled(how)
    optimizer = optim.Adam(model.parameters(), lr=0.1)
    before, private = model.state_dict(), model._private.numpy()
    updates = []
    step, optimizer.step = optimizer.step, lambda: updates.append(step())
    with pytest.raises(tl.StrictError, match=says):
        fitted(model, epochs, batch, loss or F.cross_entropy, optimizer=optimizer)
    assert not updates and not state.observers
    for key, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[key])
    np.testing.assert_array_equal(model._private.data, private)
    assert optimizer.state_dict()["state"] == {}
    fitted(model, 1, batch, loss or F.cross_entropy, optimizer=optimizer, strict=False)
    with pytest.raises(tl.StrictError), tl.strict():
        fitted(model, 1, batch, loss or F.cross_entropy, optimizer=optimizer, strict=False)


def test_fit_says_if_no_parameter_has_a_gradient_although_the_loss_has_one():
    class Detached(nn.Module):
        def __init__(self):
            self.a, self.b = nn.Linear(3, 4), nn.Linear(4, 4)

        def forward(self, x):
            return self.b(self.a(x).detach())

    def loss(outputs, targets):  # a Tensor of its own keeps it from being a constant
        return F.cross_entropy(outputs, targets) + 0 * tl.tensor(1.0, requires_grad=True)

    model = Detached()
    model.b.weight.requires_grad = model.b.bias.requires_grad = False
    with pytest.raises(tl.StrictError, match=r"none of the 2 parameters that SGD has.* is cut"):
        fitted(model, loss=loss, optimizer=optim.SGD(model.parameters(), lr=0.1))


class Late(nn.Module):
    """Uses its second layer from some step on, as warm-up, experts and stochastic depth do."""

    def __init__(self, start):
        self.a, self.b, self.start, self.steps = nn.Linear(3, 4), nn.Linear(3, 4), start, 0

    def forward(self, x):
        self.steps += 1
        return self.a(x) + self.b(x) if self.steps > self.start else self.a(x)


@pytest.mark.parametrize(
    "start, batch, expected",
    [
        (0, 2, []),
        (1, 2, []),
        (3, 2, [2]),
        (6, 2, [2, 6]),
        (99, 2, [2, 6]),
        (2, 6, [2]),  # an epoch of two steps says it once
        (99, 12, [2]),  # so does one of a single step, after the second epoch
    ],
)
def test_fit_warns_of_parameters_without_a_gradient_and_goes_on(start, batch, expected):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        history = fitted(Late(start), epochs=4, batch=batch)
    assert len(history) == 4
    assert [str(w.message).split(" have no gradient")[0] for w in said] == [
        f"after {n} steps 2 of the optimizer's parameters" for n in expected
    ]
    assert all("b.weight and b.bias" in str(w.message) and w.filename == __file__ for w in said)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted(Late(start), epochs=4, batch=batch, strict=False)


def test_strict_still_raises_for_what_fit_only_warns_of():
    warned, raised = pytest.warns(UserWarning, match="no gradient yet"), pytest.raises(tl.StrictError, match="never")
    with warned, raised, tl.strict():
        fitted(Late(99))
    with pytest.warns(UserWarning, match=r"of shape \(3,\)|extra"):
        model = nn.Linear(3, 4)
        extra = tl.tensor(np.ones(3), requires_grad=True)
        fitted(model, optimizer=optim.SGD([*model.parameters(), extra], lr=0.1))


def test_a_layer_that_is_looked_at_in_forward_while_it_waits_for_its_turn_is_right():
    class Watched(Late):
        def forward(self, x):
            self.norm = float(np.abs(self.b.weight.data).max())
            return super().forward(x) + 0 * np.sum(self.b(x).detach())

    with pytest.warns(UserWarning, match="no gradient yet"):
        fitted(Watched(4))


def test_fit_finds_a_loss_that_adds_itself_up():
    class Total:
        sum = 0.0

        def __call__(self, outputs, targets):
            self.sum = self.sum + F.cross_entropy(outputs, targets)
            return F.cross_entropy(outputs, targets)

    with pytest.raises(tl.StrictError, match="grows"):
        model = classifier()
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        tl.fit(model, (X, LABELS), loss=Total(), optimizer=optimizer, epochs=2, batch_size=6)


def test_strict_mode_leaves_numbers_and_graphs_alone_and_ends_with_its_block():
    results = []
    for strict in (True, False):
        tl.manual_seed(3)
        model = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 4))
        if strict:
            train(model, cross_entropy, optimizer=optim.Adam(model.parameters(), lr=0.1))
        else:
            optimizer = optim.Adam(model.parameters(), lr=0.1)
            for _ in range(4):
                optimizer.zero_grad()
                cross_entropy(model(X)).backward()
                optimizer.step()
        results.append(model.state_dict())
    for name in results[0]:
        np.testing.assert_array_equal(results[0][name], results[1][name])
    assert not state.observers
    with pytest.raises(ZeroDivisionError), tl.strict():
        raise ZeroDivisionError
    assert not state.observers
    assert issubclass(tl.StrictError, RuntimeError)


def test_an_error_inside_the_block_is_not_replaced_by_what_strict_mode_has_to_say():
    with pytest.raises(ZeroDivisionError), tl.strict():
        model = Forgetful("not")
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        cross_entropy(model(X)).backward()
        optimizer.step()
        raise ZeroDivisionError


def test_graphs_die_with_their_loss_in_strict_mode_too():
    import gc

    model = classifier()
    optimizer = optim.SGD(model.parameters(), lr=0.1)

    def tensors():
        return sum(isinstance(o, tl.Tensor) for o in gc.get_objects() if type(o) is tl.Tensor)

    gc.collect()  # what other tests left
    with tl.strict():
        counts = []
        for _ in range(5):
            optimizer.zero_grad()
            loss = cross_entropy(model(X))
            loss.backward()
            optimizer.step()
            del loss
            counts.append(tensors())
    assert counts[1] == counts[-1]
