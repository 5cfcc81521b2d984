"""One workload, measured in this process: every peer made ready, compared with the others, then timed in turns.

`run.py` starts this file once per workload, in a fresh process whose thread count is set in its environment; the
result, a dictionary, goes to the file named on the command line. Read `workloads.py` for what is measured.
"""

from __future__ import annotations

import argparse
import dataclasses
import gc
import importlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from workloads import CHECKED, COMPILED, FIRST, RECORDED, WORKLOADS, Target, Workload

HERE = Path(__file__).parent
Samples = dict[str, list[float]]  # peer → one figure per round
ALONE, CHECKING = range(5, 8), range(8, 9)  # calls in which a compiled step's program runs alone, and is compared
Outcome = tuple[list[Any], list[Any]]  # loss and gradients; what some steps made of the parameters


def settings(quick: bool) -> dict[str, Any]:
    """How much is measured: rounds, and for how long each peer runs in one round."""
    if quick:
        return {"rounds": 3, "seconds": 0.02, "programs": 1, "imports": 2, "long_chain": 100_000, "long_rounds": 1}
    return {"rounds": 25, "seconds": 0.1, "programs": 5, "imports": 15, "long_chain": 1_000_000, "long_rounds": 3}


# ---- statistics ----


def quartiles(values: Sequence[float]) -> list[float]:
    """First quartile, median, third quartile."""
    return statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Quartiles of the ratio in each round: what disturbs the machine for a while disturbs both halves of a pair."""
    return quartiles([a / b for a, b in zip(ours, theirs, strict=True)])


def verdict(target: Target, samples: dict[str, Samples]) -> dict[str, Any] | None:
    """The target with the figure measured; None if one of the two wasn't."""
    measured = samples.get(target.what, {})
    ours = measured.get(target.ours)
    theirs = measured.get(target.peer) if target.unit != "ms" else ours
    if not ours or not theirs:
        return None
    if target.unit == "ms":
        figures = [1000 * value for value in quartiles(ours)]
    elif target.unit == "ms over":
        difference = 1000 * (statistics.median(ours) - statistics.median(theirs))
        low, _, high = quartiles([1000 * (a - b) for a, b in zip(ours, theirs, strict=True)])
        figures = [low, difference, high]
    elif target.peer.startswith("itself"):  # the long one's own time over the short one's
        figures = ratios(theirs, [statistics.median(ours)] * len(theirs))
    else:
        figures = ratios(ours, theirs)
    decides = figures[0] if target.judged == "lower quartile" else figures[1]
    judged = target.limit is not None and (target.judged == "median" or has_avx512())
    reached = decides <= target.limit if judged else None
    return {**dataclasses.asdict(target), "ratio": figures, "reached": reached}


def has_avx512() -> bool:
    """Whether the processor has AVX-512, as NumPy finds it: BLAS's kernels for small matrices are written for that."""
    from numpy._core._multiarray_umath import __cpu_features__

    return bool(__cpu_features__.get("AVX512F"))


# ---- the same work? ----


class DifferentWork(Exception):
    """Two peers' results differ, so their times mean nothing."""


def distance(a: Any, b: Any) -> float:
    """‖a − b‖ / ‖b‖ in float64."""
    import numpy as np

    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.shape != b.shape:
        raise DifferentWork(f"shapes {a.shape} and {b.shape}")
    return float(np.linalg.norm((a - b).ravel()) / max(np.linalg.norm(b.ravel()), 1e-30))


def outcome(job: Any, steps: int = 3) -> Outcome:
    """A job's loss and gradients, then the change that its parameters undergo in `steps` steps."""
    with job.around():
        found = [_array(r) for r in job.gradients()]
        before = [_array(p) for p in job.parameters()]
        for _ in range(steps if before else 0):
            job.step()
        return found, [_array(p) - b for p, b in zip(job.parameters(), before, strict=True)]


