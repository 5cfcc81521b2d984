"""Pictures of training: the curves of a History, and the confusion matrix of a classifier.

Stands on matplotlib and on nothing of tinydl: what it draws are lists and arrays. course/demo.py makes one figure of
several.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.arrays import Array
from .style import TRAIN, VALIDATION, WRONG, axes_for, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def curves(history: Any, name: str = "loss", ax: Axes | None = None) -> Axes:
    """One curve of a History over the epochs: its loss, or the metric of that name.

    Training is a line, validation a second one with its best epoch marked. A loss that falls by more than a
    factor of 50 is drawn on a logarithmic axis. Raises ValueError for a history without a completed epoch, KeyError
    for a name that it doesn't have.
    """
    if not len(history):
        raise ValueError("this history has no completed epoch to draw")
    training = np.asarray(history[name], float)
    ax = axes_for(ax, 5, 3.5)
    epochs = np.arange(1, len(training) + 1)
    marker = "o" if len(epochs) < 3 else None
    ax.plot(epochs, training, color=TRAIN, marker=marker, label="training")
    drawn = training
    if f"val_{name}" in history:
        held_out = np.asarray(history[f"val_{name}"], float)
        ax.plot(epochs, held_out, color=VALIDATION, linestyle="--", marker=marker, label="validation")
        drawn = np.concatenate([drawn, held_out])
        if np.isfinite(held_out).any():
            best = int(np.nanargmin(held_out) if name == "loss" else np.nanargmax(held_out))
            at = epochs[best]
            ax.plot(at, held_out[best], "o", color=VALIDATION, mfc="none", label=f"best: epoch {at}")
    drawn = drawn[np.isfinite(drawn)]
    if name == "loss" and drawn.size and drawn.min() > 0 and drawn.max() > 50 * drawn.min():
        ax.set_yscale("log")
    ax.set(xlabel="epoch", ylabel=short(name, 40), title=short(name, 40))
    ax.locator_params(axis="x", integer=True)
    ax.grid(alpha=0.3)
    ax.legend(frameon=False)
    return ax


def history_figure(history: Any) -> Any:
    """A new figure with a panel for the loss and for each metric of a History."""
    import matplotlib.pyplot as plt

    names = [name for name in history if not name.startswith("val_") and name != "lr"] or ["loss"]
    figure = plt.figure(figsize=(5 * len(names), 3.5), layout="constrained")
    try:
        for ax, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
            curves(history, name, ax)
    except ValueError:
        plt.close(figure)
        raise
    return figure


def confusion_matrix(targets: Array, predictions: Array, ax: Axes | None = None, classes: Sequence[Any] = ()) -> Axes:
    """How often each class was taken for which: row i, column j counts the examples of class i of which j was said.

    Shapes: targets (N,) and predictions (N,), class indices ≥ 0. Right answers are shaded by their share of the row,
    mistakes are in red. Raises ValueError if the shapes differ or an index is negative.
    """
    targets, predictions = np.asarray(targets), np.asarray(predictions)
    if targets.shape != predictions.shape or targets.ndim != 1:
        raise ValueError(f"targets {targets.shape} and predictions {predictions.shape} must both be class indices (N,)")
    if min(targets.min(initial=0), predictions.min(initial=0)) < 0:
        raise ValueError("class indices are 0, 1, 2, …; one of these is negative")
    targets, predictions = targets.astype(int), predictions.astype(int)
    n = max(len(classes), 1 + max(targets.max(initial=0), predictions.max(initial=0)))
    counts = np.zeros((n, n), int)
    np.add.at(counts, (targets, predictions), 1)
    ax = axes_for(ax, 5, 5)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    ax.imshow(np.where(np.eye(n, dtype=bool), shares, np.nan), cmap="Blues", vmin=0, vmax=1.6)
    size = float(np.clip(80 / n, 4, 9))
    for (i, j), count in np.ndenumerate(counts):
        if count:
            style: dict[str, Any] = (
                {"color": "black"} if i == j else {"color": "white", "weight": "bold", "backgroundcolor": WRONG}
            )
            ax.text(j, i, str(count), ha="center", va="center", fontsize=size, **style)
    names = [short(name, 16) for name in [*classes, *range(len(classes), n)]]
    long = max(map(len, names)) > 3
    ax.set_xticks(range(n), names, rotation=45 if long else 0, ha="right" if long else "center")
    ax.set_yticks(range(n), names)
    right = f"{np.mean(targets == predictions):.1%} of {len(targets)} right" if len(targets) else "no examples"
    ax.set(xlabel="what the network said", ylabel="what it was", title=f"confusion matrix: {right}")
    ax.set_xticks(np.arange(n + 1) - 0.5, minor=True)
    ax.set_yticks(np.arange(n + 1) - 0.5, minor=True)
    ax.grid(which="minor", color="0.85", linewidth=0.6)
    ax.tick_params(which="minor", length=0)
    return ax
