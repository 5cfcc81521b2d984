"""The benchmark: its statistics, its comparison of results, its tables, and that its quick form runs to the end."""

import dataclasses
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import time
import types
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"


@pytest.fixture(autouse=True)
def benchmarks_importable(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))


def job_of(adapter, parameters=()):
    from adapters import Job

    return Job(lambda: None, lambda: adapter, lambda: parameters)


def test_quartiles_are_numpys_and_a_single_value_is_its_own():
    import measure

    values = [3.0, 1.0, 10.0, 2.0, 7.0, 4.0]
    np.testing.assert_allclose(measure.quartiles(values), np.quantile(values, [0.25, 0.5, 0.75]))
    assert measure.quartiles([2.5]) == [2.5, 2.5, 2.5]


def test_a_ratio_is_taken_within_each_round():
    import measure

    ours, theirs = [1.0, 10.0, 1.0], [2.0, 20.0, 2.0]  # the whole machine was slow in the second round
    assert measure.ratios(ours, theirs) == [0.5, 0.5, 0.5]


def test_a_target_is_judged_by_the_median_ratio():
    import measure
    from workloads import Target

    samples = {"time": {"tinydl": [1.0, 1.2, 1.1], "torch": [2.0, 2.0, 2.0], "numpy": [1.0, 1.0, 1.0]}}
    reached = measure.verdict(Target("torch", 0.56), samples)
    missed = measure.verdict(Target("torch", 0.54), samples)
    assert reached is not None and reached["reached"] is True and reached["ratio"][1] == pytest.approx(0.55)
    assert missed is not None and missed["reached"] is False
    over = measure.verdict(Target("numpy", 150, unit="ms over"), samples)
    assert over is not None and over["ratio"][1] == pytest.approx(100) and over["reached"]
    alone = measure.verdict(Target("", 1000, unit="ms"), samples)
    assert alone is not None and alone["ratio"][1] == pytest.approx(1100) and alone["reached"] is False
    assert measure.verdict(Target("keras", 0.5), samples) is None
    reported = measure.verdict(Target("torch", None), samples)
    assert reported is not None and reported["reached"] is None
    assert measure.verdict(Target("numpy", 0.9, ours="tinydl compiled"), samples) is None
    samples["time"]["tinydl compiled"] = [0.8, 0.8, 0.9]
    compiled = measure.verdict(Target("numpy", 0.9, ours="tinydl compiled"), samples)
    assert compiled is not None and compiled["ratio"][1] == pytest.approx(0.8) and compiled["reached"]


def test_beside_pytorch_networks_are_judged_by_the_lower_quartile_and_only_with_avx512(monkeypatch):
    import measure
    from workloads import Target

    samples = {"time": {"tinydl": [1.0, 1.2, 1.4], "torch": [1.0, 1.0, 1.0]}}
    for avx512, limit, reached in ((True, 1.11, True), (True, 1.09, False), (False, 1.09, None)):
        monkeypatch.setattr(measure, "has_avx512", lambda avx512=avx512: avx512)
        assert measure.verdict(Target("torch", limit, judged="lower quartile"), samples)["reached"] is reached


def test_results_that_differ_stop_the_benchmark():
    import measure

    right = [np.float32(1.5), np.arange(6.0).reshape(2, 3)]
    nearly = [np.float32(1.5), np.arange(6.0).reshape(2, 3) * (1 + 1e-5)]
    assert measure.compare({"a": job_of(right), "b": job_of(nearly)})["b"] < 2e-5
    for wrong in ([np.float32(1.5), right[1] * 1.001], [np.float32(1.5), right[1].T], right[:1], [np.nan, right[1]]):
        with pytest.raises(measure.DifferentWork):
            measure.compare({"a": job_of(right), "b": job_of(wrong)})


def test_updates_that_differ_stop_the_benchmark_though_the_gradients_agree():
    import measure
    from adapters import Job

    def job(rate):
        w = np.ones(3)

        def step():
            w[...] -= rate * np.array([1.0, 2.0, 3.0])

        return Job(step, lambda: [np.float64(1)], lambda: [w])

    measure.compare({"a": job(0.1), "b": job(0.1)})
    with pytest.raises(measure.DifferentWork, match="changes"):
        measure.compare({"a": job(0.1), "b": job(0.11)})


@pytest.mark.parametrize("call", [1, 2, 3, 5])
def test_a_compiled_step_that_differs_from_tinydl_in_one_bit_after_some_calls_stops_the_benchmark(call):
    import measure
    from adapters import Job

    def job(wrong_at):
        w, calls = np.ones(3, np.float32), []

        def step():
            calls.append(0)
            w[...] *= np.float32(0.9)
            if len(calls) == wrong_at:
                w[1] = np.nextafter(w[1], np.float32(2))

        return Job(step, lambda: [np.float64(1)], lambda: [w])

    measure.same_bits({"tinydl": job(0), "numpy": job(1)})
    measure.same_bits({"tinydl": job(0), "tinydl compiled": job(0), "numpy": job(1)})
    with pytest.raises(measure.DifferentWork, match="some bits of results 1 of 2"):
        measure.same_bits({"tinydl": job(0), "tinydl compiled": job(call)})


