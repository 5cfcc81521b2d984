"""The source article's formulas and claims, each with a verdict and with evidence measured on the spot.

The words are in document.txt; formulas.py, to be read first, measures the formulas of section 3, and this file all the
rest: activations, initialisation, optimizers, the two programs, models. It trains with fit and optim, as a user would.
tests/test_document.py decides the rows again by itself; read gradcheck.py next, to see how a gradient is judged.
"""

from __future__ import annotations

import argparse
import math
import sys
import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from .. import functional as F
from .. import nn, optim
from ..data import batches
from ..engine.arrays import Array
from ..engine.random import manual_seed, seeded
from ..engine.tensor import Tensor, tensor
from ..engine.terminal import columns, spelled
from ..training.fit import evaluate, fit, predict
from .formulas import Evidence, evidence, line_data, measured, rng, sigmoid

# ---- section 2: the algorithm ----


def saturation(f: Callable[[Any], Any], dtype: Any) -> float:
    """The smallest x, to three digits, at which f(x) is exactly 1."""
    low, high = 0.0, 50.0
    while high - low > 1e-3:
        middle = (low + high) / 2
        low, high = (low, middle) if f(np.full(16, middle, dtype))[0] == 1 else (middle, high)
    return high


@evidence("D14")
def activations() -> str:
    nan, twenty = np.array(np.nan), np.float32(20)
    with np.errstate(divide="ignore"):
        bce = -np.log(1 - sigmoid(twenty))
    return (
        f"sigmoid is 1 from {saturation(sigmoid, np.float32):.2f} / {saturation(sigmoid, float):.2f} (float32 / "
        f"float64), tanh from {saturation(np.tanh, np.float32):.2f} / {saturation(np.tanh, float):.2f} with this "
        f"NumPy; float32 σ(−20) = {sigmoid(-twenty):.2e}, but ½(1 + tanh(−10)) = "
        f"{0.5 * (1 + np.tanh(-twenty / 2)):.0e}; loss of σ(20) for target 0: {bce:.0f}, from the logit "
        f"{np.logaddexp(0, twenty):.1f}. ReLU(NaN): {np.where(nan > 0, nan, 0)}, np.maximum: {np.maximum(nan, 0)}."
    )


def xor_network(start: Callable[[tuple[int, ...]], Array], biases: bool) -> tuple[float, float, int, float]:
    """Train 2-8-1 tanh on XOR-like points, by gradient descent: loss, accuracy, rank of W1, largest |W|."""
    points = rng(3).uniform(-1, 1, (200, 2))
    examples = points, (points[:, :1] * points[:, 1:] > 0).astype(float)
    model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
    for p in model.parameters():
        p.data = start(p.shape) if p.ndim > 1 or biases else np.zeros(p.shape)
    loss, descent = F.binary_cross_entropy_with_logits, optim.SGD(model.parameters(), lr=0.5)
    fit(model, examples, loss=loss, optimizer=descent, epochs=1500, batch_size=200, progress=False)
    found = evaluate(model, examples, loss=loss, metrics={"right": lambda z, y: np.mean((z > 0) == (y > 0))})
    w1, _, w2, _ = (p.numpy() for p in model.parameters())
    rank = int(np.linalg.matrix_rank(w1, tol=1e-8))
    return found["loss"], found["right"], rank, float(max(np.abs(w1).max(), np.abs(w2).max()))


@evidence("D15")
def initialisation() -> str:
    zero, equal = xor_network(np.zeros, False), xor_network(lambda s: np.full(s, 0.5), False)
    random = [xor_network(rng(1).standard_normal, biases)[1] for biases in (False, True)]
    return (
        f"XOR-like points, 2-8-1 tanh: all zero: loss {zero[0]:.3f}, weights still {zero[3]:.0f}; constant: rank of W1 "
        f"{equal[2]}, accuracy {equal[1]:.3f}; random weights: {random[0]:.3f} with b = 0, {random[1]:.3f} with random "
        f"b."
    )


@evidence("D16")
def backward_and_step() -> str:
    w = tensor(rng().normal(size=3), requires_grad=True)
    losses = []
    optimizer = optim.SGD([w], lr=0.1)
    for act in (lambda: None, lambda: np.sum(w**2).backward(), optimizer.step):
        act()
        losses.append(np.sum(w.data**2))
    return (
        f"Σw²: {losses[0]:.3f} at first, {losses[1]:.3f} after backward(), {losses[2]:.3f} after the optimizer's step."
    )


