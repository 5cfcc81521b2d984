"""What is printed where there are few characters, few columns, no room on the disk, no reader, and after Ctrl-C."""

import ast
import io
import os
import re
import signal
import stat
import struct
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import numpy as np
import pytest

import tinydl as tl
from tinydl import cli, nn
from tinydl import functional as F
from tinydl.engine.files import replacing
from tinydl.engine.terminal import SPELLED, columns, shown, spelled, wrapped

ROOT = Path(__file__).resolve().parent.parent
COMMAND = "import sys; from tinydl.cli import main; sys.exit(main())"
posix = pytest.mark.skipif(os.name != "posix", reason="POSIX")
full = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux has a disk that is full")


def python(code, *arguments, encoding=None, **options):
    """A script in a process of its own, run from this checkout; nothing of our terminal reaches it."""
    environment = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "PYTHONUNBUFFERED")}
    environment |= {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tutorials'}", **options.pop("env", {})}
    if encoding:
        environment |= {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}
    options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "script.py"
        script.write_text(code, encoding="utf-8")
        return subprocess.run([sys.executable, script, *arguments], env=environment, **options)


def call(capsys, *arguments):
    """The command in this process: exit status, standard output, standard error."""
    try:
        status = cli.main(list(arguments))
    except SystemExit as stop:
        status = stop.code
    return status, *capsys.readouterr()


# ---- characters ----

REPORTS = """
import numpy as np
import tinydl as tl
from tinydl import data, nn, functional as F

w = tl.tensor([0.5, 2.0], requires_grad=True, name="gewicht_α")
with tl.source_lines():
    loss = ((w * 1.5) ** 2 / (1 + np.exp(-w))).sum()
print(tl.explain(loss))
print(tl.explain(loss, w, 0))
x = np.linspace(1, 2, 12).reshape(3, 4)
for rule in (lambda x: -np.cos(x), lambda x: np.full_like(x, np.nan), lambda x: np.cos(x) - np.cos(x).mean()):
    report = tl.gradcheck(np.sin, x, vjp=lambda g, x, rule=rule: g * rule(x))
    print(report, report.table(2), repr(report), sep="\\n")
print(tl.gradcheck(np.abs, np.zeros(3)))
model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
print(tl.summary(model, 64))
model[0].bias.data = np.full(32, -50.0)
found = tl.diagnose(model, data.digits()[:50], F.cross_entropy, tl.optim.SGD(model.parameters(), lr=1e-9))
print(found, *found, *(line for verdict in found for line in (verdict.sentence, verdict.advice)), sep="\\n")
print(repr(model), repr(w), repr(found), repr(data.digits()))
"""


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_reports_can_be_printed_in_any_encoding(encoding):
    done = python(REPORTS, encoding=encoding)
    assert done.returncode == 0, done.stderr.decode()
    said = done.stdout.decode(encoding)
    assert "gradcheck: WRONG" in said and "parameters" in said and "Try:" in said
    if encoding == "ascii":
        assert "+/- error bar" in said and "da^b/da" in said


def test_where_they_can_be_written_they_are_the_true_text():
    report = tl.gradcheck(np.sin, np.ones(3))
    assert "± error bar" in str(report)
    said = python("import numpy as np, tinydl as tl; print(tl.gradcheck(np.sin, np.ones(3)))", encoding="utf-8").stdout
    assert "± error bar" in said.decode()


def test_the_text_of_a_report_is_that_which_standard_output_can_write(monkeypatch):
    report = tl.gradcheck(np.sin, np.ones(3))
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    assert str(report).isascii() and "+/- error bar" in str(report)
    monkeypatch.setattr("sys.stdout", None)  # as without a console on Windows
    assert "± error bar" in str(report)
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr("sys.stdout", closed)
    assert "± error bar" in str(report)
    monkeypatch.setattr("sys.stdout", io.StringIO())  # which has no encoding
    assert "± error bar" in str(report)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
@pytest.mark.parametrize("text", ["∂ 矩阵 ± \udcff ≤", "0·∞", "", "x"])
def test_any_text_can_be_spelled(text, encoding):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    spelled(text, stream).encode(encoding)
    assert spelled("plain", stream) == "plain"
    assert text.encode("ascii", SPELLED).decode("ascii") == spelled(text, io.TextIOWrapper(io.BytesIO(), "ascii"))


def test_infinity_is_spelled():
    assert "0·∞ ≥ −½".encode("ascii", SPELLED).decode("ascii") == "0*inf >= -1/2"


def blocks():
    """README's examples; the two programs are files of the course."""
    found = re.findall(r"^```python\n(.*?)^```$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return [block for block in found if not block.startswith('"""Program ')]


@pytest.mark.parametrize("number", range(len(blocks())))
def test_readmes_programs_run_in_ascii(number, tmp_path):
    done = python(blocks()[number], encoding="ascii", cwd=tmp_path, env={"MPLBACKEND": "Agg"})
    assert done.returncode == 0, done.stderr.decode()


def test_lessons_spell_what_their_terminal_lacks():
    done = python("import _lesson; print('∂L/∂w ≥ 0')", encoding="ascii")
    assert (done.returncode, done.stdout.strip()) == (0, b"dL/dw >= 0"), done.stderr
    for lesson in (ROOT / "tutorials").glob("[01]*.py"):
        first, *_ = [node for node in ast.parse(lesson.read_text("utf-8")).body if isinstance(node, ast.ImportFrom)
                     and node.module == "_lesson"] or [None]  # fmt: skip
        assert first is not None, f"{lesson} doesn't import _lesson"
        tree = ast.parse(lesson.read_text("utf-8"))
        used = [n for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id in ("print", "open")]
        assert all(n.lineno > first.lineno for n in used if n.id == "print"), f"{lesson} prints before it can spell"
        streams = {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)} & {"stdout", "stderr", "buffer"}
        assert not streams and not [n for n in used if n.id == "open"], f"{lesson} writes past what spells"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["03_the_graph", "program_1_neuron", "program_2_regression"])
