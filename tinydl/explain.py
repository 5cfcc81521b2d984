"""Where a gradient came from: a backward pass as numbered steps, and one gradient as a sum over paths.

`explain` runs the engine's own backward pass, watches it as an observer, and reads the rules from their source. What
it found is data (`Step`, `Term`) of which its text and plots' `backprop_page` are two views. Stands on tensor.py alone.
"""

from __future__ import annotations

import ast
import heapq
import inspect
import linecache
import math
import sys
import textwrap
import types
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np

from .arrays import Array, as_array, fitted
from .recording import Observer, observing
from .tensor import Tensor, propagate

WIDTH = 110  # columns of the text
SHOWN_STEPS = 120  # of a larger graph the text shows the first and last operations; `steps` has all
ENUMERATED = 50_000  # as many rules are applied at most to look at every path of a graph of arrays
EXPANDED = 20_000  # and as many to search one with more paths


# ---- the data ----


@dataclass(eq=False)
class Given:
    """What the graph starts from: a leaf that wants a gradient, with it, or a constant."""

    label: str
    kind: str  # "leaf" or "constant"
    value: Array
    gradient: Array | None
    arrived_from: tuple[int, ...]  # the numbers of the steps that contributed to the gradient
    modules: tuple[Any, ...] = ()


@dataclass(eq=False)
class Sent:
    """What a step of the backward pass gave one input: `gradient`, made by `rule` of the gradient that had arrived.

    `where` are assignments in the rule that it needs, `says` its docstring, `letters` what its letters stand for;
    `summed_from` is the shape before the sum over broadcast axes, None where nothing was summed.
    """

    to: str
    position: int
    rule: str
    where: tuple[str, ...]
    says: str
    letters: dict[str, str]
    gradient: Array
    summed_from: tuple[int, ...] | None
    _expression: ast.expr | None = field(repr=False, default=None)
    _values: dict[str, Any] = field(repr=False, default_factory=dict)  # of its letters; None for more than one number

    @property
    def numbers(self) -> str:
        """The rule with numbers for its letters; "" if some aren't single numbers."""
        if self._expression is None or not self._values:
            return ""
        try:
            copied = ast.parse(ast.unparse(self._expression), mode="eval").body
            return ast.unparse(_WithNumbers(self._values).visit(copied))
        except _NoNumbers:
            return ""


