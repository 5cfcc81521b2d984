"""`tl.compile`: a function that does a training step, as a NumPy program that does the same to the bit.

`Compiled` looks which program fits a call, records one where none does, and compares program and function now and
then. Read recorder.py next.
"""

from __future__ import annotations

import functools
import inspect
import threading
from collections import OrderedDict
from collections.abc import Callable
from types import MethodType
from typing import Any

import numpy as np

from ..engine.arrays import default_dtype_now, is_foreign
from ..engine.recording import no_grad, special, state
from ..engine.tensor import Tensor
from ..nn.module import Module
from .comparing import difference
from .program import Diverged, Program
from .recorder import Recorder
from .tape import CompileError


class _Here(threading.local):
    running = False


class Compiled:
    """What `compile` gives: called as the function is; `print` shows the program."""

    def __init__(
        self, function: Callable[..., Any], programs: int = 8, check: bool = True, keep_grads: bool = False
    ) -> None:
        self.function, self.limit, self.check, self.keep_grads = function, programs, check, keep_grads
        self.programs: list[Program] = []
        self._by_key: OrderedDict[Any, list[Program]] = OrderedDict()
        self._here = _Here()
        self._lock = threading.RLock()
        self.__doc__ = getattr(function, "__doc__", None)
        self.__name__ = getattr(function, "__name__", type(function).__name__)
        self.__wrapped__ = function
        self._methods: Any = None

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        name = f"_compiled_{self.__name__}"
        held = vars(instance)
        if name not in held:
            held[name] = Compiled(MethodType(self.function, instance), self.limit, self.check, self.keep_grads)
        return held[name]

    def __call__(self, *args: Any, **options: Any) -> Any:
        if state.observers or self._here.running:
            return self.function(*args, **options)
        flat, key = _signature(args, options)
        if flat is None:
            return self.function(*args, **options)
        self._here.running = True
        try:
            for program in self._by_key.get(key, ()):
                if program.is_good():
                    try:
                        return self._run(program, flat, args, options)
                    except Diverged as why:
                        if why.__cause__ is not None:
                            return self._failed(why.__cause__, program, args, options)
            return self._record(flat, key, args, options)
        finally:
            self._here.running = False

    def _run(self, program: Program, flat: list[Any], args: Any, options: Any) -> Any:
        program.calls = n = program.calls + 1
        if self.check and n & (n - 1) == 0:
            return self._compared(program, flat, args, options)
        return program.run(flat)

    def _failed(self, error: BaseException, program: Program, args: Any, options: Any) -> Any:
        """The program raised, and all is as it was before: the function raises the same, with its own words."""
        self.function(*args, **options)
        raise CompileError(f"the program of {self.__name__} failed where the function doesn't: {error!r}") from error

    def _compared(self, program: Program, flat: list[Any], args: Any, options: Any) -> Any:
        """Program and function from the same state; gives what the function gave."""
        before = program.state()
        ours = program.run(flat)
        after = program.state()
        program.restore(before)
        theirs = self.function(*args, **options)
        found = difference(ours, theirs, after, program.state(), program)
        if found:
            self.programs.remove(program)
            raise CompileError(f"the program and the function gave different results in call {program.calls}: {found}")
        return theirs

    def _record(self, flat: list[Any], key: Any, args: Any, options: Any) -> Any:
        recorder = Recorder(self.function)
        recording = recorder.run(flat, lambda stand_ins: _rebuilt(args, options, iter(stand_ins)))
        returned = recording.returned
        names = _names(self.function, args, options)
        program = Program(recording, names, self.__name__, self.keep_grads)
        with self._lock:
            self._by_key.setdefault(key, []).insert(0, program)
            self.programs.append(program)
            if len(self.programs) > self.limit:
                oldest = self.programs.pop(0)
                for known in self._by_key.values():
                    if oldest in known:
                        known.remove(oldest)
        return returned

    @property
    def source(self) -> str:
        """The text of the last program that was recorded."""
        if not self.programs:
            raise CompileError(f"{self.__name__} has no program yet: its first call records one")
        return self.programs[-1].source

    def __str__(self) -> str:
        return self.source if self.programs else repr(self)

    def __repr__(self) -> str:
        n = len(self.programs)
        return f"<compiled {self.__name__}: {n} program{'s' * (n != 1)}>"


