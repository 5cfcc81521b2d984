"""tinydl as it is in this tree beside tinydl as it was at a commit: `python benchmarks/run.py --against COMMIT`.

Two runs of one and the same commit differ by several per cent, so both are measured in one run and take turns, as peers
do in measure.py. Two packages of one name don't fit into one process: each tree has a worker, a process with its own
tinydl, the one waiting while the other works. A process is a little faster or slower than its twin for as long as it
lives (where its memory happened to lie), so the pair is started afresh several times, and the quartiles are those of
all turns. Both trees are copies in a temporary folder, neither at an advantage, and nothing is written in the checkout.

The first half of this file runs in run.py's process, which never imports NumPy; the second half is the worker.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

import measure
from workloads import COMPILED, RECORDED, WORKLOADS, Workload

ROOT = Path(__file__).resolve().parent.parent
HERE, THERE = "here", "there"  # this tree and the commit's; names of one length, so that paths have one length too
PLACES = {HERE: "as it is in this tree", THERE: "as it was at the commit"}
LIMIT = 1.03  # a ratio of medians above this counts where the quartiles are apart

Figures = dict[str, float]  # what was measured → the figure of one turn
Samples = dict[str, dict[str, list[float]]]  # what was measured → tree → a figure for each turn


def settings(quick: bool) -> dict[str, Any]:
    """How much is measured: pairs of workers (few for memory, which hardly varies), rounds of each pair, turns in a
    round, seconds of a turn; the long chain's operations; rounds of whole processes."""
    if quick:
        return {
            "launches": 4, "memory": 2, "rounds": 2, "turns": 3, "seconds": 0.01, "long_chain": 100_000,
            "programs": 5, "imports": 7,
        }  # fmt: skip
    return {
        "launches": 12, "memory": 3, "rounds": 3, "turns": 7, "seconds": 0.02, "long_chain": 300_000,
        "programs": 15, "imports": 31,
    }  # fmt: skip


# ---- the two trees ----


class NoSuchCommit(Exception):
    """What was named isn't a commit with a tinydl in it."""


def git(*arguments: str) -> bytes:
    """What git prints in this checkout, where none of the commands used here writes anything."""
    return subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, check=True).stdout


def full_name(commit: str) -> str:
    """The commit's hash; raises NoSuchCommit, with a sentence, if it has none or there was no tinydl then."""
    try:
        found = git("rev-parse", "--verify", "--quiet", "--end-of-options", commit + "^{commit}").decode().strip()
        has_tinydl = git("ls-tree", found, "tinydl/__init__.py")
    except FileNotFoundError:
        raise NoSuchCommit("--against needs git, which isn't installed.") from None
    except subprocess.CalledProcessError as failed:
        said = failed.stderr.decode(errors="replace").strip().removeprefix("fatal: ")
        advice = "`git log --oneline` lists those there are, and HEAD~1 is the last but one"
        raise NoSuchCommit(f"--against: {commit!r} is no commit here; {said or advice}.") from None
    if not has_tinydl:
        raise NoSuchCommit(f"--against: commit {commit!r} has no tinydl/__init__.py; name a later one.")
    return found


@contextlib.contextmanager
def trees(commit: str) -> Iterator[dict[str, Path]]:
    """Two folders, each with a `tinydl`: a copy of this tree's, and the commit's. They are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="tinydl-against-") as temporary:
        folder = Path(temporary).resolve()
        shutil.copytree(ROOT / "tinydl", folder / HERE / "tinydl", ignore=shutil.ignore_patterns("__pycache__"))
        with zipfile.ZipFile(io.BytesIO(git("archive", "--format=zip", commit, "tinydl"))) as archive:
            archive.extractall(folder / THERE)
        yield {name: folder / name for name in (HERE, THERE)}


def own(environment: dict[str, str], tree: Path) -> dict[str, str]:
    """The environment in which `import tinydl` finds that tree's, whatever is installed."""
    others = [path for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path]
    return {**environment, "PYTHONPATH": os.pathsep.join([str(tree), *map(os.path.abspath, others)])}


# ---- taking turns ----


