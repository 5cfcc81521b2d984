"""Mistakes in what compiles a function, made on purpose one at a time: the tests of compiled functions notice each.

A mistake is a piece of a file of tinydl/compiling/ and what is put in its place, in a copy of the package on which a
part of the zoo is lived through, in a process of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 120

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Mistake:
    """What is wrong, in which file of tinydl/compiling/, and what is replaced by what."""

    what: str
    file: str
    old: str
    new: str


MISTAKES: list[Mistake] = []

LIVED_THROUGH = "tests/test_compile.py"


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """A copy of the package."""
    where = tmp_path_factory.mktemp("package")
    leave = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "tinydl", where / "tinydl", ignore=leave)
    shutil.copytree(ROOT / "tests", where / "tests", ignore=leave)
    shutil.copy(ROOT / "pyproject.toml", where)
    return where


def tested(where):
    """The exit status of the tests of compiled functions with the package that lies there, and what they said."""
    command = [
        sys.executable,
        "-B",
        "-m",
        "pytest",
        "-x",
        "-q",
        "-n0",
        "-p",
        "no:cacheprovider",
        *LIVED_THROUGH.split(),
    ]
    environment = {**os.environ, "PYTHONPATH": str(where)}
    done = subprocess.run(command, cwd=where, env=environment, capture_output=True, text=True, timeout=SECONDS)
    return done.returncode, done.stdout + done.stderr


def test_without_a_mistake_they_pass(copied):
    status, said = tested(copied)
    assert status == 0, said


def test_there_are_at_least_twenty():
    assert len(MISTAKES) >= 20
    assert len({mistake.what for mistake in MISTAKES}) == len(MISTAKES)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.what)
def test_a_mistake_is_noticed(mistake, copied):
    path = copied / "tinydl" / "compiling" / mistake.file
    right = path.read_text(encoding="utf-8")
    assert right.count(mistake.old) == 1, f"{mistake.file} has no such piece, or several: {mistake.old}"
    path.write_text(right.replace(mistake.old, mistake.new), encoding="utf-8")
    try:
        status, said = tested(copied)
    except subprocess.TimeoutExpired:
        return  # it ran forever, which is noticed
    finally:
        path.write_text(right, encoding="utf-8")
    assert status == 1, said[-2000:]
