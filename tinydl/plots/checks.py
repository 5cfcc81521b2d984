"""The picture of a gradient check: a heat map of relative errors for each input. Stands on matplotlib alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from .style import save_figure


def report_figure(report: Any, path: Any = None) -> Any:
    """What a Report of `gradcheck` draws of itself: see `Report.plot`."""
    from matplotlib.colors import LogNorm
    from matplotlib.figure import Figure

    errors = report.errors()
    figure = Figure(figsize=(1 + 3.4 * max(len(errors), 1), 3.8), layout="constrained")
    axes = figure.subplots(1, max(len(errors), 1), squeeze=False)[0]
    if not errors:
        axes[0].set_axis_off()
        axes[0].set_title(repr(report)[1:60])
    image = None
    for ax, (name, error) in zip(axes, errors.items(), strict=False):
        shape, shown = error.shape, np.clip(error, 1e-16, 10.0)
        grid = shown.reshape(-1, shape[-1]) if shape else shown.reshape(1, 1)
        image = ax.imshow(grid, norm=LogNorm(1e-12, 1), cmap="RdYlGn_r", aspect="auto", interpolation="nearest")
        ax.set_facecolor("0.85")
        ax.set_title(f"{name}, shape {shape}")
        ax.set_xlabel("last axis")
        ax.set_ylabel("the other axes, flattened" if len(shape) > 2 else "first axis" if len(shape) == 2 else "")
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.yaxis.get_major_locator().set_params(integer=True)
    if image is not None:
        figure.colorbar(image, ax=list(axes), label="relative error (grey: not checked one by one)", extend="both")
    cause = f": {report.causes[0][0]}" if report.causes else ""
    figure.suptitle(f"gradcheck: {report.verdict}{cause}")
    if path is not None:
        save_figure(figure, path, 120)
    return figure
