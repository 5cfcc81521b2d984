"""Whether this thread records operations, and who is told what it does.

The engine (tensor.py) asks here at every operation. Observers are how anomaly mode, strict mode, source lines and
diagnose see what happens without the engine knowing them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ContextDecorator, contextmanager
from inspect import isgeneratorfunction
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


class AsOne(TypeError):
    """A forward function or rule looks at a value that is being recorded: who runs it calls it as a whole instead."""

    def __init__(self, call: Callable[..., Any]) -> None:
        super().__init__("a value is asked for while a step is recorded")
        self.call = call


class Observer:
    """Is told what happens while it is in its thread's list; the useful ones live in watching/ and trace.py.

    `output`, nodes and leaves are Tensors, `primitive` is a Primitive; this file, below theirs, knows neither.
    """

    def computed(self, output: Any, primitive: Any, inputs: Sequence[Any], options: dict[str, Any]) -> None:
        """An operation on Tensors gave `output`; it was recorded if `output.primitive` is set."""

    def backward_started(self, nodes: Sequence[Any]) -> None:
        """A backward pass is about to visit these operations, the last one first."""

    def gradient_computed(self, node: Any, position: int, g: Any, gradient: Any) -> None:
        """The rule of one input of `node` made `gradient` of the gradient `g` that arrived there."""

    def backward_ended(self, leaves: Sequence[Any]) -> None:
        """`backward()` has written the `.grad` of these Tensors."""

    def module_entered(self, module: Any) -> None:
        """The forward of a Module is about to run."""

    def module_left(self, module: Any, output: Any) -> None:
        """The forward of a Module has ended, by returning `output` or, then that is None, by raising."""

    def flattened(self, name: str, inputs: Sequence[Any], result: Any) -> Any:
        """A function without a slope (round, floor, ...) has answered with a plain array. What is returned, if it isn't
        None, takes the place of the answer."""

    def read(self, tensor: Any) -> None:
        """The value of a Tensor is taken out of the graph, by .data, .numpy(), .item() and the like."""

    def detached(self, tensor: Any, made: Any) -> None:
        """`made` was made of this Tensor by .detach()."""

    def written(self, tensor: Any, ufunc: Any, other: Any) -> Any:
        """``tensor += other`` is about to mean ``tensor = tensor + other``, since no gradient is wanted for this one.
        What is returned, if it isn't None, is meant instead."""

    def touched(self, tensor: Any, replaced: bool) -> None:
        """The array of a Tensor is about to be used outside of all operations: by a function without a slope, by
        ``p[index] = value`` or ``p -= u`` under no_grad; or another one takes its place, by ``p.data = array``."""

    def number(self, value: Any) -> Any:
        """The value of a Tensor, or a norm, is about to be given out as a Python number. What is returned, if it isn't
        None, takes its place."""

    def as_float(self, tensor: Any) -> Any:
        """The same for float(), which gives nothing but a float of Python's own."""

    def plainly(self, function: Callable[..., Any], inputs: Sequence[Any], changed: Sequence[Any]) -> Any:
        """tinydl is about to call ``function(*inputs)`` on plain arrays, of which it changes some in place. Who makes
        the call itself gives a tuple of what it gave, alone; others None."""

    def as_one(self, function: Callable[..., Any], inputs: Sequence[Any]) -> Any:
        """The same of a function within a primitive, which changes nothing."""

    def gradients_used(self, parameters: Sequence[Any]) -> None:
        """The gradients of these Tensors are about to be read, or changed in place."""

    def forgotten(self, parameters: Sequence[Any]) -> None:
        """The gradients of these Tensors were set to None."""

    def targets_checked(self, targets: Any, again: Callable[[Any], object]) -> None:
        """A loss is about to check its targets, an array; `again` raises ValueError for others as it does for these."""

    def schedule_stepping(self, schedule: Any) -> None:
        """A learning-rate schedule is about to go on to its next step."""

    def optimizer_stepping(self, optimizer: Any) -> None:
        """An optimizer is about to update its parameters."""

    def optimizer_stepped(self, optimizer: Any) -> None:
        """An optimizer has updated its parameters."""


class _ThreadState(threading.local):
    def __init__(self) -> None:
        self.recording = True
        self.outer: list[bool] = []  # what `recording` was in the contexts around
        self.observers: list[Observer] = []


class _Special:
    """How many contexts of this file are open, in all threads. While none is, nobody need look at the thread's state,
    which takes four times as long as looking here: worth 8 % of a small operation."""

    __slots__ = ("count", "lock")

    def __init__(self) -> None:
        self.count = 0
        self.lock = threading.Lock()

    def open(self, by: int) -> None:
        with self.lock:
            self.count += by


state = _ThreadState()
special = _Special()


class recording(ContextDecorator):
    """Within ``with recording(on):``, or in a function under ``@recording(on)``, this thread records operations, or
    doesn't. One of them can be entered any number of times, also inside itself."""

    def __init__(self, on: bool) -> None:
        self.on = on

    def __enter__(self) -> None:
        state.outer.append(state.recording)
        state.recording = self.on
        special.open(1)

    def __exit__(self, *exception: Any) -> None:
        state.recording = state.outer.pop()
        special.open(-1)

    def __call__(self, function: F) -> F:
        if isgeneratorfunction(function):
            raise TypeError(
                f"{function.__name__} is a generator, whose body runs after this decorator is left. "
                "Write `with tl.no_grad():` (or enable_grad) inside it"
            )
        return super().__call__(function)


def no_grad() -> recording:
    """Within ``with no_grad():``, or in a function under ``@no_grad()``, this thread records no operations."""
    return recording(False)


def enable_grad() -> recording:
    """Within ``with enable_grad():`` this thread records operations, also where a `no_grad` surrounds it."""
    return recording(True)


def computed_plainly(function: Callable[..., Any], *inputs: Any, changed: Sequence[Any] = ()) -> Any:
    """What tinydl computes with plain arrays, outside of all primitives: ``function(*inputs)``, and observers are told.

    So it is with masks that are drawn, shares of labels, running statistics, the clipping of gradients. The function
    changes only those inputs in place that are named in `changed`.
    """
    if special.count:
        for observer in state.observers:
            if (made := observer.plainly(function, inputs, changed)) is not None:
                return made[0]
    return function(*inputs)


def called_as_one(function: Callable[..., Any], *inputs: Any) -> Any:
    """Within a primitive, a function on arrays that programs are to call by its name: (what it gives,) if a step is
    being recorded, else None."""
    for observer in state.observers:
        if (made := observer.as_one(function, inputs)) is not None:
            return made
    return None


def called_whole(function: Callable[..., Any], *inputs: Any) -> Any:
    """``function(*inputs)`` within a primitive, of a function that programs are to call by its name."""
    if special.count and (made := called_as_one(function, *inputs)) is not None:
        return made[0]
    return function(*inputs)


def number(value: Any) -> Any:
    """A number that is given to the user, as observers will have it."""
    if special.count:
        for observer in state.observers:
            if (made := observer.number(value)) is not None:
                return made
    return value


@contextmanager
def observing(observer: Observer) -> Iterator[None]:
    """Within, the observer is told what this thread does."""
    state.observers = [*state.observers, observer]
    special.open(1)
    try:
        yield
    finally:
        state.observers = [o for o in state.observers if o is not observer]
        special.open(-1)
