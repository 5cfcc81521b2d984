"""How large the house is: lines of code in each room of tinydl/, beside the budgets that tests/test_house.py holds.

A line counts if something on it is neither comment nor docstring, so that nobody saves on those.

    python benchmarks/size.py                      each room, and the budgets
    python benchmarks/size.py --against COMMIT     and the difference that the working tree makes, room by room

The exit status is 1 if a budget is exceeded, 2 if what was asked for can't be meant. A later change that needs more
raises a budget here, on purpose, and says why in its commit message.
"""

from __future__ import annotations

import argparse
import ast
import io
import subprocess
import sys
import tarfile
import tokenize
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "tinydl"

BUDGETS = {  # rooms that share a budget, in lines of code
    ("engine",): 1_945,
    ("derivatives",): 2_935,
    ("functional", "nn", "optim"): 3_685,
    ("compiling",): 3_840,
}
FILE = 500
FUNCTION = 60
ANY_LENGTH = {
    "checking/samples.py",  # a table, with a few lines for each primitive
    "engine/tensor.py: propagate",  # the backward pass, which is read from its first line to its last
}

# What one reads to understand and use tinydl. A new file belongs here only if one can't do without it: not convolution,
# recurrence, attention and their kin.
READ = [
    "engine/tensor.py", "engine/graph.py", "engine/transforms.py",
    "derivatives/__init__.py", "derivatives/elementwise.py", "derivatives/reductions.py", "derivatives/shapes.py",
    "derivatives/indexing.py", "derivatives/products.py", "derivatives/activations.py", "derivatives/softmax.py",
    "derivatives/normalising.py",
    "functional/activations.py", "functional/losses.py", "functional/normalization.py",
    "nn/module.py", "nn/init.py", "nn/containers.py", "nn/linear.py", "nn/activations.py", "nn/normalization.py",
    "nn/embedding.py", "nn/dropout.py",
    "optim/__init__.py", "optim/optimizer.py", "optim/sgd.py", "optim/adaptive.py", "optim/schedules.py",
    "optim/clipping.py",
    "training/fit.py", "training/history.py",
]  # fmt: skip
READABLE = 5_325  # lines with anything on them: whoever reads, reads docstrings and comments too
HEART = 2_000  # of them the Tensor and the table of rules, which README calls the heart: an afternoon

Sources = dict[str, str]  # a file's path within the package → its text


# ---- counting ----

_NOTHING = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING,
    tokenize.ENDMARKER,
}  # fmt: skip
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


@cache
def code_lines(text: str) -> frozenset[int]:
    """The numbers of the lines that count. Raises SyntaxError for what isn't Python.

    A string over several lines is code, line by line, but for its blank ones; a docstring is what Python takes for one:
    a string that is the first statement of a module, class or function.
    """
    lines, docstrings = text.split("\n"), _docstrings(ast.parse(text))
    found: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in _NOTHING:
            continue
        first, column = token.start
        if token.type == tokenize.STRING:
            start = first, len(lines[first - 1][:column].encode())  # in bytes, as ast counts
            if any(begin <= start < end for begin, end in docstrings):
                continue
        found.update(range(first, token.end[0] + 1))
    return frozenset(number for number in found if lines[number - 1].strip())


def _docstrings(tree: ast.Module) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Where each docstring begins and ends: line and column in bytes."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            said = node.body[0]
            found.append(((said.lineno, said.col_offset), (said.end_lineno or 0, said.end_col_offset or 0)))
    return found


def non_blank_lines(text: str) -> int:
    """How many lines have anything on them, be it a comment."""
    return sum(bool(line.strip()) for line in text.split("\n"))


def functions(text: str) -> dict[str, int]:
    """Lines of code of each function and method by its qualified name, its decorators and inner functions included."""
    counted = code_lines(text)
    found: dict[str, int] = {}

    def walk(node: ast.AST, path: tuple[str, ...]) -> None:
        for child in ast.iter_child_nodes(node):
            below = path
            if isinstance(child, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                below = (*path, child.name)
                if not isinstance(child, ast.ClassDef):
                    first = min([child.lineno, *(d.lineno for d in child.decorator_list)])
                    size = len(counted & set(range(first, (child.end_lineno or first) + 1)))
                    name = ".".join(below)
                    found[name] = max(size, found.get(name, 0))  # a name may be defined twice, as by an overload
            walk(child, below)

    walk(ast.parse(text), ())
    return found


# ---- what there is ----


def here() -> Sources:
    """The package as it is in the working tree."""
    folder = ROOT / PACKAGE
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in folder.rglob("*.py")}


def at(commit: str) -> Sources:
    """The package as it was in a commit. Raises ValueError, in a sentence, where there is none."""
    given = ["git", "rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}^{{commit}}"]
    try:
        name = subprocess.run(given, cwd=ROOT, capture_output=True, text=True).stdout.strip()
    except OSError:
        raise ValueError("--against needs git, which isn't on the PATH") from None
    if not name:
        raise ValueError(f"{commit} names no commit of this repository; `git log --oneline` lists them")
    packed = subprocess.run(["git", "archive", "--format=tar", name, PACKAGE], cwd=ROOT, capture_output=True)
    if packed.returncode:
        raise ValueError(f"there is no {PACKAGE}/ in {commit}")
    found: Sources = {}
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.name.endswith(".py") else None
            if file is not None:
                found[member.name.removeprefix(f"{PACKAGE}/")] = file.read().decode()
    return found


