"""`tinydl learn`: exercises that check themselves, in a folder of the learner's own.

The exercises are `tutorials/exercises/*.py`; solutions, hints and typical mistakes lie beside in `_answers/`.
exercises.py knows which there are, judging.py whether an answer is right; the folder and the command are here.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..engine.files import replacing
from .command import UsageError, did_you_mean, reason, say
from .exercises import companion, exercises_folder, former_names, lessons, names, numbers
from .judging import Result, check_file

FOLDER = Path("tinydl-exercises")
STATE = ".tinydl-learn.json"

HELP = """\
Exercises to solve in an editor, each a file with a gap. The first `tinydl learn` copies them into a folder.

  tinydl learn                 progress, and the next exercise
  tinydl learn check [name]    is it right, and if not, what kind of wrong?
  tinydl learn check --all     check every exercise whose gap is filled
  tinydl learn hint [name]     one step further each time, up to a solution

An answer makes new arrays and leaves its arguments as they are. An array of any shape has one axis or more.

Without a name it's the next exercise: the first that isn't done after the one that you solved last, and when there is
none after it, from the beginning.

A name may be shortened, ex_best_step, best_step, best, or be the one that it had before, 01b. What you have written is
never overwritten.
"""
EXAMPLES = """\
examples:
  tinydl learn
  tinydl learn check slope
  tinydl learn hint slope
  tinydl learn check --all --folder my-answers

Exit status: 0 if all that was asked for is done or shown, 1 if an answer is wrong or not done, 2 if the request can't
be meant.
"""


# ---- the learner's folder ----


class Course:
    """A learner's folder: the exercises in it, and what is done. Nothing that was edited is ever overwritten."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.notes = folder, list[str]()
        self.state: dict[str, dict[str, Any]] = {"done": {}, "hints": {}, "given": {}, "last": {}}
        self.names = names()
        try:
            self.fresh = not (folder / STATE).exists()
            if folder.resolve() == exercises_folder():
                raise UsageError("the folder is where the exercises come from; choose another for your answers")
            folder.mkdir(parents=True, exist_ok=True)
            self._load()
            self._rename()
            self._copy()
            self.save()
        except (OSError, ValueError) as error:
            raise UsageError(f"the folder {folder} can't be used: {reason(error)}") from None

    def _load(self) -> None:
        path = self.folder / STATE
        if not path.exists():
            return
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            found.setdefault("last", {})  # which it hadn't at first
            for key, kept in self.state.items():
                wanted = int if key == "hints" else str
                kept.update({str(k): v for k, v in found[key].items() if isinstance(v, wanted)})
        except (ValueError, KeyError, AttributeError, TypeError):
            self.notes.append(f"{path} couldn't be read; progress starts anew, and your answers are as they were.")

    def save(self) -> None:
        """Write the state, so that an interruption leaves the old one or the new one."""
        with replacing(self.folder / STATE) as file:
            file.write(f"{json.dumps(self.state, indent=1, sort_keys=True)}\n".encode())

    def _rename(self) -> None:
        """Give answers and progress from when exercises had numbers their names of today; no file's text changes."""
        renamed = 0
        for old, name in former_names().items():
            for kept in self.state.values():
                if old in kept:
                    kept.setdefault(name, kept.pop(old))
            former, target = self.path(old), self.path(name)
            if not former.is_file():
                continue
            if digest(target) not in ("", digest(former), self.state["given"].get(name)):
                self.notes.append(f"{former} and {target} are the same exercise; the second one counts.")
                continue
            former.replace(target)
            renamed += 1
        if renamed:
            files = f"{renamed} files got their new names" if renamed > 1 else "1 file got its new name"
            self.notes.append(f"Exercises are named by what they are about now: {files}; no text was changed.")

    def _copy(self) -> None:
        for name in self.names:
            source, target = exercises_folder() / f"{name}.py", self.path(name)
            untouched = target.is_file() and self.state["given"].get(name) == digest(target)
            if not target.exists() or (untouched and digest(source) != digest(target)):
                with replacing(target) as file:  # half an exercise would pass for an answer
                    file.write(source.read_bytes())
                self.state["given"][name] = digest(target)
            elif digest(source) == digest(target):
                self.state["given"][name] = digest(target)

    def path(self, name: str) -> Path:
        """The learner's file."""
        return self.folder / f"{name}.py"

    def done(self, name: str) -> bool:
        """Whether the answer as it is now was found right."""
        return bool(self.state["done"].get(name) == digest(self.path(name)))

    def next(self) -> str:
        """The first exercise that isn't done after the one solved last, else from the beginning; "" if all are."""
        last = self.state["last"].get("solved", "")
        start = self.names.index(last) + 1 if last in self.names and self.done(last) else 0
        return next((name for name in self.names[start:] + self.names[:start] if not self.done(name)), "")

    def find(self, wanted: str) -> str:
        """The exercise that a shortened name means."""
        word = Path(wanted).name.lower().removesuffix(".py").removeprefix("ex_")
        topics = {name.removeprefix("ex_"): name for name in self.names}
        for old, name in former_names().items():  # squared_error was ex_05a_squared_error
            topics[old.removeprefix("ex_")] = topics[old.split("_")[1]] = name
        if word in topics:
            return topics[word]
        match = list(dict.fromkeys(name for topic, name in topics.items() if word and topic.startswith(word)))
        if len(match) == 1:
            return match[0]
        if match:
            raise UsageError(f"{wanted!r} may mean {', '.join(match[:5])}; say which")
        advice = did_you_mean(word, (name.removeprefix("ex_") for name in self.names), "`tinydl learn` lists them")
        raise UsageError(f"there is no exercise called {wanted!r}; {advice}")

    def check(self, name: str) -> Result:
        """Check an answer and remember if it is right."""
        result = check_file(name, self.path(name))
        self.state["done"].pop(name, None)
        if result:
            self.state["done"][name] = digest(self.path(name))
        self.save()
        return result

    def solved(self, name: str) -> None:
        """Remember which exercise was solved last: the next one is looked for from there."""
        self.state["last"] = {"solved": name}
        self.save()

    def hint(self, name: str) -> Iterator[str]:
        """One hint further than the last time; the last is a solution."""
        known = companion(name)
        hints = [*known["HINTS"], "A solution:\n\n" + known["SOLUTION"].strip()]
        number = min(int(self.state["hints"].get(name, 0)) + 1, len(hints))
        self.state["hints"][name] = number
        self.save()
        yield f"{name}, hint {number} of {len(hints)}"
        yield hints[number - 1]


