"""The exercises that come with tinydl: which there are, in which lesson and order, and what belongs to each."""

from __future__ import annotations

import functools
import re
import runpy
from pathlib import Path
from typing import Any

from .command import UsageError

EXCURSION = "excursion "


def exercises_folder() -> Path:
    """Where the exercises lie: inside the package if it was installed from a wheel, else in the clone."""
    here = Path(__file__).resolve().parents[1]
    for folder in (here / "exercises", here.parent / "tutorials" / "exercises"):
        if folder.is_dir():
            return folder
    raise UsageError("this installation has no exercises; install tinydl from a wheel, or run it from a clone")


def lessons() -> dict[str, dict[str, str]]:
    """The lessons, then the excursions: of each its exercises in order, with what it was called before, or ""."""
    found: dict[str, dict[str, str]] = {}
    for heading, members in _order():
        pairs = re.findall(r"(\w+)(?: \((\w+)\))?", members)
        lesson = heading.removeprefix(EXCURSION)
        found[lesson] = {f"ex_{name}": f"ex_{number}_{name}" if number else "" for name, number in pairs}
    return found


def numbers() -> dict[str, str]:
    """What a lesson's title begins with: "1", "2", …, and of the excursions "E1", "E2", …."""
    found: dict[str, str] = {}
    for heading, _ in _order():
        letter = "E" if heading.startswith(EXCURSION) else ""
        before = sum(number.startswith("E") == bool(letter) for number in found.values())
        found[heading.removeprefix(EXCURSION)] = f"{letter}{before + 1}"
    return found


def _order() -> list[tuple[str, str]]:
    """The lines of order.txt: a lesson's slug, with "excursion " before it if it is off the way, and its exercises."""
    lines = (exercises_folder() / "order.txt").read_text(encoding="utf-8").splitlines()
    return [
        (before, after) for before, _, after in (line.partition(": ") for line in lines if line[:1] not in ("", "#"))
    ]


def names() -> list[str]:
    """The exercises' names, in the order of the lessons."""
    return [name for members in lessons().values() for name in members]


def former_names() -> dict[str, str]:
    """What exercises were called when they had numbers, and what the same ones are called now."""
    return {old: name for members in lessons().values() for name, old in members.items() if old}


def companion(name: str) -> dict[str, Any]:
    """What belongs to an exercise and isn't shown: SOLUTION, HINTS, WRONG, cases and how to check.

    Answers that are wrong altogether stand in INSTEAD, as a body or as what is returned, and come into WRONG here.
    INTO are the positions of arguments that an answer is to write to, SCRATCH of those that it may change, too; with
    LEAN it mustn't make arrays of their size.
    """
    return _companion(exercises_folder() / "_answers" / f"{name}.py")


@functools.cache
def _companion(path: Path) -> dict[str, Any]:
    known = runpy.run_path(str(path))
    body = re.split(rf"def {known['FUNCTION']}\(.*\):\n", known["SOLUTION"])[-1]
    known["WRONG"] += tuple(
        (code, body, new if new.startswith("    ") else f"    return {new}\n", sentence)
        for code, new, sentence in known.get("INSTEAD", ())
    )
    return known
