"""Is what an answer computes right, and if not, what kind of wrong?

A solution's numbers are the measure; a gradient that differs from them is right all the same if gradcheck says so, as
at a kink. What is wrong is first compared with the typical mistakes of its exercise, which have sentences of their own.
Then checking/gradcheck.py says what kind of wrong a gradient is, and any other result too: whatever numbers are asked
for, they are the gradient of some sum.
"""

from __future__ import annotations

import copy
import functools
import inspect
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..checking.gradcheck import gradcheck
from ..engine.arrays import Array
from ..engine.checks import array_of, kind
from ..engine.recording import no_grad
from ..engine.tensor import Tensor, tensor
from ..nn import Module
from .trial import Trial, names_of, parameters

CLOSE = 1e-7  # relative to the largest number; a mistake is never that small
NARROW = 32  # of float32's rounding units, by which an answer that is computed in float32 may be off

VAGUE = ("none of the usual mistakes", " is off ", " tried are wrong")  # in sentences that say only that it is wrong

Pair = tuple[Array, Array]  # what came out, and what is right


class Mistake(Exception):
    """An answer is wrong: `code` is the kind of mistake."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


def judge(known: dict[str, Any], space: dict[str, Any], trial: Trial) -> str:
    """Raise Mistake unless what `space` defines does what the solution does; what else there is to say of it."""
    function: str = known["FUNCTION"]
    answer = space.get(function)
    if not callable(answer):
        what = "class" if known["KIND"] == "layer" else "function"
        raise Mistake("missing", f"There is no {what} called {function} in the file any more; put it back.")
    cases = list(known["cases"](np.random.default_rng(7)))
    right = _defined(known["SOLUTION"], function)
    judging = _Judging(known, answer, right, cases, trial)
    return {"values": judging.values, "layer": judging.layer}.get(known["KIND"], judging.gradients)()


@functools.cache
def _defined(text: str, name: str) -> Callable[..., Any]:
    """The function or class of this name that a solution, or a typical mistake, defines."""
    space: dict[str, Any] = {"__name__": "solution"}
    exec(text, space)
    found: Callable[..., Any] = space[name]
    return found


class _Judging:
    """What the kinds of exercises share: the answer, the solution, the cases, and the call that is being judged."""

    def __init__(
        self,
        known: dict[str, Any],
        answer: Callable[..., Any],
        right: Callable[..., Any],
        cases: Sequence[tuple[Any, ...]],
        trial: Trial,
    ) -> None:
        self.known, self.answer, self.right, self.cases, self.trial = known, answer, right, cases, trial
        self.close: float | None = known.get("CLOSE")  # relative to each number, where that is asked for
        self.into: tuple[int, ...] = known.get("INTO", ())  # the arguments that are to be written to

    # ---- values ----

    def values(self) -> str:
        """A function that gives what the solution gives."""
        outcomes = [self._outcome(case, "values") for case in self.cases]
        pairs = [pair for outcome in outcomes for pair in outcome]
        if not all(_near(a, b, self.close) for a, b in pairs):
            shown = self._show_one(self.cases, outcomes)
            self._typical(self.cases, outcomes)
            _compare(outcomes[shown] if _reshaped(outcomes[shown]) else pairs, self.close)
        if self.known.get("LEAN"):
            self._memory(self.cases[-1])
        return _remark(pairs)

    def _memory(self, arguments: tuple[Any, ...]) -> None:
        """Raise Mistake if the answer makes arrays that are large beside those that it is given to write to."""
        handed = copy.deepcopy(arguments)
        self.trial.begin(names_of(self.answer, self.right, len(arguments)), arguments)
        with _Tracing() as tracing:
            self.answer(*handed)
        if tracing.peak > min(arguments[i].nbytes for i in self.into) / 2:
            raise Mistake("memory", f"The numbers are right, but it makes new arrays, {tracing.peak:,} bytes at once: "
                          "compute in those that are given, with out= or with +=, -=, *= and /=.")  # fmt: skip

    def _outcome(self, arguments: tuple[Any, ...], what: str) -> list[Pair]:
        """Each number or array that the answer gives, with the right one."""
        ours, theirs = copy.deepcopy(arguments), copy.deepcopy(arguments)
        expected = _given(self.right, ours, self.into)
        self.trial.begin(names_of(self.answer, self.right, len(arguments)), arguments)
        try:
            got = _call(self.answer, arguments, theirs, self.into, self.known.get("SCRATCH", ()))
        except Mistake:
            raise
        except Exception as error:
            self.trial.remark = self._remark_on(error, arguments)
            raise
        if isinstance(got, tuple | list) and isinstance(expected, tuple):
            got = tuple(one.data if isinstance(one, Tensor) else one for one in got)
        elif isinstance(got, tuple | list) and any(isinstance(one, Tensor) for one in got):
            raise Mistake("type", "It returns Tensors, where plain numbers are asked for: take the number in each, "
                          ".item().")  # fmt: skip
        if isinstance(expected, tuple):
            try:
                got = _several(got, list(map(np.shape, expected)), what)
            except Mistake as mistake:
                raise Mistake(mistake.code, self._remark_on_count(got, arguments) or str(mistake)) from None
        elif isinstance(got, tuple) and _shape(got) is None:
            raise Mistake("count", self._remark_on_count(got, arguments)
                          or f"It returns a tuple of {len(got)} things, where one result is asked for.")  # fmt: skip
        else:
            alone = isinstance(got, (tuple, list)) and len(got) == 1 and _shape(got) != np.shape(expected)
            alone = alone and _shape(got[0]) == np.shape(expected) and (isinstance(got, tuple) or np.ndim(expected) > 0)
            got, expected = (got[0] if alone else got,), (expected,)
        pairs = [(_numbers(a), _numbers(b)) for a, b in zip(got, expected, strict=True)]
        if all(_near(*pair, self.close) for pair in pairs):
            self._look_closer(got, ours, theirs)
        return pairs

    def _look_closer(self, got: Sequence[Any], ours: tuple[Any, ...], theirs: tuple[Any, ...]) -> None:
        """What numbers don't show: that indices are whole, and that the model that was given is the trained one."""
        if self.known.get("INTEGERS") and any(np.size(a) and array_of(a).dtype.kind == "f" for a in got):
            raise Mistake("type", "The numbers are right, but they are floats such as 2.0, which can't pick anything: "
                          "whole numbers are asked for.")  # fmt: skip
        for mine, other in zip(ours, theirs, strict=True):
            if isinstance(mine, Module):
                pairs = zip(mine.parameters(), other.parameters(), strict=True)
                if not all(np.allclose(a.data, b.data, rtol=1e-5, atol=1e-7) for a, b in pairs):
                    raise Mistake("untrained", "The numbers are right, but the model that is given doesn't end where "
                                  "it should: train it, and no copy of it, with one step for each batch.")  # fmt: skip

    def _show_one(self, calls: Sequence[tuple[Any, ...]], outcomes: Sequence[Sequence[Pair]]) -> int:
        """Let the trial be the first call that came out clearly wrong, or the one that is most so; which it is."""
        found = [(_distance(*pair), -n, number) for n, outcome in enumerate(outcomes)
                 for number, pair in enumerate(outcome) if not _near(*pair, self.close)]  # fmt: skip
        if found and self.known.get("BRIEF"):  # that it is wrong is all that is asked
            raise Mistake("wrong_value", "The result is wrong.")
        n = 0
        found = [one for one in found if _reshaped([outcomes[-one[1]][one[2]]])] or found
        if found:
            _, n, number = max(found, key=lambda one: (min(one[0], 0.01), one[1], -one[2]))
            for wrong in {-one[1] for one in found}:
                self._steady(calls[wrong], outcomes[wrong])
            arguments, outcome = calls[-n], outcomes[-n]
            self.trial.begin(names_of(self.answer, self.right, len(arguments)), arguments)
            which = f" as result {number + 1}" if len(outcome) > 1 else ""
            which = f" in {_parameter(self.answer, self.into[number])}" if self.into else which
            self.trial.differs(*outcome[number], which)
        return -n

    def _steady(self, arguments: tuple[Any, ...], outcome: Sequence[Pair]) -> None:
        """Raise Mistake if the answer gives something else when it is called again."""
        again = [got for got, _ in self._outcome(arguments, "results")]
        if not all(np.array_equal(a, b, equal_nan=True) for a, (b, _) in zip(again, outcome, strict=True)):
            raise Mistake("random", "It gives another result each time: draw no random numbers, all that is needed is "
                          "given.")  # fmt: skip

    def _mistakes(self) -> Iterator[tuple[str, str, Callable[..., Any]]]:
        """The typical mistakes that have a sentence of their own, as (code, sentence, function that makes it)."""
        for code, old, new, *sentence in self.known["WRONG"]:
            if sentence:
                text = self.known["SOLUTION"].replace(old, new)
                yield code, sentence[0], _defined(text, self.known["FUNCTION"])

    def _remark_on(self, error: Exception, arguments: tuple[Any, ...]) -> str:
        """The sentence of a typical mistake that stops in the same way."""
        for code, sentence, mistaken in self._mistakes():
            if code == "raises":
                try:
                    mistaken(*copy.deepcopy(arguments))
                except Exception as other:
                    if type(other) is type(error) and str(other) == str(error):
                        return sentence
        return ""

    def _remark_on_count(self, got: Any, arguments: tuple[Any, ...]) -> str:
        """The sentence of a typical mistake that gives the same things, where others, or another number, are due."""
        for code, sentence, mistaken in self._mistakes():
            if code == "count" and _alike(got, mistaken(*copy.deepcopy(arguments))):
                return sentence
        return ""

    def _typical(self, calls: Sequence[tuple[Any, ...]], outcomes: Sequence[Sequence[Pair]]) -> None:
        """Raise the typical mistake that gives the answer's numbers, if there is one."""
        for code, sentence, mistaken in self._mistakes():
            if all(
                _gives(mistaken, arguments, outcome, self.close, self.into)
                for arguments, outcome in zip(calls, outcomes, strict=True)
            ):
                raise Mistake(code, sentence)

    # ---- gradients ----

    def gradients(self) -> str:
        """A gradient: "vjp" gets the upstream gradient first; WRT are the positions of what it is asked of."""
        rng, vjp = np.random.default_rng(3), self.known["KIND"] == "vjp"
        calls, of = [], []
        for case in self.cases:
            shape = np.shape(self.known["forward"](*case))
            for _ in range(2 if vjp else 1):
                calls.append((rng.standard_normal(shape), *case) if vjp else case)
                of.append(case)
        outcomes = [self._outcome(arguments, "gradients") for arguments in calls]
        differ = [n for n, outcome in enumerate(outcomes) if not all(_same_to_the_end(a, b) for a, b in outcome)]
        remark = ""
        if differ:
            self._show_one(calls, outcomes)
            if self.trial.outcome:
                self._typical(calls, outcomes)
        for n in differ:
            remark = self._gradcheck(of[n]) or remark
        return remark or _remark([pair for outcome in outcomes for pair in outcome])

    def _gradcheck(self, case: tuple[Any, ...]) -> str:
        """Let gradcheck compare; what else there is to say of an answer that it finds right."""
        wrt = self.known.get("WRT") or tuple(range(len(case)))
        inputs = [case[i] for i in wrt]

        def whole(given: Sequence[Any]) -> list[Any]:
            arguments = list(copy.deepcopy(case))
            for position, value in zip(wrt, given, strict=True):
                arguments[position] = value
            return arguments

        def claimed(upstream: tuple[Any, ...], given: Sequence[Any]) -> tuple[Array, ...]:
            got = _call(self.answer, (*upstream, *whole(given)))
            if len(wrt) == 1:
                alone = isinstance(got, (tuple, list)) and len(got) == 1 and _shape(got) != np.shape(given[0])
                return (_numbers(got[0] if alone else got),)
            return tuple(_numbers(g) for g in _several(got, list(map(np.shape, given)), "gradients"))

        value = _Asked(self.known["forward"], wrt, whole)
        if self.known["KIND"] == "vjp":
            report = gradcheck(value, *inputs, vjp=lambda g, *given: claimed((g,), given), directions=2)
        else:
            report = gradcheck(value, *inputs, grad=lambda *given: claimed((), given), directions=2)
        if report:
            said = " ".join(report.notes)
            return next((_narrow(dtype) for dtype in ("float16", "float32") if f"is computed in {dtype}" in said), "")
        if report.verdict == "undecided":
            raise Mistake("undecided", "The gradient checker can't decide: rounding errors are larger than the "
                          "gradient.")  # fmt: skip
        if report.causes:
            raise Mistake(report.causes[0][0], f"The gradient checker says: {report.causes[0][1]}")
        raise Mistake(
            "wrong_gradient",
            f"The gradient checker finds {report.count('wrong')} of {len(report.rows)} derivatives wrong (worst "
            f"relative error {report.worst:.2g}), and none of the usual mistakes.",
        )

    # ---- layers ----

    def layer(self) -> str:
        """A layer has the solution's parameters, computes the same with them, and gradients pass through it."""
        for arguments, x in self.cases:
            ours, theirs = self.right(*arguments), self.answer(*arguments)
            if not isinstance(theirs, Module):
                raise Mistake("type", "The class must stay a tl.nn.Module, and call super().__init__() if it needs to.")
            for name, _ in ours.named_parameters():
                plain = getattr(theirs, name, None)
                if isinstance(plain, np.ndarray | float | int):
                    what = "array" if isinstance(plain, np.ndarray) else "number"
                    raise Mistake("parameters", f"Its {name} is a plain {what}, which is never trained: make it a "
                                  "Tensor, tl.tensor(..., requires_grad=True).")  # fmt: skip
            _check_parameters(dict(ours.named_parameters()), dict(theirs.named_parameters()))
            self.trial.begin(["x"], [x])
            self._same_outputs(ours, theirs, arguments, x)
            if not gradcheck(theirs, x.astype(np.float64), directions=2):
                raise Mistake("wrong_gradient", "The outputs are right, but the gradient doesn't pass through: did you "
                              "leave the Tensors with .data or .detach()?")  # fmt: skip
        return ""

    def _same_outputs(self, ours: Module, theirs: Module, arguments: tuple[Any, ...], x: Array) -> None:
        with no_grad():
            try:
                out = _call(lambda x: theirs(tensor(x)), (x,))
            except Exception as error:
                self.trial.remark = self._stopped(theirs, arguments, x, error)
                raise
            if not isinstance(out, Tensor):
                raise Mistake("type", f"forward should give a Tensor, not {kind(out)}.")
            expected = ours(tensor(x))
            if out.shape != expected.shape or not np.allclose(out.data, expected.data, rtol=1e-4, atol=1e-5):
                self._wrong_layer(theirs, arguments, x, out.data, expected.data)

    def _wrong_layer(self, theirs: Module, arguments: tuple[Any, ...], x: Array, got: Array, expected: Array) -> None:
        self.trial.differs(got, expected, "")
        for code, sentence, module in self._mistaken_layers(theirs, arguments):
            try:
                other = module(tensor(x)).data
            except Exception:  # it is known by its numbers, and has none
                continue
            if other.shape == got.shape and np.allclose(other, got, rtol=1e-4, atol=1e-5):
                raise Mistake(code, sentence)
        _compare([(got.astype(np.float64), expected.astype(np.float64))])

    def _stopped(self, theirs: Module, arguments: tuple[Any, ...], x: Array, error: Exception) -> str:
        for code, sentence, module in self._mistaken_layers(theirs, arguments):
            try:
                module(tensor(x))
            except Exception as other:
                if (code, type(other), str(other)) == ("raises", type(error), str(error)):
                    return sentence
        return ""

    def _mistaken_layers(self, theirs: Module, arguments: tuple[Any, ...]) -> Iterator[tuple[str, str, Module]]:
        """Layers with the typical mistakes, and with the answer's parameters."""
        for code, sentence, mistaken in self._mistakes():
            module = mistaken(*arguments)
            found = dict(module.named_parameters())
            if _shapes(module) == _shapes(theirs):
                for name, p in theirs.named_parameters():
                    found[name].data = p.data
                yield code, sentence, module


