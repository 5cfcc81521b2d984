"""Smaller models: fewer weights, fewer units, fewer bits; each function gives a model that can be trained on.

``import tinydl`` loads this on first use. What is done is in exporting/compression.py and shrinking.py, and how a layer
then sees its weights in exporting/compressed.py.
"""

from .engine.names import answers
from .exporting.compression import prune, quantise
from .exporting.shrinking import shrink

__all__ = ["prune", "quantise", "shrink"]

__getattr__, __dir__ = answers(
    __name__,
    __all__,
    {
        "quantize": "write tl.compress.quantise",
        "global_unstructured": "write tl.compress.prune(model, amount)",
        "l1_unstructured": "write tl.compress.prune(model, amount)",
        "ln_structured": "write tl.compress.shrink(model, keep)",
    },
)
