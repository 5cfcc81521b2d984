"""Pictures with matplotlib, which is imported on first use, and two pages: one steps through a backward pass, in the
other one draws a digit.

Every picture is drawn on the `ax` it is given, or on a new figure's, and gives the Axes back, so that one can look at
what was drawn, add to it, and write it: ``tl.plots.save(tl.plots.curves(history), "curves.png")``. Nothing is shown
by itself; in a script call matplotlib's ``plt.show()``.
"""

from .attribution import attribution
from .digits import digit_page
from .graph import graph
from .network import (
    activations,
    decision_boundary,
    gradients,
    images,
    learning_rate_sweep,
    loss_surface,
    weights,
)
from .page import backprop_page
from .style import save
from .training import confusion_matrix, curves

__all__ = [
    "activations", "attribution", "backprop_page", "confusion_matrix", "curves", "decision_boundary", "digit_page",
    "gradients", "graph", "images", "learning_rate_sweep", "loss_surface", "save", "weights",
]  # fmt: skip
