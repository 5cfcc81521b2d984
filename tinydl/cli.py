"""The `tinydl` command: `gradcheck` checks derivative rules, ours and yours; the other subcommands are course/'s.

Each subcommand is a function that adds its parser, and one that runs it and gives the exit status: 0 if all is well,
1 if what was asked for failed (a wrong gradient), 2 if what was asked can't be meant. Stands on everything else.
"""

from __future__ import annotations

import argparse
import inspect
import io
import math
import sys
import traceback
from collections.abc import Sequence
from contextlib import redirect_stdout
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from . import __version__
from .checking import samples
from .checking.gradcheck import gradcheck
from .checking.report import Report
from .course.command import Parser, UsageError, complain, did_you_mean, discard, integer, reason, say
from .course.demo import add_demo_command
from .course.document import add_document_command
from .course.learn import add_learn_command
from .course.program import add_program_command
from .engine import dispatch
from .engine.checks import kind
from .engine.tensor import Primitive
from .engine.terminal import SPELLED, columns, spell_on

DESCRIPTION = "tinydl, a deep-learning engine small enough to read: train its demo, check derivatives, learn."
EXAMPLES = """\
examples:
  tinydl demo
  tinydl gradcheck exp matmul
  tinydl document D11
  tinydl learn
  tinydl program

`tinydl demo --help` says what a command takes; so it is with the others.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with these arguments (by default the process's) and give its exit status."""
    spell_on(sys.stdout, sys.stderr)
    try:
        try:
            return _run(arguments)
        finally:  # --help ends in SystemExit
            if sys.stdout is not None:
                sys.stdout.flush()
    except UsageError as error:
        complain(str(error))
        return 2
    except KeyboardInterrupt:
        complain("interrupted")
        return 130
    except BrokenPipeError:  # the reader, `head` say, has seen enough
        discard(sys.stdout)
        return 141
    except OSError as error:  # a full disk, say
        discard(sys.stdout)
        complain(f"{error.filename or 'standard output'}: {reason(error)}" if error.errno else str(error))
        return 1


def _run(arguments: Sequence[str] | None) -> int:
    parser = Parser(prog="tinydl", description=DESCRIPTION, epilog=EXAMPLES)
    parser.add_argument("--version", action="version", version=f"tinydl {__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", parser_class=Parser)
    add_demo_command(subparsers)
    add_gradcheck_command(subparsers)
    add_document_command(subparsers)
    add_learn_command(subparsers)
    add_program_command(subparsers)
    chosen = parser.parse_args(arguments)
    if not hasattr(chosen, "run"):
        parser.print_help()
        return 0
    return int(chosen.run(chosen))


# ---- tinydl gradcheck ----

GRADCHECK_HELP = """\
Compares derivatives with numerical ones. Without names: every rule of tinydl's table; with names: those rules; with
path/to/file.py:name, a function of your own in plain NumPy and its derivative, found in the same file by its name:

  name_vjp(g, *inputs)   one gradient per input, given the gradient g of name's output
  name_grad(*inputs)     one gradient per input, for a name that returns a single number
  neither                if name was made by tl.primitive, its own rules are checked

The inputs are name_inputs, in the same file: a tuple of arrays, or a function that returns one. Without it, they are
the arrays that the file calls as the function calls its parameters; and if there are none, standard normal numbers of
shape (3, 4) for each parameter that has no default, or as a matrix product takes them, (3, 4), (4, 5) and so on.
"""
GRADCHECK_EXAMPLES = """\
examples:
  tinydl gradcheck
  tinydl gradcheck exp matmul --cases 20
  tinydl gradcheck file.py:product

Exit status: 0 if all derivatives are right, 1 if one is wrong or undecided, 2 if there is nothing of that name.
"""


def add_gradcheck_command(subparsers: Any) -> None:
    """`tinydl gradcheck`: check the rules of the table, or a function and derivative in a user's file."""
    parser = subparsers.add_parser(
        "gradcheck",
        help="check derivative rules numerically: tinydl's own, or yours in a file",
        description=GRADCHECK_HELP,
        epilog=GRADCHECK_EXAMPLES,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="a rule, or file.py:function (default: all rules)")
    parser.add_argument("--cases", type=integer(1), default=5, help="random cases per rule of the table (default 5)")
    parser.add_argument("--seed", type=integer(0), default=0, help="of the random cases (default 0)")
    parser.set_defaults(run=run_gradcheck)