@dataclass(eq=False)
class Step:
    """One operation in the forward pass, which makes `value` of the inputs, or in the backward pass.

    There `gradient` is the gradient of the loss by the operation's value, added up from the steps `arrived_from`, and
    `sent` what its rules made of it. `line` and `modules` are known if the graph was recorded in `tl.source_lines()`.
    """

    number: int
    phase: str  # "forward" or "backward"
    label: str
    operation: str
    inputs: tuple[str, ...]
    options: dict[str, str]
    value: Array
    line: str
    modules: tuple[Any, ...]
    gradient: Array | None = None
    arrived_from: tuple[int, ...] = ()
    sent: tuple[Sent, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the operation's value, and so of its gradient."""
        return self.value.shape

    @property
    def expression(self) -> str:
        """The operation as it would be written: ``matmul(x, w)``."""
        options = [f"{key}={value}" for key, value in self.options.items()]
        return f"{self.operation}({', '.join([*self.inputs, *options])})"


@dataclass(eq=False)
class Hop:
    """One operation on a path, entered through the input at `position`; `derivative` if its numbers are single."""

    label: str
    operation: str
    position: int
    several: bool  # whether the same value is at more than one of the operation's inputs
    derivative: float | None
    line: str


@dataclass(eq=False)
class Term:
    """What one path, from the Tensor to the loss, contributes to the gradient.

    The last term may be that of the `count` paths that aren't listed, together; its `path` is None.
    """

    value: float
    count: int
    path: tuple[Hop, ...] | None

    @property
    def operations(self) -> tuple[str, ...]:
        """The names of the operations from the Tensor to the loss."""
        return tuple(hop.operation for hop in self.path or ())


@dataclass(eq=False, repr=False)
class Explanation:
    """What `explain` found; print it. `terms` is empty unless a Tensor was asked for."""

    loss: str
    givens: tuple[Given, ...]
    steps: tuple[Step, ...]
    terms: tuple[Term, ...] = ()
    of: str = ""  # the label of the Tensor that was asked for
    index: tuple[int, ...] = ()
    gradient: float = math.nan  # that Tensor's gradient at the index, as the ordinary backward pass gives it
    paths: int = 0
    exact: bool = True  # whether the terms listed are surely the largest

    def __repr__(self) -> str:
        what = f"{self.of}{_at(self.index)}: {counted(self.paths, 'path')}" if self.of else f"{len(self.steps)} steps"
        return f"<explanation of {self.loss}, {what}; print it>"

    def __str__(self) -> str:
        return "\n".join(_terms_text(self) if self.of else _steps_text(self))


# ---- what the user calls ----


def explain(loss: Tensor, w: Tensor | None = None, index: Any = None, limit: int = 20) -> Explanation:
    r"""How the gradients of `loss` come about; nothing is changed, no `.grad` either. Print what it gives.

    ``explain(loss)``: the forward and the backward pass as numbered steps, with the rules as they stand in the source.

    ``explain(loss, w, index=(0, 1), limit=20)``: the gradient of one element of w as a sum over paths,
    :math:`\partial L/\partial w_i = \sum_P \left(V_1 V_2 \cdots V_k\right)_i`, each path P a chain of operations from
    w to the loss (a Tensor that stands at two inputs of one operation begins two), :math:`V_j` the vector-Jacobian
    product of its j-th operation. All paths are counted, the `limit` largest listed, and one last term is what flows
    along all others together, so that the terms add up to ``w.grad[index]``. In graphs of single numbers, and where
    the paths are few, those listed are surely the largest; beyond (`exact` is then False) they are the largest that a
    search of bounded length found. `index` may be left out where w has a single element.

    Raises TypeError for what isn't a Tensor; ValueError for a loss that isn't a single number or needs no gradient,
    for a w that isn't in its graph, and for an index outside of w; ChangedValueError for a value changed since.
    """
    if not isinstance(loss, Tensor):
        raise TypeError(f"explain(loss) explains a Tensor, not {_kind(loss)}; .item() and .data lose the graph")
    if loss.data.size != 1:
        raise ValueError(
            f"explain starts from a single number, but this Tensor has shape {loss.data.shape}. "
            "Write tl.explain(t.sum()) or tl.explain(t.mean())."
        )
    if not loss.requires_grad:
        raise ValueError("there is nothing to explain: this Tensor depends on none that requires a gradient")
    asked = None if w is None else (_checked(w), _element(w, index))
    if w is None and index is not None:
        raise TypeError("index= is for explain(loss, w, index=…): say whose element")
    if isinstance(limit, bool) or not isinstance(limit, (int, np.integer)):
        raise TypeError(f"limit must be an integer, not {limit!r}")
    if limit < 0:
        raise ValueError(f"limit is how many paths to list, and can't be {limit}")
    seen = _Pass()
    with observing(seen):
        found, _ = propagate([loss], [np.ones_like(loss.data)], keep_all=True)
    labels = _Labels(loss, seen.nodes)
    steps, givens = _steps(loss, seen, found, labels)
    if asked is None:
        return Explanation(labels.of(loss), givens, steps)
    return _paths(Explanation(labels.of(loss), givens, steps), loss, *asked, int(limit), seen, found, labels)


def _kind(x: Any) -> str:
    return f"{'an' if type(x).__name__[0] in 'aeiou' else 'a'} {type(x).__name__}"


def _checked(w: Any) -> Tensor:
    if not isinstance(w, Tensor):
        raise TypeError(f"explain(loss, w) takes the Tensor w itself, not {_kind(w)}")
    if not w.requires_grad:
        raise ValueError("w doesn't require a gradient, so none flows to it; make it with requires_grad=True")
    return w


def _element(w: Tensor, index: Any) -> tuple[int, ...]:
    shape = w.data.shape
    if index is None:
        if w.data.size != 1:
            raise ValueError(f"w has shape {shape}: say which element to explain, index={(0,) * len(shape)} or another")
        return (0,) * len(shape)
    given = tuple(index) if isinstance(index, (tuple, list)) else (index,)
    if any(isinstance(i, (bool, np.bool_)) or not isinstance(i, (int, np.integer)) for i in given):
        raise TypeError(f"index= names one element by integers, {(0,) * len(shape)} say, not {index!r}")
    if len(given) != len(shape) or any(not -n <= i < n for i, n in zip(given, shape, strict=True)):
        raise ValueError(f"index={index} names no element of w, which has shape {shape}")
    return tuple(int(i) % n for i, n in zip(given, shape, strict=True))


class _Pass(Observer):
    """Watches a backward pass: which operations it visits, and what each gives its inputs."""

    def __init__(self) -> None:
        self.nodes: list[Tensor] = []
        self.sent: dict[Tensor, list[tuple[int, Array]]] = {}

    def backward_started(self, nodes: Sequence[Tensor]) -> None:
        self.nodes = list(nodes)

    def gradient_computed(self, node: Tensor, position: int, g: Any, gradient: Any) -> None:
        self.sent.setdefault(node, []).append((position, gradient))


# ---- names ----


class _Labels:
    """A short name for everything in a graph: the user's own, a parameter's, or one made of a counter."""

    def __init__(self, loss: Tensor, nodes: Sequence[Tensor]) -> None:
        self._labels: dict[int, str] = {}
        self._kept: list[Any] = []  # so that no id is used twice
        self._used: set[str] = set()
        self.constants: list[Any] = []  # leaves and constants in the order of their first use
        self._leaves = self._constants = 0
        for number, node in enumerate(reversed(nodes), 1):
            for x in node.inputs:
                if (isinstance(x, Tensor) and x.primitive is None) or (isinstance(x, np.ndarray) and x.ndim):
                    self._given(x, (node.notes or {}).get("names", {}))
            self._name(node, node.name or ("loss" if node is loss else f"t{number}"))
        if id(loss) not in self._labels:
            self._given(loss, {})

    def _given(self, x: Any, names: dict[Tensor, str]) -> None:
        if id(x) in self._labels:
            return
        self.constants.append(x)
        name = (x.name or names.get(x)) if isinstance(x, Tensor) else None
        if name is None and isinstance(x, Tensor) and x.requires_grad:
            self._leaves += 1
            name = f"leaf{self._leaves}"
        elif name is None:
            self._constants += 1
            name = f"const{self._constants}"
        self._name(x, name)

    def _name(self, x: Any, name: str) -> None:
        name = plain_text(name, 40) or "unnamed"
        unique, n = name, 1
        while unique in self._used:
            n += 1
            unique = f"{name}'{n}"
        self._used.add(unique)
        self._labels[id(x)] = unique
        self._kept.append(x)

    def of(self, x: Any) -> str:
        """The label of a Tensor or array; a single number stands for itself."""
        if id(x) in self._labels:
            return self._labels[id(x)]
        if isinstance(x, (np.ndarray, np.generic)) and np.ndim(x) == 0:
            return number(np.asarray(x)[()])
        return number(x) if isinstance(x, (int, float)) and not isinstance(x, bool) else plain_text(repr(x), 30)


def plain_text(text: str, longest: int) -> str:
    """On one line, and not longer than that."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= longest else text[: longest - 3] + "..."


# ---- a derivative rule, as it stands in the source ----


@dataclass(eq=False)
class _Shown:
    """An expression of a rule, ready to be shown; `names` stand in it and in `where`, the assignments it needs."""

    text: str = ""
    where: tuple[str, ...] = ()
    says: str = ""
    names: frozenset[str] = frozenset()
    expression: ast.expr | None = None


_NOTHING = _Shown()


@lru_cache(maxsize=64)
def _parsed(filename: str, length: int) -> tuple[str, dict[int, list[ast.AST]]]:
    """A file's text, and the functions that begin on each of its lines."""
    source = "".join(linecache.getlines(filename))
    begins: dict[int, list[ast.AST]] = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Lambda, ast.FunctionDef)):
            decorators = [d.lineno for d in getattr(node, "decorator_list", ())]
            begins.setdefault(min([node.lineno, *decorators]), []).append(node)
    return source, begins


