"""Situations in which a training step is compiled, and two worlds in which each of them is lived through.

The worlds begin alike. In one the function runs as it stands, in the other it is compiled; after each call the two must
be equal to the bit, in all that was returned and all that was left behind. What situations are made of stands in
compile_parts.py and compile_circumstances.py; `pairwise` makes so many that each layer meets each optimizer and each
circumstance, and each optimizer each circumstance.

    python tests/compile_zoo.py NAME        lives through one of them, and looks for the smallest that fails
"""

from __future__ import annotations

import itertools
import random as python_random
import re
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from compile_circumstances import BETWEEN, GIVEN, INSIDE, Between, Given, Inside, arrays_in
from compile_parts import (
    FRONTS,
    HIDDEN,
    LOSSES,
    OPTIONS,
    VOCABULARY,
    Layer,
    Loss,
    Model,
    Option,
    forwards,
    some_ignored,
)

import tinydl as tl
from tinydl import nn
from tinydl.engine import random
from tinydl.engine.recording import state

# ---- a situation, and a world in which it is lived through ----


@dataclass(frozen=True)
class Situation:
    """One of each; `name` says which."""

    front_name: str = "Linear"
    hidden_name: str = "Identity"
    option_name: str = "SGD"
    inside_name: str = "plain"
    given_name: str = "Arrays"
    between_name: str = "Nothing"
    loss_name: str = "mse_loss"
    check: bool = True

    @property
    def front(self) -> Layer:
        return FRONTS[self.front_name]

    @property
    def hidden(self) -> Layer:
        return HIDDEN[self.hidden_name]

    @property
    def option(self) -> Option:
        return OPTIONS[self.option_name]

    @property
    def inside(self) -> Inside:
        return INSIDE[self.inside_name]

    @property
    def given(self) -> Given:
        return GIVEN[self.given_name]

    @property
    def between(self) -> Between:
        return BETWEEN[self.between_name]

    @property
    def loss(self) -> Loss:
        return LOSSES[self.loss_name]

    @property
    def keeps_signature(self) -> bool:
        """Whether all calls are alike, so that from the second on the program may run."""
        alike = self.given.keeps_signature and self.between.keeps_signature and not self.inside.decides
        return alike and self.loss.targets is not some_ignored

    @property
    def name(self) -> str:
        layers = f"{self.front_name} + {self.hidden_name}"
        parts = layers, self.loss_name, self.option_name, self.inside_name, self.given_name, self.between_name
        return " | ".join((*parts, *(() if self.check else ("unchecked",))))

    @classmethod
    def called(cls, name: str) -> Situation:
        layers, loss, option, within, given, between, *unchecked = name.split(" | ")
        front, hidden = layers.split(" + ")
        return cls(front, hidden, option, within, given, between, loss, not unchecked)

    @property
    def fits(self) -> bool:
        """Whether these can be together at all."""
        if self.inside.itself and type(self.given).made is not Given.made:
            return False
        if self.between_name == "TargetsRefused" and (
            self.inside_name == "updates_apart" or self.given_name == "ClosureNumber"
        ):
            return False  # since the fourth call doesn't look at these targets
        if (self.inside_name, self.between_name) == ("differentiates_twice", "Frozen") and "l1_loss" in self.loss_name:
            return False  # where the rest is frozen, l1_loss is linear in the head: there is no second derivative
        halves = self.inside_name == "accumulates_inside" and (
            self.given_name == "ClosureNumber" or self.between_name == "UnevenBatches"
        )
        return not halves or "BatchNorm1d" not in self.name  # of few rows that leaves one, which has no variance


