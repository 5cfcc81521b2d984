"""What the function itself does with `.grad` while it is recorded: it looks at it, sets it to None, or to a Tensor."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..engine.methods import behave
from ..engine.tensor import Tensor
from ..watching.lines import is_ours
from .tape import CompileError
from .watched import Watched, value_of


@contextmanager
def seen_by(recorder: Any) -> Iterator[None]:
    """Within, a Recorder notices who reads `.grad`, for that there is one, or none, may decide how a function goes on;
    and who sets it."""
    slot: Any = vars(Tensor)["grad"]

    def read(t: Tensor) -> Any:
        counts = t in recorder.had and not recorder.is_settled(t) and recorder.tape.records()
        if counts and not is_ours(sys._getframe(1)):
            recorder.looked_at.add(t)
        return slot.__get__(t, Tensor)

    def write(t: Tensor, value: Any) -> None:
        if recorder.tape.records() and not is_ours(sys._getframe(1)) and recorder.is_from_before(t):
            if value is None or not recorder.is_settled(t):
                recorder.forgotten([t])
            if value is not None:
                _check(recorder, t, value)
        slot.__set__(t, value)

    behave("grad", property(read, write, slot.__delete__))
    try:
        yield
    finally:
        behave("grad", slot)


def _check(recorder: Any, t: Tensor, value: Any) -> None:
    """CompileError for a gradient that the program could not leave as the function does."""
    array = getattr(value, "_data", None)
    is_made_here = isinstance(array, Watched) and value_of(array).storage.kind == "made"
    if not is_made_here or any(p.grad is value for p in recorder.leaves if p is not t):
        raise CompileError(
            f"the gradient of a Tensor of shape {t.shape} is set to what this step didn't compute, or to that of "
            "another; write p.grad = None and let a backward pass make it, or compute it here: p.grad = p.grad / 2"
        )
