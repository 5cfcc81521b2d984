"""The `tinydl` command: what it prints, what it leaves, and its exit status."""

import io
import os
import re
import subprocess
import sys

import numpy as np
import pytest

import tinydl as tl
from tinydl import cli
from tinydl.course import demo
from tinydl.engine import terminal


def run(*arguments, **environment):
    """The command in a process of its own, as from a shell."""
    code = "import sys; from tinydl.cli import main; sys.exit(main())"
    environment = {**os.environ, **environment}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, env=environment, stdin=subprocess.DEVNULL
    )


def call(capsys, *arguments):
    """The command in this process: exit status, standard output, standard error."""
    try:
        status = cli.main(list(arguments))
    except SystemExit as stop:
        status = stop.code
    out, err = capsys.readouterr()
    return status, out, err


def test_without_arguments_it_prints_help(capsys):
    status, out, _ = call(capsys)
    assert status == 0
    assert "demo" in out
    assert "gradcheck" in out


def test_it_knows_its_version(capsys):
    status, out, _ = call(capsys, "--version")
    assert status == 0
    assert out.strip() == f"tinydl {tl.__version__}"


@pytest.mark.parametrize("arguments, said", [
    (["demo", "--epochs", "0"], "--epochs"),
    (["demo", "--epochs", "ten"], "'ten' isn't a whole number"),
    (["demo", "--epochs", "2.5"], "whole number"),
    (["demo", "--lr", "0"], "--lr"),
    (["demo", "--lr", "-1"], "above 0"),
    (["demo", "--lr", "nan"], "finite"),
    (["demo", "--lr", "inf"], "finite"),
    (["demo", "--lr", "fast"], "isn't a number"),
    (["demo", "--hidden", "0"], "--hidden"),
    (["demo", "--optimizer", "newton"], "adam"),
    (["demo", "--seed", "-1"], "--seed"),
    (["demo", "--output", "no/such/folder/x.png"], "no/such/folder"),
    (["demo", "--output", "picture.xyz"], "picture.xyz"),
    (["demo", "--output", "."], "--output"),
    (["demo", "extra"], "extra"),
    (["dance"], "dance"),
    (["gradcheck", "matmull"], "matmul"),
    (["gradcheck", "no_such_file.py:f"], "no_such_file.py"),
    (["gradcheck", "--cases", "0"], "--cases"),
])  # fmt: skip
def test_a_bad_value_gets_one_clear_line_and_status_2(capsys, tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    status, out, err = call(capsys, *arguments)
    assert status == 2
    assert out == ""
    assert err.count("\n") == 1
    assert said in err
    assert not any(tmp_path.iterdir())


# ---- demo ----

QUICK = ("demo", "--epochs", "2", "--hidden", "16")


@pytest.fixture
def training_alone(monkeypatch):
    """The demo without its gradient check and picture, which take most of its time."""
    monkeypatch.setattr(demo, "_gradient_is_right", lambda model, examples: True)
    monkeypatch.setattr(demo, "_draw", lambda *inputs: None)


def test_the_demo_checks_trains_tests_and_draws(capsys, tmp_path):
    picture = tmp_path / "digits.png"
    status, out, err = call(capsys, *QUICK, "--output", str(picture))
    assert status == 0
    assert err == ""
    assert out.index("gradient check") < out.index("epoch")
    assert re.search(r"gradient check on 8 digits: right", out)
    rows = re.findall(r"^ +(\d+) +([\d.]+) +([\d.]+)% +([\d.]+) +([\d.]+)%$", out, re.MULTILINE)
    assert [row[0] for row in rows] == ["1", "2"]
    assert re.search(r"test: \d+ of 359 right, accuracy \d+\.\d+%", out)
    assert str(picture) in out
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_the_same_seed_gives_the_same_numbers(capsys, tmp_path, training_alone):
    def numbers(*more):
        out = call(capsys, *QUICK, "--output", str(tmp_path / "p.png"), *more)[1]
        return [line for line in out.splitlines() if "picture" not in line]

    assert numbers() == numbers()
    assert numbers("--seed", "5") == numbers("--seed", "5")
    assert numbers("--seed", "5") != numbers()


@pytest.mark.parametrize("name", demo.OPTIMIZERS)
def test_every_optimizer_learns_at_its_own_rate(capsys, tmp_path, training_alone, name):
    status, out, _ = call(
        capsys, "demo", "--epochs", "6", "--hidden", "32", "--optimizer", name, "--output", str(tmp_path / "p.png")
    )
    assert status == 0
    assert float(re.search(r"accuracy ([\d.]+)%, loss", out)[1]) > 88


def test_the_same_digits_are_for_testing_whatever_the_seed(capsys, tmp_path, monkeypatch, training_alone):
    seen = []
    monkeypatch.setattr(
        demo, "evaluate", lambda model, test, **k: seen.append(test.x) or {"accuracy": 0.5, "loss": 1.0}
    )
    for seed in ("1", "2"):
        call(capsys, *QUICK, "--seed", seed, "--output", str(tmp_path / "p.png"))
    np.testing.assert_array_equal(*seen)


def test_a_diverging_run_is_one_clear_line(capsys, tmp_path, training_alone):
    with np.errstate(all="ignore"):
        status, _, err = call(capsys, *QUICK, "--lr", "1e30", "--output", str(tmp_path / "p.png"))
    assert status == 1
    assert "smaller --lr" in err
    assert err.count("\n") == 1


def test_a_wrong_gradient_stops_the_demo(capsys, tmp_path, monkeypatch):
    from tinydl.derivatives.fused import relu

    monkeypatch.setattr(relu, "rules", (lambda g, y, x: -np.where(x > 0, g, 0),))
    status, out, _ = call(capsys, *QUICK, "--output", str(tmp_path / "p.png"))
    assert status == 1
    assert "gradient check on 8 digits: wrong" in out
    assert "epoch" not in out


def test_it_survives_a_terminal_without_utf_8(tmp_path):
    ascii_only = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LANG": "C", "LC_ALL": "C"}
    done = run(*QUICK, "--output", str(tmp_path / "p.png"), **ascii_only)
    assert done.returncode == 0, done.stderr
    done.stdout.decode("ascii")
    assert done.stderr == b""


@pytest.mark.parametrize("arguments, status", [
    ([], 0),
    (["--help"], 0),
    (["demo", "--help"], 0),
    (["gradcheck", "--help"], 0),
    (["gradcheck", "exp", "--cases", "1"], 0),
    (["demo", "--output", "数字/p.png"], 2),
    (["gradcheck", "数字"], 2),
])  # fmt: skip
def test_nothing_that_it_says_needs_more_than_ascii(monkeypatch, arguments, status):
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="ascii") for _ in range(2))
    monkeypatch.setattr("sys.stdout", out)
    monkeypatch.setattr("sys.stderr", err)
    try:
        found = cli.main(arguments)
    except SystemExit as stop:
        found = stop.code
    err.flush()
    assert found == status
    assert err.buffer.getvalue().count(b"\n") == bool(status)


