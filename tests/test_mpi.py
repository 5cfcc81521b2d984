"""Many processes under MPI, as users run them: what over_mpi.py asks of every communicator, and what only processes do.

Ranks are killed here, or raise, or leave; nothing may wait for them. Each command has a time limit of its own.
"""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "tests" / "over_mpi.py"
MPIEXEC = shutil.which("mpiexec", path=sysconfig.get_path("scripts"))  # the wheel's, not one that is on the PATH
TIMES = 3  # each fault

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        MPIEXEC is None or importlib.util.find_spec("mpi4py") is None,
        reason='needs MPI: python -m pip install ".[parallel]"',
    ),
    pytest.mark.xdist_group("mpi"),
]


def start(ranks, *arguments, module=True):
    """The processes, begun; `module` is whether by ``python -m mpi4py``, which aborts by itself."""
    command = [MPIEXEC, "-n", str(ranks), sys.executable, *(["-m", "mpi4py"] if module else []), PROGRAM, *arguments]
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
        env={**os.environ, **one_thread}, start_new_session=True,
    )  # fmt: skip


def ended(process, limit):
    """Exit status and what was printed. AssertionError, and nothing left running, if it hangs."""
    try:
        out, err = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        raise AssertionError(f"hung for {limit} s after printing:\n{out}\n{err}") from None
    return process.returncode, out, err


def until(holds, process):
    """Wait until something holds while the processes run, for at most half a minute."""
    begun = time.monotonic()
    while not holds() and process.poll() is None and time.monotonic() - begun < 30:
        time.sleep(0.002)
    assert holds(), ended(process, 1)


def run(ranks, *arguments, limit=60):
    status, out, err = ended(start(ranks, *arguments), limit)
    assert status == 0, err
    return out


@pytest.mark.parametrize("ranks", [2, 4])
def test_ranks_end_equal_to_the_bit_and_equal_to_one_process_to_rounding(ranks):
    lines = run(ranks, "equal", limit=100).splitlines()
    assert len(lines) > 40 and all(line.startswith("equal ") for line in lines), "\n".join(lines)


def test_two_ranks_are_to_the_bit_one_process_that_adds_the_same_two_micro_batches():
    assert run(2, "parts").split() == ["same", "same"]


def test_a_nan_on_one_rank_is_caught_on_all_of_which_none_ends_the_others():
    said = run(2, "fault", "nan")
    assert said.startswith("all raise the same: True epoch 1, batch ") and "the inputs had nan at index" in said


def test_the_benchmark_runs_to_its_end():
    command = [sys.executable, str(ROOT / "benchmarks" / "parallel.py"), "--quick", "--latency", "1e-6"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, env={**os.environ, "PYTHONPATH": ROOT})
    assert done.returncode == 0, done.stderr
    assert "Computed, not measured: a ring of latency 1.0 µs" in done.stdout
    for table in ("bytes", "network", "cut layer, rows", "pipeline, requests"):
        assert f"| {table} |" in done.stdout


@pytest.mark.parametrize("module", [True, False], ids=["with -m mpi4py", "without"])
@pytest.mark.parametrize("how", ["raise", "argument", "leave"])
def test_a_rank_that_raises_ends_all_in_seconds_with_its_traceback(how, module):
    for _ in range(TIMES):
        begun = time.monotonic()
        status, out, err = ended(start(2, "fault", how, module=module), 30)
        assert status != 0 and "the end" not in out
        wanted = {"raise": "KeyError", "argument": "epochs", "leave": "SystemExit"}[how]
        assert wanted in err and "rank 1 of 2 ends all:" in err
        assert time.monotonic() - begun < 20


def test_a_rank_that_exits_without_a_word_ends_all():
    for _ in range(TIMES):
        status, out, _ = ended(start(2, "fault", "exit"), 30)
        assert status != 0 and "the end" not in out


@pytest.mark.parametrize("ranks", [2, 4])
def test_a_rank_that_is_killed_ends_all_and_the_run_goes_on_from_its_file(ranks, tmp_path):
    for i in range(TIMES):
        path = tmp_path / f"run{i}.npz"
        process = start(ranks, "fault", "wait", path)
        waiting = Path(f"{path}.pid")
        until(lambda waiting=waiting: waiting.exists() and waiting.read_text().endswith("."), process)
        os.kill(int(waiting.read_text()[:-1]), signal.SIGKILL)
        status, out, _ = ended(process, 30)
        assert status != 0 and "the end" not in out
        with np.load(path) as archive:  # of the first epoch; the second was never over
            assert b'"loss": [' in archive["fit/notes"].tobytes()
    assert "the end" in run(ranks, "fault", "none", path)


def test_a_run_with_dropout_goes_on_to_the_bit_on_as_many_ranks(tmp_path):
    whole = run(2, "resumed", tmp_path / "whole.npz")
    killed = start(2, "resumed", tmp_path / "run.npz")
    until((tmp_path / "run.npz").exists, killed)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    assert run(2, "resumed", tmp_path / "run.npz") == whole
    assert whole.startswith("same ")
