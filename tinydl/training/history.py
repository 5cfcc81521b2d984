"""What happened in a run of `fit`: one number per epoch of everything that was measured."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, KeysView, Mapping, ValuesView
from typing import Any


class History:
    """What happened in a run of `fit`: lists with one float per epoch, reached by name.

    ``history["loss"]``, and with validation ``["val_loss"]``; one more of each per metric (``["accuracy"]``,
    ``["val_accuracy"]``); ``["lr"]``, the learning rate of the epoch. ``len(history)`` is the number of epochs.
    `stopped` says why the run ended before its last epoch: "early stopping", "interrupted" or "callback"; else None.
    ``norms["0.weight"]["update"]``, and "weight" and "gradient", are Euclidean norms: of what the last step of each
    epoch added to the parameter, of the parameter after it and of its gradient; `tl.diagnose` reads them.
    """

    def __init__(self) -> None:
        self.curves: dict[str, list[float]] = {}
        self.stopped: str | None = None
        self.norms: dict[str, dict[str, list[float]]] = {}

    def __getitem__(self, name: str) -> list[float]:
        if name not in self.curves:
            advice = "pass validation= to fit" if name.startswith("val_") else "pass metrics={name: function} to fit"
            known = ", ".join(self.curves) or "nothing: no epoch was completed"
            raise KeyError(f"this history has no {name!r}; it has {known} ({advice} for more)")
        return self.curves[name]

    def __contains__(self, name: object) -> bool:
        return name in self.curves

    def __iter__(self) -> Iterator[str]:
        return iter(self.curves)

    def __len__(self) -> int:
        return len(self.curves.get("loss", ()))

    def keys(self) -> KeysView[str]:
        """The names of the curves."""
        return self.curves.keys()

    def values(self) -> ValuesView[list[float]]:
        """The curves themselves."""
        return self.curves.values()

    def items(self) -> ItemsView[str, list[float]]:
        """Names with their curves."""
        return self.curves.items()

    def add(self, numbers: Mapping[str, float]) -> None:
        """Append one epoch's numbers to the curves."""
        for name, number in numbers.items():
            self.curves.setdefault(name, []).append(float(number))

    def add_norms(self, norms: Mapping[str, Mapping[str, float]]) -> None:
        """Append one epoch's norms of weight, gradient and update of each parameter."""
        for name, numbers in norms.items():
            kept = self.norms.setdefault(name, {})
            for what, number in numbers.items():
                kept.setdefault(what, []).append(number)

    def plot(self) -> Any:
        """The curves over the epochs, training and validation together, as a matplotlib Figure (`.savefig(path)`)."""
        from ..plots.training import history_figure

        return history_figure(self)

    def __repr__(self) -> str:
        last = ", ".join(f"{name} {curve[-1]:.4g}" for name, curve in self.curves.items() if curve)
        stopped = f", stopped by {self.stopped}" if self.stopped else ""
        return f"<History of {len(self)} epochs{': ' + last if last else ''}{stopped}>"
