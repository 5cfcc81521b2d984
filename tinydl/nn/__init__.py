"""Layers: Modules that hold parameters and compute. Start reading at module.py, then linear.py."""

from .. import functional as _functional
from ..engine.names import answers
from . import init
from .activations import (
    CELU,
    ELU,
    GELU,
    SELU,
    Hardtanh,
    LeakyReLU,
    LogSigmoid,
    LogSoftmax,
    Mish,
    PReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Softsign,
    Tanh,
)
from .containers import Flatten, Sequential
from .dropout import Dropout, Dropout2d
from .embedding import Embedding
from .linear import Identity, Linear
from .module import Module
from .names import LAYERS
from .normalization import BatchNorm1d, BatchNorm2d, GroupNorm, LayerNorm, RMSNorm

__all__ = [
    "CELU", "ELU", "GELU", "SELU", "BatchNorm1d", "BatchNorm2d", "Dropout", "Dropout2d", "Embedding", "Flatten",
    "GroupNorm", "Hardtanh", "Identity", "LayerNorm", "LeakyReLU", "Linear", "LogSigmoid", "LogSoftmax", "Mish",
    "Module", "PReLU", "RMSNorm", "ReLU", "Sequential", "SiLU", "Sigmoid", "Softmax", "Softplus", "Softsign", "Tanh",
    "init",
]  # fmt: skip

__getattr__, __dir__ = answers(__name__, __all__, LAYERS, {"tl.functional": _functional})
