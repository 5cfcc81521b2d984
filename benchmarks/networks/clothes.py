"""Clothes of 28×28 pixels by two convolutions, without and with batch normalisation.

The rate 0.002 is the best of 0.001, 0.002 and 0.004 on the validation pictures of two other splits, with batch
normalisation as good as any.

Run it with: python benchmarks/networks/clothes.py --seeds 5 --output clothes.png
"""

import sys
from typing import Any

import common

import tinydl as tl
from tinydl import data, nn, optim, plots
from tinydl import functional as F

TARGETS = {"test accuracy": ("≥", 0.80), "test accuracy, BatchNorm": ("≥", 0.83)}
EPOCHS = 15


def network(normalized: bool) -> nn.Sequential:
    def norm(maps: int) -> list[nn.Module]:
        return [nn.BatchNorm2d(maps)] if normalized else []

    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), *norm(16), nn.ReLU(), nn.MaxPool2d(2),  # (N, 16, 14, 14)
        nn.Conv2d(16, 32, 3, padding=1), *norm(32), nn.ReLU(), nn.MaxPool2d(2),  # (N, 32, 7, 7)
        nn.Dropout(0.3), nn.Flatten(), nn.Linear(32 * 7 * 7, 10),
    )  # fmt: skip


def trained(train: data.Dataset, normalized: bool, epochs: int, lr: float = 2e-3) -> nn.Sequential:
    model = network(normalized)
    optimizer = optim.Adam(model.parameters(), lr=lr)
    tl.fit(
        model, train, loss=F.cross_entropy, optimizer=optimizer, epochs=epochs, progress=False,
        schedule=optim.CosineAnnealingLR(optimizer, epochs),
    )  # fmt: skip
    return model


def experiment(seed: int, share: float, lr: float = 2e-3) -> tuple[common.Numbers, Any]:
    """Clothes of 28×28 pixels by two convolutions, without and with batch normalisation."""
    clothes = common.as_maps(data.fashion(images=True))
    train, validation, test = common.three_parts(clothes, validation=250, test=500, seed=seed)
    numbers = {}
    for normalized in (False, True):
        model = trained(train, normalized, common.shortened(share, EPOCHS), lr)
        with_it = ", BatchNorm" if normalized else ""
        outputs = tl.predict(model, test.x)
        numbers[f"validation accuracy{with_it}"] = tl.accuracy(tl.predict(model, validation.x), validation.y)
        numbers[f"test accuracy{with_it}"] = tl.accuracy(outputs, test.y)
    return numbers, (outputs.argmax(axis=1), test)


def draw(kept: Any) -> Any:
    import matplotlib.pyplot as plt

    said, test = kept
    figure, (left, right) = plt.subplots(1, 2, figsize=(13, 5.6), layout="constrained")
    common.confusion(left, said, test.y, data.FASHION)
    left.set_title(f"{len(test)} test pictures, {(said != test.y).sum()} of them wrong (with BatchNorm)")
    wrong = (said != test.y).nonzero()[0][:18]
    names = [[data.FASHION[k] for k in classes[wrong]] for classes in (test.y, said)]
    plots.images(test.x[wrong, 0], right, labels=names[0], predictions=names[1], columns=6)
    right.set_title("taken for others")
    return figure


if __name__ == "__main__":
    sys.exit(common.main(experiment, TARGETS, draw))
