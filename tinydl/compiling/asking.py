"""Who asks for a value while a step is recorded, and what is said where that can't be answered.

A user's line that takes a value out of the step is an error, which names it; a line of tinydl's own is a decision that
the program will check. Stands on watching/lines.py; read watched.py next.
"""

from __future__ import annotations

import linecache
import os
import sys
from types import FrameType
from typing import Any

import numpy as np

from ..engine.dispatch import array_function, array_ufunc
from ..engine.tensor import Tensor
from ..watching.lines import NOT_THE_USERS, is_ours
from .tape import CompileError, Tape

OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_NUMPY = os.path.dirname(os.path.abspath(np.__file__)) + os.sep
_ENGINE = ("methods.py", "dispatch.py", "tensor.py", "recording.py", "transforms.py")
_TENSORS = tuple(os.path.join(OURS, "engine", name) for name in _ENGINE)
_ANSWERS = os.path.join(OURS, "derivatives", "")
BETWEEN = (*_TENSORS, os.path.join(OURS, "compiling", ""), _NUMPY, "<__array_function__")


def taken_out(what: str) -> str:
    """What to say where a user's function takes values out of the recorded step."""
    return (
        f"{what} takes a value out of the step that is being compiled, which the program could not follow: it would "
        "use today's value at every call. Compute with the Tensors themselves; for a number return loss.item(), and "
        "compute or decide with it outside; what varies from call to call must be an argument"
    )


class Number:
    """What `.item()` gives while a step is recorded: a number that may be returned, and nothing else."""

    def __init__(self, value: Any, of: Any, tape: Tape) -> None:
        self.value, self.of, self.tape = value, of, tape

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return repr(self.value)


def _refusing(name: str) -> Any:
    def ask(self: Number, *other: Any) -> Any:
        if self.tape.open:
            raise CompileError(taken_out("a number made by .item()"))
        return getattr(self.value, name)(*other)  # somebody kept it: from now on it is that number

    return ask


for _name in ("add", "radd", "sub", "rsub", "mul", "rmul", "truediv", "rtruediv", "floordiv", "rfloordiv", "mod",
              "rmod", "pow", "rpow", "neg", "pos", "abs", "lt", "le", "gt", "ge", "eq", "ne", "bool", "float", "int",
              "index", "round", "format", "str", "array", "divmod", "trunc"):  # fmt: skip
    setattr(Number, f"__{_name}__", _refusing(f"__{_name}__"))


def asked_by_user(answered: bool = False) -> bool:
    """Whether the engine was called by a user's line rather than by another room of tinydl; `answered`: by way of a
    function of derivatives/ that answers one of NumPy's."""
    return users_frame(answered) is not None


def users_frame(answered: bool = False) -> FrameType | None:
    """The user's function that called the engine; None if another room of tinydl did."""
    frame = _outside(sys._getframe(2), BETWEEN)
    if answered and frame.f_code.co_filename.startswith(_ANSWERS):
        frame = _outside(_outside(frame, frame.f_code.co_filename), BETWEEN)
    return None if is_ours(frame) else frame


def _outside(frame: FrameType, files: str | tuple[str, ...]) -> FrameType:
    """The innermost frame that isn't in files whose names begin so."""
    while frame.f_back is not None and frame.f_code.co_filename.startswith(files):
        frame = frame.f_back
    return frame


def users_place() -> tuple[str, int]:
    """The file and line of the user that runs."""
    frame = _outside(sys._getframe(1), NOT_THE_USERS)
    return frame.f_code.co_filename, frame.f_lineno


def line_of(error: BaseException) -> str:
    """The user's line in which an error was raised, in brackets."""
    trace, found = error.__traceback__, None
    while trace is not None:
        code = trace.tb_frame.f_code
        if not code.co_filename.startswith(NOT_THE_USERS):
            line = linecache.getline(code.co_filename, trace.tb_lineno).strip()
            found = f"{os.path.basename(code.co_filename)}:{trace.tb_lineno}: {line}"
        trace = trace.tb_next
    return f" ({found})" if found else ""


_OF_TENSORS = {array_function.__code__, array_ufunc.__code__, Tensor.__dict__["__setitem__"].__code__}


def is_of_stand_in(error: BaseException) -> bool:
    """Whether it was raised because an array is a Tensor while a step is recorded."""
    trace = error.__traceback__
    if isinstance(error, AttributeError):  # of a method that arrays have
        return str(error).startswith("'Tensor' object")
    while trace is not None:
        frame = trace.tb_frame
        if frame.f_code in _OF_TENSORS and "array" in (frame.f_locals["self"].notes or ()):
            return True
        trace = trace.tb_next
    return False


def is_stand_in(value: Any) -> bool:
    """Whether a Tensor stands for a plain array: an argument, or what was made of such alone."""
    return isinstance(value, Tensor) and value.notes is not None and "array" in value.notes
