"""Tables: a CSV file as a Dataset, numbers as they are and words as categories.

Stands on dataset.py and the standard library's csv. Nothing is guessed in silence: what may be meant in two ways
raises, and says what to write for the one and for the other. Read `splitting.py` next, where a table is split and
standardized.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.arrays import Array, default_dtype_now
from ..engine.checks import first, kind, listed
from .dataset import Dataset

_EMPTY = {"", "?"}
_MISSING = {*_EMPTY, "na", "n/a", "nan", "-nan", "null", "<na>"}  # in small letters


def csv(
    path: str | os.PathLike[str],
    target: str | int,
    *,
    columns: Iterable[str] | None = None,
    categories: Iterable[str] = (),
    classes: bool | None = None,
    missing: str | None = None,
    header: bool = True,
    delimiter: str = ",",
    encoding: str = "utf-8",
) -> Dataset:
    """A table in a file as a Dataset: one column is the target y, the others are x, and their names `.columns`.

    A column of numbers is a column of x. One of words gives a column for each of its categories, in alphabetical order,
    named "colour=red", which is 1 where the word stands and else 0. Of words in the target y is the index of the
    class, and `.classes` are their names, in alphabetical order. Indices split and subsets of the Dataset keep both.

    target: the column's name, or its place: -1 is the last.
    columns: which ones become x, in this order; by default all but the target.
    categories: columns whose values are categories although they are numbers, such as codes. A number spelled in two
        ways, 3 and 3.0, is one, called by the shorter; but with a leading zero, 007, they are codes, each its own.
    classes: whether the target has classes. By default, where it has words, and where its numbers are 0, 1, … K − 1,
        all of them; these stay what they are. True makes classes of other numbers, in ascending order, too; False
        takes them as numbers.
    missing: "mean" fills a missing value in x by the mean of its column; of a category that is its share. Missing is a
        cell that is empty or ?, NA, N/A, NaN, null in capitals or not. The target is never filled. In a column of words
        named in `categories`, or a target with classes=True, only empty and ? are: there NA may be Namibia.
    header: whether the first line has the names; without, columns are called "0", "1", …
    delimiter: what stands between the cells: ",", ";" or "\\t".
    encoding: of the file; a byte order mark is taken off.

    Shapes: x (n, len(columns)), in the default dtype (float32); y (n,) int64 for classes, else (n, 1) in the default
    dtype, as the outputs of a Linear(…, 1). Cells may be quoted, and spaces around them don't count; empty lines are
    skipped. Raises ValueError, with column and line, for a missing value, a column of numbers with words in between,
    two whole numbers that the dtype can't tell apart, a row of another length and whatever else can't be read; OSError
    as `open`.
    """
    if missing not in (None, "mean"):
        raise ValueError(f"missing is None (raise) or 'mean' (fill), not {missing!r}")
    for name, switch in (("header", header), ("classes", classes)):
        if not isinstance(switch, (bool, np.bool_)) and not (name == "classes" and switch is None):
            raise TypeError(f"{name} is True or False, not {switch!r}")
    table = _read(path, delimiter, header, encoding)
    goal = table.column(target, coded=classes is True)
    names = [name for name in table.names if name != goal.name] if columns is None else _names("columns", columns)
    coded = _names("categories", categories)
    if goal.name in (*names, *coded):
        raise ValueError(f"the target, {goal.name!r}, can't be in columns or categories, too")
    if not names:
        raise ValueError(f"{table.path} has no column beside the target, so there is nothing to learn from")
    for name in coded:
        table.column(name)
    found = [_features(table.column(name, name in coded), name in coded, missing) for name in names]
    y, known = _targets(goal, classes)
    x = np.concatenate([block for _, block in found], axis=1)
    return Dataset(x, y, columns=[name for own, _ in found for name in own], classes=known)


# ---- the file ----


@dataclass
class _Column:
    """The cells of a column, each with its line in the file; `numbers` has NaN for what is missing or no number."""

    name: str
    cells: list[str]
    lines: list[int]
    coded: bool  # said to be of categories

    def __post_init__(self) -> None:
        self.missing = np.array([cell.casefold() in _MISSING for cell in self.cells])
        if self.coded and any(math.isnan(_number(cell)) for cell in {*self.cells} if cell.casefold() not in _MISSING):
            self.missing = np.array([cell in _EMPTY for cell in self.cells])
        read = [math.nan if gone else _number(cell) for cell, gone in zip(self.cells, self.missing, strict=True)]
        self.numbers = np.array(read)
        if self.missing.all():
            raise ValueError(f"column {self.name!r} has no values at all; leave it out with columns=[…]")
        if np.isinf(self.numbers).any():
            raise ValueError(f"{self.where(np.isinf(self.numbers))} isn't finite")

    def where(self, wrong: Array) -> str:
        """The first of those, in words: 'red' in column 'colour', line 7."""
        (i,) = first(wrong)
        return f"{self.cells[i]!r} in column {self.name!r}, line {self.lines[i]},"

    def is_numeric(self, otherwise: str) -> bool:
        """Whether it has numbers, not words. ValueError if that isn't clear; `otherwise` makes categories of both."""
        words = np.isnan(self.numbers) & ~self.missing
        if not words.any():
            return True
        if all(_is_like_a_number(cell) for cell, is_word in zip(self.cells, words, strict=True) if is_word):
            raise ValueError(
                f"{self.where(words)} seems to be a number, but Python reads only such as 1234.5: write it so, without "
                f"decimal comma, unit or separator. If these are categories, write {otherwise}"
            )
        if not (words | self.missing).all():
            raise ValueError(
                f"{self.where(words)} is no number, but others there are. Leave the cell empty if its value isn't "
                f"known. If these are categories, write {otherwise}"
            )
        return False

    def levels(self) -> tuple[list[str], Array]:
        """The distinct values, numbers in ascending order and words in alphabetical, and of each cell which it is."""
        known = {cell for cell, gone in zip(self.cells, self.missing, strict=True) if not gone}
        numeric = not np.isnan(self.numbers[~self.missing]).any()
        key = {cell: _exactly(cell) if numeric else 0 for cell in known}
        numbers = numeric and not any(map(_is_code, known))
        ordered = sorted(known, key=lambda cell: (key[cell], len(cell) if numbers else 0, cell))
        name = {cell: cell for cell in ordered}
        if numbers:
            called = {key[cell]: cell for cell in reversed(ordered)}  # by the shortest of its spellings
            name = {cell: called[key[cell]] for cell in ordered}
        present = list(dict.fromkeys(name.values()))
        if len(present) > max(20, len(self.cells) / 2):
            raise ValueError(
                f"column {self.name!r} has {len(present)} different values in {len(self.cells)} rows, too many for "
                "categories: are they names or dates? Leave it out with columns=[…]"
            )
        place = {cell: i for i, cell in enumerate(present)}
        return present, np.array([place[name[cell]] if cell in name else -1 for cell in self.cells], np.int64)

    def in_default_dtype(self, numbers: Array) -> Array:
        """Numbers of this column, a row for each cell, in the dtype of x. ValueError for what is beyond it."""
        with np.errstate(over="ignore"):
            found = numbers.astype(default_dtype_now())
        outside = ~np.isfinite(found).all(axis=1)
        if outside.any():
            raise ValueError(f"{self.where(outside)} is beyond {default_dtype_now()}")
        self._check_told_apart(numbers[:, 0], found[:, 0])
        return found

    def _check_told_apart(self, numbers: Array, found: Array) -> None:
        """ValueError for whole numbers of the file that have become one."""
        dtype = default_dtype_now()
        large = (abs(numbers) >= 2.0 ** (np.finfo(dtype).nmant + 1)) & (numbers % 1 == 0) & ~self.missing
        seen = dict[float, Any]()
        for i in np.flatnonzero(large):
            exact = _exactly(self.cells[i])
            if seen.setdefault(float(found[i]), exact) != exact:
                wider = " as float64, with tl.default_dtype(np.float64):" if dtype != np.float64 else ","
                raise ValueError(
                    f"{self.where(np.arange(len(numbers)) == i)} and {seen[float(found[i])]:f} are one number in "
                    f"{dtype}. Leave the column out with columns=[…] if these are names; else read the file{wider} "
                    "or subtract in the file what they have in common"
                )