@pytest.mark.parametrize("call", [1, 3])
def test_a_compiled_pass_without_parameters_must_agree_with_tinydl_in_every_bit_at_the_third_call(call):
    import measure
    from adapters import Job

    def job(right_before):
        calls = []

        def gradients():
            calls.append(0)
            return [1.0, np.zeros(2) if len(calls) < right_before else -np.zeros(2)]

        return Job(gradients, gradients)

    measure.same_bits({"tinydl": job(9), "tinydl compiled": job(9)})
    with pytest.raises(measure.DifferentWork, match="some bits of results 1 of 2"):
        measure.same_bits({"tinydl": job(9), "tinydl compiled": job(call)})


@pytest.mark.parametrize("always", [False, True])
def test_a_compiled_step_that_is_recorded_at_each_call_stops_the_benchmark(always):
    import measure
    from adapters import Job

    def job(limit):
        calls = []
        return Job(tuple, lambda: calls.append(0) or [1.0], programs=lambda: min(len(calls), limit))

    jobs = {"tinydl": job(0), "tinydl compiled": job(8 if always else 2)}
    if always:
        with pytest.raises(measure.DifferentWork, match="recorded anew, the 5th time"):
            measure.same_bits(jobs)
    else:
        measure.same_bits(jobs)


def test_peak_memory_is_that_of_the_calls_asked_for():
    import measure

    def peak(calls):
        count = []

        def step():
            count.append(0)
            np.empty(2**20 if len(count) == 4 else 2**10)

        def make():
            count.clear()
            return types.SimpleNamespace(step=step)

        found = measure.peak(make, types.SimpleNamespace(x=np.empty(0)), calls)
        return len(count), found > 2**20

    assert peak(range(1, 4)) == (3, False)
    assert peak(range(3, 5)) == (4, True)
    assert peak(range(5, 8)) == (7, False)


def test_what_is_around_a_job_is_entered_once_for_a_turn():
    import contextlib

    import measure
    from adapters import Job

    seen = []

    @contextlib.contextmanager
    def around():
        seen.append("in")
        yield
        seen.append("out")

    job = Job(lambda: seen.append("step"), lambda: seen.append("gradients") or [1.0], lambda: [np.ones(1)], around)
    measure.turn(job, 2)
    assert seen == ["in", "step", "step", "step", "out"]
    seen.clear()
    measure.outcome(job, steps=1)
    assert seen == ["in", "gradients", "step", "out"]
    seen.clear()
    measure.repeats(job, 0.0)
    assert seen == ["in", "step", "step", "out"]


def test_jobs_take_turns_and_each_gives_one_figure_per_round():
    import measure
    from adapters import Job

    calls = []
    jobs = {name: Job(lambda name=name: calls.append(name), tuple) for name in "ab"}
    times, cores = measure.interleave(jobs, rounds=3, seconds=0.0)
    assert calls == list("aabb" + "ab" + "ba" + "ab")
    assert {name: len(t) for name, t in times.items()} == {"a": 3, "b": 3} and set(cores) == {"a", "b"}


@pytest.mark.parametrize("id", ["W2", "W3", "W5a", "W6", "W9", "W14"])
def test_tinydl_compiled_or_not_does_the_same_work_as_numpy_by_hand(id):
    import measure
    import workloads

    workload = next(w for w in workloads.WORKLOADS if w.id == id)
    sizes = {**workload.sizes, "sizes": (9, 7, 5, 3), "batch": 4} if workload.work == "training" else {}
    sizes |= {"batch": 2, "length": 5, "width": 6} if id == "W9" else {}
    jobs = measure.prepare(workload, ["tinydl", "tinydl compiled", "numpy"], workload.problem(**sizes))
    measure.compare(jobs)
    measure.same_bits(jobs)


def test_the_first_calls_of_steps_made_anew_are_measured_as_their_targets_name_them(monkeypatch):
    import measure
    import workloads

    monkeypatch.setattr(measure, "RECORDED", ("W2", "W3"))
    workload = next(w for w in workloads.WORKLOADS if w.kind == "first_calls")
    found = measure.first_calls(workload, workload.peers, {"imports": 1, "rounds": 2, "seconds": 0.0})["samples"]
    assert {what: {peer: len(times) for peer, times in peers.items()} for what, peers in found.items()} == {
        workloads.FIRST: {"tinydl compiled": 1},
        "W2": {"tinydl compiled": 2, "tinydl": 2},
        "W3": {"tinydl compiled": 2, "tinydl": 2},
    }
    judged = [measure.verdict(target, found) for target in workload.targets]
    assert [v["what"] for v in judged if v] == [workloads.FIRST, "W2", "W3"]
    steps = [w for w in workloads.WORKLOADS if w.kind == "steps" and w.work not in ("inference", "network")]
    assert tuple(w.id for w in steps) == workloads.RECORDED
    assert all("tinydl compiled" in w.peers for w in steps)


