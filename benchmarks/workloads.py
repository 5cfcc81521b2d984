"""What is measured: the workloads, the arrays they work on, and the ratios tinydl must reach.

Every peer is given the same arrays, starting weights included, by the functions below, and does the same arithmetic on
them; `measure.py` verifies that before it times anything. Read `adapters/by_hand.py` next: it is the plainest statement
of what one step of each workload is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

# NumPy is imported inside the functions: run.py reads this file, and the peak memory that Linux reports for a child
# begins at what its parent held, so the parent stays small.


@dataclass(frozen=True)
class Target:
    """tinydl's `what` divided by the peer's must be at most `limit` (for "ms over": tinydl's minus the peer's)."""

    peer: str
    limit: float | None  # None: the ratio is reported and not judged
    what: str = "time"


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


# ---- the table ----

_STEP_PEERS = ("tinydl", "numpy", "torch", "jax", "autograd", "mygrad")


def _step(id: str, sizes: tuple[int, ...], batch: int, optimizer: str, torch: float, numpy: float) -> Workload:
    shape = "-".join(map(str, sizes))
    return Workload(
        id, f"MLP step {shape}, batch {batch}, {optimizer}", "steps", _STEP_PEERS,
        (Target("torch", torch), Target("numpy", numpy)),
        training, "training", {"sizes": sizes, "batch": batch, "optimizer": optimizer},
    )  # fmt: skip


MIDDLE, LARGE = (784, 256, 256, 10), (784, 1024, 1024, 10)

WORKLOADS = (
    Workload(
        "W1", "chain of 20,000 operations on 4 elements", "long_chain", ("tinydl", "torch", "autograd", "mygrad"),
        (Target("torch", 0.50), Target("autograd", 0.10),
         Target("itself, 1,000,000 long, gc off", 1.3), Target("itself, 1,000,000 long, gc on", 1.6)),
        chain, "chain",
    ),
    _step("W2", (2, 16, 16, 2), 1, "SGD", torch=0.55, numpy=1.8),
    _step("W3", (64, 128, 128, 10), 64, "SGD", torch=0.70, numpy=1.25),
    _step("W4a", MIDDLE, 128, "SGD", torch=0.90, numpy=1.03),
    _step("W4b", LARGE, 256, "SGD", torch=0.90, numpy=1.03),
    _step("W5a", MIDDLE, 128, "Adam", torch=1.0, numpy=1.05),
    _step("W5b", LARGE, 256, "Adam", torch=1.0, numpy=1.05),
    Workload(
        "W6", "micrograd's moons demo, one full-batch step", "steps", ("tinydl", "numpy", "torch", "micrograd"),
        (Target("micrograd", 1 / 8000), Target("torch", None), Target("numpy", None)), moons, "moons",
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
        "W9", "attention block (16, 64, 128), forward and backward", "steps", ("tinydl", "numpy", "torch", "jax"),
        (Target("numpy", 1.2), Target("torch", None)), attention, "attention",
    ),
    Workload(
        "W10a", "peak memory of W4a", "memory", ("tinydl", "numpy"),
        (Target("numpy", 1.15, "memory"), Target("numpy, relu in place", None, "memory")),
        training, "training", {"sizes": MIDDLE, "batch": 128},
    ),
    Workload(
        "W10b", "peak memory of W4b", "memory", ("tinydl", "numpy"),
        (Target("numpy", 1.15, "memory"), Target("numpy, relu in place", None, "memory")),
        training, "training", {"sizes": LARGE, "batch": 256},
    ),
    Workload(
        "W11", "import, in a fresh process", "imports", ("tinydl", "numpy", "torch", "jax", "autograd", "mygrad"),
        (Target("numpy", 25.0, "ms over"),),
    ),
    Workload(
        "W12", "recurrence over x[t], 1,000 steps of (8, 16), forward and backward", "doubled",
        ("tinydl", "numpy", "torch"),
        (Target("itself, twice as long", 2.3), Target("torch", None), Target("numpy", None)),
        recurrence, "recurrence", {"length": 1000},
    ),
)  # fmt: skip


def chosen(only: list[str] | None) -> list[Workload]:
    """All workloads, or those named: "W4" means W4a and W4b."""
    if not only:
        return list(WORKLOADS)
    known = {w.id for w in WORKLOADS} | {w.id.rstrip("ab") for w in WORKLOADS}
    unknown = [name for name in only if name not in known]
    if unknown:
        raise SystemExit(f"no workload {', '.join(unknown)}; there are {', '.join(w.id for w in WORKLOADS)}")
    return [w for w in WORKLOADS if w.id in only or w.id.rstrip("ab") in only]