@dataclass
class _Table:
    """A file's rows, each with the line in which it begins."""

    path: str
    names: list[str]
    rows: list[list[str]]
    lines: list[int]

    def column(self, which: str | int, coded: bool = False) -> _Column:
        """A column by its name or place."""
        if isinstance(which, str) and which in self.names:
            place = self.names.index(which)
        elif isinstance(which, (int, np.integer)) and not isinstance(which, bool):
            if not -len(self.names) <= which < len(self.names):
                raise ValueError(f"{self.path} has {len(self.names)} columns, so none at place {which}")
            place = int(which) % len(self.names)
        else:
            known = listed([repr(name) for name in self.names], most=30, shown=20)
            raise ValueError(f"{self.path} has no column {which!r}; it has {known}")
        if not self.names[place]:
            raise ValueError(
                f"column {place + 1} of {self.path} has no name; give it one, or leave it out with columns=[…]. "
                "pandas writes such a column unless told to_csv(…, index=False)"
            )
        return _Column(self.names[place], [row[place] for row in self.rows], self.lines, coded)


def _read(path: str | os.PathLike[str], delimiter: str, header: bool, encoding: str) -> _Table:
    import csv as standard  # on use, so that `import tinydl` stays quick

    if not isinstance(delimiter, str) or len(delimiter) != 1:
        raise ValueError(f"delimiter is one character, such as ',', ';' or '\\t', not {delimiter!r}")
    name = os.fspath(path)
    rows, lines, line = list[list[str]](), list[int](), 0
    plain = encoding.casefold().replace("_", "-") in ("utf-8", "utf8")
    try:
        with open(path, encoding="utf-8-sig" if plain else encoding, newline="") as file:
            reader = standard.reader(file, delimiter=delimiter, strict=True, skipinitialspace=True)
            for row in reader:
                if any("\0" in cell for cell in row):
                    raise ValueError(
                        f"{name}, line {line + 1} has a NUL character, as no text has; is it in utf-16? Then write "
                        "encoding='utf-16'"
                    )
                if len(row) > 1 or "".join(row).strip():
                    rows.append([cell.strip() for cell in row])
                    lines.append(line + 1)
                line = reader.line_num
    except UnicodeError as error:
        raise ValueError(
            f"{name} isn't in {encoding} ({error}); write encoding='cp1252' for many a file of Excel, or 'utf-16'"
        ) from error
    except LookupError:
        raise ValueError(f"there is no encoding {encoding!r}; 'utf-8', 'cp1252' and 'utf-16' are some") from None
    except standard.Error as error:
        raise ValueError(f"{name}, line {line + 1}: {error}; is a quote left open, or is it no CSV file?") from error
    if not rows:
        raise ValueError(f"{name} is empty")
    _check_lengths(name, rows, lines, delimiter)
    if not header:
        return _Table(name, [str(i) for i in range(len(rows[0]))], rows, lines)
    _check_names(name, rows[0])
    if len(rows) == 1:
        raise ValueError(f"{name} has a line of names and no other; if that is data, write header=False")
    return _Table(name, rows[0], rows[1:], lines[1:])


