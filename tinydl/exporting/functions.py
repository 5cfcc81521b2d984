"""Functions on arrays, copied as text with all that they need, so that they run where tinydl isn't.

What a function is made of is looked up in its source: other functions are copied, numbers and imports written down,
arrays kept for the file beside. Comments and docstrings go along, annotations don't. Stands on engine/source.py.
"""

from __future__ import annotations

import ast
import copy
import dis
import importlib
import linecache
import math
import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from ..compiling.tape import CompileError
from ..engine.arrays import Array, as_array
from ..engine.source import closed_over, find
from ..engine.tensor import Primitive
from .steps import refuse_gaps

_STAND_INS: list[tuple[Any, str]] = [(as_array, "np.asarray")]  # what is shorter where there are arrays of NumPy alone
_NAMED = (int, float, str, bool, type(None), np.generic)


class Functions:
    """The functions of a module that is being written: their texts, the constants and imports that they need."""

    def __init__(self, taken: set[str]) -> None:
        self.taken = taken
        self.imports: set[str] = set()
        self.constants: list[str] = []
        self.texts: list[str] = []
        self.arrays: dict[str, Array] = {}
        self._names: dict[Any, str] = {}

    def name(self, x: Any, wanted: str) -> str:
        """What something is called in the module; it is brought there when it is asked for first. CompileError for
        what can't be."""
        for known, text in _STAND_INS:
            if x is known:
                return text
        if isinstance(x, Primitive):
            return self.name(x.forward, wanted)
        found = _in_numpy(x)
        if found is not None:
            return found
        if isinstance(x, ModuleType):
            return self._module(x, wanted)
        if isinstance(x, BuiltinFunctionType) and x.__module__ in sys.stdlib_module_names:
            return f"{self._module(importlib.import_module(x.__module__.lstrip('_')), wanted)}.{x.__name__}"
        if isinstance(x, np.ndarray):
            return self._kept(x, wanted)
        if isinstance(x, FunctionType):
            return self._function(x, wanted)
        raise CompileError(
            f"the model needs {wanted}, {type(x).__name__} {x!r:.60}, which can't be written into a module of its own; "
            "what its functions use must be functions on arrays that stand in a file, numbers, arrays or NumPy's"
        )

    def _module(self, module: ModuleType, wanted: str) -> str:
        name = module.__name__
        if name.partition(".")[0] not in sys.stdlib_module_names:
            raise CompileError(f"the model needs {name}, but the module that is written needs nothing but NumPy")
        self.imports.add(name)
        return name

    def _kept(self, array: Array, wanted: str) -> str:
        if id(array) not in self._names:
            refuse_gaps(array, wanted)
            self._names[id(array)] = name = self._free(wanted)
            self.arrays[name] = array
        return self._names[id(array)]

    def _free(self, wanted: str) -> str:
        if re.fullmatch(r"[a-z](_\d+)?", wanted):  # as the arrays of `forward` are called
            wanted = f"{wanted}_"
        name, n = wanted, 2
        while name in self.taken:
            name, n = f"{wanted}_{n}", n + 1
        self.taken.add(name)
        return name

    def _function(self, function: FunctionType, wanted: str) -> str:
        if function in self._names:
            return self._names[function]
        written = find(function.__code__)
        if written is None:
            raise CompileError(
                f"the source of {wanted} isn't at hand (it was typed in, or its file has changed since), so that it "
                "can't be written down; define it in a file and import it"
            )
        own = wanted if isinstance(written.node, ast.Lambda) else function.__name__
        name = self._names[function] = self._free(own if own.isidentifier() else "function")
        copied = _Copy(written.text, written.node, name)
        known = {**function.__globals__, **closed_over(function)}
        for used in sorted(_names_in(function.__code__) | copied.used()):
            if used in known and not copied.is_gone(used):
                copied.names[used] = self._constant_or_name(known[used], used, function)
        self.texts.append(copied.text())
        return name

    def _constant_or_name(self, x: Any, used: str, function: FunctionType) -> str:
        if not _is_constant(x):
            return self.name(x, used)
        source = None if used in function.__code__.co_freevars else _assigned(function.__code__.co_filename, used, x)
        key = (used, repr(x))
        if key not in self._names:
            self._names[key] = name = self._free(used)
            own = source is not None and name == used
            self.constants.append(source if own and source is not None else f"{name} = {_written(x)}")
        return self._names[key]


