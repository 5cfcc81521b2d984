"""A derivative rule as it stands in the source: the expression that gave a gradient, what its letters stand for.

A rule is applied to arrays as the backward pass applies it, and its text is looked up by its code object, so it can't
differ from what was computed. Stands on tensor.py alone; read explain.py next, whose steps show what is found here.
"""

from __future__ import annotations

import ast
import sys
import types
from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any

from ..engine.arrays import Array
from ..engine.dispatch import unwrap
from ..engine.source import Function, bound, closed_over, find
from ..engine.tensor import Tensor

Assignment = ast.Assign | ast.AugAssign | ast.AnnAssign
Condition = tuple[str, ast.expr | None, bool]  # its text; if it is that of an `if`, the test, and whether it must hold
Conditional = tuple[tuple[Condition, ...], Assignment]


@dataclass(eq=False)
class Applied:
    """A rule, applied: its `result`, and the `expression` that gave it, whose text is "" if the source isn't at hand.

    `where` are the assignments that the expression needs, `says` is the first paragraph of the rule's docstring. Of the
    names in both, `letters` has those of the output and the inputs with what they stand for (a tuple for ``*inputs``),
    `options` those of options, and `values` the values of all local ones; None where a value isn't known.
    """

    result: Any
    text: str = ""
    where: tuple[str, ...] = ()
    says: str = ""
    expression: ast.expr | None = None
    letters: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)


def applied(node: Tensor, position: int, g: Array) -> Applied:
    """Apply the rule of one input to arrays, and find the expression in the source that gave the result."""
    assert node.primitive is not None
    rule, given, options = node.primitive.rule(position), _given(node, g), node.options
    pull = partial(node.primitive.pull, position, [unwrap(x) for x in given], options)
    code = getattr(rule, "__code__", None)
    written = find(code) if code else None
    if not rule or not code or not written:
        return Applied(pull())
    things = [*given[:2], position, *given[2:]] if node.primitive.each else given
    letters, chosen = bound(rule, things, options)
    started = closed_over(rule) | bound(rule, [unwrap(x) for x in things], options)[0] | chosen
    letters.pop(next(iter(letters)))  # g, which the reader knows
    text, function = written
    returns = () if isinstance(function, ast.Lambda) else _returns(function)
    last = returns[0].value if returns else None
    expression = function.body if isinstance(function, ast.Lambda) else last
    if len(returns) > 1 or (returns and isinstance(expression, ast.IfExp)):
        result, expression, values = _watched(code, pull, returns)
    else:
        result = pull()
        values = {name: value for name, value in started.items() if name not in _assigned(function)}
    while isinstance(expression, ast.IfExp):
        try:
            holds = eval(_compiled(expression.test), rule.__globals__, values)
        except NameError:
            break
        expression = expression.body if holds else expression.orelse
    if expression is None:
        return Applied(result)
    where, names = _where(rule, text, _assignments(function, expression), _names(expression), started)
    return Applied(
        result, _segment(text, expression), tuple(where), _says(function), expression,
        {name: thing for name, thing in letters.items() if name in names},
        {name: value for name, value in chosen.items() if name in names},
        {name: values.get(name) for name in names & {*values, *code.co_varnames}},
    )  # fmt: skip


def vjp(node: Tensor, position: int, g: Array) -> Array:
    """What the backward pass makes of g at this operation for one input."""
    assert node.primitive is not None
    given = [unwrap(x) for x in _given(node, g)]
    gradient: Array = node.primitive.pull(position, given, node.options, node.inputs[position].data)
    return gradient


def _given(node: Tensor, g: Array) -> list[Any]:
    """What every rule of this operation takes: g, y and the inputs."""
    return [g, node, *node.inputs]


def _watched(
    code: types.CodeType, pull: Callable[[], Any], returns: Sequence[ast.Return]
) -> tuple[Any, ast.expr | None, dict[str, Any]]:
    """Apply the rule that has this code and see at which of its returns it ends, with which local values."""
    ended: list[tuple[int, dict[str, Any]]] = []

    def watch(frame: types.FrameType, event: str, result: Any) -> None:
        if event == "return" and frame.f_code is code:
            ended[:] = [(frame.f_lineno, dict(frame.f_locals))]

    if sys.getprofile() is not None:  # somebody is profiling, and there is one profiler at a time
        return pull(), None, {}
    sys.setprofile(watch)
    try:
        result = pull()
    finally:
        sys.setprofile(None)
    line, values = ended[0]
    return result, next((n.value for n in returns if n.lineno <= line <= (n.end_lineno or n.lineno)), None), values


# ---- what is shown of it ----


@lru_cache(maxsize=4096)
def _says(function: Function) -> str:
    return (ast.get_docstring(function) or "").split("\n\n")[0] if isinstance(function, ast.FunctionDef) else ""


@lru_cache(maxsize=4096)
def _segment(source: str, node: ast.AST) -> str:
    text = ast.get_source_segment(source, node) or ast.unparse(node)
    return " ".join((ast.unparse(node) if "#" in text else text).split())


