"""A page that steps through the user's own graph, forward and then backward, one operation at a time.

What is shown are the steps of explain.py, as data inside page.html, which draws them in the browser; the file needs
neither a network nor a server. Here values become small tables or heat maps, and operations are put into the groups
that the page shows as one box until they are opened.
"""

from __future__ import annotations

import html
import json
import math
import os
import re
from pathlib import Path
from typing import Any

import numpy as np

from ..engine.arrays import Array
from ..engine.files import replacing
from ..engine.tensor import Tensor
from ..explaining.explain import explain
from ..explaining.text import HOW_TO_GET_LINES, Explanation, Given, Step, counted, number, plain_text

TABLE = 36  # numbers are shown as numbers up to here, and beyond as a heat map
SIDE = 24  # of which the sides have at most so many cells
MOST = 5000  # operations
BOXES = 40  # are at most opened to by default
OPEN = 60  # operations that a page without Modules shows one by one


def backprop_page(loss: Tensor, path: str | os.PathLike[str] = "backprop.html") -> Path:
    """Write a page that steps through the forward and the backward pass of `loss`, and give its path.

    One self-contained HTML file: the graph in layers, each value and gradient as numbers (heat maps for more than 36
    of them, in at most 24 × 24 cells, each the mean of a block), the rule of each operation as it stands in the source.
    Layers are boxes that open on click if the graph was recorded inside ``with tl.source_lines():``. No `.grad` is
    changed. Raises what `tl.explain` raises, ValueError for more than 5000 operations, and OSError, naming the file, if
    it can't be written: an older one is then untouched.
    """
    explained = explain(loss)
    operations = len([step for step in explained.steps if step.phase == "forward"])
    if operations > MOST:
        raise ValueError(
            f"this graph has {operations:,} operations, more than a page can show ({MOST:,}); make the page of fewer "
            "layers or time steps, or print tl.explain(loss)"
        )
    write_page("page.html", path, page_data(explained), title=html.escape(f"Backpropagation of {explained.loss}"))
    return Path(path)


def write_page(template: str, path: str | os.PathLike[str], data: dict[str, Any], **places: str) -> None:
    """Write a template of this folder with its data, and what stands in its other {{places}}."""
    written = Path(__file__).with_name(template).read_text(encoding="utf-8")
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":  # nothing in the data can then end the script that holds it
        text = text.replace(character, f"\\u{ord(character):04x}")
    parts = re.split(r"\{\{(\w+)\}\}", written)
    parts[1::2] = [{**places, "data": text}[name] for name in parts[1::2]]
    with replacing(path) as file:
        file.write("".join(parts).encode())


def page_data(e: Explanation) -> dict[str, Any]:
    """All that the page shows, made of strings, integers, lists and dicts."""
    forward = [step for step in e.steps if step.phase == "forward"]
    backward = {step.label: step for step in e.steps if step.phase == "backward"}
    users: dict[str, list[Step]] = {}
    for step in forward:
        for label in dict.fromkeys(step.inputs):
            users.setdefault(label, []).append(step)
    groups, inside = _groups(forward)
    fed = _fed(forward, inside)
    nodes = []
    for given in e.givens:
        boxes = _shared(users.get(given.label, []), inside)
        while given.kind == "constant" and boxes and boxes[-1] not in fed:
            boxes = boxes[:-1]
        nodes.append(_given(given, boxes))
    nodes += [_operation(step, backward.get(step.label), inside[step.label]) for step in forward]
    leaves = sum(given.kind == "leaf" for given in e.givens)
    return {
        "loss": e.loss,
        "value": number((forward[-1] if forward else e.givens[0]).value.reshape(())[()]),
        "summary": f"{counted(len(forward), 'operation')}, {leaves} {'leaf' if leaves == 1 else 'leaves'}",
        "advice": "" if any(step.line for step in forward) else HOW_TO_GET_LINES.replace("`", ""),
        "nodes": nodes,
        "groups": groups,
        "steps": [{"number": s.number, "phase": s.phase, "label": s.label} for s in e.steps],
    }


# ---- what is shown as one box ----


def _groups(forward: list[Step]) -> tuple[list[dict[str, Any]], dict[str, list[str]]]:
    """The boxes, the outer ones first, and those that each operation is in, the outermost first.

    A box for each call of a Module; without Modules, in a large graph, one for each run of successive operations.
    What was computed without interruption is all that lies between its inputs and outputs, so no box is in a cycle.
    """
    groups: dict[str, dict[str, Any]] = {}
    inside: dict[str, list[str]] = {}
    for step in forward:
        inside[step.label] = []
        for depth, scope in enumerate(step.modules):
            key = f"m{scope.call}"
            title = f"{scope.path} ({scope.kind})" if scope.path else scope.kind
            groups.setdefault(key, {"id": key, "title": plain_text(title, 40), "depth": depth})
            inside[step.label].append(key)
    _open_some(groups, inside)
    loose = [step for step in forward if not step.modules]
    if len(loose) > OPEN:
        size = max(5, round(math.sqrt(len(forward))))
        for i in range(0, len(forward), size):
            run = [step for step in forward[i : i + size] if not step.modules]
            if len(run) == len(forward[i : i + size]):
                key, title = f"r{i}", f"steps {run[0].number} to {run[-1].number}"
                groups[key] = {"id": key, "title": title, "depth": 0, "open": False}
                for step in run:
                    inside[step.label] = [key]
    return list(groups.values()), inside


