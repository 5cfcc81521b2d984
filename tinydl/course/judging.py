"""Is an answer right, and if not, what kind of wrong? Answers run in a process of their own with a time limit.

checking/gradcheck.py says what kind of wrong a gradient is, and any other result too: whatever numbers are asked for,
they are the gradient of some sum.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import inspect
import io
import json
import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..checking.gradcheck import gradcheck
from ..engine.arrays import Array
from ..engine.checks import array_of, kind
from ..engine.recording import no_grad
from ..engine.tensor import Tensor
from ..nn import Module
from .exercises import companion

SECONDS = 20.0  # for one answer; a right one needs well under one, and a busy machine two to start Python
PRINTED = 600  # characters of what an answer prints that are shown
CLOSE = 1e-7  # relative to the largest number; a mistake is never that small
NARROW = 32  # of float32's rounding units, by which an answer that is computed in float32 may be off


@dataclass(eq=False)
class Result:
    """What came of an answer: `code` is "done", "not_done" or names a kind of mistake; `sentence` says it in words."""

    code: str
    sentence: str
    printed: str = ""

    def __bool__(self) -> bool:
        return self.code == "done"


class _Mistake(Exception):
    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class _Capped(io.StringIO):
    """Keeps the beginning of what is printed, so that an endless print fills no memory."""

    def write(self, text: str) -> int:
        if self.tell() < 4 * PRINTED:
            super().write(text)
        return len(text)


def check_text(name: str, text: str, file: str = "") -> Result:
    """Check an answer, given as the text of its file, in this process: for answers that are known to end."""
    file = file or f"{name}.py"
    try:
        tree = ast.parse(text, file)
        code = compile(tree, file, "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None)
        where = f" in line {line}" if line else ""
        return Result("syntax", f"Python can't read the file{where}: {getattr(error, 'msg', None) or error}.")
    gap = _gap(tree)
    if gap:
        return Result("not_done", f"Not done yet: the gap `...` is in line {gap}.")
    printed = _Capped()
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed), np.errstate(all="ignore"):
            space: dict[str, Any] = {"__name__": name, "__file__": file}
            exec(code, space)
            remark = _judge(companion(name), space)
        result = Result("done", f"Right. {remark}".strip())
    except _Mistake as mistake:
        result = Result(mistake.code, str(mistake))
        if mistake.code == "returns_nothing" and printed.getvalue():
            result = Result("prints", "It prints something and returns nothing: write `return` instead of `print`.")
    except (Exception, SystemExit) as error:
        result = Result("raises", _in_words(error, file))
    said = printed.getvalue().strip()
    return Result(result.code, result.sentence, said if len(said) <= PRINTED else said[:PRINTED] + " ...")


def check_file(name: str, path: Path, seconds: float = SECONDS) -> Result:
    """Check the answer in a file, in a process of its own that is ended after `seconds`."""
    with tempfile.TemporaryDirectory() as folder:
        outcome = Path(folder) / "result.json"
        package = str(Path(__file__).resolve().parents[2])
        environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
        environment["PYTHONPATH"] = os.pathsep.join(p for p in (package, os.environ.get("PYTHONPATH")) if p)
        command = "from tinydl.course.judging import _child; _child()"
        try:
            subprocess.run(
                [sys.executable, "-c", command, name, str(path.resolve()), str(outcome)],
                cwd=folder, env=environment, timeout=seconds, check=False,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return Result("endless", f"It hadn't ended after {seconds:g} seconds: is there a loop that never ends?")
        try:
            return Result(**json.loads(outcome.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return Result("ended", "It ended Python itself before it could be checked: is there an exit in it?")


def _child() -> None:
    name, path, outcome = sys.argv[1:]
    try:
        result = check_text(name, Path(path).read_text(encoding="utf-8-sig"), path)
    except UnicodeDecodeError:
        result = Result("syntax", "The file isn't UTF-8 text; save it as such.")
    Path(outcome).write_text(json.dumps(asdict(result)), encoding="utf-8")


def _gap(tree: ast.AST) -> int:
    """The line of a `...` that isn't an index, or 0."""
    indices = {id(n) for s in ast.walk(tree) if isinstance(s, ast.Subscript) for n in ast.walk(s.slice)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and node.value is Ellipsis and id(node) not in indices:
            return node.lineno
    return 0


def _in_words(error: BaseException, file: str) -> str:
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    where = f" in line {lines[-1]}" if lines else ""
    text = " ".join(str(error).split())
    text = f": {text[:300]}" if text else ""
    if isinstance(error, TypeError) and ("for ^" in text or "bitwise_xor" in text):
        text += " (^ is no power in Python: write **)"
    return f"It stops with {type(error).__name__}{where}{text}"


def _judge(known: dict[str, Any], space: dict[str, Any]) -> str:
    """Raise _Mistake unless what `space` defines does what the solution does; what else there is to say of it."""
    function: str = known["FUNCTION"]
    answer = space.get(function)
    if not callable(answer):
        what = "class" if known["KIND"] == "layer" else "function"
        raise _Mistake("missing", f"There is no {what} called {function} in the file any more; put it back.")
    right: dict[str, Any] = {"__name__": "solution"}
    exec(known["SOLUTION"], right)
    cases = list(known["cases"](np.random.default_rng(7)))
    if known["KIND"] == "values":
        return _judge_values(answer, right[function], cases, _typical(known))
    if known["KIND"] == "layer":
        _judge_layer(answer, right[function], cases)
        return ""
    return max(_judge_gradient(known, answer, case) for case in cases)


def _typical(known: dict[str, Any]) -> Iterator[tuple[str, str, Callable[..., Any]]]:
    """The typical mistakes that have a sentence of their own, as (code, sentence, function that makes it)."""
    for code, old, new, *sentence in known["WRONG"]:
        if sentence:
            space: dict[str, Any] = {"__name__": "mistake"}
            exec(known["SOLUTION"].replace(old, new), space)
            yield code, sentence[0], space[known["FUNCTION"]]


def _judge_values(
    answer: Callable[..., Any],
    right: Callable[..., Any],
    cases: Sequence[tuple[Any, ...]],
    typical: Iterable[tuple[str, str, Callable[..., Any]]],
) -> str:
    pairs: list[tuple[Array, Array]] = []
    for case in cases:
        expected, got = right(*copy.deepcopy(case)), _call(answer, case)
        if isinstance(expected, tuple):
            got = _several(got, len(expected), "values")
        else:
            got, expected = (got,), (expected,)
        pairs += [(_numbers(a), _numbers(b)) for a, b in zip(got, expected, strict=True)]
    try:
        _compare(pairs)
        unit = max((_unit(a) for a, b in pairs if not np.array_equal(a, b)), default=0.0)
        return _narrow("float16" if unit > 1e-6 else "float32") if unit else ""
    except _Mistake:
        for code, sentence, mistaken in typical:
            results = [mistaken(*copy.deepcopy(case)) for case in cases]
            flat = [item for result in results for item in (result if isinstance(result, tuple) else (result,))]
            if all(_near(a, _numbers(b)) for (a, _), b in zip(pairs, flat, strict=True)):
                raise _Mistake(code, sentence) from None
        raise


def _call(answer: Callable[..., Any], case: tuple[Any, ...]) -> Any:
    """What the answer gives, having made sure that it leaves its arguments alone."""
    handed = copy.deepcopy(case)
    got = answer(*handed)
    for number, (before, after) in enumerate(zip(case, handed, strict=True)):
        if not callable(before) and not _same(before, after):
            raise _Mistake("changes_inputs", f"It changes {_parameter(answer, number)} in place; make a new one.")
    if got is None:
        raise _Mistake("returns_nothing", "It returns nothing: is there a `return`?")
    return got


def _parameter(function: Callable[..., Any], number: int) -> str:
    """What a function calls this argument, else which it is."""
    try:
        names = [p.name for p in inspect.signature(function).parameters.values() if p.kind == p.POSITIONAL_OR_KEYWORD]
    except (TypeError, ValueError):
        names = []
    return f"its argument {names[number]}" if number < len(names) else f"its argument number {number + 1}"


def _several(got: Any, count: int, what: str) -> Sequence[Any]:
    if isinstance(got, (tuple, list)) and len(got) == count:
        return got
    given = len(got) if isinstance(got, (tuple, list)) else f"{kind(got)} alone"
    raise _Mistake("count", f"It should return {count} {what} in a tuple, not {given}.")


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return np.shape(a) == np.shape(b) and bool(np.array_equal(a, b))
    return bool(a == b)


def _numbers(value: Any) -> Array:
    """The value as an array of floating numbers, in the precision that it has."""
    if value is None:
        raise _Mistake("returns_nothing", "A value that it returns is None.")
    try:
        array = array_of(value)
    except ValueError:
        raise _Mistake("type", "It returns lists of different lengths, which are no array.") from None
    if array.dtype.kind == "c":
        raise _Mistake("type", "It returns complex numbers; real ones are asked for.")
    if array.dtype.kind not in "fiub":
        raise _Mistake("type", f"It returns {kind(value)}, not numbers.")
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


def _compare(pairs: Sequence[tuple[Array, Array]]) -> None:
    """Raise _Mistake, with the kind of the difference, unless each first array is the second."""
    for got, expected in pairs:
        if got.shape != expected.shape:
            if got.ndim == 2 and got.shape == expected.shape[::-1] and np.allclose(got.T, expected):
                raise _Mistake("transposed", "The numbers are right, but rows and columns are swapped.")
            raise _Mistake("shape", f"The result has shape {got.shape} where {expected.shape} is asked for.")
    wrong = [pair for pair in pairs if not _near(*pair)]
    if not wrong:
        return
    if any(not np.isfinite(a[np.isfinite(b)]).all() for a, b in pairs):
        raise _Mistake("not_finite", "The result has NaN or infinity in it, where finite numbers are asked for.")
    got, expected = (np.concatenate([np.ravel(x) for x in side], dtype=np.float64) for side in zip(*pairs, strict=True))
    together, each = _causes(got, expected), [_causes(*pair) for pair in wrong]
    for code in ("zero", "sign", "factor"):  # the same one of all results; of a single number a factor says nothing
        if code in together and (code == "zero" or len(got) > 1):
            raise _Mistake(code, together[code])
    difference = got - expected
    if len(got) > 1 and np.ptp(difference) <= 1e-9 * max(1.0, float(np.abs(expected).max())):
        raise _Mistake("offset", f"The result is off by the same number everywhere: {difference.mean():+.6g}.")
    for code in ("transposed", "permuted"):  # within each result, not from one to another
        if all(code in causes for causes in each):
            raise _Mistake(code, each[0][code])
    some = f"{len(wrong)} of the {len(pairs)} results tried are wrong" if len(pairs) > 1 else "The result is wrong"
    a, b = wrong[0]
    off = np.abs(a - b)
    first, by = "the first of them" if len(wrong) > 1 else "it", f"{float(np.nanmax(off)):.3g}"
    many = f"in {int(np.sum(off > CLOSE * np.abs(b).max()))} of its {a.size} numbers, by up to {by}"
    raise _Mistake("wrong_value", f"{some}; {first} is off {many if a.size > 1 else f'by {by}'}.")


def _causes(got: Array, expected: Array) -> dict[str, str]:
    """The usual mistakes that gradcheck finds in `got`, taken for the gradient of Σ expected·x, which `expected` is."""
    asked = np.isfinite(expected)
    got, expected = np.where(asked, got, 0), np.where(asked, expected, 0)
    report = gradcheck(lambda x: np.sum(expected * x), np.ones(expected.shape), grad=lambda x: got)
    return {
        code: sentence.replace("Your gradient", "The result").replace("the numerical one", "the right one")
        for code, sentence in report.causes
    }


def _near(a: Array, b: Array) -> bool:
    scale, close = float(np.abs(b[np.isfinite(b)]).max(initial=0.0)), max(CLOSE, NARROW * _unit(a))
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=close, atol=close * scale, equal_nan=True))