# ---- overfitting and optimizers ----


def polynomial(x: Array, degree: int) -> Array:
    return np.polynomial.legendre.legvander(x, degree)


def ridge(a: Array, y: Array, l2: float) -> Array:
    w: Array = np.linalg.lstsq(
        np.vstack([a, math.sqrt(l2) * np.eye(a.shape[1])]), np.append(y, np.zeros(a.shape[1])), rcond=None
    )[0]
    return w


def lasso(a: Array, y: Array, l1: float, steps: int = 2000) -> Array:
    """min ½‖aw − y‖² + l1·Σ|w|, by proximal gradient steps."""
    w, rate = np.zeros(a.shape[1]), 1 / np.linalg.norm(a, 2) ** 2
    for _ in range(steps):
        v = w - rate * a.T @ (a @ w - y)
        w = np.sign(v) * np.maximum(np.abs(v) - rate * l1, 0)
    return w


def cross_validate(x: Array, y: Array, l2: float, degree: int = 12, folds: int = 5) -> float:
    """The mean squared error on each fold of a fit to the others."""
    errors = []
    for k in range(folds):
        out = np.arange(len(x)) % folds == k
        w = ridge(polynomial(x[~out], degree), y[~out], l2)
        errors.append(np.mean((polynomial(x[out], degree) @ w - y[out]) ** 2))
    return float(np.mean(errors))


@cache
def overfitting(runs: int = 30) -> dict[str, tuple[float, float]]:
    """Median training and test error of a degree-12 polynomial on 16 noisy points of cos 3x, and of each remedy."""
    test = np.linspace(-1, 1, 201)
    found: dict[str, list[tuple[float, float]]] = {}
    for seed in range(runs):
        draw = rng(seed)
        x = draw.uniform(-1, 1, 16)
        y = np.cos(3 * x) + 0.3 * draw.normal(size=16)
        a, grid = polynomial(x, 12), (1e-8, 1e-4, 1e-2, 1e-1, 1.0)
        chosen = min(grid, key=lambda l2: cross_validate(x, y, l2))
        twice, same, wrong = np.append(x, -x), np.append(y, y), np.append(y, -y)
        fits = {
            "plain": ridge(a, y, 1e-8),
            "L2": ridge(a, y, 0.1),
            "L1": lasso(a, y, 0.3),
            "simpler": ridge(polynomial(x, 4), y, 0),
            "mirrored": ridge(polynomial(twice, 12), same, 1e-8),
            "mirrored, label changed": ridge(polynomial(twice, 12), wrong, 1e-8),
            "L2 chosen by cross-validation": ridge(a, y, chosen),
        }
        for name, w in fits.items():
            train, out = polynomial(x, len(w) - 1) @ w - y, polynomial(test, len(w) - 1) @ w - np.cos(3 * test)
            found.setdefault(name, []).append((float(np.mean(train**2)), float(np.mean(out**2))))
    return {
        name: (float(np.median([e[0] for e in v])), float(np.median([e[1] for e in v]))) for name, v in found.items()
    }


@evidence("D17")
def remedies() -> str:
    errors = "; ".join(f"{name} {train:.3f} / {test:.3f}" for name, (train, test) in overfitting().items())
    return f"degree 12 on 16 noisy points of cos 3x, median training / test error of 30 draws: {errors}."


Examples = tuple[Array, Array, Array]  # columns (n, k), their values (n, k), labels (n,)


@cache
def logistic_problem(kind: str, seed: int = 0) -> tuple[Examples, Examples, int]:
    """25,000 examples of a logistic regression, the last 5,000 for the test, and the number of features.

    "sparse": 17 draws of 2000 features with Zipf's frequencies; "dense": 100 normal features; "scaled": the same at
    scales 1 … 0.01, which makes the Hessian ill-conditioned.
    """
    draw, n = rng(seed), 25_000
    if kind == "sparse":
        p = 1 / np.arange(1, 2001)
        columns = draw.choice(2000, (n, 17), p=p / p.sum())
        values, true = np.ones(columns.shape), draw.normal(size=2000)
    else:
        scales = np.logspace(0, -2, 100) if kind == "scaled" else np.ones(100)
        columns = np.broadcast_to(np.arange(100), (n, 100))
        values, true = draw.normal(size=(n, 100)) * scales, 0.15 * draw.normal(size=100) / scales
    z = np.sum(true[columns] * values, axis=1)
    y = (draw.random(n) < sigmoid(z - z.mean())).astype(float)
    cut = n - 5000
    return (columns[:cut], values[:cut], y[:cut]), (columns[cut:], values[cut:], y[cut:]), len(true)


