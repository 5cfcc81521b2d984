"""What all optimizers share: groups of parameters, the learning rate, the state of each parameter, and the step.

Stands on groups.py (what an optimizer is given), state.py (what is saved of it) and the engine. Read sgd.py next, then
adaptive.py; training/fit.py calls them in a loop.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..engine.arrays import Array, on_host
from ..engine.checks import kind
from ..engine.recording import special, state
from ..engine.tensor import Tensor, next_stamp
from .groups import Trainable, checked, groups_of, in_range, named
from .state import State, arranged, group_of_each, restored, saved_array

Parameters = Iterable[Tensor]


class Setting:
    """A setting as an attribute of an optimizer, which says so at its top.

    What is read is the first group's; what is assigned becomes every group's.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, optimizer: Any, owner: type | None = None) -> Any:
        return self if optimizer is None else optimizer.groups[0][self.name]

    def __set__(self, optimizer: Any, value: Any) -> None:
        for group in optimizer.groups:
            group[self.name] = checked(type(optimizer).__name__, self.name, value)


class Optimizer:
    """What all optimizers share: the parameters, the learning rate `lr`, and one dict of arrays per parameter.

    It takes parameters, parameters with their names, or groups of either with settings of their own:

        optim.Adam(model.parameters(), lr=1e-3)
        optim.Adam(model.named_parameters(), lr=1e-3)
        optim.Adam([{"params": model[0].parameters()}, {"params": model[2].parameters(), "lr": 1e-2}], lr=1e-3)

    `params` are all parameters in order, `names` their names or None, `groups` a dict for each group (one, if none were
    given) of its "params" and of all settings: those of the constructor, where the group has none of its own. What is
    written into it counts from the next step on. A setting is also an attribute: read, it is the first group's;
    assigned, it becomes every group's, but `lr` keeps the proportions. `weight_decay` λ adds λ·θ to each gradient,
    which then is that of the loss plus λ/2 · ‖θ‖². With `maximize` a step goes up instead of down: g becomes −g before
    λ·θ is added.

    A step skips parameters without a gradient and those frozen by ``requires_grad = False``. Raises, when made:
    ValueError for no parameters, for none that requires a gradient, for a computed Tensor, a parameter in two groups, a
    name given twice, and for settings unknown or out of their range; TypeError for what isn't a Tensor, and for forms
    that are mixed.
    """

    weight_decay = Setting()
    maximize = Setting()
    _decay_is_of_the_loss = True  # whether weight decay is added to the gradient; AdamW's isn't

    def __init__(self, params: Trainable, lr: float, **settings: Any) -> None:
        groups, self.names = groups_of(params, type(self).__name__)
        self._defaults = self._checked({"lr": lr, "weight_decay": 0.0, "maximize": False, **settings})
        self.groups = [self._complete(group) for group in groups]
        self.params: list[Tensor] = [p for group in groups for p in group["params"]]
        self._state: list[dict[str, Any] | None] = [None] * len(self.params)  # None: not stepped yet
        largest: dict[Any, Tensor] = {}
        for p in self.params:
            largest[_kind(p)] = max(largest.get(_kind(p), p), p, key=lambda p: p._data.size)
        scratch = {of: np.empty((2, p._data.size), working_dtype(p._data), like=p._data) for of, p in largest.items()}
        self._rows: list[list[tuple[int, Tensor, Array, Array]]] = [[] for _ in groups]  # with two scratch arrays each
        number = {p: i for i, p in enumerate(self.params)}
        for rows, group in zip(self._rows, groups, strict=True):
            for p in group["params"]:
                a, b = (row[: p._data.size].reshape(p._data.shape) for row in scratch[_kind(p)])
                rows.append((number[p], p, a, b))
        self._seen = self._copied_groups()
        self.aims, self.warmth = list[float](), 1.0  # schedules': each group's lr without a warm-up, and its factor

    @property
    def lr(self) -> float:
        """The first group's learning rate, ≥ 0: how far a step goes. Set, it scales those of the others in proportion.

        To a first one of 0 there is no proportion: in several groups ValueError then asks to set each group's "lr".
        """
        return float(self.groups[0]["lr"])

    @lr.setter
    def lr(self, value: float) -> None:
        rates = self._in_proportion([float(group["lr"]) for group in self.groups], value)
        for group, rate in zip(self.groups, rates, strict=True):
            group["lr"] = rate

    def _in_proportion(self, rates: list[float], value: Any) -> list[float]:
        """These rates, scaled so that the first is `value`."""
        kind, (old, *others) = type(self).__name__, rates
        first = in_range(kind, "lr", value)
        if first == old:
            return rates
        if others and not old:
            raise ValueError(
                f"the first group's lr of this {kind} is 0, to which the others have no proportion; set each group's: "
                f'optimizer.groups[0]["lr"] = {first:g}'
            )
        return [first, *(in_range(kind, "lr", rate * (first / old)) for rate in others)]

    # ---- settings ----

    def _checked(self, settings: dict[str, Any]) -> dict[str, Any]:
        """A group's settings in the form that `_update` computes with. Raises for what is out of its range."""
        return {name: checked(type(self).__name__, name, value) for name, value in settings.items()}

    def _complete(self, group: Mapping[str, Any]) -> dict[str, Any]:
        """A group with all settings: the constructor's, where it has none of its own."""
        own = {name: value for name, value in group.items() if name != "params"}
        if unknown := own.keys() - self._defaults.keys():
            kind, known = type(self).__name__, named(self._defaults)
            raise ValueError(f"{kind} has no setting {named(unknown)}; a group of its parameters may have {known}")
        return {"params": [*group["params"]], **self._checked({**self._defaults, **own})}

    def settle(self) -> None:
        """Check what was written into the groups since the last step as what the constructor was given."""
        if self.groups == self._seen:
            return
        given = [[*map(id, group.get("params", []))] for group in self.groups]
        if given != [[id(p) for _, p, _, _ in rows] for rows in self._rows]:
            raise ValueError(
                f"groups or parameters of this {type(self).__name__} were changed, but its state belongs to those that "
                "it was made with; make a new one for others"
            )
        for group, seen, rows in zip(self.groups, self._seen, self._rows, strict=True):
            group |= self._complete(group)
            if any(group[name] != seen[name] for name in self._defaults if name != "lr"):
                for i, _, a, _ in rows:  # with momentum, say, more is kept of a parameter than without
                    if (memory := self._state[i]) is not None:
                        self._state[i] = {name: memory.get(name, x) for name, x in self._start(a, group).items()}
        self._seen = self._copied_groups()

    def _copied_groups(self) -> list[dict[str, Any]]:
        return [{**group, "params": [*group["params"]]} for group in self.groups]

    # ---- learning ----

    def _start(self, p: Array, group: dict[str, Any]) -> dict[str, Any]:
        """The state of a parameter before its first step, of the shape and dtype of `p`."""
        return {}

    def _update(self, p: Array, g: Array, state: dict[str, Any], group: dict[str, Any], a: Array, b: Array) -> None:
        """Change θ = `p` in place with the settings of its group.

        `a` and `b` are scratch arrays of its shape, `b` after the last use of `g` only.
        """
        raise NotImplementedError

    def step(self) -> None:
        """Update every parameter that has a gradient, in place. A later backward through an older graph raises."""
        self.settle()
        if special.count:
            for observer in state.observers:
                observer.optimizer_stepping(self)
        update, memories = self._update, self._state
        for group, rows in zip(self.groups, self._rows, strict=True):
            decay, up = group["weight_decay"] if self._decay_is_of_the_loss else 0.0, group["maximize"]
            for i, p, a, b in rows:
                grad = p.grad
                if grad is None or not p._requires_grad:
                    continue
                if grad.__class__ is not Tensor:
                    raise ValueError(_bad_gradient(p, grad, a))
                g = grad._data
                if g.shape != a.shape or g.__class__ is not a.__class__:
                    raise ValueError(_bad_gradient(p, grad, a))
                memory = memories[i]
                if memory is None:
                    memory = memories[i] = self._start(a, group)
                if g.dtype is not a.dtype:
                    g = g.astype(a.dtype)
                if decay:
                    g = (np.subtract if up else np.add)(np.multiply(p._data, decay, b, dtype=b.dtype), g, b)
                elif up:
                    g = np.negative(g, b)
                update(p._data, g, memory, group, a, b)
                p.stamp = next_stamp()
        if special.count:
            for observer in state.observers:
                observer.optimizer_stepped(self)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients: set every parameter's `grad` to None. ValueError for ``set_to_none=False``."""
        if not set_to_none:
            raise ValueError("set_to_none=False isn't taken: a gradient that is forgotten is None; leave it out")
        for p in self.params:
            p.grad = None
        if special.count:
            for observer in state.observers:
                observer.forgotten(self.params)

    # ---- state ----

    def state_dict(self) -> dict[str, Any]:
        """All that a resumed run needs: {"lr", "state", "groups", "names"}, a copy.

        "lr" is the first group's; "state" {index of the parameter: {name: array}}, without those that had no step yet;
        "groups" [{"params": [indices], and the group's settings}]; "names" the parameters' names, or None.
        """
        self.settle()
        kept = {i: memory for i, memory in enumerate(self._state) if memory}
        copies = {i: {name: np.array(on_host(value)) for name, value in memory.items()} for i, memory in kept.items()}
        groups = [{**group, "params": own} for group, own in zip(self.groups, self._places(), strict=True)]
        names = self.names and [*self.names]
        return State({"lr": self.lr, "state": copies, "groups": groups, "names": names}, self.params)

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on where an optimizer of the same kind and parameters stood; then the next steps are the same to the bit.

        Where both have names, each parameter gets the state of its name, whatever the order. Without names, or with the
        state's "names" set to None, the order counts; but in the program that made the state each Tensor that it is of
        gets its own. The rates become those of the state, the other settings stay as they are here. Raises ValueError,
        and changes nothing, if the state belongs to another kind, to other parameters, or to other groups of them.
        The state of PyTorch's optimizer of the same name is taken, too.
        """
        kind, given = type(self).__name__, arranged(state_dict, self.names, self.params)
        lr, rates = float(saved_array("lr", given["lr"])), [group["lr"] for group in self.groups]
        if saved := given["groups"]:
            if unknown := {name for group in saved for name in group} - self._seen[0].keys():
                raise ValueError(
                    f"the state has the setting {named(unknown)}, which {kind} lacks: it was saved by another "
                    "optimizer or with other settings"
                )
            own = [float(saved_array(f"lr of group {i}", group.get("lr", lr))) for i, group in enumerate(saved)]
            own = [in_range(kind, "lr", rate) for rate in own]
            if own[0] != in_range(kind, "lr", lr):
                raise ValueError(
                    f'the state\'s "lr" is {lr:g}, but that of its first group is {own[0]:g}; change both or neither, '
                    "or set optimizer.lr when it is loaded"
                )
            saved = [{**group, "lr": rate} for group, rate in zip(saved, own, strict=True)]
            found = group_of_each(saved, self._places())
            rates = [group.get("lr", rate) for group, rate in zip(found, rates, strict=True)]
        else:
            rates = self._in_proportion(rates, lr)
        begun = {i: (a, group) for group, rows in zip(self.groups, self._rows, strict=True) for i, _, a, _ in rows}
        made: list[dict[str, Any] | None] = [None] * len(self.params)
        for i, memory in given["state"].items():
            if i not in begun:
                raise ValueError(f"the state is of parameter {i}, but {kind} has {len(self.params)} here")
            made[i] = restored(i, memory, self._start(*begun[i]), kind)
        self._state = made
        for group, rate in zip(self.groups, rates, strict=True):
            group["lr"] = rate

    def _places(self) -> list[list[int]]:
        """The indices of each group's parameters."""
        return [[i for i, *_ in rows] for rows in self._rows]

    def __repr__(self) -> str:
        groups = f" in {len(self.groups)} groups" if len(self.groups) > 1 else ""
        return f"{type(self).__name__}({len(self.params)} parameters{groups}, lr={self.lr:g})"


def _bad_gradient(p: Tensor, grad: Any, scratch: Array) -> str:
    if isinstance(grad, Tensor) and grad._data.shape == scratch.shape:
        if p._data.__class__ is scratch.__class__:
            there, here = type(grad._data).__module__.partition(".")[0], type(scratch).__module__.partition(".")[0]
            return (
                f"the grad of a parameter of shape {p._data.shape} is an array of {there}, but the parameter one of "
                f"{here}; set p.grad = None and call backward() anew"
            )
        return (
            f"a parameter of shape {p._data.shape} was moved after this optimizer was made, whose state stayed where "
            "it was. Make the optimizer after model.to(…); new.load_state_dict(old.state_dict()) hands its state over"
        )
    given = f"of shape {grad._data.shape}" if isinstance(grad, Tensor) else kind(grad)
    return f"the grad of a parameter of shape {p._data.shape} must be a Tensor of that shape, but it is {given}"


def working_dtype(x: Array) -> np.dtype[Any]:
    """The dtype to compute in: half precision has no room for squares of gradients, for ε nor for a small factor."""
    return np.result_type(x.dtype, np.float32)


def _kind(p: Tensor) -> Any:
    """What parameters that share scratch arrays have in common."""
    return working_dtype(p._data), p._data.__class__
