"""Many processes: what a step and its message cost on one rank and on two, and what that would be on 8 and on 64.

Networks 64-w-w-10 of several widths train by Adam on batches of several sizes, in the loop that `tl.fit(comm=…)` runs:
forward and backward of this rank's rows, one message that adds up the gradients, the update. Medians, one thread a
rank, both numbers of ranks started anew; what a rank has in memory is its peak, networks coming in ascending order.
Then a layer cut in two (Shoeybi et al. 2019) and a pipeline of two stages, against one process.

Nothing here can be measured on 8 or 64 ranks, so that is computed, by the model of a ring (Patarasuk & Yuan 2009): n
bytes go through p ranks in 2(p − 1) messages of n/p bytes, each of which takes a latency and its bytes' time,

    t(p, n) = 2(p − 1) · (latency + n / (p · bandwidth)).

Latency and bandwidth are fitted to this machine's messages at two ranks, or given: --latency 2e-6 --bandwidth 12e9 is a
network of 100 Gbit/s. What computing takes is a line through the medians of a whole batch and of half of it.

    python benchmarks/parallel.py             # needs python -m pip install ".[parallel]"
    python benchmarks/parallel.py --quick     # the smallest networks, to see that it runs
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import tinydl as tl
from tinydl import functional as F
from tinydl import nn, optim
from tinydl.parallel import all_sum, broadcast, share, sum_gradients

WIDTHS, BATCHES, BYTES = (128, 512, 1024, 2048), (64, 256, 1024), tuple(4**i for i in range(4, 13))
RANKS = (8, 64)
Found = dict[str, Any]


# ---- the model ----


def ring(ranks: int, size: float, latency: float, bandwidth: float) -> float:
    """Seconds that a ring of so many ranks takes to add up arrays of `size` bytes."""
    return 2 * (ranks - 1) * (latency + size / (ranks * bandwidth))


def fitted(sizes: list[int], seconds: list[float]) -> tuple[float, float]:
    """Latency and bandwidth by which `ring` says what was measured at two ranks, with the least relative errors."""
    n, t = np.array(sizes, float), np.array(seconds)
    twice, slope = np.linalg.lstsq(np.stack([1 / t, n / t], axis=1), np.ones(len(t)))[0]
    return max(twice / 2, 1e-9), 1 / max(slope, 1e-15)


def computed(found: Found, ranks: int, latency: float, bandwidth: float) -> float:
    """Seconds of a step of which each rank has its part; what isn't in proportion to the rows stays as it is."""
    whole, half = found["alone"], found["half"]
    fixed = max(2 * half - whole, 0.0)
    packing = max(found["message"] - found["sent"], 0.0)
    return fixed + (whole - fixed) / ranks + packing + ring(ranks, found["bytes"], latency, bandwidth)


# ---- what a rank measures ----


def median(rounds: int, act: Callable[[], Any], comm: Any) -> float:
    """Seconds, all ranks beginning together."""
    taken = []
    for _ in range(rounds + 2):
        comm.Barrier()
        begun = time.perf_counter()
        act()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken[2:])


def network(width: int) -> Any:
    sizes = (64, width, width, 10)
    layers = [layer for a, b in itertools.pairwise(sizes) for layer in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*layers[:-1])


