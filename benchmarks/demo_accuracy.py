"""How much the demo's test accuracy depends on its seed, and on which digits are held out.

Trains the network of `tinydl demo` with its settings: for 20 seeds on the demo's own split, for 20 other random splits,
and on the first four fifths of the digits, tested on the last fifth, which other people wrote. About a minute.

Run it with: python benchmarks/demo_accuracy.py
"""

import numpy as np

import tinydl as tl
from tinydl import data, optim
from tinydl import functional as F
from tinydl.course import demo

EPOCHS, HIDDEN = 40, 128  # the demo's defaults


def accuracy(train: data.Dataset, test: data.Dataset, split_seed: int, seed: int) -> float:
    """Test accuracy after training as the demo does, a tenth of the training digits set aside for validation."""
    train, _ = data.split(train, 0.9, seed=split_seed, stratify=True)
    with tl.engine.random.seeded(seed):
        model = demo.demo_model(HIDDEN)
        make, lr = demo.OPTIMIZERS["adam"]
        optimizer = make(model.parameters(), lr=lr)
        schedule = optim.CosineAnnealingLR(optimizer, EPOCHS)
        tl.fit(
            model, train, loss=F.cross_entropy, optimizer=optimizer, epochs=EPOCHS, schedule=schedule, progress=False
        )
    return tl.accuracy(tl.predict(model, test.x), test.y)


def report(name: str, values: list[float]) -> None:
    """One line: mean, standard deviation, range, and how many reach 97 %."""
    a = np.array(values)
    numbers = f"mean {a.mean():.4f}, sd {a.std():.4f}, from {a.min():.4f} to {a.max():.4f}"
    print(f"{name}: {numbers}; {int((a >= 0.97).sum())} of {len(a)} reach 0.97", flush=True)


if __name__ == "__main__":
    digits = data.digits()
    train, test = data.split(digits, 0.8, seed=demo.SPLIT_SEED, stratify=True)
    report("20 seeds, the demo's split", [accuracy(train, test, demo.SPLIT_SEED, seed) for seed in range(20)])
    splits = [data.split(digits, 0.8, seed=seed, stratify=True) for seed in range(1, 21)]
    report("20 other splits", [accuracy(*pair, seed, seed) for seed, pair in enumerate(splits, 1)])
    boundary = len(digits) * 4 // 5
    report("20 seeds, the last fifth", [accuracy(digits[:boundary], digits[boundary:], 0, seed) for seed in range(20)])
