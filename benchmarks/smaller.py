"""Networks made smaller: pruned, shrunk, with fewer bits, taught by a larger one; accuracy, bytes and latency.

Accuracies are of 64-128-10 networks on the packaged digits, trained as `tinydl demo` trains, each way beside its
control: as many epochs without it, the same size from the beginning, label smoothing. They are means ± standard
deviations over the seeds; what a way gains over its control is a mean ± standard error of the differences of each seed.
Bytes and latencies (medians, the networks taking turns, one thread) are of these networks and of one with two layers of
1,024, of which one has 4 MB of weights.

    OMP_NUM_THREADS=1 python benchmarks/smaller.py              # nine minutes
    OMP_NUM_THREADS=1 python benchmarks/smaller.py --seeds 2 --share 0.1
"""

from __future__ import annotations

import argparse
import copy
import gzip
import itertools
import logging
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from onnxruntime.quantization import QuantType, quantize_dynamic
from run import processor

import tinydl as tl
from tinydl import data, nn, optim
from tinydl import functional as F

Accuracies = dict[str, list[float]]
HIDDEN, FIRST, MORE, FEW = 128, 40, 20, 200  # units; epochs; epochs more; labels where there are few
PRUNED, KEPT, BITS, STUDENTS = (0.5, 0.8, 0.9, 0.95, 0.98), (64, 32, 16, 8), (8, 4, 3, 2), (16, 8, 4)
ENGINES, ROWS = ("tinydl", "onnxruntime"), (1, 64)
TEMPERATURE, ALPHA, SMOOTHING = 4.0, 0.9, 0.1


# ---- accuracies ----


