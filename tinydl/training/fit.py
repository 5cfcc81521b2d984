"""Training in three functions: `fit` adjusts a model to data, `evaluate` measures it, `predict` uses it.

The heart is `_Run.step`: forward, loss, backward, update. Around it stand epochs, validation, early stopping and the
care that a run ends well however it ends. Stands on nn, optim, data and watching; course/demo.py shows it all at work.
"""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..data import Dataset, as_dataset, batches
from ..engine import random
from ..engine.arrays import Array, euclidean_norm
from ..engine.checks import whole
from ..engine.recording import no_grad
from ..engine.tensor import Tensor, wrap
from ..nn import Module
from ..nn.state import has_state, remembered
from ..optim.clipping import clip_grad_norm
from ..optim.optimizer import Optimizer
from ..optim.schedules import Schedule
from ..watching.anomaly import detect_anomaly
from ..watching.strict import FirstSteps
from .history import History
from .saving import _format, save

Loss = Callable[[Any, Any], Any]
Metric = Callable[[Array, Array], float]
Callback = Callable[[int, "History"], Any]
Data = Dataset | tuple[Any, Any]


def accuracy(outputs: Array, targets: Array) -> float:
    """The fraction of examples whose largest output is at the right class, in 0…1.

    Shapes: outputs (N, C), scores, logits or probabilities; targets class indices (N,) or one row per example (N, C).
    Raises ValueError for other shapes; a single column of outputs has no largest, so write the threshold yourself:
    ``lambda outputs, targets: np.mean((outputs > 0) == targets)`` for logits, ``> 0.5`` for probabilities.
    """
    outputs, targets = np.asarray(outputs), np.asarray(targets)
    if outputs.ndim != 2 or outputs.shape[1] < 2:
        raise ValueError(
            f"accuracy needs at least two class scores per example, not outputs of shape {outputs.shape}. For a single "
            "score write lambda outputs, targets: np.mean((outputs > 0) == targets), or > 0.5 for probabilities"
        )
    if targets.shape not in (outputs.shape, outputs.shape[:1]):
        either = f"class indices {outputs.shape[:1]} nor rows {outputs.shape}"
        raise ValueError(f"accuracy: targets of shape {targets.shape} are neither {either}")
    if not len(outputs):
        raise ValueError("accuracy of no examples is undefined")
    classes = targets.argmax(1) if targets.ndim == 2 else targets
    return float(np.mean(outputs.argmax(1) == classes))


