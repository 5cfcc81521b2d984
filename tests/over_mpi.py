"""What tests ask of many processes, be these threads (test_parallel.py) or run by MPI (test_mpi.py).

As a program it is one rank: ``mpiexec -n 2 python -m mpi4py tests/over_mpi.py equal`` runs the cases below and checks
each against one process; `faults` and the others are what test_mpi.py starts and kills.
"""

from __future__ import annotations

import itertools
import os
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import tinydl as tl
from tinydl import data, nn, optim
from tinydl import functional as F
from tinydl.engine import random
from tinydl.parallel import Alone

OPTIMIZERS: dict[str, Callable[..., Any]] = {
    "SGD": lambda p: optim.SGD(p, lr=0.05),
    "momentum": lambda p: optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.01),
    "Adam": lambda p: optim.Adam(p, lr=0.01),
    "AMSGrad": lambda p: optim.Adam(p, lr=0.01, amsgrad=True),
    "AdamW": lambda p: optim.AdamW(p, lr=0.01),
    "RMSprop": lambda p: optim.RMSprop(p, lr=0.01, momentum=0.5),
    "Adagrad": lambda p: optim.Adagrad(p, lr=0.05),
    "Adadelta": lambda p: optim.Adadelta(p, lr=1.0),
}
N = 50  # 3 batches of 16 and one of 2: uneven for 3 and 4 ranks, and with more ranks than rows


def classes(n: int = N, seed: int = 0, dtype: Any = np.float64) -> data.Dataset:
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, n)
    return data.Dataset((rng.normal(size=(n, 4)) + 2 * np.eye(3, 4)[y]).astype(dtype), y)


def net(comm: Any) -> nn.Module:
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))


def normed(comm: Any) -> nn.Module:
    """Without a bias before the normalising, whose gradient is nothing but rounding."""
    norm = nn.BatchNorm1d(8) if comm.size == 1 else nn.SyncBatchNorm(8, comm=comm)
    return nn.Sequential(nn.Linear(4, 8, bias=False), norm, nn.Tanh(), nn.Linear(8, 3))


def images(comm: Any) -> nn.Module:
    norm = nn.BatchNorm2d(3) if comm.size == 1 else nn.SyncBatchNorm(3, comm=comm, momentum=None)
    norm.momentum = None
    body = (nn.Conv2d(1, 3, 2, bias=False), norm, nn.ReLU(), nn.Flatten(), nn.Linear(3, 3))
    return nn.Sequential(Square(), *body)


class Square(nn.Module):
    def forward(self, x: Any) -> Any:
        return x.reshape(len(x), 1, 2, 2)


def dropping(comm: Any) -> nn.Module:
    return nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.4), nn.Linear(8, 3))


def train(comm: Any, make: Any = net, optimizer: str = "Adam", dtype: Any = np.float64, **options: Any) -> Any:
    """What a run leaves on this rank, whose model, optimizer and default Generator begin otherwise than others'."""
    with tl.default_dtype(dtype), random.seeded(comm.rank):
        model = make(comm)
        used = OPTIMIZERS[optimizer](model.parameters())
        settings = {"loss": F.cross_entropy, "epochs": 3, "batch_size": 16, "progress": False, "seed": 5} | options
        if "schedule" in settings:
            settings["schedule"] = settings["schedule"](used)
        given = settings.pop("train", lambda dtype: classes(dtype=dtype))(dtype)
        history = tl.fit(model, given, optimizer=used, comm=comm, **settings)
    return {
        "model": model.state_dict(), "optimizer": dict(used.state_dict()), "curves": history.curves,
        "norms": history.norms, "stopped": history.stopped,
    }  # fmt: skip


def numbers(value: Any) -> list[Any]:
    """All numbers and texts in what is nested, one after the other."""
    if isinstance(value, dict):
        return [x for key in value for x in numbers(value[key])]
    if isinstance(value, (list, tuple)):
        return [x for item in value for x in numbers(item)]
    if isinstance(value, np.ndarray):
        return value.ravel().tolist()
    return [value]


def bits(value: Any) -> list[Any]:
    """The same in a form in which == compares to the bit."""
    return [x.hex() if isinstance(x, float) else x for x in numbers(value)]


def distance(a: Any, b: Any) -> float:
    """The largest difference of two nested values, of numbers above 1 relative to them; ∞ where texts differ."""
    worst = 0.0
    for x, y in itertools.zip_longest(numbers(a), numbers(b)):
        if isinstance(x, (int, float)) and isinstance(y, (int, float)):
            worst = max(worst, abs(x - y) / max(1.0, abs(x), abs(y)))
        elif x != y:
            return float("inf")
    return worst


def warmed(o: Any) -> Any:
    return [optim.LinearWarmup(o, 5, per="step"), optim.CosineAnnealingLR(o, 3), optim.ReduceLROnPlateau(o, patience=0)]


