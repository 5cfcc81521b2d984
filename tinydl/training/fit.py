"""Training in three functions: `fit` adjusts a model to data, `evaluate` measures it, `predict` uses it.

The heart is `_Run.step`: forward, loss, backward, update. Around it stand epochs, validation and early stopping.
arguments.py refuses what can't be meant before anything runs, feeding.py gives a batch after the other, and care.py
sees to it that a run ends well however it ends. Stands on nn, optim, data and watching; course/demo.py shows it all at
work.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ..data import Dataset
from ..engine import random
from ..engine.arrays import Array, beside, on_host
from ..engine.checks import array_of, whole
from ..engine.recording import no_grad
from ..engine.tensor import Tensor, wrap
from ..nn import Module
from ..nn.state import has_state
from ..optim.clipping import clip_grad_norm
from ..optim.optimizer import Optimizer
from ..optim.schedules import Schedule
from ..watching.modes import mode
from ..watching.strict import FirstSteps
from . import arguments, care
from .arguments import Callback, Data, Loss, Metric
from .feeding import Batch, Feed, feed_of, weighted_loss
from .history import History
from .limits import FirstBatch
from .programs import Steps
from .resuming import Progress
from .team import Team, ends_all

# ---- one step, and an epoch of them ----


@dataclass(eq=False)
class _Run:
    """One training run: what turns a batch into an update, and what was seen into numbers."""

    model: Module
    loss: Loss
    optimizer: Optimizer
    metrics: Mapping[str, Metric]
    l1: float
    l2: float
    clip_norm: float | None
    schedules: tuple[Schedule, ...]
    feed: Feed
    held_out: Dataset | None
    watched: int  # how many of the first steps
    compile: bool
    team: Team

    def __post_init__(self) -> None:
        self.watch = FirstSteps(self.model, self.optimizer, self.watched)
        self.first_batch = FirstBatch(self.feed, self.held_out, self.watched > 0)
        self.named = {name: p for name, p in self.model.named_parameters() if p.data.dtype.kind == "f"}
        self.parameters = list(self.named.values())
        self.norms: dict[str, dict[str, float]] = {}  # of the last step of the last epoch
        self.stateful = True  # whether a batch may leave anything behind in the model; known after the first
        self.steps = Steps(self.gradients, self.update, self.compile)

    def step(self, batch: Batch, where: str) -> tuple[Array, float]:
        """Forward, loss, backward, update; gives the outputs and the loss.

        Raises FloatingPointError where the loss or a gradient isn't finite: before the update, with all as it was.
        """
        undo = care.snapshot(self.model, self.stateful)
        self.forget_gradients()
        gradients = self.steps.gradients if len(batch.y) else self.team.nothing  # there is a rank without rows
        try:
            outputs, loss = gradients(batch.x, batch.y, batch.weights, batch.part)
        except Exception:
            undo()
            raise
        number, finite = self.judged(self.team.added(self.parameters, array_of(loss), batch))
        if not finite:
            raise self.team.everywhere(FloatingPointError(self.what_went_wrong(batch, where, number, undo)))
        self.steps.update()
        self.schedules_go_on("step", number)
        return outputs, number

    def schedules_go_on(self, per: str, number: float) -> None:
        for schedule in self.schedules:
            if schedule.per == per:
                schedule.step(number)

    def gradients(self, x: Array, y: Array, weights: Array | None, part: Any) -> tuple[Array, Tensor]:
        """Forward and backward; gives the outputs and the loss."""
        outputs, loss, objective = self.forward(x, y, weights)
        if part is not None:
            objective = objective * beside(array_of(part), loss._data, loss.dtype)
        objective.backward()
        return array_of(outputs), loss.detach()

    def forward(self, x: Array, y: Array, weights: Array | None) -> tuple[Any, Tensor, Tensor]:
        """The outputs, the loss, and what is to be minimised: the loss and the penalties."""
        with self.first_batch.watch(y):
            outputs = arguments.check_outputs(self.model(x), x)
            given = self.loss(outputs, y) if weights is None else weighted_loss(self.loss, outputs, y, weights)
            loss = arguments.check_loss(given)
        return outputs, loss, loss + self._penalty() if self.l1 or self.l2 else loss

    def update(self) -> None:
        """Clip the gradients and step."""
        if self.clip_norm is not None:
            clip_grad_norm(self.parameters, self.clip_norm)
        self.optimizer.step()

    def _penalty(self) -> Any:
        weights = [p for p in self.parameters if p.requires_grad and p.ndim >= 2]
        return sum(self.l1 * abs(w).sum() + self.l2 * (w * w).sum() for w in weights)

    def epoch(self, index: int, feed: Iterable[Batch], interrupted: Callable[[], int]) -> dict[str, float]:
        """All batches once, then validation.

        Gives the learning rate at its start, the mean loss over the examples, weighted where they have weights, each
        metric on all outputs as they came, and the same of the validation set. At its end schedules go on.
        """
        name, lr = f"epoch {index + 1}", float(self.optimizer.lr)
        seen, outputs, targets = list[tuple[float, float]](), list[Array](), list[Array]()
        steps = len(self.feed)
        for number, batch in enumerate(feed, 1):
            measured = care.measuring(self.named if number == steps else {}, self.norms)
            with self.team.step(), self.watch.watch(), measured:
                given, loss = self.step(batch, f"{name}, batch {number}")
            self.team.look_at(self.loss, given, batch)
            seen.append((loss, batch.whole))
            if self.metrics:
                outputs.append(on_host(given))
                targets.append(on_host(batch.y))
            if number in (1, steps):
                self.stateful = has_state(self.model)
            if interrupted():
                raise KeyboardInterrupt
        self.watch.epoch_ended()
        numbers = {"lr": lr, "loss": sum(loss * n for loss, n in seen) / sum(n for _, n in seen)}
        all_given = self.team.gathered(outputs, targets) if self.metrics else ()
        numbers |= self.team.first(lambda: self.judgement(name, *all_given))
        self.schedules_go_on("epoch", _decisive(numbers))
        self.team.together(self.optimizer)
        return numbers

    def judgement(self, name: str, *given: Array) -> dict[str, float]:
        """What the metrics say of an epoch's outputs and targets, and of the validation set."""
        numbers = {}
        if given:
            with no_grad():
                numbers = _judged(self.metrics, *given)
        return numbers if self.held_out is None else numbers | self.validate(name, self.held_out)

    def validate(self, name: str, data: Dataset) -> dict[str, float]:
        """The same numbers of the validation set, in eval mode, each name with val_ before it."""
        size = max(self.feed.batch_size or 1, 256)

        def measure(metrics: Mapping[str, Metric]) -> dict[str, float]:
            return evaluate(self.model, data, loss=self.loss, metrics=metrics, batch_size=size)

        numbers = measure(self.metrics)
        if not math.isfinite(numbers["loss"]):
            found = care.first_not_finite(lambda: measure({}), self.model, data.x, data.y)
            raise FloatingPointError(f"{name}, validation: the loss is {numbers['loss']}. {found}")
        return {f"val_{name}": number for name, number in numbers.items()}

    def forget_gradients(self) -> None:
        """Also those of parameters that the optimizer doesn't hold."""
        self.optimizer.zero_grad()
        for p in self.parameters:
            p.grad = None

    def judged(self, loss: Array) -> tuple[float, bool]:
        """The loss, and whether it and all gradients are finite."""
        gradients = [p.grad._data for p in self.parameters if p.grad is not None]
        if loss.__class__ is np.ndarray:
            number = float(loss.item())
            return number, math.isfinite(number) and all(np.isfinite(g).all() for g in gradients)
        # a number that is fetched from a GPU makes this program wait for it, so that it is better to fetch but one
        zero = sum(((g * 0).sum() for g in gradients), start=loss.reshape(()) * 0)  # or NaN
        number, finite = on_host(np.stack([loss.reshape(()), zero])).tolist()
        return number, math.isfinite(number) and finite == 0

    def what_went_wrong(self, batch: Batch, where: str, loss: float, undo: Callable[[], None]) -> str:
        """What to say of a batch with a loss or gradient that isn't finite; nothing that it did is left."""
        what = "a gradient isn't finite" if math.isfinite(loss) else f"the loss is {loss}"
        undo()
        try:
            again = lambda: self.forward(*batch[:3])[2].backward()
            found = self.team.first_found(lambda: care.first_not_finite(again, self.model, *batch[:2]), batch)
        finally:
            undo()
            self.forget_gradients()
        return f"{where}: {what}. {found}"