def agree(peer: str, found: Outcome, first: str, reference: Outcome, tolerance: float = 1e-4) -> float:
    """The largest relative distance of a peer's loss and gradients from the first one's; DifferentWork if too large.

    The change that the parameters underwent is held to fifty times the tolerance: it is small beside them, they are
    rounded to float32, and where a gradient is almost nothing Adam makes a whole step of its rounding.
    """
    if [len(part) for part in found] != [len(part) for part in reference]:
        raise DifferentWork(f"{peer} gives {len(found[0])} results, {first} {len(reference[0])}")
    apart = [distance(a, b) for a, b in zip(found[0], reference[0], strict=True)]
    moved = [distance(a, b) for a, b in zip(found[1], reference[1], strict=True)]
    if not (all(d <= tolerance for d in apart) and all(d <= 50 * tolerance for d in moved)):  # a NaN isn't, either
        raise DifferentWork(
            f"{peer} and {first} don't do the same work: loss and gradients differ by {apart}, "
            f"the parameters' changes in a few steps by {moved} (relative)"
        )
    return max(apart)


def compare(jobs: dict[str, Any], tolerance: float = 1e-4, steps: int = 3) -> dict[str, float]:
    """The outcome of every peer against the first one's; gives the largest relative distance of each."""
    first, *others = jobs
    reference = outcome(jobs[first], steps)
    return {peer: agree(peer, outcome(jobs[peer], steps), first, reference, tolerance) for peer in others}


def same_bits(jobs: dict[str, Any], calls: int = 5) -> None:
    """Run tinydl and tinydl compiled on from where they are: DifferentWork unless they agree in every bit.

    A first call is recorded (a second one, too, if there are gradients by then that it has to forget), the second and
    fourth are compared by tinydl itself, the third and fifth are the program's alone: from then on nothing is recorded.
    """
    import numpy as np

    ends = []
    for job in (jobs[name] for name in ("tinydl", COMPILED) if COMPILED in jobs):
        recorded = 0
        with job.around():
            for call in range(calls):
                if job.parameters():
                    job.step()
                found = job.gradients()
                recorded = job.programs() if call < 2 else recorded
            if job.programs() > recorded:
                raise DifferentWork(f"{COMPILED} is recorded anew, the {job.programs()}th time, though nothing changed")
            ends.append([np.asarray(result).tobytes() for result in (*found, *job.parameters())])
    apart = [k for k, (a, b) in enumerate(zip(*ends, strict=True)) if a != b] if ends else []
    if apart:
        named = ", ".join(map(str, apart))
        raise DifferentWork(f"{COMPILED} and tinydl differ in some bits of results {named} of {len(ends[0])}")


def _array(x: Any) -> Any:
    import numpy as np

    return np.array(x, np.float64)


# ---- time ----


def repeats(job: Any, seconds: float) -> int:
    """How many steps of a job fit into that time; asked before the first turn, it warms the job as well."""
    once = 0.0
    with job.around():
        for _ in range(2):  # the first warms: compiled code, allocated memory; a long one is warm within itself
            if once < 0.1:
                start = time.perf_counter()
                job.step()
                once = time.perf_counter() - start
    return max(1, min(int(seconds / once), 100_000))


def settle() -> None:
    """Before the first turn: what the imports left behind isn't looked through for garbage again and again."""
    gc.collect()
    gc.freeze()


def turn(job: Any, n: int) -> tuple[float, float]:
    """One job's turn: the seconds that `n` steps take, and how much processor time."""
    step = job.step
    with job.around():
        if n > 1:
            step()  # the caches were another's
        cpu, start = time.process_time(), time.perf_counter()
        for _ in range(n):
            step()
        return time.perf_counter() - start, time.process_time() - cpu


