"""The course's lessons: each runs as a script, without a warning, a window or a leftover, and keeps to the format."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TUTORIALS = Path(__file__).parent.parent / "tutorials"
LESSONS = sorted(TUTORIALS.glob("[0-9][0-9]_*.py"))
each_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
CELL = re.compile(r"^# %%(.*)$", re.MULTILINE)


def cells(lesson: Path) -> list[tuple[bool, str]]:
    """The cells of a lesson: whether it is prose, and its text (prose without the leading #)."""
    parts = CELL.split(lesson.read_text(encoding="utf-8"))
    assert not parts[0].strip(), "a lesson begins with a cell"
    found = []
    for kind, body in zip(parts[1::2], parts[2::2], strict=True):
        is_prose = "[markdown]" in kind
        text = re.sub(r"^# ?", "", body.strip(), flags=re.MULTILINE) if is_prose else body.strip()
        found.append((is_prose, text))
    return found


def prose(lesson: Path) -> str:
    return "\n\n".join(text for is_prose, text in cells(lesson) if is_prose)


@pytest.mark.slow
@each_lesson
def test_lesson_runs_as_a_script_in_seconds_without_a_warning(lesson: Path, tmp_path: Path) -> None:
    shutil.copy(lesson, tmp_path)
    helpers = [Path(shutil.copy(helper, tmp_path)).name for helper in TUTORIALS.glob("_*.py")]
    environment = {key: value for key, value in os.environ.items() if key not in ("DISPLAY", "MPLBACKEND")}
    before = os.times()
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-W", "error", lesson.name],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )
    after = os.times()  # the processor's time, since the machine may be busy with other things
    seconds = after.children_user + after.children_system - before.children_user - before.children_system
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-3000:]
    assert not done.stderr, done.stderr
    assert list(tmp_path.glob("*.png")), "a lesson has a picture"
    left = {path.name for path in tmp_path.iterdir()} - {lesson.name, *helpers, "__pycache__"}
    assert all(name.startswith(lesson.stem[:3]) and name.endswith((".png", ".html")) for name in left), left
    assert seconds < 30, f"{lesson.name} took {seconds:.0f} s of two processors, where 15 s of both are allowed"


@each_lesson
def test_lesson_keeps_to_the_format(lesson: Path) -> None:
    text = prose(lesson)
    first_is_prose, first = cells(lesson)[0]
    assert first_is_prose and first.startswith(f"# {int(lesson.name[:2])}. "), "the first cell is the numbered title"
    assert "?" in first, "a lesson begins with a question"
    assert "> **Predict" in text
    assert "What goes wrong" in text
    assert "$" in text, "a lesson has a formula"
    assert re.search(r"^## Where this lives in tinydl$", text, re.MULTILINE)
    exercises = re.split(r"^## Exercises$", text, flags=re.MULTILINE)
    assert len(exercises) == 2
    numbered = re.findall(r"^(\d)\. ", re.split(r"^## ", exercises[1], flags=re.MULTILINE)[0], re.MULTILINE)
    assert numbered == ["1", "2", "3"], "three exercises"


@each_lesson
def test_code_of_a_lesson_comes_fifteen_lines_at_a_time(lesson: Path) -> None:
    for is_prose, text in cells(lesson):
        lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("# fmt")]
        assert is_prose or len(lines) <= 15, f"{len(lines)} lines:\n{text}"


@each_lesson
def test_prose_of_a_lesson_is_plain_markdown(lesson: Path) -> None:
    text = prose(lesson)
    assert not re.search(r"^(```|:::+)\{", text, re.MULTILINE), "a directive, which only MyST understands"
    assert not re.search(r"\{\w+\}`", text), "a role, which only MyST understands"
    assert not re.search(r"\$\$\s*\(\w", text), "a label after a formula, which only MyST understands"
    outside = re.sub(r"`[^`]*`", "", text)
    assert outside.count("$$") % 2 == 0
    assert re.sub(r"\$\$.*?\$\$", "", outside, flags=re.DOTALL).count("$") % 2 == 0, "a formula isn't closed"


@each_lesson
def test_lesson_asserts_what_it_computes(lesson: Path) -> None:
    code = [text for is_prose, text in cells(lesson) if not is_prose]
    assert sum("assert" in text for text in code) >= len(code) / 4


@each_lesson
def test_links_of_a_lesson_lead_somewhere(lesson: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", prose(lesson)):
        if re.fullmatch(r"[\w./-]+\.(py|md|ipynb)", target):
            assert (TUTORIALS / target).exists(), f"{lesson.name} links to {target}"
    for named in re.findall(r"`(tinydl/[\w/]+\.\w+)`", prose(lesson)):
        assert (TUTORIALS.parent / named).exists(), f"{lesson.name} names {named}"


@each_lesson
def test_lessons_dont_import_each_other(lesson: Path) -> None:
    code = "\n".join(text for is_prose, text in cells(lesson) if not is_prose)
    names = {other.stem for other in LESSONS}
    imported = set(re.findall(r"^\s*(?:from|import)\s+(\w+)", code, re.MULTILINE))
    assert not imported & names
