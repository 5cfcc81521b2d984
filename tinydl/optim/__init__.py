"""How parameters learn from their gradients: optimizers, learning-rate schedules, gradient clipping.

Start reading at optimizer.py, then sgd.py and adaptive.py, in which each update is its paper's, line by line.
"""

from ..engine.arrays import euclidean_norm
from ..engine.names import answers, lacks
from .adaptive import Adadelta, Adagrad, Adam, AdamW, RMSprop
from .clipping import clip_grad_norm, clip_grad_value
from .names import OPTIMIZER, OPTIMIZERS, SCHEDULE
from .optimizer import Optimizer
from .schedules import CosineAnnealingLR, LinearWarmup, ReduceLROnPlateau, Schedule, StepLR
from .sgd import SGD

__all__ = [
    "SGD", "Adadelta", "Adagrad", "Adam", "AdamW", "CosineAnnealingLR", "LinearWarmup", "Optimizer", "RMSprop",
    "ReduceLROnPlateau", "Schedule", "StepLR", "clip_grad_norm", "clip_grad_value", "euclidean_norm",
]  # fmt: skip

__getattr__, __dir__ = answers(__name__, __all__, OPTIMIZERS)
lacks(Optimizer, OPTIMIZER)
lacks(Schedule, SCHEDULE)
