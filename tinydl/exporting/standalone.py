"""A trained model as a Python module that needs NumPy alone.

`to_numpy` records what the model does with batches of several sizes and dtypes (steps.py), writes it down (text.py,
functions.py), runs what it wrote, and compares it with `tl.predict`.
"""

from __future__ import annotations

import ast
import keyword
import os
import sys
import tempfile
import textwrap
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from ..compiling.recorder import Recorder
from ..compiling.tape import CompileError
from ..engine.arrays import Array
from ..engine.checks import kind, listed, refuse_foreign
from ..engine.files import replacing
from ..engine.recording import no_grad, state
from ..nn.module import Module
from ..training import arguments
from ..training.fit import predict
from ..training.saving import format_of
from ..watching.modes import mode
from .functions import Functions
from .steps import RESERVED, DiffersError, Steps, is_for, merged, steps_of
from .text import WIDTH, Lines, dtype_text, quoted

_AT_ONCE = 256  # rows: as predict takes them
_KINDS = {"b": ("bool",), "i": ("int8", "int16", "int32", "int64"), "u": ("uint8", "uint16", "uint32", "uint64"),
          "f": ("float16", "float32", "float64")}  # fmt: skip
_WORDS = {"b": "bool", "i": "int", "u": "uint", "f": "float", "iu": "integers", "biu": "integers", "biuf": "numbers"}
_REFUSALS = (ValueError, TypeError, IndexError)  # what a model may say of an x that it can't take
_MARK = "Written by tl.to_numpy"


def to_numpy(model: Module, path: str | os.PathLike[str], example: Any) -> None:
    """Write a model as a Python module with a function ``predict(x)``, and its weights as an .npz file beside it.

    Who has the two files needs NumPy and nothing else: ``from digits import predict``. `example` is a batch as
    `tl.predict` takes it, which says of what shape and dtype x is; the number of rows is free. The module computes, in
    eval mode, what ``tl.predict(model, x)`` gives, equal to the bit; layers are named in comments, so that it can be
    read and changed. Before it is written it is run on other batches and compared.

    >>> model, x = nn.Sequential(nn.Linear(64, 10), nn.Softmax()), np.random.default_rng(0).random((5, 64))
    >>> tl.to_numpy(model, folder / "digits.py", x)
    >>> sorted(file.name for file in folder.iterdir())
    ['digits.npz', 'digits.py']

    Raises CompileError for a model that decides by values, draws random numbers, changes what it keeps, or does
    something else with another number of rows; ValueError for a path that is no module's; FileExistsError where another
    file would be overwritten, FileNotFoundError where there is no such folder. Then nothing is written.
    """
    arguments.check_model(model)
    if state.observers:
        raise RuntimeError(
            "to_numpy watches what the model does, which can't be told apart inside of tl.strict, tl.detect_anomaly or "
            "tl.source_lines; call it outside of the with block"
        )
    target = _checked(path)
    beside, write, _ = format_of(target.with_suffix(".npz"))
    refuse_foreign("to_numpy", *(p for _, p in model.named_parameters()), *(b for _, b in model.named_buffers()))
    x = arguments.check_inputs(example)
    if not len(x):
        raise ValueError("the example has no rows; give a batch of at least one, like x_train[:8]")
    expected = predict(model, x)
    if predict(model, x).tobytes() != expected.tobytes():
        raise CompileError(
            "the model gives other numbers each time it is asked, also in eval mode, so no program can be equal to it; "
            "draw random numbers only while self.training, and keep nothing from one batch to the next"
        )
    with mode(model, False), no_grad():
        module = _Module(model, target.stem, x, expected)
    text, arrays = module.text(), module.arrays()
    _compare(model, target.stem, text, arrays, x)
    with ExitStack() as files:
        if arrays:
            write(files.enter_context(replacing(beside)), arrays)
        files.enter_context(replacing(target)).write(text.encode())


# ---- what is given ----


