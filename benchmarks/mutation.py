"""Mutation score: are the tests of the derivative rules, layers, losses and optimizers good enough to notice mistakes?

Every rule of the table is broken in all the ways of tinydl.testing.mutations, one at a time, and so are the functions
that rules call, some of those that are made of others, the losses, the layers' forward functions and the optimizers'
steps. For each of these mutants the tests that run the broken function are run, until one fails and the mutant is
killed. One that survives shows a gap in the tests, or is equivalent: then equivalent_mutants.txt has it, with the
reason why it can't matter.

    python benchmarks/mutation.py              everything, on all processors
    python benchmarks/mutation.py exp Adam     these rules, functions or classes
    python benchmarks/mutation.py --quick      one mutant of each kind for a dozen rules

The exit status is 1 if a mutant survives. Needs ``pip install ".[test]"``; tests that need PyTorch aren't used.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import multiprocessing
import os
import signal
import sys
import textwrap
import time
from collections import defaultdict
from collections.abc import Iterator
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import FunctionType

import pytest
from _pytest.runner import runtestprotocol
from hypothesis import Phase, settings

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tinydl import testing  # noqa: E402
from tinydl.derivatives import fused  # noqa: E402
from tinydl.engine.arrays import sum_dtype, wide  # noqa: E402
from tinydl.engine.dispatch import primitives  # noqa: E402
from tinydl.engine.tensor import Primitive  # noqa: E402

FILES = [
    "derivatives", "indexing", "device", "constants", "conventions", "linalg", "mistakes", "properties", "formulas",
    "functional", "nn", "recurrent", "attention", "convolution", "optim", "small_layers", "norms",
]  # fmt: skip
COMPOSED = [
    "assembling",
    "grids",
    "normalising",
    "statistics",
    "recurrence",
]  # of derivatives/: functions made of others, without rules of their own
LAYERS = [
    "linear", "activations", "dropout", "normalization", "embedding", "containers", "cells", "recurrent", "attention",
    "convolution", "pooling",
]  # fmt: skip
FORWARD = (  # of layers: what their forward runs
    ".forward", "._follow", "._heads", "._axes", "._mask", "._with_past", "._feed", "._run", "._one_way", "._started",
)  # fmt: skip
QUICK = {
    "exp", "divide", "maximum", "clip", "sum", "max", "cumprod", "getitem", "concatenate", "matmul", "einsum",
    "softmax",
}  # fmt: skip
SECONDS_PER_TEST = 20  # of processor time, as a mutant may loop forever

Mutant = tuple[str, FunctionType, testing.Mutation]  # the part of the table it counts for, the function that is broken
Covering = dict[object, list[pytest.Item]]  # the code of a function → the tests that run it


def read_equivalent() -> dict[str, str]:
    """Which mutants no test can notice, by their descriptions, and why."""
    found, reason = {}, ""
    for line in (Path(__file__).parent / "equivalent_mutants.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("    "):
            found[line.strip()] = reason
        elif line.endswith(":"):
            reason = line[:-1]
    return found


EQUIVALENT = read_equivalent()


def why_equivalent(mutation: testing.Mutation) -> str:
    """The reason why a mutant is no mistake, "" if it is one."""
    return EQUIVALENT.get(mutation.description, "")


# ---- what is broken ----


def functions_of(room: str, *files: str) -> dict[str, FunctionType]:
    """The functions and methods that the files of a room define, by qualified name."""
    found = {}
    for module in (importlib.import_module(f"tinydl.{room}.{file}") for file in files):
        for name, value in vars(module).items():
            if isinstance(value, FunctionType) and value.__module__ == module.__name__:
                found[name] = inspect.unwrap(value)  # _in_float32 is around losses
            elif inspect.isclass(value) and value.__module__ == module.__name__:
                for part, method in vars(value).items():
                    if isinstance(method, FunctionType):
                        found[f"{name}.{part}"] = method
    return found


def called_by(function: FunctionType) -> set[object]:
    """The functions and primitives of tinydl that a function names."""
    names, codes = set(), [function.__code__]
    while codes:
        code = codes.pop()
        names.update(code.co_names)
        codes.extend(c for c in code.co_consts if inspect.iscode(c))
    values = (function.__globals__.get(name) for name in names)
    return {v for v in values if isinstance(v, Primitive) or v is wide or v is sum_dtype or of_the_table(v)}


def of_the_table(value: object) -> bool:
    """Whether something is defined in derivatives/."""
    return getattr(value, "__module__", "").startswith("tinydl.deriv")


def reached_from_rules() -> list[FunctionType]:
    """The functions that rules call, and those that these call; of a helper primitive, its forward function."""
    todo: list[object] = [rule for p in primitives.values() for rule in p.rules if rule is not None]
    todo += [p.forward for p in primitives.values() if p.name in vars(fused)]
    found: dict[FunctionType, None] = {}
    while todo:
        f = todo.pop()
        if isinstance(f, Primitive):
            f = f.forward
        f = getattr(f, "__wrapped__", f) if isinstance(f, FunctionType) else f  # in_float32 may be around it
        if isinstance(f, FunctionType) and f not in found:
            found[f] = None
            todo.extend(called_by(f))
    return [f for f in found if f.__name__ not in ("_in_blocks", "_polynomial", "_upper_tail")]  # of erf and Φ


def everything() -> list[Mutant]:
    """All mutants: the part of the table that it counts for, the function that is broken, and the mutation."""
    found: list[Mutant] = []
    done: set[object] = set()
    for name, p in primitives.items():
        assert p.signature
        for position, rule in enumerate(p.rules):
            if rule is not None:
                found += [(name, rule, m) for m in testing.rule_mutations(p, position)]
                if rule not in done:
                    done.add(rule)
                    found += [(name, rule, m) for m in testing.source_mutations(rule, name)]
    for f in reached_from_rules():
        if f not in done:
            done.add(f)
            owner = next((n for n, p in primitives.items() if p.forward is f), f.__name__)
            found += [(owner, f, m) for m in testing.source_mutations(f, owner)]
    for name, f in functions_of("derivatives", *COMPOSED).items():
        if f not in done:
            done.add(f)
            found += [(name, f, m) for m in testing.source_mutations(f, name)]
    for name, f in functions_of("functional", "activations", "attention", "losses", "normalization").items():
        if not name.startswith(
            ("_refuse", "refuse_", "_wrong", "_in_float32")
        ):  # the last acts when the losses are defined
            found += [(name, f, m) for m in testing.source_mutations(f, name)]
    for layer in LAYERS:
        for name, f in functions_of("nn", layer).items():
            if name.endswith(FORWARD) or name in ("_loop", "ends_of"):
                found += [(name.split(".")[0], f, m) for m in testing.source_mutations(f, name)]
    for name, f in functions_of("optim", "optimizer", "sgd", "adaptive", "schedules", "clipping").items():
        last = name.split(".")[-1]
        if last in ("_start", "_update", "step", "rate", "_improved", "zero_grad", "_follow") or (
            last.startswith("clip_")
        ):
            found += [(name.split(".")[0], f, m) for m in testing.source_mutations(f, name)]
    return found


def quick(mutants: list[Mutant]) -> list[Mutant]:
    """Of the QUICK rules the mutants that need no source, and a few of those that do."""
    kept, seen = [], defaultdict(int)
    for part, f, m in mutants:
        kind = "source" if "⇒" in m.name else m.name
        if part in QUICK and not why_equivalent(m):
            seen[part, kind] += 1
            if seen[part, kind] <= (3 if kind == "source" else 1):
                kept.append((part, f, m))
    return kept


# ---- the tests ----


class Timeout(Exception):
    """A test took too long, because of the mutant."""


class Run:
    """A pytest plugin: instead of running all tests once, it runs for each mutant those that can notice it."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.survivors: list[tuple[str, str]] = []
        self.counts: dict[str, list[int]] = {}  # part → mutants, killed, equivalent
        self.problem = ""

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> None:
        settings.register_profile(
            "mutation", deadline=None, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate],
            suppress_health_check=settings.get_profile("ci").suppress_health_check,
        )  # fmt: skip
        settings.load_profile("mutation")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> pytest.TestReport:
        error = call.excinfo  # without the text of the failure, which takes longer than most tests
        outcome = "passed"
        if error is not None:
            outcome = "skipped" if error.errisinstance(pytest.skip.Exception) else "failed"
        return pytest.TestReport(item.nodeid, item.location, {}, outcome, None, call.when)

    def passes(self, item: pytest.Item) -> bool:
        signal.setitimer(signal.ITIMER_PROF, SECONDS_PER_TEST)
        try:
            reports = runtestprotocol(item, log=False, nextitem=None)
        except Timeout:
            return False
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        return not any(report.failed for report in reports)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        def stop(number: int, frame: object) -> None:
            raise Timeout

        signal.signal(signal.SIGPROF, stop)
        mutants = everything()
        if self.options.quick:
            mutants = quick(mutants)
        if self.options.names:
            named = set(self.options.names)
            unknown = named - {part for part, _, _ in mutants}
            if unknown:
                self.problem = f"nothing is called {', '.join(sorted(unknown))}"
                return True
            mutants = [mutant for mutant in mutants if mutant[0] in named]
        for part, _, m in mutants:
            counts = self.counts.setdefault(part, [0, 0, 0])
            counts[0] += 1
            counts[2] += bool(why_equivalent(m))
        mutants = [mutant for mutant in mutants if not why_equivalent(mutant[2])]
        items = [item for item in session.items if "torch" not in item.nodeid]
        if self.options.quick:
            items = [item for item in items if named_after(item) in QUICK or "test_conventions" in item.nodeid]
        started = time.perf_counter()
        covering = self.coverage(items, {f.__code__ for _, f, _ in mutants})
        self.say(f"{len(items)} tests in {time.perf_counter() - started:.0f} s; {len(mutants)} mutants")
        results = self.results(mutants, covering)
        for done, (part, description, killer) in enumerate(results, 1):
            if killer:
                self.counts[part][1] += 1
            else:
                self.survivors.append((part, description))
                self.say(f"survived: {description}")
            if done % 500 == 0:
                self.say(f"{done} mutants, {len(self.survivors)} survivors")
        return True

    def coverage(self, items: list[pytest.Item], codes: set[object]) -> Covering:
        """For each function the tests that run it: those named after a primitive first, then the quick ones."""
        found: dict[object, list[tuple[float, pytest.Item]]] = defaultdict(list)
        for item in items:
            seen: set[object] = set()

            def notice(frame, event, argument, seen=seen):  # type: ignore[no-untyped-def]
                if event == "call" and frame.f_code in codes:
                    seen.add(frame.f_code)

            start = time.perf_counter()
            sys.setprofile(notice)
            try:
                passed = self.passes(item)
            finally:
                sys.setprofile(None)
            if not passed:
                self.problem += f"fails without any mutant: {item.nodeid}\n"
                continue
            for code in seen:
                found[code].append((time.perf_counter() - start, item))
        return {code: [item for _, item in sorted(pairs, key=lambda p: p[0])] for code, pairs in found.items()}

    def results(self, mutants: list[Mutant], covering: Covering) -> Iterator[tuple[str, str, str]]:
        """The part, the mutation and what killed it ("": it survived), for each mutant in some order."""
        jobs = self.options.jobs
        context = multiprocessing.get_context("fork")
        running: dict[Connection, tuple[list[Mutant], bool]] = {}

        def start(todo: list[Mutant], again: bool = False) -> None:
            mine, theirs = context.Pipe(duplex=False)
            context.Process(target=self.work, args=(todo, covering, theirs), daemon=True).start()
            theirs.close()
            running[mine] = todo, again

        for i in range(jobs):
            start(mutants[i::jobs])
        while running:
            for pipe in wait(list(running)):
                todo, again = running.pop(pipe)
                try:
                    result = pipe.recv()
                except EOFError:  # done, or crashed: perhaps because of an earlier mutant, so it gets a second chance
                    if todo and again:
                        yield todo[0][0], todo[0][2].description, "a crash"
                        start(todo[1:])
                    elif todo:
                        start(todo, again=True)
                    continue
                running[pipe] = todo[1:], False
                yield result

    def work(self, mutants: list[Mutant], covering: Covering, pipe: Connection) -> None:
        for part, f, mutation in mutants:
            killer = ""
            items = covering.get(f.__code__, [])
            for item in sorted(items, key=lambda item: named_after(item) != part):
                with mutation:
                    passed = self.passes(item)
                if not passed:
                    killer = item.nodeid
                    break
            pipe.send((part, mutation.description, killer))

    def say(self, text: str) -> None:
        print(text, file=self.options.log, flush=True)