def _open_some(groups: dict[str, dict[str, Any]], inside: dict[str, list[str]]) -> None:
    """Open the outermost boxes, and then level by level those that hold others, while few boxes are to be seen."""
    holders = {key for keys in inside.values() for key in keys[:-1]}
    opened: set[str] = set()
    for depth in range(max((g["depth"] for g in groups.values()), default=-1) + 1):
        more = opened | {key for key in holders if groups[key]["depth"] == depth}
        seen = {next((key for key in keys if key not in more), label) for label, keys in inside.items()}
        if depth and len(seen) > BOXES:
            break
        opened = more
    for key, group in groups.items():
        group["open"] = key in opened


def _fed(forward: list[Step], inside: dict[str, list[str]]) -> set[str]:
    """The boxes that take the result of an operation outside of them. What the others take is given: it is data.

    Such data are drawn outside, where one sees them go in; a fed box's constants, such as Dropout's mask, are its own.
    """
    return {
        key
        for step in forward
        for key in inside[step.label]
        if any(label in inside and key not in inside[label] for label in step.inputs)
    }


def _shared(users: list[Step], inside: dict[str, list[str]]) -> list[str]:
    """The boxes that all these steps are in."""
    if not users:
        return []
    common = inside[users[0].label]
    for step in users[1:]:
        other = inside[step.label]
        same = [a == b for a, b in zip(common, other, strict=False)]
        common = common[: same.index(False) if False in same else len(same)]
    return common


# ---- nodes ----


def _given(given: Given, groups: list[str]) -> dict[str, Any]:
    return {
        "id": given.label, "kind": given.kind, "title": given.label, "operation": given.kind, "inputs": [],
        "shape": str(given.value.shape), "dtype": str(given.value.dtype), "groups": groups, "value": shown(given.value),
        "gradient": None if given.gradient is None else shown(given.gradient), "from": list(given.arrived_from),
    }  # fmt: skip


def _operation(step: Step, back: Step | None, groups: list[str]) -> dict[str, Any]:
    sent = [] if back is None else [
        {
            "to": s.to, "position": s.position, "rule": s.rule, "where": list(s.where), "says": s.says,
            "letters": [[letter, label] for letter, label in s.letters.items() if letter != label],
            "numbers": plain_text(s.numbers, 200), "gradient": shown(s.gradient),
            "summed": "" if s.summed_from is None else f"{s.summed_from} → {s.gradient.shape}",
        }
        for s in back.sent
    ]  # fmt: skip
    return {
        "id": step.label, "kind": "operation", "title": step.label, "operation": step.operation,
        "expression": plain_text(step.expression, 120), "shape": str(step.shape),
        "inputs": [x for x in step.inputs if x != "None"],  # a bias, say, that there isn't
        "dtype": str(step.value.dtype), "groups": groups, "value": shown(step.value), "line": step.line,
        "module": step.modules[-1].title if step.modules else "", "sent": sent,
        "gradient": shown(back.gradient) if back is not None and back.gradient is not None else None,
        "from": list(back.arrived_from) if back is not None else [],
    }  # fmt: skip


# ---- values ----


def shown(array: Array) -> dict[str, Any]:
    """A value as the page shows it: one number, a table of numbers, or a heat map with its range."""
    array = np.asarray(array)
    if array.size == 0:
        return {"kind": "empty", "text": f"no numbers, shape {array.shape}"}
    if array.size == 1:
        return {"kind": "number", "text": number(array.reshape(())[()]), "full": str(array.reshape(())[()].item())}
    rows = array.reshape(-1, array.shape[-1])
    if array.size <= TABLE:
        if rows.shape[1] > 6:  # long rows are broken, so that they fit a phone
            rows = array.reshape(1, -1)
        cells = [[{"text": number(v), "full": str(v.item())} for v in row] for row in rows]
        return {"kind": "table", "cells": cells, "wrap": rows.shape[1] > 6, "text": f"{array.size} numbers"}
    return _heat_map(array, rows)


def _heat_map(array: Array, rows: Array) -> dict[str, Any]:
    finite = array[np.isfinite(array)].astype(np.float64)
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    most = max(abs(low), abs(high)) or 1.0
    numbers: Array = rows.astype(np.float64) / most
    present: Array = np.ones(numbers.shape)
    if len(numbers) == 1:  # a long vector in lines, as text is
        width = math.ceil(math.sqrt(numbers.size * 2))
        numbers, present = (np.append(a, np.zeros(-a.size % width)).reshape(-1, width) for a in (numbers, present))
    blocks = np.stack(_blocks(numbers, present), axis=-1)
    cells = [[_cell(*block) for block in line] for line in blocks.tolist()]
    text = f"{array.size:,} numbers"
    text += f", {number(low)} to {number(high)}" if finite.size else ""
    text += f", {array.size - finite.size:,} not finite" if finite.size < array.size else ""
    each = [math.ceil(n / SIDE) for n in numbers.shape]
    text += f"; each cell is the mean of up to {each[0]} × {each[1]}" if max(each) > 1 else ""
    return {"kind": "map", "cells": cells, "text": text, "most": number(most)}


def _blocks(numbers: Array, present: Array) -> list[Array]:
    """Of each of at most SIDE × SIDE blocks: the sum of the finite numbers, how many they are, how many aren't."""
    unfinished = ~np.isfinite(numbers)
    parts: list[Array] = [np.where(unfinished, 0, numbers), np.where(unfinished, 0, present), unfinished.astype(float)]
    for axis, n in enumerate(numbers.shape):
        starts = np.arange(0, n, math.ceil(n / SIDE))
        parts = [np.add.reduceat(a, starts, axis=axis) for a in parts]
    return parts


def _cell(total: float, count: float, unfinished: float) -> Any:
    """A heat map's cell: hundredths of the largest magnitude, "!" if it isn't all finite, None if nothing is there."""
    return "!" if unfinished else round(100 * total / count) if count else None
