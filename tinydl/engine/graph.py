"""Walking a graph backwards: the operations that values depend on, the leaves they start from, what leads where.

A node is a Tensor, of which this file, below tensor.py, knows only that it has `inputs`, among which other nodes are,
the `primitive` that made it (None for a leaf) and a `stamp` that is later than those of its inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any


def ancestors(outputs: Sequence[Any], changed: Callable[[Any, Any], Exception] | None = None) -> list[Any]:
    """The recorded operations that the outputs depend on, their own included, the last one first.

    With `changed` every value must be older than its use: what that makes of a node and its input is raised otherwise.
    """
    kind = outputs[0].__class__ if outputs else None
    seen = {t for t in outputs if t.primitive is not None}
    nodes = list(seen)
    for node in nodes:  # which grows meanwhile
        stamp = node.stamp
        for x in node.inputs:
            if x.__class__ is kind:
                if x.stamp > stamp and changed is not None:
                    raise changed(node, x)
                if x.primitive is not None and x not in seen:
                    seen.add(x)
                    nodes.append(x)
    nodes.sort(key=attrgetter("stamp"), reverse=True)  # nearly in order already, which this sort is quick at
    return nodes


def leaves(outputs: Sequence[Any]) -> set[Any]:
    """The Tensors that the outputs were computed from and that no operation made; constants are among them."""
    kind = outputs[0].__class__ if outputs else None
    used = (*outputs, *(x for node in ancestors(outputs) for x in node.inputs))
    return {x for x in used if x.__class__ is kind and x.primitive is None}


def leading_to(wanted: Iterable[Any], nodes: Sequence[Any]) -> set[Any]:
    """Those of the nodes, given as `ancestors` gives them, that depend on a wanted one; and the wanted ones."""
    found = set(wanted)
    for node in reversed(nodes):
        if not found.isdisjoint(x for x in node.inputs if x.__class__ is node.__class__):
            found.add(node)
    return found