class _Asked:
    """The function whose gradient is asked for, of those arguments alone, under the names that they have there."""

    def __init__(self, forward: Callable[..., Any], wrt: Sequence[int], whole: Callable[..., list[Any]]) -> None:
        self.forward_of, self.whole = forward, whole
        every = list(inspect.signature(forward).parameters.values())
        self.__signature__ = inspect.Signature([every[i] for i in wrt])

    def __call__(self, *given: Any) -> Any:
        return self.forward_of(*self.whole(given))


def _judge_gradient(known: dict[str, Any], answer: Callable[..., Any], case: tuple[Any, ...]) -> str:
    """Let gradcheck compare: `WRT` are the positions of the arguments that the gradient is asked for. What else there
    is to say of the answer, as `_judge`."""
    wrt = known.get("WRT") or tuple(range(len(case)))
    forward = known["forward"]

    def whole(inputs: Sequence[Any]) -> list[Any]:
        arguments = list(copy.deepcopy(case))
        for position, value in zip(wrt, inputs, strict=True):
            arguments[position] = value
        return arguments

    def claimed(upstream: tuple[Any, ...], inputs: Sequence[Any]) -> tuple[Array, ...]:
        got = _call(answer, (*upstream, *whole(inputs)))
        if len(wrt) == 1:
            return (_numbers(got[0] if isinstance(got, (tuple, list)) and len(got) == 1 else got),)
        return tuple(_numbers(g) for g in _several(got, len(wrt), "gradients"))

    inputs = [case[i] for i in wrt]
    output = np.asarray(forward(*case))
    first = np.random.default_rng(3).standard_normal(output.shape)
    claimed((first,) if known["KIND"] == "vjp" else (), inputs)  # what fails outright fails here, in plain words
    value = _Asked(forward, wrt, whole)
    if known["KIND"] == "vjp":
        report = gradcheck(value, *inputs, vjp=lambda g, *given: claimed((g,), given), directions=2)
    else:
        report = gradcheck(value, *inputs, grad=lambda *given: claimed((), given), directions=2)
    if report:
        said = " ".join(report.notes)
        return next((_narrow(dtype) for dtype in ("float16", "float32") if f"is computed in {dtype}" in said), "")
    if report.verdict == "undecided":
        raise _Mistake("undecided", "The gradient checker can't decide: rounding errors are larger than the gradient.")
    if report.causes:
        raise _Mistake(report.causes[0][0], f"The gradient checker says: {report.causes[0][1]}")
    raise _Mistake(
        "wrong_gradient",
        f"The gradient checker finds {report.count('wrong')} of {len(report.rows)} derivatives wrong (worst relative "
        f"error {report.worst:.2g}), and none of the usual mistakes.",
    )


