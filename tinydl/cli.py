"""The `tinydl` command: `demo` trains a network on real digits, `gradcheck` checks derivative rules, ours and yours;
`learn` is learn.py's.

Each subcommand is a function that adds its parser, and one that runs it and gives the exit status: 0 if all is well,
1 if what was asked for failed (a wrong gradient), 2 if what was asked can't be meant. Stands on everything else.
"""

from __future__ import annotations

import argparse
import difflib
import inspect
import math
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from . import __version__, data, dispatch, nn, optim, random
from . import functional as F
from .debug import source_lines
from .derivatives import samples
from .document import add_document_command
from .gradcheck import Report, gradcheck
from .learn import LearnError, add_learn_command
from .tensor import Primitive
from .training import History, accuracy, evaluate, fit, predict

DESCRIPTION = "tinydl, a deep-learning engine small enough to read: train its demo, check derivatives, learn."


class UsageError(Exception):
    """A request that can't be meant; the message is the one line that the user sees."""


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaints are a single line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with these arguments (by default the process's) and give its exit status."""
    for stream in (sys.stdout, sys.stderr):  # a terminal that can't show a character shows another one instead
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
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
    except (UsageError, LearnError) as error:
        print(f"tinydl: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("tinydl: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader, `head` say, has seen enough; what is still buffered goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


# ---- tinydl demo ----

OPTIMIZERS: dict[str, tuple[Callable[..., optim.Optimizer], float]] = {  # with the learning rate each has by default
    "adam": (optim.Adam, 0.005),
    "adamw": (optim.AdamW, 0.005),
    "rmsprop": (optim.RMSprop, 0.003),
    "adagrad": (optim.Adagrad, 0.03),
    "adadelta": (optim.Adadelta, 1.0),
    "sgd": (lambda params, lr: optim.SGD(params, lr=lr, momentum=0.9), 0.03),
}
PICTURE = Path("tinydl-demo.png")
PAGE = Path("tinydl-backprop.html")
SPLIT_SEED = 0  # which digits are for testing doesn't depend on --seed


def add_demo_command(subparsers: Any) -> None:
    """`tinydl demo`: train a classifier of handwritten digits, and draw how it went."""
    rates = ", ".join(f"{name} {lr:g}" for name, (_, lr) in OPTIMIZERS.items())
    parser = subparsers.add_parser(
        "demo",
        help="train a network on real handwritten digits and draw how it went",
        description="Checks the gradient of a small network numerically, trains it on handwritten digits, tests it on "
        "a fifth of them that it never saw, and draws the result. The same seed gives the same numbers.",
    )
    parser.add_argument("--epochs", type=_integer(1), default=40, help="passes over the training digits (default 40)")
    parser.add_argument("--lr", type=_positive, help=f"the first learning rate (by default {rates})")
    parser.add_argument("--hidden", type=_integer(1), default=128, help="units in the hidden layer (default 128)")
    parser.add_argument("--optimizer", choices=OPTIMIZERS, default="adam", help="default adam; sgd has momentum 0.9")
    parser.add_argument("--seed", type=_integer(0), default=0, help="of weights, dropout and shuffling (default 0)")
    parser.add_argument("--output", type=Path, default=PICTURE, help=f"the picture (default {PICTURE})")
    parser.add_argument(
        "--explain", type=Path, nargs="?", const=PAGE, metavar="PAGE",
        help=f"also write a page that steps through the trained network's backpropagation (default {PAGE})",
    )  # fmt: skip
    parser.set_defaults(run=run_demo)


def run_demo(chosen: argparse.Namespace) -> int:
    """Check, train, test, draw."""
    _check_output(chosen.output)
    if chosen.explain:
        _check_writable("--explain", chosen.explain)
    started = time.perf_counter()
    with random.seeded(chosen.seed):
        train, test = data.split(data.digits(), 0.8, seed=SPLIT_SEED, stratify=True)
        train, validation = data.split(train, 0.9, seed=SPLIT_SEED, stratify=True)
        try:
            model = demo_model(chosen.hidden)
        except MemoryError:
            raise UsageError(f"there isn't enough memory for --hidden {chosen.hidden}") from None
        size = sum(p.size for p in model.parameters())
        print(f"tinydl {__version__}: a network 64-{chosen.hidden}-10 ({size:,} parameters) learns handwritten digits")
        sizes = f"{len(train)} digits to train on, {len(validation)} for validation, {len(test)} for the test"
        print(f"{sizes}; seed {chosen.seed}")
        if not _gradient_is_right(model, train[:8]):
            return 1
        make, rate = OPTIMIZERS[chosen.optimizer]
        optimizer = make(model.parameters(), lr=chosen.lr or rate)
        print("\nepoch   training loss  accuracy   validation loss  accuracy")
        try:
            history = fit(
                model, train, loss=F.cross_entropy, optimizer=optimizer, epochs=chosen.epochs, batch_size=32,
                validation=validation, metrics={"accuracy": accuracy}, callbacks=[_print_epoch],
                schedule=optim.CosineAnnealingLR(optimizer, chosen.epochs),
            )  # fmt: skip
        except FloatingPointError as error:
            advice = f"try a smaller --lr than {chosen.lr or rate:g}"
            print(f"tinydl: the training diverged; {advice}. {error}", file=sys.stderr)
            return 1
    if history.stopped and not len(history):
        raise KeyboardInterrupt
    result = evaluate(model, test, loss=F.cross_entropy, metrics={"accuracy": accuracy})
    right = round(result["accuracy"] * len(test))
    after = f"after {len(history)} epochs, {history.stopped}" if history.stopped else "digits that it never saw"
    score = f"accuracy {result['accuracy']:.2%}, loss {result['loss']:.4f}"
    print(f"\ntest: {right} of {len(test)} right, {score} ({after})")
    _draw(chosen.output, history, test, predict(model, test.x).argmax(1), result["accuracy"])
    if chosen.explain:
        _write_page(chosen.explain, model, test[:4])
    print(f"picture: {chosen.output}   ({time.perf_counter() - started:.1f} s in all)")
    return 0


def demo_model(hidden: int) -> nn.Sequential:
    """The demo's network: one hidden layer, a quarter of which is dropped at random in training."""
    return nn.Sequential(nn.Linear(64, hidden), nn.ReLU(), nn.Dropout(0.25), nn.Linear(hidden, 10))


def _gradient_is_right(model: nn.Module, examples: data.Dataset) -> bool:
    """Compare backpropagation with numerical differentiation, and say what came out."""
    model.eval()  # dropout would make another function of every call
    report = gradcheck(lambda: F.cross_entropy(model(examples.x), examples.y), module=model, coordinates=60)
    model.train()
    print(f"gradient check on {len(examples)} digits: {report.verdict} (worst relative error {report.worst:.1e})")
    if not report:
        print(report)
    return bool(report)


def _print_epoch(epoch: int, history: History) -> None:
    loss, right, val_loss, val_right = (history[n][epoch] for n in ("loss", "accuracy", "val_loss", "val_accuracy"))
    line = f"{epoch + 1:5d}   {loss:13.4f}  {right:8.2%}   {val_loss:15.4f}  {val_right:8.2%}"
    if sys.stderr is not None and sys.stderr.isatty():
        from tqdm import tqdm

        tqdm.write(line, file=sys.stdout)  # above the progress bar instead of through it
    else:
        print(line, flush=True)


def _draw(path: Path, history: History, test: data.Dataset, said: Any, accuracy: float, most: int = 24) -> None:
    from matplotlib.figure import Figure

    from . import plots

    wrong = np.flatnonzero(said != test.y)
    shown = wrong[:most]
    rows = max(1, math.ceil(len(shown) / 12))
    figure: Any = Figure(figsize=(11, 6.2 + 1.25 * rows), layout="constrained")
    figure.suptitle(f"tinydl demo: {accuracy:.2%} of {len(test)} handwritten test digits right")
    above, below = figure.subfigures(2, 1, height_ratios=[5.4, 0.4 + 1.25 * rows])
    left, right = above.subfigures(1, 2)
    plots.curves(history, "loss", left.subplots())
    plots.confusion_matrix(test.y, said, right.subplots())
    rest = f", the first {most}" if len(wrong) > most else ""
    below.suptitle(f"the {len(wrong)} test digits it got wrong{rest}" if len(wrong) else "it got no test digit wrong")
    plots.images(test.x[shown].reshape(-1, 8, 8), below.subplots(), test.y[shown], said[shown], columns=12)
    try:
        figure.savefig(path, dpi=110)
    except OSError as error:
        raise UsageError(f"the picture can't be written to {path}: {error.strerror or error}") from None


def _write_page(path: Path, model: nn.Module, examples: data.Dataset) -> None:
    from .plots import backprop_page

    model.eval()
    with source_lines():
        loss = F.cross_entropy(model(examples.x), examples.y)
    backprop_page(loss, path)
    print(f"page: {path}, backpropagation of {len(examples)} test digits step by step; open it in a browser")


def _check_output(path: Path) -> None:
    """Complain before the training about a picture that couldn't be written after it."""
    from matplotlib.backend_bases import FigureCanvasBase

    known = FigureCanvasBase.get_supported_filetypes()
    if path.suffix[1:].lower() not in known:
        raise UsageError(f"--output {path}: a picture's name ends in .png, .pdf or .svg")
    _check_writable("--output", path)


def _check_writable(option: str, path: Path) -> None:
    existed = path.exists()
    try:
        with open(path, "ab"):
            pass
        if not existed:
            path.unlink()
    except (OSError, ValueError) as error:
        raise UsageError(f"{option} {path} can't be written: {getattr(error, 'strerror', None) or error}") from None


def _integer(least: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} isn't a whole number") from None
        if value < least:
            raise argparse.ArgumentTypeError(f"it must be at least {least}, not {value}")
        return value

    return parse


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} isn't a number") from None
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"it must be a finite number above 0, not {text}")
    return value


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
    parser.add_argument("--cases", type=_integer(1), default=5, help="random cases per rule of the table (default 5)")
    parser.add_argument("--seed", type=_integer(0), default=0, help="of the random cases (default 0)")
    parser.set_defaults(run=run_gradcheck)