def run_gradcheck(chosen: argparse.Namespace) -> int:
    """Check what was asked for; status 0 if all of it is right."""
    files = [name for name in chosen.names if ".py:" in name or name.endswith(".py")]
    names = [name for name in chosen.names if name not in files] or ([] if files else sorted(dispatch.primitives))
    for name in names:
        if name not in dispatch.primitives:
            advice = did_you_mean(name, dispatch.primitives, "`tinydl gradcheck` without names shows all")
            if ":" in name:
                advice = "for a function of your own write file.py:name, with the file's whole name"
            raise UsageError(f"there is no rule called {name!r} in the table; {advice}")
    reports = [_check_file(name, chosen.seed) for name in files]
    right = all(reports)
    return int(not (_check_table(names, chosen.cases, chosen.seed) and right if names else right))


def _check_table(names: Sequence[str], cases: int, seed: int) -> bool:
    width = max(map(len, names))
    wide = columns(80, anywhere=True) >= width + 52  # else only what decides is shown

    def row(name: str, cases: Any, derivatives: Any, kinks: Any, worst: str, verdict: str) -> None:
        counts = f"{cases:>5}  {derivatives:>11}  {kinks:>5}  " if wide else ""
        say(f"{name:{width}}  {counts}{worst:>11}  {verdict}")

    row("rule", "cases", "derivatives", "kinks", "worst error", "verdict")
    wrong = []
    for name in names:
        reports, error = _check_rule(name, cases, seed)
        verdict = next((r.verdict for r in reports if not r), "right")
        if error or not reports:
            verdict = "failed"
        rows, kinks = sum(len(r.rows) for r in reports), sum(r.count("kink") for r in reports)
        worst = max((r.worst for r in reports), default=math.nan)
        row(name, len(reports), rows, kinks, f"{worst:.1e}", verdict)
        if verdict != "right":
            wrong.append((name, error or "no case could be drawn", [r for r in reports if not r]))
    for name, error, failed in wrong:
        say(f"\n{name}: {failed[0] if failed else error}")
    say(f"\n{len(names) - len(wrong)} of {len(names)} rules are right")
    return not wrong


def _check_rule(name: str, cases: int, seed: int) -> tuple[list[Report], str]:
    """Reports on random cases that lie on no kink or tie (what happens there is a convention, stated in the table)."""
    primitive, draw = dispatch.primitives[name], samples.Draw(seed)
    reports: list[Report] = []
    for _ in range(20 * cases):
        if len(reports) == cases:
            break
        try:
            drawn = samples.sample(name, draw)
            if not drawn.smooth:
                continue
            checked = [i for i, x in enumerate(drawn.inputs) if _differentiable(primitive, i, x)]
            if not any(np.size(drawn.inputs[i]) for i in checked):
                continue

            def f(*given: Any, inputs: Any = drawn.inputs, options: Any = drawn.options, at: Any = checked) -> Any:
                replaced = dict(zip(at, given, strict=True))
                return primitive(*(replaced.get(i, x) for i, x in enumerate(inputs)), **options)

            reports.append(gradcheck(f, *(np.asarray(drawn.inputs[i], float) for i in checked)))
        except Exception as error:  # whatever a rule does wrong is the finding; the other rules are still checked
            return reports, f"{type(error).__name__}: {error}"
    return reports, ""


def _differentiable(primitive: Primitive, i: int, x: Any) -> bool:
    """Numbers are constants, and so is an array with −∞ in it, as a mask has."""
    floats = isinstance(x, np.ndarray) and x.dtype.kind == "f"
    return primitive.rule(i) is not None and floats and bool(np.isfinite(x).all())


def _check_file(name: str, seed: int) -> bool:
    """Check the function of a user's file against its name_vjp or name_grad."""
    path, _, function = name.rpartition(":")
    if not path or not function:
        raise UsageError(f"write {name.rstrip(':')}:name, with the function to check after the colon")
    found = _executed(Path(path))
    f = _function(found, function, path)
    checked = function.removesuffix("_vjp").removesuffix("_grad")
    if checked != function and callable(found.get(checked)):
        raise UsageError(f"{function} is the derivative of {checked}; write {path}:{checked} to check it")
    rules = {kind: found[f"{function}_{kind}"] for kind in ("vjp", "grad") if callable(found.get(f"{function}_{kind}"))}
    if len(rules) != 1 and not isinstance(f, Primitive):
        both = f"both {function}_vjp and" if rules else f"neither {function}_vjp nor"
        raise UsageError(f"{path} has {both} {function}_grad; one of them is needed")
    inputs = _inputs(found, function, f, seed)
    try:
        report = gradcheck(f, *inputs, seed=seed, **rules)
    except Exception as error:
        say(f"{name}: {_in_words(error, path)}")
        return False
    say(f"{name}: {report}")
    return bool(report)