def test_a_lesson_and_the_programs_run_in_ascii(name, tmp_path):
    lesson = ROOT / "tutorials" / f"{name}.py"
    for path in [*(ROOT / "tutorials").glob("_*.py"), lesson]:
        (tmp_path / path.name).write_bytes(path.read_bytes())
    for encoding in ("ascii", "cp1252"):
        code = f"import runpy; runpy.run_path({str(tmp_path / lesson.name)!r}, run_name='__main__')"
        done = python(code, encoding=encoding, cwd=tmp_path, env={"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"})
        assert done.returncode == 0, done.stderr.decode()


# ---- columns ----


def in_terminal(width, *command, cwd):
    """What a command shows in a terminal that has so many columns, and its exit status."""
    import fcntl
    import pty
    import termios

    environment = {k: v for k, v in os.environ.items() if k != "COLUMNS"} | {"PYTHONPATH": str(ROOT)}
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
    given = {"cwd": cwd, "env": environment, "stdout": theirs, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL}
    with subprocess.Popen([sys.executable, "-c", *command], **given) as process:
        os.close(theirs)
        seen = b""
        while block := _read(ours):
            seen += block
        os.close(ours)
        complaint = process.stderr.read().decode()
    return seen.decode().replace("\r\n", "\n"), complaint, process.returncode


def _read(file):
    try:
        return os.read(file, 1 << 16)
    except OSError:  # how a terminal ends on Linux
        return b""


