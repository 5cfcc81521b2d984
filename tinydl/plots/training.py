"""Pictures of training: the curves of a History, the confusion matrix of a classifier, images with titles.

Stands on matplotlib and on nothing of tinydl: what it draws are lists and arrays. cli.py makes one figure of all three.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TRAIN, VALIDATION, WRONG = "#1f77b4", "#d95f02", "#b2182b"


def new_figure(width: float, height: float) -> Any:
    """A figure that pyplot knows, so that `plt.show()` and notebooks show it; size in inches."""
    import matplotlib.pyplot as plt

    return plt.figure(figsize=(width, height), layout="constrained")


def curves(history: Any, figure: Any = None, names: Sequence[str] | None = None) -> Any:
    """The curves of a History over the epochs, one panel per name ("loss" and each metric; `names` chooses).

    Training is a line, validation a second one with its best epoch marked. A loss that falls by more than a
    factor of 50 is drawn on a logarithmic axis. Raises ValueError for a history without a completed epoch.
    """
    if not len(history):
        raise ValueError("this history has no completed epoch to draw")
    present = [name for name in history if not name.startswith("val_") and name != "lr"]
    chosen = list(names) if names is not None else present
    figure = new_figure(5 * len(chosen), 3.5) if figure is None else figure
    for axes, name in zip(figure.subplots(1, len(chosen), squeeze=False)[0], chosen, strict=True):
        _curve(axes, history, name)
    return figure


def _curve(axes: Axes, history: Mapping[str, Sequence[float]], name: str) -> None:
    epochs = np.arange(1, len(history[name]) + 1)
    marker = "o" if len(epochs) < 3 else None
    axes.plot(epochs, history[name], color=TRAIN, marker=marker, label="training")
    drawn = np.asarray(history[name])
    if f"val_{name}" in history:
        held_out = np.asarray(history[f"val_{name}"])
        axes.plot(epochs, held_out, color=VALIDATION, marker=marker, label="validation")
        best = int(np.argmin(held_out) if name == "loss" else np.argmax(held_out))
        axes.plot(epochs[best], held_out[best], "o", color=VALIDATION, mfc="none", label=f"best: epoch {epochs[best]}")
        drawn = np.concatenate([drawn, held_out])
    if name == "loss" and drawn.min() > 0 and drawn.max() > 50 * drawn.min():
        axes.set_yscale("log")
    axes.set(xlabel="epoch", ylabel=name, title=name)
    axes.locator_params(axis="x", integer=True)
    axes.set_xlim(0.5, len(epochs) + 0.5)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)


def confusion_matrix(targets: Array, predictions: Array, figure: Any = None, classes: Sequence[Any] = ()) -> Any:
    """How often each class was taken for which: row i, column j counts the examples of class i of which j was said.

    Shapes: targets (N,) and predictions (N,), class indices ≥ 0. Right answers are shaded, mistakes are in red.
    Raises ValueError if the shapes differ.
    """
    targets, predictions = np.asarray(targets), np.asarray(predictions)
    if targets.shape != predictions.shape or targets.ndim != 1:
        raise ValueError(f"targets {targets.shape} and predictions {predictions.shape} must both be class indices (N,)")
    n = len(classes) or 1 + max(targets.max(initial=0), predictions.max(initial=0))
    counts = np.zeros((n, n), int)
    np.add.at(counts, (targets, predictions), 1)
    figure = new_figure(5, 5) if figure is None else figure
    axes = figure.subplots()
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    axes.imshow(np.where(np.eye(n, dtype=bool), shares, np.nan), cmap="Blues", vmin=0, vmax=1.6)
    for (i, j), count in np.ndenumerate(counts):
        if count:
            style = {"color": "black"} if i == j else {"color": "white", "weight": "bold", "backgroundcolor": WRONG}
            axes.text(j, i, str(count), ha="center", va="center", fontsize=8, **style)
    names = list(classes) or list(range(n))
    axes.set_xticks(range(n), names)
    axes.set_yticks(range(n), names)
    axes.set(xlabel="what the network said", ylabel="what it was", title="confusion matrix")
    axes.set_xticks(np.arange(n + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(n + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="0.85", linewidth=0.6)
    axes.tick_params(which="minor", length=0)
    return figure


def images(pictures: Array, titles: Sequence[str], figure: Any = None, columns: int = 8) -> Any:
    """Grey images in rows of `columns`, each with its title.

    Shape: pictures (N, height, width), the largest number black, as ink on paper. Raises ValueError for other shapes
    and for a number of titles that isn't N.
    """
    pictures = np.asarray(pictures)
    if pictures.ndim != 3 or len(titles) != len(pictures):
        given = f"{pictures.shape} and {len(titles)}"
        raise ValueError(f"images takes pictures (N, height, width) and N titles, not {given}")
    rows = max(1, math.ceil(len(pictures) / columns))
    figure = new_figure(1.1 * columns, 1.4 * rows) if figure is None else figure
    panels = figure.subplots(rows, columns, squeeze=False)
    for axes in panels.flat:
        axes.axis("off")
    for axes, picture, title in zip(panels.flat, pictures, titles, strict=False):
        axes.imshow(picture, cmap="gray_r", interpolation="nearest")
        axes.set_title(title, fontsize=9)
    return figure