def test_a_step_whose_first_call_is_timed_has_made_none(monkeypatch):
    import measure

    calls = []
    monkeypatch.setattr(
        measure, "prepare", lambda *_: {"tinydl compiled": job_with(lambda: time.sleep(0 if calls else 0.05), calls)}
    )
    assert measure.first_call(None, None) > 0.04 and len(calls) == 1


def job_with(do, calls):
    from adapters import Job

    return Job(lambda: (do(), calls.append(0)), tuple)


def test_quick_leaves_out_what_compiles_for_seconds_and_measures_what_has_a_target():
    import run
    import workloads

    for workload in workloads.WORKLOADS:
        peers = {peer for peer in workload.peers if run.in_quick(peer, workload)}
        judged = {t.peer.split(",")[0] for t in workload.targets if t.limit is not None and t.peer in workload.peers}
        assert peers >= judged | {"tinydl"} and "torch compiled" not in peers
        assert ("tinydl compiled" in peers) == ("tinydl compiled" in workload.peers)
        assert ("jax" in peers) == (workload.id == "W3")


def test_a_peer_that_needs_a_compiler_is_skipped_where_there_is_none(monkeypatch):
    import run

    monkeypatch.setitem(run.COMPILERS, "torch compiled", "no-such-compiler")
    assert not run.compiler_of("torch compiled") and run.compiler_of("torch")
    monkeypatch.setitem(run.COMPILERS, "torch compiled", sys.executable)
    assert run.compiler_of("torch compiled")


@pytest.mark.parametrize("options", [{"keep_gradients": True}, {"keep_gradients": True, "relu_in_place": False}])
def test_the_frugal_and_the_lavish_form_of_hand_written_numpy_agree(options):
    import measure
    import workloads
    from adapters import by_hand

    problem = workloads.training((9, 7, 5, 3), 4)
    measure.compare({"plain": by_hand.training(problem), "other": by_hand.training(problem, **options)})


def test_every_target_names_a_peer_of_its_workload_and_every_workload_a_function_of_its_adapters():
    import measure
    import workloads
    from adapters import ADAPTERS, COMPILERS, NAMES, TWICE

    assert set(ADAPTERS) == set(NAMES) and set(COMPILERS) <= set(ADAPTERS) and set(TWICE) <= set(ADAPTERS)
    for workload in workloads.WORKLOADS:
        assert workload.kind in measure.KINDS and set(workload.peers) <= set(ADAPTERS)
        for target in workload.targets:
            known = (*workload.peers, "itself") if target.unit != "ms" else ("",)
            assert target.peer.split(",")[0] in known and target.ours.split(",")[0] in workload.peers, workload.id
        for peer in workload.peers if workload.work else ():
            text = (BENCHMARKS / "adapters" / f"{ADAPTERS[peer][0]}.py").read_text()
            assert f"def {workload.work}(" in text, (workload.id, peer)


def test_w4_means_both_of_its_sizes_and_w1_only_itself():
    import workloads

    assert [w.id for w in workloads.chosen(["W4"])] == ["W4a", "W4b"]
    assert [w.id for w in workloads.chosen(["W1", "W5b"])] == ["W1", "W5b"]
    with pytest.raises(SystemExit, match="W99"):
        workloads.chosen(["W99"])


def target_of(peer, **other):
    """A target as a report has it."""
    return {"peer": peer, "what": "time", "ours": "tinydl", "unit": "ratio", "limit": None, "reached": None, **other}


def test_small_ratios_are_written_as_fractions():
    import run

    target = target_of("micrograd", limit=1 / 8000, ratio=[1 / 12000, 1 / 10000, 1 / 9000])
    assert run.ratio_text(target) == "1/10,000 (1/9,000 … 1/12,000)" and run.limit_text(target) == "≤ 1/8,000"
    assert run.reached_text({**target, "reached": True}) == "reached"
    missed = {**target, "limit": 0.5, "ratio": [0.5, 0.6, 0.7], "reached": False}
    assert run.reached_text(missed) == "MISSED by 20%"
    assert run.quantity(1.5e-6, "time") == "1.5 µs" and run.quantity(3 * 2**20, "memory") == "3 MiB"


