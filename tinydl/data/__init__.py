"""Data: what a model learns from, and what judges it. `dataset.py` holds the Dataset and its batches; read it first.

The packaged handwritten digits (`digits`) are by E. Alpaydin and C. Kaynak (1998), Optical Recognition of Handwritten
Digits, UCI Machine Learning Repository, https://doi.org/10.24432/C50P49, under the licence CC BY 4.0.
"""

from ..engine.names import answers
from .augmentation import crop, flip, rotate, scale, shift
from .dataset import Batches, Dataset, as_dataset, batches
from .images import digits, fashion_mnist, mnist
from .names import DATA
from .splitting import Standardizer, k_fold, split, standardize
from .synthetic import blobs, line, moons, spirals
from .tables import csv

__all__ = [
    "Batches", "Dataset", "Standardizer", "as_dataset", "batches", "blobs", "crop", "csv", "digits", "fashion_mnist",
    "flip", "k_fold", "line", "mnist", "moons", "rotate", "scale", "shift", "spirals", "split", "standardize",
]  # fmt: skip

__getattr__, __dir__ = answers(__name__, __all__, DATA)