CASES: dict[str, dict[str, Any]] = {
    **{f"{name}": {"optimizer": name} for name in OPTIMIZERS},
    "clipped": {"clip_norm": 0.3, "optimizer": "SGD"},
    "penalties": {"l1": 0.01, "l2": 0.01, "optimizer": "momentum"},
    "schedules": {"schedule": warmed, "validation": classes(20, 1)},
    "one row of each rank and less": {"batch_size": 3},
    "fewer rows than ranks": {"batch_size": 1},
    "one batch": {"batch_size": 64},
    "random numbers of rank 0": {"seed": None},
    "drop_last, in order": {"drop_last": True, "shuffle": False},
    "weights of examples": {"sample_weight": np.arange(N) % 3 * 0.7},
    "metrics and validation": {"metrics": {"accuracy": tl.accuracy}, "validation": classes(20, 1)},
    "patience": {"validation": classes(20, 1), "patience": 1, "epochs": 9, "optimizer": "Adadelta"},
    "batches of their own": {"train": lambda dtype: [*data.batches(classes(dtype=dtype), 7, seed=1)], "batch_size": 32},
    "compiled": {"compile": True},
    "compiled, with weights": {"compile": True, "sample_weight": np.arange(N) % 3 * 0.7},
    "normalised": {"make": normed, "optimizer": "momentum", "drop_last": True},
    "normalised, fewer rows than ranks": {"make": normed, "optimizer": "momentum", "batch_size": 3, "drop_last": True},
    "images": {"make": images, "optimizer": "momentum"},
}  # fmt: skip


TOLERANCES = {np.float64: 1e-14, np.float32: 1e-6}
# where what is allowed is so many times as much: a variance over three rows, by which one divides, magnifies rounding
LOOSE = {"normalised, fewer rows than ranks": 100.0, "images": 10.0}


def whole(options: dict[str, Any]) -> Any:
    """What one process makes of a case."""
    return train(Alone(), **options)


def main(what: str, *arguments: str) -> None:
    """One rank of what a test has started."""
    from mpi4py import MPI

    comm = MPI.COMM_WORLD
    globals()[what](comm, *arguments)


def equal(comm: Any) -> None:
    """Each case in both dtypes: all ranks to the bit, and one process to rounding."""
    for (name, options), dtype in itertools.product(CASES.items(), (np.float64, np.float32)):
        found = train(comm, dtype=dtype, **options)
        theirs = comm.allgather(bits(found))
        if comm.rank == 0:
            apart = distance(found, whole({"dtype": dtype, **options}))
            same = all(other == theirs[0] for other in theirs)
            near = apart <= TOLERANCES[dtype] * LOOSE.get(name, 1.0)
            said = "equal" if same and near else "DIFFERENT"
            print(f"{said} {np.dtype(dtype).name} {apart:.1e}: {name}", flush=True)


def parts(comm: Any) -> None:
    """Two ranks against the two halves of each batch, one after the other in one process."""
    for dtype in (np.float64, np.float32):
        found = train(comm, dtype=dtype, epochs=3)
        if comm.rank == 0:
            print("same" if bits(found["model"]) == bits(micro(comm.size, dtype)) else "different", flush=True)


def micro(ranks: int, dtype: Any, epochs: int = 3) -> dict[str, np.ndarray]:
    """What `train` does without options, on one process, the gradients of each rank's part added up by hand."""
    with tl.default_dtype(dtype), random.seeded(0):
        model = net(Alone())
        optimizer = OPTIMIZERS["Adam"](model.parameters())
    batches = data.batches(classes(dtype=dtype), 16, seed=np.random.default_rng(5))
    for _ in range(epochs):
        for x, y in batches:
            optimizer.zero_grad()
            for rows in np.array_split(np.arange(len(y)), ranks):
                if len(rows):
                    (F.cross_entropy(model(x[rows]), y[rows]) * np.asarray(len(rows) / len(y), dtype)).backward()
            optimizer.step()
    return model.state_dict()


# ---- what goes wrong ----


def fault(comm: Any, how: str, where: str = "0") -> None:
    """A run in which the last rank does something after its first epoch."""

    def callback(epoch: int, history: Any) -> None:
        if epoch == 1 and comm.rank == comm.size - 1:
            if how == "raise":
                raise KeyError("this rank can't go on")
            if how == "exit":
                os._exit(7)
            if how == "leave":
                sys.exit(3)
            if how == "wait":  # to be killed from outside
                Path(f"{where}.pid").write_text(f"{os.getpid()}.")
                time.sleep(600)

    epochs = 5
    settings: dict[str, Any] = {"callbacks": [callback], "epochs": epochs, "resume": None if where == "0" else where}
    if how == "nan":
        poisoned = classes()
        poisoned.x[:, 1] = np.where(np.arange(N) == 7, np.nan, poisoned.x[:, 1])
        settings["train"] = lambda dtype: poisoned
        try:
            train(comm, **settings)
        except FloatingPointError as error:
            sentences = comm.allgather(str(error))
            if comm.rank == 0:
                print("all raise the same:", len(set(sentences)) == 1, sentences[0], flush=True)
        return
    if how == "argument" and comm.rank == comm.size - 1:
        settings["epochs"] = -1
    train(comm, **settings)
    if comm.rank == 0:
        print("the end", flush=True)


def resumed(comm: Any, path: str) -> None:
    """A run with dropout that goes on, or begins, from a file; what it left, to the bit."""
    found = train(comm, make=dropping, resume=path, epochs=4)
    theirs = comm.allgather(bits(found))
    if comm.rank == 0:
        print(
            "same" if all(other == theirs[0] for other in theirs) else "different",
            zlib.crc32(repr(theirs[0]).encode()),
            flush=True,
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