def _where(
    rule: Any, source: str, assignments: Sequence[Conditional], names: Set[str], started: dict[str, Any]
) -> tuple[list[str], Set[str]]:
    """The assignments that these names need, the last one first; and the names in them, too.

    Which branch of an `if` was taken is decided where its test is of values that the rule `started` with.
    """
    assigned: set[str] = set()
    decided: dict[ast.expr, bool] = {}
    made: list[tuple[str, Assignment]] = []
    for conditions, statement in assignments:
        for _, test, _ in conditions:
            if test and test not in decided and not _names(test) & assigned:
                with suppress(Exception):
                    decided[test] = bool(eval(_compiled(test), rule.__globals__, started))
        if all(test is None or decided.get(test, holds) == holds for _, test, holds in conditions):
            made.append(("".join(text for text, test, _ in conditions if test not in decided), statement))
            assigned |= _targets(statement)
    where, wanted = [], names
    for condition, statement in reversed(made):
        if _targets(statement) & wanted:
            where.append(condition + _segment(source, statement))
            if not condition and not isinstance(statement, ast.AugAssign):  # else one before it counts as well
                wanted = wanted - _targets(statement)
            used = _names(statement.value) if statement.value else set()
            wanted, names = wanted | used, names | used
    return where, names


@lru_cache(maxsize=4096)
def _assignments(function: Function, expression: ast.expr) -> tuple[Conditional, ...]:
    """The assignments before an expression, and under which conditions, but for those the expression is under too."""

    def found(body: list[ast.stmt], conditions: tuple[Condition, ...]) -> Iterator[Conditional]:
        for statement in body:
            blocks = [getattr(statement, name, []) for name in ("body", "orelse", "finalbody")]
            if any(n is expression for n in ast.walk(statement)):
                for block in blocks:
                    if any(n is expression for inner in block for n in ast.walk(inner)):
                        yield from found(block, conditions)
                return
            if isinstance(statement, Assignment):
                yield conditions, statement
            heads: list[tuple[Condition, ...]] = [(), (), ()]
            if isinstance(statement, ast.If):
                test = ast.unparse(statement.test)
                heads = [((f"if {test}: ", statement.test, True),), ((f"if not ({test}): ", statement.test, False),)]
            elif isinstance(statement, (ast.For, ast.While)):
                heads[0] = ((ast.unparse(statement).split("\n")[0] + " ", None, True),)
            elif isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
                continue
            for head, block in zip(heads, blocks, strict=False):
                if block and not isinstance(block[-1], (ast.Return, ast.Raise)):
                    yield from found(block, (*conditions, *head))

    return () if isinstance(function, ast.Lambda) else tuple(found(function.body, ()))


@lru_cache(maxsize=4096)
def _targets(statement: Assignment) -> Set[str]:
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    return {name for target in targets for name in _names(target)}


@lru_cache(maxsize=4096)
def _assigned(function: Function) -> Set[str]:
    return {name for n in ast.walk(function) if isinstance(n, Assignment) for name in _targets(n)}


@lru_cache(maxsize=4096)
def _returns(function: ast.FunctionDef) -> tuple[ast.Return, ...]:
    return tuple(n for n in ast.walk(function) if isinstance(n, ast.Return) and n.value is not None)


@lru_cache(maxsize=4096)
def _compiled(test: ast.expr) -> types.CodeType:
    return compile(ast.Expression(test), "<a condition in a rule>", "eval")


@lru_cache(maxsize=4096)
def _names(expression: ast.expr) -> Set[str]:
    return {n.id for n in ast.walk(expression) if isinstance(n, ast.Name)}


# ---- with numbers for its letters ----


def with_numbers(expression: ast.expr, numbers: dict[str, str | None]) -> str:
    """The text of an expression with these numbers for its letters; "" if it uses a letter as more than a number."""
    try:
        copied = ast.parse(ast.unparse(expression), mode="eval").body
        return ast.unparse(_WithNumbers(numbers).visit(copied))
    except _NoNumbers:
        return ""


class _NoNumbers(Exception):
    """The expression uses a letter as more than a number."""


class _WithNumbers(ast.NodeTransformer):
    """Writes numbers for the letters of a rule."""

    def __init__(self, numbers: dict[str, str | None]) -> None:
        self.numbers = numbers

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id not in self.numbers:
            return node
        shown = self.numbers[node.id]
        if shown is None:
            raise _NoNumbers
        return ast.UnaryOp(ast.USub(), ast.Name(shown[1:])) if shown.startswith("-") else ast.Name(shown)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        function = self.visit(node.func) if isinstance(node.func, ast.Attribute) else node.func
        return ast.Call(function, [self.visit(a) for a in node.args], [self.visit(k) for k in node.keywords])

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        if isinstance(node.op, ast.MatMult):
            raise _NoNumbers
        return ast.BinOp(self.visit(node.left), node.op, self.visit(node.right))

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if _names(node) & self.numbers.keys():
            raise _NoNumbers
        return node

    def visit_Subscript(self, node: ast.expr) -> ast.expr:
        raise _NoNumbers

    visit_Lambda = visit_ListComp = visit_GeneratorExp = visit_Subscript  # whose own letters may be called the same
