"""Smaller models: fewer weights, fewer units, fewer bits; each function gives a model that can be trained on.

``import tinydl`` loads this on first use. What is done is in exporting/compression.py and shrinking.py, and how a layer
then sees its weights in exporting/compressed.py.
"""

from .exporting.compression import prune, quantise
from .exporting.shrinking import shrink

__all__ = ["prune", "quantise", "shrink"]
