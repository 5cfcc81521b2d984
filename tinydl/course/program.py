"""`tinydl program`: prints the training step of the demo's network as the program in NumPy that it is compiled to."""

from __future__ import annotations

import argparse
from textwrap import indent
from typing import Any

from .. import data
from .. import functional as F
from ..engine import random
from ..engine.checks import listed
from .command import UsageError, integer
from .demo import OPTIMIZERS, asked_model

STEP = """\
def step(x, y):
    optimizer.zero_grad()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
    return loss.item()
"""
DESCRIPTION = f"""\
Prints one training step of the demo's network as a program in plain NumPy, line by line: the forward pass, the backward
pass, the optimizer's update. It is what tl.compile makes of this function, and runs in its place with the same results
to the bit:

{indent(STEP, "  ")}"""
EXAMPLES = """\
examples:
  tinydl program
  tinydl program --optimizer sgd --hidden 16 --batch 1
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
    digits = data.digits()
    if chosen.batch > len(digits):
        raise UsageError(f"--batch {chosen.batch}: there are {len(digits)} digits")
    step = demo_step(chosen.hidden, chosen.optimizer, digits[: chosen.batch])
    size = f"a batch of {chosen.batch}, a network 64-{chosen.hidden}-10, {chosen.optimizer}"
    print(f"# a training step of the demo in NumPy: {size}\n{step}")
    return 0


def demo_step(hidden: int, name: str, batch: data.Dataset) -> Any:
    """The demo's step, compiled, after the calls that record its program."""
    from ..compiling.compile import compile  # on use: no other command needs it

    make, rate = OPTIMIZERS[name]
    with random.seeded(0):
        model = asked_model(hidden)
        names = {"model": model, "optimizer": make(model.parameters(), lr=rate), "F": F}
        exec(STEP, names)  # of a file of tinydl's own, loss.item() would be no user's
        step = compile(names["step"])
        for _ in range(2):  # the second is as all that follow, for the optimizer has its state by then
            step(batch.x, batch.y)
    return step
