"""What networks want as one operation: a face of activations, softmax, normalising, special and the linear map."""

from .activations import (
    celu,
    elu,
    gelu_gate,
    gelu_gate_vjp,
    hardtanh,
    leaky_relu,
    prelu,
    relu,
    softplus,
    softplus_rule,
    softsign,
)
from .normalising import centred, inverse_rms, inverse_rms_rule, normalise, scale_and_shift
from .products import linear, linear_input, linear_weight, sum_of_products
from .softmax import (
    bounded_log,
    huber,
    log_softmax,
    log_softmax_rule,
    log_softmax_vjp,
    logsumexp,
    logsumexp_rule,
    softmax,
    softmax_minus_target,
    softmax_rule,
    softmax_vjp,
    weighted_cross_entropy,
)
from .special import erf, normal_cdf

__all__ = [
    "bounded_log", "celu", "centred", "elu", "erf", "gelu_gate", "gelu_gate_vjp", "hardtanh", "huber", "inverse_rms",
    "inverse_rms_rule", "leaky_relu", "linear", "linear_input", "linear_weight", "log_softmax", "log_softmax_rule",
    "log_softmax_vjp", "logsumexp", "logsumexp_rule", "normal_cdf", "normalise", "prelu", "relu", "scale_and_shift",
    "softmax", "softmax_minus_target", "softmax_rule", "softmax_vjp", "softplus", "softplus_rule", "softsign",
    "sum_of_products", "weighted_cross_entropy",
]  # fmt: skip
