"""What all pictures share: colours that colour-blind people can tell apart, axes, saving."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.arrays import Array
from ..engine.files import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes


# Okabe & Ito, Color Universal Design (2008), then two greys
PALETTE = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000", "#999999", "#666633",
)  # fmt: skip
TRAIN, VALIDATION, WRONG = PALETTE[0], PALETTE[5], PALETTE[5]
ALARM = "#B2182B"  # of text, on white
MARKERS = "osD^vPX*<>"


def axes_for(ax: Axes | None, width: float = 5.0, height: float = 3.5) -> Axes:
    """`ax`, or the axes of a new figure of this size in inches; pyplot knows it, so notebooks show it."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.figure(figsize=(width, height), layout="constrained").subplots()


def save(ax: Axes, path: Any) -> Path:
    """Write the figure that `ax` belongs to, as the suffix says: .svg, .png, .pdf. Gives the path.

    Raises ValueError, naming the suffixes there are, for another; OSError, naming the file, if it can't be written.
    """
    figure: Any = ax.figure.figure  # of a panel's figure, the whole
    file = Path(path)
    known = figure.canvas.get_supported_filetypes()
    if file.suffix[1:].lower() not in known:
        raise ValueError(f"{file.name}: the suffix of a picture is one of .{', .'.join(sorted(known))}")
    save_figure(figure, file, 150)
    return file


def save_figure(figure: Any, path: Any, dpi: int) -> None:
    """Write a figure as the suffix says, whole or not at all: an older picture stays if the disk is full.

    As in matplotlib a name without a suffix gets .png, and a file that is open is written to.
    """
    if hasattr(path, "write"):
        figure.savefig(path, dpi=dpi)
        return
    file = Path(path)
    file = file if file.suffix else file.with_name(f"{file.name}.png")
    with replacing(file) as written:
        figure.savefig(written, dpi=dpi, format=file.suffix[1:].lower())


def short(text: Any, most: int = 24) -> str:
    """A label that fits, on one line and without matplotlib's mathematics."""
    line = " ".join(str(text).split()).replace("$", r"\$")
    return line if len(line) <= most else line[: most - 1] + "…"


def finite_range(x: Array, symmetric: bool = False) -> tuple[float, float]:
    """Limits of a colour or axis for these numbers, whatever they are."""
    finite = x[np.isfinite(x)]
    if not finite.size:
        return -1.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    if symmetric:
        high = max(abs(low), abs(high)) or 1.0
        return -high, high
    return (low, high) if low < high else (low - 0.5, high + 0.5)
