"""The house: imports run one way, nothing heavy is loaded, and every file keeps to its size."""

import ast
import contextlib
import importlib.metadata
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
import rooms

import tinydl as tl

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "tinydl"
SPEC = importlib.util.spec_from_file_location("size", ROOT / "benchmarks" / "size.py")
size = importlib.util.module_from_spec(SPEC)
sys.modules["size"] = size  # where its dataclass looks for it
SPEC.loader.exec_module(size)

# a room may import from those named here, and from whatever these may import from
ROOMS = {
    "engine": (),
    "derivatives": ("engine",),
    "functional": ("derivatives",),
    "nn": ("functional",),
    "optim": ("engine",),
    "data": ("engine",),
    "checking": ("derivatives",),
    "explaining": ("derivatives",),
    "watching": ("nn", "optim"),
    "compiling": ("watching",),
    "training": ("compiling", "data"),
    "exporting": ("training",),
    "plots": ("explaining", "exporting"),
    "course": ("training", "checking"),
    "testing": ("checking",),
    "compress": ("exporting",),
    "parallel": ("training",),
    "privacy": ("training",),
    "cli": ("course",),
    "start": ("cli",),
}


def below(room):
    """The rooms that a room stands on."""
    return {room}.union(*(below(other) for other in ROOMS[room]))


def room_of(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts[0]


def imports(path, everything=False, annotations=False):
    """What a file imports when it is loaded; with `everything` in functions too, with `annotations` for types too."""
    package = ("tinydl", *path.relative_to(PACKAGE).parent.parts)
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = []

    def walk(node):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)) and not everything:
                continue
            if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING" and not annotations:
                continue
            if isinstance(child, ast.Import):
                found.extend(alias.name.split(".") for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                base = list(package[: len(package) - child.level + 1]) if child.level else []
                base += child.module.split(".") if child.module else []
                found.extend([*base, alias.name] for alias in child.names)
            walk(child)

    walk(tree)
    return found


def modules():
    return sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_one_way(path):
    room = room_of(path)
    assert room in ROOMS, f"say in ROOMS where tinydl/{room} stands"
    used = {name[1] for name in imports(path) if name[0] == "tinydl" and len(name) > 1 and name[1] in ROOMS}
    assert used <= below(room), f"{path.name} imports {', '.join(used - below(room))}, which isn't below it"


def test_no_files_import_each_other_in_a_circle():
    files = {("tinydl", *path.relative_to(PACKAGE).with_suffix("").parts): path for path in modules()}
    arrows = {}
    for name, path in files.items():
        found = [tuple(n) for n in imports(path, everything=True, annotations=True) if n[0] == "tinydl"]
        arrows[name] = {n if n in files else n[:-1] for n in found} & set(files)
    while free := [name for name, needed in arrows.items() if not needed & set(arrows)]:
        for name in free:
            del arrows[name]
    assert not arrows, f"these import each other: {', '.join('.'.join(name) for name in arrows)}"


def test_nothing_uses_plots_when_it_is_loaded():
    for path in modules():
        if room_of(path) == "plots":
            continue
        assert not any(name[:2] == ["tinydl", "plots"] for name in imports(path)), path


def test_only_strategies_use_hypothesis():
    users = {path.name for path in modules() if any(n[0] == "hypothesis" for n in imports(path, everything=True))}
    assert users <= {"strategies.py"}


def test_engine_checking_and_explaining_know_no_layer():
    low = {"engine", "derivatives", "functional", "checking", "explaining"}
    for path in modules():
        if room_of(path) in low:
            used = {name[1] for name in imports(path, everything=True) if name[0] == "tinydl"}
            assert not used & {"nn", "optim", "training", "cli", "data"}, path


def loaded_by(code):
    command = f"import sys; {code}; print(*sorted(m for m in sys.modules if '.' not in m))"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stdout.split())


