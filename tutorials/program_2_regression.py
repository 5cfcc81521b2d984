"""Program 2: a straight line through 100 noisy points, by fit, evaluate and predict.

One seed fixes the points, the starting weights and the order of the batches. No line can come near a loss of zero: the
noise alone has variance 1. So a mean squared error means something only beside two others: that of the best line, found
by least squares, and that of always predicting the mean.

Run it with: python tutorials/program_2_regression.py
"""

from pathlib import Path

import numpy as np

import tinydl as tl
from tinydl import data, nn, optim
from tinydl import functional as F


def train(seed: int = 42) -> tuple[nn.Module, data.Dataset, tl.History]:
    """100 epochs of 10 batches of 10 points, plain SGD with rate 0.01."""
    tl.manual_seed(seed)
    points = data.line(100, noise=1.0, seed=seed)  # y = 2x + 1 + noise
    model = nn.Sequential(nn.Linear(1, 1))
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    history = tl.fit(model, points, loss=F.mse_loss, optimizer=optimizer, epochs=100, batch_size=10)
    return model, points, history


def best_possible(points: data.Dataset) -> float:
    """The mean squared error of the best line through the points."""
    x = np.hstack([points.x, np.ones_like(points.x)])
    line = np.linalg.lstsq(x, points.y, rcond=None)[0]
    return float(np.mean((x @ line - points.y) ** 2))


if __name__ == "__main__":
    model, points, history = train()
    loss = tl.evaluate(model, points, loss=F.mse_loss)["loss"]  # on the points it was trained on
    best = best_possible(points)
    print(f"mean squared error: {loss:.4f}, of the best line {best:.4f}, of the mean {points.y.var():.4f}")
    assert best - 1e-6 < loss < best + 0.1

    new = data.line(100, noise=1.0, seed=43)
    print(f"on 100 new points: {tl.evaluate(model, new, loss=F.mse_loss)['loss']:.4f}")

    import matplotlib.pyplot as plt

    x = np.linspace(0, 1, 100)[:, None]
    plt.figure(figsize=(6, 4), layout="constrained")
    plt.scatter(points.x, points.y, s=12, label="data")
    plt.plot(x, tl.predict(model, x), color="tab:red", label="the line learned")
    plt.plot(x, 2 * x + 1, color="gray", linestyle=":", label="y = 2x + 1")
    plt.xlabel("x")
    plt.ylabel("y")
    plt.legend()
    plt.savefig(Path(__file__).with_suffix(".png"))
