"""How the files in tests/data/ were made, which were written before optimizers had groups and their states names.

They show that such files load as they did. They were made once, at commit d2db9ef, by ``python
tests/written_before_groups.py``; a later tinydl would write them in a later form, so it writes only where none are.

Each file has a model and its optimizer after three steps, "…_later.npz" the same model after two more. `CASES` has how
each was made; test_saving.py makes the same, loads and goes on.
"""

from pathlib import Path

import numpy as np

import tinydl as tl
from tinydl import nn, optim

FILES = Path(__file__).parent / "data"
CASES = {
    "adam": lambda m: optim.Adam(m.parameters(), lr=0.03, betas=(0.8, 0.95), weight_decay=0.1),
    "momentum": lambda m: optim.SGD(m.parameters(), lr=0.01, momentum=0.9, nesterov=True),
    "part": lambda m: optim.RMSprop([m[2].bias, m[0].weight], lr=0.02, centered=True),
}
SUFFIXES = (".npz", ".safetensors")


def network():
    """A model whose second parameter is frozen, so that the optimizer has no state for it."""
    tl.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2))
    model[0].bias.requires_grad = False
    return model


def steps(model, optimizer, count):
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(7, 3)).astype(np.float32), rng.normal(size=(7, 2)).astype(np.float32)
    for _ in range(count):
        model.zero_grad()
        ((model(x) - y) ** 2).sum().backward()
        optimizer.step()


def main():
    if any(FILES.glob("*.npz")):
        raise SystemExit("the files are there, made by the version that they are to keep; nothing was written")
    for name, make in CASES.items():
        model = network()
        optimizer = make(model)
        steps(model, optimizer, 3)
        for suffix in SUFFIXES:
            tl.save(model, FILES / f"{name}{suffix}", optimizer)
        steps(model, optimizer, 2)
        tl.save(model, FILES / f"{name}_later.npz")


if __name__ == "__main__":
    main()