def interleave(jobs: dict[str, Any], rounds: int, seconds: float) -> tuple[Samples, dict[str, float]]:
    """Seconds per step of every job, a figure per round, the jobs taking turns; and how many cores each kept busy."""
    counts = {name: repeats(job, seconds) for name, job in jobs.items()}
    settle()
    times: Samples = {name: [] for name in jobs}
    wall, cpu = dict.fromkeys(jobs, 0.0), dict.fromkeys(jobs, 0.0)
    for name in order(list(jobs), rounds):
        elapsed, busy = turn(jobs[name], counts[name])
        wall[name] += elapsed
        cpu[name] += busy
        times[name].append(elapsed / counts[name])
    return times, {name: round(cpu[name] / wall[name], 2) for name in jobs}


def order(names: list[str], rounds: int) -> list[str]:
    """Whose turn it is: in every round everybody's once, and each round begins with the next one."""
    return [name for k in range(rounds) for name in names[k % len(names) :] + names[: k % len(names)]]


def prepare(workload: Workload, peers: Sequence[str], problem: Any) -> dict[str, Any]:
    """The workload's job for each peer."""
    from adapters import ADAPTERS

    jobs = {}
    for peer in peers:
        adapter = importlib.import_module(f"adapters.{ADAPTERS[peer][0]}")
        jobs[peer] = getattr(adapter, workload.work)(problem)
    return jobs


# ---- the kinds of workload ----


def steps(workload: Workload, peers: Sequence[str], how: dict[str, Any]) -> dict[str, Any]:
    """Time per step, peers in turns in this process."""
    assert workload.problem is not None
    jobs = prepare(workload, peers, workload.problem(**workload.sizes))
    apart = compare(jobs, steps=1 if "micrograd" in jobs else 3)
    same_bits(jobs)
    times, cores = interleave(jobs, how["rounds"], how["seconds"])
    return {"samples": {"time": times}, "cores": cores, "apart": apart}


def doubled(workload: Workload, peers: Sequence[str], how: dict[str, Any]) -> dict[str, Any]:
    """As `steps`, and in turns with them tinydl at twice the length."""
    assert workload.problem is not None
    jobs = prepare(workload, peers, workload.problem(**workload.sizes))
    apart = compare(jobs)
    if "tinydl" in peers:
        twice = workload.problem(**{**workload.sizes, "length": 2 * workload.sizes["length"]})
        jobs["itself, twice as long"] = prepare(workload, ["tinydl"], twice)["tinydl"]
    times, cores = interleave(jobs, how["rounds"], how["seconds"])
    return {"samples": {"time": times}, "cores": cores, "apart": apart}


def long_chain(workload: Workload, peers: Sequence[str], how: dict[str, Any]) -> dict[str, Any]:
    """As `steps`, per operation, then tinydl's chain at its long length, with the garbage collector off and on."""
    import workloads

    found = steps(workload, peers, {**how, "rounds": min(how["rounds"], 11)})
    times = found["samples"]["time"]
    short = workloads.chain()
    for name in times:
        times[name] = [t / short.length for t in times[name]]
    found["unit"] = "per operation"
    if "tinydl" in peers:
        length = how["long_chain"]
        long_job = prepare(workload, ["tinydl"], workloads.chain(length))["tinydl"]
        for collector in ("off", "on"):
            own = f"itself, 1,000,000 long, gc {collector}"
            times[own] = [with_collector(collector, long_job) / length for _ in range(how["long_rounds"])]
    return found


def with_collector(collector: str, job: Any) -> float:
    """Seconds that one step takes with Python's garbage collector "on" or "off"."""
    gc.collect()
    if collector == "off":
        gc.disable()
    start = time.perf_counter()
    job.step()
    elapsed = time.perf_counter() - start
    gc.enable()
    return elapsed


