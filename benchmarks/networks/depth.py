"""Why deep networks need skip connections: residual networks of 20 and 32 layers on the digits, with and without.

The rate 0.05 is between 0.02 and 0.1, which are as good with skips and as bad without them at depth 32.

Run it with: python benchmarks/networks/depth.py --seeds 5 --output depth.png
"""

import sys
from typing import Any

import common

import tinydl as tl
from tinydl import data, nn, optim
from tinydl import functional as F

EPOCHS = 12
DEPTHS = (20, 32)
TARGETS = {
    "test, depth 20 with skips": ("≥", 0.97),
    "lost by no skips, depth 20": ("≥", 0.005),  # visible
    "lost by no skips, depth 32": ("≥", 0.05),  # drastic
}


class Block(nn.Module):
    """Two convolutions; with a skip their input is added to what they give: y = relu(f(x) + x)."""

    def __init__(self, maps: int, more: int, stride: int, skip: bool) -> None:
        self.skip = skip
        self.convolutions = nn.Sequential(
            nn.Conv2d(maps, more, 3, stride, padding=1, bias=False), nn.BatchNorm2d(more), nn.ReLU(),
            nn.Conv2d(more, more, 3, padding=1, bias=False), nn.BatchNorm2d(more),
        )  # fmt: skip
        self.shortcut: nn.Module = nn.Identity()
        if skip and (maps, stride) != (more, 1):  # x is of another shape than f(x)
            self.shortcut = nn.Sequential(nn.Conv2d(maps, more, 1, stride, bias=False), nn.BatchNorm2d(more))

    def forward(self, x: Any) -> Any:
        y = self.convolutions(x)
        return F.relu(y + self.shortcut(x) if self.skip else y)


def network(depth: int, skip: bool, width: int = 8) -> nn.Sequential:
    """A first convolution, (depth − 2) / 6 blocks each on 8×8, 4×4 and 2×2 pixels, and a linear layer."""
    layers: list[nn.Module] = [nn.Conv2d(1, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
    maps = width
    for stage, more in enumerate((width, 2 * width, 4 * width)):
        for k in range((depth - 2) // 6):
            layers.append(Block(maps, more, 2 if stage and k == 0 else 1, skip))
            maps = more
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(maps, 10))


def experiment(seed: int, share: float, lr: float = 0.05) -> tuple[common.Numbers, Any]:
    """Residual networks on the digits, with and without their skip connections."""
    digits = common.as_maps(data.digits(images=True))
    train, validation, test = common.three_parts(digits, validation=200, test=500, seed=seed)
    numbers, curves, epochs = {}, {}, common.shortened(share, EPOCHS)
    for depth in DEPTHS:
        for skip in (True, False):
            model = network(depth, skip)
            optimizer = optim.SGD(model.parameters(), lr=lr, momentum=0.9, weight_decay=1e-4)
            feed = data.batches(train, 64)
            history = tl.fit(
                model, feed, loss=F.cross_entropy, optimizer=optimizer, epochs=epochs, progress=False,
                schedule=optim.CosineAnnealingLR(optimizer, epochs * len(feed), per="step"),
            )  # fmt: skip
            name = f"depth {depth} {'with' if skip else 'without'} skips"
            numbers[f"training loss, {name}"] = history["loss"][-1]
            numbers[f"validation, {name}"] = tl.accuracy(tl.predict(model, validation.x), validation.y)
            numbers[f"test, {name}"] = tl.accuracy(tl.predict(model, test.x), test.y)
            curves[name] = history["loss"]
        with_them, without = (numbers[f"test, depth {depth} {w} skips"] for w in ("with", "without"))
        numbers[f"lost by no skips, depth {depth}"] = with_them - without
    return numbers, curves


def draw(curves: Any) -> Any:
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(figsize=(7, 4.5))
    for name, losses in curves.items():
        colour = "tab:blue" if " 20 " in name else "tab:red"
        ax.semilogy(range(1, len(losses) + 1), losses, "--" if "without" in name else "-", color=colour, label=name)
    ax.set_xlabel("epoch")
    ax.set_ylabel("training loss")
    ax.set_title("the deeper plain network learns worse, even what it is shown")
    ax.legend()
    return figure


if __name__ == "__main__":
    sys.exit(common.main(experiment, TARGETS, draw))
