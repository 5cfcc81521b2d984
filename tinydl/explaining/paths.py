"""The paths that a gradient takes from a loss to a Tensor: how many there are, the largest, what flows along the rest.

A path is a list of edges, each an operation and the position of one of its inputs; its term is what the rules, applied
one after the other, make of 1. Stands on rules.py for applying them; read explain.py next, which shows the terms.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine.arrays import Array
from ..engine.tensor import Tensor
from .rules import vjp

ENUMERATED = 50_000  # as many rules are applied at most to look at every path; on large arrays each counts as several
EXPANDED = 20_000  # and as many to search a graph with more paths

Edge = tuple[Tensor, int]


class Routes:
    """The part of a graph that lies on paths from `loss` to `w`; `nodes` has the loss first."""

    def __init__(self, loss: Tensor, w: Tensor, nodes: Sequence[Tensor], index: tuple[int, ...]) -> None:
        self.loss, self.w, self.index = loss, w, index
        self.edges: dict[Tensor, list[Edge]] = {}
        self.nodes: list[Tensor] = []
        for node in reversed(nodes):
            if node is w or node.primitive is None:
                continue
            edges = [
                (node, i)
                for i, x in enumerate(node.inputs)
                if isinstance(x, Tensor) and (x is w or x in self.edges) and node.primitive.rule(i) is not None
            ]
            if edges:
                self.edges[node] = edges
                self.nodes.append(node)
        self.nodes.reverse()
        self.count, self.work = self._counted()
        self.derivatives = self._derivatives()

    def terms(self, limit: int) -> tuple[list[tuple[float, list[Edge]]], float, bool]:
        """The largest terms, each with its path from w to the loss, what flows along all other paths together, and
        whether these are surely the largest."""
        paths, exact = self._largest(limit)
        values, rest = self._split(paths)
        terms = [(value, path[::-1]) for value, path in zip(values, paths, strict=True)]
        return sorted(terms, key=lambda term: _size(term[0]), reverse=True), rest, exact

    def _counted(self) -> tuple[int, int]:
        """How many paths there are, and how many rules on small arrays take as long as walking them one by one."""
        arriving: dict[Tensor, int] = {self.loss: 1}
        work = 0
        for node in self.nodes:
            count = arriving.pop(node, 0)
            work += count * sum(map(_cost, self.edges[node]))
            for _, i in self.edges[node]:
                arriving[node.inputs[i]] = arriving.get(node.inputs[i], 0) + count
        return arriving.get(self.w, 0), work

    def _derivatives(self) -> dict[Edge, float] | None:
        """The local derivatives in a graph of single numbers; None in any other."""
        if self.w.data.size != 1 or any(node.data.size != 1 for node in self.nodes):
            return None
        edges = (edge for node in self.nodes for edge in self.edges[node])
        return {edge: float(vjp(*edge, np.ones_like(edge[0].data)).reshape(())) for edge in edges}

    def _at_index(self, g: Array) -> float:
        return float(g[self.index])

    def _start(self) -> Array:
        return np.ones_like(self.loss.data)

    # ---- the largest ----

    def _largest(self, limit: int) -> tuple[list[list[Edge]], bool]:
        """The paths with the largest terms, from the loss to w, and whether these are surely the largest."""
        if not limit or not self.count:
            return [], True
        if self.derivatives is not None:
            return self._of_numbers(limit, self.derivatives), True
        if self.count <= limit or self.work <= ENUMERATED:
            return self._enumerated(limit), True
        bounds = self._bounds()
        if bounds is not None:
            found = self._best_first(limit, bounds)
            if found is not None:
                return found, True
        return self._beam(limit), False

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
        stack: list[tuple[Tensor, Array, Any]] = [(self.loss, self._start(), None)]
        n = 0
        while stack:
            x, g, link = stack.pop()
            if x is self.w:
                n += 1
                heapq.heappush(kept, (_size(self._at_index(g)), -n, link))
                if len(kept) > limit:
                    heapq.heappop(kept)
                continue
            for edge in reversed(self.edges[x]):
                stack.append((x.inputs[edge[1]], vjp(*edge, g), (edge, link)))
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
                most = np.maximum(most, [_most(vjp(*edge, row), below) for row in basis])
            bounds[node] = most
        return bounds

    def _best_first(self, limit: int, bounds: dict[Tensor, Array]) -> list[list[Edge]] | None:
        """Prefixes in the order of the most that they can still become; None if that takes too long, or no bound is
        known."""
        found: list[list[Edge]] = []
        heap: list[tuple[float, int, int, Tensor, Array, Any]] = [(0.0, 0, 0, self.loss, self._start(), None)]
        n = 0
        while heap and len(found) < limit:
            _, depth, _, x, g, link = heapq.heappop(heap)
            if x is self.w:
                found.append(_unlinked(link))
                continue
            for edge in self.edges[x]:
                n += 1
                to = x.inputs[edge[1]]
                made = vjp(*edge, g)
                most = _most(made, bounds[to])
                if n > EXPANDED or (to is not self.w and not math.isfinite(most)):
                    return None
                key = -math.inf if not math.isfinite(most) else -round(math.log(most), 9) if most else math.inf
                # rounded, so that equal bounds don't differ by how they were multiplied; the deepest of them first
                heapq.heappush(heap, (key, depth - 1, n, to, made, (edge, link)))
        return found

    def _beam(self, limit: int) -> list[list[Edge]]:
        """At each value, go on only with the prefixes that brought the largest gradients."""
        once = sum(_cost(edge) for node in self.nodes for edge in self.edges[node])
        width = min(4 * limit, max(4, 40 * EXPANDED // once))
        arriving: dict[Tensor, list[tuple[float, int, Array, Any]]] = {self.loss: [(0.0, 0, self._start(), None)]}
        n = 0
        for node in self.nodes:
            for _, _, g, link in arriving.pop(node, ()):
                for edge in self.edges[node]:
                    n += 1
                    to, made = node.inputs[edge[1]], vjp(*edge, g)
                    size = _size(self._at_index(made) if to is self.w else float(np.abs(made).sum()))
                    kept = arriving.setdefault(to, [])
                    heapq.heappush(kept, (size, -n, made, (edge, link)))
                    if len(kept) > (limit if to is self.w else width):
                        heapq.heappop(kept)
        return [_unlinked(k[3]) for k in sorted(arriving[self.w], key=lambda k: k[:2], reverse=True)]

    # ---- their terms, and that of all others ----

    def _split(self, paths: list[list[Edge]]) -> tuple[list[float], float]:
        """The terms of these paths, and what flows along all others together.

        One backward pass carries two kinds of gradients: those that have come along the beginning of a listed path,
        each by itself, and the sum of those that have left all listed paths, which never come back to one.
        """
        values = [0.0] * len(paths)
        depth = [0] * len(paths)
        on_paths: dict[Tensor, list[tuple[Array, list[int]]]] = {self.loss: [(self._start(), list(range(len(paths))))]}
        left: dict[Tensor, Array] = {}
        for node in self.nodes:
            for g, members in on_paths.pop(node, ()):
                for edge in self.edges[node]:
                    here = [k for k in members if paths[k][depth[k]] is edge]
                    to, made = node.inputs[edge[1]], vjp(*edge, g)
                    if here:
                        on_paths.setdefault(to, []).append((made, here))
                    else:
                        left[to] = left[to] + made if to in left else made
                for k in members:
                    depth[k] += 1
            if node in left:
                g = left.pop(node)
                for edge in self.edges[node]:
                    to, made = node.inputs[edge[1]], vjp(*edge, g)
                    left[to] = left[to] + made if to in left else made
        for g, members in on_paths.get(self.w, ()):
            for k in members:
                values[k] = self._at_index(g)
        return values, self._at_index(left[self.w]) if self.w in left else 0.0


def _cost(edge: Edge) -> int:
    """How many rules on small arrays take as long as this one."""
    node, i = edge
    return 1 + int(max(node.data.size, node.inputs[i].data.size)) // 4096


def _most(g: Array, bounds: Array) -> float:
    reached = bounds != 0  # elsewhere nothing arrives, be g infinite there
    return float(np.abs(g.reshape(-1)[reached].astype(np.float64)) @ bounds[reached])


def _size(value: float) -> float:
    return math.inf if math.isnan(value) else abs(value)


def _unlinked(link: Any) -> list[Edge]:
    path = []
    while link is not None:
        edge, link = link
        path.append(edge)
    return path[::-1]
