"""The table of derivatives. One file per family; each line is a function of NumPy and the rules for its inputs.

`linalg` and `fused` are faces, by names that users know, of several families each.
"""

from ..engine.methods import attach
from . import assembling as assembling
from . import collective as collective
from . import convolution as convolution
from . import elementwise as elementwise
from . import fused as fused
from . import grids as grids
from . import indexing as indexing
from . import linalg as linalg
from . import pooling as pooling
from . import quantising as quantising
from . import reductions as reductions
from . import shapes as shapes
from . import statistics as statistics

__all__ = [
    "assembling", "collective", "convolution", "elementwise", "fused", "grids", "indexing", "linalg", "pooling",
    "quantising", "reductions", "shapes", "statistics",
]  # fmt: skip

attach()
