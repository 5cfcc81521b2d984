"""The document's two programs: what they compute, and that they end where mathematics says they must."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tinydl as tl
from tinydl import functional as F

TUTORIALS = Path(__file__).resolve().parent.parent / "tutorials"


def program(name):
    spec = importlib.util.spec_from_file_location(name, TUTORIALS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["program_1_neuron", "program_2_regression"])
def test_a_program_runs_and_leaves_its_picture_beside_it(name, tmp_path):
    copy = tmp_path / f"{name}.py"
    copy.write_text((TUTORIALS / f"{name}.py").read_text(encoding="utf-8"), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(copy)], capture_output=True, text=True, encoding="utf-8", cwd=TUTORIALS.parent
    )
    assert done.returncode == 0, done.stderr
    assert copy.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    if name == "program_2_regression":
        assert done.stdout in (TUTORIALS.parent / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("seed", range(8))
def test_program_1_at_rate_0_05_ends_below_1e_6_from_any_start(seed, capsys):
    w, b, losses = program("program_1_neuron").train(seed)
    assert losses[-1] < 1e-6
    assert len(losses) <= 1001
    x = np.linspace(-3, 3, 100)
    target, learned = 1 / (1 + np.exp(1 - 2 * x)), 1 / (1 + np.exp(-(w.item() * x + b.item())))
    assert np.mean((learned - target) ** 2) == pytest.approx(losses[-1], rel=1e-6)


def test_program_1_takes_adams_steps(capsys):
    _, _, losses = program("program_1_neuron").train(3, steps=40)
    x = np.linspace(-3, 3, 100)
    y = 1 / (1 + np.exp(1 - 2 * x))
    theta = np.array([np.random.default_rng(3).normal(), 0.0])
    m = v = np.zeros(2)
    for t in range(1, 41):  # Kingma and Ba, algorithm 1
        p = 1 / (1 + np.exp(-(theta[0] * x + theta[1])))
        assert losses[t - 1] == pytest.approx(np.mean((p - y) ** 2), rel=1e-9)
        slope = 2 * (p - y) * p * (1 - p)
        g = np.array([np.mean(slope * x), np.mean(slope)])
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        theta = theta - 0.05 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)


def test_at_the_documents_rate_1000_steps_do_not_reach_the_goal(capsys):
    # D33: at 0.001 no parameter moves more than about 1.3 in 1000 steps
    _, _, losses = program("program_1_neuron").train(0, lr=0.001)
    assert losses[-1] > 1e-3


@pytest.mark.parametrize("seed", range(12))
def test_program_2_ends_at_most_0_1_above_the_best_line(seed):
    # D22: 「最终损失：0.0005564296807308625」 is impossible; the least mean squared error is χ²₉₈/100
    module = program("program_2_regression")
    model, points, history = module.train(seed)
    loss = tl.evaluate(model, points, loss=F.mse_loss)["loss"]
    slope, intercept = np.polyfit(points.x[:, 0].astype(float), points.y[:, 0].astype(float), 1)
    best = np.mean((slope * points.x[:, 0] + intercept - points.y[:, 0]) ** 2)
    assert module.best_possible(points) == pytest.approx(best, rel=1e-4)
    assert best - 1e-5 <= loss <= best + 0.1
    assert loss > 0.4
    assert len(history) == 100


def test_program_2_is_reproducible_to_the_bit():
    # D24: 「设置随机种子，保证实验可复现」
    module = program("program_2_regression")
    first, second = module.train(42), module.train(42)
    assert first[2]["loss"] == second[2]["loss"]
    assert first[2]["loss"] != module.train(43)[2]["loss"]


@pytest.mark.slow
def test_program_2_keeps_its_promise_for_60_seeds():
    module = program("program_2_regression")
    excess = []
    for seed in range(100, 160):
        model, points, _ = module.train(seed)
        excess.append(tl.evaluate(model, points, loss=F.mse_loss)["loss"] - module.best_possible(points))
    assert max(excess) < 0.1
    assert 0.005 < np.mean(excess) < 0.02  # theory: 0.0105 for weight and bias uniform in (-1, 1)