@lru_cache(maxsize=4096)
def _written(code: types.CodeType) -> tuple[str, Any]:
    """The text of the file and the node in it that this code was compiled from; None if it isn't at hand."""
    lines = linecache.getlines(code.co_filename)
    try:
        source, begins = _parsed(code.co_filename, sum(map(len, lines)))
    except SyntaxError:
        return "", None
    found = begins.get(code.co_firstlineno, [])
    if code.co_name != "<lambda>":
        return source, next((n for n in found if isinstance(n, ast.FunctionDef) and n.name == code.co_name), None)
    lambdas = [n for n in found if isinstance(n, ast.Lambda)]
    for same in (_alike, _inside, _compiled_alike):
        if len({ast.dump(n.body) for n in lambdas}) > 1:
            lambdas = [n for n in lambdas if same(n, code)] or lambdas
    known = len({ast.dump(n.body) for n in lambdas}) == 1 and _alike(lambdas[0], code)
    return source, lambdas[0] if known else None


def _compiled_lambda(node: ast.Lambda) -> types.CodeType:
    made = compile(ast.Expression(node), "", "eval").co_consts
    return next(c for c in made if isinstance(c, types.CodeType))


def _alike(node: ast.Lambda, code: types.CodeType) -> bool:
    """Whether this lambda has the parameters, names and constants of the code: not so if the file was changed since."""
    parts = []
    for c in (_compiled_lambda(node), code):
        constants = [k for k in c.co_consts if not isinstance(k, types.CodeType)]
        parts.append((c.co_varnames, {*c.co_names, *c.co_freevars}, constants))
    return parts[0] == parts[1]


def _inside(node: ast.Lambda, code: types.CodeType) -> bool:
    """Whether the code was compiled from this place in the file; known since Python 3.11."""
    start, end = (node.body.lineno, node.body.col_offset), (node.body.end_lineno, node.body.end_col_offset)
    positions = code.co_positions() if hasattr(code, "co_positions") else ()
    return any(start <= (line, column) < end for line, _, column, _ in positions if line and column is not None)


def _compiled_alike(node: ast.Lambda, code: types.CodeType) -> bool:
    return _compiled_lambda(node).co_code == code.co_code


def _apply(node: Tensor, position: int, g: Array) -> tuple[Any, _Shown, dict[str, Any]]:
    """Apply one rule to arrays: what it gives, the expression in the source that gave it, the values of its names."""
    rule, args = _call(node, position, g)
    code = getattr(rule, "__code__", None)
    written = _written(code)[1] if code is not None else None
    if written is None:
        return rule(*args, **node.options), _NOTHING, {}
    expression: Any = written.body if isinstance(written, ast.Lambda) else None
    returns = () if expression else _returns(written)
    if len(returns) == 1 and not isinstance(returns[0].value, ast.IfExp):
        expression = returns[0].value
    if expression:
        raw, values = rule(*args, **node.options), _bound(rule, args, node.options)
    else:
        raw, expression, values = _watched(rule, args, node.options, returns)
    while isinstance(expression, ast.IfExp):
        try:
            chosen = eval(_compiled(expression.test), rule.__globals__, values)
        except NameError:
            break
        expression = expression.body if chosen else expression.orelse
    return raw, _NOTHING if expression is None else _shown(rule, code, expression), values


def _watched(rule: Any, args: Any, options: Any, returns: tuple[ast.Return, ...]) -> tuple[Any, Any, dict[str, Any]]:
    """Call a rule and see at which of its returns it ends, with which local values."""
    ended: list[tuple[int, dict[str, Any]]] = []

    def watch(frame: types.FrameType, event: str, result: Any) -> None:
        if event == "return" and frame.f_code is rule.__code__:
            ended[:] = [(frame.f_lineno, dict(frame.f_locals))]

    if sys.getprofile() is not None:  # somebody is profiling, and there is one profiler at a time
        return rule(*args, **options), None, {}
    sys.setprofile(watch)
    try:
        raw = rule(*args, **options)
    finally:
        sys.setprofile(None)
    line, values = ended[0]
    return raw, next((n.value for n in returns if n.lineno <= line <= (n.end_lineno or n.lineno)), None), values


@lru_cache(maxsize=4096)
def _returns(function: ast.FunctionDef) -> tuple[ast.Return, ...]:
    return tuple(n for n in ast.walk(function) if isinstance(n, ast.Return) and n.value is not None)