def fit(
    model: Module,
    train: Data,
    *,
    loss: Loss,
    optimizer: Optimizer,
    epochs: int,
    batch_size: int = 32,
    validation: Data | None = None,
    metrics: Mapping[str, Metric] | None = None,
    schedule: Schedule | None = None,
    l1: float = 0.0,
    l2: float = 0.0,
    clip_norm: float | None = None,
    patience: int | None = None,
    checkpoint: Any = None,
    callbacks: Iterable[Callback] = (),
    shuffle: bool = True,
    seed: int | None = None,
    progress: bool = True,
) -> History:
    r"""Train: for each batch, ``loss(model(x), y).backward()`` and a step of the optimizer; gives the History.

    train, validation: a Dataset or a pair ``(x, y)`` of arrays with one row per example.
    loss(outputs, targets): a Tensor of one element, the mean over the batch (``F.cross_entropy``, ``F.mse_loss``, …).
    metrics: ``{"accuracy": tl.accuracy}``; each is called with the arrays of a whole set. Training numbers are those of
        the batches as they came, in train mode and before their update: the mean over the epoch's examples.
    schedule: a learning-rate schedule of `optim`, stepped after each epoch; ReduceLROnPlateau gets val_loss (or loss).
    l1, l2: adds :math:`l_1 \sum |w| + l_2 \sum w^2` over all parameters with at least two axes (weights, not biases)
        to what is minimised; the losses in the history don't include it, so that train and validation compare.
    clip_norm: before each step, scale the gradients so that their common Euclidean norm is at most this.
    patience: stop once val_loss hasn't fallen below its best for this many epochs. With it the best weights are
        restored when the run ends (or is interrupted).
    checkpoint: a path (.npz or .safetensors) to save the model to whenever val_loss (or loss) is the best so far.
    callbacks: each is called as ``callback(epoch, history)`` after an epoch, so that ``history["loss"][epoch]`` is
        its loss; returning True stops the run.
    seed: makes the whole run, shuffling and dropout included, repeatable to the bit, and leaves the default
        Generator alone.
    progress: show a bar, if standard error is a terminal.

    Ctrl-C ends the run after the current batch and gives the history so far; a second one raises KeyboardInterrupt at
    once. The model trains in train mode and returns in the mode it came in. The first two steps run under
    `tl.strict`: a StrictError there leaves the model as it was. Raises FloatingPointError, before the
    optimizer steps, at the first loss or gradient that isn't finite, naming the operation where that began; ValueError
    and TypeError for arguments that can't be meant.
    """
    run = _Run(model, loss, optimizer, _checked_metrics(metrics), l1, l2, clip_norm)
    data, held_out = _dataset(train, "train"), None if validation is None else _dataset(validation, "validation")
    callbacks = _checked_callbacks(callbacks)
    _check_fit(run, epochs, batch_size, patience, held_out, schedule)
    if checkpoint is not None:
        _check_path(checkpoint)
    history, best = History(), _Best(model, patience, checkpoint)
    steps = math.ceil(len(data) / batch_size)
    first = FirstSteps(model, optimizer, min(2, epochs * steps))
    with (
        random.seeded(seed),
        _mode(model, True),
        _progress(epochs, steps, progress) as bar,
        _one_interrupt() as interrupted,
    ):
        try:
            for epoch in range(epochs):
                bar.epoch(epoch, epochs, history)
                numbers = {"lr": float(optimizer.lr)}
                seen = []
                for batch, (x, y) in enumerate(batches(data, batch_size, shuffle=shuffle)):
                    with first.watch():
                        seen.append(run.step(x, y, f"epoch {epoch + 1}, batch {batch + 1}", batch + 1 == steps))
                    bar.update()
                    if interrupted():
                        raise KeyboardInterrupt
                numbers |= run.summary(seen)
                if held_out is not None:
                    numbers |= run.validate(held_out, batch_size, epoch)
                history.add(numbers)
                history.add_norms(run.norms)
                judged = numbers.get("val_loss", numbers["loss"])
                best.consider(judged)
                if schedule is not None:
                    schedule.step(judged)
                answers = [callback(epoch, history) for callback in callbacks]
                if any(isinstance(answer, (bool, np.bool_)) and answer for answer in answers):
                    history.stopped = "callback"
                elif best.exhausted:
                    history.stopped = "early stopping"
                elif interrupted():
                    raise KeyboardInterrupt
                if history.stopped:
                    break
        except KeyboardInterrupt:
            if interrupted() > 1:
                raise
            history.stopped = "interrupted"
        finally:
            run.forget_gradients()
        best.restore()
    return history


def evaluate(
    model: Module, test: Data, *, loss: Loss, metrics: Mapping[str, Metric] | None = None, batch_size: int = 256
) -> dict[str, float]:
    """The loss of a whole set, and each metric of it: ``{"loss": …, "accuracy": …}``.

    The model runs batch by batch in eval mode and nothing is recorded; loss and metrics get the outputs of the whole
    set at once, so the batch size doesn't matter to them. Raises ValueError for a set without examples.
    """
    _check_model(model)
    metrics, data = _checked_metrics(metrics), _dataset(test, "test")
    with _mode(model, False), no_grad():
        outputs, targets = predict(model, data.x, batch_size=batch_size), data.y.copy()
        value = _number(loss(wrap(outputs), targets), "loss")
        return {"loss": value, **{name: _number(metric(outputs, targets), name) for name, metric in metrics.items()}}


def predict(model: Module, x: Any, *, batch_size: int = 256) -> Array:
    """The model's outputs for the inputs `x`, shape (N, …), as one array with N rows.

    The model runs batch by batch in eval mode, nothing is recorded, and afterwards it is in the mode it came in.
    Raises ValueError if the model doesn't give one row per input.
    """
    if isinstance(x, (Dataset, tuple)):
        raise TypeError("predict takes the inputs alone; of a Dataset write tl.predict(model, test.x)")
    _check_model(model)
    whole("batch_size", batch_size, 1)
    inputs = x.data if isinstance(x, Tensor) else np.asarray(x)
    if not inputs.ndim:
        raise ValueError("predict needs inputs with one row per example, not a single number; write x[None]")
    starts = range(0, max(len(inputs), 1), batch_size)
    with _mode(model, False), no_grad():
        outputs = [_outputs(model, inputs[i : i + batch_size].copy()) for i in starts]
    return np.concatenate([o.data if isinstance(o, Tensor) else o for o in outputs])