def network(*sizes: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def fresh(hidden: int, seed: int) -> nn.Sequential:
    tl.manual_seed(seed)
    return network(64, hidden, 10)


def trained(model: Any, part: Any, epochs: int, seed: int, loss: Any = F.cross_entropy) -> Any:
    """As `tinydl demo` does it."""
    optimizer = optim.Adam(model.parameters(), lr=0.005)
    schedule = optim.CosineAnnealingLR(optimizer, epochs)
    tl.fit(model, part, loss=loss, optimizer=optimizer, epochs=epochs, schedule=schedule, seed=seed, progress=False)
    return model


def of_teacher(logits: Any, both: Any) -> Any:
    """A student's loss: in `both` stands the label, then the teacher's logits."""
    return F.distillation_loss(logits, both[:, 1:], both[:, 0].astype(int), TEMPERATURE, ALPHA)


def smoothed(logits: Any, labels: Any) -> Any:
    return F.cross_entropy(logits, labels, label_smoothing=SMOOTHING)


def experiment(seed: int, share: float, found: Accuracies) -> dict[str, Any]:
    """Add a seed's accuracies to those found; gives the models whose sizes and latencies count."""
    first, more = max(1, round(FIRST * share)), max(1, round(MORE * share))
    train, test = data.split(data.digits(), 0.8, seed=seed, stratify=True)

    def note(name: str, model: Any) -> Any:
        found.setdefault(name, []).append(tl.accuracy(tl.predict(model, test.x), test.y))
        return model

    dense = note("dense", trained(fresh(HIDDEN, seed), train, first, seed))
    longer = note("dense, 20 epochs more", trained(copy.deepcopy(dense), train, more, seed))
    models = {"dense": dense}
    for amount in PRUNED:
        name = f"pruned {amount:.0%}"
        pruned = note(f"{name}, at once", tl.compress.prune(copy.deepcopy(dense), amount))
        models[name] = note(f"{name}, 20 epochs more", trained(pruned, train, more, seed))
    for units in KEPT:
        name = f"shrunk to {units}"
        small = note(f"{name}, at once", tl.compress.shrink(dense, units))
        models[name] = note(f"{name}, 20 epochs more", trained(small, train, more, seed))
        note(f"{units} from the beginning", trained(fresh(units, seed), train, first + more, seed))
    for bits in BITS:
        name = f"{bits} bits"
        rounded = note(f"{name}, at once", tl.compress.quantise(copy.deepcopy(dense), bits))
        models[name] = note(f"{name}, 20 epochs more", trained(rounded, train, more, seed))
        note(f"20 epochs more, then {bits} bits", tl.compress.quantise(copy.deepcopy(longer), bits))
    students(seed, first + more, dense, train, note)
    return models


def students(seed: int, epochs: int, teacher: Any, train: Any, note: Callable[[str, Any], Any]) -> None:
    few, longer = train[:FEW], epochs * len(train) // FEW  # as many steps as with all labels
    of_few = trained(fresh(HIDDEN, seed), few, longer, seed)
    note("dense, 200 labels", of_few)
    ways: list[tuple[str, Any, int, dict[str, Any]]] = [
        ("all labels", train, epochs, {"taught": teacher}),
        ("200 labels", few, longer, {"taught": teacher, "taught by one of the 200": of_few}),
    ]
    for hidden in STUDENTS:
        for labels, part, times, teachers in ways:
            name = f"{hidden} units, {labels}"
            note(name, trained(fresh(hidden, seed), part, times, seed))
            note(f"{name}, smoothed", trained(fresh(hidden, seed), part, times, seed, smoothed))
            for way, who in teachers.items():
                both = np.column_stack([part.y, tl.predict(who, part.x)]).astype(np.float32)
                taught = trained(fresh(hidden, seed), data.Dataset(part.x, both), times, seed, of_teacher)
                note(f"{name}, {way}", taught)


def table_of_ways(found: Accuracies) -> list[list[str]]:
    """Each way at once and after more epochs, and what it must be better than."""
    controls = [(f"pruned {amount:.0%}", "dense, 20 epochs more") for amount in PRUNED]
    controls += [(f"shrunk to {units}", f"{units} from the beginning") for units in KEPT]
    controls += [(f"{bits} bits", f"20 epochs more, then {bits} bits") for bits in BITS]
    rows = [["dense", spread(found["dense"]), spread(found["dense, 20 epochs more"]), "–", "–", "–"]]
    for name, control in controls:
        at_once, later, than = found[f"{name}, at once"], found[f"{name}, 20 epochs more"], found[control]
        rows.append([name, spread(at_once), spread(later), control, spread(than), gain(later, than)])
    return rows


def table_of_students(found: Accuracies) -> list[list[str]]:
    """Each size of student: by labels alone, smoothed ones, and two teachers."""
    rows = []
    for hidden in STUDENTS:
        for labels in ("all labels", f"{FEW} labels"):
            name = f"{hidden} units, {labels}"
            cells = [name, spread(found[name])]
            for way in ("smoothed", "taught", "taught by one of the 200"):
                values = found.get(f"{name}, {way}")
                cells.append(f"{spread(values)} ({gain(values, found[name])})" if values else "–")
            rows.append(cells)
    return rows


# ---- sizes and times ----


def medians(calls: dict[str, Callable[[], Any]], rounds: int, each: int) -> dict[str, float]:
    """The median time of each call in µs; in every round each is called so many times, one after another."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            began = time.perf_counter()
            for _ in range(each):
                call()
            times[name].append((time.perf_counter() - began) / each * 1e6)
    return {name: statistics.median(every) for name, every in times.items()}


def measured(models: dict[str, Any], rounds: int, each: int) -> list[list[str]]:
    """Of each model: bytes of its files, µs in tinydl (NumPy) and in onnxruntime for 1 and for 64 rows."""
    x = data.digits().x[:64]
    sizes: dict[str, list[int | None]] = {}
    calls: dict[str, Callable[[], Any]] = {}
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1

    def of_file(name: str, file: Path) -> None:
        session = onnxruntime.InferenceSession(file.read_bytes(), options, providers=["CPUExecutionProvider"])
        for n in ROWS:
            calls[f"{name} onnxruntime {n}"] = lambda n=n: session.run(None, {"x": x[:n]})

    with tempfile.TemporaryDirectory() as folder, tl.no_grad():
        npz, file, dynamic = (Path(folder) / name for name in ("m.npz", "m.onnx", "dynamic.onnx"))
        for name, model in models.items():
            model.eval()
            tl.save(model, npz)
            tl.to_onnx(model, file, x[:2])
            sizes[name] = [npz.stat().st_size, file.stat().st_size, len(gzip.compress(file.read_bytes()))]
            of_file(name, file)
            for n in ROWS:
                calls[f"{name} tinydl {n}"] = lambda model=model, n=n: model(x[:n])
            if name == "dense":
                quantize_dynamic(file, dynamic, weight_type=QuantType.QInt8)
                other = "dense, made int8 by onnxruntime"
                sizes[other] = [None, dynamic.stat().st_size, len(gzip.compress(dynamic.read_bytes()))]
                of_file(other, dynamic)
        times = medians(calls, rounds, each)
    columns = [f"{who} {n}" for who in ENGINES for n in ROWS]
    return [
        [name, *("–" if size is None else f"{size:,}" for size in all_bytes)]
        + [f"{times[key]:.1f}" if (key := f"{name} {column}") in times else "–" for column in columns]
        for name, all_bytes in sizes.items()
    ]


def wide() -> dict[str, Any]:
    """Untrained networks of two layers of 1,024 units; latency doesn't ask how good they are."""
    tl.manual_seed(0)
    dense = network(64, 1024, 1024, 10)
    models = {"dense": dense, "pruned 90%": tl.compress.prune(copy.deepcopy(dense), 0.9)}
    models |= {f"shrunk to {units}": tl.compress.shrink(dense, units) for units in (512, 256)}
    models["8 bits"] = tl.compress.quantise(copy.deepcopy(dense), 8)
    return models


# ---- tables ----


def printed(head: list[str], rows: list[list[str]]) -> None:
    print("| " + " | ".join(head) + " |")
    print("|---" + "|--:" * (len(head) - 1) + "|")
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()


def machine() -> str:
    info = Path("/proc/cpuinfo")
    vnni = ("with VNNI" if "vnni" in info.read_text() else "without VNNI") if info.exists() else "VNNI unknown"
    versions = f"NumPy {np.__version__}, onnxruntime {onnxruntime.__version__}"
    return f"{processor()} {vnni}; {versions}; one thread"


def spread(values: list[float]) -> str:
    """Mean ± standard deviation."""
    return f"{np.mean(values):.3f} ± {np.std(values, ddof=1) if len(values) > 1 else 0:.3f}"


def gain(better: list[float], than: list[float]) -> str:
    """In points, hundredths of the accuracy: mean ± standard error over the seeds."""
    points = 100 * (np.array(better) - np.array(than))
    error = points.std(ddof=1) / np.sqrt(len(points)) if len(points) > 1 else 0
    return f"{points.mean():+.1f} ± {error:.1f}".replace("-", "−")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--share", type=float, default=1.0, help="of the epochs, for a quick look")
    given = parser.parse_args()
    logging.disable(logging.WARNING)  # onnxruntime's quantiser advises what changes nothing here
    found: Accuracies = {}
    models: dict[str, Any] = {}
    for seed in range(given.seeds):
        models = experiment(seed, given.share, found)
    print(f"{machine()}; {given.seeds} seeds\n")
    ways = ["64-128-10, accuracy", "at once", "20 epochs more", "control", "of the control", "gain, points"]
    printed(ways, table_of_ways(found))
    taught = ["students, accuracy (gain)", "labels", "smoothed", "taught", "taught by one of the 200"]
    printed(taught, table_of_students(found))
    columns = [".npz, bytes", ".onnx, bytes", ".onnx, zipped", *(f"{who}, {n}" for who in ENGINES for n in ROWS)]
    printed(["64-128-10, µs", *columns], measured(models, rounds=30, each=20))
    printed(["64-1024-1024-10, µs", *columns], measured(wide(), rounds=15, each=5))


if __name__ == "__main__":
    main()
