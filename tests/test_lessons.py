"""The course's lessons: each keeps to the format, and its script is the notebook that is run for the site."""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tinydl.course import exercises

TUTORIALS = Path(__file__).parent.parent / "tutorials"
PAGES = sorted(TUTORIALS.glob("[0-9e][0-9]_*.py"))  # excursions are e1_…, off the way
LESSONS = [page for page in PAGES if not page.name.startswith("00_")]  # all but "Before you start"
each_page = pytest.mark.parametrize("lesson", PAGES, ids=lambda path: path.stem)
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


def is_excursion(lesson: Path) -> bool:
    return lesson.name.startswith("e")


def number_of(lesson: Path) -> str:
    """As its title has it: "7" for 07_likelihood, "E1" for the first excursion."""
    return lesson.name[:2].lstrip("0").upper()


def prose(lesson: Path) -> str:
    return "\n\n".join(text for is_prose, text in cells(lesson) if is_prose)


@pytest.mark.slow  # though it's quick: it needs the extra `docs`
@each_page
def test_the_notebook_of_a_lesson_and_its_script_are_the_same_cells(lesson: Path) -> None:
    """So that running one of them, which the site's build does, says what the other does."""
    jupytext = pytest.importorskip("jupytext")
    made = jupytext.reads(lesson.read_text(encoding="utf-8"), fmt="py:percent").cells
    assert [cell.source for cell in made if cell.cell_type == "code"] == [
        t for is_prose, t in cells(lesson) if not is_prose
    ]
    assert {cell.cell_type for cell in made} == {"markdown", "code"}


@each_page
def test_a_lesson_does_not_ask_how_it_is_run(lesson: Path) -> None:
    code = "\n\n".join(text for is_prose, text in cells(lesson) if not is_prose)
    assert not re.search(r"get_ipython|in_notebook|IPython|__file__|__name__ ==|\bsys\.argv|plt\.show", code)


@pytest.mark.slow
@pytest.mark.parametrize(
    "lesson", [lesson for lesson in LESSONS if lesson.name[:2] in ("01", "03")], ids=lambda p: p.stem
)
def test_lesson_runs_as_a_script_in_seconds_without_a_warning(lesson: Path, tmp_path: Path) -> None:
    """Two of the quickest; test_site.py has what all of them did as notebooks."""
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


def sections(lesson: Path) -> dict[str, str]:
    """The prose of a lesson by its headings of the second level, in their order; what stands before them is ""."""
    parts = re.split(r"^## (.+)$", prose(lesson), flags=re.MULTILINE)
    return {"": parts[0]} | dict(zip(parts[1::2], parts[2::2], strict=True))


@each_lesson
def test_lesson_keeps_to_the_format(lesson: Path) -> None:
    text = prose(lesson)
    first_is_prose, first = cells(lesson)[0]
    title, question, *_ = first.split("\n\n")
    assert first_is_prose and title.startswith(f"# {number_of(lesson)}. "), "the first cell is the numbered title"
    assert "?" in question, "a lesson opens with the learner's question, in its first paragraph"
    assert re.search(r"^\*You need:\* ", first, re.MULTILINE), "the first cell says what the lesson needs"
    assert "> **Predict" in text
    assert "What goes wrong" in text
    assert "$" in text, "a lesson has a formula"
    parts = sections(lesson)
    last = [name for name in ("Exercises", "In the article", "Where this lives in tinydl") if name in parts]
    assert list(parts)[-len(last) :] == last and len(last) >= 2
    wanted = ["1"] if is_excursion(lesson) else ["1", "2", "3"]
    assert re.findall(r"^(\d)\. ", parts["Exercises"], re.MULTILINE) == wanted, "three exercises, one on an excursion"
    for name in exercises.lessons()[lesson.stem[3:]]:
        assert f"`{name}`" in parts["Exercises"], f"{name} is an exercise of this lesson"


@each_lesson
def test_before_you_start_says_which_lessons_a_lesson_needs(lesson: Path) -> None:
    title = rf"\[{number_of(lesson)}\. [^]]+\]\({lesson.name}\)"
    (row,) = re.findall(rf"^\| {title} \| (.*) \|$", prose(PAGES[0]), re.MULTILINE)
    needs = re.search(r"\*You need:\* (.*?)(?:\n\n|\Z)", cells(lesson)[0][1], re.DOTALL)
    assert needs is not None
    numbers = {str(int(number)) for number in re.findall(r"\]\((\d\d)_\w+\.py\)", needs[1])} - {"0"}
    assert set(re.findall(r"\b\d+\b", row)) == numbers, needs[1]


CHINESE = re.compile(r"[\u3000-\u9fff\uff00-\uffef]")


