"""Layers that compute with their weights seen through a mask, or rounded to a grid.

Nothing of this is in the layers. One that is pruned or quantised keeps its parameters under their names, but its
forward *sees* them as `Compressed`, the one place for it, shows them. So any optimizer, and any loop of one's own,
trains what is seen. Read compression.py next, which chooses the masks, and derivatives/quantising.py.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from ..derivatives.elementwise import where
from ..derivatives.quantising import fake_quantised, grid_numbers, grid_scale, levels
from ..engine.arrays import Array, on_host
from ..engine.checks import array_of, kind
from ..engine.recording import computed_plainly, state
from ..engine.tensor import Tensor
from ..nn.embedding import Embedding
from ..nn.keeping import is_computed, running
from ..nn.module import Module, members
from ..nn.normalization import LayerNorm, RMSNorm


class Place(NamedTuple):
    """An attribute of a layer that holds a weight."""

    layer: Module
    name: str
    tensor: Tensor


def weights_of(function: str, model: Any) -> list[Place]:
    """The weights of a model, and all places of those that are shared. Raises TypeError and ValueError."""
    if not isinstance(model, Module):
        raise TypeError(f"{function} takes a model, an nn.Module, not {kind(model)}; the order is (model, …)")
    held = list(_held(model))
    weights = {t for layer, _, t in held if not isinstance(layer, (Embedding, LayerNorm, RMSNorm))}
    if not weights:
        raise ValueError(
            f"{function} found no weights in this {type(model).__name__}: no parameter of two or more axes outside of "
            "Embedding and norms"
        )
    return [place for place in held if place.tensor in weights]


def _held(model: Module) -> Iterator[Place]:
    for layer in model.modules():
        for name, holder, key, value in members(layer):
            if not isinstance(value, Tensor) or value.ndim < 2 or value._data.dtype.kind != "f" or is_computed(value):
                continue
            if holder is not vars(layer):
                raise ValueError(
                    f"{name} of {type(layer).__name__} is a weight inside a {type(holder).__name__}, which can't be "
                    "seen through a mask; give each weight an attribute, or a layer, of its own"
                )
            yield Place(layer, key, value)


def mask_of(place: Place) -> Array | None:
    """Which of its weights are left; None if it wasn't pruned."""
    mask: Array | None = vars(place.layer).get(f"{place.name}_mask")
    return mask if isinstance(place.layer, Compressed) else None


# ---- how a forward sees them ----


class _Here(threading.local):
    def __init__(self) -> None:
        self.seen: dict[tuple[int, str, bool], tuple[Tensor, int, Any]] = {}  # what the forwards that run have seen


_here = _Here()


class Compressed(Module):
    """A layer whose forward sees its weights through their masks, and rounded; all others see them as they are.

    `see_through` makes a layer one, by making its class one of a class that is this and the layer's own, of which it
    has the name. That class has an attribute of its own for each weight, `Seen`, which Python asks before the layer's.
    """

    kind: type[Module]
    names: tuple[str, ...] = ()
    _bits: int | None = None

    def forward(self, *inputs: Any, **options: Any) -> Any:
        try:
            return super().forward(*inputs, **options)
        finally:
            for key in [key for key in _here.seen if key[0] == id(self)]:
                del _here.seen[key]

    def seen(self, name: str) -> Any:
        """A weight as the forward sees it."""
        w = self._masked(name)
        if self._bits is not None:
            scale = computed_plainly(grid_scale, array_of(w), self._bits, self.output_axis)
            w = fake_quantised(w, scale, levels(self._bits))
        return w

    def _masked(self, name: str) -> Any:
        w, mask = vars(self)[name], vars(self).get(f"{name}_mask")
        return w if mask is None else where(mask, w, 0)

    def integers(self, name: str) -> tuple[Array, Array] | None:
        """A weight as int8, and the scales that make of it what the forward sees; None if it isn't quantised."""
        if self._bits is None or name not in self.names:
            return None
        w = on_host(array_of(self._masked(name)))
        scale = grid_scale(w, self._bits, self.output_axis)
        return grid_numbers(w, scale, levels(self._bits)).astype(np.int8), scale

    @property
    def output_axis(self) -> int:
        """Which axis of a weight belongs to the outputs."""
        return int(getattr(self, "transposed", False))

    def extra_repr(self) -> str:
        masks = [vars(self)[f"{name}_mask"] for name in self.names if f"{name}_mask" in vars(self)]
        left = sum(int(mask.sum()) for mask in masks), sum(mask.size for mask in masks)
        said = [super().extra_repr(), f"weights left={left[0]}/{left[1]}" if masks else ""]
        return ", ".join(filter(None, [*said, "" if self._bits is None else f"bits={self._bits}"]))

    def __reduce_ex__(self, protocol: Any) -> Any:
        made = super().__reduce_ex__(protocol)
        return (_anew, (self.kind, self.names), *made[2:])


class Seen:
    """A weight of a layer, as an attribute of its class."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, layer: Any, kind: Any = None) -> Any:
        if layer is None:
            return self
        own = _own(layer, self.name)
        if not running.modules or own.__class__ is not Tensor:
            return own
        if not any(module is layer for module in running.modules):  # another's forward looks at it, as tied weights do
            return layer.seen(self.name)
        key = id(layer), self.name, state.recording
        before = _here.seen.get(key)
        if before is None or before[0] is not own or before[1] != own.stamp:
            _here.seen[key] = before = own, own.stamp, layer.seen(self.name)
        return before[2]

    def __set__(self, layer: Any, value: Any) -> None:
        vars(layer)[self.name] = value

    def __delete__(self, layer: Any) -> None:
        _own(layer, self.name)
        del vars(layer)[self.name]


def _own(layer: Any, name: str) -> Any:
    if name not in vars(layer):
        raise AttributeError(f"this {type(layer).__name__} has no {name}")
    return vars(layer)[name]


def see_through(place: Place) -> None:
    """Make the layer one whose forward sees this weight through its mask, and with as many bits as the layer has."""
    layer = place.layer
    of, names = (layer.kind, layer.names) if isinstance(layer, Compressed) else (type(layer), ())
    layer.__class__ = _compressed(of, tuple(dict.fromkeys([*names, place.name])))


_classes: dict[tuple[type[Module], tuple[str, ...]], type[Compressed]] = {}


def _compressed(of: type[Module], names: tuple[str, ...]) -> type[Compressed]:
    """The class of such layers; always the same one, so that a copy is of its original's type."""
    if (of, names) not in _classes:
        same = {name: getattr(of, name) for name in ("__module__", "__qualname__", "__doc__")}
        own = {**same, "kind": of, "names": names, **{name: Seen(name) for name in names}}
        _classes[of, names] = type(of.__name__, (Compressed, of), own)
    return _classes[of, names]


def _anew(of: type[Module], names: tuple[str, ...]) -> Module:
    made = _compressed(of, names)
    return made.__new__(made)