def _executed(path: Path) -> dict[str, Any]:
    """The names that a Python file defines; it may import its neighbours. What it prints is shown as its own."""
    try:
        source = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeError) as error:
        raise UsageError(f"{path} can't be read: {reason(error)}") from None
    module = ModuleType(path.stem)
    module.__file__ = str(path)
    printed = _Printed(sys.stdout)
    known = sys.modules.setdefault(path.stem, module)  # where dataclasses, for one, look for it
    sys.path.insert(0, str(path.resolve().parent))
    try:
        with redirect_stdout(printed):
            exec(compile(source, str(path), "exec"), module.__dict__)
    except SystemExit:
        raise UsageError(f'{path} ends Python when it is run; write that under if __name__ == "__main__":') from None
    except Exception as error:
        raise UsageError(f"{path} fails when it is run: {_in_words(error, str(path))}") from error
    finally:
        sys.path.pop(0)
        if known is module:
            del sys.modules[path.stem]
        if text := printed.text():
            print(f"{path} prints:\n{text}\n", flush=True)
    return module.__dict__


class _Printed(io.TextIOWrapper):
    """Keeps what is printed; for whoever asks, it is as wide, and has the characters, as where it will be shown."""

    def __init__(self, there: Any) -> None:
        self._kept = io.BytesIO()
        super().__init__(self._kept, getattr(there, "encoding", None) or "utf-8", SPELLED, "\n")
        self._there = there

    def isatty(self) -> bool:
        return hasattr(self._there, "isatty") and bool(self._there.isatty())

    def text(self) -> str:
        """All of it."""
        self.flush()
        return self._kept.getvalue().decode(self.encoding).rstrip()


def _in_words(error: Exception, path: str) -> str:
    """What kind of error it is, the line of the file if it came from there, and what it says, on one line."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    line = getattr(error, "lineno", None) if isinstance(error, SyntaxError) else lines[-1] if lines else None
    said = error.msg if isinstance(error, SyntaxError) else str(error)
    text = f"{type(error).__name__}{f' in line {line}' if line else ''}"
    return f"{text}: {_on_one_line(said)}" if said else text


def _on_one_line(text: str) -> str:
    return " ".join(text.split())[:300]


def _function(found: dict[str, Any], name: str, path: str) -> Any:
    """The function of that name among those that a file defines."""
    if callable(found.get(name)):
        return found[name]
    if name in found:
        what = "an array" if isinstance(found[name], np.ndarray) else kind(found[name])
        raise UsageError(f"{name} in {path} is {what}, not a function")
    rules = [n for n in found if n.endswith(("_vjp", "_grad"))]
    advice = did_you_mean(name, [n for n, v in found.items() if callable(v) and n not in rules])
    raise UsageError(f"{path} has no function {name!r}" + (f"; {advice}" if advice else ""))


def _inputs(found: dict[str, Any], name: str, f: Any, seed: int) -> list[Any]:
    """The arrays of name_inputs; else those that the file calls as the parameters are called; else the first drawn
    that f can be called with."""
    own = f"{name}_inputs" in found
    if own:
        candidates = [_given(found[f"{name}_inputs"], name)]
    else:
        names = _parameters(f)
        candidates = []
        if all(_is_numbers(found.get(n)) for n in names):
            candidates = [[np.asarray(float(x) if isinstance(x, int) else x) for x in map(found.get, names)]]
        sizes = range(3, 4 + len(names))
        for shapes in ([(3, 4)] * len(names), list(pairwise(sizes))):
            rng = np.random.default_rng(seed)
            candidates.append([rng.standard_normal(shape) for shape in shapes])
    refused = ""
    for inputs in candidates:
        try:
            f(*(x.copy() for x in inputs))
        except Exception as error:
            given = ", ".join(str(x.shape) for x in inputs)
            refused = (
                refused or f"{name} can't be called with arrays of shape {given}: {' '.join(str(error).split())[:300]}"
            )
        else:
            return inputs
    raise UsageError(refused + ("" if own else f"; say what it takes in {name}_inputs = (...)"))


def _given(inputs: Any, name: str) -> list[Any]:
    try:
        inputs = inputs() if callable(inputs) else inputs
        arrays = [np.asarray(x) for x in (inputs if isinstance(inputs, (tuple, list)) else (inputs,))]
    except Exception as error:
        raise UsageError(f"{name}_inputs gives no arrays: {type(error).__name__}: {error}") from error
    if not all(map(_is_numbers, arrays)):
        raise UsageError(f"{name}_inputs should be a tuple of arrays of numbers, one for each input")
    return arrays


def _is_numbers(x: Any) -> bool:
    return isinstance(x, (np.ndarray, float, int)) and np.asarray(x).dtype.kind in "fiu"


def _parameters(f: Any) -> list[str]:
    """What a function calls its inputs: its parameters that have no default."""
    if isinstance(f, Primitive):
        return [f"input {i}" for i in range(1 if f.each else len(f.rules))]
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):  # of a function in C, NumPy's exp say
        return ["x"]
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [p.name for p in parameters if p.default is p.empty and p.kind in positional] or ["x"]
