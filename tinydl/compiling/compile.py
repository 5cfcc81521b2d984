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
from typing import Any, NoReturn

import numpy as np

from ..engine.arrays import default_dtype_now, is_foreign
from ..engine.checks import kind, whole
from ..engine.recording import no_grad, special, state
from ..engine.tensor import Tensor, wrap
from ..nn.module import Module
from .comparing import difference, parting, trail
from .guards import MISS
from .program import Diverged, Program
from .recorder import Recorder
from .tape import CompileError, Foreign


class _Here(threading.local):
    running = False


class _Comparing(threading.local):
    depth = 0  # how many functions run to be compared with their programs, in this thread


comparing = _Comparing()


class _Turns:
    """A lock of all compiled functions, which may share parameters, that knows whether somebody else had it before."""

    def __init__(self) -> None:
        self.lock, self.last = threading.RLock(), 0

    def __enter__(self) -> None:
        self.lock.acquire()

    def waited(self) -> bool:
        """Whether another thread has recorded since this one did."""
        return self.last != threading.get_ident()

    def __exit__(self, *exception: Any) -> None:
        self.last = threading.get_ident()
        self.lock.release()


RECORDING = _Turns()


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
        self._written = function  # whose parameters name the arguments
        if isinstance(function, Module):
            self.__name__, self._written = "model", function.forward
            self.function = no_grad()(function.__call__)
        self._last: Program | None = None  # which ran last, and is tried first

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        name = f"_compiled_{self.__name__}"
        held = vars(instance)
        if name not in held:
            held[name] = Compiled(MethodType(self.function, instance), self.limit, self.check, self.keep_grads)
        return held[name]

    def __call__(self, *args: Any, **options: Any) -> Any:
        program = self._last
        if program is not None and not options and not special.count:
            result = program.enter(*args)
            if result is not MISS:
                return result
        return self._called(args, options)

    def _called(self, args: Any, options: Any) -> Any:
        if state.observers or self._here.running or comparing.depth:
            return self._by_function(args, options)
        flat, key = _signature(args, options)
        if flat is None:
            return self._by_function(args, options)
        self._here.running = True
        try:
            result = self._by_program(flat, key, args, options)
            if result is MISS:
                with RECORDING:  # while which parameters are watched: other threads wait, and then may find a program
                    result = self._by_program(flat, key, args, options) if RECORDING.waited() else MISS
                    if result is MISS:
                        result = self._record(flat, key, args, options)
            return result
        finally:
            self._here.running = False

    def _by_program(self, flat: list[Any], key: Any, args: Any, options: Any) -> Any:
        """What the first program gives that fits; MISS if none does."""
        for program in self._by_key.get(key, ()):
            if program.is_good():
                try:
                    return self._run(program, flat, args, options)
                except Diverged as why:
                    if why.__cause__ is not None:
                        self._failed(program, why.__cause__, args, options)
        return MISS

    def _by_function(self, args: Any, options: Any) -> Any:
        """What the function gives; unless it runs inside of itself or is recorded, its Tensors are constants, too."""
        result = self.function(*args, **options)
        if self._here.running or comparing.depth or any(isinstance(observer, Recorder) for observer in state.observers):
            return result
        return _constants(result)

    def _run(self, program: Program, flat: list[Any], args: Any, options: Any) -> Any:
        program.calls = n = program.calls + 1
        self._last = program
        if n == 2:
            program.enter = program.open_entrance()  # the recording is quicker without it
        if n >= program.compared_at:
            program.compared_at = 2 * n
            return self._compared(program, flat, args, options)
        return program.run(flat)

    def _failed(self, program: Program, error: BaseException, args: Any, options: Any) -> NoReturn:
        """The program raised, and all is as it was before: the function raises the same, with its own words."""
        if not isinstance(error, (ValueError, TypeError, LookupError, ArithmeticError, RuntimeError)):
            raise error
        self.function(*args, **options)
        self._drop(program)
        raise CompileError(
            f"the program of {self.__name__} failed where the function doesn't, which did this step: {error!r}. The "
            "next call records another program"
        ) from error

    def _compared(self, program: Program, flat: list[Any], args: Any, options: Any) -> Any:
        """Function and program from the same state; what the program gave and left stays."""
        before = program.state()
        special.open(1)  # so that compiled functions that it calls look for this:
        comparing.depth += 1
        try:
            theirs = self.function(*args, **options)
        finally:
            comparing.depth -= 1
            special.open(-1)
        expected = program.state()
        program.restore(before)
        ours = program.run(flat)
        found = difference(ours, theirs, program.state(), expected, program)
        if found:
            program.restore(expected)
            self._drop(program)
            raise CompileError(
                f"in call {program.calls} the program of {self.__name__} did something else than the function: "
                f"{found}. {self._parting(program, before, expected, flat, args, options)}. What varies must be an "
                "argument, or a setting read by name; tl.compile(…, check=False) doesn't compare"
            )
        return ours

    def _parting(self, program: Program, before: Any, expected: Any, flat: Any, args: Any, options: Any) -> str:
        """Where the function does something else than when it was recorded."""
        program.restore(before)
        again = Recorder(self.function).run(flat, lambda stand_ins: _rebuilt(args, options, iter(stand_ins)))
        program.restore(expected)
        return parting(program.trail, trail(again.tape.ops))

    def _drop(self, program: Program) -> None:
        with self._lock:
            self.programs.remove(program)
            self._last = None if self._last is program else self._last
            for known in self._by_key.values():
                if program in known:
                    known.remove(program)

    def _record(self, flat: list[Any], key: Any, args: Any, options: Any) -> Any:
        recorder = Recorder(self.function)
        try:
            recording = recorder.run(flat, lambda stand_ins: _rebuilt(args, options, iter(stand_ins)))
        except Foreign:  # of a parameter, which comes before anything that the step changes
            return self.function(*args, **options)
        returned = recording.returned
        names = _names(self._written, args, options)
        plain = () if options else args
        program = Program(recording, names, self.__name__, self.keep_grads, self.check, plain)
        with self._lock:
            self._by_key.setdefault(key, []).insert(0, program)
            self.programs.append(program)
            self._last = program
            if len(self.programs) > self.limit:
                self._drop(self.programs[0])
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
    elif is_foreign(x) or isinstance(x, np.ndarray):
        flat.append(None)
    elif kind is float or isinstance(x, (complex, np.generic)):
        key.append((kind, repr(x)))
    else:
        key.append((kind, x if kind in (int, bool, str, bytes) else _It(x)))