OPTIMIZERS: dict[str, Callable[[list[Tensor], float], Any]] = {
    "SGD": lambda p, lr: optim.SGD(p, lr=lr),
    "momentum": lambda p, lr: optim.SGD(p, lr=lr, momentum=0.9),
    "AdaGrad": lambda p, lr: optim.Adagrad(p, lr=lr),
    "RMSprop": lambda p, lr: optim.RMSprop(p, lr=lr),
    "Adam": lambda p, lr: optim.Adam(p, lr=lr),
    "Adadelta": lambda p, lr: optim.Adadelta(p, lr=lr),
}
RATES: dict[str, dict[str, float]] = {  # the best of the grid in tests/test_document.py, problem by problem
    "SGD": {"sparse": 1, "dense": 0.03, "scaled": 1},
    "momentum": {"sparse": 0.1, "dense": 0.003, "scaled": 0.1},
    "AdaGrad": {"sparse": 0.3, "dense": 0.03, "scaled": 1},
    "RMSprop": {"sparse": 0.01, "dense": 0.001, "scaled": 0.03},
    "Adam": {"sparse": 0.01, "dense": 0.001, "scaled": 0.03},
    "Adadelta": {"sparse": 10, "dense": 1, "scaled": 30},
}


@cache
def held_out_nll(kind: str, method: str, lr: float, batch: int = 32, seed: int = 0, passes: int = 2) -> float:
    """Train by `passes` over the 20,000 examples; the negative log-likelihood of the 5,000 test examples."""
    (columns, values, y), (test_columns, test_values, test_y), features = logistic_problem(kind, seed)
    w = tensor(np.zeros(features + 1), requires_grad=True)  # the last one is the bias
    optimizer, dense = OPTIMIZERS[method]([w], lr), kind != "sparse"
    feed = batches((np.arange(len(y)), y), batch, seed=rng(seed + 100))
    for _ in range(passes):
        for i, target in feed:
            c, v = columns[i], values[i]
            z = (v @ w.data[:-1] if dense else (v * w.data[c]).sum(1)) + w.data[-1]
            e = (sigmoid(z) - target) / len(i)
            g = e @ v if dense else np.bincount(c.ravel(), (v * e[:, None]).ravel(), features)
            w.grad = tensor(np.append(g, e.sum()))
            optimizer.step()
    z = (test_values * w.data[test_columns]).sum(1) + w.data[-1]
    return float(np.mean(np.logaddexp(0, z) - test_y * z))


def best(kind: str, *methods: str) -> str:
    """Each method's test loss on that problem, at its best rate."""
    return ", ".join(f"{m} {held_out_nll(kind, m, RATES[m][kind]):.3f}" for m in methods)


@evidence("D18")
def recommendations() -> str:
    return "; ".join(f"{kind}: {best(kind, *OPTIMIZERS)}" for kind in ("sparse", "dense", "scaled"))


# ---- section 4: program 2, linear regression ----

PRINTED = 0.0005564296807308625


class Neurons(nn.Module):
    """σ(wx + b) or, linear, wx + b, for many runs at once: x (n, 1) or (n, runs), w and b (runs,)."""

    def __init__(self, w: Array, b: Array, activation: Callable[[Any], Any] = lambda z: z) -> None:
        self.w, self.b, self.activation = tensor(w, requires_grad=True), tensor(b, requires_grad=True), activation

    def forward(self, x: Any) -> Any:
        return self.activation(x * self.w + self.b)

    def losses(self, x: Array, y: Array) -> Array:
        """The mean squared error of each run."""
        return np.asarray(np.mean((predict(self, x) - y) ** 2, axis=0))