def _judge_layer(answer: Callable[..., Any], right: Callable[..., Any], cases: Sequence[tuple[Any, ...]]) -> None:
    """A layer has the parameters of the solution's, computes the same with them, and gradients pass through it."""
    for arguments, x in cases:
        ours, theirs = right(*arguments), answer(*arguments)
        if not isinstance(theirs, Module):
            raise _Mistake("type", "The class must stay a tl.nn.Module, and call super().__init__() if it needs to.")
        expected, got = dict(ours.named_parameters()), dict(theirs.named_parameters())
        if {n: p.shape for n, p in expected.items()} != {n: p.shape for n, p in got.items()}:
            shapes = ", ".join(f"{n} {p.shape}" for n, p in got.items()) or "none"
            raise _Mistake("parameters", f"Its parameters are {shapes}; the task says which it should have.")
        rng = np.random.default_rng(5)
        for name, p in got.items():
            if not p.requires_grad:
                raise _Mistake("parameters", f"Its parameter {name} gets no gradient: write requires_grad=True.")
            p.data = expected[name].data = rng.standard_normal(p.shape).astype(p.dtype)
        with no_grad():
            out = _call(theirs, (x,))
            if not isinstance(out, Tensor):
                raise _Mistake("type", f"forward should give a Tensor, not {kind(out)}.")
            _compare_loosely(out.data, ours(x).data)
        if not gradcheck(theirs, x.astype(np.float64), directions=2):
            raise _Mistake("wrong_gradient", "The outputs are right, but the gradient doesn't pass through: did you "
                           "leave the Tensors with .data or .detach()?")  # fmt: skip


def _compare_loosely(got: Array, expected: Array) -> None:
    if got.shape == expected.shape and np.allclose(got, expected, rtol=1e-4, atol=1e-5):
        return
    _compare([(got.astype(np.float64), expected.astype(np.float64))])
