"""Where a gradient came from: a backward pass as numbered steps, and one gradient as a sum over paths.

`explain` runs the engine's own backward pass and watches it as an observer. What it found is data (`Step`, `Term`) of
which its text and plots' `backprop_page` are two views. Stands on rules.py, which reads a rule from its source, and
paths.py, which finds the paths, both loaded when something is explained; read them next.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .arrays import Array
from .recording import Observer, observing
from .tensor import Tensor, propagate

if TYPE_CHECKING:
    import ast

WIDTH = 110  # columns of the text
SHOWN_STEPS = 120  # of a larger graph the text shows the first and last operations; `steps` has all


# ---- the data ----


@dataclass(eq=False)
class Given:
    """What the graph starts from: a leaf that wants a gradient, with it, or a constant."""

    label: str
    kind: str  # "leaf" or "constant"
    value: Array
    gradient: Array | None
    arrived_from: tuple[int, ...]  # the numbers of the steps that contributed to the gradient


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
    _numbers: dict[str, str | None] = field(repr=False, default_factory=dict)  # of its letters; None for more than one

    @property
    def numbers(self) -> str:
        """The rule with numbers for its letters; "" if some aren't single numbers."""
        if self._expression is None or not self._numbers:
            return ""
        from .rules import with_numbers

        return with_numbers(self._expression, self._numbers)


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
    asked = None if w is None else _element(w, index)
    if w is None and index is not None:
        raise TypeError("index= is for explain(loss, w, index=…): say whose element")
    if isinstance(limit, bool) or not isinstance(limit, (int, np.integer)):
        raise TypeError(f"limit must be an integer, not {limit!r}")
    if limit < 0:
        raise ValueError(f"limit is how many paths to list, and can't be {limit}")
    seen = _Pass(loss)
    labels = _Labels(loss, seen.nodes)
    with np.errstate(all="ignore"):  # what there is to warn of, the pass has warned of
        steps, givens = _steps(seen, labels)
        explained = Explanation(labels.of(loss), givens, steps)
        return explained if asked is None else _with_terms(explained, seen, labels, *asked, int(limit))


def _kind(x: Any) -> str:
    return f"{'an' if type(x).__name__[0] in 'aeiou' else 'a'} {type(x).__name__}"


def _element(w: Any, index: Any) -> tuple[Tensor, tuple[int, ...]]:
    """The Tensor that was asked for, and which of its elements."""
    if not isinstance(w, Tensor):
        raise TypeError(f"explain(loss, w) takes the Tensor w itself, not {_kind(w)}")
    if not w.requires_grad:
        raise ValueError("w doesn't require a gradient, so none flows to it; make it with requires_grad=True")
    shape, first = w.data.shape, (0,) * w.data.ndim
    if not w.data.size:
        raise ValueError(f"w has shape {shape}, and so no element whose gradient could be explained")
    if index is None and w.data.size != 1:
        raise ValueError(f"w has shape {shape}: say which element to explain, index={first} or another")
    given = first if index is None else tuple(index) if isinstance(index, (tuple, list)) else (index,)
    if any(isinstance(i, (bool, np.bool_)) or not isinstance(i, (int, np.integer)) for i in given):
        raise TypeError(f"index= names one element by integers, {first} say, not {index!r}")
    if len(given) != len(shape) or any(not -n <= i < n for i, n in zip(given, shape, strict=True)):
        raise ValueError(f"index={index} names no element of w, which has shape {shape}")
    return w, tuple(int(i) % n for i, n in zip(given, shape, strict=True))


class _Pass(Observer):
    """A backward pass: the operations it visits, their gradients, and what each gives its inputs."""

    def __init__(self, loss: Tensor) -> None:
        self.loss = loss
        self.nodes: list[Tensor] = []
        self.sent: dict[Tensor, list[tuple[int, Array]]] = {}
        with observing(self):
            self.gradients, _ = propagate([loss], [np.ones_like(loss.data)], keep_all=True)

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
        self.givens: list[Any] = []  # leaves and constants in the order of their first use
        self._leaves = self._constants = 0
        for number, node in enumerate(reversed(nodes), 1):
            for x in node.inputs:
                if (isinstance(x, Tensor) and x.primitive is None) or (isinstance(x, np.ndarray) and x.ndim):
                    self._given(x, (node.notes or {}).get("names", {}))
            self._name(node, node.name or ("loss" if node is loss else f"t{number}"))
        if loss not in self:
            self._given(loss, {})

    def _given(self, x: Any, names: dict[Tensor, str]) -> None:
        if x in self:
            return
        self.givens.append(x)
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

    def __contains__(self, x: Any) -> bool:
        return id(x) in self._labels

    def of(self, x: Any) -> str:
        """The label of a Tensor or array; a single number stands for itself."""
        if x in self:
            return self._labels[id(x)]
        if isinstance(x, (np.ndarray, np.generic)) and np.ndim(x) == 0:
            return number(np.asarray(x)[()])
        return number(x) if isinstance(x, (int, float)) and not isinstance(x, bool) else plain_text(repr(x), 30)


