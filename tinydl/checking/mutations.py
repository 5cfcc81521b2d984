"""Mutations: a rule broken in all the ways in which people get one wrong.

With them a test suite can itself be tested: one that stays green with a broken rule has a gap. Of a primitive the rules
are changed, what they are given and their source; of any other function its source. Stands on tensor.py.
"""

from __future__ import annotations

import ast
import copy
import functools
from collections.abc import Callable, Iterator, Sequence
from types import FunctionType, TracebackType
from typing import Any

import numpy as np

from ..engine.dispatch import unwrap
from ..engine.source import Function, compiled, essence, find
from ..engine.tensor import Primitive, Tensor


class Mutation:
    """One way in which code is wrong, in force inside ``with mutation:``. `target` is what is broken, `name` how."""

    def __init__(self, target: str, name: str, install: Callable[[], None], remove: Callable[[], None]) -> None:
        self.target, self.name = target, name
        self._install, self._remove = install, remove

    @property
    def description(self) -> str:
        """A sentence for a report."""
        return f"{self.target}: {self.name}"

    def __repr__(self) -> str:
        return f"<mutation of {self.description}>"

    def __enter__(self) -> Mutation:
        self._install()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._remove()


def mutations(target: Primitive | Callable[..., Any]) -> Iterator[Mutation]:
    """The ways to break a primitive, or a function: score a test suite by how many of them make it fail.

    >>> for mutation in mutations(my_op):
    ...     with mutation:
    ...         print(mutation, "is noticed:", fails(my_tests))

    Of a primitive each rule's result is changed (its sign, a factor, one element, …), what it is given is (the upstream
    gradient, the order of its inputs), and its source; of a function, its source alone. Functions are changed in
    place, so whoever holds them runs the mutant. Mutations that are provably equivalent aren't all left out.
    """
    if isinstance(target, Primitive):
        assert target.signature  # read before any rule has a stand-in
        for position, rule in enumerate(target.rules):
            if rule is not None:
                yield from rule_mutations(target, position)
        functions = dict.fromkeys(rule for rule in target.rules if rule is not None)
        for function in functions:
            yield from source_mutations(function, target.name)
    else:
        yield from source_mutations(target)


def rule_mutations(primitive: Primitive, position: int) -> Iterator[Mutation]:
    """The mutations of the rule at this position that need no source: of its result and of what it is given."""
    rules = primitive.rules
    rule = rules[position]
    assert rule is not None
    target = primitive.name if len(rules) == 1 else f"{primitive.name}[{position}]"

    def mutation(name: str, wrong: Callable[..., Any]) -> Mutation:
        changed = (*rules[:position], wrong, *rules[position + 1 :])
        return Mutation(
            target, name, lambda: setattr(primitive, "rules", changed), lambda: setattr(primitive, "rules", rules)
        )

    for name, change in _RESULTS.items():
        yield mutation(name, _with_result(rule, change))
    skip = 1 if primitive.each else 0  # such a rule is told the position before the inputs
    for name, decide in _DEPENDING.items():
        yield mutation(name, _with_factor(rule, decide, None if primitive.each else position))
    ignored = lambda g, y, *rest, **o: rule(np.ones_like(unwrap(g)), y, *rest, **o)
    yield mutation("the upstream gradient ignored", ignored)
    yield mutation(
        "the second derivative detached", lambda g, y, *rest, **o: rule(unwrap(g), unwrap(y), *map(unwrap, rest), **o)
    )
    if primitive.each or (len(rules) > 1 and _uses_an_input(rule)):
        yield mutation("the first two inputs exchanged", _with_inputs_exchanged(rule, skip))
    other = rules[(position + 1) % len(rules)]
    if other is not None and not _same_code(other, rule):
        yield mutation("another input's rule", other)
    if primitive.each:
        yield mutation("the next input's position", lambda g, y, i, *xs, **o: rule(g, y, (i + 1) % len(xs), *xs, **o))


def _factor(r: Any, factor: float) -> Any:
    return r * np.asarray(factor, r.dtype)


def _with_one_changed(r: Any, index: int, factor: float) -> Any:
    factors = np.ones(r.shape, r.dtype)
    if factors.size:
        factors.reshape(-1)[index] = factor
    return r * factors


def _averaged(r: Any, axis: int) -> Any:
    return np.broadcast_to(np.mean(r, axis=axis, keepdims=True), r.shape) if r.ndim else r


def _transposed(r: Any) -> Any:
    return np.swapaxes(r, -1, -2) if r.ndim > 1 and r.shape[-1] == r.shape[-2] else r