class _Run:
    """One training run: what turns a batch into an update, and what was seen into numbers."""

    def __init__(
        self,
        model: Module,
        loss: Loss,
        optimizer: Optimizer,
        metrics: Mapping[str, Metric],
        l1: float,
        l2: float,
        clip_norm: float | None,
    ) -> None:
        self.model, self.loss, self.optimizer, self.metrics = model, loss, optimizer, metrics
        self.l1, self.l2, self.clip_norm = l1, l2, clip_norm
        _check_model(model)
        self.named = {name: p for name, p in model.named_parameters() if p.data.dtype.kind == "f"}
        self.parameters = list(self.named.values())
        self.norms: dict[str, dict[str, float]] = {}
        self.stateful: bool | None = None  # whether batches leave anything behind; the first one may be who begins it

    def step(self, x: Array, y: Array, where: str, measured: bool) -> tuple[float, Array | None, Array]:
        """Forward, backward, update; gives the batch's loss, its outputs (if a metric wants them) and its targets.

        If it is `measured`, `norms` then says how large each weight, gradient and update was.
        """
        dice = random.generator().bit_generator.state
        put_back: Callable[[], None] = lambda: None
        if self.stateful is not False:
            put_back = remembered(self.model, weights=False)
        self.forget_gradients()
        outputs, loss, objective = self.forward(x, y)
        objective.backward()
        gradients = [p.grad.data for p in self.parameters if p.grad is not None]
        if not math.isfinite(loss) or not all(np.isfinite(g).all() for g in gradients):
            random.generator().bit_generator.state = dice
            put_back()
            try:
                raise FloatingPointError(self._first_not_finite(x, y, where, loss))
            finally:
                put_back()
                self.forget_gradients()
        if self.clip_norm is not None:
            clip_grad_norm(self.parameters, self.clip_norm)
        before = {name: p.data.copy() for name, p in self.named.items()} if measured else {}
        self.optimizer.step()
        if measured or self.stateful is None:
            self.stateful = has_state(self.model)
        if measured:
            self.norms = {name: _norms(p, before[name]) for name, p in self.named.items()}
        return loss, outputs if self.metrics else None, y

    def forward(self, x: Array, y: Array) -> tuple[Array, float, Tensor]:
        """The outputs, the loss as a number, and the Tensor to minimise: the loss and the penalties."""
        outputs = _outputs(self.model, x)
        loss = self.loss(outputs, y)
        if not isinstance(loss, Tensor):
            raise TypeError(
                f"loss must return a Tensor, so that gradients can flow back from it; it gave a {type(loss).__name__}. "
                "Use tinydl.functional or NumPy's functions on the outputs, without .item(), .numpy() or float()"
            )
        if loss.size != 1:
            raise ValueError(
                f"loss must return a single number for a batch, not a Tensor of shape {loss.shape}; "
                'write reduction="mean", or .mean() at its end'
            )
        if not loss.requires_grad:
            raise ValueError(
                "the loss doesn't depend on any parameter that requires a gradient: are all of them frozen, or does "
                "the model leave the graph (.detach(), .numpy(), no_grad) on the way?"
            )
        return outputs.data, float(loss.data.reshape(())), loss + self._penalty() if self.l1 or self.l2 else loss

    def _penalty(self) -> Any:
        weights = [p for p in self.parameters if p.requires_grad and p.ndim >= 2]
        return sum(self.l1 * abs(w).sum() + self.l2 * (w * w).sum() for w in weights)

    def forget_gradients(self) -> None:
        self.optimizer.zero_grad()
        for p in self.parameters:  # of which the optimizer may hold only some
            p.grad = None

    def _first_not_finite(self, x: Array, y: Array, where: str, loss: float) -> str:
        """What to say of a batch with a loss or gradient that isn't finite, by running it again under observation."""
        what = "a gradient isn't finite" if math.isfinite(loss) else f"the loss is {loss}"
        found = _bad_array("the inputs", x) or _bad_array("the targets", y)
        for name, p in self.model.named_parameters():
            found = found or _bad_array(f"the parameter {name}", p.data)
        try:
            if not found:
                with detect_anomaly():
                    _, _, objective = self.forward(x, y)
                    objective.backward()
        except FloatingPointError as error:
            found = str(error)
        repeated = "Run again, the same batch stayed finite: does the model draw random numbers of its own?"
        return f"{where}: {what}. {found or repeated}"

    def summary(self, seen: Sequence[tuple[float, Array | None, Array]]) -> dict[str, float]:
        """The epoch's training numbers: mean loss over examples, each metric on all outputs as they came."""
        sizes = [len(y) for _, _, y in seen]
        numbers = {"loss": sum(loss * n for (loss, _, _), n in zip(seen, sizes, strict=True)) / sum(sizes)}
        if self.metrics:
            outputs = np.concatenate([o for _, o, _ in seen if o is not None])
            targets = np.concatenate([y for _, _, y in seen])
            numbers |= {name: _number(metric(outputs, targets), name) for name, metric in self.metrics.items()}
        return numbers

    def validate(self, data: Dataset, batch_size: int, epoch: int) -> dict[str, float]:
        """The same numbers of the validation set, in eval mode, each name with val_ before it."""
        numbers = evaluate(self.model, data, loss=self.loss, metrics=self.metrics, batch_size=max(batch_size, 256))
        if not math.isfinite(numbers["loss"]):
            where = f"epoch {epoch + 1}, validation: the loss is {numbers['loss']}"
            found = _bad_array("the inputs", data.x) or _bad_array("the targets", data.y)
            try:
                if not found:
                    with detect_anomaly():
                        evaluate(self.model, data, loss=self.loss, batch_size=max(batch_size, 256))
            except FloatingPointError as error:
                found = str(error)
            raise FloatingPointError(f"{where}. {found or ''}".strip())
        return {f"val_{name}": number for name, number in numbers.items()}


