"""The habits of whoever works on this: what counts as a line of code, what `.ci/run quick` runs, the page on it."""

import importlib.util
import itertools
import os
import re
import shutil
import subprocess
import sys
import textwrap
import types
from pathlib import Path

import numpy as np
import pytest
import rooms
from test_formulas import assert_equal_with_gradients, numbers
from test_house import ROOMS, size

import tinydl as tl
from tinydl.checking.samples import SAMPLES, Draw
from tinydl.derivatives.products import einsum
from tinydl.functional.activations import as_input
from tinydl.nn import linear

ROOT = Path(__file__).resolve().parent.parent
TUTORIALS = ROOT / "tutorials"


# ---- what counts as a line of code ----

COUNTED = {  # what it is about → the source, and the numbers of the lines that count
    "blank lines and comments": ("# one\n\nx = 1\n   \n    # two\n", {3}),
    "a comment after code": ("x = 1  # and why\n", {1}),
    "docstrings": (
        '"""A module."""\n\nclass A:\n    """A class."""\n\n    async def f(self):\n        """A\n        method."""\n'
        '        return 1\n\ndef g():\n    """A function."""\n',
        {3, 6, 9, 11},
    ),
    "a string that isn't the first statement": ('x = 1\n"""two\nthree"""\n', {1, 2, 3}),
    "a string of several lines": ('x = """\n# no comment\n\nlast"""\n', {1, 2, 4}),
    "an f-string of several lines": ('x = f"""\n{1}\n\n# no comment"""\n', {1, 2, 4}),
    "an f-string and bytes are no docstrings": ('def f():\n    f"""{1}"""\n\ndef g():\n    b"two"\n', {1, 2, 4, 5}),
    "a docstring in pieces": ('def f():\n    "one " \\\n    "two"\n    "three"\n', {1, 4}),
    "a docstring beside code": ('def f(x="é"): "doc"; return x\n', {1}),
    "a docstring after letters of several bytes": ('def ü(é="ééé"): "é" """\n    doc"""\n', {1}),
    "decorators": ("@a\n@b(\n    1,\n)\ndef f():\n    pass\n", {1, 2, 3, 4, 5, 6}),
    "brackets and continued lines": (
        "x = [\n    1,  # one\n    # two\n\n    2,\n]\ny = 1 + \\\n    2\n",
        {1, 2, 5, 6, 7, 8},
    ),
    "two statements on a line": ("x = 1; y = 2\n", {1}),
    "nothing": ("", set()),
    "no newline at the end": ("x = 1\ny = 2", {1, 2}),
}


@pytest.mark.parametrize("name", COUNTED)
def test_a_line_counts_if_something_on_it_is_neither_comment_nor_docstring(name):
    text, lines = COUNTED[name]
    assert size.code_lines(text) == lines


def test_a_function_has_its_decorators_its_inner_functions_and_its_class_but_not_its_docstring():
    text = """\
    class A:
        @property
        def f(self):
            \'\'\'Said.\'\'\'

            def inner():
                return 1  # one

            return inner()

        async def g(self): pass

    if True:
        def h(): return 2
    """
    assert size.functions(textwrap.dedent(text)) == {"A.f": 5, "A.f.inner": 2, "A.g": 1, "h": 1}


def test_a_room_is_a_folder_or_a_file_and_the_table_has_what_came_and_went():
    before = {"nn.py": "x = 1\n" * 7, "tensor.py": "x = 1\n", "cli.py": "x = 1\n"}
    now = {"nn/a.py": "x = 1\n", "nn/b.py": "# one\nx = 1\n", "cli.py": "", "engine/tensor.py": "x = 1\n" * 1200}
    assert size.by_room(now) == {"nn": 2, "cli": 0, "engine": 1200}
    assert size.room_table(now, before).split("\n") == [
        "room       files   code  before  change",
        "---------  -----  -----  ------  ------",
        "engine/        1  1,200          +1,200",
        "nn/            2      2       7      −5",
        "cli.py         1      0       1      −1",
        "tensor.py                     1      −1",
        "---------  -----  -----  ------  ------",
        "total          4  1,202       9  +1,193",
    ]
    assert [line.split() for line in size.room_table(now).split("\n")][2] == ["engine/", "1", "1,200"]


