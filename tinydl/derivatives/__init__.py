"""The table of derivatives. One file per family; each line is a function of NumPy and the rules for its inputs."""

from ..dispatch import attach
from . import elementwise, fused, indexing, linalg, reductions, shapes

attach()
