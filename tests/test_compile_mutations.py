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


MISTAKES = [
    # what is kept, and where it lies
    Mistake(
        "an array is written over by the call that reads it",
        "plan.py",
        "taken = [p for p in taken if p.last >= i]",
        "taken = [p for p in taken if p.last > i]",
    ),
    Mistake(
        "a result takes the place of an input that is needed later",
        "plan.py",
        "or v.storage not in self.places or self.lives[v.storage][1] != i:",
        "or v.storage not in self.places:",
    ),
    Mistake(
        "a result takes the place of an input of another form",
        "plan.py",
        "if v.whole and same and not others:",
        "if v.whole and not others:",
    ),
    Mistake("arrays lie over each other", "plan.py", "if place.start - start >= size:", "if place.start >= start:"),
    Mistake(
        "what the caller holds is written anew at the next call",
        "plan.py",
        'if storage.kind != "made" or storage.escapes or op is None',
        'if storage.kind != "made" or op is None',
    ),
    Mistake(
        "gradients that wait for an update are written over",
        "plan.py",
        "self.lives[v.storage][1] = max(self.lives[v.storage][1], end)",
        "pass",
    ),
    Mistake("threads share what is kept", "program.py", "class _Here(threading.local):", "class _Here:"),
    # what is left out
    Mistake(
        "what only has an effect is left out",
        "plan.py",
        "                op.effect or any(v.storage in live for v in made)",
        "                any(v.storage in live for v in made)",
    ),
    Mistake(
        "what changes the caller's arrays is left out",
        "plan.py",
        "needed = needed or v.storage in live or v.storage.kind in GIVEN",
        "needed = needed or v.storage in live",
    ),
    Mistake(
        "a gradient that the next call reads is left out",
        "plan.py",
        "return p in self.recording.consumed and p in self.recording.cleared",
        "return p in self.recording.consumed",
    ),
    Mistake(
        "what depends on an array that is changed is computed once",
        "plan.py",
        'if any(v.storage.kind != "constant" or v.storage.changed for v in op.values())',
        'if any(v.storage.kind not in ("constant", "parameter") for v in op.values())',
    ),
    Mistake("nobody notices that parameters changed", "text.py", "    p.stamp = next_stamp()", "    pass"),
    Mistake("counts of steps aren't written", "text.py", "    m[{op.name!r}] = {self.text(symbol)}", "    pass"),
    # what is computed twice, and in place
    Mistake(
        "an array that was changed in place counts as what it was",
        "shortening.py",
        "                content.of[v.storage] = content.new()",
        "                pass",
    ),
    Mistake(
        "an array stands for another though it is changed later",
        "shortening.py",
        "    if uses.written_after(kept, i):\n        return False\n",
        "",
    ),
    Mistake(
        "a mask is applied to what is needed later",
        "shortening.py",
        "or made.escapes or uses.read_after(own, i) or uses.written_after(own, i)",
        "or made.escapes or uses.written_after(own, i)",
    ),
    Mistake(
        "a mask keeps what it should clear",
        "shortening.py",
        "    maker.function = _OPPOSITE[maker.function]\n",
        "",
    ),
    # updates
    Mistake(
        "the last block of a large parameter isn't updated",
        "text.py",
        "for i in range(0, {size}, {BLOCK})]",
        "for i in range(0, {size} - {BLOCK}, {BLOCK})]",
    ),
    Mistake(
        "parameters lie over each other where they are put together",
        "updates.py",
        "found.append(found[-1] + row.p.array.size)",
        "found.append(found[-1] + row.p.array.size // 2)",
    ),
    Mistake(
        "the first step counts as any other",
        "settings.py",
        "self.zeros.append((memory, name))",
        "pass",
    ),
    Mistake(
        "parameters that are further than others count as those",
        "settings.py",
        "if not any(memory is m for m in known[1]):",
        "if not known[1]:",
    ),
    # guards
    Mistake(
        "another array of a parameter isn't noticed",
        "guards.py",
        'tests.add(f"{{0}}._data is {{1}} and {{0}}._requires_grad is {p._requires_grad}", p, value.storage.array)',
        'tests.add(f"{{0}}._requires_grad is {p._requires_grad}", p)',
    ),
    Mistake(
        "a parameter that is frozen isn't noticed",
        "guards.py",
        "{{0}}._data is {{1}} and {{0}}._requires_grad is {p._requires_grad}",
        "{{0}}._data is {{1}}",
    ),
    Mistake(
        "a gradient that somebody left isn't noticed",
        "guards.py",
        'tests.add("{0}.grad is None", p)\n    _of_optimizers',
        "pass\n    _of_optimizers",
    ),
    Mistake(
        "settings of layers aren't compared",
        "guards.py",
        "if not all(is_same(numbers_of(module), expected) for module, expected in self.numbers):",
        "if False:",
    ),
    Mistake(
        "another layer in a model isn't noticed",
        "guards.py",
        "if any(_inner(module) != inner for module, inner in self.inner):",
        "if False:",
    ),
    Mistake(
        "numbers of the closure aren't compared",
        "guards.py",
        'if setting.kind == "closure" and setting.expected:',
        "if False:",
    ),
    Mistake(
        "another form of a buffer isn't noticed",
        "guards.py",
        'tests.add(f"strided({{0}}{rest}) == {{1}}", own, strided(value.array))',
        "pass",
    ),
    Mistake(
        "settings that were written into groups aren't taken over",
        "guards.py",
        'tests.add("({0}.groups == {0}._seen or settled({0}))", o)',
        "pass",
    ),
    Mistake(
        "strides of arguments aren't compared",
        "compile.py",
        "key.append((x.shape, x.strides, x.dtype))",
        "key.append((x.shape, x.dtype))",
    ),
    Mistake(
        "that two arguments are the same array isn't noticed",
        "compile.py",
        "key.append((i, j, x is arrays[j]))",
        "pass",
    ),
    Mistake(
        "the default dtype isn't compared",
        "compile.py",
        "[state.recording, default_dtype_now()]",
        "[state.recording]",
    ),
    Mistake(
        "whether gradients are recorded isn't compared",
        "compile.py",
        "[state.recording, default_dtype_now()]",
        "[default_dtype_now()]",
    ),
    # when a program can't go on, and when it is compared
    Mistake(
        "random numbers that were drawn in vain aren't given back",
        "program.py",
        "                g.bit_generator.state = state\n            raise Diverged",
        "                pass\n            raise Diverged",
    ),
    Mistake(
        "gradients that were forgotten in vain aren't given back",
        "program.py",
        "                p.grad = grad\n            for g",
        "                pass\n            for g",
    ),
    Mistake(
        "a difference between program and function isn't told",
        "compile.py",
        "        if found:\n            program.restore(expected)",
        "        if False:\n            program.restore(expected)",
    ),
    Mistake(
        "labels are checked at the first call alone",
        "plan.py",
        'if op.kind in ("note", "write", "forget"):\n                found.append(op)\n                continue',
        'if op.kind in ("note", "write", "forget"):\n                found.append(op)\n                continue\n'
        '            if op.kind == "decide":\n                continue',
    ),
]

THE_PAIRS = "leaves_what"
REST = f"not {THE_PAIRS} and not printed"  # whose text nearly every mistake changes, whether it matters or not


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
    for these in (REST, THE_PAIRS):
        command = [sys.executable, "-B", "-m", "pytest", "-x", "-q", "-n0", "-p", "no:cacheprovider", "-k", these]
        done = subprocess.run(
            [*command, "tests/test_compile.py"],
            cwd=where,
            env={**os.environ, "PYTHONPATH": str(where)},
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        if done.returncode:
            break
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
