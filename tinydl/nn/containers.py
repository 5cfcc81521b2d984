"""Layers one after another, and the layer that makes rows of images. Read optim/ next, which trains them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from .keeping import attributes
from .module import Module


class Sequential(Module):
    """The composition of layers, y = fₙ(… f₂(f₁(x))): ``Sequential(Linear(64, 10), ReLU())``.

    The layers' names are "0", "1", …, or the keys of a dict given instead. `model[1]`, `model["name"]`, slices (which
    share the layers), len, iteration, `append` and assignment to `model[1]` work. Raises TypeError for what is no
    Module.
    """

    def __init__(self, *layers: Module | Mapping[str, Module]) -> None:
        for layer in layers:
            if isinstance(layer, Mapping):
                for name, named in layer.items():
                    self._put(name, named)
            else:
                self.append(layer)

    def forward(self, x: Any) -> Any:
        for layer in self:
            x = layer(x)
        return x

    def append(self, layer: Any) -> Sequential:
        """Add a layer at the end, named by the first number from len(self) on that is free."""
        number = len(self)
        while str(number) in vars(self):
            number += 1
        self._put(str(number), layer)
        return self

    def _put(self, name: str, layer: Any) -> None:
        _refuse_no_layer(name, layer)
        if not isinstance(name, str) or not name or "." in name or name.startswith("_") or hasattr(type(self), name):
            raise ValueError(
                f"{name!r} can't be a layer's name: a string, without dots, and none of Sequential's methods"
            )
        if name in vars(self):
            raise ValueError(f"this Sequential has a {name!r} already")
        self._set(name, layer)

    def _set(self, name: str, layer: Module) -> None:
        vars(self)[name] = layer
        attributes.assigned += 1

    def _names(self) -> list[str]:
        return [name for name, value in vars(self).items() if isinstance(value, Module)]

    def _name(self, index: int | str) -> str:
        names = self._names()
        if isinstance(index, str):
            if index not in names:
                raise KeyError(f"no layer {index!r}; there are {', '.join(names)}")
            return index
        if not -len(names) <= index < len(names):
            raise IndexError(f"layer {index} of a Sequential with {len(names)} layers")
        return names[index]

    def __len__(self) -> int:
        return len(self._names())

    def __iter__(self) -> Iterator[Module]:
        return iter([value for value in vars(self).values() if isinstance(value, Module)])

    def __getitem__(self, index: int | str | slice) -> Any:
        if isinstance(index, slice):
            return Sequential({name: vars(self)[name] for name in self._names()[index]})
        return vars(self)[self._name(index)]

    def __setitem__(self, index: int | str, layer: Module) -> None:
        _refuse_no_layer(index, layer)
        self._set(self._name(index), layer)


def _refuse_no_layer(name: int | str, layer: Any) -> None:
    if not isinstance(layer, Module):
        a_class = isinstance(layer, type)
        advice = f"write {layer.__name__}(...)" if a_class else "write a class with a forward, such as nn.ReLU()"
        if isinstance(layer, (list, tuple, Iterator)):
            advice = "unpack it: nn.Sequential(*layers)"
        raise TypeError(f"Sequential takes layers (Modules), not {layer!r} as layer {name}; {advice}")


class Flatten(Module):
    """Joins the axes start_dim … end_dim into one: (32, 8, 8) → (32, 64) with the defaults.

    Raises ValueError where x has no such axes, or start_dim comes after end_dim.
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim, self.end_dim = int(start_dim), int(end_dim)

    def forward(self, x: Any) -> Any:
        x = np.asarray(x) if isinstance(x, (list, tuple)) else x
        shape, n = x.shape, x.ndim
        first, last = (d + n if d < 0 else d for d in (self.start_dim, self.end_dim))
        if not 0 <= first <= last < n:
            raise ValueError(f"Flatten({self.start_dim}, {self.end_dim}) can't join axes of x of shape {shape}")
        return x.reshape((*shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :]))
