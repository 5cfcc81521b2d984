"""Whole units and channels taken out of a network, so that what is left is smaller and quicker for real.

A hidden layer is one that another reads: its rows go, and with them what the layers up to the next one know of them,
and the next one's columns. Read compressed.py next, by which single weights go.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from .. import nn
from ..engine.arrays import Array, on_host
from ..engine.checks import array_of, is_real, kind, whole
from ..engine.tensor import Tensor, tensor
from ..nn.module import Module, members
from ..nn.normalization import BatchNorm
from .compressed import Compressed

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.ConvTranspose1d, nn.ConvTranspose2d)
_EACH = (  # what computes with each number by itself, or with each unit or channel
    nn.ReLU, nn.LeakyReLU, nn.ELU, nn.SELU, nn.CELU, nn.PReLU, nn.GELU, nn.SiLU, nn.Mish, nn.Sigmoid, nn.Tanh,
    nn.Hardtanh, nn.Softsign, nn.LogSigmoid, nn.Softplus, nn.Dropout, nn.Identity, nn.Flatten, BatchNorm,
)  # fmt: skip
_OF_CHANNELS = (
    nn.Dropout2d, nn.MaxPool1d, nn.MaxPool2d, nn.AvgPool1d, nn.AvgPool2d, nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d,
)  # fmt: skip
_TAKEN = "Linear, convolutions, BatchNorm, activations of each element, Dropout, pooling and Flatten"


def shrink(model: Any, keep: Any) -> Any:
    r"""A smaller model of the same class, with the most important units of each hidden layer; the old one stays.

    Units of Linear and channels of convolutions are taken out whole, with all that other layers know of them: it is
    quicker for real, which zeros among the weights are not. `keep` is how many each hidden layer keeps, a fraction in
    0 … 1 or a whole number (a layer that has fewer keeps all), or a list of them, one for each hidden layer. What goes
    in and what comes out of the model keep their sizes. Most important are the units with the largest

    .. math:: \sqrt{\|w_\text{in}\|^2 + b^2} \cdot \|w_\text{out}\|

    of incoming weights and bias and of outgoing weights; where a BatchNorm follows, its weight and bias stand for the
    incoming ones, whose size it takes away. Of equal ones the first stay. A unit whose outgoing weights are 0, or whose
    incoming ones are 0 under an activation that is 0 at 0, can go without any answer changing; after others train on.

    >>> model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
    >>> tl.compress.shrink(model, 0.25)
    Sequential(
      (0): Linear(in_features=64, out_features=32, bias=True)
      (1): ReLU()
      (2): Linear(in_features=32, out_features=10, bias=True)
    )

    The model is a Sequential, also of Sequentials. Between its first and last Linear or convolution there may be
    convolutions, BatchNorm, activations of each element, Dropout, pooling and Flatten; before and after, anything.
    Masks of `prune` are cut too. Raises TypeError for another model, ValueError for other layers (LayerNorm and its kin
    look at all units together), grouped convolutions, layers or weights that are used twice, a `keep` that leaves
    nothing, and a model without a hidden layer. Li et al., arXiv:1608.08710, 2017.
    """
    if not isinstance(model, Module) or _kind(model) is not nn.Sequential:
        raise TypeError(
            f"shrink takes an nn.Sequential of {_TAKEN}, not {kind(model)}, since it must know what reads what; if "
            "that is inside, shrink it there: model.layers = tl.compress.shrink(model.layers, …)"
        )
    small = copy.deepcopy(model)
    hidden = _hidden(list(_chain("", small)))
    widths = [layer.units for layer in hidden]
    kept = [layer.best(n) for layer, n in zip(hidden, _counts(keep, widths), strict=True)]
    for layer, index in zip(hidden, kept, strict=True):
        layer.cut(index)
    return small


def _counts(keep: Any, widths: list[int]) -> list[int]:
    """How many units each hidden layer keeps. Raises TypeError and ValueError."""
    each = list(keep) if isinstance(keep, (list, tuple)) else [keep] * len(widths)
    if len(each) != len(widths):
        raise ValueError(f"keep has {len(each)} entries, but there are {len(widths)} hidden layers, of {widths} units")
    return [_count(k, n) for k, n in zip(each, widths, strict=True)]


def _count(keep: Any, units: int) -> int:
    if is_real(keep) and not isinstance(keep, (int, np.integer)):
        if not 0 <= keep <= 1:
            raise ValueError(f"keep is a fraction from 0 to 1 or a whole number of units, not {keep}")
        number = round(keep * units)
    else:
        number = whole("keep", keep, 0)
    if not number:
        raise ValueError(f"keep={keep} leaves nothing of a hidden layer of {units} units; it needs one at least")
    return int(number)


# ---- the layers, one after another ----


class _Named(NamedTuple):
    path: str
    layer: Any

    def __str__(self) -> str:
        return f"layer {self.path} ({type(self.layer).__name__})"


def _kind(layer: Module) -> type[Module]:
    """The class whose forward it is, beneath masks and bits."""
    classes = (layer.kind if isinstance(layer, Compressed) else type(layer)).__mro__
    return next(c for c in classes if "forward" in vars(c))


def _chain(path: str, layer: Any) -> Iterator[_Named]:
    if _kind(layer) is not nn.Sequential:
        yield _Named(path, layer)
        return
    for name, inner in vars(layer).items():
        if isinstance(inner, Module):
            yield from _chain(f"{path}.{name}" if path else name, inner)


def _hidden(chain: list[_Named]) -> list[_Hidden]:
    """The hidden layers. Raises ValueError for what can't be shrunk."""
    many = [i for i, (_, layer) in enumerate(chain) if _kind(layer) in (nn.Linear, *_CONVOLUTIONS)]
    if len(many) < 2:
        raise ValueError("there is no hidden layer to shrink: none whose units another Linear or convolution reads")
    used = Counter(id(value) for _, layer in chain for _, _, _, value in members(layer))
    if used and max(used.values()) > 1:
        raise ValueError("a layer or weight that is used twice can't lose units in one place alone; give each its own")
    return [_Hidden(chain[i], chain[i + 1 : j], chain[j]) for i, j in pairwise(many)]


