"""What models are made of in test_compile.py: layers, losses and optimizers, each with each of its settings.

Layers and optimizers are found by themselves, once with their defaults, once with all numbers among their settings
changed and once with all switches; losses are written out.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import tinydl as tl
from tinydl import functional as F
from tinydl import nn, optim

WIDTH, CLASSES, ROWS, VOCABULARY = 6, 3, 8, 7

forwards: list[None] = []  # one for each time that a model's forward has run as it is written


# ---- settings, changed ----

ELSE = {  # by the name of a parameter: a value that isn't its default, and one in its place
    "approximate": ("tanh", "none"), "axis": (0, 1), "betas": ((0.7, 0.9), (0.8, 0.95)), "lr": (0.05, 0.02),
    "weight_decay": (0.1, 0.03), "momentum": (0.6, 0.4), "dampening": (0.3, 0.1), "p": (0.3, 0.4), "eps": (1e-3, 1e-2),
    "padding_idx": (2, 3), "activation": ("gelu", "relu"), "dim_feedforward": (5, 7), "nonlinearity": ("relu", "tanh"),
    "num_layers": (1, 1), "num_parameters": (WIDTH, 1),
}  # fmt: skip


def changed(name: str, value: Any) -> Any:
    """Another value for a setting of this name that has this one: by the table, or one that is made up."""
    if name in ELSE:
        return ELSE[name][ELSE[name][0] == value]
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value / 2 if value else 0.1
    raise LookupError(f"no other value is known for {name}={value!r}; add one to ELSE in {__file__}")


def defaults(kind: type) -> dict[str, Any]:
    """The parameters of a class that have a default."""
    found = inspect.signature(kind).parameters.values()
    return {p.name: p.default for p in found if p.default is not p.empty}


def needed(kind: type) -> list[str]:
    found = inspect.signature(kind).parameters.values()
    return [p.name for p in found if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]


def is_switch(value: Any) -> bool:
    return isinstance(value, (bool, str))


def numbers_and_switches(kind: type) -> tuple[dict[str, Any], dict[str, Any]]:
    """All that can be set otherwise: numbers, and switches."""
    other = {name: changed(name, value) for name, value in defaults(kind).items()}
    return (
        {name: value for name, value in other.items() if not is_switch(value)},
        {name: value for name, value in other.items() if is_switch(value)},
    )


# ---- layers: what comes first takes the data, what comes after it (rows, WIDTH) → (rows, WIDTH) ----


@dataclass(frozen=True)
class Layer:
    """A way to make a layer, and what it takes: rows of this shape, of floats or of integers below VOCABULARY."""

    kind: type
    make: Callable[[], nn.Module]
    settings: frozenset[str] = frozenset()
    shape: tuple[int, ...] = (WIDTH,)
    integers: bool = False
    also: dict[type, frozenset[str]] = field(default_factory=dict)  # layers in it besides, with their settings

    def settings_of(self, kind: type) -> frozenset[str]:
        return self.settings if self.kind is kind else self.also.get(kind, frozenset())

    @property
    def kinds(self) -> set[type]:
        return {self.kind, *self.also}


class Tied(nn.Module):
    """One weight, there and back."""

    def __init__(self):
        self.there = nn.Linear(WIDTH, 4)
        self.back = nn.Linear(4, WIDTH)
        self.back.weight = self.turned = None  # the weight of `there`, transposed, takes its place

    def forward(self, x):
        return F.linear(np.tanh(self.there(x)), self.there.weight.T, self.back.bias)


class SameTensorTwice(nn.Module):
    """Two layers that hold the very same weight."""

    def __init__(self):
        self.first, self.second = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)
        self.second.weight = self.first.weight

    def forward(self, x):
        return self.second(F.relu(self.first(x)))


class Shared(nn.Module):
    """One layer, used twice."""

    def __init__(self):
        self.layers = [nn.Linear(WIDTH, WIDTH), nn.Tanh()] * 2

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


class Follows(nn.Module):
    """Statistics of its own as buffers, and a setting that is a number."""

    rate = 0.1

    def __init__(self):
        self.linear = nn.Linear(WIDTH, WIDTH)
        self.mean = np.zeros(WIDTH, tl.tensor([0.0]).dtype)
        self.seen = np.array(0)
        self.scale = 1.5

    def forward(self, x):
        y = self.linear(x)
        if self.training:
            self.seen = self.seen + len(x)
            self.mean = (1 - self.rate) * self.mean + self.rate * y.detach().mean(axis=0)
        return self.scale * (y - self.mean)


class Keeps(nn.Module):
    """What it computed on the way is kept, in an attribute, a list and a dict."""

    def __init__(self):
        self.linear = nn.Linear(WIDTH, WIDTH)
        self.h, self.lists, self._by_name = None, [None, None], {}

    def forward(self, x):
        self.h = self.linear(x)
        y = np.tanh(self.h)
        self.lists[0], self.lists[1] = y, y.detach()
        self._by_name["square"] = y * y
        return y


class Residual(nn.Module):
    """Parameters in a list and a dict, and a branch round them."""

    def __init__(self):
        self.scales = {"up": tl.tensor(np.full(WIDTH, 1.1), dtype=tl.tensor([0.0]).dtype, requires_grad=True)}
        self.blocks = [nn.Linear(WIDTH, WIDTH, bias=False), nn.LayerNorm(WIDTH)]

    def forward(self, x):
        h = self.blocks[0](x)
        positive = np.maximum(h, 0)
        return F.relu(self.blocks[1](h) * self.scales["up"]) + positive + h


class Attends(nn.Module):
    """The output of attention, without its weights."""

    def __init__(self, is_causal=False, **options):
        self.attention, self.is_causal = nn.MultiheadAttention(WIDTH, 2, **options), is_causal

    def forward(self, x):
        return self.attention(x, is_causal=self.is_causal)[0]


class Letters(nn.Module):
    """A transformer that sees no later letter, nor those that are padding; its table serves for the output too."""

    def __init__(self):
        layer = nn.TransformerEncoderLayer(WIDTH, 2, 5, 0.1, "gelu", batch_first=True, norm_first=True)
        self.letters, self.encoder = (
            nn.Embedding(VOCABULARY, WIDTH),
            nn.TransformerEncoder(layer, 2, nn.LayerNorm(WIDTH)),
        )
        self.out = nn.Linear(WIDTH, VOCABULARY, bias=False)
        self.out.weight = self.letters.weight

    def forward(self, x):
        return self.out(self.encoder(self.letters(x), src_key_padding_mask=x == 0, is_causal=True))


class Recurrent(nn.Module):
    """A recurrent layer, of which the last step's output goes on; the sequences may have several lengths."""

    def __init__(self, kind, **options):
        self.layer = kind(2, WIDTH // (1 + options.get("bidirectional", False)), **options)
        self.lengths = options.get("bidirectional", False)

    def forward(self, x):
        first = self.layer.batch_first
        y, _ = self.layer(x if first else x.swapaxes(0, 1), lengths=1 + np.arange(len(x)) % 3 if self.lengths else None)
        return y[:, -1] + y[:, 0] if first else y[-1]


class Cell(nn.Module):
    """A loop over the steps, with a cell in it."""

    def __init__(self, kind, **options):
        self.cell = kind(2, WIDTH, **options)

    def forward(self, x):
        state = None
        for t in range(x.shape[1]):
            state = self.cell(x[:, t], state)
        return state[0] + 3 * state[1] if isinstance(state, tuple) else state


def recurrent(kind: type, **options: Any) -> Layer:
    around = Cell if kind.__name__.endswith("Cell") else Recurrent
    return Layer(kind, functools.partial(around, kind, **options), frozenset(options), (3, 2))


LAYERED = {
    "num_layers": 2, "bias": False, "batch_first": True, "dropout": 0.3, "bidirectional": True, "recurrent_dropout": 0.4
}  # fmt: skip


def before_linear(layer: Callable[[], nn.Module], features: int) -> Callable[[], nn.Module]:
    return lambda: nn.Sequential(layer(), nn.Flatten(), nn.Linear(features, WIDTH))


def of_maps() -> dict[str, Layer]:
    """Layers of sequences (2, 7) and images (2, 5, 6), several in one network: with their defaults, and with all
    settings changed."""
    conv = {"padding": 1, "stride": 2, "dilation": 2, "groups": 2, "bias": False}
    back = {**conv, "output_padding": 1}
    pool = {"stride": 1, "padding": 1, "ceil_mode": True}
    largest, mean = {**pool, "dilation": 2}, {**pool, "count_include_pad": False}
    found = {}
    for axes, shape in ((1, (2, 7)), (2, (2, 5, 6))):
        kinds = [getattr(nn, f"{name}{axes}d") for name in ("Conv", "ConvTranspose", "MaxPool", "AvgPool")]
        pooled = getattr(nn, f"AdaptiveAvgPool{axes}d")
        for name, options in (("", ({}, {}, {}, {})), (", every option", (conv, back, largest, mean))):
            sizes = [(2, 4, 3), (4, 2, (3, 2)[:axes]), (2,), (2,)]

            def make(kinds=kinds, sizes=sizes, options=options, pooled=pooled, axes=axes) -> nn.Module:
                layers = [kind(*args, **given) for kind, args, given in zip(kinds, sizes, options, strict=True)]
                return nn.Sequential(layers[0], nn.Tanh(), *layers[1:], pooled((3, 1)[:axes] if axes == 2 else 3))

            also = {kind: frozenset(given) for kind, given in zip(kinds, options, strict=True)} | {pooled: frozenset()}
            front = before_linear(make, 6)
            found[f"maps of {axes} axes{name}"] = Layer(kinds[0], front, frozenset(options[0]), shape, False, also)
    return found


FRONTS = {
    "Linear": Layer(nn.Linear, lambda: nn.Linear(WIDTH, WIDTH)),
    "Linear(bias)": Layer(nn.Linear, lambda: nn.Linear(4, WIDTH, bias=False), frozenset({"bias"}), (4,)),
    "Flatten": Layer(nn.Flatten, before_linear(nn.Flatten, 4), frozenset(), (2, 2)),
    "Flatten(start_dim, end_dim)": Layer(
        nn.Flatten, before_linear(lambda: nn.Flatten(-2, 2), 6), frozenset({"start_dim", "end_dim"}), (3, 2)
    ),
    "Embedding": Layer(nn.Embedding, before_linear(lambda: nn.Embedding(VOCABULARY, 3), 6), frozenset(), (2,), True),
    "Embedding(padding_idx)": Layer(
        nn.Embedding, before_linear(lambda: nn.Embedding(VOCABULARY, 3, 2), 6), frozenset({"padding_idx"}), (2,), True
    ),
    "BatchNorm1d of sequences": Layer(nn.BatchNorm1d, before_linear(lambda: nn.BatchNorm1d(2), 6), shape=(2, 3)),
    "BatchNorm2d": Layer(nn.BatchNorm2d, before_linear(lambda: nn.BatchNorm2d(2), 12), shape=(2, 3, 2)),
    "BatchNorm2d(eps, momentum, affine)": Layer(
        nn.BatchNorm2d,
        before_linear(lambda: nn.BatchNorm2d(2, 1e-3, None, False), 12),
        frozenset({"eps", "momentum", "affine"}),
        (2, 3, 2),
    ),
    "BatchNorm2d(track_running_stats)": Layer(
        nn.BatchNorm2d,
        before_linear(lambda: nn.BatchNorm2d(2, track_running_stats=False), 12),
        frozenset({"track_running_stats"}),
        (2, 3, 2),
    ),
    "Dropout2d(p)": Layer(nn.Dropout2d, before_linear(lambda: nn.Dropout2d(0.3), 12), frozenset({"p"}), (2, 3, 2)),
    "GroupNorm of images": Layer(nn.GroupNorm, before_linear(lambda: nn.GroupNorm(2, 4), 12), shape=(4, 1, 3)),
    "LayerNorm of two axes": Layer(nn.LayerNorm, before_linear(lambda: nn.LayerNorm((2, 3)), 6), shape=(2, 3)),
    **of_maps(),
    "MultiheadAttention(batch_first)": Layer(
        nn.MultiheadAttention,
        before_linear(lambda: Attends(batch_first=True), 18),
        frozenset({"batch_first"}),
        (3, WIDTH),
    ),
    "TransformerEncoder(norm)": Layer(
        nn.TransformerEncoder, before_linear(Letters, 28), frozenset({"norm"}), (4,), True
    ),
    "RNN": recurrent(nn.RNN),
    "RNN(every option)": recurrent(nn.RNN, nonlinearity="relu", **LAYERED),
    "LSTM": recurrent(nn.LSTM),
    "LSTM(every option)": recurrent(nn.LSTM, **LAYERED),
    "GRU": recurrent(nn.GRU),
    "GRU(every option)": recurrent(nn.GRU, **LAYERED),
    "RNNCell": recurrent(nn.RNNCell, nonlinearity="relu", bias=False),
    "LSTMCell": recurrent(nn.LSTMCell, bias=False),
    "GRUCell": recurrent(nn.GRUCell, bias=False),
    "Sequential": Layer(nn.Sequential, lambda: nn.Sequential({"a": nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.ReLU())})),
    "Tied": Layer(nn.Module, Tied),
    "SameTensorTwice": Layer(nn.Module, SameTensorTwice),
    "Shared": Layer(nn.Module, Shared),
    "Follows": Layer(nn.Module, Follows),
    "Keeps": Layer(nn.Module, Keeps),
    "Residual": Layer(nn.Module, Residual),
}


