"""A small GPT learns to write Shakespeare's plays letter by letter, and is judged by the end of the last one.

The rate 0.003 does better than 0.006 on the letters for validation.

Run it with: python benchmarks/networks/letters_gpt.py --seeds 5 --output letters_gpt.png
"""

import sys
from typing import Any

import common
import numpy as np

import tinydl as tl
from tinydl import data, nn, optim
from tinydl import functional as F

TARGETS = {"held-out loss": ("≤", 1.97)}
STEPS, WARMUP, BATCH, LENGTH = 1000, 50, 32, 64


class GPT(nn.Module):
    """Says at each place of a text how likely each letter is to come next, from that place and those before it."""

    def __init__(self, letters: int, width: int = 64, heads: int = 4, layers: int = 2) -> None:
        self.letter, self.place = nn.Embedding(letters, width), nn.Embedding(LENGTH, width)
        for table in (self.letter, self.place):
            nn.init.normal_(table.weight, std=0.02)
        layer = nn.TransformerEncoderLayer(width, heads, 4 * width, 0.0, "gelu", batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, layers, nn.LayerNorm(width))
        self.out = nn.Linear(width, letters, bias=False)
        self.out.weight = self.letter.weight

    def forward(self, x: Any) -> Any:
        return self.out(self.encoder(self.letter(x) + self.place.weight[: x.shape[1]], is_causal=True))


def loss(logits: Any, y: Any) -> Any:
    return F.cross_entropy(logits.reshape(-1, logits.shape[-1]), y.reshape(-1))


def windows(text: Any) -> data.Dataset:
    """A text as numbers in pieces side by side: the letters x, and for each the next one, y."""
    n = (len(text) - 1) // LENGTH * LENGTH
    return data.Dataset(text[:n].reshape(-1, LENGTH), text[1 : n + 1].reshape(-1, LENGTH))


def write(model: GPT, start: Any, letters: int, rng: Any, temperature: float = 0.7) -> Any:
    """Go on from a start, drawing each letter by what the model says of it, as numbers."""
    text = list(start)
    for _ in range(letters):
        logits = tl.predict(model, np.array([text[-LENGTH:]]))[0, -1] / temperature
        p = np.exp(logits - logits.max())
        text.append(rng.choice(len(p), p=p / p.sum()))
    return np.array(text)


def experiment(seed: int, share: float, lr: float = 3e-3) -> tuple[common.Numbers, Any]:
    """Shakespeare's plays, letter by letter, by a transformer."""
    text = data.shakespeare()
    vocabulary = data.Vocabulary(text)
    numbers = vocabulary.encode(text)
    train, validation, test = numbers[:470_000], numbers[470_000:490_000], numbers[490_000:]
    model, steps, rng = GPT(len(vocabulary)), common.shortened(share, STEPS), np.random.default_rng(seed)
    optimizer = optim.AdamW(model.parameters(), lr=lr)
    warmup = optim.LinearWarmup(optimizer, common.shortened(share, WARMUP))

    losses = []
    for _ in range(steps):
        pieces = rng.integers(len(train) - LENGTH, size=BATCH)[:, None] + np.arange(LENGTH)
        optimizer.zero_grad()
        value = loss(model(train[pieces]), train[pieces + 1])
        value.backward()
        losses.append(value.item())
        optim.clip_grad_norm(model.parameters(), 1.0)
        optimizer.step()
        warmup.step()
    said = vocabulary.decode(write(model, vocabulary.encode("\nHam. "), 400, rng))
    print(said)
    frequency = np.bincount(train, minlength=len(vocabulary)) + 1
    return {
        "steps": steps,
        "loss of letters' frequencies": float(np.log(frequency.sum() / frequency[test]).mean()),
        "validation loss": tl.evaluate(model, windows(validation), loss=loss)["loss"],
        "held-out loss": tl.evaluate(model, windows(test), loss=loss)["loss"],
    }, (losses, said)


def draw(kept: Any) -> Any:
    import matplotlib.pyplot as plt

    losses, said = kept
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 5), layout="constrained")
    left.plot(losses, linewidth=0.8)
    left.set_xlabel("step")
    left.set_ylabel("loss of the batch (nats a letter)")
    left.set_title("learning")
    right.text(0, 1, said.strip(), va="top", family="monospace", fontsize=8)
    right.set_title("what it writes after “Ham.”, at temperature 0.7")
    right.axis("off")
    return figure


if __name__ == "__main__":
    sys.exit(common.main(experiment, TARGETS, draw))
