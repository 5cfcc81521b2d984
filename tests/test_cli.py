"""The `tinydl` command: what it prints, what it leaves, and its exit status."""

import ast
import io
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import tinydl as tl
from tinydl import cli
from tinydl.course import demo
from tinydl.course.program import demo_step
from tinydl.engine import terminal

README = Path(__file__).resolve().parent.parent / "README.md"


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
    (["demo", "--model", "rnn"], "cnn"),
    (["demo", "--seed", "-1"], "--seed"),
    (["demo", "--output", "no/such/folder/x.png"], "no/such/folder"),
    (["demo", "--output", "picture.xyz"], "picture.xyz"),
    (["demo", "--output", "."], "--output"),
    (["demo", "extra"], "extra"),
    (["dance"], "dance"),
    (["gradcheck", "matmull"], "matmul"),
    (["gradcheck", "no_such_file.py:f"], "no_such_file.py"),
    (["gradcheck", "--cases", "0"], "--cases"),
    (["program", "--batch", "0"], "--batch"),
    (["program", "--batch", "1798"], "1797 digits"),
    (["program", "--hidden", "0"], "--hidden"),
    (["program", "--hidden", "1" + "0" * 40], "enough memory"),
    (["program", "--optimizer", "newton"], "adam"),
    (["program", "x"], "x"),
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
    page = tmp_path / "digits-draw.html"
    assert f"page: {page}, in which you draw a digit yourself" in " ".join(out.split())
    assert '"kind":"Linear","shape":[16]' in page.read_text(encoding="utf-8")


def test_the_demo_trains_a_network_of_convolutions_too(capsys, tmp_path):
    picture = tmp_path / "digits.png"
    given = ("demo", "--model", "cnn", "--epochs", "4", "--hidden", "8", "--output", str(picture))
    status, out, err = call(capsys, *given)
    assert (status, err) == (0, "")
    assert "a network of convolutions with 4 and 8 maps (1,626 parameters)" in out
    assert "gradient check on 8 digits: right" in out
    assert float(re.search(r"right, accuracy ([\d.]+)%", out)[1]) > 85
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert '"kind":"Conv2d","shape":[8,8,8]' in (tmp_path / "digits-draw.html").read_text(encoding="utf-8")


def test_the_demo_writes_no_page_of_more_weights_than_a_page_can_hold(capsys, tmp_path, monkeypatch, training_alone):
    monkeypatch.setattr("tinydl.plots.digits.MOST", 1000)
    status, out, _ = call(capsys, *QUICK, "--output", str(tmp_path / "digits.png"))
    assert status == 0
    assert "no page to draw in: the model has 1,210 weights" in out
    assert not (tmp_path / "digits-draw.html").exists()


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


@pytest.mark.parametrize("arguments, said", [
    (("--lr", "1e9"), "The learning rate 1e+09 is too high"),
    (("--lr", "3", "--optimizer", "sgd"), "The learning rate 3 is too high"),
    (("--lr", "1e9", "--optimizer", "rmsprop"), "The learning rate 1e+09 is too high"),
    (("--lr", "1e-12",), "The learning rate 1e-12 is too low"),
    (("--lr", "1e-320",), "raise a learning rate"),
    (("--hidden", "1", "--seed", "0"), "100% of the 1 units are 0"),
])  # fmt: skip
def test_a_network_that_has_not_learned_is_diagnosed_with_status_1(capsys, tmp_path, training_alone, arguments, said):
    given = ("demo", "--epochs", "3", "--output", str(tmp_path / "p.png"), *arguments)
    with np.errstate(all="ignore"):
        status, out, err = call(capsys, *given)
    assert (status, err) == (1, "")
    verdict = out[out.index("Fewer than half are right.") :]
    assert said in " ".join(verdict.split())
    rows = re.findall(r"^ +\d+ .*%$", out, re.MULTILINE)
    assert len(rows) == 3 and {len(row) for row in rows} == {59}  # in line, however large the loss