def _shapes(module: Module) -> dict[str, tuple[int, ...]]:
    return {name: p.shape for name, p in module.named_parameters()}


def _check_parameters(expected: dict[str, Any], got: dict[str, Any]) -> None:
    """The layer has the parameters that it should have; both layers get the same random numbers."""
    if {n: p.shape for n, p in expected.items()} != {n: p.shape for n, p in got.items()}:
        shapes = ", ".join(f"{n} {p.shape}" for n, p in got.items()) or "none"
        asked = ", ".join(f"{n} {p.shape}" for n, p in expected.items())
        raise Mistake("parameters", f"Its parameters are {shapes}; here they should be {asked}.")
    rng = np.random.default_rng(5)
    for name, p in got.items():
        if not p.requires_grad:
            raise Mistake("parameters", f"Its parameter {name} gets no gradient: write requires_grad=True.")
        p.data = expected[name].data = rng.standard_normal(p.shape).astype(p.dtype)


def _gives(
    mistaken: Callable[..., Any],
    arguments: tuple[Any, ...],
    outcome: Sequence[Pair],
    close: float | None,
    into: tuple[int, ...] = (),
) -> bool:
    """Whether a typical mistake gives what came out."""
    try:
        result = _given(mistaken, copy.deepcopy(arguments), into)
        several = isinstance(result, tuple) and len(result) == len(outcome)
        return all(_near(got, _numbers(b), close)
                   for (got, _), b in zip(outcome, result if several else (result,), strict=True))  # fmt: skip
    except Exception:  # it is known by its numbers, and has none, or others
        return False