def test_the_markdown_table_has_a_row_for_each_target_and_says_what_was_missed():
    import run

    targets = [
        target_of("torch", limit=0.5, ratio=[0.4, 0.45, 0.5], reached=True),
        target_of("numpy", limit=1.2, ratio=[1.4, 1.5, 1.6], reached=False),
        target_of("numpy", ours="tinydl compiled", limit=0.9, ratio=[0.9, 0.99, 1.1], reached=False),
        target_of("", what="W2", ours="tinydl compiled", unit="ms", limit=5, ratio=[5.5, 6.0, 7.0], reached=False),
    ]
    quartiles = {"time": {"tinydl": [1e-3, 1.5e-3, 2e-3], "tinydl compiled": [9e-4, 1e-3, 1e-3]}}
    quartiles["W2"] = {"tinydl compiled": [5.5e-3, 6e-3, 7e-3]}
    report = {
        "date": "2026-01-02 03:04", "command": "python benchmarks/run.py", "machine": "a computer",
        "versions": {"tinydl": "1", "torch": "2.0"},
        "workloads": {"W3": {"title": "a step", "quartiles": quartiles, "targets": targets}},
    }  # fmt: skip
    heading, _, *rows = run.markdown(report).splitlines()
    assert "2026-01-02, a computer, PyTorch" in heading and "1 of 4 targets reached; missed: W3" in heading
    assert "W3 against NumPy by hand (time), W3 compiled against NumPy by hand (time), W3 compiled (W2)" in heading
    assert rows[2] == "| W3 | a step | 1.5 ms | PyTorch eager | 0.450 (0.400 … 0.500) | ≤ 0.5 | reached |"
    assert rows[3].startswith("|  |  | 1.5 ms | NumPy by hand |") and rows[3].endswith("| ≤ 1.2 | missed by 25% |")
    assert rows[4] == "|  |  | compiled 1 ms | NumPy by hand | 0.990 (0.900 … 1.100) | ≤ 0.9 | missed by 10% |"
    assert rows[5] == "|  |  | compiled 6 ms | W2 | 6.0 ms (5.5 … 7.0) | ≤ 5 ms | missed by 1.0 ms |"
    assert all(row.count("|") == 8 for row in rows)


def answering(verdict):
    """A checker that looks at nothing."""
    return lambda f, *inputs, **options: types.SimpleNamespace(verdict=verdict)


def asked(seed, every=1):
    """What a checker is given by the cases of a seed: form and inputs, and of plain rules their gradients."""
    import attack

    attack.problems.cache_clear()
    attack.corpus.cache_clear()
    found = []

    def note(f, *inputs, vjp=None, grad=None, **options):
        found.append((sorted(options.items()), [np.asarray(x).tobytes() for x in inputs]))
        if grad is not None:
            found.append([np.asarray(g).tobytes() for g in attack.as_list(grad(*attack.wide(inputs)))])
        return types.SimpleNamespace(verdict="noted")

    cases = attack.corpus(seed)[::every]
    assert {case.verdict(note) for case in cases} == {"noted"}
    return [(case.wrong, case.family, case.name) for case in cases], found


def test_the_attack_has_enough_right_and_wrong_rules_of_every_kind_in_every_form():
    import attack

    cases = attack.corpus(0)
    right, wrong = ([case for case in cases if case.wrong == kind] for kind in (False, True))
    assert len(right) >= 250 and len(wrong) >= 700
    assert {case.family for case in right} == {*attack.FAMILIES, "second order"}
    names = {(case.family, case.name.split(": ", 1)[-1].rsplit(" [", 1)[0]) for case in wrong}
    assert {(fault.family, fault.name) for fault in attack.FAULTS} <= names
    assert {("second order", kind) for kind in attack.SECOND} <= names
    for kind in (right, wrong):
        assert {case.name.rsplit(" [", 1)[1] for case in kind} >= {f"{form}]" for form in attack.FORMS}


@pytest.mark.slow
def test_an_attack_is_repeated_by_its_seed_and_another_seed_asks_something_else():
    first = asked(0, every=5)
    assert asked(0, every=5) == first
    assert asked(1, every=5)[1] != first[1]


@pytest.mark.slow
def test_a_blind_checker_misses_every_wrong_rule_and_a_timid_one_alarms_at_every_right_one():
    import attack

    cases = attack.corpus(0)
    right = sum(not case.wrong for case in cases)
    for verdict, error, counts in (
        ("right", "miss", (0, len(cases) - right)),
        ("wrong", "false alarm", (right, 0)),
        ("undecided", "", (0, 0)),
    ):
        outcomes = [attack.outcome((0, number), answering(verdict)) for number in range(len(cases))]
        assert {o.error for o in outcomes} - {""} == ({error} if error else set())
        totals = [line.split("|")[2:5] for line in attack.table(outcomes).splitlines() if line.startswith("| **all**")]
        unsure = (right, len(cases) - right) if verdict == "undecided" else (0, 0)
        assert [list(map(int, total)) for total in totals] == [
            [right, counts[0], unsure[0]], [len(cases) - right, counts[1], unsure[1]]]  # fmt: skip
        listed = attack.errors(outcomes).splitlines()
        assert (
            sum(f"{error}, 1×" in line for line in listed) == sum(counts)
            if error
            else listed == ["no miss, no false alarm"]
        )


