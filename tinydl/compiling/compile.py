"""`tl.compile`: a function that does a training step, as a NumPy program that does the same to the bit.

`Compiled` looks which program fits a call, records one where none does, and compares program and function now and
then. Read recorder.py next.
"""

from __future__ import annotations

import copy
import functools
import inspect
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import MethodType
from typing import Any, NoReturn

from ..engine.checks import kind, whole
from ..engine.recording import no_grad, special, state
from ..engine.terminal import spelled
from ..nn.module import Module
from ..watching.lines import warn
from .arguments import Rebuilt, constants, is_gone, names_of, signature, told, varied
from .comparing import difference, parting, trail
from .guards import MISS, here
from .program import Diverged, Program
from .recorder import Recorder
from .tape import CompileError, Foreign

NOTICED = 16  # calls in a row that were recorded since an argument varies, until that is said
_SLOT = "_compiled_methods"  # where an instance holds its own
_binding = threading.Lock()


@contextmanager
def as_functions() -> Iterator[None]:
    """Within, compiled functions run as functions, as they do where another one is recorded."""
    outer, here.running = here.running, True
    special.open(1)  # so that they look
    try:
        yield
    finally:
        special.open(-1)
        here.running = outer


class _Methods:
    """The compiled methods of one instance, which lie in it, since their programs hold what it holds. Copied or pickled
    they are None: a copy gets its own."""

    def __init__(self, owner: Any) -> None:
        self.owner = owner  # another one than the instance where copy.copy has copied the attributes
        self.of: dict[Compiled, Compiled] = {}

    def __reduce__(self) -> Any:
        return type(None), ()


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
        self._lock = threading.RLock()
        self.__doc__ = getattr(function, "__doc__", None)
        self.__name__ = getattr(function, "__name__", type(function).__name__)
        self.__qualname__ = getattr(function, "__qualname__", self.__name__)
        self.__module__ = getattr(function, "__module__", __name__)
        self.__wrapped__ = function
        self._written = function  # whose parameters name the arguments
        self._is_method = _is_method(function)
        if isinstance(function, Module):
            self.__name__, self._written = "model", function.forward
            self.function = no_grad()(function.__call__)
        self._last: Program | None = None  # which ran last, and is tried first
        self._bound_from: tuple[Compiled, Any] | None = None  # the method of a class, and the instance
        self._key: Any = None  # of the last call that was recorded
        self._varying: list[set[int]] = []  # what varied in it, and in those before it, with no other call between
        self._has_warned = False

    # ---- as a method ----

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None or not self._is_method:
            return self
        if isinstance(instance, type):  # beneath @classmethod: the class is an argument
            return MethodType(self, instance)
        try:
            held = vars(instance)
        except TypeError:
            name = type(instance).__name__
            raise TypeError(
                f"the compiled method {self.__name__} keeps its programs in the instance, and a {name} has __slots__ "
                f'alone: add "__dict__" to those of {name}, or compile a function that uses one'
            ) from None
        methods = held.get(_SLOT)
        if methods.__class__ is not _Methods or methods.owner is not instance or self not in methods.of:
            return self._bind(instance, held)
        return methods.of[self]

    def _bind(self, instance: Any, held: dict[str, Any]) -> Any:
        function = self.function.__get__(instance)
        bound = Compiled(function, self.limit, self.check, self.keep_grads)
        bound._bound_from = self, instance
        with _binding:
            methods = held.get(_SLOT)
            if methods.__class__ is not _Methods or methods.owner is not instance:
                held[_SLOT] = methods = _Methods(instance)
            return methods.of.setdefault(self, bound)

    # ---- copies: of the function, without programs ----

    def __copy__(self) -> Compiled:
        return Compiled(self.__wrapped__, self.limit, self.check, self.keep_grads)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if self._bound_from is not None:
            method, instance = self._bound_from
            return method.__get__(copy.deepcopy(instance, memo))
        function = copy.deepcopy(self.__wrapped__, memo)
        if id(self) in memo:  # the function holds this
            return memo[id(self)]
        return Compiled(function, self.limit, self.check, self.keep_grads)

    def __reduce__(self) -> Any:
        """For pickle: by name, as the function is that it has taken the place of; a method with its instance."""
        if self._bound_from is not None:
            return Compiled.__get__, self._bound_from
        found: Any = sys.modules.get(self.__module__)
        for name in self.__qualname__.split("."):
            found = getattr(found, name, None)
        if found is self:
            return self.__qualname__
        return Compiled, (self.__wrapped__, self.limit, self.check, self.keep_grads)

    # ---- calls ----

    def __call__(self, *args: Any, **options: Any) -> Any:
        program = self._last
        if program is not None and not options:
            result = program.enter(*args)
            if result is not MISS:
                return result
        return self._called(args, options)

    def _called(self, args: Any, options: Any) -> Any:
        if state.observers or here.running:
            return self._by_function(args, options)
        flat, key = signature(args, options)
        if flat is None:
            return self._by_function(args, options)
        here.running = True
        try:
            result = self._by_program(flat, key, args, options)
            if result is MISS:
                with RECORDING:  # while which parameters are watched: other threads wait, and then may find a program
                    result = self._by_program(flat, key, args, options) if RECORDING.waited() else MISS
                    if result is MISS:
                        result = self._record(flat, key, args, options)
            return result
        finally:
            here.running = False

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
        """What the function gives; unless it runs inside of a compiled one or is recorded, its Tensors are constants,
        too."""
        if here.running or any(isinstance(observer, Recorder) for observer in state.observers):
            return self.function(*args, **options)
        with as_functions():
            return constants(self.function(*args, **options))

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
        with as_functions():
            theirs = self.function(*args, **options)
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
        again = Recorder(self.function).run(flat, lambda stand_ins: _given(Rebuilt(args, options, stand_ins)))
        program.restore(expected)
        return parting(program.trail, trail(again.tape.ops))

    def _drop(self, *programs: Program) -> None:
        with self._lock:
            self.programs = [program for program in self.programs if program not in programs]
            self._last = None if self._last in programs else self._last
            for key, known in [*self._by_key.items()]:
                known[:] = [program for program in known if program not in programs]
                if not known:
                    del self._by_key[key]
        for program in programs:
            program.forget()

    def _record(self, flat: list[Any], key: Any, args: Any, options: Any) -> Any:
        self._notice(key, args, options)
        recorder, rebuilt = Recorder(self.function), list[Rebuilt]()

        def again(stand_ins: list[Any]) -> Any:
            rebuilt.append(Rebuilt(args, options, stand_ins))
            return _given(rebuilt[0])

        try:
            recording = recorder.run(flat, again)
        except Foreign:  # of a parameter, which comes before anything that the step changes
            return self.function(*args, **options)
        rebuilt[0].check()
        returned = recording.returned
        names = names_of(self._written, args, options)
        plain = () if options else args
        program = Program(recording, names, self.__name__, self.keep_grads, self.check, plain)
        with self._lock:
            self._drop(*(old for known_key, known in self._by_key.items() if is_gone(known_key) for old in known))
            self._by_key.setdefault(key, []).insert(0, program)
            self.programs.append(program)
            self._last = program
            if len(self.programs) > self.limit:
                self._drop(self.programs[0])
        return returned

    def _notice(self, key: Any, args: Any, options: Any) -> None:
        """Warn, once, if a Python argument varies so that nothing but recording is done."""
        last, before, self._key = self._last, self._key, key
        varying = varied(key, before) if last is not None and last.calls == 1 else set[int]()
        self._varying = [*self._varying, varying][-NOTICED + 1 :] if varying else []
        always = set[int].intersection(*self._varying) if self._varying else set()
        if len(self._varying) == NOTICED - 1 and always and not self._has_warned:
            self._has_warned = True
            what = told(self._written, args, options, min(always))
            warn(f"the last {NOTICED} calls of {self.__name__} were all recorded, which takes long, since {what}")

    @property
    def source(self) -> str:
        """The text of the last program that was recorded."""
        if not self.programs:
            raise CompileError(f"{self.__name__} has no program yet: its first call records one")
        return self.programs[-1].source

    def __str__(self) -> str:
        return spelled(self.source) if self.programs else repr(self)

    def __repr__(self) -> str:
        n = len(self.programs)
        return f"<compiled {self.__name__}: {n} program{'s' * (n != 1)}>"


