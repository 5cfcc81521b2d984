"""Activations and losses as functions, by PyTorch's names, with its argument order and defaults."""

import numpy as np

from ..derivatives.activations import elu, leaky_relu, relu
from ..derivatives.elementwise import sigmoid
from ..derivatives.softmax import log_softmax, logsumexp, softmax
from ..derivatives.special import erf
from ..engine.names import answers
from .activations import dropout, gelu, linear, silu, softplus, tanh
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
    huber_loss,
    kl_div,
    l1_loss,
    mse_loss,
    nll_loss,
    one_hot,
)
from .names import FUNCTIONS

__all__ = [
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_max_pool2d", "avg_pool1d", "avg_pool2d",
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "conv1d", "conv2d", "conv_transpose1d",
    "conv_transpose2d", "cross_entropy", "dropout", "elu", "erf", "gelu", "huber_loss", "kl_div", "l1_loss",
    "leaky_relu", "linear", "log_softmax", "logsumexp", "max_pool1d", "max_pool2d", "mse_loss", "nll_loss",
    "one_hot", "relu", "scaled_dot_product_attention", "sigmoid", "silu", "softmax", "softplus", "tanh",
]  # fmt: skip

__getattr__, __dir__ = answers(__name__, __all__, FUNCTIONS, {"np": np})