def _checked(path: str | os.PathLike[str]) -> Path:
    """Where the module is to be written. Raises ValueError, FileNotFoundError, FileExistsError."""
    target = Path(path)
    name = target.stem
    if target.suffix != ".py":
        raise ValueError(f"the model is written as a Python module, whose name ends in .py, not {target.name!r}")
    if not name.isidentifier() or keyword.iskeyword(name):
        raise ValueError(
            f"{name!r} can't be imported, since it is no name of Python's; write letters, digits and _, as in "
            f"{''.join(c if c.isalnum() else '_' for c in f'model_{name}')}.py"
        )
    if name == "numpy" or name in sys.stdlib_module_names:
        raise ValueError(f"a module called {name} would hide the one of Python or NumPy; write model_{name}.py")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {target.parent} to write {target.name} into; make it first")
    for file in (target, target.with_suffix(".npz")):
        if file.exists() and not _is_ours(target):
            raise FileExistsError(
                f"{file} is there already and wasn't written by tl.to_numpy; write another name, or move it away"
            )
    return target


def _is_ours(target: Path) -> bool:
    """Whether an older export is there, which may be overwritten."""
    if not target.is_file():
        return False
    try:
        return _MARK in (ast.get_docstring(ast.parse(target.read_text(encoding="utf-8"))) or "")
    except (SyntaxError, ValueError):
        return False


# ---- what the model does ----


def _recorded(model: Module, x: Array, keys: dict[int, str]) -> Steps:
    """What the model does with a batch."""
    recorder = Recorder(model)
    recording = recorder.run([x], lambda stand_ins: ((stand_ins[0],), {}))
    held = {value.storage.source for value in recording.held}
    for holder, key, _ in recording.assigned:
        name = recording.names.get(-id(holder), "")
        if f"{name}.{key}" in held or f"{name}[{key!r}]" in held:
            raise CompileError(
                f"the model keeps {key} from one batch for the next, which a program on its own can't do; give it as "
                "part of x"
            )
    return steps_of(recording, keys)