def in_turns(players: dict[str, Callable[[], Figures]], rounds: int, samples: Samples, turns: int = 1) -> None:
    """Let the players work one after another, the first becoming the last each time, and add what they measured.

    In a round everybody has that many turns, whose median is the round's figure: a turn is short, so that what slows
    the machine down meets both, and single ones may be disturbed.
    """
    order = measure.order(list(players), rounds * turns)
    for k in range(rounds):
        taken: Samples = {}
        for name in order[k * turns * len(players) : (k + 1) * turns * len(players)]:
            for what, figure in players[name]().items():
                taken.setdefault(what, {tree: [] for tree in players})[name].append(figure)
        for what, figures in taken.items():
            for tree, values in figures.items():
                samples.setdefault(what, {name: [] for name in players})[tree].append(statistics.median(values))


def compare(workload: Workload, folders: dict[str, Path], environment: dict[str, str], quick: bool) -> dict[str, Any]:
    """Samples and quartiles of both trees for one workload, or the error that prevented it."""
    environments = {name: own(environment, folder) for name, folder in folders.items()}
    how = settings(quick)
    try:
        if workload.kind in WORK:
            samples = by_workers(workload, folders, environments, how)
        else:
            samples = PROGRAMS[workload.kind](folders, environments, how)
    except subprocess.CalledProcessError as problem:
        return {"error": f"{problem}\n{(problem.stderr or b'').decode().strip()[-2000:]}".strip()}
    except (measure.DifferentWork, RuntimeError) as problem:
        return {"error": str(problem)}
    return {
        "samples": samples,
        "quartiles": {what: {t: measure.quartiles(v) for t, v in s.items()} for what, s in samples.items()},
    }


@contextlib.contextmanager
def started(
    name: str, workload: Workload, folder: Path, environment: dict[str, str], how: dict[str, Any]
) -> Iterator[Worker]:
    """A worker that has made its workload ready; it ends with the block."""
    command = [sys.executable, str(Path(__file__).resolve()), workload.id, str(folder), json.dumps(how)]
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, env=environment, text=True
        ) as process,
    ):
        try:
            worker = Worker(name, process, errors)
            worker.ask("prepare")
            yield worker
        finally:
            process.kill()


@dataclass
class Worker:
    """A process that has one tree's tinydl and a workload made ready, and works only while it is asked to."""

    name: str
    process: subprocess.Popen[str]
    errors: IO[bytes]

    def ask(self, what: str, argument: str = "") -> float:
        """Have it do something and wait for the figure; raises DifferentWork, or RuntimeError if it failed."""
        assert self.process.stdin is not None and self.process.stdout is not None
        with contextlib.suppress(BrokenPipeError):  # then it has no answer either
            self.process.stdin.write(json.dumps([what, argument]) + "\n")
            self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            self.process.wait()
            self.errors.seek(0)
            said = self.errors.read().decode().strip()[-2000:]
            raise RuntimeError(f"a process failed that measured tinydl {PLACES[self.name]}:\n{said}")
        found = json.loads(answer)
        if isinstance(found, str):
            raise measure.DifferentWork(found)
        return float(found)

    def turn(self, what: str) -> Figures:
        """Its turn: the figure, by its name."""
        return {what: self.ask(what)}


def by_workers(
    workload: Workload, folders: dict[str, Path], environments: dict[str, dict[str, str]], how: dict[str, Any]
) -> Samples:
    """Pairs of workers, one pair after another; of the first pair it is asked whether both do the same work."""
    samples: Samples = {}
    with tempfile.TemporaryDirectory() as temporary:
        outcome = str(Path(temporary) / "outcome.npz")
        for launch in range(how["memory" if workload.kind == "memory" else "launches"]):
            with contextlib.ExitStack() as stack:
                workers = {}
                for name in sorted(folders, reverse=launch % 2 == 1):
                    worker = started(name, workload, folders[name], environments[name], how)
                    workers[name] = stack.enter_context(worker)
                if launch == 0:
                    workers[HERE].ask("leave the outcome", outcome)
                    workers[THERE].ask("compare the outcome", outcome)
                can_compile = all(worker.ask("can compile") for worker in workers.values())
                for what, often in WORK[workload.kind].items():
                    if what.endswith(", compiled") and not can_compile:
                        continue
                    players = {name: partial(worker.turn, what) for name, worker in workers.items()}
                    rounds, turns = (how["rounds"], how["turns"]) if often else (1, 1)
                    in_turns(players, rounds, samples, turns)
    return samples


