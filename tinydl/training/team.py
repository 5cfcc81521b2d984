"""The processes of a run as `fit(comm=…)` sees them: what each does alone, what they do together, how they all end.

Every rank walks through the same batches and takes its share of each (feeding.py); the loss is multiplied by that share
before the backward pass, and after it gradients, loss and interrupts are added up in one message, so that clipping, the
look for NaN and the step are those of the whole batch on every rank. What is judged, printed and written is rank 0's.
Stands on parallel.py; one process is the team of one, which does nothing here.
"""

from __future__ import annotations

import copy
import functools
import math
import sys
import time
import traceback
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, ParamSpec, TypeVar

import numpy as np

from ..derivatives.collective import Alone, Communicator, being
from ..engine import random
from ..engine.arrays import Array, on_host
from ..engine.checks import array_of, kind
from ..engine.recording import no_grad
from ..engine.tensor import Tensor, wrap
from ..nn import Module
from ..nn.normalization import BatchNorm
from ..optim.optimizer import Optimizer
from ..optim.schedules import Schedule
from . import care
from .feeding import Batch, Feed, weighted_loss
from .parallel import broadcast, sum_gradients

P = ParamSpec("P")
T = TypeVar("T")
E = TypeVar("E", bound=Exception)
_EVERYWHERE = "raised on every rank"  # in the __dict__ of an exception that is, so that a program may catch it


def ends_all(function: Callable[P, T]) -> Callable[P, T]:
    """`fit`, so that an exception that leaves it on one rank ends all: the others would wait for this one for ever."""

    @functools.wraps(function)
    def run(*args: P.args, **options: P.kwargs) -> T:
        try:
            return function(*args, **options)
        except BaseException as error:
            comm: Any = options.get("comm")
            if getattr(comm, "size", 1) > 1 and hasattr(comm, "Abort") and _EVERYWHERE not in vars(error):
                try:
                    sys.stderr.write(f"rank {comm.rank} of {comm.size} ends all:\n{traceback.format_exc()}")
                    sys.stdout.flush()
                    sys.stderr.flush()
                    time.sleep(0.3)  # for mpiexec to pass that on: what it hasn't when a rank aborts, it drops
                finally:  # whatever somebody put in their place
                    comm.Abort(1)
            raise

    return run


def checked(comm: Any) -> Communicator:
    """A communicator; None is that of one process. TypeError for what is none."""
    if comm is None:
        return Alone()
    calls = callable(getattr(comm, "Allreduce", None)) and callable(getattr(comm, "bcast", None))
    if not calls or not isinstance(getattr(comm, "size", None), int) or not isinstance(comm.rank, int):
        advice = ", MPI.COMM_WORLD" if hasattr(comm, "COMM_WORLD") else ""
        raise TypeError(
            f"comm has rank, size, Allreduce(send, recv) and bcast(object, root), as mpi4py's MPI.COMM_WORLD has; "
            f"{kind(comm)} hasn't. Write from mpi4py import MPI, and give comm=MPI.COMM_WORLD{advice and ', not MPI'}"
        )
    found: Communicator = comm
    return found


