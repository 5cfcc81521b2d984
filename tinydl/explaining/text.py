"""What an explanation is made of, and how it reads: steps, terms, and their text.

Data first, then the text that is one view of it; plots' `backprop_page` is another. explain.py fills them in.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.arrays import Array
from ..engine.checks import at, listed
from ..engine.terminal import columns, shown, spelled

if TYPE_CHECKING:
    import ast


WIDTH = 110  # columns of the text, in a terminal that has as many
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
        what = f"{self.of}{at(self.index)}: {counted(self.paths, 'path')}" if self.of else f"{len(self.steps)} steps"
        return f"<explanation of {self.loss}, {what}; print it>"

    def __str__(self) -> str:
        return shown("\n".join(_terms_text(self) if self.of else _steps_text(self)))


def plain_text(text: str, longest: int) -> str:
    """On one line, and not longer than that."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= longest else text[: longest - 3] + "..."


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


def _steps_text(e: Explanation) -> Iterator[str]:
    operations = sum(step.phase == "forward" for step in e.steps)
    leaves = [given.label for given in e.givens if given.kind == "leaf"]
    last = e.steps[operations - 1].value if e.steps else e.givens[0].value
    computed = f"computed from {listed(leaves)} in {counted(operations, 'operation')}"
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


def _added(numbers: Sequence[int]) -> str:
    if len(numbers) < 2:
        return ""
    steps = [f"{n}{'' if k == 1 else ' twice' if k == 2 else f' {k} times'}" for n, k in Counter(numbers).items()]
    return f"  (the sum of what came from step{'s' if len(steps) > 1 else ''} {listed(steps)})"


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
        if len(row) + len(comment) <= _width():
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
        if len(rule + made) + 8 <= _width():
            yield f"        {rule}{made}"
        else:
            yield from _wrapped(rule, 8, 14)
            yield from _wrapped(made, 13, 14)
        explained = "; ".join([*([f"where the rule's {', '.join(letters)}"] if letters else []), *sent.where])
        yield from _wrapped(". ".join(filter(None, [explained, sent.says])), 12, 12)
        if sent.summed_from is not None:
            change = f"{sent.summed_from} -> {sent.gradient.shape}"
            yield f"            summed over the axes along which {sent.to} was broadcast: {change}"


def _width() -> int:
    return min(WIDTH, columns(WIDTH))


def _wrapped(text: str, first: int, rest: int) -> list[str]:
    import textwrap

    return textwrap.wrap(
        spelled(text), _width(), initial_indent=" " * first, subsequent_indent=" " * rest,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def _terms_text(e: Explanation) -> Iterator[str]:
    name = f"{e.of}{at(e.index)}"
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
        yield f"    {plain_text(line, 80)}   # {listed(labels)}"


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