def _constants(x: Any) -> Any:
    """The same without any graph."""
    if x.__class__ is Tensor:
        return wrap(x._data) if x.primitive is not None and x._requires_grad else x
    if isinstance(x, tuple) and hasattr(x, "_make"):
        return x._make(map(_constants, x))
    if x.__class__ in (list, tuple):
        return x.__class__(map(_constants, x))
    return {key: _constants(item) for key, item in x.items()} if x.__class__ is dict else x


class _It:
    """An object, equal to itself alone, and kept so that no other one gets its place in memory."""

    def __init__(self, x: Any) -> None:
        self.x = x

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _It) and self.x is other.x

    def __hash__(self) -> int:
        return id(self.x)


def _rebuilt(args: Any, options: Any, stand_ins: Any) -> Any:
    """The arguments with stand-ins in the places of arrays."""
    return tuple(_put(x, stand_ins) for x in args), {name: _put(x, stand_ins) for name, x in options.items()}


def _put(x: Any, stand_ins: Any) -> Any:
    kind = x.__class__
    if (kind is np.ndarray and x.dtype.kind in "biuf") or (kind is Tensor and not x._requires_grad):
        return next(stand_ins)
    if kind in (list, tuple):
        return kind(_put(item, stand_ins) for item in x)
    return {name: _put(item, stand_ins) for name, item in x.items()} if kind is dict else x


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
    r"""A function that does a training step, as the NumPy program that one would have written. Also a decorator:

    >>> @tl.compile
    ... def step(x, y):
    ...     optimizer.zero_grad()
    ...     loss = F.cross_entropy(model(x), y)
    ...     loss.backward()
    ...     optimizer.step()
    ...     return loss

    ``step(x, y)`` does what the function does, to the bit: results, parameters, the optimizer's state, buffers, random
    draws. The first call of a signature runs the function and writes down what it does; from then on the program runs,
    without any graph. ``print(step)``, and `step.source`, show it; `step.programs` has one for each signature: shapes,
    dtypes, strides, memory that is shared, Python arguments, train or eval, and settings that are read by name (of
    Modules and optimizers, and the function's own constants). Learning rates are read anew at each call. A function,
    a method, or a Module, which is called under `no_grad`; forward, backward passes, clipping and steps in any order.

    - While it is recorded, the arrays among the arguments are Tensors, and so is what is computed from them.
    - Results are fresh at each call, arguments are never written to, parameters keep their own arrays.
    - Whatever else Python does in the function (printing, appending to a list) isn't part of the program: it happens
      when the function runs. What varies from call to call must be an argument or a setting read by name; contents of
      other objects can't be watched.
    - A loss whose `backward` ran inside comes back as a constant; ``loss.item()`` may be returned, not computed with.
    - `.grad` is as the function leaves it, but where the optimizer's step used it up and the next call forgets it
      first: there it is None, unless `keep_grads`.
    - With `check` the function runs as well in the calls 2, 4, 8, 16, …, from the same state, and must do the same.
    - `programs`: how many are kept; then the oldest goes.

    While anything observes the engine (`strict`, `detect_anomaly`, …), inside of itself, and for arrays of another
    library than NumPy, the function runs. Each thread has kept arrays of its own. Raises CompileError, with the line,
    for what a program can't do: a decision by a number, an array made of a Tensor, a result that still requires a
    gradient, a setting that the function changes itself.
    """
    if function is None:
        return functools.partial(compile, programs=programs, check=check, keep_grads=keep_grads)
    if not isinstance(check, bool) or not isinstance(keep_grads, bool):
        raise TypeError(f"check and keep_grads are True or False, not {check!r} and {keep_grads!r}")
    if isinstance(function, type):
        raise TypeError(f"compile takes a function, a method or a Module, not a class; write {function.__name__}(…)")
    if not callable(function):
        raise TypeError(f"compile takes a function, a method or a Module, not {kind(function)}")
    if whole("programs", programs, 1) and isinstance(function, Compiled):
        raise TypeError(f"{function.__name__} is compiled already")
    return Compiled(function, programs, check, keep_grads)