# ---- what one calls ----


@ends_all
def fit(
    model: Module,
    train: Data | Iterable[Any],
    *,
    loss: Loss,
    optimizer: Optimizer,
    epochs: int,
    batch_size: int = 32,
    validation: Data | None = None,
    metrics: Mapping[str, Metric] | None = None,
    schedule: Schedule | Sequence[Schedule] | None = None,
    l1: float = 0.0,
    l2: float = 0.0,
    clip_norm: float | None = None,
    patience: int | None = None,
    checkpoint: Any = None,
    resume: Any = None,
    callbacks: Iterable[Callback] = (),
    shuffle: bool = True,
    drop_last: bool = False,
    sample_weight: Any = None,
    strict: bool = True,
    compile: bool = False,
    comm: Any = None,
    seed: int | None = None,
    progress: bool | Literal["lines"] = True,
) -> History:
    r"""Train a model: for each batch, ``loss(model(x), y).backward()`` and a step of the optimizer; gives the History.

    >>> points, model = data.line(100), nn.Linear(1, 1)
    >>> sgd = optim.SGD(model.parameters(), lr=0.1)
    >>> history = tl.fit(model, points, loss=F.mse_loss, optimizer=sgd, epochs=20, batch_size=10, progress=False)

    What it does to the model is, without its options, what these lines do::

        for _ in range(epochs):
            for x, y in data.batches(train, batch_size):
                optimizer.zero_grad()
                loss(model(x), y).backward()
                optimizer.step()

    train, validation: a Dataset or a pair ``(x, y)`` of arrays with one row per example. `train` may also give batches
        of its own: what `data.batches` gives, a list of pairs, or any iterable of pairs (x, y) with a length, which is
        iterated over anew in each epoch. Then batch_size, shuffle and drop_last are its affair.
    loss(outputs, targets): a Tensor of one element, the mean over the batch (``F.cross_entropy``, ``F.mse_loss``, …).
    metrics: ``{"accuracy": tl.accuracy}``; each is called with the arrays of a whole set. Training numbers are those of
        the batches as they came, in train mode and before their update: the mean over the epoch's examples.
    schedule: a learning-rate schedule of `optim`, or a list of them, stepped after each epoch; ReduceLROnPlateau gets
        val_loss (or loss). One made with per="step" is stepped after each batch instead, and gets the batch's loss.
    l1, l2: adds :math:`l_1 \sum |w| + l_2 \sum w^2` over all parameters with at least two axes (weights, not biases)
        to what is minimised; the losses in the history don't include it, so that train and validation compare.
    clip_norm: before each step, scale the gradients so that their common Euclidean norm is at most this.
    patience: stop once val_loss hasn't fallen below its best for this many epochs. With it the best weights are
        restored when the run ends (or is interrupted).
    checkpoint: a path (.npz or .safetensors) to save the model to whenever val_loss (or loss) is the best so far.
    resume: a path (.npz or .safetensors) of the run itself. After each epoch all that the next one needs is written
        there: model, optimizer, schedules, history, the best epoch and the random numbers' state. If the file is there
        when `fit` begins, it goes on after its epoch: on one process what comes of that is to the bit what the whole
        run would have given, and the history has all epochs. A run that came to its end, or to that of its patience,
        isn't trained further. What callbacks, iterables and a loss keep is theirs, and so are what modules keep beside
        parameters and buffers, and generators other than the default one. A file with other epochs, patience, batch
        size, number of examples or kind of optimizer raises ValueError.
    callbacks: each is called as ``callback(epoch, history)`` after an epoch, so that ``history["loss"][epoch]`` is
        its loss; returning True stops the run.
    drop_last: leave the last batch of each epoch out where it would be smaller than the others; shuffled, that is
        another one each time. Batch normalisation can't do with a last batch of one.
    sample_weight: a number ≥ 0 for each example of `train`, which says how much it counts: the loss of a batch is
        :math:`\sum w_i l_i / \sum w_i`, and so is the epoch's in the history; metrics and validation don't know of it.
        Each :math:`l_i` is what the loss gives with reduction="none", their mean where that is several numbers to an
        example (a class weight of the loss multiplies it; an ignored label counts as loss 0). A loss of one's own takes
        reduction=, too, or gives one number per example. Examples of weight 0 are left out. Where classes are of
        unequal size, ``(len(y) / np.bincount(y))[y]`` makes each class count alike.
    strict: watch the first steps for what is a mistake whatever comes later (below); False doesn't.
    compile: run each step as two programs in plain NumPy, made by `tl.compile` of forward with backward and of the
        update; what comes of it is the same to the bit. Model and loss may then compute whatever they like, but not
        take numbers out on the way (``float()``, ``np.asarray(x)``, ``if loss > 1:``) nor change settings, as it says
        there. Each shape of batch gets its own, and eight are kept. The steps that `strict` watches run as they are.
    comm: many processes train one model, under ``mpiexec -n 2 python -m mpi4py train.py`` with ``MPI.COMM_WORLD`` of
        mpi4py, or another communicator with `rank`, `size`, ``Allreduce(send, recv)`` and ``bcast(object, root)``. Each
        takes its share of the rows of every batch, and gradients are added up. All ranks end with the same model to the
        bit, and without dropout with one process's to rounding. They are given the same; parameters, buffers, the
        optimizer's state and the order of the data are rank 0's, which also judges, prints and writes files. Callbacks
        are called on each, and rank 0's answer counts. The loss must be a mean over rows, which a few more calls of it
        look at, and `nn.SyncBatchNorm` takes BatchNorm's place. What isn't finite on one rank raises FloatingPointError
        on all; another exception on one rank ends all.
    seed: makes the whole run, shuffling and dropout included, repeatable to the bit, and leaves the default
        Generator alone.
    progress: show a bar, if standard error is a terminal; "lines" prints a line after each epoch instead, wherever
        standard output goes: to a notebook or a file, too.

    Ctrl-C ends the run after the current batch and gives the history so far; a second one raises KeyboardInterrupt at
    once. The model trains in train mode and returns in the mode it came in.

    Of the mistakes that `tl.strict` finds, the first two steps raise StrictError, before any update, for those that no
    later step can heal: softmax twice, the two sides of a loss that broadcast, rounding before the loss, a parameter
    that is only read as an array or that no optimizer has, none at all with a gradient. Parameters that have no
    gradient yet are named by a warning after these steps, and again after the first epoch. What would stop the run only
    at a later batch is said at the first one, too: targets that a loss of tinydl refuses, such as a class that the
    model has no output for, and a last batch of one that batch normalisation can't take.

    Raises FloatingPointError, before the optimizer steps, at the first loss or gradient that isn't finite, naming the
    operation where that began; ValueError and TypeError for arguments that can't be meant; with `compile` CompileError
    for a step that can't be a program: then model, optimizer and schedules are as they came; with `comm` RuntimeError
    where the ranks' models drift apart; OSError for a file that can't be written.
    """
    arguments.check_run(model, loss, optimizer, l1, l2, clip_norm)
    metrics, callbacks = arguments.check_metrics(metrics), arguments.check_callbacks(callbacks)
    team = Team(comm, model, optimizer, l1=l1, l2=l2, clip_norm=clip_norm, metrics=[*metrics], resume=bool(resume))
    held_out = None if validation is None else arguments.check_data(validation, "validation")
    plan = arguments.check_plan(epochs, batch_size, patience, held_out, schedule, optimizer, progress)
    feed = feed_of(train, batch_size, shuffle, drop_last, sample_weight, team.comm)
    watched = min(2, epochs * len(feed)) if strict else 0
    run = _Run(model, loss, optimizer, metrics, l1, l2, clip_norm, plan, feed, held_out, watched, compile, team)
    shown_as = team.rank == 0 and progress
    told = care.line_of_each(epochs, shown_as) + callbacks
    done = Progress(resume, model, optimizer, plan, feed, epochs, patience, checkpoint, told, team)
    with (
        random.seeded(seed),
        mode(model, True),
        run.steps.or_as_before(model, optimizer, plan),
        care.progress_bar(epochs, len(feed), shown_as) as shown,
        team.one_interrupt() as interrupted,
    ):
        try:
            for epoch in done.to_come():
                numbers = run.epoch(epoch, shown(feed, epoch, done.history), interrupted)
                done.add(epoch, numbers, run.norms, _decisive(numbers))
                if interrupted() and not done.history.stopped:
                    raise KeyboardInterrupt
        except KeyboardInterrupt:
            if interrupted() > 1 or (team.size > 1 and not team.heard):  # or on this rank alone
                raise
            done.history.stopped = "interrupted"
        finally:
            run.forget_gradients()
        done.best.restore()
    return done.history