class _Module:
    """The text of the module, and the arrays of its file."""

    def __init__(self, model: Module, name: str, x: Array, expected: Array) -> None:
        self.model, self.name, self.x, self.expected = model, name, x, expected
        named = [*model.named_parameters(), *model.named_buffers()]
        self.keys = {id(array): key for key, array in reversed(named)}
        self.single: str | None = None  # what the model says of a single row, if it can't take it
        try:
            self.steps = self._general()
        except DiffersError:
            raise CompileError(
                "the model does something else with another number of rows, so that there is no one program for all "
                "of them; let its forward depend on len(x) only in shapes, as in x.reshape(len(x), -1)"
            ) from None
        except CompileError as error:
            raise CompileError(f"the model can't be written down as a program. {error}") from error
        self.dtypes = self._dtypes()
        self.functions = Functions({*RESERVED, *self.steps.arrays})
        self.lines = Lines(self.steps, self.functions.name)

    def _rows(self, n: int) -> Array:
        return self.x[np.arange(n) % len(self.x)].copy()

    def _general(self) -> Steps:
        """The steps for any number of rows: of two numbers, and compared with those of others."""
        two, three = (_recorded(self.model, self._rows(n), self.keys) for n in (2, 3))
        general = merged(two, three, (2, 3))
        try:
            single = _recorded(self.model, self._rows(1), self.keys)
        except _REFUSALS as error:
            self.single = str(error)
        else:
            if not is_for(general, single, 1):
                raise DiffersError
        if not is_for(general, _recorded(self.model, self._rows(_AT_ONCE), self.keys), _AT_ONCE):
            raise DiffersError
        return general

    def _dtypes(self) -> list[str]:
        """The dtypes of x with which the model does the same, once it has brought it to `cast`."""
        own, found = self.steps, {self.x.dtype.name: self.steps.cast}
        zeros = np.zeros((2, *self.x.shape[1:]), self.x.dtype)
        for name in (name for names in _KINDS.values() for name in names):
            try:
                some = _recorded(self.model, zeros.astype(name), self.keys)
            except (*_REFUSALS, CompileError):  # a dtype that the model refuses
                continue
            if is_for(own, some, 2):
                found[name] = some.cast
        wanted = own.cast or self.x.dtype.name
        self.cast = wanted if wanted in found.values() else ""
        return [name for name, cast in found.items() if cast == self.cast or name == self.cast]

    # ---- text ----

    def arrays(self) -> dict[str, Array]:
        """What is in the file, by its name there."""
        steps = self.steps
        return {**{steps.keys[name]: array for name, array in steps.arrays.items()}, **self.functions.arrays}

    def text(self) -> str:
        """The module."""
        top = "\n\n".join(part for part in (self._docstring(), self._imports(), self._weights()) if part)
        parts = [top, self._predict(), self._forward(), "\n".join(self.functions.constants), *self.functions.texts]
        return "\n\n\n".join(part.rstrip("\n") for part in parts if part) + "\n"

    def _docstring(self) -> str:
        from .. import __version__

        lines = [f"{self.name}: what {kind(self.model)} predicts, as a program that needs NumPy alone.", ""]
        described = repr(self.model).split("\n")
        for line in described:
            indent = " " * (len(line) - len(line.lstrip()) + 8)
            lines += textwrap.wrap(f"    {line}", WIDTH - 4, subsequent_indent=indent, drop_whitespace=False) or [""]
        made = f"{_MARK} of tinydl {__version__}, and equal to tl.predict of that model to the bit, as was seen with "
        made += f"NumPy {np.__version__}; another NumPy, or another machine, may round otherwise. "
        made += f"The weights are in {self.name}.npz, which must lie beside this file." if self.arrays() else ""
        lines += ["", *textwrap.wrap(made, WIDTH - 4)]
        body = "\n".join(line.rstrip() for line in lines).replace("\\", "\\\\").replace('"""', "'''")
        return f'"""{body}\n"""'

    def _imports(self) -> str:
        lines = [f"import {name}" for name in sorted(self.functions.imports)]
        lines += ["from pathlib import Path"] if self.arrays() else []
        return "\n".join([*lines, "", "import numpy as np"]).lstrip("\n")

    def _weights(self) -> str:
        steps = self.steps
        keys = [(name, steps.keys[name], array) for name, array in steps.arrays.items()]
        keys += [(name, name, array) for name, array in self.functions.arrays.items()]
        if not keys:
            return ""
        lines = [f'with np.load(Path(__file__).with_name("{self.name}.npz"), allow_pickle=False) as arrays:']
        for name, key, array in keys:
            lines.append(f'    {name} = arrays["{key}"]  # {array.shape}, {array.dtype}')
        return "\n".join(lines)

    def _predict(self) -> str:
        rows, shape, dtype = self.expected.shape[1:], self.x.shape[1:], self.expected.dtype
        wanted, given = _shape_text(shape), _shape_text(rows)
        asked, said, cure = self._asked_dtype()
        what = f"x is an array of shape {wanted} and of {said}; what comes back is of shape {given} and {dtype.name}. "
        what += f"The rows are taken {_AT_ONCE} at a time. Raises TypeError and ValueError for another x"
        what += ", and for a single row." if self.single else "."
        lines = ['"""What the model gives for each row of x.', "", *textwrap.wrap(what, WIDTH - 4), '"""']
        other = f"predict takes a NumPy array, not {{type(x).__name__}}; write np.asarray(x{cure})"
        lines += ["if type(x) is not np.ndarray:", *_raising("TypeError", other)]
        lines += [f"if {asked}:"]
        lines += _raising("TypeError", f"predict takes an array of {said}, not {{x.dtype}}; write x.astype({cure[2:]})")
        lines += [f"if x.ndim != {len(shape) + 1}" + (f" or x.shape[1:] != {shape}:" if shape else ":")]
        lines += _raising("ValueError", f"predict takes x of shape {wanted}, not {{x.shape}}; of one row write x[None]")
        lines += ["if not len(x):", *self._nothing()]
        if self.cast:
            lines += [f"x = x.astype(np.{self.cast}, copy=False)"]
        lines += [f"batches = [x[i : i + {_AT_ONCE}].copy() for i in range(0, len(x), {_AT_ONCE})]"]
        lines += ["return np.concatenate([forward(batch) for batch in batches])"]
        return _function("predict", lines)

    def _asked_dtype(self) -> tuple[str, str, str]:
        """The test for another dtype, the dtypes in words, and the one to write, after a comma."""
        names = set(self.dtypes)
        kinds = "".join(kind for kind, members in _KINDS.items() if names.issuperset(members))
        others = [name for name in self.dtypes if name not in (n for kind in kinds for n in _KINDS[kind])]
        tests = [f'x.dtype.kind not in "{kinds}"'] if kinds else []
        if len(others) == 1:
            tests.append(f"x.dtype != {dtype_text(np.dtype(others[0]))}")
        elif others:
            tests.append(f"x.dtype.name not in ({', '.join(map(quoted, others))})")
        words = [_WORDS[kinds]] if kinds in _WORDS else [_WORDS[kind] for kind in kinds]
        cure = np.dtype(self.cast) if self.cast else self.x.dtype
        return " and ".join(tests), listed([*words, *others], most=20), f", {dtype_text(cure)}"

    def _nothing(self) -> list[str]:
        """What is done of no rows."""
        try:
            with np.errstate(all="ignore"):  # the mean of nothing
                made = predict(self.model, self.x[:0])
        except _REFUSALS as error:
            return _raising("ValueError", _literal(str(error)))
        return [f"    return np.empty({made.shape}, {dtype_text(made.dtype)})"]

    def _forward(self) -> str:
        lines = [f'"""The model itself, for at most {_AT_ONCE} rows."""']
        if self.single:
            lines += ["if len(x) == 1:", *_raising("ValueError", _literal(self.single))]
        if self.lines.counts_rows:
            lines += ["n = len(x)"]
        return _function("forward", [*lines, *self.lines.lines])


