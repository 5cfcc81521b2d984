"""What is measured: the workloads, the arrays they work on, and the ratios tinydl must reach.

Every peer is given the same arrays, starting weights included, by the functions below, and does the same arithmetic on
them; `measure.py` verifies that before it times anything. Read `adapters/by_hand.py` next: it is the plainest statement
of what one step of each workload is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

# NumPy is imported inside the functions: run.py reads this file, and the peak memory that Linux reports for a child
# begins at what its parent held, so the parent stays small.


@dataclass(frozen=True)
class Target:
    """The `what` of `ours`, tinydl as it is or compiled, divided by the peer's must be at most `limit`.

    In the unit "ms over" the peer's is subtracted instead; in "ms" there is no peer.
    """

    peer: str
    limit: float | None  # None: the ratio is reported and not judged
    what: str = "time"
    ours: str = "tinydl"
    unit: str = "ratio"
    judged: str = "median"  # or "lower quartile", and then only on a processor with AVX-512


@dataclass(frozen=True)
class Workload:
    """One row of the benchmark. `kind` says how it is measured (see the functions of that name in measure.py)."""

    id: str
    title: str
    kind: str
    peers: tuple[str, ...]
    targets: tuple[Target, ...]
    problem: Callable[..., Any] | None = None
    work: str = ""  # the name of the function in each adapter
    sizes: dict[str, Any] = field(default_factory=dict)


# ---- the problems: arrays every peer gets ----


@dataclass
class Chain:
    """y ← -(y·a + b) / c from y = x, `length` operations in all; then the gradient of Σ y·upstream by x."""

    length: int
    x: Any
    a: Any
    b: Any
    c: Any
    upstream: Any


def chain(length: int = 20_000, seed: int = 0) -> Chain:
    import numpy as np

    rng = np.random.default_rng(seed)

    def about(centre: float, width: float) -> Any:
        return rng.uniform(centre - width, centre + width, 4).astype(np.float32)

    return Chain(length, about(0, 1), about(1, 1e-5), about(0, 1e-2), about(1, 1e-5), about(0, 1))


@dataclass
class Training:
    """A network of linear layers with relu between, cross-entropy on its logits, and one optimizer step."""

    x: Any  # (batch, sizes[0])
    y: Any  # (batch,), integer classes
    weights: list[Any]  # (out, in), as PyTorch keeps them
    biases: list[Any]  # (out,)
    optimizer: str  # "SGD" or "Adam", PyTorch's form and defaults
    lr: float


def training(sizes: tuple[int, ...], batch: int, optimizer: str = "SGD", seed: int = 0) -> Training:
    import numpy as np

    rng = np.random.default_rng(seed)

    def uniform(bound: float, *shape: int) -> Any:
        return rng.uniform(-bound, bound, shape).astype(np.float32)

    pairs = list(pairwise(sizes))
    return Training(
        x=rng.standard_normal((batch, sizes[0]), dtype=np.float32),
        y=rng.integers(0, sizes[-1], batch),
        weights=[uniform(n**-0.5, m, n) for n, m in pairs],
        biases=[uniform(n**-0.5, m) for n, m in pairs],
        optimizer=optimizer,
        lr=0.01 if optimizer == "SGD" else 0.001,
    )


@dataclass
class Moons:
    """The demo notebook of micrograd: 100 points of two half moons, 2-16-16-1 with relu, hinge loss plus
    `decay` × the sum of the squared parameters, one step of plain gradient descent on the whole set."""

    x: Any  # (100, 2)
    y: Any  # (100,), -1 or 1
    weights: list[Any]
    biases: list[Any]
    decay: float
    lr: float


def moons(seed: int = 0) -> Moons:
    import numpy as np

    rng = np.random.default_rng(seed)
    angle = np.linspace(0, np.pi, 50)
    outer, inner = np.stack([np.cos(angle), np.sin(angle)], 1), np.stack([1 - np.cos(angle), 0.5 - np.sin(angle)], 1)
    x = np.concatenate([outer, inner]) + rng.normal(0, 0.1, (100, 2))
    sizes = [(2, 16), (16, 16), (16, 1)]
    return Moons(
        x=x.astype(np.float32),
        y=np.repeat(np.array([-1, 1], np.float32), 50),
        weights=[rng.uniform(-1, 1, (m, n)).astype(np.float32) for n, m in sizes],
        biases=[np.zeros(m, np.float32) for _, m in sizes],
        decay=1e-4,
        lr=0.1,
    )


@dataclass
class Attention:
    """Layer norm, self-attention with one head, gelu (tanh form) of a linear map; loss Σ output·upstream.

    h = layer_norm(x)·scale + shift;  q, k, v = h Wqᵀ, h Wkᵀ, h Wvᵀ;  a = softmax(q kᵀ / √d) v;  output = gelu(a Woᵀ).
    """

    x: Any  # (16, 64, 128)
    scale: Any  # (128,)
    shift: Any
    wq: Any  # (128, 128)
    wk: Any
    wv: Any
    wo: Any
    upstream: Any  # (16, 64, 128)


def attention(batch: int = 16, length: int = 64, width: int = 128, seed: int = 0) -> Attention:
    import numpy as np

    rng = np.random.default_rng(seed)

    def normal(*shape: int, scale: float = 1.0) -> Any:
        return (scale * rng.standard_normal(shape)).astype(np.float32)

    square = [normal(width, width, scale=width**-0.5) for _ in range(4)]
    return Attention(
        normal(batch, length, width), 1 + normal(width, scale=0.1), normal(width, scale=0.1), *square,
        normal(batch, length, width),
    )  # fmt: skip


@dataclass
class Inference:
    """What the network that `tinydl demo` trains answers to one digit: linear, relu, dropout (which is off), linear."""

    x: Any  # (1, 64)
    weights: list[Any]
    biases: list[Any]


def inference(sizes: tuple[int, ...] = (64, 128, 10), batch: int = 1) -> Inference:
    problem = training(sizes, batch)
    return Inference(problem.x, problem.weights, problem.biases)


@dataclass
class Recurrence:
    """h ← tanh(x[t] + h W) from h = 0 for each t; loss Σ h·upstream over all steps, and its gradients by x and W."""

    x: Any  # (length, 8, 16)
    w: Any  # (16, 16)
    upstream: Any  # (length, 8, 16)


def recurrence(length: int = 1000, seed: int = 0) -> Recurrence:
    import numpy as np

    rng = np.random.default_rng(seed)

    def normal(*shape: int, scale: float = 1.0) -> Any:
        return (scale * rng.standard_normal(shape)).astype(np.float32)

    return Recurrence(normal(length, 8, 16), normal(16, 16, scale=0.25), normal(length, 8, 16))


@dataclass
class Network:
    """A model of adapters/networks.py. With `y` a training step by cross-entropy and Adam; else Σ output·upstream."""

    model: str
    options: dict[str, Any]
    x: Any  # images lie batch-last in memory, as the layer before gives them
    y: Any  # integer classes, or None
    seed: int

    def upstream(self, shape: tuple[int, ...]) -> Any:
        """What arrives from a later operation, as it would lie in memory."""
        import numpy as np

        return _batch_last(np.random.default_rng(self.seed + 1).standard_normal(shape, dtype=np.float32))

    def weights(self, shapes: dict[str, tuple[int, ...]]) -> dict[str, Any]:
        """A value for each parameter, by its name."""
        import numpy as np

        rng = np.random.default_rng(self.seed + 2)
        found = {}
        for name in sorted(shapes):
            shape = shapes[name]
            bound = (math.prod(shape[1:]) if len(shape) > 1 else 10) ** -0.5
            centre = 1 if ("norm" in name and name.endswith("weight")) else 0
            found[name] = (centre + rng.uniform(-bound, bound, shape)).astype(np.float32)
        return found


def network(
    model: str, shape: tuple[int, ...], options: dict[str, Any], classes: int = 0, letters: int = 0, seed: int = 0
) -> Network:
    import numpy as np

    rng = np.random.default_rng(seed)
    x = rng.integers(0, letters, shape) if letters else _batch_last(rng.standard_normal(shape, dtype=np.float32))
    y = rng.integers(0, letters, x.size) if letters else rng.integers(0, classes, shape[0]) if classes else None
    return Network(model, options, x, y, seed)


def _batch_last(x: Any) -> Any:
    """Image maps of shape (N, C, H, W), in memory (H, W, C, N)."""
    return x.transpose(2, 3, 1, 0).copy().transpose(3, 2, 0, 1) if x.ndim == 4 else x


# ---- the table ----

COMPILED = "tinydl compiled"
CHECKED = f"{COMPILED}, a call that checks"
FIRST = "the first program of a process"  # of W13: before it, the table of derivatives hasn't been read as text
RECORDED = ("W2", "W3", "W4a", "W4b", "W5a", "W5b", "W6", "W9")  # the steps that are compiled, smallest first
_STEP_PEERS = ("tinydl", COMPILED, "numpy", "torch", "torch compiled", "jax", "autograd", "mygrad")


def _compiled(limit: float) -> tuple[Target, ...]:
    """The compiled step beside NumPy by hand, with a limit, and beside what else compiles."""
    return (
        Target("numpy", limit, ours=COMPILED),
        Target("jax", None, ours=COMPILED),
        Target("torch compiled", None, ours=COMPILED),
    )


def _step(
    id: str, sizes: tuple[int, ...], batch: int, optimizer: str, torch: float, numpy: float, compiled: float
) -> Workload:
    shape = "-".join(map(str, sizes))
    return Workload(
        id, f"MLP step {shape}, batch {batch}, {optimizer}", "steps", _STEP_PEERS,
        (Target("torch", torch), Target("numpy", numpy), *_compiled(compiled)),
        training, "training", {"sizes": sizes, "batch": batch, "optimizer": optimizer},
    )  # fmt: skip


def _peak(id: str, of: str, sizes: tuple[int, ...], batch: int) -> Workload:
    return Workload(
        id, f"peak memory of {of}", "memory", ("tinydl", COMPILED, "numpy"),
        (Target("numpy", 1.15, "memory"), Target("numpy, relu in place", None, "memory"),
         Target("tinydl", 1.0, "memory", COMPILED), Target("tinydl", None, "memory", CHECKED)),
        training, "training", {"sizes": sizes, "batch": batch},
    )  # fmt: skip


def _network(
    id: str, title: str, limit: float, model: str, shape: tuple[int, ...], step: bool = True, classes: int = 0,
    letters: int = 0, by_hand: bool = False, **options: Any,
) -> Workload:  # fmt: skip
    compiled = (Target("tinydl", 1.0, ours=COMPILED),) if step else ()
    if letters:
        options["letters"] = letters
    return Workload(
        id, title, "steps", ("tinydl", *((COMPILED,) if step else ()), *(("numpy",) if by_hand else ()), "torch"),
        (Target("torch", limit, judged="lower quartile"), *((Target("numpy", None),) if by_hand else ()), *compiled),
        network, "network",
        {"model": model, "shape": shape, "options": options, "classes": classes, "letters": letters},
    )  # fmt: skip


def _conv(id: str, limit: float, shape: tuple[int, ...], channels: int, kernel: int, **options: Any) -> Workload:
    how = {"in_channels": shape[1], "out_channels": channels, "kernel_size": kernel, "padding": kernel // 2, **options}
    more = "".join(f", {key} {value}" for key, value in options.items())
    title = f"convolution {shape} to {channels}, {kernel}×{kernel}{more}, forward and backward"
    by_hand = kernel == 3 and not options
    return _network(id, title, limit, "conv", shape, step=False, by_hand=by_hand, **how)


def _pool(id: str, name: str) -> Workload:
    return _network(
        id, f"{name} 2×2 of (64, 32, 14, 14), forward and backward", 1.2, "pool", (64, 32, 14, 14), step=False,
        name=name, kernel_size=2,
    )  # fmt: skip


MIDDLE, LARGE = (784, 256, 256, 10), (784, 1024, 1024, 10)

WORKLOADS = (
    Workload(
        "W1", "chain of 20,000 operations on 4 elements", "long_chain", ("tinydl", "torch", "autograd", "mygrad"),
        (Target("torch", 0.50), Target("autograd", 0.10),
         Target("itself, 1,000,000 long, gc off", 1.3), Target("itself, 1,000,000 long, gc on", 1.6)),
        chain, "chain",
    ),
    _step("W2", (2, 16, 16, 2), 1, "SGD", torch=0.55, numpy=1.8, compiled=0.95),
    _step("W3", (64, 128, 128, 10), 64, "SGD", torch=0.70, numpy=1.25, compiled=1.0),
    _step("W4a", MIDDLE, 128, "SGD", torch=0.90, numpy=1.03, compiled=1.05),
    _step("W4b", LARGE, 256, "SGD", torch=0.90, numpy=1.03, compiled=1.05),
    _step("W5a", MIDDLE, 128, "Adam", torch=1.0, numpy=1.05, compiled=0.95),
    _step("W5b", LARGE, 256, "Adam", torch=1.0, numpy=1.05, compiled=0.90),
    Workload(
        "W6", "micrograd's moons demo, one full-batch step", "steps",
        ("tinydl", COMPILED, "numpy", "torch", "torch compiled", "jax", "micrograd"),
        (Target("micrograd", 1 / 8000), Target("torch", None), Target("numpy", None), *_compiled(1.3)), moons, "moons",
    ),
    Workload(
        "W7", "digits to 97 % test accuracy", "digits", ("tinydl", "torch", "sklearn"),
        (Target("torch", 0.5), Target("sklearn", 1.0, "training time"), Target("torch", None, "training time")),
    ),
    Workload(
        "W8", "the document's program 2, whole process", "program2", ("tinydl", "keras"),
        (Target("keras", 1 / 20), Target("keras", 1 / 8, "memory")),
    ),
    Workload(
        "W9", "attention block (16, 64, 128), forward and backward", "steps",
        ("tinydl", COMPILED, "numpy", "torch", "torch compiled", "jax"),
        (Target("numpy", 1.2), Target("torch", None), *_compiled(1.0)), attention, "attention",
    ),
    _peak("W10a", "W4a", MIDDLE, 128),
    _peak("W10b", "W4b", LARGE, 256),
    Workload(
        "W11", "import, in a fresh process", "imports", ("tinydl", "numpy", "torch", "jax", "autograd", "mygrad"),
        (Target("numpy", 25.0, unit="ms over"),),
    ),
    Workload(
        "W12", "recurrence over x[t], 1,000 steps of (8, 16), forward and backward", "doubled",
        ("tinydl", "numpy", "torch"),
        (Target("itself, twice as long", 2.3), Target("torch", None), Target("numpy", None)),
        recurrence, "recurrence", {"length": 1000},
    ),
    Workload(
        "W13", "first call of a compiled step, which records it and writes its program", "first_calls",
        ("tinydl", COMPILED),
        (Target("", 150.0, FIRST, COMPILED, "ms"), Target("", 5.0, "W2", COMPILED, "ms"),
         *(Target("tinydl", 30.0, id, COMPILED) for id in RECORDED[1:])),
    ),
    Workload(
        "W14", "the demo's network answers, batch 1", "steps",
        ("tinydl", COMPILED, "numpy", "torch", "torch compiled", "jax"),
        (Target("numpy", None), Target("torch", None), *_compiled(1.2)), inference, "inference",
    ),
    _conv("W15a", 2.0, (64, 16, 14, 14), 32, 3),
    _conv("W15b", 2.0, (32, 32, 28, 28), 64, 3),
    _conv("W15c", 2.0, (128, 1, 28, 28), 16, 3),
    _conv("W15d", 2.0, (128, 8, 8, 8), 16, 3),
    _conv("W16a", 1.3, (64, 16, 14, 14), 32, 1),
    _conv("W16b", 1.3, (64, 16, 14, 14), 32, 3, stride=2),
    _conv("W16c", 3.0, (64, 16, 14, 14), 32, 5),
    _conv("W16d", 3.0, (64, 32, 14, 14), 32, 3, groups=32),
    _pool("W17a", "MaxPool2d"),
    _pool("W17b", "AvgPool2d"),
    _network("W18a", "CNN step (32, 1, 8, 8)", 1.0, "cnn", (32, 1, 8, 8), classes=10, size=8, by_hand=True),
    _network("W18b", "CNN step (64, 1, 28, 28)", 1.15, "cnn", (64, 1, 28, 28), classes=10, size=28, by_hand=True),
    _network("W18c", "CNN step with BatchNorm2d (64, 1, 28, 28)", 1.5, "cnn", (64, 1, 28, 28), classes=10, size=28,
             norm=True),
    _network("W19a", "LSTM (20, 32, 28) to 64", 2.0, "recurrent", (20, 32, 28), name="LSTM", sizes=(28, 64)),
    _network("W19b", "LSTM (64, 32, 64) to 128", 2.8, "recurrent", (64, 32, 64), name="LSTM", sizes=(64, 128)),
    _network("W19c", "GRU (20, 32, 28) to 64", 1.9, "recurrent", (20, 32, 28), name="GRU", sizes=(28, 64)),
    _network("W20a", "MultiheadAttention (32, 64, 64), 4 heads", 1.75, "attention", (32, 64, 64), width=64, heads=4),
    _network("W20b", "TransformerEncoderLayer (32, 64, 64)", 1.75, "encoder", (32, 64, 64), width=64, heads=4),
    _network("W21a", "char-GPT step, gelu by tanh", 2.3, "gpt", (32, 64), letters=60, length=64, approximate="tanh"),
    _network("W21b", "char-GPT step, exact gelu", 2.7, "gpt", (32, 64), letters=60, length=64, approximate="none"),
)  # fmt: skip


def chosen(only: list[str] | None) -> list[Workload]:
    """All workloads, or those named: "W4" means W4a and W4b."""
    if not only:
        return list(WORKLOADS)
    known = {w.id for w in WORKLOADS} | {w.id.rstrip("abcd") for w in WORKLOADS}
    unknown = [name for name in only if name not in known]
    if unknown:
        raise SystemExit(f"no workload {', '.join(unknown)}; there are {', '.join(w.id for w in WORKLOADS)}")
    return [w for w in WORKLOADS if w.id in only or w.id.rstrip("abcd") in only]