class World:
    """A model, its optimizers, and the functions that train it, compiled or not."""

    def __init__(self, situation: Situation, compiled: bool) -> None:
        self.situation, self.is_compiled = situation, compiled
        self.compiled: list[Any] = []
        self.generators: list[np.random.Generator] = []
        self.notes: dict[Any, Any] = {}
        self.schedules: list[Any] = []
        self.ran = 0  # calls at which the function ran as it is written
        self.option, self.loss_of = situation.option, situation.loss.of
        tl.manual_seed(zlib.crc32(situation.name.encode()))
        with tl.default_dtype(situation.between.dtype):
            self.model = Model(situation.front, situation.hidden)
            self.optimizer = self.option.make([*self.model.named_parameters()])
            self.optimizers = [self.optimizer]
            written = situation.inside.write(self)
            steps = written if isinstance(written, tuple) else (written,)
            self.functions = [situation.given.made(step, self.compile) for step in steps]
            situation.between.begin(self)
        self.drawn = random.generator().bit_generator.state

    def compile(self, function: Any) -> Any:
        options = {"check": self.situation.check, **self.situation.between.options}
        made = tl.compile(function, **options) if self.is_compiled else function
        self.compiled.append(made)
        return made

    def call(self, x: Any, y: Any, call: int) -> tuple[Any, Exception | None]:
        """What the call gives, or raises."""
        between = self.situation.between
        random.generator().bit_generator.state = self.drawn
        before = len(forwards)
        try:
            with tl.default_dtype(between.dtype), between.around(call):
                between.before(self, call)
                x, y = between.batch(self, x.copy(), y.copy(), call)
                given = self.situation.given.batch(self, x, y, call)
                kept = [(a, a.tobytes()) for a in arrays_in(list(given))]
                try:
                    return self.functions[(call - 1) % len(self.functions)](*given), None
                except Exception as error:
                    return None, error
                finally:
                    assert all(a.tobytes() == was for a, was in kept), "an argument was written into"
        finally:
            self.ran += len(forwards) > before
            self.drawn = random.generator().bit_generator.state

    def after(self, call: int, result: Any) -> None:
        random.generator().bit_generator.state = self.drawn
        self.situation.between.after(self, call, result)
        self.drawn = random.generator().bit_generator.state

    def attributes(self) -> dict[str, Any]:
        """What the layers hold."""
        kept = {}
        for name, module in self.model.named_modules():
            for attribute, value in vars(module).items():
                if attribute not in ("_before_forward", "_held") and not isinstance(value, nn.Module):
                    kept[f"{name}.{attribute}"] = value
        return kept

    def state(self) -> dict[str, Any]:
        """All that a call leaves behind, but for gradients."""
        return {
            "attributes": self.attributes(),
            "model.state_dict()": self.model.state_dict(),
            "optimizer's memory": [optimizer._state for optimizer in self.optimizers],
            "optimizer.state_dict()": [optimizer.state_dict() for optimizer in self.optimizers],
            "generator": self.drawn,
            "other generators": [generator.bit_generator.state for generator in self.generators],
            "notes": {key: value for key, value in self.notes.items() if isinstance(value, bool)},
        }


# ---- two worlds, compared ----


class Differ(AssertionError):
    """The compiled world isn't what it should be."""


def differences(eager: Any, compiled: Any, where: str) -> Iterator[str]:
    """Sentences on what differs, in type, dtype, shape, strides or a bit."""
    if type(eager) is not type(compiled):
        yield f"{where}: {type(eager).__name__} became {type(compiled).__name__}"
    elif isinstance(eager, nn.Module):
        return
    elif isinstance(eager, tl.Tensor):
        yield from differences(eager._data, compiled._data, where)
    elif isinstance(eager, np.ndarray):
        for what in ("dtype", "shape", *(["strides"] if eager.base is None else [])):
            if getattr(eager, what) != getattr(compiled, what):
                yield f"{where}: {what} {getattr(eager, what)} became {getattr(compiled, what)}"
                return
        if bits(eager) != bits(compiled):
            yield f"{where}: {shown(eager)} became {shown(compiled)}"
    elif isinstance(eager, dict):
        if list(eager) != list(compiled):
            yield f"{where}: keys {list(eager)} became {list(compiled)}"
            return
        for key, value in eager.items():
            yield from differences(value, compiled[key], f"{where}[{key!r}]")
    elif isinstance(eager, (list, tuple)):
        if len(eager) != len(compiled):
            yield f"{where}: {len(eager)} became {len(compiled)}"
            return
        for i, (a, b) in enumerate(zip(eager, compiled, strict=True)):
            yield from differences(a, b, f"{where}[{i}]")
    elif isinstance(eager, (np.generic, float)):
        if bits(np.asarray(eager)) != bits(np.asarray(compiled)):
            yield f"{where}: {eager!r} became {compiled!r}"
    elif eager is not compiled and eager != compiled:
        yield f"{where}: {eager!r} became {compiled!r}"


def bits(array: np.ndarray) -> bytes:
    """Its memory, but of all that is no number the same."""
    if array.dtype.kind == "f" and (missing := np.isnan(array)).any():
        array = np.where(missing, np.array(np.nan, array.dtype), array)
    return array.tobytes()


def with_a_graph(value: Any, where: str) -> Iterator[str]:
    """Sentences on Tensors that require a gradient: a compiled function gives constants."""
    if isinstance(value, tl.Tensor) and value.requires_grad:
        yield f"{where}: a Tensor that requires a gradient"
    elif isinstance(value, (list, tuple, dict)):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from with_a_graph(item, f"{where}[{key!r}]")