@posix
def test_reports_are_as_wide_as_the_terminal(tmp_path):
    said, complaint, status = in_terminal(60, REPORTS, cwd=tmp_path)
    assert (complaint, status) == ("", 0)
    said = said[: said.rindex("Sequential(")]  # what a repr says is as it is, and so are a verdict's bare sentences
    bare = re.compile("<gradcheck|The learning|In |Even|lower|a tenth|1e-|start")
    lines = [line for line in said.split("\n") if not bare.match(line)]
    assert max(map(len, lines)) <= 60
    assert "        ours " in said and "where   " not in said  # a derivative in two lines
    wide = subprocess.run([sys.executable, "-c", REPORTS], capture_output=True, cwd=ROOT, check=True).stdout.decode()
    words = {word.rstrip(":,") for word in " ".join(lines).split()} - {word.rstrip(":,") for word in wide.split()}
    assert not [word for word in words if word.isalpha() and word not in ("ours", "numerical")], "words are broken"


@posix
def test_a_complaint_is_as_wide_as_the_terminal(tmp_path):
    _, complaint, status = in_terminal(60, COMMAND, "gradcheck", "dance", cwd=tmp_path)
    assert status == 2
    assert max(map(len, complaint.split("\n"))) <= 60
    assert complaint.split("\n")[1].startswith("    ")
    assert " ".join(complaint.split()).startswith("tinydl: there is no rule called 'dance' in the table; did you mean")


@pytest.mark.parametrize("arguments", [
    "--help", "demo --help", "gradcheck --help", "document --help", "learn --help", "learn", "learn hint neuron_vjp",
    "learn check slope", "document D11 D2", "gradcheck nan_to_num log_softmax exp --cases 1",
    "demo --epochs 1 --lr 1e9",
])  # fmt: skip
def test_what_the_command_says_fits_60_columns(arguments, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "60")
    with np.errstate(all="ignore"):
        _, said, _ = call(capsys, *arguments.split())
    assert said and not [line for line in said.split("\n") if len(line) > 60]


def test_a_long_line_is_broken_between_words_and_goes_on_below_it():
    assert wrapped("short", 40) == ["short"]
    assert wrapped("  one two  three four", 11) == ["  one two", "      three", "      four"]
    assert wrapped("a " + "x" * 50 + " b", 40) == ["a", "    " + "x" * 50, "    b"]


def test_without_a_terminal_only_the_command_asks_how_many_columns_there_are(monkeypatch):
    monkeypatch.setenv("COLUMNS", "50")
    assert columns(110) == 110 and columns(110, anywhere=True) == 50
    assert shown("word " * 30) == "word " * 30
    assert max(map(len, shown("word " * 30, anywhere=True).split("\n"))) <= 50
    monkeypatch.setenv("COLUMNS", "3")
    assert columns(110, anywhere=True) == 40


@pytest.mark.parametrize("command", ["demo", "gradcheck", "document", "learn", ""])
def test_help_has_examples_that_can_be_asked_for_and_a_word_for_each_argument(command, capsys):
    status, said, _ = call(capsys, *filter(None, [command]), "--help")
    assert status == 0
    assert not re.search(r"\]  \.\.\.|argument :", said)
    examples = re.findall(r"^  tinydl (.*)$", said[said.index("examples:") :], re.MULTILINE)
    assert len(examples) > 1
    for example in examples:
        name, *rest = example.split()
        status, _, refused = call(capsys, name, *rest, "--no-such-option")
        assert status == 2
        assert refused == f"tinydl {name}: unrecognized arguments: --no-such-option (see tinydl {name} --help)\n"


# ---- a full disk, no reader, Ctrl-C ----


@full
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    "arguments", [[], ["--version"], ["learn", "--help"], ["document", "D11"], ["gradcheck", "exp"]]
)
def test_output_that_cant_be_written_is_one_line_and_status_1(arguments, unbuffered):
    with open("/dev/full", "wb") as disk:
        done = python(COMMAND, *arguments, stdout=disk, env={"PYTHONUNBUFFERED": unbuffered})
    assert done.returncode == 1
    assert done.stderr == b"tinydl: standard output: No space left on device\n"