FIRST = set().union(*(layer.kinds for layer in FRONTS.values()))
BOTH = {nn.BatchNorm1d, nn.GroupNorm, nn.LayerNorm}  # stand among the first layers too
ALONE = {nn.SyncBatchNorm}  # on one process it is BatchNorm, on several it isn't compiled: test_parallel.py


def hidden_layers() -> dict[str, Layer]:
    """Every layer that isn't among the first ones: with its numbers changed, and with its switches changed."""
    found = {}
    for name in nn.__all__:
        kind = getattr(nn, name)
        if not isinstance(kind, type) or kind is nn.Module or kind in FIRST - BOTH | ALONE:
            continue
        given = [2, WIDTH] if kind is nn.GroupNorm else [WIDTH] * len(needed(kind))
        numbers, switches = numbers_and_switches(kind)
        for options in (numbers, switches) if switches else (numbers,):
            made = functools.partial(kind, *given, **options)
            found[f"{name}({', '.join(options)})" if options else name] = Layer(kind, made, frozenset(options))
    made = functools.partial(nn.BatchNorm1d, WIDTH, momentum=None)
    attends = functools.partial(Attends, is_causal=True, dropout=0.3, bias=False)
    return {
        **found,
        "BatchNorm1d(momentum=None)": Layer(nn.BatchNorm1d, made),
        "MultiheadAttention(dropout, bias)": Layer(nn.MultiheadAttention, attends, frozenset({"dropout", "bias"})),
    }


