"""Runs an answer, in a process of its own with a time limit, and says in a sentence what came of it.

answers.py judges what the answer computes, trial.py shows with which input.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .answers import VAGUE, Mistake, judge
from .exercises import companion
from .repairs import WATCH, Unfilled, repaired
from .trial import Trial

SECONDS = 10.0  # for one answer; a right one needs well under one, and a busy machine two to start Python
PRINTED = 600  # characters of what an answer prints that are shown


@dataclass(eq=False)
class Result:
    """What came of an answer: `code` is "done", "not_done" or names a kind of mistake; `sentence` says it in words,
    `tried` with which input."""

    code: str
    sentence: str
    printed: str = ""
    tried: str = ""

    def __bool__(self) -> bool:
        return self.code == "done"

    @property
    def vague(self) -> bool:
        """Whether the sentence says no more than that it is wrong."""
        return any(phrase in self.sentence for phrase in VAGUE)


class _Capped(io.StringIO):
    """Keeps the beginning of what is printed, so that an endless print fills no memory."""

    def write(self, text: str) -> int:
        if self.tell() < 4 * PRINTED:
            super().write(text)
        return len(text)


def check_text(name: str, text: str, file: str = "") -> Result:
    """Check an answer, given as the text of its file, in this process: for answers that are known to end."""
    file = file or f"{name}.py"
    try:
        tree = ast.parse(text, file)
        compile(tree, file, "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None)
        where = f" in line {line}" if line else ""
        return Result("syntax", f"Python can't read the file{where}: {getattr(error, 'msg', None) or error}.")
    gap = _gap(tree)
    if gap:
        return Result("not_done", f"Not done yet: the gap `...` is in line {gap}.")
    memory = Unfilled(file)
    result = _judged(name, file, tree, memory)
    if result:
        return result
    if memory.used:
        memory.number = 0.0
        filled = _judged(name, file, tree, memory)
        if filled or (result.code == "not_finite" and filled.code != "not_finite"):
            result.sentence = memory.used
            return result
    for remark, other in repaired(tree, companion(name)["FUNCTION"]) if result.vague else ():
        if _judged(name, file, other, Unfilled(file), {"BRIEF": True}):
            result.sentence = remark
            return result
    return result


def _judged(name: str, file: str, tree: ast.Module, memory: Unfilled, instead: dict[str, Any] | None = None) -> Result:
    """What comes of an answer whose uninitialised memory is `memory`, with other things known of the exercise."""
    printed, trial = _Capped(), Trial()
    try:
        code = compile(memory.watched(tree), file, "exec")
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed), np.errstate(all="ignore"):
            space: dict[str, Any] = {"__name__": name, "__file__": file, WATCH: memory.ufunc}
            with memory:
                exec(code, space)
                remark = judge({**companion(name), **(instead or {})}, space, trial)
        code_of, sentence = "done", f"Right. {remark}".strip()
    except Mistake as mistake:
        code_of, sentence = mistake.code, str(mistake)
        if mistake.code == "returns_nothing" and printed.getvalue():
            code_of, sentence = "prints", "It prints something and returns nothing: write `return` instead of `print`."
        elif mistake.code == "returns_nothing" and _returned_change(tree):
            sentence = f"{_returned_change(tree)} changes an array or list and gives None: return what it changed."
    except (Exception, SystemExit) as error:
        code_of, sentence = "raises", " ".join([_in_words(error, file), trial.remark]).strip()
    said = printed.getvalue().strip()
    said = said if len(said) <= PRINTED else said[:PRINTED] + " ..."
    return Result(code_of, sentence, said, "" if code_of == "done" else trial.text(code_of))


def check_file(name: str, path: Path, seconds: float = SECONDS) -> Result:
    """Check the answer in a file, in a process of its own that is ended after `seconds`."""
    with tempfile.TemporaryDirectory() as folder:
        outcome = Path(folder) / "result.json"
        package = str(Path(__file__).resolve().parents[2])
        environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
        environment["PYTHONPATH"] = os.pathsep.join(p for p in (package, os.environ.get("PYTHONPATH")) if p)
        command = "from tinydl.course.judging import _child; _child()"
        try:
            subprocess.run(
                [sys.executable, "-c", command, name, str(path.resolve()), str(outcome)],
                cwd=folder, env=environment, timeout=seconds, check=False,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return Result("endless", f"It hadn't ended after {seconds:g} seconds: is there a loop that never ends?")
        try:
            return Result(**json.loads(outcome.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return Result("ended", "It ended Python itself before it could be checked: is there an exit in it?")


def _child() -> None:
    name, path, outcome = sys.argv[1:]
    try:
        result = check_text(name, Path(path).read_text(encoding="utf-8-sig"), path)
    except UnicodeDecodeError:
        result = Result("syntax", "The file isn't UTF-8 text; save it as such.")
    Path(outcome).write_text(json.dumps(asdict(result)), encoding="utf-8")


def _gap(tree: ast.AST) -> int:
    """The line of a `...` that isn't an index, or 0."""
    indices = {id(n) for s in ast.walk(tree) if isinstance(s, ast.Subscript) for n in ast.walk(s.slice)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and node.value is Ellipsis and id(node) not in indices:
            return node.lineno
    return 0


def _returned_change(tree: ast.AST) -> str:
    """What is returned where it gives None, such as np.add.at; or ""."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Call):
            called = node.value.func
            if isinstance(called, ast.Attribute) and called.attr in ("at", "append", "extend", "fill", "put", "sort"):
                return ast.unparse(called)
    return ""


def _in_words(error: BaseException, file: str) -> str:
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    where = f" in line {lines[-1]}" if lines else ""
    text = " ".join(str(error).split())
    text = f": {text[:300]}" if text else ""
    if isinstance(error, RecursionError):
        text = ": the function calls itself again and again, with the same arguments or ever new ones"
    if isinstance(error, NameError) and error.name in ("i", "j"):
        text += " (the imaginary unit is written 1j, so that h times it is h * 1j)"
    if isinstance(error, TypeError) and ("for ^" in text or "bitwise_xor" in text):
        text += " (^ is no power in Python: write **)"
    if isinstance(error, ValueError) and "The truth value of an array" in text:
        text = (": if, max, min, and, or ask about one number, but this is an array; np.where(condition, a, b), "
                "np.maximum and comparisons such as x > 0 go through all of it (NumPy: the truth value of an array is "
                "ambiguous)")  # fmt: skip
    return f"It stops with {type(error).__name__}{where}{text}{'' if text.endswith(('.', '?', '!')) else '.'}"