@full
def test_a_complaint_that_cant_be_written_leaves_the_status():
    with open("/dev/full", "wb") as disk:
        assert python(COMMAND, "dance", stderr=disk).returncode == 2
        assert python(COMMAND, "gradcheck", "dance", stderr=disk).returncode == 2
        assert python(COMMAND, "document", "D11", stdout=disk, stderr=disk).returncode == 1


@posix
def test_a_file_on_a_full_disk_is_named_and_the_older_one_stays(tmp_path):
    code = """
    import resource, signal, sys
    import matplotlib
    matplotlib.use("Agg")
    import numpy as np
    import tinydl as tl
    from tinydl import nn
    model = nn.Linear(100, 100)
    history = tl.History()
    history.add({"loss": 1.0})
    report = tl.gradcheck(np.sin, np.ones(3))
    writers = {
        "model.npz": lambda path: tl.save(model, path),
        "page.html": lambda path: tl.plots.backprop_page((model(np.ones((2, 100))) ** 2).sum(), path),
        "curves.png": lambda path: tl.plots.save(tl.plots.curves(history), path),
        "report.svg": lambda path: report.plot(path),
    }
    for write, path in zip(writers.values(), writers):
        write(path)
    before = {path: open(path, "rb").read() for path in writers}
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))  # as if 2000 bytes were left
    for path, write in writers.items():
        full = "can't be written: File too large; what was there is untouched"
        for folder, said in (("", full), ("gone/", "no folder")):
            try:
                write(folder + path)
            except OSError as error:
                assert path in str(error) and said in str(error) and "tmp" not in str(error).split("/")[-1], error
            else:
                raise AssertionError(path)
        assert open(path, "rb").read() == before[path]
    """
    done = python(textwrap.dedent(code), cwd=tmp_path)
    assert done.returncode == 0, done.stderr.decode()
    assert {path.name for path in tmp_path.iterdir()} == {"model.npz", "page.html", "curves.png", "report.svg"}