@each_page
def test_the_article_is_disputed_in_a_box_at_the_end_in_english_with_the_chinese_in_footnotes(lesson: Path) -> None:
    box = False
    for is_prose, text in cells(lesson):
        for line in text.splitlines():
            if is_prose and line.startswith("## "):
                box = line == "## In the article"
            elif box and is_prose:
                footnote = line.startswith("[^")
                assert not line or footnote or line.startswith(">"), f"not in the box: {line}"
                assert footnote or not CHINESE.search(line), f"Chinese outside of a footnote: {line}"
            elif not box:
                assert not CHINESE.search(line), line
                assert not re.search(r"\b[Aa]rticle|\b[Tt]he document\b", line), line
    footnotes = re.findall(r"^\[\^(\w+)\]: ", prose(lesson), re.MULTILINE)
    assert sorted(footnotes) == sorted(set(re.findall(r"\[\^(\w+)\](?!:)", prose(lesson))))


@each_page
def test_a_lesson_is_named_by_a_link_whose_number_is_right(lesson: Path) -> None:
    text = " ".join(prose(lesson).split())
    for number, target in re.findall(r"\[[Ll]essons? (\d+)[^\]]*\]\(([^)]*)\)", text):
        assert re.match(rf"{int(number):02d}_\w+\.py$", target), (number, target)
    for number, target in re.findall(r"\[[Ee]xcursions? (\d+)[^\]]*\]\(([^)]*)\)", text):
        assert re.match(rf"e{number}_\w+\.py$", target), (number, target)
    unlinked = re.sub(r"\[[^\]]*\]\([^)]*\)", "", text)
    assert not re.findall(r"(?:[Ll]esson|[Ee]xcursion)s? \d+", unlinked)
    code = "\n".join(text for is_prose, text in cells(lesson) if not is_prose)
    assert not re.findall(r"(?:[Ll]esson|[Ee]xcursion)s? \d+", code)


@pytest.mark.parametrize("lesson", [page for page in PAGES if is_excursion(page)], ids=lambda path: path.stem)
def test_an_excursion_says_that_it_is_off_the_way(lesson: Path) -> None:
    assert "off the way" in cells(lesson)[0][1]


def test_code_names_a_lesson_by_its_slug() -> None:
    root = TUTORIALS.parent
    files = [path for folder in ("tinydl", "tests", "benchmarks") for path in (root / folder).rglob("*.py")]
    files += [*TUTORIALS.glob("[_a-z]*.py"), *(TUTORIALS / "exercises").rglob("*.py"), root / "README.md"]
    files += [TUTORIALS / "contributing.md"]
    slugs = {lesson.stem[3:] for lesson in PAGES}
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"(?<!\[)\blessons? \d+\b", text), path
        assert set(re.findall(r"\blesson `(\w+)`", text)) <= slugs, path


@each_page
def test_every_picture_is_described_to_those_who_cannot_see_it(lesson: Path) -> None:
    code = "\n".join(text for is_prose, text in cells(lesson) if not is_prose)
    for call in (node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)):
        if isinstance(call.func, ast.Name) and call.func.id == "show":
            name, description = (ast.literal_eval(argument) for argument in call.args[1:])
            assert name.startswith(lesson.stem) and len(description) >= 60, name


@each_page
def test_code_of_a_lesson_comes_fifteen_lines_at_a_time(lesson: Path) -> None:
    for is_prose, text in cells(lesson):
        lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("# fmt")]
        assert is_prose or len(lines) <= 15, f"{len(lines)} lines:\n{text}"


@each_page
def test_a_figure_is_shown_in_the_cell_that_makes_it(lesson: Path) -> None:
    """A notebook draws what a cell has made at its end, so the rest would come as a second picture."""
    for is_prose, text in cells(lesson):
        if not is_prose and re.search(r"^\w.*plt\.(subplots|figure)\(", text, re.MULTILINE):
            assert re.search(r"^ *show\(", text, re.MULTILINE), text


@each_page
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