def by_room(sources: Sources, count: Callable[[str], int] | None = None) -> dict[str, int]:
    """Room → its lines of code; a room is a folder of the package, or a file by its name alone, without .py."""
    count = count or (lambda text: len(code_lines(text)))
    found: dict[str, int] = {}
    for path, text in sorted(sources.items()):
        room = path.split("/")[0].removesuffix(".py")
        try:
            found[room] = found.get(room, 0) + count(text)
        except SyntaxError as error:
            raise ValueError(f"{PACKAGE}/{path} isn't Python that this Python reads: {error.msg}") from None
    return found


# ---- the budgets ----


@dataclass(frozen=True)
class Budget:
    """What is limited, how many lines it has, and how many it may have."""

    what: str
    lines: int
    limit: int

    @property
    def left(self) -> int:
        """How many more lines it may have; negative if it has too many."""
        return self.limit - self.lines


def of_rooms(sources: Sources) -> list[Budget]:
    """The budget of each room, or of several together."""
    rooms = by_room(sources)
    return [Budget(" + ".join(names), sum(rooms.get(n, 0) for n in names), most) for names, most in BUDGETS.items()]


def of_reading(sources: Sources) -> list[Budget]:
    """The budgets of the reading list and of its heart. Raises ValueError where it names a file that isn't there."""
    if missing := [path for path in READ if path not in sources]:
        raise ValueError(f"READ in benchmarks/size.py names {', '.join(missing)}, which isn't in {PACKAGE}/")
    lines = {path: non_blank_lines(sources[path]) for path in READ}
    heart = sum(n for path, n in lines.items() if path.startswith(("engine/tensor.py", "derivatives/")))
    return [
        Budget("the heart, non-blank", heart, HEART),
        Budget("the reading list, non-blank", sum(lines.values()), READABLE),
    ]


def of_files(sources: Sources) -> list[Budget]:
    """The longest file, or all that are longer than a file may be."""
    return _longest("file", {path: len(code_lines(text)) for path, text in sources.items()}, FILE)


def of_functions(sources: Sources) -> list[Budget]:
    """The longest function, or all that are longer than a function may be."""
    sizes = {f"{path}: {name}": n for path, text in sources.items() for name, n in functions(text).items()}
    return _longest("function", sizes, FUNCTION)


def _longest(kind: str, sizes: dict[str, int], limit: int) -> list[Budget]:
    judged = sorted(((n, name) for name, n in sizes.items() if name not in ANY_LENGTH), reverse=True)
    return [Budget(f"{kind} {name}", n, limit) for i, (n, name) in enumerate(judged) if i == 0 or n > limit]


KINDS = (of_rooms, of_reading, of_files, of_functions)


# ---- the tables ----


def table(rows: Iterable[Sequence[str]]) -> str:
    """Columns side by side, the first to the left and the others, numbers, to the right; an empty row is a rule."""
    rows = [list(row) for row in rows]
    widths = [max(len(row[i]) for row in rows if row) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = row or ["-" * width for width in widths]
        padded = [c.rjust(w) if i else c.ljust(w) for i, (c, w) in enumerate(zip(cells, widths, strict=True))]
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


def room_table(now: Sources, before: Sources | None = None) -> str:
    """Files and lines of code of each room, and the total; with `before`, what has changed since then."""
    code, files = by_room(now), by_room(now, lambda text: 1)
    old = {} if before is None else by_room(before)
    names = {path.split("/")[0].removesuffix(".py"): path.split("/")[0] for path in [*(before or {}), *now]}
    rows = [["room", "files", "code", "before", "change"], []]
    for room in sorted(names, key=lambda room: (room not in code, -code.get(room, 0), room)):
        name = names[room] if names[room].endswith(".py") else f"{names[room]}/"
        is_there, was_there = room in code, room in old
        here = [str(files[room]), f"{code[room]:,}"] if is_there else ["", ""]
        change = _signed(code.get(room, 0) - old.get(room, 0))
        rows.append([name, *here, f"{old[room]:,}" if was_there else "", change])
    new, past = sum(code.values()), sum(old.values())
    rows += [[], ["total", str(len(now)), f"{new:,}", f"{past:,}", _signed(new - past)]]
    return table(row[:3] if before is None else row for row in rows)


def budget_table(found: Iterable[Budget]) -> str:
    """What is limited, to how much, and what is left."""
    rows = [["budget", "lines", "at most", "left"], []]
    return table(rows + [[b.what, f"{b.lines:,}", f"{b.limit:,}", _signed(b.left, plus="")] for b in found])


def _signed(number: int, plus: str = "+") -> str:
    return f"{plus if number > 0 else '−' if number < 0 else ''}{abs(number):,}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables; exit status 1 if a budget is exceeded."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", metavar="COMMIT", help="any commit: show the difference of the working tree")
    chosen = parser.parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):  # a terminal that lacks − shows another character
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        now = here()
        before = None if chosen.against is None else at(chosen.against)
        rooms, found = room_table(now, before), [budget for kind in KINDS for budget in kind(now)]
    except ValueError as error:
        print(f"size.py: {error}", file=sys.stderr)
        return 2
    since = f"; before: in {chosen.against}" if chosen.against else ""
    print(f"Lines of code in {PACKAGE}/, without docstrings, comments and blank lines{since}\n\n{rooms}\n")
    print(budget_table(found))
    return int(any(budget.left < 0 for budget in found))


if __name__ == "__main__":
    sys.exit(main())
