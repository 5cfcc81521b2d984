"""Where a gradient came from: a backward pass as numbered steps, and one gradient as a sum over paths.

`explain` runs the engine's own backward pass and watches it as an observer. What it found is data (`Step`, `Term`) of
which the text in text.py and plots' `backprop_page` are two views. Stands on rules.py, which reads a rule from its
source, and paths.py, which finds the paths, both loaded when something is explained; read them next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..engine.arrays import Array
from ..engine.checks import array_of, kind, refuse_foreign, whole
from ..engine.recording import Observer, observing
from ..engine.tensor import Tensor, propagate
from .text import Explanation, Given, Hop, Sent, Step, Term, number, plain_text

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
        raise TypeError(f"explain(loss) explains a Tensor, not {kind(loss)}; .item() and .data lose the graph")
    refuse_foreign("explain", loss)
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
    limit = whole("limit, how many paths to list,", limit, 0)
    seen = _Pass(loss)
    labels = _Labels(loss, seen.nodes)
    with np.errstate(all="ignore"):  # what there is to warn of, the pass has warned of
        steps, givens = _steps(seen, labels)
        explained = Explanation(labels.of(loss), givens, steps)
        return explained if asked is None else _with_terms(explained, seen, labels, *asked, limit)


def _element(w: Any, index: Any) -> tuple[Tensor, tuple[int, ...]]:
    """The Tensor that was asked for, and which of its elements."""
    if not isinstance(w, Tensor):
        raise TypeError(f"explain(loss, w) takes the Tensor w itself, not {kind(w)}")
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
        for count, node in enumerate(reversed(nodes), 1):
            for x in node.inputs:
                if (isinstance(x, Tensor) and x.primitive is None) or (isinstance(x, np.ndarray) and x.ndim):
                    self._given(x, (node.notes or {}).get("names", {}))
            self._name(node, node.name or ("loss" if node is loss else f"t{count}"))
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
        value, role, gradient, arrived = np.array(array_of(x)), "constant", None, ()
        if isinstance(x, Tensor):
            role = "leaf" if x.requires_grad else role
            gradient, arrived = seen.gradients.get(x), tuple(arrived_from.get(x, ()))
        givens.append(Given(labels.of(x), role, value, gradient, arrived))
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