@each_page
def test_links_of_a_lesson_lead_somewhere(lesson: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", prose(lesson)):
        if re.fullmatch(r"[\w./-]+\.(py|md|ipynb)", target):
            assert (TUTORIALS / target).exists(), f"{lesson.name} links to {target}"
            assert "/" not in target, f"{lesson.name} links to {target}, which is no page of the site: name it in `…`"
    for named in re.findall(r"`(tinydl/[\w/]+\.\w+)`", prose(lesson)):
        assert (TUTORIALS.parent / named).exists(), f"{lesson.name} names {named}"


@each_page
def test_lessons_dont_import_each_other(lesson: Path) -> None:
    code = "\n".join(text for is_prose, text in cells(lesson) if not is_prose)
    names = {other.stem for other in PAGES}
    imported = set(re.findall(r"^\s*(?:from|import)\s+(\w+)", code, re.MULTILINE))
    assert not imported & names


def test_the_page_about_compiling_runs_as_it_stands() -> None:
    text = (TUTORIALS / "compiling.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 4
    code = "".join(blocks)
    done = subprocess.run([sys.executable, "-X", "utf8", "-W", "error", "-"], input=code, capture_output=True,
                          encoding="utf-8", timeout=60)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "def step(x, y):" in done.stdout and "# backward" in done.stdout


# ---- questions ----


def asked(lesson: Path) -> list[dict[str, ast.expr]]:
    """The questions of a page: what each choice is answered, and the choice as it is written in code."""
    code = "\n".join(text for is_prose, text in cells(lesson) if not is_prose)
    calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    choices = [call.args[1] for call in calls if isinstance(call.func, ast.Name) and call.func.id == "quiz"]
    pairs = [zip(each.values, each.keys, strict=True) for each in choices if isinstance(each, ast.Dict)]
    return [{ast.literal_eval(answer): choice for answer, choice in each} for each in pairs]


def test_before_you_start_asks_five_questions_whose_right_answers_are_computed() -> None:
    questions = asked(TUTORIALS / "00_before_you_start.py")
    assert len(questions) == 5
    for question in questions:
        computed = [answer for answer, choice in question.items() if isinstance(choice, ast.JoinedStr)]
        assert len(computed) == 1 and computed[0].startswith("Right: "), question
        others = [answer for answer in question if answer not in computed]
        assert len(others) >= 2 and all(answer.startswith("Not quite: ") for answer in others), question


QUIZ = """
import _lesson
choices = {"3": "Not quite: too few.", "4 < 5": "Right: `2 + 2`.", "6": "Not quite: too many."}
"""


def quizzed(code: str) -> str:
    command = [sys.executable, "-X", "utf8", "-W", "error", "-c", QUIZ + code]
    return subprocess.run(command, cwd=TUTORIALS, capture_output=True, encoding="utf-8", check=True, timeout=60).stdout


def test_a_script_prints_the_answers_to_its_questions_after_the_last_of_them() -> None:
    printed = quizzed("_lesson.quiz('First?', choices); _lesson.quiz('Second?', choices)")
    questions, answers = printed.split("The answers")
    assert questions.count("  b) 4 < 5\n") == answers.count("  b) 4 < 5\n     Right: `2 + 2`.\n") == 2
    assert "Right" not in questions and "Not quite" not in questions


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_in_a_terminal_the_answers_wait_for_enter() -> None:
    ours, theirs = os.openpty()
    command = [sys.executable, "-X", "utf8", "-c", QUIZ + "_lesson.quiz('First?', choices)"]
    with subprocess.Popen(command, cwd=TUTORIALS, stdin=theirs, stdout=theirs, stderr=theirs):
        os.close(theirs)
        before = after = b""
        while b"Enter" not in before and (block := os.read(ours, 4096)):
            before += block
        os.write(ours, b"\n")
        while b"too many" not in after and (block := os.read(ours, 4096)):
            after += block
        os.close(ours)
    assert b"First?" in before and b"Right" not in before and b"too many" not in before
    assert after.count(b"Right: ") == 1


def test_a_notebook_gets_a_question_whose_choices_open_without_javascript_in_the_colours_of_the_page() -> None:
    page = quizzed("_lesson.in_notebook = lambda: True\nprint(_lesson.quiz('First?', choices)._repr_html_())")
    opened = re.findall(r"<details><summary[^>]*>(.*?)</summary><p[^>]*>(.*?)</p></details>", page)
    assert opened[1] == ("4 &lt; 5", "Right: <code>2 + 2</code>.")
    assert [answer[:5] for _, answer in opened] == ["Not q", "Right", "Not q"]
    assert not re.search(r"<script|color|#[0-9a-f]{3}|\bopen\b", page)
    assert "The answers" not in page


@pytest.mark.parametrize(
    "wrong",
    [
        "{'3': 'Right: a.', '4': 'Right: b.', '5': 'Not quite: c.'}",
        "{'3': 'Right: a.', '4': 'Not quite: b.', '5': 'Not quite: b.'}",
        "{'3': 'Not quite: a.', '4': 'Not quite: b.'}",
        "{'3': 'Right: a.', '4': 'No.'}",
    ],
)
def test_a_question_has_one_right_choice_and_a_reason_for_each_wrong_one(wrong: str) -> None:
    refused = f"try:\n    _lesson.quiz('?', {wrong})\nexcept ValueError as error:\n    print(error)"
    assert quizzed(refused).startswith("one choice is right, two or more are not, each for its own reason: '?'")
