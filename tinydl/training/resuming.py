"""The state of a run of `fit` in a file, from which the next one goes on: what `fit(resume=path)` does.

Beside the model and the optimizer, which saving.py writes, it holds the notes of a run: how far it came, its history,
its schedules, the best epoch so far, and where the random numbers are. fit.py reads it once and writes it after each
epoch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ..engine import random
from ..engine.arrays import Array, on_host
from ..engine.checks import kind
from ..nn import Module
from ..optim.optimizer import Optimizer
from ..optim.schedules import Schedule
from .arguments import check_files
from .care import Best
from .feeding import Feed
from .history import History
from .programs import snapshot
from .saving import format_of, loaded, save
from .team import Team

_NOTES, _BEST, _OTHERS = "fit/notes", "fit/best/", "fit/others/"  # a model's names have no slash


class Progress:
    """How far a run came: its history and its best epoch; with a path in a file as well, with all that goes with it."""

    def __init__(
        self,
        path: Any,
        model: Module,
        optimizer: Optimizer,
        schedules: Sequence[Schedule],
        feed: Feed,
        epochs: int,
        patience: int | None,
        checkpoint: Any,
        told: Sequence[Callable[[int, History], Any]],
        team: Team,
    ) -> None:
        if team.rank == 0:
            check_files(checkpoint=checkpoint, resume=path)
        self.path, self.model, self.optimizer, self.schedules = path, model, optimizer, schedules
        self.feed, self.told, self.team, self.history = feed, told, team, History()
        self.best = Best(model, patience, checkpoint if team.rank == 0 else None, for_file=path is not None)
        examples = None if feed.examples is None else len(feed.examples)
        self.streams = list[Any]()  # the random numbers of each rank, where there are several
        self.epochs = epochs
        self.plan: dict[str, Any] = {
            "epochs": epochs, "patience": patience, "batch_size": feed.batch_size, "examples": examples,
            "batches in an epoch": len(feed), "optimizer": type(optimizer).__name__,
        }  # fmt: skip

    def to_come(self) -> Iterator[int]:
        """One epoch after the other until the run is stopped."""
        for epoch in range(self._begun(), self.epochs):
            yield epoch
            if self.history.stopped:
                return

    def _begun(self) -> int:
        """How many epochs are done: those of the file, if there is one; then model, optimizer and all are as it says.

        Raises ValueError, with all as it was, for a file that another kind of run wrote, or that is damaged.
        """
        self.team.begin(self.plan, self.optimizer, self.schedules, self.feed)
        if self.path is None:
            return 0
        self._notes()  # what can't be written is better said now than after an epoch
        file, _, read = format_of(self.path)
        found = self.team.first(lambda: read(file) if file.exists() else None)
        if found is None:
            return 0
        if _NOTES not in found:
            raise ValueError(
                f"{file} is no file that fit(resume=…) has written, which it would replace; give another path, or load "
                "what it holds by tl.load(model, path)"
            )
        if any(name.startswith(_BEST) for name in found):
            self.best.weights = self.model.state_dict()  # whose names saving.py asks for
        undo = snapshot(self.model, self.optimizer, self.schedules)
        try:
            loaded(self, file, found, self.optimizer)
        except Exception:
            undo()
            raise
        return self.epochs if self.ended() else len(self.history)

    def ended(self) -> bool:
        """Whether the patience is exhausted, which is written into the history."""
        self.history.stopped = "early stopping" if self.best.exhausted else None
        return self.best.exhausted

    def add(self, epoch: int, numbers: Mapping[str, float], norms: Any, decisive: float) -> None:
        """What an epoch gave. Callbacks are told, and what they change is in the file, which comes last."""
        history = self.history
        history.add(numbers)
        history.add_norms(norms)
        self.best.consider(decisive)
        answers = [callback(epoch, history) for callback in self.told]
        self.ended()
        if any(isinstance(answer, (bool, np.bool_)) and answer for answer in answers):  # it may return anything
            history.stopped = "callback"
        history.stopped = self.team.first(lambda: history.stopped)  # and what callbacks drew there, all have drawn
        if self.path is not None:
            self.streams = self.team.streams()
            if self.team.rank == 0:
                save(self, self.path, self.optimizer)

    # ---- as saving.py sees it: the state of the model, with that of the run ----

    def state_dict(self) -> dict[str, Array]:
        best = {f"{_BEST}{name}": array for name, array in self.best.weights.items()}
        others = {f"{_OTHERS}{i}": on_host(p.data) for i, p in enumerate(self.team.others)}
        return {**self.model.state_dict(), **others, **best, _NOTES: np.frombuffer(self._notes().encode(), np.uint8)}

    def load_state_dict(self, state: Mapping[str, Array]) -> None:
        """Raises ValueError for a state that isn't of this run; then some of it may have been taken."""
        notes = self._understood(state[_NOTES])
        best = {name.removeprefix(_BEST): array for name, array in state.items() if name.startswith(_BEST)}
        if best:
            self.model.load_state_dict(best)
            self.best.remember()
        self.model.load_state_dict({name: a for name, a in state.items() if not name.startswith("fit/")})
        for i, p in enumerate(self.team.others):
            p.data = state[f"{_OTHERS}{i}"]
        rates = [group["lr"] for group in self.optimizer.groups]  # which somebody may have set since a schedule did
        for schedule, kept in zip(self.schedules, notes["schedules"], strict=True):
            schedule.load_state_dict(kept)
        for group, rate in zip(self.optimizer.groups, rates, strict=True):
            group["lr"] = rate
        self.best.lowest, self.best.since = notes["best"]
        self.history.curves, self.history.norms = notes["history"], notes["norms"]
        for rng, kept in zip(self._generators(), notes["generators"], strict=True):
            rng.bit_generator.state = kept
        self.team.draw(notes["streams"])

    def _generators(self) -> list[np.random.Generator]:
        """Those from which random numbers come: the default one, and that of batches with a seed of their own."""
        own = getattr(self.feed.source, "rng", None)
        return [random.generator(), *([own] if isinstance(own, np.random.Generator) else [])]

    def _notes(self) -> str:
        """All but the arrays, in JSON, which keeps floats to the bit and integers of any size. ValueError for what it
        can't hold."""
        import json  # on use, so that `import tinydl` stays quick

        notes: dict[str, Any] = {
            "plan": self.plan,
            "history": self.history.curves,
            "norms": self.history.norms,
            "best": [self.best.lowest, self.best.since],
            "generators": [rng.bit_generator.state for rng in self._generators()],
            "streams": self.streams,
        }
        try:
            states = [schedule.state_dict() for schedule in self.schedules]
            notes["schedules"] = [{name: _kept(value) for name, value in state.items()} for state in states]
            return json.dumps(notes, default=_as_numbers)
        except TypeError as error:
            raise ValueError(
                f"resume= can't write this run into a file: {error}. A schedule's state is numbers, text, lists, "
                "arrays and dicts whose keys are text"
            ) from None

    def _understood(self, array: Array) -> dict[str, Any]:
        """The notes in a file. ValueError for those of a run with another plan, and for what are none."""
        import json

        notes = json.loads(array.tobytes())
        if not isinstance(notes, dict) or notes.keys() != json.loads(self._notes()).keys():
            raise ValueError("its notes of the run are damaged, or another version's")
        for what, here in self.plan.items():
            if (there := notes["plan"].get(what)) != here:
                raise ValueError(
                    f"the run in it has {what} {there}, but this one {here}. To go on give what it had; to begin anew "
                    "give another path, or remove the file"
                )
        if len(there := notes["schedules"]) != len(self.schedules):
            raise ValueError(f"the run in it has {len(there)} schedules, but this one {len(self.schedules)}")
        if len(there := notes["generators"]) != len(self._generators()):
            raise ValueError("the run in it was fed by batches with a seed of their own, or this one is, but not both")
        return dict(notes)


def _as_numbers(value: Any) -> Any:
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    raise TypeError(f"{kind(value)} is in it")


def _kept(value: Any, within: bool = False) -> Any:
    """What is part of a schedule's state, if JSON gives it back so that schedules.py makes the same of it; else
    TypeError. Arrays and tuples are lists there, and what they were is known of the state's own values only."""
    if isinstance(value, np.ndarray) and not within:
        return value.tolist()
    if type(value) is dict and all(isinstance(key, str) for key in value):
        return {key: _kept(item, within=True) for key, item in value.items()}
    if type(value) is list or (type(value) is tuple and not within):
        return [_kept(item, within=True) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)) or (isinstance(value, np.generic) and not within):
        return value
    raise TypeError("a key isn't text" if type(value) is dict else f"{kind(value)} is in it")
