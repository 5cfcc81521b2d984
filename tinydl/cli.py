"""The `tinydl` command: `gradcheck` checks derivative rules, ours and yours; the other subcommands are course/'s.

Each subcommand is a function that adds its parser, and one that runs it and gives the exit status: 0 if all is well,
1 if what was asked for failed (a wrong gradient), 2 if what was asked can't be meant. Stands on everything else.
"""

from __future__ import annotations

import argparse
import inspect
import math
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from . import __version__
from .checking import samples
from .checking.gradcheck import gradcheck
from .checking.report import Report
from .course.command import SPELLED, Parser, UsageError, did_you_mean, integer, reason
from .course.demo import add_demo_command
from .course.document import add_document_command
from .course.learn import add_learn_command
from .engine import dispatch
from .engine.tensor import Primitive

DESCRIPTION = "tinydl, a deep-learning engine small enough to read: train its demo, check derivatives, learn."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with these arguments (by default the process's) and give its exit status."""
    for stream in (sys.stdout, sys.stderr):  # a terminal that can't show a character shows others instead
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=SPELLED)
    parser = Parser(prog="tinydl", description=DESCRIPTION)
    parser.add_argument("--version", action="version", version=f"tinydl {__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="", parser_class=Parser)
    add_demo_command(subparsers)
    add_gradcheck_command(subparsers)
    add_document_command(subparsers)
    add_learn_command(subparsers)
    chosen = parser.parse_args(arguments)
    if not hasattr(chosen, "run"):
        parser.print_help()
        return 0
    try:
        status = int(chosen.run(chosen))
        sys.stdout.flush()
        return status
    except UsageError as error:
        print(f"tinydl: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("tinydl: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader, `head` say, has seen enough; what is still buffered goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


# ---- tinydl gradcheck ----

GRADCHECK_HELP = """\
Compares derivatives with numerical ones. Without names: every rule of tinydl's table; with names: those rules; with
path/to/file.py:name, a function of your own in plain NumPy and its derivative, found in the same file by its name:

  name_vjp(g, *inputs)   one gradient per input, given the gradient g of name's output
  name_grad(*inputs)     one gradient per input, for a name that returns a single number
  neither                if name was made by tl.primitive, its own rules are checked

The inputs are name_inputs, in the same file: a tuple of arrays, or a function that returns one. Without it, each
parameter that has no default gets an array of shape (3, 4) of standard normal numbers.

Exit status: 0 if all derivatives are right, 1 if one is wrong or undecided, 2 if there is nothing of that name.
"""


def add_gradcheck_command(subparsers: Any) -> None:
    """`tinydl gradcheck`: check the rules of the table, or a function and derivative in a user's file."""
    parser = subparsers.add_parser(
        "gradcheck",
        help="check derivative rules numerically: tinydl's own, or yours in a file",
        description=GRADCHECK_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="name | file.py:name", help="what to check (default: all rules)")
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
            raise UsageError(f"there is no rule called {name!r} in the table; {advice}")
    reports = [_check_file(name, chosen.seed) for name in files]
    right = all(reports)
    return int(not (_check_table(names, chosen.cases, chosen.seed) and right if names else right))


def _check_table(names: Sequence[str], cases: int, seed: int) -> bool:
    width = max(map(len, names))
    print(f"{'rule':{width}}  cases  derivatives  kinks  worst error  verdict")
    wrong = []
    for name in names:
        reports, error = _check_rule(name, cases, seed)
        verdict = next((r.verdict for r in reports if not r), "right")
        if error or not reports:
            verdict = "failed"
        rows, kinks = sum(len(r.rows) for r in reports), sum(r.count("kink") for r in reports)
        worst = max((r.worst for r in reports), default=math.nan)
        print(f"{name:{width}}  {len(reports):5d}  {rows:11d}  {kinks:5d}  {worst:11.1e}  {verdict}", flush=True)
        if verdict != "right":
            wrong.append((name, error or "no case could be drawn", [r for r in reports if not r]))
    for name, error, failed in wrong:
        print(f"\n{name}: {failed[0] if failed else error}")
    print(f"\n{len(names) - len(wrong)} of {len(names)} rules are right")
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
    return primitive.rule(i) is not None and isinstance(x, np.ndarray) and x.dtype.kind == "f"  # numbers are constants


def _check_file(name: str, seed: int) -> bool:
    """Check the function of a user's file against its name_vjp or name_grad."""
    path, _, function = name.rpartition(":")
    if not path or not function:
        raise UsageError(f"write {name or path}:name, with the function to check after the colon")
    found = _executed(Path(path))
    f = found.get(function)
    if not callable(f):
        advice = did_you_mean(function, [n for n, v in found.items() if callable(v)])
        raise UsageError(f"{path} has no function {function!r}" + (f"; {advice}" if advice else ""))
    rules = {kind: found[f"{function}_{kind}"] for kind in ("vjp", "grad") if callable(found.get(f"{function}_{kind}"))}
    if len(rules) != 1 and not isinstance(f, Primitive):
        both = f"both {function}_vjp and" if rules else f"neither {function}_vjp nor"
        raise UsageError(f"{path} has {both} {function}_grad; one of them is needed")
    inputs = _inputs(found, function, f, seed)
    try:
        f(*(x.copy() for x in inputs))
    except Exception as error:
        advice = f"; say what it takes in {function}_inputs = (…)" if f"{function}_inputs" not in found else ""
        shapes = ", ".join(str(x.shape) for x in inputs)
        raise UsageError(f"{function} can't be called with arrays of shape {shapes}: {error}{advice}") from error
    try:
        report = gradcheck(f, *inputs, seed=seed, **rules)
    except Exception as error:
        print(f"{name}: {type(error).__name__}: {error}")
        return False
    print(f"{name}: {report}")
    return bool(report)


def _executed(path: Path) -> dict[str, Any]:
    """The names that a Python file defines; it may import its neighbours."""
    try:
        source = path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise UsageError(f"{path} can't be read: {reason(error)}") from None
    found: dict[str, Any] = {"__name__": path.stem, "__file__": str(path)}
    sys.path.insert(0, str(path.resolve().parent))
    try:
        exec(compile(source, str(path), "exec"), found)
    except Exception as error:
        raise UsageError(f"{path} fails when it is run: {type(error).__name__}: {error}") from error
    finally:
        sys.path.pop(0)
    return found


def _inputs(found: dict[str, Any], function: str, f: Any, seed: int) -> list[Any]:
    given = found.get(f"{function}_inputs")
    if given is not None:
        given = given() if callable(given) else given
        given = given if isinstance(given, (tuple, list)) else (given,)
        return [np.asarray(x) for x in given]
    if isinstance(f, Primitive):
        count = 1 if f.each else len(f.rules)
    else:
        parameters = inspect.signature(f).parameters.values()
        count = sum(p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)
    rng = np.random.default_rng(seed)
    return [rng.standard_normal((3, 4)) for _ in range(max(count, 1))]
