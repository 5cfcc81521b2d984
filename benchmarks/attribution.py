"""What maps of importance are worth: each beside its controls, on networks for digits, clothes and names.

For each kind of network and method, over the seeds: the rank correlation with the same map of an untrained copy, of a
network trained on shuffled labels, and with the size of the input alone; with signs, of inputs that aren't blank, the
first two again; the mean fall of the score while inputs are taken away in the map's order, over that in random order,
and over that in the order of gradient × input; how often the map was better than each. Of integrated gradients also
what their sums miss, relative to the mean difference of scores.

    python benchmarks/attribution.py --seeds 5            all, a few minutes
    python benchmarks/attribution.py --only "digits, MLP"
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import tinydl as tl
from tinydl import data, nn, optim
from tinydl import functional as F

sys.path.insert(0, str(Path(__file__).resolve().parent / "networks"))

import digits as digits_network
import names as names_network

ROWS = 100
Maps = dict[str, Callable[[Any, Any], Any]]

PIXELS: Maps = {
    "saliency": tl.saliency,
    "integrated gradients": tl.integrated_gradients,
    "occlusion, 1 × 1": lambda model, x: tl.occlusion(model, x, 1),
}
IMAGES: Maps = {
    **PIXELS,
    "occlusion, 3 × 3": lambda model, x: tl.occlusion(model, x, 3),
    "Grad-CAM": lambda model, x: tl.grad_cam(model, "3", x),
}
CLOTHES: Maps = {name: PIXELS[name] for name in ("saliency", "integrated gradients")} | {
    "occlusion, 7 × 7": lambda model, x: tl.occlusion(model, x, 7),
    "Grad-CAM": lambda model, x: tl.grad_cam(model, "4", x),
}
LETTERS: Maps = {
    "saliency": lambda model, x: tl.saliency(model, x, layer="letter"),
    "integrated gradients": lambda model, x: tl.integrated_gradients(model, x, layer="letter"),
    "integrated gradients from dots": lambda model, x: tl.integrated_gradients(model, x, 0, layer="letter"),
    "occlusion of a letter": lambda model, x: tl.occlusion(model, x, 1, layer="letter"),
}


def perceptron(activation: type[nn.Module]) -> Callable[[], nn.Module]:
    return lambda: nn.Sequential(nn.Linear(64, 128), activation(), nn.Linear(128, 10))


def clothes_network() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 8, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16 * 49, 10),
    )  # fmt: skip


def maps_of(images: data.Dataset) -> data.Dataset:
    return data.Dataset(images.x[:, None], images.y)


def letters() -> data.Dataset:
    names, sexes = data.names()
    return data.Dataset(names_network.encoded(names, data.Vocabulary(".abcdefghijklmnopqrstuvwxyz")), sexes)


# what it is → the examples, the network, its epochs and rate, the maps
EXPERIMENTS: dict[str, tuple[Callable[[], data.Dataset], Callable[[], nn.Module], int, float, Maps]] = {
    "digits, MLP of tanhs": (data.digits, perceptron(nn.Tanh), 15, 1e-3, PIXELS),
    "digits, MLP of relus": (data.digits, perceptron(nn.ReLU), 15, 1e-3, PIXELS),
    "digits, CNN": (lambda: maps_of(data.digits(images=True)), digits_network.network, 5, 3e-3, IMAGES),
    "clothes, CNN": (lambda: maps_of(data.fashion(images=True)), clothes_network, 5, 3e-3, CLOTHES),
    "names, GRU": (letters, lambda: names_network.NameReader(27), 3, 6e-3, LETTERS),
}


def trained(network: nn.Module, x: Any, y: Any, epochs: int, lr: float, seed: int) -> nn.Module:
    optimizer = optim.Adam(network.parameters(), lr=lr)
    tl.fit(
        network, (x, y), loss=F.cross_entropy, optimizer=optimizer, epochs=epochs, batch_size=64, seed=seed,
        progress=False,
    )  # fmt: skip
    return network


def measured(name: str, seed: int) -> dict[str, list[float]]:
    """For each map what is in a row of the table."""
    examples, network, epochs, lr, maps = EXPERIMENTS[name]
    train, test = data.split(examples(), 0.8, seed=seed, stratify=True)
    tl.manual_seed(seed)
    model = trained(network(), train.x, train.y, epochs, lr, seed)
    labels = np.random.default_rng(seed).permutation(train.y)
    shuffled = trained(network(), train.x, labels, epochs, lr, seed)
    x, rows = test.x[:ROWS], {}
    for method, make in maps.items():
        found = make(model, x)
        controls = found.controls(shuffled, seed=seed)
        missed = np.nan
        if "integrated" in method:
            missed = found.completeness / np.abs(np.asarray(found).reshape(len(x), -1).sum(1)).mean()
        falls = [controls.fall() / controls.fall(order) for order in ("random order", "gradient × input")]
        better = [float(controls.better_than(order)) for order in ("random order", "gradient × input")]
        sizes = [controls.untrained, controls.shuffled, controls.inputs]
        rows[method] = [*sizes, controls.untrained_signed, controls.shuffled_signed, *falls, *better, missed]
    return rows


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=1, help="how many, from 0 (default 1)")
    parser.add_argument("--only", choices=EXPERIMENTS, help="one of the networks")
    chosen = parser.parse_args(arguments)
    for name in [chosen.only] if chosen.only else EXPERIMENTS:
        runs = [measured(name, seed) for seed in range(chosen.seeds)]
        print(f"{name}, {chosen.seeds} seeds, {ROWS} test examples", flush=True)
        heads = ("untrained", "shuffled", "input alone", "untrained ±", "shuffled ±", "÷ random", "÷ g × x", "better")
        print(f"{'':32} " + "  ".join(f"{head:12}" for head in heads))
        for method in runs[0]:
            values = np.array([run[method] for run in runs], float)  # a map without signs has none of their figures
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # a map that is 0 everywhere correlates with nothing
                means = np.nanmean(values, 0)
                spread = np.nanstd(values, 0, ddof=1) if len(runs) > 1 else 0 * values[0]
            pairs = zip(means[:7], spread[:7], strict=True)
            cells = [f"{'' if np.isnan(m) else f'{m:.2f} ± {s:.2f}':12}" for m, s in pairs]
            missed = "" if np.isnan(means[9]) else f"  missed {values[:, 9].max():.1e}"
            counts = f"{values[:, 7].sum():.0f}, {values[:, 8].sum():.0f} of {len(runs)}"
            print(f"  {method:30} " + "  ".join(cells) + f"  {counts}{missed}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