def _remark(pairs: Sequence[Pair]) -> str:
    unit = max((_unit(a) for a, b in pairs if not np.array_equal(a, b)), default=0.0)
    return _narrow("float16" if unit > 1e-6 else "float32") if unit else ""


def _shape(value: Any) -> tuple[int, ...] | None:
    try:
        return tuple(np.shape(value))
    except ValueError:
        return None


def _given(function: Callable[..., Any], arguments: tuple[Any, ...], into: tuple[int, ...]) -> Any:
    """What a function gives: what it returns, or what it writes to these arguments."""
    result = function(*arguments)
    return tuple(arguments[i] for i in into) if into else result


def _call(
    answer: Callable[..., Any],
    case: tuple[Any, ...],
    handed: tuple[Any, ...] | None = None,
    into: tuple[int, ...] = (),
    scratch: tuple[int, ...] = (),
) -> Any:
    """What the answer gives, having made sure that it leaves its arguments, or what is handed of them, alone.

    `into` are the arguments that it is to write to: then they are what it gives. It may change those in `scratch`.
    """
    handed = copy.deepcopy(case) if handed is None else handed
    got = answer(*handed)
    got = tuple(got) if isinstance(got, Iterator) else got  # of a generator, map or zip
    for number, (before, after) in enumerate(zip(case, handed, strict=True)):
        if not callable(before) and number not in into + scratch and not _same(before, after):
            instead = "it is only to be read" if into else "make a new one"
            raise Mistake("changes_inputs", f"It changes {_parameter(answer, number)} in place; {instead}.")
    for number in into:
        if _same(case[number], handed[number]):
            name = dict(enumerate(parameters(answer))).get(number, "it")
            raise Mistake("unwritten", f"It leaves {_parameter(answer, number)} as it was. `{name} = ...` would only "
                          f"give the name to another array: write with out={name}, or {name}[...] = ....")  # fmt: skip
    if into:
        return tuple(handed[number] for number in into)
    if got is None:
        raise Mistake("returns_nothing", "It returns nothing: is there a `return`?")
    return got