def evaluate(
    model: Module, test: Data, *, loss: Loss, metrics: Mapping[str, Metric] | None = None, batch_size: int = 256
) -> dict[str, float]:
    """The loss of a whole set, and each metric of it: ``{"loss": …, "accuracy": …}``.

    The model runs batch by batch in eval mode and nothing is recorded; loss and metrics get the outputs of the whole
    set at once, so the batch size doesn't matter to them. Raises ValueError for a set without examples.
    """
    arguments.check_model(model)
    metrics, data = arguments.check_metrics(metrics), arguments.check_data(test, "test")
    with mode(model, False), no_grad():
        outputs, targets = predict(model, data.x, batch_size=batch_size), data.y.copy()
        return _judged({"loss": lambda o, t: loss(wrap(o), t), **metrics}, outputs, on_host(targets))


def predict(model: Module, x: Any, *, batch_size: int = 256) -> Array:
    """The model's outputs for the inputs `x`, shape (N, …), as one array with N rows.

    The model runs batch by batch in eval mode, nothing is recorded, and afterwards it is in the mode it came in.
    Raises ValueError if the model doesn't give one row per input; where that is because `x` is a single example, it
    says so.
    """
    if isinstance(x, (Dataset, tuple)):
        raise TypeError("predict takes the inputs alone; of a Dataset write tl.predict(model, test.x)")
    arguments.check_model(model)
    whole("batch_size", batch_size, 1)
    inputs = arguments.check_inputs(x)
    parts = (inputs[i : i + batch_size].copy() for i in range(0, max(len(inputs), 1), batch_size))
    with mode(model, False), no_grad():
        try:
            outputs = [on_host(array_of(arguments.check_outputs(model(part), part))) for part in parts]
            return np.concatenate(outputs)
        except (ValueError, TypeError, IndexError) as error:
            if arguments.is_one_example(model, inputs):
                raise ValueError(
                    f"x of shape {inputs.shape} seems to be one example; write x[None]. {error}"
                ) from error
            raise