HIDDEN = hidden_layers()


class Model(nn.Module):
    """The first layer, the hidden one, and a head."""

    def __init__(self, front: Layer, hidden: Layer):
        self.front, self.hidden, self.head = front.make(), hidden.make(), nn.Linear(WIDTH, CLASSES)

    def forward(self, x):
        forwards.append(None)
        return self.rest(self.front(x))

    def rest(self, h):
        return self.head(self.hidden(h))


# ---- losses ----


@dataclass(frozen=True)
class Loss:
    """A loss of logits (rows, CLASSES), and its targets: those of a call, and some that it refuses."""

    name: str
    of: Callable[[Any, Any], Any]
    targets: Callable[[np.random.Generator, int, int], Any]
    settings: frozenset[str]

    @property
    def classes(self) -> bool:
        return self.targets is labels or self.targets is some_ignored

    def refused(self, y: Any) -> Any:
        """Targets like these that the loss raises for."""
        if self.name in ("mse_loss", "l1_loss", "huber_loss", "smooth_l1_loss"):
            return y[:-1]
        wrong = y.copy()
        wrong[1] = CLASSES if self.classes else 2.5 if self.targets is log_shares else -1.5
        return wrong


def labels(rng: np.random.Generator, rows: int, call: int) -> Any:
    return rng.integers(0, CLASSES, rows)


