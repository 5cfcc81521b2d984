"""Data: what a model learns from, and what judges it. `dataset.py` holds the Dataset and its batches; read it first.

The packaged handwritten digits (`digits`) are by E. Alpaydin and C. Kaynak (1998), Optical Recognition of Handwritten
Digits, UCI Machine Learning Repository, https://doi.org/10.24432/C50P49, under the licence CC BY 4.0. What else ships
here has a licence of its own too, which its function states and a file LICENSE-….txt in this folder: clothes
(`fashion`, MIT), first names (`names`, public domain), plays (`shakespeare`, public domain, the edition CC BY 2.5) and
words (`words`, SCOWL's notice). `vowels` and `scenes` are computed.
"""

from ..engine.names import answers
from .augmentation import crop, flip, rotate, scale, shift
from .dataset import Batches, Dataset, as_dataset, batches
from .detection import scenes
from .images import FASHION, digits, fashion, fashion_mnist, mnist
from .names import DATA
from .speech import VOWELS, vowels
from .splitting import Standardizer, k_fold, split, standardize
from .synthetic import blobs, line, moons, spirals
from .tables import csv
from .texts import Vocabulary, names, shakespeare, words

__all__ = [
    "FASHION", "VOWELS", "Batches", "Dataset", "Standardizer", "Vocabulary", "as_dataset", "batches", "blobs", "crop",
    "csv", "digits", "fashion", "fashion_mnist", "flip", "k_fold", "line", "mnist", "moons", "names", "rotate", "scale",
    "scenes", "shakespeare", "shift", "spirals", "split", "standardize", "vowels", "words",
]  # fmt: skip

__getattr__, __dir__ = answers(__name__, __all__, DATA)
