"""What a map of importance has to be put beside before it is believed: its controls.

The same map of a network that has learned nothing, or nonsense; the input alone; and what happens to the score when
the inputs that are said to matter are taken away, in that order, at random, in the order of gradient × input.
attribution.py, which one reads next, makes the maps and calls this.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..engine.arrays import Array
from ..engine.random import seeded
from ..engine.tensor import Tensor
from ..engine.terminal import shown
from ..nn.module import Module, members
from .measured import copied

STEPS = 16  # in which all inputs are taken away
ORDERS = 5  # random ones, whose mean is drawn
ALIKE = 0.5  # a rank correlation from which on most of what is seen is seen without learning
MARGIN = 0.05  # a lead below this part of a fall is one that nobody sees, however many rows make it certain
OWN, PRODUCT, RANDOM = "its order", "gradient × input", "random order"


def ranks(x: Array) -> Array:
    """The rank of each number within its row, from 0; equal numbers share the mean of theirs. (N, U) → (N, U)."""
    found = np.empty(x.shape)
    for row, made in zip(x, found, strict=True):
        _, place, count = np.unique(row, return_inverse=True, return_counts=True)
        made[:] = (np.cumsum(count) - (count + 1) / 2)[place]
    return found


def rank_correlation(a: Array, b: Array, where: Array | None = None) -> float:
    r"""The mean over rows of Spearman's :math:`\operatorname{corr}(\operatorname{rank} a, \operatorname{rank} b)`.

    Shapes: a, b (N, U), and `where`, the numbers that are compared, by default all. Rows in which all numbers of one of
    them are equal have none, and are left out; NaN if no row is left. Source: Spearman, The proof and measurement of
    association between two things (1904).
    """
    found = []
    for x, y, chosen in zip(a, b, np.ones(a.shape, bool) if where is None else where, strict=True):
        x, y = (r - r.sum() / max(1, r.size) for r in ranks(np.stack([x[chosen], y[chosen]])))
        if (scale := np.sqrt((x @ x) * (y @ y))) > 0:
            found.append(float(x @ y / scale))
    return float(np.mean(found)) if found else float("nan")


# ---- a copy that has learned nothing ----


def untrained(model: Module, seed: int) -> Module:
    """A copy of the model that has learned nothing.

    tinydl's layers, and those made of them, are made anew from the settings that they keep, buffers as well. A
    parameter of a Module of one's own, which only its author could draw anew, keeps its numbers in another order, and
    so does a mask of weights that were pruned; other arrays of one's own, and what isn't trained, stay.
    """
    made, *_ = copied(model, None, None)
    rng = np.random.default_rng([seed, 1])  # not what manual_seed(seed) draws: this model may have begun with it
    with seeded(rng):
        done = set[Module]()
        for module in made.modules():
            own = [entry for entry in members(module) if not isinstance(entry[3], Module)]
            if not own or module in done:
                continue
            fresh, drawn = _made_again(module), dict[str, Array]()
            if fresh is not None:  # with what is inside: attention's layers don't begin as others do
                inside, before = dict(fresh.named_modules()), module.state_dict()
                done.update(each for name, each in module.named_modules() if name in inside)
                drawn = {k: a for k, a in fresh.state_dict().items() if k in before and before[k].shape == a.shape}
                module.load_state_dict(drawn, strict=False)
            for name, holder, key, value in own:
                if name in drawn:
                    continue
                if isinstance(value, Tensor) and value.requires_grad:
                    value.data = rng.permutation(value._data.ravel()).reshape(value.shape)
                elif fresh is not None and isinstance(value, np.ndarray) and value.dtype == bool:
                    holder[key] = rng.permutation(value.ravel()).reshape(value.shape)
    return made


def _made_again(module: Module) -> Module | None:
    """Another layer of the same settings; None of what isn't one of tinydl's, or made of one."""
    ours = [c for c in type(module).__mro__ if issubclass(c, Module) and c.__module__.startswith("tinydl.nn.")]
    kind = ours[0]
    if kind is Module:
        return None
    settings: dict[str, Any] = {}
    for name, p in inspect.signature(kind).parameters.items():
        value = vars(module).get(name, p.empty)
        if value is not p.empty:
            settings[name] = True if isinstance(value, Tensor) else value  # bias=True became `bias` itself, or None
    made: Module = kind(**settings)
    return made


# ---- taking inputs away ----


def deletion(
    scores: Callable[[Array], Array], at: Array, without: Array, order: Array, rng: np.random.Generator
) -> Array:
    """How far the score of each row has fallen when the first inputs in an order are replaced: (N, STEPS + 1).

    Shapes: at, without (N, …), the inputs and what takes their place; order (N, …), which can be broadcast to that: the
    largest is taken away first, and what it stands for is taken away together. Equal numbers go in random order, so
    that a map which is the same everywhere has none. Source: Samek et al., Evaluating the visualization of what a deep
    neural network has learned (2017). What is left is unlike anything the network was trained on, and part of each fall
    is that (Hooker et al. 2019).
    """
    n, units = len(order), order[0].size
    place = np.empty((n, units), int)
    by_order = np.lexsort((rng.random((n, units)), -order.reshape(n, -1)), axis=1)
    np.put_along_axis(place, by_order, np.arange(units)[None], 1)
    falls, whole = [np.zeros(n)], scores(at)
    for step in range(1, STEPS + 1):
        gone = (place < round(units * step / STEPS)).reshape(order.shape)
        falls.append(whole - scores(np.where(gone, without, at)))
    return np.stack(falls, 1)


@dataclass(eq=False, repr=False)
class Controls:
    """A map beside its controls, printed as sentences; what is no better than a control is said to be so.

    Rank correlations, over all inputs and averaged over rows, of the map's absolute values with those of the same map
    of an `untrained` copy, of a network trained on `shuffled` labels (None if there was none), and with the size of the
    `inputs` alone. In pictures most of such a correlation is the paper that nothing is on; so `untrained_signed` and
    `shuffled_signed` are those of the maps with their signs, over the inputs that aren't already what takes their
    place: which of them speak for the class, and which against it; None of a map without signs. `falls` has, by the
    name of an order, how far the score has fallen for each row while inputs were taken away, in `STEPS` equal steps
    from none to all, (N, 17). `empty` maps are 0 everywhere, as those of `grad_cam` may be.
    """

    method: str
    rows: int
    untrained: float
    shuffled: float | None
    inputs: float
    falls: Mapping[str, Array] = field(default_factory=dict)
    untrained_signed: float | None = None
    shuffled_signed: float | None = None
    empty: int = 0

    def fall(self, order: str = OWN) -> float:
        """The mean fall of the score on the way from no input taken away to all; the larger, the better the order."""
        return float(self._mean_falls(order).mean())

    def better_than(self, order: str) -> bool:
        """Whether the map's order makes the score fall further than another one: by more than two standard errors, and
        by more than a twentieth of its fall."""
        difference, error = self.lead(order)
        return difference > max(2 * error, MARGIN * abs(self.fall(order)))

    def lead(self, order: str) -> tuple[float, float]:
        """By how much further, on the mean over rows, and the standard error of that; it is infinite for one row."""
        leads = self._mean_falls(OWN) - self._mean_falls(order)
        error = float(leads.std(ddof=1) / np.sqrt(len(leads))) if len(leads) > 1 else float("inf")
        return float(leads.mean()), error

    def _mean_falls(self, order: str) -> Array:
        if order not in self.falls:
            raise ValueError(f"there is no order {order!r}; there are {', '.join(map(repr, self.falls))}")
        means: Array = self.falls[order][:, 1:-1].mean(1)  # in the end all orders are alike
        return means

    @property
    def sentences(self) -> list[str]:
        """What there is to say of the map, one sentence each."""
        said = [_alike("an untrained copy", self.untrained, "is there without any learning")]
        signed = []
        if self.untrained_signed is not None:
            signed.append(f"{_number(self.untrained_signed)} with the untrained copy")
        if self.shuffled is not None:
            of = "a network trained on shuffled labels"
            said.append(_alike(of, self.shuffled, "is there where nothing can be learned"))
        if self.shuffled_signed is not None:
            signed.append(f"{_number(self.shuffled_signed)} with the network trained on shuffled labels")
        said.append(_alike("the inputs alone", self.inputs, "is the input, not the network"))
        if signed:
            said.append(f"Rank correlation with signs, of inputs that aren't blank: {', '.join(signed)}.")
        falls = ", ".join(f"{self.fall(order):.3g} in {_called(order)}" for order in self.falls)
        said.append(f"While inputs are taken away, the score falls on average by {falls}.")
        if self.empty:
            said.append(f"{self.empty} of {self.rows} maps are 0 everywhere, and say nothing.")
        for order in (RANDOM, PRODUCT):
            lead, error = self.lead(order)
            why = f"{lead:+.2g} ± {2 * error:.1g}" if self.rows > 1 else "one row can't tell"
            better = self.better_than(order)
            small = ", less than a twentieth" if lead > 2 * error and not better else ""
            how = "better" if better else "worse" if -lead > 2 * error else "no better"
            said.append(f"It is {how} than {order} here ({why}{small}).")
        return said

    def __str__(self) -> str:
        return shown("\n".join([f"{self.method}, {self.rows} rows", *(f"  {line}" for line in self.sentences)]))

    __repr__ = __str__


def _called(order: str) -> str:
    return f"that of {order}" if order == PRODUCT else order


def _alike(what: str, correlation: float, then: str) -> str:
    if np.isnan(correlation):
        return f"Rank correlation of sizes with those of {what}: none, one of them is the same everywhere."
    mostly = f": most of where it is large {then}" if correlation >= ALIKE else ""
    return f"Rank correlation of sizes with those of {what}: {correlation:.2f}{mostly}."


def _number(correlation: float) -> str:
    return "none" if np.isnan(correlation) else f"{correlation:.2f}"
