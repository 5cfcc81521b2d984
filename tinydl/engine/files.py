"""Files that are there whole or not at all: what saving.py writes models with, and data the sets it fetches."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """A new file to write to, which takes the place of the one at `path` once the block ends without an exception.

    Whoever reads `path` meanwhile, or after a crash, sees the old file or the new one, never a part. Links stay links,
    and what is no ordinary file, a device or a pipe, is written to as it is. Raises OSError, in a sentence that names
    the file, if it can't be written.
    """
    from pathlib import Path  # on use, so that `import tinydl` stays quick

    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {target.parent} to write {target.name} into; make it first")
    if target.is_dir():
        raise IsADirectoryError(f"{target} is a folder; give the path of a file to write")
    if target.exists() and not target.is_file():
        with open(target, "wb") as file:
            yield file
        return
    temporary = target.with_name(f".{target.name}.{os.urandom(6).hex()}.tmp")
    try:
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            os.chmod(temporary, target.stat().st_mode & 0o777)
        os.replace(temporary, target)
    except OSError as error:
        if error.errno is None:
            raise
        kept = "; what was there is untouched" if target.exists() else ""
        raise type(error)(f"{target} can't be written: {error.strerror}{kept}") from error
    finally:
        with suppress(OSError):  # its folder may be gone, or closed to us
            temporary.unlink(missing_ok=True)
