"""Pictures with matplotlib, which is imported on first use: of training runs (training.py), of what a model says.

Every function draws on the `figure` it is given (a Figure or SubFigure) or on a new one, and gives it back:
``tl.plots.curves(history).savefig("curves.png")``.
"""

from .page import backprop_page
from .training import confusion_matrix, curves, images

__all__ = ["backprop_page", "confusion_matrix", "curves", "images"]