def sum_of_losses(outputs: Any, targets: Array) -> Any:
    """Of runs that have nothing to do with each other: each gets the gradient of its own mean squared error."""
    return np.sum(np.mean((outputs - targets) ** 2, axis=0))


@dataclass(eq=False)
class Lines:
    """Program 2 for many seeds at once: the data (100, seeds), the trained and the least-squares lines, their MSE."""

    x: Array
    y: Array
    trained: Neurons
    mse: Array
    best: Neurons
    least: Array


@cache
def program_two(runs: int = 200, noise: float = 1.0, epochs: int = 100) -> Lines:
    """y ≈ wx + b by SGD(0.01) on the MSE, batches of 10, as printed; w starts in U(−√3, √3), b at 0."""
    x, y = (np.stack(v, axis=1) for v in zip(*(line_data(seed, noise) for seed in range(runs)), strict=True))
    model = Neurons(rng().uniform(-math.sqrt(3), math.sqrt(3), runs), np.zeros(runs))
    fit(
        model, (x, y), loss=sum_of_losses, optimizer=optim.SGD(model.parameters(), lr=0.01), epochs=epochs,
        batch_size=10, seed=0, progress=False,
    )  # fmt: skip
    xc, yc = x - x.mean(0), y - y.mean(0)
    slope = np.sum(xc * yc, axis=0) / np.sum(xc * xc, axis=0)
    best = Neurons(slope, y.mean(0) - slope * x.mean(0))
    return Lines(x, y, model, model.losses(x, y), best, best.losses(x, y))


def log10_chi2_below(v: float, k: int) -> float:
    """log₁₀ P(χ²_k ≤ v), by the series of the lower incomplete gamma function."""
    term = total = 1.0
    for i in range(1, 500):
        term *= v / 2 / (k / 2 + i)
        total += term
    return (k / 2 * math.log(v / 2) - v / 2 - math.lgamma(k / 2 + 1) + math.log(total)) / math.log(10)


@evidence("D22")
def final_loss() -> str:
    runs, clean = program_two(), program_two(noise=0.0)
    return (
        f"200 seeds: smallest possible MSE {runs.least.mean():.3f} ± {runs.least.std():.3f}, never below "
        f"{runs.least.min():.3f}; after training {runs.mse.mean():.3f}. P(≤ the printed number) = "
        f"10^{log10_chi2_below(100 * PRINTED, 98):.0f}. Nor is it a float32: the nearest is "
        f"{float(np.float32(PRINTED))!r}. Without the noise term: {clean.mse.mean():.3f} on average, at or below the "
        f"printed number in {np.mean(clean.mse <= PRINTED):.0%} of the runs."
    )


@evidence("D23")
def closeness() -> str:
    runs = program_two()
    apart, (slope, intercept) = np.abs(predict(runs.trained, runs.x) - runs.y), runs.trained.state_dict().values()
    r2 = [1 - np.mean(m / runs.y.var(0)) for m in (runs.mse, runs.least)]
    return (
        f"{np.mean(apart > 0.5):.0%} of the points lie more than 0.5 from the line, {np.mean(apart > 1):.0%} more than "
        f"1; R² {r2[0]:.3f} (least squares {r2[1]:.3f}); slope {slope.mean():.2f} ± {slope.std():.2f}, "
        f"intercept {intercept.mean():.2f} ± {intercept.std():.2f} (least squares "
        f"{runs.best.w.data.mean():.2f}, {runs.best.b.data.mean():.2f})."
    )


@evidence("D24")
def seeds() -> str:
    before = np.random.get_state()
    try:
        np.random.seed(None)
        drawn = []
        for both in (False, False, True, True):
            with seeded(None):
                manual_seed(42)
                if both:
                    np.random.seed(42)
                drawn.append(np.random.rand())
    finally:
        np.random.set_state(before)
    return (
        f"the first x of two runs, seeding tinydl's generator alone: {drawn[0]:.4f}, {drawn[1]:.4f}; NumPy's too: "
        f"{drawn[2]:.4f}, {drawn[3]:.4f}."
    )


# ---- the optimizers' rows, on the problems above ----