def test_budgets_are_those_of_rooms_together_of_the_reading_list_and_of_the_longest(monkeypatch):
    monkeypatch.setattr(size, "READ", ["nn/a.py", "nn/b.py", "derivatives/e.py"])
    monkeypatch.setattr(size, "READABLE", 4_100)
    monkeypatch.setattr(size, "HEART", 10)
    budgets = {("engine",): 1_350, ("derivatives",): 1_650, ("functional", "nn", "optim"): 1_600}
    monkeypatch.setattr(size, "BUDGETS", budgets)
    long = "def f():\n" + "    x = 1\n" * 60
    sources = {"nn/a.py": "\n# one\nx = 1\n", "nn/b.py": long, "optim/c.py": "x = 1\n" * 501, "engine/d.py": "x = 1\n"}
    sources["derivatives/e.py"] = '"""e"""\n\n# one\nx = 1\n'
    found = {b.what: (b.lines, b.left) for kind in size.KINDS for b in kind(sources)}
    assert found == {
        "engine": (1, 1349),
        "derivatives": (1, 1649),
        "functional + nn + optim": (563, 1037),
        "the heart, non-blank": (3, 7),
        "the reading list, non-blank": (66, 4034),
        "file optim/c.py": (501, -1),
        "function nn/b.py: f": (61, -1),
    }
    sources |= {"checking/samples.py": "x = 1\n" * 900, "engine/tensor.py": long.replace("f()", "propagate()")}
    assert size.of_files({"a.py": "x = 1\n", "b.py": "x = 1\ny = 2\n"}) == [size.Budget("file b.py", 2, 500)]
    sources["data/e.py"] = "x = 1\n" * 502
    assert {b.what: (b.lines, b.left) for b in size.of_files(sources) + size.of_functions(sources)} == {
        "file data/e.py": (502, -2),
        "file optim/c.py": (501, -1),
        "function nn/b.py: f": (61, -1),
    }
    with pytest.raises(ValueError, match=r"names nn/b\.py, which isn't in tinydl/"):
        size.of_reading({"nn/a.py": "", "derivatives/e.py": ""})


# ---- size.py and .ci/run quick, as commands ----


