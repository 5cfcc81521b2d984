"""Nonlinear functions as layers: each applies the function of the same name in functional/, where its formula is."""

from __future__ import annotations

from typing import Any

from .. import functional as F
from ..engine.checks import real
from .module import Module


class ReLU(Module):
    """y = max(0, x) (Nair & Hinton 2010); the gradient at 0 is 0."""

    def forward(self, x: Any) -> Any:
        return F.relu(x)


class LeakyReLU(Module):
    """y = x for x > 0, negative_slope · x otherwise (Maas et al. 2013)."""

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = real("LeakyReLU's negative_slope", negative_slope)

    def forward(self, x: Any) -> Any:
        return F.leaky_relu(x, self.negative_slope)


class ELU(Module):
    """y = x for x > 0, alpha · (eˣ − 1) otherwise (Clevert et al. 2016)."""

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = real("ELU's alpha", alpha)

    def forward(self, x: Any) -> Any:
        return F.elu(x, self.alpha)


class GELU(Module):
    """y = x · Φ(x), Φ the normal distribution function, or its approximation by tanh (Hendrycks & Gimpel 2016)."""

    def __init__(self, approximate: str = "none") -> None:
        if approximate not in ("none", "tanh"):
            raise ValueError(f"GELU's approximate must be 'none' or 'tanh', not {approximate!r}")
        self.approximate = approximate

    def forward(self, x: Any) -> Any:
        return F.gelu(x, approximate=self.approximate)


class SiLU(Module):
    """y = x · σ(x), also called swish (Elfwing et al. 2018)."""

    def forward(self, x: Any) -> Any:
        return F.silu(x)


class Sigmoid(Module):
    """y = σ(x) = 1 / (1 + e⁻ˣ)."""

    def forward(self, x: Any) -> Any:
        return F.sigmoid(x)


class Tanh(Module):
    """y = tanh(x)."""

    def forward(self, x: Any) -> Any:
        return F.tanh(x)


class Softplus(Module):
    """y = log(1 + e^(beta·x)) / beta, a smooth relu (Dugas et al. 2001)."""

    def __init__(self, beta: float = 1.0) -> None:
        self.beta = real("Softplus's beta", beta)
        if not self.beta > 0:
            raise ValueError(f"Softplus needs beta > 0, not {beta}")

    def forward(self, x: Any) -> Any:
        return F.softplus(x, beta=self.beta)


class Softmax(Module):
    """yᵢ = e^xᵢ / Σⱼ e^xⱼ along `axis`. Not before cross_entropy, which contains it."""

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def forward(self, x: Any) -> Any:
        return F.softmax(x, axis=self.axis)