def _bound(rule: Any, args: Sequence[Any], options: dict[str, Any]) -> dict[str, Any]:
    """The values of a rule's parameters, and of what its closure has."""
    values = dict(_outside(rule))
    for i, (name, takes_rest, default) in enumerate(_parameters(rule)):
        if takes_rest:
            values[name] = tuple(args[i:])
            break
        values[name] = args[i] if i < len(args) else default
    values.update(options)
    return values


@lru_cache(maxsize=4096)
def _outside(rule: Any) -> dict[str, Any]:
    return dict(inspect.getclosurevars(rule).nonlocals) if rule.__closure__ else {}


@lru_cache(maxsize=4096)
def _compiled(test: ast.expr) -> types.CodeType:
    return compile(ast.Expression(test), "<a condition in a rule>", "eval")


@lru_cache(maxsize=4096)
def _shown(rule: Callable[..., Any], code: types.CodeType, expression: ast.expr) -> _Shown:
    source, written = _written(code)
    statements = _where(written, expression)
    names = _names(expression).union(*(_names(s.value) for s in statements))
    says = plain_text((inspect.getdoc(rule) or "").split("\n\n")[0], 200)
    where = tuple(_segment(source, s) for s in statements)
    return _Shown(_segment(source, expression), where, says, frozenset(names), expression)


def _segment(source: str, node: ast.AST) -> str:
    text = ast.get_source_segment(source, node) or ast.unparse(node)
    return " ".join((ast.unparse(node) if "#" in text else text).split())


def _where(function: Any, expression: ast.expr) -> list[ast.Assign]:
    """The assignments of the names in this expression that the function itself made."""
    if not isinstance(function, ast.FunctionDef):
        return []
    parameters = {a.arg for a in ast.walk(function.args) if isinstance(a, ast.arg)}
    wanted = _names(expression) - parameters
    found = []
    made = [n for n in ast.walk(function) if isinstance(n, ast.Assign) and n.lineno < expression.lineno]
    for statement in sorted(made, key=lambda n: -n.lineno):
        targets = {n.id for t in statement.targets for n in ast.walk(t) if isinstance(n, ast.Name)}
        if targets & wanted:
            found.append(statement)
            wanted = (wanted - targets) | (_names(statement.value) - parameters)
    return found


def _names(expression: ast.expr) -> set[str]:
    return {n.id for n in ast.walk(expression) if isinstance(n, ast.Name)}


def _call(node: Tensor, position: int, g: Array) -> tuple[Callable[..., Any], list[Any]]:
    """A rule and its arguments."""
    assert node.primitive is not None
    rule = node.primitive.rules[0 if node.primitive.each else position]
    assert rule is not None
    arrays = [x.data if isinstance(x, Tensor) else x for x in node.inputs]
    return rule, [g, node.data, *([position] if node.primitive.each else []), *arrays]


@lru_cache(maxsize=4096)
def _parameters(rule: Callable[..., Any]) -> tuple[tuple[str, bool, Any], ...]:
    """The names of a rule's parameters, whether they take all that remains, and their defaults."""
    parameters = inspect.signature(rule).parameters.values()
    return tuple((p.name, p.kind is p.VAR_POSITIONAL, p.default) for p in parameters)


def _letters(node: Tensor, position: int, shown: _Shown, values: dict[str, Any], labels: _Labels) -> dict[str, str]:
    """What the letters in the shown text of a rule stand for."""
    if not shown.names or node.primitive is None:
        return {}
    each = node.primitive.each
    rule = node.primitive.rules[0 if each else position]
    assert rule is not None
    things: list[Any] = [None, node, *([position] if each else []), *node.inputs]
    letters: dict[str, str] = {}
    for i, (name, takes_rest, _) in enumerate(_parameters(rule)):
        if i == 0 or name not in shown.names:
            continue
        if takes_rest:
            letters[name] = f"({', '.join(labels.of(x) for x in things[i:])})"
        elif i < len(things) and not (each and i > 2):
            letters[name] = labels.of(things[i])
        else:
            letters[name] = plain_text(repr(values.get(name)), 40)
    return letters


class _NoNumbers(Exception):
    """The expression uses a letter as more than a number."""