def _alike(a: Any, b: Any) -> bool:
    """Whether a is b, number by number, be it an array or several in a tuple or list."""
    if not (isinstance(a, tuple | list) and isinstance(b, tuple | list)):
        return _shape(a) is not None and _shape(a) == _shape(b) and _near(_numbers(a), _numbers(b))
    return len(a) == len(b) and all(_alike(x, y) for x, y in zip(a, b, strict=True))


def _parameter(function: Callable[..., Any], number: int) -> str:
    """What a function calls this argument, else which it is."""
    names = parameters(function)
    return f"its argument {names[number]}" if number < len(names) else f"its argument number {number + 1}"


def _several(got: Any, shapes: Sequence[tuple[int, ...]], what: str) -> Sequence[Any]:
    count = len(shapes)
    if isinstance(got, np.ndarray) and got.shape == (count, *shapes[0]):
        return list(got)
    if isinstance(got, (tuple, list)) and len(got) == count:
        return got
    alone = "an array" if isinstance(got, np.ndarray) else kind(got)
    given = len(got) if isinstance(got, (tuple, list)) else f"{alone} alone"
    raise Mistake("count", f"It should return {count} {what} in a tuple, not {given}.")


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return np.shape(a) == np.shape(b) and bool(np.array_equal(a, b))
    return bool(a == b)