def _function(name: str, lines: list[str]) -> str:
    return "\n".join([f"def {name}(x):", *(f"    {line}" if line else "" for line in lines)])


def _raising(kind: str, said: str) -> list[str]:
    """The lines that raise an exception with a sentence, which may have expressions in braces."""
    mark = "f" if "{" in said.replace("{{", "") else ""
    said = said if mark else said.replace("{{", "{").replace("}}", "}")
    line = f'    raise {kind}({mark}"{said}")'
    if len(line) <= WIDTH - 4:
        return [line]
    parts = [f'        {mark if "{" in part else ""}"{part}"' for part in _cut(said, WIDTH - 4 - 8 - len(mark) - 2)]
    return [f"    raise {kind}(", *parts, "    )"]


def _cut(said: str, width: int) -> list[str]:
    """A sentence in parts that aren't wider, cut after spaces outside of braces."""
    words, depth, start = list[str](), 0, 0
    for i, c in enumerate(said):
        depth += (c == "{") - (c == "}")
        if c == " " and not depth:
            words.append(said[start : i + 1])
            start = i + 1
    parts = [""]
    for word in [*words, said[start:]]:
        if len(parts[-1]) + len(word) > width and parts[-1]:
            parts.append("")
        parts[-1] += word
    return parts


def _literal(said: str) -> str:
    return said.replace("\\", "\\\\").replace('"', "'").replace("\n", " ").replace("{", "{{").replace("}", "}}")


def _shape_text(shape: tuple[int, ...]) -> str:
    return f"(N, {', '.join(map(str, shape))})" if shape else "(N,)"


# ---- what was written ----


def _compare(model: Module, name: str, text: str, arrays: dict[str, Array], x: Array) -> None:
    """Run the module, read from files, on other batches than the example. CompileError where it gives other numbers."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{name}.py"
        file.write_text(text, encoding="utf-8")
        beside, write, _ = format_of(file.with_suffix(".npz"))
        with open(beside, "wb") as weights:
            write(weights, arrays)
        space: dict[str, Any] = {"__name__": name, "__file__": str(file)}
        exec(compile(file.read_text(encoding="utf-8"), str(file), "exec"), space)
    for given in (x, *(_others(x, n) for n in (0, 1, 3, _AT_ONCE + 5))):
        with np.errstate(all="ignore"):  # a number that was changed somewhat may have no logarithm any more
            expected, made = _answer(lambda v: predict(model, v), given), _answer(space["predict"], given)
        if made != expected:
            raise CompileError(
                f"the program of the model doesn't give what tl.predict gives for {len(given)} rows, so nothing was "
                "written. Does forward use what varies and isn't the model's own, such as the time? Otherwise this is "
                "an error of tinydl: please report it with the model"
            )


def _answer(ask: Any, x: Array) -> Any:
    """What a function gives, or that it raises."""
    try:
        made = ask(x.copy())
    except _REFUSALS as error:
        return "raised", isinstance(error, TypeError)
    return made.shape, made.dtype, made.tobytes()


def _others(x: Array, n: int) -> Array:
    """Other rows than those of the example: its numbers, each column in another order, and floats somewhat changed."""
    rng = np.random.default_rng(n)
    rows = x[np.arange(n) % len(x)]
    rows = rng.permuted(rows, axis=0) if n else rows
    if x.dtype.kind != "f":
        return rows
    return (rows * (1 + 0.1 * rng.standard_normal(rows.shape))).astype(x.dtype)
