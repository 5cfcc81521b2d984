"""The graph of a computation, in layers from the inputs down to the loss, with values and gradients.

What it shows are the steps of `explain`. The layout is the usual one for layered graphs (Sugiyama et al. 1981): an
operation stands below all its inputs, long edges get a place in each layer they cross, and sweeps of barycentres
uncross what they can.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.arrays import Array
from ..engine.tensor import Tensor
from ..explaining.explain import explain
from ..explaining.text import abbreviated
from .style import PALETTE, axes_for, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes


_SWEEPS = 12
_WIDTH, _HEIGHT = 2.0, 0.85  # inches for each box, with what is around it
_FILL = {"leaf": "#FFF3D6", "constant": "#F2F2F2", "operation": "#E3F0F8"}
_EDGE = {"leaf": PALETTE[1], "constant": PALETTE[8], "operation": PALETTE[0]}


@dataclass(eq=False)
class Node:
    """A box of the picture: an operation, a leaf or a constant. `x` and `y` are its middle, in boxes."""

    label: str
    kind: str
    title: str
    value: Array
    gradient: Array | None
    inputs: tuple[str, ...]
    x: float = 0.0
    y: float = 0.0


def graph(loss: Tensor, ax: Axes | None = None) -> Axes:
    """The graph that `loss` was computed by: each box an operation or leaf, with its value (shape) and ∂loss/∂it.

    Numbers of up to four elements are shown, of larger Tensors the shape and the root mean square of the gradient.
    Legible up to about 60 boxes; a new figure grows with the graph, `plots.save(ax, "graph.svg")` writes it. Leaves
    are orange, constants grey and dashed. Nothing is computed in `.grad`. Raises as `explain` does.
    """
    nodes = layout(loss)
    rows = 1 + max(node.y for node in nodes)
    columns = 1 + max(node.x for node in nodes)
    ax = axes_for(ax, max(3.5, _WIDTH * columns), max(2.0, _HEIGHT * rows + 0.4))
    size = _font(ax, columns, rows)
    boxes = {node.label: _box(ax, node, size) for node in nodes if node.kind != "bend"}
    places = {node.label: node for node in nodes}
    for node in nodes:
        for name in node.inputs:
            _edge(ax, places[name], node, boxes, size)
    ax.set_xlim(-0.5, columns - 0.5)
    ax.set_ylim(rows - 0.5, -0.5)
    ax.axis("off")
    ax.set_title("value, and ∂: the gradient of the loss by it", fontsize=max(size, 5))
    return ax


def _font(ax: Axes, columns: float, rows: float) -> float:
    """Points in which 26 characters fit the width of a box and three lines its height."""
    box = ax.get_window_extent()
    figure: Any = ax.figure
    wide, high = 72 * box.width / figure.dpi / columns, 72 * box.height / figure.dpi / rows
    return float(np.clip(min(wide / 26 / 0.58, high / 5.6), 2, 9))


def _box(ax: Axes, node: Node, size: float) -> Any:
    lines = [short(node.title, 30), short(_value(node.value), 26)]
    if node.kind != "constant":
        lines.append(short(_gradient(node.gradient), 26))
    style = "--" if node.kind == "constant" else "-"
    text = ax.text(
        node.x, node.y, "\n".join(lines), ha="center", va="center", fontsize=size, linespacing=1.15, zorder=3,
        gid=f"node {node.label}",
        bbox={"boxstyle": "round,pad=0.3", "fc": _FILL[node.kind], "ec": _EDGE[node.kind], "ls": style, "lw": 0.9},
    )  # fmt: skip
    return text.get_bbox_patch()


def _edge(ax: Axes, start: Node, end: Node, boxes: dict[str, Any], size: float) -> None:
    """A line from middle to middle, which matplotlib cuts where the boxes begin; drawn after them, when it knows."""
    ax.annotate(
        "", (end.x, end.y), (start.x, start.y), zorder=4,
        arrowprops={
            "arrowstyle": "-" if end.kind == "bend" else "-|>", "color": "0.45", "lw": 0.8, "mutation_scale": size,
            "shrinkA": 0, "shrinkB": 0, "patchA": boxes.get(start.label), "patchB": boxes.get(end.label),
        },
    )  # fmt: skip


def _value(value: Array) -> str:
    return abbreviated(value, 4) if value.size <= 4 else f"shape {value.shape}"


def _gradient(gradient: Array | None) -> str:
    if gradient is None:
        return "∂ none arrives"
    if gradient.size <= 4:
        return f"∂ {abbreviated(gradient, 4)}"
    return f"∂ rms {np.sqrt(np.mean(np.square(gradient, dtype=np.float64))):.3g}"


def layout(loss: Tensor) -> list[Node]:
    """The boxes with their places, and for long edges the places ("bends") in the layers they cross."""
    nodes = _nodes(loss)
    level = _levels(nodes)
    for node in nodes.values():
        node.y = level[node.label]
    layers: list[list[Node]] = [[] for _ in range(1 + max(level.values()))]
    for node in [*nodes.values(), *_bends(nodes)]:
        layers[int(node.y)].append(node)
        nodes[node.label] = node
    _uncross(layers, nodes)
    return [node for layer in layers for node in layer]


def _nodes(loss: Tensor) -> dict[str, Node]:
    explained = explain(loss)
    nodes: dict[str, Node] = {}
    for given in explained.givens:
        nodes[given.label] = Node(given.label, given.kind, given.label, given.value, given.gradient, ())
    gradients = {step.label: step.gradient for step in explained.steps if step.phase == "backward"}
    for step in explained.steps:
        if step.phase == "forward":
            inputs = tuple(dict.fromkeys(name for name in step.inputs if name in nodes))
            numbers = [name for name in step.inputs if name not in nodes]
            title = f"{step.operation} {' '.join(numbers)}".strip()
            own = step.label if not (step.label.startswith("t") and step.label[1:].isdigit()) else ""
            title = f"{own} = {title}" if own else title
            nodes[step.label] = Node(step.label, "operation", title, step.value, gradients.get(step.label), inputs)
    return nodes


def _levels(nodes: dict[str, Node]) -> dict[str, int]:
    level: dict[str, int] = {}
    for name, node in nodes.items():  # inputs come first
        level[name] = 1 + max((level[i] for i in node.inputs), default=-1)
    nearest: dict[str, int] = {}
    for name, node in nodes.items():
        for i in node.inputs:
            nearest[i] = min(nearest.get(i, level[name]), level[name])
    for name, node in nodes.items():  # what the graph starts from stands right above its first use
        if not node.inputs and name in nearest:
            level[name] = nearest[name] - 1
    return level


def _bends(nodes: dict[str, Node]) -> list[Node]:
    made: dict[str, Node] = {}
    for node in nodes.values():
        inputs = []
        for name in node.inputs:
            for y in range(int(nodes[name].y) + 1, int(node.y)):
                bend = f"{name} bends at {y}"
                before = name if y == nodes[name].y + 1 else f"{name} bends at {y - 1}"
                made.setdefault(bend, Node(bend, "bend", "", np.zeros(0), None, (before,), y=y))
            last = f"{name} bends at {int(node.y) - 1}"
            inputs.append(last if node.y - nodes[name].y > 1 else name)
        node.inputs = tuple(inputs)
    return list(made.values())


def _uncross(layers: list[list[Node]], nodes: dict[str, Node]) -> None:
    """Order each layer by the middle of its neighbours above, then below, again and again; then place it."""
    below: dict[str, list[str]] = {}
    for node in nodes.values():
        for name in node.inputs:
            below.setdefault(name, []).append(node.label)
    for layer in layers:
        for i, node in enumerate(layer):
            node.x = i
    best, fewest = {n.label: n.x for n in nodes.values()}, _crossings(layers, nodes)
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        for layer in layers if down else reversed(layers):
            middle = {}
            for node in layer:
                beside = node.inputs if down else below.get(node.label, [])
                middle[node.label] = float(np.mean([nodes[n].x for n in beside])) if beside else node.x
            layer.sort(key=lambda node: middle[node.label])
            for i, node in enumerate(layer):
                node.x = i
        crossings = _crossings(layers, nodes)
        if crossings < fewest:
            best, fewest = {n.label: n.x for n in nodes.values()}, crossings
    for layer in layers:
        layer.sort(key=lambda node: best[node.label])
        for i, node in enumerate(layer):
            node.x = i
    widest = max(len(layer) for layer in layers)
    for layer in layers:
        for node in layer:
            node.x += (widest - len(layer)) / 2
    for sweep in range(4):
        _straighten(layers, nodes, below, widest, down=sweep % 2 == 0)


def _straighten(
    layers: list[list[Node]], nodes: dict[str, Node], below: dict[str, list[str]], widest: int, down: bool
) -> None:
    """Move each box towards its neighbours, in order and never nearer than 1 to the next."""
    for layer in layers if down else reversed(layers):
        wanted = []
        for node in layer:
            beside = [*node.inputs] if down else below.get(node.label, [])
            wanted.append(float(np.mean([nodes[n].x for n in beside])) if beside else node.x)
        left = -np.inf
        for i, (node, x) in enumerate(zip(layer, wanted, strict=True)):
            node.x = left = float(np.clip(max(x, left + 1), i, widest - len(layer) + i))


def _crossings(layers: list[list[Node]], nodes: dict[str, Node]) -> int:
    total = 0
    for layer in layers[1:]:
        edges = [(nodes[name].x, node.x) for node in layer for name in node.inputs]
        total += sum((a - c) * (b - d) < 0 for i, (a, b) in enumerate(edges) for c, d in edges[:i])
    return total