def _numbers(value: Any) -> Array:
    """The value as an array of floating numbers, in the precision that it has."""
    if value is None:
        raise Mistake("returns_nothing", "A value that it returns is None.")
    try:
        array = array_of(value)
    except ValueError:
        raise Mistake("type", "It returns lists of different lengths, which are no array.") from None
    if array.dtype.kind == "c":
        raise Mistake("type", "It returns complex numbers; real ones are asked for.")
    if array.dtype.kind not in "fiub":
        raise Mistake("type", f"It returns {kind(value)}, not numbers.")
    return array if array.dtype.kind == "f" else array.astype(np.float64)


def _unit(numbers: Array) -> float:
    """The rounding unit of numbers that are float32 or float16, be it that they came as float64; 0 for others."""
    if numbers.dtype.itemsize < 8:
        return float(np.finfo(numbers.dtype).eps)
    with np.errstate(over="ignore"):
        short = np.array_equal(numbers, numbers.astype(np.float32), equal_nan=True)
    return float(np.finfo(np.float32).eps) if short else 0.0


def _narrow(dtype: str) -> str:
    return f"It is computed in {dtype} and was judged as that; written in float64 it could be checked further."


def _reshaped(outcome: Sequence[Pair]) -> bool:
    return any(got.shape != expected.shape for got, expected in outcome)


