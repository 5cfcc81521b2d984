"""Dicts, lists and tuples of arrays, as what a transform differentiates by: taken apart, and put together again.

Their leaves are whatever is no dict, list or tuple; None holds nothing. A list or tuple that a rectangular array can be
made of, of Python's numbers alone, is itself a leaf, for it is how one writes an array. Knows nothing of Tensors.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np


def is_number(x: Any) -> bool:
    """Whether it is one of Python's own numbers."""
    return isinstance(x, (float, int)) and not isinstance(x, np.generic)


def is_numbers(x: Any) -> bool:
    """Whether it is a list or tuple of Python's numbers, or of such lists of one shape."""
    if not isinstance(x, (list, tuple)) or hasattr(x, "_fields") or not x:
        return False
    return all(map(is_number, x)) or (all(map(is_numbers, x)) and len({np.shape(item) for item in x}) == 1)


def flat(x: Any) -> list[Any]:
    """The leaves, in order."""
    return [leaf for leaf, _ in paired(x, x)]


def paired(x: Any, other: Any, name: str = "") -> list[tuple[Any, Any]]:
    """The leaves of x, each with what stands in its place in `other`. ValueError if that has other keys or lengths."""
    if x is None:
        return []
    if isinstance(x, dict):
        if not isinstance(other, dict) or x.keys() != other.keys():
            raise ValueError(f"{name} belongs to {_form(x)}, and has to be like it, not {_form(other)}")
        return [pair for key in x for pair in paired(x[key], other[key], name)]
    if not isinstance(x, (list, tuple)) or is_numbers(x):
        return [(x, other)]
    if not isinstance(other, (list, tuple)) or len(x) != len(other):
        raise ValueError(f"{name} belongs to {_form(x)}, and has to be like it, not {_form(other)}")
    return [pair for item, its in zip(x, other, strict=True) for pair in paired(item, its, name)]


def _form(x: Any) -> str:
    if isinstance(x, dict):
        return f"a dict with the keys {', '.join(map(repr, x))}"
    return f"a {type(x).__name__}{f' of {len(x)}' if isinstance(x, (list, tuple)) else ''}"


def rebuilt(x: Any, leaves: Iterator[Any]) -> Any:
    """The same dicts, lists and tuples around other leaves."""
    if isinstance(x, dict):
        made = copy.copy(x)  # of its own class
        for key, item in x.items():
            made[key] = rebuilt(item, leaves)  # not by update, which a Counter has its own idea of
        return made
    if isinstance(x, (list, tuple)) and not is_numbers(x):
        items = [rebuilt(item, leaves) for item in x]
        return getattr(x, "_make", type(x))(items)
    return None if x is None else next(leaves)


def as_numbers(x: Any, array: Any) -> Any:
    """The numbers of an array in the form of x, a number or lists of them."""
    if is_number(x):
        return float(array)
    return type(x)(as_numbers(item, part) for item, part in zip(x, array, strict=True))