def test_a_checker_that_crashes_errs_and_is_told_by_what_it_raised():
    import attack

    def crash(f, *inputs, **options):
        raise KeyError("oops")

    outcome = attack.outcome((0, 0), crash)
    assert outcome.error == "crash" and "KeyError: 'oops'" in attack.errors([outcome])


def test_a_fault_that_changes_nothing_or_nothing_visible_is_no_wrong_rule():
    import attack

    square = attack.Problem("square", lambda x: x**2, [np.array([1.0, 1.0, 3.0])], lambda g, x: 2 * g * x)
    for factor, seen in ((1.0, False), (1 + 1e-6, False), (1 + 1e-5, True), (-1.0, True), (np.nan, False)):
        wrong = lambda g, x, factor=factor: factor * 2 * g * x
        assert attack.matters(square, wrong, True, np.random.default_rng(0)) == seen
    assert attack.matters(square, lambda g, x: None, True, np.random.default_rng(0))
    assert attack.matters(square, lambda g, x: np.zeros(2), True, np.random.default_rng(0))
    absolute = lambda g, x: 2 * np.abs(g) * x
    assert attack.matters(square, absolute, True, np.random.default_rng(0))
    assert not attack.matters(square, absolute, False, np.random.default_rng(0))
    small = attack.replace(square, f=lambda x: x**2 + 1e14)
    assert not attack.matters(small, lambda g, x: 2.001 * g * x, True, np.random.default_rng(0))


@pytest.mark.slow
def test_the_checker_withstands_a_share_of_the_attack_but_for_what_is_known():
    import attack

    outcomes = [attack.outcome((0, number)) for number in range(0, len(attack.corpus(0)), 40)]
    assert attack.errors([o for o in outcomes if not o.known]) == "no miss, no false alarm"
    assert {(o.wrong, o.verdict) for o in outcomes} >= {(False, "right"), (True, "wrong")}


@pytest.mark.slow
def test_the_quick_benchmark_runs_to_the_end_and_writes_its_figures_and_picture(tmp_path):
    command = [sys.executable, str(BENCHMARKS / "run.py"), "--quick", "--output", str(tmp_path)]
    finished = subprocess.run(command, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    report = json.loads((tmp_path / "benchmark-1-thread.json").read_text())
    import workloads

    assert list(report["workloads"]) == [w.id for w in workloads.WORKLOADS]
    assert not any("error" in w for w in report["workloads"].values())
    assert (tmp_path / "benchmark-1-thread.md").read_text(encoding="utf-8").count("| W1 |") == 1
    assert (tmp_path / "benchmark-1-thread.png").stat().st_size > 10_000
    assert "targets reached" in finished.stdout


@pytest.mark.slow
def test_smaller_networks_are_measured_to_the_end():
    command = [sys.executable, str(BENCHMARKS / "smaller.py"), "--seeds", "1", "--share", "0.03"]
    finished = subprocess.run(command, capture_output=True, text=True)
    assert finished.returncode == 0 and not finished.stderr, finished.stdout + finished.stderr
    machine, *tables = finished.stdout.strip().split("\n\n")
    assert "VNNI" in machine and "onnxruntime" in machine and [table.count("\n") for table in tables] == [15, 7, 16, 7]
    figures = [line.split("|")[2:-1] for table in tables for line in table.splitlines()[2:]]
    assert not any("nan" in cell for row in figures for cell in row)


# ---- what benchmarks/README.md and README.md say of it ----


def results():
    """The rows of the table of results, each a list of its cells; a workload's name stands in its first row only."""
    text = (BENCHMARKS / "README.md").read_text(encoding="utf-8")
    lines = text[text.index("\n## Results\n") : text.index("\n### Why targets were missed\n")].splitlines()
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line.startswith("|")][2:]


def test_the_table_of_results_has_a_row_for_each_target_as_it_is_defined():
    import run
    import workloads

    defined = []
    for workload in workloads.WORKLOADS:
        name = [workload.id, workload.title]
        for target in map(dataclasses.asdict, workload.targets):
            if workload.id == "W14" or (target["ours"] != "tinydl" and workload.work != "network"):
                continue  # these rows come with the figures of the first run that measures a compiled step
            defined.append([*name, run.own(target), run.beside(target), run.limit_text(target)])
            name = ["", ""]
    found = [[id, title, form_of(own), beside, limit] for id, title, own, beside, _, limit, _ in results()]
    assert found == defined


def form_of(cell):
    """What stands before a figure: "compiled", or nothing."""
    return re.sub(r" ?[\d.]+ \S+$", "", cell)


