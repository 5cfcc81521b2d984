"""`tinydl demo`: trains a network on real digits, tests it, draws how it went, and lets one draw digits for it.

The shortest whole program of the package: data, model, gradient check, fit, evaluate, pictures, a page.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__, data, nn, optim
from .. import functional as F
from ..checking.gradcheck import gradcheck
from ..engine import random
from ..engine.checks import listed
from ..engine.terminal import is_terminal
from ..training.fit import accuracy, evaluate, fit, predict
from ..training.history import History
from ..watching.diagnose import diagnose
from ..watching.lines import source_lines
from .command import UsageError, check_writable, complain, integer, positive, say

# ---- tinydl demo ----

OPTIMIZERS: dict[str, tuple[Callable[..., optim.Optimizer], float]] = {  # with the learning rate each has by default
    "adam": (optim.Adam, 0.005),
    "adamw": (optim.AdamW, 0.005),
    "rmsprop": (optim.RMSprop, 0.003),
    "adagrad": (optim.Adagrad, 0.03),
    "adadelta": (optim.Adadelta, 1.0),
    "sgd": (lambda params, lr: optim.SGD(params, lr=lr, momentum=0.9), 0.03),
}
HIDDEN = {"mlp": 128, "cnn": 32}  # how large each kind of network is by default
PICTURE = Path("tinydl-demo.png")
PAGE = Path("tinydl-backprop.html")
LEARNED = 0.5  # of the test digits are right: five times what guessing gives
SPLIT_SEED = 0  # which digits are for testing doesn't depend on --seed


EXAMPLES = """\
examples:
  tinydl demo
  tinydl demo --optimizer sgd --lr 0.1 --epochs 10
  tinydl demo --model cnn
  tinydl demo --hidden 32 --output digits.svg
  tinydl demo --explain

Exit status: 0 if the network learned, 1 if it didn't, with the likely cause, or a gradient is wrong, 2 if what was
asked for can't be meant.
"""


def add_demo_command(subparsers: Any) -> None:
    """`tinydl demo`: train a classifier of handwritten digits, and draw how it went."""
    rates = ", ".join(f"{name} {lr:g}" for name, (_, lr) in OPTIMIZERS.items())
    parser = subparsers.add_parser(
        "demo",
        help="train a network on real handwritten digits and draw how it went",
        description="Checks the gradient of a small network numerically, trains it on handwritten digits, tests it on "
        "a fifth of them that it never saw, and draws the result, beside which it writes a page where you draw a digit "
        "yourself. The same seed gives the same numbers.",
        epilog=EXAMPLES,
    )
    parser.add_argument("--epochs", type=integer(1), default=40, help="passes over the training digits (default 40)")
    parser.add_argument("--lr", type=positive, help=f"the first learning rate (by default {rates})")
    parser.add_argument(
        "--model", choices=HIDDEN, default="mlp", metavar="KIND",
        help="mlp, one hidden layer of units that see all pixels, or cnn, two convolutions (default mlp)",
    )  # fmt: skip
    parser.add_argument(
        "--hidden", type=integer(1), help="units in the mlp's hidden layer, or maps of the cnn's second convolution "
        f"(by default {listed([f'{kind} {size}' for kind, size in HIDDEN.items()])})",
    )  # fmt: skip
    parser.add_argument(
        "--optimizer", choices=OPTIMIZERS, default="adam", metavar="NAME",
        help=f"{listed(list(OPTIMIZERS), 9)} (default adam; sgd has momentum 0.9)",
    )  # fmt: skip
    parser.add_argument("--seed", type=integer(0), default=0, help="of weights, dropout and shuffling (default 0)")
    parser.add_argument("--output", type=Path, default=PICTURE, help=f"the picture (default {PICTURE})")
    parser.add_argument(
        "--explain", type=Path, nargs="?", const=PAGE, metavar="PAGE",
        help=f"also write a page that steps through the trained network's backpropagation (default {PAGE})",
    )  # fmt: skip
    parser.set_defaults(run=run_demo)


def run_demo(chosen: argparse.Namespace) -> int:
    """Check, train, test, draw."""
    _check_output(chosen.output)
    check_writable("--output", _drawing_page(chosen.output))
    if chosen.explain:
        check_writable("--explain", chosen.explain)
    started = time.perf_counter()
    with random.seeded(chosen.seed), np.errstate(all="ignore"):  # what comes of a rate too high is said below
        hidden = chosen.hidden = chosen.hidden or HIDDEN[chosen.model]
        train, test = data.split(_digits(chosen.model), 0.8, seed=SPLIT_SEED, stratify=True)
        train, validation = data.split(train, 0.9, seed=SPLIT_SEED, stratify=True)
        model = asked_model(hidden, chosen.model)
        size = sum(p.size for p in model.parameters())
        kind = f"64-{hidden}-10" if chosen.model == "mlp" else f"of convolutions with {_maps(hidden)} and {hidden} maps"
        say(f"tinydl {__version__}: a network {kind} ({size:,} parameters) learns handwritten digits")
        sizes = f"{len(train)} digits to train on, {len(validation)} for validation, {len(test)} for the test"
        say(f"{sizes}; seed {chosen.seed}")
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
            complain(f"the training diverged; {advice}. {error}")
            return 1
    if history.stopped and not len(history):
        raise KeyboardInterrupt
    result = evaluate(model, test, loss=F.cross_entropy, metrics={"accuracy": accuracy})
    right = round(result["accuracy"] * len(test))
    after = f"after {len(history)} epochs, {history.stopped}" if history.stopped else "digits that it never saw"
    score = f"accuracy {result['accuracy']:.2%}, loss {_number(result['loss'])}"
    say(f"\ntest: {right} of {len(test)} right, {score} ({after})")
    _draw(chosen.output, history, test, predict(model, test.x).argmax(1), result["accuracy"])
    _write_drawing_page(_drawing_page(chosen.output), model)
    if chosen.explain:
        _write_page(chosen.explain, model, test[:4])
    print(f"picture: {chosen.output}   ({time.perf_counter() - started:.1f} s in all)")
    if history.stopped:  # by Ctrl-C, whatever came of it until then
        return 130
    return 0 if result["accuracy"] > LEARNED else _say_why(chosen, model, optimizer, history, train)


def demo_model(hidden: int, kind: str = "mlp") -> nn.Sequential:
    """The demo's network: one hidden layer, or two convolutions, a quarter of them dropped at random in training."""
    if kind == "mlp":
        return nn.Sequential(nn.Linear(64, hidden), nn.ReLU(), nn.Dropout(0.25), nn.Linear(hidden, 10))
    return nn.Sequential(
        nn.Conv2d(1, _maps(hidden), 3, padding=1), nn.ReLU(), nn.Conv2d(_maps(hidden), hidden, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2), nn.Dropout(0.25), nn.Flatten(), nn.Linear(16 * hidden, 10),
    )  # fmt: skip