def named_after(item: pytest.Item) -> str:
    """The primitive whose name the test has as its parameter, "" for another test."""
    return str((getattr(item, "callspec", None) and item.callspec.params.get("name", "")) or "")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Break rules, layers, losses and optimizers, and run their tests.")
    parser.add_argument("names", nargs="*", help="rules, functions or classes to break; all by default")
    parser.add_argument("--quick", action="store_true", help="one mutant of each kind for a dozen rules")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes; as many as processors")
    options = parser.parse_args(arguments)
    options.log = os.fdopen(os.dup(2), "w")
    os.chdir(ROOT)
    os.environ["CI"] = "1"
    sys.modules["torch"] = None  # type: ignore[assignment]  # so that the score is the same with and without it
    files = [f"tests/test_{name}.py" for name in FILES if Path(f"tests/test_{name}.py").exists()]
    if options.quick:
        files = [f for f in files if "derivatives" in f or "properties" in f or "conventions" in f]
    run, started = Run(options), time.perf_counter()
    flags = ["-p", "no:terminal", "-p", "no:cacheprovider", "-p", "no:faulthandler", "-W", "ignore", "-m", "not slow"]
    status = pytest.main(["-n", "0", *flags, *files], plugins=[run])  # in this process, where the mutants are
    if run.problem or not run.counts:
        print(run.problem or f"the tests couldn't be collected (pytest: {status})")
        return 2
    return report(run, time.perf_counter() - started)