def test_every_workload_is_explained_beside_its_results():
    import workloads

    text = (BENCHMARKS / "README.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| (W.*?) \|", text[text.index("\n## What is measured\n") : text.index("\n## Results\n")], re.M
    )
    assert ", ".join(rows).split(", ") == [w.id for w in workloads.WORKLOADS]


def number(text):
    """The first number in a cell: of "1/3,078 (…)" the fraction."""
    fraction = re.search(r"1/([\d,]+)", text.split(" (")[0])
    return 1 / float(fraction[1].replace(",", "")) if fraction else float(re.search(r"[\d.]+", text)[0])


def how_fast_it_is():
    """README's section."""
    text = (BENCHMARKS.parent / "README.md").read_text(encoding="utf-8")
    return text[text.index("\n## How fast it is\n") : text.index("\n## Numbers, and how to get them\n")]


def test_what_was_reached_and_what_was_missed_is_said_and_counted_rightly():
    judged = [row for row in results() if row[5] != "reported"]
    for id, _, _, beside, ratio, limit, reached in judged:
        assert (reached == "reached") == (number(ratio) <= number(limit)), (id, beside)
    missed = sum(row[6].startswith("missed by ") for row in judged)
    text = (BENCHMARKS / "README.md").read_text(encoding="utf-8")
    assert f": {len(judged) - missed} of {len(judged)} targets reached." in text
    assert f"why {missed} of {len(judged)} were missed" in " ".join(how_fast_it_is().split())


def test_the_figures_in_readme_are_those_of_the_table():
    found, id = {}, ""
    for row in results():
        id = row[0] or id
        if not form_of(row[2]):
            found[id, row[3]] = number(row[4])
    layers, small = ("W4a", "W4b", "W5a", "W5b"), ("W2", "W3", "W6")
    peers = "NumPy by hand", "PyTorch eager"
    spans = re.findall(r"([\d.]+) to ([\d.]+) times", how_fast_it_is())
    for span, (ids, peer) in zip(spans, [(ids, peer) for ids in (layers, small) for peer in peers], strict=True):
        ratios = [found[id, peer] for id in ids]
        for told, ratio in zip(span, (min(ratios), max(ratios)), strict=True):
            half_a_digit = 0.5 * 10.0 ** -len(told.partition(".")[2])
            assert float(told) == pytest.approx(ratio, abs=half_a_digit + 1e-9)


def test_how_fast_it_is_takes_three_sentences_and_the_picture():
    _, told, picture = how_fast_it_is().strip().split("\n\n")
    assert len(re.findall(r"\.(?=\s|$)", told)) == 3 and "benchmarks/README.md" in told
    assert picture.startswith("![") and "\n" not in picture


# ---- --against COMMIT ----

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git isn't installed")


def test_the_trees_take_turns_and_a_round_gives_each_the_median_of_its_turns():
    import against

    calls, figures = [], {"here": iter([1.0, 9.0, 2.0, 5.0, 4.0, 6.0]), "there": iter([3.0, 3.0, 8.0, 7.0, 7.0, 0.0])}

    def player(name):
        def turn():
            calls.append(name)
            return {"time": next(figures[name])}

        return turn

    samples = {"time": {"here": [0.5], "there": [0.5]}}
    against.in_turns({name: player(name) for name in figures}, 2, samples, turns=3)
    h, t = "here", "there"
    assert calls == [h, t, t, h, h, t, t, h, h, t, t, h]
    assert samples == {"time": {h: [0.5, 2.0, 5.0], t: [0.5, 3.0, 7.0]}}


def compared(here, there):
    import against
    import measure

    quartiles = {"time": {"here": measure.quartiles(here), "there": measure.quartiles(there)}}
    return against.rows({"samples": {"time": {"here": here, "there": there}}, "quartiles": quartiles})[0]


def test_a_median_is_worse_when_the_ratio_is_above_1_03_and_the_quartiles_are_apart():
    row = compared([1.05, 1.04, 1.06], [1.0, 1.01, 0.99])
    assert row["ratio"] == pytest.approx(1.05) and not row["overlap"] and row["worse"]
    row = compared([1.02, 1.021, 1.022], [1.0, 1.001, 0.999])  # apart, and too little to count
    assert not row["overlap"] and not row["worse"]
    row = compared([1.0, 1.01, 0.99], [1.05, 1.04, 1.06])  # apart the other way: faster
    assert row["ratio"] < 1 and not row["overlap"] and not row["worse"]
    row = compared([1.3, 0.8, 1.1, 1.2], [1.0, 1.2, 0.9, 1.1])  # much, but the quartiles overlap, and so in the rounds
    assert row["ratio"] > 1.03 and row["overlap"] and row["within"][0] < 1 and not row["worse"]


