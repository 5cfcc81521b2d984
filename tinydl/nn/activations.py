"""Nonlinear functions as layers: each applies the function of the same name in functional/, where its formula is."""

from __future__ import annotations

from typing import Any

from .. import functional as F
from ..engine.checks import real, whole
from .init import constant_
from .module import Module, parameter


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


class SELU(Module):
    """y = 1.0507 · x for x > 0, 1.0507 · 1.6733 · (eˣ − 1) otherwise (Klambauer et al. 2017)."""

    def forward(self, x: Any) -> Any:
        return F.selu(x)


class CELU(Module):
    """y = x for x > 0, alpha · (e^(x/alpha) − 1) otherwise (Barron 2017)."""

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = real("CELU's alpha", alpha)
        if not self.alpha > 0:
            raise ValueError(f"CELU needs alpha > 0, not {alpha}")

    def forward(self, x: Any) -> Any:
        return F.celu(x, self.alpha)


class PReLU(Module):
    """y = x for x > 0, weight · x otherwise, with a learned weight (He et al. 2015).

    Shapes: x any → the same; weight (num_parameters,): one for all, or one for each channel, which is axis 1.
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25) -> None:
        self.num_parameters, self.init = whole("num_parameters", num_parameters, 1), real("PReLU's init", init)
        self.weight = constant_(parameter(self.num_parameters), self.init)

    def forward(self, x: Any) -> Any:
        return F.prelu(x, self.weight)


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


class Mish(Module):
    """y = x · tanh(log(1 + eˣ)) (Misra 2019)."""

    def forward(self, x: Any) -> Any:
        return F.mish(x)


class Sigmoid(Module):
    """y = σ(x) = 1 / (1 + e⁻ˣ)."""

    def forward(self, x: Any) -> Any:
        return F.sigmoid(x)


class Tanh(Module):
    """y = tanh(x)."""

    def forward(self, x: Any) -> Any:
        return F.tanh(x)


class Hardtanh(Module):
    """y = x limited to min_val … max_val; the gradient on the bounds is 0 (Collobert 2004)."""

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0) -> None:
        self.min_val, self.max_val = real("Hardtanh's min_val", min_val), real("Hardtanh's max_val", max_val)
        if not self.min_val < self.max_val:
            raise ValueError(f"Hardtanh needs min_val < max_val, not {min_val} and {max_val}")

    def forward(self, x: Any) -> Any:
        return F.hardtanh(x, self.min_val, self.max_val)


class Softsign(Module):
    """y = x / (1 + |x|)."""

    def forward(self, x: Any) -> Any:
        return F.softsign(x)


class LogSigmoid(Module):
    """y = log σ(x) = −log(1 + e⁻ˣ)."""

    def forward(self, x: Any) -> Any:
        return F.logsigmoid(x)


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


class LogSoftmax(Module):
    """yᵢ = xᵢ − log Σⱼ e^xⱼ along `axis`. Before nll_loss, not before cross_entropy, which contains it."""

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def forward(self, x: Any) -> Any:
        return F.log_softmax(x, axis=self.axis)