@evidence("D25")
def sgd() -> str:
    full = {kind: held_out_nll(kind, "SGD", lr, 20_000) for kind, lr in (("sparse", 3), ("scaled", 10))}
    return (
        f"test loss after the same 2 passes over 20,000 examples: sparse {best('sparse', 'SGD')}, full batch "
        f"{full['sparse']:.3f}; scaled {best('scaled', 'SGD')}, full batch {full['scaled']:.3f}. Well-conditioned: "
        f"{best('dense', 'SGD', 'Adam')}."
    )


@evidence("D26")
def adam() -> str:
    return "; ".join(f"{k}: {best(k, 'SGD', 'Adam')}" for k in ("dense", "sparse", "scaled"))


@evidence("D27")
def rmsprop() -> str:
    steps = []
    for make in (
        lambda p: optim.Adam(p, lr=0.01, betas=(0.0, 0.99), eps=0.0),
        lambda p: optim.RMSprop(p, lr=0.01, eps=0.0),
    ):
        w = tensor(np.zeros(4), requires_grad=True)
        optimizer, draw = make([w]), rng()
        for _ in range(50):
            before = w.data.copy()
            w.grad = tensor(draw.normal(size=4))
            optimizer.step()
        steps.append(w.data - before)
    ratio = steps[0] / steps[1] / math.sqrt(1 - 0.99**50)
    return (
        f"Adam's 50th step with β₁ = 0 is RMSprop's times its bias correction to {np.abs(ratio - 1).max():.0e}. "
        f"Sparse: {best('sparse', 'RMSprop', 'Adam', 'AdaGrad')}."
    )


@evidence("D28")
def adadelta() -> str:
    rates = ", ".join(f"lr = {lr:g}: {held_out_nll('sparse', 'Adadelta', lr):.3f}" for lr in (0.001, 1, 10))
    return f"sparse, Adadelta at {rates} (untrained 0.693); {best('sparse', 'AdaGrad', 'SGD')}."


# ---- sections 1 and 2: neurons and program 1 ----


@evidence("D29")
def nonlinearity() -> str:
    draw, widths = rng(), (5, 7, 6, 4, 3)
    x, w, b = draw.normal(size=(20, 5)), np.eye(5), np.zeros(5)
    y = x
    for m, n in pairwise(widths):
        wi, bi = draw.normal(size=(m, n)), draw.normal(size=n)
        y, w, b = y @ wi + bi, w @ wi, b @ wi + bi
    return f"four layers and the one affine map they equal differ by {np.abs(y - x @ w - b).max():.0e}."


@evidence("D30")
def neuron() -> str:
    w = rng().normal(size=(1000, 3)) * 10
    z = w @ np.zeros(3)
    return (
        f"1000 random w: σ(w·0) from {sigmoid(z).min()} to {sigmoid(z).max()}; with b = 2: {sigmoid(z + 2).max():.3f}."
    )


@evidence("D32")
def row_and_column() -> str:
    x = np.ones((3, 1))
    return f"x (3, 1) − α·row (1, 3) has shape {(x - 0.1 * (2 * x).T).shape}, with x's own {(x - 0.1 * 2 * x).shape}."


@cache
def program_one(lr: float, starts: int = 200) -> tuple[Array, Array, Array, Array]:
    """One sigmoid neuron, MSE, Adam, 1000 steps, from many starts at once: final (w, b), start, losses after, before.

    y = σ(2x − 1) at 50 points of [−3, 3]; w normal, b = 0.
    """
    x = np.linspace(-3, 3, 50)[:, None]
    y = np.repeat(sigmoid(2 * x - 1), starts, axis=1)
    start = np.stack([rng().standard_normal(starts), np.zeros(starts)])
    model = Neurons(start[0], start[1], F.sigmoid)
    before, adam = model.losses(x, y), optim.Adam(model.parameters(), lr=lr)
    fit(model, (x, y), loss=sum_of_losses, optimizer=adam, epochs=1000, batch_size=50, progress=False)
    return np.stack([model.w.data, model.b.data]), start, model.losses(x, y), before


@evidence("D33")
def goal() -> str:
    end, start, after, before = program_one(0.001)
    return (
        f"y = σ(2x − 1), 200 starts: parameters move by at most {np.abs(end - start).max():.2f}, the nearest w ends "
        f"{np.abs(end[0] - 2).min():.2f} from 2; loss {before.mean():.3f} → mean {after.mean():.3f}, median "
        f"{np.median(after):.3f}. At rate 0.05: mean {program_one(0.05)[2].mean():.0e}."
    )


