"""The state of an optimizer, as `state_dict()` gives it and `load_state_dict()` takes it: its form, and whose it is.

What an optimizer keeps of a parameter goes back to that parameter: by name where both sides have names, within a
program also by which Tensors they are, else by their place. Stands on the engine and groups.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import index
from typing import Any

import numpy as np

from ..engine.arrays import Array, beside, is_array
from ..engine.checks import array_from_state
from ..engine.tensor import Tensor
from .groups import named

_MARK = "mark of an optimizer's parameter"  # in a Tensor's notes, which no copy of it has


class State(dict[str, Any]):
    """A state that also knows, in the program that made it, which Tensors it is of, without keeping them alive."""

    def __init__(self, content: Mapping[str, Any], params: Sequence[Tensor]) -> None:
        super().__init__(content)
        for p in params:
            p.notes = {_MARK: object()} | (p.notes or {})
        self.marks = [_mark(p) for p in params]

    def __reduce__(self) -> Any:  # copied or pickled it is a plain dict: the Tensors may be others there
        return dict, (dict(self),)


def _mark(p: Tensor) -> object | None:
    return (p.notes or {}).get(_MARK)


def arranged(given: Any, names: Sequence[str] | None, params: Sequence[Tensor] = ()) -> dict[str, Any]:
    """A state in which the parameters stand in the order of those here, which are `params` and may have `names`.

    Raises ValueError for what is no state, and where it is known to be of other parameters.
    """
    state = _in_form(given)
    by_name = names and state["names"]
    places = _by_name(by_name, names or ()) if by_name else _by_identity(getattr(given, "marks", ()), params)
    memories = {places.get(i, i): memory for i, memory in state["state"].items()}
    groups = state["groups"] and [
        {**group, "params": [places.get(i, i) for i in group["params"]]} for group in state["groups"]
    ]
    return {"lr": state["lr"], "state": memories, "groups": groups, "names": names}


def _in_form(given: Any) -> dict[str, Any]:
    """The parts of a state, "groups" and "names" None where they weren't saved."""
    try:
        given = _of_torch(given) if "param_groups" in given else given
        memories, groups, names = given.get("state", {}), given.get("groups"), given.get("names")
        return {
            "lr": given["lr"],
            "state": {index(i): dict(memory) for i, memory in memories.items()},
            "groups": groups and [{**group, "params": [*map(index, group["params"])]} for group in groups],
            "names": names and [*map(str, names)],
        }
    except (AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
        raise ValueError(
            'an optimizer\'s state is a dict {"lr": ..., "state": {index of the parameter: {name: array}}, "groups": '
            '[{"params": indices, settings}, ...], "names": names or None}, as state_dict() gives it; or '
            'PyTorch\'s, {"state": ..., "param_groups": ...}'
        ) from error


def _of_torch(given: Mapping[str, Any]) -> dict[str, Any]:
    """The state of an optimizer of PyTorch in the form of one of ours, which keep most under the same names."""
    groups = [{"params": group["params"], "lr": float(group["lr"])} for group in given["param_groups"]]
    names = [name for group in given["param_groups"] for name in group.get("param_names", ())]
    memories = dict[int, dict[str, Any]]()
    for i, saved in given["state"].items():
        memory = {name: value for name, value in saved.items() if value is not None}
        if "square_avg" in memory:  # RMSprop and Adadelta don't depend on how many steps there were
            memory.pop("step", None)
        elif [*memory] == ["momentum_buffer"]:  # SGD's, which has it from the first step on
            memory["step"] = 1
        memories |= {i: memory} if memory else {}
    return {"lr": groups[0]["lr"], "state": memories, "groups": groups, "names": names}


def _by_name(saved: Sequence[str], here: Sequence[str]) -> dict[int, int]:
    """Where each saved parameter stands here."""
    if sorted(saved) != sorted(here):
        unknown, lacking = {*saved} - {*here}, {*here} - {*saved}
        said = [f"has {named(unknown)}, unknown here"] * bool(unknown) + [f"lacks {named(lacking)}"] * bool(lacking)
        said = said or [f"has {len(saved)} names for {len(here)} parameters"]
        raise ValueError(f"the state is of other parameters: it {', and '.join(said)}")
    places = {name: i for i, name in enumerate(here)}
    return {i: places[name] for i, name in enumerate(saved)}


def _by_identity(marks: Sequence[object], params: Sequence[Tensor]) -> dict[int, int]:
    """The same for Tensors that are those of then; nothing where none of them is."""
    here = {mark: i for i, p in enumerate(params) if (mark := _mark(p)) is not None}
    places = {i: here[mark] for i, mark in enumerate(marks) if mark in here}
    if places and not len(places) == len(marks) == len(params):
        raise ValueError(
            f"the state is of {len(marks)} Tensors, of which {len(places)} are among the {len(params)} here; make the "
            "optimizer of the very same ones, or begin without a state"
        )
    return places


def group_of_each(groups: Sequence[Mapping[str, Any]], here: Sequence[Sequence[int]]) -> list[Mapping[str, Any]]:
    """For each group here the saved one, told by its parameters. Raises ValueError if they are grouped otherwise."""
    saved = {tuple(sorted(group["params"])): group for group in groups}
    then, now = ([*map(sorted, some)] for some in ([group["params"] for group in groups], here))
    if sorted(filter(None, then)) != sorted(filter(None, now)):
        raise ValueError(
            f"the state is of groups of the parameters {then}, but here they are {now}; make the same groups"
        )
    return [saved.get(tuple(places), {}) for places in here]


def restored(i: int, memory: Mapping[str, Any], fresh: dict[str, Any], optimizer: str) -> dict[str, Any]:
    """What was saved of parameter i, in the place of `fresh`, with which it would start."""
    if set(memory) != set(fresh):
        raise ValueError(
            f"the state of parameter {i} has {named(memory)}, but this {optimizer} keeps "
            f"{named(fresh)}: it was saved by another optimizer or with other settings"
        )
    for name, start in fresh.items():
        array = saved_array(f"{name} of parameter {i}", memory[name], np.shape(start))
        if not is_array(start) and not (array >= 0 and array == np.floor(array)):
            raise ValueError(f"{name} of parameter {i} must be a whole number ≥ 0, not {array}")
        fresh[name] = beside(array.astype(start.dtype), start) if is_array(start) else int(array)
    return fresh


def saved_array(what: str, value: Any, shape: tuple[int, ...] = ()) -> Array:
    """A number or array of a saved state, copied; ValueError for what can't be one."""
    try:
        array = np.array(array_from_state(value))
    except ValueError:  # rows of different lengths
        array = np.array(None)
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{what} isn't real numbers, as state_dict() gives them")
    if array.shape != shape:
        raise ValueError(f"{what} has shape {array.shape}, not {shape}; state_dict() gives the right ones")
    return array