def shown(array: np.ndarray) -> str:
    return np.array2string(array.ravel()[:4], precision=9, separator=", ") + ("…" if array.size > 4 else "")


class Diverged(Exception):
    """Training has gone to infinity: the gradients are NaN in both worlds."""


class Pair:
    """The two worlds of a situation, call by call."""

    def __init__(self, situation: Situation) -> None:
        self.situation, self.between = situation, situation.between
        self.eager, self.compiled = World(situation, False), World(situation, True)
        self.rng = np.random.default_rng(zlib.crc32(situation.name.encode()))
        self.held: list[tuple[str, np.ndarray, np.ndarray]] = []  # what somebody may hold of earlier calls
        pairs = zip(self.eager.model.named_parameters(), self.compiled.model.named_parameters(), strict=True)
        self.parameters = [(name, p, q) for (name, p), (_, q) in pairs]
        self.arrays = self.parameter_arrays()

    def live(self, calls: int | None = None) -> None:
        for call in range(1, (calls or self.between.calls) + 1):
            if call > self.between.calls and self.has_diverged():
                break
            try:
                self.call(call)
            except Diverged:
                if calls is None:
                    raise
                break
        self.compare_held(everything=True)

    def has_diverged(self) -> bool:
        """Whether training is on its way to infinity, as it is where the loss is maximized; there eager code raises."""
        return not all((np.abs(p._data) < 1e6).all() for _, p, _ in self.parameters)

    def call(self, call: int) -> None:
        x, y = self.batch(call)
        (result, error), (given, raised) = self.eager.call(x, y, call), self.compiled.call(x, y, call)
        if (error is not None) != self.between.raises(call):
            if isinstance(error, FloatingPointError) and repr(error) == repr(raised):
                raise Diverged(f"call {call}: {error}")
            raise RuntimeError(f"call {call} of eager code {'raised' if error else 'did not raise'}") from error
        if repr(error) != repr(raised):
            raise Differ(f"call {call}: {error!r} became {raised!r}") from raised
        self.compare(call, result, given)
        self.hold(call, result, given)
        self.eager.after(call, result)
        self.compiled.after(call, given)

    def batch(self, call: int) -> tuple[Any, Any]:
        rows, front, dtype = self.between.rows(call), self.situation.front, self.between.dtype
        x: Any = self.rng.integers(0, VOCABULARY, (rows, *front.shape))
        x = x if front.integers else self.rng.normal(size=(rows, *front.shape)).astype(dtype)
        y = self.situation.loss.targets(self.rng, rows, call)
        return x, y if y.dtype.kind == "i" else y.astype(dtype)

    def compare(self, call: int, result: Any, given: Any) -> None:
        found = [
            *differences(result, given, "result"),
            *([] if state.observers or self.between.looks_on(call) else with_a_graph(given, "result")),
            *differences(self.eager.state(), self.compiled.state(), "state"),
            *self.gradients_that_differ(),
            *self.arrays_that_were_replaced(),
            *self.compare_held(),
        ]
        if found:
            raise Differ(f"call {call}: " + "; ".join(found[:8]))

    def gradients_that_differ(self) -> Iterator[str]:
        stepped = {id(p) for optimizer in self.compiled.optimizers for p in optimizer.params}
        may_be_gone = self.situation.inside.clears and not self.between.options.get("keep_grads")
        for name, p, q in self.parameters:
            if not (q.grad is None and may_be_gone and id(q) in stepped):
                yield from differences(p.grad, q.grad, f"{name}.grad")

    def parameter_arrays(self) -> list[tuple[Any, Any]]:
        return [(p._data, q._data) for _, p, q in self.parameters]

    def arrays_that_were_replaced(self) -> Iterator[str]:
        """Each parameter has the very array that it would have in eager code."""
        now = self.parameter_arrays()
        for (name, *_), (p, q), (p_was, q_was) in zip(self.parameters, now, self.arrays, strict=True):
            if (p is p_was) != (q is q_was):
                yield f"{name}.data is another array"
        self.arrays = now

    def hold(self, call: int, result: Any, given: Any) -> None:
        learned = {id(a) for pair in self.arrays for a in pair}
        kept = [arrays_in([result, self.eager.attributes()]), arrays_in([given, self.compiled.attributes()])]
        for name, p, q in self.parameters:
            if p.grad is not None and q.grad is not None:
                self.held.append((f"{name}.grad of call {call}", p.grad._data, q.grad._data))
        for a, b in zip(*kept, strict=True):
            if id(a) not in learned:
                self.held.append((f"what call {call} gave", a, b))

    def compare_held(self, everything: bool = False) -> list[str]:
        """What is held of former calls changes only where eager code would change it."""
        held = self.held if everything else self.held[-60:]
        return [f"{what} has changed since" for what, a, b in held if bits(a) != bits(b)]


