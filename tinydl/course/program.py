"""`tinydl program`: prints the training step of the demo's network as the NumPy program that `tl.compile` makes of it."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from .. import data
from .. import functional as F
from ..engine import random
from ..engine.checks import listed
from .command import UsageError, integer
from .demo import OPTIMIZERS, demo_model

DESCRIPTION = """\
Prints one training step of the demo's network as a program in plain NumPy, line by line: the forward pass, the backward
pass, the optimizer's update. It is what tl.compile makes of these five lines, and runs in their place, with the same
results to the bit:

  optimizer.zero_grad()
  loss = F.cross_entropy(model(x), y)
  loss.backward()
  optimizer.step()
  return loss.item()
"""
EXAMPLES = """\
examples:
  tinydl program
  tinydl program --optimizer sgd --hidden 16 --batch 1
  tinydl program > step.py
"""


def add_program_command(subparsers: Any) -> None:
    """`tinydl program`: the demo's training step as NumPy."""
    parser = subparsers.add_parser(
        "program",
        help="print the demo's training step as a program in plain NumPy",
        description=DESCRIPTION,
        epilog=EXAMPLES,
    )
    parser.add_argument("--hidden", type=integer(1), default=128, help="units in the hidden layer (default 128)")
    parser.add_argument(
        "--optimizer", choices=OPTIMIZERS, default="adam", metavar="NAME",
        help=f"{listed(list(OPTIMIZERS), 9)} (default adam; sgd has momentum 0.9)",
    )  # fmt: skip
    parser.add_argument("--batch", type=integer(1), default=32, help="digits in a step (default 32)")
    parser.set_defaults(run=run_program)


def run_program(chosen: argparse.Namespace) -> int:
    """Print the program, which is code: no line of it is broken, however narrow the terminal."""
    try:
        step = demo_step(chosen.hidden, chosen.optimizer, chosen.batch)
    except (MemoryError, ValueError, OverflowError):  # the last two for more units than an axis can have
        raise UsageError(
            f"there isn't enough memory for --hidden {chosen.hidden} and --batch {chosen.batch}"
        ) from None
    print(f"# {chosen.batch} digits, a network 64-{chosen.hidden}-10, {chosen.optimizer}: one training step in NumPy")
    print(step)
    return 0


def demo_step(hidden: int, name: str, batch: int) -> Any:
    """The demo's step on a batch of digits, compiled, after the calls that record its program."""
    from ..compiling.compile import compile  # on use: no other command needs it

    make, rate = OPTIMIZERS[name]
    with random.seeded(0):
        model = demo_model(hidden)
        optimizer = make(model.parameters(), lr=rate)

        def step(x: Any, y: Any) -> Any:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            return loss.item()

        compiled = compile(step)
        digits = data.digits()
        x, y = digits[np.arange(batch) % len(digits)]
        for _ in range(2):  # the second is as all that follow, for the optimizer has its state by then
            compiled(x, y)
    return compiled