def accuracy(outputs: Array, targets: Array) -> float:
    """The fraction of examples whose largest output is at the right class, in 0…1; NaN if an output is NaN.

    Shapes: outputs (N, C), scores, logits or probabilities; targets class indices (N,) or one row per example (N, C).
    Of outputs (N, C, d…) or (N, d…, C) and class indices (N, d…) it is the fraction of all these. A row with a NaN in
    it has no largest, so that nothing can be said of the whole set. Raises ValueError for other shapes, and where both
    axes could be the classes; a single column of outputs has no largest, so write the threshold yourself:
    ``lambda outputs, targets: np.mean((outputs.ravel() > 0) == targets.ravel())`` for logits, ``> 0.5`` for
    probabilities.
    """
    outputs, targets = on_host(array_of(outputs)), on_host(array_of(targets))
    if outputs.ndim > 2:
        outputs, targets = _in_rows(outputs, targets)
    if outputs.ndim != 2 or outputs.shape[1] < 2:
        raise ValueError(_no_scores(outputs, targets))
    if targets.shape not in (outputs.shape, outputs.shape[:1]):
        either = f"class indices {outputs.shape[:1]} nor rows {outputs.shape}"
        raise ValueError(f"accuracy: targets of shape {targets.shape} are neither {either}")
    if not len(outputs):
        raise ValueError("accuracy of no examples is undefined")
    if any(np.isnan(rows).any() for rows in (outputs, targets)):
        return math.nan
    classes = targets.argmax(1) if targets.ndim == 2 else targets
    return float(np.mean(outputs.argmax(1) == classes))


