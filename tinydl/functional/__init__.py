"""Activations and losses as functions, by PyTorch's names, with its argument order and defaults."""

import numpy as np

from ..derivatives.activations import elu, leaky_relu, relu, softsign
from ..derivatives.elementwise import sigmoid
from ..derivatives.softmax import log_softmax, logsumexp, softmax
from ..derivatives.special import erf
from ..engine.names import answers
from .activations import (
    celu,
    dropout,
    dropout2d,
    gelu,
    hardtanh,
    linear,
    logsigmoid,
    mish,
    prelu,
    selu,
    silu,
    softplus,
    tanh,
)
from .attention import scaled_dot_product_attention
from .convolution import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_max_pool2d,
    avg_pool1d,
    avg_pool2d,
    conv1d,
    conv2d,
    conv_transpose1d,
    conv_transpose2d,
    max_pool1d,
    max_pool2d,
)
from .losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    distillation_loss,
    huber_loss,
    kl_div,
    l1_loss,
    mse_loss,
    nll_loss,
    one_hot,
    smooth_l1_loss,
)
from .names import FUNCTIONS
from .normalization import batch_norm, group_norm, layer_norm, rms_norm

__all__ = [
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_max_pool2d", "avg_pool1d", "avg_pool2d", "batch_norm",
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "celu", "conv1d", "conv2d", "conv_transpose1d",
    "conv_transpose2d", "cross_entropy", "distillation_loss", "dropout", "dropout2d", "elu", "erf", "gelu",
    "group_norm", "hardtanh", "huber_loss", "kl_div", "l1_loss", "layer_norm", "leaky_relu", "linear",
    "log_softmax", "logsigmoid", "logsumexp", "max_pool1d", "max_pool2d", "mish", "mse_loss", "nll_loss", "one_hot",
    "prelu", "relu", "rms_norm", "scaled_dot_product_attention", "selu", "sigmoid", "silu", "smooth_l1_loss",
    "softmax", "softplus", "softsign", "tanh",
]  # fmt: skip

__getattr__, __dir__ = answers(__name__, __all__, FUNCTIONS, {"np": np})