@pytest.mark.parametrize("rate", ["1e9", "1e30", "1e300"])
def test_what_diverges_says_so_and_nothing_of_numpys_floating_point(capsys, tmp_path, training_alone, rate):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        status, out, err = call(capsys, "demo", "--epochs", "2", "--lr", rate, "--output", str(tmp_path / "p.png"))
    assert status == 1
    assert "too high" in out or f"try a smaller --lr than {float(rate):g}" in err


def test_a_network_that_lacked_only_time_is_no_failure(capsys, tmp_path, training_alone):
    given = ("--epochs", "1", "--hidden", "16", "--optimizer", "sgd", "--output", str(tmp_path / "p.png"))
    status, out, _ = call(capsys, "demo", *given)
    assert status == 0
    assert float(re.search(r"accuracy ([\d.]+)%, loss", out)[1]) < 50  # else this tests nothing
    assert "Try more --epochs." in " ".join(out.split())


@pytest.mark.parametrize("units", ["10000000000000", "1" + "0" * 40])
def test_more_units_than_there_is_memory_for_get_one_line(capsys, tmp_path, units):
    status, out, err = call(capsys, "demo", "--hidden", units, "--output", str(tmp_path / "p.png"))
    assert (status, out) == (2, "")
    assert err == f"tinydl: there isn't enough memory for --hidden {units}\n"


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
    (["program", "--help"], 0),
    (["program", "--hidden", "2"], 0),
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


# ---- program ----


@pytest.mark.parametrize("name", demo.OPTIMIZERS)
def test_program_prints_the_demos_step_as_the_numpy_that_runs_in_its_place(capsys, name):
    status, out, err = call(capsys, "program", "--optimizer", name, "--hidden", "16", "--batch", "8")
    assert (status, err) == (0, "")
    title, text = out.split("\n", 1)
    assert title == f"# a training step of the demo in NumPy: a batch of 8, a network 64-16-10, {name}"
    ast.parse(text)
    parts = ["def step(x, y):", "# 0 (Linear)", "# 1 (ReLU)", "# 3 (Linear)", "# backward", "'s step\n", "return "]
    assert [text.index(part) for part in parts] == sorted(text.index(part) for part in parts)
    assert "(8, 16)" in text and "(16, 64)" in text and "∂" in text
    compiled = demo_step(16, name, tl.data.digits()[:8])
    assert text == f"{compiled}\n"
    before = compiled.programs[-1].calls
    compiled(*tl.data.digits()[:8])
    assert compiled.programs[-1].calls == before + 1  # what is printed is what runs