def live(situation: Situation, calls: int | None = None) -> Pair:
    """Live through it. Raises Differ, or what the compiled function raised, with the smallest situation that does."""
    pair = Pair(situation)
    try:
        pair.live(calls)
    except Exception as error:
        least = smallest(situation, calls)
        raise Differ(f"{error}\n    in: {situation.name}\n    the smallest that fails so: {least.name}") from error
    return pair


def failure(situation: Situation, calls: int | None = None) -> str:
    """How it fails, without numbers and which call it was; "" if it doesn't."""
    try:
        Pair(situation).live(calls)
    except Exception as error:
        return re.sub(r"[-\d.]+", "", str(error))[:60].partition("[")[0]
    return ""


PLAINEST = Situation()


def smallest(situation: Situation, calls: int | None = None) -> Situation:
    """The situation with as much as possible replaced by what is plainest, so that it still fails in the same way."""
    how = failure(situation, calls)
    for part in (
        "loss_name",
        "given_name",
        "between_name",
        "inside_name",
        "hidden_name",
        "front_name",
        "option_name",
        "check",
    ):
        simpler = replace(situation, **{part: getattr(PLAINEST, part)})
        if simpler != situation and simpler.fits and failure(simpler, calls) == how:
            situation = simpler
    return situation


# ---- so many situations that every pair has met ----

FACTORS = {
    "front_name": list(FRONTS), "hidden_name": list(HIDDEN), "option_name": list(OPTIONS), "inside_name": list(INSIDE),
    "given_name": list(GIVEN), "between_name": list(BETWEEN),
}  # fmt: skip
LAYERS, CIRCUMSTANCES = ("front_name", "hidden_name"), ("inside_name", "given_name", "between_name")
MEETINGS = [
    *itertools.product(LAYERS, ("option_name",)),
    *itertools.product(LAYERS, CIRCUMSTANCES),
    *itertools.product(("option_name",), CIRCUMSTANCES),
]


def met(situation: Situation) -> set[tuple[str, str, str, str]]:
    """The pairs that a situation brings together: of what, and which."""
    return {(a, getattr(situation, a), b, getattr(situation, b)) for a, b in MEETINGS}


def all_pairs() -> set[tuple[str, str, str, str]]:
    return {(a, x, b, y) for a, b in MEETINGS for x in FACTORS[a] for y in FACTORS[b]}


TURNS = [name for name in LOSSES if name != "distillation_loss"]  # which is made of two of the others


def pairwise() -> list[Situation]:
    """Situations in which every pair is met at least once."""
    missing, found, turn = all_pairs(), [], itertools.cycle(TURNS)

    def add(given: dict[str, str]) -> None:
        found.append(_filled(given, missing, next(turn), len(found)))
        missing.difference_update(met(found[-1]))

    for option, within in itertools.product(OPTIONS, INSIDE):
        add({"option_name": option, "inside_name": within})
    while missing:
        a, x, b, y = min(missing)
        add({a: x, b: y})
    return [*found, _filled({}, missing, "distillation_loss", len(found))]


def _filled(parts: dict[str, str], missing: set[Any], loss: str, number: int) -> Situation:
    """A situation with these parts, the others chosen so that many missing pairs meet."""
    chosen = {**parts, "loss_name": loss, "check": number % 2 == 0}
    for part in ("between_name", "given_name", "front_name", "hidden_name", "option_name", "inside_name"):
        if part in parts:
            continue
        names = FACTORS[part]
        start = number % len(names)

        def gain(name: str, part: str = part) -> int:
            pairs = ((a, name if a == part else chosen.get(a), b, name if b == part else chosen.get(b))
                     for a, b in MEETINGS if part in (a, b))  # fmt: skip
            return sum(pair in missing for pair in pairs)

        turned = names[start:] + names[:start]
        chosen[part] = max((name for name in turned if Situation(**{**chosen, part: name}).fits), key=gain)
    return Situation(**chosen)


def sampled(count: int, seed: int) -> list[Situation]:
    """Situations drawn from the product of everything."""
    draw = python_random.Random(seed)
    found: dict[Situation, None] = {}
    while len(found) < count:
        parts = {part: draw.choice(names) for part, names in FACTORS.items()}
        situation = Situation(**parts, loss_name=draw.choice(TURNS), check=draw.random() < 0.5)
        if situation.fits:
            found[situation] = None
    return list(found)


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        live(Situation.called(argument))
        print("equal to the bit")