_RESULTS: dict[str, Callable[[Any], Any]] = {
    "the sign flipped": lambda r: -r,
    "twice": lambda r: _factor(r, 2),
    "half": lambda r: _factor(r, 0.5),
    "1.0001 times": lambda r: _factor(r, 1.0001),
    "zero": lambda r: np.zeros_like(r),
    "1 added": lambda r: r + np.ones_like(unwrap(r)),
    "permuted": lambda r: np.roll(r, 1),
    "reversed": lambda r: np.flip(r),
    "transposed": _transposed,
    "the first element lost": lambda r: _with_one_changed(r, 0, 0),
    "the last element doubled": lambda r: _with_one_changed(r, -1, 2),
    "averaged along the last axis": lambda r: _averaged(r, -1),
    "averaged along the first axis": lambda r: _averaged(r, 0),
}
_DEPENDING: dict[str, Callable[[Any], Any]] = {
    "twice where the input is negative": lambda x: x < 0,
    "twice where the input is positive": lambda x: x > 0,
    "twice at the largest input": lambda x: x == np.max(x, initial=-np.inf),
}


def _with_result(rule: Callable[..., Any], change: Callable[[Any], Any]) -> Callable[..., Any]:
    def wrong(g: Any, y: Any, *rest: Any, **options: Any) -> Any:
        r = rule(g, y, *rest, **options)
        return change(r if isinstance(r, Tensor) else np.asarray(r))

    return wrong


def _with_factor(rule: Callable[..., Any], decide: Callable[[Any], Any], position: int | None) -> Callable[..., Any]:
    def wrong(g: Any, y: Any, *rest: Any, **options: Any) -> Any:
        r = rule(g, y, *rest, **options)
        x = np.asarray(unwrap(rest[rest[0] + 1] if position is None else rest[position]))
        return r * np.where(decide(x), 2, 1).astype(x.dtype)

    return wrong


def _with_inputs_exchanged(rule: Callable[..., Any], skip: int) -> Callable[..., Any]:
    def wrong(g: Any, y: Any, *rest: Any, **options: Any) -> Any:
        first, others = rest[:skip], rest[skip:]
        return rule(g, y, *first, *others[1::-1], *others[2:], **options)

    return wrong


def _uses_an_input(rule: Callable[..., Any]) -> bool:
    """Whether exchanging its first two inputs can make a difference to a rule."""
    found = find(rule.__code__) if isinstance(rule, FunctionType) else None
    if found is None:
        return True
    names = [a.arg for a in found.node.args.args][2:4]
    return any(isinstance(node, ast.Name) and node.id in names for node in ast.walk(found.node))


def _same_code(one: Any, other: Any) -> bool:
    if not (isinstance(one, FunctionType) and isinstance(other, FunctionType)):
        return one is other
    return essence(one.__code__) == essence(other.__code__)


# ---- mutations of the source ----


def source_mutations(function: Callable[..., Any], target: str = "") -> Iterator[Mutation]:
    """The mutations of a function's text: operators, comparisons, constants, arguments, terms, calls and statements.

    What only checks arguments (``if …: raise``) and what only says something (strings, docstrings) stays. A function
    whose source can't be found, such as one written in C, has none.
    """
    found = find(function.__code__) if isinstance(function, FunctionType) else None
    if found is None:
        return
    assert isinstance(function, FunctionType)
    original, target = function.__code__, target or function.__qualname__
    seen = {ast.dump(found.node)}
    for name, changed in _variants(found.node):
        if ast.dump(changed) in seen:
            continue
        seen.add(ast.dump(changed))
        code = compiled(changed, original)
        if code is not None and code.co_freevars == original.co_freevars:
            install, remove = (functools.partial(setattr, function, "__code__", c) for c in (code, original))
            yield Mutation(target, name, install, remove)


def _variants(root: Function) -> Iterator[tuple[str, Function]]:
    """Copies of the function, each with one thing changed, and what that is."""
    parts = [root.body] if isinstance(root, ast.Lambda) else _statements(root.body)
    for part in parts:
        for node, around in _places(part, part):
            for replacement in _alternatives(node):
                memo: dict[int, Any] = {}
                changed = copy.deepcopy(root, memo)
                spot, outer = memo[id(node)], memo[id(around)]
                new = _Replaced(spot, replacement).visit(changed)
                yield f"{_short(around)} ⇒ {_short(replacement if outer is spot else outer)}", new


class _Replaced(ast.NodeTransformer):
    def __init__(self, spot: ast.AST, replacement: ast.AST) -> None:
        self.spot, self.replacement = spot, replacement

    def visit(self, node: ast.AST) -> Any:
        return ast.copy_location(self.replacement, node) if node is self.spot else self.generic_visit(node)


def _short(node: ast.AST) -> str:
    text = " ".join(ast.unparse(ast.fix_missing_locations(copy.deepcopy(node))).split())
    return text if len(text) < 100 else text[:99] + "…"


def _statements(body: Sequence[ast.stmt]) -> list[ast.AST]:
    """The statements that compute: without docstrings and what only refuses arguments."""
    found: list[ast.AST] = []
    for statement in body:
        says = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        if not says and not isinstance(statement, (ast.Raise, ast.Assert, ast.Pass, ast.Import, ast.ImportFrom)):
            found.append(statement)
    return found


def _refuses(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.body[-1], ast.Raise) and not node.orelse