def plain_text(text: str, longest: int) -> str:
    """On one line, and not longer than that."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= longest else text[: longest - 3] + "..."


# ---- the steps ----


def _steps(seen: _Pass, labels: _Labels) -> tuple[tuple[Step, ...], tuple[Given, ...]]:
    forward: dict[Tensor, Step] = {}
    for n, node in enumerate(reversed(seen.nodes), 1):
        notes = node.notes or {}
        assert node.primitive is not None
        options = {key: plain_text(repr(value), 40) for key, value in node.options.items()}
        inputs = tuple(labels.of(x) for x in node.inputs)
        line, modules = notes.get("line", ""), notes.get("modules", ())
        forward[node] = Step(
            n, "forward", labels.of(node), node.primitive.name, inputs, options, _kept(node), line, modules
        )
    steps = list(forward.values())
    arrived_from: dict[Any, list[int]] = {}
    for node in seen.nodes:
        if node not in seen.gradients:
            continue
        n, g = len(steps) + 1, seen.gradients[node]
        sent = tuple(_sent(node, position, gradient, g, labels) for position, gradient in seen.sent.get(node, ()))
        arrived = tuple(arrived_from.get(node, ()))
        steps.append(replace(forward[node], number=n, phase="backward", gradient=g, arrived_from=arrived, sent=sent))
        for s in sent:
            arrived_from.setdefault(node.inputs[s.position], []).append(n)
    givens = []
    for x in labels.givens:
        value, kind, gradient, arrived = np.array(x.data if isinstance(x, Tensor) else x), "constant", None, ()
        if isinstance(x, Tensor):
            kind = "leaf" if x.requires_grad else kind
            gradient, arrived = seen.gradients.get(x), tuple(arrived_from.get(x, ()))
        givens.append(Given(labels.of(x), kind, value, gradient, arrived))
    return tuple(steps), tuple(givens)


def _kept(node: Tensor) -> Array:
    """The value itself or, since a view of a parameter or that very array would follow its updates, a copy."""
    alone = node.data.base is None and not any(x.data is node.data for x in node.inputs if isinstance(x, Tensor))
    return node.data if alone else node.data.copy()


def _sent(node: Tensor, position: int, gradient: Array, g: Array, labels: _Labels) -> Sent:
    from .rules import applied

    rule = applied(node, position, g)
    letters = {
        name: f"({', '.join(labels.of(x) for x in thing)})" if isinstance(thing, tuple) else labels.of(thing)
        for name, thing in rule.letters.items()
    }
    letters |= {name: plain_text(repr(value), 40) for name, value in rule.options.items()}
    single = np.size(rule.result) == 1 and rule.text not in rule.values  # a letter alone is no calculation
    shape = np.shape(rule.result)
    return Sent(
        labels.of(node.inputs[position]), position, rule.text, rule.where, plain_text(rule.says, 200), letters,
        gradient, shape if shape != gradient.shape else None, rule.expression,
        {name: _single(value) for name, value in rule.values.items()} if single else {},
    )  # fmt: skip


def _single(value: Any) -> str | None:
    numeric = isinstance(value, (int, float, np.generic, np.ndarray)) and np.size(value) == 1
    return number(np.asarray(value).reshape(())[()]) if numeric else None


# ---- the terms ----


def _with_terms(
    e: Explanation, seen: _Pass, labels: _Labels, w: Tensor, index: tuple[int, ...], limit: int
) -> Explanation:
    from .paths import Edge, Routes

    if w not in labels:
        raise ValueError(
            "this w isn't among what the loss was computed from. Was it made after the loss, copied, detached, or "
            "replaced by an update such as w = w - lr * w.grad? explain wants the very Tensor that the graph holds."
        )
    routes = Routes(seen.loss, w, seen.nodes, index)
    found, rest, exact = routes.terms(limit)
    hops: dict[Edge, Hop] = {}  # one for each edge, however many paths it is on

    def hop(edge: Edge) -> Hop:
        if edge not in hops:
            node, i = edge
            several = sum(x is node.inputs[i] for x in node.inputs) > 1
            name, line = node.primitive.name if node.primitive else "", (node.notes or {}).get("line", "")
            derivative = None if routes.derivatives is None else routes.derivatives[edge]
            hops[edge] = Hop(labels.of(node), name, i, several, derivative, line)
        return hops[edge]

    terms = [Term(value, 1, tuple(map(hop, path))) for value, path in found]
    if routes.count > len(terms):
        terms.append(Term(rest, routes.count - len(terms), None))
    gradient = float(seen.gradients[w][index]) if w in seen.gradients else 0.0
    return replace(
        e, terms=tuple(terms), of=labels.of(w), index=index, gradient=gradient, paths=routes.count, exact=exact
    )


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
    if len(numbers) < 2:
        return ""
    steps = [f"{n}{'' if k == 1 else ' twice' if k == 2 else f' {k} times'}" for n, k in Counter(numbers).items()]
    return f"  (the sum of what came from step{'s' if len(steps) > 1 else ''} {_listed(steps)})"


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
            yield from filter(None, [row, comment and f"      {comment}"])

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
    import textwrap

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
    places = [f", input {hop.position + 1}" if hop.several else "" for hop in term.path]
    hops = [f"{hop.label} ({hop.operation}{place})" for hop, place in zip(term.path, places, strict=True)]
    factors = [number(hop.derivative) for hop in term.path if hop.derivative is not None]
    if len(hops) > 12:
        hops = [*hops[:5], f"... {len(hops) - 10:,} operations ...", *hops[-5:]]
        factors = [*factors[:5], "...", *factors[-5:]] if factors else []
    chain = " -> ".join([e.of, *hops])
    return f"= {' * '.join(factors)}   along {chain}" if factors else chain
