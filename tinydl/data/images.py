"""Sets of real images: handwritten digits and clothes that ship in the package, MNIST and Fashion-MNIST as files.

The packaged digits are the test part of the UCI "Optical Recognition of Handwritten Digits" data: E. Alpaydin and
C. Kaynak (1998), UCI Machine Learning Repository, https://doi.org/10.24432/C50P49, licence CC BY 4.0
(https://creativecommons.org/licenses/by/4.0/), taken from scikit-learn's `datasets/data/digits.csv.gz` and stored as
uint8; see LICENSE-digits.txt. The packaged clothes are 2,000 images of the test part of Fashion-MNIST: H. Xiao, K.
Rasul and R. Vollgraf (2017), arXiv:1708.07747, licence MIT, Copyright (c) 2017 Zalando SE, taken from Debian's package
dataset-fashion-mnist by benchmarks/make_data.py; see LICENSE-fashion.txt. Stands on dataset.py; `augmentation.py` makes
new images of these.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from ..engine.arrays import Array
from ..engine.checks import listed
from ..engine.files import replacing
from .dataset import Dataset

if TYPE_CHECKING:
    from pathlib import Path


# gzip, hashlib, pathlib, urllib and tqdm are imported where they are used, so that `import tinydl` stays quick

_HERE = os.path.dirname(os.path.abspath(__file__))
_SECONDS = 60.0  # how long a server may be silent

# MD5 is what the world publishes for these files; torchvision lists the same sums
MNIST_URL = "https://ossci-datasets.s3.amazonaws.com/mnist/"
MNIST_MD5 = {
    "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
}
FASHION_MNIST_URL = "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/"
FASHION_MNIST_MD5 = {
    "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
    "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
    "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
}
EMNIST = {  # its splits: the first label, and how many classes there are
    "balanced": (0, 47), "byclass": (0, 62), "bymerge": (0, 47), "digits": (0, 10), "letters": (1, 26),
    "mnist": (0, 10),
}  # fmt: skip

FASHION = (  # the names of Fashion-MNIST's classes 0 … 9
    "T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
)  # fmt: skip


def digits(images: bool = False) -> Dataset:
    """1,797 handwritten digits of 8×8 pixels, by 13 people, with their classes 0 … 9, in the original order.

    Neighbours in that order are often by the same hand: a random split is easier than the last fifth, which other
    people wrote. Shapes: x (1797, 64) float32 in 0…1 (0 paper, 1 ink; the file's counts of 0…16, divided by 16), with
    `images` (1797, 8, 8); y (1797,) int64. Source: E. Alpaydin and C. Kaynak (1998), Optical Recognition of Handwritten
    Digits, UCI Machine Learning Repository, https://doi.org/10.24432/C50P49, licence CC BY 4.0.
    """
    with np.load(os.path.join(_HERE, "digits.npz"), allow_pickle=False) as file:
        return _dataset(file["images"], file["labels"], 16, images)


def fashion(images: bool = False) -> Dataset:
    """2,000 pictures of clothes of 28×28 pixels, 200 of each of ten classes, whose names are `data.FASHION`.

    They are the first 200 of each class in the test part of Fashion-MNIST, in an order in which every ten in a row have
    one of each class. They ship with the package: nothing is fetched. `data.fashion_mnist` reads all 70,000 of that
    set, these among its test images, from files or a server. Clothes are harder than digits: trained on 1,500, two
    linear layers with 128 units are right on 0.84 of the other 500 (0.81 to 0.86 over splits).

    Shapes: x (2000, 784) float32 in 0…1 (0 background; the file's 0…255, divided by 255), with `images` (2000, 28, 28);
    y (2000,) int64. Source: H. Xiao, K. Rasul and R. Vollgraf (2017), Fashion-MNIST: a Novel Image Dataset for
    Benchmarking Machine Learning Algorithms, arXiv:1708.07747; licence MIT, Copyright (c) 2017 Zalando SE; taken from
    Debian's package dataset-fashion-mnist.
    """
    with np.load(os.path.join(_HERE, "fashion.npz"), allow_pickle=False) as file:
        return _dataset(file["images"], file["labels"], 255, images, FASHION)


def mnist(
    folder: str | os.PathLike[str],
    images: bool = False,
    download: bool = False,
    url: str = MNIST_URL,
    split: str | None = None,
) -> tuple[Dataset, Dataset]:
    """The 60,000 training and 10,000 test images of MNIST, handwritten digits of 28×28 pixels: (train, test).

    Reads the four IDX files in `folder`: `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, the same with `t10k`;
    with a dot before idx or not, gzipped or not, named ….gz or not, each perhaps in a folder of its own name, and all
    perhaps in one called raw or gzip. With `download`, those that are missing are first fetched from `url`, a folder
    on a server, and so are .gz files whose MD5 sum isn't the published one; the second time nothing is fetched.

    A folder with a split of EMNIST, `emnist-letters-train-images-idx3-ubyte` and so on, is read too; where it holds
    several, `split` chooses: "balanced", "byclass", "bymerge", "digits", "letters" or "mnist". Its images, which are
    stored with rows and columns exchanged, come upright, and the labels of "letters", stored as 1…26, as 0…25.

    Shapes: x (n, 784) float32 in 0…1, with `images` (n, 28, 28); y (n,) int64 from 0, in 0…9 for MNIST.
    Raises FileNotFoundError for a missing file, with the names that were tried; ValueError, which names it, for a
    damaged or foreign one; OSError when a download fails. Sources: Y. LeCun, C. Cortes and C. J. C. Burges, The MNIST
    database of handwritten digits; G. Cohen, S. Afshar, J. Tapson and A. van Schaik, arXiv:1702.05373 (2017).
    """
    from pathlib import Path

    if download and split is not None:
        raise ValueError("download=True fetches MNIST; EMNIST comes as one archive of all splits, to be unpacked first")
    split = None if download else _split_of_emnist(Path(folder), split)
    if split is None:
        return _train_and_test("mnist", folder, images, download, url, MNIST_MD5)
    train_x, train_y, test_x, test_y = (_find(Path(folder), _emnist_name(split, file[:-3])) for file in MNIST_MD5)
    return _pair(train_x, train_y, images, split), _pair(test_x, test_y, images, split)


def fashion_mnist(
    folder: str | os.PathLike[str], images: bool = False, download: bool = False, url: str = FASHION_MNIST_URL
) -> tuple[Dataset, Dataset]:
    """Fashion-MNIST, pictures of clothes with MNIST's format, sizes and file names: (train, test). See `mnist`.

    All 70,000, in your own folder; `data.fashion` has 2,000 of the test images, which ship with the package.
    Classes: 0 T-shirt/top, 1 trouser, 2 pullover, 3 dress, 4 coat, 5 sandal, 6 shirt, 7 sneaker, 8 bag, 9 ankle boot.
    Use another folder than MNIST's. Source: H. Xiao, K. Rasul and R. Vollgraf (2017), arXiv:1708.07747, licence MIT.
    """
    return _train_and_test("fashion_mnist", folder, images, download, url, FASHION_MNIST_MD5)


def _dataset(x: Array, y: Array, largest: int, images: bool, classes: Iterable[str] | None = None) -> Dataset:
    x = x.astype(np.float32) / np.float32(largest)
    x = x if images else x.reshape(len(x), math.prod(x.shape[1:]))
    return Dataset(x, y.astype(np.int64), classes=classes)


def _train_and_test(
    name: str, folder: str | os.PathLike[str], images: bool, download: bool, url: str, checksums: dict[str, str]
) -> tuple[Dataset, Dataset]:
    from pathlib import Path

    place = Path(folder)
    if download:
        place.mkdir(parents=True, exist_ok=True)
        for file, checksum in checksums.items():
            unpacked = any(path != place / file and path.is_file() for path in _spellings(place, file[:-3]))
            if not unpacked and not _is_whole(place / file, checksum):
                _download(url.rstrip("/") + "/" + file, place / file, checksum)
    advice = f"; data.{name}({str(folder)!r}, download=True) fetches it"
    train_x, train_y, test_x, test_y = (_find(place, file[:-3], advice) for file in checksums)
    return _pair(train_x, train_y, images), _pair(test_x, test_y, images)


def _spellings(folder: Path, name: str) -> list[Path]:
    """Where people have a file of this name: gzipped or not, with a dot before idx, in a folder named like itself, and
    all that in a folder raw or gzip, as other libraries and EMNIST's archive unpack it."""
    names = [f"{each}{ending}" for each in (name, name.replace("-idx", ".idx")) for ending in (".gz", "")]
    tops = folder, folder / "raw", folder / "gzip"
    return [place / each for top in tops for place in (top, *(top / each for each in names)) for each in names]


def _find(folder: Path, name: str, advice: str = "") -> Path:
    tried = _spellings(folder, name)
    for path in tried:
        if path.is_file():
            return path
    names = ", ".join(dict.fromkeys(path.name for path in tried))
    raise FileNotFoundError(
        f"there is no {name} in {folder}, nor in a folder raw, gzip or of its own name in it, under none of the names "
        f"{names}{advice}"
    )


def _emnist_name(split: str, name: str) -> str:
    return f"emnist-{split}-{name.replace('t10k', 'test')}"


def _split_of_emnist(folder: Path, split: str | None) -> str | None:
    """The split that is wanted, or the only one in the folder; None for MNIST itself."""
    if split is not None:
        if split not in EMNIST:
            raise ValueError(f"split is one of EMNIST's, {', '.join(map(repr, EMNIST))}, not {split!r}")
        return split

    def is_there(name: str) -> bool:
        return any(path.is_file() for path in _spellings(folder, name))

    images = next(iter(MNIST_MD5))[:-3]
    there = [each for each in EMNIST if is_there(_emnist_name(each, images))]
    if is_there(images) or not there:
        return None
    if len(there) > 1:
        raise ValueError(f"{folder} holds EMNIST's {listed(there)}; write split={there[0]!r}, or another of them")
    return there[0]


def _pair(image_file: Path, label_file: Path, images: bool, split: str | None = None) -> Dataset:
    """Images and their labels, of MNIST or of a split of EMNIST."""
    x, y = read_idx(image_file, 3), read_idx(label_file, 1)
    if len(x) != len(y):
        raise ValueError(f"{image_file} holds {len(x)} images, but {label_file} holds {len(y)} labels")
    if x.shape[1:] != (28, 28):
        raise ValueError(f"{image_file} holds images of {x.shape[1]}×{x.shape[2]} pixels, not of 28×28")
    first, classes = (0, 10) if split is None else EMNIST[split]
    outside = (y < first) | (y >= first + classes)
    if outside.any():
        raise ValueError(
            f"{label_file} is damaged or of another set: it holds a label {y[outside][0]}, but the classes are "
            f"{first}…{first + classes - 1}. EMNIST's letters, whose labels begin at 1, are found by their own names, "
            f"{_emnist_name('letters', 'train-labels-idx1-ubyte')} and so on"
        )
    return _dataset(x if split is None else x.mT, y - np.uint8(first), 255, images)


def read_idx(path: Path, axes: int) -> Array:
    """The bytes in an IDX file with so many axes, as a uint8 array. ValueError for a damaged or foreign file.

    The format: two zero bytes, 8 for "unsigned bytes", the number of axes; the length of each axis, four bytes each,
    the largest first; the values, the last axis running fastest.
    """
    import gzip
    import zlib

    raw = path.read_bytes()
    if raw[:2] == b"\x1f\x8b":
        try:
            raw = gzip.decompress(raw)
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(f"{path} is damaged: {error}") from error
    start = 4 + 4 * axes
    if raw[:4] != bytes([0, 0, 8, axes]):
        raise ValueError(
            f"{path} isn't an IDX file of bytes with {axes} axes: it begins with {raw[:4].hex(' ') or 'nothing'}, "
            f"not 00 00 08 {axes:02x}"
        )
    if len(raw) < start:
        raise ValueError(f"{path} is damaged: it ends after {len(raw)} bytes, within its header of {start}")
    shape = tuple(int(n) for n in np.frombuffer(raw, ">u4", axes, offset=4))
    if len(raw) - start != math.prod(shape):
        raise ValueError(
            f"{path} is damaged: its header promises {math.prod(shape)} bytes for the shape {shape}, "
            f"but {len(raw) - start} follow"
        )
    return np.frombuffer(raw, np.uint8, offset=start).reshape(shape)


def _is_whole(path: Path, checksum: str) -> bool:
    import hashlib

    return path.exists() and hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest() == checksum


def _download(url: str, path: Path, checksum: str) -> None:
    """Fetch a file; it appears at `path` only when it is complete and has this MD5 sum."""
    import hashlib

    digest = hashlib.md5(usedforsecurity=False)
    with replacing(path) as file:
        for block in _blocks(url, path):
            file.write(block)
            digest.update(block)
        if digest.hexdigest() != checksum:
            raise ValueError(
                f"what {url} sent isn't the published file: its MD5 sum is {digest.hexdigest()}, not {checksum}; "
                f"nothing was written to {path}"
            )


def _blocks(url: str, path: Path) -> Iterator[bytes]:
    """What is at the address, piece by piece. OSError says that it is the net's fault, and what to do."""
    from http.client import HTTPException
    from urllib.request import urlopen

    from tqdm import tqdm

    try:
        with urlopen(url, timeout=_SECONDS) as response:
            length = int(response.headers.get("Content-Length") or 0) or None
            # disable=None: no bar where nobody looks, as in a log file
            with tqdm(desc=path.name, total=length, unit="B", unit_scale=True, disable=None) as bar:
                while block := response.read(1 << 16):
                    yield block
                    bar.update(len(block))
    except (OSError, HTTPException) as error:
        raise OSError(
            f"{url} couldn't be fetched: {error}. Try again, give another server's folder as url=, or put the file "
            f"into {path.parent} yourself"
        ) from error