def test_a_median_is_worse_too_when_the_machine_was_slow_now_and_then_but_this_tree_slower_in_each_round():
    there = [1.0, 2.0, 1.1, 1.9]
    row = compared([1.06 * t for t in there], there)
    assert row["overlap"] and row["within"] == pytest.approx([1.06] * 3) and row["worse"]
    row = compared([1.02 * t for t in there], there)
    assert row["overlap"] and row["within"][0] > 1 and not row["worse"]


def comparison(**figures):
    """A report with the workloads given, each (this tree's times, the commit's), or the error that it ended with."""
    import measure

    workloads = {}
    for id, found in figures.items():
        if isinstance(found, str):
            workloads[id] = {"title": "a step", "error": found}
            continue
        samples = {"time": dict(zip(("here", "there"), found, strict=True))}
        quartiles = {"time": {name: measure.quartiles(values) for name, values in samples["time"].items()}}
        workloads[id] = {"title": "a step", "samples": samples, "quartiles": quartiles}
    return {
        "date": "2026-01-02 03:04", "command": "python benchmarks/run.py --against old", "machine": "a computer",
        "versions": {"NumPy": "2.0"}, "commit": "0123456789abcdef", "workloads": workloads,
    }  # fmt: skip


def test_the_verdict_names_the_medians_that_are_worse_and_what_was_not_measured():
    import run

    same, slow = ([1e-3, 1.1e-3, 0.9e-3],) * 2, ([2e-3, 2.2e-3, 1.8e-3], [1e-3, 1.1e-3, 0.9e-3])
    rule = "worse by more than 3 % with the quartiles apart: "
    assert run.worse(comparison(W2=same, W3=same)) == rule + "none of 2 medians"
    assert run.worse(comparison(W2=same, W3=slow)) == rule + "1 of 2 medians: W3 time (2.00)"
    assert run.worse(comparison(W2="no", W3=same)) == rule + "none of 1 medians; not measured: W2"


def test_the_comparison_has_a_row_for_each_thing_measured_with_both_medians_and_quartiles():
    import run

    report = comparison(W2="it broke", W3=([2e-3, 2.2e-3, 1.8e-3], [1e-3, 1.1e-3, 0.9e-3]))
    printed = run.compared("W3", report["workloads"]["W3"])
    figures = ["time", "2 ms (1.9 ms … 2.1 ms)", "1 ms (950 µs … 1.05 ms)", "2.000", "2.000 (2.000 … 2.000)"]
    assert re.split("  +", printed) == ["W3", *figures, "apart, WORSE"]
    assert run.compared("W2", report["workloads"]["W2"]) == "W2    ERROR: it broke"
    assert run.compared("W13", {"samples": {}, "quartiles": {}}) == "W13   nothing that both trees can do"
    above, _, heading, _, *rows = run.markdown_against(report).splitlines()
    assert "a computer, NumPy 2.0; worse by more than 3 %" in above and "| 0123456 (quartiles) |" in heading
    assert rows == ["| W3 | a step | " + " | ".join([*figures, "apart, WORSE"]) + " |"]


@pytest.fixture
def scratch(tmp_path):
    """A repository with the package and the benchmark, committed; temporary folders are made in its neighbour."""
    repository, temporary = tmp_path / "repository", tmp_path / "temporary"
    temporary.mkdir()
    leave = shutil.ignore_patterns("__pycache__", "results")
    for name in ("tinydl", "benchmarks"):
        shutil.copytree(BENCHMARKS.parent / name, repository / name, ignore=leave)
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "as it was"]):
        identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *identity, *arguments], cwd=repository, check=True)
    return repository, temporary


def everything_in(folder):
    """Files and when they were written, but for the benchmark's own bytecode."""
    files = [p for p in folder.rglob("*") if p.is_file() and p.parts[-2:-1] != ("__pycache__",)]
    files += (folder / "tinydl").rglob("*.pyc")
    return {p.relative_to(folder): p.stat().st_mtime_ns for p in files}


def started(scratch, *arguments):
    repository, temporary = scratch
    command = [sys.executable, str(repository / "benchmarks" / "run.py"), *arguments]
    environment = {**os.environ, "TMPDIR": str(temporary), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env=environment,
        cwd=repository.parent,
    )


@needs_git
@pytest.mark.parametrize("commit", ["nosuch", "--all", "HEAD:tinydl"])
def test_a_commit_that_is_not_there_is_one_sentence_and_exit_status_2(commit, scratch):
    process = started(scratch, "--only", "W2", f"--against={commit}")
    out, err = process.communicate()
    assert process.returncode == 2 and not out
    assert (
        err.startswith(f"--against: {commit!r} is no commit here; `git log --oneline` lists") and err.count("\n") == 1
    )