def step_of(width: int, batch: int, rounds: int, comm: Any) -> Found:
    """Seconds of a step, of computing alone with all the rows and with half of them, and of the message."""
    rng = np.random.default_rng(0)
    model = network(width)
    optimizer = optim.Adam(model.parameters())
    broadcast(model, comm, optimizer)
    x, y = rng.random((batch, 64), np.float32), rng.integers(0, 10, batch)
    parameters = list(model.parameters())
    size = 4 * sum(p.size for p in parameters)

    def compute(rows: Any) -> None:
        optimizer.zero_grad()
        (F.cross_entropy(model(x[rows]), y[rows]) * (len(y[rows]) / batch)).backward()

    def step(rows: Any, added: bool) -> None:
        compute(rows)
        if added:
            sum_gradients(parameters, comm)
        optimizer.step()

    mine, send = share(np.arange(batch), comm), np.zeros(size // 4, np.float32)
    received = np.empty_like(send)
    return {
        "width": width, "batch": batch, "bytes": size,
        "step": median(rounds, lambda: step(mine, comm.size > 1), comm),
        "half": median(rounds, lambda: step(slice(0, batch // 2), False), comm),
        "message": median(rounds, lambda: sum_gradients(parameters, comm), comm),
        "sent": median(rounds, lambda: comm.Allreduce(send, received), comm),
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024),
    }  # fmt: skip


def messages(sizes: tuple[int, ...], rounds: int, comm: Any) -> list[float]:
    """Seconds of adding up arrays of these sizes in bytes."""
    found = []
    for size in sizes:
        send = np.zeros(size // 4, np.float32)
        received = np.empty_like(send)
        found.append(median(rounds, lambda s=send, r=received: comm.Allreduce(s, r), comm))
    return found


def cut_layer(width: int, rows: int, rounds: int, comm: Any) -> float:
    """A network 512-w-512 of which each rank has a part of the hidden units: one sum forward, one backward."""
    rng = np.random.default_rng(0)
    x = rng.random((rows, 512), np.float32)
    first, second = (rng.normal(0, 0.02, shape).astype(np.float32) for shape in ((width, 512), (512, width)))
    own = share(np.arange(width), comm)
    w, v = tl.tensor(first[own], requires_grad=True), tl.tensor(second[:, own], requires_grad=True)

    def step() -> None:
        w.grad = v.grad = None
        y = all_sum(F.relu(x @ w.T) @ v.T, comm)
        ((y * y).mean() / comm.size).backward()  # every rank has this loss: together they are it once

    return median(rounds, step, comm)


def pipeline(width: int, requests: int, rounds: int, comm: Any) -> float:
    """Requests of 16 rows through eight layers; of two ranks each has four, and works while the other does."""
    rng = np.random.default_rng(0)
    layers = [rng.normal(0, 0.05, (width, width)).astype(np.float32) for _ in range(8)]
    inputs = [rng.random((16, width), np.float32) for _ in range(requests)]

    def through(x: Any, stage: Any) -> Any:
        for w in stage:
            x = np.maximum(x @ w, 0)
        return x

    def serve() -> None:
        if comm.size == 1:
            for x in inputs:
                through(x, layers)
        elif comm.rank == 0:
            sent = [(comm.Isend(y, dest=1), y) for y in (through(x, layers[:4]) for x in inputs)]
            for message, _ in sent:
                message.Wait()
            comm.recv(source=1)
        else:
            received = np.empty((16, width), np.float32)
            for _ in inputs:
                comm.Recv(received, source=0)
                through(received, layers[4:])
            comm.send("done", dest=0)

    return median(rounds, serve, comm)


def as_rank(quick: bool) -> None:
    """Measure, and let rank 0 print it as JSON."""
    from mpi4py import MPI

    comm: Any = MPI.COMM_WORLD
    rounds = 3 if quick else 25
    widths, batches, sizes = (WIDTHS[:1], BATCHES[:1], BYTES[:3]) if quick else (WIDTHS, BATCHES, BYTES)
    found: Found = {"steps": [step_of(width, batch, rounds, comm) for width in widths for batch in batches]}
    found |= {"bytes": sizes, "messages": messages(sizes, rounds, comm)}  # after the steps, whose memory is a peak
    width = 256 if quick else 4096
    found["cut layer"] = {rows: cut_layer(width, rows, rounds, comm) for rows in (1, 64)}
    found["pipeline"] = {n: pipeline(width // 4, n, min(rounds, 5), comm) for n in (1, 40)}
    if comm.rank == 0:
        print(json.dumps(found))


# ---- what is printed ----


def measured(ranks: int, quick: bool) -> Found:
    """What so many ranks of this program have measured. Raises RuntimeError, with what they said, if they failed."""
    mpiexec = shutil.which("mpiexec", path=sysconfig.get_path("scripts")) or shutil.which("mpiexec")
    if mpiexec is None:
        raise RuntimeError('there is no mpiexec: python -m pip install ".[parallel]"')
    command = [mpiexec, "-n", str(ranks), sys.executable, "-m", "mpi4py", __file__, "--as-rank"]
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        command + ["--quick"] * quick, capture_output=True, text=True, env={**os.environ, **one_thread}
    )
    if done.returncode:
        raise RuntimeError(f"{ranks} ranks failed:\n{done.stderr}")
    return dict(json.loads(done.stdout))


def printed(columns: list[str], rows: list[list[str]]) -> None:
    """A table as Markdown."""
    for cells in (columns, ["---"] + ["---:"] * (len(columns) - 1), *rows):
        print(f"| {' | '.join(cells)} |")
    print()


def ms(seconds: float) -> str:
    return f"{1e3 * seconds:.3g}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--latency", type=float, help="seconds, of each message of the ring")
    parser.add_argument("--bandwidth", type=float, help="bytes in a second, between two ranks")
    parser.add_argument("--as-rank", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.as_rank:
        as_rank(given.quick)
        return
    one, two = measured(1, given.quick), measured(2, given.quick)
    latency, bandwidth = fitted(two["bytes"], two["messages"])
    print(f"{os.cpu_count()} cores; NumPy {np.__version__}; one thread a rank; times in ms\n")
    print(f"Messages at two ranks: latency {1e6 * latency:.1f} µs, bandwidth {bandwidth / 1e9:.2f} GB/s (fitted)\n")
    printed(["bytes", "measured", "by the model"],
            [[f"{n:,}", ms(t), ms(ring(2, n, latency, bandwidth))]
             for n, t in zip(two["bytes"], two["messages"], strict=True)])  # fmt: skip

    rows, wins = [], dict[int, list[int]]()
    for a, b in zip(one["steps"], two["steps"], strict=True):
        size, memory = f"{a['bytes'] / 1e6:.2f}", [f"{x['memory'] / 1e6:.0f}" for x in (a, b)]
        times = [ms(a["step"]), ms(b["step"]), ms(b["message"]), f"×{a['step'] / b['step']:.2f}"]
        rows.append([f"64-{a['width']}-{a['width']}-10", size, str(a["batch"]), *times, *memory])
        wins.setdefault(a["width"], []).extend([a["batch"]] * (b["step"] < a["step"]))
    printed(["network", "MB", "batch", "1 rank", "2 ranks", "of it the message", "gain", "MB in memory, of 1",
             "of each of 2"], rows)  # fmt: skip
    for width, batches in wins.items():
        print(f"64-{width}-{width}-10: two ranks win from batch {min(batches)} on" if batches
              else f"64-{width}-{width}-10: two ranks never win here")  # fmt: skip

    latency, bandwidth = given.latency or latency, given.bandwidth or bandwidth
    print(f"\nComputed, not measured: a ring of latency {1e6 * latency:.1f} µs and {bandwidth / 1e9:.2f} GB/s\n")
    rows = []
    for a, b in zip(one["steps"], two["steps"], strict=True):
        b = {**b, "alone": a["step"], "half": a["half"]}
        steps = [computed(b, ranks, latency, bandwidth) for ranks in RANKS]
        cells = [f"{ms(step)} (×{a['step'] / step:.2f})" for step in steps]
        rows.append([f"64-{a['width']}-{a['width']}-10", str(a["batch"]), ms(a["step"]), *cells])
    printed(["network", "batch", "1 rank", *(f"{ranks} ranks" for ranks in RANKS)], rows)

    for what, of in (("cut layer", "rows"), ("pipeline", "requests")):
        cells = [[n, ms(t), ms(two[what][n]), f"×{t / two[what][n]:.2f}"] for n, t in one[what].items()]
        printed([f"{what}, {of}", "1 rank", "2 ranks", "gain"], cells)


if __name__ == "__main__":
    main()