class Team:
    """All ranks of a run, seen from one of them."""

    def __init__(self, comm: Any, model: Module, optimizer: Optimizer, **alike: Any) -> None:
        """`alike` are arguments of `fit` that must be the same on all ranks, beside those that others compare."""
        self.comm, self.alike = checked(comm), alike
        self.rank, self.size, self.model = self.comm.rank, self.comm.size, model
        own = {id(p) for p in model.parameters()}
        self.others = [p for p in optimizer.params if id(p) not in own]  # that are trained, such as a loss's
        self.rng: np.random.Generator | None = None  # of what this rank draws alone, such as dropout's masks
        self.pressed: Callable[[], int] = lambda: 0
        self.heard = 0  # whether on any rank Ctrl-C was pressed
        self.looked = self.size == 1  # at the loss
        self.talks = False  # whether the model waits for other ranks: then it must run without rows, too
        self._refuse_batch_norm()
        if self.size > 1:
            self.talks = any(hasattr(module, "comm") for module in model.modules())

    def _refuse_batch_norm(self) -> None:
        for name, module in self.model.named_modules():
            if isinstance(module, BatchNorm) and getattr(getattr(module, "comm", None), "size", 1) != self.size:
                kind, synchronised = type(module).__name__, hasattr(module, "comm")
                what = "was made with another communicator" if synchronised else "would take the statistics of its part"
                cure = f"Write nn.SyncBatchNorm({module.num_features}, comm=comm) with this comm"
                if self.size == 1:
                    what, cure = "adds up over many", "Give fit(comm=…) its communicator, too"
                raise ValueError(f"layer {name} ({kind}) {what}: each rank would train another model. {cure}")

    # ---- at the beginning ----

    def begin(self, plan: Mapping[str, Any], optimizer: Optimizer, schedules: Sequence[Schedule], feed: Feed) -> None:
        """See that all ranks are to do the same; then model, optimizer and random numbers are those of rank 0."""
        if self.size == 1:
            return
        given = {
            **plan,
            **self.alike,
            "parameters": [(name, p.shape, str(p.dtype), p.requires_grad) for name, p in self._parameters()],
            "settings": [{**group, "params": len(group["params"]), "lr": None} for group in optimizer.groups],
            "schedules": [(type(schedule).__name__, schedule.state_dict()) for schedule in schedules],
            "examples that were looked at": _mark_of(feed),
        }
        texts = {what: _in_words(value) for what, value in given.items()}
        for what, there in self.comm.bcast(texts, root=0).items():
            if (here := texts[what]) != there:
                here, there = (text if len(text) < 200 else f"{text[:200]}…" for text in (here, there))
                raise ValueError(
                    f"rank {self.rank} has other {what} than rank 0: {here}, not {there}. All ranks are given "
                    "the same, data too, of which fit takes each rank's part by itself: where they are split or made "
                    "at random, with a seed"
                )
        broadcast(self.model, self.comm, optimizer)
        for p in self.others:
            p.data = self.comm.bcast(on_host(p.data), root=0)
        dice = random.generator().bit_generator
        dice.state = self.comm.bcast(dice.state, root=0)
        self.draw(())

    def _parameters(self) -> Iterator[tuple[str, Tensor]]:
        yield from self.model.named_parameters()
        yield from ((f"{i} beside the model's", p) for i, p in enumerate(self.others))

    def draw(self, streams: Sequence[Any]) -> None:
        """Go on with these random numbers of each rank, or begin new ones where there are others or none.

        The new ones follow from those of all, of which they take nothing: their order of the data is one process's.
        """
        if self.size == 1:
            return
        seed = copy.deepcopy(random.generator()).integers(2**63)
        self.rng = np.random.default_rng([int(seed), self.rank])
        if len(streams) == self.size:
            self.rng.bit_generator.state = streams[self.rank]

    def streams(self) -> list[Any]:
        """Where the random numbers of each rank are."""
        own = None if self.rng is None else self.rng.bit_generator.state
        return self.all_of(own) if self.size > 1 else []

    def all_of(self, own: T) -> list[T]:
        """What each rank has."""
        return [self.comm.bcast(own, root=rank) for rank in range(self.size)]

    # ---- a step ----

    def step(self) -> AbstractContextManager[None]:
        """Within, this rank computes with its share of a batch, and draws random numbers of its own."""
        return nullcontext() if self.size == 1 else self._apart()

    @contextmanager
    def _apart(self) -> Iterator[None]:
        with random.seeded(self.rng), being(parted=True):
            yield

    def nothing(self, x: Array, y: Array, weights: Any, part: Any) -> tuple[Array, Tensor]:
        """A step of a rank without rows, which only says what others wait for."""
        outputs = np.zeros(0)
        try:
            if self.talks and isinstance(given := self.model(x), Tensor):
                (given * 0).sum().backward()
                outputs = array_of(given)
        except (ValueError, TypeError, IndexError) as error:
            raise ValueError(
                f"this rank has no row of the batch, but runs the model, whose layers wait for each other: {error}. "
                "Make the model take 0 rows (x.reshape(len(x), n), not −1), or give fit(drop_last=True)"
            ) from error
        return outputs, wrap(np.zeros(()))

    def added(self, parameters: Sequence[Tensor], loss: Array, batch: Batch) -> Array:
        """The loss of the whole batch; gradients become those of it, and interrupts are heard everywhere.

        Raises RuntimeError if the ranks don't have parts of the same batch.
        """
        if batch.part is None:
            return loss
        number = float(on_host(loss).item()) * float(batch.part) if batch.part else 0.0
        parameters = [*parameters, *self.others]
        total, presses, marks = sum_gradients(parameters, self.comm, number, bool(self.pressed()), batch.mark)
        if marks != self.size * batch.mark:
            raise RuntimeError(
                "the ranks were given different batches: fit takes each rank's part of a batch by itself, so all are "
                "given the same examples, weights and seeds"
            )
        self.heard = int(presses > 0)
        return np.array(total)

    @contextmanager
    def one_interrupt(self) -> Iterator[Callable[[], int]]:
        """As care.py's, but that it is one on every rank, after the same batch; a second one is this rank's alone."""
        with care.one_interrupt() as pressed:
            self.pressed = pressed
            yield pressed if self.size == 1 else lambda: self.heard if pressed() < 2 else 2

    def look_at(self, loss: Callable[[Any, Any], Any], outputs: Array, batch: Batch) -> None:
        """ValueError for a loss that isn't a mean over rows, of which that of a batch can't be made of its parts'.

        One that draws random numbers, or counts its calls, is another number each time and isn't judged.
        """
        n = len(batch.y)
        if self.looked or not n:
            return
        self.looked = True
        weights = np.ones(n) if batch.weights is None else batch.weights

        def value(*places: Any) -> float:
            rows = np.r_[places]
            given = wrap(outputs[rows]), batch.y[rows]
            found = loss(*given) if batch.weights is None else weighted_loss(loss, *given, weights[rows])
            return float(weights[rows].sum()) * float(on_host(array_of(found)).item())

        with random.seeded(copy.deepcopy(random.generator())), no_grad():
            all_rows, cut = (slice(0, n) if n > 1 else (0, 0)), (n + 2) // 3
            whole = value(all_rows)
            parts = [value(slice(0, cut)), value(slice(cut, n))] if n > 1 else [value(slice(0, 1))] * 2
            again = value(all_rows)
        tolerance = float(np.finfo(outputs.dtype).eps) ** 0.5 if outputs.dtype.kind == "f" else 1e-4
        differ = abs(whole - sum(parts)) > tolerance * max(abs(whole), *map(abs, parts))
        if whole == again and math.isfinite(whole + sum(parts)) and differ:
            means = [f"{number / weights.sum():.6g}" for number in (whole, sum(parts))]
            raise ValueError(
                f"the loss of a batch isn't the mean of its rows': {means[0]} of all, but {means[1]} of two "
                'parts. With comm= it must be (reduction="mean", no root and no comparison of rows), for each rank '
                "has but some rows of a batch"
            )

    # ---- after an epoch ----

    def gathered(self, outputs: Sequence[Array], targets: Sequence[Array]) -> tuple[Array, Array]:
        """All outputs of an epoch, in the order in which their examples came, and the targets."""
        ranks = self.all_of((outputs, targets))
        pairs = [(o, t) for batch in zip(*(zip(*rank, strict=True) for rank in ranks), strict=True) for o, t in batch]
        rows = [(o, t) for o, t in pairs if len(t)]
        return np.concatenate([o for o, _ in rows]), np.concatenate([t for _, t in rows])

    def first(self, judge: Callable[[], T]) -> T:
        """What rank 0 finds, which alone looks; what it draws from the random numbers of all, all have drawn."""
        if self.size == 1:
            return judge()
        found: Any = None
        if self.rank == 0:
            try:
                with being(alone=self.comm):
                    found = judge()
            except FloatingPointError as error:
                found = error
        dice = random.generator().bit_generator
        found, dice.state = self.comm.bcast((found, dice.state), root=0)
        if isinstance(found, FloatingPointError):
            raise self.everywhere(found)
        answer: T = found
        return answer

    def together(self, optimizer: Optimizer) -> None:
        """Buffers become those of rank 0. RuntimeError if the parameters aren't the same already, to the bit."""
        if self.size == 1:
            return
        mark = [float(group["lr"]) for group in optimizer.groups], _checksum([p._data for _, p in self._parameters()])
        theirs, buffers = self.comm.bcast((mark, {n: on_host(b) for n, b in self.model.named_buffers()}), root=0)
        if theirs != mark:
            raise RuntimeError(
                f"rank {self.rank} has other parameters or another lr than rank 0: what a callback, a schedule or the "
                "model itself changes must be the same on every rank"
            )
        if buffers:
            self.model.load_state_dict(buffers, strict=False)

    # ---- what goes wrong ----

    def everywhere(self, error: E) -> E:
        """An exception that every rank raises now, so that none of them waits for another."""
        if self.size > 1:
            vars(error)[_EVERYWHERE] = True
        return error

    def first_found(self, look: Callable[[], str], batch: Batch) -> str:
        """Where a NaN or infinity began, on the first rank that finds it; the ranks don't wait for each other there."""
        if self.size == 1:
            return look()
        with being(apart=True):
            own = look() if len(batch.y) else care.FINITE_AGAIN
        for rank, found in enumerate(self.all_of(own)):
            if found != care.FINITE_AGAIN:
                return f"On rank {rank}: {found}"
        return own


def _in_words(value: Any) -> str:
    """The same text on every rank for what is the same; of objects that are no numbers only what kind they are."""
    import json  # on use, so that `import tinydl` stays quick

    says = lambda x: x.tolist() if isinstance(x, (np.ndarray, np.generic)) else kind(x)
    return json.dumps(value, default=says, skipkeys=True)


def _mark_of(feed: Feed) -> Any:
    """A number by which a few examples are known, so that no data need be read as a whole."""
    if feed.examples is None:
        return None
    rows = np.unique(np.linspace(0, len(feed.examples) - 1, 16).astype(int))
    return _checksum([on_host(array[rows]) for array in feed.examples])


def _checksum(arrays: Sequence[Array]) -> int:
    return functools.reduce(lambda crc, array: zlib.crc32(on_host(array).tobytes(), crc), arrays, 0)
