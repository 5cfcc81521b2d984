"""What is asked of what users give, and how it is said: whole numbers, numbers, arrays, the first that is wrong.

Each question stands here once, so that a sentence reads the same wherever it is met. Stands on tensor.py.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from .arrays import Array, is_foreign, on_host, plain_array
from .tensor import Tensor


def is_whole(value: Any, least: int) -> bool:
    """Whether it is a whole number of at least `least`; 2.0 is one."""
    return not isinstance(value, (bool, np.bool_)) and least <= value < math.inf and int(value) == value


def whole(name: str, value: Any, least: int) -> int:
    """`value` as an int; TypeError if it isn't an integer (2.0 is none), ValueError if it is below `least`."""
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, not {value!r}; write a whole number ≥ {least}") from None
    if number < least:
        raise ValueError(f"{name} must be at least {least}, not {number}")
    return number


def is_real(value: Any) -> bool:
    """Whether it is a single real number, of Python's or NumPy's; True and False are none."""
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def real(name: str, value: Any) -> float:
    """`value` as a float; TypeError if it isn't a number, ValueError if it is an integer beyond all floats."""
    if not is_real(value):
        raise TypeError(f"{name} must be a number, not {value!r}")
    try:
        return float(value)
    except OverflowError:
        raise ValueError(f"{name} is an integer beyond what a float can hold; write a number below 1e308") from None


def array_of(x: Any) -> Array:
    """A Tensor's array itself, or anything else as an array."""
    return x._data if isinstance(x, Tensor) else plain_array(x)


def refuse_foreign(what: str, *values: Any) -> None:
    """TypeError for arrays of another library than NumPy, for what reads every number of them."""
    if any(is_foreign(x._data if isinstance(x, Tensor) else x) for x in values):
        raise TypeError(
            f"{what} reads arrays of NumPy, not those of another library: write model.to(cupy.asnumpy), or "
            "cupy.asnumpy(x) for an array, and compute anew"
        )


def array_from_state(value: Any) -> Array:
    """A state_dict's value as an array of NumPy; torch's tensors are taken without importing torch."""
    if hasattr(value, "detach") and hasattr(value, "cpu"):
        value = value.detach().cpu()
        value = value.float() if "bfloat16" in str(value.dtype) else value
    return on_host(array_of(value))


def first(wrong: Array) -> tuple[int, ...]:
    """The index of the first True."""
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(wrong)), wrong.shape))


def at(index: Sequence[int]) -> str:
    """An index as it is written after a name: "[0, 1]"; "" where there are no axes."""
    return f"[{', '.join(map(str, index))}]" if index else ""


def kind(x: Any) -> str:
    """The type of a thing with its article: "a Tensor", "an int"."""
    name = type(x).__name__
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def listed(names: Sequence[str], most: int = 6, shown: int = 3) -> str:
    """ "a", "a and b", "a, b and c"; of more than `most` the first `shown`, and how many there are besides."""
    if len(names) > most:
        names = [*names[:shown], f"{len(names) - shown} more"]
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