def memory(workload: Workload, peers: Sequence[str], how: dict[str, Any]) -> dict[str, Any]:
    """Peak memory of a training step of tinydl, as it is and compiled, and of NumPy by hand, which has it both ways."""
    assert workload.problem is not None
    import adapters.by_hand as hand

    problem = workload.problem(**workload.sizes)
    makers: dict[str, Callable[[], Any]] = {}
    if "tinydl" in peers:
        import adapters.in_tinydl as ours

        makers["tinydl"] = lambda: ours.training(problem)
    if COMPILED in peers:
        import adapters.in_tinydl_compiled as compiled

        makers[COMPILED] = lambda: compiled.training(problem)
    makers["numpy"] = lambda: hand.training(problem, keep_gradients=True, relu_in_place=False)
    makers["numpy, relu in place"] = lambda: hand.training(problem, keep_gradients=True, relu_in_place=True)
    jobs = {name: make() for name, make in makers.items()}
    apart = compare(jobs)
    same_bits(jobs)
    jobs.clear()
    peaks = {name: [peak(make, problem)] for name, make in makers.items()}
    if COMPILED in peers:
        peaks[COMPILED] = [peak(makers[COMPILED], problem, ALONE)]
        peaks[CHECKED] = [peak(makers[COMPILED], problem, CHECKING)]
    return {"samples": {"memory": peaks}, "apart": apart}


def peak(make: Callable[[], Any], problem: Any, calls: range = range(4, 6)) -> float:
    """Bytes in use at most during those steps, everything kept alive included: batch, parameters, gradients.

    tracemalloc counts exactly what NumPy and Python allocate, and nothing else (no interpreter, no imported code, no
    BLAS buffers, which are the same for both). A process's resident set would add what the allocator hasn't returned.
    """
    import tracemalloc

    gc.collect()
    tracemalloc.start()
    job = make()
    for _ in range(calls.start - 1):
        job.step()
    tracemalloc.reset_peak()
    for _ in calls:
        job.step()
    found = float(tracemalloc.get_traced_memory()[1] + problem.x.nbytes)
    tracemalloc.stop()
    return found


def first_calls(workload: Workload, peers: Sequence[str], how: dict[str, Any]) -> dict[str, Any]:
    """Seconds that the first call of each compiled step takes, in turns with the step as it is.

    Every call is of a step made anew, and the first of each kind doesn't count: what tinydl reads once in a process, it
    has read by then. What that costs is seen in processes that record W2's step before anything else.
    """
    alone = [process_of_first_calls(RECORDED[:1])[FIRST] for _ in range(how["imports"])]
    samples: dict[str, Samples] = {FIRST: {COMPILED: alone}}
    for step in recorded(RECORDED):
        problem = step.problem(**step.sizes)
        job = prepare(step, ["tinydl"], problem)["tinydl"]
        n = repeats(job, how["seconds"])
        first_call(step, problem)
        settle()
        times = samples[step.id] = {COMPILED: [], "tinydl": []}
        for _ in range(how["rounds"]):
            times[COMPILED].append(first_call(step, problem))
            times["tinydl"].append(turn(job, n)[0] / n)
    return {"samples": samples}


def recorded(ids: Sequence[str]) -> list[Any]:
    """The workloads of these names, in that order."""
    return [next(w for w in WORKLOADS if w.id == id) for id in ids]


def first_call(step: Workload, problem: Any) -> float:
    """Seconds that the first call of a workload's compiled step takes, a model and an optimizer made for it."""
    job = prepare(step, [COMPILED], problem)[COMPILED]
    gc.collect()
    return turn(job, 1)[0]


def print_first_calls(*ids: str) -> None:
    """The first calls of these steps, as JSON: the first one's, then each one's, as it is in a process at work."""
    first, *_ = steps = recorded(ids)
    found = {FIRST: first_call(first, first.problem(**first.sizes))}
    found |= {step.id: first_call(step, step.problem(**step.sizes)) for step in steps}
    print(json.dumps(found))


def can_compile() -> bool:
    """Whether this process's tinydl has `tl.compile`; that of an old commit hasn't."""
    import tinydl

    return hasattr(tinydl, "compile")


def process_can_compile(environment: dict[str, str]) -> bool:
    """What `can_compile` says in a process with that environment."""
    command = [sys.executable, "-c", "import measure; print(measure.can_compile())"]
    return subprocess.run(command, capture_output=True, check=True, cwd=HERE, env=environment).stdout.strip() == b"True"


