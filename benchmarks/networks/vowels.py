"""Spoken vowels, by convolutions over time and the largest value in time, wherever in the recording it was.

The rate 0.005 is the best of 0.001, 0.002 and 0.005 on the validation words of three other seeds.

Run it with: python benchmarks/networks/vowels.py --seeds 5 --output vowels.png
"""

import sys
from typing import Any

import common

import tinydl as tl
from tinydl import data, nn, optim
from tinydl import functional as F

TARGETS = {"test accuracy": ("≥", 0.88)}
EPOCHS = 20


def network() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv1d(24, 48, 5, padding=2), nn.BatchNorm1d(48), nn.ReLU(),  # (N, bands 24, frames 58) → (N, 48, 58)
        nn.Conv1d(48, 48, 5, padding=2), nn.BatchNorm1d(48), nn.ReLU(),
        nn.MaxPool1d(58), nn.Flatten(), nn.Linear(48, 10),
    )  # fmt: skip


def experiment(seed: int, share: float, lr: float = 5e-3) -> tuple[common.Numbers, Any]:
    """Vowels by convolutions over time, of 600 words."""
    words = data.vowels(1300, seed=seed)
    train, validation, test = common.three_parts(words, validation=200, test=500, seed=seed)
    mean, std = train.x.mean(), train.x.std()  # one number for all bands and frames, so that all times stay alike
    model, epochs = network(), common.shortened(share, EPOCHS)
    optimizer = optim.Adam(model.parameters(), lr=lr)
    tl.fit(
        model, ((train.x - mean) / std, train.y), loss=F.cross_entropy, optimizer=optimizer, epochs=epochs,
        schedule=optim.CosineAnnealingLR(optimizer, epochs), progress=False,
    )  # fmt: skip
    outputs = tl.predict(model, (test.x - mean) / std)
    return {
        "validation accuracy": tl.accuracy(tl.predict(model, (validation.x - mean) / std), validation.y),
        "test accuracy": tl.accuracy(outputs, test.y),
    }, (outputs.argmax(axis=1), test)


def draw(kept: Any) -> Any:
    import matplotlib.pyplot as plt

    said, test = kept
    figure = plt.figure(figsize=(13, 5), layout="constrained")
    left, right = figure.subfigures(1, 2)
    ax = left.subplots()
    common.confusion(ax, said, test.y, data.VOWELS)
    ax.set_title(f"{len(test)} test words, {(said != test.y).sum()} of them wrong")
    for label, ax in enumerate(right.subplots(5, 2, sharex=True, sharey=True).flat):
        example = (test.y == label).nonzero()[0][0]
        ax.imshow(test.x[example], origin="lower", aspect="auto", cmap="magma")
        ax.set_title(f"{data.VOWELS[label]}, taken for {data.VOWELS[said[example]]}", fontsize=8)
    right.supxlabel("frame (10 ms)")
    right.supylabel("band")
    return figure


if __name__ == "__main__":
    sys.exit(common.main(experiment, TARGETS, draw))
