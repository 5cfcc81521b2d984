"""A function as it was written: its text, found by its code object, and what its names stand for in a call.

A function is found only if what stands in the file compiles to the very code that runs: not so for another lambda of
the same line, nor if the file was changed since. Explanations show rules with this, mutations change them. Knows
nothing of the engine.
"""

from __future__ import annotations

import ast
import copy
import inspect
import linecache
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from types import CodeType
from typing import Any, NamedTuple

Function = ast.Lambda | ast.FunctionDef


class Written(NamedTuple):
    """The text of a file, and the node of its tree that is the function."""

    text: str
    node: Function


def find(code: CodeType) -> Written | None:
    """Where this code was written; None if the source isn't at hand, as for what is written in C."""
    return _found(code, code.co_filename)


@lru_cache(maxsize=4096)
def _found(code: CodeType, filename: str) -> Written | None:  # equal code may come from another file
    try:
        text, begins, _ = _parsed(filename)
    except (SyntaxError, ValueError):
        return None
    for node in begins.get(code.co_firstlineno, ()):
        if any(essence(made) == essence(code) for made in _made_of(node, code)):
            return Written(text, node)
    return None


def _parsed(filename: str) -> tuple[str, dict[int, list[Function]], list[ast.stmt]]:
    lines = linecache.getlines(filename)
    return _parsed_text("".join(lines), filename)


@lru_cache(maxsize=64)
def _parsed_text(text: str, filename: str) -> tuple[str, dict[int, list[Function]], list[ast.stmt]]:
    """The text of a file, the functions that begin on each of its lines, and its imports."""
    begins: dict[int, list[Function]] = {}
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Lambda, ast.FunctionDef)):
            decorators = [d.lineno for d in getattr(node, "decorator_list", ())]
            begins.setdefault(min([node.lineno, *decorators]), []).append(node)
    blocks = [tree.body, *(s.body for s in tree.body if isinstance(s, (ast.If, ast.Try)))]
    imports = [s for block in blocks for s in block if isinstance(s, (ast.Import, ast.ImportFrom))]
    return text, begins, [s for s in imports if getattr(s, "module", "") != "__future__"]


def compiled(node: Function, code: CodeType) -> CodeType | None:
    """The function alone, compiled as it would be in the place of `code`; None if Python refuses it."""
    return next((made for made in _made_of(node, code) if made.co_name == code.co_name), None)


def _made_of(node: Function, code: CodeType) -> list[CodeType]:
    """What a function compiles to with what `code` closes over and the file's imports around it: by both its bytecode
    may differ (from Python 3.11 on, np.exp(x) is compiled otherwise where np is seen to be a module)."""
    around: Any = ast.parse(f"def around({', '.join(code.co_freevars)}): return 0").body[0]
    if isinstance(node, ast.Lambda):
        around.body[0].value = node
    else:
        bare = copy.copy(node)
        bare.decorator_list = []
        around.body = [bare]
    tree = ast.Module([*_parsed(code.co_filename)[2], around], [])
    try:
        flags = code.co_flags & annotations.compiler_flag  # as its own file was compiled, not this one
        module = compile(ast.fix_missing_locations(tree), code.co_filename, "exec", flags, dont_inherit=True)
    except (SyntaxError, ValueError):
        return []
    (outer,) = (c for c in module.co_consts if isinstance(c, CodeType))
    return [c for c in outer.co_consts if isinstance(c, CodeType)]


def essence(code: CodeType) -> tuple[Any, ...]:
    """All that a function computes with, but not where it was written."""
    constants = [essence(k) if isinstance(k, CodeType) else (type(k), k) for k in code.co_consts]
    constants = [k for k in constants if not (k[0] is str and "<locals>" in k[1])]  # where an inner one was, until 3.10
    return code.co_name, code.co_code, constants, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars


# ---- what its names stand for ----


def bound(
    function: Callable[..., Any], given: Sequence[Any], options: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """By the names of its parameters: what is given by position (a tuple for ``*inputs``), and the options."""
    call = _signature(function).bind(*given, **options)
    call.apply_defaults()
    places = enumerate(call.signature.parameters.values())
    plain = [p.name for i, p in places if i < len(given) and p.kind is not p.KEYWORD_ONLY]
    by_position = {*plain, *(p.name for p in call.signature.parameters.values() if p.kind is p.VAR_POSITIONAL)}
    positional = {name: value for name, value in call.arguments.items() if name in by_position}
    return positional, {name: value for name, value in call.arguments.items() if name not in by_position}


_signature = lru_cache(maxsize=4096)(inspect.signature)


def closed_over(function: Callable[..., Any]) -> dict[str, Any]:
    """The values of the variables of outer functions that a function uses."""
    found: dict[str, Any] = {}
    code, cells = getattr(function, "__code__", None), getattr(function, "__closure__", None)
    for name, cell in zip(code.co_freevars if code else (), cells or (), strict=True):
        with suppress(ValueError):  # the cell is still empty
            found[name] = cell.cell_contents
    return found