@posix
def test_the_demo_and_learn_say_which_file_the_disk_had_no_room_for(tmp_path):
    limited = "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
    limited += "resource.setrlimit(resource.RLIMIT_FSIZE, (300, resource.RLIM_INFINITY)); "
    done = python(limited + COMMAND, "demo", "--epochs", "1", "--output", "p.png", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.decode() == f"tinydl: {tmp_path}/p.png can't be written: File too large\n"
    done = python(limited + COMMAND, "learn", cwd=tmp_path)
    assert done.returncode == 2
    assert re.fullmatch(r"tinydl: the folder .*: .*ex_\w+.py can't be written: .*\n", done.stderr.decode())
    for exercise in (tmp_path / "tinydl-exercises").iterdir():  # whole, or not there
        assert exercise.read_bytes() == (ROOT / "tutorials" / "exercises" / exercise.name).read_bytes()


@posix
def test_what_is_no_ordinary_file_is_written_to_as_it_is(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with replacing(pipe) as file:
        file.write(b"words")
    assert os.read(reader, 100) == b"words"
    os.close(reader)
    assert stat.S_ISFIFO(os.stat(pipe).st_mode)


@posix
@pytest.mark.parametrize("arguments", ["learn --help", "gradcheck exp log sin", "document"])
def test_a_reader_that_goes_early_is_no_error(arguments, tmp_path):
    given = {"cwd": tmp_path, "env": os.environ | {"PYTHONPATH": str(ROOT)}, "stderr": subprocess.PIPE}
    command = [sys.executable, "-c", COMMAND, *arguments.split()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, **given) as process:
        process.stdout.read(1)
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode in (0, 141)


def interrupted(code, *arguments, after, env, cwd):
    """Ctrl-C once a line with these words has come: the status, standard output and error."""
    ready = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a CI's shell may ignore it
    given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "cwd": cwd, "env": os.environ | env}
    with subprocess.Popen([sys.executable, "-c", ready + code, *arguments], **given) as process:
        said = b""
        while after not in said:
            line = process.stdout.readline()
            assert line, process.stderr.read()
            said += line
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    return process.returncode, (said + out).decode(), err.decode()


@posix
def test_ctrl_c_while_the_command_is_loaded_is_one_line_and_status_130(tmp_path):
    (tmp_path / "tinydl").mkdir()
    slow = "import time\nprint('loading', flush=True)\ntry:\n    time.sleep(30)\nexcept BaseException:\n    pass\n"
    (tmp_path / "tinydl" / "__init__.py").write_text(slow)
    code = f"import runpy; runpy.run_path({str(ROOT / 'tinydl' / 'start.py')!r})['main']()"
    status, _, err = interrupted(code, after=b"loading", env={"PYTHONPATH": str(tmp_path)}, cwd=tmp_path)
    assert (status, err) == (130, "tinydl: interrupted\n")


def test_the_installed_command_begins_with_the_file_that_hears_ctrl_c():
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    assert 'tinydl = "tinydl_start:main"' in text and '"tinydl/start.py" = "tinydl_start.py"' in text
    first = ast.parse((ROOT / "tinydl" / "start.py").read_text("utf-8")).body
    names = {alias.name for node in first if isinstance(node, ast.Import) for alias in node.names}
    assert names == {"os", "signal"} and not [
        n for n in first if isinstance(n, ast.ImportFrom) and n.module != "__future__"
    ]
    code = f"import runpy, sys; sys.exit(runpy.run_path({str(ROOT / 'tinydl' / 'start.py')!r})['main']())"
    assert python(code, "--version").stdout.decode().strip() == f"tinydl {tl.__version__}"
    assert python(code, "dance").returncode == 2


@posix
def test_ctrl_c_ends_a_command_with_status_130_and_the_demo_with_what_it_has(tmp_path):
    env = {"PYTHONPATH": str(ROOT)}
    status, _, err = interrupted(COMMAND, "gradcheck", after=b"absolute", env=env, cwd=tmp_path)
    assert (status, err) == (130, "tinydl: interrupted\n")
    status, said, err = interrupted(COMMAND, "demo", "--epochs", "3000", after=b"\n    3 ", env=env, cwd=tmp_path)
    assert (status, err) == (130, "")
    assert re.search(r"after \d+ epochs, interrupted", said.replace("\n   ", ""))
    assert (tmp_path / "tinydl-demo.png").exists()


@posix
def test_a_summary_in_a_narrow_terminal_shortens_the_layers_paths(tmp_path):
    code = """
import tinydl as tl
from tinydl import nn

class Named(nn.Module):
    def __init__(self):
        super().__init__()
        self.the_first_layer_of_a_network_with_long_names = nn.Linear(64, 100)

    def forward(self, x):
        return self.the_first_layer_of_a_network_with_long_names(x)

print(tl.summary(Named(), 64))
"""
    said, complaint, status = in_terminal(60, code, cwd=tmp_path)
    assert (complaint, status) == ("", 0)
    heading, rule, *_, row, last, total, rest, end = said.split("\n")
    assert len(heading) == len(rule) == len(row) == 60 and last == rule and end == ""
    assert re.fullmatch(r"the_first_layer.*\.\.\..*names \(Linear\)  \(N, 100\) +6,500", row)
    assert f"{total} {rest.strip()}" == "6,500 parameters, 6,500 of them trained; 0 numbers in buffers"


def test_a_summary_and_an_explanation_hold_what_they_held_without_a_terminal():
    tl.manual_seed(0)  # numbers of other weights may be a sign longer
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU())
    assert str(tl.summary(model, 4)).split("\n")[1] == "-" * len(str(tl.summary(model, 4)).split("\n")[0])
    loss = F.mse_loss(model(np.ones((2, 4))), np.zeros((2, 3)))
    assert max(map(len, str(tl.explain(loss)).split("\n"))) <= 110