def run_gradcheck(chosen: argparse.Namespace) -> int:
    """Check what was asked for; status 0 if all of it is right."""
    files = [name for name in chosen.names if ".py:" in name or name.endswith(".py")]
    names = [name for name in chosen.names if name not in files] or ([] if files else sorted(dispatch.primitives))
    for name in names:
        if name not in dispatch.primitives:
            close = difflib.get_close_matches(name, dispatch.primitives, 3, 0.4)
            advice = f"did you mean {' or '.join(close)}?" if close else "`tinydl gradcheck` without names shows all"
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
    has_rule = primitive.each or primitive.rules[i] is not None
    return has_rule and isinstance(x, np.ndarray) and x.dtype.kind == "f"  # numbers are constants


def _check_file(name: str, seed: int) -> bool:
    """Check the function of a user's file against its name_vjp or name_grad."""
    path, _, function = name.rpartition(":")
    if not path or not function:
        raise UsageError(f"write {name or path}:name, with the function to check after the colon")
    found = _executed(Path(path))
    f = found.get(function)
    if not callable(f):
        close = difflib.get_close_matches(function, [n for n, v in found.items() if callable(v)], 3, 0.4)
        advice = f"; did you mean {' or '.join(close)}?" if close else ""
        raise UsageError(f"{path} has no function {function!r}{advice}")
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
        raise UsageError(f"{path} can't be read: {getattr(error, 'strerror', None) or error}") from None
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