def _compare(pairs: Sequence[tuple[Array, Array]], close: float | None = None) -> None:
    """Raise Mistake, with the kind of the difference, unless each first array is the second."""
    for got, expected in pairs:
        if got.shape != expected.shape:
            if got.ndim == 2 and got.shape == expected.shape[::-1] and np.allclose(got.T, expected):
                raise Mistake("transposed", "The numbers are right, but rows and columns are swapped.")
            raise Mistake("shape", f"The result has shape {got.shape} where {expected.shape} is asked for.")
    wrong = [pair for pair in pairs if not _near(*pair, close)]
    if not wrong:
        return
    if any(not np.isfinite(a[np.isfinite(b)]).all() for a, b in pairs):
        raise Mistake("not_finite", "The result has NaN or infinity in it, where finite numbers are asked for.")
    got, expected = (np.concatenate([np.ravel(x) for x in side], dtype=np.float64) for side in zip(*pairs, strict=True))
    together = _causes(got, expected)
    for code in ("zero", "sign", "factor"):  # the same one of all results; of a single number a factor says nothing
        if code in together and (code == "zero" or len(got) > 1):
            raise Mistake(code, together[code])
    difference = got - expected
    if len(got) > 1 and np.ptp(difference) <= 1e-9 * max(1.0, float(np.abs(expected).max())):
        raise Mistake("offset", f"The result is off by the same number everywhere: {difference.mean():+.6g}.")
    first_causes = _causes(*wrong[0])
    moved = [code for code in ("transposed", "permuted") if code in first_causes]
    others = [_causes(*pair) for pair in wrong[1:]] if moved else []
    for code in moved:  # within each result, not from one to another
        if all(code in causes for causes in others):
            raise Mistake(code, first_causes[code])
    some = f"{len(wrong)} of the {len(pairs)} results tried are wrong" if len(pairs) > 1 else "The result is wrong"
    a, b = wrong[0]
    off = np.abs(a - b)
    which, by = "the first of them" if len(wrong) > 1 else "it", f"{float(np.nanmax(off)):.3g}"
    many = f"in {int(np.sum(off > CLOSE * np.abs(b).max()))} of its {a.size} numbers, by up to {by}"
    raise Mistake("wrong_value", f"{some}; {which} is off {many if a.size > 1 else f'by {by}'}.")


