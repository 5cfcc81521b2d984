"""Privacy on the packaged digits: what it costs in time and in accuracy, and what an attack makes of it.

Times: a step's gradients by `private_gradients` and by its loop, each divided by an ordinary forward and backward pass
of the same lot; medians of turns. Accuracy over ε: DP-SGD with several noises, the rest equal; mean and standard
deviation over seeds. The attack (Yeom et al., arXiv:1709.01604, 2018): whoever has the smaller loss was in the training
set. Its AUC is the chance that it ranks a member before another digit; 0.5 is guessing, which the control shows, a
network that was trained on neither.

    python benchmarks/privacy.py             # needs python -m pip install ".[privacy]"; some three minutes
    python benchmarks/privacy.py --quick     # fewer seeds and steps, to see that it runs
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import tinydl as tl
from tinydl import functional as F
from tinydl import nn, optim
from tinydl.privacy import epsilon, private_gradients

CLIP, LOT, STEPS, DELTA = 1.0, 64, 450, 1e-4
NOISES = (0.0, 0.5, 1.0, 2.0, 4.0)
MEMBERS, WRONG = 200, 0.3  # few digits, some of whose labels are wrong, are what a network learns by heart


def network(hidden: int = 128) -> nn.Module:
    return nn.Sequential(nn.Linear(64, hidden), nn.ReLU(), nn.Linear(hidden, 10))


# ---- time ----


class Text(nn.Module):
    """Letters: an embedding, LayerNorm and a Linear at each of several positions."""

    def __init__(self) -> None:
        self.letters, self.norm, self.out = nn.Embedding(30, 32), nn.LayerNorm(32), nn.Linear(32, 10)

    def forward(self, x: Any) -> Any:
        return self.out(self.norm(self.letters(x))).mean(axis=1)


def kinds() -> dict[str, tuple[nn.Module, Any]]:
    """A network of each kind of layers, and 256 examples."""
    rng = np.random.default_rng(0)
    rows, images = (rng.normal(size=shape).astype(np.float32) for shape in ((256, 64), (256, 1, 8, 8)))
    conv = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 16, 3), nn.GroupNorm(2, 16), nn.ReLU(), nn.Flatten(),
        nn.Linear(576, 10),
    )  # fmt: skip
    return {
        "Linear on rows, 64-128-10": (network(), rows),
        "Linear on rows, 64-512-512-10": (
            nn.Sequential(nn.Linear(64, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)), rows,
        ),
        "Conv2d, GroupNorm, Linear": (conv, images),
        "Embedding, LayerNorm, Linear on 12 letters": (Text(), rng.integers(0, 30, (256, 12))),
    }  # fmt: skip


def times(turns: int) -> None:
    y = np.random.default_rng(1).integers(0, 10, 256)
    for name, (model, x) in kinds().items():
        rng = np.random.default_rng(2)

        def plain(model: Any = model, x: Any = x) -> None:
            model.zero_grad()
            F.cross_entropy(model(x), y).backward()

        def private(model: Any = model, x: Any = x, rng: Any = rng, **options: Any) -> None:
            private_gradients(model, x, y, loss=F.cross_entropy, clip=CLIP, noise=1.0, lot=len(x), rng=rng, **options)

        taken: list[list[float]] = [[], []]
        for _ in range(turns):
            for figures, run in zip(taken, (plain, private), strict=True):
                figures.append(seconds(run))
        ordinary, found = (statistics.median(figures) for figures in taken)
        loop = seconds(lambda private=private: private(loop=True))
        print(
            f"  {name:45} plain {1e3 * ordinary:6.2f} ms, private x{found / ordinary:.1f}, loop x{loop / ordinary:.0f}"
        )


def seconds(run: Callable[[], Any]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


# ---- accuracy over ε ----


def train_privately(model: nn.Module, x: Any, y: Any, *, noise: float, lot: float, steps: int, seed: int) -> nn.Module:
    rng, adam = np.random.default_rng(seed), optim.Adam(model.parameters(), lr=2e-3)
    for _ in range(steps):
        private_gradients(model, x, y, loss=F.cross_entropy, clip=CLIP, noise=noise, lot=lot, rng=rng)
        adam.step()
    return model


def accuracy(model: nn.Module, examples: Any) -> float:
    return tl.accuracy(tl.predict(model, examples.x), examples.y)


def curve(train: Any, test: Any, seeds: int, steps: int) -> None:
    for noise in NOISES:
        found, leaks = [], []
        for seed in range(seeds):
            tl.manual_seed(seed)
            model = train_privately(network(), *train, noise=noise, lot=LOT, steps=steps, seed=seed)
            found.append(accuracy(model, test))
            leaks.append(auc(losses(model, *train), losses(model, *test)))
        e = epsilon(noise, LOT / len(train), steps, DELTA)
        print(f"  noise {noise:.1f}  ε {e:7.2f}  test accuracy {spread(found)}  AUC of the attack {spread(leaks)}")


def spread(figures: list[float]) -> str:
    return f"{np.mean(figures):.3f} ± {np.std(figures):.3f}"


# ---- the attack ----


def losses(model: nn.Module, x: Any, y: Any) -> Any:
    return F.cross_entropy(tl.predict(model, x), y, reduction="none").data


def auc(members: Any, others: Any) -> float:
    """The chance that a member's loss is smaller than another's; ties count half."""
    return float(np.mean((members[:, None] < others) + 0.5 * (members[:, None] == others)))


def attack(train: Any, test: Any, seeds: int, epochs: int) -> None:
    rows: dict[str, list[tuple[float, float]]] = {}
    noise, rate = 2.0, 0.2
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        order, y = rng.permutation(len(train)), train.y.copy()
        wrong = rng.random(len(y)) < WRONG
        y[wrong] = rng.integers(0, 10, wrong.sum())
        members, others, third = ((train.x[i], y[i]) for i in np.split(order[: 3 * MEMBERS], 3))

        def fitted(own: Any, epochs: int, seed: int = seed) -> nn.Module:
            tl.manual_seed(seed)
            model = network()
            adam = optim.Adam(model.parameters(), lr=2e-3)
            tl.fit(model, own, loss=F.cross_entropy, optimizer=adam, epochs=epochs, seed=seed, progress=False)
            return model

        tl.manual_seed(seed)
        private = network()
        train_privately(private, *members, noise=noise, lot=rate * MEMBERS, steps=epochs, seed=seed)
        for name, model in {
            "trained on the members": fitted(members, epochs),
            "control: trained on neither": fitted(third, epochs),
            "stopped after 8 epochs": fitted(members, 8),
            f"private, ε = {epsilon(noise, rate, epochs, 1e-3):.1f}": private,
        }.items():
            found = auc(losses(model, *members), losses(model, *others)), accuracy(model, test)
            rows.setdefault(name, []).append(found)
    for name, figures in rows.items():
        leak, right = (spread(list(column)) for column in zip(*figures, strict=True))
        print(f"  {name:30} AUC {leak}  test accuracy {right}")


def main() -> None:
    parser = argparse.ArgumentParser(description="what privacy costs on the packaged digits")
    parser.add_argument("--quick", action="store_true", help="fewer seeds and steps, to see that it runs")
    quick = parser.parse_args().quick
    train, test = tl.data.split(tl.data.digits(), 0.8, seed=0, stratify=True)
    print("the gradients of a lot of 256, beside an ordinary forward and backward pass:")
    times(5 if quick else 41)
    print(f"accuracy over ε, δ = {DELTA}, {len(train)} digits:")
    curve(train, test, *((1, 20) if quick else (5, STEPS)))
    print(f"the attack, {MEMBERS} digits of whose labels {WRONG:.0%} are drawn at random:")
    attack(train, test, *((1, 10) if quick else (6, 150)))


if __name__ == "__main__":
    main()