def _is_method(function: Any) -> bool:
    """Whether a class that holds it binds it to its instances. In Python 3.13 partial has a __get__ that only warns."""
    if isinstance(function, MethodType) or (isinstance(function, functools.partial) and sys.version_info < (3, 14)):
        return False
    return hasattr(type(function), "__get__")


def _given(rebuilt: Rebuilt) -> Any:
    return rebuilt.args, rebuilt.options


def _check_is_plain(function: Any) -> None:
    """TypeError for what gives back something that runs later, and for what is no function yet."""
    if isinstance(function, (classmethod, staticmethod)):
        name = type(function).__name__
        raise TypeError(f"write @{name} above @tl.compile, so that what is compiled is the function beneath both")
    if not callable(function):
        raise TypeError(f"compile takes a function, a method or a Module, not {kind(function)}")
    written = function.forward if isinstance(function, Module) else function
    for f in (written, type(written).__call__):
        if inspect.isgeneratorfunction(f) or inspect.isasyncgenfunction(f) or inspect.iscoroutinefunction(f):
            what = "a generator" if inspect.isgeneratorfunction(f) else "asynchronous"
            raise TypeError(
                f"{getattr(function, '__name__', type(function).__name__)} is {what}, whose body runs after the call. "
                "Write a function that does one step, compile that, and call it in there"
            )


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
    - Arguments may be lists, tuples, named tuples, dicts and dataclasses of arrays, also in one another. A number of
      Python's is part of the signature, and each value of it is recorded anew: pass one that varies as
      ``np.array(number, np.float32)``, which is an argument as any array.
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
    _check_is_plain(function)
    if whole("programs", programs, 1) and isinstance(function, Compiled):
        raise TypeError(f"{function.__name__} is compiled already")
    return Compiled(function, programs, check, keep_grads)