def _causes(got: Array, expected: Array) -> dict[str, str]:
    """The usual mistakes that gradcheck finds in `got`, taken for the gradient of Σ expected·x, which `expected` is."""
    asked = np.isfinite(expected)
    got, expected = np.where(asked, got, 0), np.where(asked, expected, 0)
    report = gradcheck(lambda x: np.sum(expected * x), np.ones(expected.shape), grad=lambda x: got)
    return {
        code: sentence.replace("Your gradient", "The result").replace("the numerical one", "the right one")
        for code, sentence in report.causes
    }


def _near(a: Array, b: Array, each: float | None = None) -> bool:
    """Whether a is b but for the rounding of the precision that it has, or each number is within `each` of its own."""
    scale, close = float(np.abs(b[np.isfinite(b)]).max(initial=0.0)), max(each or CLOSE, NARROW * _unit(a))
    if each and a.shape == b.shape and _unit(a) < 1e-9:
        return bool(np.allclose(a, b, rtol=each, atol=0, equal_nan=True))
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=close, atol=close * scale, equal_nan=True))


def _distance(got: Array, expected: Array) -> float:
    """How wrong a result is, relative to its largest number; infinite for another shape, and for NaN."""
    if got.shape != expected.shape:
        return float("inf")
    off = np.abs(got - expected).max(initial=0.0) / (np.abs(expected).max(initial=0.0) or 1.0)
    return float(np.nan_to_num(off, nan=np.inf))


def _same_to_the_end(a: Array, b: Array) -> bool:
    """Whether a is b in float64, number by number; gradcheck looks closer at what isn't."""
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=1e-12, atol=0, equal_nan=True))


class _Tracing:
    """While it is entered, the memory that Python and NumPy take is counted; `peak` is the most that there was."""

    peak = 0

    def __enter__(self) -> _Tracing:
        self._ours = not tracemalloc.is_tracing()
        if self._ours:
            tracemalloc.start()
        tracemalloc.reset_peak()
        self._before = tracemalloc.get_traced_memory()[0]
        return self

    def __exit__(self, *_: object) -> None:
        self.peak = tracemalloc.get_traced_memory()[1] - self._before
        if self._ours:
            tracemalloc.stop()


class _Asked:
    """The function whose gradient is asked for, of those arguments alone, under the names that they have there."""

    def __init__(self, forward: Callable[..., Any], wrt: Sequence[int], whole: Callable[..., list[Any]]) -> None:
        self.forward_of, self.whole = forward, whole
        every = list(inspect.signature(forward).parameters.values())
        self.__signature__ = inspect.Signature([every[i] for i in wrt])

    def __call__(self, *given: Any) -> Any:
        return self.forward_of(*self.whole(given))