def _check_lengths(name: str, rows: list[list[str]], lines: list[int], delimiter: str) -> None:
    top = rows[0]
    others = [other for other in (";", "\t", "|", ",") if other != delimiter and other in top[0]]
    if len(top) == 1 and others:
        raise ValueError(f"the first line of {name} has no {delimiter!r}; write delimiter={others[0]!r}")
    for row, line in zip(rows, lines, strict=True):
        if len(row) != len(top):
            raise ValueError(
                f"{name}, line {line} has {len(row)} cells, but the first line {len(top)}; a cell with a {delimiter!r} "
                'in it is written in quotes, "…"'
            )


def _check_names(name: str, names: Sequence[str]) -> None:
    numbers = [_number(cell) for cell in names]
    if not np.isnan(numbers).any() or any(number % 1 for number in numbers if math.isfinite(number)):
        raise ValueError(f"the first line of {name} has numbers, {listed(names)}, not names; write header=False")
    for i, own in enumerate(names):
        if own and own in names[:i]:
            raise ValueError(f"columns {names.index(own) + 1} and {i + 1} of {name} are both called {own!r}")


def _number(cell: str) -> float:
    """A cell as a number; NaN if it is none."""
    try:
        return math.nan if "_" in cell else float(cell)  # Python reads 1_000, too
    except ValueError:
        return math.nan