class _WithNumbers(ast.NodeTransformer):
    """Writes numbers for the letters of a rule."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id not in self.values:
            return node
        if self.values[node.id] is None:
            raise _NoNumbers
        shown = number(self.values[node.id])
        return ast.UnaryOp(ast.USub(), ast.Name(shown[1:])) if shown.startswith("-") else ast.Name(shown)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        return ast.Call(node.func, [self.visit(a) for a in node.args], [self.visit(k) for k in node.keywords])

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        if isinstance(node.op, ast.MatMult):
            raise _NoNumbers
        return ast.BinOp(self.visit(node.left), node.op, self.visit(node.right))

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if _names(node) & self.values.keys():
            raise _NoNumbers
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        raise _NoNumbers


# ---- the steps ----


def _steps(
    loss: Tensor, seen: _Pass, found: dict[Tensor, Any], labels: _Labels
) -> tuple[tuple[Step, ...], tuple[Given, ...]]:
    steps: list[Step] = []
    forward: dict[Tensor, Step] = {}
    for n, node in enumerate(reversed(seen.nodes), 1):
        notes = node.notes or {}
        assert node.primitive is not None
        options = {key: plain_text(repr(value), 40) for key, value in node.options.items()}
        inputs = tuple(labels.of(x) for x in node.inputs)
        line, modules = notes.get("line", ""), notes.get("modules", ())
        step = Step(
            n, "forward", labels.of(node), node.primitive.name, inputs, options, _kept(node.data), line, modules
        )
        steps.append(step)
        forward[node] = step
    arrived_from: dict[Tensor, list[int]] = {}
    for node in seen.nodes:
        if node not in found:
            continue
        n = len(steps) + 1
        sent = [_sent(node, position, gradient, found[node], labels) for position, gradient in seen.sent.get(node, ())]
        arrived = tuple(arrived_from.pop(node, ()))
        steps.append(
            replace(forward[node], number=n, phase="backward", gradient=found[node], arrived_from=arrived,
                    sent=tuple(sent))
        )  # fmt: skip
        for s in sent:
            arrived_from.setdefault(node.inputs[s.position], []).append(n)
    givens = []
    for x in labels.constants:
        leaf = isinstance(x, Tensor) and x.requires_grad
        value = np.array(x.data if isinstance(x, Tensor) else x)
        gradient = found.get(x) if isinstance(x, Tensor) else None
        arrived = tuple(arrived_from.get(x, ())) if isinstance(x, Tensor) else ()
        givens.append(Given(labels.of(x), "leaf" if leaf else "constant", value, gradient, arrived))
    return tuple(steps), tuple(givens)


def _kept(array: Array) -> Array:
    return array if array.base is None else array.copy()  # a view of a parameter would follow its updates


def _sent(node: Tensor, position: int, gradient: Array, g: Array, labels: _Labels) -> Sent:
    raw, shown, values = _apply(node, position, g)
    single = {}
    if np.size(raw) == 1 and shown.names and not isinstance(shown.expression, ast.Name):
        local = {*values, *_call(node, position, g)[0].__code__.co_varnames}
        single = {name: _single(values.get(name)) for name in shown.names & local}
    raw_shape = np.shape(raw)
    letters = _letters(node, position, shown, values, labels)
    return Sent(
        labels.of(node.inputs[position]), position, shown.text, shown.where, shown.says, letters, gradient,
        raw_shape if raw_shape != gradient.shape else None, shown.expression, single,
    )  # fmt: skip


def _single(value: Any) -> Any:
    numeric = isinstance(value, (int, float, np.generic, np.ndarray)) and np.size(value) == 1
    return np.asarray(value).reshape(())[()] if numeric else None


# ---- the paths ----

Edge = tuple[Tensor, int]  # an operation and the position of one of its inputs


def _vjp(node: Tensor, position: int, g: Array) -> Array:
    """What the backward pass makes of g at this operation for one input, as tensor.py does it."""
    assert node.primitive is not None
    rule, args = _call(node, position, g)
    x = node.inputs[position]
    gradient: Array = fitted(as_array(rule(*args, **node.options)), x.data, node.primitive.name)
    return gradient


class _Routes:
    """The part of a graph that lies on paths from `loss` to `w`; `nodes` has the loss first."""

    def __init__(self, loss: Tensor, w: Tensor, nodes: Sequence[Tensor], index: tuple[int, ...]) -> None:
        self.loss, self.w, self.index = loss, w, index
        self.edges: dict[Tensor, list[Edge]] = {}
        self.nodes: list[Tensor] = []
        for node in reversed(nodes):
            if node is w or node.primitive is None:
                continue
            rules, each = node.primitive.rules, node.primitive.each
            edges = [
                (node, i)
                for i, x in enumerate(node.inputs)
                if isinstance(x, Tensor) and (x is w or x in self.edges) and rules[0 if each else i] is not None
            ]
            if edges:
                self.edges[node] = edges
                self.nodes.append(node)
        self.nodes.reverse()
        self.paths, self.work = self._counted()

    def _counted(self) -> tuple[int, int]:
        """How many paths there are, and how many rules it takes to walk them one after the other."""
        arriving: dict[Tensor, int] = {self.loss: 1}
        work = 0
        for node in self.nodes:
            count = arriving.pop(node, 0)
            work += count * len(self.edges[node])
            for _, i in self.edges[node]:
                arriving[node.inputs[i]] = arriving.get(node.inputs[i], 0) + count
        return arriving.get(self.w, 0), work

    def at_index(self, g: Array) -> float:
        return float(g[self.index])

    def start(self) -> Array:
        return np.ones_like(self.loss.data)

    # ---- the largest ----

    def largest(self, limit: int, derivatives: dict[Edge, float] | None) -> tuple[list[list[Edge]], bool]:
        """The paths with the largest terms, and whether these are surely the largest."""
        if not limit or not self.paths:
            return [], True
        if derivatives is not None:
            return self._of_numbers(limit, derivatives), True
        if self.paths <= limit or self.work <= ENUMERATED:
            return self._enumerated(limit), True
        bounds = self._bounds()
        if bounds is not None:
            found = self._best_first(limit, bounds)
            if found is not None:
                return found, True
        return self._beam(limit), False

    def derivatives(self) -> dict[Edge, float] | None:
        """The local derivatives in a graph of single numbers; None in any other."""
        if self.w.data.size != 1 or any(node.data.size != 1 for node in self.nodes):
            return None
        edges = (edge for node in self.nodes for edge in self.edges[node])
        return {edge: float(_vjp(*edge, np.ones_like(edge[0].data)).reshape(())) for edge in edges}

    def _of_numbers(self, limit: int, derivatives: dict[Edge, float]) -> list[list[Edge]]:
        """The k best paths of every operation are made of the k best of its inputs: exact, in one pass.

        Magnitudes are compared by their logarithms, which neither overflow nor vanish; NaN counts as largest.
        """
        best: dict[Tensor, tuple[Array, Array, Array]] = {
            self.w: (np.zeros(1), np.zeros(1, np.intp), np.zeros(1, np.intp))
        }
        for node in reversed(self.nodes):
            sizes, edges, ranks = [], [], []
            for k, edge in enumerate(self.edges[node]):
                size = abs(derivatives[edge])
                log = math.inf if math.isnan(size) else math.log(size) if size else -math.inf
                suffixes = best[node.inputs[edge[1]]][0]
                with np.errstate(invalid="ignore"):  # 0 times infinity
                    sizes.append(np.nan_to_num(suffixes + log, nan=math.inf, posinf=math.inf, neginf=-math.inf))
                edges.append(np.full(len(suffixes), k))
                ranks.append(np.arange(len(suffixes)))
            logs = np.concatenate(sizes)
            order = np.argsort(-logs, kind="stable")[:limit]
            best[node] = logs[order], np.concatenate(edges)[order], np.concatenate(ranks)[order]
        paths = []
        for rank in range(len(best[self.loss][0])):
            path: list[Edge] = []
            x, r = self.loss, rank
            while x is not self.w:
                edge = self.edges[x][best[x][1][r]]
                path.append(edge)
                r = best[x][2][r]
                x = x.inputs[edge[1]]
            paths.append(path)
        return paths

    def _enumerated(self, limit: int) -> list[list[Edge]]:
        """All paths, walked one after the other, and the largest kept."""
        kept: list[tuple[float, int, Any]] = []
        stack: list[tuple[Tensor, Array, Any]] = [(self.loss, self.start(), None)]
        n = 0
        while stack:
            x, g, link = stack.pop()
            if x is self.w:
                n += 1
                heapq.heappush(kept, (_size(self.at_index(g)), -n, link))
                if len(kept) > limit:
                    heapq.heappop(kept)
                continue
            for edge in reversed(self.edges[x]):
                stack.append((x.inputs[edge[1]], _vjp(*edge, g), (edge, link)))
        return [_unlinked(link) for _, _, link in sorted(kept, key=lambda k: k[:2], reverse=True)]

    def _bounds(self) -> dict[Tensor, Array] | None:
        """For each element of each value, the most that a path from there can make of a gradient of 1.

        It is the largest, over an operation's inputs, of |Jacobian|·(the input's bound). None where that takes long.
        """
        edges = [edge for node in self.nodes for edge in self.edges[node]]
        rows = sum(node.data.size for node, _ in edges)
        if rows > EXPANDED or sum(node.data.size * node.inputs[i].data.size for node, i in edges) > 4_000_000:
            return None
        one = np.zeros(self.w.data.shape)
        one[self.index] = 1
        bounds = {self.w: one.reshape(-1)}
        for node in reversed(self.nodes):
            basis = np.eye(node.data.size, dtype=node.data.dtype).reshape(-1, *node.data.shape)
            most = np.zeros(node.data.size)
            for edge in self.edges[node]:
                below = bounds[node.inputs[edge[1]]]
                rows_of = [np.abs(_vjp(*edge, row).reshape(-1).astype(np.float64)) @ below for row in basis]
                most = np.maximum(most, np.asarray(rows_of))
            bounds[node] = most
        return bounds

    def _best_first(self, limit: int, bounds: dict[Tensor, Array]) -> list[list[Edge]] | None:
        """Prefixes in the order of the most that they can still become; None if that takes too long."""
        found: list[list[Edge]] = []
        heap: list[tuple[float, int, int, Tensor, Array, Any]] = [(0.0, 0, 0, self.loss, self.start(), None)]
        n = 0
        while heap and len(found) < limit:
            _, depth, _, x, g, link = heapq.heappop(heap)
            if x is self.w:
                found.append(_unlinked(link))
                continue
            for edge in self.edges[x]:
                n += 1
                to = x.inputs[edge[1]]
                made = _vjp(*edge, g)
                most = float(np.abs(made.reshape(-1).astype(np.float64)) @ bounds[to])
                key = -math.inf if math.isnan(most) else -round(math.log(most), 9) if most else math.inf
                # rounded, so that equal bounds don't differ by how they were multiplied; the deepest of them first
                heapq.heappush(heap, (key, depth - 1, n, to, made, (edge, link)))
            if n > EXPANDED:
                return None
        return found

    def _beam(self, limit: int) -> list[list[Edge]]:
        """At each value, go on only with the prefixes that brought the largest gradients."""
        width = min(4 * limit, max(4, 20 * EXPANDED // len(self.nodes)))
        arriving: dict[Tensor, list[tuple[float, int, Array, Any]]] = {self.loss: [(0.0, 0, self.start(), None)]}
        n = 0
        for node in self.nodes:
            for _, _, g, link in arriving.pop(node, ()):
                for edge in self.edges[node]:
                    n += 1
                    to, made = node.inputs[edge[1]], _vjp(*edge, g)
                    size = _size(self.at_index(made) if to is self.w else float(np.abs(made).sum()))
                    kept = arriving.setdefault(to, [])
                    heapq.heappush(kept, (size, -n, made, (edge, link)))
                    if len(kept) > (limit if to is self.w else width):
                        heapq.heappop(kept)
        return [_unlinked(k[3]) for k in sorted(arriving[self.w], key=lambda k: k[:2], reverse=True)]

    # ---- their terms, and that of all others ----

    def split(self, paths: list[list[Edge]]) -> tuple[list[float], float]:
        """The terms of these paths, and what flows along all others together.

        One backward pass carries two kinds of gradients: those that have come along the beginning of a listed path,
        each by itself, and the sum of those that have left all listed paths, which never come back to one.
        """
        values = [0.0] * len(paths)
        depth = [0] * len(paths)
        on_paths: dict[Tensor, list[tuple[Array, list[int]]]] = {self.loss: [(self.start(), list(range(len(paths))))]}
        left: dict[Tensor, Array] = {}
        for node in self.nodes:
            for g, members in on_paths.pop(node, ()):
                for edge in self.edges[node]:
                    here = [k for k in members if paths[k][depth[k]] is edge]
                    to, made = node.inputs[edge[1]], _vjp(*edge, g)
                    if here:
                        on_paths.setdefault(to, []).append((made, here))
                    else:
                        left[to] = left[to] + made if to in left else made
                for k in members:
                    depth[k] += 1
            if node in left:
                g = left.pop(node)
                for edge in self.edges[node]:
                    to, made = node.inputs[edge[1]], _vjp(*edge, g)
                    left[to] = left[to] + made if to in left else made
        for g, members in on_paths.get(self.w, ()):
            for k in members:
                values[k] = self.at_index(g)
        return values, self.at_index(left[self.w]) if self.w in left else 0.0


def _size(value: float) -> float:
    return math.inf if math.isnan(value) else abs(value)


def _unlinked(link: Any) -> list[Edge]:
    path = []
    while link is not None:
        edge, link = link
        path.append(edge)
    return path[::-1]


def _paths(
    plain: Explanation,
    loss: Tensor,
    w: Tensor,
    index: tuple[int, ...],
    limit: int,
    seen: _Pass,
    found: dict[Tensor, Any],
    labels: _Labels,
) -> Explanation:
    if w is not loss and w not in found and not any(w is x for x in labels.constants):
        raise ValueError(
            "this w isn't among what the loss was computed from. Was it made after the loss, copied, detached, or "
            "replaced by an update such as w = w - lr * w.grad? explain wants the very Tensor that the graph holds."
        )
    routes = _Routes(loss, w, seen.nodes, index)
    derivatives = routes.derivatives()
    paths, exact = routes.largest(limit, derivatives)
    values, rest = routes.split(paths)
    hops: dict[Edge, Hop] = {}
    terms = [Term(value, 1, tuple(_hop(e, hops, derivatives, labels) for e in reversed(path)))
             for path, value in zip(paths, values, strict=True)]  # fmt: skip
    terms.sort(key=lambda term: _size(term.value), reverse=True)
    if routes.paths > len(paths):
        terms.append(Term(rest, routes.paths - len(paths), None))
    gradient = float(found[w][index]) if w in found else 0.0
    return replace(plain, terms=tuple(terms), of=labels.of(w), index=index, gradient=gradient, paths=routes.paths,
                   exact=exact)  # fmt: skip


def _hop(edge: Edge, known: dict[Edge, Hop], derivatives: dict[Edge, float] | None, labels: _Labels) -> Hop:
    if edge not in known:
        node, i = edge
        several = sum(x is node.inputs[i] for x in node.inputs) > 1
        name = node.primitive.name if node.primitive else ""
        derivative = None if derivatives is None else derivatives[edge]
        known[edge] = Hop(labels.of(node), name, i, several, derivative, (node.notes or {}).get("line", ""))
    return known[edge]


# ---- as text ----

HOW_TO_GET_LINES = "To see which lines of your code these are, compute the loss inside `with tl.source_lines():`."


def number(value: Any) -> str:
    """Four significant digits; whole numbers as they are."""
    if isinstance(value, (bool, np.bool_, int, np.integer)):
        return str(value)
    return f"{float(value):.4g}"


def abbreviated(array: Array, most: int = 6) -> str:
    """The numbers of a small array; of a larger one the first few and the range."""
    array = np.asarray(array)
    if array.size <= most:
        return _nested(array)
    first = ", ".join(number(v) for v in array.reshape(-1)[:3])
    finite = array[np.isfinite(array)]
    spread = f"{number(finite.min())} to {number(finite.max())}" if finite.size else "none finite"
    rest = array.size - finite.size
    return f"[{first}, ...] {array.size} numbers, {spread}{f', {rest} not finite' if rest else ''}"


def _nested(array: Array) -> str:
    return number(array[()]) if not array.ndim else f"[{', '.join(_nested(row) for row in array)}]"


def counted(n: int, what: str) -> str:
    """A number of things: of paths there may be too many to write the number."""
    size = f"about 10^{int(n.bit_length() * math.log10(2))}" if n.bit_length() > 120 else f"{n:,}"
    return f"{size} {what}{'' if n == 1 else 's'}"


def _at(index: tuple[int, ...]) -> str:
    return f"[{', '.join(map(str, index))}]" if index else ""


def _steps_text(e: Explanation) -> Iterator[str]:
    operations = sum(step.phase == "forward" for step in e.steps)
    leaves = [given.label for given in e.givens if given.kind == "leaf"]
    last = e.steps[operations - 1].value if e.steps else e.givens[0].value
    computed = f"computed from {_listed(leaves)} in {counted(operations, 'operation')}"
    yield f"{e.loss} = {number(last.reshape(())[()])}, {computed}"
    yield ""
    yield "what is given"
    width = max((len(given.label) for given in e.givens), default=0)
    shapes = max((len(str(given.value.shape)) for given in e.givens), default=0)
    for given in e.givens:
        yield f"    {given.label:{width}}  {given.value.shape!s:{shapes}}  {abbreviated(given.value)}"
    yield ""
    yield "forward: each operation makes its value of the values above it"
    yield from _some(e.steps[:operations], _forward_text(e.steps[:operations]))
    yield ""
    yield f"backward: g is the gradient of {e.loss} by the operation's value; the rules make of it what its inputs get"
    yield from _some(e.steps[operations:], _backward_text)
    yield ""
    yield f"the gradients of {e.loss}"
    for given in e.givens:
        if given.kind == "leaf":
            gradient = "none: no gradient flows there" if given.gradient is None else abbreviated(given.gradient)
            yield f"    {given.label:{width}}  {given.value.shape!s:{shapes}}  {gradient}{_added(given.arrived_from)}"
    if not any(step.line for step in e.steps):
        yield ""
        yield HOW_TO_GET_LINES


def _listed(names: Sequence[str]) -> str:
    if len(names) > 6:
        return f"{', '.join(names[:3])} and {len(names) - 3} more"
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def _added(numbers: Sequence[int]) -> str:
    return f"  (the sum of what came from steps {_listed([str(n) for n in numbers])})" if len(numbers) > 1 else ""


def _some(steps: Sequence[Step], text: Callable[[Step], Iterator[str]]) -> Iterator[str]:
    half = SHOWN_STEPS // 2
    skipped = len(steps) - 2 * half
    for i, step in enumerate(steps):
        if skipped <= 0 or i < half or i >= len(steps) - half:
            yield from text(step)
        elif i == half:
            yield f"     ... {skipped:,} steps more, which .steps has"


def _forward_text(steps: Sequence[Step]) -> Callable[[Step], Iterator[str]]:
    width = min(44, max((len(f"{s.label} = {s.expression}") for s in steps), default=0))
    shapes = max((len(str(s.shape)) for s in steps), default=0)

    def text(step: Step) -> Iterator[str]:
        made = f"{step.label} = {step.expression}"
        row = f"{step.number:4d}  {made:{width}}  {step.shape!s:{shapes}}  {abbreviated(step.value)}"
        place = ", in ".join(filter(None, [step.line, step.modules[-1].title if step.modules else ""]))
        comment = f"  # {plain_text(place, 100)}" if place else ""
        if len(row) + len(comment) <= WIDTH:
            yield row + comment
        else:
            yield row
            yield f"      {comment}"

    return text


def _backward_text(step: Step) -> Iterator[str]:
    assert step.gradient is not None
    arrived = f"g = {abbreviated(step.gradient)}{_added(step.arrived_from)}"
    yield f"{step.number:4d}  {step.label} = {step.expression}   {arrived}"
    for sent in step.sent:
        letters = [f"{letter} = {label}" for letter, label in sent.letters.items() if letter != label]
        rule = f"{sent.to} <- {sent.rule or '(the source of this rule is not at hand)'}"
        made = " = ".join(["", *filter(None, [sent.numbers]), abbreviated(sent.gradient)])
        if len(rule + made) + 8 <= WIDTH:
            yield f"        {rule}{made}"
        else:
            yield from _wrapped(rule, 8, 14)
            yield from _wrapped(made, 13, 14)
        explained = "; ".join([*([f"where the rule's {', '.join(letters)}"] if letters else []), *sent.where])
        yield from _wrapped(". ".join(filter(None, [explained, sent.says])), 12, 12)
        if sent.summed_from is not None:
            change = f"{sent.summed_from} -> {sent.gradient.shape}"
            yield f"            summed over the axes along which {sent.to} was broadcast: {change}"


def _wrapped(text: str, first: int, rest: int) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=" " * first, subsequent_indent=" " * rest,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def _terms_text(e: Explanation) -> Iterator[str]:
    name = f"{e.of}{_at(e.index)}"
    total = f"the sum over {counted(e.paths, 'path')} from {e.of} to {e.loss}"
    yield f"d {e.loss} / d {name} = {number(e.gradient)}, {total}"
    if not e.paths:
        yield f"No gradient flows from {e.loss} to {e.of}."
        return
    which = "Each term" if all(term.path is not None for term in e.terms) else "The largest first; each term"
    if not e.exact:
        which = "A term"
    yield f"{which} is the gradient that flows along one chain of operations alone."
    yield ""
    for term in e.terms:
        head = f"{number(term.value):>12}  "
        yield head + _wrapped(_path_text(e, term), 14, 18)[0].strip()
        yield from _wrapped(_path_text(e, term), 14, 18)[1:]
    yield f"{'-' * 10:>12}"
    yield f"{number(math.fsum(term.value for term in e.terms)):>12}  their sum"
    if not e.exact:
        yield ""
        yield "There are too many paths through arrays to be sure that the largest are listed; the sum is complete."
    lines: dict[str, list[str]] = {}
    on_paths = {hop.label for term in e.terms for hop in term.path or ()}
    for step in e.steps:
        if step.phase == "forward" and step.label in on_paths and step.line:
            lines.setdefault(step.line, []).append(step.label)
    yield ""
    if not lines:
        yield HOW_TO_GET_LINES
        return
    yield "the lines of these operations"
    for i, (line, labels) in enumerate(lines.items()):
        if i == 40:
            yield f"    ... and {len(lines) - 40} more"
            break
        yield f"    {plain_text(line, 80)}   # {_listed(labels)}"


def _path_text(e: Explanation, term: Term) -> str:
    if term.path is None:
        return f"the other {counted(term.count, 'path')} together" if term.count > 1 else "the other path"
    hops = [_hop_text(hop) for hop in term.path]
    factors = [number(hop.derivative) for hop in term.path if hop.derivative is not None]
    if len(hops) > 12:
        hops = [*hops[:5], f"... {len(hops) - 10:,} operations ...", *hops[-5:]]
        factors = [*factors[:5], "...", *factors[-5:]] if factors else []
    chain = " -> ".join([e.of, *hops])
    return f"= {' * '.join(factors)}   along {chain}" if factors else chain


def _hop_text(hop: Hop) -> str:
    place = f", input {hop.position + 1}" if hop.several else ""
    return f"{hop.label} ({hop.operation}{place})"
