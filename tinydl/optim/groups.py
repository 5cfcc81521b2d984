"""What an optimizer is given: parameters, parameters with their names, or groups of either with settings of their own.

Stands on the engine alone. optimizer.py asks it when an optimizer is made, and when a setting is changed.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from ..engine.checks import kind, listed, real
from ..engine.tensor import Tensor

Trainable = Iterable[Tensor | tuple[str, Tensor] | Mapping[str, Any]]


def groups_of(given: Any, optimizer: str) -> tuple[list[dict[str, Any]], list[str] | None]:
    """Each group, {"params": its Tensors, and its own settings}, and all parameters' names if they came with names."""
    items = _items(given, optimizer)
    if not any(isinstance(item, Mapping) for item in items):
        items = [{"params": items}]
    for i, item in enumerate(items):
        if not isinstance(item, Mapping) or "params" not in item:
            raise TypeError(
                f'{optimizer} takes groups, {{"params": parameters, settings}}, or none; item {i} is no group'
            )
    iterators = [id(item["params"]) for item in items if isinstance(item["params"], Iterator)]
    if len({*iterators}) < len(iterators):
        raise ValueError(f"groups of {optimizer} share an iterator, which can be used only once; write a list for each")
    groups, names, of_group = list[dict[str, Any]](), dict[Tensor, str | None](), list[list[str | None]]()
    for item in items:
        own: dict[Tensor, str | None] = {}
        for entry in _items(item["params"], optimizer):
            name, p = entry if _is_pair(entry) else (None, entry)
            which = repr(name) if name else str(len(names) + len(own))
            _check_parameter(p, which, optimizer)
            if p in names:
                raise ValueError(f"parameter {which} is in two groups of {optimizer}; the settings of one must count")
            own.setdefault(p, name)
        groups.append({**item, "params": list(own)})
        names |= own
        of_group.append([*own.values()])
    if not names:
        raise ValueError(
            f"{optimizer} was given no parameters. An iterator can be used only once; write model.parameters() anew"
        )
    if not any(p.requires_grad for p in names):
        raise ValueError(f"none of the parameters given to {optimizer} requires a gradient, so it would change nothing")
    return groups, _checked_names(of_group, optimizer)


def _items(given: Any, optimizer: str) -> list[Any]:
    if isinstance(given, (Tensor, Mapping)) or not isinstance(given, Iterable):
        advice = "[w]" if isinstance(given, Tensor) else "model.parameters()"
        advice = '[{"params": …}, …]' if isinstance(given, Mapping) and "params" in given else advice
        raise TypeError(
            f"{optimizer} takes parameters, as model.parameters() gives them, not {kind(given)}; write {advice}"
        )
    return list(given)


def _is_pair(entry: Any) -> bool:
    return isinstance(entry, tuple) and len(entry) == 2 and isinstance(entry[0], str)


def _check_parameter(p: Any, which: str, optimizer: str) -> None:
    if not isinstance(p, Tensor):
        raise TypeError(
            f"{optimizer} updates Tensors, but parameter {which} is of type {type(p).__name__}; see model.parameters()"
        )
    if p.primitive is not None:
        raise ValueError(
            f"parameter {which} was computed by {p.primitive.name}; {optimizer} updates leaves, which "
            "tl.tensor(..., requires_grad=True) makes"
        )


def _checked_names(of_group: list[list[str | None]], optimizer: str) -> list[str] | None:
    """All names, or None if there are none; those that several groups have say of which they are, too."""
    groups = [[name for name in group if name is not None] for group in of_group]
    times = Counter(name for group in groups for name in {*group})
    names = [f"{name} of group {i}" if times[name] > 1 else name for i, group in enumerate(groups) for name in group]
    if names and len(names) < sum(map(len, of_group)):
        raise TypeError(f"some parameters of {optimizer} came without a name; model.named_parameters() gives all one")
    if len({*names}) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(
            f'two parameters of {optimizer} are called {twice!r}; write ("another name", p) for one of them'
        )
    return names or None


# ---- settings ----

_SWITCHES = ("nesterov", "centered", "amsgrad", "maximize")
_FRACTIONS = ("beta1", "beta2", "alpha", "rho")  # shares of what was, in running means


def checked(optimizer: str, name: str, value: Any) -> Any:
    """A setting in the form that an update computes with. ValueError or TypeError for what can't be one."""
    if name in _SWITCHES:
        if not isinstance(value, (bool, np.bool_)):
            raise TypeError(f"{optimizer}'s {name} is True or False, not {value!r}")
        return bool(value)
    if name != "betas":
        return in_range(optimizer, name, value)
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise ValueError(f"{optimizer}'s betas are two numbers, such as (0.9, 0.999), not {value!r}")
    return in_range(optimizer, "beta1", value[0]), in_range(optimizer, "beta2", value[1])


def in_range(optimizer: str, name: str, value: float) -> float:
    """A setting as Python's float: a NumPy float64 would make float32 arithmetic float64."""
    number = real(f"{optimizer}'s {name}", value)
    if not 0 <= number < (1 if name in _FRACTIONS else math.inf):
        expected = f"a number in 0 ≤ {name} < 1" if name in _FRACTIONS else "a finite number ≥ 0"
        raise ValueError(f"{optimizer}'s {name} must be {expected}, not {value}")
    return number


def named(found: Iterable[Any]) -> str:
    return listed(sorted(map(str, found)), most=20) or "nothing"
