"""The affine layer, and the layer that does nothing. Stands on functional/; read activations.py next."""

from __future__ import annotations

import math
from typing import Any

from .. import functional as F
from ..engine.checks import whole
from ..engine.tensor import Tensor
from . import init
from .module import Module, parameter


class Linear(Module):
    r"""An affine map, :math:`y = x W^\top + b`.

    Shapes: x (..., in_features) → y (..., out_features); weight (out_features, in_features); bias (out_features,).
    Both start uniform on ±1/√in_features, as in PyTorch (LeCun et al. 1998, up to a factor √3). Raises ValueError,
    with both shapes, for an x whose last axis isn't in_features long.
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        self.in_features = whole("in_features", in_features, 1)
        self.out_features = whole("out_features", out_features, 1)
        bound = 1 / math.sqrt(in_features)
        self.weight = init.uniform_(parameter(out_features, in_features), -bound, bound)
        self.bias = init.uniform_(parameter(out_features), -bound, bound) if bias else None

    def forward(self, x: Any) -> Tensor:
        y: Tensor = F.linear(x, self.weight, self.bias)
        return y

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Identity(Module):
    """y = x: a place-holder that can be put where a layer was."""

    def forward(self, x: Any) -> Any:
        return x