# ---- whole processes: a turn is a process ----


def imports(folders: dict[str, Path], environments: dict[str, dict[str, str]], how: dict[str, Any]) -> Samples:
    """The time of `import tinydl`."""

    def turn(name: str) -> Figures:
        return {"time": measure.import_seconds("tinydl", environments[name], folders[name])}

    return warm_then_in_turns(turn, how["imports"])


def first_calls(folders: dict[str, Path], environments: dict[str, dict[str, str]], how: dict[str, Any]) -> Samples:
    """The first call of each compiled step, all of them in one process; nothing where a tree can't compile."""
    if not all(measure.process_can_compile(environment) for environment in environments.values()):
        return {}

    def turn(name: str) -> Figures:
        return measure.process_of_first_calls(RECORDED, environments[name])

    return warm_then_in_turns(turn, how["programs"])


def digits(folders: dict[str, Path], environments: dict[str, dict[str, str]], how: dict[str, Any]) -> Samples:
    """The program that learns the digits, always from the same start: other starts need other numbers of epochs."""
    epochs: dict[str, float] = {}

    def turn(name: str) -> Figures:
        found = measure.digits_once("tinydl", file, environments[name])
        epochs[name] = found["epochs"]
        per_epoch = found["training time"] / found["epochs"]
        return {"time": found["time"], "training time per epoch": per_epoch, "memory": found["memory"]}

    with tempfile.TemporaryDirectory() as temporary:
        file = measure.digits_file(Path(temporary), 0, environments[HERE])
        samples = warm_then_in_turns(turn, how["programs"])
    if abs(epochs[HERE] - epochs[THERE]) > 2:
        raise measure.DifferentWork(f"both trees started alike but needed {epochs[HERE]} and {epochs[THERE]} epochs")
    return samples


def program2(folders: dict[str, Path], environments: dict[str, dict[str, str]], how: dict[str, Any]) -> Samples:
    """The document's program 2."""

    def turn(name: str) -> Figures:
        found = measure.program2_once("tinydl", environments[name])
        return {what: found[what] for what in ("time", "memory")}

    fixed = {name: measure.program("program2_in_tinydl", "--fixed", environment=environments[name]) for name in folders}
    measure.same_line(fixed)
    return warm_then_in_turns(turn, how["programs"])


def warm_then_in_turns(turn: Callable[[str], Figures], rounds: int) -> Samples:
    """A round that doesn't count, in which bytecode is compiled and files come into memory, then those that do."""
    turns: dict[str, Callable[[], Figures]] = {name: partial(turn, name) for name in (HERE, THERE)}
    samples: Samples = {}
    in_turns(turns, 1, {})
    in_turns(turns, rounds, samples)
    return samples


PROGRAMS: dict[str, Callable[[dict[str, Path], dict[str, dict[str, str]], dict[str, Any]], Samples]] = {
    f.__name__: f for f in (imports, first_calls, digits, program2)
}


# ---- what it says ----


def rows(found: dict[str, Any]) -> list[dict[str, Any]]:
    """For each thing measured: both trees' quartiles, the ratio of their medians, whether the quartiles overlap.

    A median is worse if the ratio is above LIMIT and the quartiles are apart. On a machine that others use too, either
    tree's figures may differ more from round to round than the trees do, and then the quartiles overlap by that alone;
    so the ratio within each round, where both met the same machine, has quartiles as well: a median is also worse if
    that ratio is above LIMIT and its quartiles are above 1.
    """
    made = []
    for what, quartiles in found.get("quartiles", {}).items():
        (low, median, high), (other_low, other_median, other_high) = quartiles[HERE], quartiles[THERE]
        ratio, overlap = median / other_median, low <= other_high and other_low <= high
        within = measure.ratios(found["samples"][what][HERE], found["samples"][what][THERE])
        worse = (ratio > LIMIT and not overlap) or (within[1] > LIMIT and within[0] > 1)
        made.append({"what": what, **quartiles, "ratio": ratio, "within": within, "overlap": overlap, "worse": worse})
    return made