def some_ignored(rng: np.random.Generator, rows: int, call: int) -> Any:
    """Labels of which the second is to be ignored, in every other call."""
    y = labels(rng, rows, call)
    y[1:2] = -1 if call % 2 else y[0]
    return y


def numbers(rng: np.random.Generator, rows: int, call: int) -> Any:
    return rng.normal(size=(rows, CLASSES))


def shares(rng: np.random.Generator, rows: int, call: int) -> Any:
    y = rng.random((rows, CLASSES))
    return y / y.sum(axis=1, keepdims=True)


def log_shares(rng: np.random.Generator, rows: int, call: int) -> Any:
    return np.log(shares(rng, rows, call))


CLASS_WEIGHT = np.array([0.5, 2.0, 1.0])


def losses() -> dict[str, Loss]:
    """Each loss with each of its options, by name."""
    given = {
        "cross_entropy": [
            (labels, {}), (labels, {"weight": CLASS_WEIGHT}), (some_ignored, {"ignore_index": -1}),
            (labels, {"label_smoothing": 0.1}), (labels, {"reduction": "sum"}), (labels, {"reduction": "none"}),
            (some_ignored, {"ignore_index": -1, "reduction": "none"}),
            (some_ignored, {"ignore_index": -1, "weight": CLASS_WEIGHT, "label_smoothing": 0.2}),
            (shares, {}), (shares, {"weight": CLASS_WEIGHT, "label_smoothing": 0.1}), (shares, {"reduction": "none"}),
        ],
        "nll_loss": [
            (labels, {}), (labels, {"weight": CLASS_WEIGHT, "reduction": "sum"}),
            (some_ignored, {"ignore_index": -1}), (some_ignored, {"ignore_index": -1, "reduction": "none"}),
        ],
        "mse_loss": [(numbers, {}), (numbers, {"reduction": "sum"}), (numbers, {"reduction": "none"})],
        "l1_loss": [(numbers, {}), (numbers, {"reduction": "sum"}), (numbers, {"reduction": "none"})],
        "huber_loss": [(numbers, {}), (numbers, {"delta": 0.5, "reduction": "sum"}), (numbers, {"reduction": "none"})],
        "smooth_l1_loss": [
            (numbers, {}), (numbers, {"beta": 0.5, "reduction": "sum"}), (numbers, {"beta": 0, "reduction": "none"}),
        ],
        "binary_cross_entropy": [
            (shares, {}), (shares, {"weight": CLASS_WEIGHT}), (shares, {"reduction": "sum"}),
        ],
        "binary_cross_entropy_with_logits": [
            (shares, {}), (shares, {"weight": CLASS_WEIGHT}), (shares, {"pos_weight": CLASS_WEIGHT}),
            (shares, {"pos_weight": CLASS_WEIGHT, "weight": CLASS_WEIGHT, "reduction": "none"}),
        ],
        "kl_div": [
            (shares, {}), (shares, {"reduction": "batchmean"}), (log_shares, {"log_target": True}),
            (log_shares, {"log_target": True, "reduction": "sum"}),
        ],
    }  # fmt: skip
    found = {}
    for name, variants in given.items():
        for targets, options in variants:
            shown = [*(["soft"] if name == "cross_entropy" and targets is shares else ()), *options]
            shown = [f"{o}={options[o]}" if o == "reduction" else o for o in shown]
            of = loss_of(getattr(F, name), F.log_softmax if name in ("nll_loss", "kl_div") else None, options)
            if name == "binary_cross_entropy":
                of = loss_of(F.binary_cross_entropy, F.sigmoid, options)
            key = f"{name}({', '.join(shown)})" if shown else name
            assert key not in found, key
            found[key] = Loss(name, of, targets, frozenset(options))
    # a network that is its own teacher, before it is asked
    taught = lambda z, y: F.distillation_loss(z, z.detach() * 0.5, y, temperature=2.0, alpha=0.7)
    return {**found, "distillation_loss": Loss("distillation_loss", taught, labels, frozenset())}