@pytest.mark.parametrize("text, said", [
    ("∂J/∂w = −½Σ(y − wxᵢ)·xᵢ ≠ Σ_k 2 × 10⁻¹²", "dJ/dw = -1/2sum(y - wx_i)*x_i != sum_k 2 x 10^-12"),
    ("Ā = C̄Bᵀ, ∇f, √ε, χ²₉₈", "A_bar = C_bar B^T, grad f, sqrt eps, chi^2_98"),
    ("矩阵乘法: 数 or “数字…”", '[...]: [...] or "[...]..."'),
])  # fmt: skip
def test_signs_are_spelled_where_a_terminal_lacks_them(text, said):
    assert text.encode("ascii", terminal.SPELLED).decode("ascii") == said
    assert text.encode("utf-8", terminal.SPELLED).decode("utf-8") == text


def test_a_terminal_without_utf_8_is_told_which_sign_is_wrong(homework):
    done = run("gradcheck", f"{homework}:flipped", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.returncode == 1
    assert b"exactly -1 times" in done.stdout


@pytest.mark.skipif(os.name != "posix", reason="POSIX")
def test_a_reader_that_has_seen_enough_is_no_error(tmp_path):
    code = "import sys; from tinydl.cli import main; sys.exit(main())"
    command = f"{sys.executable} -c '{code}' gradcheck exp log sin | head -n 1"
    done = subprocess.run(command, shell=True, capture_output=True, stdin=subprocess.DEVNULL)
    assert done.stderr == b""


def test_the_demo_is_right_97_times_in_100_at_its_defaults(capsys, tmp_path, training_alone):
    out = call(capsys, "demo", "--output", str(tmp_path / "p.png"))[1]
    assert float(re.search(r"accuracy ([\d.]+)%, loss", out)[1]) >= 97


@pytest.mark.slow
def test_the_demo_is_right_97_times_in_100_for_19_of_20_seeds(capsys, tmp_path, training_alone):
    scores = []
    for seed in range(20):
        out = call(capsys, "demo", "--seed", str(seed), "--output", str(tmp_path / "p.png"))[1]
        scores.append(float(re.search(r"accuracy ([\d.]+)%, loss", out)[1]))
    assert sum(score >= 97 for score in scores) >= 19


# ---- gradcheck ----


def test_gradcheck_prints_a_table_of_the_rules_asked_for(capsys):
    status, out, _ = call(capsys, "gradcheck", "exp", "matmul", "--cases", "3")
    assert status == 0
    assert "worst error" in out
    rows = {line.split()[0]: line.split() for line in out.splitlines() if line.startswith(("exp", "matmul"))}
    assert set(rows) == {"exp", "matmul"}
    for row in rows.values():
        assert row[1] == "3"
        assert float(row[4]) < 1e-4
        assert row[5] == "right"


def test_gradcheck_notices_a_broken_rule(capsys, monkeypatch):
    exp = tl.engine.dispatch.primitives["exp"]
    monkeypatch.setattr(exp, "rules", (lambda g, y, x: 2 * g * y,))
    status, out, _ = call(capsys, "gradcheck", "exp", "sin", "--cases", "2")
    assert status == 1
    assert re.search(r"^exp .* wrong$", out, re.MULTILINE)
    assert re.search(r"^sin .* right$", out, re.MULTILINE)
    assert "factor" in out


def test_gradcheck_survives_a_rule_that_raises(capsys, monkeypatch):
    exp = tl.engine.dispatch.primitives["exp"]
    monkeypatch.setattr(exp, "rules", (lambda g, y, x: g.nonsense,))
    status, out, _ = call(capsys, "gradcheck", "exp", "sin", "--cases", "1")
    assert status == 1
    assert re.search(r"^exp .* failed$", out, re.MULTILINE)
    assert "1 of 2 rules are right" in out


@pytest.mark.slow
def test_every_rule_of_the_table_is_right(capsys):
    status, out, _ = call(capsys, "gradcheck")
    assert status == 0, out


HOMEWORK = """
import numpy as np
import tinydl as tl

def swish(x):
    return x / (1 + np.exp(-x))

def swish_vjp(g, x):
    s = 1 / (1 + np.exp(-x))
    return g * s * (1 + x * (1 - s))

def product(a, b):
    return a @ b

def product_vjp(g, a, b):
    return g @ b.T, a.T @ g

product_inputs = (np.arange(6.0).reshape(2, 3), np.cos(np.arange(12.0)).reshape(3, 4))

def flipped(x):
    return x ** 2

def flipped_vjp(g, x):
    return -2 * g * x

def energy(w):
    return (w ** 2).sum()

def energy_grad(w):
    return 2 * w

def energy_inputs():
    return np.array([1.0, -2.0, 3.0])

def alone(x):
    return x

def crashes(x):
    return x

def crashes_vjp(g, x):
    return g @ g @ g @ g

needs_square = np.linalg.inv
def needs_square_vjp(g, x):
    return g

cube = tl.primitive(lambda x: x ** 3, lambda g, y, x: 3 * g * x ** 2)
"""


@pytest.fixture
def homework(tmp_path):
    path = tmp_path / "homework.py"
    path.write_text(HOMEWORK, encoding="utf-8")
    return path


@pytest.mark.parametrize("name, status, said", [
    ("swish", 0, "right"),
    ("product", 0, "right"),
    ("energy", 0, "right"),
    ("cube", 0, "right"),
    ("flipped", 1, "sign"),
    ("crashes", 1, "ValueError"),
])  # fmt: skip
def test_gradcheck_checks_a_students_function(capsys, homework, name, status, said):
    found, out, err = call(capsys, "gradcheck", f"{homework}:{name}")
    assert (found, err) == (status, "")
    assert said in out
    assert not (homework.parent / "__pycache__").exists()


@pytest.mark.parametrize("name, said", [
    ("alone", "neither alone_vjp nor alone_grad"),
    ("swich", "did you mean swish"),
    ("needs_square", "needs_square_inputs"),
    ("", "after the colon"),
])  # fmt: skip
def test_a_students_file_that_lacks_something_gets_one_line(capsys, homework, name, said):
    status, out, err = call(capsys, "gradcheck", f"{homework}:{name}")
    assert (status, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


def test_a_students_file_that_does_not_run_gets_one_line(capsys, tmp_path):
    path = tmp_path / "broken.py"
    path.write_text("def f(x)\n    return x\n")
    status, _, err = call(capsys, "gradcheck", f"{path}:f")
    assert status == 2
    assert "SyntaxError" in err
    assert err.count("\n") == 1