def _is_constant(x: Any) -> bool:
    return isinstance(x, _NAMED) or (isinstance(x, tuple) and all(map(_is_constant, x)))


def _written(x: Any) -> str:
    if isinstance(x, tuple):
        return f"({', '.join(map(_written, x))}{',' * (len(x) == 1)})"
    return f'float("{x!r}")' if type(x) is float and not math.isfinite(x) else repr(x)


def _in_numpy(x: Any) -> str | None:
    """The name of something that is NumPy's own."""
    if x is np:
        return "np"
    name = getattr(x, "__name__", "")
    if isinstance(x, ModuleType):
        return f"np{name.removeprefix('numpy')}" if name.partition(".")[0] == "numpy" else None
    home = getattr(x, "__module__", "") or ("numpy" if isinstance(x, np.ufunc) else "")
    if home.partition(".")[0] != "numpy" or not name.isidentifier():
        return None
    for module, text in ((np, "np"), (np.linalg, "np.linalg"), (np.fft, "np.fft"), (sys.modules.get(home), home)):
        if getattr(module, name, None) is x:
            return f"{text.replace('numpy', 'np', 1)}.{name}"
    return None


def _names_in(code: CodeType) -> set[str]:
    """The names from outside that a function uses."""
    own = {i.argval for i in dis.get_instructions(code) if i.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    inner = (c for c in code.co_consts if isinstance(c, CodeType))
    return own.union(code.co_freevars, *map(_names_in, inner)) - (set(code.co_cellvars) - own)


def _assigned(filename: str, name: str, x: Any) -> str | None:
    """The lines of a file in which a name gets a value that can be read there, with the comment above."""
    lines = linecache.getlines(filename)
    for node in ast.parse("".join(lines)).body:
        if isinstance(node, ast.Assign) and [ast.unparse(t) for t in node.targets] == [name]:
            try:
                if ast.literal_eval(node.value) != x:
                    return None
            except ValueError:
                return None
            last = lines[node.end_lineno - 1].encode()[node.end_col_offset :].strip() if node.end_lineno else b""
            if node.col_offset or not (last == b"" or last.startswith(b"#")):
                return None  # other statements stand on its lines
            first = node.lineno - 1
            while first > 0 and lines[first - 1].startswith("#"):
                first -= 1
            return "".join(lines[first : node.end_lineno]).rstrip()
    return None


class _Copy:
    """The text of a function without annotations, and with other names where `names` says so."""

    def __init__(self, text: str, node: ast.Lambda | ast.FunctionDef, name: str) -> None:
        self.source, self.node, self.name = text.encode(), node, name
        self.starts = [0]
        for line in self.source.split(b"\n"):
            self.starts.append(self.starts[-1] + len(line) + 1)
        self.names: dict[str, str] = {}
        self.edits: dict[tuple[int, int], Callable[[], str]] = {}  # what stands in the place of these bytes
        self.dropped: list[ast.AST] = []
        for child in ast.walk(node):
            self._tidy(child)

    def span(self, node: Any) -> tuple[int, int]:
        """From which byte to which a node stands."""
        end = self.starts[node.end_lineno - 1] + node.end_col_offset
        return self.starts[node.lineno - 1] + node.col_offset, end

    def used(self) -> set[str]:
        """The names in defaults, which aren't in the function's code."""
        args = self.node.args
        return {c.id for d in (*args.defaults, *args.kw_defaults) if d for c in ast.walk(d) if isinstance(c, ast.Name)}

    def is_gone(self, name: str) -> bool:
        """Whether a name stands only in what is left out."""
        gone = {id(child) for node in self.dropped for child in ast.walk(node)}
        uses = [child for child in ast.walk(self.node) if isinstance(child, ast.Name) and child.id == name]
        return all(id(child) in gone for child in uses)

    # ---- what is left out ----

    def _tidy(self, node: ast.AST) -> None:
        """Leave out annotations, and what is there for arrays of other libraries and for recording."""
        if isinstance(node, ast.Name):
            self.edits[self.span(node)] = lambda: self.names.get(node.id, node.id)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            self.dropped.append(node.annotation)
            self.edits[self.span(node.target)[1], self.span(node.value)[0]] = lambda: " = "
        elif isinstance(node, ast.FunctionDef):
            notes = [node.returns, *(a.annotation for a in ast.walk(node.args) if isinstance(a, ast.arg))]
            self.dropped += [x for x in [*notes, *node.decorator_list] if x is not None]
            if node is not self.node:
                first = node.body[0]
                gap = "\n" + " " * first.col_offset if first.lineno > node.lineno else " "
                self.edits[self.span(node)[0], self.span(first)[0]] = lambda: self._head(node.name, node) + gap
        elif isinstance(node, ast.IfExp) and _asks_for_numpy(node.test):
            self.dropped += [node.test, node.orelse]
            self.edits[self.span(node)] = lambda: self._edited(*self.span(node.body))
        elif isinstance(node, ast.If) and _asks_for_numpy(node.test):
            self.dropped += [node.test, *node.orelse]
            end = self._end_of_branch(node)
            self.edits[self.span(node)[0], end] = lambda: self._branch(node)
        elif isinstance(node, ast.If) and _asks_for_recording(node.test):
            self.dropped.append(node)
            self.edits[self.starts[node.lineno - 1], self.starts[node.end_lineno or 0]] = lambda: ""

    def _branch(self, node: ast.If) -> str:
        first, last = node.body[0], node.body[-1]
        lines = self._edited(self.span(first)[0], self.span(last)[1]).split("\n")
        less = first.col_offset - node.col_offset
        return "\n".join([lines[0], *(line[less:] for line in lines[1:])])

    def _end_of_branch(self, node: ast.If) -> int:
        """Where a branch ends; one that returns, with the statements that it leaves out."""
        if isinstance(node.body[-1], ast.Return):
            for block in _blocks(self.node):
                if node in block:
                    self.dropped += block[block.index(node) + 1 :]
                    return self.starts[block[-1].end_lineno or 0] - 1  # with the comment at its end
        return self.span(node)[1]

    # ---- the text ----

    def text(self) -> str:
        """The function as a def at the left margin."""
        node, head = self.node, self._head(self.name, self.node)
        if isinstance(node, ast.Lambda):
            body = self._edited(*self.span(node.body))
            if "\n" in body:
                body = f"(\n{textwrap.indent(textwrap.dedent(body), ' ' * 8)}\n    )"
            return f"{head}\n    return {body}\n"
        first = node.body[0]
        if first.lineno == node.lineno:
            return f"{head}\n    {self._edited(self.span(first)[0], self.span(node)[1])}\n"
        lines = self._edited(self.starts[first.lineno - 1], self.starts[node.end_lineno or 0] - 1).split("\n")
        return "\n".join([head, *(line[node.col_offset :] if line.strip() else "" for line in lines)]).rstrip() + "\n"

    def _head(self, name: str, node: ast.Lambda | ast.FunctionDef) -> str:
        bare = _Bare(self.names).visit(copy.deepcopy(node.args))
        return f"def {name}({ast.unparse(bare)}):"

    def _edited(self, start: int, end: int) -> str:
        made, at = [], start
        for (a, b), replacement in sorted(self.edits.items(), key=lambda item: (item[0][0], -item[0][1])):
            if at <= a and b <= end:
                made += [self.source[at:a].decode(), replacement()]
                at = b
        return "".join([*made, self.source[at:end].decode()])


class _Bare(ast.NodeTransformer):
    """Parameters without annotations, and with other names in their defaults."""

    def __init__(self, names: dict[str, str]) -> None:
        self.names = names

    def visit_arg(self, node: ast.arg) -> ast.arg:
        """A parameter."""
        return ast.arg(node.arg)

    def visit_Name(self, node: ast.Name) -> ast.Name:
        """A name in a default."""
        return ast.Name(self.names.get(node.id, node.id), node.ctx)


def _asks_for_numpy(test: ast.expr) -> bool:
    return ast.unparse(test).endswith(".__class__ is np.ndarray")


def _asks_for_recording(test: ast.expr) -> bool:
    return ast.unparse(test).startswith("special.count and ")


def _blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    for child in ast.walk(node):
        for name in ("body", "orelse"):
            block = getattr(child, name, None)
            if isinstance(block, list):
                yield block