# ---- the worker ----


def work(workload: Workload, tree: Path, how: dict[str, Any]) -> None:
    """Do what each line of standard input says, one at a time; answer with a figure, or with what makes it void."""
    import tinydl

    found = Path(str(tinydl.__file__)).resolve()
    if not found.is_relative_to(tree):
        raise RuntimeError(f"this process was to measure the tinydl in {tree}, and imported {found}")
    ready = Ready(workload, how)
    for line in sys.stdin:
        what, argument = json.loads(line)
        try:
            answer: float | str = ready.does(what, argument)
        except measure.DifferentWork as problem:
            answer = str(problem)
        print(json.dumps(answer), flush=True)


WORK = {  # kind of workload → what a worker is asked for, and whether in every round or once in its life
    "steps": {"time": True, "time, compiled": True},
    "long_chain": {
        "time per operation": True,
        "long chain, gc off": False,
        "long chain, gc on": False,
    },
    "doubled": {"time": True},
    "memory": {"memory": False, "memory, compiled": False},
}


class Ready:
    """A workload made ready for this process's tinydl."""

    def __init__(self, workload: Workload, how: dict[str, Any]):
        assert workload.problem is not None
        self.workload, self.how = workload, how
        self.problem = workload.problem(**workload.sizes)
        self.can_compile = COMPILED in workload.peers and measure.can_compile()
        self.jobs = {"": self.make()}  # that of tinydl as it is and, where it can be compiled, compiled
        if self.can_compile:
            self.jobs[" compiled"] = self.make(COMPILED)
        self.n = dict.fromkeys(self.jobs, 0)

    def make(self, peer: str = "tinydl") -> Any:
        return measure.prepare(self.workload, [peer], self.problem)[peer]

    def outcome(self) -> measure.Outcome:
        """Of jobs that haven't taken a step; raises DifferentWork if tinydl compiled doesn't do what tinydl does."""
        if self.can_compile:
            measure.same_bits({peer: self.make(peer) for peer in ("tinydl", COMPILED)})
        return measure.outcome(self.make())

    def does(self, what: str, argument: str) -> float:
        """One thing that it was asked for."""
        import numpy as np

        if what == "prepare":
            self.n = {form: measure.repeats(job, self.how["seconds"]) for form, job in self.jobs.items()}
            measure.settle()
            for form, job in self.jobs.items():
                measure.turn(job, self.n[form])  # a process is slow in its first moments
            return 0
        if what == "can compile":
            return self.can_compile
        if what == "leave the outcome":
            results, changes = self.outcome()
            np.savez(argument, *results, *changes, results=len(results))
            return 0
        if what == "compare the outcome":
            with np.load(argument) as file:
                left, results = [file[f"arr_{k}"] for k in range(len(file.files) - 1)], int(file["results"])
            return measure.agree("the commit", self.outcome(), "this tree", (left[:results], left[results:]))
        if what == "memory":
            return measure.peak(self.make, self.problem)
        if what == "memory, compiled":
            return measure.peak(partial(self.make, COMPILED), self.problem, measure.ALONE)
        if what.startswith("long chain"):
            return self.long(what.rpartition(" ")[2])
        form = what.partition(",")[2]
        seconds = measure.turn(self.jobs[form], self.n[form])[0] / self.n[form]
        return seconds / self.problem.length if what == "time per operation" else seconds

    def long(self, collector: str) -> float:
        """Seconds per operation of a chain many times as long, once, with the garbage collector on or off."""
        import workloads

        length = self.how["long_chain"]
        job = measure.prepare(self.workload, ["tinydl"], workloads.chain(length))["tinydl"]
        return measure.with_collector(collector, job) / length


if __name__ == "__main__":
    id, tree, how = sys.argv[1:]
    work(next(w for w in WORKLOADS if w.id == id), Path(tree), json.loads(how))