def _signature(args: Any, options: Any) -> tuple[list[Any] | None, Any]:
    """The arrays among the arguments, in order, and what a program must have been recorded for; None, for arrays of
    another library."""
    flat: list[Any] = []
    key: list[Any] = [state.recording, default_dtype_now()]
    for x in args:
        _add(x, flat, key)
    for name in options:
        key.append(name)
        _add(options[name], flat, key)
    for x in flat:
        if x is None:
            return None, None
    if len(flat) > 1:
        arrays = [x._data if x.__class__ is Tensor else x for x in flat]
        for i, x in enumerate(arrays):
            for j in range(i):
                if np.may_share_memory(x, arrays[j]):
                    key.append((i, j, x is arrays[j]))
    return flat, tuple(key)


def _add(x: Any, flat: list[Any], key: list[Any]) -> None:
    kind = x.__class__
    if kind is np.ndarray and x.dtype.kind in "biuf":
        flat.append(x)
        key.append((x.shape, x.strides, x.dtype))
    elif kind is Tensor:
        if x._data.__class__ is not np.ndarray:
            flat.append(None)
        elif x._requires_grad:
            if x.primitive is not None:
                raise CompileError(
                    f"an argument of shape {x.shape} was computed and requires a gradient, which would flow out of the "
                    "compiled function; compile the whole step, or pass t.detach()"
                )
            key.append(("tensor", id(x)))
        else:
            flat.append(x)
            key.append((x._data.shape, x._data.strides, x._data.dtype, "tensor"))
    elif kind in (list, tuple):
        key.append((kind, len(x)))
        for item in x:
            _add(item, flat, key)
    elif kind is dict:
        key.append((kind, tuple(x)))
        for item in x.values():
            _add(item, flat, key)
    elif is_foreign(x):
        flat.append(None)
    else:
        try:
            hash(x)
            key.append((kind, x))
        except TypeError:
            key.append((kind, id(x)))


def _rebuilt(args: Any, options: Any, stand_ins: Any) -> Any:
    """The arguments with stand-ins in the places of arrays."""

    def put(x: Any) -> Any:
        kind = x.__class__
        if (kind is np.ndarray and x.dtype.kind in "biuf") or (kind is Tensor and not x._requires_grad):
            return next(stand_ins)
        if kind in (list, tuple):
            return kind(put(item) for item in x)
        if kind is dict:
            return {name: put(item) for name, item in x.items()}
        return x

    return tuple(put(x) for x in args), {name: put(x) for name, x in options.items()}


def _names(function: Any, args: Any, options: Any) -> list[str]:
    """What the arrays among the arguments are called in the program."""
    try:
        bound = inspect.signature(function).bind(*args, **options)
        given: Any = bound.arguments.items()
    except (TypeError, ValueError):
        given = {**{f"x{i}": x for i, x in enumerate(args)}, **options}.items()
    found: list[str] = []

    def name(x: Any, wanted: str) -> None:
        kind = x.__class__
        if (kind is np.ndarray and x.dtype.kind in "biuf") or (kind is Tensor and not x._requires_grad):
            while wanted in found:
                wanted += "_"
            found.append(wanted)
        elif kind in (list, tuple):
            for i, item in enumerate(x):
                name(item, f"{wanted}_{i}")
        elif kind is dict:
            for key, item in x.items():
                name(item, f"{wanted}_{key}" if str(key).isidentifier() else f"{wanted}_")

    for key, x in given:
        name(x, key)
    return found


def compile(function: Any = None, *, programs: int = 8, check: bool = True, keep_grads: bool = False) -> Any:
    """The function as a NumPy program that does the same, to the bit."""
    if function is None:
        return functools.partial(compile, programs=programs, check=check, keep_grads=keep_grads)
    if isinstance(function, Module):
        function = no_grad()(function.__call__)
    return Compiled(function, programs, check, keep_grads)


_ = special
