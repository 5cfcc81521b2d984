"""The care around a run of training: that its best epoch is kept, and that it ends well however it ends.

A NaN is traced to where it began, Ctrl-C tears no update in two, every module comes back in the mode it came in.
Nothing here knows how a step is made; fit.py, which does, calls all of it.
"""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..engine import random
from ..engine.arrays import Array, euclidean_norm
from ..engine.checks import first
from ..engine.tensor import Tensor
from ..engine.terminal import is_terminal
from ..nn import Module
from ..nn.state import remembered
from ..watching.anomaly import detect_anomaly
from .feeding import Batch
from .history import History
from .saving import save


class Best:
    """Remembers the epoch with the lowest loss: its weights (with patience) and its file (with checkpoint)."""

    def __init__(self, model: Module, patience: int | None, checkpoint: Any, for_file: bool = False) -> None:
        """With `for_file`, `weights` is what a file needs of that epoch, too."""
        self.model, self.patience, self.checkpoint, self.for_file = model, patience, checkpoint, for_file
        self.lowest, self.since = math.inf, 0
        self.put_back: Callable[[], None] | None = None
        self.weights: dict[str, Array] = {}

    def consider(self, loss: float) -> None:
        """Keep the model as it is now if this loss is the lowest so far."""
        self.since += 1
        if loss < self.lowest:
            self.lowest, self.since = loss, 0
            if self.patience is not None:
                self.remember()
            if self.checkpoint is not None:
                save(self.model, self.checkpoint)

    def remember(self) -> None:
        """Keep the weights as they are now."""
        self.put_back, self.weights = remembered(self.model), self.model.state_dict() if self.for_file else {}

    @property
    def exhausted(self) -> bool:
        """Whether the patience is."""
        return self.patience is not None and self.since >= self.patience

    def restore(self) -> None:
        """Give the model its best weights, if they were kept."""
        if self.put_back is not None:
            self.put_back()


def snapshot(model: Module, buffers: bool) -> Callable[[], None]:
    """A function that puts back, as they are now, the default Generator and the model's `buffers`."""
    dice = random.generator().bit_generator.state
    put_back = remembered(model, weights=False) if buffers else None

    def undo() -> None:
        random.generator().bit_generator.state = dice
        if put_back is not None:
            put_back()

    return undo


FINITE_AGAIN = "Run again, the same examples stayed finite: does the model draw random numbers of its own?"


def first_not_finite(again: Callable[[], object], model: Module, x: Array, y: Array) -> str:
    """Where a NaN or infinity began: in what was given, or else at the operation at which `again`, under observation,
    is stopped."""
    given = {"the inputs": x, "the targets": y}
    for what, array in (given | {f"the parameter {name}": p.data for name, p in model.named_parameters()}).items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            index = first(~np.isfinite(array))
            return f"Before any operation, {what} had {array[index]} at index {index}."
    try:
        with detect_anomaly():
            again()
    except FloatingPointError as error:
        return str(error)
    return FINITE_AGAIN


@contextmanager
def measuring(named: Mapping[str, Tensor], norms: dict[str, dict[str, float]]) -> Iterator[None]:
    """Within, a step is taken; afterwards `norms` says how large each weight, gradient and update was."""
    before = {name: p.data.copy() for name, p in named.items()}
    yield
    for name, p in named.items():
        gradient = 0.0 if p.grad is None else euclidean_norm(p.grad.data)
        update = euclidean_norm(p.data - before[name])
        norms[name] = {"weight": euclidean_norm(p.data), "gradient": gradient, "update": update}


@contextmanager
def one_interrupt() -> Iterator[Callable[[], int]]:
    """Within, the first Ctrl-C is only counted, so that no update is torn in two; the second raises as usual.

    Only the main thread may say what a signal does, and a handler that somebody else installed is left in place: then
    KeyboardInterrupt comes, if it comes, as an exception.
    """
    import signal  # on use: it takes longer to import than all of this file

    count = 0

    def count_one(number: int, frame: Any) -> None:
        nonlocal count
        count += 1
        if count > 1:
            raise KeyboardInterrupt

    ours = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )
    if ours:
        signal.signal(signal.SIGINT, count_one)
    try:
        yield lambda: count
    finally:
        if ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def progress_bar(
    epochs: int, steps: int, progress: Any
) -> Iterator[Callable[[Iterable[Batch], int, History], Iterable[Batch]]]:
    """Within, what it gives lets an epoch's batches pass and moves a bar; without a terminal it lets them pass."""
    if not progress or progress == "lines" or not is_terminal(sys.stderr):
        yield lambda feed, epoch, history: feed
        return
    from tqdm import tqdm

    with tqdm(desc=f"epoch 1/{epochs}", total=epochs * steps, unit="batch", leave=False, file=sys.stderr) as bar:

        def shown(feed: Iterable[Batch], epoch: int, history: History) -> Iterator[Batch]:
            bar.set_description(f"epoch {epoch + 1}/{epochs}", refresh=False)
            bar.set_postfix({n: f"{c[-1]:.4g}" for n, c in history.items() if n.endswith("loss")}, refresh=False)
            for batch in feed:
                yield batch
                bar.update()

        yield shown


def line_of_each(epochs: int, progress: Any) -> list[Callable[[int, History], Any]]:
    """For "lines", a callback that prints what an epoch gave, on a line of standard output, at once also where that is
    a file; else none."""

    def told(epoch: int, history: History) -> None:
        names = [*(name for name in history if name != "lr"), "lr"]
        line = f"epoch {epoch + 1:{len(str(epochs))}}/{epochs}: "
        line += ", ".join(f"{name} {history[name][-1]:.4g}" for name in names)
        encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
        flush = hasattr(sys.stdout, "flush")  # not all that stand in its place have it
        print(line.encode(encoding, "replace").decode(encoding), flush=flush)  # a metric may be called anything

    return [told] if progress == "lines" else []
