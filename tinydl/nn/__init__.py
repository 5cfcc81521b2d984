"""Layers: Modules that hold parameters and compute. Start reading at module.py, then linear.py."""

from .. import functional as _functional
from ..engine.names import answers
from . import init
from .activations import ELU, GELU, LeakyReLU, ReLU, Sigmoid, SiLU, Softmax, Softplus, Tanh
from .cells import GRUCell, LSTMCell, RNNCell
from .containers import Flatten, Sequential
from .dropout import Dropout
from .embedding import Embedding
from .linear import Identity, Linear
from .module import Module
from .names import LAYERS
from .normalization import BatchNorm1d, LayerNorm
from .recurrent import GRU, LSTM, RNN

__all__ = [
    "ELU", "GELU", "GRU", "LSTM", "RNN", "BatchNorm1d", "Dropout", "Embedding", "Flatten", "GRUCell", "Identity",
    "LSTMCell", "LayerNorm", "LeakyReLU", "Linear", "Module", "RNNCell", "ReLU", "Sequential", "SiLU", "Sigmoid",
    "Softmax", "Softplus", "Tanh", "init",
]  # fmt: skip

__getattr__, __dir__ = answers(__name__, __all__, LAYERS, {"tl.functional": _functional})