def run(*command, cwd=ROOT, **environment):
    """Exit status and what was printed. Git tells its hooks where they are, which isn't where these commands run."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(
        command, cwd=cwd, env=inherited | environment, capture_output=True, text=True, encoding="utf-8"
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def checkout(tmp_path):
    """A repository with the commands in question: a commit without a house, a flat one, and one with rooms."""
    if not shutil.which("git"):
        pytest.skip("no git")

    def write(file, text):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text, encoding="utf-8")

    def commit(message):
        identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
        for command in (["add", "-A"], [*identity, "commit", "-q", "-m", message]):
            assert run("git", *command, cwd=tmp_path)[0] == 0

    assert run("git", "init", "-q", cwd=tmp_path)[0] == 0
    write(".gitignore", "__pycache__\n/bin\n/log\n")
    commit("nothing")
    write("tinydl/nn.py", "x = 1\ny = 2\n")
    write("tinydl/debug.py", "x = 1\n")
    commit("flat")
    for file in ("nn.py", "debug.py"):
        (tmp_path / "tinydl" / file).unlink()
    for file in (".ci/run", "benchmarks/size.py", "tests/rooms.py"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / file, tmp_path / file)
    for file in (*size.READ, "data/images.py"):
        write(f"tinydl/{file}", "x = 1\n")
    commit("rooms")
    return tmp_path


def test_size_prints_the_difference_from_a_commit_and_says_what_it_cannot_compare_with(checkout):
    command = [sys.executable, "-X", "utf8", "benchmarks/size.py"]
    (checkout / "tinydl" / "data" / "images.py").write_text("x = 1\ny = 2\nz = 3\n")
    status, printed, _ = run(*command, "--against", "HEAD", cwd=checkout)
    assert status == 0
    assert ["data/", "1", "3", "1", "+2"] in [line.split() for line in printed.split("\n")]
    assert "before" not in run(*command, cwd=checkout)[1]
    assert run(*command, "--against", "nope", cwd=checkout)[::2] == (
        2, "size.py: nope names no commit of this repository; `git log --oneline` lists them\n",
    )  # fmt: skip
    (checkout / "tinydl" / "engine" / "tensor.py").write_text("x = 1\n" * 501)
    status, printed, _ = run(*command, cwd=checkout)
    assert status == 1 and "−1" in printed.split("file engine/tensor.py")[1]


def test_size_compares_with_a_commit_from_before_the_rooms_but_not_with_one_without_a_house(checkout):
    command = [sys.executable, "-X", "utf8", "benchmarks/size.py", "--against"]
    status, printed, complaint = run(*command, "HEAD~1", cwd=checkout)
    rows = [line.split() for line in printed.split("\n")]
    assert status == 0, complaint
    assert ["nn/", "8", "8", "2", "+6"] in rows and ["debug.py", "1", "−1"] in rows
    assert run(*command, "HEAD~2", cwd=checkout)[::2] == (2, "size.py: there is no tinydl/ in HEAD~2\n")


@pytest.fixture
def quick(checkout):
    """Runs `.ci/run` there, with a python that lacks nothing and only writes down which checks it is asked for."""
    (checkout / "bin").mkdir()
    (checkout / "bin" / "python").write_text(
        "#!/bin/sh\n"
        'case "$1" in\n'
        f'    tests/*) exec "{sys.executable}" "$@" ;;\n'
        f'    -m) echo "$@" >> "{checkout}/log"; [ "$2" != "$FAILS" ] ;;\n'
        "esac\n"
    )
    (checkout / "bin" / "python").chmod(0o755)

    def call(*arguments, fails="", path=f"{checkout}/bin:{os.environ['PATH']}"):
        (checkout / "log").unlink(missing_ok=True)
        status, printed, complaint = run("bash", ".ci/run", *arguments, cwd=checkout, PATH=path, FAILS=fails)
        log = (checkout / "log").read_text().splitlines() if (checkout / "log").exists() else []
        return status, printed, complaint, log

    return call


ALWAYS = ["tests/test_house.py", "tests/test_interface.py"]


def test_quick_runs_style_types_the_house_and_the_tests_of_what_has_changed(quick, checkout):
    status, printed, complaint, log = quick("quick")
    assert status == 0 and not complaint and "all is well, after" in printed
    assert [line.split()[1] for line in log] == ["ruff", "ruff", "mypy", "pytest"]
    assert log[0].startswith("-m ruff check") and log[1] == "-m ruff format --check ."
    assert log[2] == "-m mypy --strict tinydl" and log[3] == f"-m pytest -q {' '.join(ALWAYS)}"
    (checkout / "tinydl" / "data" / "images.py").write_text("x = 2\n")
    (checkout / "tinydl" / "data" / "new file.py").write_text("x = 2\n")
    status, printed, complaint, log = quick("quick")
    named = ["data", "house", "interface", "shipped_data"]
    assert log[3] == f"-m pytest -q {' '.join(f'tests/test_{name}.py' for name in named)}"
    assert f"==== tests: {' '.join(named)}" in printed
    assert "test_debug" not in log[3] and "tests/test_nn.py" in quick("quick", "HEAD~1")[3][3]


def test_quick_stops_at_the_first_check_that_fails(quick):
    status, printed, complaint, log = quick("quick", fails="mypy")
    assert status == 1 and "mypy --strict: FAILED" in complaint and "all is well" not in printed
    assert [line.split()[1] for line in log] == ["ruff", "ruff", "mypy"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["quik"], ".ci/run takes no argument, `quick` or `quick COMMIT`, not: quik\n"),
        (["--help"], ".ci/run takes no argument, `quick` or `quick COMMIT`, not: --help\n"),
        (["quick", "HEAD", "x"], ".ci/run takes no argument, `quick` or `quick COMMIT`, not: quick HEAD x\n"),
        (["quick", "nope"], "nope names no commit of this repository; `git log --oneline` lists them\n"),
    ],
)
def test_what_ci_cannot_mean_is_said_in_a_sentence_and_nothing_is_run(quick, arguments, sentence):
    assert quick(*arguments) == (2, "", sentence, [])


def test_quick_says_which_tools_are_missing(quick, checkout):
    bare = checkout / "bin" / "bare"
    assert run(sys.executable, "-m", "venv", "--without-pip", str(bare))[0] == 0
    status, printed, complaint, _ = quick("quick", path=f"{bare}/bin:{os.environ['PATH']}")
    assert (status, printed) == (2, "")
    assert complaint.startswith(f"{bare}/bin/python lacks ruff, mypy, pytest, ") and complaint.count("\n") == 1
    assert complaint.endswith(': python -m pip install -e ".[test,dev]"\n')
    for name in ("bash", "git", "dirname", "mktemp", "rm"):
        (bare / name).symlink_to(shutil.which(name))
    assert quick("quick", path=str(bare))[::2] == (
        2, "there is no `python` on the PATH: activate the environment in which you work\n",
    )  # fmt: skip


# ---- which tests a change asks for ----


def test_the_innermost_entry_counts_and_a_test_file_asks_for_itself():
    def wanted(*files):
        return [path.removeprefix("tests/test_").removesuffix(".py") for path in rooms.wanted(list(files))]

    assert wanted() == wanted("LICENSE") == wanted("tinydl/course_/a.py") == ["house", "interface"]
    assert wanted("tinydl/course/document.py") == ["document", "house", "interface"]
    assert wanted("tinydl/course/demo.py", "README.md") == ["cli", "house", "interface", "readme"]
    assert wanted("tinydl/cli.py", "tests/test_data.py", "tests/test_gone.py") == ["cli", "data", "house", "interface"]


def test_renamed_deleted_and_new_files_have_changed(checkout, monkeypatch):
    monkeypatch.setattr(rooms, "ROOT", checkout)
    assert rooms.changed() == []
    (checkout / "tinydl" / "data" / "images.py").rename(checkout / "tinydl" / "optim" / "pictures.py")
    (checkout / "bin").mkdir()
    (checkout / "bin" / "ignored.py").write_text("")
    run("git", "add", "-A", cwd=checkout)
    (checkout / "tinydl" / "nn" / "é b.py").write_text("")
    assert rooms.changed() == ["tinydl/data/images.py", "tinydl/nn/é b.py", "tinydl/optim/pictures.py"]
    assert {"tinydl/debug.py", "tinydl/nn.py"} <= set(rooms.changed("HEAD~1"))


# ---- contributing.md and the changelog ----

NOTES = {
    name: (TUTORIALS / name).read_text(encoding="utf-8") for name in ("compiling.md", "contributing.md", "changelog.md")
}
each_note = pytest.mark.parametrize("name", NOTES)


def block(start):
    """The one indented block of contributing.md that begins so, without its indentation."""
    blocks = re.findall(r"^ *```\w+\n(.*?)^ *```$", NOTES["contributing.md"], re.MULTILINE | re.DOTALL)
    (found,) = (text for text in map(textwrap.dedent, blocks) if text.startswith(start))
    return found


def test_the_house_is_drawn_as_it_stands():
    _, *lines = block("room ").splitlines()
    drawn = {room: may.split(", ") for room, may, _ in (re.split(r" {2,}", line) for line in lines)}
    assert drawn == {room: list(may) or ["nothing"] for room, may in ROOMS.items()}
    order = list(drawn)
    assert all(order.index(upper) < order.index(lower) for upper, may in ROOMS.items() for lower in may), (
        "top to bottom"
    )
    (chain,) = re.findall(r"^    (\w+(?: → \w+)+)$", NOTES["contributing.md"], re.MULTILINE)
    assert all(lower in ROOMS[upper] for upper, lower in itertools.pairwise(chain.split(" → ")))


@each_note
def test_links_and_paths_lead_somewhere(name):
    for target in re.findall(r"\]\(([^)#:]+)\)", NOTES[name]):
        assert (TUTORIALS / target).exists(), target
    to_come = ("24_name.py", "ex_topic.py")
    for path in re.findall(r"`((?:tinydl|tests|benchmarks|tutorials)/[\w./]*|\.ci/run)[^`]*`", NOTES[name]):
        assert (ROOT / path).exists() or path.endswith(to_come), path


@each_note
def test_on_the_site_no_link_leaves_the_pages(name, tmp_path):
    spec = importlib.util.spec_from_file_location("tutorials_build", TUTORIALS / "build.py")
    builder = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(builder)
    builder.lay_out_notes(tmp_path)
    text = (tmp_path / name).read_text(encoding="utf-8")
    pages = {*NOTES, *(f"{path.stem}.ipynb" for path in builder.lessons())}
    assert set(re.findall(r"\]\(([^)#:]+)\)", text)) <= pages
    assert "../" not in text and (name != "contributing.md" or "`ROOMS` of\n`tests/test_house.py`" in text)
    assert re.search(rf"^{name.removesuffix('.md')}$", (builder.SOURCE / "index.md").read_text(), re.MULTILINE)


def test_the_rule_that_is_shown_is_right_and_so_are_its_samples_and_its_kink():
    def define(f, *rules, at_kinks):
        assert at_kinks
        return tl.primitive(f, *rules, name=f.__name__)

    space = {"np": np, "define": define}
    exec(block("fmod = define("), space)
    fmod = space["fmod"]
    shown = block('@sampler("remainder", "fmod")').replace(', "fmod"', "")
    assert shown in (ROOT / "tinydl" / "checking" / "samples.py").read_text(encoding="utf-8")
    drawn = [s for s in map(SAMPLES["remainder"], map(Draw, range(20))) if s.smooth and s.inputs[0].size][:3]
    assert len(drawn) == 3
    for sample in drawn:
        tl.gradcheck(fmod, *sample.inputs, order=2).raise_if_wrong()

    def gradients(f, a, b):
        leaves = [tl.tensor(x, requires_grad=True) for x in (a, b)]
        {np.fmod: fmod}[f](*leaves).backward(gradient=np.array([3.0, 4.0, 5.0]))
        return [x.grad.data for x in leaves]

    test = {"np": np, "gradients": gradients, "equal": np.testing.assert_array_equal}
    exec(block("def test_fmod_"), test)
    test["test_fmod_at_a_multiple_has_the_slopes_of_the_side_that_its_result_is_on"]()


def test_fmod_has_no_rule_yet_and_so_serves_as_the_example():
    with pytest.raises(TypeError, match="has no derivative rule"):
        np.fmod(tl.tensor([1.0]), 2.0)


@pytest.mark.parametrize("shape", [(), (5,), (2, 3)])
@pytest.mark.parametrize("bias", [True, False])
def test_the_layer_that_is_shown_is_its_formula_by_the_test_that_is_shown(shape, bias):
    space = vars(linear) | {"einsum": einsum, "as_input": as_input}
    exec(block("class Bilinear(Module)"), space)
    layers = types.SimpleNamespace(Bilinear=space["Bilinear"])
    helpers = {"assert_equal_with_gradients": assert_equal_with_gradients, "numbers": numbers}
    test = {"np": np, "tl": tl, "nn": layers, "pytest": pytest, **helpers}
    exec(block('@pytest.mark.parametrize("shape"'), test)
    test["test_bilinear_is_its_formula_by_both_inputs"](shape, bias)


@pytest.mark.parametrize("lesson", sorted(path.name for path in TUTORIALS.glob("[0-9e][0-9]_*.py")))
def test_a_lesson_is_announced_on_the_front_page_and_in_readme(lesson):
    assert f"]({lesson})" in (TUTORIALS / "_site_source" / "index.md").read_text(encoding="utf-8")
    assert f"](tutorials/{lesson})" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_readme_says_how_many_exercises_there_are():
    count = len(list((TUTORIALS / "exercises").glob("ex_*.py")))
    assert f"hands out {count} exercises" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_readme_says_how_much_there_is_to_read():
    text = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert f"rules, is fewer than {size.HEART:,} lines" in text
    assert f"the training loop it is fewer than {size.READABLE:,}" in text


def test_no_text_has_the_bare_name_installed_which_an_index_may_give_to_somebody_else():
    texts = [ROOT / "README.md", ROOT / "pyproject.toml", *(ROOT / "benchmarks").rglob("*.py")]
    texts += [
        path for folder in ("tinydl", "tutorials") for kind in ("*.py", "*.md") for path in (ROOT / folder).rglob(kind)
    ]
    found = re.compile(r"pip install (-\S+ )*[\"']?tinydl")
    assert found.search('pip install -U "tinydl[test]"') and not found.search("pip install . && tinydl demo")
    assert len(texts) > 100 and not [path for path in texts if found.search(path.read_text(encoding="utf-8"))]
