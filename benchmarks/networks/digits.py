"""Handwritten digits by two convolutions: what they look for, and what they take for what.

Of the rates 0.001, 0.003 and 0.006 the validation digits of three other splits like the last two alike.

Run it with: python benchmarks/networks/digits.py --seeds 5 --output digits.png
"""

import sys
from typing import Any

import common

import tinydl as tl
from tinydl import data, nn, optim, plots
from tinydl import functional as F

TARGETS = {"test accuracy": ("≥", 0.975)}
EPOCHS = 20


def network() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(),  # (N, 16, 8, 8)
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),  # (N, 32, 4, 4)
        nn.Dropout(0.25), nn.Flatten(), nn.Linear(32 * 4 * 4, 10),
    )  # fmt: skip


def experiment(seed: int, share: float, lr: float = 3e-3) -> tuple[common.Numbers, Any]:
    """Digits of 8×8 pixels by two convolutions."""
    digits = common.as_maps(data.digits(images=True))
    train, validation, test = common.three_parts(digits, validation=200, test=500, seed=seed)
    model, epochs = network(), common.shortened(share, EPOCHS)
    optimizer = optim.Adam(model.parameters(), lr=lr)
    tl.fit(
        model, train, loss=F.cross_entropy, optimizer=optimizer, epochs=epochs, progress=False,
        schedule=optim.CosineAnnealingLR(optimizer, epochs),
    )  # fmt: skip
    outputs = tl.predict(model, test.x)
    return {
        "validation accuracy": tl.accuracy(tl.predict(model, validation.x), validation.y),
        "test accuracy": tl.accuracy(outputs, test.y),
    }, (model, outputs.argmax(axis=1), test)


def draw(kept: Any) -> Any:
    import matplotlib.pyplot as plt

    model, said, test = kept
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(15, 4.6), layout="constrained")
    plots.weights(model[0].weight.reshape(-1, 9), left, columns=4)
    left.set_title("the first convolution's 16 filters")
    common.confusion(middle, said, test.y, list("0123456789"))
    middle.set_title(f"{len(test)} test digits, {(said != test.y).sum()} of them wrong")
    wrong = (said != test.y).nonzero()[0][:12]
    plots.images(test.x[wrong, 0], right, labels=test.y[wrong], predictions=said[wrong], columns=4)
    right.set_title("taken for others")
    return figure


if __name__ == "__main__":
    sys.exit(common.main(experiment, TARGETS, draw))