def test_no_line_of_the_program_is_broken_and_in_ascii_it_is_python_still(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", out)
    assert cli.main(["program"]) == 0
    text = out.buffer.getvalue().decode("ascii")
    ast.parse(text)
    assert "dloss/dweight_3" in text and max(map(len, text.split("\n"))) > 60


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


TRICKY = """
from __future__ import annotations
from dataclasses import dataclass
import numpy as np

@dataclass
class Setting:  # which looks for its module
    rate: float = 0.1

number = 3
print("a line of its own")

def chain(a, b, c):
    return a @ b @ c

def chain_vjp(g, a, b, c):
    return g @ (b @ c).T, a.T @ g @ c.T, (a @ b).T @ g

def hidden(matrix, number):
    return matrix * number

matrix = np.arange(6.0).reshape(2, 3)

def hidden_vjp(g, matrix, number):
    return g * number, (g * matrix).sum()

in_c = np.exp

def in_c_vjp(g, x):
    return g * np.exp(x)

def odd(x):
    return x

def odd_vjp(g, x):
    return g

def odd_inputs():
    return undefined

def text(x):
    return x

text_vjp = odd_vjp
text_inputs = "abc"

def fails(x):
    return x

def fails_vjp(g, x):
    return g / [1][1]
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


def readmes_block():
    """README's own program for the checker."""
    blocks = re.findall(r"^```python\n(.*?)^```$", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    (block,) = (block for block in blocks if "def product_vjp" in block)
    return block


def test_readmes_own_block_saved_as_a_file_can_be_checked(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = Path("homework.py")
    path.write_text(readmes_block(), encoding="utf-8")
    status, out, err = call(capsys, "gradcheck", f"{path}:product")
    assert (status, err) == (0, "")
    its_own, ours = out.split(f"\n\n{path}:product: ")
    assert its_own.startswith(f"{path} prints:\ngradcheck: WRONG")
    assert ours.startswith("gradcheck: right\n  x: right; w: right")
    path.write_text(readmes_block().replace("return g @ w.T, x.T @ g", "return g @ w.T, g.T @ x"), encoding="utf-8")
    status, _, err = call(capsys, "gradcheck", f"{path}:product")
    assert (status, err.count("\n")) == (2, 1)  # since its own test of the rule raises
    assert re.search(
        r"homework.py fails when it is run: AssertionError in line \d+: gradcheck: WRONG .*transposed", err
    )


@pytest.mark.parametrize("name, status, said", [
    ("chain", 0, "a: right; b: right; c: right"),
    ("hidden", 0, "matrix: right; number: right"),
    ("in_c", 0, "right"),
    ("fails", 1, "IndexError in line 51: list index out of range"),
])  # fmt: skip
def test_inputs_are_found_or_drawn_so_that_the_function_takes_them(capsys, tmp_path, monkeypatch, name, status, said):
    monkeypatch.chdir(tmp_path)
    path = Path("tricky.py")
    path.write_text(TRICKY, encoding="utf-8")
    found, out, err = call(capsys, "gradcheck", f"{path}:{name}")
    assert (found, err) == (status, "")
    assert said in out
    assert out.startswith(f"{path} prints:\na line of its own\n\n")
    assert "tricky" not in sys.modules


@pytest.mark.parametrize("name, said", [
    ("number", "number in {path} is an int, not a function"),
    ("matrix", "matrix in {path} is an array, not a function"),
    ("chain_vjp", "chain_vjp is the derivative of chain; write {path}:chain to check it"),
    ("odd", "odd_inputs gives no arrays: NameError: name 'undefined' is not defined"),
    ("text", "text_inputs should be a tuple of arrays of numbers"),
])  # fmt: skip
def test_what_cant_be_checked_in_a_file_is_named(capsys, tmp_path, monkeypatch, name, said):
    monkeypatch.chdir(tmp_path)
    path = Path("tricky.py")
    path.write_text(TRICKY, encoding="utf-8")
    status, _, err = call(capsys, "gradcheck", f"{path}:{name}")
    assert status == 2
    assert said.format(path=path) in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("text, said", [
    ("import sys\nsys.exit('done')\n", 'ends Python when it is run; write that under if __name__ == "__main__":'),
    ("x = 1\nassert x == 2, 'two\\nlines'\n", "AssertionError in line 2: two lines"),
    ("from __future__ import annotation\n", "SyntaxError in line 1"),
    ("raise KeyError\n", "KeyError in line 1\n"),
])  # fmt: skip
def test_a_file_that_stops_is_told_by_its_line(capsys, tmp_path, text, said):
    path = tmp_path / "stops.py"
    path.write_text(text)
    status, out, err = call(capsys, "gradcheck", f"{path}:f")
    assert (status, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


def test_a_function_of_a_file_without_its_suffix_is_asked_for_rightly(capsys):
    status, _, err = call(capsys, "gradcheck", "homework:product")
    assert status == 2
    assert "write file.py:name" in err


def test_a_students_file_that_does_not_run_gets_one_line(capsys, tmp_path):
    path = tmp_path / "broken.py"
    path.write_text("def f(x)\n    return x\n")
    status, _, err = call(capsys, "gradcheck", f"{path}:f")
    assert status == 2
    assert "SyntaxError" in err
    assert err.count("\n") == 1
