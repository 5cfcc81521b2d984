"""Layers: Modules that hold parameters and compute. Start reading at module.py, then linear.py."""

from .. import functional as _functional
from ..engine.names import answers
from . import init
from .activations import ELU, GELU, LeakyReLU, ReLU, Sigmoid, SiLU, Softmax, Softplus, Tanh
from .attention import MultiheadAttention, TransformerEncoder, TransformerEncoderLayer
from .cells import GRUCell, LSTMCell, RNNCell
from .containers import Flatten, Sequential
from .convolution import Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d
from .dropout import Dropout
from .embedding import Embedding
from .linear import Identity, Linear
from .module import Module
from .names import LAYERS
from .normalization import BatchNorm1d, LayerNorm
from .pooling import AdaptiveAvgPool1d, AdaptiveAvgPool2d, AvgPool1d, AvgPool2d, MaxPool1d, MaxPool2d
from .recurrent import GRU, LSTM, RNN

__all__ = [
    "ELU", "GELU", "GRU", "LSTM", "RNN", "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AvgPool1d", "AvgPool2d",
    "BatchNorm1d", "Conv1d", "Conv2d", "ConvTranspose1d", "ConvTranspose2d", "Dropout", "Embedding", "Flatten",
    "GRUCell", "Identity", "LSTMCell", "LayerNorm", "LeakyReLU", "Linear", "MaxPool1d", "MaxPool2d", "Module",
    "MultiheadAttention", "RNNCell", "ReLU", "Sequential", "SiLU", "Sigmoid", "Softmax", "Softplus", "Tanh",
    "TransformerEncoder", "TransformerEncoderLayer", "init",
]  # fmt: skip

__getattr__, __dir__ = answers(__name__, __all__, LAYERS, {"tl.functional": _functional})