class _Hidden:
    """A layer, what follows it and the layer that reads it."""

    def __init__(self, first: _Named, between: list[_Named], last: _Named) -> None:
        self.first, self.last = first.layer, last.layer
        self.of_channels, flat = _kind(self.first) in _CONVOLUTIONS, False
        self.units = int(self.first.out_channels if self.of_channels else self.first.out_features)
        self.followers: list[tuple[Any, bool]] = []  # layers that know the units, and whether after a Flatten
        for named in (first, last):
            if getattr(named.layer, "groups", 1) != 1:
                raise ValueError(f"{named} has groups, whose channels can't be taken out one by one")
        for named in between:
            layer, of = named.layer, _kind(named.layer)
            if of not in _EACH and not (of in _OF_CHANNELS and self.of_channels and not flat):
                raise ValueError(
                    f"shrink can't take units out before {named}; between the first and last weights it takes {_TAKEN}"
                )
            if of is nn.Flatten:
                if (layer.start_dim, layer.end_dim) != (1, -1):
                    raise ValueError(f"{named} should join all axes but the first: write nn.Flatten()")
                flat = True
            size = getattr(layer, "num_features", getattr(layer, "num_parameters", 1))
            if size > 1 or of is BatchNorm:
                self._refuse_other(named, size, flat)
                self.followers.append((layer, flat))
        reads_channels = _kind(self.last) in _CONVOLUTIONS
        if reads_channels != (self.of_channels and not flat):
            raise ValueError(f"{last} doesn't read the units of {first}; of images write nn.Flatten() before a Linear")
        self._refuse_other(last, self.last.in_channels if reads_channels else self.last.in_features, flat)
        self.flat, self.input_axis = flat, 1 - _transposed(self.last)

    def _refuse_other(self, named: _Named, size: int, flat: bool) -> None:
        if size % self.units or (size != self.units and not flat):
            raise ValueError(f"{named} reads {size} numbers, which aren't those of the {self.units} units before it")

    def _places(self, index: Array, size: int) -> Array:
        """Where the units of this index are among as many numbers: after a Flatten each has several places."""
        if self.of_channels:
            return (index[:, None] * (size // self.units) + np.arange(size // self.units)).ravel()
        return (np.arange(size // self.units)[:, None] * self.units + index).ravel()

    def best(self, number: int) -> Array:
        """The units that stay, in their order."""
        into = np.moveaxis(_seen(self.first, "weight"), _transposed(self.first), 0).reshape(self.units, -1)
        incoming = _together(np.linalg.norm(into, axis=1), _seen(self.first, "bias"))
        for layer, flat in self.followers:
            if _kind(layer) is BatchNorm and layer.weight is not None and not flat:
                incoming = _together(np.abs(_seen(layer, "weight")), _seen(layer, "bias"))
        out = np.moveaxis(_seen(self.last, "weight"), self.input_axis, 0)
        out = out[self._places(np.arange(self.units), len(out))]
        order = (self.units, -1) if self.of_channels else (-1, self.units)
        each = np.linalg.norm(out.reshape(len(out), -1), axis=1).reshape(order)
        outgoing = np.linalg.norm(each, axis=1 if self.of_channels else 0)
        return np.sort(np.argsort(-incoming * outgoing, kind="stable")[:number])

    def cut(self, index: Array) -> None:
        """Leave the units of this index alone."""
        _cut(self.first, "weight", _transposed(self.first), index)
        _cut(self.first, "bias", 0, index)
        setattr(self.first, "out_channels" if self.of_channels else "out_features", len(index))
        for layer, _ in self.followers:
            width = "num_features" if _kind(layer) is BatchNorm else "num_parameters"
            places = self._places(index, getattr(layer, width))
            for name in ("weight", "bias", "running_mean", "running_var"):
                _cut(layer, name, 0, places)
            setattr(layer, width, len(places))
        width = "in_channels" if _kind(self.last) in _CONVOLUTIONS else "in_features"
        places = self._places(index, getattr(self.last, width))
        _cut(self.last, "weight", self.input_axis, places)
        setattr(self.last, width, len(places))


def _transposed(layer: Any) -> int:
    """The axis of a weight that belongs to the outputs."""
    return int(getattr(layer, "transposed", False))


def _seen(layer: Any, name: str) -> Any:
    """A parameter as an array, zeros where it is masked; None if there is none."""
    p, mask = vars(layer)[name], vars(layer).get(f"{name}_mask")
    if p is None:
        return None
    array = on_host(array_of(p))
    return array if mask is None else np.where(on_host(mask), array, 0)


def _together(norm: Any, bias: Any) -> Any:
    return norm if bias is None else np.hypot(norm, bias)


def _cut(layer: Any, name: str, axis: int, index: Array) -> None:
    for key in (name, f"{name}_mask"):
        value = vars(layer).get(key)
        if value is None:
            continue
        left = np.take(array_of(value), index, axis)
        vars(layer)[key] = tensor(left, requires_grad=value.requires_grad) if isinstance(value, Tensor) else left
