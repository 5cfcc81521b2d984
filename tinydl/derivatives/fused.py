"""What networks want as one operation: a face of activations, attention, normalising, recurrence, softmax, special and
the linear map."""

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
from .attention import masked_softmax, masked_softmax_rule
from .normalising import centred, inverse_rms, inverse_rms_rule, normalise, scale_and_shift
from .products import linear, linear_input, linear_weight, sum_of_products
from .recurrence import gru_step, lstm, lstm_by_steps, lstm_rule, lstm_sequence, lstm_step, rnn_step
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
from .special import erf, normal_cdf, normal_pdf

__all__ = [
    "bounded_log", "celu", "centred", "elu", "erf", "gelu_gate", "gelu_gate_vjp", "gru_step", "hardtanh", "huber",
    "inverse_rms", "inverse_rms_rule", "leaky_relu", "linear", "linear_input", "linear_weight", "log_softmax",
    "log_softmax_rule", "log_softmax_vjp", "logsumexp", "logsumexp_rule", "lstm", "lstm_by_steps", "lstm_rule",
    "lstm_sequence", "lstm_step", "masked_softmax", "masked_softmax_rule", "normal_cdf", "normal_pdf", "normalise",
    "prelu", "relu", "rnn_step", "scale_and_shift", "softmax", "softmax_minus_target", "softmax_rule",
    "softmax_vjp", "softplus", "softplus_rule", "softsign", "sum_of_products", "weighted_cross_entropy",
]  # fmt: skip