@evidence("D34")
def weighted_sum() -> str:
    x, w = rng().normal(size=(5, 3)), rng(1).normal(size=3)
    return f"x (5, 3): w * x has shape {(w * x).shape}, x @ w {(x @ w).shape}, which is its sum over the inputs."


def curvature(loss: Callable[[float], float], w: float, h: float = 1e-3) -> float:
    return (loss(w + h) - 2 * loss(w) + loss(w - h)) / h**2


@evidence("D35")
def squared_error_of_sigmoid() -> str:
    x = np.linspace(-3, 3, 50)
    y = sigmoid(2 * x - 1)

    def mse(w: float) -> float:
        return float(np.mean((sigmoid(w * x) - y) ** 2))

    def bce(w: float) -> float:
        return float(np.mean(np.logaddexp(0, w * x) - y * w * x))

    slopes = [(f(-8 + 1e-5) - f(-8 - 1e-5)) / 2e-5 for f in (mse, bce)]
    return (
        f"b = 0, second derivative in w at −1: MSE {curvature(mse, -1):+.2f}, cross-entropy {curvature(bce, -1):+.2f}; "
        f"slope at w = −8: {abs(slopes[0]):.3f} and {abs(slopes[1]):.2f}."
    )


@evidence("D36")
def training_data_twice() -> str:
    runs, fresh = program_two(), rng(9)
    x = fresh.random((10_000, 1))
    y = 2 * x + 1 + fresh.standard_normal((10_000, 1))
    out = runs.best.losses(x, y).mean()
    return f"least squares, 200 seeds: MSE {runs.least.mean():.3f} on its own data, {out:.3f} on new data."


@evidence("D37")
def epochs() -> str:
    steps = 100 * len(batches(line_data(0), 10))
    return f"100 epochs of 100 examples in batches of 10: {steps} iterations."


@evidence("D38")
def scale_of_a_loss() -> str:
    runs = program_two()
    return (
        f"noise 1, Var y = {runs.y.var(0).mean():.2f}; the same fit with y in units of 100: MSE "
        f"{np.mean(runs.mse / 100**2):.1e}, R² the same {1 - np.mean(runs.mse / runs.y.var(0)):.2f}."
    )


# ---- claims about models ----


def resnet_parameters(blocks: Sequence[int]) -> int:
    """Of a ResNet of bottleneck blocks, counted layer by layer (He et al. 2015; batch norm: two per channel)."""
    total, channels = 7 * 7 * 3 * 64 + 2 * 64, 64
    for width, count in zip((64, 128, 256, 512), blocks, strict=True):
        for i in range(count):
            total += channels * width + 9 * width**2 + 4 * width**2 + 2 * (width + width + 4 * width)
            total += (channels * 4 * width + 2 * 4 * width) if i == 0 else 0
            channels = 4 * width
    return total + channels * 1000 + 1000


def bert_parameters(layers: int, h: int) -> int:
    """Embeddings (30,522 words, 512 positions, 2 segments), layers of attention and a 4h feed-forward, the pooler."""
    layer = 4 * (h * h + h) + (h * 4 * h + 4 * h) + (4 * h * h + h) + 2 * 2 * h
    return (30_522 + 512 + 2) * h + 2 * h + layers * layer + h * h + h


@evidence("D42")
def sizes() -> str:
    resnets = resnet_parameters((3, 4, 6, 3)), resnet_parameters((3, 8, 36, 3))
    return (
        f"counted from the layers: ResNet-50 {resnets[0]:,}, ResNet-152 {resnets[1]:,}, BERT-base "
        f"{bert_parameters(12, 768):,}, BERT-large {bert_parameters(24, 1024):,}."
    )


@evidence("D46")
def pruning() -> str:
    draw, n = rng(), 2000
    found = []
    for zeros in (0.4, 0.9, 0.99):
        w = np.where(draw.random((n, n)) < zeros, 0, draw.random((n, n)).astype(np.float32))
        kept = int(np.count_nonzero(w))
        size = sparse_bytes(kept, n) / w.nbytes
        found.append(f"{zeros:.0%} zeros: {size:.2f} of the bytes, {kept / w.size:.2f} of the products")
    return f"2000² float32: {4 * n * n:,} bytes, {n * n:,} products whatever the zeros; as CSR, {'; '.join(found)}."


