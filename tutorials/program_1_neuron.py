"""Program 1: one sigmoid neuron, y = sigmoid(x @ w + b), with the backward pass in plain sight.

Training ends when the goal is reached, which is checked at every step. With Adam's default rate of 0.001 a thousand
steps would not do, since no parameter could move far enough; hence 0.05. The weighted sum of the inputs is `x @ w + b`,
which stays right when there is more than one input.

Run it with: python tutorials/program_1_neuron.py
"""

from pathlib import Path

import numpy as np

import tinydl as tl
from tinydl import functional as F
from tinydl import optim

GOAL = 1e-9  # the mean squared error at which to stop


def train(seed: int = 0, lr: float = 0.05, steps: int = 1000) -> tuple[tl.Tensor, tl.Tensor, list[float]]:
    """Fit w and b to the outputs of a neuron with w = 2, b = -1; gives them and the loss before each step."""
    x = np.linspace(-3, 3, 100)[:, None]
    y = 1 / (1 + np.exp(-(2 * x - 1)))  # of x's shape, (100, 1): with (100,) the difference below would be (100, 100)
    rng = np.random.default_rng(seed)
    w = tl.tensor(rng.normal(size=(1, 1)), requires_grad=True, name="w")
    b = tl.tensor(np.zeros(1), requires_grad=True, name="b")
    optimizer = optim.Adam([w, b], lr=lr)
    losses: list[float] = []
    for step in range(steps + 1):
        prediction = F.sigmoid(x @ w + b)
        loss = np.mean((prediction - y) ** 2)
        losses.append(loss.item())
        if step % 100 == 0:
            print(f"step {step:4d}  loss {loss:.3e}  w {w.item():.4f}  b {b.item():.4f}")
        if losses[-1] < GOAL or step == steps:
            break
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return w, b, losses


if __name__ == "__main__":
    w, b, losses = train()
    print(f"after {len(losses) - 1} steps: loss {losses[-1]:.1e}, w {w.item():.5f}, b {b.item():.5f}")
    assert losses[-1] < 1e-6
    assert abs(w.item() - 2) < 0.01
    assert abs(b.item() + 1) < 0.01

    import matplotlib.pyplot as plt

    plt.figure(figsize=(6, 3.5), layout="constrained")
    plt.semilogy(losses)
    plt.axhline(1e-6, color="gray", linestyle=":", label="the loss to reach")
    plt.xlabel("step")
    plt.ylabel("mean squared error")
    plt.title("one sigmoid neuron")
    plt.legend()
    plt.savefig(Path(__file__).with_suffix(".png"))
