"""What to write instead of an array that doesn't hold real numbers, or of a DataFrame whose columns don't make one.

dataset.py asks it for the end of a sentence. pandas is never imported: a DataFrame is what has columns and dtypes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.arrays import Array
from ..engine.checks import at, first, kind, listed


def cure(name: str, given: Any, array: Array) -> str:
    """What to do about `given`, called `name`, whose `array` has a dtype that isn't one of real numbers."""
    if hasattr(given, "columns") and hasattr(given, "dtypes"):
        return _of_columns(name, [*map(str, given.columns)], [*map(str, given.dtypes)])
    if array.dtype.kind == "c":
        return f"write {name}.real, or np.abs({name})"
    if array.dtype.kind in "mM":
        return f"write ({name} - {name}.min()) / np.timedelta64(1, 'D'), which counts days"
    if array.dtype.names:
        return f"write structured_to_unstructured({name}), which is in numpy.lib.recfunctions"
    return _of_words(name, array)


def _of_columns(name: str, columns: list[str], dtypes: list[str]) -> str:
    numeric = ("int", "uint", "float", "bool")
    shown = [f"{column!r} ({dtype})" for column, dtype in zip(columns, dtypes, strict=True)]
    words = [text for text, dtype in zip(shown, dtypes, strict=True) if not dtype.lower().startswith(numeric)]
    if not words:
        return f"its columns are {listed(shown)}; write {name}.astype(float)"
    return (
        f"it has columns that may hold no numbers, {listed(words)}. Write {name}.astype({{column: float}}) for those "
        f"that do; leave the others out, {name}.drop(columns=[…]), or make categories of them, as "
        f"pandas.get_dummies({name}, dtype=float) does"
    )


def _of_words(name: str, array: Array) -> str:
    words = np.array([not _reads_as_number(value) for value in array.ravel()], bool).reshape(array.shape)
    if not words.any():
        numbers = array.astype(float)
        whole = name == "y" and bool(np.isfinite(numbers).all()) and bool((numbers == np.floor(numbers)).all())
        return f"all of it reads as numbers; write {name}.astype({'int' if whole else 'float'})"
    index = first(words)
    value = array[index]
    where = f"{name}{at(index)} is {value!r}"
    if value is None:
        return f"{where}, a missing value; put a number in its place, then write {name}.astype(float)"
    if not isinstance(value, (str, bytes)):
        return f"{where}, {kind(value)}; of arrays of one shape np.stack({name}) makes one"
    if array.ndim == 1:
        return f"{where}; for classes write names, {name} = np.unique({name}, return_inverse=True)"
    return f"{where}; give each category a column of its own, as data.csv does, then write {name}.astype(float)"


def _reads_as_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return not np.ndim(value)