def _exactly(cell: str) -> Any:
    """A cell that is a number as a Decimal, which no digit is lost of."""
    from decimal import Decimal  # on use, as csv

    return Decimal(cell)


def _is_code(cell: str) -> bool:
    """Whether it has a leading zero, with which nobody writes a number."""
    digits = cell.lstrip("+-")
    return digits[:1] == "0" and digits[1:2].isdigit()


def _is_like_a_number(cell: str) -> bool:
    """Whether it is one but for a decimal comma, separators or a unit that isn't a letter: 1,5 or $1,000 or 7 %."""
    for other in "$€£%,_' ":
        cell = cell.replace(other, "")
    return not math.isnan(_number(cell))


def _names(what: str, given: Any) -> list[str]:
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise TypeError(f"{what} is a list of names, not {given!r}")
    names = list(given)
    if not all(isinstance(name, str) for name in names):
        raise TypeError(f"{what} is a list of names, not of {kind(next(n for n in names if not isinstance(n, str)))}")
    if len({*names}) < len(names):
        raise ValueError(f"{what} names {next(n for n in names if names.count(n) > 1)!r} twice")
    return names


# ---- what becomes of a column ----


def _features(column: _Column, coded: bool, missing: str | None) -> tuple[list[str], Array]:
    """The columns of x that a column of the file gives: their names, and their numbers (n, …)."""
    if column.missing.any() and missing is None:
        raise ValueError(
            f"{column.where(column.missing)} is a missing value. Fill it, take the line out, leave the column out with "
            "columns=[…], or write missing='mean'"
        )
    if not coded and column.is_numeric(f"categories=[{column.name!r}]"):
        names, block = [column.name], column.numbers[:, None]
    else:
        levels, which = column.levels()
        names, block = [f"{column.name}={level}" for level in levels], np.eye(len(levels))[which]
    known = ~column.missing
    return names, column.in_default_dtype(np.where(known[:, None], block, block[known].mean(axis=0)))


def _targets(column: _Column, classes: bool | None) -> tuple[Array, list[str] | None]:
    """y, and the names of the classes if it has some."""
    if column.missing.any():
        raise ValueError(
            f"{column.where(column.missing)} is a missing target, which nothing can stand for; take it out"
        )
    if classes is not True and column.is_numeric("classes=True"):
        numbers = column.numbers
        values = np.unique(numbers)
        if classes is False or len(values) < 2 or not np.array_equal(values, np.arange(len(values))):
            return column.in_default_dtype(numbers[:, None]), None
        return numbers.astype(np.int64), [f"{value:g}" for value in values]
    if classes is False:
        raise ValueError(f"the target, {column.name!r}, has words, so it can't be taken as numbers; leave classes out")
    levels, which = column.levels()
    return which, levels