def digest(path: Path) -> str:
    """What tells whether a file was changed, however its lines end; "" if there is none."""
    try:
        return hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()[:16]
    except OSError:
        return ""


# ---- the command ----


def add_learn_command(subparsers: Any) -> None:
    """`tinydl learn`: progress, check, hint."""
    parser = subparsers.add_parser(
        "learn",
        help="exercises that check themselves: progress, check, hints",
        description=HELP,
        epilog=EXAMPLES,
    )
    parser.add_argument("action", nargs="?", choices=("check", "hint"), help="without it: progress")
    parser.add_argument("name", nargs="?", default="", help="which exercise (default: the next)")
    parser.add_argument(
        "--folder", type=Path, help=f"where your answers are (default {FOLDER}, or here if you are in it)"
    )
    parser.add_argument("--all", action="store_true", help="check: every exercise whose gap is filled")
    parser.set_defaults(run=run_learn)


def run_learn(chosen: argparse.Namespace) -> int:
    """Do what was asked for; the status is 0, or 1 if an answer isn't right. Raises UsageError for misuse."""
    if chosen.all and (chosen.action != "check" or chosen.name):
        raise UsageError("--all goes with `tinydl learn check`, without a name")
    course = Course(chosen.folder or (Path() if Path(STATE).is_file() else FOLDER))
    for note in course.notes:
        say(note)
    if not chosen.action:
        return _show_progress(course)
    if chosen.all:
        return _check_all(course)
    name = course.find(chosen.name) if chosen.name else course.next()
    if not name:
        say(f"All {len(course.names)} exercises are done.")
        return 0
    if chosen.action == "hint":
        for text in course.hint(name):  # of a solution the lines stay, to be copied
            (print if text.startswith("A solution:") else say)(text)
        return 0
    result = course.check(name)
    _show(name, result)
    if result:
        course.solved(name)
        following = course.next()
        say(f"Next: {course.path(following)}" if following else f"All {len(course.names)} exercises are done.")
    else:
        say(f"The file: {course.path(name)}   (a hint: tinydl learn hint {name})")
    return int(not result)


def _show(name: str, result: Result) -> None:
    verdict = {"done": "right", "not_done": "not done"}.get(result.code, f"wrong ({result.code})")
    said = [text for text in (result.sentence, result.tried) if text and not result]
    say("\n  ".join([f"{name}: {verdict}", *said]))
    if result.printed:
        print("  It printed:", *result.printed.splitlines(), sep="\n    | ")


def _check_all(course: Course) -> int:
    right = True
    for name in course.names:
        if digest(course.path(name)) != course.state["given"].get(name):
            result = course.check(name)
            _show(name, result)
            right = right and bool(result)
    done = sum(map(course.done, course.names))
    print(f"{done} of {len(course.names)} exercises are done.")
    return int(not right or done < len(course.names))


def _show_progress(course: Course) -> int:
    if course.fresh:
        say(f"The exercises are in {course.folder} now: open a file in an editor and fill its gap, the `...`.\n")
    listed, number = lessons(), numbers()
    width = max(map(len, listed))
    for lesson, members in listed.items():
        marks = "".join("#" if course.done(name) else "." for name in members)
        known = ", ".join(name.removeprefix("ex_") for name in members)
        say(f"{number[lesson]:<2} {lesson:{width}}  [{marks:5}]  {known}", width + 14)
    print(f"{'':{width + 5}}# done, . to do")
    done, name = sum(map(course.done, course.names)), course.next()
    print(f"\n{done} of {len(course.names)} exercises are done.")
    if name:
        task = ast.get_docstring(ast.parse((exercises_folder() / f"{name}.py").read_text(encoding="utf-8"))) or ""
        print(f"\nNext: {course.path(name)}\n")
        say("\n".join(f"  {line}".rstrip() for line in task.splitlines()), 0)
        print(f"\nThen: tinydl learn check {name}")
    return 0