def _norms(p: Tensor, before: Array) -> dict[str, float]:
    arrays = {"weight": p.data, "gradient": None if p.grad is None else p.grad.data, "update": p.data - before}
    return {what: 0.0 if array is None else euclidean_norm(array) for what, array in arrays.items()}


class _Best:
    """Remembers the epoch with the lowest loss: its weights (with patience) and its file (with checkpoint)."""

    def __init__(self, model: Module, patience: int | None, checkpoint: Any) -> None:
        self.model, self.patience, self.checkpoint = model, patience, checkpoint
        self.lowest, self.since = math.inf, 0
        self.put_back: Callable[[], None] | None = None

    def consider(self, loss: float) -> None:
        self.since += 1
        if loss < self.lowest:
            self.lowest, self.since = loss, 0
            if self.patience is not None:
                self.put_back = remembered(self.model)
            if self.checkpoint is not None:
                save(self.model, self.checkpoint)

    @property
    def exhausted(self) -> bool:
        return self.patience is not None and self.since >= self.patience

    def restore(self) -> None:
        if self.put_back is not None:
            self.put_back()


def _outputs(model: Module, x: Array) -> Any:
    outputs = model(x)
    if not isinstance(outputs, (Tensor, np.ndarray)):
        raise TypeError(f"the model must give one Tensor of outputs, but its forward gave a {type(outputs).__name__}")
    if not outputs.ndim or len(outputs) != len(x):
        raise ValueError(f"the model must give one row per example, but for inputs {x.shape} it gave {outputs.shape}")
    return outputs


@contextmanager
def _mode(model: Module, training: bool) -> Iterator[None]:
    """Within, the model is in train or eval mode; afterwards each of its modules is in the mode it came in."""
    before = [(module, module.training) for _, module in model.named_modules()]
    model.train() if training else model.eval()
    try:
        yield
    finally:
        for module, mode in before:
            module.training = mode


@contextmanager
def _one_interrupt() -> Iterator[Callable[[], int]]:
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


class _Bar:
    """A progress bar over all batches of a run; without a terminal it does nothing."""

    def __init__(self, bar: Any = None) -> None:
        self.bar = bar

    def epoch(self, epoch: int, epochs: int, history: History) -> None:
        if self.bar is not None:
            self.bar.set_description(f"epoch {epoch + 1}/{epochs}", refresh=False)
            self.bar.set_postfix({n: f"{c[-1]:.4g}" for n, c in history.items() if n.endswith("loss")}, refresh=False)

    def update(self) -> None:
        if self.bar is not None:
            self.bar.update()


@contextmanager
def _progress(epochs: int, steps: int, wanted: bool) -> Iterator[_Bar]:
    if not wanted or sys.stderr is None or not sys.stderr.isatty():
        yield _Bar()
        return
    from tqdm import tqdm

    with tqdm(desc=f"epoch 1/{epochs}", total=epochs * steps, unit="batch", leave=False, file=sys.stderr) as bar:
        yield _Bar(bar)


