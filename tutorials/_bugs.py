"""The bugs of the lesson `bug_lab`: inside ``with bug(lab):`` the program is wrong, afterwards it is right again.

A `Lab` holds the parts of a training program. Some bugs replace one of them, others something in tinydl itself. Guess
first, read afterwards: each bug's docstring is the line that somebody has really written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from tinydl import data, nn, optim
from tinydl import functional as F
from tinydl.engine.dispatch import primitives


class Lab:
    """The parts of a program that learns to tell the arms of a spiral apart; each may be replaced."""

    def __init__(self) -> None:
        spiral = data.spirals(300, noise=0.1, seed=0)
        self.examples: Callable[[], tuple[Any, Any]] = lambda: (spiral.x, spiral.y)
        self.model: Callable[[], Any] = lambda: nn.Sequential(
            nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 3)
        )
        self.loss: Callable[[Any, Any], Any] = F.cross_entropy
        self.optimizer: Callable[[Any], Any] = lambda model: optim.SGD(model.parameters(), lr=0.1, momentum=0.9)


@contextmanager
def replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    """Within, ``owner.name`` is `value`."""
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


def zero_grad_forgotten(lab: Lab) -> Any:
    """The line ``optimizer.zero_grad()`` is missing."""
    return replaced(optim.Optimizer, "zero_grad", lambda self: None)


def softmax_twice(lab: Lab) -> Any:
    """The network ends in nn.Softmax(), "since we want probabilities", and cross_entropy takes the softmax again."""
    make = lab.model
    return replaced(lab, "model", lambda: nn.Sequential(*make(), nn.Softmax()))


def tanh_of_the_array(lab: Lab) -> Any:
    """``np.tanh(x.data)``: on the way through the plain array the graph is lost."""
    return replaced(nn.Tanh, "forward", lambda self, x: np.tanh(x.data))


def optimizer_of_the_old_layer(lab: Lab) -> Any:
    """``optimizer = SGD(model.parameters())``, and then ``model[4] = nn.Linear(32, 3)``."""
    make = lab.optimizer

    def optimizer(model: Any) -> Any:
        made = make(model)
        model[4] = nn.Linear(32, 3)
        return made

    return replaced(lab, "optimizer", optimizer)


def squared_error_of_all_pairs(lab: Lab) -> Any:
    """``np.mean((outputs - y) ** 2)`` with outputs of shape (n, 1) and y of shape (n,)."""
    return replaced(lab, "loss", lambda outputs, y: np.mean((outputs - y[:, 0]) ** 2))


def started_at_zero(lab: Lab) -> Any:
    """``np.zeros(shape)`` for weights and biases of both hidden layers, "so that the runs are comparable"."""
    make = lab.model

    def model() -> Any:
        made = make()
        for p in [*made[0].parameters(), *made[2].parameters()]:
            p.data = np.zeros(p.shape)
        return made

    return replaced(lab, "model", model)


def biases_far_below(lab: Lab) -> Any:
    """relu in place of tanh, and ``bias = np.full(32, -3.0)`` in the first layer."""

    def model() -> Any:
        made = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 3))
        made[0].bias.data = np.full(32, -3.0)
        return made

    return replaced(lab, "model", model)


def rate_too_high(lab: Lab) -> Any:
    """``lr=10`` for ``lr=0.1``."""
    return replaced(lab, "optimizer", lambda model: optim.SGD(model.parameters(), lr=10.0, momentum=0.9))


def inputs_in_pixels(lab: Lab) -> Any:
    """Coordinates from −255 to 255 instead of −1 to 1."""
    examples = lab.examples
    return replaced(lab, "examples", lambda: (255 * examples()[0], examples()[1]))


def sorted_by_class(lab: Lab) -> Any:
    """The file is sorted by class, and nobody shuffles."""
    x, y = lab.examples()
    order = np.argsort(y, kind="stable")
    return replaced(lab, "examples", lambda: (x[order], y[order]))


def wrong_letter_in_a_rule(lab: Lab) -> Any:
    """tanh's rule reads ``g * (1 - x * x)`` instead of ``g * (1 - y * y)``, with x kept within −1 … 1."""
    return replaced(primitives["tanh"], "rules", (lambda g, y, x: g * (1 - np.clip(x, -1, 1) ** 2),))


def one_layer_times_two(lab: Lab) -> Any:
    """``[nn.Linear(32, 32)] * 2``, which is one layer, twice, and not two layers."""

    def model() -> Any:
        return nn.Sequential(nn.Linear(2, 32), *[nn.Tanh(), nn.Linear(32, 32)] * 2, nn.Tanh(), nn.Linear(32, 3))

    return replaced(lab, "model", model)


def labels_off_by_one(lab: Lab) -> Any:
    """Every example has its neighbour's label: one line too many was skipped in one of two files."""
    x, y = lab.examples()
    return replaced(lab, "examples", lambda: (x, np.roll(y, 1)))


def regression() -> Lab:
    """Another lab, whose program fits a curve: one number in, one out, targets of shape (n, 1)."""
    lab = Lab()
    x = np.random.default_rng(0).uniform(-2, 2, size=(300, 1)).astype(np.float32)
    lab.examples = lambda: (x, np.sin(2 * x))
    lab.model = lambda: nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 1))
    lab.loss = F.mse_loss
    return lab
