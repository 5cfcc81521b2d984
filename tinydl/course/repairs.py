"""Two ways to find out why an answer is wrong: memory that isn't filled made visible, and repairs tried out.

An answer that a repair makes right had this very mistake, wherever in it and however it is written.
"""

from __future__ import annotations

import ast
import copy
import itertools
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..engine.arrays import Array

WATCH = "__watched_ufunc__"  # the name under which an answer finds Unfilled.ufunc
EMPTY = "np.empty isn't filled, whatever happens to be in it: write np.zeros."
WHERE = "Where `where` is False nothing is written, and whatever was in memory stays: give out=np.zeros(...) too."


class Unfilled:
    """While it is entered, memory that NumPy leaves as it was holds `number`, and `used` says that a program took some.

    The program is that of a file; what NumPy and tinydl take for themselves they fill.
    """

    def __init__(self, file: str) -> None:
        self.file, self.number, self.used = file, float("nan"), ""
        self._kept: dict[str, Any] = {}

    def __enter__(self) -> None:
        for name in ("empty", "empty_like"):
            self._kept[name] = getattr(np, name)
            setattr(np, name, self._filling(self._kept[name]))

    def __exit__(self, *_: object) -> None:
        for name, function in self._kept.items():
            setattr(np, name, function)

    def _filling(self, function: Callable[..., Array]) -> Callable[..., Array]:
        def filled(*arguments: Any, **more: Any) -> Array:
            if sys._getframe(1).f_code.co_filename == self.file:
                self.used = EMPTY
            return self._fill(function(*arguments, **more))

        return filled

    def _fill(self, array: Array) -> Array:
        if array.dtype.kind in "fc":
            array[...] = self.number
        elif array.dtype.kind in "iu":
            array[...] = np.iinfo(array.dtype).max if np.isnan(self.number) else 0
        return array

    def ufunc(self, function: Any) -> Any:
        """The function, given an `out` of such memory if it is a ufunc."""
        if not isinstance(function, np.ufunc):
            return function

        def called(*arguments: Any, where: Any, **more: Any) -> Any:
            whole = function(*arguments, **more)
            if np.all(where) or not isinstance(whole, np.ndarray | np.generic):
                return whole
            shape = np.broadcast_shapes(np.shape(whole), np.shape(where))
            self.used = WHERE
            return function(*arguments, where=where, out=self._fill(np.zeros(shape, whole.dtype)), **more)

        return called

    def watched(self, tree: ast.Module) -> ast.Module:
        """The same program, where each call with `where=` and without `out=` goes through `ufunc`."""

        class Watching(ast.NodeTransformer):
            def visit_Call(self, node: ast.Call) -> ast.AST:
                self.generic_visit(node)
                given = {word.arg for word in node.keywords}
                if "where" in given and not given & {"out", None}:
                    node.func = ast.Call(ast.Name(WATCH, ast.Load()), [node.func], [])
                return ast.fix_missing_locations(node)

        return Watching().visit(copy.deepcopy(tree)) if "where" in ast.dump(tree) else tree


def repaired(tree: ast.Module, function: str) -> Iterator[tuple[str, ast.Module]]:
    """The program with one mistake mended, and what there is to say if that makes it right."""
    other = copy.deepcopy(tree)
    found = [node for node in ast.walk(other) if isinstance(node, ast.BinOp | ast.AugAssign)
             and isinstance(node.op, ast.FloorDiv)]  # fmt: skip
    for node in found:
        node.op = ast.Div()
    if found:
        yield f"// in line {found[0].lineno} rounds down: write /.", other
    for called in ("int", "round"):
        other = _without(called, tree)
        if ast.dump(other) != ast.dump(tree):
            yield f"{called}(...) changes the number: leave it out.", other
    for first, second in itertools.combinations(_parameters(tree, function), 2):
        other = copy.deepcopy(tree)
        names = {first: second, second: first}
        for one in ast.walk(other):
            if isinstance(one, ast.Name) and one.id in names:
                one.id = names[one.id]
        yield f"{first} and {second} are swapped: each stands where the other one belongs.", other


def _without(called: str, tree: ast.Module) -> ast.Module:
    """The program where each call of this function is its first argument."""

    class Without(ast.NodeTransformer):
        def visit_Call(self, node: ast.Call) -> ast.AST:
            self.generic_visit(node)
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            return node.args[0] if name == called and node.args else node

    other: ast.Module = Without().visit(copy.deepcopy(tree))
    return other


def _parameters(tree: ast.Module, function: str) -> list[str]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == function:
            return [argument.arg for argument in node.args.args]
    return []