@needs_git
def test_a_commit_without_the_package_is_one_sentence_too(scratch):
    for arguments in (
        ["rm", "-rq", "--cached", "tinydl"],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"],
    ):
        subprocess.run(["git", *arguments], cwd=scratch[0], check=True)
    process = started(scratch, "--against", "HEAD")
    out, err = process.communicate()
    assert process.returncode == 2 and not out and err.count("\n") == 1 and "'HEAD' has no tinydl/__init__.py" in err


@needs_git
@pytest.mark.slow
def test_what_was_made_slow_since_a_commit_is_found_and_nothing_is_left_behind(scratch, tmp_path):
    repository, temporary = scratch
    with (repository / "tinydl" / "__init__.py").open("a", encoding="utf-8") as file:
        file.write(
            "\nimport time as _time\n\n_time.sleep(0.5)\n_step = optim.SGD.step\n\n\ndef _slow(self):\n"
            "    _time.sleep(0.02)\n    _step(self)\n\n\noptim.SGD.step = _slow\n"
        )
    before = everything_in(repository)
    only = ["W2", "W8", "W10a", "W11"]
    process = started(scratch, "--quick", "--only", *only, "--against", "HEAD", "--output", str(tmp_path / "out"))
    out, err = process.communicate()
    assert process.returncode == 0, out + err
    assert everything_in(repository) == before and not list(temporary.iterdir())
    (json_file,) = (tmp_path / "out").glob("against-*-1-thread.json")
    report = json.loads(json_file.read_text())
    assert list(report["workloads"]) == only
    times = report["workloads"]["W2"]["samples"]["time"]
    assert len(times["here"]) == len(times["there"]) == 8
    assert report["workloads"]["W2"]["samples"]["time, compiled"].keys() == times.keys()
    assert (
        statistics.median(times["here"]) > 0.02 > statistics.median(times["there"])
        and "W2 time (" in out.splitlines()[-1]
    )
    for id in ("W8", "W11"):  # whole processes: each imports its own tree's tinydl
        median = {name: figures[1] for name, figures in report["workloads"][id]["quartiles"]["time"].items()}
        assert median["here"] > max(0.5, median["there"] + 0.25)
    for what in ("memory", "memory, compiled"):
        memory = report["workloads"]["W10a"]["quartiles"][what]
        assert memory["here"][1] == pytest.approx(memory["there"][1], rel=1e-2)
    assert json_file.with_suffix(".md").read_text(encoding="utf-8").count("| W10a |") == 2


@needs_git
@pytest.mark.slow
def test_beside_a_tree_that_cannot_compile_only_the_rest_is_measured(scratch, tmp_path):
    with (scratch[0] / "tinydl" / "__init__.py").open("a", encoding="utf-8") as file:
        file.write('\nglobals().pop("compile", None)\n_LATER.pop("compile", None)\n')
    only = ["--only", "W2", "W10a", "W13"]
    process = started(scratch, "--quick", *only, "--against", "HEAD", "--output", str(tmp_path / "out"))
    out, err = process.communicate()
    assert process.returncode == 0 and "W13   nothing that both trees can do" in out, out + err
    (json_file,) = (tmp_path / "out").glob("against-*-1-thread.json")
    found = json.loads(json_file.read_text())["workloads"]
    assert {id: list(w["samples"]) for id, w in found.items()} == {"W2": ["time"], "W10a": ["memory"], "W13": []}


DOUBLED = """
_step = optim.SGD.step


def _doubled(self):
    _step(self)
    _step(self)


optim.SGD.step = _doubled
"""


@needs_git
@pytest.mark.slow
@pytest.mark.parametrize(
    ("id", "added", "said"),
    [
        ("W2", DOUBLED, "the commit and this tree don't do the same work"),
        ("W8", DOUBLED, "program 2: there gives"),
        ("W2", "\n1 / 0\n", "ZeroDivisionError"),
        ("W11", "\n1 / 0\n", "ZeroDivisionError"),
    ],
)
def test_a_tree_that_does_different_work_or_fails_is_not_timed_and_the_run_says_how(id, added, said, scratch, tmp_path):
    with (scratch[0] / "tinydl" / "__init__.py").open("a", encoding="utf-8") as file:
        file.write(added)
    process = started(scratch, "--quick", "--only", id, "--against", "HEAD", "--output", str(tmp_path / "out"))
    out, err = process.communicate()
    assert process.returncode == 1 and f"{id:6}ERROR: " in out and said in out, out + err
    assert out.splitlines()[-1].endswith(f"none of 0 medians; not measured: {id}")
    assert not list(scratch[1].iterdir())


@needs_git
@pytest.mark.slow
def test_the_temporary_trees_go_when_the_run_is_stopped(scratch):
    process = started(scratch, "--only", "W2", "--against", "HEAD")
    while not list(scratch[1].glob("tinydl-against-*/there/tinydl/__init__.py")) and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 1 and not list(scratch[1].iterdir())
