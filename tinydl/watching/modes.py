"""A model in train or eval mode for a while: what `fit`, `predict`, `summary` and maps of importance do to one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..nn.module import Module


@contextmanager
def mode(model: Module, training: bool) -> Iterator[None]:
    """Within, the model is in train or eval mode; afterwards each of its modules is in the mode it came in."""
    before = [(module, module.training) for _, module in model.named_modules()]
    model.train() if training else model.eval()
    try:
        yield
    finally:
        for module, was in before:
            module.training = was
