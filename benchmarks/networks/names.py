"""First names, letter by letter by a GRU: is it a woman's or a man's?

The rate 0.006 is the best of 0.003, 0.006 and 0.01 on the validation names of three other splits.

Run it with: python benchmarks/networks/names.py --seeds 5 --output names.png
"""

import sys
from typing import Any

import common
import numpy as np

import tinydl as tl
from tinydl import data, nn, optim
from tinydl import functional as F

TARGETS = {"test accuracy": ("≥", 0.88), "balanced test accuracy": ("≥", 0.78)}
EPOCHS, LONGEST = 10, 11
ASKED = ["lunara", "torvald", "elowen", "bronik", "maribel", "jasper", "ines", "otto"]


class NameReader(nn.Module):
    """Reads a name's letters in order and says of its last state how much speaks for each of the two."""

    def __init__(self, letters: int) -> None:
        self.letter = nn.Embedding(letters, 16)
        self.gru = nn.GRU(16, 64, batch_first=True)
        self.out = nn.Linear(64, 2)

    def forward(self, x: Any) -> Any:
        states, _ = self.gru(self.letter(x))  # (N, letters, 64)
        return self.out(states[:, -1])


def encoded(names: list[str], vocabulary: data.Vocabulary) -> Any:
    """Names as numbers (n, LONGEST), with dots before short ones, so that each ends in the last column."""
    return vocabulary.encode("".join(name.rjust(LONGEST, ".") for name in names)).reshape(-1, LONGEST)


def balanced(outputs: Any, y: Any) -> float:
    """The mean of the accuracies on women's and on men's names: 0.5 for whoever always says the same."""
    return float(np.mean([tl.accuracy(outputs[y == sex], y[y == sex]) for sex in (0, 1)]))


def experiment(seed: int, share: float, lr: float = 6e-3) -> tuple[common.Numbers, Any]:
    """First names, a woman's or a man's, by a GRU."""
    names, sexes = data.names()
    vocabulary = data.Vocabulary(".abcdefghijklmnopqrstuvwxyz")
    everything = data.Dataset(encoded(names, vocabulary), sexes)
    train, validation, test = common.three_parts(everything, validation=400, test=1000, seed=seed)
    model, epochs = NameReader(len(vocabulary)), common.shortened(share, EPOCHS)
    optimizer = optim.Adam(model.parameters(), lr=lr)
    tl.fit(
        model, train, loss=F.cross_entropy, optimizer=optimizer, epochs=epochs, batch_size=64, compile=True,
        schedule=optim.CosineAnnealingLR(optimizer, epochs), progress=False,
    )  # fmt: skip
    known, outputs = tl.predict(model, validation.x), tl.predict(model, test.x)
    return {
        "validation accuracy": tl.accuracy(known, validation.y),
        "balanced validation accuracy": balanced(known, validation.y),
        "majority": float((test.y == 0).mean()),
        "test accuracy": tl.accuracy(outputs, test.y),
        "balanced test accuracy": balanced(outputs, test.y),
    }, (model, vocabulary, outputs.argmax(axis=1), test)


def draw(kept: Any) -> Any:
    import matplotlib.pyplot as plt

    model, vocabulary, said, test = kept
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    common.confusion(left, said, test.y, ["woman", "man"])
    left.set_title(f"{len(test)} test names")
    for name in ASKED:  # what it would say after each letter, were it the last
        starts = [name[:k] for k in range(1, len(name) + 1)]
        logits = tl.predict(model, encoded(starts, vocabulary))
        man = 1 / (1 + np.exp(logits[:, 0] - logits[:, 1]))
        (line,) = right.plot(range(1, len(name) + 1), man, alpha=0.6)
        for k, letter in enumerate(name):
            right.text(k + 1, man[k], letter, color=line.get_color(), weight="bold", ha="center", va="center")
        right.text(len(name) + 0.2, man[-1], name, color=line.get_color(), va="center")
    right.set_xlabel("letters read")
    right.set_ylabel("a man's name, says the network")
    right.set_ylim(-0.05, 1.05)
    right.set_xlim(0.7, 8.5)
    right.set_xticks(range(1, 8))
    right.set_title("how its opinion changes")
    return figure


if __name__ == "__main__":
    sys.exit(common.main(experiment, TARGETS, draw))