def process_of_first_calls(ids: Sequence[str], environment: dict[str, str] | None = None) -> dict[str, float]:
    """`print_first_calls` in a process of its own."""
    command = [sys.executable, "-c", f"import measure; measure.print_first_calls(*{tuple(ids)})"]
    finished = subprocess.run(command, capture_output=True, check=True, cwd=HERE, env=environment)
    found: dict[str, float] = json.loads(finished.stdout)
    return found


def imports(workload: Workload, peers: Sequence[str], how: dict[str, Any]) -> dict[str, Any]:
    """Seconds that `import …` takes in a fresh process, the interpreter's own start not counted."""
    from adapters import ADAPTERS

    times: Samples = {peer: [] for peer in peers}
    for turn in range(how["imports"] + 1):
        for peer in peers:
            seconds = import_seconds(ADAPTERS[peer][1][0])
            if turn:  # the first one reads files that the others find in memory
                times[peer].append(seconds)
    return {"samples": {"time": times}}


def import_seconds(module: str, environment: dict[str, str] | None = None, folder: Path | None = None) -> float:
    """Seconds that one import takes in a process of its own, started in that folder, which Python searches first."""
    code = f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
    command = [sys.executable, "-c", code]
    return float(subprocess.run(command, capture_output=True, check=True, env=environment, cwd=folder).stdout)


def program(name: str, *arguments: str, environment: dict[str, str] | None = None) -> dict[str, float]:
    """Run a program of `programs/` from a cold start: wall time, peak memory, and what it prints (a JSON line)."""
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, str(HERE / "programs" / f"{name}.py"), *arguments], env=environment,
            stdout=output, stderr=subprocess.DEVNULL if "keras" in name else None,
        )  # fmt: skip
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise RuntimeError(f"programs/{name}.py failed with exit status {process.returncode}")
        output.seek(0)
        found: dict[str, float] = json.loads(output.read().decode().splitlines()[-1])
    unit = 1 if sys.platform == "darwin" else 1024
    return {**found, "time": wall, "memory": float(usage.ru_maxrss * unit)}


def digits(workload: Workload, peers: Sequence[str], how: dict[str, Any]) -> dict[str, Any]:
    """Whole processes. tinydl and PyTorch get the same split, initial weights and order, and need the same epochs.

    scikit-learn's process does more than train once (see its program), so that only its training time counts.
    """
    samples: dict[str, Samples] = {what: {p: [] for p in peers} for what in ("time", "training time", "memory")}
    epochs: dict[str, list[float]] = {p: [] for p in peers}
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(how["programs"]):
            file = digits_file(Path(folder), seed)
            for peer in peers:
                found = digits_once(peer, file)
                epochs[peer].append(found["epochs"])
                for what, figures in samples.items():
                    if peer != "sklearn" or what == "training time":
                        figures[peer].append(found[what])
    same = [epochs[p] for p in ("tinydl", "torch") if p in epochs]
    if any(abs(a - b) > 2 for pair in zip(*same, strict=True) for a, b in [(pair[0], pair[-1])]):
        raise DifferentWork(f"tinydl and PyTorch started alike but needed {same[0]} and {same[-1]} epochs")
    samples = {what: {p: v for p, v in s.items() if v} for what, s in samples.items()}
    return {"samples": samples, "epochs": epochs}


def digits_once(peer: str, file: Path, environment: dict[str, str] | None = None) -> dict[str, float]:
    """One training, in a process of its own, to the accuracy that everybody must reach."""
    found = program(f"digits_in_{peer}", str(file), environment=environment)
    if found["accuracy"] < 0.97:
        raise DifferentWork(f"{peer} ended with a test accuracy of {found['accuracy']:.3f}, {file.stem}")
    return found


