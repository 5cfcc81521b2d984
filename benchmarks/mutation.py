"""Mutation score: are the tests of the derivative rules, layers, losses and optimizers good enough to notice mistakes?

Every rule of the table is broken in all the ways of tinydl.testing.mutations, one at a time, and so are the functions
that rules call, the losses, the layers' forward functions and the optimizers' steps. For each of these mutants the
tests that run the broken function are run, until one fails and the mutant is killed. One that survives shows a gap in
the tests, or is equivalent: then it stands in EQUIVALENT below, with the reason why it can't matter.

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
import re
import signal
import sys
import textwrap
import time
from collections import defaultdict
from collections.abc import Iterator
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import FunctionType, ModuleType

import pytest
from _pytest.runner import runtestprotocol
from hypothesis import Phase, settings

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tinydl import functional, optim, testing  # noqa: E402
from tinydl.dispatch import primitives  # noqa: E402
from tinydl.tensor import Primitive  # noqa: E402

FILES = ["derivatives", "conventions", "linalg", "properties", "formulas", "functional", "nn", "optim"]
FAMILIES = ["elementwise", "reductions", "shapes", "indexing", "linalg", "fused"]
LAYERS = ["linear", "activations", "dropout", "normalization", "embedding", "containers"]
QUICK = [
    "exp",
    "divide",
    "maximum",
    "clip",
    "sum",
    "max",
    "cumprod",
    "getitem",
    "concatenate",
    "matmul",
    "einsum",
    "softmax",
]
SECONDS_PER_TEST = 20  # of processor time, as a mutant may loop forever

Mutant = tuple[str, FunctionType, testing.Mutation]  # the part of the table it counts for, the function that is broken
Covering = dict[object, list[pytest.Item]]  # the code of a function → the tests that run it

# (what is broken, how) → why no test can notice; both are patterns that must match whole
SHORTCUT = "a shortcut: both ways compute the same"
MASKED = "the value is masked by the np.where around it; any that is finite serves"
SAME = "the operation is symmetric in these, or they are equal by construction"
TENSOR = "a constant Tensor does, or becomes, the same as its array"
DOMAIN = "negative numbers are outside of the domain"
EQUIVALENT: list[tuple[str, str, str]] = [
    # elementwise
    (r"(sqrt|log|log2|log10|arccosh|bounded_log)", "twice where the input is negative", DOMAIN),
    (r"relu", "twice where the input is negative", "the gradient is 0 there"),
    (r"weighted_cross_entropy\[2\]", "twice where the input is negative", "weights aren't negative"),
    (r"(gelu_gate_vjp\[1\]|normalise_vjp\[2\])", "twice where the input is negative", DOMAIN),
    (r"power", r"abs\(unwrap\(a\)\) < .* ⇒ .* <= .*", "1/tiny is finite: 0·(1/tiny) is 0 either way"),
    (r"power", r"abs\(unwrap\(a\)\) ⇒ unwrap\(a\)", "a negative a to the power b isn't defined beside b = 0"),
    (r"power", r"np\.where\(zero, 0, .* ⇒ np\.where\(0, zero, .*", "log 1 makes it 0 as well"),
    (r"power", r"g \* 2 \* a if b == 2 else .* ⇒ g \* b \* a .*", SHORTCUT),
    (r"power", r"np\.where\(flat, 1, a\) if .* ⇒ np\.where\(flat, 1, a\)", SHORTCUT),
    (r"power", r"np\.where\((flat|zero), 1, a\) ⇒ np\.where\(\1, 2, a\)", "what stands there is multiplied by 0"),
    (r"where", r"truth\(condition\) ⇒ condition", "masked takes a condition of numbers as np.where does"),
    (r"masked|winner|over_length|over_length_squared", r".* if .*any\(\) else .* ⇒ .*", SHORTCUT),
    (r"over_length|over_length_squared", r"np\.where\(.*, 1, r\) ⇒ np\.where\(.*, 2, r\)", MASKED),
    (r"over_length_squared", r"np\.where\(r == 0, 1, r\) ⇒ r == 0", "over_length has made it 0 there"),
    (r"share_of_sum", r"a > b ⇒ a >= b", "where they are equal it is ½"),
    (r"share_of_sum", r"np\.where\(infinite, 0, (a|y)\) ⇒ np\.where\(infinite, 1, \1\)", MASKED),
    (
        r"sinc_derivative",
        r"n \+ 1 ⇒ .*|np\.abs\(u\) < n \+ 1 ⇒ .*|\(n \+ 1\) // 2.* ⇒ .*|2 \* n ⇒ 3 .*",
        "near the limit both forms serve, and terms beyond those needed are below rounding",
    ),
    (r"sinc_derivative", r"np\.where\(near, (u, 0|1, u)\) ⇒ np\.where\(near, (u, 1|2, u)\)", MASKED),
    (r"sinc_derivative", r"made\.astype.* if .* ⇒ .*", SHORTCUT),
    (r".*", r"np\.result_type\((\w+), (.*)\) ⇒ np\.result_type\(\2, \1\)", SAME),
    # reductions
    (r"equals", r"same \| .* if .* else same ⇒ .*|np\.isnan\(value\) ⇒ value", SHORTCUT),
    (r"equals", r"np\.isnan\(values\) & np\.isnan\(value\) ⇒ np\.isnan\(values\)", "a NaN makes its group's value NaN"),
    (r"group_size", r".* else 0 ⇒ .* else 1", "without elements nothing is divided"),
    (r"var", r"a - np\.mean.* if a\.size else a ⇒ .*", "without elements there is a warning more, and no number"),
    (r"mean", r"group_size\(a, y\) or 1 ⇒ group_size\(a, y\) or 2", "without elements nothing is divided"),
    (r"std", r".* if equal\.any\(\) else .* ⇒ np\.where\(.*", SHORTCUT),
    (r"std", r"np\.where\(equal, 1, s\) ⇒ np\.where\(equal, 2, s\)", MASKED),
    (r"max|min|median", r"equals\(.*\) ⇒ equals\(.*", SAME),
    (r"recurrence\[1\]", "the first element lost", "c₀ isn't used, so its gradient is 0"),
    (r"cumsum|sort", r"0 if axis is None else axis ⇒ axis", "for an array of one axis None means 0"),
    (r"cumprod", r"normalize_axis_index\(axis, y\.ndim\) ⇒ axis", SHORTCUT),
    # products and linear algebra
    (r".*", r"(.*)reshape\(-1(.*) ⇒ \1reshape\(-2\2", "NumPy takes any negative length for the one to find"),
    (r"linear", r"g @ weight if .* ⇒ (g @ weight|\(g\.reshape.*)", SHORTCUT),
    (r"linear", r"x if x\.ndim <= 2 else .* ⇒ .*", SHORTCUT),
    (r"linear", r"x\.ndim (<=|>) 2 ⇒ x\.ndim .*", SHORTCUT),
    (r"linear", r"if bias\.dtype == y\.dtype: .*", SHORTCUT),
    (r"matmul", r"a\.ndim > 2 ⇒ a\.ndim .*", SHORTCUT),
    (r"cofactors", r"0\.001 \* values.* ⇒ .*", "the limit chooses between two formulas that hold both"),
    (r"cofactors", r"g \* sign ⇒ g / sign", "the sign is 1 or -1"),
    (r"cofactors", r"np\.arange\(n\).* \+ np.arange\(n\) ⇒ .* - .*", "only its parity matters"),
    (r"cofactors|eigh|_inverse_differences", r"(a|size)\.shape\[-1\] ⇒ \1\.shape\[-2\]", "the matrices are square"),
    (
        r"_inverse_differences",
        r".*8 \* n.* ⇒ .*|size\.shape\[-1\] ⇒ size\.shape\[1\]",
        "the limit is a matter of degree",
    ),
    (r"_inverse_differences", r"np\.where\(equal, 1, .* ⇒ np\.where\(equal, 2, .*", MASKED),
    (r"svd", r"either \+ either\.mT ⇒ either( \+ either|\.mT)?", "it is asked both at (i, j) and at (j, i)"),
    (r"svd", r"m > n ⇒ m >= n", "for m = n there is nothing beyond, and the branch isn't used"),
    (r"norm", r"np\.where\(y == 0, 1, y\) ⇒ np\.where\(y == 0, 2, y\)", MASKED),
    (r"power_norm", r"np\.where\((flat|y == 0), 1, (.*) ⇒ np\.where\(\1, 2, \2", MASKED),
    (r"power_norm", r"\(x == 0\) \| \(y == 0\) ⇒ x == 0", "where the norm is 0 all elements are"),
    (r"power_norm", r"np\.where\(flat, 0, .* ⇒ np\.where\(0, flat, .*", "sign 0 makes it 0 as well"),
    (r"cholesky|eigh", "transposed", "the gradient is symmetric"),
    (r"cholesky", r"s = (.*)\.mT ⇒ s = \1", "the sum of s and its transpose is taken next"),
    (r"cofactors", r"np\.linalg\.det\(u\) \* np.* ⇒ .* / .*|rest \* sign.* ⇒ rest / sign.*", "the factors are 1 or -1"),
    (r"einsum_rule", r"own\[:position\] ⇒ own", "more identity matrices than needed, and the same sum"),
    (r"einsum_rule", r"zip\(shape, .* ⇒ zip\(operands.*", SAME),
    (r"einsum.*", r".*, optimize=.* ⇒ .*", SHORTCUT),
    (r"_explicit", r"set\(''\.join\(terms\)\) - .* ⇒ .*", "the dots, three, aren't counted as one"),
    (r"_explicit", r"max\(hidden, default=0\) ⇒ .*", "there is an operand, so the default isn't used"),
    (r"_explicit", r"'\.\.\.' if .* else '' ⇒ '\.\.\.'", "without hidden axes it is replaced by nothing"),
    (r"_array", r"isinstance.* or .* ⇒ .* and .*", SHORTCUT),
    # shapes and indexing
    (r"reshape", r"shaping\(a, shape\) if order == 'C' else .* ⇒ .*", SHORTCUT),
    (r"scatter", r"index if isinstance\(index, tuple\) else .* ⇒ \(index,\)", SHORTCUT),
    (r"_names_once", r".*", SHORTCUT),
    (r"masked", r"mask\.size < 4096 ⇒ .*", SHORTCUT),
    (r"recurrence", r"np\.result_type\(x, c\) ⇒ np\.result_type\(c, x\)", SAME),
    (r"take", r"np\.clip\(source, 0, .* ⇒ np\.clip\(0, source, .*", "min(max(0, i), n - 1) is symmetric in 0 and i"),
    (r"stack", "the first two inputs exchanged", "the rule looks at its position only"),
    (r"repeat", r"np\.size\(repeats\) ⇒ repeats", SHORTCUT),
    # fused
    (r"softplus", r".* if (threshold == math\.inf|beta != 1) else .* ⇒ np\..*", SHORTCUT),
    (r"logsumexp", r"np\.where\(y == -math\.inf, 0, y\) ⇒ np\.where\(.*, 1, y\)", "exp(-inf - 1) is 0 too"),
    (r"logsumexp", r"np\.where\(np\.isfinite\(peak\), peak, 0\) ⇒ .* 1\)", "any number shifts -inf"),
    (r"logsumexp", r"tuple\(range\(x\.ndim\)\) if axis is None else axis ⇒ axis", "np.squeeze knows None"),
    (r"softmax_minus_target\[0\]|weighted_cross_entropy\[2\]", "transposed", "the input has one axis at most"),
    (r"inverse_std", r"max\(y\.size, 1\) ⇒ y\.size", "without elements nothing is multiplied"),
    (r"inverse_std", r"max\(x\.size, 1\) ⇒ max\(x\.size, 2\)", "a single number is its own mean"),
    (r"_mean", r"max\(x\.size .*, 1\) ⇒ x\.size .*", "without elements there is a warning more, and no number"),
    (r"_scale|normalise_vjp", r"max\((centred|g)\.size // .*, 1\) ⇒ \1\.size .*", "there is no number"),
    (r"_scale", r"max\(centred\.size // .*, 1\) ⇒ max\(.*, 2\)", "what is divided is 0"),
    (r".*", r"np\.vecdot\(a, b\) ⇒ np\.vecdot\(b, a\)|_dot\(g, y, axis\) ⇒ _dot\(y, g, axis\)", SAME),
    (r"normal_cdf", r"t < 0 ⇒ t <= 0", "elements near 0 take the other branch"),
    (r"weighted_cross_entropy|softmax_minus_target", r"(.*), -1(.*) ⇒ \1, 1\2", "the last of two axes is axis 1"),
    (r"weighted_cross_entropy", r"losses @ weights ⇒ weights @ losses", SAME),
    (r"sigmoid", r"x >= 0 ⇒ x > 0", "both forms are ½ at 0"),
    (r"sigmoid", r"x\.dtype\.type\(1\) ⇒ 1", "a Python number takes the other's dtype"),
    (r"elu|leaky_relu", r"x > 0 ⇒ x >= 0", "both branches are 0 at 0"),
    # losses, layers, optimizers
    (r".*", r"(\w+)\._data if (isinstance\(\1, Tensor\)|\1\.__class__ is Tensor) else .* ⇒ .*", TENSOR),
    (r"dropout", r".* >= p ⇒ .* > p", "they differ for one number of 2²⁴"),
    (r"_cast", r"x if x\._data\.dtype == dtype else .* ⇒ .*", SHORTCUT),
    (r"_weighted", r"np\.broadcast_shapes\(weight\.shape, losses\.shape\) ⇒ .*", SAME),
    (r"kl_div", r"np\.where\(positive, target, 1\) ⇒ .*2\)", "it is multiplied by a target of 0"),
    (r"cross_entropy", r"(.*)axis=-1\) ⇒ \1axis=1\)", "the last of two axes is axis 1"),
    (r"cross_entropy", r"labels if labels\.ndim == 1 else .* ⇒ labels\.ravel\(\)", SHORTCUT),
    (r"_rows", r"x\._data\.ndim > 2 ⇒ x\._data\.ndim >= 2", "two axes have returned before"),
    (r"_rows", r"len\(shape\) - 1 ⇒ len\(shape\) - 2", "of one axis, 0 and -1 are the same"),
    (r"_labels", r".* if labels\.size else 0 ⇒ .* else 1", SHORTCUT),
    (r"_labels", r"0 <= ignore_index < classes ⇒ 0 <= ignore_index <= classes", SHORTCUT),
    (r"BatchNorm1d\._follow", r".* is None or .* ⇒ .* is None and .*", "they are None together"),
    (r"RMSprop\._update", r"mean \+= .* ⇒ mean -= .*", "only the mean's square is used"),
    (r"SGD\._update", r"state\['step'\] \+= 1 ⇒ state\['step'\] (-= 1|\+= 2)", "only whether it is 0 matters"),
    (r"Adadelta\._update", r"np\.sqrt\(np\.add\(u.* ⇒ np\.sqrt\(b, np\.add\(.*", "np.add gives b back"),
    (r"clip_grad_norm", r"scale < 1 ⇒ scale <= 1", "a product with 1 changes nothing"),
    (r"clip_grad_value", r"np\.clip\(g\._data, (.*) ⇒ np\.clip\(-float.*", "symmetric in g and -c"),
    (r"_sum_of_squares", r"total if math\.isfinite\(total\) else .* ⇒ float.*", SHORTCUT),
    (r"elu", r"np\.minimum\(x, 0\) ⇒ np\.minimum\(x, 1\)", "it keeps a branch not taken from overflowing"),
]


def why_equivalent(mutation: testing.Mutation) -> str:
    """The reason why a mutant is no mistake, "" if it is one."""
    for target, name, reason in EQUIVALENT:
        if re.fullmatch(target, mutation.target) and re.fullmatch(name, mutation.name):
            return reason
    return ""


# ---- what is broken ----


def functions_of(module: ModuleType) -> dict[str, FunctionType]:
    """The functions and methods that a module defines, by qualified name."""
    found = {}
    for name, value in vars(module).items():
        if isinstance(value, FunctionType) and value.__module__ == module.__name__:
            found[name] = value
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
    return {v for v in values if isinstance(v, Primitive) or getattr(v, "__module__", "").startswith("tinydl.deriv")}


def reached_from_rules() -> list[FunctionType]:
    """The functions that rules call, and those that these call; of a helper primitive, its forward function."""
    todo: list[object] = [rule for p in primitives.values() for rule in p.rules if rule is not None]
    todo += [p.forward for p in primitives.values() if p.forward.__module__ == "tinydl.derivatives.fused"]
    found: dict[FunctionType, None] = {}
    while todo:
        f = todo.pop()
        if isinstance(f, Primitive):
            f = f.forward
        if isinstance(f, FunctionType) and f not in found:
            found[f] = None
            todo.extend(called_by(f))
    return [f for f in found if f.__name__ not in ("_by_range", "_erfc_beyond", "_rational")]  # erf's approximation


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
    for name, f in functions_of(functional).items():
        if not name.startswith(("_refuse", "_wrong")):
            found += [(name, f, m) for m in testing.source_mutations(f, name)]
    for layer in LAYERS:
        for name, f in functions_of(importlib.import_module(f"tinydl.nn.{layer}")).items():
            if name.endswith((".forward", "._follow")):
                found += [(name.split(".")[0], f, m) for m in testing.source_mutations(f, name)]
    for name, f in functions_of(optim).items():
        last = name.split(".")[-1]
        if last in ("_start", "_update", "step", "rate", "_improved", "zero_grad", "_decayed", "_sum_of_squares") or (
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
    flags = ["-p", "no:terminal", "-p", "no:cacheprovider", "-W", "ignore", "-m", "not slow"]
    status = pytest.main([*flags, *files], plugins=[run])
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
