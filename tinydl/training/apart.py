"""Whether a model gives each example what it would get alone: what `private_gradients` stands on.

A layer that lets examples see each other, or keeps something of them, gives no error, and a sum of gradients doesn't
show it. So a few examples are asked together, by themselves, and in another order. This is done in float64, in which
what another example adds can be told from rounding. privacy.py calls it before anything is recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from ..engine import random
from ..engine.arrays import Array
from ..engine.checks import array_of, listed
from ..engine.recording import no_grad
from ..engine.tensor import Tensor
from ..nn import Module
from ..nn.keeping import is_computed
from ..nn.module import places
from ..watching.modes import mode
from .care import snapshot

CHANGES = (
    "the forward pass changes {}, which then follows the examples without any noise and would give them away: call "
    "eval() on the layer that does it, or write one that keeps nothing. It is put back"
)
FEW = 16  # examples that are asked
OFTEN, SELDOM = 8, 4
_asked: WeakKeyDictionary[Module, tuple[int, bool, tuple[bool, bool]]] = WeakKeyDictionary()  # calls, `alone`, found
KEEPS = (
    "a layer keeps something from one call to the next, or draws random numbers from a Generator of its own. Then no "
    "example has a gradient of its own: write layers that keep the rows of the first axis apart, and nothing else"
)
MIXES = (
    "what the model gives for an example depends on the other examples of the lot, on its place among them or on their "
    f"number: a layer mixes rows, as BatchNorm or attention over the batch do, or {KEEPS}"
)


def refuse_what_isnt_apart(
    model: Module, loss: Callable[[Any, Any], Any], x: Array, y: Array, alone: bool
) -> tuple[bool, bool, bool]:
    """ValueError if an example gets something else among others (`alone`: after others), or if something of it is kept.

    Gives whether the model draws random numbers (if so, it was asked in eval mode; what it draws there isn't compared),
    whether its outputs are a Tensor with the examples along the first axis, and whether it was asked. It is in the
    first `OFTEN` calls, and then in each `SELDOM`-th, by other examples each time.
    """
    calls, were_alone, found = _asked.get(model, (0, alone, (True, True)))
    if calls >= OFTEN and calls % SELDOM and were_alone == alone:
        _asked[model] = calls + 1, alone, found
        return *found, False
    rows = np.random.default_rng(calls).choice(len(x), min(FEW, len(x)), replace=False)
    everyone = np.arange(len(rows))
    first = everyone[:1]
    all_, others = (first, everyone[-1:]) if alone else (everyone, everyone[::-1][: (len(rows) + 1) // 2])
    few = _Few(model, loss, x, y, rows)
    with no_grad(), _in_float64(model) as state:
        outputs, draws = few.ask(all_)
        new, comparable = state.new(), True
        with mode(model, False) if draws and not alone else nullcontext():
            if draws and not alone:
                outputs, drew = few.ask(all_)
                comparable = not drew
            for group in (others, first):
                now, _ = few.ask(group)
                if comparable and (group is first or not alone):
                    few.compare(outputs, now, all_, group)
            if new:
                _refuse_kept(few, state, new, others)
    _asked[model] = calls + 1, alone, (draws, few.in_rows)
    return draws, few.in_rows, True


class _Few:
    """A few examples, what a model gives them, and the losses of that."""

    def __init__(self, model: Module, loss: Callable[[Any, Any], Any], x: Array, y: Array, rows: Array) -> None:
        self.model, self.loss, self.y = model, loss, y[rows]
        self.x = x[rows].astype(np.float64) if x.dtype.kind == "f" else x[rows]
        self.in_rows = True
        self.dice = random.generator().bit_generator.state

    def ask(self, group: Array) -> tuple[Any, bool]:
        """The outputs, and whether random numbers were drawn, which are the same each time."""
        x = self.x[group]
        with generator_at(self.dice):
            outputs = self.model(x)
            drew = str(random.generator().bit_generator.state) != str(self.dice)
        if not _same(x, self.x[group]):
            raise ValueError("the forward pass writes into x, which it is given; write x = x / 255 instead of x /= 255")
        self.in_rows &= isinstance(outputs, Tensor) and outputs.shape[:1] == group.shape
        return outputs, drew

    def compare(self, outputs: Any, others: Any, all_: Array, group: Array) -> None:
        """ValueError if the examples of `group`, which are some of all, got something else than among all."""
        if not self.in_rows:
            outputs, others = (self.loss(z, self.y[at]) for z, at in ((outputs, all_), (others, group)))
            if any(not isinstance(z, Tensor) or z.shape != at.shape for z, at in ((outputs, all_), (others, group))):
                return  # no loss for each row, which is refused where that of the lot is computed
        a, b = array_of(outputs)[group - all_[0]], array_of(others)
        if a.shape != b.shape:
            raise ValueError(MIXES)
        exact, size = a.dtype == np.float64, np.abs(a[np.isfinite(a) & (a != b)])  # masked logits are the same
        near, nearly_0 = (1e-8, 1e-12) if exact else (1e-4, 1e-6)
        absolute = near * float(np.sort(size)[size.size // 2]) + nearly_0 * float(size.max()) if size.size else 0.0
        if is_near(a, b, near, absolute) or (is_near(a, b, 1e3 * near, 1e3 * absolute) and self._is_rounding(all_)):
            return
        raise ValueError(MIXES)

    def _is_rounding(self, all_: Array) -> bool:
        """Whether what the first example gets stays the same to the last digits among others in as many places: then
        its place and their number are felt only by a matrix product in float32, and the others not at all."""
        if len(all_) == 1:
            return False
        (one, _), (other, _) = self.ask(all_), self.ask(np.where(all_ == all_[0], all_, all_[len(all_) // 2]))
        if not self.in_rows:
            one, other = (self.loss(z, self.y[all_]) for z in (one, other))
        return is_near(array_of(one)[:1], array_of(other)[:1], 1e-13, 0)


def _refuse_kept(few: _Few, state: State, new: Mapping[str, Any], others: Array) -> None:
    """ValueError if arrays that the first forward pass made are still there, and are others if `others` are given."""
    now = state.new()
    still = [name for name, value in new.items() if now.get(name) is value]
    if not still or len(few.x) < 2:
        return
    state.put_back()
    few.ask(others)
    now = state.new()
    follows = [name for name in still if name not in now or not _same(array_of(new[name]), array_of(now[name]))]
    if follows:
        raise ValueError(
            f"the first forward pass makes {listed(follows)} of the examples that it is given, and keeps it without "
            "any noise, which gives them away: compute it of data that may be known, before training. It is taken back"
        )


class State:
    """What is in a model's attributes, so that what changes, or is new, is seen, and can be put back."""

    def __init__(self, model: Module) -> None:
        self.modules = [(f"{name}." if name else "", module) for name, module in model.named_modules()]
        self.attributes = [
            {key: value.copy() if isinstance(value, (dict, list)) else value for key, value in vars(module).items()}
            for _, module in self.modules
        ]
        self.contained = [{k: v for k, v in vars(m).items() if isinstance(v, (dict, list))} for _, m in self.modules]
        self.known = {name: (value, array_of(value)) for name, value in self._found()}
        state = {name for name, _ in (*model.named_parameters(), *model.named_buffers())}  # not what is looked at
        self.copies = {name: array.copy() for name, (_, array) in self.known.items() if name in state}

    def _found(self) -> Iterator[tuple[str, Any]]:
        return ((above + name, value) for above, module in self.modules for name, _, _, value in places(module))

    def new(self) -> dict[str, Any]:
        """Arrays that weren't there, and numbers that were others."""
        found = {name: value for name, value in self._found() if name not in self.known}
        for (above, module), before in zip(self.modules, self.attributes, strict=True):
            for key, value in vars(module).items():
                if isinstance(value, float) and before.get(key) is not value:
                    found[above + key] = value
        return found

    def changed(self) -> list[str]:
        now = dict(self._found())
        return [name for name, copy in self.copies.items() if name in now and not _same(array_of(now[name]), copy)]

    def put_back(self) -> None:
        for (_, module), attributes, contained in zip(self.modules, self.attributes, self.contained, strict=True):
            vars(module).clear()
            vars(module).update(attributes)
            for key, container in contained.items():
                container.clear()
                container.extend(attributes[key]) if isinstance(container, list) else container.update(attributes[key])
                vars(module)[key] = container
        for name, (value, array) in self.known.items():
            if isinstance(value, Tensor):
                value._data = array
            if name in self.copies and array.flags.writeable and not _same(array, self.copies[name]):
                array[...] = self.copies[name]


@contextmanager
def _in_float64(model: Module) -> Iterator[State]:
    """Within, the model computes in float64; afterwards its attributes are as they were. ValueError if a forward pass
    changes a parameter or a buffer, whatever else it raises."""
    state = State(model)
    error: BaseException | None = None
    try:
        for value, array in state.known.values():
            if isinstance(value, Tensor) and array.dtype.kind == "f" and not is_computed(value):
                value._data = array.astype(np.float64)
        yield state
    except BaseException as raised:  # a KeyboardInterrupt, too, must leave no float64 behind
        error = raised
    changed = state.changed()
    state.put_back()
    _raise(changed, error)


@contextmanager
def same_buffers(model: Module) -> Iterator[None]:
    """ValueError if a buffer changes within: what follows the data without noise gives them away."""
    before = {name: buffer.copy() for name, buffer in model.named_buffers()}
    undo = snapshot(model, buffers=bool(before))
    error: BaseException | None = None
    try:
        yield
    except BaseException as raised:
        error = raised
    after = dict(model.named_buffers()) if before else {}
    changed = [name for name, was in before.items() if name not in after or not _same(was, after[name])]
    if changed or error:
        undo()
    _raise(changed, error)


def _raise(changed: list[str], error: BaseException | None) -> None:
    """What changed is said first: it is likely why the rest went wrong."""
    if changed:
        raise ValueError(CHANGES.format(listed(changed))) from error
    if error:
        raise error


@contextmanager
def generator_at(drawn: Any) -> Iterator[None]:
    """Within, the default Generator is where it was; then it goes on where it is."""
    generator = random.generator()
    now = generator.bit_generator.state
    generator.bit_generator.state = drawn
    try:
        yield
    finally:
        generator.bit_generator.state = now


def is_near(a: Array, b: Array, relative: float, absolute: float) -> bool:
    """Whether they are as near as rounding leaves them; NaN is near NaN."""
    with np.errstate(invalid="ignore"):  # of logits that are −∞
        near = (a == b) | (np.abs(a - b) <= absolute + relative * np.abs(b))
    return bool((near | (np.isnan(a) & np.isnan(b))).all())


def _same(a: Array, b: Array) -> bool:
    return (
        a is b or (a.shape == b.shape and bool((a == b).all())) or np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    )
