"""PyTorch with `torch.compile`: forward and loss, whose backward pass is compiled with them, and the optimizer's step.

The whole step in one `torch.compile` would be cut at `backward()` and run eagerly. Compilation happens before the
timing; it needs a C++ compiler.
"""

from __future__ import annotations

from typing import Any

import torch

from adapters import Job, in_torch


def training(problem: Any) -> Job:
    return in_torch.training(problem, torch.compile)


def moons(problem: Any) -> Job:
    return in_torch.moons(problem, torch.compile)


def attention(problem: Any) -> Job:
    return in_torch.attention(problem, torch.compile)


def inference(problem: Any) -> Job:
    return in_torch.inference(problem, torch.compile)