def report(run: Run, seconds: float) -> int:
    """Print the table and say whether everything was killed."""
    width = max(len(part) for part in run.counts)
    print(f"{'broken'.ljust(width)}  mutants  killed  equivalent  survivors")
    for part, (total, killed, equivalent) in sorted(run.counts.items()):
        left = total - killed - equivalent
        print(f"{part.ljust(width)}  {total:7d}  {killed:6d}  {equivalent:10d}  {left or '':>9}")
    total, killed, equivalent = (sum(column) for column in zip(*run.counts.values(), strict=True))
    print(f"{'all'.ljust(width)}  {total:7d}  {killed:6d}  {equivalent:10d}  {total - killed - equivalent:9d}")
    if run.survivors:
        print("\nSurvivors:")
        for _, description in sorted(run.survivors):
            print(textwrap.indent(description, "  "))
    rate = 100 * killed / max(total - equivalent, 1)
    few = sorted(part for part in run.counts if part in primitives and run.counts[part][0] - run.counts[part][2] < 10)
    if few and not run.options.quick:
        print(f"\nfewer than ten mutants: {', '.join(few)}")
    print(f"\n{killed} of {total - equivalent} mutants killed, {rate:.2f} %, in {seconds:.0f} s")
    return 1 if run.survivors or (few and not run.options.quick) else 0


if __name__ == "__main__":
    sys.exit(main())
