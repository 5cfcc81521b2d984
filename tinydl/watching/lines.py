"""Which line of the user's code made an operation, and in which Modules: an observer of the engine.

It costs nothing while it isn't in use. anomaly.py, strict.py and explaining/ tell with it where something happened.
"""

from __future__ import annotations

import contextlib
import linecache
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

import numpy as np

from ..engine.recording import observing
from ..engine.tensor import Primitive, Tensor
from ..engine.trace import Scopes
from ..nn.module import Module, current_path

_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep  # the package's folder
_FIT = os.path.join(_OURS, "training", "fit.py")
_NUMPY = os.path.dirname(os.path.abspath(np.__file__)) + os.sep
NOT_THE_USERS = (_OURS, _NUMPY, contextlib.__file__, "<__array_function__")


def is_ours(frame: FrameType) -> bool:
    """Whether a function of this package is running there."""
    return frame.f_code.co_filename.startswith(_OURS)


def _users_frame() -> tuple[FrameType, int]:
    """The innermost frame outside tinydl and NumPy, and how many calls it is away from who asks here."""
    frame, depth = sys._getframe(1), 0
    while frame.f_back and frame.f_code.co_filename.startswith(NOT_THE_USERS):
        frame, depth = frame.f_back, depth + 1
    return frame, depth


def user_line() -> str:
    """The line outside tinydl and NumPy that is running: ``"train.py:12: y = np.log(x)"``."""
    frame, _ = _users_frame()
    name, number = frame.f_code.co_filename, frame.f_lineno
    code = linecache.getline(name, number).strip()
    return f"{os.path.basename(name)}:{number}" + (f": {code}" if code else "")


def user_place() -> str:
    """The layer of tinydl's own that is running and the line that called it; in `fit`, whose line tells nothing, the
    layer alone; outside of such layers, the line: ``"layer 3 (Softmax), train.py:12: y = model(x)"``."""
    _, depth = _users_frame()
    codes = [sys._getframe(i).f_code for i in range(1, depth + 1)]
    if Module.__call__.__code__ not in codes:
        return user_line()
    fitted = any(code.co_filename == _FIT for code in codes)
    return f"layer {current_path()}" + ("" if fitted else f", {user_line()}")


def warn(sentence: str) -> None:
    """A warning that points to the line outside tinydl and NumPy that is running."""
    warnings.warn(sentence, stacklevel=_users_frame()[1] + 1)


def note(t: Tensor, key: str, value: Any) -> None:
    """Leave something with the operation that made `t`, for as long as its graph lives."""
    if t.notes is None:
        t.notes = {}
    t.notes[key] = value


class _SourceLines(Scopes):
    def __init__(self) -> None:
        super().__init__()
        self.names: dict[Tensor, str] = {}  # of the outermost running Module's parameters

    def computed(self, output: Tensor, primitive: Primitive, inputs: Sequence[Any], options: dict[str, Any]) -> None:
        note(output, "line", user_line())
        if self.running:
            note(output, "modules", self.scopes)
            note(output, "names", self.names)

    def module_entered(self, module: Any) -> None:
        if not self.running:
            self.names = {p: name for name, p in module.named_parameters()}
        super().module_entered(module)


@contextmanager
def source_lines() -> Iterator[None]:
    """Within ``with source_lines():`` every operation remembers the line of the user's code that made it.

    And the Modules that it was computed in. `tl.explain` shows them; ``t.notes["line"]`` has the line of a Tensor.
    """
    with observing(_SourceLines()):
        yield