def _places(node: ast.AST, around: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
    """The nodes of the tree that may be changed, each with the expression to show it in."""
    if _refuses(node) or isinstance(node, (ast.Raise, ast.JoinedStr, ast.Assert)):
        return
    yield node, around
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "decorator_list", "defaults", "kw_defaults", "returns"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and getattr(child, "arg", "") not in ("strict", "copy", "casting"):
                outer = around if isinstance(node, _SMALL) else node
                yield from _places(child, outer if isinstance(child, _SMALL) else child)


_SMALL = (ast.Constant, ast.Name, ast.keyword, ast.Slice, ast.UnaryOp, ast.Attribute, ast.Tuple, ast.Starred)


_SWAPPED_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.Add, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
_SWAPPED_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.Gt), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.Lt), ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,), ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}  # fmt: skip
_SWAPPED_NAMES = {
    "sin": "cos", "cos": "sin", "sinh": "cosh", "cosh": "sinh", "exp": "expm1", "expm1": "exp", "log": "log1p",
    "log1p": "log", "sqrt": "square", "maximum": "minimum", "minimum": "maximum", "max": "min", "min": "max",
    "tril": "triu", "triu": "tril", "sum": "mean", "mean": "sum", "cumsum": "cumprod", "sign": "abs", "add": "subtract",
    "subtract": "add", "multiply": "divide", "divide": "multiply", "square": "sqrt", "exp2": "exp", "ones": "zeros",
    "zeros": "ones", "floor_divide": "divide",
}  # fmt: skip


_SYMMETRIC = {"add", "multiply", "maximum", "minimum", "max", "min", "hypot", "isinstance"}
_CONVERSIONS = {
    "unwrap", "asarray", "int", "float", "tuple", "list", "operand", "_floats", "isinstance", "wrap",
    "as_array", "ascontiguousarray",
}  # fmt: skip


def _alternatives(node: ast.AST) -> Iterator[ast.AST]:
    """What may stand in place of the node and is wrong."""
    new: Any = copy.deepcopy(node)
    if isinstance(node, ast.BinOp):
        if isinstance(node.op, ast.MatMult):
            new.left, new.right = new.right, new.left
            yield new
        elif type(node.op) in _SWAPPED_OPERATORS and not isinstance(node.left, ast.JoinedStr):
            new.op = _SWAPPED_OPERATORS[type(node.op)]()
            yield new
        if isinstance(node.op, (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.BitAnd, ast.BitOr, ast.Mod)):
            yield copy.deepcopy(node.left)
        if isinstance(node.op, (ast.Add, ast.Mult, ast.BitAnd, ast.BitOr)):
            yield copy.deepcopy(node.right)
        elif isinstance(node.op, ast.Sub):
            yield ast.UnaryOp(ast.USub(), copy.deepcopy(node.right))
    elif isinstance(node, ast.UnaryOp):
        yield copy.deepcopy(node.operand)
    elif isinstance(node, ast.Compare):
        for i, op in enumerate(node.ops):
            for other in _SWAPPED_COMPARISONS[type(op)]:
                new = copy.deepcopy(node)
                new.ops[i] = other()
                yield new
    elif isinstance(node, ast.BoolOp):
        new.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield new
    elif isinstance(node, ast.IfExp):
        yield copy.deepcopy(node.body)
        yield copy.deepcopy(node.orelse)
    elif isinstance(node, (ast.If, ast.While)):
        new.test = ast.UnaryOp(ast.Not(), new.test)
        yield new
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            yield ast.Constant(not node.value)
        elif isinstance(node.value, int):
            yield ast.Constant(node.value + 1)
        elif isinstance(node.value, float):
            yield ast.Constant(node.value * 1.01)
    elif isinstance(node, ast.Attribute) and node.attr in ("mT", "T"):
        yield copy.deepcopy(node.value)
    elif isinstance(node, ast.Call):
        yield from _calls(node)
    elif isinstance(node, ast.AugAssign):
        if type(node.op) in _SWAPPED_OPERATORS:
            new.op = _SWAPPED_OPERATORS[type(node.op)]()
            yield new
        yield ast.Pass()
    elif (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)) or (
        isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript)
    ):
        yield ast.Pass()
    elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
        yield copy.deepcopy(node.value)


def _calls(node: ast.Call) -> Iterator[ast.AST]:
    new: Any = copy.deepcopy(node)
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    plain = [a for a in node.args if not isinstance(a, ast.Starred)]
    if len(plain) > 1 and plain == node.args and called not in _SYMMETRIC:
        new.args[0], new.args[1] = new.args[1], new.args[0]
        yield new
    if plain and plain[0] is node.args[0] and called not in _CONVERSIONS:
        yield copy.deepcopy(node.args[0])
    for i, keyword in enumerate(node.keywords):
        if keyword.arg in ("axis", "keepdims", "initial", "optimize"):
            new = copy.deepcopy(node)
            del new.keywords[i]
            yield new
    if isinstance(node.func, ast.Attribute) and node.func.attr in _SWAPPED_NAMES:
        new = copy.deepcopy(node)
        new.func.attr = _SWAPPED_NAMES[node.func.attr]
        yield new