def _maps(hidden: int) -> int:
    """How many maps the first convolution has: half as many as the second."""
    return max(1, hidden // 2)


def _digits(kind: str) -> data.Dataset:
    """The digits as rows of 64 pixels, or as images (1, 8, 8)."""
    if kind == "mlp":
        return data.digits()
    x, y = data.digits(images=True)
    return data.Dataset(x[:, None], y)


def asked_model(hidden: int, kind: str = "mlp") -> nn.Sequential:
    """The same, of as many units as the user wants; UsageError where there is no room for them."""
    try:
        return demo_model(hidden, kind)
    except (MemoryError, ValueError, OverflowError):  # the last two for more units than an axis can have
        raise UsageError(f"there isn't enough memory for --hidden {hidden}") from None


def _gradient_is_right(model: nn.Module, examples: data.Dataset) -> bool:
    """Compare backpropagation with numerical differentiation, and say what came out."""
    model.eval()  # dropout would make another function of every call
    report = gradcheck(lambda: F.cross_entropy(model(examples.x), examples.y), module=model, coordinates=60)
    model.train()
    say(f"gradient check on {len(examples)} digits: {report.verdict} (worst relative error {report.worst:.1e})")
    if not report:
        print(report)
    return bool(report)


def _say_why(
    chosen: argparse.Namespace, model: nn.Module, optimizer: optim.Optimizer, history: History, train: data.Dataset
) -> int:
    """What `diagnose` makes of a network that hasn't learned: 1, or 0 if nothing but time was lacking.

    It is asked of the network as it was at first, since after the harm a rate may no longer show that it was wrong; and
    if that has nothing, of what became of it.
    """
    with random.seeded(chosen.seed):
        first = demo_model(chosen.hidden, chosen.model)
    make, rate = OPTIMIZERS[chosen.optimizer]
    batch, loss = train[:256], F.cross_entropy
    with np.errstate(all="ignore"):  # a rate far too high overflows; the verdict says so
        found = diagnose(first, batch, loss, make(first.parameters(), lr=chosen.lr or rate)) or diagnose(
            model, batch, loss, optimizer, history
        )
    say("\nFewer than half are right." + ("" if found else " Try more --epochs."))
    say(str(found))
    return int(bool(found))


def _number(loss: float) -> str:
    return f"{loss:.4f}" if loss < 1e6 else f"{loss:.3e}"


def _print_epoch(epoch: int, history: History) -> None:
    right, val_right = (history[n][epoch] for n in ("accuracy", "val_accuracy"))
    loss, val_loss = (_number(history[n][epoch]) for n in ("loss", "val_loss"))
    line = f"{epoch + 1:5d}   {loss:>13}  {right:8.2%}   {val_loss:>15}  {val_right:8.2%}"
    if is_terminal(sys.stderr):
        from tqdm import tqdm

        tqdm.write(line, file=sys.stdout)  # above the progress bar instead of through it
    else:
        print(line, flush=True)


def _draw(path: Path, history: History, test: data.Dataset, said: Any, accuracy: float, most: int = 24) -> None:
    from matplotlib.figure import Figure

    from .. import plots
    from ..plots.style import save_figure

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
    save_figure(figure, path, 110)


def _write_page(path: Path, model: nn.Module, examples: data.Dataset) -> None:
    from ..plots import backprop_page

    model.eval()
    with source_lines():
        loss = F.cross_entropy(model(examples.x), examples.y)
    backprop_page(loss, path)
    say(f"page: {path}, backpropagation of {len(examples)} test digits step by step; open it in a browser")


def _drawing_page(picture: Path) -> Path:
    """Beside the picture."""
    return picture.with_name(f"{picture.stem}-draw.html")


def _write_drawing_page(path: Path, model: nn.Module) -> None:
    from ..plots import digit_page

    try:
        digit_page(model, path)
    except ValueError as error:  # more weights than a page can hold
        say(f"no page to draw in: {error}")
    else:
        say(f"page: {path}, in which you draw a digit yourself; open it in a browser")


def _check_output(path: Path) -> None:
    """Complain before the training about a picture that couldn't be written after it."""
    from matplotlib.backend_bases import FigureCanvasBase

    known = FigureCanvasBase.get_supported_filetypes()
    if path.suffix[1:].lower() not in known:
        raise UsageError(f"--output {path}: a picture's name ends in .png, .pdf or .svg")
    check_writable("--output", path)