def _no_scores(outputs: Array, targets: Array) -> str:
    text = f"accuracy needs at least two class scores per example, not outputs of shape {outputs.shape}. "
    if targets.ndim == 2 and targets.shape[1] > 1 and outputs.dtype.kind in "iub":
        return text + "The order is tl.accuracy(outputs, targets); these seem to be exchanged"
    if outputs.dtype.kind in "iub":
        return text + "They seem to be classes already: write np.mean(outputs == targets), or give the scores"
    compared = "lambda outputs, targets: np.mean((outputs.ravel() > 0) == targets.ravel())"
    return text + f"For a single score write {compared}, or > 0.5 for probabilities"


def _decisive(numbers: Mapping[str, float]) -> float:
    """The figure of an epoch by which the best is told and a rate is cut."""
    return numbers.get("val_loss", numbers["loss"])


def _in_rows(outputs: Array, targets: Array) -> tuple[Array, Array]:
    """Outputs with classes on axis 1 or the last as rows, and their targets as one axis."""
    fits = [o for o in (np.moveaxis(outputs, 1, -1), outputs) if o.shape[:-1] == targets.shape]
    if len(fits) != 1:
        which = (
            "both axis 1 and the last could be the classes"
            if fits
            else "neither axis 1 nor the last can be the classes"
        )
        raise ValueError(
            f"accuracy: of outputs {outputs.shape} for targets {targets.shape} {which}. With the classes last write "
            f"tl.accuracy(outputs.reshape(-1, {outputs.shape[-1]}), targets.reshape(-1))"
        )
    return fits[0].reshape(-1, fits[0].shape[-1]), targets.reshape(-1)


def _judged(metrics: Mapping[str, Metric], outputs: Array, targets: Array) -> dict[str, float]:
    """Each metric's number for the outputs of a whole set."""
    return {name: arguments.check_number(metric(outputs, targets), name) for name, metric in metrics.items()}