def sparse_bytes(kept: int, rows: int) -> int:
    """Compressed sparse rows: a float32 and an int32 column per number kept, and where each row starts."""
    return kept * (4 + 4) + 4 * (rows + 1)


def pipeline(stages: Sequence[float], transfer: float, requests: int) -> list[float]:
    """When each of the requests, all there at time 0, leaves a chain of stages on machines of their own."""
    free, done = [0.0] * len(stages), []
    for _ in range(requests):
        now = 0.0
        for k, duration in enumerate(stages):
            now = free[k] = max(now + (transfer if k else 0), free[k]) + duration
        done.append(now)
    return done


@evidence("D47")
def splitting() -> str:
    done = pipeline([10.0] * 4, 1.0, 101)
    return (
        f"40 ms on one machine; as 4 stages of 10 ms with transfers of 1 ms: the first answer after {done[0]:.0f} ms, "
        f"then one every {(done[-1] - done[0]) / 100:.0f} ms; each layer split in 4: {4 * (10 / 4 + 1):.0f} ms."
    )


# ---- the table ----


@dataclass(eq=False)
class Row:
    """One formula or claim: `quote` as the article writes it, `gloss` in English, `verdict`, and what is true.

    `evidence` measures, when called, the numbers that decide the row; None where no computation decides it.
    """

    id: str
    verdict: str
    quote: str
    gloss: str
    truth: str
    evidence: Evidence | None = None


def _read_rows() -> list[Row]:
    rows = []
    for block in Path(__file__).with_name("document.txt").read_text("utf-8").strip().split("\n\n"):
        (id, verdict), (_, quote), (_, gloss), (_, truth) = (line.split(None, 1) for line in block.split("\n"))
        rows.append(Row(id, verdict, quote, gloss, truth, measured.get(id)))
    return rows


ROWS = _read_rows()


def select(ids: Iterable[str] = ()) -> list[Row]:
    """The rows of these ids (any case), in the table's order; all of them for none. ValueError for an unknown id."""
    wanted = [i.upper() for i in ids]
    known = {r.id for r in ROWS}
    if unknown := [i for i in wanted if i not in known]:
        raise ValueError(f"the document has no row {', '.join(unknown)}; its rows are {ROWS[0].id} to {ROWS[-1].id}")
    return [r for r in ROWS if not wanted or r.id in wanted]


def print_table(ids: Iterable[str] = (), file: TextIO | None = None) -> None:
    """Print the rows (all, or those of `ids`): quotation, gloss, verdict, what is true, and the evidence, measured now.

    Raises ValueError for an id that isn't in the table. What the file's encoding can't show is spelled in ASCII.
    """
    file = file or sys.stdout
    width = min(120, columns(80, anywhere=True))
    for r in select(ids):
        print(f"{r.id}  {r.verdict.upper()}", file=file)
        parts = {
            "article": f"{r.quote}  ({r.gloss})",
            "truth": r.truth,
            "measured": r.evidence() if r.evidence else "not decided by a computation",
        }
        for name, text in parts.items():
            shown = spelled(text, file)  # here, for its length counts
            print(textwrap.fill(shown, width, initial_indent=f"  {name:<9}", subsequent_indent=" " * 11), file=file)
        print(file=file, flush=True)


EXAMPLES = """\
examples:
  tinydl document
  tinydl document D11 D12
"""


def add_document_command(subparsers: Any) -> None:
    """Add `document [ids]` to the command line's subcommands."""
    parser = subparsers.add_parser(
        "document", help="the source article's formulas, checked: verdicts and evidence",
        description="The formulas and claims of the article that the course is built on: each with a verdict, what is "
        "true, and the numbers, measured now, that decide it.", epilog=EXAMPLES,
    )  # fmt: skip
    parser.add_argument("ids", nargs="*", metavar="ID", help="rows to print, such as D11 D12 (default: all)")

    def run(arguments: argparse.Namespace) -> int:
        try:
            print_table(arguments.ids)
        except ValueError as error:
            parser.error(str(error))
        return 0

    parser.set_defaults(run=run)
