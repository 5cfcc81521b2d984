"""Mistakes in what compiles a function, made on purpose one at a time: the tests of compiled functions notice each.

A mistake is a piece of tinydl/compiling/, which is there once, and what is put in its place, in a copy of the package.
On that the tests of compiled functions are run, in a process of their own, until one fails.
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
SECONDS = 300  # ten times what the tests take when nothing is wrong


@dataclass(frozen=True)
class Mistake:
    """What is wrong, and what is replaced by what."""

    what: str
    old: str
    new: str


MISTAKES = [
    # what is kept, and where it lies
    Mistake(
        "an array is written over by the call that reads it",
        "taken = [p for p in taken if p.last >= i]",
        "taken = [p for p in taken if p.last > i]",
    ),
    Mistake(
        "a result takes the place of an input that is needed later",
        "or v.storage not in self.places or self.lives[v.storage][1] != i:",
        "or v.storage not in self.places:",
    ),
    Mistake(
        "a result takes the place of an input of another form",
        "if v.whole and same and not others:",
        "if v.whole and not others:",
    ),
    Mistake("arrays lie over each other", "if place.start - start >= size:", "if place.start >= start:"),
    Mistake(
        "what the caller holds is written anew at the next call",
        'if storage.kind != "made" or storage.escapes or op is None',
        'if storage.kind != "made" or op is None',
    ),
    Mistake(
        "gradients that wait for an update are written over",
        "self.lives[v.storage][1] = max(self.lives[v.storage][1], end)",
        "pass",
    ),
    Mistake("threads share what is kept", "class _Here(threading.local):\n    step:", "class _Here:\n    step:"),
    # what is left out
    Mistake(
        "what only has an effect is left out",
        "                op.effect or any(v.storage in live for v in made)",
        "                any(v.storage in live for v in made)",
    ),
    Mistake(
        "what changes the caller's arrays is left out",
        "needed = needed or v.storage in live or v.storage.kind in GIVEN",
        "needed = needed or v.storage in live",
    ),
    Mistake(
        "a gradient that the next call reads is left out",
        "return p in self.recording.consumed and p in self.recording.cleared",
        "return p in self.recording.consumed",
    ),
    Mistake(
        "what depends on an array that is changed is computed once",
        'if any(v.storage.kind != "constant" or v.storage.changed for v in op.values())',
        'if any(v.storage.kind not in ("constant", "parameter") for v in op.values())',
    ),
    Mistake(
        "nobody notices that parameters changed",
        'self.line(f"    {self.each}.stamp = next_stamp()")',
        'self.line("    pass")',
    ),
    Mistake(
        "counts of steps aren't written",
        'self.line(f"    {own}[{op.name!r}] = {self.text(symbol)}")',
        'self.line("    pass")',
    ),
    # what is computed twice, and in place
    Mistake(
        "an array that was changed in place counts as what it was",
        "                content.of[v.storage] = content.new()",
        "                pass",
    ),
    Mistake(
        "an array stands for another though it is changed later",
        "    if uses.written_after(kept, i):\n        return False\n",
        "",
    ),
    Mistake(
        "one reduction counts as another",
        "parts: list[Any] = [op.kind, op.name, function, *",
        "parts: list[Any] = [op.kind, *",
    ),
    Mistake(
        "a call counts as the same with other options",
        "for x in [*op.args, *(item for pair in sorted(op.options.items()) for item in pair)] if targets else ():",
        "for x in op.args if targets else ():",
    ),
    Mistake(
        "what stands for an array is overwritten by what was left out",
        "if is_repeated and all(_makes(o, made) for o in before):",
        "if is_repeated:",
    ),
    Mistake(
        "a constant that isn't the same everywhere counts as one number",
        "and array.tobytes() == first.tobytes() * array.size",
        "and True",
    ),
    Mistake(
        "a number takes the place of an array that decides how the result lies",
        "return x.array.shape == out.shape and x.array.strides == out.strides",
        "return x.array.shape == out.shape",
    ),
    Mistake(
        "a mask is applied to what is needed later",
        "or made.escapes or uses.read_after(own, i) or uses.written_after(own, i)",
        "or made.escapes or uses.written_after(own, i)",
    ),
    Mistake(
        "a mask keeps what it should clear",
        "maker.function = _OPPOSITE[maker.function]",
        "pass",
    ),
    Mistake(
        "a mask that is a constant is turned round where nobody makes it",
        'if mask.storage.kind != "made" or mask.storage.escapes',
        "if mask.storage.escapes",
    ),
    Mistake(
        "an exponent that is an array counts as a number",
        "if op.function is np.power and x.__class__ is Value and x.array.ndim:",
        "if False:",
    ),
    Mistake(
        "constants that lie otherwise count as one",
        'key = ("constant", array.shape, array.strides, array.dtype, content)',
        'key = ("constant", array.shape, array.dtype, content)',
    ),
    Mistake(
        "how much a mask without axes takes isn't looked at",
        "any(v.array.dtype == bool for v in _values_in(args[1:]))",
        "any(v.array.dtype == bool and v.array.ndim for v in _values_in(args[1:]))",
    ),
    Mistake(
        "what is added to an array has another name than the array",
        'ufunc(made, unwrap(other), out=made, casting="same_kind")\n        return tensor',
        "return None",
    ),
    Mistake(
        "the caller may write into a parameter's gradient",
        'g.storage.kind == "made" and g.maker is None and g.storage not in self.plan.returned',
        'g.storage.kind == "made" and g.maker is None',
    ),
    Mistake(
        "an update that found no gradients does nothing for ever",
        "            elif p._requires_grad:\n                self._is_without(p)",
        "",
    ),
    Mistake(
        "clipping that found no gradients finds none for ever",
        "            elif p.__class__ is Tensor:\n                self._is_without(p)",
        "",
    ),
    Mistake(
        "what is changed first isn't put back where a call is given up",
        "if self.first_change < 0:",
        "if self.first_change < -1:",
    ),
    Mistake(
        "what the recorded call left is what the program copies from",
        'value.storage.array = value.storage.array.copy("K")',
        "pass",
    ),
    Mistake(
        "a sum of two constants has no axes",
        "_lies_as(v, out) and _one_number(v, kind) is None for v",
        "_lies_as(v, out) for v",
    ),
    Mistake(
        "after an error what was changed before stays changed",
        "            if self.checks_late:\n                self.restore(all_of_it)\n            elif",
        "            if",
    ),
    Mistake(
        "what can fail after a change isn't known",
        "(self.first_change >= 0 and _can_fail(op))",
        "False",
    ),
    Mistake(
        "a gradient set to None by hand is still there",
        "if value is None or not recorder.is_settled(t):",
        "if False:",
    ),
    Mistake(
        "a gradient set by hand to any array is taken for one of the program's",
        "                _check(recorder, t, value)",
        "                pass",
    ),
    Mistake(
        "gradients of what is frozen aren't seen",
        "if x.primitive is None and (x._requires_grad or x.grad is not None):",
        "if x.primitive is None and x._requires_grad:",
    ),
    # updates
    Mistake(
        "a large parameter's gradient has no name where only its momentum was known",
        "used = {row.g.storage, *(v.storage for op in ops for v in [*op.values(), *op.into])}",
        "used = {v.storage for op in ops for v in [*op.values(), *op.into]}",
    ),
    Mistake(
        "the last block of a large parameter isn't updated",
        "for i in range(0, {size}, {BLOCK})]",
        "for i in range(0, {size} - {BLOCK}, {BLOCK})]",
    ),
    Mistake(
        "parameters lie over each other where they are put together",
        "found.append(found[-1] + row.p.array.size)",
        "found.append(found[-1] + row.p.array.size // 2)",
    ),
    Mistake(
        "the first step counts as any other",
        "self.zeros.append((memory, name))",
        "pass",
    ),
    Mistake(
        "parameters that are further than others count as those",
        "if not any(memory is m for m in known[1]):",
        "if not known[1]:",
    ),
    # guards
    Mistake(
        "another array of a parameter isn't noticed",
        'tests.add(f"{{0}}._data is {{1}} and {{0}}._requires_grad is {p._requires_grad}", p, value.storage.array)',
        'tests.add(f"{{0}}._requires_grad is {p._requires_grad}", p)',
    ),
    Mistake(
        "a parameter that is frozen isn't noticed",
        "{{0}}._data is {{1}} and {{0}}._requires_grad is {p._requires_grad}",
        "{{0}}._data is {{1}}",
    ),
    Mistake(
        "a gradient that somebody left isn't noticed",
        'tests.add("{0}.grad is None", p)\n    _of_optimizers',
        "pass\n    _of_optimizers",
    ),
    Mistake(
        "settings of layers aren't compared",
        "if len(held) == n and all(held.get(key) is x for key, x in own):",
        "if True:",
    ),
    Mistake(
        "another layer in a model isn't noticed",
        "return left.keys() == were.keys() and all(is_like(left[key], x) for key, x in were.items())",
        "return True",
    ),
    Mistake(
        "numbers of the closure aren't compared",
        "tests.add(form, place.holder, place.value)",
        "pass",
    ),
    Mistake(
        "another form of a buffer isn't noticed",
        'tests.add(f"strided({{0}}{rest}) == {{1}}", own, strided(value.array))',
        "pass",
    ),
    Mistake(
        "settings that were written into groups aren't taken over",
        'tests.add("({0}.groups == {0}._seen or settled({0}))", o)',
        "pass",
    ),
    Mistake(
        "the quick way in doesn't look at strides",
        " and {0}.strides == {2} and {0}.dtype is {3}",
        " and {0}.dtype is {3}",
    ),
    Mistake(
        "the quick way in is open also where gradients aren't recorded",
        "state.recording and not state.observers and not here.running",
        "True and not state.observers and not here.running",
    ),
    Mistake(
        "the quick way in is open also while something observes",
        "state.recording and not state.observers and not here.running",
        "state.recording and not here.running",
    ),
    Mistake(
        "the quick way in is open also inside of a compiled function",
        "state.recording and not state.observers and not here.running",
        "state.recording and not state.observers",
    ),
    Mistake(
        "the quick way in doesn't look at the default dtype",
        'likes.append(f"default_dtype_now() is {tests.thing(default_dtype_now())}")',
        "pass",
    ),
    Mistake(
        "strides of arguments aren't compared",
        "key.append((x.shape, x.strides, x.dtype))",
        "key.append((x.shape, x.dtype))",
    ),
    Mistake(
        "that two arguments are the same array isn't noticed",
        "key.append((i, j, x is arrays[j]))",
        "pass",
    ),
    Mistake(
        "the default dtype isn't compared",
        "[state.recording, default_dtype_now()]",
        "[state.recording, None]",
    ),
    Mistake(
        "whether gradients are recorded isn't compared",
        "[state.recording, default_dtype_now()]",
        "[None, default_dtype_now()]",
    ),
    # when a program can't go on, and when it is compared
    Mistake(
        "random numbers that were drawn in vain aren't given back",
        "                    g.bit_generator.state = state\n            else:",
        "                    pass\n            else:",
    ),
    Mistake(
        "gradients that were forgotten in vain aren't given back",
        "                    p.grad = grad\n                for g",
        "                    pass\n                for g",
    ),
    Mistake(
        "a difference between program and function isn't told",
        "        if found:\n            program.restore(expected)",
        "        if False:\n            program.restore(expected)",
    ),
    Mistake(
        "what a call decided is taken for decided for ever",
        """            self.line(f"if {'not ' if op.outputs[0] else ''}{call}: run_the_function()")""",
        "            pass",
    ),
    Mistake(
        "that no label was ignored is taken for decided for ever",
        """            self.line(f"if {' or '.join(checks)}: run_the_function()")""",
        "            pass",
    ),
]

THE_PAIRS = "leaves_what"
REST = f"not {THE_PAIRS} and not printed"  # whose text nearly every mistake changes, whether it matters or not
SLOW_LAYERS = ("LSTM", "GRU", "RNN", "Attention", "Transformer", "maps", "images", "BatchNorm2d", "Dropout2d")
QUICK_PAIRS = f"{THE_PAIRS} and (Follows or Keeps or Shared or Tied or SameTensorTwice or Embedding)"
QUICK_PAIRS += "".join(f" and not {layer}" for layer in SLOW_LAYERS)


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """A copy of the package."""
    where = tmp_path_factory.mktemp("package")
    leave = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "tinydl", where / "tinydl", ignore=leave)
    shutil.copytree(ROOT / "tests", where / "tests", ignore=leave)
    shutil.copy(ROOT / "pyproject.toml", where)
    return where


def outcome(where):
    """The exit status of the tests of compiled functions with the package that lies there, and what they said."""
    for these in (REST, QUICK_PAIRS):
        # of long arrays that differ pytest would show all, which takes minutes on CI
        command = [sys.executable, "-B", "-m", "pytest", "-x", "-q", "-n0", "--assert=plain", "-p", "no:cacheprovider"]
        done = subprocess.run(
            [*command, "-k", these, "tests/test_compile.py"],
            cwd=where,
            env={**os.environ, "PYTHONPATH": str(where)},
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        if done.returncode:
            break
    return done.returncode, done.stdout + done.stderr


@pytest.mark.slow
def test_without_a_mistake_they_pass(copied):
    status, said = outcome(copied)
    assert status == 0, said


def test_there_are_at_least_twenty_and_each_has_its_place():
    assert len({mistake.what for mistake in MISTAKES}) == len(MISTAKES) >= 20
    for mistake in MISTAKES:
        path = file_of(mistake, ROOT)
        compile(path.read_text(encoding="utf-8").replace(mistake.old, mistake.new), path.name, "exec")


def file_of(mistake, where):
    """The one file that has the piece."""
    files = [*(where / "tinydl" / "compiling").glob("*.py")]
    found = [path for path in files for _ in range(path.read_text(encoding="utf-8").count(mistake.old))]
    assert len(found) == 1, f"this piece is there {len(found)} times: {mistake.old}"
    return found[0]


@pytest.mark.slow
@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.what)
def test_a_mistake_is_noticed(mistake, copied):
    path = file_of(mistake, copied)
    right = path.read_text(encoding="utf-8")
    path.write_text(right.replace(mistake.old, mistake.new), encoding="utf-8")
    try:
        status, said = outcome(copied)
    except subprocess.TimeoutExpired:
        return  # it ran forever, which is noticed
    finally:
        path.write_text(right, encoding="utf-8")
    assert status == 1, said[-2000:]