def loss_of(function: Any, first: Any, options: dict[str, Any]) -> Callable[[Any, Any], Any]:
    """From logits and targets to one number."""

    def loss(z, y):
        found = function(z if first is None else first(z), y, **options)
        return found.mean() if found.ndim else found / ROWS if options.get("reduction") == "sum" else found

    return loss


LOSSES = losses()


# ---- optimizers ----


@dataclass(frozen=True)
class Option:
    """An optimizer, and settings of it; the parameters may come in groups that have settings of their own."""

    kind: type
    settings: dict[str, Any]
    groups: dict[str, Any] = field(default_factory=dict)
    named: bool = False

    def make(self, parameters: list[tuple[str, Any]]) -> Any:
        given = parameters if self.named else [p for _, p in parameters]
        if self.groups and len(given) > 1:
            given = [{"params": given[::2]}, {"params": given[1::2], **self.groups}]
        return self.kind(given, **self.settings)


NEEDS = {"nesterov": {"momentum": 0.6}}  # what a setting is nothing without
EXCLUDES = {"nesterov": {"dampening"}}


def optimizers() -> dict[str, Option]:
    """Every optimizer: with its numbers changed, with its switches changed, and with its defaults where these differ in
    more than `maximize` from the second; and two in groups that differ."""
    found = {}
    for name in optim.__all__:
        kind = getattr(optim, name)
        if not isinstance(kind, type) or not issubclass(kind, optim.Optimizer) or kind is optim.Optimizer:
            continue
        numbers, switches = numbers_and_switches(kind)
        if len(switches) > 1:
            found[name] = Option(kind, {"lr": ELSE["lr"][0]})
        found[f"{name}({', '.join(numbers)})"] = Option(kind, numbers)
        wanted = {n: v for switch in switches for n, v in NEEDS.get(switch, {}).items()} | switches
        found[f"{name}({', '.join(switches)})"] = Option(kind, {"lr": ELSE["lr"][1], **wanted}, named=True)
    decay = {"weight_decay": 0.2, "maximize": True, "lr": 0.02}
    found["SGD in groups"] = Option(optim.SGD, {"lr": 0.05}, {"momentum": 0.5, "nesterov": True, **decay})
    found["Adam in groups"] = Option(optim.Adam, {"lr": 0.05}, {"betas": (0.5, 0.7), "amsgrad": True, **decay})
    return found


OPTIONS = optimizers()
