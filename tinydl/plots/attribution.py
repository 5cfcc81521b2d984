"""The picture of a map of importance: over images, rows of a table or tokens, under what its controls say of it.

Stands on watching/attribution.py, which makes the maps.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.arrays import Array
from ..engine.checks import whole
from ..watching.attribution import Attribution, Made, made_of
from ..watching.controls import Controls
from .style import axes_for, finite_range, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MEANS = {
    "saliency": "|∂ score / ∂ input|", "integrated_gradients": "adds to the score",
    "occlusion": "fall of the score without it", "grad_cam": "speaks for the class",
}  # fmt: skip


def attribution(
    maps: Attribution, ax: Axes | None = None, *, names: Sequence[Any] | None = None,
    tokens: Sequence[Sequence[Any]] | None = None, classes: Sequence[Any] = (), controls: Controls | None = None,
    rows: int = 8,
) -> Axes:  # fmt: skip
    """What a map of importance says of the first `rows` inputs, and above it what its controls say of all.

    Red speaks for the class, blue against it, the same red is the same number everywhere. Images, (N, height, width),
    (N, C, height, width) or rows of n² numbers, stand above their maps, summed over channels. With `names`, of the
    inputs, each line is a row of a table and each cell shows its number. With `tokens`, N sequences of words or N
    strings, each cell is a token; what the axis of an Embedding adds is summed. `classes` are the classes' names.

    `controls` are what ``maps.controls(…)`` gave, or are made here, of all rows. Raises TypeError for what isn't a map
    as `tl.saliency` and its kin gave it, ValueError for names or tokens that aren't as many as there are inputs, and
    for controls of another map.
    """
    made = made_of(maps)
    shown = slice(0, whole("rows", rows, 1))
    said = maps.controls() if controls is None else controls
    if (said.method, said.rows) != (made.question.method, len(maps)):
        raise ValueError(
            f"these controls are of another map, of {said.method} with {said.rows} rows, and this one is of "
            f"{made.question.method} with {len(maps)}"
        )
    values = np.asarray(maps)[shown]
    labels = [_class(c, classes, made.question.outputs) for c in made.question.classes[shown]]
    own = ax is None
    if tokens is not None:
        ax = _tokens(values, ax, tokens[shown], labels)
    elif names is None and (pictures := _pictures(made, values)) is not None:
        ax = _images(*pictures, ax, labels)
    else:
        ax = _table(made, values, ax, names, labels)
    figure: Any = ax.figure
    figure.colorbar(ax.images[-1], ax=ax, shrink=0.8, label=_MEANS[made.question.method])
    _say([f"{made.question.method}, {len(maps)} rows", *said.sentences], ax, own)
    return ax


def _say(lines: Sequence[str], ax: Axes, own: bool) -> None:
    """The sentences above the picture, wrapped to its width; a figure of our own grows by their height."""
    figure: Any = ax.figure
    width = ax.get_window_extent().width / figure.dpi * 72
    wrapped = [textwrap.fill(line, max(40, int(width / 4.1)), subsequent_indent="   ") for line in lines]
    text = "\n".join(wrapped)
    if own:
        figure.set_figheight(figure.get_figheight() + 0.15 * (text.count("\n") + 1))
    ax.set_title(text, fontsize=8, multialignment="left")


def _class(number: int, classes: Sequence[Any], outputs: int) -> str:
    """How the class is called that is asked for; where there is one score alone, not at all."""
    unnamed = f"class {number}" if outputs > 1 else "score"
    return short(classes[number] if number < len(classes) else unnamed, 14)


def _colours(values: Array) -> dict[str, Any]:
    """The colours of a map: white is 0, and a map that is nowhere below has no blue."""
    low, high = finite_range(values, symmetric=True)
    if values.min(initial=0) >= 0:
        return {"cmap": "Reds", "vmin": 0, "vmax": high, "interpolation": "nearest"}
    return {"cmap": "RdBu_r", "vmin": low, "vmax": high, "interpolation": "nearest"}


def _pictures(made: Made, values: Array) -> tuple[Array, Array] | None:
    """The inputs as grey images (n, height, width) and their maps in the same size; None where they are no images."""
    x = made.question.x[: len(values)]
    side = round(x[0].size ** 0.5)
    if x.ndim == 2 and values.shape == x.shape and side * side == x[0].size > 1:
        return x.reshape(-1, side, side), values.reshape(-1, side, side)
    if made.question.method == "grad_cam" and x.ndim == 4 and values.ndim == 3:
        values = made.order(values)
    if x.ndim not in (3, 4) or x.shape[1:-1] == (1,) or values.ndim != x.ndim or values.shape[-2:] != x.shape[-2:]:
        return None
    return (x, values) if x.ndim == 3 else (x.mean(1), values.sum(1))


def _images(pictures: Array, maps: Array, ax: Axes | None, labels: Sequence[str]) -> Axes:
    """Each image above its map."""
    n, height, width = pictures.shape
    gap = max(1, round(width / 8))
    slots = max(n, 4)  # the sentences above need some width
    ink, colour = (np.full((2 * height + gap, slots * (width + gap) - gap), np.nan) for _ in range(2))
    for i in range(n):
        across = slice(i * (width + gap), i * (width + gap) + width)
        ink[:height, across], colour[height + gap :, across] = pictures[i], maps[i]
    ax = axes_for(ax, max(6.0, 1.05 * slots + 1.0), 0.9 + max(2.0 * height / width, 0.6))
    low, high = finite_range(pictures)
    ax.imshow(ink, cmap="gray_r", vmin=low, vmax=high, interpolation="nearest")
    ax.imshow(colour, **_colours(maps))
    for side in ax.spines.values():
        side.set_visible(False)
    ax.set_xticks([i * (width + gap) + (width - 1) / 2 for i in range(n)], labels, fontsize=7)
    ax.set_yticks([])
    ax.tick_params(length=0)
    ax.set_xlabel("each input, its map, and the class that is asked for", fontsize=8)
    return ax


def _table(made: Made, values: Array, ax: Axes | None, names: Sequence[Any] | None, labels: Sequence[str]) -> Axes:
    """Each row as a line of cells, in each the number that the network was given."""
    x = made.question.x[: len(values)]
    if x.shape == values.shape and x.shape[1:-1] == (1,):  # sequences of single numbers
        x, values = x[:, 0], values[:, 0]
    if values.ndim != 2 or (names is not None and x.shape != values.shape):
        what = "names are of a table's columns" if names is not None else "this is no map of images or of a table"
        raise ValueError(f"{what}, so the map must be of inputs (N, F), not {values.shape}; for words give tokens=")
    n, given = values.shape[1], x.shape == values.shape
    columns = [f"{'input' if given else 'place'} {i}" for i in range(n)] if names is None else list(names)
    if len(columns) != n:
        raise ValueError(f"there are {len(columns)} names for {n} inputs")
    numbers = [[f"{number:.3g}" for number in row] for row in x] if given and n <= 40 else None
    ax = _cells(values, ax, numbers, labels)
    few = range(0, n, 1 if numbers else 1 + n // 40)
    ax.set_xticks(few, [short(columns[i], 18) for i in few], rotation=45, ha="right", fontsize=7)
    ax.set_xlabel("the inputs, in each cell what is given" if numbers else "the inputs", fontsize=8)
    return ax


def _tokens(values: Array, ax: Axes | None, tokens: Sequence[Sequence[Any]], labels: Sequence[str]) -> Axes:
    """Each text as a line of cells, a token in each."""
    values = values.sum(-1) if values.ndim == 3 else values
    lengths = {len(line) for line in tokens}
    if values.ndim != 2 or len(tokens) != len(values) or lengths != {values.shape[1]}:
        raise ValueError(
            f"the map is of {len(values)} texts with {values.shape[1:]} places each, and tokens has {len(tokens)}, of "
            f"{', '.join(map(str, sorted(lengths)))} tokens; give one token for each place, also for padding"
        )
    ax = _cells(values, ax, [[_token(token) for token in line] for line in tokens], labels)
    ax.set_xticks([])
    ax.set_xlabel("the tokens in their order", fontsize=8)
    return ax


def _token(token: Any) -> str:
    """A token as it is, or, where nothing would be seen of it, as one writes it in Python."""
    return short(token if str(token).strip() else repr(token), 10)


def _cells(values: Array, ax: Axes | None, texts: Any, labels: Sequence[str]) -> Axes:
    n, columns = values.shape
    of_each = 0.2 + 0.075 * max(len(text) for line in texts for text in line) if texts else 0.1
    ax = axes_for(ax, float(np.clip(columns * of_each + 2.5, 6, 60)), 1.2 + 0.3 * n)
    colours = _colours(values)
    ax.imshow(values, aspect="auto", **colours)
    for i, line in enumerate(texts or []):
        for j, text in enumerate(line):
            dark = abs(values[i, j]) > 0.6 * colours["vmax"]
            ax.text(j, i, text, ha="center", va="center", fontsize=7, color="white" if dark else "black")
    ax.set_yticks(range(n), labels, fontsize=7)
    ax.tick_params(length=0)
    return ax
