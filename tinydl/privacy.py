"""Training that hides each single example: the gradients of a step, and what a run of them has given away.

``import tinydl`` loads it on first use, and dp-accounting, which `epsilon` needs, only when that is called. What is
done is in training/privacy.py, how each example's norm is found in training/ghost.py.
"""

from .engine.names import answers
from .training.privacy import epsilon, private_gradients

__all__ = ["epsilon", "private_gradients"]

__getattr__, __dir__ = answers(
    __name__,
    __all__,
    {
        "PrivacyEngine": "write tl.privacy.private_gradients(…) in place of backward(), before optimizer.step()",
        "get_epsilon": "write tl.privacy.epsilon(noise, rate, steps, delta)",
    },
)