def test_importing_tinydl_loads_nothing_that_takes_long():
    # the time itself, at most 25 ms beyond NumPy's own import, is measured by `python benchmarks/run.py --only W11`
    third_party = {"matplotlib", "tqdm", "safetensors", "hypothesis", "pytest", "torch", "PIL", "scipy", "mpi4py"}
    standard = {
        "argparse", "asyncio", "difflib", "gzip", "hashlib", "http", "json", "logging", "multiprocessing", "pathlib",
        "shutil", "socket", "ssl", "subprocess", "tempfile", "unittest", "urllib", "zipfile",
    }  # fmt: skip
    extra = loaded_by("import tinydl") - loaded_by("import numpy")
    assert "tinydl" in extra
    assert not extra & (third_party | standard)


def test_importing_tinydl_leaves_what_looks_and_checks_for_when_it_is_used():
    code = "import sys, tinydl; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    later = re.compile(r"tinydl\.(checking|explaining|plots|course|watching\.(diagnose|measured|verdicts|summary))\b")
    assert not later.findall(done.stdout)


def test_what_is_left_for_later_is_there_at_once_for_whoever_looks():
    code = "import tinydl as tl; print(set(tl.__all__) <= set(dir(tl)), *(getattr(tl, n) is None for n in tl.__all__))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == ["True"] + ["False"] * len(tl.__all__)


@pytest.mark.parametrize("kind", size.KINDS, ids=lambda kind: kind.__name__)
def test_nothing_exceeds_its_budget(kind):
    # A later change raises one in benchmarks/size.py, on purpose; `python benchmarks/size.py` shows them all.
    over = [f"{b.what}: {b.lines} lines, {-b.left} too many" for b in kind(size.here()) if b.left < 0]
    assert not over


def test_every_room_has_tests_and_every_test_file_belongs_to_a_room():
    for room in ROOMS:
        where = f"tinydl/{room}" if (PACKAGE / room).is_dir() else f"tinydl/{room}.py"
        assert rooms.TESTS.get(where), f"say in TESTS of tests/rooms.py which tests {where} has"
    named = {name for names in (rooms.ALWAYS, *rooms.TESTS.values()) for name in names.split()}
    there = {path.stem.removeprefix("test_") for path in (ROOT / "tests").glob("test_*.py")}
    assert named == there, "TESTS of tests/rooms.py and the files in tests/ differ"
    assert not [where for where in rooms.TESTS if not (ROOT / where).exists()]


def test_files_open_with_what_they_are():
    for path in [*modules(), PACKAGE / "__init__.py"]:
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), path


def test_there_are_no_exemptions_from_type_checking():
    for path in modules():
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"type:\s*ignore(?!\[override\])", text), path
        assert not any(name == ["typing", "cast"] for name in imports(path, everything=True)), path
    assert (PACKAGE / "py.typed").exists()


def test_the_version_is_written_in_one_place():
    assert re.fullmatch(r"\d+\.\d+\.\d+", tl.__version__)
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'dynamic = ["version"]' in pyproject
    assert tl.__version__ not in pyproject
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):  # running from the sources, uninstalled
        assert importlib.metadata.version("tinydl") == tl.__version__


def test_everything_that_the_init_imports_is_documented():
    for name in tl.__all__:
        if callable(value := getattr(tl, name)):
            assert value.__doc__, name


def test_the_top_level_holds_what_the_design_lists():
    done = subprocess.run(["git", "ls-files"], capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        pytest.skip("no git checkout")
    top = {line.split("/")[0] for line in done.stdout.splitlines()}
    allowed = {"tinydl", "tests", "tutorials", "benchmarks", "pyproject.toml", "README.md", "LICENSE"}
    assert {name for name in top if not name.startswith(".")} <= allowed


def test_no_file_takes_what_is_private_to_another():
    for path in modules():
        private = [".".join(name) for name in imports(path, everything=True) if re.match(r"_[a-z]", name[-1])]
        assert not private, f"{path.name} takes {', '.join(private)}"


def test_files_that_the_texts_name_are_there():
    there = {path.name for path in PACKAGE.rglob("*.py")} | {
        "train.py",
        "file.py",
        "digits.py",
    }  # names for a user's files
    for path in [*modules(), PACKAGE / "__init__.py"]:
        for named in re.findall(r"[\w/]*\w\.py\b", path.read_text(encoding="utf-8")):
            found = any((folder / named).exists() for folder in (PACKAGE, ROOT)) if "/" in named else named in there
            assert found or named == "path/to/file.py", f"{path.name} names {named}"
