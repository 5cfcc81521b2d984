"""The benchmark: its statistics, its comparison of results, its table, and that its quick form runs to the end."""

import json
import subprocess
import sys
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
    over = measure.verdict(Target("numpy", 150, "ms over"), samples)
    assert over is not None and over["ratio"][1] == pytest.approx(100) and over["reached"]
    assert measure.verdict(Target("keras", 0.5), samples) is None
    reported = measure.verdict(Target("torch", None), samples)
    assert reported is not None and reported["reached"] is None


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


def test_jobs_take_turns_and_each_gives_one_figure_per_round():
    import measure
    from adapters import Job

    calls = []
    jobs = {name: Job(lambda name=name: calls.append(name), tuple) for name in "ab"}
    times, cores = measure.interleave(jobs, rounds=3, seconds=0.0)
    assert calls == list("aabb" + "ab" + "ba" + "ab")
    assert {name: len(t) for name, t in times.items()} == {"a": 3, "b": 3} and set(cores) == {"a", "b"}


@pytest.mark.parametrize("id", ["W2", "W3", "W5a", "W6", "W9"])
def test_tinydl_does_the_same_work_as_numpy_by_hand(id):
    import measure
    import workloads

    workload = next(w for w in workloads.WORKLOADS if w.id == id)
    sizes = {**workload.sizes, "sizes": (9, 7, 5, 3), "batch": 4} if workload.work == "training" else {}
    sizes |= {"batch": 2, "length": 5, "width": 6} if id == "W9" else {}
    measure.compare(measure.prepare(workload, ["tinydl", "numpy"], workload.problem(**sizes)))


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
    from adapters import ADAPTERS, NAMES

    assert set(ADAPTERS) == set(NAMES)
    for workload in workloads.WORKLOADS:
        assert workload.kind in measure.KINDS and set(workload.peers) <= set(ADAPTERS)
        for target in workload.targets:
            assert target.peer.split(",")[0] in (*workload.peers, "itself"), (workload.id, target)
        for peer in workload.peers if workload.work else ():
            text = (BENCHMARKS / "adapters" / f"{ADAPTERS[peer][0]}.py").read_text()
            assert f"def {workload.work}(" in text, (workload.id, peer)


def test_w4_means_both_of_its_sizes_and_w1_only_itself():
    import workloads

    assert [w.id for w in workloads.chosen(["W4"])] == ["W4a", "W4b"]
    assert [w.id for w in workloads.chosen(["W1", "W5b"])] == ["W1", "W5b"]
    with pytest.raises(SystemExit, match="W99"):
        workloads.chosen(["W99"])


def test_small_ratios_are_written_as_fractions():
    import run

    target = {"peer": "micrograd", "what": "time", "limit": 1 / 8000, "ratio": [1 / 12000, 1 / 10000, 1 / 9000]}
    assert run.ratio_text(target) == "1/10,000 (1/9,000 … 1/12,000)" and run.limit_text(target) == "≤ 1/8,000"
    assert run.reached_text({**target, "reached": True}) == "reached"
    missed = {**target, "limit": 0.5, "ratio": [0.5, 0.6, 0.7], "reached": False}
    assert run.reached_text(missed) == "MISSED by 20%"
    assert run.quantity(1.5e-6, "time") == "1.5 µs" and run.quantity(3 * 2**20, "memory") == "3 MiB"


def test_the_markdown_table_has_a_row_for_each_target_and_says_what_was_missed():
    import run

    targets = [
        {"peer": "torch", "what": "time", "limit": 0.5, "ratio": [0.4, 0.45, 0.5], "reached": True},
        {"peer": "numpy", "what": "time", "limit": 1.2, "ratio": [1.4, 1.5, 1.6], "reached": False},
    ]
    quartiles = {"time": {"tinydl": [1e-3, 1.5e-3, 2e-3]}}
    report = {
        "date": "2026-01-02 03:04", "command": "python benchmarks/run.py", "machine": "a computer",
        "versions": {"tinydl": "1", "torch": "2.0"},
        "workloads": {"W3": {"title": "a step", "quartiles": quartiles, "targets": targets}},
    }  # fmt: skip
    heading, _, *rows = run.markdown(report).splitlines()
    assert "2026-01-02, a computer, PyTorch" in heading and "1 of 2 targets reached; missed: W3" in heading
    assert rows[2] == "| W3 | a step | 1.5 ms | PyTorch eager | 0.450 (0.400 … 0.500) | ≤ 0.5 | reached |"
    assert rows[3].startswith("|  |  | 1.5 ms | NumPy by hand |") and rows[3].endswith("| ≤ 1.2 | missed by 25% |")
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


def test_an_attack_is_repeated_by_its_seed_and_another_seed_asks_something_else():
    first = asked(0, every=5)
    assert asked(0, every=5) == first
    assert asked(1, every=5)[1] != first[1]


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


def test_the_checker_withstands_a_share_of_the_attack_but_for_what_is_known():
    import attack

    outcomes = [attack.outcome((0, number)) for number in range(0, len(attack.corpus(0)), 25)]
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