def _bad_array(what: str, array: Array) -> str:
    """A sentence about the first number in an array that isn't finite; empty if there is none."""
    if array.dtype.kind != "f" or np.isfinite(array).all():
        return ""
    index = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
    return f"Before any operation, {what} had {array[index]} at index {index}."


def _number(value: Any, name: str) -> float:
    array = value.data if isinstance(value, Tensor) else np.asarray(value)
    if array.size != 1 or array.dtype.kind not in "fiub":
        raise ValueError(f"{name} of a whole set must be one number, not {type(value).__name__} of shape {array.shape}")
    return float(array.reshape(()))


def _real(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
        raise TypeError(f"{name} must be a number, not {value!r}")
    return float(value)


def _dataset(given: Any, name: str) -> Dataset:
    try:
        data = as_dataset(given)
    except (TypeError, ValueError) as error:
        advice = "; tl.data.split makes two Datasets of one" if isinstance(given, float) else ""
        raise type(error)(f"{name}: {error}{advice}") from None
    if not len(data):
        raise ValueError(f"{name} holds no examples" + ("; leave validation=None" if name == "validation" else ""))
    return data


def _checked_metrics(metrics: Mapping[str, Metric] | None) -> Mapping[str, Metric]:
    if metrics is None:
        return {}
    if not isinstance(metrics, Mapping) or not all(callable(metric) for metric in metrics.values()):
        raise TypeError('metrics must be a dict of names and functions, like {"accuracy": tl.accuracy}')
    for name in metrics:
        if name in ("loss", "lr") or str(name).startswith("val_"):
            raise ValueError(f"a metric can't be called {name!r}: the history uses that name itself")
    return metrics


def _checked_callbacks(callbacks: Iterable[Callback]) -> list[Callback]:
    if not isinstance(callbacks, Iterable) or not all(map(callable, found := list(callbacks))):
        raise TypeError("callbacks must be a list of functions callback(epoch, history)")
    return found


def _check_model(model: Any) -> None:
    if not isinstance(model, Module):
        hint = "; write tl.nn.Linear(…), not tl.nn.Linear" if isinstance(model, type) else ""
        raise TypeError(f"the model must be a Module (tinydl.nn), not {model if hint else type(model).__name__}{hint}")


def _check_path(checkpoint: Any) -> None:
    """Complain before the first epoch rather than after it."""
    file, _, _ = _format(checkpoint)
    if not file.parent.is_dir():
        raise FileNotFoundError(f"checkpoint={str(checkpoint)!r}: there is no folder {str(file.parent)!r}")
    if file.is_dir():
        raise IsADirectoryError(f"checkpoint={str(checkpoint)!r} is a folder; give the path of a file to write")


def _check_fit(
    run: _Run,
    epochs: int,
    batch_size: int,
    patience: int | None,
    validation: Dataset | None,
    schedule: Schedule | None,
) -> None:
    whole("epochs", epochs, 0)
    whole("batch_size", batch_size, 1)
    if not callable(run.loss):
        raise TypeError(f"loss must be a function of outputs and targets, like F.cross_entropy, not {run.loss!r}")
    if not isinstance(run.optimizer, Optimizer):
        hint = "; write tl.optim.Adam(model.parameters(), lr=…)" if isinstance(run.optimizer, (type, str)) else ""
        raise TypeError(f"optimizer must be an optimizer of tinydl.optim, not {run.optimizer!r}{hint}")
    parameters = {id(p) for p in run.parameters}
    if not any(id(p) in parameters for p in run.optimizer.params):
        raise ValueError(
            "the optimizer holds none of the model's parameters, so nothing would be trained; make it with "
            "model.parameters() of this very model"
        )
    for name, strength in (("l1", run.l1), ("l2", run.l2)):
        _real(name, strength)
        if not 0 <= strength < math.inf:
            raise ValueError(f"{name} must be a finite number ≥ 0, not {strength}")
    if run.clip_norm is not None and not _real("clip_norm", run.clip_norm) > 0:
        raise ValueError(f"clip_norm must be a number > 0, not {run.clip_norm}")
    if patience is not None:
        whole("patience", patience, 1)
        if validation is None:
            raise ValueError("patience watches val_loss, so it needs validation=, a set that isn't trained on")
    if schedule is not None and not isinstance(schedule, Schedule):
        raise TypeError(f"schedule must be a learning-rate schedule of tinydl.optim, not {schedule!r}")
    if schedule is not None and schedule.optimizer is not run.optimizer:
        raise ValueError("the schedule was made with another optimizer, so it would never change this one's lr")