def digits_file(folder: Path, seed: int, environment: dict[str, str] | None = None) -> Path:
    """Where `write_digits` has left its arrays, in a process of its own, so that NumPy stays out of this one."""
    file = folder / f"digits{seed}.npz"
    write = f"import measure; measure.write_digits({str(file)!r}, {seed})"
    subprocess.run([sys.executable, "-c", write], check=True, cwd=HERE, env=environment)
    return file


def write_digits(file: str, seed: int) -> None:
    """The split of the handwritten digits, and initial weights as PyTorch draws them, for digits_in_….py."""
    import numpy as np

    from tinydl import data

    train, test = data.split(data.digits(), 0.8, seed=0)
    (x, y), (test_x, test_y) = train, test
    rng = np.random.default_rng(seed)
    weights = {}
    for name, m, n in (("0", 128, 64), ("2", 10, 128)):
        weights[f"{name}.weight"] = rng.uniform(-(n**-0.5), n**-0.5, (m, n)).astype(np.float32)
        weights[f"{name}.bias"] = rng.uniform(-(n**-0.5), n**-0.5, m).astype(np.float32)
    np.savez(file, x=x, y=y, test_x=test_x, test_y=test_y, lr=0.005, batch_size=64, seed=seed, **weights)


def program2(workload: Workload, peers: Sequence[str], how: dict[str, Any]) -> dict[str, Any]:
    """Whole processes; compared first from one start and without shuffling, where the results must be the same."""
    if how["programs"] > 1:
        same_line({peer: program(f"program2_in_{peer}", "--fixed") for peer in peers})
    samples: dict[str, Samples] = {what: {p: [] for p in peers} for what in ("time", "memory")}
    for _ in range(how["programs"]):
        for peer in peers:
            found = program2_once(peer)
            for what, figures in samples.items():
                figures[peer].append(found[what])
    return {"samples": samples}


def program2_once(peer: str, environment: dict[str, str] | None = None) -> dict[str, float]:
    """One run of program 2, in a process of its own."""
    found = program(f"program2_in_{peer}", environment=environment)
    if abs(found["loss"] - 0.81) > 0.02:  # least squares reaches 0.8066 on these data
        raise DifferentWork(f"program 2: {peer} ends at a loss of {found['loss']}")
    return found


def same_line(fixed: dict[str, dict[str, float]]) -> None:
    """Raises DifferentWork unless all runs of program 2 with --fixed found the same line."""
    name, first = next(iter(fixed.items()))
    for peer, found in fixed.items():
        if any(abs(found[key] / first[key] - 1) > 1e-4 for key in ("loss", "first", "last")):
            raise DifferentWork(f"program 2: {peer} gives {found}, {name} {first}")


KINDS: dict[str, Callable[[Workload, Sequence[str], dict[str, Any]], dict[str, Any]]] = {
    f.__name__: f for f in (steps, doubled, long_chain, memory, first_calls, imports, digits, program2)
}


def measure(workload: Workload, peers: Sequence[str], quick: bool) -> dict[str, Any]:
    """What run.py shows for one workload: samples, their quartiles, and the verdict on each target."""
    found = KINDS[workload.kind](workload, peers, settings(quick))
    samples = found["samples"]
    found["quartiles"] = {what: {p: quartiles(v) for p, v in s.items() if v} for what, s in samples.items()}
    found["targets"] = [v for v in (verdict(t, samples) for t in workload.targets) if v is not None]
    return found


def main() -> None:
    """Measure one workload and write the result to a file."""
    parser = argparse.ArgumentParser()
    parser.add_argument("workload")
    parser.add_argument("--peers", nargs="+", required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--to", required=True)
    arguments = parser.parse_args()
    workload = next(w for w in WORKLOADS if w.id == arguments.workload)
    try:
        found = measure(workload, arguments.peers, arguments.quick)
    except DifferentWork as problem:
        found = {"error": str(problem)}
    Path(arguments.to).write_text(json.dumps(found))


if __name__ == "__main__":
    main()
